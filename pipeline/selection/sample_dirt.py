"""What makes the sample of chat logs dirty: openings that say nothing, residue, personal data, slips.

Draws are hashes of names, so that they are the same everywhere and one more does not change the others.
"""

from __future__ import annotations

import hashlib
import string

__all__ = ["ANSWER_TO_SHORT", "SHORTS", "draw", "mistyped", "with_personal", "with_residue"]

SHORTS = ("continue", "hi", "hello", "thanks", "ok", "go on", "test", "yes please", "hey there",
          "good morning", "more", "next")  # fmt: skip
ANSWER_TO_SHORT = "Gladly. What would you like to talk about?"
RESIDUES = ("1 / 2\n{}", "{}\nShare Prompt", "{}\nCopy code", "{}\n2 / 2",
            "{}\nRegenerate response")  # fmt: skip
# Sentences with personal data, and the prompts that they are added to, by how these begin. Telephone
# numbers are Ofcom's for drama, addresses of a network without hosts (RFC 7535): nobody has them.
PERSONAL = (
    ("I keep the books for a bakery", "email",
     "My boss reads along at marta.lindqvist@brodhuset-lund.se, so please keep it short."),
    ("For a survey on bus use", "email",
     "The council's planner, tom.ashdown@withercombe-council.co.uk, would like to see the reasons, too."),
    ("Is there a way to learn enough Finnish", "email",
     "If you know of a group, my address is k.hollerbach@postwerk-mail.de."),
    ("The washing machine", "phone",
     "If you know a repair shop in Leeds, they can ring me on +44 113 496 0347."),
    ("I want to stop my dog", "phone",
     "My neighbour says I can give her number, 020 7946 0123, to a trainer."),
    ("Our Postgres 15 table", "ipv4", "The server is at 192.31.196.58 and has 64 GB of memory."),
    ("I get this when I start my Flask app", "ipv4",
     "The database runs on the host 192.31.196.71, port 5432, and I can ping it."),
    ("This React effect", "ai_key", 'The header is "Authorization: Bearer {key}", if that matters.'),
)  # fmt: skip


def draw(*names: object) -> float:
    """A number from 0 to below 1 that these names always give."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def with_residue(prompt: str, number: int) -> str:
    """A prompt with what a front end leaves, of each kind in turn."""
    return RESIDUES[number % len(RESIDUES)].format(prompt)


def with_personal(prompt: str) -> tuple[str, str]:
    """The kind of personal data that is added to a prompt, and the prompt with it."""
    for start, kind, sentence in PERSONAL:
        if prompt.startswith(start):
            return kind, f"{prompt} {sentence.replace('{key}', _key())}"
    return "", prompt


def _key() -> str:
    """Of the form that keys of a service have. None is written out here, lest a scanner find it."""
    letters = string.ascii_letters + string.digits
    return "sk-" + "".join(letters[int(len(letters) * draw("key", at))] for at in range(48))


def mistyped(text: str) -> str:
    """The text with two letters swapped in a word of its middle."""
    words = text.split(" ")
    middle = len(words) // 2
    at = min(
        (at for at, word in enumerate(words) if len(word) >= 6 and word.isalpha()),
        key=lambda at: abs(at - middle),
    )
    word = words[at]
    words[at] = f"{word[:2]}{word[3]}{word[2]}{word[4:]}"
    return " ".join(words)

"""How the texts of ``toxicity_texts`` are spelt: articles, capitals, typing errors, disguised words."""

from __future__ import annotations

import random
import re

__all__ = ["capitalised", "disguised", "roughened", "with_articles"]

_LOOKALIKES = {"a": "@4", "e": "3", "i": "1!", "o": "0", "s": "$5", "t": "7", "l": "1", "g": "9"}
_VOWEL = re.compile(
    r"(?!eu|ewe|one\b|once\b|un[ai](?!m|n)|uni[oqv]|us[aei]|ut[ei]|uk\b)[aeiou]|hour|honest|heir|honour"
)


def with_articles(text: str) -> str:
    """Every "a" and "an" as the next word wants it: "a idiot" becomes "an idiot"."""

    def right(found: re.Match[str]) -> str:
        article, word = found[1], found[2]
        if word[:2].isupper() or word[1:2] == "-":  # spelt: an SQL query, an X-ray, a UK visa
            vowel = word[0] in "AEFHILMNORSXaefhilmnorsx"
        else:
            vowel = bool(_VOWEL.match(word.lower()))
        return f"{article}n {word}" if vowel else f"{article} {word}"

    return re.sub(r"(?:(?<=[ (\"“])|^)(a|(?:(?<=[.!?:] )|(?<=\")|^)A)n? ([\w-]+)", right, text)


def capitalised(text: str) -> str:
    """A capital at the start of every sentence."""
    return re.sub(r"(^[\"“]?|[.!?] [\"“]?)([a-z])", lambda found: found[1] + found[2].upper(), text)


def disguised(words: str, rng: random.Random) -> str:
    """A word as somebody writes it who wants to get past a filter, or to draw it out."""
    return " ".join(_disguised_word(word, rng) for word in words.split())


def roughened(text: str, rng: random.Random) -> str:
    """The text as it is, or as a hurried writer types it; the odds do not depend on the text."""
    way = rng.randrange(100)
    for change, share in _CHANGES.items():
        if way < share:
            return change(text, rng)
        way -= share
    return text


def _lower(text: str, rng: random.Random) -> str:
    return text.lower()


def _bare(text: str, rng: random.Random) -> str:
    return text.lower().rstrip(".!?")


def _upper(text: str, rng: random.Random) -> str:
    return text.upper()


def _marked(text: str, rng: random.Random) -> str:
    return text.rstrip(".!?") + rng.choice(["!!", "!!!", "...", "?!", "??"])


def _other_apostrophes(text: str, rng: random.Random) -> str:
    return text.replace("'", rng.choice(["", "’"]))


def _disguised_word(word: str, rng: random.Random) -> str:
    way = rng.randrange(8)
    inner = range(1, len(word))
    if way == 0:
        return "".join(
            rng.choice(_LOOKALIKES[letter]) if letter in _LOOKALIKES else letter for letter in word
        )
    if way == 1 and len(word) > 2:
        return word[0] + "*" * (len(word) - 2) + word[-1]
    if way == 2:
        return rng.choice(" .-_").join(word)
    if way == 3:
        at = rng.choice(inner) if len(word) > 1 else 0
        return word[:at] + word[at] * rng.randint(2, 5) + word[at + 1 :]
    if way == 4 and len(word) > 4:
        return word[0] + re.sub("[aeiou]", "", word[1:])
    if way == 5 and len(word) > 3:
        at = rng.choice(inner[:-1])
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if way == 6:
        return re.sub("[aeiou]", lambda found: rng.choice(["*", "#", "-"]), word, count=1)
    places = [at for at, letter in enumerate(word) if letter in _LOOKALIKES]
    if not places:
        return word[0] + "." + word[1:]
    at = rng.choice(places)
    return word[:at] + rng.choice(_LOOKALIKES[word[at]]) + word[at + 1 :]


def _with_typing_error(text: str, rng: random.Random) -> str:
    words = [at for at, letter in enumerate(text[:-2]) if text[at : at + 3].isalpha()]
    if not words:
        return text
    at = rng.choice(words)
    return rng.choice(
        [
            text[: at + 1] + text[at + 2] + text[at + 1] + text[at + 3 :],
            text[: at + 1] + text[at + 2 :],
            text[: at + 1] + text[at] + text[at + 1 :],
        ]
    )


# Of a hundred texts, how many are written carelessly in which way. The same for both labels, so that
# carelessness says nothing about abuse.
_CHANGES = {
    _lower: 7,
    _bare: 7,
    _with_typing_error: 6,
    _upper: 3,
    _marked: 3,
    _other_apostrophes: 4,
}

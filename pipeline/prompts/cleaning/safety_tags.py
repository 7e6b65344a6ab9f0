"""Jailbreaks, prompt injections and abuse in prompts, as tags with the place that was matched.

Nothing is dropped here: a recipe decides, and safety data wants these prompts.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import dataclasses
import re
from collections.abc import Iterator, Sequence

from pipeline.core.records import Document
from pipeline.filters.toxicity import Toxicity
from pipeline.prompts.cleaning.safety_patterns import DISCUSSION, KINDS, NEEDED, PATTERNS
from pipeline.prompts.conversation import USER, Conversation

__all__ = ["ConversationSafety", "SafetyTag", "safety_of", "safety_tags"]

_SHOWN = 200  # characters of a match that a tag holds
_AROUND = 400  # characters of a prompt on either side of a match that tell whether it is discussed

_QUOTATIONS = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]{1,400}`|\"[^\"\n]{1,400}\"|“[^“”\n]{1,400}”|„[^„“”\n]{1,400}[“”]"
    r"|«[^«»\n]{1,400}»|「[^「」\n]{1,400}」|(?<!\w)'[^'\n]{1,400}'(?!\w)|(?:^|\n)>[^\n]*",
    re.DOTALL,
)
_SENTENCE = re.compile(r"[.!?\n](?:\s|\Z)")
# Without quotation marks only these say that a wording is talked of.
_ABOUT_ATTACKS = re.compile(
    r"(?i)prompt[- ]injection|jailbreak(?:s|ing)? (?:prompts?|attacks?|attempts?)|\b(?:detect|"
    r"prevent|protect|defend|guard|block|reject|filter out|classif\w{1,6}|regex|that match(?:es)?)\b"
)

_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")
# Tag characters spell words that no font shows, or behind a black flag whose flag it is.
_FLAG = "\U0001f3f4"
_HIDDEN = re.compile(f"{_FLAG}?[\U000e0020-\U000e007f]{{4,}}")
_BLANKS = re.compile(r"[ \t\u00a0]{2,}|[\u00a0\u2000-\u200a\u202f\u3000]")

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{24,}={0,2}(?![A-Za-z0-9+/_-])")
_DECODED = 1200  # characters of base64 that are looked at
_MOST_BASE64 = 20  # runs of base64 that are looked at; a listing of hashes has thousands
_FOLLOW = re.compile(
    r"(?i)\b(?:follow|obey|execute|perform|comply|carry out|do what|answer|respond to|reply to|act "
    r"on|complete)\b"
)
_DECODE = re.compile(r"(?i)\bbase ?-?64\b|\bdecod|\bdecrypt|\bencoded\b")


@dataclasses.dataclass(frozen=True, slots=True)
class SafetyTag:
    """One match.

    Args:
        kind: a key of `pipeline.prompts.cleaning.safety_patterns.KINDS`.
        start, end: its place in the text, in characters.
        text: what was matched, at most 200 characters of it.
        discussed: it is quoted or named, and the prompt talks of it.
    """

    kind: str
    start: int
    end: int
    text: str
    discussed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ConversationSafety:
    """Tags of a conversation's user turns.

    Args:
        tags: each with the position of its turn.
        toxicity: score of each user turn, by the position of the turn; see
            `pipeline.filters.Toxicity`.
    """

    tags: tuple[tuple[int, SafetyTag], ...]
    toxicity: tuple[tuple[int, float], ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that are meant, not only discussed, in the order of `KINDS`."""
        found = {tag.kind for _, tag in self.tags if not tag.discussed}
        return tuple(kind for kind in KINDS if kind in found)

    @property
    def highest_toxicity(self) -> float:
        """Score of the worst user turn; 0.0 without one."""
        return max((score for _, score in self.toxicity), default=0.0)


def safety_of(
    conversations: Sequence[Conversation], toxicity: Toxicity | None = None
) -> list[ConversationSafety]:
    """Tags and toxicity of the user turns of each conversation, in order.

    Args:
        conversations: as cleaned by `pipeline.prompts.cleaning.residue`: the template of an AIPRM prompt
            begins like an injection.
        toxicity: which model scores; None takes the one that comes with Gristmill.

    Raises:
        ModelError: the model is missing or altered.
    """
    scorer = toxicity or Toxicity(action="tag")
    places = [
        (number, index)
        for number, conversation in enumerate(conversations)
        for index, turn in enumerate(conversation.turns)
        if turn.role == USER
    ]
    texts = [conversations[number].turns[index].text for number, index in places]
    scores = scorer.measure_batch([Document("", text) for text in texts])
    tags: list[list[tuple[int, SafetyTag]]] = [[] for _ in conversations]
    scored: list[list[tuple[int, float]]] = [[] for _ in conversations]
    for (number, index), text, signals in zip(places, texts, scores, strict=True):
        tags[number] += ((index, tag) for tag in safety_tags(text))
        scored[number].append((index, float(signals["score"] or 0.0)))
    return [
        ConversationSafety(tuple(found), tuple(rated))
        for found, rated in zip(tags, scored, strict=True)
    ]


def safety_tags(text: str) -> tuple[SafetyTag, ...]:
    """Jailbreaks and injections in one text, in order of place.

    Invisible characters inside words do not hide a match, nor do odd spaces.

    Args:
        text: any string.
    """
    seen, places = _folded(text)
    found = [
        (kind, match.start(), match.end())
        for kind, pattern in _likely(seen)
        for match in pattern.finditer(seen)
    ]
    found += (("encoded_instruction", *span) for span in _encoded(seen))
    quotations = [match.span() for match in _QUOTATIONS.finditer(seen)] if found else []
    tags = []
    for kind, start, end in found:
        begin, stop = (start, end) if places is None else (places[start], places[end - 1] + 1)
        discussed = _discussed(seen, start, end, quotations)
        tags.append(SafetyTag(kind, begin, stop, text[begin:stop][:_SHOWN], discussed))
    for match in _HIDDEN.finditer(text) if not text.isascii() else ():
        if match[0][0] == _FLAG:
            continue
        said = "".join(chr(ord(character) - 0xE0000) for character in match[0][:_SHOWN])
        tags.append(SafetyTag("hidden_text", match.start(), match.end(), said))
    return tuple(sorted(tags, key=lambda tag: (tag.start, tag.end, tag.kind)))


def _likely(text: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """The patterns that may match, by the words they need."""
    lower = text.lower()
    return (
        (kind, pattern)
        for kind, pattern in PATTERNS.items()
        if any(word in lower for word in NEEDED[kind])
    )


def _folded(text: str) -> tuple[str, list[int] | None]:
    """The text as it is matched, and where each of its characters stands in ``text``.

    Positions are None where they are the same.
    """
    if _INVISIBLE.search(text) is None and _BLANKS.search(text) is None:
        return text.replace("’", "'"), None
    kept: list[str] = []
    places: list[int] = []
    blank = False
    for place, character in enumerate(text):
        if _INVISIBLE.match(character) is not None:
            continue
        is_blank = character != "\n" and character.isspace()
        if is_blank and blank:
            continue
        blank = is_blank
        kept.append(" " if is_blank else "'" if character == "’" else character)
        places.append(place)
    return "".join(kept), places


def _discussed(text: str, start: int, end: int, quotations: list[tuple[int, int]]) -> bool:
    """Quoted beside words that talk of it, or named in a sentence about such attacks."""
    # Quotations do not overlap: the last that begins before the match's end is the one, if any.
    last = bisect.bisect_left(quotations, (end, 0)) - 1
    if last >= 0 and quotations[last][1] > start:
        around = quotations[last]
        before = text[max(0, around[0] - _AROUND) : around[0]]
        after = text[around[1] : around[1] + _AROUND]
        return DISCUSSION.search(before) is not None or DISCUSSION.search(after) is not None
    before = _SENTENCE.split(text[max(0, start - _AROUND) : start])[-1]
    after = _SENTENCE.split(text[end : end + _AROUND], maxsplit=1)[0]
    return _ABOUT_ATTACKS.search(before) is not None or _ABOUT_ATTACKS.search(after) is not None


def _encoded(text: str) -> Iterator[tuple[int, int]]:
    """Runs of base64 that hold words, where the prompt or the words ask to be followed."""
    for number, match in enumerate(_BASE64.finditer(text)):
        if number >= _MOST_BASE64:
            return
        said = _decoded(match[0][:_DECODED])
        if said is None:
            continue
        outside = text[max(0, match.start() - _AROUND) : match.start()]
        outside += " " + text[match.end() : match.end() + _AROUND]
        asked = _DECODE.search(outside) is not None and _FOLLOW.search(outside) is not None
        if asked or any(pattern.search(said) for _, pattern in _likely(said)):
            yield match.span()


def _decoded(run: str) -> str | None:
    """What ``run`` says, if it is base64 of words with spaces between them."""
    run = run[: len(run.rstrip("=")) // 4 * 4]
    try:
        said = base64.b64decode(run, validate=True).decode("utf-8", "ignore")
    except (binascii.Error, ValueError):
        return None
    readable = sum(character.isalpha() or character in " .,!?'" for character in said)
    return said if said.count(" ") >= 2 and readable >= 0.9 * len(said) else None

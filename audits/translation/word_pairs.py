"""The words of an English item and of a glossed passage, and which may stand for which."""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Mapping, Sequence

from audits.translation.glossary import ENGLISH, Glossary
from audits.translation.glosses import Gloss
from audits.translation.romanise import skeleton, spelling
from audits.translation.senses import sense

__all__ = ["Weights", "Word", "item_words", "links", "paired", "passage_words", "stretch"]

MOST = 400  # words of a text that are looked at; an item has fewer
_CHARACTERS = 8000  # of a text, likewise
_UNGLOSSED = 2.5  # weight of a word of the passage that nothing is known of
_STRAY = 0.5  # what a word that the item lacks costs the stretch it is in, of its weight
_AHEAD = 8  # words that decide on which side a stretch is made longer
_PREFIX = 4  # letters that cognates begin with alike, at least
_SAME, _ALIKE = 0.55, 0.8  # of the longer word at their beginning; of both by `difflib`


@dataclasses.dataclass(frozen=True, eq=False)
class Weights:
    """How much a sense says: minus the logarithm of the share of English texts that have it.

    Args:
        senses: of the common ones; see `audits.translation.senses.sense`.
        rare: of all others.
    """

    senses: Mapping[str, float]
    rare: float

    def of(self, one: str) -> float:
        return self.senses.get(one, self.rare)


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """One word or number.

    Args:
        start, end: its characters.
        text: as written.
        senses: what it may mean; empty for numbers.
        numbers: what a number may be; empty for words.
        weight: how much it says.
        kind: that of its `Gloss`; of an item's words ``word``, ``name`` or ``number``.
    """

    start: int
    end: int
    text: str
    senses: tuple[str, ...]
    numbers: tuple[str, ...]
    weight: float
    kind: str


@functools.lru_cache(maxsize=1 << 14)
def item_words(text: str, weights: Weights) -> tuple[Word, ...]:
    """Words and numbers of an English text. A capital within a sentence makes a name."""
    text = text[:_CHARACTERS]
    words = []
    for one in Glossary.load(ENGLISH).gloss(text)[:MOST]:
        written = text[one.start : one.end]
        if one.kind == "number":
            words.append(_number(one, written))
            continue
        told = sense(one.english[0] if one.english else written)
        before = text[: one.start].rstrip(" \"'“‘(")
        begins = not before or before[-1] in ".!?:|\n"
        name = written[0].isupper() and (not begins or told not in weights.senses)
        kind = "name" if name else "word"
        words.append(Word(one.start, one.end, written, (told,), (), weights.of(told), kind))
    return tuple(words)


@functools.lru_cache(maxsize=256)
def passage_words(text: str, glossary: Glossary, weights: Weights) -> tuple[Word, ...]:
    """Words and numbers of a passage with what they may mean, words without a meaning left out."""
    text = text[:_CHARACTERS]
    words: list[Word] = []
    for one in glossary.gloss(text):
        if one.kind == "silent":
            continue
        if len(words) == MOST:
            break
        written = text[one.start : one.end]
        if one.kind == "number":
            words.append(_number(one, written))
            continue
        parts = (part for english in one.english for part in english.split())
        told = tuple(dict.fromkeys(map(sense, parts)))
        weight = max(map(weights.of, told)) if one.kind == "word" else _UNGLOSSED
        words.append(Word(one.start, one.end, written, told, (), weight, one.kind))
    return tuple(words)


def links(theirs: Sequence[Word], ours: Sequence[Word]) -> list[list[int]]:
    """For each word of the passage, the words of the item that it may stand for."""
    places: dict[str, list[int]] = {}
    for at, word in enumerate(ours):
        for one in (*word.senses, *(f"#{number}" for number in word.numbers)):
            places.setdefault(one, []).append(at)
    found = []
    for word in theirs:
        names = word.senses or [f"#{number}" for number in word.numbers]
        met = sorted({at for one in names for at in places.get(one, ())})
        if not met and word.kind in ("kept", "unknown"):
            met = _alike(word, ours)
        found.append(met)
    return found


def stretch(
    theirs: Sequence[Word],
    linked: Sequence[Sequence[int]],
    beside: frozenset[str],
    *,
    least: int,
) -> tuple[int, int]:
    """The run of at least ``least`` words that has the most of the item, and the least besides.

    Args:
        theirs: words of the passage.
        linked: see `links`.
        beside: senses that cost nothing though the item lacks them.
        least: a passage that is shorter is taken as a whole.
    """
    best, at_best = 0.0, (0, 0)
    total, first = 0.0, 0
    for at, (word, link) in enumerate(zip(theirs, linked, strict=True)):
        if link:
            total += word.weight
        elif not beside.intersection(word.senses):
            total -= _STRAY * word.weight
        if total <= 0:
            total, first = 0.0, at + 1
        elif total > best:
            best, at_best = total, (first, at + 1)
    first, last = at_best
    worth = [word.weight if link else 0.0 for word, link in zip(theirs, linked, strict=True)]
    while last - first < min(least, len(theirs)):
        left = sum(worth[max(0, first - _AHEAD) : first]) if first else -1.0
        right = sum(worth[last : last + _AHEAD]) if last < len(theirs) else -1.0
        first, last = (first - 1, last) if left > right else (first, last + 1)
    return first, last


def paired(linked: Sequence[Sequence[int]], ours: int, theirs: int) -> list[tuple[int, int]]:
    """Each word of the item with at most one of the passage: the one at the most similar place.

    Returns:
        their numbers, item first, in the order of the passage.
    """
    near = sorted((abs(a / ours - b / theirs), a, b) for b, link in enumerate(linked) for a in link)
    taken: dict[int, int] = {}
    met: set[int] = set()
    for _, a, b in near:
        if a not in met and b not in taken:
            met.add(a)
            taken[b] = a
    return [(taken[b], b) for b in sorted(taken)]


def _number(one: Gloss, written: str) -> Word:
    weight = _telling(one.english[0])
    return Word(one.start, one.end, written, (), one.english, weight, "number")


def _telling(number: str) -> float:
    """How much a number says: small and round ones stand everywhere."""
    if not number.isdigit():
        return 2.5
    value = int(number)
    if value <= 2:
        return 0.3 if value == 1 else 0.6
    if value <= 12:
        return 1.0
    return 1.4 if value % 10 == 0 else 2.0


def _alike(word: Word, ours: Sequence[Word]) -> list[int]:
    """Words of the item that are spelt or sound like a word that the glossary lacks."""
    written = spelling(word.text)
    bones = "" if written else skeleton(word.text)
    return [
        at
        for at, other in enumerate(ours)
        if other.kind != "number"
        and (_cognates(written, spelling(other.text)) if written else _sounds(bones, other))
    ]


@functools.lru_cache(maxsize=1 << 16)
def _cognates(one: str, other: str) -> bool:
    least, most = sorted((len(one), len(other)))
    if least < _PREFIX or one[0] != other[0]:
        return False
    alike = 0
    while alike < least and one[alike] == other[alike]:
        alike += 1
    if alike >= max(_PREFIX, _SAME * most):
        return True
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE


def _sounds(bones: str, other: Word) -> bool:
    """Whether a transliteration, perhaps with an ending, sounds like a name or a longer word."""
    if len(bones) < 2:
        return False
    wanted = skeleton(other.text)
    if len(wanted) < 3:
        return other.kind == "name" and bones == wanted
    return bones.startswith(wanted) and len(bones) - len(wanted) <= 1

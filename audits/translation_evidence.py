"""What an English item and a glossed passage have in common: words by weight, numbers, names, order.

Evidence only; what it is worth, `audits.translation` knows. The language of the passage is no
evidence, and everything is measured against what its glossary could have found.
"""

from __future__ import annotations

import bisect
import dataclasses
import difflib
import functools
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from audits.glossary import ENGLISH, Gloss, Glossary
from audits.romanise import skeleton
from audits.senses import sense

__all__ = ["FEATURES", "Evidence", "Weights", "compare"]

FEATURES = (
    "cosine",
    "margin",
    "item_share",
    "passage_share",
    "words",
    "missed",
    "strayed",
    "rarest_missed",
    "numbers",
    "numbers_missed",
    "numbers_strayed",
    "number_order",
    "names",
    "names_missed",
    "order",
    "length",
)

_STRAY = 0.5  # what a word that the item lacks costs the stretch it is in, of its weight
_LEAST = 0.5  # of the item's words that the stretch has at least
_AHEAD = 8  # words that decide on which side it is made longer
_UNGLOSSED = 2.5  # weight of a word of the passage that nothing is known of
_MOST = 400  # words of a text that are looked at; an item has fewer
_PREFIX = 4  # letters that cognates begin with alike
_ALIKE = 0.8


@dataclasses.dataclass(frozen=True)
class Weights:
    """How much a sense says: minus the logarithm of the share of texts that have it.

    Args:
        senses: of the common ones.
        rare: of all others.
    """

    senses: Mapping[str, float]
    rare: float

    def of(self, one: str) -> float:
        return self.senses.get(one, self.rare)


@dataclasses.dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    senses: tuple[str, ...]
    numbers: tuple[str, ...]
    weight: float
    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What was found.

    Args:
        values: of `FEATURES`, by name.
        plain_words: different words and names that both have, numbers apart.
        spans: ``[item start, item end, passage start, passage end]`` of what both have, in the
            order of the passage.
    """

    values: dict[str, float]
    plain_words: int
    spans: list[list[int]]


def compare(
    item: str,
    beside: str,
    passage: str,
    glossary: Glossary,
    weights: Weights,
    *,
    cosine: float,
    margin: float,
) -> Evidence:
    """Hold an item and a passage against each other.

    Args:
        item: the item's own text, in English.
        beside: what may stand with it, such as its choices: no evidence for it, none against it.
        passage: in the glossary's language.
        glossary: see `Glossary.load`.
        weights: of English senses.
        cosine: of the item and the glossed passage.
        margin: by how much it exceeds that of every other item.
    """
    ours = _item(item, weights)
    ignored = {one for word in _item(beside, weights) for one in word.senses} if beside else set()
    theirs = _passage(passage, glossary, weights)
    links = [_links(word, ours) for word in theirs]
    first, last = _stretch(theirs, links, ignored, least=int(_LEAST * len(ours)))
    theirs, links = theirs[first:last], links[first:last]
    pairs = _pairs(theirs, links, ours)
    met = {at for at, _ in pairs}
    met_there = {at for _, at in pairs}

    producible = _producible(glossary)
    plain = [at for at, word in enumerate(ours) if word.kind != "number"]
    found: dict[str, float] = {}
    missed: dict[str, float] = {}
    names = names_missed = 0.0
    reached = {one for word in theirs for one in word.senses}
    for at in plain:
        word = ours[at]
        if at in met or reached.intersection(word.senses):
            found[word.senses[0]] = word.weight
            names += word.kind == "name"
        elif word.kind == "name":
            names_missed += 1
        elif producible.intersection(word.senses):
            missed[word.senses[0]] = word.weight
    missed = {one: weight for one, weight in missed.items() if one not in found}
    own = {one for word in ours for one in word.senses} | ignored
    strayed: dict[str, float] = {}
    shared = 0.0
    for at, word in enumerate(theirs):
        if word.kind == "number":
            continue
        if at in met_there or own.intersection(word.senses):
            shared += word.weight
        else:
            strayed[word.text] = word.weight
    mass, lost, stray = sum(found.values()), sum(missed.values()), sum(strayed.values())
    numbers = _numbers(ours, theirs)
    content = sum(word.kind != "number" for word in ours)
    values = {
        "cosine": cosine,
        "margin": margin,
        "item_share": mass / (mass + lost) if mass else 0.0,
        "passage_share": shared / (shared + stray) if shared else 0.0,
        "words": math.log1p(mass),
        "missed": math.log1p(lost),
        "strayed": math.log1p(stray),
        "rarest_missed": max(missed.values(), default=0.0),
        **numbers,
        "names": math.log1p(names),
        "names_missed": math.log1p(names_missed),
        "order": _order(pairs, len(ours), len(theirs)),
        "length": abs(math.log((len(theirs) + 3) / (content + 3))),
    }
    spans = [
        [ours[a].start, ours[a].end, theirs[b].start, theirs[b].end]
        for a, b in sorted(pairs, key=lambda pair: pair[1])
    ]
    return Evidence(values, len(found), spans)


@functools.lru_cache(maxsize=4096)
def _item(text: str, weights: Weights) -> tuple[_Word, ...]:
    words = []
    begins = True
    for one in Glossary.load(ENGLISH).gloss(text)[:_MOST]:
        written = text[one.start : one.end]
        if one.kind == "number":
            words.append(_number(one, written))
        else:
            meant = one.english[0] if one.english else written
            told = sense(meant)
            before = text[: one.start].rstrip(" \"'“‘(")
            begins = not before or before[-1] in ".!?:|\n"
            name = written[0].isupper() and (not begins or told not in weights.senses)
            words.append(
                _Word(
                    one.start, one.end, (told,), (), weights.of(told),
                    "name" if name else "word", written,
                )
            )  # fmt: skip
    return tuple(words)


@functools.lru_cache(maxsize=256)
def _passage(text: str, glossary: Glossary, weights: Weights) -> list[_Word]:
    words = []
    for one in glossary.gloss(text):
        written = text[one.start : one.end]
        if one.kind == "silent":
            continue
        if len(words) == _MOST:
            break
        if one.kind == "number":
            words.append(_number(one, written))
            continue
        told = tuple(
            dict.fromkeys(sense(part) for english in one.english for part in english.split())
        )
        if one.kind == "word":
            weight = max(weights.of(part) for part in told)
        else:
            weight = _UNGLOSSED
        words.append(_Word(one.start, one.end, told, (), weight, one.kind, written))
    return words


def _number(one: Gloss, written: str) -> _Word:
    return _Word(one.start, one.end, (), one.english, _telling(one.english[0]), "number", written)


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


@functools.cache
def _producible(glossary: Glossary) -> frozenset[str]:
    """Senses that the glossary can tell of."""
    return frozenset(
        sense(part) for headword in glossary.forms.headwords for part in headword.split()
    )


def _links(word: _Word, ours: Sequence[_Word]) -> list[int]:
    """The words of the item that a word of the passage may be."""
    if word.kind == "number":
        return [at for at, other in enumerate(ours) if set(other.numbers) & set(word.numbers)]
    found = [at for at, other in enumerate(ours) if set(other.senses) & set(word.senses)]
    if not found and word.kind == "kept":
        found = [
            at
            for at, other in enumerate(ours)
            if other.kind != "number" and _cognates(word.text.lower(), other.text.lower())
        ]
    if not found and word.kind == "unknown":
        bones = skeleton(word.text)
        if len(bones) > 1:
            found = [
                at
                for at, other in enumerate(ours)
                if other.kind == "name" and _sounds(bones, skeleton(other.text))
            ]
    return found


@functools.lru_cache(maxsize=1 << 16)
def _cognates(one: str, other: str) -> bool:
    least, most = sorted((len(one), len(other)))
    if least < _PREFIX or one[0] != other[0]:
        return False
    alike = 0
    while alike < least and one[alike] == other[alike]:
        alike += 1
    if alike >= max(_PREFIX, 0.6 * most):
        return True
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE


def _sounds(one: str, other: str) -> bool:
    """Whether a transliteration, perhaps with an ending, sounds like a name."""
    return one == other or (
        len(other) > 2 and one.startswith(other) and len(one) - len(other) <= 1
    )


def _stretch(
    theirs: Sequence[_Word],
    links: Sequence[Sequence[int]],
    ignored: Collection[str],
    *,
    least: int,
) -> tuple[int, int]:
    """The run of at least so many words that has the most of the item, and the least besides."""
    best, at_best = 0.0, (0, len(theirs))
    total, first = 0.0, 0
    for at, (word, link) in enumerate(zip(theirs, links, strict=True)):
        if link:
            total += word.weight
        elif not any(one in ignored for one in word.senses):
            total -= _STRAY * word.weight
        if total <= 0:
            total, first = 0.0, at + 1
        elif total > best:
            best, at_best = total, (first, at + 1)
    first, last = at_best
    worth = [word.weight if link else 0.0 for word, link in zip(theirs, links, strict=True)]
    while last - first < min(least, len(theirs)):
        left = sum(worth[max(0, first - _AHEAD) : first]) if first else -1.0
        right = sum(worth[last : last + _AHEAD]) if last < len(theirs) else -1.0
        first, last = (first - 1, last) if left > right else (first, last + 1)
    return first, last


def _pairs(
    theirs: Sequence[_Word], links: Sequence[Sequence[int]], ours: Sequence[_Word]
) -> list[tuple[int, int]]:
    """Each word of the item with at most one of the passage: the one at the most similar place."""
    near = [
        (abs(a / len(ours) - b / len(theirs)), a, b) for b, link in enumerate(links) for a in link
    ]
    pairs = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for _, a, b in sorted(near):
        if a not in taken[0] and b not in taken[1]:
            taken[0].add(a)
            taken[1].add(b)
            pairs.append((a, b))
    return pairs


def _numbers(ours: Sequence[_Word], theirs: Sequence[_Word]) -> dict[str, float]:
    mine = [word for word in ours if word.kind == "number"]
    other = [word for word in theirs if word.kind == "number"]
    free = list(other)
    both = lost = 0.0
    for word in mine:
        same = next((one for one in free if set(one.numbers) & set(word.numbers)), None)
        if same is None:
            lost += word.weight
        else:
            both += word.weight
            free.remove(same)
    told = {one for word in mine for one in word.numbers}
    stray = sum(word.weight for word in free if not told.intersection(word.numbers))
    order = _common(mine, other) / max(len(mine), 1) if len(mine) > 1 else 0.5
    return {
        "numbers": math.log1p(both),
        "numbers_missed": math.log1p(lost),
        "numbers_strayed": math.log1p(stray),
        "number_order": order,
    }


def _common(mine: Sequence[_Word], other: Sequence[_Word]) -> int:
    """Length of the longest common subsequence of the numbers."""
    row = [0] * (len(other) + 1)
    for word in mine:
        before = 0
        for at, one in enumerate(other, 1):
            diagonal, before = before, row[at]
            row[at] = diagonal + 1 if set(word.numbers) & set(one.numbers) else max(row[at], row[at - 1])
    return row[-1]


def _order(pairs: Sequence[tuple[int, int]], mine: int, other: int) -> float:
    """Share of the pairs that stand at about the same place of either text; .5 where there are few."""
    if len(pairs) < 3:
        return 0.5
    near = sum(abs(a / mine - b / other) < 0.15 for a, b in pairs)
    return near / len(pairs)

"""What an English item and a glossed passage have in common: words by weight, numbers, names, order.

Evidence only; what it is worth, `audits.translation.model` knows. The language of the passage is no
evidence, and everything is measured against what its glossary could have found.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

from audits.translation.glossary import Glossary
from audits.translation.senses import sense
from audits.translation.word_pairs import (
    Weights,
    Word,
    item_words,
    links,
    paired,
    passage_words,
    stretch,
)

__all__ = ["FEATURES", "Evidence", "compare", "producible"]

# Features, with 1 where more of one speaks for a translation, and -1 where it speaks against it.
FEATURES = {
    "cosine": 1,
    "margin": 1,
    "item_share": 1,  # of the weight of the item's words that could be found, that of those that were
    "passage_share": 1,  # of the weight of the passage's words, that of those that the item has
    "words": 1,  # weight of the words that both have, as log(1 + weight) like all weights below
    "missed": -1,  # weight of the item's words that could be found and were not
    "numbers": 1,
    "numbers_missed": -1,  # the item's alone
    "numbers_strayed": -1,  # the passage's alone
    "number_order": 1,  # share of the item's numbers in their order; .5 where it has one or none
    "order": 1,  # share of the words at about the same place of either text; .5 where few are met
    "length": -1,  # how far the lengths are apart, as a logarithm
    "asks": 1,  # 1 where both ask, -1 where the item alone does, else 0
}

_LEAST_WORDS, _LEAST_WEIGHT = 3, 6.0
_LEAST = 0.5  # of the item's words that the stretch of the passage has at least
_NAME = 2.0  # weight of a name of the item that the passage lacks: it may be spelt too differently
_PLACE = 0.15  # of the length that places may be apart
_FEW = 3  # pairs that say nothing of the order
_MUTE = frozenset({"zh"})  # languages whose letters tell too little of how a name sounds
_NO_SIGNS = frozenset("aAIst%$")  # words and endings of English, and signs that may be words
_ASKING = frozenset(
    map(sense, ("how", "what", "which", "who", "whom", "whose", "where", "when", "why"))
)
_MARKS = "?？؟"
_BEHIND = 20  # characters behind the last word within which a question mark belongs to it


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What was found.

    Args:
        values: of `FEATURES`, by name.
        met: different words and names that both have, numbers apart.
        weight: theirs together.
        spans: ``[item start, item end, passage start, passage end]`` of what both have, in the
            order of the passage.
    """

    values: dict[str, float]
    met: int
    weight: float
    spans: list[list[int]]

    @property
    def proven(self) -> bool:
        """Whether there are words enough. Without them numbers and a cosine prove nothing."""
        return self.met >= _LEAST_WORDS and self.weight >= _LEAST_WEIGHT


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
        passage: any text in the glossary's language; of a long one the stretch that is most like
            the item is looked at.
        glossary: see `Glossary.load`.
        weights: of English senses.
        cosine: of the item and the glossed passage.
        margin: by how much it exceeds that of every other item.
    """
    ours = item_words(item, weights)
    theirs: Sequence[Word] = passage_words(passage, glossary, weights)
    aside = _senses(item_words(beside, weights)) if beside else frozenset()
    linked = links(theirs, ours)
    first, last = stretch(theirs, linked, aside, least=int(_LEAST * len(ours)))
    theirs, linked = theirs[first:last], linked[first:last]
    pairs = paired(linked, len(ours), len(theirs))
    found, missed = _told(ours, theirs, pairs, glossary)
    mass, lost = sum(found.values()), sum(missed.values())
    met_there = {b for _, b in pairs}
    own = _senses(ours) | aside
    shared = 0.0
    strayed: dict[str, float] = {}
    for at, word in enumerate(theirs):
        if word.kind == "number":
            continue
        if at in met_there or own.intersection(word.senses):
            shared += word.weight
        else:
            strayed[word.text] = word.weight
    stray = sum(strayed.values())
    words = sum(word.kind != "number" for word in ours)
    values = {
        "cosine": cosine,
        "margin": margin,
        "item_share": mass / (mass + lost) if mass else 0.0,
        "passage_share": shared / (shared + stray) if shared else 0.0,
        "words": math.log1p(mass),
        "missed": math.log1p(lost),
        **_numbers(ours, theirs),
        "order": _order(pairs, len(ours), len(theirs)),
        "length": abs(math.log((len(theirs) + 3) / (words + 3))),
        "asks": _asks(item, passage, theirs),
    }
    spans = [[ours[a].start, ours[a].end, theirs[b].start, theirs[b].end] for a, b in pairs]
    return Evidence(values, len(found), mass, spans)


@functools.cache
def producible(glossary: Glossary) -> frozenset[str]:
    """Senses that a glossary can tell of."""
    return frozenset(
        sense(part) for headword in glossary.forms.headwords for part in headword.split()
    )


def _senses(words: Sequence[Word]) -> frozenset[str]:
    return frozenset(one for word in words for one in word.senses)


def _told(
    ours: Sequence[Word],
    theirs: Sequence[Word],
    pairs: Sequence[tuple[int, int]],
    glossary: Glossary,
) -> tuple[dict[str, float], dict[str, float]]:
    """Senses of the item that the passage has, and that it lacks though it could have them; weights."""
    met = {a for a, _ in pairs}
    reached = _senses(theirs)
    possible = producible(glossary)
    found: dict[str, float] = {}
    missed: dict[str, float] = {}
    for at, word in enumerate(ours):
        if word.kind == "number":
            continue
        one = word.senses[0]
        if at in met or one in reached:
            found[one] = word.weight
        elif word.kind == "name":
            if glossary.language not in _MUTE:
                missed[one] = _NAME
        elif one in possible:
            missed[one] = word.weight
    return found, {one: weight for one, weight in missed.items() if one not in found}


def _numbers(ours: Sequence[Word], theirs: Sequence[Word]) -> dict[str, float]:
    mine = [word for word in ours if word.kind == "number"]
    other = [word for word in theirs if word.kind == "number"]
    free = list(other)
    both = lost = 0.0
    for word in mine:
        same = next((one for one in free if _same(word, one)), None)
        if same is None:
            lost += word.weight
        else:
            both += word.weight
            free.remove(same)
    # A number that the item has once and the passage twice is no other number.
    stray = sum(word.weight for word in free if not any(_same(word, one) for one in mine))
    return {
        "numbers": math.log1p(both),
        "numbers_missed": math.log1p(lost),
        "numbers_strayed": math.log1p(stray),
        "number_order": _in_order(_signs(ours), _signs(theirs)),
    }


def _signs(words: Sequence[Word]) -> list[Word]:
    """Numbers, and single letters as formulas have them."""
    return [
        word
        for word in words
        if word.kind == "number"
        or (len(word.text) == 1 and word.text.isascii() and word.text not in _NO_SIGNS)
    ]


def _in_order(mine: Sequence[Word], other: Sequence[Word]) -> float:
    longest = max(len(mine), len(other))
    return _common(mine, other) / longest if len(mine) > 1 else 0.5


def _same(one: Word, other: Word) -> bool:
    if one.numbers:
        return not set(one.numbers).isdisjoint(other.numbers)
    return one.text == other.text


def _common(mine: Sequence[Word], other: Sequence[Word]) -> int:
    """Length of the longest common subsequence of the numbers."""
    row = [0] * (len(other) + 1)
    for word in mine:
        before = 0
        for at, one in enumerate(other, 1):
            diagonal, before = before, row[at]
            row[at] = diagonal + 1 if _same(word, one) else max(row[at], row[at - 1])
    return row[-1]


def _order(pairs: Sequence[tuple[int, int]], ours: int, theirs: int) -> float:
    if len(pairs) < _FEW:
        return 0.5
    return sum(abs(a / ours - b / theirs) < _PLACE for a, b in pairs) / len(pairs)


def _asks(item: str, passage: str, theirs: Sequence[Word]) -> float:
    if "?" not in item:
        return 0.0
    text = passage[theirs[0].start : theirs[-1].end + _BEHIND] if theirs else ""
    asks = any(mark in text for mark in _MARKS) or _ASKING.intersection(_senses(theirs))
    return 1.0 if asks else -1.0

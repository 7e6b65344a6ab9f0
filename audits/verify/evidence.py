"""Evidence: figures that tell a leaked item from a text about the same subject.

Two readings in, numbers out. What they mean together is learned elsewhere (`audits.verify.verifier`). The
idea throughout: not how much two texts share, but what is left over that the other has no word for.
Words weigh by their rarity in English times that within the benchmark, so that a template which all
items share (*Write a function to …*) says nothing.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.verify.reading import Reading

__all__ = ["NAMES", "Known", "Rarity", "evidence"]

_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]

_PRIOR = 30  # items that a benchmark is taken to have beyond its own: a few say little
_WORDS = 200  # that sequences are compared over
_RUN, _CAPPED = 4, 30
_GRAM = 4  # characters

Rarity = Callable[[str], float]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Known:
    """All that is known of an item when a passage is held against it.

    Args:
        question: its own text.
        stems: of the words of choices, answer and solution.
        alone: ``float32[n, dimension]``, those words' vectors.
        numbers: counted in them.
        answer: numbers of the answer.
        solution: ``float32[dimension]`` of the solution; zeros where there is none.
        rarity: weight of a stem within the benchmark, 0 to 1.
        neighbours: nearest other items.
    """

    question: Reading
    stems: frozenset[str]
    alone: npt.NDArray[np.float32]
    numbers: tuple[float, ...]
    answer: tuple[float, ...]
    solution: npt.NDArray[np.float32]
    rarity: Rarity
    neighbours: tuple[Reading, ...]


def rarity(stems: Mapping[str, int], items: int) -> Rarity:
    """Weight of a stem by how many of a benchmark's ``items`` have it: 1 for none, 0 for all."""
    whole = math.log(items + _PRIOR)

    def weight(stem: str) -> float:
        return max(0.0, math.log((items + _PRIOR) / (stems.get(stem, 0) + 1)) / whole)

    return weight


def evidence(known: Known, passage: Reading, *, cosine: float, margin: float) -> dict[str, float]:
    """Figures for one passage and one item, in the order of `NAMES`.

    Args:
        known: the item.
        passage: cut to about the item's length around what matches.
        cosine: of the passage and the item's own text.
        margin: that cosine less the best of another item.
    """
    question = known.question
    if not len(question) or not len(passage):
        return dict.fromkeys(NAMES, 0.0)
    near = _Pair(known, passage)
    found: dict[str, float] = {}
    found |= near.alignment()
    found |= near.rest()
    found |= near.numbers()
    found |= near.sequences()
    found |= near.contrast()
    found |= near.letters()
    found |= {
        "cosine": cosine,
        "margin": margin,
        "length": math.log((len(passage) + 1) / (len(question) + 1)),
        "words": math.log1p(len(question)),
        "negations": float(abs(question.negations - passage.negations)),
        "opposites": float(_opposed(question, passage)),
        "solution": float(known.solution @ passage.pooled),
    }
    return found


class _Pair:
    """The words of an item's question and of a passage, each with its nearest in the other."""

    def __init__(self, known: Known, passage: Reading):
        question = known.question
        self.known, self.question, self.passage = known, question, passage
        self.mine = question.weights * np.array([known.rarity(stem) for stem in question.stems])
        self.theirs = passage.weights * np.array([known.rarity(stem) for stem in passage.stems])
        here, there = frozenset(passage.stems), frozenset(question.stems)
        self.shared: _Flags = np.array([stem in here for stem in question.stems])
        self.common: _Flags = np.array([stem in there for stem in passage.stems])
        self.context = question.context @ passage.context.T
        self.alone = question.alone @ passage.alone.T

    def alignment(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, similar, exact in (("context", self.context, False), ("alone", self.alone, True)):
            mine, theirs = similar.max(1), similar.max(0)
            if exact:
                mine, theirs = np.maximum(mine, self.shared), np.maximum(theirs, self.common)
            for side, best, weights in (("item", mine, self.mine), ("text", theirs, self.theirs)):
                lost = np.sort((1 - best) * weights)[::-1]
                found[f"{name}_{side}"] = _mean(best, weights)
                found[f"{name}_{side}_lost"] = float(lost.sum())
                for rank in range(3):
                    found[f"{name}_{side}_lost{rank + 1}"] = _at(lost, rank)
        both = 0.5 * self.context + 0.5 * np.maximum(self.alone, 0)
        found["both_item"] = _mean(both.max(1), self.mine)
        found["both_text"] = _mean(both.max(0), self.theirs)
        kept = self.context.max(1)[self.shared & (self.mine > 0.1)]
        found["shared_context"] = float(kept.mean()) if len(kept) else 0.5
        found["shared_context_least"] = float(kept.min()) if len(kept) else 0.5
        found["shared_item"] = _mean(self.shared, self.mine)
        found["shared_text"] = _mean(self.common, self.theirs)
        return found

    def rest(self) -> dict[str, float]:
        """What of the passage neither the question nor choices, answer and solution have."""
        known, passage = self.known, self.passage
        met = np.maximum(self.alone.max(0), self.common)
        if len(known.alone):
            met = np.maximum(met, (passage.alone @ known.alone.T).max(1))
        met = np.where([stem in known.stems for stem in passage.stems], 1.0, met)
        lost = np.sort((1 - met) * self.theirs)[::-1]
        own = np.array([stem in known.stems for stem in passage.stems]) & ~self.common
        return {
            "all_text": _mean(met, self.theirs),
            "all_text_lost": float(lost.sum()),
            "all_text_lost1": _at(lost, 0),
            "all_text_lost2": _at(lost, 1),
            "from_rest": float((own * self.theirs).sum() / (self.theirs.sum() + 1e-9)),
        }

    def numbers(self) -> dict[str, float]:
        mine, theirs = _numbers(self.question), _numbers(self.passage)
        both = sum((mine & theirs).values())
        either = sum((mine | theirs).values())
        telling = [value for value in mine if value > 3 or value != int(value)]
        every = Counter(mine)
        every.update(self.known.numbers)
        long = [value for value in theirs if value > 3 or value != int(value)]
        return {
            "numbers": both / either if either else 0.5,
            "numbers_any": float(either > 0),
            "numbers_item_lost": float(sum(mine.values()) - both),
            "numbers_text_lost": float(sum(theirs.values()) - both),
            "numbers_item": float(min(sum(mine.values()), 8)),
            "numbers_telling_lost": float(sum(value not in theirs for value in telling)),
            "numbers_telling": float(min(sum(value in theirs for value in telling), 5)),
            "numbers_all": sum(value in every for value in long) / len(long) if long else 0.5,
            "numbers_all_met": float(min(sum(value in every for value in long), 8)),
            "numbers_all_lost": float(sum(value not in every for value in long)),
            "answer_numbers": float(any(value in theirs for value in self.known.answer)),
        }

    def sequences(self) -> dict[str, float]:
        mine, theirs = self.question.words[:_WORDS], self.passage.words[:_WORDS]
        longest, covered = _runs(mine, theirs)
        content_mine, content_theirs = (
            [stem for stem, weight in zip(one.stems, one.weights, strict=True) if weight][:_WORDS]
            for one in (self.question, self.passage)
        )
        common = _subsequence(content_mine, content_theirs)
        return {
            "run": min(longest, _CAPPED) / min(max(len(mine), 1), _CAPPED),
            "run_words": math.log1p(longest),
            "runs": covered,
            "order_item": common / max(len(content_mine), 1),
            "order_text": common / max(len(content_theirs), 1),
            "swapped": self._swapped(),
        }

    def letters(self) -> dict[str, float]:
        """Runs of characters, of which formulas and words of one root have some in common."""
        mine, theirs = _grams(self.question.text), _grams(self.passage.text)
        both = len(mine & theirs)
        return {
            "letters_item": both / max(len(mine), 1),
            "letters_text": both / max(len(theirs), 1),
        }

    def _swapped(self) -> float:
        """Share of the pairs of words that either text says once, and not in the same order."""
        mine, theirs = _once(self.question.stems[:_WORDS]), _once(self.passage.stems[:_WORDS])
        stems = [stem for stem, at in mine.items() if stem in theirs and self.question.weights[at]]
        places = np.array([theirs[stem] for stem in stems], np.int64)
        pairs = len(places) * (len(places) - 1) / 2
        later = int((places[:, None] > places[None, :])[np.triu_indices(len(places), 1)].sum())
        return later / pairs if pairs else 0.0

    def contrast(self) -> dict[str, float]:
        """How well those words are met by which the item differs from its nearest neighbours."""
        met = np.maximum(self.alone.max(1), self.shared)
        found = {"own_words": math.log1p(float(self.mine.sum()))}
        neighbours = [one for one in self.known.neighbours if len(one)]
        if not neighbours:
            return found | {
                "contrast": _mean(met, self.mine),
                "contrast_context": _mean(self.context.max(1), self.mine),
                "contrast_weight": float(self.mine.sum()),
                "contrast_lost1": float(((1 - met) * self.mine).max()),
                "neighbour": 0.3,
            }
        apart = np.zeros(len(self.question))
        for one in neighbours:
            stems = frozenset(one.stems)
            same = np.array([stem in stems for stem in self.question.stems])
            apart += 1 - np.maximum((self.question.alone @ one.alone.T).max(1), same)
        weights = self.mine * apart / len(neighbours)
        return found | {
            "contrast": _mean(met, weights),
            "contrast_context": _mean(self.context.max(1), weights),
            "contrast_weight": float(weights.sum()),
            "contrast_lost1": float(((1 - met) * weights).max()),
            "neighbour": max(float(self.question.pooled @ one.pooled) for one in neighbours),
        }


def _mean(values: npt.NDArray[Any], weights: _Floats) -> float:
    return float((values * weights).sum() / (weights.sum() + 1e-9))


def _at(values: _Floats, rank: int) -> float:
    return float(values[rank]) if rank < len(values) else 0.0


def _once(stems: Sequence[str]) -> dict[str, int]:
    """Places of the stems that are there once, in order."""
    counts = Counter(stems)
    return {stem: at for at, stem in enumerate(stems) if counts[stem] == 1}


@functools.lru_cache(8192)
def _grams(text: str) -> frozenset[str]:
    plain = f" {' '.join(text.lower().split())} "
    return frozenset(plain[at : at + _GRAM] for at in range(len(plain) - _GRAM + 1))


def _numbers(reading: Reading) -> Counter[float]:
    return Counter(value for value in reading.numbers if value is not None)


def _runs(mine: Sequence[str], theirs: Sequence[str]) -> tuple[int, float]:
    """Longest run of words in both, and the share of mine in common runs of four and more."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(theirs):
        places[word].append(place)
    longest = 0
    before: dict[int, int] = {}
    covered = np.zeros(len(mine), np.bool_)
    for at, word in enumerate(mine):
        now: dict[int, int] = {}
        for place in places.get(word, ()):
            length = now[place] = before.get(place - 1, 0) + 1
            longest = max(longest, length)
            if length >= _RUN:
                covered[at - length + 1 : at + 1] = True
        before = now
    return longest, float(covered.mean()) if len(mine) else 0.0


def _subsequence(mine: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of the longest common subsequence, a bit for each of ``theirs`` (Hyyrö 2004)."""
    if not mine or not theirs:
        return 0
    bits: dict[str, int] = defaultdict(int)
    for place, word in enumerate(theirs):
        bits[word] |= 1 << place
    everything = state = (1 << len(theirs)) - 1
    for word in mine:
        matches = state & bits.get(word, 0)
        state = ((state + matches) | (state - matches)) & everything
    return len(theirs) - state.bit_count()


@functools.cache
def _opposites() -> dict[str, frozenset[str]]:
    pairs: dict[str, set[str]] = defaultdict(set)
    text = resources.files("audits").joinpath("shipped/opposites.txt").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            one, other = line.split()
            pairs[one].add(other)
            pairs[other].add(one)
    return {word: frozenset(others) for word, others in pairs.items()}


def _opposed(question: Reading, passage: Reading) -> int:
    """Words of the question in whose place the passage has their opposite."""
    mine, theirs = set(question.words), set(passage.words)
    opposites = _opposites()
    return sum(
        bool((opposites[word] & theirs) - mine) for word in mine - theirs if word in opposites
    )


_SIDES = ("item", "text")
NAMES: tuple[str, ...] = (
    *(
        name
        for kind in ("context", "alone")
        for side in _SIDES
        for name in (
            f"{kind}_{side}",
            f"{kind}_{side}_lost",
            *(f"{kind}_{side}_lost{rank}" for rank in (1, 2, 3)),
        )
    ),
    "both_item", "both_text", "shared_context", "shared_context_least", "shared_item",
    "shared_text", "all_text", "all_text_lost", "all_text_lost1", "all_text_lost2", "from_rest",
    "numbers", "numbers_any", "numbers_item_lost", "numbers_text_lost", "numbers_item",
    "numbers_telling_lost", "numbers_telling", "numbers_all", "numbers_all_met",
    "numbers_all_lost", "answer_numbers", "run", "run_words", "runs", "order_item", "order_text",
    "swapped", "own_words", "contrast", "contrast_context", "contrast_weight", "contrast_lost1",
    "neighbour", "letters_item", "letters_text",
    "cosine", "margin", "length", "words", "negations", "opposites", "solution",
)  # fmt: skip

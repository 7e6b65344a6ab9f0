"""What the lexical tier gives and takes: hits, the weights they rest on, and the account of a search."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from audits.lexical.item_ngrams import ItemNgrams, Part

__all__ = ["LexicalHit", "Tally", "Weights"]

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class LexicalHit:
    """A place of a text that shares n-grams with an item.

    Args:
        text, item: their numbers in what was searched, and in what was indexed.
        start, end: characters of the text, end exclusive.
        question, answer, choices, passage, solution: share of the part's n-grams found there, by
            weight; 0 for a part that has none.
        ngrams: different n-grams found there.
        evidence: sum of their weights.
    """

    text: int
    item: int
    start: int
    end: int
    question: float
    answer: float
    choices: float
    passage: float
    solution: float
    ngrams: int
    evidence: float

    @property
    def score(self) -> float:
        """What hits of a text are ordered by: the question counts most, all else adds to it."""
        beside = 0.5 * max(self.choices, self.answer) + 0.5 * self.solution + 0.3 * self.passage
        return self.question + beside


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Weights:
    """What n-grams are worth.

    Args:
        values: ``float64[n]``, of each n-gram; 0 for one that is suppressed.
        totals: ``float64[items, 7]``, sum of them over each `Part`.
        shares: ``float64[m]``, for each n-gram of each part what it adds to that part's coverage.
        unsuppressed: the same weights without suppression; None where nothing is suppressed.
    """

    values: _Floats
    totals: _Floats
    shares: _Floats
    unsuppressed: Weights | None = None

    @classmethod
    def of(
        cls, ngrams: ItemNgrams, values: _Floats, unsuppressed: Weights | None = None
    ) -> Weights:
        """From the weight of each n-gram."""
        each = np.repeat(values, np.diff(ngrams.offsets))
        cell = ngrams.items.astype(np.int64) * len(Part) + ngrams.parts
        cells = len(ngrams.lengths) * len(Part)
        totals = np.asarray(np.bincount(cell, each, cells), np.float64)
        shares = each / np.maximum(totals[cell], 1e-12)
        return cls(values, totals.reshape(-1, len(Part)), shares, unsuppressed)


@dataclasses.dataclass(slots=True)
class Tally:
    """What a search came across; add it up over a corpus.

    Args:
        texts, words, occurrences: searched, and n-grams of the index met in them.
        repeats: of those, n-grams that a text has so often that they were not looked at again.
        hits: returned.
        cut: candidates beyond the most that a text may have.
        lost: items that texts may have been candidates for, had nothing been suppressed.
        lost_by: of those, how many each suppressed n-gram had a part in, by its number.
    """

    texts: int = 0
    words: int = 0
    occurrences: int = 0
    repeats: int = 0
    hits: int = 0
    cut: int = 0
    lost: int = 0
    lost_by: dict[int, int] = dataclasses.field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add what another search came across."""
        for name in ("texts", "words", "occurrences", "repeats", "hits", "cut", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for ngram, places in other.lost_by.items():
            self.lost_by[ngram] = self.lost_by.get(ngram, 0) + places

"""Overlap of spans with benchmark items: the weight of the stems that a span shares with one of them."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse

from audits.items import Item
from audits.lexical.words import split
from audits.semantic.prescreen_spans import Spans

__all__ = ["Overlap", "stem"]

SMOOTH = 5.0  # added to an item's weight: a short item is easily shared whole
UNSEEN = 5  # windows that a word is taken to be in beyond those counted
COSTLY = 150.0  # item texts that a stem brings up per window; those of more are not looked up

_Floats = npt.NDArray[np.float64]

_WORD = re.compile(
    r"(?![a-z](?:[\W_]|$))[^\W_]+"
)  # less single letters, as in `audits.lexical.words`
_ENDINGS = ("ment", "ing", "ion", "ed", "er", "es", "ly", "al", "e")
_FORMS = (
    "s",
    "e",
    "es",
    "ed",
    "er",
    "ers",
    "ing",
    "ings",
    "ly",
    "ion",
    "ions",
    "al",
    "ally",
    "ment",
    "ments",
    "y",
    "ies",
    "ied",
    "ily",
    "i",
)


def stem(word: str) -> str:
    """An English word less its ending; numbers and words of other scripts as they are."""
    if not (word.isascii() and word.isalpha()):
        return word
    if word.endswith("s") and len(word) > 3:
        word = word[:-1]
    for _ in range(2):
        ending = next((end for end in _ENDINGS if word.endswith(end)), "")
        if not ending or len(word) - len(ending) < 4:
            break
        word = word[: -len(ending)]
    return word[:-1] if word[-1] in "iy" and len(word) > 4 else word


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Overlap:
    """Items by their stems.

    Args:
        hashes: ``uint64[n]`` of words, ascending; ``stems``: ``int32[n]``, the stem of each.
        weights: ``float32[stems]``.
        shares, columns, bounds: a matrix in sparse rows, stems by questions and, behind them, all
            that the items have: what a stem adds to the overlap.
        highest, items, edges: the like of stems by items: the most that it adds.
        size: how many items there are.
    """

    hashes: npt.NDArray[np.uint64]
    stems: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    shares: npt.NDArray[np.float32]
    columns: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int32]
    highest: npt.NDArray[np.float32]
    items: npt.NDArray[np.int32]
    edges: npt.NDArray[np.int32]
    size: int

    @classmethod
    def build(cls, items: Sequence[Item], frequencies: Mapping[str, int], windows: int) -> Overlap:
        """Index items; ``frequencies`` says in how many of ``windows`` a word is."""
        texts = [item.question for item in items]
        texts += [" ".join((item.question, *_rest(item))) if _rest(item) else "" for item in items]
        bags = [sorted({stem(word) for word in _WORD.findall(text.lower())}) for text in texts]
        counts = Counter(word for bag in bags for word in bag)
        numbers = {word: number for number, word in enumerate(sorted(counts))}
        seen: Counter[str] = Counter()
        for word, count in frequencies.items():
            seen[stem(word)] += count
        # Nothing is counted of other scripts: there the items themselves say what is common.
        rates = np.array(
            [
                min(seen[word], windows) / windows if word.isascii() else counts[word] / len(texts)
                for word in numbers
            ]
        )
        weights = -np.log(np.minimum(rates + UNSEEN / windows, 1.0))
        weights[rates * np.array([counts[word] for word in numbers]) > COSTLY] = 0.0
        edges = np.cumsum([0, *map(len, bags)])
        places = np.array([numbers[word] for bag in bags for word in bag], np.int32)
        shape = (len(texts), len(numbers))
        there = scipy.sparse.csr_matrix((weights[places], places, edges), shape)
        there.eliminate_zeros()
        norms = 1 / np.sqrt(np.asarray(there.sum(axis=1)).ravel() + SMOOTH)
        shares = (scipy.sparse.diags(norms) @ there).astype(np.float32)
        highest = shares[: len(items)].maximum(shares[len(items) :])
        hashes, stems = _forms(numbers)
        by_text, by_item = shares.T.tocsr(), highest.T.tocsr()
        return cls(
            hashes,
            stems,
            weights.astype(np.float32),
            by_text.data,
            by_text.indices.astype(np.int32),
            by_text.indptr.astype(np.int32),
            by_item.data,
            by_item.indices.astype(np.int32),
            by_item.indptr.astype(np.int32),
            len(items),
        )

    def of(self, spans: Spans) -> _Floats:
        """The overlap with the item that a span overlaps most with, ``float64[spans]``."""
        return self.best(self.stems_of(spans.plain, spans.first, spans.end))

    def stems_of(
        self,
        words: npt.NDArray[np.uint64],
        first: npt.NDArray[np.int64],
        end: npt.NDArray[np.int64],
    ) -> scipy.sparse.csr_matrix:
        """Which stems are in which run of words, ``float32[runs, stems]``, less those of no weight."""
        shape = (len(first), len(self.weights))
        if not len(self.hashes) or not len(words):
            return scipy.sparse.csr_matrix(shape, dtype=np.float32)
        which = np.minimum(np.searchsorted(self.hashes, words), len(self.hashes) - 1)
        stems = self.stems[which].astype(np.int64)
        stems[(self.hashes[which] != words) | (self.weights[stems] == 0)] = -1
        sizes = end - first
        offsets = np.cumsum(sizes) - sizes
        stems = stems[np.arange(int(sizes.sum())) + np.repeat(first - offsets, sizes)]
        keys = np.repeat(np.arange(shape[0]), sizes) * shape[1] + stems
        rows, columns = np.divmod(np.unique(keys[stems >= 0]), shape[1])
        edges = np.searchsorted(rows, np.arange(shape[0] + 1)).astype(np.int32)
        ones = np.ones(len(rows), np.float32)
        return scipy.sparse.csr_matrix((ones, columns.astype(np.int32), edges), shape)

    def best(self, there: scipy.sparse.csr_matrix) -> _Floats:
        """The overlap with the item that a run overlaps most with, ``float64[runs]``."""
        shape = (len(self.weights), 2 * self.size)
        return _highest(
            there @ scipy.sparse.csr_matrix((self.shares, self.columns, self.bounds), shape)
        )

    def bound(self, there: scipy.sparse.csr_matrix) -> _Floats:
        """No part of a run overlaps with an item more than that, ``float64[runs]``; quicker."""
        shape = (len(self.weights), self.size)
        return _highest(
            there @ scipy.sparse.csr_matrix((self.highest, self.items, self.edges), shape)
        )


def _highest(matrix: scipy.sparse.csr_matrix) -> _Floats:
    """Of each row, 0 where it has nothing."""
    found = np.zeros(matrix.shape[0])
    some = np.flatnonzero(np.diff(matrix.indptr))
    if len(some):
        found[some] = np.maximum.reduceat(matrix.data, matrix.indptr[some])
    return found


def _rest(item: Item) -> list[str]:
    """What a leak may have of an item beside the question; not its passage, which others share."""
    return [text for text in (*item.choices, item.answer, item.solution) if text]


def _forms(stems: Iterable[str]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """Hashes of words that have these stems, ascending, and the number of the stem of each."""
    words: list[str] = []
    numbers: list[int] = []
    for number, one in enumerate(stems):
        forms = [one]
        if one.isascii() and one.isalpha():
            forms += [form for ending in _FORMS if stem(form := one + ending) == one]
        words += forms
        numbers += [number] * len(forms)
    if not words:
        return np.empty(0, np.uint64), np.empty(0, np.int32)
    found = split(words)
    one_word = np.diff(found.bounds) == 1  # a few are none, or several, to the tokenisation
    hashes = found.hashes[found.bounds[:-1][one_word]]
    hashes, which = np.unique(hashes, return_index=True)
    return hashes, np.array(numbers, np.int32)[one_word][which]

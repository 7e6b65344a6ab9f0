"""A boosted forest of oblivious trees, in a few NumPy calls for all blocks of a page at once.

In an oblivious tree (Prokhorenkova et al. 2018, CatBoost) all nodes of a level ask the same question, so
that the answers, as bits, are the number of the leaf. Leaves hold integers: their sum is the same in
any order and on any machine.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

__all__ = ["SCALE", "Forest"]

Indexes = npt.NDArray[np.intp]

SCALE = 4096  # of leaves: one is this many
_ROWS = 128  # judged together, so that what they need stays in the cache


@dataclasses.dataclass(frozen=True)
class Forest:
    """``trees`` trees of ``depth`` questions.

    Args:
        features: ``int16[questions]``, column of each question; questions are distinct.
        borders: ``float32[questions]``; the answer is whether the column is larger.
        asked: ``int16[trees, depth]``, number of the question at each level, the lowest bit first.
        leaves: ``int16[trees, 2 ** depth]``, in units of 1 / `SCALE`.
        bias: added to the sum, in the same unit.
    """

    features: npt.NDArray[np.int16]
    borders: npt.NDArray[np.float32]
    asked: npt.NDArray[np.int16]
    leaves: npt.NDArray[np.int16]
    bias: int

    def log_odds(self, columns: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Log odds of each row.

        Args:
            columns: ``float32[features, rows]``, contiguous.

        Returns:
            ``float64[rows]``, whole multiples of 1 / `SCALE`.
        """
        rows = columns.shape[1]
        total = np.empty(rows, np.int64)
        for start in range(0, rows, _ROWS):
            part = columns[:, start : start + _ROWS]
            total[start : start + _ROWS] = self._sums(part)
        return (total + self.bias) / float(SCALE)

    def _sums(self, columns: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
        features, borders, levels = self._questions
        trees, depth = self.asked.shape
        answers = (columns.take(features, axis=0) > borders).view(np.uint8)
        leaf = answers.take(levels[-1], axis=0)
        for asked in levels[-2::-1]:
            leaf += leaf  # faster than a shift
            leaf |= answers.take(asked, axis=0)
        at = leaf.astype(np.intp)
        at += np.arange(0, trees << depth, 1 << depth)[:, None]
        sums: npt.NDArray[np.int32] = self._values.take(at).sum(axis=0, dtype=np.int32)
        return sums

    @functools.cached_property
    def _questions(self) -> tuple[Indexes, npt.NDArray[np.float32], Indexes]:
        """Column and border of each question, by column, and what is asked: ``intp[depth, trees]``."""
        order = np.argsort(self.features, kind="stable")
        place = np.argsort(order)
        return (
            self.features[order].astype(np.intp),
            self.borders[order, None],
            np.ascontiguousarray(place[self.asked].T),
        )

    @functools.cached_property
    def _values(self) -> npt.NDArray[np.int32]:
        return self.leaves.ravel().astype(np.int32)

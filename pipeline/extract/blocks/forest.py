"""A boosted forest of oblivious trees, in a few NumPy calls for all blocks of a page at once.

In an oblivious tree (Prokhorenkova et al. 2018, CatBoost) all nodes of a level ask the same question, so
that the answers, as bits, are the number of the leaf. Leaves hold integers: their sum is the same in
any order and on any machine.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

__all__ = ["SCALE", "Forest"]

SCALE = 4096  # of leaves: one is this many


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
        trees, depth = self.asked.shape
        rows = columns.shape[1]
        answers = (columns[self.features] > self.borders[:, None]).view(np.uint8)
        leaf = answers[self.asked[:, 0]]
        for level in range(1, depth):
            leaf |= answers[self.asked[:, level]] << np.uint8(level)
        flat = leaf + np.arange(0, trees << depth, 1 << depth, dtype=np.int32)[:, None]
        total = self.leaves.ravel()[flat].sum(axis=0, dtype=np.int64)
        return (total + self.bias).reshape(rows) / float(SCALE)

"""Which blocks are kept, given how likely each is main text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["choose_blocks"]

SURE = 0.5  # at least this likely: kept in any case
DOUBTFUL = 0.2  # less likely: never kept


def choose_blocks(
    likely: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """The blocks that together have the largest expected F1 by words.

    With one threshold for all pages, those whose text is hard to tell are left nearly empty: where F1 can
    only be low, the best threshold is low as well (half of the F1 that can be reached: Lipton, Elkan and
    Naryanaswamy 2014).

    Args:
        likely: ``float64[blocks]``, probability that a block is main text.
        lengths: ``float64[blocks]``, words of each.

    Returns:
        ``bool[blocks]``.
    """
    order = np.argsort(-likely, kind="stable")
    found = np.cumsum(likely[order] * lengths[order])
    kept = np.cumsum(lengths[order])
    expected = 2 * found / (kept + found[-1] + 1e-9)
    chosen = np.zeros(len(likely), np.bool_)
    chosen[order[: int(np.argmax(expected)) + 1]] = True
    chosen &= likely > DOUBTFUL
    return chosen | (likely > SURE)

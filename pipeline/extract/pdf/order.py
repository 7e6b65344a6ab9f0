"""The order in which boxes on a page are read.

The two rules of Breuel 2003 ("High performance document layout analysis", SDIUT): a box comes
before one below it that shares some of its width, and before one to its right, unless something
that is as wide as both stands between them. The order is a topological sort of these.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["reading_order"]

Box = tuple[float, float, float, float]
_MOST = 400  # boxes; a drawing with more labels is read by rows


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """Indices of the boxes in the order of reading.

    Args:
        boxes: left, top, right, bottom of each; y grows downwards.
    """
    count = len(boxes)
    if count < 2:
        return list(range(count))
    if count > _MOST:
        return sorted(range(count), key=lambda index: (round(boxes[index][1]), boxes[index][0]))
    return _sorted(_before(np.asarray(boxes, np.float64)), boxes)


def _before(box: NDArray[np.float64]) -> NDArray[np.bool_]:
    """``before[a, b]``: box a is read before box b by one of the rules."""
    left, top, right, bottom = box.T
    width = right - left
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    over = shared > 0.12 * np.minimum(width[:, None], width)
    middle = (top + bottom) / 2
    above = (middle[:, None] < middle) & ((bottom[:, None] <= middle) | (middle[:, None] <= top))
    left_of = ~over & ((left + right)[:, None] < (left + right))
    barred = np.zeros_like(over)
    for between in range(len(box)):
        wide = over[:, between]
        up, down = wide & above[:, between], wide & above[between]
        barred |= np.outer(up, down)
    before: NDArray[np.bool_] = (over & above) | (left_of & ~barred & ~barred.T)
    np.fill_diagonal(before, False)
    return before


def _sorted(before: NDArray[np.bool_], boxes: Sequence[Box]) -> list[int]:
    """A topological order; where it is free, what stands below the last box, then the highest."""
    waiting = set(range(len(boxes)))
    pending = before.sum(axis=0)
    order: list[int] = []
    while waiting:
        free = [index for index in waiting if pending[index] == 0] or list(waiting)
        last = boxes[order[-1]] if order else None
        chosen = min(free, key=lambda index: _preference(boxes[index], last))
        order.append(chosen)
        waiting.discard(chosen)
        pending = pending - before[chosen]
        pending[chosen] = 0
    return order


def _preference(box: Box, last: Box | None) -> tuple[bool, float, float]:
    under = last is not None and box[0] < last[2] and last[0] < box[2] and box[1] >= last[1]
    return (not under, box[1], box[0])

"""Which element stands in which, from start and end tags in document order, without a loop over them."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

__all__ = ["Nesting", "nearest", "nesting_of"]

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(slots=True)
class Nesting:
    """Elements in document order; number 0 is one above all others.

    Args:
        begins, ends: ``int64[elements]``, number of the start and of the end tag of each. Element 0 begins
            at -1; it and what is never closed end behind the last tag.
        depths: elements around each.
        parents: the element around each; that of 0 is 0.
        last_below: the last element within each, or itself.
    """

    begins: Ints
    ends: Ints
    depths: Ints
    parents: Ints
    last_below: Ints
    _depth: Ints  # behind each tag
    _order: Ints  # elements by depth, and those of one depth as they stand
    _keys: Ints  # depth and number of each, in that order

    def around(self, tags: Ints) -> Ints:
        """The innermost element that is open behind each of ``tags``."""
        begun = self.begins.searchsorted(tags, side="right")
        return self._order[self._keys.searchsorted(self._depth[tags] << 32 | begun) - 1]


def nesting_of(steps: Ints) -> Nesting:
    """Pair start and end tags. An end tag closes the innermost element; where none is open, it does nothing.

    Args:
        steps: of each tag: 1 opens an element, -1 closes one, 0 does neither.
    """
    depth = np.cumsum(steps)
    closing = steps < 0
    if len(steps) and depth.min() < 0:
        below = np.minimum(np.minimum.accumulate(depth), 0)
        closing &= np.diff(below, prepend=0) == 0
        depth -= below
    begins = np.concatenate([[-1], np.flatnonzero(steps > 0)])
    depths = np.concatenate([[0], depth[begins[1:]]])
    # Behind the last tag, all that is open is closed, element 0 last.
    left = np.arange(depth[-1] if len(steps) else 0, -1, -1)
    closes = np.concatenate([np.flatnonzero(closing), np.full(len(left), len(steps))])
    closed = np.concatenate([depth[closing] + 1, left])
    # Elements of one depth begin and end in turn.
    order = np.argsort(depths, kind="stable")
    ends = np.empty_like(begins)
    ends[order] = closes[np.argsort(closed, kind="stable")]
    # The parent is the last element before that is one less deep.
    keys = depths[order] << 32 | order
    above = (depths - 1) << 32 | np.arange(len(begins))
    parents = order[keys.searchsorted(above) - 1]
    parents[0] = 0
    return Nesting(begins, ends, depths, parents, begins.searchsorted(ends) - 1, depth, order, keys)


def nearest(these: npt.NDArray[np.bool_], parents: Ints) -> Ints:
    """For each element the nearest of ``these`` around it, itself included; 0 where there is none."""
    found = np.where(these, np.arange(len(parents)), parents)
    while True:
        further = found[found]  # twice as far each time
        if (further == found).all():
            return found
        found = further

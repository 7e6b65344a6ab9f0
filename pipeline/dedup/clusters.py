"""Connected components of the candidate graph: what can be decided on its own.

Hooking and pointer jumping over edges that are read again in every pass (Shiloach and Vishkin,
"An O(log n) parallel connectivity algorithm", 1982), vectorised. Memory is one number a document,
however many edges there are. A component is a unit of work and no verdict: chains of loosely
similar documents end up in one, and `verify` decides within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConservationError

__all__ = ["components"]

_UInt32 = npt.NDArray[np.uint32]
Edges = Callable[[], Iterable[tuple[_UInt32, _UInt32]]]

MOST_PASSES = 1000  # each pass at least halves the number of trees that still have to meet


def components(edges: Edges, count: int) -> _UInt32:
    """For each document the smallest document it is connected with.

    Args:
        edges: gives all edges anew each time it is called, in chunks of two arrays of numbers.
        count: documents are 0 … ``count`` − 1.

    Raises:
        ConservationError: it did not converge, which is a bug.
    """
    labels = np.arange(count, dtype=np.uint32)
    for _ in range(MOST_PASSES):
        if not _hook(labels, edges):
            # This pass has met every edge and found both its ends under one root: the check.
            return labels
    raise ConservationError(f"connected components have not converged in {MOST_PASSES} passes")


def _hook(labels: _UInt32, edges: Edges) -> bool:
    """One pass: join the trees at both ends of every edge. False if there was nothing to join."""
    changed = False
    for left, right in edges():
        roots, others = _root(labels, left), _root(labels, right)
        apart = roots != others
        if not apart.any():
            continue
        changed = True
        roots, others = roots[apart], others[apart]
        while len(roots):
            np.minimum.at(labels, np.maximum(roots, others), np.minimum(roots, others))
            # A root that was hooked to two trees knows only the smaller one: follow both ends up.
            roots, others = _root(labels, roots), _root(labels, others)
            apart = roots != others
            roots, others = roots[apart], others[apart]
    if changed:
        _flatten(labels)
    return changed


def _root(labels: _UInt32, documents: _UInt32) -> _UInt32:
    roots = labels[documents]
    while True:
        above = labels[roots]
        if (above == roots).all():
            labels[documents] = roots  # the next look-up takes one step
            return roots
        labels[roots] = labels[above]  # pointer jumping: a long chain halves with every step
        roots = above


def _flatten(labels: _UInt32) -> None:
    while True:
        above = labels[labels]
        if (above == labels).all():
            return
        labels[:] = above

"""How well picks cover a pool, by the cosines of all prompts with all picks."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from pipeline.prompts.diversity.unit_vectors import Float32, Int64, parts

__all__ = ["Coverage", "coverage"]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Coverage:
    """Each prompt's nearest pick, and what the picks came to one after another.

    Args:
        nearest: ``int64[n]``, place in the order; of equally near picks the first; -1 without any.
        cosines: ``float32[n]``, to that pick, at most 1; 0 without any.
        sums: ``float64[picks]``: after each pick the sum over prompts of weight times cosine (not
            below 0) to the nearest pick so far.
    """

    nearest: Int64
    cosines: Float32
    sums: npt.NDArray[np.float64]


def coverage(unit: Float32, order: Int64, weight: npt.NDArray[np.float64]) -> Coverage:
    """Measure the picks ``order`` on the pool they are from.

    Args:
        unit: ``float32[n, d]``, as `unit_vectors` gives them.
        order: ``int64[picks]``, rows of ``unit``.
        weight: ``float64[n]``.
    """
    count = len(unit)
    nearest, cosines = np.full(count, -1, np.int64), np.zeros(count, np.float32)
    sums = np.zeros(len(order))
    if not len(order):
        return Coverage(nearest, cosines, sums)
    picks = np.ascontiguousarray(unit[order].T)
    for part in parts(count, len(order)):
        found = np.minimum(unit[part] @ picks, 1.0)
        nearest[part] = np.argmax(found, axis=1)
        cosines[part] = found.max(axis=1)
        np.maximum(found, 0, out=found)
        np.maximum.accumulate(found, axis=1, out=found)
        # Not a product of matrices: its order of summing is not the same on all machines.
        sums += (found * weight[part, None]).sum(axis=0)
    return Coverage(nearest, cosines, sums)

"""Spherical k-means (Dhillon and Modha 2001), the same on any number of threads."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.quotas import Rooms
from pipeline.prompts.diversity.unit_vectors import Float32, Int64, parts, unit_vectors, weights

__all__ = ["Clusters", "cluster", "k_means"]

_ITERATIONS = 25


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Clusters:
    """What k-means found.

    Args:
        centres: ``float32[clusters, d]``, of unit length.
        labels: ``int64[n]``, each vector's nearest centre.
        cosines: ``float32[n]``, to that centre.
    """

    centres: Float32
    labels: Int64
    cosines: Float32


def k_means(
    vectors: npt.ArrayLike,
    k: int,
    seed: int = 0,
    quality: Sequence[float] | npt.ArrayLike | None = None,
    quotas: Rooms | None = None,
) -> Int64:
    """Pick the prompt nearest to the centre of each of ``k`` clusters, those of largest weight first.

    Where quotas are full, or there are fewer clusters than ``k``, clusters give their next nearest,
    each in turn.

    Args:
        vectors: ``[n, d]``; see `unit_vectors`.
        k: picks wanted.
        seed: of the first centres.
        quality: ``float[n]``, weights in the means; 1 if not given.
        quotas: from `Quotas.rooms` for these prompts; changed by the picks.

    Returns:
        ``int64[picks]``, ids in order; fewer than ``k`` where there are fewer or quotas are full.

    Raises:
        ConfigError: see `unit_vectors` and `weights`; or ``k`` is negative.
    """
    unit = unit_vectors(vectors)
    weight = weights(quality, len(unit))
    if not len(unit) or not k:
        return np.zeros(0, np.int64)
    found = cluster(unit, k, seed, weight)
    ids, labels = np.arange(len(unit)), found.labels
    sizes = np.bincount(labels, weight, minlength=len(found.centres))
    by_size = np.lexsort((np.arange(len(sizes)), -sizes))
    size_rank = np.empty(len(sizes), np.int64)
    size_rank[by_size] = np.arange(len(sizes))
    within = np.lexsort((ids, -found.cosines, labels))
    members = np.bincount(labels, minlength=len(sizes))
    turn = np.empty(len(unit), np.int64)
    turn[within] = np.arange(len(unit)) - (np.cumsum(members) - members)[labels[within]]
    order = np.lexsort((ids, size_rank[labels], turn))
    return order[:k] if quotas is None else quotas.fill(order, k)


def cluster(
    unit: Float32, count: int, seed: int = 0, weight: npt.NDArray[np.float64] | None = None
) -> Clusters:
    """Cluster by Lloyd's iterations from centres drawn as k-means++ does (Arthur and
    Vassilvitskii 2007).

    Args:
        unit: ``float32[n, d]``, as `unit_vectors` gives them; at least one.
        count: clusters wanted, at least 1; fewer are found where fewer vectors differ.
        seed: of the draws.
        weight: ``float64[n]``, 0 or more; 1 if not given.

    Raises:
        ConfigError: ``count`` is below 1.
    """
    if count < 1:
        raise ConfigError(f"count = {count}: give 1 cluster or more")
    weight = np.ones(len(unit)) if weight is None or not weight.any() else weight
    centres = _first_centres(unit, min(count, len(unit)), seed, weight)
    exact = unit.astype(np.float64)
    labels, cosines = _assign(unit, centres)
    for _ in range(_ITERATIONS):
        centres = _means(exact, centres, labels, cosines, weight)
        before = labels
        labels, cosines = _assign(unit, centres)
        if np.array_equal(before, labels):
            break
    used = np.unique(labels)
    return Clusters(centres[used], np.searchsorted(used, labels), cosines)


def _first_centres(
    unit: Float32, count: int, seed: int, weight: npt.NDArray[np.float64]
) -> Float32:
    rng = np.random.default_rng(seed)
    apart = weight
    chosen: list[int] = []
    nearest = np.full(len(unit), -np.inf, np.float32)
    # A vector is no farther from itself than rounding of its length makes it.
    itself = np.square(unit).sum(axis=1, dtype=np.float64)
    while len(chosen) < count:
        sums = np.cumsum(apart)
        if sums[-1] <= 0:
            break
        # Never beyond the last row that can be drawn, however the product is rounded.
        last = int(np.searchsorted(sums, sums[-1]))
        drawn = min(int(np.searchsorted(sums, rng.random() * sums[-1], side="right")), last)
        chosen.append(drawn)
        np.maximum(nearest, unit @ unit[drawn], out=nearest)
        apart = weight * np.maximum(itself - nearest, 0)
        apart[chosen] = 0
    return unit[chosen]


def _assign(unit: Float32, centres: Float32) -> tuple[Int64, Float32]:
    labels, cosines = np.empty(len(unit), np.int64), np.empty(len(unit), np.float32)
    for part in parts(len(unit), len(centres)):
        found = unit[part] @ centres.T
        labels[part] = np.argmax(found, axis=1)
        cosines[part] = np.take_along_axis(found, labels[part][:, None], axis=1)[:, 0]
    return labels, cosines


def _means(
    exact: npt.NDArray[np.float64],
    centres: Float32,
    labels: Int64,
    cosines: Float32,
    weight: npt.NDArray[np.float64],
) -> Float32:
    """The new centres; one that lost all its members goes to a vector far from its own."""
    sizes = np.bincount(labels, minlength=len(centres))
    # SciPy's product runs in one thread and in the order of rows, which BLAS does not promise.
    of = csr_array((weight, (labels, np.arange(len(exact)))), shape=(len(centres), len(exact)))
    sums = of @ exact
    stay = ~sums.any(axis=1)  # without weight, or its members cancel out
    found = unit_vectors(sums)
    found[stay] = centres[stay]
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        far = np.lexsort((np.arange(len(exact)), -weight * (1 - cosines)))[: len(empty)]
        found[empty[: len(far)]] = exact[far]
    return found

"""Diverse selection: k of n prompts that cover what people ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest
from pipeline.prompts.diversity.coverage import coverage
from pipeline.prompts.diversity.facility_location import Covers, covers, facility_location
from pipeline.prompts.diversity.k_center import k_center
from pipeline.prompts.diversity.k_means import k_means
from pipeline.prompts.diversity.neighbours import NeighbourGraph, neighbour_graph
from pipeline.prompts.diversity.quotas import Quotas, Rooms, Shortfall
from pipeline.prompts.diversity.unit_vectors import Float32, Int64, distinct, unit_vectors, weights

__all__ = ["METHODS", "Curve", "Selection", "select_diverse"]

METHODS = ("facility-location", "k-center", "k-means", "random")

_FEWEST, _MOST = 64, 256  # neighbours of a prompt
_ENOUGH = 1.25  # picks that a prompt's neighbours hold on average, for `above_farthest` to be right
_DRAWS = 3  # random selections that a curve is compared with

_Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """Coverage after each pick, 0 to 1: the weighted mean of the cosine to the nearest pick.

    Cosines below 0 count as 0. Without quality all prompts weigh the same.

    Args:
        selected: ``float64[picks]``, of the selection.
        random: ``float64[picks]``, of as many picks drawn at random (mean of 3 draws).
    """

    selected: _Float64
    random: _Float64


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Selection:
    """What was picked, and what for.

    Args:
        ids: ``int64[picks]``, rows of the pool in the order of picking.
        gains: ``float64[picks]``, how much each pick added to the sum over all prompts of weight
            times cosine to the nearest pick. Over all pairs, so that methods compare; facility
            location itself sees neighbours only, so its gains here may rise a little now and then.
        covers: the prompts passed over for each pick.
        curve: coverage, beside that of random picks.
        cosines: ``float32[n]``, of each prompt with its nearest pick.
        shortfalls: why there are fewer picks than wanted, in all or of a group; empty where none
            is missing.
        copies: how many picks have the vector of one before them, or zero: taken last, when no
            others are left.
    """

    ids: Int64
    gains: _Float64
    covers: Covers
    curve: Curve
    cosines: Float32
    shortfalls: tuple[Shortfall, ...]
    copies: int


def select_diverse(
    vectors: npt.ArrayLike,
    k: int,
    method: str = "facility-location",
    quality: Sequence[float] | npt.ArrayLike | None = None,
    groups: Mapping[str, Sequence[object]] | None = None,
    quotas: Quotas | None = None,
    seed: int = 0,
    *,
    neighbours: int | None = None,
    most: int = 5,
) -> Selection:
    """Pick ``k`` prompts out of a pool; the same picks for the same input, on any machine.

    Prompts with the same vector are one candidate, the one of highest quality, and weigh together.
    Copies, and prompts whose vector is zero, are picked only when nothing else is left.

    Args:
        vectors: ``[n, d]``, of any length; see `unit_vectors`.
        k: picks wanted, 0 or more. All prompts, in order, where there are fewer.
        method: ``"facility-location"``; ``"k-center"`` (seeks outliers), ``"k-means"`` and
            ``"random"`` to compare with.
        quality: ``float[n]``, 0 to 1: how much each prompt counts as one to be covered. k-center
            multiplies distances by it; random leaves it aside. What should never be picked is to
            be left out of the pool before.
        groups: the group of each prompt by kind, such as ``{"language": [...]}``.
        quotas: shares of these groups.
        seed: of k-means and of random picks.
        neighbours: of each prompt in the graph of facility location; by default twice as many as
            there are prompts for each pick, from 64 to 256.
        most: neighbours passed over that are told of each pick.

    Raises:
        ConfigError: an unknown method, a negative ``k``, vectors that are not finite, a quality
            that is no number from 0 to 1, or groups that do not fit the quotas.
    """
    if method not in METHODS:
        raise ConfigError(f"method = {method!r}{nearest(method, METHODS)} ({', '.join(METHODS)})")
    if k < 0:
        raise ConfigError(f"k = {k}: give the number of picks, 0 or more")
    unit = unit_vectors(vectors)
    weight = weights(quality, len(unit))
    if (weight > 1).any():
        at = int(np.argmax(weight > 1))
        raise ConfigError(f"quality[{at}] = {weight[at]:g} is above 1; scale it to 0..1")
    pool = _Pool.of(unit, weight)
    rooms = (quotas or Quotas({})).rooms(groups or {}, len(unit), k)
    picked = _picks(pool, k, method, rooms, seed, neighbours)
    ids = np.concatenate((picked, _rest(unit, pool, picked, k, rooms)))
    measured = coverage(unit, ids, weight)
    return Selection(
        ids,
        np.diff(measured.sums, prepend=0.0),
        covers(ids, measured.nearest, measured.cosines, most=most),
        _curve(unit, measured.sums, weight, seed),
        measured.cosines,
        rooms.shortfalls(),
        len(ids) - len(np.unique(pool.kind[ids[unit[ids].any(axis=1)]])),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Pool:
    """The candidates: one prompt for each vector that is not zero.

    Args:
        unit: ``float32[candidates, d]``.
        ids: ``int64[candidates]``, the prompt of each.
        own: ``float64[candidates]``, its weight.
        together: ``float64[candidates]``, the weight of all that have its vector.
        kind: ``int64[n]``, for each prompt the first that has its vector.
    """

    unit: Float32
    ids: Int64
    own: _Float64
    together: _Float64
    kind: Int64

    @classmethod
    def of(cls, unit: Float32, weight: _Float64) -> _Pool:
        first, kind = distinct(unit)
        by_quality = np.lexsort((np.arange(len(unit)), -weight, kind))
        _, starts = np.unique(kind[by_quality], return_index=True)
        best = by_quality[starts]
        there = unit[best].any(axis=1)
        together = np.bincount(kind, weight, minlength=len(first)).astype(np.float64)
        # In the order of ids, so that ties go to the lower one.
        order = np.argsort(best[there])
        ids = best[there][order]
        return cls(unit[ids], ids, weight[ids], together[there][order], first[kind])


def _picks(
    pool: _Pool, k: int, method: str, rooms: Rooms, seed: int, neighbours: int | None
) -> Int64:
    """Ids of the candidates picked."""
    if not k or not len(pool.ids):
        return np.zeros(0, np.int64)
    if method == "facility-location":
        graph = _graph(pool.unit, k, neighbours)
        picked = facility_location(graph, k, pool.together, rooms.among(pool.ids)).order
    elif method == "k-center":
        picked = k_center(pool.unit, k, pool.own, rooms.among(pool.ids))
    elif method == "k-means":
        picked = k_means(pool.unit, k, seed, pool.together, rooms.among(pool.ids))
    else:
        shuffled = np.random.default_rng(seed).permutation(len(pool.ids))
        return rooms.fill(pool.ids[shuffled], k)
    return pool.ids[picked]


def _graph(unit: Float32, k: int, neighbours: int | None) -> NeighbourGraph:
    if neighbours is None:
        neighbours = min(max(-(-2 * len(unit) // max(k, 1)), _FEWEST), _MOST)
    graph = neighbour_graph(unit, neighbours).own_as_nearest()
    enough = graph.ids.shape[1] * k >= _ENOUGH * len(unit)
    return graph.above_farthest() if enough else graph


def _rest(unit: Float32, pool: _Pool, picked: Int64, k: int, rooms: Rooms) -> Int64:
    """What else is picked when the candidates are used up: vectors not picked yet (their candidate's
    groups are full), then copies, then zeros."""
    if len(picked) == k:
        return picked[:0]
    left = np.ones(len(unit), np.bool_)
    left[picked] = False
    order = np.flatnonzero(left)
    known = np.isin(pool.kind[order], pool.kind[picked])
    order = order[np.lexsort((order, known, ~unit[order].any(axis=1)))]
    return rooms.fill(order, k - len(picked))


def _curve(unit: Float32, sums: _Float64, weight: _Float64, seed: int) -> Curve:
    total = float(weight.sum()) or 1.0
    rng = np.random.default_rng(seed)
    drawn = np.zeros(len(sums))
    for _ in range(_DRAWS):
        order = rng.permutation(len(unit))[: len(sums)]
        drawn += coverage(unit, order, weight).sums
    return Curve(sums / total, drawn / (_DRAWS * total))

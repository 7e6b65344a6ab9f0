"""Facility location on a sparse graph: the picks that leave every prompt near one of them.

Maximises ``sum_i w_i max_{j in S} max(0, cos_ij)`` over selections S of ``k``, where j counts for i
only if it is among i's neighbours in the graph. The greedy choice is within 1 - 1/e of the best
(Nemhauser, Wolsey and Fisher 1978); with quotas of p kinds within 1 / (p + 1) (Fisher et al. 1978).
Gains only shrink, so most need not be looked at again (Minoux 1978, "Accelerated greedy algorithms").
All sums are of whole numbers, so the lazy choice is the greedy one to the last tie.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.neighbours import MOST_COSINE, NeighbourGraph
from pipeline.prompts.diversity.quotas import Rooms
from pipeline.prompts.diversity.unit_vectors import COSINE_STEPS, Float32, Int64, weights

__all__ = ["Covers", "Picks", "covers", "facility_location"]

_WEIGHT_STEPS = 1 << 16
_MOST_WEIGHT = 1 << 23  # of all prompts together: beyond it sums leave 64 bits


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Covers:
    """What each pick stands for: the prompts passed over that are nearer to it than to other picks.

    Args:
        counts: ``int64[picks]``, how many these are.
        ids: ``int64[picks, most]``, the nearest of them, nearest first; -1 where there are fewer.
        cosines: ``float32[picks, most]``, 0 where there are fewer.
    """

    counts: Int64
    ids: Int64
    cosines: Float32


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Picks:
    """A selection.

    Args:
        order: ``int64[picks]``, as picked. Fewer than were asked for only where there are fewer
            prompts or quotas are full; `Rooms.shortfalls` says which.
        gains: ``float64[picks]``, what each added to the sum, never rising.
        covers: on the graph.
    """

    order: Int64
    gains: npt.NDArray[np.float64]
    covers: Covers


def facility_location(
    graph: NeighbourGraph | tuple[Float32, Int64],
    k: int,
    quality: Sequence[float] | npt.ArrayLike | None = None,
    quotas: Rooms | None = None,
    *,
    most: int = 5,
) -> Picks:
    """Pick ``k`` prompts that cover all, by lazy greedy choice.

    Of equal gains the prompt of higher quality is picked, then the one of lower id.

    Args:
        graph: ``cosines[n, neighbours]`` and ``ids[n, neighbours]``; see `neighbour_graph`.
            Neighbours of id -1 are none.
        k: picks wanted, 0 or more.
        quality: ``float[n]``, 0 or more: the weight ``w`` of each prompt as one to be covered,
            rounded to 2**-16; 1 if not given.
        quotas: from `Quotas.rooms` for these prompts; changed by the picks.
        most: neighbours told of each pick.

    Raises:
        ConfigError: ``k`` is negative, shapes do not match, ids are out of range, cosines are not
            finite, or see `weights`.
    """
    if k < 0:
        raise ConfigError(f"k = {k}: give the number of picks, 0 or more")
    cosines, ids = _checked(*graph)
    weight = weights(quality, len(ids))
    if weight.sum() > _MOST_WEIGHT:
        raise ConfigError(
            f"quality comes to {weight.sum():g}; scale it to {_MOST_WEIGHT:,} at most together"
        )
    columns = _Columns(cosines, ids, np.rint(weight * _WEIGHT_STEPS).astype(np.int64))
    by_rank = np.lexsort((np.arange(len(ids)), -weight))
    order, gains = _greedy(columns, by_rank, k, quotas)
    nearest = np.where(columns.best > 0, columns.owner, -1)
    found = covers(order, nearest, (columns.best / COSINE_STEPS).astype(np.float32), most=most)
    return Picks(order, gains / (COSINE_STEPS * _WEIGHT_STEPS), found)


def covers(order: Int64, nearest: Int64, cosines: Float32, *, most: int = 5) -> Covers:
    """What each pick stands for, from each prompt's nearest pick.

    Args:
        order: ``int64[picks]``, ids.
        nearest: ``int64[n]``, place in ``order``; -1 where no pick is near.
        cosines: ``float32[n]``, to that pick.
        most: neighbours told of each pick.
    """
    over = nearest >= 0
    over[order] = False
    passed = np.flatnonzero(over)
    passed = passed[np.lexsort((passed, -cosines[passed], nearest[passed]))]
    owners = nearest[passed]
    counts = np.bincount(owners, minlength=len(order)).astype(np.int64)
    at = np.arange(len(passed)) - (np.cumsum(counts) - counts)[owners]
    ids = np.full((len(order), most), -1, np.int64)
    told = np.zeros((len(order), most), np.float32)
    few = at < most
    ids[owners[few], at[few]] = passed[few]
    told[owners[few], at[few]] = cosines[passed[few]]
    return Covers(counts, ids, told)


class _Columns:
    """The graph by who covers: for each prompt those that have it among their neighbours."""

    def __init__(self, cosines: Float32, ids: Int64, weight: Int64):
        count = len(ids)
        near = (ids >= 0) & (cosines > 0)
        rows, columns = np.nonzero(near)[0], ids[near]
        order = np.argsort(columns, kind="stable")
        steps = np.rint(cosines[near].astype(np.float64) * COSINE_STEPS)
        self._rows, self._steps = rows[order], steps[order].astype(np.int64)
        self._starts = np.concatenate(([0], np.cumsum(np.bincount(columns, minlength=count))))
        self._weight = weight
        self.best = np.zeros(count, np.int64)  # of each prompt: steps of its nearest pick
        self.owner = np.full(count, -1, np.int64)
        # A sum may run over 64 bits and the difference of two is right all the same.
        sums = np.concatenate(([0], np.cumsum(self._steps * weight[self._rows])))
        self.first_gains: Int64 = sums[self._starts[1:]] - sums[self._starts[:-1]]
        self._bounds: list[int] = self._starts.tolist()

    def gain(self, prompt: int) -> int:
        start, stop = self._bounds[prompt], self._bounds[prompt + 1]
        rows = self._rows[start:stop]
        better = self._steps[start:stop] - self.best[rows]
        np.maximum(better, 0, out=better)
        return int((better * self._weight[rows]).sum())

    def take(self, prompt: int, place: int) -> None:
        start, stop = self._bounds[prompt], self._bounds[prompt + 1]
        rows, steps = self._rows[start:stop], self._steps[start:stop]
        better = steps > self.best[rows]
        self.best[rows[better]] = steps[better]
        self.owner[rows[better]] = place


def _greedy(
    columns: _Columns, by_rank: Int64, k: int, quotas: Rooms | None
) -> tuple[Int64, npt.NDArray[np.float64]]:
    order: list[int] = []
    gains: list[int] = []
    known = np.zeros(len(by_rank), np.int64)  # how many picks there were when a gain was computed
    heap = list(zip((-columns.first_gains[by_rank]).tolist(), range(len(by_rank)), strict=True))
    heapq.heapify(heap)
    while heap and len(order) < k:
        loss, rank = heapq.heappop(heap)
        prompt = int(by_rank[rank])
        if quotas is not None and not quotas.admits(prompt):
            continue
        if known[rank] < len(order):
            known[rank] = len(order)
            loss = -columns.gain(prompt)
            if heap and (loss, rank) > heap[0]:
                heapq.heappush(heap, (loss, rank))
                continue
        if quotas is not None:
            quotas.take(prompt)
        columns.take(prompt, len(order))
        order.append(prompt)
        gains.append(-loss)
    return np.array(order, np.int64), np.array(gains, np.float64)


def _checked(cosines: npt.ArrayLike, ids: npt.ArrayLike) -> tuple[Float32, Int64]:
    found, places = np.asarray(cosines, np.float32), np.asarray(ids, np.int64)
    if found.ndim != 2 or found.shape != places.shape:
        raise ConfigError(
            f"graph: cosines {list(found.shape)} and ids {list(places.shape)} are not two matrices "
            "of one shape; take them from neighbour_graph"
        )
    if not (np.abs(found) <= MOST_COSINE).all():
        raise ConfigError(
            "graph: a cosine is not finite, or its size is above 2; take it from neighbour_graph"
        )
    if places.size and (places.max() >= len(places) or places.min() < -1):
        raise ConfigError(f"graph: an id is not in 0..{len(places) - 1}; of none it is -1")
    return found, places

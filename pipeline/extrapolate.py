"""From measured pieces of an input to the whole of it: ratios, their intervals, and schedules.

Every figure is taken to grow with the stored bytes: the ratio estimator of survey sampling (Cochran,
Sampling Techniques, 1977, chapter 6), with Student's interval from how far the pieces lie apart.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["CONFIDENCE", "Estimate", "makespan", "ratio_estimate"]

CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the interval it is expected in.

    Args:
        value: the best guess.
        low, high: the interval's ends; None where a single piece leaves its spread unknown.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def plus(self, constant: float) -> Estimate:
        """With what is known not to grow."""
        return self._each(lambda number: number + constant)

    def times(self, factor: float) -> Estimate:
        """In other units, or of that many (``factor`` at least 0)."""
        return self._each(lambda number: number * factor)

    def _each(self, change: Callable[[float], float]) -> Estimate:
        return Estimate(
            change(self.value),
            None if self.low is None else change(self.low),
            None if self.high is None else change(self.high),
        )

    def to_json(self) -> dict[str, float | None]:
        """``value``, ``low`` and ``high``."""
        return dataclasses.asdict(self)


def ratio_estimate(amounts: Sequence[float], sizes: Sequence[float], whole: float) -> Estimate:
    """What the whole would come to.

    Args:
        amounts: of each piece, at least one; none below 0.
        sizes: bytes of each piece, not all 0.
        whole: bytes of the whole input.

    Returns:
        The sum of the amounts over that of the sizes, times ``whole``; no end of its interval is
        below 0.
    """
    given, bytes_of = np.asarray(amounts, np.float64), np.asarray(sizes, np.float64)
    ratio = float(given.sum() / bytes_of.sum())
    value, pieces = ratio * whole, len(given)
    if pieces < 2:
        return Estimate(value)
    from scipy.stats import t

    spread = float(np.sqrt(np.sum((given - ratio * bytes_of) ** 2) / (pieces - 1)))
    error = spread / math.sqrt(pieces) / float(bytes_of.mean()) * whole
    half = float(t.ppf((1 + CONFIDENCE) / 2, pieces - 1)) * error
    return Estimate(value, max(0.0, value - half), value + half)


def makespan(times: Sequence[float], workers: int) -> float:
    """When the last of the tasks ends, each handed to the first free worker, in their order.

    Args:
        times: seconds of each task.
        workers: how many work at a time, at least 1.
    """
    free = [0.0] * min(workers, max(len(times), 1))
    for seconds in times:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)

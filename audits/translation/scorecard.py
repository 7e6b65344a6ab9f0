"""An additive model of evidence: each feature gives points by its value, and their sum is log odds.

Read like a table, and monotone where it was fitted so: more of what speaks for a finding never makes
it less likely (Friedman 2001, "Greedy function approximation", with stumps; the additive models of
Hastie and Tibshirani 1986).
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ModelError

__all__ = ["Scorecard", "Steps", "fit_scorecard"]

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Steps:
    """Points by value: ``points[i]`` from ``edges[i - 1]`` on, below ``edges[i]``.

    Args:
        edges: ascending.
        points: log odds, one more than there are edges.
    """

    edges: tuple[float, ...]
    points: tuple[float, ...]

    def of(self, value: float) -> float:
        return self.points[bisect.bisect_right(self.edges, value)]


@dataclasses.dataclass(frozen=True)
class Scorecard:
    """Points of each feature.

    Args:
        base: log odds before any feature.
        steps: by feature.
    """

    base: float
    steps: Mapping[str, Steps]

    def probability(self, values: Mapping[str, float]) -> float:
        """What the values of all features come to, 0 to 1."""
        odds = self.base + sum(steps.of(values[name]) for name, steps in self.steps.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))

    def to_json(self) -> dict[str, Any]:
        return {
            "base": round(self.base, 4),
            "steps": {
                name: {
                    "edges": [round(edge, 4) for edge in steps.edges],
                    "points": [round(point, 4) for point in steps.points],
                }
                for name, steps in self.steps.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scorecard:
        """Raises:
        ModelError: it is none.
        """
        try:
            steps = {
                str(name): Steps(tuple(map(float, one["edges"])), tuple(map(float, one["points"])))
                for name, one in data["steps"].items()
            }
            card = cls(float(data["base"]), steps)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"no scorecard: {type(error).__name__}: {error}") from error
        for name, one in steps.items():
            ascending = all(a < b for a, b in itertools.pairwise(one.edges))
            if len(one.points) != len(one.edges) + 1 or not ascending:
                raise ModelError(f"no scorecard: the steps of {name} do not fit together")
        return card


def fit_scorecard(
    values: _Floats,
    truths: npt.NDArray[np.bool_],
    weights: _Floats,
    directions: Mapping[str, int],
    *,
    rounds: int = 200,
    rate: float = 0.07,
    bins: int = 48,
    smooth: float = 5.0,
    least: float = 40.0,
) -> Scorecard:
    """Boost stumps on the logistic loss; nothing in it is random.

    Args:
        values: ``[n, features]``.
        truths: ``bool[n]``.
        weights: ``[n]``, of the rows; their mean should be about 1.
        directions: by feature, in the order of the columns: 1 where more must never lower the
            odds, -1 where it must never raise them, 0 for neither.
        rounds: stumps.
        rate: share of its best step that each stump makes.
        bins: values are cut into at most so many.
        smooth: added to the curvature on either side of a stump.
        least: weight that must lie on either side.
    """
    edges = [_edges(values[:, column], bins) for column in range(values.shape[1])]
    cells = [np.searchsorted(edge, values[:, at], side="right") for at, edge in enumerate(edges)]
    base = math.log(weights[truths].sum() / weights[~truths].sum())
    odds = np.full(len(values), base)
    steps = [np.zeros(len(edge) + 1) for edge in edges]
    signs = list(directions.values())
    for _ in range(rounds):
        expected = 1 / (1 + np.exp(-odds))
        slope = weights * (truths - expected)
        bend = weights * expected * (1 - expected)
        best: tuple[float, int, int, float, float] | None = None
        for column, cell in enumerate(cells):
            found = _stump(
                cell, len(edges[column]), slope, bend, weights, signs[column], smooth, least
            )
            if found and (best is None or found[0] > best[0]):
                best = (found[0], column, *found[1:])
        if best is None:
            break
        _, column, edge, low, high = best
        steps[column][: edge + 1] += rate * low
        steps[column][edge + 1 :] += rate * high
        odds += rate * np.where(cells[column] <= edge, low, high)
    return Scorecard(
        base,
        {
            name: _merged(edges[column], steps[column])
            for column, name in enumerate(directions)
            if steps[column].any()
        },
    )


def _edges(column: _Floats, bins: int) -> _Floats:
    """Where values are cut: between neighbours, about equally many in each bin."""
    unique = np.unique(column)
    middles = (unique[1:] + unique[:-1]) / 2
    if len(middles) < bins:
        return middles
    wanted = np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(middles[np.clip(np.searchsorted(middles, wanted), 0, len(middles) - 1)])


def _stump(
    cell: npt.NDArray[np.int64],
    edges: int,
    slope: _Floats,
    bend: _Floats,
    weights: _Floats,
    sign: int,
    smooth: float,
    least: float,
) -> tuple[float, int, float, float] | None:
    """The best cut of a feature: gain, edge, steps below and above; None where none is allowed."""
    sums = [np.cumsum(np.bincount(cell, of, edges + 1)) for of in (slope, bend, weights)]
    low = sums[0][:-1] / (sums[1][:-1] + smooth)
    high = (sums[0][-1] - sums[0][:-1]) / (sums[1][-1] - sums[1][:-1] + smooth)
    gain = low * sums[0][:-1] + high * (sums[0][-1] - sums[0][:-1])
    allowed = (sums[2][:-1] >= least) & (sums[2][-1] - sums[2][:-1] >= least)
    allowed &= (high - low) * sign >= 0
    if not allowed.any():
        return None
    at = int(np.argmax(np.where(allowed, gain, -np.inf)))
    return float(gain[at]), at, float(low[at]), float(high[at])


def _merged(edges: _Floats, points: _Floats) -> Steps:
    """Without edges at which nothing changes."""
    kept = [at for at in range(len(edges)) if points[at] != points[at + 1]]
    merged: Sequence[float] = [float(points[0]), *(float(points[at + 1]) for at in kept)]
    return Steps(tuple(float(edges[at]) for at in kept), tuple(merged))

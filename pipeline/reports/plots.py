"""Pictures of a classifier's scores, as SVG that needs nothing else: reliability, precision-recall.

Both are unit squares drawn by one template, ``templates/plot.svg``; it does no arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reports.page import environment

__all__ = ["precision_recall_plot", "reliability_plot"]

LEFT, RIGHT, TOP, BOTTOM = 64, 488, 56, 392


def reliability_plot(name: str, evaluation: Mapping[str, Any]) -> str:
    """Share of positive texts against their score, in ten bins; a calibrated model lies on the line.

    Args:
        name: of the model, for the title.
        evaluation: `classifiers.evaluate.Evaluation` as JSON.
    """
    bins = evaluation["reliability"]
    most = max((one["positive"]["n"] for one in bins), default=1)
    dots = [
        {
            "x": _across(one["score"]),
            "y": _up(one["positive"]["value"]),
            "low": _up(one["positive"]["low"]),
            "high": _up(one["positive"]["high"]),
            "radius": f"{2.5 + 5 * math.sqrt(one['positive']['n'] / most):.1f}",
            "says": f"{one['positive']['n']:,} texts: score {one['score']:.2f}, "
            f"{one['positive']['value']:.2f} positive",
        }
        for one in bins
    ]
    return _plot(
        title=f"Reliability of {name}",
        description=f"Share of positive texts by score, {evaluation['texts']:,} texts in ten bins, "
        "with 95 % intervals; the dashed line is a perfectly calibrated score.",
        across="score, mean of the bin",
        up="share of positive texts",
        diagonal=_points([(0, 0), (1, 1)]),
        dots=dots,
    )


def precision_recall_plot(name: str, evaluation: Mapping[str, Any]) -> str:
    """Precision against recall over all thresholds, and the threshold in use.

    Args:
        name, evaluation: see `reliability_plot`.
    """
    curve: Sequence[Sequence[float]] = evaluation["curve"]
    at = evaluation["at"]
    here = None
    if at and at["precision"]["value"] is not None and at["recall"]["value"] is not None:
        precision, recall = at["precision"]["value"], at["recall"]["value"]
        left = recall > 0.6
        here = {
            "x": _across(recall),
            "y": _up(precision),
            "text_x": _across(recall + (-0.03 if left else 0.03)),
            "text_y": f"{float(_up(precision)) + 26:.1f}",
            "anchor": "end" if left else "start",
            "says": f"threshold {at['threshold']:.3f}: precision {precision:.3f}, recall {recall:.3f}",
        }
    share = evaluation["positives"] / max(evaluation["texts"], 1)
    return _plot(
        title=f"Precision and recall of {name}",
        description=f"Precision by recall over all thresholds, {evaluation['texts']:,} texts; the "
        "dashed line is the share of positive texts, which blind choice would give.",
        across="recall",
        up="precision",
        diagonal=_points([(0, share), (1, share)]),
        line=_points([(recall, precision) for _, precision, recall in curve]),
        here=here,
    )


def _plot(**values: Any) -> str:
    ticks = [
        {"name": f"{tick / 5:.1f}", "x": _across(tick / 5), "y": _up(tick / 5),
         "below": f"{float(_up(tick / 5)) + 4:.1f}"}
        for tick in range(6)
    ]  # fmt: skip
    values = {"ticks": ticks, "diagonal": "", "line": "", "dots": [], "here": None, **values}
    return environment().get_template("plot.svg").render(values)


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_across(x)},{_up(y)}" for x, y in points)


def _across(value: float) -> str:
    return f"{LEFT + value * (RIGHT - LEFT):.1f}"


def _up(value: float) -> str:
    return f"{BOTTOM + value * (TOP - BOTTOM):.1f}"

"""Where the pictures of an audit's page have their lines: bars, threshold curves, impact, recall.

Figures in, coordinates out; ``templates/audit_plots.svg`` draws them and does no arithmetic. The
bars are stretched to the width of their cell and are as wide as `WIDE` in their own units.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from audits.findings import Kind
from pipeline.reports.audit_texts import shortened
from pipeline.reports.audit_words import ends, points, share

__all__ = ["Bar", "Curve", "ImpactPlot", "Range", "bars", "curve", "impact_plot", "recall_range"]

WIDE = 1000.0
THINNEST = 4.0  # so that one item among thousands can be seen
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # of an axis, in powers of ten

CURVE = {"left": 46, "right": 312, "top": 24, "bottom": 148}
IMPACT = {"left": 190, "right": 880, "top": 20}
ROW, FOOT = 50, 34
LABEL = 24  # characters of a name in a picture


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """Contaminated items by kind, with the interval of their sum.

    Args:
        segments: class of the stylesheet, start and width.
        low, high: of the interval; None where there is none.
        says: the same in words.
    """

    segments: tuple[tuple[str, str, str], ...]
    low: str | None
    high: str | None
    says: str


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A line of an axis: where it is, where its name stands, and the name."""

    at: str
    beside: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """Items found by threshold.

    Args:
        line: points of a polyline.
        dots: x, y, and what a reader is told of it.
        across, up: ticks.
        threshold: x of the one in use.
        named: the same in words.
    """

    benchmark: str
    says: str
    line: str
    dots: tuple[tuple[str, str, str], ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    threshold: str
    named: str


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A score with its interval: class, height, ends, the value itself, its outline, words."""

    kind: str
    y: str
    low: str
    high: str
    at: str
    diamond: str
    says: str


@dataclasses.dataclass(frozen=True, slots=True)
class ImpactPlot:
    """Scores on clean and on contaminated items, a row for each benchmark."""

    height: int
    bottom: int
    ticks: tuple[Tick, ...]
    rows: tuple[tuple[str, str, str, tuple[Mark, ...]], ...]
    says: str


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """A measured share beside an expected one, from 0 to all: ends and value of each."""

    measured: tuple[str, str, str] | None
    expected: tuple[str, str, str] | None
    says: str


def bars(benchmarks: Mapping[str, Mapping[str, Any]]) -> tuple[str, dict[str, Bar]]:
    """A bar for each benchmark, all to one scale, and what the full width stands for.

    Args:
        benchmarks: of the manifest.
    """
    most = max((_high(one) for one in benchmarks.values()), default=0.0)
    whole = min(1.0, _nice(most)) if most else 1.0
    return f"{100 * whole:g} %", {name: _bar(one, whole) for name, one in benchmarks.items()}


def _high(one: Mapping[str, Any]) -> float:
    found = ends(one["interval"])
    part: float = one["contaminated"] / max(one["items"], 1)
    return max(part, found[1] if found else 0.0)


def _bar(one: Mapping[str, Any], whole: float) -> Bar:
    segments, start = [], 0.0
    for kind in Kind:
        items = one["by_kind"].get(kind.value, 0)
        if items and kind.leak:
            width = max(THINNEST, WIDE * items / max(one["items"], 1) / whole)
            start = min(start, WIDE - width)
            segments.append((kind.value, f"{start:.2f}", f"{width:.2f}"))
            start += width
    found = ends(one["interval"])
    low, high = (None, None) if found is None else (f"{WIDE * end / whole:.2f}" for end in found)
    return Bar(tuple(segments), low, high, share(one["interval"]))


def curve(name: str, one: Mapping[str, Any]) -> Curve:
    """How many items are found, by the threshold of probability from which on they count.

    Args:
        name: of the benchmark.
        one: its figures in the manifest; ``curve`` are pairs of threshold and items.
    """
    left, right, top, bottom = CURVE.values()
    found = [(float(level), int(items)) for level, items in one["curve"]]
    most = max((items for _, items in found), default=0)
    step = max(1.0, _nice(most / 3))
    whole = step * max(1, math.ceil(most / step))

    def across(value: float) -> str:
        return f"{left + min(max(value, 0.0), 1.0) * (right - left):.1f}"

    def up(items: float) -> str:
        return f"{bottom + items / whole * (top - bottom):.1f}"

    threshold = float(one["threshold"])
    return Curve(
        benchmark=shortened(name, LABEL),
        says=f"{shortened(name, LABEL)}: "
        + ", ".join(f"{items:,} items at {level:g}" for level, items in found),
        line=" ".join(f"{across(level)},{up(items)}" for level, items in found),
        dots=tuple(
            (across(level), up(items), f"{items:,} items at {level:g} or above")
            for level, items in found
        ),
        across=tuple(Tick(across(at / 4), "", f"{at / 4:g}") for at in range(5)),
        up=tuple(
            Tick(up(at * step), f"{float(up(at * step)) + 4:.1f}", f"{at * step:,.0f}")
            for at in range(round(whole / step) + 1)
        ),
        threshold=across(threshold),
        named=f"{threshold:.4g}",
    )


def impact_plot(parts: Sequence[Mapping[str, Any]]) -> ImpactPlot | None:
    """Scores on clean and contaminated items with their intervals; None if there is no score.

    Args:
        parts: `audits.outcome.impact.Part` as JSON, one for each benchmark.
    """
    measured = [
        part[group]
        for part in parts
        for group in ("clean", "contaminated")
        if part[group]["value"] is not None
    ]
    if not measured:
        return None
    left, right, top = IMPACT.values()
    pairs = [ends(one) or (one["value"], one["value"]) for one in measured]
    least, most = min(low for low, _ in pairs), max(high for _, high in pairs)
    step = _nice(max(most - least, 0.02) / 6)
    least, most = step * math.floor(least / step + 1e-9), step * math.ceil(most / step - 1e-9)
    if most <= least:
        least, most = least - step, most + step
    bottom = top + ROW * len(parts)

    def across(value: float) -> float:
        return left + (value - least) / (most - least) * (right - left)

    rows = []
    for number, part in enumerate(parts):
        middle = top + ROW * number + ROW / 2
        marks = []
        for group, shift in (("clean", -8.0), ("contaminated", 8.0)):
            one = part[group]
            if one["value"] is not None:
                low, high = ends(one) or (one["value"], one["value"])
                x, y = across(one["value"]), middle + shift
                marks.append(
                    Mark(
                        kind=group,
                        y=f"{y:.1f}",
                        low=f"{across(low):.1f}",
                        high=f"{across(high):.1f}",
                        at=f"{x:.1f}",
                        diamond=f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z",
                        says=f"{one['n']:,} {group} items: {share(one)}",
                    )
                )
        rows.append(
            (shortened(part["benchmark"], LABEL), f"{middle + 4:.1f}", f"{middle + ROW / 2:.1f}",
             tuple(marks))
        )  # fmt: skip
    ticks = [least + step * at for at in range(round((most - least) / step) + 1)]
    return ImpactPlot(
        height=bottom + FOOT,
        bottom=bottom,
        ticks=tuple(Tick(f"{across(at):.1f}", "", f"{100 * at:.4g} %") for at in ticks),
        rows=tuple(rows),
        says="; ".join(
            f"{shortened(part['benchmark'], LABEL)}: clean {share(part['clean'])}, contaminated "
            f"{share(part['contaminated'])}, difference {points(part['difference'])}"
            for part in parts
        ),
    )


def recall_range(measured: Mapping[str, Any] | None, expected: Mapping[str, Any] | None) -> Range:
    """A measured share with its interval above an expected one."""
    return Range(
        _range(measured),
        _range(expected),
        f"measured {share(measured)}, expected {share(expected)}",
    )


def _range(one: Mapping[str, Any] | None) -> tuple[str, str, str] | None:
    if not one or one["value"] is None:
        return None
    low, high = ends(one) or (one["value"], one["value"])
    # Half a line's width stays clear of either edge, so that 0 and all are whole dots.
    low, high, at = (20 + value * (WIDE - 40) for value in (low, high, one["value"]))
    return f"{low:.1f}", f"{high:.1f}", f"{at:.1f}"


def _nice(value: float) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that is not below ``value``."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in STEPS if step * power >= value * (1 - 1e-9))

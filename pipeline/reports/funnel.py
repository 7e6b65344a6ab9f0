"""The funnel: how many records entered each stage, how many left there, and over which rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.core.records import Fate
from pipeline.runtime.manifest import SplitReport

__all__ = ["FunnelRow", "funnel", "headline"]


@dataclasses.dataclass(frozen=True, slots=True)
class FunnelRow:
    """One stage of the funnel.

    Args:
        stage: its name, as in the recipe.
        entered, dropped, quarantined, passed: records; ``entered`` is the sum of the others.
        share: dropped and quarantined records over entered ones.
        reasons: the commonest first failing rules with their counts.
    """

    stage: str
    entered: int
    dropped: int
    quarantined: int
    passed: int
    share: float
    reasons: tuple[tuple[str, int], ...]


def funnel(report: SplitReport, reasons: int = 3) -> list[FunnelRow]:
    """The stages of a report in order, each with its commonest ``reasons``.

    A stage that nothing left at is shown too: that it dropped nothing is worth knowing.
    """
    return [
        FunnelRow(
            stage=count.name,
            entered=count.entered,
            dropped=count.dropped,
            quarantined=count.quarantined,
            passed=count.passed,
            share=(count.dropped + count.quarantined) / max(count.entered, 1),
            reasons=_commonest(report, count.name, reasons),
        )
        for count in report.stages
    ]


def _commonest(report: SplitReport, stage: str, number: int) -> tuple[tuple[str, int], ...]:
    families = _families(stage, [count.name for count in report.stages])
    mine = [
        (reason, count)
        for reason, count in report.reasons.items()
        if reason.split(".", 1)[0] in families
    ]
    return tuple(sorted(mine, key=lambda item: (-item[1], item[0]))[:number])


def _families(stage: str, stages: Sequence[str]) -> set[str]:
    """First words of the slugs that belong to a stage; a source names its slugs by its format."""
    return {"warc", "source"} - set(stages[1:]) if stage == "source" else {stage}


def headline(report: SplitReport) -> str:
    """``"2,463 records: 1,020 kept, 1,440 dropped, 3 quarantined"``."""
    parts = [f"{report.fates[fate]:,} {fate}" for fate in Fate if report.fates[fate]]
    return f"{report.records:,} records: {', '.join(parts) or 'nothing'}"

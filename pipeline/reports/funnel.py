"""The funnel: how many records entered each stage, how many left there, and over which rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pipeline.core.records import Fate
from pipeline.runtime.manifest import SplitReport

__all__ = ["FunnelRow", "RuleCount", "funnel", "headline"]

COMMONEST = 3  # rules named where there is room for one line only


@dataclasses.dataclass(frozen=True, slots=True)
class RuleCount:
    """One rule of a stage, or one kind of error in it.

    Args:
        reason: its slug.
        first: records that left over it: the first rule they failed.
        failing: records that failed it at all, those included that had left over another rule.
    """

    reason: str
    first: int
    failing: int


@dataclasses.dataclass(frozen=True, slots=True)
class FunnelRow:
    """One stage of the funnel.

    Args:
        stage: its name, as in the recipe.
        entered, dropped, duplicate, quarantined, passed: records; ``entered`` is the sum of the
            others.
        share: records that left over entered ones.
        rules: every rule that some record failed, those over which most records left first.
    """

    stage: str
    entered: int
    dropped: int
    duplicate: int
    quarantined: int
    passed: int
    share: float
    rules: tuple[RuleCount, ...]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The commonest first failing rules with their counts."""
        return [(rule.reason, rule.first) for rule in self.rules[:COMMONEST] if rule.first]


def funnel(report: SplitReport) -> list[FunnelRow]:
    """The stages of a report in order.

    A stage that nothing left at is shown too: that it dropped nothing is worth knowing.
    """
    rules = _rules_by_stage(report)
    return [
        FunnelRow(
            stage=count.name,
            entered=count.entered,
            dropped=count.dropped,
            duplicate=count.duplicate,
            quarantined=count.quarantined,
            passed=count.passed,
            share=(count.entered - count.passed) / max(count.entered, 1),
            rules=_commonest_first(rules[count.name]),
        )
        for count in report.stages
    ]


def _rules_by_stage(report: SplitReport) -> dict[str, list[RuleCount]]:
    """A slug begins with its stage; a source names its own by their format, such as ``warc``."""
    rules: dict[str, list[RuleCount]] = {count.name: [] for count in report.stages}
    for reason in report.reasons.keys() | report.failing.keys():
        family = reason.split(".", 1)[0]
        stage = family if family in rules else report.stages[0].name
        rules[stage].append(RuleCount(reason, report.reasons[reason], report.failing[reason]))
    return rules


def _commonest_first(rules: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    return tuple(sorted(rules, key=lambda rule: (-rule.first, -rule.failing, rule.reason)))


def headline(report: SplitReport) -> str:
    """``"2,463 records: 1,020 kept, 1,440 dropped, 3 quarantined"``."""
    parts = [f"{report.fates[fate]:,} {fate}" for fate in Fate if report.fates[fate]]
    return f"{report.records:,} records: {', '.join(parts) or 'nothing'}"

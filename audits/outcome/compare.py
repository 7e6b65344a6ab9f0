"""Two audits beside each other: which findings are new, which are gone, which have changed.

Findings only; how the audits were set up is for who calls to compare.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from audits.findings import Finding
from audits.outcome.files import read_findings
from pipeline.core.errors import ConservationError
from pipeline.core.printable import printable

__all__ = ["MOVED", "Change", "Comparison", "compare", "compare_folders"]

MOVED = 0.05  # a probability that differs by no more is the same
LISTED = 20  # lines of each group on a terminal


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One finding in two audits.

    Args:
        before, after: in the first and in the second.
        what: of ``type``, ``leak`` and ``probability``, those that differ.
    """

    before: Finding
    after: Finding
    what: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "what": list(self.what),
            "before": _bare(self.before),
            "after": _bare(self.after),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the findings of one audit in another.

    Args:
        new: only in the second.
        gone: only in the first.
        changed: in both, and not the same.
        unchanged: by benchmark, how many are the same in both.
    """

    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    changed: tuple[Change, ...]
    unchanged: dict[str, int]

    @property
    def same(self) -> bool:
        """Whether nothing is new, gone or changed."""
        return not (self.new or self.gone or self.changed)

    def counts(self) -> dict[str, dict[str, int]]:
        """By benchmark: ``new``, ``gone``, ``changed``, ``unchanged`` findings."""
        new = Counter(one.benchmark for one in self.new)
        gone = Counter(one.benchmark for one in self.gone)
        changed = Counter(one.after.benchmark for one in self.changed)
        return {
            benchmark: {
                "new": new[benchmark],
                "gone": gone[benchmark],
                "changed": changed[benchmark],
                "unchanged": self.unchanged.get(benchmark, 0),
            }
            for benchmark in sorted({*new, *gone, *changed, *self.unchanged})
        }

    def to_json(self) -> dict[str, Any]:
        """Plain values. Evidence is left out: it stands in the findings of each audit."""
        return {
            "counts": self.counts(),
            "new": [_bare(one) for one in self.new],
            "gone": [_bare(one) for one in self.gone],
            "changed": [one.to_json() for one in self.changed],
        }

    def lines(self, listed: int = LISTED) -> Iterator[str]:
        """Lines for a terminal; nothing in them acts on it.

        Args:
            listed: at most so many findings of each group.
        """
        for benchmark, counts in self.counts().items():
            said = ", ".join(f"{count:,} {group}" for group, count in counts.items())
            yield f"{printable(benchmark)}: {said}"
        if self.same:
            yield "No difference."
        for title, group in (
            ("new", [_line(one) for one in self.new[:listed]]),
            ("gone", [_line(one) for one in self.gone[:listed]]),
            ("changed", [_change_line(one) for one in self.changed[:listed]]),
        ):
            yield from (f"{title:8}{line}" for line in group)
            more = len(getattr(self, title)) - len(group)
            if more:
                yield f"{title:8}and {more:,} more"


def compare_folders(before: str | os.PathLike[str], after: str | os.PathLike[str]) -> Comparison:
    """Compare the findings that lie in two audit folders, or in two files of findings.

    Raises:
        ConfigError, SourceError: see `audits.outcome.files.read_findings`.
    """
    return compare(read_findings(before), read_findings(after))


def compare(before: Iterable[Finding], after: Iterable[Finding]) -> Comparison:
    """What is new, gone and changed, in the order of the audit that each finding is taken from.

    A finding is the same one if benchmark, item and document are. Where a document holds several
    of an item, those that overlap most belong together, then those of one kind, the nearest first:
    text inserted further up moves them all.

    Args:
        before, after: findings of the first and the second audit.
    """
    olds, news = list(before), list(after)
    sides: dict[tuple[str, str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, findings in enumerate((olds, news)):
        for place, one in enumerate(findings):
            sides[one.benchmark, one.item, one.document][side].append(place)
    partner: dict[int, int] = {}  # of the second audit's findings, those of the first
    for old, new in sides.values():
        partner.update(_pairs(old, new, olds, news))
    changed: list[Change] = []
    unchanged: Counter[str] = Counter()
    for place, one in enumerate(news):
        if place in partner:
            what = _differences(olds[partner[place]], one)
            if what:
                changed.append(Change(olds[partner[place]], one, what))
            else:
                unchanged[one.benchmark] += 1
    kept = set(partner.values())
    found = Comparison(
        new=tuple(one for place, one in enumerate(news) if place not in partner),
        gone=tuple(one for place, one in enumerate(olds) if place not in kept),
        changed=tuple(changed),
        unchanged=dict(sorted(unchanged.items())),
    )
    both = len(changed) + unchanged.total()
    if len(olds) != len(found.gone) + both or len(news) != len(found.new) + both:
        raise ConservationError(
            f"of {len(olds)} and {len(news)} findings {both} are in both, {len(found.gone)} gone "
            f"and {len(found.new)} new"
        )
    return found


def _pairs(
    old: list[int], new: list[int], olds: list[Finding], news: list[Finding]
) -> Iterator[tuple[int, int]]:
    """Places of the second audit and their partners in the first, the best fit first."""
    fits = sorted((*_fit(olds[a], news[b]), a, b) for a in old for b in new)
    free, wanted = set(old), set(new)
    for *_, a, b in fits:
        if a in free and b in wanted:
            free.remove(a)
            wanted.remove(b)
            yield b, a


def _fit(one: Finding, other: Finding) -> tuple[int, bool, int, int, int]:
    """The less, the better: shared characters, below zero; another kind; characters between."""
    apart = max(one.start, other.start) - min(one.end, other.end)
    return min(apart, 0), one.type != other.type, apart, other.start, one.start


def _differences(one: Finding, other: Finding) -> tuple[str, ...]:
    what = [name for name in ("type", "leak") if getattr(one, name) != getattr(other, name)]
    # .95 and .9 are .05 apart, which their floats are not.
    if round(abs(one.probability - other.probability), 9) > MOVED:
        what.append("probability")
    return tuple(what)


def _bare(one: Finding) -> dict[str, Any]:
    row = one.to_json()
    del row["evidence"]
    return row


def _line(one: Finding) -> str:
    leak = "leak" if one.leak else "no leak"
    return (
        f"{printable(one.benchmark)} {printable(one.item)} in {printable(one.document)} "
        f"at {one.start:,}: {one.type}, {one.probability:.2f}, {leak}"
    )


def _change_line(change: Change) -> str:
    one = change.after
    said = ", ".join(
        f"{_value(change.before, name)} to {_value(one, name)}" for name in change.what
    )
    return (
        f"{printable(one.benchmark)} {printable(one.item)} in {printable(one.document)} "
        f"at {one.start:,}: {said}"
    )


def _value(one: Finding, name: str) -> str:
    if name == "leak":
        return "leak" if one.leak else "no leak"
    return f"{one.probability:.2f}" if name == "probability" else one.type.value

"""The report of a run, ``OUT/report.html``, made from its manifest alone.

Templates lie in ``templates/``: ``base.html``, ``macros.html`` and ``style.css`` are every page's,
``run.html`` is this one's. They escape all they are given and do no arithmetic: numbers are made here and in
`pipeline.reports.funnel`. A page is one file, runs no script, and loads nothing.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jinja2
import yaml

from pipeline.core.records import Fate
from pipeline.reports.folders import FOLDERS
from pipeline.reports.funnel import FunnelRow, RuleCount, funnel, headline
from pipeline.reports.tokens import token_facts
from pipeline.runtime.manifest import SplitReport

__all__ = ["environment", "run_page"]

INPUTS_SHOWN = 50
BAR = 1000.0  # width of a bar in its own units; the page stretches it
THINNEST = 3.0  # so that one record among millions can be seen


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: its kind (a class of the stylesheet), where it starts, how wide it is."""

    kind: str
    start: float
    width: float


def run_page(manifest: Mapping[str, Any]) -> str:
    """HTML that shows the run to a person: funnel, rules, folders, recipe, models, inputs.

    Args:
        manifest: as `pipeline.runtime.manifest.run_manifest` makes it, or read from
            ``manifest.json``. Equal manifests give equal bytes.
    """
    report = SplitReport.from_json(manifest["counts"])
    recipe = manifest["recipe"]
    rows = funnel(report)
    inputs = list(manifest["inputs"].items())
    page = environment().get_template("run.html")
    return page.render(
        manifest=manifest,
        recipe=recipe,
        recipe_yaml=yaml.safe_dump(
            recipe, sort_keys=False, allow_unicode=True, default_flow_style=None, width=88
        ),
        headline=headline(report),
        figures=_figures(report, rows) + _token_figure(manifest),
        over_limit=report.fates[Fate.QUARANTINED] / max(report.records, 1)
        > recipe["limits"]["quarantined"],
        funnel=[(row, _funnel_bar(row, report.records)) for row in rows],
        rules=[(row, _rule_lines(row, recipe)) for row in rows if row.rules],
        folders=[_folder(note.kind, manifest) | {"note": note} for note in FOLDERS],
        inputs=inputs[:INPUTS_SHOWN],
        more_inputs=max(0, len(inputs) - INPUTS_SHOWN),
        ranking=manifest.get("ranking", {}),
        dedup=_duplicates(manifest),
        tokens=token_facts(manifest),
        input_bytes=sum(source["bytes"] for _, source in inputs),
    )


@functools.cache
def environment() -> jinja2.Environment:
    """Where the templates are, and how they are read; escapes all that it is given."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"count": "{:,}".format, "percent": _percent, "top": _top}
    return environment


def _percent(share: float) -> str:
    """One decimal, and no 0% or 100% that is only rounded to one."""
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.001:
        return "<0.1%"
    return ">99.9%" if share > 0.999 else f"{share:.1%}"


def _top(share: float) -> str:
    """A share as a recipe has it, ``"10%"``, never rounded to nothing."""
    return f"{100 * share:g}%"


def _figures(report: SplitReport, rows: list[FunnelRow]) -> list[tuple[str, int, str]]:
    """What the page begins with: name, number, and what share of what it is."""
    fates = {fate: report.fates[fate] for fate in Fate}
    figures = [
        (fate.value, number, f"{_percent(number / max(report.records, 1))} of all records")
        for fate, number in fates.items()
        if number or fate in (Fate.KEPT, Fate.DROPPED, Fate.QUARANTINED)
    ]
    # Most records of a crawl are no pages; what the source let through says more about a recipe.
    if rows and rows[0].passed:
        share = _percent(fates[Fate.KEPT] / rows[0].passed)
        figures[0] = (*figures[0][:2], f"{figures[0][2]}, {share} of what the source passed on")
    kept, everything = report.characters[Fate.KEPT], report.characters.total()
    figures.append(
        ("characters kept", kept, f"{_percent(kept / max(everything, 1))} of the extracted text")
    )
    return figures


def _token_figure(manifest: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    facts = token_facts(manifest)
    if facts is None:
        return []
    share = facts.tokens / max(sum(facts.fates.values()), 1)
    return [("tokens kept", facts.tokens, f"{_percent(share)} of those of all measured texts")]


def _funnel_bar(row: FunnelRow, records: int) -> list[Segment]:
    """What entered a stage, by what became of it; as long as the bar is what entered the run."""
    kinds = ("passed", "dropped", "duplicate", "quarantined")
    parts = {kind: getattr(row, kind) for kind in kinds}
    return _segments(parts, records)


def _rule_lines(
    row: FunnelRow, recipe: Mapping[str, Any]
) -> list[tuple[RuleCount, str, list[Segment]]]:
    """A stage's rules, each with its bound and a bar; the longest bar is the stage's commonest."""
    most = max(rule.failing for rule in row.rules)
    return [
        (
            rule,
            _bound(rule.reason, recipe),
            _segments({"first": rule.first, "failing": rule.failing - rule.first}, most),
        )
        for rule in row.rules
    ]


def _segments(parts: Mapping[str, int], whole: int) -> list[Segment]:
    segments: list[Segment] = []
    start = 0.0
    for kind, number in parts.items():
        if number:
            width = max(THINNEST, BAR * number / max(whole, 1))
            start = min(start, BAR - width)
            segments.append(Segment(kind, round(start, 2), round(width, 2)))
            start += width
    return segments


def _bound(reason: str, recipe: Mapping[str, Any]) -> str:
    """The bound of the recipe that a slug names, ``"below 50"``; empty where it names none."""
    family, _, rule = reason.partition(".")
    signal, _, side = rule.rpartition(".")
    for step in recipe["filters"]:
        limits = step.get(family, {}).get("bounds", {}).get(signal, {})
        if limits.get(side) is not None:
            return f"{'below' if side == 'low' else 'above'} {limits[side]:,}"
    return ""


def _duplicates(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the page says of deduplication: sums by rule, clusters, alarms."""
    noted = manifest.get("dedup")
    if noted is None:
        return None
    counts, parameters = noted["counts"], noted["parameters"]
    rules = [
        (rule, counts[rule], _RULES[rule.removesuffix(".earlier")].format(**parameters))
        for rule in (f"{name}{run}" for name in _RULES for run in ("", ".earlier"))
        if counts.get(rule)
    ]
    return {**noted, "rules": rules, "share": counts["removed"] / max(counts["entered"], 1)}


_RULES = {
    "payload": "its page is, byte by byte, that of another record; found before extraction",
    "payload.dropped": "the same, and the other record fell to a filter, as it would have",
    "exact": "the same text but for case, punctuation and white space",
    "jaccard": "at least {threshold} of the {words}-word shingles of the two are common to both",
    "containment": "at least {threshold} of its {words}-word shingles are in the one kept",
}


def _folder(kind: str, manifest: Mapping[str, Any]) -> dict[str, int]:
    parts = manifest["parts"][kind]
    return {
        "files": len(parts),
        "rows": sum(part["rows"] for part in parts),
        "bytes": sum(part["bytes"] for part in parts),
    }

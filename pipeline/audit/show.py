"""Findings for a person to judge on a terminal: what was found where, and both texts beside each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from audits.findings import Finding
from audits.outcome.files import read_findings
from pipeline.audit.left import finished_manifest
from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest
from pipeline.dedup.alignment import aligned
from pipeline.reports.audit_words import probability

__all__ = ["Selection", "select", "setup_differences", "shown"]

NARROWEST = 20  # cells of a column
VALUE = 300  # characters of an id


@dataclasses.dataclass(frozen=True)
class Selection:
    """Findings that are shown.

    Args:
        findings: those that count first, the surest first.
        more: that there are beside them.
    """

    findings: list[Finding]
    more: int


def select(out: Path, benchmark: str | None = None, limit: int | None = None) -> Selection:
    """The findings of an audit.

    Args:
        out: its output folder.
        benchmark: of this one only.
        limit: at most so many.

    Raises:
        ConfigError: no finished audit, or it is of no such benchmark.
        SourceError: its findings cannot be read.
    """
    benchmarks = finished_manifest(out)["benchmarks"]
    if benchmark is not None and benchmark not in benchmarks:
        raise ConfigError(
            f"{out} is no audit of {printable(benchmark)!r}{nearest(benchmark, benchmarks)}; there "
            f"are: {', '.join(map(printable, benchmarks))}"
        )
    found = [one for one in read_findings(out) if benchmark in (None, one.benchmark)]
    found.sort(key=lambda one: (not one.leak, -one.probability))  # else in the order stored
    some = found if limit is None else found[:limit]
    return Selection(some, len(found) - len(some))


def shown(selection: Selection, width: int) -> Iterator[str]:
    """Lines for a terminal of ``width`` columns; nothing in them acts on it."""
    half = max(NARROWEST, (width - 3) // 2)
    for number, one in enumerate(selection.findings, 1):
        if number > 1:
            yield ""
        answer = ", with its answer" if one.answer else ""
        counts = "" if one.leak else "; does not count as a leak"
        yield (
            f"{number}  {_short(one.benchmark)} item {_short(one.item)}: {one.type.value}"
            f"{answer}, {probability(one.probability)}{counts}"
        )
        where = f"   in {_short(one.document)}, characters {one.start:,} to {one.end:,}"
        yield where + (f", {_short(one.url)}" if one.url else "")
        item, text = (one.evidence.get(name) for name in ("item_text", "text"))
        if not isinstance(item, str) or not isinstance(text, str):
            yield "   its texts were not kept"
            continue
        yield f"{'item':{half}}   document"
        yield from aligned(item, text, half)
    if not selection.findings:
        yield "No findings."
    if selection.more:
        yield ""
        yield f"and {selection.more:,} more; --limit shows more of them, report.html all that count"


def setup_differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What two audits were set up with that differs, and may be why their findings do.

    Args:
        before, after: their manifests.
    """
    olds, news = _setup(before), _setup(after)
    names = dict.fromkeys([*olds, *news])
    return [
        printable(f"{name}: {olds.get(name, 'none')} and {news.get(name, 'none')}")
        for name in names
        if olds.get(name) != news.get(name)
    ]


def _setup(manifest: dict[str, Any]) -> dict[str, Any]:
    settings = {name: one for name, one in manifest["settings"].items() if name != "thresholds"}
    setup = {name: one for name, one in _flat({"settings": settings}) if one is not None}
    for name, noted in manifest["benchmarks"].items():
        setup[f"items of {name}"] = noted["sha256"][:12]
        setup[f"threshold of {name}"] = noted["threshold"]
    return setup


def _flat(values: dict[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _short(text: str) -> str:
    return printable(text if len(text) <= VALUE else f"{text[: VALUE - 1]}…")

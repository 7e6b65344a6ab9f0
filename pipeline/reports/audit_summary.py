"""An audit on a terminal, as lines: what was found, what may be claimed, what was not looked at.

Made from the manifest alone. Nothing in a line acts on a terminal, whoever wrote the benchmark.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.core.printable import printable
from pipeline.reports.audit_words import NOTHING, checked, kinds, percent, reason, share, unchecked

__all__ = ["audit_summary"]

WIDTH = 100
NARROWEST = 40
NAME, VALUE, CLAIM = 30, 300, 1200  # characters of a benchmark's name, and of other texts
NGRAMS = 3  # suppressed ones that are named

HEADS = ("benchmark", "items", "contaminated", "unchecked", "threshold", "kinds")
FILES = (
    ("report.html", "this and every finding, to be read in a browser"),
    ("findings.parquet", "a row for each finding; findings.jsonl has the same"),
    ("quarantine.parquet", "rows of the corpus that could not be used"),
    ("audit.json", "all figures and settings"),
)


def audit_summary(manifest: Mapping[str, Any], out: str, *, width: int = WIDTH) -> list[str]:
    """Lines for a terminal, without colours; equal arguments give equal lines.

    Args:
        manifest: as in ``audit.json``.
        out: the folder of the audit, as its user wrote it.
        width: columns after which running text is wrapped; a table's figures never are.
    """
    width = max(width, NARROWEST)
    lines = [*_table(manifest["benchmarks"], width), ""]
    for paragraph in _paragraphs(manifest):
        lines += _wrapped(paragraph, width)
    lines += ["", *_searched(manifest, width)]
    place = printable(out.rstrip("/") or out)
    longest = max(len(name) for name, _ in FILES)
    return [*lines, *(f"  {place}/{name:{longest}}  {what}" for name, what in FILES)]


def _table(benchmarks: Mapping[str, Mapping[str, Any]], width: int) -> list[str]:
    counts = [f"{one['contaminated']:,}" for one in benchmarks.values()]
    shares = [share(one["interval"]) for one in benchmarks.values()]
    longest = [max(map(len, column), default=0) for column in (counts, shares)]
    rows = [list(HEADS)]
    for (name, one), count, part in zip(benchmarks.items(), counts, shares, strict=True):
        blind = unchecked(one)
        rows.append(
            [
                _short(name, NAME),
                f"{one['items']:,}",
                f"{count:>{longest[0]}}  {part:>{longest[1]}}",
                f"{blind:,}" if blind else NOTHING,
                f"{one['threshold']:.4g}",
                kinds(one["by_kind"]) or NOTHING,
            ]
        )
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS) - 1)]
    lines = []
    for row in rows:
        cells = [f"{row[0]:{widths[0]}}"]
        cells += [f"{cell:>{wide}}" for cell, wide in zip(row[1:-1], widths[1:], strict=True)]
        before = "  ".join(cells) + "  "
        # The kinds of one benchmark stay below each other, whatever room is left for them.
        for at, text in enumerate(_broken(row[-1], max(width - len(before), NARROWEST // 2))):
            lines.append((" " * len(before) if at else before) + text)
    return lines


def _broken(counts: str, width: int) -> list[str]:
    """``"30 verbatim, 2 paraphrase"`` on lines, each number on that of its kind."""
    joined = counts.replace(", ", ",\0").replace(" ", "\xa0").replace("\0", " ")
    lines = textwrap.wrap(joined, width, break_on_hyphens=False, break_long_words=False)
    return [line.replace("\xa0", " ") for line in lines]


def _paragraphs(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What may be claimed, what was not checked, and how far all of it can be trusted."""
    for line in str(manifest["headline"]).split("\n"):
        if line.strip():
            yield _short(line, CLAIM)
    yield from _unchecked(manifest["benchmarks"])
    for name, one in manifest["benchmarks"].items():
        if one["faults"]:
            count = len(one["faults"])
            yield (
                f"No item: {_short(name, NAME)}, {count:,} {'row' if count == 1 else 'rows'}, the "
                f"first {_short(one['faults'][0], VALUE)}."
            )
    yield from _prescreen(manifest)
    judge = manifest.get("judge")
    if judge:
        yield f"Judge: {judge['asked']:,} candidates; no opinion of {judge['no_opinion']:,}."
    yield from _suppressed(manifest)
    yield from _self_test(manifest.get("self_test"))
    gate = manifest.get("gate")
    if gate:
        expression = _short(gate["expression"], VALUE)
        yield f"Gate {expression}: {'fails' if gate['failures'] else 'holds'}."
        yield from (f"  {_short(failure, VALUE)}" for failure in gate["failures"])


def _unchecked(benchmarks: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Items that nothing can check; then, by method, those that only another one can.

    That an answer tells nothing is left to the page: most items are found by their question.
    """
    for name, one in benchmarks.items():
        reasons = one["coverage"]["unchecked"]
        if reasons:
            why = ", ".join(f"{reason(slug)} ({items:,})" for slug, items in reasons.items())
            yield (
                f"Not checked: {_short(name, NAME)}, {unchecked(one):,} of {one['items']:,} items: "
                f"{why}."
            )
    gaps: dict[str, list[str]] = {}
    for name, one in benchmarks.items():
        for method, items, reasons in checked(one["coverage"])[:2]:
            left = one["items"] - items
            if left > unchecked(one):
                why = ", ".join(map(reason, reasons))
                gaps.setdefault(method, []).append(
                    f"{_short(name, NAME)} {left:,} of {one['items']:,}"
                    + (f" ({why})" if why else "")
                )
    for method, found in gaps.items():
        yield f"Not {method}: {', '.join(found)}."


def _prescreen(manifest: Mapping[str, Any]) -> Iterator[str]:
    found = manifest.get("prescreen")
    if not found:
        yield "Pre-screen: no passage was embedded."
        return
    of = f"{found['embedded']:,} of {found['passages']:,} passages"
    reused = manifest["corpus"].get("reused")
    stored = "" if reused is None else f", {reused:,} of them from stored vectors"
    if not manifest["settings"].get("prescreen", True):
        yield f"Pre-screen: off; {of} embedded{stored}."
        return
    part = percent(found["embedded"] / max(found["passages"], 1))
    recall = found["recall"]
    kept = (
        "how many leaks it keeps was not measured"
        if not recall or recall["value"] is None
        else f"it keeps {share(recall)} of {recall['n']:,} known leaks"
    )
    yield f"Pre-screen: {of} ({part}) embedded{stored}; {kept}."


def _suppressed(manifest: Mapping[str, Any]) -> Iterator[str]:
    total = manifest["suppressed_total"]
    if total["ngrams"]:
        named = ", ".join(
            f"“{_short(row['words'], 60)}”" for row in manifest["suppressed"][:NGRAMS]
        )
        yield (
            f"Suppressed: {total['ngrams']:,} n-grams that this corpus is full of; that cost "
            f"{total['hits']:,} hits" + (f". The first are {named}." if named else ".")
        )


def _self_test(found: Mapping[str, Any] | None) -> Iterator[str]:
    if not found:
        return
    yield f"Self-test: {found['documents']:,} known leaks put into a sample of this corpus, found:"
    for one in found["kinds"]:
        expected = one.get("expected")
        beside = "" if not expected else f", expected {share(expected)}"
        yield (
            f"  {_short(one['kind'], NAME)}, {_short(one['form'], NAME)}: {share(one['recall'])}"
            f"{beside}"
        )
    clean = found["clean"]
    yield (
        f"  of {clean['documents']:,} clean documents {clean['flagged']:,} taken for a leak: "
        f"{share(clean['rate'])}"
        + (f"; precision {share(found['precision'])}" if found.get("precision") else "")
    )


def _searched(manifest: Mapping[str, Any], width: int) -> list[str]:
    corpus, benchmarks = manifest["corpus"], manifest["benchmarks"].values()
    found = sum(one["contaminated"] for one in benchmarks)
    items = sum(one["items"] for one in benchmarks)
    lost = ", ".join(
        f"{_short(why, VALUE)} {rows:,}" for why, rows in corpus["quarantined"].items()
    )
    said = (
        f"{found:,} of {items:,} items found in {corpus['documents']:,} documents, "
        f"{manifest['seconds']:.1f} s"
    )
    return _wrapped(said + (f"; rows that could not be used: {lost}" if lost else ""), width)


def _wrapped(text: str, width: int) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip(" ")))
    return textwrap.wrap(
        printable(text), width, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    ) or [""]


def _short(text: str, most: int) -> str:
    return printable(text if len(text) <= most else f"{text[: most - 1]}…")

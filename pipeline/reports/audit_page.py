"""The report of an audit, ``OUT/report.html``: its manifest and findings as a page for a person.

One file that runs no script and loads nothing. ``templates/audit.html`` lays it out and does no
arithmetic. Items and documents are strangers' texts: every value is made visible
(`pipeline.reports.audit_texts`), and the template escapes it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from audits.findings import Finding, Kind
from pipeline.core.errors import ConfigError
from pipeline.reports.audit_findings import sections
from pipeline.reports.audit_plots import bars, curve, impact_plot, recall_range
from pipeline.reports.audit_texts import shortened, visible
from pipeline.reports.audit_words import (
    KINDS,
    NOTHING,
    checked,
    ends,
    percent,
    points,
    reason,
    share,
    unchecked,
)
from pipeline.reports.page import environment

__all__ = ["audit_page"]

LISTED = 50  # inputs, suppressed n-grams, faults of a benchmark
NAME, VALUE, CLAIM = 60, 300, 1200  # characters, outside findings
DIGEST = 12  # characters of a sha256; audit.json has it whole

VERDICTS = {
    "higher": "contaminated items score higher",
    "lower": "contaminated items score lower",
    "not-shown": "the difference may be chance",
    "too-few": "too few items to say",
    "none-contaminated": "none found, nothing to compare",
    "none-clean": "no clean item, nothing to compare",
}


def audit_page(
    manifest: Mapping[str, Any], findings: Sequence[Finding], *, shown: int = 500
) -> str:
    """HTML that shows an audit to a person: what leaked, how sure, what was not checked, and why.

    Args:
        manifest: as in ``audit.json``. Equal arguments give equal bytes.
        findings: all of the audit, in any order.
        shown: findings on the page, at most; the page says how many are not.

    Raises:
        ConfigError: ``shown`` is negative.
    """
    if shown < 0:
        raise ConfigError(f"shown = {shown}: give the number of findings on the page, 0 or more")
    benchmarks: Mapping[str, Mapping[str, Any]] = manifest["benchmarks"]
    scale, drawn = bars(benchmarks)
    counted, others = sections(findings, benchmarks, shown)
    return _template().render(
        manifest=manifest,
        figures=_figures(manifest),
        claims=[line for line in str(manifest["headline"]).split("\n") if line.strip()],
        gate=manifest.get("gate"),
        scale=scale,
        contamination=[(name, one, drawn[name]) for name, one in benchmarks.items()],
        leaking=[kind for kind in Kind if kind.leak],
        kinds=KINDS,
        coverage=[_coverage(name, one) for name, one in benchmarks.items()],
        sources=[_source(name, one) for name, one in benchmarks.items()],
        curves=[(name, one, curve(name, one)) for name, one in benchmarks.items() if one["curve"]],
        impact=_impact(manifest.get("impact")),
        self_test=_self_test(manifest.get("self_test")),
        suppressed=_suppressed(manifest),
        prescreen=_prescreen(manifest),
        judge=manifest.get("judge"),
        corpus=_corpus(manifest["corpus"]),
        settings=list(_flat(manifest["settings"])),
        counted=counted,
        others=others,
        left_out=len(findings) - sum(group.shown for group in (*counted, *others)),
    )


@functools.cache
def _template() -> jinja2.Template:
    """The page; whatever it is given can be seen, and is no marker of direction or lone surrogate."""
    strict = environment().overlay(finalize=_seen)
    strict.filters = strict.filters | {
        "share": share,
        "points": points,
        "short": functools.partial(shortened, most=VALUE),
        "name": functools.partial(shortened, most=NAME),
        "claim": functools.partial(shortened, most=CLAIM),
    }
    return strict.get_template("audit.html")


def _seen(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _figures(manifest: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """What the page begins with: name, number, and what of it."""
    benchmarks, corpus = manifest["benchmarks"], manifest["corpus"]
    items = sum(one["items"] for one in benchmarks.values())
    found = sum(one["contaminated"] for one in benchmarks.values())
    blind = sum(map(unchecked, benchmarks.values()))
    lost = sum(corpus["quarantined"].values())
    return [
        ("contaminated items", found, f"{percent(found / max(items, 1))} of all"),
        (
            "items looked for",
            items,
            f"in {len(benchmarks)} {'benchmark' if len(benchmarks) == 1 else 'benchmarks'}",
        ),
        ("could not be checked", blind, f"{percent(blind / max(items, 1))} of all items"),
        ("documents searched", corpus["documents"], f"{lost:,} rows could not be used"),
    ]


def _coverage(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    methods = checked(one["coverage"])
    reasons: dict[str, list[str]] = {}
    gaps = [(f"not {method}", reasons_of) for method, _, reasons_of in methods]
    for where, found in (*gaps, ("by none", one["coverage"]["unchecked"])):
        for slug, items in found.items():
            reasons.setdefault(reason(slug), []).append(f"{where} {items:,}")
    if one["coverage"].get("passages_left_out"):
        said = f"{one['coverage']['passages_left_out']:,} items, by question and choices only"
        reasons["passages are published texts and not looked for"] = [said]
    return {
        "name": name,
        "items": one["items"],
        "methods": [items for _, items, _ in methods],
        "unchecked": unchecked(one),
        "why": [(why, ", ".join(where)) for why, where in reasons.items()],
    }


def _source(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "source": one["source"],
        "revision": one["revision"] or NOTHING,
        "sha256": one["sha256"][:DIGEST],
        "faults": one["faults"][:LISTED],
        "faults_in_all": len(one["faults"]),
        "more_faults": max(0, len(one["faults"]) - LISTED),
    }


def _impact(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Parts by what they are of: each benchmark, its subjects, other thresholds."""
    if found is None:
        return None
    main: dict[str, Mapping[str, Any]] = {}
    for part in found["parts"]:
        if not part["subject"]:
            main.setdefault(part["benchmark"], part)

    def lines(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                **part,
                "p": NOTHING if part["p_value"] is None else f"{part['p_value']:.2g}",
                "says": VERDICTS.get(part["verdict"], part["verdict"]),
                "level": "its own" if part["threshold"] is None else f"{part['threshold']:g}",
            }
            for part in parts
        ]

    return {
        "main": lines(list(main.values())),
        "subjects": lines(
            [
                part
                for part in found["parts"]
                if part["subject"] and part["benchmark"] in main
                and part["threshold"] == main[part["benchmark"]]["threshold"]
            ]
        ),
        "levels": lines([part for part in found["parts"] if not part["subject"]]),
        "without_result": [
            (name, items) for name, items in found["without_result"].items() if items
        ],
        "resamples": found["resamples"],
        "seed": found["seed"],
        "plot": impact_plot(list(main.values())),
    }  # fmt: skip


def _self_test(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    kinds: dict[str, list[dict[str, Any]]] = {}
    for one in found["kinds"]:
        expected = one.get("expected")
        kinds.setdefault(one["kind"], []).append(
            {
                "form": one["form"],
                "recall": one["recall"],
                "expected": expected,
                "range": recall_range(one["recall"], expected),
                "says": _agreement(one["recall"], expected),
            }
        )
    return {**found, "kinds": kinds, "precision": found.get("precision")}


def _agreement(measured: Mapping[str, Any], expected: Mapping[str, Any] | None) -> str:
    found = ends(measured)
    if found is None or not expected or expected["value"] is None:
        return ""
    if found[0] <= expected["value"] <= found[1]:
        return "as expected"
    return "lower" if expected["value"] > found[1] else "higher"


def _suppressed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    rows, total = manifest["suppressed"], manifest["suppressed_total"]
    shown = rows[:LISTED]
    return {**total, "rows": shown, "more": max(0, total["ngrams"] - len(shown))}


def _prescreen(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    found = manifest.get("prescreen")
    if not found:
        return None
    return {
        **found,
        "on": bool(manifest["settings"].get("prescreen", True)),
        "share": percent(found["embedded"] / max(found["passages"], 1)),
    }


def _corpus(corpus: Mapping[str, Any]) -> dict[str, Any]:
    inputs = list(corpus["inputs"].items())
    return {
        **corpus,
        "files": inputs[:LISTED],
        "more": max(0, len(inputs) - LISTED),
        "bytes": sum(one["bytes"] for _, one in inputs),
    }


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Name and value of every setting, nested names joined by a dot."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, bool) or value is None:
            yield f"{before}{name}", {True: "yes", False: "no", None: "none"}[value]
        elif isinstance(value, list | tuple):
            yield f"{before}{name}", ", ".join(map(str, value)) or "none"
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            yield f"{before}{name}", text

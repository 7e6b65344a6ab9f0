"""The report and the data card of a prompt selection, made from ``prompts.json`` alone.

The template is ``templates/prompts.html``. It does no arithmetic: numbers and places are made here.
Prompts are strangers' texts: they are made visible (`pipeline.reports.audit_texts`) and escaped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reports.audit_texts import visible
from pipeline.reports.page import environment

__all__ = ["FATE_MEANINGS", "prompts_card", "prompts_page"]

FATE_MEANINGS = {
    "selected": "chosen to train on",
    "golden": "in the Golden Set: to evaluate with, never to train on",
    "dropped": "failed a check, or below the floor",
    "duplicate": "a copy of a prompt that stays",
    "contaminated": "overlaps with the Golden Set, or leaks a benchmark",
    "held_back": "of a user or a time that belongs to evaluation",
    "passed_over": "good enough, and another stands for it",
}
_BAR = 1000.0
_MAP = 480.0  # units of the map's sides
_EDGE = 8.0
_WIDE, _HIGH = 480.0, 240.0  # of the coverage curve
_TOPICS = 30  # shown


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """A line of a table with a bar."""

    name: str
    count: int
    share: float
    width: float
    meaning: str = ""


def prompts_page(manifest: Mapping[str, Any]) -> str:
    """HTML that shows a selection to a person.

    Args:
        manifest: ``prompts.json``. Equal manifests give equal bytes.
    """
    talks = manifest["conversations"]
    total = max(talks["read"], 1)
    return (
        environment()
        .get_template("prompts.html")
        .render(
            manifest=manifest,
            recipe=manifest["recipe"],
            headline=headline(manifest),
            fates=[
                _Row(name, talks[name], talks[name] / total, _BAR * talks[name] / total, meaning)
                for name, meaning in FATE_MEANINGS.items()
            ],
            examples=_examples(manifest["examples"]),
            intents=_intents(manifest["intents"]),
            topics=_topics(manifest["topics"]),
            more_topics=max(0, len(manifest["topics"]) - _TOPICS),
            dots=_dots(manifest["map"]),
            size=_MAP,
            curve=_curve(manifest["coverage"]),
            wide=_WIDE,
            high=_HIGH,
        )
    )


def _examples(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By fate, the commonest reason first; every character of them can be seen."""
    order = list(FATE_MEANINGS)
    return [
        {
            **group,
            "prompts": [
                {key: visible(one[key]) for key in ("id", "prompt")} for one in group["prompts"]
            ],
        }
        for group in sorted(groups, key=lambda one: (order.index(one["fate"]), -one["count"]))
    ]


def headline(manifest: Mapping[str, Any]) -> str:
    """One sentence of what came of it."""
    talks = manifest["conversations"]
    golden = (
        f", and {talks['golden']:,} for the Golden Set" if manifest["golden"]["version"] else ""
    )
    return f"{talks['selected']:,} of {talks['read']:,} conversations selected to train on{golden}"


def _intents(
    found: Mapping[str, Mapping[str, int]],
) -> list[tuple[str, list[tuple[str, int, float]]]]:
    names = {"before": "all that passed the checks", "selected": "selected", "golden": "Golden Set"}
    rows = []
    for key, name in names.items():
        total = sum(found[key].values())
        if total:
            rows.append((name, [(intent, n, n / total) for intent, n in found[key].items()]))
    return rows


def _topics(topics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    most = max((one["pool"] for one in topics), default=1) or 1
    return [
        {
            **one,
            "width": _BAR * (one["pool"]) / most,
            "picked": _BAR * one["selected"] / most,
        }
        for one in sorted(topics, key=lambda one: -int(one["pool"]))[:_TOPICS]
    ]


def _dots(places: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Dots of the map, those that were selected last, so that they lie on top."""
    if not places:
        return []
    reach = max(max(abs(x), abs(y)) for x, y, _ in places) or 1.0
    half = _MAP / 2

    def at(value: float) -> str:
        return f"{half + (half - _EDGE) * value / reach:.1f}"

    ordered = sorted(places, key=lambda one: one[2])
    return [
        {
            "x": at(x),
            "y": at(-y),
            "kind": "first" if picked else "failing",
            "r": 2.6 if picked else 1.5,
        }
        for x, y, picked in ordered
    ]


def _curve(coverage: Mapping[str, Sequence[float]]) -> dict[str, Any] | None:
    picks = coverage["picks"]
    if len(picks) < 2:
        return None
    most = picks[-1]

    def line(values: Sequence[float]) -> str:
        return " ".join(
            f"{_WIDE * pick / most:.1f},{_HIGH * (1 - value):.1f}"
            for pick, value in zip(picks, values, strict=True)
        )

    return {
        "selected": line(coverage["selected"]),
        "random": line(coverage["random"]),
        "picks": most,
        "reached": coverage["selected"][-1],
        "by_chance": coverage["random"][-1],
    }


def prompts_card(manifest: Mapping[str, Any]) -> str:
    """Markdown with the YAML head by which ``datasets.load_dataset(OUT)`` finds each part."""
    recipe, talks, rows = manifest["recipe"], manifest["conversations"], manifest["rows"]
    files = manifest["files"]
    lines = [
        "---",
        f"pretty_name: {recipe['name']}",
        "configs:",
        "- config_name: default",
        "  data_files: selected.parquet",
        f"  description: {files['selected.parquet'][:16]}",
        "- config_name: ledger",
        "  data_files: ledger.parquet",
        f"  description: {files['ledger.parquet'][:16]}",
        "---",
        "",
        f"# {recipe['name']}",
        "",
        f"{headline(manifest)}. Made by Gristmill {manifest['gristmill']} with the recipe in "
        "`prompts.json`.",
        "",
        f"Of {rows['read']:,} rows of the logs {rows['used']:,} are in conversations and "
        f"{rows['quarantined']:,} in `quarantine.parquet`.",
        "",
        "| fate | conversations | what it means | commonest reasons |",
        "|---|---:|---|---|",
    ]
    for fate, meaning in FATE_MEANINGS.items():
        reasons = list(manifest["reasons"].get(fate, {}).items())[:3]
        told = ", ".join(f"`{reason}` {n:,}" for reason, n in reasons)
        lines.append(f"| {fate} | {talks[fate]:,} | {meaning} | {told} |")
    masked = sum(manifest["pii"].values())
    lines += [
        "",
        "## Personal data",
        "",
        f"{masked:,} finds, action `{recipe['pii']['action']}`. `masked.jsonl` has some of them as they "
        "were, for a person to check, and `quarantine.parquet` rows of the logs: publish neither of "
        "them, nor the work files in `.gristmill`.",
        "",
        *_golden(manifest),
        "## Files",
        "",
        *(f"- `{name}` sha256 `{digest}`" for name, digest in files.items()),
        "",
    ]
    return "\n".join(lines)


def _golden(manifest: Mapping[str, Any]) -> list[str]:
    golden = manifest["golden"]
    if not golden["version"]:
        return []
    since = f" from {golden['after']} on" if golden["after"] else ""
    return [
        "## Golden Set",
        "",
        f"Version {golden['version']}: {golden['prompts']:,} prompts of paying customers{since}, "
        f"sha256 `{golden['sha256']}`. None of their users, and nothing of that time, is in the "
        "selection; no prompt and no run of eight words is shared, and the audit in `audit/` finds none "
        "of its prompts there in other words. What an audit misses it cannot say.",
        "",
    ]

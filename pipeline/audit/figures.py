"""What an audit comes to, as plain values: the manifest ``audit.json``, from which all else is told."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from audits.benchmarks.coverage import Coverage, Method, coverage
from audits.findings import Finding, Kind
from audits.items import Benchmark
from audits.outcome.files import Contamination
from audits.outcome.impact import Impact, headline
from pipeline.audit.examining import Examined
from pipeline.audit.parts import Corpus
from pipeline.core.printable import printable

__all__ = [
    "benchmark_figures",
    "claims",
    "corpus_figures",
    "coverages",
    "judge_figures",
    "prescreen_figures",
]


def coverages(benchmarks: Sequence[Benchmark], languages: Collection[str]) -> dict[str, Coverage]:
    """By benchmark, what can be checked of it.

    Args:
        benchmarks: that are audited.
        languages: that the encoder reads.
    """
    return {
        one.name: coverage(
            one.items,
            semantic_languages=languages,
            public_passages=(one.name,) if one.public_passage else (),
        )
        for one in benchmarks
    }


def corpus_figures(
    corpus: Corpus, characters: int, examined: Examined, stored: bool
) -> dict[str, Any]:
    """The manifest's ``corpus``.

    Args:
        stored: whether stored vectors were given.
    """
    parts = Counter(path for part in corpus.parts for path in part.inputs)
    return {
        "inputs": {
            path: {"bytes": corpus.stamps[path][0], "parts": cuts}
            for path, cuts in sorted(parts.items())
        },
        "columns": dataclasses.asdict(corpus.columns),
        "rows": examined.rows,
        "documents": examined.documents,
        "quarantined": examined.quarantined,
        "characters": characters,
        "passages": examined.tally["passages"],
        "embedded": examined.tally["embedded"],
        "reused": examined.tally["reused"] if stored else None,
    }


def benchmark_figures(
    benchmarks: Sequence[Benchmark],
    covered: Mapping[str, Coverage],
    found: Mapping[str, Contamination],
    findings: Sequence[Finding],
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    """The manifest's ``benchmarks``."""
    altered: dict[str, set[str]] = {one.name: set() for one in benchmarks}
    same_topic: Counter[str] = Counter()
    for finding in findings:
        if finding.type is Kind.ALTERED:
            altered[finding.benchmark].add(finding.item)
        same_topic[finding.benchmark] += finding.type is Kind.SAME_TOPIC
    return {
        one.name: {
            **found[one.name].to_json(),
            "source": one.source,
            "revision": one.revision,
            "sha256": one.sha256,
            "faults": list(one.faults),
            "threshold": thresholds[one.name],
            "coverage": _covered(covered[one.name]),
            "not_leaks": {
                Kind.ALTERED.value: len(altered[one.name]),
                Kind.SAME_TOPIC.value: same_topic[one.name],
            },
        }
        for one in benchmarks
    }


def _covered(found: Coverage) -> dict[str, Any]:
    nothing = set(found.unchecked())
    why = Counter(
        gap.reason.value
        for gap in found.gaps
        if gap.method is Method.LEXICAL and (gap.benchmark, gap.item) in nothing
    )
    return {**found.to_json(), "unchecked": dict(sorted(why.items()))}


def prescreen_figures(
    examined: Examined, recall: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """The manifest's ``prescreen``; None where there was no passage.

    Args:
        recall: of known leaks that are found without it, those that are found with it; None where
            that was not measured.
    """
    passages, embedded = examined.tally["passages"], examined.tally["embedded"]
    if not passages:
        return None
    return {
        "passages": passages,
        "embedded": embedded,
        "skipped_share": round(1 - embedded / passages, 6),
        "recall": None if recall is None else dict(recall),
    }


def judge_figures(examined: Examined, asked: bool) -> dict[str, int] | None:
    """The manifest's ``judge``: candidates it was asked about, and without an opinion of it.

    Args:
        asked: whether there is a judge.
    """
    tally = examined.tally
    return {"asked": tally["judged"], "no_opinion": tally["no_opinion"]} if asked else None


def claims(found: Impact | None, documents: int, covered: Mapping[str, Coverage]) -> str:
    """The headline: what may be said, line by line."""
    if not documents:
        return "The corpus has no document: nothing was looked at, and nothing may be claimed."
    lines = [] if found is None else [headline(found)]
    if found is None:
        lines.append(
            "What is found here says nothing yet of a model's score: that takes its results for "
            "each item (--results)."
        )
    blind = [
        f"{printable(name)} {len(one.unchecked()):,} of {one.items:,}"
        for name, one in covered.items()
        if one.unchecked()
    ]
    if blind:
        lines.append(f"Items that could not be checked are not clean for that: {', '.join(blind)}.")
    return "\n".join(lines)

"""The Hugging Face data card of a run, ``OUT/README.md``, made from its manifest alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.core.records import Fate
from pipeline.reports.folders import FOLDERS
from pipeline.reports.funnel import funnel, headline
from pipeline.reports.tokens import token_facts
from pipeline.runtime.manifest import SplitReport

__all__ = ["data_card", "without_configs"]

CONFIG = re.compile(r"\s*- config_name:\s*[\"']?([^\"']*?)[\"']?\s*")


def data_card(manifest: Mapping[str, Any]) -> str:
    """Markdown with the YAML head that lets ``datasets.load_dataset(OUT)`` find each part."""
    report = SplitReport.from_json(manifest["counts"])
    recipe = manifest["recipe"]
    suffix = "jsonl.zst" if recipe["keep"]["corpus"] == "jsonl.zst" else "parquet"
    lines = [
        "---",
        f"pretty_name: {recipe['name']}",
        "configs:",
        *_config(manifest, "default", "corpus", suffix),
        *(
            line
            for kind in ("records", "dropped", "quarantine")
            for line in _config(manifest, kind, kind, "parquet")
        ),
        *_receipts_config(manifest),
        "---",
        "",
        f"# {recipe['name']}",
        "",
        f"{headline(report)}. Made by Gristmill {manifest['gristmill']} with the recipe in "
        "`manifest.json`.",
        "",
        "| stage | entered | dropped | duplicate | quarantined | passed | commonest reasons |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in funnel(report):
        reasons = ", ".join(f"`{reason}` {count:,}" for reason, count in row.reasons)
        lines.append(
            f"| {row.stage} | {row.entered:,} | {row.dropped:,} "
            f"| {row.duplicate:,} | {row.quarantined:,} "
            f"| {row.passed:,} | {reasons} |"
        )
    kept = report.characters[Fate.KEPT]
    lines += [
        "",
        f"The corpus holds {report.fates[Fate.KEPT]:,} documents and {kept:,} characters.",
        "",
        "| folder | one row per | what it is |",
        "|---|---|---|",
        *(f"| `{folder.kind}/` | {folder.row} | {folder.holds} |" for folder in FOLDERS),
        "",
        *_ranking(manifest),
        *_duplicates(manifest),
        *_tokens(manifest),
        "## Models",
        "",
        *(f"- `{name}` sha256 `{digest}`" for name, digest in manifest["models"].items()),
        "",
        "## Inputs",
        "",
        *(
            f"- `{path}`: {source['bytes']:,} bytes in {source['splits']} splits"
            for path, source in manifest["inputs"].items()
        ),
        "",
    ]
    return "\n".join(lines)


def without_configs(card: str, names: Collection[str]) -> str:
    """A data card without what it says of some folders; whatever else stands in it stays.

    Args:
        card: Markdown with a YAML head, as `data_card` gives it or as its owner has edited it.
        names: of configurations, which are those of their folders.
    """
    lines: list[str] = []
    head, skipping = False, False
    for number, line in enumerate(card.split("\n")):
        if line.strip() == "---" and (head or number == 0):
            head, skipping = not head, False
        elif head and (found := CONFIG.fullmatch(line)):
            skipping = found[1] in names
        elif skipping and not line.startswith("  "):
            skipping = False
        of_folder = not head and line.startswith(tuple(f"| `{name}/` |" for name in names))
        if not skipping and not of_folder:
            lines.append(line)
    return "\n".join(lines)


def _config(manifest: Mapping[str, Any], name: str, kind: str, suffix: str) -> list[str]:
    # `datasets` keeps its copy of a folder as long as this head stays the same, whatever happens
    # to the files: their digest in it makes a run that was decided again be read again.
    parts = hashlib.sha256("".join(part["sha256"] for part in manifest["parts"][kind]).encode())
    return [
        f"- config_name: {name}",
        f"  data_files: {kind}/*.{suffix}",
        f"  description: parts {parts.hexdigest()[:16]}",
    ]


def _receipts_config(manifest: Mapping[str, Any]) -> list[str]:
    if "dedup" not in manifest:
        return []
    receipts = manifest["dedup"]["receipts"]
    return [
        "- config_name: receipts",
        f"  data_files: {receipts['file']}",
        f"  description: parts {receipts['sha256'][:16]}",
    ]


def _ranking(manifest: Mapping[str, Any]) -> list[str]:
    if "ranking" not in manifest:
        return []
    lines = ["## Ranking", ""]
    for name, counts in manifest["ranking"].items():
        lowest = (
            "" if counts["cutoff"] is None else f", the last of them with {counts['cutoff']:.6g}"
        )
        lines.append(
            f"- `{name}` keeps the top {100 * counts['share']:g}% by its score: "
            f"{counts['stayed']:,} of {counts['reached']:,} documents that reached it stayed{lowest}."
        )
    return [*lines, ""]


def _duplicates(manifest: Mapping[str, Any]) -> list[str]:
    if "dedup" not in manifest:
        return []
    counts, parameters = manifest["dedup"]["counts"], manifest["dedup"]["parameters"]
    return [
        "## Duplicates",
        "",
        f"{counts['removed']:,} of {counts['entered']:,} documents were removed, each for a copy "
        f"that stays, with a verified {parameters['similarity']} similarity of at least "
        f"{parameters['threshold']} over shingles of {parameters['words']} words. "
        f"`{manifest['dedup']['receipts']['file']}` has a row for each.",
        "",
    ]


def _tokens(manifest: Mapping[str, Any]) -> list[str]:
    facts = token_facts(manifest)
    if facts is None:
        return []
    return [
        "## Tokens",
        "",
        f"{facts.tokens:,} tokens by `{facts.tokenizer}` (sha256 `{facts.sha256}`). {facts.rule_of_thumb}",
        *([f"{facts.uncounted:,} documents could not be counted."] if facts.uncounted else []),
        "",
        "| language | documents | tokens | tokens per word | characters per token |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {row.name} | {row.documents:,} | {row.tokens:,} "
            f"| {row.per_word} | {row.characters_per_token} |"
            for row in facts.languages
        ),
        "",
    ]

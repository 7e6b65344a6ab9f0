"""Sums of a run's token counts: of the corpus, by language, by domain, and by fate.

They are read from the ledger once all fates are settled, split by split. A sum over domains takes some
200 bytes of memory for each domain of the corpus.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.records import Fate
from pipeline.curation import Curation
from pipeline.dedup.shuffle import Execute
from pipeline.filters.url_parts import host_of, registrable_domain
from pipeline.runtime.executor import Tick
from pipeline.runtime.manifest import Completion
from pipeline.runtime.storage import RunFolder

__all__ = ["LISTED", "token_totals"]

LISTED = 20  # languages, and domains, that the manifest names; the rest is summed
LANGUAGE = "language.label"
COUNTED = ("documents", "words", "characters", "tokens")

_Sums = dict[str, list[int]]


@dataclasses.dataclass(frozen=True)
class _Task:
    folder: RunFolder
    ledger: Path
    languages: bool


@dataclasses.dataclass
class _Totals:
    """Sums in the order of `COUNTED`, by name."""

    fates: Counter[str]
    languages: _Sums
    domains: _Sums
    uncounted: int = 0

    def add(self, other: _Totals) -> None:
        self.fates.update(other.fates)
        self.uncounted += other.uncounted
        for mine, theirs in ((self.languages, other.languages), (self.domains, other.domains)):
            for name, numbers in theirs.items():
                _add(mine, name, numbers)


def token_totals(
    curation: Curation, folder: RunFolder, done: Mapping[int, Completion], execute: Execute
) -> dict[str, Any]:
    """What the manifest says of tokens.

    Args:
        curation: the run's; ``curation.tokens`` is set.
        folder: the locked run folder.
        done: completion records of all splits, all fates settled.
        execute: runs tasks.

    Returns:
        ``tokenizer``, ``sha256``, ``vocabulary``; of the kept documents ``documents``, ``words`` (by
        white space), ``characters``, ``tokens``, and ``uncounted``, how many more the tokenizer failed
        on; ``fates``, tokens by fate; ``languages`` and ``domains``, the same sums for the `LISTED` with
        most tokens, and for all others under ``other_languages``, ``other_domains``, with their number
        as ``names``.
    """
    assert curation.tokens is not None
    noted = _noted(curation, folder)
    if noted is not None:
        return noted
    languages = any(column == LANGUAGE for column in curation.schemas().signal_columns())
    tasks = [
        _Task(folder, done[index].paths(folder, index)["records"], languages)
        for index in sorted(done)
    ]
    totals = _Totals(Counter(), {}, {})
    for _, found in execute(_add_up_tokens, tasks):
        totals.add(found)
    everything = [sum(numbers) for numbers in zip(*totals.domains.values(), strict=True)]
    return {
        "tokenizer": curation.tokens.label,
        "sha256": curation.counted_by(),
        "vocabulary": curation.tokens.vocabulary,
        **dict(zip(COUNTED, everything or [0] * len(COUNTED), strict=True)),
        "uncounted": totals.uncounted,
        "fates": dict(sorted(totals.fates.items())),
        **_listed("languages", totals.languages),
        **_listed("domains", totals.domains),
    }


def _noted(curation: Curation, folder: RunFolder) -> dict[str, Any] | None:
    """The sums of an earlier run. Its manifest goes before anything in the folder changes."""
    try:
        manifest = json.loads(folder.read_text(folder.manifest))
        noted: dict[str, Any] = manifest["tokens"]
        return noted if manifest["fingerprints"]["decided"] == curation.decided() else None
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _add_up_tokens(task: _Task, tick: Tick) -> _Totals:
    totals = _Totals(Counter(), {}, {})
    columns = ["url", "fate", "words", "characters", "tokens"]
    with pq.ParquetFile(task.folder.here(task.ledger)) as ledger:
        for group in range(ledger.num_row_groups):
            table = ledger.read_row_group(group, columns=columns + [LANGUAGE] * task.languages)
            _sum_up(totals, table.filter(pc.is_valid(table["words"])).to_pylist())
    return totals


def _sum_up(totals: _Totals, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        kept = row["fate"] == Fate.KEPT
        if row["tokens"] is None:
            totals.uncounted += kept
            continue
        totals.fates[row["fate"]] += row["tokens"]
        if kept:
            numbers = [1, row["words"], row["characters"], row["tokens"]]
            _add(totals.languages, row.get(LANGUAGE) or "", numbers)
            _add(totals.domains, registrable_domain(host_of(row["url"] or "")), numbers)


def _add(sums: _Sums, name: str, numbers: Iterable[int]) -> None:
    before = sums.get(name)
    sums[name] = (
        list(numbers) if before is None else [a + b for a, b in zip(before, numbers, strict=True)]
    )


def _listed(what: str, sums: _Sums) -> dict[str, Any]:
    """The largest by name, and the sum of the others."""
    order = sorted(sums, key=lambda name: (-sums[name][-1], name))
    named = [
        {"name": name, **dict(zip(COUNTED, sums[name], strict=True))} for name in order[:LISTED]
    ]
    others = [sums[name] for name in order[LISTED:]]
    rest = [sum(numbers) for numbers in zip(*others, strict=True)] or [0] * len(COUNTED)
    return {
        what: named,
        f"other_{what}": {"names": len(others), **dict(zip(COUNTED, rest, strict=True))},
    }

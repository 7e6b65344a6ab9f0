"""The audit inside the selection: nothing selected that is found in a benchmark or in the Golden Set.

It is ``gristmill audit`` itself, over what would be selected, so its report is the proof.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from audits.items import Benchmark, Item
from audits.outcome.files import read_findings
from audits.settings import AuditSettings
from pipeline.audit.plan import plan_audit
from pipeline.audit.run import run_audit
from pipeline.runtime.executor import SerialExecutor
from pipeline.runtime.progress import Silent
from pipeline.runtime.storage import RunFolder
from pipeline.selection.choosing import Leak
from pipeline.selection.reading import Read

__all__ = ["FOLDER", "GOLDEN_NAME", "auditor"]

FOLDER = "audit"
GOLDEN_NAME = "golden"
_CANDIDATES = "candidates.jsonl"


def auditor(
    folder: RunFolder, read: Read, benchmarks: Sequence[Benchmark], settings: AuditSettings
) -> Callable[[Sequence[int], Sequence[int]], Mapping[int, Leak]]:
    """What `pipeline.selection.choosing.choose` asks for leaks.

    Args:
        folder: of the selection; the audit lies in its folder `FOLDER`.
        read: the conversations.
        benchmarks: of which nothing may be selected, besides the Golden Set.
        settings: of the audit.
    """

    name = _free_name([one.name for one in benchmarks])

    def audit(picks: Sequence[int], golden: Sequence[int]) -> Mapping[int, Leak]:
        wanted = [*benchmarks, *_golden(read, golden, name)]
        if not wanted:
            return {}
        path = folder.state / _CANDIDATES
        folder.write_text(path, _lines(read, picks))
        result = run_audit(
            plan_audit([path], wanted, folder.root / FOLDER, settings=settings),
            SerialExecutor(),
            Silent(),
        )
        thresholds = {
            name: float(row["threshold"]) for name, row in result.manifest["benchmarks"].items()
        }
        return _surest(
            result.folder.root, dict(zip(_ids(read, picks), picks, strict=True)), thresholds
        )

    return audit


def _free_name(taken: Sequence[str]) -> str:
    """Of this Golden Set, beside those of earlier selections that are benchmarks of this one."""
    name, number = GOLDEN_NAME, 1
    while name in taken:
        number += 1
        name = f"{GOLDEN_NAME}_{number}"
    return name


def _golden(read: Read, golden: Sequence[int], name: str) -> list[Benchmark]:
    if not golden:
        return []
    rows = (
        read.rows.select(["id", "prompt", "language"])
        .take(pa.array(golden, pa.int64()))
        .to_pylist()
    )
    items = tuple(Item(name, row["id"], row["prompt"], language=row["language"]) for row in rows)
    return [Benchmark(name, items, "the Golden Set of this selection")]


def _ids(read: Read, numbers: Sequence[int]) -> list[str]:
    found: list[str] = read.rows["id"].take(pa.array(numbers, pa.int64())).to_pylist()
    return found


def _lines(read: Read, picks: Sequence[int]) -> str:
    rows = zip(_ids(read, picks), read.messages(picks), strict=True)
    return "".join(
        f'{{"id": {json.dumps(name)}, "messages": {messages}}}\n' for name, messages in rows
    )


def _surest(
    out: Path, numbers: Mapping[str, int], thresholds: Mapping[str, float]
) -> dict[int, Leak]:
    found: dict[int, Leak] = {}
    for one in read_findings(out):
        if not one.leak:
            continue
        number = numbers[one.document]
        if number not in found or one.probability > found[number].probability:
            found[number] = Leak(
                one.benchmark, one.item, str(one.type), one.probability, thresholds[one.benchmark]
            )
    return found

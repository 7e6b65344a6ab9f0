"""The deduplication of a run: sign what passed the filters, decide over all splits, take copies out.

How duplicates are found is `pipeline.dedup`; how a split is written is `pipeline.split`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.errors import ConservationError
from pipeline.core.records import Fate
from pipeline.curation import DEDUP, Curation
from pipeline.dedup.alarm import raise_alarm
from pipeline.dedup.index import EarlierPart, Entry, IndexPart, forget_parts, whole_part, write_part
from pipeline.dedup.outcome import Outcome, PartOutcome
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import Execute, deduplicate, sweep
from pipeline.payloads import payload_receipts
from pipeline.redecide import DuplicateFates
from pipeline.runtime.executor import Tick
from pipeline.runtime.ledger import read_rows
from pipeline.runtime.manifest import Completion, fingerprint
from pipeline.runtime.progress import Reporter
from pipeline.runtime.storage import RunFolder
from pipeline.sources.base import Split
from pipeline.split import SplitTask, curate_split

__all__ = ["already_taken_out", "forget_duplicates", "take_out_duplicates"]

FATES = pa.schema(
    [
        ("id", pa.string()),
        ("cluster", pa.string()),
        ("cluster_size", pa.int64()),
        ("rule", pa.string()),
        ("similarity", pa.float64()),
    ]
)


def take_out_duplicates(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    done: Mapping[int, Completion],
    against: Sequence[EarlierPart],
    execute: Execute,
    progress: Reporter,
) -> tuple[dict[int, Completion], dict[str, Any]]:
    """Leave one of every set of duplicates in the corpus, and a receipt for each that goes.

    Args:
        curation: the run's; ``curation.dedup`` is set.
        folder: the locked run folder.
        splits: all of them.
        done: their completion records.
        against: indexes of earlier runs.
        execute: runs tasks.
        progress: is told what is going on.

    Returns:
        The completion records as they are now, and what the manifest says of deduplication.

    Raises:
        WipeOutAlarm: a source or domain would lose nearly everything; nothing was taken out.
    """
    settings = curation.dedup
    assert settings is not None
    parts = _signed(curation, folder, done, execute)
    documents = sum(part.rows for part in parts)
    progress.say(f"Deduplicating {documents:,} documents")
    found = deduplicate(folder, parts, settings, execute, against)
    alarms = raise_alarm(found, settings.alarm, lambda line: progress.say(f"warning: {line}"))
    receipts, counts = found.receipts(), found.counts()
    stands: dict[str, int] = {}
    if settings.payload:
        of_payloads, stands = payload_receipts(folder, done, found)
        receipts = pa.concat_tables([receipts, of_payloads]).sort_by("removed")
        counts |= _counted(of_payloads)
    settled, clusters = _rewritten(
        curation, folder, splits, done, found, len(against), execute, stands
    )
    path = folder.root / "dedup" / "receipts.parquet"
    with folder.replacing(path) as temporary:
        pq.write_table(receipts, temporary, compression="zstd")
    sweep(folder)
    return settled, {
        "parameters": settings.describe(),
        "parts": len(parts),
        "counts": counts | clusters,
        "against": _against(against),
        "alarms": [dataclasses.asdict(alarm) for alarm in alarms],
        "receipts": {
            "file": str(path.relative_to(folder.root)),
            "rows": receipts.num_rows,
            "bytes": folder.size(path),
            "sha256": _sha256(folder.here(path)),
        },
    }


def already_taken_out(
    settings: Dedup,
    folder: RunFolder,
    done: Mapping[int, Completion],
    against: Sequence[EarlierPart],
) -> dict[str, Any] | None:
    """What the manifest says of deduplication, if it is that of these splits and indexes.

    The manifest goes before anything in the folder changes; one that is there speaks of what is
    there. The index is checked all the same, since later runs rely on it.
    """
    try:
        noted: dict[str, Any] = json.loads(folder.read_text(folder.manifest))["dedup"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    same = (
        noted["parameters"] == settings.describe()
        and noted.get("against") == _against(against)
        and noted["receipts"]["sha256"]
        == _sha256(folder.here(folder.root / noted["receipts"]["file"]))
        and all(
            completion.duplicates is not None and _whole_part(folder, index, completion, settings)
            for index, completion in done.items()
        )
    )
    return noted if same else None


def forget_duplicates(folder: RunFolder, splits: int = 0) -> None:
    """Take away what a deduplication left of splits from number ``splits`` on; all, if that is 0."""
    if not splits:
        folder.remove(folder.root / "dedup" / "receipts.parquet")
    forget_parts(folder, splits)


# --- signing -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _SignTask:
    curation: Curation
    folder: RunFolder
    index: int
    completion: Completion


def _signed(
    curation: Curation, folder: RunFolder, done: Mapping[int, Completion], execute: Execute
) -> list[IndexPart]:
    tasks = [_SignTask(curation, folder, index, done[index]) for index in sorted(done)]
    parts = dict(execute(_sign, tasks))
    return [parts[position] for position in range(len(tasks))]


def _sign(task: _SignTask, tick: Tick) -> IndexPart:
    """The index part of one split: the one that is there if it is whole and fits, else a new one."""
    settings = task.curation.dedup
    assert settings is not None
    part = _whole_part(task.folder, task.index, task.completion, settings)
    if part is not None:
        return part
    return write_part(
        task.folder,
        task.index,
        _candidates(task, settings.quality),
        settings.signing,
        _stamp(task.completion, settings),
    )


def _whole_part(
    folder: RunFolder, index: int, completion: Completion, settings: Dedup
) -> IndexPart | None:
    return whole_part(folder, index, settings.signing, _stamp(completion, settings))


def _stamp(completion: Completion, settings: Dedup) -> str:
    return fingerprint(completion.candidates, settings.quality)


def _candidates(task: _SignTask, quality: str) -> Iterator[Entry]:
    """What passed the filters, in the order of the ledger, whether it was taken out since or not."""
    paths = {
        kind: task.folder.here(path)
        for kind, path in task.completion.paths(task.folder, task.index).items()
        if kind != "quarantine"
    }
    columns = ["id", "text", "url", "date", "path"]
    kept = read_rows(paths["corpus"], columns)
    taken_out = (
        row for row in read_rows(paths["dropped"], [*columns, "stage"]) if row["stage"] == DEDUP
    )
    for record in read_rows(paths["records"], ["id", "fate", "stage", *filter(None, [quality])]):
        if record["fate"] == Fate.KEPT:
            row = next(kept)
        elif record["stage"] == DEDUP:
            row = next(taken_out)
        else:
            continue
        if row["id"] != record["id"]:
            raise ConservationError(f"split {task.index}: {record['id']} is not where it was filed")
        score = record[quality] if quality else None
        yield Entry(row["id"], row["text"], row["url"] or "", row["date"], row["path"], score)


# --- writing -------------------------------------------------------------------------------


def _rewritten(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    done: Mapping[int, Completion],
    found: Outcome,
    earlier_parts: int,
    execute: Execute,
    stands: Mapping[str, int],
) -> tuple[dict[int, Completion], dict[str, int]]:
    """Every split as deduplication has it, one that is so already left alone; and the clusters."""
    settled = dict(done)
    clusters = {"clusters": 0, "largest": 1}
    home = folder.state / "dedup" / "fates"
    home.mkdir(parents=True, exist_ok=True)
    bound = curation.dedup.least_similarity if curation.dedup else None
    tasks = []
    removed = 0
    for position, index in enumerate(sorted(done)):
        part = found.part(earlier_parts + position)
        removed += int(np.count_nonzero(part.removed))
        fates = _fates(part, stands)
        digest = fingerprint(bound, fates.to_pylist())
        sizes = fates["cluster_size"].to_numpy()[~fates["rule"].is_valid().to_numpy()]
        clusters["clusters"] += len(sizes)
        clusters["largest"] = int(sizes.max(initial=clusters["largest"]))
        if done[index].duplicates != digest:
            path = home / f"{index:05d}.parquet"
            with folder.replacing(path) as temporary:
                pq.write_table(fates, temporary)
            fates = DuplicateFates(path, digest, done[index])
            tasks.append(SplitTask(curation, folder, index, splits[index], fates=fates))
    for position, completion in execute(curate_split, tasks):
        settled[tasks[position].index] = completion
    counted = sum(
        count.duplicate
        for completion in settled.values()
        for count in completion.report.stages
        if count.name == DEDUP
    )
    if counted != removed:
        raise ConservationError(f"{removed} duplicates were found, {counted} were taken out")
    return settled, clusters


def _fates(part: PartOutcome, stands: Mapping[str, int]) -> pa.Table:
    """The documents of a split that go, or stay for others, by id."""
    clusters = part.cluster.cast(pa.string())
    sizes = part.size
    if stands:
        sizes = sizes + np.array([stands.get(name, 0) for name in clusters.to_pylist()], np.int64)
    table = pa.table(
        [
            part.ids.cast(pa.string()),
            clusters,
            pa.array(sizes),
            part.rule,
            pa.array(part.similarity, mask=~part.removed),
        ],
        schema=FATES,
    )
    return table.filter(pc.greater(table["cluster_size"], 1)).sort_by("id")


def _against(against: Sequence[EarlierPart]) -> list[str]:
    """Names what each part of an earlier index holds, and what of it stands."""
    return [
        fingerprint(earlier.part.files, np.packbits(earlier.kept).tobytes().hex())
        for earlier in against
    ]


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _counted(receipts: pa.Table) -> dict[str, int]:
    """Receipts by rule."""
    counts = receipts["rule"].combine_chunks().value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in sorted(counts, key=lambda row: row["values"])}

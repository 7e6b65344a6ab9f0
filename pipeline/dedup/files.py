"""Deduplication of files: JSON lines or Parquet with an id and a text, without a recipe.

    OUT/kept.parquet        what stays: every column of the input, ``cluster`` and ``cluster_size``
    OUT/receipts.parquet    what goes: ``removed``, ``kept``, ``similarity``, ``buckets``, ``rule``
    OUT/quarantine.parquet  rows that could not be read, or have no usable id or text
    OUT/dedup/index/        signatures, for later runs ``against`` this one
    OUT/manifest.json       settings and counts, written last

Rows in = kept + removed + quarantined, and it is checked.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import pipeline
from pipeline.core.errors import ConfigError, ConservationError, SourceError
from pipeline.dedup.alarm import raise_alarm
from pipeline.dedup.entries import QUARANTINE, PartTask, SignedPart, TableColumns, sign_parts
from pipeline.dedup.index import index_folder, open_index
from pipeline.dedup.outcome import CLUSTER, Outcome, id_type
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import deduplicate, sweep
from pipeline.runtime.executor import Executor
from pipeline.runtime.progress import Reporter, shown
from pipeline.runtime.storage import RunFolder
from pipeline.sources.columns import unify
from pipeline.sources.tables import TablePart, read_batches, stamp

__all__ = ["FilesResult", "TableColumns", "dedup_files"]


@dataclasses.dataclass(frozen=True)
class FilesResult:
    """How it ended.

    Args:
        folder: where everything is.
        counts: rows in ``entered``, ``kept``, ``removed``, ``quarantined``, and what
            `pipeline.dedup.outcome.Outcome.counts` has.
        quarantined: rows by reason.
        seconds: wall-clock time.
    """

    folder: RunFolder
    counts: dict[str, int]
    quarantined: dict[str, int]
    seconds: float


def dedup_files(
    parts: Sequence[TablePart],
    out: Path,
    settings: Dedup,
    executor: Executor,
    progress: Reporter,
    columns: TableColumns | None = None,
) -> FilesResult:
    """Deduplicate tables, continuing what an earlier run into the same folder has left.

    Args:
        parts: from `pipeline.sources.tables.plan_tables`.
        out: output folder; one that holds something else is refused.
        settings: how.
        executor: where the work is done.
        progress: is told what is going on.
        columns: their names.

    Raises:
        ConfigError: no row has the columns, or an index in ``settings.against`` does not fit.
        WipeOutAlarm: a source, file or domain would lose nearly everything; nothing was written.
        SourceError, StorageError, ConservationError: see `pipeline.core.errors`.
    """
    started = time.monotonic()
    against = [
        part for root in settings.against for part in open_index(Path(root), settings.signing)
    ]
    with RunFolder(out).create(kinds=()).lock() as folder, executor, progress:
        folder.remove(folder.manifest)
        columns = columns or TableColumns()
        files = len({part.path for part in parts})
        tasks = [
            PartTask(folder, number, part, columns, settings, files > 1)
            for number, part in enumerate(parts)
        ]
        _forget_surplus(folder, len(parts))
        progress.say(f"Signing {files:,} file{'s' * (files != 1)}")
        execute = shown(executor.run, progress)
        read = sign_parts(tasks, execute)
        types = unify(part.types for part in read)
        signed = sum(part.index.rows for part in read)
        _check_columns(types, columns, settings, signed)
        progress.say(f"Deduplicating {signed:,} document{'s' * (signed != 1)}")
        found = deduplicate(folder, [p.index for p in read], settings, execute, against)
        alarms = raise_alarm(found, settings.alarm, lambda line: progress.say(f"warning: {line}"))
        kind = id_type(types, columns.id)
        kept = _write_kept(folder, tasks, read, found, len(against), types, kind)
        quarantined = _write_quarantine(folder, read)
        receipts = found.receipts(kind)
        with folder.replacing(folder.root / "receipts.parquet") as temporary:
            pq.write_table(receipts, temporary, compression="zstd")
        counts = {
            **found.counts(),
            "entered": sum(part.rows for part in read),
            "quarantined": quarantined.total(),
        }
        if not counts["entered"] == kept + receipts.num_rows + counts["quarantined"]:
            raise ConservationError(
                f"{counts['entered']} rows were read, {kept} kept, {receipts.num_rows} removed and "
                f"{counts['quarantined']} quarantined"
            )
        _leave_manifest(folder, parts, settings, columns, counts, quarantined, alarms)
        sweep(folder)
    seconds = time.monotonic() - started
    return FilesResult(folder, counts, dict(sorted(quarantined.items())), seconds)


# --- writing -------------------------------------------------------------------------------


def _write_kept(
    folder: RunFolder,
    tasks: Sequence[PartTask],
    read: Sequence[SignedPart],
    found: Outcome,
    earlier_parts: int,
    types: pa.Schema,
    kind: pa.DataType,
) -> int:
    """Write what stays, in the order of the input; gives the number of rows."""
    own = pa.schema([field for field in types if field.name not in CLUSTER])
    schema = own.append(pa.field(CLUSTER[0], kind)).append(pa.field(CLUSTER[1], pa.int64()))
    kept = 0
    with (
        folder.replacing(folder.root / "kept.parquet") as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=3) as writer,
    ):
        for number, task in enumerate(tasks):
            fates = found.part(earlier_parts + number)
            numbers = np.fromfile(task.file("rows.i64"), np.int64)
            seen, damage = 0, list[str]()
            for batch in read_batches(task.part, own):
                if batch.errors:
                    damage.append(f"{batch.errors[0].place}: {batch.errors[0].error}")
                usable = np.isin(batch.numbers, numbers, assume_unique=True)
                places = np.searchsorted(numbers, batch.numbers[usable])
                seen += len(places)
                stays = np.zeros(len(usable), np.bool_)
                stays[usable] = ~fates.removed[places]
                rows = pa.array(places[~fates.removed[places]])
                table = pa.Table.from_batches([batch.rows.filter(pa.array(stays))])
                clusters = fates.cluster.take(rows).cast(kind)
                table = table.append_column(schema.field(-2), clusters)
                table = table.append_column(schema.field(-1), pa.array(fates.size).take(rows))
                writer.write_table(table)
                kept += table.num_rows
            _check_whole(task, read[number].index.rows, seen, damage)
    return kept


def _check_whole(task: PartTask, signed: int, seen: int, damage: Sequence[str]) -> None:
    if seen == signed:
        return
    path = task.part.path
    if damage:
        # Signing reads few columns; this is a fault in another one, found too late to set it apart.
        raise SourceError(
            f"{path}: {signed - seen} rows cannot be read whole ({damage[0]}); "
            "write the file again without the damage, or leave it out"
        )
    raise ConservationError(
        f"{path}: {signed} rows were signed, {seen} read again; was it changed meanwhile?"
    )


def _write_quarantine(folder: RunFolder, read: Sequence[SignedPart]) -> Counter[str]:
    counts: Counter[str] = Counter()
    with (
        folder.replacing(folder.root / "quarantine.parquet") as temporary,
        pq.ParquetWriter(temporary, QUARANTINE, compression="zstd") as writer,
    ):
        for part in read:
            faults = pq.read_table(part.faults, schema=QUARANTINE)
            for reason, rows in zip(
                faults["reason"].to_pylist(), faults["rows"].to_pylist(), strict=True
            ):
                counts[reason] += rows
            writer.write_table(faults)
    return counts


def _leave_manifest(
    folder: RunFolder,
    parts: Sequence[TablePart],
    settings: Dedup,
    columns: TableColumns,
    counts: dict[str, int],
    quarantined: Counter[str],
    alarms: Sequence[Any],
) -> None:
    manifest = {
        "gristmill": pipeline.__version__,
        "inputs": {path: {"bytes": stamp(path)[0]} for path in sorted({p.path for p in parts})},
        "columns": dataclasses.asdict(columns),
        "dedup": {
            "parameters": settings.describe(),
            "parts": len(parts),
            "counts": counts,
            "quarantined": dict(sorted(quarantined.items())),
            "alarms": [dataclasses.asdict(alarm) for alarm in alarms],
        },
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    folder.write_text(folder.manifest, text + "\n")


def _forget_surplus(folder: RunFolder, parts: int) -> None:
    for path in (*folder.splits.iterdir(), *index_folder(folder.root).glob("part-*")):
        if int(path.name.split(".")[0].removeprefix("part-")) >= parts:
            folder.remove(path)


def _check_columns(types: pa.Schema, columns: TableColumns, settings: Dedup, signed: int) -> None:
    for option, name in (("--id", columns.id), ("--text", columns.text)):
        if name not in types.names and not signed:
            raise ConfigError(
                f"no row has a column {name!r}; there are: {', '.join(types.names) or 'none'}. "
                f"Name it with {option}"
            )
    if settings.quality and settings.quality not in types.names:
        raise ConfigError(
            f"no row has the column {settings.quality!r} that --quality names; "
            f"there are: {', '.join(types.names)}"
        )

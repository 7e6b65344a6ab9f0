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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import pipeline
from pipeline.core.errors import ConfigError, ConservationError, SourceError
from pipeline.core.printable import printable
from pipeline.dedup.alarm import raise_alarm
from pipeline.dedup.entries import QUARANTINE, PartTask, SignedPart, TableColumns, sign_parts
from pipeline.dedup.index import forget_parts, open_indexes, part_number
from pipeline.dedup.outcome import CLUSTER, Outcome, id_type
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import deduplicate, sweep
from pipeline.runtime.executor import Executor
from pipeline.runtime.progress import Reporter, shown
from pipeline.runtime.storage import RunFolder
from pipeline.sources.columns import ColumnTypes, is_json_text, unify
from pipeline.sources.tables import TablePart, read_batches, stamp

__all__ = ["FilesResult", "TableColumns", "dedup_files"]

PRODUCTS = ("kept.parquet", "receipts.parquet", "quarantine.parquet")


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
        ConfigError: no row has the columns, an index in ``settings.against`` does not fit, or
            ``out`` is one of those or the output of a recipe.
        WipeOutAlarm: a source, file or domain would lose nearly everything; nothing was written.
        SourceError, StorageError, ConservationError: see `pipeline.core.errors`.
    """
    started = time.monotonic()
    columns = columns or TableColumns()
    _check_settings(out, settings, columns)
    against = open_indexes(settings.against, settings.signing)
    with RunFolder(out).create(kinds=()).lock() as folder, executor, progress:
        executor.needs(folder.state / "holder")
        folder.remove(folder.manifest)
        stamps = {part.path: stamp(part.path) for part in parts}
        files = len(stamps)
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
        if not types.names:
            types = pa.schema([(name, pa.large_string()) for name in (columns.id, columns.text)])
        progress.say(f"Deduplicating {signed:,} document{'s' * (signed != 1)}")
        found = deduplicate(folder, [p.index for p in read], settings, execute, against)
        for product in PRODUCTS:  # of an earlier run: if the alarm stops this one, none may stay
            folder.remove(folder.root / product)
        alarms = raise_alarm(found, settings.alarm, lambda line: progress.say(f"warning: {line}"))
        stored = _as_signed(types, columns)
        kind = id_type(stored, columns.id)
        kept = _write_kept(folder, tasks, read, found, len(against), types, stored, stamps)
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
    stored: pa.Schema,
    stamps: Mapping[str, tuple[int, int]],
) -> int:
    """Write what stays, in the order of the input; gives the number of rows.

    Args:
        types: with which every row can be read.
        stored: with which those that stay are written.
        stamps: of the files, as they were before they were signed.
    """
    own, plain = (
        pa.schema([field for field in fields if field.name not in CLUSTER])
        for fields in (types, stored)
    )
    kind = id_type(stored, tasks[0].columns.id)
    schema = plain.append(pa.field(CLUSTER[0], kind)).append(pa.field(CLUSTER[1], pa.int64()))
    kept = 0
    with (
        folder.replacing(folder.root / "kept.parquet") as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=3) as writer,
    ):
        for number, task in enumerate(tasks):
            fates = found.part(earlier_parts + number)
            numbers = np.fromfile(folder.here(task.file("rows.i64")), np.int64)
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
                table = _plain(batch.rows.filter(pa.array(stays)), plain, read[number].types)
                clusters = fates.cluster.take(rows).cast(kind)
                table = table.append_column(schema.field(-2), clusters)
                table = table.append_column(schema.field(-1), pa.array(fates.size).take(rows))
                writer.write_table(table)
                kept += table.num_rows
            if stamp(task.part.path) != stamps[task.part.path]:
                raise SourceError(
                    f"{task.part.path}: was changed while it was read; run the same command again"
                )
            _check_whole(task, read[number].index.rows, seen, damage)
    return kept


def _as_signed(types: pa.Schema, columns: TableColumns) -> pa.Schema:
    """``types`` with the types that ids and texts have once unusable rows are out.

    One row whose text is a number makes the column JSON text, one whose id has a fraction makes
    it float64; but such rows are quarantined, and the others' values are to stay as they are.
    """
    fields = []
    for field in types:
        if field.name in (columns.id, columns.text) and is_json_text(field):
            field = pa.field(field.name, pa.large_string())
        elif field.name == columns.id and pa.types.is_floating(field.type):
            field = pa.field(field.name, pa.int64())
        fields.append(field)
    return pa.schema(fields)


def _plain(rows: pa.RecordBatch, schema: pa.Schema, types: ColumnTypes) -> pa.Table:
    """Usable rows of one part, of ``types``, with the ids and texts of ``schema``."""
    table = pa.Table.from_batches([rows])
    for at, (given, wanted) in enumerate(zip(rows.schema, schema, strict=True)):
        if given.equals(wanted, check_metadata=True):
            continue
        column = table.column(at)
        if is_json_text(given) and not types.has_json_text(wanted.name):
            column = pa.array([str(json.loads(value)) for value in column.to_pylist()], wanted.type)
        table = table.set_column(at, wanted, column.cast(wanted.type))
    return table


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
    raise ConservationError(f"{path}: {signed} rows were signed, {seen} read again")


def _write_quarantine(folder: RunFolder, read: Sequence[SignedPart]) -> Counter[str]:
    counts: Counter[str] = Counter()
    with (
        folder.replacing(folder.root / "quarantine.parquet") as temporary,
        pq.ParquetWriter(temporary, QUARANTINE, compression="zstd") as writer,
    ):
        for part in read:
            faults = pq.read_table(folder.here(part.faults), schema=QUARANTINE)
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
        "inputs": {
            path: {"bytes": stamp(path)[0], "parts": cuts}
            for path, cuts in sorted(Counter(part.path for part in parts).items())
        },
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
    forget_parts(folder, parts)
    for path in folder.children(folder.splits):
        if part_number(path) >= parts:
            folder.remove(path)


def _check_settings(out: Path, settings: Dedup, columns: TableColumns) -> None:
    for option, name in (("--id", columns.id), ("--text", columns.text)):
        if name in CLUSTER:
            raise ConfigError(
                f"{option} {name}: kept.parquet has a column of this name for the clusters; "
                "rename that of the input"
            )
    if out.resolve() in (Path(root).resolve() for root in settings.against):
        raise ConfigError(
            f"--against {out} is the output folder, too: all would be copies of themselves; "
            "give another with --out"
        )
    if (out / "records").is_dir():
        raise ConfigError(f"{out} holds the run of a recipe; give another folder with --out")


def _check_columns(types: pa.Schema, columns: TableColumns, settings: Dedup, signed: int) -> None:
    present = printable(", ".join(types.names)) or "none"
    for option, name in (("--id", columns.id), ("--text", columns.text)):
        if types.names and name not in types.names and not signed:
            raise ConfigError(
                f"no row has a column {name!r}; there are: {present}. Name it with {option}"
            )
    if not settings.quality:
        return
    if settings.quality not in types.names:
        raise ConfigError(
            f"no row has the column {settings.quality!r} that --quality names; there are: {present}"
        )
    field = types.field(settings.quality)
    if pa.types.is_large_string(field.type) and not is_json_text(field):
        raise ConfigError(f"the column {settings.quality!r} that --quality names holds no number")

"""Deduplication of files: JSON lines or Parquet with an id and a text, without a recipe.

    OUT/kept.parquet        what stays: every column of the input, ``cluster`` and ``cluster_size``
    OUT/receipts.parquet    what goes: ``removed``, ``kept``, ``similarity``, ``buckets``, ``rule``
    OUT/quarantine.parquet  rows that could not be read, or have no usable id or text
    OUT/dedup/index/        signatures, for later runs ``against`` this one
    OUT/manifest.json       settings and counts, written last

Rows in = kept + removed + quarantined, and it is checked.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import pipeline
from pipeline.core.errors import ConfigError, ConservationError
from pipeline.dedup.alarm import raise_alarm
from pipeline.dedup.index import Entry, IndexPart, index_folder, open_index, write_part
from pipeline.dedup.outcome import CLUSTER, Outcome
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import Execute, deduplicate, sweep
from pipeline.runtime.executor import Executor, Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.progress import Reporter
from pipeline.runtime.storage import RunFolder
from pipeline.sources.columns import ColumnTypes, unify
from pipeline.sources.tables import TablePart, TableRow, read_batches, read_rows, stamp

__all__ = ["FilesResult", "TableColumns", "dedup_files"]

QUARANTINE = pa.schema(
    [
        ("file", pa.string()),
        ("number", pa.int64()),  # byte of a line, row of a Parquet file
        ("id", pa.string()),
        ("reason", pa.string()),
        ("error", pa.string()),
        ("rows", pa.int64()),
    ]
)
REPEATED = "id.repeated"


@dataclasses.dataclass(frozen=True)
class TableColumns:
    """Which columns hold what. ``url``, ``date`` and ``source`` are used where there are any."""

    id: str = "id"
    text: str = "text"
    url: str = "url"
    date: str = "date"
    source: str = "source"


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
    with RunFolder(out).create(kinds=()).lock() as folder, executor:
        folder.remove(folder.manifest)
        columns = columns or TableColumns()
        several = len({part.path for part in parts}) > 1
        tasks = [
            _Task(folder, number, part, columns, settings, several)
            for number, part in enumerate(parts)
        ]
        _forget_surplus(folder, len(parts))
        progress.say(f"Signing {len({part.path for part in parts}):,} files")
        read = _read_all(tasks, executor.run)
        types = unify(part.types for part in read)
        signed = sum(part.index.rows for part in read)
        _check_columns(types, columns, settings, signed)
        progress.say(f"Deduplicating {signed:,} documents")
        found = deduplicate(folder, [p.index for p in read], settings, executor.run, against)
        alarms = raise_alarm(found, settings.alarm, lambda line: progress.say(f"warning: {line}"))
        kept = _write_kept(folder, tasks, read, found, len(against), types)
        quarantined = _write_quarantine(folder, read)
        receipts = _in_type_of(found.receipts(), types, columns.id)
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


# --- reading and signing -------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Task:
    folder: RunFolder
    number: int
    part: TablePart
    columns: TableColumns
    settings: Dedup
    several: bool  # more than one file: a file counts as a source
    skip: frozenset[int] = frozenset()  # rows whose id repeats

    @property
    def stamp(self) -> str:
        """Names all that the part's signatures depend on."""
        part = dataclasses.astuple(self.part)
        wanted = [dataclasses.astuple(self.columns), self.settings.quality, self.several]
        return fingerprint(part, stamp(self.part.path), wanted, sorted(self.skip))

    def file(self, kind: str) -> Path:
        return self.folder.splits / f"{self.number:05d}.{kind}"


@dataclasses.dataclass(frozen=True)
class _Read:
    """What came of one part: its index part, its columns, rows read and rows that cannot be used."""

    index: IndexPart
    types: ColumnTypes
    rows: int
    faults: Path


def _read_all(tasks: Sequence[_Task], execute: Execute) -> list[_Read]:
    """Every part signed; where ids repeat, again without the rows that lose theirs."""
    read: dict[int, _Read] = dict(execute(_read, tasks))
    skipping = [
        dataclasses.replace(tasks[number], skip=frozenset(rows))
        for number, rows in _repeats([read[number] for number in range(len(tasks))], tasks)
    ]
    for position, part in execute(_read, skipping) if skipping else ():
        read[skipping[position].number] = part
    return [read[number] for number in range(len(tasks))]


def _read(task: _Task, tick: Tick) -> _Read:
    home = index_folder(task.folder.root)
    index = IndexPart.read(home, task.number)
    if (
        index is not None
        and index.stamp == task.stamp
        and index.signing == task.settings.signing.parameters()
        and index.damaged() is None
        and task.file("json").exists()
    ):
        types, rows = _types_from(json.loads(task.file("json").read_text(encoding="utf-8")))
        return _Read(index, types, rows, task.file("faults.parquet"))
    task.folder.remove(task.file("json"))
    types = ColumnTypes()
    reader = _Reader(task, types)
    index = write_part(
        task.folder, task.number, reader.entries(), task.settings.signing, task.stamp
    )
    with task.folder.replacing(task.file("rows.i64")) as temporary:
        np.array(reader.numbers, np.int64).tofile(temporary)
    with task.folder.replacing(task.file("faults.parquet")) as temporary:
        pq.write_table(pa.Table.from_pylist(reader.faults, schema=QUARANTINE), temporary)
    plain = _types_to(types, reader.rows)
    task.folder.write_text(task.file("json"), json.dumps(plain, sort_keys=True))
    return _Read(index, types, reader.rows, task.file("faults.parquet"))


class _Reader:
    """The usable rows of a part as entries; the others as faults."""

    def __init__(self, task: _Task, types: ColumnTypes):
        self._task, self._types = task, types
        self.numbers: list[int] = []
        self.faults: list[dict[str, Any]] = []
        self.rows = 0

    def entries(self) -> Iterator[Entry]:
        task, columns = self._task, self._task.columns
        wanted = [*dataclasses.astuple(columns), task.settings.quality]
        default = task.part.path if task.several else ""
        for row in read_rows(task.part, list(dict.fromkeys(filter(None, wanted))), self._types):
            self.rows += row.lost
            if row.values is None:
                self._fault(row, row.reason, row.error)
                continue
            identity, text = row.values.get(columns.id), row.values.get(columns.text)
            if not isinstance(identity, str | int) or isinstance(identity, bool):
                self._fault(row, "id.missing" if identity is None else "id.type", columns.id)
            elif not isinstance(text, str):
                self._fault(row, "text.missing" if text is None else "text.type", columns.text)
            elif row.number in task.skip:
                error = "the id of another row, too; the row whose text hash is smaller has it"
                self._fault(row, REPEATED, error)
            else:
                self.numbers.append(row.number)
                yield Entry(
                    id=str(identity),
                    text=text,
                    url=_string(row.values.get(columns.url)),
                    date=row.values.get(columns.date),
                    source=_string(row.values.get(columns.source)) or default,
                    quality=_number(row.values.get(task.settings.quality)),
                )

    def _fault(self, row: TableRow, reason: str | None, error: str | None) -> None:
        identity = (row.values or {}).get(self._task.columns.id)
        self.faults.append(
            {
                "file": row.path,
                "number": row.number,
                "id": str(identity) if isinstance(identity, str | int) else None,
                "reason": reason,
                "error": error,
                "rows": row.lost,
            }
        )


def _repeats(read: Sequence[_Read], tasks: Sequence[_Task]) -> Iterator[tuple[int, list[int]]]:
    """Parts, and in each the rows whose id another row has with a smaller text hash."""
    tables = [part.index.documents(["id"]) for part in read]
    ids = pa.concat_tables(tables)["id"].combine_chunks() if tables else pa.array([], pa.string())
    order = pc.sort_indices(ids)
    ordered = ids.take(order)
    same = np.zeros(len(ids) + 1, np.bool_)
    same[1:-1] = pc.equal(ordered[1:], ordered[:-1]).to_numpy(zero_copy_only=False)
    if not same.any():
        return
    hashes = np.concatenate([part.index.text_hashes for part in read])
    rows = order.to_numpy()
    lost = []
    for first in np.flatnonzero(~same[:-1] & same[1:]).tolist():
        last = first + 1
        while same[last]:
            last += 1
        group = sorted(rows[first:last].tolist(), key=lambda row: (*hashes[row].tolist(), row))
        lost += group[1:]
    begins = np.cumsum([0, *(part.index.rows for part in read)])
    for number, task in enumerate(tasks):
        mine = [row - begins[number] for row in lost if begins[number] <= row < begins[number + 1]]
        if mine:
            numbers = np.fromfile(task.file("rows.i64"), np.int64)
            yield number, numbers[mine].tolist()


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


# --- writing -------------------------------------------------------------------------------


def _write_kept(
    folder: RunFolder,
    tasks: Sequence[_Task],
    read: Sequence[_Read],
    found: Outcome,
    earlier_parts: int,
    types: pa.Schema,
) -> int:
    """Write what stays, in the order of the input; gives the number of rows."""
    own = pa.schema([field for field in types if field.name not in CLUSTER])
    schema = own.append(pa.field(CLUSTER[0], pa.string())).append(pa.field(CLUSTER[1], pa.int64()))
    kept = 0
    with (
        folder.replacing(folder.root / "kept.parquet") as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=3) as writer,
    ):
        for number, task in enumerate(tasks):
            fates = found.part(earlier_parts + number)
            numbers = np.fromfile(task.file("rows.i64"), np.int64)
            seen = 0
            for batch in read_batches(task.part, own):
                places = np.searchsorted(numbers, batch.numbers)
                usable = numbers[np.minimum(places, len(numbers) - 1)] == batch.numbers
                if not len(numbers):
                    usable = np.zeros(len(batch.numbers), np.bool_)
                seen += int(usable.sum())
                stays = usable.copy()
                stays[usable] = ~fates.removed[places[usable]]
                rows = pa.array(places[stays])
                table = pa.Table.from_batches([batch.rows.filter(pa.array(stays))])
                table = table.append_column(
                    schema.field(-2), fates.cluster.take(rows).cast("string")
                )
                table = table.append_column(schema.field(-1), pa.array(fates.size).take(rows))
                writer.write_table(table)
                kept += table.num_rows
            if seen != read[number].index.rows:
                raise ConservationError(
                    f"{task.part.path}: {read[number].index.rows} rows were signed, {seen} read "
                    "again; was it changed meanwhile?"
                )
    return kept


def _write_quarantine(folder: RunFolder, read: Sequence[_Read]) -> Counter[str]:
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


def _in_type_of(receipts: pa.Table, types: pa.Schema, column: str) -> pa.Table:
    """Receipts name documents as the input does: by number, if its ids are numbers."""
    kind = types.field(column).type if column in types.names else pa.string()
    if not pa.types.is_integer(kind):
        return receipts
    for place, name in ((0, "removed"), (1, "kept")):
        try:
            receipts = receipts.set_column(place, name, receipts[name].cast(kind))
        except pa.ArrowInvalid:  # an earlier run's ids are no numbers
            return receipts
    return receipts


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


# --- plain forms ---------------------------------------------------------------------------


def _types_to(types: ColumnTypes, rows: int) -> dict[str, Any]:
    fields = [pa.field(name, kind) for name, kinds in types.stored.items() for kind in kinds]
    schema = base64.b64encode(pa.schema(fields).serialize().to_pybytes()).decode()
    return {"kinds": types.kinds, "order": list(types.kinds), "stored": schema, "rows": rows}


def _types_from(plain: dict[str, Any]) -> tuple[ColumnTypes, int]:
    stored: dict[str, list[pa.DataType]] = {}
    schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(plain["stored"])))
    for field in schema:
        stored.setdefault(field.name, []).append(field.type)
    return ColumnTypes({name: plain["kinds"][name] for name in plain["order"]}, stored), plain[
        "rows"
    ]


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None

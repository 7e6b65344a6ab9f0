"""Rows of files as entries of an index: read, signed, and the unusable ones noted with their reason.

A part that was signed before is taken as it is, if its input and what was asked of it are the same
and its bytes are whole.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.dedup.index import DOCUMENTS, Entry, IndexPart, whole_part, write_part
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import Execute
from pipeline.runtime.executor import Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.storage import RunFolder
from pipeline.sources.columns import ColumnTypes
from pipeline.sources.tables import TablePart, TableRow, read_rows, stamp

__all__ = ["QUARANTINE", "PartTask", "SignedPart", "TableColumns", "sign_parts"]

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
class PartTask:
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
class SignedPart:
    """What came of one part: its index part, its columns, rows read and rows that cannot be used."""

    index: IndexPart
    types: ColumnTypes
    rows: int
    faults: Path


def sign_parts(tasks: Sequence[PartTask], execute: Execute) -> list[SignedPart]:
    """Every part signed; where ids repeat, again without the rows that lose theirs."""
    read: dict[int, SignedPart] = dict(execute(_sign, tasks))
    skipping = [
        dataclasses.replace(tasks[number], skip=frozenset(rows))
        for number, rows in _repeats([read[number] for number in range(len(tasks))], tasks)
    ]
    for position, part in execute(_sign, skipping) if skipping else ():
        read[skipping[position].number] = part
    return [read[number] for number in range(len(tasks))]


def _sign(task: PartTask, tick: Tick) -> SignedPart:
    index = whole_part(task.folder, task.number, task.settings.signing, task.stamp)
    if index is not None and all(
        task.folder.exists(task.file(kind)) for kind in ("json", "rows.i64", "faults.parquet")
    ):
        types, rows = _types_from(json.loads(task.folder.read_text(task.file("json"))))
        return SignedPart(index, types, rows, task.file("faults.parquet"))
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
    return SignedPart(index, types, reader.rows, task.file("faults.parquet"))


class _Reader:
    """The usable rows of a part as entries; the others as faults."""

    def __init__(self, task: PartTask, types: ColumnTypes):
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


def _repeats(
    read: Sequence[SignedPart], tasks: Sequence[PartTask]
) -> Iterator[tuple[int, list[int]]]:
    """Parts, and in each the rows whose id another row has with a smaller text hash."""
    documents = pa.concat_tables(
        [part.index.documents() for part in read] or [DOCUMENTS.empty_table()]
    )
    ids = documents["id"].combine_chunks()
    order = pc.sort_indices(ids).to_numpy()
    ordered = ids.take(pa.array(order))
    same = np.zeros(len(ids) + 1, np.bool_)
    same[1:-1] = pc.equal(ordered[1:], ordered[:-1]).to_numpy(zero_copy_only=False)
    if not same.any():
        return
    repeated = same[:-1] | same[1:]
    rows = order[repeated].astype(np.int64)
    hashes = np.concatenate([part.index.text_hashes for part in read])[rows]
    # Equal hashes do not make equal rows: what keeper rules look at decides before the place.
    table = documents.take(pa.array(rows)).drop_columns("id")
    columns = {
        "same": np.cumsum(~same[:-1])[repeated],
        "text": hashes[:, 0],
        "text_": hashes[:, 1],
        **dict(zip(table.column_names, table.columns, strict=True)),
        "row": rows,
    }
    keys = pa.table(columns)
    best = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names])
    group = keys["same"].take(best).to_numpy()
    lost = np.sort(rows[best.to_numpy()[1:][group[1:] == group[:-1]]])
    begins = np.cumsum([0, *(part.index.rows for part in read)])
    for number, task in enumerate(tasks):
        first, last = np.searchsorted(lost, begins[number : number + 2])
        if first < last:
            numbers = np.fromfile(task.folder.here(task.file("rows.i64")), np.int64)
            yield number, numbers[lost[first:last] - begins[number]].tolist()


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

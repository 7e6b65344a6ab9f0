"""Labelled texts from files and datasets of every kind, as one table of examples.

One bad row costs one row, and is counted with its reason; what is wrong with a whole input is an
error that names the input and the mend.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from pipeline.core.errors import ConfigError, ConservationError, RecordError
from pipeline.core.printable import printable
from pipeline.labelled.delimited import delimited_rows
from pipeline.labelled.fasttext_lines import fasttext_rows
from pipeline.labelled.hub import class_names, hub_rows, named
from pipeline.labelled.inputs import DELIMITED, FASTTEXT, HUB, HUB_PREFIX, Found, Input, find_inputs
from pipeline.labelled.rows import GROUP, LABEL, PLACE, TEXT, Columns, Row, Rows
from pipeline.labelled.text_lines import TextEncoding
from pipeline.labelled.values import domain_of, group_of, label_of, slice_of, text_of
from pipeline.sources.columns import ColumnTypes
from pipeline.sources.parquet import open_parquet
from pipeline.sources.table_rows import PARQUET, ending_of
from pipeline.sources.tables import plan_tables, read_rows

__all__ = ["Labelled", "RowFault", "read_labelled", "schema_of"]

FAULTS_SHOWN = 10  # of each reason
CHUNK_ROWS, CHUNK_CHARACTERS = 1 << 16, 64 << 20


class RowFault(NamedTuple):
    """A row that could not be used: where it is, the slug of what is wrong, and that for a person."""

    place: str
    reason: str
    message: str


@dataclasses.dataclass(frozen=True)
class Labelled:
    """What was read.

    Args:
        table: ``text: large_string``, ``label``, ``group``, ``place: string``, then the slices, all
            strings and none null. ``group`` is empty for a row that has none, ``place`` is file
            and line, byte or row. Rows stand in the order of the files' names, then as stored.
        faults: the first rows of each reason that could not be used.
        counts: rows ``read``, ``used``, and left out by reason (``faults``).
        notes: what a person should know though it stops nothing.
    """

    table: pa.Table
    faults: list[RowFault]
    counts: dict[str, Any]
    notes: tuple[str, ...] = ()


def schema_of(slices: Iterable[str] = ()) -> pa.Schema:
    """The columns of a table of examples."""
    fields = [(TEXT, pa.large_string()), (LABEL, pa.string()), (GROUP, pa.string())]
    return pa.schema([*fields, (PLACE, pa.string()), *((name, pa.string()) for name in slices)])


def read_labelled(
    inputs: Iterable[str | os.PathLike[str] | Input],
    columns: Columns | None = None,
    *,
    encoding: str = "utf-8",
) -> Labelled:
    """Read labelled texts.

    JSON lines (plain, gzip, zstd), Parquet, CSV and TSV with a header, fastText's format
    (``.fasttext``, ``.txt``) and Hugging Face datasets; ``LABEL=PATH`` gives all rows of an input
    one label, whatever its columns say. See `pipeline.labelled.inputs.find_inputs`.

    Args:
        inputs: what to read.
        columns: what its columns are called; `Columns`' defaults if None.
        encoding: of CSV, TSV and fastText files. JSON lines are UTF-8, by their definition.

    Raises:
        ConfigError: no input; a column that no row of an input has; labels that are missing
            altogether; no usable row at all.
        SourceError: an input that is missing, empty, or not what its ending says.
    """
    columns = columns or Columns()
    decoder = TextEncoding(encoding)
    reader = _Reader(columns)
    for found in find_inputs(inputs):
        reader.take_in(found, _open(found, columns, decoder))
    return reader.finish()


class _Reader:
    """Takes in one input after the other and keeps the account."""

    def __init__(self, columns: Columns):
        self._columns = columns
        self._builder = _Builder(schema_of(columns.slices))
        self._faults: dict[str, list[RowFault]] = {}
        self._reasons: Counter[str] = Counter()
        self._read = 0
        self._notes: list[str] = []
        self._lacking: dict[str, list[str]] = {}  # columns one can do without, by input
        self._inputs = 0

    def take_in(self, found: Found, rows: Rows) -> None:
        name = HUB_PREFIX + found.path if found.kind == HUB else found.path
        if rows.known:
            self._check_columns(name, found.label, rows)
        read_before, used_before = self._read, self._builder.rows
        reasons_before, readable = self._reasons.copy(), False
        for row in rows.rows:
            self._read += row.lost
            if row.values is None:
                self._fault(RowFault(row.place, row.reason, row.message), row.lost)
                continue
            readable = True
            try:
                self._builder.add(_example(row.values, found.label, row.place, self._columns))
            except RecordError as error:
                self._fault(RowFault(row.place, error.reason, error.message))
        if readable:
            self._check_columns(name, found.label, rows)
        self._inputs += 1
        for column in (self._columns.group_column, *self._columns.slices):
            if column and column not in rows.names:
                self._lacking.setdefault(column, []).append(name)
        read = self._read - read_before
        undecoded = sum(
            self._reasons[reason] - reasons_before[reason]
            for reason in ("table.utf8", "table.encoding")
        )
        if undecoded and found.kind in (DELIMITED, FASTTEXT):
            self._notes.append(
                f"{undecoded:,} of {read:,} rows of {name} are left out, since their bytes are of "
                "another encoding; if it is the whole file's, name it with --encoding "
                "(cp1252, latin-1 …)"
            )
        elif self._builder.rows == used_before:
            self._notes.append(f"{name}: none of its {read:,} rows can be used")

    def finish(self) -> Labelled:
        used, left_out = self._builder.rows, self._reasons.total()
        if self._read != used + left_out:
            raise ConservationError(
                f"{self._read} rows were read, {used} used and {left_out} left out"
            )
        if not used:
            first = next((fault for faults in self._faults.values() for fault in faults), None)
            why = ", ".join(
                f"{reason} {count:,}" for reason, count in sorted(self._reasons.items())
            )
            shown = "" if first is None else f"; the first: {first.place}: {first.message}"
            raise ConfigError(
                f"none of the {self._read:,} rows can be used ({why or 'the inputs have no row'}"
                f"){printable(shown)}"
            )
        for column, names in self._lacking.items():
            self._settle(column, names)
        counts = {
            "read": self._read,
            "used": used,
            "faults": dict(sorted(self._reasons.items())),
        }
        faults = [fault for _, found in sorted(self._faults.items()) for fault in found]
        return Labelled(self._builder.table(), faults, counts, tuple(self._notes))

    def _fault(self, fault: RowFault, rows: int = 1) -> None:
        self._reasons[fault.reason] += rows
        shown = self._faults.setdefault(fault.reason, [])
        if len(shown) < FAULTS_SHOWN:
            shown.append(RowFault(*map(printable, fault)))

    def _check_columns(self, name: str, label: str | None, rows: Rows) -> None:
        there = printable(", ".join(map(repr, rows.names))) or "none"
        if self._columns.text not in rows.names:
            raise ConfigError(
                f"{name}: no column {self._columns.text!r} for the texts; there are: {there}. "
                f"Name it with --text{_hint(rows)}"
            )
        if label is None and self._columns.label not in rows.names:
            raise ConfigError(
                f"{name}: no column {self._columns.label!r} for the labels; there are: {there}. "
                "Name it with --label, or give all rows of the input one label: "
                f"LABEL={name}{_hint(rows)}"
            )

    def _settle(self, column: str, names: list[str]) -> None:
        is_group = column == self._columns.group_column
        option = "--group" if is_group else "--slice"
        if len(names) == self._inputs:
            raise ConfigError(f"no input has the column {column!r} that {option} names")
        effect = "each row is a group of its own" if is_group else "it counts as empty"
        self._notes.append(f"no column {column!r} in {', '.join(names)}: there {effect}")


class _Builder:
    """Rows to Arrow, chunk by chunk, so that only one chunk is ever held as Python objects."""

    def __init__(self, schema: pa.Schema):
        self._schema = schema
        self._columns: list[list[str]] = [[] for _ in schema]
        self._characters = 0
        self._done: list[pa.RecordBatch] = []
        self.rows = 0

    def add(self, example: tuple[str, ...]) -> None:
        for column, value in zip(self._columns, example, strict=True):
            column.append(value)
            self._characters += len(value)
        self.rows += 1
        if len(self._columns[0]) >= CHUNK_ROWS or self._characters >= CHUNK_CHARACTERS:
            self._flush()

    def table(self) -> pa.Table:
        self._flush()
        return pa.Table.from_batches(self._done, self._schema)

    def _flush(self) -> None:
        if not self._columns[0]:
            return
        arrays = [
            pa.array(column, field.type)
            for column, field in zip(self._columns, self._schema, strict=True)
        ]
        self._done.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._columns = [[] for _ in self._schema]
        self._characters = 0


def _example(
    values: Mapping[str, Any], label: str | None, place: str, columns: Columns
) -> tuple[str, ...]:
    text = text_of(values.get(columns.text))
    if label is None:
        label = label_of(values.get(columns.label))
    group = ""
    if columns.group:
        convert = domain_of if columns.group_is_domain else group_of
        group = convert(values.get(columns.group_column))
    slices = [slice_of(values.get(name)) for name in columns.slices]
    return (text, label, group, place, *slices)


def _open(found: Found, columns: Columns, encoding: TextEncoding) -> Rows:
    if found.kind == HUB:
        return hub_rows(found.path, columns.wanted)
    if found.kind == FASTTEXT:
        return fasttext_rows(found.path, columns, encoding)
    if found.kind == DELIMITED:
        delimiter = "\t" if found.path.lower().endswith(".tsv") else ","
        return delimited_rows(found.path, delimiter, columns.wanted, encoding)
    parts = plan_tables([found.path])
    names: list[str] | None = None
    classes: dict[str, list[str]] = {}
    if ending_of(found.path) == PARQUET:
        with open_parquet(found.path) as file:
            names = file.schema_arrow.names
            classes = class_names(file.schema_arrow.metadata)
    types = ColumnTypes()

    def rows() -> Iterator[Row]:
        for part in parts:
            for row in read_rows(part, columns.wanted, types):
                if row.values is None:
                    yield Row(row.place, None, row.reason or "", row.error or "", row.lost)
                else:
                    yield Row(row.place, named(row.values, classes))

    return Rows(types.kinds if names is None else names, rows(), names is not None)


def _hint(rows: Rows) -> str:
    """What may be wrong with a header of one field."""
    only = next(iter(rows.names), "") if len(rows.names) == 1 else ""
    sign = next((sign for sign in (";", "\t", "|", ",") if sign in only), None)
    return "" if sign is None else f"; its fields seem to be parted by {sign!r}: convert the file"

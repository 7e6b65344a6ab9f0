"""Parquet as a table: row groups to rows and batches; a broken group costs its rows."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import RecordError, SourceError
from pipeline.sources.columns import EXACT, ColumnTypes, to_python
from pipeline.sources.inputs import open_input
from pipeline.sources.table_rows import TableBatch, TablePart, TableRow, fault

__all__ = ["open_parquet", "parquet_batches", "parquet_rows"]

BATCH_ROWS, BATCH_BYTES = 1024, 8 << 20


@contextlib.contextmanager
def open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    with contextlib.ExitStack() as stack:
        local = os.path.isabs(path)
        source = path if local else stack.enter_context(open_input(path))[0]
        try:
            table = pq.ParquetFile(
                source, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True
            )
            _ = table.schema_arrow.names  # decodes them
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise SourceError(
                f"{path}: cannot be read as Parquet ({error}); write it again or leave it out"
            ) from error
        yield stack.enter_context(table)


def parquet_rows(
    part: TablePart, columns: Sequence[str] | None, types: ColumnTypes | None
) -> Iterator[TableRow]:
    with open_parquet(part.path) as table:
        if types is not None:
            _observe(part, table, types)
        for batch in parquet_batches(part, table, columns):
            names = batch.rows.schema.names
            lists = [to_python(column) for column in batch.rows.columns]
            records = zip(*lists, strict=True) if lists else itertools.repeat(())
            rows = [
                TableRow(part.path, number, dict(zip(names, record, strict=True)))
                for number, record in zip(batch.numbers.tolist(), records, strict=False)
            ]
            if batch.errors:
                rows = sorted([*rows, *batch.errors], key=lambda row: row.number)
            yield from rows


def parquet_batches(
    part: TablePart, table: pq.ParquetFile, columns: Sequence[str] | None
) -> Iterator[TableBatch]:
    """Batches in the file's own schema; after the rows of a broken group, one of its error."""
    schema, metadata = table.schema_arrow, table.metadata
    if part.end > table.num_row_groups:
        raise SourceError(f"{part.path}: has fewer row groups than before; was it changed?")
    names = [name for name in schema.names if columns is None or name in columns]
    groups = [metadata.row_group(group) for group in range(part.end)]
    first = sum(group.num_rows for group in groups[: part.start])
    for index in range(part.start, part.end):
        rows, size = groups[index].num_rows, groups[index].total_byte_size
        batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(size, 1)))
        done, why = 0, "they are missing"
        try:
            for batch in table.iter_batches(batch_rows, [index], names, use_threads=False):
                # A struct's name reaches columns, too, that have it and a dot in their own.
                yield _sound(part, first + done, batch.select(names))
                done += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise SourceError(f"{part.path}: cannot be read: {error}") from error
            why = str(error)
        if done < rows:
            message = f"{rows - done} of the {rows} rows of row group {index} are lost: {why}"
            error_row = fault(
                part, first + done, RecordError("table.row_group", message), rows - done
            )
            none = pa.RecordBatch.from_pylist([], schema=schema).select(names)
            yield TableBatch(part.path, np.empty(0, np.int64), none, (error_row,))
        first += rows


def _sound(part: TablePart, first: int, batch: pa.RecordBatch) -> TableBatch:
    """The rows that can be used. Arrow reads strings from Parquet without a look at them."""
    numbers = np.arange(first, first + batch.num_rows)
    try:
        batch.validate(full=True)
        return TableBatch(part.path, numbers, batch)
    except pa.ArrowInvalid:
        sound, errors = np.ones(batch.num_rows, bool), []
    for at in range(batch.num_rows):
        try:
            batch.slice(at, 1).validate(full=True)
        except pa.ArrowInvalid as error:
            sound[at] = False
            errors.append(fault(part, first + at, RecordError("table.utf8", str(error))))
    return TableBatch(part.path, numbers[sound], batch.filter(pa.array(sound)), tuple(errors))


def _observe(part: TablePart, table: pq.ParquetFile, types: ColumnTypes) -> None:
    leaves = [table.schema.column(leaf).path for leaf in range(len(table.schema))]
    for field in table.schema_arrow:
        exact = False
        if pa.types.is_integer(field.type) and leaves.count(field.name) == 1:
            leaf = leaves.index(field.name)
            exact = all(
                _is_exact(table.metadata.row_group(group).column(leaf).statistics)
                for group in range(part.start, part.end)
            )
        types.observe_field(field, exact)


def _is_exact(statistics: Any) -> bool:
    """Whether float64 holds every whole number of a column chunk, as far as is recorded."""
    if statistics is None or not statistics.has_min_max:
        return statistics is not None and bool(statistics.num_values == 0)
    return bool(statistics.min >= -EXACT and statistics.max <= EXACT)

"""Rows of a part of a corpus as they are stored, in the columns of an output, each with its document.

What is stored by column is copied as it is, without a detour over Python.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from pipeline.sources.columns import to_arrow, to_python
from pipeline.sources.corpus import (
    CorpusColumns,
    CorpusPart,
    CorpusRow,
    batch_rows,
    document_of,
    read_values,
)
from pipeline.sources.corpus_rows import id_text
from pipeline.sources.hub import DatasetPart, dataset_batches
from pipeline.sources.parquet import BATCH_BYTES, BATCH_ROWS, open_parquet, parquet_batches
from pipeline.sources.table_rows import PARQUET, TableBatch, TablePart, ending_of

__all__ = ["Piece", "read_pieces"]


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a part.

    Args:
        rows: in all columns of the input.
        documents: of each of ``rows``; with a fault where it is none.
        lost: faults that have no row here.
    """

    rows: pa.RecordBatch
    documents: list[CorpusRow]
    lost: list[CorpusRow]


def read_pieces(part: CorpusPart, columns: CorpusColumns, schema: pa.Schema) -> Iterator[Piece]:
    """Every row of a part, once; in a piece rows and documents are in the order stored.

    Args:
        part: from `plan_corpus`.
        columns: their names.
        schema: what the rows are to be given in, from `pipeline.sources.cleaned.cleaned_schema`.
            Rows that are stored by column keep their own, but for ids that are text in ``schema``.

    Raises:
        SourceError: the input can no longer be read, or has changed.
    """
    batches = _columnar(part)
    if batches is None:
        yield from _from_values(part, columns, schema)
        return
    for batch in batches:
        sound = dataclasses.replace(batch, errors=())
        yield Piece(
            _with_text_ids(batch.rows, columns, schema),
            [document_of(part, row, columns) for row in batch_rows(sound, columns.wanted)],
            [document_of(part, error, columns) for error in batch.errors],
        )


def _columnar(part: CorpusPart) -> Iterator[TableBatch] | None:
    """Batches of what is stored by column, so that it is copied as it is; None for other parts."""
    source = part.source
    if isinstance(source, DatasetPart):
        return dataset_batches(source)
    if isinstance(source, TablePart) and ending_of(source.path) == PARQUET:
        return _parquet(source)
    return None


def _parquet(source: TablePart) -> Iterator[TableBatch]:
    with open_parquet(source.path) as table:
        yield from parquet_batches(source, table, None)


def _from_values(part: CorpusPart, columns: CorpusColumns, schema: pa.Schema) -> Iterator[Piece]:
    documents: list[CorpusRow] = []
    lost: list[CorpusRow] = []
    held: list[Mapping[str, Any]] = []
    size = 0
    for document, values in read_values(part, columns):
        if document.fault:
            lost.append(document)
        else:
            documents.append(document)
            held.append(_text_ids(values, columns, schema))
            strings = sum(len(value) for value in values.values() if isinstance(value, str))
            size += max(strings, len(document.text or ""))
        if len(documents) + len(lost) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield Piece(to_arrow(held, schema), documents, lost)
            documents, lost, held, size = [], [], [], 0
    yield Piece(to_arrow(held, schema), documents, lost)


def _text_ids(
    values: Mapping[str, Any], columns: CorpusColumns, schema: pa.Schema
) -> Mapping[str, Any]:
    mixed = {
        name: _id(values[name]) for name in columns.ids if name in values and _is_text(schema, name)
    }
    return {**values, **mixed} if mixed else values


def _with_text_ids(
    rows: pa.RecordBatch, columns: CorpusColumns, schema: pa.Schema
) -> pa.RecordBatch:
    for name in columns.ids:
        at = rows.schema.get_field_index(name)
        if at >= 0 and _is_text(schema, name) and not _is_text(rows.schema, name):
            column = pa.array(map(_id, to_python(rows.column(at))), pa.large_string())
            rows = rows.set_column(at, name, column)
    return rows


def _id(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else id_text(value)


def _is_text(schema: pa.Schema, name: str) -> bool:
    if name not in schema.names:
        return False
    kind = schema.field(name).type
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind))

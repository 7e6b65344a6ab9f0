"""Any corpus to be audited, read row by row as documents.

Which documents there are, their order and their ids do not depend on how the input was cut.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from pipeline.core.errors import ConfigError, RecordError
from pipeline.core.printable import printable
from pipeline.core.records import encodable
from pipeline.core.registry import nearest
from pipeline.sources.columns import ColumnTypes, is_json_text, to_python
from pipeline.sources.corpus_plan import CorpusPart, plan_corpus, stamp
from pipeline.sources.corpus_rows import (
    TEXT_COLUMNS,
    UNREADABLE,
    CorpusColumns,
    CorpusRow,
    corpus_row,
)
from pipeline.sources.hub import DatasetPart, dataset_batches
from pipeline.sources.parquet import open_parquet
from pipeline.sources.table_rows import PARQUET, TableBatch, TablePart, TableRow, ending_of
from pipeline.sources.tables import read_rows
from pipeline.sources.text_files import TextPart, read_text

__all__ = [
    "CorpusColumns",
    "CorpusPart",
    "CorpusRow",
    "batch_rows",
    "check_columns",
    "document_of",
    "plan_corpus",
    "read_corpus",
    "read_values",
    "stamp",
]

LOOKED_AT = 1000  # rows of a part, for the columns it has
OF_TEXTS = ("id", "text")  # columns of files that are one text each


def read_corpus(
    part: CorpusPart, columns: CorpusColumns | None = None, types: ColumnTypes | None = None
) -> Iterator[CorpusRow]:
    """Every row of a part, once, in the order stored: a document, or why it is none.

    The id of a row that brings none is the file's name and the row's position, as in
    ``chats.jsonl:1234``: of JSON lines the byte at which the line begins (of the unpacked text of a
    compressed file), else the row, the first being 0. That of a text file is its path, relative to
    the folder that was named.

    Args:
        part: from `plan_corpus`.
        columns: their names.
        types: takes in all columns of the rows without a fault; complete when the last row has been
            read. See `pipeline.sources.cleaned.write_cleaned`.

    Raises:
        SourceError: an input can no longer be read.
    """
    columns = columns or CorpusColumns()
    source = part.source
    if isinstance(source, DatasetPart):
        for batch in dataset_batches(source):
            if types is not None:
                for field in batch.rows.schema:
                    types.observe_field(field)
            for row in batch_rows(batch, columns.wanted):
                yield document_of(part, row, columns)
    elif isinstance(source, TablePart) and ending_of(source.path) == PARQUET:
        with open_parquet(source.path) as table:
            encoded = _encoded(table.schema_arrow)
        for row in read_rows(source, columns.wanted, types):
            yield document_of(part, _decoded(row, encoded), columns)
    else:
        for document, values in read_values(part, columns):
            if types is not None and not document.fault:
                types.observe(values)
            yield document


def check_columns(parts: Sequence[CorpusPart], columns: CorpusColumns) -> None:
    """See that the columns are there, before the work begins.

    At most `LOOKED_AT` rows of each part are looked at, and none after the columns are found.

    Raises:
        ConfigError: no row has a column that ``columns`` names, or none that texts are looked for
            in by default. An empty corpus has no fault.
    """
    seen: dict[str, None] = {}
    for names in itertools.chain.from_iterable(map(_names_in, parts)):
        seen.update(dict.fromkeys(names))
        if not _missing(columns, seen):
            return
    missing = _missing(columns, seen)
    if not seen or not missing:
        return
    there = ", ".join(map(printable, seen))
    option, name = missing[0]
    if name is None:
        raise ConfigError(
            f"no row has a text where one is looked for ({', '.join(TEXT_COLUMNS)}, the columns of "
            f"chats); name its column with {option}; there are: {there}"
        )
    raise ConfigError(
        f"no row has the column {printable(repr(name))} that {option} names"
        f"; there are: {there}{printable(nearest(name, seen))}"
    )


def _missing(columns: CorpusColumns, seen: dict[str, None]) -> list[tuple[str, str | None]]:
    """Option and name of each column that is asked for and not there; None for the default texts."""
    asked = (("--text", columns.text), ("--id", columns.id), ("--url", columns.url))
    missing = [(option, name) for option, name in asked if name is not None and name not in seen]
    if columns.text is None and not seen.keys() & {*columns.texts}:
        return [("--text", None), *missing]
    return list(missing)


def _names_in(part: CorpusPart) -> Iterator[Sequence[str]]:
    source = part.source
    if isinstance(source, TextPart):
        yield OF_TEXTS
    elif isinstance(source, DatasetPart):
        for batch in itertools.islice(dataset_batches(source), 1):
            yield batch.rows.schema.names
    elif ending_of(source.path) == PARQUET:
        with open_parquet(source.path) as table:
            if table.metadata.num_rows:
                yield table.schema_arrow.names
    else:
        for row in itertools.islice(read_rows(source), LOOKED_AT):
            yield list(row.values or ())


# --- rows ------------------------------------------------------------------------------------


def read_values(
    part: CorpusPart, columns: CorpusColumns
) -> Iterator[tuple[CorpusRow, dict[str, Any]]]:
    """The documents of JSON lines or texts, each with the values of all its columns."""
    source = part.source
    if isinstance(source, TextPart):
        for name in source.files:
            document = _text_document(source.path(name), encodable(part.name + name))
            yield document, dict(zip(OF_TEXTS, (document.id, document.text), strict=True))
    elif isinstance(source, TablePart):
        for row in read_rows(source):
            yield document_of(part, row, columns), row.values or {}


def document_of(part: CorpusPart, row: TableRow, columns: CorpusColumns) -> CorpusRow:
    """The document that a row of the part's table holds."""
    before, after = _place(row.path)
    position, place = f"{part.name}:{row.number}", f"{before}{row.number}{after}"
    if row.values is None:
        error = encodable(f"{row.reason}: {row.error}")
        return CorpusRow(position, None, "", place, UNREADABLE, error, row.lost)
    return corpus_row(row.values, columns, position, place)


@functools.lru_cache(maxsize=64)
def _place(path: str) -> tuple[str, str]:
    """What `TableRow.place` has before and after the number, which is the same for all of a file."""
    before, _, after = encodable(TableRow(path, -1, None).place).rpartition("-1")
    return before, after


def batch_rows(batch: TableBatch, columns: Sequence[str]) -> Iterator[TableRow]:
    """The rows of a batch with some of its columns, and those that could not be read, in order."""
    names = [name for name in batch.rows.schema.names if name in columns]
    lists = [to_python(batch.rows.column(name)) for name in names]
    records = zip(*lists, strict=True) if lists else itertools.repeat(())
    encoded = _encoded(batch.rows.schema)
    rows = [
        _decoded(TableRow(batch.path, number, dict(zip(names, record, strict=True))), encoded)
        for number, record in zip(batch.numbers.tolist(), records, strict=False)
    ]
    yield from sorted([*rows, *batch.errors], key=lambda row: row.number) if batch.errors else rows


def _encoded(schema: pa.Schema) -> list[str]:
    """Columns of JSON text that was written here, of values that have no other type in common."""
    return [field.name for field in schema if is_json_text(field)]


def _decoded(row: TableRow, encoded: Sequence[str]) -> TableRow:
    for name in encoded:
        value = (row.values or {}).get(name)
        if row.values is not None and isinstance(value, str):
            with contextlib.suppress(ValueError):  # another program has written to the column
                row.values[name] = json.loads(value)
    return row


def _text_document(path: str, identity: str) -> CorpusRow:
    place = encodable(path)
    try:
        return CorpusRow(identity, read_text(path), "", place)
    except RecordError as error:
        return CorpusRow(identity, None, "", place, UNREADABLE, encodable(str(error)))

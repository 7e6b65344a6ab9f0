"""Tables as input: JSON lines (plain, gzip, zstd) and Parquet, cut into parts and read row by row.

A row is its values by column, or the fault that stands in their place: one bad row costs one row.
How files are cut never changes which rows there are, nor their order.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError, RecordError, SourceError
from pipeline.sources.addresses import address, distinct
from pipeline.sources.columns import ColumnTypes, conform, to_arrow
from pipeline.sources.inputs import is_glob, locate, located, named, open_input, stamp
from pipeline.sources.json_lines import json_lines
from pipeline.sources.parquet import (
    BATCH_BYTES,
    BATCH_ROWS,
    open_parquet,
    parquet_batches,
    parquet_rows,
)
from pipeline.sources.table_rows import (
    JSON_LINES,
    PARQUET,
    TableBatch,
    TablePart,
    TableRow,
    ending_of,
    fault,
)

__all__ = [
    "TableBatch",
    "TablePart",
    "TableRow",
    "check_format",
    "plan_tables",
    "read_batches",
    "read_rows",
    "stamp",
]

PART_BYTES = 64 << 20

ENDINGS = (*JSON_LINES, PARQUET)
NAMED = ", ".join(sorted(ENDINGS))

# First bytes, the endings they go by, what they are and the mend where the ending is another.
ZSTD = ((".zst",), "zstd, which its ending does not say; rename it")
UTF_16 = ((), "UTF-16; convert it to UTF-8, for example with iconv")
MAGICS: tuple[tuple[bytes, tuple[str, ...], str], ...] = (
    (b"\x1f\x8b", (".gz",), "gzip, which its ending does not say; rename it"),
    (b"\x28\xb5\x2f\xfd", *ZSTD),
    *((bytes([first, 0x2A, 0x4D, 0x18]), *ZSTD) for first in range(0x50, 0x60)),
    (b"PAR1", (PARQUET,), "Parquet, which its ending does not say; rename it"),
    (b"\xff\xfe", *UTF_16),
    (b"\xfe\xff", *UTF_16),
)


# --- planning --------------------------------------------------------------------------------


def plan_tables(
    paths: Iterable[str | os.PathLike[str]], part_bytes: int = PART_BYTES
) -> tuple[TablePart, ...]:
    """The parts of all files, each file once, sorted by path and start.

    Args:
        paths: files, globs and folders, local or with any protocol that fsspec knows. Of a folder,
            the files directly in it with a known ending; names that begin with ``.`` or ``_`` are
            passed over, in globs those with ``.``. The order given makes no difference.
        part_bytes: bytes of a part, about: of JSON lines as stored, of Parquet as decoded.

    Raises:
        ConfigError: no path, an ending that is not read here, or ``part_bytes`` below 1.
        SourceError: a file or folder that is missing, empty of tables, unreadable, or not what
            its ending says.
    """
    if part_bytes < 1:
        raise ConfigError(f"part_bytes must be at least 1, not {part_bytes}")
    patterns = [address(os.fspath(path)) for path in paths]
    if not patterns:
        raise ConfigError(f"no input; name files ({NAMED}), globs or folders")
    files = distinct(path for pattern in patterns for path in _expand(pattern))
    for path in files:
        if not ending_of(path):
            raise ConfigError(
                f"{path}: its ending is none that is read here ({NAMED}); "
                "convert it, or rename it if it is one of these"
            )
    return tuple(part for path in files for part in _cut(path, part_bytes))


def check_format(path: str, ending: str, marked: bool) -> int:
    """Size in bytes of a file that is what its ending says, as far as its first bytes tell.

    Args:
        path: absolute path or URL.
        ending: by which it is read.
        marked: such files begin with bytes of their own, as those of gzip do.

    Raises:
        SourceError: it is something else, or cannot be opened.
    """
    with open_input(path) as (file, size):
        head = file.read(4)
    known = next(((by, what) for magic, by, what in MAGICS if head.startswith(magic)), None)
    if known is not None and not ending.endswith(known[0]):
        raise SourceError(f"{path}: is {known[1]}")
    if known is None and marked:
        what = "is empty" if size == 0 else "is not what its ending says"
        raise SourceError(f"{path}: {what}; write it again, rename it or leave it out")
    return size


def _expand(pattern: str) -> list[str]:
    filesystem, inner = locate(pattern)
    try:
        found = named(filesystem, inner)
        if not found:
            what = "matches no file" if is_glob(inner) else "no such file or folder"
            raise SourceError(f"{pattern}: {what}")
        files = []
        for path in found:
            files += _within(filesystem, path) if filesystem.isdir(path) else [path]
    except OSError as error:
        raise SourceError(f"{pattern}: cannot be listed: {error}") from error
    return [located(filesystem, path) for path in files]


def _within(filesystem: Any, folder: str) -> list[str]:
    files = [
        path
        for path in filesystem.find(folder, maxdepth=1)
        if ending_of(path) and not path.rsplit("/", 1)[-1].startswith((".", "_"))
    ]
    if not files:
        raise SourceError(
            f"{located(filesystem, folder)}: no table in this folder ({NAMED}); "
            f"for those in folders below it, write {folder}/**/*{PARQUET} or the like"
        )
    return files


def _cut(path: str, part_bytes: int) -> list[TablePart]:
    ending = ending_of(path)
    size = check_format(path, ending, ending == PARQUET or JSON_LINES[ending] is not None)
    if ending == PARQUET:
        with open_parquet(path) as table:
            return _cut_groups(path, table, part_bytes)
    cuts = 1 if JSON_LINES[ending] else max(1, -(-size // part_bytes))
    bounds = [size * cut // cuts for cut in range(cuts + 1)]
    return [TablePart(path, *pair) for pair in itertools.pairwise(bounds)]


def _cut_groups(path: str, table: pq.ParquetFile, part_bytes: int) -> list[TablePart]:
    names = table.schema_arrow.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"{path}: more than one column is called {twice[0]!r}; rename one")
    bounds, held = [0], 0
    for group in range(table.num_row_groups):
        more = table.metadata.row_group(group).total_byte_size
        if held and held + more > part_bytes:
            bounds.append(group)
            held = 0
        held += more
    bounds.append(table.num_row_groups)
    return [TablePart(path, *pair) for pair in itertools.pairwise(bounds)]


# --- reading ---------------------------------------------------------------------------------


def read_rows(
    part: TablePart, columns: Sequence[str] | None = None, types: ColumnTypes | None = None
) -> Iterator[TableRow]:
    """Every row of a part, once, in the order stored.

    Args:
        part: from `plan_tables`.
        columns: the columns wanted, None for all. Of Parquet the others are not read, so that a
            fault in one of them is found by `read_batches` only. A column that a file has not got
            is no fault.
        types: takes in every column of the part, wanted or not; complete when the last row has
            been read.

    Raises:
        SourceError: the file can no longer be read.
    """
    if ending_of(part.path) == PARQUET:
        yield from parquet_rows(part, columns, types)
        return
    for offset, values in _json_lines(part):
        if isinstance(values, RecordError):
            yield fault(part, offset, values)
            continue
        if types is not None:
            types.observe(values)
        if columns is not None:
            values = {name: values[name] for name in columns if name in values}
        yield TableRow(part.path, offset, values)


def read_batches(part: TablePart, schema: pa.Schema) -> Iterator[TableBatch]:
    """The rows of a part as record batches of ``schema``, Parquet without a detour over Python.

    The rows are those of `read_rows` over the columns of ``schema``, in their order.

    Args:
        part: from `plan_tables`.
        schema: the columns wanted, from `ColumnTypes.schema` or `unify` over all parts.

    Raises:
        SourceError: the file can no longer be read, or holds what the schema has no room for.
    """
    if ending_of(part.path) == PARQUET:
        with open_parquet(part.path) as table:
            for batch in parquet_batches(part, table, schema.names):
                yield dataclasses.replace(batch, rows=conform(batch.rows, schema))
        return
    held: list[tuple[int, dict[str, Any]]] = []
    errors: list[TableRow] = []
    first = part.start
    for offset, values in _json_lines(part):
        full = len(held) + len(errors) >= BATCH_ROWS or offset - first >= BATCH_BYTES
        if full and (held or errors):
            yield _json_batch(part, held, errors, schema)
            held, errors, first = [], [], offset
        if isinstance(values, RecordError):
            errors.append(fault(part, offset, values))
        else:
            held.append((offset, values))
    if held or errors:
        yield _json_batch(part, held, errors, schema)


def _json_lines(part: TablePart) -> Iterator[tuple[int, dict[str, Any] | RecordError]]:
    return json_lines(part.path, part.start, part.end, JSON_LINES[ending_of(part.path)])


def _json_batch(
    part: TablePart,
    held: Sequence[tuple[int, dict[str, Any]]],
    errors: Sequence[TableRow],
    schema: pa.Schema,
) -> TableBatch:
    numbers = np.array([offset for offset, _ in held], np.int64)
    rows = to_arrow([values for _, values in held], schema)
    return TableBatch(part.path, numbers, rows, tuple(errors))

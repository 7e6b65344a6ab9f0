"""Tables as input: JSON lines (plain, gzip, zstd) and Parquet, cut into parts and read row by row.

A row is its values by column, or the fault that stands in their place: one bad row costs one row.
How files are cut never changes which rows there are, nor their order.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError, RecordError, SourceError
from pipeline.sources.columns import EXACT, ColumnTypes, conform, to_arrow, to_python
from pipeline.sources.inputs import open_input
from pipeline.sources.json_lines import json_lines

__all__ = [
    "TableBatch",
    "TablePart",
    "TableRow",
    "plan_tables",
    "read_batches",
    "read_rows",
    "stamp",
]

PART_BYTES = 64 << 20
BATCH_ROWS, BATCH_BYTES = 1024, 8 << 20

# Ending to compression; None is a plain file.
JSON_LINES = {".jsonl.gz": "gzip", ".jsonl.zst": "zstd", ".jsonl": None}
PARQUET = ".parquet"
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


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class TablePart:
    """A unit of work.

    Args:
        path: absolute path, or URL.
        start: of plain JSON lines, the first byte: a line belongs to the part in which it begins.
            Of Parquet, the first row group.
        end: the byte or the row group after the last. A compressed file is one part, 0 to its
            size.
    """

    path: str
    start: int
    end: int


@dataclasses.dataclass(slots=True)
class TableRow:
    """One row, or what could not be read.

    Args:
        path: of the file.
        number: byte offset of a line (in the unpacked text of a compressed file); row of a
            Parquet file, the first being 0.
        values: by column; None if the row could not be read. A column without a value is absent
            or None.
        error: what failed, for a person; None if nothing did.
        reason: slug of what failed: ``table.json``, ``table.object``, ``table.utf8``,
            ``table.depth``, ``table.line_bytes``, ``table.compression`` or ``table.row_group``.
        lost: rows that an error stands for. At the end of a damaged compressed file nobody knows
            how many there were: it is 1 then.
    """

    path: str
    number: int
    values: dict[str, Any] | None
    error: str | None = None
    reason: str | None = None
    lost: int = 1

    @property
    def place(self) -> str:
        """Where the row is, as in ``a.jsonl at byte 1234`` or ``b.parquet row 17``."""
        ending = _ending(self.path)
        if ending not in JSON_LINES:
            return f"{self.path} row {self.number}"
        unpacked = " of its unpacked text" if JSON_LINES[ending] else ""
        return f"{self.path} at byte {self.number}{unpacked}"


@dataclasses.dataclass(frozen=True, slots=True)
class TableBatch:
    """Rows of one part in the schema asked for.

    Args:
        path: of the file.
        numbers: ``int64[rows]``, `TableRow.number` of each.
        rows: the values.
        errors: rows among and before these that could not be read.
    """

    path: str
    numbers: npt.NDArray[np.int64]
    rows: pa.RecordBatch
    errors: tuple[TableRow, ...] = ()


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
    patterns = [os.fspath(path) for path in paths]
    if not patterns:
        raise ConfigError(f"no input; name files ({NAMED}), globs or folders")
    files = sorted({path for pattern in patterns for path in _expand(pattern)})
    for path in files:
        if not _ending(path):
            raise ConfigError(
                f"{path}: its ending is none that is read here ({NAMED}); "
                "convert it, or rename it if it is one of these"
            )
    return tuple(part for path in files for part in _cut(path, part_bytes))


def stamp(path: str) -> tuple[int, int]:
    """Size in bytes and modification time in nanoseconds, to see whether a file has changed.

    The time is 0 where a file system has none.

    Raises:
        SourceError: the file is gone.
    """
    filesystem, inner = _locate(path)
    try:
        if os.path.isabs(path):
            status = os.stat(path)
            return status.st_size, status.st_mtime_ns
        try:
            modified = int(filesystem.modified(inner).timestamp() * 1e9)
        except NotImplementedError:
            modified = 0
        return int(filesystem.size(inner)), modified
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def _expand(pattern: str) -> list[str]:
    filesystem, inner = _locate(pattern)
    try:
        if filesystem.exists(inner):
            found = [inner]
        elif any(sign in inner for sign in "*?["):
            found = [path for path in filesystem.glob(inner) if "/." in inner or "/." not in path]
            if not found:
                raise SourceError(f"{pattern}: matches no file")
        else:
            raise SourceError(f"{pattern}: no such file or folder")
        files = []
        for path in found:
            files += _within(filesystem, path) if filesystem.isdir(path) else [path]
    except OSError as error:
        raise SourceError(f"{pattern}: cannot be listed: {error}") from error
    local = filesystem.protocol in ("file", ("file", "local"))
    return [path if local else filesystem.unstrip_protocol(path) for path in files]


def _within(filesystem: Any, folder: str) -> list[str]:
    files = [
        path
        for path in filesystem.find(folder, maxdepth=1)
        if _ending(path) and not path.rsplit("/", 1)[-1].startswith((".", "_"))
    ]
    if not files:
        raise SourceError(
            f"{folder}: no table in this folder ({NAMED}); "
            f"for those in folders below it, write {folder}/**/*{PARQUET} or the like"
        )
    return files


def _cut(path: str, part_bytes: int) -> list[TablePart]:
    ending = _ending(path)
    with open_input(path) as (file, size):
        head = file.read(4)
    known = next(((by, what) for magic, by, what in MAGICS if head.startswith(magic)), None)
    if known is not None and not ending.endswith(known[0]):
        raise SourceError(f"{path}: is {known[1]}")
    if known is None and (ending == PARQUET or JSON_LINES[ending]):
        what = "is empty" if size == 0 else "is not what its ending says"
        raise SourceError(f"{path}: {what}; write it again, rename it or leave it out")
    if ending == PARQUET:
        with _open_parquet(path) as table:
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


def _ending(path: str) -> str:
    return next((ending for ending in ENDINGS if path.lower().endswith(ending)), "")


def _locate(path: str) -> tuple[Any, str]:
    import fsspec

    try:
        return fsspec.core.url_to_fs(path)  # type: ignore[no-any-return]
    except (ValueError, ImportError, OSError) as error:
        raise SourceError(f"{path}: {error}") from error


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
    if _ending(part.path) == PARQUET:
        yield from _parquet_rows(part, columns, types)
        return
    for offset, values in _json_lines(part):
        if isinstance(values, RecordError):
            yield _fault(part, offset, values)
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
    if _ending(part.path) == PARQUET:
        with _open_parquet(part.path) as table:
            for batch in _parquet_batches(part, table, schema.names):
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
            errors.append(_fault(part, offset, values))
        else:
            held.append((offset, values))
    if held or errors:
        yield _json_batch(part, held, errors, schema)


def _json_lines(part: TablePart) -> Iterator[tuple[int, dict[str, Any] | RecordError]]:
    return json_lines(part.path, part.start, part.end, JSON_LINES[_ending(part.path)])


def _json_batch(
    part: TablePart,
    held: Sequence[tuple[int, dict[str, Any]]],
    errors: Sequence[TableRow],
    schema: pa.Schema,
) -> TableBatch:
    numbers = np.array([offset for offset, _ in held], np.int64)
    rows = to_arrow([values for _, values in held], schema)
    return TableBatch(part.path, numbers, rows, tuple(errors))


def _fault(part: TablePart, number: int, error: RecordError, lost: int = 1) -> TableRow:
    return TableRow(part.path, number, None, error.message, error.reason, lost)


# --- Parquet ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _open_parquet(path: str) -> Iterator[pq.ParquetFile]:
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


def _parquet_rows(
    part: TablePart, columns: Sequence[str] | None, types: ColumnTypes | None
) -> Iterator[TableRow]:
    with _open_parquet(part.path) as table:
        if types is not None:
            _observe(part, table, types)
        for batch in _parquet_batches(part, table, columns):
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


def _parquet_batches(
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
            fault = RecordError("table.row_group", message)
            error_row = _fault(part, first + done, fault, rows - done)
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
            errors.append(_fault(part, first + at, RecordError("table.utf8", str(error))))
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

"""Parts of chat logs, and the rows of a part."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from pipeline.core.errors import RecordError
from pipeline.core.records import encodable
from pipeline.prompts.logs.fields import LogFields
from pipeline.prompts.logs.formats import SHAPE_COLUMNS
from pipeline.prompts.logs.message_rows import PlacedRow
from pipeline.sources.corpus import batch_rows
from pipeline.sources.corpus_plan import CorpusPart
from pipeline.sources.hub import DatasetPart, dataset_batches
from pipeline.sources.json_array import JsonKind, json_elements
from pipeline.sources.json_lines import json_lines
from pipeline.sources.table_rows import PARQUET, TableRow, ending_of
from pipeline.sources.tables import read_rows
from pipeline.sources.text_files import TextPart, read_text

__all__ = ["JSON", "JsonPart", "LogPart", "json_ending", "log_rows"]

# Ending to compression; None is a plain file.
JSON = {".json.gz": "gzip", ".json.zst": "zstd", ".json": None}


def json_ending(path: str) -> str:
    """The ending by which a ``.json`` file is read; empty for one that is none."""
    return next((end for end in JSON if path.lower().endswith(end)), "")


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class JsonPart:
    """A ``.json`` file, or of plain JSON lines in one the lines that begin in a range of bytes.

    Args:
        path: absolute path or URL.
        kind: see `pipeline.sources.json_array.json_kind`.
        name: what the id of a row without one begins with.
        start, end: bytes; anything but plain JSON lines is one part.
    """

    path: str
    kind: JsonKind
    name: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True, slots=True)
class LogPart:
    """A unit of work. Picklable, and the same for the same inputs.

    Args:
        sources: what is read, in order. More than one where the rows of a file are messages of
            trees, which can be put together only when all are known.
    """

    sources: tuple[CorpusPart | JsonPart, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it is read from, in a form that `pipeline.sources.corpus_plan.stamp` takes."""
        paths = (
            (source.path,) if isinstance(source, JsonPart) else source.inputs
            for source in self.sources
        )
        return tuple(dict.fromkeys(itertools.chain.from_iterable(paths)))


def log_rows(part: LogPart, fields: LogFields | None = None) -> Iterator[PlacedRow]:
    """Every row of a part, once, in the order stored; a fault where one cannot be had.

    Args:
        part: from `plan_logs`.
        fields: of Parquet and datasets only the columns are read that these may need; None for all.

    Raises:
        SourceError: an input can no longer be read.
    """
    columns = None if fields is None else list(dict.fromkeys((*fields.columns, *SHAPE_COLUMNS)))
    for source in part.sources:
        if isinstance(source, JsonPart):
            yield from _json_rows(source)
        elif isinstance(source.source, TextPart):
            yield from _lines(source.source, source.name)
        elif isinstance(source.source, DatasetPart):
            for batch in dataset_batches(source.source, columns):
                rows = batch_rows(batch, batch.rows.schema.names)
                yield from (_placed(row, source.name) for row in rows)
        else:
            whole = ending_of(source.source.path) != PARQUET
            for row in read_rows(source.source, None if whole else columns):
                yield _placed(row, source.name)


def _placed(row: TableRow, name: str) -> PlacedRow:
    values: Any = row.values
    if values is None:
        values = RecordError(row.reason or "table.json", row.error or "")
    return PlacedRow(values, f"{name}:{row.number}", encodable(row.place), row.lost)


def _json_rows(part: JsonPart) -> Iterator[PlacedRow]:
    compression = JSON[json_ending(part.path)]
    rows: Iterator[tuple[int, Any]]
    if part.kind == "lines":
        rows = json_lines(part.path, part.start, part.end, compression)
    else:
        rows = json_elements(part.path, compression)
    before, after = (
        f"{encodable(part.path)} at byte ",
        " of its unpacked text" if compression else "",
    )
    for offset, values in rows:
        yield PlacedRow(values, f"{part.name}:{offset}", f"{before}{offset}{after}")


def _lines(part: TextPart, prefix: str) -> Iterator[PlacedRow]:
    for file in part.files:
        name, place = encodable(prefix + file), encodable(part.path(file))
        try:
            text = read_text(part.path(file))
        except RecordError as error:
            yield PlacedRow(error, name, place)
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if line and not line.isspace():
                yield PlacedRow(line.rstrip("\r"), f"{name}:{number}", f"{place} line {number}")

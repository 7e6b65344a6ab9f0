"""The files of a benchmark: which of them are there, and their rows one by one.

Nothing here knows what an item is. A row that cannot be read is handed on with its reason.
"""

from __future__ import annotations

import csv
import dataclasses
import glob
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from audits.benchmarks.definitions import CONFIG, SPLIT, Definition, Layout
from pipeline.core.errors import RecordError, SourceError
from pipeline.core.registry import nearest
from pipeline.sources.inputs import open_input
from pipeline.sources.json_lines import json_lines
from pipeline.sources.table_rows import ending_of
from pipeline.sources.tables import plan_tables, read_rows

__all__ = ["Found", "Row", "find_files", "folders_of", "read_files"]

DELIMITED = {".csv": ",", ".tsv": "\t"}
PLAIN = (".json", *DELIMITED)
TABLES = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst")
ENDINGS = (*TABLES, *PLAIN, *(f"{plain}{more}" for plain in PLAIN for more in (".gz", ".zst")))
PACKED = {".gz": "gzip", ".zst": "zstd"}
# Where a data set of the Hub, downloaded as it is, has the files of a split.
USUAL = ("{config}/{split}-*", "{config}/{split}", "data/{split}-*", "{split}-*", "{split}")
MAX_FIELD = 64 << 20  # characters of a field; the csv module's own limit is 128 Ki


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row, or what could not be read.

    Args:
        place: file and row, the first row being 0, for a person.
        file: name of the file without endings, or the configuration it is of.
        values: by field; None if the row could not be read.
        error: why not.
        lost: rows that an error stands for.
    """

    place: str
    file: str
    values: dict[str, Any] | None
    error: str = ""
    lost: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The files of one split.

    Args:
        layout: how they are stored.
        files: path and configuration of each, in the order they are read; the configuration is
            empty where the glob names none.
    """

    layout: Layout
    files: tuple[tuple[Path, str], ...]


def folders_of(definition: Definition, folder: Path | None) -> list[Path]:
    """The folders that may hold the benchmark's files.

    In ``folder`` those of its name or of its Hub data set's, whatever their case and signs between
    words (``MT-Bench`` for ``mt_bench``), and ``folder`` itself if that is its name. For a definition
    that the user wrote, ``folder`` in any case, and the folder that the definition stands in.

    Raises:
        SourceError: ``folder`` is none.
    """
    places: list[Path] = []
    if folder is not None:
        if not folder.is_dir():
            raise SourceError(f"{folder}: no such folder of benchmarks")
        names = _names(definition)
        inner = sorted(path for path in folder.iterdir() if path.is_dir())
        places += [path for name in names for path in inner if _bare(path.name) == name]
        if _bare(folder.resolve().name) in names or not definition.packaged:
            places.append(folder)
    if not definition.packaged:
        places.append(definition.file.parent)
    return list(dict.fromkeys(places))


def find_files(definition: Definition, split: str, places: Sequence[Path]) -> Found | None:
    """The files of ``split``, of the first form and in the first place that has any.

    In the order of the places: the ``files`` of each layout, then names that the Hub gives files.

    Args:
        definition: of the benchmark.
        split: one of its splits.
        places: from `folders_of`.

    Raises:
        SourceError: files of some configurations are there, and those of others are not.
    """
    for place in places:
        for layout in definition.layouts:
            if layout.split not in ("", split):
                continue
            for pattern in layout.files:
                if _is_of(pattern, layout, split, definition):
                    files = _matches(place, pattern, split, definition)
                    if files:
                        return Found(layout, files)
        # A ``test.jsonl`` is anyone's, unless the folder says whose.
        named = _bare(place.resolve().name) in _names(definition)
        for pattern in _usual(definition, split) if named else ():
            files = _matches(place, pattern, split, definition)
            if files:
                return Found(definition.layouts[0], files)
    return None


def read_files(found: Found) -> Iterator[Row]:
    """Every row of the files, in order.

    Raises:
        SourceError: a file cannot be read at all.
    """
    for path, config in found.files:
        name = config or _stem(path)
        number = 0
        for record in _records(path, found.layout):
            if isinstance(record, Row):
                yield dataclasses.replace(record, place=f"{path} row {number}", file=name)
                number += record.lost
                continue
            for values in _rows_within(record, found.layout.rows.split("."), {}):
                place = f"{path} row {number}"
                if isinstance(values, str):
                    yield Row(place, name, None, values)
                else:
                    yield Row(place, name, values)
                number += 1


# --- finding ---------------------------------------------------------------------------------


def _is_of(pattern: str, layout: Layout, split: str, definition: Definition) -> bool:
    """Whether the glob is of this split: files that do not say are of the layout's, or the first."""
    if SPLIT in pattern or layout.split_of is not None:
        return True
    return split == (layout.split or definition.splits[0])


def _names(definition: Definition) -> list[str]:
    """Of folders that hold the benchmark, without case and signs."""
    hub = definition.hub.id.rpartition("/")[2] if definition.hub else definition.name
    return list(dict.fromkeys((_bare(definition.name), _bare(hub))))


def _usual(definition: Definition, split: str) -> Iterator[str]:
    hub = definition.hub
    names = dict.fromkeys((split if hub is None else hub.split_of(split), split))
    for name in names:
        for usual in USUAL:
            if CONFIG in usual and not (hub and hub.config):
                continue
            for ending in ENDINGS:
                yield usual.replace(SPLIT, glob.escape(name)) + ending


def _matches(
    place: Path, pattern: str, split: str, definition: Definition
) -> tuple[tuple[Path, str], ...]:
    pattern = pattern.replace(SPLIT, glob.escape(split))
    if CONFIG not in pattern:
        return tuple((path, "") for path in _glob(place, pattern))
    configs = definition.hub.configs_of(split) if definition.hub else ()
    by_config = {
        config: _glob(place, pattern.replace(CONFIG, glob.escape(config))) for config in configs
    }
    missing = [config for config, paths in by_config.items() if not paths]
    if missing and len(missing) < len(configs):
        raise SourceError(
            f"{place}: {len(missing)} of the {len(configs)} parts of {definition.name} are missing: "
            f"{', '.join(missing)}; add their files ({pattern}), or write a definition without them"
        )
    return tuple((path, config) for config, paths in by_config.items() for path in paths)


def _glob(place: Path, pattern: str) -> list[Path]:
    found = glob.glob(pattern, root_dir=place, recursive=True)
    paths = {place / name for name in found if name.lower().endswith(ENDINGS)}
    return sorted((path for path in paths if path.is_file()), key=lambda path: _natural(str(path)))


def _natural(name: str) -> list[tuple[int, int | str]]:
    """By numbers where names have them: part 2 before part 10."""
    pieces = re.split(r"(\d+)", name)
    return [(0, int(piece)) if piece.isdecimal() else (1, piece) for piece in pieces]


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _stem(path: Path) -> str:
    ending = max((end for end in ENDINGS if path.name.lower().endswith(end)), key=len, default="")
    return path.name[: len(path.name) - len(ending)]


# --- reading ---------------------------------------------------------------------------------


def _records(path: Path, layout: Layout) -> Iterator[Any]:
    """What a file holds, one by one; `Row` for what cannot be read."""
    name = path.name.lower()
    packed = next((kind for end, kind in PACKED.items() if name.endswith(end)), None)
    if ending_of(name):
        yield from _table(path)
    elif _plain(name) == ".json":
        yield from _json(path, packed)
    else:
        yield from _delimited(path, packed, DELIMITED[_plain(name)], layout.columns)


def _plain(name: str) -> str:
    return next(end for end in PLAIN if any(name.endswith(end + more) for more in ("", *PACKED)))


def _table(path: Path) -> Iterator[Any]:
    for part in plan_tables([path]):
        for row in read_rows(part):
            if row.values is None:
                yield Row("", "", None, row.error or "", row.lost)
            else:
                yield row.values


def _json(path: Path, packed: str | None) -> Iterator[Any]:
    text = _text(path, packed)
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise SourceError(f"{path}: nested too deeply to be read") from error
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise SourceError(f"{path}:{error.lineno}: not JSON: {error.msg}; mend it") from error
        # Several values: JSON lines that go by the other name, as on the Hub.
        for _, values in json_lines(str(path), 0, path.stat().st_size, packed):
            if isinstance(values, RecordError):
                yield Row("", "", None, values.message)
            else:
                yield values
        return
    yield from value if isinstance(value, list) else [value]


def _delimited(
    path: Path, packed: str | None, delimiter: str, columns: Sequence[str]
) -> Iterator[Any]:
    text = _text(path, packed)
    try:
        lines = _split(text, delimiter, csv.QUOTE_MINIMAL)
    except csv.Error as error:
        if delimiter != "\t":
            raise SourceError(f"{path}: not CSV: {error}; mend the quotes around there") from error
        lines = _split(text, delimiter, csv.QUOTE_NONE)  # quotes are text in most TSV
    names = list(columns) or (lines[0] if lines else [])
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"{path}: more than one column is called {twice[0]!r}; rename one")
    for line in lines if columns else lines[1:]:
        if len(line) == len(names):
            yield dict(zip(names, line, strict=True))
        elif line:
            yield Row("", "", None, f"{len(line)} fields where there are {len(names)} columns")


def _split(text: str, delimiter: str, quoting: int) -> list[list[str]]:
    before = csv.field_size_limit(MAX_FIELD)
    try:
        lines = io.StringIO(text, newline="")
        return list(csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True))  # type: ignore[arg-type]
    finally:
        csv.field_size_limit(before)


def _text(path: Path, packed: str | None) -> str:
    with open_input(str(path)) as (file, _):
        try:
            data = pa.CompressedInputStream(file, packed).read() if packed else file.read()
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error}") from error
    try:
        return str(data, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: byte {error.start} is no UTF-8; convert the file") from error


def _rows_within(
    value: Any, parts: Sequence[str], above: Mapping[str, Any]
) -> Iterator[dict[str, Any] | str]:
    """The rows at the end of a path, each with the fields of all objects around it; or the fault."""
    for at, part in enumerate(parts if parts != [""] else ()):
        if part == "*":
            if not isinstance(value, list):
                yield f"no list for '*' in {'.'.join(parts)!r} of 'rows'"
                return
            for member in value:
                yield from _rows_within(member, parts[at + 1 :] or [""], above)
            return
        if not isinstance(value, Mapping) or part not in value:
            there = value if isinstance(value, Mapping) else ()
            yield f"no field {part!r}, which 'rows' names{nearest(part, there)}"
            return
        above = {**above, **{name: inner for name, inner in value.items() if name != part}}
        value = value[part]
    for row in value if isinstance(value, list) else [value]:
        if isinstance(row, Mapping):
            yield {**above, **row}
        else:
            yield f"{type(row).__name__} where a row is an object with fields"

"""Rows of CSV and TSV files: RFC 4180, with a header, quotes and line breaks within quoted fields.

The files are cut as bytes and decoded field by field. What the RFC does not allow costs its row:
text behind a closing quote, a quote that is never closed, more or fewer fields than the header.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.core.errors import RecordError, SourceError
from pipeline.core.printable import printable
from pipeline.labelled.rows import Row, Rows
from pipeline.labelled.text_lines import MAX_LINE, TextEncoding, text_lines

__all__ = ["delimited_rows"]

QUOTE = b'"'
SHOWN = 60  # characters of a header's field in a message

_Numbered = Iterator[tuple[int, bytes | None]]


def delimited_rows(
    path: str, delimiter: str, wanted: Sequence[str], encoding: TextEncoding
) -> Rows:
    """The rows of a file with a header, every value as text.

    Args:
        path: absolute path or URL.
        delimiter: one ASCII character.
        wanted: the columns that are decoded; a column that the file has not got is left out.
        encoding: of the file.

    Raises:
        SourceError: the file is empty, no text, or its header cannot be read.
    """
    records = _records(enumerate(text_lines(path, encoding), 1), delimiter.encode())
    header = next(records, None)
    if header is None:
        raise SourceError(f"{path}: has no header; write it again or leave it out")
    names = _names(path, header[1], encoding)
    places = {name: names.index(name) for name in wanted if name in names}
    for name in places:
        if names.count(name) > 1:
            raise SourceError(f"{path}: more than one column is called {name!r}; rename one")
    return Rows(names, _rows(path, records, len(names), places, encoding))


def _names(path: str, header: list[bytes] | RecordError, encoding: TextEncoding) -> list[str]:
    if isinstance(header, RecordError):
        raise SourceError(f"{path}: the header cannot be read: {header.message}")
    try:
        names = [encoding.decode(field) for field in header]
    except RecordError as error:
        raise SourceError(f"{path}: the header cannot be read: {error.message}") from error
    if any("\r" in name for name in names):
        raise SourceError(
            f"{path}: its lines end in a carriage return alone; convert it (for example with "
            "mac2unix)"
        )
    return [name if len(name) <= SHOWN else f"{printable(name[:SHOWN])}…" for name in names]


def _rows(
    path: str,
    records: Iterator[tuple[int, list[bytes] | RecordError]],
    width: int,
    places: dict[str, int],
    encoding: TextEncoding,
) -> Iterator[Row]:
    for number, fields in records:
        place = f"{path} line {number}"
        try:
            if isinstance(fields, RecordError):
                raise fields
            if len(fields) != width:
                raise RecordError(
                    "table.fields",
                    f"{len(fields)} fields where the header has {width}; a field that holds the "
                    "delimiter or a line break belongs in quotes",
                )
            values = {name: encoding.decode(fields[at]) for name, at in places.items()}
        except RecordError as error:
            yield Row(place, None, error.reason, error.message)
        else:
            yield Row(place, values)


def _records(lines: _Numbered, mark: bytes) -> Iterator[tuple[int, list[bytes] | RecordError]]:
    """Every record's first line, counted from 1, and its fields, or why it has none."""
    for number, line in lines:
        if line is None:
            yield number, _too_long()
        elif QUOTE in line:
            try:
                yield number, _quoted(number, line, lines, mark)
            except RecordError as error:
                yield number, error
        else:
            line = line.removesuffix(b"\r")
            if line.strip(b" "):
                yield number, line.split(mark)


def _quoted(first: int, line: bytes, lines: _Numbered, mark: bytes) -> list[bytes]:
    """The fields of a record that has a quote in its first line; takes further lines if need be."""
    fields: list[bytes] = []
    at = 0
    while True:
        if line[at : at + 1] == QUOTE:
            field, line, at = _closed(first, line, at + 1, lines)
            fields.append(field)
            behind = line[at : at + 2]
            if behind in (b"", b"\r"):
                return fields
            if behind[:1] != mark:
                raise RecordError(
                    "table.quote",
                    "text behind a closing quote; a field that begins with a quote ends with one, "
                    "and quotes within it are doubled",
                )
            at += 1
            continue
        end = line.find(mark, at)
        if end < 0:
            return [*fields, line[at:].removesuffix(b"\r")]
        fields.append(line[at:end])
        at = end + 1


def _closed(first: int, line: bytes, at: int, lines: _Numbered) -> tuple[bytes, bytes, int]:
    """A quoted field from behind its opening quote on; the line and place behind its closing one."""
    pieces: list[bytes] = []
    held, last = 0, first
    while True:
        end = line.find(QUOTE, at)
        doubled = line[end + 1 : end + 2] == QUOTE
        if end >= 0 and not doubled:
            pieces.append(line[at:end])
            if held + end - at > MAX_LINE:
                raise _too_long()
            return b"".join(pieces), line, end + 1
        if end >= 0:
            pieces.append(line[at : end + 1])
            at = end + 2
        else:
            pieces.append(line[at:] + b"\n")
            following = next(lines, None)
            if following is None:
                raise RecordError(
                    "table.quote",
                    f"a quote is not closed before the file ends, in line {last}; if it opens no "
                    "field, double it and put the field in quotes",
                )
            last, at = following[0], 0
            held += MAX_LINE if following[1] is None else 0
            line = following[1] or b""
        held += len(pieces[-1])
        if held > MAX_LINE:
            pieces = []


def _too_long() -> RecordError:
    return RecordError(
        "table.line_bytes", f"a row of more than {MAX_LINE:,} bytes; the longest that is read"
    )

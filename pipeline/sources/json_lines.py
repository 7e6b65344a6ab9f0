"""JSON lines, plain or compressed: every line that begins in a byte range, parsed or as a fault.

Offsets count from the beginning of the file, of its unpacked text where it is compressed. Nothing
here knows of columns or of Parquet. How bytes become a value, and a file pieces, is the same for
`pipeline.sources.json_array`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from pipeline.core.errors import RecordError, SourceError
from pipeline.core.records import encodable
from pipeline.sources.inputs import WHOLE, open_input

__all__ = ["MAX_LINE", "checked", "json_lines", "json_value", "pieces_of"]

READ = 1 << 20  # bytes asked of a file at a time
CALL = 256 << 10  # stored bytes that one call of a decompressor takes, and more than a zstd block
MAX_LINE = 128 << 20  # bytes of a line; parsing one takes several times its size
# Python's own limit depends on how deep the caller is, so that workers would differ in what they
# can read. This one is far below it.
MAX_DEPTH = 200
BOM = b"\xef\xbb\xbf"
NESTED = {dict, list}
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def json_lines(
    path: str, start: int, end: int, compression: str | None = None
) -> Iterator[tuple[int, dict[str, Any] | RecordError]]:
    """Offset and object of every line that begins at ``start <= offset < end``; blanks are none.

    A line that holds no object gives its fault in the object's place: ``table.utf8``,
    ``table.json``, ``table.object``, ``table.line_bytes``, ``table.depth``. Compressed files that
    are cut off or damaged end with ``table.compression`` after the last whole line.

    Args:
        path: as `plan_tables` gives it.
        start: in bytes, 0 for compressed files.
        end: in bytes; compressed files are read whole.
        compression: ``"gzip"``, ``"zstd"`` or None.

    Raises:
        SourceError: the file can no longer be read.
    """
    with open_input(path, max(start - 1, 0), WHOLE if compression else end) as (file, _):
        limit = end if compression is None else None
        pieces = pieces_of(file, path, compression, max(start - 1, 0))
        for offset, line in _lines(pieces, start, limit):
            if isinstance(line, RecordError):
                yield offset, line
                continue
            if line.startswith(BOM):  # of the file, or of one of those it was joined from
                line = line[len(BOM) :]
            if line and not line.isspace():
                yield offset, _object(json_value(line))


def _lines(
    pieces: Iterator[bytes], start: int, end: int | None
) -> Iterator[tuple[int, bytes | RecordError]]:
    """Lines, without their ends, of a stream that begins one byte before ``start`` or at 0."""
    offset = max(start - 1, 0)
    foreign = start > 0  # the first line, if only its end, belongs to the part before
    carry: list[bytes] = []
    held = 0
    try:
        for piece in pieces:
            *whole, rest = piece.split(b"\n")
            for line in whole:
                if end is not None and offset >= end:
                    return
                size = held + len(line)
                if not foreign:
                    yield offset, _join(carry, line, size)
                foreign = False
                offset += size + 1
                carry, held = [], 0
            held += len(rest)
            if end is not None and offset + (held if foreign else 0) >= end:
                return
            if foreign or held > MAX_LINE:
                carry = []
            else:
                carry.append(rest)
    except RecordError as damage:
        yield offset, damage
        return
    if held and not foreign:
        yield offset, _join(carry, b"", held)


def _join(carry: list[bytes], line: bytes, size: int) -> bytes | RecordError:
    if size > MAX_LINE:
        return RecordError(
            "table.line_bytes",
            f"a line of {size:,} bytes; the longest that is read has {MAX_LINE:,}",
        )
    return b"".join((*carry, line)) if carry else line


def _object(value: Any) -> dict[str, Any] | RecordError:
    if isinstance(value, dict | RecordError):
        return value
    return RecordError("table.object", f"{_json_name(value)} where an object belongs")


def json_value(data: bytes, what: str = "line") -> Any:
    """The value that bytes hold as JSON, without lone surrogates, or its fault as a `RecordError`.

    Args:
        data: in UTF-8.
        what: it is, for the message of ``table.utf8``. Other faults: ``table.json``,
            ``table.depth``.
    """
    try:
        value = json.loads(data.decode())
    except UnicodeDecodeError as error:
        return RecordError("table.utf8", f"byte {error.start} of the {what} is no UTF-8")
    except RecursionError:
        return RecordError("table.depth", f"nested more than {MAX_DEPTH} deep")
    except ValueError as error:
        return RecordError("table.json", str(error))
    return checked(value, b"\\" in data and SURROGATE.search(data) is not None)


def checked(value: Any, surrogates: bool) -> Any:
    """A parsed value that is not nested too deep, else ``table.depth``.

    Args:
        value: as ``json.loads`` gives it.
        surrogates: it may have lone ones, which are mended.
    """
    if _depth(value) > MAX_DEPTH:
        return RecordError("table.depth", f"nested more than {MAX_DEPTH} deep")
    return _mend(value) if surrogates else value


def _json_name(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [node for node in level if type(node) in NESTED]:
        depth += 1
        level = [
            child for node in level for child in (node.values() if type(node) is dict else node)
        ]
    return depth


def _mend(value: Any) -> Any:
    """The value without lone surrogates, which no file can hold."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [_mend(member) for member in value]
    if isinstance(value, dict):
        return {encodable(name): _mend(member) for name, member in value.items()}
    return value


# --- bytes -----------------------------------------------------------------------------------


def pieces_of(
    file: BinaryIO, path: str, compression: str | None, start: int = 0
) -> Iterator[bytes]:
    """The bytes of a file, unpacked, in pieces of at most `READ`.

    Args:
        file: open for reading.
        path: of it, for messages.
        compression: ``"gzip"``, ``"zstd"`` or None.
        start: of a plain file, the first byte wanted.

    Raises:
        RecordError: ``table.compression``, after the last byte that can be had.
        SourceError: the file can no longer be read.
    """
    if compression is None:
        return _stored(file, path, start)
    return _unpacked(file, path, compression)


def _stored(file: BinaryIO, path: str, start: int) -> Iterator[bytes]:
    try:
        file.seek(start)
        while piece := file.read(READ):
            yield piece
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error}") from error


class _Feed:
    """A file for Arrow to unpack, given out byte by byte from an offset on.

    What comes out of one call of a decompressor is lost if the same call meets the damage. Fed
    byte by byte, it gives all there is before.
    """

    closed = False

    def __init__(self, file: BinaryIO, path: str, slow_from: int | None = None):
        self._file, self._path, self._slow_from, self.offset = file, path, slow_from, 0
        file.seek(0)

    def read(self, size: int) -> bytes:
        if self._slow_from is not None:
            size = min(size, max(self._slow_from - self.offset, 1))
        try:
            data = self._file.read(size)
        except OSError as error:  # no fault of what is read, and Arrow hands it on as it is
            raise SourceError(f"{self._path}: cannot be read: {error}") from error
        self.offset += len(data)
        return data

    def close(self) -> None:
        """Arrow closes what it reads; this file is its opener's to close."""


def _unpacked(file: BinaryIO, path: str, compression: str) -> Iterator[bytes]:
    """The text of a compressed file, up to the last byte that can be had of a damaged one.

    Raises:
        RecordError: it is cut off or damaged.
        SourceError: it can no longer be read.
    """
    feed, done = _Feed(file, path), 0
    try:
        stream = pa.CompressedInputStream(pa.PythonFile(feed, "r"), compression)
        while piece := stream.read(READ):
            done += len(piece)
            yield piece
        return
    except OSError as error:
        damage = str(error)
    rest = bytearray()
    feed = _Feed(file, path, slow_from=max(feed.offset - CALL, 0))
    try:
        stream = pa.CompressedInputStream(pa.PythonFile(feed, "r"), compression)
        while piece := stream.read(min(done, READ)):
            done -= len(piece)
        while byte := stream.read(1):
            rest += byte
    except OSError as error:
        damage = str(error)
    yield bytes(rest)
    raise RecordError("table.compression", f"cut off or damaged, the rest is lost: {damage}")

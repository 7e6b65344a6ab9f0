"""WARC records in a stream of bytes: a plain file, or one inflated gzip member.

Nothing the records say about themselves is believed unchecked. A block ends where its
Content-Length says only if the next record, or blank lines, or the end of the stream is found
there; otherwise the record is a fault, and reading goes on at the next line that opens a record.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

from pipeline.core.errors import RecordError
from pipeline.sources.members import opens_record

__all__ = ["UNKNOWN", "Framed", "Stream", "parse_fields", "records"]

UNKNOWN = -1

READ = 1 << 20  # bytes asked of the stream at a time
AFTER = 64  # bytes looked at after a block
MAX_HEADER = 1 << 16  # bytes of a WARC header
MAX_BLANKS = 1 << 16  # bytes of blank lines between records
MAX_RETURNS = 3  # times that a stream is read again from its beginning
BLANK = b"\r\n"
HEADER_END = re.compile(rb"\n\r?\n")
RECORD_START = re.compile(rb"WARC/\d\.\d+[ \t]*\r?\n[A-Za-z][A-Za-z-]*[ \t]*:", re.IGNORECASE)


class OutOfReachError(Exception):
    """What is asked for lies further on, or further back, than it pays to read."""


class Stream:
    """Bytes at an offset, of a stream that is best read forwards.

    Args:
        fetch: ``fetch(offset, size)`` gives up to ``size`` bytes from ``offset`` on, empty only
            at the end.
        reach: bytes that may be passed over at a time to get to an offset, where that costs
            work; None where it costs nothing.
        extend: called when a record is cut short by the end: makes more of the stream, or says
            that there is none.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        reach: int | None = None,
        extend: Callable[[], bool] = lambda: False,
    ):
        self._fetch, self.reach, self._extend = fetch, reach, extend
        self._base, self._data, self._ended = 0, b"", False
        self._returns = 0

    def at(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset`` on, fewer only if the stream ends.

        Raises:
            OutOfReachError: too many bytes lie between, or the stream went back too often.
        """
        skipped = offset - self._base
        if skipped < 0 or (len(self._data) - skipped < size and not self._ended):
            self._load(offset, size)
            skipped = 0
        return self._data[skipped : skipped + size]

    def extend(self) -> bool:
        """Whether the stream goes on after all."""
        self._ended = not self._extend()
        return not self._ended

    def _load(self, offset: int, size: int) -> None:
        skipped = offset - self._base
        have = max(0, len(self._data) - skipped) if skipped >= 0 else 0
        if self.reach is not None:
            self._returns += skipped < 0
            passed = skipped - len(self._data) if skipped >= 0 else offset
            if self._returns > MAX_RETURNS or passed > self.reach:
                raise OutOfReachError
        pieces = [self._data[skipped:]] if have else []
        self._ended = False
        while have < size and not self._ended:
            if more := self._fetch(offset + have, max(READ, size - have)):
                pieces.append(more)
                have += len(more)
            else:
                self._ended = True
        self._base, self._data = offset, b"".join(pieces)


@dataclasses.dataclass(slots=True)
class Framed:
    """One record, or one stretch that is none, as found in a stream.

    Args:
        start: its first byte in the stream.
        end: the byte after it; `UNKNOWN` if too far on to be read up to.
        fields: WARC header, names in lower case; empty if there is no readable one.
        block: the record block, as much of it as was wanted.
        length: bytes of the whole block, as declared.
        fault: why this is not a sound record.
        cut: the stream ends before the record does.
        last: nothing follows in the stream, and the stream was sound to its end.
    """

    start: int
    end: int
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    block: bytes = b""
    length: int = 0
    fault: RecordError | None = None
    cut: bool = False
    last: bool = False


def records(stream: Stream, max_block: int) -> Iterator[Framed]:
    """Every record of a stream, in order; together with blank lines they cover every byte.

    It ends early after a record whose end is `UNKNOWN`.

    Args:
        stream: at a record's first byte, or at blank lines before it.
        max_block: bytes of a block to keep; the rest is passed over.

    Raises:
        RecordError: the stream itself is damaged. What was complete before has been yielded.
    """
    start = _skip_blanks(stream, 0)
    while start is not None:
        try:
            framed = _frame(stream, start, max_block)
            if framed.cut and stream.extend():
                framed = _frame(stream, start, max_block)
        except OutOfReachError:
            fault = RecordError("warc.unread", "too much would have to be read again")
            framed = Framed(start, UNKNOWN, fault=fault)
        if framed.end == UNKNOWN:
            yield framed
            return
        try:
            start = _skip_blanks(stream, framed.end)
        except RecordError:
            if framed.start > 0:  # a member of one record has to be sound to its checksum
                yield framed
            raise
        framed.last = start is None
        yield framed


def parse_fields(header: bytes) -> dict[str, str]:
    """Names (in lower case) to values of the lines after the first. Of a repeated name, the first.

    Lines that begin with a blank continue the one before, as older writers fold them.
    """
    fields: dict[str, str] = {}
    name = ""
    for line in header.decode("utf-8", "replace").split("\n")[1:]:
        if line[:1] in (" ", "\t") and name:
            fields[name] = f"{fields[name]} {line.strip()}".strip()
            continue
        key, colon, value = line.partition(":")
        name = key.strip().lower()
        if not colon or name in fields:
            name = ""
        else:
            fields[name] = value.strip()
    return fields


def _skip_blanks(stream: Stream, offset: int) -> int | None:
    """Where the next record begins, or None at the end of the stream."""
    head = stream.at(offset, AFTER)
    if len(head) == AFTER and not head.strip(BLANK):
        head = stream.at(offset, MAX_BLANKS)
    rest = head.lstrip(BLANK)
    if rest:
        return offset + len(head) - len(rest)
    return offset if len(head) == MAX_BLANKS else None


def _frame(stream: Stream, start: int, max_block: int) -> Framed:
    head = stream.at(start, 4096)
    if not opens_record(head):
        fault = RecordError("warc.garbage", "bytes that open no WARC record")
        cut = b"WARC/".startswith(head.upper())
        return Framed(start, _next_record(stream, start + 1), fault=fault, cut=cut)
    found = HEADER_END.search(head)
    if found is None:
        head = stream.at(start, MAX_HEADER)
        found = HEADER_END.search(head)
    if found is None:
        fault = RecordError("warc.header", "the WARC header has no end")
        cut = len(head) < MAX_HEADER
        return Framed(start, _next_record(stream, start + 1), fault=fault, cut=cut)
    within = head.find(b"WARC/", 5, found.start())
    if within > 0 and RECORD_START.match(head, within):  # the header broke off
        fault = RecordError("warc.header", "another record begins inside the WARC header")
        return Framed(start, start + within, fault=fault)
    fields = parse_fields(head[: found.start()])
    block_start = start + found.end()
    declared = fields.get("content-length", "")
    if not (declared.isascii() and declared.isdigit() and len(declared) < 19):
        reason = "warc.content_length" if declared else "warc.header"
        fault = RecordError(reason, f"Content-Length is {declared[:40]!r}")
        return Framed(start, _next_record(stream, block_start), fields, fault=fault)
    length = int(declared)
    try:
        block, after = _block(stream, block_start, length, max_block)
    except OutOfReachError:
        block = stream.at(block_start, max_block)
        return Framed(start, UNKNOWN, fields, block, length)
    if after is not None and _may_follow(after):
        return Framed(start, block_start + length, fields, block, length)
    what = "fewer bytes are there" if after is None else "no record ends there"
    fault = RecordError("warc.content_length", f"Content-Length is {length}, but {what}")
    end = _next_record(stream, block_start)
    return Framed(start, end, fields, fault=fault, cut=after is None)


def _block(stream: Stream, start: int, length: int, max_block: int) -> tuple[bytes, bytes | None]:
    """The block up to ``max_block`` bytes, and what comes after it: None if it is cut short."""
    if length <= max_block:
        data = stream.at(start, length + AFTER)
        return data[:length], data[length:] if len(data) >= length else None
    block = stream.at(start, max_block)
    if len(block) < max_block:
        return block, None
    last = stream.at(start + length - 1, 1 + AFTER)
    return block, last[1:] if last else None


def _may_follow(after: bytes) -> bool:
    """Whether ``after`` can stand behind a complete block.

    Two line ends belong there. Writers that leave one or both out are borne with if a record or
    the end follows at once.
    """
    rest = after.lstrip(BLANK)
    return not rest or opens_record(rest) or after.startswith((b"\r\n\r\n", b"\n\n"))


def _next_record(stream: Stream, offset: int) -> int:
    """Where the next plausible record begins at or after ``offset``.

    The end of the stream if there is none, `UNKNOWN` if there is none within reach.
    """
    first = offset
    while stream.reach is None or offset - first <= stream.reach:
        try:
            data = stream.at(offset, READ)
        except OutOfReachError:
            break
        upper, found = data.upper(), -1
        while (found := upper.find(b"WARC/", found + 1)) >= 0:
            if RECORD_START.match(data, found):
                return offset + found
        if len(data) < READ:
            return offset + len(data)
        offset += READ - AFTER
    return UNKNOWN

"""Members of a stored file: where each begins, what it holds, where to go on after damage.

A record-compressed WARC is a row of gzip members, one per record, or of zstd frames (see
`zstd_frames`, which is this module's other kind of member). Framing them here, and not in
a reader that sees one inflated stream, gives each record its exact place in the file and lets a
broken member cost only itself.

A *sync point* is an offset where a member begins that inflates to a WARC record. It can be
found from any byte of the file. A `.warc.gz` stored inside a record, itself hardly compressible,
can hold sync points of its own: only a reader that starts inside that record is misled.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Protocol

from pipeline.core.errors import RecordError, SourceError

if TYPE_CHECKING:
    import zlib
else:
    try:  # the same interface and the same answers, in two thirds of the time
        from zlib_ng import zlib_ng as zlib
    except ImportError:
        import zlib

__all__ = ["MAGIC", "Member", "Packing", "Window", "find_sync", "is_sync", "opens_record"]

MAGIC = b"\x1f\x8b\x08"
CHUNK = 1 << 20  # stored bytes fetched at a time
FEED = 1 << 16  # stored bytes handed to the inflater at a time: it copies what it leaves over
LOOKAHEAD = 64  # inflated bytes that show how a member opens


class Window:
    """Reads of an open file at any offset, buffered by the chunk.

    Args:
        file: open for binary reading, seekable.
        path: for messages.
        size: bytes in the file.
    """

    def __init__(self, file: BinaryIO, path: str, size: int):
        self._file, self.path, self.size = file, path, size
        self._base, self._data = 0, b""

    @functools.cached_property
    def head(self) -> bytes:
        """The first four bytes, which say what the file is; read apart from the rest."""
        if self._base == 0 and self._data:
            return self._data[:4]
        try:
            self._file.seek(0)
            return self._file.read(4)
        except OSError as error:
            raise SourceError(f"{self.path}: cannot be read: {error}") from error

    def view(self, offset: int, least: int = LOOKAHEAD) -> memoryview:
        """Stored bytes from ``offset`` on, at least ``least`` of them unless the file ends.

        Raises:
            SourceError: the file cannot be read.
        """
        skipped = offset - self._base
        if skipped < 0 or len(self._data) - skipped < least:
            try:
                self._file.seek(offset)
                self._data = self._file.read(max(CHUNK, least))
            except OSError as error:
                raise SourceError(
                    f"{self.path}: cannot be read at byte {offset}: {error}"
                ) from error
            self._base, skipped = offset, 0
        return memoryview(self._data)[skipped:]

    def fetch(self, offset: int, size: int) -> bytes:
        """Some bytes from ``offset`` on, empty only at the end of the file."""
        return bytes(self.view(offset, 1)[:size])

    def find(self, needle: bytes, offset: int) -> int | None:
        """Where ``needle`` (of `LOOKAHEAD` bytes at most) next occurs at or after ``offset``."""
        while len(self.view(offset)) >= len(needle):
            found = self._data.find(needle, offset - self._base)
            if found >= 0:
                return self._base + found
            offset = self._base + len(self._data) - len(needle) + 1
        return None


class Packing(Protocol):
    """How the records of a file are compressed.

    Attributes:
        magic: how each member begins.
        fault: the reason of a damaged member.
        name: for messages.
        first: offset of the first member.
    """

    @property
    def magic(self) -> bytes: ...
    @property
    def fault(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def first(self) -> int: ...

    def __call__(self, window: Window, offset: int, feed: int = FEED) -> Member:
        """The member at ``offset``."""
        ...


class Member:
    """One gzip member, inflated a bounded amount at a time.

    Args:
        window: the stored file.
        offset: where the member begins.
        feed: stored bytes inflated at a time at most.

    Attributes:
        inflated: bytes given out so far.
    """

    magic: ClassVar[bytes] = MAGIC
    fault: ClassVar[str] = "warc.gzip"
    name: ClassVar[str] = "gzip member"
    first: ClassVar[int] = 0

    def __init__(self, window: Window, offset: int, feed: int = FEED):
        self._window, self._offset, self._feed = window, offset, feed
        self._extended = False
        self._begin(offset)
        self.inflated = 0

    @property
    def end(self) -> int:
        """Offset after the bytes inflated; at the member's end, after its checksum and length."""
        inflater = self._inflater  # at the end, its tail repeats what is unused
        return self._next - len(inflater.unused_data if inflater.eof else inflater.unconsumed_tail)

    def fetch(self, offset: int, size: int) -> bytes:
        """Up to ``size`` inflated bytes from ``offset`` on, empty only at the member's end.

        Forwards is cheap; to go back is to inflate from the beginning.

        Raises:
            RecordError: ``warc.gzip`` (damaged) or ``warc.truncated`` (the file ends first).
        """
        if offset < self.inflated:
            self._begin(self._offset)
            self.inflated = 0
        while offset > self.inflated:
            if not self._inflate(min(CHUNK, offset - self.inflated)):
                return b""
        return self._inflate(size)

    def extend(self) -> bool:
        """At the member's end: take in those that follow and open no record of their own.

        Writers of fixed-size blocks cut a record anywhere. False if there is nothing to take in.
        """
        self._extended = self._goes_on()
        return self._extended

    def _begin(self, offset: int) -> None:
        self._inflater = zlib.decompressobj(wbits=31)
        self._next = offset

    def _goes_on(self) -> bool:
        stored = self._window.view(self.end)[: len(MAGIC)]
        return (
            self._inflater.eof and stored == MAGIC and not is_sync(self._window, self.end, Member)
        )

    def _inflate(self, limit: int) -> bytes:
        while True:
            if self._inflater.eof:
                if not (self._extended and self._goes_on()):
                    return b""
                self._begin(self.end)
            data: bytes | memoryview = self._inflater.unconsumed_tail
            if not data:
                data = self._window.view(self._next)[: self._feed]
                self._next += len(data)
            try:
                out = self._inflater.decompress(data, limit)
            except zlib.error as error:
                raise RecordError("warc.gzip", str(error)) from error
            if out:
                self.inflated += len(out)
                return out
            if not data and not self._inflater.eof:
                raise RecordError(
                    "warc.truncated", f"the file ends inside a gzip member, at byte {self._next}"
                )


def opens_record(head: bytes) -> bool:
    """Whether these bytes are the opening of a WARC record. Case is ignored, as readers do."""
    return head[:5].upper() == b"WARC/"


def is_sync(window: Window, offset: int, packing: Packing = Member) -> bool:
    """Whether ``offset`` is a sync point of a file packed so."""
    if window.view(offset)[: len(packing.magic)] != packing.magic:
        return False
    member, head = packing(window, offset, feed=512), b""
    try:
        while len(head) < LOOKAHEAD and (more := member.fetch(len(head), LOOKAHEAD - len(head))):
            head += more
    except RecordError:
        pass  # damaged further on: what did inflate shows how it opens
    return opens_record(head.lstrip(b"\r\n"))


def find_sync(
    window: Window, offset: int, before: int | None = None, packing: Packing = Member
) -> int | None:
    """The first sync point at or after ``offset``, and before ``before`` if given, or None."""
    while (found := window.find(packing.magic, offset)) is not None:
        if before is not None and found >= before:
            return None
        if is_sync(window, found, packing):
            return found
        offset = found + 1
    return None

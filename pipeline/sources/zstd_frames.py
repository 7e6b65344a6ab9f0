"""Zstd frames of a stored file as members, with the dictionary that the file may open with.

The layout is that of the IIPC's *Zstandard Compression for WARC Files 1.0*: a frame or more per
record, skippable frames between them that mean nothing to a reader, and at the very beginning, in
a skippable frame of its own number, the dictionary of all frames, itself compressed or not.
"""

from __future__ import annotations

import dataclasses
import struct
import sys
from typing import TYPE_CHECKING, ClassVar

from pipeline.core.errors import RecordError
from pipeline.sources.members import FEED, Member, Window, is_sync

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
else:
    from compression import zstd

__all__ = ["FRAME", "ZstdMember", "ZstdPacking", "is_zstd", "zstd_packing"]

FRAME = b"\x28\xb5\x2f\xfd"
DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
DICTIONARY = b"\x37\xa4\x30\xec"  # how a dictionary begins that is not compressed
MAX_DICTIONARY = 8 << 20  # bytes, stored and decompressed: what a reader has to support
HEADER = struct.Struct("<4sI")  # of a skippable frame: its number, and the bytes that follow


@dataclasses.dataclass(frozen=True)
class ZstdPacking:
    """Records in zstd frames; called, it gives the frame at an offset.

    Args:
        first: offset of the first frame, behind the dictionary.
        dictionary: of all frames, None where the file has none.
    """

    first: int = 0
    dictionary: zstd.ZstdDict | None = None
    magic: ClassVar[bytes] = FRAME
    fault: ClassVar[str] = "warc.zstd"
    name: ClassVar[str] = "zstd frame"

    def __call__(self, window: Window, offset: int, feed: int = FEED) -> ZstdMember:
        return ZstdMember(window, offset, self, max(feed, 4096))


class ZstdMember(Member):
    """One zstd frame, decompressed a bounded amount at a time.

    Args:
        window: the stored file.
        offset: where the frame begins.
        packing: with the file's dictionary.
        feed: stored bytes handed over at a time at most.
    """

    def __init__(self, window: Window, offset: int, packing: ZstdPacking, feed: int = FEED):
        self._packing = packing
        super().__init__(window, offset, feed)

    @property
    def end(self) -> int:
        """Offset after the frame and the skippable frames behind it, once it is at its end."""
        return _after_skippable(self._window, self._next - len(self._frame.unused_data))

    def _begin(self, offset: int) -> None:
        self._frame = zstd.ZstdDecompressor(self._packing.dictionary)
        self._next = offset

    def _goes_on(self) -> bool:
        if not self._frame.eof:
            return False
        end = self.end
        stored = bytes(self._window.view(end)[: len(FRAME)])
        return stored == FRAME and not is_sync(self._window, end, self._packing)

    def _inflate(self, limit: int) -> bytes:
        while True:
            if self._frame.eof:
                if not (self._extended and self._goes_on()):
                    return b""
                self._begin(self.end)
            data: bytes | memoryview = b""
            wanting = self._frame.needs_input
            if wanting:
                data = self._window.view(self._next)[: self._feed]
                self._next += len(data)
            try:
                out = self._frame.decompress(data, limit)
            except zstd.ZstdError as error:
                raise RecordError("warc.zstd", str(error)) from error
            if out:
                self.inflated += len(out)
                return out
            if wanting and not data and not self._frame.eof:
                raise RecordError(
                    "warc.truncated", f"the file ends inside a zstd frame, at byte {self._next}"
                )


def is_zstd(head: bytes | memoryview) -> bool:
    """Whether a file that begins so is made of zstd frames, skippable ones before them or not."""
    head = bytes(head[:4])
    return head == FRAME or _is_skippable(head)


def zstd_packing(window: Window) -> ZstdPacking:
    """How a file of zstd frames is to be read.

    Raises:
        RecordError: ``warc.zstd``: its dictionary cannot be read.
    """
    head = bytes(window.view(0, HEADER.size)[: HEADER.size])
    if not head.startswith(DICTIONARY_FRAME):
        return ZstdPacking(_after_skippable(window, 0))
    size = HEADER.unpack(head)[1] if len(head) == HEADER.size else 0
    if size > MAX_DICTIONARY:
        raise RecordError("warc.zstd", f"a dictionary of {size:,} bytes; 8 MiB is the most")
    stored = bytes(window.view(HEADER.size, size)[:size])
    try:
        dictionary = zstd.ZstdDict(_dictionary(stored))
        zstd.ZstdDecompressor(dictionary)  # which is where a broken one is found out
    except (zstd.ZstdError, ValueError, EOFError) as error:
        raise RecordError("warc.zstd", f"the dictionary cannot be read: {error}") from error
    return ZstdPacking(_after_skippable(window, HEADER.size + size), dictionary)


def _dictionary(stored: bytes) -> bytes:
    if stored.startswith(DICTIONARY):
        return stored
    if not stored.startswith(FRAME):
        raise ValueError(f"it begins with {stored[:4]!r}")
    opened = zstd.ZstdDecompressor()
    found = opened.decompress(stored, MAX_DICTIONARY + 1)
    if not opened.eof:
        raise ValueError("it is cut off, or larger than 8 MiB")
    return found


def _after_skippable(window: Window, offset: int) -> int:
    """The first offset at or after ``offset`` at which no skippable frame begins."""
    while True:
        head = bytes(window.view(offset, HEADER.size)[: HEADER.size])
        if len(head) < HEADER.size or not _is_skippable(head[:4]):
            return offset
        offset = min(window.size, offset + HEADER.size + HEADER.unpack(head)[1])


def _is_skippable(magic: bytes) -> bool:
    return len(magic) == 4 and 0x50 <= magic[0] <= 0x5F and magic[1:] == DICTIONARY_FRAME[1:]

"""Bytes of a WARC file in which no record can be told, and ids for what brings none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.core.errors import RecordError
from pipeline.core.records import Failure, Locator, RawRecord
from pipeline.sources.framing import Stream
from pipeline.sources.inputs import foreign_format
from pipeline.sources.members import LOOKAHEAD, Packing, Window, find_sync, opens_record

__all__ = ["apart", "check_opening", "failure_of", "not_warc", "place_id", "stretch"]


def apart(records: Iterable[RawRecord]) -> Iterator[RawRecord]:
    """The records, of which none has the id of one before it."""
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            record.id = place_id(record.source, record.meta.get("inflated_offset"))
        seen.add(record.id)
        yield record


def check_opening(window: Window, offset: int, stream: Stream, packing: Packing) -> None:
    """Pass a member that holds records, or nothing.

    Raises:
        RecordError: something else is there.
    """
    magic = packing.magic
    stored = bytes(window.view(offset)[: len(magic)])
    if stored != magic:
        if magic.startswith(stored):
            raise RecordError("warc.truncated", f"the file ends as a {packing.name} begins")
        raise RecordError("warc.garbage", f"bytes that begin no {packing.name} but {stored!r}")
    head = stream.at(0, LOOKAHEAD)
    start = head.lstrip(b"\r\n")
    if opens_record(start) or (not start and len(head) < LOOKAHEAD):
        return
    if offset == packing.first and find_sync(window, offset + 1, packing=packing) is None:
        raise not_warc(head, f"in a {packing.name}, ")
    raise RecordError(
        "warc.garbage", f"a {packing.name} that holds no WARC record but {head[:40]!r}"
    )


def not_warc(head: bytes, packed: str = "") -> RecordError:
    """The fault of a file that is something else, with what it is and the mend."""
    what = foreign_format(head) or f"not a WARC file: it begins with {head[:24]!r}"
    return RecordError("warc.format", packed + what)


def stretch(
    window: Window, start: int, end: int, fault: RecordError, part: str | None = None
) -> RawRecord:
    """The record that stands for bytes in which no record can be told."""
    source = Locator(window.path, start, end - start)
    return RawRecord(place_id(source, part), "", source, failure=failure_of(fault))


def failure_of(error: RecordError) -> Failure:
    """The error as what a record carries."""
    return Failure(error.reason, "source", error.message)


def place_id(source: Locator, part: object = None) -> str:
    """An id for a record that brings none; ``part`` tells apart those that share a gzip member."""
    return source.digest() if part is None else f"{source.digest()}:{part}"

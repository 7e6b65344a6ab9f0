"""WARC files, plain or gzipped: records with their fates, in splits of any size.

A split of a gzipped file owns everything from the first sync point (see `members`) at or after
its start up to the first at or after its end; the split at byte 0 owns everything from there.
Bytes between that are no record belong to whoever reads what comes before them. Plain files
cannot be cut: the split at byte 0 owns the file.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO, ClassVar

from pipeline.core.decisions import Verdict
from pipeline.core.errors import ConfigError, RecordError
from pipeline.core.records import Failure, Locator, RawRecord
from pipeline.sources.base import Source, Split
from pipeline.sources.framing import RECORD_START, UNKNOWN, Framed, Stream, records
from pipeline.sources.http import MAX_HEADER, decode_body, parse_response, sniff_html, sniff_pdf
from pipeline.sources.inputs import expand, foreign_format, open_input
from pipeline.sources.members import (
    CHUNK,
    LOOKAHEAD,
    MAGIC,
    Member,
    Window,
    find_sync,
    is_sync,
    opens_record,
)

__all__ = ["WarcSource"]

FRAMING = 1 << 20  # bytes a block may have beyond its payload: chunk sizes
# Inflating what nobody will use stops here: half a second of work. A record of this size is no
# page, and the rest of its member is passed over by looking for the next one in the stored bytes.
SKIP_LIMIT = 256 << 20
LEADING_GARBAGE = 16 << 20  # bytes searched for a first record before a file is called no WARC
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WarcSource(Source):
    """WARC files (1.x and 0.x), plain, gzipped by the record, or gzipped whole.

    ``response`` records of an HTML type (or PDFs, if asked for) and a good status go on with their
    decoded body. Every other record has a ``drop``: ``warc.record_type``, ``warc.http_status``,
    ``warc.content_type``, ``warc.payload_bytes.low`` or ``.high``. What cannot be read has a
    ``failure``: ``warc.gzip``, ``warc.truncated``, ``warc.header``, ``warc.content_length``,
    ``warc.garbage``, ``warc.http_header``, ``warc.content_encoding``, ``warc.format``. A contiguous
    stretch of unreadable bytes is one record.

    A record's id is its WARC-Record-ID as written, or a hash of its place where it has none or
    where one repeats within a split.

    Args:
        paths: files or globs, local or with any protocol that fsspec knows.
        split_size: stored bytes in a split, about; 64 MiB is a few thousand pages.
        max_payload: largest decoded body in bytes. It bounds time and memory, too.
        content_types: media types that go on, in lower case. What the crawler identified outranks
            what the server declared; where neither says, a look at the body decides.
        http_status: status codes that go on.

    Raises:
        ConfigError: a size below 1, or one path where a list of them belongs.
    """

    name: ClassVar[str] = "warc"
    version: ClassVar[int] = 1

    paths: tuple[str, ...]
    split_size: int = 64 << 20
    max_payload: int = 10 << 20
    content_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    http_status: tuple[int, ...] = (200,)

    def __post_init__(self) -> None:
        given: object = self.paths
        if isinstance(given, str):
            raise ConfigError(f"warc.paths is a list; write [{given!r}]")
        for field in ("paths", "content_types", "http_status"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        for field in ("split_size", "max_payload"):
            if getattr(self, field) < 1:
                raise ConfigError(f"warc.{field} must be at least 1, not {getattr(self, field)}")

    def plan(self) -> list[Split]:
        splits = []
        for path in expand(self.paths):
            with open_input(path) as (file, size):
                cuts = -(-size // self.split_size) if file.read(3) == MAGIC else 1
            cuts = max(cuts, 1)
            bounds = [size * cut // cuts for cut in range(cuts + 1)]
            splits += [Split(path, *pair) for pair in itertools.pairwise(bounds)]
        return splits

    def read(self, split: Split) -> Iterator[RawRecord]:
        with open_input(split.path) as (file, size):
            yield from self.read_file(file, size, split)

    def read_file(self, file: BinaryIO, size: int, split: Split) -> Iterator[RawRecord]:
        """`read` from a file that is open already; ``split.path`` is what its records name."""
        seen: set[str] = set()
        for record in self._read(Window(file, split.path, size), split):
            if record.id in seen:
                record.id = _place(record.source, record.meta.get("inflated_offset"))
            seen.add(record.id)
            yield record

    def parameters(self) -> dict[str, Any]:
        return {
            "max_payload": self.max_payload,
            "content_types": list(self.content_types),
            "http_status": list(self.http_status),
        }

    def _read(self, window: Window, split: Split) -> Iterator[RawRecord]:
        if split.start > 0:
            first = find_sync(window, split.start, before=split.end)
            if first is not None:
                yield from self._members(window, first, split.end)
            return
        head = bytes(window.view(0)[:CHUNK])
        start = head.lstrip(b"\r\n")
        if opens_record(start):
            yield from self._plain(window)
        elif head.startswith(MAGIC):
            yield from self._members(window, 0, split.end)
        elif not start and len(head) == window.size:
            return
        elif foreign_format(head) is None and find_sync(window, 0, before=LEADING_GARBAGE):
            yield from self._members(window, 0, split.end)
        elif foreign_format(head) is None and RECORD_START.search(head):
            yield from self._plain(window)
        else:
            yield _stretch(window, 0, window.size, _not_warc(head))

    def _plain(self, window: Window) -> Iterator[RawRecord]:
        for framed in records(Stream(window.fetch), self._max_block):
            if framed.cut and framed.last and framed.fault is not None:
                framed.fault = RecordError("warc.truncated", "the file ends inside this record")
            yield self._record(
                framed, Locator(window.path, framed.start, framed.end - framed.start)
            )

    def _members(self, window: Window, offset: int, end: int) -> Iterator[RawRecord]:
        while offset < window.size and not (offset >= end and is_sync(window, offset)):
            offset = yield from self._member(window, offset)

    def _member(self, window: Window, offset: int) -> Generator[RawRecord, None, int]:
        """The records of one gzip member, or the stretch of bytes that is none; where it ends."""
        member, found, unread = Member(window, offset), 0, None
        try:
            stream = Stream(member.fetch, SKIP_LIMIT, member.extend)
            _check_opening(window, offset, stream)
            for framed in records(stream, self._max_block):
                if framed.end == UNKNOWN:
                    unread = framed
                    break
                alone = framed.last and not found
                source = Locator(window.path, offset, member.end - offset if alone else -1)
                yield self._record(framed, source, None if alone else framed.start)
                found += 1
            else:
                return member.end
            fault = RecordError("warc.unread", "the rest of this gzip member was not read")
        except RecordError as error:
            fault = error
        after = find_sync(window, offset + 1)
        stop = window.size if after is None else after
        if fault.reason == "warc.truncated" and after is not None:
            fault = RecordError("warc.gzip", "damaged: it does not end before the file does")
        if unread is not None:
            source = Locator(window.path, offset, -1 if found else stop - offset)
            yield self._record(unread, source, unread.start if found else None)
        if unread is None or found:
            yield _stretch(window, offset, stop, fault, "rest" if found else None)
        return stop

    @property
    def _max_block(self) -> int:
        return self.max_payload + MAX_HEADER + FRAMING

    def _record(self, framed: Framed, source: Locator, inner: int | None = None) -> RawRecord:
        fields = framed.fields
        kind = fields.get("warc-type", "").lower()
        url = fields.get("warc-target-uri", "").strip("<> ")  # some writers bracket it
        record = RawRecord(fields.get("warc-record-id") or _place(source, inner), url, source)
        meta: dict[str, str | int | None] = {
            "record_type": kind or None,
            "date": fields.get("warc-date"),
            "truncated": fields.get("warc-truncated"),
            "inflated_offset": inner,
        }
        record.meta.update({key: value for key, value in meta.items() if value is not None})
        if framed.fault is not None:
            record.failure = _failure(framed.fault)
        elif kind != "response":
            record.drop = Verdict(False, "warc.record_type", None, None, kind or "none")
        else:
            try:
                record.drop = self._judge_response(framed, record)
            except RecordError as error:
                record.failure = _failure(error)
        return record

    def _judge_response(self, framed: Framed, record: RawRecord) -> Verdict | None:
        """Fill in meta and payload; the verdict if the record does not go on."""
        carrier = _media_type(framed.fields.get("content-type", "application/http"))
        if carrier != "application/http":  # such as DNS answers
            return Verdict(False, "warc.content_type", None, None, carrier)
        if framed.length == 0:
            return Verdict(False, "warc.payload_bytes.low", 0.0, 1.0)
        response = parse_response(framed.block)
        declared = response.fields.get("content-type", "")
        media_type = _media_type(
            framed.fields.get("warc-identified-payload-type", "")
        ) or _media_type(declared)
        record.meta["http_status"] = response.status
        if media_type:
            record.meta["content_type"] = media_type
        if (charset := CHARSET.search(declared)) is not None:
            record.meta["http_charset"] = charset[1]
        if encoding := response.fields.get("content-encoding"):
            record.meta["content_encoding"] = encoding
        if response.status not in self.http_status:
            return Verdict(False, "warc.http_status", float(response.status), None)
        if media_type and media_type not in self.content_types:
            return Verdict(False, "warc.content_type", None, None, media_type)
        stored = framed.length - (len(framed.block) - len(response.body))
        if framed.length > len(framed.block):
            return self._too_large(stored)
        payload = decode_body(response, self.max_payload + 1)
        if len(payload) > self.max_payload:
            return self._too_large(max(stored, len(payload)))
        if not payload:
            return Verdict(False, "warc.payload_bytes.low", 0.0, 1.0)
        if not media_type and not self._looks_right(payload):
            return Verdict(False, "warc.content_type", None, None, "unknown")
        record.payload = payload
        return None

    def _looks_right(self, payload: bytes) -> bool:
        """Whether a body of a type that nothing says looks like one that goes on."""
        return sniff_html(payload) or (
            "application/pdf" in self.content_types and sniff_pdf(payload)
        )

    def _too_large(self, size: int) -> Verdict:
        """``size`` is what was seen: of an encoded body, what was decoded until it was too much."""
        return Verdict(False, "warc.payload_bytes.high", float(size), float(self.max_payload))


def _check_opening(window: Window, offset: int, stream: Stream) -> None:
    """Pass a gzip member that holds records, or nothing.

    Raises:
        RecordError: something else is there.
    """
    stored = bytes(window.view(offset)[: len(MAGIC)])
    if stored != MAGIC:
        if MAGIC.startswith(stored):
            raise RecordError("warc.truncated", "the file ends inside a gzip header")
        raise RecordError("warc.garbage", f"bytes that begin no gzip member but {stored!r}")
    head = stream.at(0, LOOKAHEAD)
    start = head.lstrip(b"\r\n")
    if opens_record(start) or (not start and len(head) < LOOKAHEAD):
        return
    if offset == 0 and find_sync(window, 1) is None:
        raise _not_warc(head, "gzipped ")
    raise RecordError("warc.garbage", f"a gzip member that holds no WARC record but {head[:40]!r}")


def _not_warc(head: bytes, packed: str = "") -> RecordError:
    what = foreign_format(head) or f"not a WARC file: it begins with {head[:24]!r}"
    return RecordError("warc.format", packed + what)


def _stretch(
    window: Window, start: int, end: int, fault: RecordError, part: str | None = None
) -> RawRecord:
    """The record that stands for bytes in which no record can be told."""
    source = Locator(window.path, start, end - start)
    return RawRecord(_place(source, part), "", source, failure=_failure(fault))


def _failure(error: RecordError) -> Failure:
    return Failure(error.reason, "source", error.message)


def _place(source: Locator, part: object = None) -> str:
    """An id for a record that brings none; ``part`` tells apart those that share a gzip member."""
    return source.digest() if part is None else f"{source.digest()}:{part}"


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()

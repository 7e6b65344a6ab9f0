"""WARC files, plain, gzip or zstd: records with their fates, in splits of any size.

A split of a compressed file owns everything from the first sync point (see `members`) at or after
its start up to the first at or after its end; the split at byte 0 owns everything from there.
Bytes between that are no record belong to whoever reads what comes before them. Plain files
cannot be cut: the split at byte 0 owns the file.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, ClassVar, Literal

from pipeline.core.decisions import Signal, Verdict
from pipeline.core.errors import ConfigError, RecordError
from pipeline.core.records import Locator, RawRecord
from pipeline.sources.addresses import address
from pipeline.sources.base import Source, Split
from pipeline.sources.framing import RECORD_START, UNKNOWN, Framed, Stream, records
from pipeline.sources.http import MAX_HEADER, decode_body, parse_response, sniff_html, sniff_pdf
from pipeline.sources.inputs import expand, foreign_format, is_elsewhere, open_input
from pipeline.sources.members import (
    CHUNK,
    MAGIC,
    Member,
    Packing,
    Window,
    find_sync,
    is_sync,
    opens_record,
)
from pipeline.sources.payload_digest import DIGEST_SIGNAL, digest_outcome
from pipeline.sources.remote import RemoteFile
from pipeline.sources.stretches import (
    apart,
    check_opening,
    failure_of,
    not_warc,
    place_id,
    stretch,
)
from pipeline.sources.zstd_frames import ZstdPacking, is_zstd, zstd_packing

__all__ = ["WarcSource", "media_type"]

Digests = Literal["ignore", "note", "quarantine"]

FRAMING = 1 << 20  # bytes a block may have beyond its payload: chunk sizes
# Inflating what nobody will use stops here: half a second of work. A record of this size is no
# page, and the rest of its member is passed over by looking for the next one in the stored bytes.
SKIP_LIMIT = 256 << 20
LEADING_GARBAGE = 16 << 20  # bytes searched for a first record before a file is called no WARC
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)

AT_ONCE = 4  # files of a store that are looked at together
_STAMPS: dict[str, tuple[int, int]] = {}  # of files elsewhere, made afresh by every plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class WarcSource(Source):
    """WARC files (1.x and 0.x), plain, or gzip or zstd by the record or over the whole file.

    ``response`` records of an HTML type (or PDFs, if asked for) and a good status go on with their
    decoded body. Every other record has a ``drop``: ``warc.record_type``, ``warc.http_status``,
    ``warc.content_type``, ``warc.payload_bytes.low`` or ``.high``. What cannot be read has a
    ``failure``: ``warc.gzip``, ``warc.zstd``, ``warc.truncated``, ``warc.header``,
    ``warc.content_length``, ``warc.garbage``, ``warc.http_header``, ``warc.content_encoding``,
    ``warc.format``. A contiguous stretch of unreadable bytes is one record.

    A record's id is its WARC-Record-ID as written, or a hash of its place where it has none or
    where one repeats within a split.

    Args:
        paths: files or globs, local or with any protocol that fsspec knows.
        split_size: stored bytes in a split, about; 64 MiB is a few thousand pages.
        max_payload: largest decoded body in bytes. It bounds time and memory, too.
        content_types: media types that go on, in lower case. What the crawler identified outranks
            what the server declared; where neither says, a look at the body decides.
        http_status: status codes that go on.
        digests: whether ``WARC-Payload-Digest`` is compared with the payload: ``ignore`` it,
            ``note`` the outcome as the signal ``source.payload_digest`` (``match``, ``mismatch``,
            ``unchecked``), or ``quarantine`` a record whose digest differs, as
            ``warc.payload_digest``.

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
    digests: Digests = "ignore"

    def __post_init__(self) -> None:
        given: object = self.paths
        if isinstance(given, str):
            raise ConfigError(f"warc.paths is a list; write [{given!r}]")
        for field in ("paths", "content_types", "http_status"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        object.__setattr__(self, "paths", tuple(map(address, self.paths)))
        for field in ("split_size", "max_payload"):
            if getattr(self, field) < 1:
                raise ConfigError(f"warc.{field} must be at least 1, not {getattr(self, field)}")

    def plan(self) -> list[Split]:
        paths = expand(self.paths)
        if not any(map(is_elsewhere, paths)):
            return [split for path in paths for split in self._plan_file(path)]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return [split for splits in threads.map(self._plan_file, paths) for split in splits]

    def _plan_file(self, path: str) -> list[Split]:
        with open_input(path) as (file, size):
            _note(path, file)
            return self.cut(path, size, file.read(4))

    def stamp(self, path: str) -> tuple[int, int]:
        return _STAMPS[path] if path in _STAMPS else super().stamp(path)

    def cut(self, path: str, size: int, head: bytes) -> list[Split]:
        """The splits of one file of ``size`` bytes that begins with ``head``, four bytes of it."""
        compressed = head.startswith(MAGIC) or is_zstd(head)
        cuts = max(1, -(-size // self.split_size) if compressed else 1)
        bounds = [size * cut // cuts for cut in range(cuts + 1)]
        return [Split(path, *pair) for pair in itertools.pairwise(bounds)]

    def read(self, split: Split) -> Iterator[RawRecord]:
        with open_input(split.path, split.start, max(split.end, 1)) as (file, size):
            _note(split.path, file)
            yield from self.read_file(file, size, split)

    def read_file(self, file: BinaryIO, size: int, split: Split) -> Iterator[RawRecord]:
        """`read` from a file that is open already; ``split.path`` is what its records name."""
        yield from apart(self._read(Window(file, split.path, size), split))

    def read_places(
        self, file: BinaryIO, path: str, places: Iterable[Split]
    ) -> Iterator[RawRecord]:
        """The records that an index says are at certain places of a compressed file.

        A place that holds no record is one with a ``failure``.

        Args:
            file: open for reading.
            path: what the records name.
            places: where each begins and ends.
        """
        return apart(
            record
            for place in places
            for record in self._members(
                Window(file, path, place.end), place.start, place.end, Member
            )
        )

    def parameters(self) -> dict[str, Any]:
        noted = {} if self.digests == "ignore" else {"digests": self.digests}
        return {
            "max_payload": self.max_payload,
            "content_types": list(self.content_types),
            "http_status": list(self.http_status),
            **noted,
        }

    @property
    def signals(self) -> tuple[Signal, ...]:
        return () if self.digests == "ignore" else (DIGEST_SIGNAL,)

    def _read(self, window: Window, split: Split) -> Iterator[RawRecord]:
        if is_zstd(window.head):
            yield from self._zstd(window, split)
            return
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
        elif find_sync(window, 0, LEADING_GARBAGE, packing := ZstdPacking()) is not None:
            yield from self._members(window, 0, window.size, packing)
        elif foreign_format(head) is None and RECORD_START.search(head):
            yield from self._plain(window)
        else:
            yield stretch(window, 0, window.size, not_warc(head))

    def _zstd(self, window: Window, split: Split) -> Iterator[RawRecord]:
        try:
            packing = zstd_packing(window)
        except RecordError as error:  # without its dictionary no frame can be read
            if split.start == 0:
                yield stretch(window, 0, window.size, error)
            return
        first: int | None = packing.first
        if split.start > 0:
            first = find_sync(window, max(split.start, packing.first), split.end, packing)
        if first is not None:
            yield from self._members(window, first, split.end, packing)

    def _plain(self, window: Window) -> Iterator[RawRecord]:
        for framed in records(Stream(window.fetch), self._max_block):
            if framed.cut and framed.last and framed.fault is not None:
                framed.fault = RecordError("warc.truncated", "the file ends inside this record")
            yield self._record(
                framed, Locator(window.path, framed.start, framed.end - framed.start)
            )

    def _members(
        self, window: Window, offset: int, end: int, packing: Packing = Member
    ) -> Iterator[RawRecord]:
        while offset < window.size and not (offset >= end and is_sync(window, offset, packing)):
            offset = yield from self._member(window, offset, packing)

    def _member(
        self, window: Window, offset: int, packing: Packing
    ) -> Generator[RawRecord, None, int]:
        """The records of one member, or the stretch of bytes that is none; where it ends."""
        member, found, unread = packing(window, offset), 0, None
        try:
            stream = Stream(member.fetch, SKIP_LIMIT, member.extend)
            check_opening(window, offset, stream, packing)
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
            fault = RecordError("warc.unread", f"the rest of this {packing.name} was not read")
        except RecordError as error:
            fault = error
        after = find_sync(window, offset + 1, packing=packing)
        stop = window.size if after is None else after
        if fault.reason == "warc.truncated" and after is not None:
            fault = RecordError(packing.fault, "damaged: it does not end before the file does")
        if unread is not None:
            source = Locator(window.path, offset, -1 if found else stop - offset)
            yield self._record(unread, source, unread.start if found else None)
        if unread is None or found:
            yield stretch(window, offset, stop, fault, "rest" if found else None)
        return stop

    @property
    def _max_block(self) -> int:
        return self.max_payload + MAX_HEADER + FRAMING

    def _record(self, framed: Framed, source: Locator, inner: int | None = None) -> RawRecord:
        fields = framed.fields
        kind = fields.get("warc-type", "").lower()
        url = fields.get("warc-target-uri", "").strip("<> ")  # some writers bracket it
        record = RawRecord(fields.get("warc-record-id") or place_id(source, inner), url, source)
        meta: dict[str, str | int | None] = {
            "record_type": kind or None,
            "date": fields.get("warc-date"),
            "truncated": fields.get("warc-truncated"),
            "inflated_offset": inner,
        }
        record.meta.update({key: value for key, value in meta.items() if value is not None})
        if framed.fault is not None:
            record.failure = failure_of(framed.fault)
        else:
            try:
                record.drop = self._judge(framed, record)
            except RecordError as error:
                record.failure = failure_of(error)
        return record

    def _judge(self, framed: Framed, record: RawRecord) -> Verdict | None:
        """Fill in meta and payload; the verdict if the record does not go on."""
        kind = framed.fields.get("warc-type", "").lower()
        if kind != "response":
            return Verdict(False, "warc.record_type", None, None, kind or "none")
        carrier = media_type(framed.fields.get("content-type", "application/http"))
        if carrier != "application/http":  # such as DNS answers
            return Verdict(False, "warc.content_type", None, None, carrier)
        if framed.length == 0:
            return Verdict(False, "warc.payload_bytes.low", 0.0, 1.0)
        response = parse_response(framed.block)
        declared = response.fields.get("content-type", "")
        identified = framed.fields.get("warc-identified-payload-type", "")
        media = media_type(identified) or media_type(declared)
        record.meta["http_status"] = response.status
        if media:
            record.meta["content_type"] = media
        if (charset := CHARSET.search(declared)) is not None:
            record.meta["http_charset"] = charset[1]
        if encoding := response.fields.get("content-encoding"):
            record.meta["content_encoding"] = encoding
        if response.status not in self.http_status:
            return Verdict(False, "warc.http_status", float(response.status), None)
        if media and media not in self.content_types:
            return Verdict(False, "warc.content_type", None, None, media)
        stored = framed.length - (len(framed.block) - len(response.body))
        if framed.length > len(framed.block):
            return self._too_large(stored)
        declared_digest = framed.fields.get("warc-payload-digest", "")
        if declared_digest and self.digests != "ignore":
            outcome = digest_outcome(declared_digest, response, self.max_payload + 1)
            record.meta["payload_digest"] = outcome
            if outcome == "mismatch" and self.digests == "quarantine":
                message = f"the payload is not the one of {declared_digest[:80]}"
                raise RecordError("warc.payload_digest", message)
        payload = decode_body(response, self.max_payload + 1)
        if len(payload) > self.max_payload:
            return self._too_large(max(stored, len(payload)))
        if not payload:
            return Verdict(False, "warc.payload_bytes.low", 0.0, 1.0)
        if not media and not self._looks_right(payload):
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


def _note(path: str, file: BinaryIO) -> None:
    """Keep what a store said of a file when it was opened, so that it is not asked again."""
    if isinstance(file, RemoteFile):
        _STAMPS[path] = (file.stat.size, file.stat.modified)


def media_type(value: str) -> str:
    """A Content-Type without its parameters, in lower case."""
    return value.partition(";")[0].strip().lower()

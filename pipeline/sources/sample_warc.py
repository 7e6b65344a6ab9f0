"""WARC records of the embedded sample, written by hand: sound ones, and ones broken on purpose.

How a page comes about, and in what order the records stand, is `pipeline.sources.sample`.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import uuid
import zlib
from collections.abc import Mapping

from pipeline.core.records import Fate

__all__ = [
    "Response",
    "SampleRecord",
    "Stored",
    "corrupt_member",
    "garbage",
    "gzipped",
    "metadata",
    "overstated_length",
    "request",
    "response",
    "revisit",
    "truncated_member",
    "warcinfo",
]


@dataclasses.dataclass(frozen=True, slots=True)
class SampleRecord:
    """What is stored at one place of the sample, and what the quickstart makes of it.

    Args:
        name: unique in the sample.
        url: target URI, empty where there is none, or where damage hides it.
        record_type: the WARC type as written, ``"garbage"`` for bytes that are no record.
        expected_fate: its fate under ``configs/quickstart.yaml``.
        expected_reason_prefix: how the reason of that fate begins; None where it is kept.
        note: what it shows, in a few words.
        id: ``WARC-Record-ID`` as written, empty where there is none, or where damage hides it.
    """

    name: str
    url: str
    record_type: str
    expected_fate: Fate
    expected_reason_prefix: str | None
    note: str
    id: str


Stored = tuple[SampleRecord, bytes]


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, and what is expected of it.

    Args:
        name: unique in the sample; the record's id and date derive from it.
        url: where it was fetched.
        head: status line and header fields, without the blank line after them.
        body: as sent, content and transfer encodings applied.
        media: its true type.
        fate: its fate under ``configs/quickstart.yaml``.
        reason: the reason of that fate.
        note: what it shows.
    """

    name: str
    url: str
    head: str
    body: bytes
    media: str = "text/html"
    fate: Fate = Fate.KEPT
    reason: str | None = None
    note: str = ""


# --- sound records --------------------------------------------------------------------------


def response(page: Response) -> Stored:
    """The response record of a page."""
    record = SampleRecord(
        page.name, page.url, "response", page.fate, page.reason, page.note, _record_id(page.name)
    )
    return record, _response_member(page)


def warcinfo() -> Stored:
    """The record that opens the file."""
    fields = {"Content-Type": "application/warc-fields", "WARC-Filename": "sample.warc.gz"}
    block = "software: gristmill sample\r\nformat: WARC File Format 1.0\r\n"
    return _beside("warcinfo", "warcinfo", "", "what a crawler says of the file", fields, block)


def request(page: Response) -> Stored:
    """What was sent to get the page."""
    host, _, path = page.url.removeprefix("https://").partition("/")
    fields = {
        **_target(page, "application/http; msgtype=request"),
        "WARC-Concurrent-To": _record_id(page.name),
    }
    block = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sample/1.0\r\n\r\n"
    note = "what the crawler asked for"
    return _beside("request", f"{page.name}.request", page.url, note, fields, block)


def metadata(page: Response) -> Stored:
    """What a crawler notes beside the page."""
    fields = {
        **_target(page, "application/warc-fields"),
        "WARC-Concurrent-To": _record_id(page.name),
    }
    note = "what the crawler noted beside the page"
    name = f"{page.name}.metadata"
    return _beside("metadata", name, page.url, note, fields, "fetchTimeMs: 214\r\n")


def revisit(page: Response) -> Stored:
    """The page met again, unchanged: its header without its body."""
    fields = {
        **_target(page, "application/http; msgtype=response"),
        "WARC-Profile": "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest",
        "WARC-Refers-To": _record_id(page.name),
        "WARC-Payload-Digest": _digest(page.body),
    }
    note = f"{page.name} met again, unchanged: the header without the page"
    block = page.head + "\r\n\r\n"
    return _beside("revisit", f"{page.name}.revisit", page.url, note, fields, block)


# --- damage ---------------------------------------------------------------------------------


def corrupt_member(page: Response) -> Stored:
    """A gzip member with zeros written over its middle."""
    record, data = _damaged(page, "member", "warc.gzip", "a gzip member, partly overwritten")
    middle = len(data) // 2
    data = data[:middle] + bytes(32) + data[middle + 32 :]
    return dataclasses.replace(record, url="", id=""), data


def garbage() -> Stored:
    """Bytes between two gzip members that belong to neither."""
    note = "bytes between two gzip members that belong to neither"
    record = SampleRecord(
        "damage-garbage", "", "garbage", Fate.QUARANTINED, "warc.garbage", note, ""
    )
    return record, b"what a full disk left behind\n" * 20


def overstated_length(page: Response) -> Stored:
    """A Content-Length beyond the end of the member."""
    note = "a Content-Length beyond the end of the member"
    return _damaged(page, "length", "warc.content_length", note, overstated=10_000)


def truncated_member(page: Response) -> Stored:
    """A member of which the last third is missing: only at the end of a file."""
    note = "the file ends in the middle of its last member"
    record, data = _damaged(page, "truncated", "warc.truncated", note)
    return dataclasses.replace(record, url="", id=""), data[: len(data) * 2 // 3]


def _damaged(
    page: Response, name: str, reason: str, note: str, overstated: int = 0
) -> tuple[SampleRecord, bytes]:
    """A copy of a page under a name of its own, to be broken."""
    url = f"https://damaged.example/{name}"
    copy = dataclasses.replace(page, name=f"damage-{name}", url=url)
    fate = Fate.QUARANTINED
    identifier = _record_id(copy.name)
    record = SampleRecord(copy.name, url, "response", fate, reason, note, identifier)
    return record, _response_member(copy, overstated)


# --- bytes ----------------------------------------------------------------------------------


def gzipped(data: bytes) -> bytes:
    """One gzip member, without a name, its time 0."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    return compressor.compress(data) + compressor.flush()


def _response_member(page: Response, overstated: int = 0) -> bytes:
    fields = {
        **_target(page, "application/http; msgtype=response"),
        "WARC-Payload-Digest": _digest(page.body),
        "WARC-Identified-Payload-Type": page.media,
    }
    block = page.head.encode() + b"\r\n\r\n" + page.body
    return _member("response", page.name, fields, block, overstated)


def _beside(
    kind: str, name: str, url: str, note: str, fields: Mapping[str, str], block: str
) -> Stored:
    """A record of a type that holds no page."""
    identifier = _record_id(name)
    reason = "warc.record_type"
    record = SampleRecord(name, url, kind, Fate.DROPPED, reason, note, identifier)
    return record, _member(kind, name, fields, block.encode())


def _member(
    kind: str, name: str, fields: Mapping[str, str], block: bytes, overstated: int = 0
) -> bytes:
    """A record in its gzip member; ``overstated`` is added to its Content-Length."""
    minute, second = divmod(zlib.crc32(name.encode()) % 3600, 60)
    lines = {
        "WARC-Type": kind,
        "WARC-Date": f"2024-05-14T07:{minute:02}:{second:02}Z",
        "WARC-Record-ID": _record_id(name),
        "Content-Length": str(len(block) + overstated),
        **fields,
    }
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    return gzipped(b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n")


def _target(page: Response, content_type: str) -> dict[str, str]:
    return {
        "Content-Type": content_type,
        "WARC-Warcinfo-ID": _record_id("warcinfo"),
        "WARC-IP-Address": "203.0.113.7",  # kept free for documentation (RFC 5737)
        "WARC-Target-URI": page.url,
    }


def _record_id(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'https://sample.example/{name}')}>"


def _digest(data: bytes) -> str:
    sha1 = hashlib.sha1(data, usedforsecurity=False).digest()
    return "sha1:" + base64.b32encode(sha1).decode()

"""WARC files in zstd frames, with and without a dictionary, cut anywhere and damaged anywhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import struct
from base64 import b32encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.records import RawRecord
from pipeline.sources.base import Split
from pipeline.sources.warc import WarcSource
from pipeline.sources.wet import WetSource
from pipeline.sources.zstd_frames import zstd

BODIES = [b"<html>the mill by the river grinds %d sacks of grain" % n for n in range(40)]


def page(number: int, body: bytes, digest: str = "") -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    declared = f"WARC-Payload-Digest: {digest}\r\n".encode() if digest else b""
    return (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:x:%d>\r\n%s"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
    ) % (number, declared, len(block), block)


PAGES = [page(number, body) for number, body in enumerate(BODIES)]
DICTIONARY = zstd.train_dict(PAGES * 8, 2000)


def skippable(data: bytes, number: int = 0) -> bytes:
    return struct.pack("<II", 0x184D2A50 + number, len(data)) + data


def by_record(pages: list[bytes], dictionary: zstd.ZstdDict | None = None) -> bytes:
    return b"".join(zstd.compress(one, zstd_dict=dictionary) for one in pages)


STORED = {
    "by the record": by_record(PAGES),
    "whole": zstd.compress(b"".join(PAGES)),
    "dictionary": skippable(DICTIONARY.dict_content, 13) + by_record(PAGES, DICTIONARY),
    "packed dictionary": skippable(zstd.compress(DICTIONARY.dict_content), 13)
    + by_record(PAGES, DICTIONARY),
    "skippable frames": b"".join(
        skippable(b"four" * n, n % 13) + zstd.compress(one) for n, one in enumerate(PAGES)
    )
    + skippable(b"the end"),
    "several frames for a record": b"".join(
        zstd.compress(one[:50]) + skippable(b"x") + zstd.compress(one[50:]) for one in PAGES
    ),
    "empty frames": b"".join(zstd.compress(b"") + zstd.compress(one) for one in PAGES),
}


def read(stored: bytes, cuts: tuple[int, ...] = (), **options: object) -> list[RawRecord]:
    source = WarcSource(paths=(), **options)  # type: ignore[arg-type]
    bounds = sorted({0, *cuts, len(stored)})
    return [
        record
        for start, end in itertools.pairwise(bounds)
        for record in source.read_file(io.BytesIO(stored), len(stored), Split("a", start, end))
    ]


@pytest.mark.parametrize("kind", STORED)
def test_every_packing_gives_every_record(kind: str) -> None:
    stored = STORED[kind]
    records = read(stored)
    assert [record.payload for record in records] == BODIES
    if kind != "whole":
        assert all(
            one.source.offset + one.source.length <= two.source.offset
            for one, two in itertools.pairwise(records)
        )
    assert len(WarcSource(paths=(), split_size=100).cut("a", len(stored), stored[:4])) > 1


@settings(max_examples=60)
@given(st.sampled_from(list(STORED)), st.lists(st.integers(0, 5000), max_size=6))
def test_cuts_anywhere_give_the_same_records(kind: str, cuts: list[int]) -> None:
    stored = STORED[kind]
    cut = read(stored, tuple(at % len(stored) for at in cuts))
    whole = read(stored)
    assert [(one.id, one.source, one.payload) for one in cut] == [
        (one.id, one.source, one.payload) for one in whole
    ]


@settings(max_examples=60)
@given(st.sampled_from(list(STORED)), st.integers(0, 10_000), st.integers(1, 255))
def test_damage_costs_what_it_hits(kind: str, at: int, flip: int) -> None:
    stored = bytearray(STORED[kind])
    stored[at % len(stored)] ^= flip
    records = read(bytes(stored))
    sound = [record for record in records if record.failure is None and record.payload in BODIES]
    assert records
    if kind in ("by the record", "empty frames"):
        assert len(sound) >= len(BODIES) - 2


def test_a_file_that_breaks_off() -> None:
    *sound, last = read(STORED["by the record"][:-9])
    assert len(sound) == len(BODIES) - 1
    assert last.failure is not None
    assert last.failure.reason == "warc.truncated"


@pytest.mark.parametrize(
    "head",
    [
        skippable(b"\x37\xa4\x30\xecno dictionary", 13),
        skippable(b"something else", 13),
        struct.pack("<II", 0x184D2A5D, 1 << 30),
        skippable(zstd.compress(bytes(20 << 20)), 13),
    ],
)
def test_a_dictionary_that_is_none(head: bytes) -> None:
    [record] = read(head + by_record(PAGES, DICTIONARY), cuts=(len(head) + 500,))
    assert record.failure is not None
    assert record.failure.reason == "warc.zstd"
    assert record.source.length > 1000


def test_a_bomb_is_bounded() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + bytes(200 << 20)
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n" % len(block)
    records = read(zstd.compress(head + block + b"\r\n\r\n") + by_record(PAGES[:1]))
    assert [record.drop and record.drop.reason for record in records] == [
        "warc.payload_bytes.high",
        None,
    ]


def test_zstd_that_holds_something_else() -> None:
    [record] = read(zstd.compress(b'{"text": "a line of JSON"}\n' * 99))
    assert record.failure is not None
    assert record.failure.reason == "warc.format"


# --- digests ----------------------------------------------------------------------------------


def sha1(body: bytes) -> bytes:
    return hashlib.sha1(body).digest()


@pytest.mark.parametrize(
    ("digest", "outcome"),
    [
        ("sha1:" + b32encode(sha1(BODIES[0])).decode(), "match"),
        ("SHA1:" + sha1(BODIES[0]).hex(), "match"),
        ("sha-256:" + hashlib.sha256(BODIES[0]).hexdigest(), "match"),
        ("sha1:" + b32encode(sha1(b"another")).decode(), "mismatch"),
        ("sha1:broken", "unchecked"),
        ("crc32:abcd", "unchecked"),
        ("", None),
    ],
)
def test_a_digest_is_noted_or_decides(digest: str, outcome: str | None) -> None:
    stored = page(0, BODIES[0], digest)
    [noted] = read(stored, digests="note")
    assert noted.meta.get("payload_digest") == outcome
    assert noted.payload == BODIES[0]
    [decided] = read(stored, digests="quarantine")
    reason = decided.failure.reason if decided.failure else None
    assert reason == ("warc.payload_digest" if outcome == "mismatch" else None)
    assert "payload_digest" not in read(stored)[0].meta


def test_a_digest_of_the_body_without_chunks_is_a_match() -> None:
    body = b"5\r\n<html\r\n6\r\n>mill.\r\n0\r\n\r\n"
    block = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    )
    digest = b32encode(sha1(b"<html>mill."))
    stored = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Payload-Digest: sha1:%s\r\n"
        b"Content-Length: %d\r\n\r\n%s\r\n\r\n"
    ) % (digest, len(block), block)
    [record] = read(stored, digests="note")
    assert record.meta["payload_digest"] == "match"


# --- WET --------------------------------------------------------------------------------------


def conversion(text: bytes, kind: str = "conversion", media: str = "text/plain") -> bytes:
    return (
        b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: https://mill.test/\r\n"
        b"WARC-Identified-Content-Language: eng,deu\r\nContent-Type: %s\r\n"
        b"Content-Length: %d\r\n\r\n%s\r\n\r\n"
    ) % (kind.encode(), media.encode(), len(text), text)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
def test_wet_records_are_texts(pack: object) -> None:
    members = [
        conversion(b"isPartOf: CC-MAIN-2024-22", "warcinfo", "application/warc-fields"),
        conversion("Die Mühle\nmahlt.\n".encode()),
        conversion(b"<p>", media="text/html"),
        conversion(b" \n"),
        conversion(b"\xff grain"),
        conversion(b"x" * 300),
    ]
    stored = b"".join(pack(member) for member in members)  # type: ignore[operator]
    source = WetSource(paths=(), max_payload=200)
    whole = Split("a", 0, len(stored))
    records = list(source.read_file(io.BytesIO(stored), len(stored), whole))
    assert [record.drop and record.drop.reason for record in records] == [
        "wet.record_type",
        None,
        "wet.content_type",
        "wet.payload_bytes.low",
        None,
        "wet.payload_bytes.high",
    ]
    assert records[1].text == "Die Mühle\nmahlt."
    assert records[1].meta["declared_languages"] == "eng,deu"
    assert records[4].text == "� grain"

"""Splits of any size give the same records, whatever lies between the records."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.core.records import RawRecord
from pipeline.sources.base import Split
from pipeline.sources.warc import WarcSource

QUIET = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def page(number: int, body: bytes) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>" + body
    return (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:x:%d>\r\n"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
    ) % (number, len(block), block)


# What a damaged or careless writer leaves between two records.
NOISE = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.just(b"\x1f\x8b\x08"),
    st.just(b"\0" * 30),
    st.just(gzip.compress(b"", mtime=0)),
    st.just(gzip.compress(b"\r\n\r\n", mtime=0)),
    st.just(gzip.compress(b"no record in here, though it is a gzip member", mtime=0)),
    st.just(gzip.compress(page(0, b"cut off"), mtime=0)[:-9]),
    st.just(b"WARC/1.0\r\nWARC-Type: response\r\n"),
)


def damaged(member: bytes, at: int) -> bytes:
    at %= len(member)
    return member[:at] + bytes([member[at] ^ 0x55]) + member[at + 1 :]


@st.composite
def stored_files(draw: st.DrawFn) -> bytes:
    pieces = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        body = draw(st.binary(max_size=60))
        member = gzip.compress(page(number, body), draw(st.sampled_from([0, 6])), mtime=0)
        if number > 1 and draw(st.integers(0, 4)) == 0:
            member = damaged(member, draw(st.integers(0, 1000)))
        pieces.append(member)
        if draw(st.integers(0, 2)) == 0:
            pieces.append(draw(NOISE))
    return b"".join(pieces)


def read(path: Path, bounds: list[int]) -> list[RawRecord]:
    source = WarcSource(paths=(str(path),))
    splits = [Split(str(path), *pair) for pair in itertools.pairwise(bounds)]
    return [record for split in splits for record in source.read(split)]


@QUIET
@given(stored=stored_files(), data=st.data())
def test_cuts_anywhere_give_the_same_records(
    stored: bytes, data: st.DataObject, tmp_path: Path
) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(stored)
    size = len(stored)
    whole = read(path, [0, size])
    cuts = data.draw(st.lists(st.integers(0, size), max_size=8))
    assert read(path, sorted([0, *cuts, size])) == whole
    ids = Counter(record.id for record in whole)
    assert max(ids.values(), default=0) <= 1


@settings(QUIET, max_examples=8)
@given(stored=stored_files())
def test_splits_of_one_byte_give_the_same_records(stored: bytes, tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(stored)
    assert read(path, list(range(len(stored) + 1))) == read(path, [0, len(stored)])


@QUIET
@given(stored=stored_files())
def test_every_sound_record_survives_and_every_byte_has_an_owner(
    stored: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(stored)
    records = read(path, [0, len(stored)])
    end = 0
    for record in records:
        gap = stored[end : record.source.offset]
        assert gap == b"" or not gzip.decompress(gap).strip(b"\r\n")  # only empty gzip members
        end = record.source.offset + record.source.length
    for record in records:
        assert (record.payload is None) == (record.drop is not None or record.failure is not None)
        if record.payload is not None:
            where = record.source
            assert record.payload in gzip.decompress(
                stored[where.offset : where.offset + where.length]
            )


@pytest.mark.parametrize("split_size", [1, 1000, 4096, 10**9])
def test_planned_splits_cover_the_file(split_size: int, tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(b"".join(gzip.compress(page(n, b"x" * n), mtime=0) for n in range(30)))
    source = WarcSource(paths=(str(path),), split_size=split_size)
    splits = source.plan()
    assert splits == sorted(splits)
    assert splits[0].start == 0
    assert splits[-1].end == path.stat().st_size
    assert all(one.end == two.start for one, two in itertools.pairwise(splits))
    found = [record.id for split in splits for record in source.read(split)]
    assert found == [f"<urn:x:{n}>" for n in range(30)]

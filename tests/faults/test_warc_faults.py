"""Damage of every kind: what is broken costs itself, is accounted for, and nothing else is lost."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.errors import SourceError
from pipeline.core.records import RawRecord
from pipeline.sources.base import Split
from pipeline.sources.warc import WarcSource

PAGES = 6


def warc(number: int, body: bytes, length: int | None = None, kind: bytes = b"response") -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    return (
        b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:x:%d>\r\n"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
    ) % (kind, number, len(block) if length is None else length, block)


def body(number: int) -> bytes:
    words = random.Random(number).choices(["grist", "mill", "stone", "flour", "sack"], k=40)
    return f"<html>{number} {' '.join(words)}</html>".encode()


RECORDS = [warc(number, body(number)) for number in range(PAGES)]
MEMBERS = [gzip.compress(record, mtime=0) for record in RECORDS]
STARTS = [sum(map(len, MEMBERS[:number])) for number in range(PAGES + 1)]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[RawRecord]]:
    def read(stored: bytes, **parameters: int) -> list[RawRecord]:
        path = tmp_path / "crawl.warc.gz"
        path.write_bytes(stored)
        source = WarcSource(paths=(str(path),), **parameters)
        return [record for split in source.plan() for record in source.read(split)]

    return read


Reader = Callable[..., list[RawRecord]]


def survivors(records: list[RawRecord]) -> dict[int, bytes | None]:
    return {
        int(record.id.removeprefix("<urn:x:").rstrip(">")): record.payload
        for record in records
        if record.payload is not None
    }


def reasons(records: list[RawRecord]) -> list[str]:
    return [record.failure.reason for record in records if record.failure is not None]


def expected(*missing: int) -> dict[int, bytes | None]:
    return {number: body(number) for number in range(PAGES) if number not in missing}


@pytest.mark.parametrize("offset", range(STARTS[2] + 1))
def test_a_file_cut_at_any_byte_loses_only_the_record_cut(offset: int, read: Reader) -> None:
    stored = b"".join(MEMBERS)[: STARTS[PAGES - 2] + offset]
    whole = sum(end <= len(stored) for end in STARTS[1:])
    records = read(stored)
    assert survivors(records) == {number: body(number) for number in range(whole)}
    clean = len(stored) in STARTS
    assert reasons(records) == ([] if clean else ["warc.truncated"])
    if not clean:
        assert records[-1].source.offset == STARTS[whole]
        assert records[-1].source.length == len(stored) - STARTS[whole]


@pytest.mark.parametrize("number", [0, 2, PAGES - 1])
def test_a_byte_changed_anywhere_costs_at_most_its_own_record(number: int, read: Reader) -> None:
    for at in range(len(MEMBERS[number])):
        stored = bytearray(b"".join(MEMBERS))
        stored[STARTS[number] + at] ^= 1 << (at % 8)
        records = read(bytes(stored))
        found = survivors(records)
        if number in found:  # a time stamp or another field that carries nothing
            assert found == expected()
            assert reasons(records) == []
        else:
            assert found == expected(number)
            assert len(records) == PAGES
            [broken] = [record for record in records if record.failure is not None]
            assert (broken.source.offset, broken.source.length) == (
                STARTS[number],
                len(MEMBERS[number]),
            )
            assert broken.failure is not None
            assert broken.failure.stage == "source"
            assert broken.failure.message


def test_a_byte_changed_in_a_plain_file_costs_at_most_its_own_record(read: Reader) -> None:
    starts = [sum(map(len, RECORDS[:n])) for n in range(PAGES + 1)]
    for at in range(starts[2], starts[3]):
        stored = bytearray(b"".join(RECORDS))
        stored[at] ^= 1 << (at % 7)
        records = read(bytes(stored))
        intact = {record.payload for record in records}
        assert {body(n) for n in range(PAGES) if n != 2} <= intact, at
        assert len(records) <= PAGES + 1  # the record and, at worst, a stretch that is none


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 5000,
        b"\x1f\x8b\x08" * 50,
        b"garbage \x1f\x8b\x08\x00 and more",
        random.Random(1).randbytes(70_000),
        MEMBERS[0][: len(MEMBERS[0]) // 2],
        RECORDS[0][:100],
        b"<pre>\nWARC/1.0\r\nis how a record begins</pre>",
        gzip.compress(b"a member that holds no record"),
    ],
    ids=range(8),
)
def test_garbage_between_records_is_one_record(garbage: bytes, packed: bool, read: Reader) -> None:
    pieces = MEMBERS if packed else RECORDS
    records = read(b"".join(pieces[:3]) + garbage + b"".join(pieces[3:]))
    assert survivors(records) == expected()
    assert len(reasons(records)) == 1
    assert len(records) == PAGES + 1
    stretch = next(record for record in records if record.failure is not None)
    assert stretch.source.length == len(garbage)


@pytest.mark.parametrize("packing", ["by the record", "whole", "plain"])
@pytest.mark.parametrize("length", [0, 10, 200, 400, 5000, 10**8, 10**12, 10**17])
def test_a_lying_content_length_costs_only_its_record(
    packing: str, length: int, read: Reader
) -> None:
    records = [*RECORDS[:3], warc(99, body(99), length), *RECORDS[3:]]
    stored = {
        "by the record": b"".join(map(gzip.compress, records)),
        "whole": gzip.compress(b"".join(records)),
        "plain": b"".join(records),
    }[packing]
    tracemalloc.start()
    found = read(stored)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 << 20  # what is claimed is never reserved
    assert survivors(found) == expected()
    assert reasons(found) == ["warc.content_length"]
    assert found[3].id == "<urn:x:99>"


@pytest.mark.parametrize("declared", [b"", b"-5", b"0x10", b"many", b"9" * 5000, "٣".encode()])
@pytest.mark.parametrize("packed", [True, False])
def test_a_content_length_that_is_no_number_costs_only_its_record(
    declared: bytes, packed: bool, read: Reader
) -> None:
    odd = RECORDS[0].replace(b"Content-Length: ", b"Content-Length: %s\r\nX: " % declared)
    pieces = [*RECORDS[:3], odd.replace(b"<urn:x:0>", b"<urn:x:99>"), *RECORDS[3:]]
    records = read(b"".join(map(gzip.compress, pieces) if packed else pieces))
    assert survivors(records) == expected()
    assert reasons(records) in (["warc.content_length"], ["warc.header"])
    assert records[3].id == "<urn:x:99>"


@pytest.mark.parametrize("packed", [True, False])
def test_records_without_headers_and_headers_without_end(packed: bool, read: Reader) -> None:
    nameless = b"WARC/1.0\r\n\r\n" + body(99) + b"\r\n\r\n"
    endless = b"WARC/1.0\r\n" + b"X-Field: x\r\n" * 10_000
    pieces = [nameless, *RECORDS[:3], endless, *RECORDS[3:], nameless]
    records = read(b"".join(map(gzip.compress, pieces) if packed else pieces))
    assert survivors(records) == expected()
    assert reasons(records) == ["warc.header"] * 3


def test_a_whole_file_in_one_damaged_member_gives_what_comes_before(read: Reader) -> None:
    many = [warc(n, random.Random(n).randbytes(3000)) for n in range(400)]
    stored = bytearray(gzip.compress(b"".join(many), 1, mtime=0))
    for damage, reason in (("cut", "warc.truncated"), ("changed", "warc.gzip")):
        broken = stored[: len(stored) * 2 // 3]
        if damage == "changed":
            broken = bytearray(stored)
            broken[len(stored) * 2 // 3] ^= 0xFF
            broken[-8] ^= 0xFF
        records = read(bytes(broken))
        found = sorted(survivors(records))
        assert found == list(range(len(found)))
        assert len(found) > 200
        assert reasons(records) == [reason]
        assert len({record.id for record in records}) == len(records)


def bomb(inflated: int, head: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block, pieces = b"\0" * (1 << 20), [packer.compress(head)]
    pieces += [packer.compress(block) for _ in range(inflated >> 20)]
    return b"".join([*pieces, packer.flush()])


@pytest.mark.parametrize("honest", [True, False])
def test_a_gzip_bomb_costs_bounded_memory_and_only_its_record(honest: bool, read: Reader) -> None:
    size = 300 << 20
    head = warc(99, b"", size if honest else 100)[:-4]
    stored = b"".join(MEMBERS[:3]) + bomb(size, head) + b"".join(MEMBERS[3:])
    tracemalloc.start()
    records = read(stored, max_payload=1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 << 20
    assert survivors(records) == expected()
    assert len(records) == PAGES + 1
    exploded = records[3]
    assert exploded.id == "<urn:x:99>"
    assert exploded.source.offset == STARTS[3]
    assert exploded.source.length == len(stored) - STARTS[PAGES]
    if honest:
        assert exploded.drop is not None
        assert exploded.drop.reason == "warc.payload_bytes.high"
        assert exploded.drop.value is not None
        assert exploded.drop.value > 250 << 20
    else:
        assert reasons(records) == ["warc.content_length"]


def test_an_http_bomb_is_dropped_without_being_inflated(read: Reader) -> None:
    packed = bomb(100 << 20, b"<html>")
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + packed
    record = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:x:99>\r\nContent-Length: %d"
        b"\r\n\r\n%s\r\n\r\n" % (len(block), block)
    )
    tracemalloc.start()
    records = read(gzip.compress(record) + b"".join(MEMBERS))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 << 20
    assert survivors(records) == expected()
    assert records[0].drop is not None
    assert records[0].drop.reason == "warc.payload_bytes.high"


def test_a_hundred_megabyte_page_is_dropped_and_the_rest_survives(read: Reader) -> None:
    page = warc(99, b"<html>".ljust(100 << 20, b"x"))
    for stored in (
        gzip.compress(page, 1) + b"".join(MEMBERS),
        page + b"".join(RECORDS),
        gzip.compress(page + b"".join(RECORDS), 1),
    ):
        records = read(stored)
        assert survivors(records) == expected()
        assert records[0].drop is not None
        assert records[0].drop.reason == "warc.payload_bytes.high"
        assert records[0].drop.value == 100 << 20


def test_null_bytes_in_a_page_are_handed_on(read: Reader) -> None:
    [record] = read(gzip.compress(warc(0, b"<html>\0a\0</html>")))
    assert record.payload == b"<html>\0a\0</html>"


class FailingFile(io.BytesIO):
    """A disk that gives out after so many bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            raise OSError(5, "Input/output error")
        return super().read(min(size or 0, STARTS[3]))


def test_a_read_that_fails_names_the_file_and_costs_no_record() -> None:
    stored = b"".join(MEMBERS)
    source = WarcSource(paths=())
    split = Split("failing.warc.gz", 0, len(stored))
    found: list[RawRecord] = []
    with pytest.raises(SourceError, match=r"failing\.warc\.gz.*Input/output error"):
        found.extend(source.read_file(FailingFile(stored), len(stored), split))
    assert survivors(found) == {0: body(0), 1: body(1)} | ({2: body(2)} if len(found) > 2 else {})


def test_a_file_that_is_gone_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.warc"):
        list(WarcSource(paths=()).read(Split(str(tmp_path / "gone.warc"), 0, 10)))

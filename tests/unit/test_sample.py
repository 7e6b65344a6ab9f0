"""The embedded sample: what it holds, that its WARC is sound where it should be, and repeatable.

That a run gives every record its expected fate is tested in ``tests/integration``.
"""

from __future__ import annotations

import io
import zlib
from collections import Counter
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from pipeline.core.records import Fate, RawRecord
from pipeline.sources.sample import SampleRecord, sample_records, write_sample
from pipeline.sources.warc import WarcSource


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SampleRecord]]:
    path = tmp_path_factory.mktemp("sample") / "sample.warc.gz"
    return path, write_sample(path)


@pytest.fixture(scope="module")
def read(sample: tuple[Path, list[SampleRecord]]) -> list[RawRecord]:
    source = WarcSource(paths=(str(sample[0]),))
    return [record for split in source.plan() for record in source.read(split)]


def test_writing_twice_gives_the_same_bytes(
    sample: tuple[Path, list[SampleRecord]], tmp_path: Path
) -> None:
    path, written = sample
    again = tmp_path / "again.warc.gz"
    again.write_bytes(b"an older and longer file" * 100_000)
    assert write_sample(again) == written == sample_records()
    assert again.read_bytes() == path.read_bytes()


def test_it_is_small(sample: tuple[Path, list[SampleRecord]]) -> None:
    path, records = sample
    assert path.stat().st_size < 250_000
    assert 60 <= len(records) <= 120


def test_names_and_ids_are_unique_and_a_drop_has_a_reason() -> None:
    records = sample_records()
    assert len({record.name for record in records}) == len(records)
    ids = [record.id for record in records if record.id]
    assert len(set(ids)) == len(ids)
    for record in records:
        assert (record.expected_fate is Fate.KEPT) == (record.expected_reason_prefix is None)
        assert record.note


def test_every_family_of_reasons_is_represented() -> None:
    reasons = Counter(
        (record.expected_reason_prefix or "kept").split(".")[0] for record in sample_records()
    )
    assert reasons.keys() == {
        "kept", "warc", "url", "prescreen", "extract", "language", "gopher_repetition",
        "gopher_quality", "c4", "fineweb", "payload", "dedup",
    }  # fmt: skip
    assert 30 <= reasons["kept"] <= 40


def test_pages_stand_on_domains_that_nobody_can_register() -> None:
    for record in sample_records():
        host = record.url.removeprefix("https://").split("/")[0]
        assert not host or host.endswith(".example")


def test_the_reader_finds_each_record_in_its_place(
    sample: tuple[Path, list[SampleRecord]], read: list[RawRecord]
) -> None:
    path, records = sample
    assert len(read) == len(records)
    offset = 0
    for found, record in zip(read, records, strict=True):
        assert found.source.offset == offset, record.name
        offset += found.source.length
        reason = found.failure.reason if found.failure else found.drop and found.drop.reason
        if (record.expected_reason_prefix or "").startswith("warc."):
            assert reason == record.expected_reason_prefix, record.name
        else:
            assert reason is None, record.name
            assert found.payload, record.name
        if record.id:
            assert (found.id, found.url) == (record.id, record.url)
            assert found.meta["record_type"] == record.record_type
    assert offset == path.stat().st_size


def test_sound_records_are_sound_to_another_reader(
    sample: tuple[Path, list[SampleRecord]], read: list[RawRecord]
) -> None:
    path, records = sample
    stored = path.read_bytes()
    damaged = {"warc.gzip", "warc.garbage", "warc.content_length", "warc.truncated"}
    for found, record in zip(read, records, strict=True):
        if record.expected_reason_prefix in damaged:
            continue
        start = found.source.offset
        member = stored[start : start + found.source.length]
        assert member[4:8] == bytes(4), "the gzip header names a time"
        inflater = zlib.decompressobj(31)
        block = inflater.decompress(member)
        assert inflater.eof
        assert not inflater.unused_data
        assert block.endswith(b"\r\n\r\n")
        [parsed] = [
            (
                item.record_id,
                item.headers["WARC-Type"],
                item.content_length,
                item.headers.get("WARC-Payload-Digest") is None
                or record.record_type == "revisit"
                or item.verify_payload_digest(),
            )
            for item in ArchiveIterator(io.BytesIO(member), parse_http=True)
        ]
        identifier, kind, length, digest_holds = parsed
        assert identifier.strip("<>") == record.id.strip("<>")
        assert kind == record.record_type
        assert digest_holds, record.name
        head, _, body = block.partition(b"\r\n\r\n")
        assert head.startswith(b"WARC/1.0\r\n")
        assert f"Content-Length: {len(body) - 4}\r\n".encode() in head + b"\r\n"
        assert 0 <= length <= len(body) - 4


def test_it_shows_each_way_of_sending_a_page(read: list[RawRecord]) -> None:
    pages = [record for record in read if record.payload is not None]
    charsets = {record.meta.get("http_charset") for record in pages}
    assert {"utf-8", "iso-8859-1", "gb2312", None} <= charsets
    payloads = [record.payload or b"" for record in pages]
    assert any(payload.startswith(b"\xff\xfe") for payload in payloads), "UTF-16"
    assert any(b"\0" in payload and payload[:2] != b"\xff\xfe" for payload in payloads), "zeros"
    # Whatever the encoding in transit was, what is read is HTML.
    assert all(b"<" in payload for payload in payloads)


def test_a_page_that_was_met_twice_differs_by_its_edits_only(read: list[RawRecord]) -> None:
    payloads = {record.url: (record.payload or b"").decode("utf-8", "replace") for record in read}
    story = payloads["https://harrowford.example/news/footbridge-to-close-for-eleven-weeks"]
    later = payloads["https://harrowford.example/news/footbridge-to-close-for-eleven-weeks-update"]
    paragraphs = set(story.split("\n"))
    changed = [line for line in later.split("\n") if line not in paragraphs]
    assert 0 < sum("<p>" in line for line in changed) <= 4


def test_it_cannot_be_written_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_sample(tmp_path / "missing" / "sample.warc.gz")

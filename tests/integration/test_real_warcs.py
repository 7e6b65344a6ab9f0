"""Crawls that others made, sound and broken: every file is read, and read right."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from pipeline.core.records import RawRecord
from pipeline.sources.base import Split
from pipeline.sources.charset import decode
from pipeline.sources.warc import WarcSource
from pipeline.sources.wet import WetSource

FOREIGN = (".arc", ".arc.gz", ".lz4", ".bz2")

# Files that other readers give up on, or misread: records and faults that are there when one
# looks at the bytes.
ODD: dict[str, tuple[int, list[str]]] = {
    "gowarc/corrupted-mid-record.warc.gz.open": (13, ["warc.garbage"]),
    "gowarc/corrupted-trailing-bytes.warc.gz.open": (31, ["warc.garbage"]),
    "ipwb/HTTP204.warc": (3, ["warc.content_length"] * 2),
    "ipwb/broken.warc": (6, ["warc.content_length"]),
    "ipwb/redirect.warc": (2, ["warc.truncated"]),  # line ends were changed after it was written
    "resiliparse/clipped.warc.gz": (1, ["warc.truncated"]),
    "richardlehane/jhove/valid/valid-warcfile-upper-lower-case.warc": (5, []),
    "solrwayback/compressions_warc/transfer_compression_none_truncated.warc.gz": (
        3,
        ["warc.truncated"],
    ),
    "solrwayback/example_warc/Evil-Warc-Headers.warc": (1, ["warc.truncated"]),
    "warcio/example-trunc.warc": (4, ["warc.content_length"]),
}


def read(path: Path, bounds: list[int] | None = None) -> list[RawRecord]:
    source = WarcSource(paths=(str(path),), max_payload=64 << 20)
    splits = source.plan()
    if bounds is not None:
        splits = [Split(splits[0].path, *pair) for pair in itertools.pairwise(bounds)]
    return [record for split in splits for record in source.read(split)]


@pytest.fixture(scope="module")
def real(shared_data: Path) -> dict[str, Path]:
    folder = shared_data / "web" / "warc" / "real"
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in sorted(files)}


@pytest.fixture(scope="module")
def found(real: dict[str, Path]) -> dict[str, list[RawRecord]]:
    return {name: read(path) for name, path in real.items()}


def faults(records: list[RawRecord]) -> list[str]:
    return [record.failure.reason for record in records if record.failure is not None]


def test_every_record_has_one_fate_and_one_id(found: dict[str, list[RawRecord]]) -> None:
    assert len(found) > 100
    for name, records in found.items():
        assert len({record.id for record in records}) == len(records), name
        for record in records:
            fates = [record.payload is not None, record.drop is not None, bool(record.failure)]
            assert sum(fates) == 1, (name, record.id)


def test_files_of_other_formats_are_one_fault_each(found: dict[str, list[RawRecord]]) -> None:
    foreign = {name: records for name, records in found.items() if name.endswith(FOREIGN)}
    assert len(foreign) > 8
    assert {name: faults(records) for name, records in foreign.items()} == {
        name: ["warc.format"] for name in foreign
    }


@pytest.mark.parametrize("name", ODD)
def test_odd_files_give_what_is_in_them(name: str, found: dict[str, list[RawRecord]]) -> None:
    count, reasons = ODD[name]
    assert (len(found[name]), faults(found[name])) == (count, reasons)


def sound(real: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    for name, path in real.items():
        if not name.endswith(FOREIGN) and name not in ODD:
            yield name, path


def test_sound_files_give_every_record(
    real: dict[str, Path], found: dict[str, list[RawRecord]]
) -> None:
    for name, path in sound(real):
        assert faults(found[name]) == [], name
        if path.suffix == ".warc" and b"\r\n" not in path.read_bytes()[:80]:
            # Line feeds only, which fastwarc takes for one record.
            count = len(re.findall(rb"^WARC/\d", path.read_bytes(), re.MULTILINE))
        else:
            count = sum(1 for _ in ArchiveIterator(str(path), parse_http=False))
        assert len(found[name]) == count, name


def test_bodies_are_those_that_fastwarc_decodes(
    real: dict[str, Path], found: dict[str, list[RawRecord]]
) -> None:
    compared = 0
    for name, path in sound(real):
        ours = {record.id: record.payload for record in found[name] if record.payload is not None}
        theirs = ArchiveIterator(str(path), auto_decode="all")
        with contextlib.suppress(OSError):  # it stops at the first body that is mislabelled
            for record in theirs:
                if (payload := ours.get(record.record_id)) is not None:
                    assert record.reader.read() == payload, (name, record.record_id)
                    compared += 1
    assert compared > 250


def test_bodies_that_crawlers_stored_decoded_or_chunked_are_text(
    found: dict[str, list[RawRecord]],
) -> None:
    for name in (
        "daft/example.warc.gz",
        "ipwb/baconIpsum_chunked.warc",
        "ipwb/baconIpsum_chunked_httpTrailors.warc",
        "node-warc/books.toscrape.warc",
        "node-warc/parseMe.warc.gz",
        "solrwayback/compressions_warc/transfer_compression_brotli.warc.gz",
        "solrwayback/compressions_warc/transfer_compression_gzip_chunked.warc.gz",
        "warcio/example-wrong-chunks.warc.gz",
        "warcio/example-iana.org-chunked.warc",
    ):
        [payload] = [record.payload for record in found[name] if record.payload is not None]
        text = decode(payload, None).text.lower()
        assert "<html" in text, name
        assert "</html>" in text[-20:], name


@pytest.mark.parametrize("pieces", [2, 7, 50])
def test_splits_of_a_real_crawl_give_the_same_records(
    pieces: int, real: dict[str, Path], found: dict[str, list[RawRecord]]
) -> None:
    for name in (
        "resiliparse/warcfile.warc.gz",
        "aut/warc/example.warc.gz",
        "ipwb/sample-1.warc.gz",
        "gowarc/good.warc.gz.open",
        "warcio/example-wrong-chunks.warc.gz",
        "aut/arc/example.arc.gz",
    ):
        size = real[name].stat().st_size
        bounds = [size * piece // pieces for piece in range(pieces + 1)]
        assert read(real[name], bounds) == found[name], name


def test_a_crawl_of_common_size_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "web" / "warc" / "pages-00000.warc.gz"
    theirs = [record.record_id for record in ArchiveIterator(str(path), parse_http=False)]
    size = path.stat().st_size
    for bounds in (None, [0, 1, size // 3, size // 3 + 1, size - 1, size]):
        records = read(path, bounds)
        assert [record.id for record in records] == theirs
        assert faults(records) == []


def test_digests_of_common_crawl_are_understood(real: dict[str, Path]) -> None:
    names = ("whirlwind/whirlwind.warc.gz", "jwarc/cc.warc.gz", "resiliparse/warcfile.warc.gz")
    for name in names:
        source = WarcSource(paths=(str(real[name]),), digests="note")
        records = [record for split in source.plan() for record in source.read(split)]
        noted = {record.meta.get("payload_digest") for record in records if record.payload}
        assert noted == {"match"}, name


@pytest.mark.parametrize("name", ["whirlwind.warc.wet", "whirlwind.warc.wet.gz"])
def test_text_of_common_crawl_is_read(name: str, real: dict[str, Path]) -> None:
    source = WetSource(paths=(str(real[f"whirlwind/{name}"]),))
    [info, record] = [record for split in source.plan() for record in source.read(split)]
    assert info.drop is not None
    assert record.meta["declared_languages"] == "spa"
    assert record.text is not None
    assert record.text.startswith("Escopete - Biquipedia, a enciclopedia libre\n")

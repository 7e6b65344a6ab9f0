"""The fate of each kind of WARC record, and what a source plans."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.errors import ConfigError, SourceError
from pipeline.core.records import RawRecord
from pipeline.sources import SOURCES
from pipeline.sources.base import Split
from pipeline.sources.warc import WarcSource

HTML = b"<html><body>What the mill ground.</body></html>"


def warc(block: bytes, kind: str = "response", **fields: str) -> bytes:
    header = {
        "WARC-Type": kind,
        "WARC-Target-URI": "http://mill.test/",
        "Content-Type": "application/http",
        "Content-Length": str(len(block)),
    }
    header |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in header.items() if value)
    return b"WARC/1.0\r\n" + lines.encode() + b"\r\n" + block + b"\r\n\r\n"


def http(body: bytes = HTML, status: str = "200 OK", **fields: str) -> bytes:
    header = {"Content-Type": "text/html"}
    header |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in header.items() if value)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


Reader = Callable[..., list[RawRecord]]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def read(stored: bytes, **parameters: object) -> list[RawRecord]:
        path = tmp_path / "crawl.warc"
        path.write_bytes(stored)
        source = WarcSource(paths=(str(path),), **parameters)  # type: ignore[arg-type]
        return [record for split in source.plan() for record in source.read(split)]

    return read


def fate(record: RawRecord) -> str:
    if record.failure is not None:
        return record.failure.reason
    return "goes on" if record.drop is None else record.drop.reason


PACKINGS: dict[str, Callable[[list[bytes]], bytes]] = {
    "by the record": lambda records: b"".join(map(gzip.compress, records)),
    "whole": lambda records: gzip.compress(b"".join(records)),
    "plain": b"".join,
    "in blocks": lambda records: b"".join(
        gzip.compress(b"".join(records)[at : at + 100])
        for at in range(0, len(b"".join(records)), 100)
    ),
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_record_comes_out_once(packing: str, read: Reader) -> None:
    stored = [
        warc(b"software: test", "warcinfo", Content_Type="application/warc-fields"),
        warc(b"GET / HTTP/1.1\r\n\r\n", "request"),
        warc(http(), WARC_Record_ID="<urn:uuid:1>", WARC_Date="2020-01-01T00:00:00Z"),
        warc(b"", "metadata"),
        warc(http(b"", "304 Not Modified"), "revisit"),
        warc(http(status="404 Not Found")),
        warc(http(b"%PDF-1.4", Content_Type="application/pdf")),
        warc(http(b"")),
        warc(b"20200101\r\nmill.test. 60 IN A 127.0.0.1\r\n", Content_Type="text/dns"),
        warc(b"no status line"),
    ]
    records = read(PACKINGS[packing](stored))
    assert [(fate(r), r.drop.detail if r.drop else None) for r in records] == [
        ("warc.record_type", "warcinfo"),
        ("warc.record_type", "request"),
        ("goes on", None),
        ("warc.record_type", "metadata"),
        ("warc.record_type", "revisit"),
        ("warc.http_status", None),
        ("warc.content_type", "application/pdf"),
        ("warc.payload_bytes.low", None),
        ("warc.content_type", "text/dns"),
        ("warc.http_header", None),
    ]
    assert len({record.id for record in records}) == len(records)
    kept = records[2]
    assert (kept.id, kept.url, kept.payload) == ("<urn:uuid:1>", "http://mill.test/", HTML)
    assert kept.meta["date"] == "2020-01-01T00:00:00Z"
    assert records[5].drop is not None
    assert records[5].drop.value == 404


def test_meta_holds_only_what_exists(read: Reader) -> None:
    bare, full = read(
        warc(http(Content_Type=""))
        + warc(
            http(
                gzip.compress(HTML),
                Content_Type="TEXT/HTML; Charset='KOI8-R'",
                Content_Encoding="gzip",
            ),
            WARC_Truncated="length",
        )
    )
    assert bare.meta == {"record_type": "response", "http_status": 200}
    assert bare.payload == full.payload == HTML
    assert full.meta == {
        "record_type": "response",
        "http_status": 200,
        "content_type": "text/html",
        "http_charset": "KOI8-R",
        "content_encoding": "gzip",
        "truncated": "length",
    }


def test_what_the_crawler_identified_outranks_what_the_server_declared(read: Reader) -> None:
    html, pdf = read(
        warc(http(Content_Type="text/plain"), WARC_Identified_Payload_Type="text/html")
        + warc(http(b"%PDF"), WARC_Identified_Payload_Type="application/pdf")
    )
    assert fate(html) == "goes on"
    assert fate(pdf) == "warc.content_type"


def test_without_any_declared_type_a_look_decides(read: Reader) -> None:
    records = read(
        warc(http(b"  <!DOCTYPE html><p>x", Content_Type=""))
        + warc(http(b"just text", Content_Type=""))
    )
    assert [fate(record) for record in records] == ["goes on", "warc.content_type"]


def test_line_feeds_alone_and_any_case_and_folded_lines_are_read(read: Reader) -> None:
    block = http()
    stored = b"warc/0.18\nwarc-type:\n  RESPONSE\nCONTENT-LENGTH:%d\n\n%s\n\n" % (len(block), block)
    [record] = read(stored)
    assert record.payload == HTML


@pytest.mark.parametrize("wrap", [gzip.compress, bytes])
def test_ids_are_unique_and_a_given_id_is_kept(
    wrap: Callable[[bytes], bytes], read: Reader
) -> None:
    one = warc(http(), WARC_Record_ID="<urn:uuid:1>")
    ids = [record.id for record in read(wrap(one) * 3 + wrap(warc(http())) * 2)]
    assert ids[0] == "<urn:uuid:1>"
    assert len(set(ids)) == 5
    assert all(record.startswith("urn:gristmill:") for record in ids[1:])


def test_a_locator_leads_back_to_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    stored = [warc(http(b"<html>%d" % n)) for n in range(3)]
    path.write_bytes(b"".join(map(gzip.compress, stored)))
    for record, original in zip(
        WarcSource(paths=(str(path),)).read(Split(str(path), 0, 10**6)), stored, strict=True
    ):
        where = record.source
        data = path.read_bytes()[where.offset : where.offset + where.length]
        assert gzip.decompress(data) == original


def test_a_record_in_a_shared_member_says_where_in_it(read: Reader) -> None:
    stored = [warc(http(b"<html>%d" % n)) for n in range(3)]
    records = read(gzip.compress(b"".join(stored)))
    assert {(r.source.offset, r.source.length) for r in records} == {(0, -1)}
    starts = [record.meta["inflated_offset"] for record in records]
    assert starts == [0, len(stored[0]), len(stored[0] + stored[1])]


@pytest.mark.parametrize("packing", PACKINGS)
def test_payloads_over_the_cap_are_dropped_with_their_size(packing: str, read: Reader) -> None:
    small, just, over = b"<html>", b"<html>".ljust(5000), b"<html>".ljust(5001)
    far_over = b"<html>".ljust(3 << 20)  # more than is held of any block
    stored = [warc(http(body)) for body in (small, far_over, just, over, small)]
    records = read(
        PACKINGS[packing](stored) if packing != "in blocks" else b"".join(stored), max_payload=5000
    )
    assert [fate(record) for record in records] == [
        "goes on",
        "warc.payload_bytes.high",
        "goes on",
        "warc.payload_bytes.high",
        "goes on",
    ]
    sizes = [(r.drop.value, r.drop.bound) for r in records if r.drop is not None]
    assert sizes == [(3 << 20, 5000), (5001, 5000)]


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"filedesc://x.arc 0.0.0.0 2008 text/plain 76\n", "ARC"),
        (gzip.compress(b"filedesc://x.arc 0.0.0.0 2008 text/plain 76\n", mtime=0), "ARC"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"PAR1", "Parquet"),
        (b"<html>a page, not a crawl</html>", "not a WARC"),
        (gzip.compress(b"<html>a page, not a crawl</html>", mtime=0), "not a WARC"),
        (b"\0" * 5000, "not a WARC"),
    ],
)
def test_another_format_is_one_record_that_names_it(head: bytes, what: str, read: Reader) -> None:
    stored = head + b"and so on " * 100
    [record] = read(stored, split_size=100)
    assert record.failure is not None
    assert record.failure.reason == "warc.format"
    assert what in record.failure.message
    assert (record.source.offset, record.source.length) == (0, len(stored))


@pytest.mark.parametrize("stored", [b"", b"\r\n\r\n", gzip.compress(b"", mtime=0)])
def test_nothing_stored_is_no_record_and_no_error(stored: bytes, read: Reader) -> None:
    assert read(stored) == []


def test_plan_expands_globs_once_in_order(tmp_path: Path) -> None:
    for name in ("b.warc", "a.warc", "c.txt"):
        (tmp_path / name).write_bytes(warc(http()))
    (tmp_path / "d.warc").mkdir()
    source = WarcSource(paths=(f"{tmp_path}/*.warc", f"{tmp_path}/a.warc"))
    assert [Path(split.path).name for split in source.plan()] == ["a.warc", "b.warc"]


def test_plan_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a[1].warc").write_bytes(warc(http()))
    monkeypatch.chdir(tmp_path)
    [split] = WarcSource(paths=("a[1].warc",)).plan()
    assert split.path == str(tmp_path / "a[1].warc")


def test_other_file_systems_are_read_and_named_by_url() -> None:
    import fsspec

    stored = b"".join(gzip.compress(warc(http(b"<html>%d" % n))) for n in range(3))
    with fsspec.open("memory://crawl/a.warc.gz", "wb") as file:
        file.write(stored)
    source = WarcSource(paths=("memory://crawl/*.gz",), split_size=100)
    splits = source.plan()
    assert {split.path for split in splits} == {"memory:///crawl/a.warc.gz"}
    records = [record for split in splits for record in source.read(split)]
    assert [record.payload for record in records] == [b"<html>0", b"<html>1", b"<html>2"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.warc", "no such file"),
        ("*.warc.gz", "matches no file"),
        (".", "is a folder"),
        ("nosuch://x", "nosuch"),
    ],
)
def test_plan_names_the_path_it_cannot_use(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=message) as caught:
        WarcSource(paths=(name,)).plan()
    assert name in str(caught.value)


def test_plan_names_a_file_it_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.warc"
    path.write_bytes(warc(http()))
    path.chmod(0)
    if os.geteuid() == 0:  # who may read everything

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.open", refuse)
    with pytest.raises(SourceError, match=r"secret\.warc"):
        WarcSource(paths=(str(path),)).plan()


@pytest.mark.parametrize("parameters", [{"paths": "a.warc"}, {"split_size": 0}, {"max_payload": 0}])
def test_impossible_parameters_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        WarcSource(**{"paths": ("a.warc",), **parameters})  # type: ignore[arg-type]


def test_the_registry_knows_the_source_and_its_parameters_leave_out_paths_and_splits() -> None:
    source = SOURCES.get("warc")(paths=["a.warc"], split_size=1)
    assert source == WarcSource(paths=("a.warc",), split_size=1)
    assert source.parameters() == {
        "max_payload": 10 << 20,
        "content_types": ["text/html", "application/xhtml+xml"],
        "http_status": [200],
    }

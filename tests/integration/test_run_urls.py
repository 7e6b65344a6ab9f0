"""Runs whose files lie in stores elsewhere: the same records, and secrets that are seen nowhere."""

from __future__ import annotations

import base64
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crawl_server import CrawlServer, serving

from pipeline.core.errors import GristmillError, SourceError
from pipeline.recipe import load_recipe
from pipeline.run import RunResult, run
from pipeline.sources import inputs, stores
from pipeline.sources.corpus import plan_corpus, read_corpus
from pipeline.sources.remote_fsspec import refusal
from pipeline.sources.sample import write_sample
from pipeline.sources.tables import plan_tables, read_rows
from pipeline.sources.warc import WarcSource

COLUMNS = ["id", "text", "url", "offset", "length"]
USER, PASSWORD = "ali-baba", "open-sesame"
SIGNATURE, FRESH = "5ig-of-th1s-week", "5ig-of-n3xt-week"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inputs, "PATIENCE", {"wait": 0.001, "tries": 4})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(stores, "_STORES", {})
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "served"
    found.mkdir()
    write_sample(found / "a.warc.gz")
    (found / "a.jsonl").write_text('{"id": "1", "text": "one"}\n{"id": "2", "text": "two"}\n')
    (found / "a.txt").write_text("three")
    pq.write_table(pa.table({"id": ["4"], "text": ["four"]}), found / "a.parquet")
    return found


@pytest.fixture
def server(root: Path) -> Iterator[CrawlServer]:
    with serving(root) as found:
        yield found


@pytest.fixture
def memory(root: Path) -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.put(str(root), "/crawl", recursive=True)
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def curate(out: Path, *paths: str, **options: Any) -> RunResult:
    listed = ", ".join(f"'{path}'" for path in paths)
    given = f"source={{kind: warc, paths: [{listed}], split_size: 20kB}}"
    return run(load_recipe("quickstart", [given]), out=out, **{"serial": True, **options})


def corpus(out: Path) -> list[dict[str, object]]:
    parts = sorted((out / "corpus").glob("*.parquet"))
    rows = [row for part in parts for row in pq.read_table(part, columns=COLUMNS).to_pylist()]
    return sorted(rows, key=lambda row: str(row["id"]))


def seen(out: Path) -> bytes:
    """Every byte that a run has left, tables unpacked."""
    pieces = []
    for path in sorted(out.rglob("*")):
        if path.suffix == ".parquet" and path.is_file():
            pieces.append(str(pq.read_table(path).to_pylist()).encode())
        if path.is_file():
            pieces.append(path.read_bytes())
    return b"\n".join(pieces)


def test_a_run_of_a_store_is_a_run_of_its_files(root: Path, memory: Any, tmp_path: Path) -> None:
    local = curate(tmp_path / "local", str(root / "*.warc.gz"))
    there = curate(tmp_path / "there", "memory://crawl/*.warc.gz")
    assert local.splits == there.splits > 1
    assert local.report.to_json() == there.report.to_json()
    assert corpus(tmp_path / "local") == corpus(tmp_path / "there")
    assert curate(tmp_path / "there", "memory://crawl/*.warc.gz").measured == 0
    memory.pipe("/crawl/a.warc.gz", memory.cat("/crawl/a.warc.gz")[:-30000])
    assert curate(tmp_path / "there", "memory://crawl/*.warc.gz").measured > 0


@pytest.mark.ray
def test_a_password_and_a_signature_are_asked_with_and_left_nowhere(
    root: Path, server: CrawlServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    host = server.url.removeprefix("http://")
    url = f"http://{USER}:{PASSWORD}@{host}a.warc.gz?sig="
    out = tmp_path / "out"
    result = curate(out, url + SIGNATURE, serial=False, workers=1)
    assert server.logins == {"Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    assert {path for _, path, _ in server.asked} == {f"/a.warc.gz?sig={SIGNATURE}"}
    assert {method for method, _, _ in server.asked} == {"GET"}  # it is signed for no other
    curate(tmp_path / "local", str(root / "a.warc.gz"))
    assert corpus(out) == corpus(tmp_path / "local")
    again = curate(out, url + FRESH)
    assert (again.splits, again.measured) == (result.splits, 0)
    said = capfd.readouterr()
    left = seen(out) + (said.out + said.err).encode()
    assert f"{server.url}a.warc.gz".encode() in left
    for secret in (USER, PASSWORD, SIGNATURE, FRESH):
        assert secret.encode() not in left


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_errors_show_no_secret(status: int, server: CrawlServer, root: Path) -> None:
    server.refuse["/a.warc.gz"] = (status, b"<Code>Bad</Code>")
    url = server.url.replace("//", f"//{USER}:{PASSWORD}@") + f"a.warc.gz?sig={SIGNATURE}"
    for fail in (
        lambda: WarcSource(paths=(url,)).plan(),
        lambda: load_recipe("quickstart", [f"source={{kind: warc, paths: ['{url}']}}"]),
        lambda: plan_tables([url.replace(".warc.gz", ".jsonl") + "%2F*"]) and 1 / 0,
        lambda: plan_tables([url]),
        lambda: plan_corpus([url]),
    ):
        with pytest.raises((GristmillError, ZeroDivisionError)) as caught:
            fail()
        assert PASSWORD not in str(caught.value)
        assert SIGNATURE not in str(caught.value)


def test_tables_and_texts_of_any_store(server: CrawlServer, memory: Any) -> None:
    def texts(*paths: str) -> list[str]:
        return [row.text for part in plan_corpus(paths) for row in read_corpus(part)]

    assert sorted(texts("memory://crawl/*.jsonl", "memory://crawl/a.txt")) == [
        "one",
        "three",
        "two",
    ]
    assert texts("memory://crawl/*.parquet") == ["four"]
    web = server.url
    assert sorted(texts(f"{web}a.jsonl", f"{web}a.txt", f"{web}a.parquet")) == [
        "four", "one", "three", "two",
    ]  # fmt: skip
    [part] = plan_tables([f"{web}a.jsonl?sig={SIGNATURE}"])
    assert next(row.values for row in read_rows(part)) == {"id": "1", "text": "one"}
    assert ("GET", f"/a.jsonl?sig={SIGNATURE}", "bytes=0-25") not in server.asked
    assert SIGNATURE not in f"{part} {plan_corpus([f'{web}a.jsonl?sig={SIGNATURE}'])}"


def test_a_bucket_is_listed_and_read_by_ranges(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(root, bucket="bucket", refuse_ranges="-") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url.rstrip("/"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
        splits = WarcSource(paths=("s3://bucket/*.warc.gz",), split_size=20000).plan()
        assert {split.path for split in splits} == {"s3://bucket/a.warc.gz"}
        curate(tmp_path / "there", "s3://bucket/a.warc.?z")
        curate(tmp_path / "local", str(root / "a.warc.gz"))
        assert corpus(tmp_path / "there") == corpus(tmp_path / "local")
        server.refuse["/"] = server.refuse[""] = (403, b"<Error><Code>AccessDenied</Code></Error>")
        with pytest.raises(
            SourceError, match=r"s3://bucket/.*access is refused.*AWS_ACCESS_KEY_ID"
        ):
            WarcSource(paths=("s3://bucket/*.warc.gz",)).plan()
        server.refuse["/"] = server.refuse[""] = (404, b"<Error><Code>NoSuchBucket</Code></Error>")
        with pytest.raises(SourceError, match=r"s3://bucket/.*no such.* bucket"):
            WarcSource(paths=("s3://bucket/*.warc.gz",)).plan()
        with pytest.raises(SourceError, match=r"s3://bucket/b.warc: no such file"):
            WarcSource(paths=("s3://bucket/b.warc",)).plan()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("memory://crawl/b.warc.gz", "memory://crawl/b.warc.gz: no such file"),
        ("memory://crawl/*.arc", r"memory://crawl/\*.arc: matches no file"),
        ("memory://crawl", "memory://crawl: is a folder"),
        ("gs://bucket/*.gz", r"gs://bucket/\*.gz: .*pip install gcsfs"),
        ("nosuch://ali:open-sesame@a/b", "nosuch://a/b: .*nosuch"),
        ("zip://a::memory://crawl/a.zip", "is a chain of file systems"),
        ("http://127.0.0.1:1/*.gz", r"http://127.0.0.1:1/\*.gz: .*can be reached"),
    ],
)
def test_what_is_wrong_is_said(path: str, message: str, memory: Any) -> None:
    if path.startswith("gs:"):
        sys.modules.setdefault("gcsfs", None)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=message) as caught:
        WarcSource(paths=(path,)).plan()
    assert PASSWORD not in str(caught.value)


def test_a_web_server_lists_nothing(server: CrawlServer) -> None:
    with pytest.raises(SourceError, match="cannot be listed; name each of them"):
        WarcSource(paths=(f"{server.url}*.gz",)).plan()


def test_a_store_that_fails_now_and_then_is_borne_with(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = WarcSource(paths=("memory://crawl/a.warc.gz",), split_size=20000)
    records = [record.id for split in whole.plan() for record in whole.read(split)]
    system, count = type(memory), iter(range(10**6))
    cat = system.cat_file

    def failing(self: Any, path: str, **more: Any) -> Any:
        number = next(count)
        if number % 3 == 0:
            raise ConnectionError("reset")
        return cat(self, path, **more)[: 100 if number % 3 == 1 else None]

    monkeypatch.setattr(system, "cat_file", failing)
    assert [one.id for split in whole.plan() for one in whole.read(split)] == records
    monkeypatch.setattr(system, "cat_file", functools.partialmethod(failing, end=1, start=0))


class RefusedError(Exception):
    def __init__(self, said: str, status: int = 0):
        super().__init__(said)
        self.code = status


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RefusedError("Anonymous caller does not have access", 401),
            "access is refused; set GOOGLE",
        ),
        (RefusedError("invalid_grant: Token has been expired"), "has expired; .*gcloud auth"),
        (RefusedError("The specified bucket does not exist.", 404), "no such bucket"),
        (PermissionError("no"), "access is refused"),
        (FileNotFoundError("x"), "no such file"),
        (ValueError("Invalid bucket name"), "cannot be used: ValueError: Invalid bucket"),
    ],
)
def test_what_clients_say_is_told_with_the_mend(error: Exception, message: str) -> None:
    found = refusal("gs://bucket/a", error)
    assert isinstance(found, SourceError)
    assert re.search(f"gs://bucket/a: .*{message}", str(found)), str(found)

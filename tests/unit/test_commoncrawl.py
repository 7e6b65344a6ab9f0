"""A crawl read from a failing server is the crawl as it lies on disk; wrong recipes are told so."""

from __future__ import annotations

import dataclasses
import functools
import json
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crawl_server import FAULTS, CrawlServer, serving
from hypothesis import given
from hypothesis import strategies as st
from loopback import moto_bucket
from mini_crawl import CRAWL, SEGMENT, captures, write_crawl
from ray import cloudpickle

from pipeline.core.errors import ConfigError, SourceError
from pipeline.recipe import load_recipe
from pipeline.sources import commoncrawl
from pipeline.sources.commoncrawl import CommonCrawlSource
from pipeline.sources.remote import Patience
from pipeline.sources.url_patterns import parse_pattern

TABLE = "cc-index/table/cc-main/warc/"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("crawl")
    write_crawl(root)
    return root


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests wait for nobody, keep their own lock files, and go through no proxy."""
    monkeypatch.setattr(commoncrawl, "Patience", functools.partial(Patience, wait=0.001))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(crawl: Path) -> Iterator[CrawlServer]:
    with serving(crawl) as found:
        found.index = captures(crawl)
        yield found


def read(**options: Any) -> list[tuple[Any, ...]]:
    """What a source gives, apart from where it lies."""
    source = CommonCrawlSource(crawl=CRAWL, **{"split_size": 5000, **options})
    return [
        (
            "" if record.id.startswith("urn:gristmill:") else record.id,
            record.url,
            record.payload,
            record.text,
            record.source.path.rpartition("/")[2],
            record.source.offset,
            record.source.length,
            record.drop,
            record.failure,
            record.meta,
        )
        for split in source.plan()
        for record in source.read(split)
    ]


@pytest.mark.parametrize("subset", ["warc", "wet"])
@pytest.mark.parametrize("fault", [*FAULTS, "all"])
def test_nothing_is_lost_to_a_failing_server(
    subset: str, fault: str, crawl: Path, server: CrawlServer
) -> None:
    server.share, server.faults = 0.1, FAULTS if fault == "all" else (fault,)
    local = read(subset=subset, base_url=str(crawl))
    assert read(subset=subset, base_url=server.url, timeout=0.2) == local
    assert len(local) > 60
    if subset == "warc":
        assert sum(server.failed[one] for one in FAULTS) > 0
    assert len(server.asked) < 150  # tries are bounded


def test_a_server_that_fails_always_is_given_up(server: CrawlServer) -> None:
    server.refuse[f"/crawl-data/{CRAWL}/warc.paths.gz"] = (503, b"<Code>SlowDown</Code>")
    with pytest.raises(SourceError, match=r"warc.paths.gz: HTTP 503 SlowDown, tried 4 times"):
        read(base_url=server.url, tries=4)
    assert len(server.asked) == 4


def test_all_wait_when_a_server_asks_for_it(server: CrawlServer) -> None:
    server.share, server.faults, server.only = 1.0, ("429",), "paths.gz"
    server.retry_after = "1"
    begun = time.monotonic()
    assert read(base_url=server.url, sample=0.01)
    assert time.monotonic() - begun >= 1
    assert server.failed["429"]


def test_connections_are_few(server: CrawlServer) -> None:
    read(base_url=server.url, connections=1)
    assert server.at_once == 1


def test_requests_are_few_and_for_ranges(server: CrawlServer, crawl: Path) -> None:
    read(base_url=server.url, split_size=1 << 20)
    gets = [asked for asked in server.asked if asked[1].endswith(".warc.gz") and asked[2]]
    assert len(gets) == 4
    assert all(asked[0] in ("GET", "HEAD") for asked in server.asked)


# --- which files ------------------------------------------------------------------------------


def test_a_larger_sample_holds_a_smaller_one(crawl: Path) -> None:
    def files(**options: Any) -> set[str]:
        source = CommonCrawlSource(crawl=CRAWL, base_url=str(crawl), **options)
        return {split.path for split in source.plan()}

    sizes = [len(files(sample=share)) for share in (0.0001, 0.25, 0.5, 0.75, 1.0)]
    assert sizes == [1, 1, 2, 3, 4]
    assert files(sample=0.25) < files(sample=0.5) < files(sample=0.75) < files()
    assert files(sample=0.5) == files(sample=0.5)
    assert len({frozenset(files(sample=0.5, seed=seed)) for seed in range(20)}) > 1


def test_dead_entries_are_counted_up_to_a_bound(server: CrawlServer) -> None:
    name = f"{SEGMENT}/warc/CC-MAIN-20240517233122-20240518023122-00002.warc.gz"
    server.refuse[f"/{name}"] = (404, b"<Code>NoSuchKey</Code>")
    with pytest.raises(SourceError, match=r"1 of 4 files of CC-MAIN-2024-22 are missing.*00002"):
        read(base_url=server.url)
    records = read(base_url=server.url, missing=0.25)
    gone = [record for record in records if record[8] and record[8].reason == "commoncrawl.missing"]
    assert len(gone) == 1
    assert "no such file" in gone[0][8].message
    assert len(records) > 50


# --- chosen sites -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        "*.example",
        "slowafternoons.example/*",
        "https://slowafternoons.example/2023/11/eleven-minutes-of-scales",
    ],
)
def test_every_index_leads_to_the_same_records(
    pattern: str, crawl: Path, server: CrawlServer
) -> None:
    whole = read(base_url=str(crawl))
    options = {"base_url": server.url, "urls": (pattern,)}
    found = read(index_url=server.url, **options)
    assert found
    assert all(record in whole for record in found)
    known = [row for row in captures(crawl) if parse_pattern(pattern).matches(row["url"])]
    assert pattern == "*.example" or len(found) == len(known)
    assert read(index=str(crawl / TABLE), **options) == found
    assert read(index=server.url + TABLE, **options) == found


def test_a_place_without_a_record_is_a_failure(crawl: Path, server: CrawlServer) -> None:
    server.index[5]["warc_record_offset"] += 7
    url = server.index[5]["url"]
    [record] = read(base_url=server.url, index_url=server.url, urls=(url,))
    assert record[8].reason == "warc.garbage"


def test_pages_that_no_index_knows(server: CrawlServer) -> None:
    with pytest.raises(SourceError, match=r"has no page of \*\.nowhere\.test"):
        read(base_url=server.url, index_url=server.url, urls=("*.nowhere.test",))


@pytest.mark.parametrize("url", ["*.example.org/docs/*", "*", "*.", "ex*mple.org/", "org*", ""])
def test_patterns_that_are_none(url: str) -> None:
    with pytest.raises(ConfigError, match="urls"):
        CommonCrawlSource(crawl=CRAWL, urls=(url,))


def test_patterns_as_keys() -> None:
    assert parse_pattern("https://www.Example.org:8080/A").key_prefixes()[0] == "org,example)"
    assert parse_pattern("*.example.org/*").key_prefixes()[1] == "org,example,"
    assert parse_pattern("http://192.0.2.7/a").key_prefixes()[0] == "192.0.2.7)"
    assert parse_pattern("bücher.example/*").key_prefixes()[0] == "example,xn--bcher-kva)"
    assert parse_pattern("example.org/Docs/*").matches("https://www.example.org/docs/a")
    assert not parse_pattern("example.org/docs/*").matches("https://example.org/")
    assert parse_pattern("example.org/").matches("http://example.org")


@given(st.text())
def test_any_text_is_a_pattern_or_told_so(text: str) -> None:
    try:
        found = parse_pattern(text)
    except ConfigError:
        return
    assert found.key_prefixes()
    found.matches(text)


# --- what is wrong ----------------------------------------------------------------------------


def test_the_nearest_crawl_is_offered(server: CrawlServer) -> None:
    source = CommonCrawlSource(crawl="CC-MAIN-2024-2", base_url=server.url, index_url=server.url)
    with pytest.raises(SourceError, match=r"did you mean 'CC-MAIN-2024-\d\d'.*the latest is"):
        source.plan()


def test_refusals_name_url_and_mend(server: CrawlServer) -> None:
    path = f"/crawl-data/{CRAWL}/warc.paths.gz"
    for status, body, said in [
        (403, b"<Code>AccessDenied</Code>", "HTTP 403 AccessDenied: access is refused.*base_url"),
        (400, b"<Code>ExpiredToken</Code>", "ExpiredToken: the token or signature has expired"),
        (401, b"", "needs a user and password"),
        (418, b"", "HTTP 418; see that the URL is right"),
    ]:
        server.refuse[path] = (status, body)
        with pytest.raises(SourceError, match=f"127.0.0.1.*paths.gz: .*{said}"):
            read(base_url=server.url, connections=8)


def test_a_name_that_cannot_be_resolved() -> None:
    with pytest.raises(SourceError, match=r"cannot be resolved \(DNS\)"):
        read(base_url="http://crawl.invalid/", tries=2)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(SourceError, match=r"127.0.0.1:1/.*tried 2 times"):
        read(base_url="http://127.0.0.1:1/", tries=2)


def test_a_server_without_ranges(server: CrawlServer) -> None:
    server.ranges = False
    with pytest.raises(SourceError, match="sends no ranges"):
        read(base_url=server.url)


def test_a_password_comes_from_netrc_and_is_not_shown(
    server: CrawlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"base_url holds a password.*netrc") as caught:
        read(base_url=server.url.replace("//", "//me:secret@"))
    assert "secret" not in str(caught.value)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    read(base_url=server.url, sample=0.1)
    assert server.logins == {"Basic bWU6c2VjcmV0"}


def test_redirects_are_followed(server: CrawlServer, crawl: Path) -> None:
    server.redirect = "/elsewhere"
    assert read(base_url=f"{server.url}elsewhere/") == read(base_url=str(crawl))


def test_a_list_that_never_comes_whole_is_given_up(server: CrawlServer) -> None:
    server.cut = True
    with pytest.raises(SourceError, match=r"early, tried 3 times|tried 3 times"):
        read(base_url=server.url, tries=3)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"crawl": "a/b"}, "is no name"),
        ({"sample": 0.0}, "sample"),
        ({"sample": 1.1}, "sample"),
        ({"missing": -1.0}, "missing"),
        ({"tries": 0}, "tries"),
        ({"timeout": 0.0}, "timeout"),
        ({"base_url": "ftp://a/"}, "base_url"),
        ({"urls": ("example.org/",), "subset": "wet"}, "subset"),
        ({"urls": "example.org"}, "list"),
    ],
)
def test_values_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        CommonCrawlSource(**{"crawl": CRAWL, **options})


def test_a_source_travels_and_is_written_down(crawl: Path) -> None:
    source = CommonCrawlSource(
        crawl=CRAWL, base_url=str(crawl), index=str(crawl / TABLE), urls=("*.example",)
    )
    splits = source.plan()
    for dumps in (pickle.dumps, cloudpickle.dumps):
        assert pickle.loads(dumps((source, splits))) == (source, splits)
    written = {"kind": source.name, **dataclasses.asdict(source)}
    recipe = load_recipe("quickstart", [f"source={json.dumps(written)}"])
    assert recipe.source == source
    assert recipe.describe()["source"]["urls"] == ["*.example"]


# --- buckets ----------------------------------------------------------------------------------


@pytest.fixture
def bucket(crawl: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CrawlServer]:
    """A server that answers as S3 does to one who only reads."""
    with serving(crawl, bucket="commoncrawl") as found:
        monkeypatch.setenv("AWS_ENDPOINT_URL", found.url.rstrip("/"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield found


def test_a_bucket_gives_the_same(crawl: Path, bucket: CrawlServer) -> None:
    bucket.share, bucket.faults = 0.1, ("500", "503", "reset", "short")
    got = read(base_url="s3://commoncrawl/", anonymous=True, timeout=0.5)
    assert got == read(base_url=str(crawl))


def test_a_bucket_without_permission(bucket: CrawlServer) -> None:
    bucket.refuse[f"/crawl-data/{CRAWL}/warc.paths.gz"] = (403, b"")
    with pytest.raises(SourceError, match=r"s3://commoncrawl/.*access is refused.*credentials"):
        read(base_url="s3://commoncrawl/", anonymous=True)


def test_moto_gives_the_same(crawl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with moto_bucket("commoncrawl") as (url, pool):
        for path in crawl.rglob("*"):
            if path.is_file():
                key = path.relative_to(crawl)
                pool.request("PUT", f"{url}/commoncrawl/{key}", body=path.read_bytes())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert read(base_url="s3://commoncrawl/") == read(base_url=str(crawl))
        found = read(
            base_url="s3://commoncrawl/", index=f"s3://commoncrawl/{TABLE}", urls=("*.example",)
        )
        assert len(found) > 50
        with pytest.raises(SourceError, match="see the names"):
            CommonCrawlSource(
                crawl="CC-MAIN-1999-01",
                base_url="s3://commoncrawl/",
                index_url="http://127.0.0.1:1/",
            ).plan()

"""Whole runs of a crawl from a failing server, killed and continued, and of its WET files."""

from __future__ import annotations

import functools
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from crawl_server import serving
from mini_crawl import CRAWL, captures, write_crawl

from pipeline.core.errors import SourceError
from pipeline.recipe import load_recipe
from pipeline.run import RunResult, run
from pipeline.sources import commoncrawl
from pipeline.sources.remote import Patience

COLUMNS = ["id", "text", "url", "date", "language", "offset", "length"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commoncrawl, "Patience", functools.partial(Patience, wait=0.001))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def curate(out: Path, base: str, *more: str) -> RunResult:
    given = f"source={{kind: commoncrawl, crawl: {CRAWL}, base_url: '{base}', split_size: 20kB}}"
    recipe = load_recipe("quickstart", [given, "limits.quarantined=1", *more])
    return run(recipe, out=out, serial=True)


def corpus(out: Path, columns: list[str] = COLUMNS) -> list[dict[str, object]]:
    parts = sorted((out / "corpus").glob("*.parquet"))
    rows = [row for part in parts for row in pq.read_table(part, columns=columns).to_pylist()]
    return sorted(rows, key=lambda row: str(row["id"]))


def test_a_run_over_http_gives_what_the_files_give(tmp_path: Path) -> None:
    root = tmp_path / "crawl"
    write_crawl(root)
    local = curate(tmp_path / "local", str(root), "source.digests=note")
    with serving(root, share=0.1, faults=("429", "500", "reset", "short")) as server:
        remote = curate(tmp_path / "remote", server.url, "source.digests=note")
        assert sum(server.failed[kind] for kind in server.faults)
        again = curate(tmp_path / "remote", server.url, "source.digests=note")
    assert local.report.to_json() == remote.report.to_json()
    assert corpus(tmp_path / "local") == corpus(tmp_path / "remote")
    assert again.measured == 0
    ledger = pq.read_table(sorted((tmp_path / "remote/records").glob("*.parquet")))
    noted = set(ledger["source.payload_digest"].to_pylist())
    assert noted == {"match", None}


def test_a_run_that_a_server_stops_goes_on_later(tmp_path: Path) -> None:
    root = tmp_path / "crawl"
    once = "dedup.payload=false"  # reads every file a first time, before any part is done
    write_crawl(root)
    curate(tmp_path / "local", str(root), once)
    with serving(root) as server:
        last = f"/{max(row['warc_filename'] for row in captures(root))}"
        server.refuse_ranges = last
        with pytest.raises(SourceError, match="ExpiredToken"):
            curate(tmp_path / "remote", server.url, once)
        server.refuse_ranges = ""
        done = curate(tmp_path / "remote", server.url, once)
    assert 0 < done.measured < done.splits
    assert corpus(tmp_path / "local") == corpus(tmp_path / "remote")


def test_wet_files_enter_behind_extraction(tmp_path: Path) -> None:
    root = tmp_path / "crawl"
    write_crawl(root)
    result = curate(tmp_path / "wet", str(root), "source.subset=wet")
    stages = {stage.name: stage for stage in result.report.stages}
    assert stages["prescreen"].dropped == 0
    assert stages["extract"].passed == stages["extract"].entered > 50
    ledger = pq.read_table(sorted((tmp_path / "wet/records").glob("*.parquet")))
    assert set(ledger["source.declared_languages"].to_pylist()) == {"eng"}
    assert corpus(tmp_path / "wet")


def test_chosen_sites_only(tmp_path: Path) -> None:
    root = tmp_path / "crawl"
    write_crawl(root)
    table = root / "cc-index/table/cc-main/warc"
    more = [f"source.index={table}", "source.urls=[slowafternoons.example/*]"]
    result = curate(tmp_path / "site", str(root), *more)
    assert result.report.records == 9
    assert {row["url"].split("/")[2] for row in corpus(tmp_path / "site")} == {  # type: ignore[attr-defined]
        "slowafternoons.example"
    }

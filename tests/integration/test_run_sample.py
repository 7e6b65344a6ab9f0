"""The main job on the embedded sample: known fates, sums, resuming, and the same bytes every time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.core.records import Fate
from pipeline.recipe import load_recipe
from pipeline.run import RunResult, run
from pipeline.runtime.ledger import read_rows
from pipeline.sources.sample import sample_records

Digests = Callable[[Path], dict[str, str]]


def run_sample(out: Path, *overrides: str, **options: object) -> RunResult:
    options.setdefault("serial", True)
    return run(load_recipe("quickstart", overrides), out=out, **options)  # type: ignore[arg-type]


def ledger(out: Path) -> list[dict[str, object]]:
    return [row for path in sorted((out / "records").iterdir()) for row in read_rows(path)]


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run_sample(tmp_path_factory.mktemp("run") / "out")


def test_every_record_has_the_fate_its_page_was_written_for(sample_run: RunResult) -> None:
    rows = ledger(sample_run.folder.root)
    expected = sample_records()
    assert len(rows) == len(expected)
    wrong = []
    for row, record in zip(rows, expected, strict=True):
        fits = row["fate"] == record.expected_fate and (
            record.expected_reason_prefix is None
            or str(row["reason"]).startswith(record.expected_reason_prefix)
        )
        if not fits:
            wrong.append(
                (
                    record.name,
                    record.expected_fate,
                    record.expected_reason_prefix,
                    row["fate"],
                    row["reason"],
                    row["value"],
                )
            )
    assert not wrong


def test_the_sums_hold_in_every_file(sample_run: RunResult) -> None:
    root, report = sample_run.folder.root, sample_run.report
    report.check()
    rows = ledger(root)
    assert Counter(row["fate"] for row in rows) == report.fates
    assert len({row["id"] for row in rows}) == len(rows) == report.records
    sizes = {
        kind: sum(pq.ParquetFile(path).metadata.num_rows for path in (root / kind).iterdir())
        for kind in ("corpus", "records", "dropped", "quarantine")
    }
    left = (Fate.DROPPED, Fate.DUPLICATE)
    with_text = sum(row["characters"] is not None for row in rows if row["fate"] in left)
    assert sizes == {
        "corpus": report.fates[Fate.KEPT],
        "records": report.records,
        "dropped": with_text,
        "quarantine": report.fates[Fate.QUARANTINED],
    }
    manifest = json.loads((root / "manifest.json").read_text())
    assert manifest["counts"] == report.to_json()
    assert {
        kind: sum(part["rows"] for part in parts) for kind, parts in manifest["parts"].items()
    } == sizes


def test_every_drop_has_a_reason_and_a_measured_one_its_number(sample_run: RunResult) -> None:
    for row in ledger(sample_run.folder.root):
        if row["fate"] in (Fate.DROPPED, Fate.DUPLICATE):
            assert row["failed"]
            assert row["reason"] == row["failed"][0]["reason"]  # type: ignore[index]
            if str(row["reason"]).endswith((".low", ".high")):
                assert row["value"] is not None
                assert row["bound"] is not None
        else:
            assert not row["failed"]


@pytest.mark.ray
@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_bytes(
    sample_run: RunResult, tmp_path: Path, digests: Digests, workers: int
) -> None:
    result = run_sample(tmp_path / "out", serial=False, workers=workers)
    assert result.splits > 1
    assert digests(result.folder.root) == digests(sample_run.folder.root)


@pytest.mark.parametrize("size", [5_000, 40_000, 10_000_000])
def test_splits_of_any_size_give_the_same_records(
    sample_run: RunResult, tmp_path: Path, size: int
) -> None:
    result = run_sample(tmp_path / "out", f"source.split_size={size}")
    assert ledger(result.folder.root) == ledger(sample_run.folder.root)


def test_a_finished_run_is_not_run_again(sample_run: RunResult, digests: Digests) -> None:
    before = digests(sample_run.folder.root)
    again = run_sample(sample_run.folder.root)
    assert (again.measured, again.decided_again, again.resumed) == (0, 0, again.splits)
    assert digests(sample_run.folder.root) == before


@pytest.mark.parametrize("low", [20, 300])
def test_a_changed_bound_only_decides_again(tmp_path: Path, digests: Digests, low: int) -> None:
    bound = f"filters.gopher_quality.bounds.word_count.low={low}"
    fresh = run_sample(tmp_path / "fresh", bound)
    run_sample(tmp_path / "changed")
    changed = run_sample(tmp_path / "changed", bound)
    assert (changed.measured, changed.decided_again) == (0, changed.splits)
    assert digests(changed.folder.root) == digests(fresh.folder.root)
    assert changed.report.to_json() == fresh.report.to_json()


def test_without_the_dropped_texts_a_changed_bound_reads_the_crawl_again(tmp_path: Path) -> None:
    run_sample(tmp_path, "keep.dropped=none")
    changed = run_sample(
        tmp_path, "keep.dropped=none", "filters.gopher_quality.bounds.word_count.low=20"
    )
    assert (changed.measured, changed.decided_again) == (changed.splits, 0)


def test_another_corpus_format_replaces_the_old_files(tmp_path: Path, digests: Digests) -> None:
    fresh = run_sample(tmp_path / "fresh", "keep.corpus=jsonl.zst")
    run_sample(tmp_path / "changed")
    changed = run_sample(tmp_path / "changed", "keep.corpus=jsonl.zst")
    assert digests(changed.folder.root) == digests(fresh.folder.root)
    back = run_sample(tmp_path / "changed")
    assert back.decided_again == back.splits
    assert digests(back.folder.root) == digests(run_sample(tmp_path / "parquet").folder.root)


def test_a_part_that_was_damaged_is_written_again(tmp_path: Path, digests: Digests) -> None:
    whole = digests(run_sample(tmp_path).folder.root)
    (tmp_path / "corpus" / "part-00000.parquet").write_bytes(b"PAR1")
    repaired = run_sample(tmp_path)
    assert (repaired.measured, repaired.resumed) == (1, repaired.splits - 1)
    assert digests(tmp_path) == whole


def test_datasets_opens_the_output_as_it_stands(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out, cache = tmp_path / "out", str(tmp_path / "cache")
    for overrides in ([], ["filters.gopher_quality.bounds.word_count.low=300"]):
        # The second run is decided again in the same folder: no stale copy may be served.
        result = run_sample(out, *overrides)
        corpus = datasets.load_dataset(str(out), split="train", cache_dir=cache)
        assert corpus.num_rows == result.report.fates[Fate.KEPT]
        records = datasets.load_dataset(str(out), "records", split="train", cache_dir=cache)
        assert records.num_rows == result.report.records

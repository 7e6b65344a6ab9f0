"""Duplicates of a run: their fates and receipts, what a changed setting costs, and repairs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.cli import main
from pipeline.core.errors import ConfigError, RecipeErrors, StorageError, WipeOutAlarm
from pipeline.core.records import Fate
from pipeline.recipe import load_recipe
from pipeline.run import RunResult, run
from pipeline.runtime.ledger import read_rows
from pipeline.sources.sample import write_sample

Digests = Callable[[Path], dict[str, str]]
Row = dict[str, Any]


def run_sample(out: Path, *overrides: str, **options: Any) -> RunResult:
    return run(load_recipe("quickstart", overrides), out=out, **{"serial": True, **options})


def rows(out: Path, kind: str) -> list[Row]:
    return [row for path in sorted((out / kind).iterdir()) for row in read_rows(path)]


def receipts(out: Path) -> list[Row]:
    found: list[Row] = pq.read_table(out / "dedup" / "receipts.parquet").to_pylist()
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the quickstart, not to be changed."""
    return run_sample(tmp_path_factory.mktemp("plain") / "out").folder.root


def test_every_duplicate_has_its_fate_a_receipt_and_its_text(plain: Path) -> None:
    ledger = {row["id"]: row for row in rows(plain, "records")}
    duplicates = {name for name, row in ledger.items() if row["fate"] == Fate.DUPLICATE}
    found = receipts(plain)
    assert {receipt["removed"] for receipt in found} == duplicates
    assert len(found) == len(duplicates) > 0
    left = {row["id"] for row in rows(plain, "dropped")}
    for receipt in found:
        removed, kept = ledger[receipt["removed"]], ledger[receipt["kept"]]
        assert kept["fate"] == Fate.KEPT
        assert receipt["kept"] in removed["detail"]
        if receipt["rule"] == "payload":
            assert removed["stage"] == "payload"
            assert removed["value"] == 2.0
        else:
            assert removed["stage"] == "dedup"
            assert removed["value"] == receipt["similarity"] >= removed["bound"] == 0.8
            assert removed["id"] in left
            assert removed["cluster"] == kept["id"]


def test_every_kept_document_knows_its_cluster(plain: Path) -> None:
    sizes = Counter(receipt["kept"] for receipt in receipts(plain))
    corpus = rows(plain, "corpus")
    assert corpus
    for row in corpus:
        assert row["cluster"] == row["id"]
        assert row["cluster_size"] == 1 + sizes[row["id"]]


@pytest.mark.parametrize(
    "setting",
    ["dedup.threshold=0.5", "dedup.keep=[earliest, longest]", "dedup={threshold: 0.95}"],
)
def test_another_setting_deduplicates_again_and_reads_nothing(
    tmp_path: Path, digests: Digests, setting: str
) -> None:
    fresh = run_sample(tmp_path / "fresh", "dedup.payload=false", setting)
    run_sample(tmp_path / "changed", "dedup.payload=false")
    changed = run_sample(tmp_path / "changed", "dedup.payload=false", setting)
    assert (changed.measured, changed.decided_again) == (0, 0)
    assert digests(changed.folder.root) == digests(fresh.folder.root)


def test_a_changed_bound_brings_other_duplicates(tmp_path: Path, digests: Digests) -> None:
    bound = "filters.gopher_quality.bounds.word_count.low=320"
    fresh = run_sample(tmp_path / "fresh", bound)
    run_sample(tmp_path / "changed")
    changed = run_sample(tmp_path / "changed", bound)
    assert changed.decided_again == changed.splits
    assert digests(changed.folder.root) == digests(fresh.folder.root)


def test_without_deduplication_nothing_of_it_is_left(tmp_path: Path, digests: Digests) -> None:
    fresh = run_sample(tmp_path / "fresh", "dedup=null")
    run_sample(tmp_path / "changed", "dedup.payload=false")
    changed = run_sample(tmp_path / "changed", "dedup=null")
    assert changed.measured == 0
    assert digests(changed.folder.root) == digests(fresh.folder.root)
    back = run_sample(tmp_path / "changed", "dedup.payload=false")
    assert back.measured == 0
    twice = digests(run_sample(tmp_path / "back", "dedup.payload=false").folder.root)
    assert digests(back.folder.root) == twice


def test_texts_of_duplicates_are_left_even_where_no_dropped_one_is(tmp_path: Path) -> None:
    run_sample(tmp_path, "keep.dropped=none")
    reasons = {row["reason"] for row in rows(tmp_path, "dropped")}
    assert reasons == {"dedup.jaccard.high", "dedup.exact.high"}
    loose = run_sample(tmp_path, "keep.dropped=none", "dedup.threshold=1.0")
    assert loose.measured == 0
    assert {row["reason"] for row in rows(tmp_path, "dropped")} == {"dedup.exact.high"}


@pytest.mark.parametrize("name", ["signatures.u32", "shingles.u32", "documents.arrow", "json"])
def test_a_damaged_signature_part_is_built_anew(
    tmp_path: Path, digests: Digests, name: str
) -> None:
    whole = digests(run_sample(tmp_path).folder.root)
    part = tmp_path / "dedup" / "index" / f"part-00001.{name}"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 0xFF
    part.write_bytes(data)
    again = run_sample(tmp_path)
    assert again.measured == again.decided_again == 0
    assert digests(tmp_path) == whole


@pytest.mark.ray
def test_any_split_size_and_worker_count_gives_the_same_receipts(
    plain: Path, tmp_path: Path
) -> None:
    result = run_sample(tmp_path / "out", "source.split_size=7000", serial=False, workers=2)
    assert result.splits > 8
    mine = (result.folder.root / "dedup" / "receipts.parquet").read_bytes()
    assert mine == (plain / "dedup" / "receipts.parquet").read_bytes()


# --- several crawls ------------------------------------------------------------------------


@pytest.fixture
def crawl(tmp_path: Path) -> str:
    """The sample twice: every record of the second file repeats one of the first."""
    for name in ("a", "b"):
        write_sample(tmp_path / f"{name}.warc.gz")
    return f"source={{kind: warc, paths: [{tmp_path}/*.warc.gz]}}"


def test_repeated_payloads_are_never_extracted(tmp_path: Path, crawl: str) -> None:
    result = run_sample(tmp_path / "out", crawl)
    stages = {count.name: count for count in result.report.stages}
    assert stages["payload"].duplicate == stages["payload"].passed + 2  # the mirror, in both
    assert stages["prescreen"].entered == stages["payload"].passed
    ledger = {row["id"]: row for row in rows(tmp_path / "out", "records")}
    rules = Counter(receipt["rule"] for receipt in receipts(tmp_path / "out"))
    assert rules["payload"] + rules["payload.dropped"] == stages["payload"].duplicate
    for receipt in receipts(tmp_path / "out"):
        kept = ledger[receipt["kept"]]["fate"] == Fate.KEPT
        assert kept == (receipt["rule"] != "payload.dropped")


def test_without_the_payload_pass_the_same_pages_stay(tmp_path: Path, crawl: str) -> None:
    with_pass = run_sample(tmp_path / "with", crawl)
    with pytest.raises(WipeOutAlarm, match=r"source .*b\.warc\.gz would lose"):
        run_sample(tmp_path / "without", crawl, "dedup.payload=false")
    off = "dedup.alarm.action=off"
    without = run_sample(tmp_path / "without", crawl, "dedup.payload=false", off)
    texts = [
        sorted(row["text"] for row in rows(result.folder.root, "corpus"))
        for result in (with_pass, without)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("payload", ["true", "false"])
def test_a_file_more_settles_everything_anew(
    tmp_path: Path, digests: Digests, payload: str
) -> None:
    settings = f"dedup={{payload: {payload}, alarm: {{action: off}}}}"
    write_sample(tmp_path / "b.warc.gz")
    files = f"source={{kind: warc, paths: [{tmp_path}/*.warc.gz]}}"
    run_sample(tmp_path / "grown", files, settings)
    write_sample(tmp_path / "a.warc.gz")
    grown = run_sample(tmp_path / "grown", files, settings)
    fresh = run_sample(tmp_path / "fresh", files, settings)
    assert digests(grown.folder.root) == digests(fresh.folder.root)


def test_a_later_run_leaves_out_what_an_earlier_one_kept(plain: Path, tmp_path: Path) -> None:
    later = run_sample(tmp_path / "later", f"dedup={{against: [{plain}], alarm: {{action: off}}}}")
    kept = {row["id"] for row in rows(plain, "corpus")}
    assert not rows(later.folder.root, "corpus")
    found = receipts(later.folder.root)
    assert {receipt["kept"] for receipt in found} <= kept
    assert {receipt["rule"] for receipt in found} == {"exact.earlier", "jaccard.earlier"}
    again = run_sample(tmp_path / "later", f"dedup={{against: [{plain}], alarm: {{action: off}}}}")
    assert again.resumed == again.splits


def test_an_index_that_does_not_fit_is_refused_before_anything_is_read(
    plain: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"other parameters: words 5 there, 7 here"):
        run_sample(tmp_path / "out", f"dedup={{words: 7, against: [{plain}]}}")
    with pytest.raises(RecipeErrors, match="no such file or folder"):
        run_sample(tmp_path / "out", "dedup={against: [nowhere]}")
    with pytest.raises(ConfigError, match="holds no finished deduplication"):
        run_sample(tmp_path / "out", f"dedup={{against: [{tmp_path}]}}")
    assert not (tmp_path / "out").exists()


def test_a_damaged_index_of_an_earlier_run_is_refused(tmp_path: Path) -> None:
    run_sample(tmp_path / "earlier")
    part = tmp_path / "earlier" / "dedup" / "index" / "part-00000.signatures.u32"
    part.write_bytes(b"\0" * part.stat().st_size)
    with pytest.raises(StorageError, match="damaged; run what wrote"):
        run_sample(tmp_path / "later", f"dedup={{against: [{tmp_path / 'earlier'}]}}")


# --- the alarm -----------------------------------------------------------------------------

STRICT = "dedup.alarm={share: 0.1, minimum: 3, action: %s}"


def test_the_alarm_stops_before_anything_is_taken_out(tmp_path: Path) -> None:
    with pytest.raises(WipeOutAlarm, match=r"domain harrowford\.example would lose 2 of its"):
        run_sample(tmp_path, STRICT % "stop")
    assert not (tmp_path / "manifest.json").exists()
    assert not (tmp_path / "dedup" / "receipts.parquet").exists()
    assert "duplicate" not in {
        row["fate"] for row in rows(tmp_path, "records") if row["stage"] == "dedup"
    }
    warned = run_sample(tmp_path, STRICT % "warn")
    assert warned.resumed == warned.splits
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert [alarm["name"] for alarm in manifest["dedup"]["alarms"]] == ["harrowford.example"]


def test_the_alarm_has_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "quickstart", "--serial", "--quiet", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--set", STRICT % "stop"])
    assert ended.value.code == 4
    assert "wipe-out alarm, nothing was removed" in capsys.readouterr().err


def test_a_folder_of_deduplicated_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".gristmill").mkdir()
    (tmp_path / "kept.parquet").touch()
    with pytest.raises(ConfigError, match="holds deduplicated files"):
        run_sample(tmp_path)


# --- the recipe ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{bands: 14}", "bands and rows come together"),
        ("{keep: [best_quality]}", "best_quality in keep and the key quality need each other"),
        ("{keep: [best_quality], quality: gopher_quality.wordcount}", "did you mean"),
        ("{threshold: 0}", "greater than 0"),
        ("{keep: [shortest]}", "shortest"),
        ("{tresh: 1}", "threshold"),
    ],
)
def test_a_wrong_section_is_refused_with_its_place(section: str, message: str) -> None:
    with pytest.raises(RecipeErrors, match=message):
        load_recipe("quickstart", [f"dedup={section}"])


def test_the_best_copy_by_a_signal_stays(tmp_path: Path) -> None:
    section = "dedup={keep: [best_quality], quality: gopher_quality.word_count}"
    run_sample(tmp_path, section)
    words = {row["id"]: row["gopher_quality.word_count"] for row in rows(tmp_path, "records")}
    found = receipts(tmp_path)
    assert found
    assert all(words[receipt["kept"]] >= words[receipt["removed"]] for receipt in found)

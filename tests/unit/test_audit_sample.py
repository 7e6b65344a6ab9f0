"""The embedded sample of an audit: what it holds, that what is planted is there, and repeatable.

The last test audits it, where the models are.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from audited_texts import needs_verifier

from audits.benchmarks.coverage import coverage
from audits.benchmarks.load import load_benchmark
from audits.findings import Kind
from audits.outcome.files import read_findings
from audits.outcome.results import read_results
from pipeline.audit.sample import BENCHMARK, Document, LeakSample, leak_sample, write_leak_sample
from pipeline.cli import main
from pipeline.core.errors import StorageError
from pipeline.sources.corpus import CorpusColumns, check_columns, plan_corpus, read_corpus
from pipeline.sources.sample import sample_records, sample_texts

FILES = ("benchmark.yaml", "corpus.jsonl", "items.jsonl", "results.csv")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LeakSample]:
    folder = tmp_path_factory.mktemp("sample") / "leaks"
    return folder, write_leak_sample(folder)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["sample", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def planted(sample: LeakSample) -> list[Document]:
    return [one for one in sample.documents if one.item]


# --- pages as texts --------------------------------------------------------------------------


def test_texts_are_those_of_the_pages() -> None:
    records = {record.name: record for record in sample_records()}
    for page in sample_texts():
        assert page.url == records[page.name].url
        assert page.text.strip() == page.text
    texts = {page.name: page.text for page in sample_texts()}
    assert texts["fineweb-poem"].startswith("Low water\n\nThe tide has gone to see\nwho lives")
    assert (
        "@job(attempts=5, pause=0.5)\ndef fetch(address):\n    return"
        in texts["article-docs-scheduler"]
    )
    assert "茶" in texts["language-chinese"]
    assert "&mdash;" not in texts["article-collar"]
    assert "empty-body" not in texts


# --- what it holds ---------------------------------------------------------------------------


def test_items_are_those_of_the_benchmark(written: tuple[Path, LeakSample]) -> None:
    folder, sample = written
    benchmark = load_benchmark(str(folder / "benchmark.yaml"))
    assert (benchmark.name, benchmark.faults) == (BENCHMARK, ())
    bare = [dataclasses.replace(item, answer=item.answer.strip()) for item in sample.items]
    assert list(benchmark.items) == bare
    assert len(sample.items) == len({item.id for item in sample.items}) == 24
    assert len({item.subject for item in sample.items}) == 14
    assert not coverage(benchmark.items, semantic_languages=["en"]).unchecked()


def test_the_corpus_is_read_as_one(written: tuple[Path, LeakSample]) -> None:
    folder, sample = written
    parts = plan_corpus([folder / "corpus.jsonl"])
    check_columns(parts, CorpusColumns())
    read = [row for part in parts for row in read_corpus(part)]
    assert [(row.id, row.url, row.text) for row in read] == [
        (one.id, one.url, one.text) for one in sample.documents
    ]
    assert 55 <= len(read) <= 65
    assert len({row.id for row in read}) == len({row.text for row in read}) == len(read)
    assert {tuple(row) for row in rows(folder / "corpus.jsonl")} == {("id", "url", "text")}


def test_every_kind_is_planted_once_an_item(written: tuple[Path, LeakSample]) -> None:
    _, sample = written
    kinds = Counter(one.kind for one in planted(sample))
    assert kinds.keys() == set(Kind) - {Kind.TRANSLATION}
    assert min(kinds.values()) >= 1
    assert kinds[Kind.PARAPHRASE] >= 5
    assert len({one.item for one in planted(sample)}) == len(planted(sample))
    assert 0 < len(planted(sample)) < len(sample.items)
    assert len(sample.leaks) == sum(one.kind.leak for one in planted(sample) if one.kind)


def test_what_is_planted_stands_where_it_is_said(written: tuple[Path, LeakSample]) -> None:
    _, sample = written
    items = {item.id: item for item in sample.items}
    hosts = {page.name: page for page in sample_texts()}
    for one in planted(sample):
        text, question = one.text[one.start : one.end], items[one.item].question
        assert text.strip() == text
        assert text, one.item
        words = [" ".join(said.lower().replace("> ", "").split()) for said in (text, question)]
        if one.kind is Kind.VERBATIM:
            assert words[1] in words[0], one.item
        else:
            assert words[1] not in words[0], one.item
        around = one.text[: one.start] + one.text[one.end :]
        lines = [line for line in hosts[one.id].text.splitlines() if line]
        # A form that stands within a paragraph is led into by a sentence of its own.
        assert sum(line in around for line in lines) >= len(lines) - 1
        assert hosts[one.id].kept


def test_documents_without_an_item_are_pages_as_they_are(
    written: tuple[Path, LeakSample],
) -> None:
    _, sample = written
    hosts = {page.name: page.text for page in sample_texts()}
    clean = [one for one in sample.documents if not one.item]
    assert len(clean) > len(planted(sample))
    for one in clean:
        assert (one.text, one.kind, one.end) == (hosts[one.id], None, 0)


def test_the_model_answers_what_leaked_more_often(written: tuple[Path, LeakSample]) -> None:
    folder, sample = written
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert {tuple(row) for row in table} == {("benchmark", "item", "correct")}
    found = read_results(folder / "results.csv", sample.items)
    assert found.counts == {"read": 24, "used": 24}
    assert found.faults == ()
    assert {key[1]: score == 1 for key, score in found.scores.items()} == sample.results
    leaked = set(sample.leaks.values())
    of = {
        name: [right for item, right in sample.results.items() if (item in leaked) is name]
        for name in (True, False)
    }
    assert sum(of[True]) / len(of[True]) > sum(of[False]) / len(of[False]) + 0.2
    assert sum(of[False]) > 0
    assert not all(of[True])


# --- writing ---------------------------------------------------------------------------------


def test_writing_twice_gives_the_same_bytes(
    written: tuple[Path, LeakSample], tmp_path: Path
) -> None:
    folder, sample = written
    other = tmp_path / "elsewhere" / "deeper"
    other.mkdir(parents=True)
    (other / "corpus.jsonl").write_text("an older and longer file\n" * 100_000)
    assert write_leak_sample(other) == sample == leak_sample()
    assert sorted(path.name for path in other.iterdir()) == list(FILES)
    for name in FILES:
        assert (other / name).read_bytes() == (folder / name).read_bytes(), name


def test_it_is_made_without_the_packages_of_an_audit() -> None:
    code = (
        "import sys\n"
        "from pipeline.audit.sample import leak_sample\n"
        "leak_sample()\n"
        "assert not {'torch', 'faiss', 'sentence_transformers', 'ray'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the command -----------------------------------------------------------------------------


def test_the_command_writes_both_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("crawl") == 0
    assert Path("crawl/sample.warc.gz").stat().st_size
    assert call("leaks") == 0
    assert sorted(path.name for path in Path("leaks").iterdir()) == list(FILES)
    assert call("leaks", "--out", "out/here") == 0
    assert sorted(path.name for path in Path("out/here").iterdir()) == list(FILES)
    said = capsys.readouterr().out
    assert "leaks/benchmark.yaml: 24 items" in said
    assert "15 of which leak an item" in said
    assert "an invented model" in said


def test_another_sample_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("somewhere") == 2
    assert "'crawl', 'leaks', 'chats'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="give another folder with --out"):
        write_leak_sample(tmp_path / "file" / "leaks")
    assert call("leaks", "--out", str(tmp_path / "file" / "leaks")) == 1


# --- an audit of it --------------------------------------------------------------------------


@pytest.mark.heavy
@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("sentence_transformers", "faiss"))),
    reason="the encoder needs gristmill[audit]",
)
def test_an_audit_finds_copies_and_nothing_that_is_not_there(
    written: tuple[Path, LeakSample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_verifier()
    folder, sample = written
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(
            ["audit", str(folder / "corpus.jsonl"), "--quiet", "--out", "out",
             "--benchmarks", str(folder / "benchmark.yaml"),
             "--results", str(folder / "results.csv")]
        )  # fmt: skip
    assert caught.value.code == 0
    found = {(one.document, one.item) for one in read_findings("out") if one.leak}
    truth = set(sample.leaks.items())
    copies = {
        (one.id, one.item)
        for one in planted(sample)
        if one.kind in (Kind.VERBATIM, Kind.NEAR_VERBATIM)
    }
    assert copies <= found <= truth
    assert found - copies, "no paraphrase was found"
    manifest = json.loads(Path("out/audit.json").read_text(encoding="utf-8"))
    assert manifest["benchmarks"][BENCHMARK]["contaminated"] == len(found)
    assert "nothing may be claimed of the difference" in manifest["headline"]

"""A selection from the embedded sample of chat logs, through the command: every fate, and who has it."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from audited_texts import needs_verifier

from audits.outcome.files import read_findings
from pipeline.audit.sample import BENCHMARK
from pipeline.cli import main
from pipeline.pii import find_pii
from pipeline.selection.fates import FATES
from pipeline.selection.sample import ChatSample, Plant, chat_sample

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("sentence_transformers", "faiss"))),
        reason="the encoder needs gristmill[prompts]",
    ),
]

Row = dict[str, Any]


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs_verifier()
    work = tmp_path_factory.mktemp("selection")
    for name in ("chats", "leaks"):
        assert call("sample", name, "--out", str(work / name)) == 0
    assert call(
        "prompts", str(work / "chats" / "*"), "--select", "40", "--golden", "20", "--serial", "--quiet",
        "--benchmarks", str(work / "leaks" / "benchmark.yaml"), "--out", str(work / "out"),
    ) == 0  # fmt: skip
    return work / "out"


@pytest.fixture(scope="module")
def ledger(out: Path) -> dict[str, Row]:
    return {row["id"]: row for row in pq.read_table(out / "ledger.parquet").to_pylist()}


@pytest.fixture(scope="module")
def selected(out: Path) -> list[Row]:
    lines = (out / "selected.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def sample() -> ChatSample:
    return chat_sample()


def of(sample: ChatSample, plant: Plant, ledger: dict[str, Row]) -> list[Row]:
    return [ledger[one.id] for one in sample.chats if one.plant is plant]


def test_every_fate_occurs_and_all_are_counted(
    out: Path, ledger: dict[str, Row], sample: ChatSample
) -> None:
    manifest = json.loads((out / "prompts.json").read_text(encoding="utf-8"))
    assert ledger.keys() == {one.id for one in sample.chats}
    counts = Counter(row["fate"] for row in ledger.values())
    assert counts.keys() == set(FATES)
    assert (counts["selected"], counts["golden"]) == (40, 20)
    assert {fate: manifest["conversations"][fate] for fate in FATES} == dict(counts)
    assert manifest["shortfalls"] == []
    assert manifest["rows"] == {
        "read": len(sample.chats) + 2,
        "used": len(sample.chats),
        "quarantined": 2,
        "reasons": {"table.compression": 1, "table.json": 1},
    }
    reasons = {row["reason"] for row in ledger.values()}
    assert reasons >= {
        "near_empty.words.low", "intent.doing", "intent.expressing", "floor.quality.low",
        "floor.response_quality.low", "safety.dan.high", "safety.grandma.high",
        "safety.ignore_instructions.high", "exact", "jaccard", "golden.exact", "golden.ngram",
        "held_back.user", "held_back.time",
    }  # fmt: skip


def test_what_was_planted_ends_as_it_should(ledger: dict[str, Row], sample: ChatSample) -> None:
    assert {row["fate"] for row in of(sample, Plant.SHORT, ledger)} <= {"dropped", "held_back"}
    for row in of(sample, Plant.JAILBREAK, ledger):
        assert row["fate"] == "dropped"
        assert row["reason"].startswith("safety.")
    copies = [one for one in sample.chats if one.plant in (Plant.COPY, Plant.NEAR_COPY)]
    twice = [
        one for one in copies if {ledger[one.id]["fate"], ledger[one.of]["fate"]} == {"selected"}
    ]
    assert not twice
    assert sum(ledger[one.id]["fate"] == "duplicate" for one in copies) > len(copies) / 3
    residue = Counter[str]()
    for row in of(sample, Plant.RESIDUE, ledger) + of(sample, Plant.TEMPLATE, ledger):
        residue.update(json.loads(row["residue"]))
    assert residue.keys() == {"button", "copy_code", "pager", "aiprm"}
    kinds = [json.loads(row["pii"]) for row in of(sample, Plant.PERSONAL, ledger)]
    assert kinds == [{one.detail: 1} for one in sample.chats if one.plant is Plant.PERSONAL]


def test_nothing_selected_is_in_the_golden_set_or_the_benchmark(
    out: Path, ledger: dict[str, Row], sample: ChatSample
) -> None:
    overlap = {one.detail: one for one in sample.chats if one.plant is Plant.OVERLAP}
    assert {ledger[one.of]["fate"] for one in overlap.values()} == {"golden"}
    reasons = {name: ledger[one.id]["reason"] for name, one in overlap.items()}
    assert reasons["same"] == "golden.exact"
    assert reasons["quotes"] == "golden.ngram"
    assert ledger[overlap["reworded"].id]["fate"] in ("contaminated", "passed_over")
    # Which of the items would be picked, and are looked at then, depends on the others.
    pasted = of(sample, Plant.BENCHMARK, ledger)
    assert {row["fate"] for row in pasted} <= {"contaminated", "passed_over"}
    found = [row for row in pasted if row["fate"] == "contaminated"]
    assert found
    for row in found:
        assert row["reason"] == "audit.verbatim"
        assert row["value"] >= row["bound"] > 0
        assert row["other"].startswith(f"{BENCHMARK}/")
    assert not [one for one in read_findings(out / "audit") if one.leak]


def test_users_and_times_are_apart(out: Path, ledger: dict[str, Row]) -> None:
    golden = [row for row in ledger.values() if row["fate"] == "golden"]
    trained = [row for row in ledger.values() if row["fate"] in ("selected", "passed_over")]
    trained = [row for row in trained if row["side"] == "training"]
    assert {row["tier"] for row in golden} <= {"plus", "pro"}
    assert not {row["user"] for row in golden} & {row["user"] for row in trained}
    after = json.loads((out / "golden" / "golden.json").read_text(encoding="utf-8"))["after"]
    assert max(row["time"] for row in trained) < after <= min(row["time"] for row in golden)


def test_the_selection_is_good_diverse_and_masked(
    selected: list[Row], ledger: dict[str, Row]
) -> None:
    assert [row["rank"] for row in selected] == list(range(1, 41))
    assert {row["intent"] for row in selected} == {"asking"}
    assert len({row["topic"] for row in selected}) >= 4
    rest = [row["quality"] for row in ledger.values() if row["fate"] == "dropped"]
    mean = sum(row["quality"] for row in selected) / len(selected)
    assert mean > sum(rest) / len(rest) + 0.1
    texts = [turn["content"] for row in selected for turn in row["messages"]]
    assert not [found for text in texts for found in find_pii(text)]
    assert any("[IPV4_1]" in text for text in texts)
    assert any("[AI_KEY_1]" in text for text in texts)


def test_explain_tells_why(
    out: Path, sample: ChatSample, capsys: pytest.CaptureFixture[str]
) -> None:
    one = next(one for one in sample.chats if one.detail == "same")
    assert call("prompts", "explain", one.id, "--out", str(out)) == 0
    said = capsys.readouterr().out
    assert f"{one.id}: contaminated (golden.exact)" in said
    assert "hedge" in said

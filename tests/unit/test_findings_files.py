"""Findings on disk: one order whatever came first, both files alike, and nothing broken read as whole."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.findings import FINDINGS, Finding, Kind
from audits.items import Item
from audits.outcome.files import (
    JSONL,
    PARQUET,
    contamination,
    leaked_probabilities,
    ordered,
    read_findings,
    write_findings,
)
from classifiers.evaluate import proportion
from pipeline.core.errors import ConfigError, ConservationError, SourceError
from pipeline.runtime.storage import RunFolder

ITEMS = [
    *(Item("gsm8k", str(number), f"question {number}") for number in range(12)),
    Item("arc", "b", "second in the alphabet, first in the source"),
    Item("arc", "a", "the other one"),
]


def finding(**fields: Any) -> Finding:
    base: dict[str, Any] = {
        "benchmark": "gsm8k", "item": "0", "document": "d1", "url": "", "start": 0, "end": 10,
        "type": Kind.VERBATIM, "probability": 0.99, "leak": True, "answer": False, "evidence": {},
    }  # fmt: skip
    return Finding(**{**base, **fields})


FOUND = [
    finding(item="10", document="d9"),
    finding(
        item="2", document="d2", evidence={"spans": [[0, 4, 3, 7]], "cosine": 0.5, "text": "ü"}
    ),
    finding(item="2", document="d10", start=5),
    finding(item="2", document="d10", start=40, end=50, type=Kind.PARAPHRASE),
    finding(benchmark="arc", item="a", type=Kind.SAME_TOPIC, leak=False, probability=0.02),
    finding(benchmark="arc", item="b", url="https://a.test/?q=1"),
]


def folder(path: Path) -> RunFolder:
    return RunFolder(path).create(kinds=())


# --- order and files ---------------------------------------------------------------------------


def test_order_is_that_of_benchmark_item_document_and_start() -> None:
    places = [(one.benchmark, one.item, one.document, one.start) for one in ordered(FOUND, ITEMS)]
    assert places == [
        ("arc", "b", "d1", 0),
        ("arc", "a", "d1", 0),
        ("gsm8k", "2", "d10", 5),
        ("gsm8k", "2", "d10", 40),
        ("gsm8k", "2", "d2", 0),
        ("gsm8k", "10", "d9", 0),
    ]


def test_files_do_not_depend_on_the_order_of_findings(tmp_path: Path) -> None:
    twins = [*FOUND, finding(item="10", document="d9", evidence={"cosine": 0.1})]
    sums = set()
    for number, order in enumerate(itertools.islice(itertools.permutations(twins), 0, 5000, 617)):
        out = folder(tmp_path / str(number))
        assert write_findings(out, order, ITEMS) == len(twins)
        sums.add(
            tuple(
                hashlib.sha256((out.root / name).read_bytes()).hexdigest()
                for name in (PARQUET, JSONL)
            )
        )
    assert len(sums) == 1


@pytest.mark.parametrize("name", [PARQUET, JSONL, ""])
def test_either_file_and_the_folder_give_the_findings_back(tmp_path: Path, name: str) -> None:
    write_findings(folder(tmp_path), FOUND, ITEMS)
    found = read_findings(tmp_path / name)
    assert found == ordered(FOUND, ITEMS)
    assert all(isinstance(one.type, Kind) for one in found)


def test_a_folder_with_jsonl_alone_is_read(tmp_path: Path) -> None:
    write_findings(folder(tmp_path), FOUND, ITEMS)
    (tmp_path / PARQUET).unlink()
    assert len(read_findings(tmp_path)) == len(FOUND)


@pytest.mark.parametrize("name", [PARQUET, JSONL])
def test_no_finding_is_a_finished_audit_too(tmp_path: Path, name: str) -> None:
    write_findings(folder(tmp_path), [], ITEMS)
    assert read_findings(tmp_path / name) == []
    assert pq.read_schema(tmp_path / PARQUET) == FINDINGS


def test_jsonl_is_what_the_issue_names(tmp_path: Path) -> None:
    write_findings(folder(tmp_path), FOUND[1:2], ITEMS)
    row = json.loads((tmp_path / JSONL).read_text(encoding="utf-8"))
    assert list(row) == FINDINGS.names
    assert row["type"] == "verbatim"
    assert row["evidence"] == FOUND[1].evidence
    assert "ü" in (tmp_path / JSONL).read_text(encoding="utf-8")


def test_hostile_text_is_stored(tmp_path: Path) -> None:
    text = "a\ud800b\u2028c\x00<script>\n"
    bad = finding(document=text, evidence={"text": text, "deep": [{text: float("nan")}]})
    write_findings(folder(tmp_path), [bad], ITEMS)
    whole = text.replace("\ud800", "\ufffd")
    for name in (PARQUET, JSONL):
        (found,) = read_findings(tmp_path / name)
        assert found.document == whole
        assert found.evidence == {"text": whole, "deep": [{whole: None}]}


def test_a_finding_of_an_unknown_item_is_a_bug(tmp_path: Path) -> None:
    for broken in (finding(item="99"), finding(benchmark="mmlu")):
        with pytest.raises(ConservationError, match="none of the items"):
            write_findings(folder(tmp_path), [broken], ITEMS)
        with pytest.raises(ConservationError, match="none of the items"):
            contamination([broken], ITEMS)
    assert not (tmp_path / JSONL).exists()


# --- broken files ------------------------------------------------------------------------------


def test_a_folder_without_findings_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no finished audit.*--out"):
        read_findings(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.jsonl"):
        read_findings(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "verbatm"}, r":2: no type is called 'verbatm'; did you mean 'verbatim'"),
        ({"probability": 1.5}, r":2: probability is 1.5, where a number from 0 to 1 belongs"),
        ({"probability": None}, r":2: probability is None"),
        ({"probability": True}, r":2: probability is True"),
        ({"start": -1}, r":2: start is -1, where a whole number from 0 belongs"),
        ({"start": 11}, r":2: ends at 10, before it starts at 11"),
        ({"leak": 1}, r":2: leak is 1, where true or false belongs"),
        ({"type": "altered"}, r":2: counts as a leak, and altered is none"),
        ({"document": 7}, r":2: document is 7, where a text belongs"),
        ({"evidence": "{"}, r":2: evidence is no JSON"),
        ({"evidence": "[]"}, r":2: evidence is JSON, but no object"),
        ({"evidence": []}, r":2: evidence is \[\], where an object belongs"),
        ({"benchmark": "\x1b[2J", "type": "\x1b[2J"}, r":2: no type is called '␛\[2J'"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rows = [finding().to_json(), {**finding().to_json(), **change}]
    path = tmp_path / "f.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read_findings(path)


def test_other_tables_are_no_findings(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"benchmrk": ["a"], "text": ["b"]}), path)
    with pytest.raises(SourceError, match=r"no column 'benchmark'; did you mean 'benchmrk'"):
        read_findings(path)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps(finding().to_json()) + "\n{\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"f.jsonl:2: cannot be read"):
        read_findings(path)


# --- figures -----------------------------------------------------------------------------------


def test_an_item_counts_once_under_its_strongest_kind() -> None:
    found = contamination(
        [
            finding(item="0", type=Kind.PARAPHRASE, probability=0.999, document="a"),
            finding(item="0", type=Kind.VERBATIM, probability=0.9, document="b", answer=True),
            finding(item="0", type=Kind.VERBATIM, probability=0.9, document="b", start=50, end=60),
            finding(item="1", type=Kind.TRANSLATION, probability=0.8, document="b"),
            finding(item="2", type=Kind.PARAPHRASE, probability=0.4, leak=False, document="c"),
            finding(item="3", type=Kind.ALTERED, probability=0.1, leak=False, answer=True),
        ],
        ITEMS,
        thresholds=(0.4, 0.8, 0.95),
    )
    assert list(found) == ["gsm8k", "arc"]
    one = found["gsm8k"]
    assert (one.items, one.contaminated, one.documents, one.answer_present) == (12, 2, 2, 1)
    assert one.interval == proportion(2, 12)
    assert {kind: items for kind, items in one.by_kind.items() if items} == {
        Kind.VERBATIM: 1,
        Kind.TRANSLATION: 1,
    }
    assert sum(one.by_kind.values()) == one.contaminated
    assert one.curve == ((0.4, 3), (0.8, 2), (0.95, 1))


def test_a_benchmark_without_findings_is_there() -> None:
    one = contamination([], ITEMS)["arc"]
    assert (one.items, one.contaminated, one.documents) == (2, 0, 0)
    assert set(one.by_kind.values()) == {0}
    assert all(items == 0 for _, items in one.curve)
    json.dumps(one.to_json(), allow_nan=False)


def test_kinds_that_are_no_leak_have_no_probability_of_one() -> None:
    assert leaked_probabilities(
        [
            finding(type=Kind.ALTERED, leak=False, probability=0.9),
            finding(item="1", probability=0.3),
        ]
    ) == {("gsm8k", "1"): 0.3}


def test_a_leak_of_a_kind_that_is_none_is_a_bug() -> None:
    with pytest.raises(ConservationError, match="counts as a leak"):
        contamination([finding(type=Kind.ALTERED)], ITEMS)


def test_figures_as_json() -> None:
    data = contamination(FOUND, ITEMS)["gsm8k"].to_json()
    assert data["by_kind"]["verbatim"] == 2
    assert data["interval"]["n"] == 12
    assert set(data) == {
        field.name for field in dataclasses.fields(contamination(FOUND, ITEMS)["gsm8k"])
    }
    json.dumps(data, allow_nan=False)

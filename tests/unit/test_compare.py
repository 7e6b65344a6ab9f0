"""Two audits: what is new, gone and changed, and that every finding has exactly one fate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audits.findings import Finding, Kind
from audits.items import Item
from audits.outcome.compare import Change, compare, compare_folders
from audits.outcome.files import write_findings
from pipeline.core.errors import ConfigError
from pipeline.runtime.storage import RunFolder


def finding(item: str = "0", document: str = "d", start: int = 0, **fields: Any) -> Finding:
    base: dict[str, Any] = {
        "benchmark": "gsm8k", "url": "", "end": start + 10, "type": Kind.VERBATIM,
        "probability": 0.9, "leak": True, "answer": False, "evidence": {"text": "never shown"},
    }  # fmt: skip
    return Finding(item=item, document=document, start=start, **{**base, **fields})


def test_new_gone_changed_and_the_same() -> None:
    before = [finding("0"), finding("1"), finding("2", probability=0.6)]
    after = [finding("0"), finding("2", probability=0.95), finding("3")]
    found = compare(before, after)
    assert [one.item for one in found.new] == ["3"]
    assert [one.item for one in found.gone] == ["1"]
    assert found.changed == (Change(before[2], after[1], ("probability",)),)
    assert found.counts() == {"gsm8k": {"new": 1, "gone": 1, "changed": 1, "unchanged": 1}}
    assert not found.same


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"probability": 0.95}, ()),
        ({"probability": 0.85}, ()),
        ({"probability": 0.951}, ("probability",)),
        ({"probability": 0.8499}, ("probability",)),
        ({"type": Kind.NEAR_VERBATIM}, ("type",)),
        ({"leak": False}, ("leak",)),
        ({"type": Kind.ALTERED, "leak": False, "probability": 0.1},
         ("type", "leak", "probability")),
        ({"start": 3, "end": 8, "answer": True, "url": "x", "evidence": {}}, ()),
    ],
)  # fmt: skip
def test_what_counts_as_changed(fields: dict[str, Any], what: tuple[str, ...]) -> None:
    found = compare([finding()], [finding(**fields)])
    assert [one.what for one in found.changed] == ([what] if what else [])
    assert not found.new
    assert not found.gone


def test_same_item_in_another_document_is_new() -> None:
    found = compare([finding(document="a")], [finding(document="b")])
    assert (len(found.new), len(found.gone), len(found.changed)) == (1, 1, 0)


def test_several_in_a_document_are_paired_by_overlap() -> None:
    before = [finding(start=0, probability=0.5), finding(start=100, probability=0.9)]
    after = [
        finding(start=50, probability=0.7),
        finding(start=104, probability=0.9),
        finding(start=2, probability=0.5),
    ]
    found = compare(before, after)
    assert [one.start for one in found.new] == [50]
    assert not found.changed
    assert not found.gone
    assert found.unchanged == {"gsm8k": 2}


def test_of_several_overlaps_the_longest_counts() -> None:
    before = [finding(start=0, end=20), finding(start=20, end=40, probability=0.5)]
    after = [finding(start=15, end=40, probability=0.5), finding(start=0, end=14)]
    assert not compare(before, after).changed


def test_moved_text_keeps_its_findings() -> None:
    before = [finding(start=0, type=Kind.VERBATIM), finding(start=100, type=Kind.PARAPHRASE)]
    after = [finding(start=1000, type=Kind.VERBATIM), finding(start=1100, type=Kind.PARAPHRASE)]
    assert compare(before, after).same


def test_an_audit_beside_itself_does_not_differ() -> None:
    some = [finding(str(item), str(document)) for item in range(4) for document in range(3)]
    found = compare(some, some[::-1])
    assert found.same
    assert found.unchanged == {"gsm8k": 12}
    assert list(found.lines()) == [
        "gsm8k: 0 new, 0 gone, 0 changed, 12 unchanged",
        "No difference.",
    ]
    assert compare([], []).same


def test_lines_are_short_and_act_on_nothing() -> None:
    hostile = "\x1b[2J\u202e\n"
    found = compare(
        [finding(str(number), hostile) for number in range(30)],
        [finding("0", hostile, leak=False, type=Kind.ALTERED, probability=0.02)],
    )
    lines = list(found.lines(listed=2))
    assert lines[0] == "gsm8k: 0 new, 29 gone, 1 changed, 0 unchanged"
    assert lines[1].startswith("gone    gsm8k 1 in ␛[2J")
    assert lines[3] == "gone    and 27 more"
    assert lines[4].endswith("verbatim to altered, leak to no leak, 0.90 to 0.02")
    assert not any(sign in line for line in lines for sign in hostile if sign not in "[2J")


def test_json_has_no_evidence() -> None:
    found = compare([finding("0"), finding("1")], [finding("1", leak=False), finding("2")])
    text = json.dumps(found.to_json())
    assert "never shown" not in text
    assert found.to_json()["changed"][0]["what"] == ["leak"]
    assert found.to_json()["new"][0]["item"] == "2"


def test_folders(tmp_path: Path) -> None:
    items = [Item("gsm8k", str(number), "q") for number in range(3)]
    for name, findings in (
        ("a", [finding("0"), finding("1")]),
        ("b", [finding("1"), finding("2")]),
    ):
        write_findings(RunFolder(tmp_path / name).create(kinds=()), findings, items)
    found = compare_folders(tmp_path / "a", tmp_path / "b" / "findings.jsonl")
    assert found.counts() == {"gsm8k": {"new": 1, "gone": 1, "changed": 0, "unchanged": 1}}
    (tmp_path / "c").mkdir()
    with pytest.raises(ConfigError, match="no finished audit"):
        compare_folders(tmp_path / "a", tmp_path / "c")

"""An audit on a terminal: its figures, what it says of what it could not do, and that nothing acts."""

from __future__ import annotations

from typing import Any

import pytest
from audit_example import audit, hostile_audit

from classifiers.evaluate import proportion
from pipeline.reports.audit_summary import audit_summary


@pytest.fixture
def manifest() -> dict[str, Any]:
    return audit(300)[0]


def text(manifest: dict[str, Any], **options: Any) -> str:
    """Running text, without its line breaks."""
    return " ".join(" ".join(audit_summary(manifest, "out/audit", **options)).split())


def test_a_row_for_each_benchmark(manifest: dict[str, Any]) -> None:
    lines = audit_summary(manifest, "out/audit")
    heads, first, *more = lines
    assert heads.split() == [
        "benchmark", "items", "contaminated", "unchecked", "threshold", "kinds"
    ]  # fmt: skip
    assert first.split()[:8] == ["millmath", "1,319", "127", "9.6", "%", "[8.2,", "11.3]", "·"]
    assert first[heads.index("kinds") :] == "30 verbatim, 30 near-verbatim,"
    assert more[0] == " " * heads.index("kinds") + "30 paraphrase, 21 translation,"
    (last,) = (line for line in lines if line.startswith("versmass "))
    assert last.split() == [
        "versmass",
        "250",
        "0",
        "0.00",
        "%",
        "[0.00,",
        "1.51]",
        "20",
        "0.9",
        "·",
    ]


def test_it_says_what_a_person_must_know(manifest: dict[str, Any]) -> None:
    said = text(manifest)
    for line in manifest["headline"].split("\n"):
        assert line in said
    for expected in (
        "Not checked: guild_qa, 14 of 4,200 items: too few words of its own (3), little of its own "
        "beside a published passage (11).",
        "Not by meaning: versmass 250 of 250 (a language that the encoder does not read).",
        "No item: guild_qa, 3 rows, the first test.jsonl:0: has no question.",
        "Pre-screen: 61,204 of 2,104,551 passages (2.9 %) embedded; it keeps 98.8 % [97.4, 99.4] of "
        "500 known leaks.",
        "Suppressed: 3 n-grams that this corpus is full of; that cost 131 hits.",
        "near-verbatim, choices shuffled: 90.5 % [85.6, 93.8], expected 98.8 % [97.9, 99.3]",
        "of 2,000 clean documents 1 taken for a leak: 0.05 % [0.01, 0.28]; precision 99.9 %",
        "Gate millmath>0.1%,any:verbatim>40: fails. millmath: 127 of 1,319 items",
        "236 of 5,933 items found in 182,311 documents, 412.7 s; rows that could not be used: "
        "null_text 21, not_json 8",
        "out/audit/report.html",
        "out/audit/findings.parquet",
    ):
        assert expected in said


def test_what_was_not_done(manifest: dict[str, Any]) -> None:
    manifest |= {"self_test": None, "gate": None, "impact": None, "headline": "", "prescreen": None}
    manifest["suppressed_total"] = {"ngrams": 0, "hits": 0}
    said = text(manifest)
    assert "Pre-screen: no passage was embedded." in said
    assert not [word for word in ("Self-test", "Gate", "Suppressed") if word in said]
    manifest["prescreen"] = {"passages": 5, "embedded": 5, "recall": None}
    assert "how many leaks it keeps was not measured" in text(manifest)
    manifest["prescreen"]["recall"] = proportion(0, 0).to_json()
    assert "how many leaks it keeps was not measured" in text(manifest)
    manifest["settings"]["prescreen"] = False
    assert "Pre-screen: off; 5 of 5 passages embedded." in text(manifest)
    manifest["gate"] = {"expression": "any>3%", "failures": []}
    assert "Gate any>3%: holds." in text(manifest)


def test_stored_vectors_are_told_of(manifest: dict[str, Any]) -> None:
    assert "stored vectors" not in text(manifest)
    manifest["corpus"]["reused"] = 9876
    assert "passages (2.9 %) embedded, 9,876 of them from stored vectors; it keeps" in text(
        manifest
    )
    manifest["corpus"]["reused"] = 0
    manifest["settings"]["prescreen"] = False
    assert "passages embedded, 0 of them from stored vectors." in text(manifest)


def test_coverage_may_be_bare_numbers(manifest: dict[str, Any]) -> None:
    manifest["benchmarks"]["millmath"]["coverage"] = {
        "lexical": 1300, "semantic": 1319, "answer": 9, "unchecked": {},
    }  # fmt: skip
    assert "Not by words: millmath 19 of 1,319." in text(manifest)


@pytest.mark.parametrize("width", [1, 80, 100, 200])
def test_lines_are_no_longer_than_asked(manifest: dict[str, Any], width: int) -> None:
    lines = audit_summary(manifest, "out/audit", width=width)
    running = lines[lines.index("") : -4]  # a table's figures and the files' names are not wrapped
    assert max(map(len, running)) <= max(width, 40)


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_acts_on_a_terminal(width: int) -> None:
    lines = audit_summary(hostile_audit()[0], "out/\x1b[2J\u202e", width=width)
    assert all(line.isprintable() for line in lines)
    "\n".join(lines).encode()  # no lone surrogate
    assert len(lines) < 200


def test_no_benchmark_is_a_table_too(manifest: dict[str, Any]) -> None:
    manifest |= {"benchmarks": {}, "headline": ""}
    assert audit_summary(manifest, "/")[0].split()[0] == "benchmark"
    assert audit_summary(manifest, "/")[-1].startswith("  //audit.json")

"""Keep or drop as datatrove 0.10.1 does, family by family and in FineWeb's chain.

The expectations beside this file are datatrove's own verdicts on texts written for this project.
With ``GRISTMILL_PEER_PYTHON`` naming a Python that has datatrove 0.10.1 and spacy, it is also run
here, on a sample of texts from real pages.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from filter_texts import TEXTS

from pipeline.filters import C4, C4Lines, Document, FineWebQuality, GopherQuality, GopherRepetition

GOLDEN = Path(__file__).with_name("datatrove_filters.jsonl")
PEER = Path(__file__).parents[2] / "benchmarks" / "peers" / "datatrove_filters.py"
FAMILIES = ("gopher_repetition", "gopher_quality", "c4", "fineweb")

# datatrove's reason and the rule of ours that gives it.
RULES = {
    "dup_para_frac": "gopher_repetition.duplicate_paragraphs.high",
    "dup_para_char_frac": "gopher_repetition.duplicate_paragraph_characters.high",
    "dup_line_frac": "gopher_repetition.duplicate_lines.high",
    "dup_line_char_frac": "gopher_repetition.duplicate_line_characters.high",
    **{f"top_{n}_gram": f"gopher_repetition.top_{n}_gram.high" for n in (2, 3, 4)},
    **{
        f"duplicated_{n}_n_grams": f"gopher_repetition.duplicate_{n}_grams.high"
        for n in range(5, 11)
    },
    "gopher_short_doc": "gopher_quality.word_count.low",
    "gopher_long_doc": "gopher_quality.word_count.high",
    "gopher_below_avg_threshold": "gopher_quality.mean_word_length.low",
    "gopher_above_avg_threshold": "gopher_quality.mean_word_length.high",
    "gopher_too_many_hashes": "gopher_quality.hash_ratio.high",
    "gopher_too_many_ellipsis": "gopher_quality.ellipsis_ratio.high",
    "gopher_too_many_bullets": "gopher_quality.bullet_lines.high",
    "gopher_too_many_end_ellipsis": "gopher_quality.ellipsis_lines.high",
    "gopher_below_alpha_threshold": "gopher_quality.alphabetic_words.low",
    "gopher_enough_stop_words": "gopher_quality.stop_words.low",
    "too_few_sentences": "c4.sentences.low",
    "lorem_ipsum": "c4.lorem_ipsum.high",
    "curly_bracket": "c4.curly_brackets.high",
    "line_punct_ratio": "fineweb.terminal_punctuation.low",
    "short_line_ratio": "fineweb.short_lines.high",
    "char_dup_ratio": "fineweb.duplicate_line_characters.high",
    "list_ratio": "fineweb.newlines_per_word.high",
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def judge(text: str, tokenizer: str) -> dict[str, Any]:
    """Failing rules of each family on ``text``, of the chain, and the text after C4's cleaner."""
    lines = C4Lines()
    families = {
        "gopher_repetition": GopherRepetition(tokenizer=tokenizer),
        "gopher_quality": GopherQuality(tokenizer=tokenizer),
        "c4": C4(tokenizer=tokenizer, lines=lines),
        "fineweb": FineWebQuality(tokenizer=tokenizer),
    }
    doc = Document("", text)
    cleaned = doc.with_text(lines.clean(text)[0])
    found: dict[str, Any] = {
        name: [verdict.reason for verdict in rules.decide(rules.measure(doc))]
        for name, rules in families.items()
    }
    last = families["fineweb"]
    own = [verdict.reason for verdict in last.decide(last.measure(cleaned))]
    found["chain"] = found["gopher_repetition"] + found["gopher_quality"] + found["c4"] + own
    found["edited"] = digest(cleaned.text)
    return found


def differences(texts: dict[str, str], peer: list[dict[str, Any]], tokenizer: str) -> list[str]:
    found = []
    for expected in peer:
        name = expected["id"]
        ours = judge(texts[name], tokenizer)
        for family in (*FAMILIES, "chain"):
            if bool(ours[family]) != (expected[family] is not None):
                found.append(f"{name}: {family}: {expected[family]} but {ours[family]}")
            elif family != "chain" and RULES.get(expected[family]) not in (
                None,
                *ours[family],
            ):
                found.append(f"{name}: {family}: for {expected[family]} only {ours[family]}")
        if expected["c4"] is None and expected["edited"] != ours["edited"]:
            found.append(f"{name}: edited text")
    return found


@pytest.fixture(scope="module")
def golden() -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    assert {row["id"]: row["text"] for row in rows} == {
        name: digest(text) for name, text in TEXTS.items()
    }, "the texts changed: run benchmarks/peers/datatrove_filters.py on them again"
    return rows


def test_golden_texts_stand_on_both_sides_of_every_family(golden: list[dict[str, Any]]) -> None:
    for family in (*FAMILIES, "chain"):
        dropped = sum(row[family] is not None for row in golden)
        assert 50 < dropped < len(golden) - 50, family


def test_spacy_decides_and_edits_exactly_as_datatrove(golden: list[dict[str, Any]]) -> None:
    pytest.importorskip("spacy")
    assert differences(TEXTS, golden, "spacy") == []


def test_words_decide_as_datatrove_almost_everywhere(golden: list[dict[str, Any]]) -> None:
    found = [line for line in differences(TEXTS, golden, "words") if ": for " not in line]
    for family in (*FAMILIES, "chain"):
        assert sum(f": {family}: " in line for line in found) <= len(golden) * 0.01, found


def test_spacy_decides_as_datatrove_on_real_pages(shared_data: Path, tmp_path: Path) -> None:
    python = os.environ.get("GRISTMILL_PEER_PYTHON")
    if not python:
        pytest.skip("GRISTMILL_PEER_PYTHON names no Python with datatrove 0.10.1 and spacy")
    pytest.importorskip("spacy")
    texts = _real_texts(shared_data / "web" / "warc" / "pages-00000.warc.gz", 150)
    with (tmp_path / "texts.jsonl").open("w", encoding="utf-8") as out:
        for name, text in texts.items():
            out.write(json.dumps({"id": name, "text": text}) + "\n")
    command = [python, str(PEER), str(tmp_path / "texts.jsonl"), str(tmp_path / "verdicts.jsonl")]
    subprocess.run(command, check=True)
    lines = (tmp_path / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    assert differences(texts, [json.loads(line) for line in lines], "spacy") == []


def _real_texts(warc: Path, every: int) -> dict[str, str]:
    """Main text of each ``every``-th response that has one, by record id."""
    import trafilatura
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    texts: dict[str, str] = {}
    with warc.open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response)
        for number, record in enumerate(records):
            if number % every == 0 and (text := trafilatura.extract(record.reader.read())):
                texts[str(record.record_id)] = text
    return texts

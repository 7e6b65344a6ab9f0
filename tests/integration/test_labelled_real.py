"""Labelled sets as people published them: their faults, their copies, their encodings."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.compute as pc
import pytest

from pipeline.core.errors import ConfigError, SourceError
from pipeline.labelled import Columns, Prepared, prepare, read_labelled


@pytest.fixture(scope="module")
def prompts(shared_data: Path) -> Path:
    return shared_data / "prompts"


def check(prepared: Prepared) -> None:
    counts = prepared.counts
    given = "test_input" in counts
    placed = sum(s["rows"] for name, s in counts["sides"].items() if not (given and name == "test"))
    gone = sum(counts["faults"].values()) + sum(counts["repeats"].values())
    assert counts["read"] == placed + gone
    texts = [
        {text.casefold() for text in side["text"].to_pylist()}
        for side in (prepared.train, prepared.dev, prepared.test)
    ]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]


def test_tweets(prompts: Path) -> None:
    path = prompts / "davidson" / "labeled_data.csv"
    with pytest.raises(ConfigError, match=r"no column 'text'.*'class', 'tweet'"):
        read_labelled([path])
    prepared = prepare([path], Columns("tweet", "class"), positive="0")
    check(prepared)
    assert prepared.counts["read"] == 24_783
    assert prepared.counts["faults"] == {}
    assert prepared.counts["repeats"]["exact"] > 20
    assert prepared.counts["repeats"]["conflicting"] > 5
    assert list(prepared.counts["sides"]["train"]["labels"]) == ["1", "2", "0"]


def test_messages_in_another_encoding(prompts: Path) -> None:
    path = prompts / "sms_spam" / "spam.csv"
    columns = Columns("v2", "v1")
    read = read_labelled([path], columns)
    assert read.counts["read"] == 5_572
    assert 400 < read.counts["faults"]["table.utf8"] < 500
    assert "--encoding" in read.notes[0]
    mended = prepare([path], columns, positive="spam", encoding="cp1252")
    check(mended)
    assert mended.counts["faults"] == {}
    assert mended.counts["read"] == 5_572
    assert mended.counts["repeats"]["exact"] > 380
    with pytest.raises(SourceError, match="is not UTF-16"):
        read_labelled([path], columns, encoding="utf-16")


def test_intents_with_a_test_file(prompts: Path) -> None:
    folder = prompts / "banking77"
    prepared = prepare(
        [folder / "train.csv"], Columns(label="category"), test=[folder / "test.csv"]
    )
    check(prepared)
    assert prepared.counts["read"] == 10_003
    assert prepared.counts["test_input"] == {"read": 3_080, "used": 3_080, "faults": {}}
    assert prepared.test.num_rows == 3_080
    assert prepared.counts["repeats"]["across"] > 20
    for side in ("train", "dev", "test"):
        assert len(prepared.counts["sides"][side]["labels"]) == 77


def test_intents_of_150_kinds(prompts: Path, tmp_path: Path) -> None:
    source = json.loads((prompts / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    with pytest.raises(ConfigError, match=r"none that is read here"):
        read_labelled([prompts / "clinc150" / "data_full.json"])
    for name, rows in source.items():
        lines = [json.dumps({"text": text, "label": [label]}) for text, label in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    prepared = prepare(
        [tmp_path / "train.jsonl", tmp_path / "val.jsonl"], test=[tmp_path / "test.jsonl"]
    )
    check(prepared)
    assert prepared.counts["read"] == 18_000
    assert len(prepared.counts["sides"]["dev"]["labels"]) == 150
    with pytest.raises(ConfigError, match="all 100 rows have the label 'oos'"):
        prepare([tmp_path / "oos_train.jsonl"])


def test_comments_that_have_a_label_for_the_whole_file(prompts: Path) -> None:
    toxic = prompts / "toxic_spans" / "tsd_train.csv"
    with pytest.raises(ConfigError, match=r"no column 'label'.*'spans', 'text'.*LABEL="):
        read_labelled([toxic])
    with pytest.raises(ConfigError, match="all 7,939 rows have the label 'toxic'"):
        prepare([f"toxic={toxic}"])
    other = prompts / "banking77" / "train.csv"
    prepared = prepare([f"toxic={toxic}", f"other={other}"], positive="toxic")
    check(prepared)
    lengths = pc.utf8_length(prepared.train["text"])
    assert pc.min_max(lengths)["max"].as_py() <= 1_000
    assert any("\n" in text for text in prepared.train["text"].to_pylist())

"""Scores for rows of files: every row and column comes out again, in order, with what was added."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toy_classifiers as toys

from classifiers.text_classifier import TextClassifier
from pipeline import scored_rows
from pipeline.core.errors import ConfigError, ConservationError, ModelError, SourceError
from pipeline.predict import predict_rows, rank_rows
from pipeline.sources.table_rows import TableRow

ROWS: list[dict[str, Any]] = [
    {
        "id": at,
        **row,
        "deep": {"a": [1, None], "b": {"c": "ü"}},
        "big": 2**70,
        "part": 0.1,
        "no": None,
    }
    for at, row in enumerate(toys.rows(40, seed=6))
]
TEXTS = [row["text"] for row in ROWS]


def read(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    return [json.loads(line) for line in data.decode("utf-8").splitlines()]


def expected(texts: list[str], folder: Path) -> tuple[list[float], list[bool]]:
    classifier = TextClassifier.load(folder)
    scores = classifier.positive(classifier.score(texts)).tolist()
    return [round(s, 6) for s in scores], [s >= classifier.threshold().threshold for s in scores]


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return toys.write_rows(tmp_path / "given.jsonl", ROWS)


def test_every_row_and_column_comes_out_in_order_with_its_score(
    given: Path, tmp_path: Path
) -> None:
    done = predict_rows(str(toys.binary()), [str(given)], tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    scores, positive = expected(TEXTS, toys.binary())
    assert found == [
        {**row, "score": s, "positive": p} for row, s, p in zip(ROWS, scores, positive, strict=True)
    ]
    assert [list(row) for row in found] == [[*row, "score", "positive"] for row in ROWS]
    assert (done.rows, done.positive, done.unreadable, done.without_text) == (
        40,
        sum(positive),
        0,
        0,
    )
    assert 0 < sum(positive) < 40
    assert done.target == "precision=0.8"
    assert done.threshold == TextClassifier.load(toys.binary()).threshold().threshold
    assert [path.name for path in tmp_path.iterdir()] == ["given.jsonl", "out.jsonl"]


def test_batches_make_no_difference(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_rows(str(toys.binary()), [str(given)], tmp_path / "one.jsonl")
    for size in (1, 7, 40):
        monkeypatch.setattr(scored_rows, "BATCH", size)
        done = predict_rows(str(toys.binary()), [str(given)], tmp_path / "two.jsonl")
        assert done.rows == 40
        assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_a_batch_holds_no_more_than_so_many_characters(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_rows(str(toys.binary()), [str(given)], tmp_path / "one.jsonl")
    sizes: list[int] = []
    real = TextClassifier.score

    def score(classifier: TextClassifier, texts: list[str]) -> np.ndarray:
        sizes.append(len(texts))
        return real(classifier, texts)

    monkeypatch.setattr(TextClassifier, "score", score)
    monkeypatch.setattr(scored_rows, "BATCH_CHARACTERS", 3 * max(map(len, TEXTS)))
    predict_rows(str(toys.binary()), [str(given)], tmp_path / "two.jsonl")
    assert sum(sizes) == len(ROWS)
    assert 1 < max(sizes) < len(ROWS) / 2
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_out_is_compressed_by_its_ending_and_the_same_again(
    ending: str, given: Path, tmp_path: Path
) -> None:
    plain, packed = tmp_path / "new" / "plain.jsonl", tmp_path / "new" / f"packed.{ending}"
    predict_rows(str(toys.binary()), [str(given)], plain)
    predict_rows(str(toys.binary()), [str(given)], packed)
    assert read(packed) == read(plain)
    assert (packed.stat().st_size < plain.stat().st_size) == (ending != "jsonl")
    before = packed.read_bytes()
    predict_rows(str(toys.binary()), [str(given)], packed)
    assert packed.read_bytes() == before


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines))
    elif path.suffix == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(lines)
    else:
        path.write_bytes(lines)
    return path


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"])
def test_every_kind_of_input_is_read(ending: str, tmp_path: Path) -> None:
    rows = [{name: row[name] for name in ("id", "text", "deep")} for row in ROWS]
    path = written(tmp_path / f"in.{ending}", rows)
    predict_rows(str(toys.binary()), [str(path)], tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    assert [row["text"] for row in found] == TEXTS
    assert [row["deep"] for row in found] == [row["deep"] for row in rows]
    assert [row["score"] for row in found] == expected(TEXTS, toys.binary())[0]


def test_files_come_by_name_each_once(tmp_path: Path) -> None:
    for name in ("b", "a"):
        toys.write_rows(tmp_path / f"{name}.jsonl", [{"file": name, **row} for row in ROWS[:3]])
    paths = [str(tmp_path / "b.jsonl"), str(tmp_path / "*.jsonl"), str(tmp_path / "a.jsonl")]
    done = predict_rows(str(toys.binary()), paths, tmp_path / "out.jsonl.gz")
    assert done.rows == 6
    assert [row["file"] for row in read(tmp_path / "out.jsonl.gz")] == ["a"] * 3 + ["b"] * 3


def test_a_file_may_be_written_over_itself(given: Path) -> None:
    assert predict_rows(str(toys.binary()), [str(given)], given).rows == 40
    assert [row["id"] for row in read(given)] == list(range(40))
    assert "score" in read(given)[0]


def test_without_out_rows_go_to_standard_output(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = predict_rows(str(toys.binary()), [str(given)], None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == done.rows == 40
    assert json.loads(lines[0])["id"] == 0


# --- texts -------------------------------------------------------------------------------------


def test_rows_without_a_text_get_nulls_and_empty_texts_score_0(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": TEXTS[0]}, {"text": None}, {"body": TEXTS[0]}, {"text": 5}, {"text": [TEXTS[0]]},
        {}, {"text": ""}, {"text": " \n"},
    ]  # fmt: skip
    path = toys.write_rows(tmp_path / "in.jsonl", rows)
    done = predict_rows(str(toys.binary()), [str(path)], tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    assert [row["score"] for row in found[1:]] == [None] * 5 + [0.0, 0.0]
    assert [row["positive"] for row in found[1:]] == [None] * 5 + [False, False]
    assert (done.rows, done.without_text) == (8, 5)
    assert [
        {k: v for k, v in row.items() if k not in ("score", "positive")} for row in found
    ] == rows


def test_text_else_prompt_else_content_or_the_column_that_is_named(tmp_path: Path) -> None:
    good, bad = "the river and the mill", "buy cheap pills click"
    rows = [{"text": good, "prompt": bad}, {"prompt": good, "content": bad}, {"content": good}]
    path = toys.write_rows(tmp_path / "in.jsonl", rows)
    predict_rows(str(toys.binary()), [str(path)], tmp_path / "out.jsonl")
    assert {row["score"] for row in read(tmp_path / "out.jsonl")} == {
        expected([good], toys.binary())[0][0]
    }
    predict_rows(str(toys.binary()), [str(path)], tmp_path / "out.jsonl", text="prompt")
    scores = expected([bad, good], toys.binary())[0]
    assert [row["score"] for row in read(tmp_path / "out.jsonl")] == [*scores, None]


def test_a_column_that_no_row_has_is_no_column(given: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none of the 40 rows has the column 'txet' that --text"):
        predict_rows(str(toys.binary()), [str(given)], tmp_path / "out.jsonl", text="txet")
    assert not (tmp_path / "out.jsonl").exists()
    # One that has no text in it is one.
    done = predict_rows(str(toys.binary()), [str(given)], tmp_path / "out.jsonl", text="no")
    assert (done.rows, done.without_text) == (40, 40)
    (tmp_path / "none.jsonl").write_text("")
    predict_rows(str(toys.binary()), [str(tmp_path / "none.jsonl")], None, text="txet")


# --- models ------------------------------------------------------------------------------------


def test_another_target_is_another_threshold(given: Path, tmp_path: Path) -> None:
    done = predict_rows(str(toys.binary()), [str(given)], tmp_path / "o.jsonl", target="recall=90%")
    threshold = TextClassifier.load(toys.binary()).threshold("recall=0.9").threshold
    assert (done.target, done.threshold) == ("recall=0.9", threshold)
    for row in read(tmp_path / "o.jsonl"):
        assert row["positive"] == (row["score"] >= threshold)
    with pytest.raises(ConfigError, match=r"has no threshold for share=0\.1"):
        predict_rows(str(toys.binary()), [str(given)], tmp_path / "p.jsonl", target="share=0.1")
    assert not (tmp_path / "p.jsonl").exists()


def test_a_score_at_the_threshold_is_positive(given: Path, tmp_path: Path) -> None:
    folder = toys.copied(toys.binary(), tmp_path / "m")
    classifier = TextClassifier.load(folder)
    exact = classifier.positive(classifier.score(TEXTS)).tolist()
    card = json.loads((folder / "card.json").read_text())
    for one in card["thresholds"]:
        one["threshold"] = exact[5]
    (folder / "card.json").write_text(json.dumps(card))
    predict_rows(str(folder), [str(given)], tmp_path / "o.jsonl")
    found = [row["positive"] for row in read(tmp_path / "o.jsonl")]
    assert found == [value >= exact[5] for value in exact]
    assert found[5]


def test_a_model_without_thresholds_gives_scores_alone(given: Path, tmp_path: Path) -> None:
    folder = toys.copied(toys.binary(), tmp_path / "m")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "thresholds": [], "default": ""}))
    done = predict_rows(str(folder), [str(given)], tmp_path / "o.jsonl")
    assert (done.target, done.positive) == ("", 0)
    assert "positive" not in read(tmp_path / "o.jsonl")[0]
    assert [row["score"] for row in read(tmp_path / "o.jsonl")] == expected(TEXTS, toys.binary())[0]


def test_many_labels_have_a_score_each(tmp_path: Path) -> None:
    path = toys.write_rows(tmp_path / "in.jsonl", [*ROWS, {"id": 40}, {"text": " "}])
    done = predict_rows(str(toys.ternary()), [str(path)], tmp_path / "o.jsonl")
    found = read(tmp_path / "o.jsonl")
    classifier = TextClassifier.load(toys.ternary())
    scores = classifier.score(TEXTS)
    for row, values in zip(found, scores, strict=False):
        # The label was there before: of rows in this file the column is replaced.
        assert row["label"] == classifier.labels[int(np.argmax(values))]
        assert row["score"] == {
            name: round(value, 6)
            for name, value in zip(classifier.labels, values.tolist(), strict=True)
        }
        assert list(row["score"].values()) == sorted(row["score"].values(), reverse=True)
    assert (found[40]["label"], found[40]["score"]) == (None, None)
    assert (found[41]["label"], set(found[41]["score"].values())) == (None, {0.0})
    assert (done.rows, done.without_text) == (42, 1)


def test_a_model_without_a_card_has_labels(given: Path, tmp_path: Path) -> None:
    (tmp_path / "alone.ftz").write_bytes((toys.binary() / "model.ftz").read_bytes())
    predict_rows(str(tmp_path / "alone.ftz"), [str(given)], tmp_path / "o.jsonl")
    assert set(read(tmp_path / "o.jsonl")[0]["score"]) == {"mill", "spam"}
    with pytest.raises(ConfigError, match=r"no positive label, so no threshold for share=0\.1"):
        predict_rows(str(tmp_path / "alone.ftz"), [str(given)], None, target="share=0.1")


def test_languages(tmp_path: Path) -> None:
    rows = [
        {"text": "The river turns the wheel of the old mill all day long."},
        {"text": "Der Fluss treibt den ganzen Tag das Rad der alten Mühle an."},
        {"x": 1},
    ]
    path = toys.write_rows(tmp_path / "in.jsonl", rows)
    predict_rows("language", [str(path)], tmp_path / "o.jsonl")
    found = read(tmp_path / "o.jsonl")
    assert [row["label"] for row in found] == ["en", "de", None]
    assert found[0]["score"] > 0.5
    assert found[2]["score"] is None


# --- what goes wrong ---------------------------------------------------------------------------


def test_rows_that_cannot_be_read_are_counted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    lines = [json.dumps(row).encode() for row in ROWS[:3]]
    path.write_bytes(
        b"\n".join([lines[0], b"{broken", lines[1], b'{"text": "\xff"}', b"[1]", lines[2]])
    )
    done = predict_rows(str(toys.binary()), [str(path)], tmp_path / "out.jsonl")
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == [0, 1, 2]
    assert (done.rows, done.unreadable, len(done.faults)) == (3, 3, 3)
    assert f"in.jsonl at byte {len(lines[0]) + 1}" in done.faults[0]
    assert "no UTF-8" in done.faults[1]


def test_only_the_first_faults_are_told(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("{\n" * 25 + json.dumps(ROWS[0]) + "\n")
    done = predict_rows(str(toys.binary()), [str(tmp_path / "in.jsonl")], tmp_path / "o.jsonl")
    assert (done.rows, done.unreadable, len(done.faults)) == (1, 25, 10)


def test_a_row_that_is_lost_is_a_bug_that_stops(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(row: TableRow, done: Any) -> None:
        """Forgets to count."""

    monkeypatch.setattr(scored_rows, "_note", note)
    given.write_text("{broken\n" + given.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ConservationError, match="41 rows were read, 40 scored, 0 unreadable"):
        predict_rows(str(toys.binary()), [str(given)], tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out", "out.parquet", "out.jsonl.bz2"])
def test_an_ending_that_is_not_written_is_refused(name: str, given: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"give it the ending \.jsonl, \.jsonl\.gz or \.jsonl\.zst"
    ):
        predict_rows(str(toys.binary()), [str(given)], tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["given.jsonl"]


def test_inputs_that_are_none_are_named(given: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.jsonl"):
        predict_rows(str(toys.binary()), [str(tmp_path / "none.jsonl")], None)
    (tmp_path / "in.csv").write_text("text\na\n")
    with pytest.raises(ConfigError, match="its ending is none that is read here"):
        predict_rows(str(toys.binary()), [str(tmp_path / "in.csv")], None)
    with pytest.raises(ModelError, match="no such model"):
        predict_rows(str(tmp_path / "model"), [str(given)], None)


def test_an_error_on_the_way_leaves_no_file(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def score(*_: Any) -> np.ndarray:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return np.full((7, 2), 0.5, np.float32)

    monkeypatch.setattr(TextClassifier, "score", score)
    monkeypatch.setattr(scored_rows, "BATCH", 7)
    for ending in ("jsonl", "jsonl.gz", "jsonl.zst"):
        calls.clear()
        before = tmp_path / f"out.{ending}"
        before.write_text("before")
        with pytest.raises(KeyboardInterrupt):
            predict_rows(str(toys.binary()), [str(given)], before)
        assert before.read_text() == "before"
        before.unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["given.jsonl"]


def test_no_row_is_held_longer_than_its_batch(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is written before much more is read."""
    monkeypatch.setattr(scored_rows, "BATCH", 5)
    out = io.StringIO()
    ahead: list[int] = []
    real = scored_rows.read_rows

    def counted(part: Any) -> Any:
        for number, row in enumerate(real(part)):
            ahead.append(number - out.getvalue().count("\n"))
            yield row

    monkeypatch.setattr(scored_rows, "read_rows", counted)
    monkeypatch.setattr(scored_rows.sys, "stdout", out)
    predict_rows(str(toys.binary()), [str(given)], None)
    assert max(ahead) < 5


# --- ranking by a description ------------------------------------------------------------------


class Lengths:
    """Stands for `classifiers.relevance.Relevance`: the longer, the more relevant."""

    def __init__(self, description: str, encoder: Any):
        self.description, self.encoder = description, encoder

    def score(self, texts: list[str]) -> np.ndarray:
        return np.array([len(text) / 100 for text in texts], np.float32)


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.relevance.Relevance", Lengths)
    monkeypatch.setattr(scored_rows, "BATCH", 2)


@pytest.mark.usefixtures("lengths")
def test_the_most_relevant_come_first_and_those_without_a_text_last(tmp_path: Path) -> None:
    texts = ["aa", None, "aaaa", "bb", "", "cccc"]
    rows = [{"id": at, "text": text} for at, text in enumerate(texts)]
    path = toys.write_rows(tmp_path / "in.jsonl", rows)
    done = rank_rows("mills", [str(path)], tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    assert [row["id"] for row in found] == [2, 5, 0, 3, 4, 1]
    assert [row["score"] for row in found] == [0.04, 0.04, 0.02, 0.02, 0, None]
    assert (done.rows, done.without_text, done.unreadable) == (6, 1, 0)
    done = rank_rows("mills", [str(path)], tmp_path / "best.jsonl.gz", top=3)
    assert read(tmp_path / "best.jsonl.gz") == found[:3]
    assert done.rows == 3


@pytest.mark.usefixtures("lengths")
def test_an_ending_that_is_not_written_is_refused_before_anything_is_ranked(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lengths, "score", None)
    with pytest.raises(ConfigError, match="give it the ending"):
        rank_rows("mills", [str(given)], tmp_path / "out.csv")


def test_numbers_that_are_none_and_columns_that_are_there(tmp_path: Path) -> None:
    rows = pa.table({"text": ["a b"], "ratio": [float("nan")], "raw": [b"\x00\xff"], "label": [7]})
    pq.write_table(rows, tmp_path / "rows.parquet")
    done = predict_rows("language", [str(tmp_path / "rows.parquet")], tmp_path / "out.jsonl")
    assert done.replaced == {"label"}
    [line] = (tmp_path / "out.jsonl").read_text().splitlines()

    def refuse(name: str) -> None:
        raise AssertionError(name)

    row = json.loads(line, parse_constant=refuse)
    assert (row["ratio"], row["raw"]) == (None, "AP8=")
    assert isinstance(row["label"], str)

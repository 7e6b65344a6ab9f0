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
from pipeline import predict
from pipeline.core.errors import ConfigError, ConservationError, ModelError, SourceError
from pipeline.predict import predict_rows
from pipeline.sources.table_rows import TableRow

ROWS: list[dict[str, Any]] = [
    {"id": at, **row, "deep": {"a": [1, None], "b": {"c": "ü"}}, "big": 2**70, "part": 0.1, "no": None}
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
        monkeypatch.setattr(predict, "BATCH", size)
        done = predict_rows(str(toys.binary()), [str(given)], tmp_path / "two.jsonl")
        assert done.rows == 40
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

    monkeypatch.setattr(predict, "_note", note)
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
    monkeypatch.setattr(predict, "BATCH", 7)
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
    monkeypatch.setattr(predict, "BATCH", 5)
    out = io.StringIO()
    ahead: list[int] = []
    real = predict.read_rows

    def counted(part: Any) -> Any:
        for number, row in enumerate(real(part)):
            ahead.append(number - out.getvalue().count("\n"))
            yield row

    monkeypatch.setattr(predict, "read_rows", counted)
    monkeypatch.setattr(predict.sys, "stdout", out)
    predict_rows(str(toys.binary()), [str(given)], None)
    assert max(ahead) < 5

"""Classifiers held against labelled texts: whose labels count, what is measured, what is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import toy_classifiers as toys

from classifiers.calibrate import Target
from classifiers.card import CARD, Card
from classifiers.evaluate import evaluate, operating
from classifiers.text_classifier import TextClassifier
from pipeline import judging
from pipeline.core.errors import ConfigError, ModelError, StorageError
from pipeline.judging import (
    README,
    card_of,
    judge,
    leave_card,
    leave_pictures,
    leave_text,
    score_table,
    thresholds,
    with_model_labels,
)
from pipeline.reports.model_card import PRECISION_RECALL, RELIABILITY, model_card

ROWS = toys.rows(90, seed=4)
TABLE = toys.table(ROWS)
TRUTH = np.array([row["label"] == "mill" for row in ROWS])


@pytest.fixture
def two() -> TextClassifier:
    return TextClassifier.load(toys.binary())


@pytest.fixture
def three() -> TextClassifier:
    return TextClassifier.load(toys.ternary())


def relabelled(names: dict[str, str], table: pa.Table = TABLE) -> pa.Table:
    labels = pa.array([names.get(label, label) for label in table["label"].to_pylist()])
    return table.set_column(1, "label", labels)


# --- labels ------------------------------------------------------------------------------------


def test_labels_of_the_model_stay(two: TextClassifier) -> None:
    assert with_model_labels(TABLE, two) is TABLE


def test_labels_of_other_names_are_mapped(two: TextClassifier) -> None:
    other = relabelled({"mill": "yes", "spam": "no"})
    assert with_model_labels(other, two, ["yes"])["label"].to_pylist() == TABLE["label"].to_pylist()
    split = relabelled({"spam": "ad"}, TABLE).slice(0, 4)
    both = with_model_labels(split, two, ["mill", "ad"])["label"].to_pylist()
    assert both == ["mill"] * 4
    assert with_model_labels(other, two, ["yes"]).column_names == TABLE.column_names


def test_a_foreign_label_is_refused_with_the_mend(two: TextClassifier) -> None:
    with pytest.raises(
        ConfigError, match=r"'ham' is none of the model's \(spam, mill\).*--positive"
    ):
        with_model_labels(relabelled({"mill": "ham"}), two)
    with pytest.raises(ConfigError, match="--positive ham: no row has this label"):
        with_model_labels(TABLE, two, ["mill", "ham"])


def test_a_model_without_a_positive_label_has_none_to_map_to(three: TextClassifier) -> None:
    with pytest.raises(ConfigError, match="the model 'ternary' has no positive label"):
        with_model_labels(TABLE, three, ["mill"])
    assert with_model_labels(TABLE, three) is TABLE


def test_a_model_without_a_card_cannot_be_judged(tmp_path: Path) -> None:
    (tmp_path / "alone.ftz").write_bytes((toys.binary() / "model.ftz").read_bytes())
    alone = TextClassifier.load(tmp_path / "alone.ftz")
    with pytest.raises(ModelError, match="no card lies beside this model file"):
        card_of(alone)


# --- figures -----------------------------------------------------------------------------------


def test_a_judgement_is_the_evaluation_of_the_scores(two: TextClassifier) -> None:
    scores = two.positive(two.score([row["text"] for row in ROWS]))
    threshold = two.threshold().threshold
    found = judge(two, TABLE)
    expected = evaluate(scores, TRUTH, threshold=threshold).to_json()
    assert {**found, "slices": []} == expected
    assert found["auc"]["value"] > 0.8
    assert found["at"]["threshold"] == pytest.approx(threshold, abs=1e-6)
    json.dumps(found, allow_nan=False)


def test_slices_are_lengths_languages_groups_and_further_columns(two: TextClassifier) -> None:
    found = judge(two, TABLE)["slices"]
    assert {one["slice"] for one in found} == {"characters", "language", "kind"}
    kinds = {one["value"]: one["texts"] for one in found if one["slice"] == "kind"}
    assert kinds == {kind: sum(row["kind"] == kind for row in ROWS) for kind in ("page", "post")}
    grouped = [{**row, "site": row["kind"]} for row in ROWS]
    assert "group" in {one["slice"] for one in judge(two, toys.table(grouped))["slices"]}


def test_a_column_of_languages_is_believed(
    two: TextClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "LanguageIdentifier", None)
    rows = [{**row, "language": "de" if at % 2 else ""} for at, row in enumerate(ROWS)]
    found = judge(two, toys.table(rows, ("language",)))["slices"]
    assert {one["value"] for one in found if one["slice"] == "language"} == {"de", "·"}


def test_without_thresholds_nothing_is_said_of_one(two: TextClassifier) -> None:
    assert two.card is not None
    bare = dataclasses.replace(two, card=dataclasses.replace(two.card, thresholds=(), default=""))
    found = judge(bare, TABLE)
    assert found["at"] is None
    assert found["auc"] == judge(two, TABLE)["auc"]


def test_many_labels_are_judged_by_how_often_they_are_right(three: TextClassifier) -> None:
    rows = toys.rows(60, ("mill", "spam", "chess"), seed=5)
    found = judge(three, toys.table(rows))
    scores = three.score([row["text"] for row in rows])
    said = [three.labels[at] for at in scores.argmax(axis=1)]
    truth = [row["label"] for row in rows]
    right = sum(a == b for a, b in zip(said, truth, strict=True))
    assert (found["texts"], found["accuracy"]["value"]) == (60, pytest.approx(right / 60))
    for label, one in found["labels"].items():
        hits = sum(a == b == label for a, b in zip(said, truth, strict=True))
        assert one["texts"] == truth.count(label)
        assert one["recall"]["value"] == pytest.approx(hits / truth.count(label))
        assert one["precision"]["n"] == said.count(label)
    json.dumps(found, allow_nan=False)


def test_texts_of_one_class_are_judged_as_far_as_they_go(two: TextClassifier) -> None:
    clean = TABLE.filter(pa.array(~TRUTH))
    found = judge(two, clean)
    assert (found["positives"], found["auc"]["value"]) == (0, None)
    assert found["at"]["false_positive_rate"]["n"] == clean.num_rows
    json.dumps(found, allow_nan=False)


def test_scores_come_in_batches(two: TextClassifier) -> None:
    many = pa.concat_tables([TABLE] * 50)
    scores = score_table(two, many)
    assert scores.shape == (4500, 2)
    assert (scores[:90] == scores[-90:]).all()
    assert score_table(two, TABLE.slice(0, 0)).shape == (0, 2)


# --- thresholds --------------------------------------------------------------------------------


def test_every_target_gets_its_threshold(two: TextClassifier) -> None:
    found = thresholds(two, TABLE, ["recall=90%", "fpr=0.2", "top=10%"], data="new texts")
    assert list(found) == ["recall=0.9", "false_positive_rate=0.2", "share=0.1"]
    scores = two.positive(score_table(two, TABLE))
    for name, one in found.items():
        assert (one.target, one.data) == (name, "new texts")
        kind = Target.parse(name).kind
        assert getattr(operating(scores, TRUTH, one.threshold), kind) == one.measured


def test_a_share_alone_looks_at_no_label(two: TextClassifier) -> None:
    foreign = relabelled({"mill": "what", "spam": "ever"})
    found = thresholds(two, foreign, ["share=0.1"])
    assert found == thresholds(two, TABLE, ["share=0.1"])
    with pytest.raises(ConfigError, match="is none of the model's"):
        thresholds(two, foreign, ["share=0.1", "precision=0.9"])
    renamed = thresholds(two, foreign, ["recall=0.9"], positive=["what"])
    assert renamed == thresholds(two, TABLE, ["recall=0.9"])


def test_thresholds_need_a_score(three: TextClassifier) -> None:
    with pytest.raises(ConfigError, match="no label of this model is marked as the positive one"):
        thresholds(three, TABLE, ["share=0.1"])


# --- files -------------------------------------------------------------------------------------


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_card_page_and_pictures_are_left(two: TextClassifier, tmp_path: Path) -> None:
    assert two.card is not None
    leave_card(tmp_path, two.card)
    assert names(tmp_path) == {CARD, README, RELIABILITY, PRECISION_RECALL}
    assert Card.read(tmp_path / CARD) == two.card
    assert (tmp_path / README).read_text(encoding="utf-8") == model_card(two.card)
    for name in names(tmp_path):
        assert (tmp_path / name).read_bytes() == (toys.binary() / name).read_bytes()


def test_there_are_no_pictures_where_there_is_no_curve(
    two: TextClassifier, three: TextClassifier, tmp_path: Path
) -> None:
    assert three.card is not None
    leave_card(tmp_path, three.card)
    leave_pictures(tmp_path, "toy", judge(two, TABLE.filter(pa.array(~TRUTH))))
    assert names(tmp_path) == {CARD, README}


@pytest.mark.parametrize("failing", [CARD, README, RELIABILITY])
def test_a_write_that_fails_leaves_every_file_whole(
    failing: str, two: TextClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toys.copied(toys.binary(), tmp_path / "model")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    real = Path.write_text

    def write_text(path: Path, text: str, **more: Any) -> int:
        if failing in path.name:
            real(path, text[: len(text) // 2], **more)
            raise OSError(28, "No space left on device")
        return real(path, text, **more)

    monkeypatch.setattr(Path, "write_text", write_text)
    assert two.card is not None
    changed = dataclasses.replace(two.card, name="changed")
    with pytest.raises(StorageError, match="the disk is full"):
        leave_card(folder, changed)
    monkeypatch.undo()
    assert names(folder) == set(before)
    assert (folder / CARD).read_bytes() == before[CARD]
    assert (folder / failing).read_bytes() == before[failing]
    assert TextClassifier.load(folder).check() == two.card.sha256


def test_a_text_that_is_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        leave_text(tmp_path / "new.md", "text")
    assert names(tmp_path) == set()

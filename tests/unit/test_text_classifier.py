"""The wrapper of a trained model with its card: where it is found, what it scores, what it refuses."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import toy_classifiers as toys
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import text_classifier
from classifiers.card import CARD, Card
from classifiers.fasttext_model import fasttext_line
from classifiers.normalise import NORMALISERS, normaliser
from classifiers.text_classifier import TextClassifier, classifier_line, shipped_names
from pipeline.core.errors import ConfigError, ModelError

TEXTS = ["The river and the mill wheel.", "Buy cheap pills: click, winner!", "A clock by the board"]
WORDLESS = ["", " ", "\n\t\r\n", "\u3000\u00a0", "\0", "\0\n \0", "?!", "…", "\N{WATER WAVE}"]


@pytest.fixture
def two() -> TextClassifier:
    return TextClassifier.load(toys.binary())


@pytest.fixture
def three() -> TextClassifier:
    return TextClassifier.load(toys.ternary())


# --- scores ------------------------------------------------------------------------------------


def test_scores_are_probabilities_by_label(two: TextClassifier, three: TextClassifier) -> None:
    for classifier, count in ((two, 2), (three, 3)):
        scores = classifier.score(TEXTS)
        assert scores.shape == (3, count)
        assert scores.dtype == np.float32
        assert ((scores >= 0) & (scores <= 1)).all()
        assert np.abs(scores.sum(axis=1) - 1).max() < 1e-5
        best = [classifier.labels[at] for at in scores.argmax(axis=1)]
        assert best[:2] == ["mill", "spam"]


def test_texts_without_a_letter_or_digit_score_0(
    two: TextClassifier, three: TextClassifier
) -> None:
    for classifier in (two, three):
        scores = classifier.score([*WORDLESS, TEXTS[0]])
        assert (scores[: len(WORDLESS)] == 0).all()
        assert (scores[len(WORDLESS)] > 0).all()
    assert two.positive(two.score(WORDLESS)).tolist() == [0.0] * len(WORDLESS)


def test_no_texts(two: TextClassifier, three: TextClassifier) -> None:
    assert two.score([]).shape == (0, 2)
    assert three.score([]).shape == (0, 3)
    assert two.positive(two.score([])).shape == (0,)


def test_a_batch_is_scored_as_each_text_is(two: TextClassifier, three: TextClassifier) -> None:
    for classifier in (two, three):
        each = [classifier.score([text])[0] for text in [*TEXTS, *WORDLESS]]
        assert (classifier.score([*TEXTS, *WORDLESS]) == np.array(each)).all()


def test_line_ends_case_and_marks_make_no_difference_with_words(two: TextClassifier) -> None:
    plain, *others = two.score(
        [
            "the river , the mill",
            "THE RIVER,\nthe mill",
            "the\r\nriver ,\0the mill",
            "The river,the mill",
        ]
    )
    for other in others:
        assert (other == plain).all()


def test_the_score_is_the_sum_over_positive_labels(three: TextClassifier) -> None:
    assert three.card is not None
    card = dataclasses.replace(three.card, positive=("chess", "mill"))
    both = dataclasses.replace(three, card=card)
    scores = three.score(TEXTS)
    wanted = [three.labels.index("chess"), three.labels.index("mill")]
    found = both.positive(scores)
    assert found.dtype == np.float32
    assert found == pytest.approx(scores[:, wanted].sum(axis=1))
    assert both.positive(np.array([[0.7, 0.7, 0.7]], np.float32)).tolist() == [1.0]


def test_without_a_positive_label_there_is_no_score(three: TextClassifier) -> None:
    message = r"no label of this model.*train with --positive \(its labels: .*chess"
    with pytest.raises(ConfigError, match=message):
        three.positive(three.score(TEXTS))


@pytest.mark.parametrize("name", list(NORMALISERS))
@given(text=st.text(st.characters(exclude_categories=[])))
def test_a_line_is_the_spelt_text_on_one_line(name: str, text: str) -> None:
    line = classifier_line(text, name)
    assert line == fasttext_line(normaliser(name)(text))
    assert "\n" not in line


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(st.text(st.characters(exclude_categories=[])), max_size=4))
def test_any_texts_score_between_0_and_1(texts: list[str]) -> None:
    for folder in (toys.binary(), toys.ternary()):
        classifier = TextClassifier.load(folder)
        scores = classifier.score(texts)
        assert scores.shape == (len(texts), len(classifier.labels))
        assert ((scores >= 0) & (scores <= 1)).all()
        sums = scores.sum(axis=1)
        for text, total in zip(texts, sums.tolist(), strict=True):
            wordless = not any(map(str.isalnum, text))
            assert total == (0 if wordless else pytest.approx(1, abs=1e-5))


# --- where it is found -------------------------------------------------------------------------


def test_a_model_goes_by_folder_and_by_file() -> None:
    folder = toys.binary()
    by_folder, by_file = (TextClassifier.load(name) for name in (folder, str(folder / "model.ftz")))
    assert by_folder == by_file
    assert by_folder.card == Card.read(folder / CARD)
    assert by_folder.labels == tuple(by_folder.model.labels())
    assert by_folder.check() == by_folder.card.sha256


def test_a_model_goes_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toys.copied(toys.binary(), tmp_path / "shipped" / "toy")
    toys.copied(toys.ternary(), tmp_path / "shipped" / "trio")
    (tmp_path / "shipped" / "no_model").mkdir()
    monkeypatch.setattr(text_classifier, "SHIPPED", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    assert shipped_names() == ["toy", "trio"]
    assert TextClassifier.load("toy").model.file.path == str(tmp_path / "shipped/toy/model.ftz")
    with pytest.raises(
        ModelError, match=r"toys: no such model, folder or file; did you mean 'toy'"
    ):
        TextClassifier.load("toys")
    with pytest.raises(ModelError, match="with Gristmill come toy, trio"):
        TextClassifier.load("weather forecast")
    # What lies here by that name is meant before what is shipped.
    toys.copied(toys.ternary(), tmp_path / "toy")
    assert TextClassifier.load("toy").labels == TextClassifier.load(toys.ternary()).labels


def test_every_shipped_model_is_whole_and_small() -> None:
    for name in shipped_names():
        classifier = TextClassifier.load(name)
        assert classifier.card is not None
        assert classifier.check() == classifier.card.sha256
        assert classifier.card.bytes == Path(classifier.model.file.path).stat().st_size < 2_000_000
        assert classifier.card.name == name
        assert classifier.card.licence
        if classifier.card.positive:
            assert 0 < classifier.threshold().threshold < 1


def test_a_file_without_a_card_has_labels_and_is_spelt_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "alone.ftz").write_bytes((toys.binary() / "model.ftz").read_bytes())
    alone = TextClassifier.load(tmp_path / "alone.ftz")
    assert (alone.card, alone.normalise) == (None, "none")
    assert set(alone.labels) == {"mill", "spam"}
    assert alone.score(TEXTS).shape == (3, 2)
    alone.check()
    with pytest.raises(ConfigError, match="no card lies beside this model file"):
        alone.threshold()
    with pytest.raises(ConfigError, match="train with --positive"):
        alone.positive(alone.score(TEXTS))


def test_the_card_of_another_file_is_not_taken(tmp_path: Path) -> None:
    folder = toys.copied(toys.binary(), tmp_path / "model")
    (folder / "other.bin").write_bytes((toys.ternary() / "model.bin").read_bytes())
    assert TextClassifier.load(folder / "other.bin").card is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/model.ftz", "no such model, folder or file"),
        ("", "no such model|no model here"),
        ("empty", r"empty: no model here: card\.json is missing"),
    ],
)
def test_what_is_not_there_is_named(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=message):
        TextClassifier.load(name)


# --- the right file ----------------------------------------------------------------------------


def test_the_sha256_asked_for_has_to_be_that_of_the_card() -> None:
    card = Card.read(toys.binary() / CARD)
    assert TextClassifier.load(toys.binary(), card.sha256.upper()).check() == card.sha256
    with pytest.raises(
        ModelError, match=f"the card says sha256 {card.sha256}, {'0' * 64} was asked"
    ):
        TextClassifier.load(toys.binary(), "0" * 64)


def test_the_sha256_asked_for_holds_without_a_card(tmp_path: Path) -> None:
    data = (toys.binary() / "model.ftz").read_bytes()
    (tmp_path / "alone.ftz").write_bytes(data)
    alone = TextClassifier.load(tmp_path / "alone.ftz", "0" * 64)
    with pytest.raises(ModelError, match="not the expected model file"):
        alone.score(TEXTS)
    with pytest.raises(ModelError, match="is no sha256"):
        TextClassifier.load(tmp_path / "alone.ftz", "abc")


def test_labels_that_are_not_the_models_are_found_out(tmp_path: Path) -> None:
    folder = toys.copied(toys.binary(), tmp_path / "model")
    data = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**data, "labels": data["labels"][::-1]}))
    with pytest.raises(ModelError, match=r"its labels are .*, its card says "):
        TextClassifier.load(folder).check()


def test_an_unknown_normaliser_is_found_out(tmp_path: Path) -> None:
    folder = toys.copied(toys.binary(), tmp_path / "model")
    data = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**data, "normalise": "shouting"}))
    with pytest.raises(ConfigError, match="no normaliser is called 'shouting'"):
        TextClassifier.load(folder).score(TEXTS)


def test_a_card_that_changes_is_read_again(tmp_path: Path) -> None:
    folder = toys.copied(toys.binary(), tmp_path / "model")
    before = TextClassifier.load(folder)
    text = (folder / CARD).read_text().replace('"licence": "CC0"', '"licence": "MIT"', 1)
    (folder / CARD).write_text(text)
    os.utime(folder / CARD, ns=(1, 1))
    after = TextClassifier.load(folder)
    assert (before.card and before.card.licence, after.card and after.card.licence) == (
        "CC0",
        "MIT",
    )


# --- elsewhere ---------------------------------------------------------------------------------


def test_it_pickles_small_and_works_after(two: TextClassifier, three: TextClassifier) -> None:
    for classifier in (two, three):
        before = classifier.score(TEXTS)
        data = pickle.dumps(classifier)
        assert len(data) < 64_000
        assert (pickle.loads(data).score(TEXTS) == before).all()
        assert pickle.loads(data) == classifier


def test_it_works_in_another_process(two: TextClassifier, tmp_path: Path) -> None:
    (tmp_path / "classifier").write_bytes(pickle.dumps(two))
    code = (
        "import json, pickle, sys; classifier = pickle.load(open('classifier', 'rb'));"
        "print(json.dumps(classifier.score(json.loads(sys.argv[1])).tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(TEXTS)],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == two.score(TEXTS).tolist()


def test_loading_the_wrapper_loads_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.fasttext_model._load", None)
    classifier = TextClassifier.load(toys.binary())
    assert classifier.labels == ("spam", "mill")
    assert classifier.threshold("recall=90%").target == "recall=0.9"
    assert classifier.normalise == "words"

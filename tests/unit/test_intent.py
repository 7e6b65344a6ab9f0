"""The intent of prompts: cues, the shipped model, and the labels it was judged by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.intent import INTENTS, Asked, IntentClassifier, IntentModel, asked_in
from classifiers.intent_cues import CUES, cues
from pipeline.core.errors import ModelError

pytest.importorskip("torch", reason="needs pip install 'gristmill[prompts]'")

PLAIN = (
    ("What is the capital of France?", "asking"),
    ("Which laptop should I buy for under 1000 euros?", "asking"),
    ("Explain how correlation differs from causation", "asking"),
    ("Write a poem about the sea", "doing"),
    ("Can you translate this sentence to German: I am late", "doing"),
    ("Fix this code: def f(: pass", "doing"),
    ("thanks!", "expressing"),
    ("I love you", "expressing"),
)


@given(st.text(), st.text(max_size=50), st.text(max_size=50))
def test_cues_are_finite_for_any_text(prompt: str, before: str, reply: str) -> None:
    found = cues(prompt, before, reply)
    assert found.shape == (len(CUES),)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("text", ["a" * 1_000_000, "? " * 500_000, "\n" * 1_000_000, "(" * 10**6])
def test_a_long_text_is_read_at_its_ends(text: str) -> None:
    assert np.isfinite(cues(text)).all()


def test_plain_prompts_have_the_intent_that_anyone_would_say() -> None:
    classifier = IntentClassifier()
    found = classifier.probabilities([Asked(prompt) for prompt, _ in PLAIN])
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert classifier.labels(found) == [intent for _, intent in PLAIN]


def test_a_prompt_does_not_depend_on_its_company() -> None:
    classifier = IntentClassifier()
    asked = [Asked(prompt) for prompt, _ in PLAIN]
    together = classifier.probabilities(asked)
    alone = np.concatenate([classifier.probabilities([one]) for one in asked])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_no_prompt_is_no_fault() -> None:
    assert IntentClassifier().probabilities([]).shape == (0, len(INTENTS))


def test_a_prompt_is_read_with_what_came_before_it() -> None:
    turns = [("user", "one"), ("assistant", "two"), ("tool", "x"), ("user", "three")]
    assert asked_in(turns) == Asked("three", "one", "two")
    assert asked_in(turns, 0) == Asked("one")
    assert asked_in([("assistant", "hello")]) is None


def test_asking_is_the_label_from_its_threshold_on() -> None:
    model = IntentModel(*(np.zeros(1),) * 2, np.zeros((1, 3)), np.zeros(3), asking=0.8)
    says = np.array([[0.8, 0.2, 0.0], [0.79, 0.11, 0.1], [0.1, 0.2, 0.7]])
    assert model.labels(says) == ["asking", "doing", "expressing"]


def test_a_model_for_other_cues_is_refused(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "classifiers" / "shipped" / "intent"
    shutil.copytree(shipped, tmp_path / "model")
    header = json.loads((tmp_path / "model" / "model.json").read_text())
    header["cues"] = header["cues"][1:]
    (tmp_path / "model" / "model.json").write_text(json.dumps(header))
    with pytest.raises(ModelError, match="other cues"):
        IntentModel.load(tmp_path / "model")
    with pytest.raises(ModelError, match="no model of intent"):
        IntentModel.load(tmp_path / "missing")


def test_asking_is_found_on_the_labels_kept_back(shared_data: Path) -> None:
    from intent_data import labelled_prompts

    kept = [one for one in labelled_prompts(shared_data) if one.final]
    classifier = IntentClassifier()
    labels = classifier.labels(classifier.probabilities([one.asked for one in kept]))
    said = np.array([label == "asking" for label in labels])
    truth = np.array([one.label == "asking" for one in kept])
    assert truth[said].mean() >= 0.90
    assert said[truth].mean() >= 0.75

"""Training of the intent model: from nothing, and on from a model that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.intent import IntentClassifier, IntentModel
from classifiers.intent_cues import both_ends, cues
from classifiers.intent_training import (
    RECALL,
    asking_threshold,
    best_temperature,
    cooled,
    enough,
    train_intent,
)
from pipeline.core.errors import ConfigError, ModelError


def points(count: int, seed: int = 0, shift: float = 0.0) -> tuple[Any, Any]:
    """Three clouds in four dimensions; with a shift, the bound between the first two lies elsewhere."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, count)
    features = draw.normal(size=(count, 4))
    features[:, 0] += 2.0 * labels + shift
    features[:, 1] -= labels == 2
    return features, labels


PRIOR = IntentModel(
    np.zeros(4), np.ones(4), np.array([[-2.0, 0, 2], [1, 1, -2], [0, 0, 0], [0, 0, 0]]),
    np.array([2.0, 0.5, -2.5]), 0.8, 0.7,
)  # fmt: skip


def far(one: IntentModel, other: IntentModel) -> float:
    return float(np.abs(one.weights - other.weights).sum())


def test_no_labels_leave_the_prior_as_it_is() -> None:
    features, labels = points(0)
    assert train_intent(features, labels, prior=PRIOR) is PRIOR


def test_the_more_labels_the_farther_it_goes() -> None:
    moved = [far(train_intent(*points(n, shift=3.0), prior=PRIOR), PRIOR) for n in (1, 10, 100)]
    assert 0 < moved[0] < moved[1] < moved[2]
    weak, strong = (
        far(train_intent(*points(50, shift=3.0), prior=PRIOR, strength=s), PRIOR) for s in (1, 1e9)
    )
    assert strong < 1e-3 < weak


def test_labels_of_ones_own_make_it_better_where_the_log_is_another() -> None:
    features, labels = points(400, 1, shift=3.0)
    before = PRIOR.probabilities(features).argmax(axis=1) == labels
    model = train_intent(*points(100, 2, shift=3.0), prior=PRIOR, strength=5.0)
    after = model.probabilities(features).argmax(axis=1) == labels
    assert after.mean() > before.mean() + 0.1


def test_the_found_weights_are_a_minimum() -> None:
    features, labels = points(60)
    model = train_intent(features, labels, prior=PRIOR, weights=np.ones(60), strength=3.0)

    def loss(weights: Any, intercept: Any) -> float:
        one = IntentModel(PRIOR.mean, PRIOR.scale, weights, intercept, PRIOR.temperature)
        log = np.log(one.probabilities(features)[np.arange(60), labels]).sum()
        squares = ((weights - PRIOR.weights) ** 2).sum() + (
            (intercept - PRIOR.intercept) ** 2
        ).sum()
        return float(3.0 * squares - log)

    least = loss(model.weights, model.intercept)
    draw = np.random.default_rng(0)
    for _ in range(30):
        step = draw.normal(size=model.weights.shape) * 0.05
        assert loss(model.weights + step, model.intercept) > least
        assert loss(model.weights, model.intercept + step[0]) > least


def test_a_label_of_weight_two_is_two_labels() -> None:
    features, labels = points(30)
    twice = train_intent(np.repeat(features, 2, 0), np.repeat(labels, 2), prior=PRIOR,
                         weights=np.ones(60))  # fmt: skip
    heavy = train_intent(features, labels, prior=PRIOR, weights=np.full(30, 2.0))
    np.testing.assert_allclose(twice.weights, heavy.weights, atol=1e-4)
    none = train_intent(features, labels, prior=PRIOR, weights=np.zeros(30))
    np.testing.assert_allclose(none.weights, PRIOR.weights)


def test_the_same_again() -> None:
    for prior in (None, PRIOR):
        one, other = (train_intent(*points(80), prior=prior) for _ in range(2))
        for name, value in one.arrays().items():
            np.testing.assert_array_equal(value, other.arrays()[name])


def test_threshold_and_temperature_wait_for_enough_labels() -> None:
    few = train_intent(*points(199), prior=PRIOR)
    assert (few.temperature, few.asking) == (0.8, 0.7)
    features, labels = points(400)
    many = train_intent(features, labels, prior=PRIOR)
    assert (many.temperature, many.asking) != (0.8, 0.7)
    found = np.array(many.labels(many.probabilities(features)))
    assert abs((found[labels == 0] == "asking").mean() - RECALL) < 0.06
    # Labels of prompts that were drawn for being hard do not count.
    hard = train_intent(features, labels, prior=PRIOR, chance=np.arange(400) < 150)
    assert (hard.temperature, hard.asking) == (0.8, 0.7)
    assert not enough(np.ones(500, np.int64))


def test_threshold_and_temperature_by_hand() -> None:
    says = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
    assert asking_threshold(says, np.array([1, 1, 1, 1, 1, 0], bool)) == pytest.approx(0.26)
    sure = np.tile([0.9, 0.05, 0.05], (10, 1))
    assert best_temperature(sure, np.array([0] * 9 + [1])) == pytest.approx(1, abs=0.25)
    assert best_temperature(sure, np.array([0] * 4 + [1] * 3 + [2] * 3)) > 3
    np.testing.assert_allclose(cooled(sure, 1.0), sure)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": np.array([0, 3])}, "positions in"),
        ({"labels": np.array([-1, 0])}, "positions in"),
        ({"labels": np.array([0])}, "one row and one label"),
        ({"features": np.full((2, 4), np.nan)}, "NaN or infinity"),
        ({"features": np.zeros((2, 5))}, "trained on 4 features where 5"),
        ({"features": np.zeros((0, 4)), "labels": np.zeros(0, np.int64), "prior": None}, "no prior"),
        ({"strength": 0.0}, "strength = 0.0"),
        ({"weights": np.array([1.0, -1.0])}, "0 or more"),
        ({"weights": np.ones(3)}, "one number"),
        ({"chance": np.ones(3, bool)}, "chance has shape"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, Any], said: str) -> None:
    given = {"features": np.zeros((2, 4)), "labels": np.array([0, 1]), "prior": PRIOR} | change
    with pytest.raises(ConfigError, match=said):
        train_intent(given.pop("features"), given.pop("labels"), **given)


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(0, 5), st.floats(0.01, 1000))
def test_any_labels_give_probabilities(count: int, seed: int, strength: float) -> None:
    features, labels = points(count, seed)
    says = train_intent(features, labels, prior=PRIOR, strength=strength).probabilities(features)
    np.testing.assert_allclose(says.sum(axis=1), 1)


@given(st.text(), st.integers(0, 9000))
def test_a_text_without_its_middle_has_the_same_cues(text: str, length: int) -> None:
    whole = text + "ab? " * (length // 4) + text[::-1]
    cut = both_ends(whole)
    assert len(cut) <= 8001
    assert both_ends(cut) == cut
    np.testing.assert_array_equal(cues(cut), cues(whole))


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    IntentModel.load().save(tmp_path, {})
    assert IntentModel.load(tmp_path).asking == IntentModel.load().asking
    (tmp_path / "model.npz").write_bytes(b"PK\x03\x04 nothing")
    IntentModel.forget()
    with pytest.raises(ModelError, match="damaged"):
        IntentModel.load(tmp_path)
    (tmp_path / "model.json").write_text("[]")
    IntentModel.forget()
    with pytest.raises(ModelError):
        IntentClassifier(str(tmp_path)).labels(np.zeros((0, 3)))


def test_a_model_that_is_saved_again_is_read_again(tmp_path: Path) -> None:
    IntentModel.load().save(tmp_path, {})
    assert IntentModel.load(tmp_path).asking != 0.125
    model = IntentModel(**{**IntentModel.load(tmp_path).arrays(), "asking": 0.125})
    model.save(tmp_path, {})
    assert IntentModel.load(tmp_path).asking == 0.125

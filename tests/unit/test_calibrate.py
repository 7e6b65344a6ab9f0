"""Targets and the thresholds that reach them: as written, by hand, and what cannot be reached."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classifiers.calibrate import KINDS, Target, share_of, threshold_for
from classifiers.evaluate import operating
from pipeline.core.errors import ConfigError

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0], np.float32)
TRUTH = np.array([1, 1, 0, 1, 0, 0, 1, 0, 0, 0], bool)

# --- targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("precision=0.9", "precision", 0.9),
        (" recall = 95% ", "recall", 0.95),
        ("share=10%", "share", 0.1),
        ("top=.1", "share", 0.1),
        ("fpr=0.01", "false_positive_rate", 0.01),
        ("fpr=0.7%", "false_positive_rate", 0.007),
        ("false_positive_rate=0.00001", "false_positive_rate", 0.00001),
        ("precision=1", "precision", 1.0),
        ("recall=100 %", "recall", 1.0),
    ],
)
def test_targets_are_parsed(text: str, kind: str, value: float) -> None:
    target = Target.parse(text)
    assert (target.kind, target.value) == (kind, value)
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fpr=1%", "false_positive_rate=0.01"),
        ("fpr=0.00001", "false_positive_rate=0.00001"),
        ("top=10%", "share=0.1"),
        ("precision=1.0", "precision=1"),
        ("share=0.99999999", "share=0.99999999"),
    ],
)
def test_one_target_has_one_name_that_is_parsed_again(text: str, name: str) -> None:
    assert str(Target.parse(text)) == name
    assert str(Target.parse(name)) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("precision", "is not KIND=VALUE, such as precision=0.9"),
        ("", "is not KIND=VALUE"),
        ("precison=0.9", "no target is called 'precison'; did you mean 'precision'"),
        ("=0.9", "no target is called ''"),
        ("precision=", "must lie between 0 and 1"),
        ("precision=0", "must lie between 0 and 1"),
        ("precision=1.5", "must lie between 0 and 1"),
        ("recall=-1", "must lie between 0 and 1"),
        ("share=1", "must lie between 0 and 1"),
        ("fpr=100%", "must lie between 0 and 1"),
        ("fpr=1e-3", "written as 0.01 or 1%"),
        ("fpr=nan", "must lie between 0 and 1"),
    ],
)
def test_what_is_no_target_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Target.parse(text)


@pytest.mark.parametrize(
    ("text", "share"),
    [("0.1", 0.1), ("10%", 0.1), (" 7 % ", 0.07), (".5", 0.5), ("1.", 1.0), ("0.7%", 0.007),
     ("", None), ("%", None), ("x", None), ("1,5", None), ("-1", None)],
)  # fmt: skip
def test_shares(text: str, share: float | None) -> None:
    assert share_of(text) == share


# --- thresholds --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "threshold", "measured", "n"),
    [
        ("precision=0.7", 0.55, 3 / 4, 4),
        ("precision=0.9", 0.75, 1.0, 2),
        ("recall=0.7", 0.65, 3 / 4, 4),
        ("recall=1", 0.35, 1.0, 4),
        ("share=0.3", 0.65, 0.3, 10),
        ("share=0.35", 0.65, 0.3, 10),
        ("fpr=0.2", 0.55, 1 / 6, 6),
        ("fpr=0.1", 0.75, 0.0, 6),
    ],
)
def test_thresholds_by_hand(target: str, threshold: float, measured: float, n: int) -> None:
    if target.startswith("recall"):  # the highest that will do
        threshold -= 0.1
    found = threshold_for(Target.parse(target), SCORES, TRUTH, data="ten texts")
    assert found.threshold == pytest.approx(threshold, abs=1e-6)
    assert (found.measured.value, found.measured.n) == (pytest.approx(measured), n)
    assert (found.target, found.sure, found.data) == (str(Target.parse(target)), False, "ten texts")
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_measured_is_what_the_threshold_does(kind: str) -> None:
    draw = np.random.default_rng(0)
    truth = draw.random(500) < 0.4
    scores = np.clip(draw.normal(0.4 + 0.3 * truth, 0.2), 0, 1).astype(np.float32)
    found = threshold_for(Target(kind, 0.2 if kind in KINDS[2:] else 0.8), scores, truth)  # type: ignore[arg-type]
    assert getattr(operating(scores, truth, found.threshold), kind) == found.measured


def test_a_threshold_stands_between_scores_so_that_nothing_hangs_on_a_last_digit() -> None:
    scores = np.array([1.0, 1.0, 1.0, 0.5, 0.25], np.float32)
    truth = np.array([1, 1, 0, 1, 0], bool)
    for target in ("recall=0.5", "share=0.6", "precision=0.7", "fpr=0.5"):
        found = threshold_for(Target.parse(target), scores, truth)
        assert found.threshold in (0.75, 0.375), target


def test_scores_of_1_can_be_too_many() -> None:
    scores = np.array([1.0] * 5 + [0.2] * 5, np.float32)
    with pytest.raises(ConfigError, match=r"share=0\.3 cannot be reached.* gives 0\.500"):
        threshold_for(Target.parse("share=0.3"), scores, None)


def test_to_be_sure_costs_texts() -> None:
    scores = np.linspace(1, 0, 1000, dtype=np.float32)
    truth = np.arange(1000) % 10 < np.linspace(10, 0, 1000)
    for target in ("precision=0.8", "fpr=0.05"):
        plain = threshold_for(Target.parse(target), scores, truth)
        sure = threshold_for(Target.parse(target), scores, truth, sure=True)
        assert sure.sure
        assert sure.threshold > plain.threshold
    assert sure.measured.high <= 0.05 < plain.measured.high
    recall = threshold_for(Target.parse("recall=0.8"), scores, truth, sure=True)
    assert recall.measured.low >= 0.8


def test_a_share_needs_no_labels() -> None:
    found = threshold_for(Target.parse("share=20%"), SCORES, None)
    assert (found.measured.value, found.measured.n) == (0.2, 10)
    assert found == threshold_for(Target.parse("share=20%"), SCORES, TRUTH)


def test_clean_texts_are_enough_for_false_positives_and_positive_ones_for_recall() -> None:
    clean = threshold_for(Target.parse("fpr=0.1"), SCORES, np.zeros(10, bool))
    assert clean.measured.n == 10
    assert threshold_for(Target.parse("recall=0.9"), SCORES, np.ones(10, bool)).measured.n == 10


@pytest.mark.parametrize(
    ("target", "scores", "truth", "sure", "message"),
    [
        ("precision=0.9", SCORES, None, False, "needs labelled texts; these have no labels"),
        ("precision=0.9", SCORES[2:], TRUTH[2:], False, "the best threshold gives 0.500"),
        ("precision=0.9", SCORES, TRUTH, True, "cannot be promised with 10 texts.*leave out --sure"),
        ("precision=0.9", SCORES, TRUTH | True, False, "there are no negative texts"),
        ("precision=0.9", SCORES, TRUTH & False, False, "there are no positive texts"),
        ("recall=0.9", SCORES, TRUTH & False, False, "there are no positive texts"),
        ("recall=0.9", SCORES, TRUTH, True, "cannot be promised with 4 positive texts"),
        ("fpr=0.1", SCORES, TRUTH | True, False, "there are no negative texts"),
        ("fpr=0.01", SCORES, TRUTH, True, "cannot be promised with 6 negative texts"),
        ("share=0.1", SCORES[:0], None, False, "there are no texts"),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_is_said(
    target: str, scores: np.ndarray, truth: np.ndarray | None, sure: bool, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        threshold_for(Target.parse(target), scores, truth, sure=sure)


def test_the_order_of_texts_makes_no_difference() -> None:
    order = np.random.default_rng(1).permutation(10)
    for text in ("precision=0.7", "recall=0.7", "share=0.3", "fpr=0.2"):
        target = Target.parse(text)
        one = threshold_for(target, SCORES, TRUTH)
        assert one == threshold_for(target, SCORES[order], TRUTH[order])

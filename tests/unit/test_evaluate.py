"""Figures of scores: each against its definition, counted by hand, or against scipy."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import binomtest

from classifiers.evaluate import (
    POINTS,
    SLICE_TEXTS,
    SLICE_VALUES,
    Evaluation,
    Interval,
    average_precision,
    evaluate,
    length_slice,
    operating,
    proportion,
    reliability,
    roc_auc,
    wilson,
)

SCORES = np.array([0.9, 0.8, 0.8, 0.6, 0.4, 0.4, 0.1, 0.0], np.float32)
TRUTH = np.array([1, 1, 0, 1, 0, 0, 1, 0], bool)


def drawn(n: int = 400, seed: int = 0, step: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores that tell something about the truth; with ``step`` many of them are equal."""
    draw = np.random.default_rng(seed)
    truth = draw.random(n) < 0.3
    scores = np.clip(draw.normal(0.4 + 0.25 * truth, 0.2), 0, 1)
    return (np.round(scores / step) * step if step else scores).astype(np.float32), truth


# --- intervals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "n"), [(0, 1), (1, 1), (0, 50), (50, 50), (3, 7), (17, 1000), (999, 1000)]
)
def test_wilson_is_that_of_scipy(count: int, n: int) -> None:
    theirs = binomtest(count, n).proportion_ci(0.95, method="wilson")
    ours = proportion(count, n)
    assert (ours.value, ours.n) == (count / n, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= ours.low <= ours.value <= ours.high <= 1


def test_wilson_takes_arrays() -> None:
    low, high = wilson(np.array([0, 3, 7]), np.array([7, 7, 7]))
    assert (low[0], high[2]) == (0, 1)
    assert low[1] == proportion(3, 7).low


def test_a_share_of_nothing_is_no_number() -> None:
    nothing = proportion(0, 0)
    assert math.isnan(nothing.value)
    assert nothing.n == 0
    assert str(nothing) == "·"
    assert nothing.to_json() == {"value": None, "low": None, "high": None, "n": 0}


def test_an_interval_goes_to_json_and_back() -> None:
    given = Interval(0.123456789, 0.1, 0.2, 33)
    back = Interval.from_json(json.loads(json.dumps(given.to_json())))
    assert back == Interval(0.123457, 0.1, 0.2, 33)
    assert back.to_json() == given.to_json()
    assert math.isnan(Interval.from_json(proportion(0, 0).to_json()).value)
    assert str(given) == "0.123 (0.100 to 0.200)"


# --- ranking -----------------------------------------------------------------------------------


def pairs(scores: np.ndarray, truth: np.ndarray) -> float:
    """How often a positive text is above a negative one, ties half."""
    high, low = scores[truth], scores[~truth]
    above = (high[:, None] > low[None, :]).sum() + (high[:, None] == low[None, :]).sum() / 2
    return float(above / (len(high) * len(low)))


@pytest.mark.parametrize("step", [0.0, 0.1, 0.5])
def test_auc_counts_pairs(step: float) -> None:
    scores, truth = drawn(step=step)
    found = roc_auc(scores, truth)
    assert found.value == pytest.approx(pairs(scores, truth), abs=1e-12)
    assert found.n == 400
    assert found.low < found.value < found.high


def test_auc_by_hand() -> None:
    # Above a negative: .9 four times, .8 three times and a tie, .6 three times, .1 once.
    assert roc_auc(SCORES, TRUTH).value == (4 + 3.5 + 3 + 1) / 16
    assert roc_auc(1 - SCORES, TRUTH).value == 1 - (4 + 3.5 + 3 + 1) / 16


def test_delong_is_the_variance_of_its_components() -> None:
    scores, truth = drawn(60, seed=3, step=0.1)
    high, low = scores[truth], scores[~truth]
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / len(high) + wins.mean(axis=0).var(ddof=1) / len(low)
    found = roc_auc(scores, truth)
    half = 1.959963984540054 * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))


def test_delong_holds_the_truth_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(300):
        scores, truth = drawn(120, seed=seed)
        found = roc_auc(scores, truth)
        # Two normal distributions, .25 apart with deviation .2, cut at 0 and 1.
        held += found.low <= 0.8116 <= found.high
    assert 0.91 <= held / 300 <= 0.985


@pytest.mark.parametrize("truth", [[True, True], [False, False], []])
def test_auc_of_one_kind_is_no_number(truth: list[bool]) -> None:
    found = roc_auc(np.full(len(truth), 0.5), np.array(truth, bool))
    assert math.isnan(found.value)
    assert found.n == len(truth)


@pytest.mark.parametrize("step", [0.0, 0.1, 0.5])
def test_average_precision_adds_precision_at_every_gain_of_recall(step: float) -> None:
    scores, truth = drawn(200, seed=1, step=step)
    expected = before = 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        taken = scores >= threshold
        recall = (taken & truth).sum() / truth.sum()
        expected += (recall - before) * (taken & truth).sum() / taken.sum()
        before = recall
    assert average_precision(scores, truth) == pytest.approx(expected, abs=1e-12)


def test_average_precision_of_no_positive_is_no_number() -> None:
    assert math.isnan(average_precision(SCORES, np.zeros(8, bool)))
    assert math.isnan(average_precision(SCORES[:0], TRUTH[:0]))
    assert average_precision(SCORES, np.ones(8, bool)) == 1


# --- calibration -------------------------------------------------------------------------------


def test_bins_hold_every_text_once() -> None:
    scores, truth = drawn(step=0.05)
    scores[:2] = (0.0, 1.0)
    bins = reliability(scores, truth)
    assert sum(one.positive.n for one in bins) == 400
    assert sum(round(one.positive.value * one.positive.n) for one in bins) == truth.sum()
    assert [one.score for one in bins] == sorted(one.score for one in bins)
    assert len(bins) <= 10


def test_bins_by_hand() -> None:
    bins = reliability(np.array([0.0, 0.05, 0.1, 0.95, 1.0]), np.array([0, 1, 1, 0, 1], bool))
    assert [(round(one.score, 3), one.positive.value, one.positive.n) for one in bins] == [
        (0.025, 0.5, 2),
        (0.1, 1.0, 1),
        (0.975, 0.5, 2),
    ]
    assert reliability(SCORES[:0], TRUTH[:0]) == ()


def test_losses_by_hand() -> None:
    found = evaluate(np.array([0.8, 0.4]), np.array([True, False]))
    assert found.brier == pytest.approx((0.04 + 0.16) / 2)
    assert found.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    assert found.calibration_error == pytest.approx((0.2 + 0.4) / 2)


def test_a_sure_mistake_costs_much_but_not_everything() -> None:
    found = evaluate(np.array([0.0, 1.0]), np.array([True, False]))
    assert 10 < found.log_loss < 20
    assert found.brier == 1


# --- at a threshold ----------------------------------------------------------------------------


def test_operating_by_hand() -> None:
    at = operating(SCORES, TRUTH, 0.4)
    assert (at.precision.value, at.precision.n) == (3 / 6, 6)
    assert (at.recall.value, at.recall.n) == (3 / 4, 4)
    assert (at.false_positive_rate.value, at.false_positive_rate.n) == (3 / 4, 4)
    assert (at.share.value, at.share.n) == (6 / 8, 8)
    assert at.to_json()["threshold"] == 0.4
    assert set(at.to_json()) == {
        "threshold", "precision", "recall", "false_positive_rate", "share"
    }  # fmt: skip


def test_a_threshold_is_reached_by_what_equals_it() -> None:
    assert operating(SCORES, TRUTH, float(SCORES[0])).share.value == 1 / 8
    assert operating(SCORES, TRUTH, 1.1).share.value == 0
    assert math.isnan(operating(SCORES, TRUTH, 1.1).precision.value)
    assert operating(SCORES, TRUTH, 0.0).share.value == 1


# --- all of it ---------------------------------------------------------------------------------


def no_nan(found: Evaluation) -> dict[str, object]:
    data: dict[str, object] = json.loads(json.dumps(found.to_json(), allow_nan=False))
    return data


@pytest.mark.parametrize(
    ("scores", "truth"),
    [
        (SCORES, TRUTH),
        (SCORES, np.ones(8, bool)),
        (SCORES, np.zeros(8, bool)),
        (np.zeros(3), np.array([1, 0, 1], bool)),
        (np.ones(3, np.float32), np.array([1, 0, 1], bool)),
        (SCORES[:1], TRUTH[:1]),
        (SCORES[:0], TRUTH[:0]),
    ],
)
@pytest.mark.parametrize("threshold", [None, 0.5, 1.5])
def test_json_holds_no_nan_whatever_there_is(
    scores: np.ndarray, truth: np.ndarray, threshold: float | None
) -> None:
    slices = {"one": ["x"] * len(scores), "each": [str(n) for n in range(len(scores))]}
    data = no_nan(evaluate(scores, truth, threshold=threshold, slices=slices))
    assert data["texts"] == len(scores)
    assert data["positives"] == int(truth.sum())
    assert (data["at"] is None) == (threshold is None)


def test_the_curve_runs_from_high_thresholds_to_low_and_through_points_that_occur() -> None:
    scores, truth = drawn(3000, seed=2)
    scores = np.argsort(np.argsort(scores)).astype(np.float32) + 1  # no two are equal
    scores[0], truth[0] = 0, False  # the last step gains no recall
    scores /= scores.max()
    found = evaluate(scores, truth)
    assert POINTS / 2 < len(found.curve) <= POINTS
    thresholds, precisions, recalls = zip(*found.curve, strict=True)
    assert list(thresholds) == sorted(thresholds, reverse=True)
    assert list(recalls) == sorted(recalls)
    assert recalls[-1] == 1
    for threshold, precision, recall in found.curve[::9]:
        at = operating(scores, truth, threshold)
        assert (at.precision.value, at.recall.value) == pytest.approx((precision, recall))
    assert precisions[-1] == truth.sum() / len(truth[scores >= thresholds[-1]])


def test_the_curve_of_few_texts_is_every_step() -> None:
    curve = evaluate(SCORES, TRUTH).curve
    assert [round(point[0], 3) for point in curve] == [0.9, 0.8, 0.6, 0.1, 0.0]
    assert evaluate(SCORES, np.zeros(8, bool)).curve == ()


def test_slices_are_the_same_figures_of_a_part() -> None:
    scores, truth = drawn(300, seed=4)
    names = np.array(["a", "b", "c"])[np.arange(300) % 3]
    found = evaluate(scores, truth, threshold=0.5, slices={"name": names.tolist()})
    assert [(name, value) for name, value, _ in found.slices] == [("name", v) for v in "abc"]
    for _, value, part in found.slices:
        here = names == value
        at = operating(scores[here], truth[here], 0.5)
        assert (part.texts, part.positives) == (100, truth[here].sum())
        assert part.auc == roc_auc(scores[here], truth[here])
        assert (part.recall, part.false_positive_rate) == (at.recall, at.false_positive_rate)


def test_slices_are_the_most_frequent_values_that_have_texts_enough() -> None:
    kinds = SLICE_VALUES + 3
    values = [f"v{n:02}" for n in range(kinds) for _ in range(SLICE_TEXTS + n)]
    values += ["few"] * (SLICE_TEXTS - 1)
    scores, truth = drawn(len(values), seed=5)
    found = evaluate(scores, truth, slices={"value": values}).slices
    assert [value for _, value, _ in found] == [f"v{n:02}" for n in range(kinds - 1, 2, -1)]
    assert math.isnan(found[0][2].recall.value)  # no threshold
    few = SLICE_TEXTS - 1
    assert evaluate(scores[:few], truth[:few], slices={"value": ["few"] * few}).slices == ()


def test_slices_of_equal_size_stand_by_name_and_odd_values_keep_their_texts() -> None:
    values = ["b\0", "a", "", "ü" * 1000] * 30
    scores, truth = drawn(120, seed=6)
    found = evaluate(scores, truth, slices={"value": values}).slices
    assert [value for _, value, _ in found] == ["", "a", "b\0", "ü" * 1000]
    assert {part.texts for _, _, part in found} == {30}


def test_lengths_have_names() -> None:
    texts = ["", "x" * 49, "x" * 50, "x" * 199, "x" * 200, "x" * 999, "x" * 1000, "x" * 5000]
    assert length_slice(texts) == [
        "under 50", "under 50", "50 to 199", "50 to 199", "200 to 999", "200 to 999",
        "1,000 to 4,999", "5,000 and more",
    ]  # fmt: skip


def test_the_order_of_texts_makes_no_difference() -> None:
    scores, truth = drawn(500, seed=7, step=0.01)
    names = [f"n{n % 4}" for n in range(500)]
    order = np.random.default_rng(0).permutation(500)
    one = evaluate(scores, truth, threshold=0.5, slices={"n": names})
    mixed = [names[at] for at in order]
    two = evaluate(scores[order], truth[order], threshold=0.5, slices={"n": mixed})
    assert one.to_json() == two.to_json()

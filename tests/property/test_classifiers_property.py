"""Classifiers: thresholds against every cut there is, figures against their definitions, same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from classifiers.calibrate import KINDS, Kind, Target, Threshold, threshold_for
from classifiers.evaluate import (
    average_precision,
    evaluate,
    operating,
    proportion,
    reliability,
    roc_auc,
)
from classifiers.fasttext_training import label_word
from pipeline.core.errors import ConfigError

QUICK = settings(deadline=None)
# Few values, so that many are equal, and any others; as models give them.
SCORE = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1, width=32))
TEXT = st.tuples(SCORE, st.booleans())
TEXTS = st.lists(TEXT, max_size=25)
TARGETS = st.builds(
    Target, st.sampled_from(KINDS), st.floats(0.01, 0.99).map(lambda value: round(value, 4))
)

Texts = Sequence[tuple[float, bool]]


def arrays(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    scores, truth = [score for score, _ in texts], [positive for _, positive in texts]
    return np.array(scores, np.float32), np.array(truth, bool)


# --- thresholds --------------------------------------------------------------------------------


def measured(kind: Kind, texts: Texts, taken: Texts) -> tuple[int, int]:
    """Count and basis of what the target is about."""
    hits = sum(positive for _, positive in taken)
    if kind == "precision":
        return hits, len(taken)
    if kind == "recall":
        return hits, sum(positive for _, positive in texts)
    if kind == "share":
        return len(taken), len(texts)
    return len(taken) - hits, sum(not positive for _, positive in texts)


def meets(target: Target, count: int, n: int, sure: bool) -> bool:
    if not n:
        return False
    low = high = count / n
    if sure:
        interval = binomtest(count, n).proportion_ci(0.95, method="wilson")
        low, high = (0.0 if count == 0 else interval.low, 1.0 if count == n else interval.high)
    if target.kind in ("precision", "recall"):
        return count / n >= target.value and low >= target.value
    return count / n <= target.value and high <= target.value


def by_brute_force(target: Target, texts: Texts, sure: bool) -> int | None:
    """How many texts the best cut takes; None if none that takes a text will do."""
    ranked = sorted(texts, reverse=True)
    cuts = [
        at
        for at in range(1, len(ranked) + 1)
        if at == len(ranked) or ranked[at - 1][0] > ranked[at][0]
    ]
    fit = [at for at in cuts if meets(target, *measured(target.kind, texts, ranked[:at]), sure)]
    if not fit:
        return None
    if target.kind == "precision":  # the most positives, and then the fewest others
        return max(fit, key=lambda at: (sum(positive for _, positive in ranked[:at]), -at))
    return min(fit) if target.kind == "recall" else max(fit)


def found_or_none(target: Target, texts: Texts, sure: bool) -> Threshold | None:
    scores, truth = arrays(texts)
    try:
        return threshold_for(target, scores, truth, sure=sure)
    except ConfigError:
        return None


@QUICK
@given(target=TARGETS, texts=TEXTS, sure=st.booleans())
@example(Target("share", 0.3), [(1.0, True), (1.0, False)], False)
@example(Target("recall", 0.5), [(1.0, True), (1.0, True), (0.5, False)], False)
@example(Target("precision", 0.9), [(0.5, True), (0.5, False)], False)
@example(Target("false_positive_rate", 0.5), [(0.0, False), (0.0, True)], False)
def test_a_threshold_is_the_best_of_all_cuts(target: Target, texts: Texts, sure: bool) -> None:
    found = found_or_none(target, texts, sure)
    kinds = {positive for _, positive in texts}
    if target.kind == "precision" and len(kinds) < 2:
        assert found is None
        return
    best = by_brute_force(target, texts, sure)
    assert (found is None) == (best is None)
    if found is None:
        return
    taken = [text for text in texts if text[0] >= found.threshold]
    assert len(taken) == best
    count, n = measured(target.kind, texts, taken)
    assert found.measured == proportion(count, n)
    assert meets(target, count, n, sure)
    scores, truth = arrays(texts)
    assert getattr(operating(scores, truth, found.threshold), target.kind) == found.measured


@QUICK
@given(target=TARGETS, texts=TEXTS.filter(bool), chance=st.randoms(use_true_random=False))
def test_a_threshold_hangs_on_no_order_and_on_no_last_digit(
    target: Target, texts: list[tuple[float, bool]], chance: object
) -> None:
    found = found_or_none(target, texts, sure=False)
    mixed = list(texts)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert found_or_none(target, mixed, sure=False) == found
    if found is None:
        return
    # No score stands at it, unless it is the lowest there can be.
    assert found.threshold == 0 or all(score != found.threshold for score, _ in texts)


@given(st.sampled_from(KINDS), st.floats(1e-9, 1, exclude_max=True))
def test_a_target_is_parsed_as_it_is_written(kind: Kind, value: float) -> None:
    assert Target.parse(str(Target(kind, value))) == Target(kind, value)
    assert "e" not in str(Target(kind, value)).partition("=")[2]


# --- figures -----------------------------------------------------------------------------------


@QUICK
@given(TEXTS)
def test_auc_counts_pairs_and_ties_half(texts: Texts) -> None:
    scores, truth = arrays(texts)
    high, low = scores[truth].tolist(), scores[~truth].tolist()
    found = roc_auc(scores, truth)
    if not high or not low:
        assert math.isnan(found.value)
        return
    wins = sum((a > b) + (a == b) / 2 for a in high for b in low)
    assert found.value == pytest.approx(wins / (len(high) * len(low)))
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


@QUICK
@given(TEXTS)
def test_average_precision_is_the_area_in_steps(texts: Texts) -> None:
    scores, truth = arrays(texts)
    if not truth.any():
        assert math.isnan(average_precision(scores, truth))
        return
    area = before = 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        taken = scores >= np.float32(threshold)
        recall = (taken & truth).sum() / truth.sum()
        area += (recall - before) * (taken & truth).sum() / taken.sum()
        before = recall
    assert average_precision(scores, truth) == pytest.approx(area)


@QUICK
@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(counted: tuple[int, int]) -> None:
    theirs = binomtest(*counted).proportion_ci(0.95, method="wilson")
    ours = proportion(*counted)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert 0 <= ours.low <= ours.value <= ours.high <= 1


@QUICK
@given(TEXTS, st.one_of(st.none(), st.floats(0, 1)))
def test_an_evaluation_is_plain_json_and_loses_no_text(
    texts: Texts, threshold: float | None
) -> None:
    scores, truth = arrays(texts)
    names = ["even" if len(texts) % 2 else "odd"] * len(texts)
    found = evaluate(scores, truth, threshold=threshold, slices={"name": names})
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (data["texts"], data["positives"]) == (len(texts), truth.sum())
    assert sum(one["positive"]["n"] for one in data["reliability"]) == len(texts)
    assert sum(one.positive.n for one in reliability(scores, truth)) == len(texts)
    if threshold is not None and texts:
        at = data["at"]
        assert at["share"]["n"] == len(texts)
        assert at["recall"]["n"] + at["false_positive_rate"]["n"] == len(texts)
    assert len(data["slices"]) == (len(texts) >= 20)
    recalls = [recall for _, _, recall in data["curve"]]
    assert recalls == sorted(recalls)
    assert recalls[-1:] == ([1.0] if truth.any() else [])


# --- labels ------------------------------------------------------------------------------------


@given(st.text())
def test_a_label_is_one_word_or_refused(label: str) -> None:
    try:
        word = label_word(label)
    except ConfigError:
        assert not label.replace("\0", " ").strip()
        return
    assert word.split() == [word]
    assert word.startswith("__label__")
    assert "\0" not in word
    assert label_word(word.removeprefix("__label__")) == word

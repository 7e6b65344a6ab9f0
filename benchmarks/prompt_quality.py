"""How well the criteria of prompts tell Arena-Hard's prompts from prompts that nobody selected.

Arena-Hard's 500 passed BenchBuilder, which asks a language model for the same seven criteria. Weights
are fitted on one half of the sets marked * (by a hash of the text) and all figures are of the other
half; the sets without a mark served no choice. The form of the regression was chosen by folds inside
the fitting half, after one look at the other half's table for a free regression. Length alone is shown
beside, and all within bands of length::

    python benchmarks/prompt_quality.py ../shared/data [--fit pipeline/prompts/scoring/criteria_weights.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from language_sets import half, sets
from scipy.optimize import minimize

from classifiers.evaluate import Interval, roc_auc
from pipeline.prompts.cleaning.words import word_count
from pipeline.prompts.scoring.criteria import (
    CRITERIA,
    CriteriaWeights,
    criterion_scores,
    prompt_criteria,
)
from pipeline.prompts.scoring.prompt_signals import SIGNALS, prompt_signals

HIGH = "arenahard"
# Prompts that nobody selected for difficulty, and commands to voice assistants.
FITTED = ("koala180", "oasst_prompts", "dolly_3k", "clinc150")
# tulu_eval is vicuna80 and selfinstruct252 over again.
UNSEEN = (
    "vicuna80",
    "selfinstruct_seed",
    "selfinstruct252",
    "hwu64",
    "banking77",
    "snips",
)
MOST = 3000  # prompts of a set
BANDS = ((0, 10), (10, 20), (20, 40), (40, 80), (80, 160), (160, 10**9))  # words
RIDGE, LEAST = 3.0, 0.5

Floats = npt.NDArray[np.float64]


class Half:
    """One half of the prompts of a set, measured."""

    def __init__(self, texts: Sequence[str]):
        self.texts = texts
        self.words = np.array([word_count(text) for text in texts], np.float64)
        found = [prompt_signals(text) for text in texts]
        self.signals = np.array([[one[name] for name in SIGNALS] for one in found])
        scored = [criterion_scores(one) for one in found]
        self.criteria = np.array([[one[name] for name in CRITERIA] for one in scored])


def halves(texts: Sequence[str]) -> tuple[Half, Half]:
    """Texts to choose by, and texts to report."""
    chosen = list(dict.fromkeys(texts))[: 2 * MOST]
    return tuple(Half([t for t in chosen if half(t) == side][:MOST]) for side in (0, 1))  # type: ignore[return-value]


def band(words: Floats) -> npt.NDArray[np.int64]:
    """The number of each text's band of length."""
    return np.searchsorted([low for low, _ in BANDS[1:]], words, side="right")


def fit(
    features: Floats, positive: npt.NDArray[np.bool_], weight: Floats, *, held: bool = True
) -> tuple[float, Floats]:
    """A ridge-penalised logistic regression, weights of texts given.

    Args:
        held: pull the weights towards equal ones, 1 each, and hold each at `LEAST` or above: a prompt
            that meets a criterion is never worse for it. False fits freely, towards 0.
    """
    centre, ridge = (1.0, RIDGE) if held else (0.0, 1.0)

    def loss(beta: Floats) -> tuple[float, Floats]:
        logit = beta[0] + features @ beta[1:]
        wrong = weight * np.logaddexp(0.0, np.where(positive, -logit, logit))
        away = beta[1:] - centre
        slope = weight * (1.0 / (1.0 + np.exp(-logit)) - positive)
        gradient = np.r_[slope.sum(), features.T @ slope + ridge * away]
        return float(wrong.sum() + ridge / 2 * (away**2).sum()), gradient

    bounds = [(None, None), *[(LEAST if held else None, None)] * features.shape[1]]
    start = np.zeros(features.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), found.x[1:]


def evened(words: Sequence[Floats], sizes: Sequence[int]) -> Floats:
    """Weights that give both sides the same mass in every band, and every set of a side the same.

    Of texts of equal length as many are then good as not, so that length alone tells nothing.
    """
    bands = [band(one) for one in words]
    weights = [np.zeros(size) for size in sizes]
    for number in range(len(BANDS)):
        at = [one == number for one in bands]
        low = [index for index in range(1, len(at)) if at[index].any()]
        if not at[0].any() or not low:
            continue
        mass = float(at[0].sum())
        weights[0][at[0]] = 1.0
        for index in low:
            weights[index][at[index]] = mass / len(low) / at[index].sum()
    return np.concatenate(weights)


def area(high: Floats, low: Floats) -> Interval:
    """How often a high prompt scores above a low one."""
    scores = np.r_[high, low]
    return roc_auc(scores, np.r_[np.ones(len(high), bool), np.zeros(len(low), bool)])


def auc(high: Floats, low: Floats) -> float:
    """`area` without its interval."""
    return area(high, low).value


def interval(high: Floats, low: Floats) -> str:
    """The ends of `area`'s interval."""
    found = area(high, low)
    return f"{found.low:.2f}-{found.high:.2f}"


def within(high: Half, low: Half, scores: Callable[[Half], Floats]) -> list[str]:
    """The AUC in each band of length that has ten prompts on both sides."""
    cells = []
    for number in range(len(BANDS)):
        first, second = band(high.words) == number, band(low.words) == number
        few = min(first.sum(), second.sum()) < 10
        cells.append("–" if few else f"{auc(scores(high)[first], scores(low)[second]):.2f}")
    return cells


def joined(parts: Sequence[Half]) -> Half:
    """Several sets as one."""
    whole = Half(())
    whole.texts = [text for part in parts for text in part.texts]
    whole.words = np.concatenate([part.words for part in parts])
    whole.signals = np.concatenate([part.signals for part in parts])
    whole.criteria = np.concatenate([part.criteria for part in parts])
    return whole


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--fit", type=Path, help="write the fitted weights to this file")
    given = arguments.parse_args()
    texts = {name: [text.text for text in found] for name, found in sets(given.data).items()}
    parts = {name: halves(texts[name]) for name in (HIGH, *FITTED, *UNSEEN)}
    train = [parts[name][0] for name in (HIGH, *FITTED)]
    test = {name: parts[name][1] for name in (HIGH, *FITTED)}
    test |= {name: joined(parts[name]) for name in UNSEEN}
    high = test[HIGH]
    positive = np.concatenate([np.full(len(one.texts), one is train[0]) for one in train])
    weight = evened([one.words for one in train], [len(one.texts) for one in train])
    bias, weights = fit(np.concatenate([one.criteria for one in train]), positive, weight)
    scores_of = np.concatenate([one.criteria for one in train])
    _, free_weights = fit(scores_of, positive, weight, held=False)
    signals_of = np.concatenate([one.signals for one in train])
    _, all_weights = fit(signals_of, positive, weight, held=False)
    by_name = {name: round(float(w), 3) for name, w in zip(CRITERIA, weights, strict=True)}
    model = CriteriaWeights(round(bias, 3), by_name)
    if given.fit:
        _write(given.fit, model, test, len(positive))
    methods: Mapping[str, Callable[[Half], Floats]] = {
        "length alone": lambda one: one.words,
        "mean of the criteria": lambda one: one.criteria.mean(axis=1),
        "quality (held regression)": lambda one: one.criteria @ weights,
        "free regression, criteria": lambda one: one.criteria @ free_weights,
        "free regression, all signals": lambda one: one.signals @ all_weights,
    }
    print(f"{len(positive):,} prompts to fit on; weights {model.bias} {by_name}")
    if not given.fit:
        shipped = prompt_criteria(high.texts[0]).quality
        print(f"shipped weights agree: {abs(shipped - quality(model, high.texts[0])) < 1e-9}")
    low = [test[name] for name in FITTED]
    print("\nAUC of arenahard against       " + " ".join(f"{n:>13.13}" for n in (*FITTED, *UNSEEN)))
    for name, scores in methods.items():
        cells = [f"{auc(scores(high), scores(test[n])):13.3f}" for n in (*FITTED, *UNSEEN)]
        print(f"{name:30.30} " + " ".join(cells))
        if name.startswith("quality"):
            spans = [interval(scores(high), scores(test[n])) for n in (*FITTED, *UNSEEN)]
            print(f"{'  its 95 % interval':30} " + " ".join(f"{span:>13}" for span in spans))
    for index, name in enumerate(CRITERIA):
        cells = [
            f"{auc(high.criteria[:, index], test[n].criteria[:, index]):13.3f}"
            for n in (*FITTED, *UNSEEN)
        ]
        print(f"  {name:28.28} " + " ".join(cells))
    print("\nAUC within bands of words      " + " ".join(f"{a:>6}+" for a, _ in BANDS))
    prompts = joined([test[name] for name in ("koala180", "oasst_prompts", "dolly_3k")])
    everything = joined([*low, *(test[name] for name in UNSEEN)])
    for title, other in (
        ("koala, oasst, dolly", prompts),
        ("all ten others", everything),
    ):
        print(title)
        for name, scores in methods.items():
            print(f"  {name:28.28} " + " ".join(f"{c:>7}" for c in within(high, other, scores)))
    print("\nset                     prompts  words (median)  quality: mean   10 %  median   90 %")
    for name, one in test.items():
        found = np.array([prompt_criteria(text).quality for text in one.texts])
        quantiles = " ".join(f"{q:7.2f}" for q in np.quantile(found, (0.1, 0.5, 0.9)))
        middle = statistics.median(one.words)
        star = "*" if name in (HIGH, *FITTED) else " "
        print(f"{name + star:22} {len(found):8,} {middle:12.0f} {found.mean():18.2f} {quantiles}")
    rank = (
        np.argsort(np.argsort(everything.words)),
        np.argsort(np.argsort(everything.criteria @ weights)),
    )
    print(f"\nrank correlation of quality with length, other sets: {np.corrcoef(*rank)[0, 1]:.2f}")


def quality(model: CriteriaWeights, text: str) -> float:
    """The quality of one text by given weights."""
    return prompt_criteria(text, model).quality


def _write(path: Path, model: CriteriaWeights, test: Mapping[str, Half], count: int) -> None:
    data = {
        "bias": model.bias,
        "weights": dict(model.weights),
        "fitted_on": f"{count:,} prompts: halves of {HIGH} (good) and of {', '.join(FITTED)}",
        "made_by": "benchmarks/prompt_quality.py",
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

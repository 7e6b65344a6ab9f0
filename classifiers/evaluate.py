"""How good scores are: ranking, calibration and errors at a threshold, each with its interval.

Arrays of scores and truths in, plain results out; nothing here knows a model or a file.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Bin",
    "Evaluation",
    "Interval",
    "Operating",
    "average_precision",
    "evaluate",
    "length_slice",
    "operating",
    "proportion",
    "reliability",
    "roc_auc",
    "wilson",
]

Scores = npt.NDArray[np.floating[Any]]
Truths = npt.NDArray[np.bool_]

NORMAL_95 = 1.959963984540054  # standard deviations on either side that hold 95 %
BINS = 10
POINTS = 100
# Slices by characters: a query, a message, a paragraph, a page, a long page.
LENGTHS = ((50, "under 50"), (200, "50 to 199"), (1000, "200 to 999"), (5000, "1,000 to 4,999"))
# The most frequent values of a slice get a row of their own, if they have texts enough to say something.
SLICE_VALUES, SLICE_TEXTS = 30, 20


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """A measured quantity with its 95 % confidence interval.

    Args:
        value: what was measured; NaN where there was nothing to measure it on.
        low, high: the interval's ends.
        n: how many texts it rests on.
    """

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        return {
            name: None if isinstance(value, float) and math.isnan(value) else _rounded(value)
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Interval:
        value, low, high = (
            math.nan if data[name] is None else float(data[name])
            for name in ("value", "low", "high")
        )
        return cls(value, low, high, int(data["n"]))

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "·"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclasses.dataclass(frozen=True, slots=True)
class Operating:
    """What a threshold does: texts that score at or above it are taken for positive.

    Args:
        threshold: in [0, 1].
        precision, recall, false_positive_rate, share: each over the texts it is defined on;
            ``share`` is that of all texts that are taken for positive.
    """

    threshold: float
    precision: Interval
    recall: Interval
    false_positive_rate: Interval
    share: Interval

    def to_json(self) -> dict[str, Any]:
        measured = {name: getattr(self, name).to_json() for name in self.__slots__[1:]}
        return {"threshold": _rounded(self.threshold), **measured}


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """Texts of about one score: the mean of their scores, and the share of them that is positive."""

    score: float
    positive: Interval


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores held against the truth.

    Args:
        texts, positives: how many.
        auc: area under the ROC curve: how often a positive text scores above a negative one.
        average_precision: area under the precision-recall curve, in steps.
        log_loss, brier: mean over texts; smaller is better.
        calibration_error: mean distance of score and share of positives, over ten bins by score.
        reliability: those bins.
        curve: (threshold, precision, recall) from high thresholds to low ones.
        at: what the threshold in use does; None without one.
        slices: by slice and value, the same for parts of the texts, without curves.
    """

    texts: int
    positives: int
    auc: Interval
    average_precision: float
    log_loss: float
    brier: float
    calibration_error: float
    reliability: tuple[Bin, ...]
    curve: tuple[tuple[float, float, float], ...]
    at: Operating | None = None
    slices: tuple[tuple[str, str, Slice], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, rounded to six digits, for a card."""
        numbers = ("average_precision", "log_loss", "brier", "calibration_error")
        return {
            "texts": self.texts,
            "positives": self.positives,
            "auc": self.auc.to_json(),
            **{name: _rounded(getattr(self, name)) for name in numbers},
            "at": self.at.to_json() if self.at else None,
            "reliability": [
                {"score": _rounded(one.score), "positive": one.positive.to_json()}
                for one in self.reliability
            ],
            "curve": [[_rounded(value) for value in point] for point in self.curve],
            "slices": [
                {"slice": name, "value": value, **part.to_json()}
                for name, value, part in self.slices
            ],
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """A part of the texts: how well it is ranked, and what the threshold does to it."""

    texts: int
    positives: int
    auc: Interval
    recall: Interval
    false_positive_rate: Interval

    def to_json(self) -> dict[str, Any]:
        measured = ("auc", "recall", "false_positive_rate")
        return {
            "texts": self.texts,
            "positives": self.positives,
            **{name: getattr(self, name).to_json() for name in measured},
        }


def evaluate(
    scores: Scores,
    positive: Truths,
    *,
    threshold: float | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> Evaluation:
    """Hold scores against the truth.

    Args:
        scores: ``[n]``, probability of being positive.
        positive: ``bool[n]``, whether they are.
        threshold: the one in use, for errors at it.
        slices: by name, the value that each text has.
    """
    scores = np.asarray(scores, np.float64)
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    bins = reliability(scores, positive)
    weight = [one.positive.n / max(len(scores), 1) for one in bins]
    off = [abs(one.score - one.positive.value) for one in bins]
    losses = np.where(positive, -np.log(clipped), -np.log1p(-clipped))
    return Evaluation(
        texts=len(scores),
        positives=int(positive.sum()),
        auc=roc_auc(scores, positive),
        average_precision=average_precision(scores, positive),
        log_loss=float(losses.mean()) if len(scores) else math.nan,
        brier=float(((scores - positive) ** 2).mean()) if len(scores) else math.nan,
        calibration_error=float(np.dot(weight, off)) if bins else math.nan,
        reliability=bins,
        curve=_curve(scores, positive),
        at=None if threshold is None else operating(scores, positive, threshold),
        slices=tuple(_slices(scores, positive, threshold, slices or {})),
    )


def operating(scores: Scores, positive: Truths, threshold: float) -> Operating:
    """What ``threshold`` does to these texts."""
    # In the threshold's own precision: as float32, it may be one of the scores beside it.
    taken = np.asarray(scores, np.float64) >= threshold
    hits = int((taken & positive).sum())
    return Operating(
        threshold=float(threshold),
        precision=proportion(hits, int(taken.sum())),
        recall=proportion(hits, int(positive.sum())),
        false_positive_rate=proportion(int((taken & ~positive).sum()), int((~positive).sum())),
        share=proportion(int(taken.sum()), len(scores)),
    )


def proportion(count: int, n: int) -> Interval:
    """``count`` of ``n`` with Wilson's interval (Wilson 1927), NaN of 0 texts."""
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    low, high = wilson(np.array([count]), np.array([n]))
    return Interval(count / n, float(low[0]), float(high[0]), n)


def wilson(counts: Any, of: Any) -> tuple[Scores, Scores]:
    """Both ends of Wilson's 95 % interval for each ``counts[i]`` of ``of[i]`` > 0."""
    share, z = counts / of, NORMAL_95
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low = np.where(counts == 0, 0.0, middle - half)
    return low, np.where(counts == of, 1.0, middle + half)


def roc_auc(scores: Scores, positive: Truths) -> Interval:
    """Area under the ROC curve with DeLong's interval (DeLong et al. 1988; ties count half).

    Where nothing varies DeLong's has no width; then it is Wilson's, over the rarer kind of text.
    """
    from scipy.stats import rankdata

    high, low = np.asarray(scores)[positive], np.asarray(scores)[~positive]
    m, n = len(high), len(low)
    if not m or not n:
        return Interval(math.nan, math.nan, math.nan, m + n)
    ranks = rankdata(np.concatenate([high, low]))
    # The share of the other kind below each text: DeLong's components, by Sun and Xu (2014).
    above = (ranks[:m] - rankdata(high)) / n
    below = 1.0 - (ranks[m:] - rankdata(low)) / m
    area = float(above.mean())
    variance = sum(np.var(part, ddof=1) / len(part) for part in (above, below) if len(part) > 1)
    if not variance:  # all pairs alike, or one text of a kind: as sure as so many texts can make it
        least = min(m, n)
        low, high = wilson(np.array([round(area * least)]), np.array([least]))
        return Interval(area, min(area, float(low[0])), max(area, float(high[0])), m + n)
    half = NORMAL_95 * math.sqrt(variance)
    return Interval(area, max(0.0, area - half), min(1.0, area + half), m + n)


def average_precision(scores: Scores, positive: Truths) -> float:
    """Precision at each positive text, averaged; texts of one score count as one step."""
    _, hits, taken = _steps(scores, positive)
    if not len(hits) or not hits[-1]:
        return math.nan
    gained = np.diff(hits, prepend=0) / hits[-1]
    return float(np.dot(gained, hits / taken))


def reliability(scores: Scores, positive: Truths, bins: int = BINS) -> tuple[Bin, ...]:
    """Texts by score in ``bins`` of equal width, empty ones left out."""
    place = np.minimum((np.asarray(scores) * bins).astype(np.int64), bins - 1)
    return tuple(
        Bin(float(scores[here].mean()), proportion(int(positive[here].sum()), int(here.sum())))
        for here in (place == number for number in range(bins))
        if here.any()
    )


def length_slice(texts: Iterable[str]) -> list[str]:
    """The slice of each text by its characters."""
    last = f"{LENGTHS[-1][0]:,} and more"
    return [next((name for end, name in LENGTHS if len(text) < end), last) for text in texts]


def _steps(
    scores: Scores, positive: Truths
) -> tuple[Scores, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distinct scores, high to low, and how many positives and texts score at or above each."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    ranked = np.asarray(scores)[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)[: len(ranked)]
    hits = np.cumsum(positive[order])[last]
    return ranked[last], hits, last + 1


def _curve(scores: Scores, positive: Truths) -> tuple[tuple[float, float, float], ...]:
    """At most `POINTS` points of the precision-recall curve, about evenly spaced in recall."""
    thresholds, hits, taken = _steps(scores, positive)
    if not len(hits) or not hits[-1]:
        return ()
    recall = hits / hits[-1]
    wanted = np.searchsorted(recall, np.linspace(0, 1, POINTS - 1))
    chosen = sorted({*np.minimum(wanted, len(recall) - 1).tolist(), len(recall) - 1})
    return tuple(
        (float(thresholds[at]), float(hits[at] / taken[at]), float(recall[at])) for at in chosen
    )


def _slices(
    scores: Scores,
    positive: Truths,
    threshold: float | None,
    slices: Mapping[str, Sequence[str]],
) -> Iterable[tuple[str, str, Slice]]:
    for name, values in slices.items():
        column = np.asarray(values, object)
        order = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
        for kind, count in order[:SLICE_VALUES]:
            if count < SLICE_TEXTS:
                break
            here = column == kind
            nothing = proportion(0, 0)
            at = None if threshold is None else operating(scores[here], positive[here], threshold)
            yield name, kind, Slice(
                texts=int(count),
                positives=int(positive[here].sum()),
                auc=roc_auc(scores[here], positive[here]),
                recall=at.recall if at else nothing,
                false_positive_rate=at.false_positive_rate if at else nothing,
            )  # fmt: skip


def _rounded(value: float) -> float | None:
    """Six digits: what a card shows is the same on every machine."""
    if isinstance(value, int):
        return value
    return None if math.isnan(value) else float(f"{value:.6g}")

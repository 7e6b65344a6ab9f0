"""What the leak did to the score: clean against contaminated items, and what may be claimed of it.

Scores and probabilities in, figures out; nothing here reads a file or decides what a leak is.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from audits.findings import Finding
from audits.items import Item
from audits.outcome.files import leaked_probabilities
from audits.outcome.results import Results
from classifiers.evaluate import Interval, wilson
from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable

__all__ = ["FEW", "THRESHOLDS", "Impact", "Part", "Verdict", "headline", "impact"]

Key = tuple[str, str]  # benchmark and item
_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]

THRESHOLDS = (0.5, 0.7, 0.9, 0.95)
FEW = 20  # items of a group, below which nothing is said of a difference
SURE = 0.05
ENDS = (2.5, 97.5)  # percentiles
DISTINCT = 64  # different scores up to which counts are drawn, not items
DRAWN = 4 << 20  # numbers drawn at a time
SAME = 1e-9  # differences of means closer than this are equal


class Verdict(enum.StrEnum):
    """What may be said of the difference between contaminated and clean items."""

    HIGHER = "higher"  # contaminated items score higher; the leak is one reason why they may
    LOWER = "lower"
    NOT_SHOWN = "not-shown"  # may be chance: neither an effect nor its absence
    TOO_FEW = "too-few"
    NONE_CONTAMINATED = "none-contaminated"
    NONE_CLEAN = "none-clean"


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Scores of a benchmark, or of one of its subjects, at one threshold.

    Args:
        benchmark: its name.
        subject: empty for the whole benchmark.
        threshold: an item is contaminated if its probability is at or above it; None where the
            audit's own verdicts count, each benchmark at its own threshold.
        overall: mean score of all scored items, in [0, 1], ``n`` of them.
        clean: of those that were checked and not found.
        contaminated: of those that were found.
        unchecked: of those that could not be checked and were not found; in neither group above.
        difference: contaminated minus clean; ``n`` is the items of both.
        p_value: of a two-sided permutation test of the difference; NaN without one of the groups.
            It is not corrected for the number of subjects looked at.
    """

    benchmark: str
    subject: str
    threshold: float | None
    overall: Interval
    clean: Interval
    contaminated: Interval
    unchecked: Interval
    difference: Interval
    p_value: float

    @property
    def verdict(self) -> Verdict:
        if not self.contaminated.n:
            return Verdict.NONE_CONTAMINATED
        if not self.clean.n:
            return Verdict.NONE_CLEAN
        if min(self.contaminated.n, self.clean.n) < FEW:
            return Verdict.TOO_FEW
        if self.difference.low <= 0 <= self.difference.high or self.p_value > SURE:
            return Verdict.NOT_SHOWN
        return Verdict.HIGHER if self.difference.value > 0 else Verdict.LOWER

    def to_json(self) -> dict[str, Any]:
        measured = ("overall", "clean", "contaminated", "unchecked", "difference")
        return {
            "benchmark": self.benchmark,
            "subject": self.subject,
            "threshold": self.threshold,
            **{name: getattr(self, name).to_json() for name in measured},
            "p_value": None if math.isnan(self.p_value) else float(f"{self.p_value:.6g}"),
            "verdict": self.verdict.value,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Impact:
    """Scores of a model, held against what was found of the items.

    Args:
        parts: by benchmark, then the whole before its subjects, then by threshold, the audit's own
            verdicts first.
        without_result: by benchmark, items that have no score; they are in no figure.
        seed, resamples: of bootstrap and permutations.
    """

    parts: tuple[Part, ...]
    without_result: dict[str, int]
    seed: int
    resamples: int

    def main(self) -> list[Part]:
        """The part that each benchmark's headline rests on: all of it, at the first threshold."""
        first = {one.benchmark: one for one in reversed(self.parts) if not one.subject}
        return [first[name] for name in self.without_result if name in first]

    def to_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "resamples": self.resamples,
            "without_result": self.without_result,
            "headline": headline(self).split("\n"),
            "parts": [one.to_json() for one in self.parts],
        }


def impact(
    results: Results,
    leaks: Sequence[Finding] | Mapping[Key, float],
    items: Sequence[Item],
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    unchecked: Collection[Key] = frozenset(),
    seed: int = 0,
    resamples: int = 2000,
) -> Impact:
    """Compare scores on contaminated and on clean items.

    A difference is no proof of its cause. Which items leak is no accident: what is copied around
    is often what is easy or famous, so that contaminated items may be easier, and a model that
    never saw them would do better on them, too. Pooled subjects can turn a difference round
    (Simpson 1951): look at the subjects, and at a model trained without the corpus.

    Intervals are percentiles of the bootstrap (Efron 1979) over items. Where all scores of a group
    are equal, resampling cannot vary; the group's interval is Wilson's then, and that of the
    difference is put together from those of both groups (Zou and Donner 2008). The p-value is
    (k + 1) / (resamples + 1), with k permutations that differ at least as much (Phipson and Smyth
    2010).

    Args:
        results: of the model.
        leaks: findings, of which every item's highest probability of a leaking kind counts; or
            that probability by benchmark and item.
        items: that were audited.
        thresholds: of probability, in [0, 1]. With findings, the audit's own verdicts come first.
        unchecked: benchmark and item of those that no method could check.
        seed: of the draws; equal arguments give equal figures, and those of a benchmark do not
            depend on which others there are.
        resamples: of each kind.

    Raises:
        ConfigError: a threshold outside [0, 1], none at all, fewer than 100 resamples, or a result,
            a leak or ``unchecked`` of an item that is not among ``items``.
    """
    levels, probabilities, decided = _levels(leaks, thresholds)
    if resamples < 100:
        raise ConfigError(f"{resamples} resamples say nothing; take 100 or more, such as 2000")
    subjects = {
        (item.benchmark, item.id): item.subject
        or results.subjects.get((item.benchmark, item.id), "")
        for item in items
    }
    for what, given in (
        ("a result", results.scores),
        ("a leak", probabilities),
        ("coverage", unchecked),
    ):
        _check(what, given, subjects)
    keys: dict[str, list[Key]] = defaultdict(list)
    without = {item.benchmark: 0 for item in items}
    for key in subjects:
        if key in results.scores:
            keys[key[0]].append(key)
        else:
            without[key[0]] += 1
    parts: list[Part] = []
    for benchmark, scored in keys.items():
        scores = np.array([results.scores[key] for key in scored], np.float64)
        probability = np.array([probabilities.get(key, -1.0) for key in scored], np.float64)
        verdict = np.array([key in decided for key in scored])
        blind = np.array([key in unchecked for key in scored])
        labels = np.array([subjects[key] for key in scored], object)
        names = sorted(set(labels.tolist()) - {""})
        for subject in ("", *names):
            here = labels == subject if subject else np.ones(len(scored), bool)
            for level in levels:
                found = verdict if level is None else probability >= level
                parts.append(
                    _part(
                        (benchmark, subject, level), scores[here], found[here], blind[here],
                        seed, resamples,
                    )
                )  # fmt: skip
    return Impact(tuple(parts), without, seed, resamples)


def _check(what: str, given: Iterable[Key], known: Collection[Key]) -> None:
    strange = next((key for key in given if key not in known), None)
    if strange is not None:
        raise ConfigError(
            f"there is {what} of {printable(strange[0])} item {printable(strange[1])!r}, which was "
            "not audited; audit and results must be of the same benchmarks"
        )


def _levels(
    leaks: Sequence[Finding] | Mapping[Key, float], thresholds: Sequence[float]
) -> tuple[tuple[float | None, ...], Mapping[Key, float], Collection[Key]]:
    """Levels of contamination, probabilities by item, and the items that the audit decided on."""
    wrong = next((value for value in thresholds if not 0 <= value <= 1), None)
    if wrong is not None:
        raise ConfigError(f"threshold {wrong}: probabilities are from 0 to 1")
    if not isinstance(leaks, Mapping):
        decided = {(one.benchmark, one.item) for one in leaks if one.leak}
        return (None, *thresholds), leaked_probabilities(leaks), decided
    if not thresholds:
        raise ConfigError("probabilities need a threshold from which an item is contaminated")
    return tuple(thresholds), leaks, ()


def _part(
    name: tuple[str, str, float | None],
    scores: _Floats,
    found: _Bools,
    blind: _Bools,
    seed: int,
    resamples: int,
) -> Part:
    # Of the names, not of the order: what else is audited changes no figure.
    label = zlib.crc32("\0".join(name[:2]).encode("utf-8", "surrogatepass"))
    draw = np.random.default_rng([seed, label])
    groups = (scores, scores[~found & ~blind], scores[found], scores[~found & blind])
    overall, clean, contaminated, unchecked = (_mean(group, draw, resamples) for group in groups)
    return Part(
        *name,
        overall=overall[0],
        clean=clean[0],
        contaminated=contaminated[0],
        unchecked=unchecked[0],
        difference=_difference(contaminated, clean),
        p_value=_p_value(groups[2], groups[1], draw, resamples),
    )


def _mean(
    scores: _Floats, draw: np.random.Generator, resamples: int
) -> tuple[Interval, _Floats | None]:
    """Mean with its interval, and the means of resamples; None where they cannot vary."""
    n = len(scores)
    if not n:
        return Interval(math.nan, math.nan, math.nan, 0), None
    mean = float(scores.mean())
    values, counts = np.unique(scores, return_counts=True)
    if len(values) == 1:
        low, high = wilson(np.array([mean * n]), np.array([n]))
        return Interval(mean, min(mean, float(low[0])), max(mean, float(high[0])), n), None
    if len(values) <= DISTINCT:
        # How often each value is drawn is all that a resample's mean depends on.
        means = draw.multinomial(n, counts / n, resamples) @ values / n
    else:
        sizes = _chunks(n, resamples)
        means = np.concatenate(
            [scores[draw.integers(0, n, (size, n))].mean(axis=1) for size in sizes]
        )
    low, high = np.percentile(means, ENDS)
    return Interval(mean, min(mean, float(low)), max(mean, float(high)), n), means


def _difference(
    one: tuple[Interval, _Floats | None], other: tuple[Interval, _Floats | None]
) -> Interval:
    (a, a_means), (b, b_means) = one, other
    n = a.n + b.n
    if not a.n or not b.n:
        return Interval(math.nan, math.nan, math.nan, n)
    value = a.value - b.value
    if a_means is None or b_means is None:
        low = value - math.hypot(a.value - a.low, b.high - b.value)
        high = value + math.hypot(a.high - a.value, b.value - b.low)
    else:
        low, high = np.percentile(a_means - b_means, ENDS).tolist()
    return Interval(value, min(value, low), max(value, high), n)


def _p_value(one: _Floats, other: _Floats, draw: np.random.Generator, resamples: int) -> float:
    m, n = len(one), len(other)
    if not m or not n:
        return math.nan
    pooled = np.concatenate([one, other])
    values, counts = np.unique(pooled, return_counts=True)
    total, least = float(pooled.sum()), abs(float(one.mean() - other.mean())) - SAME
    method: Literal["marginals", "count"] = "marginals" if len(values) <= DISTINCT else "count"
    beyond = 0
    for size in _chunks(len(values), resamples):
        # A permutation deals m of all scores to one side; which items they are of is no matter.
        dealt = draw.multivariate_hypergeometric(counts, m, size, method=method) @ values
        beyond += int((np.abs(dealt / m - (total - dealt) / n) >= least).sum())
    return (beyond + 1) / (resamples + 1)


def _chunks(width: int, resamples: int) -> Iterator[int]:
    """Sizes that add up to ``resamples``; rows of ``width`` numbers keep within `DRAWN` at a time."""
    most = max(1, DRAWN // width)
    for done in range(0, resamples, most):
        yield min(most, resamples - done)


# --- words -----------------------------------------------------------------------------------


def headline(found: Impact) -> str:
    """What may be claimed of each benchmark, and what may not: a line each."""
    lines = [_line(one, found.without_result[one.benchmark]) for one in found.main()]
    return "\n".join(lines) or "No item has a result; nothing may be claimed."


def _line(one: Part, without: int) -> str:
    score = f"{printable(one.benchmark)}: {_percent(one.overall.value)} overall"
    if one.clean.n and one.contaminated.n:
        share = _share(one.clean.n, one.overall.n)
        score += f"; {_percent(one.clean.value)} {_ends(one.clean)} on the clean {share}"
    said = [score, _claim(one)]
    if one.unchecked.n:
        said.append(
            f"{_share(one.unchecked.n, one.overall.n)} of the items ({one.unchecked.n:,}) could "
            "not be checked and are in neither group"
        )
    if without:
        said.append(f"{without:,} items have no result and are in no figure")
    return ". ".join(said) + "."


def _claim(one: Part) -> str:
    difference, checked = one.difference, one.clean.n + one.contaminated.n
    measured = f"{_points(difference.value)} points {_ends(difference)} (p = {one.p_value:.2g})"
    match one.verdict:
        case Verdict.NONE_CONTAMINATED:
            return (
                f"None of {checked:,} checked items was found, so nothing may be claimed of a leak; "
                "a leak in another corpus stays possible"
            )
        case Verdict.NONE_CLEAN:
            return (
                f"All {checked:,} checked items are contaminated: there is no clean score, and "
                "nothing may be claimed of the leak's effect"
            )
        case Verdict.TOO_FEW:
            return (
                f"Of {checked:,} checked items {one.contaminated.n:,} are contaminated and "
                f"{one.clean.n:,} clean; with fewer than {FEW} in a group nothing may be claimed of "
                "the difference"
            )
        case Verdict.NOT_SHOWN:
            return (
                f"No difference is shown: {measured} on {one.contaminated.n:,} contaminated items "
                "may be chance; neither an effect of the leak may be claimed nor that it has none"
            )
        case Verdict.LOWER:
            return (
                f"The {one.contaminated.n:,} contaminated items score lower: {measured}; no gain "
                "from the leak may be claimed"
            )
    return (
        f"The {one.contaminated.n:,} contaminated items score higher: {measured}; that all of it "
        "comes from the leak may not be claimed: what leaks may be easier"
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _points(value: float) -> str:
    return f"{100 * value:.1f}".replace("-", "−")


def _ends(interval: Interval) -> str:
    return f"[{_points(interval.low)}, {_points(interval.high)}]"


def _share(count: int, of: int) -> str:
    """Whole percents, never 0 of something nor 100 of less than all."""
    percent = 100 * count / of
    if 0 < percent < 1:
        return "<1 %"
    return ">99 %" if 99 < percent < 100 else f"{percent:.0f} %"

"""From a target to a threshold: precision, recall, share kept, or false positives on clean text.

A recipe names the target; the number is found here, on labelled texts, and lives in the model's card.
"""

from __future__ import annotations

import dataclasses
import decimal
import re
from typing import Any, Literal

import numpy as np

from classifiers.evaluate import Interval, Scores, Truths, proportion, wilson
from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest

__all__ = ["KINDS", "Target", "Threshold", "share_of", "threshold_for"]

Kind = Literal["precision", "recall", "share", "false_positive_rate"]
KINDS: tuple[Kind, ...] = ("precision", "recall", "share", "false_positive_rate")
_SHORT = {"fpr": "false_positive_rate", "top": "share"}


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What a threshold is to reach.

    Args:
        kind: ``precision`` or ``recall``, at least; ``share`` of all texts taken for positive, or
            ``false_positive_rate``, the share of clean texts taken for positive, at most.
        value: above 0 and below 1, or 1 for precision and recall.
    """

    kind: Kind
    value: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """``"precision=0.9"``, ``"share=10%"``, ``"fpr=0.01"``.

        Raises:
            ConfigError: it is none.
        """
        name, equals, number = (part.strip() for part in text.partition("="))
        kind = _SHORT.get(name, name)
        if not equals:
            raise ConfigError(f"the target {text!r} is not KIND=VALUE, such as precision=0.9")
        if kind not in KINDS:
            known = ", ".join(KINDS)
            raise ConfigError(f"no target is called {name!r}{nearest(kind, KINDS)} ({known})")
        value = share_of(number)
        if value is None or not 0 < value <= 1 or (value == 1 and kind not in KINDS[:2]):
            raise ConfigError(
                f"the target {text!r}: its value must lie between 0 and 1, written as 0.01 or 1%"
            )
        return cls(kind, value)

    def __str__(self) -> str:
        # Never 1e-05, which `parse` does not read: a card's targets are parsed again.
        return f"{self.kind}={np.format_float_positional(self.value, trim='-')}"


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold, the target it is for, and what it was found on.

    Args:
        target: as `Target` writes it.
        threshold: texts that score at or above it are taken for positive.
        measured: the target's quantity at it, on the texts it was found on, and how many of them
            it rests on.
        sure: the interval's end, not the measured value, reaches the target.
        data: what it was found on, in a few words.
    """

    target: str
    threshold: float
    measured: Interval
    sure: bool
    data: str

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "threshold": self.threshold,
            "measured": self.measured.to_json(),
            "sure": self.sure,
            "data": self.data,
        }


def share_of(text: str) -> float | None:
    """The number in ``"0.1"`` or ``"10%"``; None if it is neither."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)", text.strip())
    if not match:
        return None
    # Decimal: 0.7 / 100 is 0.006999999999999999.
    return float(decimal.Decimal(match[1]) / 100) if match[2] else float(match[1])


def threshold_for(
    target: Target, scores: Scores, positive: Truths | None, *, sure: bool = False, data: str = ""
) -> Threshold:
    """The threshold that reaches ``target`` on these texts and takes as many as it may.

    Args:
        target: what to reach.
        scores: ``[n]``.
        positive: ``bool[n]``; None where only a share is asked for.
        sure: let the 95 % interval reach the target, not only the measured value.
        data: what the texts are, for the card.

    Returns:
        The threshold, halfway between two scores that occur, so that nothing hangs on a last digit.

    Raises:
        ConfigError: there are no texts to measure the target on, or no threshold reaches it.
    """
    if positive is None:
        if target.kind != "share":
            raise ConfigError(f"{target} needs labelled texts; these have no labels")
        positive = np.ones(len(scores), bool)
    scores = np.asarray(scores, np.float64)
    wanted = {
        "precision": (scores, "texts"),
        "recall": (scores[positive], "positive texts"),
        "share": (scores, "texts"),
        "false_positive_rate": (scores[~positive], "negative texts"),
    }
    basis, name = wanted[target.kind]
    if not len(basis):
        raise ConfigError(f"{target} cannot be found: there are no {name}")
    if target.kind == "precision" and (positive.all() or not positive.any()):
        lacking = "negative" if positive.all() else "positive"
        raise ConfigError(
            f"{target} cannot be found: there are no {lacking} texts beside the others"
        )
    ranked = np.unique(scores)[::-1]
    nothing = max(1.0, float(np.nextafter(ranked[0], 2.0))) if len(ranked) else 1.0
    cuts = np.concatenate([[nothing], (ranked[:-1] + ranked[1:]) / 2, [0.0]])
    # From the highest cut, which takes nothing, to the lowest, which takes all.
    above = np.searchsorted(np.sort(-basis), -cuts, side="right")
    if target.kind == "precision":
        hits = np.searchsorted(np.sort(-scores[positive]), -cuts, side="right")
        counts, of = hits, above
    else:
        counts, of = above, np.full(len(cuts), len(basis))
    reached = _reached(target, counts, of, sure)
    reached[0] = False  # what takes no text at all is no threshold
    if not reached.any():
        raise ConfigError(_unreachable(target, counts[1:], of[1:], sure, name))
    at = _best(target, np.flatnonzero(reached), counts)
    return Threshold(
        target=str(target),
        threshold=float(cuts[at]),
        measured=proportion(int(counts[at]), int(of[at])),
        sure=sure,
        data=data,
    )


def _best(target: Target, reached: Any, counts: Any) -> int:
    """Of the cuts that reach the target, from high to low, the one to use."""
    if target.kind == "recall":  # grows as the cut falls
        return int(reached[0])
    if target.kind == "precision":  # no negative is let in that brings no positive along
        return int(reached[np.argmax(counts[reached])])
    return int(reached[-1])


def _reached(target: Target, counts: Any, of: Any, sure: bool) -> Any:
    """``bool[cuts]``: where the target is met."""
    at_least = target.kind in ("precision", "recall")
    reached = np.zeros(len(counts), bool)
    measurable = of > 0
    value = counts / np.maximum(of, 1)
    met = (value >= target.value) if at_least else (value <= target.value)
    reached[measurable] = met[measurable]
    if sure:
        low, high = wilson(counts[reached], of[reached])
        reached[reached] = low >= target.value if at_least else high <= target.value
    return reached


def _unreachable(target: Target, counts: Any, of: Any, sure: bool, name: str) -> str:
    measurable = of > 0
    share = counts[measurable] / of[measurable]
    if sure:
        return (
            f"{target} cannot be promised with {int(of.max())} {name}: no threshold has its whole "
            "95 % interval within it; bring more texts, or leave out --sure"
        )
    best = share.max() if target.kind in ("precision", "recall") else share.min()
    return f"{target} cannot be reached on these texts; the best threshold gives {best:.3f}"

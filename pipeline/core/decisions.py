"""Signals, bounds and verdicts: measuring and deciding are separate, and thresholds are data."""

from __future__ import annotations

import dataclasses
import math

__all__ = ["Bound", "Signal", "SignalValue", "Verdict"]

SignalValue = float | int | str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Signal:
    """Declaration of one measured quantity.

    Args:
        name: unique within its filter, such as ``word_count``.
        doc: what it is, in a few words, with its unit.
        minimum: smallest value it can take. A bound below it can never fire.
        maximum: largest value it can take. A bound above it can never fire.
        kind: ``"number"``, or ``"text"`` for labels, which are recorded and cannot be bounded.
    """

    name: str
    doc: str
    minimum: float = 0.0
    maximum: float = math.inf
    kind: str = "number"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One failing rule: why, with the number.

    Args:
        keep: False for every rule that fails; a passing rule leaves no verdict.
        reason: slug ``filter.signal.low`` or ``filter.signal.high``.
        value: what was measured.
        bound: the bound it crossed.
        detail: the value where it is not a number (a record type, a matched word), for a person.
    """

    keep: bool
    reason: str
    value: float | None
    bound: float | None
    detail: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Bound:
    """Inclusive limits of one signal: ``low <= value <= high`` passes.

    A signal that is ``None`` (not measurable on this text) or NaN passes: the rule that makes it
    unmeasurable, such as a word count of zero, is a rule of its own.
    """

    signal: str
    low: float | None = None
    high: float | None = None

    def check(self, family: str, value: SignalValue) -> Verdict | None:
        """The verdict if ``value`` is out of bounds, else None."""
        if value is None or isinstance(value, str):
            return None
        if self.low is not None and value < self.low:
            return Verdict(False, f"{family}.{self.signal}.low", float(value), self.low)
        if self.high is not None and value > self.high:
            return Verdict(False, f"{family}.{self.signal}.high", float(value), self.high)
        return None

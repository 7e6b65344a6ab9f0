"""Words and numbers of an audit: the page and the terminal say the same in the same form.

Measured shares come as JSON of `classifiers.evaluate.Interval`, with nulls where nothing was
measured; they leave as text, ``"2.4 % [1.7, 3.3]"``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from audits.benchmarks.coverage import Method, Reason
from audits.findings import Kind

__all__ = [
    "KINDS",
    "METHODS",
    "NOTHING",
    "checked",
    "ends",
    "kinds",
    "percent",
    "points",
    "probability",
    "reason",
    "share",
    "step",
    "unchecked",
]

NOTHING = "·"  # where there is nothing to measure

KINDS = {
    Kind.VERBATIM: "the item's own words, however wrapped, spelt or numbered",
    Kind.NEAR_VERBATIM: "its own words with a few changed, or its choices in another order",
    Kind.PARAPHRASE: "the same question in other words",
    Kind.TRANSLATION: "the same question in another language",
    Kind.ANSWER_EXPLAINED: "the answer and why it is right, without the question",
    Kind.ALTERED: "its wording with other numbers or conditions: another question",
    Kind.SAME_TOPIC: "another text about the same subject",
}
METHODS = {
    Method.LEXICAL: "by words",
    Method.SEMANTIC: "by meaning",
    Method.ANSWER: "by answer",
}
REASONS = {
    Reason.NO_TEXT: "no word in question or choices",
    Reason.TOO_SHORT: "too few words of its own",
    Reason.LANGUAGE: "a language that the encoder does not read",
    Reason.PUBLIC_PASSAGE: "little of its own beside a published passage",
    Reason.NO_ANSWER: "no answer that would tell it apart",
}


def percent(value: float) -> str:
    """One decimal, and no 0 % or 100 % that is only rounded to one."""
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    if 0 < value < 0.001:
        return "<0.1 %"
    return ">99.9 %" if 0.999 < value < 1 else f"{100 * value:.1f} %"


def share(measured: Mapping[str, Any] | None) -> str:
    """A share with its 95 % interval, to as many decimals as the interval's upper end needs."""
    if not measured or measured["value"] is None:
        return NOTHING
    found = ends(measured)
    places = _places(found)
    value = _hundred(float(measured["value"]), places)
    if found is None:
        return f"{value} %"
    return f"{value} % [{_hundred(found[0], places)}, {_hundred(found[1], places)}]"


def points(measured: Mapping[str, Any] | None) -> str:
    """A difference of shares in points of a hundred, signed, with its interval."""
    if not measured or measured["value"] is None:
        return NOTHING
    value, found = float(measured["value"]), ends(measured)
    said = ("+" if value > 0 else "") + _hundred(value, 1)
    return said if found is None else f"{said} [{_hundred(found[0], 1)}, {_hundred(found[1], 1)}]"


def ends(measured: Mapping[str, Any]) -> tuple[float, float] | None:
    """Lower and upper end of an interval; None where it has none."""
    low, high = measured.get("low"), measured.get("high")
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return float(low), float(high)


def _places(found: tuple[float, float] | None) -> int:
    if found is None or found[1] >= 0.02:
        return 1
    return 2 if found[1] >= 0.002 else 3


def _hundred(value: float, places: int) -> str:
    return f"{100 * value:.{places}f}".replace("-", "−")


def probability(value: float) -> str:
    """Two decimals, and no 0 or 1 that is only rounded to one."""
    if 0 < value < 0.005:
        return "<0.01"
    return ">0.99" if 0.995 <= value < 1 else f"{value:.2f}"


def step(value: float) -> float:
    """Equal for those probabilities, and only those, that are shown alike; ordered as they are."""
    shown = probability(value)
    return float(shown) if shown[0] not in "<>" else {"<": 0.001, ">": 0.999}[shown[0]]


def kinds(by_kind: Mapping[str, int]) -> str:
    """``"20 verbatim, 11 paraphrase"``, in the order given; without those that are none."""
    return ", ".join(f"{items:,} {kind}" for kind, items in by_kind.items() if items)


def reason(slug: str) -> str:
    """A reason of `audits.benchmarks.coverage.Reason` in words; another one as it is."""
    return REASONS[Reason(slug)] if slug in list(Reason) else slug.replace("_", " ")


def checked(coverage: Mapping[str, Any]) -> list[tuple[str, int, dict[str, int]]]:
    """What each method can check: its name in words, items, and items that it cannot, by reason.

    Args:
        coverage: by method a number of items, or `audits.benchmarks.coverage.Coverage.to_json`'s object of
            ``checked`` and ``not``.
    """
    found = []
    for method, name in METHODS.items():
        value = coverage[method.value]
        if isinstance(value, Mapping):
            found.append((name, int(value["checked"]), dict(value["not"])))
        else:
            found.append((name, int(value), {}))
    return found


def unchecked(one: Mapping[str, Any]) -> int:
    """Items of a benchmark of the manifest that no method can check."""
    return sum(one["coverage"]["unchecked"].values())

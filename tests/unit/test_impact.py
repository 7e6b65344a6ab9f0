"""The leak's effect on a score: figures against counting by hand and scipy, and what is claimed of them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import bootstrap

from audits.findings import Finding, Kind
from audits.items import Item
from audits.outcome.impact import FEW, Impact, Part, Verdict, headline, impact
from audits.outcome.results import Results
from classifiers.evaluate import proportion
from pipeline.core.errors import ConfigError

Key = tuple[str, str]


def items(n: int, benchmark: str = "gsm8k", subjects: int = 0) -> list[Item]:
    subject = [f"s{i % subjects}" if subjects else "" for i in range(n)]
    return [Item(benchmark, str(i), "q", subject=subject[i]) for i in range(n)]


def results(scores: list[float], benchmark: str = "gsm8k") -> Results:
    return Results({(benchmark, str(i)): score for i, score in enumerate(scores)}, {}, {}, ())


def first(n: int, probability: float = 0.9) -> dict[Key, float]:
    return {("gsm8k", str(i)): probability for i in range(n)}


def one_part(scores: list[float], leaked: int, **options: Any) -> Part:
    found = impact(results(scores), first(leaked), items(len(scores)), (0.5,), **options)
    (part,) = found.parts
    return part


def mixed(contaminated: tuple[int, int], clean: tuple[int, int]) -> list[float]:
    """Right of all contaminated items, then of the clean ones."""
    return [
        float(i < right) for right, n in (contaminated, clean) for i in range(n)
    ]  # fmt: skip


def finding(item: int, probability: float, leak: bool, kind: Kind = Kind.PARAPHRASE) -> Finding:
    return Finding("gsm8k", str(item), "d", "", 0, 9, kind, probability, leak, False)


# --- groups ------------------------------------------------------------------------------------


def test_groups_by_hand() -> None:
    part = one_part([1, 1, 0, 1, 0, 0, 1, 0, 1, 1], 4, unchecked={("gsm8k", "0"), ("gsm8k", "9")})
    assert (part.overall.value, part.overall.n) == (0.6, 10)
    assert (part.contaminated.value, part.contaminated.n) == (0.75, 4)  # item 0 was found
    assert (part.clean.value, part.clean.n) == (0.4, 5)
    assert (part.unchecked.value, part.unchecked.n) == (1.0, 1)
    assert part.difference.value == pytest.approx(0.35)
    assert part.difference.n == 9


def test_thresholds_move_items_between_groups() -> None:
    leaks = {("gsm8k", str(i)): i / 10 for i in range(10)}
    found = impact(results([1.0] * 10), leaks, items(10), (0.3, 0.5, 0.95))
    assert [(one.threshold, one.contaminated.n) for one in found.parts] == [
        (0.3, 7),
        (0.5, 5),
        (0.95, 0),
    ]
    assert found.main()[0].threshold == 0.3


def test_findings_count_by_the_audits_own_verdict_first() -> None:
    leaks = [
        finding(0, 0.6, True),
        finding(0, 0.99, True),
        finding(1, 0.7, False),
        finding(2, 0.99, False, Kind.ALTERED),
    ]
    found = impact(results([1.0] * 5), leaks, items(5), (0.5, 0.9))
    assert [(one.threshold, one.contaminated.n) for one in found.parts] == [
        (None, 1),
        (0.5, 2),
        (0.9, 1),
    ]
    assert found.main()[0].threshold is None


def test_subjects_each_on_their_own() -> None:
    scores = [float(i % 3 == 0) for i in range(60)]
    found = impact(results(scores), first(30), items(60, subjects=2), (0.5,))
    assert [one.subject for one in found.parts] == ["", "s0", "s1"]
    whole, *parts = found.parts
    assert sum(one.overall.n for one in parts) == whole.overall.n
    assert parts[0].clean.value == np.mean(scores[30::2])


def test_a_subject_may_come_from_the_results() -> None:
    given = Results({("gsm8k", "0"): 1.0}, {("gsm8k", "0"): "algebra"}, {}, ())
    assert [one.subject for one in impact(given, {}, items(1), (0.5,)).parts] == ["", "algebra"]


def test_items_without_a_result_are_counted() -> None:
    found = impact(results([1.0] * 30), first(0), [*items(50), *items(7, "arc")], (0.5,))
    assert found.without_result == {"gsm8k": 20, "arc": 7}
    assert found.parts[0].overall.n == 30
    assert "20 items have no result" in headline(found)


# --- intervals and p-values --------------------------------------------------------------------


def test_bootstrap_is_that_of_scipy() -> None:
    scores = mixed((90, 100), (280, 400))
    part = one_part(scores, 100, resamples=20_000)
    for values, ours in ((scores[:100], part.contaminated), (scores[100:], part.clean)):
        theirs = bootstrap(
            (np.array(values),), np.mean, n_resamples=20_000, method="percentile", rng=1
        ).confidence_interval
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)
    theirs = bootstrap(
        (np.array(scores[:100]), np.array(scores[100:])), lambda a, b, axis: a.mean(axis) - b.mean(axis),
        n_resamples=20_000, method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    ours = part.difference
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_items_and_counts_are_drawn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(5).random(500)
    by_item = one_part(scores.tolist(), 200, resamples=5000)
    monkeypatch.setattr("audits.outcome.impact.DISTINCT", 500)
    by_count = one_part(scores.tolist(), 200, resamples=5000)
    width = 2 * 1.96 * scores[200:].std() / math.sqrt(300)
    for part in (by_item, by_count):
        assert part.clean.high - part.clean.low == pytest.approx(width, rel=0.06)
    assert by_item.p_value == pytest.approx(by_count.p_value, abs=0.03)


@pytest.mark.parametrize(
    ("contaminated", "clean"), [((19, 20), (60, 100)), ((14, 20), (60, 100)), ((5, 9), (10, 30))]
)
def test_permutations_come_near_the_exact_tails(
    contaminated: tuple[int, int], clean: tuple[int, int]
) -> None:
    (a, m), (b, n) = contaminated, clean
    part = one_part(mixed(contaminated, clean), m, resamples=40_000)
    # Fisher's two-sided test orders tables by likelihood, ours by difference.
    right, total = a + b, m + n
    observed = abs(a / m - b / n) - 1e-9
    exact = sum(
        math.comb(right, k) * math.comb(total - right, m - k) / math.comb(total, m)
        for k in range(max(0, m - total + right), min(m, right) + 1)
        if abs(k / m - (right - k) / n) >= observed
    )
    assert part.p_value == pytest.approx(exact, abs=0.01)


def test_a_p_value_is_never_zero() -> None:
    part = one_part(mixed((200, 200), (0, 200)), 200, resamples=999)
    assert part.p_value == 1 / 1000


def test_where_nothing_varies_the_interval_is_wilsons() -> None:
    part = one_part(mixed((25, 25), (300, 400)), 25)
    assert part.contaminated == proportion(25, 25)
    assert part.contaminated.low < 1
    # The difference is no surer than the group that could not vary.
    assert part.difference.low < 0.25 - (1 - part.contaminated.low) + 1e-9
    assert part.difference.high == pytest.approx(0.25 + part.clean.value - part.clean.low)


def test_all_scores_equal() -> None:
    part = one_part([1.0] * 100, 50)
    assert part.difference.value == 0
    assert part.difference.low < 0 < part.difference.high
    assert part.p_value == 1.0


def test_one_item_in_a_group() -> None:
    part = one_part([1.0] + [0.0, 1.0] * 20, 1)
    assert part.contaminated.n == 1
    assert part.contaminated.low < 0.5
    assert part.verdict is Verdict.TOO_FEW


def test_equal_arguments_equal_figures_whatever_else_is_audited() -> None:
    scores = mixed((40, 50), (100, 150))
    alone = impact(results(scores), first(50), items(200), (0.5,))
    assert alone == impact(results(scores), first(50), items(200), (0.5,))
    more = Results({**results(scores, "arc").scores, **results(scores).scores}, {}, {}, ())
    both = impact(more, first(50), [*items(200, "arc"), *items(200)], (0.7, 0.5))
    assert alone.parts[0] in both.parts
    other = impact(results(scores), first(50), items(200), (0.5,), seed=1)
    assert other.parts[0].clean != alone.parts[0].clean


def test_item_order_changes_nothing() -> None:
    scores = mixed((40, 50), (100, 150))
    given = items(200)
    assert (
        impact(results(scores), first(50), given, (0.5,)).parts
        == impact(results(scores), first(50), given[::-1], (0.5,)).parts
    )


# --- what is claimed ---------------------------------------------------------------------------


def said(scores: list[float], leaked: int, **options: Any) -> str:
    return headline(impact(results(scores), first(leaked), items(len(scores)), (0.5,), **options))


def test_the_headline_of_the_issue() -> None:
    text = said(mixed((1190, 1200), (8078, 8800)), 1200)
    assert text.startswith("gsm8k: 92.7 % overall; 91.8 % [91.2, 92.4] on the clean 88 %. ")
    assert "The 1,200 contaminated items score higher: 7.4 points [" in text
    assert "(p = 0.0005)" in text
    assert "may not be claimed: what leaks may be easier" in text


@pytest.mark.parametrize(
    ("contaminated", "clean", "verdict", "words"),
    [
        ((95, 100), (60, 100), Verdict.HIGHER, "score higher: 35.0 points"),
        ((60, 100), (95, 100), Verdict.LOWER, "score lower: −35.0 points"),
        ((62, 100), (60, 100), Verdict.NOT_SHOWN, "nor that it has none"),
        ((60, 100), (60, 100), Verdict.NOT_SHOWN, "No difference is shown: 0.0 points"),
        ((19, 19), (5, 100), Verdict.TOO_FEW, "19 are contaminated and 100 clean; with fewer than"),
        ((5, 100), (19, 19), Verdict.TOO_FEW, "100 are contaminated and 19 clean"),
        ((20, 20), (5, 100), Verdict.HIGHER, "The 20 contaminated items"),
        ((0, 0), (60, 100), Verdict.NONE_CONTAMINATED, "None of 100 checked items was found"),
        ((60, 100), (0, 0), Verdict.NONE_CLEAN, "there is no clean score"),
    ],
)
def test_verdicts(
    contaminated: tuple[int, int], clean: tuple[int, int], verdict: Verdict, words: str
) -> None:
    scores = mixed(contaminated, clean)
    assert FEW == 20
    assert one_part(scores, contaminated[1]).verdict is verdict
    assert words in said(scores, contaminated[1])


def test_unchecked_items_are_told_apart_in_words() -> None:
    blind = {("gsm8k", str(i)) for i in range(150, 200)}
    text = said(mixed((45, 50), (70, 150)), 50, unchecked=blind)
    assert "on the clean 50 %" in text
    assert "25 % of the items (50) could not be checked and are in neither group" in text


def test_shares_are_never_rounded_to_all_or_nothing() -> None:
    assert "on the clean >99 %" in said(mixed((20, 20), (2000, 4000)), 20)
    assert "on the clean <1 %" in said(mixed((2000, 4000), (20, 20)), 4000)


def test_a_line_for_each_benchmark() -> None:
    more = Results({**results([1.0] * 30).scores, **results([0.0] * 30, "arc").scores}, {}, {}, ())
    lines = headline(impact(more, first(25), [*items(30, "arc"), *items(30)], (0.5,))).split("\n")
    assert [line.split(":")[0] for line in lines] == ["arc", "gsm8k"]


def test_nothing_scored() -> None:
    found = impact(Results({}, {}, {}, ()), {}, items(5), (0.5,))
    assert found.parts == ()
    assert headline(found) == "No item has a result; nothing may be claimed."


def test_json_is_plain() -> None:
    found = impact(results([1.0, 0.0, 1.0]), [finding(0, 0.9, True)], items(3))
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["parts"][0]["threshold"] is None
    assert data["parts"][0]["unchecked"]["value"] is None
    assert data["parts"][0]["verdict"] == "too-few"
    assert data["resamples"] == 2000
    assert isinstance(found, Impact)


# --- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": (1.5,)}, "threshold 1.5: probabilities are from 0 to 1"),
        ({"thresholds": (math.nan,)}, "threshold nan"),
        ({"thresholds": ()}, "need a threshold"),
        ({"resamples": 10}, "10 resamples say nothing"),
        ({"leaks": {("mmlu", "0"): 0.5}}, "a leak of mmlu item '0'"),
        ({"unchecked": {("gsm8k", "9")}}, "coverage of gsm8k item '9'"),
        ({"results": results([1.0] * 4)}, "a result of gsm8k item '3'"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"results": results([1.0] * 3), "leaks": first(1), "items": items(3)}
    with pytest.raises(ConfigError, match=message):
        impact(**{**given, **options})

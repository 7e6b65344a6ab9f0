"""Scores and leaks of any kind: groups that add up, intervals that hold their value, p-values in range."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from audits.items import Item
from audits.outcome.impact import headline, impact
from audits.outcome.results import Results

SCORE = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
ROW = st.tuples(
    st.one_of(st.none(), SCORE),  # no result
    st.one_of(st.none(), st.floats(0, 1)),  # no finding
    st.booleans(),  # unchecked
    st.sampled_from(["", "a", "b\ud800"]),
)


@settings(deadline=None)
@given(
    st.lists(ROW, max_size=40), st.lists(st.floats(0, 1), min_size=1, max_size=3), st.integers(0, 9)
)
def test_figures_hold_together(
    rows: list[tuple[float | None, float | None, bool, str]], thresholds: list[float], seed: int
) -> None:
    items = [Item("b", str(n), "q", subject=row[3]) for n, row in enumerate(rows)]
    keys = [("b", str(n)) for n in range(len(rows))]
    scores = {key: row[0] for key, row in zip(keys, rows, strict=True) if row[0] is not None}
    leaks = {key: row[1] for key, row in zip(keys, rows, strict=True) if row[1] is not None}
    unchecked = {key for key, row in zip(keys, rows, strict=True) if row[2]}
    given_results = Results(scores, {}, {}, ())
    found = impact(
        given_results, leaks, items, thresholds, unchecked=unchecked, seed=seed, resamples=100
    )
    assert found == impact(
        given_results, leaks, items, thresholds, unchecked=unchecked, seed=seed, resamples=100
    )
    assert sum(found.without_result.values()) + len(scores) == len(rows)
    for part in found.parts:
        groups = (part.clean, part.contaminated, part.unchecked)
        assert sum(group.n for group in groups) == part.overall.n > 0
        total = sum(group.value * group.n for group in groups if group.n)
        assert math.isclose(total, part.overall.value * part.overall.n, abs_tol=1e-9)
        for group in (part.overall, *groups):
            if group.n:
                assert -1e-9 <= group.low <= group.value <= group.high <= 1 + 1e-9
            else:
                assert math.isnan(group.value)
        if part.clean.n and part.contaminated.n:
            difference = part.difference
            assert -1 - 1e-9 <= difference.low <= difference.value <= difference.high <= 1 + 1e-9
            assert 1 / 101 <= part.p_value <= 1
        else:
            assert math.isnan(part.p_value)
            assert math.isnan(part.difference.value)
    assert headline(found).isprintable()
    assert found.to_json()["parts"] is not None


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(SCORE, st.booleans()), min_size=2, max_size=40))
def test_sides_changed_about_only_turn_the_sign(rows: list[tuple[float, bool]]) -> None:
    items = [Item("b", str(n), "q") for n in range(len(rows))]
    given_results = Results({("b", str(n)): row[0] for n, row in enumerate(rows)}, {}, {}, ())
    one, other = (
        impact(
            given_results,
            {("b", str(n)): 1.0 for n, row in enumerate(rows) if row[1] is side},
            items,
            (0.5,),
            resamples=100,
        ).parts[0]
        for side in (True, False)
    )
    assert (one.clean.n, one.contaminated.n) == (other.contaminated.n, other.clean.n)
    if one.clean.n and one.contaminated.n:
        assert math.isclose(one.difference.value, -other.difference.value, abs_tol=1e-12)
        assert one.verdict == {"higher": "lower", "lower": "higher"}.get(
            other.verdict.value, other.verdict.value
        ) or "not-shown" in (one.verdict.value, other.verdict.value)

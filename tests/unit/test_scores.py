"""The order of scored documents: total, exact in its shares, and blind to the order they come in."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranked_texts import Best, Fewer, Longest, Texts, Words

from pipeline.curation import Curation
from pipeline.extract import Extraction
from pipeline.scores import Places, Scores, best_first, rank


def curation(*steps: object) -> Curation:
    return Curation(Texts(files=()), (), Extraction("resiliparse"), steps)  # type: ignore[arg-type]


def documents(scores: list[float], fails: list[int] | None = None, *more: list[float]) -> Scores:
    return Scores(
        np.arange(len(scores), dtype=np.uint32),
        np.arange(len(scores), dtype=np.uint64),
        np.array(fails or [99] * len(scores), np.uint16),
        tuple(np.array(column, np.float64) for column in (scores, *more)),
    )


def no_names(places: Places) -> list[bytes]:
    raise AssertionError(f"no hashes meet at {places}")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([math.nan, -1.5, -0.0, 0.0, 0.25, 1e300, math.inf, -math.inf]),
            st.integers(0, 3),
            st.binary(min_size=1, max_size=3),
        ),
        unique_by=lambda document: document[2],
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_is_that_of_score_hash_and_id(
    given_documents: list[tuple[float, int, bytes]], chance: object
) -> None:
    def key(document: tuple[float, int, bytes]) -> tuple[bool, float, int, bytes]:
        score, tie, name = document
        return math.isnan(score), 0.0 if math.isnan(score) else -score, tie, name

    found = []
    for _ in range(2):
        scores = np.array([score for score, _, _ in given_documents])
        ties = np.array([tie for _, tie, _ in given_documents], np.uint64)
        names = [name for _, _, name in given_documents]
        order = best_first(scores, ties, lambda places, n=names: [n[at] for at in places])  # type: ignore[misc]
        assert sorted(order.tolist()) == list(range(len(names)))
        found.append([names[place] for place in order])
        assert found[-1] == [name for _, _, name in sorted(given_documents, key=key)]
        chance.shuffle(given_documents)  # type: ignore[attr-defined]


@given(st.integers(0, 20_000), st.integers(1, 10_000))
def test_a_share_is_exact_as_it_is_written(number: int, hundredths: int) -> None:
    share = float(f"{hundredths / 10_000:.4f}")
    chance = np.random.default_rng(number)
    found = documents(chance.integers(0, 5, number).astype(np.float64).tolist())
    tops, noted = rank(curation(Best(share=share)), found, no_names)
    stays = math.floor(Fraction(hundredths, 10_000) * number)
    assert noted["best"]["stayed"] == stays
    assert np.count_nonzero(tops["best"] <= share) == stays
    assert sorted(tops["best"]) == [place / number for place in range(1, number + 1)]


def test_only_what_reaches_a_filter_is_ranked() -> None:
    steps = (Words(), Best(share=0.5), Fewer(), Longest(share=0.5))
    found = documents([1, 2, 3, 4, 5], [1, 9, 2, 0, 9], [9, 8, 7, 6, 5])
    tops, noted = rank(curation(*steps), found, no_names)
    # The fourth falls before the first ranking filter; the third between the two.
    assert tops["best"].tolist() == pytest.approx([1, 0.75, 0.5, np.nan, 0.25], nan_ok=True)
    assert tops["longest"].tolist() == pytest.approx([np.nan] * 4 + [1], nan_ok=True)
    assert noted == {
        "best": {"share": 0.5, "reached": 4, "stayed": 2, "cutoff": 3.0},
        "longest": {"share": 0.5, "reached": 1, "stayed": 0, "cutoff": None},
    }

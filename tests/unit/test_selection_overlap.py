"""Overlap with a Golden Set, beside plain sets of tuples; and fates, each decided once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConservationError
from pipeline.selection.fates import FATES, Fates
from pipeline.selection.overlap import (
    NGRAM,
    common_runs,
    exact_key,
    ngrams,
    overlaps,
    shared_with,
)

TEXTS = st.lists(st.sampled_from("abcd"), max_size=24).map(" ".join)
PROMPT = "How many sacks of rye does the miller of Delft grind on a market day?"


def grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + 8]) for at in range(len(words) - 7)}


@pytest.mark.parametrize(
    "other",
    [PROMPT.upper(), PROMPT.replace(" ", "\n\t "), f"«{PROMPT}!!»", PROMPT.replace("?", "")],
)
def test_prompts_that_are_the_same(other: str) -> None:
    assert exact_key(other) == exact_key(PROMPT)


def test_prompts_of_nothing_but_marks_are_told_apart() -> None:
    assert exact_key(" ?! ") == "?!"
    assert exact_key("?!") != exact_key("...")
    assert exact_key("") == exact_key(" \n") == ""


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=6))
def test_what_is_shared_is_counted_by_the_commonest_run(
    candidates: list[str], texts: list[str]
) -> None:
    # A text counts once, however often it has a run.
    counted = [
        max((sum(gram in grams(text) for text in texts) for gram in grams(one)), default=0)
        for one in candidates
    ]
    assert shared_with(candidates, common_runs(candidates, texts)) == counted


@given(
    st.lists(TEXTS, max_size=4),
    st.lists(st.lists(TEXTS, min_size=1, max_size=3), max_size=6),
)
def test_overlaps_are_those_of_plain_sets(golden: list[str], asked: list[list[str]]) -> None:
    texts = ["\n".join(turns) for turns in asked]
    wanted: list[tuple[str, int] | None] = []
    known = set().union(*map(grams, golden)) if golden else set()
    for turns, text in zip(asked, texts, strict=True):
        shared = len(grams(text) & known)
        if any(turn.split() == one.split() for turn in turns for one in golden):
            wanted.append(("golden.exact", 1))
        else:
            wanted.append(("golden.ngram", shared) if shared else None)
    assert overlaps(iter(golden), asked, common_runs(golden, texts)) == wanted


def test_eight_words_in_a_row_and_no_fewer() -> None:
    words = PROMPT.split()
    seven, eight = " ".join(words[2:9]), " ".join(words[2:10])
    assert NGRAM == 8
    assert not list(ngrams(seven))
    found = overlaps(
        [PROMPT],
        [["x"], ["x"], ["x"]],
        common_runs([PROMPT], [f"So {seven} he", f"So {eight} he", ""]),
    )
    assert found == [None, ("golden.ngram", 1), None]


def test_a_later_turn_that_is_the_prompt() -> None:
    short = "What is rye?"  # too few words for a run
    runs = common_runs([short], ["Hello\nwhat is RYE"])
    found = overlaps([short], [["Hello there, miller!", "what is RYE"]], runs)
    assert found == [("golden.exact", 1)]


def test_without_a_golden_set_nothing_overlaps() -> None:
    assert overlaps([], [[PROMPT]], common_runs([], [PROMPT])) == [None]
    assert shared_with([], common_runs([], [PROMPT])) == []
    assert shared_with([PROMPT], common_runs([PROMPT], [])) == [0]


def test_long_and_odd_texts() -> None:
    odd = ["\ud800 " * 9, "\0 a" * 9, "e\u0301 " * 9, "w" * 1_000_000, "?!" * 500_000]
    assert overlaps(odd, [[text] for text in odd], common_runs(odd, odd)) == [
        ("golden.exact", 1)
    ] * len(odd)
    long = "the wheel turns " * 60_000
    assert len(set(ngrams(long))) == 3


# --- fates -------------------------------------------------------------------------------------


def test_every_conversation_is_decided_once() -> None:
    fates = Fates(3)
    assert fates.open.tolist() == [True] * 3
    fates.decide(1, "dropped", "near_empty.words.low", 1.0, 3.0)
    assert fates.open.tolist() == [True, False, True]
    with pytest.raises(ConservationError, match="conversation 1 has a fate already"):
        fates.decide(1, "selected")
    with pytest.raises(ConservationError, match="2 conversations have no fate"):
        fates.columns()
    fates.decide(0, "duplicate", "exact", 1.0, 0.8, "c2")
    fates.decide(2, "selected")
    assert fates.of("dropped") == [1]
    assert fates.columns() == {
        "fate": ["duplicate", "dropped", "selected"],
        "reason": ["exact", "near_empty.words.low", ""],
        "value": [1.0, 1.0, None],
        "bound": [0.8, 3.0, None],
        "other": ["c2", "", ""],
    }
    assert list(fates.counts()) == list(FATES)
    assert sum(fates.counts().values()) == len(fates) == 3
    assert fates.reasons()["dropped"] == {"near_empty.words.low": 1}
    assert fates.reasons()["selected"] == {}


def test_reasons_come_with_the_commonest_first() -> None:
    fates = Fates(4)
    for at, reason in enumerate(("b", "a", "c", "c")):
        fates.decide(at, "dropped", reason)
    assert list(fates.reasons()["dropped"].items()) == [("c", 2), ("a", 1), ("b", 1)]


def test_no_conversation_at_all() -> None:
    fates = Fates(0)
    assert not fates.open.any()
    assert fates.columns()["fate"] == []
    assert sum(fates.counts().values()) == 0

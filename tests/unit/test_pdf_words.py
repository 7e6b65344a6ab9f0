"""Characters to words: spaces that are there, spaces that are gaps, letters that are spaced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.pdf.glyphs import Glyphs
from pipeline.extract.pdf.hyphens import joined_lines, vocabulary_of
from pipeline.extract.pdf.words import words_of

SIZE = 10.0


def glyphs(text: str, gaps: list[float], spaced: list[bool] | None = None) -> Glyphs:
    """Letters of 5 points, each ``gaps`` points behind the one before, on one baseline."""
    count = len(text)
    left = np.cumsum([0.0, *(5.0 + gap for gap in gaps)])[:count]
    return Glyphs(
        np.array([ord(letter) for letter in text], np.uint32),
        left, np.full(count, 92.0), left + 5.0, np.full(count, 102.0), np.full(count, 100.0),
        np.array(spaced or [False] * count), 600.0, 800.0,
    )  # fmt: skip


def texts(made: Glyphs) -> list[str]:
    return [word.text for word in words_of(made)]


def test_a_gap_is_a_space_where_there_are_no_spaces() -> None:
    assert texts(glyphs("themill", [0, 0, 2.5, 0, 0, 0])) == ["the", "mill"]
    assert texts(glyphs("themill", [0, 0, 0.6, 0, 0, 0])) == ["themill"]


def test_a_gap_must_be_wider_where_there_are_spaces() -> None:
    spaced = [False, True, False, False, False]
    assert texts(glyphs("athem", [1.4, 0, 1.4, 0], spaced)) == ["a", "them"]
    assert texts(glyphs("athem", [2.5, 0, 2.5, 0], spaced)) == ["a", "th", "em"]


def test_letter_spaced_words_are_joined() -> None:
    assert texts(glyphs("TITLEPAGE", [3.0] * 4 + [9.0] + [3.0] * 3)) == ["TITLE", "PAGE"]
    assert texts(glyphs("TITLES", [3.0] * 5)) == ["TITLES"]


def test_the_letters_of_a_ligature_share_a_box() -> None:
    made = glyphs("office", [0] * 5)
    made.left[1:4] = made.left[1]
    made.right[1:4] = made.left[4]
    assert texts(made) == ["office"]


def test_presentation_forms_are_letters() -> None:
    assert texts(glyphs("e\ufb03cient", [0] * 6)) == ["efficient"]


def test_nothing_gives_nothing() -> None:
    assert texts(glyphs("", [])) == []


@given(st.lists(st.tuples(st.characters(), st.floats(-50, 50), st.floats(0, 800)), max_size=60))
def test_no_character_is_lost(drawn: list[tuple[str, float, float]]) -> None:
    made = glyphs("x" * len(drawn), [gap for _, gap, _ in drawn][:-1])
    made.base[:] = [base for _, _, base in drawn]
    assert "".join(texts(made)) == "x" * len(drawn)


@pytest.mark.parametrize(
    ("lines", "known", "expected"),
    [
        (["the water-", "wheel turns"], "", "the waterwheel turns"),
        (["a well-", "known mill"], "a well-known mill", "a well-known mill"),
        (["a well-", "known mill"], "so well they had known it", "a well-known mill"),
        (["the differ-", "ence"], "the difference", "the difference"),
        (["Anglo-", "Saxon mills"], "", "Anglo-Saxon mills"),
        (["pages 10-", "12"], "", "pages 10-12"),
        (["two-", "and three-column"], "", "two- and three-column"),
        (["said -", "and left"], "", "said - and left"),
        (["水車は", "回る"], "", "水車は回る"),
        (["one", "two"], "", "one two"),
        ([], "", ""),
    ],
)
def test_hyphens(lines: list[str], known: str, expected: str) -> None:
    assert joined_lines(lines, vocabulary_of([known])) == expected


@given(st.lists(st.text(), max_size=8))
def test_joining_keeps_every_letter(lines: list[str]) -> None:
    joined = joined_lines(lines, vocabulary_of(lines))
    assert [c for c in joined if c.isalnum()] == [c for c in "".join(lines) if c.isalnum()]


def test_hostile_lines_take_no_time() -> None:
    joined_lines(["a-" * 500_000, "b" * 1_000_000], vocabulary_of(["-" * 1_000_000]))

"""The white-space cleaner: what goes, what stays, what is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters import GopherRepetition, Whitespace


def test_line_ends_and_blank_lines() -> None:
    text, counts = Whitespace().clean("\n one  \n    \n\u00a0\n\n\n  two\n")
    assert text == " one\n\n  two"
    assert counts == {"blank_lines": 2.0, "characters": 12.0}


def test_a_clean_text_is_the_same_object() -> None:
    text = "def f():\n    return 1\n\nprint(f())"
    assert Whitespace().clean(text)[0] is text


def test_a_novel_laid_out_with_lines_of_spaces_is_no_repetition() -> None:
    novel = "\n".join(
        f"Chapter line {number} tells of mill {number}.\n    " for number in range(40)
    )
    assert not GopherRepetition().check(novel).keep
    assert GopherRepetition().check(Whitespace().clean(novel)[0]).signals["duplicate_lines"] == 0


@given(st.text(alphabet="a \n\t\u00a0\r\ud800"))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once, counts = Whitespace().clean(text)
    assert Whitespace().clean(once)[0] == once
    assert counts["characters"] == len(text) - len(once) >= 0
    assert once.split() == text.split()

"""Normalisers: what they do to a text, and that a name stands for one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.normalise import NORMALISERS, as_it_is, normaliser, words
from pipeline.core.errors import ConfigError


def test_words_are_lower_case_and_apart_from_marks() -> None:
    assert words('"You’re WRONG!"') == ' " you\'re wrong !  " '
    assert words("Yes,no;(maybe)…").split() == ["yes", ",", "no", ";", "(", "maybe", ")", "…"]
    assert words("a/b—c–d|e").split() == ["a", "/", "b", "—", "c", "–", "d", "|", "e"]


def test_marks_within_words_stay() -> None:
    assert words("well-known don't e_mail 50% #tag") == "well-known don't e_mail 50% #tag"


def test_other_scripts_are_left_whole() -> None:
    assert words("天地玄黄 ДОМ İ") == "天地玄黄 дом i̇"


def test_none_changes_nothing() -> None:
    assert as_it_is("You’re WRONG!\n") == "You’re WRONG!\n"
    assert NORMALISERS["none"] is as_it_is


@pytest.mark.parametrize("name", list(NORMALISERS))
@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text_will_do_and_spelling_twice_changes_no_word(name: str, text: str) -> None:
    spell = normaliser(name)
    once = spell(text)
    assert spell(once).split() == once.split()
    assert spell(text) == once


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"'word'; did you mean 'words'\? \(none, words\)"):
        normaliser("word")

"""Passages of a document: windows over all of it, and the prose of its docstrings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.semantic.passages import SHORT, Passage, passages
from audits.semantic.windows import windows

PROSE = "The miller of Ansbach grinds barley on each market day. " * 40
PROSE_OF = "Count the buckets of a wheel\n    that are full."


def code(docstring: str, quotes: str = '"""') -> str:
    body = "\n".join(f"    total_{at} = buckets[{at}] * wheel(total) + {at}" for at in range(60))
    return f"import wheels\n\n\ndef count(buckets):\n    {quotes}{docstring}{quotes}\n{body}\n"


def extra(text: str, words: int = 64) -> list[str]:
    """What is a passage and no window."""
    cut = {Passage(*one) for size in (words, SHORT) for one in windows(text, words=size)}
    return [text[one.start : one.end] for one in passages(text, words=words) if one not in cut]


class TestWindows:
    @pytest.mark.parametrize("words", [8, 64, 256])
    def test_of_prose_they_are_all(self, words: int) -> None:
        assert passages(PROSE, words=words, short=False) == [
            Passage(*one) for one in windows(PROSE, words=words)
        ]

    def test_short_ones_come_besides(self) -> None:
        long, short = windows(PROSE, words=64), windows(PROSE, words=SHORT)
        assert len(short) > len(long)
        assert passages(PROSE) == sorted({Passage(*one) for one in (*long, *short)})

    def test_none_are_shorter_than_asked_for(self) -> None:
        assert passages(PROSE, words=8) == passages(PROSE, words=8, short=False)

    @pytest.mark.parametrize("text", ["", " ", "\n\t\u2003"])
    def test_nothing_has_none(self, text: str) -> None:
        assert passages(text) == []

    def test_a_short_text_is_one(self) -> None:
        assert passages("  The mill.\n") == [Passage(2, 11)]


class TestDocstrings:
    @pytest.mark.parametrize("quotes", ['"""', "'''"])
    def test_its_prose_is_a_passage(self, quotes: str) -> None:
        assert extra(code(PROSE_OF, quotes)) == [PROSE_OF]
        assert extra(code(f"\n    {PROSE_OF}\n    ", quotes)) == [PROSE_OF]

    @pytest.mark.parametrize(
        "examples",
        [
            ">>> count([1])\n    1",
            "Example:\n    count([1]) == 1",
            "For example:\n    1",
            "examples\n    1",
        ],
    )
    def test_its_examples_are_not(self, examples: str) -> None:
        assert extra(code(f"{PROSE_OF}\n\n    {examples}\n    ")) == [PROSE_OF]

    def test_prose_that_speaks_of_examples_is(self) -> None:
        prose = "Give examples of wheels.\n    The example of a long line is that of a long wheel."
        assert extra(code(prose)) == [prose]

    def test_each_of_several_is(self) -> None:
        text = code(PROSE_OF) + "\n\n" + code("Open the sluice of the dam.", "'''")
        assert extra(text) == [PROSE_OF, "Open the sluice of the dam."]

    @pytest.mark.parametrize("docstring", ["", " ", "short", "       \n      ", ">>> count(1)\n1"])
    def test_what_says_nothing_is_none(self, docstring: str) -> None:
        for passage in extra(code(docstring)):
            assert passage.strip() == passage != ""

    def test_what_is_not_closed_or_too_long_is_none(self) -> None:
        assert extra('"""' + PROSE * 4) == []
        assert extra(f'"""{PROSE * 4}"""') == []

    def test_a_window_that_it_is_comes_once(self) -> None:
        text = f'"""{PROSE_OF}"""'
        found = passages(text)
        assert len(found) == len(set(found)) == 2

    @pytest.mark.parametrize(
        "text",
        [
            '"""' * 20_000,
            "'\"" * 30_000,
            ('"""' + "a" * 9) * 5_000,
            '"""' + "'''" * 20_000,
            '"' * 60_000,
        ],
    )
    def test_quotes_without_end_take_no_time(self, text: str) -> None:
        found = passages(text)
        assert found == sorted(set(found))


@settings(max_examples=150, deadline=None)
@given(
    text=st.one_of(
        st.text(st.characters(codec=None, categories=None), max_size=300),
        st.lists(
            st.sampled_from(
                ['"""', "'''", "\n", ">>> f", "Example:", " mill", ". ", "def f():\n", "水"]
            ),
            max_size=60,
        ).map("".join),
    ),
    words=st.sampled_from([8, 64]),
)
def test_any_text_has_passages_in_order_that_cover_it(text: str, words: int) -> None:
    found = passages(text, words=words)
    assert found == sorted(set(found))
    reached = 0
    for start, end in found:
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert not text[reached:start].strip()
        reached = max(reached, end)
    assert not text[reached:].strip()

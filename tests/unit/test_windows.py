"""Windows over texts of every layout: where they begin and end, and what lies whole in one."""

from __future__ import annotations

import itertools
import textwrap

import pytest

from audits.semantic.windows import Window, docstrings, windows
from pipeline.core.errors import ConfigError

SENTENCES = [
    "The shop on the corner sells bread, milk and newspapers to the people of the street.",
    "Anna buys three loaves every Monday morning before she walks to school with her brother.",
    "Why does she never buy any milk?",
    "Her uncle keeps two goats behind the old mill and brings a can of milk every evening.",
    "On Sundays the shop is closed.",
    "The owner then drives to the coast, where he rents a small boat and goes out to fish.",
    "He has never caught more than four mackerel in a day, as he readily admits to anyone.",
    "Still, he would not miss it for the world.",
    "In winter he mends nets by the stove and tells long stories about storms and lost oars.",
    "Nobody believes them, but the children come every week to hear how the next one ends.",
]
TEXT = " ".join(SENTENCES)


def shown(text: str, **settings: int | float) -> list[str]:
    return [text[start:end] for start, end in windows(text, **settings)]  # type: ignore[arg-type]


def test_windows_are_sentences_and_overlap_by_about_half() -> None:
    found = shown(TEXT, words=40)
    starts = {sentence.split()[0] for sentence in SENTENCES}
    assert all(one.split()[0] in starts and one[-1] in ".?" for one in found)
    assert all(10 < len(one.split()) <= 40 for one in found)
    assert found[0].startswith("The shop on")
    assert found[-1].endswith("next one ends.")
    for one, other in zip(windows(TEXT, words=40), windows(TEXT, words=40)[1:], strict=False):
        shared = TEXT[other.start : one.end].split()
        assert 0 < len(shared) <= 20


def test_short_runs_of_sentences_lie_whole_in_a_window() -> None:
    found = shown(TEXT, words=40)
    for first in range(len(SENTENCES)):
        for last in range(first + 1, len(SENTENCES) + 1):
            run = " ".join(SENTENCES[first:last])
            if len(run.split()) <= 20:
                assert any(run in one for one in found), run


def test_a_text_of_one_and_a_half_windows_is_one() -> None:
    text = " ".join(["word"] * 96)
    assert windows(f"\n {text} \n") == [Window(2, 2 + len(text))]
    assert len(windows(text + " more")) > 1


def test_nothing_gives_nothing() -> None:
    assert windows("") == windows(" \n\t\u2003") == []


def test_hard_wrapped_prose_is_cut_at_sentences_not_at_lines() -> None:
    for width in (40, 72):
        wrapped = textwrap.fill(TEXT, width)
        assert [one.split() for one in shown(wrapped, words=40)] == [
            one.split() for one in shown(TEXT, words=40)
        ]


def test_lists_menus_and_paragraphs_are_cut_at_lines() -> None:
    points = "\n".join(f"- point {n} about one thing or another that matters" for n in range(20))
    assert all(one.startswith("- ") for one in shown(points, words=30))
    menu = "\n".join(["Home", "About us", "Contact", "Terms of use"] * 20)
    assert {one.split("\n")[0] for one in shown(menu, words=16)} <= {
        "Home", "About us", "Contact", "Terms of use"
    }  # fmt: skip
    long = "\n".join(["a line without a full stop that goes on and on " * 5] * 10)
    assert all(one.startswith("a line without") for one in shown(long))


def test_numbered_questions_start_with_their_number() -> None:
    text = "\n".join(f"{n}. What is the boiling point of liquid number {n}?" for n in range(30))
    assert all(one[0].isdigit() for one in shown(text, words=30))


def test_abbreviations_end_no_sentence() -> None:
    text = "We met Mr. Brown and Dr. Green, e.g. at noon, and left. " * 8
    assert all(one.startswith("We met") for one in shown(text, words=24))


def test_chinese_sentences_need_no_blanks_and_two_characters_are_a_word() -> None:
    sentence = "小明有三个苹果，他吃了一个，又买了五个。"
    text = sentence * 20
    found = shown(text, words=32)
    assert all(one.startswith("小明") and one.endswith("。") for one in found)
    assert all(len(one) <= 64 for one in found)
    assert len(found) == 10


def test_code_is_cut_at_definitions_and_blank_lines() -> None:
    code = "\n".join(
        f"def number_{n}(values):\n    total = 0\n    for value in values:\n        total += value\n"
        f"    return total * {n}\n" + ("\n" if n % 2 else "")
        for n in range(12)
    )
    assert all(one.startswith("def number_") for one in shown(code, words=32))


def test_a_decorator_stays_with_its_function() -> None:
    code = "\n".join(f"@cached\ndef number_{n}(a, b):\n    return a + b * {n}\n" for n in range(20))
    assert all(one.startswith("@cached") for one in shown(code, words=24))


@pytest.mark.parametrize(
    "text", ["word " * 500, "a" * 9000, "木" * 500, "ปลา" * 400, "x\ud800 " * 300]
)
def test_without_sentences_it_is_cut_between_words(text: str) -> None:
    found = windows(text, words=20)
    assert found[0].start == 0
    assert found[-1].end == len(text.rstrip())
    assert all(one.end > other.start for one, other in itertools.pairwise(found))
    if " " in text:
        assert all(one.start == 0 or text[one.start - 1] == " " for one in found)
        assert all(len(text[one.start : one.end].split()) <= 20 for one in found)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="words = 0"):
        windows("a", words=0)
    with pytest.raises(ConfigError, match=r"overlap = 1\.0"):
        windows("a", overlap=1.0)


CODE = '''"""About this module."""
from typing import List


def close(numbers: List[float],
          threshold: float) -> bool:
    """ Say whether any two of these numbers are nearer to each other than threshold.
    >>> close([1.0, 2.0], 0.5)
    False
    """
    text = """not a docstring at all, whatever it says"""
    return False

# Find the longest of all words
# that start with a vowel.
def longest(words):
    r\'\'\'One line.

    Examples:
        longest([])\'\'\'

/* Returns the sum of all the odd numbers. */
int total(int[] numbers) { return 0; }  // no more than this
class Open:
    """Never closed'''


def test_docstrings_end_before_their_examples() -> None:
    assert [" ".join(CODE[start:end].split()) for start, end in docstrings(CODE)] == [
        "About this module.",
        "Say whether any two of these numbers are nearer to each other than threshold.",
        "# Find the longest of all words # that start with a vowel.",
        "One line.",
        "Returns the sum of all the odd numbers.",
        "Never closed",
    ]


def test_prose_has_no_docstrings() -> None:
    assert docstrings(TEXT) == []
    assert docstrings("# A heading of more than five words\n\nText, and more of it.") == []


def test_long_docstrings_are_cut() -> None:
    code = f'def f():\n    """{TEXT}"""\n'
    found = docstrings(code, words=40)
    assert [code[start:end] for start, end in found] == shown(TEXT, words=40)

"""The natural-language part of a text: what goes, what stays, and that any string will do."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifiers.prose import prose

QUESTION = "Why does this function return the wrong sum?"
PYTHON = """import numpy as np
from math import sqrt

class Mill(Engine):
    speed: int = 3

def total(rows, start=0):
    if not rows:
        return start
    for row in rows:
        start += row.price * row.count
    else:
        pass
    print(start)
    return start"""
JAVASCRIPT = """import { useState } from 'react';
const price = rows.map((row) => row.price);
function total(rows) {
  let sum = 0;
  for (const row of rows) {
    sum += row.price;
  }
  return sum;
}"""
C = """#include <stdio.h>
int main(void) {
    int i, sum = 0;
    for (i = 0; i < 10; i++) {
        sum += i;
    }
    printf("%d", sum);
    return 0;
}"""
SQL = """SELECT name, price
FROM bread
LEFT JOIN bakers
WHERE price > 3
GROUP BY name
ORDER BY price"""
SHELL = """$ pip install gristmill
>>> total([1, 2])"""


@pytest.mark.parametrize("code", [PYTHON, JAVASCRIPT, C, SQL, SHELL])
@pytest.mark.parametrize("form", ["{0}\n{1}", "{1}\n{0}", "{0}\r\n{1}\r\n", "{0}\n```\n{1}\n```"])
def test_code_goes_and_the_question_stays(code: str, form: str) -> None:
    assert prose(form.format(QUESTION, code)) == QUESTION


@pytest.mark.parametrize(
    "line",
    [
        "import taxes rose again last year",
        "class sizes are too large in the valley",
        "for people in need there is bread every day",
        "if it rains we stay at home",
        "while the mill turns, the miller sleeps",
        "return the book to the library, please",
        "from the mill to the market",
        "let me know whether it works",
        "wheat, which we grind on Mondays;",
        "else we shall have no bread",
        "L'importation de farine reste libre",
    ],
)
def test_prose_that_begins_like_code_stays(line: str) -> None:
    assert prose(f"{line}\n  indented") == f"{line} indented"


def test_an_open_fence_goes_on_to_the_end() -> None:
    assert prose("What is this?\n```c\nfor the win") == "What is this?"
    assert prose("Use `git rebase` here, `not` there") == "Use here, there"


def test_comments_and_docstrings_stay() -> None:
    assert prose('def f(x):\n    """The mill\'s speed."""\n    # in turns\n    return x') == (
        "The mill's speed. in turns"
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see https://example.com/a?b=c and www.example.com, please", "see and please"),
        ("write to miller@example.com or @miller", "write to or"),
        ("open /usr/share/dict/words or C:\\mill\\flour.txt now", "open or now"),
        ("3 sacks at $4.50, 20% off, in 2024", "sacks at off, in"),
        ("call my_function and np.array and total() and rows[i] now", "call and and and now"),
        ("a <b>bold</b> miller<br/>and <a href='x'>his mill</a>", "a bold miller and his mill"),
        ("salt &amp; bread &#8230; here", "salt bread here"),
        ("let $x^2 + y_1$ be, costs $5 and \\textbf flour", "let be, costs and flour"),
        ('# A *good* [mill] (really)\n* "bread"', "A good mill really bread"),
        ("PLEASE GRIND MY flour at the USA mill", "please grind MY flour at the USA mill"),
        ("ПОЖАЛУЙСТА, помогите", "пожалуйста, помогите"),
        ("用Python3.8写一个函数，返回2个数", "用 写一个函数，返回 个数"),
        ("使用print()函数", "使用 函数"),
        ("don't, state-of-the-art!", "don't, state-of-the-art!"),
        ("123 456 +- == ... !!!", ""),
    ],
)
def test_what_is_no_word_goes(text: str, left: str) -> None:
    assert prose(text) == left


def test_prose_is_left_as_it_is_but_for_white_space() -> None:
    text = "Le boulanger ouvre à six heures; la meunière dort.\n\n“Warum?”  fragte er."
    assert prose(text) == " ".join(text.split())


def test_so_many_characters_from_the_beginning() -> None:
    text = "x = 1\n" * 50 + "bread and flour " * 100
    assert prose(text, 20) == "bread and flour brea"
    assert prose("one\ntwo\nthree\n", 7) == "one two"
    assert prose("short", 100) == "short"


def test_of_a_long_text_both_ends_are_read() -> None:
    middle = "in the middle of it all " * 2000
    read = prose(f"First the question. {middle} At last the end.")
    assert read.startswith("First the question.")
    assert read.endswith("At last the end.")
    assert len(read) <= 8001


def test_a_fence_across_the_middle_is_still_closed() -> None:
    code = "spoken words within\n" * 1000
    assert prose(f"First.\n```\n{code}```\nLast.") == "First. Last."


WORDS = [
    *("mill", "Brot", "HAUS", "粉", "é", "x_1", "f(x)", "for ", "def ", "import ", "1", "=", ";"),
    *("{", "}", "```", "`", "$", "\\", "<a", ">", "&", "  ", "\t", "\n", "\r\n", "\ud800", "\0"),
]


@given(
    st.one_of(st.text(max_size=300), st.lists(st.sampled_from(WORDS), max_size=60).map("".join)),
    st.one_of(st.none(), st.integers(1, 50)),
)
@example("```", None)
@example("", 1)
def test_any_string_gives_one_line_of_its_own_words(text: str, characters: int | None) -> None:
    found = prose(text, characters)
    assert not {"\n", "\t"} & set(found)
    assert "  " not in found
    assert characters is None or len(found) <= characters
    assert set(found.lower()) <= {*text.lower(), " "}


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        " ",
        "\n",
        "`",
        "```",
        "<",
        "<a",
        "$",
        "$=",
        "=",
        "import a ",
        "&a",
        "\\a",
        "a.b",
        "(",
        "😀",
    ],
)
def test_long_texts_of_one_piece_end(piece: str) -> None:
    assert len(prose(piece * 1_000_000)) <= 8001
    assert len(prose(piece * 1_000_000, 400)) <= 400

"""What an item itself says, and what is known of it when a passage is held against it."""

from __future__ import annotations

import numpy as np
import pytest

from audits.items import Item
from audits.verify import known as known_module
from audits.verify.known import KnownItems, statement
from audits.verify.reading import Reader

TASK = '''def overshot(buckets: int) -> int:
    """Count the buckets of a water wheel
    that stand full of water.

    >>> overshot(3)
    2
    """
'''


def item(question: str, number: int = 0, **more: object) -> Item:
    return Item("mills", f"m{number}", question, **more)  # type: ignore[arg-type]


class TestStatement:
    def test_it_is_the_question(self) -> None:
        text = "How many sacks does the miller of Ansbach keep?\n"
        assert statement(item(text)) == text
        assert statement(item(text, choices=("three", "four"))) == text

    def test_a_short_stem_comes_with_its_choices(self) -> None:
        assert statement(item("Which is true?", choices=("Water runs.", "Mills fly."))) == (
            "Which is true?\nWater runs.\nMills fly."
        )
        assert statement(item("Which is true?")) == "Which is true?"

    def test_numbers_count_as_words_that_say_something(self) -> None:
        assert statement(item("12 + 7 * 3 - 1 = ?", choices=("1", "2"))) == "12 + 7 * 3 - 1 = ?"

    @pytest.mark.parametrize("quotes", ['"""', "'''"])
    def test_of_code_it_is_the_prose_of_the_docstring(self, quotes: str) -> None:
        assert statement(item(TASK.replace('"""', quotes))) == (
            "Count the buckets of a water wheel that stand full of water."
        )

    @pytest.mark.parametrize(
        "examples",
        [">>> f(1)\n2", "Example:\nf(1) = 2", "for example:\nf(1) = 2", "Examples\nf(1) = 2"],
    )
    def test_examples_are_no_prose(self, examples: str) -> None:
        code = f'def f(x):\n    """Give the number that follows x.\n    {examples}\n    """\n'
        assert statement(item(code)) == "Give the number that follows x."

    def test_of_two_docstrings_the_longest(self) -> None:
        code = f'def helper():\n    """Helps."""\n\n\n{TASK}'
        assert statement(item(code)).startswith("Count the buckets")

    def test_a_docstring_of_few_words_keeps_its_examples(self) -> None:
        code = 'def double(x):\n    """Double x.\n    >>> double(2)\n    4\n    """\n'
        assert statement(item(code)) == "Double x. >>> double(2) 4"

    @pytest.mark.parametrize(
        "code",
        [
            "def f(x):\n    return x + 1\n",
            'def f(x):\n    """"""\n    return x + 1\n',
            'def f(x):\n    """  \n  """\n    return x + 1\n',
            'from mills import wheel\n"""unclosed',
        ],
    )
    def test_code_without_prose_is_itself(self, code: str) -> None:
        assert statement(item(code)) == code

    def test_prose_with_quotes_is_no_code(self) -> None:
        text = 'The sign says """closed""" and the miller left. Where from did he come?'
        assert statement(item(text)) == text

    @pytest.mark.parametrize("text", ["", " ", "\ud800", "?", "水車とは何か"])
    def test_any_text_has_one(self, text: str) -> None:
        assert statement(item(text)) == text


QUESTIONS = (
    "How many sacks of barley does the miller of Ansbach keep after twelve market days?",
    "Which gear of the water mill turns the upper stone against the lower one?",
    "Why does an overshot wheel waste less water than an undershot wheel of that size?",
    "Name the toll that a miller took of each sack of grain in the valley.",
)
NEIGHBOURS = np.array([[1, -1, -1], [0, 2, -1], [-1, -1, -1], [2, 1, 0]])


@pytest.fixture
def known(reader: Reader) -> KnownItems:
    more = (
        {"choices": ("12 sacks", "15 sacks"), "answer": "15 sacks", "solution": "Add 3 to 12."},
        {"answer": "the wallower"},
        {"answer": ""},
        {"answer": "twelve or 1,250.5", "solution": "  "},
    )
    items = [item(text, at, **one) for at, (text, one) in enumerate(zip(QUESTIONS, more))]  # noqa: B905
    return KnownItems(items, reader, NEIGHBOURS)


class TestKnownItems:
    def test_they_come_in_the_order_asked_for(self, known: KnownItems) -> None:
        found = known.known([3, 0, 3, 1])
        assert [one.question.text for one in found] == [QUESTIONS[at] for at in (3, 0, 3, 1)]
        assert found[0] is found[2]
        assert known.known([]) == []

    def test_what_is_known_beside_the_question(self, known: KnownItems) -> None:
        first, second, third, last = known.known(range(4))
        assert {"sack", "12", "15", "add"} <= first.stems
        assert "to" not in first.stems
        assert first.alone.shape == (9, 384)  # all words but "to"
        assert sorted(first.numbers) == [3, 12, 12, 15, 15]
        assert first.answer == (15,)
        assert last.answer == (12, 1250.5)
        assert abs(float(np.linalg.norm(first.solution)) - 1) < 1e-5
        for one in (second, third, last):
            assert not one.solution.any()
            assert one.solution.shape == (384,)
        assert third.stems == frozenset()
        assert third.alone.shape == (0, 384)

    def test_neighbours_are_questions(self, known: KnownItems) -> None:
        found = known.known([0, 1, 2, 3])
        near = [[QUESTIONS.index(other.text) for other in one.neighbours] for one in found]
        assert near == [[1], [0, 2], [], [2, 1, 0]]

    def test_what_many_items_say_is_worth_less(self, known: KnownItems) -> None:
        (one,) = known.known([0])
        assert 0 < one.rarity("miller") < one.rarity("ansbach") < one.rarity("unheard") <= 1

    def test_benchmarks_have_their_own_rarities(self, reader: Reader) -> None:
        both = [
            Item("mills", "a", "The mill."),
            Item("mills", "b", "The mill."),
            Item("dams", "a", "The dam."),
        ]
        mills, _, dams = KnownItems(both, reader, np.full((3, 3), -1)).known(range(3))
        assert mills.rarity("mill") < dams.rarity("mill") == 1

    def test_nothing_depends_on_what_was_asked_before(
        self, known: KnownItems, reader: Reader
    ) -> None:
        together = known.known(range(4))
        for at in (2, 0):
            (alone,) = KnownItems(known.items, reader, NEIGHBOURS).known([at])
            assert np.array_equal(alone.question.context, together[at].question.context)
            assert np.array_equal(alone.alone, together[at].alone)
            assert np.array_equal(alone.solution, together[at].solution)

    def test_few_are_held_and_the_others_read_again(
        self, known: KnownItems, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(known_module, "_HELD", 1)
        first = known.known([0, 1, 2, 3])
        again = known.known([0])[0]
        assert len(known._known) == 1
        assert len(known._readings) <= 4
        assert np.array_equal(again.question.context, first[0].question.context)
        assert [one.text for one in again.neighbours] == [QUESTIONS[1]]

    def test_items_with_hardly_a_text(self, reader: Reader) -> None:
        odd = [item(""), item("?", choices=("", "x")), item("\ud800 nan", answer="NaN")]
        found = KnownItems(odd, reader, np.full((3, 3), -1)).known(range(3))
        assert [len(one.question) for one in found] == [0, 1, 1]
        assert found[2].answer == ()

    def test_what_tells_two_long_questions_apart_stands_at_their_end(self, reader: Reader) -> None:
        long = "The miller ground the barley of the village and kept a sack of it. " * 30
        odd = [item(f"{long} Who baked?"), item(f"{long} Who rowed?")]
        one, other = KnownItems(odd, reader, np.full((2, 3), -1)).known(range(2))
        assert one.question.words[-1] == "baked"
        assert other.question.words[-1] == "rowed"

"""Figures of a passage and an item: what each sees, and that none is ever missing or infinite."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audits.items import Item
from audits.verify.evidence import NAMES, Known, evidence, rarity
from audits.verify.known import KnownItems
from audits.verify.reading import Reader, Reading

MILL = "The miller of Ansbach grinds 42 sacks of barley and keeps one sack in 8 as his toll."
REWORDED = "Of 42 bags of barley that he mills, the miller of Ansbach takes every 8th as a toll."
OTHER = "Prune the roses late in winter, when the hardest frosts are over."
ODD = [
    "",
    " ",
    "?!",
    "the of and",
    "nan",
    "NaN inf infinity 1e999 " + "9" * 400,
    "\ud800",
    "İ 水車 😀 ٣",
    "a" * 300,
    "<script>alert(1)</script>",
    "0 0.0 1,0 1.2.3 half twice",
    f"{MILL} " * 30,
]


def known_of(reader: Reader, question: str, near: str = "", **more: str) -> Known:
    items = [Item("mills", "m0", question, **more), Item("mills", "m1", near)]  # type: ignore[arg-type]
    neighbours = np.array([[1 if near else -1], [-1]])
    return KnownItems(items, reader, neighbours).known([0])[0]


def figures(
    reader: Reader, question: str, text: str, near: str = "", **more: str
) -> dict[str, float]:
    (passage,) = reader.read([text])
    known = known_of(reader, question, near, **more)
    return evidence(known, passage, cosine=0.5, margin=0.1)


class TestNames:
    def test_they_are_distinct(self) -> None:
        assert len(set(NAMES)) == len(NAMES)

    def test_all_are_there_in_order(self, reader: Reader) -> None:
        assert tuple(figures(reader, MILL, REWORDED, near=OTHER)) == NAMES
        assert tuple(figures(reader, MILL, REWORDED)) == NAMES
        assert tuple(figures(reader, MILL, "")) == NAMES

    @pytest.mark.parametrize("question", ODD)
    def test_all_are_finite_whatever_the_texts(self, reader: Reader, question: str) -> None:
        readings = reader.read([*ODD, MILL])
        known = known_of(reader, question, near=MILL, answer="nan 7", solution="inf \ud800 8")
        for passage in readings:
            found = evidence(known, passage, cosine=0.0, margin=0.0)
            assert tuple(found) == NAMES
            assert all(type(value) in (float, int) for value in found.values())
            assert all(map(math.isfinite, found.values()))

    def test_without_words_there_is_nothing(self, reader: Reader) -> None:
        assert not any(figures(reader, MILL, " ?").values())
        assert not any(figures(reader, "", MILL).values())

    def test_it_is_the_same_every_time(self, reader: Reader) -> None:
        assert figures(reader, MILL, REWORDED) == figures(reader, MILL, REWORDED)


class TestOneText:
    @pytest.fixture
    def same(self, reader: Reader) -> dict[str, float]:
        return figures(reader, MILL, MILL)

    def test_nothing_is_lost(self, same: dict[str, float]) -> None:
        for name, value in same.items():
            if "lost" in name:
                assert value == pytest.approx(0, abs=1e-4), name
        for side in ("item", "text"):
            for kind in ("context", "alone", "both", "shared", "order"):
                assert same[f"{kind}_{side}"] == pytest.approx(1, abs=1e-4)

    def test_it_is_one_run(self, same: dict[str, float]) -> None:
        assert (same["run"], same["runs"]) == (1, 1)
        assert same["run_words"] == pytest.approx(math.log1p(len(MILL.split())))

    def test_lengths_and_numbers_are_alike(self, same: dict[str, float]) -> None:
        assert same["length"] == 0
        assert same["numbers"] == same["numbers_any"] == 1
        assert same["numbers_item"] == 3
        assert same["negations"] == same["opposites"] == 0

    def test_cosine_and_margin_are_those_given(self, same: dict[str, float]) -> None:
        assert (same["cosine"], same["margin"]) == (0.5, 0.1)


class TestWords:
    def test_another_subject_meets_little(self, reader: Reader) -> None:
        same, reworded, other = (figures(reader, MILL, text) for text in (MILL, REWORDED, OTHER))
        for name in ("context_item", "alone_item", "both_item", "shared_item", "order_item"):
            assert same[name] > reworded[name] > other[name], name
        for name in ("context_item_lost", "alone_item_lost", "alone_item_lost1"):
            assert same[name] < reworded[name] < other[name], name
        assert other["run"] < 0.1
        assert other["runs"] == 0

    def test_the_word_that_is_missing_is_lost_the_most(self, reader: Reader) -> None:
        found = figures(reader, MILL, MILL.replace("barley", "it"))
        assert found["alone_item_lost1"] > 0.2 > found["alone_item_lost2"]
        assert found["alone_text_lost"] < found["alone_item_lost"]

    def test_what_the_passage_adds_is_lost_on_its_side(self, reader: Reader) -> None:
        found = figures(reader, MILL, f"{MILL} {OTHER}")
        assert found["alone_item_lost"] == pytest.approx(0, abs=1e-4)
        assert found["alone_text_lost"] > 1
        assert found["length"] > 0.4
        assert (found["run"], found["runs"]) == (1, 1)

    def test_runs_of_four_words_count(self, reader: Reader) -> None:
        text = "He said the miller of Ansbach sleeps, keeps one sack in bed, and barley."
        found = figures(reader, MILL, text)
        assert found["run_words"] == pytest.approx(math.log1p(4))
        assert found["runs"] == pytest.approx(8 / len(MILL.split()))

    def test_order_counts(self, reader: Reader) -> None:
        turned = " ".join(reversed(MILL.rstrip(".").split()))
        found = figures(reader, MILL, turned)
        assert found["shared_item"] == pytest.approx(1)
        assert found["order_item"] < 0.3

    def test_the_other_way_round_is_seen(self, reader: Reader) -> None:
        task = "Write a function to convert a snake case string to a camel case string."
        turned = "Write a function to convert a camel case string to a snake case string."
        assert figures(reader, task, task)["swapped"] == 0
        assert figures(reader, task, turned)["swapped"] > 0
        assert figures(reader, MILL, MILL.replace("barley", ""))["swapped"] == 0

    def test_formulas_and_roots_have_letters_in_common(self, reader: Reader) -> None:
        task = "Find all c in Z_3 such that Z_3[x]/(x^3 + x^2 + c) is a field."
        near = figures(reader, task, "For which c does Z_3[x]/(x^3 + x^2 + c) make a field?")
        other = figures(reader, task, "For which c does Z_5[y]/(y^2 - 4) make a ring?")
        assert near["letters_item"] > other["letters_item"] + 0.2
        assert near["letters_text"] > other["letters_text"] + 0.2
        assert figures(reader, task, task)["letters_item"] == 1

    def test_only_the_first_words_are_compared_in_sequence(self, reader: Reader) -> None:
        (long,) = reader.read([f"{OTHER} " * 40 + MILL], whole=True)
        found = evidence(known_of(reader, MILL), long, cosine=0, margin=0)
        assert found["run_words"] < math.log1p(4)
        assert found["shared_item"] == pytest.approx(1)

    def test_what_choices_and_solution_say_is_met(self, reader: Reader) -> None:
        text = f"{MILL} The granary holds the flour."
        bare = figures(reader, MILL, text)
        known = figures(reader, MILL, text, solution="The granary holds all of the flour.")
        assert bare["alone_text_lost"] == pytest.approx(known["alone_text_lost"])
        assert bare["from_rest"] == 0 < known["from_rest"]
        assert known["all_text_lost"] < 0.1 < bare["all_text_lost"]
        assert bare["solution"] == 0 < known["solution"]


class TestNumbers:
    def test_a_changed_one_is_seen(self, reader: Reader) -> None:
        found = figures(reader, MILL, MILL.replace("42", "43"))
        assert found["numbers"] == pytest.approx(2 / 4)
        assert found["numbers_item_lost"] == found["numbers_text_lost"] == 1
        assert found["numbers_telling_lost"] == 1
        assert found["numbers_telling"] == 1
        assert found["numbers_all_lost"] == 1

    def test_a_word_is_a_number(self, reader: Reader) -> None:
        found = figures(reader, "He ground twelve sacks.", "He ground 12 sacks.")
        assert found["numbers"] == 1

    def test_each_counts_as_often_as_it_is_said(self, reader: Reader) -> None:
        found = figures(reader, "7 and 7 and 5", "7 and 5")
        assert found["numbers_item_lost"] == 1
        assert found["numbers"] == pytest.approx(2 / 3)

    def test_none_is_neither_good_nor_bad(self, reader: Reader) -> None:
        found = figures(reader, OTHER, OTHER)
        assert (found["numbers"], found["numbers_any"], found["numbers_all"]) == (0.5, 0, 0.5)

    def test_those_of_the_solution_are_known(self, reader: Reader) -> None:
        text = f"{MILL} That leaves 37."
        assert figures(reader, MILL, text)["numbers_all_lost"] == 1
        found = figures(reader, MILL, text, solution="42 - 5 = 37", answer="37")
        assert found["numbers_all_lost"] == 0
        assert found["answer_numbers"] == 1
        assert figures(reader, MILL, MILL, answer="37")["answer_numbers"] == 0


class TestContrast:
    def test_what_sets_an_item_apart_is_asked_for(self, reader: Reader) -> None:
        square = "Write a function that gives the perimeter of a square."
        rectangle = "Write a function that gives the perimeter of a rectangle."
        own = figures(reader, square, square, near=rectangle)
        other = figures(reader, square, rectangle, near=rectangle)
        assert own["contrast"] == pytest.approx(1, abs=1e-3)
        assert other["contrast"] < own["contrast"]
        assert other["contrast_lost1"] > own["contrast_lost1"]
        assert own["neighbour"] == other["neighbour"] > 0.8

    def test_without_neighbours_all_words_do(self, reader: Reader) -> None:
        found = figures(reader, MILL, MILL)
        assert found["contrast"] == pytest.approx(1, abs=1e-3)
        assert found["neighbour"] == 0.3

    def test_a_neighbour_without_words_is_none(self, reader: Reader) -> None:
        assert figures(reader, MILL, MILL, near=" ?")["neighbour"] == 0.3

    def test_opposites_are_seen_from_either_side(self, reader: Reader) -> None:
        low, high = "Name the minimum of the numbers.", "Name the maximum of the numbers."
        assert figures(reader, low, high)["opposites"] == 1
        assert figures(reader, high, low)["opposites"] == 1
        assert figures(reader, low, f"{low} {high}")["opposites"] == 0
        assert figures(reader, low, low)["opposites"] == 0

    def test_negations_are_counted_apart(self, reader: Reader) -> None:
        assert figures(reader, "Which is true here?", "Which isn't true here?")["negations"] == 1


class TestRarity:
    def test_from_one_to_nothing(self) -> None:
        weigh = rarity({"all": 100, "some": 10, "one": 1}, 100)
        assert weigh("none") == 1
        assert 1 > weigh("one") > weigh("some") > weigh("all") > 0
        assert rarity({"more": 10_000}, 3)("more") == 0

    def test_of_few_items_it_says_little(self) -> None:
        assert rarity({"all": 1}, 1)("all") > 0.75

    def test_of_no_items(self) -> None:
        assert rarity({}, 0)("any") == 1


def test_parts_of_a_text_do(reader: Reader) -> None:
    (region,) = reader.read([f"{OTHER} {MILL} {OTHER}"])
    part: Reading = region.part(len(OTHER) + 1, len(OTHER) + 1 + len(MILL))
    found = evidence(known_of(reader, MILL), part, cosine=0, margin=0)
    assert found["alone_item_lost"] == pytest.approx(0, abs=1e-4)
    assert found["run"] == 1
    assert found["context_item"] > 0.8

"""Where an item stands in a passage: its sentences among others, and the runs of words in both."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from audits.items import Item
from audits.verify.evidence import Known
from audits.verify.known import KnownItems
from audits.verify.reading import Reader, Reading
from audits.verify.spans import best_run, completed, equal_runs

ITEM = (
    "The miller of Ansbach grinds 42 sacks of barley a day. He keeps one sack in 8 as his toll. "
    "How many sacks does the miller keep a day?"
)
BEFORE = "Prune the roses late in winter. The ferry leaves the pier at seven."
BEHIND = "Her first novel was turned down by nine publishers. Store the negatives in a dry place."


@pytest.fixture(scope="module")
def known(reader: Reader) -> Known:
    return known_of(reader, ITEM)


def known_of(reader: Reader, question: str) -> Known:
    return KnownItems([Item("mills", "m0", question)], reader, np.array([[-1]])).known([0])[0]


def read(reader: Reader, text: str) -> Reading:
    return reader.read([text], whole=True)[0]


def found(known: Known, reader: Reader, text: str) -> str:
    """What is shown of a text: its best run, completed."""
    region = read(reader, text)
    start, end = completed(known.question, region, *best_run(known, region))
    assert 0 <= start <= end <= len(text)
    return text[start:end]


class TestBestRun:
    def test_a_sentence_is_found_among_others(self, reader: Reader) -> None:
        sentence = "The miller of Ansbach keeps one sack of barley in eight."
        known = known_of(reader, sentence)
        for text in (
            f"{BEFORE} {sentence} {BEHIND}",
            f"{sentence} {BEHIND}",
            f"{BEFORE} {sentence}",
            f"{BEFORE}\n\n{sentence}\n{BEHIND}",
            f"{BEFORE} «{sentence}» {BEHIND}",
        ):
            start, end = best_run(known, read(reader, text))
            assert text[start:end].strip("«» ") == sentence

    def test_of_two_copies_the_first(self, known: Known, reader: Reader) -> None:
        text = f"{BEFORE} {ITEM} {BEHIND} {ITEM}"
        start, _ = best_run(known, read(reader, text))
        assert start == len(BEFORE) + 1

    def test_a_rewording_is_found(self, known: Known, reader: Reader) -> None:
        reworded = (
            "The Ansbach miller grinds 42 barley sacks daily. Of 8 sacks his toll keeps one sack."
        )
        start, end = best_run(known, read(reader, f"{BEFORE} {reworded} {BEHIND}"))
        assert f"{BEFORE} {reworded} {BEHIND}"[start:end] == reworded

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "\n\n\n",
            "mill",
            "?!",
            "\n\nThe roses. The pier.\n",
            ". . . .",
            "\ud800. \ud800.",
        ],
    )
    def test_any_text_has_one(self, known: Known, reader: Reader, text: str) -> None:
        start, end = best_run(known, read(reader, text))
        assert 0 <= start <= end <= len(text)
        assert text[start:end] == text[start:end].strip()

    def test_an_item_without_words_takes_all(self, reader: Reader) -> None:
        text = f" {BEFORE}\n"
        assert best_run(known_of(reader, "?"), read(reader, text)) == (1, 1 + len(BEFORE))

    def test_many_sentences_are_joined(self, known: Known, reader: Reader) -> None:
        text = "Yes. No. " * 40 + ITEM + " Maybe. So." * 40
        start, end = best_run(known, read(reader, text))
        at = text.index(ITEM)
        assert start <= at < at + len(ITEM) - 45 <= end
        assert end - start < 2 * len(ITEM)


class TestCompleted:
    def test_a_copy_is_found_to_the_letter(self, known: Known, reader: Reader) -> None:
        for text in (
            ITEM,
            f"{BEFORE} {ITEM} {BEHIND}",
            f"{BEFORE}\n\n{ITEM}\n\n{BEHIND}",
            f"{BEFORE} {ITEM}",
            "\u2003" * 30 + f"{BEFORE}\ud800 {ITEM} {BEHIND}",
            "İ" * 30 + f" {BEFORE} {ITEM} {BEHIND}",
        ):
            assert found(known, reader, text) == ITEM

    def test_a_last_sentence_of_known_words_is_taken_in(self, reader: Reader) -> None:
        question = f"{ITEM} Does the miller keep one a day?"
        known = known_of(reader, question)
        assert found(known, reader, f"{BEFORE} {question} {BEHIND}") == question

    def test_a_first_sentence_of_known_words_is_taken_in(self, reader: Reader) -> None:
        question = f"How many sacks a day? {ITEM}"
        known = known_of(reader, question)
        assert found(known, reader, f"{BEFORE} {question} {BEHIND}") == question

    def test_a_wrapped_copy_is_found_to_the_letter(self, known: Known, reader: Reader) -> None:
        wrapped = textwrap.fill(ITEM, 30)
        assert found(known, reader, f"{BEFORE}\n\n{wrapped}\n\n{BEHIND}") == wrapped

    def test_a_mistyped_one_with_its_edges(self, known: Known, reader: Reader) -> None:
        mistyped = ITEM.replace("The miller", "Teh miller").replace("a day?", "a daay?")
        assert found(known, reader, f"{BEFORE} {mistyped} {BEHIND}") == mistyped

    def test_of_two_side_by_side_one(self, known: Known, reader: Reader) -> None:
        text = f"{ITEM} {ITEM}"
        region = read(reader, text)
        half = len(ITEM) // 2
        for start, end in ((0, len(ITEM)), (half, half + len(ITEM)), (half, len(text))):
            start, end = completed(known.question, region, start, end)
            assert text[start:end] == ITEM

    def test_what_is_no_copy_stays(self, known: Known, reader: Reader) -> None:
        region = read(reader, f"{BEFORE} {BEHIND}")
        for place in ((0, 10), (0, len(region.text)), (5, 5), (0, 0)):
            assert completed(known.question, region, *place) == place

    def test_an_item_without_words(self, reader: Reader) -> None:
        region = read(reader, BEFORE)
        assert completed(read(reader, "?"), region, 0, len(BEFORE)) == (0, len(BEFORE))


class TestEqualRuns:
    def shown(self, reader: Reader, item: str, text: str) -> list[tuple[str, str]]:
        runs = equal_runs(read(reader, item), read(reader, text))
        assert runs == sorted(runs)
        return [(item[a:b], text[c:d]) for a, b, c, d in runs]

    def test_they_hold_equal_text(self, reader: Reader) -> None:
        text = f"  {BEFORE} The MILLER of\nAnsbach sleeps, keeps one sack in 9 and 42 sacks"
        shown = self.shown(reader, ITEM, text)
        assert ("The miller of Ansbach", "The MILLER of\nAnsbach") in shown
        assert ("keeps one sack in", "keeps one sack in") in shown
        for one, other in shown:
            assert one.lower().split() == other.lower().split()

    def test_one_text_is_one_run(self, reader: Reader) -> None:
        assert self.shown(reader, ITEM, ITEM) == [(ITEM[:-1], ITEM[:-1])]

    def test_a_lone_word_counts_if_it_says_something(self, reader: Reader) -> None:
        assert self.shown(reader, "The wallower of it", "Wallower, they say") == [
            ("wallower", "Wallower")
        ]
        assert self.shown(reader, "of mills", "of roses") == []

    @pytest.mark.parametrize(
        ("item", "text"), [("", ITEM), (ITEM, ""), ("?", "?"), ("水車", "風車")]
    )
    def test_there_may_be_none(self, reader: Reader, item: str, text: str) -> None:
        assert self.shown(reader, item, text) == []

    def test_places_are_those_of_odd_texts_too(self, reader: Reader) -> None:
        item, text = "\ud800 İzmir 水車 dam weir", "😀\ud83d\ude00 İ İzmir  水車\tdam-weir"
        assert self.shown(reader, item, text) == [("İzmir 水車 dam weir", "İzmir  水車\tdam-weir")]

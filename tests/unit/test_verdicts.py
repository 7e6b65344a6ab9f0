"""Verdicts: copies, altered copies, texts about the same, and whether the answer stands there."""

from __future__ import annotations

import json
import textwrap

import numpy as np
import pytest

from audits.findings import Kind
from audits.items import Item
from audits.verify.known import KnownItems
from audits.verify.reading import Reader
from audits.verify.verdicts import Verdict, answer_there, verdict
from audits.verify.weighing import Weighed, weigh

MILL = Item(
    "mills",
    "m0",
    "The miller of Ansbach grinds 42 sacks of barley a day and keeps one sack in 8 as his toll. "
    "Does the granary of Brodick hold more rye than the granary of Cremona?",
    answer="yes",
)
CHOICES = Item(
    "mills",
    "m1",
    "Which is true?",
    ("Overshot wheels waste water.", "Millstones are granite.", "Sluices close at noon."),
    "Millstones are granite.",
)
BEFORE = "Prune the roses late in winter. The ferry leaves the pier at seven."
BEHIND = "Her first novel was turned down by nine publishers. Store the negatives in a dry place."
LITTLE = 0.02


def weighed(reader: Reader, item: Item, text: str, *others: Item) -> Weighed:
    items = [item, *others]
    known = KnownItems(items, reader, np.full((len(items), 3), -1))
    return weigh(known, reader, [(text, range(len(items)))])[0][0]


def judged(
    reader: Reader,
    text: str,
    item: Item = MILL,
    *,
    restated: float = LITTLE,
    explained: float = LITTLE,
    threshold: float = 0.5,
) -> Verdict:
    return verdict(weighed(reader, item, text), item, restated, explained, threshold)


def mistyped(text: str) -> str:
    for one, other in (("miller", "milelr"), ("barley", "barly"), ("granary", "granray")):
        text = text.replace(one, other)
    return text


class TestCopies:
    @pytest.mark.parametrize(
        "text",
        [
            MILL.question,
            f"{BEFORE} {MILL.question} {BEHIND}",
            f"{BEFORE}\n\n{MILL.question}\n\n{BEHIND}",
            textwrap.fill(MILL.question, 34),
            textwrap.indent(textwrap.fill(MILL.question, 50), "> "),
            MILL.question.upper(),
            MILL.question.replace(",", "").replace(".", " —").replace(" ", "  "),
            f"<p>{MILL.question}</p>",
            f"Q3) {MILL.question} A: yes",
        ],
    )
    def test_one_is_verbatim_whatever_the_models_say(self, reader: Reader, text: str) -> None:
        found = judged(reader, text)
        assert found.kind is Kind.VERBATIM
        assert found.probability >= 0.99
        assert found.evidence["said"] == 1
        assert found.evidence["lost"] == found.evidence["numbers_changed"] == []

    def test_numbers_may_be_written_out(self, reader: Reader) -> None:
        found = judged(reader, MILL.question.replace("one sack", "1 sack"))
        assert found.probability < 0.5  # by the rule alone: a word is missing

    def test_a_mistyped_one_is_near_verbatim(self, reader: Reader) -> None:
        found = judged(reader, f"{BEFORE} {mistyped(MILL.question)} {BEHIND}")
        assert found.kind is Kind.NEAR_VERBATIM
        assert found.probability >= 0.99
        assert found.evidence["lost"] == []

    def test_one_mistyped_word_of_many_is_enough_for_that(self, reader: Reader) -> None:
        found = judged(reader, MILL.question.replace("Cremona", "Crenoma"))
        assert found.kind is Kind.NEAR_VERBATIM

    def test_other_words_of_grammar_are_near_verbatim(self, reader: Reader) -> None:
        text = MILL.question.replace("as his", "for a").replace("The miller of", "Our miller at")
        found = judged(reader, text)
        assert found.kind is Kind.NEAR_VERBATIM
        assert found.probability >= 0.99

    def test_of_a_short_stem_the_choices_count_in_any_order(self, reader: Reader) -> None:
        first, second, third = CHOICES.choices
        for choices in ((first, second, third), (third, first, second), (second, third, first)):
            text = "\n".join(
                (CHOICES.question, *(f"{'ABC'[at]}. {one}" for at, one in enumerate(choices)))
            )
            found = judged(reader, text, CHOICES)
            assert found.kind is Kind.VERBATIM, choices
            assert found.probability >= 0.99

    def test_a_few_common_words_are_no_copy_of_an_item(self, reader: Reader) -> None:
        item = Item("mills", "m2", "What did he say then?")
        found = judged(reader, "What did he say then?", item)
        assert found.probability == pytest.approx(LITTLE)
        assert found.kind is Kind.ALTERED  # said, and not given away

    def test_a_very_long_item_is_compared_as_a_whole(self, reader: Reader) -> None:
        long = f"{BEFORE} {BEHIND} " * 14
        one, other = (
            Item("mills", who, f"{long} Which {who} rowed?") for who in ("miller", "cook")
        )
        assert judged(reader, f"{BEHIND} {one.question} {BEFORE}", one).kind is Kind.VERBATIM
        found = judged(reader, f"{BEHIND} {one.question} {BEFORE}", other)
        assert found.probability == pytest.approx(LITTLE)
        assert found.evidence["lost"] == ["cook"]


class TestAltered:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("42", "43"),
            ("one sack in 8", "one sack in 18"),
            ("barley", "oats"),
            ("more rye", "less rye"),
            ("Brodick", "Delft"),
        ],
    )
    def test_a_changed_word_is_no_copy(self, reader: Reader, old: str, new: str) -> None:
        found = judged(reader, f"{BEFORE} {MILL.question.replace(old, new)} {BEHIND}")
        assert found.kind is Kind.ALTERED
        assert found.probability == pytest.approx(LITTLE)
        assert old.split()[-1].lower() in found.evidence["lost"] or "more" in found.evidence["lost"]

    def test_changed_numbers_are_named(self, reader: Reader) -> None:
        found = judged(reader, MILL.question.replace("42", "43"))
        assert found.evidence["numbers_changed"] == ["42"]
        swapped = judged(
            reader, MILL.question.replace("42", "x").replace("8", "42").replace("x", "8")
        )
        assert swapped.evidence["numbers_changed"] == []
        assert swapped.kind is Kind.ALTERED

    def test_words_that_change_places_are_no_copy(self, reader: Reader) -> None:
        text = MILL.question.replace("Brodick", "x").replace("Cremona", "Brodick")
        found = judged(reader, text.replace("x", "Cremona"))
        assert found.kind is Kind.ALTERED
        assert found.probability == pytest.approx(LITTLE)

    def test_the_same_words_in_another_order_are_not_said(self, reader: Reader) -> None:
        found = judged(reader, " ".join(reversed(MILL.question.split())))
        assert found.kind is Kind.SAME_TOPIC
        assert found.evidence["said"] < 0.4

    @pytest.mark.parametrize(
        ("old", "new"), [("Does the", "Doesn't the"), ("keeps one", "never keeps one")]
    )
    def test_a_negation_makes_it_another_question(self, reader: Reader, old: str, new: str) -> None:
        assert judged(reader, MILL.question.replace(old, new)).kind is Kind.ALTERED
        item = Item("mills", "m3", MILL.question.replace(old, new))
        assert judged(reader, MILL.question, item).kind is Kind.ALTERED

    def test_the_model_does_not_overrule_a_negation(self, reader: Reader) -> None:
        old, new = "keeps one", "never keeps one"
        found = judged(reader, MILL.question.replace(old, new), restated=0.97, explained=0.9)
        assert (found.kind, found.probability) == (Kind.ALTERED, 0.005)
        item = Item("mills", "m3", MILL.question.replace(old, new))
        assert judged(reader, MILL.question, item, restated=0.97).kind is Kind.ALTERED

    def test_the_passage_alone_is_no_leak_of_its_question(self, reader: Reader) -> None:
        told = "The miller of Ansbach grinds barley in autumn, and in spring he mends the weir."
        item = Item("mills", "m4", "What does the miller of Ansbach do in spring?", passage=told)
        found = judged(reader, told, item, restated=0.97, explained=0.99)
        assert (found.kind.leak, found.probability) == (False, 0.005)
        assert judged(reader, item.question, item).kind is Kind.VERBATIM
        free = "In spring the weir is mended by him who mills at Ansbach."
        assert judged(reader, free, item, restated=0.97).kind.leak

    def test_a_mistyped_negation_is_one(self, reader: Reader) -> None:
        item = Item("mills", "m3", MILL.question.replace("keeps one", "never keeps one"))
        text = item.question.replace("never", "nevre")
        assert judged(reader, text, item).kind is Kind.NEAR_VERBATIM

    def test_a_negation_beside_it_does_not(self, reader: Reader) -> None:
        text = f"That is not so. {MILL.question} Not that I know."
        assert judged(reader, text).kind is Kind.VERBATIM


class TestThreshold:
    TEXT = f"{BEFORE} {MILL.question.replace('42', '43')} {BEHIND}"
    OTHER = "A miller's toll was a share of the grain, such as one sack in sixteen, by old custom."

    def test_what_the_model_is_sure_of_is_a_leak(self, reader: Reader) -> None:
        found = judged(reader, self.OTHER, restated=0.8)
        assert (found.kind, found.probability) == (Kind.PARAPHRASE, 0.8)
        assert judged(reader, self.TEXT, restated=0.8).kind is Kind.NEAR_VERBATIM

    def test_what_explains_the_answer_has_it(self, reader: Reader) -> None:
        found = judged(reader, self.OTHER, explained=0.8)
        assert (found.kind, found.answer) == (Kind.ANSWER_EXPLAINED, True)
        assert judged(reader, MILL.question, explained=1.0).kind is Kind.VERBATIM

    def test_below_it_nothing_leaks(self, reader: Reader) -> None:
        found = judged(reader, self.OTHER, restated=0.49, explained=0.4999)
        assert (found.kind, found.probability) == (Kind.SAME_TOPIC, 0.4999)
        assert judged(reader, self.OTHER, explained=0.5).kind is Kind.ANSWER_EXPLAINED
        assert judged(reader, self.TEXT, restated=0.49).kind is Kind.ALTERED

    @pytest.mark.parametrize("threshold", [0.0, 0.3, 0.999, 1.0])
    def test_a_leaking_kind_is_always_above_it(self, reader: Reader, threshold: float) -> None:
        for text in (MILL.question, self.TEXT, self.OTHER, "", "?"):
            found = judged(reader, text, restated=0.3, threshold=threshold)
            assert found.kind.leak == (found.probability >= threshold)


class TestEvidence:
    def test_it_is_json_and_its_spans_hold_equal_text(self, reader: Reader) -> None:
        text = f"\ud800 {BEFORE} {mistyped(MILL.question)} <script>{BEHIND}"
        found = judged(reader, text).evidence
        assert json.loads(json.dumps(found)) == found
        assert found["text"].strip() in text.replace("\ud800", "\ufffd")
        assert found["item_text"] == MILL.question
        for a, b, c, d in found["spans"]:
            assert found["item_text"][a:b].lower() == found["text"][c:d].lower()

    @pytest.mark.parametrize("text", ["", "?", "\ud800", "nan", "the of", "\n\n\n. .", "x" * 500])
    def test_any_text_has_a_verdict(self, reader: Reader, text: str) -> None:
        for item in (MILL, CHOICES, Item("mills", "m4", "?"), Item("mills", "m5", "")):
            found = judged(reader, text, item)
            assert found.kind is Kind.SAME_TOPIC
            assert found.probability == pytest.approx(LITTLE)
            assert not found.answer

    def test_margin_is_over_other_items_not_over_twins(self, reader: Reader) -> None:
        twin = Item("others", "m0", MILL.question)
        alone = weighed(reader, MILL, MILL.question).figures["margin"]
        beside = weighed(reader, MILL, MILL.question, twin).figures["margin"]
        over = weighed(reader, MILL, MILL.question, twin, CHOICES).figures["margin"]
        assert beside == alone > over > 0.5

    def test_without_others_it_is_over_the_neighbours(self, reader: Reader) -> None:
        near = Item("mills", "m6", MILL.question.replace("42", "43"))
        known = KnownItems([MILL, near], reader, np.array([[1], [0]]))
        ((one,),) = weigh(known, reader, [(MILL.question, [0])])
        assert 0 < one.figures["margin"] < 0.1
        ((two,),) = weigh(known, reader, [(MILL.question, [0])], rivals=[[1]])
        assert two.figures["margin"] == one.figures["margin"]

    def test_texts_that_were_read_before_are_not_read_again(self, reader: Reader) -> None:
        known = KnownItems([MILL], reader, np.array([[-1]]))
        texts = [MILL.question, BEFORE]
        regions = reader.read(texts)
        asked = [(text, [0]) for text in texts]
        for (one,), region in zip(weigh(known, reader, asked, regions), regions, strict=True):
            assert one.region is region
        assert weigh(known, reader, []) == []
        assert weigh(known, reader, [(BEFORE, [])]) == [[]]


def answered(reader: Reader, question: str, answer: str, text: str) -> bool:
    item = Item("mills", "m0", question, answer=answer)
    return answer_there(item, weighed(reader, item, text))


class TestAnswer:
    QUESTION = "Which grain does the miller of Ansbach grind, barley or rye?"

    @pytest.mark.parametrize(
        ("answer", "text", "there"),
        [
            ("oats", "He grinds oats.", True),
            ("oats", "He grinds rye.", False),
            ("Rolled Oats", "He grinds oats. They are rolled.", True),
            ("rolled oats", "He grinds oats.", False),
            ("the oat", "The miller grinds oats", True),
            ("", "He grinds oats.", False),
            ("?!", "He grinds oats?!", False),
            ("水車", "水車 で", True),
        ],
    )
    def test_all_its_words_must_stand_there(
        self, reader: Reader, answer: str, text: str, there: bool
    ) -> None:
        assert answered(reader, self.QUESTION, answer, text) is there

    @pytest.mark.parametrize(
        ("answer", "text", "there"),
        [
            ("12", "It takes 12 days.", True),
            ("12", "It takes 120 days, or 1.2.", False),
            ("12", "It takes 12.0 days.", True),
            ("1,250", "He grinds 1250 sacks.", True),
            ("1250", "He grinds 1,250 sacks.", True),
            ("3.5", "He grinds 5 of 3 sacks.", False),
            ("$18", "He earns 18 dollars.", True),
        ],
    )
    def test_numbers_count_as_they_count(
        self, reader: Reader, answer: str, text: str, there: bool
    ) -> None:
        assert answered(reader, self.QUESTION, answer, text) is there

    def test_what_the_question_says_is_no_answer(self, reader: Reader) -> None:
        for question, answer in (
            (self.QUESTION, "barley"),
            ("True or false: the mill of Ansbach grinds barley.", "True"),
            ("Of 12 sacks the miller keeps none. How many are left?", "12"),
        ):
            for text in (question, f"{BEFORE} {question} {BEHIND}", textwrap.fill(question, 25)):
                assert not answered(reader, question, answer, text), text
                assert answered(reader, question, answer, f"{text}\nAnswer: {answer}")
                assert answered(reader, question, answer, f"The answer is {answer}. {text}")

    def test_what_an_explanation_says_is(self, reader: Reader) -> None:
        assert answered(reader, self.QUESTION, "barley", "In that town, barley is what he mills.")
        assert answered(
            reader, "True or false: the mill grinds barley.", "True", "It is true, he does so."
        )

    def test_choices_that_are_part_of_the_question(self, reader: Reader) -> None:
        copied = "\n".join((CHOICES.question, *CHOICES.choices))
        for text, there in (
            (copied, False),
            (f"{copied}\nAnswer: {CHOICES.answer}", True),
            ("As everybody knows, millstones are granite.", True),
            ("Sluices close at noon.", False),
        ):
            assert answer_there(CHOICES, weighed(reader, CHOICES, text)) is there, text

    def test_it_may_stand_around_what_matches(self, reader: Reader) -> None:
        text = f"{BEFORE} {MILL.question} {BEHIND} So the answer is: yes."
        assert judged(reader, text).answer
        assert not judged(reader, f"{BEFORE} {MILL.question} {BEHIND}").answer

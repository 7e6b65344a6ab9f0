"""`inject`: each form of a known leak, the numbers that may change, and where it is put."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from audits.findings import Kind
from audits.items import Item
from audits.leaks.inject import FORMS, inject, place, render
from pipeline.core.errors import ConfigError

QUESTION = (
    "A baker fills 24 trays with 15 rolls each, although 30 of the rolls are burnt, and sells the "
    "rest at $2.50 a bag. What does she earn, if each bag holds six rolls?"
)
ITEM = Item("quiz", "0", QUESTION, answer="$137.50", solution="24 x 15 - 30 = 330; 330 / 6 = 55.")
CHOICE = Item(
    "quiz",
    "1",
    "Which of these rivers, among those that cross the old town, is the longest of them all?",
    choices=("Ansa", "Orrin", "Tarn", "Lyle"),
    answer="Orrin",
)
CODE = Item(
    "tasks",
    "2",
    'def first(words):\n    """Return the first of the words that is 3 letters long."""\n',
    solution="    return next(w for w in words if len(w) == 3)",
    language="py",
)
HOST = (
    "The mill stands by the river. It was built of stone! Nobody knows by whom.\n\n"
    "Later it became a school. The wheel still turns.\n\n"
    "Today it is a house."
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def written(form: str, item: Item = ITEM, count: int = 40) -> set[str]:
    return {render(item, form, rng(seed)) for seed in range(count)}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


# --- forms -------------------------------------------------------------------------------------


def test_kinds_of_the_forms() -> None:
    kinds = {name: form.kind for name, form in FORMS.items()}
    assert [name for name, kind in kinds.items() if kind is Kind.NEAR_VERBATIM] == [
        "typos",
        "reworded",
    ]
    assert [name for name, kind in kinds.items() if kind is Kind.ALTERED] == ["other-number"]
    assert {*kinds.values()} == {Kind.VERBATIM, Kind.NEAR_VERBATIM, Kind.ALTERED}


def test_an_own_paragraph_has_the_question_and_the_choices() -> None:
    assert written("own-paragraph") == {QUESTION}
    for text in written("own-paragraph", CHOICE):
        question, *choices = text.split("\n")
        assert question == CHOICE.question
        assert [choice.split(maxsplit=1)[1] for choice in choices] == list(CHOICE.choices)


def test_a_question_alone_is_one_that_has_choices_and_words_enough() -> None:
    assert written("question-only", CHOICE) == {CHOICE.question}
    assert written("question-only", dataclasses.replace(CHOICE, question="Which is true?")) == {""}
    assert written("question-only") == {""}


def test_inline_has_no_line_break() -> None:
    (text,) = written("inline", CODE)
    assert "\n" not in text
    assert words(text) == words(CODE.question)


def test_hard_wrapped_lines_are_60_to_80_columns_wide() -> None:
    widths = set()
    for text in written("hard-wrapped", count=200):
        lines = text.split("\n")
        assert len(lines) > 1
        widths.add(max(map(len, lines)))
        assert max(map(len, lines)) <= 80
        bare = re.sub(r"^(?:[>|*-] | +)", "", text, flags=re.MULTILINE)
        assert words(bare) == words(QUESTION)
    assert min(widths) < 65 < 72 < max(widths)
    assert {text[:2] for text in written("hard-wrapped", count=200)} >= {"> ", "| ", "* ", "- "}
    assert written("hard-wrapped", dataclasses.replace(ITEM, question="Too short?")) == {""}


def test_typos_change_about_a_letter_in_twelve_words_and_no_number() -> None:
    for text in written("typos"):
        assert text != QUESTION
        assert re.findall(r"[\d.]*\d", text) == re.findall(r"[\d.]*\d", QUESTION)
        changed = set(words(text)) - set(words(QUESTION))
        assert 1 <= len(changed) <= round(len(words(QUESTION)) / 12)
        assert "six" in words(text)
    assert written("typos", Item("b", "0", "1 + 1 = two?")) == {""}


def test_case_and_punctuation_keep_words_and_numbers() -> None:
    texts = written("case-punctuation")
    assert len(texts) >= 4
    for text in texts:
        assert text != QUESTION
        assert words(text) == words(QUESTION)
    assert any("$2.50" in text and "," not in text for text in texts)


def test_shuffled_choices_are_in_another_order_and_sometimes_marked() -> None:
    texts = written("choices-shuffled", CHOICE, 100)
    for text in texts:
        order = sorted(CHOICE.choices, key=text.index)
        assert order != list(CHOICE.choices)
        marked = re.search(r"([A-D])$", text) if "nswer" in text else None
        if marked:
            assert order[ord(marked[1]) - ord("A")] == "Orrin"
        for mark in (" *", " (correct)"):
            assert mark not in text or f"Orrin{mark}" in text
    assert any("nswer: " in text for text in texts)
    assert any("(correct)" in text for text in texts)
    assert any("(correct)" not in text and "nswer" not in text for text in texts)
    assert written("choices-shuffled") == {""}


def test_question_and_answer() -> None:
    texts = written("question-answer")
    assert all(QUESTION in text for text in texts)
    assert any(ITEM.answer in text for text in texts)
    assert any(ITEM.solution in text for text in texts)
    assert written("question-answer", dataclasses.replace(ITEM, answer="", solution="")) == {""}


def test_markup_is_escaped() -> None:
    for text in written("markup", Item("b", "0", 'Is 1 < 2 & "so"?', choices=("yes", "no"))):
        assert "1 &lt; 2 &amp; &quot;so&quot;?" in text
        assert "<" in text.replace("&lt;", "")


def test_numbered() -> None:
    assert all(re.search(r"\d", text[: text.index("A baker")]) for text in written("numbered"))


def test_reworded_changes_few_words_and_none_that_matter() -> None:
    texts = written("reworded")
    matter = {"baker", "fills", "24", "15", "30", "trays", "rolls", "burnt", "earn", "bag", "six"}
    for text in texts:
        assert text != QUESTION
        assert matter <= set(words(text))
        gone = len(words(QUESTION)) - len(words(text))
        new = [word for word in words(text) if word not in words(QUESTION)]
        assert 1 <= len(new) + gone <= round(len(words(QUESTION)) * 0.1)
        assert "  " not in text
    assert len(texts) > 5
    assert written("reworded", dataclasses.replace(ITEM, language="de")) == {""}


def test_code_is_reworded_in_its_prose_only() -> None:
    head, tail = "def f(can):\n    while can and that.which:\n        each = ", "\n    also(then)"
    prose = "'Say whether the list of all the words is empty.'"
    code = dataclasses.replace(CODE, question=head + prose + tail)
    texts = written("reworded", code)
    assert len(texts) > 1
    for text in texts:
        assert text.startswith(head)
        assert text.endswith(tail)


@pytest.mark.parametrize("form", FORMS)
def test_an_item_without_text_has_no_form(form: str) -> None:
    assert render(Item("b", "0", " \n"), form, rng()) == ""


# --- another number ----------------------------------------------------------------------------


def changed(question: str, **parts: str) -> set[str]:
    """What stands in place of the number, for each number that may change."""
    item = Item("b", "0", question, **parts)  # type: ignore[arg-type]
    found = set()
    for text in written("other-number", item, 80):
        if text:
            found |= set(re.findall(r"[\d.,]*\d|\w+", text)) - set(
                re.findall(r"[\d.,]*\d|\w+", question)
            )
    return found


def test_one_number_becomes_another_of_its_magnitude() -> None:
    for text in written("other-number"):
        before, after = re.findall(r"[\d.]*\d", QUESTION), re.findall(r"[\d.]*\d", text)
        different = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert len(different) == 1
        ((old, new),) = different
        assert len(old) == len(new)
        assert float(old) / 2.1 <= float(new) <= 3 * float(old)
        assert re.sub(r"[\d.]*\d", "", text) == re.sub(r"[\d.]*\d", "", QUESTION)


@pytest.mark.parametrize(
    ("question", "pattern"),
    [
        ("He pays $1,250 for it.", r"\d,\d\d0"),
        ("It costs 0.35 per metre.", r"0\.\d\d"),
        ("There are 600 of them.", r"[3-9]00"),
        ("She has 7 of them.", r"[2-9]"),
        ("She has seven of them.", r"two|three|four|five|six|eight|nine|ten|eleven|twelve"),
        ("Thirty of them left.", r"Twenty|Forty|Fifty|Sixty|Seventy|Eighty|Ninety"),
        ("How much is $3 + x$ then?", r"[2-9]"),
    ],
)
def test_a_number_keeps_its_shape(question: str, pattern: str) -> None:
    found = changed(question)
    assert found
    assert all(re.fullmatch(pattern, number) for number in found), found


@pytest.mark.parametrize(
    "question",
    [
        "What happened in 1648?",
        "Who was the 16th president?",
        "A 34-year-old man, aged 34, and a girl 7 years old came in.",
        "It was on 3 May or May 4 that he left.",
        "What follows from Article 5, and from Statement 2?",
        "What is H2SO4, S_5, x^2/3 and COVID-19?",
        "At 8:15 he was there, and in the years 1990-1995.",
        "Is one of them 0 or 1?",
        "All of it, 100%, is gone.",
        "About two thirds of the total; compare the two of them.",
        "1. What is it?",
        "Which is it?",
    ],
)
def test_numbers_that_need_not_matter_stay(question: str) -> None:
    assert changed(question) == set()


def test_another_number_is_not_one_that_stands_there() -> None:
    others = {"2", "3", "4", "6", "7", "8"}
    assert changed("Are 5 enough?", answer=" ".join(others)) == {"9"}
    assert changed("Are 5 enough?", answer="2 3 4 6 7 8 9") == set()


def test_numbers_of_code_stay() -> None:
    assert written("other-number", CODE) == {""}


# --- places ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_offsets_are_exact_and_the_host_is_whole(form: str) -> None:
    for item in (ITEM, CHOICE, CODE):
        for seed in range(20):
            if not render(item, form, rng(seed)):
                continue
            found = inject(item, HOST, form, rng(seed))
            assert found.item is item
            assert (found.kind, found.form) == (FORMS[form].kind, form)
            piece = found.document_text[found.start : found.end]
            assert piece == render(item, form, rng(seed))
            assert words(found.document_text.replace(piece, "", 1))[:3] in (
                ["the", "mill", "stands"],
                words(found.document_text)[:3],
            )
            assert found == inject(item, HOST, form, rng(seed))


def test_a_paragraph_of_its_own_stands_between_paragraphs() -> None:
    texts = {place("NEW", HOST, rng(seed))[0] for seed in range(60)}
    parts = HOST.split("\n\n")
    assert texts == {"\n\n".join([*parts[:at], "NEW", *parts[at:]]) for at in range(4)}


def test_a_host_of_one_paragraph_is_parted_at_a_sentence() -> None:
    texts = {place("NEW", "One. Two! Three", rng(seed))[0] for seed in range(60)}
    assert texts == {
        "NEW\n\nOne. Two! Three",
        "One. \n\nNEW\n\nTwo! Three",
        "One. Two! \n\nNEW\n\nThree",
        "One. Two! Three\n\nNEW",
    }


def test_inline_stands_within_a_paragraph() -> None:
    for seed in range(30):
        found = inject(CHOICE, HOST, "inline", rng(seed))
        before, after = (
            found.document_text[: found.start],
            found.document_text[found.end :],
        )
        assert before[-1] == " "
        assert "\n\n" not in before[-20:] + after[:20]
        assert after.startswith(". ")  # the sentence is closed, and the host goes on
        assert not HOST.startswith(found.document_text[found.start :])
    ends = {inject(ITEM, HOST, "inline", rng(seed)).document_text[-20:] for seed in range(30)}
    assert ends == {"Today it is a house."}


@pytest.mark.parametrize("host", ["", " \n", "no end"])
@pytest.mark.parametrize("form", ["own-paragraph", "inline"])
def test_hosts_without_a_boundary(host: str, form: str) -> None:
    found = inject(ITEM, host, form, rng())
    assert found.document_text[found.start : found.end] == QUESTION
    assert host.strip() in found.document_text


def test_errors_name_the_mend() -> None:
    with pytest.raises(ConfigError, match="no form 'typo'; did you mean 'typos'"):
        render(ITEM, "typo", rng())
    with pytest.raises(ConfigError, match=r"quiz item '0' cannot be written as 'choices-shuffled'"):
        inject(ITEM, HOST, "choices-shuffled", rng())

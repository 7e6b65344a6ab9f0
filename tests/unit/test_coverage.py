"""`coverage`: what an audit can check, and why not the rest."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.benchmarks.coverage import Coverage, Gap, Method, Reason, coverage
from audits.items import Item
from pipeline.core.errors import ConfigError

ITEM = Item("quiz", "0", "How many legs do eight spiders have?", answer="64")


def item(question: str, number: int = 0, **parts: Any) -> Item:
    return dataclasses.replace(ITEM, id=str(number), question=question, **parts)


def of(*items: Item, **settings: Any) -> Coverage:
    return coverage(items, **{"semantic_languages": {"en"}, "min_words": 3, **settings})


def reasons(found: Coverage) -> dict[str, str]:
    """Of one item, by method."""
    return {gap.method.value: gap.reason.value for gap in found.gaps}


BOTH = ("lexical", "semantic")


def both(reason: str) -> dict[str, str]:
    return dict.fromkeys(BOTH, reason)


def test_an_item_with_text_and_answer_can_be_checked() -> None:
    found = of(ITEM)
    assert found.gaps == ()
    assert [found.checked(method) for method in Method] == [1, 1, 1]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (item(""), both("no_text")),
        (item(" \n?!"), both("no_text")),
        (item("Why so?"), both("too_short")),
        (item("Why is so?"), {}),
        (item("A. Why (b) so?"), both("too_short")),  # labels are no words
        (item("Why?", choices=("first thing", "second thing")), {}),
        (item("", choices=("one", "two", "three")), {}),
        (item("Why so?", choices=("a", "b")), both("too_short")),
        (item("为什么天是蓝的", language="zh"), {"semantic": "language"}),
        (item("Wo?", language="de"), both("too_short")),
        (item("def add(a, b): return the sum", language="py"), {}),
        (item("Why is so?", answer=""), {"answer": "no_answer"}),
        (item("Why is so?", answer="C"), {"answer": "no_answer"}),
        (item("Why is so?", answer=" Yes "), {"answer": "no_answer"}),
        (item("Why is so?", answer="7"), {}),
        (item("Why is so?", answer="", solution="return all of it"), {}),
        (item("When?", passage="A long text of its own."), {}),
    ],
)
def test_reasons(one: Item, expected: dict[str, str]) -> None:
    assert reasons(of(one)) == expected


def test_languages_that_an_encoder_reads() -> None:
    german = item("Wie viele Beine hat es?", language="de")
    assert reasons(of(german)) == {"semantic": "language"}
    assert reasons(of(german, semantic_languages={"en", "de"})) == {}


def test_a_stem_that_many_items_share_is_no_ones_own() -> None:
    stem = "Which of the following is true?"
    shared = [item(stem, n, passage=f"Passage of number {n}, here.") for n in range(3)]
    assert of(*shared[:2]).gaps == ()
    public = of(*shared, public_passages={"quiz"})
    assert public.reasons(Method.LEXICAL) == {Reason.PUBLIC_PASSAGE: 3}
    assert public.passages_left_out == 3
    bare = of(
        *(dataclasses.replace(one, passage="", answer=str(n)) for n, one in enumerate(shared))
    )
    assert bare.reasons(Method.SEMANTIC) == {Reason.TOO_SHORT: 3}
    assert bare.unchecked() == (("quiz", "0"), ("quiz", "1"), ("quiz", "2"))
    chosen = [
        dataclasses.replace(one, passage="", choices=(f"the {n} one", f"no {n} at all"))
        for n, one in enumerate(shared)
    ]
    assert of(*chosen).gaps == ()


def test_copies_of_one_item_do_not_hide_each_other() -> None:
    assert of(*(dataclasses.replace(ITEM, id=str(n)) for n in range(5))).gaps == ()


def test_choices_that_many_questions_share_are_no_ones_own() -> None:
    pair = ("It is true", "It is false")
    asked = [item(f"Is {n}?", n, choices=pair) for n in (11, 22, 33)]
    assert of(*asked[:2]).gaps == ()
    assert of(*asked).reasons(Method.LEXICAL) == {Reason.TOO_SHORT: 3}


def test_benchmarks_are_looked_at_apart() -> None:
    stems = [
        dataclasses.replace(item("Which of these is true?", answer=str(n)), benchmark=f"quiz{n}")
        for n in range(4)
    ]
    assert of(*stems).gaps == ()


def test_a_public_passage_is_left_out_but_costs_no_question() -> None:
    asked = item("Who wrote the long book?", passage="A long text that all know.")
    found = of(asked, public_passages={"quiz"})
    assert found.gaps == ()
    assert found.passages_left_out == 1
    short = of(item("Who?", passage="A long text that all know."), public_passages={"quiz"})
    assert reasons(short) == both("public_passage")


def test_the_account_as_plain_values() -> None:
    found = of(ITEM, item("Why?", 1, answer=""))
    assert found.gaps == (
        Gap("quiz", "1", Method.LEXICAL, Reason.TOO_SHORT),
        Gap("quiz", "1", Method.SEMANTIC, Reason.TOO_SHORT),
        Gap("quiz", "1", Method.ANSWER, Reason.NO_ANSWER),
    )
    assert found.to_json() == {
        "items": 2,
        "passages_left_out": 0,
        "lexical": {"checked": 1, "not": {"too_short": 1}},
        "semantic": {"checked": 1, "not": {"too_short": 1}},
        "answer": {"checked": 1, "not": {"no_answer": 1}},
    }


def test_nothing_and_nonsense() -> None:
    assert of() == Coverage(0, ())
    with pytest.raises(ConfigError, match="min_words must be at least 1"):
        of(ITEM, min_words=0)


ITEMS = st.builds(
    Item,
    benchmark=st.sampled_from(["a", "b"]),
    id=st.just("0"),
    question=st.text() | st.sampled_from(["Which is true?", "Why is it so?"]),
    choices=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    answer=st.text(max_size=5),
    passage=st.sampled_from(["", "A passage of words."]),
    language=st.sampled_from(["en", "zh", "py"]),
)


@given(st.lists(ITEMS, max_size=8), st.booleans())
def test_every_item_is_checked_or_has_its_reason(items: list[Item], public: bool) -> None:
    items = [dataclasses.replace(one, id=str(number)) for number, one in enumerate(items)]
    found = of(*items, public_passages={"a", "b"} if public else ())
    keys = [(gap.benchmark, gap.item, gap.method) for gap in found.gaps]
    assert len(set(keys)) == len(keys)
    for method in Method:
        assert found.checked(method) + sum(found.reasons(method).values()) == len(items)
    lexical, semantic = (
        {gap.item for gap in found.gaps if gap.method is method}
        for method in (Method.LEXICAL, Method.SEMANTIC)
    )
    assert lexical <= semantic

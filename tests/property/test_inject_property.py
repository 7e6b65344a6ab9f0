"""Any item in any text: exact offsets, nothing of the host lost, and forms that do not hang on chance."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.findings import Kind
from audits.items import Item
from audits.leaks.inject import FORMS, inject, place, render

SAMPLE = "the of that is it's 12 3.5 1,200 2024 seven half (a) x_1 don't Was? end. “so” née 東京"
WORDS = st.sampled_from([*SAMPLE.split(), "\n", "\n\n", ""])
TEXT = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=40).map(" ".join))
ITEM = st.builds(
    Item,
    benchmark=st.just("b"),
    id=st.just("0"),
    question=TEXT,
    choices=st.lists(TEXT, max_size=5).map(tuple),
    answer=TEXT,
    solution=TEXT,
    language=st.sampled_from(["en", "de", "py"]),
)
FORM = st.sampled_from(sorted(FORMS))
SEED = st.integers(0, 99)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None, max_examples=300)
@given(ITEM, TEXT, FORM, SEED, SEED)
def test_what_is_written_stands_where_it_says(
    item: Item, host: str, form: str, seed: int, other: int
) -> None:
    text = render(item, form, rng(seed))
    assert bool(text) == bool(render(item, form, rng(other)))  # an item has a form or has it not
    if not text:
        return
    found = inject(item, host, form, rng(seed))
    assert found.document_text[found.start : found.end] == text
    assert found == inject(item, host, form, rng(seed))


@settings(deadline=None, max_examples=300)
@given(TEXT.filter(bool), TEXT, st.booleans(), SEED)
def test_the_host_is_what_is_left(piece: str, host: str, inline: bool, seed: int) -> None:
    document, start, end = place(piece, host, rng(seed), inline=inline)
    assert document[start:end] == piece
    before, after = document[:start], document[end:]
    glue = " " if inline else "\n\n"
    assert host in {
        head + tail
        for head in {before, before.removesuffix(glue)}
        for tail in {after, after.removeprefix(glue)}
    }


@settings(deadline=None, max_examples=300)
@given(ITEM, SEED)
def test_an_altered_item_differs_in_one_word(item: Item, seed: int) -> None:
    text = render(item, "other-number", rng(seed))
    if not text:
        return
    assert FORMS["other-number"].kind is Kind.ALTERED
    same = render(item, "own-paragraph", rng(seed))
    old, new = (Counter(re.findall(r"[\w.,]+", one)) for one in (same, text))
    labels = {*"ABCDE", *(f"{letter}." for letter in "ABCDE")}
    assert sum(count for word, count in (new - old).items() if word not in labels) == 1


@settings(deadline=None, max_examples=300)
@given(ITEM, SEED)
def test_typos_touch_no_digit(item: Item, seed: int) -> None:
    text = render(item, "typos", rng(seed))
    if text:
        digits = Counter(filter(str.isdigit, item.question + "".join(item.choices)))
        assert Counter(filter(str.isdigit, text)) == digits

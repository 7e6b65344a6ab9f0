"""The lexical tier for any text: words as a plain reading of the rules has them, copies found once each."""

from __future__ import annotations

import functools
import random
import re
import textwrap
import unicodedata

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audits.items import Item
from audits.lexical.tier import LexicalIndex
from audits.lexical.words import split
from pipeline.dedup.shingles import UNSPACED

ODD = (
    "aAzZ09 .)(][\n\t'’_-,…\u00a0\u00ad\u200b\u200d\ufeff\ufe0f\U000e0101\ud800\udfff\x1c\x00\x85"
    "ﬁﬃ²½①⑫ªµßİıŉéÉΣςЯя漢字々かカｶﾞไท１Ａ𝐀K\U00020000\u0301\u3099、。（）♥🙂\U0010ffff"
)
TEXT = st.one_of(
    st.text(st.sampled_from(ODD)),
    st.text(st.characters(exclude_categories=())),
    st.text(st.sampled_from("ab12 .)(\n")),
    st.text(st.sampled_from("mill wheel.x")),
)
WORD = st.text(st.sampled_from("bcdefghijklmnopqrstuvwxyz0123456789"), min_size=3, max_size=12)
SENTENCE = st.lists(WORD, min_size=1, max_size=60)
UNSEEN = "\u00ad\u200c\u200d\u200e\u200f\u2060\ufeff"


def in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def folded(character: str) -> str:
    """As `audits.lexical.letters` says; ``·`` for a separator, nothing for what is not there."""
    code = ord(character)
    if character in UNSEEN or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return ""
    if not in_word(character) or code >= 0x32400:
        blank = character.isspace() if code < 128 else unicodedata.category(character)[0] == "Z"
        return " " if blank else character if character in ".)]([" else "·"
    for form in (unicodedata.normalize("NFKC", character).casefold(), character.casefold()):
        if len(form.encode()) <= len(character.encode()) and all(map(in_word, form)):
            return form
    return character


def reference(text: str) -> list[tuple[str, int, int]]:
    """Words with their places, one character after the other."""
    cells = [(form, place) for place, character in enumerate(text) for form in folded(character)]
    line = " " + "".join(form for form, _ in cells) + " "
    line = re.sub(r"(?<=[ (\[])[0-9]{1,2}(?=[.)\]] )", lambda found: "·" * len(found[0]), line)
    words: list[tuple[str, int, int]] = []
    open_word = False
    for form, (_, place) in zip(line[1:-1], cells, strict=True):
        alone = any(first <= ord(form) <= last for first, last in UNSPACED)
        if not in_word(form):
            open_word = False
        elif open_word and not alone:
            words[-1] = (words[-1][0] + form, words[-1][1], place + 1)
        else:
            words.append((form, place, place + 1))
            open_word = not alone
    return [word for word in words if not re.fullmatch("[a-z]", word[0])]


@settings(max_examples=500)
@given(st.lists(TEXT, max_size=4))
def test_words_are_those_of_the_rules(texts: list[str]) -> None:
    words = split(texts)
    hashes: dict[str, int] = {}
    for number, text in enumerate(texts):
        first, last = words.bounds[number : number + 2].tolist()
        expected = reference(text)
        places = words.characters(number, [[at, at + 1] for at in range(first, last)]).tolist()
        assert places == [[start, end] for _, start, end in expected]
        for (word, *_), value in zip(expected, words.hashes[first:last].tolist(), strict=True):
            assert hashes.setdefault(word, value) == value
    assert len(set(hashes.values())) == len(hashes)


@given(st.lists(TEXT, max_size=5))
def test_a_batch_changes_nothing(texts: list[str]) -> None:
    together = split(texts).hashes.tolist()
    assert together == [value for text in texts for value in split([text]).hashes.tolist()]


@given(
    SENTENCE,
    st.integers(10, 80),
    st.sampled_from([", ", ". ", "; ", " — ", "\u00a0", "\r\n", " / ", "  ", "’ "]),
    st.sampled_from(
        ["- ", "* ", "> ", "> > ", "1. ", "12) ", "(3) ", "(b) ", "B. ", "## ", "\t• "]
    ),
)
def test_layout_changes_nothing(words: list[str], width: int, between: str, marker: str) -> None:
    plain = split([" ".join(words)]).hashes.tolist()
    wrapped = textwrap.wrap(" ".join(words), width, break_long_words=False)
    for text in (
        "\n".join(wrapped),
        "\n".join(marker + line for line in wrapped),
        between.join(words),
        " ".join(words).upper(),
        "**" + " ".join(words).title() + "**",
    ):
        assert split([text]).hashes.tolist() == plain


@functools.cache
def planted() -> tuple[list[str], list[Item], LexicalIndex]:
    """Invented words, items made of them, and their index."""
    draw = random.Random(5)
    words = ["".join(draw.choices("abdeghiklmnoprstuv", k=draw.randint(2, 9))) for _ in range(3000)]

    def some(low: int, high: int) -> str:
        return " ".join(draw.choices(words, k=draw.randint(low, high)))

    items = [
        Item(
            "invented",
            str(number),
            some(5, 40),
            choices=tuple(some(1, 9) for _ in range(4)) if number % 2 else (),
            solution=some(20, 60) if number % 3 == 0 else "",
        )
        for number in range(80)
    ]
    return words, items, LexicalIndex.build(items)


def written(item: Item, style: str, width: int) -> str:
    """An item as pages have it."""
    labels = ["A. ", "B. ", "C. ", "D. "] if style == "labelled" else ["- "] * 4
    lines = [item.question + "?", *map("".join, zip(labels, item.choices, strict=False))]
    if style == "shuffled":
        lines[1:] = reversed(lines[1:])
    if item.solution:
        lines.append(item.solution)
    text = "\n".join(lines)
    return "\n> ".join(textwrap.wrap(text, width)) if style == "quoted" else text


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 79),
    st.lists(st.integers(0, 120), min_size=1, max_size=4),
    st.sampled_from(["labelled", "listed", "shuffled", "quoted"]),
    st.integers(20, 90),
    st.integers(0, 2**32 - 1),
)
@example(
    71, [0, 0], "shuffled", 20, 0
)  # the last choice is further from the stem than from all else
def test_every_copy_is_found_once(
    number: int, between: list[int], style: str, width: int, seed: int
) -> None:
    copy = written(planted()[1][number], style, width)
    check_found(number, [(size, copy) for size in between], seed)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 79),
    st.lists(
        st.tuples(st.integers(0, 120), st.permutations(range(4)), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 2**32 - 1),
)
def test_copies_are_told_apart_whatever_the_order_within_each(
    number: int, between: list[tuple[int, list[int], bool]], seed: int
) -> None:
    """Every copy has its choices in an order of its own, and its solution behind or before them."""
    item = planted()[1][number]
    copies = []
    for size, order, solved_first in between:
        choices = ["- " + item.choices[at] for at in order if item.choices]
        parts = [item.question + "?", *choices]
        parts.insert(0 if solved_first else len(parts), item.solution)
        copies.append((size, "\n".join(part for part in parts if part)))
    check_found(number, copies, seed)


def check_found(number: int, copies: list[tuple[int, str]], seed: int) -> None:
    """Copies of an item, each behind so many words, are one hit each and nothing else is."""
    words, _, index = planted()
    draw = random.Random(seed)
    text, places = "", []
    for size, copy in copies:
        text += " ".join(draw.choices(words, k=size)) + "\n"
        places.append((len(text), len(text) + len(copy)))
        text += copy + "\n"
    text += " ".join(draw.choices(words, k=50))
    hits = [hit for hit in index.find(["nothing here", text, ""]) if hit.item == number]
    assert [hit.text for hit in hits] == [1] * len(places)
    found = sorted((hit.start, hit.end) for hit in hits)
    for (start, end), (first, last) in zip(found, places, strict=True):
        # A single letter and an n-gram that chance adds stand at the edges; no more.
        overlap = min(end, last) - max(start, first)
        assert overlap > 0.8 * max(end - start, last - first)
    assert all(hit.question > 0.9 for hit in hits)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_words_at_random_are_no_candidates(seed: int) -> None:
    words, _, index = planted()
    draw = random.Random(seed)
    assert index.find([" ".join(draw.choices(words, k=3000))]) == []


@given(st.lists(TEXT, max_size=3), st.integers(0, 79))
def test_any_text_can_be_searched_and_counted(texts: list[str], number: int) -> None:
    _, items, index = planted()
    texts = [*texts, items[number].question]
    counts = index.count(texts)
    assert counts.max() == 1
    assert np.array_equal(counts, index.count(texts[::-1]))
    hits = index.find(texts, index.weigh(counts, len(texts)))
    assert any(hit.item == number and hit.text == len(texts) - 1 for hit in hits)
    assert all(0 <= hit.start < hit.end <= len(texts[hit.text]) for hit in hits)

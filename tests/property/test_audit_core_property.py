"""What holds of every text that is read, aligned, weighed and judged, and of every set of trees."""

from __future__ import annotations

import json
import math
import textwrap

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audits.findings import Kind
from audits.items import Item
from audits.verify.evidence import NAMES, Known, evidence
from audits.verify.known import KnownItems, statement
from audits.verify.reading import Reader, Reading, number, stem
from audits.verify.spans import best_run, completed, equal_runs
from audits.verify.verdicts import answer_there, verdict
from audits.verify.verifier import Head, Verifier
from audits.verify.weighing import Weighed, weigh

TELLING = [
    "miller", "barley", "granary", "sluice", "wallower", "penstock", "Ansbach", "Brodick", "toll",
    "overshot", "spindle", "weir", "guilder", "widow", "surveyor", "meadow", "gravel", "journeyman",
    "42", "7", "1,250", "twelve", "half",
]  # fmt: skip
GRAMMAR = ["the", "of", "and", "a", "in", "to", "is", "which", "how", "not"]
ODD = [
    "\ud800",
    "İ",
    "水車",
    "😀",
    "don’t",
    "nan",
    "inf",
    "9" * 320,
    "e\u0301",
    "\u2028",
    "x" * 120,
    "٣.٥",
]
FILLER = (
    "Prune the roses late in winter.",
    "Her first novel was turned down by nine publishers.",
    "Store the negatives in acid-free sleeves!",
    "Who painted the ceiling of that chapel?",
)

FEW = settings(max_examples=25, deadline=None)

odd_texts = st.one_of(
    st.text(st.characters(codec=None, categories=None), max_size=80),
    st.lists(
        st.sampled_from([*TELLING, *GRAMMAR, *ODD, ".", "\n", "?", "\n\n", ":"]), max_size=60
    ).map(" ".join),
)
questions = st.lists(st.sampled_from(TELLING[:18]), min_size=6, max_size=18, unique=True).map(
    lambda words: " ".join(
        word if at % 3 else f"{GRAMMAR[at % 9]} {word}" for at, word in enumerate(words)
    )
)


def known_of(reader: Reader, *items: Item) -> Known:
    neighbours = np.array([[*range(1, len(items)), -1], *[[-1] * len(items)] * (len(items) - 1)])
    return KnownItems(items, reader, neighbours).known([0])[0]


def weighed(reader: Reader, item: Item, text: str) -> Weighed:
    known = KnownItems([item], reader, np.array([[-1]]))
    return weigh(known, reader, [(text, [0])])[0][0]


def consistent(reading: Reading, text: str) -> None:
    """A reading tells the truth of its text."""
    assert len(reading.text) == len(text)
    said = [text[start:end] for start, end in reading.spans.tolist()]
    assert [one.replace("İ", "i").lower().replace("’", "'") for one in said] == [*reading.words]
    assert (reading.spans[:, 0] < reading.spans[:, 1]).all()
    assert (reading.spans[1:, 0] >= reading.spans[:-1, 1]).all()
    assert ((reading.weights >= 0) & (reading.weights <= 1)).all()
    assert reading.stems == tuple(map(stem, reading.words))
    assert reading.numbers == tuple(map(number, reading.words))
    for vectors in (reading.context, reading.alone, reading.sums, reading.pooled, reading.vector):
        assert np.isfinite(vectors).all()


@FEW
@given(texts=st.lists(odd_texts, max_size=4))
def test_any_texts_are_read(reader: Reader, texts: list[str]) -> None:
    for whole in (False, True):
        readings = reader.read(texts, whole=whole)
        for text, reading in zip(texts, readings, strict=True):
            consistent(reading, text)
            (alone,) = reader.read([text], whole=whole)
            assert alone.words == reading.words
            assert np.array_equal(alone.context, reading.context)


@FEW
@given(text=odd_texts, cuts=st.tuples(st.integers(0, 400), st.integers(0, 400)))
def test_a_part_holds_the_words_that_are_whole_in_it(
    reader: Reader, text: str, cuts: tuple[int, int]
) -> None:
    start, end = sorted(min(cut, len(text)) for cut in cuts)
    (reading,) = reader.read([text])
    part = reading.part(start, end)
    consistent(part, text[start:end])
    inside = [start <= first and last <= end for first, last in reading.spans.tolist()]
    assert part.words == tuple(
        word for word, whole in zip(reading.words, inside, strict=True) if whole
    )
    assert np.array_equal(part.context, reading.context[inside])


@given(word=st.text(max_size=30))
def test_words_count_something_or_nothing(word: str) -> None:
    value = number(word)
    assert value is None or not math.isnan(value)
    assert len(stem(word)) <= len(word) + 1
    assert stem(word) == stem(word)


@FEW
@given(question=odd_texts, text=odd_texts, near=odd_texts, rest=odd_texts)
def test_all_figures_are_there_and_finite(
    reader: Reader, question: str, text: str, near: str, rest: str
) -> None:
    item = Item("mills", "a", question, (rest,), rest, rest)
    known = known_of(reader, item, Item("mills", "b", near))
    found = evidence(known, reader.read([text])[0], cosine=0.25, margin=-0.5)
    assert tuple(found) == NAMES
    assert all(map(math.isfinite, found.values()))


@FEW
@given(question=questions)
def test_a_text_loses_nothing_of_itself(reader: Reader, question: str) -> None:
    known = known_of(reader, Item("mills", "a", question))
    found = evidence(known, known.question, cosine=1, margin=1)
    assert all(abs(value) < 1e-3 for name, value in found.items() if "lost" in name)
    assert found["run"] == found["runs"] == found["order_item"] == 1
    assert found["length"] == 0


@FEW
@given(question=odd_texts, text=odd_texts)
def test_every_place_lies_in_its_text(reader: Reader, question: str, text: str) -> None:
    known = known_of(reader, Item("mills", "a", question))
    (region,) = reader.read([text], whole=True)
    start, end = best_run(known, region)
    assert 0 <= start <= end <= len(text)
    start, end = completed(known.question, region, start, end)
    assert 0 <= start <= end <= len(text)
    said = statement(Item("mills", "a", question))
    for a, b, c, d in equal_runs(known.question, region):
        words = [
            [word for word, (first, last) in zip(one.words, one.spans.tolist(), strict=True)
             if low <= first and last <= high]
            for one, low, high in ((known.question, a, b), (region, c, d))
        ]  # fmt: skip
        assert words[0] == words[1] != []
        assert 0 <= a < b <= len(said)
        assert 0 <= c < d <= len(text)


@FEW
@given(
    question=questions,
    before=st.lists(st.sampled_from(FILLER), max_size=12),
    behind=st.lists(st.sampled_from(FILLER), max_size=12),
    glue=st.sampled_from([" ", "\n", "\n\n", "\n> "]),
    width=st.sampled_from([0, 30, 60]),
    sign=st.sampled_from([".", "?", ""]),
)
def test_a_copy_is_found_to_the_letter_and_is_verbatim(
    reader: Reader, question: str, before: list[str], behind: list[str], glue: str, width: int, sign: str
) -> None:  # fmt: skip
    said = f"{question}{sign}"
    item = Item("mills", "a", said, answer="no such thing")
    copy = textwrap.fill(said, width) if width else said
    text = glue.join((*before, copy, *behind))
    one = weighed(reader, item, text)
    assume((one.known.question.weights > 0.3).sum() >= 4)
    judged = verdict(one, item, 0.01, 0.01, 0.9)
    assert judged.kind is Kind.VERBATIM
    assert judged.probability >= 0.99
    assert not judged.answer
    assert one.passage.words == one.known.question.words
    assert text[one.start : one.end].startswith(copy)


@FEW
@given(question=questions, at=st.integers(0, 30), word=st.sampled_from(["quartz", "not", "99"]))
def test_a_copy_with_another_word_is_none(
    reader: Reader, question: str, at: int, word: str
) -> None:
    item = Item("mills", "a", question)
    words = question.split()
    telling = [place for place, one in enumerate(words) if one in TELLING]
    place = telling[at % len(telling)]
    changed = " ".join((*words[:place], word, *words[place + 1 :]))
    one = weighed(reader, item, changed)
    assume(one.known.question.weights[place] > 0)
    judged = verdict(one, item, 0.01, 0.01, 0.9)
    assert not judged.kind.leak
    assert judged.probability in ((0.005, 0.01) if word == "not" else (0.01,))
    assert words[place].lower() in judged.evidence["lost"]


@FEW
@given(
    question=odd_texts,
    text=odd_texts,
    answer=odd_texts,
    odds=st.tuples(*[st.floats(0, 1)] * 3),
)
def test_any_text_has_a_verdict(
    reader: Reader, question: str, text: str, answer: str, odds: tuple[float, float, float]
) -> None:
    item = Item("mills", "a", question, answer=answer)
    one = weighed(reader, item, text)
    judged = verdict(one, item, *odds)
    restated, explained, threshold = odds
    assert judged.probability >= round(max(restated, explained), 4)
    assert judged.kind.leak == (max(restated, explained, judged.probability) >= threshold) or (
        abs(judged.probability - threshold) < 1e-4
    )
    assert json.loads(json.dumps(judged.evidence)) == judged.evidence
    there = answer_there(item, one)
    assert judged.answer == (there or judged.kind is Kind.ANSWER_EXPLAINED)
    assert not there or text.strip()


@st.composite
def trees(draw: st.DrawFn) -> tuple[Head, list[object]]:
    """A head of random trees, and the same trees nested: a value, or feature, threshold, and both."""
    figure = st.floats(-2, 2, width=16)

    def tree(depth: int) -> object:
        if not depth or draw(st.booleans()):
            return draw(figure)
        return (draw(st.integers(0, 3)), draw(figure), tree(depth - 1), tree(depth - 1))

    nested = [tree(3) for _ in range(draw(st.integers(1, 4)))]
    names = ("feature", "threshold", "left", "right", "value")
    nodes: dict[str, list[float]] = {name: [] for name in names}
    roots = []

    def add(one: object) -> int:
        at = len(nodes["value"])
        leaf = not isinstance(one, tuple)
        first = (0, math.inf, at, at, one) if leaf else (one[0], one[1], 0, 0, 0.0)  # type: ignore[index]
        for name, value in zip(nodes, first, strict=True):
            nodes[name].append(value)  # type: ignore[arg-type]
        if isinstance(one, tuple):
            nodes["left"][at], nodes["right"][at] = add(one[2]), add(one[3])
        return at

    for one in nested:
        roots.append(add(one))
    whole = ("feature", "left", "right")
    return (
        Head(
            **{
                name: np.array(values, np.int64 if name in whole else np.float64)
                for name, values in nodes.items()
            },
            roots=np.array(roots),
            depth=3,
            base=draw(figure),
            knots=np.array([[0.0, 1.0]] * 4),
            weights=np.zeros((4, 2)),
            intercept=0.0,
            share=1.0,
        ),  # type: ignore[arg-type]
        nested,
    )


@settings(max_examples=100, deadline=None)
@given(made=trees(), rows=st.lists(st.tuples(*[st.floats(-3, 3, width=16)] * 4), max_size=5))
def test_trees_are_walked(made: tuple[Head, list[object]], rows: list[tuple[float, ...]]) -> None:
    def walk(one: object, row: tuple[float, ...]) -> float:
        while isinstance(one, tuple):
            one = one[2] if row[one[0]] <= one[1] else one[3]
        return one  # type: ignore[return-value]

    head, nested = made
    found = head.log_odds(np.array(rows, np.float64).reshape(-1, 4))
    wanted = [head.base + sum(walk(one, row) for one in nested) for row in rows]
    assert found.tolist() == pytest.approx(wanted)


@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    rates=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_lower_rate_never_asks_for_less(values: list[float], rates: tuple[float, float]) -> None:
    falling = sorted(values, reverse=True)
    made = Verifier({}, {str(10.0 ** (at - 5)): value for at, value in enumerate(falling)})
    low, high = sorted(rates)
    assert made.threshold(low) >= made.threshold(high) - 1e-12
    assert falling[-1] - 1e-12 <= made.threshold(low) <= falling[0] + 1e-12

"""Fast paths against plain ones: n-grams, lines, words, spaCy's tokens, C4's rules."""

from __future__ import annotations

import functools
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.filters import (
    C4,
    C4Lines,
    Document,
    FineWebQuality,
    GopherQuality,
    GopherRepetition,
)
from pipeline.filters import ngrams as ngrams_module
from pipeline.filters.gopher import _lines, _paragraphs
from pipeline.filters.ngrams import NGrams
from pipeline.filters.words import _ABBREVIATIONS, Splitter, _word_pattern, split_simple, splitter

FEW_WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab", "\ud800", "é"]), max_size=80)
LINED = st.text(alphabet="ab \n\r\x85", max_size=60)
MARKED = st.text(alphabet="aBc1 .,:;'’\"()[]-–/=<>!?…~@&_%$#n't\n\t中。\ud800", max_size=60)


def grams_of(words: list[str]) -> NGrams:
    return NGrams(words, np.fromiter(map(len, words), np.int64, len(words)))


def plain_top(words: list[str], n: int) -> int:
    grams = Counter(" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
    if not grams:
        return 0
    gram, count = grams.most_common(1)[0]
    return len(gram) * count


def plain_duplicate(words: list[str], n: int) -> int:
    seen: set[str] = set()
    total = at = 0
    while at < len(words) - n + 1:
        gram = "".join(words[at : at + n])
        if gram in seen:
            total += len(gram)
            at += n
        else:
            seen.add(gram)
            at += 1
    return total


@given(FEW_WORDS, st.integers(1, 10))
def test_ngrams_are_exact(words: list[str], n: int) -> None:
    assert grams_of(words).top_characters(n) == plain_top(words, n)
    assert grams_of(words).duplicate_characters(n) == plain_duplicate(words, n)


@given(FEW_WORDS, st.integers(1, 10))
def test_ngrams_are_exact_where_every_hash_collides(words: list[str], n: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            NGrams, "_prefix_hashes", property(lambda grams: grams._ends.astype("u8") * 0)
        )
        assert grams_of(words).top_characters(n) == plain_top(words, n)
        assert grams_of(words).duplicate_characters(n) == plain_duplicate(words, n)


@given(FEW_WORDS, st.integers(2, 6))
def test_ngrams_do_not_depend_on_blocks(words: list[str], n: int) -> None:
    block = 8
    with pytest.MonkeyPatch.context() as patch:
        base, inverse = ngrams_module._BASE, ngrams_module._INVERSE
        patch.setattr(ngrams_module, "_BLOCK", block)
        for name, root in (("", base), ("_INVERSE", inverse)):
            high = ngrams_module._powers(pow(root, block, 1 << 64), 64)
            patch.setattr(ngrams_module, f"_LOW{name}", ngrams_module._powers(root, block))
            patch.setattr(ngrams_module, f"_HIGH{name}", high)
        blocked = grams_of(words)._joined_hashes(n).tolist() if len(words) >= n else []
    assert blocked == (grams_of(words)._joined_hashes(n).tolist() if len(words) >= n else [])


@given(LINED)
def test_lines_and_paragraphs_are_those_of_the_patterns(text: str) -> None:
    assert Counter(_lines(text)) == Counter(re.split(r"\n+", text))
    assert _paragraphs(text) == re.split(r"\n{2,}", text.strip())


@given(MARKED)
def test_words_lose_nothing_but_whitespace(text: str) -> None:
    words, kinds = Splitter().split(text)
    assert "".join(words) == "".join(text.split())
    assert len(words) == len(kinds)
    assert not any(word == "" or re.search(r"\s", word) for word in words)


@given(MARKED, MARKED)
def test_what_was_split_before_changes_nothing(first: str, second: str) -> None:
    used = Splitter()
    used.split(first)
    assert used.split(second) == Splitter().split(second)


@settings(max_examples=400)
@given(st.text(alphabet="aBcsé12([\"“,.;:!?)]”-'’", max_size=7))
def test_the_short_cut_agrees_with_the_pattern(chunk: str) -> None:
    simple = split_simple(chunk, _ABBREVIATIONS, ())
    if simple is not None:
        assert simple == tuple(match.group() for match in _word_pattern().finditer(chunk))


MARKS = [*":;()[]<>-=_.'\"’°/|*!?,8DOPx1…"]
CASES = [
    "foo",
    "He",
    "'cause",
    "Co.",
    "a.m.",
    "cannot",
    "10km",
    "can't",
    ":-)",
    "o.O",
    "8-)",
    "n't",
]
CASES += ["-_-", "°C.", "vs.", "中。", "em", "'s", "(:"]
PIECES = st.sampled_from(MARKS + CASES)
SPACED = st.lists(
    st.tuples(
        st.lists(PIECES, min_size=1, max_size=3), st.sampled_from([" ", " ", " ", "  ", "\n"])
    ),
    max_size=8,
).map(lambda parts: "".join("".join(pieces) + space for pieces, space in parts))


@functools.cache
def spacy_english() -> Any:
    english = pytest.importorskip("spacy").blank("en")
    english.add_pipe("sentencizer")
    return english


@settings(max_examples=400, deadline=None)
@given(SPACED)
@example("foo:) )")
@example("boys' cause")
def test_spacy_words_and_sentences_are_spacys(text: str) -> None:
    english = spacy_english()
    expected = [token.text for token in english(text) if not token.text.isspace()]
    assert splitter("spacy").split(text)[0] == expected
    line = text.replace("\n", " ")
    assert splitter("spacy").count_sentences([line]) == max(len(list(english(line).sents)), 1)


def plain_c4(text: str, strict: bool) -> tuple[str | None, str]:
    """datatrove 0.10.1's order of rules over lines: the page verdict and the edited text."""
    kept, sentences = [], 0
    for raw in text.splitlines():
        line = raw.strip()
        words = line.split()
        if any(len(word) > 9 for word in words):
            continue
        line = re.sub(r"\[\d*]|\[edit]|\[citation needed]", "", line)
        ends = (".", "?", "!", '"', "'")
        if strict and (not line.endswith(ends) or line.endswith("...")):
            continue
        if len(words) < 2:
            continue
        lowered = line.lower()
        if "lorem ipsum" in lowered:
            return "lorem_ipsum", ""
        if "javascript" in lowered:
            continue
        if "{" in line:
            return "curly_bracket", ""
        if "use cookies" in lowered or "terms of use" in lowered:
            continue
        sentences += Splitter().count_sentences([line])
        kept.append(line)
    if sentences < 5:
        return "too_few_sentences", ""
    return None, "\n".join(kept).strip()


LINE_PARTS = ["A b.", "C d!", "e", "long" * 3, "...", '"', " ", "  ", "\n", "\n", "\n", "\u2028"]
EVIDENCE = ["Lorem ipsum", "java", "Script", "{", "use cookies", "terms of use"]
CITATIONS = ["[1]", "[edit]", "[2] ", "[Edit]"]
PHRASES = st.sampled_from(LINE_PARTS + EVIDENCE + CITATIONS)


@settings(max_examples=400)
@given(st.lists(PHRASES, max_size=40).map("".join), st.booleans())
def test_c4_judges_and_cleans_as_its_rules_in_order(text: str, strict: bool) -> None:
    lines = C4Lines(min_words=2, max_word_length=9, terminal_punctuation=strict)
    reason, edited = plain_c4(text, strict)
    through = C4(lines=lines).check(text)
    cleaned, counts = lines.clean(text)
    assert through.keep == (reason is None)
    assert counts["lines"] == len(text.splitlines())
    if reason is None:
        assert cleaned == edited
    # After the cleaner only an empty sentence at the very end or beginning can be missing.
    after = C4().check(cleaned)
    if after.keep != through.keep:
        assert {verdict.reason for verdict in after.verdicts} == {"c4.sentences.low"}
        assert re.search(r"\[(\d*|edit)]", text)


ALL = [GopherRepetition(), GopherQuality(), C4(), C4(lines=C4Lines()), FineWebQuality()]


@settings(max_examples=60)
@given(st.one_of(MARKED, LINED, st.text(max_size=200)))
def test_measures_are_total_and_in_range(text: str) -> None:
    for rules in ALL:
        measured = rules.measure(Document("", text))
        assert list(measured) == [signal.name for signal in rules.signals]
        for signal in rules.signals:
            value = measured[signal.name]
            assert isinstance(value, float)
            assert signal.minimum <= value <= signal.maximum


@settings(max_examples=60)
@given(MARKED)
def test_sentences_grow_with_lines(text: str) -> None:
    lines = text.splitlines()
    counts = [Splitter().count_sentences(lines[:end]) for end in range(len(lines) + 1)]
    assert all(right > left for left, right in pairwise(counts))

"""Gopher's rules, one by one, on texts where the figures can be counted by hand."""

from __future__ import annotations

import pytest

from pipeline.filters import GopherQuality, GopherRepetition


def repetition(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in GopherRepetition().check(text).signals.items()}  # type: ignore[arg-type]


def quality(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in GopherQuality().check(text).signals.items()}  # type: ignore[arg-type]


def test_duplicate_lines_and_paragraphs() -> None:
    found = repetition("aa\n\nbb\naa\n\naa\n\n\naa")
    assert found["duplicate_lines"] == pytest.approx(3 / 5)
    assert found["duplicate_line_characters"] == pytest.approx(6 / 18)
    assert found["duplicate_paragraphs"] == pytest.approx(2 / 4)
    assert found["duplicate_paragraph_characters"] == pytest.approx(4 / 18)


def test_empty_lines_are_no_duplicates_but_lines_of_spaces_are() -> None:
    assert repetition("aa\n\n\n\nbb\n\ncc")["duplicate_lines"] == 0
    assert repetition("aa\n \nbb\n \ncc")["duplicate_lines"] == pytest.approx(1 / 5)


def test_top_ngram_counts_its_length_with_spaces() -> None:
    text = "red fox ran red fox sat red fox lay"
    assert repetition(text)["top_2_gram"] == pytest.approx(3 * len("red fox") / len(text))
    assert repetition(text)["top_3_gram"] == pytest.approx(len("red fox ran") / len(text))


def test_top_ngram_of_equals_is_the_first() -> None:
    text = "aaaa b cc d aaaa b cc d"
    assert repetition(text)["top_2_gram"] == pytest.approx(2 * len("aaaa b") / len(text))


def test_top_ngram_may_overlap_itself() -> None:
    assert repetition("a a a a")["top_2_gram"] == pytest.approx(3 * 3 / 7)


def test_duplicate_ngrams_count_each_character_once() -> None:
    phrase = "one two three four five"
    text = f"{phrase} six {phrase} seven {phrase}"
    joined = len("onetwothreefourfive")
    assert repetition(text)["duplicate_5_grams"] == pytest.approx(2 * joined / len(text))
    assert repetition(text)["duplicate_6_grams"] == 0


def test_duplicate_ngrams_ignore_boundaries_between_words() -> None:
    text = "ab c d e f | a bc d e f"
    assert repetition(text)["duplicate_5_grams"] == pytest.approx(6 / len(text))


@pytest.mark.parametrize("text", ["", "x"])
def test_short_texts_have_no_ngrams(text: str) -> None:
    found = repetition(text)
    assert all(value == 0 for name, value in found.items() if "gram" in name)


def test_only_an_empty_text_fails_by_its_length() -> None:
    assert GopherRepetition().check("").reason == "gopher_repetition.characters.low"
    assert GopherRepetition().check("x").keep


def test_symbols_are_words_in_some_rules() -> None:
    found = quality("Ants and # bees ... 42")
    assert found["word_count"] == 4
    assert found["mean_word_length"] == pytest.approx((4 + 3 + 4 + 2) / 4)
    assert found["hash_ratio"] == pytest.approx(1 / 6)
    assert found["ellipsis_ratio"] == pytest.approx(1 / 6)
    assert found["alphabetic_words"] == pytest.approx(3 / 6)
    assert found["alphabetic_plain_words"] == pytest.approx(3 / found["word_count"])


def test_lines_of_quality() -> None:
    found = quality("- one\n\u2022 two\nthree...\nfour\u2026 \n")
    assert found["bullet_lines"] == pytest.approx(0.5)
    assert found["ellipsis_lines"] == pytest.approx(0.5)


def test_stop_words_are_different_ones_in_lower_case() -> None:
    assert quality("the the THE of")["stop_words"] == 2
    assert GopherQuality(stop_words=("der", "und")).check("der und").signals["stop_words"] == 2


def test_reasons_name_the_side_that_failed() -> None:
    text = "a b " * 20
    reasons = {verdict.reason for verdict in GopherQuality().check(text).verdicts}
    assert reasons == {
        "gopher_quality.word_count.low",
        "gopher_quality.mean_word_length.low",
        "gopher_quality.stop_words.low",
    }


def test_bounds_are_inclusive() -> None:
    words = "word " * 50
    assert "gopher_quality.word_count.low" not in {
        verdict.reason for verdict in GopherQuality().check(words).verdicts
    }
    assert GopherQuality().check("word " * 49).reason == "gopher_quality.word_count.low"


def test_empty_text_is_measured() -> None:
    assert set(quality("").values()) == {0.0}


@pytest.mark.parametrize("rules", [GopherRepetition(), GopherQuality()])
def test_defaults_are_the_published_ones(rules: GopherRepetition | GopherQuality) -> None:
    published = {
        "characters": (1, None),
        "duplicate_lines": (None, 0.3),
        "duplicate_paragraphs": (None, 0.3),
        "duplicate_line_characters": (None, 0.2),
        "duplicate_paragraph_characters": (None, 0.2),
        "top_2_gram": (None, 0.2),
        "top_3_gram": (None, 0.18),
        "top_4_gram": (None, 0.16),
        "duplicate_5_grams": (None, 0.15),
        "duplicate_6_grams": (None, 0.14),
        "duplicate_7_grams": (None, 0.13),
        "duplicate_8_grams": (None, 0.12),
        "duplicate_9_grams": (None, 0.11),
        "duplicate_10_grams": (None, 0.10),
        "word_count": (50, 100_000),
        "mean_word_length": (3, 10),
        "hash_ratio": (None, 0.1),
        "ellipsis_ratio": (None, 0.1),
        "bullet_lines": (None, 0.9),
        "ellipsis_lines": (None, 0.3),
        "alphabetic_words": (0.8, None),
        "stop_words": (2, None),
    }
    for bound in rules.bounds:
        assert (bound.low, bound.high) == published[bound.signal]

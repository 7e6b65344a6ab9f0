"""Words, kinds, sentences and the shared view of a text."""

from __future__ import annotations

import pytest

from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters import words as words_module
from pipeline.filters.characters import SENTENCE_END, SYMBOLS, TERMINAL
from pipeline.filters.text import view
from pipeline.filters.words import ALPHABETIC, END, PLAIN, PUNCTUATION, Splitter, kind, splitter

SPLITS = {
    "Hello, world!": "Hello | , | world | !",
    '("quoted")': '( | " | quoted | " | )',
    "don't it's we’ll boys' rock'n'roll": "do | n't | it | 's | we | ’ll | boys | ' | rock'n'roll",
    "Mr. Smith met Dr. No.": "Mr. | Smith | met | Dr. | No | .",
    "the U.S. economy, e.g. J. Doe": "the | U.S. | economy | , | e.g. | J. | Doe",
    "wait... no… yes": "wait | ... | no | … | yes",
    "state-of-the-art 2020-21": "state | - | of | - | the | - | art | 2020 | - | 21",
    "COVID-19 B-2,": "COVID-19 | B-2 | ,",
    "3.14 1,000 10:30 and/or a,b": "3.14 | 1,000 | 10:30 | and | / | or | a | , | b",
    "end.Next U.S.A v2.0": "end | . | Next | U.S.A | v2.0",
    "-v --dry-run /etc/hosts @who": "-v | --dry | - | run | /etc | / | hosts | @who",
    "see https://example.org/a?b=c, ok": "see | https://example.org/a?b=c | , | ok",
    "#### !!! *** a_b AT&T": "#### | !!! | *** | a_b | AT&T",
    "naïve हिन्दी में مرحبا 你好，世界。": "naïve | हिन्दी | में | مرحبا | 你好，世界 | 。",
    "5% of $100": "5 | % | of | $ | 100",
    "": "",
    " \n\t\u3000 ": "",
}


@pytest.mark.parametrize(("text", "expected"), SPLITS.items())
def test_default_splitter(text: str, expected: str) -> None:
    words, kinds = Splitter().split(text)
    assert words == [word for word in expected.split(" | ") if word]
    assert len(kinds) == len(words)


@pytest.mark.parametrize(
    ("word", "flags"),
    [
        ("word", PLAIN | ALPHABETIC),
        ("a1", PLAIN | ALPHABETIC),
        ("42", PLAIN),
        ("１", 0),  # the one digit in datatrove's list of symbols
        (".", END | PUNCTUATION),
        ("...", PUNCTUATION),
        ("—", PUNCTUATION),
        ("$", 0),
        ("€", PLAIN),
        ("।", END | PUNCTUATION),
        ("\ud800", PLAIN),
    ],
)
def test_kind(word: str, flags: int) -> None:
    assert kind(word) == flags


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([], 0),
        (["no mark at all"], 1),
        (["One. Two! Three?"], 3),
        (["One.", "Two."], 2),
        (["Really?! Yes."], 2),
        (['He said "no." Then left.'], 2),
        (["Wait... what"], 1),
        (["Mr. Smith slept."], 1),
        (["..."], 1),
        (["One.  "], 2),  # surplus whitespace after a mark is a sentence to the sentencizer
        (["One. "], 1),
        (["  "], 1),
    ],
)
@pytest.mark.parametrize("tokenizer", ["words", "spacy"])
def test_sentences(lines: list[str], count: int, tokenizer: str) -> None:
    if tokenizer == "spacy":
        pytest.importorskip("spacy")
    assert splitter(tokenizer).count_sentences(lines) == count


def test_view_is_shared_and_follows_the_text() -> None:
    doc = Document("", "One two. Three\fFour\n\n \nFive")
    text = view(doc, "words")
    assert view(doc, "words") is text
    assert text.words == ["One", "two", ".", "Three", "Four", "Five"]
    assert text.lengths.tolist() == [3, 3, 1, 5, 4, 4]
    assert text.lines == ["One two. Three", "Four", "", " ", "Five"]
    assert text.filled_lines == ["One two. Three\fFour", "Five"]
    other = doc.with_text("Six")
    assert view(other, "words").words == ["Six"]


def test_unknown_tokenizer() -> None:
    with pytest.raises(ConfigError, match="'words' or 'spacy'"):
        splitter("nltk")


def test_a_table_begun_anew_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"({number}) item-{number}, “x{number}”!" for number in range(50)] * 2
    roomy = Splitter()
    expected = [roomy.split(text) for text in texts]
    monkeypatch.setattr(words_module, "TABLE_LIMIT", 100)
    cramped = Splitter()
    assert [cramped.split(text) for text in texts] == expected
    assert len(cramped._table) < 20


@pytest.mark.parametrize("tokenizer", ["words", "spacy"])
@pytest.mark.parametrize(
    "text",
    [
        "(" * 200_000,
        "." * 200_000,
        "a!?" * 100_000,
        "a!?-" * 100_000,
        "n't" * 100_000,
        "'s" * 100_000,
        "a.b" * 100_000,
        "http://" * 30_000,
        "中，" * 100_000,
        "\ud800" * 100_000,
        "\ud800 :) :" * 1000,
        "\n" * 1_000_000,
        "x" * 1_000_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_odd_texts_are_split_whole(text: str, tokenizer: str) -> None:
    if tokenizer == "spacy":
        pytest.importorskip("spacy")
    words, kinds = splitter(tokenizer).split(text)
    assert "".join(words) == "".join(text.split())
    assert len(kinds) == len(words)


def test_spacy_takes_the_whole_text_where_chunks_change_one_another() -> None:
    pytest.importorskip("spacy")
    # Read alone "foo:)" ends in an emoticon; the ")" that follows spoils it.
    assert splitter("spacy").split("foo:)")[0] == ["foo", ":)"]
    assert splitter("spacy").split("foo:) )")[0] == ["foo", ":", ")", ")"]


def test_sets_of_characters() -> None:
    assert len(TERMINAL) == 159
    assert len(SENTENCE_END) == 128
    assert len(SYMBOLS) == 281
    assert not any(character.isalpha() for character in SYMBOLS)
    pipeline = pytest.importorskip("spacy.pipeline")
    assert set(pipeline.Sentencizer.default_punct_chars) == SENTENCE_END

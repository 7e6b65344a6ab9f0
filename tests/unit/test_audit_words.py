"""Words of the audit: what counts of a text, and where its words stand."""

from __future__ import annotations

import numpy as np
import pytest

from audits.lexical.words import Words, batches, split


def shown(text: str) -> list[str]:
    """The words of a text as they stand in it."""
    words = split([text])
    runs = [[number, number + 1] for number in range(len(words.hashes))]
    return [text[start:end] for start, end in words.characters(0, runs).tolist()]


def same(*texts: str) -> bool:
    return len({split([text]).hashes.tobytes() for text in texts}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Mill", "the mill"),
        ("the mill", "  the,\n\tmill!  "),
        ("the-mill", "the mill"),
        ("the_mill", "the mill"),
        ("don't", "don’t"),
        ("don't", "don t"),
        ("> the **mill**\r\n> wheel", "the mill wheel"),
        ("- the mill\n- wheel", "• the mill\n• wheel"),
        ("A. mill\nB. wheel", "(a) mill (b) wheel"),
        ("1. mill\n2. wheel", "mill wheel"),
        ("(12) mill [3] wheel", "mill wheel"),
        ("mill\u00a0wheel", "mill wheel"),
        ("mill\u2009—\u200bwheel", "mill wheel"),
        ("in\u00adfor\u00admation", "information"),
        ("ﬁne ｍｉｌｌ １２", "fine mill 12"),
        ("𝐦𝐢𝐥𝐥", "mill"),
        ("Straße ÄÖÜ", "STRASSE äöü"),
        ("x²5", "x25"),
        ("石臼。水", "石 臼\n水"),
        ("เป็ด", "เ ป ็ ด"),
        ("ｶﾅ", "カナ"),
        ("🙂 mill ❤\ufe0f", "mill"),
    ],
)  # fmt: skip
def test_what_does_not_count(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mill 1", "mill 2"),
        ("100", "1 00"),
        ("123. mill", "mill"),  # a year may end a sentence, too
        ("$5. mill", "mill"),
        ("the mill", "themill"),
        ("the mill", "mill the"),
        ("café", "cafe"),
        ("mill", "mill mill"),
        ("石臼", "臼石"),
        ("abcdefgh", "abcdefghi"),
        ("abcdefgh" * 9, "abcdefgh" * 9 + "i"),
        ("abcdefgh" * 9 + "ijk", "abcdefgh" * 8 + "ijk"),
    ],
)
def test_what_counts(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("?! …", []),
        ("I am a mill", ["am", "mill"]),
        ("Ein Müller mahlt", ["Ein", "Müller", "mahlt"]),
        ("a\u00adb ﬁt\u00ad, Größe", ["a\u00adb", "ﬁt", "Größe"]),
        ("水車mill小屋", ["水", "車", "mill", "小", "屋"]),
        ("水\ufe00車", ["水", "車"]),
        ("\U00020000é 🙂 x9", ["\U00020000", "é", "x9"]),
        ("\ud83d\ude00mill\ud800wheel\udfff", ["mill", "wheel"]),
    ],
)
def test_words_stand_where_they_stand_in_the_original(text: str, words: list[str]) -> None:
    assert shown(text) == words


def test_texts_of_a_batch_do_not_touch() -> None:
    texts = ["the mill", "", "wheel 水", "12", ". race", "naïve"]
    words = split(texts)
    assert words.bounds.tolist() == [0, 2, 2, 4, 5, 6, 7]
    assert words.text_of(np.arange(7)).tolist() == [0, 0, 2, 2, 3, 4, 5]
    for number, text in enumerate(texts):
        first, last = words.bounds[number : number + 2]
        assert words.hashes[first:last].tolist() == split([text]).hashes.tolist()
    assert words.characters(2, [[2, 4]]).tolist() == [[0, 7]]
    assert words.characters(5, [[6, 7]]).tolist() == [[0, 5]]


def test_runs_may_come_in_any_order() -> None:
    text = "der Müller\u00ad mahlt das Mehl"
    words = split(["ﬁ", text])
    first = int(words.bounds[1])
    found = words.characters(
        1, [[first + 3, first + 5], [first, first + 2], [first + 1, first + 4]]
    )
    assert [text[a:b] for a, b in found.tolist()] == [
        "das Mehl",
        "der Müller",
        "Müller\u00ad mahlt das",
    ]


def test_no_texts() -> None:
    words = split([])
    assert (len(words.hashes), words.bounds.tolist()) == (0, [0])


def test_long_words_have_hashes_of_their_own() -> None:
    texts = ["x" * length for length in (*range(2, 140), 1000, 1001)]
    assert len({int(split([text]).hashes[0]) for text in texts}) == len(texts)
    assert split(["x" * 100 + " mill"]).hashes[0] == split(["mill, X" + "x" * 99]).hashes[1]


def test_ten_megabytes_at_once() -> None:
    text = "the mill stands, naïve and 石 still by the river\n" * 210_000
    words = split([text])
    assert len(words.hashes) == 10 * 210_000
    last = len(words.hashes)
    ((start, end),) = words.characters(0, [[last - 1, last]]).tolist()
    assert text[start:end] == "river"
    assert end == len(text) - 1


def test_one_word_of_ten_megabytes() -> None:
    assert shown("ab" * 5_000_000) == ["ab" * 5_000_000]


def test_batches_keep_every_text_once() -> None:
    texts = ["a" * size for size in (3, 0, 9, 30, 1, 1, 1)]
    found = list(batches(texts, 10))
    assert [text for _, part in found for text in part] == texts
    assert [first for first, _ in found] == [0, 2, 3, 4]
    assert list(batches([], 10)) == []
    assert all(isinstance(split(part), Words) for _, part in found)

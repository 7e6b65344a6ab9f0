"""Normalisation, words and shingles: what counts of a text when two are compared."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pipeline.dedup.shingles import Words, shingle_hash, shingle_hashes, split_words


def words_of(text: str) -> Words:
    (words,) = split_words([text])
    return words


def same(*texts: str) -> bool:
    return len({words.text_hash for words in split_words(texts)}) == 1


def count(text: str) -> int:
    return len(words_of(text).hashes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Mill", "the mill"),
        ("the mill", "  the,\n\tmill!  "),
        ("the-mill", "the mill"),
        ("café", "cafe\u0301"),  # NFKC composes
        ("ﬁne ｍｉｌｌ １２", "fine mill 12"),  # ligature, full width
        ("ÄÖÜ", "äöü"),
        ("x²", "x2"),
        ("mill\u00a0wheel", "mill wheel"),
        ("｡石臼", "石。臼"),
        ("🙂 mill", "mill 🙂🙂"),
    ],
)
def test_what_does_not_count(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mill 1", "mill 2"),  # digits stay
        ("100", "1 00"),
        ("the mill", "themill"),
        ("the mill", "mill the"),
        ("café", "cafe"),
        ("mill", "mill mill"),
        ("straße", "strasse"),  # lower case, not case folding
    ],
)
def test_what_counts(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop", 3),
        ("snake_case", 2),
        ("a1b2", 1),
        ("石臼を回す", 5),
        ("カタカナｶﾅ", 6),
        ("二〇〇〇年", 5),
        ("人々", 2),
        ("ขนมปัง", 6),
        ("ນ້ຳ", 4),  # NFKC takes the last vowel apart
        ("ខ្មែរ", 5),
        ("བོད", 3),
        ("mill石臼mill", 4),
        ("밀가루 제분소", 2),  # Korean writes spaces
        ("मैदा मिल", 2),  # vowel signs are marks
        ("𝐦𝐢𝐥𝐥 𠀀𠀁", 3),
        ("", 0),
        (" \n!?…—", 0),
        ("\ud800\udfff", 0),
        ("mill\ud800wheel", 2),
        ("\x00", 0),
    ],
)
def test_number_of_words(text: str, words: int) -> None:
    assert count(text) == words


def test_different_words_have_different_hashes() -> None:
    rng = random.Random(1)
    words = {"".join(rng.choices("abcdefgh1é", k=rng.randint(1, 9))) for _ in range(30_000)}
    joined = words_of(" ".join(sorted(words))).hashes.tolist()
    assert len(set(joined)) == len(joined) == len(words)
    assert [words_of(word).hashes[0] for word in sorted(words)[:300]] == joined[:300]


@pytest.mark.parametrize("width", [1, 2, 5, 64])
@pytest.mark.parametrize("words", [0, 1, 4, 5, 6, 200])
def test_number_of_shingles(words: int, width: int) -> None:
    found = shingle_hashes(words_of(" ".join(f"w{number}" for number in range(words))), width)
    assert found.dtype == np.uint32
    assert len(found) == (max(1, words - width + 1) if words else 0)


def test_a_short_text_is_one_shingle_of_all_its_words() -> None:
    whole = shingle_hashes(words_of("grain to meal"), 5)
    assert whole.tolist() == [shingle_hash(b"grain to meal")]
    assert whole.tolist() == shingle_hashes(words_of("GRAIN -- to meal!"), 5).tolist()
    for other in ("grain to", "meal to grain", "grain to meal to grain", "grain to meals"):
        assert not set(whole.tolist()) & set(shingle_hashes(words_of(other), 5).tolist())


def test_shingles_are_the_runs_of_words_in_order() -> None:
    text = "The miller's wheel turns. 12 sacks of MEAL, and 石臼"
    words = ["the", "miller", "s", "wheel", "turns", "12", "sacks", "of", "meal", "and", "石", "臼"]
    runs = [" ".join(words[at : at + 5]) for at in range(len(words) - 4)]
    assert shingle_hashes(words_of(text), 5).tolist() == [
        shingle_hash(run.encode()) for run in runs
    ]


def test_a_shingle_without_words_has_no_hash() -> None:
    with pytest.raises(ValueError, match="no word"):
        shingle_hash(b"?!")


def test_texts_without_words_equal_only_their_own_characters() -> None:
    texts = ["", " ", "!", "?", "!!", "\ud800", "\udc00", "?"]
    hashes = [words.text_hash for words in split_words(texts)]
    assert len(set(hashes)) == len(texts) - 1
    assert hashes[3] == hashes[7]
    assert same("…", "…")
    assert not same("…", "...")


def test_one_word_of_two_million_characters() -> None:
    long = "x" * 2_000_000
    assert same(long, long.upper(), f" {long}.")
    assert not same(long, long[:-1])
    assert len(shingle_hashes(words_of(long), 5)) == 1


@pytest.mark.parametrize("length", [2**15 - 1, 2**15, 2**16 - 1, 2**16, 2**16 + 1])
def test_no_boundary_inside_changes_a_hash(length: int) -> None:
    word = "mill"
    wanted = words_of(word).hashes[0]
    padded = "a " + "." * (length - 4) + word
    assert words_of(padded).hashes[1] == wanted
    texts = ["." * length, word, "." * (length - 4) + word, word + "." * length, ""]
    found = [words.hashes.tolist() for words in split_words(texts)]
    assert found == [[], [wanted], [wanted], [wanted], []]


def test_neighbours_in_a_batch_do_not_touch() -> None:
    assert [len(words.hashes) for words in split_words(["mill", "wheel", "", "石", "臼a"])] == [
        1, 1, 0, 1, 2,
    ]  # fmt: skip
    assert [words.text_hash for words in split_words(["ΟΔΟΣ", "Α"])] == [
        words_of("ΟΔΟΣ").text_hash,
        words_of("Α").text_hash,
    ]  # a final sigma is final in its own text
    assert list(split_words([])) == []


def test_invisible_marks_cut_no_word() -> None:
    plain = words_of("the miller's water wheel")
    marked = words_of("the mil\u00adler's wa\u200dter \ufeffwheel")
    assert marked.text_hash == plain.text_hash

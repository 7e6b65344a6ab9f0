"""Words of a text as the verifier reads them: where they stand, what they weigh, what they count."""

from __future__ import annotations

import numpy as np
import pytest

from audits.verify.reading import NEGATIONS, Reader, Reading, negates, number, stem

MILL = "The miller of Ansbach keeps forty-two sacks of barley and sells 1,250.5 of rye."
LONG = f"{MILL} " * 40


def only(reader: Reader, text: str, *, whole: bool = False) -> Reading:
    (found,) = reader.read([text], whole=whole)
    return found


def weight(reading: Reading) -> dict[str, float]:
    return dict(zip(reading.words, reading.weights.tolist(), strict=True))


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", []),
            (" \n\t", []),
            ("...!?", []),
            ("mill", ["mill"]),
            ("  \n The Mill,", ["The", "Mill"]),
            ("don’t can't rock'n'roll", ["don’t", "can't", "rock'n'roll"]),
            ("'quoted' mother-in-law", ["quoted", "mother", "in", "law"]),
            ("1,250.5 kg, 3.", ["1,250.5", "kg", "3"]),
            ("snake_case x2", ["snake", "case", "x", "2"]),
            ("水車は 三つ", ["水車は", "三つ"]),
            ("😀 mill 😀😀 dam", ["mill", "dam"]),
            ("İzmir İ and İstanbul", ["İzmir", "İ", "and", "İstanbul"]),
            ("mill \ud800 dam\udfff weir", ["mill", "dam", "weir"]),
            ("mill \ud83d\ude00 dam", ["mill", "dam"]),
            ("ΌΣΟΣ ẞ", ["ΌΣΟΣ", "ẞ"]),
        ],
    )
    def test_words_are_places_of_the_text_as_it_was_given(
        self, reader: Reader, text: str, words: list[str]
    ) -> None:
        found = only(reader, text)
        assert [text[start:end] for start, end in found.spans.tolist()] == words
        assert len(found.text) == len(text)
        assert len(found) == len(words)

    def test_words_are_in_lower_case(self, reader: Reader) -> None:
        assert only(reader, "İZMIR Don’t MILL").words == ("izmir", "don't", "mill")

    def test_all_has_a_row_for_each_word(self, reader: Reader) -> None:
        for text in ("", "mill", MILL):
            found = only(reader, text)
            size = len(found)
            assert len(found.stems) == len(found.numbers) == size
            assert found.spans.shape == (size, 2)
            assert found.weights.shape == (size,)
            for vectors in (found.context, found.alone, found.sums):
                assert vectors.shape == (size, 384)
                assert np.isfinite(vectors).all()
            assert found.pooled.shape == found.vector.shape == (384,)
            for vectors in (found.context, found.alone):
                assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_without_context_there_are_words_alone(self, reader: Reader) -> None:
        (found,) = reader.read([MILL], context=False)
        full = only(reader, MILL)
        assert found.words == full.words
        assert np.array_equal(found.weights, full.weights)
        assert np.array_equal(found.alone, full.alone)
        assert found.context.shape == (len(full), 0)

    def test_a_reading_depends_on_its_text_alone(self, reader: Reader) -> None:
        beside = reader.read([LONG, "", MILL, "mill"])[2]
        alone = only(reader, MILL)
        assert np.array_equal(beside.context, alone.context)
        assert np.array_equal(beside.vector, alone.vector)
        assert reader.read([]) == []


class TestWindow:
    def test_words_beyond_it_are_left_out(self, reader: Reader) -> None:
        found = only(reader, LONG)
        assert 100 < len(found) < 256
        assert found.words == only(reader, LONG * 3).words
        assert found.spans[-1, 1] < len(LONG) / 2

    @pytest.mark.parametrize(
        "text",
        [
            "",
            MILL,
            LONG,
            " " * 3_000 + LONG + "\n" * 3_000 + LONG,
            "水" * 600 + "。" + "車" * 600,
            "ab 水" * 300,
            "don’t " * 300,
            "unbelievableness" * 40 + " mill",
            "12345678" * 60 + " mill",
        ],
    )
    def test_they_are_read_where_the_whole_is_asked_for(self, reader: Reader, text: str) -> None:
        found, start = only(reader, text, whole=True), only(reader, text)
        said = [text[first:last].lower().replace("’", "'") for first, last in found.spans.tolist()]
        assert said == list(found.words)
        assert (found.spans[1:, 0] >= found.spans[:-1, 1]).all()
        assert not text.strip() or text.rstrip(" \n.")[found.spans[-1, 1] :] == ""
        assert found.words[: len(start)] == start.words
        assert np.array_equal(found.vector, start.vector)
        assert np.isfinite(found.context).all()

    def test_no_word_is_cut_in_two_at_its_edge(self, reader: Reader) -> None:
        for ahead in range(6):
            text = "x " * ahead + "antidisestablishmentarianism " * 60
            found = only(reader, text, whole=True)
            assert set(found.words[ahead:]) == {"antidisestablishmentarianism"}
            assert len(found) == ahead + 60
            alone = found.alone[ahead:]
            assert np.allclose(alone, alone[0], atol=1e-3)

    def test_what_has_no_tokens_ends_it(self, reader: Reader) -> None:
        assert only(reader, "mill " + "\x01" * 20_000 + " dam", whole=True).words[0] == "mill"


class TestWeights:
    def test_grammar_weighs_nothing_and_the_rare_more_than_the_common(self, reader: Reader) -> None:
        found = weight(only(reader, "the people and a miller of the granary saw s it peristalsis"))
        assert all(found[word] == 0 for word in ("the", "and", "a", "of", "s", "it"))
        assert 0 < found["people"] < found["miller"] <= found["granary"] <= 1
        assert found["peristalsis"] >= 0.8

    def test_numbers_and_negations_weigh_something(self, reader: Reader) -> None:
        found = weight(only(reader, "not one of two or 7 or twelve never half"))
        for word in ("not", "never", "one", "two", "7", "twelve", "half"):
            assert found[word] >= 0.6 - 1e-6
        assert found["of"] == found["or"] == 0

    def test_they_are_shares(self, reader: Reader) -> None:
        found = only(reader, f"{MILL} 水車 😀 \ud800 İ zyx'wvu 9999999 ²³ ①")
        assert found.weights.dtype == np.float32
        assert ((found.weights >= 0) & (found.weights <= 1)).all()


class TestNumbers:
    @pytest.mark.parametrize(
        ("word", "value"),
        [
            ("7", 7),
            ("1,250", 1250),
            ("1,250.5", 1250.5),
            ("0.5", 0.5),
            ("٣", 3),
            ("twelve", 12),
            ("half", 0.5),
            ("dozen", 12),
            ("thousand", 1000),
            ("mill", None),
            ("1.2.3", None),
            ("²", None),
            ("", None),
        ],
    )
    def test_what_words_count(self, word: str, value: float | None) -> None:
        assert number(word) == value

    def test_the_word_nan_counts_nothing(self, reader: Reader) -> None:
        assert number("nan") is None
        found = only(reader, "My nan got NaN for an answer, and 3 more.")
        assert [value for value in found.numbers if value is not None] == [3]

    def test_negations_are_counted(self, reader: Reader) -> None:
        assert only(reader, "It isn’t and it never was, not once, without end").negations == 4
        assert only(reader, MILL).negations == 0
        assert all(map(negates, NEGATIONS))
        assert not negates("nothing-like")


class TestStems:
    @pytest.mark.parametrize(
        "words",
        [
            ("box", "boxes"),
            ("city", "cities"),
            ("stop", "stops", "stopped", "stopping"),
            ("make", "makes", "making"),
            ("quick", "quickly", "quickness"),
            ("station", "stations"),
            ("fill", "fills", "filled", "filling"),
        ],
    )
    def test_forms_of_a_word_have_one(self, words: tuple[str, ...]) -> None:
        assert len(set(map(stem, words))) == 1

    @pytest.mark.parametrize("word", ["", "a", "is", "gas", "bee", "12", "水車", "'", "ing"])
    def test_short_words_stay_what_they_are(self, word: str) -> None:
        assert stem(word) == word

    def test_different_words_keep_different_ones(self) -> None:
        assert len(set(map(stem, ("mill", "mile", "meal", "male", "mall")))) == 5


class TestPart:
    def test_the_whole_is_itself(self, reader: Reader) -> None:
        found = only(reader, MILL)
        assert found.part(0, len(MILL)) is found

    def test_it_is_what_was_read_there(self, reader: Reader) -> None:
        found = only(reader, f"{MILL} Then he went home. {MILL}")
        start, end = len(MILL) + 1, len(MILL) + 1 + len("Then he went home.")
        part = found.part(start, end)
        assert part.text == "Then he went home."
        assert part.words == ("then", "he", "went", "home")
        assert [part.text[a:b] for a, b in part.spans.tolist()] == ["Then", "he", "went", "home"]
        first = found.words.index("then")
        assert np.array_equal(part.context, found.context[first : first + 4])
        assert abs(float(np.linalg.norm(part.pooled)) - 1) < 1e-5
        assert not np.array_equal(part.pooled, found.pooled)

    def test_words_that_are_cut_go(self, reader: Reader) -> None:
        found = only(reader, "grind the barley")
        assert found.part(2, 16).words == ("the", "barley")
        assert found.part(0, 12).words == ("grind", "the")
        assert found.part(2, 4).words == ()
        assert found.part(11, 12).words == ()

    @pytest.mark.parametrize(("start", "end"), [(0, 0), (5, 5), (5, 2), (100, 100)])
    def test_nothing_is_a_reading_too(self, reader: Reader, start: int, end: int) -> None:
        part = only(reader, MILL).part(start, end)
        assert len(part) == 0
        assert part.pooled.shape == (384,)
        assert not part.pooled.any()
        assert part.negations == 0

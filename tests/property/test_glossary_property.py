"""Any text: glosses in order, within it, without overlap, the same however it is asked."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from audits.translation.glossary import Glossary, glossed_text, languages
from audits.translation.glossary_forms import read_forms
from audits.translation.numerals import han_value, joined, plain, readings
from audits.translation.romanise import skeleton, spelling
from audits.translation.senses import sense

LANGUAGE = st.sampled_from([*languages(), "en"])
FORMS = sorted(
    {form.strip("*") for one in languages() for _, forms in read_forms(one) for form in forms}
)
# Words of all glossaries among anything else: marks, digits of many scripts, lone surrogates.
PIECE = st.one_of(
    st.sampled_from(FORMS),
    st.text(max_size=8),
    st.sampled_from(["1.000,5", "80 000", "३", "４", "三", "分之", "\ud800", "\u0301", "İ", "½", "-", "’"]),
)  # fmt: skip
TEXT = st.lists(st.tuples(PIECE, st.sampled_from(["", " ", "\n"])), max_size=12).map(
    lambda pieces: "".join(part for piece in pieces for part in piece)
)


@settings(deadline=None)
@given(TEXT, LANGUAGE)
def test_glosses_lie_in_the_text_in_order(text: str, language: str) -> None:
    found = Glossary.load(language).gloss(text)
    before = 0
    for one in found:
        assert before <= one.start < one.end <= len(text)
        before = one.end
        assert one.kind in ("word", "number", "kept", "unknown", "silent")
        assert bool(one.english) == (one.kind in ("word", "number", "kept"))
        assert all(one.english)
        if one.kind == "number" and "/" not in one.english[0]:
            assert all(float(number) >= 0 for number in one.english)
    assert found == Glossary.load(language).gloss(text)


@settings(deadline=None)
@given(TEXT, LANGUAGE)
def test_composition_of_letters_changes_nothing(text: str, language: str) -> None:
    composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    kept = [
        [one.english for one in Glossary.load(language).gloss(of) if one.kind in ("word", "number")]
        for of in (composed, apart)
    ]
    assert kept[0] == kept[1]
    assert isinstance(glossed_text(text, language), str)


@given(st.lists(st.sampled_from([0, 1, 2, 7, 10, 12, 20, 60, 80, 100, 1000, 10**6]), max_size=12))
def test_number_words_are_all_used_once(values: list[int]) -> None:
    found = joined(values)
    assert sum(taken for _, taken in found) == len(values)
    assert all(taken > 0 and value >= 0 for value, taken in found)


@given(st.integers(0, 10**12), st.booleans())
def test_grouped_numbers_are_read_back(value: int, comma: bool) -> None:
    grouped = f"{value:,}".replace(",", "." if comma else ",")
    assert str(value) in readings(grouped, comma=comma)
    assert plain(value) == str(value)


@given(st.text())
def test_words_of_any_kind_have_a_sense_and_a_sound(word: str) -> None:
    assert set(skeleton(word)) <= set("pkstln")
    assert isinstance(spelling(word), str)
    assert isinstance(sense(word), str)
    assert isinstance(han_value(word), int | None)

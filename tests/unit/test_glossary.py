"""Glosses: words of twelve languages in English, their numbers, and where they stand."""

from __future__ import annotations

import unicodedata

import pytest

from audits.translation.glossary import Glossary, glossed_text, languages
from audits.translation.glossary_forms import Forms, read_forms
from audits.translation.numerals import han_value, joined, number_pattern, readings, word_value
from audits.translation.romanise import skeleton, spelling
from audits.translation.senses import sense
from pipeline.core.errors import ConfigError


def glosses(text: str, language: str) -> list[tuple[str, tuple[str, ...], str]]:
    """What stands in the text, what it may mean, and of which kind it is."""
    return [
        (text[one.start : one.end], one.english, one.kind)
        for one in Glossary.load(language).gloss(text)
    ]


def numbers(text: str, language: str) -> list[str]:
    return [one.english[0] for one in Glossary.load(language).gloss(text) if one.kind == "number"]


def test_languages_are_those_of_the_files_without_english() -> None:
    assert " ".join(languages()) == "bn de es fr it ja pt ru sw te th zh"


@pytest.mark.parametrize("language", [*languages(), "en"])
def test_every_glossary_is_well_formed(language: str) -> None:
    rows = list(read_forms(language))
    headwords = [headword for headword, _ in rows]
    assert len(set(headwords)) == len(headwords) > 200
    for headword, forms in rows:
        assert headword == headword.lower().strip()
        for form in forms:
            assert form == unicodedata.normalize("NFC", form.lower()).strip()
            assert form.strip("*")


def test_an_unknown_language_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no glossary of 'dr'.*bn, de"):
        Glossary.load("dr")


@pytest.mark.parametrize(
    ("language", "text", "salad"),
    [
        ("de", "Wie viele Äpfel kauft Anna am Montag?", "how many apple buy Anna monday"),
        ("fr", "Combien de pommes Anna achète-t-elle ?", "how many apple Anna buy"),
        ("es", "¿Cuántas manzanas compra Anna?", "how many apple buy Anna"),
        ("ru", "Сколько яблок купила Анна?", "how many apple bought"),
        ("zh", "安娜买了三个苹果", "bought 3 apple"),
        ("ja", "リンゴを3個買いました。", "apple 3 piece bought"),
        ("th", "เธอซื้อแอปเปิ้ลสามลูก", "buy apple 3"),
        ("sw", "Anna alinunua mayai 12", "Anna bought egg 12"),
    ],
)
def test_texts_become_english_words(language: str, text: str, salad: str) -> None:
    found = glossed_text(text, language).split()
    assert [word for word in salad.split() if word not in found] == []


def test_exact_forms_beat_stems_and_several_words_beat_one() -> None:
    forms = Forms([("fruit", ["äpfel*"]), ("apple", ["äpfel"]), ("crab", ["äpfel der see"])])
    assert forms.word("äpfel") == ((0, 5, ("apple",)),)
    assert forms.word("äpfeln") == ((0, 6, ("fruit",)),)
    assert forms.phrase(["äpfel", "der", "see", "x"]) == (3, "crab")
    assert forms.phrase(["äpfel", "der", "stadt"]) is None


def test_a_shared_form_means_the_earlier_headword_first() -> None:
    forms = Forms([("less", ["weniger"]), ("fewer", ["weniger"])])
    assert forms.word("weniger") == ((0, 7, ("less", "fewer")),)


def test_stems_with_a_star_in_front_match_inside_a_word() -> None:
    forms = Forms([("buy", ["*nunua*"]), ("cook", ["*pika"])])
    assert forms.word("atanunuliwa") == ()
    assert forms.word("atanunua")[0][2] == ("buy",)
    assert forms.word("anapika")[0][2] == ("cook",)
    assert forms.word("pikachu") == ()


def test_german_compounds_come_apart() -> None:
    assert glosses("Bauernmarkt", "de") == [
        ("Bauern", ("farmer",), "word"),
        ("markt", ("market",), "word"),
    ]


def test_an_endless_word_is_not_looked_up() -> None:
    assert glosses("apfel" * 200_000, "de")[0][2] == "kept"


def test_words_that_mean_nothing_and_unknown_ones() -> None:
    kinds = {word: kind for word, _, kind in glosses("Она купила Дженет GB", "ru")}
    assert kinds == {"Она": "silent", "купила": "word", "Дженет": "unknown", "GB": "kept"}


def test_places_are_those_of_the_text_as_given() -> None:
    text = unicodedata.normalize("NFD", "Fünf Äpfel für Jörg")
    found = glosses(text, "de")
    words = [unicodedata.normalize("NFC", word) for word, _, _ in found]
    assert words == ["Fünf", "Äpfel", "für", "Jörg"]
    assert found[1][1] == ("apple",)


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("de", "1.000,50 und 80 000, dann 2,5 Millionen", ["1000.5", "80000", "2500000"]),
        ("de", "fünfundzwanzig, dreihundert", ["25", "300"]),
        ("en", "1,000.50 and 80,000, then 2.5 million", ["1000.5", "80000", "2500000"]),
        ("en", "two hundred and five, twenty-five", ["205", "25"]),
        ("fr", "quatre-vingt-quinze, deux mille cinq cents, 50 cents", ["95", "2500", "50"]),
        ("es", "treinta y cinco mil", ["35000"]),
        ("ru", "двести пятьдесят тысяч", ["250000"]),
        ("it", "ventiquattro", ["24"]),
        ("sw", "mia tatu ishirini na tano", ["325"]),
        ("th", "สามร้อยห้าสิบ ๔๕", ["350", "45"]),
        ("bn", "১৬টি 1,00,000", ["16", "100000"]),
        ("te", "౧౬", ["16"]),
        ("zh", "三十二颗，8 万，五分之二，４只，三 五", ["32", "80000", "2/5", "4", "3", "5"]),
        ("ja", "8万ドル", ["80000"]),
        ("de", "(1,2,5,4) am 12.05.2020", ["1", "2", "5", "4", "12", "5", "2020"]),
    ],
)
def test_numbers_of_every_language(language: str, text: str, wanted: list[str]) -> None:
    assert numbers(text, language) == wanted


def test_grouping_that_may_be_a_decimal_has_both_readings() -> None:
    assert readings("80.000", comma=True) == ("80000", "80")
    assert readings("80.000", comma=False) == ("80", "80000")
    assert readings("0.125", comma=True) == ("0.125",)
    assert readings("9" * 40, comma=False) == ("9" * 40,)
    assert [one[0] for one in number_pattern(comma=False).finditer("80 000")] == ["80", "000"]


@pytest.mark.parametrize(
    ("numerals", "value"),
    [
        ("三十", 30),
        ("一万二", 12_000),
        ("二〇一五", 2015),
        ("两千五百万", 25_000_000),
        ("三二百", None),
    ],
)
def test_chinese_numerals(numerals: str, value: int | None) -> None:
    assert han_value(numerals) == value


def test_number_words_join_where_they_make_one_number() -> None:
    assert joined([3, 100, 20, 5]) == [(325, 4)]
    assert joined([2, 3]) == [(2, 1), (3, 1)]
    assert joined([4, 20, 10]) == [(90, 3)]
    assert joined([0, 5]) == [(0, 1), (5, 1)]
    assert joined([]) == []
    assert word_value("twenty-five") == 25
    assert word_value("two hundred") == 200
    assert word_value("apple") is None


def test_katakana_is_cut_only_where_it_comes_out_even() -> None:
    assert [word for word, _, _ in glosses("オレンジジュース", "ja")] == ["オレンジ", "ジュース"]
    assert glosses("ドルフィン", "ja") == [("ドルフィン", (), "unknown")]


def test_a_single_character_of_an_unknown_word_is_no_word() -> None:
    assert glosses("弗洛伊德买", "zh")[-1][1] != ("buy",)
    assert ("买", ("buy",), "word") in glosses("她买苹果", "zh")


def test_names_sound_alike_across_scripts() -> None:
    for word in ("Дженет", "ジャネット", "জেনেট", "జనెత్", "เจเน็ต", "珍妮特"):
        assert skeleton(word) == skeleton("Janet")
    assert spelling("Konflikt") == spelling("конфликт") == spelling("conflict")
    assert spelling("ジャネット") == ""


def test_senses_take_inflections_and_near_synonyms_together() -> None:
    assert sense("bought") == sense("purchase") == sense("buys")
    assert sense("apples") == sense("Apple")
    assert sense("stories") == sense("story")
    assert sense("class") != sense("clas")
    assert sense("apple") != sense("pear")

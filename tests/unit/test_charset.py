"""Which charset is believed, and that decoding never fails."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.charset import decode

GERMAN = "<p>Müller, Bäcker und Gärtner grüßen fröhlich über die Straße</p>"
RUSSIAN = "<p>Мельница мелет зерно каждый день, и мука идёт в соседнюю деревню</p>" * 5
JAPANESE = "<p>水車小屋では毎日穀物を挽いて、村に小麦粉を届けています。①</p>"
CHINESE = "<p>磨坊每天磨谷物，把面粉送到邻近的村庄。</p>"
KOREAN = "<p>물레방앗간은 매일 곡식을 빻아 이웃 마을로 보냅니다. 똠</p>"


def meta(label: str) -> str:
    return f'<html><head><meta charset="{label}"></head>'


@pytest.mark.parametrize(
    ("text", "codec", "label", "charset"),
    [
        (GERMAN, "utf-8", "UTF-8", "utf-8"),
        (GERMAN, "utf-8", " utf8 ", "utf-8"),
        (GERMAN + "€“”", "cp1252", "ISO-8859-1", "windows-1252"),
        (GERMAN, "cp1252", "latin-1", "windows-1252"),
        (GERMAN, "cp1252", "us-ascii", "windows-1252"),
        (GERMAN, "iso8859-15", "iso-8859-15", "iso-8859-15"),
        (RUSSIAN, "cp1251", "windows-1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "koi8-r", "koi8-r"),
        (JAPANESE, "cp932", "Shift_JIS", "shift_jis"),
        (JAPANESE.replace("①", ""), "euc_jp", "euc-jp", "euc-jp"),
        (CHINESE, "gbk", "gb2312", "gbk"),
        ("<p>磨坊每天磨穀物，把麵粉送到鄰近的村莊。</p>", "big5", "big5", "big5"),
        (KOREAN, "cp949", "euc-kr", "euc-kr"),
        ("<html>" + RUSSIAN, "utf-16-le", "utf-16", "utf-16le"),
        ("<html>" + RUSSIAN, "utf-16-be", "utf-16be", "utf-16be"),
    ],
)
def test_declared_charsets_mean_what_the_web_means(
    text: str, codec: str, label: str, charset: str
) -> None:
    found = decode(text.encode(codec), label)
    assert (found.text, found.charset, found.source) == (text, charset, "http")


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="koi8-r">',
        "<META CHARSET=koi8-r />",
        '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">',
        '<!-- <meta charset="utf-8"> --><meta charset=koi8-r>',
        '<?xml version="1.0" encoding="KOI8-R"?>',
    ],
)
def test_declarations_in_the_page_are_found(head: str) -> None:
    found = decode((head + RUSSIAN).encode("koi8-r"), None)
    assert (found.charset, found.source) == ("koi8-r", "meta")
    assert found.text.endswith(RUSSIAN)


def test_the_header_outranks_the_page_and_a_mark_outranks_both() -> None:
    payload = (meta("windows-1251") + RUSSIAN).encode("koi8-r")
    assert decode(payload, "koi8-r").source == "http"
    marked = decode(codecs.BOM_UTF8 + payload.decode("koi8-r").encode(), "koi8-r")
    assert (marked.charset, marked.source) == ("utf-8", "bom")
    assert marked.text.startswith("<html>")
    for codec, bom in (("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)):
        assert decode(bom + GERMAN.encode(codec), "utf-8").text == GERMAN


def test_a_declaration_that_the_bytes_contradict_is_passed_over() -> None:
    wrong_header = decode((meta("windows-1251") + RUSSIAN).encode("cp1251"), "utf-8")
    assert (wrong_header.charset, wrong_header.source) == ("windows-1251", "meta")
    for label in ("iso-8859-1", "windows-1251", "gbk", "utf-16"):
        mislabelled = decode(GERMAN.encode(), label)
        assert (mislabelled.text, mislabelled.source) == (GERMAN, "detected")


def test_a_few_bad_bytes_do_not_discredit_a_declaration() -> None:
    payload = RUSSIAN.encode() + b"\xff <p>\xd0"
    found = decode(payload, "utf-8")
    assert (found.charset, found.source) == ("utf-8", "http")
    assert found.text.count("�") == 2


@pytest.mark.parametrize("codec", ["utf-8", "cp1251", "koi8-r", "shift_jis", "euc_kr"])
def test_undeclared_charsets_are_detected(codec: str) -> None:
    text = {"shift_jis": JAPANESE.replace("①", "") * 3, "euc_kr": KOREAN.replace("똠", "") * 3}.get(
        codec, RUSSIAN
    )
    found = decode(text.encode(codec), None)
    assert (found.text, found.source) == (text, "detected")


@pytest.mark.parametrize(
    "label", ["", "none", "x-unheard-of", "utf-7", "rot13", "\0", "é", "utf-32"]
)
def test_labels_that_mean_nothing_are_ignored(label: str) -> None:
    assert decode(GERMAN.encode(), label).text == GERMAN


def test_windows_1252_has_no_holes_and_nul_is_left_out() -> None:
    assert decode(b"a\x81\x00b\xe9", "windows-1252").text == "a\x81bé"
    assert decode(b"a\0b", None).text == "ab"
    assert decode("<a>\0é".encode("utf-16-le"), "utf-16le").text == "<a>é"


def test_what_nothing_fits_is_still_read() -> None:
    found = decode(b"\xff\x00\xc3\x28\xa0\xa1", "utf-8")
    assert found.source in ("detected", "fallback")
    assert decode(b"", None).text == ""


LABELS = [
    *["utf-8", "utf-16", "utf-16be", "ibm866", "iso-8859-2", "iso-8859-3", "iso-8859-6"],
    *["iso-8859-8-i", "iso-8859-16", "koi8-u", "macintosh", "windows-874", "windows-1252"],
    *["windows-1255", "windows-1258", "gbk", "gb18030", "big5", "euc-jp", "iso-2022-jp"],
    *["shift_jis", "euc-kr", "nonsense"],
]


@given(
    payload=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from([b"\x1b$B", b"\x81\x30", b"\xd8\x00", b"\xed\xa0\x80", b"<\0", b"\xff"])
        ).map(b"".join),
    ),
    label=st.sampled_from([None, *LABELS]),
    in_page=st.sampled_from(["", *map(meta, LABELS)]),
)
def test_any_bytes_give_a_clean_text(payload: bytes, label: str | None, in_page: str) -> None:
    found = decode(in_page.encode() + payload, label)
    assert "\0" not in found.text
    found.text.encode("utf-8")  # no lone surrogates
    assert found.charset == found.charset.lower()
    assert found == decode(in_page.encode() + payload, label)

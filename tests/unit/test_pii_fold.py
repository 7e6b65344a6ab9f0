"""One scan of the digits finds the same as the patterns that say what is meant."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipeline.pii.fold import SHORTEST, fold

NUMBERS = re.compile(r"[0-9](?<![0-9][0-9])(?:(?:[^0-9]{0,3}|[ \t]{0,2}\r?\n[ \t>]{0,8})[0-9]){5,}")
YEARS = re.compile(r"1[0-9]{3}[^0-9]{1,3}(?:1[0-9]|20)[0-9]{2}|20[0-9]{2}[^0-9]{1,3}20[0-9]{2}")
MIXED = re.compile("[0-9][A-Za-z]|[A-Za-z][0-9]")

LINES = st.text("0123456789 \n\r\t>-aZ", max_size=80)


@given(LINES)
def test_numbers(text: str) -> None:
    meant = [m.span() for m in NUMBERS.finditer(text) if not YEARS.fullmatch(m[0])]
    assert list(fold(text).numbers) == meant


@given(LINES)
def test_mixed(text: str) -> None:
    words = re.finditer("[0-9A-Za-z]+", text)
    meant = [m.span() for m in words if len(m[0]) >= SHORTEST and MIXED.search(m[0])]
    assert list(fold(text).mixed) == meant


@given(st.text(max_size=80))
def test_runs_of_digits(text: str) -> None:
    folded = fold(text)
    assert [folded.text[start:end] for start, end in folded.runs] == re.findall(
        "[0-9]+", folded.text
    )

"""Numbers as texts of many languages write them, and as plain ones: ``1.000,50``, ``８万`` and ``三十``.

What a string of digits stands for depends on where it was written; where two readings are likely,
both are given. Number words arrive here as English ones, one by one (``three`` ``hundred``), and are
joined by the rules that most languages share.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence

__all__ = [
    "HAN_NUMERALS",
    "ascii_digits",
    "han_value",
    "joined",
    "number_pattern",
    "plain",
    "readings",
    "word_value",
]

# Digits with what groups them: 80 000,5 · 1.234.567,8 · 1,00,000 · 2.5 · 12, but each of 1,2,3 alone.
# Apostrophes group in Switzerland, spaces where the comma is decimal.
_PATTERN = (
    r"(?<!\d)\d{{1,3}}(?:[{spaces}]\d{{3}}(?!\d))+(?:[.,]\d++)?"
    r"|(?<!\d)(?<!\d[.,])(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d++)?|\d{{1,3}}(?:\.\d{{3}})+(?:,\d++)?"
    r"|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d++)?|\d++[.,]\d++)(?![.,]?\d)"
    r"|\d++"
)
_SPACES = "\u00a0\u2009\u202f'’"
_GROUPED = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")
_LONGEST = 18  # digits of a number that is compared by value

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = {
    "hundred": 100,
    "thousand": 1000,
    "ten thousand": 10_000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_WORDS: dict[str, int] = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: 20 + 10 * place for place, word in enumerate(_TENS)},
    **_SCALES,
}

_HAN_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}
_HAN_DIGITS |= {"〇": 0, "两": 2, "兩": 2, "○": 0}
_HAN_SMALL = {"十": 10, "百": 100, "千": 1000}
_HAN_LARGE = {"万": 10_000, "萬": 10_000, "亿": 10**8, "億": 10**8}
HAN_NUMERALS = "".join([*_HAN_DIGITS, *_HAN_SMALL, *_HAN_LARGE])


def number_pattern(*, comma: bool) -> re.Pattern[str]:
    """What finds numbers of ASCII digits, grouped ones as a whole; ``comma``: see `readings`."""
    return re.compile(_PATTERN.format(spaces=_SPACES + " " * comma))


def plain(value: float) -> str:
    """A number without grouping, exponent or needless zeros: ``1000``, ``2.5``."""
    if value == int(value):
        return str(int(value))
    return f"{value:.6f}".rstrip("0").rstrip(".")


def readings(digits: str, *, comma: bool) -> tuple[str, ...]:
    """What grouped digits may stand for, the likeliest reading first.

    Args:
        digits: a match of `number_pattern`.
        comma: whether the language writes ``1.000,50`` and not ``1,000.50``.
    """
    bare = re.sub(r"[^\d.,]", "", digits)
    if sum(map(str.isdigit, bare)) > _LONGEST:
        return (bare,)
    if bare.isdigit():
        return (plain(int(bare)),)
    points, commas = bare.count("."), bare.count(",")
    if points and commas:  # the last one is the decimal mark
        mark = max(".,", key=bare.rfind)
        return (_value(bare, mark),)
    mark = "." if points else ","
    decimal = _value(bare, mark) if bare.count(mark) == 1 else ""
    whole = ""
    if _GROUPED.fullmatch(bare) or _INDIAN.fullmatch(bare):
        whole = plain(int(re.sub(r"\D", "", bare)))
    if bare.startswith("0") and decimal:
        return (decimal,)
    if whole and decimal:
        own = (mark == ",") == comma  # the language's own decimal mark
        return (decimal, whole) if own else (whole, decimal)
    return (whole or decimal or plain(int(re.sub(r"\D", "", bare))),)


def _value(digits: str, mark: str) -> str:
    whole, _, part = digits.rpartition(mark)
    whole = re.sub(r"\D", "", whole)
    return plain(float(f"{whole or 0}.{part}")) if part.isdigit() else plain(int(whole or 0))


def word_value(word: str) -> int | None:
    """The value of an English number word or of several, such as ``two hundred``; None of others."""
    if word in _WORDS:
        return _WORDS[word]
    parts = word.replace("-", " ").split()
    if len(parts) < 2 or not all(part in _WORDS for part in parts):
        return None
    values = joined([_WORDS[part] for part in parts])
    return values[0][0] if len(values) == 1 else None


def joined(values: Sequence[int]) -> list[tuple[int, int]]:
    """Number words in a row as the numbers they make: 3, 100, 20, 5 are 325; 2, 3 are two numbers.

    Args:
        values: of the words, in order.

    Returns:
        each number's value with how many words it took.
    """
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(values):
        value, took = _one(values, at)
        found.append((value, took))
        at += took
    return found


def _one(values: Sequence[int], first: int) -> tuple[int, int]:
    total, group, room, scale = 0, 0, sys.maxsize, sys.maxsize
    took = 0
    for at in range(first, len(values)):
        value = values[at]
        if value >= 1000:
            if (took and not group) or value >= scale:
                break
            total += max(group, 1) * value
            group, room, scale = 0, value, value
        elif value == 100 and took and 0 < group < 10:
            group, room = group * 100, 100
        elif value == 10 and took and 1 < group < 10:  # three ten: Chinese, Thai
            group, room = group * 10, 10
        elif value == 20 and group == 4:  # quatre-vingt
            group, room = 80, 20
        elif took and (value >= room or value == 0):
            break
        else:
            group += value
            room = 1 if not value else 100 if value % 100 == 0 else 10 if value % 10 == 0 else 1
            if value == 60 or value == 80:  # soixante-dix, quatre-vingt-dix
                room = 20
        took += 1
    return total + group, took


def han_value(numerals: str) -> int | None:
    """The value of Chinese numerals: 三十 is 30, 一万二 is 12000, 二〇一五 is 2015; None of nonsense."""
    if not numerals or len(numerals) > _LONGEST or not set(numerals) <= set(HAN_NUMERALS):
        return None
    if len(numerals) > 1 and all(one in _HAN_DIGITS for one in numerals):
        return int("".join(str(_HAN_DIGITS[one]) for one in numerals))
    total = group = digit = 0
    unit = 0  # of the last scale, for the short form 一万二
    for one in numerals:
        if one in _HAN_DIGITS:
            if digit:
                return None
            digit = _HAN_DIGITS[one]
            unit = 0 if not digit else unit
        elif one in _HAN_SMALL:
            unit = _HAN_SMALL[one]
            group, digit = group + (digit or 1) * unit, 0
        else:
            unit = _HAN_LARGE[one]
            total, group, digit = (total + group + digit or 1) * unit, 0, 0
    short = unit // 10 if unit >= 100 and digit else 1
    return total + group + digit * short


def ascii_digits() -> dict[int, str]:
    """A table for `str.translate`: digits of all scripts to ASCII, wide forms to narrow ones."""
    table = {0xFF01 + offset: chr(0x21 + offset) for offset in range(94)}
    for code in range(0x80, sys.maxunicode + 1):
        if unicodedata.category(chr(code)) == "Nd":
            table[code] = str(unicodedata.decimal(chr(code)))
    table[0x3000] = " "
    return table

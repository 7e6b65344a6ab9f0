"""Whether a string looks drawn at random, as keys are, or made of words, as names and stand-ins are."""

from __future__ import annotations

import collections
import math
import re

__all__ = ["entropy", "is_placeholder", "is_random"]

_PLACEHOLDER = re.compile(
    r"your|my[_-]?(?:api|secret|token|key|pass)|example|placeholder|change[_-]?(?:me|it|this)"
    r"|replace"
    r"|insert|dummy|sample|fake|redacted|hidden|todo|fixme|xxx|\*\*\*|\.\.\.|…|<|>|\$\{|\$\("
    r"|\{\{|%\("
    r"|_here\b|-here\b|put[_-]|enter[_-]|(?-i:abcdefghij|ABCDEFGHIJ)|0000000|aaaaaa|foobar"
    r"|not[_-]?a[_-]?real",
    re.I,
)
_WORDS = re.compile(r"[A-Za-z]+(?:[_\-. ][A-Za-z]+)*[_\-. ]?[0-9]{0,2}")
_CALL = re.compile(
    r"[\w.]+[(\[].*|\$\w+|@\w+|%\w+%|[A-Za-z_]\w*\.[A-Za-z_][\w.]*|&[\w.]+;?|process\.env.*"
)


def entropy(text: str) -> float:
    """Shannon's entropy of the characters of ``text``, in bits for each; 0.0 without any."""
    n = len(text)
    return -sum(c / n * math.log2(c / n) for c in collections.Counter(text).values())


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where a real one goes: ``YOUR_API_KEY``, ``sk-xxxx``, ``${KEY}``."""
    return bool(_PLACEHOLDER.search(value)) or len(set(value)) < 5


def is_random(value: str, *, shortest: int = 8, bits: float = 2.5) -> bool:
    """Whether a value looks like a secret.

    It must mix kinds of characters, since words alone are identifiers and sentences; and it is no
    placeholder, no call and no path of names.

    Args:
        value: without quotes; its first 512 characters are looked at.
        shortest: fewest characters.
        bits: least `entropy`.
    """
    value = value[:512]
    if len(value) < shortest or is_placeholder(value) or _CALL.fullmatch(value):
        return False
    digits = sum(char.isdigit() for char in value)
    signs = sum(not char.isalnum() and char not in "_-. " for char in value)
    letters = sum(char.isalpha() for char in value)
    if not digits and not signs:
        # Base64 may have no digit: mixed case that no word has.
        turns = len(re.findall("[a-z][A-Z]", value))
        if len(value) < 16 or turns < 3 or entropy(value) < 3.5 or "_" in value.strip("_"):
            return False
    if not letters and not signs:
        return len(value) >= 12 and entropy(value) >= bits and "-" not in value
    if _WORDS.fullmatch(value) and len(value) < 16 and digits <= 2 and not _mixed(value):
        return _has_symbols(value)
    return entropy(value) >= bits


def _mixed(value: str) -> bool:
    return bool(re.search("[0-9][A-Za-z]", value)) or len(re.findall("[a-z][A-Z]", value)) > 1


def _has_symbols(value: str) -> bool:
    return bool(re.search("[^\\w.\\-\\s]", value))

"""The words around a number that say what it is."""

from __future__ import annotations

import re

__all__ = ["last_word", "words"]


def words(*alternatives: str, whole: bool = True) -> re.Pattern[str]:
    """A pattern of any of these words, which are patterns in lower case.

    Args:
        whole: no letter stands directly in front of them.
    """
    front = r"(?<![^\W\d_])" if whole else ""
    return re.compile(f"{front}(?:{'|'.join(alternatives)})")


def last_word(pattern: re.Pattern[str], lower: str, start: int, width: int) -> int:
    """Where the last match within ``width`` characters before ``start`` ends; -1 without one."""
    end = -1
    for match in pattern.finditer(lower, max(0, start - width), start):
        end = match.end()
    return end

"""Strangers' text on a terminal: nothing in it moves the cursor, sets colours or turns the line."""

from __future__ import annotations

__all__ = ["printable"]

_DIRECTION = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEPARATORS = (0x2028, 0x2029)
_STAND_INS = {
    **{code: 0x2400 + code for code in range(0x20)},  # control pictures
    0x7F: 0x2421,
    **dict.fromkeys(
        (*range(0x80, 0xA0), *_DIRECTION, *_SEPARATORS, *range(0xD800, 0xE000)), 0xFFFD
    ),
}


def printable(text: str) -> str:
    """``text`` on one line, with a visible character in the place of each that would act.

    Control characters become their pictures, as in ``␛[2J``; those that would turn the direction
    of writing or end a line, and lone surrogates, become U+FFFD.
    """
    return text.translate(_STAND_INS)

"""One plain form of a text to look in: ASCII digits and signs, nothing invisible; places map back."""

from __future__ import annotations

import bisect
import dataclasses
import re
import unicodedata

__all__ = ["Folded", "fold"]

# Zero of each decimal script in the basic plane (Unicode 15, category Nd).
_ZEROS = (
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
)  # fmt: skip
# The em dash stands between words, so it stays; the others stand inside numbers.
_SIGNS = {
    "\uff20": "@", "\ufe6b": "@",
    "\u2024": ".", "\uff61": ".", "\ufe52": ".",
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2212": "-", "\ufe58": "-",
    "\ufe63": "-", "\u00b7": ".", "\u2022": ".",
    "\u00a0": " ", "\u202f": " ", "\u205f": " ", "\u3000": " ", "\ufe55": ":", "\ua789": ":",
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2028": "\n",
    "\u2215": "/", "\u2044": "/", "\u2236": ":",
}  # fmt: skip
_PLAIN: dict[str, str] = {
    **{chr(zero + digit): str(digit) for zero in _ZEROS for digit in range(10)},
    **{chr(0x2000 + step): " " for step in range(11)},
    **{chr(0xFF01 + step): chr(0x21 + step) for step in range(94)},
    **_SIGNS,
}
_INVISIBLE = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e007f"
)
# Letters and digits of mathematical alphabets are folded by Unicode's own table.
_FOLD = re.compile(
    f"[{re.escape(''.join(sorted(_PLAIN)))}\U0001d400-\U0001d7ff\U0001fbf0-\U0001fbf9]"
)
_GONE = re.compile(f"[{_INVISIBLE}]+")
# A Chinese full stop is a dot only inside a name.
_STOP = re.compile("(?<=[A-Za-z0-9])\u3002(?=[A-Za-z0-9])")


@dataclasses.dataclass(frozen=True, slots=True)
class Folded:
    """A text's plain form.

    Args:
        text: folded; as long as the original but for what is invisible.
        lower: the same in lower case, character by character.
        starts, origins: where each unbroken piece starts, here and in the original; empty if the
            places are the same.
    """

    text: str
    lower: str
    starts: tuple[int, ...] = ()
    origins: tuple[int, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of ``text[start:end]``, which is not empty."""
        if not self.starts:
            return start, end
        return self._origin(start), self._origin(end - 1) + 1

    def _origin(self, index: int) -> int:
        piece = bisect.bisect_right(self.starts, index) - 1
        return self.origins[piece] + index - self.starts[piece]


def fold(text: str) -> Folded:
    """The plain form of any string, in linear time.

    Full-width forms, digits of every script and letters of mathematical alphabets become ASCII;
    typographic quotes, hyphens and spaces the plain ones; soft hyphens, zero-width characters and
    marks of direction go.
    """
    if text.isascii():
        return Folded(text, text.lower())
    text = _STOP.sub(".", _FOLD.sub(_folded, text))
    starts: list[int] = []
    origins: list[int] = []
    if _GONE.search(text):
        pieces, at, length = [], 0, 0
        for match in _GONE.finditer(text):
            if match.start() > at:
                pieces.append(text[at : match.start()])
                starts.append(length)
                origins.append(at)
                length += match.start() - at
            at = match.end()
        if at < len(text):
            pieces.append(text[at:])
            starts.append(length)
            origins.append(at)
        text = "".join(pieces)
    return Folded(text, _lower(text), tuple(starts), tuple(origins))


def _folded(match: re.Match[str]) -> str:
    plain = _PLAIN.get(match[0])
    if plain is None:
        plain = unicodedata.normalize("NFKC", match[0])
    return plain if len(plain) == 1 else match[0]


def _lower(text: str) -> str:
    """Lower case of the same length: a few capitals have a lower case of two characters."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)

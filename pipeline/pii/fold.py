"""One plain form of a text to look in: ASCII digits and signs, nothing invisible; places map back."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import re
import string
import unicodedata
from collections.abc import Sequence

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
_OTHER = re.compile("[^\x00-\x7f]+")
_STYLED = re.compile("[\U0001d400-\U0001d7ff\U0001fbf0-\U0001fbf9]")
_TABLE = str.maketrans(_PLAIN)
_YEARS = re.compile(r"1[0-9]{3}[^0-9]{1,3}(?:1[0-9]|20)[0-9]{2}|20[0-9]{2}[^0-9]{1,3}20[0-9]{2}")
_WORD = re.compile("[0-9A-Za-z]+")
_LETTERS = frozenset(string.ascii_letters)
_ALNUM = _LETTERS | frozenset(string.digits)
SHORTEST = 10
_RUNS = re.compile("[0-9]+")
# Digits of one number stand at most three characters apart, or on two lines.
CLOSE, FEWEST = 3, 6
_NEXT_LINE = re.compile(r"[ \t]{0,2}\r?\n[ \t>]{0,8}")
_GONE = re.compile(f"[{_INVISIBLE}]+")
# A Chinese full stop is a dot only inside a name.
_STOP = re.compile("(?<=[A-Za-z0-9])\u3002(?=[A-Za-z0-9])")


@dataclasses.dataclass(frozen=True, slots=True)
class Folded:
    """A text's plain form.

    Args:
        text: folded; as long as the original but for what is invisible.
        lower: the same in lower case, character by character.
        runs: of digits.
        numbers: where six digits or more stand close together, as those of long numbers do.
        mixed: words of ten letters and digits or more, with a letter beside a digit, as keys and
            wallets are.
        starts, origins: where each unbroken piece starts, here and in the original; empty if the
            places are the same.
    """

    text: str
    lower: str
    runs: Sequence[tuple[int, int]] = ()
    numbers: tuple[tuple[int, int], ...] = ()
    mixed: tuple[tuple[int, int], ...] = ()
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
        return _scanned(text, text.lower())
    text = _OTHER.sub(_folded, text)
    if "\u3002" in text:
        text = _STOP.sub(".", text)
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
    return _scanned(text, _lower(text), tuple(starts), tuple(origins))


def _scanned(
    text: str, lower: str, starts: tuple[int, ...] = (), origins: tuple[int, ...] = ()
) -> Folded:
    runs = [match.span() for match in _RUNS.finditer(text)]
    if not runs:
        return Folded(text, lower, starts=starts, origins=origins)
    return Folded(text, lower, runs, _numbers(text, runs), _mixed(text, runs), starts, origins)


def _folded(match: re.Match[str]) -> str:
    # Most are one sign, the same few again and again.
    run = match[0]
    return _plain_sign(run) if len(run) < 3 else _plain(run)


def _plain(run: str) -> str:
    plain = run.translate(_TABLE)
    return _STYLED.sub(_unstyled, plain) if max(plain) >= "\U0001d400" else plain


_plain_sign = functools.lru_cache(4096)(_plain)


def _unstyled(match: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", match[0])
    return plain if len(plain) == 1 else match[0]


def _numbers(text: str, runs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    spans = []
    first, last = runs[0]
    digits = last - first
    for start, end in runs[1:]:
        if start - last <= CLOSE or (
            start - last <= 12 and _NEXT_LINE.fullmatch(text, last, start)
        ):
            digits += end - start
        else:
            if digits >= FEWEST:
                spans.append((first, last))
            first, digits = start, end - start
        last = end
    if digits >= FEWEST:
        spans.append((first, last))
    return tuple(span for span in spans if not _YEARS.fullmatch(text, *span))


def _lower(text: str) -> str:
    """Lower case of the same length: a few capitals have a lower case of two characters."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _mixed(text: str, runs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    spans = []
    done = 0
    for start, end in runs:
        if start > done and text[start - 1] in _LETTERS:
            at = start
        elif end > done and text[end : end + 1] in _LETTERS:
            at = end - 1
        else:
            continue
        first, furthest = at, max(done, at - 256)
        while first > furthest and text[first - 1] in _ALNUM:
            first -= 1
        word = _WORD.match(text, first)
        if word is not None:
            done = word.end()
            if done - first >= SHORTEST:
                spans.append((first, done))
    return tuple(spans)

"""The words around a number that say what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["after_words", "around_numbers", "last_word", "words"]


def words(*alternatives: str, whole: bool = True) -> re.Pattern[str]:
    """A pattern of any of these words, which are patterns in lower case.

    Args:
        whole: no letter stands directly in front of them and no Latin one but a plural's "s" behind,
            so "lon" is not in "London" nor "sin" in "since". Other scripts put no space between words.
    """
    front, back = (r"(?<![^\W\d_])", r"s?(?![a-z\u00df-\u024f])") if whole else ("", "")
    return re.compile(f"{front}(?:{'|'.join(alternatives)}){back}")


def last_word(pattern: re.Pattern[str], lower: str, start: int, width: int) -> int:
    """Where the last match within ``width`` characters before ``start`` ends; -1 without one."""
    end = -1
    for match in pattern.finditer(lower, max(0, start - width), start):
        end = match.end()
    return end


def after_words(
    lower: str, stems: Sequence[str], width: int, *, inside: bool = True
) -> Iterator[tuple[int, int]]:
    """Stretches of up to ``width`` characters behind each of the stems; those that touch are joined.

    Args:
        stems: plain strings in lower case; looking for them is quicker than for a pattern.
        inside: also where a letter stands in front of the stem.
    """
    places = []
    for stem in stems:
        at = lower.find(stem)
        while at >= 0:
            if inside or not at or not lower[at - 1].isalpha():
                places.append(at)
            at = lower.find(stem, at + len(stem))
    places.sort()
    start = end = -1
    for at in places:
        if at > end:
            if end >= 0:
                yield start, end
            start = at
        end = at + width
    if end >= 0:
        yield start, min(end, len(lower))


def around_numbers(
    pattern: re.Pattern[str],
    text: str,
    numbers: Sequence[tuple[int, int]],
    before: int = 4,
    after: int = 3,
) -> Iterator[re.Match[str]]:
    """Matches of a pattern that begin near the places of long numbers, each to its own end.

    Args:
        before: how many characters of the match may lie before the place.
        after: how far behind the place is looked for a match. One that goes on there is followed:
            half of a number is none, and would hide the whole.
    """
    done = 0
    for start, end in numbers:
        stop = end + after
        for match in pattern.finditer(text, max(done, start - before), stop):
            whole = match if match.end() < stop else pattern.match(text, match.start())
            if whole is not None and whole.start() >= done:
                done = whole.end()
                yield whole

"""Strangers' texts on a page: nothing in them acts, matches are marked, and long ones are cut.

Escaping is the template's work. Here a text becomes pieces, marked or not, whose every character
can be seen.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from pipeline.core.printable import printable

__all__ = ["TEXT", "Piece", "Shown", "shortened", "shown", "visible"]

TEXT = 2400  # characters of a text, at most
BEFORE = 4  # one part in so many of a cut text stands before its first match
# They turn the direction of writing, so that a text reads as another than it is.
DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# They show nothing, and machines read them: a way to hide text from people (Unicode tags).
UNSEEN = re.compile("[\U000e0000-\U000e007f]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and whether it stands in the other text, too."""

    text: str
    marked: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a text.

    Args:
        pieces: in order; none where the text is empty.
        before, after: characters left out at either end.
        known: whether there is a text at all.
    """

    pieces: tuple[Piece, ...]
    before: int = 0
    after: int = 0
    known: bool = True


def visible(text: str) -> str:
    """``text`` with a visible stand-in for each character that would act or hide.

    Line breaks and tabs stay. Characters that turn the direction of writing are spelt out, as in
    ``[U+202E]``; the rest is `pipeline.core.printable.printable`'s.
    """
    text = DIRECTION.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\r\n", "\n"))
    text = UNSEEN.sub(lambda found: f"[{len(found[0]):,} hidden characters]", text)
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def shortened(text: str, most: int) -> str:
    """``text``, visible, with at most ``most`` of its characters and a mark where it was cut."""
    return visible(text if len(text) <= most else f"{text[: most - 1]}…")


def shown(text: Any, spans: Any, side: int, most: int = TEXT) -> Shown:
    """What is shown of a text of a finding's evidence.

    Args:
        text: anything but a string counts as none.
        spans: ``[item start, item end, text start, text end]`` each; what is no such four numbers,
            or lies outside the text, is passed over.
        side: 0 for the item's text, 1 for the document's.
        most: characters shown; a longer text is cut around its first match.
    """
    if not isinstance(text, str):
        return Shown((), known=False)
    runs = _runs(spans, side, len(text))
    start = 0
    if len(text) > most:
        first = runs[0][0] if runs else 0
        start = min(max(0, first - most // BEFORE), len(text) - most)
    end = min(len(text), start + most)
    pieces: list[Piece] = []
    at = start
    for low, high in runs:
        low, high = max(low, start), min(high, end)
        if low >= high:
            continue
        if low > at:
            pieces.append(Piece(visible(text[at:low]), False))
        pieces.append(Piece(visible(text[low:high]), True))
        at = high
    if at < end:
        pieces.append(Piece(visible(text[at:end]), False))
    return Shown(tuple(pieces), start, len(text) - end)


def _runs(spans: Any, side: int, length: int) -> list[tuple[int, int]]:
    """Matches of one side in order, those that touch or overlap as one."""
    found = []
    for span in spans if isinstance(spans, list | tuple) else ():
        if not isinstance(span, list | tuple) or len(span) != 4:
            continue
        if not all(type(value) is int for value in span):
            continue
        if span[0] >= span[1] or span[2] >= span[3]:
            continue  # nothing on one side: then the other side's run has no partner
        low, high = max(0, span[2 * side]), min(length, span[2 * side + 1])
        if low < high:
            found.append((low, high))
    runs: list[tuple[int, int]] = []
    for low, high in sorted(found):
        if runs and low <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], high))
        else:
            runs.append((low, high))
    return runs

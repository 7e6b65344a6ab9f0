"""Running heads, running feet and page numbers: what pages repeat at the same place.

Looked for from each edge inwards, row by row, as long as rows are furniture. A row is, if its text
stands at the same distance from the edge on another page nearby, or if it is or holds the page's
number. Numbers may differ in a row that a gap divides from the text.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Sequence

from pipeline.extract.pdf.lines import Line, rows_of

__all__ = ["PageLines", "without_furniture"]

_ROWS = 4  # from each edge
_ZONE = 0.2  # of the page's height
_SAME_PLACE = 4.0  # points
_NEARBY = 3  # pages: left and right pages differ, and chapters change
_NUMBER = re.compile(r"\d{1,4}|[ivxlc]{1,7}", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:page|seite|página|pagina|p\.|pg\.?|side|strona)\s*\d{1,4}(?:\s*(?:of|/|von|de|di|sur|af)\s*\d{1,4})?"
    r"|\d{1,4}\s*(?:/|of)\s*\d{1,4}|[-–—|·•]\s*\d{1,4}\s*[-–—|·•]?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


@dataclasses.dataclass
class PageLines:
    """The lines of one page and its size in points; or ``said``, text read from its image."""

    lines: list[Line]
    width: float
    height: float
    said: str = ""


@dataclasses.dataclass
class _Row:
    page: int
    lines: list[Line]
    distance: float  # from the page's edge to the baseline
    apart: bool  # whether a gap divides it from what stands further in

    def __post_init__(self) -> None:
        self.text = " ".join(line.text for line in self.lines)
        self.masked = _DIGITS.sub("#", self.text.casefold())
        self.letters = sum(letter.isalpha() for letter in self.masked)


def without_furniture(pages: Sequence[PageLines]) -> list[PageLines]:
    """The pages without what stands on them as on any other page of the document."""
    removed: set[int] = set()
    rows = [rows_of(page.lines) for page in pages]
    for bottom in (False, True):
        active = set(range(len(pages)))
        for depth in range(_ROWS):
            candidates = {
                page: row
                for page in sorted(active)
                if (row := _row(page, pages[page], rows[page], depth, bottom)) is not None
            }
            found = _furniture(candidates, depth, bottom, len(pages))
            for page in found:
                removed |= {id(line) for line in candidates[page].lines}
            active = set(found)
            if not active:
                break
    return [
        dataclasses.replace(page, lines=[line for line in page.lines if id(line) not in removed])
        for page in pages
    ]


def _row(
    page: int, sheet: PageLines, rows: Sequence[list[Line]], depth: int, bottom: bool
) -> _Row | None:
    if depth >= len(rows):
        return None
    at = -1 - depth if bottom else depth
    row = rows[at]
    distance = sheet.height - row[0].base if bottom else row[0].base
    if distance > _ZONE * sheet.height:
        return None
    apart = True
    if depth + 1 < len(rows):
        inner = rows[at - 1] if bottom else rows[at + 1]
        apart = abs(inner[0].base - row[0].base) > 1.6 * max(row[0].size, inner[0].size)
    return _Row(page, row, distance, apart)


def _furniture(rows: dict[int, _Row], depth: int, bottom: bool, pages: int) -> list[int]:
    """The pages whose candidate row is furniture."""
    offsets = _offsets(rows)
    found = []
    for page, row in rows.items():
        repeated = any(
            _same(row, rows[other])
            for other in range(page - _NEARBY, page + _NEARBY + 1)
            if other != page and other in rows
        )
        numbered = any(number - page in offsets for number in _numbers(row))
        said = _NUMBERED.fullmatch(row.text.strip()) is not None and row.apart
        lone = bottom and depth == 0 and pages < 3 and _is_lone_number(row)
        if repeated or numbered or said or lone:
            found.append(page)
    return found


def _same(one: _Row, other: _Row) -> bool:
    if abs(one.distance - other.distance) > _SAME_PLACE:
        return False
    if one.text == other.text:
        return True
    return one.apart and one.letters >= 4 and one.masked == other.masked


def _is_lone_number(row: _Row) -> bool:
    return row.apart and _NUMBER.fullmatch(row.text) is not None


def _offsets(rows: dict[int, _Row]) -> set[int]:
    """Differences between printed and counted page numbers that hold at one place on the pages."""
    places: dict[tuple[int, int], set[int]] = collections.defaultdict(set)
    for page, row in rows.items():
        for number in _numbers(row):
            step = round(row.distance / _SAME_PLACE)
            for place in (step - 1, step, step + 1):
                places[(number - page, place)].add(page)
    enough = 2 if len(rows) < 4 else max(3, len(rows) // 4)
    return {offset for (offset, _), seen in places.items() if len(seen) >= enough}


def _numbers(row: _Row) -> list[int]:
    """Numbers at the ends of the row, where a page's number stands."""
    words = row.text.split()
    ends = {words[0].strip("-–—|·•.[]"), words[-1].strip("-–—|·•.[]")} if words else set()
    lone = len(words) <= 3
    found = []
    for word in sorted(ends):
        if word.isdecimal() and len(word) <= 4:
            found.append(int(word))
        elif lone and word and _NUMBER.fullmatch(word) and word.lower() not in ("c", "l"):
            found.append(_roman(word.lower()))
    return found


def _roman(text: str) -> int:
    values = [_ROMAN.get(letter, 0) for letter in text]
    following = [*values[1:], 0]
    return sum(
        -value if value < after else value for value, after in zip(values, following, strict=True)
    )

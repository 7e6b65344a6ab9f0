"""Windows: overlapping passages that cover a text, each from the start of a sentence or line on.

A window is about as long as a benchmark item, since the vector of a longer passage is diluted by
what stands around the item. The units it is made of are, from the text's own layout:

1. A blank line, and a line that opens with a mark or number of a list, begins a unit.
2. Other lines are joined, as hard-wrapped prose, if the next line's first word had no room in a
   line as long as the block's longest; unless all its lines are short (verse, menus) or one is
   long (a paragraph a line).
3. Of prose, a sentence is a unit; of code a block between blank lines or the line of a definition,
   and a line where that is too long.
4. What is still longer than a window is cut between words, a quarter of a window each.

A word is a run without white space; a run of over 32 characters counts as several. Of Han and kana
two characters count as a word, of Thai, Lao, Burmese, Khmer and Tibetan four letters.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError

__all__ = ["Window", "docstrings", "windows"]

WHOLE = 1.5  # windows: a text up to this long is not cut

_Ints = npt.NDArray[np.int64]

# Costs are in quarters of a word.
_WORD, _HAN, _THAI = 4, 2, 1
_RUN = 32  # characters
_PIECES = 4  # of a window, where there is no end of a sentence

_BLANK, _LETTER, _WIDE, _PHRASE, _MARK = range(5)
_WIDE_RANGES = (
    (0x2E80, 0x2FFF),
    (0x3001, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF01, 0xFF60),
    (0xFF66, 0xFF9F),
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x323AF),
)
_PHRASE_RANGES = ((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF))

# A mark that ends a sentence, with closing quotes and emphasis, before white space and not behind a
# common abbreviation; those of Chinese and Japanese need no white space.
_SENTENCE_END = re.compile(
    r"[.!?…؟।॥](?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bvs\.)(?<!\bcf\.)(?<!\bMrs\.)"
    r"(?<!\bFig\.)(?<!\bProf\.)(?<!\be\.g\.)(?<!\bi\.e\.)['\")\]”’»*_]*+(?=\s)"
    r"|[。！？｡]['\")\]」』”’）》】]*+"
)
_SPACE = re.compile(r"\s*+")
_LIST = re.compile(r"\s*+(?:[-*•·–—+>|#]+\s|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{2,4})[.)\]:]\s|\||```)")
_CODE_LINE = re.compile(
    r"[ \t]*+(?:(?:async[ ]+)?def[ ]|class[ ]\w|@\w|import[ ]\w|from[ ]\S+[ ]import\b|return\b"
    r"|(?:if|elif|for|while|with|except)\b[^\n]*:\s*$|(?:else|try|finally):"
    r"|(?:public|private|protected|static|func|function|fn|const|let|var|\#include)[ ]|>>>|\.\.\.[ ]"
    r"|\"\"\"|''')"
    r"|(?:[ ]{2,}+|\t)[^\n]*[=(){}\[\];]"
    r"|[^\n]*[{};]\s*$"
)
_DEFINITION = re.compile(
    r"[ \t]*+(?:(?:async[ ]+)?def[ ]|class[ ]\w|@\w|(?:(?:public|private|protected|static|export"
    r"|async)[ ]+)*(?:func|function|fn)[ ])"
)
_QUOTES = re.compile(r"\"\"\"|'''")
_EXAMPLE = re.compile(r"^[ \t]*+(?:>>>|Examples?\b)", re.MULTILINE)
_HEAD = 500  # characters before a docstring that its definition may take
_COMMENT = re.compile(r"[ \t]*+(?:#(?!!)|//)")
_FUNCTION = re.compile(
    r"[ \t]*+(?:(?:async|export|public|private|protected|static|template|inline|unsafe|pub)\b[^\n]*"
    r"|(?:def|class|function|func|fn|int|void|bool|double|float|string|vector|std)\b)"
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")
COMMENT = 5  # words

_NARROW, _BROAD = 30, 160  # characters: lines all below and any above are not wrapped
_ROOM = 0.9  # of the longest line, since not all wrap at the same column


class Window(NamedTuple):
    """A part of a text.

    Args:
        start, end: characters, end exclusive; neither its first nor its last is white space.
    """

    start: int
    end: int


def windows(text: str, *, words: int = 64, overlap: float = 0.5) -> list[Window]:
    """Windows over a text, in order; together they hold all of it but white space between them.

    Any run of whole units of up to ``overlap`` of a window's words lies whole in one of them. Takes
    time in proportion to the text, whatever it is made of.

    Args:
        text: any string; one of nothing but white space has no window.
        words: of a window, at most; a text of up to 1.5 times as many is one window.
        overlap: share of a window that the next may repeat, from 0 to below 1.

    Raises:
        ConfigError: ``words`` or ``overlap`` is out of its range.
    """
    if words < 1:
        raise ConfigError(f"words = {words}: give a window at least 1 word")
    if not 0 <= overlap < 1:
        raise ConfigError(f"overlap = {overlap}: give a share from 0 to below 1")
    costs = _costs(text)
    sums = np.cumsum(costs, dtype=np.int64)
    first = _filled(text, 0)
    if first == len(text):
        return []
    limit = words * _WORD
    if int(sums[-1]) <= WHOLE * limit:
        return [_trimmed(text, first, len(text))]
    starts = _bounded(_units(text), costs, sums, len(text), limit)
    edges = [*starts, len(text)]
    before = [0 if edge == 0 else int(sums[edge - 1]) for edge in edges]
    found: list[Window] = []
    unit = 0
    while True:
        last = max(bisect_right(before, before[unit] + limit) - 1, unit + 1)
        found.append(_trimmed(text, edges[unit], edges[last]))
        if last == len(starts):
            return found
        # As early as it may, but not so early that the next unit would not fit.
        shared = bisect_left(before, before[last] - overlap * limit)
        unit = min(max(unit + 1, shared, bisect_left(before, before[last + 1] - limit)), last)


def docstrings(text: str, *, words: int = 64) -> list[Window]:
    """Windows over what source code says in prose, in order.

    Docstrings, behind ``def …:`` or ``class …:`` or at the start of the text, up to their examples
    (a line with ``>>>`` or ``Example``); an open one ends with the text. Comments of at least
    `COMMENT` words that stand before a definition or between ``/*`` and ``*/``. They are read apart,
    as tasks leak by what functions are said to do, however these are written.

    Args:
        text: any string.
        words: of a window, at most; see `windows`.

    Raises:
        ConfigError: ``words`` is out of its range.
    """
    found = [*_docstrings(text), *_comments(text)]
    return [
        Window(start + one.start, start + one.end)
        for start, end in sorted(found)
        for one in windows(text[start:end], words=words)
    ]


def _docstrings(text: str) -> Iterator[tuple[int, int]]:
    place = 0
    while (opens := _QUOTES.search(text, place)) is not None:
        closes = text.find(opens[0], opens.end())
        end = closes if closes >= 0 else len(text)
        place = end + len(opens[0])
        before = text[max(0, opens.start() - _HEAD) : opens.start()].rstrip("rRuU").rstrip()
        if not before or (before.endswith(":") and ("def " in before or "class " in before)):
            example = _EXAMPLE.search(text, opens.end(), end)
            yield opens.end(), example.start() if example else end


def _comments(text: str) -> Iterator[tuple[int, int]]:
    place = text.find("/*")
    while place >= 0:
        end = text.find("*/", place + 2)
        if end < 0:
            break
        if len(_LETTERS.findall(text, place, end)) >= COMMENT:
            yield place + 2, end
        place = text.find("/*", end + 2)
    if "#" not in text and "//" not in text:
        return
    start = opened = 0
    for line in text.split("\n"):
        if not _COMMENT.match(line):
            words = _LETTERS.findall(text, opened, start) if _FUNCTION.match(line) else ()
            if len(words) >= COMMENT:
                yield opened, start
            opened = start + len(line) + 1
        start += len(line) + 1


def _trimmed(text: str, start: int, end: int) -> Window:
    return Window(start, start + len(text[start:end].rstrip()))


def _filled(text: str, start: int) -> int:
    """Where white space ends."""
    match = _SPACE.match(text, start)
    return match.end() if match else start


@functools.cache
def _classes() -> npt.NDArray[np.uint8]:
    """Of each code point: what it adds to a text's words."""
    table = np.full(0x110000, _LETTER, np.uint8)
    for first, last in _WIDE_RANGES:
        table[first : last + 1] = _WIDE
    for first, last in _PHRASE_RANGES:
        for code in range(first, last + 1):
            table[code] = _PHRASE if unicodedata.category(chr(code))[0] in "LN" else _MARK
    table[[code for code in range(0x3001) if chr(code).isspace()]] = _BLANK
    return table


def _costs(text: str) -> npt.NDArray[np.uint8]:
    """What each character adds, ``uint8[characters]``; a word's cost is at its first."""
    if text.isascii():
        codes: npt.NDArray[np.generic] = np.frombuffer(text.encode("ascii"), np.uint8)
    else:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    classes = _classes()[codes]
    costs = np.zeros(len(classes) + 1, np.uint8)
    letter = np.zeros(len(classes) + 2, np.bool_)
    np.equal(classes, _LETTER, out=letter[1:-1])
    edges = np.flatnonzero(letter[1:] != letter[:-1])
    starts, ends = edges[0::2], edges[1::2]
    costs[starts] = _WORD
    for run in np.flatnonzero(ends - starts > _RUN).tolist():
        costs[starts[run] : ends[run] : _RUN] = _WORD
    costs = costs[:-1]
    if not text.isascii():
        costs[classes == _WIDE] = _HAN
        costs[classes == _PHRASE] = _THAI
    return costs


def _bounded(
    units: list[tuple[int, bool]], costs: npt.NDArray[np.uint8], sums: _Ints, size: int, limit: int
) -> list[int]:
    """Starts of units, none over ``limit``.

    Args:
        units: see `_units`.
        costs, sums: of the text's characters, and those added up.
        size: of the text.
    """
    starts: list[int] = []
    places: _Ints | None = None
    end = size
    within: list[int] = []  # lines of the unit that end opens, last one first
    for start, whole in reversed(units):
        if not whole:
            within.append(start)
            continue
        before = int(sums[start - 1]) if start else 0
        if int(sums[end - 1]) - before > limit:
            for line in (*within, start):
                if places is None:
                    places = np.flatnonzero(costs)
                starts += _cut(line, end, places, sums, limit)
                end = line
        else:
            starts.append(start)
        within.clear()
        end = start
    return starts[::-1]


def _cut(start: int, end: int, places: _Ints, sums: _Ints, limit: int) -> list[int]:
    """Starts of the pieces of a unit, last one first."""
    before = int(sums[start - 1]) if start else 0
    total = int(sums[end - 1]) - before
    if total <= limit:
        return [start]
    piece = max(limit // _PIECES, 1)
    reached = np.searchsorted(sums, before + np.arange(piece, total, piece)) + 1
    which = np.searchsorted(places, reached)
    cuts = places[which[which < len(places)]]
    return [*np.unique(cuts[cuts < end])[::-1].tolist(), start]


def _units(text: str) -> list[tuple[int, bool]]:
    """Starts of units in order, and of the lines within units of code, marked False."""
    units: list[tuple[int, bool]] = []
    block: list[tuple[int, str]] = []
    start = 0
    for line in [*text.split("\n"), ""]:
        filled = line.rstrip()
        if filled:
            block.append((start, filled))
        elif block:
            code = sum(1 for _, line in block if _CODE_LINE.match(line))
            if 2 * code >= len(block) and (code > 1 or _DEFINITION.match(block[0][1])):
                units += _code(block)
            else:
                units += ((place, True) for place in _prose(text, block))
            block.clear()
        start += len(line) + 1
    return units


def _code(block: list[tuple[int, str]]) -> list[tuple[int, bool]]:
    units: list[tuple[int, bool]] = []
    opens, decorated = True, False
    for start, line in block:
        definition = _DEFINITION.match(line) is not None
        units.append((start + _filled(line, 0), opens or (definition and not decorated)))
        decorated = line.lstrip().startswith("@")  # what it decorates goes on with it
        opens = False
    return units


def _prose(text: str, block: list[tuple[int, str]]) -> list[int]:
    longest = max(len(line) for _, line in block)
    wrapped = _NARROW <= longest <= _BROAD
    starts: list[int] = []
    opened = -1
    previous = ""
    for start, line in block:
        begins = _filled(line, 0)
        if wrapped and opened >= 0 and not _LIST.match(line):
            word = line[begins:].partition(" ")[0]
            if len(previous) + 1 + len(word) > _ROOM * longest:
                previous = line
                continue
        if opened >= 0:
            starts += _sentences(text, opened, start)
        opened, previous = start + begins, line
    return starts + _sentences(text, opened, block[-1][0] + len(block[-1][1]))


def _sentences(text: str, start: int, end: int) -> list[int]:
    """Starts of the sentences of a paragraph."""
    mark = _LIST.match(text, start, end)
    starts = [start]
    for match in _SENTENCE_END.finditer(text, mark.end() if mark else start, end):
        place = _filled(text, match.end())
        if place < end:
            starts.append(place)
    return starts

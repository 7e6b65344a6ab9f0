"""Words to lines: what stands on one baseline, close enough to be read on.

Text is nearly always drawn line by line, so the order of drawing says most. A gap wider than a
space between words ends a line: behind it is another column or another cell.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence

from pipeline.extract.pdf.words import Word

__all__ = ["Line", "first_width", "lines_of", "rows_of", "same_row"]

_RAISED = 0.88  # a word this much smaller than its line may stand off its baseline
_GAP = 0.45  # between words, in font sizes; wider ones may be those between cells
_JOINED = 0.55  # lines on one baseline this near, in font sizes, are one
_MARKER_GAP = 4.0
_MARKER = re.compile(r"[•▪▫■□●○◦‣⁃·∙➢➤✓–—*-]|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]|\[\d{1,3}\]")
_SUPERSCRIPT = re.compile(r"\d{1,3}|[*†‡§¶]{1,2}|[a-z]")


@dataclasses.dataclass
class Line:
    """Words on one baseline.

    Args:
        words: from left to right, or as they are read where the script goes the other way.
        left, top, right, bottom, base: see `Glyphs`.
        size: the font's size of most of the line, in points.
        mark: a footnote's number that stands raised at the line's beginning.
    """

    words: list[Word]
    left: float
    top: float
    right: float
    bottom: float
    base: float
    size: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @functools.cached_property
    def text(self) -> str:
        """The words with single spaces between; raised numbers in square brackets."""
        return _text(self)

    @functools.cached_property
    def raised_first(self) -> str:
        """The footnote mark the line begins with, if it begins with one."""
        first = self.words[0]
        return first.text if len(self.words) > 1 and is_mark(first, self) else ""


def line_from(words: Sequence[Word]) -> Line:
    """The line of these words, in their order."""
    size = max(words, key=lambda word: (word.right - word.left, word.size)).size
    main = [word for word in words if word.size > _RAISED * size] or list(words)
    return Line(
        list(words),
        min(word.left for word in words),
        min(word.top for word in main),
        max(word.right for word in words),
        max(word.bottom for word in main),
        max(main, key=lambda word: word.right - word.left).base,
        size,
    )


def first_width(line: Line) -> float:
    """The width of the line's first word, up to the first space."""
    right = line.words[0].right
    for word in line.words[1:]:
        if word.spaced:
            break
        right = word.right
    return right - line.words[0].left


def is_mark(word: Word, line: Line) -> bool:
    """Whether a word is a raised number or sign, as a footnote's mark is."""
    return (
        word.size < _RAISED * line.size
        and word.base < line.base - 0.15 * line.size
        and _SUPERSCRIPT.fullmatch(word.text) is not None
    )


def lines_of(words: Sequence[Word]) -> list[Line]:
    """The lines of a page, from top to bottom and from left to right."""
    runs: list[list[Word]] = []
    for word in words:
        if runs and word.follows and _continues(runs[-1], word):
            runs[-1].append(word)
        else:
            runs.append([word])
    lines = _cells_apart([line_from(run) for run in runs])
    return sorted(_joined(lines), key=lambda line: (round(line.base, 1), line.left))


def _continues(run: Sequence[Word], word: Word) -> bool:
    host = max(run[-4:], key=lambda one: one.size)
    size = max(host.size, word.size)
    off = abs(word.base - host.base)
    if off <= 0.15 * size:
        return True
    raised = min(host.size, word.size) < _RAISED * size
    return off < 0.65 * size and (raised or len(word.text) <= 3)


def same_row(one: Line, other: Line) -> bool:
    """Whether two lines stand on one baseline, or one is raised or lowered beside the other."""
    size = max(one.size, other.size)
    off = abs(one.base - other.base)
    if off <= 0.2 * size:
        return True
    return off < 0.6 * size and min(one.size, other.size) < _RAISED * size


def rows_of(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines grouped by baseline, each group from left to right, from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.base, line.left)):
        if rows and abs(rows[-1][0].base - line.base) <= 0.35 * min(rows[-1][0].size, line.size):
            rows[-1].append(line)
        else:
            rows.append([line])
    for row in rows:
        row.sort(key=lambda line: line.left)
    return rows


def _cells_apart(lines: list[Line]) -> list[Line]:
    """Lines cut at gaps that rows above and below have at the same place, as cells of tables do.

    Rivers of white that run through justified text are rarely as wide, and seldom three lines long.
    """
    rows = rows_of(lines)
    gaps = [_gaps(row) for row in rows]
    result: list[Line] = []
    for place, row in enumerate(rows):
        for line in row:
            wide = _gaps([line])
            near = _nearest(line, rows, place) if wide else []
            cuts = [
                at
                for at, left, right in wide
                if sum(_has_gap(gaps[other], left, right, line.size) for other in near) >= 2
            ]
            bounds = [0, *cuts, len(line.words)]
            for start, end in zip(bounds, bounds[1:], strict=False):
                result.append(line_from(line.words[start:end]) if cuts else line)
    return result


def _gaps(row: Sequence[Line]) -> list[tuple[int, float, float]]:
    """Gaps wider than words need: the index of the word behind, and both sides."""
    words = [word for line in row for word in line.words]
    return [
        (index, before.right, word.left)
        for index, (before, word) in enumerate(zip(words, words[1:], strict=False), start=1)
        if word.left - before.right > _GAP * row[0].size
    ]


def _nearest(line: Line, rows: Sequence[Sequence[Line]], place: int) -> list[int]:
    """The two rows above and the two below that have text where the line has, if they are near."""
    found: list[int] = []
    for step in (-1, 1):
        count, at = 0, place + step
        while count < 2 and 0 <= at < len(rows):
            off = abs(rows[at][0].base - line.base)
            if off > 4.5 * line.size:
                break
            shared = sum(
                max(min(line.right, other.right) - max(line.left, other.left), 0.0)
                for other in rows[at]
            )
            if shared > 0.25 * line.width and off > 0.5 * line.size:
                found.append(at)
                count += 1
            at += step
    return found


def _has_gap(
    gaps: Sequence[tuple[int, float, float]], left: float, right: float, size: float
) -> bool:
    return any(
        min(right, far) - max(left, near) > 0.35 * size and far - near > 1.6 * _GAP * size
        for _, near, far in gaps
    )


def _joined(lines: Sequence[Line]) -> list[Line]:
    """Lines that were drawn in pieces, and items with their bullets, put together."""
    edges, extents = _edges(lines), _extents(lines)
    result: list[Line] = []
    for row in _loose_rows(lines):
        row.sort(key=lambda line: line.left)
        row = _stretched(row, edges, extents)
        merged = [row[0]]
        for line in row[1:]:
            before = merged[-1]
            if _belongs(before, line, edges):
                merged[-1] = line_from(_read_order([*before.words, *_spaced(before, line)]))
            else:
                merged.append(line)
        result += merged
    return result


def _stretched(
    row: list[Line], edges: frozenset[int], extents: frozenset[tuple[int, int]]
) -> list[Line]:
    """Pieces of one justified line put together: its gaps are wide, and all of one width.

    A line of two words has one gap only; it is told by both its ends, which many lines share.
    """
    result: list[Line] = []
    for index, line in enumerate(row):
        before = result[-1] if result else None
        if before is None or not same_row(before, line):
            result.append(line)
            continue
        gap = line.left - before.right
        after = row[index + 1].left - line.right if index + 1 < len(row) else None
        alike = round(line.left) not in edges and _is_usual_gap(gap, after, before, line)
        whole = (round(before.left), round(line.right)) in extents
        lettered = before.text[-1:].isalpha() or line.text[:1].isalpha()
        if lettered and 0 < gap < 4.5 * line.size and (alike or whole):
            line.words[0].spaced = True
            result[-1] = line_from([*before.words, *line.words])
        else:
            result.append(line)
    return result


def _is_usual_gap(gap: float, after: float | None, before: Line, line: Line) -> bool:
    """Whether the gap between two pieces is as wide as those within them, or as the next one."""
    if after is not None and abs(gap - after) < 0.05 * line.size and gap > 0.7 * line.size:
        return True
    inner = [
        word.left - ahead.right
        for piece in (before, line)
        for ahead, word in zip(piece.words, piece.words[1:], strict=False)
        if word.spaced
    ]
    usual = max(inner, default=0.0)
    return usual > 0.5 * line.size and 0.75 * usual < gap < 1.25 * usual


def _extents(lines: Sequence[Line]) -> frozenset[tuple[int, int]]:
    """Both ends of lines, in points, where many lines have the same: the widths of columns."""
    counts = collections.Counter((round(line.left), round(line.right)) for line in lines)
    found = [ends for ends, count in counts.items() if count >= 4]
    return frozenset(
        (left + off, right + more)
        for left, right in found
        for off in (-1, 0, 1)
        for more in (-1, 0, 1)
    )


def _loose_rows(lines: Sequence[Line]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.base, line.left)):
        for row in rows[-3:]:
            if same_row(max(row, key=lambda one: one.size), line):
                row.append(line)
                break
        else:
            rows.append([line])
    return rows


def _edges(lines: Sequence[Line]) -> frozenset[int]:
    """Where many lines begin: the left sides of columns, in points, and the points beside them."""
    counts = collections.Counter(round(line.left) for line in lines)
    near = {x: counts[x - 1] + counts[x] + counts[x + 1] for x in counts}
    return frozenset(x + off for x, count in near.items() if count >= 6 for off in (-1, 0, 1))


def _belongs(before: Line, line: Line, edges: frozenset[int]) -> bool:
    size = max(before.size, line.size)
    gap = (line.left - before.right) / min(before.size, line.size)
    if not same_row(before, line):
        return False
    near = gap <= 0.3 or (gap <= _JOINED and round(line.left) not in edges)
    if -0.9 <= gap and near and min(before.size, line.size) > 0.45 * size:
        return True
    text = before.text
    if not -0.2 <= gap <= _MARKER_GAP or len(text) > 8:
        return False
    if text.isdecimal() and len(text) < 4:  # of a heading, or of a footnote
        return gap <= 2.5 and len(line.words) >= 4
    return _MARKER.fullmatch(text) is not None


def _spaced(before: Line, line: Line) -> list[Word]:
    """The words of ``line``, the first of them behind a space where there is a gap."""
    first = line.words[0]
    if (line.left - before.right) > 0.12 * max(before.size, line.size):
        first.spaced = True
    return line.words


def _read_order(words: list[Word]) -> list[Word]:
    return sorted(words, key=lambda word: word.left)


_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_SPELT = re.compile(r"(?:\w ){3,}\w")


def _text(line: Line) -> str:
    pieces: list[str] = []
    for index, word in enumerate(line.words):
        mark = len(line.words) > 1 and word.text.isdigit() and is_mark(word, line)
        if mark and index and not _is_note_mark(line, index):
            mark = False
        text = f"[{word.text}]" if mark else word.text
        if pieces and (word.spaced or (mark and index == 0)):
            pieces.append(" ")
        elif index == 1 and pieces[0].startswith("[") and line.raised_first:
            pieces.append(" ")
        pieces.append(text)
    joined = "".join(pieces)
    if _RIGHT_TO_LEFT.search(joined):
        joined = _from_right(line) or joined
    if _SPELT.fullmatch(joined):
        joined = joined.replace(" ", "")
    return joined


def _is_note_mark(line: Line, index: int) -> bool:
    """A raised number behind a word or a sentence, not an exponent behind a letter or a number."""
    before = line.words[index - 1].text
    return len(before) > 2 and not before[-1].isdigit() and (before[-2:].isalpha() or before[-1] in ".,;:!?\"'”’)")


def _from_right(line: Line) -> str | None:
    """Words of a line that is read from the right, if most of its letters are."""
    whole = "".join(word.text for word in line.words)
    right = len(_RIGHT_TO_LEFT.findall(whole))
    if right * 2 < sum(letter.isalpha() for letter in whole):
        return None
    drawn = line.words[0].left > line.words[-1].left  # already in the order of reading
    words = line.words if drawn else line.words[::-1]
    return " ".join(word.text for word in words)

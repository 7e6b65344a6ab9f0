"""The lines of a page from what was drawn together: cut where cells part, joined where they do not.

Justified text has wide gaps, tables narrow ones, and producers draw words in any pieces they like.
What lines above and below have at the same place tells them apart.
"""

from __future__ import annotations

import collections
import itertools
import re
from collections.abc import Sequence

from pipeline.extract.pdf.lines import Line, line_from, rows_of, runs_of
from pipeline.extract.pdf.words import Word

__all__ = ["lines_of"]

_RAISED = 0.88
_GAP = 0.45  # between words, in font sizes; wider ones may be those between cells
_JOINED = 0.55  # lines on one baseline this near, in font sizes, are one
_MARKER_GAP = 4.0
_MARKER = re.compile(r"[•▪▫■□●○◦‣⁃·∙➢➤✓–—*-]|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]|\[\d{1,3}\]")


def lines_of(words: Sequence[Word]) -> list[Line]:
    """The lines of a page, from top to bottom and from left to right.

    Args:
        words: in the order they were drawn.
    """
    lines = _joined(_cells_apart(runs_of(words)))
    return sorted(lines, key=lambda line: (round(line.base, 1), line.left))


def _cells_apart(lines: Sequence[Line]) -> list[Line]:
    """Lines cut at gaps that rows above and below have at the same place, as cells of tables do.

    Rivers of white that run through justified text are rarely as wide, and seldom three lines long.
    """
    rows = rows_of(lines)
    gaps = [_gaps(row) for row in rows]
    result: list[Line] = []
    for place, row in enumerate(rows):
        for line in row:
            wide = (gaps[place] if len(row) == 1 else _gaps([line])) if gaps[place] else []
            near = _nearest(line, rows, place) if wide else []
            cuts = [
                at
                for at, left, right in wide
                if sum(_has_gap(gaps[other], left, right, line.size) for other in near) >= 2
            ]
            bounds = [0, *cuts, len(line.words)]
            for start, end in itertools.pairwise(bounds):
                result.append(line_from(line.words[start:end]) if cuts else line)
    return result


def _gaps(row: Sequence[Line]) -> list[tuple[int, float, float]]:
    """Gaps wider than words need: the index of the word behind, and both sides."""
    words = [word for line in row for word in line.words]
    return [
        (index, before.right, word.left)
        for index, (before, word) in enumerate(itertools.pairwise(words), start=1)
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
    for _, near, far in gaps:
        shared = (right if right < far else far) - (left if left > near else near)
        if shared > 0.35 * size and far - near > 1.6 * _GAP * size:
            return True
    return False


def _merged(before: Line, line: Line) -> Line:
    words = [*before.words, *_spaced(before, line)]
    return line_from(sorted(words, key=lambda word: word.left))


def _joined(lines: Sequence[Line]) -> list[Line]:
    """Lines that were drawn in pieces, and items with their bullets, put together."""
    edges, extents = _edges(lines), _extents(lines)
    lines = _attached(lines)
    result: list[Line] = []
    for row in rows_of(lines):
        row = _stretched(row, edges, extents)
        merged = [row[0]]
        for line in row[1:]:
            before = merged[-1]
            if _belongs(before, line, edges):
                merged[-1] = _merged(before, line)
            else:
                merged.append(line)
        result += merged
    return result


def _attached(lines: Sequence[Line]) -> list[Line]:
    """Raised and lowered pieces that were drawn apart, put to the lines they stand beside."""
    small = [line for line in lines if len(line.words) == 1 and len(line.words[0].text) <= 3]
    if not small or len(small) > 200:
        return list(lines)
    hosts = [line for line in lines if len(line.words) > 1 or len(line.words[0].text) > 3]
    gone: set[int] = set()
    for piece in small:
        for at, host in enumerate(hosts):
            off = abs(piece.base - host.base)
            if not 0.15 * host.size < off < 0.6 * host.size or piece.size > _RAISED * host.size:
                continue
            if -0.2 < (piece.left - host.right) / host.size < 0.3:
                hosts[at] = line_from([*host.words, *piece.words])
                gone.add(id(piece))
                break
            if -0.2 < (host.left - piece.right) / host.size < 0.3:
                hosts[at] = line_from([*piece.words, *host.words])
                gone.add(id(piece))
                break
    return [*hosts, *(piece for piece in small if id(piece) not in gone)]


def _stretched(
    row: list[Line], edges: frozenset[int], extents: frozenset[tuple[int, int]]
) -> list[Line]:
    """Pieces of one justified line put together: its gaps are wide, and all of one width.

    A line of two words has one gap only; it is told by both its ends, which many lines share.
    """
    result: list[Line] = []
    for index, line in enumerate(row):
        before = result[-1] if result else None
        if before is None:
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


def _edges(lines: Sequence[Line]) -> frozenset[int]:
    """Where many lines begin: the left sides of columns, in points, and the points beside them."""
    counts = collections.Counter(round(line.left) for line in lines)
    near = {x: counts[x - 1] + counts[x] + counts[x + 1] for x in counts}
    return frozenset(x + off for x, count in near.items() if count >= 6 for off in (-1, 0, 1))


def _belongs(before: Line, line: Line, edges: frozenset[int]) -> bool:
    size = max(before.size, line.size)
    gap = (line.left - before.right) / min(before.size, line.size)
    near = gap <= 0.3 or (gap <= _JOINED and round(line.left) not in edges)
    if gap >= -0.9 and near and min(before.size, line.size) > 0.45 * size:
        return True
    text = before.text
    if not -0.2 <= gap <= _MARKER_GAP or len(text) > 8:
        return False
    if text.isdecimal() and len(text) < 4:  # of a heading, or of a footnote
        return gap <= 2.5 and len(line.words) >= 4
    return _MARKER.fullmatch(text) is not None


def _spaced(before: Line, line: Line) -> list[Word]:
    """The words of ``line``, the first of them behind a space if, and only if, there is a gap."""
    first = line.words[0]
    first.spaced = (line.left - before.right) > 0.12 * max(before.size, line.size)
    return line.words

"""Tables: short pieces of text side by side, row after row, over columns that line up."""

from __future__ import annotations

import bisect
import itertools
import statistics
from collections.abc import Sequence

from pipeline.extract.pdf.blocks import Block, blocks_of, is_prose
from pipeline.extract.pdf.hyphens import joined_lines
from pipeline.extract.pdf.lines import Line, first_width, line_from, rows_of

__all__ = ["with_tables"]

_CLOSE = 0.85
_ROW_GAP = 3.2  # from baseline to baseline, in font sizes


def with_tables(lines: Sequence[Line]) -> list[Block]:
    """The blocks of a page; lines that form tables are in blocks of rows.

    Args:
        lines: of one page, from top to bottom.
    """
    blocks = blocks_of(lines)
    prose = [block for block in blocks if is_prose(block)]
    held = {id(line) for block in prose for line in block.lines}
    loose = [line for line in lines if id(line) not in held]
    gutters = _gutters(prose, lines)
    tables = []
    taken: set[int] = set()
    for group in _row_groups(loose, gutters):
        table = _table(group)
        if table is not None:
            tables.append(table)
            taken |= {id(line) for row in group for line in row}
    if not tables:
        return blocks
    rest = [line for line in lines if id(line) not in taken]
    return [*blocks_of(rest), *tables]


def _gutters(prose: Sequence[Block], lines: Sequence[Line]) -> list[tuple[float, float, float]]:
    """Between columns of prose: x, and the heights from which and to which it divides the page."""
    found: set[tuple[float, float, float]] = set()
    tall = [block for block in prose if len(block.lines) > 1]
    for one in tall:
        for other in tall:
            if one.right >= other.left or min(one.bottom, other.bottom) < max(one.top, other.top):
                continue
            x = (one.right + other.left) / 2
            top, bottom = min(one.top, other.top), max(one.bottom, other.bottom)
            across = [line for line in lines if line.left < x - 1 and line.right > x + 1]
            if not any(line.bottom > top and line.top < bottom for line in across):
                found.add((x, *_reach(x, top, bottom, across, lines)))
    return sorted(found)


def _reach(
    x: float, top: float, bottom: float, across: Sequence[Line], lines: Sequence[Line]
) -> tuple[float, float]:
    """How far up and down a gutter goes on: to what crosses it, or to a table that lies over it."""
    upper = max((line.bottom for line in across if line.bottom <= top), default=-1.0)
    lower = min((line.top for line in across if line.top >= bottom), default=1e9)
    over = [line for line in lines if upper < line.base < top]
    under = [line for line in lines if bottom < line.base < lower]
    return (top if _side_by_side(over, x) else upper), (
        bottom if _side_by_side(under, x) else lower
    )


def _side_by_side(lines: Sequence[Line], x: float) -> bool:
    """Whether lines left and right of ``x`` stand on the same baselines, as rows of one table do."""
    left = [line for line in lines if line.right <= x]
    right = [line for line in lines if line.left >= x]
    rows = min(len({round(line.base) for line in side}) for side in (left, right))
    shared = sum(
        any(
            abs(one.base - other.base) < 0.1 * one.size and 0.9 < one.size / other.size < 1.1
            for other in right
        )
        for one in {round(line.base): line for line in left}.values()
    )
    return rows >= 3 and shared >= 0.7 * rows


def _row_groups(
    lines: Sequence[Line], gutters: Sequence[tuple[float, float, float]]
) -> list[list[list[Line]]]:
    """Runs of rows near each other that begin and end with rows of several pieces."""
    groups: list[list[list[Line]]] = []
    zones: dict[tuple[bool, ...], list[Line]] = {}
    for line in lines:
        middle = (line.left + line.right) / 2
        side = tuple(
            top - 1 <= line.base <= bottom + 1 and middle > x for x, top, bottom in gutters
        )
        inside = tuple(top - 1 <= line.base <= bottom + 1 for _, top, bottom in gutters)
        zones.setdefault((*side, *inside), []).append(line)
    for zone in zones.values():
        run: list[list[Line]] = []
        for row in _close_rows(zone):
            if run and row[0].base - run[-1][-1].base > _ROW_GAP * max(
                row[0].size, run[-1][0].size
            ):
                groups.append(run)
                run = []
            run.append(row)
        groups.append(run)
    return [group for group in map(_trimmed, groups) if group]


def _trimmed(rows: list[list[Line]]) -> list[list[Line]]:
    several = [index for index, row in enumerate(rows) if len(row) > 1]
    if not several:
        return []
    end = several[-1] + 1
    if end < len(rows) and _ends_cell(rows[end - 1], rows[end][0]):
        end += 1
    return rows[several[0] : end]


def _ends_cell(row: Sequence[Line], line: Line) -> bool:
    """Whether a line below the last row is the rest of one of its cells."""
    for index, piece in enumerate(row[:-1]):
        if abs(piece.left - line.left) < 2 and line.base - piece.base < 1.2 * line.size:
            return _wrapped(piece, line, row[index + 1].left)
    return False


def _close_rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Rows; those nearer to each other than lines of one cell can be are one.

    A cell of two lines begins above its row and ends below, where cells are set to the middle.
    """
    rows: list[list[Line]] = []
    last = 0.0
    for row in rows_of(lines):
        size = max(line.size for line in row)
        if rows and row[0].base - last < _CLOSE * size and len(rows[-1]) < 60:
            rows[-1] += row
        else:
            rows.append(list(row))
        last = row[0].base
    return rows


def _table(rows: list[list[Line]]) -> Block | None:
    """The rows as a table, if the pieces line up in columns."""
    if sum(len(row) > 1 for row in rows) < 0.4 * len(rows):
        return None
    columns = _columns([row for row in rows if len(row) > 1])
    if len(columns) < 2:
        columns = []
    lines = [line for row in rows for line in row]
    if not columns:
        texts = [[line.text for line in sorted(row, key=lambda line: line.left)] for row in rows]
        return Block(lines, rows=texts)
    return Block(lines, rows=_cells(rows, [left for left, _ in columns]))


class _Row:
    """A row of a table while its lines are gathered: the lines of each cell."""

    def __init__(self, cells: list[list[Line]], base: float, size: float):
        self.cells, self.base, self.size = cells, base, size

    def continued(self, other: _Row, ends: Sequence[float]) -> bool:
        """Whether the other, which is below, holds more lines of the same cells."""
        pitch = other.base - self.base
        both = [at for at, cell in enumerate(self.cells) if cell and other.cells[at]]
        full = sum(map(bool, self.cells)) if len(self.cells) > 2 else len(self.cells)
        partial = min(full, sum(map(bool, other.cells))) < len(self.cells)
        if pitch > 1.7 * self.size or not both or not partial:
            return False
        return all(_wrapped(self.cells[at][-1], other.cells[at][0], ends[at]) for at in both)

    def take(self, other: _Row) -> None:
        for cell, more in zip(self.cells, other.cells, strict=True):
            cell += more
        self.base = other.base

    def texts(self) -> list[str]:
        return [joined_lines([line.text for line in cell], frozenset()) for cell in self.cells]


def _cut(line: Line, starts: Sequence[float]) -> list[Line]:
    """The line in pieces, where a word of it begins just where a column does."""
    bounds = [0]
    for start in starts:
        if line.left < start - line.size and line.right > start + 0.2 * line.size:
            bounds += [
                at for at, word in enumerate(line.words) if at and abs(word.left - start) < 1.5
            ]
    if len(bounds) == 1:
        return [line]
    return [
        line_from(line.words[start:end])
        for start, end in itertools.pairwise([*sorted(set(bounds)), len(line.words)])
    ]


def _wrapped(above: Line, below: Line, end: float) -> bool:
    """Whether the first word below has no room behind the text above."""
    return above.right + 0.2 * above.size + first_width(below) > end - 0.3 * above.size


def _cells(rows: Sequence[Sequence[Line]], starts: Sequence[float]) -> list[list[str]]:
    """The text of each cell, row by row."""
    right = max(line.right for row in rows for line in row)
    ends = [*starts[1:], right + 1]
    result: list[_Row] = []
    for row in rows:
        cells: list[list[Line]] = [[] for _ in starts]
        for line in row:
            for piece in _cut(line, starts):
                place = max(bisect.bisect_right(starts, piece.left + 0.5 * piece.size) - 1, 0)
                cells[place].append(piece)
        found = _Row(cells, min(line.base for line in row), row[0].size)
        if result and result[-1].continued(found, ends):
            result[-1].take(found)
        else:
            result.append(found)
    return [row.texts() for row in result]


def _columns(rows: Sequence[Sequence[Line]]) -> list[tuple[float, float]]:
    """Stretches of the page's width that pieces cover, from left to right.

    A piece wider than most (a heading over several columns) is left out, and what one row in seven,
    or one of four and more, has between two columns does not join them.
    """
    pieces = [line for row in rows for line in row]
    usual = statistics.median(line.width for line in pieces)
    kept = [line for line in pieces if line.width <= 4 * usual + 20] or pieces
    events = sorted(
        [(line.left, 1) for line in kept] + [(line.right, -1) for line in kept],
        key=lambda event: (event[0], event[1]),
    )
    few = max(len(rows) // 7, int(len(rows) > 3))
    spans: list[tuple[float, float]] = []
    depth, start = 0, 0.0
    for x, change in events:
        if depth <= few < depth + change:
            start = x
        elif depth + change <= few < depth:
            spans.append((start, x))
        depth += change
    return spans

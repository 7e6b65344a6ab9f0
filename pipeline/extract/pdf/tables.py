"""Tables: short pieces of text side by side, row after row, over columns that line up."""

from __future__ import annotations

import bisect
import statistics
from collections.abc import Sequence

from pipeline.extract.pdf.blocks import Block, blocks_of, is_prose
from pipeline.extract.pdf.lines import Line, rows_of

__all__ = ["with_tables"]

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
    gutters = _gutters(prose)
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


def _gutters(prose: Sequence[Block]) -> list[tuple[float, float, float]]:
    """Between columns of prose: x, and the heights from which and to which it divides the page."""
    found = []
    for one in prose:
        for other in prose:
            if one.right >= other.left or len(one.lines) < 2 or len(other.lines) < 2:
                continue
            top, bottom = min(one.top, other.top), max(one.bottom, other.bottom)
            across = any(
                block.left < one.right and block.right > other.left
                and block.bottom > top and block.top < bottom
                for block in prose
            )  # fmt: skip
            if not across:
                found.append(((one.right + other.left) / 2, top, bottom))
    return found


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
        for row in rows_of(zone):
            if run and row[0].base - run[-1][0].base > _ROW_GAP * max(row[0].size, run[-1][0].size):
                groups.append(run)
                run = []
            run.append(row)
        groups.append(run)
    return [group for group in map(_trimmed, groups) if group]


def _trimmed(rows: list[list[Line]]) -> list[list[Line]]:
    several = [index for index, row in enumerate(rows) if len(row) > 1]
    return rows[several[0] : several[-1] + 1] if several else []


def _table(rows: list[list[Line]]) -> Block | None:
    """The rows as a table, if the pieces line up in columns."""
    lines = [line for row in rows for line in row]
    if sum(len(row) > 1 for row in rows) < 0.4 * len(rows):
        return None
    columns = _columns([row for row in rows if len(row) > 1])
    if len(columns) < 2:
        columns = []
    starts = [left for left, _ in columns]
    cells = []
    for row in rows:
        if not columns:
            cells.append([line.text for line in row])
            continue
        texts = [""] * len(columns)
        for line in row:
            place = max(bisect.bisect_right(starts, line.left + 0.5 * line.size) - 1, 0)
            texts[place] = f"{texts[place]} {line.text}".strip()
        cells.append(texts)
    return Block(lines, rows=_wrapped(cells, rows))


def _columns(rows: Sequence[Sequence[Line]]) -> list[tuple[float, float]]:
    """Stretches of the page's width that pieces cover, over all rows, from left to right.

    A piece wider than most (a heading over several columns) is left out.
    """
    pieces = [line for row in rows for line in row]
    usual = statistics.median(line.width for line in pieces)
    kept = [line for line in pieces if line.width <= 4 * usual + 20] or pieces
    spans: list[list[float]] = []
    for line in sorted(kept, key=lambda line: line.left):
        if spans and line.left < spans[-1][1] + 0.25 * line.size:
            spans[-1][1] = max(spans[-1][1], line.right)
        else:
            spans.append([line.left, line.right])
    return [(left, right) for left, right in spans]


def _wrapped(cells: list[list[str]], rows: Sequence[Sequence[Line]]) -> list[list[str]]:
    """Rows whose first cell is empty go on with the row above, where they are close to it."""
    pitches = [
        later[0].base - sooner[0].base for sooner, later in zip(rows, rows[1:], strict=False)
    ]
    if not pitches:
        return cells
    usual = max(pitches)
    result = [cells[0]]
    for pitch, texts in zip(pitches, cells[1:], strict=True):
        above = result[-1]
        goes_on = (
            not texts[0] and pitch < 0.8 * usual and len(above) == len(texts)
            and all(above[at] for at, text in enumerate(texts) if text)
        )  # fmt: skip
        if goes_on:
            result[-1] = [f"{upper} {text}".strip() for upper, text in zip(above, texts, strict=True)]
        else:
            result.append(texts)
    return result

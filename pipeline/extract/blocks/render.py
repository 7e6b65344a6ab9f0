"""The kept blocks as text, a line for each and for each of its own, rows of tables on one; or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.extract.blocks.outline import HEADINGS, Outline

__all__ = ["as_markdown", "as_text"]

_CELLS = frozenset({"td", "th"})
_TELLING = frozenset({"pre", "tr", "table", "li", "blockquote"}) | _CELLS | HEADINGS
_LISTS = frozenset({"ul", "ol", "menu"})
# A space at the end of a line of Markdown would be none; two are a line break.
_BROKEN = {1: "  \n", 2: "\n\n"}
# First characters of parts that go on with a list or table, and of a table's first row.
_SAME, _TABLE = "\n", "\0"


class _Places:
    """What the elements around a block make of it."""

    def __init__(self, outline: Outline):
        self._tags, self._parents = outline.tags, outline.parents.tolist()
        self._elements = outline.block_elements.tolist()
        self._items: dict[int, int] = {}
        self._last_item = -1

    def around(self, block: int) -> dict[str, int]:
        """Nearest element around a block of each name that tells how it is written."""
        found: dict[str, int] = {}
        element = self._elements[block]
        tags, parents = self._tags, self._parents
        while element:
            tag = tags[element]
            if tag in _TELLING and tag not in found:
                found[tag] = element
            element = parents[element]
        return found

    def list_item(self, around: dict[str, int]) -> tuple[str, bool] | None:
        """Bullet or number, indented, of a block in a list; whether it begins its item."""
        item = around.get("li")
        if item is None:
            return None
        depth, ordered, home = 0, False, self._parents[item]
        element = home
        while element:
            if self._tags[element] in _LISTS:
                depth += 1
            element = self._parents[element]
        ordered = self._tags[home] == "ol"
        begins = item != self._last_item
        if begins:
            self._items[home] = self._items.get(home, 0) + 1
            self._last_item = item
        mark = f"{self._items[home]}. " if ordered else "- "
        return "  " * (max(depth, 1) - 1) + (mark if begins else " " * len(mark)), begins


def as_text(outline: Outline, texts: Sequence[str], kept: Sequence[int]) -> str:
    """Plain text: list items begin with a dash, cells of a row are parted by tabs.

    Args:
        outline: of the page.
        texts: of all blocks.
        kept: numbers of the blocks to write, ascending.
    """
    lines: list[str] = []
    places = _Places(outline)
    broken = _broken(outline)
    row = -1
    for block in kept:
        if not texts[block]:
            continue
        around = places.around(block)
        text = texts[block]
        if "pre" in around:
            text = _preformatted(outline, block)
        here = around.get("tr", -1)
        if here >= 0 and here == row and not _CELLS.isdisjoint(around) and lines:
            lines[-1] += "\t" + text
            continue
        if block in broken and "pre" not in around and _CELLS.isdisjoint(around):
            text = "\n".join(line for _, line in _lines(outline, block))
        if "li" in around and here < 0:
            item = places.list_item(around)
            lines.append("- " + text if item and item[1] else text)
        else:
            lines.append(text)
        row = here
    return "\n".join(lines)


def as_markdown(outline: Outline, texts: Sequence[str], kept: Sequence[int]) -> str:
    """Markdown: headings, lists, tables, code, quotations.

    Args:
        outline, texts, kept: as for `as_text`.
    """
    parts: list[str] = []
    places = _Places(outline)
    broken = _broken(outline)
    row, before = -1, ""  # of the block before: its table row, and what it belongs to
    for block in kept:
        text = texts[block]
        if not text:
            continue
        around = places.around(block)
        here, kind = around.get("tr", -1), "text"
        if "pre" in around:
            kind = f"pre {around['pre']}"
            _add_code(parts, _preformatted(outline, block), kind == before)
        elif here >= 0 and not _CELLS.isdisjoint(around):
            cell, kind = text.replace("|", "\\|"), f"table {around.get('table', -1)}"
            if here == row:
                parts[-1] += f" {cell} |"
            else:
                parts.append(f"{_SAME if kind == before else _TABLE}| {cell} |")
        else:
            level = next((tag[1] for tag in sorted(HEADINGS) if tag in around), "")
            item = places.list_item(around)
            if block in broken and not level:
                text = "".join(
                    _BROKEN.get(breaks, "") + line for breaks, line in _lines(outline, block)
                )
            if level:
                parts.append("#" * int(level) + " " + text)
            elif item:
                kind = "list"
                indented = text.replace("\n", "\n" + " " * len(item[0]))
                parts.append((_SAME if before == "list" else "") + item[0] + indented)
            elif "blockquote" in around:
                parts.append("> " + text.replace("\n", "\n> "))
            else:
                parts.append(text)
        row, before = here, kind
    return _assembled(parts)


def _add_code(parts: list[str], code: str, goes_on: bool) -> None:
    """Put code between fences, or into those of the part before."""
    if goes_on:
        fenced, _, fence = parts[-1].rpartition("\n")
        parts[-1] = f"{fenced}\n{code}\n{fence}"
        return
    fence = "```"
    while fence in code:
        fence += "`"
    parts.append(f"{fence}\n{code}\n{fence}")


def _assembled(parts: Sequence[str]) -> str:
    """Parts with blank lines between; lines of one list or table stay together; tables get their rule."""
    lines: list[str] = []
    for part in parts:
        if lines and part[0] != _SAME:
            lines.append("")
        lines.append(part.lstrip(_SAME + _TABLE))
        if part[0] == _TABLE:
            lines.append("|" + " --- |" * _cells(part))
    return "\n".join(lines)


def _cells(row: str) -> int:
    return row.replace("\\|", "").count("|") - 1


def _broken(outline: Outline) -> frozenset[int]:
    """Blocks that line breaks stand in."""
    return frozenset(outline.piece_blocks[np.flatnonzero(outline.breaks)].tolist())


def _pieces(outline: Outline, block: int) -> list[tuple[int, str]]:
    """Pieces of a block, each with the number of line breaks before it."""
    first = int(outline.piece_blocks.searchsorted(block))
    last = int(outline.piece_blocks.searchsorted(block, side="right"))
    return list(zip(outline.breaks[first:last], outline.pieces[first:last], strict=True))


def _lines(outline: Outline, block: int) -> list[tuple[int, str]]:
    """Lines of a block, white space collapsed, each with the number of line breaks before it."""
    lines: list[tuple[int, str]] = []
    for breaks, piece in _pieces(outline, block):
        if breaks or not lines:
            lines.append((breaks, piece))
        else:
            lines[-1] = lines[-1][0], lines[-1][1] + piece
    collapsed = ((breaks, " ".join(line.split())) for breaks, line in lines)
    return [(breaks, line) for breaks, line in collapsed if line]


def _preformatted(outline: Outline, block: int) -> str:
    """Text of a block with its own line breaks and spaces."""
    text = "".join("\n" * breaks + piece for breaks, piece in _pieces(outline, block))
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)

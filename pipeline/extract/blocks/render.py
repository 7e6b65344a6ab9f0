"""The kept blocks as text: a line for each, rows of tables on one line; or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.extract.blocks.outline import Outline

__all__ = ["as_markdown", "as_text"]

_CELLS = frozenset({"td", "th"})
_LISTS = frozenset({"ul", "ol", "menu"})


class _Places:
    """What the elements around a block make of it."""

    def __init__(self, outline: Outline):
        self._tags, self._parents = outline.tags, outline.parents.tolist()
        self._elements = outline.block_elements.tolist()
        self._items: dict[int, int] = {}
        self._last_item = -1

    def around(self, block: int) -> dict[str, int]:
        """Nearest element of each name around a block."""
        found: dict[str, int] = {}
        element = self._elements[block]
        while element:
            found.setdefault(self._tags[element], element)
            element = self._parents[element]
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
        elif "li" in around and here < 0:
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
    row, table, tight = -1, -1, ""
    columns = 0
    for block in kept:
        text = texts[block]
        if not text:
            continue
        around = places.around(block)
        here = around.get("tr", -1)
        kind = "text"
        if "pre" in around:
            code = _preformatted(outline, block)
            fence = "```"
            while fence in code:
                fence += "`"
            if tight == f"pre {around['pre']}" and parts:
                closing = parts[-1].rpartition("\n")
                parts[-1] = f"{closing[0]}\n{code}\n{closing[2]}"
                continue
            parts.append(f"{fence}\n{code}\n{fence}")
            kind = f"pre {around['pre']}"
        elif here >= 0 and not _CELLS.isdisjoint(around):
            cell = text.replace("|", "\\|")
            kind = f"table {around.get('table', -1)}"
            if here == row:
                parts[-1] += f" {cell} |"
                columns += 1
            else:
                same = tight == kind
                if same and around.get("table", -1) == table:
                    parts.append(f"\n| {cell} |")
                else:
                    parts.append(f"\0| {cell} |")
                columns = 1
            table = around.get("table", -1)
        else:
            level = next(
                (tag[1] for tag in ("h1", "h2", "h3", "h4", "h5", "h6") if tag in around), ""
            )
            item = places.list_item(around)
            if level:
                parts.append("#" * int(level) + " " + text)
            elif item:
                kind = "list"
                parts.append(("\n" if tight == "list" else "") + item[0] + text)
            elif "blockquote" in around:
                parts.append("> " + text)
            else:
                parts.append(text)
        row, tight = here, kind
    return _assembled(parts)


def _assembled(parts: Sequence[str]) -> str:
    """Parts with blank lines between; lines of one list or table stay together; tables get their rule."""
    lines: list[str] = []
    opened = False
    for part in parts:
        if part.startswith("\n"):
            lines.append(part[1:])
        else:
            if lines:
                lines.append("")
            lines.append(part.lstrip("\0"))
        if opened:
            opened = False
        if part.startswith("\0"):
            lines.append("|" + " --- |" * _cells(part))
            opened = True
    return "\n".join(lines)


def _cells(row: str) -> int:
    return row.replace("\\|", "").count("|") - 1


def _preformatted(outline: Outline, block: int) -> str:
    """Text of a block with its own line breaks."""
    first = int(outline.piece_blocks.searchsorted(block))
    last = int(outline.piece_blocks.searchsorted(block, side="right"))
    pieces = outline.pieces[first:last]
    breaks = outline.breaks[first:last]
    text = "".join(
        ("\n" if broken else "") + piece for piece, broken in zip(pieces, breaks, strict=True)
    )
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)

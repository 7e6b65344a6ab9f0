"""Footnotes: small text at the foot of a column that begins with a raised number or a sign."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.extract.pdf.blocks import Block

__all__ = ["NOTE", "split_notes"]

_SMALLER = 0.93
NOTE = re.compile(r"(?:\d{1,3}|[*†‡§¶]{1,2})\.?\s?[^\W\d]|\[\d{1,3}\] ")


def split_notes(
    blocks: Sequence[Block], body_size: float, height: float
) -> tuple[list[Block], list[Block]]:
    """The blocks of a page, and those of them that are footnotes; both keep their order.

    Args:
        blocks: in the order of reading.
        body_size: font size of most of the document.
        height: of the page.
    """
    notes: list[Block] = []
    for block in sorted(blocks, key=lambda block: block.top):
        small = block.rows is None and block.size < _SMALLER * body_size
        if not small or block.top < 0.3 * height or _body_below(block, blocks, body_size):
            continue
        first = block.lines[0]
        goes_on = any(
            abs(note.size - block.size) < 0.5 and 0 <= block.top - note.bottom < 2 * block.size
            for note in notes
        )
        if goes_on or first.raised_first or NOTE.match(first.text):
            notes.append(block)
    chosen = {id(block) for block in notes}
    body = [block for block in blocks if id(block) not in chosen]
    return body, [block for block in blocks if id(block) in chosen]


def _body_below(block: Block, blocks: Sequence[Block], body_size: float) -> bool:
    return any(
        other.top >= block.bottom - 1
        and other.size >= _SMALLER * body_size
        and min(other.right, block.right) - max(other.left, block.left) > 0
        for other in blocks
    )

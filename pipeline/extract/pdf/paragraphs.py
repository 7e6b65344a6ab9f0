"""Blocks to paragraphs: where the author broke the text, and not where the line was full."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
import statistics
from collections.abc import Sequence

from pipeline.extract.pdf.blocks import Block, is_prose
from pipeline.extract.pdf.footnotes import NOTE
from pipeline.extract.pdf.hyphens import joined_lines
from pipeline.extract.pdf.lines import Line, first_width

__all__ = ["Paragraph", "append_block", "append_said", "paragraph_text", "typical_leading"]

_BULLET = re.compile(r"[•▪▫■□●○◦‣⁃∙➢➤✓]|[–—*·-] ")
_NUMBERED = re.compile(r"\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivx]{1,5})[.)] |\[\d{1,3}\] ")
_ENDED = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*(?:\[\d{1,3}\])*$")
_LEADERS = re.compile(r"(?: ?[.·_…]){5,}")
_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)?|table|tab\.|plate|chart|abb(?:ildung|\.))\s*\d", re.IGNORECASE
)
_NOTE_NUMBER = re.compile(r"^(\d{1,3})[.)]?\s+")
_LOOK_BACK = 6


@dataclasses.dataclass
class Paragraph:
    """Lines that make one paragraph, or the text of a table.

    Args:
        lines: in the order of reading.
        table: text that is settled: the rows of a table, or what was read from an image.
        prose: whether it comes from a block of running text.
        edge: right edge of the block that its last line stands in.
        note: whether it is a footnote.
    """

    lines: list[Line]
    table: str = ""
    prose: bool = True
    edge: float = 0.0
    note: bool = False

    def is_open(self) -> bool:
        """Whether the text seems to go on elsewhere: no full stop, and the last line is full."""
        last = self.lines[-1]
        if self.table or _ENDED.search(last.text):
            return False
        return last.right >= self.edge - 2 * last.size or last.text.endswith("-")


def typical_leading(blocks: Sequence[Block]) -> float:
    """The commonest distance between baselines within blocks, in font sizes."""
    found = collections.Counter(
        round((later.base - sooner.base) / max(sooner.size, later.size), 1)
        for block in blocks
        if block.rows is None
        for sooner, later in itertools.pairwise(block.lines)
    )
    return found.most_common(1)[0][0] if found else 1.2


def append_block(
    paragraphs: list[Paragraph], block: Block, leading: float, *, note: bool = False
) -> None:
    """Add the paragraphs of a block to those before it in the order of reading.

    The first goes on with the last open paragraph of the same size, if it reads like that.

    Args:
        paragraphs: is extended.
        block: the next block.
        leading: see `typical_leading`.
        note: whether the block is of footnotes.
    """
    if block.rows is not None:
        table = "\n".join("\t".join(row).rstrip("\t") for row in block.rows)
        paragraphs.append(Paragraph(block.lines, table=table, prose=False))
        return
    prose = is_prose(block)
    for index, lines in enumerate(_split(block, leading, note)):
        before = _going_on(paragraphs, lines, block) if index == 0 else None
        if before is not None:
            before.lines += lines
            before.edge, before.prose = block.right, before.prose or prose
        else:
            paragraphs.append(Paragraph(lines, prose=prose, edge=block.right, note=note))


def paragraph_text(paragraph: Paragraph, vocabulary: frozenset[str]) -> str:
    """The paragraph in one line; a table in one line a row."""
    if paragraph.table:
        return _LEADERS.sub(" … ", paragraph.table)
    text = joined_lines([line.text for line in paragraph.lines], vocabulary)
    if paragraph.note:
        text = _NOTE_NUMBER.sub(r"[\1] ", text)
    return _LEADERS.sub(" … ", text).strip()


def append_said(paragraphs: list[Paragraph], said: str, vocabulary: frozenset[str]) -> None:
    """Add the paragraphs of text without places: divided by blank lines, lines joined."""
    for part in re.split(r"\n[ \t]*\n", said):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        if lines:
            text = joined_lines(lines, vocabulary)
            paragraphs.append(Paragraph([], table=text, prose=False))


def _going_on(
    paragraphs: Sequence[Paragraph], lines: Sequence[Line], block: Block
) -> Paragraph | None:
    """The paragraph that these lines, the first of a block, go on with."""
    first = lines[0]
    text = first.text
    if _is_item(text) or not text:
        return None
    small = text[0].islower()
    indented = first.left > block.left + 0.7 * first.size
    for back, before in enumerate(reversed(paragraphs[-_LOOK_BACK:])):
        if not before.lines:
            return None
        last = before.lines[-1]
        alike = abs(last.size - first.size) <= 0.07 * max(last.size, first.size)
        passed = before.table or before.note or not alike or _CAPTION.match(before.lines[0].text)
        if passed:
            continue
        if not before.is_open():
            if before.prose:
                return None
            continue
        below = abs(first.left - last.left) < 60 and 0 < first.base - last.base < 4 * last.size
        if small and (before.prose or last.text.endswith("-") or (back == 0 and not below)):
            return before
        runs_on = before.prose and is_prose(block) and not indented and not below
        return before if runs_on and len(before.lines) > 1 and back == 0 else None
    return None


def _is_item(text: str) -> bool:
    return _BULLET.match(text) is not None or _NUMBERED.match(text) is not None


def _split(block: Block, leading: float, note: bool) -> list[list[Line]]:
    lines = block.lines
    pitches = sorted(later.base - sooner.base for sooner, later in itertools.pairwise(lines))
    usual = leading * block.size
    if len(pitches) >= 4:
        usual = max(pitches[len(pitches) // 4], 0.8 * block.size)
    elif pitches:
        usual = max(min(usual, 1.6 * block.size), pitches[0]) if pitches[0] < 1.6 * usual else usual
    margin = _margin(lines)
    result = [[lines[0]]]
    for index in range(1, len(lines)):
        before, line = lines[index - 1], lines[index]
        after = lines[index + 1] if index + 1 < len(lines) else None
        if note:
            begins = bool(line.raised_first or NOTE.match(line.text))
        else:
            begins = _breaks(before, line, after, block, usual, margin)
        if begins:
            result.append([])
        result[-1].append(line)
    return result


def _margin(lines: Sequence[Line]) -> float:
    """Where most lines begin."""
    starts = collections.Counter(round(line.left / 3) for line in lines)
    commonest = max(starts.values())
    place = min(start for start, count in starts.items() if count == commonest)
    return statistics.median(line.left for line in lines if round(line.left / 3) == place)


def _breaks(
    before: Line, line: Line, after: Line | None, block: Block, usual: float, margin: float
) -> bool:
    """Whether a paragraph begins with ``line``."""
    size = max(line.size, before.size)
    if line.base - before.base > 1.25 * usual + 0.12 * size:
        return True
    if abs(line.size - before.size) > 0.1 * size:
        return True
    text = line.text
    ended = _ENDED.search(before.text) is not None
    if _BULLET.match(text):
        return True
    if _centred(before, line, block):
        return ended
    short = block.right - before.right > first_width(line) + 0.45 * size
    if _NUMBERED.match(text) and (ended or short):
        return True
    if before.text.endswith("-") and text[:1].islower():
        return False
    if short and not (text[:1].islower() and not ended and before.width > 0.55 * block.width):
        return True
    return _indented(before, line, after, margin, ended)


def _indented(before: Line, line: Line, after: Line | None, margin: float, ended: bool) -> bool:
    """Whether the line stands further in than its paragraph would, or further out."""
    depth = (line.left - margin) / line.size
    if 0.7 < depth < 6:
        hanging = _is_item(before.text) or abs(before.left - line.left) < 0.4 * line.size
        if hanging and not (ended and abs(before.left - line.left) < 0.4 * line.size):
            return False
        return after is None or after.left < line.left - 0.5 * line.size or ended
    return depth < -0.7 and before.left > line.left + 0.7 * line.size


def _centred(before: Line, line: Line, block: Block) -> bool:
    """Whether both lines are set to the middle: neither begins nor ends like the other."""
    middle = abs((before.left + before.right) - (line.left + line.right)) / 2
    return (
        middle < 0.6 * line.size
        and abs(before.left - line.left) > line.size
        and len(block.lines) < 8
    )

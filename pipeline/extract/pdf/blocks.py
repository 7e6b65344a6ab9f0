"""Lines to blocks: lines under one another that belong to one column, in one size."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence

from pipeline.extract.pdf.lines import Line

__all__ = ["Block", "blocks_of", "is_prose"]

_PITCH = 1.9  # from baseline to baseline, in font sizes; double-spaced text has more
_WIDEST_PITCH = 2.6
_SIZES = 0.86  # a smaller ratio of font sizes separates blocks


@dataclasses.dataclass
class Block:
    """Lines that are read one after the other.

    Args:
        lines: from top to bottom.
        rows: of a table, its rows of cells; then there is no other text.
    """

    lines: list[Line]
    rows: list[list[str]] | None = None

    def __post_init__(self) -> None:
        self.left = min(line.left for line in self.lines)
        self.top = min(line.top for line in self.lines)
        self.right = max(line.right for line in self.lines)
        self.bottom = max(line.bottom for line in self.lines)
        self.size = statistics.median(line.size for line in self.lines)

    @property
    def width(self) -> float:
        return self.right - self.left


def blocks_of(lines: Sequence[Line]) -> list[Block]:
    """Chains of lines in which each is the only one below and above the other.

    Args:
        lines: of one page, from top to bottom.
    """
    below = [_neighbours(line, index, lines) for index, line in enumerate(lines)]
    above: dict[int, list[int]] = {}
    for index, found in enumerate(below):
        for other in found:
            above.setdefault(other, []).append(index)
    chains: dict[int, list[int]] = {}
    for index in range(len(lines)):
        over = above.get(index, [])
        linked = (
            len(over) == 1 and below[over[0]] == [index] and _alike(lines[over[0]], lines[index])
        )
        if linked:
            chain = chains[over[0]]
        else:
            chain = []
        chain.append(index)
        chains[index] = chain
    unique = {id(chain): chain for chain in chains.values()}
    return [Block([lines[index] for index in chain]) for chain in unique.values()]


def _neighbours(line: Line, index: int, lines: Sequence[Line]) -> list[int]:
    """The lines directly below: those that share its width, with nothing between."""
    found: list[int] = []
    reach = line.base + _WIDEST_PITCH * line.size
    for other_index in range(index + 1, len(lines)):
        other = lines[other_index]
        if other.base > reach + 2 * line.size:
            break
        if other.base <= line.base + 0.35 * line.size or not _over(line, other):
            continue
        if other.base - line.base > _WIDEST_PITCH * max(line.size, other.size):
            continue
        if not any(_over(lines[seen], other) for seen in found):
            found.append(other_index)
    return found


def _over(one: Line, other: Line) -> bool:
    """Whether two lines share so much of the page's width that one is above the other."""
    shared = min(one.right, other.right) - max(one.left, other.left)
    return shared > min(0.25 * min(one.width, other.width), 2 * min(one.size, other.size))


def _alike(one: Line, other: Line) -> bool:
    sizes = min(one.size, other.size) / max(one.size, other.size)
    return sizes >= _SIZES


def is_prose(block: Block) -> bool:
    """Whether the lines run on from margin to margin, as those of a table's cells do not."""
    lines = block.lines
    if len(lines) == 1:
        return len(lines[0].words) >= 9
    inner = lines[:-1]
    words = statistics.mean(len(line.words) for line in inner)
    fill = statistics.mean(line.width for line in inner) / max(block.width, 1.0)
    if statistics.mean(line.width / line.size for line in inner) < 11:
        return False
    return words >= 4 and fill >= 0.68 if len(lines) > 2 else words >= 6


def boxes(blocks: Iterable[Block]) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each block."""
    return [(block.left, block.top, block.right, block.bottom) for block in blocks]

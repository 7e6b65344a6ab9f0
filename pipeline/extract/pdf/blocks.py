"""Lines to blocks: lines under one another that belong to one column, in one size."""

from __future__ import annotations

import dataclasses
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
        self.size = sorted(line.size for line in self.lines)[len(self.lines) // 2]

    @property
    def width(self) -> float:
        return self.right - self.left


def blocks_of(lines: Sequence[Line]) -> list[Block]:
    """Chains of lines in which each is the only one below and above the other.

    Args:
        lines: of one page, from top to bottom.
    """
    sides = [(line.left, line.right, line.base, line.size) for line in lines]
    below = [_neighbours(index, sides) for index in range(len(lines))]
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
        chain = chains[over[0]] if linked else []
        chain.append(index)
        chains[index] = chain
    unique = {id(chain): chain for chain in chains.values()}
    return [Block([lines[index] for index in chain]) for chain in unique.values()]


def _neighbours(index: int, sides: Sequence[tuple[float, float, float, float]]) -> list[int]:
    """The lines directly below: those that share its width, with nothing between."""
    left, right, base, size = sides[index]
    width = right - left
    found: list[int] = []
    for at in range(index + 1, len(sides)):
        other_left, other_right, other_base, other_size = sides[at]
        off = other_base - base
        if off > (_WIDEST_PITCH + 2) * size:
            break
        if off <= 0.35 * size:
            continue
        shared = (right if right < other_right else other_right) - (
            left if left > other_left else other_left
        )
        if shared <= 0 or shared <= _least(width, other_right - other_left, size, other_size):
            continue
        if off > _WIDEST_PITCH * max(size, other_size):
            continue
        if not any(_over(sides[seen], sides[at]) for seen in found):
            found.append(at)
    return found


def _least(width: float, other_width: float, size: float, other_size: float) -> float:
    """How much width two lines share at least if one is above the other."""
    return min(0.25 * width, 0.25 * other_width, 2 * size, 2 * other_size)


def _over(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared > _least(one[1] - one[0], other[1] - other[0], one[3], other[3])


def _alike(one: Line, other: Line) -> bool:
    sizes = min(one.size, other.size) / max(one.size, other.size)
    return sizes >= _SIZES


def is_prose(block: Block) -> bool:
    """Whether the lines run on from margin to margin, as those of a table's cells do not."""
    lines = block.lines
    if len(lines) == 1:
        return len(lines[0].words) >= 9
    inner = lines[:-1]
    count = len(inner)
    words = sum(len(line.words) for line in inner) / count
    fill = sum(line.width for line in inner) / count / max(block.width, 1.0)
    if sum(line.letters for line in inner) < 16 * count:
        return False
    return words >= 4 and fill >= 0.68 if len(lines) > 2 else words >= 6


def boxes(blocks: Iterable[Block]) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each block."""
    return [(block.left, block.top, block.right, block.bottom) for block in blocks]

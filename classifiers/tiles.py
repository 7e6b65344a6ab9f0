"""Batches of one shape for each length, so that what a model says of a text depends on no other text.

Matrix libraries choose their kernels by shape, and padding changes the last bits of a result. A row
of tokens is therefore padded to a width that follows from its own length alone, and comes to the
model in a tile whose number of rows follows from that width, filled up where texts are missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["STEP", "Tile", "padded", "tiles"]

STEP = 16  # widths are multiples of it


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A batch of fixed shape.

    Args:
        width: tokens of each row, padding included.
        rows: which inputs it holds; as many as the tile has rows, or fewer.
        height: rows of the tile; those beyond ``rows`` repeat the last one.
    """

    width: int
    rows: tuple[int, ...]
    height: int


def tiles(lengths: Sequence[int], *, window: int, tokens: int) -> Iterator[Tile]:
    """Tiles that hold every input once, those of like length together.

    Args:
        lengths: tokens of each input, 1 to ``window``.
        window: the longest row that the model takes.
        tokens: of a tile, padding included; a wider row is a tile of its own.
    """
    by_width: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_width.setdefault(min(window, -(-length // STEP) * STEP), []).append(index)
    for width, members in sorted(by_width.items()):
        height = max(1, tokens // width)
        for start in range(0, len(members), height):
            yield Tile(width, tuple(members[start : start + height]), height)


def padded(
    sequences: Sequence[Sequence[int]], tile: Tile, *, value: int, left: bool = False
) -> npt.NDArray[np.int64]:
    """The inputs of ``tile`` as ``int64[height, width]``, filled up with ``value``.

    Args:
        sequences: of all inputs, not only of this tile.
        left: the padding comes before the tokens.
    """
    array = np.full((tile.height, tile.width), value, np.int64)
    for row, index in enumerate(tile.rows):
        sequence = sequences[index]
        if left:
            array[row, tile.width - len(sequence) :] = sequence
        else:
            array[row, : len(sequence)] = sequence
    array[len(tile.rows) :] = array[len(tile.rows) - 1]
    return array

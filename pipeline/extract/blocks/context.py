"""Columns of a block's context: first what its neighbours and its maker's words say, then, in a second
round, what the first round thought of the blocks around it.

Everything is linear in the number of blocks. Columns are rows of the arrays, as `Forest` wants them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks.features import LEVELS, Measured

__all__ = ["BUCKETS", "first_round", "page_columns", "second_round", "word_scores"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Words count by where they stand: around the first piece, around the block, near above, far above.
BUCKETS = np.array([0, 1, 2, 2, *[3] * (LEVELS - 3)])
_NEAR = (1, 2, 3, -1, -2, -3)
_NEAR_THOUGHTS = (1, 2, 3, 4, -1, -2, -3, -4)
_LOOKED_AT = [0, 1, 2, 6, 7, 14, 24]  # columns of the neighbours: lengths, links, marks, place
_TOLD_OF_ELEMENTS = (0, 6)  # rows of what is told, averaged over elements: title, article's body
_WINDOW = 10  # of which `_largest_near` knows


def word_scores(measured: Measured, scores: npt.NDArray[np.float32]) -> Floats:
    """What the maker's words around each block say.

    Args:
        measured: the blocks.
        scores: ``float32[4, 1 + words]``, log odds that a word adds, by `BUCKETS`; those of 0 are 0.

    Returns:
        ``float64[6, blocks]``: of the first piece, the block, the two levels above, all others, the sum.
    """
    of_element = np.zeros((len(scores), len(measured.words)))
    for words in measured.words.T:
        of_element += scores.take(words, axis=1)
    levels = of_element[BUCKETS[:, None], measured.elements.T]
    scored = np.stack([*levels[:4], levels[4:].sum(axis=0), levels.sum(axis=0)])
    return np.rint(scored * 64.0) / 64.0


def first_round(
    measured: Measured, scored: Floats, told: Floats, kinds: Floats
) -> npt.NDArray[np.float32]:
    """Columns of the first round.

    Args:
        measured: the blocks.
        scored: `word_scores`.
        told: `told.told_columns`.
        kinds: ``float64[kinds]``, probabilities of the page's kind.

    Returns:
        ``float32[columns, blocks]``.
    """
    numbers = measured.numbers
    weights = measured.lengths
    total = scored[5]
    tags = measured.words[measured.elements[:, :3], 0].T
    mean = float((total * weights).sum()) / max(float(weights.sum()), 1e-9)
    near, above, around = (_Means(measured.elements[:, level], weights) for level in (2, 4, 5))
    means = [np.full(len(total), mean), near(total), above(total)]
    means += [group(told[row]) for row in _TOLD_OF_ELEMENTS for group in (near, above, around)]
    looked_at = np.concatenate([numbers[_LOOKED_AT], scored[5:]])
    page = np.asarray(kinds, np.float64)[:, None]
    parts = [numbers, scored, tags, np.round(np.stack(means) * 64.0) / 64.0, told]
    size = sum(map(len, parts)) + len(page) + len(looked_at) * len(_NEAR)
    columns = np.empty((size, len(total)), np.float32)
    at = 0
    for part in (*parts, page):
        columns[at : at + len(part)] = part
        at += len(part)
    _put_shifted(columns[at:], looked_at, _NEAR)
    return columns


def second_round(
    measured: Measured, first: npt.NDArray[np.float32], likely: Floats
) -> npt.NDArray[np.float32]:
    """Columns of the second round: those of the first, and what it thought.

    Args:
        measured: the blocks.
        first: `first_round`.
        likely: ``float64[blocks]``, probabilities by the first round.
    """
    weights = measured.lengths
    count = len(likely)
    # All are sums of whole multiples of 1/1024, so that their order does not matter.
    sums = np.concatenate([[0.0], np.cumsum(likely * weights)])
    whole = np.concatenate([[0.0], np.cumsum(weights)])
    total, place = float(sums[-1]), np.arange(count)
    before, after = _largest_near(likely)
    own = [
        likely,
        _Means(measured.alike, weights)(likely),
        _Means(measured.alike, np.ones(count))(likely),
        *(_Means(measured.elements[:, level], weights)(likely) for level in range(2, 1 + LEVELS)),
        *(_window_mean(sums, whole, place, reach) for reach in (2, 6, 20)),
        np.full(count, total / max(float(whole[-1]), 1e-9)),
        np.full(count, float(likely.sum()) / count),
        sums[1:] / max(total, 1e-9),
        np.full(count, np.log2(1.0 + total) / 8),
        before,
        after,
    ]
    columns = np.empty((len(first) + len(own) + len(_NEAR_THOUGHTS), count), np.float32)
    columns[: len(first)] = first
    columns[len(first) : len(first) + len(own)] = np.round(np.stack(own) * 1024.0) / 1024.0
    _put_shifted(columns[len(first) + len(own) :], likely[None], _NEAR_THOUGHTS)
    return columns


def page_columns(measured: Measured) -> Floats:
    """What the kind of a page is told by, besides words: means and spreads of the blocks' numbers."""
    numbers = measured.numbers
    means = numbers.mean(axis=1)
    apart = numbers - means[:, None]
    spreads = np.sqrt((apart * apart).mean(axis=1))
    return np.rint(np.concatenate([means, spreads]) * 256.0) / 256.0


class _Means:
    """Weighted means of groups."""

    def __init__(self, groups: Ints, weights: Floats):
        self._groups, self._weights = groups, weights
        self._totals = np.maximum(np.bincount(groups, weights), 1e-9)

    def __call__(self, values: Floats) -> Floats:
        """The mean of each value's group."""
        means = np.bincount(self._groups, values * self._weights) / self._totals
        spread: Floats = means[self._groups]
        return spread


def _put_shifted(into: npt.NDArray[np.float32], rows: Floats, offsets: Sequence[int]) -> None:
    """Values of the blocks so many places before (or, if negative, behind); -1 where there is none."""
    for number, offset in enumerate(offsets):
        moved = into[number * len(rows) : (number + 1) * len(rows)]
        if offset > 0:
            moved[:, :offset] = -1.0
            moved[:, offset:] = rows[:, :-offset]
        else:
            moved[:, offset:] = -1.0
            moved[:, :offset] = rows[:, -offset:]


def _window_mean(sums: Floats, whole: Floats, place: Ints, reach: int) -> Floats:
    """Weighted mean over the blocks up to ``reach`` places away.

    Args:
        sums, whole: what there is of values and of weights before each block, and in all.
        place: number of each block.
    """
    low, high = np.maximum(place - reach, 0), np.minimum(place + reach + 1, len(place))
    means: Floats = (sums[high] - sums[low]) / np.maximum(whole[high] - whole[low], 1e-9)
    return means


def _largest_near(likely: Floats) -> tuple[Floats, Floats]:
    """The largest of the ten blocks before, and of the ten behind."""
    count = len(likely)
    padded = np.concatenate([np.zeros(_WINDOW), likely, np.zeros(_WINDOW)])
    twos = np.maximum(padded[:-1], padded[1:])
    fours = np.maximum(twos[:-2], twos[2:])
    eights = np.maximum(fours[:-4], fours[4:])
    windows = np.maximum(eights[:-2], twos[8:])
    return windows[:count], windows[_WINDOW + 1 : _WINDOW + 1 + count]

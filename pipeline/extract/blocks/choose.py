"""Which blocks are kept, given how likely each is main text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks.features import LINKED, Measured
from pipeline.extract.blocks.outline import Outline, enclosing

__all__ = ["choose_blocks", "first_of_each", "main_blocks", "plain_paragraphs", "whole"]

SURE = 0.5  # at least this likely: kept in any case
DOUBTFUL = 0.2  # less likely: never kept
LEAST_REPEATED = 4  # words: shorter blocks may well be said twice
WHOLE = ("table", "pre")  # kept whole if more than half of it is


def main_blocks(
    outline: Outline, measured: Measured, likely: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """The blocks of a page that are its main text: all that is below, in turn.

    Args:
        outline, measured: of the page.
        likely: ``float64[blocks]``, probability that a block is main text.

    Returns:
        ``bool[blocks]``.
    """
    chosen = choose_blocks(likely, measured.lengths)
    if not chosen.any():
        chosen = plain_paragraphs(measured.lengths, measured.numbers[LINKED])
    chosen = first_of_each(chosen, measured.texts, measured.lengths)
    for name in WHOLE:
        if name in outline.tags:
            chosen = whole(chosen, enclosing(outline, name), measured.lengths)
    return chosen


def choose_blocks(
    likely: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """The blocks that together have the largest expected F1 by words.

    With one threshold for all pages, those whose text is hard to tell are left nearly empty: where F1 can
    only be low, the best threshold is low as well (half of the F1 that can be reached: Lipton, Elkan and
    Naryanaswamy 2014).

    Args:
        likely: ``float64[blocks]``, probability that a block is main text.
        lengths: ``float64[blocks]``, words of each.

    Returns:
        ``bool[blocks]``.
    """
    order = np.argsort(-likely, kind="stable")
    found = np.cumsum(likely[order] * lengths[order])
    kept = np.cumsum(lengths[order])
    expected = 2 * found / (kept + found[-1] + 1e-9)
    chosen = np.zeros(len(likely), np.bool_)
    chosen[order[: int(np.argmax(expected)) + 1]] = True
    chosen &= likely > DOUBTFUL
    return chosen | (likely > SURE)


def first_of_each(
    chosen: npt.NDArray[np.bool_], texts: Sequence[str], lengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """The choice without blocks that repeat an earlier one of it, word for word.

    Pages hold the same text twice for small and large screens, in slides that go round, as a quotation
    of the post before. Of four words and more the first counts (over the gold pages + .0045 word F1, the
    same from two words to sixteen).

    Args:
        chosen: ``bool[blocks]``.
        texts: of all blocks.
        lengths: ``float64[blocks]``, words of each.
    """
    seen: set[str] = set()
    kept = chosen.copy()
    for block in np.flatnonzero(chosen & (lengths >= LEAST_REPEATED)).tolist():
        kept[block] = texts[block] not in seen
        seen.add(texts[block])
    return kept


def plain_paragraphs(
    lengths: npt.NDArray[np.float64], linked: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """What a rule would keep where the model finds nothing: the long blocks that are no links.

    Fewer than three of them are more likely a notice than a text, and none is kept.

    Args:
        lengths: ``float64[blocks]``, words of each.
        linked: ``float64[blocks]``, share of each within links.
    """
    plain: npt.NDArray[np.bool_] = (lengths >= 25) & (linked < 0.3)
    return plain if np.count_nonzero(plain) >= 3 else np.zeros(len(lengths), np.bool_)


def whole(
    chosen: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """The choice with every group whole of which more than half, by words, is chosen.

    Args:
        chosen: ``bool[blocks]``.
        groups: ``int64[blocks]``, such as the table that each stands in; -1 for none.
        lengths: ``float64[blocks]``, words of each.
    """
    at = groups + 1
    share = np.bincount(at, lengths * chosen) / np.maximum(np.bincount(at, lengths), 1)
    share[0] = 0
    completed: npt.NDArray[np.bool_] = chosen | (share > 0.5)[at]
    return completed

"""Which blocks are kept, given how likely each is main text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks.features import LINKED, Measured
from pipeline.extract.blocks.outline import Outline, enclosing

__all__ = [
    "BALANCED",
    "PRECISE",
    "Weighing",
    "between",
    "choose_blocks",
    "first_of_each",
    "headings_before",
    "main_blocks",
    "plain_paragraphs",
    "unfurnished",
    "whole",
    "without",
]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

LEAST_REPEATED = 4  # words: shorter blocks may well be said twice
LEAST_LEFT = 1 / 6  # of the words chosen: what would leave less is no addition but the content
LEAST_CAPTION = 4  # words: shorter ones are mostly credits
UNLIKELY = 0.1  # a heading less likely than this belongs to no text
FURNITURE = frozenset({"nav", "footer", "button", "label", "noscript", "dialog", "menu"})
MOST_FURNISHED = 1 / 3  # of a page's words: with more of them it is a page of a site, without text
LEAST_TAGS = 3  # that any page has when parsed: the root, html and body
WHOLE = ("table", "pre")  # kept whole if more than half of it is


@dataclasses.dataclass(frozen=True, slots=True)
class Weighing:
    """How words missed weigh against words let in.

    Args:
        beta2: square of F-beta's beta: below 1, words let in weigh more.
        sure: blocks more likely than this are kept in any case.
        doubtful: blocks less likely are never kept.
    """

    beta2: float
    sure: float
    doubtful: float


BALANCED = Weighing(0.7, 0.6, 0.3)
PRECISE = Weighing(0.07, 0.85, 0.6)


def main_blocks(
    outline: Outline,
    measured: Measured,
    likely: Floats,
    *,
    weighing: Weighing = BALANCED,
    additions: Sequence[Bools] = (),
) -> Bools:
    """The blocks of a page that are its main text: all that is below, in turn.

    Args:
        outline, measured: of the page.
        likely: ``float64[blocks]``, probability that a block is main text.
        weighing: see `choose_blocks`.
        additions: ``bool[blocks]`` each, see `without`.

    Returns:
        ``bool[blocks]``.
    """
    lengths = measured.lengths
    chosen = choose_blocks(likely, lengths, weighing)
    if not chosen.any():
        chosen = plain_paragraphs(lengths, measured.numbers[LINKED])
    if not chosen.any():
        chosen = unfurnished(outline, lengths, measured.numbers[LINKED])
    for blocks in additions:
        chosen = without(chosen, blocks, lengths)
    chosen = headings_before(chosen, outline.headings[outline.block_elements], likely)
    if "figcaption" in outline.tags:
        captions = (enclosing(outline, "figcaption") >= 0) & (lengths >= LEAST_CAPTION)
        chosen = between(chosen, captions)
    chosen = first_of_each(chosen, measured.texts, lengths)
    for name in WHOLE:
        if name in outline.tags:
            chosen = whole(chosen, enclosing(outline, name), lengths)
    return chosen


def choose_blocks(likely: Floats, lengths: Floats, weighing: Weighing = BALANCED) -> Bools:
    """The blocks that together have the largest expected F-beta by words.

    With one threshold for all pages, those whose text is hard to tell are left nearly empty: where F1 can
    only be low, the best threshold is low as well (half of the F1 that can be reached: Lipton, Elkan and
    Naryanaswamy 2014).

    Args:
        likely: ``float64[blocks]``, probability that a block is main text.
        lengths: ``float64[blocks]``, words of each.
        weighing: how words missed weigh against words let in.

    Returns:
        ``bool[blocks]``.
    """
    order = np.argsort(-likely, kind="stable")
    found = np.cumsum(likely[order] * lengths[order])
    kept = np.cumsum(lengths[order])
    expected = found / (kept + weighing.beta2 * found[-1] + 1e-9)
    chosen = np.zeros(len(likely), np.bool_)
    chosen[order[: int(np.argmax(expected)) + 1]] = True
    chosen &= likely > weighing.doubtful
    return chosen | (likely > weighing.sure)


def without(chosen: Bools, blocks: Bools, lengths: Floats) -> Bools:
    """The choice without some blocks, unless they are nearly all of it.

    Args:
        chosen: ``bool[blocks]``.
        blocks: ``bool[blocks]``, such as readers' comments, or what other pages of the site say too.
        lengths: ``float64[blocks]``, words of each.
    """
    left = chosen & ~blocks
    return left if lengths @ left >= LEAST_LEFT * (lengths @ chosen) else chosen


def headings_before(chosen: Bools, headings: Bools, likely: Floats) -> Bools:
    """The choice with the headings of its texts: those behind some text, right before a chosen block.

    Args:
        chosen: ``bool[blocks]``.
        headings: ``bool[blocks]``, whether each is one.
        likely: ``float64[blocks]``.
    """
    kept = chosen.copy()
    follows = chosen[1:] & ~headings[1:] & np.maximum.accumulate(chosen)[:-1]
    kept[:-1] |= follows & headings[:-1] & (likely[:-1] > UNLIKELY)
    return kept


def between(chosen: Bools, blocks: Bools) -> Bools:
    """The choice with those of some blocks that stand within it, between its first block and its last.

    Args:
        chosen: ``bool[blocks]``.
        blocks: ``bool[blocks]``, such as captions of figures, or code.
    """
    before = np.maximum.accumulate(chosen)
    behind = np.maximum.accumulate(chosen[::-1])[::-1]
    return chosen | (blocks & before & behind)


def first_of_each(chosen: Bools, texts: Sequence[str], lengths: Floats) -> Bools:
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


def plain_paragraphs(lengths: Floats, linked: Floats) -> Bools:
    """What a rule would keep where the model finds nothing: the long blocks that are no links.

    Fewer than three of them among menus are more likely a notice than a text, and none is kept.

    Args:
        lengths: ``float64[blocks]``, words of each.
        linked: ``float64[blocks]``, share of each within links.
    """
    plain: Bools = (lengths >= 25) & (linked < 0.3)
    return plain if np.count_nonzero(plain) >= 3 else np.zeros(len(lengths), np.bool_)


def unfurnished(outline: Outline, lengths: Floats, linked: Floats) -> Bools:
    """All the text of a page that has hardly anything else, such as one sentence, or one ``pre``.

    On such a page nothing is there to tell main text from, and the model, which knows pages of sites, finds
    none. A page without any element is no HTML, and one with more markup than text is that of a site, whose
    menus scripts make into links.

    Args:
        outline: of the page.
        lengths: ``float64[blocks]``, words of each.
        linked: ``float64[blocks]``, share of each within links.
    """
    furniture: Bools = linked >= 0.3
    for name in FURNITURE.intersection(outline.tags):
        furniture |= enclosing(outline, name) >= 0
    bare = (
        len(outline.tags) > LEAST_TAGS
        and outline.sizes.sum() >= sum(map(len, outline.attributes))
        and lengths @ furniture <= MOST_FURNISHED * lengths.sum()
    )
    return ~furniture if bare else np.zeros(len(lengths), np.bool_)


def whole(chosen: Bools, groups: npt.NDArray[np.int64], lengths: Floats) -> Bools:
    """The choice with every group whole of which more than half, by words, is chosen.

    Args:
        chosen: ``bool[blocks]``.
        groups: ``int64[blocks]``, such as the table that each stands in; -1 for none.
        lengths: ``float64[blocks]``, words of each.
    """
    at = groups + 1
    share = np.bincount(at, lengths * chosen) / np.maximum(np.bincount(at, lengths), 1)
    share[0] = 0
    completed: Bools = chosen | (share > 0.5)[at]
    return completed

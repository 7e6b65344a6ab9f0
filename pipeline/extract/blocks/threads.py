"""Threads of readers' comments: where they stand on a page, told by the words of its maker."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks.maker_words import maker_words
from pipeline.extract.blocks.model import KINDS
from pipeline.extract.blocks.outline import Outline

__all__ = ["below_content", "comments_among", "in_threads"]

_NAMES = frozenset(
    {
        *("comment", "comments", "commentlist", "disqus"),
        *("commentaires", "comentarios", "kommentare", "commenti", "reacties"),
    }
)
_HINTS = ("omment", "isqus", "omentario", "reacties")  # what the attributes must have, in any case
_LEAST_WORDS = 4  # of a comment: shorter blocks are names, dates, buttons
_FORUM = 0.25  # probability: in a forum, threads are the content


def in_threads(outline: Outline) -> npt.NDArray[np.bool_]:
    """``bool[blocks]``: whether each block stands in an element that is called after comments."""
    edges = np.zeros(len(outline.tags) + 1, np.int64)
    joined = "\n".join(outline.attributes)
    at = np.fromiter(map(len, outline.attributes), np.int64, len(outline.attributes))
    ends = np.cumsum(at + 1)
    hinted = {
        int(ends.searchsorted(place, side="right"))
        for hint in _HINTS
        for place in _places(hint, joined)
    }
    for element in hinted:
        tag = outline.tags[element]
        if tag not in ("body", "html") and not _NAMES.isdisjoint(
            maker_words(tag, outline.attributes[element])
        ):
            edges[element] += 1
            edges[outline.last_below[element] + 1] -= 1
    within: npt.NDArray[np.bool_] = np.cumsum(edges)[outline.block_elements] > 0
    return within


def _places(part: str, whole: str) -> Iterator[int]:
    at = whole.find(part)
    while at >= 0:
        yield at
        at = whole.find(part, at + len(part))


def below_content(outline: Outline, kinds: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Threads that are not what the page is about.

    Args:
        outline: of the page.
        kinds: ``float64[kinds]``, probability of each of `KINDS`.

    Returns:
        ``bool[blocks]``; none of a page that is likely a forum's.
    """
    if kinds[KINDS.index("forum")] >= _FORUM:
        return np.zeros(len(outline.block_elements), np.bool_)
    return in_threads(outline)


def comments_among(
    threads: npt.NDArray[np.bool_],
    lengths: npt.NDArray[np.float64],
    linked: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """What readers say in threads: all but links and the shortest blocks.

    Args:
        threads: ``bool[blocks]``, see `in_threads`.
        lengths: ``float64[blocks]``, words of each.
        linked: ``float64[blocks]``, share of each within links.
    """
    said: npt.NDArray[np.bool_] = threads & (lengths >= _LEAST_WORDS) & (linked < 0.5)
    return said

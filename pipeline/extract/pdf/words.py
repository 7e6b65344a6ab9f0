"""Characters to words: where one ends, by the spaces of the text and by the gaps between boxes."""

from __future__ import annotations

import dataclasses
import unicodedata

import numpy as np
from numpy.typing import NDArray

from pipeline.extract.pdf.glyphs import Glyphs

__all__ = ["Word", "words_of"]

# In parts of the font size. TeX sets words without a space character, mostly 0.2 apart or more, and
# kerns letters by less than 0.1; where there are space characters, few spaces are gaps.
_GAP, _GAP_WHERE_SPACED = 0.11, 0.17
_TRACKED = 0.06  # letters further apart than this, most of a run, are letter-spaced
_RUN_GAP, _RUN_BACK = 1.5, -0.6  # gaps that end a run of words
_SAME_BASE = 0.12


@dataclasses.dataclass(slots=True)
class Word:
    """A word, or a part of one that is raised or lowered.

    Args:
        text: its characters.
        left, top, right, bottom, base: its box and baseline; see `Glyphs`.
        size: the font's size in points.
        spaced: whether a space stands before it.
        follows: whether it was drawn right behind the word before it, on its line or nearly so.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    base: float
    size: float
    spaced: bool
    follows: bool


def words_of(glyphs: Glyphs) -> list[Word]:
    """The words of a page in the order they were drawn."""
    count = len(glyphs)
    if count == 0:
        return []
    size = np.maximum(glyphs.bottom - glyphs.top, 0.1)
    pair = np.maximum(size[1:], size[:-1])
    gap = (glyphs.left[1:] - glyphs.right[:-1]) / pair
    # The letters of a ligature share its box.
    gap[(np.diff(glyphs.left) == 0) & (np.diff(glyphs.right) == 0)] = 0.0
    drop = np.abs(np.diff(glyphs.base)) / pair
    follows = np.concatenate([[False], (gap < _RUN_GAP) & (gap > _RUN_BACK) & (drop < 0.7)])
    level = np.concatenate([[False], drop <= _SAME_BASE]) & follows
    spaced = glyphs.spaced.copy()
    gaps = np.concatenate([[0.0], gap])
    spaced[1:] |= _gapped(gaps, level, glyphs.spaced)[1:]
    starts = np.flatnonzero(spaced | ~level)
    return _cut(glyphs, size, spaced, follows, starts)


def _gapped(
    gaps: NDArray[np.float64], level: NDArray[np.bool_], spaces: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Where a gap stands for a space: one wider than is usual within the words of its run."""
    run = np.cumsum(~level)
    inner = level & ~spaces
    length = np.bincount(run, inner)
    has_spaces = np.bincount(run, level & spaces) > 0
    wide = np.bincount(run, inner & (gaps > _TRACKED))
    bound = np.where(has_spaces, _GAP_WHERE_SPACED, _GAP)
    for index in np.flatnonzero((wide > 0.5 * length) & (length >= 3)):
        bound[index] = _tracked_bound(gaps[inner & (run == index)])
    result: NDArray[np.bool_] = gaps > bound[run]
    return result


def _tracked_bound(gaps: NDArray[np.float64]) -> float:
    """The gap between words of a letter-spaced run: above the commonest, at the widest jump."""
    ordered = np.sort(gaps)
    usual = float(np.median(ordered))
    above = ordered[ordered >= usual]
    if len(above) < 2:
        return usual + _GAP
    jumps = np.diff(above)
    widest = int(np.argmax(jumps))
    if jumps[widest] < max(0.08, 0.4 * usual):
        return float(above[-1]) + _GAP  # one word
    return float(above[widest] + above[widest + 1]) / 2


def _cut(
    glyphs: Glyphs,
    size: NDArray[np.float64],
    spaced: NDArray[np.bool_],
    follows: NDArray[np.bool_],
    starts: NDArray[np.int64],
) -> list[Word]:
    text = glyphs.codes.astype("<u4").tobytes().decode("utf-32-le", "replace")
    columns = (
        np.minimum.reduceat(glyphs.left, starts),
        np.minimum.reduceat(glyphs.top, starts),
        np.maximum.reduceat(glyphs.right, starts),
        np.maximum.reduceat(glyphs.bottom, starts),
        glyphs.base[starts],
        np.maximum.reduceat(size, starts),
        spaced[starts],
        follows[starts],
    )
    ends = [*starts[1:].tolist(), len(glyphs)]
    rows = zip(starts.tolist(), ends, *(column.tolist() for column in columns), strict=True)
    return [Word(_plain(text[start:end]), *rest) for start, end, *rest in rows]


def _plain(text: str) -> str:
    """Ligatures and other forms for presentation as their letters."""
    if text.isascii():
        return text
    if any("ﬀ" <= letter <= "ﷻ" for letter in text):
        return "".join(
            unicodedata.normalize("NFKC", letter) if "ﬀ" <= letter <= "ﷻ" else letter
            for letter in text
        )
    return text

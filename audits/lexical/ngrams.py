"""n-grams of words as 64-bit hashes, and where those of a sorted list occur in a batch of texts.

The hash of an n-gram is a polynomial in its words' hashes, stirred; n-grams of another width have
other hashes. Almost all n-grams of ordinary text are not in the list: a bit map that fits into the
processor's cache says so of most, and only the rest is searched for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audits.lexical.words import Words, mixed

__all__ = ["SHORTEST", "Ngrams", "ngram_hashes"]

SHORTEST = 3  # words: two or one are no evidence

_STEP = np.uint64(0x9FB21C651E98DF25)
_WIDTH = 0xA0761D6478BD642F
# Bits of the map for each n-gram of the list.
_BITS_EACH, _FEWEST_BITS, _MOST_BITS = 20, 18, 30
_HALF = np.uint64(32)

_Places = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]


def ngram_hashes(hashes: _Hashes, width: int) -> _Hashes:
    """Hashes of the n-grams of ``width`` words in a row of words; empty where there are fewer."""
    if len(hashes) < width:
        return np.empty(0, np.uint64)
    return _finished(_joined(hashes, width), width)


class Ngrams:
    """A sorted list of n-grams that finds its members in texts.

    Args:
        hashes: ``uint64[n]``, ascending, none twice.
        widths: ``uint8[n]``, words of each.
        width: the most of them, and what all n-grams have that no prefix is given of.
        prefixes: hashes of n-grams of `SHORTEST` words: where one of them stands, n-grams of
            `SHORTEST` to ``width - 1`` words are looked for, too.
    """

    def __init__(
        self, hashes: _Hashes, widths: npt.NDArray[np.uint8], width: int, prefixes: _Hashes
    ):
        self.hashes, self.widths, self.width = hashes, widths, width
        self._sieve = _Sieve(hashes)
        self._prefixes = _Sieve(prefixes) if len(prefixes) else None

    def find(self, words: Words) -> tuple[_Places, _Places]:
        """Every occurrence in a batch, by place.

        Returns:
            ``int64[m]``, the word that each starts at, and ``int64[m]``, which of `hashes` it is.
        """
        hashes, width = words.hashes, self.width
        if len(hashes) < SHORTEST or not len(self.hashes):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        places: list[_Places] = []
        parts: list[_Hashes] = []
        joined = _joined(hashes, SHORTEST)
        if self._prefixes is not None:
            at = self._prefixes.passed(_finished(joined.copy(), SHORTEST))
            part = joined[at]
            for short in range(SHORTEST, width):
                if short > SHORTEST:
                    at = at[at <= len(hashes) - short]
                    part = part[: len(at)] * _STEP + hashes[at + short - 1]
                finished = _finished(part.copy(), short)
                likely = self._sieve.passed(finished)
                places.append(at[likely])
                parts.append(finished[likely])
        for offset in range(SHORTEST, width):
            joined = joined[: max(len(hashes) - offset, 0)]
            joined *= _STEP
            joined += hashes[offset:]
        whole = _finished(joined, width)
        places.append(self._sieve.passed(whole))
        parts.append(whole[places[-1]])
        return self._members(words, np.concatenate(places), np.concatenate(parts))

    def _members(self, words: Words, at: _Places, hashes: _Hashes) -> tuple[_Places, _Places]:
        """Those of the n-grams at ``at`` that are in the list, and within one text."""
        which = np.searchsorted(self.hashes, hashes)
        which[which == len(self.hashes)] = 0
        same = np.flatnonzero(self.hashes[which] == hashes)
        at, which = at[same], which[same]
        inside = at + self.widths[which] <= words.bounds[words.text_of(at) + 1]
        at, which = at[inside], which[inside]
        order = np.argsort(at, kind="stable")
        return at[order], which[order]


class _Sieve:
    """A bit map with two bits for each n-gram: if one is not set, it is surely not in the list.

    Bloom's filter (Bloom 1970) with two hashes; the second bit is looked at where the first is set.
    """

    def __init__(self, hashes: _Hashes):
        bits = int(len(hashes) * _BITS_EACH).bit_length()
        bits = min(max(bits, _FEWEST_BITS), _MOST_BITS)
        self._shift = np.uint64(64 - bits + 3)
        self._map = np.zeros(1 << bits - 3, np.uint8)
        for turned in (hashes, hashes << _HALF):
            np.bitwise_or.at(self._map, self._byte(turned), np.uint8(1) << self._bit(hashes))

    def passed(self, hashes: _Hashes) -> _Places:
        """Numbers of the n-grams that may be in the list."""
        bit = np.uint8(1) << self._bit(hashes)
        at = np.flatnonzero((self._map.take(self._byte(hashes)) & bit).view(np.bool_))
        second = self._map.take(self._byte(hashes[at] << _HALF)) & bit[at]
        passed: _Places = at[second != 0]
        return passed

    def _byte(self, hashes: _Hashes) -> _Places:
        return (hashes >> self._shift).view(np.int64)

    @staticmethod
    def _bit(hashes: _Hashes) -> npt.NDArray[np.uint8]:
        return hashes.astype(np.uint8) & np.uint8(7)


def _joined(hashes: _Hashes, width: int) -> _Hashes:
    joined = hashes[: len(hashes) - width + 1].copy()
    for offset in range(1, width):
        joined *= _STEP
        joined += hashes[offset : len(hashes) - width + 1 + offset]
    return joined


def _finished(joined: _Hashes, width: int) -> _Hashes:
    """In place."""
    joined += np.uint64(_WIDTH * width % (1 << 64))
    return mixed(joined)

"""Repeated n-grams of a list of words: exact counts, found through vectorised 64-bit hashes.

Hashes only propose: what they take for equal is compared as text before it counts, so a
collision costs time and never changes a result.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["NGrams"]

_UInt = npt.NDArray[np.uint64]

_BLOCK = 1 << 16
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 1 << 64)
_STEP = np.uint64(0xD1342543DE82EF95)


def _powers(base: int, count: int) -> _UInt:
    steps = np.full(count, base % (1 << 64), np.uint64)
    steps[0] = 1
    return np.multiply.accumulate(steps)


# base**i = low[i % _BLOCK] * high[i // _BLOCK], for texts of up to _BLOCK**2 characters.
_LOW, _LOW_INVERSE = _powers(_BASE, _BLOCK), _powers(_INVERSE, _BLOCK)
_HIGH = _powers(pow(_BASE, _BLOCK, 1 << 64), 1 << 12)
_HIGH_INVERSE = _powers(pow(_INVERSE, _BLOCK, 1 << 64), 1 << 12)


class NGrams:
    """The n-grams of ``words``.

    Args:
        words: the words in order.
        lengths: characters of each word.
    """

    def __init__(self, words: list[str], lengths: npt.NDArray[np.int64]):
        self._words = words
        self._ends = np.zeros(len(words) + 1, np.int64)
        np.cumsum(lengths, out=self._ends[1:])

    def top_characters(self, n: int) -> int:
        """Characters that the most frequent n-gram covers: its length with spaces × its count.

        Of several with the same count the first in the text is taken; where no n-gram repeats,
        that is the first n-gram. 0 if there are fewer than n words.
        """
        if len(self._words) < n:
            return 0
        hashes = self._sequence_hashes(n)
        positions, ordered = _repeated(hashes)
        count, first = 1, 0
        if len(positions):
            starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
            counts = np.diff(starts, append=len(ordered))
            count = int(counts.max())
            most_frequent = ordered[starts[counts == count]]
            values = hashes[positions]
            at = np.minimum(np.searchsorted(most_frequent, values), len(most_frequent) - 1)
            first = int(positions[np.argmax(most_frequent[at] == values)])
            gram = self._words[first : first + n]
            same = positions[values == hashes[first]].tolist()
            if any(self._words[position : position + n] != gram for position in same):
                return self._top_characters_compared(n)
        return count * int(self._ends[first + n] - self._ends[first] + n - 1)

    def duplicate_characters(self, n: int) -> int:
        """Characters in n-grams seen before, each character counted once.

        From left to right: an n-gram seen before counts whole and is passed over, any other moves
        on by one word. N-grams are compared without the boundaries between their words.
        """
        if len(self._words) < n:
            return 0
        positions, _ = _repeated(self._joined_hashes(n))
        if not len(positions):
            return 0
        text, ends = self._joined, self._ends.tolist()
        seen: set[str] = set()
        total = free = 0
        for at in positions.tolist():
            if at < free:
                continue
            gram = text[ends[at] : ends[at + n]]
            if gram in seen:
                total += len(gram)
                free = at + n
            else:
                seen.add(gram)
        return total

    @cached_property
    def _joined(self) -> str:
        return "".join(self._words)

    @cached_property
    def _prefix_hashes(self) -> _UInt:
        """Polynomial hash of the joined words up to each boundary between words."""
        codes = np.frombuffer(self._joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        sums = np.zeros(len(codes) + 1, np.uint64)
        for block, begin in enumerate(range(0, len(codes), _BLOCK)):
            part = codes[begin : begin + _BLOCK] + np.uint64(1)
            part *= _LOW[: len(part)]
            if block:
                part *= _HIGH[block]
                part[:1] += sums[begin]
            np.cumsum(part, out=sums[begin + 1 : begin + 1 + len(part)])
        return sums[self._ends]

    @cached_property
    def _shifts(self) -> _UInt:
        """What brings the hash of a piece that begins at a word back to position 0."""
        begins = self._ends[:-1]
        if not len(begins) or begins[-1] < _BLOCK:
            return _LOW_INVERSE[begins]
        return _LOW_INVERSE[begins % _BLOCK] * _HIGH_INVERSE[begins // _BLOCK]

    def _joined_hashes(self, n: int) -> _UInt:
        sums = self._prefix_hashes
        return (sums[n:] - sums[:-n]) * self._shifts[: len(self._words) - n + 1]

    def _sequence_hashes(self, n: int) -> _UInt:
        words = self._joined_hashes(1)
        last = len(words) - n + 1
        hashes = words[:last].copy()
        for offset in range(1, n):
            hashes *= _STEP
            hashes += words[offset : offset + last]
        return hashes

    def _top_characters_compared(self, n: int) -> int:
        words = self._words
        grams = Counter(" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
        gram, count = grams.most_common(1)[0]
        return len(gram) * count


def _repeated(hashes: _UInt) -> tuple[npt.NDArray[np.int64], _UInt]:
    """Positions in order whose hash occurs more than once, and the hashes there, sorted."""
    bits = min(len(hashes).bit_length() + 2, 20)
    bins = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    positions = np.flatnonzero(np.bincount(bins)[bins] > 1)  # with a few that share a bin only
    order = np.argsort(hashes[positions])
    ordered = hashes[positions[order]]
    equal = ordered[1:] == ordered[:-1]
    repeated = np.zeros(len(ordered), np.bool_)
    repeated[1:] |= equal
    repeated[:-1] |= equal
    return np.sort(positions[order[repeated]]), ordered[repeated]

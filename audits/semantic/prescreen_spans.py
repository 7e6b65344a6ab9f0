"""Spans of windows, and how each is put: what the pre-screen reads style from, vectorised.

A span starts with a sentence and ends with one, `SHORTEST` to `LONGEST` words later: a leak is often
a part of a window, and what stands around it must not hide it. Longer sentences are cut.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.lexical.ngrams import ngram_hashes
from audits.lexical.words import Words, split

__all__ = ["KINDS", "LONGEST", "MARKS", "SHORTEST", "Spans", "token_hashes"]

SHORTEST, LONGEST = 20, 44  # words, where sentences allow
MARKS = '?$%=+*/([{:_"|\\<'
KINDS = ("words", "pairs", "openings", "opening_pairs")

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]
_Flags = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]

_ODD, _OPENING = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x5851F42D4C957F2D)


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Spans:
    """The spans of a batch of texts.

    Args:
        hashes: ``uint64[words]`` of all words; numbers are hashed by their length, to three digits.
        plain: ``uint64[words]``, the same with numbers as they are.
        opening: ``bool[words]``, whether a sentence starts with it.
        bounds: ``int64[texts + 1]``, the first word of each text.
        first, end: ``int64[spans]``, the words of each span, end exclusive.
        texts: ``int64[spans]``, the text that it is of, ascending.
        marks: ``float64[spans, len(MARKS) + 4]``: log of 1 + the count of each of `MARKS` and of
            labels of choices, log of its words, share of numbers, whether there is a question mark.
    """

    hashes: _Hashes
    plain: _Hashes
    opening: _Flags
    bounds: _Ints
    first: _Ints
    end: _Ints
    texts: _Ints
    marks: _Floats

    @classmethod
    def of(cls, texts: Sequence[str]) -> Spans:
        """Cut a batch of texts; see `audits.lexical.words.batches`."""
        words = split(texts)
        raw = np.frombuffer(words.raw, np.uint8)
        starts, ends = (_unfolded(words, places) for places in (words.starts, words.ends - 1))
        ends += 1
        digit = (raw[starts] >= ord("0")) & (raw[starts] <= ord("9"))
        hashes = words.hashes.copy()
        numbers = split(["0", "00", "000"]).hashes
        hashes[digit] = numbers[np.minimum(ends - starts, 3)[digit] - 1]
        opening = _openings(words, raw, starts, ends)
        first, end, texts_of = _cut(words.bounds, opening)
        marks = _marks(words, raw, starts, digit, first, end, texts_of)
        return cls(hashes, words.hashes, opening, words.bounds, first, end, texts_of, marks)

    def tokens(self) -> Iterator[tuple[_Hashes, _Flags, int]]:
        """What style is read from: hashes by word, where they count, how many words each takes."""
        pairs = np.zeros_like(self.hashes)
        pairs[:-1] = ngram_hashes(self.hashes, 2)
        everywhere = np.ones(len(self.hashes), np.bool_)
        yield self.hashes, everywhere, 1
        yield pairs, everywhere, 2
        yield self.hashes * _ODD + _OPENING, self.opening, 1
        yield pairs * _ODD + _OPENING, self.opening, 2

    def sums(self, values: npt.NDArray[Any], size: int = 1) -> _Floats:
        """For each span, the sum of what its words have, less the last ``size - 1``."""
        total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return total[np.maximum(self.end - size + 1, self.first)] - total[self.first]  # type: ignore[no-any-return]


def token_hashes(tokens: Sequence[str], kind: str) -> _Hashes:
    """Hashes of words, or of pairs parted by a blank, as `Spans.tokens` has them."""
    size = 2 if kind.endswith("pairs") else 1
    words = split(tokens)
    assert (np.diff(words.bounds) == size).all()
    hashes = words.hashes if size == 1 else ngram_hashes(words.hashes, 2)[::2]
    return hashes * _ODD + _OPENING if kind.startswith("opening") else hashes


def _unfolded(words: Words, places: _Ints) -> _Ints:
    """Bytes of the batch as it came, for bytes of it as it was folded."""
    if not len(words.dropped):
        return places.copy()
    return places + np.searchsorted(words.dropped, places, side="right")


def _openings(words: Words, raw: _Bytes, starts: _Ints, ends: _Ints) -> _Flags:
    """Whether a sentence ends, or a blank line lies, between a word and the one before it."""
    mark, blank, close = (np.isin(raw, list(signs)) for signs in (b".?!", b" \n\r\t", b"\"')*]"))
    edge = np.zeros(len(raw), np.bool_)
    edge[:-2] = mark[:-2] & (blank[1:-1] | (close[1:-1] & blank[2:]))
    edge[:-1] |= (raw[:-1] == ord("\n")) & (raw[1:] == ord("\n"))
    total = np.concatenate([[0], np.cumsum(edge, dtype=np.int32)])
    opening = np.zeros(len(starts), np.bool_)
    opening[1:] = total[starts[1:]] > total[ends[:-1]]
    opening[words.bounds[:-1][np.diff(words.bounds) > 0]] = True
    return opening


def _cut(bounds: _Ints, opening: _Flags) -> tuple[_Ints, _Ints, _Ints]:
    first = np.flatnonzero(opening)
    sizes = np.diff(first, append=len(opening))
    long = sizes > LONGEST
    more = [
        np.arange(start + SHORTEST, start + size - SHORTEST // 2, SHORTEST)
        for start, size in zip(first[long].tolist(), sizes[long].tolist(), strict=True)
    ]
    first = np.sort(np.concatenate([first, *more]))
    texts = np.searchsorted(bounds, first, side="right") - 1
    last = bounds[texts + 1]
    edges = np.append(first, len(opening))
    end = edges[np.searchsorted(edges, np.minimum(first + SHORTEST, last))]
    return first, np.minimum(np.minimum(end, first + LONGEST), last), texts


def _marks(
    words: Words, raw: _Bytes, starts: _Ints, digit: _Flags, first: _Ints, end: _Ints, texts: _Ints
) -> _Floats:
    # From a span's first word to the word behind it, so that what follows its last word counts.
    ends = np.append(words.origins[1:], words.origins[-1:])[texts] - 1
    behind = np.append(starts, len(raw))[np.minimum(end, len(starts))]
    last_one = texts == len(words.origins) - 1
    ends[last_one] = len(raw)
    low, high = starts[first], np.minimum(behind, ends)
    label = np.zeros(len(raw), np.bool_)  # "A)", "(b.", "C:"
    upper = raw[1:-1] & 0xDF
    label[1:-1] = (upper >= ord("A")) & (upper <= ord("E"))
    label[1:-1] &= np.isin(raw[2:], list(b").:")) & np.isin(raw[:-2], list(b" \n\t("))
    columns = []
    for there in (*(raw == ord(mark) for mark in MARKS), label):
        total = np.concatenate([[0], np.cumsum(there, dtype=np.int32)])
        columns.append(total[high] - total[low])
    counts = np.stack(columns, axis=1).astype(np.float64)
    sizes = np.maximum(end - first, 1)
    numbers = np.concatenate([[0], np.cumsum(digit)])
    share = (numbers[end] - numbers[first]) / sizes
    return np.column_stack([np.log1p(counts), np.log(sizes), share, counts[:, 0] > 0])

"""Documents whose normalised texts are the same, found by their 128-bit hashes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pipeline.dedup.buckets import repeated

__all__ = ["same_texts"]

HASHES_AT_ONCE = 20_000_000

_UInt32 = npt.NDArray[np.uint32]
_UInt64 = npt.NDArray[np.uint64]


def same_texts(hashes: Iterable[_UInt64], numbers: _UInt32) -> _UInt32:
    """For each document the smallest document with the same text, itself where it is the first.

    Args:
        hashes: ``uint64[n, 2]`` of each part; together as many rows as ``numbers``. Read once
            for every `HASHES_AT_ONCE` documents, so that memory stays bounded.
        numbers: ``uint32[total]``, the document number of each row.
    """
    hashes = list(hashes)
    first = np.arange(len(numbers), dtype=np.uint32)
    ranges = max(1, -(-len(numbers) // HASHES_AT_ONCE))
    for piece in range(ranges):
        chosen = [_chosen(part[:, 0], piece, ranges) for part in hashes]
        lengths = np.cumsum([0, *(len(part) for part in hashes)])
        texts = np.concatenate(
            [np.empty((0, 2), np.uint64), *(p[c] for p, c in zip(hashes, chosen, strict=True))]
        )
        rows = np.concatenate(
            [np.empty(0, np.int64), *(c + at for c, at in zip(chosen, lengths[:-1], strict=True))]
        )
        order = np.argsort(texts[:, 0])
        again = order[repeated(texts[order, 0])]
        texts, documents = texts[again], numbers[rows[again]]
        order = np.lexsort((documents, texts[:, 1], texts[:, 0]))
        texts, documents = texts[order], documents[order]
        starts = np.ones(len(texts), np.bool_)
        starts[1:] = (texts[1:] != texts[:-1]).any(axis=1)
        first[documents] = documents[starts][np.cumsum(starts) - 1]
    return first


def _chosen(hashes: _UInt64, piece: int, ranges: int) -> npt.NDArray[np.int64]:
    if ranges == 1:
        return np.arange(len(hashes))
    half = np.uint64(32)
    return np.flatnonzero((hashes >> half) * np.uint64(ranges) >> half == piece)

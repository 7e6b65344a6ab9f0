"""Which documents to compare: LSH bands, and the buckets of documents that agree in one.

Indyk and Motwani, "Approximate nearest neighbors", 1998; as bands in Leskovec, Rajaraman and
Ullman, *Mining of Massive Datasets*, chapter 3. A bucket only proposes (`verify` decides), so that
a chance meeting of two 64-bit keys costs one comparison. Nothing here makes an object per key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.dedup.partitions import Rows, rows_of

__all__ = [
    "band_keys",
    "band_rows",
    "buckets_of",
    "candidate_probability",
    "partition_of",
    "repeated",
]

_UInt32 = npt.NDArray[np.uint32]
_UInt64 = npt.NDArray[np.uint64]

_SEED = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(32)
_ROWS_AT_ONCE = 4096


def band_keys(signatures: _UInt32, bands: int, rows: int) -> _UInt64:
    """A 64-bit key for every band of every signature, different for different bands.

    Args:
        signatures: ``uint32[n, at least bands × rows]``.

    Returns:
        ``uint64[n, bands]``.
    """
    keys = np.empty((len(signatures), bands), np.uint64)
    numbers = np.arange(1, bands + 1, dtype=np.uint64) * _SEED
    for begin in range(0, len(signatures), _ROWS_AT_ONCE):
        block = np.asarray(signatures[begin : begin + _ROWS_AT_ONCE, : bands * rows])
        parts = block.reshape(len(block), bands, rows)
        mixed = np.repeat(numbers[np.newaxis], len(block), axis=0)
        for row in range(rows):
            mixed ^= parts[:, :, row]
            mixed *= _MIX
            mixed ^= mixed >> _SHIFT
        keys[begin : begin + len(block)] = mixed
    return keys


def band_rows(keys: _UInt64, documents: _UInt32) -> Rows:
    """One row for each band of each document.

    Args:
        keys: ``uint64[n, bands]``.
        documents: ``uint32[n]``, their numbers.
    """
    return rows_of(keys.ravel(), np.repeat(documents, keys.shape[1]))


def partition_of(keys: _UInt64, partitions: int) -> npt.NDArray[np.int64]:
    """Where each key is reduced; ``partitions`` is at most 65,536."""
    return ((keys >> _SHIFT) * np.uint64(partitions) >> _SHIFT).astype(np.int64)


def buckets_of(rows: Rows, earlier: int = 0) -> Rows:
    """The rows whose key more than one document has, sorted by key and then by document.

    Args:
        rows: all rows of some keys.
        earlier: documents of smaller number belong to earlier runs: buckets of them alone are
            left out, since nothing in them is to be decided.
    """
    order = np.argsort(rows["key"])
    ordered = rows["key"][order]
    shared = repeated(ordered)
    order = order[shared]
    rows = rows[order]
    rows = rows[np.lexsort((rows["document"], rows["key"]))]
    if earlier and len(rows):
        starts = np.flatnonzero(bucket_starts(rows))
        latest = np.maximum.reduceat(rows["document"], starts) >= earlier
        rows = rows[np.repeat(latest, np.diff(starts, append=len(rows)))]
    return rows


def bucket_starts(rows: Rows) -> npt.NDArray[np.bool_]:
    """True for the first row of each bucket; ``rows`` as `buckets_of` sorts them."""
    keys = rows["key"]
    starts = np.ones(len(keys), np.bool_)
    starts[1:] = keys[1:] != keys[:-1]
    return starts


def star_edges(rows: Rows) -> tuple[_UInt32, _UInt32]:
    """Each bucket's best document, and each other one of it: as many edges as members, less one."""
    starts = bucket_starts(rows)
    leaders = rows["document"][starts][np.cumsum(starts) - 1]
    return leaders[~starts], rows["document"][~starts]


def candidate_probability(similarity: Any, bands: int, rows: int) -> Any:
    """Probability that two documents of this Jaccard similarity share a bucket: 1 − (1 − s^r)^b."""
    return 1 - (1 - np.asarray(similarity, np.float64) ** rows) ** bands


def repeated(ordered: _UInt64) -> npt.NDArray[np.bool_]:
    """True where a value of a sorted array occurs more than once."""
    equal = ordered[1:] == ordered[:-1]
    found = np.zeros(len(ordered), np.bool_)
    found[1:] |= equal
    found[:-1] |= equal
    return found

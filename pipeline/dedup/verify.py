"""Which documents go, and for which other one: the true similarity decides, pair by pair.

Documents are taken in keeper order. One goes if a document that stays shares a bucket with it and
the similarity of the two, measured on all their shingles, reaches the threshold; else it stays,
and those behind it are compared with it in turn. So no document goes by way of a third one: in a
chain a ~ b ~ c of which a and c differ, b goes for a, and c, compared with a alone, stays.

A bucket offers at most `LEADERS` documents that stay, the best ones, so that the work in a bucket
of a million pages that share nothing but boilerplate is linear in its size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.dedup.index import IndexPart
from pipeline.dedup.partitions import Rows
from pipeline.dedup.settings import Dedup

__all__ = [
    "LEADERS",
    "REMOVAL",
    "Library",
    "Removals",
    "common",
    "decide",
    "join_removals",
    "read_removals",
    "similarity",
    "write_removals",
]

LEADERS = 64
READS, READS_PER_PART = 16000, 200  # of a library before its maps are closed
# Signatures estimate Jaccard similarity with a standard deviation of at most .047 (112 values);
# a pair whose estimate lies this far below the threshold is not measured: odds of 1 in 10 million.
MARGIN = 0.25

_UInt32 = npt.NDArray[np.uint32]

REMOVAL = np.dtype([("removed", "<u4"), ("kept", "<u4"), ("similarity", "<f8"), ("buckets", "<i8")])


@dataclasses.dataclass(frozen=True)
class Removals:
    """What goes.

    Args:
        rows: one for each removed document, ascending: its number (``removed``), that of the one
            that stays (``kept``), their ``similarity`` as measured, and the bands in which their
            signatures agree (``buckets``).
        full: LSH buckets that had more documents to offer than `LEADERS`.
    """

    rows: npt.NDArray[Any]
    full: int = 0

    @property
    def removed(self) -> _UInt32:
        return self._column("removed")

    @property
    def kept(self) -> _UInt32:
        return self._column("kept")

    @property
    def similarity(self) -> npt.NDArray[np.float64]:
        return self._column("similarity")

    @property
    def buckets(self) -> npt.NDArray[np.int64]:
        return self._column("buckets")

    def _column(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = self.rows[name]
        return column


class Library:
    """Signatures and shingles by document number, mapped from the parts of an index.

    Maps are closed now and then, since every read leaves up to 64 kB of its neighbourhood counted
    as the process's own; the system has the pages at hand all the same.

    Args:
        parts: in the order in which rows are counted.
        order: ``int64[n]``, the row of each document number.
    """

    def __init__(self, parts: Sequence[IndexPart], order: npt.NDArray[np.int64]):
        self._parts, self._order = parts, order
        self._first = np.cumsum([0, *(part.rows for part in parts)])
        self._open: dict[int, tuple[_UInt32, _UInt32, npt.NDArray[np.int64]]] = {}
        self._reads = 0

    def signature(self, document: int) -> _UInt32:
        (signatures, _, _), row = self._find(document)
        signature: _UInt32 = signatures[row]
        return signature

    def shingles(self, document: int) -> _UInt32:
        """The distinct shingle hashes of a document, sorted."""
        (_, shingles, starts), row = self._find(document)
        return shingles[starts[row] : starts[row + 1]]

    def _find(self, document: int) -> tuple[tuple[_UInt32, _UInt32, npt.NDArray[np.int64]], int]:
        self._reads += 1
        if self._reads > max(READS, READS_PER_PART * len(self._open)):
            self._open.clear()
            self._reads = 0
        row = int(self._order[document])
        number = int(np.searchsorted(self._first, row, side="right")) - 1
        found = self._open.get(number)
        if found is None:
            part = self._parts[number]
            # Plain arrays over the maps: slicing a memmap costs ten times as much.
            found = (
                np.asarray(part.signatures).view(np.ndarray),
                np.asarray(part.shingles).view(np.ndarray),
                np.asarray(part.starts).view(np.ndarray),
            )
            self._open[number] = found
        return found, row - int(self._first[number])


def common(left: _UInt32, right: _UInt32) -> int:
    """Size of the intersection of two sorted arrays of distinct numbers."""
    both = np.concatenate((left, right))
    both.sort()
    return int(np.count_nonzero(both[1:] == both[:-1]))


def similarity(removed: _UInt32, kept: _UInt32, kind: str) -> float:
    """``jaccard`` of two shingle sets, or ``containment`` of the first in the second."""
    if not len(removed) or not len(kept):
        return 0.0
    shared = common(removed, kept)
    return shared / (len(removed) if kind == "containment" else len(removed) + len(kept) - shared)


def decide(rows: Rows, library: Library, settings: Dedup, earlier: int = 0) -> Removals:
    """Decide over all documents of some components.

    Args:
        rows: the buckets of these components, complete, in any order.
        library: where their shingles are.
        settings: threshold, kind of similarity, bands.
        earlier: documents of smaller number belong to earlier runs and stay.
    """
    keys, buckets = np.unique(rows["key"], return_inverse=True)
    order = np.argsort(rows["document"], kind="stable")
    documents = rows["document"][order]
    buckets = buckets[order]
    starts = np.flatnonzero(np.diff(documents, prepend=np.int64(-1)))
    ends = np.append(starts, len(documents))[1:]
    bench = _Bench(len(keys))
    found: list[tuple[int, int, float, int]] = []
    for document, first, last in zip(
        documents[starts].tolist(), starts.tolist(), ends.tolist(), strict=True
    ):
        own = buckets[first:last].tolist()
        if document >= earlier:
            hit = _match(document, bench.offers(own), library, settings)
            if hit is not None:
                found.append((document, *hit))
                continue
        bench.seat(document, own)
    return Removals(np.array(found, REMOVAL), bench.full)


class _Bench:
    """The documents that stay, by bucket. Most buckets have one; only further ones cost an object."""

    def __init__(self, buckets: int):
        self._first = np.full(buckets, -1, np.int64)
        self._more: dict[int, list[int]] = {}
        self._full: set[int] = set()

    @property
    def full(self) -> int:
        return len(self._full)

    def offers(self, buckets: Sequence[int]) -> list[int]:
        """Every document that stays in one of these buckets, once."""
        found: set[int] = set()
        for bucket in buckets:
            first = int(self._first[bucket])
            if first >= 0:
                found.add(first)
                found.update(self._more.get(bucket, ()))
        return sorted(found)

    def seat(self, document: int, buckets: Sequence[int]) -> None:
        for bucket in buckets:
            if self._first[bucket] < 0:
                self._first[bucket] = document
                continue
            more = self._more.setdefault(bucket, [])
            if len(more) < LEADERS - 1:
                more.append(document)
            else:
                self._full.add(bucket)


def _match(
    document: int, offers: list[int], library: Library, settings: Dedup
) -> tuple[int, float, int] | None:
    """The kept document that this one is a copy of, their similarity and shared bands."""
    if not offers:
        return None
    threshold, kind = settings.least_similarity, settings.similarity
    signature = library.signature(document)
    if len(offers) > 1:
        offers = _likeliest(signature, offers, library, settings)
    shingles = library.shingles(document)
    for offer in offers:
        theirs = library.shingles(offer)
        smaller, larger = sorted((len(shingles), len(theirs)))
        if larger == 1:
            continue  # `exact` knows better: 32 bits of one shingle may agree by chance
        if kind == "jaccard" and smaller / larger < threshold:
            continue  # sets of such different size cannot reach it
        measured = similarity(shingles, theirs, kind)
        if measured >= threshold:
            bands, rows = settings.banding
            agree = (signature == library.signature(offer))[: bands * rows]
            return offer, measured, int(agree.reshape(bands, rows).all(axis=1).sum())
    return None


def _likeliest(
    signature: _UInt32, offers: list[int], library: Library, settings: Dedup
) -> list[int]:
    """The offers by estimated similarity, most similar first, the hopeless ones left out."""
    signatures = np.stack([library.signature(offer) for offer in offers])
    estimates = (signatures == signature).mean(axis=1)
    order = np.argsort(-estimates, kind="stable")
    if settings.similarity == "jaccard":
        order = order[estimates[order] >= settings.least_similarity - MARGIN]
    return [offers[place] for place in order.tolist()]


def write_removals(path: Path, removals: Removals) -> None:
    """Leave removals in a file."""
    with path.open("wb") as handle:
        np.array([removals.full], np.int64).tofile(handle)
        removals.rows.tofile(handle)


def read_removals(path: Path) -> Removals:
    """What `write_removals` has left."""
    with path.open("rb") as handle:
        full = int(np.fromfile(handle, np.int64, 1)[0])
        return Removals(np.fromfile(handle, REMOVAL), full)


def join_removals(groups: Iterable[Removals]) -> Removals:
    """Removals of several groups, all different, as one."""
    found = list(groups)
    rows = np.concatenate([removals.rows for removals in found])
    return Removals(rows[np.argsort(rows["removed"])], sum(removals.full for removals in found))

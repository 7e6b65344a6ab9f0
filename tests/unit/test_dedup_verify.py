"""Verification: which documents go, and that none goes by way of a third."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from pipeline.dedup import Dedup, Signing
from pipeline.dedup.buckets import band_keys, band_rows, buckets_of
from pipeline.dedup.index import IndexPart
from pipeline.dedup.partitions import Rows, rows_of
from pipeline.dedup.verify import (
    LEADERS,
    REMOVAL,
    Library,
    Removals,
    common,
    decide,
    join_removals,
    read_removals,
    similarity,
    write_removals,
)

ALL_MEET: dict[str, Any] = {
    "bands": 112,
    "rows": 1,
}  # whatever shares a shingle is as good as sure to be compared


def library_of(texts: Sequence[str], parts: int = 1) -> Library:
    """Texts in keeper order, in so many parts."""
    signed = []
    for rows in np.array_split(np.arange(len(texts)), parts):
        numbers = Signing().sign([texts[row] for row in rows])
        signed.append(
            SimpleNamespace(
                rows=len(rows),
                signatures=numbers.signatures,
                shingles=numbers.shingles,
                starts=numbers.starts,
            )
        )
    return Library(cast("list[IndexPart]", signed), np.arange(len(texts)))


def decided(texts: Sequence[str], earlier: int = 0, **settings: Any) -> list[tuple[Any, ...]]:
    """(removed, kept, similarity) over texts in keeper order."""
    chosen = Dedup(**{**ALL_MEET, **settings})
    library = library_of(texts)
    signatures = np.stack([library.signature(number) for number in range(len(texts))])
    keys = band_keys(signatures, *chosen.banding)
    rows = buckets_of(band_rows(keys, np.arange(len(texts), dtype=np.uint32)), earlier)
    removals = decide(rows, library, chosen, earlier)
    assert removals.full == 0
    return [(removed, kept, value) for removed, kept, value, _ in removals.rows.tolist()]


def stretch(first: int, last: int) -> str:
    return " ".join(f"w{number:03}" for number in range(first, last))


# --- similarity ------------------------------------------------------------------------------


def test_similarity_of_two_sets() -> None:
    one, other = np.array([1, 4, 5, 9], np.uint32), np.array([4, 9], np.uint32)
    assert common(one, other) == common(other, one) == 2
    assert similarity(one, other, "jaccard") == similarity(other, one, "jaccard") == 0.5
    assert similarity(one, other, "containment") == 0.5
    assert similarity(other, one, "containment") == 1.0
    for kind in ("jaccard", "containment"):
        assert similarity(one, one, kind) == 1.0
        assert similarity(one, one[:0], kind) == similarity(one[:0], one[:0], kind) == 0.0


# --- the greedy rule -------------------------------------------------------------------------


def test_a_chain_does_not_go_as_one() -> None:
    texts = [stretch(0, 100), stretch(8, 108), stretch(16, 116), stretch(24, 124)]
    assert decided(texts) == [(1, 0, 88 / 104), (3, 2, 88 / 104)]
    assert decided(texts[::-1]) == [(1, 0, 88 / 104), (3, 2, 88 / 104)]
    assert decided([texts[1], texts[0], texts[2]]) == [(1, 0, 88 / 104), (2, 0, 88 / 104)]


def test_the_likeliest_of_several_is_named() -> None:
    texts = [stretch(0, 100), stretch(14, 114), stretch(9, 109)]
    assert decided(texts) == [(2, 1, 91 / 101)]


def test_the_threshold_itself_is_enough() -> None:
    texts = [stretch(0, 94), stretch(10, 104)]  # 80 of 100 shingles
    assert decided(texts, threshold=0.8) == [(1, 0, 0.8)]
    assert decided(texts, threshold=0.8 + 1e-9) == []


def test_only_documents_of_one_bucket_are_compared() -> None:
    library = library_of([stretch(0, 100)] * 3)
    rows = rows_of(np.array([1, 1], np.uint64), np.array([0, 2], np.uint32))
    removals = decide(rows, library, Dedup())
    assert removals.rows.tolist() == [(2, 0, 1.0, 14)]


def test_bands_that_agree_are_counted() -> None:
    texts = [stretch(0, 100), stretch(1, 101)]
    library, settings = library_of(texts), Dedup()
    agree = (library.signature(0) == library.signature(1)).reshape(14, 8).all(axis=1).sum()
    rows = rows_of(np.zeros(2, np.uint64), np.arange(2, dtype=np.uint32))
    assert 0 < agree < 14
    assert decide(rows, library, settings).buckets.tolist() == [agree]


def test_containment_looks_at_the_removed_one() -> None:
    book, passage = stretch(0, 900), stretch(300, 400)
    # A passage agrees with its book in about one value of ten.
    assert decided([book, passage]) == []
    assert decided([book, passage], similarity="containment") == [(1, 0, 1.0)]
    assert decided([passage, book], similarity="containment") == []


def test_documents_of_earlier_runs_stay() -> None:
    texts = [stretch(0, 100), stretch(0, 100), stretch(1, 101), stretch(200, 300)]
    assert decided(texts, earlier=2) == [(2, 0, 95 / 97)]
    assert decided(texts, earlier=3) == []


def test_rows_and_parts_in_any_order() -> None:
    texts = [stretch(at, at + 100) for at in (0, 3, 40, 42, 43, 80, 81, 150, 5, 151)]
    library = library_of(texts)
    signatures = np.stack([library.signature(number) for number in range(len(texts))])
    rows = buckets_of(band_rows(band_keys(signatures, 28, 4), np.arange(10, dtype=np.uint32)))
    settings = Dedup(bands=28, rows=4)
    wanted = decide(rows, library, settings).rows
    assert len(wanted)
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(rows)
        found = decide(shuffled, library_of(texts, parts=seed + 2), settings)
        assert found.rows.tolist() == wanted.tolist()


def test_no_rows_no_removals() -> None:
    nothing = rows_of(np.empty(0, np.uint64), np.empty(0, np.uint32))
    assert len(decide(nothing, library_of([]), Dedup()).rows) == 0


# --- boilerplate -----------------------------------------------------------------------------


def test_unrelated_books_with_one_licence_all_stay() -> None:
    rng = random.Random(8)
    licence = " ".join(f"licence{rng.randrange(400)}" for _ in range(400))
    books = [
        " ".join([licence, *(f"w{rng.randrange(3000)}" for _ in range(2000)), licence])
        for _ in range(50)
    ]
    library = library_of(books)
    signatures = np.stack([library.signature(number) for number in range(len(books))])
    numbers = np.arange(len(books), dtype=np.uint32)
    rows = buckets_of(band_rows(band_keys(signatures, 112, 1), numbers))
    assert len(np.unique(rows["document"])) == len(books)  # each shares a bucket with another
    assert not len(decide(rows, library, Dedup(**ALL_MEET)).rows)
    near = books[3].replace("licence", "license", 30)
    assert decided([*books, near]) == [(50, 3, pytest.approx(0.985, abs=0.01))]


class CountedLibrary(Library):
    looks = 0

    def signature(self, document: int) -> Any:
        self.looks += 1
        return super().signature(document)

    def shingles(self, document: int) -> Any:
        self.looks += 1
        return super().shingles(document)


def full_bucket(texts: Sequence[str]) -> tuple[CountedLibrary, Rows]:
    library = library_of(texts)
    library.__class__ = CountedLibrary
    rows = rows_of(np.zeros(len(texts), np.uint64), np.arange(len(texts), dtype=np.uint32))
    return cast(CountedLibrary, library), rows


def test_work_in_a_huge_bucket_is_linear_and_the_cap_is_counted() -> None:
    texts = [stretch(100 * number, 100 * number + 20) for number in range(400)]
    looks = []
    for count in (200, 400):
        library, rows = full_bucket(texts[:count])
        removals = decide(rows, library, Dedup())
        assert (len(removals.rows), removals.full) == (0, 1)
        looks.append(library.looks)
        assert library.looks <= count * (LEADERS + 3)
    assert looks[1] < 2.5 * looks[0]


def test_a_bucket_offers_its_best_documents() -> None:
    texts = [stretch(100 * number, 100 * number + 20) for number in range(LEADERS + 10)]
    library, rows = full_bucket([*texts, texts[LEADERS - 1], texts[LEADERS]])
    removals = decide(rows, library, Dedup())
    assert removals.rows[["removed", "kept"]].tolist() == [(LEADERS + 10, LEADERS - 1)]
    assert removals.full == 1
    library, rows = full_bucket(texts[:LEADERS])
    assert decide(rows, library, Dedup()).full == 0


def test_a_bucket_of_copies_compares_each_with_one() -> None:
    library, rows = full_bucket([stretch(0, 50)] * 500)
    assert decide(rows, library, Dedup()).kept.tolist() == [0] * 499
    assert library.looks <= 500 * 4


# --- files -----------------------------------------------------------------------------------


def test_removals_come_back_from_files_in_order(tmp_path: Path) -> None:
    one = Removals(np.array([(5, 1, 0.9, 3), (7, 0, 1.0, 14)], REMOVAL), full=2)
    other = Removals(np.array([(6, 2, 0.8, 1)], REMOVAL), full=1)
    nothing = Removals(np.empty(0, REMOVAL))
    for number, removals in enumerate((one, other, nothing)):
        write_removals(tmp_path / str(number), removals)
    joined = join_removals(read_removals(tmp_path / name) for name in "210")
    assert joined.rows.tolist() == [(5, 1, 0.9, 3), (6, 2, 0.8, 1), (7, 0, 1.0, 14)]
    assert joined.full == 3
    assert joined.removed.dtype == joined.kept.dtype == np.uint32

"""Planted duplicates with exact truth: what goes is a duplicate, and nearly all duplicates go."""

from __future__ import annotations

import pyarrow as pa
import pytest
from exact_similarity import jaccard, shingle_sets, similar_pairs
from planted import Planted, books, planted

from pipeline.dedup import Dedup, dedup

THRESHOLD = 0.8


def removals(found: Planted) -> dict[int, int]:
    """Removed document to kept one, by place."""
    table = pa.table({"id": [f"{at:06d}" for at in range(len(found))], "text": found.texts})
    kept, receipts = dedup(table, Dedup())
    assert kept.num_rows + receipts.num_rows == len(found)
    return {int(row["removed"]): int(row["kept"]) for row in receipts.to_pylist()}


@pytest.mark.parametrize("seed", [11, 12])
def test_planted_duplicates(seed: int) -> None:
    found = planted(seed, families=220)
    sets = shingle_sets(found.texts)
    gone = removals(found)
    true = similar_pairs(sets, THRESHOLD)
    wrong = [pair for pair in gone.items() if jaccard(sets[pair[0]], sets[pair[1]]) < THRESHOLD]
    missed = [pair for pair in true if pair[0] not in gone and pair[1] not in gone]
    assert len(true) > 300
    assert len(wrong) <= 0.01 * len(gone)
    assert len(missed) <= 0.05 * len(true)


def test_no_unrelated_book_is_removed_for_its_licence() -> None:
    found = books(seed=5, count=60, longest=8_000, reprints=5)
    gone = removals(found)
    assert {found.kinds[removed] for removed in gone} <= {"book", "reprint"}
    assert len(gone) == 5
    for removed, kept in gone.items():
        assert found.families[removed] == found.families[kept]

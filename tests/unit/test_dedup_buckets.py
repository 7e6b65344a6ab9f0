"""Bands, buckets and partitions against dictionaries."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.dedup.buckets import (
    band_keys,
    band_rows,
    buckets_of,
    candidate_probability,
    partition_of,
    star_edges,
)
from pipeline.dedup.partitions import ROW, Rows, read_partition, rows_of, write_partitions

Signatures = npt.NDArray[np.uint32]


def signatures_of(count: int, width: int, values: int = 3, seed: int = 0) -> Signatures:
    return np.random.default_rng(seed).integers(0, values, (count, width), dtype=np.uint32)


def plain_buckets(signatures: Signatures, bands: int, rows: int) -> list[list[int]]:
    """Members of every bucket of two and more, by dictionary."""
    found: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for document, signature in enumerate(signatures.tolist()):
        for band in range(bands):
            found[band, *signature[band * rows : (band + 1) * rows]].append(document)
    return sorted(members for members in found.values() if len(members) > 1)


def members(rows: Rows) -> list[list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for key, document in rows.tolist():
        found[key].append(document)
    return sorted(found.values())


@pytest.mark.parametrize(("bands", "rows"), [(14, 8), (1, 1), (5, 2), (28, 4), (1, 20), (112, 1)])
def test_buckets_are_those_of_a_dictionary(bands: int, rows: int) -> None:
    signatures = signatures_of(60, max(112, bands * rows), values=2 if rows > 2 else 9)
    keys = band_keys(signatures, bands, rows)
    assert keys.dtype == np.uint64
    assert keys.shape == (60, bands)
    found = buckets_of(band_rows(keys, np.arange(60, dtype=np.uint32)))
    assert members(found) == plain_buckets(signatures, bands, rows)
    assert found.tolist() == sorted(found.tolist())


def test_equal_values_in_different_bands_have_different_keys() -> None:
    keys = band_keys(np.ones((2, 112), np.uint32), 14, 8)
    assert len(np.unique(keys)) == 14
    assert (keys[0] == keys[1]).all()


def test_rows_worked_on_at_once_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    signatures = signatures_of(50, 112)
    whole = band_keys(signatures, 14, 8)
    monkeypatch.setattr("pipeline.dedup.buckets._ROWS_AT_ONCE", 7)
    assert (band_keys(signatures, 14, 8) == whole).all()
    assert band_keys(signatures[:0], 14, 8).shape == (0, 14)


@pytest.mark.parametrize("partitions", [1, 2, 7, 300, 65_536])
def test_a_key_belongs_to_one_partition(partitions: int) -> None:
    keys = np.random.default_rng(0).integers(0, 2**64, 1000, dtype=np.uint64)
    keys[:2] = 0, 2**64 - 1
    places = partition_of(keys, partitions)
    assert places.min() >= 0
    assert places.max() < partitions
    assert (partition_of(keys[::-1], partitions) == places[::-1]).all()
    if partitions <= 7:
        assert np.bincount(places, minlength=partitions).min() > 500 / partitions


@pytest.mark.parametrize("partitions", [1, 2, 5, 1000])
def test_partitions_change_nothing(tmp_path: Path, partitions: int) -> None:
    signatures = signatures_of(80, 20, values=4)
    numbers = np.random.default_rng(1).permutation(80).astype(np.uint32)
    rows = band_rows(band_keys(signatures, 10, 2), numbers)
    paths = []
    for number, piece in enumerate(np.array_split(rows, 3)):
        paths.append(tmp_path / str(number))
        write_partitions(paths[-1], piece, partition_of(piece["key"], partitions), partitions)
    read = [read_partition(paths, number, partitions) for number in range(partitions)]
    assert sum(map(len, read)) == len(rows)
    found = np.concatenate([buckets_of(piece) for piece in read])
    assert np.array_equal(np.sort(found), np.sort(buckets_of(rows)))


def test_a_partition_keeps_the_order_of_files_and_rows(tmp_path: Path) -> None:
    rows = rows_of(np.arange(6, dtype=np.uint64), np.arange(6, dtype=np.uint32))
    write_partitions(tmp_path / "a", rows, np.array([1, 0, 1, 3, 0, 1]), 4)
    write_partitions(tmp_path / "b", rows[:0], np.empty(0, np.int64), 4)
    write_partitions(tmp_path / "c", rows[::-1], np.array([1, 1, 1, 1, 1, 1]), 4)
    paths = [tmp_path / name for name in "abc"]
    found = [read_partition(paths, number, 4)["document"].tolist() for number in range(4)]
    assert found == [[1, 4], [0, 2, 5, 5, 4, 3, 2, 1, 0], [], [3]]
    assert read_partition([], 0, 4).dtype == ROW


def test_buckets_of_earlier_documents_alone_are_left_out() -> None:
    keys = np.array([5, 5, 7, 7, 7, 9, 9, 1], np.uint64)
    documents = np.array([0, 1, 0, 1, 2, 2, 3, 0], np.uint32)
    rows = rows_of(keys, documents)
    assert members(buckets_of(rows)) == [[0, 1], [0, 1, 2], [2, 3]]
    assert members(buckets_of(rows, earlier=2)) == [[0, 1, 2], [2, 3]]
    assert members(buckets_of(rows, earlier=3)) == [[2, 3]]
    assert len(buckets_of(rows, earlier=4)) == len(buckets_of(rows[:0], earlier=4)) == 0


def test_edges_are_linear_in_the_size_of_a_bucket() -> None:
    keys = np.array([4] * 1000 + [6, 6], np.uint64)
    documents = np.array([*range(1000), 3, 2000], np.uint32)
    leaders, others = star_edges(buckets_of(rows_of(keys, documents)))
    assert list(zip(leaders.tolist(), others.tolist(), strict=True)) == [
        *((0, other) for other in range(1, 1000)),
        (3, 2000),
    ]
    assert [len(ends) for ends in star_edges(np.empty(0, ROW))] == [0, 0]


def test_candidate_probability_is_what_signatures_do() -> None:
    rng = np.random.default_rng(5)
    for similarity in (0.3, 0.6, 0.8):
        agree = rng.random((4000, 112)) < similarity
        shared = np.any(agree.reshape(4000, 14, 8).all(axis=2), axis=1).mean()
        assert candidate_probability(similarity, 14, 8) == pytest.approx(shared, abs=0.03)
    assert candidate_probability([0.0, 1.0], 14, 8).tolist() == [0, 1]
    assert float(candidate_probability(0.8, 14, 8)) == pytest.approx(0.9237, abs=1e-3)

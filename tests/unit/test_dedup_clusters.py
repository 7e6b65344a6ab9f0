"""Components against scipy, and equal texts against a dictionary, however the work is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.core.errors import ConservationError
from pipeline.dedup import clusters, exact
from pipeline.dedup.clusters import components
from pipeline.dedup.exact import same_texts

UInt32 = npt.NDArray[np.uint32]


def plain(left: UInt32, right: UInt32, count: int) -> list[int]:
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    smallest: dict[int, int] = {}
    for document, label in enumerate(labels.tolist()):
        smallest.setdefault(label, document)
    return [smallest[label] for label in labels.tolist()]


def found(left: UInt32, right: UInt32, count: int, chunks: int = 1) -> list[int]:
    pieces = list(zip(np.array_split(left, chunks), np.array_split(right, chunks), strict=True))
    labels = components(lambda: pieces, count)
    assert labels.dtype == np.uint32
    return [int(label) for label in labels]


@pytest.mark.parametrize("edges", [0, 20, 150, 300, 2000])
@pytest.mark.parametrize("chunks", [1, 3, 50])
def test_random_graphs(edges: int, chunks: int) -> None:
    for seed in range(5):
        left, right = np.random.default_rng(seed).integers(0, 300, (2, edges), dtype=np.uint32)
        assert found(left, right, 300, chunks) == plain(left, right, 300)
        assert found(right[::-1], left[::-1], 300, chunks) == plain(left, right, 300)


@pytest.mark.parametrize("chunks", [1, 7, 500])
@pytest.mark.parametrize("order", ["up", "down", "random", "zigzag"])
def test_long_paths_in_any_order(order: str, chunks: int) -> None:
    count = 20_000
    rng = np.random.default_rng(3)
    path = np.arange(count, dtype=np.uint32)
    if order == "random":
        path = rng.permutation(path)
    elif order == "zigzag":
        path = np.column_stack((path, path[::-1])).ravel()[:count]
    edges = np.column_stack((path[:-1], path[1:]))
    if order == "down":
        edges = edges[::-1]
    for shuffled in (edges, rng.permutation(edges)):
        assert found(shuffled[:, 0], shuffled[:, 1], count, chunks) == [0] * count


def test_a_chain_of_rising_numbers_takes_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    # A page that grows day by day is such a chain. Steps along it must not be one per page.
    class Counted(np.ndarray[tuple[int, ...], np.dtype[np.uint32]]):
        looks = 0

        def __getitem__(self, item: Any) -> Any:
            Counted.looks += 1
            return super().__getitem__(item)

    arange: Any = np.arange

    def counted(*arguments: Any, **named: Any) -> Any:
        return arange(*arguments, **named).view(Counted)

    path = np.arange(50_000, dtype=np.uint32)
    monkeypatch.setattr("pipeline.dedup.clusters.np.arange", counted)
    assert not components(lambda: [(path[:-1], path[1:])], len(path)).any()
    assert 0 < Counted.looks < 500


def test_stars_loops_and_repeated_edges() -> None:
    hub = np.full(1000, 999, np.uint32)
    leaves = np.arange(1000, dtype=np.uint32)
    assert found(hub, leaves, 1001) == [0] * 1000 + [1000]
    twice = np.array([4, 4, 4, 2, 2], np.uint32)
    assert found(twice, np.array([4, 2, 2, 4, 2], np.uint32), 6) == [0, 1, 2, 3, 2, 5]
    assert found(twice[:0], twice[:0], 0) == []


def test_what_does_not_converge_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "MOST_PASSES", 1)
    ends = np.arange(2, dtype=np.uint32)
    with pytest.raises(ConservationError, match="1 passes"):
        components(lambda: [(ends[:1], ends[1:])], 2)


# --- equal texts -----------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 3, 100, 10**9])
@pytest.mark.parametrize("parts", [1, 4])
def test_equal_texts_are_those_of_a_dictionary(
    monkeypatch: pytest.MonkeyPatch, at_once: int, parts: int
) -> None:
    monkeypatch.setattr(exact, "HASHES_AT_ONCE", at_once)
    rng = np.random.default_rng(at_once)
    pool = rng.integers(0, 2**64, (90, 2), dtype=np.uint64)
    pool[:30, 0] = pool[0, 0]  # 64 equal bits are not enough
    pool[30] = 0
    pool[31] = 2**64 - 1
    hashes = pool[rng.integers(0, len(pool), 150)]
    numbers = rng.permutation(150).astype(np.uint32)
    smallest: dict[tuple[int, ...], int] = {}
    for number, row in sorted(zip(numbers.tolist(), map(tuple, hashes.tolist()), strict=True)):
        smallest.setdefault(row, number)
    wanted = np.empty(150, np.uint32)
    for number, row in zip(numbers.tolist(), map(tuple, hashes.tolist()), strict=True):
        wanted[number] = smallest[row]
    assert same_texts(np.array_split(hashes, parts), numbers).tolist() == wanted.tolist()


def test_no_texts_and_a_million_of_one() -> None:
    assert len(same_texts([], np.empty(0, np.uint32))) == 0
    one = np.ones((1_000_000, 2), np.uint64)
    assert not same_texts([one, one[:0]], np.arange(1_000_000, dtype=np.uint32)).any()

"""Vectors on a grid and the graph of nearest neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.neighbours import NeighbourGraph, neighbour_graph
from pipeline.prompts.diversity.unit_vectors import COSINE_STEPS, distinct, unit_vectors, weights

MATRICES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(0, 12), st.integers(0, 5)),
    elements=st.floats(-(2.0**100), 2.0**100, width=32),
)
FEW_VALUES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.just(2)),
    elements=st.sampled_from([-1.0, 0.0, 1.0]),
)


def random_vectors(count: int, size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def by_hand(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The graph from whole numbers, by a full sort."""
    unit = unit_vectors(vectors)
    steps = np.rint(unit.astype(np.float64) * 2048).astype(np.int64)
    cosines = np.minimum((steps @ steps.T) / COSINE_STEPS, 1.0)
    np.fill_diagonal(cosines, 4.0)
    ids = np.argsort(-np.round(cosines * COSINE_STEPS), axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(cosines, ids, axis=1)
    found[:, 0] = unit.any(axis=1)
    return found.astype(np.float32), ids


@given(MATRICES)
def test_unit_vectors_are_of_unit_length_or_zero_and_stay_as_they_are(given: np.ndarray) -> None:
    unit = unit_vectors(given)
    lengths = np.sqrt(np.square(unit.astype(np.float64)).sum(axis=1))
    there = given.any(axis=1)
    assert np.allclose(lengths, there, atol=0.01)
    assert np.array_equal(unit_vectors(unit), unit)
    assert not np.signbit(unit[unit == 0]).any()


def test_rounding_moves_cosines_by_little() -> None:
    vectors = random_vectors(300, 384)
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    unit = unit_vectors(vectors)
    assert np.abs(unit @ unit.T - exact @ exact.T).max() < 0.0015


@pytest.mark.parametrize("size", [1, 7, 384, 1024])
def test_float_products_are_exact_however_they_are_blocked(size: int) -> None:
    unit = unit_vectors(random_vectors(200, size))
    steps = np.rint(unit.astype(np.float64) * 2048).astype(np.int64)
    whole = (steps @ steps.T) / COSINE_STEPS
    assert np.array_equal(unit @ unit.T, whole.astype(np.float32))
    assert np.array_equal(np.stack([unit @ row for row in unit]), whole)
    assert np.array_equal((unit[:, None] * unit[None, ::-1]).sum(axis=2), whole[:, ::-1])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([[1.0, float("nan")]], "NaN"),
        ([[1.0], [float("inf")]], r"vectors\[1\]"),
        ([1.0, 2.0], "belongs"),
        ([["a"]], "belongs"),
    ],
)
def test_bad_vectors_are_refused(bad: list, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        unit_vectors(bad)


@pytest.mark.parametrize(
    ("bad", "said"),
    [([1.0], "shape"), ([1.0, -1.0], "no weight"), ([float("nan"), 1], "nan"), (["a", "b"], "not")],
)
def test_bad_weights_are_refused(bad: list, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        weights(bad, 2)


def test_distinct_rows() -> None:
    first, kind = distinct(unit_vectors([[1, 0], [0, 1], [2, 0], [0, 0], [-0.0, 3]]))
    assert first.tolist() == [0, 1, 3]
    assert kind.tolist() == [0, 1, 0, 2, 1]


@given(MATRICES.filter(lambda matrix: len(matrix) > 0) | FEW_VALUES, st.integers(1, 15))
def test_the_graph_is_that_of_a_full_sort(vectors: np.ndarray, k: int) -> None:
    cosines, ids = by_hand(vectors, k)
    graph = neighbour_graph(vectors, k)
    assert np.array_equal(graph.ids, ids)
    assert np.array_equal(graph.cosines, cosines)


def test_the_graph_of_many_is_that_of_a_full_sort_too() -> None:
    vectors = np.concatenate((random_vectors(700, 16), np.ones((200, 16), np.float32)))
    cosines, ids = by_hand(vectors, 20)
    graph = neighbour_graph(vectors, 20)
    assert np.array_equal(graph.ids, ids)
    assert np.array_equal(graph.cosines, cosines)


def test_the_graph_of_nothing() -> None:
    graph = neighbour_graph(np.zeros((0, 3)), 4)
    assert graph.ids.shape == graph.cosines.shape == (0, 0)
    assert graph.own_as_nearest().above_farthest().cosines.shape == (0, 0)
    with pytest.raises(ConfigError, match="1 neighbour"):
        neighbour_graph(np.zeros((0, 3)), 0)


def test_a_graph_without_what_only_its_own_vector_is_near_to() -> None:
    graph = NeighbourGraph(np.array([[1, 0.5, 0.25]], np.float32), np.array([[0, 1, 2]]))
    assert graph.own_as_nearest().cosines.tolist() == [[0.5, 0.5, 0.25]]
    assert graph.above_farthest().cosines.tolist() == [[0.75, 0.25, 0.0]]
    assert graph.cosines[0, 0] == 1

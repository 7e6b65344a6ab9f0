"""Lazy greedy facility location beside a naive one, and beside the best there is."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.facility_location import covers, facility_location
from pipeline.prompts.diversity.neighbours import NeighbourGraph, neighbour_graph
from pipeline.prompts.diversity.quotas import Quotas

STEPS, WEIGHTS = 1 << 22, 1 << 16


@st.composite
def graphs(draw: st.DrawFn, most: int = 12) -> tuple[NeighbourGraph, list[float]]:
    """Small graphs with many equal cosines, copies and weights of 0."""
    count = draw(st.integers(1, most))
    size = draw(st.integers(1, 3))
    value = st.integers(-3, 3)
    rows = draw(
        st.lists(st.lists(value, min_size=size, max_size=size), min_size=count, max_size=count)
    )
    graph = neighbour_graph(np.array(rows, np.float32), draw(st.integers(1, count)))
    if draw(st.booleans()):
        graph = graph.own_as_nearest().above_farthest()
    quality = draw(st.lists(st.sampled_from([0.0, 0.25, 0.3, 1.0]), min_size=count, max_size=count))
    return graph, quality


def dense(graph: NeighbourGraph, quality: list[float]) -> tuple[list[list[int]], list[int]]:
    """``[who is covered][by whom]`` and weights, as whole numbers."""
    count = len(graph.ids)
    found = [[0] * count for _ in range(count)]
    for row, (cosines, ids) in enumerate(zip(graph.cosines, graph.ids, strict=True)):
        for cosine, other in zip(cosines.tolist(), ids.tolist(), strict=True):
            found[row][other] = max(round(cosine * STEPS), 0)
    return found, [round(weight * WEIGHTS) for weight in quality]


def reached(near: list[list[int]], weights: list[int], picks: list[int]) -> int:
    return sum(
        weight * max((row[pick] for pick in picks), default=0)
        for row, weight in zip(near, weights, strict=True)
    )


def naive(graph: NeighbourGraph, quality: list[float], k: int, admits: object = None) -> list[int]:
    near, weights = dense(graph, quality)
    picks: list[int] = []
    for _ in range(k):
        left = [one for one in range(len(near)) if one not in picks]
        if callable(admits):
            left = [one for one in left if admits(picks, one)]
        if not left:
            break
        picks.append(
            max(left, key=lambda one: (reached(near, weights, [*picks, one]), quality[one], -one))
        )
    return picks


@given(graphs(), st.integers(0, 14))
def test_the_lazy_choice_is_the_naive_one(made: tuple[NeighbourGraph, list[float]], k: int) -> None:
    graph, quality = made
    picks = facility_location(graph, k, quality)
    assert picks.order.tolist() == naive(graph, quality, k)
    assert len(picks.order) == min(k, len(graph.ids))
    near, weights = dense(graph, quality)
    sums = [reached(near, weights, picks.order[:at].tolist()) for at in range(len(picks.order) + 1)]
    assert (picks.gains * STEPS * WEIGHTS).tolist() == np.diff(sums).tolist()
    assert (np.diff(picks.gains) <= 0).all()


def test_opposite_vectors_are_taken() -> None:
    # Each is a little longer than 1, once it is rounded.
    graph = neighbour_graph(np.array([[1, 2, 3], [-1, -2, -3]], np.float32), 2)
    assert np.ptp(graph.cosines) > 2
    assert sorted(facility_location(graph.above_farthest(), 2).order.tolist()) == [0, 1]


@given(graphs(most=9), st.integers(1, 4))
def test_the_sum_is_within_a_known_share_of_the_best(
    made: tuple[NeighbourGraph, list[float]], k: int
) -> None:
    graph, quality = made
    near, weights = dense(graph, quality)
    best = max(
        reached(near, weights, list(some))
        for some in itertools.combinations(range(len(near)), min(k, len(near)))
    )
    picks = facility_location(graph, k, quality).order.tolist()
    assert reached(near, weights, picks) >= (1 - 1 / math.e) * best


@given(graphs(), st.integers(0, 12), st.data())
def test_quotas_pass_over_what_is_full(
    made: tuple[NeighbourGraph, list[float]], k: int, data: st.DataObject
) -> None:
    graph, quality = made
    count = len(quality)
    labels = data.draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count))
    rooms = Quotas({"kind": 0.5}).rooms({"kind": labels}, count, k)
    most = max(k // 2, 1)

    def admits(picks: list[int], one: int) -> bool:
        return sum(labels[pick] == labels[one] for pick in picks) < most

    picks = facility_location(graph, k, quality, rooms)
    assert picks.order.tolist() == naive(graph, quality, k, admits)
    assert bool(rooms.shortfalls()) == (len(picks.order) < k)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12))
def test_of_all_pairs_the_farthest_is_no_matter(rows: list[list[int]]) -> None:
    graph = neighbour_graph(np.array(rows, np.float32), len(rows))
    plain = facility_location(graph, 12).order.tolist()
    assert facility_location(graph.above_farthest(), 12).order.tolist() == plain


def test_each_pick_tells_what_it_stands_for() -> None:
    angles = np.array([0, 1, 2, 40, 41, 43, 200]) / 180 * np.pi
    graph = neighbour_graph(np.stack((np.cos(angles), np.sin(angles)), axis=1), 3)
    picks = facility_location(graph, 3)
    assert picks.order.tolist() == [1, 4, 6]
    assert picks.covers.counts.tolist() == [2, 2, 0]
    assert picks.covers.ids[:, :3].tolist() == [[0, 2, -1], [3, 5, -1], [-1, -1, -1]]
    assert picks.covers.cosines[0, :3] == pytest.approx(
        [math.cos(math.pi / 180)] * 2 + [0], abs=1e-3
    )


def test_covers_name_the_nearest_only_and_count_all() -> None:
    found = covers(
        np.array([4, 0]),
        np.array([1, 0, 0, 0, 0, -1]),
        np.array([1, 0.5, 0.75, 0.5, 1, 0], np.float32),
        most=2,
    )
    assert found.counts.tolist() == [3, 0]
    assert found.ids.tolist() == [[2, 1], [-1, -1]]
    assert found.cosines.tolist() == [[0.75, 0.5], [0, 0]]


def test_no_prompts_and_no_picks() -> None:
    empty = facility_location(neighbour_graph(np.zeros((0, 2))), 3)
    assert empty.order.tolist() == []
    assert empty.covers.ids.shape == (0, 5)
    assert facility_location(neighbour_graph(np.eye(3)), 0).order.tolist() == []


@pytest.mark.parametrize(
    ("cosines", "ids", "quality", "said"),
    [
        ([[1.0]], [[0, 1]], None, "one shape"),
        ([[math.nan]], [[0]], None, "finite"),
        ([[1.0]], [[1]], None, r"0\.\.0"),
        ([[1.0]], [[0]], [1e9], "scale it"),
    ],
)
def test_bad_graphs_are_refused(cosines: list, ids: list, quality: list | None, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        facility_location((np.array(cosines), np.array(ids)), 1, quality)


def test_fewer_than_no_picks_are_refused() -> None:
    with pytest.raises(ConfigError, match="0 or more"):
        facility_location(neighbour_graph(np.eye(2)), -1)

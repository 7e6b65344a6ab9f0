"""K-means, topics with their names, and the map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.k_center import k_center
from pipeline.prompts.diversity.k_means import cluster, k_means
from pipeline.prompts.diversity.quotas import Quotas
from pipeline.prompts.diversity.topics import NO_TOPIC, topic_clusters, topic_map, topic_names
from pipeline.prompts.diversity.unit_vectors import unit_vectors


def bunches(sizes: list[int], spread: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors about random centres, and which is whose."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.standard_normal((len(sizes), 32))
    return centres[of] + spread * rng.standard_normal((len(of), 32)), of


def test_topics_are_the_bunches_largest_first() -> None:
    vectors, of = bunches([10, 40, 20])
    labels = topic_clusters(vectors, 3)
    assert labels.tolist() == [[2, 0, 1][one] for one in of]
    assert topic_clusters(vectors, 3).tolist() == labels.tolist()


def test_the_count_of_topics_by_default() -> None:
    vectors, _ = bunches([1] * 200)
    assert topic_clusters(vectors).max() + 1 == 10
    assert topic_clusters(vectors[:1]).tolist() == [0]


def test_topics_of_odd_pools() -> None:
    assert topic_clusters(np.zeros((0, 3))).tolist() == []
    assert topic_clusters([[0, 0], [1, 0], [1, 0], [0, 2]], 9).tolist() == [NO_TOPIC, 0, 0, 1]
    assert topic_clusters(np.zeros((3, 2))).tolist() == [NO_TOPIC] * 3
    with pytest.raises(ConfigError, match="1 topic"):
        topic_clusters([[1, 0]], 0)
    with pytest.raises(ConfigError, match="1 cluster"):
        cluster(unit_vectors([[1, 0]]), 0)


@given(
    st.lists(st.lists(st.integers(-2, 2), min_size=2, max_size=2), min_size=1, max_size=20),
    st.integers(1, 8),
    st.integers(0, 3),
)
def test_every_vector_is_in_the_nearest_cluster(rows: list, count: int, seed: int) -> None:
    unit = unit_vectors(rows)
    found = cluster(unit, count, seed)
    near = unit @ found.centres.T
    assert len(found.centres) <= count
    assert sorted(set(found.labels.tolist())) == list(range(len(found.centres)))
    assert np.array_equal(near[np.arange(len(unit)), found.labels], near.max(axis=1))
    assert np.array_equal(found.cosines, near.max(axis=1))


def test_k_means_picks_one_of_each_bunch_the_largest_first() -> None:
    vectors, of = bunches([5, 30, 12])
    assert of[k_means(vectors, 3)].tolist() == [1, 2, 0]
    assert sorted(k_means(vectors, 99).tolist()) == list(range(47))
    assert k_means(vectors[:0], 3).tolist() == k_means(vectors, 0).tolist() == []


def test_k_means_gives_the_next_nearest_where_a_group_is_full() -> None:
    vectors, of = bunches([5, 30, 12])
    first = k_means(vectors, 3)
    groups = ["b" if at in first.tolist() else "a" for at in range(47)]
    rooms = Quotas({"kind": {"a": 1.0}}).rooms({"kind": groups}, 47, 3)
    picks = k_means(vectors, 3, quotas=rooms)
    assert of[picks].tolist() == [1, 2, 0]
    assert not set(picks.tolist()) & set(first.tolist())


def test_weights_move_the_centres() -> None:
    vectors = [[1, 0], [1, 0.5], [1, 1]]
    assert k_means(vectors, 1).tolist() == [1]
    assert k_means(vectors, 1, quality=[0, 0, 1]).tolist() == [2]
    assert len(k_means(vectors, 2, quality=[0, 0, 0])) == 2


def test_k_center_takes_the_farthest() -> None:
    angles = np.array([0, 10, 20, 90, 180]) / 180 * np.pi
    vectors = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    assert k_center(vectors, 3).tolist() == [2, 4, 3]
    assert k_center(vectors, 3, quality=[1, 1, 1, 1, 0]).tolist()[:2] == [2, 3]
    assert sorted(k_center(vectors, 9).tolist()) == [0, 1, 2, 3, 4]
    rooms = Quotas({"kind": {"far": 0}}).rooms({"kind": ["", "", "", "", "far"]}, 5, 2)
    assert k_center(vectors, 2, quotas=rooms).tolist() == [2, 3]
    assert k_center(np.zeros((0, 2)), 2).tolist() == []


def test_names_are_the_words_that_tell_topics_apart() -> None:
    texts = [
        "How do I bake a sourdough bread?",
        "How long do I bake rye bread?",
        "How do I write a loop in Python?",
        "How do I sort a list in Python?",
        "How do I say it's late?",
        "你好吗",
        "你好",
        "",
    ]
    names = topic_names(texts, [0, 0, 1, 1, -1, 2, 2, 4], words=2)
    assert names == ("bake, bread", "in, python", "你好, 好吗", "topic 3", "topic 4")
    assert topic_names([], []) == ()
    with pytest.raises(ConfigError, match="1 labels for 0"):
        topic_names([], [0])


def test_words_of_most_topics_name_none() -> None:
    texts = [f"how do I {word}" for word in ("bake", "sing", "swim", "fly", "read")]
    assert topic_names(texts, range(5)) == ("bake", "sing", "swim", "fly", "read")


@given(st.text(max_size=200))
def test_any_text_has_words(text: str) -> None:
    assert len(topic_names([text], [0])) == 1


def test_hostile_texts_cost_no_more_than_their_beginning() -> None:
    texts = ["'" * 1_000_000, "a'" * 500_000, "漢" * 1_000_000, "\0" * 10_000_000, "\ud800" * 100]
    assert len(topic_names(texts, range(5))) == 5


def test_the_map_spreads_what_differs_most() -> None:
    vectors, of = bunches([30, 30])
    found = topic_map(vectors)
    assert found.shape == (60, 2)
    assert found.dtype == np.float32
    assert abs(found.mean()) < 1e-3
    sides = found[:, 0] > 0
    assert np.array_equal(sides, of == of[sides][0])
    assert np.array_equal(topic_map(vectors), found)


def test_maps_of_odd_pools() -> None:
    assert topic_map(np.zeros((0, 3))).shape == (0, 2)
    assert topic_map(np.zeros((2, 0))).tolist() == [[0, 0], [0, 0]]
    assert topic_map([[1.0], [-1.0]]).tolist() == [[1, 0], [-1, 0]]

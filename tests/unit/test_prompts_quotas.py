"""Quotas of a selection and what is told when they cannot be filled."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.quotas import OTHERS, Quotas


def filled(quotas: Quotas, groups: dict, k: int) -> tuple[list[int], list[str]]:
    count = len(next(iter(groups.values())))
    rooms = quotas.rooms(groups, count, k)
    order = rooms.fill(np.arange(count), k).tolist()
    return order, [str(one) for one in rooms.shortfalls()]


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ({"language": 0}, "above 0"),
        ({"language": 1.5}, "no share"),
        ({"language": True}, "no share"),
        ({"language": "half"}, "no share"),
        ({"language": {"en": float("nan")}}, "language.en"),
        ({"language": {"en": 0.7, "de": 0.4}}, "come to 1.1"),
    ],
)
def test_bad_shares_are_refused(by: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Quotas(by)


def test_groups_must_be_there() -> None:
    with pytest.raises(ConfigError, match="did you mean 'language'"):
        Quotas({"langage": 0.5}).rooms({"language": ["en"]}, 1, 1)
    with pytest.raises(ConfigError, match="2 entries for 3"):
        Quotas({"language": 0.5}).rooms({"language": ["en", "de"]}, 3, 1)


def test_no_group_has_more_than_the_largest_share() -> None:
    order, told = filled(Quotas({"topic": 0.25}), {"topic": [0, 0, 0, 1, 1, 2, 3, 3]}, 8)
    assert order == [0, 1, 3, 4, 5, 6, 7]
    assert told == [
        "selection: 7 of 8 picks: all other prompts are in full groups (quotas by topic)"
    ]


def test_a_largest_share_leaves_room_for_one() -> None:
    assert filled(Quotas({"topic": 0.01}), {"topic": ["a", "a", "b"]}, 2) == ([0, 2], [])


def test_named_shares_are_kept_free_for_their_groups() -> None:
    languages = ["en"] * 8 + ["fr"] * 2 + ["de"] * 3
    order, told = filled(Quotas({"language": {"de": 0.5, "en": 0.25}}), {"language": languages}, 4)
    assert order == [0, 8, 10, 11]
    assert told == []


def test_what_is_missing_is_told_with_its_reason() -> None:
    groups = {"language": ["en", "en", "de", "en"], "intent": ["ask", "ask", "ask", "do"]}
    quotas = Quotas({"language": {"de": 0.5, "en": 0.5}, "intent": {"ask": 0.5, "write": 0.5}})
    order, told = filled(quotas, groups, 4)
    assert order == [0, 1]
    assert told == [
        "selection: 2 of 4 picks: all other prompts are in full groups (quotas by language, intent)",
        "language 'de': 0 of 2 picks: the pool has 1, whose groups by another quota are full",
        "intent 'write': 0 of 2 picks: the pool has 0",
    ]


def test_a_pool_that_is_too_small_is_told() -> None:
    order, told = filled(Quotas({}), {"topic": [1, 2]}, 5)
    assert order == [0, 1]
    assert told == ["selection: 2 of 5 picks: the pool has no more than 2"]


def test_rooms_of_a_part_are_the_same_rooms() -> None:
    rooms = Quotas({"topic": 0.5}).rooms({"topic": ["a", "b", "a"]}, 3, 2)
    part = rooms.among(np.array([2, 1]))
    assert part.take(0)
    assert part.admitted().tolist() == [False, True]
    assert rooms.admitted().tolist() == [False, True, False]
    rooms.take(1)
    assert rooms.shortfalls() == part.shortfalls() == ()


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=30),
    st.lists(st.floats(0, 1), min_size=1, max_size=3),
    st.integers(0, 40),
)
def test_counts_of_named_shares_come_to_k(groups: list[str], parts: list[float], k: int) -> None:
    total = max(sum(parts), 1.0)
    shares = {name: part / total * 0.999 for name, part in zip("abc", parts, strict=False)}
    rooms = Quotas({"kind": shares}).rooms({"kind": groups}, len(groups), k)
    order = rooms.fill(np.arange(len(groups)), k)
    short = {one.group: one for one in rooms.shortfalls() if one.by}
    for name in (*shares, OTHERS):
        members = [
            at for at, group in enumerate(groups) if (group if group in shares else OTHERS) == name
        ]
        picked = len(set(members) & set(order.tolist()))
        wanted = short[name].wanted if name in short else picked
        share = shares.get(name, 1 - sum(shares.values()))
        assert abs(wanted - share * k) < 1 + 1e-6
        assert picked == min(wanted, len(members))
    assert len(order) == k - sum(one.wanted - one.found for one in short.values())


def test_quotas_travel() -> None:
    quotas = Quotas({"language": {"en": 0.5}, "topic": 0.1})
    assert pickle.loads(pickle.dumps(quotas)) == quotas

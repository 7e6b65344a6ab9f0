"""Diverse selection as a whole: every method, odd pools, quotas, and the same picks every time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.quotas import Quotas
from pipeline.prompts.diversity.select import METHODS, Selection, select_diverse
from pipeline.prompts.diversity.unit_vectors import unit_vectors

EVERY_METHOD = pytest.mark.parametrize("method", METHODS)

SCRIPT = """
import hashlib
import numpy as np
from pipeline.prompts.diversity.select import METHODS, select_diverse
from pipeline.prompts.diversity.topics import topic_clusters
rng = np.random.default_rng(5)
vectors = rng.standard_normal((40, 96))[rng.integers(0, 40, 1500)] + rng.standard_normal((1500, 96))
digest = hashlib.sha256()
for method in METHODS:
    found = select_diverse(vectors, 60, method, quality=rng.random(1500))
    for part in (found.ids, found.gains, found.covers.ids, found.covers.cosines, found.curve.random):
        digest.update(part.tobytes())
digest.update(topic_clusters(vectors, 30).tobytes())
print(digest.hexdigest())
"""


def planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Twenty clusters of falling size, a tenth noise (cluster -1)."""
    rng = np.random.default_rng(seed)
    sizes = 1 / np.arange(1, 21)
    of = rng.choice(20, 1500, p=sizes / sizes.sum())
    vectors = rng.standard_normal((20, 64))[of] + 0.7 * rng.standard_normal((1500, 64))
    noise = rng.random(1500) < 0.1
    vectors[noise] = rng.standard_normal((noise.sum(), 64))
    return vectors, np.where(noise, -1, of)


def same(one: Selection, other: Selection) -> bool:
    return all(
        np.array_equal(part, twin)
        for part, twin in (
            (one.ids, other.ids),
            (one.gains, other.gains),
            (one.covers.ids, other.covers.ids),
            (one.curve.random, other.curve.random),
        )
    )


def test_facility_location_covers_best_and_leaves_noise_out() -> None:
    vectors, of = planted()
    found = {method: select_diverse(vectors, 40, method) for method in METHODS}
    means = {method: one.cosines.mean() for method, one in found.items()}
    best = found["facility-location"]
    assert max(means, key=lambda method: means[method]) == "facility-location"
    assert (of[best.ids] == -1).mean() < (of == -1).mean()
    assert len(set(of[best.ids].tolist()) - {-1}) == 20
    assert best.curve.selected[-1] > best.curve.random[-1]
    assert (of[found["k-center"].ids] == -1).mean() > (of == -1).mean()


@EVERY_METHOD
def test_a_selection_adds_up(method: str) -> None:
    vectors, _ = planted()
    found = select_diverse(vectors, 30, method)
    assert len(set(found.ids.tolist())) == 30
    assert same(found, select_diverse(vectors, 30, method))
    assert found.shortfalls == ()
    assert found.copies == 0
    assert (found.gains >= 0).all()
    assert found.gains.sum() == pytest.approx(np.maximum(found.cosines, 0).sum())
    assert found.curve.selected[-1] * len(vectors) == pytest.approx(found.gains.sum())
    assert found.covers.counts.sum() == len(vectors) - 30
    unit = unit_vectors(vectors)
    near = unit @ unit[found.ids].T
    for place in range(30):
        passed = found.covers.ids[place]
        passed = passed[passed >= 0]
        assert not set(passed.tolist()) & set(found.ids.tolist())
        assert (near[passed].argmax(axis=1) == place).all()
        assert np.array_equal(found.covers.cosines[place][: len(passed)], near[passed, place])


@EVERY_METHOD
def test_odd_pools(method: str) -> None:
    nothing = select_diverse(np.zeros((0, 4)), 3, method)
    assert nothing.ids.tolist() == []
    assert [str(one) for one in nothing.shortfalls] == [
        "selection: 0 of 3 picks: the pool has no more than 0"
    ]
    assert select_diverse([], 0, method).shortfalls == ()
    assert select_diverse(np.eye(3), 0, method).ids.tolist() == []
    assert select_diverse([[2.0, 0.0]], 1, method).ids.tolist() == [0]
    blank = select_diverse(np.zeros((3, 2)), 2, method)
    assert blank.ids.tolist() == [0, 1]
    assert blank.copies == 2
    assert blank.curve.selected.tolist() == [0, 0]


@EVERY_METHOD
def test_copies_and_zeros_come_last(method: str) -> None:
    vectors = [[0, 0], [1, 0], [3, 0], [0, 1], [1, 0], [0, 0], [-1, 0]]
    three = select_diverse(vectors, 3, method)
    assert sorted(three.ids.tolist()) == [1, 3, 6]
    assert three.copies == 0
    everything = select_diverse(vectors, 9, method)
    assert everything.ids.tolist()[3:] == [2, 4, 0, 5]
    assert everything.copies == 4
    assert everything.shortfalls[0].found == 7


@EVERY_METHOD
def test_of_copies_the_best_is_picked(method: str) -> None:
    vectors = [[1, 0], [1, 0], [0, 1], [1, 0]]
    found = select_diverse(vectors, 2, method, quality=[0.2, 0.9, 0.5, 0.9])
    assert sorted(found.ids.tolist()) == [1, 2]


def test_copies_weigh_together() -> None:
    vectors = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert select_diverse(vectors, 1).ids.tolist() == [1]
    assert select_diverse(vectors, 1, quality=[1, 0.2, 0.3, 0.4]).ids.tolist() == [0]


def test_an_outlier_is_not_worth_a_pick_for_its_own_sake() -> None:
    rng = np.random.default_rng(0)
    vectors = 3 * np.repeat(np.eye(32)[:2], 10, axis=0) + rng.standard_normal((20, 32))
    vectors[0] = 5 * np.eye(32)[31]
    assert 0 not in select_diverse(vectors, 8).ids.tolist()
    assert 0 in select_diverse(vectors, 8, "k-center").ids.tolist()


@EVERY_METHOD
@given(data=st.data())
def test_quotas_hold_and_what_is_missing_is_told(method: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 15))
    rows = st.lists(st.integers(-2, 2), min_size=2, max_size=2)
    vectors = data.draw(st.lists(rows, min_size=count, max_size=count))
    label = st.lists(st.sampled_from("abc"), min_size=count, max_size=count)
    groups = {"language": data.draw(label), "topic": data.draw(label)}
    k = data.draw(st.integers(1, 20))
    quotas = Quotas({"language": {"a": 0.5, "b": 0.25}, "topic": 0.4})
    found = select_diverse(vectors, k, method, groups=groups, quotas=quotas)
    picked = found.ids.tolist()
    assert len(set(picked)) == len(picked)
    for most, name in ((max(int(0.4 * k), 1), "topic"), (-(-k // 2), "language")):
        for group in "abc":
            assert sum(groups[name][one] == group for one in picked) <= most
    told = {(one.by, one.group): one for one in found.shortfalls}
    assert (("", "") in told) == (len(picked) < k)
    missing = sum(one.wanted - one.found for one in found.shortfalls if one.by == "language")
    assert len(picked) == k - missing
    # Nothing that is left could have been picked.
    rooms = quotas.rooms(groups, count, k)
    for one in picked:
        assert rooms.admits(one)
        rooms.take(one)
    if len(picked) < k:
        assert not any(rooms.admits(one) for one in set(range(count)) - set(picked))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"method": "k-centre"}, "did you mean 'k-center'"),
        ({"k": -1}, "0 or more"),
        ({"quality": [0.5, 1.5]}, r"quality\[1\] = 1.5 is above 1"),
        ({"quality": [1]}, "shape"),
        ({"vectors": [[1, 0], [float("nan"), 0]]}, r"vectors\[1\] has NaN"),
        ({"quotas": Quotas({"topic": 0.5})}, "no groups of that name"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        select_diverse(**{"vectors": [[1, 0], [0, 1]], "k": 1, **arguments})


def test_the_same_picks_on_any_number_of_threads(repository: Path) -> None:
    found = set()
    for threads in ("1", "3"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads), "PYTHONPATH": str(repository)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1

"""Splits by group: shares, scarce labels, few and heavy groups, and what is refused."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable

import pyarrow as pa
import pytest

from pipeline.core.errors import ConfigError
from pipeline.labelled import SHARES, check_split, folds, schema_of, split_groups


def table(rows: Iterable[tuple[str, str]]) -> pa.Table:
    """Of label and group."""
    values = [
        {"text": f"text {n}", "label": label, "group": group, "place": f"p{n}"}
        for n, (label, group) in enumerate(rows)
    ]
    return pa.Table.from_pylist(values, schema=schema_of())


def by_side(rows: pa.Table, names: pa.Array) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for label, side in zip(rows["label"].to_pylist(), names.to_pylist(), strict=True):
        found[side][label] += 1
    return found


def sides_of_groups(rows: pa.Table, names: pa.Array) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for group, side in zip(rows["group"].to_pylist(), names.to_pylist(), strict=True):
        found[group].add(side)
    return found


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterable[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_many_groups_come_near_their_shares() -> None:
    rows = table(("yes" if n % 5 == 0 else "no", f"g{n // 4}") for n in range(20_000))
    found = by_side(rows, names := split_groups(rows))
    assert all(len(sides) == 1 for sides in sides_of_groups(rows, names).values())
    for side, share in SHARES.items():
        assert found[side].total() == pytest.approx(share * 20_000, rel=0.1)
        assert found[side]["yes"] == pytest.approx(share * 4_000, rel=0.15)


def test_added_rows_move_no_other() -> None:
    rows = table(("yes" if n % 3 else "no", f"g{n // 2}") for n in range(4_000))
    more = table(("yes" if n % 3 else "no", f"g{n // 2}") for n in range(6_000))
    assert split_groups(more).slice(0, 4_000).equals(split_groups(rows))


def test_the_seed_and_the_order_of_rows() -> None:
    rows = table(("yes" if n % 3 else "no", f"g{n // 2}") for n in range(2_000))
    backwards = pa.array(range(1_999, -1, -1))
    assert split_groups(rows).take(backwards).equals(split_groups(rows.take(backwards)))
    assert not split_groups(rows, seed=1).equals(split_groups(rows))
    few = table(("yes" if n % 3 else "no", f"g{n // 20}") for n in range(400))
    backwards = pa.array(range(399, -1, -1))
    assert split_groups(few).take(backwards).equals(split_groups(few.take(backwards)))


def test_rows_of_one_text_without_a_group_stay_together() -> None:
    rows = table(("yes" if n % 2 else "no", "") for n in range(1_000))
    texts = pa.array([f"text {n % 100}" for n in range(1_000)], pa.large_string())
    rows = rows.set_column(0, "text", texts)
    sides = defaultdict(set)
    for text, side in zip(texts.to_pylist(), split_groups(rows).to_pylist(), strict=True):
        sides[text].add(side)
    assert all(len(found) == 1 for found in sides.values())
    assert Counter(side for found in sides.values() for side in found) == {
        "train": 80,
        "dev": 10,
        "test": 10,
    }


def test_seven_domains() -> None:
    sizes = [400, 300, 200, 50, 50, 40, 30]
    rows = table(
        ("yes" if n % 4 == 0 else "no", f"site{site}.org")
        for site, size in enumerate(sizes)
        for n in range(size)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = split_groups(rows)
    groups = sides_of_groups(rows, names)
    assert all(len(sides) == 1 for sides in groups.values())
    assert groups["site0.org"] == {"train"}
    found = by_side(rows, names)
    assert found["train"].total() > found["dev"].total() + found["test"].total()
    assert all(found[side][label] for side in SHARES for label in ("yes", "no"))


def test_a_heavy_group_among_many_does_not_ruin_a_share() -> None:
    rows = table(
        ("yes" if n % 2 else "no", "heavy" if n < 3_000 else f"g{n}") for n in range(10_000)
    )
    for seed in range(20):
        names = split_groups(rows, seed=seed)
        assert sides_of_groups(rows, names)["heavy"] == {"train"}
        # The others went by their hash, a tenth of them to each small side.
        found = by_side(rows, names)
        assert found["dev"].total() == pytest.approx(700, rel=0.15)


def test_scarce_labels_are_on_every_side() -> None:
    labels = {"a": 900, "b": 30, "c": 10, "d": 3}
    rows = table((label, f"{label}{n}") for label, count in labels.items() for n in range(count))
    for seed in range(20):
        found = by_side(rows, split_groups(rows, seed=seed))
        assert [found[side]["b"] for side in SHARES] == [24, 3, 3]
        assert [found[side]["c"] for side in SHARES] == [8, 1, 1]
        assert [found[side]["d"] for side in SHARES] == [1, 1, 1]


def test_a_label_in_too_few_groups_is_said() -> None:
    rows = table([*(("ab"[n % 2], f"g{n}") for n in range(1_000)), ("c", "x"), ("c", "y")])
    with pytest.warns(UserWarning, match=r"test has no row of 'c' \(in 2 groups\)"):
        names = split_groups(rows)
    assert by_side(rows, names)["train"]["c"] == 1
    assert len(check_split(rows, names)) == 1


def test_a_label_that_train_would_lack() -> None:
    rows = table([*(("ab"[n % 2], f"g{n}") for n in range(10)), ("c", "x")])
    names = pa.array(["train"] * 8 + ["dev", "test", "test"])
    with pytest.raises(
        ConfigError, match=r"train would have no row of 'c' \(in 1 group\).*--group"
    ):
        check_split(rows, names)


def test_a_side_of_one_label() -> None:
    rows = table(("yes" if n < 2 else "no", f"g{min(n, 2) + n % 50}") for n in range(200))
    with pytest.raises(ConfigError, match=r"test would have rows of one label only.*'yes'.*groups"):
        split_groups(rows)
    assert set(split_groups(rows, {"train": 0.8, "test": 0.2}).to_pylist()) == {"train", "test"}


def test_fewer_groups_than_sides() -> None:
    rows = table(("yes" if n % 2 else "no", "one.org") for n in range(90))
    with pytest.raises(
        ConfigError, match=r"dev would be empty: there is 1 group, .*one\.org, has 100\.0%"
    ):
        split_groups(rows)


def test_a_share_that_cannot_be_had_is_said() -> None:
    rows = table(("yes" if n % 2 else "no", f"site{n % 3}.org") for n in range(300))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        split_groups(rows)
    messages = [str(warning.message) for warning in said]
    assert [message.partition(" ")[0] for message in messages] == list(SHARES)
    assert "dev has 33.3% of the rows rather than 10.0%: there are 3 groups" in messages[1]


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({}, "nothing will not do"),
        ({"train": 0.5}, "add up to 0.5, not to 1"),
        ({"train": 1.5, "test": -0.5}, "each lies above 0"),
        ({"": 1.0}, "without a name"),
    ],
)
def test_shares_that_will_not_do(shares: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        split_groups(table([("a", ""), ("b", "")]), shares)


def test_other_arguments_that_will_not_do() -> None:
    rows = table([("a", ""), ("b", "")])
    with pytest.raises(ConfigError, match="seed -1"):
        split_groups(rows, seed=-1)
    with pytest.raises(ConfigError, match="no row to split"):
        split_groups(rows.slice(0, 0))
    with pytest.raises(ConfigError, match="1 folds"):
        folds(rows, 1)
    with pytest.raises(ConfigError, match="2 groups cannot be parted into 3 folds"):
        folds(rows, 3)


def test_one_side_takes_all() -> None:
    assert split_groups(table([("a", ""), ("b", "")]), {"all": 1.0}).to_pylist() == ["all", "all"]


@pytest.mark.parametrize("groups", [40, 4_000])
def test_folds(groups: int) -> None:
    rows = table(("yes" if n % 4 == 0 else "no", f"g{n % groups}") for n in range(8_001))
    found = folds(rows, 5, seed=3)
    assert found.type == pa.int64()
    counts = by_side(rows, found)
    assert sorted(counts) == [0, 1, 2, 3, 4]
    assert all(len(sides) == 1 for sides in sides_of_groups(rows, found).values())
    for fold in counts:
        assert counts[fold]["yes"] == pytest.approx(400, rel=0.2)
        assert counts[fold].total() == pytest.approx(1_600, rel=0.2)

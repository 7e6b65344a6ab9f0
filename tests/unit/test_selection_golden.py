"""The Golden Set's side of a log: by user and by time, with nothing on both sides."""

from __future__ import annotations

import datetime
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.prompts.golden import (
    GOLDEN,
    HELD_BACK_TIME,
    HELD_BACK_USER,
    TRAINING,
    Split,
    cutoff_of,
)

TIERS = ("pro", "team")
MOMENTS = st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 3))
TIMES = MOMENTS.map(lambda when: when.replace(microsecond=0).isoformat() + "Z")
# As a person writes them: with seconds or without, in UTC either way, or a day.
CUTOFFS = st.one_of(
    TIMES,
    TIMES.map(lambda time: time[:-1]),
    TIMES.map(lambda time: time[:16]),
    TIMES.map(lambda time: time[:16] + "Z"),
    TIMES.map(lambda time: time[:19] + ".250Z"),
    TIMES.map(lambda time: time[:10]),
)
TALKS = st.tuples(
    st.sampled_from([f"u{at}" for at in range(12)] + [""]) | st.text(max_size=3),
    st.sampled_from(["pro", "team", "free", ""]),
    TIMES | st.just(""),
)


def moment(time: str) -> datetime.datetime:
    """To the second, as logs are read."""
    return datetime.datetime.fromisoformat(time.rstrip("Z")).replace(microsecond=0)


@given(st.lists(TALKS, max_size=40), CUTOFFS, st.floats(0.01, 0.99), st.integers(0, 5))
def test_no_user_is_on_both_sides_and_training_ends_before_the_cutoff(
    talks: list[tuple[str, str, str]], after: str, share: float, seed: int
) -> None:
    split = Split(tiers=TIERS, users=share, after=after, seed=seed)
    sides = [split.side(*talk) for talk in talks]
    assert set(sides) <= {TRAINING, GOLDEN, HELD_BACK_USER, HELD_BACK_TIME}
    golden = {talk[0] for talk, side in zip(talks, sides, strict=True) if side == GOLDEN}
    for (user, tier, time), side in zip(talks, sides, strict=True):
        late = not time or moment(time) >= moment(after)
        if side == TRAINING:
            assert user not in golden
            assert not late
        elif side == GOLDEN:
            assert user
            assert tier in TIERS
            assert late
            assert time
        elif side == HELD_BACK_TIME:
            assert late
            assert user not in golden
        else:
            assert split.of_golden_user(user)


@given(st.lists(TALKS, max_size=40), st.integers(0, 5))
def test_without_a_cutoff_users_alone_are_split(
    talks: list[tuple[str, str, str]], seed: int
) -> None:
    split = Split(tiers=TIERS, seed=seed)
    for user, tier, time in talks:
        evaluates = bool(user) and split.of_golden_user(user)
        wanted = GOLDEN if tier in TIERS else HELD_BACK_USER
        assert split.side(user, tier, time) == (wanted if evaluates else TRAINING)


def test_the_share_of_users_is_about_what_is_asked_and_grows_with_it() -> None:
    names = [f"user {at}" for at in range(5000)]
    few, more = (Split(tiers=TIERS, users=share) for share in (0.1, 0.3))
    chosen = [{name for name in names if split.of_golden_user(name)} for split in (few, more)]
    assert 400 < len(chosen[0]) < 600
    assert 1350 < len(chosen[1]) < 1650
    assert chosen[0] < chosen[1]
    other = Split(tiers=TIERS, users=0.1, seed=1)
    assert {name for name in names if other.of_golden_user(name)} != chosen[0]


def test_any_string_is_a_user() -> None:
    split = Split(tiers=TIERS, after="2024-01-02")
    for user in ("", "\ud800", "a\0b", "é" * 100_000):
        assert split.side(user, "pro", "2024-01-02T00:00:00Z") in (GOLDEN, HELD_BACK_TIME)
    assert pickle.loads(pickle.dumps(split)) == split


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        ("", ""),
        ("2024-05-01", "2024-05-01T00:00:00Z"),
        ("2024-05-01T12:30", "2024-05-01T12:30:00Z"),
        ("2024-05-01T12:30Z", "2024-05-01T12:30:00Z"),
        ("2024-05-01T12:30:15.5Z", "2024-05-01T12:30:15Z"),
    ],
)
def test_a_cutoff_is_kept_as_logs_write_times(after: str, kept: str) -> None:
    assert Split(tiers=TIERS, after=after).after == kept


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tiers": ()}, "golden.tiers is empty: name the tiers"),
        ({"users": 0.0}, r"golden.users = 0.0 must lie between 0 and 1"),
        ({"users": 1.0}, r"golden.users = 1.0"),
        ({"users": float("nan")}, r"golden.users = nan"),
        *(
            ({"after": after}, "is no time: write it as 2025-03-01")
            for after in ("soon", "2024", "2024-13-01", "2024-02-30", "5", "2024-01-01T25:00",
                          "2024-01-01T10:00+02:00", "٢٠٢٤-01-01", "2024-01-01\n")
        ),
    ],
)  # fmt: skip
def test_what_makes_no_split(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Split(**{"tiers": TIERS, **given})  # type: ignore[arg-type]


@given(st.lists(TIMES | st.just("")), st.floats(0.01, 0.99))
def test_the_last_share_of_all_conversations_begins_at_the_cutoff(
    times: list[str], share: float
) -> None:
    after = cutoff_of(times, share)
    known = [time for time in times if time]
    assert after in known if known else after == ""
    late = sum(time >= after for time in known)
    if len(set(known)) == len(known) and known:
        assert late == max(1, len(known) - int((1 - share) * len(known)))
    assert cutoff_of(iter(times[::-1]), share) == after

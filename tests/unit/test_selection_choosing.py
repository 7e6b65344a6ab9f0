"""Who trains, who evaluates, and why not the others: on invented rows, with an audit that is told."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selection_example import EARLY, GOLDEN_USERS, LATE, Row, golden_row, made_read, prepared

from pipeline.core.errors import ConfigError
from pipeline.dedup.files import dedup_files
from pipeline.dedup.settings import Dedup
from pipeline.recipe.prompts import Clean, Floor, Golden, PromptsRecipe, Select
from pipeline.runtime.executor import SerialExecutor
from pipeline.runtime.progress import Silent
from pipeline.selection.choosing import Chosen, Leak, choose
from pipeline.selection.fates import FATES
from pipeline.sources.tables import plan_tables

AFTER = "2024-10-01"
COPIES = PromptsRecipe().dedup
WORDS = ("wheel", "stone", "rye", "sack", "toll", "weir", "pond", "gear", "sluice", "flour",
         "mill", "dam", "cart", "bran", "hopper", "spindle")  # fmt: skip


def asked(at: int) -> str:
    """A prompt that has no run of eight words in common with another's."""
    picked = [WORDS[(at * step + step) % 16] for step in (1, 3, 5, 7)]
    return " ".join(f"{word} {at}" for word in ("why", *picked, "now"))


def recipe(**changes: Any) -> PromptsRecipe:
    """Few prompts, no Golden Set, no copies looked for, all that passes is chosen among."""
    plain = PromptsRecipe(golden=Golden(count=0), select=Select(count=3, best=1.0), dedup=None)
    return dataclasses.replace(plain, **changes)


def golden(**changes: Any) -> Golden:
    return Golden(**{"count": 5, "tiers": ("pro",), "after": AFTER, **changes})


def silent(_: Sequence[int], __: Sequence[int]) -> Mapping[int, Leak]:
    return {}


class Told:
    """An audit that finds what it is told, whenever it is selected."""

    def __init__(self, *leaks: int):
        self.leaks = leaks
        self.asked: list[list[int]] = []
        self.golden: list[list[int]] = []

    def __call__(self, picks: Sequence[int], golden: Sequence[int]) -> Mapping[int, Leak]:
        self.asked.append(list(picks))
        self.golden.append(list(golden))
        return {
            number: Leak("mills", f"m{number}", "paraphrase", 0.97, 0.9)
            for number in picks
            if number in self.leaks
        }


@pytest.fixture
def chosen(tmp_path: Path) -> Callable[..., Chosen]:
    """`choose` on rows; checks what holds of every outcome."""

    def of(rows: Sequence[Row], how: PromptsRecipe, audit: Any = silent) -> Chosen:
        return checked(made_read(tmp_path / "read", rows), how, audit)

    return of


def checked(read: Any, how: PromptsRecipe, audit: Any) -> Chosen:
    found = choose(read, how, audit, lambda _: None)
    count = len(read.rows)
    columns = found.fates.columns()  # raises if one is open
    assert {len(values) for values in columns.values()} == {count}
    assert sum(found.fates.counts().values()) == count
    assert set(columns["fate"]) <= set(FATES)
    assert found.fates.of("selected") == sorted(found.picks)
    assert found.fates.of("golden") == sorted(found.golden)
    assert len(set(found.picks)) == len(found.picks) <= how.select.count
    assert set(found.picks) <= set(found.pool)
    assert all(found.sides[number] == "training" for number in found.picks)
    assert all(found.sides[number] == "golden" for number in found.golden)
    reasons = found.fates.reasons()
    for fate in ("dropped", "duplicate", "contaminated", "held_back"):
        assert sum(reasons[fate].values()) == found.fates.counts()[fate]
    return found


def fate(found: Chosen, number: int) -> dict[str, Any]:
    return {name: values[number] for name, values in found.fates.columns().items()}


# --- one fate each -----------------------------------------------------------------------------

FIELDS = st.fixed_dictionaries(
    {
        "user": st.sampled_from([*GOLDEN_USERS[:3], "u1", "u2", ""]),
        "tier": st.sampled_from(["pro", "free", ""]),
        "time": st.sampled_from([EARLY, LATE, ""]),
        "quality": st.sampled_from([0.0, 0.2, 0.5, 1.0]),
        "response_quality": st.sampled_from([None, 0.1, 0.9]),
        "failed": st.sampled_from(["[]"] * 5 + ['[["near_empty.words.low", 1.0, 3.0]]']),
        "intent": st.sampled_from(["asking", "asking", "doing"]),
        "language": st.sampled_from(["en", "de"]),
    }
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 25), FIELDS), max_size=24),
    st.sets(st.integers(0, 23), max_size=4),
    st.integers(0, 8),
    st.integers(0, 6),
    st.sampled_from([None, None, COPIES]),
)
def test_every_conversation_has_one_fate(
    tmp_path: Path,
    rows: list[tuple[int, Row]],
    leaks: set[int],
    select: int,
    evaluate: int,
    dedup: Dedup | None,
) -> None:
    made = [prepared(at, asked(say), **fields) for at, (say, fields) in enumerate(rows)]
    made.append(golden_row(30, asked(30)))  # else there is no paying customer to split by
    how = recipe(
        golden=golden(count=evaluate), select=Select(count=select, rounds=20), dedup=dedup
    )  # fmt: skip
    read = made_read(tmp_path / "read", made)
    found = checked(read, how, Told(*leaks))
    users = read.rows["user"].to_pylist()
    prompts = read.rows["prompt"].to_pylist()
    assert not {users[at] for at in found.golden} & {users[at] for at in found.picks}
    assert not {prompts[at] for at in found.golden} & {prompts[at] for at in found.picks}
    assert not set(found.picks) & leaks
    again = checked(read, how, Told(*leaks))
    assert (again.picks, again.golden) == (found.picks, found.golden)
    assert again.fates.columns() == found.fates.columns()


def test_no_conversation_at_all(chosen: Callable[..., Chosen]) -> None:
    found = chosen([], recipe(golden=golden()))
    assert (found.picks, found.golden, found.pool, found.rounds) == ([], [], [], [0])
    assert found.selection is None


def test_what_failed_is_dropped_for_the_first_of_its_faults(chosen: Callable[..., Chosen]) -> None:
    failed = [["near_empty.words.low", 1.0, 3.0], ["safety.toxicity.high", 0.99, 0.9]]
    found = chosen([prepared(0, asked(0), failed=json.dumps(failed), intent=None)], recipe())
    assert fate(found, 0) == {
        "fate": "dropped", "reason": "near_empty.words.low", "value": 1.0, "bound": 3.0, "other": ""
    }  # fmt: skip
    assert found.topics.tolist() == [-1]


# --- the floor ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"intent": "doing"}, ("intent.doing", None, None)),
        ({"quality": 0.29}, ("floor.quality.low", 0.29, 0.3)),
        ({"response_quality": 0.1}, ("floor.response_quality.low", 0.1, 0.5)),
        # The first of them is told.
        ({"intent": "expressing", "quality": 0.0}, ("intent.expressing", None, None)),
    ],
)
def test_the_floor_tells_value_and_bound(
    chosen: Callable[..., Chosen], changes: Row, told: tuple[Any, ...]
) -> None:
    found = fate(chosen([prepared(0, asked(0), **changes)], recipe()), 0)
    assert (found["fate"], found["reason"], found["value"], found["bound"]) == ("dropped", *told)


def test_the_floor_is_the_recipe_s_and_its_edge_passes(chosen: Callable[..., Chosen]) -> None:
    rows = [
        prepared(0, asked(0), quality=0.3, response_quality=0.5),
        prepared(1, asked(1), intent="doing", response_quality=None),
        prepared(2, asked(2), intent="doing", quality=0.1),
    ]
    every = recipe(floor=Floor(intents=(), quality=0.3, response_quality=0.5))
    found = chosen(rows, every)
    assert sorted(found.picks) == [0, 1]
    assert fate(found, 2)["reason"] == "floor.quality.low"


def test_the_golden_set_has_a_floor_of_its_own(chosen: Callable[..., Chosen]) -> None:
    rows = [
        golden_row(0, asked(0), intent="doing", quality=0.6, response_quality=0.0),
        golden_row(1, asked(1), intent="asking", quality=0.45),
        golden_row(2, asked(2), intent="expressing", quality=0.9),
    ]
    how = golden(intents=("asking", "doing"), quality=0.5)
    found = chosen(rows, recipe(golden=how))
    assert found.golden == [0]  # its answer does not matter
    assert fate(found, 1)["bound"] == 0.5
    assert fate(found, 2)["reason"] == "intent.expressing"


# --- copies ------------------------------------------------------------------------------------

LONG = " ".join(f"word{at}" for at in range(60))


def test_a_copy_names_the_one_that_stays(chosen: Callable[..., Chosen]) -> None:
    rows = [
        prepared(0, LONG, quality=0.5),
        prepared(1, f"{LONG} please", quality=0.9),
        prepared(2, LONG, quality=0.5),
        prepared(3, asked(3)),
    ]
    found = chosen(rows, recipe(dedup=COPIES))
    assert sorted(found.picks) == [1, 3]
    for number in (0, 2):
        told = fate(found, number)
        assert (told["fate"], told["other"], told["bound"]) == ("duplicate", "c1", 0.8)
        assert told["value"] >= 0.8
    assert found.copies.tolist() == [1, 3, 1, 1]


def test_a_copy_whose_answer_is_below_the_floor_does_not_take_the_others_along(
    chosen: Callable[..., Chosen],
) -> None:
    rows = [prepared(at, LONG, response_quality=0.1 if at == 0 else 0.9) for at in range(3)]
    found = chosen(rows, recipe(dedup=COPIES))
    assert found.picks == [1]
    assert fate(found, 0)["other"] == "c1"
    assert found.copies[1] == 3


def test_copies_stay_without_deduplication(chosen: Callable[..., Chosen]) -> None:
    found = chosen([prepared(at, LONG) for at in range(3)], recipe())
    assert len(found.picks) == 3


def test_copies_are_told_apart_by_side(chosen: Callable[..., Chosen]) -> None:
    """One that evaluates is no keeper of one that trains: it is contaminated, and says so."""
    found = chosen([golden_row(0, LONG), prepared(1, LONG)], recipe(golden=golden(), dedup=COPIES))
    assert [fate(found, at)["fate"] for at in (0, 1)] == ["golden", "contaminated"]


def test_copies_of_an_earlier_run(chosen: Callable[..., Chosen], tmp_path: Path) -> None:
    earlier = tmp_path / "old.jsonl"
    earlier.write_text(json.dumps({"id": "old-7", "text": LONG}) + "\n")
    dedup_files(
        plan_tables([str(earlier)]), tmp_path / "old", Dedup(threshold=0.8), SerialExecutor(),
        Silent(),
    )  # fmt: skip
    assert COPIES is not None
    against = dataclasses.replace(COPIES, against=(str(tmp_path / "old"),))
    found = chosen([prepared(0, LONG), prepared(1, asked(1))], recipe(dedup=against))
    assert fate(found, 0)["fate"] == "duplicate"
    assert "old-7" in fate(found, 0)["other"]
    assert found.picks == [1]


# --- the Golden Set ----------------------------------------------------------------------------


def test_users_and_times_are_held_back(chosen: Callable[..., Chosen]) -> None:
    rows = [
        golden_row(0, asked(0)),
        golden_row(1, asked(1), time=EARLY),
        golden_row(2, asked(2), tier="free"),
        prepared(3, asked(3), time=LATE),
        prepared(4, asked(4), time=""),
        prepared(5, asked(5)),
    ]
    found = chosen(rows, recipe(golden=golden()))
    assert [fate(found, at)["reason"] for at in range(5)] == [
        "", "held_back.user", "held_back.user", "held_back.time", "held_back.time"
    ]  # fmt: skip
    assert (found.golden, found.picks) == ([0], [5])
    assert found.after == "2024-10-01T00:00:00Z"


def test_without_a_time_given_the_last_share_evaluates(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at), time=f"2024-{at + 1:02d}-01T00:00:00Z") for at in range(10)]
    rows[9] |= {"user": GOLDEN_USERS[0], "tier": "pro"}
    found = chosen(rows, recipe(golden=golden(after=None, latest=0.2)))
    assert found.after == "2024-09-01T00:00:00Z"
    assert found.golden == [9]
    assert fate(found, 8)["reason"] == "held_back.time"


def test_overlap_with_the_golden_set_leaves_training(chosen: Callable[..., Chosen]) -> None:
    prompt = asked(0)
    piece = " ".join(prompt.split()[2:10])
    later = [
        {"role": "user", "content": "How are the mills today?"},
        {"role": "assistant", "content": "Fine."},
        {"role": "user", "content": prompt},
    ]
    said = [
        {"role": "user", "content": asked(4)},
        {"role": "assistant", "content": f"You mean {piece}?"},
    ]
    rows = [
        golden_row(0, prompt),
        prepared(1, f"  {prompt.upper()}?!"),
        prepared(2, f"Tell me: {piece}"),
        prepared(3, "How are the mills today?", messages=json.dumps(later)),
        prepared(4, asked(4), messages=json.dumps(said)),
        prepared(5, asked(5)),
        prepared(6, " ".join(prompt.split()[2:9])),  # one word too few
    ]
    found = chosen(rows, recipe(golden=golden()))
    told = [(fate(found, at)["fate"], fate(found, at)["reason"]) for at in range(1, 5)]
    assert told == [
        ("contaminated", "golden.exact"),
        ("contaminated", "golden.ngram"),
        ("contaminated", "golden.exact"),
        ("contaminated", "golden.ngram"),
    ]
    assert (fate(found, 2)["value"], fate(found, 2)["bound"]) == (1.0, 0.0)
    assert sorted(found.picks) == [5, 6]


@pytest.mark.parametrize(("most", "wanted"), [(3, "golden"), (2, "dropped")])
def test_a_template_is_no_golden_prompt(
    chosen: Callable[..., Chosen], most: int, wanted: str
) -> None:
    stem = "write a long and careful letter to the guild about"
    rows = [prepared(at, f"{asked(at)} {stem} {asked(at + 40)}") for at in range(3)]
    rows.append(golden_row(3, f"{stem} sluices"))
    found = chosen(rows, recipe(golden=golden(most_shared=most)))
    told = fate(found, 3)
    assert told["fate"] == wanted
    if wanted == "dropped":
        assert (told["reason"], told["value"], told["bound"]) == ("golden.shared.high", 3.0, 2.0)
        assert len(found.picks) == 3
    else:
        assert found.fates.counts()["contaminated"] == 3


def test_the_golden_set_is_in_proportion_to_months(chosen: Callable[..., Chosen]) -> None:
    rows = [
        golden_row(at, asked(at), time=f"2024-{11 if at < 12 else 12}-03T00:00:00Z")
        for at in range(16)
    ]
    how = recipe(golden=golden(count=8), select=Select(count=1, clusters=1))
    found = chosen(rows, how)
    months = Counter(rows[number]["time"][:7] for number in found.golden)
    assert months == {"2024-11": 6, "2024-12": 2}
    assert found.fates.counts()["passed_over"] == 8


def test_a_golden_set_that_is_too_small_is_told_of(chosen: Callable[..., Chosen]) -> None:
    found = chosen([golden_row(0, asked(0)), prepared(1, asked(1))], recipe(golden=golden()))
    assert any("the Golden Set has 1 of 5 prompts" in line for line in found.shortfalls)


def test_without_a_golden_set_nothing_is_split(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(0, asked(0), user="", tier=""), golden_row(1, asked(1))]
    found = chosen(rows, recipe())
    assert set(found.sides) == {"training"}
    assert sorted(found.picks) == [0, 1]
    assert found.after == ""
    assert found.golden == []


def test_no_user_is_known(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(0, asked(0), user="", tier="pro")]
    with pytest.raises(
        ConfigError, match=r"no conversation names its user.*fields\.user.*--golden"
    ):
        chosen(rows, recipe(golden=golden()))


def test_no_paying_tier_is_known_and_those_there_are_are_named(
    chosen: Callable[..., Chosen],
) -> None:
    rows = [prepared(at, asked(at), tier=("gold", "free", "free\x1b[2J")[at]) for at in range(3)]
    with pytest.raises(ConfigError) as caught:
        chosen(rows, recipe(golden=golden(tiers=("pro", "team"))))
    said = str(caught.value)
    assert "a tier of golden.tiers (pro, team); the logs have" in said
    for tier in ("gold", "free", "free␛[2J"):
        assert tier in said
    assert "\x1b" not in said
    with pytest.raises(ConfigError, match=r"the logs have none: name the field with fields\.tier"):
        chosen([prepared(0, asked(0), tier="")], recipe(golden=golden()))


# --- the selection -----------------------------------------------------------------------------


def test_the_better_half_is_chosen_among(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at), quality=0.4 + at / 100) for at in range(12)]
    found = chosen(rows, recipe(select=Select(count=2, best=0.5)))
    assert found.pool == list(range(6, 12))
    for number in range(6):
        told = fate(found, number)
        assert (told["fate"], told["reason"]) == ("passed_over", "pool.quality.low")
        assert (told["value"], told["bound"]) == (rows[number]["quality"], rows[6]["quality"])
    assert found.fates.counts()["passed_over"] == 10


def test_the_pool_is_never_less_than_twice_the_count_nor_more_than_its_bound(
    chosen: Callable[..., Chosen],
) -> None:
    rows = [prepared(at, asked(at)) for at in range(12)]
    assert len(chosen(rows, recipe(select=Select(count=4, best=0.1))).pool) == 8
    assert len(chosen(rows, recipe(select=Select(count=1, best=1.0, pool=5))).pool) == 5
    assert len(chosen(rows, recipe(select=Select(count=7, best=1.0, pool=5))).pool) == 7
    assert len(chosen(rows, recipe(select=Select(count=50, best=0.1))).pool) == 12


def test_what_the_audit_finds_is_replaced_until_it_finds_nothing(
    chosen: Callable[..., Chosen],
) -> None:
    rows = [*(prepared(at, asked(at)) for at in range(10)), golden_row(10, asked(10))]
    first = chosen(rows, recipe(golden=golden())).picks
    audit = Told(*first[:2])
    found = chosen(rows, recipe(golden=golden()), audit)
    assert found.rounds[0] == 2
    assert found.rounds[-1] == 0
    assert len(audit.asked) == len(found.rounds)
    assert audit.asked[-1] == found.picks
    assert set(map(tuple, audit.golden)) == {(10,)}
    assert len(found.picks) == 3
    assert not set(found.picks) & set(first[:2])
    for number in first[:2]:
        assert fate(found, number) == {
            "fate": "contaminated", "reason": "audit.paraphrase", "value": 0.97, "bound": 0.9,
            "other": f"mills/m{number}",
        }  # fmt: skip
        assert number not in found.pool


def test_an_audit_that_finds_all_leaves_nothing_and_ends(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at)) for at in range(7)]
    audit = Told(*range(7))
    found = chosen(rows, recipe(), audit)
    assert found.picks == []
    assert found.rounds == [3, 3, 1, 0]
    assert len(audit.asked) == 3  # of nothing there is nothing to audit
    assert found.selection is None
    assert len(found.shortfalls) == 1
    assert "has 0 of 3 prompts" in found.shortfalls[0]


def test_an_audit_that_never_ends_is_an_error(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at)) for at in range(9)]
    how = recipe(select=Select(count=2, rounds=2))
    with pytest.raises(ConfigError, match=r"after 2 rounds the audit still finds leaks.*rounds"):
        chosen(rows, how, Told(*range(9)))


def test_a_shortfall_is_told_once(chosen: Callable[..., Chosen]) -> None:
    found = chosen([prepared(at, asked(at)) for at in range(2)], recipe(select=Select(count=5)))
    assert found.shortfalls == [
        "the selection has 2 of 5 prompts: no more are left that pass the floor and overlap with "
        "nothing"
    ]


def test_nothing_is_wanted(chosen: Callable[..., Chosen]) -> None:
    found = chosen([prepared(0, asked(0))], recipe(select=Select(count=0)))
    assert (found.picks, found.rounds, found.shortfalls) == ([], [0], [])
    assert fate(found, 0)["fate"] == "passed_over"


# --- quotas ------------------------------------------------------------------------------------


def test_shares_by_language(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at), language="de" if at < 5 else "en") for at in range(20)]
    quotas = {"language": {"de": 0.25, "en": 0.75}}
    found = chosen(rows, recipe(select=Select(count=8, best=1.0, quotas=quotas)))
    assert Counter(rows[at]["language"] for at in found.picks) == {"de": 2, "en": 6}
    assert found.shortfalls == []


def test_a_largest_share_by_intent_and_what_it_leaves_out(chosen: Callable[..., Chosen]) -> None:
    intents = ("asking", "doing", "expressing")
    rows = [prepared(at, asked(at), intent=intents[min(at, 2)]) for at in range(9)]
    how = recipe(
        floor=Floor(intents=()), select=Select(count=6, best=1.0, quotas={"intent": 0.5})
    )  # fmt: skip
    found = chosen(rows, how)
    assert Counter(rows[at]["intent"] for at in found.picks) == {
        "asking": 1, "doing": 1, "expressing": 3
    }  # fmt: skip
    assert found.shortfalls == [
        "selection: 5 of 6 picks: all other prompts are in full groups (quotas by intent)"
    ]


def test_a_largest_share_by_topic(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at)) for at in range(24)]
    how = recipe(select=Select(count=6, best=1.0, clusters=4, quotas={"topic": 0.34}))
    found = chosen(rows, how)
    assert len(found.names) == 4
    assert max(Counter(found.topics[found.picks].tolist()).values()) <= 2


def test_topics_of_the_same_words_are_told_apart(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, f"thanks {at} {at + 1} {at + 2}") for at in range(24)]
    how = recipe(select=Select(count=8, best=1.0, clusters=4, quotas={"topic": 0.25}))
    found = chosen(rows, how)
    assert len(set(found.names)) == len(found.names) == 4
    assert len(found.picks) == 8
    assert set(Counter(found.topics[found.picks].tolist()).values()) == {2}


def test_a_share_that_nothing_fills_is_told_of(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at)) for at in range(9)]
    quotas = {"language": {"en": 0.5, "fr": 0.5}}
    found = chosen(rows, recipe(select=Select(count=4, best=1.0, quotas=quotas)))
    assert len(found.picks) == 2
    assert any("language 'fr': 0 of 2 picks" in line for line in found.shortfalls)


def test_settings_of_cleaning_change_nothing_here(chosen: Callable[..., Chosen]) -> None:
    rows = [prepared(at, asked(at)) for at in range(5)]
    one = chosen(rows, recipe())
    other = chosen(rows, recipe(clean=Clean(fewest_words=50)))
    assert one.picks == other.picks

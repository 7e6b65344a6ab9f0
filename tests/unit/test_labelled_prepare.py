"""`prepare`: the whole way, and an account in which every row has its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import ConfigError
from pipeline.labelled import Columns, Prepared, prepare

PAGE = " ".join(f"word{number}" for number in range(80))


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def row(number: int, label: str, **more: Any) -> dict[str, Any]:
    return {"text": f"text number {number}", "label": label, **more}


def accounted(prepared: Prepared) -> bool:
    counts = prepared.counts
    sides = [side for side in counts["sides"] if "test_input" not in counts or side != "test"]
    placed = sum(counts["sides"][side]["rows"] for side in sides)
    gone = sum(counts["faults"].values()) + sum(counts["repeats"].values())
    return bool(counts["read"] == placed + gone)


@pytest.fixture
def train(tmp_path: Path) -> str:
    rows = [row(n, "yes" if n % 4 == 0 else "no", site=f"s{n % 50}") for n in range(400)]
    rows += [row(0, "yes"), row(1, "yes")]  # a copy, and one that contradicts
    rows += [{"text": PAGE, "label": "nope"}, {"text": PAGE + " end", "label": "nope"}]
    rows += [{"text": "", "label": "no"}, {"text": "x"}]
    return write(tmp_path / "train.jsonl", rows)


def test_the_whole_way(train: str) -> None:
    prepared = prepare([train], Columns(group="site"), renames={"nope": "no"}, positive="yes")
    counts = prepared.counts
    assert counts["read"] == 406
    assert counts["faults"] == {"label.missing": 1, "text.empty": 1}
    assert counts["renamed"] == {"nope": 2}
    assert counts["repeats"] == {"exact": 1, "near": 1, "conflicting": 2, "across": 0}
    assert accounted(prepared)
    assert [counts["sides"][side]["rows"] for side in ("train", "dev", "test")] == [
        prepared.train.num_rows,
        prepared.dev.num_rows,
        prepared.test.num_rows,
    ]
    assert counts["sides"]["train"]["labels"]["no"] > 150
    assert counts["sides"]["train"]["groups"] == len(
        set(prepared.train["group"].to_pylist()) - {""}
    )
    groups = [set(side["group"].to_pylist()) - {""} for side in (prepared.train, prepared.dev)]
    assert not groups[0] & groups[1]
    assert any("2 rows are left out, since copies" in message for message in prepared.messages)
    assert json.loads(json.dumps(prepared.to_json()))["counts"] == counts
    assert [fault.reason for fault in prepared.faults] == ["label.missing", "text.empty"]


def test_the_same_bytes_again(train: str) -> None:
    one, two = (prepare([train], renames={"nope": "no"}, seed=3) for _ in range(2))
    assert one.to_json() == two.to_json()
    assert one.train.equals(two.train)
    assert not one.train.equals(prepare([train], renames={"nope": "no"}).train)


def test_test_data_of_their_own(train: str, tmp_path: Path) -> None:
    rows = [row(2, "no", site="s2"), row(4, "yes"), row(900, "no", site="elsewhere"), {"text": "t"}]
    test = write(tmp_path / "test.jsonl", [*rows, {"text": "nope so", "label": "nope"}])
    prepared = prepare([train], Columns(group="site"), test=[test], renames={"nope": "no"})
    assert prepared.test["text"].to_pylist() == [*(r["text"] for r in rows[:3]), "nope so"]
    assert set(prepared.test["label"].to_pylist()) == {"yes", "no"}
    assert prepared.counts["repeats"]["across"] == 2
    assert prepared.counts["test_input"] == {"read": 5, "used": 4, "faults": {"label.missing": 1}}
    assert prepared.counts["sides"]["test"]["rows"] == 4
    assert prepared.counts["sides"]["dev"]["rows"] == pytest.approx(40, abs=10)
    assert accounted(prepared)
    said = " ".join(prepared.messages)
    assert "2 rows are not trained on" in said
    assert "7 rows to train on are of groups that the test data have, too (1, such as s2)" in said


def test_test_data_with_labels_that_training_lacks(train: str, tmp_path: Path) -> None:
    test = write(tmp_path / "test.jsonl", [row(900, "yse"), row(901, "no")])
    with pytest.raises(ConfigError, match=r"'yse' \(1 rows of the test data\).*did you mean 'yes'"):
        prepare([train], test=[test], renames={"nope": "no"})
    prepared = prepare([train], test=[test], renames={"nope": "no", "yse": "yes"})
    assert prepared.counts["renamed"] == {"nope": 2, "yse": 0}
    with pytest.raises(ConfigError, match="--rename nobody=no"):
        prepare([train], test=[test], renames={"nope": "no", "nobody": "no"})
    test = write(tmp_path / "test.jsonl", [row(901, "no")])
    prepared = prepare([train], test=[test], renames={"nope": "no"})
    assert any("test data have no row of 'yes'" in message for message in prepared.messages)


def test_a_label_of_which_nothing_is_left(train: str, tmp_path: Path) -> None:
    rows = [row(n, label) for n in range(5) for label in ("yes", "no")]
    with pytest.raises(
        ConfigError, match=r"of the 5 rows labelled '(yes|no)' none is left.*copies"
    ):
        prepare([write(tmp_path / "a.jsonl", rows)])
    with pytest.raises(ConfigError, match="none is left"):
        prepare([train], test=[train], renames={"nope": "no"})


def test_labels_are_checked_after_renaming(train: str) -> None:
    with pytest.raises(ConfigError, match="--positive maybe"):
        prepare([train], positive="maybe")
    assert prepare([train], renames={"nope": "maybe"}, positive="maybe", shares={"train": 1.0})


def test_sides_that_were_not_asked_for_are_empty(train: str) -> None:
    prepared = prepare([train], renames={"nope": "no"}, shares={"test": 0.25, "train": 0.75})
    assert prepared.dev.num_rows == 0
    assert prepared.dev.schema == prepared.train.schema
    assert prepared.test.num_rows == pytest.approx(100, abs=15)


@pytest.mark.parametrize(
    ("shares", "test", "message"),
    [
        ({"train": 0.5, "validation": 0.5}, [], "the sides are train, dev and test"),
        ({"test": 1.0}, [], "train is always one"),
        ({"train": 0.5, "test": 0.5}, ["x"], "give one of them"),
    ],
)
def test_shares_that_will_not_do(
    train: str, shares: dict[str, float], test: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare([train], test=test, shares=shares)

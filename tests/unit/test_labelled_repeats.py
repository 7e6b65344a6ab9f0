"""Repeats: one copy stays, contradictions go, nothing of the test data is trained on."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from pipeline.core.errors import ConfigError
from pipeline.dedup import Dedup
from pipeline.labelled import Repeats, schema_of, take_out_repeats

PAGE = " ".join(f"word{number}" for number in range(80))
NEAR = PAGE.replace("word40 ", "")
OTHER = " ".join(f"another{number}" for number in range(80))


def table(*rows: tuple[str, str] | tuple[str, str, str]) -> pa.Table:
    values = [
        {"text": row[0], "label": row[1], "group": row[2] if len(row) > 2 else "", "place": f"p{n}"}
        for n, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(values, schema=schema_of())


def places(rows: pa.Table) -> list[str]:
    return rows["place"].to_pylist()


def test_copies_with_one_label() -> None:
    rows = table((NEAR, "x"), (PAGE, "x"), (PAGE.upper() + "!", "x"), (OTHER, "x"), ("short", "y"))
    kept, repeats = take_out_repeats(rows)
    assert places(kept) == ["p2", "p3", "p4"]  # the longest copy
    assert kept.schema == rows.schema
    assert repeats == Repeats(5, 3, exact=1, near=1)


def test_copies_with_different_labels_all_go() -> None:
    rows = table(
        (PAGE, "x"),
        (PAGE.upper(), "x"),
        (NEAR, "y"),
        (OTHER, "x"),
        ("in short", "x"),
        ("In short", "y"),
    )
    kept, repeats = take_out_repeats(rows)
    assert places(kept) == ["p3"]
    assert (repeats.conflicting, repeats.exact, repeats.near) == (5, 0, 0)
    shown = {(one.place, one.other): one for one in repeats.conflicting_shown}
    assert all(one.label != one.other_label for one in repeats.conflicting_shown)
    assert any({"p4", "p5"} == set(pair) for pair in shown)
    near = next(one for one in repeats.conflicting_shown if "p2" in (one.place, one.other))
    assert 0.8 <= near.similarity < 1


def test_what_is_in_the_test_data_goes_and_they_stay() -> None:
    test = table((PAGE, "x"), (PAGE, "y"), ("a query", "x"))
    rows = table((NEAR, "x"), (PAGE, "y"), (OTHER, "x"), ("A query!", "y"), ("a quest", "x"))
    kept, repeats = take_out_repeats(rows, test)
    assert places(kept) == ["p2", "p4"]
    assert (repeats.across, repeats.conflicting, repeats.exact, repeats.near) == (3, 0, 0, 0)
    assert [(one.place, one.label) for one in repeats.across_shown] == [
        ("p0", "x"),
        ("p1", "y"),
        ("p3", "y"),
    ]
    assert repeats.across_shown[2].other == "p2"
    assert repeats.across_shown[0].similarity == pytest.approx(71 / 80)
    assert take_out_repeats(rows, test.slice(0, 0))[1].across == 0


def test_short_texts_repeat_word_for_word_only() -> None:
    rows = table(
        *((text, "x") for text in ("play a song", "play the song", "Play a song.", "play"))
    )
    kept, repeats = take_out_repeats(rows)
    assert kept.num_rows == 3
    assert repeats == Repeats(4, 3, exact=1)


def test_nearly_everything_may_go() -> None:
    kept, repeats = take_out_repeats(table(*(("the very same", "x") for _ in range(100))))
    assert kept.num_rows == 1
    assert repeats.exact == 99


def test_the_threshold_is_settable() -> None:
    rows = table((PAGE, "x"), (NEAR, "x"))
    assert take_out_repeats(rows, settings=Dedup(threshold=0.95))[0].num_rows == 2
    for settings in (Dedup(against=("out",)), Dedup(keep=("earliest",))):
        with pytest.raises(ConfigError):
            take_out_repeats(rows, settings=settings)


def test_the_place_of_rows_makes_no_difference() -> None:
    rows = table((PAGE, "x", "a"), (PAGE, "x", "b"), (PAGE, "x", "c"))
    moved = rows.set_column(rows.column_names.index("place"), "place", pa.array(["q3", "q1", "q2"]))
    kept = [take_out_repeats(one)[0]["group"].to_pylist() for one in (rows, moved)]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 1


def test_the_order_of_rows_makes_no_difference() -> None:
    rng = random.Random(5)
    rows = table(
        *((PAGE if n % 3 else NEAR, "x", f"g{n % 4}") for n in range(12)),
        *((f"text {n % 5}", "xy"[n % 7 == 0], "g") for n in range(30)),
    )

    def contents(kept: pa.Table) -> list[tuple[str, ...]]:
        return sorted(tuple(row.values()) for row in kept.drop_columns(["place"]).to_pylist())

    expected = contents(take_out_repeats(rows)[0])
    for _ in range(3):
        order = rng.sample(range(rows.num_rows), rows.num_rows)
        kept, _ = take_out_repeats(rows.take(pa.array(order)))
        assert contents(kept) == expected
        assert places(kept) == [f"p{n}" for n in order if f"p{n}" in places(kept)]


def test_no_rows() -> None:
    kept, repeats = take_out_repeats(table(), table((PAGE, "x")))
    assert kept.num_rows == 0
    assert repeats.to_json() == {
        "entered": 0,
        "kept": 0,
        "exact": 0,
        "near": 0,
        "conflicting": 0,
        "across": 0,
        "conflicting_shown": [],
        "across_shown": [],
    }

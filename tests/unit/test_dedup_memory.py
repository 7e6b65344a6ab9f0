"""`dedup` on tables in memory: types, columns, ids, what is refused."""

from __future__ import annotations

import datetime
import random
import warnings
from typing import Any

import datasets
import pyarrow as pa
import pytest

from pipeline.core.errors import ConfigError, WipeOutAlarm
from pipeline.dedup import Alarm, Dedup, dedup
from pipeline.dedup.outcome import RECEIPT

PAGE = " ".join(f"word{number}" for number in range(80))
NEAR = PAGE.replace("word40 ", "")
OTHER = " ".join(f"another{number}" for number in range(80))

TABLE = pa.table(
    {
        "n": [1, 2, 3, 4, 5, 6],
        "text": [OTHER, NEAR, PAGE, PAGE.upper(), "short text", None],
        "id": ["f", "e", "d", "c", "b", "a"],
        "tags": [["x"], [], None, ["y"], ["z"], []],
    }
)


def corpus(seed: int, documents: int = 60) -> pa.Table:
    """Texts of which many are edits of others."""
    rng = random.Random(seed)
    texts = [["w"]]
    for _ in range(documents):
        words = list(rng.choice(texts)) if rng.random() < 0.7 else []
        words = words or [f"w{rng.randrange(300)}" for _ in range(rng.randrange(60))]
        for _ in range(rng.choice([0, 1, 1, 4])):
            words.insert(rng.randrange(len(words) + 1), f"w{rng.randrange(300)}")
        texts.append(words)
    names = rng.sample(range(1000), len(texts))
    return pa.table({"id": [str(name) for name in names], "text": [" ".join(t) for t in texts]})


# --- what comes back -------------------------------------------------------------------------


def test_kept_rows_with_all_columns_in_order_and_receipts() -> None:
    kept, receipts = dedup(TABLE)
    assert kept.column_names == ["n", "text", "id", "tags", "cluster", "cluster_size"]
    assert kept.drop_columns(["cluster", "cluster_size"]).to_pylist() == [
        row for row in TABLE.to_pylist() if row["id"] in "fcba"
    ]
    assert kept["cluster"].to_pylist() == ["f", "c", "b", "a"]
    assert kept["cluster_size"].to_pylist() == [1, 3, 1, 1]
    assert receipts.schema == RECEIPT
    assert receipts.to_pylist() == [
        {"removed": "d", "kept": "c", "similarity": 1.0, "buckets": 14, "rule": "exact"},
        {
            "removed": "e",
            "kept": "c",
            "similarity": pytest.approx(71 / 80),
            "buckets": receipts["buckets"][1].as_py(),
            "rule": "jaccard",
        },
    ]
    assert 1 <= receipts["buckets"][1].as_py() <= 14


def test_a_dataset_gives_datasets() -> None:
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "text": datasets.Value("large_string"),
            "label": datasets.ClassLabel(names=["page", "other"]),
        }
    )
    rows = {"id": ["a", "b", "c"], "text": [PAGE, OTHER, NEAR], "label": [0, 1, 0]}
    dataset = datasets.Dataset.from_dict(rows, features=features)
    kept, receipts = dedup(dataset)
    assert type(kept) is type(receipts) is datasets.Dataset
    assert kept["id"] == ["a", "b"]
    assert kept["cluster_size"] == [2, 1]
    assert kept.features["label"].names == ["page", "other"]
    assert kept.features["text"] == features["text"]
    assert receipts["removed"] == ["c"]
    chosen, _ = dedup(dataset.select([2, 1]).with_format("numpy", columns=["label"]))
    assert chosen["id"] == ["c", "b"]


def test_row_numbers_as_ids() -> None:
    kept, receipts = dedup(TABLE.drop_columns(["id"]), id_column=None)
    assert kept["cluster"].to_pylist() == [0, 2, 4, 5]
    assert receipts["removed"].to_pylist() == [1, 3]
    assert "id" not in kept.column_names


def test_other_columns_and_other_kinds_of_ids() -> None:
    table = TABLE.rename_columns(["key", "body", "id", "tags"])
    kept, receipts = dedup(table, id_column="key", text_column="body")
    assert kept["cluster"].to_pylist() == [1, 3, 5, 6]
    assert receipts["kept"].to_pylist() == [3, 3]
    wide = TABLE.set_column(2, "id", TABLE["id"].cast(pa.large_string()))
    assert dedup(wide)[1].equals(dedup(TABLE)[1])


def test_no_text_and_no_words() -> None:
    texts = ["", None, "!", "?", "!", None, "one", "one", "ONE"]
    table = pa.table({"id": list("abcdefghi"), "text": pa.array(texts)})
    kept, receipts = dedup(table)
    assert kept["id"].to_pylist() == ["a", "c", "d", "g"]
    assert kept["text"].to_pylist() == ["", "!", "?", "one"]
    assert set(receipts["rule"].to_pylist()) == {"exact"}
    assert dedup(pa.table({"id": ["a"], "text": pa.nulls(1)}))[0].num_rows == 1


def test_an_empty_table() -> None:
    for empty in (TABLE.slice(0, 0), TABLE.schema.empty_table()):
        kept, receipts = dedup(empty)
        assert kept.column_names == [*TABLE.column_names, "cluster", "cluster_size"]
        assert kept.num_rows == receipts.num_rows == 0
        assert receipts.schema == RECEIPT


def test_chunks_and_slices_change_nothing() -> None:
    kept, receipts = dedup(TABLE)
    cut = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1, 0), TABLE.slice(1)])
    found = dedup(cut)
    assert found[0].equals(kept)
    assert found[1].equals(receipts)


def test_a_million_copies_in_small() -> None:
    texts = ["mill " * 500] * 500 + ["mill " * 400, PAGE] * 100
    kept, receipts = dedup(pa.table({"id": [f"{n:03}" for n in range(700)], "text": texts}))
    assert kept["id"].to_pylist() == ["000", "501"]
    assert kept["cluster_size"].to_pylist() == [600, 100]
    assert receipts.num_rows == 698


# --- what holds of every result --------------------------------------------------------------


@pytest.mark.parametrize("similarity", ["jaccard", "containment"])
def test_every_row_stays_or_has_a_receipt(similarity: Any) -> None:
    for seed in range(4):
        table = corpus(seed)
        settings = Dedup(similarity=similarity, words=2, bands=28, rows=4)
        kept, receipts = dedup(table, settings)
        ids = kept["id"].to_pylist()
        assert receipts.num_rows > 5
        assert sorted([*ids, *receipts["removed"].to_pylist()]) == sorted(table["id"].to_pylist())
        assert set(receipts["kept"].to_pylist()) <= set(ids)
        assert receipts["removed"].to_pylist() == sorted(receipts["removed"].to_pylist())
        assert kept["cluster"].to_pylist() == ids
        sizes = dict(zip(ids, kept["cluster_size"].to_pylist(), strict=True))
        assert sum(sizes.values()) == table.num_rows
        counted = receipts["kept"].value_counts().to_pylist()
        assert {row["values"]: row["counts"] + 1 for row in counted} == {
            name: size for name, size in sizes.items() if size > 1
        }
        assert min(receipts["similarity"].to_pylist()) >= 0.8


@pytest.mark.parametrize("similarity", ["jaccard", "containment"])
def test_what_stays_stays_again(similarity: Any) -> None:
    for seed in range(4):
        settings = Dedup(similarity=similarity, words=2, bands=28, rows=4)
        kept, receipts = dedup(corpus(seed), settings)
        assert receipts.num_rows
        again, nothing = dedup(kept, settings)
        assert nothing.num_rows == 0
        assert again.drop_columns(["cluster_size"]).equals(kept.drop_columns(["cluster_size"]))
        assert set(again["cluster_size"].to_pylist()) == {1}


def test_keeper_rules_read_their_columns() -> None:
    utc = datetime.UTC
    table = pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "text": [PAGE + " more", PAGE, PAGE, NEAR],
            "url": ["http://a.org", None, "http://www.b.org/x", "http://c.org"],
            "date": pa.array(
                [
                    datetime.datetime(2021, 1, 1, tzinfo=utc),
                    None,
                    datetime.datetime(2020, 1, 1, tzinfo=utc),
                    datetime.datetime(2022, 1, 1, tzinfo=utc),
                ]
            ),
            "score": [0.1, 0.9, None, 0.2],
        }
    )
    preferred = Dedup(keep=("preferred_domains",), preferred_domains=("b.org",))
    for settings, name in (
        (Dedup(), "a"),
        (Dedup(keep=("earliest",)), "c"),
        (Dedup(keep=("latest",)), "d"),
        (Dedup(keep=("best_quality",), quality="score"), "b"),
        (preferred, "c"),
    ):
        kept, _ = dedup(table, settings)
        assert kept["id"].to_pylist() == [name]
    as_text = table.set_column(3, "date", pa.array(["2021-01-01", None, "2020-01-01", "soon"]))
    assert dedup(as_text, Dedup(keep=("earliest",)))[0]["id"].to_pylist() == ["c"]


def test_short_texts_whose_shingle_hashes_agree_by_chance_both_stay() -> None:
    # One shingle each, and the same 32 bits of hash for both: one such pair in four billion.
    pairs = [
        ("wheat fish tower", "wheel house miller wheat"),
        ("barn cheese house", "river sack flour wheat"),
        ("stone river oven sack", "horse field house stone"),
    ]
    table = pa.table({"id": list("abcdef"), "text": [text for pair in pairs for text in pair]})
    for settings in (Dedup(), Dedup(similarity="containment")):
        kept, receipts = dedup(table, settings)
        assert receipts.to_pylist() == []
        assert kept.num_rows == 6


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "given", "message"),
    [
        (TABLE, {"id_column": "key"}, "no column 'key'.*id_column="),
        (TABLE, {"text_column": "body"}, "no column 'body'.*text_column="),
        (
            TABLE.set_column(2, "id", pa.array(["a", None, None, "b", "c", "d"])),
            {},
            "2 rows have no",
        ),
        (
            TABLE.set_column(2, "id", pa.array([*"abacbb"])),
            {},
            r"not unique: 'a'.*2 times \(2 such",
        ),
        (TABLE, {"settings": Dedup(keep=("best_quality",), quality="q")}, "no column 'q'"),
        (
            TABLE,
            {"settings": Dedup(keep=("best_quality",), quality="tags")},
            "'tags'.*not numbers",
        ),
        ([{"id": 1, "text": ""}], {}, "not list"),
        (datasets.DatasetDict(train=datasets.Dataset(TABLE)), {}, "splits.*not DatasetDict"),
        (datasets.Dataset(TABLE).to_iterable_dataset(), {}, "not IterableDataset"),
    ],
)
def test_what_is_refused(table: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dedup(table, **given)


def wiped(action: Any) -> tuple[pa.Table, Dedup]:
    table = pa.table(
        {
            "id": [str(number) for number in range(41)],
            "text": [PAGE] * 41,
            "source": ["kept"] * 1 + ["books"] * 30 + [None] * 10,
        }
    )
    return table, Dedup(alarm=Alarm(action=action))


def test_the_wipe_out_alarm_stops() -> None:
    with pytest.raises(WipeOutAlarm, match="source books would lose 30 of its 30"):
        dedup(*wiped("stop"))


def test_or_warns_where_it_was_called() -> None:
    with pytest.warns(UserWarning, match="source books would lose 30") as caught:
        kept, receipts = dedup(*wiped("warn"))
    assert [warning.filename for warning in caught] == [__file__]
    assert (kept.num_rows, receipts.num_rows) == (1, 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dedup(*wiped("off"))[0].num_rows == 1

"""Labels: what no classifier should be trained on, and renaming."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.core.errors import ConfigError
from pipeline.labelled import check_labels, label_counts, rename_labels, schema_of


def table(**counts: int) -> pa.Table:
    return labelled(counts)


def labelled(counts: dict[str, int]) -> pa.Table:
    labels = [label for label, rows in counts.items() for _ in range(rows)]
    rows = [
        {"text": f"text {n}", "label": label, "group": "", "place": f"a.csv line {n + 2}"}
        for n, label in enumerate(labels)
    ]
    return pa.Table.from_pylist(rows, schema=schema_of())


def test_counts_come_back_sorted() -> None:
    found = check_labels(table(ham=3, spam=5, eggs=3), positive="eggs")
    assert list(found.items()) == [("spam", 5), ("eggs", 3), ("ham", 3)]


def test_one_label_or_none() -> None:
    with pytest.raises(ConfigError, match=r"all 3 rows have the label 'spam'.*other=background"):
        check_labels(table(spam=3))
    with pytest.raises(ConfigError, match="no labelled row"):
        check_labels(table())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("spam", "Spam"),
        ("spam", "spam "),
        ("not spam", "not_spam"),
        ("not-spam", "notspam"),
        ("yes!", "yes"),
        ("ﬁne", "fine"),
        ("1", "1.0"),
        ("01", "1"),
        ("true", "True"),
    ],
)
def test_labels_that_differ_in_nothing(one: str, other: str) -> None:
    rows = labelled({one: 60, other: 40})
    with pytest.raises(ConfigError) as error:
        check_labels(rows)
    message = str(error.value)
    assert f"{one!r} (60 rows) and {other!r} (40, first in a.csv line 62)" in message
    assert "differ only in case, spaces or punctuation" in message
    assert f"{other}={one}" in message
    assert check_labels(rows, meant=(one, other)) == {one: 60, other: 40}


@pytest.mark.parametrize(
    "labels",
    [
        ("c", "c++", "c#"),
        ("1", "-1"),
        ("+", "-"),
        ("1-2", "12"),
        ("1.5", "15"),
        ("12345678901234567", "12345678901234568"),
        ("é", "e"),
    ],
)
def test_labels_that_differ_in_something(labels: tuple[str, ...]) -> None:
    assert len(check_labels(labelled(dict.fromkeys(labels, 30)))) == len(labels)


@pytest.mark.parametrize("typo", ["spma", "spamm", "spm"])
def test_a_rare_label_that_is_a_frequent_one_mistyped(typo: str) -> None:
    rows = labelled({"spam": 1000, "ham": 1000, typo: 3})
    with pytest.raises(ConfigError) as error:
        check_labels(rows)
    message = str(error.value)
    assert f"{typo!r} (3 of 2,003 rows, first in a.csv line 2002)" in message
    assert f"--rename {typo}=spam" in message
    assert len(check_labels(rows, meant=[typo])) == 3
    assert len(check_labels(rename_labels(rows, {typo: "spam"}))) == 2


@pytest.mark.parametrize(
    "counts",
    [
        {"spam": 1000, "spma": 20},  # too many for a slip
        {"spam": 200, "spma": 3},  # over 1 %
        {"0": 1000, "1": 800, "5": 3, "10": 3},
        {"level 1": 1000, "level 2": 3},
        {"irrelevant": 1000, "relevant": 3},
        {"toxic": 1000, "non-toxic": 3},
        {"spam": 1000, "ham": 1000, "question": 3},
        {"aaaa": 9, "aaab": 2, **{f"label {n}": 30 for n in range(40)}},  # none is frequent
    ],
)
def test_rare_labels_that_are_no_typos(counts: dict[str, int]) -> None:
    assert check_labels(labelled(counts)) == label_counts(labelled(counts))


def test_a_positive_label_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"--positive spm: .*did you mean 'spam'.*'ham' \(6\)"):
        check_labels(table(spam=5, ham=6), positive="spm")


def test_a_column_of_something_else() -> None:
    with pytest.raises(ConfigError, match=r"30 different labels in 31 rows.*--label"):
        check_labels(labelled({"a": 2, **{f"text number {n}": 1 for n in range(29)}}))


def test_renaming_is_done_at_once() -> None:
    rows = table(a=2, b=1, c=1)
    renamed = rename_labels(rows, {"a": "b", "b": "a"})
    assert renamed["label"].to_pylist() == ["b", "b", "a", "c"]
    assert renamed.schema == rows.schema
    assert renamed.drop_columns("label").equals(rows.drop_columns("label"))
    assert rename_labels(rows, {}) is rows


def test_renaming_what_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"--rename spm=x: no row.*did you mean 'spam'"):
        rename_labels(table(spam=5), {"spm": "x"})
    with pytest.raises(ConfigError, match="an empty label"):
        rename_labels(table(spam=5), {"spam": " "})

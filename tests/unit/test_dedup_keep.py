"""Which copy stays: every rule, what is missing, ties."""

from __future__ import annotations

import datetime
import math
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.core.errors import ConfigError
from pipeline.dedup import Dedup
from pipeline.dedup.index import DOCUMENTS
from pipeline.dedup.keep import keeper_order, timestamp

NAN = float("nan")
NO_EARLIER = np.empty(0, np.bool_)


def documents(**columns: list[Any]) -> pa.Table:
    """Documents a, b, c … with the columns given."""
    count = len(next(iter(columns.values())))
    plain: dict[str, list[Any]] = {
        "id": [chr(ord("a") + number) for number in range(count)],
        "characters": [1] * count,
        "date": [NAN] * count,
        "host": [""] * count,
        "source": [""] * count,
        "quality": [NAN] * count,
    }
    return pa.table(plain | columns, schema=DOCUMENTS)


def order(table: pa.Table, settings: Dedup, standing: Any = NO_EARLIER) -> str:
    """Ids, best first."""
    rows = keeper_order(table, np.array(standing, np.bool_), settings)
    return "".join(table["id"].take(pa.array(rows)).to_pylist())


@pytest.mark.parametrize(
    ("settings", "columns", "wanted"),
    [
        (Dedup(), {"characters": [5, 9, 0, 9]}, "bdac"),
        (Dedup(keep=("earliest",)), {"date": [3.0, NAN, 1.0, -5.0]}, "dcab"),
        (Dedup(keep=("latest",)), {"date": [3.0, NAN, 1.0, -5.0]}, "acdb"),
        (
            Dedup(keep=("best_quality",), quality="q"),
            {"quality": [0.5, NAN, -math.inf, math.inf, 0.7]},
            "deacb",
        ),
        (
            Dedup(keep=("preferred_domains",), preferred_domains=("b.org", "a.com")),
            {"host": ["a.com", "xb.org", "", "www.b.org", "b.org", "b.org.com", "m.a.com"]},
            "deagbcf",
        ),
        (
            Dedup(keep=("earliest", "longest")),
            {"date": [2.0, 1.0, 1.0, NAN, NAN], "characters": [9, 1, 2, 3, 4]},
            "cbaed",
        ),
        (
            Dedup(keep=("longest", "earliest")),
            {"date": [2.0, 1.0, 1.0, NAN, NAN], "characters": [9, 2, 2, 9, 4]},
            "adebc",
        ),
        (Dedup(keep=()), {"characters": [1, 9, 5]}, "abc"),
    ],
)
def test_rules(settings: Dedup, columns: dict[str, list[Any]], wanted: str) -> None:
    assert order(documents(**columns), settings) == wanted


def test_ties_go_by_id_and_rows_in_any_order_give_one_order() -> None:
    rng = random.Random(4)
    ids = ["b", "a", "B", "é", "10", "9", "石", "aa", ""]
    rows = [
        {
            "id": name,
            "characters": rng.randrange(2),
            "date": rng.choice([NAN, 1.0]),
            "host": rng.choice(["a.org", "b.org"]),
            "source": "",
            "quality": rng.choice([NAN, 0.0]),
        }
        for name in ids
    ]
    settings = Dedup(
        keep=("preferred_domains", "best_quality", "latest", "longest"),
        preferred_domains=("b.org",),
        quality="q",
    )
    found = set()
    for _ in range(20):
        rng.shuffle(rows)
        found.add(order(pa.Table.from_pylist(rows, schema=DOCUMENTS), settings))
    assert len(found) == 1
    assert order(documents(id=ids), Dedup()) == "".join(sorted(ids))


def test_earlier_documents_come_first_or_last_whatever_the_rules() -> None:
    table = documents(characters=[1, 5, 9, 3, 99])
    assert order(table, Dedup(), [True, True, False]) == "baedc"
    assert order(table, Dedup(), [True] * 5) == "ecbda"
    assert order(table, Dedup(), [False] * 5) == "ecbda"


def test_a_host_that_is_null_is_no_preferred_one() -> None:
    settings = Dedup(keep=("preferred_domains",), preferred_domains=("b.org",))
    assert order(documents(host=["x.org", None, "b.org"]), settings) == "cab"
    assert order(documents(host=[None, "b.org", None]), settings) == "bac"


def test_no_documents() -> None:
    settings = Dedup(keep=("preferred_domains", "latest"), preferred_domains=("b.org",))
    assert order(documents(id=[]), settings) == ""


class Endless:
    num_rows = 2**32 - 1


def test_more_documents_than_numbers() -> None:
    with pytest.raises(ConfigError, match="4,294,967,295 documents"):
        keeper_order(Endless(), NO_EARLIER, Dedup())


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T00:01:00", 60),  # without a zone: UTC
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T23:59:59.5Z", -0.5),
        (datetime.date(1970, 1, 2), 86_400),
        (datetime.datetime(1970, 1, 1, 1), 3_600),
        (
            datetime.datetime(
                1970, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-1))
            ),
            7_200,
        ),
    ],
)
def test_dates(date: object, seconds: float) -> None:
    assert timestamp(date) == seconds


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        "2020",
        "2020-13-01",
        "2020-06-31",
        20200101,
        1.5,
        b"2020-01-01",
        "\ud800",
    ],
)
def test_what_is_no_date_is_unknown(date: object) -> None:
    assert math.isnan(timestamp(date))

"""The wipe-out alarm: who is about to lose nearly everything, and what happens then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from pipeline.core.errors import WipeOutAlarm
from pipeline.dedup import Alarm
from pipeline.dedup.alarm import Loss, losses, raise_alarm
from pipeline.dedup.index import DOCUMENTS
from pipeline.dedup.outcome import Outcome
from pipeline.dedup.verify import REMOVAL, Removals

Row = tuple[str | None, str | None, bool]  # source, host, removed


def outcome_of(rows: Sequence[Row], earlier: int = 0, active: int | None = None) -> Outcome:
    """An outcome in which document 0 stands for all that goes."""
    count = len(rows)
    removals = np.array(
        [(row, 0, 1.0, 14) for row, (_, _, removed) in enumerate(rows) if removed], REMOVAL
    )
    kept_by = np.arange(count, dtype=np.uint32)
    kept_by[removals["removed"]] = 0
    documents = pa.table(
        {
            "id": [str(row) for row in range(count)],
            "characters": [1] * count,
            "date": [0.0] * count,
            "host": [host for _, host, _ in rows],
            "source": [source for source, _, _ in rows],
            "quality": [0.0] * count,
        },
        schema=DOCUMENTS,
    )
    return Outcome(
        documents=documents,
        parts=(count,),
        order=np.arange(count),
        kept_by=kept_by,
        removals=Removals(removals),
        rules=np.ones(len(removals), np.int64),
        similarity="jaccard",
        earlier=earlier,
        active=count if active is None else active,
    )


def rows_of(source: str | None, host: str | None, documents: int, removed: int) -> list[Row]:
    return [(source, host, number < removed) for number in range(documents)]


def test_more_than_the_share_of_at_least_the_minimum() -> None:
    keep = rows_of("kept", "kept.org", 30, 0)
    for documents, removed, raised in (
        (20, 18, False),
        (20, 19, True),
        (19, 19, False),
        (100, 90, False),
        (100, 91, True),
    ):
        found = losses(outcome_of([*keep, *rows_of("s", "", documents, removed)]), Alarm())
        assert found == ([Loss("source", "s", documents, removed)] if raised else [])
    rows = [*keep, *rows_of("s", "", 4, 3)]
    assert losses(outcome_of(rows), Alarm(share=0.5, minimum=4)) == [Loss("source", "s", 4, 3)]
    assert losses(outcome_of(rows), Alarm(share=0.75, minimum=4)) == []
    assert losses(outcome_of(rows), Alarm(share=1.0, minimum=1)) == []


def test_hosts_count_together_as_domains_the_worst_first() -> None:
    rows = [
        *rows_of("a", "x.org", 1, 0),
        *rows_of("a", "www.mill.co.uk", 15, 15),
        *rows_of("b", "mill.co.uk", 15, 14),
        *rows_of("b", "bakery.co.uk", 30, 30),
        *rows_of("c", "x.org", 30, 28),
        *rows_of("a", "", 40, 1),
    ]
    assert list(map(str, losses(outcome_of(rows), Alarm()))) == [
        "domain bakery.co.uk would lose 30 of its 30 documents (100.0%)",
        "source b would lose 44 of its 45 documents (97.8%)",
        "domain mill.co.uk would lose 29 of its 30 documents (96.7%)",
        "source c would lose 28 of its 30 documents (93.3%)",
        "domain x.org would lose 28 of its 31 documents (90.3%)",
    ]


def test_documents_without_source_or_domain_belong_to_none() -> None:
    rows = [*rows_of("a", "a.org", 25, 0), *rows_of("", "", 50, 50), *rows_of(None, None, 50, 50)]
    assert losses(outcome_of(rows), Alarm(share=0.1)) == []
    assert losses(outcome_of(rows[::-1][:-1] + rows[:1]), Alarm(share=0.1)) == []


def test_only_documents_of_this_run_count() -> None:
    rows = [*rows_of("s", "s.org", 100, 0), *rows_of("s", "s.org", 20, 20)]
    assert losses(outcome_of(rows), Alarm()) == []
    assert [loss.documents for loss in losses(outcome_of(rows, earlier=100), Alarm())] == [20, 20]
    dropped_before = [*rows_of("s", "", 1, 0), *rows_of("s", "", 20, 20), *rows_of("s", "", 50, 0)]
    found = losses(outcome_of(dropped_before, earlier=1, active=21), Alarm())
    assert found == [Loss("source", "s", 20, 20)]


def test_no_documents_no_losses() -> None:
    assert losses(outcome_of([]), Alarm(share=0, minimum=1)) == []


# --- what happens ----------------------------------------------------------------------------


def wiped() -> Outcome:
    return outcome_of([("kept", "", False), *rows_of("books", "", 30, 30)])


def test_stop() -> None:
    said: list[str] = []
    with pytest.raises(WipeOutAlarm) as raised:
        raise_alarm(wiped(), Alarm(), said.append)
    assert raised.value.exit_code == 4
    assert str(raised.value) == (
        "wipe-out alarm, nothing was removed (limit 90%): source books would lose 30 of its 30 "
        "documents (100.0%). Look at some of them; if the removals are right, set alarm.action "
        "to warn (--alarm warn)"
    )
    assert said == []


def test_warn_and_off() -> None:
    said: list[str] = []
    assert raise_alarm(wiped(), Alarm(action="warn"), said.append) == [
        Loss("source", "books", 30, 30)
    ]
    assert said == ["source books would lose 30 of its 30 documents (100.0%)"]
    assert raise_alarm(wiped(), Alarm(action="off"), said.append) == []
    assert len(said) == 1


def test_nothing_to_say() -> None:
    said: list[str] = []
    assert raise_alarm(wiped(), Alarm(share=1.0), said.append) == []
    assert said == []


def test_many_losses_are_cut_short() -> None:
    rows: list[Row] = [("kept", "", False)]
    for number in range(13):
        rows += rows_of(f"s{number:02}", "", 20, 20)
    said: list[str] = []
    found = raise_alarm(outcome_of(rows), Alarm(action="warn"), said.append)
    assert len(found) == 13
    assert len(said) == 11
    assert said[-1] == "and 3 more"
    with pytest.raises(WipeOutAlarm, match=r"s09 .*; and 3 more"):
        raise_alarm(outcome_of(rows), Alarm(), said.append)

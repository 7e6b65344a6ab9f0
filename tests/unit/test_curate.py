"""Measuring and deciding one split: what a broken filter costs, and what is never swallowed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

import pipeline.curate
from pipeline.core.decisions import Bound, Signal, SignalValue, Verdict
from pipeline.core.errors import ConservationError, ModelError
from pipeline.core.records import Document, Fate, Locator, RawRecord
from pipeline.curate import Traced, measure
from pipeline.curation import Curation
from pipeline.extract import Extraction
from pipeline.extract.extraction import Extracted
from pipeline.filters import Cleaner, Filter
from pipeline.runtime.ledger import read_rows
from pipeline.runtime.storage import RunFolder
from pipeline.sources.base import Source, Split
from pipeline.split import SplitTask, curate_split

ERRORS = {"ValueError": ValueError, "MemoryError": MemoryError, "ModelError": ModelError}
TEXTS = ["one", "two words", "BREAK", "", "three more words", "DROP"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listed(Source):
    name: ClassVar[str] = "listed"
    texts: tuple[str, ...] = tuple(TEXTS)

    def plan(self) -> list[Split]:
        return [Split("list", 0, len(self.texts))]

    def read(self, split: Split) -> Iterator[RawRecord]:
        for place, text in enumerate(self.texts):
            record = RawRecord(f"id-{place}", "", Locator("list", place, 1), text.encode())
            if text == "DROP":
                record.drop = Verdict(False, "listed.kind", None, None, "a reason")
            yield record

    def stamp(self, path: str) -> tuple[int, int]:
        return len(self.texts), 0

    def parameters(self) -> dict[str, Any]:
        return {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words(Filter):
    name: ClassVar[str] = "words"
    signals: ClassVar[tuple[Signal, ...]] = (Signal("count", "words"),)
    default_bounds: ClassVar[tuple[Bound, ...]] = (Bound("count", low=2),)
    broken: str = "BREAK"
    error: str = "ValueError"

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        if doc.text == self.broken:
            raise ERRORS[self.error]("this text breaks it")
        return {"count": float(len(doc.text.split()))}


class Undeclared(Words):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {"count": 2.0, **({"surprise": 1.0} if doc.text == self.broken else {})}


class Short(Words):
    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        return super().measure_batch(docs[:1])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upper(Cleaner):
    name: ClassVar[str] = "upper"
    signals: ClassVar[tuple[Signal, ...]] = (Signal("letters", "letters changed"),)

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        if text == "BREAK":
            raise ValueError("so does it")
        return text.upper(), {"letters": float(len(text))}


class PlainText:
    def extract(self, record: RawRecord) -> Extracted:
        return Extracted((record.payload or b"").decode(), "utf-8", "http")


@pytest.fixture(autouse=True)
def _no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.curate, "_extractor", lambda _: PlainText())


def curation(*steps: Filter | Cleaner) -> Curation:
    return Curation(Listed(), (), Extraction("resiliparse"), steps)


def traced(*steps: Filter | Cleaner) -> list[Traced]:
    return list(measure(curation(*steps), Split("list", 0, len(TEXTS))))


@pytest.mark.parametrize("step", [Words(), Upper(), Undeclared(), Words(error="MemoryError")])
def test_a_step_that_breaks_on_one_text_costs_that_text(step: Filter | Cleaner) -> None:
    records = traced(step)
    assert [record.stage for record in records if record.failure] == [step.name]
    assert records[2].failure is not None
    assert records[2].failure.reason == f"{step.name}.error"
    assert records[2].text is None
    assert [record.text is not None for record in records] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_batch_of_the_wrong_length_is_measured_one_by_one() -> None:
    records = traced(Short(broken="none"))
    assert [record.row.get("words.count") for record in records] == [1, 2, 1, None, 3, None]


def test_an_error_that_is_not_the_record_s_stops_the_run() -> None:
    with pytest.raises(ModelError):
        traced(Words(error="ModelError"))


def test_a_cleaner_edits_what_follows_sees() -> None:
    records = traced(Upper(), Words(broken="none"))
    assert records[1].text == "TWO WORDS"


def test_records_are_filed_by_fate_and_counted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create()
    task = SplitTask(curation(Words()), folder, 0, Split("list", 0, len(TEXTS)))
    completion = curate_split(task, lambda _: None)
    assert completion.report.fates == {Fate.KEPT: 2, Fate.DROPPED: 3, Fate.QUARANTINED: 1}
    rows = list(read_rows(folder.part("records", 0)))
    assert Counter(row["stage"] for row in rows) == {
        "kept": 2,
        "words": 2,
        "extract": 1,
        "source": 1,
    }
    assert rows[0]["failed"] == [
        {"reason": "words.count.low", "value": 1.0, "bound": 2.0, "detail": None}
    ]
    assert (rows[5]["reason"], rows[5]["detail"]) == ("listed.kind", "a reason")
    (failed,) = read_rows(folder.part("quarantine", 0))
    assert (failed["id"], failed["stage"], failed["reason"]) == ("id-2", "words", "words.error")
    assert "this text breaks it" in failed["error"]


def test_a_lost_record_stops_the_run_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path / "out").create()
    write = pipeline.split.PartsWriter.write

    def forgetful(self: Any, kind: str, row: dict[str, Any]) -> None:
        if not (kind == "corpus" and row["id"] == "id-4"):
            write(self, kind, row)

    monkeypatch.setattr(pipeline.split.PartsWriter, "write", forgetful)
    task = SplitTask(curation(Words()), folder, 0, Split("list", 0, len(TEXTS)))
    with pytest.raises(ConservationError, match="2 rows were due in corpus/, 1 were written"):
        curate_split(task, lambda _: None)
    assert not list((tmp_path / "out" / "corpus").iterdir())
    assert not list(folder.splits.iterdir())


def test_gates_are_decided_before_extraction() -> None:
    class Gate(Words):
        reads: ClassVar[frozenset[str]] = frozenset({"url"})

        def measure(self, doc: Document) -> dict[str, SignalValue]:
            return {"count": 0.0 if doc.id == "id-1" else 9.0}

    gated = Curation(Listed(), (Gate(),), Extraction("resiliparse"), ())
    records = list(measure(gated, Split("list", 0, len(TEXTS))))
    assert records[1].stage == "words"
    assert records[1].text is None
    assert records[4].text == "three more words"

"""Findings on disk, and what they come to: one order, two files, figures for each benchmark.

What is written is the same whatever order the findings came in. Nothing here decides what a leak is.
"""

from __future__ import annotations

import dataclasses
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audits.findings import FINDINGS, Finding, Kind
from audits.items import Item
from classifiers.evaluate import Interval, proportion
from pipeline.core.errors import ConfigError, ConservationError, SourceError
from pipeline.core.printable import printable
from pipeline.core.records import encodable
from pipeline.core.registry import nearest
from pipeline.runtime.storage import RunFolder
from pipeline.sources.columns import json_text
from pipeline.sources.tables import plan_tables, read_rows

__all__ = [
    "JSONL",
    "PARQUET",
    "Contamination",
    "contamination",
    "leaked_probabilities",
    "ordered",
    "read_findings",
    "write_findings",
]

PARQUET, JSONL = "findings.parquet", "findings.jsonl"
CURVE = (*(step / 20 for step in range(1, 20)), 0.99)  # thresholds of probability
LEAKS = tuple(kind for kind in Kind if kind.leak)  # the strongest first

Key = tuple[str, str]  # benchmark and item


@dataclasses.dataclass(frozen=True, slots=True)
class Contamination:
    """What was found of one benchmark. An item counts once, however often it was found.

    Args:
        items: of the benchmark, those that could not be checked too.
        contaminated: items with a finding that counts (`Finding.leak`).
        interval: their share of ``items``, with Wilson's interval.
        by_kind: contaminated items by the strongest kind found of each, in the order of `Kind`.
        documents: with a finding that counts.
        answer_present: contaminated items whose answer stands in one of those documents, too.
        curve: (threshold, items that would be contaminated at it); unlike ``contaminated`` it
            takes no account of the benchmark's own threshold. See `leaked_probabilities`.
    """

    items: int
    contaminated: int
    interval: Interval
    by_kind: dict[Kind, int]
    documents: int
    answer_present: int
    curve: tuple[tuple[float, int], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "interval": self.interval.to_json(),
            "by_kind": {kind.value: items for kind, items in self.by_kind.items()},
            "curve": [list(point) for point in self.curve],
        }


# --- figures ---------------------------------------------------------------------------------


def leaked_probabilities(findings: Iterable[Finding]) -> dict[Key, float]:
    """By benchmark and item, the highest probability that it is leaked, whatever the threshold.

    What lies below its threshold is called same-topic, and would be a leak at a lower one; an altered
    item is another question at any.
    """
    found: dict[Key, float] = {}
    for one in findings:
        if one.type is not Kind.ALTERED:
            key = (one.benchmark, one.item)
            found[key] = max(found.get(key, 0.0), one.probability)
    return found


def contamination(
    findings: Iterable[Finding],
    items: Iterable[Item],
    thresholds: Sequence[float] = CURVE,
) -> dict[str, Contamination]:
    """Figures of every benchmark that ``items`` are of, in their order.

    Args:
        findings: of one audit.
        items: all that were looked for.
        thresholds: of the curve, in [0, 1].

    Raises:
        ConservationError: a finding is of an item that is not among ``items``, or counts as a leak
            though its kind is none.
    """
    findings = list(findings)
    places = _places(items)
    sizes: dict[str, int] = defaultdict(int)
    for benchmark, _ in places:
        sizes[benchmark] += 1
    counted: dict[str, dict[str, list[Finding]]] = {benchmark: {} for benchmark in sizes}
    for one in findings:
        _place(places, one)
        if one.leak and not one.type.leak:
            raise ConservationError(
                f"a finding of {printable(one.benchmark)} item {printable(one.item)!r} counts as "
                f"a leak and is {one.type.value}, which is none"
            )
        if one.leak:
            counted[one.benchmark].setdefault(one.item, []).append(one)
    highest: dict[str, list[float]] = defaultdict(list)
    for (benchmark, _), probability in leaked_probabilities(findings).items():
        highest[benchmark].append(probability)
    return {
        benchmark: _figures(size, counted[benchmark], highest[benchmark], thresholds)
        for benchmark, size in sizes.items()
    }


def _figures(
    items: int,
    found: Mapping[str, Sequence[Finding]],
    probabilities: Sequence[float],
    thresholds: Sequence[float],
) -> Contamination:
    kinds = [min((one.type for one in group), key=LEAKS.index) for group in found.values()]
    return Contamination(
        items=items,
        contaminated=len(found),
        interval=proportion(len(found), items),
        by_kind={kind: kinds.count(kind) for kind in LEAKS},
        documents=len({one.document for group in found.values() for one in group}),
        answer_present=sum(any(one.answer for one in group) for group in found.values()),
        curve=tuple((at, sum(value >= at for value in probabilities)) for at in thresholds),
    )


# --- order -----------------------------------------------------------------------------------


def ordered(findings: Iterable[Finding], items: Iterable[Item]) -> list[Finding]:
    """By benchmark, item in the order of ``items``, document, start; what is equal, by all else.

    Raises:
        ConservationError: a finding is of an item that is not among ``items``.
    """
    places = _places(items)
    return sorted(
        findings,
        key=lambda one: (
            one.benchmark, _place(places, one), one.document, one.start, one.end,
            one.type, -one.probability, json_text(one.to_json()),
        ),
    )  # fmt: skip


def _places(items: Iterable[Item]) -> dict[Key, int]:
    return {(item.benchmark, item.id): place for place, item in enumerate(items)}


def _place(places: Mapping[Key, int], one: Finding) -> int:
    place = places.get((one.benchmark, one.item))
    if place is None:
        raise ConservationError(
            f"a finding is of {printable(one.benchmark)} item {printable(one.item)!r}, which is "
            "none of the items that were audited"
        )
    return place


# --- files -----------------------------------------------------------------------------------


def write_findings(folder: RunFolder, findings: Iterable[Finding], items: Iterable[Item]) -> int:
    """Write `PARQUET` and `JSONL` into ``folder``, each whole or not at all.

    Args:
        folder: made by `RunFolder.create`.
        findings: in any order; see `ordered`.
        items: that were audited.

    Returns:
        How many were written.

    Raises:
        ConservationError: a finding is of an item that is not among ``items``.
        StorageError: a file cannot be written.
    """
    rows = [_mended(one.to_json()) for one in ordered(findings, items)]
    texts = [{**row, "evidence": json_text(row["evidence"], finite=True)} for row in rows]
    with folder.replacing(folder.root / PARQUET) as temporary:
        pq.write_table(pa.Table.from_pylist(texts, FINDINGS), temporary, compression="zstd")
    with (
        folder.replacing(folder.root / JSONL) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines(json_text(row, finite=True) + "\n" for row in rows)
    return len(rows)


def _mended(value: Any) -> Any:
    """The value without lone surrogates: documents are a stranger's, and no file can hold them."""
    if isinstance(value, str):
        return encodable(str(value))
    if isinstance(value, list | tuple):
        return [_mended(member) for member in value]
    if isinstance(value, dict):
        return {encodable(name): _mended(member) for name, member in value.items()}
    return value


def read_findings(path: str | os.PathLike[str]) -> list[Finding]:
    """Findings as `write_findings` has left them, in the order stored.

    Args:
        path: either file, or the folder of an audit.

    Raises:
        ConfigError: a folder that holds no findings.
        SourceError: a file that cannot be read, or a row that is no finding. One is enough: an
            audit with findings missing would be a wrong one.
    """
    return list(_read(_file_of(Path(path))))


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = next(filter(Path.is_file, (path / PARQUET, path / JSONL)), None)
    if found is None:
        raise ConfigError(
            f"{path} holds no finished audit: there is neither {PARQUET} nor {JSONL} in it; "
            "give the folder that --out named"
        )
    return found


def _read(path: Path) -> Iterator[Finding]:
    number = 0
    for part in plan_tables([path]):
        for row in read_rows(part):
            number += 1
            place = f"{path}:{number}"
            if row.values is None:
                raise SourceError(f"{place}: cannot be read: {printable(row.error or '')}")
            yield _finding(row.values, place)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **{
        name: ("a text", lambda value: isinstance(value, str))
        for name in ("benchmark", "item", "document", "url", "type")
    },
    **{
        name: ("a whole number from 0", lambda value: type(value) is int and value >= 0)
        for name in ("start", "end")
    },
    **{
        name: ("true or false", lambda value: isinstance(value, bool))
        for name in ("leak", "answer")
    },
    "probability": ("a number from 0 to 1", lambda value: _number(value) and 0 <= value <= 1),
    "evidence": ("an object", lambda value: isinstance(value, str | dict)),
}


def _finding(row: Mapping[str, Any], place: str) -> Finding:
    for name, (wanted, fits) in FIELDS.items():
        if name not in row:
            there = ", ".join(map(printable, row)) or "none"
            raise SourceError(
                f"{place}: has no column {name!r}{nearest(name, row)} There are: {there}. "
                "Is this a file of findings?"
            )
        if not fits(row[name]):
            shown = printable(repr(row[name]))[:60]
            raise SourceError(f"{place}: {name} is {shown}, where {wanted} belongs")
    if row["type"] not in list(Kind):
        raise SourceError(
            f"{place}: no type is called {printable(row['type'])!r}{nearest(row['type'], Kind)} "
            f"There are: {', '.join(Kind)}"
        )
    if row["end"] < row["start"]:
        raise SourceError(f"{place}: ends at {row['end']}, before it starts at {row['start']}")
    if row["leak"] and not Kind(row["type"]).leak:
        raise SourceError(f"{place}: counts as a leak, and {row['type']} is none")
    try:
        found = Finding.from_json(dict(row))
    except ValueError as error:
        raise SourceError(f"{place}: evidence is no JSON: {error}") from error
    if not isinstance(found.evidence, dict):
        raise SourceError(f"{place}: evidence is JSON, but no object")
    return found

"""The corpus without what leaks, or with a note on it, and a receipt for everything that counted.

    OUT/cleaned/part-00000.parquet   all columns of the input, a file for each part
    OUT/receipts.parquet             a row for each leak: document, item, type, probability, where

Rows in = kept + dropped + quarantined, for each part and for all.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audits.findings import Finding
from pipeline.audit.examining import Examined
from pipeline.audit.parts import Corpus, PartTask
from pipeline.core.errors import ConservationError
from pipeline.core.records import encodable
from pipeline.runtime.completion import forget_surplus
from pipeline.runtime.executor import Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.steps import Run, do_parts
from pipeline.runtime.storage import RunFolder, storage_errors
from pipeline.sources.cleaned import Action, cleaned_schema, write_cleaned
from pipeline.sources.columns import ColumnTypes
from pipeline.sources.corpus import CorpusColumns, CorpusPart, CorpusRow, read_corpus

__all__ = ["FOLDER", "RECEIPTS", "clean_corpus", "remove_cleaned"]

FOLDER, RECEIPTS = "cleaned", "receipts.parquet"
RECEIPT = pa.schema(
    [
        ("document", pa.string()),
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("type", pa.string()),
        ("probability", pa.float64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
    ]
)

Charges = tuple[dict[str, Any], ...]


def clean_corpus(
    folder: RunFolder,
    corpus: Corpus,
    examined: Examined,
    action: Action,
    look: Run,
    write: Run,
) -> dict[str, Any]:
    """Write the corpus again.

    Args:
        folder: of the audit.
        corpus: that was examined.
        examined: what came of it.
        action: see `pipeline.sources.cleaned.write_cleaned`.
        look, write: do the work of the two steps: what columns there are, and the writing.

    Returns:
        The account: ``rows``, ``kept``, ``dropped``, ``flagged``, ``quarantined``.

    Raises:
        ConservationError: a row was lost.
    """
    home = folder.root / FOLDER
    with storage_errors(home):
        home.mkdir(exist_ok=True)
    forget_surplus(folder, "part", len(corpus.parts), home=home, ending=".parquet")
    charges = _charges(examined)
    given = [(part, corpus.columns) for part in corpus.parts]
    types: dict[int, ColumnTypes] = dict(look(_types, given)) if given else {}
    seen = [types[number] for number in range(len(given))]
    schema = cleaned_schema(seen, corpus.columns, action)
    how = fingerprint(schema.to_string(show_field_metadata=True), action)
    tasks = [
        CleanTask(
            folder, corpus.name, number, fingerprint(own, how, sorted(charges[number].items())),
            part, corpus.columns,
            action, schema, charges[number],
        )
        for number, (part, own) in enumerate(
            zip(corpus.parts, corpus.fingerprints(), strict=True)
        )
    ]  # fmt: skip
    account = _account(do_parts(_clean, "cleaned", tasks, write).noted)
    expected = (examined.rows, sum(map(len, charges.values())), examined.quarantined)
    if (account["rows"], account["flagged"], account["quarantined"]) != expected:
        raise ConservationError(
            f"{examined.rows} rows were examined, {expected[1]} of them flagged; "
            f"of the cleaned corpus the account is {account}"
        )
    _write_receipts(folder, examined)
    return {"action": action, **account}


def remove_cleaned(folder: RunFolder) -> bool:
    """Take away what an earlier audit has cleaned; whether there was anything."""
    there = (folder.root / RECEIPTS).exists()
    folder.remove(folder.root / RECEIPTS)
    home = folder.root / FOLDER
    for path in sorted(home.glob("part-*.parquet")) if home.is_dir() else ():
        there = True
        folder.remove(path)
    if home.is_dir() and not any(home.iterdir()):
        home.rmdir()
    return there


def _charges(examined: Examined) -> dict[int, dict[int, Charges]]:
    """By part and document, the leaks found there."""
    found: dict[int, dict[int, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for placed in examined.placed:
        if placed.finding.leak:
            found[placed.part][placed.number].append(placed.finding)
    return defaultdict(
        dict,
        {
            part: {
                number: tuple(
                    {
                        "benchmark": one.benchmark,
                        "item": one.item,
                        "type": one.type.value,
                        "probability": one.probability,
                    }
                    for one in sorted(leaks, key=_order)
                )
                for number, leaks in documents.items()
            }
            for part, documents in found.items()
        },
    )


def _order(one: Finding) -> tuple[Any, ...]:
    return (one.benchmark, one.item, one.start, one.end, one.type.value, -one.probability)


def _account(written: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    for one in written:
        totals.update({name: one[name] for name in ("rows", "kept", "dropped", "flagged")})
        quarantined.update(one["quarantined"])
    rows, kept, dropped = (totals[name] for name in ("rows", "kept", "dropped"))
    if rows != kept + dropped + quarantined.total():
        raise ConservationError(
            f"{rows} rows were read, {kept} kept, {dropped} dropped and {quarantined.total()} "
            "quarantined"
        )
    return {
        "rows": rows,
        "kept": kept,
        "dropped": dropped,
        "flagged": totals["flagged"],
        "quarantined": dict(sorted(quarantined.items())),
    }


def _write_receipts(folder: RunFolder, examined: Examined) -> None:
    leaks = [placed for placed in examined.placed if placed.finding.leak]
    leaks.sort(key=lambda placed: (placed.part, placed.number, _order(placed.finding)))
    rows = [
        {name: _mended(getattr(placed.finding, name)) for name in RECEIPT.names} for placed in leaks
    ]
    with folder.replacing(folder.root / RECEIPTS) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, RECEIPT), temporary, compression="zstd")


def _mended(value: Any) -> Any:
    return encodable(str(value)) if isinstance(value, str) else value


# --- one part --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class CleanTask(PartTask):
    """Writing one part; see `clean_corpus`.

    Args:
        schema: of all parts.
        charges: what there is against documents, by their place in the part.
    """

    action: Action
    schema: pa.Schema
    charges: Mapping[int, Charges]

    @property
    def out(self) -> Path:
        """The file to write."""
        return self.folder.root / FOLDER / f"part-{self.number:05d}.parquet"


def _types(given: tuple[CorpusPart, CorpusColumns], tick: Tick) -> ColumnTypes:
    types = ColumnTypes()
    for _ in read_corpus(*given, types):
        pass
    return types


def _clean(task: CleanTask, tick: Tick) -> tuple[Sequence[Path], dict[str, Any]]:
    # By place: another document of the same id has its own number.
    numbers = itertools.count()
    asked = 0

    def decide(document: CorpusRow) -> Charges:
        nonlocal asked
        number = next(numbers)
        asked += number in task.charges
        return task.charges.get(number, ())

    with task.folder.replacing(task.out) as temporary:
        done = write_cleaned(task.part, temporary, decide, task.columns, task.action, task.schema)
        if asked != len(task.charges):
            raise ConservationError(
                f"{', '.join(task.part.inputs)}: {len(task.charges)} documents were flagged, and "
                f"{asked} of them are there now"
            )
    return [task.out], dataclasses.asdict(done)

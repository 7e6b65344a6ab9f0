"""Pages whose bytes repeat, found before extraction: the payload pass of a run.

Each split is read once more, without extraction; what its gates let through leaves a hash of its
payload. One record of each payload goes on, the best by the recipe's keeper rules; the others are
duplicates. A payload together with the encoding its header declares decides the text, so the
declaration is hashed, too. The hash is our own: a ``WARC-Payload-Digest`` may be missing or wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from pipeline.core.records import RawRecord
from pipeline.curate import PayloadCopies, admitted
from pipeline.curation import Curation
from pipeline.dedup.exact import same_texts
from pipeline.dedup.index import DOCUMENTS
from pipeline.dedup.keep import keeper_order, timestamp
from pipeline.dedup.outcome import RECEIPT, Outcome
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import Execute
from pipeline.filters.url_parts import host_of
from pipeline.runtime.executor import Tick
from pipeline.runtime.ledger import read_rows
from pipeline.runtime.manifest import Completion, fingerprint
from pipeline.runtime.progress import Reporter
from pipeline.runtime.storage import RunFolder
from pipeline.sources.base import Split

__all__ = ["payload_copies", "payload_receipts"]

SEEN = pa.schema(
    [
        ("id", pa.string()),
        ("path", pa.string()),
        ("offset", pa.int64()),
        ("date", pa.float64()),
        ("host", pa.string()),
        ("high", pa.uint64()),
        ("low", pa.uint64()),
    ]
)
COPIES = pa.schema(
    [
        ("offset", pa.int64()),
        ("records", pa.int64()),  # that have this payload
        ("kept_path", pa.string()),
        ("kept_offset", pa.int64()),
        ("kept_id", pa.string()),  # as recorded
    ]
)


@dataclasses.dataclass(frozen=True)
class _Task:
    curation: Curation
    folder: RunFolder
    index: int
    split: Split

    @property
    def stamp(self) -> str:
        split = dataclasses.astuple(self.split)
        return fingerprint(
            split, self.curation.source.stamp(self.split.path), self.curation.gated()
        )

    def file(self, kind: str) -> Path:
        return _home(self.folder) / f"{self.index:05d}.{kind}"

    def read(self, kind: str) -> Path:
        """The file, at hand."""
        return self.folder.here(self.file(kind))


def payload_copies(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    execute: Execute,
    progress: Reporter,
) -> list[PayloadCopies]:
    """For each split its records whose payload another record keeps.

    Args:
        curation: the run's, with ``dedup``.
        folder: the locked run folder; what was read stays below its state folder for a resume.
        splits: all of them.
        execute: runs tasks.
        progress: is told what is going on.

    Raises:
        SourceError: an input cannot be read.
    """
    settings = curation.dedup
    assert settings is not None
    _home(folder).mkdir(parents=True, exist_ok=True)
    tasks = [_Task(curation, folder, index, split) for index, split in enumerate(splits)]
    left = [task for task in tasks if not _seen(task)]
    if left:
        progress.say(f"Comparing payloads over {len(left):,} splits")
        for _ in execute(_survey, left):
            pass
    seen = pa.concat_tables(
        [pq.read_table(task.read("seen.parquet"), schema=SEEN) for task in tasks]
    )
    lengths = [pq.read_metadata(task.read("seen.parquet")).num_rows for task in tasks]
    copies = _copies(seen, settings)
    owner = np.repeat(np.arange(len(tasks)), lengths)
    return [_leave(task, seen, copies, np.flatnonzero(owner == task.index)) for task in tasks]


def payload_receipts(
    folder: RunFolder, done: Mapping[int, Completion], found: Outcome
) -> tuple[pa.Table, dict[str, int]]:
    """Receipts of the records that went for their payload, and how many each document stands for.

    A receipt names the document that stays: the keeper of the payload or what that went for. Where
    the keeper fell to a filter, its copies would have, too: the rule is ``payload.dropped``.
    """
    rows: list[dict[str, Any]] = []
    stands: dict[str, int] = {}
    wanted: set[tuple[str, int]] = set()
    copies: list[tuple[str, tuple[str, int]]] = []
    for index in sorted(done):
        keepers = {
            row["offset"]: (row["kept_path"], row["kept_offset"])
            for row in read_rows(folder.here(_home(folder) / f"{index:05d}.copies.parquet"))
        }
        if keepers:
            path = folder.here(done[index].paths(folder, index)["records"])
            for row in read_rows(path, ["id", "offset", "stage"]):
                if row["stage"] == "payload":
                    copies.append((row["id"], keepers[row["offset"]]))
            wanted.update(keepers.values())
    keeping = _keepers(folder, done, wanted)
    receipts = {
        row["removed"]: row for row in _of(found.receipts(), [k[0] for k in keeping.values()])
    }
    for identity, place in copies:
        keeper, passed = keeping[place]
        receipt = receipts.get(keeper, {"kept": keeper, "similarity": 1.0, "buckets": 0})
        rows.append(
            {
                "removed": identity,
                "kept": receipt["kept"],
                "similarity": receipt["similarity"],
                "buckets": receipt["buckets"],
                "rule": "payload" if passed else "payload.dropped",
            }
        )
        if passed:
            stands[receipt["kept"]] = stands.get(receipt["kept"], 0) + 1
    return pa.Table.from_pylist(rows, schema=RECEIPT), stands


def _survey(task: _Task, tick: Tick) -> None:
    rows = []
    for record in task.curation.source.read(task.split):
        if admitted(task.curation, record):
            high, low = _payload_hash(record)
            date = timestamp(record.meta.get("date"))
            rows.append(
                {
                    "id": record.id,
                    "path": record.source.path,
                    "offset": record.source.offset,
                    "date": date,
                    "host": host_of(record.url),
                    "high": high,
                    "low": low,
                }
            )
        record.payload = None
    table = pa.Table.from_pylist(rows, schema=SEEN)
    with task.folder.replacing(task.file("seen.parquet")) as temporary:
        pq.write_table(table.replace_schema_metadata({"stamp": task.stamp}), temporary)


def _seen(task: _Task) -> bool:
    try:
        metadata = pq.read_schema(task.read("seen.parquet")).metadata or {}
    except (FileNotFoundError, pa.ArrowInvalid):
        return False
    return bool(metadata.get(b"stamp", b"").decode() == task.stamp)


def _payload_hash(record: RawRecord) -> tuple[int, int]:
    declared = f"{record.meta.get('content_type')}\0{record.meta.get('http_charset')}\0"
    digest = xxhash.xxh3_128(declared.encode("utf-8", "surrogatepass"))
    digest.update(record.payload or b"")
    number = digest.intdigest()
    return number >> 64, number & (2**64 - 1)


def _copies(seen: pa.Table, settings: Dedup) -> tuple[Any, Any]:
    """For each row the row that is kept for its payload, and how many rows have that payload."""
    rows = seen.num_rows
    places = [seen["id"], seen["path"], pc.utf8_lpad(seen["offset"].cast(pa.string()), 20, "0")]
    documents = pa.table(
        {
            "id": pc.binary_join_element_wise(*places, "\n").cast(pa.large_string()),
            "characters": pa.array(np.zeros(rows, np.int64)),
            "date": seen["date"],
            "host": seen["host"],
            "source": pa.array([""] * rows, pa.string()),
            "quality": pa.array(np.full(rows, np.nan)),
        },
        schema=DOCUMENTS,
    )
    order = keeper_order(documents, np.empty(0, np.bool_), settings)
    numbers = np.empty(rows, np.uint32)
    numbers[order] = np.arange(rows, dtype=np.uint32)
    hashes = np.column_stack([seen["high"].to_numpy(), seen["low"].to_numpy()])
    kept = same_texts([hashes.astype(np.uint64)], numbers)[numbers]
    return order[kept], np.bincount(kept, minlength=rows)[kept]


def _leave(task: _Task, seen: pa.Table, copies: tuple[Any, Any], rows: Any) -> PayloadCopies:
    kept, records = copies
    rows = rows[kept[rows] != rows]
    keepers = seen.take(pa.array(kept[rows]))
    table = pa.table(
        [
            seen["offset"].take(pa.array(rows)),
            pa.array(records[rows]),
            keepers["path"],
            keepers["offset"],
            keepers["id"],
        ],
        schema=COPIES,
    )
    path = task.file("copies.parquet")
    with task.folder.replacing(path) as temporary:
        pq.write_table(table, temporary)
    return PayloadCopies(task.folder, path, fingerprint(table.to_pylist()))


def _keepers(
    folder: RunFolder, done: Mapping[int, Completion], wanted: set[tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, bool]]:
    """The final id of each keeper, and whether it has passed all filters."""
    found = {}
    for index in sorted(done):
        path = folder.here(done[index].paths(folder, index)["records"])
        for row in read_rows(path, ["id", "path", "offset", "fate"]):
            place = (row["path"], row["offset"])
            if place in wanted:
                found[place] = (row["id"], row["fate"] in ("kept", "duplicate"))
    return found


def _of(receipts: pa.Table, removed: Sequence[str]) -> list[dict[str, Any]]:
    chosen = receipts.filter(
        pc.is_in(receipts["removed"], value_set=pa.array(removed, pa.string()))
    )
    rows: list[dict[str, Any]] = chosen.to_pylist()
    return rows


def _home(folder: RunFolder) -> Path:
    return folder.state / "payloads"

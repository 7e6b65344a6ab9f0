"""The signature index: what a deduplication knows of every document, on disk, part by part.

Later runs deduplicate against it without reading old text. A part is five files of plain numbers,
mapped into memory when used, and a record with their checksums, written last::

    part-00000.signatures.u32    uint32[n, permutations]
    part-00000.shingles.u32      uint32[total], the distinct shingle hashes of every text, sorted
    part-00000.starts.i64        int64[n + 1], where the shingles of each text start
    part-00000.texts.u64         uint64[n, 2], text hashes
    part-00000.documents.arrow   id and what the keeper rules look at
    part-00000.json              how it was signed, of what, checksums

`pipeline.dedup.signatures` makes the numbers; nothing here compares texts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from pipeline.core.errors import ConfigError, StorageError
from pipeline.dedup.keep import timestamp
from pipeline.dedup.signatures import Signed, Signing
from pipeline.filters.url_parts import host_of
from pipeline.runtime.storage import RunFolder
from pipeline.stores.address import run_folder

__all__ = [
    "DOCUMENTS",
    "EarlierPart",
    "Entry",
    "IndexPart",
    "forget_parts",
    "index_folder",
    "open_index",
    "open_indexes",
    "part_number",
    "whole_part",
    "write_part",
]

DOCUMENTS = pa.schema(
    [
        ("id", pa.large_string()),
        ("characters", pa.int64()),
        ("date", pa.float64()),  # seconds since 1970
        ("host", pa.string()),
        ("source", pa.string()),
        ("quality", pa.float64()),
    ]
)
NUMBERS = {
    "signatures.u32": np.uint32,
    "shingles.u32": np.uint32,
    "starts.i64": np.int64,
    "texts.u64": np.uint64,
}
TABLE = "documents.arrow"
RECEIPTS = ("dedup/receipts.parquet", "receipts.parquet")  # of a run, of files

_DOCUMENTS_AT_ONCE = 256
_CHUNK = 1 << 22


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A document as deduplication takes it.

    Args:
        id: unique among all that are deduplicated together.
        text: any string.
        url: for the rules and the alarm that look at domains.
        date: ISO 8601 or a `datetime`; anything else counts as unknown.
        source: where it comes from, for the alarm.
        quality: the score of the recipe's ``quality`` column.
    """

    id: str
    text: str
    url: str = ""
    date: Any = None
    source: str = ""
    quality: float | None = None


@dataclasses.dataclass(frozen=True)
class IndexPart:
    """One part of an index.

    Args:
        root: the output folder that it lies in.
        number: its number there.
        rows: documents.
        signing: parameters it was signed with.
        stamp: names the input it was made of; equal stamps, equal input.
        files: size and checksum of each file.
    """

    root: RunFolder
    number: int
    rows: int
    signing: dict[str, Any]
    stamp: str
    files: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, root: RunFolder, number: int) -> IndexPart | None:
        """The record of a part; None if there is none, or it is not a whole one."""
        try:
            data = json.loads(root.read_text(_path(index_folder(root.root), number, "json")))
            return cls(root, number, **data)
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def damaged(self) -> str | None:
        """The first file whose bytes are not those that were written; None if all are whole."""
        for name, noted in self.files.items():
            path = self._file(name)
            try:
                whole = path.stat().st_size == noted["bytes"] and _checksum(path) == noted["xxh3"]
            except OSError:
                whole = False
            if not whole:
                return str(path)
        return None

    @property
    def signatures(self) -> npt.NDArray[np.uint32]:
        return self._numbers("signatures.u32").reshape(self.rows, self.signing["permutations"])

    @property
    def shingles(self) -> npt.NDArray[np.uint32]:
        return self._numbers("shingles.u32")

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        return self._numbers("starts.i64")

    @property
    def text_hashes(self) -> npt.NDArray[np.uint64]:
        return self._numbers("texts.u64").reshape(self.rows, 2)

    def documents(self, columns: Iterable[str] | None = None) -> pa.Table:
        """The documents' table (`DOCUMENTS`), mapped, or some columns of it."""
        path = self._file(TABLE)
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        return table if columns is None else table.select(list(columns))

    def plain(self) -> dict[str, Any]:
        """What the record says, and the number."""
        fields = ("number", "rows", "signing", "stamp", "files")
        return {name: getattr(self, name) for name in fields}

    def _file(self, name: str) -> Path:
        """A file of the part, at hand. Its checksum names its content: it is fetched once."""
        path = _path(index_folder(self.root.root), self.number, name)
        return self.root.here(path, key=self.files[name]["xxh3"])

    def _numbers(self, name: str) -> npt.NDArray[Any]:
        path, dtype = self._file(name), NUMBERS[name]
        if not self.files[name]["bytes"]:
            return np.empty(0, dtype)
        return np.memmap(path, dtype, mode="r")


def part_number(path: Path) -> int:
    """The number of the part that a file belongs to: 7 for ``part-00007.json`` or ``00007.json``."""
    return int(path.name.partition(".")[0].removeprefix("part-"))


def whole_part(folder: RunFolder, number: int, signing: Signing, stamp: str) -> IndexPart | None:
    """A part as an earlier run left it, if it is of this input, signed like this, and undamaged."""
    part = IndexPart.read(folder, number)
    fits = (
        part is not None
        and part.stamp == stamp
        and part.signing == signing.parameters()
        and part.damaged() is None
    )
    return part if fits else None


def forget_parts(folder: RunFolder, first: int) -> None:
    """Take away the parts from number ``first`` on."""
    for path in folder.children(index_folder(folder.root), "part-*"):
        if part_number(path) >= first:
            folder.remove(path)


def index_folder(root: Path) -> Path:
    """Where the index of an output folder lies."""
    return root / "dedup" / "index"


def write_part(
    folder: RunFolder,
    number: int,
    entries: Iterable[Entry],
    signing: Signing,
    stamp: str,
) -> IndexPart:
    """Sign ``entries`` and write them as one part, all or nothing; memory does not grow with them.

    Raises:
        StorageError: it cannot be written.
    """
    home = index_folder(folder.root)
    home.mkdir(parents=True, exist_ok=True)
    record = _path(home, number, "json")
    folder.remove(record)
    rows = 0
    with contextlib.ExitStack() as stack:
        temporary = {
            name: stack.enter_context(folder.replacing(_path(home, number, name)))
            for name in (*NUMBERS, TABLE)
        }
        with contextlib.ExitStack() as files:
            out = {name: files.enter_context(temporary[name].open("wb")) for name in NUMBERS}
            table = files.enter_context(pa.ipc.new_file(str(temporary[TABLE]), DOCUMENTS))
            np.zeros(1, np.int64).tofile(out["starts.i64"])
            end = 0
            for batch in _batches(entries):
                signed = signing.sign([entry.text for entry in batch])
                end = _append(out, signed, end)
                table.write_batch(_described(batch))
                rows += len(batch)
        noted = {
            name: {"bytes": path.stat().st_size, "xxh3": _checksum(path)}
            for name, path in temporary.items()
        }
    part = IndexPart(folder, number, rows, signing.parameters(), stamp, noted)
    plain = part.plain()
    del plain["number"]
    folder.write_text(record, json.dumps(plain, sort_keys=True))
    return part


@dataclasses.dataclass(frozen=True)
class EarlierPart:
    """A part of an earlier run's index.

    Args:
        part: the part.
        kept: ``bool[rows]``, False for documents that run removed.
    """

    part: IndexPart
    kept: npt.NDArray[np.bool_]


def open_indexes(roots: Sequence[str], signing: Signing) -> list[EarlierPart]:
    """The indexes of several finished runs, as `open_index` has each."""
    return [part for root in roots for part in open_index(root, signing)]


def open_index(root: str | Path | RunFolder, signing: Signing) -> list[EarlierPart]:
    """The index of a finished run, checked against its checksums.

    Args:
        root: its output folder, or the path or URL of it.
        signing: how it must have been signed.

    Raises:
        ConfigError: there is no index, or it was signed in another way: the difference is named.
        StorageError: a part is damaged.
    """
    folder = run_folder(root)
    if folder.mirror is None:  # tasks may run in another folder
        folder = RunFolder(folder.root.absolute())
    shown, home = folder.shown, index_folder(folder.root)
    records = folder.children(home, "part-*.json")
    receipts = next(filter(folder.exists, (folder.root / name for name in RECEIPTS)), None)
    if not records or receipts is None or not folder.exists(folder.manifest):
        raise ConfigError(
            f"{shown} holds no finished deduplication; 'against' takes the output folder of one"
        )
    manifest = json.loads(folder.read_text(folder.manifest))
    if len(records) != manifest["dedup"]["parts"]:
        raise StorageError(
            f"{shown}/dedup/index has {len(records)} of its {manifest['dedup']['parts']} parts; "
            f"run what wrote {shown} again to rebuild it"
        )
    removed = pq.read_table(folder.here(receipts), columns=["removed"])["removed"].cast(
        pa.large_string()
    )
    found = []
    for path in records:
        part = IndexPart.read(folder, part_number(path))
        if part is None:
            raise StorageError(f"{path} is damaged; run what wrote {shown} again to rebuild it")
        differences = _differences(part.signing, signing.parameters())
        if differences:
            raise ConfigError(f"the index of {shown} was made with other parameters: {differences}")
        damaged = part.damaged()
        if damaged is not None:
            raise StorageError(f"{damaged} is damaged; run what wrote {shown} again to rebuild it")
        gone = pc.is_in(part.documents(["id"])["id"], value_set=removed)
        found.append(EarlierPart(part, ~gone.to_numpy()))
    return found


def _differences(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {theirs.get(name)!r} there, {ours.get(name)!r} here"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name) != ours.get(name)
    )


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _DOCUMENTS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _append(out: Mapping[str, BinaryIO], signed: Signed, end: int) -> int:
    signed.signatures.tofile(out["signatures.u32"])
    signed.shingles.tofile(out["shingles.u32"])
    signed.text_hashes.tofile(out["texts.u64"])
    (signed.starts[1:] + end).tofile(out["starts.i64"])
    return end + len(signed.shingles)


def _described(batch: list[Entry]) -> pa.RecordBatch:
    columns = {
        "id": [entry.id for entry in batch],
        "characters": [len(entry.text) for entry in batch],
        "date": [timestamp(entry.date) for entry in batch],
        "host": [host_of(entry.url) for entry in batch],
        "source": [entry.source for entry in batch],
        "quality": [float("nan") if entry.quality is None else entry.quality for entry in batch],
    }
    return pa.RecordBatch.from_pydict(columns, schema=DOCUMENTS)


def _path(folder: Path, number: int, name: str) -> Path:
    return folder / f"part-{number:05d}.{name}"


def _checksum(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as handle:
        for chunk in iter(functools.partial(handle.read, _CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()

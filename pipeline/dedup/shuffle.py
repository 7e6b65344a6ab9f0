"""Deduplication of an index, step by step, each step in tasks of bounded memory with files between.

    number   documents in keeper order                             (`keep`)
    exact    same normalised text                                  (`exact`)
    band     band keys of every part, grouped by key               (`buckets`)
    bucket   one partition of keys: buckets of two or more         (`buckets`)
    cluster  connected components over all buckets                 (`clusters`)
    group    buckets again, grouped by component
    verify   one group of components: true similarities            (`verify`)

The tasks run on any executor. Their files are named by what they depend on, so that a run that was
killed takes up where it stopped. The outcome does not depend on parts, partitions or workers.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.buckets import (
    band_keys,
    band_rows,
    buckets_of,
    partition_of,
    star_edges,
)
from pipeline.dedup.clusters import components
from pipeline.dedup.exact import same_texts
from pipeline.dedup.index import DOCUMENTS, EarlierPart, IndexPart
from pipeline.dedup.keep import keeper_order
from pipeline.dedup.outcome import Outcome, outcome
from pipeline.dedup.partitions import ROW, Rows, read_partition, write_partitions
from pipeline.dedup.settings import Dedup
from pipeline.dedup.verify import (
    Library,
    decide,
    join_removals,
    read_removals,
    write_removals,
)
from pipeline.runtime.executor import Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.storage import RunFolder

__all__ = ["Execute", "deduplicate", "sweep"]

Execute = Callable[[Callable[[Any, Tick], Any], Sequence[Any]], Iterator[tuple[int, Any]]]

DOCUMENTS_PER_TASK = 200_000
ROWS_PER_PARTITION = 2_000_000

_UInt32 = npt.NDArray[np.uint32]


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What all tasks of one deduplication know. Small, since each task carries it.

    Args:
        folder: the output folder.
        home: where the files between the steps lie.
        earlier: documents that earlier runs kept: the smallest numbers.
        active: those and the ones to decide about; larger numbers were removed before.
        settings: the recipe's section.
        stretches: of documents whose bands are taken in one task.
        partitions: of the band keys.
        folders: those that parts lie in.
        groups: of the components.
    """

    folder: RunFolder
    home: Path
    earlier: int
    active: int
    settings: Dedup
    stretches: int
    partitions: int
    folders: tuple[RunFolder, ...]
    groups: int = 1

    @property
    def parts(self) -> tuple[IndexPart, ...]:
        """Of earlier runs first."""
        return _read_parts(self.read("parts"), self.folders)

    def file(self, step: str, number: int = 0) -> Path:
        return self.home / f"{step}-{number:05d}"

    def read(self, step: str, number: int = 0) -> Path:
        """A file of an earlier step, at hand. Its path names its content: it is fetched once."""
        return self.folder.here(self.file(step, number), key=self.home.name)

    def array(self, step: str, dtype: Any) -> npt.NDArray[Any]:
        """An array of all documents, mapped."""
        path = self.read(step)
        if not path.stat().st_size:
            return np.empty(0, dtype)
        return np.asarray(np.memmap(path, dtype, mode="r"))


@dataclasses.dataclass(frozen=True)
class _Task:
    """One piece of a step.

    Args:
        plan: the deduplication.
        number: of the piece.
        part, first, last: where it takes documents: rows of a part.
        before: documents in the parts before that.
    """

    plan: _Plan
    number: int
    part: int = 0
    first: int = 0
    last: int = 0
    before: int = 0


def deduplicate(
    folder: RunFolder,
    parts: Sequence[IndexPart],
    settings: Dedup,
    execute: Execute,
    against: Sequence[EarlierPart] = (),
) -> Outcome:
    """Find what goes and what stays; nothing but work files is written.

    Args:
        folder: a locked output folder; work files go below its state folder.
        parts: signature parts of the documents to decide about.
        settings: how.
        execute: runs tasks, such as the ``run`` of an executor.
        against: parts of earlier runs; what they kept stays.

    Raises:
        StorageError: work files cannot be written.
    """
    every = (*(earlier.part for earlier in against), *parts)
    documents = pa.concat_tables([part.documents() for part in every] or [DOCUMENTS.empty_table()])
    standing = np.concatenate([np.empty(0, np.bool_), *(earlier.kept for earlier in against)])
    order = keeper_order(documents, standing, settings)
    gone = int(np.count_nonzero(~standing))
    stretches = _stretches(every)
    plan = _Plan(
        folder,
        _home(folder) / _name(settings, every, standing),
        earlier=len(standing) - gone,
        active=len(order) - gone,
        settings=settings,
        stretches=len(stretches),
        partitions=_pieces(len(order) * settings.banding[0]),
        folders=tuple(dict.fromkeys(part.root for part in every)),
    )
    sweep(folder, besides=plan.home)
    plan.home.mkdir(parents=True, exist_ok=True)
    _write_parts(plan, every)
    numbers = np.empty(len(order), np.uint32)
    numbers[order] = np.arange(len(order), dtype=np.uint32)
    first = same_texts([part.text_hashes for part in every], numbers)
    for step, array in (("order", order), ("numbers", numbers), ("first", first)):
        _write(plan, step, array)

    partitions = [_Task(plan, number) for number in range(plan.partitions)]
    bands = [_Task(plan, number, *stretch) for number, stretch in enumerate(stretches)]
    _all(execute, _band, bands)
    _all(execute, _bucket, partitions)
    sizes = sum(plan.folder.size(plan.file("bucket", task.number)) or 0 for task in partitions)
    plan = dataclasses.replace(plan, groups=_pieces(sizes // ROW.itemsize))
    _write(plan, "labels", components(lambda: map(star_edges, _buckets(plan)), len(order)))
    _all(execute, _group, [_Task(plan, number) for number in range(plan.partitions)])
    groups = [_Task(plan, number) for number in range(plan.groups)]
    _all(execute, _verify, groups)
    near = join_removals(read_removals(plan.read("verify", task.number)) for task in groups)
    return outcome(
        documents=documents,
        parts=[part.rows for part in every],
        order=order,
        first=first,
        near=near,
        earlier=plan.earlier,
        active=plan.active,
        settings=settings,
    )


def sweep(folder: RunFolder, besides: Path | None = None) -> None:
    """Take work files away, those of another plan or all."""
    for home in folder.children(_home(folder)):
        if home != besides:
            folder.clear(home)


# --- tasks ---------------------------------------------------------------------------------


def _band(task: _Task, tick: Tick) -> None:
    """Band keys of a stretch of documents that are the first with their text and have words."""
    plan = task.plan
    part = plan.parts[task.part]
    rows = slice(task.before + task.first, task.before + task.last)
    numbers = plan.array("numbers", np.uint32)[rows]
    words = np.diff(part.starts[task.first : task.last + 1]) > 0
    chosen = words & (numbers < plan.active) & (plan.array("first", np.uint32)[numbers] == numbers)
    signatures = part.signatures[task.first : task.last][chosen]
    keyed = band_rows(band_keys(signatures, *plan.settings.banding), numbers[chosen])
    with plan.folder.replacing(plan.file("band", task.number)) as temporary:
        where = partition_of(keyed["key"], plan.partitions)
        write_partitions(temporary, keyed, where, plan.partitions)


def _bucket(task: _Task, tick: Tick) -> None:
    """One partition of the keys: only what more than one document has."""
    plan = task.plan
    files = [plan.read("band", number) for number in range(plan.stretches)]
    rows = buckets_of(read_partition(files, task.number, plan.partitions), plan.earlier)
    with plan.folder.replacing(plan.file("bucket", task.number)) as temporary:
        rows.tofile(temporary)


def _group(task: _Task, tick: Tick) -> None:
    """One partition of the buckets, grouped by component, so that components are whole again."""
    plan = task.plan
    rows = _read_buckets(plan, task.number)
    labels = plan.array("labels", np.uint32)[rows["document"]]
    spread = labels.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    with plan.folder.replacing(plan.file("group", task.number)) as temporary:
        write_partitions(temporary, rows, partition_of(spread, plan.groups), plan.groups)


def _verify(task: _Task, tick: Tick) -> None:
    """Decide over some whole components."""
    plan = task.plan
    files = [plan.read("group", number) for number in range(plan.partitions)]
    rows = read_partition(files, task.number, plan.groups)
    library = Library(plan.parts, plan.array("order", np.int64))
    removals = decide(rows, library, plan.settings, plan.earlier)
    with plan.folder.replacing(plan.file("verify", task.number)) as temporary:
        write_removals(temporary, removals)


# --- files and plans -----------------------------------------------------------------------


def _all(execute: Execute, work: Callable[[_Task, Tick], None], tasks: Sequence[_Task]) -> None:
    """Run the tasks whose file an earlier run has not left."""
    step = work.__name__.removeprefix("_")
    left = [task for task in tasks if not _done(task, step)]
    for _ in execute(work, left) if left else ():
        pass


def _done(task: _Task, step: str) -> bool:
    return task.plan.folder.exists(task.plan.file(step, task.number))


def _stretches(parts: Sequence[IndexPart]) -> list[tuple[int, int, int, int]]:
    """Part, first and last row, documents before the part: of every stretch of documents."""
    before = np.cumsum([0, *(part.rows for part in parts)]).tolist()
    return [
        (number, first, min(first + DOCUMENTS_PER_TASK, part.rows), before[number])
        for number, part in enumerate(parts)
        for first in range(0, part.rows, DOCUMENTS_PER_TASK)
    ]


def _write_parts(plan: _Plan, parts: Sequence[IndexPart]) -> None:
    plain = [part.plain() | {"root": plan.folders.index(part.root)} for part in parts]
    plan.folder.write_text(plan.file("parts"), json.dumps(plain))


@functools.lru_cache(maxsize=2)
def _read_parts(path: Path, folders: tuple[RunFolder, ...]) -> tuple[IndexPart, ...]:
    # The path names what is in the file: it holds the fingerprint of the parts.
    plain = json.loads(path.read_text(encoding="utf-8"))
    return tuple(IndexPart(**(part | {"root": folders[part["root"]]})) for part in plain)


def _pieces(rows: int) -> int:
    return min(1 << 16, max(1, -(-rows // ROWS_PER_PARTITION)))


def _buckets(plan: _Plan) -> Iterator[Rows]:
    for number in range(plan.partitions):
        yield _read_buckets(plan, number)


def _read_buckets(plan: _Plan, number: int) -> Rows:
    return np.fromfile(plan.read("bucket", number), ROW)


def _write(plan: _Plan, step: str, array: npt.NDArray[Any]) -> None:
    with plan.folder.replacing(plan.file(step)) as temporary:
        array.tofile(temporary)


def _home(folder: RunFolder) -> Path:
    return folder.state / "dedup"


def _name(settings: Dedup, parts: Sequence[IndexPart], standing: npt.NDArray[np.bool_]) -> str:
    made_of = [[part.rows, part.files] for part in parts]
    # The alarm comes after: a run that it stopped goes on from the work that is done.
    decided = {name: value for name, value in settings.describe().items() if name != "alarm"}
    return fingerprint(decided, made_of, np.packbits(standing).tobytes().hex())

"""A corpus on its way through an audit: its parts, what each depends on, and the steps done for each.

An audit goes over the same parts several times. Each time, parts that were done before, by an audit
that was killed or by the same command, are found by their records and left as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pipeline
from pipeline.audit.completion import finish, finished, forget
from pipeline.core.errors import SourceError
from pipeline.runtime.executor import Executor, Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.progress import Reporter
from pipeline.runtime.storage import RunFolder
from pipeline.sources.corpus import (
    CorpusColumns,
    CorpusPart,
    CorpusRow,
    read_corpus,
    stamp,
)

__all__ = ["Corpus", "Done", "PartTask", "batches", "do_parts", "execute", "stamps_of"]

BATCH, BATCH_CHARACTERS = 256, 2 << 20  # rows read together, whichever is reached first

Stamps = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What is audited, as it was when the audit began.

    Args:
        name: of its records and work files: ``corpus``, ``clean``, ``self_test``.
        parts: from `pipeline.sources.corpus.plan_corpus`.
        columns: their names.
        stamps: what tells by input whether it has changed.
    """

    name: str
    parts: tuple[CorpusPart, ...]
    columns: CorpusColumns
    stamps: Stamps

    @classmethod
    def of(cls, name: str, parts: Iterable[CorpusPart], columns: CorpusColumns) -> Corpus:
        """With the stamps that its inputs have now.

        Raises:
            SourceError: an input is gone.
        """
        parts = tuple(parts)
        return cls(name, parts, columns, stamps_of(parts))

    def fingerprints(self) -> list[str]:
        """Of each part: where it is, what tells that it changed, and which columns are read."""
        return [
            fingerprint(
                pipeline.__version__,
                [part.name, type(part.source).__name__, dataclasses.astuple(part.source)],
                [self.stamps[path] for path in part.inputs],
                dataclasses.astuple(self.columns),
            )
            for part in self.parts
        ]

    def check_unchanged(self) -> None:
        """See that every input is what it was.

        Raises:
            SourceError: one has changed, so that what was found belongs to no one version of it.
        """
        for path, now in stamps_of(self.parts).items():
            if now != self.stamps[path]:
                raise SourceError(
                    f"{path}: was changed while it was read; run the same command again"
                )


def stamps_of(parts: Iterable[CorpusPart]) -> dict[str, tuple[int, int]]:
    """What tells by input whether it has changed; each looked at once."""
    return {path: stamp(path) for path in dict.fromkeys(p for part in parts for p in part.inputs)}


def batches(
    part: CorpusPart, columns: CorpusColumns, faults: list[CorpusRow]
) -> Iterator[list[CorpusRow]]:
    """The documents of a part in order, some at a time; at least one, and few if they are long.

    Args:
        part: to be read.
        columns: their names.
        faults: takes in the rows that are no documents.

    Raises:
        SourceError: the input can no longer be read.
    """
    held: list[CorpusRow] = []
    size = 0
    for row in read_corpus(part, columns):
        if row.fault or row.text is None:
            faults.append(row)
            continue
        if held and (len(held) == BATCH or size + len(row.text) > BATCH_CHARACTERS):
            yield held
            held, size = [], 0
        held.append(row)
        size += len(row.text)
    if held:
        yield held


# --- doing -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class PartTask:
    """One step for one part. Picklable.

    Args:
        folder: of the audit.
        name: what the part's files begin with.
        number: of the part.
        part, columns: what is read, and how.
        key: of all that the result depends on.
    """

    folder: RunFolder
    name: str
    number: int
    part: CorpusPart
    columns: CorpusColumns
    key: str

    def file(self, kind: str) -> Path:
        """Where a work file of the part lies."""
        return self.folder.splits / f"{self.name}-{self.number:05d}.{kind}"

    def done(self, kind: str) -> dict[str, Any] | None:
        """What was noted of a step, by its record of that kind; None if it is not done."""
        return finished(self.folder, self.file(f"{kind}.json"), self.key)


class Step(Protocol):
    """What is done for a part: writes its files and gives their paths and what is to be noted."""

    __name__: str

    def __call__(self, task: Any, tick: Tick) -> tuple[Sequence[Path], dict[str, Any]]: ...


@dataclasses.dataclass(frozen=True)
class _Job:
    """A task and its step, as one picklable value."""

    step: Step
    kind: str
    task: PartTask


@dataclasses.dataclass(frozen=True)
class Done:
    """A step that is done for every part.

    Args:
        noted: for each part, in order.
        before: how many were done before.
    """

    noted: list[dict[str, Any]]
    before: int


Run = Callable[[Callable[..., Any], Sequence[Any]], Iterable[tuple[int, Any]]]


def do_parts(step: Step, kind: str, tasks: Sequence[PartTask], run: Run) -> Done:
    """Do a step for every part for which it is not done yet, and note it.

    Args:
        step: an importable function.
        kind: names the record of the step.
        tasks: one for each part.
        run: `Executor.run`, or something around it.
    """
    noted = [task.done(kind) for task in tasks]
    left = [number for number, found in enumerate(noted) if found is None]
    jobs = [_Job(step, kind, tasks[number]) for number in left]
    for position, made in run(_do, jobs) if jobs else ():
        noted[left[position]] = made
    return Done([found for found in noted if found is not None], len(tasks) - len(left))


def _do(job: _Job, tick: Tick) -> dict[str, Any]:
    task = job.task
    record = task.file(f"{job.kind}.json")
    forget(task.folder, record)
    files, noted = job.step(task, tick)
    finish(task.folder, record, task.key, files, noted)
    return noted


def execute(
    executor: Executor, progress: Reporter, what: str, sizes: Sequence[int] | None = None
) -> Run:
    """``executor.run`` that tells how far a step has come.

    Args:
        what: the step, for a person.
        sizes: characters of each task's part, where they are known: then the line says how fast
            it goes and how long it takes, too.
    """

    def run(work: Callable[..., Any], jobs: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if sizes is None:
            for done, ended in enumerate(executor.run(work, jobs), 1):
                progress.step(what, done, len(jobs))
                yield ended
            return
        own = [sizes[job.task.number] for job in jobs]
        progress.start(sum(own), 0, {})
        ended_at: set[int] = set()

        def live(counts: Mapping[int, Mapping[str, int]]) -> None:
            progress.running({at: counts[at] for at in counts if at not in ended_at})

        for position, noted in executor.run(work, jobs, live):
            ended_at.add(position)
            progress.finished(own[position], {"documents": noted["documents"]})
            yield position, noted

    return run

"""Steps of a run that are done part by part, each part once: records tell what is done already.

Parts that were done before, by a run that was killed or by the same command, are left as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline.runtime.completion import finish, finished, forget
from pipeline.runtime.executor import Executor, Tick
from pipeline.runtime.progress import Reporter
from pipeline.runtime.storage import RunFolder

__all__ = ["Done", "Run", "Step", "StepTask", "do_parts", "execute"]


@dataclasses.dataclass(frozen=True)
class StepTask:
    """One step for one part. Picklable.

    Args:
        folder: of the run.
        name: what the part's files begin with.
        number: of the part.
        key: of all that the result depends on.
    """

    folder: RunFolder
    name: str
    number: int
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
    task: StepTask


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


def do_parts(step: Step, kind: str, tasks: Sequence[StepTask], run: Run) -> Done:
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
    executor: Executor,
    progress: Reporter,
    what: str,
    sizes: Sequence[int] | None = None,
    count: str = "documents",
) -> Run:
    """``executor.run`` that tells how far a step has come.

    Args:
        what: the step, for a person.
        sizes: characters of each task's part, where they are known: then the line says how fast
            it goes and how long it takes, too.
        count: what is noted of a part's size, for that line.
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
            progress.finished(own[position], {count: noted[count]})
            yield position, noted

    return run

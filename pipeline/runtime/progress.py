"""What a person sees while a run goes on: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from pipeline.core.records import Fate

__all__ = ["Reporter", "Silent", "reporter", "shown"]

Run = Callable[[Callable[..., Any], Sequence[Any]], Iterator[tuple[int, Any]]]

LINE_SECONDS = 10.0
STILL_SECONDS = 60.0


class Reporter(Protocol):
    """Told what is done and what is going on; shows it somehow."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def start(self, total_bytes: int, done_bytes: int, fates: Mapping[str, int]) -> None:
        """Before the first split: the input's size, and what an earlier run has done of it."""

    def finished(self, size: int, fates: Mapping[str, int]) -> None:
        """A split ended."""

    def running(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        """Latest counts of the splits under way: bytes read and records by fate."""

    def step(self, what: str, done: int, total: int) -> None:
        """A step of many tasks, not counted in records, has come this far."""

    def say(self, line: str) -> None:
        """A line worth keeping."""


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def start(self, total_bytes: int, done_bytes: int, fates: Mapping[str, int]) -> None:
        return None

    def finished(self, size: int, fates: Mapping[str, int]) -> None:
        return None

    def running(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        return None

    def step(self, what: str, done: int, total: int) -> None:
        return None

    def say(self, line: str) -> None:
        return None


class _Counting:
    """Adds up finished and running splits, and estimates what is left from the bytes."""

    def __init__(self, console: Console):
        self.console = console
        self._fates: Counter[str] = Counter()
        self._before = 0
        self._total = self._done = self._done_before = 0
        self._live: Mapping[int, Mapping[str, int]] = {}
        self._started = time.monotonic()

    def start(self, total_bytes: int, done_bytes: int, fates: Mapping[str, int]) -> None:
        self._total, self._done, self._done_before = total_bytes, done_bytes, done_bytes
        self._fates.update(fates)
        self._before = sum(fates.values())
        self._started = time.monotonic()

    def finished(self, size: int, fates: Mapping[str, int]) -> None:
        self._done += size
        self._fates.update(fates)
        self._live = {}
        self._show()

    def running(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        self._live = counts
        self._show()

    def say(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False)

    def _show(self) -> None:
        raise NotImplementedError

    def _status(self) -> tuple[int, str]:
        """Bytes done and one line: records, speed, fates, time left."""
        fates, done = Counter(self._fates), self._done
        for counts in self._live.values():
            done += counts.get("bytes", 0)
            fates.update({name: n for name, n in counts.items() if name != "bytes"})
        done = min(done, self._total)
        records, seconds = sum(fates.values()), max(time.monotonic() - self._started, 1e-3)
        parts = [f"{records:,} records", f"{(records - self._before) / seconds:,.0f}/s"]
        parts += [f"{fates[fate]:,} {fate}" for fate in Fate if fates[fate]]
        progressed = done - self._done_before
        if progressed > 0 and done < self._total and seconds > 3:
            parts.append(f"{_duration(seconds * (self._total - done) / progressed)} left")
        return done, " · ".join(parts)


class _Lines(_Counting):
    """A plain line every ten seconds, and every minute while nothing is new."""

    def __init__(self, console: Console):
        super().__init__(console)
        self._last = time.monotonic()
        self._shown = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def _show(self) -> None:
        waited = time.monotonic() - self._last
        if waited < LINE_SECONDS:
            return
        done, line = self._status()
        if done == self._shown and waited < STILL_SECONDS:
            return
        self._last, self._shown = time.monotonic(), done
        self.say(f"{done / max(self._total, 1):4.0%}  {line}")

    def step(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._last >= LINE_SECONDS:
            self._last = time.monotonic()
            self.say(f"{done / max(total, 1):4.0%}  {what}: {done:,} of {total:,}")


class _Bar(_Counting):
    """A live bar."""

    def __init__(self, console: Console):
        super().__init__(console)
        self._progress = Progress(
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._bar = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def _show(self) -> None:
        done, line = self._status()
        self._progress.update(self._bar, completed=done, total=self._total, description=line)

    def step(self, what: str, done: int, total: int) -> None:
        line = f"{what}: {done:,} of {total:,}"
        self._progress.update(self._bar, completed=done, total=total, description=line)


def shown(execute: Run, progress: Reporter) -> Run:
    """``execute`` that tells ``progress`` after each task how far the step has come."""

    def run(work: Callable[..., Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        name = work.__name__.strip("_").replace("_", " ")
        for done, ended in enumerate(execute(work, tasks), 1):
            progress.step(name, done, len(tasks))
            yield ended

    return run


def reporter(console: Console, quiet: bool = False) -> Reporter:
    """A bar where there is a terminal to draw it on, lines where there is none."""
    if quiet:
        return Silent()
    return _Bar(console) if console.is_terminal else _Lines(console)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"

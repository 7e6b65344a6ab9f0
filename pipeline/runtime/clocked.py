"""Runs tasks in this process and notes what each took: CPU, time and memory, children included."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from pipeline.runtime.executor import OnTick, SerialExecutor, Work

__all__ = ["ClockedExecutor", "Cost"]

_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a process with all its children, and wall-clock seconds."""

    cpu: float = 0.0
    wall: float = 0.0

    def plus(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


class ClockedExecutor(SerialExecutor):
    """Everything in this process, in order, and measured by split.

    A task belongs to the split that its ``index`` names, to none (None) if it has no such attribute.

    Attributes:
        costs: what the tasks of each split took.
        peaks: the largest resident size that this process and its children had had by the end of
            the split's tasks, in bytes, each process at its own height, added up.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.costs: dict[int | None, Cost] = {}
        self.peaks: dict[int | None, int] = {}

    def run(
        self, work: Work, tasks: Sequence[Any], on_tick: OnTick | None = None
    ) -> Iterator[tuple[int, Any]]:
        waiting = super().run(work, tasks, on_tick)
        for task in tasks:
            index = getattr(task, "index", None)
            index = index if isinstance(index, int) else None
            before = self.now()
            ended = next(waiting)
            after = self.now()
            spent = Cost(after.cpu - before.cpu, after.wall - before.wall)
            self.costs[index] = self.costs.get(index, Cost()).plus(spent)
            self.peaks[index] = max(self.peaks.get(index, 0), self._height())
            yield ended

    def taken(self) -> Cost:
        """What all tasks so far have taken."""
        total = Cost()
        for cost in self.costs.values():
            total = total.plus(cost)
        return total

    def forget(self) -> None:
        """Begin anew."""
        self.costs, self.peaks = {}, {}

    def now(self) -> Cost:
        """CPU seconds so far, of children that have ended, too; and a clock."""
        times = self._process.cpu_times()
        spent = times.user + times.system + times.children_user + times.children_system
        for child in self._process.children(recursive=True):
            try:
                of_child = child.cpu_times()
            except psutil.Error:
                continue  # it has ended meanwhile, and counts among those that have
            spent += of_child.user + of_child.system
        return Cost(float(spent), time.monotonic())

    def _height(self) -> int:
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                found = _HIGH_WATER.search(Path(f"/proc/{process.pid}/status").read_text())
            except OSError:
                continue  # it has ended meanwhile
            total += int(found[1]) * 1024 if found else 0
        return total

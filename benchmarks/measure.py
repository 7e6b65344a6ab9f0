"""What every benchmark here measures with: whole processes, CPU seconds, medians, the machine's name."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

__all__ = ["Cost", "Sampling", "alternating", "machine", "measured", "median"]


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one process cost, children it waited for included.

    Args:
        cpu: user and system seconds.
        wall: seconds.
        peak: largest resident size of a single process, in bytes.
    """

    cpu: float
    wall: float
    peak: int

    def minus(self, other: Cost) -> Cost:
        """Without the start-up that ``other`` measured."""
        return Cost(self.cpu - other.cpu, self.wall - other.wall, self.peak)


def measured(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run ``command`` to its end and say what it cost; its output goes to ``log``.

    Raises:
        RuntimeError: it failed.
    """
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        said = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{said}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(cpu, time.monotonic() - started, usage.ru_maxrss * 1024)


def alternating(
    candidates: Mapping[str, Callable[[int], Cost]], rounds: int
) -> dict[str, list[Cost]]:
    """Every candidate once a round, in turn, so that a slow spell of the machine hits all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in candidates}
    for number in range(rounds):
        for name, run in candidates.items():
            costs[name].append(run(number))
            print(f"  round {number + 1}  {name:28} {costs[name][-1].cpu:8.2f} CPU s", flush=True)
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """Median of each figure."""
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        int(statistics.median(cost.peak for cost in costs)),
    )


def machine() -> str:
    """Processor, cores and Python, for the head of a table."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


class Sampling:
    """Calls ``sample`` every so many seconds, in a thread, while the block runs."""

    def __init__(self, sample: Callable[[], None], seconds: float):
        self._sample, self._seconds = sample, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._sample()

"""What a run would take, from pieces of its input run here, with the real stages, one after another.

Pieces are spread evenly over the input, so the same input gives the same ones. They make up a small
run of their own, in a temporary folder, which is taken apart by task: what belongs to a split grows
with the input's bytes, and so does deduplication; starting a worker does not.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError
from pipeline.core.records import Fate
from pipeline.extrapolate import Estimate, makespan, ratio_estimate
from pipeline.pieces import Pieces, size_of, spread
from pipeline.recipe import Recipe
from pipeline.run import RunResult, run
from pipeline.runtime.clocked import ClockedExecutor, Cost
from pipeline.runtime.manifest import Completion
from pipeline.sources.base import Split

__all__ = ["Forecast", "forecast"]

PIECES = 8
WARM_UP_BYTES = 64 << 10
PER_HOUR = 3600.0


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What a run would take, as far as pieces of its input can tell.

    Args:
        name: of the recipe.
        input_bytes, splits: of the whole input.
        pieces, sampled_bytes: what was run of it; ``seconds`` it took.
        workers: splits under way at a time, each with a core like this machine's.
        price: of a core for an hour, in any currency; None for none.
        cpu_hours: of all workers and their extraction children.
        wall_hours: from start to end; the last splits keep some workers idle, which is counted.
        disk_bytes: of the finished folder.
        memory_bytes: the workers' peaks added up; Ray's own processes take about 0.7 GB more.
        cost: price × workers × wall hours, None without a price.
        records, kept: input records, and documents in the corpus. Copies that lie in different
            splits are found by the run and not among pieces, so that ``kept`` is rather too high.
        tokens: of the kept documents, None where the recipe counts none.
    """

    name: str
    input_bytes: int
    splits: int
    pieces: int
    sampled_bytes: int
    seconds: float
    workers: int
    price: float | None
    cpu_hours: Estimate
    wall_hours: Estimate
    disk_bytes: Estimate
    memory_bytes: Estimate
    cost: Estimate | None
    records: Estimate
    kept: Estimate
    tokens: Estimate | None

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return dataclasses.asdict(self)


def forecast(
    recipe: Recipe,
    *,
    pieces: int = PIECES,
    workers: int | None = None,
    price: float | None = None,
) -> Forecast:
    """Run pieces of a recipe's input in this process, and say what all of it would take.

    Args:
        recipe: a checked recipe; nothing is written to its output folder.
        pieces: how many to run, of about two MiB each. Where a source cannot be cut so finely, a
            piece is a whole split.
        workers: of the run to come; None for one per CPU of this machine.
        price: of a core for an hour.

    Raises:
        ConfigError: a number that makes no sense, or an input of no bytes.
        GristmillError: what a run of the pieces would raise.
    """
    workers = workers if workers is not None else os.cpu_count() or 1
    for name, number, least in (("--splits", pieces, 1), ("--workers", workers, 1)):
        if number < least:
            raise ConfigError(f"{name} must be at least {least}, not {number}")
    if price is not None and not 0 <= price < float("inf"):
        raise ConfigError(f"--price must be a number from 0, not {price}")
    plan = recipe.source.plan()
    whole = sum(size_of(split) for split in plan)
    if not whole:
        raise ConfigError("the input holds no bytes, so there is nothing to plan for")
    chosen = spread(recipe.source, plan, pieces)
    started = time.monotonic()
    clock = ClockedExecutor()
    with tempfile.TemporaryDirectory(prefix="gristmill-plan-") as name:
        first = chosen[0]
        end = min(first.end, first.start + WARM_UP_BYTES)
        _run(recipe, (dataclasses.replace(first, end=end),), Path(name, "warm"), clock)
        start = clock.taken()
        clock.forget()
        before = clock.now()
        result = _run(recipe, chosen, Path(name, "out"), clock)
        spent = clock.now()
        spent = Cost(spent.cpu - before.cpu, spent.wall - before.wall)
        measured = _Measured(result, chosen, clock, spent, start)
        return measured.forecast(recipe, plan, workers, price, time.monotonic() - started)


def _run(recipe: Recipe, pieces: tuple[Split, ...], out: Path, clock: ClockedExecutor) -> RunResult:
    dedup = recipe.dedup
    if dedup is not None:  # a site may lose most of a piece and little of a crawl
        dedup = dataclasses.replace(dedup, alarm=dataclasses.replace(dedup.alarm, action="off"))
    part = dataclasses.replace(
        recipe, source=Pieces(source=recipe.source, pieces=pieces), dedup=dedup
    )
    return run(part, out=out, executor=clock)


@dataclasses.dataclass(frozen=True)
class _Measured:
    """A finished run of pieces, taken apart.

    Args:
        result: of the run.
        pieces: its splits.
        clock: has measured its tasks.
        spent: what all of the run took.
        start: what the first pieces took before them: models and children were not there yet.
    """

    result: RunResult
    pieces: Sequence[Split]
    clock: ClockedExecutor
    spent: Cost
    start: Cost

    def forecast(
        self,
        recipe: Recipe,
        plan: Sequence[Split],
        workers: int,
        price: float | None,
        seconds: float,
    ) -> Forecast:
        sizes = [size_of(piece) for piece in self.pieces]
        whole, sampled = sum(map(size_of, plan)), sum(sizes)
        own = [self.clock.costs.get(index, Cost()) for index in range(len(sizes))]
        shared = self.clock.costs.get(None, Cost())
        driver = self.spent.cpu - shared.cpu - sum(cost.cpu for cost in own)
        cpu = ratio_estimate([cost.cpu for cost in own], sizes, whole)
        cpu = cpu.plus(shared.cpu / sampled * whole + driver + self.start.cpu * workers)
        # A worker waits for its extraction child and the other way round: both keep one core busy.
        wall = ratio_estimate([cost.wall for cost in own], sizes, whole)
        idle = self._idle(plan, workers)
        wall = wall.times(idle / workers).plus(
            shared.wall / sampled * whole / workers + self.start.wall + max(driver, 0.0)
        )
        memory = self._memory().times(workers)
        hours = wall.times(1 / PER_HOUR)
        reports = self._completions()
        count = [report.report for report in reports]
        kept = [float(report.fates[Fate.KEPT]) for report in count]
        tokens = self._tokens(reports)
        return Forecast(
            name=recipe.name,
            input_bytes=whole,
            splits=len(plan),
            pieces=len(sizes),
            sampled_bytes=sampled,
            seconds=seconds,
            workers=workers,
            price=price,
            cpu_hours=cpu.times(1 / PER_HOUR),
            wall_hours=hours,
            disk_bytes=self._disk(reports, sizes, whole),
            memory_bytes=memory,
            cost=None if price is None else hours.times(price * workers),
            records=ratio_estimate([float(report.records) for report in count], sizes, whole),
            kept=ratio_estimate(kept, sizes, whole),
            tokens=None if tokens is None else ratio_estimate(tokens, sizes, whole),
        )

    def _idle(self, plan: Sequence[Split], workers: int) -> float:
        """Time until the last split ends, over that of workers who are never idle; at least 1."""
        times = [float(size_of(split)) for split in plan]
        return max(1.0, makespan(times, workers) * workers / sum(times))

    def _memory(self) -> Estimate:
        """Peak of a worker and its child; more pieces can only have a higher one."""
        peaks = [float(peak) for peak in self.clock.peaks.values()]
        highest = max(peaks)
        if len(peaks) < 2:
            return Estimate(highest)
        around = ratio_estimate(peaks, [1.0] * len(peaks), 1.0)
        assert around.high is not None
        return Estimate(highest, highest, max(highest, highest + around.high - around.value))

    def _completions(self) -> list[Completion]:
        found = [Completion.read(self.result.folder, i) for i in range(len(self.pieces))]
        return [one for one in found if one is not None]

    def _tokens(self, completions: Sequence[Completion]) -> list[float] | None:
        if self.result.tokens is None:
            return None
        sums = []
        for index, completion in enumerate(completions):
            ledger = completion.paths(self.result.folder, index)["records"]
            table = pq.read_table(ledger, columns=["fate", "tokens"])
            kept = table.filter(pc.equal(table["fate"], Fate.KEPT.value))["tokens"]
            sums.append(float(pc.sum(kept).as_py() or 0))
        return sums

    def _disk(
        self, completions: Sequence[Completion], sizes: Sequence[int], whole: int
    ) -> Estimate:
        """Parts grow with the input; so does what deduplication and resuming leave."""
        parts = [float(sum(file.bytes for file in one.files.values())) for one in completions]
        root = self.result.folder.root
        everything = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        pages = sum((root / name).stat().st_size for name in ("report.html", "README.md"))
        rest = max(0.0, everything - sum(parts) - pages)
        return ratio_estimate(parts, sizes, whole).plus(rest / sum(sizes) * whole + pages)

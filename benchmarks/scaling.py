"""Two workers against one, and memory per worker from a small input to one ten times as large.

    python benchmarks/scaling.py --warc ../shared/data/web/warc [--copies 10]

The input is the WARC files of a folder, repeated with new record ids until it is `--copies` times as
large. Runs go through Ray, as a user's would. Speed is records per wall-clock second between the
first and the last split's end, so that starting Ray is left out. Memory is sampled: the resident
size of a Ray worker and its extraction child together, the largest over workers and time.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from measure import Sampling, machine

from pipeline.recipe import load_recipe
from pipeline.run import run
from pipeline.runtime.progress import Silent

RECORD_ID = re.compile(rb"(?<=WARC-Record-ID: <urn:uuid:)[0-9a-f-]{36}")


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--warc", type=Path, required=True, help="folder of .warc.gz files")
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory-mb", type=int, nargs="*", default=[40, 400])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sources = sorted(arguments.warc.glob("*.warc.gz"))
    figures: dict[str, object] = {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="gristmill-scale-") as name:
        work = Path(name)
        crawl = work / "crawl.warc.gz"
        size = write_copies(sources, crawl, arguments.copies)
        figures["input_mb"] = size / 1e6
        speeds: dict[int, list[float]] = {workers: [] for workers in arguments.workers}
        for number in range(arguments.rounds):
            for workers in arguments.workers:
                speed, peak = one_run(crawl, work / f"out-{number}-{workers}", workers)
                speeds[workers].append(speed)
                print(
                    f"{workers} workers: {speed:,.0f} records/s, peak {peak / 1e6:,.0f} MB a worker"
                )
        figures["records_per_second"] = {w: statistics.median(s) for w, s in speeds.items()}
        first = statistics.median(speeds[arguments.workers[0]])
        figures["speed_up"] = {w: statistics.median(s) / first for w, s in speeds.items()}
        print(f"speed-up: {figures['speed_up']}")
        memory = {}
        for megabytes in arguments.memory_mb:
            piece = work / f"{megabytes}.warc.gz"
            write_copies(sources, piece, limit=megabytes * 1_000_000)
            _, memory[megabytes] = one_run(piece, work / f"memory-{megabytes}", 1)
            print(f"{megabytes} MB of input: peak {memory[megabytes] / 1e6:,.0f} MB a worker")
        figures["peak_mb_per_worker"] = {mb: peak / 1e6 for mb, peak in memory.items()}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def one_run(crawl: Path, out: Path, workers: int) -> tuple[float, int]:
    """Records per second between the first and last split's end, and peak bytes of a worker."""
    clock = Clock()
    recipe = load_recipe("quickstart", [f"source={{kind: warc, paths: ['{crawl}']}}", "dedup=null"])
    peak = Peak()
    with Sampling(peak.sample, 0.5):
        run(recipe, out=out, workers=workers, progress=clock)
    return clock.speed(), peak.bytes


class Clock(Silent):
    """When each split ended, and how many records it had."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, int]] = []
        self.first = 0.0

    def running(self, counts: object) -> None:
        if counts and not self.first:
            self.first = time.monotonic()

    def finished(self, size: int, fates: object) -> None:
        self.ends.append((time.monotonic(), sum(fates.values())))  # type: ignore[attr-defined]

    def speed(self) -> float:
        records = sum(number for _, number in self.ends)
        return records / (self.ends[-1][0] - self.first)


class Peak:
    """Largest resident size of a Ray worker together with its extraction child."""

    def __init__(self) -> None:
        self.bytes = 0

    def sample(self) -> None:
        for child in psutil.Process().children(recursive=True):
            try:
                if child.parent() and "ray::run_task" in " ".join(child.cmdline()):
                    family = [child, *child.children(recursive=True)]
                    self.bytes = max(self.bytes, sum(one.memory_info().rss for one in family))
            except psutil.Error:
                continue  # it ended while we looked


def write_copies(
    sources: Sequence[Path], path: Path, copies: int | None = None, limit: int | None = None
) -> int:
    """Members of ``sources`` over and over, each time with other ids; returns the size written."""
    written = number = 0
    with path.open("wb") as output:
        while copies is None or number < copies:
            for member in members(sources, number):
                output.write(member)
                written += len(member)
                if limit is not None and written >= limit:
                    return written
            number += 1
    return written


def members(sources: Sequence[Path], number: int) -> Iterator[bytes]:
    for source in sources:
        data, offset = source.read_bytes(), 0
        while offset < len(data):
            member = zlib.decompressobj(31)
            record = member.decompress(data[offset : offset + (8 << 20)])
            end = min(len(data), offset + (8 << 20)) - len(member.unused_data)
            if number == 0:
                yield data[offset:end]
            else:
                packer = zlib.compressobj(6, zlib.DEFLATED, 31)
                yield (
                    packer.compress(RECORD_ID.sub(_renew(number), record, count=1)) + packer.flush()
                )
            offset = end


def _renew(number: int):  # type: ignore[no-untyped-def]
    def new(match: re.Match[bytes]) -> bytes:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{match[0].decode()}/{number}")).encode()

    return new


if __name__ == "__main__":
    main()

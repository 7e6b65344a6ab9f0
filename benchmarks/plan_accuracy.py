"""What ``gristmill plan`` says of a run, against what the run takes.

    python benchmarks/plan_accuracy.py --warc ../shared/data/web/warc [--rounds 1] [--pieces 8]

Each round plans, and runs, once with one worker in one process and once with two through Ray. Plan and
run alternate, so that a slow spell of the machine hits both; still the ratios are as noisy as the
machine is: the load average is printed, and two workers on two cores that others use, too, are no
faster than one. CPU is compared for one worker alone, since Ray's own processes belong to no worker;
memory is the largest sum over the run's process and its child at any time. What Ray takes to start and
to stop is timed by itself and taken off the run's time, as a plan leaves it out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
from measure import Sampling, machine, measured

RAY = "import ray; ray.init(num_cpus=2, include_dashboard=False); ray.shutdown()"
GRISTMILL = (sys.executable, "-m", "pipeline.cli")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--warc", type=Path, required=True, help="folder of .warc.gz files")
    parser.add_argument("--recipe", default="quickstart")
    parser.add_argument("--pieces", type=int, default=8)
    parser.add_argument("--split-size", default="8MiB", help="of the run's splits")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    paths = f"{arguments.warc.absolute()}/*.warc.gz"
    source = f"source={{kind: warc, paths: ['{paths}'], split_size: {arguments.split_size}}}"
    recipe = (arguments.recipe, "--set", source)
    print(machine())
    print(f"{'workers':>7}  {'':16}{'plan':>13}{'interval':>28}{'run':>13}{'plan / run':>12}")
    for _ in range(arguments.rounds):
        for workers in arguments.workers:
            with tempfile.TemporaryDirectory(prefix="gristmill-accuracy-") as name:
                one_round(recipe, workers, arguments.pieces, Path(name))


def one_round(recipe: tuple[str, ...], workers: int, pieces: int, work: Path) -> None:
    said = subprocess.run(
        [*GRISTMILL, "plan", *recipe, "--json", f"--workers={workers}", f"--splits={pieces}"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    plan = json.loads(said)
    way = ("--serial",) if workers == 1 else (f"--workers={workers}",)
    peak = Peak()
    with Sampling(peak.look, 0.2):
        cost = measured(
            [*GRISTMILL, "run", *recipe, "--quiet", "--out", str(work / "out"), *way], work / "log"
        )
    ray = 0.0 if workers == 1 else measured([sys.executable, "-c", RAY], work / "log").wall
    manifest = json.loads((work / "out" / "manifest.json").read_text())
    fates = manifest["counts"]["fates"]
    disk = sum(path.stat().st_size for path in (work / "out").rglob("*") if path.is_file())
    rows = [
        ("wall s", plan["wall_hours"], 3600.0, cost.wall - ray),
        ("disk MB", plan["disk_bytes"], 1e-6, disk / 1e6),
        ("records", plan["records"], 1.0, sum(fates.values())),
        ("kept", plan["kept"], 1.0, fates["kept"]),
        ("tokens", plan["tokens"], 1.0, manifest["tokens"]["tokens"]),
    ]
    if workers == 1:
        rows[:0] = [("CPU s", plan["cpu_hours"], 3600.0, cost.cpu)]
        rows.append(("memory MB", plan["memory_bytes"], 1e-6, peak.bytes / 1e6))
    print(f"load average {os.getloadavg()[0]:.1f}, Ray's start {ray:.1f} s taken off; ", end="")
    print(
        f"{plan['sampled_bytes'] / plan['input_bytes']:.0%} of the input in {plan['seconds']:.0f} s"
    )
    for name, estimate, unit, real in rows:
        value, low, high = (unit * (estimate[end] or 0) for end in ("value", "low", "high"))
        print(
            f"{workers:7}  {name:16}{value:13,.1f}{f'{low:,.1f} to {high:,.1f}':>28}"
            f"{real:13,.1f}{value / real:12.2f}",
            flush=True,
        )


class Peak:
    """Largest resident size of all our descendants together."""

    def __init__(self) -> None:
        self.bytes = 0

    def look(self) -> None:
        total = 0
        for child in psutil.Process().children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.Error:
                continue  # it ended while we looked
        self.bytes = max(self.bytes, total)


if __name__ == "__main__":
    main()

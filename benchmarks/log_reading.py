"""How fast chat logs are read, and in how much memory.

    python benchmarks/log_reading.py --rows 50000 --rounds 3

Each file is read in a process of its own, twice as long the second time: the difference of the two is
what rows cost without the start-up, and the growth of the peak tells what a million conversations
would take. ``parse`` is ``json.loads`` of every line and nothing else, for comparison.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from dirty_logs import FORMATS, write_logs
from measure import Cost, alternating, machine, measured, median

from pipeline.prompts.conversation import Conversation
from pipeline.prompts.logs.read import LogTally, plan_logs, read_logs

ROOT = Path(__file__).resolve().parents[1]


def read(path: Path) -> None:
    """Read a file as the pipeline does, one part after another with one set of ids."""
    tally, seen, turns = LogTally(), set[str](), 0
    for part in plan_logs([path]):
        for item in read_logs(part, tally=tally, seen=seen):
            turns += len(item.turns) if isinstance(item, Conversation) else 0
    print(json.dumps({**dataclasses.asdict(tally), "turns": turns}))


def parse(path: Path) -> None:
    """Nothing but JSON."""
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def cost_of(mode: str, path: Path, _: int = 0) -> Cost:
    folders = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))
    command = [sys.executable, __file__, "--child", mode, "--file", str(path)]
    return measured(command, path.with_suffix(".log"), {"PYTHONPATH": folders})


def measure(rows: int, rounds: int, forms: list[str]) -> None:
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, tuple[str, Path, Path]] = {}
        for form in forms:
            kinds = ("jsonl", "json", "jsonl.gz", "json.gz") if form == forms[0] else ("jsonl",)
            for kind in kinds:
                small, large = (Path(folder) / f"{form}-{size}.{kind}" for size in (1, 2))
                write_logs(small, rows, form)
                write_logs(large, 2 * rows, form)
                files[f"{form}.{kind}"] = ("read", small, large)
            if form == forms[0]:
                files[f"{form}.jsonl, json.loads"] = ("parse", *files[f"{form}.jsonl"][1:])
        runs: dict[str, Callable[[int], Cost]] = {}
        for name, (mode, small, large) in files.items():
            for times, path in ((1, small), (2, large)):
                runs[f"{name} x{times}"] = functools.partial(cost_of, mode, path)
        costs = {name: median(of) for name, of in alternating(runs, rounds).items()}
        print("| file | MB, unpacked | MB/s of a core | rows/s | peak MB | and for twice the rows | "
              "for a million |")  # fmt: skip
        print("|---|---|---|---|---|---|---|")
        for name, (_, small, large) in files.items():
            one, two = costs[f"{name} x1"], costs[f"{name} x2"]
            cpu = two.cpu - one.cpu
            plain = [Path(folder) / f"{p.name.removesuffix('.gz')}" for p in (small, large)]
            size = plain[1].stat().st_size - plain[0].stat().st_size
            million = two.peak + (two.peak - one.peak) * (1_000_000 - 2 * rows) / rows
            print(
                f"| {name} | {plain[1].stat().st_size / 1e6:.0f} | {size / 1e6 / cpu:.0f} "
                f"| {rows / cpu:,.0f} | {one.peak / 1e6:.0f} | {two.peak / 1e6:.0f} "
                f"| {million / 1e6:.0f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--child", choices=("read", "parse"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        {"read": read, "parse": parse}[given.child](given.file)
    else:
        measure(given.rows, given.rounds, given.formats)


if __name__ == "__main__":
    main()

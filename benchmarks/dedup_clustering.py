"""Banding and clustering of a million signatures, beside datasketch's MinHashLSH; and of ten million.

    python benchmarks/dedup_clustering.py --peers-python PYTHON [--documents 1000000 10000000]

Synthetic signatures with planted clusters, some of 10,000 documents, and with buckets of 10,000
that share one band and nothing else, lie in files as a run leaves them (`planted_signatures`). Ours
reads them from there, in one process and one task after another, and does everything that a run
does but read and write texts: keeper order, exact duplicates, banding, shuffle, components,
verification of every removal, receipts. *Banding and clustering* is the middle part, what
MinHashLSH does: the steps up to connected components. MinHashLSH has 100,000 of the signatures in
memory, with ``--whole`` the same million; each is inserted, then queried; it makes no clusters.
Without clusters of 10,000, too, since every query of such a member lists all of it.

Memory of a process is the largest of its samples, without the pages of the files it maps (which
the system takes back when it needs them) and with them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measure import Sampling, machine
from planted_signatures import Layout, clusters, read_index, signature_blocks, write_index

PEER = Path(__file__).resolve().parent / "peers" / "datasketch_minhash.py"
SAMPLE, MILLION = 100_000, 1_000_000
BANDING = ("_band", "_bucket", "components")
MEGABYTE = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--peers-python", help="interpreter with datasketch 2.0.0 and xxhash")
    parser.add_argument(
        "--whole", action="store_true", help="MinHashLSH on a million, too: 6 GB, 4 minutes"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="folder for the files, 0.8 kB a document")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--plant", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps(ours(options.ours)))
        return
    if options.plant:
        write_index(options.plant, Layout.of(options.documents[0]))
        return
    figures: dict[str, Any] = {"machine": machine(), "rounds": options.rounds, "ours": {}}
    with tempfile.TemporaryDirectory(prefix="gristmill-clustering-", dir=options.work) as name:
        if options.peers_python:
            figures["datasketch"] = datasketch(
                options.peers_python, options.rounds, options.whole, Path(name)
            )
        for documents in options.documents:
            figures["ours"][documents] = cluster(documents, options.rounds, Path(name))
    print_table(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def datasketch(python: str, rounds: int, whole: bool, work: Path) -> dict[str, Any]:
    """CPU microseconds a signature, insert and query."""
    found: dict[str, Any] = {}
    layouts = [Layout(SAMPLE, 0, 0), Layout(SAMPLE, 1, 0), *([Layout.of(MILLION)] if whole else [])]
    for layout in layouts:
        name = f"{layout.documents:,}, clusters of 10,000: {layout.giants or 'none'}"
        blocks = [block[0] for block in signature_blocks(layout, clusters(layout))]
        np.save(work / "signatures.npy", np.concatenate(blocks))
        runs = [last_line([python, str(PEER), "lsh", str(work / "signatures.npy")])]
        for _ in range(1, rounds if layout.documents == SAMPLE else 1):
            runs.append(last_line([python, str(PEER), "lsh", str(work / "signatures.npy")]))
        found[name] = {
            part: statistics.median(run[part] for run in runs) / layout.documents * 1e6
            for part in ("cpu", "insert", "query")
        } | {"resident": max(run["resident"] for run in runs)}
        print(f"  datasketch, {name}: {found[name]['cpu']:.1f} µs a signature", flush=True)
    return found


def cluster(documents: int, rounds: int, work: Path) -> dict[str, Any]:
    """What ours takes for so many documents, and what it finds of what was planted."""
    root = work / f"planted-{documents}"
    this = [sys.executable, __file__]
    subprocess.run([*this, "--documents", str(documents), "--plant", str(root)], check=True)
    runs = []
    for _ in range(rounds if documents <= MILLION else 1):
        shutil.rmtree(root / "out", ignore_errors=True)  # or it would take up where it stopped
        runs.append(last_line([*this, "--ours", str(root)]))
        print(f"  gristmill, {documents:,}: {runs[-1]['all']:.1f} CPU s", flush=True)
    shutil.rmtree(root)
    middle = sorted(runs, key=lambda run: float(run["all"]))[len(runs) // 2]
    for name in ("anonymous", "resident"):
        middle[name] = max(run[name] for run in runs)
    return middle


def ours(root: Path) -> dict[str, Any]:
    """Deduplicate the index at ``root`` in this process, every task timed."""
    from pipeline.dedup import shuffle
    from pipeline.dedup.settings import Dedup
    from pipeline.runtime.executor import SerialExecutor
    from pipeline.runtime.storage import RunFolder

    seconds: dict[str, float] = {}

    def execute(work: Callable[[Any, Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        with timed(seconds, work.__name__):
            yield from SerialExecutor().run(work, tasks)

    names = vars(shuffle)
    plain = names["components"]

    def components(*arguments: Any) -> Any:
        with timed(seconds, "components"):
            return plain(*arguments)

    names["components"] = components
    peak = Peak()
    with Sampling(peak.sample, 0.05), RunFolder(root / "out").create(()).lock() as folder:
        begin, wall = time.process_time(), time.monotonic()
        outcome = shuffle.deduplicate(folder, read_index(root), Dedup(), execute)
        outcome.receipts()
        seconds["all"] = time.process_time() - begin
        wall = time.monotonic() - wall
    return {
        **seconds,
        "wall": wall,
        "middle": sum(seconds[name] for name in BANDING),
        "documents": outcome.entered,
        **found_of_planted(outcome),
        **dataclasses.asdict(peak),
    }


def found_of_planted(outcome: Any) -> dict[str, int]:
    """Documents that should go, that went, and that went for one of another cluster."""
    of = clusters(Layout.of(outcome.entered))
    inside = of[of >= 0]
    rows = outcome.order
    removed, kept = of[rows[outcome.removals.removed]], of[rows[outcome.removals.kept]]
    return {
        "planted": len(inside) - len(np.unique(inside)),
        "removed": len(removed),
        "wrong": int(np.count_nonzero((removed != kept) | (removed < 0))),
    }


class timed:  # noqa: N801 (a context manager is named like a function)
    """Adds the CPU seconds of its block to ``seconds[name]``."""

    def __init__(self, seconds: dict[str, float], name: str):
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._begin = time.process_time()

    def __exit__(self, *error: object) -> None:
        spent = time.process_time() - self._begin
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + spent


@dataclasses.dataclass
class Peak:
    """Largest sizes seen, in bytes: memory of the process alone, and with the files it maps."""

    anonymous: int = 0
    resident: int = 0

    def sample(self) -> None:
        sizes = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        self.anonymous = max(self.anonymous, int(sizes["RssAnon"].split()[0]) * 1024)
        self.resident = max(self.resident, int(sizes["VmRSS"].split()[0]) * 1024)


def last_line(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def print_table(figures: dict[str, Any]) -> None:
    print(f"\n{figures['machine']}\n")
    print("| | µs a signature | anonymous MB | with mapped files MB | planted | removed | wrong |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, row in figures.get("datasketch", {}).items():
        print(
            f"| MinHashLSH, {name} | {row['cpu']:.1f} | | {row['resident'] / MEGABYTE:,.0f} | | | |"
        )
    for documents, row in figures["ours"].items():
        for name, part in (("banding and clustering", "middle"), ("everything", "all")):
            print(
                f"| gristmill, {documents:,}, {name} | {row[part] / documents * 1e6:.2f} "
                f"| {row['anonymous'] / MEGABYTE:,.0f} | {row['resident'] / MEGABYTE:,.0f} "
                f"| {row['planted']:,} | {row['removed']:,} | {row['wrong']:,} |"
            )


if __name__ == "__main__":
    main()

"""Three nodes against one with as many cores: the same output, and what being several costs.

    python benchmarks/cluster.py --warc ../shared/data/web/warc [--copies 3] [--rounds 3]
    python benchmarks/cluster.py --sample

Both clusters run on this machine, one after the other in each round, so that a slow spell hits both: one
node of `--cpus` CPUs, and three that have these between them (a head without any, where there are two). The
nodes have addresses, folders and a token of their own. Wall seconds are those of the whole command, the
start of its process and the joining of the cluster included; the start of the nodes is not. The output of
every run is compared with the first's, file by file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import machine
from scaling import write_copies

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from ray_nodes import Machines, machines

ROOT = Path(__file__).resolve().parents[1]
TARGET = 0.15


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--warc", type=Path, help="folder of .warc.gz files")
    source.add_argument("--sample", action="store_true", help="the embedded crawl, 20 times")
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--limit-mb", type=float, help="of input")
    parser.add_argument("--split-mb", type=float, default=4.0)
    parser.add_argument("--cpus", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gristmill-cluster-") as name:
        work = Path(name)
        crawl = work / "crawl.warc.gz"
        limit = int(arguments.limit_mb * 1e6) if arguments.limit_mb else None
        if arguments.sample:
            sample = work / "sample.warc.gz"
            sample.write_bytes(embedded())
            size = write_copies([sample], crawl, 20, limit)
        else:
            sources = sorted(arguments.warc.glob("*.warc.gz"))
            size = write_copies(sources, crawl, arguments.copies, limit)
        print(f"{machine()}; {size / 1e6:.1f} MB of input, {arguments.cpus} CPUs each")
        seconds: dict[str, list[float]] = {"one node": [], "three nodes": []}
        first: dict[str, str] | None = None
        same = True
        for number in range(arguments.rounds):
            for kind, nodes in (
                ("one node", [arguments.cpus]),
                ("three nodes", spread(arguments.cpus)),
            ):
                out = work / f"out-{number}-{len(nodes)}"
                seconds[kind].append(one_run(crawl, out, nodes, arguments.split_mb))
                digests = digests_of(out)
                first = first or digests
                same = same and digests == first
                shutil.rmtree(out)
                print(f"  round {number + 1}  {kind:12} {seconds[kind][-1]:7.1f} s, same: {same}")
    medians = {kind: statistics.median(found) for kind, found in seconds.items()}
    overhead = medians["three nodes"] / medians["one node"] - 1
    print(f"medians {medians}; overhead {overhead:+.1%} (target {TARGET:.0%}); same bytes: {same}")
    if arguments.json:
        figures = {"machine": machine(), "input_mb": size / 1e6, "seconds": seconds}
        arguments.json.write_text(
            json.dumps({**figures, "overhead": overhead, "same": same}, indent=2) + "\n"
        )
    sys.exit(0 if same else 1)


def embedded() -> bytes:
    from pipeline.sources.sample import sample_bytes

    return sample_bytes()


def spread(cpus: int) -> list[int]:
    """CPUs of three nodes, as evenly as can be, the head's first."""
    each, rest = divmod(cpus, 3)
    return [each, each + (rest > 1), each + (rest > 0)]


def one_run(crawl: Path, out: Path, nodes: list[int], split_mb: float) -> float:
    """Wall seconds of one command."""
    with machines(ROOT) as cluster:
        for cpus in nodes:
            cluster.start(cpus=cpus)
        return command(cluster, crawl, out, split_mb)


def command(cluster: Machines, crawl: Path, out: Path, split_mb: float) -> float:
    source = f"source={{kind: warc, paths: ['{crawl}'], split_size: {int(split_mb * 1e6)}}}"
    arguments = ["run", "quickstart", "--quiet", "--address", cluster.address]
    arguments += ["--set", source, "--set", "limits.quarantined=1", "--out", str(out)]
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments], env=cluster.environment, check=True
    )
    return time.monotonic() - started


def digests_of(folder: Path) -> dict[str, str]:
    """sha256 of every file that a user sees."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".gristmill" not in path.parts
    }


if __name__ == "__main__":
    main()

"""Diverse selection: how well each method covers a pool, how long it takes, and two peers.

    python benchmarks/diverse_selection.py [--prompts ../shared/data/prompts] [--peers-python PYTHON]

Two pools. *Planted*: 50,000 vectors of 384 dimensions, nine tenths of them about 1,000 centres (a
centre of length 1 and as long a deviation, both in random directions, so that two members are at
cosine .5), the sizes of clusters as Zipf has them (proportional to 1 / rank); one tenth noise,
uniform on the sphere. *Real*: chat prompts and instructions (Koala, Tulu, Arena-Hard, OASST,
Self-Instruct, MT-Bench, Vicuna, two thirds of Dolly) and every second question of Banking77's test
set, which are near to each other and have 77 labelled intents; the first 500 characters of each,
embedded with all-MiniLM-L6-v2 in bfloat16 (two minutes; ``--vectors FILE`` keeps them). *Noise* of
the real pool is the tenth whose ten nearest others are farthest, on average.

Coverage is the mean cosine of all prompts with their nearest pick, by all pairs. Seconds are of the
whole selection with its graph, what picks cover and the random curve, by the clock and of the
processor; medians of three runs. *Graph
as it is* is facility location without what `select_diverse` does to the graph.

Peers pick from a graph of a part of the planted pool; ours from the same graph.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import itertools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measure import machine

from classifiers.embed import Encoder
from pipeline.prompts.diversity.coverage import coverage
from pipeline.prompts.diversity.facility_location import facility_location
from pipeline.prompts.diversity.neighbours import NeighbourGraph, neighbour_graph
from pipeline.prompts.diversity.select import METHODS, select_diverse
from pipeline.prompts.diversity.topics import topic_clusters, topic_names
from pipeline.prompts.diversity.unit_vectors import Float32, Int64, unit_vectors

PEER = Path(__file__).resolve().parent / "peers" / "submodular.py"
PEERS = ("apricot", "apricot-two-stage", "submodlib")
PEER_SECONDS = 300
CLUSTERS, NOISE, DIMENSION = 1_000, 0.1, 384
CHARACTERS, DOLLY = 500, 2_000
AS_IT_IS = "facility-location, graph as it is"


@dataclasses.dataclass(frozen=True, eq=False)
class Pool:
    """Vectors with what is known of them.

    Args:
        name: for people.
        vectors: ``float32[n, d]``.
        groups: ``int64[n]``, cluster or intent; -1 for none.
        noise: ``bool[n]``.
    """

    name: str
    vectors: Float32
    groups: Int64
    noise: npt.NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=Path, default=Path("../shared/data/prompts"))
    parser.add_argument("--vectors", type=Path, help="of the real prompts: read, or made and kept")
    parser.add_argument("--planted", type=int, default=50_000, help="vectors")
    parser.add_argument("--picks", type=int, default=1_000, help="of the planted pool")
    parser.add_argument("--real-picks", type=int, default=500, help="of the real pool")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-python", help="interpreter with apricot-select and submodlib-py")
    parser.add_argument("--peers-pool", type=int, default=5_000, help="vectors for the peers")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine()}
    print(figures["machine"])
    if options.planted:
        pool = planted(options.planted)
        figures["planted"] = compare(pool, options.picks, options.rounds)
    if options.prompts.is_dir():
        figures["real"] = compare(
            real(options.prompts, options.vectors), options.real_picks, options.rounds
        )
    else:
        print(f"\nno real pool: {options.prompts} is not here")
    if options.peers_python:
        figures["peers"] = peers(options.peers_python, options.peers_pool, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def planted(count: int) -> Pool:
    """See the head of this file."""
    rng = np.random.default_rng(0)
    sizes = 1 / np.arange(1, CLUSTERS + 1)
    groups = rng.choice(CLUSTERS, count, p=sizes / sizes.sum())
    vectors = rng.standard_normal((CLUSTERS, DIMENSION))[groups]
    vectors += rng.standard_normal((count, DIMENSION))
    noise = rng.random(count) < NOISE
    vectors[noise] = rng.standard_normal((np.count_nonzero(noise), DIMENSION))
    return Pool("planted", unit_vectors(vectors), np.where(noise, -1, groups), noise)


def real(folder: Path, kept: Path | None) -> Pool:
    """See the head of this file."""
    found = dict.fromkeys(prompts(folder))
    texts = [text for text, _ in found]
    intents = sorted({intent for _, intent in found if intent})
    groups = np.array([intents.index(intent) if intent else -1 for _, intent in found], np.int64)
    begin = time.process_time()
    if kept is not None and kept.is_file():
        vectors = np.load(kept)
    else:
        vectors = Encoder(dtype="bfloat16").encode(texts)
    if kept is not None:
        np.save(kept, vectors)
    print(f"\n{len(texts):,} real prompts, vectors in {time.process_time() - begin:.0f} CPU s")
    labels = topic_clusters(vectors)
    print(
        f"{labels.max() + 1} topics, the ten largest: {'; '.join(topic_names(texts, labels)[:10])}"
    )
    near = neighbour_graph(vectors, 11).cosines[:, 1:].mean(axis=1)
    return Pool("real", vectors, groups, near < np.quantile(near, NOISE))


def prompts(folder: Path) -> Iterator[tuple[str, str]]:
    """Every prompt with its intent, empty where it has no label."""
    for path, of in FILES.items():
        lines = (folder / path).read_text("utf-8")
        rows = json.loads(lines) if path.endswith(".json") else map(json.loads, lines.splitlines())
        for row in itertools.islice(rows, DOLLY if path.startswith("dolly") else None):
            if text := of(row)[:CHARACTERS].strip():
                yield text, ""
    with (folder / "banking77" / "test.csv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if number % 2 == 0:
                yield row["text"].strip(), row["category"]


FILES: dict[str, Callable[[Any], str]] = {
    "koala180/koala_test_set.jsonl": lambda row: row["prompt"],
    "tulu_eval/eval_instances_tulu_1.jsonl": lambda row: row["prompt"],
    "arenahard/arena_hard_v0.1.jsonl": lambda row: row["prompt"],
    "oasst_eval100/en_100_tree.jsonl": lambda row: row["prompt"]["text"],
    "oasst_eval100/model_eval_prompts.json": str,
    "selfinstruct252/user_oriented_instructions.jsonl": lambda row: row["instruction"],
    "selfinstruct_seed/seed_tasks.jsonl": lambda row: row["instruction"],
    "mtbench80/question.jsonl": lambda row: row["turns"][0],
    "vicuna80/question.jsonl": lambda row: row["turns"][0],
    "dolly_3k/dolly_3k.json": lambda row: row["instruction"],
}


def compare(pool: Pool, picks: int, rounds: int) -> dict[str, dict[str, float]]:
    """Every method on one pool, as a table."""
    unit, found = unit_vectors(pool.vectors), {}
    print(
        f"\n{pool.name}: {picks:,} of {len(unit):,}; groups {len(np.unique(pool.groups)) - 1:,}; "
        f"share of noise in the pool {pool.noise.mean():.3f}\n"
    )
    print(
        "| method | seconds | CPU s | mean cosine to nearest pick | groups hit | share of noise |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    for method in (*METHODS[:1], AS_IT_IS, *METHODS[1:]):
        wall: list[float] = []
        cpu: list[float] = []
        for _ in range(rounds):
            begin, spent = time.perf_counter(), time.process_time()
            if method == AS_IT_IS:
                order = facility_location(neighbour_graph(unit), picks).order
            else:
                order = select_diverse(unit, picks, method).ids
            wall.append(time.perf_counter() - begin)
            cpu.append(time.process_time() - spent)
        found[method] = {
            "seconds": statistics.median(wall),
            "cpu": statistics.median(cpu),
            "cosine": float(coverage(unit, order, np.ones(len(unit))).cosines.mean()),
            "groups": len(np.unique(pool.groups[order][pool.groups[order] >= 0])),
            "noise": float(pool.noise[order].mean()),
        }
        print(
            "| {} | {seconds:.1f} | {cpu:.1f} | {cosine:.4f} | {groups:,} | {noise:.3f} |".format(
                method, **found[method]
            ),
            flush=True,
        )
    return found


def peers(python: str, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Ours and the peers on one graph: seconds of the choice, and the sum it reaches."""
    picks = count // 20
    graph = neighbour_graph(planted(count).vectors)
    graph = NeighbourGraph(np.maximum(graph.cosines, 0), graph.ids)
    seconds: dict[str, list[float]] = {"gristmill": [], **{name: [] for name in PEERS}}
    orders: dict[str, Int64] = {}
    print(f"\npeers: {picks:,} of {count:,}, one graph of {graph.ids.shape[1]} neighbours\n")
    with tempfile.TemporaryDirectory(prefix="gristmill-selection-") as work:
        path = Path(work) / "graph.npz"
        np.savez(path, cosines=graph.cosines, ids=graph.ids)
        for _ in range(rounds):
            begin = time.perf_counter()
            orders["gristmill"] = facility_location(graph, picks).order
            seconds["gristmill"].append(time.perf_counter() - begin)
            for name in [name for name in PEERS if name in seconds]:
                try:
                    done = subprocess.run(
                        [python, str(PEER), name, str(path), str(picks)],
                        capture_output=True,
                        text=True,
                        check=True,
                        timeout=PEER_SECONDS,
                    )
                except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                    said = str(getattr(error, "stderr", "") or error)[-300:]
                    print(f"{name} left out: {said}")
                    del seconds[name]
                    continue
                last = json.loads(done.stdout.splitlines()[-1])
                seconds[name].append(last["seconds"])
                orders[name] = np.array(last["order"], np.int64)
    print("| | seconds | sum reached | first picks the same as ours |")
    print("|---|---:|---:|---:|")
    found = {}
    for name, taken in seconds.items():
        same = orders[name] == orders["gristmill"]
        found[name] = {
            "seconds": statistics.median(taken),
            "sum": objective(graph, orders[name]),
            "same": int(np.argmin(same)) if not same.all() else len(same),
        }
        print("| {} | {seconds:.2f} | {sum:.3f} | {same:,} |".format(name, **found[name]))
    return found


def objective(graph: NeighbourGraph, order: Int64) -> float:
    """The sum that facility location maximises."""
    picked = np.zeros(len(graph.ids), np.bool_)
    picked[order] = True
    near = np.where(picked[graph.ids], graph.cosines.astype(np.float64), 0.0)
    return float(near.max(axis=1).sum())


if __name__ == "__main__":
    main()

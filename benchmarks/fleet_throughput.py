"""What the classifiers cost: texts per second and core, each alone and all together, and their
share of a whole run.

Texts are pieces of 2,000 characters of the gold pages. Filters are called as a run calls them, in
batches as large as a run's, and share what they share there. The share of a run is the CPU time of
the four filters over that of everything, extraction included, on the shared crawl with FineWeb's
recipe::

    python benchmarks/fleet_throughput.py ../shared/data [--rounds 5] [--batch 256] [--run]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from gold import gold_texts
from measure import machine

from pipeline.core.records import Document
from pipeline.curate import DOCUMENTS_PER_BATCH, close_extractors
from pipeline.filters import Language, Quality, Relevance, Toxicity
from pipeline.filters.base import Filter
from pipeline.recipe import load_recipe
from pipeline.run import run

CHARACTERS = 2000
TEXTS = 6400


def fleet() -> dict[str, Filter]:
    """The four filters, as a recipe for web pages and prompts has them."""
    return {
        "language": Language(languages=("en",), characters=400),
        "quality": Quality(),
        "toxicity": Toxicity(),
        "relevance": Relevance(model="software"),
    }


def texts(data: Path) -> list[str]:
    """Pieces of gold pages."""
    found: list[str] = []
    for page in gold_texts(data):
        cuts = range(0, len(page.text) - CHARACTERS + 1, CHARACTERS)
        found += [page.text[at : at + CHARACTERS] for at in cuts]
    return found[:TEXTS]


def seconds(filters: list[Filter], pieces: list[str], batch: int) -> float:
    """CPU seconds of this process over all pieces."""
    batches = [pieces[at : at + batch] for at in range(0, len(pieces), batch)]
    begun = time.process_time()
    for some in batches:
        docs = [Document(str(index), text) for index, text in enumerate(some)]
        for one in filters:
            one.measure_batch(docs)
    return time.process_time() - begun


def throughput(data: Path, rounds: int, batch: int) -> dict[str, float]:
    """Texts per CPU second, the median of ``rounds``, each filter alone and all of them."""
    pieces = texts(data)
    filters = fleet()
    ways = {name: [one] for name, one in filters.items()} | {"all four": list(filters.values())}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        seconds(way, pieces[:batch], batch)  # loads the model
    for _ in range(rounds):
        for name, way in ways.items():
            spent[name].append(seconds(way, pieces, batch))
    return {name: len(pieces) / statistics.median(taken) for name, taken in spent.items()}


def share_of_run(data: Path) -> dict[str, float]:
    """CPU seconds of a serial run, and those that the classifiers took of it."""
    names = {"language", "quality", "toxicity", "relevance"}
    crawl = sorted(map(str, (data / "web" / "warc").glob("pages-*.warc.gz")))
    recipe = load_recipe(
        "fineweb",
        [f"source={json.dumps({'kind': 'warc', 'paths': crawl})}", "limits.quarantined=1"],
    )
    steps = [step for step in recipe.steps if step.name not in names]
    taken = {"classifiers": 0.0}
    recipe = dataclasses.replace(recipe, steps=(*steps, *fleet().values()))
    measured = {cls: cls.measure_batch for cls in {type(one) for one in fleet().values()}}

    def timed(cls: type[Filter]) -> Any:
        inner = measured[cls]

        def measure_batch(self: Filter, docs: Any) -> Any:
            begun = time.process_time()
            found = inner(self, docs)
            taken["classifiers"] += time.process_time() - begun
            return found

        return measure_batch

    for cls in measured:
        cls.measure_batch = timed(cls)  # type: ignore[method-assign]
    before = _cpu()
    with tempfile.TemporaryDirectory() as out:
        result = run(recipe, out=Path(out, "run"), serial=True)
    close_extractors()
    return {"run": _cpu() - before, **taken, "records": result.report.records}


def _cpu() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--batch", type=int, default=DOCUMENTS_PER_BATCH, help="documents at a time"
    )
    parser.add_argument("--run", action="store_true", help="the share of a whole run, too")
    arguments = parser.parse_args()
    print(machine())
    for name, rate in throughput(arguments.data, arguments.rounds, arguments.batch).items():
        print(f"{name:12} {rate:9,.0f} texts of {CHARACTERS:,} characters per second and core")
    if arguments.run:
        found = share_of_run(arguments.data)
        share = found["classifiers"] / found["run"]
        print(f"run: {found['run']:.1f} CPU s over {found['records']:,} records, classifiers "
              f"{found['classifiers']:.2f} s, {share:.1%}")  # fmt: skip


if __name__ == "__main__":
    main()

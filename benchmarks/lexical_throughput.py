"""Megabytes of text per CPU second that the lexical tier searches for 20,000 items, on one core.

    python benchmarks/lexical_throughput.py ../shared/data [--items 20000] [--rounds 7]

Ordinary text: the main texts of real web pages, one after the other, and prompts with their answers.
*count* is the first pass (documents that have each n-gram), *find* the second (candidates, with their
places), both from texts in memory to their result, tokenisation included. Beside them, in the same
run and in turn, what many projects do in plain Python: words by a regular expression, and every
13-gram looked up in a set. Figures are medians of CPU seconds over all texts of a kind.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lexical_items import read_items
from measure import machine

from audits.items import Item
from audits.lexical.hits import Tally
from audits.lexical.tier import LexicalIndex
from audits.lexical.words import batches, split

WORDS = re.compile(r"\w+")
WIDTH = 13
PLAIN = "regex words, set of 13-grams"
BATCH = 1000  # texts handed over at once


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the shared data")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    items = read_items(options.data / "benchmarks", options.items)
    started = time.process_time()
    index = LexicalIndex.build(items)
    built = time.process_time() - started
    plain = ngram_set(items)
    figures: dict[str, Any] = {
        "machine": machine(),
        "items": len(items),
        "ngrams": len(index),
        "build_seconds": round(built, 2),
        "rounds": options.rounds,
        "texts": {},
    }
    print(
        f"{figures['machine']}\n{len(items):,} items, {len(index):,} n-grams, built in {built:.1f} s"
    )
    for name, texts in (("pages", pages(options.data)), ("prompts", prompts(options.data))):
        found = measure(index, plain, texts, options.rounds)
        figures["texts"][name] = found
        print(f"\n{name}: {found['texts']:,} texts, {found['megabytes']:.1f} MB")
        print(f"{'':34}MB/s   us a text   spread")
        cost = found["cost"]
        for what, one in cost.items():
            print(f"{what:30}{one['speed']:8.1f}{one['text_us']:12.1f}   {one['spread']}")
        ratio = cost["find"]["speed"] / cost[PLAIN]["speed"]
        print(f"find is {ratio:.1f} times as fast as plain Python")
        print(f"hits: {found['hits']:,} ours, {found['plain_hits']:,} texts by 13-grams")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(index: LexicalIndex, plain: set[str], texts: list[str], rounds: int) -> dict[str, Any]:
    """Every way once a round, in turn, so that a slow spell of the machine hits all of them."""
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6
    weights = index.weigh(index.count(texts), len(texts))
    parts = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
    tally = Tally()
    hits = [hit for part in parts for hit in index.find(part, weights, tally=tally)]
    counts = index.count(texts[:1])
    ways: dict[str, Callable[[], object]] = {
        "words alone": lambda: [split(part) for _, part in batches(texts)],
        "count": lambda: [index.count(part, out=counts) for part in parts],
        "find": lambda: [index.find(part, weights) for part in parts],
        PLAIN: lambda: plain_hits(plain, texts),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            started = time.process_time()
            run()
            seconds[name].append(time.process_time() - started)
    return {
        "texts": len(texts),
        "megabytes": size,
        "words": tally.words,
        "occurrences": tally.occurrences,
        "hits": len(hits),
        "plain_hits": plain_hits(plain, texts),
        "cost": {
            name: {
                "speed": round(size / statistics.median(spent), 1),
                "text_us": round(statistics.median(spent) / len(texts) * 1e6, 1),
                "spread": f"{size / max(spent):.1f} to {size / min(spent):.1f}",
            }
            for name, spent in seconds.items()
        },
    }


def ngram_set(items: Sequence[Item]) -> set[str]:
    return {ngram for item in items for ngram in ngrams(item.question)}


def plain_hits(plain: set[str], texts: Sequence[str]) -> int:
    """Texts that share a 13-gram with a question."""
    return sum(any(ngram in plain for ngram in ngrams(text)) for text in texts)


def ngrams(text: str) -> list[str]:
    words = WORDS.findall(text.lower())
    return [" ".join(words[at : at + WIDTH]) for at in range(len(words) - WIDTH + 1)]


def pages(data: Path) -> list[str]:
    with gzip.open(data / "web" / "gold" / "wcxb_dev.jsonl.gz", "rt") as file:
        rows = [json.loads(line)["ground_truth"] for line in file]
    return [row["main_content"] for row in rows if row.get("main_content")]


def prompts(data: Path) -> list[str]:
    rows = json.loads((data / "prompts" / "dolly_3k" / "dolly_3k.json").read_text())
    return ["\n\n".join(value for value in row.values() if isinstance(value, str)) for row in rows]


if __name__ == "__main__":
    main()

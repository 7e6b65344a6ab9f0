"""A million labelled lines: what training on them takes, and whether two trainings give the same bytes.

The texts are of an invented language, about 80 words each, half of them from each of two
vocabularies that share most of their words. The command is the one a user types::

    python benchmarks/training_scale.py [--rows 1000000] [--runs 2]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import machine, measured

WORDS = 80  # of a text, about
VOCABULARY = 60_000
SEED = 11
BATCH = 10_000


def write_rows(path: Path, rows: int) -> None:
    """Labelled texts as JSONL; the label shows in a few words in a hundred."""
    rng = np.random.default_rng(SEED)
    letters = np.array(list("abcdefghijklmnoprstuvwz"))
    lengths = rng.integers(2, 11, VOCABULARY)
    words = np.array(["".join(rng.choice(letters, length)) for length in lengths])
    ranks = np.arange(1, VOCABULARY + 1)
    weights = (1 / ranks) / (1 / ranks).sum()
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, rows, BATCH):
            many = min(BATCH, rows - start)
            drawn = rng.choice(VOCABULARY, (many, WORDS), p=weights)
            good = rng.random(many) < 0.5
            # Of the rarer words each label has its own half.
            rare = drawn > 2000
            drawn = np.where(rare, drawn - drawn % 2 + good[:, None], drawn)
            drawn = np.minimum(drawn, VOCABULARY - 1)
            for number, (row, label) in enumerate(zip(drawn, good, strict=True), start):
                text = " ".join(words[row])
                file.write(json.dumps({"text": text, "label": "good" if label else "poor",
                                       "site": f"s{number % 5000}"}) + "\n")  # fmt: skip


def main() -> None:
    """Train and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=2)
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        write_rows(folder / "rows.jsonl", arguments.rows)
        size = (folder / "rows.jsonl").stat().st_size
        print(f"{arguments.rows:,} rows, {size / 1e6:,.0f} MB")
        digests: dict[str, set[str]] = {}
        for run in range(arguments.runs):
            out = folder / f"model{run}"
            command = [sys.executable, "-m", "pipeline.cli", "classifier", "train",
                       str(folder / "rows.jsonl"), "--positive", "good", "--group", "site",
                       "--out", str(out), "--set", "name=scale"]  # fmt: skip
            cost = measured(command, folder / "log")
            print(f"run {run + 1}: {cost.cpu:,.0f} CPU s, {cost.wall:,.0f} s, largest process "
                  f"{cost.peak / 1e9:.2f} GB")  # fmt: skip
            for path in out.iterdir():
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                digests.setdefault(path.name, set()).add(found)
        differing = [name for name, found in sorted(digests.items()) if len(found) > 1]
        print(f"not the same bytes: {differing}" if differing else f"same bytes: {sorted(digests)}")


if __name__ == "__main__":
    main()

"""Finds in program code, each with its surroundings, to be judged by eye.

    python benchmarks/pii_code.py [CHUNKS]

Python's own library, as ``CHUNKS`` (1,000) pieces of 2,000 characters drawn by seed, and this project's
Python files as they are.
"""

from __future__ import annotations

import random
import sys
import sysconfig
import time
from pathlib import Path

from pii_accuracy import shown

from classifiers.evaluate import proportion
from pipeline.pii import find_pii

SIZE = 2_000


def library(count: int, seed: int = 3) -> list[str]:
    """Pieces of the standard library's sources, tests and installed packages left out."""
    folder = Path(sysconfig.get_path("stdlib"))
    pieces = []
    for path in sorted(folder.rglob("*.py")):
        if not {"test", "tests", "site-packages"} & set(path.relative_to(folder).parts):
            text = path.read_text("utf-8", "replace")
            pieces += [text[at : at + SIZE] for at in range(0, len(text) - SIZE + 1, SIZE)]
    random.Random(seed).shuffle(pieces)
    return pieces[:count]


def own() -> list[str]:
    """This project's files, without those that plant personal data or test for it."""
    root = Path(__file__).resolve().parents[1]
    return [
        path.read_text("utf-8")
        for folder in ("pipeline", "classifiers", "audits", "benchmarks", "tests")
        for path in sorted((root / folder).rglob("*.py"))
        if "pii" not in path.name
    ]


def measure(name: str, texts: list[str]) -> None:
    """Prints the finds of each text, three at most, the share of texts with one, and the speed."""
    start = time.process_time()
    founds = [find_pii(text) for text in texts]
    spent = time.process_time() - start
    for text, found in zip(texts, founds, strict=True):
        for one in found[:3]:
            print(f"  {shown(text, one)}")
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{name}: {proportion(sum(map(bool, founds)), len(texts))} of {len(texts)} have a find")
    print(f"{name}: {size / spent:.1f} MB/s of one processor, {size:.1f} MB")


if __name__ == "__main__":
    find_pii("a@b.org")  # reads the list of top-level names
    measure("standard library", library(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
    measure("this project", own())

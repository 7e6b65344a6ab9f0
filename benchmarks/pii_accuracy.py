"""Recall and precision of personal data on the planted set, and false finds on ordinary prompts.

    python benchmarks/pii_accuracy.py [FOLDER_OF_PROMPTS]

The rules were tuned on the first part of the set and mended after the faults on the second. The third
was written after the last change of a rule, in other contexts: its figures are the final ones.
"""

from __future__ import annotations

import collections
import sys
import time
from pathlib import Path
from types import ModuleType

import pii_prompts
import planted_pii
import planted_pii_later
import planted_pii_third

from classifiers.evaluate import proportion
from pipeline.pii import Found, find_pii


def part(name: str, module: ModuleType) -> None:
    """Prints one part's figures by kind.

    Recall: the planted value is covered whole by a find of its kind, or ("masked") of any kind.
    Precision: finds that touch the planted value, among all finds of that kind in both parts.
    """
    of, hit, covered = collections.Counter(), collections.Counter(), collections.Counter()
    right, finds = collections.Counter(), collections.Counter()
    for text in module.positives():
        of[text.kind] += 1
        found = find_pii(text.text)
        whole = [one for one in found if one.start <= text.start and one.end >= text.end]
        hit[text.kind] += any(one.kind == text.kind for one in whole)
        covered[text.kind] += bool(whole)
        for one in found:
            finds[one.kind] += 1
            right[one.kind] += one.start < text.end and one.end > text.start
    negatives = module.negatives()
    false = 0
    for text in negatives:
        found = find_pii(text.text)
        false += bool(found)
        finds.update(one.kind for one in found)
    print(f"\n{name}: {of.total()} planted, {len(negatives)} hard negatives")
    print(f"  {'kind':16} {'recall':26} {'masked':26} precision")
    for kind in [*planted_pii.KINDS, None]:
        cells = [
            proportion(a[kind] if kind else a.total(), n[kind] if kind else n.total())
            for a, n in ((hit, of), (covered, of), (right, finds))
        ]
        print(f"  {kind or 'all':16}", *(f"{cell!s:26}" for cell in cells))
    print(f"  hard negatives with a find: {proportion(false, len(negatives))}")


def ordinary(folder: Path) -> None:
    """Prints every find on real prompts with its surroundings, to be judged by eye, and the speed."""
    texts_with = texts = size = 0
    spent = 0.0
    for name in pii_prompts.COLLECTIONS:
        with_finds = 0
        rows = pii_prompts.prompts(folder, name)
        for row in rows:
            start = time.process_time()
            found = find_pii(row)
            spent += time.process_time() - start
            size += len(row.encode())
            with_finds += bool(found)
            if found:
                print(f"  {name}:", *(shown(row, one) for one in found[:3]), sep="\n    ")
        print(f"{name}: {with_finds} of {len(rows)} texts have a find")
        texts, texts_with = texts + len(rows), texts_with + with_finds
    print(f"all: {texts_with} of {texts}: {proportion(texts_with, texts)}")
    print(f"speed: {size / 1e6 / spent:.1f} MB/s of one processor, {size / 1e6:.1f} MB")


def shown(text: str, one: Found) -> str:
    """A find in its line."""
    line = (
        text[max(0, one.start - 40) : one.start]
        + "«"
        + one.value
        + "»"
        + text[one.end : one.end + 20]
    )
    return f"{one.kind.value}: {' '.join(line.split())}"


if __name__ == "__main__":
    part("First part", planted_pii)
    part("Second part", planted_pii_later)
    part("Third part", planted_pii_third)
    shared = Path(__file__).resolve().parents[2] / "shared" / "data" / "prompts"
    ordinary(Path(sys.argv[1]) if len(sys.argv) > 1 else shared)

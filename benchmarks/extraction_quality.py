"""How near each engine's text comes to what people marked as the main text of a page.

The pages are those of WCXB's development set (Foley 2026, CC BY 4.0) that lie in the shared crawl.
The measure is theirs: word F1, words being ``\\w+`` of the lower-cased text, counted with
multiplicity, per page; a mean over all pages, and over each page type. Intervals are percentile
bootstraps over pages. ``blocks`` was trained on these pages: its F1 here says how well it remembers
them; `train_blocks.py` measures it by folds. Run it with the folder of the shared data::

    python benchmarks/extraction_quality.py ../shared/data [--marked] [--json] [--every N] [--only TEXT]

``--marked`` takes the pages of `marks.py` instead, which are by other makers and in many languages.
"""

from __future__ import annotations

import argparse
import collections
import gc
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gold import GoldPage, gold_pages
from marks import marked_pages

from pipeline.extract import Page
from pipeline.extract.blocks.features import block_texts
from pipeline.extract.html import make_engine

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "trafilatura.extract, its defaults": ("library", {}),
    "trafilatura.extract, no comments": ("library", {"include_comments": False}),
    "blocks": ("blocks", {}),
    "blocks, precision": ("blocks", {"favor_precision": True}),
    "trafilatura, no comments": ("trafilatura", {}),
    "trafilatura, comments": ("trafilatura", {"include_comments": True}),
    "trafilatura, precision": ("trafilatura", {"favor_precision": True}),
    "trafilatura, recall": ("trafilatura", {"favor_recall": True}),
    "trafilatura-fast": ("trafilatura-fast", {}),
    "resiliparse, main content": ("resiliparse", {}),
    "resiliparse, no comments": ("resiliparse", {"comments": False}),
    "resiliparse, all text": ("resiliparse", {"main_content": False}),
}
WORD = re.compile(r"\w+")
RESAMPLES = 2000
SEED = 17


def word_f1(predicted: str, reference: str) -> float:
    """Harmonic mean of word precision and recall, in [0, 1]; 1 where both texts are empty."""
    found = collections.Counter(WORD.findall(predicted.lower()))
    wanted = collections.Counter(WORD.findall(reference.lower()))
    if not wanted:
        return 0.0 if found else 1.0
    shared = sum((found & wanted).values())
    return 2 * shared / (sum(found.values()) + sum(wanted.values()))


def words_let_in(predicted: str, reference: str) -> int:
    """Words of a text that are not in its gold text, counted with multiplicity."""
    found = collections.Counter(WORD.findall(predicted.lower()))
    return (found - collections.Counter(WORD.findall(reference.lower()))).total()


def interval(scores: Sequence[float]) -> tuple[float, float]:
    """Bounds of the mean's 95 % bootstrap interval."""
    draws = np.random.default_rng(SEED).choice(
        np.asarray(scores), size=(RESAMPLES, len(scores)), replace=True
    )
    low, high = np.percentile(draws.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def summary(scores: Sequence[float]) -> dict[str, float]:
    """Mean, interval and number of pages."""
    low, high = interval(scores)
    return {"f1": float(np.mean(scores)), "low": low, "high": high, "pages": len(scores)}


def pages_of(data: Path, marked: bool) -> list[tuple[GoldPage, str, str]]:
    """Pages, the name of the group that each counts in, and words besides its text that are not let in."""
    if not marked:
        return [(page, page.kind, "") for page in gold_pages(data)]
    found = []
    for marks in marked_pages(data):
        language = "English" if marks.language == "en" else "other languages"
        group = f"articles, {language}" if marks.page.kind == "article" else "other kinds"
        texts = block_texts(marks.outline)
        found.append((marks.page, group, "\n".join(texts[block] for block in marks.title)))
    return found


def extractor(name: str, options: dict[str, Any]) -> Callable[[GoldPage], str]:
    """What takes the text from a page: an engine, or trafilatura's own function as it comes (``library``)."""
    if name == "library":
        from trafilatura import extract

        return lambda page: extract(page.html, **options) or ""
    engine = make_engine(name, options)
    engine.prepare()  # makes trafilatura faster in all of this process
    return lambda page: engine.extract(Page(page.html, page.url))


def measure(
    data: Path, every: int, only: str = "", marked: bool = False, collector: bool = False
) -> dict[str, Any]:
    """Figures over all pages, by page type, and CPU milliseconds a page.

    Args:
        data: folder of the shared data.
        every: only every so many-th page.
        only: expression that the names of settings must have.
        marked: the marked pages, not the gold ones.
        collector: leave Python's garbage collector on, as in a program that calls a library.
    """
    pages = pages_of(data, marked)[::every]
    results: dict[str, Any] = {}
    settings = {name: setting for name, setting in SETTINGS.items() if re.search(only, name)}
    for setting, (name, options) in settings.items():
        extract = extractor(name, options)
        extract(pages[0][0])
        by_type: dict[str, list[float]] = {}
        let_in: list[int] = []
        spent = 0.0
        gc.collect()
        if not collector:
            gc.disable()  # as in the extraction child
        for page, group, title in pages:
            began = time.process_time()
            text = extract(page)
            spent += time.process_time() - began
            by_type.setdefault(group, []).append(word_f1(text, page.text))
            let_in.append(words_let_in(text, f"{page.text}\n{title}"))
        gc.enable()
        results[setting] = {
            "all": summary([score for scores in by_type.values() for score in scores]),
            "types": {kind: summary(scores) for kind, scores in sorted(by_type.items())},
            "cpu_ms": 1000 * spent / len(pages),
            "words_let_in": float(np.mean(let_in)),
            "words_let_in_median": float(np.median(let_in)),
        }
        print(f"{setting}: {results[setting]['all']['f1']:.3f}", file=sys.stderr)
    return results


def table(results: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    kinds = list(next(iter(results.values()))["types"])
    counts = next(iter(results.values()))
    heads = [f"all ({counts['all']['pages']})"]
    heads += [f"{kind} ({counts['types'][kind]['pages']})" for kind in kinds]
    lines = [
        f"| setting | {' | '.join(heads)} | words let in | CPU ms/page |",
        f"|---|{'---|' * (len(heads) + 2)}",
    ]
    for setting, result in results.items():
        cells = [result["all"], *(result["types"][kind] for kind in kinds)]
        shown = [f"{cell['f1']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]" for cell in cells]
        lines.append(
            f"| {setting} | {' | '.join(shown)} | {result['words_let_in']:.0f}"
            f" (median {result['words_let_in_median']:.0f}) | {result['cpu_ms']:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--every", type=int, default=1, help="only every N-th page")
    parser.add_argument("--only", default="", help="settings whose names have this expression")
    parser.add_argument("--marked", action="store_true", help="the marked pages, not the gold ones")
    parser.add_argument(
        "--collector", action="store_true", help="leave Python's garbage collector on"
    )
    options = vars(parser.parse_args())
    as_json = options.pop("json")
    results = measure(**options)
    print(json.dumps(results, indent=2) if as_json else table(results))


if __name__ == "__main__":
    main()

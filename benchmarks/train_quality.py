"""Trains the quality model that comes with Gristmill: text that people kept, against what they left.

Positive are pieces of the main text that people marked on web pages; negative is what else the same
pages show (menus, teasers, notices, footers), and spam messages. Pages of one domain never come
apart, so that the test part holds domains that training has not seen. Whole pages are in it too:
all the main text of a page against all the rest of it (slice ``unit``, value ``page``)::

    python benchmarks/train_quality.py ../shared/data classifiers/shipped/quality
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gold import GoldPage, gold_pages

from pipeline.extract import Page
from pipeline.extract.html import make_engine
from pipeline.labelled import Columns, prepare
from pipeline.recipe.training import load_training
from pipeline.training import train_classifier

KEPT, LEFT = "kept", "left"
SIZES = (150, 500, 1500, 3000)  # characters of the pieces in turn, about
PIECES = {KEPT: 10, LEFT: 16}  # of a page, at most
SHORTEST = 40
_LETTERS = re.compile(r"\W+")
_MARKER = re.compile(r"^(?:[•\-*]|\d+\.)\s+")

SOURCES = (
    {
        "name": "WCXB development set, main text and the rest of the same pages",
        "licence": "CC BY 4.0 (the collection)",
    },
    {"name": "SMS Spam Collection, its spam", "licence": "CC BY 4.0"},
)


def examples(data: Path) -> Iterator[dict[str, str]]:
    """Rows with ``text``, ``label``, ``url`` and ``unit``."""
    engine = make_engine("resiliparse", {"main_content": False})
    engine.prepare()
    for page in gold_pages(data):
        rest = "\n\n".join(left_over(engine.extract(Page(page.html)), page.text))
        for label, text in ((KEPT, page.text), (LEFT, rest)):
            for piece in list(pieces(text))[: PIECES[label]]:
                if len(piece) >= SHORTEST:
                    yield _row(page, piece, label, "piece")
            if len(text) >= SHORTEST:
                yield _row(page, text, label, "page")
    with (data / "prompts" / "sms_spam" / "spam.csv").open(encoding="latin-1", newline="") as file:
        for row in csv.DictReader(file):
            if row["v1"] == "spam":
                yield {
                    "text": row["v2"],
                    "label": LEFT,
                    "url": "",
                    "kind": "sms",
                    "unit": "message",
                }


def left_over(shown: str, main: str) -> list[str]:
    """What a page shows besides its main text: runs of neighbouring lines, list marks taken off.

    A line belongs to the main text if its letters and digits stand in it in one piece.
    """
    kept = _LETTERS.sub("", main.lower())
    runs: list[list[str]] = [[]]
    for line in shown.splitlines():
        letters = _LETTERS.sub("", line.lower())
        if not letters:
            continue
        if letters in kept:
            runs.append([])
        else:
            runs[-1].append(_MARKER.sub("", line.strip()))
    return ["\n".join(run) for run in runs if run]


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of whole lines, of the sizes in turn, so that length tells nothing."""
    sizes = itertools.cycle(SIZES)
    size = next(sizes)
    held: list[str] = []
    for line in text.splitlines():
        held.append(_MARKER.sub("", line.strip()))
        if sum(map(len, held)) >= size:
            yield "\n".join(held)
            held, size = [], next(sizes)
    if held:
        yield "\n".join(held)


def _row(page: GoldPage, text: str, label: str, unit: str) -> dict[str, str]:
    return {"text": text, "label": label, "url": page.url, "kind": page.kind, "unit": unit}


def main() -> None:
    """Train and leave the model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("out", type=Path, help="folder of the model")
    arguments = parser.parse_args()
    recipe = load_training("quality")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "examples.jsonl")
        with path.open("w", encoding="utf-8") as file:
            for row in examples(arguments.data):
                file.write(json.dumps(row) + "\n")
        split = {side: getattr(recipe.split, side) for side in ("train", "dev", "test")}
        columns = Columns(group="url", slices=("unit", "kind"))
        prepared = prepare([path], columns, shares=split, seed=recipe.seed)
    for message in prepared.messages:
        print(message)
    card = train_classifier(prepared, recipe, arguments.out, data=SOURCES, say=print)
    test = card.metrics["test"]
    print(json.dumps({"auc": test["auc"], "slices": test["slices"]}, indent=1))


if __name__ == "__main__":
    main()

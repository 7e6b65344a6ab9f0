"""Small labelled texts, classifiers trained on them once a process, and the command that uses both."""

from __future__ import annotations

import atexit
import functools
import json
import random
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from classifiers.fasttext_training import FastTextSettings
from pipeline.cli import main
from pipeline.labelled import Prepared, Repeats, label_counts, schema_of
from pipeline.recipe.training import Compression, TrainingRecipe
from pipeline.training import train_classifier

Row = dict[str, str]

WORDS = {
    "mill": ("river", "mill", "water", "wheel", "stone", "bread", "flour", "oven", "grain"),
    "spam": ("buy", "cheap", "pills", "casino", "click", "offer", "free", "winner", "bonus"),
    "chess": ("rook", "pawn", "knight", "board", "bishop", "opening", "clock", "queen", "king"),
}
COMMON = ("the", "a", "of", "and", "to", "in", "is", "it", "for", "on", "with", "as", "was", "by")
TINY = FastTextSettings(dim=4, bucket=1000, epoch=12, word_ngrams=2, lr=0.5)


def call(*arguments: str | Path) -> int:
    """Run ``gristmill classifier …`` in this process and give its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(["classifier", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def rows(count: int = 240, labels: Sequence[str] = ("mill", "spam"), seed: int = 0) -> list[Row]:
    """Distinct texts, of which a third has the first label; a few lean the other way."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        label = labels[min(number % 3, len(labels) - 1)]
        other = draw.choice([name for name in labels if name != label])
        words = [
            draw.choice(WORDS[label] if roll < 0.4 else WORDS[other] if roll < 0.6 else COMMON)
            for roll in (draw.random() for _ in range(draw.randint(6, 40)))
        ]
        made.append(
            {
                "text": f"{' '.join(words).capitalize()}, number {number}.",
                "label": label,
                "site": f"site{number % 48}.example",
                "kind": "post" if number % 7 < 2 else "page",
            }
        )
    return made


def table(given: Iterable[Row], slices: Sequence[str] = ("kind",)) -> pa.Table:
    """Examples as `pipeline.labelled` has them."""
    columns = {"text": "text", "label": "label", "group": "site", "place": "text"}
    columns |= {name: name for name in slices}
    given = list(given)
    data = {name: [row[source] for row in given] for name, source in columns.items()}
    return pa.table(data, schema=schema_of(slices))


def prepared(given: Sequence[Row]) -> Prepared:
    """Split by the number in the site, whatever the order of the rows."""
    parts: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    for row in given:
        number = int("".join(filter(str.isdigit, row["site"])))
        parts["dev" if number % 4 == 1 else "test" if number % 4 == 3 else "train"].append(row)
    sides = {name: table(part) for name, part in parts.items()}
    counts = {
        "read": len(given),
        "sides": {
            name: {"rows": side.num_rows, "labels": label_counts(side)}
            for name, side in sides.items()
        },
    }
    return Prepared(**sides, counts=counts, repeats=Repeats(len(given), len(given)))


def recipe(**changes: Any) -> TrainingRecipe:
    """Of a training that takes a second."""
    given: dict[str, Any] = {
        "name": "toy",
        "positive": ("mill",),
        "fasttext": TINY,
        "compress": Compression(max_bytes=100_000),
        "targets": ("precision=0.8", "recall=0.9"),
        "licence": "CC0",
    }
    return TrainingRecipe(**{**given, **changes})


def binary() -> Path:
    """The folder of a compressed model with the positive label ``mill``. Copy before changing it."""
    return _trained("binary")


def ternary() -> Path:
    """The folder of an uncompressed model of three labels, none of them positive."""
    return _trained("ternary")


def copied(folder: Path, to: Path) -> Path:
    """A copy of a model's folder, to be changed."""
    return Path(shutil.copytree(folder, to))


def write_rows(path: Path, given: Iterable[dict[str, Any]]) -> Path:
    """Rows as JSON lines."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in given)
    path.write_text("".join(lines), encoding="utf-8")
    return path


@functools.cache
def _trained(kind: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gristmill-toys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    out = folder / kind
    if kind == "binary":
        train_classifier(prepared(rows()), recipe(), out, data=[{"name": "toys", "licence": "CC0"}])
    else:
        three = rows(300, ("mill", "spam", "chess"))
        train_classifier(prepared(three), recipe(name=kind, positive=(), compress=None), out)
    return out

"""An invented benchmark, a corpus that leaks some of it, and the core of an audit fit for tests of the rest.

What is found is the business of other tests. Here items stand word for word, so that any verifier
finds them, beside texts that no verifier takes for one.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.examine import Examined
from audits.findings import Finding, Kind
from audits.index import StoredIndex, load_items
from audits.items import Item
from audits.semantic.stored_vectors import StoredVectors
from audits.settings import AuditSettings
from audits.verify.verifier import HEADS, Verifier
from classifiers.embed import Encoder

Row = dict[str, Any]

DEFINITION = """\
name: {name}
description: Questions about mills.
splits: [test, train]
files: "{{split}}.jsonl"
question: question
choices: [a, b, c]
answer: {{choice: answer}}
solution: why
subject: subject
id: id
"""
PLACES = ("Ansbach", "Brodick", "Cremona", "Delft", "Evora", "Ferrol", "Gdansk", "Hobart",
          "Ipoh", "Jaipur", "Kaunas", "Lerwick")  # fmt: skip
GRAINS = ("rye", "oats", "barley", "spelt", "millet", "maize")
CLEAN = (
    "The ferry leaves the northern pier at seven and calls at both islands before noon.",
    "Prune the roses late in winter, when the hardest frosts are over, and feed them in spring.",
    "The council has put off the vote on the new tram line until the autumn session.",
    "To clean a cast iron pan, rub it with coarse salt and wipe it dry over a low flame.",
    "Her first novel was turned down by nine publishers before a small press took it on.",
    "Store the negatives in acid-free sleeves and keep them away from heat and damp.",
    "The trail climbs through larch woods to a saddle from which the whole bay can be seen.",
    "A reader asks how long dried beans keep: years, though old ones take longer to soften.",
)


def items(size: int = 12, first: int = 0) -> list[Row]:
    """Rows of the benchmark, each with wording of its own."""
    return [
        {
            "id": f"m{at}",
            "question": (
                f"The water mill at {PLACES[at % 12]} grinds {at * 7 + 23} sacks of "
                f"{GRAINS[at % 6]} on each market day and keeps one sack in {at % 5 + 8} as its toll. "
                f"How many sacks does the miller of {PLACES[at % 12]} keep after {at + 4} market days?"
            ),
            "a": f"{at + 11} sacks", "b": f"{at + 29} sacks", "c": f"{at + 53} sacks",
            "answer": "b",
            "why": f"Multiply {at * 7 + 23} sacks by {at + 4} days and divide by {at % 5 + 8}.",
            "subject": "tolls" if at % 2 else "days",
        }
        for at in range(first, first + size)
    ]  # fmt: skip


def benchmark_folder(folder: Path, rows: Sequence[Row] | None = None, name: str = "mills") -> Path:
    """A folder of benchmarks with one in it, definition and files."""
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(DEFINITION.format(name=name), encoding="utf-8")
    write(home / "test.jsonl", items() if rows is None else rows)
    write(home / "train.jsonl", items(4, 40))
    return folder


def clean_rows(size: int, name: str = "clean") -> list[Row]:
    """Documents about other things, no two alike."""
    return [
        {
            "id": f"{name}-{at}",
            "text": "\n\n".join(CLEAN[(at + more) % len(CLEAN)] for more in range(3)) + f" ({at})",
            "url": f"https://pages.example/{at}" if at % 3 else None,
        }
        for at in range(size)
    ]


def corpus_rows(size: int = 24, leaks: Sequence[int] = (1, 4, 7)) -> list[Row]:
    """Clean documents, some with an item in their midst: the first leak in the third document."""
    rows = clean_rows(size, "doc")
    asked = items()
    for at, item in enumerate(leaks):
        row = rows[2 + at * 5]
        before, after = row["text"].split("\n\n", 1)
        row["text"] = f"{before}\n\n{asked[item]['question']}\n\n{after}"
        row["leaks"] = f"m{item}"
    return rows


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as JSON lines, gzipped or Parquet, by the ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
        return path
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def read(path: Path) -> list[Row]:
    """Rows of a Parquet file."""
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows


# --- the core --------------------------------------------------------------------------------

SHIPPED = resources.files("audits").joinpath("shipped", "verifier.json").is_file()


class _ByCosine:
    """Stands in for the trained verifier: near in meaning is a leak."""

    def probabilities(self, figures: Sequence[Mapping[str, float]]) -> dict[str, Any]:
        cosines = np.array([one["cosine"] for one in figures])
        sure = 1 / (1 + np.exp(-40 * (cosines - 0.9)))
        return dict(zip(HEADS, (sure, np.zeros(len(figures))), strict=True))

    def threshold(self, rate: float, passage: bool = False) -> float:
        return 0.9


class PlainExaminer:
    """Stands in for all of the core: finds questions that stand in a text as they are."""

    def __init__(self, folder: Path, settings: AuditSettings, counts: Any, documents: int):
        self._items, self._settings = load_items(folder), settings
        self._lexical = StoredIndex.load(folder).lexical
        assert counts is None or len(counts) == len(self._lexical)

    def examine(self, rows: Sequence[Any], vectors: StoredVectors | None = None) -> Examined:
        found = Examined()
        if vectors is not None:
            before = vectors.reused
            vectors.encode([row.text for row in rows])
            found.tally["reused"] += vectors.reused - before
        for row in rows:
            found.tally.update(documents=1, characters=len(row.text), passages=1, embedded=1)
            for item in self._items:
                start = row.text.find(item.question)
                if start >= 0:
                    found.findings.append(self._finding(item, row, start))
                    found.lost_by[0] += 1
        return found

    def _finding(self, item: Item, row: Any, start: int) -> Finding:
        end = start + len(item.question)
        least = self._settings.thresholds.get(item.benchmark, 0.9)
        return Finding(
            item.benchmark, item.id, row.id, row.url, start, end, Kind.VERBATIM, 0.995,
            leak=least <= 0.995, answer=item.answer in row.text,
            evidence={"item_text": item.question, "text": row.text[start:end],
                      "spans": [[0, end - start, 0, end - start]]},
        )  # fmt: skip


def _vectors(encoder: Encoder, texts: Sequence[str]) -> Any:
    made = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=384) for text in texts]
    return np.array([one / np.linalg.norm(one) for one in made], np.float32).reshape(-1, 384)


def plain_core(patch: pytest.MonkeyPatch) -> None:
    """Let this process audit without a model: quick, and enough for copies."""
    patch.setattr("pipeline.audit.examining.Examiner", PlainExaminer)
    patch.setattr(Encoder, "encode", _vectors)
    patch.setattr(Encoder, "dimension", 384)
    patch.setattr(Verifier, "load", classmethod(lambda cls: _ByCosine()))


def real_core(patch: pytest.MonkeyPatch) -> None:
    """Let this process audit with the real models, where they are shipped."""
    if not SHIPPED:
        patch.setattr(Verifier, "load", classmethod(lambda cls: _ByCosine()))


def needs_verifier() -> None:
    """Skip what runs in other processes where no trained verifier is shipped."""
    if not SHIPPED:
        pytest.skip("no trained verifier is shipped: audits/shipped/verifier.json is missing")

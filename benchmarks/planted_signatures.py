"""A signature index with planted clusters, written straight to disk, block by block.

What `pipeline.dedup` would have made of texts, without texts: signatures and shingle sets of known
similarity. Decided by a seed alone; memory does not grow with the number of documents but for two
numbers each.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.index import DOCUMENTS, NUMBERS, TABLE, IndexPart, index_folder
from pipeline.dedup.signatures import Signing
from pipeline.runtime.storage import RunFolder

__all__ = ["SIMILARITY", "Layout", "clusters", "signature_blocks", "write_index"]

SIMILARITY = 38 / 42  # within a planted cluster: 38 of 40 shingles are the same
SHINGLES = 40
PART = 250_000
_BLOCK = 25_000

_UInt32 = npt.NDArray[np.uint32]
_UInt64 = npt.NDArray[np.uint64]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What is planted.

    Args:
        documents: in all.
        giants: clusters of 10,000.
        boilerplate: buckets of 10,000 documents that agree in one band and in nothing else.
        share: of the documents that are in clusters of 2 to 20, besides those.
        seed: decides everything.
    """

    documents: int
    giants: int
    boilerplate: int
    share: float = 0.3
    seed: int = 1
    giant: int = 10_000

    @classmethod
    def of(cls, documents: int, seed: int = 1) -> Layout:
        """A twentieth in giants, a fiftieth in boilerplate."""
        return cls(documents, documents // 200_000, documents // 500_000, seed=seed)


def clusters(layout: Layout) -> npt.NDArray[np.int32]:
    """For each document its cluster, −1 for none; −2, −3 … for the boilerplate buckets."""
    rng = np.random.default_rng([layout.seed, 0])
    sizes = rng.integers(2, 21, round(layout.documents * layout.share / 11))
    sizes = np.concatenate([np.full(layout.giants, layout.giant), sizes])
    numbers = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    pages = np.repeat(np.arange(-2, -2 - layout.boilerplate, -1, dtype=np.int32), layout.giant)
    planted = np.concatenate([numbers, pages])
    if len(planted) > layout.documents:
        raise ValueError(f"{len(planted)} planted documents do not fit into {layout.documents}")
    found = np.full(layout.documents, -1, np.int32)
    found[: len(planted)] = planted
    rng.shuffle(found)
    return found


def signature_blocks(
    layout: Layout, of: npt.NDArray[np.int32], permutations: int = 112
) -> Iterator[tuple[_UInt32, _UInt32, npt.NDArray[np.int64], _UInt64]]:
    """Signatures, shingles and their starts, and text hashes of one block of documents after another.

    Two documents of a cluster agree in each value of their signatures with probability
    `SIMILARITY`, and in 38 of 40 shingles.
    """
    columns = np.arange(permutations, dtype=np.uint64)
    for number, begin in enumerate(range(0, layout.documents, _BLOCK)):
        rng = np.random.default_rng([layout.seed, 1, number])
        cluster = of[begin : begin + _BLOCK]
        rows = len(cluster)
        signatures = rng.integers(0, 2**32, (rows, permutations), np.uint32)
        shingles = rng.integers(0, 2**32, (rows, SHINGLES), np.uint32)
        inside = np.flatnonzero(cluster >= 0)
        base = _mixed(cluster[inside].astype(np.uint64)[:, np.newaxis] << np.uint64(16), columns)
        same = rng.random(base.shape, np.float32) < SIMILARITY**0.5
        signatures[inside] = np.where(same, base, signatures[inside])
        first = np.arange(1000, 1000 + 38, dtype=np.uint64)
        keys = cluster[inside].astype(np.uint64)[:, np.newaxis] << np.uint64(16)
        shingles[inside, :38] = _mixed(keys, first)
        for page in np.unique(cluster[cluster < -1]):
            band = 8 * (-int(page) % 14)
            key = np.array([[-int(page) << 40]], np.uint64)
            signatures[cluster == page, band : band + 8] = _mixed(key, columns[band : band + 8])
        shingles.sort(axis=1)
        starts = np.arange(1, rows + 1, dtype=np.int64) * SHINGLES
        yield signatures, shingles.ravel(), starts, rng.integers(0, 2**64, (rows, 2), np.uint64)


def write_index(root: Path, layout: Layout) -> None:
    """All parts of the index below ``root``, and ``parts.json`` that `read_index` reads."""
    home = index_folder(root)
    home.mkdir(parents=True)
    of = clusters(layout)
    records: list[dict[str, Any]] = []
    rows, part = 0, 0
    blocks = signature_blocks(layout, of)
    while rows < layout.documents:
        names = [*NUMBERS, TABLE]
        paths = {name: home / f"part-{part:05d}.{name}" for name in names}
        files = {name: paths[name].open("wb") for name in NUMBERS}
        np.zeros(1, np.int64).tofile(files["starts.i64"])
        written = 0
        with pa.ipc.new_file(str(paths[TABLE]), DOCUMENTS) as table:
            while written < min(PART, layout.documents - rows):
                signatures, shingles, starts, texts = next(blocks)
                signatures.tofile(files["signatures.u32"])
                shingles.tofile(files["shingles.u32"])
                (starts + written * SHINGLES).tofile(files["starts.i64"])
                texts.tofile(files["texts.u64"])
                table.write_batch(_documents(rows + written, len(signatures)))
                written += len(signatures)
        for file in files.values():
            file.close()
        noted = {name: {"bytes": paths[name].stat().st_size, "xxh3": ""} for name in names}
        records.append({"number": part, "rows": written, "files": noted})
        rows, part = rows + written, part + 1
    (root / "parts.json").write_text(json.dumps(records))


def read_index(root: Path) -> list[IndexPart]:
    """The parts that `write_index` has left."""
    signing = Signing().parameters()
    return [
        IndexPart(RunFolder(root), signing=signing, stamp="", **record)
        for record in json.loads((root / "parts.json").read_text())
    ]


def _documents(first: int, count: int) -> pa.RecordBatch:
    numbers = range(first, first + count)
    columns = {
        "id": [f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>" for number in numbers],
        "characters": [2_000] * count,
        "date": [float("nan")] * count,
        "host": [f"site{number % 50_000}.example" for number in numbers],
        "source": ["crawl"] * count,
        "quality": [float("nan")] * count,
    }
    return pa.RecordBatch.from_pydict(columns, schema=DOCUMENTS)


def _mixed(keys: _UInt64, columns: _UInt64) -> _UInt32:
    """Numbers that look random and are the same for the same key and column."""
    mixed = (keys + columns + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(32)).astype(np.uint32)

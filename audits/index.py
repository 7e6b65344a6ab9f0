"""The stored benchmark index: items, their vectors and n-grams, in a folder that later audits reuse.

FOLDER/items.parquet    the items, in order
FOLDER/vectors.npy      float32[items, dimension], of what each item says
FOLDER/neighbours.npy   int64[items, 3], nearest other items, -1 for none
FOLDER/lexical/         n-grams
FOLDER/index.json       what it was made of; written last
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audits.benchmarks.load import digest
from audits.items import Benchmark, Item
from audits.lexical.tier import LexicalIndex
from audits.settings import AuditSettings
from audits.verify.known import statement
from classifiers.embed import Encoder
from pipeline.core.errors import ModelError, SourceError
from pipeline.core.records import encodable
from pipeline.runtime.storage import storage_errors

__all__ = ["StoredIndex", "build_index", "load_items", "nearest_items", "neighbours"]

VERSION = 1
_NEIGHBOURS = 3
_SAME = 0.995  # cosine of an item's copy within the benchmark, which sets it apart from nothing
_AT_ONCE = 4096
_SPARE = 24  # items looked at beyond those asked for
_HEADER = ("fingerprint", "items", "dimension", "encoder", "benchmarks")

_Vectors = npt.NDArray[np.float32]

_ITEMS = pa.schema(
    [
        *((name, pa.string()) for name in ("benchmark", "id", "question")),
        ("choices", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("answer", "solution", "passage", "subject", "language")),
    ]
)


@dataclasses.dataclass(frozen=True, eq=False)
class StoredIndex:
    """An index, read.

    Args:
        items: in order.
        vectors: ``float32[items, dimension]``.
        neighbours: ``int64[items, 3]``.
        lexical: their n-grams.
        header: ``index.json``.
    """

    items: list[Item]
    vectors: _Vectors
    neighbours: npt.NDArray[np.int64]
    lexical: LexicalIndex
    header: dict[str, Any]

    @classmethod
    def load(cls, folder: Path, encoder: Encoder | None = None) -> StoredIndex:
        """Read an index.

        Args:
            encoder: the one it is to be used with.

        Raises:
            SourceError: there is none, or a file of it is missing.
            ModelError: it was made with another encoder.
        """
        header = _header(folder)
        if header is None:
            raise SourceError(
                f"{folder}: no benchmark index is here; audit with --benchmarks first"
            )
        if encoder is not None:
            _check_encoder(folder, header, encoder)
        try:
            return cls(
                load_items(folder),
                np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False),
                np.load(folder / "neighbours.npy", allow_pickle=False),
                LexicalIndex.load(folder / "lexical"),
                header,
            )
        except (OSError, EOFError, ValueError) as error:
            raise SourceError(
                f"{folder}: a file of the index is missing or damaged ({error}); audit with "
                "--benchmarks to make it anew"
            ) from error


def build_index(
    benchmarks: Sequence[Benchmark], folder: Path, settings: AuditSettings
) -> dict[str, Any]:
    """Make the index of these benchmarks; what is there already is used again.

    A whole index of the same benchmarks, encoder and rules is left as it is. Of another one the
    vectors of items that stay are kept, so that adding a benchmark costs that benchmark.

    Args:
        benchmarks: in the order that findings will have.
        folder: made if it is missing.
        settings: the encoder is what counts.

    Returns:
        ``index.json``: ``fingerprint``, ``items``, ``dimension``, ``encoder``, ``benchmarks``.

    Raises:
        ModelError: the folder's vectors were made by another encoder.
        SourceError: its ``index.json`` cannot be read.
        StorageError: it cannot be written.
    """
    items = [item for benchmark in benchmarks for item in benchmark.items]
    fingerprint = _fingerprint(benchmarks, settings.encoder)
    before = _header(folder)
    if before is not None and before["fingerprint"] == fingerprint and _whole(folder):
        return before
    known = _vectors_there(folder, before, settings.encoder)
    with storage_errors(folder):
        (folder / "index.json").unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        vectors = _vectors(items, settings.encoder, known)
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "neighbours.npy", neighbours(vectors))
        pq.write_table(_table(items), folder / "items.parquet", compression="zstd")
        shutil.rmtree(folder / "lexical", ignore_errors=True)
        LexicalIndex.build(items).save(folder / "lexical")
        header = {
            "version": VERSION,
            "fingerprint": fingerprint,
            "items": len(items),
            "dimension": int(vectors.shape[1]) if len(items) else 0,
            "encoder": {
                "name": settings.encoder.name,
                "sha256": settings.encoder.model_sha256(),
                "dtype": settings.encoder.dtype,
            },
            "benchmarks": {
                one.name: {
                    "items": len(one.items),
                    "source": one.source,
                    "revision": one.revision,
                    "sha256": one.sha256,
                    "faults": list(one.faults),
                }
                for one in benchmarks
            },
        }
        text = encodable(json.dumps(header, indent=2, ensure_ascii=False))
        (folder / "index.json").write_text(text + "\n", "utf-8")
    return header


def load_items(folder: Path) -> list[Item]:
    """The items of an index, in order.

    Raises:
        SourceError: they cannot be read.
    """
    try:
        rows = pq.read_table(folder / "items.parquet", schema=_ITEMS).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{folder / 'items.parquet'}: cannot be read ({error})") from error
    return [Item(**{**row, "choices": tuple(row["choices"])}) for row in rows]


def nearest_items(
    vectors: _Vectors, queries: _Vectors, most: int
) -> tuple[_Vectors, npt.NDArray[np.int64]]:
    """Cosines and numbers of the ``most`` nearest items of each query, nearest first.

    Exact (FAISS, inner product over all items); -1 where there are fewer items. Of equally near
    ones the first. What is near a query does not depend on the others.

    Args:
        vectors: ``float32[items, dimension]``, of unit length.
        queries: ``float32[n, dimension]``, of unit length.
    """
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    scores = np.full((len(queries), most), -1, np.float32)
    numbers = np.full((len(queries), most), -1, np.int64)
    more = min(len(vectors), most + _SPARE)
    kept = min(most, more)
    for start in range(0, len(queries) if more else 0, _AT_ONCE):
        some = np.ascontiguousarray(queries[start : start + _AT_ONCE])
        _, near = index.search(some, more)
        # Its last bits depend on how many queries there are, and so does the order of equal ones.
        near.sort(axis=1)
        for at, (query, row) in enumerate(zip(some, near, strict=True), start):
            cosines = (vectors[row] * query).sum(axis=1)
            order = np.argsort(-cosines, kind="stable")[:kept]
            scores[at, :kept], numbers[at, :kept] = cosines[order], row[order]
    return scores, numbers


def neighbours(vectors: _Vectors) -> npt.NDArray[np.int64]:
    """The nearest other items of each, ``int64[items, 3]``, copies left out; -1 for none.

    Args:
        vectors: ``float32[items, dimension]``, of unit length.
    """
    found = np.full((len(vectors), _NEIGHBOURS), -1, np.int64)
    more = min(len(vectors), 4 * _NEIGHBOURS)
    for start in range(0, len(vectors), _AT_ONCE):
        scores, numbers = nearest_items(vectors, vectors[start : start + _AT_ONCE], more)
        for row, (cosines, others) in enumerate(zip(scores, numbers, strict=True)):
            own = start + row
            apart = [
                int(other)
                for cosine, other in zip(cosines, others, strict=True)
                if other not in (own, -1) and cosine < _SAME
            ][:_NEIGHBOURS]
            found[own, : len(apart)] = apart
    return found


def _whole(folder: Path) -> bool:
    try:
        StoredIndex.load(folder)
    except SourceError:
        return False
    return True


def _table(items: Sequence[Item]) -> pa.Table:
    rows = [
        {
            name: encodable(value) if isinstance(value, str) else list(map(encodable, value))
            for name, value in dataclasses.asdict(item).items()
        }
        for item in items
    ]
    return pa.Table.from_pylist(rows, schema=_ITEMS)


def _fingerprint(benchmarks: Sequence[Benchmark], encoder: Encoder) -> str:
    made_of = [VERSION, encoder.model_sha256(), encoder.dtype]
    made_of += [[one.name, one.sha256 or digest(one.items), len(one.items)] for one in benchmarks]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _header(folder: Path) -> dict[str, Any] | None:
    try:
        header = json.loads((folder / "index.json").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise SourceError(f"{folder / 'index.json'}: cannot be read ({error})") from error
    if not isinstance(header, dict) or header.get("version") != VERSION:
        return None
    missing = [name for name in _HEADER if name not in header]
    if missing:
        raise SourceError(
            f"{folder / 'index.json'}: has no {missing[0]!r}; remove the folder and audit with "
            "--benchmarks to make it anew"
        )
    return header


def _check_encoder(folder: Path, header: dict[str, Any], encoder: Encoder) -> None:
    made = header["encoder"]
    if made["sha256"] == encoder.model_sha256() or not header["items"]:
        return
    if header["dimension"] != encoder.dimension:
        raise ModelError(
            f"{folder}: its vectors have {header['dimension']} dimensions, made by "
            f"{made['name']}, and {encoder.name} gives {encoder.dimension}; audit with the same "
            "encoder, or give another folder with --index"
        )
    raise ModelError(
        f"{folder}: its vectors were made by {made['name']}, not by {encoder.name}; audit with the "
        "same encoder, or give another folder with --index"
    )


def _vectors_there(
    folder: Path, header: dict[str, Any] | None, encoder: Encoder
) -> dict[str, _Vectors]:
    if header is None:
        return {}
    _check_encoder(folder, header, encoder)
    if header["encoder"]["dtype"] != encoder.dtype:
        return {}
    try:
        vectors = np.load(folder / "vectors.npy", allow_pickle=False)
        return dict(zip(map(statement, load_items(folder)), vectors, strict=True))
    except (OSError, EOFError, ValueError, SourceError):
        return {}  # missing or damaged: all are made anew


def _vectors(items: Sequence[Item], encoder: Encoder, known: dict[str, _Vectors]) -> _Vectors:
    texts = [statement(item) for item in items]
    new = [text for text in dict.fromkeys(texts) if text not in known]
    known = known | dict(zip(new, encoder.encode(new), strict=True))
    if not items:
        return np.zeros((0, encoder.dimension), np.float32)
    return np.stack([known[text] for text in texts])

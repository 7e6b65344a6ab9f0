"""The first pass: in how many documents each n-gram of the index stands, and a sample of documents.

What is frequent in the corpus says nothing of a benchmark, so nothing is judged before all of it is
counted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from audits.index import StoredIndex
from audits.leaks.power import HOST_CHARACTERS
from pipeline.audit.parts import Corpus, PartTask, batches
from pipeline.core.errors import ConservationError
from pipeline.runtime.completion import forget_surplus
from pipeline.runtime.executor import Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.steps import Run, do_parts
from pipeline.runtime.storage import RunFolder
from pipeline.sources.corpus import CorpusRow

__all__ = ["Counts", "count_corpus", "sample_hosts"]

SPARSE = pa.schema([("ngram", pa.int64()), ("documents", pa.int64())])
HOSTS = pa.schema([("order", pa.uint64()), ("text", pa.large_string())])

_Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Counts:
    """What was counted in a corpus.

    Args:
        file: with the documents that have each n-gram, ``int64[n]``; None of an empty corpus.
        digest: of what is in the file.
        documents, characters: in all.
        sizes: characters of each part.
        before: parts that were counted before.
    """

    file: Path | None
    digest: str
    documents: int
    characters: int
    sizes: tuple[int, ...]
    before: int

    def load(self) -> _Ints | None:
        """Documents that have each n-gram."""
        if self.file is None:
            return None
        loaded: _Ints = np.load(self.file, allow_pickle=False)
        return loaded


def count_corpus(
    folder: RunFolder, corpus: Corpus, index: Path, index_fingerprint: str, run: Run, hosts: int = 0
) -> Counts:
    """Count the n-grams of an index in a corpus.

    Args:
        folder: of the audit.
        corpus: which.
        index: folder of the index.
        index_fingerprint: of it.
        run: does the work.
        hosts: documents of each part that are kept for `sample_hosts`.
    """
    forget_surplus(folder, corpus.name, len(corpus.parts))
    tasks = [
        CountTask(
            folder, corpus.name, number, fingerprint(own, index_fingerprint, hosts), part,
            corpus.columns, index, hosts,
        )
        for number, (part, own) in enumerate(
            zip(corpus.parts, corpus.fingerprints(), strict=True)
        )
    ]  # fmt: skip
    done = do_parts(_count, "count", tasks, run)
    total: _Ints | None = None
    for task, noted in zip(tasks, done.noted, strict=True):
        if total is None:
            total = np.zeros(noted["ngrams"], np.int64)
        elif len(total) != noted["ngrams"]:
            raise ConservationError(
                f"{index}: was changed while n-grams were counted, from {len(total):,} to "
                f"{noted['ngrams']:,} of them"
            )
        table = pq.read_table(task.file("counts.parquet"), schema=SPARSE)
        total[table["ngram"].to_numpy()] += table["documents"].to_numpy()
    file, digest = None, ""
    if total is not None:
        digest = hashlib.sha256(total.astype("<i8").tobytes()).hexdigest()
        file = folder.splits / f"{corpus.name}.counts.npy"
        with folder.replacing(file) as temporary, temporary.open("wb") as handle:
            np.save(handle, total, allow_pickle=False)
    return Counts(
        file,
        digest,
        documents=sum(noted["documents"] for noted in done.noted),
        characters=sum(noted["characters"] for noted in done.noted),
        sizes=tuple(noted["characters"] for noted in done.noted),
        before=done.before,
    )


def sample_hosts(folder: RunFolder, corpus: Corpus, most: int) -> list[str]:
    """Texts of the corpus, chosen by a hash: the same ones however the corpus was cut.

    Of a longer text its beginning. Equal texts count once.

    Args:
        folder, corpus: of `count_corpus`, which kept ``most`` of each part.
        most: texts, at most.
    """
    chosen: dict[int, str] = {}
    for number in range(len(corpus.parts)):
        file = folder.splits / f"{corpus.name}-{number:05d}.hosts.parquet"
        table = pq.read_table(file, schema=HOSTS)
        chosen.update(zip(table["order"].to_pylist(), table["text"].to_pylist(), strict=True))
    return [chosen[order] for order in sorted(chosen)[:most]]


# --- one part --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class CountTask(PartTask):
    """Counting in one part; see `count_corpus`."""

    index: Path
    hosts: int


def _count(task: CountTask, tick: Tick) -> tuple[Sequence[Path], dict[str, Any]]:
    lexical = StoredIndex.load(task.index).lexical
    total = lexical.count([])
    documents = characters = 0
    sample = _Sample(task.hosts)
    for rows in batches(task.part, task.columns, []):
        texts = [row.text or "" for row in rows]
        lexical.count(texts, total)
        documents += len(rows)
        characters += sum(map(len, texts))
        sample.take_in(rows)
        tick({"bytes": characters, "documents": documents})
    files = [task.file("counts.parquet")]
    at = np.flatnonzero(total)  # few n-grams of an index stand in one part
    table = pa.table({"ngram": at.astype(np.int64), "documents": total[at]}, schema=SPARSE)
    with task.folder.replacing(files[0]) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    if task.hosts:
        files.append(task.file("hosts.parquet"))
        with task.folder.replacing(files[1]) as temporary:
            pq.write_table(sample.table(), temporary, compression="zstd")
    return files, {"ngrams": len(total), "documents": documents, "characters": characters}


class _Sample:
    """The documents with the smallest hashes: a random sample that knows nothing of order."""

    def __init__(self, most: int):
        self._most = most
        self._held: dict[int, str] = {}
        self._heap: list[int] = []  # negative, so that the largest goes first

    def take_in(self, rows: Sequence[CorpusRow]) -> None:
        for row in rows if self._most else ():
            text = (row.text or "")[: HOST_CHARACTERS + 1]  # who cuts must see that there is more
            order = xxhash.xxh3_64_intdigest(text.encode())
            if order in self._held or not text.strip():
                continue
            if len(self._heap) == self._most:
                if order > -self._heap[0]:
                    continue
                del self._held[-heapq.heappop(self._heap)]
            heapq.heappush(self._heap, -order)
            self._held[order] = text

    def table(self) -> pa.Table:
        rows: Iterator[tuple[int, str]] = iter(sorted(self._held.items()))
        return pa.Table.from_pylist([{"order": at, "text": text} for at, text in rows], HOSTS)

"""The parts one split writes: its corpus, its dropped texts, its quarantine and its ledger rows.

Rows are dictionaries keyed by the columns declared here; what a column means is said in
`docs/output.md`. Buffered rows are flushed every `ROWS_PER_GROUP` rows, so that memory does not
grow with the split and the bytes depend on the rows alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.decisions import Signal
from pipeline.core.errors import ConservationError
from pipeline.core.records import Fate
from pipeline.runtime.storage import KINDS, RunFolder

__all__ = ["PartFile", "PartsWriter", "Schemas", "read_rows", "table_suffix"]

ROWS_PER_GROUP = 1000

FAILED = pa.list_(
    pa.struct(
        [
            ("reason", pa.string()),
            ("value", pa.float64()),
            ("bound", pa.float64()),
            ("detail", pa.string()),
        ]
    )
)
_ORIGIN = [("path", pa.string()), ("offset", pa.int64()), ("length", pa.int64())]
_CLUSTER = [("cluster", pa.string()), ("cluster_size", pa.int64())]
_TOKENS = [("tokens", pa.int64())]
_TEXT = [
    ("id", pa.string()),
    ("text", pa.large_string()),
    ("url", pa.string()),
    ("date", pa.string()),
    ("language", pa.string()),
    ("language_score", pa.float64()),
    *_ORIGIN,
]
_RECORD = [
    ("id", pa.string()),
    ("url", pa.string()),
    *_ORIGIN,
    ("date", pa.string()),
    ("record_type", pa.string()),
    ("http_status", pa.int64()),
    ("content_type", pa.string()),
    ("charset", pa.string()),
    ("charset_source", pa.string()),
    ("characters", pa.int64()),
    ("fate", pa.string()),
    ("stage", pa.string()),
    ("reason", pa.string()),
    ("value", pa.float64()),
    ("bound", pa.float64()),
    ("detail", pa.string()),
    ("failed", FAILED),
]


@dataclasses.dataclass(frozen=True)
class Schemas:
    """The columns of each kind of part. The ledger has one more per signal, ``family.signal``.

    Args:
        signals: family and signal of each.
        clusters: documents are deduplicated and know their cluster.
        tags: columns of signals that are also written beside the texts.
        tokens: words and tokens of each text are counted.
    """

    signals: tuple[tuple[str, Signal], ...]
    clusters: bool = False
    tags: tuple[str, ...] = ()
    tokens: bool = False

    def signal_columns(self) -> list[str]:
        return [f"{family}.{signal.name}" for family, signal in self.signals]

    def of(self, kind: str) -> pa.Schema:
        clusters = _CLUSTER if self.clusters else []
        tokens = _TOKENS if self.tokens else []
        signals = [
            (f"{family}.{signal.name}", pa.string() if signal.kind == "text" else pa.float64())
            for family, signal in self.signals
        ]
        texts = [
            *_TEXT,
            *tokens,
            *clusters,
            *(column for column in signals if column[0] in self.tags),
        ]
        if kind == "corpus":
            return pa.schema(texts)
        if kind == "dropped":
            return pa.schema([*texts, ("stage", pa.string()), ("reason", pa.string())])
        if kind == "quarantine":
            return pa.schema(
                [
                    ("id", pa.string()),
                    ("url", pa.string()),
                    *_ORIGIN,
                    ("stage", pa.string()),
                    ("reason", pa.string()),
                    ("error", pa.string()),
                ]
            )
        words = [("words", pa.int64())] if self.tokens else []
        return pa.schema([*_RECORD, *words, *tokens, *clusters, *signals])


@dataclasses.dataclass(frozen=True, slots=True)
class PartFile:
    """A written part: rows, size in bytes and sha256 of the file."""

    rows: int
    bytes: int
    sha256: str


def table_suffix(kind: str, corpus_format: str) -> str:
    """File ending of a kind of part; only the corpus has a choice."""
    return ".jsonl.zst" if kind == "corpus" and corpus_format == "jsonl.zst" else ".parquet"


class PartsWriter:
    """Writes the four parts of one split; nothing becomes visible unless the block ends well.

    Args:
        folder: the run folder.
        index: number of the split.
        schemas: columns.
        corpus_format: ``"parquet"`` or ``"jsonl.zst"``.
    """

    def __init__(self, folder: RunFolder, index: int, schemas: Schemas, corpus_format: str):
        self._folder, self._index, self._schemas = folder, index, schemas
        self._format = corpus_format
        self._stack = ExitStack()
        self._writers: dict[str, _ParquetPart | _JsonlPart] = {}
        self.files: dict[str, PartFile] = {}

    def __enter__(self) -> Self:
        for kind in KINDS:
            suffix = table_suffix(kind, self._format)
            path = self._folder.part(kind, self._index, suffix)
            temporary = self._stack.enter_context(self._folder.replacing(path))
            part = _JsonlPart if suffix == ".jsonl.zst" else _ParquetPart
            self._writers[kind] = part(temporary, self._schemas.of(kind))
        return self

    def write(self, kind: str, row: Mapping[str, Any]) -> None:
        """Add one row to a part. Missing columns are null, unknown ones an error."""
        self._writers[kind].write(row)

    def rows(self, kind: str) -> int:
        return self._writers[kind].rows

    def check(self, counts: Mapping[str, int], texts_dropped: int) -> None:
        """Hold what was written against what was counted.

        Raises:
            ConservationError: a record was lost or written twice.
        """
        expected = {
            "records": sum(counts.values()),
            "corpus": counts.get(Fate.KEPT, 0),
            "quarantine": counts.get(Fate.QUARANTINED, 0),
            "dropped": texts_dropped,
        }
        for kind, number in expected.items():
            if self.rows(kind) != number:
                raise ConservationError(
                    f"split {self._index}: {number} rows were due in {kind}/, "
                    f"{self.rows(kind)} were written"
                )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for name, writer in self._writers.items():
                writer.close()
                if error is None:
                    self.files[name] = _describe(writer.path, writer.rows)
        except BaseException as closing:
            self._stack.__exit__(type(closing), closing, closing.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)


class _ParquetPart:
    def __init__(self, path: Path, schema: pa.Schema):
        self.path, self.rows = path, 0
        self._schema, self._names = schema, set(schema.names)
        self._buffer: list[Mapping[str, Any]] = []
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=3)

    def write(self, row: Mapping[str, Any]) -> None:
        if not row.keys() <= self._names:
            raise KeyError(f"no column for {sorted(row.keys() - self._names)}")
        self._buffer.append(row)
        self.rows += 1
        if len(self._buffer) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            self._writer.write_table(pa.Table.from_pylist(self._buffer, schema=self._schema))
            self._buffer = []

    def close(self) -> None:
        try:
            self._flush()
        finally:
            self._writer.close()


class _JsonlPart:
    def __init__(self, path: Path, schema: pa.Schema):
        self.path, self.rows = path, 0
        self._names = schema.names
        self._stream = pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd")

    def write(self, row: Mapping[str, Any]) -> None:
        ordered = {name: row.get(name) for name in self._names}
        self._stream.write(json.dumps(ordered, ensure_ascii=False).encode() + b"\n")
        self.rows += 1

    def close(self) -> None:
        self._stream.close()


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a written part, in order, a row group at a time."""
    if path.name.endswith(".jsonl.zst"):
        with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as stream:
            for line in io.BufferedReader(stream):
                yield json.loads(line)
        return
    with pq.ParquetFile(path) as table:
        for group in range(table.num_row_groups):
            yield from table.read_row_group(group, columns=columns).to_pylist()


def _describe(path: Path, rows: int) -> PartFile:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256")
    return PartFile(rows, path.stat().st_size, digest.hexdigest())

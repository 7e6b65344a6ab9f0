"""A part of a corpus written again: without the documents that were flagged, or with a note on each.

Every column of the input comes along. Rows in = kept + dropped + quarantined, and it is checked.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError, ConservationError, StorageError
from pipeline.core.registry import nearest
from pipeline.runtime.storage import storage_errors
from pipeline.sources.columns import ColumnTypes, conform, is_json_text, json_text, unify
from pipeline.sources.corpus import CorpusColumns, CorpusPart, CorpusRow, read_corpus
from pipeline.sources.corpus_pieces import read_pieces
from pipeline.sources.parquet import BATCH_BYTES, BATCH_ROWS

__all__ = ["ACTIONS", "NOTES", "Action", "Cleaned", "cleaned_schema", "write_cleaned"]

Action = Literal["drop", "tag"]
ACTIONS: tuple[Action, ...] = ("drop", "tag")
# What `tag` adds: whether there is anything against the document, and what, as JSON.
NOTES = (pa.field("contaminated", pa.bool_()), pa.field("contamination", pa.large_string()))

Charges = Sequence[Mapping[str, Any]]
Decide = Callable[[CorpusRow], Charges]


@dataclasses.dataclass(frozen=True, slots=True)
class Cleaned:
    """The account: ``rows`` = ``kept`` + ``dropped`` + the sum of ``quarantined``.

    Args:
        rows: in the part.
        kept: written.
        flagged: documents with something against them: all of them dropped, or all kept and tagged.
        quarantined: rows that are no documents, by fault; they are not written.
    """

    rows: int
    kept: int
    flagged: int
    dropped: int
    quarantined: dict[str, int]


def cleaned_schema(
    types: Iterable[ColumnTypes], columns: CorpusColumns | None = None, action: Action = "drop"
) -> pa.Schema:
    """The columns of what `write_cleaned` writes, the same for all parts of a corpus.

    Ids that are of different types in different rows are written as text.

    Args:
        types: of each part, as `read_corpus` has filled them, in the order of `plan_corpus`.
        columns: their names.
        action: see `write_cleaned`.

    Raises:
        ConfigError: an unknown action.
    """
    ids = (columns or CorpusColumns()).ids
    notes = NOTES if action == "tag" else ()
    replaced = [note.name for note in notes]
    fields = [
        pa.field(field.name, pa.large_string())
        if field.name in ids and is_json_text(field)
        else field
        for field in unify(types)
        if field.name not in replaced
    ]
    schema = pa.schema([*fields, *notes])
    _check_schema(schema, action)
    return schema


def write_cleaned(
    part: CorpusPart,
    out: str | os.PathLike[str],
    decide: Decide,
    columns: CorpusColumns | None = None,
    action: Action = "drop",
    schema: pa.Schema | None = None,
) -> Cleaned:
    """Write the documents of a part as Parquet. The file appears when it is whole.

    Args:
        part: from `plan_corpus`.
        out: the file. Its folder must be there.
        decide: what there is against a document, one plain mapping for each item that was found in
            it (``benchmark``, ``item``, ``type``, ``probability``); empty if it is clean. Asked
            once for each document, in order.
        columns: names of the columns, as for `read_corpus`.
        action: ``drop`` leaves out documents that there is something against, ``tag`` keeps them
            and gives every document the columns `NOTES`; columns of these names are replaced.
        schema: from `cleaned_schema` over all parts, so that the files have the same columns. None
            for what this part has; it is then read twice.

    Raises:
        ConfigError: an unknown action.
        SourceError: the input can no longer be read, or has changed since ``schema`` was made.
        StorageError: ``out`` cannot be written.
        ConservationError: a row was lost.
    """
    columns = columns or CorpusColumns()
    if schema is None:
        types = ColumnTypes()
        for _ in read_corpus(part, columns, types):
            pass
        schema = cleaned_schema([types], columns, action)
    _check_schema(schema, action)
    out = Path(out)
    temporary = out.with_name(f".{out.name}.part")
    writing = _Writing(part, decide, columns, action, schema)
    try:
        with storage_errors(out):
            with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
                for table in _gathered(writing.batches(), schema):
                    writer.write_table(table)
            cleaned = writing.cleaned(pq.read_metadata(temporary).num_rows)
            temporary.replace(out)
    except OSError as error:
        raise StorageError(f"{out}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return cleaned


def _check_schema(schema: pa.Schema, action: str) -> None:
    if action not in ACTIONS:
        raise ConfigError(
            f"no action is called {action!r}; there are: drop, tag{nearest(action, ACTIONS)}"
        )
    if action == "tag" and list(schema)[-len(NOTES) :] != list(NOTES):
        raise ConfigError("the schema was made for another action; make it with action='tag'")


@dataclasses.dataclass
class _Writing:
    """What becomes of the rows of a part, as they go by."""

    part: CorpusPart
    decide: Decide
    columns: CorpusColumns
    action: Action
    schema: pa.Schema
    rows: int = 0
    flagged: int = 0
    quarantined: Counter[str] = dataclasses.field(default_factory=Counter)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """What is to be written."""
        for piece in read_pieces(self.part, self.columns, self._of_input):
            for fault in piece.lost:
                self._quarantine(fault)
            charges = [self._charges(document) for document in piece.documents]
            stays = pa.array([charge is not None for charge in charges], pa.bool_())
            kept = [charge for charge in charges if charge is not None]
            yield self._finished(piece.rows.filter(stays), kept)

    def cleaned(self, kept: int) -> Cleaned:
        dropped = self.flagged if self.action == "drop" else 0
        lost = self.quarantined.total()
        if self.rows != kept + dropped + lost:
            raise ConservationError(
                f"{', '.join(self.part.inputs)}: {self.rows} rows were read, {kept} kept, {dropped} "
                f"dropped and {lost} quarantined"
            )
        return Cleaned(
            self.rows, kept, self.flagged, dropped, dict(sorted(self.quarantined.items()))
        )

    def _quarantine(self, fault: CorpusRow) -> None:
        self.rows += fault.lost
        self.quarantined[fault.fault] += fault.lost

    def _charges(self, document: CorpusRow) -> Charges | None:
        """What there is against a document that is written; None for one that is not."""
        if document.fault:
            self._quarantine(document)
            return None
        self.rows += 1
        charges = self.decide(document)
        self.flagged += bool(charges)
        return None if charges and self.action == "drop" else charges

    def _finished(self, rows: pa.RecordBatch, charges: Sequence[Charges]) -> pa.RecordBatch:
        """Rows of the input with the columns of the output."""
        rows = conform(rows, self._of_input)
        if self.action == "drop":
            return rows
        flags = pa.array([bool(found) for found in charges], NOTES[0].type)
        texts = pa.array([json_text([*found], finite=True) for found in charges], NOTES[1].type)
        return pa.RecordBatch.from_arrays([*rows.columns, flags, texts], schema=self.schema)

    @property
    def _of_input(self) -> pa.Schema:
        return pa.schema(list(self.schema)[: -len(NOTES)]) if self.action == "tag" else self.schema


def _gathered(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Batches put together to row groups of some size."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            held.append(batch)
        rows = sum(one.num_rows for one in held)
        if rows >= BATCH_ROWS or sum(one.nbytes for one in held) >= BATCH_BYTES:
            yield pa.Table.from_batches(held, schema)
            held = []
    if held:
        yield pa.Table.from_batches(held, schema)

"""Rows of files in, the same rows with something added out: read, held in batches, written, counted.

Memory does not grow with the files. What is added is the caller's business.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from pipeline.core.errors import ConfigError, ConservationError, StorageError
from pipeline.core.printable import printable
from pipeline.runtime.storage import storage_errors
from pipeline.sources.columns import json_text
from pipeline.sources.table_rows import TableRow
from pipeline.sources.tables import read_rows

__all__ = ["Account", "check_ending", "row_batches", "written_lines"]

BATCH, BATCH_CHARACTERS = 1024, 32 << 20  # whichever is reached first
FAULTS_SHOWN = 10


@dataclasses.dataclass
class Account:
    """The account: rows read = ``rows`` + ``unreadable``.

    Args:
        rows: written, each with what was added.
        without_text: of those, the ones that have no text; null was added.
        unreadable: rows that could not be read; ``faults`` are the first of them.
        replaced: columns that rows had already, and that hold what was added now.
    """

    rows: int = 0
    without_text: int = 0
    unreadable: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)
    replaced: set[str] = dataclasses.field(default_factory=set)


def row_batches(
    parts: Sequence[Any], done: Account, column: str | None = None
) -> Iterator[list[dict[str, Any]]]:
    """The rows of all parts, some at a time; what cannot be read is noted in ``done``.

    Args:
        parts: from `pipeline.sources.tables.plan_tables`.
        done: takes the faults.
        column: that some row must have; None for none.

    Raises:
        ConfigError: no row has it.
        ConservationError: a row was lost.
        SourceError: a file that cannot be read.
    """
    rows = itertools.chain.from_iterable(read_rows(part) for part in parts)
    read = given = held = 0
    there = column is None
    batch: list[dict[str, Any]] = []
    for row in rows:
        read += row.lost
        if row.values is None:
            _note(row, done)
            continue
        batch.append(row.values)
        there = there or column in row.values
        held += sum(len(value) for value in row.values.values() if isinstance(value, str))
        if len(batch) == BATCH or held >= BATCH_CHARACTERS:
            given += len(batch)
            yield batch
            batch, held = [], 0
    if batch:
        given += len(batch)
        yield batch
    if read != given + done.unreadable:
        raise ConservationError(
            f"{read} rows were read, {given} scored, {done.unreadable} unreadable"
        )
    if given and not there:
        raise ConfigError(f"none of the {given:,} rows has the column {column!r} that --text names")


def _note(row: TableRow, done: Account) -> None:
    done.unreadable += row.lost
    if len(done.faults) < FAULTS_SHOWN:
        done.faults.append(printable(f"{row.place}: {row.error}"))


def check_ending(out: Path | None) -> None:
    """See that a file has an ending that can be written.

    Raises:
        ConfigError: it has another.
    """
    if out is not None and not out.name.endswith((".jsonl", ".jsonl.gz", ".jsonl.zst")):
        raise ConfigError(f"--out {out}: give it the ending .jsonl, .jsonl.gz or .jsonl.zst")


@contextlib.contextmanager
def written_lines(out: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Writes rows as JSON lines; a file gets its name when the block has ended well."""
    if out is None:
        yield lambda row: _write(sys.stdout, row)
        return
    check_ending(out)
    temporary = out.with_name(f".{out.name}.part")
    try:
        with storage_errors(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            with _opened(temporary, out.name) as file:
                yield lambda row: _write(file, row)
            temporary.replace(out)
    except OSError as error:
        raise StorageError(f"{out}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[TextIO]:
    import io

    import pyarrow as pa

    ending = name.rpartition(".")[2]
    if ending == "jsonl":
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    compression = {"gz": "gzip", "zst": "zstd"}[ending]
    with pa.CompressedOutputStream(str(path), compression) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="\n")
        yield text
        text.flush()
        text.detach()


def _write(file: TextIO, row: dict[str, Any]) -> None:
    file.write(json_text(row, finite=True) + "\n")

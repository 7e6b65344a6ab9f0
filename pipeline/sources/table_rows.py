"""What readers of tables hand on: parts of files, rows or their faults, batches."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.core.errors import RecordError

__all__ = ["JSON_LINES", "PARQUET", "TableBatch", "TablePart", "TableRow", "ending_of", "fault"]

# Ending to compression; None is a plain file.
JSON_LINES = {".jsonl.gz": "gzip", ".jsonl.zst": "zstd", ".jsonl": None}
PARQUET = ".parquet"


def ending_of(path: str) -> str:
    """The ending by which a file is read; empty for one that is not."""
    return next((end for end in (*JSON_LINES, PARQUET) if path.lower().endswith(end)), "")


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class TablePart:
    """A unit of work.

    Args:
        path: absolute path, or URL.
        start: of plain JSON lines, the first byte: a line belongs to the part in which it begins.
            Of Parquet, the first row group.
        end: the byte or the row group after the last. A compressed file is one part, 0 to its
            size.
    """

    path: str
    start: int
    end: int


@dataclasses.dataclass(slots=True)
class TableRow:
    """One row, or what could not be read.

    Args:
        path: of the file.
        number: byte offset of a line (in the unpacked text of a compressed file); row of a
            Parquet file, the first being 0.
        values: by column; None if the row could not be read. A column without a value is absent
            or None.
        error: what failed, for a person; None if nothing did.
        reason: slug of what failed: ``table.json``, ``table.object``, ``table.utf8``,
            ``table.depth``, ``table.line_bytes``, ``table.compression`` or ``table.row_group``.
        lost: rows that an error stands for. At the end of a damaged compressed file nobody knows
            how many there were: it is 1 then.
    """

    path: str
    number: int
    values: dict[str, Any] | None
    error: str | None = None
    reason: str | None = None
    lost: int = 1

    @property
    def place(self) -> str:
        """Where the row is, as in ``a.jsonl at byte 1234`` or ``b.parquet row 17``."""
        ending = ending_of(self.path)
        if ending not in JSON_LINES:
            return f"{self.path} row {self.number}"
        unpacked = " of its unpacked text" if JSON_LINES[ending] else ""
        return f"{self.path} at byte {self.number}{unpacked}"


@dataclasses.dataclass(frozen=True, slots=True)
class TableBatch:
    """Rows of one part in the schema asked for.

    Args:
        path: of the file.
        numbers: ``int64[rows]``, `TableRow.number` of each.
        rows: the values.
        errors: rows among and before these that could not be read.
    """

    path: str
    numbers: npt.NDArray[np.int64]
    rows: pa.RecordBatch
    errors: tuple[TableRow, ...] = ()


def fault(part: TablePart, number: int, error: RecordError, lost: int = 1) -> TableRow:
    """The row that stands for ``lost`` rows that could not be read."""
    return TableRow(part.path, number, None, error.message, error.reason, lost)

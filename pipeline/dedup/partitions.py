"""Rows of numbers in files, grouped by partition: what the shuffles of deduplication hand on.

A task writes one file with all its rows, those of partition 0 first; a later task reads one
partition from every file. A file is ``int64[partitions + 1]`` offsets, then the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import StorageError

__all__ = ["ROW", "read_partition", "rows_of", "write_partitions"]

ROW = np.dtype([("key", "<u8"), ("document", "<u4")])  # 12 bytes

Rows = npt.NDArray[Any]


def rows_of(keys: npt.NDArray[np.uint64], documents: npt.NDArray[np.uint32]) -> Rows:
    """Two columns as one array of `ROW`."""
    rows = np.empty(len(keys), ROW)
    rows["key"], rows["document"] = keys, documents
    return rows


def write_partitions(
    path: Path, rows: Rows, partition: npt.NDArray[np.integer[Any]], partitions: int
) -> None:
    """Write ``rows``, row *i* to ``partition[i]``; within one the order stays."""
    order = np.argsort(partition.astype(np.uint16), kind="stable")  # radix for 16 bits
    offsets = np.zeros(partitions + 1, np.int64)
    np.cumsum(np.bincount(partition, minlength=partitions), out=offsets[1:])
    with path.open("wb") as handle:
        offsets.tofile(handle)
        rows[order].tofile(handle)


def read_partition(paths: Iterable[Path], partition: int, partitions: int) -> Rows:
    """The rows of one partition from all files, in the order of ``paths``.

    Raises:
        StorageError: a file is shorter than it says.
    """
    found = [np.empty(0, ROW)]
    header = 8 * (partitions + 1)
    for path in paths:
        with path.open("rb") as handle:
            handle.seek(8 * partition)
            ends = np.fromfile(handle, np.int64, 2)
            first, last = ends.tolist() if len(ends) == 2 else (0, 1)
            handle.seek(header + first * ROW.itemsize)
            rows = np.fromfile(handle, ROW, last - first)
            if len(rows) != last - first:
                raise StorageError(f"{path} is cut off; remove {path.parent} and run again")
            found.append(rows)
    return np.concatenate(found)

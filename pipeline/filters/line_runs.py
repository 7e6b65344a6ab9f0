"""Run files of a line survey: the lines of some documents, sorted, and who holds each.

They are written while documents are counted and read, range by range, when all are merged; see
`pipeline.filters.line_survey`, which decides what is repeated.
"""

from __future__ import annotations

import uuid
from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.filters.repeated_lines import countable, line_key
from pipeline.filters.url_parts import url_key
from pipeline.runtime.storage import storage_errors

__all__ = ["Keys", "LineRun", "MappedRun", "count_distinct"]

# Characters of a line that the table shows.
_SHOWN = 200

# One row for each line of a site in a run file. `texts` and `urls` are hashes of the documents
# that hold it, one entry a document.
_RUN = pa.schema(
    [
        ("line", pa.uint64()),
        ("domain", pa.string()),
        ("text", pa.large_string()),
        ("texts", pa.list_(pa.uint64())),
        ("urls", pa.list_(pa.uint64())),
    ]
)

Keys = npt.NDArray[np.uint64]


class LineRun:
    """Lines of some documents, in order of arrival until they are written."""

    def __init__(self) -> None:
        self._lines = array("Q")
        self._shown = bytearray()
        self._ends = array("q", [0])
        # Of each document:
        self._sites: list[str] = []
        self._texts = array("Q")
        self._urls = array("Q")
        self._counts = array("q")

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, site: str, url: str, pieces: Sequence[tuple[str, str]]) -> None:
        """Take in one document: its lines as `pieces_of` gives them."""
        shown = {"": ""}
        for raw, piece in pieces:
            if countable(piece):
                text = " ".join(raw.split())[:_SHOWN]
                if piece not in shown or text < shown[piece]:
                    shown[piece] = text
        for piece, text in shown.items():
            self._lines.append(line_key(site, piece))
            self._shown += text.encode("utf-8", "replace")
            self._ends.append(len(self._shown))
        whole = "\n".join(piece for _, piece in pieces)
        self._sites.append(site)
        self._texts.append(_hash(whole))
        self._urls.append(_hash(url_key(url)))
        self._counts.append(len(shown))

    def write(self, folder: Path) -> Path:
        """Write what was taken in, sorted; the file's name tells nothing."""
        counts = np.frombuffer(self._counts, np.int64)
        document = np.repeat(np.arange(len(counts)), counts)
        lines = np.frombuffer(self._lines, np.uint64)
        sites = pa.array(self._sites).dictionary_encode()
        site = sites.indices.to_numpy()[document]
        shown = pa.LargeStringArray.from_buffers(
            len(lines), pa.py_buffer(self._ends), pa.py_buffer(self._shown)
        )
        rank = pc.rank(shown, tiebreaker="dense").to_numpy()
        site_rank = pc.rank(sites.dictionary).to_numpy()[site]
        order = np.lexsort((rank, site_rank, lines))
        lines, document = lines[order], document[order]
        starts = np.flatnonzero(np.append(True, lines[1:] != lines[:-1]))
        first = pa.array(order[starts])
        offsets = pa.array(np.append(starts, len(lines)), pa.int32())
        texts = np.frombuffer(self._texts, np.uint64)[document]
        urls = np.frombuffer(self._urls, np.uint64)[document]
        batch = pa.RecordBatch.from_arrays(
            [
                pa.array(lines[starts]),
                sites.dictionary.take(pa.array(site).take(first)),
                shown.take(first),
                pa.ListArray.from_arrays(offsets, pa.array(texts)),
                pa.ListArray.from_arrays(offsets, pa.array(urls)),
            ],
            schema=_RUN,
        )
        path = folder / f"{uuid.uuid4().hex}.arrow"
        with storage_errors(path), pa.ipc.new_file(str(path), _RUN) as writer:
            writer.write_batch(batch)
        return path


class MappedRun:
    """A run file mapped into memory: what is looked at is read."""

    def __init__(self, path: Path):
        # The mapping outlives its file, so that thousands of runs need no open files.
        with pa.memory_map(str(path)) as file:
            self._batch = pa.ipc.open_file(file).get_batch(0)
        self._lines = self._batch["line"].to_numpy()
        self.rows = len(self._batch["texts"].values)

    def between(self, low: int, high: int) -> pa.RecordBatch:
        """Lines with ``low <= key < high``, sorted by key."""
        start = int(np.searchsorted(self._lines, np.uint64(low)))
        stop = len(self._lines)
        if high < 1 << 64:
            stop = int(np.searchsorted(self._lines, np.uint64(high)))
        return self._batch.slice(start, stop - start)


def count_distinct(
    pieces: Sequence[pa.RecordBatch], column: str, at_once: int
) -> tuple[Keys, npt.NDArray[np.int64]]:
    """Every line, sorted, and how many different values it has in a column of lists."""
    total = sum(len(piece[column].flatten()) for piece in pieces)
    # A line that a million pages hold fills its range; other passes take other values.
    passes = max(1, total // (2 * at_once))
    lines, counts = np.empty(0, np.uint64), np.empty(0, np.int64)
    for number in range(passes):
        chosen = [_chosen(piece, column, number, passes) for piece in pieces]
        keys = np.concatenate([lines[:0], *(keys for keys, _ in chosen)])
        values = np.concatenate([lines[:0], *(values for _, values in chosen)])
        order = np.lexsort((values, keys))
        keys, values = keys[order], values[order]
        fresh = np.ones(len(keys), np.bool_)
        fresh[1:] = (keys[1:] != keys[:-1]) | (values[1:] != values[:-1])
        keys, found = np.unique(keys[fresh], return_counts=True)
        lines, place = np.unique(np.append(lines, keys), return_inverse=True)
        counts = np.bincount(place, np.append(counts, found), len(lines)).astype(np.int64)
    return lines, counts


def _chosen(piece: pa.RecordBatch, column: str, number: int, passes: int) -> tuple[Keys, Keys]:
    """Lines and their values, one row a value, of the values that are up in this pass."""
    keys = np.repeat(piece["line"].to_numpy(), piece[column].value_lengths().to_numpy())
    values = piece[column].flatten().to_numpy()
    mask = values % np.uint64(passes) == number
    return keys[mask], values[mask]


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "replace"))

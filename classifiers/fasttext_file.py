"""Whether a file is a whole fastText model, before fastText reads it.

fastText 0.9.3 does not look whether a file has ended: one that is cut off within its words makes it
read for ever, until there is no memory left, and one cut off later gives a model of wrong weights.
The format is that of ``FastText::saveModel``, all numbers little-endian.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from pipeline.core.errors import ModelError

__all__ = ["check_whole"]

MAGIC = 793712314
HEADER = 8  # magic and version
ARGUMENTS = 12 * 4 + 8
PRODUCTS = 256 * 4  # bytes of centroids for each dimension
_COUNTS = struct.Struct("<iiiqq")  # entries, words, labels, tokens, pruned n-grams


def check_whole(path: str) -> None:
    """Follow the lengths that the file states to its end.

    Args:
        path: a model, ``.bin`` or ``.ftz``.

    Raises:
        ModelError: it is no fastText model, or ends before it should.
    """
    with Path(path).open("rb") as file:
        head = file.read(HEADER)
        if len(head) < HEADER or struct.unpack("<i", head[:4])[0] != MAGIC:
            raise ModelError(f"{path}: not a fastText model (.bin or .ftz)")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                end = _end(data)
            except (struct.error, ValueError, OverflowError):
                end = -1
            if not 0 <= end <= len(data):
                raise ModelError(
                    f"{path}: not a fastText model, or a damaged one: it is cut off after "
                    f"{len(data):,} bytes; fetch or train it again"
                )


def _end(data: mmap.mmap) -> int:
    """Where the model ends.

    Raises:
        struct.error, ValueError, OverflowError: the file ends before, or a length in it is none.
    """
    at = HEADER + ARGUMENTS
    entries, _, _, _, pruned = _COUNTS.unpack_from(data, at)
    at += _COUNTS.size
    for _ in range(entries):
        # A word and a NUL, how often it occurs (8 bytes) and its kind (1).
        end = data.find(b"\0", at)
        if end < 0:
            raise ValueError("a word without an end")
        at = end + 10
    at += 8 * max(pruned, 0)
    for _ in ("input", "output"):
        quantised = _number("<?", data, at)
        at = (_quantised if quantised else _dense)(data, at + 1)
    return at


def _dense(data: mmap.mmap, at: int) -> int:
    return at + 16 + 4 * _number("<q", data, at) * _number("<q", data, at + 8)


def _quantised(data: mmap.mmap, at: int) -> int:
    norms, rows = _number("<?", data, at), _number("<q", data, at + 1)
    at = _products(data, at + 21 + _number("<i", data, at + 17))
    return _products(data, at + rows) if norms else at


def _products(data: mmap.mmap, at: int) -> int:
    return at + 16 + PRODUCTS * _number("<i", data, at)


def _number(form: str, data: mmap.mmap, at: int) -> int:
    value = struct.unpack_from(form, data, at)[0]
    if value < 0:
        raise ValueError("a length below 0")
    return int(value)

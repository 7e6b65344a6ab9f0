"""Vectors of unit length on a grid, where a float32 product is exact in whatever order it is summed.

Libraries of linear algebra sum in an order that depends on the number of threads, the processor and
the other rows of the call, so the last bits of a cosine do, too, and with them who is nearer. Each
number is therefore rounded to a multiple of 2**-11. Products are then multiples of 2**-22, and by
Cauchy and Schwarz no partial sum of a row's products exceeds the product of the rows' lengths, which
is below 4: every partial sum is a float32 without rounding. What rests on such cosines is the same
on any number of threads and on any machine. The price is an error of a cosine of about 2e-4
(standard deviation), whatever the dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError

__all__ = ["COSINE_STEPS", "Float32", "Int64", "distinct", "parts", "unit_vectors", "weights"]

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

COSINE_STEPS = 1 << 22  # a cosine of two rounded vectors is a multiple of one over this

_STEPS = 1 << 11
_LENGTH = 0.02  # how far from 1 the length of a rounded vector may be: far more than rounding does
_AT_ONCE = 1 << 24  # numbers of a block of cosines: 64 MiB


def unit_vectors(vectors: npt.ArrayLike) -> Float32:
    """Scaled to unit length and rounded; what is so already comes back as it is.

    Args:
        vectors: ``[n, d]``, of any length. Rows of zeros stay zero.

    Returns:
        ``float32[n, d]``, C-contiguous, without negative zeros.

    Raises:
        ConfigError: no matrix of numbers, or one with NaN or infinity.
    """
    given = np.asarray(vectors)
    if given.shape == (0,):
        given = np.zeros((0, 0), np.float32)
    if given.ndim != 2 or given.dtype.kind not in "fiu":
        raise ConfigError(
            f"vectors: {given.dtype}{list(given.shape)} where float32[n, d] belongs; give one row "
            "of numbers for each prompt, as classifiers.embed.Encoder.encode does"
        )
    found = np.empty(given.shape, np.float32)
    for part in parts(len(given), given.shape[1]):
        found[part] = _rounded(given[part].astype(np.float64), part.start)
    return found


def _rounded(rows: npt.NDArray[np.float64], first: int) -> npt.NDArray[np.float64]:
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ConfigError(
            f"vectors[{first + bad[0]}] has NaN or infinity (so do {len(bad) - 1} of the rows after "
            "it); leave out such prompts or encode them again"
        )
    # By the largest number first, so that no square is too large or too small for a float.
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scaled = rows / np.where(largest > 0, largest, 1.0)[:, None]
    lengths = np.sqrt(np.square(scaled).sum(axis=1))
    steps = rows * _STEPS
    there = (np.rint(steps) == steps).all(axis=1) & (np.abs(lengths * largest - 1) <= _LENGTH)
    unit = scaled / np.where(lengths > 0, lengths, 1.0)[:, None]
    unit[there] = rows[there]
    return np.rint(unit * _STEPS) / _STEPS + 0.0  # or a small negative number becomes -0.0


def distinct(vectors: Float32) -> tuple[Int64, Int64]:
    """Which rows differ.

    Args:
        vectors: as `unit_vectors` gives them.

    Returns:
        The first row of each kind, ascending, and the number of its kind for each row.
    """
    kinds: dict[bytes, int] = {}
    first: list[int] = []
    kind = np.empty(len(vectors), np.int64)
    for row, vector in enumerate(vectors):
        kind[row] = number = kinds.setdefault(vector.tobytes(), len(first))
        if number == len(first):
            first.append(row)
    return np.array(first, np.int64), kind


def weights(quality: Sequence[float] | npt.ArrayLike | None, count: int) -> npt.NDArray[np.float64]:
    """The weight of each row; 1 for all where none is given.

    Raises:
        ConfigError: another number of them, or one that is negative, NaN or infinite.
    """
    if quality is None:
        return np.ones(count)
    try:
        found = np.asarray(quality, np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"quality: not numbers ({error}); give one for each prompt") from error
    if found.shape != (count,):
        raise ConfigError(
            f"quality has shape {list(found.shape)} where [{count}] belongs; give one number for "
            "each prompt"
        )
    bad = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if len(bad):
        raise ConfigError(f"quality[{bad[0]}] = {found[bad[0]]} is no weight; give 0 or more")
    return found


def parts(rows: int, columns: int) -> list[slice]:
    """Blocks of rows that hold a bounded count of numbers, at least one row each."""
    step = max(_AT_ONCE // max(columns, 1), 1)
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]

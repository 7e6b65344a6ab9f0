"""Farthest-first choice: every pick is the prompt farthest from the picks before it (Gonzalez 1985).

Within twice the best possible radius, and for that reason fond of outliers: a baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.prompts.diversity.quotas import Rooms
from pipeline.prompts.diversity.unit_vectors import Float32, Int64, unit_vectors, weights

__all__ = ["centre", "k_center"]


def k_center(
    vectors: npt.ArrayLike,
    k: int,
    quality: Sequence[float] | npt.ArrayLike | None = None,
    quotas: Rooms | None = None,
) -> Int64:
    """Pick ``k`` prompts, the first nearest to the mean, each other farthest from those before.

    Of equally far ones the lower id.

    Args:
        vectors: ``[n, d]``; see `unit_vectors`.
        k: picks wanted.
        quality: ``float[n]``, by which the distance 1 - cosine is multiplied.
        quotas: from `Quotas.rooms` for these prompts; changed by the picks.

    Returns:
        ``int64[picks]``, ids in order; fewer than ``k`` where there are fewer or quotas are full.

    Raises:
        ConfigError: see `unit_vectors` and `weights`.
    """
    unit = unit_vectors(vectors)
    weight = weights(quality, len(unit))
    open_ = np.ones(len(unit), np.bool_) if quotas is None else quotas.admitted()
    apart = 1 + unit @ centre(unit)  # so the first pick is by nearness to the mean
    nearest = np.full(len(unit), -np.inf, np.float32)
    order: list[int] = []
    while len(order) < k and open_.any():
        far = np.where(open_, apart * weight, -np.inf)
        pick = int(np.argmax(far))
        order.append(pick)
        open_[pick] = False
        if quotas is not None and quotas.take(pick):
            open_ &= quotas.admitted()
        np.maximum(nearest, unit @ unit[pick], out=nearest)
        apart = np.maximum(1 - nearest, 0)
    return np.array(order, np.int64)


def centre(unit: Float32) -> Float32:
    """The direction of the mean of vectors, ``float32[d]``; zeros where they cancel out.

    Args:
        unit: as `unit_vectors` gives them.
    """
    mean: Float32 = unit_vectors(unit.sum(axis=0, dtype=np.float64)[None])[0]
    return mean

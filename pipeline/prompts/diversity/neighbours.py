"""The graph of nearest neighbours that selection runs on: exact, by blocks of matrix products."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.unit_vectors import Float32, Int64, parts, unit_vectors

__all__ = ["MOST_COSINE", "NeighbourGraph", "neighbour_graph"]

MOST_COSINE = np.float32(2)  # of a graph relative to its farthest neighbours
_OWN = 4.0  # above every cosine: a prompt is its own first neighbour


class NeighbourGraph(NamedTuple):
    """The nearest neighbours of each vector, itself first.

    Args:
        cosines: ``float32[n, k]``, -1 to 1, descending but for the first, which is 1 for the vector
            itself (0 for a zero vector).
        ids: ``int64[n, k]``; of equally near ones the lower id first.
    """

    cosines: Float32
    ids: Int64

    def own_as_nearest(self) -> NeighbourGraph:
        """The same, but a prompt is no nearer to itself than its nearest other.

        An outlier is near to nothing but itself, and for that alone worth a pick. So it is not.
        """
        cosines = self.cosines.copy()
        if cosines.shape[1] > 1:
            cosines[:, 0] = cosines[:, 1]
        return NeighbourGraph(cosines, self.ids)

    def above_farthest(self) -> NeighbourGraph:
        """The same with each row's last cosine taken from all of it.

        A prompt without a pick among its neighbours then counts as covered as well as by the
        farthest of them, not as covered by nothing. That is nearer the truth where there are enough
        picks for most prompts to have one among their neighbours, and with all n as neighbours, no
        cosine below 0, it changes no choice.
        """
        above = self.cosines - self.cosines.min(axis=1, initial=1)[:, None]
        # Rounded vectors are a little longer than 1, and opposite ones a little further apart than 2.
        return NeighbourGraph(np.minimum(above, MOST_COSINE), self.ids)


def neighbour_graph(vectors: npt.ArrayLike, k: int = 64) -> NeighbourGraph:
    """The ``k`` nearest of each vector, itself among them, from all pairs.

    Time grows with the square of ``n``: about 25 seconds of a processor for 50,000 vectors of
    384 dimensions, so sixteen times that for 200,000. Beyond that deal the pool at random into
    parts of up to 100,000, select from each, and select again from what was selected
    (Mirzasoleiman et al. 2013, "Distributed Submodular Maximization"): neighbours stay exact in
    each step, which those of an approximate index are not.

    Args:
        vectors: ``[n, d]``; see `unit_vectors`, by which they are rounded.
        k: at least 1; n where there are fewer vectors.

    Raises:
        ConfigError: see `unit_vectors`; or ``k`` is below 1.
    """
    if k < 1:
        raise ConfigError(f"k = {k}: a graph needs 1 neighbour or more, the vector itself")
    unit = unit_vectors(vectors)
    count, width = len(unit), min(k, len(unit))
    cosines, ids = np.zeros((count, width), np.float32), np.zeros((count, width), np.int64)
    blocks = parts(count, count)
    # Made once: asking the system for blocks of this size again and again takes longer than sorting.
    size = (blocks[0].stop if blocks else 0, count)
    found, sorted_ = np.empty(size, np.float32), np.empty(size, np.float32)
    for rows in blocks:
        height = rows.stop - rows.start
        np.matmul(unit[rows], unit.T, out=found[:height])
        # Rounding makes some lengths a little more than 1: not to be nearer than equal vectors.
        np.minimum(found[:height], 1.0, out=found[:height])
        at = np.arange(height)
        found[at, at + rows.start] = _OWN
        cosines[rows], ids[rows] = _largest(found[:height], sorted_[:height], width)
    cosines[:, :1] = unit.any(axis=1, keepdims=True)
    return NeighbourGraph(cosines, ids)


def _largest(found: Float32, space: Float32, width: int) -> tuple[Float32, Int64]:
    """The ``width`` largest of each row and their places, descending, of equals the first."""
    last = found.shape[1] - width
    # Values alone are partitioned many times faster than their places.
    np.copyto(space, found)
    space.partition(last, axis=1)
    least = space[:, last].copy()
    near = found >= least[:, None]
    places = np.flatnonzero(near)
    if len(places) > near.shape[0] * width:
        counts = np.bincount(places // near.shape[1], minlength=len(near))
        for row in np.flatnonzero(counts > width):
            near[row] = found[row] > least[row]
            equal = np.flatnonzero(found[row] == least[row])
            near[row, equal[: width - np.count_nonzero(near[row])]] = True
        places = np.flatnonzero(near)
    ids = (places % near.shape[1]).reshape(len(found), width)
    cosines = np.take_along_axis(found, ids, axis=1)
    order = np.argsort(-cosines, axis=1, kind="stable")
    return np.take_along_axis(cosines, order, axis=1), np.take_along_axis(ids, order, axis=1)

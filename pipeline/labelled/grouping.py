"""Rows to groups, and groups to sides: never one on two sides.

A group goes where a keyed hash of its name sends it, so that rows that are added later move no
other. That leaves shares to chance, which is fair only where there is much of it. So two sorts of
groups are placed by hand instead:

* heavy ones, with more than `HEAVY` of all rows: one domain that makes up a fifth of the data would
  ruin the share of any small side;
* those of scarce labels, which occur in fewer than `COMMON` groups: of a label in ten groups, a
  tenth is none as often as not.

By hand is: once the others have gone where their hash sends them, labels from the scarcest on, of
each its groups from the largest on, each to the side that is furthest below its share of the
group's labels (after Sechidis and others, "On the Stratification of Multi-Label Data", 2011); but
while there are no more groups of the scarcest than sides without it, to one of those. So the
scarcest label is on every side if it has groups enough, and the others nearly always are. With
fewer than `COMMON` groups, all are placed by hand. Rows that are added later may move a group that
is placed by hand; one that a hash places stays, unless they make it heavy or give it a scarce label.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.core.errors import ConfigError
from pipeline.labelled.rows import GROUP, LABEL, TEXT

__all__ = ["COMMON", "HEAVY", "Groups", "groups_of", "place"]

HEAVY = 0.005
COMMON = 200

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Groups:
    """The groups of a table and how many rows of each label they have.

    Args:
        keys: ``uint64[groups]``, the keyed hash that stands for each, ascending.
        of_row: ``int64[rows]``, the group of each row.
        labels: names, sorted.
        label_of_row: ``int64[rows]``, place in ``labels``.
        pairs: ``int64[pairs, 3]``, group, label, rows: of every pair that occurs, sorted.
    """

    keys: npt.NDArray[np.uint64]
    of_row: _Ints
    labels: tuple[str, ...]
    label_of_row: _Ints
    pairs: _Ints

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def sizes(self) -> _Ints:
        """Rows of each group."""
        return np.bincount(self.of_row, minlength=len(self)).astype(np.int64)


def groups_of(table: pa.Table, seed: int) -> Groups:
    """The groups of a table's rows; a row that names none is a group with all of the same text.

    Args:
        table: examples.
        seed: of the hash.

    Raises:
        ConfigError: a seed that is no number of 64 bits.
    """
    if not 0 <= seed < 1 << 64:
        raise ConfigError(f"seed {seed} will not do; give a whole number from 0 to 2**64 - 1")
    key = seed.to_bytes(8, "big")
    hashes = np.empty(table.num_rows, np.uint64)
    known: dict[str, int] = {}
    row = 0
    for batch in table.select([TEXT, GROUP]).to_batches(max_chunksize=1024):
        for text, group in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if not group:
                hashes[row] = _hash(b"text", text, key)
            elif group in known:
                hashes[row] = known[group]
            else:
                hashes[row] = known[group] = _hash(b"group", group, key)
            row += 1
    # Two groups that meet in 64 bits count as one, which does no harm.
    keys, of_row = np.unique(hashes, return_inverse=True)
    encoded = table[LABEL].combine_chunks().dictionary_encode()
    names = np.array(encoded.dictionary.to_pylist(), object)
    order = np.argsort(names)
    ranks = np.empty(len(names), np.int64)
    ranks[order] = np.arange(len(names))
    label_of_row = ranks[encoded.indices.to_numpy()]
    joined, counts = np.unique(of_row * max(len(names), 1) + label_of_row, return_counts=True)
    pairs = np.stack([*np.divmod(joined, max(len(names), 1)), counts], axis=1).astype(np.int64)
    return Groups(keys, of_row.astype(np.int64), tuple(names[order]), label_of_row, pairs)


def place(groups: Groups, shares: Sequence[float]) -> _Ints:
    """The side of each group, ``int64[groups]``.

    Args:
        groups: of a table.
        shares: of the rows for each side, in a fixed order; their sum is 1.
    """
    wanted = np.array(shares, np.float64)
    bounds = np.cumsum(wanted)[:-1]
    sides = np.searchsorted(bounds, groups.keys / np.float64(2**64), side="right").astype(np.int64)
    by_hand = _by_hand(groups)
    if by_hand.any():
        _place_by_hand(groups, wanted, sides, by_hand)
    return sides


def _hash(kind: bytes, name: str, key: bytes) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=8, key=key, person=kind).digest()
    return int.from_bytes(digest, "big")


def _by_hand(groups: Groups) -> npt.NDArray[np.bool_]:
    group, label, _ = groups.pairs.T
    scarce = np.bincount(label, minlength=len(groups.labels)) < COMMON
    chosen = groups.sizes > HEAVY * len(groups.of_row)
    chosen[group[scarce[label]]] = True
    return chosen


def _place_by_hand(
    groups: Groups, wanted: _Floats, sides: _Ints, by_hand: npt.NDArray[np.bool_]
) -> None:
    """Set the sides of the groups that are placed by hand."""
    totals = np.bincount(groups.label_of_row, minlength=len(groups.labels)).astype(np.float64)
    group, label, count = groups.pairs.T
    hashed = ~by_hand[group]
    filled = np.zeros((len(wanted), len(groups.labels)))
    np.add.at(filled, (sides[group[hashed]], label[hashed]), count[hashed])
    rows = len(groups.of_row)
    load = filled.sum(axis=1)
    starts = np.searchsorted(group, np.arange(len(groups) + 1))
    sizes = groups.sizes
    # Groups of each label that wait to be placed.
    waiting = np.bincount(label[~hashed], minlength=len(groups.labels))
    open_ = by_hand.copy()
    for scarcest in np.argsort(waiting, kind="stable").tolist():
        own = group[(label == scarcest) & ~hashed]
        own = own[open_[own]]
        for chosen in own[np.lexsort((groups.keys[own], -sizes[own]))].tolist():
            part = slice(starts[chosen], starts[chosen + 1])
            labels, counts = label[part], count[part]
            below = wanted[:, np.newaxis] - filled[:, labels] / totals[labels]
            # Each label counts by what the group has of it; ties go by all rows, then by order.
            scores = np.round(below @ (counts / totals[labels]), 12)
            spare = wanted - load / rows
            without = filled[:, scarcest] == 0
            if 0 < without.sum() >= waiting[scarcest]:
                scores = np.where(without, scores, -np.inf)
            side = int(np.lexsort((-np.round(spare, 12), -scores))[0])
            sides[chosen] = side
            filled[side, labels] += counts
            load[side] += sizes[chosen]
            waiting[labels] -= 1
            open_[chosen] = False

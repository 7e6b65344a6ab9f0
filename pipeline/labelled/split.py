"""Examples to train, dev and test, or to folds, by whole groups.

How groups are placed is `pipeline.labelled.grouping`'s to say; here is what may be asked of it, and
whether the outcome will do.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.labelled.grouping import Groups, groups_of, place
from pipeline.labelled.rows import GROUP, TEXT

__all__ = ["SHARES", "check_split", "folds", "split_groups"]

SHARES: Mapping[str, float] = {"train": 0.8, "dev": 0.1, "test": 0.1}
# A side is far from its share below half and above one and a half of it.
FAR = 0.5
SHOWN = 5

_Ints = npt.NDArray[np.int64]


def split_groups(table: pa.Table, shares: Mapping[str, float] = SHARES, seed: int = 0) -> pa.Array:
    """The side of each row, by name. No group is on two sides.

    Take repeats out first: near copies in different groups may come apart.

    Args:
        table: examples. A row whose group is empty is a group with the rows of its very text.
        shares: of the rows, by side; the first is the one to train on. Their sum is 1.
        seed: another one gives another split.

    Raises:
        ConfigError: shares that will not do, or see `check_split`, whose notes are given as
            warnings here.
    """
    names, notes = split_noted(table, shares, seed)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return names


def split_noted(
    table: pa.Table, shares: Mapping[str, float], seed: int
) -> tuple[pa.Array, tuple[str, ...]]:
    """As `split_groups`, the notes returned."""
    _check_shares(shares)
    groups = groups_of(table, seed)
    sides = place(groups, list(shares.values()))[groups.of_row]
    names = pa.array(list(shares), pa.string()).take(pa.array(sides))
    return names, _notes(table, groups, sides, shares)


def folds(table: pa.Table, n: int, seed: int = 0) -> pa.Array:
    """The fold of each row, ``int64`` from 0 to ``n`` - 1, for cross-validation by group.

    Args:
        table: examples.
        n: folds, at least 2.
        seed: another one gives other folds.

    Raises:
        ConfigError: fewer than 2 folds, fewer groups than folds, or a fold that has rows of one
            label only.
    """
    if n < 2:
        raise ConfigError(f"{n} folds will not do; give at least 2")
    shares = {f"fold {fold}": 1 / n for fold in range(n)}
    groups = groups_of(table, seed)
    if len(groups) < n:
        raise ConfigError(
            f"{len(groups):,} groups cannot be parted into {n} folds; give fewer, or another "
            "column with --group"
        )
    sides = place(groups, list(shares.values()))[groups.of_row]
    for note in _notes(table, groups, sides, shares, may_lack=True):
        warnings.warn(note, stacklevel=2)
    return pa.array(sides, pa.int64())


def check_split(
    table: pa.Table, names: pa.Array, shares: Mapping[str, float] = SHARES
) -> tuple[str, ...]:
    """Whether a split will do.

    Args:
        table: examples.
        names: the side of each row.
        shares: as they were asked for; the first is the one to train on.

    Returns:
        what a person should know: labels that a side lacks, sides far from their share.

    Raises:
        ConfigError: a side without rows, a side to judge by with one label only, or a label that
            the side to train on has not got.
    """
    order = {name: number for number, name in enumerate(shares)}
    sides = np.array([order[name] for name in names.to_pylist()], np.int64)
    return _notes(table, groups_of(table, 0), sides, shares)


def _check_shares(shares: Mapping[str, float]) -> None:
    plain = ", ".join(f"{name} {share:g}" for name, share in shares.items())
    if not shares or not all(0 < share <= 1 for share in shares.values()):
        raise ConfigError(f"shares of {plain or 'nothing'} will not do; each lies above 0, up to 1")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ConfigError(f"the shares {plain} add up to {sum(shares.values()):g}, not to 1")
    if not all(shares):
        raise ConfigError("a side without a name; name each, as in train=0.8")


def _notes(
    table: pa.Table,
    groups: Groups,
    sides: _Ints,
    shares: Mapping[str, float],
    may_lack: bool = False,
) -> tuple[str, ...]:
    if not len(sides):
        raise ConfigError("there is no row to split")
    names = list(shares)
    counts = np.zeros((len(names), len(groups.labels)), np.int64)
    np.add.at(counts, (sides, groups.label_of_row), 1)
    per_label = np.bincount(groups.pairs[:, 1], minlength=len(groups.labels)).tolist()
    notes: list[str] = []
    for side, name in enumerate(names):
        total = int(counts[side].sum())
        if not total:
            raise ConfigError(
                f"{name} would be empty: {_these_groups(table, groups)}. Ask for fewer sides, or "
                "name another column with --group"
            )
        missing = np.flatnonzero((counts[side] == 0) & (counts.sum(axis=0) > 0)).tolist()
        if missing:
            lacking = _labels_in_groups(missing, groups.labels, per_label)
            if side == 0 and not may_lack:
                raise ConfigError(f"{name} would have no row of {lacking}. {_MEND}")
            if len(groups.labels) - len(missing) < 2:
                raise ConfigError(
                    f"{name} would have rows of one label only, and none of {lacking}. {_MEND}"
                )
            notes.append(f"{name} has no row of {lacking}; nothing can be said of it there")
        share, wanted = total / len(sides), shares[name]
        if abs(share - wanted) > FAR * wanted and len(sides) * wanted >= 1:
            notes.append(
                f"{name} has {share:.1%} of the rows rather than {wanted:.1%}: "
                f"{_these_groups(table, groups)}. Name another column with --group, or ask for "
                "other shares"
            )
    return tuple(notes)


_MEND = (
    "Groups are never parted: add rows of it from other groups, name another column with --group, "
    "ask for fewer sides, or merge the label with another (--rename)"
)


def _labels_in_groups(
    missing: Sequence[int], labels: Sequence[str], per_label: Sequence[int]
) -> str:
    named = [
        f"{labels[label]!r} (in {per_label[label]:,} group{'s' * (per_label[label] != 1)})"
        for label in missing[:SHOWN]
    ]
    more = f" and {len(missing) - SHOWN:,} labels more" if len(missing) > SHOWN else ""
    return printable(", ".join(named)) + more


def _these_groups(table: pa.Table, groups: Groups) -> str:
    largest = int(groups.sizes.argmax())
    row = int(np.flatnonzero(groups.of_row == largest)[0])
    name = table[GROUP][row].as_py() or f"of the text {table[TEXT][row].as_py()[:40]!r}"
    share = groups.sizes[largest] / len(groups.of_row)
    return (
        f"there {'is' if len(groups) == 1 else 'are'} {len(groups):,} "
        f"group{'s' * (len(groups) != 1)}, and the largest, {printable(name)}, has {share:.1%} of "
        "the rows"
    )

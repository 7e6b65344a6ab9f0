"""From files to train, dev and test: read, rename, check, take repeats out, split; one account."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import ConfigError, ConservationError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest
from pipeline.dedup.settings import Dedup
from pipeline.labelled.inputs import Input
from pipeline.labelled.labels import check_labels, label_counts, rename_labels
from pipeline.labelled.read import Labelled, RowFault, read_labelled
from pipeline.labelled.repeats import Repeat, Repeats, take_out_repeats
from pipeline.labelled.rows import GROUP, Columns
from pipeline.labelled.split import SHARES, split_noted

__all__ = ["Prepared", "prepare"]

SHOWN = 3
TRAIN, DEV, TEST = "train", "dev", "test"

Inputs = Iterable[str | os.PathLike[str] | Input]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Examples ready for training and judging.

    Args:
        train, dev, test: examples, as `pipeline.labelled.read.Labelled.table` has them; empty
            where no such side was asked for.
        counts: what became of every row: ``read``, ``faults`` by reason, ``renamed`` by old label,
            ``repeats`` by kind, ``sides`` with rows, groups and rows by label; ``test_input`` the
            same of test data that were given.
        repeats: which rows repeat.
        faults: the first rows of each reason that could not be used, those of test data last.
        messages: what a person should know, in whole sentences.
    """

    train: pa.Table
    dev: pa.Table
    test: pa.Table
    counts: dict[str, Any]
    repeats: Repeats
    faults: tuple[RowFault, ...] = ()
    messages: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The account as plain values, without the examples."""
        return {
            "counts": self.counts,
            "repeats": self.repeats.to_json(),
            "faults": [fault._asdict() for fault in self.faults],
            "messages": list(self.messages),
        }


def prepare(
    inputs: Inputs,
    columns: Columns | None = None,
    *,
    test: Inputs = (),
    positive: str | None = None,
    renames: Mapping[str, str] | None = None,
    meant: Collection[str] = (),
    shares: Mapping[str, float] | None = None,
    seed: int = 0,
    settings: Dedup | None = None,
    encoding: str = "utf-8",
) -> Prepared:
    """Read labelled texts and make of them what a classifier is trained on and judged by.

    Args:
        inputs, columns, encoding: see `pipeline.labelled.read.read_labelled`.
        test: test data of their own, read alike: all of them are ``test`` then, rows of ``inputs``
            whose text is in them go, and the others are split into the remaining sides.
        positive: a label that has to occur.
        renames: old label to new one, in all inputs.
        meant: labels that are right as they are, see `pipeline.labelled.labels.check_labels`.
        shares: of ``train``, ``dev`` and ``test``: .8, .1 and .1 if None, without ``test`` where
            there are test data (.9 and .1).
        seed: of the split.
        settings: what counts as a near copy, see `pipeline.labelled.repeats.take_out_repeats`.

    Raises:
        ConfigError: what each step refuses, before anything is written anywhere.
        SourceError: an input that cannot be read.
        ConservationError: a row was lost: a bug.
    """
    columns, renames, test = columns or Columns(), dict(renames or {}), list(test)
    shares = _shares(shares, bool(test))
    read = read_labelled(inputs, columns, encoding=encoding)
    read_test = read_labelled(test, columns, encoding=encoding) if test else None
    table, given, renamed = _renamed(read, read_test, renames)
    read = dataclasses.replace(read, table=table.slice(0, 0))  # texts are held once
    counts = check_labels(table, positive, meant)
    if given is not None:
        _check_test_labels(label_counts(given), counts)
    kept, repeats = take_out_repeats(table, given, settings)
    _check_left(label_counts(kept), counts, repeats)
    del table
    names, split_notes = split_noted(kept, shares, seed)
    sides = {
        side: kept.filter(pc.equal(names, side)) if side in shares else kept.slice(0, 0)
        for side in (TRAIN, DEV, TEST)
    }
    if given is not None:
        sides[TEST] = given
    account = {
        **read.counts,
        "renamed": renamed,
        "repeats": {
            kind: getattr(repeats, kind) for kind in ("exact", "near", "conflicting", "across")
        },
        "sides": {side: _described(rows) for side, rows in sides.items()},
    }
    faults = read.faults
    messages = [*read.notes]
    if read_test is not None:
        account["test_input"] = read_test.counts
        faults = [*faults, *read_test.faults]
        messages += read_test.notes
    messages += _repeat_notes(repeats)
    if given is not None:
        messages += [*_shared_groups(kept, given), *_not_tested(label_counts(given), counts)]
    messages += split_notes
    _check_account(account, given is not None)
    return Prepared(
        train=sides[TRAIN],
        dev=sides[DEV],
        test=sides[TEST],
        counts=account,
        repeats=repeats,
        faults=tuple(faults),
        messages=tuple(messages),
    )


def _shares(shares: Mapping[str, float] | None, has_test: bool) -> dict[str, float]:
    if shares is None:
        return {TRAIN: 0.9, DEV: 0.1} if has_test else dict(SHARES)
    unknown = sorted(set(shares) - {TRAIN, DEV, TEST})
    if unknown or TRAIN not in shares:
        raise ConfigError(
            f"shares of {', '.join(shares) or 'nothing'}: the sides are train, dev and test, and "
            "train is always one"
        )
    if has_test and TEST in shares:
        raise ConfigError("a share for test and test data of their own: give one of them")
    return {side: shares[side] for side in (TRAIN, DEV, TEST) if side in shares}


def _renamed(
    read: Labelled, test: Labelled | None, renames: Mapping[str, str]
) -> tuple[pa.Table, pa.Table | None, dict[str, int]]:
    """Both tables renamed, and how many rows of each old label there were in the first."""
    counts = label_counts(read.table)
    if test is None:
        table = rename_labels(read.table, renames)
        return table, None, {old: counts[old] for old in renames}
    in_test = label_counts(test.table)
    strangers = [old for old in renames if old not in counts and old not in in_test]
    if strangers:
        rename_labels(read.table, {strangers[0]: renames[strangers[0]]})
    table = rename_labels(read.table, {o: n for o, n in renames.items() if o in counts})
    given = rename_labels(test.table, {o: n for o, n in renames.items() if o in in_test})
    return table, given, {old: counts.get(old, 0) for old in renames}


def _check_test_labels(given: Mapping[str, int], counts: Mapping[str, int]) -> None:
    strange = next((label for label in given if label not in counts), None)
    if strange is not None:
        raise ConfigError(
            f"the label {strange!r} ({given[strange]:,} rows of the test data) is not among those "
            f"to train on{nearest(strange, counts) or '.'} There are: "
            f"{printable(', '.join(map(repr, counts)))}. Use --rename, or leave these rows out"
        )


def _check_left(left: Mapping[str, int], counts: Mapping[str, int], repeats: Repeats) -> None:
    gone = next((label for label in counts if label not in left), None)
    if gone is not None:
        raise ConfigError(
            f"of the {counts[gone]:,} rows labelled {gone!r} none is left, since their texts carry "
            f"other labels, too ({repeats.conflicting:,} such rows in all), or are in the test "
            f"data ({repeats.across:,}){_examples(repeats.conflicting_shown)}"
            f"{_examples(repeats.across_shown)}; correct the labels or take the copies out"
        )


def _described(table: pa.Table) -> dict[str, Any]:
    """Rows, named groups and rows by label."""
    groups = pc.count_distinct(table.filter(pc.not_equal(table[GROUP], ""))[GROUP]).as_py()
    return {"rows": table.num_rows, "groups": groups, "labels": label_counts(table)}


def _repeat_notes(repeats: Repeats) -> list[str]:
    notes = []
    if repeats.conflicting:
        notes.append(
            f"{repeats.conflicting:,} rows are left out, since copies of their texts carry other "
            f"labels{_examples(repeats.conflicting_shown)}."
        )
    if repeats.across:
        notes.append(
            f"{repeats.across:,} rows are not trained on, since their texts are in the test data"
            f"{_examples(repeats.across_shown)}."
        )
    return notes


def _examples(shown: Iterable[Repeat]) -> str:
    pairs = [f"{one.place} ({one.label}) and {one.other} ({one.other_label})" for one in shown][
        :SHOWN
    ]
    return printable(f", such as {'; '.join(pairs)}") if pairs else ""


def _shared_groups(table: pa.Table, test: pa.Table) -> list[str]:
    named = pc.and_(
        pc.not_equal(table[GROUP], ""), pc.is_in(table[GROUP], value_set=test[GROUP].unique())
    )
    rows = pc.sum(named).as_py() or 0
    if not rows:
        return []
    groups = table[GROUP].filter(named).unique().to_pylist()
    return [
        f"{rows:,} rows to train on are of groups that the test data have, too ({len(groups):,}, "
        f"such as {printable(groups[0])}): figures on the test data may be better than on new groups."
    ]


def _not_tested(given: Mapping[str, int], counts: Mapping[str, int]) -> list[str]:
    lacking = [repr(label) for label in counts if label not in given]
    if not lacking:
        return []
    more = f" and {len(lacking) - SHOWN:,} labels more" if len(lacking) > SHOWN else ""
    return [
        f"the test data have no row of {printable(', '.join(lacking[:SHOWN]))}{more}; nothing can be "
        "said of it there"
    ]


def _check_account(account: Mapping[str, Any], has_test: bool) -> None:
    sides = sum(
        described["rows"]
        for side, described in account["sides"].items()
        if not (has_test and side == TEST)
    )
    left_out = sum(account["faults"].values()) + sum(account["repeats"].values())
    if account["read"] != sides + left_out:
        raise ConservationError(
            f"{account['read']} rows were read, {sides} are on the sides and {left_out} left out"
        )

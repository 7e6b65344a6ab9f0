"""Rows whose text repeats: one of them stays, and none whose text is in the test data.

What counts as a repeat is `pipeline.dedup`'s to say: the same words, whatever their case and
punctuation, or a Jaccard similarity of word shingles that reaches the threshold, measured on every
pair. Texts shorter than one shingle repeat only word for word.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import ConfigError, ConservationError
from pipeline.dedup.index import EarlierPart, Entry, write_part
from pipeline.dedup.outcome import PartOutcome
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import deduplicate
from pipeline.labelled.rows import LABEL, PLACE, TEXT
from pipeline.runtime.executor import SerialExecutor
from pipeline.runtime.storage import RunFolder

__all__ = ["Repeat", "Repeats", "take_out_repeats"]

SHOWN = 10
BATCH_ROWS = 256
WIDTH = 12  # digits of a row's number in its id

_Bools = npt.NDArray[np.bool_]
_Rows = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Repeat:
    """A row that goes, and the one whose text it has or nearly has.

    Args:
        place, label: of the row.
        other, other_label: of the other one; in the test data for `Repeats.across_shown`.
        similarity: of the two texts, 1.0 for the same words.
    """

    place: str
    label: str
    other: str
    other_label: str
    similarity: float


@dataclasses.dataclass(frozen=True)
class Repeats:
    """The account: ``entered`` is the sum of all counts that follow it.

    Args:
        entered: rows.
        kept: rows that stay.
        exact: rows whose words another row with the same label has, too.
        near: rows nearly so.
        conflicting: rows of which copies, exact or near, carry another label. All of them go,
            since nobody knows which label is right.
        across: rows whose text, exactly or nearly, is in the test data.
        conflicting_shown, across_shown: the first few, in the order of the rows.
    """

    entered: int
    kept: int
    exact: int = 0
    near: int = 0
    conflicting: int = 0
    across: int = 0
    conflicting_shown: tuple[Repeat, ...] = ()
    across_shown: tuple[Repeat, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Its fields as plain values."""
        fields = dataclasses.asdict(self)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
        }


def take_out_repeats(
    table: pa.Table, test: pa.Table | None = None, settings: Dedup | None = None
) -> tuple[pa.Table, Repeats]:
    """Take rows out of ``table`` until no text repeats in it, nor in ``test``.

    Which rows stay depends on the rows alone, not on their order nor their files. Of copies with one
    label the longest stays, among equals one that a hash of the row picks.

    Args:
        table: examples.
        test: examples that training must not see; they stay, repeats among themselves included.
        settings: what counts as near; `Dedup`'s defaults (Jaccard similarity of .8) if None. The
            wipe-out alarm is for corpora and not looked at.

    Returns:
        the rows that stay, in their order, and the account.

    Raises:
        ConfigError: settings that ask for earlier runs or for columns that examples have not got.
    """
    settings = settings or Dedup()
    _check(settings)
    if not table.num_rows:
        return table, Repeats(0, 0)
    fates = _fates(table, test, settings)
    row_of = _row_numbers(fates.cluster)
    similar = np.nan_to_num(fates.similarity, nan=1.0)
    rules = np.array(fates.rule.fill_null("").to_pylist(), object)
    across = np.array([rule.endswith(".earlier") for rule in rules], np.bool_)
    conflicting = _conflicting(table, row_of, across)
    removed = fates.removed & ~conflicting & ~across
    exact = removed & (rules == "exact")
    stays = ~(fates.removed | conflicting)
    kept = table.filter(pa.array(stays))
    repeats = Repeats(
        entered=table.num_rows,
        kept=kept.num_rows,
        exact=int(exact.sum()),
        near=int((removed & ~exact).sum()),
        conflicting=int(conflicting.sum()),
        across=int(across.sum()),
        conflicting_shown=_shown_conflicts(table, row_of, conflicting, similar),
        across_shown=()
        if test is None
        else tuple(
            _repeat(table, row, test, int(row_of[row]), float(similar[row]))
            for row in np.flatnonzero(across)[:SHOWN].tolist()
        ),
    )
    gone = repeats.exact + repeats.near + repeats.conflicting + repeats.across
    if repeats.entered != repeats.kept + gone:
        raise ConservationError(
            f"{repeats.entered} rows entered, {repeats.kept} stay and {gone} go as repeats"
        )
    return kept, repeats


def _check(settings: Dedup) -> None:
    if settings.against:
        raise ConfigError("against: labelled rows are compared with test data, not with runs")
    if settings.keep != ("longest",):
        raise ConfigError(
            f"keep: of labelled rows the longest copy stays; {', '.join(settings.keep)} will not do"
        )


def _fates(table: pa.Table, test: pa.Table | None, settings: Dedup) -> PartOutcome:
    """What deduplication decides over ``table``, all of ``test`` standing already."""
    with (
        tempfile.TemporaryDirectory(prefix="gristmill-") as root,
        RunFolder(Path(root, "out")).create(kinds=()).lock() as folder,
    ):
        signing = settings.signing
        against = []
        if test is not None and test.num_rows:
            part = write_part(folder, 1, _entries(test, "test-"), signing, "test")
            against.append(EarlierPart(part, np.ones(part.rows, np.bool_)))
        part = write_part(folder, 0, _entries(table, ""), signing, "training")
        found = deduplicate(folder, [part], settings, SerialExecutor().run, against)
        return found.part(len(against))


def _entries(table: pa.Table, prefix: str) -> Iterator[Entry]:
    """Rows under an id that sorts by a hash of all they hold but their place, and ends in their number.

    Were the place in it, the same rows in another order would leave another copy.
    """
    number = 0
    text_at = table.column_names.index(TEXT)
    place_at = table.column_names.index(PLACE)
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            digest = hashlib.blake2b(digest_size=16)
            for at, value in enumerate(values):
                if at == place_at:
                    continue
                data = (value or "").encode()
                digest.update(len(data).to_bytes(8, "big"))
                digest.update(data)
            yield Entry(f"{prefix}{digest.hexdigest()}{number:0{WIDTH}}", values[text_at])
            number += 1


def _row_numbers(ids: pa.Array) -> _Rows:
    numbers: _Rows = pc.utf8_slice_codeunits(ids, -WIDTH).cast(pa.int64()).to_numpy()
    return numbers


def _conflicting(table: pa.Table, row_of: _Rows, across: _Bools) -> _Bools:
    """Rows of clusters in which labels differ."""
    labels = table[LABEL].combine_chunks().dictionary_encode().indices.to_numpy()
    rows = np.flatnonzero(~across)
    heads = row_of[rows]
    low = np.full(table.num_rows, np.iinfo(labels.dtype).max, labels.dtype)
    high = np.full(table.num_rows, -1, labels.dtype)
    np.minimum.at(low, heads, labels[rows])
    np.maximum.at(high, heads, labels[rows])
    conflicting = np.zeros(table.num_rows, np.bool_)
    conflicting[rows] = low[heads] != high[heads]
    return conflicting


def _shown_conflicts(
    table: pa.Table, row_of: _Rows, conflicting: _Bools, similar: npt.NDArray[np.float64]
) -> tuple[Repeat, ...]:
    """Pairs of different labels, each row beside the one that would have stayed for it."""
    found: list[Repeat] = []
    for row in np.flatnonzero(conflicting).tolist():
        head = int(row_of[row])
        repeat = _repeat(table, row, table, head, float(similar[row]))
        if repeat.label != repeat.other_label:
            found.append(repeat)
            if len(found) == SHOWN:
                break
    return tuple(found)


def _repeat(table: pa.Table, row: int, others: pa.Table, other: int, similar: float) -> Repeat:
    return Repeat(
        place=table[PLACE][row].as_py(),
        label=table[LABEL][row].as_py(),
        other=others[PLACE][other].as_py(),
        other_label=others[LABEL][other].as_py(),
        similarity=similar,
    )

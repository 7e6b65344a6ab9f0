"""What a deduplication decided: receipts, clusters, and the row-by-row fates of each part."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import ConservationError
from pipeline.dedup.settings import Dedup
from pipeline.dedup.verify import REMOVAL, Removals

__all__ = ["CLUSTER", "RECEIPT", "Outcome", "PartOutcome", "id_type", "outcome"]

CLUSTER = ("cluster", "cluster_size")  # columns of what stays
RECEIPT = pa.schema(
    [
        ("removed", pa.string()),
        ("kept", pa.string()),
        ("similarity", pa.float64()),
        ("buckets", pa.int64()),
        ("rule", pa.string()),
    ]
)
_UInt32 = npt.NDArray[np.uint32]


@dataclasses.dataclass(frozen=True)
class PartOutcome:
    """The fates of one part's documents, row by row.

    Args:
        ids: the documents.
        removed: True where the document goes.
        cluster: id of the document that stands for it, its own where it stays.
        size: documents of the cluster, of this run and of earlier ones.
        similarity: with the document that stands for it; NaN where it stays.
        rule: why it goes; null where it stays.
    """

    ids: pa.Array
    removed: npt.NDArray[np.bool_]
    cluster: pa.Array
    size: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]
    rule: pa.Array


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome over all documents, by document number.

    Args:
        documents: `pipeline.dedup.index.DOCUMENTS` of every part, earlier runs' first.
        parts: rows of each part, in the same order.
        order: ``int64[n]``, the row of each number.
        kept_by: ``uint32[n]``, the document that stands for each; itself where it stays.
        removals: all that goes, ``removed`` ascending.
        rules: ``int64[r]``, why each goes: place in `rule_names`.
        similarity: ``jaccard`` or ``containment``, as the recipe has it.
        earlier, active: see `pipeline.dedup.shuffle`.
    """

    documents: pa.Table
    parts: tuple[int, ...]
    order: npt.NDArray[np.int64]
    kept_by: _UInt32
    removals: Removals
    rules: npt.NDArray[np.int64]
    similarity: str
    earlier: int
    active: int

    @property
    def rule_names(self) -> tuple[str, ...]:
        """``exact`` or the similarity, with ``.earlier`` where an earlier run has the kept one."""
        return (self.similarity, "exact", f"{self.similarity}.earlier", "exact.earlier")

    @property
    def entered(self) -> int:
        """Documents to decide about."""
        return self.active - self.earlier

    @property
    def removed(self) -> int:
        return len(self.removals.removed)

    def counts(self) -> dict[str, int]:
        """Entered, kept, removed by each rule, and the clusters of two and more that stay."""
        rules = np.bincount(self.rules, minlength=len(self.rule_names)).tolist()
        sizes = np.bincount(self.kept_by[: self.active])
        return {
            "entered": self.entered,
            "kept": self.entered - self.removed,
            "removed": self.removed,
            **{name: count for name, count in zip(self.rule_names, rules, strict=True) if count},
            "clusters": int(np.count_nonzero(sizes > 1)),
            "largest": int(sizes.max(initial=0)),
            "full_buckets": self.removals.full,
        }

    def receipts(self, kind: pa.DataType | None = None) -> pa.Table:
        """One row for each removal (`RECEIPT`), sorted by the removed id as text.

        Args:
            kind: of the ids (`id_type`), text if None. They stay text if an earlier run's are no
                numbers.
        """
        ids, removals = self._ids, self.removals
        table = pa.table(
            [
                ids.take(pa.array(self.order[removals.removed])).cast(pa.string()),
                ids.take(pa.array(self.order[removals.kept])).cast(pa.string()),
                pa.array(removals.similarity),
                pa.array(removals.buckets),
                pa.array(self.rule_names).take(pa.array(self.rules)),
            ],
            schema=RECEIPT,
        )
        table = table.take(pc.sort_indices(table["removed"]))
        if kind is None or not pa.types.is_integer(kind):
            return table
        try:
            named = [table[name].cast(kind) for name in ("removed", "kept")]
        except pa.ArrowInvalid:
            return table
        return table.set_column(0, "removed", named[0]).set_column(1, "kept", named[1])

    def part(self, number: int) -> PartOutcome:
        """The fates of part ``number``; parts of earlier runs are counted, too, and come first."""
        begin = sum(self.parts[:number])
        rows = slice(begin, begin + self.parts[number])
        numbers = self._numbers[rows]
        kept = self.kept_by[numbers]
        removed = kept != numbers
        receipts = np.searchsorted(self.removals.removed, numbers[removed])
        similarity = np.full(len(numbers), np.nan)
        similarity[removed] = self.removals.similarity[receipts]
        rules = np.zeros(len(numbers), np.int64)
        rules[removed] = self.rules[receipts]
        return PartOutcome(
            ids=self._ids[rows],
            removed=removed,
            cluster=self._ids.take(pa.array(self.order[kept])),
            size=self._sizes[kept],
            similarity=similarity,
            rule=pa.array(self.rule_names).take(pa.array(rules, mask=~removed)),
        )

    def removed_rows(self) -> npt.NDArray[np.bool_]:
        """True for the rows of ``documents`` that go."""
        gone = np.zeros(len(self.order), np.bool_)
        gone[self.order[self.removals.removed]] = True
        return gone

    @functools.cached_property
    def _ids(self) -> pa.Array:
        return self.documents["id"].combine_chunks()

    @functools.cached_property
    def _numbers(self) -> _UInt32:
        numbers = np.empty(len(self.order), np.uint32)
        numbers[self.order] = np.arange(len(self.order), dtype=np.uint32)
        return numbers

    @functools.cached_property
    def _sizes(self) -> npt.NDArray[np.int64]:
        return np.bincount(self.kept_by, minlength=len(self.order))


def id_type(schema: pa.Schema, column: str | None) -> pa.DataType:
    """The type in which receipts and clusters name documents: whole numbers stay such."""
    if column is None:
        return pa.int64()
    kind = schema.field(column).type if column in schema.names else pa.string()
    return kind if pa.types.is_integer(kind) else pa.string()


def outcome(
    *,
    documents: pa.Table,
    parts: Sequence[int],
    order: npt.NDArray[np.int64],
    first: _UInt32,
    near: Removals,
    earlier: int,
    active: int,
    settings: Dedup,
) -> Outcome:
    """Join what was found by text and what was found by similarity.

    Args:
        documents, parts, order, earlier, active: see `Outcome`.
        first: for each document the first one with the same text.
        near: what goes of the first ones.
        settings: the recipe's section.

    Raises:
        ConservationError: a document goes for one that does not stay: a bug.
    """
    stands = np.arange(len(order), dtype=np.uint32)
    stands[near.removed] = near.kept
    copies = np.flatnonzero(first != np.arange(len(order))).astype(np.uint32)
    copies = copies[(copies >= earlier) & (copies < active)]
    originals = first[copies]
    # A copy of a text that goes itself goes for the same document: the similarity is the same.
    of_near = stands[originals] != originals
    places = np.searchsorted(near.removed, originals[of_near])
    same = np.empty(len(copies), REMOVAL)
    same["removed"], same["kept"] = copies, stands[originals]
    same["similarity"], same["buckets"] = 1.0, settings.banding[0]
    for name in ("similarity", "buckets"):
        same[name][of_near] = near.rows[name][places]
    rows = np.concatenate((near.rows, same))
    rules = np.concatenate((np.zeros(len(near.removed), np.int64), (~of_near).astype(np.int64)))
    rules += 2 * (rows["kept"] < earlier)
    sort = np.argsort(rows["removed"])
    removals = Removals(rows[sort], near.full)
    kept_by = np.arange(len(order), dtype=np.uint32)
    kept_by[removals.removed] = removals.kept
    _check(kept_by, removals, earlier, active)
    return Outcome(
        documents=documents,
        parts=tuple(parts),
        order=order,
        kept_by=kept_by,
        removals=removals,
        rules=rules[sort],
        similarity=settings.similarity,
        earlier=earlier,
        active=active,
    )


def _check(kept_by: _UInt32, removals: Removals, earlier: int, active: int) -> None:
    removed = removals.removed
    if len(np.unique(removed)) != len(removed):
        raise ConservationError("a document was removed twice")
    if len(removed) and not (earlier <= removed.min() and removed.max() < active):
        raise ConservationError("a document was removed that was not to be decided about")
    if not (kept_by[removals.kept] == removals.kept).all():
        raise ConservationError("a document was removed for one that is removed itself")

"""Records of an earlier pass over a split, decided anew: by other bounds, ranked, without duplicates.

Texts and signals are those that the split's parts hold; the input is not read. What is decided
over all splits comes as a table for each: ranks from `pipeline.ranking`, fates of duplicates from
`pipeline.duplicates`. Ray is not known here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

import xxhash

from pipeline.core.decisions import Verdict
from pipeline.core.errors import ConservationError
from pipeline.core.records import Failure, Fate
from pipeline.curate import (
    CHARACTERS_PER_BATCH,
    DOCUMENTS_PER_BATCH,
    Traced,
    count_tokens,
    decide,
)
from pipeline.curation import DEDUP, Curation
from pipeline.dedup.outcome import CLUSTER
from pipeline.filters.base import TOP
from pipeline.runtime.ledger import read_rows
from pipeline.runtime.manifest import Completion
from pipeline.runtime.storage import RunFolder

__all__ = [
    "CORPUS_SUFFIXES",
    "DuplicateFates",
    "Ranks",
    "by_ranks",
    "by_signals",
    "tie_hash",
    "without_duplicates",
]

CORPUS_SUFFIXES = (".parquet", ".jsonl.zst")


@dataclasses.dataclass(frozen=True)
class Ranks:
    """Where the documents of one split stand among all of the run.

    Args:
        path: a table of those that reach a ranking filter, in the order of the ledger: ``row`` (of
            the split's ledger part), ``tie`` (`tie_hash`), and for each such filter a column
            ``NAME.top``, null where the document does not reach it.
        digest: names the table's content.
        before: the split's completion record.
    """

    path: Path
    digest: str
    before: Completion


@dataclasses.dataclass(frozen=True)
class DuplicateFates:
    """What deduplication decided over the documents of one split.

    Args:
        path: a table of those that go and those that stay for others: ``id``, ``cluster``,
            ``cluster_size``, and ``rule``, ``similarity`` where the document goes.
        digest: names the table's content.
        before: the split's completion record.
    """

    path: Path
    digest: str
    before: Completion


def by_signals(curation: Curation, folder: RunFolder, index: int) -> Iterator[Traced]:
    """Records of split ``index`` by the present bounds; ranks are taken back, whatever ranks now.

    Tokens are counted anew where the tokenizer is another one.
    """
    families = {
        step.name: [f"{step.name}.{signal.name}" for signal in step.signals if signal.name != TOP]
        for step in curation.filters
        if any(signal.name == TOP for signal in step.signals)
    }

    def unranked() -> Iterator[Traced]:
        for traced in _left(folder, index):
            for name, others in families.items():
                measured = any(traced.row[column] is not None for column in others)
                traced.row[f"{name}.{TOP}"] = 0.0 if measured else None
            yield traced

    decided = _decided(curation, unranked())
    before = Completion.read(folder, index)
    if before is not None and before.tokens == curation.counted_by():
        return decided
    return _counted(curation, decided)


def by_ranks(curation: Curation, folder: RunFolder, index: int, ranks: Ranks) -> Iterator[Traced]:
    """Records of split ``index``, each with its ranks, none where it reaches no ranking filter.

    Raises:
        ConservationError: the parts hold other documents than were ranked.
    """
    columns = [f"{name}.{TOP}" for name in curation.rankings]

    def with_ranks() -> Iterator[Traced]:
        waiting = read_rows(folder.here(ranks.path))
        following = next(waiting, None)
        for number, traced in enumerate(_left(folder, index)):
            traced.row.update(dict.fromkeys(columns))
            if following is not None and following["row"] == number:
                if following["tie"] != tie_hash(traced.row["id"]):
                    raise ConservationError(f"split {index}: {traced.row['id']} was not ranked")
                traced.row.update((column, following[column]) for column in columns)
                following = next(waiting, None)
            yield traced
        if following is not None:
            raise ConservationError(
                f"split {index}: row {following['row']}, which was ranked, is not in its parts"
            )

    return _decided(curation, with_ranks())


def without_duplicates(
    curation: Curation, folder: RunFolder, index: int, fates: DuplicateFates
) -> Iterator[Traced]:
    """Records of split ``index``, those that pass every filter with their cluster.

    Raises:
        ConservationError: the parts hold other documents than were deduplicated.
    """
    settings = curation.dedup
    assert settings is not None
    found = {row["id"]: row for row in read_rows(folder.here(fates.path))}
    for traced in _decided(curation, _left(folder, index)):
        if traced.fate is Fate.KEPT:
            identity = traced.row["id"]
            fate = found.pop(identity, {"cluster": identity, "cluster_size": 1, "rule": None})
            traced.row["cluster"] = fate["cluster"]
            traced.row["cluster_size"] = fate["cluster_size"]
            if fate["rule"] is not None:
                reason, bound = f"{DEDUP}.{fate['rule']}.high", settings.least_similarity
                detail = f"kept in its place: {fate['cluster']}"
                traced.fail(DEDUP, [Verdict(False, reason, fate["similarity"], bound, detail)])
        yield traced
    if found:
        raise ConservationError(
            f"split {index}: {len(found)} deduplicated documents are not in its parts"
        )


def tie_hash(identity: str) -> int:
    """64 bits of an id: of two documents with the same score the one with less of them is first."""
    return xxhash.xxh3_64_intdigest(identity.encode())


def _left(folder: RunFolder, index: int) -> Iterator[Traced]:
    """What the parts of a split hold of each record; only failures are settled."""
    texts: dict[str, str] = {}
    for kind in ("corpus", "dropped"):
        for suffix in CORPUS_SUFFIXES:
            path = folder.part(kind, index, suffix)
            if folder.exists(path):
                rows = read_rows(folder.here(path), ["id", "text"])
                texts.update((row["id"], row["text"]) for row in rows)
    errors = {
        row["id"]: row["error"]
        for row in read_rows(folder.here(folder.part("quarantine", index)), ["id", "error"])
    }
    for row in read_rows(folder.here(folder.part("records", index))):
        for name in CLUSTER:
            row.pop(name, None)  # settled anew once all splits are done
        traced = Traced(row)
        if row["fate"] == Fate.QUARANTINED:
            traced.stage = row["stage"]
            traced.failure = Failure(row["reason"], row["stage"], errors[row["id"]])
        else:
            traced.text = texts.pop(row["id"], None)
        yield traced


def _counted(curation: Curation, records: Iterable[Traced]) -> Iterator[Traced]:
    """The same records with their words and tokens by the present tokenizer, or without."""
    batch: list[Traced] = []
    characters = 0
    for traced in records:
        for name in ("words", "tokens"):
            traced.row.pop(name, None)
        batch.append(traced)
        characters += len(traced.text or "")
        if len(batch) == DOCUMENTS_PER_BATCH or characters >= CHARACTERS_PER_BATCH:
            if curation.tokens:
                count_tokens(curation.tokens, batch)
            yield from batch
            batch, characters = [], 0
    if curation.tokens:
        count_tokens(curation.tokens, batch)
    yield from batch


def _decided(curation: Curation, records: Iterable[Traced]) -> Iterator[Traced]:
    """The same records by their signals; what left before it had a text stays as it was."""
    for traced in records:
        row = traced.row
        if traced.failure is None and row["characters"] is not None:
            decide(curation, traced)  # also where the text was dropped and not kept
        elif traced.failure is None:
            traced.fail(row["stage"], [Verdict(False, **verdict) for verdict in row["failed"]])
        yield traced

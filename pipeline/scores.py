"""Scores of a run's documents: read from the ledger, split by split, and turned into ranks.

How ranks come back to the documents is `pipeline.ranking`. Ray is not known here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.records import Fate
from pipeline.curation import Curation
from pipeline.filters.base import TOP
from pipeline.redecide import tie_hash
from pipeline.runtime.executor import Tick
from pipeline.runtime.storage import RunFolder

__all__ = [
    "Floats",
    "Places",
    "ScoreTask",
    "Scores",
    "best_first",
    "identities",
    "rank",
    "read_scores",
    "together",
]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Names = Callable[[Places], list[bytes]]

NOWHERE = 2**16 - 1  # the number of the filter that a document fails which fails none


@dataclasses.dataclass(frozen=True)
class ScoreTask:
    """A part of the ledger to read scores from."""

    curation: Curation
    folder: RunFolder
    ledger: Path

    def file(self) -> Path:
        """The part, at hand."""
        return self.folder.here(self.ledger)


@dataclasses.dataclass(frozen=True)
class Scores:
    """Documents of a split, or of all, that reach the first ranking filter, ranks aside.

    Args:
        rows: of the split's ledger part.
        ties: `tie_hash` of the ids.
        fails: number of the first filter that has a failing rule, ranks aside, or `NOWHERE`.
        scores: by ranking filter, what it ranks by; NaN where there is none.
    """

    rows: npt.NDArray[np.uint32]
    ties: npt.NDArray[np.uint64]
    fails: npt.NDArray[np.uint16]
    scores: tuple[Floats, ...]


def read_scores(task: ScoreTask, tick: Tick) -> Scores:
    """Scores of one split's documents, in the order of its ledger part."""
    rankings = task.curation.rankings
    wanted = [f"{name}.{by.signal}" for name, by in rankings.items()]
    first = _numbers(task.curation)[next(iter(rankings))]
    pieces = [_no_documents(len(wanted))]
    before = 0
    with pq.ParquetFile(task.file()) as ledger:
        for group in range(ledger.num_row_groups):
            table = ledger.read_row_group(
                group, columns=["id", "fate", "characters", "failed.list.element.reason", *wanted]
            )
            fails = _first_failing(task.curation, table["failed"].combine_chunks())
            has_text = pc.is_valid(table["characters"]).to_numpy() & (
                pc.not_equal(table["fate"], Fate.QUARANTINED.value).to_numpy()
            )
            rows = np.flatnonzero(has_text & (fails >= first))
            names = table["id"].take(pa.array(rows)).to_pylist()
            pieces.append(
                Scores(
                    (before + rows).astype(np.uint32),
                    np.fromiter(map(tie_hash, names), np.uint64, len(names)),
                    fails[rows],
                    tuple(table[column].to_numpy()[rows] for column in wanted),
                )
            )
            before += table.num_rows
    return together(pieces)


def together(pieces: Sequence[Scores]) -> Scores:
    """The documents of all pieces, in their order; there is at least one piece."""
    return Scores(
        np.concatenate([piece.rows for piece in pieces]),
        np.concatenate([piece.ties for piece in pieces]),
        np.concatenate([piece.fails for piece in pieces]),
        tuple(map(np.concatenate, zip(*(piece.scores for piece in pieces), strict=True))),
    )


def _numbers(curation: Curation) -> dict[str, int]:
    return {step.name: number for number, step in enumerate(curation.filters)}


def _no_documents(rankings: int) -> Scores:
    return Scores(
        np.empty(0, np.uint32),
        np.empty(0, np.uint64),
        np.empty(0, np.uint16),
        tuple(np.empty(0, np.float64) for _ in range(rankings)),
    )


def _first_failing(curation: Curation, failed: pa.ListArray) -> npt.NDArray[np.uint16]:
    """Of each record the number of the first filter that it fails by another rule than its rank."""
    reasons = pc.struct_field(pc.list_flatten(failed), "reason").dictionary_encode()
    numbers = _numbers(curation)
    by_reason = np.full(len(reasons.dictionary), NOWHERE, np.uint16)
    for place, reason in enumerate(reasons.dictionary.to_pylist()):
        family, _, rule = reason.partition(".")
        if not (family in curation.rankings and rule.startswith(f"{TOP}.")):
            by_reason[place] = numbers.get(family, NOWHERE)  # duplicates leave after all filters
    fails = np.full(len(failed), NOWHERE, np.uint16)
    owners = pc.list_parent_indices(failed).to_numpy()
    np.minimum.at(fails, owners, by_reason[reasons.indices.to_numpy()])
    return fails


# --- ranks ---------------------------------------------------------------------------------


def rank(
    curation: Curation, documents: Scores, names: Names
) -> tuple[dict[str, Floats], dict[str, dict[str, Any]]]:
    """Ranks of all documents by each ranking filter, in the recipe's order.

    Args:
        curation: the run's.
        documents: all of them.
        names: gives ids; see `best_first`.

    Returns:
        By filter the rank of each document over the number of those that reach it, NaN for one
        that does not; and by filter ``share``, how many ``reached`` it and ``stayed``, and
        ``cutoff``, the score of the last that stayed, None if there is none.
    """
    numbers = _numbers(curation)
    tops: dict[str, Floats] = {}
    noted: dict[str, dict[str, Any]] = {}
    staying = np.ones(len(documents.rows), np.bool_)
    for (name, by), all_scores in zip(curation.rankings.items(), documents.scores, strict=True):
        reached = np.flatnonzero(staying & (documents.fails >= numbers[name]))
        scores = all_scores[reached]
        order = best_first(
            -scores if by.lowest else scores, documents.ties[reached], _among(reached, names)
        )
        top = np.full(len(documents.rows), np.nan)
        top[reached[order]] = np.arange(1, len(order) + 1) / max(len(order), 1)
        staying = top <= by.share  # the filter's bound; NaN does not stay
        stayed = int(np.count_nonzero(staying))
        lowest = float(scores[order[stayed - 1]]) if stayed else np.nan
        tops[name] = top
        noted[name] = {
            "share": by.share,
            "reached": len(order),
            "stayed": stayed,
            "cutoff": None if np.isnan(lowest) else lowest,
        }
    return tops, noted


def _among(places: Places, names: Names) -> Names:
    return lambda chosen: names(places[chosen])


def best_first(scores: Floats, ties: npt.NDArray[np.uint64], names: Names) -> Places:
    """Places of documents from the highest score to the lowest; one without a score comes last.

    The order is total and depends on scores and ids alone, not on the order of the documents.

    Args:
        scores: of the documents, NaN for none.
        ties: 64-bit hashes of their ids; the smaller is first where scores are equal.
        names: gives the ids at the places it is given, which decide where two hashes meet.
    """
    missing = np.isnan(scores)
    losses = np.where(missing, 0.0, -scores)
    order = np.lexsort((ties, losses, missing))
    before, after = order[:-1], order[1:]
    alike = ties[before] == ties[after]
    alike &= (losses[before] == losses[after]) & (missing[before] == missing[after])
    if alike.any():
        runs = np.concatenate([[0], np.cumsum(~alike)])
        within = np.flatnonzero(np.bincount(runs)[runs] > 1)
        keys = list(zip(runs[within].tolist(), names(order[within]), strict=True))
        order[within] = order[within][sorted(range(len(keys)), key=keys.__getitem__)]
    return order


def identities(
    tasks: Sequence[ScoreTask],
    lengths: Sequence[int],
    rows: npt.NDArray[np.uint32],
    places: Places,
) -> list[bytes]:
    """Ids of some documents, read from the splits that have them.

    Args:
        tasks: the splits.
        lengths: documents in each.
        rows: of all documents in the ledger parts, in the order of the splits.
        places: of the documents among them all.
    """
    owners = np.searchsorted(np.cumsum(lengths), places, side="right")
    found = [b""] * len(places)
    for owner in np.unique(owners).tolist():
        mine = np.flatnonzero(owners == owner)
        ids = pq.read_table(tasks[owner].file(), columns=["id"])["id"]
        names = ids.take(pa.array(rows[places[mine]])).to_pylist()
        for place, name in zip(mine.tolist(), names, strict=True):
            found[place] = name.encode()
    return found

"""The ranking pass of a run: a filter that keeps a share of the documents learns which they are.

A split sees its own documents only, and which are the best tenth of a run depends on all of them.
So once every split is measured and decided, each gives the scores of its documents, the run ranks
them, and every split is decided again with the ranks (`pipeline.redecide`). What a rank is says
`pipeline.filters.base.Ranking`. Deduplication comes after, over what stays.

The run holds 14 bytes for each document that reaches the first ranking filter and 16 more for each
such filter; while it ranks by one, about 60 more for each document that reaches that one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import ConservationError
from pipeline.curate import PayloadCopies
from pipeline.curation import Curation
from pipeline.dedup.shuffle import Execute
from pipeline.filters.base import TOP
from pipeline.redecide import Ranks
from pipeline.runtime.identities import settle_identities
from pipeline.runtime.manifest import Completion, fingerprint
from pipeline.runtime.progress import Reporter
from pipeline.runtime.storage import RunFolder
from pipeline.scores import Floats, Scores, ScoreTask, identities, rank, read_scores, together
from pipeline.sources.base import Split
from pipeline.split import SplitTask, curate_split

__all__ = ["Ranked", "already_ranked", "forget_ranks", "rank_documents"]

ROWS_PER_GROUP = 10_000


@dataclasses.dataclass(frozen=True)
class Ranked:
    """A run whose documents are ranked.

    Args:
        done: completion records of all splits.
        noted: what the manifest says of it, by filter: ``share``, documents that ``reached`` it
            and that ``stayed``, and ``cutoff``, the lowest score that stayed, if any did.
        read_again: splits whose input was read once more, since texts were gone that stay now.
    """

    done: dict[int, Completion]
    noted: dict[str, Any]
    read_again: int = 0


def rank_documents(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    copies: Sequence[PayloadCopies | None],
    done: Mapping[int, Completion],
    execute: Execute,
    progress: Reporter,
) -> Ranked:
    """Rank what reaches each ranking filter, in the recipe's order, and decide by the ranks.

    What reaches a filter has a text and passes every step before it, ranks included; what comes
    after it does not count, be it filters or duplicates. A split that has its ranks already is
    left alone.

    Args:
        curation: the run's; some filter ranks.
        folder: the locked run folder.
        splits: all of them.
        copies: what leaves each of them before extraction.
        done: their completion records, all ids settled.
        execute: runs tasks.
        progress: is told what is going on.

    Raises:
        ConservationError: other documents fell to their ranks than were ranked too low.
    """
    done = dict(sorted(done.items()))
    tasks = [
        ScoreTask(curation, folder, done[index].paths(folder, index)["records"]) for index in done
    ]
    scored: dict[int, Scores] = dict(execute(read_scores, tasks))
    parts = [scored.pop(position) for position in range(len(tasks))]
    lengths = [len(part.rows) for part in parts]
    documents = together(parts)
    del parts
    tops, noted = rank(
        curation, documents, lambda places: identities(tasks, lengths, documents.rows, places)
    )
    for name, counts in noted.items():
        progress.say(
            f"Ranked by {name}: {counts['stayed']:,} of {counts['reached']:,} documents stay"
        )
    changed = _handed_over(folder, done, lengths, documents, tops)
    settled, read_again = _with_texts(
        curation, folder, splits, copies, done, changed, execute, progress
    )
    again = [
        SplitTask(curation, folder, index, splits[index], ranks=Ranks(*ranks, settled[index]))
        for index, ranks in changed.items()
    ]
    for position, completion in execute(curate_split, again):
        settled[again[position].index] = completion
    _check(settled, noted)
    forget_ranks(folder)
    return Ranked(settled, noted, read_again)


def already_ranked(
    curation: Curation, folder: RunFolder, done: Mapping[int, Completion]
) -> Ranked | None:
    """What an earlier run left, if it ranked just these splits as the recipe has it.

    The manifest goes before anything in the folder changes; one that is there speaks of what is
    there. Where nothing ranks there is nothing to do.
    """
    if not curation.rankings:
        return Ranked(dict(done), {})
    try:
        manifest = json.loads(folder.read_text(folder.manifest))
        noted, decided = manifest["ranking"], manifest["fingerprints"]["decided"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    same = decided == curation.decided() and all(done[index].ranked for index in done)
    return Ranked(dict(done), noted) if same else None


def forget_ranks(folder: RunFolder) -> None:
    """Take the tables away that were handed to the splits."""
    for path in folder.children(_home(folder)):
        folder.remove(path)


def _handed_over(
    folder: RunFolder,
    done: Mapping[int, Completion],
    lengths: Sequence[int],
    documents: Scores,
    tops: Mapping[str, Floats],
) -> dict[int, tuple[Path, str]]:
    """Tables of ranks for the splits that have others, with what names their content."""
    _home(folder).mkdir(parents=True, exist_ok=True)
    changed: dict[int, tuple[Path, str]] = {}
    ends = np.cumsum(lengths).tolist()
    for index, length, end in zip(done, lengths, ends, strict=True):
        mine = slice(end - length, end)
        columns: dict[str, npt.NDArray[Any]] = {
            "row": documents.rows[mine],
            "tie": documents.ties[mine],
            **{f"{name}.{TOP}": top[mine] for name, top in tops.items()},
        }
        digest = fingerprint({name: _digest(values) for name, values in columns.items()})
        if done[index].ranked != digest:
            path = _home(folder) / f"{index:05d}.parquet"
            nulls = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
            with folder.replacing(path) as temporary:
                pq.write_table(pa.table(nulls), temporary, row_group_size=ROWS_PER_GROUP)
            changed[index] = path, digest
    return changed


def _with_texts(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    copies: Sequence[PayloadCopies | None],
    done: Mapping[int, Completion],
    changed: Mapping[int, object],
    execute: Execute,
    progress: Reporter,
) -> tuple[dict[int, Completion], int]:
    """Splits that other ranks dropped texts of are read again where those were not kept."""
    settled = dict(done)
    tasks = [
        SplitTask(curation, folder, index, splits[index], copies=copies[index])
        for index in changed
        if done[index].ranked is not None and not done[index].complete_texts
    ]
    if tasks:
        progress.say(f"ranks changed, dropped texts were not kept: {len(tasks)} splits read again")
        for position, completion in execute(curate_split, tasks):
            settled[tasks[position].index] = completion
        settled = settle_identities(folder, settled, curation.schemas())
    return settled, len(tasks)


def _check(settled: Mapping[int, Completion], noted: Mapping[str, Any]) -> None:
    """As many records fail by their rank as the ranking has it."""
    for name, counts in noted.items():
        fell = sum(done.report.failing[f"{name}.{TOP}.high"] for done in settled.values())
        if fell != counts["reached"] - counts["stayed"]:
            raise ConservationError(
                f"{counts['reached'] - counts['stayed']} documents were to fall to their rank in "
                f"{name}, {fell} did"
            )


def _digest(values: npt.NDArray[Any]) -> str:
    return hashlib.blake2b(values.tobytes(), digest_size=16).hexdigest()


def _home(folder: RunFolder) -> Path:
    return folder.state / "ranking"

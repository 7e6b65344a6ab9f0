"""One split: handed to a worker, its records filed where their fates send them, and signed off.

How records get their fates is `pipeline.curate`, how they get others later `pipeline.redecide`; how
splits are handed out, resumed and added up is `pipeline.run`. Ray is not known here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.core.decisions import Verdict
from pipeline.core.records import Fate, encodable
from pipeline.curate import PayloadCopies, Traced, measure
from pipeline.curation import Curation
from pipeline.dedup.outcome import CLUSTER
from pipeline.redecide import (
    CORPUS_SUFFIXES,
    DuplicateFates,
    Ranks,
    by_ranks,
    by_signals,
    without_duplicates,
)
from pipeline.runtime.executor import Tick
from pipeline.runtime.identities import note_identities
from pipeline.runtime.ledger import PartsWriter, table_suffix
from pipeline.runtime.manifest import Completion, SplitReport, StageCount
from pipeline.runtime.storage import KINDS, RunFolder
from pipeline.sources.base import Split

__all__ = ["SplitTask", "curate_split"]

ORIGIN = ("id", "url", "path", "offset", "length")


@dataclasses.dataclass(frozen=True)
class SplitTask:
    """One split to curate, or to decide again from the parts it left.

    Args:
        curation, folder, index, split: what, where to, its number, where from.
        again: decide by other bounds, from the signals and texts that an earlier run left.
        ranks: decide again, with these ranks of the split's documents.
        fates: decide again, and take the duplicates out.
        copies: what leaves before extraction, since another record has the same payload.
    """

    curation: Curation
    folder: RunFolder
    index: int
    split: Split
    again: bool = False
    ranks: Ranks | None = None
    fates: DuplicateFates | None = None
    copies: PayloadCopies | None = None


def curate_split(task: SplitTask, tick: Tick) -> Completion:
    """Read one split, give each record its fate, write its parts and its completion record.

    Raises:
        SourceError: the input cannot be read.
        StorageError: the output cannot be written.
        ConservationError: a record was lost.
    """
    left = (task.curation, task.folder, task.index)
    if task.fates is not None:
        return _finish(task, without_duplicates(*left, task.fates), tick)
    if task.ranks is not None:
        return _finish(task, by_ranks(*left, task.ranks), tick)
    if task.again:
        return _finish(task, by_signals(*left), tick)
    return _finish(task, measure(task.curation, task.split, task.copies), tick)


def _finish(task: SplitTask, traced: Iterable[Traced], tick: Tick) -> Completion:
    """File every record, check that none was lost, and leave the completion record."""
    curation, folder, index = task.curation, task.folder, task.index
    report = SplitReport([StageCount(name) for name in curation.stage_names()])
    texts_dropped = 0
    identities: list[str] = []
    given = task.fates or task.ranks
    before = given.before if given else None
    size, modified = (
        (before.input_size, before.input_mtime)
        if before
        else curation.source.stamp(task.split.path)
    )
    with PartsWriter(folder, index, curation.schemas(), curation.corpus_format) as writer:
        for number, item in enumerate(traced):
            identities.append(item.row["id"])
            texts_dropped += _file(curation, writer, report, item)
            if number % 32 == 0:
                position = item.row["offset"] - task.split.start
                tick({"bytes": max(0, position), **report.fates})
        report.check()
        writer.check(report.fates, texts_dropped)
        # From here on files change one by one: without its record the split counts as not done.
        Completion.forget(folder, index)
    for kind in KINDS:
        for suffix in CORPUS_SUFFIXES:
            if suffix != table_suffix(kind, curation.corpus_format):
                folder.remove(folder.part(kind, index, suffix))
    completion = Completion(
        split=(task.split.path, task.split.start, task.split.end),
        input_size=size,
        input_mtime=modified,
        measured=curation.measured(),
        decided=curation.decided(),
        corpus_format=curation.corpus_format,
        complete_texts=curation.keep_dropped >= 1,
        renamed=before.renamed if before else 0,
        candidates=task.fates.before.candidates if task.fates else writer.files["corpus"].sha256,
        duplicates=task.fates.digest if task.fates else None,
        copies=before.copies if before else task.copies.digest if task.copies else None,
        report=report,
        files=writer.files,
        ranked=task.ranks.digest if task.ranks else before.ranked if before else None,
        tokens=curation.counted_by(),
    )
    note_identities(folder, index, identities)
    completion.write(folder, index)
    return completion


def _file(curation: Curation, writer: PartsWriter, report: SplitReport, item: Traced) -> int:
    """Write one record where its fate sends it. Returns 1 if its text went to ``dropped/``."""
    row, stage = item.row, item.stage or "kept"
    fate = item.fate
    first = item.verdicts[0] if item.verdicts else None
    if item.failure is not None:
        reasons = [item.failure.reason]
        error = encodable(item.failure.message)
        quarantined = {"stage": stage, "reason": item.failure.reason, "error": error}
        writer.write("quarantine", {**_only(row, ORIGIN), **quarantined})
    else:
        reasons = [verdict.reason for verdict in item.verdicts]
    row.update(
        fate=fate.value,
        stage=stage,
        reason=reasons[0] if reasons else None,
        value=first.value if first else None,
        bound=first.bound if first else None,
        detail=first.detail if first else None,
        failed=[_plain(verdict) for verdict in item.verdicts],
    )
    filed = 0
    if item.text is not None:
        row["characters"] = len(item.text)
        if fate is Fate.KEPT:
            writer.write("corpus", _text_row(curation, row, item.text))
        elif fate is Fate.DUPLICATE or _sampled(row["id"], curation.keep_dropped):
            # A duplicate's text is what another threshold brings back; it is always left.
            left = {"stage": stage, "reason": row["reason"]}
            writer.write("dropped", {**_text_row(curation, row, item.text), **left})
            filed = 1
    if item.failure is None and row.get("characters") is not None:
        report.characters[fate.value] += row["characters"]  # of texts that were not kept, too
    writer.write("records", row)
    report.settle(stage, fate, reasons)
    return filed


def _text_row(curation: Curation, row: dict[str, Any], text: str) -> dict[str, Any]:
    counted = ("tokens",) if curation.tokens else ()
    clusters = CLUSTER if curation.dedup else ()
    return {
        **_only(row, (*ORIGIN, "date", *counted, *clusters, *curation.tags())),
        "text": text,
        "language": row.get("language.label"),
        "language_score": row.get("language.label_score"),
    }


def _plain(verdict: Verdict) -> dict[str, Any]:
    fields = dataclasses.asdict(verdict)
    del fields["keep"]
    return fields


def _only(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in names}


def _sampled(identifier: str, share: float) -> bool:
    if share >= 1:
        return True
    digest = hashlib.blake2b(identifier.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64

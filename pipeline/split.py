"""One split: handed to a worker, its records filed where their fates send them, and signed off.

How records get their fates is `pipeline.curate`; how splits are handed out, resumed and added up is
`pipeline.run`. Ray is not known here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.core.decisions import Verdict
from pipeline.core.errors import ConservationError
from pipeline.core.records import Failure, Fate, encodable
from pipeline.curate import PayloadCopies, Traced, decide, measure
from pipeline.curation import DEDUP, Curation
from pipeline.dedup.outcome import CLUSTER
from pipeline.runtime.executor import Tick
from pipeline.runtime.identities import note_identities
from pipeline.runtime.ledger import PartsWriter, read_rows, table_suffix
from pipeline.runtime.manifest import Completion, SplitReport, StageCount
from pipeline.runtime.storage import KINDS, RunFolder
from pipeline.sources.base import Split

__all__ = ["DuplicateFates", "SplitTask", "curate_split", "decide_again", "without_duplicates"]

CORPUS_SUFFIXES = (".parquet", ".jsonl.zst")
ORIGIN = ("id", "url", "path", "offset", "length")


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


@dataclasses.dataclass(frozen=True)
class SplitTask:
    """One split to curate, or to decide again from the parts it left.

    Args:
        curation, folder, index, split: what, where to, its number, where from.
        again: decide from the signals and texts that an earlier run left.
        fates: what deduplication decided over this split's documents.
        copies: what leaves before extraction, since another record has the same payload.
    """

    curation: Curation
    folder: RunFolder
    index: int
    split: Split
    again: bool = False
    fates: DuplicateFates | None = None
    copies: PayloadCopies | None = None


def curate_split(task: SplitTask, tick: Tick) -> Completion:
    """Read one split, give each record its fate, write its parts and its completion record.

    Raises:
        SourceError: the input cannot be read.
        StorageError: the output cannot be written.
        ConservationError: a record was lost.
    """
    if task.fates is not None:
        return _finish(task, _without_duplicates(task, task.fates), tick)
    if task.again:
        return _finish(task, _measured_before(task), tick)
    return _finish(task, measure(task.curation, task.split, task.copies), tick)


def decide_again(task: SplitTask) -> SplitTask:
    """The same split, decided from the texts and signals an earlier run left."""
    return dataclasses.replace(task, again=True)


def without_duplicates(task: SplitTask, fates: DuplicateFates) -> SplitTask:
    """The same split, its duplicates taken out."""
    return dataclasses.replace(task, again=True, fates=fates)


def _without_duplicates(task: SplitTask, fates: DuplicateFates) -> Iterator[Traced]:
    """Records of an earlier run, those that passed every filter with their cluster."""
    settings = task.curation.dedup
    assert settings is not None
    found = {row["id"]: row for row in read_rows(fates.path)}
    for traced in _measured_before(task):
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
            f"split {task.index}: {len(found)} deduplicated documents are not in its parts"
        )


def _measured_before(task: SplitTask) -> Iterator[Traced]:
    """Records of an earlier run with their texts and signals, decided by the present bounds."""
    curation, folder, index = task.curation, task.folder, task.index
    texts: dict[str, str] = {}
    for kind in ("corpus", "dropped"):
        for suffix in CORPUS_SUFFIXES:
            path = folder.part(kind, index, suffix)
            if path.exists():
                texts.update((row["id"], row["text"]) for row in read_rows(path, ["id", "text"]))
    errors = {
        row["id"]: row["error"]
        for row in read_rows(folder.part("quarantine", index), ["id", "error"])
    }
    for row in read_rows(folder.part("records", index)):
        for name in CLUSTER:
            row.pop(name, None)  # settled anew once all splits are done
        traced = Traced(row)
        if row["fate"] == Fate.QUARANTINED:
            traced.stage = row["stage"]
            traced.failure = Failure(row["reason"], row["stage"], errors[row["id"]])
        elif row["id"] in texts:
            traced.text = texts.pop(row["id"])
            decide(curation, traced)
        else:
            traced.fail(row["stage"], [Verdict(False, **verdict) for verdict in row["failed"]])
        yield traced


def _finish(task: SplitTask, traced: Iterable[Traced], tick: Tick) -> Completion:
    """File every record, check that none was lost, and leave the completion record."""
    curation, folder, index = task.curation, task.folder, task.index
    report = SplitReport([StageCount(name) for name in curation.stage_names()])
    texts_dropped = 0
    identities: list[str] = []
    size, modified = curation.source.stamp(task.split.path)
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
    before = task.fates.before if task.fates else None
    completion = Completion(
        split=(task.split.path, task.split.start, task.split.end),
        input_size=size,
        input_mtime=modified,
        measured=curation.measured(),
        decided=curation.decided(),
        corpus_format=curation.corpus_format,
        complete_texts=curation.keep_dropped >= 1,
        renamed=before.renamed if before else 0,
        candidates=before.candidates if before else writer.files["corpus"].sha256,
        duplicates=task.fates.digest if task.fates else None,
        copies=before.copies if before else task.copies.digest if task.copies else None,
        report=report,
        files=writer.files,
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
        report.characters[fate.value] += len(item.text)
        if fate is Fate.KEPT:
            writer.write("corpus", _text_row(curation, row, item.text))
        elif fate is Fate.DUPLICATE or _sampled(row["id"], curation.keep_dropped):
            # A duplicate's text is what another threshold brings back; it is always left.
            left = {"stage": stage, "reason": row["reason"]}
            writer.write("dropped", {**_text_row(curation, row, item.text), **left})
            filed = 1
    writer.write("records", row)
    report.settle(stage, fate, reasons)
    return filed


def _text_row(curation: Curation, row: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        **_only(row, (*ORIGIN, "date", *(CLUSTER if curation.dedup else ()))),
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

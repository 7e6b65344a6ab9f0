"""One split: handed to a worker, its records filed where their fates send them, and signed off.

How records get their fates is `pipeline.curate`; how splits are handed out, resumed and added up is
`pipeline.run`. Ray is not known here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipeline.core.decisions import Verdict
from pipeline.core.records import Failure, Fate
from pipeline.curate import Curation, Traced, decide, encodable, measure
from pipeline.runtime.executor import Tick
from pipeline.runtime.identities import note_identities
from pipeline.runtime.ledger import PartsWriter, read_rows, table_suffix
from pipeline.runtime.manifest import Completion, SplitReport, StageCount
from pipeline.runtime.storage import KINDS, RunFolder
from pipeline.sources.base import Split

__all__ = ["SplitTask", "curate_split", "decide_again"]

CORPUS_SUFFIXES = (".parquet", ".jsonl.zst")
ORIGIN = ("id", "url", "path", "offset", "length")


@dataclasses.dataclass(frozen=True)
class SplitTask:
    """One split to curate, or to decide again from the parts it left."""

    curation: Curation
    folder: RunFolder
    index: int
    split: Split
    again: bool = False


def curate_split(task: SplitTask, tick: Tick) -> Completion:
    """Read one split, give each record its fate, write its parts and its completion record.

    Raises:
        SourceError: the input cannot be read.
        StorageError: the output cannot be written.
        ConservationError: a record was lost.
    """
    if task.again:
        return _finish(task, _measured_before(task), tick)
    return _finish(task, measure(task.curation, task.split), tick)


def decide_again(task: SplitTask) -> SplitTask:
    """The same split, decided from the texts and signals an earlier run left."""
    return dataclasses.replace(task, again=True)


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
    completion = Completion(
        split=(task.split.path, task.split.start, task.split.end),
        input_size=size,
        input_mtime=modified,
        measured=curation.measured(),
        decided=curation.decided(),
        corpus_format=curation.corpus_format,
        complete_texts=curation.keep_dropped >= 1,
        renamed=0,
        report=report,
        files=writer.files,
    )
    note_identities(folder, index, identities)
    completion.write(folder, index)
    return completion


def _file(curation: Curation, writer: PartsWriter, report: SplitReport, item: Traced) -> int:
    """Write one record where its fate sends it. Returns 1 if its text went to ``dropped/``."""
    row, stage = item.row, item.stage or "kept"
    first = item.verdicts[0] if item.verdicts else None
    if item.failure is not None:
        fate, reasons = Fate.QUARANTINED, [item.failure.reason]
        error = encodable(item.failure.message)
        quarantined = {"stage": stage, "reason": item.failure.reason, "error": error}
        writer.write("quarantine", {**_only(row, ORIGIN), **quarantined})
    else:
        fate = Fate.DROPPED if first else Fate.KEPT
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
            writer.write("corpus", _text_row(row, item.text))
        elif _sampled(row["id"], curation.keep_dropped):
            left = {"stage": stage, "reason": row["reason"]}
            writer.write("dropped", {**_text_row(row, item.text), **left})
            filed = 1
    writer.write("records", row)
    report.settle(stage, fate, reasons)
    return filed


def _text_row(row: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        **_only(row, (*ORIGIN, "date")),
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

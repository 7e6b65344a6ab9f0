"""The curation of one split, stage by stage: source, gates, extraction, filters and cleaners.

Reads like the recipe. How splits are handed out, resumed and added up is `pipeline.run`; what a
stage does is in `sources`, `extract` and `filters`. Ray is not known here.
"""

from __future__ import annotations

import atexit
import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pipeline
from pipeline.core.decisions import Signal, SignalValue, Verdict
from pipeline.core.errors import RecordError
from pipeline.core.records import Document, Failure, Fate, RawRecord
from pipeline.extract.extraction import Extracted, Extraction
from pipeline.extract.worker import ExtractWorker
from pipeline.filters.base import Filter
from pipeline.filters.cleaners import Cleaner
from pipeline.runtime.executor import Tick
from pipeline.runtime.identities import note_identities
from pipeline.runtime.ledger import PartsWriter, Schemas, read_rows, table_suffix
from pipeline.runtime.manifest import Completion, SplitReport, StageCount, fingerprint
from pipeline.runtime.storage import KINDS, RunFolder
from pipeline.sources.base import Source, Split

__all__ = ["Curation", "SplitTask", "curate_split", "decide_again"]

DOCUMENTS_PER_BATCH = 64
CORPUS_SUFFIXES = (".parquet", ".jsonl.zst")

NO_TEXT = Verdict(False, "extract.characters.low", 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Curation:
    """Everything a worker needs to curate a split; cheap to pickle.

    Args:
        source: where records come from.
        gates: filters that need only the URL, decided before extraction.
        extraction: engine, pre-screen and limits.
        steps: filters and cleaners in recipe order; a cleaner edits the text for what follows.
        corpus_format: ``"parquet"`` or ``"jsonl.zst"``.
        keep_dropped: share of dropped texts written to ``dropped/``, chosen by a hash of the id.
            At 1.0 a bound can be changed later without extracting again.
    """

    source: Source
    gates: tuple[Filter, ...]
    extraction: Extraction
    steps: tuple[Filter | Cleaner, ...]
    corpus_format: str = "parquet"
    keep_dropped: float = 1.0

    @property
    def filters(self) -> list[Filter]:
        return [step for step in self.steps if isinstance(step, Filter)]

    def stage_names(self) -> list[str]:
        """Stages a record can leave at, in order."""
        names = ["source", *(gate.name for gate in self.gates)]
        names += ["prescreen"] if self.extraction.prescreen else []
        return [*names, "extract", *(step.name for step in self.steps)]

    def schemas(self) -> Schemas:
        declared: list[tuple[str, Signal]] = []
        for gate in self.gates:
            declared += [(gate.name, signal) for signal in gate.signals]
        if self.extraction.prescreen:
            declared += [("prescreen", signal) for signal in self.extraction.prescreen.signals]
        for step in self.steps:
            declared += [(step.name, signal) for signal in step.signals]
        return Schemas(tuple(declared))

    def measured(self) -> str:
        """Fingerprint of all that texts and signals depend on, bounds of the steps left out."""
        gates = [[*_identity(gate), _bounds(gate)] for gate in self.gates]
        return fingerprint(
            pipeline.__version__,
            [self.source.name, self.source.version, self.source.parameters()],
            gates,
            self.extraction.parameters(),
            [_identity(step) for step in self.steps],
            self.models(),
        )

    def models(self) -> dict[str, str]:
        """sha256 of every model and list file in use, by name."""
        found: dict[str, str] = {}
        if self.extraction.prescreen:
            found |= self.extraction.prescreen.models()
        for step in (*self.gates, *self.filters):
            found |= step.models()
        return dict(sorted(found.items()))

    def decided(self) -> str:
        """Fingerprint of `measured`, every bound, and what is written."""
        bounds = [_bounds(step) for step in self.filters]
        return fingerprint(self.measured(), bounds, self.corpus_format, self.keep_dropped)


def _identity(step: Filter | Cleaner) -> list[Any]:
    return [step.name, step.version, step.parameters(), [signal.name for signal in step.signals]]


def _bounds(step: Filter) -> list[Any]:
    return [dataclasses.astuple(bound) for bound in step.bounds]


@dataclasses.dataclass(frozen=True)
class SplitTask:
    """One split to curate, or to decide again from the parts it left."""

    curation: Curation
    folder: RunFolder
    index: int
    split: Split
    again: bool = False


@dataclasses.dataclass(slots=True)
class Traced:
    """A record on its way: what is known of it, and where it has failed so far."""

    row: dict[str, Any]
    text: str | None = None
    stage: str | None = None
    verdicts: list[Verdict] = dataclasses.field(default_factory=list)
    failure: Failure | None = None
    doc: Document | None = None

    def fail(self, stage: str, verdicts: Iterable[Verdict]) -> None:
        """Add failing rules; the record leaves at the first stage that had one."""
        verdicts = list(verdicts)
        if verdicts and self.stage is None:
            self.stage = stage
        self.verdicts += verdicts

    def quarantine(self, stage: str, error: Exception) -> None:
        """The one place where an exception turns into a fate."""
        reason = error.reason if isinstance(error, RecordError) else f"{stage}.error"
        message = error.message if isinstance(error, RecordError) else repr(error)
        self.failure, self.stage = Failure(reason, stage, message), stage
        self.doc, self.text, self.verdicts = None, None, []


def curate_split(task: SplitTask, tick: Tick) -> Completion:
    """Read one split, give each record its fate, write its parts and its completion record.

    Raises:
        SourceError: the input cannot be read.
        StorageError: the output cannot be written.
        ConservationError: a record was lost.
    """
    if task.again:
        return _finish(task, _measured_before(task), tick)
    return _finish(task, _measured_now(task), tick)


def decide_again(task: SplitTask) -> SplitTask:
    """The same split, decided from the texts and signals an earlier run left."""
    return dataclasses.replace(task, again=True)


# --- measuring -----------------------------------------------------------------------------


def _measured_now(task: SplitTask) -> Iterator[Traced]:
    """Source, gates, extraction, filters and cleaners, for every record of the split in order."""
    curation, batch = task.curation, []
    for record in curation.source.read(task.split):
        traced = Traced(_origin(record))
        _admit(curation, record, traced)
        if traced.stage is None:
            _extract(curation, record, traced)
        record.payload = None
        batch.append(traced)
        if len(batch) == DOCUMENTS_PER_BATCH:
            _measure(curation, batch)
            yield from batch
            batch = []
    _measure(curation, batch)
    yield from batch


def _admit(curation: Curation, record: RawRecord, traced: Traced) -> None:
    if record.failure is not None:
        traced.failure, traced.stage = record.failure, "source"
        return
    if record.drop is not None:
        traced.fail("source", [record.drop])
        return
    doc = Document(record.id, "", record.url, record.source, record.meta)
    for gate in curation.gates:
        try:
            signals = gate.measure(doc)
            traced.fail(gate.name, gate.decide(signals))
        except Exception as error:
            traced.quarantine(gate.name, error)
            return
        _keep_signals(traced, gate.name, signals)


def _extract(curation: Curation, record: RawRecord, traced: Traced) -> None:
    try:
        extracted = _extractor(curation.extraction).extract(record)
    except RecordError as error:
        traced.quarantine("extract", error)
        return
    traced.row["charset"] = extracted.charset
    traced.row["charset_source"] = extracted.charset_source
    traced.row.update(extracted.signals)
    if extracted.verdict is not None:
        traced.fail(_extraction_stage(extracted), [extracted.verdict])
    elif not extracted.text:
        traced.fail("extract", [NO_TEXT])
    else:
        traced.doc = Document(
            record.id, _encodable(extracted.text), record.url, record.source, record.meta
        )


def _extraction_stage(extracted: Extracted) -> str:
    assert extracted.verdict is not None
    return "prescreen" if extracted.verdict.reason.startswith("prescreen.") else "extract"


def _measure(curation: Curation, batch: Sequence[Traced]) -> None:
    """Run every step on every text of the batch; deciding comes after, so nothing is skipped."""
    for step in curation.steps:
        texts = [traced for traced in batch if traced.doc is not None]
        if isinstance(step, Cleaner) or not _measure_together(step, texts):
            for traced in texts:
                _measure_alone(step, traced)
    for traced in batch:
        if traced.doc is not None:
            traced.text = traced.doc.text
            _decide(curation, traced)
            traced.doc = None


def _measure_together(step: Filter, texts: Sequence[Traced]) -> bool:
    """The batch at once; False if one of the texts broke it, which is then found one by one."""
    try:
        measured = step.measure_batch([traced.doc for traced in texts if traced.doc])
    except Exception:
        return False
    for traced, signals in zip(texts, measured, strict=True):
        _keep_signals(traced, step.name, signals)
    return True


def _measure_alone(step: Filter | Cleaner, traced: Traced) -> None:
    doc = traced.doc
    assert doc is not None
    try:
        if isinstance(step, Cleaner):
            text, signals = step.clean(doc.text)
            traced.doc = doc.with_text(text)
            _keep_signals(traced, step.name, signals)
        else:
            _keep_signals(traced, step.name, step.measure(doc))
    except Exception as error:
        traced.quarantine(step.name, error)


def _keep_signals(traced: Traced, family: str, signals: Mapping[str, SignalValue]) -> None:
    traced.row.update({f"{family}.{name}": value for name, value in signals.items()})


# --- deciding ------------------------------------------------------------------------------


def _decide(curation: Curation, traced: Traced) -> None:
    """Verdicts of every filter from the signals in the ledger row, now or in a later run."""
    for step in curation.filters:
        prefix = f"{step.name}."
        try:
            signals = {signal.name: traced.row[prefix + signal.name] for signal in step.signals}
            traced.fail(step.name, step.decide(signals))
        except Exception as error:
            traced.quarantine(step.name, error)
            return


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
            _decide(curation, traced)
        else:
            traced.fail(row["stage"], [Verdict(False, **verdict) for verdict in row["failed"]])
        yield traced


# --- writing -------------------------------------------------------------------------------


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
    row, first = item.row, item.verdicts[0] if item.verdicts else None
    kept_text = 0
    if item.failure is not None:
        fate, reasons = Fate.QUARANTINED, [item.failure.reason]
        error = _encodable(item.failure.message)
        writer.write(
            "quarantine",
            {
                **_only(row, QUARANTINED),
                "stage": item.stage,
                "reason": item.failure.reason,
                "error": error,
            },
        )
    else:
        fate = Fate.DROPPED if first else Fate.KEPT
        reasons = [verdict.reason for verdict in item.verdicts]
    stage = item.stage or "kept"
    if item.text is not None and fate is not Fate.QUARANTINED:
        row["characters"] = len(item.text)
        report.characters[fate.value] += len(item.text)
        text_row = {
            **_only(row, TEXT),
            "text": item.text,
            "language": row.get("language.label"),
            "language_score": row.get("language.label_score"),
        }
        if fate is Fate.KEPT:
            writer.write("corpus", text_row)
        elif _sampled(row["id"], curation.keep_dropped):
            writer.write("dropped", {**text_row, "stage": stage, "reason": reasons[0]})
            kept_text = 1
    row.update(
        fate=fate.value,
        stage=stage,
        reason=reasons[0] if reasons else None,
        value=first.value if first else None,
        bound=first.bound if first else None,
        detail=first.detail if first else None,
        failed=[
            {
                "reason": verdict.reason,
                "value": verdict.value,
                "bound": verdict.bound,
                "detail": verdict.detail,
            }
            for verdict in item.verdicts
        ],
    )
    writer.write("records", row)
    report.settle(stage, fate, reasons)
    return kept_text


QUARANTINED = ("id", "url", "path", "offset", "length")
TEXT = (*QUARANTINED, "date")


def _only(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in names}


def _origin(record: RawRecord) -> dict[str, Any]:
    """The ledger columns known as soon as a record has been read."""
    row: dict[str, Any] = {
        "id": _encodable(record.id),
        "url": _encodable(record.url),
        "path": record.source.path,
        "offset": record.source.offset,
        "length": record.source.length,
    }
    for name in ("date", "record_type", "http_status", "content_type"):
        value = record.meta.get(name)
        row[name] = _encodable(value) if isinstance(value, str) else value
    return row


def _encodable(text: str) -> str:
    """Lone surrogates have no UTF-8 form; they become U+FFFD, as in a browser."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _sampled(identifier: str, share: float) -> bool:
    if share >= 1:
        return True
    digest = hashlib.blake2b(identifier.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


# --- the killable worker, one per process ---------------------------------------------------

_EXTRACTORS: list[ExtractWorker] = []


def _extractor(extraction: Extraction) -> ExtractWorker:
    """This process's extraction child; it outlives the split, since starting one costs a second."""
    if not _EXTRACTORS or _EXTRACTORS[0].extraction != extraction:
        close_extractors()
        _EXTRACTORS.append(ExtractWorker(extraction))
    return _EXTRACTORS[0]


@atexit.register
def close_extractors() -> None:
    """End this process's extraction child."""
    while _EXTRACTORS:
        _EXTRACTORS.pop().close()

"""The curation, stage by stage: source, gates, extraction, filters and cleaners.

Reads like the recipe: records of a split go in, the same records come out measured and decided.
What a stage does is in `sources`, `extract` and `filters`; where the records are written is
`pipeline.split`. Ray is not known here.
"""

from __future__ import annotations

import atexit
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from classifiers.token_counter import TokenCounter
from pipeline.core.decisions import Bound, SignalValue, Verdict
from pipeline.core.errors import GristmillError, RecordError
from pipeline.core.records import Document, Failure, Fate, RawRecord, encodable
from pipeline.curation import DEDUP, PAYLOAD, Curation
from pipeline.extract.extraction import Extracted, Extraction
from pipeline.extract.worker import ExtractWorker
from pipeline.filters.base import Filter
from pipeline.filters.cleaners import Cleaner
from pipeline.runtime.ledger import read_rows
from pipeline.runtime.storage import RunFolder
from pipeline.sources.base import Split

__all__ = [
    "CHARACTERS_PER_BATCH",
    "DOCUMENTS_PER_BATCH",
    "PayloadCopies",
    "Traced",
    "admitted",
    "close_extractors",
    "count_tokens",
    "decide",
    "measure",
]

# Texts that are measured together, by whichever bound is met first. Small batches cost the classifiers
# a third of their speed, since each fetches its model from memory again; long texts are many to hold.
DOCUMENTS_PER_BATCH, CHARACTERS_PER_BATCH = 256, 1 << 20

NO_TEXT = Verdict(False, "extract.characters.low", 0.0, 1.0)


@dataclasses.dataclass(slots=True)
class Traced:
    """A record on its way: what is known of it, and where it has failed so far."""

    row: dict[str, Any]
    text: str | None = None
    stage: str | None = None
    verdicts: list[Verdict] = dataclasses.field(default_factory=list)
    failure: Failure | None = None
    doc: Document | None = None

    @property
    def fate(self) -> Fate:
        if self.failure is not None:
            return Fate.QUARANTINED
        if self.stage in (PAYLOAD, DEDUP):
            return Fate.DUPLICATE
        return Fate.DROPPED if self.verdicts else Fate.KEPT

    def fail(self, stage: str, verdicts: Iterable[Verdict]) -> None:
        """Add failing rules; the record leaves at the first stage that had one."""
        verdicts = list(verdicts)
        if verdicts and self.stage is None:
            self.stage = stage
        self.verdicts += verdicts

    def quarantine(self, stage: str, error: Exception) -> None:
        """The one place where an exception turns into a fate.

        Errors that are not the record's (a missing model, a full disk) go on and stop the run.
        """
        if isinstance(error, GristmillError) and not isinstance(error, RecordError):
            raise error
        reason = error.reason if isinstance(error, RecordError) else f"{stage}.error"
        message = error.message if isinstance(error, RecordError) else repr(error)
        self.failure, self.stage = Failure(reason, stage, message), stage
        self.doc, self.text, self.verdicts = None, None, []


# --- measuring -----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class PayloadCopies:
    """The records of one split whose payload another record keeps.

    Args:
        folder: the run folder.
        path: a table of them (`pipeline.payloads.COPIES`).
        digest: names its content.
    """

    folder: RunFolder
    path: Path
    digest: str

    def verdicts(self) -> dict[int, Verdict]:
        """Why each goes, by offset."""
        return {
            row["offset"]: Verdict(
                False, f"{PAYLOAD}.records.high", float(row["records"]), 1.0,
                f"kept in its place: {row['kept_id']}",
            )
            for row in read_rows(self.folder.here(self.path))
        }  # fmt: skip


def admitted(curation: Curation, record: RawRecord) -> bool:
    """Whether source and gates let a record go on to extraction."""
    traced = Traced(_origin(record))
    _admit(curation, record, traced)
    return traced.stage is None


def measure(
    curation: Curation, split: Split, copies: PayloadCopies | None = None
) -> Iterator[Traced]:
    """Source, gates, extraction, filters and cleaners, for every record of the split in order.

    Args:
        curation: what to do.
        split: where from.
        copies: records that leave before extraction, since their payload is kept elsewhere.

    Raises:
        SourceError: the input cannot be read.
    """
    batch: list[Traced] = []
    characters = 0
    leaving = copies.verdicts() if copies else {}
    for record in curation.source.read(split):
        traced = Traced(_origin(record))
        for signal in curation.source.signals:
            traced.row[f"source.{signal.name}"] = record.meta.get(signal.name)
        _admit(curation, record, traced)
        if traced.stage is None and record.source.offset in leaving:
            traced.fail(PAYLOAD, [leaving[record.source.offset]])
        if traced.stage is None:
            _extract(curation, record, traced)
        record.payload = record.text = None
        batch.append(traced)
        characters += len(traced.doc.text) if traced.doc else 0
        if len(batch) == DOCUMENTS_PER_BATCH or characters >= CHARACTERS_PER_BATCH:
            _measure(curation, batch)
            yield from batch
            batch, characters = [], 0
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
            _keep_signals(traced, gate, signals)
            traced.fail(gate.name, gate.decide(signals))
        except Exception as error:
            traced.quarantine(gate.name, error)
            return


def _extract(curation: Curation, record: RawRecord, traced: Traced) -> None:
    if record.text is not None:
        limits = curation.extraction.limits
        bound = Bound("characters", limits.min_text, limits.max_text)
        verdict = bound.check("extract", len(record.text))
        if verdict is not None:
            traced.fail("extract", [verdict])
        else:
            traced.doc = Document(
                record.id, encodable(record.text), record.url, record.source, record.meta
            )
        return
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
            record.id, encodable(extracted.text), record.url, record.source, record.meta
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
            decide(curation, traced)
            traced.doc = None
    if curation.tokens:
        count_tokens(curation.tokens, batch)


def count_tokens(counter: TokenCounter, batch: Sequence[Traced]) -> None:
    """Words (by white space) and tokens of every text, whatever its fate, into its ledger row.

    Tokens are None where the tokenizer fails; that is no reason to lose a text.
    """
    texts = [(traced, traced.text) for traced in batch if traced.text is not None]
    counts = counter.count([text for _, text in texts])
    for (traced, text), tokens in zip(texts, counts, strict=True):
        traced.row.update(words=len(text.split()), tokens=tokens)


def _measure_together(step: Filter, texts: Sequence[Traced]) -> bool:
    """The batch at once; False if one of the texts broke it, which is then found one by one."""
    try:
        measured = step.measure_batch([traced.doc for traced in texts if traced.doc])
        for traced, signals in zip(texts, measured, strict=True):
            _keep_signals(traced, step, signals)
    except Exception:
        return False
    return True


def _measure_alone(step: Filter | Cleaner, traced: Traced) -> None:
    doc = traced.doc
    assert doc is not None
    try:
        if isinstance(step, Cleaner):
            text, signals = step.clean_document(doc)
            traced.doc = doc.with_text(text)
            _keep_signals(traced, step, signals)
        else:
            _keep_signals(traced, step, step.measure(doc))
    except Exception as error:
        traced.quarantine(step.name, error)


def _keep_signals(
    traced: Traced, step: Filter | Cleaner, signals: Mapping[str, SignalValue]
) -> None:
    declared = {signal.name for signal in step.signals}
    if signals.keys() != declared:
        odd = sorted(declared ^ signals.keys())
        raise ValueError(f"{step.name} declares other signals than it measures: {', '.join(odd)}")
    traced.row.update({f"{step.name}.{name}": value for name, value in signals.items()})


# --- deciding ------------------------------------------------------------------------------


def decide(curation: Curation, traced: Traced) -> None:
    """Verdicts of every filter from the signals in the ledger row, now or in a later run."""
    for step in curation.filters:
        prefix = f"{step.name}."
        try:
            signals = {signal.name: traced.row[prefix + signal.name] for signal in step.signals}
            traced.fail(step.name, step.decide(signals))
        except Exception as error:
            traced.quarantine(step.name, error)
            return


def _origin(record: RawRecord) -> dict[str, Any]:
    """The ledger columns known as soon as a record has been read."""
    row: dict[str, Any] = {
        "id": encodable(record.id),
        "url": encodable(record.url),
        "path": record.source.path,
        "offset": record.source.offset,
        "length": record.source.length,
    }
    for name in ("date", "record_type", "http_status", "content_type"):
        value = record.meta.get(name)
        row[name] = encodable(value) if isinstance(value, str) else value
    return row


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

"""The second pass: every document examined against the index, with the counts of the whole corpus.

A document goes by its place in its part, not by its id: ids may repeat, places do not.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audits.examine import Examiner
from audits.findings import Finding
from audits.semantic.stored_vectors import StoredVectors
from audits.settings import AuditSettings
from pipeline.audit.counting import Counts
from pipeline.audit.embeddings import FOLDER, Embeddings
from pipeline.audit.parts import Corpus, PartTask, batches
from pipeline.core.errors import ConservationError
from pipeline.core.records import encodable
from pipeline.runtime.completion import digest_of
from pipeline.runtime.executor import Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.steps import Run, do_parts
from pipeline.runtime.storage import RunFolder, storage_errors
from pipeline.sources.corpus import CorpusRow

__all__ = ["QUARANTINE", "Examined", "Placed", "examine_corpus"]

QUARANTINE = pa.schema(
    [
        ("document", pa.string()),  # its id, or what stands for it
        ("place", pa.string()),
        ("reason", pa.string()),
        ("error", pa.string()),
        ("rows", pa.int64()),
    ]
)


@dataclasses.dataclass(frozen=True, slots=True)
class Placed:
    """A finding, and the document that it is in: the how-manieth of which part."""

    part: int
    number: int
    finding: Finding


@dataclasses.dataclass(frozen=True)
class Examined:
    """What came of a corpus.

    Args:
        placed: findings, in the order of the documents.
        rows: in the corpus, of which ``documents`` could be examined.
        quarantined: the others, by reason.
        faults: a file of rows of `QUARANTINE` for each part.
        tally: sums of what `audits.examine.Examined` counts.
        lost_by: hits that suppression cost, by number of the n-gram.
        before: parts that were examined before.
    """

    placed: list[Placed]
    rows: int
    documents: int
    quarantined: dict[str, int]
    faults: list[Path]
    tally: Counter[str]
    lost_by: Counter[int]
    before: int

    @property
    def findings(self) -> list[Finding]:
        """Without their places."""
        return [placed.finding for placed in self.placed]


def examine_corpus(
    folder: RunFolder,
    corpus: Corpus,
    index: Path,
    index_fingerprint: str,
    settings: AuditSettings,
    counts: Counts,
    run: Run,
    embeddings: Embeddings | None = None,
) -> Examined:
    """Examine every document of a corpus.

    Args:
        folder: of the audit.
        corpus: which.
        index: folder of the index.
        index_fingerprint: of it.
        settings: how.
        counts: of the corpus, or of that which it is a sample of.
        run: does the work.
        embeddings: what is done about vectors of passages.

    Raises:
        ConservationError: a row was lost.
        SourceError: stored vectors are damaged.
    """
    embeddings = embeddings or Embeddings()
    if embeddings.keep:
        with storage_errors(folder.root / FOLDER):
            (folder.root / FOLDER).mkdir(exist_ok=True)
    how = fingerprint(index_fingerprint, settings.fingerprint(), counts.digest, counts.documents)
    tasks = [
        ExamineTask(
            folder, corpus.name, number, fingerprint(own, how), part, corpus.columns, index,
            settings, how, counts.file, counts.documents, embeddings,
        )
        for number, (part, own) in enumerate(
            zip(corpus.parts, corpus.fingerprints(), strict=True)
        )
    ]  # fmt: skip
    done = do_parts(_examine, "examined", tasks, run)
    placed: list[Placed] = []
    quarantined: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    lost_by: Counter[int] = Counter()
    for task, noted in zip(tasks, done.noted, strict=True):
        placed += _read_placed(task)
        quarantined.update(noted["quarantined"])
        tally.update(noted["tally"])
        lost_by.update(dict(noted["lost_by"]))
    rows = sum(noted["rows"] for noted in done.noted)
    documents = sum(noted["documents"] for noted in done.noted)
    if rows != documents + quarantined.total():
        raise ConservationError(
            f"{rows} rows were read, {documents} examined and {quarantined.total()} quarantined"
        )
    return Examined(
        placed,
        rows,
        documents,
        dict(sorted(quarantined.items())),
        [task.file("faults.parquet") for task in tasks],
        tally,
        lost_by,
        done.before,
    )


# --- one part --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class ExamineTask(PartTask):
    """Examining one part; see `examine_corpus`.

    Args:
        how: names the examiner: index, settings and counts.
        counts: file of `Counts`.
        embeddings: see `examine_corpus`; not in the key, since no finding depends on them.
    """

    index: Path
    settings: AuditSettings
    how: str
    counts: Path | None
    documents: int
    embeddings: Embeddings

    @property
    def kept(self) -> Path:
        """Where the vectors of the part are kept."""
        return self.folder.part(FOLDER, self.number, ".npz")

    def done(self, kind: str) -> dict[str, Any] | None:
        """Not done either, where vectors are to be kept and were not, or have gone since."""
        noted = super().done(kind)
        if noted is None or not self.embeddings.keep:
            return noted
        whole = self.kept.is_file() and digest_of(self.kept) == noted.get("kept")
        return noted if whole else None

    def vectors(self) -> StoredVectors | None:
        """What encodes the passages, where vectors are kept or known: those of this part only.

        Raises:
            SourceError: the known ones are damaged.
        """
        known = self.embeddings.known
        if not self.embeddings.keep and known is None:
            return None
        return StoredVectors(
            self.settings.encoder, None if known is None else known / self.kept.name
        )


class _Kept:
    """The examiner that this process used last; it takes longer to make than a part to examine."""

    how = ""
    examiner: Examiner | None = None

    @classmethod
    def of(cls, task: ExamineTask) -> Examiner:
        # The folder too: work files of one content may lie in several, and one may be gone.
        how = f"{task.index}\n{task.how}"
        if cls.examiner is None or cls.how != how:
            cls.examiner = None  # two of them may not fit into memory
            counts = None if task.counts is None else np.load(task.counts, allow_pickle=False)
            cls.examiner = Examiner(task.index, task.settings, counts, task.documents)
            cls.how = how
        return cls.examiner


def _examine(task: ExamineTask, tick: Tick) -> tuple[Sequence[Path], dict[str, Any]]:
    examiner, vectors = _Kept.of(task), task.vectors()
    faults: list[CorpusRow] = []
    tally: Counter[str] = Counter()
    lost_by: Counter[int] = Counter()
    documents = characters = 0
    findings = task.file("findings.jsonl")
    with (
        task.folder.replacing(findings) as temporary,
        temporary.open("w", encoding="ascii", newline="\n") as file,
    ):
        for rows in batches(task.part, task.columns, faults):
            found = examiner.examine(_numbered(rows, documents), vectors)
            if found.tally["documents"] != len(rows):
                raise ConservationError(
                    f"{', '.join(task.part.inputs)}: of {len(rows)} documents "
                    f"{found.tally['documents']} were examined"
                )
            for one in found.findings:
                number = int(one.document)
                row = rows[number - documents]
                line = [number, dataclasses.replace(one, document=row.id, url=row.url).to_json()]
                file.write(json.dumps(line) + "\n")
            tally.update(found.tally)
            lost_by.update(found.lost_by)
            documents += len(rows)
            characters += sum(len(row.text or "") for row in rows)
            tick({"bytes": characters, "documents": documents})
    with task.folder.replacing(task.file("faults.parquet")) as temporary:
        pq.write_table(_fault_table(faults), temporary, compression="zstd")
    kept = None
    if vectors is not None and task.embeddings.keep:
        # Known ones may lie in the same file: it was read whole, and is replaced whole.
        with task.folder.replacing(task.kept) as temporary:
            vectors.save(temporary)
        kept = digest_of(task.kept)
    quarantined: Counter[str] = Counter()
    for fault in faults:
        quarantined[fault.fault] += fault.lost
    return [findings, task.file("faults.parquet")], {
        "rows": documents + quarantined.total(),
        "documents": documents,
        "quarantined": dict(sorted(quarantined.items())),
        "tally": {name: int(value) for name, value in sorted(tally.items())},
        "lost_by": sorted((int(ngram), int(hits)) for ngram, hits in lost_by.items()),
        "kept": kept,  # not one of the files: a later audit may do without, and removes it
    }


def _numbered(rows: Sequence[CorpusRow], first: int) -> list[CorpusRow]:
    """Rows that go by their place among the documents of the part."""
    return [dataclasses.replace(row, id=str(first + at)) for at, row in enumerate(rows)]


def _fault_table(faults: Sequence[CorpusRow]) -> pa.Table:
    rows = [
        {
            "document": encodable(fault.id),
            "place": encodable(fault.place),
            "reason": fault.fault,
            "error": encodable(fault.error),
            "rows": fault.lost,
        }
        for fault in faults
    ]
    return pa.Table.from_pylist(rows, QUARANTINE)


def _read_placed(task: ExamineTask) -> Iterator[Placed]:
    with task.file("findings.jsonl").open(encoding="ascii") as file:
        for line in file:
            number, row = json.loads(line)
            yield Placed(task.number, number, Finding.from_json(row))

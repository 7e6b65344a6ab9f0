"""An audit from its plan to its manifest.

    OUT/findings.parquet, findings.jsonl    what was found, a row each
    OUT/report.html                         all of it, for a person
    OUT/quarantine.parquet                  rows of the corpus that could not be used
    OUT/cleaned/, OUT/receipts.parquet      with ``--action``; see `pipeline.audit.cleaning`
    OUT/calibration.json                    with ``--calibrate``; see `pipeline.audit.calibration`
    OUT/self_test/                          with ``--self-test``; see `pipeline.audit.self_test`
    OUT/index/                              of the benchmarks, unless ``--index`` names another place
    OUT/embeddings/                         with ``--keep-embeddings``; see `pipeline.audit.embeddings`
    OUT/audit.json                          figures and settings, written last

The bytes depend on corpus, benchmarks and settings only: not on the number of workers, nor on how
often the audit was killed and continued. In ``audit.json``, ``seconds`` and how many vectors were
``reused`` are the exceptions: they say how it went.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import pipeline
from audits.examine import suppressed
from audits.outcome.files import contamination, write_findings
from audits.outcome.impact import impact
from audits.settings import AuditSettings
from pipeline.audit.calibration import CALIBRATION, calibrate, thresholds_of, to_file
from pipeline.audit.cleaning import clean_corpus, remove_cleaned
from pipeline.audit.counting import Counts, count_corpus
from pipeline.audit.embeddings import remove_surplus
from pipeline.audit.encoders import languages_of
from pipeline.audit.examining import QUARANTINE, Examined, examine_corpus
from pipeline.audit.figures import (
    benchmark_figures,
    claims,
    corpus_figures,
    coverages,
    judge_figures,
    prescreen_figures,
)
from pipeline.audit.left import MANIFEST, QUARANTINED, check_out, clear, leave_report
from pipeline.audit.parts import Corpus
from pipeline.audit.plan import Audit
from pipeline.audit.self_test import run_self_test
from pipeline.audit.stored import held_index
from pipeline.core.errors import ConservationError
from pipeline.core.records import encodable
from pipeline.runtime.completion import finished_run, leave_manifest
from pipeline.runtime.executor import Executor
from pipeline.runtime.progress import Reporter
from pipeline.runtime.steps import Run, execute
from pipeline.runtime.storage import RunFolder

__all__ = ["QUARANTINE_LIMIT", "AuditResult", "run_audit"]

QUARANTINE_LIMIT = 0.01  # of the rows, as a recipe has it unless it says otherwise
SUPPRESSED = 1000  # rows of the manifest


@dataclasses.dataclass(frozen=True)
class AuditResult:
    """How it ended.

    Args:
        folder: where everything is.
        manifest: ``audit.json``.
        was_done: whether the folder held this very audit already.
    """

    folder: RunFolder
    manifest: dict[str, Any]
    was_done: bool = False

    @property
    def failures(self) -> list[str]:
        """Bounds of the gate that are passed."""
        return list((self.manifest["gate"] or {}).get("failures", ()))

    @property
    def quarantined_share(self) -> float:
        """Of the rows of the corpus."""
        corpus = self.manifest["corpus"]
        return float(sum(corpus["quarantined"].values()) / max(corpus["rows"], 1))

    @property
    def exit_code(self) -> int:
        """4 if the gate fails, else 3 if too much of the corpus could not be used, else 0."""
        if self.failures:
            return 4
        return 3 if self.quarantined_share > QUARANTINE_LIMIT else 0


def run_audit(audit: Audit, executor: Executor, progress: Reporter) -> AuditResult:
    """Audit, continuing what an earlier audit into the same folder has left.

    Args:
        audit: from `pipeline.audit.plan.plan_audit`.
        executor: where the work is done.
        progress: is told what is going on.

    Raises:
        ConfigError: the output folder holds something else; the clean text is not clean.
        ModelError: the stored index was made by another encoder.
        SourceError, StorageError, RunError, ConservationError: see `pipeline.core.errors`.
    """
    started = time.monotonic()
    check_out(audit.out)
    with RunFolder(audit.out).create(kinds=()).lock() as folder, executor, progress:
        executor.needs(folder.state / "holder")
        for note in audit.notes:
            progress.say(f"note: {note}")
        asked = audit.fingerprint()
        manifest = finished_run(folder, MANIFEST, asked)
        if manifest is not None:
            progress.say(f"Nothing to do: {audit.out} holds this very audit")
            return AuditResult(folder, manifest, was_done=True)
        if audit.settings.judge is not None:
            audit.settings.judge.check()
        clear(folder)
        place = (audit.index or folder.root / "index").absolute()
        size = len(audit.benchmarks)
        progress.say(
            f"Indexing {len(audit.items):,} items of {size:,} benchmark{'s' * (size != 1)}"
        )
        with held_index(place, audit.benchmarks, audit.settings) as index:
            at = _Auditing(audit, folder, executor, progress, place, str(index["fingerprint"]))
            manifest = at.manifest()
        manifest["seconds"] = round(time.monotonic() - started, 1)
        leave_manifest(folder, MANIFEST, manifest, asked)
    return AuditResult(folder, manifest)


@dataclasses.dataclass
class _Auditing:
    """An audit going on: what each step needs."""

    audit: Audit
    folder: RunFolder
    executor: Executor
    progress: Reporter
    index: Path
    index_fingerprint: str

    def manifest(self) -> dict[str, Any]:
        """Do everything, write everything but the manifest, and give that."""
        audit = self.audit
        covered = coverages(audit.benchmarks, languages_of(audit.settings.encoder))
        unchecked = {key for one in covered.values() for key in one.unchecked()}
        settings, calibration = self._settings()
        counts, examined = self._searched(audit.corpus, settings)
        if remove_surplus(self.folder, audit.embeddings, len(audit.corpus.parts)):
            self.progress.say("Removed embeddings of an earlier audit")
        self_test = None
        if audit.self_test is not None:
            self.progress.say("Trying the audit on known leaks")
            self_test = run_self_test(
                self.folder, audit.self_test, audit.corpus, audit.benchmarks, self.index, settings,
                unchecked, self._run,
            )  # fmt: skip
        findings = examined.findings
        figures = contamination(findings, audit.items)
        found = None
        if audit.results is not None:
            found = impact(audit.results[1], findings, audit.items, unchecked=unchecked)
        recall = self_test.pop("prescreen_recall") if self_test else None
        rows = self._suppressed(counts, examined)
        manifest: dict[str, Any] = {
            "gristmill": pipeline.__version__,
            "corpus": corpus_figures(
                audit.corpus, counts.characters, examined, audit.embeddings.known is not None
            ),
            "settings": self._described(settings),
            "benchmarks": benchmark_figures(
                audit.benchmarks, covered, figures, findings,
                thresholds_of(settings, audit.benchmarks),
            ),
            "suppressed": rows[:SUPPRESSED],
            "suppressed_total": {
                "ngrams": len(rows),
                "hits": examined.tally.get("suppressed_hits", sum(row["hits"] for row in rows)),
            },
            "prescreen": prescreen_figures(examined, recall),
            "judge": judge_figures(examined, settings.judge is not None),
            "impact": None if found is None else found.to_json(),
            "results": self._results(),
            "headline": claims(found, examined.documents, covered),
            "calibration": calibration,
            "self_test": self_test,
            "gate": self._gate(figures),
            "cleaned": self._cleaned(examined),
            "seconds": 0.0,
        }  # fmt: skip
        self.progress.say(f"Writing {len(findings):,} findings")
        write_findings(self.folder, findings, audit.items)
        self._quarantine(examined)
        leave_report(self.folder, manifest, findings)
        return manifest

    # --- steps -------------------------------------------------------------------------------

    def _run(self, what: str, sizes: Sequence[int] | None = None) -> Run:
        return execute(self.executor, self.progress, what, sizes)

    def _settings(self) -> tuple[AuditSettings, dict[str, Any] | None]:
        """The settings with their thresholds, and what there is to say of a calibration."""
        audit, settings = self.audit, self.audit.settings
        if audit.clean is None:
            return settings, None
        names = [one.name for one in audit.benchmarks]
        rate = settings.false_positive_rate
        # All that is ever found counts here, so that a threshold can be anywhere.
        lowest = dataclasses.replace(settings, thresholds=dict.fromkeys(names, settings.floor))
        _, examined = self._searched(audit.clean, lowest)
        shipped = thresholds_of(settings, audit.benchmarks)
        found = calibrate(examined.placed, examined.documents, shipped, rate)
        text = to_file(
            found,
            rate=rate,
            documents=examined.documents,
            inputs={path for part in audit.clean.parts for path in part.inputs},
            settings=settings,
        )
        self.folder.write_text(self.folder.root / CALIBRATION, encodable(text))
        for name, one in found.items():
            self.progress.say(f"threshold of {name}: {one.threshold:.4g} ({one.why})")
        described = {
            "documents": examined.documents,
            "quarantined": examined.quarantined,
            "benchmarks": {name: one.to_json() for name, one in found.items()},
        }
        thresholds = {name: one.threshold for name, one in found.items()}
        return dataclasses.replace(settings, thresholds=thresholds), described

    def _searched(self, corpus: Corpus, settings: AuditSettings) -> tuple[Counts, Examined]:
        """Both passes over a corpus."""
        what = "the clean text" if corpus is self.audit.clean else "the corpus"
        parts = f"{len(corpus.parts):,} part{'s' * (len(corpus.parts) != 1)}"
        self.progress.say(f"Counting n-grams in {what}, {parts}")
        counts = count_corpus(
            self.folder, corpus, self.index, self.index_fingerprint, self._run("counting n-grams")
        )
        self.progress.say(f"Examining {counts.documents:,} documents")
        examined = examine_corpus(
            self.folder, corpus, self.index, self.index_fingerprint, settings, counts,
            self._run("examining", counts.sizes),
            self.audit.embeddings if corpus is self.audit.corpus else None,
        )  # fmt: skip
        if examined.before:
            self.progress.say(f"  {examined.before:,} of {parts} had been examined before")
        corpus.check_unchanged()
        if counts.documents != examined.documents:
            raise ConservationError(
                f"{counts.documents} documents were counted and {examined.documents} examined"
            )
        return counts, examined

    def _suppressed(self, counts: Counts, examined: Examined) -> list[dict[str, Any]]:
        loaded = counts.load()
        if loaded is None:
            return []
        return suppressed(self.index, loaded, counts.documents, examined.lost_by)

    def _gate(self, figures: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.audit.gate is None:
            return None
        gate, text = self.audit.gate
        return {"expression": text, "failures": gate.failures(figures)}

    def _results(self) -> dict[str, Any] | None:
        if self.audit.results is None:
            return None
        path, found = self.audit.results
        return {"path": str(path), "rows": found.counts, "faults": list(found.faults)}

    def _cleaned(self, examined: Examined) -> dict[str, Any] | None:
        corpus, action = self.audit.corpus, self.audit.action
        if action is None:
            if remove_cleaned(self.folder):
                self.progress.say("Removed the cleaned corpus of an earlier audit")
            return None
        self.progress.say("Writing the cleaned corpus")
        try:
            return clean_corpus(
                self.folder, corpus, examined, action,
                self._run("looking at columns"), self._run("writing the cleaned corpus"),
            )  # fmt: skip
        finally:
            corpus.check_unchanged()  # a change explains what else would be a fault of ours

    def _described(self, settings: AuditSettings) -> dict[str, Any]:
        described = settings.to_json()
        described["window_words"] = described.pop("words")
        described["encoder"] |= {"languages": list(languages_of(settings.encoder))}
        return described

    def _quarantine(self, examined: Examined) -> None:
        with (
            self.folder.replacing(self.folder.root / QUARANTINED) as temporary,
            pq.ParquetWriter(temporary, QUARANTINE, compression="zstd") as writer,
        ):
            for part in examined.faults:
                writer.write_table(pq.read_table(part, schema=QUARANTINE))

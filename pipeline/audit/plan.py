"""What is asked of an audit, read and checked before anything is done."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pipeline
from audits.benchmarks.definitions import known_definitions
from audits.items import Benchmark, Item
from audits.outcome.gate import Gate
from audits.outcome.results import Results, read_results
from audits.settings import AuditSettings
from pipeline.audit.calibration import read_thresholds
from pipeline.audit.embeddings import Embeddings, plan_embeddings
from pipeline.audit.parts import Corpus
from pipeline.audit.self_test import SelfTestPlan, load_leaks
from pipeline.core.errors import ConfigError
from pipeline.runtime.manifest import fingerprint
from pipeline.sources.cleaned import Action
from pipeline.sources.corpus import CorpusColumns, check_columns, plan_corpus

__all__ = ["Audit", "plan_audit"]


@dataclasses.dataclass(frozen=True)
class Audit:
    """An audit to be run.

    Args:
        corpus: what is audited.
        benchmarks: what is looked for.
        out: output folder.
        settings: how; with the thresholds of an earlier calibration, if one was given.
        index: folder of an index that audits share; None for one of its own, in ``out``.
        results: a model's, by item, and the path they came from.
        gate: what fails the audit, and the text of it.
        clean: text that is known to be clean, to find thresholds on.
        self_test: whether and how the audit is tried on known leaks.
        action: what is done to documents that leak.
        embeddings: what is done about vectors of the corpus's passages.
        notes: what a person should know before it begins.
    """

    corpus: Corpus
    benchmarks: tuple[Benchmark, ...]
    out: Path
    settings: AuditSettings = dataclasses.field(default_factory=AuditSettings)
    index: Path | None = None
    results: tuple[Path, Results] | None = None
    gate: tuple[Gate, str] | None = None
    clean: Corpus | None = None
    self_test: SelfTestPlan | None = None
    action: Action | None = None
    embeddings: Embeddings = dataclasses.field(default_factory=Embeddings)
    notes: tuple[str, ...] = ()

    @property
    def items(self) -> list[Item]:
        """Of all benchmarks, in order."""
        return [item for benchmark in self.benchmarks for item in benchmark.items]

    def fingerprint(self) -> str:
        """Of all that the outputs depend on: equal audits leave equal files."""
        described: list[Any] = [
            pipeline.__version__,
            self.corpus.fingerprints(),
            [[one.name, one.sha256, one.source, one.revision, one.faults, one.public_passage]
             for one in self.benchmarks],
            self.settings.fingerprint(),
            str(self.index or ""),
            _described(self.results),
            self.gate[1] if self.gate else "",
            self.clean.fingerprints() if self.clean else None,
            dataclasses.asdict(self.self_test) if self.self_test else None,
            self.action,
            self.embeddings.keep,  # those that are known save time and change no file
        ]  # fmt: skip
        return fingerprint(*described)


def _described(results: tuple[Path, Results] | None) -> Any:
    if results is None:
        return None
    path, found = results
    scores = [[*key, score] for key, score in sorted(found.scores.items())]
    subjects = [[*key, subject] for key, subject in sorted(found.subjects.items())]
    return [str(path), scores, subjects, found.counts, found.faults, found.notes]


def plan_audit(
    paths: Sequence[str | os.PathLike[str]],
    benchmarks: Sequence[Benchmark],
    out: Path,
    *,
    settings: AuditSettings | None = None,
    columns: CorpusColumns | None = None,
    index: Path | None = None,
    results: Path | None = None,
    fail_on: str | None = None,
    calibrate: Sequence[str] = (),
    thresholds: Path | None = None,
    self_test: bool = False,
    leaks: Path | None = None,
    action: Action | None = None,
    keep_embeddings: bool = False,
    embeddings: Path | None = None,
    split_bytes: int | None = None,
) -> Audit:
    """Read what is asked for, and see that it can be done.

    Args:
        paths: the corpus; see `pipeline.sources.corpus.plan_corpus`.
        benchmarks: at least one; see `pipeline.audit.benchmarks.load_benchmarks`.
        out: output folder.
        settings: how.
        columns: of the corpus, and of the clean text.
        index: folder of a shared index.
        results: file or folder of a model's results; see `audits.outcome.results.read_results`.
        fail_on: bounds; see `audits.outcome.gate.Gate.parse`.
        calibrate: paths of text that is known to be clean.
        thresholds: file that an earlier calibration has left.
        self_test: try it on known leaks.
        leaks: of one's own for that; None for those that are shipped.
        action: what is done to documents that leak.
        keep_embeddings: keep the vectors of the corpus's passages.
        embeddings: folder of those that an earlier audit has kept.
        split_bytes: see `plan_corpus`.

    Raises:
        ConfigError: something does not fit; see the functions above.
        ModelError: the encoder is missing or altered.
        SourceError: an input cannot be read.
    """
    settings = settings or AuditSettings()
    columns = columns or CorpusColumns()
    if not benchmarks:
        raise ConfigError("an audit needs a benchmark to look for; name one with --benchmarks")
    if calibrate and thresholds:
        raise ConfigError(
            "--calibrate and --thresholds both give thresholds; leave one of them out"
        )
    if leaks is not None and not self_test:
        raise ConfigError("--leaks are for the self-test; add --self-test")
    names = [benchmark.name for benchmark in benchmarks]
    gate = None if fail_on is None else (Gate.parse(fail_on, names), fail_on)
    stored = plan_embeddings(out, keep_embeddings, embeddings)
    settings.encoder.check()
    notes: list[str] = []
    if thresholds is not None:
        known, notes = read_thresholds(thresholds, names, settings)
        settings = dataclasses.replace(settings, thresholds=known)
    corpus = _corpus("corpus", paths, columns, split_bytes)
    clean = _corpus("clean", calibrate, columns, split_bytes) if calibrate else None
    found = None if results is None else (results, _results(results, benchmarks, notes))
    plan = load_leaks(leaks) if self_test else None
    if plan is not None:
        notes += [f"not a labelled leak: {fault}" for fault in plan.leaks.faults]
    return Audit(
        corpus, tuple(benchmarks), out, settings,
        index=index, results=found, gate=gate, clean=clean, self_test=plan, action=action,
        embeddings=stored, notes=tuple(notes),
    )  # fmt: skip


def _results(path: Path, benchmarks: Sequence[Benchmark], notes: list[str]) -> Results:
    """A model's results; of a table that names no benchmark, those of the only one there is."""
    items = [item for benchmark in benchmarks for item in benchmark.items]
    name = benchmarks[0].name
    # A file that goes by the name of another benchmark has that one's results.
    named = any(known in path.name.lower() for known in known_definitions())
    try:
        found = read_results(path, items)
    except ConfigError:
        if len(benchmarks) > 1 or named or not path.is_file():
            raise
        found = read_results(path, items, benchmark=name)
        notes.append(f"{path} names no benchmark; its rows are taken for those of {name}")
    notes += found.notes
    return found


def _corpus(
    name: str,
    paths: Sequence[str | os.PathLike[str]],
    columns: CorpusColumns,
    split_bytes: int | None,
) -> Corpus:
    parts = plan_corpus(paths, **({} if split_bytes is None else {"split_bytes": split_bytes}))
    check_columns(parts, columns)
    return Corpus.of(name, parts, columns)

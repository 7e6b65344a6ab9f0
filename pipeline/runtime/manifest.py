"""Counts of a split and of a run, completion records, and the manifest made from them.

Counts obey one law, checked wherever they are added: what enters a stage leaves it, is dropped by
it or is quarantined in it; and in = sum of fates. A manifest holds nothing that differs between
two runs of the same recipe on the same input: no times, no host names, no worker counts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pipeline
from pipeline.core.errors import ConservationError
from pipeline.core.records import Fate
from pipeline.runtime.ledger import PartFile, table_suffix
from pipeline.runtime.storage import KINDS, RunFolder

__all__ = [
    "Completion",
    "SplitReport",
    "StageCount",
    "canonical",
    "fingerprint",
    "run_manifest",
    "sum_reports",
]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(*values: Any) -> str:
    """128 bits over the canonical form of plain values."""
    joined = "\n".join(canonical(value) for value in values)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclasses.dataclass(slots=True)
class StageCount:
    """Records entering one stage and what became of them."""

    name: str
    entered: int = 0
    dropped: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def passed(self) -> int:
        return self.entered - self.dropped - self.duplicate - self.quarantined


@dataclasses.dataclass(slots=True)
class SplitReport:
    """What happened to the records of one split, or of many added up.

    Args:
        stages: in recipe order. Each record leaves at the first stage that fails it.
        fates: records by fate.
        reasons: records by the first failing rule, or by the error for quarantined ones.
        failing: records by every failing rule, so that rules can be compared on their own.
        characters: characters of text by fate (``kept``, ``dropped``, ``duplicate``).
    """

    stages: list[StageCount]
    fates: Counter[str] = dataclasses.field(default_factory=Counter)
    reasons: Counter[str] = dataclasses.field(default_factory=Counter)
    failing: Counter[str] = dataclasses.field(default_factory=Counter)
    characters: Counter[str] = dataclasses.field(default_factory=Counter)

    @property
    def records(self) -> int:
        return sum(self.fates.values())

    def settle(self, stage: str, fate: Fate, reasons: Iterable[str]) -> None:
        """Count one record that leaves at ``stage``; a kept one leaves behind the last."""
        self.fates[fate.value] += 1
        reasons = list(reasons)
        if reasons:
            self.reasons[reasons[0]] += 1
            self.failing.update(set(reasons))
        for count in self.stages:
            count.entered += 1
            if count.name == stage and fate is not Fate.KEPT:
                if fate is Fate.QUARANTINED:
                    count.quarantined += 1
                elif fate is Fate.DUPLICATE:
                    count.duplicate += 1
                else:
                    count.dropped += 1
                return
        if fate is not Fate.KEPT:
            raise ConservationError(f"a record was {fate.value} in {stage!r}, which is no stage")

    def check(self) -> None:
        """Raise `ConservationError` unless in = kept + dropped + … at every stage."""
        entering = self.records
        for count in self.stages:
            if count.entered != entering:
                raise ConservationError(
                    f"{entering} records should have entered stage {count.name!r}, "
                    f"{count.entered} did"
                )
            entering = count.passed
        if entering != self.fates[Fate.KEPT.value]:
            raise ConservationError(
                f"{entering} records passed the last stage, {self.fates[Fate.KEPT.value]} were kept"
            )

    def to_json(self) -> dict[str, Any]:
        return {
            "stages": [dataclasses.asdict(count) for count in self.stages],
            "fates": dict(sorted(self.fates.items())),
            "reasons": dict(sorted(self.reasons.items())),
            "failing": dict(sorted(self.failing.items())),
            "characters": dict(sorted(self.characters.items())),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SplitReport:
        return cls(
            [StageCount(**count) for count in data["stages"]],
            *(Counter(data[name]) for name in ("fates", "reasons", "failing", "characters")),
        )


def sum_reports(stages: Iterable[str], reports: Iterable[SplitReport]) -> SplitReport:
    """All splits as one report, its own law checked."""
    total = SplitReport([StageCount(name) for name in stages])
    for report in reports:
        for mine, theirs in zip(total.stages, report.stages, strict=True):
            mine.entered += theirs.entered
            mine.dropped += theirs.dropped
            mine.duplicate += theirs.duplicate
            mine.quarantined += theirs.quarantined
        total.fates.update(report.fates)
        total.reasons.update(report.reasons)
        total.failing.update(report.failing)
        total.characters.update(report.characters)
    total.check()
    return total


@dataclasses.dataclass(frozen=True)
class Completion:
    """Proof that a split is done: by which recipe, over which bytes, into which files.

    Args:
        split: path, start and end of the input.
        input_size: bytes of the input file when it was read.
        input_mtime: its modification time in nanoseconds.
        measured: fingerprint of everything the signals and texts depend on.
        decided: fingerprint of that and of every bound.
        corpus_format: how ``corpus/`` is written.
        complete_texts: every dropped text was written too, so that a bound can be changed
            without extracting again.
        renamed: records whose id repeated one of an earlier split and was replaced.
        candidates: names the documents that passed all filters, before duplicates were taken out.
        duplicates: fingerprint of the duplicates that were taken out of this split, and of the
            clusters of those that stayed; None before that.
        copies: fingerprint of the records that left before extraction for their payload; None
            where payloads were not compared.
        report: the split's counts.
        files: the parts written, by kind.
        ranked: fingerprint of the ranks by which this split was decided; None before that, and
            where the recipe ranks nothing.
        tokens: sha256 of the tokenizer by which texts were counted; None where they were not.
    """

    split: tuple[str, int, int]
    input_size: int
    input_mtime: int
    measured: str
    decided: str
    corpus_format: str
    complete_texts: bool
    renamed: int
    candidates: str
    duplicates: str | None
    copies: str | None
    report: SplitReport
    files: dict[str, PartFile]
    ranked: str | None = None
    tokens: str | None = None

    def paths(self, folder: RunFolder, index: int) -> dict[str, Path]:
        """The parts of split ``index`` by kind."""
        return {
            kind: folder.part(kind, index, table_suffix(kind, self.corpus_format))
            for kind in self.files
        }

    def write(self, folder: RunFolder, index: int) -> None:
        data = {
            **{
                field.name: getattr(self, field.name)
                for field in dataclasses.fields(self)
                if field.name not in ("report", "files")
            },
            "report": self.report.to_json(),
            "files": {kind: dataclasses.asdict(file) for kind, file in self.files.items()},
        }
        folder.write_text(folder.splits / f"{index:05d}.json", canonical(data))

    @classmethod
    def read(cls, folder: RunFolder, index: int) -> Completion | None:
        """The record of split ``index``; None if there is none or it is not a whole one."""
        path = folder.splits / f"{index:05d}.json"
        try:
            data = json.loads(folder.read_text(path))
            data["split"] = tuple(data["split"])
            data["report"] = SplitReport.from_json(data["report"])
            data["files"] = {kind: PartFile(**file) for kind, file in data["files"].items()}
            return cls(**data)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def forget(folder: RunFolder, index: int) -> None:
        """Take the record back before its parts are touched."""
        folder.remove(folder.splits / f"{index:05d}.json")


def run_manifest(
    *,
    recipe: Mapping[str, Any],
    measured: str,
    decided: str,
    models: Mapping[str, str],
    folder: RunFolder,
    done: Mapping[int, Completion],
    report: SplitReport,
    ranking: Mapping[str, Any] | None = None,
    dedup: Mapping[str, Any] | None = None,
    tokens: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the run was and what came of it: the source of the report and of the data card.

    Args:
        recipe: the resolved recipe.
        measured, decided: fingerprints (`Completion`).
        models: sha256 of each model by name.
        folder: the run folder.
        done: completion records of all splits by number.
        report: their sum.
        ranking: what became of the documents that reached each ranking filter, if there is one.
        dedup: what deduplication says of itself, if the recipe has it.
        tokens: sums of the token counts (`pipeline.token_totals`), if the recipe counts tokens.
    """
    inputs: dict[str, dict[str, int]] = {}
    parts: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for index in sorted(done):
        completion = done[index]
        source = inputs.setdefault(
            completion.split[0], {"bytes": completion.input_size, "splits": 0}
        )
        source["splits"] += 1
        for kind, path in completion.paths(folder, index).items():
            file = dataclasses.asdict(completion.files[kind])
            parts[kind].append({"file": str(path.relative_to(folder.root)), **file})
    return {
        "gristmill": pipeline.__version__,
        "recipe": dict(recipe),
        "fingerprints": {"measured": measured, "decided": decided},
        "models": dict(models),
        "inputs": inputs,
        "counts": report.to_json(),
        **({"ranking": dict(ranking)} if ranking else {}),
        **({} if dedup is None else {"dedup": dict(dedup)}),
        **({} if tokens is None else {"tokens": dict(tokens)}),
        "parts": parts,
    }

"""The audit tried on itself: known leaks planted in a sample of the user's corpus, and looked for.

    OUT/self_test/leaks.jsonl, clean.jsonl   the documents, each with its ``id`` and ``text``
    OUT/self_test/index/                     the benchmarks, and the items of the labelled leaks

They are examined as documents of the corpus are, with its counts: the same words say nothing.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from audits.benchmarks.load import digest
from audits.findings import Finding
from audits.index import build_index
from audits.items import Benchmark, Item
from audits.leaks.labelled import SELF_TEST, Leaks, read_leaks, shipped_leaks
from audits.leaks.power import Case, SelfTest, judge, plan_self_test
from audits.settings import AuditSettings
from classifiers.evaluate import proportion
from pipeline.audit.counting import count_corpus, sample_hosts
from pipeline.audit.examining import examine_corpus
from pipeline.audit.parts import Corpus
from pipeline.runtime.completion import digest_of
from pipeline.runtime.steps import Run
from pipeline.runtime.storage import RunFolder, storage_errors
from pipeline.sources.corpus import CorpusColumns, plan_corpus

__all__ = ["SelfTestPlan", "load_leaks", "run_self_test"]

FOLDER = "self_test"
HOSTS = 2000
LEAKS, CLEAN = "leaks", "clean"


@dataclasses.dataclass(frozen=True)
class SelfTestPlan:
    """How the audit is tried.

    Args:
        leaks: labelled leaks to plant beside the forms of the user's items.
        source: of them, for a person.
        per_form: documents for each kind and form, at most.
        seed: of the choice.
    """

    leaks: Leaks
    source: str
    per_form: int = 50
    seed: int = 0


def load_leaks(path: Path | None) -> SelfTestPlan:
    """A plan with the labelled leaks in ``path``, or those that come with the package.

    Raises:
        ConfigError, SourceError: see `audits.leaks.labelled.read_leaks`.
    """
    if path is None:
        return SelfTestPlan(shipped_leaks(), "shipped")
    return SelfTestPlan(read_leaks(path), str(path))


def run_self_test(
    folder: RunFolder,
    plan: SelfTestPlan,
    corpus: Corpus,
    benchmarks: Sequence[Benchmark],
    index: Path,
    settings: AuditSettings,
    unchecked: Collection[tuple[str, str]],
    run: Callable[[str], Run],
) -> dict[str, Any]:
    """Plant, examine, judge.

    Args:
        folder: of the audit.
        plan: how.
        corpus: that is audited.
        benchmarks: that are audited.
        index: folder of their index.
        settings: of the audit.
        unchecked: benchmark and id of items that nothing can check; they are not planted.
        run: what does the work of a step, given its name for a person.

    Returns:
        The ``self_test`` entry of the manifest, and under ``prescreen_recall`` what the pre-screen
        keeps of the leaks that are found without it; None where it is off.
    """
    items = [item for benchmark in benchmarks for item in benchmark.items]
    asked = dataclasses.replace(corpus, name="hosts")

    def planned(hosts: Iterable[str]) -> SelfTest:
        return plan_self_test(
            items, plan.leaks, hosts,
            seed=plan.seed, per_form=plan.per_form, unchecked=unchecked,
        )  # fmt: skip

    place, built = _index(folder, benchmarks, planned(()).items, index, settings)
    # Beside the counts of the audit: this index has n-grams of its own.
    counts = count_corpus(
        folder, asked, place, built, run("counting for the self-test"), hosts=HOSTS
    )
    test = planned(sample_hosts(folder, asked, HOSTS))
    documents = {
        LEAKS: [case for case in test.cases if case.leak],
        CLEAN: [case for case in test.cases if not case.leak],
    }
    findings: list[Finding] = []
    for kind, cases in documents.items():
        examined = examine_corpus(
            folder, _written(folder, kind, cases), place, built, settings, counts,
            run(f"examining the self-test's {'leaks' if kind == LEAKS else 'clean documents'}"),
        )  # fmt: skip
        findings += examined.findings
    recall = None
    if settings.prescreen:
        everything = dataclasses.replace(settings, prescreen=False)
        planted = dataclasses.replace(_written(folder, LEAKS, documents[LEAKS]), name="unscreened")
        examined = examine_corpus(
            folder, planted, place, built, everything, counts,
            run("examining the self-test's leaks without the pre-screen"),
        )  # fmt: skip
        without = _found(examined.findings, documents[LEAKS])
        kept = without & _found(findings, documents[LEAKS])
        recall = proportion(len(kept), len(without)).to_json()
    return {
        **judge(test, findings),
        "leaks": {
            "source": plan.source,
            "rows": plan.leaks.rows,
            "used": plan.leaks.used,
            "left_out": dict(sorted(plan.leaks.left_out.items())),
            "faults": list(plan.leaks.faults),
        },
        "hosts": sum(case.kind is None for case in test.cases),
        "seed": plan.seed,
        "prescreen_recall": recall,
    }


def _found(findings: Iterable[Finding], cases: Iterable[Case]) -> set[str]:
    """Documents in which what was planted is found."""
    planted = {case.id: case for case in cases}
    return {
        one.document
        for one in findings
        if one.leak and one.document in planted
        and one.start < planted[one.document].end and one.end > planted[one.document].start
    }  # fmt: skip


def _index(
    folder: RunFolder,
    benchmarks: Sequence[Benchmark],
    own: Sequence[Item],
    index: Path,
    settings: AuditSettings,
) -> tuple[Path, str]:
    """The index of the audit with the items of the labelled leaks in it, too."""
    place = folder.root / FOLDER / "index"
    with storage_errors(place):
        if not (place / "index.json").is_file():
            # Vectors of items that are known are kept, so begin with those of the audit. What is
            # copied before a kill is copied again.
            shutil.copytree(
                index, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("index.json")
            )
            shutil.copy2(index / "index.json", place / "index.json")
    more = (Benchmark(SELF_TEST, tuple(own), "labelled leaks", sha256=digest(own)),) if own else ()
    return place, str(build_index([*benchmarks, *more], place, settings)["fingerprint"])


def _written(folder: RunFolder, kind: str, cases: Sequence[Case]) -> Corpus:
    """The documents as a corpus, in a file that anyone may look at."""
    home = folder.root / FOLDER
    with storage_errors(home):
        home.mkdir(exist_ok=True)
    path = home / f"{kind}.jsonl"
    with (
        folder.replacing(path) as temporary,
        temporary.open("w", encoding="ascii", newline="\n") as file,
    ):
        for case in cases:
            file.write(json.dumps({"id": case.id, "text": case.text}) + "\n")
    parts = plan_corpus([path]) if cases else []
    # By what is in it: the time at which it was written is no matter.
    stamps = {given: digest_of(path) for part in parts for given in part.inputs}
    return Corpus(f"self_test_{kind}", tuple(parts), CorpusColumns("id", "text"), stamps)

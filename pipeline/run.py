"""A whole run: plan, resume, hand out splits, rank, deduplicate, check the sums, leave the manifest.

What an earlier run left of it is found by `pipeline.resume`; what happens inside a split is
`pipeline.split` and `pipeline.curate`; where splits run is `pipeline.runtime.executor`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.core.records import Fate
from pipeline.curate import PayloadCopies
from pipeline.curation import Curation
from pipeline.dedup.index import EarlierPart, open_indexes
from pipeline.duplicates import already_taken_out, take_out_duplicates
from pipeline.payloads import payload_copies
from pipeline.ranking import Ranked, already_ranked, rank_documents
from pipeline.recipe import Recipe
from pipeline.reports.card import data_card
from pipeline.reports.page import run_page
from pipeline.resume import announce, forget_surplus, sort_out
from pipeline.runtime.executor import Executor, RayExecutor, SerialExecutor
from pipeline.runtime.identities import settle_identities
from pipeline.runtime.manifest import Completion, SplitReport, run_manifest, sum_reports
from pipeline.runtime.progress import Reporter, Silent, shown
from pipeline.runtime.storage import RunFolder
from pipeline.sources.base import Split
from pipeline.split import SplitTask, curate_split
from pipeline.stores.address import run_folder
from pipeline.token_totals import token_totals

__all__ = ["RunResult", "run"]


@dataclasses.dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Args:
        folder: where everything is.
        report: counts over all splits, also those of earlier runs into the same folder.
        splits: number of splits; ``measured``, ``decided_again`` and ``resumed`` say how many of
            them were read now, decided again from stored signals, or had been done before.
        seconds: wall-clock time of this run.
        quarantine_limit: share of records the recipe allows in quarantine.
        deduplicated: the recipe takes duplicates out.
        tokens: sums of the token counts, as in the manifest; None where none are counted.
    """

    folder: RunFolder
    report: SplitReport
    splits: int
    measured: int
    decided_again: int
    resumed: int
    seconds: float
    quarantine_limit: float
    deduplicated: bool = False
    tokens: Mapping[str, Any] | None = None

    @property
    def quarantined_share(self) -> float:
        return self.report.fates[Fate.QUARANTINED] / max(self.report.records, 1)

    @property
    def over_limit(self) -> bool:
        return self.quarantined_share > self.quarantine_limit

    @property
    def exit_code(self) -> int:
        """0, or 3 with more quarantined records than the recipe allows."""
        return 3 if self.over_limit else 0


def run(
    recipe: Recipe,
    *,
    out: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    address: str | None = None,
    serial: bool = False,
    progress: Reporter | None = None,
    executor: Executor | None = None,
) -> RunResult:
    """Run a recipe to its end, continuing whatever an earlier run has left in the folder.

    Args:
        recipe: a checked recipe (`pipeline.recipe.load_recipe`).
        out: output folder, instead of the recipe's: a path or a URL.
        workers: splits under way at a time; None for one per CPU.
        address: a Ray cluster to join; None starts a local Ray.
        serial: no Ray: one split after another in this process.
        progress: where to show what is going on.
        executor: what runs the tasks, instead of Ray or, with ``serial``, this process.

    Raises:
        ConfigError, SourceError, StorageError, RunError, ConservationError: see
            `pipeline.core.errors`. What is complete stays; the same call continues.
    """
    started = time.monotonic()
    progress = progress or Silent()
    curation = _curation(recipe)
    wanted = run_folder(out or recipe.output)
    if wanted.exists(wanted.root / "kept.parquet"):
        raise ConfigError(
            f"{wanted.shown} holds deduplicated files; give another folder with --out"
        )
    against = open_indexes(recipe.dedup.against, recipe.dedup.signing) if recipe.dedup else []
    executor = executor or (SerialExecutor() if serial else RayExecutor(workers, address))
    _check_reach(wanted, executor)
    with wanted.create().lock(progress.say) as folder, executor:
        if folder.mirror is None:
            executor.needs(folder.state / "holder")
        splits = curation.source.plan()
        copies = _payload_copies(curation, folder, splits, executor, progress)
        done, tasks, changed = sort_out(curation, folder, splits, copies)
        again = sum(task.again for task in tasks)
        announce(progress, folder, len(done), again, changed, len(tasks) - again - changed)
        if tasks:
            folder.remove(folder.manifest)
        forget_surplus(folder, len(splits), recipe.dedup is not None)
        if tasks:
            done |= _execute(executor, tasks, splits, done, progress)
        done = settle_identities(folder, done, curation.schemas())
        ranked = _rank(curation, folder, splits, copies, done, executor, progress)
        done, dedup = _deduplicate(
            curation, folder, splits, ranked.done, against, executor, progress
        )
        reports = [done[index].report for index in range(len(splits))]
        report = sum_reports(curation.stage_names(), reports)
        tokens = _sum_tokens(curation, folder, done, executor, progress)
        _leave_manifest(recipe, curation, folder, done, report, ranked.noted, dedup, tokens)
    return RunResult(
        folder=folder,
        report=report,
        splits=len(splits),
        measured=len(tasks) - again + ranked.read_again,
        decided_again=again,
        resumed=len(splits) - len(tasks) - ranked.read_again,
        seconds=time.monotonic() - started,
        quarantine_limit=recipe.limits.quarantined,
        deduplicated=recipe.dedup is not None,
        tokens=tokens,
    )


def _check_reach(folder: RunFolder, executor: Executor) -> None:
    """See that all who work on a run reach its folder."""
    if folder.mirror and folder.mirror.store.private and not isinstance(executor, SerialExecutor):
        raise ConfigError(
            f"{folder.shown}: no other process sees what is in the memory of this one; run with "
            "--serial, or give another folder with --out"
        )


def _curation(recipe: Recipe) -> Curation:
    """The part of a recipe that workers need."""
    return Curation(
        source=recipe.source,
        gates=recipe.gates,
        extraction=recipe.extraction,
        steps=tuple(step for step in recipe.steps if step not in recipe.gates),
        corpus_format=recipe.keep.corpus,
        keep_dropped=recipe.keep.dropped_share,
        dedup=recipe.dedup,
        tokens=recipe.tokens,
    )


def _payload_copies(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    executor: Executor,
    progress: Reporter,
) -> Sequence[PayloadCopies | None]:
    """What leaves each split before extraction; None where the recipe does not compare payloads."""
    if not (curation.dedup and curation.dedup.payload):
        return [None] * len(splits)
    with progress:
        execute = shown(executor.run, progress)
        return payload_copies(curation, folder, splits, execute, progress)


def _execute(
    executor: Executor,
    tasks: Sequence[SplitTask],
    splits: Sequence[Split],
    done: dict[int, Completion],
    progress: Reporter,
) -> dict[int, Completion]:
    total = sum(split.end - split.start for split in splits)
    before = sum(splits[index].end - splits[index].start for index in done)
    fates: dict[str, int] = {}
    for completion in done.values():
        for name, number in completion.report.fates.items():
            fates[name] = fates.get(name, 0) + number
    finished: dict[int, Completion] = {}
    with progress:
        progress.start(total, before, fates)
        ended: set[int] = set()

        def show(counts: Any) -> None:
            progress.running({n: counts[n] for n in counts if n not in ended})

        for position, completion in executor.run(curate_split, tasks, show):
            task = tasks[position]
            ended.add(position)
            finished[task.index] = completion
            progress.finished(task.split.end - task.split.start, completion.report.fates)
    return finished


def _rank(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    copies: Sequence[PayloadCopies | None],
    done: dict[int, Completion],
    executor: Executor,
    progress: Reporter,
) -> Ranked:
    """Every document in its rank, where the recipe ranks; as it is if an earlier run has done it."""
    ranked = already_ranked(curation, folder, done)
    if ranked is None:
        folder.remove(folder.manifest)
        with progress:
            execute = shown(executor.run, progress)
            ranked = rank_documents(curation, folder, splits, copies, done, execute, progress)
    return ranked


def _deduplicate(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    done: dict[int, Completion],
    against: Sequence[EarlierPart],
    executor: Executor,
    progress: Reporter,
) -> tuple[dict[int, Completion], dict[str, Any] | None]:
    """The splits without duplicates, where the recipe wants that, and what the manifest says."""
    if curation.dedup is None:
        return done, None
    dedup = already_taken_out(curation.dedup, folder, done, against)
    if dedup is not None:
        return done, dedup
    folder.remove(folder.manifest)
    with progress:
        execute = shown(executor.run, progress)
        return take_out_duplicates(curation, folder, splits, done, against, execute, progress)


def _sum_tokens(
    curation: Curation,
    folder: RunFolder,
    done: dict[int, Completion],
    executor: Executor,
    progress: Reporter,
) -> dict[str, Any] | None:
    """Sums of the token counts, where the recipe counts tokens."""
    if curation.tokens is None:
        return None
    with progress:
        return token_totals(curation, folder, done, shown(executor.run, progress))


def _leave_manifest(
    recipe: Recipe,
    curation: Curation,
    folder: RunFolder,
    done: dict[int, Completion],
    report: SplitReport,
    ranking: dict[str, Any],
    dedup: dict[str, Any] | None,
    tokens: dict[str, Any] | None,
) -> None:
    manifest = run_manifest(
        # Where the output lies is no part of what it is.
        recipe={key: value for key, value in recipe.describe().items() if key != "output"},
        measured=curation.measured(),
        decided=curation.decided(),
        models=curation.models(),
        folder=folder,
        done=done,
        report=report,
        ranking=ranking,
        dedup=dedup,
        tokens=tokens,
    )
    folder.write_text(folder.root / "report.html", run_page(manifest))
    folder.write_text(folder.root / "README.md", data_card(manifest))
    text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=False)
    folder.write_text(folder.manifest, text + "\n")

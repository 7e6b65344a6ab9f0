"""What an earlier run has left in a folder: which splits are done, and what is still to do.

What a run does with that is `pipeline.run`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.curate import PayloadCopies
from pipeline.curation import Curation
from pipeline.duplicates import forget_duplicates
from pipeline.ranking import forget_ranks
from pipeline.runtime.manifest import Completion
from pipeline.runtime.progress import Reporter
from pipeline.runtime.storage import RunFolder
from pipeline.sources.base import Source, Split
from pipeline.split import SplitTask

__all__ = ["announce", "forget_surplus", "sort_out"]


def sort_out(
    curation: Curation,
    folder: RunFolder,
    splits: Sequence[Split],
    copies: Sequence[PayloadCopies | None],
) -> tuple[dict[int, Completion], list[SplitTask], int]:
    """Which splits are done, which need work, and how many of those are read a second time."""
    measured, decided = curation.measured(), curation.decided()
    done: dict[int, Completion] = {}
    tasks: list[SplitTask] = []
    changed = 0
    for index, split in enumerate(splits):
        leaving = copies[index]
        task = SplitTask(curation, folder, index, split, copies=leaving)
        found = Completion.read(folder, index)
        if found is None:
            tasks.append(task)
            continue
        fits = _fits(found, curation.source, folder, index, split) and (
            found.copies == (leaving.digest if leaving else None)
        )
        if fits and found.decided == decided:
            done[index] = found
        elif fits and found.measured == measured and found.complete_texts and not found.renamed:
            tasks.append(dataclasses.replace(task, again=True))
        else:
            tasks.append(task)
            changed += 1
    if tasks:
        # Which ids repeat across splits depends on all of them, so it is settled anew.
        for index in [index for index, found in done.items() if found.renamed]:
            del done[index]
            tasks.append(SplitTask(curation, folder, index, splits[index], copies=copies[index]))
            changed += 1
    return done, sorted(tasks, key=lambda task: task.index), changed


def _fits(found: Completion, source: Source, folder: RunFolder, index: int, split: Split) -> bool:
    """Same split of an unchanged input, and every part still there in its full length."""
    same_input = found.split == (split.path, split.start, split.end) and (
        found.input_size,
        found.input_mtime,
    ) == source.stamp(split.path)
    return same_input and all(
        folder.size(path) == found.files[kind].bytes
        for kind, path in found.paths(folder, index).items()
    )


def announce(
    progress: Reporter, folder: RunFolder, done: int, again: int, changed: int, unread: int
) -> None:
    """Say what an earlier run left and what is done now, if there was one."""
    if not folder.children(folder.splits):
        return
    parts = []
    if done:
        parts.append(f"{done} of {done + again + changed + unread} splits are done already")
    if again:
        parts.append(
            f"bounds or tokenizer changed: {again} splits are decided again from stored signals"
        )
    if changed:
        parts.append(f"recipe, input or parts changed: {changed} splits are read again")
    if unread:
        parts.append(f"{unread} splits are still to be read")
    progress.say(f"Continuing in {folder.shown}: " + "; ".join(parts))


def forget_surplus(folder: RunFolder, splits: int, dedup: bool) -> None:
    """Take away what an earlier recipe had and this one has not: splits, deduplication, ranks."""
    for record in folder.children(folder.splits, "*.json"):
        index = int(record.stem)
        if index >= splits:
            folder.remove(folder.manifest)  # ranks and duplicates depended on what goes
            found = Completion.read(folder, index)
            for path in found.paths(folder, index).values() if found else ():
                folder.remove(path)
            Completion.forget(folder, index)  # last, so that no part is left that nothing names
    forget_duplicates(folder, splits if dedup else 0)
    forget_ranks(folder)

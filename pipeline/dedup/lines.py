"""The lines that sites repeat, counted over files: the table that the cleaner `repeated_lines` reads.

How lines are counted is `pipeline.filters.line_survey`; here files are read and tasks handed out.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.filters.line_survey import LineSurvey, PartCount, Surveyed
from pipeline.runtime.executor import Executor, Tick
from pipeline.runtime.storage import storage_errors
from pipeline.sources.tables import TablePart, read_rows

__all__ = ["survey_files"]


@dataclasses.dataclass(frozen=True)
class _Task:
    part: TablePart
    settings: LineSurvey
    scratch: Path
    text: str
    url: str


def survey_files(
    parts: Sequence[TablePart],
    out: Path,
    settings: LineSurvey,
    executor: Executor,
    text: str = "text",
    url: str = "url",
) -> tuple[Surveyed, int]:
    """Count lines over all rows and write the table.

    Args:
        parts: from `pipeline.sources.tables.plan_tables`.
        out: the table.
        settings: what counts as repeated.
        executor: where the counting is done.
        text, url: columns.

    Returns:
        What was found, and how many rows could not be read or have no text.

    Raises:
        SourceError, StorageError: see `pipeline.core.errors`.
    """
    out = out.absolute()
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".lines-", dir=out.parent) as scratch,
        executor,
    ):
        tasks = [_Task(part, settings, Path(scratch), text, url) for part in parts]
        counted: dict[int, tuple[PartCount, int]] = dict(executor.run(_count, tasks))
        found = settings.merge([counted[number][0] for number in range(len(tasks))], out)
    return found, sum(unusable for _, unusable in counted.values())


def _count(task: _Task, tick: Tick) -> tuple[PartCount, int]:
    unusable = 0

    def rows() -> Iterator[tuple[str, str]]:
        nonlocal unusable
        for row in read_rows(task.part, [task.text, task.url]):
            text = (row.values or {}).get(task.text)
            if isinstance(text, str):
                url = (row.values or {}).get(task.url)
                yield text, url if isinstance(url, str) else ""
            else:
                unusable += row.lost

    counted = task.settings.count(rows(), task.scratch)
    return counted, unusable

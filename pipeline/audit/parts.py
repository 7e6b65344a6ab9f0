"""A corpus on its way through an audit: its parts, what each depends on, and the steps done for each.

An audit goes over the same parts several times; see `pipeline.runtime.steps`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import pipeline
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.steps import StepTask
from pipeline.sources.corpus import (
    CorpusColumns,
    CorpusPart,
    CorpusRow,
    read_corpus,
)
from pipeline.sources.corpus_plan import Stamps, check_unchanged, stamps_of

__all__ = ["Corpus", "PartTask", "batches"]

BATCH, BATCH_CHARACTERS = 256, 2 << 20  # rows read together, whichever is reached first


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What is audited, as it was when the audit began.

    Args:
        name: of its records and work files: ``corpus``, ``clean``, ``self_test``.
        parts: from `pipeline.sources.corpus.plan_corpus`.
        columns: their names.
        stamps: what tells by input whether it has changed.
    """

    name: str
    parts: tuple[CorpusPart, ...]
    columns: CorpusColumns
    stamps: Stamps

    @classmethod
    def of(cls, name: str, parts: Iterable[CorpusPart], columns: CorpusColumns) -> Corpus:
        """With the stamps that its inputs have now.

        Raises:
            SourceError: an input is gone.
        """
        parts = tuple(parts)
        return cls(name, parts, columns, stamps_of(parts))

    def fingerprints(self) -> list[str]:
        """Of each part: where it is, what tells that it changed, and which columns are read."""
        return [
            fingerprint(
                pipeline.__version__,
                [part.name, type(part.source).__name__, dataclasses.astuple(part.source)],
                [self.stamps[path] for path in part.inputs],
                dataclasses.astuple(self.columns),
            )
            for part in self.parts
        ]

    def check_unchanged(self) -> None:
        """See that every input is what it was.

        Raises:
            SourceError: one has changed, so that what was found belongs to no one version of it.
        """
        check_unchanged(self.parts, self.stamps)


def batches(
    part: CorpusPart, columns: CorpusColumns, faults: list[CorpusRow]
) -> Iterator[list[CorpusRow]]:
    """The documents of a part in order, some at a time; at least one, and few if they are long.

    Args:
        part: to be read.
        columns: their names.
        faults: takes in the rows that are no documents.

    Raises:
        SourceError: the input can no longer be read.
    """
    held: list[CorpusRow] = []
    size = 0
    for row in read_corpus(part, columns):
        if row.fault or row.text is None:
            faults.append(row)
            continue
        if held and (len(held) == BATCH or size + len(row.text) > BATCH_CHARACTERS):
            yield held
            held, size = [], 0
        held.append(row)
        size += len(row.text)
    if held:
        yield held


@dataclasses.dataclass(frozen=True)
class PartTask(StepTask):
    """One step for one part of a corpus. Picklable.

    Args:
        part, columns: what is read, and how.
    """

    part: CorpusPart
    columns: CorpusColumns

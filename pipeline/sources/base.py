"""What a source is: frozen parameters, `plan` (inputs to splits) and `read` (a split to records).

The unit of work is the split. Which records a split gives is decided by the stored bytes alone,
never by how the file was cut, so that splits of any size give the same records.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

from pipeline.core.decisions import Signal
from pipeline.core.records import RawRecord
from pipeline.sources.inputs import stamp

__all__ = ["Source", "Split"]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Split:
    """A unit of work: the half-open byte range ``start <= offset < end`` of a file as stored."""

    path: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source(abc.ABC):
    """A kind of input. Subclasses are frozen dataclasses whose parameters a recipe can set."""

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What this source measures of a record: ledger columns ``source.NAME``, from ``meta``."""
        return ()

    @abc.abstractmethod
    def plan(self) -> list[Split]:
        """The splits of all inputs, sorted by path and start; together they cover every byte.

        Raises:
            SourceError: an input that is missing, a folder, unreadable, or a glob that matches
                nothing. The message names the path.
        """

    @abc.abstractmethod
    def read(self, split: Split) -> Iterator[RawRecord]:
        """Every record of a split, once, in the order stored.

        What is broken or of no use is a record too and carries its ``failure`` or ``drop``.

        Raises:
            SourceError: the file can no longer be read.
        """

    def stamp(self, path: str) -> tuple[int, int]:
        """Size in bytes and modification time in nanoseconds of an input of the plan.

        A run uses it to see that an input has changed since a split of it was done.

        Raises:
            SourceError: the input is gone.
        """
        return stamp(path)

    @abc.abstractmethod
    def parameters(self) -> dict[str, Any]:
        """What the content of the records depends on: not the paths, not the size of splits."""

"""What every reader of labelled texts hands on: rows by column, or the fault in a row's place."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import Any

from pipeline.core.errors import ConfigError

__all__ = ["Columns", "Row", "Rows"]

TEXT, LABEL, GROUP, PLACE = "text", "label", "group", "place"
DOMAIN = "domain:"


@dataclasses.dataclass(frozen=True)
class Columns:
    """Which columns of the inputs hold what.

    Args:
        text: the text.
        label: the label. fastText files and inputs with a label for all their rows need none.
        group: rows with the same value never stand on two sides of a split: a domain, an author, a
            conversation. ``"url"`` and ``"domain:COLUMN"`` stand for the registrable domain of the
            URLs in that column. Empty for none.
        slices: further columns to keep, as strings; figures are reported by their values.

    Raises:
        ConfigError: a column that is named for two things, or a slice whose name is taken.
    """

    text: str = TEXT
    label: str = LABEL
    group: str = ""
    slices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.text or not self.label:
            raise ConfigError("--text and --label each take the name of a column")
        if self.text == self.label:
            raise ConfigError(f"--text and --label both name the column {self.text!r}")
        if self.group == DOMAIN:
            raise ConfigError(f"--group {DOMAIN} names no column, as {DOMAIN}page_url would")
        if len(set(self.slices)) != len(self.slices):
            raise ConfigError(f"a slice is named twice: {', '.join(self.slices)}")
        taken = {TEXT, LABEL, GROUP, PLACE} & set(self.slices)
        if taken:
            raise ConfigError(
                f"a slice cannot be called {min(taken)!r}: examples have a column of that name "
                "already; rename the column of the input"
            )

    @property
    def group_column(self) -> str:
        """The column that groups are read from; empty for none."""
        return self.group.removeprefix(DOMAIN)

    @property
    def group_is_domain(self) -> bool:
        """Whether groups are the registrable domains of URLs."""
        return self.group == "url" or self.group.startswith(DOMAIN)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that is read, once."""
        names = (self.text, self.label, self.group_column, *self.slices)
        return tuple(dict.fromkeys(filter(None, names)))


@dataclasses.dataclass(slots=True)
class Row:
    """One row, or what could not be read.

    Args:
        place: file and line, byte or row, for a person.
        values: by column; None if the row could not be read.
        reason: slug of what failed, as in `pipeline.sources.tables`, and ``table.quote``,
            ``table.fields``, ``table.encoding`` for delimited files.
        message: the same for a person, and the mend where there is one.
        lost: rows that a fault stands for.
    """

    place: str
    values: dict[str, Any] | None
    reason: str = ""
    message: str = ""
    lost: int = 1


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of one input.

    Args:
        names: its columns. Those of JSON lines are complete only when all rows have been read.
        rows: every row, once, in the order stored.
        known: whether ``names`` is complete from the beginning.
    """

    names: Collection[str]
    rows: Iterator[Row]
    known: bool = True

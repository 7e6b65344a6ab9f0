"""What a cleaner is: it edits the text and reports what it took away; it never drops a document.

Filters judge and never edit; cleaners edit and never judge. A rule that removes lines or phrases
from inside a text belongs in a cleaner, in the file of its family.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

from pipeline.core.decisions import Signal
from pipeline.core.records import Document

__all__ = ["Cleaner"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cleaner(abc.ABC):
    """A family of edits: a frozen dataclass whose constructor only stores parameters.

    ``clean`` is pure, deterministic and total, as a filter's ``measure`` is. What it counts is
    declared in ``signals`` and recorded beside the signals of the filters.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    signals: ClassVar[tuple[Signal, ...]]

    @abc.abstractmethod
    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        """The edited text (the same object where nothing changed) and every declared count."""

    def clean_document(self, doc: Document) -> tuple[str, dict[str, float]]:
        """`clean` for a text with its origin: what a run calls.

        Override where the URL or another field says what goes. ``doc`` itself is not changed.
        """
        return self.clean(doc.text)

    def parameters(self) -> dict[str, Any]:
        """What `clean` depends on besides the text: part of a run's fingerprint."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def models(self) -> dict[str, str]:
        """sha256 of each model or list file that `clean` reads, by a name for people.

        Part of a run's fingerprint and of its manifest.
        """
        return {}

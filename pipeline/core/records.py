"""What flows through a run: records from a source, documents with text, and their fates."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Mapping
from typing import Any

from pipeline.core.decisions import Verdict

__all__ = ["Document", "Failure", "Fate", "Locator", "Meta", "RawRecord", "encodable"]

Meta = Mapping[str, "str | int | float | None"]


class Fate(enum.StrEnum):
    """The one fate of an input record. Every record has exactly one."""

    KEPT = "kept"
    DROPPED = "dropped"
    DUPLICATE = "duplicate"
    CONTAMINATED = "contaminated"
    QUARANTINED = "quarantined"


@dataclasses.dataclass(frozen=True, slots=True)
class Locator:
    """Where a record's bytes are: enough to fetch them again.

    Args:
        path: file path or URL as the source opens it.
        offset: first byte of the record in the file as stored (compressed offset for ``.gz``).
        length: stored bytes of the record; ``-1`` where the end is not known.
    """

    path: str
    offset: int
    length: int

    def digest(self) -> str:
        """A record id for records that bring none: ``urn:gristmill:`` and 128 bits of hash."""
        key = f"{self.path}\0{self.offset}".encode("utf-8", "surrogatepass")
        return "urn:gristmill:" + hashlib.blake2b(key, digest_size=16).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """Why a record was quarantined: a slug, the stage it happened in, and the error's own words."""

    reason: str
    stage: str
    message: str


@dataclasses.dataclass(slots=True)
class RawRecord:
    """One input record as a source hands it on.

    A record goes on to extraction only if it has a ``payload`` and neither ``drop`` nor
    ``failure``; where it has a ``text`` it needs none and goes on behind it. A source never leaves
    a record out: what it cannot use carries its reason.

    Args:
        id: unique in the run (see `pipeline.sources`).
        url: as recorded, possibly empty.
        source: where the bytes are.
        payload: body bytes, transfer- and content-decoded, at most the source's size cap.
        meta: ``date``, ``record_type``, ``http_status``, ``content_type``, ``http_charset`` …
        drop: the source's own verdict (wrong record type, not HTML, over the size cap).
        failure: the record could not be read.
        text: what the source knows the payload to say.
    """

    id: str
    url: str
    source: Locator
    payload: bytes | None = None
    meta: dict[str, str | int | float | None] = dataclasses.field(default_factory=dict)
    drop: Verdict | None = None
    failure: Failure | None = None
    text: str | None = None


@dataclasses.dataclass(slots=True)
class Document:
    """A text with its origin. What filters measure.

    ``cache`` holds what is derived from ``text`` (shared tokenisation) and lives exactly as long
    as this text does: change the text through `with_text`, never by assignment.
    """

    id: str
    text: str
    url: str = ""
    source: Locator | None = None
    meta: dict[str, str | int | float | None] = dataclasses.field(default_factory=dict)
    cache: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    def with_text(self, text: str) -> Document:
        """The same document with another text; nothing derived from the old text survives."""
        if text == self.text:
            return self
        return dataclasses.replace(self, text=text, cache={})


def encodable(text: str) -> str:
    """Lone surrogates have no UTF-8 form; they become U+FFFD, as in a browser."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text

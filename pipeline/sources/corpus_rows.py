"""A row of any table as a document to be audited: its id, its text and its URL, or its fault.

Nothing here knows of files. What will not do is a fault with a reason, and is never left out.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from pipeline.core.records import encodable
from pipeline.sources.chats import CHAT_COLUMNS, chat_text, turns_text
from pipeline.sources.columns import json_text

__all__ = [
    "ID_COLUMNS",
    "NOT_TEXT",
    "NO_TEXT",
    "TEXT_COLUMNS",
    "UNREADABLE",
    "CorpusColumns",
    "CorpusRow",
    "corpus_row",
    "id_text",
]

ID_COLUMNS = ("id", "uuid", "conversation_id", "conversation_hash")
TEXT_COLUMNS = ("text", "content")
URL_COLUMN = "url"

NO_TEXT, NOT_TEXT, UNREADABLE = "no_text", "not_text", "unreadable"  # faults


@dataclasses.dataclass(frozen=True, slots=True)
class CorpusColumns:
    """Which columns hold what.

    Args:
        id: names the document; None for the first of `ID_COLUMNS` that a row has.
        text: a text, or a list of turns; None for ``text``, else ``content``, else what
            `pipeline.sources.chats.chat_text` makes of the row.
        url: None for ``url``.
    """

    id: str | None = None
    text: str | None = None
    url: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Columns that may hold the id, the first having precedence."""
        return ID_COLUMNS if self.id is None else (self.id,)

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns that may hold the text or a part of it."""
        return (*TEXT_COLUMNS, *CHAT_COLUMNS) if self.text is None else (self.text,)

    @property
    def wanted(self) -> tuple[str, ...]:
        """All that is looked at, each once."""
        return tuple(dict.fromkeys((*self.ids, *self.texts, self.url or URL_COLUMN)))


@dataclasses.dataclass(slots=True)  # not frozen: that triples what making one takes
class CorpusRow:
    """One document, or what could not become one.

    Args:
        id: its own, else one made of the file's name and the row's position in it.
        text: any string, an empty one too; None where there is a fault.
        url: empty where it has none.
        place: file and position, for a person; unique in the corpus.
        fault: reason slug, empty if there is none: ``no_text`` (missing, null, or turns without
            any), ``not_text`` (a value of another type), ``unreadable``.
        error: what failed, for a person; empty without a fault.
        lost: rows that a fault stands for; more than 1 where a piece of a file is lost.
    """

    id: str
    text: str | None
    url: str
    place: str
    fault: str = ""
    error: str = ""
    lost: int = 1


def corpus_row(
    values: Mapping[str, Any], columns: CorpusColumns, position: str, place: str
) -> CorpusRow:
    """The document that a row holds.

    Args:
        values: by column, at least those of `CorpusColumns.wanted` that there are.
        columns: their names.
        position: the id of a row that brings none.
        place: see `CorpusRow`.
    """
    identity = ""
    for name in columns.ids:
        if name in values and (identity := id_text(values[name])):
            break
    identity = identity or position
    url = values.get(columns.url or URL_COLUMN)
    url = encodable(url) if isinstance(url, str) else ""
    text = _text(values, columns)
    if text is not None:
        return CorpusRow(identity, encodable(text), url, place)
    other = next((name for name in columns.texts if values.get(name) is not None), None)
    if other is None:
        names = columns.text or f"{', '.join(TEXT_COLUMNS)} and the columns of chats"
        return CorpusRow(identity, None, url, place, NO_TEXT, f"no text in {names}")
    value = values[other]
    if isinstance(value, list | tuple | Mapping):
        return CorpusRow(identity, None, url, place, NO_TEXT, f"no turn in {other} has a text")
    error = f"{other} holds a value of type {type(value).__name__}, where a text belongs"
    return CorpusRow(identity, None, url, place, NOT_TEXT, error)


def id_text(value: Any) -> str:
    """An id as text: strings as they are, numbers as JSON writes them; empty where there is none.

    Missing are null, NaN and blank strings. Bytes are written in hexadecimal digits, lists and
    objects as JSON.
    """
    if isinstance(value, str):
        return "" if value.isspace() else encodable(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if type(value) is int:
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool | float):
        return json.dumps(value)
    text = encodable(json_text(value))
    return text if isinstance(value, list | Mapping) else text.strip('"')


def _text(values: Mapping[str, Any], columns: CorpusColumns) -> str | None:
    if columns.text is not None:
        return turns_text(values.get(columns.text))
    for name in TEXT_COLUMNS:
        value = values.get(name)
        if isinstance(value, str):
            return value
    return chat_text(values)

"""Chats and instructions as texts: the turns of a row, joined by blank lines, whatever shape it has.

Shapes: a list of turns (OpenAI's ``role`` and ``content``, ShareGPT's ``from`` and ``value``), or a
field for each turn (Alpaca, Dolly, prompt and completion, preferences). Roles are no part of a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["CHAT_COLUMNS", "chat_text", "turns_text"]

SYSTEM = ("system", "system_prompt")
TURNS = ("messages", "conversations", "conversation")
# In the order in which a model reads them.
FIELDS = (
    "instruction", "prompt", "question", "input", "context",
    "response", "completion", "output", "answer", "chosen", "rejected",
)  # fmt: skip
CHAT_COLUMNS = (*TURNS, *SYSTEM, *FIELDS)
SAID = ("content", "value", "text", "parts")  # what a turn says
BETWEEN = "\n\n"


def chat_text(values: Mapping[str, Any]) -> str | None:
    """The text of a row that is a chat or an instruction; None if it is neither.

    The first of `TURNS` that has text is taken, without one all of `FIELDS`; a system prompt in a
    column of its own (`SYSTEM`) comes first. Turns and fields without text are passed over.

    Args:
        values: by column.
    """
    found = next(
        (said for name in TURNS if (said := _turns(values.get(name), stored=True)) is not None),
        None,
    )
    if found is None:
        fields = [_turns(values.get(name), stored=True) for name in FIELDS]
        if all(field is None for field in fields):
            return None
        found = [turn for field in fields for turn in field or ()]
    before = [values[name] for name in SYSTEM if isinstance(values.get(name), str)]
    return _joined([*before, *found])


def turns_text(value: Any) -> str | None:
    """The text of a list of turns, or of one turn; None where there is none, or for other values.

    Args:
        value: turns as texts or objects; the lists of an object of lists, as columnar files have
            them. A string is a text and given as it is.
    """
    found = _turns(value)
    return None if found is None else _joined(found)


def _joined(turns: Iterable[str]) -> str:
    return BETWEEN.join(turn for turn in turns if turn and not turn.isspace())


def _turns(value: Any, stored: bool = False) -> list[str] | None:
    """What each turn says; None if there is nothing that could be said.

    Args:
        stored: a string may be JSON, which files without nested columns have turns as.
    """
    if isinstance(value, str):
        parsed = _parsed(value) if stored else None
        return [value] if parsed is None else _turns(parsed)
    if isinstance(value, Mapping):
        lists = next((value[key] for key in SAID if isinstance(value.get(key), list)), None)
        value = [value] if lists is None else lists
    if not isinstance(value, list | tuple):
        return None
    said = [text for turn in value if (text := _said(turn)) is not None]
    return said or None


def _said(turn: Any) -> str | None:
    """The text of a turn; of one in parts the texts, while pictures and calls of tools have none."""
    if isinstance(turn, str):
        return turn
    if not isinstance(turn, Mapping):
        return None
    for key in SAID:
        value = turn.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping):
            value = [value]
        if isinstance(value, list | tuple):
            texts = list(_parts(value))
            if texts:
                return _joined(texts)
    return None


def _parts(parts: Iterable[Any]) -> Iterator[str]:
    for part in parts:
        text = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(text, str):
            yield text


def _parsed(text: str) -> list[Any] | None:
    """The list of turns that a string is as JSON; None for any other string."""
    if not text.lstrip().startswith("["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list):
        return None
    told = any(isinstance(turn, Mapping) and _said(turn) is not None for turn in value)
    return value if told else None

"""A list of turns in any of the shapes that logs have, as `Turn`s; what will not do is a fault.

A turn that cannot be read costs its conversation: an answer without its question is no conversation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.core.errors import RecordError
from pipeline.core.records import encodable
from pipeline.prompts.conversation import ASSISTANT, SYSTEM, TOOL, USER, Turn
from pipeline.prompts.logs.fields import MISSING, LogFields, lookup, recognised
from pipeline.prompts.logs.times import utc

__all__ = ["BETWEEN", "Roles", "looks_like_turn", "role_of", "sides_of", "turns_of"]

BETWEEN = "\n\n"  # what parts of a turn are joined by
ROLE_KEYS = ("role", "from", "speaker", "author", "sender")
CONTENT_KEYS = ("content", "value", "text", "message", "parts", "utterance")
CALLS = ("tool_calls", "function_call", "audio")  # a turn with one of these may say nothing
# Names of sides, in lower case, as logs have them.
ROLE_NAMES = {
    **dict.fromkeys(("user", "human", "prompter", "usr", "customer", "question"), USER),
    **dict.fromkeys(
        ("assistant", "gpt", "chatgpt", "gpt-3.5", "gpt-4", "gpt4", "bing", "bard", "gemini",
         "claude", "model", "ai", "bot", "llm", "chatbot", "agent", "function_call", "tool_call",
         "answer"),
        ASSISTANT,
    ),
    **dict.fromkeys(("system", "developer", "system_prompt"), SYSTEM),
    **dict.fromkeys(
        ("tool", "function", "observation", "function_response", "tool_response", "ipython"), TOOL
    ),
}  # fmt: skip
# Fields that hold what a side says; ``model`` and others above hold more often something else.
SIDE_KEYS = ("user", "human", "prompter", "assistant", "gpt", "chatgpt", "bot", "ai")
# Of lists of texts: sides take turns, the user first; or all are the user's.
Roles = tuple[str, ...]
BOTH_SIDES: Roles = (USER, ASSISTANT)


def turns_of(
    value: Any, fields: LogFields, unread: list[str], sides: Roles = BOTH_SIDES
) -> tuple[Turn, ...]:
    """The turns of a value.

    Args:
        value: a list of objects (``role`` and ``content``, ``from`` and ``value`` …, or a key for
            each side, as ``{"human": …, "assistant": …}``); a list of texts; an object of lists, as
            columnar files have them; any of these as JSON in a text; else a text, which is the
            user's only turn.
        fields: names that the user gave.
        unread: takes in what is told as a time and is none, for a person.
        sides: who says the texts of a list of them, over and over.

    Raises:
        RecordError: ``log.turns`` (no list), ``log.empty`` (no turn), ``log.turn_null``,
            ``log.turn_type``, ``log.role`` (none, or unknown), ``log.content_null``,
            ``log.content_type``.
    """
    if isinstance(value, str):
        parsed = _parsed(value, fields)
        if parsed is None:
            return (Turn(USER, encodable(value)),)
        value = parsed
    if isinstance(value, dict):
        value = _rows_of(value)
    if not isinstance(value, list | tuple):
        raise RecordError("log.turns", f"{type(value).__name__} where a list of turns belongs")
    if not value:
        raise RecordError("log.empty", "a conversation without turns")
    if all(isinstance(turn, str) for turn in value):
        return tuple(
            Turn(sides[number % len(sides)], encodable(text)) for number, text in enumerate(value)
        )
    turns: list[Turn] = []
    for number, given in enumerate(value, 1):
        turns += _turn(given, number, fields, unread)
    return tuple(turns)


def role_of(value: Any) -> str | None:
    """One of `ROLES` for a name of a side, however it is written; None for an unknown one."""
    if isinstance(value, dict):
        value = value.get("role")
    if not isinstance(value, str):
        return None
    return ROLE_NAMES.get(value) or ROLE_NAMES.get(value.strip().lower())


def looks_like_turn(values: Mapping[str, Any]) -> bool:
    """Whether an object has a known role and says something."""
    said = any(name in values for name in CONTENT_KEYS)
    return said and any(role_of(values.get(name)) is not None for name in ROLE_KEYS)


def sides_of(values: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The turns of an object with a field for each side, in its order; none if it is another."""
    return tuple(
        Turn(ROLE_NAMES[key], encodable(text))
        for key, text in values.items()
        if key in SIDE_KEYS and isinstance(text, str)
    )


def _turn(given: Any, number: int, fields: LogFields, unread: list[str]) -> Sequence[Turn]:
    if given is None:
        raise RecordError("log.turn_null", f"turn {number} is null")
    if not isinstance(given, dict):
        raise RecordError(
            "log.turn_type", f"turn {number} is of type {type(given).__name__}, not an object"
        )
    named = _field(given, fields.role, ROLE_KEYS)
    if named is MISSING and fields.role is None:
        pairs = sides_of(given)
        if pairs:
            return pairs
    role = role_of(named)
    if role is None:
        what = "no role" if named is MISSING or named is None else f"the unknown role {named!r:.60}"
        where = "" if fields.role else "; name the field of the role if it is another"
        raise RecordError("log.role", f"turn {number} has {what}{where}")
    content = _field(given, fields.content, CONTENT_KEYS)
    text = _said(content)
    if text is None:
        if content is not MISSING and content is not None:
            kind = type(content).__name__
            raise RecordError("log.content_type", f"turn {number} says a {kind}, no text")
        if not any(given.get(name) is not None for name in CALLS):
            refusal = given.get("refusal")
            if not isinstance(refusal, str):
                raise RecordError("log.content_null", f"turn {number} ({role}) says nothing")
            text = refusal
    time = lookup(given, fields.time) if fields.time else recognised(given, "time")
    when = "" if time is MISSING else utc(time)
    if when is None:
        unread.append(f"turn {number} has {str(time)!r:.60} for a time")
    return (Turn(role, encodable(text or ""), when or ""),)


def _field(values: Mapping[str, Any], path: str | None, names: Sequence[str]) -> Any:
    if path is not None:
        return lookup(values, path)
    found = MISSING
    for name in names:
        if name in values:
            found = values[name]
            if found is not None:
                return found
    return found


def _said(content: Any) -> str | None:
    """The text of a turn; of one in parts the texts, while pictures and calls of tools have none."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        inner = next((content[key] for key in ("parts", "text", "content") if key in content), None)
        return None if isinstance(inner, dict) else _said(inner)
    if not isinstance(content, list | tuple):
        return None
    texts: list[str] = []
    for part in content:
        text = part
        if isinstance(part, dict):
            text = part.get("text")
            if isinstance(text, dict):  # {"type": "text", "text": {"value": …}}
                text = text.get("value")
            if text is None and ("type" in part or "content_type" in part):
                continue  # a picture, a sound, a call
        if not isinstance(text, str):
            return None
        texts.append(text)
    return BETWEEN.join(text for text in texts if text)


def _rows_of(value: Mapping[str, Any]) -> list[Any]:
    """The turns of an object of lists; an object that is one turn is a list of it."""
    lists = {key: column for key, column in value.items() if isinstance(column, list)}
    roles = next((lists[key] for key in ROLE_KEYS if key in lists), None)
    said = next((lists[key] for key in CONTENT_KEYS if key in lists), None)
    if roles is None or said is None:
        return [value]
    if len(roles) != len(said):
        raise RecordError("log.turns", f"{len(roles)} roles for {len(said)} turns")
    whole = {key: column for key, column in lists.items() if len(column) == len(said)}
    return [dict(zip(whole, turn, strict=True)) for turn in zip(*whole.values(), strict=True)]


def _parsed(text: str, fields: LogFields) -> list[Any] | dict[str, Any] | None:
    """The turns that a text is as JSON; None for any other text."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    turns: Iterable[Any] = value if isinstance(value, list) else [value]
    told = any(
        isinstance(turn, dict) and (looks_like_turn(turn) or fields.role in turn) for turn in turns
    )
    return value if told else None

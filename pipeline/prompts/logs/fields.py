"""Which fields of a log hold what: named by the user, or recognised by the names that logs use."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.core.records import encodable
from pipeline.sources.corpus_rows import id_text

__all__ = ["MISSING", "LogFields", "field_names", "lookup", "named_text", "recognised"]

# In the order in which they are looked for.
IDS = ("conversation_id", "conversation_hash", "message_tree_id", "id", "uuid", "uid",
       "question_id", "prompt_id", "message_id")  # fmt: skip
USERS = ("user_id", "hashed_ip", "user_hash", "username", "user")
TIERS = ("tier", "user_tier", "account_tier", "plan", "plan_type", "subscription",
         "subscription_tier")  # fmt: skip
TIMES = ("timestamp", "tstamp", "time", "created_at", "create_time", "created_date", "created",
         "datetime", "date")  # fmt: skip
MODELS = ("model", "model_name", "model_id")
HOLDERS = ("metadata", "meta")  # objects that may have them as well
LONGEST = 256  # characters of the name of a user, a tier or a model; longer ones are texts
MISSING: Any = object()


@dataclasses.dataclass(frozen=True, slots=True)
class LogFields:
    """Names of fields; None for one that is to be recognised.

    A name with dots leads into objects, as in ``metadata.plan``; a field that has this very name
    comes first.

    Args:
        turns: of a row: a list of turns, or a text that is the user's only turn.
        role, content: of a turn: who said it, and what.
        id, user, tier, time, model: of a row; see `pipeline.prompts.conversation.Conversation`.
            ``time`` may be of a turn as well.
    """

    turns: str | None = None
    role: str | None = None
    content: str | None = None
    id: str | None = None
    user: str | None = None
    tier: str | None = None
    time: str | None = None
    model: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Top-level names that may hold any of what is named here, each once."""
        named = (self.turns, self.id, self.user, self.tier, self.time, self.model)
        names = [name for given in named if given for name in (given, given.partition(".")[0])]
        return tuple(dict.fromkeys((*names, *IDS, *USERS, *TIERS, *TIMES, *MODELS, *HOLDERS)))


RECOGNISED = {"id": IDS, "user": USERS, "tier": TIERS, "time": TIMES, "model": MODELS}
LOOKED_FOR = {kind: frozenset((*names, *HOLDERS)) for kind, names in RECOGNISED.items()}


def lookup(values: Mapping[str, Any], path: str) -> Any:
    """What is at a dotted path; `MISSING` if the row has no such field."""
    if path in values:
        return values[path]
    value: Any = values
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


def recognised(values: Mapping[str, Any], kind: str) -> Any:
    """The first value of a field that goes by one of the names for ``kind``; None without one.

    Args:
        values: of a row or a turn.
        kind: ``id``, ``user``, ``tier``, ``time`` or ``model``.
    """
    names = RECOGNISED[kind]
    if values.keys().isdisjoint(LOOKED_FOR[kind]):
        return None
    for name in names:
        value = values.get(name)
        if value is not None and value != "":
            if kind != "user" or not isinstance(value, dict):
                return value
            if value.get("id") is not None:
                return value["id"]
    for holder in HOLDERS:
        inner = values.get(holder)
        if isinstance(inner, dict):
            for name in names:
                if inner.get(name) is not None:
                    return inner[name]
    return None


def named_text(values: Mapping[str, Any], path: str | None, kind: str) -> str:
    """The value at ``path``, or the one recognised, as text; empty where there is none.

    A list, an object or a long text is not recognised as any of these, but taken where it is named.
    """
    if path is not None:
        value = lookup(values, path)
        return "" if value is MISSING else encodable(id_text(value))
    value = recognised(values, kind)
    if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > LONGEST):
        return ""
    return id_text(value)


def field_names(values: Mapping[str, Any], depth: int = 3) -> Iterator[str]:
    """Dotted names of the fields of a row, those of objects in it included."""
    for name, value in values.items():
        yield name
        if isinstance(value, dict) and depth > 1:
            yield from (f"{name}.{inner}" for inner in field_names(value, depth - 1))


def first_of(values: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first value that is not null; None without one."""
    return next((values[name] for name in names if values.get(name) is not None), None)

"""One row of a chat log as conversations, whatever shape it has.

Shapes, in the order in which they are looked for: the field of turns that the user names; trees of
messages (Open Assistant); two conversations side by side (Chatbot Arena); a list of turns (ShareGPT,
WildChat, LMSYS-Chat-1M, OpenAI, MT-bench); an instruction with its input (Alpaca, Dolly,
Self-Instruct); a prompt; one message; a bare text. Messages of trees that come one in a row are
another matter: see `pipeline.prompts.logs.message_rows`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.core.errors import RecordError
from pipeline.core.printable import printable
from pipeline.core.records import encodable
from pipeline.prompts.conversation import ASSISTANT, SYSTEM, USER, Conversation, Turn
from pipeline.prompts.logs.fields import (
    MISSING,
    LogFields,
    first_of,
    lookup,
    named_text,
    recognised,
)
from pipeline.prompts.logs.oasst import is_tree, tree_conversations
from pipeline.prompts.logs.times import utc
from pipeline.prompts.logs.turns import (
    BETWEEN,
    BOTH_SIDES,
    Roles,
    looks_like_turn,
    sides_of,
    turns_of,
)

__all__ = ["SHAPE_COLUMNS", "RowShape", "conversations", "has_shape"]

SYSTEMS = ("system", "system_prompt")
ARENA = ("conversation_a", "conversation_b")
# Fields of turns, and who says the texts in them that have no role.
TURNS: dict[str, Roles] = {
    **dict.fromkeys(
        ("messages", "conversations", "conversation", "items", "dialogue", "dialog", "chat"),
        BOTH_SIDES,
    ),
    "turns": (USER,),
    "prompts": (USER,),
    "data": BOTH_SIDES,
}
SURE_TURNS = ("messages", "conversations", "conversation")  # whatever they hold
INSTRUCTIONS, INPUTS = ("instruction", "instructions"), ("input", "context")
INSTANCES = "instances"  # Self-Instruct: inputs of one instruction
PROMPTS = ("prompt", "question", "query", "problem")
ANSWERS = ("response", "completion", "output", "answer", "chosen")
TEXTS = ("text", "content")
SHAPE_COLUMNS = (
    *ARENA, *TURNS, *INSTRUCTIONS, *INPUTS, INSTANCES, *PROMPTS, *ANSWERS, *TEXTS, *SYSTEMS,
    "replies", "role", "from", "value", "user", "human", "assistant", "gpt", "judge",
    "model_a", "model_b", "message_id", "user_message_id", "parent_id", "parent_message_id",
    "message_tree_id", "rank", "deleted",
)  # fmt: skip

Given = Conversation | RecordError


def conversations(
    values: Any, position: str, place: str, fields: LogFields | None = None
) -> Iterator[Given]:
    """The conversations of a row, and what is wrong with those that are none.

    Of several conversations, the first has the row's id, the others that with ``/2``, ``/3`` …; of
    Chatbot Arena's two, ``/a`` and ``/b``. A row without an id gives its position.

    Args:
        values: by field; or a text, which is a prompt; or a list of turns.
        position: unique in the run.
        place: file and position, for a person.
        fields: named by the user.

    Yields:
        Conversations and faults, at least one of them: ``log.shape`` (no turns where they are
        looked for), ``log.no_user``, those of `pipeline.prompts.logs.turns.turns_of` and of
        `pipeline.prompts.logs.oasst`. ``log.time`` comes beside a conversation, which lacks that time.
    """
    fields = fields or LogFields()
    if isinstance(values, str):
        values = {"prompt": values}
    elif isinstance(values, list | tuple):
        values = {"messages": values}
    elif not isinstance(values, dict):
        kind = type(values).__name__
        yield RecordError("log.shape", f"a value of type {kind} is no conversation")
        return
    row = RowShape(values, position, place, fields)
    if fields.turns is None and is_tree(values):
        yield from tree_conversations(values, row.conversation)
    elif fields.turns is None and all(name in values for name in ARENA):
        for name, side in zip(ARENA, "ab", strict=True):
            yield from row.arena(name, side)
    else:
        yield from row.plain()


def has_shape(values: Any) -> bool:
    """Whether turns are found in a row, or fields that have them."""
    if not isinstance(values, dict):
        return isinstance(values, str | list | tuple)
    if is_tree(values) or looks_like_turn(values) or len(sides_of(values)) > 1:
        return True
    return any(name in values for name in (*ARENA, *TURNS, *INSTRUCTIONS, *PROMPTS, *TEXTS))


@dataclasses.dataclass(frozen=True, slots=True)
class RowShape:
    """A row that is read; see `conversations` for what it has."""

    values: Mapping[str, Any]
    position: str
    place: str
    fields: LogFields

    def plain(self) -> Iterator[Given]:
        unread: list[str] = []
        try:
            found = list(self._turns(unread))
        except RecordError as error:
            yield error
            return
        for number, turns in enumerate(found, 1):
            yield from self.conversation(turns, f"/{number}" if number > 1 else "", unread)
            unread = []

    def arena(self, name: str, side: str) -> Iterator[Given]:
        unread: list[str] = []
        try:
            turns = turns_of(self.values[name], self.fields, unread)
        except RecordError as error:
            yield RecordError(error.reason, f"{name}: {error.message}")
            return
        found = {"model": self.values.get(f"model_{side}"), "user": self.values.get("judge")}
        yield from self.conversation(turns, f"/{side}", unread, found)

    def conversation(
        self,
        turns: Sequence[Turn],
        ending: str,
        unread: Sequence[str] = (),
        found: Mapping[str, Any] | None = None,
    ) -> Iterator[Given]:
        """The conversation of these turns, with what the row tells of it.

        Args:
            turns: see `Conversation`.
            ending: of its id.
            unread: what was told as a time and is none.
            found: values of ``id``, ``user``, ``model`` that are recognised elsewhere.
        """
        if not any(turn.role == USER for turn in turns):
            said = ", ".join(dict.fromkeys(turn.role for turn in turns))
            yield RecordError("log.no_user", f"no turn is the user's, only {said}")
            return
        values, fields, own = self.values, self.fields, found or {}
        named = {
            kind: named_text({kind: own[kind]}, kind, kind)
            if own.get(kind) is not None and getattr(fields, kind) is None
            else named_text(values, getattr(fields, kind), kind)
            for kind in ("id", "user", "tier", "model")
        }
        first = self._first_turn()
        for kind in ("user", "tier", "model"):
            if not named[kind] and first is not None and getattr(fields, kind) is None:
                named[kind] = named_text(first, None, kind)
        time = lookup(values, fields.time) if fields.time else recognised(values, "time")
        when = "" if time is MISSING else utc(time)
        if when is None or unread:
            what = unread[0] if unread else f"the row has {str(time)!r:.60} for a time"
            yield RecordError("log.time", f"{what}; the conversation is kept without it")
        yield Conversation(
            id=(named["id"] or self.position) + ending,
            turns=tuple(turns),
            user=named["user"],
            tier=named["tier"],
            time=next((turn.time for turn in turns if turn.time), when or ""),
            model=named["model"],
            place=self.place,
        )

    def _first_turn(self) -> Mapping[str, Any] | None:
        """The user's first turn as the log has it: WildChat tells there who it was."""
        turns = first_of(self.values, tuple(TURNS))
        first = turns[0] if isinstance(turns, list | tuple) and turns else None
        return first if isinstance(first, dict) and "hashed_ip" in first else None

    # --- shapes ------------------------------------------------------------------------------

    def _turns(self, unread: list[str]) -> Iterator[tuple[Turn, ...]]:
        """The turns of each conversation in the row.

        Raises:
            RecordError: there are none, or they cannot be read.
        """
        values, fields = self.values, self.fields
        system = tuple(
            Turn(SYSTEM, encodable(values[name]))
            for name in SYSTEMS
            if isinstance(values.get(name), str) and values[name]
        )
        if fields.turns is not None:
            named = lookup(values, fields.turns)
            if named is MISSING or named is None:
                raise RecordError("log.empty", f"{fields.turns} is missing or null")
            sides = TURNS.get(fields.turns.rpartition(".")[2], BOTH_SIDES)
            yield system + turns_of(named, fields, unread, sides)
            return
        if name := self._list_of_turns():
            yield system + turns_of(values[name], fields, unread, TURNS[name])
        elif any(values.get(name) is not None for name in INSTRUCTIONS):
            yield from (system + turns for turns in self._instruction())
        elif any(values.get(name) is not None for name in PROMPTS):
            name = next(name for name in PROMPTS if values.get(name) is not None)
            yield system + self._prompt(name, unread)
        elif looks_like_turn(values):
            yield turns_of([values], fields, unread)
        elif len(pairs := sides_of(values)) > 1:
            yield system + pairs
        elif any(values.get(name) is not None for name in TEXTS):
            yield system + self._prompt(next(n for n in TEXTS if values.get(n) is not None), unread)
        else:
            raise self._nothing()

    def _list_of_turns(self) -> str:
        """The first field that has turns, as a list or else in another form; empty without one."""
        values = self.values
        lists = (n for n in TURNS if isinstance(values.get(n), list | tuple) and values[n])
        others = (n for n in SURE_TURNS if values.get(n) not in (None, [], (), ""))
        return next(lists, "") or next(others, "")

    def _instruction(self) -> Iterator[tuple[Turn, ...]]:
        values = self.values
        name = next(name for name in INSTRUCTIONS if values.get(name) is not None)
        instruction = _text(values, name)
        instances = values.get(INSTANCES)
        rows = instances if isinstance(instances, list | tuple) and instances else [values]
        for row in rows:
            if not isinstance(row, dict):
                raise RecordError("log.turn_type", f"an instance of type {type(row).__name__}")
            more = next((_text(row, name) for name in INPUTS if row.get(name) is not None), "")
            asked = BETWEEN.join(text for text in (instruction, more) if text)
            yield (Turn(USER, asked), *_answer(row))

    def _prompt(self, name: str, unread: list[str]) -> tuple[Turn, ...]:
        value = self.values[name]
        if not isinstance(value, list | dict):
            return (Turn(USER, _text(self.values, name)), *_answer(self.values))
        turns = turns_of(value, self.fields, unread)
        completion = self.values.get("completion")
        if isinstance(completion, list) and completion:
            return turns + turns_of(completion, self.fields, unread, (ASSISTANT,))
        return (*turns, *_answer(self.values))

    def _nothing(self) -> RecordError:
        known = [name for name in (*TURNS, *INSTRUCTIONS, *PROMPTS, *TEXTS) if name in self.values]
        if known:
            return RecordError("log.empty", f"nothing in {', '.join(known)}")
        there = printable(", ".join(map(str, self.values))) or "none"
        return RecordError(
            "log.shape", f"no turns where they are looked for; its fields are: {there:.300}"
        )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values[name]
    if not isinstance(value, str):
        kind = type(value).__name__
        raise RecordError("log.content_type", f"{name} holds a value of type {kind}, no text")
    return encodable(value)


def _answer(values: Mapping[str, Any]) -> tuple[Turn, ...]:
    """What was answered, where the row tells of one answer as a text."""
    value = next((values[n] for n in ANSWERS if isinstance(values.get(n), str) and values[n]), None)
    return () if value is None else (Turn(ASSISTANT, encodable(value)),)

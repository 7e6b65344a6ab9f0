"""Trees of messages, as Open Assistant stores them (Köpf et al. 2023), as conversations.

A tree has many ways from its root to a leaf, and most differ in the last answer only. Who selects
prompts wants every prompt with what was said before it, and no prompt once for each of its answers.
So there is **one conversation for each last prompt**: a message of the user that no other one
follows. It has the way to it and, after it, the best-ranked answer. Other answers are in no
conversation; how many there are is told as ``log.tree_answers``. Best-ranked ways come first, so that
the first conversation of a tree is the one that people liked best.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.core.errors import RecordError
from pipeline.prompts.conversation import USER, Conversation, Turn
from pipeline.prompts.logs.fields import LogFields
from pipeline.prompts.logs.turns import role_of, turns_of

__all__ = ["Message", "is_tree", "message_id", "nested", "tree_conversations", "ways"]

UNRANKED = 1 << 30
Given = Conversation | RecordError
# Of turns, the end of the id, times that are none, and values of the root; see
# `pipeline.prompts.logs.formats.RowShape.conversation`.
Make = Callable[[Sequence[Turn], str, Sequence[str], Mapping[str, Any]], Iterator[Given]]


@dataclasses.dataclass(slots=True)
class Message:
    """A node: what a message says, and its answers, best-ranked first once `ways` has seen them."""

    values: Mapping[str, Any]
    answers: list[Message] = dataclasses.field(default_factory=list)
    prompts_below: bool = False

    @property
    def asks(self) -> bool:
        """Whether it is the user's."""
        return role_of(self.values.get("role")) == USER


def message_id(values: Mapping[str, Any]) -> Any:
    """What names a message; None without it."""
    return values.get("message_id") or values.get("user_message_id")


def is_tree(values: Mapping[str, Any]) -> bool:
    """Whether a row is a tree: a root in ``prompt``, or a message that has its ``replies``."""
    root = values.get("prompt")
    if isinstance(root, dict):
        return "replies" in root or "message_id" in root
    return isinstance(values.get("replies"), list) and isinstance(values.get("text"), str)


def tree_conversations(values: Mapping[str, Any], make: Make) -> Iterator[Given]:
    """The conversations of a nested tree, and its faults.

    Args:
        values: of the row; see `is_tree`.
        make: makes a conversation of turns.

    Yields:
        Besides conversations ``log.tree`` (a reply is no message), ``log.tree_deleted`` and
        ``log.tree_answers`` (how many messages are left out, with what is below them), ``log.no_user``
        and the faults of turns.
    """
    root = values.get("prompt")
    try:
        yield from ways(nested(root if isinstance(root, dict) else values), make)
    except RecordError as error:
        yield error


def nested(root: Mapping[str, Any]) -> Message:
    """The tree below a message with ``replies``.

    Raises:
        RecordError: ``log.tree``: replies are no list, or a reply is no object.
    """
    top = Message(root)
    left = [top]
    while left:
        message = left.pop()
        replies = message.values.get("replies") or []
        if not isinstance(replies, list):
            raise RecordError("log.tree", f"replies of type {type(replies).__name__} are no list")
        for reply in replies:
            if not isinstance(reply, dict):
                kind = type(reply).__name__
                raise RecordError("log.tree", f"a reply of type {kind} is no message")
            message.answers.append(Message(reply))
        left += message.answers
    return top


def ways(root: Message, make: Make) -> Iterator[Given]:
    """The conversations of a tree, best-ranked first, then what was left out.

    Deleted messages are left out with all below them.
    """
    deleted = _prune(root)
    if root.values.get("deleted") is True:
        yield RecordError("log.tree_deleted", "the first message was deleted")
        return
    order = _in_order(root)
    for message, parent in reversed(order):
        if parent is not None and (message.asks or message.prompts_below):
            parent.prompts_below = True
    told, seen = 0, set[int]()
    for way in _prompt_ways(root):
        told += 1
        seen.update(map(id, way))
        unread: list[str] = []
        try:
            turns = turns_of([message.values for message in way], LogFields(), unread)
        except RecordError as error:
            yield error
            continue
        found = {
            "id": message_id(root.values),
            "user": root.values.get("user_id"),
            "model": _model(way),
        }
        yield from make(turns, f"/{told}" if told > 1 else "", unread, found)
    if not told:
        yield RecordError("log.no_user", "no message of the tree is the user's")
        return
    left_out = len(order) - len(seen)
    if left_out:
        what = f"{left_out} of the tree's {len(order)} messages are in no conversation"
        yield RecordError("log.tree_answers", f"{what}: other answers to prompts that are in one")
    if deleted:
        yield RecordError(
            "log.tree_deleted", f"left out with all below: {deleted} deleted messages"
        )


def _prune(root: Message) -> int:
    """Remove deleted messages and put answers in order; returns how many were deleted."""
    deleted, left = 0, [root]
    while left:
        message = left.pop()
        kept = [answer for answer in message.answers if answer.values.get("deleted") is not True]
        deleted += len(message.answers) - len(kept)
        message.answers = sorted(kept, key=_rank)
        left += kept
    return deleted


def _rank(message: Message) -> float:
    rank = message.values.get("rank")
    return rank if isinstance(rank, int | float) and rank == rank else UNRANKED


def _in_order(root: Message) -> list[tuple[Message, Message | None]]:
    """Every message with the one it answers, each after that."""
    order: list[tuple[Message, Message | None]] = [(root, None)]
    for message, _ in order:  # grows while it is gone through
        order += [(answer, message) for answer in message.answers]
    return order


def _prompt_ways(root: Message) -> Iterator[list[Message]]:
    """The way to each last prompt, and the best answers after it."""
    way: list[Message] = []
    left: list[tuple[Message, int]] = [(root, 0)]
    while left:
        message, depth = left.pop()
        del way[depth:]
        way.append(message)
        if message.prompts_below:
            below = [a for a in message.answers if a.asks or a.prompts_below]
            left += [(answer, depth + 1) for answer in reversed(below)]
        elif message.asks:
            after = message
            rest = list[Message]()
            while after.answers:
                after = after.answers[0]
                rest.append(after)
            yield way + rest


def _model(way: Sequence[Message]) -> Any:
    """The model that wrote the last message that one has written."""
    models = (m.values.get("model_name") for m in reversed(way) if not m.asks)
    return next((model for model in models if isinstance(model, str) and model), None)

"""A conversation, whatever log it comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

__all__ = ["ASSISTANT", "ROLES", "SYSTEM", "TOOL", "USER", "Conversation", "Turn"]

SYSTEM, USER, ASSISTANT, TOOL = "system", "user", "assistant", "tool"
ROLES = (SYSTEM, USER, ASSISTANT, TOOL)


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """What one side said.

    Args:
        role: one of `ROLES`.
        text: any string that can be stored; possibly empty.
        time: ISO 8601 in UTC, as in ``2024-05-01T12:30:00Z``; empty where the log has none.
    """

    role: str
    text: str
    time: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in the order in which they were said, and what the log tells of them.

    Args:
        id: unique in a run; the log's own, or made of file and position.
        turns: at least one of them a user's.
        user: who asked, as the log has it; empty where it does not say.
        tier: what the user pays for (``free``, ``pro``); empty where the log does not say.
        time: of the conversation, ISO 8601 in UTC; of the first turn that has one, else the log's.
        model: that answered.
        place: file and position, for a person.
    """

    id: str
    turns: tuple[Turn, ...]
    user: str = ""
    tier: str = ""
    time: str = ""
    model: str = ""
    place: str = ""

    def said(self, role: str) -> Iterator[str]:
        """The texts of one side's turns."""
        return (turn.text for turn in self.turns if turn.role == role)

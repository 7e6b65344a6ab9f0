"""The written part of the sample of chat logs: conversations composed for this project.

They are in ``shipped/chats.jsonl``, one a line. Users, times, tiers and the dirt of a log are no
part of it: see `pipeline.selection.sample`.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from importlib import resources

__all__ = ["ChatKind", "WrittenChat", "written_chats"]


class ChatKind(enum.StrEnum):
    """What a written conversation is there for."""

    WRITTEN = "written"
    """A prompt as people ask it."""
    JAILBREAK = "jailbreak"
    """It tries to talk the model out of its rules."""
    TEMPLATE = "template"
    """A template of a browser extension around a keyword."""
    SAME = "same"
    """The prompt of ``of`` once more, in other capitals and marks."""
    QUOTES = "quotes"
    """It has eight words in a row and more of ``of``."""
    REWORDED = "reworded"
    """It asks what ``of`` asks in other words."""


@dataclasses.dataclass(frozen=True, slots=True)
class WrittenChat:
    """A conversation, and what is known of it.

    Args:
        kind: what it is there for.
        turns: user and assistant, by turns; the user first. Only ``same`` has none.
        intent: of the opening prompt, as its author meant it: ``asking``, ``doing``, ``expressing``.
        language: of it, as lid.176 names it.
        detailed: a real situation, told so that a good answer is possible.
        of: how the prompt begins that this one is like.
    """

    kind: ChatKind
    turns: tuple[str, ...]
    intent: str = ""
    language: str = "en"
    detailed: bool = False
    of: str = ""


def written_chats() -> list[WrittenChat]:
    """All of them, in the order of the file."""
    file = resources.files("pipeline.sources") / "shipped" / "chats.jsonl"
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [
        WrittenChat(**{**row, "kind": ChatKind(row["kind"]), "turns": tuple(row["turns"])})
        for row in rows
    ]

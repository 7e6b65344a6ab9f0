"""The turn of a row whose intent is judged: the last message of its user, with what came before it."""

from __future__ import annotations

from typing import Any

from classifiers.intent import Asked, asked_in
from pipeline.core.errors import RecordError
from pipeline.prompts.conversation import Conversation
from pipeline.prompts.logs.fields import LogFields
from pipeline.prompts.logs.formats import conversations

__all__ = ["last_asked"]


def last_asked(values: Any, fields: LogFields | None = None) -> Asked | RecordError:
    """What a row's user asked last, or why there is nothing to judge.

    Of a row with several conversations (Chatbot Arena's two, the ways of a tree) it is the first
    that can be read.

    Args:
        values: of a row, in any shape that `pipeline.prompts.logs.formats.conversations` reads.
        fields: named by the user.

    Returns:
        The turn; or the first fault of those of ``conversations``; or ``intent.blank``: the last
        message of the user has no character that can be seen.
    """
    fault: RecordError | None = None
    for given in conversations(values, "", "", fields):
        if isinstance(given, Conversation):
            asked = asked_in([(turn.role, turn.text) for turn in given.turns])
            if asked is not None and asked.prompt.strip():
                return asked
            given = RecordError("intent.blank", "the last message of the user is blank")
        fault = fault or given
    return fault or RecordError("log.shape", "no conversation")

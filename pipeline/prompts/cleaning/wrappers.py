"""Templates that browser extensions put around what a user typed, and what the user typed.

AIPRM (prompts of others, filled in with a keyword), WebChatGPT (search results before a query) and
prompt splitters (a long text sent in parts). The wordings are those seen in shared conversations.
"""

from __future__ import annotations

import dataclasses
import re

__all__ = ["Unwrapped", "unwrap"]

_HEAD = 600  # characters in which a template shows itself

_AIPRM = re.compile(
    r"(?i)\s*(?:please,? )?(?:ignore|disregard) all (?:the )?previous instructions?"
    r"(?: before this one)?[.,!:;]?"
)
_AIPRM_LANGUAGE = re.compile(
    r"(?i)i want you to (?:only )?(?:respond|answer|reply|write)(?: only)? in (?:the )?language\b"
)
# What a template calls the thing that its user fills in.
_SLOT = (
    r"keywords?|key ?phrase|topic|title|subject|niche|request|prompt|product|business|query|"
    r"question|text|article|video|name|brand|company|service|theme|idea|content|website|url"
)
_QUOTED = re.compile(r"\"([^\"\n]{2,300})\"|“([^“”\n]{2,300})”|\[([^\[\]\n]{2,300})\]")
_SLOT_BEFORE = re.compile(rf"(?i)\b(?:{_SLOT})\b[^\"“”\[\]\n]{{0,40}}$")
_SLOT_LAST = re.compile(
    rf"(?i)\b(?:{_SLOT})\b(?: (?:is|are|to \w{{2,12}}|for \w{{2,12}}))?:[ \t]*(\S[^\n]*)\Z"
)
# Slots that nobody filled in, and what templates quote of their own.
_UNFILLED = re.compile(r"(?:[A-Z][A-Z _]{2,}|insert .*|target ?language.*|prompt)\Z")

_SEARCH = re.compile(r"\s*Web search results:")
_SEARCH_QUERY = re.compile(r"\n(?:Query|Prompt|Question):[ \t]*")
_SEARCH_REPLY = re.compile(r"\n+(?:Reply in|Respond in|Answer in) [^\n]{1,40}\s*\Z")

_SPLIT_FIRST = re.compile(
    r"\s*The total length of the content that I want to send you is too large to send in only "
    r"one piece\."
)
_PART = re.compile(r"\[START PART (\d{1,4})/(\d{1,4})\]")


@dataclasses.dataclass(frozen=True, slots=True)
class Unwrapped:
    """What a template holds.

    Args:
        name: ``aiprm``, ``web_search`` or ``splitter``.
        text: what the user typed; None where it cannot be told from the template.
    """

    name: str
    text: str | None


def unwrap(text: str) -> Unwrapped | None:
    """What the user typed into a template; None where ``text`` is no template known here.

    Args:
        text: the whole turn.
    """
    head = text[:_HEAD]
    if _AIPRM.match(head) and _AIPRM_LANGUAGE.search(head):
        return Unwrapped("aiprm", _keyword(text))
    if _SEARCH.match(head):
        query = _query(text)
        # Results without instructions or query are what a user pasted.
        return None if query is None else Unwrapped("web_search", query)
    if _SPLIT_FIRST.match(head):
        return Unwrapped("splitter", _first_part(text))
    if "[START PART " in text:
        part = _part(text)
        return None if part is None else Unwrapped("splitter", part)
    return None


def _keyword(text: str) -> str | None:
    """What stands in the only slot that a template names; None where there are several or none."""
    found: dict[str, str] = {}
    for match in _QUOTED.finditer(text):
        value = next(group for group in match.groups() if group is not None).strip()
        before = text[max(0, match.start() - 80) : match.start()]
        if value and not _UNFILLED.match(value) and _SLOT_BEFORE.search(before):
            found.setdefault(value.casefold(), value)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        return None
    last = _SLOT_LAST.search(text.rstrip()[-_HEAD:])
    return last[1].strip(" \t\"'“”") or None if last else None


def _query(text: str) -> str | None:
    instructions = text.find("\nInstructions:")
    if instructions < 0:
        return None
    match = _SEARCH_QUERY.search(text, instructions)
    if match is None:
        return None
    query = text[match.end() :]
    reply = _SEARCH_REPLY.search(query[-_HEAD:])
    if reply is not None:
        query = query[: len(query) - len(query[-_HEAD:]) + reply.start()]
    return query.strip() or None


def _part(text: str) -> str | None:
    start = _PART.search(text)
    if start is None:
        return None
    mark = f"[END PART {start[1]}/{start[2]}]"
    end = text.find(mark, start.end())
    return None if end < 0 else text[start.end() : end].strip("\n")


def _first_part(text: str) -> str:
    """The first turn of a splitter tells the rules only, or brings the first part, too."""
    # The rules show the marks once themselves; a part of its own follows their end.
    rules = text.find("ALL PARTS SENT")
    return (_part(text[rules:]) or "") if rules >= 0 else ""

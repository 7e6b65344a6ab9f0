"""What chat front ends leave in logged turns: buttons, pagers, banners, invisible characters.

Only whole lines go, from the places where a front end puts them: a user who writes about a "Copy
code" button keeps it. Templates of browser extensions are in `pipeline.prompts.cleaning.wrappers`.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections import Counter
from collections.abc import Mapping

from pipeline.prompts.cleaning.interface_lines import (
    ANSWERS,
    FIRST_LINE_ONLY,
    GLUED_PAGER,
    LONGEST_LINE,
    SPEAKERS,
    is_pager,
    name_of,
)
from pipeline.prompts.cleaning.wrappers import unwrap
from pipeline.prompts.conversation import ASSISTANT, USER, Conversation

__all__ = ["RESIDUE", "CleanedConversation", "CleanedTurn", "clean_conversation", "clean_turn"]

# What is removed, by the name it is counted under.
RESIDUE: dict[str, str] = {
    "copy_code": "the button over a code block, with the language before it",
    "button": "a button under a turn",
    "rating": "the question whether a new answer is better",
    "pager": "the pager through several answers",
    "speaker": "who speaks, as the first line of a turn",
    "banner": "the name of the model, a version, a disclaimer",
    "status": "what the model is said to be doing",
    "notice": "an error or a warning of the front end",
    "aiprm": "the template of an AIPRM prompt around a keyword",
    "web_search": "search results and instructions that WebChatGPT puts around a query",
    "splitter": "what prompt splitters write around a part of a long text",
    "zero_width": "characters that nobody sees",
    "entities": "HTML character references, in a turn that is escaped as a whole",
}

_FENCE = "```"

# A pager beside words of arithmetic is a fraction.
_ARITHMETIC = re.compile(
    r"(?i)\b(?:fractions?|simplif|calculat|comput|divid|ratio|solve|equals?|decimal|percent|"
    r"convert|what is|value of|evaluat|reduce|score)|[=+*×÷?:]\s*$"
)

_COPY = re.compile(
    r"(?P<fence>```)?(?P<language>[\w+#.-]{0,20}?)(?:Copy code|CopyEdit|Copy\d{1,7} chars / "
    r"\d{1,6} lines)(?P<rest>.*)"
)
_COPY_SIGNS = ("Copy code", "CopyEdit", " chars / ")
_CODE_SIGNS = re.compile(r"[;{}=()<>#$/\\]|^\s*(?:import|def|class|from|return|let|var|const)\b")
_GLUED = re.compile(r"[^\W_]|[#<{(@/$*_-]")

# Word joiners, marks of byte order and zero-width spaces; tag characters, which no font shows.
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\U000e0000-\U000e007f]+")
# Tag characters that spell words.
_SPELT = re.compile("[\U000e0020-\U000e007e]{4}")
# Zero-width (non-)joiners shape words of some scripts, and emoji; between ASCII they do nothing.
_JOINERS = re.compile("(?<=[ -~])[\u200c\u200d]+(?=[ -~])")
# A zero-width space parts words in scripts without spaces: Thai, Lao, Tibetan, Burmese, Khmer.
_SPACELESS = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff]")
_FLAG = "\U0001f3f4"  # tag characters behind it spell whose flag it is

_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#[xX][0-9A-Fa-f]{1,6});")
_ABOUT_ENTITIES = re.compile(r"(?i)entit|escap|encod|decod|convert|\bxss\b|sanitiz|character ref")


@dataclasses.dataclass(frozen=True, slots=True)
class CleanedTurn:
    """A turn without residue.

    Args:
        text: what is left; the very string that was given where nothing was removed.
        removed: how often each kind of `RESIDUE` was removed; only kinds that were.
        tags: kinds that were seen and left, since what the user wrote cannot be told; and
            ``hidden_text`` where invisible characters that were removed spelt something, which
            `pipeline.prompts.cleaning.safety_tags` finds no more.
    """

    text: str
    removed: Mapping[str, int]
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class CleanedConversation:
    """A conversation without residue.

    Args:
        conversation: as many turns as before; one that was all residue is left with no text.
        removed: how often each kind of `RESIDUE` was removed, over all turns.
        tags: those of all turns, sorted.
        emptied: positions of the turns that had text and have none now.
    """

    conversation: Conversation
    removed: Mapping[str, int]
    tags: tuple[str, ...]
    emptied: tuple[int, ...]


def clean_conversation(conversation: Conversation) -> CleanedConversation:
    """`clean_turn` for each turn of a conversation."""
    removed: Counter[str] = Counter()
    tags: set[str] = set()
    emptied: list[int] = []
    turns = []
    for index, turn in enumerate(conversation.turns):
        cleaned = clean_turn(turn.text, turn.role)
        removed.update(cleaned.removed)
        tags.update(cleaned.tags)
        if turn.text.strip() and not cleaned.text.strip():
            emptied.append(index)
        same = cleaned.text is turn.text
        turns.append(turn if same else dataclasses.replace(turn, text=cleaned.text))
    return CleanedConversation(
        dataclasses.replace(conversation, turns=tuple(turns)),
        dict(removed),
        tuple(sorted(tags)),
        tuple(emptied),
    )


def clean_turn(text: str, role: str = USER) -> CleanedTurn:
    """``text`` without what a chat front end or a browser extension put there.

    Lines in the middle of a turn stay, but for the button over a code block; so does a line behind
    one that ends in a colon, which is being talked of.

    Args:
        text: any string.
        role: whose turn it is, one of `pipeline.prompts.conversation.ROLES`. Templates are looked
            for in turns of users only.
    """
    removed: Counter[str] = Counter()
    tags: tuple[str, ...] = ()
    cleaned = _visible(text, removed)
    if removed and _SPELT.search(text) is not None and _SPELT.search(cleaned) is None:
        tags = ("hidden_text",)
    cleaned = _unescaped(cleaned, removed)
    if role == USER:
        found = unwrap(cleaned)
        if found is not None:
            if found.text is None:
                tags = (*tags, found.name)
            else:
                cleaned = found.text
                removed[found.name] += 1
    cleaned = _without_glued_pager(_without_lines(cleaned, role, removed), removed)
    return CleanedTurn(cleaned if removed else text, dict(removed), tags)


def _visible(text: str, removed: Counter[str]) -> str:
    if text.isascii():
        return text

    def drop(match: re.Match[str]) -> str:
        before = text[match.start() - 1 : match.start()]
        after = text[match.end() : match.end() + 1]
        if before == _FLAG or (
            "\u200b" in match[0] and (_SPACELESS.match(before) or _SPACELESS.match(after))
        ):
            return match[0]
        removed["zero_width"] += len(match[0])
        return ""

    visible = _INVISIBLE.sub(drop, text)
    visible, joined = _JOINERS.subn("", visible)
    if joined:
        removed["zero_width"] += joined
    return visible


def _unescaped(text: str, removed: Counter[str]) -> str:
    """Escaped as a whole: several references, and none of the characters they stand for."""
    if "&" not in text:
        return text
    count = sum(1 for _ in _ENTITY.finditer(text))
    rest = _ENTITY.sub("", text)
    if count < 2 or any(sign in rest for sign in '&<>"') or _ABOUT_ENTITIES.search(rest):
        return text
    removed["entities"] += count
    return html.unescape(text)


def _without_glued_pager(text: str, removed: Counter[str]) -> str:
    match = GLUED_PAGER.match(text[:LONGEST_LINE])
    if match is None or not is_pager(match):
        return text
    removed["pager"] += 1
    return text[match.end() :]


def _without_lines(text: str, role: str, removed: Counter[str]) -> str:
    lines = text.split("\n")
    copies = any(sign in text for sign in _COPY_SIGNS)
    kept = _without_copy_buttons(lines, role, removed) if copies else lines
    first, last = 0, len(kept)
    first = _front(kept, role, removed)
    last = _back(kept, first, removed)
    if first == 0 and last == len(kept):
        return text if kept is lines else "\n".join(kept)
    return "\n".join(kept[first:last]).strip("\n")


def _without_copy_buttons(lines: list[str], role: str, removed: Counter[str]) -> list[str]:
    kept: list[str] = []
    for index, line in enumerate(lines):
        match = _COPY.match(line) if any(sign in line for sign in _COPY_SIGNS) else None
        before = kept[-1].strip() if kept else ""
        if match is None or not _is_copy_button(match, before, lines, index, role):
            kept.append(line)
            continue
        removed["copy_code"] += 1
        language, rest = match["language"], match["rest"].strip("\r")
        if match["fence"]:
            kept.append(_FENCE + language)
        elif before == _FENCE and language:
            # The language is what a fence may say; no more is lost than the button.
            kept[-1] = kept[-1].rstrip() + language
        if rest.strip():
            kept.append(rest)
    return kept


def _is_copy_button(
    match: re.Match[str], before: str, lines: list[str], index: int, role: str
) -> bool:
    rest = match["rest"].strip()
    fenced = bool(match["fence"]) or before.startswith(_FENCE)
    if rest:
        # "pythonCopy codeimport os": glued to its code by a front end that lost a line break.
        glued = match["rest"][:1] == rest[:1] and _GLUED.match(rest) is not None
        return glued and (fenced or bool(match["language"]))
    if fenced or match["language"]:
        return True
    if before.endswith((":", "：")):
        return False
    after = next((line for line in lines[index + 1 : index + 4] if line.strip()), "")
    at_edge = not before and index == 0
    return (
        role == ASSISTANT
        or after.lstrip().startswith(_FENCE)
        or _CODE_SIGNS.search(after[:LONGEST_LINE]) is not None
        or at_edge
        or not after
    )


def _front(lines: list[str], role: str, removed: Counter[str]) -> int:
    """How many lines at the beginning are residue, blank ones among them."""
    done = at = 0
    while at < len(lines):
        line = lines[at].strip()
        if line:
            name = name_of(line)
            if name is None and line in SPEAKERS.get(role, ()) and _speaks(lines, at + 1):
                name = "speaker"
            if name == "pager" and _is_fraction(line, lines, at, 1):
                name = None
            if name is None:
                break
            removed[name] += 1
            done = at + 1
        at += 1
    return done


def _back(lines: list[str], first: int, removed: Counter[str]) -> int:
    """The end of the lines before the residue at the end."""
    done = at = len(lines)
    pending = 0  # answers to the rating, which stand behind its question
    while at > first:
        line = lines[at - 1].strip()
        if line:
            if line in ANSWERS and pending < len(ANSWERS):
                pending += 1
                at -= 1
                continue
            name = name_of(line)
            if (
                name is None
                or name in FIRST_LINE_ONLY
                or (pending and name != "rating")
                or (name == "pager" and _is_fraction(line, lines, at - 1, -1))
                or _before(lines, first, at - 1).endswith((":", "："))
            ):
                break
            removed[name] += 1
            pending = 0
            done = at - 1
        at -= 1
    return done


def _is_fraction(line: str, lines: list[str], at: int, step: int) -> bool:
    """A pager without arrows that may be arithmetic, or is all that the turn says."""
    if line.startswith("<"):
        return False
    beside = at + step
    while 0 <= beside < len(lines) and not lines[beside].strip():
        beside += step
    if not 0 <= beside < len(lines):
        return True
    return _ARITHMETIC.search(lines[beside][-LONGEST_LINE:].rstrip()) is not None


def _before(lines: list[str], first: int, at: int) -> str:
    """The line with text before ``at``."""
    return next((lines[i].strip() for i in range(at - 1, first - 1, -1) if lines[i].strip()), "")


def _speaks(lines: list[str], start: int) -> bool:
    """Whether the next line with text is a sentence, not one more label in a list."""
    after = next((lines[at] for at in range(start, len(lines)) if lines[at].strip()), "")
    return len(after[:LONGEST_LINE].split()) >= 3

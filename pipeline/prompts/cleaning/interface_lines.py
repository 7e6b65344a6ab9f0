"""Lines that chat front ends write themselves, as they stand in shared and scraped conversations."""

from __future__ import annotations

import re

from pipeline.prompts.conversation import ASSISTANT, USER

__all__ = [
    "ANSWERS",
    "FIRST_LINE_ONLY",
    "GLUED_PAGER",
    "LONGEST_LINE",
    "SPEAKERS",
    "is_pager",
    "name_of",
]

# Whole lines, as the front end spells them. A lower-case "regenerate response" was typed.
_LINES: dict[str, frozenset[str]] = {
    "button": frozenset(
        (
            *("Share Prompt", "Share prompt", "Regenerate response", "Regenerate", "Try again"),
            *("Stop generating", "Continue generating", "Save & Submit", "Save & SubmitCancel"),
            *("Save & Submit Cancel", "Send a message", "Send a message...", "Send a message."),
            *("Share this conversation", "Upgrade to Plus", "Upgrade plan", "Copy to clipboard"),
        )
    ),
    "rating": frozenset(
        (
            "Was this response better or worse?",
            "Was this response better or worse?BetterWorseSame",
            "Was this response better or worse? Better Worse Same",
            "Is this conversation helpful so far?",
            "Which response do you prefer?",
        )
    ),
    "banner": frozenset(
        (
            *("Free Research Preview", "ChatGPT PLUS", "ChatGPT Plus", "New chat"),
            "ChatGPT can make mistakes. Check important info.",
            "ChatGPT can make mistakes. Consider checking important information.",
            "ChatGPT may produce inaccurate information about people, places, or facts.",
            "ChatGPT may produce inaccurate information about people, places, or facts",
        )
    ),
    "notice": frozenset(
        (
            *("Network error", "network error", "Memory updated", "Saved memory full"),
            "An error occurred. Either the engine you requested does not exist or there was "
            "another issue processing your request.",
            "Something went wrong",
            "There was an error generating a response",
            "This content may violate our content policy. If you believe this to be in error, "
            "please submit your feedback — your input will aid our research in this area.",
            "Too many requests in 1 hour. Try again later.",
            "You've reached our limit of messages per hour. Please try again later.",
        )
    ),
    "speaker": frozenset(
        (
            *("You said:", "ChatGPT said:", "Du hast gesagt:", "ChatGPT hat gesagt:"),
            *("Vous avez dit :", "ChatGPT a dit :", "Dijiste:", "ChatGPT dijo:", "Hai detto:"),
            *("ChatGPT ha detto:", "Você disse:", "O ChatGPT disse:", "您说：", "ChatGPT 说："),
            *("あなた:", "ChatGPT:", "Вы сказали:", "ChatGPT сказал:"),
        )
    ),
}
_NAME_OF_LINE = {line: name for name, lines in _LINES.items() for line in lines}
# Names alone, as the first line of a turn of that side.
SPEAKERS = {USER: frozenset(("User",)), ASSISTANT: frozenset(("ChatGPT", "GPT-4"))}
ANSWERS = frozenset(("Better", "Worse", "Same"))

LONGEST_LINE = 240  # a longer line is none of these
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("pager", re.compile(r"< ?(\d{1,3}) ?/ ?(\d{1,3}) ?>|(\d{1,3}) / (\d{1,3})")),
    (
        "banner",
        re.compile(
            r"(?:Model: ?)?(?:Default|Legacy) \(GPT-3\.5\)|Model: ?(?:ChatGPT|GPT-\S{1,12})"
            r"(?: [\w.()-]{1,12}){0,2}|ChatGPT [A-Z][a-z]{2,8} \d{1,2} Version\.?.{0,160}"
        ),
    ),
    (
        "status",
        re.compile(
            r"(?:Thought|Reasoned|Worked) (?:about .{1,60} )?for (?:a few seconds|a couple of "
            r"seconds|a second|\d{1,4} seconds?|\d{1,3}m(?: \d{1,2}s)?)"
            r"|Searched \d{1,3} sites|Finished browsing|Finished working|Browsing\.\.\."
        ),
    ),
)
# "2 / 2Create an article": a pager that has lost its line break, before a capital.
GLUED_PAGER = re.compile(r"\s*(\d{1,2}) / (\d{1,2})(?=[A-Z][a-z])")
FIRST_LINE_ONLY = frozenset(("speaker", "status"))


def name_of(line: str) -> str | None:
    """What a line without spaces around it is, as a key of `pipeline.prompts.cleaning.residue.RESIDUE`.

    None where no front end writes it.
    """
    if len(line) > LONGEST_LINE:
        return None
    name = _NAME_OF_LINE.get(line)
    if name is not None:
        return name
    for name, pattern in _PATTERNS:
        match = pattern.fullmatch(line)
        if match is not None and (name != "pager" or is_pager(match)):
            return name
    return None


def is_pager(match: re.Match[str]) -> bool:
    """Whether the two numbers of a match are a page and the number of pages."""
    page, pages = (int(number) for number in match.groups() if number is not None)
    return 1 <= page <= pages and pages > 1

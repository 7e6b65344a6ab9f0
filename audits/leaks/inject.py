"""Known leaks: the forms in which an item gets into a corpus, each written into a text of that corpus.

Pure and seeded. What is made here is true by construction: the item, the form, and the characters it
stands at.
"""

from __future__ import annotations

import dataclasses
import html
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from audits.benchmarks.coverage import CODE
from audits.findings import Kind
from audits.items import Item
from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest

__all__ = ["FORMS", "Form", "Injected", "inject", "place", "render"]

_T = TypeVar("_T")
Random = np.random.Generator

PER_TYPO = 12  # words
REWORDED = (0.05, 0.10)  # share of the words
FEW = 8  # words of a question, below which it is not looked for alone, nor reworded
WIDTHS = (60, 80)  # columns

_WORD = re.compile(r"\w+")
_SPELLED = re.compile(r"(?<![\w\\])[^\W\d_]{4,}(?!\w)")
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”’)]?\s+|(?<=[。！？])(?!$)")
_MARKS = re.compile(r"(?<!\d)[,;:]|[,;:](?!\d)|[.?!…]+(?=\s|$)")
_FUNCTION_WORD = re.compile(r"(?<![\w.'’-])[A-Za-z]+(?![\w(.'’-]|\s*[=:])")

_LABELS = ("{}) ", "({}) ", "{}. ")
_MARGINS = (("> ", "> "), ("| ", "| "), ("    ", "    "), ("* ", "  "), ("- ", "  "), ("", ""))
_ANSWERED = ("Q: {}\nA: {}", "Question: {}\n\nAnswer: {}", "{}\n\n### Answer\n{}", "**{}**\n{}")
_NUMBERED = ("{}. ", "{}) ", "Question {}: ", "Q{}. ", "[{}] ", "Exercise {}\n")
_RUNNING = (
    ("Then somebody brought this one along: ", " It kept us busy for a good while."),
    ("The next card in the box read as follows: ", " I put it back and took another."),
    ("One of the things that came up was this: ", " We moved on soon afterwards."),
    ("What I wrote down at the time is the following. ", " Make of that what you like."),
)
_NEIGHBOURS = dict(zip("abcdefghijklmnopqrstuvwxyz", "svxfrghjoklknmpowtdyibezux", strict=True))
# A number by itself: not part of a word, a range, a time, a fraction, a date or a longer number.
_NUMBER = re.compile(
    r"(?<![\w.,:/_\\])(?<![^\W\d_][-−–])(?<!\d[-−–])"
    r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?![\w:/_]|[.,]\d|[-−–]\d)"
)
_NUMBER_WORDS = tuple(
    row.split()
    for row in (
        "two three four five six seven eight nine ten eleven twelve",
        "thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
        "twenty thirty forty fifty sixty seventy eighty ninety",
    )
)
_NUMBER_WORD = re.compile(
    rf"(?<![\w-])(?:{'|'.join(word for row in _NUMBER_WORDS for word in row)})(?!\w)", re.IGNORECASE
)
_TAKEN = re.compile(r"[\d.,]*\d|[^\W\d_]+")
_NUMBERS = re.compile(  # what is numbered, not counted
    r"\b(?:act|amendment|appendix|article|case|chapter|class|equation|exercise|figure|grade|group"
    r"|item|level|no|note|number|option|page|paragraph|part|phase|problem|question|route|rule"
    r"|scenario|section|stage|statement|step|table|title|type|version|volume|war)\.?\s+$",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b"
)
_DATED = re.compile(rf"\b(?:[Aa]ged?|{_MONTH}\.?)\s+$")
_DATES = re.compile(rf"\s+{_MONTH}")
_AGED = re.compile(r"[-\s]+(?:years?|months?|weeks?|days?)[-\s]+olds?\b")
_PART = re.compile(r"[-\s](?:hal(?:f|ves)|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth)")
_PAIR = re.compile(r"\b(?:the|these|those|its|their|his|her|any|other|following|first|last)\s+$")
_LINE_START = re.compile(r"(?:^|\n)\s*$")
_SHORT = 60  # words; in longer texts number words are often those of the instructions
_SPREAD = 12  # numbers to choose among, about
# Words that say nothing of the task, and what may stand for them; empty: they may be left out.
_VARIANTS: dict[str, tuple[str, ...]] = {
    "the": ("",),
    "that": ("which", ""),
    "which": ("that",),
    "who": ("that",),
    "each": ("every",),
    "every": ("each",),
    "although": ("though",),
    "these": ("those",),
    "those": ("these",),
    "whether": ("if",),
    "until": ("till",),
    "among": ("amongst",),
    "upon": ("on",),
    "also": ("",),
    "very": ("", "really"),
}
_PROSE_VARIANTS: dict[str, tuple[str, ...]] = {  # the same words mean something in code
    **_VARIANTS,
    "of": ("",),
    "and": ("&",),
    "but": ("yet",),
    "because": ("since", "as"),
    "while": ("whilst",),
    "what": ("which",),
    "this": ("that",),
    "into": ("in",),
    "within": ("in",),
    "on": ("upon",),
    "about": ("around",),
    "will": ("would",),
    "can": ("could",),
    "then": ("",),
    "just": ("",),
    "therefore": ("so", "hence"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """A way in which an item is written.

    Args:
        kind: what such a text is to the item.
        write: the text for an item; empty for one that does not have the form.
        inline: whether it stands within a paragraph, and not as one of its own.
    """

    kind: Kind
    write: Callable[[Item, Random], str]
    inline: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Injected:
    """An item in a text.

    Args:
        item: which.
        document_text: the host with the item in it.
        start, end: characters of ``document_text`` that are the item, end exclusive.
        kind: see `Form`.
        form: its name in `FORMS`.
    """

    item: Item
    document_text: str
    start: int
    end: int
    kind: Kind
    form: str


def inject(item: Item, host_text: str, form: str, rng: Random) -> Injected:
    """Write an item into a text, at the end of one of its paragraphs or sentences.

    Nothing of the host is lost: it is what stands before and behind what was written.

    Args:
        item: to be written.
        host_text: any text, of any length; may be empty.
        form: a name in `FORMS`.
        rng: of it, equal states give equal texts.

    Raises:
        ConfigError: no such form, or the item does not have it; see `render`.
    """
    text = render(item, form, rng)
    if not text:
        raise ConfigError(
            f"{item.benchmark} item {item.id!r} cannot be written as {form!r}; take an item for "
            "which render() gives a text"
        )
    kind = FORMS[form].kind
    if not FORMS[form].inline:
        document, start, end = place(text, host_text, rng)
        return Injected(item, document, start, end, kind, form)
    before, after = _pick(rng, _RUNNING)
    after = after if text[-1] in ".?!…。！？" else f".{after}"
    document, start, _ = place(before + text + after, host_text, rng, inline=True)
    start += len(before)
    return Injected(item, document, start, start + len(text), kind, form)


def render(item: Item, form: str, rng: Random) -> str:
    """The text of an item in a form; empty where it does not have the form.

    Raises:
        ConfigError: no such form.
    """
    if form not in FORMS:
        raise ConfigError(f"no form {form!r}{nearest(form, FORMS)}; forms are {', '.join(FORMS)}")
    return FORMS[form].write(item, rng)


def place(piece: str, host: str, rng: Random, *, inline: bool = False) -> tuple[str, int, int]:
    """``piece`` in a text: the document, and the piece's first character and the one behind its last.

    Args:
        piece: text with something in it.
        host: what is around it, unchanged.
        rng: chooses among the host's boundaries.
        inline: at a sentence's end within a paragraph, not as a paragraph of its own.
    """
    breaks = [found.span() for found in _PARAGRAPH.finditer(host)]
    sentences = [found.end() for found in _SENTENCE.finditer(host)]
    set_off: tuple[str, ...]  # what keeps two pieces apart as it is
    if inline:
        ends = {end for _, end in breaks}
        cuts = [cut for cut in sentences if cut not in ends and cut < len(host)]
        at = _pick(rng, cuts or [len(host)])
        glue, set_off = " ", (" ", "\n")
    else:
        inner = [end for _, end in breaks] or sentences
        at = _pick(rng, [0, *(cut for cut in inner if cut < len(host)), len(host)])
        glue, set_off = "\n\n", ("\n\n",)
    before, after = host[:at], host[at:]
    lead = "" if not before or before.endswith(set_off) else glue
    tail = "" if not after or after.startswith(set_off) else glue
    start = len(before) + len(lead)
    return f"{before}{lead}{piece}{tail}{after}", start, start + len(piece)


# --- forms -------------------------------------------------------------------------------------


def _paragraph(item: Item, rng: Random) -> str:
    return _joined(item.question, _listed(item.choices, rng))


def _question(item: Item, rng: Random) -> str:
    return item.question.strip() if item.choices and _words(item.question) >= FEW else ""


def _inline(item: Item, rng: Random) -> str:
    return " ".join(_paragraph(item, rng).split())


def _hard_wrapped(item: Item, rng: Random) -> str:
    question = " ".join(item.question.split())
    if len(question) <= WIDTHS[1] or " " not in question:
        return ""
    width = int(rng.integers(WIDTHS[0], WIDTHS[1] + 1))
    first, later = _pick(rng, _MARGINS)
    lines = [
        line
        for part in [question, *_listed(item.choices, rng)]
        for line in textwrap.wrap(
            part,
            width,
            initial_indent=first,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
    return "\n".join(lines)


def _recased(item: Item, rng: Random) -> str:
    text = _paragraph(item, rng)
    styles: list[Callable[[str], str]] = [str.upper, str.lower, _unpunctuated, _typographic]
    changed = [other for style in styles if (other := style(text)) and other != text]
    return _pick(rng, changed) if changed else ""


def _shuffled(item: Item, rng: Random) -> str:
    size = len(item.choices)
    if size < 2:
        return ""
    order = rng.permutation(size).tolist()
    if order == list(range(size)):
        order = order[1:] + order[:1]
    choices = [item.choices[at] for at in order]
    lines = _listed(choices, rng)
    if item.answer in choices and rng.random() < 0.5:
        right = choices.index(item.answer)
        mark = int(rng.integers(4))
        if mark < 2:
            lines.append(f"{('Answer', 'Correct answer')[mark]}: {_label(right)}")
        else:
            lines[right] += (" *", " (correct)")[mark - 2]
    return _joined(item.question, lines, _pick(rng, ("\n", "  ")))


def _answered(item: Item, rng: Random) -> str:
    answers = [text.strip() for text in (item.answer, item.solution) if text.strip()]
    asked = _paragraph(item, rng)
    return _pick(rng, _ANSWERED).format(asked, _pick(rng, answers)) if answers and asked else ""


def _markup(item: Item, rng: Random) -> str:
    question, *choices = (html.escape(part.strip()) for part in (item.question, *item.choices))
    if rng.random() < 0.5:
        listed = "".join(f"<li>{choice}</li>" for choice in choices)
        inner = f"<p>{question}</p>" + (f"<ol>{listed}</ol>" if listed else "")
        return f'<div class="question">{inner}</div>' if question or choices else ""
    return "<br />\n".join(filter(None, [question, *(f"&nbsp;&bull; {one}" for one in choices)]))


def _numbered(item: Item, rng: Random) -> str:
    text = _joined(item.question, _listed(item.choices, rng, small=True))
    return _pick(rng, _NUMBERED).format(int(rng.integers(2, 41))) + text if text else ""


def _typos(item: Item, rng: Random) -> str:
    """About one changed letter in `PER_TYPO` words, none of them in a number or a formula."""
    text = _paragraph(item, rng)
    words = [
        one
        for one in _SPELLED.finditer(text)
        if one[0].isalpha() and not _NUMBER_WORD.fullmatch(one[0])
    ]
    if not words:
        return ""
    count = min(len(words), max(1, round(_words(text) / PER_TYPO)))
    for place_of in sorted(rng.choice(len(words), count, replace=False).tolist(), reverse=True):
        start, end = words[place_of].span()
        at = start + 1 + int(rng.integers(end - start - 2))
        text = text[:at] + _mistyped(text[at], text[at + 1], rng) + text[at + 2 :]
    return text


def _mistyped(letter: str, after: str, rng: Random) -> str:
    options = [after, letter + letter + after]  # left out, doubled
    if letter != after:
        options.append(after + letter)
    if letter in _NEIGHBOURS:
        options.append(_NEIGHBOURS[letter] + after)
    return _pick(rng, options)


def _reworded(item: Item, rng: Random) -> str:
    """A few function words replaced or left out: the same question, in nearly the same words."""
    text, code = item.question.strip(), item.language in CODE
    size = _words(text)
    if size < FEW or not (code or item.language == "en"):
        return ""
    table = _VARIANTS if code else _PROSE_VARIANTS
    words = [found for found in _FUNCTION_WORD.finditer(text) if found[0] in table]
    if not words:
        return ""
    count = min(len(words), max(1, round(rng.uniform(*REWORDED) * size)))
    for at in sorted(rng.choice(len(words), count, replace=False).tolist(), reverse=True):
        start, end = words[at].span()
        other = _pick(rng, table[words[at][0]])
        if not other and text[end : end + 1] == " ":
            end += 1
        text = text[:start] + other + text[end:]
    return _joined(text, _listed(item.choices, rng))


def _altered(item: Item, rng: Random) -> str:
    question = _other_number(item, rng)
    return _joined(question, _listed(item.choices, rng)) if question else ""


def _other_number(item: Item, rng: Random) -> str:
    """The question with one of its numbers changed, so that another answer is right.

    Numbers that need not matter are left alone: years and dates, ages, 0 and 1, numbers of
    chapters and statements, those that are part of a word, a range, a time, a fraction or code.
    Empty where there is no other.
    """
    text = item.question.strip()
    if item.language in CODE:
        return ""
    spots = [found for found in _NUMBER.finditer(text) if _matters(found)]
    if not spots and item.language == "en" and _words(text) <= _SHORT:
        spots = [found for found in _NUMBER_WORD.finditer(text) if _matters(found)]
    taken = set(_TAKEN.findall("\n".join([item.question, *item.choices, item.answer]).lower()))
    for at in rng.permutation(len(spots)).tolist():
        number = spots[at][0]
        others = [one for one in _others(number) if one.lower() not in taken]
        if others:
            return text[: spots[at].start()] + _pick(rng, others) + text[spots[at].end() :]
    return ""


def _matters(found: re.Match[str]) -> bool:
    before, after = found.string[: found.start()], found.string[found.end() :]
    if _NUMBERS.search(before) or _DATED.search(before) or _AGED.match(after):
        return False
    if not found[0][0].isdigit():
        return not _PART.match(after) and not (found[0].lower() == "two" and _PAIR.search(before))
    if _DATES.match(after) or (_LINE_START.search(before) and after[:1] in (".", ")")):
        return False
    value = float(found[0].replace(",", ""))
    year = len(found[0]) == 4 and 1000 <= value < 2100 and before[-1:] not in ("$", "€", "£")
    whole = after.lstrip().startswith("%") and value == 100
    return value not in (0, 1) and not year and not whole


def _others(number: str) -> list[str]:
    """Numbers of the same magnitude, written like this one: half to thrice as large, as round."""
    for row in _NUMBER_WORDS:
        if number.lower() in row:
            capital = number[0].isupper()
            return [w.capitalize() if capital else w for w in row if w != number.lower()]
    whole, point, part = number.replace(",", "").partition(".")
    digits = whole + part
    if not digits.isascii() or (digits.startswith("0") and not point):
        return []
    value = int(digits)
    step = 10 ** (len(digits) - len(digits.rstrip("0")))
    size = len(str(value))
    low, high = max(10 ** (size - 1), value // 2, 2), min(10**size - 1, value * 3)
    first, last = -(-low // step), high // step
    stride = max(1, (last - first) // _SPREAD)
    found = []
    for multiple in range(first, last + 1, stride):
        other = str(multiple * step).zfill(len(digits))
        if multiple * step != value:
            cut = len(other) - len(part)
            head = f"{int(other[:cut]):,}" if "," in number else other[:cut]
            found.append(head + point + other[cut:])
    return found


FORMS: dict[str, Form] = {
    "own-paragraph": Form(Kind.VERBATIM, _paragraph),
    "question-only": Form(Kind.VERBATIM, _question),
    "inline": Form(Kind.VERBATIM, _inline, inline=True),
    "hard-wrapped": Form(Kind.VERBATIM, _hard_wrapped),
    "case-punctuation": Form(Kind.VERBATIM, _recased),
    "choices-shuffled": Form(Kind.VERBATIM, _shuffled),
    "question-answer": Form(Kind.VERBATIM, _answered),
    "markup": Form(Kind.VERBATIM, _markup),
    "numbered": Form(Kind.VERBATIM, _numbered),
    "typos": Form(Kind.NEAR_VERBATIM, _typos),
    "reworded": Form(Kind.NEAR_VERBATIM, _reworded),
    "other-number": Form(Kind.ALTERED, _altered),
}


def _pick(rng: Random, options: Sequence[_T]) -> _T:
    return options[int(rng.integers(len(options)))]


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _label(at: int) -> str:
    return chr(ord("A") + at) if at < 26 else str(at + 1)


def _listed(choices: Sequence[str], rng: Random, *, small: bool = False) -> list[str]:
    style = _pick(rng, _LABELS)
    labels = [_label(at) for at in range(len(choices))]
    return [
        style.format(label.lower() if small else label) + choice.strip()
        for label, choice in zip(labels, choices, strict=True)
    ]


def _joined(question: str, lines: Sequence[str], between: str = "\n") -> str:
    return between.join(filter(None, [question.strip(), *lines]))


def _unpunctuated(text: str) -> str:
    return _MARKS.sub("", text)


def _typographic(text: str) -> str:
    text = re.sub(r"(?<!\w)'|(?<!\w)\"", "“", text).replace('"', "”").replace("'", "’")
    return text.replace(" - ", " – ").replace("...", "…").replace(". ", ".  ")

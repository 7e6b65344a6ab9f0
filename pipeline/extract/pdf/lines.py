"""Lines: words on one baseline, with the text they make.

Text is nearly always drawn line by line, so the order of drawing says most. A gap wider than a
space between words ends a line: behind it is another column or another cell. Where that is mended
is `pieces`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence

from pipeline.extract.pdf.words import Word

__all__ = ["Line", "first_width", "is_mark", "line_from", "rows_of", "runs_of"]

_RAISED = 0.88  # a word this much smaller than its line may stand off its baseline
_SUPERSCRIPT = re.compile(r"\d{1,3}|[*†‡§¶]{1,2}|[a-z]")


@dataclasses.dataclass
class Line:
    """Words on one baseline.

    Args:
        words: from left to right, or as they are read where the script goes the other way.
        left, top, right, bottom, base: see `Glyphs`.
        size: the font's size of most of the line, in points.
        mark: a footnote's number that stands raised at the line's beginning.
    """

    words: list[Word]
    left: float
    top: float
    right: float
    bottom: float
    base: float
    size: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @functools.cached_property
    def text(self) -> str:
        """The words with single spaces between; raised numbers in square brackets."""
        return _text(self)

    @functools.cached_property
    def letters(self) -> int:
        """How many letters it has."""
        return sum([letter.isalpha() for letter in self.text])

    @functools.cached_property
    def raised(self) -> bool:
        """Whether any word is much smaller than most of the line."""
        least = _RAISED * self.size
        return any(word.size < least for word in self.words)

    @functools.cached_property
    def raised_first(self) -> str:
        """The footnote mark the line begins with, if it begins with one."""
        first = self.words[0]
        return first.text if len(self.words) > 1 and is_mark(first, self) else ""


def line_from(words: Sequence[Word]) -> Line:
    """The line of these words, in their order."""
    widest = words[0]
    for word in words:
        if word.right - word.left > widest.right - widest.left:
            widest = word
    least = _RAISED * widest.size
    main = [word for word in words if word.size > least] or list(words)
    return Line(
        list(words),
        min([word.left for word in words]),
        min([word.top for word in main]),
        max([word.right for word in words]),
        max([word.bottom for word in main]),
        widest.base,
        widest.size,
    )


def first_width(line: Line) -> float:
    """The width of the line's first word, up to the first space."""
    right = line.words[0].right
    for word in line.words[1:]:
        if word.spaced:
            break
        right = word.right
    return right - line.words[0].left


def is_mark(word: Word, line: Line) -> bool:
    """Whether a word is a raised number or sign, as a footnote's mark is."""
    return (
        word.size < _RAISED * line.size
        and word.base < line.base - 0.15 * line.size
        and _SUPERSCRIPT.fullmatch(word.text) is not None
    )


def runs_of(words: Sequence[Word]) -> list[Line]:
    """Words that were drawn one behind the other on one baseline, in the order of drawing."""
    runs: list[list[Word]] = []
    for word in words:
        if runs and word.follows and _continues(runs[-1], word):
            runs[-1].append(word)
        else:
            runs.append([word])
    return [line_from(run) for run in runs]


def _continues(run: Sequence[Word], word: Word) -> bool:
    host = max(run[-4:], key=lambda one: one.size)
    size = max(host.size, word.size)
    off = abs(word.base - host.base)
    if off <= 0.15 * size:
        return True
    raised = min(host.size, word.size) < _RAISED * size
    return off < 0.65 * size and (raised or len(word.text) <= 3)


def rows_of(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines grouped by baseline, each group from left to right, from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.base, line.left)):
        if rows and abs(rows[-1][0].base - line.base) <= 0.35 * min(rows[-1][0].size, line.size):
            rows[-1].append(line)
        else:
            rows.append([line])
    for row in rows:
        row.sort(key=lambda line: line.left)
    return rows


_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_SPELT = re.compile(r"(?:\w ){3,}\w")


def _text(line: Line) -> str:
    pieces: list[str] = []
    if not line.raised:
        pieces = [f" {word.text}" if word.spaced else word.text for word in line.words]
        pieces[0] = line.words[0].text
        return _finished("".join(pieces), line)
    for index, word in enumerate(line.words):
        mark = len(line.words) > 1 and word.text.isdigit() and is_mark(word, line)
        if mark and index and not _is_note_mark(line, index):
            mark = False
        text = f"[{word.text}]" if mark else word.text
        if (pieces and (word.spaced or (mark and index == 0))) or (
            index == 1 and pieces[0].startswith("[") and line.raised_first
        ):
            pieces.append(" ")
        pieces.append(text)
    return _finished("".join(pieces), line)


def _finished(joined: str, line: Line) -> str:
    """What is left to do for a line's text: its direction, soft hyphens, spelt words."""
    if joined.isascii():
        return joined.replace(" ", "") if _SPELT.fullmatch(joined) else joined
    if _RIGHT_TO_LEFT.search(joined):
        joined = _from_right(line) or joined
    if "\u00ad" in joined:  # seen as a hyphen at the end of a line only
        end = "-" if joined.endswith("\u00ad") else ""
        joined = joined.replace("\u00ad", "") + end
    if _SPELT.fullmatch(joined):
        joined = joined.replace(" ", "")
    return joined


def _is_note_mark(line: Line, index: int) -> bool:
    """A raised number behind a word or a sentence, not an exponent behind a letter or a number."""
    before = line.words[index - 1].text
    return (
        len(before) > 2
        and not before[-1].isdigit()
        and (before[-2:].isalpha() or before[-1] in ".,;:!?\"'”’)")
    )


def _from_right(line: Line) -> str | None:
    """Words of a line that is read from the right, if most of its letters are."""
    whole = "".join(word.text for word in line.words)
    right = len(_RIGHT_TO_LEFT.findall(whole))
    if right * 2 < sum(letter.isalpha() for letter in whole):
        return None
    drawn = line.words[0].left > line.words[-1].left  # already in the order of reading
    words = line.words if drawn else line.words[::-1]
    return " ".join(word.text for word in words)

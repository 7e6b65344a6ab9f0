"""Two texts side by side, for a person: what both have, and where they differ."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterator, Sequence

from pipeline.core.printable import printable
from pipeline.dedup.shingles import UNSPACED

__all__ = ["WORDS", "aligned"]

WORDS = 5_000  # of each text; matching takes time that grows with the square of their number
CONTEXT = 12  # words shown at each end of a long stretch that both have
LONGEST = 240  # characters shown of a word

_ALONE = "".join(f"{chr(first)}-{chr(last)}" for first, last in UNSPACED)
_WORD = re.compile(rf"(\s*)([{_ALONE}]|[^\s{_ALONE}]+)")


@dataclasses.dataclass(frozen=True, slots=True)
class _Word:
    """A word and whether a space stands before it."""

    text: str
    spaced: bool

    @property
    def shown(self) -> str:
        text = self.text
        if len(text) > LONGEST:
            half = LONGEST // 2
            text = f"{text[:half]}…[{len(text) - 2 * half:,} characters]…{text[-half:]}"
        return " " * self.spaced + printable(text)


def aligned(left: str, right: str, width: int) -> Iterator[str]:
    """Two texts in two columns of ``width``, word by word.

    Between the columns stands ``│`` where both have the same, ``≠`` where they differ, ``<`` and
    ``>`` where only one has something. Of a long stretch that both have, the ends are shown.

    Args:
        left, right: any strings; no character of theirs acts on the terminal.
        width: in cells, of which a Han character takes two; at least 2.
    """
    lefts, more_left = _words(left)
    rights, more_right = _words(right)
    matcher = difflib.SequenceMatcher(a=_folded(lefts), b=_folded(rights))
    for tag, *(a, b, c, d) in matcher.get_opcodes():
        sign = {"equal": "│", "replace": "≠", "delete": "<", "insert": ">"}[tag]
        columns = [_joined(lefts[a:b], tag), _joined(rights[c:d], tag)]
        wrapped = [list(_wrapped(column, width)) for column in columns]
        for row in range(max(map(len, wrapped))):
            cells = [lines[row] if row < len(lines) else "" for lines in wrapped]
            yield f"{_padded(cells[0], width)} {sign} {cells[1]}".rstrip()
    cut = max(more_left, more_right)
    if cut:
        yield f"… {cut:,} more words are not shown"


def _words(text: str) -> tuple[list[_Word], int]:
    """The first words, and how many more there are."""
    words: list[_Word] = []
    more = 0
    for found in _WORD.finditer(text.strip()):
        if len(words) < WORDS:
            words.append(_Word(found[2], bool(found[1])))
        else:
            more += 1
    return words, more


def _folded(words: Sequence[_Word]) -> list[str]:
    return [word.text.casefold() for word in words]


def _joined(words: Sequence[_Word], tag: str) -> str:
    left_out = len(words) - 2 * CONTEXT
    if tag != "equal" or left_out < CONTEXT:
        return "".join(word.shown for word in words).strip()
    head, tail = words[:CONTEXT], words[-CONTEXT:]
    return " ".join((_joined(head, ""), f"… [{left_out:,} words] …", _joined(tail, "")))


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Lines of at most ``width`` cells, broken at spaces, within longer words anywhere."""
    from rich.cells import cell_len, chop_cells

    line, held = "", 0
    for word in text.split(" "):
        size = cell_len(word)
        if line and held + 1 + size <= width:
            line, held = f"{line} {word}", held + 1 + size
            continue
        if line:
            yield line
        *whole, line = chop_cells(word, width) if size > width else [word]
        yield from whole
        held = cell_len(line)
    if line:
        yield line


def _padded(text: str, width: int) -> str:
    from rich.cells import cell_len

    return text + " " * max(0, width - cell_len(text))

"""The passages of a document that are held against items: its windows, and its docstrings."""

from __future__ import annotations

import re
from typing import NamedTuple

from audits.semantic.windows import windows

__all__ = ["Passage", "passages"]

SHORT = 24  # words; the vector of a longer window is diluted for a question of a dozen

_DOCSTRING = re.compile(r"(\"\"\"|''')(.{8,4000}?)\1", re.DOTALL)
_EXAMPLES = re.compile(r"\n\s*(?:>>>|(?:for )?examples?\b.{0,20}$)", re.IGNORECASE | re.MULTILINE)


class Passage(NamedTuple):
    """A part of a document: characters, end exclusive."""

    start: int
    end: int


def passages(text: str, *, words: int = 64, short: bool = True) -> list[Passage]:
    """All passages of a text, in order of their start.

    Windows cover the text (`audits.semantic.windows`), and short ones cover it once more. The prose
    of a docstring, up to its examples, is a passage besides, since a task leaks there whatever code
    stands around it.

    Args:
        text: any string.
        words: of a window, at most.
        short: with windows of `SHORT` words, where others are longer.
    """
    sizes = (words, SHORT) if short and words > SHORT else (words,)
    found = {Passage(one.start, one.end) for size in sizes for one in windows(text, words=size)}
    if '"""' in text or "'''" in text:
        for match in _DOCSTRING.finditer(text):
            prose = match.group(2)
            examples = _EXAMPLES.search(prose)
            prose = prose[: examples.start()] if examples else prose
            start = match.start(2) + len(prose) - len(prose.lstrip())
            end = match.start(2) + len(prose.rstrip())
            if end > start:
                found.add(Passage(start, end))
    return sorted(found)

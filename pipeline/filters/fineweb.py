"""FineWeb's own quality rules (Penedo et al. 2024, arXiv:2406.17557, section 3.6). No others."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.records import Document
from pipeline.filters.base import Filter
from pipeline.filters.characters import TERMINAL
from pipeline.filters.text import view

__all__ = ["FineWebQuality"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineWebQuality(Filter):
    """FineWeb's rules against lists, menus and repeated lines.

    Defaults follow datatrove 0.10.1 (``FineWebQualityFilter``), the code that made the data set.
    Differences from the paper:

    - ``duplicate_line_characters``: the code drops above .01, the paper says .1. Pass
      ``bounds={"duplicate_line_characters": {"high": 0.1}}`` for the paper's;
    - ``newlines_per_word`` is in the code and not in the paper;
    - a bound lies just outside the paper's: exactly .12 of lines with terminal punctuation is kept
      where the paper drops it; so is exactly .67 of short lines;
    - a line of exactly 30 characters is short in the code, not in the paper.

    Lines are split at ``\\n`` and blank ones are left out; a line ends as it stands, trailing
    spaces included. A text without a filled line fails ``terminal_punctuation``.

    Args:
        tokenizer: ``words``, or ``spacy`` for datatrove's.
        short_line: a line of at most this many characters is short.
    """

    name: ClassVar[str] = "fineweb"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("terminal_punctuation", "share of lines that end with terminal punctuation", 0, 1),
        Signal("short_lines", "share of short lines", maximum=1),
        Signal("duplicate_line_characters", "share of characters in lines seen before", 0, 1),
        Signal("newlines_per_word", "line breaks per word"),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (
        Bound("terminal_punctuation", low=0.12),
        Bound("short_lines", high=0.67),
        Bound("duplicate_line_characters", high=0.01),
        Bound("newlines_per_word", high=0.3),
    )

    tokenizer: str = "words"
    short_line: int = 30

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        text = view(doc, self.tokenizer)
        lines = text.filled_lines
        count = max(len(lines), 1)
        newlines = doc.text.count("\n")
        repeated = sum(map(len, lines)) - sum(map(len, set(lines)))
        return {
            "terminal_punctuation": sum(line[-1] in TERMINAL for line in lines) / count,
            "short_lines": sum(len(line) <= self.short_line for line in lines) / count,
            "duplicate_line_characters": repeated / max(len(doc.text) - newlines, 1),
            "newlines_per_word": newlines / max(len(text.kinds), 1),
        }

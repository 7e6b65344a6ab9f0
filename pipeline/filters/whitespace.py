"""White space at line ends and lines of nothing else: extractors leave them, and rules count them."""

from __future__ import annotations

import dataclasses
import re
from typing import ClassVar

from pipeline.core.decisions import Signal
from pipeline.filters.cleaners import Cleaner

__all__ = ["Whitespace"]

_GAPS = re.compile(r"\n{3,}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Whitespace(Cleaner):
    """Strips line ends, empties lines of white space, keeps at most one empty line in a row.

    Indentation stays, since it means something in code. Without this cleaner, lines of fifty
    spaces count as duplicates of each other in Gopher's repetition rules (as they do in
    datatrove), and a novel laid out with them is dropped.
    """

    name: ClassVar[str] = "whitespace"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("blank_lines", "lines of nothing but white space that were emptied"),
        Signal("characters", "characters taken away"),
    )

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        lines = text.split("\n")
        stripped = [line.rstrip() for line in lines]
        blank = sum(
            not after and bool(before) for before, after in zip(lines, stripped, strict=True)
        )
        cleaned = _GAPS.sub("\n\n", "\n".join(stripped)).strip("\n")
        counts = {"blank_lines": float(blank), "characters": float(len(text) - len(cleaned))}
        return (text if cleaned == text else cleaned), counts

"""Pieces of an input: some splits, cut finely, spread evenly, as a source of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pipeline.core.records import RawRecord
from pipeline.sources.base import Source, Split

__all__ = ["PIECE_BYTES", "Pieces", "size_of", "spread"]

PIECE_BYTES = 2 << 20  # stored; some hundred pages of a crawl


def size_of(split: Split) -> int:
    """Stored bytes of a split."""
    return split.end - split.start


def spread(source: Source, plan: Sequence[Split], number: int) -> tuple[Split, ...]:
    """Pieces about the middles of ``number`` equal stretches of the input, each one once."""
    whole = sum(map(size_of, plan))
    targets = [(2 * place + 1) * whole // (2 * number) for place in range(number)]
    found: dict[Split, None] = {}
    before = 0
    for split in plan:
        size = size_of(split)
        inside = [split.start + one - before for one in targets if before <= one < before + size]
        before += size
        if inside:
            fine = _finely(source, split)
            for offset in inside:
                found[next(one for one in fine if one.start <= offset < one.end)] = None
    return tuple(found)


def _finely(source: Source, split: Split) -> list[Split]:
    """The split, or the pieces it is cut into by a source that can be told how finely."""
    if not hasattr(source, "split_size"):
        return [split]
    change: dict[str, Any] = {"split_size": min(source.split_size, PIECE_BYTES)}
    if hasattr(source, "paths"):
        change["paths"] = (split.path,)
    fine = dataclasses.replace(source, **change).plan()
    cut = [
        Split(one.path, max(one.start, split.start), min(one.end, split.end))
        for one in fine
        if one.path == split.path and one.start < split.end and one.end > split.start
    ]
    return cut or [split]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pieces(Source):
    """Some splits of another source."""

    name: ClassVar[str] = "pieces"

    source: Source
    pieces: tuple[Split, ...]

    def plan(self) -> list[Split]:
        return list(self.pieces)

    def read(self, split: Split) -> Iterator[RawRecord]:
        return self.source.read(split)

    def stamp(self, path: str) -> tuple[int, int]:
        return self.source.stamp(path)

    def parameters(self) -> dict[str, Any]:
        return self.source.parameters()

"""A source of a few texts with their scores in them, and filters that rank by those: for tests of runs."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pipeline.curate
from pipeline.core.decisions import Bound, Signal, SignalValue, Verdict
from pipeline.core.records import Document, Locator, RawRecord
from pipeline.extract import Extraction
from pipeline.extract.extraction import Extracted
from pipeline.filters.base import TOP, Filter, Ranking
from pipeline.recipe import Keep, Recipe, RunLimits
from pipeline.run import RunResult, run
from pipeline.runtime.ledger import read_rows
from pipeline.sources.base import Source, Split

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Texts(Source):
    """Files of texts. ``DROP`` is refused by the source; a text may name its id: ``id=x …``."""

    name: ClassVar[str] = "texts"
    files: tuple[tuple[str, ...], ...]
    split_size: int = 3

    def plan(self) -> list[Split]:
        return [
            Split(str(number), first, min(first + self.split_size, len(file)))
            for number, file in enumerate(self.files)
            for first in range(0, len(file), self.split_size)
        ]

    def read(self, split: Split) -> Iterator[RawRecord]:
        for place in range(split.start, split.end):
            text = self.files[int(split.path)][place]
            name = f"id-{split.path}-{place}"
            if text.startswith("id="):
                name, _, text = text.removeprefix("id=").partition(" ")
            record = RawRecord(name, "", Locator(split.path, place, 1), text.encode())
            if text == "DROP":
                record.drop = Verdict(False, "texts.kind", None, None, "refused")
            yield record

    def stamp(self, path: str) -> tuple[int, int]:
        content = "\n".join(self.files[int(path)])
        return len(content), zlib.crc32(content.encode())

    def parameters(self) -> dict[str, Any]:
        return {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Best(Filter):
    """Ranks by the number that a text begins with; one without has no score. ``share`` None: by bounds."""

    name: ClassVar[str] = "best"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("score", "the number at the beginning", minimum=-1e9),
        Signal("words", "words"),
        Signal("kind", "what it begins with", kind="text"),
        Signal(TOP, "rank over documents", maximum=1.0),
    )
    share: float | None = dataclasses.field(default=0.5, metadata={"decides": True})
    tagged: tuple[str, ...] = dataclasses.field(default=(), metadata={"decides": True})

    def published_bounds(self) -> tuple[Bound, ...]:
        return () if self.share is None else (Bound(TOP, high=self.share),)

    def ranking(self) -> Ranking | None:
        return None if self.share is None else Ranking("score", self.share)

    def tags(self) -> tuple[str, ...]:
        return self.tagged

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        first = doc.text.split()[0]
        try:
            score = float(first)
        except ValueError:
            score = None
        kind = "number" if score is not None else "word"
        return {"score": score, "words": float(len(doc.text.split())), "kind": kind, TOP: 0.0}


class Longest(Best):
    """The same by the number of words, another filter."""

    name = "longest"

    def ranking(self) -> Ranking | None:
        return None if self.share is None else Ranking("words", self.share)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words(Filter):
    """At least ``count`` words; breaks on BREAK."""

    name: ClassVar[str] = "words"
    signals: ClassVar[tuple[Signal, ...]] = (Signal("count", "words"),)
    default_bounds: ClassVar[tuple[Bound, ...]] = (Bound("count", low=2),)

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        if "BREAK" in doc.text:
            raise ValueError("this text breaks it")
        return {"count": float(len(doc.text.split()))}


class Fewer(Words):
    """At most so many words; another filter."""

    name = "fewer"
    default_bounds = (Bound("count", high=20),)


class _PlainText:
    def extract(self, record: RawRecord) -> Extracted:
        return Extracted((record.payload or b"").decode(), "utf-8", "http")


def extract_nothing() -> None:
    """Payloads are texts already: for a process in which nothing else is extracted."""
    pipeline.curate._extractor = lambda _: _PlainText()  # type: ignore[assignment]


def recipe(
    files: Sequence[Sequence[str]], *steps: Any, split_size: int = 3, **sections: Any
) -> Recipe:
    """A recipe over ``files``; any number of broken records is fine."""
    source = Texts(files=tuple(map(tuple, files)), split_size=split_size)
    keep = Keep(**sections.pop("keep", {}))
    return Recipe(
        "ranked", "unused", source, Extraction("resiliparse"), steps, keep=keep,
        limits=RunLimits(1.0), **sections,
    )  # fmt: skip


def ranked_run(out: Path, *given: Any, **more: Any) -> RunResult:
    """Run `recipe` of these arguments in this process."""
    return run(recipe(*given, **more), out=out, serial=True)


def rows(out: Path, kind: str) -> list[Row]:
    return [row for path in sorted((out / kind).iterdir()) for row in read_rows(path)]


def kept(out: Path) -> list[str]:
    """Ids of what stayed, sorted."""
    return sorted(row["id"] for row in rows(out, "corpus"))

"""The embedded sample as a source: nothing to download, nothing written to disk."""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

from pipeline.core.records import RawRecord
from pipeline.sources.base import Source, Split
from pipeline.sources.sample import sample_bytes
from pipeline.sources.warc import WarcSource

__all__ = ["SampleSource"]

NAME = "sample.warc.gz"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleSource(Source):
    """The sample crawl of `pipeline.sources.sample`, made in memory by whoever reads it.

    Args:
        split_size: stored bytes in a split, about.
    """

    name: ClassVar[str] = "sample"
    version: ClassVar[int] = 1

    split_size: int = 32 << 10

    def plan(self) -> list[Split]:
        size = len(_crawl())
        cuts = max(1, -(-size // self.split_size))
        bounds = [size * cut // cuts for cut in range(cuts + 1)]
        return [Split(NAME, *pair) for pair in itertools.pairwise(bounds)]

    def read(self, split: Split) -> Iterator[RawRecord]:
        crawl = _crawl()
        yield from WarcSource(paths=()).read_file(io.BytesIO(crawl), len(crawl), split)

    def stamp(self, path: str) -> tuple[int, int]:
        return len(_crawl()), 0

    def parameters(self) -> dict[str, Any]:
        return WarcSource(paths=()).parameters()


_crawl = functools.cache(sample_bytes)

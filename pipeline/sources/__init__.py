"""Where records come from: a source plans splits and reads each into `RawRecord`s.

A new source is a module beside `warc.py` with one `Source` subclass, and a line in `SOURCES`
(or an entry point in the group ``gristmill.sources`` of another package).
"""

from __future__ import annotations

from pipeline.core.registry import Registry
from pipeline.sources.base import Source, Split

__all__ = ["SOURCES", "Source", "Split"]

SOURCES = Registry(
    "source",
    {
        "warc": "pipeline.sources.warc:WarcSource",
        "wet": "pipeline.sources.wet:WetSource",
        "commoncrawl": "pipeline.sources.commoncrawl:CommonCrawlSource",
        "sample": "pipeline.sources.embedded:SampleSource",
    },
    "gristmill.sources",
)

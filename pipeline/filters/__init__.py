"""Filters and cleaners: one rule family per file, its name in a table below and nothing else here.

    from pipeline.filters import GopherQuality

    GopherQuality().check("a text").keep
    GopherQuality(bounds={"word_count": {"low": 20}})(table)

Importing this package loads no model, tokeniser or list; `URL`, `Language` and what uses classifiers
are imported when first asked for. Other packages add theirs under the entry-point groups
``gristmill.filters`` and ``gristmill.cleaners``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.core.decisions import Bound, Signal, Verdict
from pipeline.core.records import Document
from pipeline.core.registry import Registry
from pipeline.filters.base import Filter, Result
from pipeline.filters.c4 import C4, C4Lines
from pipeline.filters.cleaners import Cleaner
from pipeline.filters.fineweb import FineWebQuality
from pipeline.filters.gopher import GopherQuality, GopherRepetition
from pipeline.filters.whitespace import Whitespace

if TYPE_CHECKING:
    from pipeline.filters.check import check_filter
    from pipeline.filters.language import Language
    from pipeline.filters.quality import Quality
    from pipeline.filters.relevance import Relevance
    from pipeline.filters.repeated_lines import RepeatedLines
    from pipeline.filters.toxicity import Toxicity, ToxicSentences
    from pipeline.filters.url import URL

__all__ = [
    "C4",
    "CLEANERS",
    "FILTERS",
    "URL",
    "Bound",
    "C4Lines",
    "Cleaner",
    "Document",
    "Filter",
    "FineWebQuality",
    "GopherQuality",
    "GopherRepetition",
    "Language",
    "Quality",
    "Relevance",
    "RepeatedLines",
    "Result",
    "Signal",
    "ToxicSentences",
    "Toxicity",
    "Verdict",
    "Whitespace",
    "check_filter",
]

FILTERS = Registry(
    "filter",
    {
        "url": "pipeline.filters.url:URL",
        "language": "pipeline.filters.language:Language",
        "gopher_repetition": "pipeline.filters.gopher:GopherRepetition",
        "gopher_quality": "pipeline.filters.gopher:GopherQuality",
        "c4": "pipeline.filters.c4:C4",
        "fineweb": "pipeline.filters.fineweb:FineWebQuality",
        "quality": "pipeline.filters.quality:Quality",
        "toxicity": "pipeline.filters.toxicity:Toxicity",
        "relevance": "pipeline.filters.relevance:Relevance",
    },
    "gristmill.filters",
)

CLEANERS = Registry(
    "cleaner",
    {
        "whitespace": "pipeline.filters.whitespace:Whitespace",
        "c4_lines": "pipeline.filters.c4:C4Lines",
        "repeated_lines": "pipeline.filters.repeated_lines:RepeatedLines",
        "toxic_sentences": "pipeline.filters.toxicity:ToxicSentences",
    },
    "gristmill.cleaners",
)

_LAZY = {
    "ToxicSentences": "pipeline.filters.toxicity",
    "Toxicity": "pipeline.filters.toxicity",
    "URL": "pipeline.filters.url",
    "Language": "pipeline.filters.language",
    "Quality": "pipeline.filters.quality",
    "Relevance": "pipeline.filters.relevance",
    "RepeatedLines": "pipeline.filters.repeated_lines",
    "check_filter": "pipeline.filters.check",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

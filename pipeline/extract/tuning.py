"""What makes trafilatura faster in a process of its own, and changes no text.

Each step alters a library for the whole process, so this is for the extraction child and not for
a process that somebody else's code shares. A step whose target a release of the library no longer
has fails loudly; the tests hold the tuned texts against the untouched library's.
"""

from __future__ import annotations

import importlib
from typing import Any

from pipeline.extract.page import plain_lookup
from pipeline.extract.selectors import compile_selector

__all__ = ["tune_trafilatura"]


def tune_trafilatura() -> None:
    """Apply every step. Doing so twice is harmless."""
    _replace_xpaths()
    _look_up_plainly()
    _spare_justext()


def _replace_xpaths() -> None:
    """Half of the time goes into XPath with regular expressions: see `selectors`."""
    for found in vars(importlib.import_module("trafilatura.xpaths")).values():
        if isinstance(found, list):
            # In place: other modules hold these very lists.
            found[:] = [compile_selector(one.path) or one for one in found]
    # As an attribute of the package, `baseline` is the function of that name.
    baseline: Any = importlib.import_module("trafilatura.baseline")
    clean = baseline.BASIC_CLEAN_XPATH
    baseline.BASIC_CLEAN_XPATH = compile_selector(clean.path) or clean


def _look_up_plainly() -> None:
    """The copies that readability works on come from parsers of their own."""
    importlib.import_module("trafilatura.utils").HTML_PARSER.set_element_class_lookup(
        plain_lookup()
    )
    importlib.import_module("lxml.html").html_parser.set_element_class_lookup(plain_lookup())


def _spare_justext() -> None:
    """jusText's stop words as a set, whose hash is computed once and not for each page, and its
    paragraphs without the XPath that nobody reads."""
    external: Any = importlib.import_module("trafilatura.external")
    external.JT_STOPLIST = frozenset(external.jt_stoplist_init())
    importlib.import_module("justext.core").PathInfo.xpath = ""

"""One tokenisation for all filters: a `TextView` of a document's text, computed as far as asked.

What several filters read belongs here; what one filter counts belongs into that filter.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.core.records import Document
from pipeline.filters.words import Splitter, splitter

__all__ = ["TextView", "view"]


class TextView:
    """Words and lines of one text, each computed once, when first read.

    Args:
        text: any string.
        tokens: the tokeniser, see `pipeline.filters.words.splitter`.
    """

    def __init__(self, text: str, tokens: Splitter):
        self.text = text
        self._splitter = tokens

    @cached_property
    def _words(self) -> tuple[list[str], bytes]:
        return self._splitter.split(self.text)

    @property
    def words(self) -> list[str]:
        """All words in order, marks and symbols among them; none holds whitespace."""
        return self._words[0]

    @cached_property
    def kinds(self) -> npt.NDArray[np.uint8]:
        """Flags of each word: `pipeline.filters.words.kind`. Higher bits are the tokeniser's."""
        return np.frombuffer(self._words[1], np.uint8)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Characters of each word."""
        return np.fromiter(map(len, self.words), np.int64, len(self.words))

    @cached_property
    def lines(self) -> list[str]:
        """``str.splitlines``: also at form feeds, U+2028 and the like; no line after the last."""
        return self.text.splitlines()

    @cached_property
    def filled_lines(self) -> list[str]:
        """Lines split at ``\\n`` alone that hold more than whitespace."""
        return [line for line in self.text.split("\n") if line and not line.isspace()]

    def count_sentences(self, lines: list[str]) -> int:
        """Sentences in ``lines``, at least one for each; see `Splitter.count_sentences`."""
        return self._splitter.count_sentences(lines)


def view(doc: Document, tokenizer: str) -> TextView:
    """The view of ``doc.text``, kept in ``doc.cache``.

    Raises:
        ConfigError: ``tokenizer`` is neither ``words`` nor ``spacy``, or spaCy is not installed.
    """
    key = ("text", tokenizer)
    found: TextView | None = doc.cache.get(key)
    if found is None:
        found = doc.cache[key] = TextView(doc.text, splitter(tokenizer))
    return found

"""Gopher's rules: repetition and quality (Rae et al. 2021, arXiv:2112.11446, appendix A1.1).

Where the paper leaves a rule open we count as datatrove 0.10.1 does, which made FineWeb; each
docstring says where that is not what one would read into the paper. Only Gopher's rules here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.records import Document
from pipeline.filters.base import Filter
from pipeline.filters.ngrams import NGrams
from pipeline.filters.text import view
from pipeline.filters.words import ALPHABETIC, PLAIN

__all__ = ["GopherQuality", "GopherRepetition"]

_TOP = (2, 3, 4)
_DUPLICATE = (5, 6, 7, 8, 9, 10)
_STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class GopherRepetition(Filter):
    """Gopher's repetition rules: shares of a text that repeat what it said before.

    Defaults: Rae et al. 2021, table A1. All shares of characters are of the whole text, whitespace
    included. As in datatrove 0.10.1:

    - lines are split at runs of ``\\n`` and paragraphs at two or more, so that an empty line is
      no duplicate; a line of spaces is one;
    - a text in which no n-gram occurs twice still has a top n-gram, its first. Of a text of a few
      words that may be over the bound;
    - the top n-gram is measured with one space between words and may overlap itself, so its
      share can exceed 1;
    - an empty text fails: ``characters``, which the paper does not list, has the bound 1.

    Args:
        tokenizer: ``words``, or ``spacy`` for datatrove's.
    """

    name: ClassVar[str] = "gopher_repetition"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("characters", "length of the text in characters"),
        Signal("duplicate_paragraphs", "share of paragraphs seen before", maximum=1),
        Signal("duplicate_paragraph_characters", "their share of characters", maximum=1),
        Signal("duplicate_lines", "share of lines seen before", maximum=1),
        Signal("duplicate_line_characters", "their share of characters", maximum=1),
        *(
            Signal(f"top_{n}_gram", f"share of characters in the most frequent {n}-gram")
            for n in _TOP
        ),
        *(
            Signal(f"duplicate_{n}_grams", f"share of characters in {n}-grams seen before", 0, 1)
            for n in _DUPLICATE
        ),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (
        Bound("characters", low=1),
        Bound("duplicate_paragraphs", high=0.30),
        Bound("duplicate_paragraph_characters", high=0.20),
        Bound("duplicate_lines", high=0.30),
        Bound("duplicate_line_characters", high=0.20),
        Bound("top_2_gram", high=0.20),
        Bound("top_3_gram", high=0.18),
        Bound("top_4_gram", high=0.16),
        Bound("duplicate_5_grams", high=0.15),
        Bound("duplicate_6_grams", high=0.14),
        Bound("duplicate_7_grams", high=0.13),
        Bound("duplicate_8_grams", high=0.12),
        Bound("duplicate_9_grams", high=0.11),
        Bound("duplicate_10_grams", high=0.10),
    )

    tokenizer: str = "words"

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        text = view(doc, self.tokenizer)
        size = max(len(doc.text), 1)
        paragraph_share, paragraph_characters = _duplicates(_paragraphs(doc.text))
        line_share, line_characters = _duplicates(_lines(doc.text))
        grams = NGrams(text.words, text.lengths)
        return {
            "characters": float(len(doc.text)),
            "duplicate_paragraphs": paragraph_share,
            "duplicate_paragraph_characters": paragraph_characters / size,
            "duplicate_lines": line_share,
            "duplicate_line_characters": line_characters / size,
            **{f"top_{n}_gram": grams.top_characters(n) / size for n in _TOP},
            **{f"duplicate_{n}_grams": grams.duplicate_characters(n) / size for n in _DUPLICATE},
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class GopherQuality(Filter):
    """Gopher's quality rules: is this running text, in English?

    Defaults: Rae et al. 2021, appendix A1.1. As in datatrove 0.10.1:

    - marks and symbols are words to the tokenisers, and in the denominators of
      ``hash_ratio``, ``ellipsis_ratio`` and ``alphabetic_words``; ``word_count`` and
      ``mean_word_length`` leave words of nothing but symbols out, and so does
      ``alphabetic_plain_words``, which reads the paper's 80 % as words are commonly counted; it
      is measured, and bounded only by those who bound it;
    - bullets are ``•`` and ``-``;
    - ``stop_words`` counts how many different ones occur, in lower case as the text has them.

    The slug ``gopher_quality.stop_words.low`` means too few of them (datatrove calls the same
    verdict ``gopher_enough_stop_words``).

    Args:
        tokenizer: ``words``, or ``spacy`` for datatrove's.
        stop_words: the words to look for; for other languages give that language's.
    """

    name: ClassVar[str] = "gopher_quality"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("word_count", "words that are not only symbols"),
        Signal("mean_word_length", "characters per word"),
        Signal("hash_ratio", "number signs per word"),
        Signal("ellipsis_ratio", "ellipses per word"),
        Signal("bullet_lines", "share of lines that begin with a bullet", maximum=1),
        Signal("ellipsis_lines", "share of lines that end with an ellipsis", maximum=1),
        Signal("alphabetic_words", "share of words with a letter", maximum=1),
        Signal("alphabetic_plain_words", "the same, of words not only symbols", maximum=1),
        Signal("stop_words", "different stop words present"),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (
        Bound("word_count", low=50, high=100_000),
        Bound("mean_word_length", low=3, high=10),
        Bound("hash_ratio", high=0.1),
        Bound("ellipsis_ratio", high=0.1),
        Bound("bullet_lines", high=0.9),
        Bound("ellipsis_lines", high=0.3),
        Bound("alphabetic_words", low=0.8),
        Bound("stop_words", low=2),
    )

    tokenizer: str = "words"
    stop_words: tuple[str, ...] = tuple(sorted(_STOP_WORDS))

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        text = view(doc, self.tokenizer)
        every = max(len(text.words), 1)
        plain = (text.kinds & PLAIN) != 0
        plain_count = int(np.count_nonzero(plain))
        alphabetic = int(np.count_nonzero(text.kinds & ALPHABETIC))
        lines = text.lines
        bullets = sum(line.lstrip().startswith(("•", "-")) for line in lines)
        trailing = sum(line.rstrip().endswith(("...", "…")) for line in lines)
        return {
            "word_count": float(plain_count),
            "mean_word_length": int(text.lengths[plain].sum()) / max(plain_count, 1),
            "hash_ratio": doc.text.count("#") / every,
            "ellipsis_ratio": (doc.text.count("...") + doc.text.count("…")) / every,
            "bullet_lines": bullets / max(len(lines), 1),
            "ellipsis_lines": trailing / max(len(lines), 1),
            "alphabetic_words": alphabetic / every,
            "alphabetic_plain_words": min(alphabetic / max(plain_count, 1), 1.0),
            "stop_words": float(len(set(self.stop_words).intersection(text.words))),
        }


def _lines(text: str) -> list[str]:
    """``re.split("\\n+", text)`` with the empty pieces last, at a fifth of its cost."""
    pieces = text.split("\n")
    if len(pieces) == 1:
        return pieces
    return [line for line in pieces if line] + [""] * ((not pieces[0]) + (not pieces[-1]))


def _paragraphs(text: str) -> list[str]:
    """``re.split("\\n{2,}", text.strip())``, likewise."""
    pieces = [piece.lstrip("\n") for piece in text.strip().split("\n\n")]
    return pieces if len(pieces) == 1 else [piece for piece in pieces if piece]


def _duplicates(items: Sequence[str]) -> tuple[float, int]:
    """Share of ``items`` equal to an earlier one, and the characters in those."""
    distinct = set(items)
    characters = sum(map(len, items)) - sum(map(len, distinct))
    return (len(items) - len(distinct)) / len(items), characters

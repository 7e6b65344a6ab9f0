"""The lexical tier: which texts of a corpus share n-grams with which benchmark items, and where.

    index = LexicalIndex.build(items)
    counts = sum(index.count(texts) for texts in parts)          # of the corpus, or of a sample
    boilerplate = Suppression.learn(index.ngrams, counts, documents)
    weights = index.weigh(counts, documents, boilerplate)
    hits = index.find(texts, weights)

Nothing is decided here: a hit is a candidate with its evidence (`audits.lexical.matching`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audits.items import Item
from audits.lexical.boilerplate import Suppression, check_counts
from audits.lexical.files import load_ngrams, save_ngrams
from audits.lexical.hits import LexicalHit, Tally, Weights
from audits.lexical.item_ngrams import ItemNgrams, Part, item_ngrams, item_texts
from audits.lexical.matching import Matching
from audits.lexical.ngrams import SHORTEST, Ngrams
from audits.lexical.search import Search
from audits.lexical.words import Words, batches, split
from pipeline.core.errors import ConfigError

__all__ = ["LexicalIndex"]

UNSEEN = 1000  # documents that a corpus is taken to have beyond its own: a few say little

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


class LexicalIndex:
    """n-grams of benchmark items, ready to be looked for.

    Args:
        ngrams: of the items.
        width: words of an n-gram.
    """

    def __init__(self, ngrams: ItemNgrams, width: int):
        self.ngrams, self.width = ngrams, width
        self._table = Ngrams(ngrams.hashes, ngrams.widths, width, ngrams.prefixes)
        self._search: tuple[Weights | None, Matching, Search] | None = None

    @classmethod
    def build(cls, items: Sequence[Item], words: int = 5) -> LexicalIndex:
        """Index items.

        Args:
            words: of an n-gram.

        Raises:
            ConfigError: ``words`` is too small to be evidence, or too large for anything to be found.
        """
        if not SHORTEST < words <= 50:
            raise ConfigError(f"words = {words}: give {SHORTEST + 1} to 50 words to an n-gram")
        return cls(item_ngrams(items, words), words)

    def save(self, folder: Path) -> None:
        """Write it; see `audits.lexical.files`.

        Raises:
            StorageError: it cannot be written.
        """
        save_ngrams(self.ngrams, self.width, folder)

    @classmethod
    def load(cls, folder: Path, mmap: bool = True) -> LexicalIndex:
        """Read it, after comparing checksums.

        Args:
            mmap: leave the arrays in the files, shared between processes.

        Raises:
            SourceError: no index, a damaged one, or one of another version.
        """
        return cls(*load_ngrams(folder, mmap))

    def __len__(self) -> int:
        """How many n-grams there are."""
        return len(self.ngrams.hashes)

    @property
    def items(self) -> int:
        """How many items were indexed."""
        return len(self.ngrams.lengths)

    def count(self, texts: Sequence[str], out: _Ints | None = None) -> _Ints:
        """How many of these texts have each n-gram; add it up over a corpus.

        Args:
            out: ``int64[n]``, added to and returned; zeros where there is none.
        """
        counts = np.zeros(len(self), np.int64) if out is None else out
        for _, words in _split(texts):
            at, which = self._table.find(words)
            pairs = np.unique(words.text_of(at) * len(self) + which)
            np.add.at(counts, pairs % max(len(self), 1), 1)
        return counts

    def weigh(
        self,
        counts: _Ints | None = None,
        documents: int = 0,
        suppression: Suppression | None = None,
    ) -> Weights:
        """What each n-gram is worth.

        The weight an n-gram has among items (`audits.lexical.item_ngrams`) times its inverse document
        frequency in the corpus, ``log(1 + (documents + 1000) / (count + 1))`` over that of one that
        no document has. When an item leaks, all its n-grams lose alike, and coverage stays what it is.

        Args:
            counts: ``int64[n]``, of `count`; None weighs by the items alone.
            documents: how many were counted.
            suppression: what is worth nothing.

        Raises:
            ConfigError: counts of another index.
        """
        values = self.ngrams.weights.astype(np.float64)
        if counts is not None:
            check_counts(counts, len(self), documents)
            seen = documents + UNSEEN
            values = values * (np.log1p(seen / (counts + 1)) / np.log1p(seen))
        plain = Weights.of(self.ngrams, values)
        if suppression is None or not len(suppression.ngrams):
            return plain
        values = values.copy()
        values[suppression.ngrams] = 0.0
        return Weights.of(self.ngrams, values, plain)

    def find(
        self,
        texts: Sequence[str],
        weights: Weights | None = None,
        matching: Matching | None = None,
        tally: Tally | None = None,
    ) -> list[LexicalHit]:
        """Candidates in texts, by text and best first.

        Args:
            weights: of `weigh`; by the items alone where there are none.
            matching: what makes a candidate.
            tally: added to.
        """
        search = self._searching(weights, matching or Matching())
        tally = Tally() if tally is None else tally
        hits: list[LexicalHit] = []
        for first, words in _split(texts):
            hits += search.hits(words, *self._table.find(words), tally, first)
        return hits

    def _searching(self, weights: Weights | None, matching: Matching) -> Search:
        """The last one is kept: it takes longer to make than a page to search."""
        if self._search is None or self._search[0] is not weights or self._search[1] != matching:
            search = Search(self.ngrams, self.width, weights or self.weigh(), matching)
            self._search = (weights, matching, search)
        return self._search[2]

    def unchecked(self, weights: Weights, matching: Matching | None = None) -> list[str]:
        """Why each item cannot be found, even if a text has all of it; empty for those that can.

        ``no words``; ``too short``, where no part makes an n-gram, nor the question with its choices;
        ``no text of its own``, where what it has are templates, or is suppressed.
        """
        rule = matching or Matching()
        there = weights.totals > 0
        lengths = self.ngrams.lengths
        evidence = weights.totals.max(axis=1)
        near = np.diff(self.ngrams.near_offsets) > 0
        short = lengths[:, Part.QUESTION] < self.width
        found = rule.candidates(there.astype(np.float64), evidence, short, near)
        longest = lengths.max(axis=1, initial=0)
        joined = lengths[:, [Part.QUESTION, Part.CHOICES]].sum(axis=1)
        reasons = np.select(
            [found, lengths.sum(axis=1) == 0, np.maximum(longest, joined) < self.width],
            ["", "no words", "too short"],
            "no text of its own",
        )
        return [str(reason) for reason in reasons]

    def shown(self, ngrams: Sequence[int] | _Ints, items: Sequence[Item]) -> list[str]:
        """n-grams as the words of an item that has them, as they stand there.

        Args:
            ngrams: their numbers.
            items: that were indexed.
        """
        shown = []
        for number in ngrams:
            item, text, word = self.ngrams.sources[number].tolist()
            texts = [part for _, part in item_texts(items[item])][text:]
            words = split(texts)
            run = [word, word + int(self.ngrams.widths[number])]
            within = [[max(run[0], a), min(run[1], b)] for a, b in _spans(words)]
            shown.append(
                " ".join(
                    " ".join(texts[n][slice(*words.characters(n, [part])[0].tolist())].split())
                    for n, part in enumerate(within)
                    if part[0] < part[1]
                )
            )
        return shown


def _split(texts: Sequence[str]) -> Iterator[tuple[int, Words]]:
    for first, part in batches(texts):
        yield first, split(part)


def _spans(words: Words) -> Iterator[tuple[int, int]]:
    yield from zip(words.bounds[:-1].tolist(), words.bounds[1:].tolist(), strict=True)

"""n-grams that a corpus has so often that they say nothing of a benchmark: found, suppressed, reported.

How often alone does not tell boilerplate from a leak: an item that fifty documents repeat makes its
n-grams frequent. So an n-gram is suppressed only if

- *outlier*: more documents have it than `Frequent.documents` and `Frequent.share` of the corpus, and
  `Frequent.ratio` times as many as have a typical n-gram of any part of any item that has it. When a
  question leaks, all its n-grams are as frequent as the leak; when one of them is a phrase of the
  language or of the site, the others are not. Typical is the lower quartile, so that phrases may be
  most of a question.
- *ceiling*: more documents have it than any leak plausibly reaches: `Frequent.most_documents` and
  `Frequent.most_share` of the corpus. Items all of whose n-grams go can no longer be checked
  lexically; `audits.lexical.tier.LexicalIndex.unchecked` names them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.lexical.item_ngrams import ItemNgrams, Part
from pipeline.core.errors import ConfigError

__all__ = ["RULES", "Frequent", "Suppression"]

RULES = ("outlier", "ceiling")

_Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Frequent:
    """What is too frequent; see above.

    Args:
        documents, share, ratio: above which an n-gram is an outlier.
        most_documents, most_share: above which it is one whatever the others are.

    Raises:
        ConfigError: a value below 0, or a ratio below 1.
    """

    documents: int = 50
    share: float = 1e-4
    ratio: float = 10.0
    most_documents: int = 1000
    most_share: float = 0.01

    def __post_init__(self) -> None:
        for name in ("documents", "share", "most_documents", "most_share"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"frequent.{name} = {getattr(self, name)}: give 0 or more")
        if not self.ratio >= 1:
            raise ConfigError(f"frequent.ratio = {self.ratio}: give 1 or more")


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Suppression:
    """Suppressed n-grams, the most frequent first.

    Args:
        ngrams: ``int64[n]``, their numbers in the index.
        counts: ``int64[n]``, how many documents have each.
        rules: ``uint8[n]``, which of `RULES`.
        documents: of the corpus they were counted in.
    """

    ngrams: _Ints
    counts: _Ints
    rules: npt.NDArray[np.uint8]
    documents: int

    @classmethod
    def learn(
        cls, ngrams: ItemNgrams, counts: _Ints, documents: int, frequent: Frequent | None = None
    ) -> Suppression:
        """Find what is too frequent.

        Args:
            ngrams: of the index.
            counts: ``int64[n]``, documents that have each, added up over the corpus or a sample.
            documents: how many were counted.

        Raises:
            ConfigError: counts of another index, or of more documents than there are.
        """
        check_counts(counts, len(ngrams.hashes), documents)
        rule = frequent or Frequent()
        outlier = counts > max(rule.documents, rule.share * documents)
        outlier &= counts > rule.ratio * np.maximum(_typical(ngrams, counts), 1)
        ceiling = counts > max(rule.most_documents, rule.most_share * documents)
        found = np.flatnonzero(outlier | ceiling)
        found = found[np.lexsort((found, -counts[found]))]
        return cls(found, counts[found], ceiling[found].astype(np.uint8), documents)

    def rows(
        self, words: Sequence[str], lost_by: dict[int, int] | None = None
    ) -> list[dict[str, Any]]:
        """For a report, one row for each n-gram.

        Args:
            words: of each of `ngrams`; see `audits.lexical.tier.LexicalIndex.shown`.
            lost_by: `audits.lexical.hits.Tally.lost_by`.
        """
        return [
            {
                "ngram": text,
                "documents": int(count),
                "share": round(int(count) / max(self.documents, 1), 6),
                "rule": RULES[rule],
                "hits_lost": (lost_by or {}).get(int(number), 0),
            }
            for number, count, rule, text in zip(
                self.ngrams, self.counts, self.rules, words, strict=True
            )
        ]


def check_counts(counts: _Ints, ngrams: int, documents: int) -> None:
    """Whether counts can be those of an index.

    Raises:
        ConfigError: they are not.
    """
    if len(counts) != ngrams:
        raise ConfigError(
            f"counts of {len(counts):,} n-grams for an index of {ngrams:,}; count again"
        )
    if len(counts) and not 0 <= int(counts.min()) <= int(counts.max()) <= documents:
        raise ConfigError(
            f"an n-gram was counted in {int(counts.max()):,} of {documents:,} documents; "
            "add up the documents of all parts that were counted"
        )


def _typical(ngrams: ItemNgrams, counts: _Ints) -> npt.NDArray[np.float64]:
    """For each n-gram, the highest of what is typical of the parts that have it."""
    which = np.repeat(np.arange(len(counts)), np.diff(ngrams.offsets))
    part = ngrams.items.astype(np.int64) * len(Part) + ngrams.parts
    order = np.lexsort((counts[which], part))
    edges = np.flatnonzero(np.diff(part[order], prepend=-1))
    sizes = np.diff(edges, append=len(order))
    quartile = counts[which[order[edges + sizes // 4]]] if len(edges) else counts[:0]
    of = np.searchsorted(part[order[edges]], part)
    highest = np.zeros(len(counts))
    np.maximum.at(highest, which, quartile[of].astype(np.float64))
    return highest

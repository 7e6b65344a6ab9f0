"""Pages of real words or of an invented language, by a random generator alone."""

from __future__ import annotations

import bisect
import functools
import itertools
import random
from collections.abc import Iterator, Sequence

__all__ = ["Writer"]

_SYLLABLES = [
    first + vowel + last
    for first in (
        "b",
        "ch",
        "d",
        "f",
        "g",
        "h",
        "k",
        "l",
        "m",
        "n",
        "p",
        "r",
        "s",
        "t",
        "v",
        "w",
        "",
    )
    for vowel in ("a", "e", "i", "o", "u", "ai", "ou")
    for last in ("", "", "n", "r", "s", "l", "th")
]
_VOCABULARY = 30_000


class Writer:
    """Where words, sentences and pages come from.

    Args:
        rng: decides everything.
        sources: real texts to take pages and words from; an invented language if none.
    """

    def __init__(self, rng: random.Random, sources: Sequence[str] | None):
        self.rng = rng
        self._sources: Iterator[str] | None = None
        self._pool: list[str] = []
        if sources:
            usable = [text for text in sources if len(text.split()) >= 50]
            self._sources = itertools.cycle(rng.sample(usable, len(usable)))
            self._pool = [word for text in usable[:200] for word in text.split()]

    def words(self, count: int) -> list[str]:
        """Words by their frequency."""
        if self._pool:
            return self.rng.choices(self._pool, k=count)
        vocabulary, cumulative = _language()
        total = cumulative[-1]
        return [
            vocabulary[bisect.bisect(cumulative, self.rng.random() * total)] for _ in range(count)
        ]

    def sentence(self, count: int | None = None) -> str:
        made = " ".join(self.words(count or self.rng.randint(5, 25)))
        return made[:1].upper() + made[1:] + "."

    def text(self, length: int | None = None) -> str:
        """Paragraphs of sentences, ``length`` words; by itself a page."""
        length = length or round(self.rng.lognormvariate(5.6, 0.7)) + 30
        sentences, written = [], 0
        while written < length:
            count = min(self.rng.randint(5, 25), length - written)
            sentences.append(self.sentence(count))
            written += count
        paragraphs = []
        while sentences:
            cut = self.rng.randint(2, 7)
            paragraphs.append(" ".join(sentences[:cut]))
            sentences = sentences[cut:]
        return "\n\n".join(paragraphs)

    def page(self) -> str:
        """A text to start a family from; never the same twice."""
        if self._sources is None:
            return self.text()
        taken, left = [], 1_500
        for line in next(self._sources).split("\n"):
            parts = line.split(" ")[:left]
            taken.append(" ".join(parts))
            left -= len(parts)
            if left <= 0:
                break
        return f"{self.sentence(12)}\n\n" + "\n".join(taken)

    def rate(self) -> float:
        return self.rng.uniform(0, 0.06) if self.rng.random() < 0.5 else self.rng.uniform(0, 0.6)


@functools.cache
def _language() -> tuple[list[str], list[float]]:
    """An invented vocabulary and cumulative frequencies by Zipf's law; the same for every seed."""
    rng = random.Random(0)
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        found["".join(rng.choices(_SYLLABLES, k=rng.choice((1, 1, 2, 2, 2, 3, 3, 4))))] = None
    found.pop("", None)
    weights = [1 / (rank + 2.7) for rank in range(len(found))]
    return list(found), list(itertools.accumulate(weights))

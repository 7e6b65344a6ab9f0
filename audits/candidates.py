"""Candidates: places of documents and the items that they may leak, from n-grams and from vectors.

Both tiers propose by themselves; a place that both propose is one candidate.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from audits.index import StoredIndex, nearest_items
from audits.lexical.boilerplate import Suppression
from audits.lexical.hits import LexicalHit, Tally
from audits.semantic.passages import Passage, passages
from audits.semantic.prescreen import Prescreen
from audits.settings import AuditSettings

__all__ = ["OVERLAP", "Candidate", "Encode", "Proposed", "Proposer", "overlap"]

LEAST_COSINE = 0.5  # of a passage and an item worth weighing
OVERLAP = 0.5  # of the shorter of two places, from which on they are one
_SHORT = 64  # words; the passage around a longer item is as long as the item
_REGION = 2400  # characters of a passage that is weighed, at most, unless the item is longer
_LONGEST = 12_000
_STEP = 64  # characters
_AROUND = 48  # characters around an n-gram hit: a sentence's first word, a label
_MOST = 0.5  # of a question's n-grams, from which on a hit is about as long as what it hit

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
_Near = tuple[Passage, tuple[int, ...]]


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A passage of a document, the items it may leak, and those that passages within it may.

    Args:
        row: number of the document.
        start: its first character.
        text: what it says.
        items: numbers of items, to be weighed.
        rivals: numbers of items that are weighed elsewhere.
    """

    row: int
    start: int
    text: str
    items: tuple[int, ...]
    rivals: tuple[int, ...]


@dataclasses.dataclass
class Proposed:
    """What was proposed in a batch of documents.

    Args:
        candidates: by document, in order, then by place.
        tally: ``passages``, ``embedded``, ``lexical_hits``, ``candidates``.
        lost_by: hits that suppression cost, by number of the n-gram.
    """

    candidates: list[Candidate] = dataclasses.field(default_factory=list)
    tally: Counter[str] = dataclasses.field(default_factory=Counter)
    lost_by: Counter[int] = dataclasses.field(default_factory=Counter)


class Proposer:
    """Proposes candidates. A document's are its own, whatever was seen before.

    Args:
        index: whose items.
        settings: how.
        counts: ``int64[n-grams]``, documents of the corpus with each.
        documents: how many were counted.
    """

    def __init__(
        self,
        index: StoredIndex,
        settings: AuditSettings,
        counts: npt.NDArray[np.int64] | None = None,
        documents: int = 0,
    ):
        self._index, self._settings = index, settings
        suppression = None
        if counts is not None:
            suppression = Suppression.learn(index.lexical.ngrams, counts, documents)
        self._weights = index.lexical.weigh(counts, documents, suppression)
        self._words = [len(item.question.split()) for item in index.items]
        self._lengths = [len(item.question) for item in index.items]
        self._prescreen: Prescreen | None = None
        if settings.prescreen and index.items:
            # Another encoder may know other languages, of which the pre-screen does not judge.
            foreign = settings.encoder.model is not None
            self._prescreen = Prescreen.build(index.items, foreign=foreign)

    def propose(self, texts: Sequence[str], encode: Encode) -> Proposed:
        """The candidates of these texts.

        Args:
            encode: embeds passages.
        """
        proposed, tally = Proposed(), Tally()
        hits = self._index.lexical.find(texts, self._weights, tally=tally)
        proposed.lost_by.update(tally.lost_by)
        proposed.tally["lexical_hits"] += len(hits)
        near = self._semantic(texts, encode, proposed.tally)
        by_text: dict[int, list[LexicalHit]] = defaultdict(list)
        for hit in hits:
            by_text[hit.text].append(hit)
        for at in sorted({*near, *by_text}):
            found = self._merged(at, texts[at], near.get(at, []), by_text.get(at, []))
            proposed.candidates += found
            proposed.tally["candidates"] += sum(len(one.items) for one in found)
        return proposed

    def _semantic(
        self, texts: Sequence[str], encode: Encode, tally: Counter[str]
    ) -> dict[int, list[_Near]]:
        every = [
            (at, passage)
            for at, text in enumerate(texts)
            for passage in passages(text, words=self._settings.words)
        ]
        tally["passages"] += len(every)
        spoken = [texts[at][one.start : one.end] for at, one in every]
        chosen = self._worth(spoken)
        tally["embedded"] += len(chosen)
        near: dict[int, list[_Near]] = defaultdict(list)
        if not chosen:
            return near
        vectors = encode([spoken[number] for number in chosen])
        most = min(self._settings.candidates, len(self._index.items))
        cosines, numbers = nearest_items(np.asarray(self._index.vectors), vectors, most)
        for number, row, items in zip(chosen, cosines, numbers, strict=True):
            at, passage = every[number]
            there = tuple(int(item) for item, cosine in zip(items, row, strict=True)
                          if cosine >= LEAST_COSINE)  # fmt: skip
            if there:
                near[at].append((passage, there))
        return near

    def _worth(self, spoken: Sequence[str]) -> list[int]:
        """Numbers of the passages that are embedded."""
        if self._prescreen is None:
            return list(range(len(spoken)))
        return [int(at) for at in np.flatnonzero(self._prescreen.worth(spoken))]

    def _merged(
        self,
        at: int,
        text: str,
        near: Sequence[_Near],
        hits: Sequence[LexicalHit],
    ) -> list[Candidate]:
        """One candidate for each place: its passage, or more of the text for longer items."""
        asked: dict[tuple[int, int], list[int]] = {}
        for passage, items in near:
            for item in items:
                more = self._around(item, passage)
                place = _region(text, passage.start, passage.end, more, more, more)
                asked.setdefault(place, []).append(item)
        for hit in hits:
            # Behind it the answer may be; before it no more of the text than the question needs,
            # which would be another copy.
            before = behind = self._lengths[hit.item] + _AROUND
            if hit.question >= _MOST:
                before = max(_AROUND, before - (hit.end - hit.start))
            place = _region(text, hit.start, hit.end, before, behind, self._lengths[hit.item])
            asked.setdefault(place, []).append(hit.item)
        starts = [passage.start for passage, _ in near]
        return [
            Candidate(
                at,
                start,
                text[start:end],
                tuple(dict.fromkeys(items)),
                tuple(
                    dict.fromkeys(
                        item
                        for passage, others in near[
                            bisect_left(starts, start - _LONGEST) : bisect_left(starts, end)
                        ]
                        if overlap(start, end, *passage) >= OVERLAP
                        for item in others
                    )
                ),
            )
            for (start, end), items in sorted(asked.items())
        ]

    def _around(self, item: int, passage: Passage) -> int:
        """Characters on either side of a passage that a longer item may take there."""
        length = self._lengths[item]
        if self._words[item] > _SHORT:
            return length
        # In steps, so that items of about the same length are held against the same text.
        return -(-length // _STEP) * _STEP if length > passage.end - passage.start else 0


def overlap(start: int, end: int, other_start: int, other_end: int) -> float:
    """Share of the shorter of two places that both have."""
    shared = min(end, other_end) - max(start, other_start)
    return shared / max(1, min(end - start, other_end - other_start))


def _region(
    text: str, start: int, end: int, before: int, behind: int, length: int
) -> tuple[int, int]:
    """Characters around a place, cut at white space, and no more of them than are weighed.

    Args:
        before, behind: characters wanted on either side.
        length: of the item; a longer one needs more.
    """
    if not before and not behind:
        return start, end
    most = min(max(_REGION, 2 * length), _LONGEST)
    first, last = max(0, start - before), min(len(text), end + behind)
    if last - first > most:
        middle = (start + end) // 2
        first = max(0, min(first, middle - most // 2))
        first = max(first, min(start, middle - most // 2))
        last = min(len(text), first + most)
    return _at_spaces(text, first, start), _at_spaces(text, last, end)


def _at_spaces(text: str, place: int, towards: int) -> int:
    """``place``, moved to white space if there is any on the way ``towards``."""
    if place in (0, len(text)):
        return place
    if place < towards:
        found = text.find(" ", place, towards)
        return found + 1 if found >= 0 else place
    found = text.rfind(" ", towards, place)
    return found if found >= 0 else place

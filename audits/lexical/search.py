"""From n-grams met in a batch of texts to candidates: which item, where, how much of it.

n-grams of one item that stand near each other are a place; a place is cut into copies of the item;
each copy is weighed. All of that is done for a whole batch at once, and only the cutting, of the few
places that may be candidates, one by one.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from audits.lexical.hits import LexicalHit, Tally, Weights
from audits.lexical.item_ngrams import ItemNgrams, Part
from audits.lexical.matching import Matching, copies
from audits.lexical.ngrams import SHORTEST, ngram_hashes
from audits.lexical.words import Words

__all__ = ["Search"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    """One row for each n-gram met and each part that has it, by text, item and place.

    Args:
        posting: ``int64[n]``, which n-gram of which part, as in `ItemNgrams.offsets`.
        place: word of the batch it starts at.
        group: which place, then which copy, it belongs to; ascending.
        texts, items: of each group.
    """

    posting: _Ints
    place: _Ints
    group: _Ints
    texts: _Ints
    items: _Ints


class Search:
    """Candidates in batches of words.

    Args:
        ngrams: of the items.
        width: words of an n-gram.
        weights, matching: what they are worth, and what is enough.
    """

    def __init__(self, ngrams: ItemNgrams, width: int, weights: Weights, matching: Matching):
        self._ngrams, self._weights, self._matching = ngrams, weights, matching
        lengths = ngrams.lengths.astype(np.int64)
        self._gaps, self._spans = matching.reaches(lengths.sum(axis=1))
        self._short = lengths[:, Part.QUESTION] < width
        self._has_near = np.diff(ngrams.near_offsets) > 0
        self._ngram = np.repeat(np.arange(len(ngrams.hashes)), np.diff(ngrams.offsets))

    def hits(
        self, words: Words, at: _Ints, which: _Ints, tally: Tally, first: int = 0
    ) -> list[LexicalHit]:
        """Candidates, by text and best first.

        Args:
            words: of the batch.
            at, which: n-grams met in it, see `audits.lexical.ngrams.Ngrams.find`.
            tally: added to.
            first: what the first text of the batch is called.
        """
        tally.texts += len(words.bounds) - 1
        tally.words += len(words.hashes)
        tally.occurrences += len(at)
        at, which = self._unrepeated(words, at, which, tally)
        rows, likely = self._places(words, at, which, self._weights)
        if self._weights.unsuppressed:
            self._count_lost(words, at, which, rows, likely, tally)
        if not likely.any():
            return []
        rows = self._copies(rows, np.flatnonzero(likely))
        covered, evidence = self._weighed(rows, self._weights)
        near = self._near(words, rows, covered)
        beside: _Flags = near.max(axis=1) > 0
        chosen = self._matching.candidates(covered, evidence, self._short[rows.items], beside)
        return self._listed(
            words, rows, covered, evidence, near, np.flatnonzero(chosen), tally, first
        )

    def _unrepeated(
        self, words: Words, at: _Ints, which: _Ints, tally: Tally
    ) -> tuple[_Ints, _Ints]:
        """Without what a text repeats beyond measure: it says nothing new, and may fill the memory."""
        most = self._matching.repeats
        if len(at) <= most:
            return at, which
        key = words.text_of(at) * len(self._ngrams.hashes) + which
        order = np.argsort(key, kind="stable")
        again = order[most:][key[order[most:]] == key[order[:-most]]]
        tally.repeats += len(again)
        return np.delete(at, again), np.delete(which, again)

    def _places(
        self, words: Words, at: _Ints, which: _Ints, weights: Weights
    ) -> tuple[_Rows, _Flags]:
        """All places, and which may be candidates: what the best part of one has, it has."""
        of = weights.values[which] > 0
        at, which = at[of], which[of]
        offsets = self._ngrams.offsets
        times = offsets[which + 1] - offsets[which]
        row = np.repeat(np.arange(len(at)), times)
        posting = np.arange(len(row)) + np.repeat(offsets[which] - np.cumsum(times) + times, times)
        item = self._ngrams.items[posting].astype(np.int64)
        key = words.text_of(at)[row] * len(self._gaps) + item
        order = np.argsort(key, kind="stable")
        key, posting, place, item = key[order], posting[order], at[row[order]], item[order]
        opens = np.ones(len(key), np.bool_)
        opens[1:] = (key[1:] != key[:-1]) | (place[1:] - place[:-1] > self._gaps[item[1:]])
        first = np.flatnonzero(opens)
        rows = _Rows(
            posting, place, np.cumsum(opens) - 1, key[first] // len(self._gaps), item[first]
        )
        covered, evidence = self._weighed(rows, weights)
        maybe: _Flags = self._has_near[rows.items] & (covered[:, Part.QUESTION] > 0)
        return rows, self._matching.candidates(covered, evidence, self._short[rows.items], maybe)

    def _weighed(self, rows: _Rows, weights: Weights) -> tuple[_Floats, _Floats]:
        """Coverage of each part, ``[groups, 7]``, and evidence, ``[groups]``; nothing counts twice."""
        groups, postings = len(rows.items), len(weights.shares)
        pairs = _different(rows.group * postings + rows.posting)
        group, posting = np.divmod(pairs, max(postings, 1))
        cell = group * len(Part) + self._ngrams.parts[posting].astype(np.int64)
        covered = _summed(cell, weights.shares[posting], groups * len(Part))
        # Parts of one item that share an n-gram stand beside each other.
        ngram = self._ngram[posting]
        again = np.zeros(len(ngram), np.bool_)
        again[1:] = (ngram[1:] == ngram[:-1]) & (group[1:] == group[:-1])
        evidence = _summed(group, np.where(again, 0.0, weights.values[ngram]), groups)
        return covered.reshape(groups, len(Part)), evidence

    def _copies(self, rows: _Rows, likely: _Ints) -> _Rows:
        """The places numbered ``likely``, cut into copies."""
        bounds = np.searchsorted(rows.group, np.arange(len(rows.items) + 1))
        worth = self._weights.values[self._ngram[rows.posting]]
        kept: list[_Ints] = []
        sizes: list[int] = []
        of: list[int] = []
        for number in likely.tolist():
            first, last = int(bounds[number]), int(bounds[number + 1])
            found = copies(
                rows.place[first:last].tolist(),
                self._ngrams.places[rows.posting[first:last]].tolist(),
                self._ngrams.parts[rows.posting[first:last]].tolist(),
                worth[first:last].tolist(),
                int(self._spans[rows.items[number]]),
                self._matching.slack,
            )
            for begin, end in found:
                kept.append(np.arange(first + begin, first + end))
                sizes.append(end - begin)
                of.append(number)
        which = np.concatenate(kept)
        group = np.repeat(np.arange(len(sizes)), sizes)
        return _Rows(rows.posting[which], rows.place[which], group, rows.texts[of], rows.items[of])

    def _near(self, words: Words, rows: _Rows, covered: _Floats) -> _Floats:
        """Share of short choices, and of short answers, that stand by a short question that is there."""
        near = np.zeros((len(rows.items), 2))
        offsets = self._ngrams.near_offsets
        asked = self._has_near[rows.items] & (covered[:, Part.QUESTION] > 0)
        for number in np.flatnonzero(asked).tolist():
            item, text = rows.items[number], rows.texts[number]
            place = rows.place[np.searchsorted(rows.group, number)]
            first = max(place - self._gaps[item], words.bounds[text])
            last = min(place + self._gaps[item], words.bounds[text + 1])
            around = words.hashes[first:last]
            there = np.concatenate([ngram_hashes(around, size) for size in range(1, SHORTEST)])
            wanted = slice(offsets[item], offsets[item + 1])
            found = np.isin(self._ngrams.near_hashes[wanted], there)
            for column, part in enumerate((Part.CHOICES, Part.ANSWER)):
                of = self._ngrams.near_parts[wanted] == part
                near[number, column] = found[of].mean() if of.any() else 0.0
        return near

    def _listed(
        self,
        words: Words,
        rows: _Rows,
        covered: _Floats,
        evidence: _Floats,
        near: _Floats,
        chosen: _Ints,
        tally: Tally,
        first: int,
    ) -> list[LexicalHit]:
        bounds = np.searchsorted(rows.group, np.arange(len(rows.items) + 1))
        ends = rows.place + self._ngrams.widths[self._ngram[rows.posting]]
        found: dict[int, list[tuple[LexicalHit, tuple[int, int]]]] = {}
        for number in chosen.tolist():
            here = slice(int(bounds[number]), int(bounds[number + 1]))
            part = covered[number]
            hit = LexicalHit(
                text=int(rows.texts[number]),
                item=int(rows.items[number]),
                start=0,
                end=0,
                question=_share(part[Part.QUESTION], part[Part.LEAD]),
                answer=_share(part[Part.ANSWER], near[number, 1]),
                choices=_share(part[Part.CHOICES], part[Part.ROW], near[number, 0]),
                passage=_share(part[Part.PASSAGE]),
                solution=_share(part[Part.SOLUTION]),
                ngrams=len(np.unique(self._ngram[rows.posting[here]])),
                evidence=round(float(evidence[number]), 6),
            )
            run = (int(rows.place[here].min()), int(ends[here].max()))
            found.setdefault(hit.text, []).append((hit, run))
        hits = []
        for text, ones in sorted(found.items()):
            most = self._most(int(words.bounds[text + 1] - words.bounds[text]))
            best = sorted(ones, key=lambda one: (-one[0].score, one[0].item, one[1]))[:most]
            tally.cut += len(ones) - len(best)
            tally.hits += len(best)
            places = words.characters(text, [run for _, run in best]).tolist()
            hits += [
                dataclasses.replace(hit, text=first + text, start=start, end=end)
                for (hit, _), (start, end) in zip(best, places, strict=True)
            ]
        return hits

    def _most(self, words: int) -> int:
        more = words // self._matching.spacing if self._matching.spacing else 0
        return self._matching.most + more

    def _count_lost(
        self, words: Words, at: _Ints, which: _Ints, rows: _Rows, likely: _Flags, tally: Tally
    ) -> None:
        """What suppression cost: places that would have been looked at, and the n-grams that hid them."""
        assert self._weights.unsuppressed is not None
        plain, wanted = self._places(words, at, which, self._weights.unsuppressed)
        items = len(self._gaps)
        had = np.unique((rows.texts * items + rows.items)[likely])
        key = plain.texts * items + plain.items
        lost = wanted & ~np.isin(key, had)
        tally.lost += len(np.unique(key[lost]))
        here = lost[plain.group]
        ngram = self._ngram[plain.posting[here]]
        hidden = self._weights.values[ngram] == 0
        pairs = np.unique(np.stack([ngram, key[plain.group[here]]])[:, hidden], axis=1)
        for number, places in zip(*np.unique(pairs[0], return_counts=True), strict=True):
            tally.lost_by[int(number)] = tally.lost_by.get(int(number), 0) + int(places)


def _different(values: _Ints) -> _Ints:
    """Ascending, none twice; `numpy.unique` takes longer for so few."""
    values = np.sort(values)
    other = np.ones(len(values), np.bool_)
    other[1:] = values[1:] != values[:-1]
    return values[other]


def _summed(where: _Ints, values: _Floats, size: int) -> _Floats:
    return np.asarray(np.bincount(where, values, size), np.float64)


def _share(*shares: float) -> float:
    return round(min(float(max(shares)), 1.0), 6)

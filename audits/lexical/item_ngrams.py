"""The n-grams of benchmark items, part by part: what is looked for in a corpus, and what it is worth.

An item's parts are kept apart, since finding one says something else than finding another.

- Every part gives its n-grams. A part of fewer words than an n-gram has gives the run of all its
  words, if these are at least three and one has a letter; two words or one are no evidence, and
  ``1, 2, 3`` is none.
- Short stems and short choices say little alone. Where a stem has under `SHORT_STEM` words, the
  n-grams that run from it into the choices are kept as `Part.LEAD`; where choices are shorter than
  an n-gram, those that run from one into the next are kept as `Part.ROW`.
- An n-gram weighs ``log((COMMON + 1) / texts) / log(COMMON + 1)``, where ``texts`` is how many
  different texts of the benchmarks have it, so 1 where it is one item's own (its inverse document
  frequency on a scale of its own: other benchmarks in the index change nothing as long as they do
  not have it). Texts that items share, such as a passage, count once. Runs shorter than an n-gram
  weigh half.
- n-grams of more than `COMMON` texts are templates ("which of the following is") and not kept; nor
  are those of more than `MOST_OWNERS` items, which cannot be told apart by them.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from audits.items import Item
from audits.lexical.ngrams import SHORTEST, ngram_hashes
from audits.lexical.words import BATCH, Words, split

__all__ = ["COMMON", "SHORT_STEM", "ItemNgrams", "Part", "item_ngrams", "item_texts"]

COMMON, MOST_OWNERS = 64, 128  # texts, items
SHORT_STEM = 8  # words
RUN_WEIGHT = 0.5

_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]
_Flags = npt.NDArray[np.bool_]
_T = TypeVar("_T", bound=np.generic)


class Part(enum.IntEnum):
    """What an n-gram is a part of."""

    QUESTION = 0
    LEAD = 1  # from a short stem into its choices
    CHOICES = 2
    ROW = 3  # from a short choice into the next
    ANSWER = 4
    SOLUTION = 5
    PASSAGE = 6


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class ItemNgrams:
    """The n-grams of items, and who has them.

    Args:
        hashes: ``uint64[n]`` of the n-grams, ascending.
        widths: ``uint8[n]``, words.
        weights: ``float32[n]``, above 0 to 1.
        sources: ``int32[n, 3]``: one item that has it, which of its texts (`item_texts`), and the
            word of that text it starts at.
        offsets: ``int64[n + 1]``, of each n-gram in the two that follow.
        items, parts: ``int32[m]`` and ``uint8[m]``: the items that have it, in which `Part`.
        places: ``int32[m]``, the word of the item, all its texts in a row, that it starts at; -1 where
            that row has it more than once.
        prefixes: ``uint64[k]``, of the n-grams below full width: hashes of their first three words.
        lengths: ``int32[items, 7]``, words of each part; a `Part.ROW` or `Part.LEAD` has none.
        near_offsets: ``int64[items + 1]``, of each item in the two that follow.
        near_hashes, near_parts: ``uint64[l]`` and ``uint8[l]``: choices and answer of one or two
            words, of items whose question is shorter than an n-gram: no evidence but beside it.
        templates: n-grams that were not kept.
    """

    hashes: _Hashes
    widths: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float32]
    sources: npt.NDArray[np.int32]
    offsets: _Ints
    items: npt.NDArray[np.int32]
    parts: npt.NDArray[np.uint8]
    places: npt.NDArray[np.int32]
    prefixes: _Hashes
    lengths: npt.NDArray[np.int32]
    near_offsets: _Ints
    near_hashes: _Hashes
    near_parts: npt.NDArray[np.uint8]
    templates: int


def item_texts(item: Item) -> list[tuple[Part, str]]:
    """The texts of an item in the order in which `ItemNgrams.sources` counts them."""
    return [
        (Part.QUESTION, item.question),
        *((Part.CHOICES, choice) for choice in item.choices),
        (Part.ANSWER, item.answer),
        (Part.SOLUTION, item.solution),
        (Part.PASSAGE, item.passage),
    ]


def item_ngrams(items: Sequence[Item], width: int) -> ItemNgrams:
    """The n-grams of ``width`` words of all items, and what belongs to them."""
    found = _Found()
    lengths = np.zeros((len(items), len(Part)), np.int32)
    for group in _groups(items):
        texts = _Texts.of(items, group)
        np.add.at(lengths, (texts.items, texts.parts), texts.counts)
        _add_ngrams(found, texts, width)
        _add_runs(found, texts, width)
        _add_near(found, texts, width)
    return found.gathered(lengths, width)


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class _Texts:
    """The texts of some items, as words; ``items``, ``parts``, ``numbers``, ``counts`` by text."""

    words: Words
    items: _Ints
    parts: _Ints
    numbers: _Ints
    counts: _Ints
    identities: _Hashes  # equal for texts of the same words
    lettered: _Flags  # whether a text has a letter

    @classmethod
    def of(cls, items: Sequence[Item], group: range) -> _Texts:
        rows = [
            (item, part, number, text)
            for item in group
            for number, (part, text) in enumerate(item_texts(items[item]))
        ]
        words = split([text for *_, text in rows])
        columns = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3)
        spans = zip(words.bounds[:-1].tolist(), words.bounds[1:].tolist(), strict=True)
        identities = [xxhash.xxh3_64_intdigest(words.hashes[a:b].tobytes()) for a, b in spans]
        return cls(
            words=words,
            items=columns[:, 0],
            parts=columns[:, 1],
            numbers=columns[:, 2],
            counts=np.diff(words.bounds),
            identities=np.array(identities, np.uint64),
            lettered=np.array([any(map(str.isalpha, text)) for *_, text in rows], np.bool_),
        )


class _Found:
    """n-grams as they are met: one row for each occurrence."""

    def __init__(self) -> None:
        self.rows: list[tuple[_Hashes, _Ints, _Hashes]] = []
        self.prefixes: list[_Hashes] = []
        self.near: list[tuple[_Ints, _Hashes, _Ints]] = []

    def add(
        self,
        hashes: _Hashes,
        width: int,
        texts: _Texts,
        at: _Ints,
        part: _Ints,
        identity: _Hashes,
        again: _Flags,
    ) -> None:
        """n-grams whose first words are ``at``, each in a part of that text's item.

        ``again`` tells which of them the item's row of words has elsewhere.
        """
        text = texts.words.text_of(at)
        place = at - texts.words.bounds[text - texts.numbers[text]]
        columns = (
            texts.items[text],
            part,
            np.full(len(at), width),
            texts.numbers[text],
            at - texts.words.bounds[text],
            np.where(again, -1, place),
        )
        self.rows.append((hashes, np.stack(columns, axis=1), identity))

    def gathered(self, lengths: npt.NDArray[np.int32], width: int) -> ItemNgrams:
        hashes = _concatenated([row[0] for row in self.rows], np.uint64)
        columns = np.concatenate([np.empty((0, 6), np.int64), *(row[1] for row in self.rows)])
        identities = _concatenated([row[2] for row in self.rows], np.uint64)
        unique, first, which = np.unique(hashes, return_index=True, return_inverse=True)
        item, part = columns[:, 0], columns[:, 1]
        # A text that several items have counts once, and so does an item that repeats itself.
        owners = _distinct(which, item, len(unique))
        texts = np.minimum(_distinct(which, identities, len(unique)), owners)
        kept = (texts <= COMMON) & (owners <= MOST_OWNERS)
        of = kept[which]
        number, item, part = (np.cumsum(kept) - 1)[which[of]], item[of], part[of]
        _, posting = np.unique((number * len(lengths) + item) * len(Part) + part, return_index=True)
        widths = columns[first, 2][kept]
        weights = np.log((COMMON + 1) / texts[kept]) / np.log(COMMON + 1)
        weights[widths < width] *= RUN_WEIGHT
        near_items = _concatenated([row[0] for row in self.near], np.int64)
        near = np.argsort(near_items, kind="stable")
        return ItemNgrams(
            hashes=unique[kept],
            widths=widths.astype(np.uint8),
            weights=weights.astype(np.float32),
            sources=columns[first][kept][:, [0, 3, 4]].astype(np.int32),
            offsets=_offsets(number[posting], int(kept.sum())),
            items=item[posting].astype(np.int32),
            parts=part[posting].astype(np.uint8),
            places=columns[of, 5][posting].astype(np.int32),
            prefixes=np.unique(_concatenated(self.prefixes, np.uint64)),
            lengths=lengths,
            near_offsets=_offsets(near_items[near], len(lengths)),
            near_hashes=_concatenated([row[1] for row in self.near], np.uint64)[near],
            near_parts=_concatenated([row[2] for row in self.near], np.int64)[near].astype(
                np.uint8
            ),
            templates=int((~kept).sum()),
        )


def _groups(items: Sequence[Item]) -> Iterator[range]:
    """Runs of items of about a batch."""
    first = held = 0
    for number, item in enumerate(items):
        held += sum(len(text) for _, text in item_texts(item))
        if held >= BATCH:
            yield range(first, number + 1)
            first, held = number + 1, 0
    yield range(first, len(items))


def _add_ngrams(found: _Found, texts: _Texts, width: int) -> None:
    hashes = ngram_hashes(texts.words.hashes, width)
    at = np.arange(len(hashes))
    first, last = texts.words.text_of(at), texts.words.text_of(at + width - 1)
    own = first == last
    again = _again(texts, hashes, width)
    found.add(
        hashes[own],
        width,
        texts,
        at[own],
        texts.parts[first[own]],
        texts.identities[first[own]],
        again[own],
    )
    joined = ~own & (texts.items[first] == texts.items[last]) & (texts.parts[last] == Part.CHOICES)
    at, first, last, hashes = at[joined], first[joined], last[joined], hashes[joined]
    stem = texts.parts[first] == Part.QUESTION
    short = (last - first > 1) | (np.minimum(texts.counts[first], texts.counts[last]) < width)
    kept = np.where(stem, texts.counts[first] < SHORT_STEM, short)
    part = np.where(stem, Part.LEAD, Part.ROW)
    identity = texts.identities[first] * np.uint64(3) + texts.identities[last]
    found.add(hashes[kept], width, texts, at[kept], part[kept], identity[kept], again[at[kept]])


def _add_runs(found: _Found, texts: _Texts, width: int) -> None:
    """Parts that have fewer words than an n-gram, whole."""
    begins = texts.words.bounds[:-1]
    prefixes = ngram_hashes(texts.words.hashes, SHORTEST)
    for short in range(SHORTEST, width):
        which = np.flatnonzero((texts.counts == short) & texts.lettered)
        hashes = ngram_hashes(texts.words.hashes, short)
        found.add(
            hashes[begins[which]],
            short,
            texts,
            begins[which],
            texts.parts[which],
            texts.identities[which],
            _again(texts, hashes, short)[begins[which]],
        )
        found.prefixes.append(prefixes[begins[which]])


def _again(texts: _Texts, hashes: _Hashes, width: int) -> _Flags:
    """Of all n-grams, whether their item has them elsewhere, too, be it across the edge of two texts.

    Those that are not kept count: a copy of the item has the words as often as the item.
    """
    order = np.argsort(hashes)
    order = order[_repeated(hashes[order])]
    item, last = (texts.items[texts.words.text_of(order + more)] for more in (0, width - 1))
    order, item = order[item == last], item[item == last]
    by_item = np.lexsort((hashes[order], item))
    order, item = order[by_item], item[by_item]
    found = np.zeros(len(hashes), np.bool_)
    found[order] = _repeated(hashes[order], item)
    return found


def _repeated(*columns: npt.NDArray[np.generic]) -> _Flags:
    """Which rows of sorted columns have an equal one beside them."""
    same = np.ones(max(len(columns[0]) - 1, 0), np.bool_)
    for column in columns:
        same &= column[1:] == column[:-1]
    repeated = np.zeros(len(columns[0]), np.bool_)
    repeated[1:] |= same
    repeated[:-1] |= same
    return repeated


def _add_near(found: _Found, texts: _Texts, width: int) -> None:
    """Choices and answers of one or two words beside a question that is a run."""
    questions = texts.counts[texts.parts == Part.QUESTION]
    runs = (questions >= SHORTEST) & (questions < width)
    beside = np.isin(texts.parts, (Part.CHOICES, Part.ANSWER))
    beside &= runs[texts.items - texts.items[:1]]
    for short in range(1, SHORTEST):
        which = np.flatnonzero(beside & (texts.counts == short))
        hashes = ngram_hashes(texts.words.hashes, short)[texts.words.bounds[which]]
        found.near.append((texts.items[which], hashes, texts.parts[which]))


def _distinct(which: _Ints, values: npt.NDArray[np.generic], n: int) -> _Ints:
    """How many different values go with each of ``n``."""
    order = np.lexsort((values, which))
    which, values = which[order], values[order]
    other = np.ones(len(which), np.bool_)
    other[1:] = (which[1:] != which[:-1]) | (values[1:] != values[:-1])
    return np.bincount(which[other], minlength=n)


def _offsets(sorted_numbers: _Ints, n: int) -> _Ints:
    return np.searchsorted(sorted_numbers, np.arange(n + 1)).astype(np.int64)


def _concatenated(parts: Sequence[npt.NDArray[_T]], dtype: type[_T]) -> npt.NDArray[_T]:
    return np.concatenate([np.empty(0, dtype), *parts])

"""Where in a passage an item stands: the run of sentences that meets it best."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audits.verify.evidence import Known
from audits.verify.reading import Reading

__all__ = ["best_run", "completed", "equal_runs"]

_UNITS = 24
_END = re.compile(r"[.!?…:;][\"'”’)\]]*(?=\s)|[。！？]|\n")
_TELLING = 0.5  # weight of a word that is worth it by itself
_WHOLE = 0.9  # of a question's words, from which on a copy is whole
_MARK = re.compile(r"[^\w\s]")
_COPIED = 4  # words in a row that no two texts share by chance
_FEW, _MISTYPED = 4, 0.6  # words at an edge; similarity of their letters
_CLOSING = ".!?:;\"'”’)]"
_SHORT = 2  # words of a run of equal words that is worth showing, unless it is the item's rarest


def best_run(known: Known, region: Reading) -> tuple[int, int]:
    """Characters of the region's text, end exclusive, whose sentences match the item best.

    Best is the harmonic mean of how much of the item is met, and how much of the run meets it;
    of equal ones the shortest, then the first.
    """
    text = region.text
    edges = _edges(text, _copied(known.question, region))
    if len(edges) < 3 or not len(region) or not len(known.question):
        return _trimmed(text, 0, len(text))
    unit = np.searchsorted(edges[1:-1], region.spans[:, 0], side="right")
    units = len(edges) - 1
    question = known.question
    alone = question.alone @ region.alone.T
    stems = frozenset(question.stems)
    common = np.array([stem in stems for stem in region.stems])
    number = {one: at for at, one in enumerate(dict.fromkeys((*question.stems, *region.stems)))}
    mine, theirs = (np.array([number[s] for s in one.stems]) for one in (question, region))
    alone = np.maximum(alone, mine[:, None] == theirs)
    wanted = question.weights * np.array([known.rarity(stem) for stem in question.stems])
    given = region.weights * np.array([known.rarity(stem) for stem in region.stems])
    met = np.maximum(alone.max(0), common)
    if len(known.alone):
        met = np.maximum(met, (region.alone @ known.alone.T).max(1))
    by_unit = np.zeros((len(question), units))
    for at in range(units):
        inside = unit == at
        if inside.any():
            by_unit[:, at] = alone[:, inside].max(1)
    gained = np.bincount(unit, given * met, units)
    weight = np.bincount(unit, given, units)
    best, place = -1.0, (0, units)
    for first in range(units):
        reached = np.zeros(len(question))
        got = all_ = 0.0
        for last in range(first, units):
            reached = np.maximum(reached, by_unit[:, last])
            got += float(gained[last])
            all_ += float(weight[last])
            recall = float((reached * wanted).sum() / (wanted.sum() + 1e-9))
            precision = got / (all_ + 1e-9)
            score = 2 * recall * precision / (recall + precision + 1e-9)
            if score > best + 1e-6:
                best, place = score, (first, last + 1)
    return _trimmed(text, int(edges[place[0]]), int(edges[place[1]]))


def completed(question: Reading, region: Reading, start: int, end: int) -> tuple[int, int]:
    """The same characters, and what of a copy lies beyond them; of a whole copy that alone.

    The last sentence of a question often has no word that the others have not, so that `best_run`
    does without it. As many words are taken in on either side as the question has left over there,
    if half of them are the question's.
    """
    mine = question.words
    first = int(np.searchsorted(region.spans[:, 0], start))
    last = int(np.searchsorted(region.spans[:, 1], end, side="right"))
    blocks = _blocks(mine, region.words[first:last])
    if not blocks:
        return start, end
    (a, b, _), (c, d, size) = blocks[0], blocks[-1]
    before = region.words[max(0, first - max(0, a - b)) : first]
    left = len(mine) - (c + size) - (last - first - (d + size))
    after = region.words[last : last + max(0, left)]
    if _half(before, mine[:a]):
        first -= len(before)
        start = int(region.spans[first, 0])
    if _half(after, mine[c + size :]):
        last += len(after)
        end = _marked(region.text, int(region.spans[last - 1, 1]))
    blocks = _blocks(mine, region.words[first:last])
    if sum(size for _, _, size in blocks) >= _WHOLE * len(mine):
        (a, b, _), (c, d, size) = blocks[0], blocks[-1]
        # Words at its edges may be mistyped.
        last = min(last, first + d + len(mine) - c)
        first += max(0, b - a)
        start = max(start, int(region.spans[first, 0]))
        end = min(end, _marked(region.text, int(region.spans[last - 1, 1])))
    return start, end


def equal_runs(item: Reading, passage: Reading) -> list[tuple[int, int, int, int]]:
    """Runs of words that both have in the same order: start and end in the item, then in the text."""
    return [
        (
            int(item.spans[a, 0]),
            int(item.spans[a + size - 1, 1]),
            int(passage.spans[b, 0]),
            int(passage.spans[b + size - 1, 1]),
        )
        for a, b, size in _blocks(item.words, passage.words)
        if size >= _SHORT or item.weights[a] > _TELLING
    ]


def _blocks(mine: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int, int]]:
    """Runs of equal words in the same order: their first word in each, and how many."""
    matcher = difflib.SequenceMatcher(None, mine, theirs, autojunk=False)
    return [(a, b, size) for a, b, size in matcher.get_matching_blocks() if size]


def _half(words: Sequence[str], of: Sequence[str]) -> bool:
    """Whether half of some words are among others, of a few also if mistyped."""
    if not words:
        return False
    if len(words) <= _FEW:
        same = sum(bool(difflib.get_close_matches(word, of, 1, _MISTYPED)) for word in words)
    else:
        same = (Counter(words) & Counter(of)).total()
    return 2 * same >= len(words)


def _marked(text: str, end: int) -> int:
    """Where punctuation ends that stands behind a word."""
    while end < len(text) and _MARK.match(text, end):
        end += 1
    return end


def _copied(question: Reading, region: Reading) -> tuple[int, ...]:
    """Where words of the question begin and end that stand in the region one by one.

    A copy need not begin or end with a sentence of what stands around it.
    """
    if not set(question.words) & set(region.words):
        return ()
    runs = [(at, size) for _, at, size in _blocks(question.words, region.words) if size >= _COPIED]
    if not runs:
        return ()
    first, last = runs[0][0], sum(runs[-1]) - 1
    end = int(region.spans[last, 1])
    while end < len(region.text) and region.text[end] in _CLOSING:
        end += 1
    return int(region.spans[first, 0]), end


def _edges(text: str, more: tuple[int, ...] = ()) -> npt.NDArray[np.int64]:
    """Where sentences and lines begin and end; the shortest are joined until they are few."""
    ends = [match.end() for match in _END.finditer(text)]
    edges = [0, *(end for end in ends if end < len(text)), len(text)]
    while len(edges) - 1 > _UNITS:
        edges = [edges[0], *edges[2:-1:2], edges[-1]]
    return np.array(sorted({*edges, *more}), np.int64)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    filled = len(piece.rstrip())
    return start + min(len(piece) - len(piece.lstrip()), filled), start + filled

"""Similarity by the book, slow and exact: what the fast deduplication is held against.

Shingles are tuples of words, no hashes; all pairs above a threshold are found without sampling
(Bayardo, Ma and Srikant, "Scaling up all pairs similarity search", 2007: prefix filtering). The
normalisation follows the documentation of ``pipeline.dedup.shingles`` and shares no code with it.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["jaccard", "shingle_set", "shingle_sets", "similar_pairs", "words"]

_INVISIBLE = dict.fromkeys([0xAD, *range(0x200C, 0x2010), 0x2060, 0xFEFF])
_ONE_BY_ONE = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "TIBETAN", "MYANMAR", "KHMER")


class _Spacing(dict[int, str]):
    """A table for ``str.translate`` that leaves words and single spaces."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character)[0] not in "LMN":
            spaced = " "
        elif unicodedata.name(character, "").startswith(_ONE_BY_ONE):
            spaced = f" {character} "
        else:
            spaced = character
        self[code] = spaced
        return spaced


_SPACING = _Spacing()


def words(text: str) -> list[str]:
    """Soft hyphens and the like go; NFKC, lower case; runs of letters, marks and digits.

    One by one where no spaces are written.
    """
    visible = unicodedata.normalize("NFKC", text.translate(_INVISIBLE))
    return visible.lower().translate(_SPACING).split()


def shingle_set(text: str, width: int = 5) -> frozenset[tuple[str, ...]]:
    """The text's shingles; one of all its words if they are fewer; the text itself if it has none."""
    found = words(text)
    if not found:
        return frozenset([("", text)])
    last = max(len(found) - width, 0)
    return frozenset(tuple(found[start : start + width]) for start in range(last + 1))


def shingle_sets(texts: Iterable[str], width: int = 5) -> list[frozenset[int]]:
    """The same with a number for each different shingle, which is smaller and faster."""
    numbers: dict[tuple[str, ...], int] = {}
    return [
        frozenset(numbers.setdefault(one, len(numbers)) for one in shingle_set(text, width))
        for text in texts
    ]


def jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    """Size of the intersection over that of the union."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def similar_pairs(sets: Sequence[frozenset[int]], threshold: float) -> dict[tuple[int, int], float]:
    """All pairs ``(i, j)``, i < j, whose Jaccard similarity reaches ``threshold``, with it.

    Two such sets share an element among the first ``n - ceil(threshold n) + 1`` of each, whatever
    the order of elements; rare ones come first, so that few others are met.
    """
    frequency = Counter(one for each in sets for one in each)
    by_size = sorted(range(len(sets)), key=lambda i: (len(sets[i]), i))
    seen: dict[int, list[int]] = {}
    pairs: dict[tuple[int, int], float] = {}
    for j in by_size:
        prefix = _prefix(sets[j], frequency, threshold)
        for i in {i for one in prefix for i in seen.get(one, ())}:
            if len(sets[i]) >= threshold * len(sets[j]) - 1e-9:
                similarity = jaccard(sets[i], sets[j])
                if similarity >= threshold:
                    pairs[min(i, j), max(i, j)] = similarity
        for one in prefix:
            seen.setdefault(one, []).append(j)
    return pairs


def _prefix(elements: frozenset[int], frequency: Mapping[int, int], threshold: float) -> list[int]:
    length = len(elements) - math.ceil(threshold * len(elements) - 1e-9) + 1
    return sorted(elements, key=lambda one: (frequency[one], one))[:length]

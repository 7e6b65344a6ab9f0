"""The tier of translated items: passages in other languages, glossed, embedded and verified."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.index import StoredIndex, nearest_items
from audits.semantic.passages import Passage
from audits.translation.model import THRESHOLD, Translations, languages
from classifiers.language import LanguageIdentifier

__all__ = ["LEAST", "Translated", "foreign", "translated"]

LEAST = THRESHOLD  # probability of a translation
LEAST_COSINE = 0.25  # word salad lies further from an item than a sentence does
_SURE = 0.5  # of the identifier, before a document is taken for one in another language
_ROUNDED = 3

_Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True, slots=True)
class Translated:
    """A candidate that was verified.

    Args:
        row: number of the document.
        start, end: characters of the document.
        item: number of the item.
        cosine: of the item and the glossed passage.
        probability: that it is a translation.
        evidence: as `audits.findings.Finding` has it.
    """

    row: int
    start: int
    end: int
    item: int
    cosine: float
    probability: float
    evidence: dict[str, Any]


def foreign(texts: Sequence[str]) -> dict[int, str]:
    """Which texts are in a language that there is a glossary of, by number."""
    glossed = set(languages()) - {"en"}
    found = LanguageIdentifier(characters=2000).identify(texts)
    return {
        at: one.label
        for at, one in enumerate(found)
        if one.label in glossed and one.probability >= _SURE
    }


def translated(
    index: StoredIndex,
    encode: _Encode,
    passages: Sequence[tuple[int, Passage, str, str]],
    *,
    most: int,
    tally: Counter[str],
) -> list[Translated]:
    """Verify passages against the nearest items of each.

    Args:
        index: of the items, made with an English encoder.
        encode: by that encoder.
        passages: number of the document, place, text and language of each.
        most: items verified for a passage.
        tally: ``glossed`` is added to.
    """
    if not passages:
        return []
    known = Translations.load()
    tally["glossed"] += len(passages)
    vectors = encode([known.gloss(text, language) for _, _, text, language in passages])
    wanted = min(most + 1, len(index.items))
    cosines, numbers = nearest_items(np.asarray(index.vectors), vectors, wanted)
    found: list[Translated] = []
    for (row, place, text, language), near, items in zip(passages, cosines, numbers, strict=True):
        for rank, number in enumerate(items[:most].tolist()):
            cosine = float(near[rank])
            if number < 0 or cosine < LEAST_COSINE:
                continue
            item = index.items[number]
            others = [
                float(other)
                for other, rival in zip(near, items.tolist(), strict=True)
                if rival not in (number, -1) and index.items[rival].question != item.question
            ]
            score = known.score(item, text, language, cosine, cosine - max(others, default=0.0))
            ends = [span for span in score.spans if len(span) == 4]
            start = min((span[2] for span in ends), default=0)
            end = max((span[3] for span in ends), default=len(text))
            found.append(
                Translated(
                    row,
                    place.start + start,
                    place.start + end,
                    number,
                    cosine,
                    round(score.probability, 4),
                    {
                        "item_text": item.question,
                        "text": text[start:end],
                        "spans": [[a, b, c - start, d - start] for a, b, c, d in ends],
                        "language": language,
                        "cosine": round(cosine, _ROUNDED),
                        **{
                            name: round(float(value), _ROUNDED)
                            for name, value in score.evidence.items()
                        },
                    },
                )
            )
    return found

"""Candidates weighed: for each item that a passage may leak, where it stands there and the evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from audits.verify.evidence import Known, evidence
from audits.verify.known import KnownItems
from audits.verify.reading import Reader, Reading
from audits.verify.spans import best_run, completed

__all__ = ["Weighed", "weigh"]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Weighed:
    """One item held against one passage.

    Args:
        item: its number in the index.
        start, end: characters of the passage that match best, and what of a copy goes on there.
        known: the item.
        passage: those characters, as they were read.
        region: the whole passage.
        figures: see `audits.verify.evidence`; of what matches best.
    """

    item: int
    start: int
    end: int
    known: Known
    passage: Reading
    region: Reading
    figures: dict[str, float]


def weigh(
    known: KnownItems,
    reader: Reader,
    asked: Sequence[tuple[str, Sequence[int]]],
    regions: Sequence[Reading] | None = None,
    rivals: Sequence[Sequence[int]] | None = None,
) -> list[list[Weighed]]:
    """Hold each passage against its candidates.

    An item's margin is over the other candidates of its passage and the passage's rivals; where
    there is neither, over the item's own neighbours. Items that say the same are no others.

    Args:
        known: the index's items.
        reader: the same that reads them.
        asked: texts of passages, each with the numbers of the items it may leak.
        regions: the same texts, where they have been read before.
        rivals: for each passage, items that it may leak as well and that are weighed elsewhere.

    Returns:
        For each passage its candidates, in the order given.

    Raises:
        ModelError: see `Reader.read`.
    """
    beside: Sequence[Sequence[int]] = [()] * len(asked) if rivals is None else rivals
    numbers = [
        number
        for (_, items), others in zip(asked, beside, strict=True)
        for number in (*items, *others)
    ]
    numbers = list(dict.fromkeys(numbers))
    items = dict(zip(numbers, known.known(numbers), strict=True))
    if regions is None:
        regions = reader.read([text for text, _ in asked], whole=True)
    weighed = []
    for region, (_, candidates), others in zip(regions, asked, beside, strict=True):
        row = []
        for number in candidates:
            own = items[number]
            place = best_run(own, region)
            passage = region.part(*place)
            near = [items[other].question for other in (*candidates, *others) if other != number]
            near = [one for one in near if one.words != own.question.words] or [*own.neighbours]
            cosine = float(own.question.pooled @ passage.pooled)
            margin = cosine - max((float(one.pooled @ passage.pooled) for one in near), default=0.0)
            figures = evidence(own, passage, cosine=cosine, margin=margin)
            place = completed(own.question, region, *place)
            row.append(Weighed(number, *place, own, region.part(*place), region, figures))
        weighed.append(row)
    return weighed

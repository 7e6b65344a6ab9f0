"""A second opinion on what the verifier is unsure of: asked for with controls, and weighed in.

A judge reads texts of the corpus, and a text may be written to steer who reads it. Whether it does is
measured, not trusted: each passage is also held against an item that it does not leak, and once more
behind the item's own text. A judge that does not say no to the first and yes to the second has no
opinion of that passage.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from audits.findings import Kind
from audits.items import Item
from audits.settings import Judge
from audits.verify.known import statement
from audits.verify.verdicts import Verdict
from pipeline.core.errors import ModelError

__all__ = ["CHARACTERS", "CLEAR", "Judge", "Unsure", "fused", "item_text", "opinions"]

CHARACTERS = 4000  # of an item, its answer and a passage that a judge reads
CLEAR = 0.995  # probability of a copy: from here on nobody is asked
_YES = 0.5
_LEAST = 0.01  # of a judge's probability, and of its complement: it may be wrong
_ROUNDED = 1e-4  # a verdict's probability is rounded to this, and may be 0


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Unsure:
    """A passage that is neither a copy of an item nor clear.

    Args:
        leak, none: what it is if it leaks the item, and if not; with the verifier's probability.
        item, passage: their texts, see `item_text`.
        control: text of an item that the passage does not leak.
    """

    leak: Verdict
    none: Verdict
    item: str
    passage: str
    control: str

    def decided(self, opinion: float | None, threshold: float) -> Verdict:
        """The verdict, with the opinion in its evidence under ``judge``.

        Args:
            opinion: the judge's probability of a leak; None leaves the verifier's as it is.
            threshold: least probability of a leak.
        """
        probability = self.none.probability
        if opinion is not None:
            opinion = round(opinion, 4)
            probability = round(fused(probability, opinion), 4)
        verdict = self.leak if probability >= threshold else self.none
        return dataclasses.replace(
            verdict, probability=probability, evidence={**verdict.evidence, "judge": opinion}
        )

    @classmethod
    def of(
        cls, one: Verdict, other: Verdict, item: Item, passage: str, control: Item
    ) -> Unsure | None:
        """What is to be asked of a passage; None where there is nothing to ask.

        Whether it is depends on no threshold, since calibration looks for that.

        Args:
            one, other: its verdicts as a leak and as none, in any order.
            item: that it may leak.
            passage: what stands there, with what stands around it.
            control: an item that it does not leak.
        """
        leak, none = (one, other) if one.kind.leak else (other, one)
        if none.kind is Kind.ALTERED or none.probability >= CLEAR:
            return None
        return cls(leak, none, item_text(item), passage[:CHARACTERS], item_text(control))


def item_text(item: Item) -> str:
    """What a judge reads of an item: what it asks, and its answer."""
    text = statement(item)[:CHARACTERS]
    answer = item.answer.strip()[:CHARACTERS]
    return f"{text}\nAnswer: {answer}" if answer else text


def opinions(judge: Judge, asked: Sequence[Unsure]) -> list[float | None]:
    """A judge's probability for each passage; None where it has no opinion or failed a control.

    Three questions for a passage; equal ones are asked once.

    Args:
        judge: who is asked.
        asked: about what.

    Raises:
        ModelError: the judge gives something else than probabilities. See also `Judge.judge`.
    """
    pairs = [
        pair
        for one in asked
        for pair in (
            (one.item, one.passage),
            (one.control, one.passage),
            (one.item, f"{one.item}\n\n{one.passage}"),
        )
    ]
    different = list(dict.fromkeys(pairs))
    given = judge.judge(different)
    if len(given) != len(different) or not all(p is None or 0 <= p <= 1 for p in given):
        raise ModelError(
            f"the judge {judge.to_json()} does not give one probability from 0 to 1 for each pair "
            "of texts; take another"
        )
    known = dict(zip(different, given, strict=True))
    found: list[float | None] = []
    for start in range(0, len(pairs), 3):
        said, no, yes = (known[pair] for pair in pairs[start : start + 3])
        steered = no is None or yes is None or no >= _YES or yes < _YES
        found.append(None if steered else said)
    return found


def fused(probability: float, opinion: float) -> float:
    """The sigmoid of the mean of two log odds.

    Args:
        probability: the verifier's.
        opinion: the judge's, of which no more than .01 to .99 counts.
    """
    mean = (_log_odds(probability, _ROUNDED) + _log_odds(opinion, _LEAST)) / 2
    return 1 / (1 + math.exp(-mean))


def _log_odds(probability: float, least: float) -> float:
    inside = min(max(probability, least), 1 - least)
    return math.log(inside / (1 - inside))

"""Keep texts that a quality classifier takes for prose that somebody edited."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from pipeline.core.decisions import Bound
from pipeline.filters.scored import Classified

__all__ = ["Quality"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quality(Classified):
    """Texts that score at or above the threshold stay.

    The way of DCLM (Li et al. 2024, section 4.4: keep the best tenth by a fastText classifier),
    ``keep_top: 10%``, or of a threshold in the model's card. The model that comes with Gristmill
    tells main text that people kept from boilerplate and spam, and no more than that: its card says
    how far it can be trusted. Train one on what you call good.
    """

    name: ClassVar[str] = "quality"
    model: str = "quality"

    def score_bounds(self) -> tuple[Bound, ...]:
        return (Bound("score", low=self.classifier().threshold(self.target).threshold),)

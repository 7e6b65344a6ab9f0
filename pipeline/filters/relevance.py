"""Keep texts about a topic: by a classifier trained on examples, or by a description in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from classifiers.embed import Encoder
from classifiers.relevance import Relevance as Described
from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters.base import TOP
from pipeline.filters.scored import TOP_SIGNAL, Classified

__all__ = ["Relevance"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Relevance(Classified):
    """Texts that score at or above the threshold stay; best used with ``keep_top``.

    With ``model``, a classifier trained on a few hundred seed documents and a background (the way of
    DeepSeekMath, Shao et al. 2024, section 2.1). With ``description``, no labels are needed: texts
    are ranked by the similarity of their best passage to it, by a sentence encoder (some
    hundredths of a second a text on a CPU). A similarity is no probability and has no threshold of
    its own: use ``keep_top`` or a bound on ``score``.

    Args:
        description: what is wanted, in words, one or several.
        encoder: a sentence-transformers model, by path or name; None takes the embedded one.
        model, sha256, target, characters: see `pipeline.filters.scored.Classified`.

    Raises:
        ConfigError: both a model and a description are given, or neither; a description with a
            target.
    """

    name: ClassVar[str] = "relevance"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("score", "probability, or similarity to the description", minimum=-1.0, maximum=1.0),
        TOP_SIGNAL,
    )

    description: tuple[str, ...] = ()
    encoder: str | None = None

    def __post_init__(self) -> None:
        description: Any = self.description
        described = (description,) if isinstance(description, str) else tuple(description)
        object.__setattr__(self, "description", described)
        if bool(self.model) == bool(described):
            raise ConfigError(
                f"{self.name} takes a model (a trained one) or a description, and needs one of them"
            )
        if described and self.target:
            raise ConfigError(
                f"{self.name}.target is a trained model's; with a description use keep_top or "
                "bounds: {score: {low: …}}"
            )
        if described:
            self.described()  # refuses what no encoder could read
        super().__post_init__()

    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        if not self.description:
            return super().measure_batch(docs)
        scores = self.described().score([doc.text[: self.characters] for doc in docs])
        return [{"score": score, TOP: 0.0} for score in scores.tolist()]

    def models(self) -> dict[str, str]:
        if not self.description:
            return super().models()
        described = self.described()
        return {f"relevance encoder {described.encoder.name}": described.check()}

    def described(self) -> Described:
        """What scores by the description, its encoder not yet loaded."""
        encoder = Encoder() if self.encoder is None else Encoder(self.encoder)
        return Described(self.description, encoder=encoder)

    def score_bounds(self) -> tuple[Bound, ...]:
        if self.description:
            return ()
        return (Bound("score", low=self.classifier().threshold(self.target).threshold),)

"""Filters on the score of a classifier: what may be done with a score is here, the same for all of them.

A filter of this family says how its texts are scored, and from which side its threshold bounds the
score. Which model scores them is in `classifiers`.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from classifiers.calibrate import share_of
from classifiers.text_classifier import TextClassifier, classifier_line
from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters.base import TOP, Filter, Ranking

__all__ = ["TOP_SIGNAL", "Classified", "Scored", "line_of", "parse_share"]

TOP_SIGNAL = Signal(
    TOP, "rank by score / number of documents that reach the filter; 0 until ranked", maximum=1.0
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scored(Filter):
    """A filter with one score, and what is done with it.

    Args:
        action: ``drop`` what is out of bounds, or ``tag``: keep everything and write the score
            into the corpus beside the text.
        keep_top: the share of the documents that reach this filter to keep, the best ones:
            ``10%`` or ``0.1``. Exact, over the whole of a run; outside a run nothing is ranked and
            nothing dropped. It takes the place of the bound on the score.

    Raises:
        ConfigError: no such action, or a share that is none.
    """

    action: Literal["drop", "tag"] = dataclasses.field(default="drop", metadata={"decides": True})
    keep_top: str | float | None = dataclasses.field(default=None, metadata={"decides": True})

    actions: ClassVar[tuple[str, ...]] = ("drop", "tag")
    lowest_first: ClassVar[bool] = False  # which end of the score ``keep_top`` keeps

    def __post_init__(self) -> None:
        if self.action not in self.actions:
            raise ConfigError(
                f"{self.name}.action = {self.action!r} is none of {', '.join(self.actions)}"
            )
        if self.keep_top is not None:
            parse_share(self.name, self.keep_top)
            if self.action != "drop":
                raise ConfigError(
                    f"{self.name}.keep_top drops documents: leave out action: {self.action}"
                )
        super().__post_init__()

    def published_bounds(self) -> tuple[Bound, ...]:
        if self.keep_top is not None:
            return (Bound(TOP, high=parse_share(self.name, self.keep_top)),)
        return () if self.action == "tag" else self.score_bounds()

    @abc.abstractmethod
    def score_bounds(self) -> tuple[Bound, ...]:
        """The bound on the score where documents are dropped by it."""

    def ranking(self) -> Ranking | None:
        bounds = [bound.high for bound in self.bounds if bound.signal == TOP]
        if not bounds or bounds[0] is None:
            return None
        return Ranking("score", float(bounds[0]), self.lowest_first)

    def tags(self) -> tuple[str, ...]:
        if self.action != "tag":
            return ()
        return tuple(signal.name for signal in self.signals if signal.name != TOP)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Classified(Scored):
    """A filter on the score of a trained classifier.

    Args:
        model: the name of a classifier that comes with Gristmill, a folder that ``gristmill
            classifier train`` wrote, or a model file beside its card.
        sha256: what the content of the model file must have; None takes what its card says.
        target: which of the card's thresholds bounds the score, such as ``precision=0.9``; None
            takes the card's default. The number itself lives in the card.
        characters: how much of a text is read; None for all of it.

    Raises:
        ModelError: the model or its card is missing or damaged.
        ConfigError: the card has no threshold for ``target``; see also `Scored`.
    """

    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("score", "probability of the model's positive labels", maximum=1.0),
        TOP_SIGNAL,
    )

    model: str = ""
    sha256: str | None = None
    target: str | None = dataclasses.field(default=None, metadata={"decides": True})
    characters: int | None = None

    def __post_init__(self) -> None:
        if self.characters is not None and self.characters < 1:
            raise ConfigError(f"{self.name}.characters = {self.characters} must be at least 1")
        super().__post_init__()

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return self.measure_batch([doc])[0]

    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        classifier = self.classifier()
        lines = [line_of(doc, classifier.normalise, self.characters) for doc in docs]
        scores = classifier.positive(classifier.score_lines(lines))
        return [{"score": score, TOP: 0.0} for score in scores.tolist()]

    def models(self) -> dict[str, str]:
        """The model's sha256, after loading it and holding it against its card.

        Raises:
            ModelError: it is missing, altered, or of another kind.
            ConfigError: its card names no positive label.
        """
        classifier = self.classifier()
        digest = classifier.check()
        classifier.positive(classifier.score([]))
        return {f"{self.name} model {Path(self.model).name}": digest}

    def classifier(self) -> TextClassifier:
        """The classifier, not yet loaded."""
        if not self.model:
            raise ConfigError(f"{self.name}.model is missing; name a model or a folder of one")
        return TextClassifier.load(self.model, self.sha256)

    def parameters(self) -> dict[str, Any]:
        # Where a model lies makes no difference; `models` says which it is.
        return {**super().parameters(), "model": Path(self.model).name}


def line_of(doc: Document, normalise: str, characters: int | None = None) -> str:
    """The text as classifiers of one normaliser read it, made once for all of them."""
    key = ("classifier line", normalise, characters)
    line: str | None = doc.cache.get(key)
    if line is None:
        line = doc.cache[key] = classifier_line(doc.text[:characters], normalise)
    return line


def parse_share(name: str, value: str | float) -> float:
    """``"10%"``, ``"0.1"`` or ``0.1`` as a share.

    Raises:
        ConfigError: it is none above 0 and at most 1.
    """
    share = share_of(value) if isinstance(value, str) else float(value)
    if isinstance(value, bool) or share is None or not 0 < share <= 1:
        raise ConfigError(f"{name}.keep_top = {value!r} is no share; write 10% or 0.1")
    return share

"""The model card: what a model is, what it was trained on, how good it is, and its thresholds.

A model is a folder: its file, and ``card.json`` beside it, which names the file's sha256. The card is
data only; how it reads as a page is `pipeline.reports.model_card`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifiers.calibrate import Target, Threshold
from classifiers.evaluate import Interval
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.registry import nearest

__all__ = ["CARD", "Card"]

CARD = "card.json"
FORMAT = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What is known of a model. Mitchell et al. 2019, "Model Cards for Model Reporting".

    Args:
        name: what it is called.
        description: what it tells apart, and what it is for, in a sentence or two.
        file: the model's file, in the folder of the card.
        sha256: of that file.
        bytes: its size.
        labels: those of the model, in its order.
        positive: labels whose probabilities sum to the score; empty where none is singled out.
        normalise: how texts are spelt (`classifiers.normalise`).
        settings: hyper-parameters of the training.
        licence: of the model.
        data: what it was trained on: ``name``, ``licence``, ``rows`` and so on for each source.
        account: what became of every row read, and how many of each label are in each part.
        metrics: by part (``test`` …), `classifiers.evaluate.Evaluation` as JSON.
        thresholds: by target.
        default: the target in use where none is named; empty without thresholds.
        quantisation: what compressing the weights cost, before and after; None if not done.
        search: the settings tried and how they did, if there was a search.
        known_failures: what it is known to get wrong, a sentence each.
    """

    name: str
    description: str
    file: str
    sha256: str
    bytes: int
    labels: tuple[str, ...]
    positive: tuple[str, ...]
    normalise: str
    settings: Mapping[str, Any]
    licence: str = ""
    data: tuple[Mapping[str, Any], ...] = ()
    account: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    default: str = ""
    quantisation: Mapping[str, Any] | None = None
    search: Mapping[str, Any] | None = None
    known_failures: tuple[str, ...] = ()

    def threshold(self, target: str | None = None) -> Threshold:
        """The threshold for ``target``, or for the default one.

        Raises:
            ConfigError: the card has none for it; the mend is named.
        """
        wanted = str(Target.parse(target)) if target else self.default
        for found in self.thresholds:
            if found.target == wanted:
                return found
        known = [found.target for found in self.thresholds]
        if not wanted:
            raise ConfigError(
                f"the model {self.name!r} has no threshold; "
                "find one with: gristmill classifier calibrate MODEL DATA --target precision=0.9"
            )
        raise ConfigError(
            f"the model {self.name!r} has no threshold for {wanted}{nearest(wanted, known) or '.'} "
            f"It has: {', '.join(known) or 'none'}. "
            f"Find it with: gristmill classifier calibrate MODEL DATA --target {wanted}"
        )

    def with_thresholds(self, found: Mapping[str, Threshold], default: str | None = None) -> Card:
        """The card with these thresholds, each in the place of an earlier one for its target."""
        merged = {one.target: one for one in self.thresholds} | dict(found)
        ordered = tuple(merged[name] for name in sorted(merged))
        return dataclasses.replace(
            self, thresholds=ordered, default=default or self.default or next(iter(found), "")
        )

    def to_json(self) -> str:
        """The card as text: the same bytes for equal cards."""
        data = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        data["thresholds"] = [one.to_json() for one in self.thresholds]
        return json.dumps({"format": FORMAT, **data}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Card:
        """The card in a file.

        Raises:
            ModelError: it cannot be read or is no card.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{path}: the card cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise ModelError(f"{path}: not a model card: {error}") from error
        try:
            if data.pop("format") != FORMAT:
                raise ModelError(f"{path}: a model card of another version; train the model again")
            data["thresholds"] = tuple(
                Threshold(**{**one, "measured": Interval.from_json(one["measured"])})
                for one in data["thresholds"]
            )
            for name in ("labels", "positive", "data", "known_failures"):
                data[name] = tuple(data[name])
            for name in ("name", "file", "sha256", "normalise", *("default" in data) * ["default"]):
                if not isinstance(data[name], str):
                    raise ValueError(f"{name} = {data[name]!r} is no text")
            if not set(data["positive"]) <= set(data["labels"]):
                raise ValueError("a positive label that is none of the labels")
            return cls(**data)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ModelError(f"{path}: not a model card: {error!r}") from error

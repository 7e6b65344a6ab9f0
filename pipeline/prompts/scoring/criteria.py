"""The seven criteria of a good test prompt, and one quality from them.

BenchBuilder (Li et al. 2024, "From Crowdsourced Data to High-Quality Benchmarks: Arena-Hard and
BenchBuilder Pipeline", section 4.2) asks a language model whether a prompt meets each of seven
criteria. Here each is a weighted mean of `pipeline.prompts.scoring.prompt_signals`, so that it costs nothing
and every score can be taken apart. They are signs, not judgements: a prompt full of terms of a field
looks like one that needs knowledge of it. English; compare prompts of one language only.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.prompts.scoring.prompt_signals import prompt_signals

__all__ = [
    "CRITERIA",
    "CriteriaWeights",
    "PromptCriteria",
    "criterion_scores",
    "prompt_criteria",
    "shipped_weights",
]

# Of each criterion: the signals behind it, with their weights, which add up to 1.
CRITERIA: dict[str, dict[str, float]] = {
    # Does the prompt ask for a specific output?
    "specificity": {
        "constraints": 0.3, "request": 0.15, "output": 0.15, "numbers": 0.1, "names": 0.15,
        "material": 0.15,
    },
    # Does it cover one or more specific domains?
    "domain_knowledge": {
        "domain": 0.5, "rare": 0.2, "rare_share": 0.1, "names": 0.1, "code": 0.1,
    },
    # Does it have several levels of reasoning, components or variables?
    "complexity": {
        "connectives": 0.25, "constraints": 0.2, "steps": 0.15, "sentences": 0.2, "depth": 0.1,
        "numbers": 0.1,
    },
    # Does it need active problem-solving rather than recall?
    "problem_solving": {
        "problem": 0.35, "depth": 0.15, "code": 0.2, "maths": 0.15, "constraints": 0.15,
    },
    # Does it involve creativity in approach or solution?
    "creativity": {"creative": 0.5, "output": 0.15, "request": 0.1, "role": 0.15, "problem": 0.1},
    # Does it need technical accuracy?
    "technical_accuracy": {
        "software": 0.3, "code": 0.25, "maths": 0.2, "domain": 0.15, "numbers": 0.1,
    },
    # Does it relate to real-world applications?
    "real_world": {
        "situation": 0.25, "work": 0.35, "output": 0.1, "problem": 0.15, "software": 0.15,
    },
}  # fmt: skip

_SHIPPED = "criteria_weights.json"


@dataclasses.dataclass(frozen=True, slots=True)
class PromptCriteria:
    """Scores of one prompt, each in 0..1.

    Args:
        specificity, domain_knowledge, complexity, problem_solving, creativity, technical_accuracy,
            real_world: see `CRITERIA`.
        quality: all of them in one number; see `CriteriaWeights`.
    """

    specificity: float
    domain_knowledge: float
    complexity: float
    problem_solving: float
    creativity: float
    technical_accuracy: float
    real_world: float
    quality: float

    def met(self, at_least: float = 0.5) -> int:
        """How many of the seven criteria reach a score."""
        return sum(getattr(self, name) >= at_least for name in CRITERIA)


@dataclasses.dataclass(frozen=True)
class CriteriaWeights:
    """A logistic regression on the criteria: quality = 1 / (1 + exp(−(bias + Σ weight x score))).

    The shipped ones were fitted to tell Arena-Hard's prompts, which passed BenchBuilder, from prompts
    that nobody selected, so that among texts of equal length as many were good as not; none is below
    .5, since no prompt is worse for meeting a criterion (`benchmarks/prompt_quality.py`). Arena-Hard
    is mostly technical, and so is what they like.

    Args:
        bias: added to the sum.
        weights: by criterion.

    Raises:
        ConfigError: a criterion has no weight, a weight no criterion, or one is no finite number.
    """

    bias: float
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if set(self.weights) != set(CRITERIA):
            odd = sorted(set(self.weights) ^ set(CRITERIA))
            raise ConfigError(
                f"criteria: {odd[0]!r} is not both a weight and a criterion; "
                f"give one weight for each of {', '.join(CRITERIA)}"
            )
        if not all(map(math.isfinite, (self.bias, *self.weights.values()))):
            raise ConfigError("criteria: a weight is no finite number; mend the weights file")

    def quality(self, scores: Mapping[str, float]) -> float:
        """One number from the scores of the seven criteria, in 0..1."""
        total = self.bias + sum(weight * scores[name] for name, weight in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))

    @classmethod
    def from_json(cls, text: str) -> CriteriaWeights:
        """Weights as `shipped_weights` has them in its file.

        Raises:
            ConfigError: it is no such file.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            weights = {str(name): float(weight) for name, weight in data["weights"].items()}
            bias = float(data["bias"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"criteria: no weights file ({error!r}); it has bias and weights"
            ) from (error)
        return cls(bias, weights)


@functools.cache
def shipped_weights() -> CriteriaWeights:
    """The weights that come with Gristmill, from ``criteria_weights.json``."""
    text = resources.files(__package__).joinpath(_SHIPPED).read_text(encoding="utf-8")
    return CriteriaWeights.from_json(text)


def criterion_scores(signals: Mapping[str, float]) -> dict[str, float]:
    """The seven scores from the signals of a prompt."""
    return {
        name: sum(weight * signals[signal] for signal, weight in parts.items())
        for name, parts in CRITERIA.items()
    }


def prompt_criteria(text: str, weights: CriteriaWeights | None = None) -> PromptCriteria:
    """How far a prompt meets each criterion, and its quality.

    Args:
        text: an opening prompt, any string. One without any word has quality 0.
        weights: None for those that come with Gristmill.
    """
    signals = prompt_signals(text)
    scores = criterion_scores(signals)
    quality = (weights or shipped_weights()).quality(scores) if signals["length"] else 0.0
    return PromptCriteria(**scores, quality=quality)

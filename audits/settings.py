"""How an audit is done: what changes its findings, and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from classifiers.embed import Encoder
from pipeline.core.errors import ConfigError

__all__ = ["AuditSettings", "Judge"]

VERSION = 4  # of the rules; raised when the same input gives other findings


class Judge(Protocol):
    """Says of an item and a passage how likely it is that the passage gives the item away.

    Cheap to pickle; what it needs is loaded when it is first asked.
    """

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        """The probability for each pair, None for no opinion; of no other pair than its own.

        Args:
            pairs: text of an item, text of a passage.

        Raises:
            ModelError, RunError: it cannot be asked.
        """

    def check(self) -> None:
        """See that it can be asked.

        Raises:
            ModelError, RunError: it cannot.
        """

    def to_json(self) -> dict[str, Any]:
        """Which one it is, as manifest and fingerprint have it: no key, no password.

        Raises:
            ModelError: it is not here.
        """


@dataclasses.dataclass(frozen=True)
class AuditSettings:
    """Parameters of an audit. Cheap to pickle.

    Args:
        encoder: proposes candidates; the packaged all-MiniLM-L6-v2 in bfloat16 by default.
        prescreen: only passages that look like an item are embedded; False embeds them all.
        words: of a passage, at most.
        candidates: nearest items of a passage that are verified.
        false_positive_rate: share of clean documents that may be flagged, from which the shipped
            thresholds follow.
        thresholds: least probability of a leak, by benchmark, from a calibration on one's own clean
            text; a benchmark without one takes the shipped threshold.
        floor: findings below this probability are not kept, but for altered items.
        judge: is asked about candidates that are neither copies nor clear; see
            `audits.verify.judge`.

    Raises:
        ConfigError: a value out of its range.
    """

    encoder: Encoder = dataclasses.field(default_factory=lambda: Encoder(dtype="bfloat16"))
    prescreen: bool = True
    words: int = 64
    candidates: int = 5
    false_positive_rate: float = 0.001
    thresholds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    floor: float = 0.05
    judge: Judge | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("words", 8, 256),
            ("candidates", 1, 100),
            ("false_positive_rate", 0, 0.5),
            ("floor", 0, 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} = {value}: it must lie between {low} and {high}")
        for benchmark, value in self.thresholds.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"threshold of {benchmark} = {value}: it must lie in 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """As the manifest has it."""
        encoder = {
            "name": self.encoder.name,
            "sha256": self.encoder.model_sha256(),
            "dtype": self.encoder.dtype,
        }
        own = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "encoder"
        }
        return {
            "encoder": encoder,
            **own,
            "thresholds": dict(sorted(self.thresholds.items())),
            "judge": None if self.judge is None else self.judge.to_json(),
        }

    def fingerprint(self) -> str:
        """A hash of all that changes findings, the encoder's weights among it."""
        text = json.dumps([VERSION, self.to_json()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

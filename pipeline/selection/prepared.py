"""What is measured on conversations before any of them is chosen: cleaned, masked, checked, scored.

Each conversation is its own, whatever else a log holds, so that parts can be prepared anywhere.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.intent import INTENTS, IntentClassifier, asked_in
from classifiers.intent_cues import CUES
from pipeline.core.decisions import Verdict
from pipeline.pii import MaskSample
from pipeline.prompts.cleaning.residue import clean_conversation
from pipeline.prompts.cleaning.safety_tags import safety_of
from pipeline.prompts.conversation import ASSISTANT, USER, Conversation
from pipeline.prompts.scoring.criteria import CRITERIA, prompt_criteria
from pipeline.prompts.scoring.response_quality import response_signals_batch
from pipeline.recipe.prompts import PromptsRecipe

__all__ = ["PREPARED", "Preparer"]

PREPARED = pa.schema(
    [
        ("id", pa.string()),
        ("place", pa.string()),
        ("user", pa.string()),
        ("tier", pa.string()),
        ("time", pa.string()),
        ("model", pa.string()),
        ("prompt", pa.string()),
        ("messages", pa.string()),
        ("turns", pa.int32()),
        ("language", pa.string()),
        ("words", pa.float64()),
        ("failed", pa.string()),
        ("intent", pa.string()),
        *((f"p_{intent}", pa.float64()) for intent in INTENTS),
        *((name, pa.float64()) for name in CRITERIA),
        ("quality", pa.float64()),
        ("response_quality", pa.float64()),
        ("toxicity", pa.float64()),
        ("safety", pa.string()),
        ("pii", pa.string()),
        ("residue", pa.string()),
    ]
)

_Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Preparer:
    """Prepares conversations. Cheap to pickle; models are loaded when first used.

    Args:
        recipe: how.
        intents: says what prompts are after.
    """

    recipe: PromptsRecipe
    intents: IntentClassifier = dataclasses.field(default_factory=IntentClassifier)

    def prepare(
        self, conversations: Sequence[Conversation], sample: MaskSample
    ) -> tuple[list[dict[str, Any]], _Floats]:
        """A row of `PREPARED` for each conversation, and the vector of its opening prompt.

        What fails a check that needs no embedding is not embedded: its vector is zero, its intent
        null. ``failed`` lists all failing checks as JSON; the first of them is the reason of a drop.

        Args:
            sample: takes in some of what is masked.

        Raises:
            ModelError: a model is missing.
        """
        cleaned = [clean_conversation(one) for one in conversations]
        talks = [one.conversation for one in cleaned]
        safety = safety_of(talks)
        masked, counts = self._masked(talks, sample)
        checks = self.recipe.clean.checks
        signals = checks.measure(masked)
        answers = _responses(masked)
        rows: list[dict[str, Any]] = []
        for at, talk in enumerate(masked):
            prompt = _opening(talk)
            criteria = prompt_criteria(prompt)
            failed = [
                *checks.decide(signals[at]),
                *self._unsafe(safety[at].kinds, safety[at].highest_toxicity),
                *self._personal(counts[at]),
            ]
            rows.append(
                {
                    "id": talk.id,
                    "place": talk.place,
                    "user": talk.user,
                    "tier": talk.tier,
                    "time": talk.time,
                    "model": talk.model,
                    "prompt": prompt,
                    "messages": _messages(talk),
                    "turns": len(talk.turns),
                    "language": signals[at].label,
                    "words": signals[at].words,
                    "failed": _json([[one.reason, one.value, one.bound] for one in failed]),
                    "intent": None,
                    **{f"p_{intent}": None for intent in INTENTS},
                    **{name: round(getattr(criteria, name), 6) for name in CRITERIA},
                    "quality": round(criteria.quality, 6),
                    "response_quality": answers[at],
                    "toxicity": round(safety[at].highest_toxicity, 6),
                    "safety": _json(list(safety[at].kinds)),
                    "pii": _json({kind.value: n for kind, n in sorted(counts[at].items())}),
                    "residue": _json(dict(sorted(cleaned[at].removed.items()))),
                }
            )
        return rows, self._embedded(masked, rows)

    def _masked(
        self, talks: Sequence[Conversation], sample: MaskSample
    ) -> tuple[list[Conversation], list[dict[Any, int]]]:
        masker = self.recipe.pii.masker
        if masker is None:
            return list(talks), [{} for _ in talks]
        found: list[Conversation] = []
        counts: list[dict[Any, int]] = []
        for talk in talks:
            masked = masker.mask([turn.text for turn in talk.turns])
            for turn, finds in zip(talk.turns, masked.found, strict=True):
                sample.add(talk.id, turn.text, finds)
            turns = [
                dataclasses.replace(turn, text=text)
                for turn, text in zip(talk.turns, masked.texts, strict=True)
            ]
            found.append(dataclasses.replace(talk, turns=tuple(turns)))
            counts.append(dict(masked.counts))
        return found, counts

    def _unsafe(self, kinds: Sequence[str], toxicity: float) -> list[Verdict]:
        found = []
        clean = self.recipe.clean
        if kinds and clean.jailbreaks == "drop":
            found.append(Verdict(False, f"safety.{kinds[0]}.high", float(len(kinds)), 0.0))
        if clean.toxicity is not None and toxicity > clean.toxicity:
            found.append(Verdict(False, "safety.toxicity.high", toxicity, clean.toxicity))
        return found

    def _personal(self, counts: dict[Any, int]) -> list[Verdict]:
        if self.recipe.pii.action != "drop" or not counts:
            return []
        return [Verdict(False, "pii.found.high", float(sum(counts.values())), 0.0)]

    def _embedded(self, talks: Sequence[Conversation], rows: list[dict[str, Any]]) -> _Floats:
        """Fill in the intent of the rows that failed nothing; vectors of all."""
        passed = [at for at, row in enumerate(rows) if row["failed"] == "[]"]
        asked = [
            asked_in([(turn.role, turn.text) for turn in talks[at].turns], _first(talks[at]))
            for at in passed
        ]
        features = self.intents.features([one for one in asked if one is not None])
        vectors = np.zeros((len(rows), features.shape[1] - len(CUES)), np.float32)
        if passed:
            says = self.intents.probabilities_of(features)
            for at, share, label in zip(passed, says, self.intents.labels(says), strict=True):
                rows[at]["intent"] = label
                for intent, value in zip(INTENTS, share.tolist(), strict=True):
                    rows[at][f"p_{intent}"] = round(value, 6)
            vectors[passed] = features[:, len(CUES) :]
        return vectors


def _first(talk: Conversation) -> int:
    """Number of the first turn of a user; every conversation has one."""
    return next(at for at, turn in enumerate(talk.turns) if turn.role == USER)


def _opening(talk: Conversation) -> str:
    return next(talk.said(USER), "")


def _responses(talks: Sequence[Conversation]) -> list[float | None]:
    """The quality of each conversation's worst response; None where there is none."""
    pairs: list[tuple[int, str, str]] = []
    for at, talk in enumerate(talks):
        prompt = ""
        for turn in talk.turns:
            if turn.role == USER:
                prompt = turn.text
            elif turn.role == ASSISTANT:
                pairs.append((at, prompt, turn.text))
    worst: list[float | None] = [None] * len(talks)
    found = response_signals_batch([one[1] for one in pairs], [one[2] for one in pairs])
    for (at, _, _), signals in zip(pairs, found, strict=True):
        value, before = round(signals.response_quality, 6), worst[at]
        worst[at] = value if before is None else min(before, value)
    return worst


def _messages(talk: Conversation) -> str:
    return _json([{"role": turn.role, "content": turn.text} for turn in talk.turns])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

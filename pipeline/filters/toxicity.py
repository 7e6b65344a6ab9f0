"""Abuse in texts: a filter on whole texts, and a cleaner that takes out single sentences."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from classifiers.text_classifier import TextClassifier
from pipeline.core.decisions import Bound, Signal
from pipeline.filters.cleaners import Cleaner
from pipeline.filters.scored import Classified

__all__ = ["ToxicSentences", "Toxicity"]

# A sentence ends behind its marks and closing quotes, with the space that follows, or at a line's end.
_SENTENCE = re.compile(r"[^.!?…\n]+(?:[.!?…]+[\"'”’)\]]*\s*|\n+|$)|[.!?…\n]+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toxicity(Classified):
    """Texts that score at or above the threshold go; ``keep_top`` keeps those that score lowest.

    What the model that comes with Gristmill takes for toxic is insults, threats and derogation of
    people. Its card says how often it is wrong on ordinary texts, on mentions of identities and on
    quotes of abuse, and how much it finds.

    Args:
        action: ``drop``, ``tag``, or ``mask_sentences``, which in a recipe puts the cleaner
            `ToxicSentences` in this place: a filter never changes the text it judges.
    """

    name: ClassVar[str] = "toxicity"
    actions: ClassVar[tuple[str, ...]] = ("drop", "tag", "mask_sentences")
    lowest_first: ClassVar[bool] = True

    model: str = "toxicity"
    action: Literal["drop", "tag", "mask_sentences"] = dataclasses.field(  # type: ignore[assignment]
        default="drop", metadata={"decides": True}
    )

    def score_bounds(self) -> tuple[Bound, ...]:
        if self.action == "mask_sentences":
            return ()
        threshold = self.classifier().threshold(self.target).threshold
        # A text at the threshold is positive, and what equals a bound would pass it.
        return (Bound("score", high=math.nextafter(threshold, 0.0)),)

    def replaced_by(self) -> Cleaner | None:
        if self.action != "mask_sentences":
            return None
        return ToxicSentences(model=self.model, sha256=self.sha256, target=self.target)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ToxicSentences(Cleaner):
    """Take out the sentences that score at or above the threshold, not the text around them.

    Dolma's way (Soldaini et al. 2024, section 3.1.2: spans of sentences, not documents). A text of
    nothing else is left empty: a filter on length behind it drops such texts.

    Args:
        model, sha256, target: see `pipeline.filters.scored.Classified`.
        mask: what stands in the place of each; nothing by default.
    """

    name: ClassVar[str] = "toxic_sentences"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("sentences", "sentences in the text"),
        Signal("masked", "sentences taken out"),
        Signal("masked_characters", "characters taken out"),
        Signal("highest", "score of the worst sentence", maximum=1.0),
    )

    model: str = "toxicity"
    sha256: str | None = None
    target: str | None = None
    mask: str = ""

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        classifier = self.classifier()
        threshold = classifier.threshold(self.target).threshold
        sentences = list(_sentences(text))
        scores = classifier.positive(classifier.score(sentences)).tolist()
        masked = [score >= threshold for score in scores]
        counts = {
            "sentences": float(len(sentences)),
            "masked": float(sum(masked)),
            "masked_characters": float(
                sum(len(part) for part, out in zip(sentences, masked, strict=True) if out)
            ),
            "highest": max(scores, default=0.0),
        }
        if not any(masked):
            return text, counts
        kept = (
            self.mask + _tail(part) if out else part
            for part, out in zip(sentences, masked, strict=True)
        )
        return "".join(kept), counts

    def classifier(self) -> TextClassifier:
        """The classifier, not yet loaded."""
        return TextClassifier.load(self.model, self.sha256)

    def models(self) -> dict[str, str]:
        classifier = self.classifier()
        classifier.threshold(self.target)
        return {f"{self.name} model {Path(self.model).name}": classifier.check()}

    def parameters(self) -> dict[str, Any]:
        # The number behind the target counts, and where the model lies does not.
        threshold = self.classifier().threshold(self.target).threshold
        model = Path(self.model).name
        return {**super().parameters(), "model": model, "threshold": threshold}


def _sentences(text: str) -> Iterator[str]:
    """The text in pieces that join to it."""
    return (match.group() for match in _SENTENCE.finditer(text))


def _tail(sentence: str) -> str:
    """The line breaks at a sentence's end, which stay so that paragraphs do."""
    return sentence[len(sentence.rstrip("\n")) :]

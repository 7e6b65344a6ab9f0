"""Whether a passage in another language is the translation of an English item, without a translator.

The passage is glossed word by word. An encoder that knows English only finds the items it may be;
here each of them is verified. Trained on German, French and Chinese; what the model goes by does not
depend on the language, so that it holds for the others, too (see ``benchmarks/audit_translations.py``).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import json
from typing import Any

from audits.items import Item
from audits.translation.evidence import FEATURES, compare
from audits.translation.glossary import Glossary, glossed_text, languages
from audits.translation.scorecard import Scorecard
from audits.translation.word_pairs import Weights, item_words
from pipeline.core.errors import ModelError

__all__ = ["THRESHOLD", "UNPROVEN", "TranslationScore", "Translations", "languages", "said"]

# Of the probability: at most one ordinary passage in a thousand scores above it.
THRESHOLD = 0.5

MODEL = "translation.json"
UNPROVEN = 0.05  # the most that numbers and a cosine come to without words
# Weight of an item's words below which hardly a translation is recognised.
_SHORT = 12.0


@dataclasses.dataclass(frozen=True, slots=True)
class TranslationScore:
    """What a passage is to an item.

    Args:
        probability: that it is its translation, 0 to 1.
        evidence: `FEATURES` by name, with ``met``, the different words that both have.
        spans: ``[item start, item end, passage start, passage end]`` of words and numbers that
            both have, in the order of the passage. The first and the last tell where in a long
            passage the translation is.
    """

    probability: float
    evidence: dict[str, float]
    spans: list[list[int]]


@dataclasses.dataclass(frozen=True, eq=False)
class Translations:
    """The verifier of translations; see `load`.

    Args:
        card: the model.
        weights: of English senses.
    """

    card: Scorecard
    weights: Weights

    @classmethod
    def load(cls) -> Translations:
        """The one that comes with the package, read once a process.

        Raises:
            ModelError: its file is missing or damaged.
        """
        return _load()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Translations:
        """Raises:
        ModelError: it is none, or one of other features.
        """
        card = Scorecard.from_json(data.get("card", {}))
        other = sorted(set(card.steps) - set(FEATURES))
        if other:
            raise ModelError(f"{MODEL} goes by features that are not measured: {', '.join(other)}")
        try:
            senses = {str(one): float(weight) for one, weight in data["senses"].items()}
            return cls(card, Weights(senses, float(data["rare"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{MODEL}: no weights of senses ({type(error).__name__})") from error

    def gloss(self, text: str, language: str) -> str:
        """A text word by word in English: what the encoder is given. See `glossed_text`."""
        return glossed_text(text, language)

    def unchecked(self, item: Item) -> str:
        """Why a translation of an item would hardly be recognised, for the account; or an empty string."""
        if item.language != "en":
            return "not in English"
        return "" if said(item.question, self.weights) >= _SHORT else "too few words"

    def score(
        self, item: Item, passage: str, language: str, cosine: float, margin: float
    ) -> TranslationScore:
        """Verify one candidate.

        Numbers, a cosine and a margin never suffice: an item is recognised by its words.

        Args:
            item: an English one. Its question is looked for; its choices may stand beside it.
            passage: any text; best the window that was found with about the item's length on
                either side, since the stretch that is most like the item is looked at.
            language: of the passage, one of `languages`.
            cosine: of the item's question and the glossed passage (see `gloss`), by the packaged
                encoder, which the model was trained with.
            margin: ``cosine`` less the greatest cosine of any other item of the index whose
                question is not the same text; negative where another one is nearer.

        Raises:
            ConfigError: there is no glossary of the language.
        """
        found = compare(
            item.question,
            "\n".join(item.choices),
            passage,
            Glossary.load(language),
            self.weights,
            cosine=cosine,
            margin=margin,
        )
        probability = self.card.probability(found.values)
        if not found.proven:
            probability = min(probability, UNPROVEN)
        return TranslationScore(probability, {**found.values, "met": float(found.met)}, found.spans)


def said(text: str, weights: Weights) -> float:
    """How much an English text says: the weights of its different words together."""
    told = {word.senses[0]: word.weight for word in item_words(text, weights) if word.senses}
    return sum(told.values())


@functools.cache
def _load() -> Translations:
    file = importlib.resources.files("audits") / "shipped" / MODEL
    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"audits/shipped/{MODEL} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise ModelError(f"audits/shipped/{MODEL} is no model: an object is expected")
    return Translations.from_json(data)

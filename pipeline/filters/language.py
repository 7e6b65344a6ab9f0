"""Keep texts of the wanted languages. The model and its labels are in `classifiers.language`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, ClassVar

from classifiers.language import LanguageIdentifier
from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters.base import TOP
from pipeline.filters.scored import TOP_SIGNAL, Scored

__all__ = ["Language"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Language(Scored):
    """Texts in one of ``languages``, by lid.176. Web pages and prompts are judged differently.

    **Web pages**: as it stands. A page passes if one of the wanted languages has a probability of
    at least .65, the whole text read, as for FineWeb (Penedo et al. 2024, section 3.3; in
    datatrove 0.10.1 ``LanguageFilter``). The bound is on the best of the wanted languages, so that
    a page in two of them is not lost to the split between them. A text of nothing but white space
    has the label ``"und"`` and score 0. ``characters=400`` decides 99 % of pages alike for a
    fraction of the cost.

    **Prompts, chats and other short texts**: ``prose=True, characters=200``. Only the
    natural-language part is judged, and what is in doubt passes: a text is dropped where another
    language is likelier than every wanted one by more than .1. A text too short to tell has the
    label ``"und"``, score 0 and lead 0, and passes; so does one that is all code. Of 4,825
    English prompts to chat models this drops .15 %, FineWeb's bound 4.6 %; docs/filters.md has
    the price.

    Args:
        languages: labels of the model, such as ``("en", "de")``: ISO 639-1, else 639-3.
        prose: judge the natural-language part only, without code, markup, addresses and numbers,
            and put the default bound on ``other_lead`` instead of ``score``.
        min_letters: with ``prose``: the model's answer on a text with fewer letters counts only
            where it is sure, or where the script tells the language.
        characters: read about so many of each text; None reads all. They are five pieces, spread
            evenly over the text, or with ``prose`` the first of the natural-language part.
        model: a fastText language model of your own; None takes the packaged lid.176.ftz.
        sha256: what the content of ``model`` must have; None takes it as it is.
        action, keep_top: see `pipeline.filters.scored.Scored`.

    Raises:
        ConfigError: no language, ``characters`` below 1, or ``min_letters`` below 0.
    """

    name: ClassVar[str] = "language"
    version: ClassVar[int] = 2
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("label", "the most probable language", kind="text"),
        Signal("label_score", "probability of the most probable language", maximum=1.0),
        Signal("score", "highest probability among the wanted languages", maximum=1.0),
        Signal(
            "other_lead",
            "by how much another language's probability exceeds that of all wanted ones",
            maximum=1.0,
        ),
        TOP_SIGNAL,
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (Bound("score", low=0.65),)

    languages: tuple[str, ...] = ("en",)
    prose: bool = False
    min_letters: int = LanguageIdentifier.min_letters
    characters: int | None = None
    model: str | None = dataclasses.field(default=None, metadata={"file": True})
    sha256: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        languages: Any = self.languages
        # A lone "en" would be taken for the languages "e" and "n".
        languages = (languages,) if isinstance(languages, str) else tuple(languages)
        object.__setattr__(self, "languages", languages)
        if not self.languages:
            raise ConfigError("language.languages names no language")
        self._identifier()  # refuses what makes no sense

    def score_bounds(self) -> tuple[Bound, ...]:
        return (Bound("other_lead", high=0.1),) if self.prose else self.default_bounds

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return self.measure_batch([doc])[0]

    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        found = self._identifier().identify([doc.text for doc in docs], self.languages)
        return [
            {
                "label": score.label,
                "label_score": score.probability,
                "score": score.wanted,
                "other_lead": score.lead,
                TOP: 0.0,
            }
            for score in found
        ]

    def models(self) -> dict[str, str]:
        """The language model's sha256, after making sure that it knows all ``languages``.

        Raises:
            ModelError: the model is missing, altered or no fastText model.
            ConfigError: a language is unknown to the model.
        """
        identifier = self._identifier()
        identifier.check(self.languages)
        name = PurePath(self.model).name if self.model else "lid.176.ftz"
        return {f"language model {name}": identifier.model_sha256()}

    def _identifier(self) -> LanguageIdentifier:
        return LanguageIdentifier(
            self.model, self.sha256, self.prose, self.min_letters, self.characters
        )

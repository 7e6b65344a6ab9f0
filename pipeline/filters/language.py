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
from pipeline.filters.base import Filter

__all__ = ["Language"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Language(Filter):
    """One of ``languages`` with a probability of at least .65, by lid.176.

    The default is FineWeb's (Penedo et al. 2024, section 3.3; in datatrove 0.10.1
    ``LanguageFilter``).

    The bound is on the best of the wanted languages, so that a page in two of them is not lost to
    the split between them. A text of nothing but white space has the label ``"und"`` and score 0.

    Args:
        languages: labels of the model, such as ``("en", "de")``: ISO 639-1, else 639-3.
        characters: how much of a text is read; None for all of it, as FineWeb does. The first
            2,000 give the same decision on 99.5 % of web pages in several languages, and bound the
            cost of long ones.
        model: a fastText language model of your own; None takes the packaged lid.176.ftz.
        sha256: what the content of ``model`` must have; None takes it as it is.

    Raises:
        ConfigError: no language, or ``characters`` below 1.
    """

    name: ClassVar[str] = "language"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("label", "the most probable language", kind="text"),
        Signal("label_score", "probability of the most probable language", maximum=1.0),
        Signal("score", "highest probability among the wanted languages", maximum=1.0),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (Bound("score", low=0.65),)

    languages: tuple[str, ...] = ("en",)
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
        if self.characters is not None and self.characters < 1:
            raise ConfigError(f"language.characters = {self.characters} must be at least 1")

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return self.measure_batch([doc])[0]

    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        texts = [doc.text[: self.characters] for doc in docs]
        return [
            {"label": found.label, "label_score": found.probability, "score": found.wanted}
            for found in self._identifier().identify(texts, self.languages)
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
        return LanguageIdentifier(self.model, self.sha256)

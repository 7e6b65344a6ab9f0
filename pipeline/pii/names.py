"""Names of persons, by a named-entity model that the user brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from pipeline.core.errors import ConfigError

__all__ = ["Names", "SpacyNames"]


class Names(Protocol):
    """Whatever finds the names of persons in a text."""

    def names(self, text: str) -> Iterable[tuple[int, int]]:
        """First index and index after the last of each name."""
        ...


class SpacyNames:
    """A spaCy pipeline with an entity recogniser; loaded when it first reads a text.

    Args:
        model: name or path of the pipeline, such as ``en_core_web_sm``.
        labels: its labels for persons; models trained on OntoNotes and on CoNLL call them differently.
        longest: characters read at once; a longer text is read in parts cut at spaces.
    """

    def __init__(
        self,
        model: str,
        labels: frozenset[str] = frozenset({"PERSON", "PER"}),
        longest: int = 100_000,
    ):
        self.model, self.labels, self.longest = model, labels, longest
        self._pipeline: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pipeline": None}

    def names(self, text: str) -> Iterable[tuple[int, int]]:
        """See `Names`.

        Raises:
            ConfigError: spaCy or the model is not installed, or it recognises no entities.
        """
        if self._pipeline is None:
            self._pipeline = _loaded(self.model)
        start = 0
        while start < len(text):
            end = min(len(text), start + self.longest)
            if end < len(text):
                space = text.rfind(" ", start + 1, end)
                end = space if space > start else end
            for entity in self._pipeline(text[start:end]).ents:
                if entity.label_ in self.labels:
                    yield start + entity.start_char, start + entity.end_char
            start = end


def _loaded(model: str) -> Any:
    try:
        import spacy
    except ImportError as error:
        raise ConfigError(
            f"names: {model!r} needs spaCy; install it with pip install 'gristmill[spacy]'"
        ) from error
    try:
        pipeline = spacy.load(model)
    except OSError as error:
        raise ConfigError(
            f"names: no spaCy model {model!r} is here; install it: {error}"
        ) from error
    if not {"ner", "entity_ruler", "span_ruler", "transformer"} & set(pipeline.pipe_names):
        raise ConfigError(
            f"names: the spaCy model {model!r} recognises no entities; name one that does"
        )
    return pipeline

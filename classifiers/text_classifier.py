"""A trained classifier with its card: texts in, probabilities out. Which filter uses it is not known here."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.calibrate import Threshold
from classifiers.card import CARD, Card
from classifiers.fasttext_model import FastTextModel, fasttext_line
from classifiers.models import ModelFile
from classifiers.normalise import normaliser
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.registry import nearest

__all__ = ["SHIPPED", "TextClassifier", "classifier_line", "shipped_names"]

SHIPPED = Path(__file__).parent / "shipped"


@dataclasses.dataclass(frozen=True)
class TextClassifier:
    """A classifier of texts; holds no loaded model, so it is cheap to pickle.

    Args:
        model: the fastText model; loaded once per process, when first asked.
        card: what is known of it. A model without a card has labels, and no score of its own.
    """

    model: FastTextModel
    card: Card | None = None

    @classmethod
    def load(cls, name: str | os.PathLike[str], sha256: str | None = None) -> TextClassifier:
        """A classifier by the name of one that comes with Gristmill, by folder, or by file.

        Args:
            name: ``toxicity`` …, a folder that `gristmill classifier train` wrote, or a model file
                (``.bin``, ``.ftz``), whose card is read if it lies beside it.
            sha256: what the content of the model file must have; None takes what the card says.

        Raises:
            ModelError: there is none, or its card or file is not what it should be.
        """
        given = os.fspath(name)
        there = os.path.abspath(given)
        return _loaded(given, there, sha256, _stamps(given, there))

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in the order of the columns of `score`."""
        return self.card.labels if self.card else tuple(self.model.labels())

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The probability of each label; 0 for all where a text has no letter and no digit.

        Args:
            texts: any strings; each is read whole.

        Returns:
            ``float32[len(texts), len(labels)]``.

        Raises:
            ModelError: the model is missing, altered or no supervised fastText model.
        """
        return self.score_lines([classifier_line(text, self.normalise) for text in texts])

    def score_lines(self, lines: Sequence[str]) -> npt.NDArray[np.float32]:
        """`score` of texts that `classifier_line` has spelt as this model wants them."""
        found = self.model.scores(lines)
        wordless = [index for index, line in enumerate(lines) if not any(map(str.isalnum, line))]
        found[wordless] = 0.0
        return found

    def positive(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The score of each text: the probabilities of the positive labels, summed.

        Args:
            scores: what `score` gave.

        Returns:
            ``float32[len(scores)]``, in [0, 1].

        Raises:
            ConfigError: the card names no positive label, or there is no card.
        """
        if not self.card or not self.card.positive:
            raise ConfigError(
                f"{self.model.file.path}: no label of this model is marked as the positive one; "
                f"train with --positive (its labels: {', '.join(self.labels)})"
            )
        columns = [self.labels.index(label) for label in self.card.positive]
        summed: npt.NDArray[np.float32] = scores[:, columns].sum(axis=1, dtype=np.float32)
        return np.minimum(summed, np.float32(1.0))

    def threshold(self, target: str | None = None) -> Threshold:
        """The card's threshold for ``target``; see `Card.threshold`.

        Raises:
            ConfigError: there is none, or no card.
        """
        if self.card is None:
            raise ConfigError(f"{self.model.file.path}: no card lies beside this model file")
        return self.card.threshold(target)

    @property
    def normalise(self) -> str:
        """How texts are spelt for this model."""
        return self.card.normalise if self.card else "none"

    def check(self) -> str:
        """Load the model, hold it against its card, and give the sha256 of its file.

        Raises:
            ModelError: it is missing, altered, of another kind, or has other labels.
        """
        labels = tuple(self.model.labels())
        if self.card and labels != self.card.labels:
            raise ModelError(
                f"{self.model.file.path}: its labels are {', '.join(labels)}, "
                f"its card says {', '.join(self.card.labels)}"
            )
        return self.model.file.verify()


def classifier_line(text: str, normalise: str) -> str:
    """``text`` as a classifier reads it: spelt by the normaliser of that name, on one line."""
    return fasttext_line(normaliser(normalise)(text))


def shipped_names() -> list[str]:
    """The classifiers that come with Gristmill."""
    return list(_names(SHIPPED))


@functools.cache
def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(card.parent.name for card in folder.glob(f"*/{CARD}")))


def _stamps(given: str, there: str) -> tuple[int | None, ...]:
    """When each card that may be meant was changed: a classifier is asked for once a batch."""
    return tuple(
        _changed(path)
        for path in (
            f"{there}/{CARD}",
            f"{os.path.dirname(there)}/{CARD}",
            f"{SHIPPED}/{given}/{CARD}",
        )
    )


def _changed(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=64)
def _loaded(
    given: str, there: str, sha256: str | None, stamps: tuple[int | None, ...]
) -> TextClassifier:
    # The times of change are part of the key only.
    file, card = _find(given, Path(there))
    promised = card.sha256 if card else None
    if sha256 is not None and promised is not None and sha256.lower() != promised:
        raise ModelError(f"{file}: the card says sha256 {promised}, {sha256} was asked for")
    return TextClassifier(FastTextModel(ModelFile(str(file), sha256 or promised)), card)


def _find(given: str, path: Path) -> tuple[Path, Card | None]:
    """The model file meant by ``given`` and its card; ``path`` is where that is, if it is a path."""
    if given in shipped_names() and not path.is_file() and not (path / CARD).is_file():
        path = SHIPPED / given
    if path.is_dir():
        if not (path / CARD).is_file():
            raise ModelError(f"{given}: no model here: {CARD} is missing")
        card = Card.read(path / CARD)
        return path / card.file, card
    if not path.is_file():
        known = shipped_names()
        guess = nearest(given, known) or f"; with Gristmill come {', '.join(known) or 'none'}"
        raise ModelError(f"{given}: no such model, folder or file{guess}")
    beside = path.parent / CARD
    if beside.is_file():
        card = Card.read(beside)
        if card.file == path.name:
            return path, card
    return path, None

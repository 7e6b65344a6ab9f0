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
        file, card = _find(os.fspath(name))
        promised = card.sha256 if card else None
        if sha256 is not None and promised is not None and sha256.lower() != promised:
            raise ModelError(f"{file}: the card says sha256 {promised}, {sha256} was asked for")
        return cls(FastTextModel(ModelFile(str(file), sha256 or promised)), card)

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
    return sorted(card.parent.name for card in SHIPPED.glob(f"*/{CARD}"))


def _find(name: str) -> tuple[Path, Card | None]:
    """The model file meant by ``name`` and its card."""
    path = Path(name)
    ours = path.name == name and name in shipped_names()
    if ours and not path.is_file() and not (path / CARD).is_file():
        path = SHIPPED / name
    if path.is_dir():
        if not (path / CARD).is_file():
            raise ModelError(f"{path}: no model here: {CARD} is missing")
        card = _card(path / CARD)
        return path / card.file, card
    if not path.is_file():
        known = shipped_names()
        guess = nearest(name, known) or f"; with Gristmill come {', '.join(known) or 'none'}"
        raise ModelError(f"{name}: no such model, folder or file{guess}")
    beside = path.parent / CARD
    if beside.is_file():
        card = _card(beside)
        if card.file == path.name:
            return path, card
    return path, None


def _card(path: Path) -> Card:
    return _cards(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _cards(path: Path, mtime_ns: int) -> Card:
    # The time of change is part of the key only.
    return Card.read(path)

"""A model of intent adapted to labels of one's own, in a folder with a card that tells of them."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.evaluate import Interval, proportion
from classifiers.intent import INTENTS, IntentClassifier, IntentModel
from classifiers.intent_training import ENOUGH, ENOUGH_ASKING, STRENGTH, enough, train_intent
from pipeline.core.errors import ConfigError, StorageError
from pipeline.prompts.intents.labels import CHANCE, UNCERTAIN, IntentLabel
from pipeline.runtime.storage import storage_errors

__all__ = ["Adapted", "adapt", "agreement", "check_model_folder"]

_FILES = ("README.md", "model.npz", "model.json")  # model.json last: without it there is no model


@dataclasses.dataclass(frozen=True)
class Adapted:
    """What a model was adapted to.

    Args:
        labels: that were learned from, by intent.
        without_text: labels whose turn is not known, so that nothing can be learned from them.
        agreement: by how turns were drawn, the share whose label is what the model said then.
        measured: whether temperature and threshold are those of these labels, or the shipped ones.
    """

    labels: dict[str, int]
    without_text: int
    agreement: dict[str, Interval]
    measured: bool

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``model.json``."""
        return {
            "prompts": sum(self.labels.values()),
            "labels": self.labels,
            "labels_without_text": self.without_text,
            "prior": "shipped",
            "strength": STRENGTH,
            "temperature_and_threshold": "own labels" if self.measured else "shipped",
            "agreement": {name: one.to_json() for name, one in self.agreement.items()},
        }

    def card(self) -> str:
        """The card, for a person, in Markdown."""
        total = sum(self.labels.values())
        lines = [
            "# Intent, adapted",
            "",
            f"The model of intent that ships with Gristmill, adapted to {total:,} labels: "
            + ", ".join(f"{count:,} {name}" for name, count in self.labels.items())
            + f" (Gaussian prior around the shipped weights, strength {STRENGTH:g}).",
        ]
        if self.without_text:
            lines.append(f"{self.without_text:,} labels have no text and were not learned from.")
        lines += ["", "## Agreement", ""]
        if self.agreement:
            lines += [
                "How often a label is what the model said when the turn was drawn, before it had "
                "seen the label (95 % intervals):",
                "",
                "| turns | n | agreement |",
                "|---|---|---|",
            ]
            lines += [f"| {_DRAWN[name]} | {one.n:,} | {one} |"
                      for name, one in self.agreement.items()]  # fmt: skip
            lines += [
                "",
                "Only turns drawn by chance tell how often it is right on the whole log; the others "
                "were drawn because it was unsure of them.",
            ]
        else:
            lines.append("No label is of a turn that a model was asked about before.")
        what = (
            "estimated on the labels of turns drawn by chance"
            if self.measured
            else f"the shipped ones: it takes {ENOUGH} labels of turns drawn by chance, "
            f"{ENOUGH_ASKING} of them asking, to estimate them anew"
        )
        return "\n".join([*lines, "", f"Temperature and threshold of *asking* are {what}.", ""])


_DRAWN = {
    CHANCE: "drawn by chance",
    UNCERTAIN: "drawn for being uncertain",
    "": "not known how drawn",
}


def adapt(labels: Sequence[IntentLabel], folder: Path) -> Adapted:
    """Train the shipped model on with these labels, and leave it and its card in a folder.

    The prior is always the shipped model, never one that has learned from some of the labels
    already: each label counts once.

    Args:
        labels: of distinct turns.
        folder: see `check_model_folder`. A model there is replaced.

    Raises:
        ConfigError: see `check_model_folder`.
        StorageError: it cannot be written.
        ModelError: the shipped model or the encoder is missing.
    """
    check_model_folder(folder)
    there = [one for one in labels if one.asked is not None]
    features = IntentClassifier().features([one.asked for one in there if one.asked is not None])
    numbers = np.array([INTENTS.index(one.intent) for one in there], np.int64)
    chance = np.array([one.drawn == CHANCE for one in there], np.bool_)
    model = train_intent(features, numbers, prior=IntentModel.load(), chance=chance)
    counts = Counter(one.intent for one in there)
    done = Adapted(
        {name: counts[name] for name in INTENTS},
        len(labels) - len(there),
        agreement(labels),
        enough(numbers[chance]),
    )
    _leave(model, done, folder)
    return done


def agreement(labels: Sequence[IntentLabel]) -> dict[str, Interval]:
    """By how turns were drawn, the share of labels that are what the model had said."""
    found = {}
    for drawn in _DRAWN:
        same = [one.intent == one.said for one in labels if one.said and one.drawn == drawn]
        if same:
            found[drawn] = proportion(sum(same), len(same))
    return found


def check_model_folder(folder: Path) -> None:
    """Whether a model may be written there.

    Raises:
        ConfigError: ``folder`` is a file, or a folder that holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; --save-model takes a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "model.json").is_file():
        raise ConfigError(
            f"{folder} is not empty and holds no model of intent; give another folder with "
            "--save-model"
        )


def _leave(model: IntentModel, done: Adapted, folder: Path) -> None:
    try:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as name:
                model.save(Path(name), done.to_json())
                (Path(name) / "README.md").write_text(done.card(), "utf-8")
                for file in _FILES:
                    (Path(name) / file).replace(folder / file)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror or error}") from error
    IntentModel.forget()

"""Classifiers held against labelled texts: figures for a card, thresholds for targets.

Training judges its own test part here, and so do `gristmill classifier evaluate` and `calibrate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.calibrate import Target, Threshold, threshold_for
from classifiers.card import CARD, Card
from classifiers.evaluate import evaluate, length_slice, proportion
from classifiers.language import LanguageIdentifier
from classifiers.text_classifier import TextClassifier
from classifiers.train import label_words
from pipeline.core.errors import ConfigError, ModelError
from pipeline.reports.model_card import PRECISION_RECALL, RELIABILITY, model_card
from pipeline.reports.plots import precision_recall_plot, reliability_plot
from pipeline.runtime.storage import storage_errors

__all__ = [
    "README",
    "card_of",
    "judge",
    "leave_card",
    "leave_pictures",
    "leave_text",
    "score_table",
    "scored",
    "thresholds",
    "with_model_labels",
]

README = "README.md"
OWN_COLUMNS = ("text", "label", "group", "place")
LANGUAGE_CHARACTERS = 500


def card_of(classifier: TextClassifier) -> Card:
    """The card of a classifier that has one, its file held against it.

    Raises:
        ModelError: it has none, or does not fit it.
    """
    if classifier.card is None:
        raise ModelError(
            f"{classifier.model.file.path}: no card lies beside this model file; `gristmill "
            "classifier train` writes one"
        )
    classifier.check()
    return classifier.card


def with_model_labels(
    examples: pa.Table, classifier: TextClassifier, positive: Sequence[str] = ()
) -> pa.Table:
    """Examples with the labels of the model.

    Args:
        examples: whatever their labels are called.
        classifier: with a card.
        positive: those of their labels that the model's positive ones stand for; none where they
            are called the same.

    Raises:
        ConfigError: they have a label that the model does not know, or the model has no positive
            one.
    """
    card = card_of(classifier)
    labels = examples["label"].to_pylist()
    if positive and not card.positive:
        raise ConfigError(
            f"--positive {positive[0]}: the model {card.name!r} has no positive label that it could "
            f"stand for; its labels are {', '.join(card.labels)}"
        )
    if positive:
        unknown = sorted(set(positive) - set(labels))
        if unknown:
            raise ConfigError(f"--positive {unknown[0]}: no row has this label")
        negative = next(label for label in card.labels if label not in card.positive)
        mapped = [card.positive[0] if label in positive else negative for label in labels]
        column = examples.column_names.index("label")
        return examples.set_column(column, "label", pa.array(mapped, pa.string()))
    foreign = sorted(set(label_words(examples).tolist()) - set(card.labels))
    if foreign:
        raise ConfigError(
            f"the label {foreign[0]!r} is none of the model's ({', '.join(card.labels)}); say which "
            "labels are positive with --positive, or give whole files a label: LABEL=FILE"
        )
    return examples


def thresholds(
    classifier: TextClassifier,
    examples: pa.Table,
    targets: Sequence[str],
    *,
    positive: Sequence[str] = (),
    sure: bool = False,
    data: str = "",
) -> dict[str, Threshold]:
    """The threshold of each target, by target.

    Args:
        classifier: with a card that names positive labels.
        examples: labelled texts; where only a share is asked for, their labels are not looked at.
        targets: such as ``precision=0.9``.
        positive: see `with_model_labels`.
        sure: the whole 95 % interval reaches the target.
        data: what the texts are, for the card.

    Raises:
        ConfigError: a target cannot be reached on them.
    """
    parsed = [Target.parse(target) for target in targets]
    scores = classifier.positive(score_table(classifier, examples))
    truth = None
    if any(target.kind != "share" for target in parsed):
        truth = _truth(with_model_labels(examples, classifier, positive), classifier)
    return {
        str(target): threshold_for(target, scores, truth, sure=sure, data=data) for target in parsed
    }


def judge(classifier: TextClassifier, examples: pa.Table) -> dict[str, Any]:
    """The classifier held against labelled texts, as the card has it.

    With a positive label, `classifiers.evaluate.Evaluation` as JSON, sliced by length and by every
    column of ``examples`` that is no column of its own; without one, accuracy by label.
    """
    if not (classifier.card and classifier.card.positive):
        return _accuracy(classifier, examples)
    scores, truth = scored(classifier, examples)
    slices = _slices(examples)
    threshold = classifier.threshold().threshold if classifier.card.default else None
    return evaluate(scores, truth, threshold=threshold, slices=slices).to_json()


def leave_card(folder: Path, card: Card) -> None:
    """Write the card and its page, and the pictures of its test part; each appears whole.

    Raises:
        StorageError: full disk, quota or permissions; what was there is then as it was.
    """
    if "test" in card.metrics:
        leave_pictures(folder, card.name, card.metrics["test"])
    leave_text(folder / README, model_card(card))
    leave_text(folder / CARD, card.to_json())


def leave_pictures(folder: Path, name: str, found: Mapping[str, Any]) -> None:
    """Write the pictures of what `judge` found, if there is a curve in it."""
    if found.get("curve"):
        for file, plot in (
            (RELIABILITY, reliability_plot),
            (PRECISION_RECALL, precision_recall_plot),
        ):
            leave_text(folder / file, plot(name, found))


def leave_text(path: Path, text: str) -> None:
    """Write a small file, whole or not at all.

    Raises:
        StorageError: see `leave_card`.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        with storage_errors(path):
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def scored(
    classifier: TextClassifier, examples: pa.Table
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """``float32[rows]`` and ``bool[rows]``: the score of each example, and whether it is positive.

    Args:
        classifier: with a card that names positive labels.
        examples: with the labels of the model; see `with_model_labels`.
    """
    scores = classifier.positive(score_table(classifier, examples))
    return scores, _truth(examples, classifier)


def _truth(examples: pa.Table, classifier: TextClassifier) -> npt.NDArray[np.bool_]:
    assert classifier.card is not None
    return np.isin(label_words(examples), classifier.card.positive)


def score_table(classifier: TextClassifier, examples: pa.Table) -> npt.NDArray[np.float32]:
    """``float32[rows, labels]``, batch by batch."""
    parts = [
        classifier.score(batch["text"].to_pylist())
        for batch in examples.select(["text"]).to_batches(max_chunksize=4096)
    ]
    return np.concatenate([np.zeros((0, len(classifier.labels)), np.float32), *parts])


def _slices(examples: pa.Table) -> dict[str, Sequence[str]]:
    """The parts that are looked at alone: by length, language, group, and every further column."""
    texts = examples["text"].to_pylist()
    slices: dict[str, Sequence[str]] = {"characters": length_slice(texts)}
    if "language" not in examples.column_names:
        heads = [text[:LANGUAGE_CHARACTERS] for text in texts]
        slices["language"] = [found.label for found in LanguageIdentifier().identify(heads)]
    groups = examples["group"].to_pylist()
    if 1 < len(set(groups)) < len(groups) / 2:
        slices["group"] = groups
    for name in examples.column_names:
        if name not in OWN_COLUMNS:
            slices[name] = examples[name].to_pylist()
    return {name: [value or "·" for value in values] for name, values in slices.items()}


def _accuracy(classifier: TextClassifier, examples: pa.Table) -> dict[str, Any]:
    """What there is to say of a model with many labels and no single score."""
    truth = label_words(examples)
    scores = score_table(classifier, examples)
    found = np.asarray(classifier.labels, object)[scores.argmax(axis=1)]
    by_label = {}
    for label in classifier.labels:
        is_so, said_so = truth == label, found == label
        by_label[label] = {
            "texts": int(is_so.sum()),
            "precision": proportion(int((is_so & said_so).sum()), int(said_so.sum())).to_json(),
            "recall": proportion(int((is_so & said_so).sum()), int(is_so.sum())).to_json(),
        }
    right = int((found == truth).sum())
    return {
        "texts": len(truth),
        "accuracy": proportion(right, len(truth)).to_json(),
        "labels": by_label,
    }

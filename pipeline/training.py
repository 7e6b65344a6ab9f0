"""Training of a classifier, from labelled files to a folder with model, card and pictures.

What each step does is `pipeline.labelled`, `classifiers.train`, `classifiers.evaluate` and
`classifiers.calibrate`; here is their order. The development part chooses (settings, thresholds),
the test part only reports.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from classifiers.calibrate import Target, Threshold, threshold_for
from classifiers.card import CARD, Card
from classifiers.fasttext_model import FastTextModel
from classifiers.models import ModelFile
from classifiers.text_classifier import TextClassifier
from classifiers.train import compress, figure, fit, label_words, scores_of, search
from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest
from pipeline.judging import README, judge, leave_card, scored
from pipeline.labelled import Prepared
from pipeline.recipe.training import TrainingRecipe
from pipeline.reports.model_card import PRECISION_RECALL, RELIABILITY
from pipeline.runtime.storage import storage_errors

__all__ = ["check_folder", "positive_labels", "train_classifier"]

Say = Callable[[str], None]
OWN_FILES = frozenset({"model.bin", "model.ftz", CARD, README, RELIABILITY, PRECISION_RECALL})
# Of two labels such as these, nobody means the first.
_OBVIOUS = ({"0", "1"}, {"false", "true"}, {"no", "yes"}, {"negative", "positive"}, {"bad", "good"})
_YES = {"1", "true", "yes", "positive", "good"}


def train_classifier(
    prepared: Prepared,
    recipe: TrainingRecipe,
    out: Path,
    *,
    data: Sequence[Mapping[str, Any]] = (),
    say: Say = lambda line: None,
) -> Card:
    """Train, choose thresholds, judge, and leave everything in ``out``.

    Args:
        prepared: examples in three parts (`pipeline.labelled.prepare`).
        recipe: how.
        out: folder of the model; what an earlier training left there is replaced.
        data: for the card: ``name``, ``licence`` and so on of each source.
        say: is told what is going on.

    Returns:
        The card. The same examples and recipe give the same bytes in every file.

    Raises:
        ConfigError: a positive label is missing or unclear, ``out`` holds something else.
        ModelError: fastText failed.
    """
    check_folder(out)
    train, dev, test = prepared.train, prepared.dev, prepared.test
    positive = positive_labels(recipe.positive, train)
    with tempfile.TemporaryDirectory(prefix="gristmill-") as work, storage_errors(Path(work)):
        folder = Path(work)
        settings, searched = recipe.fasttext, None
        if recipe.search:
            settings, trials = search(
                train, dev, settings, recipe.normalise, positive, recipe.search, folder, say
            )
            searched = {
                "budget": dataclasses.asdict(recipe.search),
                "trials": len(trials),
                "judged by": "AUC" if positive else "accuracy",
                "first": _six(trials[0].value),
                "best": _six(max(trial.value for trial in trials)),
            }
        say(f"training on {train.num_rows:,} texts")
        model = fit(train, settings, recipe.normalise, folder)
        compressed = None
        if recipe.compress:
            model, compressed = _compressed(model, folder, recipe, dev, positive)
            say(f"compressed to {compressed['bytes']:,} bytes")
        final = folder / f"model{model.suffix}"
        if final != model:
            model.replace(final)
        card = Card(
            name=recipe.name,
            description=recipe.description or f"Tells {_listed(train)} apart.",
            file=final.name,
            sha256=hashlib.sha256(final.read_bytes()).hexdigest(),
            bytes=final.stat().st_size,
            labels=tuple(FastTextModel(ModelFile(str(final))).labels()),
            positive=tuple(_words(positive)),
            normalise=recipe.normalise,
            settings={**settings.describe(), "threads": 1},
            licence=recipe.licence,
            data=tuple(dict(source) for source in data),
            account=prepared.counts,
            quantisation=compressed,
            search=searched,
            known_failures=recipe.known_failures,
        )
        classifier = TextClassifier(FastTextModel(ModelFile(str(final))), card)
        if positive:
            card = _with_thresholds(classifier, recipe, dev, say)
            classifier = dataclasses.replace(classifier, card=card)
        card = dataclasses.replace(card, metrics={"test": judge(classifier, test)})
        _leave(final, card, out)
    return card


def _with_thresholds(
    classifier: TextClassifier, recipe: TrainingRecipe, dev: pa.Table, say: Say
) -> Card:
    """The card with a threshold for each target that can be reached; of the others it is told.

    A model that is done is not thrown away for a target that more texts may reach.
    """
    assert classifier.card is not None
    card, data = classifier.card, f"development part, {dev.num_rows:,} texts"
    found: dict[str, Threshold] = {}
    missed = []
    scores, truth = scored(classifier, dev)
    for target in map(Target.parse, recipe.targets):
        try:
            found[str(target)] = threshold_for(target, scores, truth, sure=recipe.sure, data=data)
        except ConfigError as error:
            missed.append(f"No threshold for {target}: {error}.")
            say(f"warning: {missed[-1]}")
    card = dataclasses.replace(card, known_failures=(*card.known_failures, *missed))
    wanted = recipe.default or next(iter(recipe.targets), "")
    card = card.with_thresholds(found)
    return dataclasses.replace(card, default=wanted if wanted in found else "")


def positive_labels(wanted: Sequence[str], examples: pa.Table) -> tuple[str, ...]:
    """The labels that make the score: those asked for, or the plain one of an obvious pair.

    Of three labels and more, none where none is asked for: each then has its own probability.

    Raises:
        ConfigError: a label that is asked for does not occur, all labels are asked for, or of two
            labels it is not clear which one is meant.
    """
    labels = sorted(set(examples["label"].to_pylist()))
    wanted = tuple(dict.fromkeys(wanted))
    spelt = dict(zip(_words(labels), labels, strict=True))
    if len(spelt) < len(labels):
        lost = next(label for label in labels if label not in spelt.values())
        raise ConfigError(
            f"the labels {lost!r} and {spelt[_words([lost])[0]]!r} are one to fastText, which writes "
            "white space as _; use --rename"
        )
    for label in wanted:
        if label not in labels:
            raise ConfigError(
                f"--positive {label}: no example has this label{nearest(label, labels) or '.'} "
                f"There are: {', '.join(labels)}"
            )
    if wanted and len(wanted) == len(labels):
        raise ConfigError("--positive names every label; leave out those that are not wanted")
    if wanted or len(labels) > 2:
        return tuple(wanted)
    if {label.casefold() for label in labels} in _OBVIOUS:
        return tuple(label for label in labels if label.casefold() in _YES)
    raise ConfigError(
        f"which of the two labels is the one to find? Say --positive {labels[0]} or "
        f"--positive {labels[1]}"
    )


def check_folder(out: Path) -> None:
    """Whether a model may be written there.

    Raises:
        ConfigError: ``out`` is a file, or a folder that holds something else.
    """
    if out.is_file():
        raise ConfigError(f"{out} is a file; --out takes a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / CARD).is_file():
        raise ConfigError(f"{out} is not empty and holds no model; give another folder with --out")


def _leave(model: Path, card: Card, out: Path) -> None:
    """Put model and card into their folder, in the place of earlier ones.

    The card comes last: until then an earlier one names another sha256, and nothing loads. Where
    there was none and something fails, nothing is left.
    """
    fresh = not (out / CARD).is_file()
    temporary = out / f".{model.name}.part"
    try:
        with storage_errors(out):
            out.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model, temporary)
            temporary.replace(out / model.name)
            for stale in OWN_FILES - {model.name, CARD}:
                (out / stale).unlink(missing_ok=True)
        leave_card(out, card)
    except BaseException:
        for name in OWN_FILES if fresh else ():
            (out / name).unlink(missing_ok=True)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _compressed(
    model: Path,
    folder: Path,
    recipe: TrainingRecipe,
    dev: pa.Table,
    positive: Sequence[str],
) -> tuple[Path, dict[str, Any]]:
    """The compressed model, and what the compression cost."""
    assert recipe.compress is not None
    small = folder / "model.ftz"
    how = compress(model, folder / "model.txt", small, **dataclasses.asdict(recipe.compress))
    name = "AUC" if positive else "accuracy"
    before, after = (
        figure(scores_of(path, dev, recipe.normalise), path, dev, positive)
        for path in (model, small)
    )
    return small, {**how, f"{name} before": _six(before), f"{name} after": _six(after)}


def _words(labels: Sequence[str]) -> list[str]:
    table = pa.table({"label": pa.array(list(labels), pa.string())})
    return [str(word) for word in label_words(table)]


def _listed(examples: pa.Table) -> str:
    labels = sorted(set(examples["label"].to_pylist()))
    return " and ".join([", ".join(labels[:-1]), labels[-1]]) if len(labels) < 8 else (
        f"{len(labels)} labels"
    )  # fmt: skip


def _six(value: float) -> float | None:
    """Six digits; None of NaN, where there was nothing to measure it on."""
    return None if math.isnan(value) else float(f"{value:.6g}")

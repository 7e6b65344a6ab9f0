"""From examples to a model: fit, search hyper-parameters within a budget, compress to a size.

Examples are an Arrow table with ``text`` and ``label``. Where they come from, and how they were
checked, deduplicated and split, is `pipeline.labelled`; what is made of a model is `pipeline.training`.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from classifiers.evaluate import roc_auc
from classifiers.fasttext_model import LABEL_PREFIX, FastTextModel, forget_models
from classifiers.fasttext_training import (
    FastTextSettings,
    label_word,
    quantise,
    train,
    training_memory,
    write_lines,
)
from classifiers.models import ModelFile
from classifiers.normalise import normaliser
from classifiers.text_classifier import classifier_line
from pipeline.core.errors import ConfigError, ModelError

__all__ = ["Search", "Trial", "compress", "figure", "fit", "label_words", "scores_of", "search"]

BATCH = 4096
CODE_BOOK = 256  # fewer words and n-grams cannot be compressed
SPACE: Mapping[str, Sequence[Any]] = {
    "lr": (0.05, 0.1, 0.25, 0.5, 1.0),
    "epoch": (3, 5, 10, 20),
    "word_ngrams": (1, 2, 3),
    "dim": (8, 16, 32, 64, 100),
    "min_count": (1, 2, 5),
    "subwords": ((0, 0), (0, 0), (2, 4), (3, 5)),  # twice as often without
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """A search over hyper-parameters, and what it may cost.

    Args:
        trials: settings tried, those given at first among them; the others are drawn by the seed.
        minutes: start no further trial after that; None for no such bound. With it the outcome
            depends on the machine's speed, and the card says how many trials were made.
    """

    trials: int = 12
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ConfigError(f"search.trials = {self.trials} must be at least 1")
        if self.minutes is not None and not self.minutes > 0:
            raise ConfigError(f"search.minutes = {self.minutes} must be above 0")


@dataclasses.dataclass(frozen=True)
class Trial:
    """Settings and how well they did on the development part; see `figure`."""

    settings: FastTextSettings
    value: float
    seconds: float


def fit(
    examples: pa.Table,
    settings: FastTextSettings,
    normalise: str,
    folder: Path,
    name: str = "model",
) -> Path:
    """Train on ``examples`` and give the model's file, ``folder/name.bin``.

    The order of the rows makes no difference: they are sorted by a hash of label and text under the
    seed. The training lines stay in ``folder/name.txt``, for `compress`.

    Raises:
        ModelError: fastText failed, or would need more memory than there is.
    """
    lines, model = folder / f"{name}.txt", folder / f"{name}.bin"
    write_lines(lines, _rows(examples, normalise, settings.seed))
    _check_memory(lines, settings)
    train(lines, model, settings)
    return model


def search(
    examples: pa.Table,
    dev: pa.Table,
    first: FastTextSettings,
    normalise: str,
    positive: Sequence[str],
    budget: Search,
    folder: Path,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[FastTextSettings, list[Trial]]:
    """The best settings on the development part, and all that were tried, in order.

    Args:
        examples, dev: what is trained on, and what decides.
        first: settings tried first; its seed, loss and bucket are those of all trials.
        normalise: see `classifiers.normalise`.
        positive: labels of the score, or none: then accuracy decides.
        budget: trials and minutes.
        folder: for files on the way.
        say: is told of every trial.
    """
    draw = random.Random(f"search {first.seed}")  # noqa: S311 - reproducible draws, no secret
    started = time.monotonic()
    trials: list[Trial] = []
    tried: set[FastTextSettings] = set()
    candidate = first
    while len(trials) < budget.trials:
        begun = time.monotonic()
        tried.add(candidate)
        model = fit(examples, candidate, normalise, folder, "trial")
        value = figure(scores_of(model, dev, normalise), model, dev, positive)
        forget_models()  # of a hundred trials, none fits in memory beside all others
        trials.append(Trial(candidate, value, time.monotonic() - begun))
        say(f"trial {len(trials)} of {budget.trials}: {value:.4f} with {_told(candidate)}")
        over = budget.minutes is not None and time.monotonic() - started > budget.minutes * 60
        candidate = next((one for one in _draws(draw, first) if one not in tried), first)
        if over or candidate == first:
            break
    # The earliest of equals, and what differs by rounding only, as rows in another order do, is equal.
    best = max(trials, key=lambda trial: round(trial.value, 9))
    return best.settings, trials


def scores_of(model: Path, examples: pa.Table, normalise: str) -> npt.NDArray[np.float32]:
    """``float32[rows, labels]`` of a model's file, in the order of its labels."""
    loaded = FastTextModel(ModelFile(str(model)))
    parts = [
        loaded.scores([classifier_line(text, normalise) for text in batch["text"].to_pylist()])
        for batch in examples.select(["text"]).to_batches(max_chunksize=BATCH)
    ]
    return np.concatenate([np.zeros((0, len(loaded.labels())), np.float32), *parts])


def figure(
    scores: npt.NDArray[np.float32], model: Path, examples: pa.Table, positive: Sequence[str]
) -> float:
    """The figure that training goes by: AUC of the positive labels, else the share that is right."""
    labels = FastTextModel(ModelFile(str(model))).labels()
    truth = label_words(examples)
    if positive:
        wanted = set(map(_word, positive))
        columns = [at for at, label in enumerate(labels) if label in wanted]
        return roc_auc(scores[:, columns].sum(axis=1), np.isin(truth, sorted(wanted))).value
    return float((np.asarray(labels)[scores.argmax(axis=1)] == truth).mean())


def compress(
    model: Path, lines: Path, out: Path, max_bytes: int, dsub: int = 2, retrain: bool = False
) -> dict[str, int | bool]:
    """Write ``model`` with compressed weights, at most ``max_bytes`` long, and say how.

    As many words and n-grams stay as fit in, those of the longest vectors. With ``retrain``, what
    stays is then trained once more, for as many epochs again.

    Returns:
        ``kept`` and ``of``, words and n-grams; ``bytes``; ``dsub``; ``retrained``.

    Raises:
        ModelError: it cannot be made that small.
    """
    whole = FastTextModel(ModelFile(str(model)))
    everything = whole.features()
    if everything < CODE_BOOK:
        raise ModelError(
            f"the model has {everything:,} words and n-grams, too few for a code book of "
            f"{CODE_BOOK}; leave its weights as they are: --set compress=null"
        )
    # Each row takes a byte for every `dsub` dimensions, one for its length, eight for its place.
    most = max_bytes // (-(-whole.dimension() // dsub) + 9)
    used = max(CODE_BOOK, whole.used_features())
    cutoff = max(CODE_BOOK, min(used, most))
    while True:
        cut = cutoff if cutoff < everything else 0
        quantise(model, lines, out, cutoff=cut, dsub=dsub, retrain=False)
        size = out.stat().st_size
        if size <= max_bytes:
            break
        smaller = int(cutoff * max_bytes / size * 0.97)
        if smaller < CODE_BOOK:
            raise ModelError(
                f"the model cannot be compressed to {max_bytes:,} bytes: with {cutoff:,} words and "
                f"n-grams it has {size:,}; allow more, or train with a smaller dim"
            )
        cutoff = smaller
    retrained = retrain and cutoff < used
    if retrained:
        quantise(model, lines, out, cutoff=cut, dsub=dsub, retrain=True)
    return {
        "kept": cutoff,
        "of": everything,
        "bytes": out.stat().st_size,
        "dsub": dsub,
        "retrained": retrained,
    }


def label_words(examples: pa.Table) -> npt.NDArray[np.object_]:
    """The labels of the rows, as models of fastText spell them."""
    return np.asarray([_word(label) for label in examples["label"].to_pylist()], object)


def _word(label: str) -> str:
    return label_word(label).removeprefix(LABEL_PREFIX)


def _rows(examples: pa.Table, normalise: str, seed: int) -> Iterator[tuple[str, str]]:
    spell = normaliser(normalise)
    keys = np.empty(examples.num_rows, np.uint64)
    at = 0
    for batch in examples.select(["label", "text"]).to_batches(max_chunksize=BATCH):
        for row in zip(batch["label"].to_pylist(), batch["text"].to_pylist(), strict=True):
            keys[at] = xxhash.xxh3_64_intdigest("\0".join(row).encode("utf-8", "replace"), seed)
            at += 1
    order = np.argsort(keys, kind="stable")
    for start in range(0, len(order), BATCH):
        part = examples.select(["label", "text"]).take(order[start : start + BATCH])
        for label, text in zip(part["label"].to_pylist(), part["text"].to_pylist(), strict=True):
            yield label, spell(text)


def _draws(draw: random.Random, first: FastTextSettings) -> Iterator[FastTextSettings]:
    """Settings drawn from `SPACE`; ends, since a small space may be used up."""
    for _ in range(1000):
        values = {name: draw.choice(choices) for name, choices in SPACE.items()}
        values["minn"], values["maxn"] = values.pop("subwords")
        yield dataclasses.replace(first, **values)


def _check_memory(lines: Path, settings: FastTextSettings) -> None:
    import psutil

    # Of distinct words there are fewer than a sixth of the bytes of any text.
    need = training_memory(settings, min(lines.stat().st_size // 6, 30_000_000))
    available = psutil.virtual_memory().available
    fixed = settings.buckets * settings.dim * 4
    if need > available and fixed > available // 2:
        raise ModelError(
            f"training would take about {need / 1e9:.1f} GB and {available / 1e9:.1f} GB are free: "
            f"{settings.buckets:,} buckets of dim {settings.dim} alone take {fixed / 1e9:.1f} GB; "
            "lower bucket or dim"
        )


def _told(settings: FastTextSettings) -> str:
    names = ("dim", "lr", "epoch", "word_ngrams", "min_count", "minn", "maxn")
    return ", ".join(f"{name} {getattr(settings, name)}" for name in names)

"""The recipe of a classifier's training: YAML to checked settings. Data and labels are arguments.

Packaged ones lie in ``configs/classifiers/``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

from classifiers.calibrate import Target
from classifiers.fasttext_training import FastTextSettings
from classifiers.train import Search
from pipeline.core.errors import ConfigError, GristmillError
from pipeline.recipe.load import read_recipe
from pipeline.recipe.parameters import INVALID, build

__all__ = ["Compression", "Shares", "TrainingRecipe", "load_training"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compression:
    """Compressed weights, ``.ftz`` (Joulin et al. 2016, "FastText.zip").

    Args:
        max_bytes: of the file; words and n-grams of short vectors go until it fits.
        dsub: dimensions that share a byte; more of them is smaller and coarser.
        retrain: train what stays once more. It helps a model that was trained little, and overfits
            others: on the toxicity model that comes with Gristmill it costs .01 of AUC.
    """

    max_bytes: int = 2_000_000
    dsub: int = 2
    retrain: bool = False

    def __post_init__(self) -> None:
        if self.max_bytes < 10_000:
            raise ConfigError(f"compress.max_bytes = {self.max_bytes:,} must be at least 10,000")
        if self.dsub < 1:
            raise ConfigError(f"compress.dsub = {self.dsub} must be at least 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shares:
    """How groups are shared out: to learn from, to choose by, to report on."""

    train: float = 0.8
    dev: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        values = dataclasses.astuple(self)
        if not (all(value > 0 for value in values) and abs(sum(values) - 1) <= 1e-9):
            raise ConfigError("split: train, dev and test must each be above 0 and sum to 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """Everything about a training but its data. Cheap to pickle.

    Args:
        name: of the model: lower-case letters, digits, ``-`` and ``_``.
        description: for the card: what it tells apart, and what for.
        licence: of the model, for the card.
        positive: the labels whose probabilities sum to the score; see `pipeline.training`.
        normalise: how texts are spelt (`classifiers.normalise`).
        fasttext: hyper-parameters.
        compress: None to keep the weights as they are.
        search: a search over hyper-parameters on the development part; None for none.
        targets: for thresholds, such as ``precision=0.9``, found on the development part.
        default: the target in use where none is named; the first one if None.
        sure: thresholds reach their target with the whole 95 % interval.
        split: shares of the groups.
        near_copies: similarity, 0 to 1, from which rows count as copies of each other.
        seed: of the split, the order of rows and the first weights.
        known_failures: for the card, a sentence each.
    """

    name: str
    description: str = ""
    licence: str = ""
    positive: tuple[str, ...] = ()
    normalise: Literal["words", "none"] = "words"
    fasttext: FastTextSettings = dataclasses.field(
        default_factory=lambda: FastTextSettings(
            dim=16, lr=0.3, epoch=5, word_ngrams=2, bucket=200_000
        )
    )
    compress: Compression | None = dataclasses.field(default_factory=Compression)
    search: Search | None = None
    targets: tuple[str, ...] = ("precision=0.9",)
    default: str | None = None
    sure: bool = False
    split: Shares = dataclasses.field(default_factory=Shares)
    near_copies: float = 0.8
    seed: int = 0
    known_failures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_-]+", self.name):
            raise ConfigError(
                f"name {self.name!r} may hold only lower-case letters, digits, '-' and '_'"
            )
        parsed = [str(Target.parse(target)) for target in self.targets]
        object.__setattr__(self, "targets", tuple(dict.fromkeys(parsed)))
        if self.default is not None:
            default = str(Target.parse(self.default))
            if default not in self.targets:
                raise ConfigError(f"default {default} is none of the targets: {', '.join(parsed)}")
            object.__setattr__(self, "default", default)
        if self.fasttext.seed not in (0, self.seed):
            raise ConfigError("fasttext.seed: there is one seed for all, `seed`")
        seeded = dataclasses.replace(self.fasttext, seed=self.seed)
        object.__setattr__(self, "fasttext", seeded)
        if not 0 < self.near_copies <= 1:
            raise ConfigError(f"near_copies = {self.near_copies} must lie between 0 and 1")


def load_training(path: str, overrides: Sequence[str] = ()) -> TrainingRecipe:
    """Read, check and build the recipe of a training.

    Args:
        path: a file, or the bare name of a packaged recipe, such as ``dclm``.
        overrides: ``key=value`` as ``--set`` takes them.

    Raises:
        RecipeError, RecipeErrors: see `pipeline.recipe.load_recipe`.
    """
    tree = read_recipe(path, overrides, "classifiers")
    try:
        recipe = build(tree, (), TrainingRecipe)
    except GristmillError as error:
        tree.fault((), str(error))
        recipe = INVALID
    tree.raise_faults()
    assert isinstance(recipe, TrainingRecipe)
    return recipe

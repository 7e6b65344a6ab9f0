"""Recipes of trainings: the packaged ones, overrides, and faults with their place."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from classifiers.fasttext_training import FastTextSettings
from classifiers.train import Search
from pipeline.core.errors import ConfigError, RecipeError, RecipeErrors
from pipeline.recipe.training import Compression, Shares, TrainingRecipe, load_training

PACKAGED = sorted(
    path.stem for path in Path(__file__).parents[2].joinpath("configs/classifiers").glob("*.yaml")
)


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_recipes_load(name: str) -> None:
    recipe = load_training(name)
    assert recipe.fasttext.seed == recipe.seed == 0
    assert recipe.targets
    assert recipe.default is None or recipe.default in recipe.targets
    assert pickle.loads(pickle.dumps(recipe)) == recipe


def test_the_published_set_ups_are_as_published() -> None:
    assert {"dclm", "deepseek_math", "default", "fineweb_edu"} <= set(PACKAGED)
    dclm = load_training("dclm")
    assert (dclm.fasttext.word_ngrams, dclm.normalise, dclm.compress) == (2, "none", None)
    math = load_training("deepseek_math").fasttext
    assert (math.dim, math.lr, math.word_ngrams, math.min_count, math.epoch) == (256, 0.1, 3, 3, 3)
    assert load_training("fineweb_edu").positive == ("3", "4", "5")


def test_the_default_recipe_fits_in_2_mb() -> None:
    default = load_training("default")
    assert default.compress == Compression(max_bytes=2_000_000, dsub=2)
    assert default.search is None
    assert default.split == Shares(train=0.8, dev=0.1, test=0.1)


def test_overrides_reach_every_level() -> None:
    recipe = load_training(
        "default",
        [
            "name=mine",
            "fasttext.epoch=9",
            "compress.max_bytes=1MiB",
            "search={trials: 3, minutes: 2.5}",
            "targets=[fpr=1%, recall=0.5]",
            "default=recall=50%",
            "split={train: 0.6, dev: 0.2, test: 0.2}",
            "positive=['1']",
            "seed=7",
        ],
    )
    assert recipe.name == "mine"
    assert (recipe.fasttext.epoch, recipe.fasttext.dim) == (9, 16)
    assert recipe.compress == Compression(max_bytes=1 << 20, dsub=2)
    assert recipe.search == Search(trials=3, minutes=2.5)
    assert recipe.targets == ("false_positive_rate=0.01", "recall=0.5")
    assert recipe.default == "recall=0.5"
    assert recipe.positive == ("1",)
    assert recipe.seed == recipe.fasttext.seed == 7


def test_null_turns_off_compression_and_search() -> None:
    recipe = load_training("default", ["compress=null", "search=null"])
    assert recipe.compress is recipe.search is None


def test_a_target_is_kept_by_one_name_and_once() -> None:
    recipe = TrainingRecipe(name="x", targets=("precision=90%", "precision=0.9", "fpr=0.00001"))
    assert recipe.targets == ("precision=0.9", "false_positive_rate=0.00001")
    assert TrainingRecipe(name="x", targets=()).targets == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "may hold only lower-case letters"),
        ({"name": "Mine"}, "may hold only lower-case letters"),
        ({"name": "a b"}, "may hold only lower-case letters"),
        ({"targets": ("precison=0.9",)}, "did you mean 'precision'"),
        ({"default": "recall=0.9"}, "default recall=0.9 is none of the targets: precision=0.9"),
        ({"fasttext": FastTextSettings(seed=3)}, "there is one seed for all"),
        ({"seed": -1}, "seed = -1 must be at least 0"),
        ({"near_copies": 0.0}, "near_copies = 0.0 must lie between 0 and 1"),
        ({"near_copies": 1.1}, "near_copies = 1.1"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingRecipe(**{"name": "x", **given})


@pytest.mark.parametrize(
    "shares", [(0.8, 0.1, 0.2), (1.0, 0.0, 0.0), (0.5, -0.1, 0.6), (float("nan"), 0.5, 0.5)]
)
def test_shares_that_do_not_sum_to_1_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="must each be above 0 and sum to 1"):
        Shares(train=shares[0], dev=shares[1], test=shares[2])


@pytest.mark.parametrize(
    ("given", "message"), [({"max_bytes": 9_999}, "max_bytes = 9,999"), ({"dsub": 0}, "dsub = 0")]
)
def test_a_compression_that_is_none_is_refused(given: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Compression(**given)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("fasttext.epochs=9", "epochs"),
        ("fasttxt.epoch=9", "did you mean 'fasttext'"),
        ("fasttext.epoch=0", "epoch = 0 must be at least 1"),
        ("fasttext.epoch=many", "fasttext.epoch"),
        ("fasttext.loss=ns", "fasttext.loss"),
        ("normalise=shout", "normalise"),
        ("compress.max_bytes=1kB", "must be at least 10,000"),
        ("search={trials: 0}", "must be at least 1"),
        ("targets=[precision=2]", "must lie between 0 and 1"),
        ("split={train: 0.9, dev: 0.1, test: 0.1}", "sum to 1"),
        ("seed=-1", "seed = -1"),
    ],
)
def test_faults_name_what_was_set(override: str, words: str) -> None:
    with pytest.raises((RecipeError, RecipeErrors)) as caught:
        load_training("default", [override])
    assert words in str(caught.value)


def test_faults_of_a_file_come_together_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nfasttext:\n  dim: x\n  lr: 0.5\nsplitt: {}\n")
    with pytest.raises(RecipeErrors) as caught:
        load_training(str(path))
    said = str(caught.value)
    assert "mine.yaml:3" in said
    assert "mine.yaml:5" in said
    assert "did you mean 'split'" in said


@pytest.mark.parametrize("content", ["", "- a\n", "name: [\n", "42\n"])
def test_what_is_no_recipe_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises((RecipeError, RecipeErrors), match=r"mine\.yaml"):
        load_training(str(path))


def test_a_name_that_is_no_recipe_is_answered_with_those_there_are() -> None:
    with pytest.raises(RecipeError, match="dclm"):
        load_training("dcml")

"""The recipe of a selection: the packaged one is the default, and every fault names its place."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.core.errors import ConfigError, RecipeError, RecipeErrors
from pipeline.dedup.settings import Dedup
from pipeline.pii import ALL, Kind
from pipeline.recipe.prompts import (
    Clean,
    Floor,
    Golden,
    Pii,
    PromptsRecipe,
    Select,
    load_prompts,
)


def load(folder: Path, text: str, *overrides: str) -> PromptsRecipe:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_prompts(str(path), overrides)


def test_the_packaged_recipe_is_the_default() -> None:
    recipe = load_prompts("prompts")
    assert recipe == PromptsRecipe()
    assert recipe.describe() == PromptsRecipe().describe()
    assert pickle.loads(pickle.dumps(recipe)) == recipe


def test_every_value_of_the_packaged_recipe_is_in_use(repository: Path) -> None:
    """What the file says is what the recipe has, so that no comment in it tells of a dead key."""
    written = yaml.safe_load((repository / "configs" / "prompts.yaml").read_text())
    described = PromptsRecipe().describe()

    def compare(said: Any, has: Any, place: str) -> None:
        if isinstance(said, dict):
            for name, value in said.items():
                compare(value, has[name], f"{place}.{name}")
        else:
            assert said == has, place

    compare(written, described, "prompts")
    for name in ("clean", "pii", "floor"):
        assert set(written[name]) == set(described[name])


def test_a_recipe_of_nothing_takes_every_default(tmp_path: Path) -> None:
    assert load(tmp_path, "") == PromptsRecipe()
    assert load(tmp_path, "name: mine\n") == PromptsRecipe(name="mine")


def test_what_is_in_use_is_plain_json() -> None:
    recipe = PromptsRecipe(
        select=Select(quotas={"topic": 0.1, "language": {"en": 0.7}}),
        pii=Pii(kinds=("email",)),
        dedup=None,
    )
    described = recipe.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["select"]["quotas"] == {"topic": 0.1, "language": {"en": 0.7}}
    assert described["dedup"] is None
    assert recipe.pii.looked_for == frozenset({Kind("email")})
    assert PromptsRecipe().pii.looked_for == ALL


def test_overrides_reach_every_level() -> None:
    recipe = load_prompts(
        "prompts",
        [
            "fields.tier=metadata.plan",
            "clean.languages=[en, de]",
            "clean.toxicity=null",
            "pii.action=drop",
            "dedup=null",
            "floor.intents=[]",
            "select.quotas={language: {en: 0.7, de: 0.2}}",
            "golden.after=2025-03-01",
            "golden.tiers=[gold]",
            "benchmarks=[gsm8k, mmlu]",
            "seed=7",
        ],
    )
    assert recipe.fields.tier == "metadata.plan"
    assert recipe.clean == Clean(languages=("en", "de"), toxicity=None)
    assert recipe.clean.checks.languages == ("en", "de")
    assert recipe.pii.action == "drop"
    assert recipe.dedup is None
    assert recipe.floor.intents == ()
    assert recipe.select.quotas == {"language": {"en": 0.7, "de": 0.2}}
    assert (recipe.golden.after, recipe.golden.tiers) == ("2025-03-01", ("gold",))
    assert recipe.benchmarks == ("gsm8k", "mmlu")
    assert recipe.seed == 7


FAULTS = [
    ("clean:\n  fewest_word: 2\n", 2, "unknown key; did you mean 'fewest_words'?"),
    ("seed: 1\nselct: {}\n", 2, "did you mean 'select'?"),
    ("clean:\n  toxicity: 1.5\n", 2, "clean.toxicity"),
    ("clean:\n  languages:\n    - en\n    - klingon\n", 4, "knows no 'klingon'"),
    ("clean:\n  fewest_words: 9\n  most_words: 3\n", None, "nothing could pass"),
    ("clean:\n  jailbreaks: keep\n", 2, "clean.jailbreaks"),
    ("pii:\n  action: hide\n", 2, "pii.action"),
    ("pii:\n  kinds:\n    - e-mail\n", None, "e-mail"),
    ("floor:\n  intents:\n    - asking\n    - begging\n", 4, "'begging' is none of asking, doing"),
    ("floor:\n  quality: low\n", 2, "floor.quality"),
    ("golden:\n  intents: [doin]\n", 2, "'doin' is none of asking, doing, expressing"),
    ("golden:\n  count: -1\n", 2, "golden.count"),
    ("golden:\n  users: 1\n", 2, "golden.users"),
    ("golden:\n  version: a/b\n", 2, "may hold only letters, digits"),
    ("golden:\n  after: soon\n", 2, "is no time: write it as 2025-03-01"),
    ("golden:\n  count: 3\n  tiers: []\n", 3, "name the tiers of paying customers"),
    ("select:\n  method: k-medoids\n", 2, "is none of facility-location, k-center"),
    ("select:\n  count: many\n", 2, "select.count"),
    ("select:\n  rounds: 0\n", 2, "select.rounds"),
    ("select:\n  best: 0\n", 2, "select.best"),
    ("select:\n  quotas:\n    topic: 2\n", 3, "select.quotas.topic"),
    ("select:\n  quotas:\n    topic: 0\n", 3, "allows no pick; give a share above 0"),
    ("select:\n  quotas:\n    colour: 0.5\n", None, "'colour' is none of topic, language, intent"),
    (
        "select:\n  quotas:\n    language:\n      en: 0.8\n      de: 0.3\n",
        3,
        "the shares come to 1.1; make them at most 1 together",
    ),
    ("select:\n  quotas:\n    language: {en: -1}\n", 3, "select.quotas.language"),
    ("dedup:\n  threshold: 2\n", 2, "dedup.threshold"),
    ("dedup:\n  keep: [best_quality]\n  quality: words\n", 3, "of prompts only 'quality' is known"),
    ("dedup:\n  against: [nowhere/at-all]\n", 2, "no such file or folder"),
    ("name: My prompts\n", 1, "may hold only lower-case letters"),
    ("seed: -1\n", 1, "seed"),
    ("fields:\n  trns: x\n", 2, "did you mean 'turns'?"),
    ("benchmarks: gsm8k\n", 1, "benchmarks"),
]


@pytest.mark.parametrize(("text", "line", "words"), FAULTS)
def test_a_fault_names_file_line_and_mend(
    tmp_path: Path, text: str, line: int | None, words: str
) -> None:
    with pytest.raises((RecipeError, RecipeErrors)) as caught:
        load(tmp_path, text)
    said = str(caught.value)
    assert words in said
    assert said.startswith(f"{tmp_path / 'mine.yaml'}:{'' if line is None else line}")


def test_all_faults_come_together(tmp_path: Path) -> None:
    with pytest.raises(RecipeErrors) as caught:
        load(tmp_path, "clean:\n  words: 2\nfloor:\n  intents: [x]\nselect:\n  count: -3\n")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert [line.partition("mine.yaml:")[2][0] for line in lines] == ["2", "4", "6"]


def test_a_fault_of_an_override_says_so() -> None:
    with pytest.raises((RecipeError, RecipeErrors), match=r"--set: golden\.after"):
        load_prompts("prompts", ["golden.after=soon"])
    with pytest.raises((RecipeError, RecipeErrors), match=r"--set: select\.quotas"):
        load_prompts("prompts", ["select.quotas={colour: 0.1}"])


def test_no_golden_set_needs_no_tiers(tmp_path: Path) -> None:
    assert load(tmp_path, "golden: {count: 0, tiers: []}\n").golden.tiers == ()


@pytest.mark.parametrize("name", ["promts", "nowhere/prompts.yaml"])
def test_a_name_that_is_no_recipe(name: str) -> None:
    with pytest.raises(RecipeError, match="prompts"):
        load_prompts(name)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Floor(intents=("begging",)),
        lambda: Golden(version="../1"),
        lambda: Golden(tiers=()),
        lambda: Golden(after="2025-02-30"),
        lambda: Select(method="best"),
        lambda: Select(quotas={"topic": 1.5}),
        lambda: Pii(kinds=("smell",)),
        lambda: Clean(languages=("xx",)),
        lambda: PromptsRecipe(name=""),
        lambda: PromptsRecipe(dedup=Dedup(keep=("best_quality",), quality="words")),
    ],
)
def test_what_does_not_fit_is_refused_in_code_too(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def test_settings_are_frozen() -> None:
    for one in (Clean(), Pii(), Floor(), Select(), Golden(), PromptsRecipe()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            one.count = 3  # type: ignore[misc, union-attr]

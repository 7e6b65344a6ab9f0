"""From examples to a model: any order of rows, a search within its budget, a size that is kept to."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import toy_classifiers as toys

from classifiers import train as training
from classifiers.fasttext_model import FastTextModel
from classifiers.fasttext_training import FastTextSettings, label_word
from classifiers.models import ModelFile
from classifiers.text_classifier import classifier_line
from classifiers.train import Search, compress, figure, fit, label_words, scores_of, search
from pipeline.core.errors import ConfigError, ModelError

ROWS = toys.rows(180)
DEV = toys.table(toys.rows(60, seed=9))


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's file, its training lines beside it."""
    return fit(toys.table(ROWS), toys.TINY, "words", tmp_path_factory.mktemp("fitted"))


# --- fit ---------------------------------------------------------------------------------------


def test_rows_in_any_order_give_the_same_bytes(fitted: Path, tmp_path: Path) -> None:
    mixed = random.Random(5).sample(ROWS, len(ROWS))
    assert mixed != ROWS
    again = fit(toys.table(mixed), toys.TINY, "words", tmp_path, "again")
    assert again == tmp_path / "again.bin"
    assert again.with_suffix(".txt").read_bytes() == fitted.with_suffix(".txt").read_bytes()
    assert again.read_bytes() == fitted.read_bytes()


def test_lines_are_what_the_model_will_be_asked(fitted: Path) -> None:
    lines = fitted.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    expected = [
        f"{label_word(row['label'])} {classifier_line(row['text'], 'words')}" for row in ROWS
    ]
    assert sorted(lines) == sorted(expected)
    assert lines != expected  # mixed: fastText reads them in this order in every epoch


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are written; no model is made of them."""
    monkeypatch.setattr(training, "train", lambda lines, model, settings: None)


def lines_of(examples: pa.Table, settings: FastTextSettings, folder: Path, name: str) -> list[str]:
    fit(examples, settings, "none", folder, name)
    return (folder / f"{name}.txt").read_text(encoding="utf-8").split("\n")[:-1]


def test_the_seed_mixes_otherwise(no_training: None, tmp_path: Path) -> None:
    examples = toys.table(ROWS)
    zero = lines_of(examples, toys.TINY, tmp_path, "zero")
    one = lines_of(examples, dataclasses.replace(toys.TINY, seed=1), tmp_path, "one")
    assert zero != one
    assert sorted(zero) == sorted(one)


def test_labels_are_mixed_with_each_other(no_training: None, tmp_path: Path) -> None:
    lines = lines_of(toys.table(ROWS), toys.TINY, tmp_path, "mixed")
    labels = [line.split()[0] for line in lines]
    longest = max(len(list(run)) for _, run in itertools.groupby(labels))
    assert longest < 30


def test_rows_of_many_chunks_and_batches_are_all_there(
    no_training: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "BATCH", 7)
    table = toys.table(ROWS)
    chunked = pa.concat_tables([table.slice(at, 11) for at in range(0, table.num_rows, 11)])
    one = lines_of(chunked, toys.TINY, tmp_path, "chunked")
    assert one == lines_of(table, toys.TINY, tmp_path, "whole")
    assert len(one) == len(ROWS)


def test_odd_texts_can_be_trained_on(no_training: None, tmp_path: Path) -> None:
    rows = [dict(row) for row in ROWS[:6]]
    rows[0]["text"], rows[1]["text"], rows[2]["label"] = "\0\n</s>", "__label__spam x", "very good"
    lines = lines_of(toys.table(rows), toys.TINY, tmp_path, "odd")
    assert len(lines) == 6
    assert sum(line.startswith("__label__very_good ") for line in lines) == 1
    assert sum(line.count("__label__") for line in lines) == 6


def test_what_does_not_fit_into_memory_is_refused_before_it_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "train", None)
    vast = FastTextSettings(dim=1000, bucket=10**9, word_ngrams=2)
    with pytest.raises(
        ModelError, match=r"1,000,000,000 buckets of dim 1000 alone take 4000\.0 GB"
    ):
        fit(toys.table(ROWS), vast, "none", tmp_path)


# --- scores and the figure ---------------------------------------------------------------------


def test_scores_are_by_row(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scores_of(fitted, DEV, "words")
    assert whole.shape == (60, 2)
    monkeypatch.setattr(training, "BATCH", 7)
    assert (scores_of(fitted, DEV, "words") == whole).all()
    assert scores_of(fitted, DEV.slice(0, 0), "words").shape == (0, 2)
    model = FastTextModel(ModelFile(str(fitted)))
    lines = [classifier_line(text, "words") for text in DEV["text"].to_pylist()]
    assert (model.scores(lines) == whole).all()


def test_the_figure_is_auc_with_a_positive_label_and_else_what_is_right(fitted: Path) -> None:
    labels = FastTextModel(ModelFile(str(fitted))).labels()
    truth = np.array(DEV["label"].to_pylist())
    perfect = np.stack([truth == label for label in labels], axis=1).astype(np.float32)
    assert figure(perfect, fitted, DEV, ["mill"]) == figure(perfect, fitted, DEV, []) == 1
    assert figure(1 - perfect, fitted, DEV, ["mill"]) == figure(1 - perfect, fitted, DEV, []) == 0
    blind = np.full_like(perfect, 0.5)
    assert figure(blind, fitted, DEV, ["spam"]) == 0.5
    assert math.isnan(figure(blind[:0], fitted, DEV.slice(0, 0), ["spam"]))


def test_labels_are_spelt_as_the_model_spells_them() -> None:
    rows = [{**ROWS[0], "label": label} for label in ("very good", " b\n", "c")]
    assert label_words(toys.table(rows)).tolist() == ["very_good", "b", "c"]


# --- search ------------------------------------------------------------------------------------


@dataclasses.dataclass
class Bench:
    """Stands for training: every settings' figure is known, and a trial takes as long as is said."""

    value: Callable[[FastTextSettings], float] = lambda settings: 0.5
    seconds: float = 1.0
    now: float = 0.0
    fitted: list[FastTextSettings] = dataclasses.field(default_factory=list)
    forgotten: int = 0

    def fit(self, examples: pa.Table, settings: FastTextSettings, *_: Any) -> Path:
        self.fitted.append(settings)
        self.now += self.seconds
        return Path("trial.bin")

    def figure(self, *_: Any) -> float:
        return self.value(self.fitted[-1])

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    monkeypatch.setattr(training, "fit", bench.fit)
    monkeypatch.setattr(training, "figure", bench.figure)
    monkeypatch.setattr(training, "scores_of", lambda *_: None)
    monkeypatch.setattr(training, "forget_models", bench.forget)
    monkeypatch.setattr(training.time, "monotonic", lambda: bench.now)
    return bench


def run(
    budget: Search, first: FastTextSettings = toys.TINY, say: Callable[[str], None] = lambda _: None
) -> tuple[FastTextSettings, list[training.Trial]]:
    return search(DEV, DEV, first, "words", ["mill"], budget, Path("unused"), say)


def test_the_first_trial_is_of_the_settings_given(bench: Bench) -> None:
    best, trials = run(Search(trials=1))
    assert best == trials[0].settings == toys.TINY
    assert bench.fitted == [toys.TINY]


def test_no_trial_more_than_the_budget_and_no_settings_twice(bench: Bench) -> None:
    said: list[str] = []
    _, trials = run(Search(trials=25), say=said.append)
    assert len(trials) == len(bench.fitted) == len(set(bench.fitted)) == 25
    assert bench.forgotten == 25  # models of trials do not pile up in memory
    assert said[0] == "trial 1 of 25: 0.5000 with dim 4, lr 0.5, epoch 12, word_ngrams 2, " + (
        "min_count 1, minn 0, maxn 0"
    )
    assert len(said) == 25


def test_only_what_is_searched_differs(bench: Bench) -> None:
    first = dataclasses.replace(toys.TINY, seed=7, loss="ova", bucket=321)
    run(Search(trials=12), first)
    assert {(one.seed, one.loss, one.bucket) for one in bench.fitted} == {(7, "ova", 321)}
    for name in ("lr", "epoch", "word_ngrams", "dim", "min_count"):
        assert {getattr(one, name) for one in bench.fitted[1:]} <= set(training.SPACE[name])


def test_the_same_seed_draws_the_same_trials(bench: Bench) -> None:
    first = [trial.settings for trial in run(Search(trials=8))[1]]
    assert [trial.settings for trial in run(Search(trials=8))[1]] == first
    assert [trial.settings for trial in run(Search(trials=4))[1]] == first[:4]
    other = run(Search(trials=8), dataclasses.replace(toys.TINY, seed=1))[1]
    assert [dataclasses.replace(trial.settings, seed=0) for trial in other][1:] != first[1:]


def test_the_best_wins_and_of_equals_the_earliest(bench: Bench) -> None:
    bench.value = lambda settings: float(settings.dim)
    best, trials = run(Search(trials=10))
    assert best.dim == max(trial.settings.dim for trial in trials)
    assert best == next(trial.settings for trial in trials if trial.settings.dim == best.dim)
    # Sums in another order differ in their last digits; that is no better.
    bench.value = lambda settings: 0.9 if settings == toys.TINY else 0.9 + 1e-15
    assert run(Search(trials=3))[0] == toys.TINY


def test_after_the_time_no_further_trial_starts(bench: Bench) -> None:
    bench.seconds = 25
    assert len(run(Search(trials=100, minutes=1))[1]) == 3
    bench.seconds = 1000
    best, trials = run(Search(trials=100, minutes=1))
    assert [trial.settings for trial in trials] == [best] == [toys.TINY]
    assert trials[0].seconds == 1000


def test_a_space_that_is_used_up_ends_the_search(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {name: values[:1] for name, values in training.SPACE.items()}
    monkeypatch.setattr(training, "SPACE", {**small, "dim": (8, 16)})
    assert len(run(Search(trials=50))[1]) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [({"trials": 0}, "search.trials = 0"), ({"minutes": 0.0}, "search.minutes = 0.0"),
     ({"minutes": math.nan}, "must be above 0"),
     ({"minutes": -1.0}, "must be above 0")],
)  # fmt: skip
def test_a_budget_that_is_none_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Search(**given)


def test_a_search_trains_and_judges(tmp_path: Path) -> None:
    examples = toys.table(ROWS)
    best, trials = search(examples, DEV, toys.TINY, "words", ["mill"], Search(trials=2), tmp_path)
    assert trials[0].settings == toys.TINY
    assert all(0.5 < trial.value <= 1 for trial in trials)
    assert best in [trial.settings for trial in trials]


# --- compression -------------------------------------------------------------------------------


def test_all_that_fits_is_kept(fitted: Path, tmp_path: Path) -> None:
    model = FastTextModel(ModelFile(str(fitted)))
    small = tmp_path / "model.ftz"
    how = compress(fitted, fitted.with_suffix(".txt"), small, 100_000, retrain=True)
    assert how == {
        "kept": model.used_features(), "of": model.features(), "bytes": small.stat().st_size, "dsub": 2,
        "retrained": False,
    }  # fmt: skip
    assert figure(scores_of(small, DEV, "words"), small, DEV, ["mill"]) > 0.75


def test_what_does_not_fit_goes_and_the_size_is_kept_to(fitted: Path, tmp_path: Path) -> None:
    small = tmp_path / "model.ftz"
    how = compress(fitted, fitted.with_suffix(".txt"), small, 9_000, retrain=True)
    assert how["bytes"] == small.stat().st_size <= 9_000
    assert 256 <= how["kept"] < how["of"]
    assert how["retrained"]
    assert figure(scores_of(small, DEV, "words"), small, DEV, ["mill"]) > 0.7


def test_a_size_that_cannot_be_reached_is_said(fitted: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be compressed to 3,000 bytes.*smaller dim"):
        compress(fitted, fitted.with_suffix(".txt"), tmp_path / "model.ftz", 3_000)


def test_a_model_of_few_words_is_left_as_it_is(tmp_path: Path) -> None:
    settings = FastTextSettings(dim=2, epoch=1, min_count=3)
    model = fit(toys.table(ROWS[:40]), settings, "words", tmp_path)
    with pytest.raises(ModelError, match=r"too few for a code book of 256.*--set compress=null"):
        compress(model, model.with_suffix(".txt"), tmp_path / "model.ftz", 100_000)

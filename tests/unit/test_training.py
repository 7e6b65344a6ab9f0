"""The whole of a training: the same bytes whatever the order, what is chosen by what, what is left."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import toy_classifiers as toys

from classifiers.calibrate import Target, threshold_for
from classifiers.card import CARD, Card
from classifiers.text_classifier import TextClassifier
from classifiers.train import Search
from pipeline import training
from pipeline.core.errors import ConfigError, ModelError, StorageError
from pipeline.judging import judge, score_table
from pipeline.recipe.training import Compression
from pipeline.training import check_folder, positive_labels, train_classifier

Digests = Callable[[Path], dict[str, str]]
FILES = {"model.ftz", "card.json", "README.md", "reliability.svg", "precision_recall.svg"}
DATA = [{"name": "toys", "licence": "CC0"}]
GIVEN = toys.prepared(toys.rows())


def labelled(*labels: str) -> pa.Table:
    row = toys.rows(1)[0]
    return toys.table([{**row, "label": label} for label in labels])


# --- the same bytes ----------------------------------------------------------------------------


def test_rows_in_any_order_give_the_same_bytes_in_every_file(
    tmp_path: Path, digests: Digests
) -> None:
    rows = toys.rows()
    mixed = random.Random(3).sample(rows, len(rows))
    train_classifier(toys.prepared(mixed), toys.recipe(), tmp_path / "toy", data=DATA)
    assert digests(tmp_path / "toy") == digests(toys.binary())


def test_another_process_gives_the_same_bytes(tmp_path: Path, digests: Digests) -> None:
    code = (
        "import sys, shutil, toy_classifiers as toys; shutil.copytree(toys.binary(), sys.argv[1])"
    )
    tests = Path(toys.__file__).parent
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "toy")],
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(tests), "LC_ALL": "C"},
        check=True,
    )
    assert digests(tmp_path / "toy") == digests(toys.binary())


def test_what_an_earlier_training_left_is_replaced(tmp_path: Path, digests: Digests) -> None:
    out = toys.copied(toys.ternary(), tmp_path / "toy")
    (out / "notes.txt").write_text("mine")
    train_classifier(GIVEN, toys.recipe(), out, data=DATA)
    (out / "notes.txt").unlink()  # what is not of a training stays, beside a card
    assert digests(out) == digests(toys.binary())
    three = toys.prepared(toys.rows(300, ("mill", "spam", "chess")))
    train_classifier(three, toys.recipe(name="ternary", positive=(), compress=None), out)
    assert digests(out) == digests(toys.ternary())  # no stale model, no stale picture


# --- what is left ------------------------------------------------------------------------------


def test_the_folder_holds_a_model_with_its_card() -> None:
    out = toys.binary()
    assert {path.name for path in out.iterdir()} == FILES
    card = Card.read(out / CARD)
    data = (out / "model.ftz").read_bytes()
    assert card.sha256 == hashlib.sha256(data).hexdigest()
    assert card.bytes == len(data) <= 100_000
    assert (card.name, card.licence, card.positive) == ("toy", "CC0", ("mill",))
    assert card.description == "Tells mill and spam apart."
    assert card.settings["dim"] == 4
    assert (card.settings["threads"], card.settings["seed"]) == (1, 0)
    assert card.account == GIVEN.counts
    assert card.data == ({"name": "toys", "licence": "CC0"},)
    assert card.quantisation is not None
    assert card.quantisation["bytes"] == card.bytes
    assert 0.5 < card.quantisation["AUC after"] <= 1
    assert card.search is None


def test_thresholds_come_from_the_development_part_and_figures_from_the_test_part() -> None:
    classifier = TextClassifier.load(toys.binary())
    card = classifier.card
    assert card is not None
    scores = classifier.positive(score_table(classifier, GIVEN.dev))
    truth = np.array(GIVEN.dev["label"].to_pylist()) == "mill"
    for one in card.thresholds:
        again = threshold_for(Target.parse(one.target), scores, truth)
        assert one.threshold == again.threshold
        assert one.data == f"development part, {GIVEN.dev.num_rows} texts"
    assert card.default == "precision=0.8"
    assert card.metrics == {"test": judge(classifier, GIVEN.test)}
    assert card.metrics["test"]["texts"] == GIVEN.test.num_rows


def test_the_card_that_is_given_back_is_the_one_that_lies_there(tmp_path: Path) -> None:
    said: list[str] = []
    recipe = toys.recipe(targets=(), search=Search(trials=1), description="For tests.")
    card = train_classifier(GIVEN, recipe, tmp_path / "m", data=DATA, say=said.append)
    text = (tmp_path / "m" / CARD).read_text(encoding="utf-8")
    assert card.to_json() == text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (card.thresholds, card.default) == ((), "")
    assert card.metrics["test"]["at"] is None
    assert card.description == "For tests."
    assert card.search is not None
    assert card.search["trials"] == 1
    assert card.search["judged by"] == "AUC"
    assert card.search["first"] == card.search["best"]
    assert said[0].startswith("trial 1 of 1")
    assert said[1:] == ["training on 120 texts", f"compressed to {card.bytes:,} bytes"]
    assert card.sha256 == Card.read(toys.binary() / CARD).sha256


def test_a_label_that_the_development_part_lacks_leaves_no_nan(tmp_path: Path) -> None:
    rows = toys.rows(120, ("mill", "spam", "chess"))
    given = toys.prepared(rows)
    keep = pa.array([label != "chess" for label in given.dev["label"].to_pylist()])
    given = dataclasses.replace(given, dev=given.dev.filter(keep))
    recipe = toys.recipe(positive=("chess",), targets=("share=0.2",), search=Search(trials=1))
    card = train_classifier(given, recipe, tmp_path / "m")
    json.loads(card.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert card.quantisation is not None
    assert card.quantisation["AUC after"] is None


# --- refusals ----------------------------------------------------------------------------------


def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "fit", None)  # before anything is trained
    (tmp_path / "thesis.tex").write_text("do not touch")
    with pytest.raises(ConfigError, match="is not empty and holds no model"):
        train_classifier(GIVEN, toys.recipe(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ConfigError, match="is a file; --out takes a folder"):
        train_classifier(GIVEN, toys.recipe(), tmp_path / "thesis.tex")


def test_folders_that_will_do(tmp_path: Path) -> None:
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "one")
    (tmp_path / CARD).write_text("{}")
    (tmp_path / "notes").write_text("")
    check_folder(tmp_path)


class Quick:
    """Stands for training: the model is there already."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, model: Path | None = None):
        source = model or toys.ternary() / "model.bin"

        def fit(examples: pa.Table, settings: Any, normalise: str, folder: Path) -> Path:
            return Path(shutil.copyfile(source, folder / source.name))

        monkeypatch.setattr(training, "fit", fit)

    def __call__(self, out: Path) -> None:
        three = toys.prepared(toys.rows(300, ("mill", "spam", "chess")))
        train_classifier(three, toys.recipe(name="ternary", positive=(), compress=None), out)


@pytest.mark.parametrize("step", ["copyfile", "leave_card"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_is_cut_short_leaves_nothing_half(
    step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Quick(monkeypatch)

    def fails(source: Path, target: Path, *_: Any) -> None:
        if step == "copyfile":
            Path(target).write_bytes(Path(source).read_bytes()[:100])
        raise StorageError("full") if isinstance(error, OSError) and step != "copyfile" else error

    def failing(out: Path) -> None:
        with monkeypatch.context() as patch:
            if step == "copyfile":
                patch.setattr(training.shutil, "copyfile", _first_free(fails, out))
            else:
                patch.setattr(training, "leave_card", fails)
            with pytest.raises((StorageError, KeyboardInterrupt)):
                quick(out)

    failing(tmp_path / "new")
    assert not any((tmp_path / "new").iterdir())
    check_folder(tmp_path / "new")  # the same command may be run again
    old = toys.copied(toys.binary(), tmp_path / "old")
    failing(old)
    assert not [path for path in old.iterdir() if path.name.endswith(".part")]
    if step == "copyfile":
        assert (old / "model.ftz").read_bytes() == (toys.binary() / "model.ftz").read_bytes()
        TextClassifier.load(old).check()
    else:  # an earlier card that no longer fits: nothing loads, and training mends it
        with pytest.raises(ModelError):
            TextClassifier.load(old).check()
    quick(old)
    TextClassifier.load(old).check()


def _first_free(fails: Callable[..., None], out: Path) -> Callable[..., Any]:
    """``shutil.copyfile`` that fails for files of ``out`` alone."""
    real = shutil.copyfile

    def copyfile(source: Path, target: Path) -> Any:
        return fails(source, target) if Path(target).parent == out else real(source, target)

    return copyfile


def test_a_temporary_folder_that_is_full_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training, "fit", full)
    with pytest.raises(StorageError, match=r"gristmill-.*: the disk is full"):
        train_classifier(GIVEN, toys.recipe(), tmp_path / "m")


def test_a_target_out_of_reach_is_told_and_costs_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Quick(monkeypatch, toys.binary() / "model.ftz")
    said: list[str] = []
    recipe = toys.recipe(targets=("precision=0.999", "recall=0.5"), sure=True, compress=None)
    card = train_classifier(GIVEN, recipe, tmp_path / "m", say=said.append)
    [warning] = [line for line in said if line.startswith("warning")]
    assert "No threshold for precision=0.999: " in warning
    assert card.known_failures == (warning.removeprefix("warning: "),)
    assert card.default == ""
    assert "cannot be promised with 60 texts" in warning
    assert [one.target for one in card.thresholds] == ["recall=0.5"]
    assert card.thresholds[0].sure
    alone = dataclasses.replace(recipe, targets=("precision=0.999",))
    card = train_classifier(GIVEN, alone, tmp_path / "m")
    assert (card.thresholds, card.default) == ((), "")
    assert card.metrics["test"]["at"] is None


# --- which labels are positive -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "labels", "positive"),
    [
        ((), ("0", "1"), ("1",)),
        ((), ("true", "false"), ("true",)),
        ((), ("No", "Yes"), ("Yes",)),
        ((), ("negative", "positive"), ("positive",)),
        ((), ("good", "bad"), ("good",)),
        ((), ("a", "b", "c"), ()),
        ((), ("0", "1", "2"), ()),
        (("a",), ("a", "b"), ("a",)),
        (("0",), ("0", "1"), ("0",)),
        (("c", "a"), ("a", "b", "c"), ("c", "a")),
        (("a", "a"), ("a", "b"), ("a",)),
    ],
)
def test_positive_labels(
    wanted: tuple[str, ...], labels: tuple[str, ...], positive: tuple[str, ...]
) -> None:
    assert positive_labels(wanted, labelled(*labels)) == positive


@pytest.mark.parametrize(
    ("wanted", "labels", "message"),
    [
        ((), ("mill", "spam"), "Say --positive mill or --positive spam"),
        ((), ("1", "yes"), "which of the two labels"),
        (("mil",), ("mill", "spam"), r"--positive mil: no example.*did you mean 'mill'"),
        (("mill", "spam"), ("mill", "spam"), "names every label"),
        (("mill", "mill", "spam"), ("mill", "spam"), "names every label"),
        ((), ("very good", "very_good"), "are one to fastText.*use --rename"),
    ],
)
def test_labels_that_are_unclear_are_refused(
    wanted: tuple[str, ...], labels: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        positive_labels(wanted, labelled(*labels))


def test_a_label_of_two_words_is_positive_by_the_models_spelling(tmp_path: Path) -> None:
    rows = [{**row, "label": row["label"].replace("mill", "the mill")} for row in toys.rows()]
    recipe = toys.recipe(positive=("the mill",), compress=None, targets=("recall=0.9",))
    card = train_classifier(toys.prepared(rows), recipe, tmp_path / "m")
    assert card.positive == ("the_mill",)
    assert set(card.labels) == {"the_mill", "spam"}
    assert card.metrics["test"]["positives"] == 20
    assert card.file == "model.bin"
    assert card.quantisation is None
    assert card.metrics["test"]["auc"]["value"] > 0.8


def test_a_size_is_kept_to_or_refused(tmp_path: Path) -> None:
    recipe = toys.recipe(compress=Compression(max_bytes=10_000, dsub=4))
    card = train_classifier(GIVEN, recipe, tmp_path / "m")
    assert card.bytes == (tmp_path / "m" / "model.ftz").stat().st_size <= 10_000

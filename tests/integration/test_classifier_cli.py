"""``gristmill classifier`` as a person or a script meets it, from labelled files to scored ones."""

from __future__ import annotations

import csv
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toy_classifiers as toys
from toy_classifiers import call

from classifiers.card import CARD, Card
from classifiers.text_classifier import TextClassifier, shipped_names
from pipeline.cli.classifier import classifier

Digests = Callable[[Path], dict[str, str]]
COMMANDS = sorted(classifier.commands)
ROWS = toys.rows()
FRESH = toys.rows(90, seed=8)
SMALL = (
    "--set", "fasttext={dim: 4, bucket: 1000, epoch: 12, word_ngrams: 2, lr: 0.5}",
    "--set", "split={train: 0.5, dev: 0.25, test: 0.25}",
)  # fmt: skip
OPTIONS = ("--positive", "mill", "--group", "site", "--slice", "kind", *SMALL)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, the data it was trained on beside it."""
    folder = tmp_path_factory.mktemp("classifier")
    given = toys.write_rows(folder / "given.jsonl", ROWS)
    arguments = ("train", given, "--out", folder / "toy", *OPTIONS, "--target", "precision=0.8")
    assert call(*arguments, "--target", "fpr=20%", "--quiet") == 0
    return folder / "toy"


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return toys.copied(trained, tmp_path / "model")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Labelled texts that the model has not seen."""
    return toys.write_rows(tmp_path / "fresh.jsonl", FRESH)


# --- help --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(command, "--help") == 0
    assert f"Examples:\n    gristmill classifier {command}" in capsys.readouterr().out


def test_the_commands_are_those_that_are_promised(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"train", "evaluate", "calibrate", "predict", "card"} <= set(COMMANDS)
    assert call("--help") == 0
    assert "Examples:\n    gristmill classifier train" in capsys.readouterr().out


# --- train -------------------------------------------------------------------------------------


def test_training_leaves_model_card_and_pictures(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == {
        "model.ftz", "card.json", "README.md", "reliability.svg", "precision_recall.svg"
    }  # fmt: skip
    card = Card.read(trained / CARD)
    assert (card.name, card.positive, card.default) == ("toy", ("mill",), "precision=0.8")
    assert [one.target for one in card.thresholds] == ["false_positive_rate=0.2", "precision=0.8"]
    assert card.bytes < 2_000_000
    assert card.data == ({"name": "given.jsonl", "licence": ""},)
    sides = card.account["sides"]
    assert card.account["read"] == sum(side["rows"] for side in sides.values()) == len(ROWS)
    assert card.metrics["test"]["texts"] == sides["test"]["rows"]
    assert {one["slice"] for one in card.metrics["test"]["slices"]} >= {"language", "kind"}


def test_training_tells_what_became_of_the_rows_and_prints_the_card_as_json(
    trained: Path, capsys: pytest.CaptureFixture[str], digests: Digests
) -> None:
    """In another order, with copies and unusable rows: the same bytes of what does not count them."""
    rows: list[dict[str, Any]] = random.Random(1).sample(ROWS, len(ROWS))
    rows[7:7] = [ROWS[0], ROWS[3], {"text": "  ", "label": "mill"}, {"text": "x"}]
    given = toys.write_rows(Path("given.jsonl"), rows)
    with given.open("ab") as file:
        file.write(b'{"text": "\xff"}\n')
    arguments = ("train", given, *OPTIONS, "--target", "precision=0.8", "--target", "fpr=0.2")
    assert call(*arguments, "--out", "toy") == 0
    said = capsys.readouterr()
    assert (
        "245 rows read; left out: 1 label.missing, 1 table.utf8, 1 text.empty; repeated: 2 exact"
        in (" ".join(said.out.split()))
    )
    for words in ("train 120 rows: spam 80, mill 40", "test part: 60 texts", "toy/: model.ftz ("):
        assert words in " ".join(said.out.split())
    for words in ("left out: ", "given.jsonl at byte", "training on 120 texts", "compressed to"):
        assert words in said.err
    assert "\x1b" not in said.out + said.err
    ours, theirs = digests(Path("toy")), digests(trained)
    assert {n for n in ours if ours[n] != theirs[n]} == {"card.json", "README.md"}  # counts differ
    card = json.loads(Path("toy", CARD).read_text())
    assert card["account"]["read"] == 245
    for name in ("sha256", "thresholds", "metrics", "quantisation"):
        assert card[name] == json.loads((trained / CARD).read_text())[name]


def test_rows_in_another_order_give_the_same_bytes(
    trained: Path, digests: Digests, capsys: pytest.CaptureFixture[str]
) -> None:
    toys.write_rows(Path("given.jsonl"), random.Random(2).sample(ROWS, len(ROWS)))
    arguments = (
        "train",
        "given.jsonl",
        *OPTIONS,
        "--target",
        "precision=0.8",
        "--target",
        "fpr=0.2",
    )
    assert call(*arguments, "--out", "toy", "--json") == 0
    said = capsys.readouterr()
    assert said.out == (trained / CARD).read_text(encoding="utf-8")
    assert said.err == ""
    assert digests(Path("toy")) == digests(trained)


def test_quiet_is_quiet_and_test_data_of_their_own_are_only_reported_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """CSV with labels 0 and 1, LABEL=DATA, a mended label, a licence, a search."""
    with Path("train.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["comment", "toxic"])
        out.writerows([row["text"], "1" if row["label"] == "mill" else "0"] for row in ROWS[:180])
    toys.write_rows(Path("more.jsonl"), [{"comment": row["text"]} for row in ROWS[180:]])
    test = [*FRESH, ROWS[0], ROWS[2]]
    pq.write_table(
        pa.table(
            {
                "comment": [row["text"] for row in test],
                "toxic": [{"mill": "yes", "spam": "0"}[row["label"]] for row in test],
            }
        ),
        "test.parquet",
    )
    more = [f"0={Path('more.jsonl').absolute()}"]
    assert call(
        "train", "train.csv", *more, "--test", "test.parquet", "--text", "comment", "--label", "toxic",
        "--rename", "yes=1", "--licence", f"{more[0]}=CC0", "--seed", "3", "--out", "Näme 2",
        "--search", "1", *SMALL, "--set", "compress=null", "--target", "recall=0.5", "--quiet",
    ) == 0  # fmt: skip
    assert capsys.readouterr() == ("", "")
    card = Card.read(Path("Näme 2", CARD))
    assert (card.name, card.file, card.positive) == ("n_me_2", "model.bin", ("1",))
    assert card.settings["seed"] == 3
    assert card.search is not None
    assert card.search["trials"] == 1
    assert [source["licence"] for source in card.data] == ["", "CC0", ""]
    assert card.metrics["test"]["texts"] == len(test)
    assert card.account["repeats"]["across"] == 2
    sides = card.account["sides"]
    assert sides["train"]["rows"] + sides["dev"]["rows"] == len(ROWS) - 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "which of the two labels is the one to find? Say --positive mill or"),
        (["--positive", "mil"], "did you mean 'mill'"),
        (["--positive", "mill", "--positive", "spam"], "names every label"),
        (["--positive", "mill", "--recipe", "dcml"], "dclm"),
        (["--positive", "mill", "--set", "fasttext.epochs=3"], "did you mean 'epoch'"),
        (["--positive", "mill", "--target", "precison=0.9"], "did you mean 'precision'"),
        (["--positive", "mill", "--rename", "spam"], "write OLD=NEW"),
        (["--positive", "mill", "--rename", "spma=spam"], "no row has the label 'spma'"),
        (["--positive", "mill", "--licence", "CC0"], "write DATA=LICENCE"),
        (["--positive", "mill", "--licence", "other.jsonl=CC0"], "no DATA of that name"),
        (["--positive", "mill", "--label", "colour"], "no column 'colour' for the labels"),
        (["--positive", "mill", "--text", "body"], "no column 'body' for the texts"),
        (["--positive", "mill", "--group", "author"], "no input has the column 'author'"),
        (["--positive", "mill", "--slice", "label"], "a slice cannot be called 'label'"),
        (["--positive", "mill", "--encoding", "utf-9"], "no encoding of text has this name"),
        (["--search", "0"], "--search"),
        (["--search-minutes", "0"], "--search-minutes"),
        (["--seed", "-1"], "--seed"),
        (["--seed", str(2**31)], "--seed"),
    ],
)
def test_bad_arguments_are_exit_code_2_and_leave_nothing(
    options: list[str], words: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("train", trained.with_name("given.jsonl"), "--out", "toy", *SMALL, *options) == 2
    assert words in capsys.readouterr().err
    assert not Path("toy").exists()


def test_a_folder_with_foreign_files_is_refused_before_anything_is_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("thesis").mkdir()
    Path("thesis", "chapter.tex").write_text("do not touch")
    assert call("train", "nowhere.jsonl", "--positive", "mill", "--out", "thesis") == 2
    assert "thesis is not empty and holds no model" in capsys.readouterr().err
    assert [path.name for path in Path("thesis").iterdir()] == ["chapter.tex"]


# --- evaluate ----------------------------------------------------------------------------------


def test_evaluate_prints_figures(
    trained: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("evaluate", trained, fresh, "--slice", "kind") == 0
    said = capsys.readouterr().out
    for words in ("fresh.jsonl: 90 texts, 30 positive; AUC 0.", "precision", "kind", "page"):
        assert words in said


def test_evaluate_as_json_with_the_labels_called_otherwise(
    trained: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("evaluate", trained, fresh, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["texts"], found["positives"]) == (90, 30)
    renamed = [
        {"body": row["text"], "class": {"mill": 1, "spam": 0}[row["label"]]} for row in FRESH
    ]
    toys.write_rows(Path("renamed.jsonl"), renamed)
    options = ("--text", "body", "--label", "class", "--positive", "1", "--json")
    assert call("evaluate", trained, "renamed.jsonl", *options) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert call("evaluate", trained, "renamed.jsonl", "--text", "body", "--label", "class") == 2
    assert "the label '0' is none of the model's" in capsys.readouterr().err


def test_evaluate_at_another_target(
    trained: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = Card.read(trained / CARD)
    for target in ("precision=0.8", "fpr=0.2"):
        assert call("evaluate", trained, fresh, "--target", target, "--json") == 0
        at = json.loads(capsys.readouterr().out)["at"]
        assert at["threshold"] == pytest.approx(card.threshold(target).threshold, abs=1e-6)
    assert call("evaluate", trained, fresh, "--target", "recall=0.9") == 2
    assert "has no threshold for recall=0.9" in capsys.readouterr().err


def test_evaluate_leaves_figures_and_notes(
    model: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Card.read(model / CARD)
    options = ("--out", "new/report", "--note", "autumn", "--json")
    assert call("evaluate", model, fresh, *options) == 0
    found = json.loads(capsys.readouterr().out)
    assert {path.name for path in Path("new/report").iterdir()} == {
        "evaluation.json", "reliability.svg", "precision_recall.svg"
    }  # fmt: skip
    assert json.loads(Path("new/report/evaluation.json").read_text()) == found
    after = Card.read(model / CARD)
    assert after.metrics == {"test": before.metrics["test"], "autumn": found}
    assert "## How good it is: autumn" in (model / "README.md").read_text()
    assert TextClassifier.load(model).check() == before.sha256
    assert call("evaluate", model, fresh, "--note", "test") == 2
    assert Card.read(model / CARD) == after


def test_evaluate_many_labels(capsys: pytest.CaptureFixture[str]) -> None:
    rows = toys.rows(60, ("mill", "spam", "chess"), seed=5)
    toys.write_rows(Path("three.jsonl"), rows)
    assert call("evaluate", toys.ternary(), "three.jsonl") == 0
    assert "three.jsonl: 60 texts, accuracy 0." in capsys.readouterr().out
    assert call("evaluate", toys.ternary(), "three.jsonl", "--positive", "mill") == 2
    assert "has no positive label" in capsys.readouterr().err


def test_evaluate_tells_of_rows_left_out(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toys.write_rows(Path("some.jsonl"), [*FRESH[:30], {"text": "", "label": "mill"}])
    assert call("evaluate", trained, "some.jsonl", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["texts"] == 30
    assert "left out: " in said.err
    assert "the text is empty" in said.err


# --- calibrate ---------------------------------------------------------------------------------


def test_calibrate_puts_thresholds_into_card_and_page(
    model: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Card.read(model / CARD)
    options = ("--target", "recall=80%", "--target", "precision=0.8", "--json")
    assert call("calibrate", model, fresh, *options) == 0
    found = {one["target"]: one for one in json.loads(capsys.readouterr().out)}
    after = Card.read(model / CARD)
    assert [one.target for one in after.thresholds] == [
        "false_positive_rate=0.2", "precision=0.8", "recall=0.8"
    ]  # fmt: skip
    assert after.threshold("fpr=0.2") == before.threshold("fpr=0.2")
    assert after.threshold("recall=0.8").to_json() == found["recall=0.8"]
    assert after.threshold("precision=0.8").data == "fresh.jsonl, 90 texts"
    assert after.default == "precision=0.8"
    page = (model / "README.md").read_text()
    assert "| `recall=0.8` |" in page
    assert "fresh.jsonl, 90 texts" in page
    assert TextClassifier.load(model).check() == before.sha256
    assert call("calibrate", model, fresh, "--target", "recall=0.8", "--default") == 0
    assert "threshold 0." in capsys.readouterr().out
    assert Card.read(model / CARD).default == "recall=0.8"


def test_a_share_needs_no_labels_and_folders_may_be_called_anything(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": row["text"]} for row in FRESH]
    Path("year=2024").mkdir()
    for name in ("crawl.jsonl", "year=2024/crawl.jsonl", "a=b.jsonl"):
        toys.write_rows(Path(name), rows)
    found = []
    for data in ("crawl.jsonl", "year=2024/crawl.jsonl", "a=b.jsonl", "crawl=crawl.jsonl"):
        assert call("calibrate", model, data, "--target", "share=10%", "--json") == 0
        [one] = json.loads(capsys.readouterr().out)
        found.append(one["threshold"])
        assert one["measured"]["value"] == 0.1
    assert len(set(found)) == 1
    assert call("calibrate", model, "crawl.jsonl", "--target", "precision=0.9") == 2
    assert "no column 'label' for the labels" in capsys.readouterr().err


def test_clean_texts_are_enough_for_false_positives(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = [{"text": row["text"]} for row in FRESH if row["label"] == "spam"]
    toys.write_rows(Path("clean.jsonl"), clean)
    options = ("--target", "fpr=0.2", "--sure", "--json")
    assert call("calibrate", model, "spam=clean.jsonl", *options) == 0
    [one] = json.loads(capsys.readouterr().out)
    assert one["sure"]
    assert one["measured"]["n"] == 60
    assert one["measured"]["high"] <= 0.2


def test_a_target_out_of_reach_leaves_the_card_as_it_was(
    model: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    for options, words in (
        (["--target", "fpr=0.001", "--sure"], "cannot be promised with 60 negative texts"),
        (["--target", "precision"], "is not KIND=VALUE"),
        ([], "--target"),
    ):
        assert call("calibrate", model, fresh, *options) == 2
        assert words in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before


# --- card and list -----------------------------------------------------------------------------


def test_card_prints_the_page_or_the_json(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("card", trained) == 0
    assert capsys.readouterr().out == (trained / "README.md").read_text(encoding="utf-8")
    assert call("card", trained, "--json") == 0
    assert capsys.readouterr().out == (trained / CARD).read_text(encoding="utf-8")


def test_list_names_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list") == 0
    said = capsys.readouterr().out
    for name in ("language", *shipped_names()):
        assert f"\n{name} " in f"\n{said}"


@pytest.mark.parametrize("command", ["card", "evaluate", "calibrate", "predict"])
def test_a_model_that_is_none_is_exit_code_1(
    command: str, trained: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"card": [], "calibrate": [fresh, "--target", "share=0.1"]}.get(command, [fresh])
    Path("empty").mkdir()
    broken = toys.copied(trained, Path("broken"))
    (broken / "model.ftz").write_bytes((broken / "model.ftz").read_bytes()[:-1])
    for name, words in (
        ("nowhere", "nowhere: no such model, folder or file"),
        ("empty", "no model here: card.json is missing"),
        ("broken", "this is not the expected model file"),
    ):
        assert call(command, name, *more) == 1
        assert words in capsys.readouterr().err


# --- predict -----------------------------------------------------------------------------------


def test_predict_keeps_rows_and_adds_scores(
    trained: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("predict", trained, fresh, "--out", "scored.jsonl.zst") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "90 rows, " in said.err
    assert "(precision=0.8)" in said.err
    assert call("predict", trained, "scored.jsonl.zst", "--quiet") == 0
    said = capsys.readouterr()
    assert said.err == ""
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [{name: row[name] for name in FRESH[0]} for row in rows] == FRESH
    threshold = Card.read(trained / CARD).threshold().threshold
    for row in rows:
        assert row["positive"] == (row["score"] >= threshold)


def test_rows_that_cannot_be_read_are_exit_code_3(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("some.jsonl").write_text('{"text": "the river"}\n{broken\n{"body": "the river"}\n')
    assert call("predict", trained, "some.jsonl", "--out", "scored.jsonl") == 3
    said = capsys.readouterr().err
    assert "left out: " in said
    assert "some.jsonl at byte 22" in said
    assert "2 rows, " in said
    assert "1 without a text, 1 that could not be read" in said
    rows = [json.loads(line) for line in Path("scored.jsonl").read_text().splitlines()]
    assert rows[1] == {"body": "the river", "score": None, "positive": None}
    assert rows[0]["score"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fresh.jsonl", "--out", "scored.csv"], 2, "give it the ending .jsonl"),
        (["fresh.jsonl", "--target", "recall=0.99"], 2, "has no threshold for recall=0.99"),
        (["fresh.csv"], 2, "its ending is none that is read here"),
        (["nothing.jsonl"], 1, "nothing.jsonl: no such file"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_predict_refuses(
    arguments: list[str], code: int, words: str, trained: Path, fresh: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    Path("fresh.csv").write_text("text\na\n")
    assert call("predict", trained, *arguments) == code
    assert words in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error_to_talk_about(trained: Path) -> None:
    toys.write_rows(Path("many.jsonl"), FRESH * 60)
    command = [sys.executable, "-m", "pipeline.cli", "classifier", "predict", str(trained)]
    with subprocess.Popen(
        [*command, "many.jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["text"] == FRESH[0]["text"]
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_a_model_may_be_moved(trained: Path, fresh: Path) -> None:
    shutil.copytree(trained, "elsewhere/other name")
    assert call("predict", "elsewhere/other name", fresh, "--out", "a.jsonl") == 0
    assert call("predict", trained / "model.ftz", fresh, "--out", "b.jsonl") == 0
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()

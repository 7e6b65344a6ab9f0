"""Bad data, bad models, huge texts, a full disk: a clear error, or a count; never half a file."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fasttext
import pytest
import toy_classifiers as toys
from toy_classifiers import call

from classifiers.card import CARD, Card
from classifiers.text_classifier import TextClassifier
from pipeline.core.errors import ModelError
from pipeline.labelled import Columns, prepare
from pipeline.predict import predict_rows
from pipeline.training import train_classifier

ROWS = toys.rows()
TRAIN = (
    "train", "given.jsonl", "--positive", "mill", "--group", "site", "--out", "toy",
    "--set", "fasttext={dim: 4, bucket: 1000, epoch: 12, word_ngrams: 2, lr: 0.5}",
    "--set", "split={train: 0.5, dev: 0.25, test: 0.25}", "--target", "recall=0.8",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- data --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "the inputs have no row"),
        ([{"text": row["text"]} for row in ROWS], "no column 'label' for the labels"),
        (
            [{**row, "label": None} for row in ROWS],
            "none of the 240 rows can be used (label.missing",
        ),
        ([{**row, "label": ""} for row in ROWS], "none of the 240 rows can be used (label.missing"),
        (
            [{**row, "text": " "} for row in ROWS],
            "none of the 240 rows can be used (text.empty 240",
        ),
        ([{**row, "label": "mill"} for row in ROWS], "all 240 rows have the label 'mill'"),
        ([*ROWS, {"text": "a", "label": "spma"}], "'spma' (1 of 241 rows, first in"),
        ([*ROWS, {"text": "a", "label": "Spam "}], "differ only in case, spaces or punctuation"),
        ([{**row, "label": row["text"]} for row in ROWS], "is this the column with the labels?"),
        ([{**row, "label": ["mill", "spam"]} for row in ROWS], "label.several 240"),
        ([{**row, "label": {"a": 1}} for row in ROWS], "label.type 240"),
        ([{**row, "site": "one"} for row in ROWS], "there is 1 group"),
        (ROWS[:2], "dev would be empty: there are 2 groups"),
    ],
)
def test_labels_that_no_model_should_be_trained_on(
    rows: list[dict[str, Any]], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    toys.write_rows(Path("given.jsonl"), rows)
    code = call(*TRAIN)
    said = " ".join(capsys.readouterr().err.split())
    assert code == 2
    assert words in said
    assert not Path("toy").exists()


def test_a_typing_error_is_mended_or_meant(capsys: pytest.CaptureFixture[str]) -> None:
    toys.write_rows(
        Path("given.jsonl"), [*ROWS, {**ROWS[1], "label": "spma", "text": "other words"}]
    )
    assert call(*TRAIN) == 2
    assert "--rename spma=spam" in capsys.readouterr().err
    assert call(*TRAIN, "--rename", "spma=spam", "--set", "compress=null", "--quiet") == 0
    card = Card.read(Path("toy", CARD))
    assert set(card.labels) == {"mill", "spam"}
    assert card.account["renamed"] == {"spma": 1}


def test_copies_never_stand_on_two_sides_and_are_counted(tmp_path: Path) -> None:
    rows = [dict(row) for row in ROWS]
    long = " ".join(f"word{number}" for number in range(120))
    for number, label in enumerate(("mill", "mill", "spam", "spam")):
        rows.append(
            {"text": long + f" {label} {'x ' * (number % 2)}", "label": label, "site": f"n{number}"}
        )
    # The same text on other sites, in another spelling, and with another label.
    rows += [{**row, "site": f"copy{at}.example"} for at, row in enumerate(ROWS[:60])]
    rows += [{**row, "text": row["text"].upper(), "site": f"loud{at}.example"}
             for at, row in enumerate(ROWS[60:90])]  # fmt: skip
    rows += [{**row, "label": "spam" if row["label"] == "mill" else "mill", "site": f"wrong{at}.example"}
             for at, row in enumerate(ROWS[90:96])]  # fmt: skip
    given = toys.write_rows(tmp_path / "given.jsonl", rows)
    prepared = prepare([given], Columns(group="site"), seed=1)
    counts = prepared.counts
    assert counts["repeats"]["exact"] == 90
    assert counts["repeats"]["conflicting"] == 12 + 4
    placed = sum(side["rows"] for side in counts["sides"].values())
    assert counts["read"] == len(rows) == placed + sum(counts["repeats"].values())
    sides = [
        {text.lower() for text in side["text"].to_pylist()}
        for side in (prepared.train, prepared.dev, prepared.test)
    ]
    assert sum(map(len, sides)) == placed
    assert len(set.union(*sides)) == placed
    card = train_classifier(prepared, toys.recipe(targets=("recall=0.5",)), tmp_path / "m")
    assert card.account == counts
    assert "- repeats.exact: 90" in (tmp_path / "m" / "README.md").read_text()


def test_texts_in_several_encodings_cost_their_rows_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [f"{row['text']}\t{row['label']}".encode() for row in ROWS]
    latin = [
        "café des fleurs de l'été\tspam".encode("latin-1"),
        "mühle am bach\tmill".encode("cp1252"),
    ]
    Path("given.tsv").write_bytes(b"\n".join([b"text\tlabel", *lines[:50], *latin, *lines[50:]]))
    options = [option for option in TRAIN[2:] if option not in ("--group", "site")]
    assert call("train", "given.tsv", *options, "--set", "compress=null") == 0
    said = " ".join("".join(capsys.readouterr()).split())
    assert "2 table.utf8" in said
    assert "name it with --encoding" in said
    assert Card.read(Path("toy", CARD)).account["used"] == len(ROWS)
    Path("wide.tsv").write_bytes(Path("given.tsv").read_bytes().decode("latin-1").encode("utf-16"))
    assert call("train", "wide.tsv", *options) == 1
    assert "is UTF-16; name that with --encoding utf-16" in capsys.readouterr().err


def test_rows_of_other_encodings_are_left_out_of_predictions(tmp_path: Path) -> None:
    good = json.dumps({"text": "am Bach läuft die Mühle"}, ensure_ascii=False)
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join([good.encode(), good.encode("latin-1"), good.encode()]) + b"\n")
    done = predict_rows(str(toys.binary()), [str(path)], tmp_path / "out.jsonl")
    assert (done.rows, done.unreadable) == (2, 1)


def test_texts_of_10_mb(tmp_path: Path) -> None:
    words = "the river turns the wheel of the mill, and bread is made; "
    huge = {
        "words": words * (10_000_000 // len(words)),
        "one word": "x" * 10_000_000,
        "lines": "mill\n" * 2_000_000,
        "nothing": " " * 10_000_000,
        "wide": "川" * 3_333_333,
    }
    path = toys.write_rows(tmp_path / "in.jsonl", [{"id": k, "text": v} for k, v in huge.items()])
    done = predict_rows(str(toys.binary()), [str(path)], tmp_path / "out.jsonl")
    assert (done.rows, done.unreadable, done.without_text) == (5, 0, 0)
    scores = {}
    with (tmp_path / "out.jsonl").open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            assert row["text"] == huge[row["id"]]
            scores[row["id"]] = row["score"]
    assert scores["nothing"] == 0
    assert min(scores["lines"], scores["words"]) > 0.5 > scores["one word"] > 0
    assert 0 < scores["wide"] < 1


def test_a_text_of_10_mb_can_be_trained_on(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "text": "the river turns the wheel, " * 370_000}, *ROWS[1:]]
    given = toys.prepared(rows)
    assert max(map(len, given.train["text"].to_pylist())) > 9_900_000
    card = train_classifier(given, toys.recipe(compress=None, targets=()), tmp_path / "m")
    assert card.metrics["test"]["texts"] == 60


# --- models ------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return toys.copied(toys.binary(), tmp_path / "model")


@pytest.mark.parametrize("damage", ["cut", "altered", "emptied", "longer", "another"])
def test_a_model_that_is_not_the_one_of_its_card(damage: str, model: Path) -> None:
    file = model / "model.ftz"
    data = bytearray(file.read_bytes())
    if damage == "cut":
        del data[len(data) // 3 :]
    elif damage == "altered":
        data[-100] ^= 1
    elif damage == "emptied":
        data.clear()
    elif damage == "longer":
        data += b"\0"
    else:
        data = bytearray((toys.ternary() / "model.bin").read_bytes())
    file.write_bytes(data)
    for use in (lambda c: c.check(), lambda c: c.score(["a"]), lambda c: c.score_lines(["a"])):
        with pytest.raises(ModelError, match="this is not the expected model file"):
            use(TextClassifier.load(model))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 0.999])
def test_a_cut_off_model_without_a_card(
    share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [toys.binary() / "model.ftz", toys.ternary() / "model.bin"]
    monkeypatch.setattr(fasttext, "load_model", None)  # which would never come back from some
    for file in files:
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(data[: int(share * len(data))])
        with pytest.raises(ModelError, match="not a fastText model"):
            TextClassifier.load(tmp_path / file.name).score(["a"])


def test_models_of_another_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toys.write_rows(Path("in.jsonl"), ROWS[:3])
    (tmp_path / "words.txt").write_text("flour water salt yeast oven\n" * 50)
    vectors = fasttext.train_unsupervised(
        "words.txt", dim=2, epoch=1, thread=11, bucket=10, verbose=0
    )
    vectors.save_model("vectors.bin")
    Path("torch.bin").write_bytes(b"PK\x03\x04" + bytes(200))
    Path("page.ftz").write_text("<html>404</html>")
    for name, words in (
        ("vectors.bin", "a fastText model of word vectors; one with labels is needed"),
        ("torch.bin", "torch.bin: not a fastText model"),
        ("page.ftz", "page.ftz: not a fastText model"),
        ("words.txt", "words.txt: not a fastText model"),
    ):
        assert call("predict", name, "in.jsonl") == 1
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", "[1]", "not json", '{"format": 1, "name": "x"}'])
def test_a_card_that_is_none(content: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toys.write_rows(Path("in.jsonl"), ROWS[:3])
    (model / CARD).write_text(content)
    for command in (
        ["card", model],
        ["predict", model, "in.jsonl"],
        ["evaluate", model, "in.jsonl"],
    ):
        assert call(*command) == 1
        assert "model/card.json: not a model card" in capsys.readouterr().err


def test_a_card_without_its_model(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model / "model.ftz").unlink()
    assert call("card", model) == 1
    assert "model/model.ftz: the model file cannot be read (No such file" in capsys.readouterr().err


# --- the disk ----------------------------------------------------------------------------------


def _small_files() -> None:
    """No file of this process may grow beyond a few kilobytes, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-B", "-m", "pipeline.cli", "classifier", *map(str, arguments)]


def on_a_full_disk(*arguments: str | Path) -> str:
    full = subprocess.run(
        command(*arguments), preexec_fn=_small_files, capture_output=True, text=True, check=False
    )
    assert full.returncode == 1, full.stderr
    assert "Traceback" not in full.stderr
    assert "Exception ignored" not in full.stderr
    return full.stderr


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_a_full_disk_leaves_no_half_prediction(name: str, tmp_path: Path) -> None:
    toys.write_rows(Path("in.jsonl"), toys.rows(900))
    before = gzip.compress(b'{"before": true}\n')
    Path(name).write_bytes(before)
    said = on_a_full_disk("predict", toys.binary(), "in.jsonl", "--out", name)
    assert "ulimit -f" in said or "disk is full" in said
    assert name in said
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", name}
    assert Path(name).read_bytes() == before


def test_a_full_disk_leaves_card_and_page_as_they_were(model: Path) -> None:
    toys.write_rows(Path("in.jsonl"), ROWS[:90])
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    assert len(before[CARD]) > 3_000
    said = on_a_full_disk("calibrate", model, "in.jsonl", "--target", "recall=0.7")
    assert "ulimit -f" in said or "disk is full" in said
    after = {path.name: path.read_bytes() for path in model.iterdir()}
    assert set(after) == set(before)
    assert after[CARD] == before[CARD]
    TextClassifier.load(model).check()


def test_a_full_disk_leaves_no_half_model() -> None:
    """The training lines do not fit, or the model does not, of which fastText says nothing."""
    code = (
        "import dataclasses, toy_classifiers as toys;"
        "from pathlib import Path; from pipeline.training import train_classifier;"
        "wide = dataclasses.replace(toys.TINY, bucket=20_000); given = toys.prepared(toys.rows());"
        "limit = int(sys.argv[1]); signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit));"
        "train_classifier(given, toys.recipe(fasttext=wide), Path('toy'))"
    )
    for limit, words in ((3_000, "StorageError: .*ulimit -f"), (100_000, "ModelError: .*cut off")):
        done = subprocess.run(
            [sys.executable, "-c", f"import resource, signal, sys; {code}", str(limit)],
            env={**os.environ, "PYTHONPATH": str(Path(toys.__file__).parent)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert re.search(words, done.stderr), done.stderr
        assert not Path("toy").exists()


@pytest.fixture
def _heeds_interrupts() -> Iterator[None]:
    """Processes that a shell starts in the background ignore Ctrl-C, and so does what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeds_interrupts")
def test_an_interrupted_prediction_leaves_nothing(tmp_path: Path) -> None:
    toys.write_rows(Path("in.jsonl"), toys.rows(3000) * 150)
    with subprocess.Popen(
        command("predict", toys.binary(), "in.jsonl", "--out", "out.jsonl"),
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while not Path(".out.jsonl.part").exists() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_what_a_killed_prediction_left_is_no_input_of_the_next(tmp_path: Path) -> None:
    toys.write_rows(Path("in.jsonl"), ROWS[:5])
    Path(".out.jsonl.part").write_text('{"text": "half a ro')
    done = predict_rows(str(toys.binary()), [str(tmp_path)], tmp_path / "out.jsonl")
    assert (done.rows, done.unreadable) == (5, 0)
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl"}

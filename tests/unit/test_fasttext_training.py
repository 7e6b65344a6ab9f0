"""Training and compressing with fastText: the same bytes again, lines read as written, clear errors."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classifiers import fasttext_training
from classifiers.fasttext_model import FastTextModel, fasttext_line
from classifiers.fasttext_training import (
    FastTextSettings,
    label_word,
    quantise,
    train,
    training_memory,
    write_lines,
)
from classifiers.models import ModelFile
from pipeline.core.errors import ConfigError, ModelError

ROWS = [("mill", f"river bread wheel {n}") for n in range(30)]
ROWS += [("spam", f"buy cheap pills {n}") for n in range(30)]
TINY = FastTextSettings(dim=4, bucket=500, epoch=3, word_ngrams=2)


@pytest.fixture(scope="session")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "train.txt"
    write_lines(path, ROWS)
    return path


@pytest.fixture(scope="session")
def model(lines: Path) -> Path:
    train(lines, lines.with_name("model.bin"), TINY)
    return lines.with_name("model.bin")


def test_the_same_lines_settings_and_seed_give_the_same_bytes(
    lines: Path, model: Path, tmp_path: Path
) -> None:
    train(lines, tmp_path / "again.bin", TINY)
    assert (tmp_path / "again.bin").read_bytes() == model.read_bytes()
    # Not 1, which fastText's generator takes for 0.
    train(lines, tmp_path / "other.bin", dataclasses.replace(TINY, seed=2))
    assert (tmp_path / "other.bin").read_bytes() != model.read_bytes()


def test_what_was_in_memory_before_makes_no_difference(tmp_path: Path) -> None:
    """Weights of a hundred bytes: small pieces of memory are handed out again as they were."""
    found = set()
    for length in (1, 60, 120):
        folder = tmp_path / ("n" * length)  # its name is in memory before the weights are
        folder.mkdir()
        write_lines(folder / "t.txt", [("a b", "x one"), ("c", "x two"), ("天地", "x three")] * 5)
        train(folder / "t.txt", folder / "m.bin", FastTextSettings(dim=2, epoch=1))
        found.add((folder / "m.bin").read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize("cutoff", [0, 300])
def test_compressing_is_deterministic(
    cutoff: int, lines: Path, model: Path, tmp_path: Path
) -> None:
    for name in ("a.ftz", "b.ftz"):
        quantise(model, lines, tmp_path / name, cutoff=cutoff)
    small = (tmp_path / "a.ftz").read_bytes()
    assert small == (tmp_path / "b.ftz").read_bytes()
    assert len(small) < model.stat().st_size
    labels = FastTextModel(ModelFile(str(tmp_path / "a.ftz"))).labels()
    assert labels == FastTextModel(ModelFile(str(model))).labels()


def test_nothing_is_printed(lines: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    train(lines, tmp_path / "model.bin", TINY)
    assert capfd.readouterr() == ("", "")


# --- lines -------------------------------------------------------------------------------------


def test_a_line_for_each_row(tmp_path: Path) -> None:
    rows = [("a", "two\nlines"), ("b c", "</s> __label__x"), ("d", "\ud800 \u2028 ü"), ("e", "")]
    assert write_lines(tmp_path / "lines.txt", iter(rows)) == 4
    written = (tmp_path / "lines.txt").read_bytes().decode().split("\n")
    assert written == [
        "__label__a two lines",
        "__label__b_c < /s> _ _label__x",
        "__label__d ? \u2028 ü",
        "__label__e ",
        "",
    ]
    assert [line.partition(" ")[2] for line in written[:4]] == [fasttext_line(t) for _, t in rows]


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("spam", "__label__spam"),
        (" very  good\n", "__label__very_good"),
        ("a\0b", "__label__a_b"),
        ("__label__x", "__label____label__x"),
        ("天地", "__label__天地"),
    ],
)
def test_a_label_is_one_word(label: str, word: str) -> None:
    assert label_word(label) == word


@pytest.mark.parametrize("label", ["", " ", "\n\t", "\0", "\u00a0"])
def test_an_empty_label_is_refused(label: str) -> None:
    with pytest.raises(ConfigError, match="is empty; give the rows another"):
        label_word(label)


def test_odd_labels_come_back_as_written(tmp_path: Path) -> None:
    names = ["very good", "__label__x", "天地", "a,b"]
    write_lines(tmp_path / "t.txt", [(name, f"word{n} x") for n, name in enumerate(names)] * 5)
    train(tmp_path / "t.txt", tmp_path / "m.bin", FastTextSettings(dim=2, epoch=1))
    labels = FastTextModel(ModelFile(str(tmp_path / "m.bin"))).labels()
    assert sorted(labels) == sorted(["very_good", "__label__x", "天地", "a,b"])


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dim": 0}, "dim = 0 must be at least 1"),
        ({"epoch": 0}, "epoch = 0 must be at least 1"),
        ({"word_ngrams": 0}, "word_ngrams = 0"),
        ({"min_count": 0}, "min_count = 0"),
        ({"bucket": 0}, "bucket = 0"),
        ({"seed": -1}, "seed = -1 must be at least 0"),
        ({"seed": 2**31}, "seed = 2147483648 must be below 2,147,483,648"),
        ({"lr": 0.0}, "lr = 0.0"),
        ({"lr": 11.0}, "lr = 11.0"),
        ({"lr": float("nan")}, "lr = nan"),
        ({"minn": 0, "maxn": 3}, "minn = 0 must be from 1 to maxn = 3"),
        ({"minn": 4, "maxn": 3}, "minn = 4 must be from 1 to maxn = 3"),
        ({"loss": "ns"}, "'ns' is none of softmax, hs, ova"),
    ],
)
def test_settings_that_fasttext_cannot_use_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FastTextSettings(**given)


def test_buckets_count_only_where_n_grams_use_them() -> None:
    assert FastTextSettings(bucket=7).buckets == 0
    assert FastTextSettings(bucket=7, word_ngrams=2).buckets == 7
    assert FastTextSettings(bucket=7, minn=2, maxn=3).buckets == 7
    assert FastTextSettings(bucket=7).describe()["bucket"] == 0


def test_memory_grows_with_what_takes_it() -> None:
    small, large = FastTextSettings(dim=10), FastTextSettings(dim=10, word_ngrams=2, bucket=10**6)
    assert training_memory(large, 1000) - training_memory(small, 1000) == 10**6 * 10 * 4
    assert training_memory(small, 2000) > training_memory(small, 1000) > 0


@pytest.mark.parametrize("loss", ["softmax", "hs", "ova"])
def test_every_loss_trains_and_compresses(loss: Any, lines: Path, tmp_path: Path) -> None:
    settings = FastTextSettings(
        dim=3, bucket=300, epoch=2, loss=loss, minn=2, maxn=3, word_ngrams=2
    )
    train(lines, tmp_path / "m.bin", settings)
    quantise(tmp_path / "m.bin", lines, tmp_path / "m.ftz", dsub=2)  # 3 is no multiple of 2
    scores = FastTextModel(ModelFile(str(tmp_path / "m.ftz"))).scores(["river", "buy", ""])
    assert scores.min() >= 0
    assert scores.max() <= 1


# --- what goes wrong ---------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"fastText failed to train: .*none\.txt cannot be opened"):
        train(tmp_path / "none.txt", tmp_path / "m.bin", TINY)


def test_no_label_is_left(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("river bread\nbuy pills\n")
    with pytest.raises(ModelError, match=r"fastText failed to train: .*[Ee]mpty"):
        train(tmp_path / "t.txt", tmp_path / "m.bin", FastTextSettings(dim=2, min_count=1000))


@pytest.mark.parametrize(
    ("code", "said", "message"),
    [
        (1, "Traceback\nstd::bad_alloc", "ran out of memory: lower bucket or dim"),
        (1, "MemoryError", "ran out of memory"),
        (-9, "", "ran out of memory"),
        (-11, "", "fastText failed to train: it ended with code -11"),
        (1, "Traceback\nValueError: what it says last", "to train: ValueError: what it says last"),
    ],
)
def test_a_child_that_ends_badly(
    code: int, said: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = subprocess.CompletedProcess([], code, "", said)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: done)
    with pytest.raises(ModelError, match=message):
        train(tmp_path / "t.txt", tmp_path / "m.bin", TINY)


def test_the_child_is_this_interpreter_with_memory_zeroed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> object:
        calls.append((command, env))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    train(tmp_path / "t.txt", tmp_path / "m.bin", TINY)
    [(command, environment)] = calls
    assert command[:2] == [sys.executable, "-P"]
    assert environment.items() >= fasttext_training.ZEROED.items()
    assert environment["MALLOC_PERTURB_"] == "255"
    assert environment["GLIBC_TUNABLES"] == "glibc.malloc.tcache_count=0"


def test_a_module_of_the_working_directory_takes_no_ones_place(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')\n")
    monkeypatch.chdir(tmp_path)
    train(lines, tmp_path / "m.bin", FastTextSettings(dim=2, epoch=1))
    assert (tmp_path / "m.bin").stat().st_size > 0


def test_an_installation_that_cannot_train_is_told_before_a_child_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def cut_down() -> Callable[..., Any]:
        raise ModelError("a cut-down one: pip uninstall fasttext-predict")

    monkeypatch.setattr(fasttext_training, "fasttext_module", cut_down)
    monkeypatch.setattr(subprocess, "run", None)
    with pytest.raises(ModelError, match="pip uninstall"):
        train(tmp_path / "t.txt", tmp_path / "m.bin", TINY)

"""fastText models: normalisation, prediction, loading once, and clear errors."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import fasttext_model
from classifiers.fasttext_model import FastTextModel, fasttext_line, forget_models
from classifiers.fasttext_training import FastTextSettings, train
from classifiers.models import ModelFile
from pipeline.core.errors import ModelError

LINES = [
    "__label__bread flour water salt yeast oven",
    "__label__bread dough flour oven crust",
    "__label__river boat water stream bridge",
    "__label__river stream bank bridge fish",
] * 20

# fastText 0.9.3 fills its weights in tenths, one by each thread: with fewer than ten threads the
# rest holds whatever was in memory, and with eleven also what ten do not divide evenly.
THREADS = 11


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fasttext")
    (folder / "train.txt").write_text("\n".join(LINES))
    model = fasttext.train_supervised(
        str(folder / "train.txt"), dim=4, epoch=20, lr=0.5, thread=THREADS, verbose=0
    )
    model.save_model(str(folder / "model.bin"))
    return folder / "model.bin"


@pytest.fixture
def model(trained: Path) -> FastTextModel:
    return FastTextModel(ModelFile(str(trained)))


def test_predicts_labels_without_prefix_most_probable_first(model: FastTextModel) -> None:
    bread, river = model.predict(["flour and dough", "a bridge over the stream"], k=-1)
    assert [label for label, _ in bread] == ["bread", "river"]
    assert [label for label, _ in river] == ["river", "bread"]
    assert bread[0][1] >= bread[1][1]
    assert sorted(model.labels()) == ["bread", "river"]


def test_one_label_by_default_and_none_below_the_threshold(model: FastTextModel) -> None:
    assert [len(row) for row in model.predict(["flour", "stream"])] == [1, 1]
    assert model.predict(["flour"], k=-1, threshold=1.01) == [[]]


def test_no_texts_give_no_rows(model: FastTextModel) -> None:
    assert model.predict([]) == []


def test_odd_texts_are_predicted_with_probabilities_in_range(model: FastTextModel) -> None:
    odd = ["", "\n", "\0", "\ud800", "a\nb\r\n", "</s>", "__label__river", "\u2028", "x" * 100_000]
    for row in model.predict(odd, k=-1):
        assert len(row) == 2
        assert all(0.0 <= probability <= 1.0 for _, probability in row)


def test_the_whole_text_is_read_whatever_it_holds(model: FastTextModel) -> None:
    plain, *others = model.predict(
        ["bridge stream", "\nbridge\0stream", "</s> bridge stream", "__label__bread bridge stream"]
    )
    assert plain[0][0] == "river"
    assert all(other[0][0] == "river" for other in others)


def test_a_batch_equals_single_texts(model: FastTextModel) -> None:
    texts = ["flour", "stream water", "", "bridge oven"]
    assert model.predict(texts, k=-1) == [model.predict([text], k=-1)[0] for text in texts]


def train_new(path: Path, lines: list[str], **settings: Any) -> FastTextModel:
    """In a process of its own, so that no weight holds what was in memory before."""
    path.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    train(path.with_suffix(".txt"), path, FastTextSettings(dim=4, epoch=20, lr=0.5, **settings))
    return FastTextModel(ModelFile(str(path)))


@pytest.fixture(scope="session")
def by_loss(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FastTextModel]:
    folder = tmp_path_factory.mktemp("losses")
    three = [*LINES, *["__label__sky cloud wind star moon"] * 20]
    return {
        "two, softmax": train_new(folder / "two.bin", LINES),
        "two, ova": train_new(folder / "ova.bin", LINES, loss="ova"),
        "three, softmax": train_new(folder / "three.bin", three),
        "three, hs": train_new(folder / "hs.bin", three, loss="hs"),
    }


TEXTS = ["flour dough crust", "a bridge over the stream", "", "water", "unheard of", "oven bridge"]


@pytest.mark.parametrize("kind", ["two, softmax", "two, ova", "three, softmax", "three, hs"])
def test_scores_are_those_of_predict_by_label(kind: str, by_loss: dict[str, FastTextModel]) -> None:
    model = by_loss[kind]
    scores = model.scores(TEXTS)
    assert scores.shape == (len(TEXTS), len(model.labels()))
    assert scores.dtype == np.float32
    # `predict` gives probabilities as fastText does, 1e-5 too high, and leaves out what is below.
    expected = [
        [dict(row).get(label, 0.0) for label in model.labels()]
        for row in model.predict(TEXTS, k=-1)
    ]
    assert np.abs(scores - expected).max() < 5e-5
    assert scores.min() >= 0
    assert scores.max() <= 1
    if "softmax" in kind:
        assert np.abs(scores.sum(axis=1) - 1).max() < 1e-5


def test_the_better_of_two_labels_tells_the_other_as_asking_for_both_does(
    by_loss: dict[str, FastTextModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = by_loss["two, softmax"]
    real, asked = model._load(), []

    def predict(lines: list[str], k: int, threshold: float) -> object:
        asked.append(k)
        return real.predict(lines, k=k, threshold=threshold)

    def stand_in(loss: str) -> object:
        arguments = types.SimpleNamespace(loss=types.SimpleNamespace(name=loss))
        inner = types.SimpleNamespace(getArgs=lambda: arguments)
        return types.SimpleNamespace(get_labels=real.get_labels, predict=predict, f=inner)

    monkeypatch.setattr(fasttext_model, "_load", lambda *key: stand_in("softmax"))
    fast = model.scores(TEXTS)
    monkeypatch.setattr(fasttext_model, "_load", lambda *key: stand_in("ova"))
    general = model.scores(TEXTS)
    assert asked == [1, -1]
    assert np.abs(fast - general).max() < 1e-6
    assert (fast.argmax(axis=1) == general.argmax(axis=1)).all()


def test_scores_of_no_lines(by_loss: dict[str, FastTextModel]) -> None:
    assert by_loss["two, softmax"].scores([]).shape == (0, 2)
    assert by_loss["three, softmax"].scores([]).shape == (0, 3)


@pytest.mark.parametrize("loss", ["softmax", "ova"])
def test_a_line_of_which_the_model_knows_nothing_scores_0(tmp_path: Path, loss: Any) -> None:
    # Words in more lines than there are line ends: not even the end of a line is known.
    lines = ["__label__a " + "x " * 10, "__label__b " + "u " * 10] * 3
    model = train_new(tmp_path / "few.bin", lines, min_count=20, loss=loss)
    scores = model.scores(["x", "never", "u", ""])
    assert (scores[[1, 3]] == 0).all()
    assert (scores[[0, 2]].max(axis=1) > 0.3).all()
    assert model.scores(["never"]).tolist() == [[0, 0]]


def test_features_are_words_and_buckets(tmp_path: Path, model: FastTextModel) -> None:
    words = len({word for line in LINES for word in line.split()[1:]}) + 1  # the line's end
    assert model.features() == words
    pairs = train_new(tmp_path / "pairs.bin", LINES, word_ngrams=2, bucket=50)
    assert pairs.features() == words + 50


def test_models_are_forgotten_and_load_again(
    model: FastTextModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    real = fasttext.load_model
    monkeypatch.setattr(fasttext, "load_model", lambda path: loaded.append(path) or real(path))
    forget_models()
    before = model.predict(["flour"])
    assert model.predict(["flour"]) == before
    assert len(loaded) == 1
    forget_models()
    assert model.predict(["flour"]) == before
    assert len(loaded) == 2


@given(st.text())
def test_a_line_is_one_line_and_can_be_encoded(text: str) -> None:
    line = fasttext_line(text)
    assert not {"\n", "\0"} & set(line)
    assert "__label__" not in line
    assert "</s>" not in line.split()
    line.encode()
    assert fasttext_line(line) == line


def test_a_plain_line_stays_as_it_is() -> None:
    assert fasttext_line("Zwölf Boxkämpfer, 天地玄黄 👍") == "Zwölf Boxkämpfer, 天地玄黄 👍"
    assert fasttext_line("a\nb\0c\ud800") == "a b c?"


def test_pickles_without_the_loaded_model(model: FastTextModel) -> None:
    before = len(pickle.dumps(model))
    model.predict(["flour"])
    assert len(pickle.dumps(model)) == before < 1000
    assert pickle.loads(pickle.dumps(model)).predict(["flour"]) == model.predict(["flour"])


def test_loads_once(model: FastTextModel, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model.predict(["flour"])
    monkeypatch.setattr(fasttext, "load_model", None)
    model.predict(["flour"])
    FastTextModel(ModelFile(str(trained))).predict(["flour"])


def test_loading_prints_nothing(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fasttext_model._load.cache_clear()
    FastTextModel(ModelFile(str(trained))).predict(["flour"])
    assert capfd.readouterr() == ("", "")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.bin").write_bytes(b"this is no model" * 10)
    with pytest.raises(ModelError, match=r"noise\.bin: not a fastText model"):
        FastTextModel(ModelFile(str(tmp_path / "noise.bin"))).predict(["a"])


def test_word_vectors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("flour water salt yeast oven\n" * 50)
    vectors = fasttext.train_unsupervised(
        str(tmp_path / "train.txt"), dim=2, epoch=1, thread=THREADS, bucket=10, verbose=0
    )
    vectors.save_model(str(tmp_path / "vectors.bin"))
    with pytest.raises(ModelError, match="one with labels is needed"):
        FastTextModel(ModelFile(str(tmp_path / "vectors.bin"))).predict(["a"])


def test_a_cut_down_fasttext_is_named_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = types.ModuleType("fasttext")
    fake.__file__ = "/site-packages/fasttext.py"
    monkeypatch.setitem(sys.modules, "fasttext", fake)
    monkeypatch.setattr(
        "importlib.metadata.packages_distributions", lambda: {"fasttext": ["fasttext-predict"]}
    )
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match="pip uninstall fasttext-predict"):
        FastTextModel(ModelFile(str(tmp_path / "model.bin"))).predict(["a"])


def test_a_missing_fasttext_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fasttext", None)
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match="pip install fasttext"):
        FastTextModel(ModelFile(str(tmp_path / "model.bin"))).predict(["a"])

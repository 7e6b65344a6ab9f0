"""Whole and cut-off model files: told apart without fastText, which would read the latter for ever."""

from __future__ import annotations

import struct
from pathlib import Path

import fasttext
import pytest
import toy_classifiers as toys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifiers.fasttext_file import check_whole
from classifiers.fasttext_model import FastTextModel, forget_models
from classifiers.language import LanguageIdentifier
from classifiers.models import ModelFile
from pipeline.core.errors import ModelError

CALM = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="session", params=["model.ftz", "model.bin"])
def whole(request: pytest.FixtureRequest) -> Path:
    """A quantised model that was never pruned, and one of plain weights."""
    return (toys.binary() if request.param == "model.ftz" else toys.ternary()) / request.param


def test_whole_models_pass(whole: Path) -> None:
    check_whole(str(whole))


def test_lid_176_passes() -> None:
    forget_models()
    assert len(LanguageIdentifier().languages()) == 176  # pruned, hierarchical softmax


@CALM
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_that_ends_early_is_refused_wherever_it_ends(
    whole: Path, tmp_path: Path, share: float
) -> None:
    data = whole.read_bytes()
    cut = tmp_path / "cut.bin"
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelError, match=r"cut\.bin: not a fastText model"):
        check_whole(str(cut))


def test_the_last_byte_counts(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.bin").write_bytes(whole.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"cut off after [\d,]+ bytes"):
        check_whole(str(tmp_path / "cut.bin"))


def test_the_wrapper_never_lets_fasttext_read_such_a_file(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within the words: fastText would look for the end of one until memory is used up.
    monkeypatch.setattr(fasttext, "load_model", None)
    (tmp_path / "cut.bin").write_bytes(whole.read_bytes()[:400])
    with pytest.raises(ModelError, match="cut off after 400 bytes"):
        FastTextModel(ModelFile(str(tmp_path / "cut.bin"))).predict(["a"])


@CALM
@given(at=st.integers(8, 100), value=st.integers(-(2**31), 2**31 - 1))
def test_lengths_that_are_none_never_lead_astray(
    whole: Path, tmp_path: Path, at: int, value: int
) -> None:
    data = bytearray(whole.read_bytes())
    struct.pack_into("<i", data, at, value)
    (tmp_path / "odd.bin").write_bytes(data)
    try:
        check_whole(str(tmp_path / "odd.bin"))
    except ModelError as error:
        assert "not a fastText model, or a damaged one" in str(error)  # noqa: PT017


@pytest.mark.parametrize("content", [b"", b"\xba\x16\x4f", b"%PDF-1.7 and more", b"\0" * 100])
def test_another_kind_of_file_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "paper.bin").write_bytes(content)
    with pytest.raises(ModelError, match=r"paper\.bin: not a fastText model \(\.bin or \.ftz\)"):
        check_whole(str(tmp_path / "paper.bin"))

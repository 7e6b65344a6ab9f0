"""MinHash signatures: datasketch's permutations over our shingle hashes, many texts at a time.

Broder, "On the resemblance and containment of documents", 1997. The permutations are those of
datasketch 2's scheme ``affine32``: ``datasketch.MinHash(num_perm, seed, hashfunc=shingle_hash)``
has the same hash values.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.dedup.shingles import VERSION, shingle_hashes, split_words, text_hash

__all__ = ["SCHEME", "Signed", "Signing"]

SCHEME = "affine32"
EMPTY = np.uint32(0xFFFFFFFF)  # what datasketch has for a set without elements

_UInt32 = npt.NDArray[np.uint32]
_COLUMNS = 2048  # shingles permuted at once: 112 × 2048 numbers stay in the processor's cache


@dataclasses.dataclass(frozen=True)
class Signed:
    """Texts as numbers; row *i* is text *i*.

    Args:
        signatures: ``uint32[n, permutations]``; all ones for a text without words.
        shingles: ``uint32[total]``: the distinct shingle hashes of every text, sorted within it.
        starts: ``int64[n + 1]``: text *i* owns ``shingles[starts[i]:starts[i + 1]]``.
        text_hashes: ``uint64[n, 2]``: equal rows for texts that are the same once normalised,
            and for texts of one word over and over that have the same one shingle.
    """

    signatures: _UInt32
    shingles: _UInt32
    starts: npt.NDArray[np.int64]
    text_hashes: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.text_hashes)


@dataclasses.dataclass(frozen=True)
class Signing:
    """How texts are signed. Only texts signed alike can be compared.

    Args:
        words: words per shingle.
        permutations: length of a signature.
        seed: of datasketch's permutations.
    """

    words: int = 5
    permutations: int = 112
    seed: int = 1

    def parameters(self) -> dict[str, Any]:
        """Everything that signatures depend on besides the texts, as plain values."""
        return {"rules": VERSION, "scheme": SCHEME, **dataclasses.asdict(self)}

    def sign(self, texts: Sequence[str]) -> Signed:
        """Signatures, shingle sets and text hashes of ``texts``."""
        rows = len(texts)
        signatures = np.empty((rows, self.permutations), np.uint32)
        text_hashes = np.empty((rows, 2), np.uint64)
        sets: list[_UInt32] = []
        for row, words in enumerate(split_words(texts)):
            shingles = _distinct(shingle_hashes(words, self.words))
            sets.append(shingles)
            text_hashes[row] = words.text_hash
            if len(shingles) == 1 and (words.hashes == words.hashes[0]).all():
                text_hashes[row] = text_hash(words.hashes[: self.words])
            self._minima(shingles, signatures[row])
        starts = np.zeros(rows + 1, np.int64)
        np.cumsum([len(shingles) for shingles in sets], out=starts[1:])
        joined = np.concatenate(sets) if sets else np.empty(0, np.uint32)
        return Signed(signatures, joined, starts, text_hashes)

    def _minima(self, shingles: _UInt32, out: _UInt32) -> None:
        """For each permutation the least value it gives to a shingle."""
        multipliers, addends = _permutations(self.permutations, self.seed)
        if not len(shingles):
            out[:] = EMPTY
            return
        hashes = _premixed(shingles)
        for number, block in enumerate(_blocks(hashes)):
            permuted = np.multiply.outer(multipliers, block)
            permuted += addends
            if number:
                np.minimum(out, permuted.min(axis=1), out=out)
            else:
                permuted.min(axis=1, out=out)


def _blocks(hashes: _UInt32) -> Iterator[_UInt32]:
    for begin in range(0, len(hashes), _COLUMNS):
        yield hashes[begin : begin + _COLUMNS]


def _distinct(hashes: _UInt32) -> _UInt32:
    if len(hashes) < 2:
        return hashes
    hashes.sort()
    new = np.empty(len(hashes), np.bool_)
    new[0] = True
    np.not_equal(hashes[1:], hashes[:-1], out=new[1:])
    return hashes[new]


def _premixed(hashes: _UInt32) -> _UInt32:
    """The MurmurHash3 finaliser that datasketch applies before its affine permutations."""
    mixed = hashes ^ (hashes >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


@functools.cache
def _permutations(count: int, seed: int) -> tuple[_UInt32, _UInt32]:
    from datasketch import MinHash

    multipliers, addends = MinHash(num_perm=count, seed=seed, scheme=SCHEME).permutations
    return multipliers, addends[:, np.newaxis]

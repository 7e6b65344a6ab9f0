"""Signatures: datasketch's own numbers, the layout of what signing returns."""

from __future__ import annotations

import random

import numpy as np
import pytest
from datasketch import MinHash

from pipeline.dedup import Signing
from pipeline.dedup.shingles import shingle_hash
from pipeline.dedup.signatures import EMPTY, SCHEME


def text_of(words: int, seed: int = 0) -> str:
    rng = random.Random(seed)
    return " ".join(f"w{rng.randrange(500)}" for _ in range(words))


@pytest.mark.parametrize("signing", [Signing(), Signing(3, 64, 7), Signing(1, 256, 2**31)])
def test_signatures_are_those_of_datasketch(signing: Signing) -> None:
    texts = [text_of(words, words) for words in (1, 4, 5, 40, 400)]
    signed = signing.sign(texts)
    for row, text in enumerate(texts):
        words = text.split()
        width = min(signing.words, len(words))
        runs = [" ".join(words[at : at + width]) for at in range(len(words) - width + 1)]
        theirs = MinHash(num_perm=signing.permutations, seed=signing.seed, hashfunc=shingle_hash)
        theirs.update_batch([run.encode() for run in runs])
        assert theirs.hashvalues.tolist() == signed.signatures[row].tolist()


def test_the_scheme_is_the_one_datasketch_takes_by_itself() -> None:
    assert MinHash(num_perm=4).scheme == SCHEME


def test_more_shingles_than_are_permuted_at_once() -> None:
    words = text_of(7000).split()
    (whole,) = Signing().sign([" ".join(words)]).signatures
    cut = [" ".join(words[at : at + 1004]) for at in range(0, 7000, 1000)]  # overlap by a shingle
    assert (Signing().sign(cut).signatures.min(axis=0) == whole).all()


def test_layout() -> None:
    texts = ["", "mill", text_of(50), "mill mill mill mill mill mill mill", "?"]
    signed = Signing().sign(texts)
    assert len(signed) == 5
    assert signed.signatures.dtype == signed.shingles.dtype == np.uint32
    assert signed.starts.dtype == np.int64
    assert signed.text_hashes.dtype == np.uint64
    assert (signed.signatures.shape, signed.text_hashes.shape) == ((5, 112), (5, 2))
    assert signed.starts.tolist()[:3] == [0, 0, 1]
    assert np.diff(signed.starts).tolist() == [0, 1, 46, 1, 0]
    for first, last in zip(signed.starts[:-1], signed.starts[1:], strict=True):
        assert (np.diff(signed.shingles[first:last].astype(np.int64)) > 0).all()
    assert signed.starts[-1] == len(signed.shingles)
    assert (signed.signatures[[0, 4]] == EMPTY).all()
    empty = Signing(permutations=3).sign([])
    assert (len(empty), empty.signatures.shape, empty.starts.tolist()) == (0, (0, 3), [0])
    assert MinHash(num_perm=3).hashvalues.tolist() == [EMPTY] * 3


def test_parameters_name_all_that_matters() -> None:
    plain = Signing().parameters()
    assert plain == {"rules": 1, "scheme": "affine32", "words": 5, "permutations": 112, "seed": 1}
    for other in (Signing(words=4), Signing(permutations=113), Signing(seed=2)):
        assert other.parameters() != plain
        assert (
            other.sign([text_of(30)]).signatures.tolist()
            != Signing().sign([text_of(30)]).signatures.tolist()
        )

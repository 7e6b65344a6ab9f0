"""What of a text counts when two texts are compared: normalisation, words, shingles, their hashes.

Vectorised over whole texts; no word becomes a Python object. The rules, in full:

1. Soft hyphens, joiners and other invisible marks go; then Unicode NFKC and lower case.
2. A word is a run of letters, marks and digits. A character of a script written without spaces
   (Han, kana, Thai, Lao, Khmer, Burmese, Tibetan) is a word of its own. All else only separates.
3. A shingle is ``width`` words in a row. A text of fewer words is one shingle of all its words,
   so that it matches only a text of the same words in the same order.
4. A text without words has no shingle. It equals only texts of exactly its characters.

Digits stay (datatrove sets them all to 0, which makes one page of all that share a template).
A shingle's hash is the upper half of a 64-bit polynomial hash; sets of them stand for the texts
wherever similarity is measured, and a book of 100,000 words meets about two false agreements. Of
texts with one shingle alone, one false agreement would be all; there `text_hash` decides.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import xxhash

__all__ = [
    "UNSPACED",
    "VERSION",
    "Words",
    "shingle_hash",
    "shingle_hashes",
    "split_words",
    "text_hash",
]

VERSION = 1  # of the rules above and of the hashes: signatures of two versions cannot be compared

_UInt32 = npt.NDArray[np.uint32]
_UInt64 = npt.NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_STEP = np.uint64(0xD1342543DE82EF95)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)
_TABLE = 1 << 16  # positions for which powers of the base are kept
_GROUP = 1 << 15  # characters worked on at once: their arrays stay in the processor's cache

_INVISIBLE = "\u00ad\u200c\u200d\u200e\u200f\u2060\ufeff"  # not U+200B, which parts words

_SEPARATOR, _LETTER, _ALONE = 0, 1, 2
UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3000, 0x302D),  # Han iteration marks and numerals
    (0x3031, 0x30FF),  # Hiragana, Katakana, their iteration marks
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Burmese extensions
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B16F),  # Kana extensions
    (0x20000, 0x3FFFF),
)


class Words:
    """The words of one text as hashes.

    Args:
        hashes: 64-bit hash of each word, in order.
        text_hash: 128 bits over the word sequence, or over the text where it has no word, as two
            64-bit numbers: equal where texts count as the same.
    """

    __slots__ = ("hashes", "text_hash")

    def __init__(self, hashes: _UInt64, text_hash: tuple[int, int]):
        self.hashes, self.text_hash = hashes, text_hash


def split_words(texts: Sequence[str]) -> Iterator[Words]:
    """The words of each text, in the order of ``texts``. Any string will do."""
    for group in _groups(texts):
        normal = [_normalised(text) for text in group]
        ends = np.cumsum(np.fromiter((len(text) + 1 for text in normal), np.int64, len(normal)))
        starts, hashes = _hash_words("\n".join(normal))
        first = 0
        for text, end in zip(group, np.searchsorted(starts, ends).tolist(), strict=True):
            yield Words(hashes[first:end], text_hash(hashes[first:end], text))
            first = end


def shingle_hashes(words: Words, width: int) -> _UInt32:
    """Hashes of the shingles in order, repeated ones repeated; empty for a text without words."""
    hashes = words.hashes
    width = min(width, len(hashes))
    if not width:
        return np.empty(0, np.uint32)
    count = len(hashes) - width + 1
    joined = hashes[:count].copy()
    for offset in range(1, width):
        joined *= _STEP
        joined += hashes[offset : offset + count]
    return (_mixed(joined) >> _HALF).astype(np.uint32)


def shingle_hash(shingle: bytes) -> int:
    """The hash of one shingle, given as UTF-8: its words joined by spaces.

    As ``hashfunc`` of ``datasketch.MinHash`` it gives the signatures that this package gives.
    """
    (words,) = split_words([shingle.decode("utf-8")])
    if not len(words.hashes):
        raise ValueError(f"no word in {shingle!r}")
    return int(shingle_hashes(words, len(words.hashes))[0])


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    characters = 0
    for text in texts:
        if group and characters + len(text) > _GROUP:
            yield group
            group, characters = [], 0
        group.append(text)
        characters += len(text)
    if group:
        yield group


def _normalised(text: str) -> str:
    if text.isascii():
        return text.lower()
    for mark in _INVISIBLE:
        if mark in text:  # ten times as fast as a regular expression that finds none
            text = text.replace(mark, "")
    return unicodedata.normalize("NFKC", text).lower()


def _hash_words(text: str) -> tuple[npt.NDArray[np.int64], _UInt64]:
    """Where each word starts, and its hash."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds()[codes]
    starts, ends = _bounds(kinds)
    powers, inverses = _powers(len(codes))
    sums = np.empty(len(codes) + 1, np.uint64)
    sums[0] = 0
    np.cumsum(codes * powers, out=sums[1:])
    return starts, _mixed((sums[ends] - sums[starts]) * inverses[starts])


def _bounds(kinds: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First position of each word and the one behind its last."""
    if not len(kinds):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    letters = kinds == _LETTER
    if kinds.max() < _ALONE:
        changes = np.flatnonzero(np.diff(letters, prepend=False, append=False))
        return changes[0::2], changes[1::2]
    alone = kinds == _ALONE
    opens, closes = letters.copy(), letters.copy()
    opens[1:] &= ~letters[:-1]
    closes[:-1] &= ~letters[1:]
    return np.flatnonzero(opens | alone), np.flatnonzero(closes | alone) + 1


def text_hash(hashes: _UInt64, text: str = "") -> tuple[int, int]:
    """128 bits over word hashes, or over the text where there are none, as two numbers."""
    if len(hashes):
        digest = xxhash.xxh3_128_intdigest(hashes.tobytes())
    else:
        digest = xxhash.xxh3_128_intdigest(text.encode("utf-8", "surrogatepass"), seed=1)
    return digest >> 64, digest & (2**64 - 1)


def _mixed(hashes: _UInt64) -> _UInt64:
    """Spread over all bits, in place."""
    hashes ^= hashes >> _HALF
    hashes *= _MIX
    hashes ^= hashes >> _HALF
    return hashes


def _powers(length: int) -> tuple[_UInt64, _UInt64]:
    """Powers of the base and of its inverse for ``length`` positions."""
    if length <= _TABLE:
        return tuple(table[:length] for table in _power_tables(_TABLE))  # type: ignore[return-value]
    return _make_powers(length)


@functools.cache
def _power_tables(length: int) -> tuple[_UInt64, _UInt64]:
    return _make_powers(length)


def _make_powers(length: int) -> tuple[_UInt64, _UInt64]:
    made = []
    for base in (_BASE, pow(_BASE, -1, 1 << 64)):
        steps = np.full(length, base, np.uint64)
        steps[0] = 1
        made.append(np.multiply.accumulate(steps))
    return made[0], made[1]


@functools.cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Separator, letter or word of its own, for every code point."""
    kinds = np.fromiter(
        (unicodedata.category(chr(code))[0] in "LMN" for code in range(0x110000)),
        np.uint8,
        0x110000,
    )
    for first, last in UNSPACED:
        kinds[first : last + 1] *= _ALONE
    return kinds

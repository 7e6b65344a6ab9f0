"""What each character is to a word: a letter of it, a word of its own, a separator, or nothing at all.

The rules, in full:

1. Letters, marks and numbers (Unicode categories L, M, N) make words; all else separates them,
   Unicode's white space, punctuation and symbols among it.
2. Soft hyphens, joiners, marks of direction and variation selectors are not there: what they stand
   in is one word. (U+200B, the zero width space, parts words.)
3. Each character of a script written without spaces (`pipeline.dedup.shingles.UNSPACED`: Han,
   kana, Thai, Lao, Khmer, Burmese, Tibetan) is a word of its own, since lines end anywhere in it.
4. A letter counts as the case fold of its NFKC form, so that ``Ａ``, ``𝐚`` and ``A`` are ``a`` and
   ``ﬁ`` is ``fi``, where that takes no more bytes of UTF-8 than the letter itself; else as its
   case fold, on the same condition; else as it is (``İ``, ``ŉ`` and a few more). So what is folded
   fits into the place of what was there.
"""

from __future__ import annotations

import dataclasses
import functools
import unicodedata

import numpy as np
import numpy.typing as npt

from pipeline.dedup.shingles import UNSPACED

__all__ = ["ALONE", "CHANGED", "INVISIBLE", "LETTER", "LIMIT", "SPACE", "Letters", "letters"]

LETTER, ALONE, CHANGED, INVISIBLE, SPACE = 1, 2, 4, 8, 16  # flags; a separator has none or SPACE

LIMIT = 0x32400  # no letter is assigned above it
_SELECTOR = LIMIT + 1  # stands for the variation selectors up there, LIMIT for all the rest
_UNSEEN = "\u00ad\u200c\u200d\u200e\u200f\u2060\ufeff" + "".join(map(chr, range(0xFE00, 0xFE10)))


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Letters:
    """Tables by code point, up to `LIMIT`; see `rows`.

    Args:
        flags: ``uint8[n]``, of the constants above.
        folded: ``uint8[n, 4]``, UTF-8 of what a `CHANGED` letter counts as.
        sizes: ``uint8[n]``, how many bytes of ``folded`` are used.
    """

    flags: npt.NDArray[np.uint8]
    folded: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.uint8]

    @staticmethod
    def rows(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Rows of the tables for code points."""
        if not len(codes) or codes.max() < LIMIT:
            return codes
        selectors = (codes >= 0xE0100) & (codes <= 0xE01EF)
        return np.where(codes < LIMIT, codes, LIMIT + selectors).astype(np.int32)


@functools.cache
def letters() -> Letters:
    """The tables, made once a process."""
    flags = np.zeros(LIMIT + 2, np.uint8)
    folded = np.zeros((LIMIT + 2, 4), np.uint8)
    sizes = np.zeros(LIMIT + 2, np.uint8)
    for code in range(LIMIT):
        character = chr(code)
        if not _in_word(character):
            if unicodedata.category(character)[0] == "Z":
                flags[code] = SPACE
            continue
        flags[code] = LETTER
        counts = _counts_as(character)
        if counts != character:
            flags[code] |= CHANGED
            data = counts.encode()
            folded[code, : len(data)] = np.frombuffer(data, np.uint8)
            sizes[code] = len(data)
        if any(first <= ord(counts[0]) <= last for first, last in UNSPACED):
            flags[code] |= ALONE
    flags[[*map(ord, _UNSEEN), _SELECTOR]] = INVISIBLE
    return Letters(flags, folded, sizes)


def _in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _counts_as(character: str) -> str:
    """Rule 4."""
    room = len(character.encode())
    for form in (unicodedata.normalize("NFKC", character), character):
        counts = form.casefold()
        if len(counts.encode()) <= room and all(map(_in_word, counts)):
            return counts
    return character

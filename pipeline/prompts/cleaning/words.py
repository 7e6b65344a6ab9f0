"""How long a prompt is in words, whatever script it is written in."""

from __future__ import annotations

import math
import re

from classifiers.scripts import SCRIPTS

__all__ = ["WORD", "word_count"]

# A run of letters and digits, with what an apostrophe joins to it: "don't" is one word.
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

# Scripts that put no space between words, and how many characters make about one word.
_IN_TWOS = re.compile(f"[{SCRIPTS['zh']}{SCRIPTS['ja']}]")
_IN_FOURS = re.compile("[" + "".join(SCRIPTS[name] for name in ("th", "lo", "my", "km")) + "]")


def word_count(text: str) -> int:
    """Words of ``text``; two characters of Chinese or Japanese count as one, four of Thai.

    Thai stands for Lao, Burmese and Khmer, too. Parts of words are rounded up, so that a question
    of five Chinese characters has three words.

    Args:
        text: any string.
    """
    if text.isascii():
        return sum(1 for _ in WORD.finditer(text))
    twos, fours = 0, 0
    text, twos = _IN_TWOS.subn(" ", text)
    text, fours = _IN_FOURS.subn(" ", text)
    return sum(1 for _ in WORD.finditer(text)) + math.ceil(twos / 2 + fours / 4)

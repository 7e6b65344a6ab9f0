"""English words as they are compared across a glossary: by sense, and weighted by how much they say.

A translator chooses among ``buy`` and ``purchase``; a glossary has one of them. So inflected forms
and near synonyms are one sense, on purpose coarsely: what two texts share counts by the weight of
the sense, and common senses weigh little.
"""

from __future__ import annotations

import functools
import re

from audits.translation.glossary_forms import key_of, read_forms

__all__ = ["sense"]

_KEPT = re.compile(r"(?:ss|us|is|ous)$")
_VOWEL = re.compile(r"[aeiouy]")
_SHORTEST = 3  # letters of a stem


def sense(word: str) -> str:
    """The sense of an English word: the head of its group of synonyms, or its stem.

    Args:
        word: one word in any case, without spaces.
    """
    key = key_of(word)
    found = _groups().get(key)
    if found is None:
        found = stem(key)
        found = _groups().get(found, found)
    return found


@functools.lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """A word in lower case without its plural or verbal ending.

    Much cruder than Porter (1980): endings only, so that both sides of a comparison are cut alike.
    """
    if len(word) <= _SHORTEST or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("es") and len(word) > 4:
        word = word[:-2]
    elif word.endswith("s") and not _KEPT.search(word):
        word = word[:-1]
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if (
            root != word
            and len(root) >= _SHORTEST
            and _VOWEL.search(root)
            and not root.endswith("e")
        ):
            word = root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root
            break
    if word.endswith("ly") and len(word) > 5:
        word = word[:-2]
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST else word


@functools.cache
def _groups() -> dict[str, str]:
    return {form: head for head, forms in read_forms("en") for form in forms}

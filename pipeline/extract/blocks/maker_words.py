"""The words of a page's maker: names of elements, classes, ids, roles, and what hides an element.

They stand for themselves in any language; what the page says to its readers is no part of them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

__all__ = ["WORDS_PER_ELEMENT", "Vocabulary", "maker_words", "numbers_of", "vocabulary_of"]

WORDS_PER_ELEMENT = 6

_ATTRIBUTE = re.compile(
    r'\s(class|id|role|itemprop|itemtype|aria-hidden|hidden|style|data-testid|rel)="([^"]*)"'
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_HIDDEN = re.compile(r"\shidden(\s|$|=)")
_HIDING = re.compile(r"display:\s*none|visibility:\s*hidden")


def maker_words(tag: str, attributes: str) -> tuple[str, ...]:
    """The words that a page's maker uses for an element, its name first, each once."""
    return _words_of(tag, *_told(attributes))


def _told(attributes: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The attributes that tell something, and whether the element is hidden by one without a value."""
    if not attributes:
        return (), False
    hidden = " hidden" in attributes and _HIDDEN.search(attributes) is not None
    return tuple(_ATTRIBUTE.findall(attributes)), hidden


@functools.lru_cache(maxsize=1 << 15)
def _words_of(tag: str, told: tuple[tuple[str, str], ...], hidden: bool) -> tuple[str, ...]:
    words = ["<" + tag]
    for name, value in told:
        if name in ("class", "id", "data-testid"):
            words += [word.lower() for word in _WORD.findall(value)[:12] if len(word) > 1]
        elif name == "style":
            if _HIDING.search(value):
                words.append("@hidden")
        elif name in ("hidden", "aria-hidden"):
            if value != "false":
                words.append("@" + name)
        else:
            words += [f"{name[:4]}={word.lower()}" for word in _WORD.findall(value)[-3:]]
    if hidden:
        words.append("@hidden")
    return tuple(dict.fromkeys(words))


@functools.lru_cache(maxsize=1 << 15)
def _numbers_told(
    tag: str, told: tuple[tuple[str, str], ...], hidden: bool, vocabulary: Vocabulary
) -> tuple[int, ...]:
    known = vocabulary.words
    found = [known[word] for word in _words_of(tag, told, hidden) if word in known]
    return tuple((found + [0] * WORDS_PER_ELEMENT)[:WORDS_PER_ELEMENT])


class Vocabulary:
    """Maker's words by number, hashed by identity so that it may key a cache."""

    def __init__(self, words: Mapping[str, int]):
        self.words = words


def vocabulary_of(words: tuple[str, ...]) -> Vocabulary:
    """Numbers of words: their places, from 1 on."""
    return Vocabulary({word: number for number, word in enumerate(words, 1)})


def numbers_of(tag: str, attributes: str, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Numbers of an element's known words, the first `WORDS_PER_ELEMENT` of them; 0 is none.

    Args:
        tag: name of the element.
        attributes: as written.
        vocabulary: the known words.
    """
    return _numbers_told(tag, *_told(attributes), vocabulary)

"""The words of a page's maker: names of elements, classes, ids, roles, and what hides an element.

They stand for themselves in any language; what the page says to its readers is no part of them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

__all__ = ["WORDS_PER_ELEMENT", "Vocabulary", "maker_words", "numbers_of", "vocabulary_of"]

WORDS_PER_ELEMENT = 6
_NONE = [0] * WORDS_PER_ELEMENT

_ATTRIBUTE = re.compile(
    r' (class|id|role|itemprop|itemtype|aria-hidden|hidden|style|data-testid|rel)="([^"]*)"'
)
_NAMES = frozenset({"class", "id", "data-testid"})  # attributes whose values are names
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_HIDDEN = re.compile(r"\shidden(\s|$|=)")
_HIDING = re.compile(r"display:\s*none|visibility:\s*hidden")
_MOST = 12  # words of one attribute
_KEPT = 100  # characters: the words of longer names are not kept, so that the cache stays small


def maker_words(tag: str, attributes: str) -> tuple[str, ...]:
    """The words that a page's maker uses for an element, its name first, each once."""
    words = ["<" + tag]
    for name, value in _told(attributes):
        if name in _NAMES:
            words += [word.lower() for word in _WORD.findall(value)[:_MOST] if len(word) > 1]
        else:
            words += _words_of(name, value)
    return tuple(dict.fromkeys(words))


def _told(attributes: str) -> list[tuple[str, str]]:
    """The attributes that tell something, by name and value."""
    if not attributes:
        return []
    told: list[tuple[str, str]] = _ATTRIBUTE.findall(attributes)
    if " hidden" in attributes and _HIDDEN.search(attributes):
        told.append(("style", "display:none"))
    return told


def _words_of(name: str, value: str) -> list[str]:
    """The words of an attribute that has no names."""
    if name == "style":
        return ["@hidden"] if _HIDING.search(value) else []
    if name in ("hidden", "aria-hidden"):
        return ["@" + name] if value != "false" else []
    return [f"{name[:4]}={word.lower()}" for word in _WORD.findall(value)[-3:]]


class Vocabulary:
    """Maker's words by number.

    Names such as ``menu-item`` recur within a page and from page to page, so that their words are kept.
    """

    def __init__(self, words: Mapping[str, int]):
        self.words = words
        self._kept = functools.lru_cache(maxsize=1 << 15)(self._numbers)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Numbers of the words of a name; 0 of a word that is unknown or a single letter."""
        return self._kept(name) if len(name) <= _KEPT else self._numbers(name)

    def _numbers(self, name: str) -> tuple[int, ...]:
        words = _WORD.findall(name)[:_MOST]
        return tuple([self.words.get(word.lower(), 0) if len(word) > 1 else 0 for word in words])


def vocabulary_of(words: tuple[str, ...]) -> Vocabulary:
    """Numbers of words: their places, from 1 on."""
    return Vocabulary({word: number for number, word in enumerate(words, 1)})


def numbers_of(tag: str, attributes: str, vocabulary: Vocabulary) -> list[int]:
    """Numbers of an element's known words, the first `WORDS_PER_ELEMENT` of them; 0 is none.

    Args:
        tag: name of the element.
        attributes: as written.
        vocabulary: the known words.
    """
    known = vocabulary.words
    found = [known.get("<" + tag, 0)]
    for name, value in _told(attributes):
        if name in _NAMES:
            most = len(found) + _MOST
            for part in value.split():
                found += vocabulary.numbers(part)
            del found[most:]
        else:
            found += [known.get(word, 0) for word in _words_of(name, value)]
    once = dict.fromkeys(found)
    once.pop(0, None)
    return [*once, *_NONE][:WORDS_PER_ELEMENT]

"""How a text is spelt for a classifier: the same in training and in prediction, by name.

A model's card says which of these it was trained with; one that exists is never changed, since
models rely on it: a better one gets another name.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest

__all__ = ["NORMALISERS", "normaliser"]

# Marks that become words of their own; dashes and ellipses of one form, quotes of another.
_APART = '.,!?:;"()[]{}|/<>*•…“”«»—–'


def as_it_is(text: str) -> str:
    """The text itself: published set-ups cut words at white space and leave case alone."""
    return text


def words(text: str) -> str:
    """Lower case, marks apart from words, the typographic apostrophe as the plain one.

    ``"You're WRONG!"`` becomes ``" \\" you're wrong !  \\" "``: fastText cuts words at white space,
    so that a mark glued to a word would make another word of it.
    """
    text = text.lower()
    for mark in _APART:
        if mark in text:
            text = text.replace(mark, f" {mark} ")
    return text.replace("\u2019", "'")


NORMALISERS: dict[str, Callable[[str], str]] = {"none": as_it_is, "words": words}


def normaliser(name: str) -> Callable[[str], str]:
    """The function called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in NORMALISERS:
        known = ", ".join(NORMALISERS)
        raise ConfigError(f"no normaliser is called {name!r}{nearest(name, NORMALISERS)} ({known})")
    return NORMALISERS[name]

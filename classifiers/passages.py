"""Passages of a text: a few pieces of bounded length, cut at ends of sentences where there are any.

The work is bounded by the number and the length of the passages, however long the text.
"""

from __future__ import annotations

import re

__all__ = ["passages"]

_CHARACTERS = 8  # of a passage for each of its words, at most: bounds texts without spaces
_WORD = re.compile(r"\S+")
_SPACE = re.compile(r"\s*")
# A mark that ends a sentence, with closing quotes, before white space; those of Chinese and
# Japanese need none after them; the end of a line ends one as well.
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s)|[。！？]+[」』”’）]*|\n")


def passages(text: str, *, words: int, most: int) -> list[str]:
    """At most ``most`` passages of at most ``words`` words, in the order of the text.

    A text that fits is cut from beginning to end. Of a longer one the passages are its beginning
    and others from evenly spaced places, each from the start of a sentence where one is near; what
    lies between is not read. Words are runs without white space. A passage ends after 8 characters
    for each of its words, too, so that a text without spaces is cut like any other.

    Args:
        text: any string; one of nothing but white space has no passage.
        words: of a passage, at least 1.
        most: how many passages, at least 1.
    """
    spans: list[tuple[int, int]] = []
    start = first = _filled(text, 0)
    while start < len(text) and len(spans) < most:
        spans.append((start, _end(text, start, words)))
        start = _filled(text, spans[-1][1])
    if start < len(text):
        del spans[1:]
        for number in range(1, most):
            place = first + (len(text) - first) * number // most
            start = _start(text, max(place, spans[-1][1]), words)
            if start < len(text):
                spans.append((start, _end(text, start, words)))
    return [text[start:end].rstrip() for start, end in spans]


def _filled(text: str, start: int) -> int:
    """Where white space ends."""
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _start(text: str, place: int, words: int) -> int:
    """The start of a sentence within a passage's length behind ``place``, else of a word."""
    end = place + words * _CHARACTERS
    match = _SENTENCE_END.search(text, max(0, place - 1), end)
    if match is None:
        space = text.find(" ", place, end)
        return _filled(text, space if space >= 0 else place)
    return _filled(text, match.end())


def _end(text: str, start: int, words: int) -> int:
    """Where a passage ends: behind its last whole sentence if that fills half of it, else a word."""
    limit = start + words * _CHARACTERS
    hard, last = limit, start
    for count, match in enumerate(_WORD.finditer(text, start, limit), 1):
        last = match.start()
        if count > words:
            hard = last
            break
    else:
        if limit >= len(text):
            return len(text)
        if last > start and not text[limit].isspace():
            hard = last  # that word goes on beyond the limit
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, hard)]
    return ends[-1] if ends and 2 * (ends[-1] - start) >= hard - start else hard

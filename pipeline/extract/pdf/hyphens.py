"""Words that were cut at the end of a line, put together again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["joined_lines", "vocabulary_of"]

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_CUT = re.compile(r"([^\W\d_]+)-$")
_FIRST = re.compile(r"[^\W\d_]+")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3000-\u30ff]")


def vocabulary_of(lines: Iterable[str]) -> frozenset[str]:
    """The words that stand whole within lines, in small letters: the document's own dictionary."""
    words: set[str] = set()
    for line in lines:
        found = _WORD.findall(line.lower())
        words.update(found[:-1] if line.endswith("-") else found)
    return frozenset(words)


def joined_lines(lines: Sequence[str], vocabulary: frozenset[str]) -> str:
    """The lines of one paragraph as one.

    A word that ends a line with a hyphen and goes on in small letters loses the hyphen, unless the
    document writes it with one elsewhere, or both its parts as words and never the whole.

    Args:
        lines: without blanks at their ends.
        vocabulary: see `vocabulary_of`.
    """
    text = ""
    for line in lines:
        if not text:
            text = line
        elif text.endswith("-") and (cut := _CUT.search(text, max(0, len(text) - 60))):
            text = _mended(text, cut[1], line, vocabulary)
        elif _runs_on(text, line):
            text += line
        else:
            text = f"{text} {line}"
    return text


def _runs_on(text: str, line: str) -> bool:
    """Whether nothing stands between: a dash or slash, a range of numbers, a script without spaces."""
    if _WIDE.match(text[-1:]) and _WIDE.match(line[:1]):
        return True
    if text[-1] == "-":
        return text[-2:-1].isdigit() and line[:1].isdigit()
    return text[-1] in "/–—" and len(text) > 1 and text[-2] != " "


def _mended(text: str, head: str, line: str, vocabulary: frozenset[str]) -> str:
    first = _FIRST.match(line)
    if first is None:
        return text + line if line[:1].isdigit() else f"{text} {line}"
    tail = first[0]
    if not tail[0].islower():
        return text + line
    if (
        tail in ("and", "or", "und", "oder", "et", "y", "e", "o")
        and head.lower() + tail not in vocabulary
    ):
        return f"{text} {line}"  # such as "two- and three-column"
    whole, parted = (head + tail).lower(), f"{head}-{tail}".lower()
    if whole in vocabulary:
        return text[:-1] + line
    parts = len(head) > 3 and head.lower() in vocabulary and len(tail) > 3 and tail in vocabulary
    if parted in vocabulary or parts:
        return text + line
    return text[:-1] + line

"""One word of a glossed text, and number words in a row as the number they make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from audits.translation.glossary_forms import SILENT
from audits.translation.numerals import joined, plain, word_value

__all__ = ["BETWEEN", "Gloss", "join_numbers", "meaning"]

BETWEEN = re.compile(r"[ \t\r\n\u00a0\u202f’'‐‑-]*")  # of words that belong together
_AND = frozenset({"and", "und", "y", "e", "et", "и", "na"})  # fünf und zwanzig, treinta y cinco
_UNSPACED = 1000  # digits before a smaller scale are a price: French 50 cents


class Gloss(NamedTuple):
    """One word of a text.

    Args:
        start, end: its characters, end exclusive.
        english: what it may mean, the likeliest first; empty where that is not known, and for words
            that mean nothing by themselves.
        kind: ``word`` of the glossary, ``number`` (``english`` are plain ones: ``1000``, ``2.5``,
            ``3/4``), ``kept`` as it stands, ``unknown``, or ``silent``.
    """

    start: int
    end: int
    english: tuple[str, ...]
    kind: str


def meaning(start: int, end: int, headwords: Sequence[str]) -> Gloss:
    """A word that the glossary has."""
    if headwords[0] == SILENT:
        return Gloss(start, end, (), "silent")
    meant = tuple(word for word in headwords if word != SILENT)
    value = word_value(meant[0])
    # ``one`` is an article in most languages.
    if value is None or value == 1:
        return Gloss(start, end, meant, "word")
    return Gloss(start, end, (plain(value),), "number")


def join_numbers(text: str, words: Sequence[Gloss], *, spaced: bool) -> list[Gloss]:
    """Number words in a row as one number: ``two`` ``hundred``, ``2.5`` ``million``.

    Args:
        text: that the words are of, in lower case.
        words: in order.
        spaced: whether white space between number words parts them no more than others.
    """
    found: list[Gloss] = []
    at = 0
    while at < len(words):
        run, last = _run(text, words, at, spaced)
        if run:
            found.extend(_numbers(text, run))
            at = last
        else:
            found.append(words[at])
            at += 1
    return found


def _run(text: str, words: Sequence[Gloss], first: int, spaced: bool) -> tuple[list[Gloss], int]:
    """Number words from here on that nothing parts, and the word behind them."""
    run: list[Gloss] = []
    at = first
    while at < len(words):
        one = words[at]
        if run and not _adjoin(text, words[at - 1], one, spaced):
            break
        if _spelled(text, one) or (not run and one.kind == "number" and "/" not in one.english[0]):
            run.append(one)
        elif not (
            run
            and text[one.start : one.end] in _AND
            and at + 1 < len(words)
            and _spelled(text, words[at + 1])
        ):
            break
        at += 1
    return run, at


def _spelled(text: str, one: Gloss) -> bool:
    return one.kind == "number" and "/" not in one.english[0] and not text[one.start].isdigit()


def _adjoin(text: str, one: Gloss, other: Gloss, spaced: bool) -> bool:
    # In Chinese 8 万 is one number, 三 五 are two.
    if not spaced and not text[one.start].isdigit():
        return one.end == other.start
    return BETWEEN.fullmatch(text, one.end, other.start) is not None


def _numbers(text: str, run: Sequence[Gloss]) -> Iterator[Gloss]:
    if len(run) == 1:
        yield run[0]
        return
    values = [int(float(one.english[0])) for one in run]
    if text[run[0].start].isdigit():
        scale, taken = joined(values[1:])[0]
        glued = run[0].end == run[1].start  # 5百
        if scale >= (100 if glued else _UNSPACED):
            number = plain(float(run[0].english[0]) * scale)
            yield Gloss(run[0].start, run[taken].end, (number,), "number")
            rest = run[taken + 1 :]
        else:
            yield run[0]
            rest = run[1:]
            if scale == 100:
                yield rest[0]._replace(english=("cent",), kind="word")
                rest = rest[1:]
        if rest:
            yield from _numbers(text, rest)
        return
    at = 0
    for value, taken in joined(values):
        yield Gloss(run[at].start, run[at + taken - 1].end, (plain(value),), "number")
        at += taken

"""Texts in other languages word by word in English, so that what knows English only can compare them.

No translation: a salad of words, in the order of the original. A word that the glossary of its
language lacks is kept where its letters are Latin, since names, formulas and many terms are the same
in both languages, and is left out where they are not.

Nothing here tells which language a text is in.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from audits.glossary_forms import SILENT, WORD, Forms, key_of, read_forms
from audits.numerals import (
    HAN_NUMERALS,
    ascii_digits,
    han_value,
    joined,
    number_pattern,
    plain,
    readings,
    word_value,
)
from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest

__all__ = ["ENGLISH", "Gloss", "Glossary", "glossed_text", "languages"]

ENGLISH = "en"
# Languages that write 1.000,50; the others write 1,000.50.
_COMMA = frozenset({"de", "fr", "es", "pt", "it", "ru"})
_COMPOUNDS = frozenset({"de"})
# Languages written without spaces between words, and their letters.
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff"
_RUNNING = {
    "zh": "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff",
    "ja": "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff",
    "th": "\u0e01-\u0e3a\u0e40-\u0e4e",
}
_BETWEEN = re.compile(r"[ \t\r\n\u00a0\u202f’'‐‑-]*")  # of words that belong together
_AND = frozenset({"and", "und", "y", "e", "et", "и", "na"})  # fünf und zwanzig, treinta y cinco
_FRACTION = re.compile(rf"([{HAN_NUMERALS}]+)分(?:之|の)([{HAN_NUMERALS}]+)")
_SIGNS = {"%": "percent", "$": "dollar", "€": "euro", "£": "pound"}
_SIMPLE = {"1/2": "half", "1/3": "third", "1/4": "quarter"}


class Gloss(NamedTuple):
    """One word of a text.

    Args:
        start, end: its characters, end exclusive.
        english: what it may mean, the likeliest first; empty where that is not known, and for words
            that mean nothing by themselves.
        kind: ``word`` of the glossary, ``number`` (``english`` are plain ones: ``1000``, ``2.5``),
            ``kept`` as it stands, ``unknown``, or ``silent``.
    """

    start: int
    end: int
    english: tuple[str, ...]
    kind: str


@functools.cache
def languages() -> tuple[str, ...]:
    """Languages there is a glossary of, as ISO 639-1 codes, sorted."""
    folder = importlib.resources.files("audits") / "glossaries"
    names = (file.name.removesuffix(".tsv") for file in folder.iterdir() if file.name.endswith(".tsv"))
    return tuple(sorted(name for name in names if name != ENGLISH))


@dataclasses.dataclass(frozen=True, eq=False)
class Glossary:
    """The glossary of one language; see `load`."""

    language: str
    forms: Forms

    @classmethod
    def load(cls, language: str) -> Glossary:
        """The glossary of a language, read once a process.

        Args:
            language: one of `languages`; or ``en``, whose words stand for themselves.

        Raises:
            ConfigError: there is none.
        """
        if language != ENGLISH and language not in languages():
            raise ConfigError(
                f"no glossary of {language!r}{nearest(language, languages())} "
                f"({', '.join(languages())})"
            )
        return _load(language)

    def gloss(self, text: str) -> list[Gloss]:
        """The words and numbers of a text, in order; none overlap.

        Args:
            text: any string; the cost grows with its length.
        """
        folded, places = _folded(text)
        found = self._joined(folded, list(self._words(folded)))
        if places is not None:
            found = [one._replace(start=places[one.start], end=places[one.end]) for one in found]
        return [
            one if one.kind != "kept" else one._replace(english=(text[one.start : one.end],))
            for one in found
        ]

    def _words(self, text: str) -> Iterator[Gloss]:
        running = _RUNNING.get(self.language)
        tokens = [
            (match.start(), match.end(), match.lastgroup or "")
            for match in _tokens(self.language).finditer(text)
        ]
        keys = [key_of(text[start:end]) if kind == "word" else "" for start, end, kind in tokens]
        at = done = 0
        while at < len(tokens):
            start, end, kind = tokens[at]
            at += 1
            if start < done:
                continue
            if kind == "number":
                found = self._longest(text, start) if running else None
                if found and found[0] > end:
                    done = found[0]
                    yield _meaning(start, done, found[1])
                else:
                    yield self._number(text, start, end)
            elif kind == "sign":
                yield Gloss(start, end, (_SIGNS[text[start]],), "word")
            elif kind == "running":
                yield from self._running(text, start, end)
            else:
                taken, pieces = self._spaced(text, tokens, keys, at - 1)
                at += taken - 1
                yield from pieces

    def _number(self, text: str, start: int, end: int) -> Gloss:
        digits = text[start:end]
        if "/" in digits:
            english = (_SIMPLE.get(digits, digits),)
            return Gloss(start, end, english, "number" if "/" in english[0] else "word")
        return Gloss(start, end, readings(digits, comma=self.language in _COMMA), "number")

    def _spaced(
        self, text: str, tokens: list[tuple[int, int, str]], keys: list[str], at: int
    ) -> tuple[int, list[Gloss]]:
        """The word at ``at``, or several that are one form: how many, and what they mean."""
        start, end, _ = tokens[at]
        last = at + 1
        while last < len(tokens) and last - at < 6 and tokens[last][2] == "word":
            if not _BETWEEN.fullmatch(text, tokens[last - 1][1], tokens[last][0]):
                break
            last += 1
        phrase = self.forms.phrase(keys[at:last]) if last > at + 1 else None
        if phrase:
            return phrase[0], [_meaning(start, tokens[at + phrase[0] - 1][1], (phrase[1],))]
        key = keys[at]
        pieces = self.forms.word(key)
        if pieces and len(key) == end - start:
            return 1, [_meaning(start + a, start + b, words) for a, b, words in pieces]
        if pieces:
            return 1, [_meaning(start, end, pieces[0][2])]
        if self.language == ENGLISH and word_value(key) is not None:
            return 1, [_meaning(start, end, (key,))]
        latin = "LATIN" in unicodedata.name(text[start], "")
        return 1, [Gloss(start, end, (), "kept" if latin else "unknown")]

    def _running(self, text: str, start: int, end: int) -> Iterator[Gloss]:
        """Words of a run of letters without spaces, longest first."""
        at = unknown = start
        while at < end:
            found = self._numeral(text, at) or self._katakana(text, at, end) or self._form(text, at)
            if found is None:
                at += 1
                continue
            if unknown < at:
                yield Gloss(unknown, at, (), "unknown")
            yield found
            at = unknown = max(found.end, at + 1)
        if unknown < end:
            yield Gloss(unknown, end, (), "unknown")

    def _form(self, text: str, at: int) -> Gloss | None:
        found = self._longest(text, at)
        return _meaning(at, *found) if found else None

    def _longest(self, text: str, start: int) -> tuple[int, tuple[str, ...]] | None:
        if text[start] not in self.forms.firsts:
            return None
        for end in range(min(start + self.forms.longest, len(text)), start, -1):
            headwords = self.forms.strings.get(text[start:end])
            if headwords and not _splits(text, start, end):
                return end, headwords
        return None

    def _numeral(self, text: str, start: int) -> Gloss | None:
        """Chinese numerals, where no longer word begins with them."""
        if text[start] not in HAN_NUMERALS:
            return None
        longest = self._longest(text, start)
        fraction = _FRACTION.match(text, start)
        if fraction:
            below, above = han_value(fraction[1]), han_value(fraction[2])
            if below and above and below != 100 and (not longest or fraction.end() > longest[0]):
                return Gloss(start, fraction.end(), (f"{above}/{below}",), "number")
        end = start + 1
        while end < len(text) and text[end] in HAN_NUMERALS:
            end += 1
        value = han_value(text[start:end])
        if end - start < 2 or value is None or (longest and longest[0] > end):
            return None
        return Gloss(start, end, (str(value),), "number")

    def _katakana(self, text: str, start: int, end: int) -> Gloss | None:
        """A katakana word that is not made of known ones as a whole: a name, or an unknown word."""
        if not _is_katakana(text[start]) or (start and _is_katakana(text[start - 1])):
            return None
        last = start
        while last < end and _is_katakana(text[last]):
            last += 1
        at = start
        while at < last:
            found = self._longest(text, at)
            if found is None:
                return Gloss(start, last, (), "unknown")
            at = found[0]
        return None

    def _joined(self, text: str, words: list[Gloss]) -> list[Gloss]:
        """Number words in a row as one number: ``two`` ``hundred``, ``2.5`` ``million``."""
        found: list[Gloss] = []
        at = 0
        while at < len(words):
            run, last = self._run(text, words, at)
            if not run:
                found.append(words[at])
                at += 1
                continue
            found.extend(_numbers(run))
            at = last
        return found

    def _run(self, text: str, words: list[Gloss], first: int) -> tuple[list[Gloss], int]:
        """Number words from here on that nothing parts, and the word behind them."""
        run: list[Gloss] = []
        at = first
        while at < len(words):
            one = words[at]
            digits = text[one.start].isdigit()
            if run and not self._adjoin(text, words[at - 1], one):
                break
            if one.kind == "number" and not (run and digits) and "/" not in one.english[0]:
                run.append(one)
            elif not (
                run
                and text[one.start : one.end] in _AND
                and at + 1 < len(words)
                and words[at + 1].kind == "number"
                and not text[words[at + 1].start].isdigit()
            ):
                break
            at += 1
        return run, at

    def _adjoin(self, text: str, one: Gloss, other: Gloss) -> bool:
        # 8 万 is one number, 三 五 are two.
        if self.language in _RUNNING and not text[one.start].isdigit():
            return one.end == other.start
        return _BETWEEN.fullmatch(text, one.end, other.start) is not None


def glossed_text(text: str, language: str) -> str:
    """A text word by word in English: what is given to an encoder that knows English only.

    Args:
        text: any string.
        language: see `Glossary.load`.

    Raises:
        ConfigError: there is no glossary of the language.
    """
    return " ".join(one.english[0] for one in Glossary.load(language).gloss(text) if one.english)


def _meaning(start: int, end: int, headwords: tuple[str, ...]) -> Gloss:
    if headwords[0] == SILENT:
        return Gloss(start, end, (), "silent")
    meant = tuple(word for word in headwords if word != SILENT)
    value = word_value(meant[0])
    # ``one`` is an article in most languages.
    if value is None or value == 1:
        return Gloss(start, end, meant, "word")
    return Gloss(start, end, (plain(value),), "number")


def _numbers(run: list[Gloss]) -> Iterator[Gloss]:
    if len(run) == 1:
        yield from run
        return
    first = float(run[0].english[0])
    whole = [int(float(one.english[0])) for one in run]
    if first != whole[0] or len(run[0].english) > 1:  # 2.5 million
        scale = joined(whole[1:])
        glued = run[0].end == run[1].start  # 5百, but not "50 cents"
        if scale[0][0] >= (100 if glued else 1000):
            taken = 1 + scale[0][1]
            yield Gloss(run[0].start, run[taken - 1].end, (plain(first * scale[0][0]),), "number")
            yield from _numbers(run[taken:]) if run[taken:] else ()
            return
        yield run[0]
        yield from _numbers(run[1:])
        return
    at = 0
    for value, taken in joined(whole):
        part = run[at : at + taken]
        at += taken
        yield part[0] if taken == 1 else Gloss(part[0].start, part[-1].end, (plain(value),), "number")


def _is_katakana(character: str) -> bool:
    return "\u30a1" <= character <= "\u30fa" or "\u30fc" <= character <= "\u30ff"


def _splits(text: str, start: int, end: int) -> bool:
    """Whether a Thai syllable would be cut: its vowels and tones stand around the consonant."""
    if end < len(text) and (text[end] in "ะาำ" or unicodedata.category(text[end]) == "Mn"):
        return True
    return start > 0 and text[start - 1] in "เแโใไ"


@functools.cache
def _load(language: str) -> Glossary:
    rows = list(read_forms(language)) if language != ENGLISH else []
    return Glossary(language, Forms(rows, compounds=language in _COMPOUNDS))


@functools.cache
def _tokens(language: str) -> re.Pattern[str]:
    numbers = number_pattern(comma=language in _COMMA).pattern
    running = _RUNNING.get(language)
    parts = [rf"(?P<number>(?<![\d/.,])\d{{1,3}}/\d{{1,3}}(?![\d/])|{numbers})"]
    word = WORD.pattern
    if running:
        parts.append(rf"(?P<running>[{running}]+)")
        word = word.replace(r"[^\W\d_]", rf"[^\W\d_{running}]")
    signs = "".join(map(re.escape, _SIGNS))
    return re.compile("|".join([*parts, rf"(?P<sign>[{signs}])", rf"(?P<word>{word})"]))


@functools.cache
def _digits() -> dict[int, str]:
    return {**ascii_digits(), ord("İ"): "i"}


def _folded(text: str) -> tuple[str, list[int] | None]:
    """The text in lower case, composed, with ASCII digits; and each character's place before, if moved."""
    places: list[int] | None = None
    if not unicodedata.is_normalized("NFC", text):
        composed: list[str] = []
        places = []
        start = 0
        for end in range(1, len(text) + 1):
            if end < len(text) and unicodedata.combining(text[end]):
                continue
            cluster = unicodedata.normalize("NFC", text[start:end])
            composed.append(cluster)
            places.extend([start] * len(cluster))
            start = end
        places.append(len(text))
        text = "".join(composed)
    return text.translate(_digits()).lower(), places

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
from collections.abc import Iterator, Sequence

from audits.translation.glossary_forms import WORD, Forms, key_of, read_forms
from audits.translation.glosses import BETWEEN, Gloss, join_numbers, meaning
from audits.translation.numerals import ascii_digits, number_pattern, readings, word_value
from audits.translation.running_text import RUNNING, RunningText
from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest

__all__ = ["ENGLISH", "Gloss", "Glossary", "glossed_text", "languages"]

ENGLISH = "en"
# Languages that write 1.000,50; the others write 1,000.50.
_COMMA = frozenset({"de", "fr", "es", "pt", "it", "ru"})
_COMPOUNDS = frozenset({"de"})
_SIGNS = {"%": "percent", "$": "dollar", "€": "euro", "£": "pound"}
_SIMPLE = {"1/2": "half", "1/3": "third", "1/4": "quarter"}
_TOGETHER = 6  # words that one form has at most
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")

_Token = tuple[int, int, str]  # start, end, kind


@functools.cache
def languages() -> tuple[str, ...]:
    """Languages there is a glossary of, as ISO 639-1 codes, sorted."""
    folder = importlib.resources.files("audits.translation") / "glossaries"
    names = {file.name.removesuffix(".tsv") for file in folder.iterdir() if ".tsv" in file.name}
    return tuple(sorted(names - {ENGLISH}))


@dataclasses.dataclass(frozen=True, eq=False)
class Glossary:
    """The glossary of one language; see `load`.

    Args:
        language: ISO 639-1 code.
        forms: by word.
        running: the same for text without spaces; None where words have spaces between them.
    """

    language: str
    forms: Forms
    running: RunningText | None = None

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
        found = join_numbers(folded, list(self._words(folded)), spaced=self.running is None)
        if places is not None:
            found = [one._replace(start=places[one.start], end=places[one.end]) for one in found]
        return [
            one._replace(english=(text[one.start : one.end],)) if one.kind == "kept" else one
            for one in found
        ]

    def _words(self, text: str) -> Iterator[Gloss]:
        tokens: list[_Token] = [
            (match.start(), match.end(), match.lastgroup or "")
            for match in _tokens(self.language).finditer(text)
        ]
        keys = [key_of(text[start:end]) if kind == "word" else "" for start, end, kind in tokens]
        at = done = 0
        while at < len(tokens):
            start, end, kind = tokens[at]
            at += 1
            if end <= done:
                continue
            start = max(start, done)
            if kind == "number":
                found = self.running.longest(text, start) if self.running else None
                if found and found[0] > end:  # 3人 is a word
                    done = found[0]
                    yield meaning(start, done, found[1])
                else:
                    yield self._number(text[start:end], start)
            elif kind == "sign":
                yield Gloss(start, end, (_SIGNS[text[start]],), "word")
            elif kind == "running" and self.running:
                yield from self.running.words(text, start, end)
            else:
                taken, pieces = self._spaced(text, tokens, keys, at - 1)
                at += taken - 1
                yield from pieces

    def _number(self, digits: str, start: int) -> Gloss:
        end = start + len(digits)
        if "/" in digits:
            word = _SIMPLE.get(digits)
            return Gloss(start, end, (word or digits,), "word" if word else "number")
        return Gloss(start, end, readings(digits, comma=self.language in _COMMA), "number")

    def _spaced(
        self, text: str, tokens: Sequence[_Token], keys: Sequence[str], at: int
    ) -> tuple[int, list[Gloss]]:
        """The word at ``at``, or several that are one form: how many, and what they mean."""
        start, end, _ = tokens[at]
        last = at + 1
        while last < min(len(tokens), at + _TOGETHER) and tokens[last][2] == "word":
            if not BETWEEN.fullmatch(text, tokens[last - 1][1], tokens[last][0]):
                break
            last += 1
        phrase = self.forms.phrase(keys[at:last]) if last > at + 1 else None
        if phrase:
            return phrase[0], [meaning(start, tokens[at + phrase[0] - 1][1], (phrase[1],))]
        pieces = self.forms.word(keys[at])
        if len(pieces) > 1 and len(keys[at]) == end - start:
            return 1, [meaning(start + a, start + b, words) for a, b, words in pieces]
        if pieces:
            return 1, [meaning(start, end, pieces[-1][2])]
        if self.language == ENGLISH and word_value(keys[at]) is not None:
            return 1, [meaning(start, end, (keys[at],))]
        return 1, [Gloss(start, end, (), "kept" if _LATIN.match(text[start]) else "unknown")]


def glossed_text(text: str, language: str) -> str:
    """A text word by word in English: what is given to an encoder that knows English only.

    Args:
        text: any string.
        language: see `Glossary.load`.

    Raises:
        ConfigError: there is no glossary of the language.
    """
    return " ".join(one.english[0] for one in Glossary.load(language).gloss(text) if one.english)


@functools.cache
def _load(language: str) -> Glossary:
    rows = list(read_forms(language)) if language != ENGLISH else []
    forms = Forms(rows, compounds=language in _COMPOUNDS)
    running = RunningText(forms.strings) if language in RUNNING else None
    return Glossary(language, forms, running)


@functools.cache
def _tokens(language: str) -> re.Pattern[str]:
    numbers = number_pattern(comma=language in _COMMA).pattern
    parts = [rf"(?P<number>(?<![\d/.,])\d{{1,3}}/\d{{1,3}}(?![\d/])|{numbers})"]
    parts.append(f"(?P<sign>[{''.join(map(re.escape, _SIGNS))}])")
    word = WORD.pattern
    if language in RUNNING:
        parts.append(f"(?P<running>[{RUNNING[language]}]+)")
        word = word.replace(r"[^\W\d_]", rf"[^\W\d_{RUNNING[language]}]")
    return re.compile("|".join([*parts, f"(?P<word>{word})"]))


@functools.cache
def _digits() -> dict[int, str]:
    # İ is the one letter that lower case makes two of.
    return {**ascii_digits(), ord("İ"): "i"}


def _folded(text: str) -> tuple[str, list[int] | None]:
    """The text in lower case, composed, with ASCII digits; and where its characters were, if moved."""
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

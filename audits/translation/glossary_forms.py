"""The forms of one glossary, and which of them a word is: exact forms, stems, compounds, several words.

A file has one headword a line: English, a tab, and its forms with ``|`` between them. A form is a
word, a stem (``äpfel*``; ``*nunua*`` where words are built in front, too) or several words of
either kind. The headword ``-`` has words that say nothing by themselves, such as articles. A form
of several headwords means the first one, and the others perhaps.
"""

from __future__ import annotations

import importlib.resources
import re
import unicodedata
from collections.abc import Iterator, Sequence

from pipeline.core.errors import ConfigError

__all__ = ["SILENT", "WORD", "Forms", "key_of", "read_forms"]

SILENT = "-"  # the headword of words without a meaning of their own
_REMEMBERED = 1 << 16  # words looked up, of each glossary
_LONGEST = 40  # letters of a word that is looked up; names of chemicals are not
_LEAST_PART = 4  # letters of a part of a compound
_LINKS = ("", "s", "n", "en", "es", "er", "e")  # what German puts between the parts
_ENDING = 3  # letters that a stem's word may have more without being a compound

# A letter with the letters, marks and joiners behind it. Marks are no word characters to `re`.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983"
    "\u09bc\u09be-\u09cd\u09d7\u0a01-\u0a03\u0a3c-\u0a51\u0b01-\u0b03\u0b3c\u0b3e-\u0b57\u0bbe-\u0bcd"
    "\u0c00-\u0c04\u0c3c\u0c3e-\u0c56\u0cbc\u0cbe-\u0cd6\u0d3b-\u0d4d\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u200c\u200d\u00ad"
)
WORD = re.compile(rf"[^\W\d_](?:[^\W\d_]|[{_MARKS}])*")
_FOLDS = str.maketrans(
    {"œ": "oe", "ß": "ss", "ё": "е", "\u200c": None, "\u200d": None, "\xad": None}
)

Pieces = tuple[tuple[int, int, tuple[str, ...]], ...]  # start and end in the word, headwords


def key_of(word: str) -> str:
    """A word as it is compared: lower case, composed, without joiners, ``œ`` as ``oe``, ``ё`` as ``е``."""
    return unicodedata.normalize("NFC", word.lower()).translate(_FOLDS)


class Forms:
    """Headwords by form.

    Args:
        rows: headword and forms, in the file's order.
        compounds: whether words are written together that other languages write apart.
    """

    def __init__(self, rows: Sequence[tuple[str, Sequence[str]]], *, compounds: bool = False):
        self._compounds = compounds
        self.headwords = tuple(headword for headword, _ in rows if headword != SILENT)
        self._exact: dict[str, tuple[str, ...]] = {}
        self._starts: dict[str, tuple[str, ...]] = {}
        self._ends: dict[str, tuple[str, ...]] = {}
        self._inside: dict[str, tuple[str, ...]] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._stem_phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._known: dict[str, Pieces] = {}
        self.strings: dict[str, tuple[str, ...]] = {}  # forms as they stand, for running text
        for headword, forms in rows:
            for form in forms:
                self._add(headword, form)
        for phrases in (*self._phrases.values(), *self._stem_phrases.values()):
            phrases.sort(key=lambda phrase: (-len(phrase[0]), "*" in "".join(phrase[0])))

    def _add(self, headword: str, form: str) -> None:
        _put(self.strings, unicodedata.normalize("NFC", form.lower()), headword)
        words = tuple(
            key_of(word) + "*" * form.startswith("*", end)
            for word, end in ((match[0], match.end()) for match in WORD.finditer(form))
        )
        if not words:
            return
        if len(words) > 1:
            table = self._stem_phrases if words[0].endswith("*") else self._phrases
            table.setdefault(words[0].rstrip("*"), []).append((words, headword))
            return
        stem = words[0].rstrip("*")
        tables = (self._exact, self._starts, self._ends, self._inside)
        _put(tables[form.endswith("*") + 2 * form.startswith("*")], stem, headword)

    def phrase(self, keys: Sequence[str]) -> tuple[int, str] | None:
        """The longest form of several words that ``keys`` begin with: how many words, and its headword."""
        if not keys:
            return None
        found: tuple[int, str] | None = None
        candidates = [self._phrases.get(keys[0], ())]
        if self._stem_phrases:
            candidates += [
                self._stem_phrases.get(keys[0][:end], ()) for end in range(len(keys[0]), 1, -1)
            ]
        for words, headword in (phrase for phrases in candidates for phrase in phrases):
            if (not found or len(words) > found[0]) and _begins(words, keys):
                found = len(words), headword
        return found

    def word(self, key: str) -> Pieces:
        """What a word means: nothing, one piece with its headwords, or the parts of a compound.

        Args:
            key: see `key_of`.
        """
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._word(key) if len(key) <= _LONGEST else ()
        return known

    def _word(self, key: str) -> Pieces:
        if key in self._exact:
            return ((0, len(key), self._exact[key]),)
        stem, headwords = self._stem(key)
        if self._compounds and len(key) - stem > _ENDING and len(key) >= 2 * _LEAST_PART:
            parts = self._parts(key)
            if parts:
                return parts
        return ((0, len(key), headwords),) if headwords else ()

    def _stem(self, key: str) -> tuple[int, tuple[str, ...]]:
        """Letters of the longest stem of a word, and its headwords."""
        for end in range(len(key), 1, -1):
            if key[:end] in self._starts:
                return end, self._starts[key[:end]]
        for start in range(1, len(key) - 1) if self._ends else ():
            if key[start:] in self._ends:
                return len(key) - start, self._ends[key[start:]]
        if self._inside:
            for size in range(len(key), 2, -1):
                for start in range(len(key) - size + 1):
                    if key[start : start + size] in self._inside:
                        return size, self._inside[key[start : start + size]]
        return 0, ()

    def _parts(self, key: str) -> Pieces:
        """The two parts of a compound that are the most alike in length."""
        cuts = range(_LEAST_PART, len(key) - _LEAST_PART + 1)
        for cut in sorted(cuts, key=lambda cut: abs(2 * cut - len(key))):
            last = self._part(key[cut:], ("",))
            first = self._part(key[:cut], _LINKS) if last else ()
            if first and last:
                return (0, cut, first), (cut, len(key), last)
        return ()

    def _part(self, key: str, links: Sequence[str]) -> tuple[str, ...]:
        for link in links:
            form = key.removesuffix(link)
            if link and form == key:
                continue
            if form in self._exact:
                return self._exact[form]
        stem, headwords = self._stem(key)
        return headwords if stem and len(key) - stem <= _ENDING else ()


def read_forms(language: str) -> Iterator[tuple[str, list[str]]]:
    """Headwords and forms of a shipped glossary.

    Raises:
        ConfigError: a line without its one tab, or with an empty form.
    """
    file = importlib.resources.files("audits.translation") / "glossaries" / f"{language}.tsv"
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        headword, tab, forms = line.partition("\t")
        found = forms.split("|")
        if not headword or not tab or "\t" in forms or not all(found):
            raise ConfigError(
                f"audits/translation/glossaries/{language}.tsv:{number}: a headword, one tab, forms between |"
            )
        yield headword, found


def _put(table: dict[str, tuple[str, ...]], form: str, headword: str) -> None:
    table[form] = (*(one for one in table.get(form, ()) if one != headword), headword)


def _begins(words: Sequence[str], keys: Sequence[str]) -> bool:
    return len(words) <= len(keys) and all(
        key.startswith(word[:-1]) if word.endswith("*") else key == word
        for word, key in zip(words, keys, strict=False)
    )

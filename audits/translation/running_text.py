"""Words of texts that are written without spaces: Chinese, Japanese, Thai. The longest known one first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from audits.translation.glosses import Gloss, meaning
from audits.translation.numerals import HAN_NUMERALS, han_value

__all__ = ["RUNNING", "RunningText"]

# The letters of the languages that are written so.
RUNNING = {
    "zh": "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff",
    "ja": "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff",
    "th": "\u0e01-\u0e3a\u0e40-\u0e4e",
}

_FRACTION = re.compile(rf"([{HAN_NUMERALS}]+)分(?:之|の)([{HAN_NUMERALS}]+)")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_SYLLABLE = "ะาำ"  # Thai vowels behind their consonant, and those before it
_LEADING = "เแโใไ"


class RunningText:
    """The forms of a glossary as they stand in running text.

    Args:
        strings: headwords by form.
    """

    def __init__(self, strings: Mapping[str, tuple[str, ...]]):
        self._strings = strings
        self._longest = max(map(len, strings), default=0)
        self._firsts = frozenset(form[0] for form in strings)

    def words(self, text: str, start: int, end: int) -> list[Gloss]:
        """The words of a run of letters."""
        return _without_fragments(text, list(self._words(text, start, end)))

    def longest(self, text: str, start: int) -> tuple[int, tuple[str, ...]] | None:
        """The longest form that stands at a place: its end and its headwords."""
        if text[start] not in self._firsts:
            return None
        for end in range(min(start + self._longest, len(text)), start, -1):
            headwords = self._strings.get(text[start:end])
            if headwords and not _splits(text, start, end):
                return end, headwords
        return None

    def _words(self, text: str, start: int, end: int) -> Iterator[Gloss]:
        at = unknown = start
        while at < end:
            found = self._numeral(text, at) or self._katakana(text, at, end) or self._form(text, at)
            if found is None:
                at += 1
                continue
            if unknown < at:
                yield Gloss(unknown, at, (), "unknown")
            yield found
            at = unknown = found.end
        if unknown < end:
            yield Gloss(unknown, end, (), "unknown")

    def _form(self, text: str, at: int) -> Gloss | None:
        found = self.longest(text, at)
        return meaning(at, *found) if found else None

    def _numeral(self, text: str, start: int) -> Gloss | None:
        """Chinese numerals, where no longer word begins with them."""
        if text[start] not in HAN_NUMERALS:
            return None
        longest = self.longest(text, start)
        fraction = _FRACTION.match(text, start)
        if fraction and (not longest or fraction.end() > longest[0]):
            below, above = han_value(fraction[1]), han_value(fraction[2])
            if below and above and below != 100:  # 百分之四十 is 40 %
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
        run = _KATAKANA.match(text, start, end)
        if not run or (start and _KATAKANA.match(text[start - 1])):
            return None
        at = start
        while at < run.end():
            found = self.longest(text, at)
            if found is None:
                return Gloss(start, run.end(), (), "unknown")
            at = found[0]
        return None


def _splits(text: str, start: int, end: int) -> bool:
    """Whether a Thai syllable would be cut: its vowels and tones stand around the consonant."""
    if end < len(text) and (text[end] in _SYLLABLE or unicodedata.category(text[end]) == "Mn"):
        return True
    return start > 0 and text[start - 1] in _LEADING


def _without_fragments(text: str, found: list[Gloss]) -> list[Gloss]:
    """Without single Chinese characters beside unknown ones: they are part of an unknown word."""
    kept: list[Gloss] = []
    for at, one in enumerate(found):
        if one.kind == "word" and one.end - one.start == 1 and _HAN.match(text[one.start]):
            before = at and found[at - 1].kind == "unknown" and _HAN.match(text[one.start - 1])
            after = (
                at + 1 < len(found)
                and found[at + 1].kind == "unknown"
                and _HAN.match(text[one.end])
            )
            if before or after:
                one = Gloss(one.start, one.end, (), "unknown")
        if kept and one.kind == kept[-1].kind == "unknown":
            kept[-1] = kept[-1]._replace(end=one.end)
        else:
            kept.append(one)
    return kept

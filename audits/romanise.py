"""Names across scripts, by their consonants: ``Janet``, ``Дженет`` and ``ジャネット`` are all ``jnt``.

Roughly, and on purpose: a transliteration keeps consonants better than vowels. Of scripts whose
letters do not tell sounds, such as Chinese, nothing is made.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["skeleton"]

_CYRILLIC = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщыэюя",
        "a b v g d e j z i i k l m n o p r s t u f h s j s s i e u a".split(),
        strict=True,
    )
)
_SOFT = re.compile("[ъь]")
_KANA = {
    "k": "かきくけこ", "g": "がぎぐげご", "s": "さしすせそ", "z": "ざずぜぞ", "j": "じ",
    "t": "たてと", "j": "じちぢ", "ts": "つ", "d": "だづでど", "n": "なにぬねのん", "h": "はひへほ",
    "f": "ふ", "b": "ばびぶべぼ", "p": "ぱぴぷぺぽ", "m": "まみむめも", "r": "らりるれろ",
    "w": "わ", "v": "ゔ",
}  # fmt: skip
_KANA_OF = {kana: sound for sound, row in _KANA.items() for kana in row}
# Consonants of the Indic scripts by their place in the block, which is the same in all of them.
_INDIC = dict(
    zip(
        range(0x15, 0x3A),
        "k k g g n j j j j n t t d d n t t d d n n p p b b m y r r l l l v s s s h".split(),
        strict=True,
    )
)
_THAI = dict(
    zip(
        range(0x0E01, 0x0E2F),
        "k k k k k k n j j j s j y d t t t t n d t t t t n b p p f p f p m y r r l l w s s s h l - h"
        .split(),
        strict=True,
    )
)  # fmt: skip
_ALIKE = (
    ("ph", "f"), ("th", "t"), ("tch", "j"), ("sh", "s"), ("ch", "j"), ("dj", "j"), ("x", "ks"),
    ("ce", "se"), ("ci", "si"), ("cy", "si"), ("ge", "je"), ("gi", "ji"), ("gy", "ji"),
)  # fmt: skip
_CLASSES = str.maketrans("bvfqczjgkdtrlmn", "pppkksskkttllnn")
_SILENT = re.compile("[^pkstln]")
_TWICE = re.compile(r"(.)\1+")


@functools.lru_cache(maxsize=1 << 14)
def skeleton(word: str) -> str:
    """Classes of the consonants of a word, in order, none twice in a row.

    Args:
        word: in any script; vowels and what has no known sound are left out.
    """
    latin = "".join(map(_sound, unicodedata.normalize("NFC", word.lower())))
    for written, sound in _ALIKE:
        latin = latin.replace(written, sound)
    return _TWICE.sub(r"\1", _SILENT.sub("", latin.translate(_CLASSES)))


def _sound(character: str) -> str:
    if character < "\u0250":  # Latin
        character = unicodedata.normalize("NFD", character)[0]
        return character if character.isalpha() else ""
    if character in _CYRILLIC:
        return _CYRILLIC[character]
    code = ord(character)
    if 0x30A1 <= code <= 0x30F6:
        character = chr(code - 0x60)
    if character in _KANA_OF:
        return _KANA_OF[character]
    if 0x0900 <= code < 0x0D80:
        return _INDIC.get(code & 0x7F, "a")
    return _THAI.get(code, "")

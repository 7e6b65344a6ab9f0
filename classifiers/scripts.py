"""Languages told by their script alone: Thai letters are Thai, kana is Japanese.

For texts too short for a model. Scripts that several large languages share (Latin, Cyrillic,
Arabic, Devanagari, Hebrew, Ethiopic) decide nothing here.
"""

from __future__ import annotations

import re

__all__ = ["SCRIPTS", "language_of_script"]

# The one language, as ISO 639-1, that nearly all text in a script is in, and the script's letters
# and vowel signs as a regular expression's class (blocks of Unicode 15.1).
SCRIPTS: dict[str, str] = {
    "zh": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",  # Han without kana
    "ja": "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f",  # kana
    "ko": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "th": "\u0e01-\u0e3a\u0e40-\u0e5b",
    "bn": "\u0980-\u09ef",
    "pa": "\u0a00-\u0a7f",
    "gu": "\u0a80-\u0aff",
    "or": "\u0b00-\u0b7f",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff",
    "ml": "\u0d00-\u0d7f",
    "si": "\u0d80-\u0dff",
    "lo": "\u0e80-\u0eff",
    "bo": "\u0f00-\u0fff",
    "my": "\u1000-\u109f",
    "ka": "\u10a0-\u10ff",
    "hy": "\u0530-\u058f",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "km": "\u1780-\u17ff",
    "dv": "\u0780-\u07bf",
}

_RUNS = re.compile("|".join(f"([{letters}]+)" for letters in SCRIPTS.values()))
_LANGUAGES = tuple(SCRIPTS)

# Chinese quotes a Japanese name now and then; Japanese without any kana is a heading at most.
_KANA_SHARE = 0.1


def language_of_script(text: str) -> str:
    """The language that at least half of the letters of ``text`` give away by their script.

    Han characters are Chinese unless a tenth of them and the kana are kana. Assamese and
    Bishnupriya go with Bengali, Mingrelian with Georgian, Cantonese and Wu with Chinese.

    Args:
        text: any string; the cost grows with its length.

    Returns:
        A key of `SCRIPTS`, or an empty string where no script decides.
    """
    if text.isascii():
        return ""
    counts = [0] * len(_LANGUAGES)
    for run in _RUNS.finditer(text):
        counts[(run.lastindex or 1) - 1] += len(run[0])
    han, kana = counts[0], counts[1]
    if kana and kana >= _KANA_SHARE * (han + kana):
        counts[0], counts[1] = 0, han + kana
    best = max(counts)
    if not best or 2 * best < sum(map(str.isalpha, text)):
        return ""
    return _LANGUAGES[counts.index(best)]

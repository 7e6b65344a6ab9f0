"""Words that sound alike across scripts and spellings: names, loans, terms of Greek and Latin.

Roughly, and on purpose. `spelling` is for letters that Latin ones stand for one by one: ``Konflikt``,
``конфликт`` and ``conflict`` are the same. `skeleton` is for all others, and keeps classes of
consonants only, since a transliteration keeps them best: ``ジャネット``, ``珍妮特`` and ``Janet`` are the
same. Of Chinese characters those are known that foreign names are usually written with.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["skeleton", "spelling"]

_CYRILLIC = dict(
    zip("абвгдежзийклмнопрстуфхцчшщыэюя", "abvgdejziiklmnoprstufhsjssieua", strict=True)
)
_KANA = {
    "k": "かきくけこ", "g": "がぎぐげご", "s": "さしすせそ", "z": "ざずぜぞ", "j": "じちぢ",
    "t": "たてと", "ts": "つ", "d": "だづでど", "n": "なにぬねのん", "h": "はひへほ", "f": "ふ",
    "b": "ばびぶべぼ", "p": "ぱぴぷぺぽ", "m": "まみむめも", "r": "らりるれろ", "w": "わ", "v": "ゔ",
}  # fmt: skip
_KANA_OF = {kana: sound for sound, row in _KANA.items() for kana in row}
# Consonants of the Indic scripts by their place in the block, which is the same in all of them.
_INDIC = dict(zip(range(0x15, 0x3A), "kkggnjjjjnttddnttddnnppbbmyrrlllvsssh", strict=True))
_THAI = dict(
    zip(range(0x0E01, 0x0E2F), "kkkkkknjjjsjydttttndttttnbppfpfpmyrrllwssshl-h", strict=True)
)
# Characters that foreign names are written with, by the consonants of their syllables.
_HAN = {
    "p": "巴芭贝比彼毕博伯布波鲍白拜皮帕佩普珀蒲菲费弗夫福芙法佛薇维沃威瓦韦伏",
    "pn": "班本宾冰潘彭平芬范凡丰文温万邦庞冯方",
    "t": "达大德迪蒂第狄多杜代戴黛特泰塔太提托图土陶道",
    "tn": "丹登邓丁东顿敦坦汤唐滕廷通腾",
    "k": "卡科克柯可库考凯開开哥戈格盖高古加嘉盖葛奎圭赫哈胡霍海黑郝",
    "kn": "康坎肯根冈甘昆孔宽汉亨洪",
    "s": "萨塞斯思丝索苏史士什施舍沙莎谢西希锡席夏休修雪萧茨兹泽扎佐祖齐奇吉杰基季贾佳姬洁朱茱乔久裘彻"
    "查恰切柴蔡",
    "sn": "桑森孙松辛欣逊珊山尚香盛圣顺珍真詹占章庄琼钱秦金津晋静琴群",
    "l": "拉莱来勒雷蕾利里丽莉理李列罗洛萝鲁露卢路劳瑞茹吕律",
    "ln": "兰伦林琳龙隆朗莲连良伯仁荣",
    "n": "马玛麦迈梅玫美米密弥莫摩穆姆默缪妙纳娜奈内尼妮诺努瑙",
    "nn": "曼门蒙孟明敏南楠能宁农",
    "": "阿艾爱埃伊衣依奥欧乌亚雅娅耶叶尤尔儿",
    "n ": "安恩英因昂翁元云燕彦",
}  # fmt: skip
_HAN_OF = {one: sound.strip() for sound, row in _HAN.items() for one in row}
_ALIKE = (
    ("ph", "f"), ("th", "t"), ("tch", "j"), ("sh", "s"), ("ch", "j"), ("dj", "j"), ("x", "ks"),
    ("ce", "se"), ("ci", "si"), ("cy", "si"), ("ge", "je"), ("gi", "ji"), ("gy", "ji"),
)  # fmt: skip
_CLASSES = str.maketrans("bvfqczjgkdtrlmn", "pppkksskkttllnn")
_LETTERS = str.maketrans("cqyz", "kkis")
_SILENT = re.compile("[^pkstln]")
_TWICE = re.compile(r"(.)\1+")


@functools.lru_cache(maxsize=1 << 14)
def spelling(word: str) -> str:
    """A word in Latin or Cyrillic letters as all languages might spell it; empty in other scripts.

    Args:
        word: one word, in any case.
    """
    word = word.lower()
    if not (word[:1] < "\u0250" or word[:1] in _CYRILLIC):
        return ""
    return _TWICE.sub(r"\1", _latin(word).translate(_LETTERS))


@functools.lru_cache(maxsize=1 << 14)
def skeleton(word: str) -> str:
    """Classes of the consonants of a word, in order, none twice in a row.

    Args:
        word: in any script; vowels and what has no known sound are left out.
    """
    return _TWICE.sub(r"\1", _SILENT.sub("", _latin(word.lower()).translate(_CLASSES)))


def _latin(word: str) -> str:
    latin = "".join(map(_sound, unicodedata.normalize("NFC", word)))
    for written, sound in _ALIKE:
        latin = latin.replace(written, sound)
    return latin


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
    if character in _HAN_OF:
        return _HAN_OF[character]
    if 0x0900 <= code < 0x0D80:
        return _INDIC.get(code & 0x7F, "a")
    return _THAI.get(code, "")

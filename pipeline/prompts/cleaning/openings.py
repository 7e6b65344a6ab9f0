"""The openings that a log is full of: "hi", "continue", and whatever many users paste.

Chatbot logs hold some opening prompts thousands of times, and the most frequent of them say little
about what people want; LMSYS took them out before prompts were chosen (Zheng et al. 2023,
LMSYS-Chat-1M; Li et al. 2024, "From Crowdsourced Data to High-Quality Benchmarks").
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

import xxhash

__all__ = ["CONTINUATIONS", "frequent_openings", "is_continuation", "opening_key", "openings"]

_SHOWN = 80  # characters of a long opening's key that a person may read

# What carries on, greets or tries the machine, and asks for nothing by itself; as `opening_key`
# spells it.
CONTINUATIONS = frozenset(
    (
        *("continue", "go on", "keep going", "carry on", "go ahead", "proceed", "next", "more"),
        *("continue please", "please continue", "go on please", "please go on", "and then"),
        *("continue writing", "keep writing", "continue from where you left off", "resume"),
        *("hi", "hello", "hey", "hi there", "hello there", "hey there", "hii", "hiii", "yo"),
        *("hi chatgpt", "hello chatgpt", "hey chatgpt", "good morning", "good evening"),
        *("good afternoon", "how are you", "hi how are you", "hello how are you", "whats up"),
        *("what's up", "sup", "test", "testing", "this is a test", "test test", "just testing"),
        *("ok", "okay", "yes", "no", "sure", "thanks", "thank you", "thx", "yes please", "ping"),
        *("are you there", "hello world", "asdf", "try again", "again", "why", "what"),
        *("weiter", "mach weiter", "hallo", "guten tag", "guten morgen", "danke", "ja", "nein"),
        *("continúa", "continua", "sigue", "hola", "buenas", "gracias", "hola que tal", "prueba"),
        *("continuer", "continuez", "continue stp", "bonjour", "salut", "merci", "suite", "oui"),
        *("continue por favor", "continuar", "olá", "ola", "oi", "bom dia", "obrigado", "sim"),
        *("ciao", "vai avanti", "prosegui", "grazie", "buongiorno", "prova"),
        *("продолжай", "продолжи", "дальше", "привет", "здравствуйте", "тест", "спасибо"),
        *("继续", "繼續", "你好", "您好", "测试", "谢谢", "接着说", "下一步"),
        *("続けて", "続き", "こんにちは", "テスト", "ありがとう", "계속", "계속해줘", "안녕", "안녕하세요"),
        *("devam", "devam et", "merhaba", "lanjut", "lanjutkan", "halo", "tiếp tục", "xin chào"),
        *("مرحبا", "السلام عليكم", "أكمل", "استمر", "تابع", "شكرا", "ادامه بده", "سلام"),
    )
)  # fmt: skip


def opening_key(text: str) -> str:
    """What equal openings share: letters and digits in lower case, single spaces between them.

    Compatibility forms are folded (NFKC). Marks of any kind go, so that ``Hi!!`` is ``hi``; an
    opening of nothing but marks is kept as it is. Of an opening over 80 characters the key has
    the first 80 and a hash of the whole.
    """
    words = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(
        character if character.isalnum() or unicodedata.category(character)[0] == "M" else
        "" if character in "'’" else " "
        for character in words
    )  # fmt: skip
    key = " ".join(kept.split()) or " ".join(words.split())
    if len(key) <= _SHOWN:
        return key
    digest = xxhash.xxh3_64_hexdigest(key.encode("utf-8", "surrogatepass"))
    return f"{key[:_SHOWN]}…{digest}"


_CONTINUATION_KEYS = frozenset(map(opening_key, CONTINUATIONS))


def is_continuation(text: str) -> bool:
    """Whether an opening is one of `CONTINUATIONS`, whatever its marks and capitals."""
    said = text.strip()
    return len(said) <= 4 * _SHOWN and opening_key(said) in _CONTINUATION_KEYS


def openings(texts: Iterable[str]) -> Counter[str]:
    """How often each opening occurs, by `opening_key`. Counters of parts of a log add up."""
    return Counter(map(opening_key, texts))


def frequent_openings(
    counts: Mapping[str, int], top: int = 10, at_least: int = 10
) -> dict[str, int]:
    """The most frequent openings of a log.

    Args:
        counts: what `openings` gave for the whole log.
        top: how many of them.
        at_least: how often an opening occurs before it counts: the ten most frequent openings of
            a log without repeats are ten good prompts.

    Returns:
        Counts by key, the most frequent first; of equal counts the first in alphabetical order.
    """
    often = [(key, count) for key, count in counts.items() if count >= at_least]
    return dict(sorted(often, key=lambda item: (-item[1], item[0]))[:top])

"""How good an answer looks in a log: refusals, cut-off ends, apologies, repetition, wrong language.

Cheap signs of answers that are not worth training on. Nothing here knows whether an answer is right.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence

from classifiers.language import UNDETERMINED, LanguageIdentifier, LanguageScore
from pipeline.core.records import Document
from pipeline.filters.gopher import GopherRepetition
from pipeline.prompts.cleaning.words import word_count
from pipeline.prompts.scoring.refusals import APOLOGY, refusal

__all__ = [
    "WEIGHTS",
    "ResponseSignals",
    "apologies",
    "repetition",
    "response_signals",
    "response_signals_batch",
    "truncated",
]

# How much of the quality each signal takes away where it is 1.
WEIGHTS: dict[str, float] = {
    "empty": 1.0,
    "refusal": 0.9,
    "repetition": 0.8,
    "language_mismatch": 0.7,
    "truncated": 0.5,
    "apologies": 0.5,
}

_VISIBLE = re.compile("[^\\s\0-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")

_FENCE = re.compile(
    r"^[ \t]*(?:>[ \t]*)?(?:[-*+][ \t]+|\d{1,3}[.)][ \t]+)?(`{3,}|~{3,})", re.MULTILINE
)
_LINE = 400  # characters of the last line that are looked at

_SENTENCE_END = re.compile(r"[.!?…](?=[\"'”’)]?\s)|[。！？]")
_BEFORE = 2000  # characters in which sentences before the last are looked for
_SIGN_OFF = 4  # words that a letter may end with
_LIST_ITEM = re.compile(r"\s*(?:[-*•+]|\d{1,3}[.)]|[a-zA-Z][.)]|#{1,6})\s")
_CODE_LINE = re.compile(r"[;{}=<>\\$|]|\w\(|^\s{4,}|^end$")
# A last word that no sentence ends in.
_DANGLING = re.compile(
    r"(?i)(?:^|\s)(?:the|a|an|and|or|but|of|to|in|with|for|from|by|that|which|is|are|was|were|as|at|"
    r"on|if|because|than|its|their|your|our|this|these|und|oder|der|die|das|ein|eine|mit|von|zu|"
    r"et|ou|le|la|les|de|des|du|un|une|avec|pour|el|los|las|y|o|con|para|por)\s*\Z"
)
_FEWEST_WORDS = 12  # of an answer whose end tells anything: "Paris" is whole

_FEWEST_REPEATED = 40  # words, under which repetition says nothing
_REPEATED_FREE = 0.15  # share that lists and refrains repeat, too

_FEWEST_LETTERS = 40
_SURE = 0.8  # probability from which a language is believed
# Labels that the model confuses, and that readers of one mostly read: no mismatch between them.
_SAME = (
    {"hr", "sr", "bs", "sh"}, {"no", "nb", "nn", "da"}, {"id", "ms"}, {"zh", "wuu", "yue"},
    {"es", "gl", "ast", "an"}, {"pt", "gl"}, {"hi", "mr", "ne", "bh"}, {"cs", "sk"},
    {"de", "als", "nds", "bar", "lb"}, {"fa", "tg", "mzn"}, {"ru", "uk", "be"}, {"bg", "mk"},
)  # fmt: skip
# What asks for an answer in another language than its own.
_OTHER_LANGUAGE = re.compile(
    r"(?i)translat|\blanguages?\b|übersetz|\btradu|перевед|翻译|翻譯|翻訳|訳して|번역|ترجم|\b(?:in|into|to) "
    r"(?:english|german|french|spanish|portuguese|italian|dutch|russian|ukrainian|polish|czech|"
    r"chinese|mandarin|japanese|korean|arabic|persian|farsi|hebrew|hindi|bengali|urdu|tamil|telugu|"
    r"thai|vietnamese|indonesian|malay|turkish|greek|latin|swedish|norwegian|danish|finnish|"
    r"hungarian|romanian|bulgarian|serbian|croatian|swahili|tagalog|filipino)\b"
    r"|\b(?:auf|ins?) (?:englisch|deutsch|französisch|spanisch)|en (?:anglais|inglés|français|español)"
    r"|на (?:английском|русском|немецком)|用(?:英文|中文|英语|日语)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class ResponseSignals:
    """What an answer looks like; every number is 0 where nothing is wrong and 1 at the worst.

    Args:
        empty: it has no visible character.
        refusal: 1.0 where it declines and does no more, less where it goes on and helps.
        truncated: 1.0 with a code fence that is not closed; .7 where the last word or mark asks for
            more ("of the", a comma); .5 where running text ends without a mark though its sentences
            had one, .2 where they had none, as hurried people write; else 0.0.
        apologies: how far it is beyond one apology, in many answers' way of going in circles.
        repetition: the share of its characters in lines and 10-grams seen before, beyond the .15
            that lists have, scaled to 1.
        language_mismatch: 1.0 where prompt and answer are each surely in a language, not the same,
            and the prompt asks for no other; None where it was not looked at.
    """

    empty: bool
    refusal: float
    truncated: float
    apologies: float
    repetition: float
    language_mismatch: float | None = None

    @property
    def response_quality(self) -> float:
        """The product of 1 − weight x signal over `WEIGHTS`, in [0, 1]; 0 for an empty answer."""
        return math.prod(
            1.0 - weight * float(getattr(self, name) or 0.0) for name, weight in WEIGHTS.items()
        )


def response_signals(text: str) -> ResponseSignals:
    """The signals of one answer, but for its language, which takes a model.

    Args:
        text: any string.
    """
    return ResponseSignals(
        empty=_VISIBLE.search(text) is None,
        refusal=refusal(text),
        truncated=truncated(text),
        apologies=apologies(text),
        repetition=repetition(text),
    )


def response_signals_batch(
    prompts: Sequence[str],
    responses: Sequence[str],
    identifier: LanguageIdentifier | None = None,
) -> list[ResponseSignals]:
    """The signals of answers, language included.

    Args:
        prompts: what each answer answers.
        responses: as many.
        identifier: what tells languages; None takes lid.176 as it is set for prompts.

    Raises:
        ValueError: the two are not equally many.
        ModelError: the language model is missing or altered.
    """
    pairs = list(zip(prompts, responses, strict=True))
    languages = identifier or LanguageIdentifier(prose=True, characters=200)
    found = languages.identify([text for pair in pairs for text in pair])
    signals = []
    for (prompt, response), asked, said in zip(pairs, found[::2], found[1::2], strict=True):
        differ = (
            UNDETERMINED not in (asked.label, said.label)
            and _sure(asked, prompt)
            and _sure(said, response)
            and asked.label != said.label
            and not any(asked.label in same and said.label in same for same in _SAME)
            and _OTHER_LANGUAGE.search(prompt[:2000] + "\n" + prompt[-2000:]) is None
        )
        signals.append(
            dataclasses.replace(response_signals(response), language_mismatch=float(differ))
        )
    return signals


def _sure(score: LanguageScore, text: str) -> bool:
    """Told by the script, or by the model on more than a title or a list of names."""
    if score.probability == 1.0:
        return True
    letters = sum(map(str.isalpha, text[:_LINE]))
    return score.probability >= _SURE and letters >= _FEWEST_LETTERS


def truncated(text: str) -> float:
    """How surely an answer was cut off: see `ResponseSignals`."""
    opened = ""
    for match in _FENCE.finditer(text):
        mark = match[1]
        if not opened:
            opened = mark
        elif mark[0] == opened[0] and len(mark) >= len(opened):
            opened = ""
    if opened:
        return 1.0
    stripped = text.rstrip()
    if not stripped or word_count(stripped[:_LINE]) < _FEWEST_WORDS:
        return 0.0
    line = stripped[stripped.rfind("\n") + 1 :][-_LINE:]
    if _CODE_LINE.search(line) is not None:
        return 0.0
    if not stripped[-1].isalnum():
        # A letter is signed behind a comma: "With gratitude,".
        return 0.7 if stripped[-1] in ",–—-" and word_count(line) > _SIGN_OFF else 0.0
    if _DANGLING.search(line) is not None:
        return 0.7
    # Items, headings, verses, names and lists of words end without a mark; running text does not.
    if (
        _LIST_ITEM.match(line)
        or word_count(line) < _FEWEST_WORDS
        or line.rpartition(" ")[2].startswith(("#", "@", "http"))
        or 4 * line.count(",") >= word_count(line)
    ):
        return 0.0
    before = stripped[-_BEFORE : -len(line)] + line
    return 0.5 if sum(1 for _ in _SENTENCE_END.finditer(before)) >= 2 else 0.2


def apologies(text: str) -> float:
    """0.0 up to one apology, .5 for two, 1.0 from three on; one in 100 words is no loop."""
    count = sum(1 for _ in APOLOGY.finditer(text))
    if count < 2 or 100 * count <= word_count(text):
        return 0.0
    return 0.5 if count == 2 else 1.0


_REPETITION = GopherRepetition()


def repetition(text: str) -> float:
    """The larger share of repeated lines and 10-grams, by Gopher's rules: see `ResponseSignals`."""
    if word_count(text[:4000]) < _FEWEST_REPEATED:
        return 0.0
    signals = _REPETITION.measure(Document("", text))
    # Gopher's share of n-grams is of all characters, and spaces are in none.
    spaces = sum(map(str.isspace, text))
    grams = float(signals["duplicate_10_grams"] or 0.0) * len(text) / max(1, len(text) - spaces)
    share = max(float(signals["duplicate_line_characters"] or 0.0), grams)
    return min(1.0, max(0.0, share - _REPEATED_FREE) / (1.0 - _REPEATED_FREE))

"""Verdicts: what a weighed candidate is, and with which probability."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from audits.findings import Kind
from audits.items import Item
from audits.verify.reading import Reading, negates, number, stem
from audits.verify.spans import equal_runs
from audits.verify.weighing import Weighed

__all__ = ["Verdict", "answer_there", "quoted", "verdict"]

# Of the words an item says, how many a text says in the same order. Copies that were wrapped,
# renumbered or mistyped keep over .7; free rewordings of a sentence keep less.
_VERBATIM, _NEAR, _ALTERED = 0.97, 0.7, 0.5
_COPY, _SURE = 0.9, 0.995  # a copy is a copy, whatever a model of paraphrase thinks
# What a copy needs to be one of this item: summed weight of its words, or else that many words, be
# they said as they are, or mistyped.
_TELLING, _WORDS, _MISTYPED_WORDS = 1.5, 6, 8
_MISTYPED = 0.7  # similarity of letters
_MANY = 40  # words in whose place one is not looked for
_RUN = 3  # words of the question in a row, from which on a passage says them as the question does
_QUOTED, _MOSTLY = 4, 0.5  # words of a run, and share of runs that a quotation has from its source
_GRAMMAR = 0.1  # what words of grammar count for in the share of words said
_ASKED = frozenset(("what", "which", "who", "whom", "whose", "when", "where", "why", "how"))
# Words in whose place a finger does not slip to one of those.
_PLAIN = frozenset(("that", "than", "then", "there", "here", "were", "they", "these", "those"))
_LOOSE, _SPARE = 2, 8  # times as many words as a copy's item has, and that many more, hold a copy
_PIECE = re.compile(r"\w+")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_FIGURES = (
    "cosine", "margin", "both_item", "both_text", "shared_item", "numbers", "contrast",
    "order_item", "all_text",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What a passage is to an item.

    Args:
        kind: see `Kind`; a leaking kind only at or above the threshold.
        probability: of a leak.
        answer: whether the answer stands in the passage or near it.
        evidence: figures and texts for people, JSON-able.
    """

    kind: Kind
    probability: float
    answer: bool
    evidence: dict[str, Any]


def verdict(
    weighed: Weighed, item: Item, restated: float, explained: float, threshold: float
) -> Verdict:
    """Decide what a candidate is.

    Args:
        weighed: the candidate.
        item: the one it may leak.
        restated, explained: from `audits.verify.verifier.Verifier.probabilities`.
        threshold: least probability of a leak.
    """
    question, passage = weighed.known.question, weighed.passage
    said = _said(question, passage, _stem_words(question, item))
    copied = said.share >= _COPY and not (
        said.lost or said.numbers or said.negated or said.asked_otherwise
    )
    if copied and _tells(weighed, said):
        restated = max(restated, _SURE)
    elif (said.share < _COPY or said.asked_otherwise) and quoted(passage.text, item.passage):
        restated = explained = min(restated, explained, 1 - _SURE)  # of what is asked about, alone
    elif said.share >= _COPY and said.negated:
        restated = explained = min(restated, explained, 1 - _SURE)  # asks for the opposite
    probability = max(restated, explained)
    answer = answer_there(item, weighed)
    if probability >= threshold:
        if restated >= explained or said.share >= _NEAR:
            kind = _copy_kind(said)
        else:
            kind, answer = Kind.ANSWER_EXPLAINED, True
    elif said.share >= _ALTERED:
        kind = Kind.ALTERED
    else:
        kind = Kind.SAME_TOPIC
    evidence: dict[str, Any] = {
        "item_text": question.text,
        "text": passage.text,
        "spans": [list(run) for run in equal_runs(question, passage)],
        "said": round(said.share, 3),
        "restated": round(restated, 4),
        "explained": round(explained, 4),
        "lost": said.lost[:8],
        "numbers_changed": said.numbers[:8],
        **{name: round(weighed.figures[name], 3) for name in _FIGURES},
    }
    return Verdict(kind, round(probability, 4), answer, evidence)


def quoted(text: str, passage: str) -> bool:
    """Whether most of a text is a quotation from an item's passage.

    That says the item's passage and not its question, however well a sentence of it answers that.
    """
    words, source = (_PIECE.findall(one.lower()) for one in (text, passage))
    size = min(_QUOTED, len(words))
    if not size or len(source) < size:
        return False
    there = {tuple(source[at : at + size]) for at in range(len(source) - size + 1)}
    runs = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    return sum(run in there for run in runs) >= _MOSTLY * len(runs)


def answer_there(item: Item, weighed: Weighed) -> bool:
    """Whether all that the answer says stands in the passage, beyond what the question says.

    Words that stand there as a part of the question, a run of three and more of its words, say
    nothing of the answer: ``True`` is not the answer to a copy of *True or false: …*.
    """
    wanted = _plain(item.answer)
    if not wanted:
        return False
    asked, there = _plain(weighed.known.question.text), _plain(weighed.region.text)
    spare = Counter(there)
    if set(wanted) & set(asked):
        matcher = difflib.SequenceMatcher(None, asked, there, autojunk=False)
        for block in matcher.get_matching_blocks():
            # The answer alone is a run of the question, too, where choices are part of that.
            if block.size >= max(_RUN, len(wanted) + 1):
                spare -= Counter(there[block.b : block.b + block.size])
    return all(spare[one] for one in wanted)


@dataclasses.dataclass(frozen=True, slots=True)
class _Said:
    """How much of a question a passage says.

    Args:
        share: by weight, of the question's words that are said in their order, mistyped or not.
        exact: share of its words that are said in their order as they are.
        lost: words that count for something and are not said where they belong.
        mistyped: whether there are others that count, and are not said as they are.
        numbers: of the question that the passage has not.
        negated: whether one of them negates within what the other says without.
        asked_otherwise: whether the question asks ``who`` where the passage asks ``when``, or does
            not ask.
    """

    share: float = 0.0
    exact: float = 0.0
    lost: list[str] = dataclasses.field(default_factory=list)
    mistyped: bool = False
    numbers: list[str] = dataclasses.field(default_factory=list)
    negated: bool = False
    asked_otherwise: bool = False


def _tells(weighed: Weighed, said: _Said) -> bool:
    """Whether a copy says enough to be one of this item, and no phrase that stands anywhere."""
    question = weighed.known.question
    if len(weighed.passage) > _LOOSE * len(question) + _SPARE:
        return False  # words of a longer text, in their order by chance
    if len(question) >= (_WORDS if said.exact >= _VERBATIM else _MISTYPED_WORDS):
        return True
    rarity = [weighed.known.rarity(stem) for stem in question.stems]
    return float((question.weights * rarity).sum()) >= _TELLING


def _copy_kind(said: _Said) -> Kind:
    if said.exact >= _VERBATIM and not (said.lost or said.mistyped or said.negated):
        return Kind.VERBATIM
    return Kind.NEAR_VERBATIM if said.share >= _NEAR else Kind.PARAPHRASE


def _stem_words(question: Reading, item: Item) -> int:
    """Words of the question before its choices, if these are part of its statement."""
    text = question.text
    ending = "\n" + "\n".join(item.choices)
    if not item.choices or not text.endswith(ending):
        return len(question)
    return int(np.searchsorted(question.spans[:, 0], len(text) - len(ending)))


def _said(question: Reading, passage: Reading, ordered: int) -> _Said:
    """What a passage says of a question, of whose words the first ``ordered`` are to be in order."""
    if not len(question) or not len(passage):
        return _Said()
    matcher = difflib.SequenceMatcher(None, question.words, passage.words, autojunk=False)
    exact = np.zeros(len(question), np.bool_)
    met = np.zeros(len(question), np.bool_)
    gaps: list[tuple[range, Sequence[str]]] = []
    here = there = 0
    for block in matcher.get_matching_blocks():
        gaps.append((range(here, block.a), passage.words[there : block.b]))
        here, there = block.a + block.size, block.b + block.size
        exact[block.a : here] = True
    lost: list[str] = []
    moved = _Free([word for _, words in gaps for word in words])
    for places, words in gaps:
        near = _Free(words)
        for at in places:
            free = near if at < ordered else moved
            word = question.words[at]
            if at >= ordered and word in free.words:
                exact[at] = True
            elif question.numbers[at] is None and free.mistyped(word):
                met[at] = True
            elif question.weights[at] > 0 and stem(word) not in free.stems:
                lost.append(word)
    met |= exact
    weights = np.maximum(question.weights, _GRAMMAR)
    mine = Counter(value for value in question.numbers if value is not None)
    theirs = Counter(value for value in passage.numbers if value is not None)
    return _Said(
        share=float((met * weights).sum() / weights.sum()),
        exact=float(exact.mean()),
        lost=lost,
        mistyped=bool((~exact & (question.weights > 0)).any()),
        numbers=[f"{value:g}" for value in mine - theirs],
        negated=any(
            sum(map(negates, words))
            != sum(negates(question.words[at]) for at in places if not met[at])
            for places, words in gaps[1:-1]
        ),
        asked_otherwise=any(
            question.words[at] in _ASKED and not met[at]
            for places, words in gaps
            for at in places
            if at < ordered
        ),
    )


class _Free:
    """Words of a passage that stand where some of the question's are missing."""

    def __init__(self, words: Sequence[str]):
        self.words = frozenset(words)
        self.stems = frozenset(map(stem, words))

    def mistyped(self, word: str) -> bool:
        """Whether one of them may be meant for this one. Among many, one would be by chance.

        Markup makes ``john&#x27;s`` of ``john's``: what is before the apostrophe will do.
        """
        if "'" in word and word.partition("'")[0] in self.words:
            return True
        if len(word) <= 3 or len(self.words) > _MANY:
            return False
        matcher = difflib.SequenceMatcher(None, "", word, autojunk=False)
        for other in self.words:
            if word in _ASKED and (other in _ASKED or other in _PLAIN):
                continue
            if abs(len(word) - len(other)) <= 2:
                matcher.set_seq1(other)
                if matcher.quick_ratio() >= _MISTYPED and matcher.ratio() >= _MISTYPED:
                    return True
        return False


def _plain(text: str) -> list[str]:
    """Stems of words, and numbers as they count: ``1,250`` is ``1250.0``."""
    found = []
    for word in _WORD.findall(text.lower()):
        value = number(word) if word[0].isdecimal() else None
        found.append(stem(word) if value is None else str(value))
    return found

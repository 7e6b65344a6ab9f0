"""What an audit can check of a benchmark: how many items by which method, and why not the rest.

Nothing here looks at a corpus. An item that no method can check is no clean item, and is listed.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

from audits.items import Item
from audits.lexical.words import batches, split
from pipeline.core.errors import ConfigError

__all__ = ["CODE", "SHARED", "Coverage", "Gap", "Method", "Reason", "coverage"]

SHARED = 3  # items with one stem, from which on the stem says nothing of which it is
# Codes of programming languages, none of them a language's of ISO 639-1; encoders read them.
CODE = frozenset({"py", "js", "java", "cpp", "go", "rs", "rb", "php", "sql"})
# Answers that any text may have, so that finding one means nothing.
TRUTHS = frozenset({"true", "false", "yes", "no", "valid", "invalid", "correct", "incorrect"})


class Method(enum.StrEnum):
    """A way to find an item."""

    LEXICAL = "lexical"  # its words
    SEMANTIC = "semantic"  # its meaning, by an encoder
    ANSWER = "answer"  # its answer or solution beside it, or explained without it


class Reason(enum.StrEnum):
    """Why a method cannot check an item."""

    NO_TEXT = "no_text"  # neither question nor choices has a word
    TOO_SHORT = "too_short"  # too few words of its own, other items' words left aside
    LANGUAGE = "language"  # the encoder does not read it
    PUBLIC_PASSAGE = "public_passage"  # all it has beside too few words is a published text
    NO_ANSWER = "no_answer"  # no answer or solution, or one that any text may have


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """An item that a method cannot check, and why."""

    benchmark: str
    item: str
    method: Method
    reason: Reason


@dataclasses.dataclass(frozen=True, slots=True)
class Coverage:
    """The account: for each method, items = checked + those of each reason.

    Args:
        items: how many.
        gaps: in the order of the items; at most one for an item and a method.
        passages_left_out: items whose passage is not looked for, since it is a published text.
    """

    items: int
    gaps: tuple[Gap, ...]
    passages_left_out: int = 0

    def checked(self, method: Method) -> int:
        """How many items the method can check."""
        return self.items - sum(self.reasons(method).values())

    def reasons(self, method: Method) -> dict[Reason, int]:
        """Items that the method cannot check, by reason; in the order of `Reason`."""
        counts = Counter(gap.reason for gap in self.gaps if gap.method is method)
        return {reason: counts[reason] for reason in Reason if counts[reason]}

    def unchecked(self) -> tuple[tuple[str, str], ...]:
        """Benchmark and id of each item that neither words nor meaning can find."""
        lexical, semantic = (
            {(gap.benchmark, gap.item): None for gap in self.gaps if gap.method is method}
            for method in (Method.LEXICAL, Method.SEMANTIC)
        )
        return tuple(key for key in lexical if key in semantic)

    def to_json(self) -> dict[str, Any]:
        """Plain values: counts by method, without the items."""
        return {
            "items": self.items,
            "passages_left_out": self.passages_left_out,
            **{
                method.value: {
                    "checked": self.checked(method),
                    "not": {reason.value: n for reason, n in self.reasons(method).items()},
                }
                for method in Method
            },
        }


def coverage(
    items: Iterable[Item],
    *,
    semantic_languages: Collection[str],
    min_words: int = 3,
    public_passages: Collection[str] = (),
) -> Coverage:
    """What can be checked of ``items``.

    An item is found by the words of its question and choices. Those of a question that `SHARED`
    items have with other choices, answers or passages ("Which of the following is true?") are no
    item's own, nor are those of choices that so many questions have (True, False). An item with
    too few own words can still be found by its passage, unless that is a published text.

    Args:
        items: of one benchmark, or of several.
        semantic_languages: codes that the encoder reads; programming languages (`CODE`) it reads
            in any case.
        min_words: own words that an item needs, at least.
        public_passages: names of the benchmarks whose passages are published texts.

    Raises:
        ConfigError: ``min_words`` below 1.
    """
    if min_words < 1:
        raise ConfigError(f"min_words must be at least 1, not {min_words}")
    items = list(items)
    owned = _own(items)
    solutions = _counts([item.solution for item in items])
    answers = _counts([item.answer for item in items])
    passages = _counts([item.passage for item in items])
    gaps: list[Gap] = []
    left_out = 0
    for at, item in enumerate(items):
        public = item.benchmark in public_passages and passages[at] > 0
        left_out += public
        found: list[tuple[Method, Reason]] = []
        reason = None
        own, words = owned[at]
        if own < min_words and (public or passages[at] < min_words):
            short = Reason.TOO_SHORT if words else Reason.NO_TEXT
            reason = Reason.PUBLIC_PASSAGE if public else short
            found.append((Method.LEXICAL, reason))
        if reason is None and item.language not in CODE and item.language not in semantic_languages:
            reason = Reason.LANGUAGE
        if reason is not None:
            found.append((Method.SEMANTIC, reason))
        says = answers[at] > 0 and item.answer.strip().casefold() not in TRUTHS
        if solutions[at] < min_words and not says:
            found.append((Method.ANSWER, Reason.NO_ANSWER))
        gaps += [Gap(item.benchmark, item.id, method, why) for method, why in found]
    return Coverage(len(items), tuple(gaps), left_out)


def _own(items: Sequence[Item]) -> list[tuple[int, int]]:
    """For each item, its words that it does not share with others, and all of them."""
    questions = _words([item.question for item in items])
    options = _words(["\n".join(item.choices) for item in items])
    stems: dict[Hashable, set[Hashable]] = defaultdict(set)
    sets: dict[Hashable, set[Hashable]] = defaultdict(set)
    for item, (question, _), (choices, _) in zip(items, questions, options, strict=True):
        stems[item.benchmark, question].add((choices, item.answer, item.passage))
        sets[item.benchmark, choices].add(question)
    found = []
    for item, (question, asked), (choices, offered) in zip(items, questions, options, strict=True):
        words = asked if len(stems[item.benchmark, question]) < SHARED else 0
        words += offered if len(sets[item.benchmark, choices]) < SHARED else 0
        found.append((words, asked + offered))
    return found


def _words(texts: Sequence[str]) -> list[tuple[bytes, int]]:
    """For each text, what is equal for texts of equal words, and how many there are."""
    found = []
    for _, batch in batches(texts):
        words = split(batch)
        bounds = words.bounds.tolist()
        for start, end in itertools.pairwise(bounds):
            found.append((words.hashes[start:end].tobytes(), end - start))
    return found


def _counts(texts: Sequence[str]) -> list[int]:
    return [count for _, count in _words(texts)]

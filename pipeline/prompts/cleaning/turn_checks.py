"""Conversations that hold no prompt worth keeping, each with the reason, the number and the bound."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from classifiers.language import LanguageIdentifier
from pipeline.core.decisions import Bound, Verdict
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters.language import Language
from pipeline.filters.ngrams import NGrams
from pipeline.filters.text import view
from pipeline.filters.words import ALPHABETIC
from pipeline.prompts.cleaning.openings import is_continuation, opening_key
from pipeline.prompts.cleaning.words import word_count
from pipeline.prompts.conversation import USER, Conversation

__all__ = [
    "TurnChecks",
    "TurnSignals",
    "instruction_lines",
    "repeated_lines",
    "repeated_words",
]

_NGRAM = 10
_FEWEST_WORDS = 100  # of a text in which repeated n-grams say something
_FEWEST_LINES = 8  # equal ones, before they are a paste and no list
_LEAST_SURE = 0.5  # of a line that speaks for the whole prompt
_FEWEST_LETTERS = 12  # of such a line
_LONGEST_LINE = 300


@dataclasses.dataclass(frozen=True, slots=True)
class TurnSignals:
    """What was measured on the opening prompt of a conversation.

    Args:
        words: see `pipeline.prompts.cleaning.words.word_count`.
        continuation: 1.0 where it is one of `pipeline.prompts.cleaning.openings.CONTINUATIONS`.
        opening_count: how often the log opens so; 0 where it is not in the table that was given.
        label: its language; ``"und"`` where it cannot be told.
        other_lead: by how much another language's probability exceeds that of all wanted ones.
        repeated_lines: share of its characters in copies of its most frequent line.
        repeated_words: share of its characters in 10-grams of words seen before; None for a short
            text.
    """

    words: float
    continuation: float
    opening_count: float
    label: str
    other_lead: float
    repeated_lines: float
    repeated_words: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class TurnChecks:
    """Checks on the opening prompt, the first thing a user says. In doubt a conversation stays.

    - ``near_empty.words.low``: under three words.
    - ``too_long.words.high``: more words than a model of an 8k window reads.
    - ``continuation.opening.high``: it carries on, greets or tries the machine.
    - ``continuation.opening_count.high``: one of the most frequent openings of the log.
    - ``language.other_lead.high``: as `pipeline.filters.Language` decides for prompts. What is too
      short to tell or all code passes, and so does a foreign text with an instruction in a wanted
      language before or behind it.
    - ``repetition.repeated_lines.high``, ``repetition.repeated_words.high``: one line or phrase
      pasted over and over.

    Args:
        fewest_words: of an opening prompt.
        most_words: of an opening prompt; None for no limit.
        languages: wanted, as labels of lid.176; empty for all.
        openings: the most frequent openings of the log, by `opening_key`: what
            `pipeline.prompts.cleaning.openings.frequent_openings` gives.
        continuations: whether `CONTINUATIONS` go.
        most_repeated_lines, most_repeated_words: bounds on the shares; None for no limit.

    Raises:
        ConfigError: a language is no label of the model, or a bound makes no sense.
        ModelError: languages are wanted and the model is missing or altered.
    """

    fewest_words: float | None = 3
    most_words: float | None = 6000
    languages: tuple[str, ...] = ()
    openings: Mapping[str, int] = dataclasses.field(default_factory=dict)
    continuations: bool = True
    most_repeated_lines: float | None = 0.5
    most_repeated_words: float | None = 0.7

    def __post_init__(self) -> None:
        low, high = self.fewest_words, self.most_words
        if low is not None and high is not None and low > high:
            raise ConfigError(
                f"turn_checks: fewest_words {low:g} is above most_words {high:g}; "
                "nothing could pass"
            )
        for name in ("most_repeated_lines", "most_repeated_words"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"turn_checks.{name} = {value:g} is a share: 0 to 1")
        if self.languages:
            LanguageIdentifier(prose=True).check(self.languages)

    def measure(self, conversations: Sequence[Conversation]) -> list[TurnSignals]:
        """The signals of each conversation, in order.

        Raises:
            ModelError: the language model is missing or altered.
        """
        texts = [next(iter(conversation.said(USER)), "") for conversation in conversations]
        found = self._languages(texts)
        return [
            TurnSignals(
                words=float(word_count(text)),
                continuation=float(is_continuation(text)),
                opening_count=float(
                    self.openings.get(opening_key(text), 0) if self.openings else 0
                ),
                label=label,
                other_lead=lead,
                repeated_lines=repeated_lines(text),
                repeated_words=repeated_words(text),
            )
            for text, (label, lead) in zip(texts, found, strict=True)
        ]

    def decide(self, signals: TurnSignals) -> tuple[Verdict, ...]:
        """All failing checks; none keeps the conversation."""
        found = (
            Bound("words", low=self.fewest_words).check("near_empty", signals.words),
            Bound("words", high=self.most_words).check("too_long", signals.words),
            Bound("opening", high=0.0 if self.continuations else None).check(
                "continuation", signals.continuation
            ),
            Bound("opening_count", high=0.0).check("continuation", signals.opening_count),
            self._of_language(signals),
            Bound("repeated_lines", high=self.most_repeated_lines).check(
                "repetition", signals.repeated_lines
            ),
            Bound("repeated_words", high=self.most_repeated_words).check(
                "repetition", signals.repeated_words
            ),
        )
        return tuple(verdict for verdict in found if verdict is not None)

    def check(self, conversations: Sequence[Conversation]) -> list[tuple[Verdict, ...]]:
        """`measure`, then `decide`, for each conversation.

        Raises:
            ModelError: see `measure`.
        """
        return [self.decide(signals) for signals in self.measure(conversations)]

    def _of_language(self, signals: TurnSignals) -> Verdict | None:
        if not self.languages:
            return None
        bounds: tuple[Bound, ...] = self._filter().bounds
        for bound in bounds:
            verdict = bound.check("language", getattr(signals, bound.signal, None))
            if verdict is not None:
                return dataclasses.replace(verdict, detail=signals.label)
        return None

    def _filter(self) -> Language:
        return Language(languages=self.languages or ("en",), prose=True, characters=200)

    def _languages(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Label and lead of each text; no lead where one of its outer lines is in a wanted language."""
        wanted = self._filter()
        found = [
            (str(signals["label"]), float(signals["other_lead"] or 0.0))
            for signals in wanted.measure_batch([Document("", text) for text in texts])
        ]
        if not self.languages:
            return [(label, 0.0) for label, _ in found]
        high = next(bound.high for bound in wanted.bounds if bound.signal == "other_lead")
        doubtful = [
            (index, line)
            for index, (_, lead) in enumerate(found)
            if high is not None and lead > high
            for line in instruction_lines(texts[index])
        ]
        identifier = LanguageIdentifier(prose=True)
        scores = identifier.identify([line for _, line in doubtful], self.languages)
        for (index, _), score in zip(doubtful, scores, strict=True):
            if score.wanted >= _LEAST_SURE and score.lead == 0.0:
                found[index] = (found[index][0], 0.0)
        return found


_COLON = re.compile(r"[:：](?=\s|[\"'“”„«])")


def instruction_lines(text: str) -> list[str]:
    """Where an instruction stands beside the text it is about.

    The first and the last line, what stands before a colon in the first, and what is left of a
    text of one line when its quotations are taken out.
    """
    lines = [line for line in (text[:4000] + "\n" + text[-4000:]).split("\n") if line.strip()]
    if not lines:
        return []
    first, last = lines[0][:_LONGEST_LINE], lines[-1][-_LONGEST_LINE:]
    parts = [_COLON.split(first, maxsplit=1)[0], _QUOTED.sub(" ", first)]
    if last != first:
        parts += [first, last]
    return [part for part in dict.fromkeys(parts) if sum(map(str.isalpha, part)) >= _FEWEST_LETTERS]


_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」")


def repeated_lines(text: str) -> float:
    """The share of characters in copies of the most frequent line, its first place left out.

    Lines without a letter, such as rules and rows of a matrix, are passed over; under eight equal
    lines the share is 0.
    """
    lines = Counter(" ".join(line.split()).casefold() for line in text.split("\n"))
    best = size = 0
    for line, count in lines.items():
        size += len(line) * count
        if count >= _FEWEST_LINES and any(map(str.isalpha, line)):
            best = max(best, len(line) * (count - 1))
    return best / size if size else 0.0


def repeated_words(text: str) -> float | None:
    """The share of characters of words in 10-grams seen before; None under 100 words with a letter."""
    seen = view(Document("", text), "words")
    if int(((seen.kinds & ALPHABETIC) != 0).sum()) < _FEWEST_WORDS:
        return None
    grams = NGrams(seen.words, seen.lengths)
    return grams.duplicate_characters(_NGRAM) / max(int(seen.lengths.sum()), 1)

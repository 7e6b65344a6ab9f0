"""When n-grams of an item that stand together in a text make a candidate, and where it is.

Finding a candidate is no verdict. The rules are generous, and bounded: what they let through is
looked at again, what they leave out is not.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from audits.lexical.item_ngrams import Part
from pipeline.core.errors import ConfigError

__all__ = ["Matching", "copies"]

_Floats = npt.NDArray[np.floating]
_Ints = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Matching:
    """What makes a candidate.

    The coverage of a part is the weighted share of its n-grams that are found in one place;
    evidence is the sum of the weights of all that are, so that a rare n-gram of five words is about
    1 and a template little. A place is a candidate for an item if

    - ``question`` of the question is covered, on ``evidence``; or
    - ``most_of`` of it is, on ``whole_evidence``, and where it is shorter than an n-gram, a choice
      or the answer stands there, too; or
    - ``solution`` or ``passage`` of these are covered, on ``evidence``; or
    - ``choices`` or ``answer`` of these are, on twice the evidence.

    Args:
        question, most_of, choices, answer, solution, passage: coverages, 0 to 1.
        evidence, whole_evidence: sums of weights.
        gap: n-grams of one place lie at most so many times the item's length apart.
        span: one place is at most so many times the item's length long.
        slack: words that are added to both.
        most: candidates of one text, the best ones.
        spacing: one more for every so many words of the text, so that a benchmark in one document
            is found as a whole; 0 for none.
        repeats: times that one n-gram is looked at in one text, the first ones.

    Raises:
        ConfigError: a value that makes no sense.
    """

    question: float = 0.15
    most_of: float = 0.5
    choices: float = 0.5
    answer: float = 0.5
    solution: float = 0.3
    passage: float = 0.3
    evidence: float = 0.9
    whole_evidence: float = 0.35
    gap: float = 1.0
    span: float = 1.5
    slack: int = 20
    most: int = 20
    spacing: int = 50
    repeats: int = 200

    def __post_init__(self) -> None:
        for name in ("question", "most_of", "choices", "answer", "solution", "passage"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(
                    f"matching.{name} = {getattr(self, name)}: give a share above 0 to 1"
                )
        for name in ("evidence", "whole_evidence", "gap", "span", "slack", "spacing"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"matching.{name} = {getattr(self, name)}: give 0 or more")
        for name in ("most", "repeats"):
            if getattr(self, name) < 1:
                raise ConfigError(f"matching.{name} = {getattr(self, name)}: give 1 or more")

    def candidates(
        self, covered: _Floats, evidence: _Floats, short: _Flags, near: _Flags
    ) -> _Flags:
        """Which of some places are candidates.

        Args:
            covered: ``[n, 7]``, coverage of each `Part`.
            evidence: ``[n]``, sum of the weights of the different n-grams.
            short: ``bool[n]``, whether the item's question is shorter than an n-gram.
            near: ``bool[n]``, whether a choice or the answer, too short to be evidence, is there.
        """
        beside = near | (covered[:, [Part.CHOICES, Part.ROW, Part.ANSWER]].max(axis=1) > 0)
        question = np.where(
            short & ~beside,
            covered[:, Part.LEAD],
            covered[:, [Part.QUESTION, Part.LEAD]].max(axis=1),
        )
        choices = covered[:, [Part.CHOICES, Part.ROW]].max(axis=1)
        enough = evidence >= self.evidence
        found: _Flags = (question >= self.most_of) & (evidence >= self.whole_evidence)
        found |= enough & (question >= self.question)
        found |= enough & (covered[:, Part.SOLUTION] >= self.solution)
        found |= enough & (covered[:, Part.PASSAGE] >= self.passage)
        options = (choices >= self.choices) | (covered[:, Part.ANSWER] >= self.answer)
        found |= (evidence >= 2 * self.evidence) & options
        return found

    def reaches(self, words: _Ints) -> tuple[_Ints, _Ints]:
        """Words between n-grams of one place, and from its first to its last, by items' lengths."""
        return tuple(  # type: ignore[return-value]
            (words * factor).astype(np.int64) + self.slack for factor in (self.gap, self.span)
        )


def copies(
    places: list[int],
    sources: list[int],
    parts: list[int],
    worth: list[float],
    span: int,
    slack: int,
) -> Iterator[tuple[int, int]]:
    """Rows of n-grams cut into copies of the item: none has an n-gram twice, or is longer than ``span``.

    There are as few copies as that leaves, so that whole copies are told apart whatever the order of
    what is in them. Where one cut does as well as another, it is made where the words leave the
    item's order the furthest. A cut through words that follow each other as they do in a part of the
    item counts as one and a half: no copy ends there, and what typing errors took out of many copies
    must not add up to one copy less.

    Args:
        places: of the n-grams in the text, ascending.
        sources: of each in the item; -1 where the item has it more than once.
        parts: of each, which `Part`.
        worth: of each. An n-gram at an edge that is worth under a tenth of its copy is left out if it
            stands more than ``slack`` words from where the others would have it.
        span: words.

    Yields:
        the first n-gram of a copy, and the one behind its last.
    """
    jumps = _jumps(places, sources)
    for first, last in itertools.pairwise(_cuts(places, sources, parts, jumps, span)):
        yield _trimmed(first, last, jumps, worth, slack)


def _cuts(
    places: list[int], sources: list[int], parts: list[int], jumps: list[int], span: int
) -> list[int]:
    """The cheapest cuts, with both ends, in time that grows with the n-grams.

    What cuts before an n-gram cost is known once the best beginning of the copy before it is. The
    beginnings that may still be the best of a later copy are kept with the best one first.
    """
    met = list(_met_before(places, sources))
    if max(met) < 0 and places[-1] - places[0] <= span:
        return [0, len(places)]  # nearly all: one copy
    begins: list[int] = []  # of the copy that each n-gram ends
    paid: list[tuple[int, int]] = []  # for all cuts, if there is one before each n-gram
    kept: deque[int] = deque()
    least = 0  # where a copy with this n-gram may begin at the earliest
    for at in range(len(places)):
        cost = (0, 0)
        if at:
            ordered = jumps[at] == 0 and parts[at] == parts[at - 1]
            apart = places[at] - places[at - 1]
            before = paid[begins[-1]]
            cost = (before[0] + (3 if ordered else 2), before[1] - jumps[at] - apart)
        while kept and paid[kept[-1]] >= cost:
            kept.pop()
        paid.append(cost)
        kept.append(at)
        least = max(least, met[at] + 1)
        while places[at] - places[least] > span:
            least += 1
        while kept[0] < least:
            kept.popleft()
        begins.append(kept[0])
    cuts = [len(places)]
    while cuts[-1] > 0:
        cuts.append(begins[cuts[-1] - 1])
    return cuts[::-1]


def _met_before(places: list[int], sources: list[int]) -> Iterator[int]:
    """Where each n-gram of the item was met before, -1 for nowhere.

    A run and an n-gram that it opens have one place, and are not each other's repetition.
    """
    met: dict[int, tuple[int, int]] = {}  # last met, and met before that at another place
    for at, source in enumerate(sources):
        last, before = met.get(source, (-1, -1))
        if last >= 0 and places[last] < places[at]:
            before = last
        if source >= 0:
            met[source] = (at, before)
        yield before


def _jumps(places: list[int], sources: list[int]) -> list[int]:
    """How far each n-gram is from where it would be, had it followed the one before it in the item."""
    jumps = [0] * len(places)
    before = -1
    for at, source in enumerate(sources):
        if source >= 0:
            if before >= 0:
                jumps[at] = abs((places[at] - places[before]) - (source - sources[before]))
            before = at
    return jumps


def _trimmed(
    first: int, last: int, jumps: list[int], worth: list[float], slack: int
) -> tuple[int, int]:
    little = 0.1 * sum(worth[first:last])
    while last - first > 2 and jumps[first + 1] > slack and worth[first] < little:
        first += 1
    while last - first > 2 and jumps[last - 1] > slack and worth[last - 1] < little:
        last -= 1
    return first, last

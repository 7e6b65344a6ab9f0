"""Items as the verifier knows them, read when first asked for.

Reading all items of many benchmarks would take gigabytes; few of them are ever candidates.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audits.items import Item
from audits.verify.evidence import Known, Rarity, rarity
from audits.verify.reading import Reader, Reading, number, stem

__all__ = ["KnownItems", "statement"]

_HELD = 4096  # items in memory at most
_FEW = 4  # words that say something; a stem with fewer is read together with its choices
_WORD = re.compile(r"[^\W_]+")
_LONG = 4  # letters of a word that says something
_SOLUTION = 2000  # characters of a solution that count

_DOCSTRING = re.compile(r"(\"\"\"|''')(.*?)\1", re.DOTALL)
_CODE = re.compile(r"^\s*(?:def|class|async def|from|import)\s", re.MULTILINE)
_EXAMPLES = re.compile(r"\s*(?:>>>|(?:for )?examples?\b.{0,20}$)", re.IGNORECASE)


def statement(item: Item) -> str:
    """An item's own text: what a passage that leaks it must say.

    Of code it is the prose of the longest docstring, up to its examples; a stem of few words, such
    as *Which is true?*, comes with its choices.
    """
    text = _docstring(item.question) if _CODE.search(item.question) else item.question
    telling = sum(len(word) >= _LONG or word.isdigit() for word in _WORD.findall(text))
    if telling < _FEW and item.choices:
        return "\n".join((text, *item.choices))
    return text


class KnownItems:
    """What is known of each item of an index.

    Args:
        items: in the order of the index.
        reader: reads them.
        neighbours: ``int64[items, k]``, the nearest other items of each, -1 for none.
    """

    def __init__(self, items: Sequence[Item], reader: Reader, neighbours: npt.NDArray[np.int64]):
        self.items, self._reader, self._neighbours = items, reader, neighbours
        self._readings: OrderedDict[int, Reading] = OrderedDict()
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._rarities = _rarities(items)

    def known(self, numbers: Sequence[int]) -> list[Known]:
        """What is known of these items, in order. Items that are asked for together are read so."""
        new = [at for at in dict.fromkeys(numbers) if at not in self._known]
        if new:
            near = {at: [n for n in self._neighbours[at].tolist() if n >= 0] for at in new}
            self._read([*new, *(other for others in near.values() for other in others)])
            rests = [self._rest(at) for at in new]
            written = [at for at in new if self.items[at].solution.strip()]
            solutions = dict(
                zip(
                    written,
                    self._reader.read([self.items[at].solution[:_SOLUTION] for at in written]),
                    strict=True,
                )
            )
            read = self._reader.read(rests, context=False)
            for at, rest in zip(new, read, strict=True):
                self._known[at] = self._make(at, near[at], rest, solutions.get(at))
        found = [self._known[at] for at in numbers]
        for at in numbers:
            self._known.move_to_end(at)
        while len(self._known) > _HELD:
            self._known.popitem(last=False)
        while len(self._readings) > 4 * _HELD:
            self._readings.popitem(last=False)
        return found

    def _make(self, at: int, near: Sequence[int], rest: Reading, solution: Reading | None) -> Known:
        item = self.items[at]
        content = rest.weights > 0
        answer = tuple(
            value
            for word in re.findall(r"\d+(?:[.,]\d+)*|[a-z]+", item.answer.lower())
            if (value := number(word)) is not None
        )
        question = self._readings[at]
        return Known(
            question=question,
            stems=frozenset(
                one for one, counts in zip(rest.stems, content.tolist(), strict=True) if counts
            ),
            alone=rest.alone[content],
            numbers=tuple(value for value in rest.numbers if value is not None),
            answer=answer,
            solution=np.zeros_like(question.pooled) if solution is None else solution.pooled,
            rarity=self._rarities[item.benchmark],
            neighbours=tuple(self._readings[other] for other in near),
        )

    def _read(self, numbers: Sequence[int]) -> None:
        new = [at for at in dict.fromkeys(numbers) if at not in self._readings]
        texts = [statement(self.items[at]) for at in new]
        # As a whole: what tells two questions on one long text apart stands at their end.
        self._readings.update(zip(new, self._reader.read(texts, whole=True), strict=True))
        for at in numbers:
            self._readings.move_to_end(at)

    def _rest(self, at: int) -> str:
        item = self.items[at]
        return "\n".join((*item.choices, item.answer, item.solution[:_SOLUTION]))


def _rarities(items: Sequence[Item]) -> dict[str, Rarity]:
    stems: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    for item in items:
        counts[item.benchmark] += 1
        words = _WORD.findall(statement(item).lower())
        stems.setdefault(item.benchmark, Counter()).update({stem(word) for word in words})
    return {name: rarity(found, counts[name]) for name, found in stems.items()}


def _docstring(code: str) -> str:
    pieces = [match.group(2) for match in _DOCSTRING.finditer(code)]
    if not pieces:
        return code
    longest = max(pieces, key=len)
    if not longest.strip():
        return code
    prose: list[str] = []
    for line in longest.splitlines():
        if prose and _EXAMPLES.match(line):
            break
        if line.strip():
            prose.append(line.strip())
    text = " ".join(prose)
    return text if len(text.split()) >= _FEW else " ".join(longest.split())

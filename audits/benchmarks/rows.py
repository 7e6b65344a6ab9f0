"""From rows to items: what a definition says of a row, done for all of them, and the account kept.

Every row that belongs to the split becomes an item, or a fault with its place and reason. A row
whose id is that of an earlier one is a fault too: results and findings go by ids, and two items of
one could not be told apart.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from audits.benchmarks.definitions import ALL, Definition, Group, Layout
from audits.benchmarks.fields import (
    Choice,
    FieldError,
    MissingField,
    Option,
    Path,
    Value,
    options_of,
)
from audits.benchmarks.files import Row
from audits.items import Item
from pipeline.core.errors import ConfigError, ConservationError, RecipeError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest

__all__ = ["Made", "make_items"]

CHOICES, ANSWER = "$choices", "$answer"  # of rows that were joined from those of their options
TRUE, FALSE = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no", "")
FIELDS_SHOWN = 40


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """The account: rows of the split = items + faults, rows of one group counted as one.

    Args:
        items: in the order of the rows.
        faults: place and reason of each row that is no item.
    """

    items: tuple[Item, ...]
    faults: tuple[str, ...]


def make_items(
    definition: Definition, layout: Layout, split: str, rows: Iterable[Row], source: str
) -> Made:
    """Make the items of a split.

    Args:
        definition: of the benchmark.
        layout: how the rows are stored.
        split: which split they are of, or to be picked from them.
        rows: all that the files hold.
        source: what is read, for messages.

    Raises:
        ConfigError: a field that no row has, or no row that could be used.
    """
    maker = _Maker(definition, layout, split)
    for row in rows if layout.group is None else _joined(rows, layout.group, layout.question):
        maker.take_in(row)
    return maker.finish(source)


class _Maker:
    def __init__(self, definition: Definition, layout: Layout, split: str):
        self._definition, self._layout, self._split = definition, layout, split
        self._name = definition.called(split)
        self._items: list[Item] = []
        self._faults: list[str] = []
        self._places: dict[str, str] = {}  # of rows, by the ids they have
        self._fields: dict[str, None] = {}  # all there are, in order of first appearance
        self._subjects: Counter[str] = Counter()
        self._subject = ""
        self._read = self._unread = self._passed = self._position = 0

    def take_in(self, row: Row) -> None:
        if row.values is None:
            self._read += row.lost
            self._unread += row.lost - 1
            if self._layout.group is None:  # of a group, it was an option
                self._position += row.lost
                self._subjects[self._subject] += row.lost
            self._fault(row.place, row.error)
            return
        self._fields |= dict.fromkeys(field for field in row.values if not field.startswith("$"))
        given = {**row.values, "$split": self._split, "$file": row.file, "$row": self._position}
        try:
            if not self._wanted(given):
                self._passed += 1
                return
            self._read += 1
            self._position += 1
            self._number(given)
            self._add(self._item(given), row.place)
        except FieldError as error:
            self._fault(row.place, str(error))

    def finish(self, source: str) -> Made:
        if self._read - self._unread != len(self._items) + len(self._faults):
            raise ConservationError(
                f"{source}: {self._read} rows were read, of which {len(self._items)} are items and "
                f"{len(self._faults)} faults"
            )
        if self._fields:
            self._check_fields(source)
        if not self._items:
            shown = printable(", ".join(list(self._fields)[:FIELDS_SHOWN])) or "none"
            if self._faults:
                why = f"none of its {self._read:,} rows can be used; the first: {self._faults[0]}"
            elif self._passed:
                why = f"none of its {self._passed:,} rows is of the split {self._split!r}"
            else:
                why = "there is no row in it"
            raise ConfigError(
                f"{self._name}: {source}: {why}. Fields there are: {shown}. Correct "
                f"{self._definition.file}, or the files"
            )
        return Made(tuple(self._items), tuple(self._faults))

    def _wanted(self, given: dict[str, Any]) -> bool:
        by = self._layout.split_of
        if by is None or self._split == ALL:
            return True
        found = by.number(given)[0] if by.start else by.text(given).strip()
        return found == self._split

    def _number(self, given: dict[str, Any]) -> None:
        """Adds the subject, and the position in it."""
        subject, position = "", None
        value = self._layout.subject
        if value is not None and value.start:
            subject, position = value.number(given)
        elif value is not None:
            subject = self._optional(value, given).strip()
        given["$subject"] = self._subject = subject
        given["$position"] = self._subjects[subject] if position is None else position
        self._subjects[subject] += 1

    def _item(self, given: dict[str, Any]) -> Item:
        layout = self._layout
        options = options_of(layout.choices, given)
        item = Item(
            benchmark=self._name,
            id=layout.id.text(given).strip() if layout.id else str(given["$row"]),
            question=layout.question.text(given),
            choices=given.get(CHOICES) or tuple(one.text for one in options if one.text),
            answer=given.get(ANSWER, ""),
            solution=self._optional(layout.solution, given),
            passage=self._optional(layout.passage, given),
            subject=given["$subject"],
            language=self._optional(layout.language, given).strip() or "en",
        )
        if layout.answer is None:
            return item
        return dataclasses.replace(item, answer=self._answer(layout.answer, given, options))

    def _answer(self, answer: Value | Choice, given: dict[str, Any], options: list[Option]) -> str:
        if isinstance(answer, Value):
            return self._optional(answer, given).strip()
        try:
            return answer.text(given, options)
        except MissingField:
            return ""

    def _optional(self, value: Value | None, given: dict[str, Any]) -> str:
        """Empty where a row has not got the field; `_check_fields` sees to it that some have."""
        try:
            return "" if value is None else value.text(given)
        except MissingField:
            return ""

    def _add(self, item: Item, place: str) -> None:
        if not item.id:
            raise FieldError("has no id; without 'id' in the definition, rows are numbered")
        if not (item.question.strip() or item.passage.strip() or item.choices):
            raise FieldError("has no text: question, choices and passage are empty")
        if item.id in self._places:
            raise FieldError(
                f"its id {item.id!r} is taken by {self._places[item.id]}; ids must differ: leave "
                "'id' out of the definition to have rows numbered"
            )
        self._places[item.id] = place
        self._items.append(item)

    def _fault(self, place: str, message: str) -> None:
        self._faults.append(printable(f"{place}: {message}"))

    def _check_fields(self, source: str) -> None:
        for key, line, path in _paths(self._layout):
            if path.text.startswith("$") or {path.text, path.field} & self._fields.keys():
                continue
            shown = ", ".join(list(self._fields)[:FIELDS_SHOWN])
            raise RecipeError(
                printable(
                    f"no row of {source} has the field {path.field!r}"
                    f"{nearest(path.field, self._fields)}; fields there are: {shown}"
                ),
                file=str(self._definition.file),
                line=line,
                key=key,
            )


def _paths(layout: Layout) -> Iterator[tuple[str, int, Path]]:
    """Every path that a layout names, with its key and line."""
    for field in dataclasses.fields(layout):
        part = getattr(layout, field.name)
        if isinstance(part, Choice):
            if part.labels is not None:
                yield field.name, part.line, part.labels
            part = part.value
        if isinstance(part, Group):
            part = (part.by, part.choice, part.correct)
        for value in part if isinstance(part, tuple) else (part,):
            if isinstance(value, Value):
                for path in value.paths:
                    yield field.name, value.line, path


def _joined(rows: Iterable[Row], group: Group, question: Value) -> Iterator[Row]:
    """A row for each group, in the order of their first rows; before them what cannot be used."""
    first: dict[str, Row] = {}
    questions: dict[str, str] = {}
    options: dict[str, list[tuple[str, bool]]] = {}
    for row in rows:
        if row.values is None:
            yield row
            continue
        try:
            key = group.by.text(row.values)
            option = group.choice.text(row.values).strip(), _truth(group.correct.text(row.values))
            if questions.setdefault(key, question.text(row.values)) != question.text(row.values):
                raise FieldError(f"its question is not that of the other rows of {key!r}")
        except FieldError as error:
            yield dataclasses.replace(row, values=None, error=str(error))
            continue
        first.setdefault(key, row)
        options.setdefault(key, []).append(option)
    for key, row in first.items():
        assert row.values is not None
        right = next((text for text, correct in options[key] if correct), "")
        texts = tuple(text for text, _ in options[key] if text)
        values = {**row.values, CHOICES: texts, ANSWER: right}
        yield dataclasses.replace(row, values=values)


def _truth(text: str) -> bool:
    said = text.strip().casefold()
    if said not in (*TRUE, *FALSE):
        raise FieldError(f"{text!r} where it should say true or false")
    return said in TRUE

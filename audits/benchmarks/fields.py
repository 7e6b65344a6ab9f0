"""How fields of a row make a part of an item: paths, templates, and the few ways to cut a text.

There is no expression language: a definition names fields and marks, and this file finds them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from pipeline.core.records import encodable
from pipeline.core.registry import nearest

__all__ = ["Choice", "FieldError", "MissingField", "Option", "Path", "Value", "options_of"]

EACH = "*"
BRACKETS = {"{": "}", "(": ")", "[": "]", "<": ">"}
# What stands before an option in a list of them: "(A) ", "b. ", "2) ", "- ".
BULLET = re.compile(r"\s*(?:\(\w{1,2}\)|\w{1,2}[.):]|[-*•])\s+")
SHOWN = 40


class FieldError(ValueError):
    """A row that does not give what a definition takes from it; the message is for a person."""


class MissingField(FieldError):  # noqa: N818 - it says what is wrong
    """The row has no field of this name.

    Args:
        name: of the field.
        row: the row, for the nearest of its fields.
    """

    def __init__(self, name: str, row: Mapping[str, Any]):
        there = [field for field in row if not field.startswith("$")]
        super().__init__(f"no field {name!r}{nearest(name, there)}")


@dataclasses.dataclass(frozen=True, slots=True)
class Path:
    """A field, or a place within one: ``answers.text.0``, ``choices.*.text``.

    ``0`` is the first member of a list, ``*`` each of them. A field whose own name has dots in it
    is found by that name.

    Args:
        text: as written.
    """

    text: str

    @property
    def field(self) -> str:
        """The name of the field it begins with, unless one has the whole path for its name."""
        return self.text.partition(".")[0]

    def find(self, row: Mapping[str, Any]) -> Any:
        """What is there; None where the place is empty.

        Raises:
            MissingField: the row has no such field.
            FieldError: the path goes on where a text or a number stands.
        """
        if self.text in row:
            return row[self.text]
        first, *rest = self.text.split(".")
        if first not in row:
            raise MissingField(first, row)
        return self._within(row[first], rest)

    def _within(self, value: Any, parts: list[str]) -> Any:
        for at, part in enumerate(parts):
            if value is None:
                return None
            if part == EACH and isinstance(value, list):
                return [self._within(member, parts[at + 1 :]) for member in value]
            if isinstance(value, list) and part.isdecimal():
                value = value[int(part)] if int(part) < len(value) else None
            elif isinstance(value, Mapping):
                value = value.get(part)
            else:
                raise FieldError(
                    f"{self.text!r} cannot be followed: {_kind(value)} has no {part!r}"
                )
        return value


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One of the choices, and what the answer may call it (empty for its position)."""

    text: str
    label: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """A text made of fields.

    The cuts apply in the order of the arguments; marks are looked for from the end.

    Args:
        pieces: literal text and paths, in order. A single path may give a list.
        after: only what follows this mark; nothing where it is missing.
        before: only what precedes this mark; everything where it is missing.
        within: only what stands in the brackets that open behind this mark, as ``\\boxed`` has them.
        split: the mark between options in a text.
        options: the mark that a list of options follows, one a line.
        start: the text is a whole number; name and first number of each range, in ascending order.
        line: in the definition.
    """

    pieces: tuple[str | Path, ...]
    after: str = ""
    before: str = ""
    within: str = ""
    split: str = ""
    options: str = ""
    start: tuple[tuple[str, int], ...] = ()
    line: int = dataclasses.field(default=0, compare=False)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths among its pieces."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Path))

    def text(self, row: Mapping[str, Any]) -> str:
        """As one text; of a list, its members with a blank line between them.

        Raises:
            MissingField: the row has not got a field.
            FieldError: what is there is no text.
        """
        return self._cut("".join(self._piece(piece, row) for piece in self.pieces))

    def option_list(self, row: Mapping[str, Any]) -> list[Option]:
        """As options: the members of a list or of a map, the pieces of a text, or the one text.

        Raises:
            MissingField, FieldError: as `text`.
        """
        if self.split:
            return [Option(piece.strip()) for piece in self.text(row).split(self.split)]
        if self.options:
            _, mark, rest = self.text(row).rpartition(self.options)
            lines = _lines(rest) if mark else []
            return [Option(BULLET.sub("", line, count=1).strip()) for line in lines]
        found = self.pieces[0].find(row) if isinstance(self.pieces[0], Path) else None
        if len(self.pieces) == 1 and isinstance(found, list):
            return [Option(self._cut(_text(member)).strip()) for member in found]
        if len(self.pieces) == 1 and isinstance(found, Mapping):
            return [
                Option(self._cut(_text(member)).strip(), name)
                for name, member in found.items()
                if member is not None  # Parquet gives every row the keys of all
            ]
        return [Option(self.text(row).strip())]

    def number(self, row: Mapping[str, Any]) -> tuple[str, int]:
        """The range that the number lies in, and how far from its beginning.

        Raises:
            MissingField, FieldError: as `text`; or no whole number, or one before all ranges.
        """
        text = "".join(self._piece(piece, row) for piece in self.pieces).strip()
        try:
            number = int(text)
        except ValueError:
            raise FieldError(f"{_shown(text)} is no whole number") from None
        for name, first in reversed(self.start):
            if number >= first:
                return name, number - first
        raise FieldError(
            f"{number} lies before the first range, which begins at {self.start[0][1]}"
        )

    def _piece(self, piece: str | Path, row: Mapping[str, Any]) -> str:
        return piece if isinstance(piece, str) else _text(piece.find(row), piece.text)

    def _cut(self, text: str) -> str:
        if self.after:
            text = text.rpartition(self.after)[2] if self.after in text else ""
        if self.before and self.before in text:
            text = text.rpartition(self.before)[0]
        if self.within:
            text = _in_brackets(text, self.within)
        return text.strip() if self.after or self.before or self.within else text


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """The right answer, named by its place among the choices or by its letter.

    Args:
        value: the place, the letter, or the text itself.
        labels: where the rows have names of their own for the choices.
        first: the number of the first choice.
        line: in the definition.
    """

    value: Value
    labels: Path | None = None
    first: int = 0
    line: int = dataclasses.field(default=0, compare=False)

    def text(self, row: Mapping[str, Any], options: list[Option]) -> str:
        """The text of the right answer; empty where the row names none, as hidden labels do.

        Raises:
            MissingField: the row has not got a field.
            FieldError: a place or letter beyond the choices.
        """
        named = self.value.text(row).strip()
        if not named or named == "-1" or not options:
            return "" if options else named
        labels = [option.label for option in options]
        if self.labels is not None:
            labels = [_text(label).strip() for label in self.labels.find(row) or ()]
        bare = named.strip("().: ")
        for label, option in zip(labels, options, strict=False):
            if label and label == bare:
                return option.text
        at = self._place(bare)
        if at is None:
            return named
        if not 0 <= at < len(options):
            raise FieldError(f"the answer {_shown(named)} is none of the {len(options)} choices")
        return options[at].text

    def _place(self, named: str) -> int | None:
        if named.isascii() and named.isdecimal():
            return int(named) - self.first
        if len(named) == 1 and named.isascii() and named.isalpha():
            return ord(named.upper()) - ord("A")
        return None


def options_of(values: tuple[Value, ...], row: Mapping[str, Any]) -> list[Option]:
    """The choices of a row, in order; empty ones among them, so that places stay what they are.

    Args:
        values: of the definition.
        row: a field that it has not got is an empty option.

    Raises:
        FieldError: as `Value.text`.
    """
    found: list[Option] = []
    for value in values:
        try:
            found += value.option_list(row)
        except MissingField:
            found.append(Option(""))
    return found


def _text(value: Any, place: str = "") -> str:
    """A field's value as text.

    Raises:
        FieldError: a map, or a list with one in it.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # 18.0 is what a column of numbers makes of 18
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, list):
        return "\n\n".join(text for member in value if (text := _text(member, place)))
    where = f" in {place!r}" if place else ""
    keys = (
        f"; name one of its keys: {', '.join(map(str, value))}" if isinstance(value, dict) else ""
    )
    raise FieldError(f"{_kind(value)}{where} where text belongs{keys}")


def _in_brackets(text: str, mark: str) -> str:
    """What stands in the brackets behind the last ``mark``; without brackets, the next word."""
    _, found, rest = text.rpartition(mark)
    rest = rest.lstrip()
    if not found or not rest:
        return ""
    close = BRACKETS.get(rest[0])
    if close is None:
        return re.split(r"[\s$]", rest, maxsplit=1)[0]
    depth = 0
    for at, sign in enumerate(rest):
        depth += (sign == rest[0]) - (sign == close)
        if depth == 0:
            return rest[1:at]
    return ""


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _kind(value: Any) -> str:
    names = {
        str: "text",
        list: "a list",
        dict: "a map",
        bool: "a truth value",
        type(None): "nothing",
    }
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return "a number" if numeric else names.get(type(value), type(value).__name__)


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…")

"""Labelled leaks: texts of which a person has said what they are to an item, and the shipped ones.

Two kinds of rows are read, from JSON lines or Parquet, also mixed:

- A labelled pair: ``benchmark``, ``item_id``, ``item_text``, ``variant_text``, ``kind``, and where
  there are any ``subkind``, ``lang`` (of the variant), ``item_options``, ``item_answer``, ``note``.
- A group, as in ``shipped/leaks``: an item (``group``, ``trade``, ``question``, ``choices``,
  ``answer``, ``solution``, ``passage``) with lists of its variants: ``paraphrases`` (light, free,
  casual), ``altered``, ``same_topic`` (other questions that share its words), ``explained`` (its
  answer, without the question), ``explained_other`` (that of another question), and ``inline``
  (prose with a paraphrase in its midst).

One row that cannot be used costs that row. Texts are evidence, and are never taken for instructions.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audits.findings import Kind
from audits.items import Item
from pipeline.core.errors import ConfigError, ConservationError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest
from pipeline.sources.tables import TableRow, plan_tables, read_rows

__all__ = ["SELF_TEST", "Leak", "Leaks", "read_leaks", "shipped_leaks"]

SELF_TEST = "self-test"  # the benchmark that a group's item is of
SHIPPED = Path(__file__).parents[1] / "shipped" / "leaks"

DUPLICATE = "suspected-true-duplicate"  # a note: the variant may be a copy
EMPTY_VARIANT, SUSPECTED = "empty variant", "suspected true duplicate"
_CODE = "code-"  # trades whose items are programs

_KINDS = {
    **{kind.value: kind for kind in Kind},
    "rephrase": Kind.PARAPHRASE,
    "unrelated-hard-negative": Kind.SAME_TOPIC,
}
_VARIANTS = (  # of a group: key, kind, forms
    ("paraphrases", Kind.PARAPHRASE, ("light", "free", "casual")),
    ("inline", Kind.PARAPHRASE, ("inline",)),
    ("altered", Kind.ALTERED, ("written",)),
    ("explained", Kind.ANSWER_EXPLAINED, ("written",)),
    ("same_topic", Kind.SAME_TOPIC, ("question",)),
    ("explained_other", Kind.SAME_TOPIC, ("explained",)),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Leak:
    """A text, and what it is to an item.

    Args:
        item: which; of a labelled pair without passage and subject.
        text: the variant.
        kind: ``same-topic`` for a text that is no leak, though like one.
        form: of that kind: ``subkind`` of a pair, up to its colon.
        language: of the text.
    """

    item: Item
    text: str
    kind: Kind
    form: str
    language: str = "en"


@dataclasses.dataclass(frozen=True, slots=True)
class Leaks:
    """What was read. The account: rows = used + those left out + faults.

    Args:
        leaks: in the order of the rows.
        rows: read.
        used: rows that gave at least one leak.
        left_out: rows that are not meant to be used, by reason.
        faults: place and reason of each row that could not be; one at the damage of a file may
            stand for several rows.
    """

    leaks: tuple[Leak, ...]
    rows: int
    used: int
    left_out: Mapping[str, int]
    faults: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Leak]:
        return iter(self.leaks)

    def __len__(self) -> int:
        return len(self.leaks)


def read_leaks(path: str | os.PathLike[str]) -> Leaks:
    """Read labelled leaks. Rows without a variant, and suspected true duplicates, are left out.

    Rows of one ``benchmark`` and ``item_id`` are about one item; its options and answer are those of
    the first row that has any. Where some of them give its text with more behind it, as the code
    that solves a task, that is its solution.

    Args:
        path: of a file, a folder or a glob; JSON lines (also .gz, .zst) or Parquet.

    Raises:
        ConfigError: no row is a labelled leak.
        SourceError: a file that cannot be read.
    """
    reader = _Reader()
    for part in plan_tables([path]):
        for row in read_rows(part):
            reader.take_in(row)
    return reader.finish(printable(os.fspath(path)))


def shipped_leaks() -> Leaks:
    """The leaks that come with the package, of invented items of fourteen trades, in English.

    Raises:
        SourceError: the installation lacks them.
    """
    return read_leaks(SHIPPED)


class _RowError(ValueError):
    """Why a row cannot be used; the message is for a person."""


class _Reader:
    def __init__(self) -> None:
        self._pairs: list[tuple[tuple[str, str], dict[str, Any], Kind] | list[Leak]] = []
        self._items: dict[tuple[str, str], Item] = {}
        self._left_out: Counter[str] = Counter()
        self._faults: list[str] = []
        self._rows = self._lost = 0

    def take_in(self, row: TableRow) -> None:
        self._rows += row.lost
        self._lost += row.lost - 1
        try:
            if row.values is None:
                raise _RowError(row.error or "cannot be read")
            if "group" in row.values:
                self._group(row.values)
            else:
                self._pair(row.values)
        except _RowError as fault:
            self._faults.append(printable(f"{row.place}: {fault}"))

    def finish(self, path: str) -> Leaks:
        leaks: list[Leak] = []
        for entry in self._pairs:
            if isinstance(entry, list):
                leaks += entry
                continue
            key, row, kind = entry
            form = (_text(row, "subkind") or kind.value).partition(":")[0]
            language = _text(row, "lang") or "en"
            leaks.append(Leak(self._items[key], _text(row, "variant_text"), kind, form, language))
        used, left_out = len(self._pairs), sum(self._left_out.values())
        if self._rows - self._lost != used + left_out + len(self._faults):
            raise ConservationError(
                f"{path}: {self._rows} rows were read, of which {used} are used, {left_out} left "
                f"out and {len(self._faults)} faults"
            )
        if not leaks:
            first = f"; the first: {self._faults[0]}" if self._faults else ""
            raise ConfigError(
                f"{path}: none of its {self._rows:,} rows is a labelled leak{first}. A row needs "
                "benchmark, item_id, item_text, variant_text and kind"
            )
        return Leaks(tuple(leaks), self._rows, used, dict(self._left_out), tuple(self._faults))

    def _pair(self, row: dict[str, Any]) -> None:
        for name in ("benchmark", "item_id", "item_text", "kind"):
            if not _text(row, name).strip():
                raise _RowError(f"has no {name}{'' if name in row else nearest(name, row)}")
        named = _text(row, "kind").strip()
        if named not in _KINDS:
            raise _RowError(f"no kind is called {named!r}{nearest(named, _KINDS)}")
        kind = _KINDS[named]
        item = _item_of_pair(row, kind)
        key = (item.benchmark, item.id)
        known = self._items.get(key, item)
        question, more = _shorter(known.question, item.question)
        if more is None:
            raise _RowError(f"its item_text is not that of the other rows of {' '.join(key)!r}")
        self._items[key] = dataclasses.replace(
            known,
            question=question,
            choices=known.choices or item.choices,
            answer=known.answer or item.answer,
            solution=known.solution or more,
            language=item.language if known.language == "en" else known.language,
        )
        if not _text(row, "variant_text").strip():
            self._left_out[EMPTY_VARIANT] += 1
        elif _text(row, "note").startswith(DUPLICATE):
            self._left_out[SUSPECTED] += 1
        else:
            self._pairs.append((key, row, kind))

    def _group(self, row: dict[str, Any]) -> None:
        for name in ("group", "question"):
            if not _text(row, name).strip():
                raise _RowError(f"has no {name}")
        trade = _text(row, "trade")
        item = Item(
            SELF_TEST,
            _text(row, "group").strip(),
            _text(row, "question"),
            choices=_texts(row, "choices"),
            answer=_text(row, "answer"),
            solution=_text(row, "solution"),
            passage=_text(row, "passage"),
            subject=trade,
            language="py" if trade.startswith(_CODE) else "en",
        )
        leaks = [
            Leak(item, text, kind, forms[min(at, len(forms) - 1)])
            for key, kind, forms in _VARIANTS
            for at, text in enumerate(_texts(row, key))
            if text.strip()
        ]
        if (SELF_TEST, item.id) in self._items:
            raise _RowError(f"there is another group {item.id!r}")
        self._items[SELF_TEST, item.id] = item
        if leaks:
            self._pairs.append(leaks)
        else:
            self._left_out[EMPTY_VARIANT] += 1


def _item_of_pair(row: dict[str, Any], kind: Kind) -> Item:
    options = _texts(row, "item_options")
    answer = _text(row, "item_answer").strip()
    if options and len(answer) == 1 and answer not in options:  # a letter stands for an option
        at = ord(answer.upper()) - ord("A")
        answer = options[at] if 0 <= at < len(options) else answer
    # Of a translation, or of what may be the translation of another, ``lang`` is not the item's.
    own = kind not in (Kind.TRANSLATION, Kind.SAME_TOPIC)
    return Item(
        _text(row, "benchmark").strip(),
        _text(row, "item_id").strip(),
        _text(row, "item_text").strip(),
        choices=options,
        answer=answer,
        language=(_text(row, "lang").strip() if own else "") or "en",
    )


def _shorter(one: str, other: str) -> tuple[str, str | None]:
    """The text that the other begins with, and what follows it there; None if neither does."""
    short, long = sorted((one.strip(), other.strip()), key=len)
    return (short, long[len(short) :]) if long.startswith(short) else (one, None)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _RowError(f"its {name} is no text")
    return value


def _texts(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name)
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise _RowError(f"its {name} are no texts")
    return tuple(values)

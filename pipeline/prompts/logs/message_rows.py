"""Messages of trees that come one in a row and in any order, put together again.

Open Assistant's flat files: ``message_id``, ``parent_id``, ``text``, ``role``. A tree is known to be
whole at the end of the file only, so that texts wait in a temporary file; in memory are ids and
positions, some 300 bytes a message.
"""

from __future__ import annotations

import array
import dataclasses
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from pipeline.core.errors import StorageError
from pipeline.prompts.logs.oasst import Message, message_id
from pipeline.sources.corpus_rows import id_text

__all__ = ["Detached", "MessageTrees", "PlacedRow", "Tree", "is_message_row", "trees_of"]

PARENTS = ("parent_id", "parent_message_id")
HELD = 1 << 20  # bytes of texts that stay in memory


@dataclasses.dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row and where it was.

    Args:
        values: as `pipeline.prompts.logs.formats.conversations` takes them; or why they cannot be had.
        position: unique in the run.
        place: for a person.
        lost: rows that it stands for, where it cannot be had.
    """

    values: Any
    position: str
    place: str
    lost: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """A root with all that hangs on it.

    Args:
        root: with its answers.
        row: of the root.
        size: messages in it, and rows that they were.
    """

    root: Message
    row: PlacedRow
    size: int


@dataclasses.dataclass(frozen=True, slots=True)
class Detached:
    """Messages that hang on no root.

    Args:
        reason: ``log.tree_orphan``: the message above is not in the file; ``log.tree_cycle``: it is
            below; ``log.tree_repeated``: another message had the same id before.
        error: for a person.
        rows: theirs.
    """

    reason: str
    error: str
    rows: tuple[PlacedRow, ...]


def is_message_row(values: Any) -> bool:
    """Whether a row is one message of a tree, and tells which one it answers."""
    return (
        isinstance(values, dict)
        and ("message_id" in values or "user_message_id" in values)
        and any(name in values for name in PARENTS)
        and "replies" not in values
    )


class MessageTrees:
    """Takes in messages one by one, and gives them out by tree. A context manager.

    Messages are of one tree if they have the same ``message_tree_id`` or one answers the other.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(HELD)  # noqa: SIM115 - closed in __exit__
        self._nodes: dict[str, int] = {}  # of ids of messages and of trees
        self._above = array.array("q")  # union-find: the node that stands for a node
        self._rows: list[tuple[int, int]] = []  # node, and where the row is in the file
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, row: PlacedRow) -> None:
        """Take in a message.

        Raises:
            StorageError: the temporary file cannot be written.
        """
        values = row.values
        node = self._node(f"m{id_text(message_id(values))}")
        parent = parent_of(values)
        if parent:
            self._join(node, self._node(f"m{parent}"))
        tree = id_text(values.get("message_tree_id"))
        if tree:
            self._join(node, self._node(f"t{tree}"))
        stored = json.dumps([values, row.position, row.place], default=str).encode() + b"\n"
        try:
            self._file.write(stored)
        except OSError as error:
            raise StorageError(f"temporary file of messages: {error}; set TMPDIR") from error
        self._rows.append((node, self._end))
        self._end += len(stored)

    def trees(self) -> Iterator[list[PlacedRow]]:
        """The messages of each tree in the order of their rows; trees in that of their first row."""
        groups: dict[int, list[int]] = {}
        for node, offset in self._rows:
            groups.setdefault(self._find(node), []).append(offset)
        for offsets in groups.values():
            rows = []
            for offset in offsets:
                self._file.seek(offset)
                rows.append(PlacedRow(*json.loads(self._file.readline())))
            yield rows

    def _node(self, name: str) -> int:
        node = self._nodes.setdefault(name, len(self._above))
        if node == len(self._above):
            self._above.append(node)
        return node

    def _find(self, node: int) -> int:
        above = self._above
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    def _join(self, one: int, other: int) -> None:
        first, second = sorted((self._find(one), self._find(other)))
        self._above[second] = first


def parent_of(values: Mapping[str, Any]) -> str:
    """The id of the message that a row answers; empty for a root."""
    return next((text for name in PARENTS if (text := id_text(values.get(name)))), "")


def trees_of(rows: Sequence[PlacedRow]) -> Iterator[Tree | Detached]:
    """Every root among messages with what hangs on it, and then those that hang on none.

    Args:
        rows: of one tree, as `MessageTrees.trees` gives them; each is in one result.
    """
    nodes: dict[str, int] = {}
    repeated: list[PlacedRow] = []
    for number, row in enumerate(rows):
        if nodes.setdefault(id_text(message_id(row.values)), number) != number:
            repeated.append(row)
    messages = {number: Message(rows[number].values) for number in nodes.values()}
    parents = {number: parent_of(message.values) for number, message in messages.items()}
    for number, parent in parents.items():
        if parent in nodes:
            messages[nodes[parent]].answers.append(messages[number])
    left = dict(messages)
    for number in messages:
        if not parents[number]:
            size = len(_take(number, messages[number], nodes, left))
            yield Tree(messages[number], rows[number], size)
    orphans: list[int] = []
    for number, parent in parents.items():
        if parent and parent not in nodes and number in left:
            orphans += _take(number, messages[number], nodes, left)
    if orphans:
        missing = next(parents[number] for number in orphans if parents[number] not in nodes)
        why = f"they hang on a message that is not in the file, {missing!r:.60}"
        yield Detached("log.tree_orphan", why, tuple(rows[number] for number in sorted(orphans)))
    if left:
        why = "they answer each other in a circle, or a message of one"
        yield Detached("log.tree_cycle", why, tuple(rows[number] for number in left))
    if repeated:
        why = "another message has the same id and came before"
        yield Detached("log.tree_repeated", why, tuple(repeated))


def _take(
    number: int, top: Message, nodes: Mapping[str, int], left: dict[int, Message]
) -> list[int]:
    """Numbers of a message and of all below it, which are no longer left."""
    taken = [number]
    below = [top]
    del left[number]
    while below:
        for answer in below.pop().answers:
            own = nodes[id_text(message_id(answer.values))]
            del left[own]
            taken.append(own)
            below.append(answer)
    return taken

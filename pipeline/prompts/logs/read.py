"""Chat logs of every shape, in files of every kind, read as conversations with bounded memory.

Every row ends in a conversation or in a fault, and the sums are checked. Which conversations there
are does not depend on how the files were cut; `plan_logs` keeps files together that must be.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from pipeline.core.errors import ConservationError, RecordError
from pipeline.core.records import encodable
from pipeline.prompts.conversation import Conversation
from pipeline.prompts.logs.fields import LogFields
from pipeline.prompts.logs.formats import RowShape, conversations
from pipeline.prompts.logs.message_rows import (
    MessageTrees,
    PlacedRow,
    Tree,
    is_message_row,
    trees_of,
)
from pipeline.prompts.logs.oasst import message_id, ways
from pipeline.prompts.logs.parts import check_fields, plan_logs
from pipeline.prompts.logs.rows import LogPart, log_rows
from pipeline.sources.corpus_rows import id_text

__all__ = [
    "LogFault",
    "LogFields",
    "LogPart",
    "LogTally",
    "check_fields",
    "plan_logs",
    "read_logs",
]

ROW_CHARACTERS = 1 << 16  # of a row that a fault shows


@dataclasses.dataclass(frozen=True, slots=True)
class LogFault:
    """A row, or a part of one, that is in no conversation.

    Args:
        place: file and position, for a person.
        reason: slug: ``table.json`` and others of `pipeline.sources.table_rows.TableRow`, those of
            `pipeline.prompts.logs.formats.conversations`, ``log.tree_orphan``, ``log.tree_cycle``,
            ``log.tree_repeated``, ``log.message_id``.
        error: what failed, for a person.
        lost: rows that it stands for; 0 where the row is in a conversation all the same, and only
            a part of it is not.
        row: as JSON, its first 65,536 characters; empty where it could not be read.
    """

    place: str
    reason: str
    error: str
    lost: int = 1
    row: str = ""


@dataclasses.dataclass(slots=True)
class LogTally:
    """What became of the rows of one or more parts.

    Args:
        rows: read, or told as lost by the reader of the file.
        used: that are in a conversation.
        faulty: that faults stand for.
        conversations: made of them.
        renamed: conversations whose id was taken.
    """

    rows: int = 0
    used: int = 0
    faulty: int = 0
    conversations: int = 0
    renamed: int = 0

    def check(self) -> None:
        """See that every row has one fate.

        Raises:
            ConservationError: it has not.
        """
        if self.rows != self.used + self.faulty:
            raise ConservationError(
                f"of {self.rows} rows of logs {self.used} are in conversations "
                f"and {self.faulty} in faults; please report this"
            )


def read_logs(
    part: LogPart,
    fields: LogFields | None = None,
    *,
    tally: LogTally | None = None,
    seen: set[str] | None = None,
) -> Iterator[Conversation | LogFault]:
    """The conversations of a part and its faults, in the order of the rows.

    Messages of trees that come one in a row are told at the end, tree by tree. A conversation whose
    id was seen before gets one made of its position instead, as in ``chats.jsonl:1234``: the text
    is another, or what repeats is found by its text.

    Args:
        part: from `plan_logs`.
        fields: named by the user.
        tally: is added to, and checked at the end of the part.
        seen: ids that are taken; is added to. Give the same set for all parts that are read in one
            process: without it, ids are told apart within the part only.

    Raises:
        SourceError: an input can no longer be read.
        StorageError: there is no room for a temporary file.
        ConservationError: rows were lost, which is a bug.
    """
    fields = fields or LogFields()
    tally = LogTally() if tally is None else tally
    seen = set() if seen is None else seen
    with MessageTrees() as trees:
        for row in log_rows(part, fields):
            tally.rows += row.lost
            given: Iterator[Conversation | RecordError]
            if isinstance(row.values, RecordError):
                given = iter([row.values])
            elif fields.turns is None and is_message_row(row.values):
                if id_text(message_id(row.values)):
                    trees.add(PlacedRow(row.values, row.position, row.place))
                    continue
                given = iter([RecordError("log.message_id", "a message of a tree without an id")])
            else:
                given = conversations(row.values, row.position, row.place, fields)
            yield from _fates(given, row, row.lost, tally, seen)
        for group in trees.trees():
            for found in trees_of(group):
                if isinstance(found, Tree):
                    shape = RowShape(found.row.values, found.row.position, found.row.place, fields)
                    given, row, rows = ways(found.root, shape.conversation), found.row, found.size
                else:
                    given, row = iter([RecordError(found.reason, found.error)]), found.rows[0]
                    rows = len(found.rows)
                yield from _fates(given, row, rows, tally, seen)
    tally.check()


def _fates(
    given: Iterator[Conversation | RecordError],
    row: PlacedRow,
    rows: int,
    tally: LogTally,
    seen: set[str],
) -> Iterator[Conversation | LogFault]:
    """What became of a row, or of the rows of a tree: the first fault stands for all if they are lost.

    Args:
        given: its conversations and faults.
        row: the first of them.
        rows: how many they are.
    """
    used = False
    held: list[LogFault] = []
    for item in given:
        if isinstance(item, Conversation):
            if not used:
                used = True
                tally.used += rows
                yield from held
            tally.conversations += 1
            yield _distinct(item, row.position, tally, seen)
            continue
        fault = LogFault(row.place, item.reason, encodable(item.message), 0, _shown(row.values))
        if used:
            yield fault
        else:
            held.append(fault)
    if not used:
        tally.faulty += rows
        yield dataclasses.replace(held[0], lost=rows)
        yield from held[1:]


def _distinct(
    conversation: Conversation, position: str, tally: LogTally, seen: set[str]
) -> Conversation:
    """The conversation under an id that no other one has."""
    if conversation.id not in seen:
        seen.add(conversation.id)
        return conversation
    tally.renamed += 1
    identity, number = position, 1
    while identity in seen:
        number += 1
        identity = f"{position}/{number}"
    seen.add(identity)
    return dataclasses.replace(conversation, id=identity)


def _shown(values: Any) -> str:
    if isinstance(values, RecordError):
        return ""
    return encodable(json.dumps(values, ensure_ascii=False, default=str)[:ROW_CHARACTERS])

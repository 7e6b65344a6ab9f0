"""Labels of intent in a file that only grows: a line for each, written at once, read again whole.

A process that is killed loses no label that it was given. Lines may be written by hand, too:
``{"prompt": "…", "intent": "asking"}`` is one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classifiers.intent import INTENTS, Asked
from classifiers.intent_labeller import IntentLabeller, turn_id
from pipeline.core.errors import RecordError, SourceError, StorageError
from pipeline.runtime.storage import storage_errors

__all__ = ["CHANCE", "UNCERTAIN", "IntentLabel", "LabelFile", "Remembered"]

CHANCE, UNCERTAIN = "chance", "uncertain"  # how a turn was drawn


@dataclasses.dataclass(frozen=True, slots=True)
class IntentLabel:
    """A label of a turn.

    Args:
        id: `turn_id` of the turn.
        intent: one of `INTENTS`.
        by: who gave it.
        said: what the model said when it was drawn; empty where none was asked.
        drawn: `CHANCE` or `UNCERTAIN`; empty where nobody knows.
        asked: the turn, long texts without their middle; None where only the label is kept.
    """

    id: str
    intent: str
    by: str = "person"
    said: str = ""
    drawn: str = ""
    asked: Asked | None = None

    def to_json(self) -> dict[str, str]:
        """The line; what is empty is left out."""
        texts = dataclasses.asdict(self.asked) if self.asked else {}
        own = {key: getattr(self, key) for key in ("id", "intent", "by", "said", "drawn")}
        return {key: value for key, value in {**own, **texts}.items() if value}

    @classmethod
    def from_json(cls, values: Any) -> IntentLabel:
        """A line that was read.

        Raises:
            RecordError: ``label.object``, ``label.intent``, ``label.text``, ``label.id``.
        """
        if not isinstance(values, dict):
            raise RecordError("label.object", f"{type(values).__name__} where an object belongs")
        if values.get("intent") not in INTENTS:
            shown = f"{values.get('intent')!r:.40}"
            raise RecordError("label.intent", f"intent = {shown}; give {', '.join(INTENTS)}")
        names = ("id", "by", "said", "drawn", "before", "reply", "prompt")
        found = {name: values.get(name) or "" for name in names}
        wrong = [name for name, value in found.items() if not isinstance(value, str)]
        if wrong:
            raise RecordError("label.text", f"{wrong[0]} is no text")
        texts = {name: found.pop(name) for name in ("before", "reply", "prompt")}
        asked = Asked(**texts) if texts["prompt"] else None
        found["id"] = found["id"] or (turn_id(asked) if asked else "")
        if not found["id"]:
            raise RecordError("label.id", "neither id nor prompt; give one of them")
        found["by"] = found["by"] or "person"
        return cls(intent=values["intent"], asked=asked, **found)


@dataclasses.dataclass(frozen=True)
class LabelFile:
    """A file of labels, JSON lines. It need not be there yet.

    Args:
        path: its place.
    """

    path: Path

    def read(self) -> tuple[dict[str, IntentLabel], list[str]]:
        """Labels by id, the last one of each, in the order of their first; and what is no label.

        Raises:
            SourceError: the file cannot be read.
        """
        found: dict[str, IntentLabel] = {}
        faults: list[str] = []
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return found, faults
        except OSError as error:
            raise SourceError(f"{self.path}: {error.strerror or error}") from error
        for number, line in enumerate(data.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                label = IntentLabel.from_json(json.loads(line))
            except RecordError as error:
                faults.append(f"{self.path} line {number}: {error}")
            except (ValueError, RecursionError) as error:
                faults.append(f"{self.path} line {number}: label.json: no JSON ({error})")
            else:
                found[label.id] = label
        return found, faults

    def append(self, labels: Sequence[IntentLabel]) -> None:
        """Add labels; they are on the disk when this returns.

        Raises:
            StorageError: the file cannot be written.
        """
        if not labels:
            return
        lines = [json.dumps(one.to_json(), ensure_ascii=False).encode() for one in labels]
        try:
            with storage_errors(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a+b") as file:
                    # A killed process may have left half a line, which must not spoil this one.
                    if file.tell() and not self._ended():
                        file.write(b"\n")
                    file.write(b"".join(line + b"\n" for line in lines))
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror or error}") from error

    def remove(self) -> None:
        """Take it away, if it is there."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _ended(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"


class Remembered:
    """A labeller that is asked about each turn once, and whose answers outlive this process.

    Args:
        labeller: is asked.
        file: keeps its answers; those of another model there are passed over. None for none.
    """

    def __init__(self, labeller: IntentLabeller, file: LabelFile | None = None):
        self.labeller, self._file = labeller, file
        self.by = str(labeller.to_json().get("model") or labeller.to_json().get("kind"))
        kept = file.read()[0] if file is not None else {}
        self._known = {name: one.intent for name, one in kept.items() if one.by == self.by}

    def label(self, asked: Sequence[Asked]) -> list[str | None]:
        """See `IntentLabeller.label`."""
        names = [turn_id(one) for one in asked]
        new = {name: one for name, one in zip(names, asked, strict=True) if name not in self._known}
        said = dict(zip(new, self.labeller.label(list(new.values())), strict=True))
        fresh = {name: intent for name, intent in said.items() if intent is not None}
        if self._file is not None:
            self._file.append([IntentLabel(name, one, self.by) for name, one in fresh.items()])
        self._known |= fresh
        return [self._known.get(name) for name in names]

    def to_json(self) -> dict[str, Any]:
        """What is asked."""
        return self.labeller.to_json()

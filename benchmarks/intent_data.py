"""Labelled prompts for the intent model: ids and labels from here, texts from the shared data.

Labels lie in ``intent_labels.tsv``. A prompt of a conversation is read with what came before it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from classifiers.intent import Asked, asked_in

__all__ = ["LABELS", "Labelled", "kappa", "labelled_prompts"]

LABELS = Path(__file__).parent / "intent_labels.tsv"

_Turns = list[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Labelled:
    """A prompt and its label.

    Args:
        id: set and number.
        asked: the prompt.
        passes: the two first labels.
        label: in use.
        group: of prompts that share their opening; they are of one fold.
        final: whether it is kept for the last figure.
    """

    id: str
    asked: Asked
    passes: tuple[str, str]
    label: str
    group: int
    final: bool


def labelled_prompts(shared: Path) -> list[Labelled]:
    """All of them, in the order of the file.

    Raises:
        KeyError: the shared data have no such prompt.
    """
    turns = dict(_prompts(shared / "prompts"))
    found = []
    for line in LABELS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, first, second, label, part = line.split("\t")
        asked = asked_in(turns[name])
        assert asked is not None
        opening = hashlib.sha256(turns[name][0][1].encode()).hexdigest()
        found.append(
            Labelled(name, asked, (first, second), label, int(opening[:8], 16), part == "final")
        )
    return found


def kappa(pairs: list[tuple[str, str]]) -> float:
    """Cohen's kappa (1960) of two passes."""
    n = len(pairs)
    agreed = sum(one == other for one, other in pairs) / n
    names = {name for pair in pairs for name in pair}
    chance = sum(
        sum(one == name for one, _ in pairs) * sum(other == name for _, other in pairs)
        for name in names
    ) / (n * n)
    return (agreed - chance) / (1 - chance)


def _prompts(folder: Path) -> Iterator[tuple[str, _Turns]]:
    simple: list[tuple[str, str, Callable[[dict[str, Any]], tuple[str, str]]]] = [
        ("koala180", "koala_test_set.jsonl", lambda row: (row["id"], row["prompt"])),
        ("arenahard", "arena_hard_v0.1.jsonl", lambda row: (row["uid"], row["prompt"])),
        ("vicuna80", "question.jsonl", lambda row: (str(row["question_id"]), row["turns"][0])),
        (
            "selfinstruct252",
            "user_oriented_instructions.jsonl",
            lambda row: (row["id"], _with(row["instruction"], row["instances"][0]["input"])),
        ),
    ]
    for name, file, of in simple:
        for row in _lines(folder / name / file):
            number, prompt = of(row)
            yield f"{name}:{number}", [("user", prompt)]
    for row in _lines(folder / "mtbench80" / "question.jsonl"):
        first, second = row["turns"]
        turns = [("user", first), ("assistant", ""), ("user", second)]
        yield f"mtbench80:{row['question_id']}:1", turns
    for number, row in enumerate(_json(folder / "dolly_3k" / "dolly_3k.json")):
        yield f"dolly_3k:{number}", [("user", _with(row["instruction"], row["input"]))]
    oasst = folder / "oasst_eval100"
    for number, prompt in enumerate(_json(oasst / "model_eval_prompts.json")):
        yield f"oasst_prompts:{number}", [("user", prompt)]
    for row in _lines(oasst / "en_100_tree.jsonl"):
        yield from _tree(row["prompt"], [])
    rows = {row["user_message_id"]: row for row in _json(oasst / "realistic_seed_data.json")}
    for number, row in rows.items():
        if row["role"] == "prompter":
            yield f"oasst_seed:{number}", _path(row, rows)


def _tree(message: Mapping[str, Any], before: _Turns) -> Iterator[tuple[str, _Turns]]:
    turns = [*before, _turn(message)]
    if message["role"] == "prompter":
        yield f"oasst_tree:{message['message_id']}", turns
    for reply in message.get("replies") or ():
        yield from _tree(reply, turns)


def _path(row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> _Turns:
    turns: _Turns = []
    at: Mapping[str, Any] | None = row
    while at is not None:
        turns.append(_turn(at))
        at = rows.get(at["parent_message_id"])
    return turns[::-1]


def _turn(message: Mapping[str, Any]) -> tuple[str, str]:
    return "user" if message["role"] == "prompter" else "assistant", message["text"]


def _with(instruction: str, given: str) -> str:
    return f"{instruction}\n\n{given}" if given else instruction


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))

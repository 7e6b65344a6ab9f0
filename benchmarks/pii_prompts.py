"""Ordinary prompts and answers from real collections, one string each, to count false finds on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["COLLECTIONS", "prompts"]

COLLECTIONS = {
    "koala180": "koala180/koala_test_set.jsonl",
    "arenahard": "arenahard/arena_hard_v0.1.jsonl",
    "dolly_3k": "dolly_3k/dolly_3k.json",
    "oasst": "oasst_eval100/en_100_message.jsonl",
}


def prompts(folder: Path, name: str) -> list[str]:
    """The texts of one of `COLLECTIONS`.

    Args:
        folder: ``shared/data/prompts``.
        name: of the collection.
    """
    text = (folder / COLLECTIONS[name]).read_text("utf-8")
    rows = (
        json.loads(text)
        if text.lstrip().startswith("[")
        else [json.loads(row) for row in text.splitlines()]
    )
    return ["\n\n".join(_strings(row)) for row in rows]


def _strings(value: Any) -> Iterator[str]:
    """Strings of a row that are text: not its ids, labels and dates."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not key.endswith(
                ("id", "date", "_name", "lang", "cluster", "role", "category", "uid")
            ):
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)

"""The sample of chat logs as files, in three of the shapes that logs have, with two rows damaged.

    FOLDER/sharegpt.json        an array of conversations, ``from`` and ``value``
    FOLDER/wildchat.jsonl.gz    ``role``, ``content``, ``timestamp``, ``hashed_ip``; the file is cut off
    FOLDER/messages.jsonl       OpenAI's messages; one line is broken

The same zlib writes the same bytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipeline.runtime.storage import writing_sample
from pipeline.selection.sample import BEGIN, ChatSample, SampleChat, Shape, chat_sample
from pipeline.selection.sample_dirt import draw

__all__ = ["FILES", "log_bytes", "write_chat_sample"]

FILES = {
    Shape.SHAREGPT: "sharegpt.json",
    Shape.WILDCHAT: "wildchat.jsonl.gz",
    Shape.MESSAGES: "messages.jsonl",
}
MODELS = ("mill-7b", "mill-70b")
SYSTEM = "You are a helpful assistant. Answer briefly and say what you do not know."
WITH_SYSTEM = 0.2  # of OpenAI's messages
ANONYMOUS = 0.1  # of the conversations that somebody shared: they name no user
LOST = ("Why do cathedral bells ring for so long on Sunday evenings?", "They call to vespers.")
GZIP = 31  # zlib's window for a gzip frame; its header then names no time


def write_chat_sample(folder: Path) -> ChatSample:
    """Write the sample, over any older one.

    Args:
        folder: made if it is missing.

    Returns:
        What was written, with the truth about it.

    Raises:
        StorageError: it cannot be written.
        SourceError: the installation lacks the shipped leaks.
    """
    sample = chat_sample()
    with writing_sample(folder):
        for shape, name in FILES.items():
            (folder / name).write_bytes(log_bytes(sample, shape))
    return sample


def log_bytes(sample: ChatSample, shape: Shape) -> bytes:
    """One log of the sample, as stored."""
    chats = [one for one in sample.chats if one.user.shape is shape]
    if shape is Shape.SHAREGPT:
        return ("[\n" + ",\n".join(map(_line, map(_sharegpt, chats))) + "\n]\n").encode()
    if shape is Shape.WILDCHAT:
        return _cut_off([_line(row) for row in map(_wildchat, chats)], _line(_lost_row()))
    lines = [_line(row) for row in map(_messages, chats)]
    middle = len(lines) // 2
    lines.insert(middle, lines[middle - 1][: len(lines[middle - 1]) // 3])
    return _joined(lines).encode()


def _sharegpt(chat: SampleChat) -> dict[str, Any]:
    sides = ("human", "gpt")
    turns = [{"from": sides[at % 2], "value": text} for at, text in enumerate(chat.turns)]
    row = {"id": chat.id, "model": _model(chat), "create_time": int(chat.time.timestamp())}
    # Who evaluates is known by name: an anonymous row would train on their prompts.
    if chat.user.evaluates or draw("anonymous", chat.id) >= ANONYMOUS:
        row |= {"user_id": chat.user.id, "plan": chat.user.tier}
    return {**row, "conversations": turns}


def _wildchat(chat: SampleChat) -> dict[str, Any]:
    sides = ("user", "assistant")
    turns = [
        {
            "role": sides[at % 2],
            "content": text,
            "timestamp": chat.time.isoformat(),
            **({"hashed_ip": chat.user.id} if at % 2 == 0 else {}),
        }
        for at, text in enumerate(chat.turns)
    ]
    return {
        "conversation_hash": chat.id,
        "model": _model(chat),
        "timestamp": chat.time.isoformat(),
        "hashed_ip": chat.user.id,
        "tier": chat.user.tier,
        "turn": (len(turns) + 1) // 2,
        "conversation": turns,
    }


def _messages(chat: SampleChat) -> dict[str, Any]:
    sides = ("user", "assistant")
    turns = [{"role": sides[at % 2], "content": text} for at, text in enumerate(chat.turns)]
    if draw("system", chat.id) < WITH_SYSTEM:
        turns.insert(0, {"role": "system", "content": SYSTEM})
    return {
        "id": chat.id,
        "user": chat.user.id,
        "tier": chat.user.tier,
        "created_at": chat.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "model": _model(chat),
        "messages": turns,
    }


def _lost_row() -> dict[str, Any]:
    turns = [
        {"role": role, "content": said}
        for role, said in zip(("user", "assistant"), LOST, strict=True)
    ]
    return {"conversation_hash": "chat-lost", "timestamp": BEGIN.isoformat(), "conversation": turns}


def _model(chat: SampleChat) -> str:
    return MODELS[chat.user.tier != "free"]


def _cut_off(lines: Sequence[str], last: str) -> bytes:
    """Lines in gzip, of which all are whole but the last, as a download that broke off leaves it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP)
    whole = packer.compress(_joined(lines).encode()) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(_joined([last]).encode()) + packer.flush()
    return whole + rest[: len(rest) // 2]


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)

"""Chat logs as dirty as real ones, made up: what cleaning and reading of logs are measured on.

Every text is put together from templates in this file. The shares are those measured on real logs
of chat services; each prompt is of one kind only, so that they hold as they stand:

    python benchmarks/dirty_logs.py --rows 100000 --out logs.jsonl --format wildchat --truth truth.jsonl
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["FORMATS", "KINDS", "DirtyRow", "dirty_rows", "write_logs"]

FORMATS = ("sharegpt", "wildchat", "lmsys", "messages", "oasst")
# Kind of a prompt and its share; what is left is plain. Short prompts nearly always repeat, so that
# they are among the prompts that were said before.
SHORT, DUPLICATES = 0.059, 0.125
KINDS = {
    "short": SHORT,
    "duplicate": DUPLICATES - SHORT,
    "uncertain_language": 0.074,
    "residue": 0.022,
    "email": 0.0025,
    "ipv4": 0.0016,
    "phone": 0.0007,
}
# Share of rows that are broken, evenly over the ways.
BROKEN = 0.002
WAYS = ("turn_null", "role", "no_user", "content_type", "empty")

STARTED = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
SECONDS = 366 * 24 * 3600  # twelve months
TIERS, TIER_SHARES = ("free", "plus", "pro"), (0.8, 0.15, 0.05)
MODELS = ("mill-7b", "mill-70b", "sieve-large")
PEOPLE = 400  # rows for each user, about; a few ask much more than others

SHORTS = ("hi", "hello", "thanks", "continue", "go on", "yes", "no", "ok", "test", "why?", "more",
          "thank you", "next", "hey there", "good morning")  # fmt: skip
TASKS = (
    "Write a {adj} letter to {who} about {thing} number {n}.",
    "Explain how {thing} works to {who}, in {n} words at most.",
    "My {thing} stopped {n} days ago and {who} cannot mend it. What should we look at first?",
    "Compare {thing} with {thing2} for {who}; give {n} points each.",
    "Plan a {adj} week for {who} with {n} visits to {thing}.",
    "Translate into French: the {adj} {thing} of {who} has {n} wheels.",
    "Write a function that sorts {n} kinds of {thing} by weight, with tests.",
    "Give me {n} names for a shop that sells {thing} to {who}.",
    "Summarise what {who} should know about {thing} and {thing2} in chapter {n}.",
    "Solve this: {who} buys {n} sacks for {thing} and sells a third of them. How many are left?",
)
WHO = ("a miller", "my aunt", "the night guard", "a new teacher", "our landlord", "two bakers",
       "the harbour master", "a nurse", "the chess club", "a beginner", "my neighbour",
       "a carter")  # fmt: skip
THINGS = ("the water wheel", "a stone oven", "rye flour", "the village library", "a tide table",
          "the old lathe", "a bee hive", "the tram line", "a spreadsheet", "the sieve",
          "a weather vane", "the cellar pump", "a violin", "the ferry")  # fmt: skip
ADJECTIVES = ("short", "polite", "funny", "formal", "quiet", "careful", "bold", "plain")
ANSWERS = (
    "Begin with {thing}: clean it, measure it and write down what you see.",
    "There are {n} things to keep in mind about {thing}.",
    "For {who}, the {adj} way is usually the better one.",
    "First look at {thing2}, then at {thing}, and leave the rest for the next day.",
    "Most people underestimate {thing}; {n} minutes a day are enough.",
)
UNCERTAIN = (
    "for i in range({n}): print(i ** {m})",
    "{n} + {m} * {n} - {m} = ?",
    "asdf {n} jkl; qwer {m} zxcv",
    "SELECT a{n}, b{m} FROM t{n} WHERE c = {m};",
    "ok la mañana um {n} Uhr, d'accord? {m} ответов",
    "Xq{n} Zv{m} Br{n}k Tl{m}f",
    "x^{n} - {m}x + {n} = 0",
    "<div id=\"d{n}\"><b>{m}</b> </div>",
)  # fmt: skip
RESIDUE = (
    "{text}Share Prompt", "{text}\nCopy code", "1 / 2\n{text}", "{text}\n2 / 2",
    "{text}\nRegenerate response", "{text}\nWas this response better or worse?BetterWorseSame",
)  # fmt: skip
PERSONAL = {
    "email": "{text} Write to {name}{n}@mill-{m}.example when it is done.",
    "ipv4": "{text} The server is 203.0.113.{m} and does not answer.",
    "phone": "{text} Call me at (555) 010-{n:04d} in the evening.",
}
NAMES = ("ada", "ben", "cleo", "dov", "edda", "finn")


@dataclasses.dataclass(frozen=True, slots=True)
class DirtyRow:
    """A row and what was planted in it.

    Args:
        values: in the format asked for.
        kinds: of its prompts, in order; ``plain`` or one of `KINDS`.
        broken: one of `WAYS`; empty if it is sound.
        prompts: as they were said.
    """

    values: dict[str, Any]
    kinds: tuple[str, ...]
    broken: str
    prompts: tuple[str, ...]


def dirty_rows(rows: int, form: str = "sharegpt", seed: int = 0) -> Iterator[DirtyRow]:
    """Rows of a made-up log, the same for the same arguments.

    Args:
        rows: conversations; of ``oasst`` a tree each.
        form: one of `FORMATS`.
        seed: of everything drawn.
    """
    rng = np.random.default_rng(seed)
    said: list[str] = []  # plain prompts, to be said again
    users = max(rows // PEOPLE, 100)
    tiers = rng.choice(3, users, p=TIER_SHARES)
    edges = np.cumsum(list(KINDS.values()))
    names = (*KINDS, "plain")
    for number in range(rows):
        turns = min(int(rng.geometric(0.5)), 8)
        kinds, prompts, answers = [], [], []
        for draw in rng.random(turns):
            kind = names[int(np.searchsorted(edges, draw, "right"))]
            if kind == "duplicate" and not said:
                kind = "plain"
            prompt = _prompt(kind, rng, said)
            if kind == "plain":
                if len(said) < 1000:
                    said.append(prompt)
                else:
                    said[int(rng.integers(1000))] = prompt
            kinds.append(kind)
            prompts.append(prompt)
            filled = [_filled(ANSWERS, rng) for _ in range(int(rng.integers(1, 9)))]
            answers.append(" ".join(filled))
        broken = WAYS[int(rng.integers(len(WAYS)))] if rng.random() < BROKEN else ""
        user = int(users * rng.random() ** 2)
        told = {
            "id": f"{form}-{seed}-{number}",
            "user": f"user-{user:06d}",
            "tier": TIERS[tiers[user]],
            "time": STARTED + datetime.timedelta(seconds=int(rng.integers(SECONDS))),
            "model": MODELS[int(rng.integers(len(MODELS)))],
        }
        talk = [turn for pair in zip(prompts, answers, strict=True) for turn in pair]
        yield DirtyRow(_FORMS[form](talk, told, broken), tuple(kinds), broken, tuple(prompts))


def write_logs(
    path: Path,
    rows: int,
    form: str = "sharegpt",
    seed: int = 0,
    truth: Path | None = None,
    truncated: bool = False,
) -> int:
    """Write a log; returns how many rows are whole in it.

    Args:
        path: ``.json`` for one array, ``.jsonl`` for JSON lines, either with ``.gz``.
        rows, form, seed: see `dirty_rows`.
        truth: gets a line for each row: ``id``, ``kinds``, ``broken``.
        truncated: the file ends in the middle of its last record (of its text if it is packed).
    """
    array = path.name.removesuffix(".gz").endswith(".json")
    with contextlib.ExitStack() as stack:
        if path.suffix == ".gz":
            file: Any = stack.enter_context(gzip.open(path, "wt", encoding="utf-8"))
        else:
            file = stack.enter_context(path.open("w", encoding="utf-8"))
        told = None if truth is None else stack.enter_context(truth.open("w"))
        file.write("[" if array else "")
        for number, row in enumerate(dirty_rows(rows, form, seed)):
            text = json.dumps(row.values, ensure_ascii=False)
            last = truncated and number == rows - 1
            file.write(
                ("," if array and number else "") + (text[: len(text) // 2] if last else text)
            )
            file.write("" if array or last else "\n")
            identity = f"{form}-{seed}-{number}"
            if told is not None:
                told.write(
                    json.dumps({"id": identity, "kinds": row.kinds, "broken": row.broken}) + "\n"
                )
        file.write("]" if array and not truncated else "")
    return rows - truncated


def _filled(templates: tuple[str, ...], rng: np.random.Generator, **more: Any) -> str:
    draws: list[int] = rng.integers(0, 1 << 30, 6).tolist()
    template = templates[draws[0] % len(templates)]
    return template.format(
        who=WHO[draws[1] % len(WHO)],
        thing=THINGS[draws[2] % len(THINGS)],
        thing2=THINGS[draws[3] % len(THINGS)],
        adj=ADJECTIVES[draws[4] % len(ADJECTIVES)],
        n=draws[5] % 9973 + 2,
        m=draws[4] % 251 + 2,
        name=NAMES[draws[1] % len(NAMES)],
        **more,
    )


def _prompt(kind: str, rng: np.random.Generator, said: list[str]) -> str:
    if kind == "short":
        return SHORTS[int(rng.integers(len(SHORTS)))]
    if kind == "duplicate":
        return said[int(rng.integers(len(said)))]
    if kind == "uncertain_language":
        return _filled(UNCERTAIN, rng)
    plain = f"{_filled(TASKS, rng)} {_filled(ANSWERS, rng)}"
    if kind == "residue":
        return _filled(RESIDUE, rng, text=plain)
    return _filled((PERSONAL[kind],), rng, text=plain) if kind in PERSONAL else plain


# --- formats ---------------------------------------------------------------------------------


def _turns(
    talk: list[str], broken: str, role: str, content: str, sides: tuple[str, str]
) -> list[Any]:
    turns: list[Any] = [
        {role: sides[number % 2], content: text} for number, text in enumerate(talk)
    ]
    if broken == "empty":
        return []
    if broken == "turn_null":
        turns[-1] = None
    elif broken == "role":
        turns[-1][role] = "narrator"
    elif broken == "content_type":
        turns[0][content] = 17
    elif broken == "no_user":
        turns = [turn for turn in turns if turn[role] != sides[0]]
    return turns


def _sharegpt(talk: list[str], told: dict[str, Any], broken: str) -> dict[str, Any]:
    turns = _turns(talk, broken, "from", "value", ("human", "gpt"))
    return {"id": told["id"], "conversations": turns, "user_id": told["user"],
            "tier": told["tier"], "timestamp": told["time"].isoformat(), "model": told["model"]}  # fmt: skip


def _wildchat(talk: list[str], told: dict[str, Any], broken: str) -> dict[str, Any]:
    turns = _turns(talk, broken, "role", "content", ("user", "assistant"))
    at = told["time"].isoformat(sep=" ")
    for turn in turns:
        if isinstance(turn, dict):
            own = {"timestamp": at, "hashed_ip": None} if turn["role"] == "assistant" else {
                "timestamp": None, "hashed_ip": told["user"]}  # fmt: skip
            turn.update(own, language="English", redacted=False, toxic=False)
    return {"conversation_hash": told["id"], "model": told["model"], "timestamp": at,
            "conversation": turns, "turn": len(talk) // 2, "language": "English",
            "hashed_ip": told["user"], "plan": told["tier"]}  # fmt: skip


def _lmsys(talk: list[str], told: dict[str, Any], broken: str) -> dict[str, Any]:
    turns = _turns(talk, broken, "role", "content", ("user", "assistant"))
    return {"conversation_id": told["id"], "model": told["model"], "conversation": turns,
            "turn": len(talk) // 2, "language": "English", "tstamp": told["time"].timestamp(),
            "user_id": told["user"], "tier": told["tier"], "redacted": False}  # fmt: skip


def _messages(talk: list[str], told: dict[str, Any], broken: str) -> dict[str, Any]:
    turns = _turns(talk, broken, "role", "content", ("user", "assistant"))
    held = {"user_id": told["user"], "plan": told["tier"]}
    return {"id": told["id"], "messages": [{"role": "system", "content": "Be brief."}, *turns],
            "metadata": held, "created_at": int(told["time"].timestamp() * 1000),
            "model": told["model"]}  # fmt: skip


def _oasst(talk: list[str], told: dict[str, Any], broken: str) -> dict[str, Any]:
    turns = _turns(talk, broken, "role", "text", ("prompter", "assistant"))
    below: list[Any] = []
    for number, turn in reversed(list(enumerate(turns))):
        if isinstance(turn, dict):
            own = {"message_id": f"{told['id']}-{number}", "deleted": False, "rank": 0,
                   "created_date": told["time"].isoformat(), "user_id": told["user"]}  # fmt: skip
            turn.update(own, replies=below)
        below = [turn]
    root = below[0] if below else {"message_id": told["id"], "replies": []}
    return {"message_tree_id": told["id"], "tree_state": "ready_for_export", "prompt": root,
            "tier": told["tier"]}  # fmt: skip


_FORMS = {
    "sharegpt": _sharegpt,
    "wildchat": _wildchat,
    "lmsys": _lmsys,
    "messages": _messages,
    "oasst": _oasst,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--format", choices=FORMATS, default="sharegpt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--truth", type=Path, help="a line for each row: what was planted in it")
    parser.add_argument("--truncated", action="store_true", help="end within the last record")
    given = parser.parse_args()
    whole = write_logs(
        given.out, given.rows, given.format, given.seed, given.truth, given.truncated
    )
    print(f"{given.out}: {whole:,} whole rows, {given.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

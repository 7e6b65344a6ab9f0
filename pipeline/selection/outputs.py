"""What a selection leaves behind: files for training and evaluation, and a ledger of every conversation.

OUT/selected.jsonl, selected.parquet    the selection, a conversation each, ready for fine-tuning
OUT/golden/golden-VERSION.jsonl         prompts of the Golden Set; ``golden.json`` names its bytes
OUT/ledger.parquet                      every conversation: fate, reason, value, bound, signals
OUT/quarantine.parquet                  rows of the logs that are in no conversation
OUT/masked.jsonl                        some of what was masked, for a person to check
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.records import encodable
from pipeline.prompts.scoring.criteria import CRITERIA
from pipeline.recipe.prompts import PromptsRecipe
from pipeline.runtime.completion import digest_of
from pipeline.runtime.storage import RunFolder, storage_errors
from pipeline.selection.choosing import Chosen
from pipeline.selection.reading import FAULTS, Read

__all__ = ["GOLDEN_FOLDER", "LEDGER", "MANIFEST", "SELECTED", "write_outputs"]

SELECTED, LEDGER, QUARANTINE, MASKED = (
    "selected", "ledger.parquet", "quarantine.parquet", "masked.jsonl",
)  # fmt: skip
MANIFEST = "prompts.json"
GOLDEN_FOLDER = "golden"
_NEIGHBOURS = pa.list_(pa.struct([("id", pa.string()), ("cosine", pa.float64())]))
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("messages", _MESSAGES),
        ("rank", pa.int64()),
        ("gain", pa.float64()),
        ("topic", pa.string()),
        ("copies", pa.int64()),
        ("passed_over", _NEIGHBOURS),
        ("language", pa.string()),
        ("intent", pa.string()),
        ("p_asking", pa.float64()),
        ("quality", pa.float64()),
        *((name, pa.float64()) for name in CRITERIA),
        ("response_quality", pa.float64()),
        ("model", pa.string()),
        ("time", pa.string()),
    ]
)
_OF_READ = [
    field.name for field in _ROWS
    if field.name not in ("messages", "rank", "gain", "topic", "copies", "passed_over")
]  # fmt: skip


def write_outputs(
    folder: RunFolder, read: Read, chosen: Chosen, recipe: PromptsRecipe
) -> dict[str, str]:
    """Write all of them, and give the sha256 of each by its name."""
    rows = _selected(read, chosen)
    lines = (_line(row) for row in rows)
    folder.write_text(folder.root / f"{SELECTED}.jsonl", "".join(lines))
    table = pa.Table.from_pylist(rows, _ROWS)
    _table(folder, f"{SELECTED}.parquet", table)
    names = [f"{SELECTED}.jsonl", f"{SELECTED}.parquet", LEDGER, QUARANTINE, MASKED]
    _table(folder, LEDGER, _ledger(read, chosen))
    faults = [pq.read_table(path, schema=FAULTS) for path in read.faults]
    _table(folder, QUARANTINE, pa.concat_tables(faults) if faults else FAULTS.empty_table())
    masked = (_line({**dataclasses.asdict(one), "kind": str(one.kind)}) for one in read.masked)
    folder.write_text(folder.root / MASKED, "".join(masked))
    if recipe.golden.count:
        names += _write_golden(folder, read, chosen, recipe)
    return {name: digest_of(folder.root / name) for name in names}


def _selected(read: Read, chosen: Chosen) -> list[dict[str, Any]]:
    picks = chosen.picks
    messages = read.messages(picks)
    known = read.rows.select(_OF_READ).take(_numbers(picks)).to_pylist()
    found = []
    for rank, (number, row, text) in enumerate(zip(picks, known, messages, strict=True)):
        selection = chosen.selection
        assert selection is not None
        near = selection.covers.ids[rank]
        over = [chosen.pool[at] for at in near[near >= 0].tolist()]
        cosines = selection.covers.cosines[rank][: len(over)]
        names = read.rows["id"].take(_numbers(over)).to_pylist()
        found.append(
            {
                "id": row["id"],
                "messages": json.loads(text),
                "rank": rank + 1,
                "gain": round(float(selection.gains[rank]), 6),
                "topic": _topic(chosen, number),
                "copies": int(chosen.copies[number]),
                "passed_over": [
                    {"id": name, "cosine": round(float(cosine), 4)}
                    for name, cosine in zip(names, cosines.tolist(), strict=True)
                ],
                **{name: row[name] for name in _OF_READ if name != "id"},
            }
        )
    return found


def _topic(chosen: Chosen, number: int) -> str:
    topic = int(chosen.topics[number])
    return chosen.names[topic] if 0 <= topic < len(chosen.names) else ""


def _ledger(read: Read, chosen: Chosen) -> pa.Table:
    """Every conversation, in the order of the logs; users by a hash, and no text."""
    rows = read.rows.drop_columns(["prompt", "user"])
    for name, values in chosen.fates.columns().items():
        kind = pa.float64() if name in ("value", "bound") else pa.string()
        rows = rows.append_column(name, pa.array(values, kind))
    users = pa.array([_hashed(user) for user in read.rows["user"].to_pylist()], pa.string())
    rows = rows.append_column("user", users)
    rows = rows.append_column("side", pa.array(chosen.sides, pa.string()))
    topics = [_topic(chosen, number) for number in range(len(rows))]
    rows = rows.append_column("topic", pa.array(topics, pa.string()))
    return rows.append_column("copies", pa.array(chosen.copies.astype(np.int64)))


def _hashed(user: str) -> str:
    return hashlib.sha256(encodable(user).encode()).hexdigest()[:16] if user else ""


def _write_golden(
    folder: RunFolder, read: Read, chosen: Chosen, recipe: PromptsRecipe
) -> Sequence[str]:
    with storage_errors(folder.root / GOLDEN_FOLDER):
        (folder.root / GOLDEN_FOLDER).mkdir(exist_ok=True)
    numbers = sorted(chosen.golden, key=lambda number: read.rows["id"][number].as_py())
    known = read.rows.select(["id", "prompt", "language", "intent", "time", "tier"]).take(
        _numbers(numbers)
    )
    version = recipe.golden.version
    name = f"{GOLDEN_FOLDER}/golden-{version}.jsonl"
    lines = [
        _line({**row, "topic": _topic(chosen, number)})
        for number, row in zip(numbers, known.to_pylist(), strict=True)
    ]
    text = "".join(lines)
    folder.write_text(folder.root / name, text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    card = {
        "version": version,
        "prompts": len(numbers),
        "sha256": digest,
        "file": name.partition("/")[2],
        "after": chosen.after,
        "tiers": list(recipe.golden.tiers),
        "users": recipe.golden.users,
        "seed": recipe.seed,
    }
    folder.write_text(
        folder.root / GOLDEN_FOLDER / "golden.json",
        json.dumps(card, indent=2, sort_keys=True) + "\n",
    )
    definition = (
        f"# The Golden Set as a benchmark: gristmill audit CORPUS --benchmarks {GOLDEN_FOLDER}/golden.yaml\n"
        f"name: golden\nfiles: golden-{version}.jsonl\nid: id\nquestion: prompt\n"
    )
    folder.write_text(folder.root / GOLDEN_FOLDER / "golden.yaml", definition)
    return [name, f"{GOLDEN_FOLDER}/golden.json", f"{GOLDEN_FOLDER}/golden.yaml"]


def _numbers(numbers: Sequence[int]) -> pa.Array:
    return pa.array(numbers, pa.int64())


def _table(folder: RunFolder, name: str, table: pa.Table) -> None:
    with folder.replacing(folder.root / name) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"

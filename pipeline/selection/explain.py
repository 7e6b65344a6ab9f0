"""The fate of one conversation, and what was measured on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest
from pipeline.prompts.scoring.criteria import CRITERIA
from pipeline.reports.prompts_page import FATE_MEANINGS
from pipeline.selection.outputs import LEDGER, MANIFEST, SELECTED

__all__ = ["explain", "explained"]

_SHOWN = 600  # characters of a prompt


def explain(out: Path, name: str) -> dict[str, Any]:
    """All that is known of a conversation.

    Args:
        out: folder of a finished selection.
        name: its id.

    Returns:
        Its row of the ledger, ``failed`` parsed, with ``prompt``, and, of a selected one, ``rank``,
        ``gain`` and ``passed_over``.

    Raises:
        ConfigError: no selection is here, or it has no such conversation.
    """
    path = out / LEDGER
    for needed in (out / MANIFEST, path):
        if not needed.is_file():
            raise ConfigError(f"{out} holds no finished prompt selection: {needed} is missing")
    rows = pq.read_table(path, filters=[("id", "=", name)]).to_pylist()
    if not rows:
        known = pq.read_table(path, columns=["id"])["id"].to_pylist()
        raise ConfigError(
            f"{out} has no conversation {printable(repr(name))}{nearest(name, known)}"
        )
    row: dict[str, Any] = rows[0]
    for key in ("failed", "safety", "pii", "residue"):
        row[key] = json.loads(row[key])
    row["prompt"] = _prompt(out, name, row["place"])
    chosen = pq.read_table(out / f"{SELECTED}.parquet", filters=[("id", "=", name)])
    for one in chosen.select(["rank", "gain", "passed_over"]).to_pylist():
        row |= one
    return row


def explained(found: dict[str, Any]) -> Iterator[str]:
    """The same as lines for a person."""
    reason = f" ({found['reason']})" if found["reason"] else ""
    yield f"{found['id']}: {found['fate']}{reason}: {FATE_MEANINGS[found['fate']]}"
    if found["value"] is not None:
        bound = "" if found["bound"] is None else f", bound {found['bound']:g}"
        yield f"  measured {found['value']:g}{bound}"
    if found["other"]:
        yield f"  like {found['other']}"
    others = [one[0] for one in found["failed"][1:]]
    if others:
        yield f"  also failed: {', '.join(others)}"
    if found["prompt"]:
        text = found["prompt"][:_SHOWN]
        yield from (f"  | {line}" for line in text.splitlines())
    yield f"  from {found['place']}, tier {found['tier'] or 'unknown'}, time {found['time'] or 'unknown'}"
    intent = found["intent"]
    if intent is not None:
        yield (
            f"  intent {intent} ({found['p_asking']:.2f} asking), language {found['language']}, "
            f"topic {found['topic'] or 'none'}"
        )
    criteria = ", ".join(f"{name} {found[name]:.2f}" for name in CRITERIA)
    yield f"  quality {found['quality']:.2f}: {criteria}"
    if found["response_quality"] is not None:
        yield f"  worst response {found['response_quality']:.2f}"
    if "rank" in found:
        over = "; passed over for it:" if found["passed_over"] else ""
        yield f"  picked {found['rank']:,}. of the selection, gain {found['gain']:.3f}{over}"
        yield from (f"    {one['cosine']:.2f} {one['id']}" for one in found["passed_over"])


def _prompt(out: Path, name: str, place: str) -> str:
    """The opening prompt; of several conversations of one row, the one in the same position.

    Work files have the ids of the log, which the ledger may have renamed.
    """
    here = [("place", "=", place)]
    names = pq.read_table(out / LEDGER, columns=["id"], filters=here)["id"].to_pylist()
    prompts: list[str] = []
    for path in sorted((out / ".gristmill" / "splits").glob("log-*.parquet")):
        if not path.name.endswith("faults.parquet"):
            prompts += pq.read_table(path, columns=["prompt"], filters=here)["prompt"].to_pylist()
    return prompts[names.index(name)] if len(prompts) == len(names) else ""

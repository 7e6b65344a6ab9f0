"""What became of one record, and why, from the ledger of a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.core.errors import ConfigError
from pipeline.core.records import Fate
from pipeline.runtime.storage import RunFolder
from pipeline.stores.address import run_folder

__all__ = ["explanation", "find_record"]


def find_record(out: str | Path | RunFolder, record: str) -> dict[str, Any]:
    """The ledger row of the record with this id, or with this URL (the first in file order).

    Args:
        out: the run's folder, or the path or URL of it.
        record: id or URL.

    Raises:
        ConfigError: no such record.
    """
    folder = run_folder(out)
    parts = folder.children(folder.root / "records", "part-*")
    ledger = ds.dataset([str(folder.here(path)) for path in parts], format="parquet")
    for column in ("id", "url"):
        rows = ledger.head(1, filter=pc.field(column) == record).to_pylist()
        if rows:
            row: dict[str, Any] = rows[0]
            return row
    raise ConfigError(f"no record of {folder.shown} has the id or URL {record!r}")


def explanation(row: Mapping[str, Any]) -> str:
    """A few lines for a person: fate, every failing rule with value and bound, then the signals."""
    lines = [
        str(row["id"]),
        f"  url      {row['url'] or '(none)'}",
        f"  bytes    {row['path']} at {row['offset']:,}, {row['length']:,} long",
        f"  fate     {row['fate']}" + ("" if row["fate"] == Fate.KEPT else f" in {row['stage']}"),
    ]
    if row["fate"] == Fate.QUARANTINED:
        lines.append(f"  reason   {row['reason']} (the error is in quarantine/)")
    lines += [f"  failed   {_rule(verdict)}" for verdict in row["failed"] or ()]
    signals = {name: value for name, value in row.items() if "." in name and value is not None}
    if signals:
        width = max(map(len, signals))
        lines.append("  signals")
        lines += [
            f"    {name:{width}}  {value:g}"
            if isinstance(value, float)
            else f"    {name:{width}}  {value}"
            for name, value in signals.items()
        ]
    return "\n".join(lines)


def _rule(verdict: Mapping[str, Any]) -> str:
    detail = f" ({verdict['detail']})" if verdict["detail"] else ""
    if verdict["value"] is None or verdict["bound"] is None:
        return f"{verdict['reason']}{detail}"
    sign = "<" if verdict["reason"].endswith(".low") else ">"
    if verdict["reason"].startswith("dedup."):
        sign = "≥"
    return f"{verdict['reason']}: {verdict['value']:g} {sign} {verdict['bound']:g}{detail}"

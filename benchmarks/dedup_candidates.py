"""Whole deduplications of the same documents: ours, ours without verification, and the peers'."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from planted import Planted

__all__ = ["Candidate", "Result", "closure", "gristmill", "peer"]

PEERS = Path(__file__).resolve().parent / "peers"


@dataclasses.dataclass
class Result:
    """What a candidate did with documents 0 … n − 1.

    Args:
        kept_by: for each the document that stands for it, itself if it is kept.
        dropped: documents that are gone for no duplicate: too short, or not read at all.
        claimed: for removals, the similarity that was stated, if any was.
    """

    kept_by: list[int]
    dropped: set[int] = dataclasses.field(default_factory=set)
    claimed: dict[int, float] = dataclasses.field(default_factory=dict)

    def removed(self) -> list[int]:
        return [i for i, kept in enumerate(self.kept_by) if i != kept]

    def kept(self, document: int) -> bool:
        return self.kept_by[document] == document and document not in self.dropped


Candidate = Callable[[Planted, Path], Result]


def gristmill(documents: Planted, work: Path) -> Result:
    from pipeline.dedup.memory import dedup
    from pipeline.dedup.settings import Alarm, Dedup

    table = pa.table({"id": documents.ids, "text": documents.texts})
    _, receipts = dedup(table, Dedup(alarm=Alarm(action="off")))
    place = {name: i for i, name in enumerate(documents.ids)}
    result = Result(list(range(len(documents))))
    for row in receipts.to_pylist():
        removed = place[row["removed"]]
        result.kept_by[removed] = place[row["kept"]]
        result.claimed[removed] = row["similarity"]
    return result


def closure(documents: Planted, work: Path) -> Result:
    from pipeline.dedup.buckets import band_keys, band_rows, buckets_of, star_edges
    from pipeline.dedup.clusters import components
    from pipeline.dedup.settings import Dedup

    settings = Dedup()
    signed = settings.signing.sign(documents.texts)
    numbers = np.arange(len(documents), dtype=np.uint32)
    keys = band_keys(signed.signatures, *settings.banding)
    edges = star_edges(buckets_of(band_rows(keys, numbers)))
    return Result(components(lambda: [edges], len(documents)).tolist())


def peer(python: str, script: str) -> Candidate:
    def run(documents: Planted, work: Path) -> Result:
        texts, out = work / "texts.jsonl", work / "verdicts.jsonl"
        documents.write(texts)
        command = [python, str(PEERS / script), str(texts), str(out)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command} failed:\n{done.stderr[-2000:]}")
        with out.open(encoding="utf-8") as lines:
            rows = {row["id"]: row for row in map(json.loads, lines)}
        stays = {
            rows[name]["cluster"]: i
            for i, name in enumerate(documents.ids)
            if name in rows and rows[name]["kept"]
        }
        result = Result(list(range(len(documents))))
        for i, name in enumerate(documents.ids):
            row = rows.get(name, {"kept": False, "cluster": None})
            if not row["kept"] and row["cluster"] is None:
                result.dropped.add(i)
            elif not row["kept"]:
                result.kept_by[i] = stays[row["cluster"]]
        return result

    return run

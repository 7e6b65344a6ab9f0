"""What an extraction engine changes downstream: the pages of a crawl that FineWeb's filters keep.

    python benchmarks/extraction_downstream.py 'DIR/*.warc.gz' [--show N]

The same recipe runs with each engine; rows are counted in the ledgers. ``--show N`` prints N pages that
only ``blocks`` keeps and N that it loses, against trafilatura's default, each with both texts' beginnings.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds

from pipeline.recipe import load_recipe
from pipeline.run import run

PRECISION = "{engine: trafilatura, options: {favor_precision: true, deduplicate: true}}"
ENGINES = {
    "trafilatura, precision (FineWeb's)": PRECISION,
    "trafilatura": "{engine: trafilatura}",
    "blocks": "{engine: blocks}",
}
LINES = (
    "gopher_repetition.duplicate_lines.high",
    "gopher_repetition.duplicate_line_characters.high",
    "fineweb.duplicate_line_characters.high",
)
REASONS = {
    "too short": ("extract.characters.low",),
    "duplicated lines": LINES,
    "words without letters": ("gopher_quality.alphabetic_words.low",),
}
SEED, SHOWN = 3, 230


def main() -> None:
    """Run, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("paths", help="WARC files, a glob")
    parser.add_argument("--show", type=int, default=0, help="print so many gained and lost pages")
    arguments = parser.parse_args()
    ledgers: dict[str, dict[str, dict[str, Any]]] = {}
    texts: dict[str, dict[str, str]] = {}
    source = f"source={{kind: warc, paths: ['{Path(arguments.paths).absolute()}']}}"
    print(f"| engine | kept | characters kept | {' | '.join(REASONS)} | only this | only blocks |")
    print(f"|---|{'---:|' * (len(REASONS) + 4)}")
    with tempfile.TemporaryDirectory() as work:
        for number, (name, extract) in enumerate(reversed(ENGINES.items())):
            out = Path(work, str(number))
            run(load_recipe("fineweb", [source, f"extract={extract}"]), out=out, serial=True)
            rows = ds.dataset(out / "records").to_table().to_pylist()
            ledgers[name] = {row["id"]: row for row in rows}
            texts[name] = {
                row["id"]: row["text"]
                for kind in ("corpus", "dropped")
                for row in ds.dataset(out / kind).to_table(columns=["id", "text"]).to_pylist()
            }
            print(_row(name, rows, _only(ledgers[name], ledgers["blocks"])), flush=True)
    ours, theirs = ledgers["blocks"], ledgers["trafilatura"]
    lost, gained = _only(theirs, ours)
    for what, ids, one, other in (
        ("GAINED", gained, "blocks", "trafilatura"),
        ("LOST", lost, "trafilatura", "blocks"),
    ):
        some = np.random.default_rng(SEED).permutation(ids)[: arguments.show].tolist()
        for identity in some:
            row = ledgers[other][identity]
            print(f"\n===== {what} {row['url']}: {row['reason']} {row['value']}")
            for name in (one, other):
                print(f"--- {name}: {texts[name].get(identity, '')[:SHOWN]}")


def _only(one: dict[str, Any], other: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Ids that only the first keeps, and that only the other does."""
    kept, others = (
        {identity for identity, row in rows.items() if row["fate"] == "kept"}
        for rows in (one, other)
    )
    return sorted(kept - others), sorted(others - kept)


def _row(name: str, rows: list[dict[str, Any]], only: tuple[list[str], list[str]]) -> str:
    kept = [row for row in rows if row["fate"] == "kept"]
    dropped = Counter(row["reason"] for row in rows if row["fate"] == "dropped")
    counts = [sum(dropped[reason] for reason in reasons) for reasons in REASONS.values()]
    cells = [len(kept), sum(row["characters"] for row in kept), *counts, *map(len, only)]
    return f"| {name} | {' | '.join(f'{cell:,}' for cell in cells)} |"


if __name__ == "__main__":
    main()

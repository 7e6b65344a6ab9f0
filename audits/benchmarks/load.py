"""Loading a benchmark by name: its definition, its rows from a folder or the Hub, its items.

A folder is looked in first, so that an audit runs without a network and on the very files that a
model was scored on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from audits.benchmarks.definitions import Definition, load_definition
from audits.benchmarks.files import Row, find_files, folders_of, read_files
from audits.benchmarks.hub import hub_rows
from audits.benchmarks.rows import make_items
from audits.items import Benchmark, Item
from pipeline.core.errors import SourceError

__all__ = ["FOLDER_VARIABLE", "benchmark_folder", "digest", "load_benchmark"]

FOLDER_VARIABLE = "GRISTMILL_BENCHMARKS"
FILES_NAMED = 3


def load_benchmark(name: str, *, folder: Path | None = None, offline: bool = False) -> Benchmark:
    """Load the items of a benchmark.

    Args:
        name: of a definition (``gsm8k``), or the path of one (``./my_quiz.yaml``); with a split or
            language behind a colon where it has several: ``gsm8k:train``, ``mgsm:de``. Its items
            bear that name, without the split if it is the default.
        folder: with benchmarks' files in folders of their names, and definitions of the user's
            own; None for that of ``GRISTMILL_BENCHMARKS``, if that is set.
        offline: the Hub is not asked.

    Raises:
        ConfigError: no such definition or split; a definition that is wrong or that does not fit
            its rows.
        SourceError: the files are in no folder and not to be had from the Hub.
    """
    folder = benchmark_folder(folder)
    named, split = _parted(name)
    definition = load_definition(named, () if folder is None else (folder,))
    split = definition.split(split)
    places = folders_of(definition, folder)
    found = find_files(definition, split, places)
    if found is not None:
        paths = [path for path, _ in found.files]
        layout, rows, revision, source = found.layout, read_files(found), "", _shown(paths)
    else:
        layout = definition.layouts[0]
        rows, revision = _from_hub(definition, split, folder, places, offline)
        assert definition.hub is not None
        source = f"{definition.hub.id} {definition.hub.split_of(split)}"
    made = make_items(definition, layout, split, rows, source)
    return Benchmark(
        name=definition.called(split),
        items=made.items,
        source=source,
        revision=revision,
        sha256=digest(made.items),
        faults=made.faults,
        public_passage=definition.public_passage,
    )


def benchmark_folder(folder: Path | None = None) -> Path | None:
    """The folder of benchmarks: the one given, else that of ``GRISTMILL_BENCHMARKS``, else none."""
    if folder is not None:
        return folder
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def digest(items: Iterable[Item]) -> str:
    """sha256 over the canonical JSON of items, one a line: keys sorted, ASCII, no blanks."""
    total = hashlib.sha256()
    for item in items:
        line = json.dumps(dataclasses.asdict(item), sort_keys=True, separators=(",", ":"))
        total.update(line.encode("ascii") + b"\n")
    return total.hexdigest()


def _parted(name: str) -> tuple[str, str]:
    """Name and split; a colon in a path is none that parts them."""
    before, sign, after = name.rpartition(":")
    return (before, after) if sign and "/" not in after and not Path(name).is_file() else (name, "")


def _from_hub(
    definition: Definition, split: str, folder: Path | None, places: list[Path], offline: bool
) -> tuple[Iterator[Row], str]:
    name = definition.called(split)
    if folder is None:
        tried = f"no folder of benchmarks is named (--benchmark-dir, {FOLDER_VARIABLE})"
    else:
        inner = [str(place) for place in places if place != folder]
        tried = f"not in {folder}" + (
            f", where {', '.join(inner)} has no file of it" if inner else ""
        )
    mend = f"put its files into a folder {definition.name}/ there, or name another folder"
    if definition.hub is None:
        raise SourceError(f"{name}: {tried}; its definition names no data set of the Hub. {mend}")
    if offline:
        raise SourceError(
            f"{name}: {tried}; the Hub ({definition.hub.id}) is not asked when offline. {mend}"
        )
    try:
        return hub_rows(definition.hub, split)
    except SourceError as error:
        raise SourceError(f"{name}: {tried}; nor from the Hub: {error}. {mend}") from error


def _shown(paths: list[Path]) -> str:
    names = [str(path) for path in paths[:FILES_NAMED]]
    more = len(paths) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")

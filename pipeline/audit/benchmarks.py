"""The benchmarks of an audit: those that were named, loaded once each, and those that can be named."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audits.benchmarks.definitions import known_definitions, load_definition
from audits.benchmarks.files import find_files, folders_of
from audits.benchmarks.load import FOLDER_VARIABLE, benchmark_folder, load_benchmark
from audits.items import Benchmark
from audits.leaks.labelled import SELF_TEST
from audits.outcome.gate import ANY
from pipeline.core.errors import ConfigError, GristmillError
from pipeline.core.printable import printable

__all__ = ["Listed", "list_benchmarks", "load_benchmarks"]

RESERVED = {ANY: "--fail-on means every benchmark by it", SELF_TEST: "--self-test adds one of it"}


def load_benchmarks(names: Sequence[str], folder: Path | None = None) -> tuple[Benchmark, ...]:
    """The benchmarks that are named, in that order, each once.

    Args:
        names: see `audits.benchmarks.load.load_benchmark`; several in one, parted by commas.
        folder: of benchmarks; None for that of ``GRISTMILL_BENCHMARKS``.

    Raises:
        ConfigError: none is named, two have one name, one has a name that means something else, or
            ``folder`` is none.
        SourceError: the items of one cannot be had.
    """
    wanted = dict.fromkeys(
        part for name in names for part in map(str.strip, name.split(",")) if part
    )
    folders = _folders(folder)
    if not wanted:
        known = ", ".join(known_definitions(folders))
        raise ConfigError(f"--benchmarks names none; there are: {known}")
    found: dict[str, Benchmark] = {}
    origin: dict[str, str] = {}
    for name in wanted:
        made = load_benchmark(name, folder=folder)
        if made.name in RESERVED:
            raise ConfigError(
                f"{printable(name)}: no benchmark can be called {made.name!r}: "
                f"{RESERVED[made.name]}; give its definition another name"
            )
        known_as = origin.setdefault(made.name, name)
        if made.name in found and made != found[made.name]:
            raise ConfigError(
                f"{printable(known_as)} and {printable(name)} are both called {made.name!r}; give "
                "one of the definitions another name"
            )
        found[made.name] = made
    return tuple(found.values())


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """A benchmark that can be named.

    Args:
        name: of its definition.
        description: what it is.
        splits: that it has; the first is meant where none is named.
        files: of that split, found on this machine; none if they would come from the Hub.
        hub: id of its data set; empty where it is not on the Hub.
        definition: path of the definition.
        fault: why it cannot be used; empty if it can.
    """

    name: str
    description: str
    splits: tuple[str, ...]
    files: tuple[str, ...]
    hub: str
    definition: str
    fault: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


def list_benchmarks(folder: Path | None = None) -> list[Listed]:
    """Every definition there is, and whether its files are on this machine. No file is read.

    Args:
        folder: of benchmarks; None for that of ``GRISTMILL_BENCHMARKS``.

    Raises:
        ConfigError: ``folder`` is none.
    """
    folder = benchmark_folder(folder)
    found = []
    for name, path in known_definitions(_folders(folder)).items():
        try:
            definition = load_definition(str(path))
            split = definition.splits[0]
            files = find_files(definition, split, folders_of(definition, folder))
        except GristmillError as error:  # one bad definition does not hide the others
            found.append(Listed(name, "", (), (), "", str(path), str(error)))
            continue
        found.append(
            Listed(
                name,
                definition.description,
                definition.splits,
                () if files is None else tuple(str(file) for file, _ in files.files),
                definition.hub.id if definition.hub else "",
                str(path),
            )
        )
    return found


def _folders(folder: Path | None) -> tuple[Path, ...]:
    folder = benchmark_folder(folder)
    if folder is not None and not folder.is_dir():
        raise ConfigError(
            f"{folder}: no such folder of benchmarks (--benchmark-dir, {FOLDER_VARIABLE})"
        )
    return () if folder is None else (folder,)

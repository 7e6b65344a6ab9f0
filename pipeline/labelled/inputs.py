"""What the inputs of a training are: patterns and names, with or without a label, to sources."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable

from pipeline.core.errors import ConfigError, SourceError
from pipeline.sources.addresses import address
from pipeline.sources.inputs import is_glob, locate, located, named
from pipeline.sources.table_rows import ending_of

__all__ = ["HUB", "HUB_PREFIX", "Found", "Input", "find_inputs"]

HUB_PREFIX = "hf:"
HUB, TABLE, DELIMITED, FASTTEXT = "hub", "table", "delimited", "fasttext"
TEXT_ENDINGS = {".csv": DELIMITED, ".tsv": DELIMITED, ".fasttext": FASTTEXT, ".txt": FASTTEXT}
NAMED = ".jsonl, .jsonl.gz, .jsonl.zst, .parquet, .csv, .tsv, .fasttext, .txt"
# What `datasets` leaves in a folder that it saves a dataset, or several splits of one, to.
SAVED = ("state.json", "dataset_dict.json")


@dataclasses.dataclass(frozen=True)
class Input:
    """Something to read.

    Args:
        path: a file, glob or folder, local or with any protocol that fsspec knows; or a Hugging
            Face dataset, ``hf:NAME``, ``hf:NAME:SPLIT``, ``hf:NAME:CONFIG:SPLIT``, where NAME may
            be a folder, too.
        label: of all its rows; None if a column has the labels.
    """

    path: str
    label: str | None = None


@dataclasses.dataclass(frozen=True, order=True)
class Found:
    """One file or dataset to read.

    Args:
        path: absolute path or URL of a file; what stands behind ``hf:`` of a dataset.
        kind: which reader takes it: ``table``, ``delimited``, ``fasttext`` or ``hub``.
        label: of all its rows, or None.
    """

    path: str
    kind: str
    label: str | None = dataclasses.field(compare=False, default=None)


def find_inputs(inputs: Iterable[str | os.PathLike[str] | Input]) -> tuple[Found, ...]:
    """The files and datasets that inputs stand for, each once, sorted: their order is of no matter.

    Args:
        inputs: as in `Input`; a string ``LABEL=PATH`` gives the label, unless there is a file of
            that whole name. Of a folder the files directly in it with a known ending are taken,
            those in ``.txt`` and hidden ones not; a folder that ``datasets`` has saved, or one
            without such files, is a dataset.

    Raises:
        ConfigError: no input, an ending that is not read, or a file that is given two labels.
        SourceError: a file or folder that is missing or cannot be listed.
    """
    found: dict[tuple[str, str], Found] = {}
    for item in inputs:
        given = item if isinstance(item, Input) else _parse(os.fspath(item))
        if given.label is not None and not given.label.strip():
            raise ConfigError(f"{given.path}: an empty label; write LABEL=PATH")
        for source in _find(given):
            before = found.setdefault((source.kind, source.path), source)
            if before.label != source.label:
                labels = " and ".join(
                    "no label" if label is None else f"the label {label!r}"
                    for label in (before.label, source.label)
                )
                raise ConfigError(
                    f"{source.path} is given twice, with {labels}; give it once, or name files "
                    "rather than folders"
                )
    if not found:
        raise ConfigError(f"no input; name files ({NAMED}), globs, folders or hf:NAME")
    return tuple(sorted(found.values()))


def _parse(item: str) -> Input:
    label, sign, path = item.partition("=")
    if not sign or "/" in label:
        return Input(address(item))
    has_protocol = path.startswith(HUB_PREFIX) or "://" in path
    if has_protocol:
        return Input(address(path), label)
    return Input(item) if _listed(item) else Input(path, label)


def _find(given: Input) -> list[Found]:
    if given.path.startswith(HUB_PREFIX):
        return [Found(given.path.removeprefix(HUB_PREFIX), HUB, given.label)]
    paths = _listed(given.path)
    if not paths:
        what = "matches no file" if is_glob(given.path) else "no such file"
        of = "" if given.label is None else f" (the rows of which were to be {given.label!r})"
        raise SourceError(f"{given.path}: {what}{of}")
    found = []
    for path, is_folder in paths:
        files = _within(path) if is_folder else [path]
        if not files:
            found.append(Found(path, HUB, given.label))
        for file in files:
            kind = _kind(file)
            if not kind:
                raise ConfigError(
                    f"{file}: its ending is none that is read here ({NAMED}); "
                    "convert it, or rename it if it is one of these"
                )
            found.append(Found(file, kind, given.label))
    return found


def _listed(pattern: str) -> list[tuple[str, bool]]:
    """The files and folders that a path or glob names, and whether each is a folder."""
    filesystem, inner = locate(pattern)
    try:
        paths = sorted(named(filesystem, inner))
        return [(located(filesystem, path), filesystem.isdir(path)) for path in paths]
    except OSError as error:
        raise SourceError(f"{pattern}: cannot be listed: {error}") from error


def _within(folder: str) -> list[str]:
    """Files directly in a folder that are read one by one; none where it is a dataset."""
    filesystem, inner = locate(folder)
    try:
        paths = sorted(filesystem.find(inner, maxdepth=1))
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed: {error}") from error
    names = [path.rsplit("/", 1)[-1] for path in paths]
    if any(mark in names for mark in SAVED):
        return []
    return [
        located(filesystem, path)
        for path, name in zip(paths, names, strict=True)
        if _kind(path) and not name.startswith((".", "_")) and not name.lower().endswith(".txt")
    ]


def _kind(path: str) -> str:
    if ending_of(path):
        return TABLE
    return next((kind for end, kind in TEXT_ENDINGS.items() if path.lower().endswith(end)), "")

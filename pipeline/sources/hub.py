"""Hugging Face datasets as tables: of the Hub, streamed file by file, or as ``save_to_disk`` left them.

The package ``datasets`` is imported when the first one is opened, and not before.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.core.errors import ConfigError, RecordError, SourceError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest
from pipeline.sources.parquet import BATCH_BYTES, BATCH_ROWS
from pipeline.sources.table_rows import TableBatch, TablePart, fault

__all__ = [
    "DatasetPart",
    "dataset_batches",
    "dataset_name",
    "is_saved",
    "plan_dataset",
    "plan_saved",
]

PREFIXES = ("hf://", "hf:")
FILES = "hf://datasets/"  # files of the Hub, which fsspec opens as any others
ROWS = 16  # of any length, at a time
SAVED, STREAMED, DOWNLOADED = "saved", "streamed", "downloaded"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class DatasetPart:
    """A unit of work.

    Args:
        kind: ``saved`` (by ``save_to_disk``), ``streamed`` or ``downloaded``.
        name: ``owner/name`` of the Hub, or an absolute path or URL of a folder.
        config: empty for the default one.
        split: empty for that of a folder that holds one dataset.
        revision: the commit that is read; empty for a folder.
        start, end: rows; of a streamed split one shard.
        shards: that a streamed split has, else 0.
    """

    kind: str
    name: str
    config: str
    split: str
    revision: str
    start: int
    end: int
    shards: int = 0

    @property
    def input(self) -> str:
        """What is read, as it can be asked for again."""
        return f"hf://{self.name}@{self.revision}" if self.revision else self.name

    def label(self, name: str) -> str:
        """Names what row numbers count in: the split, or one of its shards."""
        label = ":".join(filter(None, (name, self.config, self.split)))
        return f"{label}/{self.start}" if self.shards > 1 else label


def dataset_name(path: str) -> str | None:
    """What stands behind ``hf://`` or ``hf:``; None for other paths."""
    if path.startswith(FILES):
        return None
    prefix = next((prefix for prefix in PREFIXES if path.startswith(prefix)), None)
    return None if prefix is None else path.removeprefix(prefix)


def is_saved(names: Sequence[str]) -> bool:
    """Whether a folder with files of these names is one that ``save_to_disk`` wrote."""
    return "dataset_dict.json" in names or {"state.json", "dataset_info.json"} <= {*names}


def plan_dataset(name: str, part_bytes: int) -> list[DatasetPart]:
    """The parts of a dataset: shards of what can be streamed, rows of what cannot.

    Args:
        name: ``NAME``, ``NAME:SPLIT`` or ``NAME:CONFIG:SPLIT``, all splits if none is named. NAME
            is ``owner/name`` of the Hub, with ``@REVISION`` if it is not the newest that is wanted,
            or a folder. SPLIT may be a slice, as in ``train[:10%]``; that is downloaded.
        part_bytes: of rows that lie on this machine.

    Raises:
        ConfigError: ``datasets`` is not installed, there is no such split, or no name is given.
        SourceError: the dataset cannot be had.
    """
    bare, _, rest = name.partition(":")
    rest, bracket, cut = rest.partition("[")  # a slice has colons, too
    config, _, split = rest.rpartition(":")
    split += bracket + cut
    if not bare:
        raise ConfigError(f"hf://{name} names no dataset; write hf://OWNER/NAME or with :SPLIT")
    revision = ""
    if os.path.isdir(bare):
        bare = os.path.abspath(bare)
        if is_saved(os.listdir(bare)):
            return plan_saved(bare, part_bytes, split)
    else:
        bare, _, revision = bare.partition("@")
    builder = _builder(bare, config, revision)
    if not os.path.isdir(bare):
        revision = str(builder.hash or revision)  # the commit, so that all parts are of the same
    if "[" in split:
        stored = _stored(builder, name, split)
        return [
            DatasetPart(DOWNLOADED, bare, config, split, revision, *rows)
            for rows in _row_ranges(stored, part_bytes)
        ]
    streams = _streams(builder, name)
    return [
        DatasetPart(STREAMED, bare, config, one, revision, shard, shard + 1, shards)
        for one in _wanted(name, split, streams)
        for shards in (streams[one].num_shards,)
        for shard in range(shards)
    ]


def plan_saved(folder: str, part_bytes: int, split: str = "") -> list[DatasetPart]:
    """The parts of what ``save_to_disk`` wrote.

    Args:
        folder: absolute path or URL.
        part_bytes: of rows as stored.
        split: empty for all.

    Raises:
        ConfigError: ``datasets`` is not installed, or there is no such split.
        SourceError: it cannot be read.
    """
    splits = _saved(folder)
    return [
        DatasetPart(SAVED, folder, "", one, "", *rows)
        for one in _wanted(folder, split, splits)
        for rows in _row_ranges(splits[one], part_bytes)
    ]


def dataset_batches(
    part: DatasetPart, columns: Sequence[str] | None = None
) -> Iterator[TableBatch]:
    """The rows of a part in batches of the dataset's own schema; rows are numbered within `label`.

    Args:
        part: from `plan_dataset`.
        columns: the columns wanted, None for all.

    Raises:
        SourceError: the dataset can no longer be had, or a piece of it cannot be read.
    """
    path = part.label(part.input)
    number = 0 if part.kind == STREAMED else part.start
    for table in _tables(part, path):
        names = [name for name in table.column_names if columns is None or name in columns]
        if len({*names}) < len(names):
            raise SourceError(f"{path}: more than one column has the same name; rename one")
        for batch in _small(table.select(names)):
            yield _sound(path, number, batch)
            number += batch.num_rows


# --- opening ---------------------------------------------------------------------------------


def _datasets(name: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            f"hf://{name}: reading it needs the package datasets; pip install 'gristmill[audit]'"
        ) from error
    return datasets


# One opening asks the Hub several questions; a worker reads many parts of one dataset.
@functools.lru_cache(maxsize=8)
def _builder(name: str, config: str, revision: str) -> Any:
    load = _datasets(name).load_dataset_builder
    local = os.path.isdir(name)
    try:
        return load(name, config or None, revision=None if local else revision or None)
    # The Hub's clients, the network and the readers of every format each raise their own.
    except Exception as error:
        raise _unreadable(name, error) from error


def _streams(builder: Any, name: str) -> dict[str, Any]:
    try:
        found = builder.as_streaming_dataset()
    except Exception as error:
        raise _unreadable(name, error) from error
    return dict(found)


def _stored(builder: Any, name: str, split: str) -> Any:
    try:
        builder.download_and_prepare()
        return builder.as_dataset(split=split)
    except Exception as error:
        raise _unreadable(name, error) from error


def _saved(folder: str) -> dict[str, Any]:
    datasets = _datasets(folder)
    try:
        found = datasets.load_from_disk(folder)
    except Exception as error:
        raise _unreadable(folder, error) from error
    return dict(found) if isinstance(found, dict) else {str(found.split or ""): found}


def _unreadable(name: str, error: Exception) -> SourceError:
    cause = "" if error.__cause__ is None else f" ({error.__cause__})"
    return SourceError(
        f"hf://{name}: cannot be had as a dataset: {printable(f'{error}{cause}')}; name one of the "
        "Hub as hf://OWNER/NAME, with its configuration if it has several "
        "(hf://OWNER/NAME:CONFIG:SPLIT)"
    )


def _wanted(name: str, split: str, splits: dict[str, Any]) -> list[str]:
    if split and split not in splits:
        raise ConfigError(
            f"hf://{name}: no split {split!r}; there are: {', '.join(splits) or 'none'}"
            f"{nearest(split, splits)}"
        )
    return [split] if split else list(splits)


# --- reading ---------------------------------------------------------------------------------


def _row_ranges(dataset: Any, part_bytes: int) -> Iterator[tuple[int, int]]:
    rows = len(dataset)
    whole = dataset.data.num_rows  # before rows were selected
    size = dataset.data.nbytes * rows // max(whole, 1)
    cuts = min(max(1, -(-size // part_bytes)), max(rows, 1))
    bounds = [rows * cut // cuts for cut in range(cuts + 1)]
    return itertools.pairwise(bounds)


def _tables(part: DatasetPart, path: str) -> Iterator[pa.Table]:
    if part.kind == SAVED:
        rows = _range(_saved(part.name)[part.split], part, path)
    else:
        builder = _builder(part.name, part.config, part.revision)
        if part.kind == DOWNLOADED:
            rows = _range(_stored(builder, part.name, part.split), part, path)
        else:
            rows = _streams(builder, part.name)[part.split]
            if part.shards > 1:
                rows = rows.shard(part.shards, part.start)
    try:
        yield from rows.with_format("arrow").iter(batch_size=ROWS)
    except Exception as error:
        raise SourceError(f"{path}: cannot be read: {printable(str(error))}") from error


def _range(dataset: Any, part: DatasetPart, path: str) -> Any:
    if part.end > len(dataset):
        raise SourceError(f"{path}: has fewer rows than before; was it changed?")
    return dataset.select(range(part.start, part.end))


def _small(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Pieces of bounded size, so that no more becomes Python objects at a time."""
    rows = max(1, min(BATCH_ROWS, BATCH_BYTES * table.num_rows // max(table.nbytes, 1)))
    yield from table.to_batches(max_chunksize=rows)


def _sound(path: str, first: int, batch: pa.RecordBatch) -> TableBatch:
    """The rows that can be used; strings of a file may be no UTF-8."""
    numbers = np.arange(first, first + batch.num_rows)
    sound, errors = np.ones(batch.num_rows, np.bool_), []
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        for at in range(batch.num_rows):
            try:
                batch.slice(at, 1).validate(full=True)
            except pa.ArrowInvalid as error:
                sound[at] = False
                why = RecordError("table.utf8", str(error))
                errors.append(fault(TablePart(path, 0, 0), first + at, why))
        batch = batch.filter(pa.array(sound))
    return TableBatch(path, numbers[sound], batch, tuple(errors))

"""Deduplication of a table in memory: the library's front door.

The same steps as on files, through a temporary folder, so that a table larger than half the memory
will do.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import ConfigError
from pipeline.dedup.alarm import raise_alarm
from pipeline.dedup.index import Entry, open_indexes, write_part
from pipeline.dedup.outcome import CLUSTER, id_type
from pipeline.dedup.settings import Dedup
from pipeline.dedup.shuffle import deduplicate
from pipeline.runtime.executor import SerialExecutor
from pipeline.runtime.storage import RunFolder

__all__ = ["dedup"]


def dedup(
    dataset: Any,
    settings: Dedup | None = None,
    *,
    id_column: str | None = "id",
    text_column: str = "text",
) -> tuple[Any, Any]:
    """Take duplicates out of a dataset.

    Args:
        dataset: ``pyarrow.Table`` or ``datasets.Dataset``. ``url``, ``date``, ``source`` and the
            column that ``settings.quality`` names are looked at where there are any.
        settings: how; `Dedup`'s defaults if None.
        id_column: unique names of the rows; None numbers them from 0.
        text_column: what is compared. Null counts as an empty text.

    Returns:
        ``kept`` and ``receipts``, both of the type of ``dataset``. ``kept`` has all its columns, its
        order, and two more columns: ``cluster`` and ``cluster_size``. ``receipts`` has one row for
        each removed one: ``removed``, ``kept``, ``similarity``, ``buckets``, ``rule``.

    Raises:
        ConfigError: a column is missing, an id is null or repeats, an index of
            ``settings.against`` does not fit.
        StorageError: such an index is damaged.
        WipeOutAlarm: a source or domain would lose more than ``settings.alarm`` allows.
    """
    settings = settings or Dedup()
    table, back = _as_table(dataset)
    ids = _ids(table, id_column)
    against = open_indexes(settings.against, settings.signing)
    if text_column not in table.column_names:
        raise ConfigError(
            f"no column {text_column!r}; there are {', '.join(table.column_names)}: "
            "name one with text_column="
        )
    with (
        tempfile.TemporaryDirectory(prefix="gristmill-") as root,
        RunFolder(Path(root, "out")).create(kinds=()).lock() as folder,
    ):
        entries = _entries(table, ids, text_column, settings.quality)
        part = write_part(folder, 0, entries, settings.signing, "memory")
        found = deduplicate(folder, [part], settings, SerialExecutor().run, against)
        raise_alarm(found, settings.alarm, lambda line: warnings.warn(line, stacklevel=4))
        kind = id_type(table.schema, id_column)
        fates, receipts = found.part(len(against)), found.receipts(kind)
    kept = table.drop_columns([name for name in CLUSTER if name in table.column_names])
    stays = pa.array(~fates.removed)
    kept = kept.filter(stays)
    kept = kept.append_column(CLUSTER[0], fates.cluster.filter(stays).cast(kind))
    kept = kept.append_column(CLUSTER[1], pa.array(fates.size).filter(stays))
    return back(kept), back(receipts)


def _as_table(dataset: Any) -> tuple[pa.Table, Any]:
    if isinstance(dataset, pa.Table):
        return dataset, lambda table: table
    if type(dataset).__module__.partition(".")[0] == "datasets":
        from datasets import Dataset

        if isinstance(dataset, Dataset):
            return dataset.with_format("arrow")[:], type(dataset)
    raise ConfigError(
        f"expected a pyarrow.Table or a datasets.Dataset (of several splits, one), not "
        f"{type(dataset).__name__}"
    )


def _ids(table: pa.Table, column: str | None) -> pa.Array:
    if column is None:
        # Of one length, so that as text they sort as numbers do.
        width = len(str(table.num_rows))
        return pc.utf8_lpad(pa.array(range(table.num_rows)).cast(pa.string()), width, "0")
    if column not in table.column_names:
        raise ConfigError(
            f"no column {column!r}; there are {', '.join(table.column_names)}: name one with "
            "id_column=, or number the rows with id_column=None"
        )
    ids = table[column].cast(pa.string()).combine_chunks()
    if ids.null_count:
        raise ConfigError(f"{ids.null_count} rows have no {column!r}")
    if len(ids.unique()) != len(ids):
        counts = ids.value_counts()
        repeated = counts.filter(pc.greater(counts.field("counts"), 1))
        raise ConfigError(
            f"{column!r} is not unique: {repeated[0]['values'].as_py()!r} stands "
            f"{repeated[0]['counts'].as_py()} times ({len(repeated)} such); "
            "name another with id_column=, or number the rows with id_column=None"
        )
    return ids


def _entries(table: pa.Table, ids: pa.Array, text: str, quality: str) -> Iterator[Entry]:
    names = {"text": text, "url": "url", "date": "date", "source": "source", "quality": quality}
    present = {name: column for name, column in names.items() if column in table.column_names}
    if quality and "quality" not in present:
        raise ConfigError(f"no column {quality!r}, by which the best copy is to be found")
    if quality and not _is_number(table.schema.field(quality).type):
        raise ConfigError(
            f"the column {quality!r}, by which the best copy is to be found, holds "
            f"{table.schema.field(quality).type}, not numbers"
        )
    columns = table.select(list(dict.fromkeys(present.values())))
    row = 0
    for batch in columns.to_batches(max_chunksize=1024):
        for values in batch.to_pylist():
            fields = {name: values[column] for name, column in present.items()}
            for name in ("text", "url", "source"):
                if name in fields:
                    fields[name] = _text(fields[name])
            yield Entry(ids[row].as_py(), **fields)
            row += 1


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        test(kind)
        for test in (types.is_integer, types.is_floating, types.is_boolean, types.is_null)
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)

"""Rows of Hugging Face datasets: from the Hub, from a folder, or as ``save_to_disk`` left them.

The package ``datasets`` is imported when the first such input is opened, and not before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipeline.core.errors import ConfigError, SourceError
from pipeline.labelled.inputs import HUB_PREFIX, SAVED
from pipeline.labelled.rows import Row, Rows
from pipeline.sources.columns import to_python

__all__ = ["class_names", "hub_rows", "named"]

BATCH_ROWS = 100  # of texts of any length
FEATURES = b"huggingface"  # of a Parquet file's metadata


def hub_rows(name: str, wanted: Sequence[str]) -> Rows:
    """The rows of a dataset, all its splits one after another if none is named.

    Whole numbers that stand for names (``ClassLabel``) are given as those names.

    Args:
        name: ``NAME``, ``NAME:SPLIT`` or ``NAME:CONFIG:SPLIT``; NAME is one of the Hub or a
            folder.
        wanted: the columns that are read.

    Raises:
        ConfigError: ``datasets`` is not installed, or there is no such split.
        SourceError: the dataset cannot be had.
    """
    splits = _load(name)
    names = list(dict.fromkeys(column for part in splits.values() for column in part.column_names))
    return Rows(names, _rows(HUB_PREFIX + name, splits, wanted))


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """The names that whole numbers stand for, by column, of a Parquet file that ``datasets`` wrote.

    Args:
        metadata: of the file's schema.
    """
    try:
        features = json.loads((metadata or {})[FEATURES])["info"]["features"]
        return {column: names for column in features if (names := _names(features[column]))}
    except (KeyError, TypeError, ValueError):  # another program's entry of that name, or none
        return {}


def named(values: dict[str, Any], names: Mapping[str, list[str]]) -> dict[str, Any]:
    """The row with names in the place of the numbers that stand for them; -1 stands for none."""
    for column, known in names.items():
        if column in values:
            values[column] = _named(values[column], known)
    return values


def _load(name: str) -> dict[str, Any]:
    """Splits by name, in the order that the dataset has them."""
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            f"{HUB_PREFIX}{name}: reading it needs the package datasets; "
            "pip install 'gristmill[audit]'"
        ) from error
    path, _, split = name.partition(":")
    config, _, last = split.rpartition(":")
    split = last or split
    if not path:
        raise ConfigError(f"{HUB_PREFIX}{name} names no dataset; write {HUB_PREFIX}NAME:SPLIT")
    try:
        if any(os.path.exists(os.path.join(path, mark)) for mark in SAVED):
            found = datasets.load_from_disk(path)
        else:
            # A split may be a slice of one, too, in the library's way: train[:10%].
            found = datasets.load_dataset(path, config or None, split=split or None)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        cause = "" if error.__cause__ is None else f" ({error.__cause__})"
        raise SourceError(
            f"{HUB_PREFIX}{name}: cannot be loaded as a dataset: {error}{cause}; name a folder or a "
            f"dataset of the Hub, and its configuration if it has several "
            f"({HUB_PREFIX}NAME:CONFIG:SPLIT)"
        ) from error
    if not isinstance(found, dict):
        return {str(found.split or ""): found}
    if split and split not in found:
        raise ConfigError(
            f"{HUB_PREFIX}{name}: no split {split!r}; there are: {', '.join(found) or 'none'}"
        )
    return {split: found[split]} if split else dict(found)


def _rows(source: str, splits: Mapping[str, Any], wanted: Sequence[str]) -> Iterator[Row]:
    for split, dataset in splits.items():
        present = [name for name in dataset.column_names if name in wanted]
        features = dataset.features.to_dict()
        names = {column: found for column in present if (found := _names(features[column]))}
        before = f"{source} {split}".rstrip()
        number = 0
        for batch in dataset.with_format("arrow").iter(batch_size=BATCH_ROWS):
            for values in _sound(batch.select(present)):
                place = f"{before} row {number}"
                if isinstance(values, dict):
                    yield Row(place, named(values, names))
                else:
                    yield Row(place, None, "table.utf8", values)
                number += 1


def _sound(batch: pa.Table) -> Iterator[dict[str, Any] | str]:
    """Rows as values by column; in the place of one that is no UTF-8, why."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        if batch.num_rows == 1:
            yield str(error)
            return
        for row in range(batch.num_rows):
            yield from _sound(batch.slice(row, 1))
        return
    columns = [to_python(batch[name].combine_chunks()) for name in batch.column_names]
    for record in zip(*columns, strict=True) if columns else [()] * batch.num_rows:
        yield dict(zip(batch.column_names, record, strict=True))


def _names(feature: Any) -> list[str]:
    """The names of a ``ClassLabel``, or of a list of them, in the form of a feature's dictionary."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if isinstance(feature, dict) and feature.get("_type") in ("Sequence", "List", "LargeList"):
        feature = feature.get("feature")
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return []
    return [str(name) for name in feature.get("names") or ()]


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(member, names) for member in value]
    if not isinstance(value, int) or isinstance(value, bool) or value >= len(names):
        return value
    return names[value] if value >= 0 else None

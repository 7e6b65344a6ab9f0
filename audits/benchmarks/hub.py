"""Rows of a benchmark on the Hugging Face Hub, with the commit they are of.

The package ``datasets`` is imported when the first one is opened, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audits.benchmarks.definitions import Hub
from audits.benchmarks.files import Row
from pipeline.core.errors import ConfigError, SourceError

__all__ = ["hub_rows"]


def hub_rows(hub: Hub, split: str) -> tuple[Iterator[Row], str]:
    """The rows of all configurations of ``hub``, in order, and the revision they are of.

    Args:
        hub: the data set.
        split: ours, see `Hub`.

    Raises:
        ConfigError: ``datasets`` is not installed.
        SourceError: the data set cannot be had.
    """
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            f"{hub.id}: reading it needs the package datasets; pip install 'gristmill[audit]'"
        ) from error
    revision = hub.revision
    parts: list[tuple[str, Any]] = []
    for config in hub.configs_of(split) or ("",):
        try:
            builder = datasets.load_dataset_builder(
                hub.id, config or None, revision=hub.revision or None
            )
            builder.download_and_prepare()
            parts.append((config, builder.as_dataset(split=hub.split_of(split))))
        # The Hub's clients, the network and the readers of every format each raise their own.
        except Exception as error:
            what = " ".join(part for part in (hub.id, config, hub.split_of(split)) if part)
            raise SourceError(f"{what}: {error}") from error
        # The commit, where the data set is on the Hub; of a folder, a hash of what is in it.
        revision = str(builder.hash or revision)
    return _rows(hub.id, parts), revision


def _rows(name: str, parts: list[tuple[str, Any]]) -> Iterator[Row]:
    for config, dataset in parts:
        where = f"{name} {config}".rstrip()
        for number, values in enumerate(dataset):
            yield Row(f"{where} row {number}", config, dict(values))

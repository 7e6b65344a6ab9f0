"""The index of an audit: its own, or one that several audits share, and who may write to that.

A shared index is held by every audit that reads it, and built by one that holds it alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from audits.benchmarks.definitions import load_definition
from audits.index import StoredIndex, build_index
from audits.items import Benchmark
from audits.settings import AuditSettings
from pipeline.core.errors import ConfigError, GristmillError, RunError
from pipeline.runtime.storage import storage_errors

__all__ = ["held_index", "stored_benchmarks"]


def stored_benchmarks(index: Path) -> tuple[Benchmark, ...]:
    """The benchmarks that an index was made of, without their files.

    Raises:
        ConfigError: there is no index.
        SourceError: it cannot be read.
    """
    if not (index / "index.json").is_file():
        raise ConfigError(
            f"--index {index}: no benchmark index is here yet; name what it is to be made of with "
            "--benchmarks"
        )
    stored = StoredIndex.load(index)
    return tuple(
        Benchmark(
            name=name,
            items=tuple(item for item in stored.items if item.benchmark == name),
            source=noted["source"],
            revision=noted["revision"],
            sha256=noted["sha256"],
            faults=tuple(noted["faults"]),
            public_passage=_public(name),
        )
        for name, noted in stored.header["benchmarks"].items()
    )


def _public(name: str) -> bool:
    """Whether passages are published texts, which an index does not know."""
    try:
        return load_definition(name.partition(":")[0]).public_passage
    except GristmillError:  # a user's own, whose file may be gone
        return False


@contextlib.contextmanager
def held_index(
    place: Path, benchmarks: Sequence[Benchmark], settings: AuditSettings
) -> Iterator[dict[str, Any]]:
    """The index of these benchmarks, ready and left alone by other audits until the block ends.

    Args:
        place: its folder.
        benchmarks: that it is to hold, and no others.
        settings: of the audit.

    Yields:
        What `audits.index.build_index` gives.

    Raises:
        RunError: other audits use it, and it is one of other benchmarks or another encoder.
        ModelError: its vectors were made by another encoder.
        StorageError: it cannot be written.
    """
    with storage_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDONLY)
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            build_index(benchmarks, place, settings)
        fcntl.flock(handle, fcntl.LOCK_SH)  # waits for who builds
        if not _is_of(place, benchmarks, settings):
            raise RunError(
                f"{place}: another audit is using this index, and it would have to be changed for "
                "this one; wait for it, or give another folder with --index"
            )
        yield build_index(benchmarks, place, settings)
    finally:
        os.close(handle)


def _is_of(place: Path, benchmarks: Sequence[Benchmark], settings: AuditSettings) -> bool:
    try:
        header = json.loads((place / "index.json").read_text(encoding="utf-8"))
        there = [(name, one["sha256"]) for name, one in header["benchmarks"].items()]
        made_by = (header["encoder"]["sha256"], header["encoder"]["dtype"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    wanted = [(one.name, one.sha256) for one in benchmarks]
    encoder = settings.encoder
    return there == wanted and made_by == (encoder.model_sha256(), encoder.dtype)

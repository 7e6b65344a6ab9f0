"""The parts of a corpus: inputs of any kind, cut into units of work that have the same names anywhere.

The order in which paths were given makes no difference.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from pipeline.core.errors import ConfigError, SourceError
from pipeline.core.records import encodable
from pipeline.sources import tables
from pipeline.sources.corpus_inputs import files_of, find_corpus, unique_names
from pipeline.sources.hub import DatasetPart, dataset_name, plan_dataset, plan_saved
from pipeline.sources.table_rows import TablePart
from pipeline.sources.tables import PART_BYTES, plan_tables
from pipeline.sources.text_files import TextPart, cut_texts

__all__ = ["CorpusPart", "Stamps", "check_unchanged", "plan_corpus", "stamp", "stamps_of"]

Stamps = Mapping[str, Any]  # by input; of files, bytes and time as `stamp` gives them


@dataclasses.dataclass(frozen=True, slots=True)
class CorpusPart:
    """A unit of work. Picklable, and the same for the same inputs.

    Args:
        source: what is read.
        name: what the id of a row without one begins with; what stands before the name of a text
            file in its id.
    """

    source: TablePart | TextPart | DatasetPart
    name: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it is read from, in a form that `stamp` takes: a file, a folder, a dataset."""
        if isinstance(self.source, TablePart):
            return (self.source.path,)
        return (self.source.root if isinstance(self.source, TextPart) else self.source.input,)


def plan_corpus(
    paths: Sequence[str | os.PathLike[str]], *, split_bytes: int = PART_BYTES
) -> list[CorpusPart]:
    """The parts of all inputs: tables, then texts, then datasets, each sorted by path.

    Args:
        paths: each of

            - the output folder of a run: its ``corpus/``; of a deduplication: ``kept.parquet``; of
              an audit: ``cleaned/``;
            - Parquet and JSON lines (plain, ``.gz``, ``.zst``): files, globs and folders, those
              below them included;
            - ``.txt`` and ``.md`` (also ``.gz``, ``.zst``), one text each: likewise. A folder that
              has tables is read as tables;
            - ``hf://OWNER/NAME``, with ``:SPLIT`` or ``:CONFIG:SPLIT``, or a folder that
              ``save_to_disk`` wrote. All splits if none is named.

            Files may be local or of any protocol that fsspec knows. Names that begin with ``.``
            are passed over in folders, of tables those with ``_``, too.
        split_bytes: bytes of a part, about: of JSON lines and texts as stored, of Parquet as
            decoded. A compressed file is one part, as is a shard of a streamed dataset.

    Raises:
        ConfigError: no path, an ending that is not read, a split that there is not, ``split_bytes``
            below 1, or ``datasets`` is needed and not installed.
        SourceError: a path that is missing, matches nothing, cannot be read, or is not what its
            ending says; a run that is not finished.
    """
    if split_bytes < 1:
        raise ConfigError(f"split_bytes must be at least 1, not {split_bytes}")
    found = find_corpus(paths)
    homes = [(posixpath.dirname(path), [posixpath.basename(path)]) for path in found.tables]
    homes += [(texts.folder, [name for name, _ in texts.files]) for texts in found.texts]
    homes += [(posixpath.dirname(path), [posixpath.basename(path)]) for path in found.saved]
    prefixes = iter(unique_names([home for home, _ in homes], [names for _, names in homes]))
    names = {path: next(prefixes) + posixpath.basename(path) for path in found.tables}
    sources = plan_tables(found.tables, split_bytes) if found.tables else ()
    parts = [CorpusPart(source, encodable(names[source.path])) for source in sources]
    for texts in found.texts:
        prefix = encodable(next(prefixes))
        parts += [CorpusPart(part, prefix) for part in cut_texts(texts, split_bytes)]
    datasets: dict[DatasetPart, str] = {}
    for path in found.saved:
        name = next(prefixes) + posixpath.basename(path)
        datasets.update(dict.fromkeys(plan_saved(path, split_bytes), name))
    for name in found.hub:
        for part in plan_dataset(name, split_bytes):
            datasets.setdefault(part, part.name)
    parts += [CorpusPart(part, part.label(name)) for part, name in sorted(datasets.items())]
    return parts


def stamp(path: str) -> tuple[int, int]:
    """Size in bytes and modification time in nanoseconds, to see whether an input has changed.

    Of a folder or glob, the bytes of all its files (of texts only, where it has any that are read),
    and in place of the time a hash of their names, sizes and times. Of a dataset of the Hub 0 and
    0: the name has the revision.

    Args:
        path: one of `CorpusPart.inputs`.

    Raises:
        SourceError: it is gone.
    """
    if dataset_name(path) is not None:
        return 0, 0
    files = files_of(path)
    if files is None:
        return tables.stamp(path)
    digest = hashlib.blake2b(digest_size=7)
    size = 0
    for file in files:
        held, modified = tables.stamp(file)
        digest.update(f"{file}\0{held}\0{modified}\n".encode("utf-8", "surrogateescape"))
        size += held
    return size, int.from_bytes(digest.digest())


class Part(Protocol):
    """A part of any plan."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it is read from, in a form that `stamp` takes."""
        ...


def stamps_of(parts: Iterable[Part]) -> Stamps:
    """What tells by input whether it has changed; each looked at once.

    Raises:
        SourceError: an input is gone.
    """
    return {path: stamp(path) for path in dict.fromkeys(p for part in parts for p in part.inputs)}


def check_unchanged(parts: Iterable[Part], stamps: Stamps) -> None:
    """See that every input is what it was.

    Args:
        stamps: from `stamps_of`, before the work began.

    Raises:
        SourceError: one has changed, so that what was found belongs to no one version of it.
    """
    for path, now in stamps_of(parts).items():
        if now != stamps[path]:
            raise SourceError(f"{path}: was changed while it was read; run the same command again")

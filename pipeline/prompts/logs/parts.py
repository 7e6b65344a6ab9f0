"""Files of chat logs as parts for workers, and the rows of a part.

Everything that an audit reads as a corpus, and besides it what chats come in: ``.json`` (one array,
JSON lines or an object, also ``.gz`` and ``.zst``), and ``.txt`` with a prompt in every line.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.core.errors import ConfigError, RecordError, SourceError
from pipeline.core.printable import printable
from pipeline.core.records import encodable
from pipeline.core.registry import nearest
from pipeline.prompts.logs.fields import MISSING, LogFields, field_names, lookup
from pipeline.prompts.logs.formats import has_shape
from pipeline.prompts.logs.message_rows import is_message_row
from pipeline.prompts.logs.rows import JSON, JsonPart, LogPart, json_ending, log_rows
from pipeline.sources.addresses import address, distinct
from pipeline.sources.corpus_inputs import unique_names
from pipeline.sources.corpus_plan import CorpusPart, plan_corpus
from pipeline.sources.hub import dataset_name, is_saved
from pipeline.sources.inputs import locate, located, named
from pipeline.sources.json_array import json_kind
from pipeline.sources.table_rows import TablePart, ending_of
from pipeline.sources.tables import PART_BYTES, check_format
from pipeline.sources.text_files import TextPart, text_ending

__all__ = ["check_fields", "plan_logs"]

# Files of datasets and of runs: ``.json`` files beside or below them tell of the data.
MARKS = ("dataset_info.json", "dataset_dict.json", "state.json", "manifest.json", "audit.json")
LOOKED_AT = 1000  # rows of a part, for the fields it has
FIRST = 20  # rows of a file, to see whether they are messages of trees


def plan_logs(
    paths: Sequence[str | os.PathLike[str]],
    fields: LogFields | None = None,
    *,
    split_bytes: int = PART_BYTES,
) -> tuple[LogPart, ...]:
    """The parts of all logs: tables, texts and datasets as `plan_corpus` has them, then ``.json``.

    Args:
        paths: as `pipeline.sources.corpus_plan.plan_corpus` takes them, and ``.json`` files (also
            ``.gz``, ``.zst``), globs of them and folders. Of a folder, all tables and all
            ``.json`` files below it, but none that lies with a dataset or a run. A folder has texts
            only where it has nothing else.
        fields: are looked for if they are given: see `check_fields`.
        split_bytes: bytes of a part, about. A compressed file is one part, and so is an array.

    Raises:
        ConfigError: no path, an ending that is not read (``.md`` is no log), or a field that no
            row has.
        SourceError: a path that is missing or cannot be read, or is not what its ending says.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    arrays: set[str] = set()
    others: list[str] = []
    for pattern in distinct(address(os.fspath(path)) for path in given):
        found, rest = _json_files(pattern)
        arrays |= found
        others += rest
    corpus = plan_corpus(others, split_bytes=split_bytes) if others or not arrays else []
    for part in corpus:
        if isinstance(part.source, TextPart):
            notes = [n for n in part.source.files if text_ending(n).startswith(".md")]
            if notes:
                raise ConfigError(
                    f"{part.source.path(notes[0])}: Markdown is no log of chats; "
                    "write a prompt in each line of a .txt file, or JSON lines"
                )
    groups: list[list[CorpusPart | JsonPart]] = []
    for _, same in itertools.groupby(corpus, _file_of):
        groups += _together(list(same))
    files = sorted(arrays)
    folders = [posixpath.dirname(path) for path in files]
    names = unique_names(folders, [[posixpath.basename(path)] for path in files])
    for path, prefix in zip(files, names, strict=True):
        name = encodable(prefix + posixpath.basename(path))
        groups += _together(_cut(path, name, split_bytes))
    parts = tuple(LogPart(tuple(group)) for group in groups)
    if fields is not None:
        check_fields(parts, fields)
    return parts


def check_fields(parts: Sequence[LogPart], fields: LogFields) -> None:
    """See that the fields are there, before the work begins.

    At most `LOOKED_AT` rows of each part are looked at, and none after all fields are found.

    Raises:
        ConfigError: no row has a field that ``fields`` names, or turns where they are looked for.
            Logs without a row have no fault.
    """
    asked = {
        field.name: path
        for field in dataclasses.fields(fields)
        if (path := getattr(fields, field.name)) is not None
    }
    shaped = fields.turns is not None
    seen: dict[str, None] = {}
    for row in itertools.chain.from_iterable(
        itertools.islice(log_rows(part), LOOKED_AT) for part in parts
    ):
        if isinstance(row.values, RecordError):
            continue
        shaped = shaped or has_shape(row.values) or is_message_row(row.values)
        for values in _objects_in(row.values, fields.turns):
            seen.update(dict.fromkeys(field_names(values)))
            asked = {k: path for k, path in asked.items() if lookup(values, path) is MISSING}
        seen.setdefault("", None)
        if shaped and not asked:
            return
    if not seen or (shaped and not asked):
        return
    del seen[""]
    there = printable(", ".join(seen)) or "none"
    for name, path in asked.items():
        raise ConfigError(
            f"no row has the field {printable(repr(path))} that {name} names"
            f"; there are: {there:.2000}{printable(nearest(path, seen))}"
        )
    raise ConfigError(
        f"no row has turns where they are looked for; name their field (turns); there are: {there}"
    )


def _objects_in(values: Any, turns: str | None) -> Iterator[dict[str, Any]]:
    """A row and the turns in it."""
    if isinstance(values, dict):
        yield values
        named = None if turns is None else lookup(values, turns)
        lists = values.values() if named is None else [named]
    else:
        lists = [values]
    for value in lists:
        if isinstance(value, list):
            yield from (turn for turn in value[:FIRST] if isinstance(turn, dict))


# --- planning --------------------------------------------------------------------------------


def _json_files(pattern: str) -> tuple[set[str], list[str]]:
    """The ``.json`` files that a path stands for, and what else it stands for."""
    if dataset_name(pattern) is not None:
        return set(), [pattern]
    filesystem, inner = locate(pattern)
    local = filesystem.protocol in ("file", ("file", "local"))
    full = functools.partial(located, filesystem)
    inner = os.path.normpath(inner) if local else inner
    try:
        paths = named(filesystem, inner)
        if paths == [inner] and filesystem.isdir(inner):
            below = [path[len(inner) :].lstrip("/") for path in sorted(filesystem.find(inner))]
            logs = {full(f"{inner.rstrip('/')}/{name}") for name in _logs_among(below)}
            tables = is_saved([n for n in below if "/" not in n]) or any(map(ending_of, below))
            return logs, [] if logs and not tables else [pattern]
    except OSError as error:
        raise SourceError(f"{pattern}: cannot be listed: {error}") from error
    found = {path for path in paths if json_ending(path)}
    if not found:
        return set(), [pattern]
    return set(map(full, found)), [full(path) for path in paths if path not in found]


def _logs_among(names: Sequence[str]) -> Iterator[str]:
    """Names of ``.json`` files in a folder that are not hidden, nor beside marks of other things."""
    marked = [posixpath.dirname(name) for name in names if posixpath.basename(name) in MARKS]
    homes = tuple(f"{home}/" if home else "" for home in marked)
    for name in names:
        hidden = any(part.startswith((".", "_")) for part in name.split("/"))
        if json_ending(name) and not hidden and not name.startswith(homes):
            yield name


def _cut(path: str, name: str, split_bytes: int) -> list[JsonPart]:
    ending = json_ending(path)
    size = check_format(path, ending, JSON[ending] is not None)
    kind = json_kind(path, JSON[ending])
    cuts = max(1, -(-size // split_bytes)) if kind == "lines" and JSON[ending] is None else 1
    bounds = [size * cut // cuts for cut in range(cuts + 1)]
    return [JsonPart(path, kind, name, *pair) for pair in itertools.pairwise(bounds)]


def _file_of(part: CorpusPart) -> tuple[str, ...]:
    """What parts have in common that are of one file, or of one split of a dataset."""
    source = part.source
    if isinstance(source, TablePart):
        return (source.path,)
    if isinstance(source, TextPart):
        return (source.root, source.folder)
    return (source.kind, source.name, source.config, source.split)


def _together(
    sources: Sequence[CorpusPart | JsonPart],
) -> Iterator[list[CorpusPart | JsonPart]]:
    """The parts of a file, in one group if its rows are messages of trees, else each on its own."""
    first = itertools.islice(log_rows(LogPart((sources[0],))), FIRST) if len(sources) > 1 else ()
    if any(is_message_row(row.values) for row in first):
        yield list(sources)
    else:
        yield from ([source] for source in sources)

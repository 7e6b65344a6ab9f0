"""What the inputs of an audit are: paths, globs, folders and names to tables, texts and datasets.

Of a folder that Gristmill has written only the product is a corpus: not its ledger, nor what it
dropped. Of a folder that has tables only those are: texts beside them are licences and notes.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.core.errors import ConfigError, SourceError
from pipeline.sources.addresses import Address, address, distinct, joined
from pipeline.sources.hub import dataset_name, is_saved
from pipeline.sources.inputs import is_glob, is_local, locate, located, named
from pipeline.sources.table_rows import JSON_LINES, PARQUET, ending_of
from pipeline.sources.text_files import TEXT_ENDINGS, TextFolder, text_ending

__all__ = ["CorpusInputs", "files_of", "find_corpus", "unique_names"]

NAMED = ", ".join((*sorted((*JSON_LINES, PARQUET)), *TEXT_ENDINGS))
# Beside the first, the second is the product of a run, of a deduplication of files, of an audit.
PRODUCTS = (
    ("manifest.json", "corpus/"),
    ("manifest.json", "kept.parquet"),
    ("audit.json", "cleaned/"),
)
STATE = ".gristmill"
MENDS = (
    (".json", "write its rows as JSON lines, for example with: jq -c '.[]' FILE > FILE.jsonl"),
    (".warc", "extract and curate it first (gristmill run), and audit the output folder"),
    (".warc.gz", "extract and curate it first (gristmill run), and audit the output folder"),
)

Files = dict[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class CorpusInputs:
    """All that is to be read, each once and sorted.

    Args:
        tables: files, as absolute paths or URLs.
        texts: files that are one text each.
        saved: folders that ``save_to_disk`` wrote.
        hub: names as `pipeline.sources.hub.plan_dataset` takes them.
    """

    tables: tuple[str, ...]
    texts: tuple[TextFolder, ...]
    saved: tuple[str, ...]
    hub: tuple[str, ...]


def find_corpus(paths: Iterable[str | os.PathLike[str]]) -> CorpusInputs:
    """The inputs that paths stand for; their order and repetitions make no difference.

    Args:
        paths: see `pipeline.sources.corpus.plan_corpus`.

    Raises:
        ConfigError: no path, or a file whose ending is none that is read.
        SourceError: a path that is missing, matches nothing or cannot be listed; a folder without
            anything to read; a run that is not finished.
    """
    given = [paths] if isinstance(paths, str) else paths
    patterns = distinct(address(os.fspath(path)) for path in given)
    if not patterns:
        raise ConfigError(
            f"no corpus; name files ({NAMED}), globs, folders, the output of a run, or hf://OWNER/NAME"
        )
    found = _Found(set(), {}, set(), set())
    for pattern in patterns:
        name = dataset_name(pattern)
        if name is not None:
            found.hub.add(name)
        else:
            found.take(pattern)
    return CorpusInputs(
        tuple(sorted(found.tables)),
        found.folders(),
        tuple(sorted(found.saved)),
        tuple(sorted(found.hub)),
    )


def files_of(path: str) -> list[str] | None:
    """The files that a folder or a glob stands for, sorted: its texts, else all; None for a file.

    Args:
        path: `TextFolder.root`, or a folder that ``save_to_disk`` wrote.

    Raises:
        SourceError: it is gone.
    """
    filesystem, inner = locate(path)
    if filesystem.isfile(inner):
        return None
    found = _Found(set(), {}, set(), set())
    found.take(path)
    if found.texts:
        return sorted(found.texts)
    return [joined(path, name) for name in _listed(filesystem, inner)]


def unique_names(folders: Sequence[str], names: Sequence[Sequence[str]]) -> list[str]:
    """What to put before the names in each folder so that all names differ.

    That is as much of the end of the folder's path as it takes, and nothing where names differ
    without it.

    Args:
        folders: absolute paths or URLs.
        names: in each folder; no two are of the same file.
    """
    ends = [folder.rstrip("/").split("/") for folder in folders]
    depths = [0] * len(folders)
    while True:
        prefixes = [
            "".join(f"{part}/" for part in end[len(end) - min(depth, len(end)) :])
            for end, depth in zip(ends, depths, strict=True)
        ]
        seen: dict[str, int] = {}
        clashing: set[int] = set()
        for at, prefix in enumerate(prefixes):
            for name in names[at]:
                other = seen.setdefault(prefix + name, at)
                if other != at:
                    clashing |= {at, other}
        clashing = {at for at in clashing if depths[at] < len(ends[at])}
        if not clashing:
            return prefixes
        for at in clashing:
            depths[at] += 1


@dataclasses.dataclass(frozen=True)
class _Found:
    tables: set[str]
    texts: dict[str, tuple[str, int, str]]  # by path: folder, bytes, root
    saved: set[str]
    hub: set[str]

    def take(self, pattern: str) -> None:
        """Add what a path or glob names."""
        filesystem, inner = locate(pattern)
        if is_local(filesystem):
            inner = os.path.normpath(inner)
        try:
            paths = sorted(named(filesystem, inner))
            folders = [filesystem.isdir(path) for path in paths]
        except SourceError:
            raise
        except Exception as error:  # clients of remote file systems raise their own
            raise SourceError(f"{pattern}: cannot be listed: {error}") from error
        if not paths:
            what = "matches no file" if is_glob(inner) else "no such file or folder"
            raise SourceError(f"{pattern}: {what}")
        exact = paths == [inner]
        for path, is_folder in zip(paths, folders, strict=True):
            if is_folder:
                self._folder(filesystem, path)
            else:
                base = path if exact else _fixed(inner)
                self._file(filesystem, path, base, inner)

    def _file(self, filesystem: Any, path: str, base: str, inner: str) -> None:
        full = located(filesystem, path)
        if ending_of(path):
            self.tables.add(full)
        elif text_ending(path):
            if isinstance(full, Address) and "?" in full.full:
                raise ConfigError(
                    f"{full}: texts are not read by a signed URL; copy them here, or name a table"
                )
            folder = base.rpartition("/")[0] if base == path else base
            size = filesystem.size(path) or 0
            self._text(full, located(filesystem, folder or "/"), size, located(filesystem, inner))
        else:
            mend = next(
                (mend for end, mend in MENDS if path.lower().endswith(end)),
                "convert it, or rename it if it is one of these",
            )
            raise ConfigError(f"{full}: its ending is none that is read here ({NAMED}); {mend}")

    def _folder(self, filesystem: Any, path: str) -> None:
        full = located(filesystem, path)
        files = _listed(filesystem, path)
        if is_saved([name for name in files if "/" not in name]):
            self.saved.add(full)
            return
        kept = _products(files)
        tables = [name for name in kept if ending_of(name) and not _set_aside(name)]
        if tables:
            self.tables.update(joined(full, name) for name in tables)
            return
        texts = [name for name in kept if text_ending(name)]
        if not texts:
            raise SourceError(f"{full}: nothing to read in this folder or below it ({NAMED})")
        for name in texts:
            self._text(joined(full, name), full, files[name], full)

    def _text(self, path: str, folder: str, size: int, root: str) -> None:
        """A file that several paths name has its name from the widest folder."""
        given = (folder, size, root)
        known = self.texts.setdefault(path, given)
        self.texts[path] = min(known, given, key=lambda entry: (len(entry[0]), entry[0], entry[2]))

    def folders(self) -> tuple[TextFolder, ...]:
        groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for path, (folder, size, root) in sorted(self.texts.items()):
            name = path[len(folder.rstrip("/")) + 1 :]
            groups.setdefault((folder, root), []).append((name, size))
        return tuple(
            TextFolder(root, folder, tuple(sorted(files)))
            for (folder, root), files in sorted(groups.items())
        )


# --- folders ---------------------------------------------------------------------------------


def _listed(filesystem: Any, folder: str) -> Files:
    """Every file below a folder, hidden ones not: names relative to it, with the bytes of texts.

    Raises:
        SourceError: a folder cannot be listed, or a run in it is not finished.
    """
    try:
        if is_local(filesystem):
            return _walked(folder)
        found = filesystem.find(folder, detail=True)
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(f"{folder}: cannot be listed: {error}") from error
    names = {path[len(folder.rstrip("/")) + 1 :]: path for path in found}
    return {
        name: found[path].get("size") or 0
        for name, path in names.items()
        if not name.startswith(".") and "/." not in name
    }


def _walked(folder: str) -> Files:
    """Links to folders are followed, no folder is listed twice, and audits below it are none of it."""
    files: Files = {}
    seen: set[str] = set()
    for path, below, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(path)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        if STATE in below and "manifest.json" not in names and "audit.json" not in names:
            if path == folder or "corpus" in below:
                raise SourceError(
                    f"{path}: holds a run that is not finished; run the same command again first, "
                    "or name the files in it"
                )
            below.clear()  # an audit that is going on, perhaps of this very folder
            continue
        if STATE in below and "audit.json" in names and path != folder:
            below.clear()
            continue
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in names:
            if not name.startswith("."):
                full = os.path.join(path, name)
                size = os.path.getsize(full) if text_ending(name) else 0
                files[os.path.relpath(full, folder)] = size
    return dict(sorted(files.items()))


def _refuse(error: OSError) -> None:
    raise error


def _products(files: Files) -> list[str]:
    """Names without what Gristmill wrote beside its products; none of an audit without one."""
    names = list(files)
    if "audit.json" in names and not any(name.startswith("cleaned/") for name in names):
        return []
    for mark, product in PRODUCTS:
        homes = [name.removesuffix(mark) for name in names if f"/{name}".endswith(f"/{mark}")]
        for home in homes:
            made = [name for name in names if name.startswith(home + product)]
            if made:
                names = [name for name in names if not name.startswith(home)] + made
    return sorted(names)


def _set_aside(name: str) -> bool:
    """Whether writers of tables have put it beside them: ``_SUCCESS``, ``_delta_log/`` …"""
    return name.startswith("_") or "/_" in name


def _fixed(pattern: str) -> str:
    """The folder that a glob lies in."""
    first = next(at for at, letter in enumerate(pattern) if letter in "*?[")
    return pattern[:first].rpartition("/")[0]

"""Input files: patterns to paths, opening, and telling what a file is that is no WARC."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.core.errors import SourceError
from pipeline.sources.addresses import address, distinct, scheme_of

if TYPE_CHECKING:
    from pipeline.sources.remote import Patience

__all__ = [
    "WHOLE",
    "expand",
    "foreign_format",
    "is_elsewhere",
    "is_glob",
    "is_local",
    "locate",
    "located",
    "named",
    "open_input",
    "stamp",
]

WHOLE = 1 << 62  # the end of any file
PATIENCE: dict[str, Any] = {}  # with stores elsewhere: what is not as `Patience` has it

# First bytes, what they belong to, and the mend.
FORMATS = (
    (b"filedesc:", "an ARC file; convert it to WARC, for example with warcio recompress"),
    (b"BZh", "compressed with bzip2; unpack it, or recompress it with gzip by the record"),
    (
        b"\x04\x22\x4d\x18",
        "compressed with lz4; unpack it, or recompress it with gzip by the record",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "compressed with zstd; unpack it, or recompress it with gzip by the record",
    ),
    (b"\xfd7zXZ", "compressed with xz; unpack it, or recompress it with gzip by the record"),
    (b"PK\x03\x04", "a zip archive; unpack it"),
    (b"PAR1", "a Parquet file; it needs a table source"),
    (b"%PDF", "a PDF document, not a crawl of them"),
)


def expand(patterns: Iterable[str]) -> list[str]:
    """The files that paths and globs name: absolute paths or URLs, each once, sorted.

    Raises:
        SourceError: nothing is there, or a folder, or a protocol that no installed package knows.
    """
    found: list[str] = []
    for pattern in map(address, patterns):
        filesystem, path = locate(pattern)
        try:
            if filesystem.exists(path):
                paths = [path]
            elif is_glob(path):
                paths = [match for match in filesystem.glob(path) if not filesystem.isdir(match)]
            else:
                raise SourceError(f"{pattern}: no such file")
            if not paths:
                raise SourceError(f"{pattern}: matches no file")
            if filesystem.isdir(paths[0]):
                raise SourceError(f"{pattern}: is a folder; name its files, as in {path}/*.warc.gz")
        except OSError as error:
            raise SourceError(f"{pattern}: cannot be listed: {error}") from error
        found += [located(filesystem, path) for path in paths]
    return distinct(found)


def is_glob(path: str) -> bool:
    """Whether a path or URL has signs of a glob."""
    return any(sign in path for sign in "*?[")


def named(filesystem: Any, inner: str) -> list[str]:
    """The files and folders that a path or glob within ``filesystem`` names; none if nothing is there.

    A glob passes over names that begin with ``.``, unless it asks for them.

    Raises:
        OSError: it cannot be listed.
    """
    if filesystem.exists(inner):
        return [inner]
    if not is_glob(inner):
        return []
    return [path for path in filesystem.glob(inner) if "/." in inner or "/." not in path]


def located(filesystem: Any, path: str) -> str:
    """Absolute path or URL of a path within ``filesystem``."""
    return path if is_local(filesystem) else filesystem.unstrip_protocol(path)


def is_local(filesystem: Any) -> bool:
    """Whether a file system is that of this machine."""
    return filesystem.protocol in ("file", ("file", "local"))


@contextlib.contextmanager
def open_input(path: str, start: int = 0, end: int | None = None) -> Iterator[tuple[BinaryIO, int]]:
    """The file, open for reading at its beginning, and its size in bytes.

    Args:
        path: absolute path or URL, from `located`.
        start, end: what of it will be read, for the most part and in order; None for `end` if it
            will be read here and there, `WHOLE` if to its end. Only a store elsewhere is asked
            otherwise by that.

    Raises:
        SourceError: it cannot be opened.
    """
    if is_elsewhere(path):
        from pipeline.sources.remote import RemoteFile
        from pipeline.sources.stores import store_of

        store = store_of(path, _patience())
        store.forget(path)
        with RemoteFile(store, path, start, end) as remote:
            size = remote.size
            remote.seek(0)
            yield remote, size  # type: ignore[misc]
        return
    filesystem, inner = locate(path)
    try:
        file = filesystem.open(inner, "rb")
        size = file.seek(0, 2)
        file.seek(0)
    except OSError as error:
        raise SourceError(f"{path}: cannot be opened: {error}") from error
    with file:
        yield file, size


def stamp(path: str) -> tuple[int, int]:
    """Size in bytes and modification time in nanoseconds, to see whether a file has changed.

    Where a store tells no time, it is made of what the store has as a mark of the content, or 0.

    Raises:
        SourceError: the file is gone.
    """
    if is_elsewhere(path):
        from pipeline.sources.stores import store_of

        found = store_of(path, _patience()).stat(path)
        return found.size, found.modified
    try:
        status = os.stat(locate(path)[1])
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    return status.st_size, status.st_mtime_ns


def foreign_format(head: bytes) -> str | None:
    """What a file is that begins like this, and the mend, or None if it is nothing we know."""
    return next((what for start, what in FORMATS if head.startswith(start)), None)


def locate(path: str) -> tuple[Any, str]:
    """The file system of a path or URL, and the path within it.

    Of another machine's files it is a `RemoteFiles`, else fsspec's own.

    Raises:
        SourceError: a protocol that no installed package knows.
    """
    if is_elsewhere(path):
        from pipeline.sources.remote_files import RemoteFiles
        from pipeline.sources.stores import store_of

        files = RemoteFiles(store_of(path, _patience()), path)
        return files, files.inner
    import fsspec

    try:
        return fsspec.core.url_to_fs(path)  # type: ignore[no-any-return]
    except (ValueError, ImportError, OSError) as error:
        raise SourceError(f"{path}: {error}") from error


def is_elsewhere(path: str) -> bool:
    """Whether it is a URL, and not one of a file of this machine."""
    return "://" in path and scheme_of(path) not in ("file", "local")


def _patience() -> Patience:
    from pipeline.sources.remote import Patience

    return Patience(**PATIENCE)

"""Input files: patterns to paths, opening, and telling what a file is that is no WARC."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from pipeline.core.errors import SourceError

__all__ = ["expand", "foreign_format", "locate", "named", "open_input"]

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
    found: set[str] = set()
    for pattern in patterns:
        filesystem, path = locate(pattern)
        try:
            if filesystem.exists(path):
                paths = [path]
            elif any(sign in path for sign in "*?["):
                paths = [match for match in filesystem.glob(path) if not filesystem.isdir(match)]
            else:
                raise SourceError(f"{pattern}: no such file")
            if not paths:
                raise SourceError(f"{pattern}: matches no file")
            if filesystem.isdir(paths[0]):
                raise SourceError(f"{pattern}: is a folder; name its files, as in {path}/*.warc.gz")
        except OSError as error:
            raise SourceError(f"{pattern}: cannot be listed: {error}") from error
        local = filesystem.protocol in ("file", ("file", "local"))
        found.update(path if local else filesystem.unstrip_protocol(path) for path in paths)
    return sorted(found)


def named(filesystem: Any, inner: str) -> list[str]:
    """The files and folders that a path or glob within ``filesystem`` names; none if nothing is there.

    A glob passes over names that begin with ``.``, unless it asks for them.

    Raises:
        OSError: it cannot be listed.
    """
    if filesystem.exists(inner):
        return [inner]
    if not any(sign in inner for sign in "*?["):
        return []
    return [path for path in filesystem.glob(inner) if "/." in inner or "/." not in path]


@contextlib.contextmanager
def open_input(path: str) -> Iterator[tuple[BinaryIO, int]]:
    """The file, open for reading at its beginning, and its size in bytes.

    Raises:
        SourceError: it cannot be opened.
    """
    filesystem, inner = locate(path)
    try:
        file = filesystem.open(inner, "rb")
        size = file.seek(0, 2)
        file.seek(0)
    except OSError as error:
        raise SourceError(f"{path}: cannot be opened: {error}") from error
    with file:
        yield file, size


def foreign_format(head: bytes) -> str | None:
    """What a file is that begins like this, and the mend, or None if it is nothing we know."""
    return next((what for start, what in FORMATS if head.startswith(start)), None)


def locate(path: str) -> tuple[Any, str]:
    """The file system of a path or URL, and the path within it.

    Raises:
        SourceError: a protocol that no installed package knows.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(path)  # type: ignore[no-any-return]
    except (ValueError, ImportError, OSError) as error:
        raise SourceError(f"{path}: {error}") from error

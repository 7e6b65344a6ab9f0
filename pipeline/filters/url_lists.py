"""Lists of domains, URLs and words for the URL filter: reading, normalising and looking up.

A list of millions is held as sorted 64-bit hashes (xxh3): 8 bytes an entry and 2 for its category,
45 MB for 4.5 million domains where a set of strings takes half a gigabyte. A name that is not
listed passes for one that is with probability n / 2^64: at n = 4.5 million, once in 4 * 10^12.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from pipeline.core.errors import ConfigError
from pipeline.filters.url_parts import host_of, url_key

__all__ = [
    "WORD_FILES",
    "Listing",
    "list_files",
    "load_listing",
    "load_words",
    "normalise_words",
    "sha256_of",
    "word_files",
]

_CHUNK = 1 << 20
_COMMENT = re.compile(rb"#[^\n]*")
_NOT_ALPHANUMERIC = re.compile(r"[^a-zA-Z0-9]+")

# One word a line; lines that open with # are comments. The names are those FineWeb gave them.
WORD_FILES = ("banned_words.txt", "soft_banned_words.txt", "banned_subwords.txt")


class Listing:
    """Names of one kind, each with the category that lists it.

    Args:
        hashes: one per name and category; any order, repeats allowed.
        categories: for each of ``hashes`` an index into ``names``.
        names: of the categories. A name in several counts for the first.
    """

    def __init__(
        self,
        hashes: npt.NDArray[np.uint64],
        categories: npt.NDArray[np.uint16],
        names: tuple[str, ...],
    ):
        order = np.argsort(hashes, kind="stable")
        # Through a memoryview, bisect gets Python integers: a third of the time of NumPy's scalars.
        self._hashes = hashes[order].data
        self._categories = categories[order].data
        self._names = names

    def __len__(self) -> int:
        return len(self._hashes)

    def category(self, name: str) -> str | None:
        """The category that lists ``name``, or None."""
        key = xxhash.xxh3_64_intdigest(name.encode("utf-8", "replace"))
        place = bisect.bisect_left(self._hashes, key)
        if place < len(self._hashes) and self._hashes[place] == key:
            return self._names[self._categories[place]]
        return None


def list_files(paths: Iterable[str]) -> list[tuple[str, str, Path]]:
    """(category, ``"domains"`` or ``"urls"``, file) of every list under ``paths``, in order.

    Args:
        paths: each a category's folder with files ``domains`` and ``urls`` or one of them, as UT1
            ships them; a folder of such folders; or a file, of URLs if its name begins with
            ``urls`` and else of domains.

    Raises:
        ConfigError: a path is not there, or a folder holds no list.
    """
    found: list[tuple[str, str, Path]] = []
    for path in map(Path, paths):
        if path.is_file():
            found.append((path.stem, "urls" if path.name.startswith("urls") else "domains", path))
            continue
        if not path.is_dir():
            raise ConfigError(f"url.domain_lists: {path}: no such file or folder")
        folders = [path, *sorted(child for child in path.iterdir() if child.is_dir())]
        inside = [
            (folder.name, kind, folder / kind)
            for folder in folders
            for kind in ("domains", "urls")
            if (folder / kind).is_file()
        ]
        if not inside:
            raise ConfigError(
                f"url.domain_lists: {path} holds no list: expected a file 'domains' or 'urls' "
                "in it or in its folders"
            )
        found += inside
    return found


@functools.lru_cache(maxsize=4)
def load_listing(paths: tuple[str, ...], kind: str) -> Listing:
    """All names of one kind under ``paths``; read once per process.

    Raises:
        ConfigError: see `list_files`; or a list of domains holds URLs.
    """
    files = [(category, path) for category, found, path in list_files(paths) if found == kind]
    hash_lines = _hash_domains if kind == "domains" else _hash_urls
    # One growing buffer: thousands of small arrays would leave the heap twice as large.
    hashes = bytearray()
    ends = []
    for _, path in files:
        for chunk in hash_lines(path):
            hashes += chunk.tobytes()
        ends.append(len(hashes) // 8)
    categories = np.repeat(np.arange(len(files), dtype=np.uint16), np.diff([0, *ends]))
    names = tuple(category for category, _ in files)
    return Listing(np.frombuffer(hashes, np.uint64), categories, names)


def _hash_domains(path: Path) -> Iterator[npt.NDArray[np.uint64]]:
    for chunk in _chunks(path):
        if b"/" in chunk:
            line = next(line for line in chunk.split() if b"/" in line)
            raise ConfigError(
                f"url.domain_lists: {path} is read as a list of domains and holds "
                f"{line.decode('utf-8', 'replace')!r}: put URLs into a file called 'urls'"
            )
        names = chunk.lower().split()
        if not chunk.isascii():
            names = [host_of(name.decode("utf-8", "replace")).encode() for name in names]
        yield np.fromiter(map(xxhash.xxh3_64_intdigest, names), np.uint64, len(names))


def _hash_urls(path: Path) -> Iterator[npt.NDArray[np.uint64]]:
    for chunk in _chunks(path):
        keys = [url_key(line.decode("utf-8", "replace")).encode() for line in chunk.split()]
        yield np.fromiter(map(xxhash.xxh3_64_intdigest, keys), np.uint64, len(keys))


def _chunks(path: Path) -> Iterator[bytes]:
    """Whole lines, a few megabytes at a time, without comments."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            chunk += file.readline()
            yield _COMMENT.sub(b"", chunk) if b"#" in chunk else chunk


def normalise_words(words: Iterable[str]) -> frozenset[str]:
    """Words in lower case with nothing but ASCII letters and digits, as FineWeb compares them."""
    found = (_NOT_ALPHANUMERIC.sub("", word).lower() for word in words if not word.startswith("#"))
    return frozenset(word for word in found if word)


def word_files(folder: str) -> dict[str, Path]:
    """The files of ``folder`` that are lists of words, by name.

    Raises:
        ConfigError: there is none.
    """
    found = {name: Path(folder) / name for name in WORD_FILES if (Path(folder) / name).is_file()}
    if not found:
        raise ConfigError(f"url.word_lists: {folder} holds none of {', '.join(WORD_FILES)}")
    return found


@functools.lru_cache(maxsize=4)
def load_words(folder: str | None) -> dict[str, frozenset[str]]:
    """The words of each of `WORD_FILES` in ``folder``, one a line; empty where a file is missing.

    Raises:
        ConfigError: see `word_files`.
    """
    files = word_files(folder) if folder is not None else {}
    return {
        name: normalise_words(files[name].read_text("utf-8").splitlines())
        if name in files
        else frozenset()
        for name in WORD_FILES
    }


def sha256_of(path: Path) -> str:
    """The sha256 of a list's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

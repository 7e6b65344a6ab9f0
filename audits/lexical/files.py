"""A lexical index on disk: arrays that can be mapped into memory, and a header that vouches for them.

FOLDER/index.json       format, widths, and shape, type and sha256 of every array; written last
FOLDER/hashes.npy …     one file for each array of `audits.lexical.item_ngrams.ItemNgrams`
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.lexical.item_ngrams import ItemNgrams
from audits.lexical.words import VERSION
from pipeline.core.errors import SourceError, StorageError
from pipeline.runtime.storage import storage_errors

__all__ = ["FORMAT", "load_ngrams", "save_ngrams"]

FORMAT = 2
_HEADER = "index.json"
_REBUILD = "build the index again"


def save_ngrams(ngrams: ItemNgrams, width: int, folder: Path) -> None:
    """Write n-grams and how they were made; what lies in ``folder`` under these names is replaced.

    Raises:
        StorageError: it cannot be written.
    """
    header: dict[str, Any] = {
        "format": FORMAT,
        "words": VERSION,
        "width": width,
        "templates": ngrams.templates,
        "arrays": {},
    }
    try:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _HEADER).unlink(
                missing_ok=True
            )  # without it, what is half written is no index
            for name in _arrays():
                array = getattr(ngrams, name)
                path = folder / f"{name}.npy"
                _write(path, array)
                header["arrays"][name] = {
                    "dtype": array.dtype.str,
                    "shape": list(array.shape),
                    "sha256": _sha256(path),
                }
            temporary = folder / f".{_HEADER}.part"
            temporary.write_text(json.dumps(header, indent=1) + "\n", encoding="utf-8")
            temporary.replace(folder / _HEADER)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror or error}") from error


def load_ngrams(folder: Path, mmap: bool) -> tuple[ItemNgrams, int]:
    """n-grams and their width, after their checksums were compared.

    Args:
        mmap: leave the arrays in the file, read-only and shared between processes.

    Raises:
        SourceError: no index, a damaged one, or one of another version.
    """
    path = folder / _HEADER
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
        made = (header["format"], header["words"])
        if made != (FORMAT, VERSION):
            raise SourceError(f"{path}: an index of another version; {_REBUILD}")
        arrays = {name: _read(folder, name, header["arrays"][name], mmap) for name in _arrays()}
        return ItemNgrams(**arrays, templates=int(header["templates"])), int(header["width"])
    except OSError as error:
        raise SourceError(
            f"{error.filename or path}: no lexical index can be read here ({error.strerror})"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path}: not a lexical index ({error!r}); {_REBUILD}") from error


def _arrays() -> list[str]:
    return [field.name for field in dataclasses.fields(ItemNgrams) if field.name != "templates"]


def _write(path: Path, array: npt.NDArray[Any]) -> None:
    """A new file, so that whoever has mapped the old one keeps it."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    temporary.replace(path)


def _read(folder: Path, name: str, promised: dict[str, Any], mmap: bool) -> npt.NDArray[Any]:
    path = folder / f"{name}.npy"
    if _sha256(path) != promised["sha256"]:
        raise SourceError(f"{path} is damaged: its sha256 is not the one in {_HEADER}; {_REBUILD}")
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    if array.dtype.str != promised["dtype"] or list(array.shape) != promised["shape"]:
        raise SourceError(
            f"{path}: {array.dtype.str}{list(array.shape)} is not what {_HEADER} says"
        )
    return array


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

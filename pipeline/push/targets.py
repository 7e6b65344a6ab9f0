"""Where a finished run is sent to, and the files that are sent.

A target says which files it has already, byte for byte, and takes the others. The manifest goes
last, so that what has one is whole.
"""

from __future__ import annotations

import abc
import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.core.errors import SourceError, StorageError
from pipeline.sources.addresses import address, scrubbed
from pipeline.sources.remote import MissingError
from pipeline.sources.remote_fsspec import refusal

__all__ = ["Say", "Target", "Upload", "is_surplus"]

PART = re.compile(r"part-\d{5,}\.(?:parquet|jsonl\.zst)")
Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Upload:
    """A file to be sent.

    Args:
        name: path in the target, with ``/``.
        content: where it lies, or its bytes.
        size: in bytes.
        sha256: its digest.
    """

    name: str
    content: Path | bytes
    size: int
    sha256: str

    def chunks(self) -> Iterator[bytes]:
        if isinstance(self.content, bytes):
            yield self.content
            return
        with self.content.open("rb") as file:
            while piece := file.read(8 << 20):
                yield piece

    def digest(self, made: Any) -> str:
        """What a ``hashlib`` object says of the bytes, in hexadecimal digits."""
        for piece in self.chunks():
            made.update(piece)
        return str(made.hexdigest())


class Target(abc.ABC):
    """Where files are sent to.

    Args:
        url: of it; messages show it without its secrets.
    """

    def __init__(self, url: str):
        self.url = address(url)

    @abc.abstractmethod
    def present(self, files: Sequence[Upload]) -> set[str]:
        """Names of the files that are there with the same bytes, as far as the store tells.

        Raises:
            StorageError: the target cannot be reached or used.
        """

    @abc.abstractmethod
    def surplus(self, kinds: Collection[str], names: Collection[str]) -> list[str]:
        """Parts of an earlier push in the folders ``kinds`` that are none of ``names``."""

    @abc.abstractmethod
    def send(self, files: Sequence[Upload], surplus: Sequence[str], say: Say) -> None:
        """Send files in this order, the last one last of all, and take away surplus ones.

        Raises:
            StorageError: it cannot be done; the same command continues.
        """

    def _failed(self, error: Exception) -> StorageError:
        found = refusal(self.url, error)
        if isinstance(found, MissingError):
            said = scrubbed(" ".join(str(error).split())[:200], self.url)
            return StorageError(f"{self.url}: is not there; see the name ({said})")
        if isinstance(found, SourceError):
            return StorageError(str(found))
        return StorageError(f"{self.url}: {found.message}; the same command continues")


def is_surplus(name: str, kinds: Collection[str], names: Collection[str]) -> bool:
    """Whether it is a part that another run has left: a card's ``corpus/*.parquet`` would read it."""
    kind, _, part = name.partition("/")
    return kind in kinds and name not in names and PART.fullmatch(part) is not None

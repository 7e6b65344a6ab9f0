"""Folders that fsspec opens: ``memory://``, ``hf://``, ``sftp://``, ``abfs://`` and the others.

Object stores show a file once it has been uploaded whole. Elsewhere it is uploaded under another name
and then moved.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pipeline.core.errors import ConfigError, GristmillError, SourceError, StorageError
from pipeline.runtime.mirror import ObjectStore, Seen
from pipeline.sources.politeness import Gate
from pipeline.sources.remote import PassingError, Patience, persist, shown

__all__ = ["FsspecFolder"]

Answer = TypeVar("Answer")

PATIENCE = Patience()
CONNECTIONS = 64
ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "obs", "hf"})


@dataclasses.dataclass(frozen=True)
class FsspecFolder(ObjectStore):
    """A folder at a URL.

    Args:
        url: with user and password, where it has them; never shown.

    Raises:
        ConfigError: fsspec does not know the protocol, or lacks a package for it.
    """

    url: str = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        self._opened()

    @property
    def address(self) -> str:  # type: ignore[override]
        return shown(self.url).rstrip("/")

    @property
    def private(self) -> bool:  # type: ignore[override]
        return self.url.startswith("memory:")

    def __repr__(self) -> str:
        return f"FsspecFolder({self.address!r})"

    def stat(self, name: str) -> Seen | None:
        return self._persist(name, lambda files, path: _seen(files, path))

    def read(self, name: str) -> bytes | None:
        def attempt(files: Any, path: str) -> bytes | None:
            files.invalidate_cache()
            try:
                data: bytes = files.cat_file(path)
            except FileNotFoundError:
                return None
            return data

        return self._persist(name, attempt)

    def write(self, name: str, data: bytes) -> None:
        self._put(name, lambda files, path: files.pipe_file(path, data))

    def download(self, name: str, path: Path) -> Seen | None:
        def attempt(files: Any, at: str) -> Seen | None:
            seen = _seen(files, at)
            if seen is None:
                return None
            try:
                files.get_file(at, str(path))
            except FileNotFoundError:
                return None
            if _seen(files, at) != seen or path.stat().st_size != seen.size:
                raise PassingError("was replaced while it was read", progress=True)
            return seen

        return self._persist(name, attempt)

    def upload(self, path: Path, name: str) -> Seen | None:
        self._put(name, lambda files, at: files.put_file(str(path), at))
        seen = self.stat(name)
        if seen is None or seen.size != path.stat().st_size:
            raise StorageError(
                f"{self.address}/{name}: is not what was written; another process writes there. Run "
                "the same command again"
            )
        return seen

    def remove(self, name: str) -> None:
        def attempt(files: Any, path: str) -> None:
            with contextlib.suppress(FileNotFoundError):
                files.rm_file(path)

        self._persist(name, attempt)

    def names(self, below: str = "") -> list[str]:
        def attempt(files: Any, path: str) -> list[str]:
            files.invalidate_cache()
            start = len(self._opened()[1]) + 1
            try:
                return sorted(str(found)[start:] for found in files.find(path.rstrip("/")))
            except FileNotFoundError:
                return []

        return self._persist(below, attempt)

    def _put(self, name: str, put: Callable[[Any, str], object]) -> None:
        """Let ``put`` write a file, and make it visible in one act."""

        def attempt(files: Any, path: str) -> None:
            if urlsplit(self.url).scheme in ATOMIC:
                put(files, path)
                return
            home = self._opened()[1]
            waiting = f"{home}/.gristmill/tmp/{uuid.uuid4().hex}"
            for at in (waiting, path):
                files.makedirs(files._parent(at), exist_ok=True)
            try:
                put(files, waiting)
                files.mv(waiting, path)
            except BaseException:
                with contextlib.suppress(Exception):  # the first error is what is to be known
                    files.rm_file(waiting)
                raise

        self._persist(name, attempt)

    def _opened(self) -> tuple[Any, str]:
        return _open(self.url, os.getpid())

    def _persist(self, name: str, attempt: Callable[[Any, str], Answer]) -> Answer:
        url = f"{self.address}/{name}" if name else self.address

        def translated() -> Answer:
            try:
                files, home = self._opened()
                return attempt(files, f"{home}/{name}" if name else home)
            except (PassingError, GristmillError):
                raise
            except PermissionError as error:
                raise SourceError(
                    f"{url}: access is refused; the credentials must be allowed to read, write, list "
                    f"and delete there ({self._hidden(error)})"
                ) from None
            except OSError as error:
                raise PassingError(self._hidden(error)) from None
            except Exception as error:
                raise PassingError(self._hidden(error), brief=True) from None

        try:
            return persist(url, translated, PATIENCE, _gate(self.address))
        except SourceError as error:
            raise StorageError(str(error)) from None

    def _hidden(self, error: Exception) -> str:
        """What an error says, without what the URL has that is not to be seen."""
        parts = urlsplit(self.url)
        said = " ".join(f"{type(error).__name__}: {error}".split())
        said = said.replace(self.url, self.address)
        for secret in (parts.netloc.rpartition("@")[0], parts.password, parts.username):
            if secret:
                said = said.replace(secret, "…")
        return said[:300]  # cut last, or half a secret would be left


@functools.lru_cache(maxsize=8)
def _open(url: str, process: int) -> tuple[Any, str]:
    """The file system in this process, and the folder's path in it."""
    import fsspec

    scheme = urlsplit(url).scheme
    try:
        files, home = fsspec.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as error:
        raise ConfigError(f"{shown(url)}: {error}") from None
    except Exception as error:
        if scheme not in fsspec.available_protocols():
            known = ", ".join(sorted(fsspec.available_protocols()))
            raise ConfigError(f"{shown(url)}: no such protocol; there are: {known}") from None
        raise ConfigError(
            f"{shown(url)}: cannot be opened by fsspec: {type(error).__name__}; see the URL and the "
            f"configuration of {scheme}"
        ) from None
    return files, str(home).rstrip("/")


@functools.cache
def _gate(address: str) -> Gate:
    return Gate(f"out {address}", CONNECTIONS)


def _seen(files: Any, path: str) -> Seen | None:
    files.invalidate_cache()
    try:
        found = files.info(path)
    except FileNotFoundError:
        return None
    if found.get("type") != "file":
        return None
    return Seen(int(found["size"]), files.ukey(path))

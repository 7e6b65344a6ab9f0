"""Which store a URL belongs to: web servers, buckets, others that fsspec knows, folders."""

from __future__ import annotations

import os
from collections.abc import Callable

from pipeline.core.errors import SourceError
from pipeline.sources.addresses import is_chain, is_web, scheme_of, shown
from pipeline.sources.remote import MissingError, Patience, Stat, Store
from pipeline.sources.remote_fsspec import FsspecStore
from pipeline.sources.remote_http import HttpStore
from pipeline.sources.remote_s3 import S3Store

__all__ = ["LocalStore", "is_web", "store_of"]


class LocalStore(Store):
    """Files of this machine, by their paths."""

    def stat(self, url: str) -> Stat:
        try:
            found = os.stat(url)
        except FileNotFoundError as error:
            raise MissingError(f"{url}: no such file") from error
        except OSError as error:
            raise SourceError(f"{url}: {error.strerror}") from error
        return Stat(found.st_size, found.st_mtime_ns)

    def fetch(self, url: str, start: int, size: int) -> tuple[bytes, Stat]:
        stat = self.stat(url)
        try:
            with open(url, "rb") as file:
                file.seek(start)
                return file.read(size), stat
        except OSError as error:
            raise SourceError(f"{url}: cannot be read: {error}") from error


_STORES: dict[tuple[str, Patience, bool], Store] = {}


def store_of(url: str, patience: Patience, anonymous: bool = False) -> Store:
    """The store of a file; one for each process, so that its connections are kept.

    Args:
        url: of any protocol that fsspec has a client for, or a path.
        patience: how long to bear with the server.
        anonymous: ask buckets without credentials.

    Raises:
        SourceError: several file systems in a chain.
    """
    make: Callable[[], Store]
    if is_chain(url):
        raise SourceError(
            f"{shown(url)}: is a chain of file systems; unpack or copy it, and name the files"
        )
    if is_web(url):
        kind, make = "web", lambda: HttpStore(patience)
    elif scheme_of(url) == "s3":
        kind, make = "s3", lambda: S3Store(patience, anonymous)
    elif scheme_of(url):
        kind, make = "fsspec", lambda: FsspecStore(patience)
    else:
        kind, make = "local", lambda: LocalStore(patience)
    found = _STORES.get((kind, patience, anonymous))
    if found is None or found.process != os.getpid():
        found = _STORES[kind, patience, anonymous] = make()
    return found

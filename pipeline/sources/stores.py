"""Which store a URL belongs to: web servers, buckets, or a folder that mirrors one of them."""

from __future__ import annotations

import os
from collections.abc import Callable

from pipeline.core.errors import SourceError
from pipeline.sources.remote import MissingError, Patience, Stat, Store
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


def is_web(url: str) -> bool:
    """Whether it is an address of a web server."""
    return url.startswith(("http://", "https://"))


def store_of(url: str, patience: Patience, anonymous: bool = False) -> Store:
    """The store of a file; one for each process, so that its connections are kept.

    Args:
        url: ``http://``, ``https://``, ``s3://``, or a path.
        patience: how long to bear with the server.
        anonymous: ask buckets without credentials.

    Raises:
        SourceError: another protocol.
    """
    make: Callable[[], Store]
    if is_web(url):
        kind, make = "web", lambda: HttpStore(patience)
    elif url.startswith("s3://"):
        kind, make = "s3", lambda: S3Store(patience, anonymous)
    elif "://" in url:
        raise SourceError(f"{url}: is neither http, https, s3 nor a path")
    else:
        kind, make = "local", lambda: LocalStore(patience)
    found = _STORES.get((kind, patience, anonymous))
    if found is None or found.process != os.getpid():
        found = _STORES[kind, patience, anonymous] = make()
    return found

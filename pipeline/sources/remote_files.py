"""What lies in a store elsewhere, listed with patience, by the names that fsspec's file systems use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pipeline.core.errors import SourceError
from pipeline.sources.addresses import address, full, is_web, scheme_of
from pipeline.sources.remote import MissingError, Store

__all__ = ["RemoteFiles"]

Answer = TypeVar("Answer")


class RemoteFiles:
    """The part of fsspec's interface that plans are made with. Paths are fsspec's, within the store.

    A web server lists nothing: there the path is the whole URL. Every method may raise
    `SourceError`: access is refused, or the server cannot be reached.

    Args:
        store: where the files are.
        url: any in the store; its user and host are those of all.
    """

    def __init__(self, store: Store, url: str):
        self._store, self._url = store, address(url)
        self.protocol = scheme_of(url)
        self._web = is_web(url)
        self.inner = self._url if self._web else self._ask(url, _path)

    def exists(self, path: str) -> bool:
        try:
            return bool(self._info(path))
        except MissingError:
            return False

    def isfile(self, path: str) -> bool:
        return self.exists(path) and not self.isdir(path)

    def isdir(self, path: str) -> bool:
        if self._web:
            return False
        try:
            return bool(self._info(path).get("type") == "directory")
        except MissingError:
            return False

    def size(self, path: str) -> int:
        return int(self._info(path).get("size") or 0)

    def glob(self, pattern: str) -> list[str]:
        def attempt(system: Any, _: str) -> list[str]:
            system.invalidate_cache()
            first = min(pattern.find(sign) for sign in "*?[" if sign in pattern)
            # Globs pass over folders that cannot be listed, and a refusal must not read as "none".
            system.ls(pattern[:first].rpartition("/")[0], detail=False)
            return sorted(system.glob(pattern))

        try:
            return self._ask(pattern, attempt)
        except MissingError as error:
            raise SourceError(
                f"{self._url}: matches no file: there is no such folder or bucket"
            ) from error

    def find(self, folder: str, maxdepth: int | None = None, detail: bool = False) -> Any:
        def attempt(system: Any, _: str) -> Any:
            system.invalidate_cache()
            return system.find(folder, maxdepth=maxdepth, detail=detail)

        return self._ask(folder, attempt)

    def unstrip_protocol(self, path: str) -> str:
        """The URL of a path, with the secrets that it needs."""
        if self._web:
            return path
        scheme, mark, rest = full(self._url).partition("://")
        host = rest.partition("/")[0]
        # Clients for whom the host is no part of a path.
        if host and path.startswith("/") and scheme != "memory":
            return address(f"{scheme}{mark}{host}{path}")
        return f"{scheme}{mark}{path}"

    def _info(self, path: str) -> dict[str, Any]:
        if self._web:
            return {"type": "file", "size": self._store.stat(path).size, "name": path}
        return self._ask(path, lambda system, _: {"name": path, **system.info(path)})

    def _ask(self, path: str, attempt: Callable[[Any, str], Answer]) -> Answer:
        url = path if "://" in path else self.unstrip_protocol(path)
        return self._store.ask(url, attempt)


def _path(_: Any, inner: str) -> str:
    return inner

"""Files elsewhere, read by byte ranges: whatever a network does, the bytes come whole or an error.

What a kind of server needs to be asked is in `remote_http` and `remote_s3`; here is what they have
in common: patience with faults that pass, its bounds, and a file object over ranges.
"""

from __future__ import annotations

import abc
import dataclasses
import io
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from pipeline.core.errors import SourceError
from pipeline.sources.addresses import scrubbed, shown
from pipeline.sources.politeness import Gate

__all__ = [
    "MissingError",
    "PassingError",
    "Patience",
    "RemoteFile",
    "Stat",
    "Store",
    "persist",
    "shown",
]

BLOCK = 8 << 20  # bytes asked for at a time: few requests, and little lost with a connection
SMALL = 64 << 10  # bytes asked for where only a few are wanted
Answer = TypeVar("Answer")


class MissingError(SourceError):
    """The server says that there is no such file."""


class PassingError(Exception):
    """A fault that may be gone at the next try.

    Args:
        message: what happened.
        wait: seconds that the server asks to wait, if it does.
        overloaded: the server is; all are to wait.
        brief: it seldom passes: try again a few times only.
        progress: some of what was asked for did come.
    """

    def __init__(
        self,
        message: str,
        *,
        wait: float | None = None,
        overloaded: bool = False,
        brief: bool = False,
        progress: bool = False,
    ):
        super().__init__(message)
        self.message, self.wait, self.overloaded = message, wait, overloaded
        self.brief, self.progress = brief, progress


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to bear with a server.

    Args:
        tries: attempts at one request of which none brought anything.
        wait: seconds before the second attempt; then twice as many each time, and less by chance
            up to a half, so that many who failed together do not come back together.
        longest: seconds between two attempts at most, unless the server asks for more.
        timeout: seconds without a byte, and seconds to connect.
        slowest: bytes per second on average, under which a reply is given up.
        connections: at a time, to one host, from this machine.
    """

    tries: int = 8
    wait: float = 1.0
    longest: float = 60.0
    timeout: float = 60.0
    slowest: int = 1024
    connections: int = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Stat:
    """Size in bytes and time of last change in nanoseconds, 0 where the server tells none."""

    size: int
    modified: int


class Store(abc.ABC):
    """A server of files. One per process: connections do not survive a fork."""

    def __init__(self, patience: Patience):
        self.patience = patience
        self.process = os.getpid()

    @abc.abstractmethod
    def stat(self, url: str) -> Stat:
        """Size and time of a file.

        Raises:
            MissingError: there is none.
            SourceError: it cannot be had.
        """

    @abc.abstractmethod
    def fetch(self, url: str, start: int, size: int) -> tuple[bytes, Stat]:
        """``size`` bytes from ``start`` on, fewer only at the file's end, and what `stat` says.

        Raises:
            MissingError: there is no such file.
            SourceError: it cannot be had.
        """

    def forget(self, url: str) -> None:  # noqa: B027 - a store that keeps nothing has no need of it
        """Ask anew what a file is, whatever is known of it."""

    def ask(self, url: str, attempt: Callable[[Any, str], Answer]) -> Answer:
        """What ``attempt`` finds out of an fsspec file system and a path in it, with patience.

        Args:
            url: a file, folder or glob.
            attempt: lists or looks something up.

        Raises:
            MissingError: there is no such file or folder.
            SourceError: it cannot be had, or the store lists no files.
        """
        raise SourceError(f"{shown(url)}: files of this store cannot be listed; name each of them")


def persist(
    url: str,
    attempt: Callable[[], Answer],
    patience: Patience,
    gate: Gate,
    pause: Callable[[float], None] = time.sleep,
) -> Answer:
    """What ``attempt`` gives at last.

    Args:
        url: for messages.
        attempt: raises `PassingError` to be tried again.
        patience: for how long.
        gate: to the host.
        pause: how to wait.

    Raises:
        SourceError: it kept failing, or failed for good.
    """
    failed = 0
    while True:
        try:
            with gate.passing():
                return attempt()
        except PassingError as error:
            failed = 0 if error.progress else failed + 1
            if failed >= (min(3, patience.tries) if error.brief else patience.tries):
                raise SourceError(
                    f"{shown(url)}: {scrubbed(error.message, url)}, tried {failed} times; see that the "
                    "server can be reached from here. The same command continues"
                ) from error
            wait = min(patience.longest, patience.wait * 2 ** min(failed, 20) / 2)
            wait *= 0.5 + secrets.randbelow(1000) / 2000
            if error.overloaded:
                gate.pause(wait if error.wait is None else error.wait)
            else:
                pause(wait)


class RemoteFile(io.BufferedIOBase):
    """A file of a `Store`, read mostly forwards; the next block is fetched while one is read.

    Args:
        store: where it is.
        url: its name there.
        start: where reading will begin.
        end: what lies behind it will hardly be read; None if all of the file will be.
        sealed: the file is taken to end at ``end``.
    """

    def __init__(
        self, store: Store, url: str, start: int = 0, end: int | None = None, sealed: bool = False
    ):
        self._store, self._url, self._end, self._sealed = store, url, end, sealed
        self._start = self._at = self._base = start
        self._data = b""
        self._stat: Stat | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._coming: tuple[int, Future[tuple[bytes, Stat]]] | None = None

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._end or 0 if self._sealed else self.stat.size

    @property
    def stat(self) -> Stat:
        """What the server says of the file. The first request tells it."""
        if self._stat is None:
            self._fill(self._at, 1)
        assert self._stat is not None
        return self._stat

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self.size if whence == 2 else 0)[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = max(0, self.size - self._at)
        pieces: list[bytes] = []
        while size > 0:
            within = self._at - self._base
            if not 0 <= within < len(self._data):
                if (self._sealed or self._stat is not None) and self._at >= self.size:
                    break
                self._fill(self._at, size)
                within = 0
                if not self._data:
                    break
            piece = self._data[within : within + size]
            pieces.append(piece)
            size -= len(piece)
            self._at += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None
        super().close()

    def _fill(self, offset: int, least: int) -> None:
        """Have the block at ``offset``, and send for the one behind it."""
        if self._coming is not None and self._coming[0] == offset:
            data, stat = self._coming[1].result()
        else:
            data, stat = self._store.fetch(self._url, offset, self._block(offset, least))
        self._coming = None
        if self._stat is None:
            self._stat = stat
        elif stat.size != self._stat.size:
            raise SourceError(
                f"{shown(self._url)}: has changed while it was read; run again to read it anew"
            )
        sequential = offset in (self._start, self._base + len(self._data))
        self._base, self._data = offset, data
        after = offset + len(data)
        if sequential and data and after < min(self._end or 0, stat.size):
            if self._threads is None:
                self._threads = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
            block = self._block(after, SMALL)
            coming = self._threads.submit(self._store.fetch, self._url, after, block)
            self._coming = (after, coming)

    def _block(self, offset: int, least: int) -> int:
        left = 0 if self._end is None else max(0, self._end - offset)
        if self._sealed:
            return min(BLOCK, left)
        if least <= 4096:  # a look at the head, or at the size
            return SMALL
        return max(min(BLOCK, left), least, SMALL)

"""Restraint towards a server: few connections at a time, and a pause for all when it asks for one.

The limit holds for all processes of a user on this machine: they share lock files. A cluster of
machines has as many limits.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.core.errors import SourceError

__all__ = ["Gate"]

POLL = 0.02  # seconds between looks for a free place
LONGEST_PAUSE = 600.0  # seconds that a server may ask all to wait


class Gate:
    """Lets through so many at a time who ask something of one host.

    Args:
        host: the server, with its port.
        connections: those that may be under way at a time, from all processes.
        folder: of the lock files; by default in the folder for temporary files.

    Raises:
        SourceError: that folder cannot be used.
    """

    def __init__(self, host: str, connections: int, folder: Path | None = None):
        name = hashlib.blake2b(host.encode(), digest_size=8).hexdigest()
        home = folder or Path(tempfile.gettempdir()) / f"gristmill-{os.getuid()}"
        self._folder = home / name
        self._connections = connections
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SourceError(
                f"{home}: no place for lock files: {error.strerror}; set TMPDIR to another folder"
            ) from error
        self._pause = self._folder / "pause"

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Wait for the end of a pause and for a free place, and hold it until the block ends."""
        while True:
            self._wait()
            for number in range(self._connections):
                slot = os.open(self._folder / f"{number}", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(slot)
                    continue
                try:
                    yield
                finally:
                    os.close(slot)  # and with it the lock goes
                return
            time.sleep(POLL)

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long, whichever process it is; a longer pause stays."""
        until = time.time() + min(max(seconds, 0.0), LONGEST_PAUSE)
        if until > self._paused_until():
            self._pause.touch()
            os.utime(self._pause, (until, until))

    def _paused_until(self) -> float:
        try:
            return self._pause.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _wait(self) -> None:
        # A clock that was set back must not make a pause of hours.
        left = min(self._paused_until() - time.time(), LONGEST_PAUSE)
        if left > 0:
            time.sleep(left)

"""A run folder that lies in a store, and its mirror on this machine: what is read and written locally.

The store has the truth. The mirror holds copies, each with a note of which version of the object it
is; a copy counts only while the store still has that version. It may be deleted whenever no run uses
it: that costs fetching, nothing else. Layout, below `cache_home`::

    run-DIGEST/files/        copies, laid out as in the store
    run-DIGEST/notes/        one note for each copy
    run-DIGEST/tmp/HOLDER/   files being written or fetched, by run
    run-DIGEST/lock, id      one driving process of this machine; a name for this mirror
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.core.errors import StorageError

__all__ = ["Mirror", "ObjectStore", "Seen", "cache_home"]

FILES = "files"


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """An object as the store has it: bytes, and a tag that is another for each version."""

    size: int
    tag: str


class ObjectStore(abc.ABC):
    """A folder at a URL. Picklable: each process opens its own connections.

    Names are relative to the folder, with slashes. Every method bears with faults that pass.

    Attributes:
        address: the URL as it may be shown: without user, password and query.
        private: no other process sees what is in it.
    """

    address: str
    private: bool = False

    @abc.abstractmethod
    def stat(self, name: str) -> Seen | None:
        """The object as it is now; None if there is none.

        Raises:
            StorageError: the store cannot be asked. So does every other method.
        """

    @abc.abstractmethod
    def read(self, name: str) -> bytes | None:
        """All bytes of a small object; None if there is none."""

    @abc.abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Put a small object there, all at once."""

    @abc.abstractmethod
    def download(self, name: str, path: Path) -> Seen | None:
        """Fetch one version of an object, whole, into a file; None if there is none."""

    @abc.abstractmethod
    def upload(self, path: Path, name: str) -> Seen | None:
        """Put a file there: the object appears whole, or stays as it was.

        Returns:
            The version that was put; None if it cannot be told apart from another writer's.
        """

    @abc.abstractmethod
    def remove(self, name: str) -> None:
        """Take an object away, if it is there."""

    @abc.abstractmethod
    def names(self, below: str = "") -> list[str]:
        """All objects below a folder, sorted."""


@dataclasses.dataclass(frozen=True)
class Mirror:
    """The copies of one store's objects on this machine. Unpickled elsewhere, it is that machine's.

    Args:
        store: what is mirrored.
        home: folder of the mirror.
    """

    store: ObjectStore
    home: Path

    @classmethod
    def of(cls, store: ObjectStore) -> Mirror:
        """The mirror of a store on this machine."""
        digest = hashlib.blake2b(store.address.encode(), digest_size=12).hexdigest()
        return cls(store, cache_home() / f"run-{digest}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Mirror.of, (self.store,))

    @property
    def root(self) -> Path:
        return self.home / FILES

    def name(self, path: Path) -> str:
        """The object of a path in this mirror, or in another machine's mirror of the same store."""
        parts = path.parts
        for place in range(len(parts) - 1, 0, -1):
            if parts[place] == FILES and parts[place - 1] == self.home.name:
                return "/".join(parts[place + 1 :])
        raise ValueError(f"{path} is not in a mirror of {self.store.address}")

    def here(self, path: Path, key: str | None = None) -> Path:
        """The path of a copy that is what the store has now; of no file if the store has none.

        Args:
            path: of this mirror or of another machine's.
            key: names the content: a copy that was checked under the same key is taken unasked.
        """
        name = self.name(path)
        copy, noted = self.root / name, self._noted(name)
        if key is not None and noted is not None and noted.get("key") == key:
            return copy
        seen = self.store.stat(name)
        if seen is not None and (noted is None or noted["tag"] != seen.tag):
            with self.scratch("fetched") as temporary:
                seen = self.store.download(name, temporary)
                if seen is not None:
                    self._keep(temporary, name, seen, key)
        elif seen is not None and key is not None:
            self._note(name, seen, key)
        if seen is None:
            self._drop(name)
        return copy

    def publish(self, temporary: Path, path: Path) -> None:
        """Let the store have a file under a name, and keep it as its copy."""
        name = self.name(path)
        seen = self.store.upload(temporary, name)
        if seen is None:
            self._drop(name)
        else:
            self._keep(temporary, name, seen, None)

    def remove(self, path: Path) -> None:
        name = self.name(path)
        if self.store.stat(name) is not None:
            self.store.remove(name)
        self._drop(name)

    def seen(self, path: Path) -> Seen | None:
        return self.store.stat(self.name(path))

    def below(self, home: Path) -> list[Path]:
        """All files below a folder of the store."""
        return [self.root / name for name in self.store.names(self.name(home))]

    @contextlib.contextmanager
    def scratch(self, what: str, holder: str | None = None) -> Iterator[Path]:
        """A path for a file that is gone when the block ends, unless it was moved away."""
        folder = self.tmp / (holder or "reading")
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{what}-{uuid.uuid4().hex}"
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    @property
    def tmp(self) -> Path:
        return self.home / "tmp"

    def sweep(self, holder: str) -> None:
        """Remove what earlier runs on this machine left half written."""
        if (self.tmp / holder).is_dir():
            return
        (self.tmp / holder).mkdir(parents=True, exist_ok=True)
        for stale in self.tmp.iterdir():
            if stale.name not in (holder, "reading"):
                shutil.rmtree(stale, ignore_errors=True)

    def identity(self) -> str:
        """A name that only this mirror has."""
        path = self.home / "id"
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x") as file:
                file.write(uuid.uuid4().hex)
        except FileExistsError:
            pass  # made by an earlier run
        return path.read_text()

    # A copy gets its name before its note. The note names the very file, so that a note that another
    # process wrote of another copy does not fit.

    def _keep(self, temporary: Path, name: str, seen: Seen, key: str | None) -> None:
        copy = self.root / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        state = temporary.stat()
        if state.st_size != seen.size:
            raise StorageError(
                f"{self.store.address}/{name}: {seen.size:,} bytes are there, {state.st_size:,} here; "
                "run the same command again"
            )
        temporary.replace(copy)
        self._write_note(name, seen, key, state)

    def _note(self, name: str, seen: Seen, key: str) -> None:
        """Add a key to the note of a copy, if it is still the one that was looked at."""
        noted = self._noted(name)
        if noted is not None and noted["tag"] == seen.tag:
            self._write_note(name, seen, key, (self.root / name).stat())

    def _write_note(self, name: str, seen: Seen, key: str | None, state: os.stat_result) -> None:
        note = self._note_of(name)
        note.parent.mkdir(parents=True, exist_ok=True)
        plain = {"tag": seen.tag, "key": key, "file": _file(state)}
        with self.scratch("note") as temporary:
            temporary.write_text(json.dumps(plain))
            temporary.replace(note)

    def _noted(self, name: str) -> dict[str, Any] | None:
        """The note of a copy that is there."""
        try:
            noted: dict[str, Any] = json.loads(self._note_of(name).read_text())
            return noted if noted["file"] == _file((self.root / name).stat()) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or half a one: the object is fetched again

    def _drop(self, name: str) -> None:
        for path in (self._note_of(name), self.root / name):
            path.unlink(missing_ok=True)

    def _note_of(self, name: str) -> Path:
        return self.home / "notes" / f"{name}.json"


def cache_home() -> Path:
    """Where mirrors lie on this machine.

    ``GRISTMILL_CACHE``, or ``gristmill/`` in ``XDG_CACHE_HOME``, or a folder of this user among the
    temporary files.
    """
    named = os.environ.get("GRISTMILL_CACHE")
    if named:
        return Path(named).absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    if cache:
        return Path(cache).absolute() / "gristmill"
    return Path(tempfile.gettempdir()) / f"gristmill-{os.getuid()}" / "runs"


def _file(state: os.stat_result) -> list[int]:
    return [state.st_ino, state.st_size, state.st_mtime_ns]

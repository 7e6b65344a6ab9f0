"""The run folder: where parts lie, how they are written (all or nothing), who may write.

Nothing here knows what a part holds. Layout::

    OUT/corpus OUT/records OUT/dropped OUT/quarantine    parts, complete as soon as they are visible
    OUT/.gristmill/lock, holder                          the one process that drives the run
    OUT/.gristmill/splits/00000.json                     completion records (`pipeline.runtime.manifest`)
    OUT/.gristmill/tmp/                                  parts being written; swept at the next start

OUT may be a folder in a store (`pipeline.runtime.mirror`). Then paths are those of this machine's mirror,
and whoever reads one asks `RunFolder.here` for it, so that the bytes are the store's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError, RunError, StorageError
from pipeline.runtime.lease import holder_of, leased
from pipeline.runtime.mirror import Mirror

__all__ = [
    "KINDS",
    "RunFolder",
    "is_url",
    "protocol_of",
    "refuse_output_of_others",
    "refuse_url",
    "storage_errors",
    "writing_sample",
]

# What NumPy's tofile says of a full disk, without a number.
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
URL_AS_PATH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # `Path` makes one slash of two
MARK = ".gristmill/run"  # of a folder in a store

KINDS = ("corpus", "records", "dropped", "quarantine")


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """An output folder. Cheap to pickle; creates nothing until `create`.

    Args:
        root: the folder, or its mirror on this machine. It is absolute once `create` has run, so
            that it means the same on every worker.
        holder: who may write: set by `lock`, checked before anything becomes visible, so that
            a worker which outlives its killed driver cannot write into the next run.
        mirror: of a folder in a store; None for a folder of this machine.
    """

    root: Path
    holder: str | None = None
    mirror: Mirror | None = None

    @classmethod
    def mirrored(cls, mirror: Mirror, holder: str | None = None) -> RunFolder:
        """A folder in a store."""
        return cls(mirror.root, holder, mirror)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another machine has another mirror.
        if self.mirror is None:
            return (RunFolder, (self.root, self.holder))
        return (RunFolder.mirrored, (self.mirror, self.holder))

    @property
    def shown(self) -> str:
        """The folder for a person: its path, or its URL without what is secret."""
        return str(self.root) if self.mirror is None else self.mirror.store.address

    @property
    def state(self) -> Path:
        return self.root / ".gristmill"

    @property
    def splits(self) -> Path:
        return self.state / "splits"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    def part(self, kind: str, index: int, suffix: str = ".parquet") -> Path:
        """Path of the part of ``kind`` that split number ``index`` writes."""
        return self.root / kind / f"part-{index:05d}{suffix}"

    def create(self, kinds: Sequence[str] = KINDS) -> RunFolder:
        """Make the folders.

        Args:
            kinds: of parts that will be written.

        Raises:
            ConfigError: the folder holds something that is no Gristmill run.
            StorageError: it cannot be made.
        """
        if self.mirror is not None:
            self._claim(self.mirror)
            return self
        refuse_url(self.root)
        folder = RunFolder(self.root.absolute())
        if folder.root.exists() and not folder.state.is_dir():
            if not folder.root.is_dir():
                raise ConfigError(f"{self.root} is a file; --out takes a folder")
            if any(folder.root.iterdir()):
                raise _of_others(self.root)
        with storage_errors(folder.root):
            for path in (
                *(folder.root / kind for kind in kinds),
                folder.splits,
                folder.state / "tmp",
            ):
                path.mkdir(parents=True, exist_ok=True)
        return folder

    def _claim(self, mirror: Mirror) -> None:
        """See that a folder in a store is empty or ours, and mark it."""
        if mirror.store.stat(MARK) is not None:
            return
        if mirror.store.names():
            raise _of_others(mirror.store.address)
        mirror.store.write(MARK, b"A Gristmill run\n")

    @contextlib.contextmanager
    def lock(self, say: Callable[[str], None] = lambda line: None) -> Iterator[RunFolder]:
        """The folder, held for one driving process; leftovers of a killed one are swept.

        Args:
            say: is told if a lease in a store has to be waited for.

        Raises:
            RunError: another live process holds it.
        """
        with contextlib.ExitStack() as stack:
            place = self.state if self.mirror is None else self.mirror.home
            with storage_errors(place):
                if self.mirror is not None:
                    self.mirror.prepare()
                handle = stack.enter_context((place / "lock").open("w"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"another run is writing to {self.shown}; wait for it, or give another --out"
                ) from None
            if self.mirror is not None:
                store, machine = self.mirror.store, self.mirror.identity()
                token = stack.enter_context(leased(store, machine, say))
                held = dataclasses.replace(self, holder=token)
                for name in store.names(".gristmill/tmp"):
                    store.remove(name)
            else:
                held = dataclasses.replace(self, holder=uuid.uuid4().hex)
                held._token.write_text(held.holder or "")
                for stale in (self.state / "tmp").iterdir():
                    stale.unlink(missing_ok=True)
            yield held

    # --- reading -------------------------------------------------------------------------------

    def here(self, path: Path, key: str | None = None) -> Path:
        """A path of this machine whose bytes are what the folder has now under ``path``.

        Of a folder of this machine that is ``path`` itself. Where there is no such file there is
        none at the path that is given either.

        Args:
            path: in the folder; of a folder in a store also in another machine's mirror of it.
            key: names the content, such as a checksum that is known: a copy that was checked
                under the same key is taken without asking the store.

        Raises:
            StorageError: the store cannot be asked.
        """
        if self.mirror is None:
            return path
        with storage_errors(self.mirror.home):
            return self.mirror.here(path, key)

    def read_text(self, path: Path) -> str:
        """A small text file.

        Raises:
            FileNotFoundError: there is none.
        """
        return self.here(path).read_text(encoding="utf-8")

    def exists(self, path: Path) -> bool:
        """Whether there is such a file."""
        return path.exists() if self.mirror is None else self.mirror.seen(path) is not None

    def size(self, path: Path) -> int | None:
        """Bytes of a file; None if there is none."""
        if self.mirror is not None:
            seen = self.mirror.seen(path)
            return None if seen is None else seen.size
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def children(self, home: Path, pattern: str = "*") -> list[Path]:
        """Paths of what lies directly in a folder, sorted; none where there is no such folder.

        Args:
            home: the folder.
            pattern: of the names, with ``*`` and ``[…]``.
        """
        if self.mirror is None:
            return sorted(home.glob(pattern))
        depth = len(home.parts)
        names = {path.parts[depth] for path in self.mirror.below(home)}
        return [home / name for name in sorted(names) if fnmatchcase(name, pattern)]

    # --- writing -------------------------------------------------------------------------------

    def clear(self, home: Path) -> None:
        """Take a folder of work files away.

        Raises:
            RunError: another run has taken the folder over.
        """
        if self.mirror is not None:
            for path in self.mirror.below(home):
                self.remove(path)
        elif home.is_dir():
            for path in home.iterdir():
                self.remove(path)
            home.rmdir()

    def remove(self, path: Path) -> None:
        """Take a file away, if it is there.

        Raises:
            RunError: another run has taken the folder over.
        """
        self._check_holder()
        if self.mirror is not None:
            self.mirror.remove(path)
        else:
            path.unlink(missing_ok=True)

    @property
    def _token(self) -> Path:
        return self.state / "holder"

    def _check_holder(self) -> None:
        if self.holder is None:
            return
        holds = self._token.read_text() if self.mirror is None else holder_of(self.mirror.store)
        if holds != self.holder:
            raise RunError(f"another run has taken over {self.shown}; this one has stopped")

    @contextlib.contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """A temporary path whose file takes the place of ``path`` if the block ends without error.

        The bytes reach the disk before the name does, so that a name that is visible is whole. In a
        store the object appears whole, and the mirror has it only then.

        Raises:
            StorageError: full disk, quota or permissions; ``path`` is then as it was.
            RunError: another run has taken the folder over.
        """
        if self.mirror is not None:
            with storage_errors(self.mirror.home):
                self.mirror.sweep(self.holder or "none")
                what = f"{path.parent.name}-{path.name}"
                with self.mirror.scratch(what, self.holder or "none") as temporary:
                    yield temporary
                    self._check_holder()
                    self.mirror.publish(temporary, path)
            return
        temporary = self.state / "tmp" / f"{path.parent.name}-{path.name}-{uuid.uuid4().hex}"
        try:
            with storage_errors(path):
                yield temporary
                with temporary.open("rb") as handle:
                    os.fsync(handle.fileno())
                self._check_holder()
                temporary.replace(path)
                _fsync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def write_text(self, path: Path, text: str) -> None:
        """Replace a small text file atomically."""
        with self.replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def is_url(text: str) -> bool:
    """Whether it is the URL of a folder, and no path."""
    return URL.match(text) is not None


def protocol_of(path: Path) -> str:
    """The protocol, with its colon, of a URL that was taken for a path; empty for a path."""
    first = path.parts[0] if path.parts else ""
    return first if URL_AS_PATH.fullmatch(first) else ""


def refuse_url(path: Path) -> None:
    """See that an output folder is one of this machine.

    Raises:
        ConfigError: it is a URL, taken for a path.
    """
    protocol = protocol_of(path)
    if protocol:
        raise ConfigError(
            f"{protocol}//…: this command writes to folders of this machine only; give one with --out, and "
            "copy it from there"
        )


def _of_others(shown: object) -> ConfigError:
    return ConfigError(
        f"{shown} is not empty and holds no Gristmill run; give another folder with --out, or "
        "empty it"
    )


def refuse_output_of_others(out: Path, names: Sequence[str]) -> None:
    """See that an output folder is no other command's.

    Args:
        names: of what other commands leave.

    Raises:
        ConfigError: one of them is there.
    """
    for name in names:
        if (out / name).exists():
            raise ConfigError(
                f"{out} holds the output of another command ({name}); give another folder with --out"
            )


@contextlib.contextmanager
def writing_sample(folder: Path) -> Iterator[None]:
    """A folder that is made, and written to until the block ends.

    Raises:
        StorageError: it cannot be made, or a name in it is taken by something else.
    """
    try:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise StorageError(
            f"{folder}: {error.strerror}: {error.filename}; give another folder with --out"
        ) from error


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into a `StorageError` that names the mend."""
    mends = {
        errno.ENOSPC: "the disk is full; free some space and run the same command again",
        errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
        errno.EACCES: "no permission to write; check the owner of the folder",
        errno.EPERM: "no permission to write; check the owner of the folder",
        errno.EROFS: "the file system is read-only; give another folder with --out",
        errno.EFBIG: "the file would be larger than this process may write (ulimit -f)",
    }
    try:
        yield
    except OSError as error:
        # pyarrow raises plain OSError with the errno only in its message.
        number = error.errno or next(
            (code for code in mends if f"[errno {code}]" in str(error).lower()), None
        )
        if number is None and SHORT_WRITE.search(str(error)):
            number = errno.ENOSPC
        if number in mends:
            raise StorageError(f"{path}: {mends[number]}") from error
        raise


def _fsync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

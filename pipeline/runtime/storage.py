"""The run folder: where parts lie, how they are written (all or nothing), who may write.

Nothing here knows what a part holds. Layout::

    OUT/corpus OUT/records OUT/dropped OUT/quarantine    parts, complete as soon as they are visible
    OUT/.gristmill/lock, holder                          the one process that drives the run
    OUT/.gristmill/splits/00000.json                     completion records (`pipeline.runtime.manifest`)
    OUT/.gristmill/tmp/                                  parts being written; swept at the next start
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.core.errors import ConfigError, RunError, StorageError

__all__ = ["KINDS", "RunFolder", "refuse_output_of_others", "storage_errors", "writing_sample"]

# What NumPy's tofile says of a full disk, without a number.
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")

KINDS = ("corpus", "records", "dropped", "quarantine")


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """An output folder. Cheap to pickle; creates nothing until `create`.

    Args:
        root: the folder. It is absolute once `create` has run, so that it means the same on
            every worker.
        holder: who may write: set by `lock`, checked before anything becomes visible, so that
            a worker which outlives its killed driver cannot write into the next run.
    """

    root: Path
    holder: str | None = None

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
        folder = RunFolder(self.root.absolute())
        if folder.root.exists() and not folder.state.is_dir():
            if not folder.root.is_dir():
                raise ConfigError(f"{self.root} is a file; --out takes a folder")
            if any(folder.root.iterdir()):
                raise ConfigError(
                    f"{self.root} is not empty and holds no Gristmill run; "
                    "give another folder with --out, or empty it"
                )
        with storage_errors(folder.root):
            for path in (
                *(folder.root / kind for kind in kinds),
                folder.splits,
                folder.state / "tmp",
            ):
                path.mkdir(parents=True, exist_ok=True)
        return folder

    @contextlib.contextmanager
    def lock(self) -> Iterator[RunFolder]:
        """The folder, held for one driving process; leftovers of a killed one are swept.

        Raises:
            RunError: another live process holds it.
        """
        with (self.state / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"another run is writing to {self.root}; wait for it, or give another --out"
                ) from None
            held = dataclasses.replace(self, holder=uuid.uuid4().hex)
            held._token.write_text(held.holder or "")
            for stale in (self.state / "tmp").iterdir():
                stale.unlink(missing_ok=True)
            yield held

    def remove(self, path: Path) -> None:
        """Take a file away, if it is there.

        Raises:
            RunError: another run has taken the folder over.
        """
        self._check_holder()
        path.unlink(missing_ok=True)

    @property
    def _token(self) -> Path:
        return self.state / "holder"

    def _check_holder(self) -> None:
        if self.holder is not None and self._token.read_text() != self.holder:
            raise RunError(f"another run has taken over {self.root}; this one has stopped")

    @contextlib.contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """A temporary path whose file takes the place of ``path`` if the block ends without error.

        The bytes reach the disk before the name does, so that a name that is visible is whole.

        Raises:
            StorageError: full disk, quota or permissions; ``path`` is then as it was.
            RunError: another run has taken the folder over.
        """
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

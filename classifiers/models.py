"""Model files: a path and the sha256 its content must have. What a model does is not known here."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os

from pipeline.core.errors import ModelError

__all__ = ["ModelFile"]


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """A model on disk, by path and content: what travels to workers instead of a loaded model.

    Args:
        path: the file.
        sha256: 64 hexadecimal digits its content must have; None takes the file as it is.

    Raises:
        ModelError: ``sha256`` is no sha256.
    """

    path: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.fspath(self.path))
        if self.sha256 is None:
            return
        digest = self.sha256.lower()
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ModelError(f"{self.path}: {self.sha256!r} is no sha256 (64 hexadecimal digits)")
        object.__setattr__(self, "sha256", digest)

    def verify(self) -> str:
        """The sha256 of the content, after checking that it is the promised one.

        The file is read once per process and again only if its size or time of change differs.

        Raises:
            ModelError: the file cannot be read, or is another one than promised.
        """
        try:
            status = os.stat(self.path)
            found = _digest(self.path, status.st_size, status.st_mtime_ns)
        except OSError as error:
            raise ModelError(
                f"{self.path}: the model file cannot be read ({error.strerror}); "
                "give the path of an existing model"
            ) from error
        if self.sha256 is not None and found != self.sha256:
            raise ModelError(
                f"{self.path}: this is not the expected model file.\n"
                f"  expected sha256 {self.sha256}\n"
                f"  found    sha256 {found} ({status.st_size:,} bytes)\n"
                "Fetch the file again (a download may have been cut short), or, if the change is "
                "meant, give the sha256 that was found."
            )
        return found


@functools.lru_cache(maxsize=64)
def _digest(path: str, size: int, mtime_ns: int) -> str:
    # Size and time are part of the key only: they tell a changed file from the one read before.
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

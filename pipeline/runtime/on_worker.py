"""What Ray's workers run: a task with its setting, the board of counts, and who they are.

Imported by workers, so it stays light; Ray itself is known to `pipeline.runtime.executor` only.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pipeline
from pipeline.core.errors import ConfigError

__all__ = [
    "TICK_SECONDS",
    "Board",
    "Setting",
    "cannot_import",
    "check_identity",
    "identify",
    "run_task",
]

TICK_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a task finds around it.

    Args:
        folder: the working directory of who typed the command, taken where it exists.
        version: of the driver's Gristmill.
        needed: a file of the driver's that the task uses, or None.
        driver: name of the driver's machine.
    """

    folder: str
    version: str = pipeline.__version__
    needed: Path | None = None
    driver: str = dataclasses.field(default_factory=socket.gethostname)

    def check(self) -> None:
        """See that this machine will do.

        Raises:
            ConfigError: another version is installed here, or the file is not to be seen.
        """
        here = f"Ray's workers on {socket.gethostname()}"
        if self.version != pipeline.__version__:
            raise ConfigError(_other_version(here, pipeline.__version__, self.version))
        if self.needed is not None and not self.needed.exists():
            raise ConfigError(
                f"{here} do not see {self.needed} of {self.driver}: with more than one machine the "
                "output goes to a bucket (--out s3://…) or to a folder that all of them mount"
            )


def run_task(
    setting: Setting,
    work: Callable[[Any, Callable[[Mapping[str, int]], None]], Any],
    task: Any,
    position: int,
    board: Any,
) -> Any:
    """One task, on a worker; its counts go to the board about twice a second."""
    setting.check()
    # Relative input paths mean what they mean to the person who typed them.
    if os.path.isdir(setting.folder):
        os.chdir(setting.folder)
    last = time.monotonic()

    def tick(counts: Mapping[str, int]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TICK_SECONDS:
            last = now
            board.update.remote(position, dict(counts))

    return work(task, tick)


class Board:
    """Ray actor: the latest counts of each running task."""

    def __init__(self) -> None:
        self._latest: dict[int, Mapping[str, int]] = {}

    def update(self, position: int, counts: Mapping[str, int]) -> None:
        self._latest[position] = counts

    def latest(self) -> dict[int, Mapping[str, int]]:
        return self._latest


def identify() -> tuple[str, str]:
    """Distribution and version of the ``pipeline`` that is imported here."""
    found = getattr(pipeline, "DISTRIBUTION", pipeline.__file__ or "?")
    return found, getattr(pipeline, "__version__", "?")


def check_identity(machine: str, found: str, version: str) -> None:
    """See that workers have the Gristmill of this process.

    Args:
        machine: the workers, in words.
        found, version: what `identify` says there.

    Raises:
        ConfigError: they have another.
    """
    if found != pipeline.DISTRIBUTION:
        raise ConfigError(f"{machine} import 'pipeline' from {found}, which is not ours")
    if version != pipeline.__version__:
        raise ConfigError(_other_version(machine, version, pipeline.__version__))


def _other_version(machine: str, theirs: str, ours: str) -> str:
    return (
        f"{machine} have gristmill {theirs}, the machine that drives the run has {ours}; "
        "install the same version on every machine"
    )


def cannot_import(machine: str, error: Exception) -> ConfigError:
    """What to say when workers cannot even load a task."""
    return ConfigError(
        f"{machine} cannot import Gristmill: another module called 'pipeline' is in "
        f"its place, or it is not installed there (install gristmill {pipeline.__version__} "
        f"on every machine). Ray says: {error}"
    )

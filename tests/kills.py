"""Runs that are killed at any file they write, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.runtime.storage import RunFolder

__all__ = ["kill_at_files", "run_script"]


def kill_at_files(run: Callable[[Path], object], outs: Path, step: int = 1) -> None:
    """Kill a run at every ``step``-th file that it writes, before or after it has got its name.

    Args:
        run: into a folder.
        outs: gets ``warm``, of a run that is left alone, and ``out-N`` of each killed one.
    """
    run(outs / "warm")  # all is loaded before the first fork
    for file in range(1, 1000, step):
        child = os.fork()
        if not child:
            _killed_at(run, outs / f"out-{file}", file, before=file % 2 == 0)
            os._exit(0)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            return


def _killed_at(run: Callable[[Path], object], out: Path, file: int, before: bool) -> None:
    """Runs until the ``file``-th file is written, then is killed; ``before`` it has its name."""
    written = 0
    replacing = RunFolder.replacing

    @contextlib.contextmanager
    def counted(folder: RunFolder, target: Path) -> Iterator[Path]:
        nonlocal written
        with replacing(folder, target) as temporary:
            yield temporary
            written += 1
            if before and written == file:
                os.truncate(temporary, temporary.stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
        if written == file:
            os.kill(os.getpid(), signal.SIGKILL)

    RunFolder.replacing = counted  # type: ignore[method-assign]
    run(out)


def run_script(file: str, *arguments: str) -> None:
    """Run a test module as a script, with what it can import here."""
    subprocess.run(
        [sys.executable, file, *arguments],
        check=True,
        # One thread: a forked child waits for ever for the OpenMP threads that only its parent has.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )

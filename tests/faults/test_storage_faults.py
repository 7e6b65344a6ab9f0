"""A disk that fills up, folders that are not ours, two runs at once."""

from __future__ import annotations

import fcntl
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.errors import ConfigError, RunError, StorageError
from pipeline.recipe import load_recipe
from pipeline.run import run
from pipeline.runtime.storage import RunFolder

Digests = Callable[[Path], dict[str, str]]


def _small_files() -> None:
    """No file of this process may grow beyond a few kilobytes, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path: Path, digests: Digests) -> None:
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-B",
        "-m",
        "pipeline.cli",
        "run",
        "quickstart",
        "--serial",
        "--quiet",
        "--out",
        str(out),
    ]
    full = subprocess.run(
        command, cwd=tmp_path, preexec_fn=_small_files, capture_output=True, text=True, check=False
    )
    assert full.returncode == 1, full.stderr
    assert "ulimit -f" in full.stderr or "disk is full" in full.stderr
    assert not (out / "manifest.json").exists()
    assert not list((out / ".gristmill" / "tmp").iterdir())
    run(load_recipe("quickstart"), out=out, serial=True)
    run(load_recipe("quickstart"), out=tmp_path / "fresh", serial=True)
    assert digests(out) == digests(tmp_path / "fresh")


def test_a_part_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create()
    path = folder.part("corpus", 0)
    path.write_text("before")

    def half() -> None:
        with folder.replacing(path) as temporary:
            temporary.write_text("half a pa")
            raise ValueError("stopped in the middle")

    with pytest.raises(ValueError, match="stopped"):
        half()
    assert path.read_text() == "before"
    assert not list((folder.state / "tmp").iterdir())


def test_no_space_names_the_mend(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create()

    def fill() -> None:
        with folder.replacing(folder.part("corpus", 0)):
            raise OSError("[Errno 28] Error writing bytes to file. Detail: No space left on device")

    with pytest.raises(StorageError, match="free some space and run the same command again"):
        fill()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("do not touch")
    with pytest.raises(ConfigError, match="holds no Gristmill run"):
        run(load_recipe("quickstart"), out=tmp_path, serial=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_out_may_not_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        run(load_recipe("quickstart"), out=tmp_path / "out", serial=True)


def test_two_runs_may_not_share_a_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create()
    with (folder.state / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another run is writing"):
            run(load_recipe("quickstart"), out=tmp_path / "out", serial=True)


def test_a_worker_of_a_run_that_was_taken_over_cannot_write(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create()
    with folder.lock() as first:
        path = first.part("corpus", 0)
        first.write_text(path, "first")
    with folder.lock() as second:
        with pytest.raises(RunError, match="taken over"):
            first.write_text(path, "late")
        assert path.read_text() == "first"
        second.write_text(path, "second")
    assert path.read_text() == "second"

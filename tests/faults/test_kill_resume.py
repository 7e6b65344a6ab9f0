"""Drivers, workers and extraction children killed at random points: the output is the same."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.recipe import load_recipe
from pipeline.run import run
from pipeline.runtime.storage import RunFolder

pytestmark = [pytest.mark.ray, pytest.mark.heavy]

SPLIT_SIZE = "source.split_size=12000"
WAIT_SECONDS = 180

Digests = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, digests: Digests) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole") / "out"
    run(load_recipe("quickstart", [SPLIT_SIZE]), out=out, serial=True)
    return digests(out)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `gristmill run` on the sample; what still runs at the end is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(out: Path, *options: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "pipeline.cli",
            "run",
            "quickstart",
            "--quiet",
            "--out",
            str(out),
            "--set",
            SPLIT_SIZE,
            *options,
        ]
        process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        for child in [*_descendants(process.pid), process]:
            child.kill()
        process.wait()


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _until(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> object:
    """What ``condition`` returns as soon as it is true, or None if the process ends first."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        if process.poll() is not None:
            return None
        time.sleep(0.005)
    pytest.fail(f"nothing happened within {WAIT_SECONDS} s")


def _splits_done(out: Path) -> int:
    return len(list(RunFolder(out).splits.glob("*.json"))) if out.exists() else 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_driver_resumes_to_the_same_bytes(
    tmp_path: Path,
    start: Callable[..., subprocess.Popen[bytes]],
    uninterrupted: dict[str, str],
    digests: Digests,
    seed: int,
) -> None:
    chance = random.Random(seed)
    out = tmp_path / "out"
    options = ("--serial",) if seed == 1 else ("--workers", "2")
    done = chance.randint(1, 12)
    process = start(out, *options)
    _until(lambda: _splits_done(out) >= done, process)
    time.sleep(chance.random() * 0.1)
    process.kill()
    process.wait()
    # Workers outlive their driver for a second or two: what they still write must not count.
    resumed = run(load_recipe("quickstart", [SPLIT_SIZE]), out=out, serial=True)
    assert resumed.resumed >= done
    assert digests(out) == uninterrupted


@pytest.mark.parametrize(
    "moment",
    [
        ".gristmill/payloads/*",
        "dedup/index/*.signatures.u32",
        ".gristmill/dedup/*/band-*",
        ".gristmill/dedup/*/verify-*",
        ".gristmill/dedup/fates/*",
        "dedup/receipts.parquet",
    ],
)
def test_a_driver_killed_while_it_deduplicates_resumes_to_the_same_bytes(
    tmp_path: Path,
    start: Callable[..., subprocess.Popen[bytes]],
    uninterrupted: dict[str, str],
    digests: Digests,
    moment: str,
) -> None:
    out = tmp_path / "out"
    process = start(out, "--serial")
    _until(lambda: any(out.glob(moment)), process)
    process.kill()
    process.wait()
    run(load_recipe("quickstart", [SPLIT_SIZE]), out=out, serial=True)
    assert digests(out) == uninterrupted
    assert not any((out / ".gristmill" / "dedup").iterdir())


def _workers(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found = []
    for child in _descendants(process.pid):
        try:
            if "ray::run_task" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue  # it ended while we looked
    return found


def _extractors(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found = []
    for child in _descendants(process.pid):
        try:
            if any(part.endswith("extract/child.py") for part in child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue  # it ended while we looked
    return found


@pytest.mark.parametrize("victims", [_workers, _extractors])
@pytest.mark.parametrize("seed", [4, 5])
def test_killed_workers_change_nothing(
    tmp_path: Path,
    start: Callable[..., subprocess.Popen[bytes]],
    uninterrupted: dict[str, str],
    digests: Digests,
    victims: Callable[[subprocess.Popen[bytes]], list[psutil.Process]],
    seed: int,
) -> None:
    chance = random.Random(seed)
    out = tmp_path / "out"
    process = start(out, "--workers", "2")
    kills = 0
    for done in sorted(chance.sample(range(12), 2)):
        seen = _until(lambda done=done: _splits_done(out) >= done and victims(process), process)
        if seen:
            time.sleep(chance.random() * 0.05)
            # Tasks are short: a worker may be between two of them by now, which is as good a time.
            victim = chance.choice(victims(process) or seen)
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
                kills += 1
    assert process.wait(WAIT_SECONDS) == 0
    assert kills
    assert digests(out) == uninterrupted

"""A Ray cluster on this machine: each node with an address, a token and folders of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

__all__ = ["Machines", "Node", "hiding", "machines"]

START_SECONDS = 60
OBJECT_STORE = 100_000_000


@dataclasses.dataclass
class Node:
    """One machine of the cluster.

    Args:
        ip: its address, of the loopback range.
        cache: its ``GRISTMILL_CACHE``.
        process: ``ray start --block``; what it has started are its children.
    """

    ip: str
    cache: Path
    process: subprocess.Popen[bytes]

    def family(self) -> list[psutil.Process]:
        try:
            parent = psutil.Process(self.process.pid)
            return [*parent.children(recursive=True), parent]
        except psutil.NoSuchProcess:
            return []

    def runs_a_task(self) -> bool:
        """Whether a worker of this node is at a task now."""
        for one in self.family():
            with contextlib.suppress(psutil.Error):
                if "ray::run_task" in " ".join(one.cmdline()):
                    return True
        return False

    def kill(self) -> None:
        """All at once and without a word, as when the power fails."""
        family = self.family()
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.suspend()
        for one in [*family, *self.family()]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()


@dataclasses.dataclass
class Machines:
    """The cluster.

    Args:
        root: gets a folder of each node. Its path is short, since sockets lie below it.
        port: of the head.
        environment: of drivers.
        nodes: that have been started, the head first.
    """

    root: Path
    port: int
    environment: dict[str, str]
    nodes: list[Node] = dataclasses.field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.nodes[0].ip}:{self.port}"

    def start(
        self,
        cpus: int = 1,
        environment: Mapping[str, str] | None = None,
        wrap: Sequence[str] = (),
    ) -> Node:
        """Another machine; the first is the head.

        Args:
            cpus: tasks that run there at a time.
            environment: its own variables.
            wrap: a command that runs the node's.
        """
        number = len(self.nodes) + 1
        ip = f"127.0.0.{10 + number}"
        folder = self.root / str(number)
        folder.mkdir()
        command = [*wrap, sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
        command += ["--node-ip-address", ip, "--num-cpus", str(cpus), "--num-gpus", "0"]
        command += ["--temp-dir", str(folder), "--object-store-memory", str(OBJECT_STORE)]
        if self.nodes:
            command += ["--address", self.address]
        else:
            command += ["--head", "--port", str(self.port), "--include-dashboard", "false"]
        own = {"GRISTMILL_CACHE": str(folder / "cache"), **(environment or {})}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**self.environment, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        node = Node(ip, folder / "cache", process)
        self.nodes.append(node)
        self._wait_for(node, folder / "log")
        return node

    def _wait_for(self, node: Node, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "Ray runtime started" not in log.read_text(errors="replace"):
            if node.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"node {node.ip} has not started:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)


@contextlib.contextmanager
def machines(package: Path) -> Iterator[Machines]:
    """A cluster without nodes, whose nodes end with the block.

    Args:
        package: folder that holds the package ``pipeline``, for every node and driver.
    """
    root = Path(tempfile.mkdtemp(prefix="gm-"))
    with socket.socket() as free:
        free.bind(("127.0.0.11", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(package), str(package / "tests")]),
        "OMP_NUM_THREADS": "1",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        # A machine that is gone is missed after three seconds, not fifteen.
        "RAY_health_check_initial_delay_ms": "1000",
        "RAY_health_check_period_ms": "1000",
        "RAY_health_check_failure_threshold": "3",
    }
    environment.pop("RAY_ADDRESS", None)
    found = Machines(root, port, environment)
    try:
        yield found
    finally:
        for node in reversed(found.nodes):
            node.kill()
        shutil.rmtree(root, ignore_errors=True)


def hiding(folder: Path) -> list[str] | None:
    """A command in front of another, which then sees an empty folder there; None if not allowed."""
    command = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']
    command.append(str(folder))
    try:
        done = subprocess.run([*command, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return command if done.returncode == 0 else None

"""A Ray cluster's address: what it means, whether somebody answers there, and how to join from outside.

Ray itself is left to `pipeline.runtime.executor`. What is asked here is asked first, since Ray takes
minutes to say that nobody answers, and does not say which address is meant.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import psutil

from pipeline.core.errors import ConfigError, GristmillError, RunError

__all__ = ["check_address", "has_node_here", "joined", "parse_address", "refusal"]

SECONDS = 5.0
JOIN_SECONDS = 60.0
RAY_CLIENT = "ray://"
# HTTP/2's opening and an empty SETTINGS frame, which a gRPC server answers with its own at once.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
FRAME_HEAD, SETTINGS = 9, 4
FORMS = '"auto", "host:6379" or "ray://host:10001"'


def parse_address(address: str) -> tuple[str, int] | None:
    """Host and port of a cluster; None for ``"auto"``, which Ray finds itself.

    Raises:
        ConfigError: it is no address.
    """
    if address == "auto":
        return None
    host, _, port = address.removeprefix(RAY_CLIENT).rpartition(":")
    if not host or "/" in host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--address {address}: a Ray cluster's address is {FORMS}")
    return host.strip("[]"), int(port)


def check_address(address: str) -> None:
    """See that a cluster answers at an address.

    Raises:
        ConfigError: it is no address, or nobody answers there within seconds; says what to do.
    """
    place = parse_address(address)
    if place is None:
        return
    said: list[str] = []
    # In a thread, since the search for a name knows no limit of time.
    thread = threading.Thread(target=lambda: said.append(_answer(*place)), daemon=True)
    thread.start()
    thread.join(2 * SECONDS)
    fault = said[0] if said else f"no answer within {2 * SECONDS:.0f} seconds"
    if fault:
        start = f"ray start --head --port {place[1]}"
        raise ConfigError(
            f"no Ray cluster at --address {address}: {fault}. Is it running there ({start}), can this "
            f"machine reach that port, and is it Ray's own (6379 unless set, behind ray:// 10001)?"
        )


def _answer(host: str, port: int) -> str:
    """What is wrong with a place, in words; empty if a gRPC server is there."""
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
                return ""  # says nothing before the certificates are exchanged
            connection.sendall(HELLO)
            head = b""
            while len(head) < FRAME_HEAD:
                piece = connection.recv(FRAME_HEAD - len(head))
                if not piece:
                    return "what answers is not Ray"
                head += piece
            return "" if head[3] == SETTINGS else "what answers is not Ray"
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} seconds"
    except OSError as error:
        return error.strerror or str(error)


def refusal(address: str | None, error: Exception) -> GristmillError:
    """Why Ray did not take us, with what can be done about it.

    Args:
        address: the cluster's; None where a local Ray was to start.
        error: what Ray raised.
    """
    said = str(error)
    whole = f"{said} {error.__cause__ or ''}"
    if address is None:
        return RunError(f"cannot start Ray: {said}")
    place = f"cannot join the Ray cluster at {address}: "
    if "InvalidAuthToken" in whole or "authentication token" in whole:
        return ConfigError(
            f"{place}it asks for a token; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or "
            "RAY_AUTH_TOKEN_PATH to the one that the cluster was started with"
        )
    if "Version mismatch" in whole:
        return ConfigError(f"{place}{said}; install the same Ray and Python on every machine")
    if "ray[client]" in whole or isinstance(error, ImportError):
        return ConfigError(
            f"{place}ray:// needs more packages (pip install 'gristmill[cluster]'); on a machine "
            "that the cluster can reach, host:6379 needs none"
        )
    if address == "auto":
        return ConfigError(
            "--address auto: no Ray runs on this machine; start one (ray start), or name the "
            f"cluster, host:6379. Ray says: {said}"
        )
    return RunError(f"{place}{said}")


def has_node_here(address: str) -> bool:
    """Whether a node of the cluster at ``address`` runs on this machine, to start tasks through."""
    place = parse_address(address)
    if place is None or address.startswith(RAY_CLIENT):
        return True
    names = {f"{name}:{place[1]}" for name in {place[0], *_numbers(*place)}}
    for process in psutil.process_iter():
        try:
            if process.name() == "raylet" and any(
                part.startswith("--gcs-address=") and part.partition("=")[2] in names
                for part in process.cmdline()
            ):
                return True
        except psutil.Error:
            continue  # it ended while we looked, or is not ours to look at
    return False


def _numbers(host: str, port: int) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, port)}
    except OSError:
        return set()


@contextlib.contextmanager
def joined(address: str) -> Iterator[None]:
    """This machine as a node of the cluster that runs no tasks, until the block ends.

    Ray takes tasks only from machines that are nodes.

    Raises:
        RunError: it could not join; says what Ray said.
    """
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
    command += ["--address", address, "--num-cpus", "0", "--num-gpus", "0"]
    with tempfile.TemporaryFile(prefix="gristmill-ray-") as log:
        # An empty working directory, so that Ray's interpreter imports nothing of the user's.
        with tempfile.TemporaryDirectory(prefix="gristmill-") as empty:
            process = subprocess.Popen(
                command,
                cwd=empty,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_for_node(address, process)
            if process.poll() is not None:
                log.seek(0)
                said = log.read().decode(errors="replace").strip().splitlines()
                raise RunError(
                    f"this machine cannot join the Ray cluster at {address}: "
                    f"{said[-1] if said else 'ray start has ended'}"
                )
            yield
        finally:
            _end(process)


def _wait_for_node(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None and not has_node_here(address):
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a node and what it has started: kindly, then by force."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=SECONDS)
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    if process.poll() is None:
        process.kill()
    process.wait()

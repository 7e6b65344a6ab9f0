"""Servers on this machine, for as long as a test needs them."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

__all__ = ["QuietHandler", "QuietServer", "answering", "moto_bucket"]


class QuietHandler(BaseHTTPRequestHandler):
    """Says nothing, can break a connection, and takes it well if the client does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def reply(
        self,
        status: int,
        data: bytes = b"",
        fields: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Answer, with a length other than that of the bytes if one is given."""
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", str(len(data) if length is None else length))
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def reset(self) -> None:
        """Break the connection."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        pass

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


class QuietServer(ThreadingHTTPServer):
    """A server on a free port, of a client that has left no fault of its own."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]):
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def answering(server: ThreadingHTTPServer) -> Iterator[None]:
    """A server that answers until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def moto_bucket(name: str) -> Iterator[tuple[str, urllib3.PoolManager]]:
    """The URL of a moto server with an empty bucket, and what asks it; the test is skipped without moto.

    moto cannot be resolved beside the project's pins, so that it runs in an environment of its own.
    """
    program = os.environ.get("GRISTMILL_MOTO")
    if not program:
        pytest.skip(
            "GRISTMILL_MOTO names no moto_server: pip install 'moto[server]>=5.2.5' in a venv of its own"
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)], stdout=sys.stderr, stderr=sys.stderr
    )
    try:
        url = f"http://127.0.0.1:{port}"
        pool = urllib3.PoolManager(retries=False)
        for _ in range(300):
            if server.poll() is not None:
                pytest.skip("moto_server does not start here")
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                pool.request("GET", url)
                break
            time.sleep(0.1)
        pool.request("PUT", f"{url}/{name}")
        yield url, pool
    finally:
        server.terminate()
        server.wait()

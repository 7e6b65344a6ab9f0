"""What an address of a cluster may be, and what is said where nobody answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from crawl_server import serving
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError, RunError
from pipeline.runtime import cluster
from pipeline.runtime.cluster import check_address, has_node_here, parse_address, refusal
from pipeline.runtime.executor import RayExecutor


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("auto", None),
        ("head:6379", ("head", 6379)),
        ("10.0.0.1:6379", ("10.0.0.1", 6379)),
        ("[fd00::1]:6379", ("fd00::1", 6379)),
        ("ray://head.example:10001", ("head.example", 10001)),
    ],
)
def test_addresses_of_three_forms(address: str, place: tuple[str, int] | None) -> None:
    assert parse_address(address) == place


@pytest.mark.parametrize(
    "address", ["", "head", "head:", ":6379", "head:x", "head:99999", "http://head:8265", "a:-1"]
)
def test_what_is_no_address_is_refused_with_the_forms(address: str) -> None:
    with pytest.raises(ConfigError, match=r'address is "auto", "host:6379" or "ray://'):
        check_address(address)


@given(st.text(max_size=50))
def test_any_string_is_an_address_or_refused(address: str) -> None:
    with contextlib.suppress(ConfigError):
        parse_address(address)


@contextlib.contextmanager
def listening(reply: bytes | None) -> Iterator[str]:
    """Who takes connections and says the same to each; with None, nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    taken.append(connection)
                    if reply is not None:
                        connection.sendall(reply)
                        connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in taken:
            connection.close()


def test_a_port_without_a_server_is_told_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"no Ray cluster at --address {address}: .*refused"):
            next(RayExecutor(address=address).run(print, ["a task"]))


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SECONDS", 0.1)
    with listening(None) as address, pytest.raises(ConfigError, match="no answer within"):
        check_address(address)


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x"])
def test_a_server_that_is_not_ray_is_told(reply: bytes) -> None:
    with listening(reply) as address, pytest.raises(ConfigError, match="what answers is not Ray"):
        check_address(address)


def test_a_web_server_is_not_ray(tmp_path: object) -> None:
    with serving(tmp_path) as server:  # type: ignore[arg-type]
        address = server.url.removeprefix("http://").rstrip("/")
        with pytest.raises(ConfigError, match="not Ray"):
            check_address(address)


def test_settings_of_http2_are_taken_for_ray() -> None:
    with listening(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00") as address:
        check_address(address)
        assert not has_node_here(address)


def test_auto_and_clients_start_tasks_from_anywhere() -> None:
    check_address("auto")
    assert has_node_here("auto")
    assert has_node_here("ray://head:10001")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        (None, RuntimeError("no room"), "cannot start Ray: no room"),
        (
            "a:1",
            caused(ConnectionError(), RuntimeError("InvalidAuthToken: x")),
            "RAY_AUTH_MODE=token",
        ),
        ("a:1", RuntimeError("Version mismatch: …"), "the same Ray and Python on every machine"),
        ("ray://a:1", ImportError("pip install ray[client]"), r"gristmill\[cluster\]"),
        ("auto", ConnectionError("none found"), "no Ray runs on this machine"),
        ("a:1", ConnectionError("lost"), "cannot join the Ray cluster at a:1: lost"),
    ],
)
def test_what_ray_says_is_told_with_the_mend(
    address: str | None, error: Exception, said: str
) -> None:
    with pytest.raises((ConfigError, RunError), match=said):
        raise refusal(address, error)

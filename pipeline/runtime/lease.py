"""Who may write into a run folder in a store: one driving process, which says again and again that it lives.

``.gristmill/holder`` names the run that may write, ``.gristmill/lease-TOKEN`` changes as long as that
run's driver lives and is gone once it has ended. Nobody writes into another run's lease, so a driver
that wakes up late does not take the folder back. Clocks of different machines are not compared: a run
that wants the folder watches the lease by its own clock.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.core.errors import RunError, StorageError
from pipeline.runtime.mirror import ObjectStore

__all__ = ["HOLDER", "holder_of", "leased"]

HOLDER = ".gristmill/holder"
LEASE = 60.0  # seconds without a sign of life after which a driver counts as dead
RENEWAL = 10.0  # seconds between two signs
LOOK = 1.0  # seconds between two looks at another run's lease


@contextlib.contextmanager
def leased(store: ObjectStore, machine: str, say: Callable[[str], None]) -> Iterator[str]:
    """The folder, held by this process until the block ends.

    Args:
        store: the folder.
        machine: names the mirror whose lock this process holds: a driver with the same mirror that
            has not released the folder is dead.
        say: is told if another run's lease has to be waited for.

    Yields:
        The token of this run.

    Raises:
        RunError: another run is writing.
    """
    _wait_for(store, machine, say)
    token = uuid.uuid4().hex
    lease = _lease(token)
    store.write(lease, b"0")
    store.write(HOLDER, json.dumps({"token": token, "machine": machine}).encode())
    if holder_of(store) != token:
        store.remove(lease)
        raise _taken(store)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(store, lease, ended), daemon=True)
    renewing.start()
    try:
        yield token
    finally:
        ended.set()
        renewing.join()
        with contextlib.suppress(StorageError):  # then it runs out by itself
            store.remove(lease)


def holder_of(store: ObjectStore) -> str | None:
    """The token of the run that may write; None if there has been none."""
    found = _holder(store)
    return None if found is None else str(found["token"])


def _wait_for(store: ObjectStore, machine: str, say: Callable[[str], None]) -> None:
    """Return as soon as no other run lives."""
    held = _holder(store)
    if held is None:
        return
    lease = _lease(held["token"])
    first = store.read(lease)
    if first is None:
        return
    if held.get("machine") != machine:
        say(
            f"A run that has not ended holds {store.address}; it is watched for a sign of life, for "
            f"{LEASE:.0f} s at most"
        )
        until = time.monotonic() + LEASE
        while time.monotonic() < until:
            time.sleep(LOOK)
            now = store.read(lease)
            if now is None:
                return
            if now != first:
                raise _taken(store)
    store.remove(lease)


def _renew(store: ObjectStore, lease: str, ended: threading.Event) -> None:
    beat = 0
    while not ended.wait(RENEWAL):
        beat += 1
        with contextlib.suppress(StorageError):  # the next sign may get through
            store.write(lease, str(beat).encode())


def _holder(store: ObjectStore) -> dict[str, Any] | None:
    try:
        found = json.loads(store.read(HOLDER) or b"null")
        return found if isinstance(found, dict) and isinstance(found.get("token"), str) else None
    except ValueError:
        return None  # by no run of ours


def _lease(token: str) -> str:
    return f".gristmill/lease-{token}"


def _taken(store: ObjectStore) -> RunError:
    return RunError(
        f"another run is writing to {store.address}; wait for it, or give another --out"
    )

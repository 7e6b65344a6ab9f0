"""Engines that do to a process what pages have been seen to do: for the fault tests only.

A page that contains none of their trigger words is echoed.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import ClassVar

from pipeline.extract import Engine, Page


@dataclasses.dataclass(frozen=True)
class Rogue(Engine):
    name: ClassVar[str] = "rogue"

    def extract(self, page: Page) -> str:
        for word, deed in DEEDS.items():
            if word in page.html:
                deed()
        return page.html


def _spin_in_c() -> None:
    sum(range(10**12))


def _recurse(depth: int = 0) -> int:
    return _recurse(depth + 1)


DEEDS: dict[str, Callable[[], object]] = {
    "SPIN": _spin_in_c,
    "SLEEP": lambda: time.sleep(3600),
    "NAP": lambda: time.sleep(1),
    "CRASH": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "LEAVE": lambda: os._exit(7),
    "HOARD": lambda: bytearray(1 << 40),
    "RAISE": lambda: [][1],
    "RECURSE": _recurse,
    "PRINT": lambda: print("chatter", flush=True) or sys.stdout.flush(),
}


@dataclasses.dataclass(frozen=True)
class Counting(Engine):
    """Remembers pages, as no engine should: shows when a child was replaced."""

    name: ClassVar[str] = "counting"
    seen: ClassVar[list[str]] = []

    def extract(self, page: Page) -> str:
        if "HOARD" in page.html:
            raise MemoryError
        self.seen.append(page.html)
        return f"{os.getpid()} {len(self.seen)}"


@dataclasses.dataclass(frozen=True)
class Broken(Engine):
    """Cannot even be prepared."""

    name: ClassVar[str] = "broken"

    def extract(self, page: Page) -> str:
        return page.html

    def prepare(self) -> None:
        raise RuntimeError("the millstone is cracked")

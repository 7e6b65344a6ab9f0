"""Extraction where it can be killed: a child process that one record at a time is handed to.

Whatever a page does to the child, a hang, a crash, memory, costs that page only: the child is
replaced and the next record goes on. What is extracted, and how, is in
`pipeline.extract.extraction`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.core.decisions import Verdict
from pipeline.core.errors import RecordError, RunError
from pipeline.core.records import RawRecord
from pipeline.extract import frames
from pipeline.extract.extraction import Crawled, Extracted, Extraction, payload_of

__all__ = ["ExtractWorker"]

_START_SECONDS = 120.0
_START_ATTEMPTS = 3
_CHUNK = 1 << 20


class ExtractWorker:
    """Extracts records in a child process. A context manager; not for several threads at once.

    The child is started by the first record and replaced after it was lost, and after
    ``limits.recycle`` pages. A record that ran out of memory, or crashed, in a child that had
    served others, or that somebody killed, is tried once more in a new one, so that its fate is
    its own doing.

    Args:
        extraction: what to do with each record.
    """

    def __init__(self, extraction: Extraction):
        self.extraction = extraction
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child. The worker may be used again and then starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def extract(self, record: RawRecord) -> Extracted:
        """The text of ``record``, or why it has none.

        Raises:
            RecordError: this record failed: ``extract.cpu_time``, ``extract.wall_time``,
                ``extract.memory``, ``extract.crash``, ``extract.error``, or one of
                `pipeline.extract.pdf.read_pdf`.
            RunError: the child cannot be started.
        """
        payload, crawled = payload_of(record), Crawled.of(record)
        request = frames.pack(dataclasses.asdict(crawled), payload)
        cpu = self.extraction.cpu_seconds(payload, crawled.content_type)
        wall = self.extraction.wall_seconds(payload, crawled.content_type)
        child = self._ready_child()
        try:
            return self._ask(child, request, cpu, wall)
        except RecordError as error:
            if error.reason not in ("extract.memory", "extract.crash"):
                raise
            if child.served == 0 and child.status != -signal.SIGKILL:
                raise
        self.close()
        return self._ask(self._ready_child(), request, cpu, wall)

    def _ready_child(self) -> _Child:
        child = self._child
        if child is not None and (child.gone() or child.served >= self.extraction.limits.recycle):
            self.close()
            child = None
        if child is None:
            child = self._child = self._start()
        return child

    def _start(self) -> _Child:
        """A new child; one that is killed while it starts says nothing of the next."""
        for _ in range(_START_ATTEMPTS - 1):
            try:
                return _Child(self.extraction)
            except _KilledAtStartError:
                continue
        return _Child(self.extraction)

    def _ask(self, child: _Child, request: bytes, cpu: float, wall: float) -> Extracted:
        try:
            reply, body = child.ask(request, wall)
        except TimeoutError:
            self.close()
            raise RecordError("extract.wall_time", f"no answer within {wall:g} s") from None
        except (EOFError, BrokenPipeError):
            status = child.status = child.kill()
            self._child = None
            raise _lost(status, cpu) from None
        child.served += 1
        if reply["status"] == "error":
            if reply["reason"] == "extract.memory":
                self.close()
            raise RecordError(reply["reason"], reply["message"])
        verdict = reply["verdict"]
        return Extracted(
            text=body.decode("utf-8", "surrogatepass") if reply["has_text"] else None,
            charset=reply["charset"],
            charset_source=reply["charset_source"],
            signals=reply["signals"],
            verdict=verdict and Verdict(False, *verdict),
            cpu_ms=reply["cpu_ms"],
        )


def _lost(status: int, cpu_seconds: float) -> RecordError:
    if status == -signal.SIGPROF:
        return RecordError("extract.cpu_time", f"took more than {cpu_seconds:g} s of CPU time")
    if status < 0:
        name = signal.strsignal(-status) or f"signal {-status}"
        return RecordError("extract.crash", f"the extraction process died: {name}")
    return RecordError("extract.crash", f"the extraction process left with status {status}")


class _KilledAtStartError(RunError):
    """Somebody killed the child before it was ready."""


class _Child:
    """One child process and the pipe to it.

    ``served`` counts its answers; ``status`` is how it ended, once it was found to have ended.
    """

    status: int | None = None

    def __init__(self, extraction: Extraction):
        root = str(Path(__file__).absolute().parents[2])
        # Ours first, so that no pipeline.py in the working directory is taken for it; the rest
        # as it is here, so that an engine from a plug-in is found. "" is the working directory.
        path = [root, *(entry for entry in sys.path if os.path.isabs(entry))]
        self.served = 0
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                str(Path(__file__).absolute().with_name("child.py")),
                json.dumps(path),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONHASHSEED": "0",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._replies = self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        self._deadline = 0.0
        try:
            hello, _ = self.ask(frames.pack({"extraction": extraction.to_json()}), _START_SECONDS)
        except (EOFError, BrokenPipeError, TimeoutError) as error:
            status = self.kill()
            kind = _KilledAtStartError if status == -signal.SIGKILL else RunError
            raise kind(f"the extraction process did not start (status {status})") from error
        if hello["status"] != "ready":
            self.kill()
            raise RunError(f"the extraction process did not start:\n{hello['message']}")

    def gone(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def kill(self) -> int:
        """End the process, whatever it is doing; its exit status, or minus the signal."""
        if self._process.poll() is None:
            # One that closed its pipe is on its way out; its own end says more than our signal.
            try:
                self._process.wait(0.2 if self._ended else 0)
            except subprocess.TimeoutExpired:
                self._process.kill()
        status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return status

    _ended = False

    def ask(self, request: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send one request and wait for its answer.

        Raises:
            EOFError, BrokenPipeError: the process ended.
            TimeoutError: no answer within ``seconds``.
        """
        self._deadline = time.monotonic() + seconds
        try:
            view = memoryview(request)
            while view:
                self._wait(self._requests, select.POLLOUT)
                view = view[os.write(self._requests, view[:_CHUNK]) :]
            return frames.read(self._take)
        except (EOFError, BrokenPipeError):
            self._ended = True
            raise

    def _take(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(self._replies, select.POLLIN)
            piece = os.read(self._replies, min(size - len(data), _CHUNK))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = self._deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError

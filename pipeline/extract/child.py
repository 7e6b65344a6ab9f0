"""The process that extracts, one page at a time, and that its parent may lose without harm.

Started by `pipeline.extract.worker` as a script with the import path as its one argument, so
that neither the working directory nor this folder is a place to import from. It reads the
specification, says that it is ready, and then answers each request with one frame.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import resource
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, BinaryIO

if __name__ == "__main__":
    sys.path[:] = json.loads(sys.argv[1])

from pipeline.core.errors import RecordError
from pipeline.extract import frames

if TYPE_CHECKING:
    from pipeline.extract.extraction import Extraction

_PAGE = (
    b"<!DOCTYPE html><html><head><title>The mill</title></head><body><article><h1>The mill</h1>"
    b"<p>The water that drives the wheel comes down from the hills, and the miller waits for "
    b"it in the dry months of the year as others wait for a letter.</p></article></body></html>"
)
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1"
    b">>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font"
    b"<</F<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>>>>>>>endobj 4 0 obj<</Length 38>>stream\n"
    b"BT /F 9 Tf 9 50 Td (The mill) Tj ET    \nendstream endobj trailer<</Root 1 0 R>>%%EOF"
)
_COLLECT_EVERY = 20


def main() -> None:
    """Serve requests until the pipe is closed."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what an engine prints must not end up among the frames
    _settle_signals()
    try:
        start, _ = frames.read(_exactly(requests))
        extraction = _prepare(start)
    except Exception:  # the parent reports it: nothing can be extracted like this
        replies.write(frames.pack({"status": "failed", "message": traceback.format_exc()}))
        replies.flush()
        return
    replies.write(frames.pack({"status": "ready"}))
    replies.flush()
    with contextlib.suppress(EOFError):
        _serve(extraction, requests, replies)


def _settle_signals() -> None:
    """Die with the parent and by the CPU timer; leave Ctrl-C to the parent."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, int(signal.SIGKILL))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _prepare(start: dict[str, Any]) -> Extraction:
    from pipeline.extract.extraction import Crawled, Extraction

    logging.disable(logging.CRITICAL)  # trafilatura reports every odd page
    extraction = Extraction.from_json(start["extraction"])
    extraction.prepare()
    # A first page loads what is loaded lazily, so that it counts neither as time nor as memory
    # of the first record.
    with contextlib.suppress(RecordError):
        extraction.run(_PAGE, Crawled())
    if extraction.pdf is not None:
        with contextlib.suppress(RecordError):
            extraction.run(_PDF, Crawled())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(extraction.limits.memory)
    # Collecting while a page is in work walks all objects of its tree and finds next to nothing.
    gc.collect()
    gc.freeze()
    gc.disable()
    return extraction


def _limit_memory(headroom: int) -> None:
    try:
        with open("/proc/self/statm", encoding="ascii") as status:
            held = int(status.read().split()[0]) * resource.getpagesize()
    except OSError:  # no procfs: what the process holds already counts, too
        held = 0
    resource.setrlimit(resource.RLIMIT_AS, (held + headroom, held + headroom))


def _serve(extraction: Extraction, requests: BinaryIO, replies: BinaryIO) -> None:
    take = _exactly(requests)
    served = 0
    while True:
        request, payload = frames.read(take)
        seconds = extraction.cpu_seconds(payload, request["content_type"])
        began = time.process_time()
        # The timer's default action kills the process, even inside C code that never returns.
        # It counts CPU time of this process, so a busy machine does not change what is killed.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        reply, body = _answer(extraction, request, payload)
        signal.setitimer(signal.ITIMER_PROF, 0)
        reply["cpu_ms"] = (time.process_time() - began) * 1000
        replies.write(frames.pack(reply, body))
        replies.flush()
        del payload, body
        served += 1
        if served % _COLLECT_EVERY == 0:
            gc.collect()


def _answer(
    extraction: Extraction, request: dict[str, Any], payload: bytes
) -> tuple[dict[str, Any], bytes]:
    from pipeline.extract.extraction import Crawled

    try:
        result = extraction.run(payload, Crawled(**request))
        body = b"" if result.text is None else result.text.encode("utf-8", "surrogatepass")
    except RecordError as error:
        return {"status": "error", "reason": error.reason, "message": error.message}, b""
    except MemoryError:
        return {"status": "error", "reason": "extract.memory", "message": "out of memory"}, b""
    verdict = result.verdict
    return {
        "status": "done",
        "has_text": result.text is not None,
        "charset": result.charset,
        "charset_source": result.charset_source,
        "signals": result.signals,
        "verdict": verdict and [verdict.reason, verdict.value, verdict.bound, verdict.detail],
    }, body


def _exactly(stream: BinaryIO) -> Any:
    def take(size: int) -> bytes:
        data = stream.read(size)
        if len(data) < size:
            raise EOFError
        return data

    return take


if __name__ == "__main__":
    main()

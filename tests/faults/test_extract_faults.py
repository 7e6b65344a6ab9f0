"""Whatever a page does to the process that extracts it costs that page and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.core.errors import RecordError, RunError
from pipeline.core.records import Locator, RawRecord
from pipeline.extract import Extraction, ExtractWorker, InlineExtractor, Limits

LIMITS = Limits(cpu_seconds=0.5, wall_seconds=1.5, memory=256 << 20)
PARAGRAPH = "<p>The mill stands by the river and has ground the corn of four villages.</p>"


def record(html: str | bytes) -> RawRecord:
    payload = html.encode() if isinstance(html, str) else html
    return RawRecord("id", "http://mill.test/", Locator("a.warc.gz", 0, 1), payload)


@pytest.fixture(scope="module")
def worker() -> Iterator[ExtractWorker]:
    with ExtractWorker(Extraction("rogue_engines:Rogue", limits=LIMITS)) as started:
        yield started


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("SPIN", "extract.cpu_time"),
        ("SLEEP", "extract.wall_time"),
        ("CRASH", "extract.crash"),
        ("LEAVE", "extract.crash"),
        ("HOARD", "extract.memory"),
        ("RAISE", "extract.error"),
        ("RECURSE", "extract.error"),
    ],
)
def test_costs_one_record(worker: ExtractWorker, deed: str, reason: str) -> None:
    assert worker.extract(record("before")).text == "before"
    with pytest.raises(RecordError) as caught:
        worker.extract(record(deed))
    assert caught.value.reason == reason
    assert worker.extract(record("after")).text == "after"


def test_messages_name_the_cause(worker: ExtractWorker) -> None:
    with pytest.raises(RecordError, match=r"0\.5 s of CPU time"):
        worker.extract(record("SPIN"))
    with pytest.raises(RecordError, match="Segmentation fault"):
        worker.extract(record("CRASH"))
    with pytest.raises(RecordError, match="status 7"):
        worker.extract(record("LEAVE"))
    with pytest.raises(RecordError, match="IndexError: list index"):
        worker.extract(record("RAISE"))


def test_what_an_engine_prints_is_no_answer(
    worker: ExtractWorker, capfd: pytest.CaptureFixture[str]
) -> None:
    assert worker.extract(record("PRINT")).text == "PRINT"


def test_a_child_killed_while_idle_blames_no_record(worker: ExtractWorker) -> None:
    worker.extract(record("one"))
    child = worker._child
    assert child is not None
    os.kill(child._process.pid, signal.SIGKILL)
    child._process.wait()
    assert worker.extract(record("two")).text == "two"


def test_a_page_that_fails_in_a_used_child_is_tried_in_a_new_one() -> None:
    with ExtractWorker(Extraction("rogue_engines:Counting")) as worker:
        worker.extract(record("one"))
        first = worker._child
        with pytest.raises(RecordError) as caught:
            worker.extract(record("HOARD"))
        assert caught.value.reason == "extract.memory"
        worker.extract(record("two"))
        assert worker._child is not first


def test_children_are_replaced_after_their_term() -> None:
    limits = Limits(recycle=3)
    with ExtractWorker(Extraction("rogue_engines:Counting", limits=limits)) as worker:
        answers = [str(worker.extract(record("page")).text).split() for _ in range(7)]
    # The page that a child warms up on counts as its first.
    assert [count for _, count in answers] == ["2", "3", "4", "2", "3", "4", "2"]
    assert len({pid for pid, _ in answers}) == 3


def test_a_child_that_cannot_start_says_why() -> None:
    with (
        ExtractWorker(Extraction("rogue_engines:Broken")) as worker,
        pytest.raises(RunError, match="the millstone is cracked"),
    ):
        worker.extract(record("page"))


def test_no_child_is_left_behind(tmp_path: Path) -> None:
    """The child ends with a parent that is killed, even in the middle of a page."""
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            sys.path[:0] = {[str(Path(__file__).parents[2]), str(Path(__file__).parent)]!r}
            from pipeline.core.records import Locator, RawRecord
            from pipeline.extract import Extraction, ExtractWorker
            worker = ExtractWorker(Extraction("rogue_engines:Rogue"))
            worker.extract(RawRecord("id", "", Locator("a", 0, 1), b"page"))
            print(worker._child._process.pid, flush=True)
            worker.extract(RawRecord("id", "", Locator("a", 0, 1), b"SLEEP"))
            """
        )
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    gone, alive = psutil.wait_procs([child], timeout=10)
    assert not alive
    assert gone


def test_a_pipeline_module_in_the_working_directory_is_not_ours(tmp_path: Path) -> None:
    """Nor one that an entry of the path leads to before ours."""
    marker = tmp_path / "hijacked"
    for name in ("pipeline.py", "classifiers.py"):
        (tmp_path / name).write_text(f"open({str(marker)!r}, 'w').close()\n")
    script = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        import pipeline.extract
        sys.path.insert(0, {str(tmp_path)!r})
        sys.path.insert(0, "")
        from pipeline.core.records import Locator, RawRecord
        from pipeline.extract import Extraction, ExtractWorker
        page = b"<html><body><article>{PARAGRAPH}</article></body></html>"
        with ExtractWorker(Extraction("trafilatura")) as worker:
            print(worker.extract(RawRecord("id", "", Locator("a", 0, 1), page)).text)
        """
    )
    ran = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "four villages" in ran.stdout
    assert not marker.exists()


PAGES = {
    "empty": b"",
    "blank": b" \n\t ",
    "null bytes": b"\x00" * 10_000,
    "null bytes within": f"<html><body>{PARAGRAPH}\x00\x00{PARAGRAPH}</body></html>".encode(),
    "binary": bytes(range(256)) * 1000,
    "image": b"\x89PNG\r\n\x1a\n" + os.urandom(5000),
    "text": b"no markup at all, only words",
    "one unclosed tag": b"<",
    "a million nested tags": b"<div>" * 1_000_000,
    "nested formatting": b"<html><body>" + b"<b><i>" * 50_000 + b"word",
    "nested lists": b"<html><body>" + b"<ul><li>item" * 20_000,
    "nested tables": b"<html><body>" + b"<table><tr><td>cell" * 5_000,
    "one long attribute": b"<html><body><p class='" + b"a" * 5_000_000 + b"'>x</p></body></html>",
    "one long line": b"<html><body><p>" + b"word " * 1_000_000 + b"</p></body></html>",
    "surrogates": b"<html><body><p>&#xD800;&#xDFFF; &#0; &#x110000;</p></body></html>",
    "xml declaration": b"<?xml version='1.0' encoding='utf-16'?><html><body><p>x</p></body></html>",
}


FATES = {
    "text",
    "extract.characters.low",
    "extract.cpu_time",
    "extract.memory",
    "extract.crash",
    "extract.error",
}


def fate(worker: ExtractWorker, page: bytes) -> str:
    try:
        extracted = worker.extract(record(page))
    except RecordError as error:
        return error.reason
    return extracted.verdict.reason if extracted.verdict else "text"


@pytest.mark.parametrize("engine", ["blocks", "trafilatura", "trafilatura-fast", "resiliparse"])
def test_hostile_pages_end_within_their_limits(engine: str) -> None:
    limits = Limits(cpu_seconds=1.0, wall_seconds=30.0)
    good = record(f"<html><body><article>{PARAGRAPH * 5}</article></body></html>")
    with ExtractWorker(Extraction(engine, limits=limits)) as worker:
        for name, page in PAGES.items():
            began = time.monotonic()
            assert fate(worker, page) in FATES, name
            assert time.monotonic() - began < limits.wall_seconds + 5, name
        assert "four villages" in str(worker.extract(good).text)


def test_inline_errors_are_the_record_s() -> None:
    with InlineExtractor(Extraction("rogue_engines:Rogue")) as inline:
        for deed, reason in (("RAISE", "extract.error"), ("HOARD", "extract.memory")):
            with pytest.raises(RecordError) as caught:
                inline.extract(record(deed))
            assert caught.value.reason == reason


def test_a_child_killed_in_the_middle_of_a_page_by_somebody_else_costs_nothing() -> None:
    with ExtractWorker(Extraction("rogue_engines:Rogue")) as worker:
        child = worker._ready_child()
        killer = threading.Timer(0.2, os.kill, (child._process.pid, signal.SIGKILL))
        killer.start()
        assert worker.extract(record("NAP")).text == "NAP"
        assert worker._child is not child

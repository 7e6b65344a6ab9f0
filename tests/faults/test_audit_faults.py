"""An audit after kills, damage and full disks, and on texts that are hardly texts."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from audited_texts import (
    PlainExaminer,
    benchmark_folder,
    clean_rows,
    corpus_rows,
    items,
    needs_verifier,
    plain_core,
    read,
    write,
)
from kills import kill_at_files, run_script

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from audits.lexical.tier import LexicalIndex
from audits.outcome.files import read_findings
from pipeline.audit.benchmarks import load_benchmarks
from pipeline.audit.plan import plan_audit
from pipeline.audit.run import AuditResult, run_audit
from pipeline.core.errors import ConservationError, StorageError
from pipeline.runtime.executor import SerialExecutor
from pipeline.runtime.progress import Silent

Digests = Callable[[Path], dict[str, str]]

PART = 2400  # bytes: a few documents


def run(home: Path, out: Path, **options: Any) -> AuditResult:
    """Audit ``home/corpus.jsonl`` with all that writes files but the self-test."""
    options = {
        "action": "drop", "calibrate": [str(home / "clean.jsonl")], "keep_embeddings": True
    } | options  # fmt: skip
    plan = plan_audit(
        [home / "corpus.jsonl"], load_benchmarks(["mills"], home / "benchmarks"), out,
        split_bytes=PART, **options,
    )  # fmt: skip
    return run_audit(plan, SerialExecutor(), Silent())


def seen(digests: Digests, out: Path) -> dict[str, str]:
    """What a user sees, but for how long it took."""
    found = {name: digest for name, digest in digests(out).items() if name != "audit.json"}
    told = json.loads((out / "audit.json").read_text())
    del told["seconds"]
    return {**found, "audit.json": json.dumps(told)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs, not to be changed."""
    home = tmp_path_factory.mktemp("home")
    benchmark_folder(home / "benchmarks")
    write(home / "corpus.jsonl", [*corpus_rows(), {"id": "null", "text": None}])
    write(home / "clean.jsonl", clean_rows(4, "known"))
    return home


@pytest.fixture(autouse=True)
def _core(audit_core: None) -> None:
    """Every test has it."""


@pytest.fixture
def whole(home: Path, tmp_path: Path, digests: Digests) -> dict[str, str]:
    """What comes of them."""
    run(home, tmp_path / "whole")
    return seen(digests, tmp_path / "whole")


# --- kills -----------------------------------------------------------------------------------


def main(home: Path, outs: Path) -> None:
    """An audit killed at every file that it writes."""
    plain_core(pytest.MonkeyPatch())
    kill_at_files(lambda out: run(home, out), outs)


@pytest.mark.heavy
def test_killed_at_any_file_it_writes(
    home: Path, whole: dict[str, str], tmp_path: Path, digests: Digests
) -> None:
    outs = tmp_path / "outs"
    run_script(__file__, str(home), str(outs))
    assert seen(digests, outs / "warm") == whole
    killed = [out for out in outs.iterdir() if out.name.startswith("out-")]
    assert len(killed) > 30
    for out in killed:
        run(home, out)
        assert seen(digests, out) == whole
        assert not any((out / ".gristmill" / "tmp").iterdir())


@pytest.mark.parametrize("moment", ["save", "build"])
def test_an_index_half_built_is_built_anew(
    home: Path,
    whole: dict[str, str],
    tmp_path: Path,
    digests: Digests,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(LexicalIndex, moment, killed)
        with pytest.raises(KilledError):
            run(home, tmp_path / "out")
    assert not (tmp_path / "out" / "index" / "index.json").exists()
    run(home, tmp_path / "out")
    assert seen(digests, tmp_path / "out") == whole


def test_a_continued_audit_examines_only_what_is_left(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = PlainExaminer.examine
    asked: list[str] = []

    def stopping(self: PlainExaminer, rows: Any, vectors: Any = None) -> Any:
        if len(asked) > 10 and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        asked.extend(row.text for row in rows)
        return examine(self, rows, vectors)

    stopped: list[bool] = []
    monkeypatch.setattr(PlainExaminer, "examine", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(home, tmp_path / "out", calibrate=())
    run(home, tmp_path / "out", calibrate=())
    assert sorted(asked) == sorted(row["text"] for row in corpus_rows())


@pytest.mark.ray
@pytest.mark.heavy
@pytest.mark.usefixtures("real_models")
@pytest.mark.parametrize("moment", ["*-00001.count.json", "corpus-*.findings.jsonl"])
def test_driver_and_workers_killed(
    home: Path, tmp_path: Path, digests: Digests, moment: str
) -> None:
    needs_verifier()
    whole, out, many = tmp_path / "whole", tmp_path / "out", tmp_path / "many"
    for number in range(4):
        write(many / f"{number}.jsonl", corpus_rows()[number::4])
    command = [sys.executable, "-m", "pipeline.cli", "audit", str(many), "--benchmarks", "mills",
               "--benchmark-dir", str(home / "benchmarks"), "--quiet"]  # fmt: skip
    subprocess.run([*command, "--serial", "--out", str(whole)], check=True)
    process = subprocess.Popen([*command, "--workers", "2", "--out", str(out)])
    while process.poll() is None and not any((out / ".gristmill" / "splits").glob(moment)):
        time.sleep(0.005)
    victims = [psutil.Process(process.pid)]
    with contextlib.suppress(psutil.NoSuchProcess):
        victims += victims[0].children(recursive=True)
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    assert process.wait() == -signal.SIGKILL
    subprocess.run([*command, "--workers", "2", "--out", str(out)], check=True)
    assert seen(digests, out) == seen(digests, whole)


# --- damage ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["counts.parquet", "count.json", "findings.jsonl", "faults.parquet", "examined.json",
     "cleaned.json", "npz"],
)  # fmt: skip
@pytest.mark.parametrize("how", ["flipped", "cut off", "gone"])
def test_a_damaged_work_file_is_made_anew(
    home: Path, whole: dict[str, str], tmp_path: Path, digests: Digests, name: str, how: str
) -> None:
    out = tmp_path / "out"
    run(home, out)
    (out / "report.html").unlink()  # else there is nothing to do
    where = "embeddings/part" if name == "npz" else ".gristmill/splits/corpus"
    victim = max(out.glob(f"{where}-*.{name}"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0x40
    {
        "flipped": lambda: victim.write_bytes(data),
        "cut off": lambda: victim.write_bytes(data[: len(data) // 2]),
        "gone": victim.unlink,
    }[how]()
    run(home, out)
    assert seen(digests, out) == whole


def test_a_damaged_index_is_built_anew(home: Path, tmp_path: Path) -> None:
    run(home, tmp_path / "one", index=tmp_path / "index")
    hashes = tmp_path / "index" / "lexical" / "hashes.npy"
    whole = hashes.read_bytes()
    hashes.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    run(home, tmp_path / "two", index=tmp_path / "index")
    assert hashes.read_bytes() == whole
    one, two = ((tmp_path / out / "findings.jsonl").read_bytes() for out in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    "name",
    ["corpus-00001.findings.jsonl", "part-00001.npz", "part-00000.parquet", "audit.json"],
)
def test_a_full_disk_is_told_of_and_costs_nothing(
    home: Path,
    whole: dict[str, str],
    tmp_path: Path,
    digests: Digests,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(StorageError, match="the disk is full"):
            run(home, tmp_path / "out")
    assert not (tmp_path / "out" / "audit.json").exists()
    run(home, tmp_path / "out")
    assert seen(digests, tmp_path / "out") == whole


def test_a_document_that_the_core_loses_stops_the_audit(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = PlainExaminer.examine

    def forgetful(self: PlainExaminer, rows: Any, vectors: Any = None) -> Any:
        return examine(self, rows[:-1], vectors)

    monkeypatch.setattr(PlainExaminer, "examine", forgetful)
    with pytest.raises(ConservationError, match=r"documents .* were examined"):
        run(home, tmp_path / "out")


# --- texts -----------------------------------------------------------------------------------


@pytest.mark.heavy
@pytest.mark.usefixtures("real_models")
def test_texts_that_are_hardly_texts(home: Path, tmp_path: Path) -> None:
    hostile = {
        "huge": "lorem ipsum dolor sit amet " * 2_000 + "\n\n" + items()[3]["question"],
        "one word": "w" * 100_000,
        "blank": " \n\t \u2003",
        "nul": "a\x00b\x1b[2J",
        "surrogate": f"\ud800 {items()[6]['question']} \udfff",
        "markup": "<script>alert(1)</script><!--" * 50,
        "turned": "\u202e" + items()[8]["question"],
        "numbers": " ".join(map(str, range(1500))),
        "signs": "?!" * 5000,
        "combining": "e\u0301\u0302\u0303" * 1000,
    }
    rows = [{"id": f"{name}\x1b[31m<b>", "text": text} for name, text in hostile.items()]
    path = write(tmp_path / "corpus.jsonl", rows)
    plan = plan_audit(
        [path], load_benchmarks(["mills"], home / "benchmarks"), tmp_path / "out", action="tag",
    )  # fmt: skip
    result = run_audit(plan, SerialExecutor(), Silent())
    assert result.manifest["corpus"]["documents"] == len(rows)
    found = {(one.document.split("\x1b")[0], one.item) for one in read_findings(tmp_path / "out")
             if one.leak}  # fmt: skip
    assert {("huge", "m3"), ("surrogate", "m6"), ("turned", "m8")} <= found
    assert {name for name, _ in found} <= {"huge", "surrogate", "turned"}
    tagged = [row for part in sorted((tmp_path / "out/cleaned").iterdir()) for row in read(part)]
    assert [row["contaminated"] for row in tagged] == [
        name in ("huge", "surrogate", "turned") for name in hostile
    ]
    page = (tmp_path / "out/report.html").read_text()
    assert not re.search("[\x1b\u202e]|<script", page)


def test_a_benchmark_whose_texts_are_hardly_texts(tmp_path: Path) -> None:
    rows = items(3)
    rows[0]["question"] = ""
    rows[1] |= {
        "question": "\ud800 What <b>is</b> \x1b[2J the toll of the third mill?",
        "id": "\udfff",
    }
    rows.append(rows[2] | {"question": "Another of this id, which is taken: how many sacks?"})
    benchmark_folder(tmp_path / "benchmarks", rows)
    write(tmp_path / "corpus.jsonl", clean_rows(4))
    plan = plan_audit(
        [tmp_path / "corpus.jsonl"], load_benchmarks(["mills"], tmp_path / "benchmarks"),
        tmp_path / "out",
    )  # fmt: skip
    told = run_audit(plan, SerialExecutor(), Silent()).manifest["benchmarks"]["mills"]
    assert told["items"] + len(told["faults"]) == 4
    assert any("id" in fault for fault in told["faults"])
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["benchmarks"]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

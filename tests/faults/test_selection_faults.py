"""A selection after kills, damage and full disks: the same bytes in the end."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from audited_texts import plain_core
from kills import kill_at_files, run_script
from selection_example import PLAIN, chat, log_rows, seen, select, write_lines, write_logs

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from pipeline.core.errors import ConservationError, RunError, SourceError, StorageError
from pipeline.runtime.progress import Silent
from pipeline.runtime.storage import RunFolder
from pipeline.selection.prepared import Preparer

Digests = Callable[[Path], dict[str, str]]


@pytest.fixture(autouse=True)
def _core() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        plain_core(patch)
        yield


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Inputs, not to be changed."""
    return write_logs(tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="module")
def whole(
    logs: list[str], tmp_path_factory: pytest.TempPathFactory, digests: Digests
) -> dict[str, str]:
    """What comes of them."""
    out = tmp_path_factory.mktemp("whole") / "out"
    with pytest.MonkeyPatch.context() as patch:
        plain_core(patch)
        select(logs, out)
    return seen(digests, out)


# --- kills -------------------------------------------------------------------------------------


def main(outs: Path, logs: list[str]) -> None:
    """A selection killed at every seventh file that it writes."""
    plain_core(pytest.MonkeyPatch())
    kill_at_files(lambda out: select(logs, out), outs, step=7)


@pytest.mark.heavy
def test_killed_while_it_writes_any_file(
    logs: list[str], whole: dict[str, str], tmp_path: Path, digests: Digests
) -> None:
    outs = tmp_path / "outs"
    run_script(__file__, str(outs), *logs)
    assert seen(digests, outs / "warm") == whole
    killed = [out for out in outs.iterdir() if out.name.startswith("out-")]
    assert len(killed) >= 6
    for out in killed:
        select(logs, out)
        assert seen(digests, out) == whole, out.name
        assert not any((out / ".gristmill" / "tmp").iterdir())


def test_a_continued_selection_prepares_only_what_is_left(
    logs: list[str], whole: dict[str, str], tmp_path: Path, digests: Digests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    prepare = Preparer.prepare
    asked: list[str] = []

    def stopping(self: Preparer, conversations: Any, sample: Any) -> Any:
        if asked and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        asked.extend(one.id for one in conversations)
        return prepare(self, conversations, sample)

    stopped: list[bool] = []
    monkeypatch.setattr(Preparer, "prepare", stopping)
    with pytest.raises(KeyboardInterrupt):
        select(logs, tmp_path / "out")
    assert not (tmp_path / "out" / "prompts.json").exists()
    select(logs, tmp_path / "out")
    assert len(asked) == len(set(asked)) > 100
    assert seen(digests, tmp_path / "out") == whole


# --- what an earlier selection has left --------------------------------------------------------


class Lines(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def test_another_recipe_into_the_same_folder_leaves_nothing_of_the_first(
    logs: list[str], tmp_path: Path, digests: Digests
) -> None:
    out, fresh, said = tmp_path / "out", tmp_path / "fresh", Lines()
    select(logs, out)
    select(logs, out, [*PLAIN, "golden.version='2'"], progress=said)
    assert sorted(path.name for path in (out / "golden").iterdir()) == [
        "golden-1.jsonl", "golden-2.jsonl", "golden.json", "golden.yaml"
    ]  # fmt: skip
    (
        out / "golden" / "golden-1.jsonl"
    ).unlink()  # prompts of a version stay; a person may not want them
    told = select(logs, out, [*PLAIN, "golden.count=0"], progress=said).manifest
    assert "Removed audit/ of an earlier selection" in said.said
    assert told["audit"]["folder"] is None
    assert not (out / "audit").exists()
    assert [path.name for path in (out / "golden").iterdir()] == ["golden-2.jsonl"]
    (out / "golden" / "golden-2.jsonl").unlink()
    (out / "golden").rmdir()
    select(logs, fresh, [*PLAIN, "golden.count=0"])
    assert seen(digests, out) == seen(digests, fresh)


def test_parts_that_are_still_the_same_are_used_again(
    logs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    select(logs, out)
    monkeypatch.setattr(Preparer, "prepare", None)  # is not called
    said = Lines()
    select(logs, out, [*PLAIN, "select.count=5", "golden.users=0.3"], progress=said)
    assert "  2 of 2 had been read before" in said.said


def test_a_changed_log_is_read_again(tmp_path: Path, digests: Digests) -> None:
    log = write_lines(tmp_path / "log.jsonl", log_rows())
    select([str(log)], tmp_path / "out")
    write_lines(log, [*log_rows(), chat(500)])
    select([str(log)], tmp_path / "out")
    select([str(log)], tmp_path / "fresh")
    assert seen(digests, tmp_path / "out") == seen(digests, tmp_path / "fresh")


# --- damage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["parquet", "npy", "prepared.json"])
def test_a_damaged_work_file_is_made_anew(
    logs: list[str], whole: dict[str, str], tmp_path: Path, digests: Digests, name: str
) -> None:
    out = tmp_path / "out"
    select(logs, out)
    (out / "report.html").unlink()  # else there is nothing to do
    victim = out / ".gristmill" / "splits" / f"log-00000.{name}"
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0x40
    victim.write_bytes(data[:-9] if name.endswith("json") else data)
    select(logs, out)
    assert seen(digests, out) == whole


@pytest.mark.parametrize("name", ["log-00001.npy", "findings.jsonl", "prompts.json"])
def test_a_full_disk_is_told_of_and_costs_nothing(
    logs: list[str], whole: dict[str, str], tmp_path: Path, digests: Digests,
    monkeypatch: pytest.MonkeyPatch, name: str,
) -> None:  # fmt: skip
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(StorageError, match="the disk is full"):
            select(logs, tmp_path / "out")
    assert not (tmp_path / "out" / "prompts.json").exists()
    select(logs, tmp_path / "out")
    assert seen(digests, tmp_path / "out") == whole


def test_a_conversation_that_is_lost_stops_the_selection(
    logs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = Preparer.prepare

    def forgetful(self: Preparer, conversations: Any, sample: Any) -> Any:
        made, vectors = prepare(self, conversations, sample)
        return made[:-1], vectors[:-1]

    monkeypatch.setattr(Preparer, "prepare", forgetful)
    with pytest.raises(ConservationError, match=r"conversations were read and \d+ prepared"):
        select(logs, tmp_path / "out")


def test_a_log_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write_lines(tmp_path / "log.jsonl", log_rows()[:5])
    prepare = Preparer.prepare

    def writing(self: Preparer, conversations: Any, sample: Any) -> Any:
        with log.open("a") as file:
            file.write("\n")
        return prepare(self, conversations, sample)

    monkeypatch.setattr(Preparer, "prepare", writing)
    with pytest.raises(SourceError, match="was changed while it was read"):
        select([str(log)], tmp_path / "out")


def test_another_selection_into_the_same_folder_at_the_same_time(
    logs: list[str], tmp_path: Path
) -> None:
    held = RunFolder(tmp_path / "out").create(kinds=())
    with held.lock(), pytest.raises(RunError, match="another run is writing"):
        select(logs, tmp_path / "out")


# --- texts -------------------------------------------------------------------------------------


def test_texts_that_are_hardly_texts(tmp_path: Path) -> None:
    hostile = {
        "empty": "",
        "one word": "w" * 100_000,
        "blank": " \n\t \u2003",
        "nul": "a\x00b\x1b[2J c d",
        "surrogate": "\ud800 lone ones here and there \udfff",
        "markup": "<script>alert(1)</script> asks for nothing <!--",
        "turned": "\u202eWhy does it read the other way?",
        "numbers": " ".join(map(str, range(1500))),
        "signs": "?!" * 5000,
        "combining": "e\u0301\u0302\u0303 is a letter" * 100,
    }
    rows = [
        chat(at, text, text, id=f"{name}\x1b[31m<b>\ud800", user_id="\udfff", tier="\ud800")
        for at, (name, text) in enumerate(hostile.items())
    ]
    log = write_lines(tmp_path / "log.jsonl", rows)
    how = ["floor.intents=[]", "floor.quality=0", "floor.response_quality=0", "golden.count=0",
           "clean.fewest_words=null"]  # fmt: skip
    told = select([str(log)], tmp_path / "out", how).manifest
    assert told["rows"]["read"] == len(rows)
    assert told["rows"]["used"] + told["rows"]["quarantined"] == len(rows)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not any(sign in page for sign in ("\x00", "\x1b", "\u202e", "<script"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

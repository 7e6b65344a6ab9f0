"""`gristmill prompts` as a person or a script meets it, on invented logs with the real models."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from audited_texts import benchmark_folder, items, needs_verifier
from selection_example import (
    ANSWERS,
    GOLDEN_USERS,
    OTHER_USERS,
    chat,
    log_rows,
    seen,
    write_lines,
    write_logs,
)

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from audits.outcome.files import read_findings
from pipeline.cli import main
from pipeline.selection.fates import FATES

Digests = Callable[[Path], dict[str, str]]
Row = dict[str, Any]

WANTED = ("--select", "12", "--golden", "40")


@pytest.fixture(autouse=True)
def _verifier() -> None:
    needs_verifier()


def call(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the logs and the selection ``out`` made of them; not to be changed."""
    needs_verifier()
    home = tmp_path_factory.mktemp("home")
    logs = write_logs(home / "logs")
    assert call("prompts", *logs, *WANTED, "--serial", "--quiet", "--out", home / "out") == 3
    return home


@pytest.fixture
def out(home: Path) -> Path:
    return home / "out"


def logs_of(home: Path) -> list[Path]:
    return [home / "logs" / "chats.jsonl", home / "logs" / "share.json"]


def manifest(out: Path) -> Row:
    found: Row = json.loads((out / "prompts.json").read_text(encoding="utf-8"))
    return found


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def text_of(path: Path) -> bytes:
    """The bytes of a file; of a packed one, its values."""
    if path.suffix == ".parquet":
        return repr(pq.read_table(path).to_pylist()).encode()
    return path.read_bytes()


def ledger(out: Path) -> dict[str, Row]:
    return {row["id"]: row for row in pq.read_table(out / "ledger.parquet").to_pylist()}


# --- what becomes of the rows ------------------------------------------------------------------


def test_every_row_and_every_conversation_is_accounted_for(out: Path) -> None:
    told = manifest(out)
    rows, talks = told["rows"], told["conversations"]
    assert rows["read"] == len(log_rows()) + 30 + 1
    assert rows["read"] == rows["used"] + rows["quarantined"]
    assert rows["quarantined"] == sum(rows["reasons"].values()) == 2
    assert talks["read"] == sum(talks[fate] for fate in FATES) == rows["used"]
    table = pq.read_table(out / "ledger.parquet").to_pylist()
    assert Counter(row["fate"] for row in table) == {
        fate: talks[fate] for fate in FATES if talks[fate]
    }
    assert len({row["id"] for row in table}) == len(table) == talks["read"]
    lost = pq.read_table(out / "quarantine.parquet").to_pylist()
    assert sum(row["lost"] for row in lost) == 2
    assert {Path(row["place"].split(" at ")[0]).name for row in lost} == {
        "chats.jsonl", "share.json"
    }  # fmt: skip


def test_what_must_not_be_selected_is_not_and_says_why(out: Path) -> None:
    fates = ledger(out)
    wanted = {
        "chat-220": ("contaminated", "golden.exact"),
        "chat-221": ("contaminated", "golden.exact"),
        "chat-222": ("contaminated", "golden.ngram"),
        "chat-230": ("dropped", "near_empty.words.low"),
        "chat-231": ("dropped", "near_empty.words.low"),
        "chat-250": ("dropped", "safety.ignore_instructions.high"),
        "chat-251": ("dropped", "safety.dan.high"),
        "chat-252": ("dropped", "floor.response_quality.low"),
        "chat-254": ("held_back", "held_back.time"),
        "chat-255": ("held_back", "held_back.user"),
    }
    assert {name: (fates[name]["fate"], fates[name]["reason"]) for name in wanted} == wanted
    copies = [row for row in fates.values() if row["fate"] == "duplicate"]
    assert len(copies) >= 8
    for row in copies:
        assert row["value"] >= row["bound"] == 0.8
        assert fates[row["other"]]["fate"] != "duplicate"


def test_the_selection_is_ready_for_training(out: Path) -> None:
    rows = lines(out / "selected.jsonl")
    assert len(rows) == 12
    assert pq.read_table(out / "selected.parquet").to_pylist() == rows
    assert [row["rank"] for row in rows] == list(range(1, 13))
    asked = {row["id"]: row["messages"] for row in log_rows()}
    fates = ledger(out)
    for row in rows:
        assert [turn["role"] for turn in row["messages"]][:2] == ["user", "assistant"]
        assert row["intent"] == "asking"
        assert fates[row["id"]]["fate"] == "selected"
        assert fates[row["id"]]["copies"] == row["copies"]
        if row["id"] in asked and not row["id"].startswith("chat-24"):
            assert row["messages"] == asked[row["id"]]
    curve = manifest(out)["coverage"]
    assert curve["selected"][-1] >= curve["random"][-1]


def test_personal_data_is_masked_everywhere_but_in_the_sample(out: Path) -> None:
    assert manifest(out)["pii"]["email"] == 2
    # The work files have the sample, too, and the card says so.
    shown = [path for path in out.rglob("*") if path.is_file() and ".gristmill" not in path.parts]
    for path in shown:
        if path.name != "masked.jsonl":
            assert b"ada.miller" not in text_of(path), path
    assert "ada.miller0@" in (out / "masked.jsonl").read_text()


def test_no_user_can_be_read_from_what_is_left(out: Path) -> None:
    for path in (*out.glob("*.parquet"), *out.glob("*.jsonl"), *(out / "golden").iterdir()):
        data = text_of(path)
        for user in (*GOLDEN_USERS, *OTHER_USERS):
            assert f"{user}'".encode() not in data
            assert f'{user}"'.encode() not in data


# --- the Golden Set ----------------------------------------------------------------------------


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def test_the_golden_set_shares_no_prompt_and_no_eight_words(out: Path) -> None:
    golden = lines(out / "golden" / "golden-1.jsonl")
    assert len(golden) >= 20
    assert all(row["tier"] == "pro" for row in golden)
    after = manifest(out)["golden"]["after"]
    assert all(row["time"] >= after for row in golden)
    prompts = {" ".join(words(row["prompt"])) for row in golden}
    runs = {
        tuple(said[at : at + 8])
        for said in (words(row["prompt"]) for row in golden)
        for at in range(len(said) - 7)
    }
    fates = ledger(out)
    for row in lines(out / "selected.jsonl"):
        assert row["time"] < after
        assert fates[row["id"]]["side"] == "training"
        for turn in row["messages"]:
            said = words(turn["content"])
            assert " ".join(said) not in prompts
            assert not any(tuple(said[at : at + 8]) in runs for at in range(len(said) - 7))
    users = {side: {row["user"] for row in fates.values() if row["fate"] == side}
             for side in ("selected", "golden")}  # fmt: skip
    assert not users["selected"] & users["golden"]


def test_the_golden_set_is_a_benchmark_of_which_nothing_was_selected(
    out: Path, tmp_path: Path
) -> None:
    golden = out / "golden" / "golden.yaml"
    command = ("--benchmarks", golden, "--serial", "--quiet")
    assert call("audit", out / "selected.jsonl", *command, "--out", tmp_path / "clean") == 0
    assert not any(one.leak for one in read_findings(tmp_path / "clean"))
    told = json.loads((tmp_path / "clean" / "audit.json").read_text())
    assert told["benchmarks"]["golden"]["items"] == manifest(out)["golden"]["prompts"]
    assert not any(one.leak for one in read_findings(out / "audit"))
    # And it does find one that is there.
    prompt = lines(out / "golden" / "golden-1.jsonl")[3]
    write_lines(tmp_path / "leak.jsonl", [chat(1, prompt["prompt"], ANSWERS[0])])
    assert call("audit", tmp_path / "leak.jsonl", *command, "--out", tmp_path / "leak") == 0
    assert {one.item for one in read_findings(tmp_path / "leak") if one.leak} >= {prompt["id"]}


def test_nothing_of_a_benchmark_or_of_an_earlier_golden_set_is_selected(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark_folder(tmp_path / "benchmarks")
    leaks = [chat(400 + at, item["question"], ANSWERS[at]) for at, item in enumerate(items(2))]
    log = write_lines(tmp_path / "log.jsonl", [*log_rows()[:12], *leaks])
    code = call(
        "prompts", log, "--select", "20", "--golden", "0", "--set", "floor.intents=[]",
        "--set", "floor.quality=0", "--benchmark-dir", tmp_path / "benchmarks",
        "--benchmarks", f"mills,{home / 'out' / 'golden' / 'golden.yaml'}",
        "--out", tmp_path / "out", "--serial",
    )  # fmt: skip
    assert code == 0
    said = capsys.readouterr()
    assert "the audit found 2 leaks" in said.err
    assert "audit: 0 leaks left, 2 replaced" in said.out
    fates = ledger(tmp_path / "out")
    for at in range(2):
        row = fates[f"chat-{400 + at}"]
        assert (row["fate"], row["reason"], row["other"]) == (
            "contaminated", "audit.verbatim", f"mills/m{at}"
        )  # fmt: skip
        assert row["value"] >= row["bound"]
    assert manifest(tmp_path / "out")["audit"] == {
        "rounds": [2, 0], "benchmarks": ["mills", "golden"], "folder": "audit"
    }  # fmt: skip


# --- the command -------------------------------------------------------------------------------


def test_the_same_command_again_has_nothing_to_do(
    home: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert call("prompts", *logs_of(home), *WANTED, "--serial", "--out", out) == 3
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == f"Nothing to do: {out} holds this very selection"
    assert "1.42% of the rows could not be used, more than 1%" in said.err
    assert "quarantine.parquet" in said.err
    assert said.out.startswith("12 of 139 conversations selected to train on, and 24 for the")
    now = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert {path.name for path in now if before[path] != now[path]} <= {"lock", "holder"}


def test_json_is_the_manifest_and_quiet_is_nothing(
    home: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command: tuple[str | Path, ...] = ("prompts", *logs_of(home), *WANTED, "--serial", "--out", out)
    assert call(*command, "--json") == 3
    said = capsys.readouterr()
    assert json.loads(said.out) == {"out": str(out), **manifest(out)}
    assert call(*command, "--quiet") == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: 1.42%")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--golden", "5", "--set", "golden.tiers=[gold]"), 2, "the logs have free, pro: name"),
        (("--golden", "5", "--set", "fields.user=nobody"), 2, "no row has the field 'nobody'"),
        (("--set", "select.cont=5"), 2, "did you mean 'count'"),
        (("--select", "-1"), 2, "-1 is not in the range"),
        (("--recipe", "nowhere.yaml"), 2, "no such recipe"),
        (("--benchmarks", "no_such_thing"), 2, "no benchmark is called 'no_such_thing'"),
        (("--serial", "--workers", "2"), 2, "--serial uses no Ray"),
    ],
)
def test_what_does_not_fit_is_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...], code: int, message: str,
) -> None:  # fmt: skip
    # A log of few rows: what can be told of before it is read need not wait for it.
    log = write_lines(tmp_path / "log.jsonl", [*log_rows()[:3], *log_rows()[64:66]])
    assert call("prompts", log, *arguments, "--out", tmp_path / "out", "--quiet") == code
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_folder_of_something_else_is_refused(
    home: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("manifest.json", "audit.json", "kept.parquet"):
        folder = tmp_path / name / ".gristmill"
        folder.mkdir(parents=True)
        (folder.parent / name).write_text("{}")
        assert call("prompts", *logs_of(home), "--out", folder.parent) == 2
        assert f"holds the output of another command ({name})" in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("dear")
    assert call("prompts", *logs_of(home), "--out", tmp_path / "mine") == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.ray
@pytest.mark.heavy
def test_workers_change_nothing(home: Path, out: Path, tmp_path: Path, digests: Digests) -> None:
    many = ("--workers", "2", "--quiet", "--out", tmp_path / "out")
    assert call("prompts", *logs_of(home), *WANTED, *many) == 3
    assert seen(digests, tmp_path / "out") == seen(digests, out)


# --- real prompts ------------------------------------------------------------------------------


@pytest.mark.heavy
def test_real_prompts_run_to_the_end(shared_data: Path, tmp_path: Path) -> None:
    """Trees of messages, prompts, and instructions with answers: every row is accounted for."""
    prompts = shared_data / "prompts"
    logs = [
        prompts / "oasst_eval100" / "en_100_tree.jsonl",
        prompts / "koala180" / "koala_test_set.jsonl",
    ]
    dolly = json.loads((prompts / "dolly_3k" / "dolly_3k.json").read_text(encoding="utf-8"))
    logs.append(write_lines(tmp_path / "dolly.jsonl", dolly[::25]))
    how = ("--select", "25", "--golden", "0", "--set", "floor.intents=[]", "--serial", "--quiet")
    assert call("prompts", *logs, *how, "--out", tmp_path / "out") == 0
    told = manifest(tmp_path / "out")
    assert told["rows"]["read"] == 100 + 180 + len(dolly[::25])
    assert told["rows"]["used"] + told["rows"]["quarantined"] == told["rows"]["read"]
    talks = told["conversations"]
    assert talks["read"] == sum(talks[fate] for fate in FATES)
    assert talks["read"] >= told["rows"]["used"]
    assert talks["selected"] == 25
    assert len(ledger(tmp_path / "out")) == talks["read"]
    assert told["coverage"]["selected"][-1] > told["coverage"]["random"][-1]

"""The fate of one conversation, told: of a finished selection and of none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from audited_texts import plain_core
from selection_example import ANSWERS, question, select, turns, write_lines, write_logs

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from pipeline.cli import main
from pipeline.core.errors import ConfigError
from pipeline.reports.prompts_page import FATE_MEANINGS
from pipeline.selection.explain import explain, explained

ALONE = ("floor.intents=[]", "golden.count=0", "floor.quality=0", "dedup=null")


@pytest.fixture(scope="module", autouse=True)
def _core() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        plain_core(patch)
        yield


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished selection; not to be changed."""
    home = tmp_path_factory.mktemp("selection")
    select(write_logs(home / "logs"), home / "out")
    return home / "out"


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["prompts", "explain", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def rows(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(out / "ledger.parquet").to_pylist()
    return found


def test_every_conversation_can_be_explained(out: Path) -> None:
    fates = set()
    for row in rows(out)[::4]:
        found = explain(out, row["id"])
        assert found["fate"] == row["fate"]
        said = "\n".join(explained(found))
        assert f"{row['id']}: {row['fate']}" in said
        assert FATE_MEANINGS[row["fate"]] in said
        assert row["place"] in said
        assert found["prompt"]
        assert found["prompt"].splitlines()[0] in said
        fates.add(row["fate"])
    assert len(fates) > 4


def test_a_selected_one_tells_rank_and_gain(out: Path) -> None:
    row = next(row for row in rows(out) if row["fate"] == "selected")
    found = explain(out, row["id"])
    kept = {one["id"]: one for one in pq.read_table(out / "selected.parquet").to_pylist()}
    assert found["rank"] == kept[row["id"]]["rank"] >= 1
    assert found["gain"] == kept[row["id"]]["gain"]
    said = list(explained(found))
    assert any(f"picked {found['rank']}. of the selection" in line for line in said)
    for one in found["passed_over"]:
        assert any(one["id"] in line for line in said)


def test_a_dropped_one_tells_value_and_bound_and_what_else_failed(out: Path) -> None:
    said = "\n".join(explained(explain(out, "chat-231")))
    assert "chat-231: dropped (near_empty.words.low)" in said
    assert "measured 1, bound 3" in said
    assert "also failed: continuation.opening.high" in said
    assert "  | continue" in said


def test_a_contaminated_one_and_a_copy_tell_what_of(out: Path) -> None:
    assert explain(out, "chat-220")["reason"] == "golden.exact"
    copy = next(row for row in rows(out) if row["fate"] == "duplicate")
    assert f"  like {copy['other']}" in list(explained(explain(out, copy["id"])))


def test_the_user_is_known_by_a_hash_only(out: Path) -> None:
    found = explain(out, "chat-000")
    assert len(found["user"]) == 16
    assert "user-" not in json.dumps({**found, "place": ""})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chat-00", "did you mean 'chat-"),
        ("nothing like it at all", "has no conversation"),
        ("", "has no conversation ''"),
        ("x\x1b[2J", "has no conversation 'x"),
    ],
)
def test_an_unknown_one_is_answered_with_the_nearest(out: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match="no conversation") as caught:
        explain(out, name)
    assert message in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_folder_without_a_finished_selection(out: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no finished prompt selection"):
        explain(tmp_path, "chat-000")
    (tmp_path / "ledger.parquet").write_bytes((out / "ledger.parquet").read_bytes())
    with pytest.raises(ConfigError, match=r"prompts\.json is missing"):
        explain(tmp_path, "chat-000")


def test_conversations_of_one_row_have_their_own_prompts(tmp_path: Path) -> None:
    """Two models' answers side by side make two conversations at one place."""
    first, second = ([question(at), ANSWERS[0]] for at in (1, 2))
    row = {"question_id": "q", "conversation_a": turns(*first), "conversation_b": turns(*second)}
    select([str(write_lines(tmp_path / "arena.jsonl", [row]))], tmp_path / "out", ALONE)
    for name, at in (("q/a", 1), ("q/b", 2)):
        assert explain(tmp_path / "out", name)["prompt"] == question(at)


def test_the_same_id_in_two_files_is_two_conversations(tmp_path: Path) -> None:
    for at, name in enumerate(("a", "b", "c")):
        write_lines(
            tmp_path / f"{name}.jsonl",
            [{"id": "same", "messages": turns(question(at), ANSWERS[0])}],
        )
    logs = [str(tmp_path / f"{name}.jsonl") for name in "abc"]
    told = select(logs, tmp_path / "out", ALONE).manifest
    names = [row["id"] for row in rows(tmp_path / "out")]
    assert names[0] == "same"
    assert len(set(names)) == 3
    assert told["conversations"]["renamed"] == 2
    for at, name in enumerate(names):
        assert explain(tmp_path / "out", name)["prompt"] == question(at)


def test_fewer_logs_leave_no_prompts_of_the_others(tmp_path: Path) -> None:
    for at, name in enumerate(("a", "b")):
        write_lines(
            tmp_path / f"{name}.jsonl", [{"id": name, "messages": turns(question(at), ANSWERS[0])}]
        )
    logs = [str(tmp_path / f"{name}.jsonl") for name in "ab"]
    select(logs, tmp_path / "out", ALONE)
    select(logs[:1], tmp_path / "out", ALONE)
    assert explain(tmp_path / "out", "a")["prompt"] == question(0)
    assert not list((tmp_path / "out/.gristmill/splits").glob("log-00001*"))


# --- the command -------------------------------------------------------------------------------


def test_the_command_prints_lines_or_json(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("chat-230", "--out", str(out)) == 0
    said = capsys.readouterr().out
    assert said.startswith("chat-230: dropped (near_empty.words.low)")
    assert call("chat-230", "--out", str(out), "--json") == 0
    assert json.loads(capsys.readouterr().out) == explain(out, "chat-230")
    assert call("chat-23", "--out", str(out)) == 2
    assert "did you mean 'chat-" in capsys.readouterr().err


def test_a_stranger_s_text_does_nothing_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, said = "x\x1b]0;t\x07[red]", "Why does\x1b[2J the\r wheel \u202eturn [bold]so?\0"
    row = {"id": name, "tier": "\x1b[31m", "messages": turns(said, ANSWERS[0])}
    select([str(write_lines(tmp_path / "log.jsonl", [row]))], tmp_path / "out", ALONE)
    assert call(name, "--out", str(tmp_path / "out")) == 0
    printed = capsys.readouterr().out
    assert not [sign for sign in "\x1b\x07\r\u202e\0" if sign in printed]
    assert "[bold]so?" in printed

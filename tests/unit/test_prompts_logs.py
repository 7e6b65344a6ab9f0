"""Files of chat logs, cut into parts and read: every row ends in a conversation or in a fault."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError, ConservationError, SourceError
from pipeline.prompts.conversation import Conversation
from pipeline.prompts.logs.read import (
    LogFault,
    LogFields,
    LogTally,
    check_fields,
    plan_logs,
    read_logs,
)

Read = tuple[list[Conversation], list[LogFault], LogTally]


def chat(number: int, **more: Any) -> dict[str, Any]:
    said = [{"from": "human", "value": f"é {number}?"}, {"from": "gpt", "value": f"{number}!"}]
    return {"id": f"c{number}", "conversations": said, **more}


def message(number: int | None, parent: int | None, tree: int | None = None, **more: Any) -> Any:
    row = {
        "message_id": None if number is None else f"m{number}",
        "parent_id": None if parent is None else f"m{parent}",
        "text": f"text {number}",
        "role": "prompter",
        **more,
    }
    return row if tree is None else {**row, "message_tree_id": f"m{tree}"}


def write_lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(*paths: Path, fields: LogFields | None = None, split_bytes: int = 1 << 20) -> Read:
    found: list[Conversation] = []
    faults: list[LogFault] = []
    tally, seen = LogTally(), set[str]()
    for part in plan_logs(paths, split_bytes=split_bytes):
        part = pickle.loads(pickle.dumps(part))
        for item in read_logs(part, fields, tally=tally, seen=seen):
            (found if isinstance(item, Conversation) else faults).append(item)  # type: ignore[attr-defined]
    tally.check()
    assert tally.conversations == len(found)
    assert tally.faulty == sum(fault.lost for fault in faults)
    assert len({conversation.id for conversation in found}) == len(found)
    return found, faults, tally


def asked(conversations: list[Conversation]) -> list[str]:
    return [" / ".join(c.said("user")) for c in conversations]


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.json.gz", "b.json", "a.parquet"]
)
def test_the_same_rows_from_files_of_every_kind(name: str, tmp_path: Path) -> None:
    rows = [chat(number, tier="pro") for number in range(50)]
    path = tmp_path / name
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    data = (
        json.dumps(rows, indent=1).encode()
        if name.startswith("a.json") and "l" not in name
        else lines
    )
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    for split_bytes in (1 << 20, 500):
        found, faults, tally = read(path, split_bytes=split_bytes)
        assert asked(found) == [f"é {number}?" for number in range(50)]
        assert [c.id for c in found] == [f"c{number}" for number in range(50)]
        assert {c.tier for c in found} == {"pro"}
        assert (faults, tally.rows) == ([], 50)


def test_a_dataset_that_was_saved(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{"messages": [{"role": "user", "content": str(number)}]} for number in range(20)]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "saved")
    found, _, _ = read(tmp_path / "saved", split_bytes=100)
    assert asked(found) == [str(number) for number in range(20)]


def test_one_object_over_many_lines_and_prompts_in_lines(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(chat(1), indent=2))
    (tmp_path / "prompts.txt").write_text("How many?\r\n\n  \nAnd why?")
    found, _, tally = read(tmp_path / "one.json", tmp_path / "prompts.txt")
    assert asked(found) == ["How many?", "And why?", "é 1?"]
    assert [c.id for c in found] == ["prompts.txt:1", "prompts.txt:4", "c1"]
    assert found[1].place == f"{tmp_path}/prompts.txt line 4"
    assert tally.rows == 3


def test_folders_and_globs(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write_lines(tmp_path / "a.jsonl", [chat(1)])
    (tmp_path / "below" / "b.json").write_text(json.dumps([chat(2)]))
    (tmp_path / "README.md").write_text("About these logs.")
    (tmp_path / ".hidden.json").write_text(json.dumps([chat(3)]))
    assert len(read(tmp_path)[0]) == 2
    assert len(read(tmp_path / "**" / "*.json*")[0]) == 2
    assert len(read(tmp_path / "below")[0]) == 1
    (tmp_path / "below" / "dataset_info.json").write_text("{}")
    assert asked(read(tmp_path)[0]) == ["é 1?"]
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "c.json").write_text(json.dumps([{"prompt": name}]))
    found = read(tmp_path / "x" / "c.json", tmp_path / "y" / "c.json")[0]
    assert [c.id for c in found] == ["x/c.json:1", "y/c.json:1"]


@pytest.mark.parametrize(
    ("name", "data", "kind", "said"),
    [
        ("a.md", b"text", ConfigError, "Markdown is no log"),
        ("a.csv", b"a,b", ConfigError, "ending"),
        ("a.json", b"\x1f\x8b\x08\x00", SourceError, "gzip"),
        ("a.json.gz", b"[]", SourceError, "not what its ending says"),
        ("a.json", b"\xff\xfe[\x00", SourceError, "UTF-16"),
    ],
)
def test_what_is_no_log_stops_the_plan(
    name: str, data: bytes, kind: type[Exception], said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(kind, match=said):
        plan_logs([tmp_path / name])
    with pytest.raises(ConfigError):
        plan_logs([])
    with pytest.raises(SourceError, match="no such file"):
        plan_logs([tmp_path / "nothing.json"])


def test_plans_are_the_same_whatever_the_order(tmp_path: Path) -> None:
    paths = [
        write_lines(tmp_path / name, [chat(1)] * 9) for name in ("b.jsonl", "a.jsonl", "c.json")
    ]
    plan = plan_logs(paths, split_bytes=300)
    assert plan == plan_logs(paths[::-1], split_bytes=300)
    assert len(plan) > 6
    assert plan[0].inputs == (str(tmp_path / "a.jsonl"),)


# --- what rows cost --------------------------------------------------------------------------


def test_every_bad_row_is_a_fault_that_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    rows = [
        chat(1),
        {"prompt": "b"},
        {"messages": [None]},
        {"messages": [{"role": "user", "content": "c"}]},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text + '{"torn": \n[1]\n' + json.dumps({"x": "y" * 100_000}) + "\n")
    found, faults, tally = read(path)
    assert asked(found) == ["é 1?", "b", "c"]
    reasons = ["log.turn_null", "table.json", "table.object", "log.shape"]
    assert [fault.reason for fault in faults] == reasons
    assert json.loads(faults[0].row) == {"messages": [None]}
    assert (
        faults[0].place
        == f"{path} at byte {len(text.splitlines(True)[0] + text.splitlines(True)[1])}"
    )
    assert len(faults[3].row) == 65_536
    assert (tally.rows, tally.used, tally.faulty) == (7, 3, 4)


def test_half_a_row_of_the_arena_is_told_and_costs_no_row(tmp_path: Path) -> None:
    good = [{"role": "user", "content": "a"}]
    sides = {"conversation_a": [None], "conversation_b": good}
    rows = [{"question_id": "q", **sides}, {**sides, "conversation_b": []}]
    found, faults, tally = read(write_lines(tmp_path / "a.jsonl", rows))
    assert [c.id for c in found] == ["q/b"]
    assert [fault.lost for fault in faults] == [0, 1, 0]
    assert (tally.rows, tally.used, tally.faulty) == (2, 1, 1)


def test_an_id_that_was_seen_gives_way_to_the_position(tmp_path: Path) -> None:
    rows = [{"id": "x", "prompt": "a"}, {"id": "x", "prompt": "b"}, {"id": "y", "prompt": "c"}]
    path = write_lines(tmp_path / "a.jsonl", rows)
    found, _, tally = read(path)
    second = len(json.dumps(rows[0])) + 1
    assert [c.id for c in found] == ["x", f"a.jsonl:{second}", "y"]
    assert tally.renamed == 1
    assert [c.id for c in read(path, split_bytes=10)[0]] == [c.id for c in found]
    trap = [{"id": f"a.jsonl:{second}", "prompt": "a"}] * 2
    assert len(read(write_lines(tmp_path / "a.jsonl", trap))[0]) == 2


def test_a_tally_that_does_not_add_up_is_an_error() -> None:
    with pytest.raises(ConservationError, match="of 3 rows"):
        LogTally(rows=3, used=1, faulty=1).check()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_cut_off_anywhere_keeps_its_whole_rows(tmp_path: Path, data: st.DataObject) -> None:
    rows = [chat(number) for number in range(5)]
    whole = data.draw(st.sampled_from(["a.jsonl", "a.json", "a.json.gz", "a.jsonl.gz"]))
    array = whole.startswith("a.json") and "l" not in whole
    text = json.dumps(rows) if array else "".join(json.dumps(row) + "\n" for row in rows)
    packed = gzip.compress(text.encode(), mtime=0) if whole.endswith(".gz") else text.encode()
    end = data.draw(st.integers(11, len(packed) - 1))
    path = tmp_path / whole
    path.write_bytes(packed[:end])
    found, faults, tally = read(path)
    assert [c.id for c in found] == [f"c{number}" for number in range(len(found))]
    if whole == "a.jsonl":
        tail = text[:end].rpartition("\n")[2]
        assert len(faults) == (tail not in ("", *text.splitlines()))
    else:
        assert len(faults) == 1
    assert tally.rows == len(found) + len(faults)


# --- messages of trees -----------------------------------------------------------------------


def forest(trees: int, seed: int) -> list[Any]:
    """Trees of messages in any order."""
    rng = random.Random(seed)
    rows, number = [], 0
    for _ in range(trees):
        top = number
        for size in range(rng.randint(1, 6)):
            parent = None if size == 0 else rng.randint(top, number - 1)
            rows.append(message(number, parent, top))
            number += 1
    rng.shuffle(rows)
    return rows


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("named", [True, False])
def test_messages_in_any_order_are_trees_again(seed: int, named: bool, tmp_path: Path) -> None:
    rows = forest(30, seed)
    if not named:
        rows = [{k: v for k, v in row.items() if k != "message_tree_id"} for row in rows]
    path = write_lines(tmp_path / "flat.jsonl", rows)
    assert len(plan_logs([path], split_bytes=100)) == 1
    found, faults, tally = read(path, split_bytes=100)
    assert (faults, tally.used) == ([], len(rows))
    assert {text for c in found for text in c.said("user")} == {row["text"] for row in rows}
    parents = {row["text"]: row["parent_id"] for row in rows}
    for conversation in found:
        texts = list(conversation.said("user"))
        above = [None, *(f"m{text.removeprefix('text ')}" for text in texts)]
        assert [parents[text] for text in texts] == above[:-1]


def test_messages_that_hang_on_nothing_are_counted(tmp_path: Path) -> None:
    rows = [
        message(1, None), message(2, 1), message(3, 99), message(4, 3),
        message(5, 6, 5), message(6, 5, 5), message(7, 6, 5), message(8, 8), message(None, 1),
        message(1, None), message(2, 4),
    ]  # fmt: skip
    found, faults, tally = read(write_lines(tmp_path / "a.jsonl", rows))
    assert asked(found) == ["text 1 / text 2"]
    told = Counter({(f.reason, f.lost): 1 for f in faults})
    assert told == Counter(
        [("log.tree_repeated", 2), ("log.tree_orphan", 2), ("log.tree_cycle", 3),
         ("log.tree_cycle", 1), ("log.message_id", 1)]
    )  # fmt: skip
    assert (tally.rows, tally.used, tally.faulty) == (11, 2, 9)


def test_a_tree_without_a_user_costs_all_its_rows(tmp_path: Path) -> None:
    rows = [message(1, None, role="assistant"), message(2, 1, role="assistant")]
    _, (fault,), tally = read(write_lines(tmp_path / "a.jsonl", rows))
    assert (fault.reason, fault.lost, tally.rows) == ("log.no_user", 2, 2)


def test_a_chain_of_ten_thousand_messages(tmp_path: Path) -> None:
    rows = [message(number, number - 1 if number else None) for number in range(10_000)]
    random.Random(0).shuffle(rows)
    (found,), _, tally = read(write_lines(tmp_path / "a.jsonl", rows))
    assert len(found.turns) == tally.used == 10_000


# --- fields ----------------------------------------------------------------------------------


def test_fields_are_looked_for_before_the_work(tmp_path: Path) -> None:
    rows = [{"log": [{"who": "user", "what": "a"}], "meta": {"plan": None}}, {"log": [], "n": 1}]
    path = write_lines(tmp_path / "a.jsonl", rows)
    fields = LogFields(turns="log", role="who", content="what", tier="meta.plan")
    assert len(plan_logs([path], fields)) == 1
    for wrong, said in (
        (
            {"tier": "meta.plam"},
            r"'meta.plam' that tier names; there are: .*did you mean 'meta.plan'",
        ),
        ({"role": "whom"}, r"'whom' that role names.*did you mean 'who'"),
        ({"user": "zzz"}, r"'zzz' that user names; there are: log, meta, meta.plan"),
        ({"turns": "logs"}, r"'logs' that turns names"),
    ):
        changed = {"turns": "log", "role": "who", "content": "what", **wrong}
        with pytest.raises(ConfigError, match=said):
            plan_logs([path], LogFields(**changed))
    with pytest.raises(ConfigError, match="name their field"):
        plan_logs([path], LogFields())
    check_fields(plan_logs([write_lines(tmp_path / "b.jsonl", [])]), LogFields(tier="any"))
    with pytest.raises(ConfigError, match="there are: none"):
        check_fields(plan_logs([write_lines(tmp_path / "b.jsonl", [{}])]), LogFields(tier="any"))


def test_columns_that_no_one_asked_for_are_not_read(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(
        [{"prompt": "a", "deep": {"plan": "pro"}, "vector": [0.1] * 9, "when": 1714566600}]
    )
    pq.write_table(table, tmp_path / "a.parquet")
    fields = LogFields(tier="deep.plan", time="when")
    (found,), _, _ = read(tmp_path / "a.parquet", fields=fields)
    assert (found.tier, found.time) == ("pro", "2024-05-01T12:30:00Z")


# --- real logs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rows", "conversations", "turns"),
    [
        ("arenahard/arena_hard_v0.1.jsonl", 500, 500, 500),
        ("koala180/koala_test_set.jsonl", 180, 180, 180),
        ("mtbench80/question.jsonl", 80, 80, 160),
        ("vicuna80/question.jsonl", 80, 80, 80),
        ("dolly_3k/dolly_3k.json", 2996, 2996, 5992),
        ("selfinstruct252/user_oriented_instructions.jsonl", 252, 252, 504),
        ("selfinstruct_seed/seed_tasks.jsonl", 175, 175, 350),
        ("tulu_eval/eval_instances_tulu_1.jsonl", 996, 996, 996),
        ("oasst_eval100/model_eval_prompts.json", 250, 250, 250),
        ("oasst_eval100/en_100_tree.jsonl", 100, 359, 1286),
        ("oasst_eval100/en_100_message.jsonl", 100, 359, 1286),
        ("oasst_eval100/realistic_seed_data.json", 444, 74, 360),
    ],
)
def test_real_logs(shared_data: Path, name: str, rows: int, conversations: int, turns: int) -> None:
    path = shared_data / "prompts" / name
    if not path.is_file():
        pytest.skip(f"real data is not here: {path}")
    found, faults, tally = read(path)
    assert (tally.rows, tally.used, tally.conversations) == (rows, rows, conversations)
    assert sum(len(c.turns) for c in found) == turns
    assert {fault.reason for fault in faults} <= {"log.tree_answers"}
    assert all(text.strip() for c in found for text in c.said("user"))


def test_every_prompt_of_real_trees_is_in_a_conversation(shared_data: Path) -> None:
    path = shared_data / "prompts" / "oasst_eval100" / "en_100_tree.jsonl"
    if not path.is_file():
        pytest.skip(f"real data is not here: {path}")
    prompts = Counter[str]()
    left = [json.loads(line)["prompt"] for line in path.read_text().splitlines()]
    while left:
        node = left.pop()
        left += node["replies"]
        prompts[node["text"]] += node["role"] == "prompter"
    found, _, _ = read(path)
    assert {text for c in found for text in c.said("user")} == {t for t, n in prompts.items() if n}
    assert os.path.basename(found[0].place.partition(" at ")[0]) == "en_100_tree.jsonl"

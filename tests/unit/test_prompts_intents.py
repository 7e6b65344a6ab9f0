"""Intents of the rows of files; turns that a person labels; the model that learns from them; the command."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_server import served

from classifiers.intent import INTENTS, Asked, IntentClassifier, IntentModel
from classifiers.intent_cues import CUES, cues
from classifiers.intent_labeller import KEY, KnownLabels, turn_id
from pipeline import scored_rows
from pipeline.cli import main
from pipeline.core.errors import ConfigError, ModelError, RunError, SourceError, StorageError
from pipeline.intents import BY_MODEL, ask_person, draw, label_rows
from pipeline.prompts.intents.draw import Drawer
from pipeline.prompts.intents.labels import CHANCE, UNCERTAIN, IntentLabel, LabelFile, Remembered
from pipeline.prompts.intents.questions import ask, shown
from pipeline.prompts.intents.turns import last_asked

ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "What is the capital of France?"}]},
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"},
                       {"from": "human", "value": "Write a poem about the sea"}]},
    {"prompt": "thanks!", "deep": {"a": [1, None]}},
    {"messages": [{"role": "assistant", "content": "Hello"}]},
    {"messages": [{"role": "user", "content": "one"}, {"role": "user", "content": " \n"}]},
    {"x": 1},
    {"text": "Explain how tides work"},
]  # fmt: skip
NONE = (3, 4, 5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embeddings that depend on the text and need no encoder."""

    def features(_: IntentClassifier, asked: Sequence[Asked]) -> Any:
        model = IntentModel.load()
        rows = np.tile(model.mean, (len(asked), 1))
        for row, one in zip(rows, asked, strict=True):
            row[: len(CUES)] = cues(one.prompt, one.before, one.reply)
            digest = hashlib.sha256(one.prompt[:1000].encode(errors="replace")).digest()
            draw = np.random.default_rng(list(digest))
            row[len(CUES) :] += model.scale[len(CUES) :] * draw.normal(size=len(row) - len(CUES))
        return rows

    monkeypatch.setattr(IntentClassifier, "features", features)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if path.suffix == ".gz":
        lines = gzip.compress(lines)
    elif path.suffix == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(lines)
        return path
    path.write_bytes(lines)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    return write(tmp_path / "chats.jsonl", ROWS)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    questions = [{"prompt": f"What is {n}?"} for n in range(60)]
    return write(tmp_path / "many.jsonl", [*questions, *questions[:20], *ROWS])


# --- rows --------------------------------------------------------------------------------------


def test_every_row_comes_out_again_with_its_intent(chats: Path, tmp_path: Path) -> None:
    done = label_rows([str(chats)], tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    assert [{k: v for k, v in row.items() if k in given} for row, given in
            zip(found, ROWS, strict=True)] == ROWS  # fmt: skip
    for number, row in enumerate(found):
        assert list(row)[-4:] == ["intent", *INTENTS]
        if number in NONE:
            assert [row[name] for name in ("intent", *INTENTS)] == [None] * 4
        else:
            assert row["intent"] in INTENTS
            assert sum(row[name] for name in INTENTS) == pytest.approx(1, abs=1e-5)
    assert (done.rows, done.without_text, done.unreadable, done.by_model) == (7, 3, 0, 0)
    assert done.reasons == {"log.no_user": 1, "intent.blank": 1, "log.shape": 1}
    assert done.rows == done.intents.total() + done.reasons.total()
    asked = Asked("Write a poem about the sea", "Hi", "Hello")
    says = IntentClassifier().probabilities([asked])[0]
    assert [found[1][name] for name in INTENTS] == pytest.approx(says.tolist(), abs=1e-6)


@pytest.mark.parametrize("ending", ["jsonl.gz", "jsonl.zst", "parquet"])
def test_every_kind_of_file_is_read(ending: str, tmp_path: Path) -> None:
    rows = [ROWS[0], ROWS[0]]
    path = tmp_path / f"in.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        write(path, rows)
    assert label_rows([str(path)], tmp_path / "out.jsonl").intents.total() == 2


def test_batches_make_no_difference(
    chats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label_rows([str(chats)], tmp_path / "one.jsonl")
    monkeypatch.setattr(scored_rows, "BATCH", 2)
    label_rows([str(chats)], tmp_path / "two.jsonl")
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_a_labeller_says_the_intent_and_who_said_it_is_told(chats: Path, tmp_path: Path) -> None:
    labeller = KnownLabels({turn_id(Asked("thanks!")): "doing"}, "me")
    done = label_rows([str(chats)], tmp_path / "out.jsonl", labeller=labeller)
    found = read(tmp_path / "out.jsonl")
    assert (found[2]["intent"], found[2]["labelled_by"]) == ("doing", "me")
    assert found[2]["doing"] < 1
    assert [row["labelled_by"] for row in found] == [
        BY_MODEL, BY_MODEL, "me", None, None, None, BY_MODEL
    ]  # fmt: skip
    assert done.by_model == 3


class Flaky:
    """A labeller whose server dies after some batches."""

    def __init__(self, lasts: int):
        self.lasts = lasts
        self.asked: list[Asked] = []

    def label(self, asked: Sequence[Asked]) -> list[str | None]:
        if self.lasts == 0:
            raise RunError("gone")
        self.lasts -= 1
        self.asked += asked
        return [None if "Explain" in one.prompt else "asking" for one in asked]

    def to_json(self) -> dict[str, Any]:
        return {"kind": "chat", "model": "m"}


def test_the_same_command_continues_where_a_labeller_stopped(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scored_rows, "BATCH", 10)
    out, journal = tmp_path / "out.jsonl", tmp_path / ".out.labels"
    first, second = Flaky(3), Flaky(-1)
    with pytest.raises(RunError):
        label_rows([str(many)], out, labeller=first, journal=journal)
    assert not out.exists()
    assert len(LabelFile(journal).read()[0]) == 30
    done = label_rows([str(many)], out, labeller=second, journal=journal)
    assert (len(first.asked), len(second.asked), done.by_model) == (30, 34, 1)
    assert not journal.exists()
    # Answers of another model are none of this one's.
    LabelFile(journal).append([IntentLabel(turn_id(Asked("a")), "doing", "other")])
    assert (
        Remembered(Flaky(1), LabelFile(journal)).label([Asked("a"), Asked("a")]) == ["asking"] * 2
    )


def test_faults_are_told_before_anything_is_written(chats: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model of intent"):
        label_rows([str(chats)], tmp_path / "out.jsonl", model=tmp_path / "none")
    with pytest.raises(ConfigError, match="give it the ending"):
        label_rows([str(chats)], tmp_path / "out.csv")
    with pytest.raises(SourceError):
        label_rows([str(tmp_path / "none.jsonl")], tmp_path / "out.jsonl")
    chats.write_text('{bad\n{"prompt": "a", "asking": 1}\n')
    done = label_rows([str(chats)], tmp_path / "out.jsonl")
    assert (done.rows, done.unreadable, done.replaced) == (1, 1, {"asking"})


def test_of_two_conversations_the_first_is_judged() -> None:
    sides = {f"conversation_{side}": [{"role": "user", "content": side}] for side in "ab"}
    assert last_asked(sides) == Asked("a")
    assert last_asked("Why?") == Asked("Why?")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner:
       st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
           ("messages", "role", "content", "prompt", "text", "from", "value", "x")), inner,
           max_size=3), max_leaves=8))  # fmt: skip
def test_any_value_has_a_turn_or_a_reason(values: Any) -> None:
    found = last_asked(values)
    assert found.prompt.strip() if isinstance(found, Asked) else found.reason


# --- drawing -----------------------------------------------------------------------------------


def test_turns_are_drawn_once_each_and_none_that_is_known(many: Path) -> None:
    found = draw([str(many)], (), 20)
    names = [one.id for one in found.turns]
    assert len(set(names)) == len(names) == 20
    assert [one.drawn for one in found.turns].count(CHANCE) == 5
    assert found.turns[3].drawn == CHANCE
    assert (found.rows, found.without_text) == (87, 3)
    again = draw([str(many)], names[:10], 100)
    assert not {one.id for one in again.turns} & set(names[:10])
    assert len(again.turns) == 64 - 10
    assert draw([str(many)], (), 0).turns == []


def test_order_and_batches_make_no_difference(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = draw([str(many)], (), 12).turns
    other = write(tmp_path / "other.jsonl", read(many)[::-1])
    monkeypatch.setattr(scored_rows, "BATCH", 7)
    monkeypatch.setattr("pipeline.prompts.intents.draw._LEAST", 10)
    monkeypatch.setattr("pipeline.prompts.intents.draw._POOL", 6)
    assert draw([str(other)], (), 12).turns == turns


def drawer(known: Sequence[str] = (), count: int = 3) -> Drawer:
    """Three sure turns, three unsure ones that are alike, and one that is unsure and another."""
    made = Drawer([turn_id(Asked(name)) for name in known], count)
    vectors = np.eye(4)[[1, 2, 3, 0, 0, 0, 1]]
    says = np.array([[0.98, 0.01, 0.01]] * 3 + [[0.4, 0.3, 0.3]] * 3 + [[0.5, 0.3, 0.2]])
    made.add([Asked(name) for name in "abcdefg"], vectors, says, ["asking"] * 7)
    return made


def test_uncertain_and_unlike_come_first() -> None:
    turns = drawer().drawn()
    assert turns[0].asked.prompt in "def"
    assert turns[1].asked.prompt == "g"
    assert turns[2].asked.prompt in "bc"
    assert {one.drawn for one in turns} == {UNCERTAIN}
    assert drawer(["d"], 1).drawn()[0].asked.prompt == "g"


def test_long_texts_lose_their_middle_and_keep_their_id() -> None:
    made = Drawer((), 1)
    long = Asked("a" * 10**6, "b" * 10**6, "c" * 10**6)
    made.add([long], np.ones((1, 2)), np.full((1, 3), 1 / 3), ["asking"])
    (turn,) = made.drawn()
    assert turn.id == turn_id(long)
    assert max(len(turn.asked.prompt), len(turn.asked.before), len(turn.asked.reply)) <= 8001


# --- labels ------------------------------------------------------------------------------------


def test_labels_are_on_the_disk_before_the_next_question(many: Path, tmp_path: Path) -> None:
    labels = tmp_path / "new" / "labels.jsonl"

    def answers() -> Iterator[str]:
        yield "a"
        assert len(labels.read_text().splitlines()) == 1
        yield "d"
        assert len(labels.read_text().splitlines()) == 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_person([str(many)], labels, answers(), lambda _: None)
    found, faults = LabelFile(labels).read()
    assert [one.intent for one in found.values()] == ["asking", "doing"]
    assert not faults
    done = ask_person(
        [str(many)], labels, iter(["e\n", "x", "SKIP", "q", "a"]), lambda _: None, count=5
    )
    answered = done.answered
    assert (answered.labelled, answered.skipped, answered.left, done.labels) == (1, 1, 3, 3)


def test_no_more_answers_are_the_end(many: Path, tmp_path: Path) -> None:
    done = ask_person([str(many)], tmp_path / "l.jsonl", iter(()), lambda _: None, count=4)
    assert (done.answered.labelled, done.answered.left) == (0, 4)
    assert not (tmp_path / "l.jsonl").exists()


def test_nothing_in_a_turn_acts_on_a_terminal_and_the_model_is_not_told() -> None:
    hostile = "a\x1b[2J\u202e\r\nb\x9b\ud800" + "x" * 10**6
    turns = drawer().drawn()
    lines: list[str] = []
    file = LabelFile(Path("/nowhere/labels.jsonl"))
    ask(turns, file, iter(["\x1b]0;x", "s", "s", "s"]), lines.append)
    lines += shown(Asked(hostile, hostile, hostile))
    assert not [line for line in lines if not line.isprintable()]
    assert sum(map(len, lines)) < 10_000
    assert "asking" not in " ".join(lines).replace("[a]sking", "")
    with pytest.raises(StorageError):
        ask(turns, LabelFile(Path("/proc/none/labels.jsonl")), iter("a"), lines.append)


def test_half_a_line_costs_itself_alone(tmp_path: Path) -> None:
    file = LabelFile(tmp_path / "l.jsonl")
    file.path.write_bytes(b'{"prompt": "Why?", "intent": "asking"}\n[1]\n{"id": "a", "intent": "b"}\n'
                          b'{"intent": "doing"}\n{"id": 5, "intent": "doing"}\n\xff\n{"id": "to')  # fmt: skip
    file.append([IntentLabel("x", "doing")])
    found, faults = file.read()
    assert [one.id for one in found.values()] == [turn_id(Asked("Why?")), "x"]
    assert found[turn_id(Asked("Why?"))].asked == Asked("Why?")
    assert [fault.partition(" line ")[2][0] for fault in faults] == list("234567")
    file.append([IntentLabel("x", "asking")])
    assert file.read()[0]["x"].intent == "asking"


@given(st.text(), st.text(), st.text())
def test_labels_come_back_as_they_were(prompt: str, before: str, reply: str) -> None:
    asked = Asked(prompt, before, reply) if prompt else None
    label = IntentLabel("a", "doing", "me", "asking", CHANCE, asked)
    assert IntentLabel.from_json(json.loads(json.dumps(label.to_json()))) == label


# --- a model of one's own ----------------------------------------------------------------------


def test_labels_make_a_model_with_a_card(many: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "intent"
    answers = iter(["d"] * 16)
    done = ask_person([str(many)], tmp_path / "l.jsonl", answers, lambda _: None, save_model=folder)
    assert done.adapted is not None
    assert done.adapted.labels == {"asking": 0, "doing": 16, "expressing": 0}
    header = json.loads((folder / "model.json").read_text())
    assert (header["prompts"], header["prior"]) == (16, "shipped")
    said = [one.said == "doing" for one in LabelFile(tmp_path / "l.jsonl").read()[0].values()
            if one.drawn == CHANCE]  # fmt: skip
    assert header["agreement"]["chance"]["n"] == len(said) == 4
    assert header["agreement"]["chance"]["value"] == pytest.approx(np.mean(said))
    card = (folder / "README.md").read_text()
    for part in (
        "16 labels",
        "drawn by chance | 4 |",
        "drawn for being uncertain | 12 |",
        "shipped",
    ):
        assert part in card
    assert {path.name for path in folder.iterdir()} == {"README.md", "model.json", "model.npz"}
    before, after = IntentModel.load(), IntentModel.load(folder)
    assert (before.asking, before.temperature) == (after.asking, after.temperature)
    assert after.intercept[1] > before.intercept[1]
    label_rows([str(many)], tmp_path / "out.jsonl", model=folder)
    # Again, with its uncertainty, and into the same folder: the prior is the shipped model as before.
    again = ask_person([str(many)], tmp_path / "l.jsonl", iter(()), lambda _: None, model=folder,
                       save_model=folder)  # fmt: skip
    assert again.adapted is not None
    np.testing.assert_allclose(IntentModel.load(folder).weights, after.weights)


def test_no_labels_leave_the_shipped_model(many: Path, tmp_path: Path) -> None:
    ask_person([str(many)], tmp_path / "l", iter(()), lambda _: None, save_model=tmp_path / "m")
    for name, value in IntentModel.load(tmp_path / "m").arrays().items():
        np.testing.assert_array_equal(value, IntentModel.load().arrays()[name])


def test_a_folder_of_something_else_is_left_alone(many: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, said in ((tmp_path, "holds no model of intent"), (tmp_path / "file", "is a file")):
        with pytest.raises(ConfigError, match=said):
            ask_person([str(many)], tmp_path / "l", iter("a"), lambda _: None, save_model=folder)
    assert not (tmp_path / "l").exists()


# --- the command -------------------------------------------------------------------------------


def gristmill(*arguments: object, given: str = "") -> click.testing.Result:
    runner = click.testing.CliRunner()
    return runner.invoke(main, ["prompts", "intent", *map(str, arguments)], input=given)


def test_the_command_writes_rows(chats: Path, tmp_path: Path) -> None:
    done = gristmill(chats, "--out", tmp_path / "out.jsonl")
    assert done.exit_code == 0, done.output
    assert "7 rows" in done.output
    assert "3 rows without a turn to judge" in done.output
    assert len(read(tmp_path / "out.jsonl")) == 7
    quiet = gristmill(chats, "-q")
    assert [json.loads(line)["intent"] for line in quiet.output.splitlines()] == [
        row["intent"] for row in read(tmp_path / "out.jsonl")
    ]
    chats.write_text("{bad\n")
    assert gristmill(chats).exit_code == 3


def test_the_command_asks_and_learns(many: Path, tmp_path: Path) -> None:
    labels, model, out = (tmp_path / name for name in ("l.jsonl", "model", "out.jsonl"))
    done = gristmill(
        many, "--label", labels, "--count", 3, "--save-model", model, given="a\nno\nd\ns\n"
    )
    assert done.exit_code == 0, done.output
    for part in (
        "--- 3 of 3",
        "none of these",
        "3 turns: 2 labelled, 1 skipped",
        "adapted to 2 labels",
    ):
        assert part in done.output
    done = gristmill(many, "--label", labels, "--count", 0, "--out", out, "--model", model)
    assert done.exit_code == 0, done.output
    assert sum(row["labelled_by"] == "person" for row in read(out)) >= 2
    labels.write_text("[]\n")
    assert gristmill(many, "--label", labels, given="q").exit_code == 3


def test_the_command_asks_a_chat_model(
    chats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.jsonl"
    with served(monkeypatch) as stub:
        monkeypatch.delenv(KEY, raising=False)
        stub.say = lambda before, reply, prompt: "doing" if "tides" in prompt else "asking"
        asking = ["--labeller-url", stub.url, "--labeller-model", "m"]
        done = gristmill(chats, "--out", out, *asking)
        assert done.exit_code == 0, done.output
        assert (read(out)[6]["intent"], read(out)[6]["labelled_by"]) == ("doing", "m")
        stub.say = lambda *_: "well"
        assert "is asked for" in gristmill(chats, *asking).output
    assert {path.name for path in tmp_path.iterdir()} == {"chats.jsonl", "out.jsonl"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--labeller-url", "http://a/v1"], "add --labeller-model NAME"),
        (["--labeller-model", "m"], "add --labeller-url URL"),
        (["--labeller-url", "a", "--labeller-model", "m"], "give one as http://HOST:PORT/v1"),
        (["--count", "3"], "--count goes with --label"),
        (["--save-model", "m"], "--save-model goes with --label"),
        (["--label", "l", "--labeller-url", "http://a"], "leave one of them out"),
        (["--out", "a.csv"], "give it the ending"),
    ],
)
def test_options_that_do_not_fit(options: list[str], said: str, chats: Path) -> None:
    done = gristmill(chats, *options)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())

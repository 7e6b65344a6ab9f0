"""The embedded sample of chat logs: what it holds, that the reader finds it there, and repeatable."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from audits.leaks.labelled import shipped_leaks
from pipeline.cli import main
from pipeline.core.errors import StorageError
from pipeline.pii import find_pii
from pipeline.prompts.cleaning.residue import clean_turn
from pipeline.prompts.cleaning.safety_tags import safety_of
from pipeline.prompts.cleaning.words import word_count
from pipeline.prompts.conversation import ASSISTANT, USER, Conversation
from pipeline.prompts.golden import GOLDEN, TRAINING, Split, cutoff_of
from pipeline.prompts.logs.read import LogFault, plan_logs, read_logs
from pipeline.selection.overlap import exact_key, ngrams
from pipeline.selection.sample import (
    BENCHMARK_ITEMS,
    ChatSample,
    Plant,
    SampleChat,
    Shape,
    chat_sample,
)
from pipeline.selection.sample_logs import FILES, write_chat_sample
from pipeline.sources.sample_chats import ChatKind, written_chats

NAMES = sorted(FILES.values())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ChatSample]:
    folder = tmp_path_factory.mktemp("sample") / "chats"
    return folder, write_chat_sample(folder)


@pytest.fixture(scope="module")
def read(written: tuple[Path, ChatSample]) -> list[Conversation | LogFault]:
    return [one for part in plan_logs([written[0]]) for one in read_logs(part)]


def of(sample: ChatSample, *plants: Plant) -> list[SampleChat]:
    return [one for one in sample.chats if one.plant in plants]


def sides(sample: ChatSample) -> dict[str, str]:
    """As the packaged recipe has them."""
    times = [one.time.strftime("%Y-%m-%dT%H:%M:%SZ") for one in sample.chats]
    split = Split(tiers=("plus", "pro"), after=cutoff_of(times, 0.2))
    return {
        one.id: split.side(one.user.id, one.user.tier, time)
        for one, time in zip(sample.chats, times, strict=True)
    }


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["sample", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


# --- what was written ------------------------------------------------------------------------


def test_prompts_are_many_varied_and_distinct() -> None:
    chats = [one for one in written_chats() if one.kind is ChatKind.WRITTEN]
    prompts = [one.turns[0] for one in chats]
    assert len({exact_key(prompt) for prompt in prompts}) == len(prompts) >= 300
    intents = Counter(one.intent for one in chats)
    shares = {intent: count / len(chats) for intent, count in intents.items()}
    assert 0.5 < shares["asking"] < 0.62
    assert 0.28 < shares["doing"] < 0.38
    assert 0.07 < shares["expressing"] < 0.13
    others = Counter(one.language for one in chats if one.language != "en")
    assert others.keys() == {"de", "fr", "es", "zh"}
    assert sum(others.values()) == 12
    lengths = sorted(map(word_count, prompts))
    assert lengths[0] <= 4
    assert 100 < lengths[-1] <= 250
    assert any("Traceback" in prompt for prompt in prompts)
    assert sum("```" in prompt for prompt in prompts) >= 5
    assert sum(one.detailed for one in chats) >= 50
    assert any(len(one.turns) > 2 for one in chats)
    assert all(turn.strip() == turn != "" for one in chats for turn in one.turns)


def test_the_file_is_small_and_readable() -> None:
    file = resources.files("pipeline.sources") / "shipped" / "chats.jsonl"
    data = file.read_bytes()
    assert len(data) < 250_000
    assert b"\\u" not in data
    assert "sk-" not in data.decode("utf-8"), "a key written out would alarm scanners"


# --- the log ---------------------------------------------------------------------------------


def test_counts_and_rates(written: tuple[Path, ChatSample]) -> None:
    _, sample = written
    total = len(sample.chats)
    assert 380 <= total <= 420
    assert len({one.id for one in sample.chats}) == total
    assert len({user.id for user in sample.users}) == len(sample.users) == 60
    assert {user.tier for user in sample.users} == {"free", "plus", "pro"}
    times = [one.time for one in sample.chats]
    assert times == sorted(times)
    assert len({(time.year, time.month) for time in times}) == 12
    assert {one.user.shape for one in sample.chats} == set(Shape)
    share = {plant: len(of(sample, plant)) / total for plant in Plant}
    assert share[Plant.SHORT] == pytest.approx(0.059, abs=0.002)
    assert share[Plant.COPY] + share[Plant.NEAR_COPY] == pytest.approx(0.125, abs=0.002)
    assert share[Plant.RESIDUE] == pytest.approx(0.022, abs=0.002)
    counts = Counter(one.plant for one in sample.chats)
    assert (counts[Plant.JAILBREAK], counts[Plant.TEMPLATE]) == (3, 1)
    assert (counts[Plant.OVERLAP], counts[Plant.BENCHMARK], counts[Plant.PERSONAL]) == (3, 3, 8)


def test_copies_are_copies(written: tuple[Path, ChatSample]) -> None:
    _, sample = written
    by_id = {one.id: one for one in sample.chats}
    for one in of(sample, Plant.COPY):
        assert one.turns[0] == by_id[one.of].turns[0]
    for one in of(sample, Plant.NEAR_COPY):
        mine, original = one.turns[0].split(" "), by_id[one.of].turns[0].split(" ")
        assert sum(a != b for a, b in zip(mine, original, strict=True)) == 1
    assert all(word_count(one.turns[0]) < 3 for one in of(sample, Plant.SHORT))


def test_dirt_is_of_the_kind_that_it_is_said_to_be(written: tuple[Path, ChatSample]) -> None:
    _, sample = written
    for one in of(sample, Plant.PERSONAL):
        assert [found.kind for found in find_pii(one.turns[0])] == [one.detail]
    assert {one.detail for one in of(sample, Plant.PERSONAL)} == {
        "email",
        "phone",
        "ipv4",
        "ai_key",
    }
    for one in sample.chats:
        if one.plant is not Plant.PERSONAL:
            assert not any(find_pii(turn) for turn in one.turns), one.turns[0]
    cleaned = [clean_turn(one.turns[0], USER).removed for one in of(sample, Plant.RESIDUE)]
    assert {name for removed in cleaned for name in removed} == {"button", "copy_code", "pager"}
    [template] = of(sample, Plant.TEMPLATE)
    assert clean_turn(template.turns[0], USER).removed == {"aiprm": 1}
    questions = {leak.item.id: leak.item.question for leak in shipped_leaks()}
    pasted = {one.detail: one.turns[0] for one in of(sample, Plant.BENCHMARK)}
    assert pasted == {name: questions[name] for name in BENCHMARK_ITEMS}


def test_what_is_looked_for_in_training_is_there(written: tuple[Path, ChatSample]) -> None:
    _, sample = written
    by_id, side = {one.id: one for one in sample.chats}, sides(sample)
    planted = (Plant.PERSONAL, Plant.JAILBREAK, Plant.TEMPLATE, Plant.OVERLAP, Plant.BENCHMARK)
    assert {side[one.id] for one in of(sample, *planted)} == {TRAINING}
    assert sum(one == GOLDEN for one in side.values()) >= 30
    overlap = {one.detail: one for one in of(sample, Plant.OVERLAP)}
    assert overlap.keys() == {"same", "quotes", "reworded"}
    runs = {}
    for name, one in overlap.items():
        assert side[one.of] == GOLDEN
        original = by_id[one.of].turns[0]
        assert one.turns[0] != original
        assert (exact_key(one.turns[0]) == exact_key(original)) is (name == "same")
        runs[name] = set(ngrams(one.turns[0])) & set(ngrams(original))
    assert runs["quotes"]
    assert not runs["reworded"]


# --- files -----------------------------------------------------------------------------------


def test_the_reader_finds_every_conversation_and_both_damages(
    written: tuple[Path, ChatSample], read: list[Conversation | LogFault]
) -> None:
    _, sample = written
    faults = [one for one in read if isinstance(one, LogFault)]
    assert sorted(one.reason for one in faults) == ["table.compression", "table.json"]
    assert sum(one.lost for one in faults) == 2
    found = {one.id: one for one in read if isinstance(one, Conversation)}
    assert found.keys() == {one.id for one in sample.chats}
    anonymous = 0
    for one in sample.chats:
        talk = found[one.id]
        assert talk.time == one.time.strftime("%Y-%m-%dT%H:%M:%SZ")
        said = [turn for turn in talk.turns if turn.role in (USER, ASSISTANT)]
        assert [turn.text for turn in said] == list(one.turns)
        assert [turn.role for turn in said] == [
            (USER, ASSISTANT)[at % 2] for at in range(len(said))
        ]
        if talk.user:
            assert (talk.user, talk.tier) == (one.user.id, one.user.tier)
        else:
            anonymous += 1
            assert not one.user.evaluates
    assert 0 < anonymous < 20
    jailbreaks = {one.id for one in of(sample, Plant.JAILBREAK)}
    talks = list(found.values())
    unsafe = {talk.id for talk, tags in zip(talks, safety_of(talks), strict=True) if tags.kinds}
    assert jailbreaks <= unsafe
    assert unsafe - jailbreaks <= {one.id for one in of(sample, Plant.TEMPLATE)}


def test_writing_twice_gives_the_same_bytes(
    written: tuple[Path, ChatSample], tmp_path: Path
) -> None:
    folder, sample = written
    other = tmp_path / "elsewhere" / "deeper"
    other.mkdir(parents=True)
    (other / "messages.jsonl").write_text("an older and longer file\n" * 100_000)
    assert write_chat_sample(other) == sample == chat_sample()
    assert sorted(path.name for path in other.iterdir()) == NAMES
    for name in NAMES:
        assert (other / name).read_bytes() == (folder / name).read_bytes(), name


def test_files_have_their_shapes(written: tuple[Path, ChatSample]) -> None:
    folder, _ = written
    shared = json.loads((folder / "sharegpt.json").read_text(encoding="utf-8"))
    assert all({"from", "value"} == set(turn) for row in shared for turn in row["conversations"])
    with pytest.raises(EOFError), gzip.open(folder / "wildchat.jsonl.gz") as file:
        file.read()
    lines = (folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    broken = [line for line in lines if not line.endswith("}")]
    assert len(broken) == 1


def test_it_is_made_without_the_packages_of_a_selection() -> None:
    code = (
        "import sys\n"
        "from pipeline.selection.sample_logs import chat_sample\n"
        "chat_sample()\n"
        "assert not {'torch', 'faiss', 'sentence_transformers', 'ray'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the command -----------------------------------------------------------------------------


def test_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("chats") == 0
    assert sorted(path.name for path in Path("chats").iterdir()) == NAMES
    assert call("chats", "--out", "out/here") == 0
    assert sorted(path.name for path in Path("out/here").iterdir()) == NAMES
    said = capsys.readouterr().out
    assert "the file is cut off" in said
    assert "one line is broken" in said


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="give another folder with --out"):
        write_chat_sample(tmp_path / "file" / "chats")
    assert call("chats", "--out", str(tmp_path / "file" / "chats")) == 1

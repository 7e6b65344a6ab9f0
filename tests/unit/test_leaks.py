"""`leaks`: labelled pairs and groups of any state, the account of their rows, and the shipped ones."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from audits.findings import Kind
from audits.leaks.labelled import SELF_TEST, Leak, Leaks, read_leaks, shipped_leaks
from pipeline.core.errors import ConfigError, SourceError

PAIR: dict[str, Any] = {
    "benchmark": "quiz",
    "item_id": "7",
    "item_text": "How many legs do eight spiders have?",
    "variant_text": "Eight spiders, how many legs is that?",
    "kind": "rephrase",
    "subkind": "by-hand:easy",
    "lang": "en",
    "item_options": None,
    "item_answer": "64",
    "note": "",
}
GROUP: dict[str, Any] = {
    "group": "riddle-001",
    "trade": "riddle",
    "question": "What has a neck and no head?",
    "choices": ["a bottle", "a goose"],
    "answer": "a bottle",
    "solution": None,
    "passage": None,
    "paraphrases": ["Headless, yet with a neck: what is it?", "free", "casual"],
    "altered": ["What has a head and no neck?"],
    "same_topic": ["What has teeth and no mouth?", "What has hands and no arms?"],
    "explained": ["Bottles have necks."],
    "explained_other": ["Combs have teeth."],
    "inline": "At supper my aunt asked what it is that has a neck though no head. Nobody knew.",
}


def read(tmp_path: Path, *rows: Any, name: str = "leaks.jsonl") -> Leaks:
    path = tmp_path / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_leaks(path)


def pair(**changes: Any) -> dict[str, Any]:
    return {**PAIR, **changes}


# --- pairs -------------------------------------------------------------------------------------


def test_a_pair(tmp_path: Path) -> None:
    found = read(tmp_path, PAIR)
    (leak,) = found
    assert (leak.item.benchmark, leak.item.id, leak.item.answer) == ("quiz", "7", "64")
    assert leak.item.question == PAIR["item_text"]
    assert (leak.text, leak.kind, leak.form) == (
        PAIR["variant_text"],
        Kind.PARAPHRASE,
        "by-hand",
    )
    assert (found.rows, found.used, dict(found.left_out), found.faults) == (1, 1, {}, ())


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ("rephrase", Kind.PARAPHRASE),
        ("translation", Kind.TRANSLATION),
        ("altered", Kind.ALTERED),
        ("answer-explained", Kind.ANSWER_EXPLAINED),
        ("unrelated-hard-negative", Kind.SAME_TOPIC),
        ("same-topic", Kind.SAME_TOPIC),
        ("near-verbatim", Kind.NEAR_VERBATIM),
    ],
)
def test_kinds(tmp_path: Path, named: str, kind: Kind) -> None:
    (leak,) = read(tmp_path, pair(kind=named, subkind=None))
    assert (leak.kind, leak.form) == (kind, kind.value)


def test_a_letter_stands_for_an_option(tmp_path: Path) -> None:
    options = ["six", "eight", "B or C"]
    answers = {"B": "eight", "c": "B or C", "eight": "eight", "Z": "Z"}
    rows = [
        pair(item_id=str(at), item_options=options, item_answer=one)
        for at, one in enumerate(answers)
    ]
    assert [leak.item.answer for leak in read(tmp_path, *rows)] == list(answers.values())
    (leak,) = read(tmp_path, pair(item_options=["A", "B"], item_answer="A"))
    assert leak.item.answer == "A"


def test_rows_of_one_item_share_what_they_know_of_it(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        pair(item_options=None, item_answer=None),
        pair(kind="altered", item_options=["32", "64"], item_answer="B"),
        pair(kind="translation", lang="de"),
    )
    assert len({leak.item for leak in found}) == 1
    assert found.leaks[0].item.choices == ("32", "64")
    assert found.leaks[0].item.answer == "64"
    assert [leak.language for leak in found] == ["en", "en", "de"]
    assert found.leaks[0].item.language == "en"


def test_more_text_behind_an_item_is_its_solution(tmp_path: Path) -> None:
    task = 'def legs():\n    """Of eight spiders."""'
    found = read(
        tmp_path,
        pair(item_text=f"\n{task}\n    return 64", lang="py"),
        pair(item_text=f"{task}\n", kind="unrelated-hard-negative"),
    )
    assert {(leak.item.question, leak.item.solution) for leak in found} == {
        (task, "\n    return 64")
    }
    assert {leak.item.language for leak in found} == {"py"}


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        PAIR,
        pair(variant_text=""),
        pair(variant_text=" \n"),
        pair(variant_text=None),
        pair(note="suspected-true-duplicate"),
        pair(note="suspected-true-duplicate (8-grams .61)"),
    )
    assert len(found) == 1
    assert found.left_out == {"empty variant": 3, "suspected true duplicate": 2}
    assert found.rows == found.used + sum(found.left_out.values()) + len(found.faults)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{broken", "Expecting property name"),
        ("[1, 2]", "an array where an object belongs"),
        (pair(kind="rephrased"), "no kind is called 'rephrased'; did you mean 'rephrase'?"),
        (pair(kind=None), "has no kind"),
        (pair(item_text="  "), "has no item_text"),
        ({**PAIR, "item_id": None}, "has no item_id"),
        (pair(item_text="Another question altogether?"), "not that of the other rows of 'quiz 7'"),
        (pair(variant_text=["a"]), "its variant_text is no text"),
        (pair(item_options=[1, 2]), "its item_options are no texts"),
        (pair(item_options={"A": "x"}), "its item_options are no texts"),
        ({**GROUP, "question": ""}, "has no question"),
        ({**GROUP, "altered": [None]}, "its altered are no texts"),
    ],
)
def test_a_row_that_cannot_be_used_costs_that_row(tmp_path: Path, row: Any, reason: str) -> None:
    found = read(tmp_path, PAIR, row)
    assert len(found) == 1
    (fault,) = found.faults
    assert "leaks.jsonl at byte " in fault
    assert reason in fault
    assert found.rows == found.used + sum(found.left_out.values()) + len(found.faults)


def test_a_wrongly_named_column_is_named(tmp_path: Path) -> None:
    row = {"itemtext" if name == "item_text" else name: value for name, value in PAIR.items()}
    (fault,) = read(tmp_path, PAIR, row).faults
    assert "has no item_text; did you mean 'itemtext'?" in fault


def test_hostile_text_is_printable_in_messages(tmp_path: Path) -> None:
    (fault,) = read(tmp_path, PAIR, pair(kind="re\x1b[31mphrase")).faults
    assert "\x1b" not in fault


def test_numbers_are_texts_too(tmp_path: Path) -> None:
    (leak,) = read(tmp_path, pair(item_id=7, item_answer=64))
    assert (leak.item.id, leak.item.answer) == ("7", "64")


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none of its 2 rows is a labelled leak; the first: .*kind"
    ):
        read(tmp_path, pair(kind="x"), pair(variant_text=""))
    with pytest.raises(ConfigError, match="none of its 0 rows"):
        read(tmp_path)
    with pytest.raises(SourceError):
        read_leaks(tmp_path / "absent.jsonl")


# --- groups ------------------------------------------------------------------------------------


def test_a_group_is_an_item_with_its_variants(tmp_path: Path) -> None:
    found = read(tmp_path, GROUP)
    item = found.leaks[0].item
    assert (item.benchmark, item.id, item.subject) == (SELF_TEST, "riddle-001", "riddle")
    assert (item.choices, item.answer) == (("a bottle", "a goose"), "a bottle")
    assert (item.solution, item.passage, item.language) == ("", "", "en")
    assert Counter((leak.kind.value, leak.form) for leak in found) == {
        ("paraphrase", "light"): 1,
        ("paraphrase", "free"): 1,
        ("paraphrase", "casual"): 1,
        ("paraphrase", "inline"): 1,
        ("altered", "written"): 1,
        ("answer-explained", "written"): 1,
        ("same-topic", "question"): 2,
        ("same-topic", "explained"): 1,
    }
    assert {leak.item for leak in found} == {item}
    assert (found.rows, found.used) == (1, 1)


def test_groups_and_pairs_may_be_mixed(tmp_path: Path) -> None:
    code = {**GROUP, "group": "code-task-001", "trade": "code-task"}
    found = read(tmp_path, PAIR, GROUP, code)
    assert found.used == 3
    assert {leak.item.language for leak in found} == {"en", "py"}


def test_a_group_of_another_name_or_without_variants(tmp_path: Path) -> None:
    bare = {"group": "riddle-002", "question": "What runs and has no feet?"}
    found = read(tmp_path, GROUP, GROUP, bare)
    assert (found.used, dict(found.left_out)) == (1, {"empty variant": 1})
    (fault,) = found.faults
    assert "there is another group 'riddle-001'" in fault


# --- what comes with the project -----------------------------------------------------------------


def test_shipped_leaks_have_every_kind_a_self_test_needs() -> None:
    found = shipped_leaks()
    assert (found.faults, dict(found.left_out)) == ((), {})
    counts = Counter(leak.kind for leak in found)
    assert set(counts) == {
        Kind.PARAPHRASE,
        Kind.ALTERED,
        Kind.ANSWER_EXPLAINED,
        Kind.SAME_TOPIC,
    }
    assert min(counts.values()) >= 50
    assert len({leak.item.subject for leak in found}) == 14
    assert all(leak.text.strip() and leak.item.question.strip() for leak in found)


def _texts(leaks: Leaks) -> dict[str, set[str]]:
    by_item: dict[str, set[str]] = {}
    for leak in leaks:
        by_item.setdefault(leak.item.id, {leak.item.question}).add(leak.text)
    return by_item


def _check(leak: Leak) -> None:
    item = leak.item
    if item.choices:
        assert item.answer in item.choices, item.id
    assert leak.text != item.question, item.id


def test_shipped_and_training_leaks_share_no_item_and_no_text(repository: Path) -> None:
    folder = repository / "benchmarks" / "leak_groups"
    if not folder.is_dir():
        pytest.skip("the leak groups are not here: they come with the source distribution only")
    shipped, training = shipped_leaks(), read_leaks(folder)
    assert (training.faults, dict(training.left_out)) == ((), {})
    ours, theirs = _texts(shipped), _texts(training)
    assert not ours.keys() & theirs.keys()
    assert not set().union(*ours.values()) & set().union(*theirs.values())
    assert 0.25 < len(ours) / (len(ours) + len(theirs)) < 0.42
    for leak in [*shipped, *training]:
        _check(leak)


def test_the_shared_pairs(shared_data: Path) -> None:
    folder = shared_data / "benchmarks" / "pairs_dev"
    if not folder.is_dir():
        pytest.skip(f"labelled pairs are not here: {folder}")
    found = read_leaks(folder)
    assert found.rows == found.used + sum(found.left_out.values()) + len(found.faults)
    assert found.faults == ()
    assert found.left_out["suspected true duplicate"] == 19
    counts = Counter(leak.kind for leak in found)
    assert counts[Kind.PARAPHRASE] > 1000
    assert counts[Kind.TRANSLATION] > 1000
    assert {leak.item.language for leak in found} == {"en", "py"}
    mmlu = {leak.item for leak in found if leak.item.benchmark == "mmlu" and leak.item.choices}
    assert mmlu
    assert all(item.answer in item.choices for item in mmlu)

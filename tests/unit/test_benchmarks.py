"""`load_benchmark`: rows of every kind of file to items, and what becomes of those that are none."""

from __future__ import annotations

import csv
import gzip
import json
import sys
import types
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.benchmarks.load import FOLDER_VARIABLE, benchmark_folder, digest, load_benchmark
from audits.items import Benchmark, Item
from pipeline.core.errors import ConfigError, SourceError

HEAD = "name: quiz\n"
ROWS: list[dict[str, Any]] = [
    {"q": "What is one and one?", "a": "two", "n": 1},
    {"q": "What is two and two?", "a": "four", "n": 2},
]


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)


def define(folder: Path, text: str) -> None:
    (folder / "quiz.yaml").write_text(HEAD + text, encoding="utf-8")


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def load(folder: Path, name: str = "quiz") -> Benchmark:
    return load_benchmark(name, folder=folder, offline=True)


def made(folder: Path, text: str, rows: list[Any]) -> Benchmark:
    """The benchmark of these rows under the definition ``text``."""
    define(folder, text)
    write(folder / "quiz" / "test.jsonl", lines(rows))
    return load(folder)


# --- items -----------------------------------------------------------------------------------


def test_every_part_of_an_item(tmp_path: Path) -> None:
    text = """\
question: "{intro}\\n{q}"
choices: [x, y]
answer: {choice: right}
solution: {field: s, before: "#"}
passage: p
subject: {field: s, after: "#"}
id: {field: key, after: /}
language: "{lang}"
public_passage: true
"""
    row = {"intro": "Think.", "q": "Which?", "x": "one ", "y": 2.0, "right": "B"}
    more = {"s": "because # maths", "p": "A text.", "key": "Quiz/7", "lang": "de"}
    found = made(tmp_path, text, [row | more])
    assert found.items == (
        Item(
            benchmark="quiz",
            id="7",
            question="Think.\nWhich?",
            choices=("one", "2"),
            answer="2",
            solution="because",
            passage="A text.",
            subject="maths",
            language="de",
        ),
    )
    assert found.public_passage
    assert (found.name, found.revision, found.faults) == ("quiz", "", ())


def test_rows_are_numbered_in_the_split_and_in_their_subject(tmp_path: Path) -> None:
    rows = [{"q": f"Question {n}?", "s": s} for n, s in enumerate("abba")]
    assert [item.id for item in made(tmp_path, "question: q\n", rows).items] == ["0", "1", "2", "3"]
    text = 'question: q\nsubject: s\nid: "{$subject}/{$position}"\n'
    ids = [item.id for item in made(tmp_path, text, rows).items]
    assert ids == ["a/0", "b/0", "b/1", "a/1"]


def test_a_bad_row_does_not_move_the_numbers_of_others(tmp_path: Path) -> None:
    define(tmp_path, "question: q\n")
    write(tmp_path / "quiz/test.jsonl", lines(ROWS[:1]) + "{broken\n" + lines(ROWS[1:]))
    found = load(tmp_path)
    assert [item.id for item in found.items] == ["0", "2"]
    assert len(found.faults) == 1
    assert "test.jsonl row 1: " in found.faults[0]


def test_hidden_answers_are_empty(tmp_path: Path) -> None:
    rows = [{"q": "Q one?", "c": ["x", "y"], "a": said} for said in ("", -1, None, 1)]
    found = made(tmp_path, "question: q\nchoices: c\nanswer: {choice: a}\n", rows)
    assert [item.answer for item in found.items] == ["", "", "", "y"]


def test_empty_choices_do_not_move_the_answer(tmp_path: Path) -> None:
    row = {"q": "Which?", "A": "x", "B": "", "C": "z", "a": "C"}
    found = made(tmp_path, "question: q\nchoices: [A, B, C, D]\nanswer: {choice: a}\n", [
        row, {**row, "D": "w"},
    ])  # fmt: skip
    assert [item.choices for item in found.items] == [("x", "z"), ("x", "z", "w")]
    assert [item.answer for item in found.items] == ["z", "z"]


def test_surrogates_are_mended(tmp_path: Path) -> None:
    define(tmp_path, "question: q\n")
    write(tmp_path / "quiz/test.json", '[{"q": "lone \\ud800 one"}]')
    assert load(tmp_path).items[0].question.encode()


def test_the_digest_is_of_the_items(tmp_path: Path) -> None:
    found = made(tmp_path, "question: q\nanswer: a\n", ROWS)
    assert found.sha256 == digest(found.items)
    assert len(found.sha256) == 64
    define(tmp_path, "question: q\n")
    assert load(tmp_path).sha256 != found.sha256
    write(tmp_path / "quiz/test.jsonl", lines([{**row, "other": 1} for row in ROWS]))
    define(tmp_path, "question: q\nanswer: a\n")
    assert load(tmp_path).sha256 == found.sha256


# --- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"q": "  ", "a": "x"}, "has no text: question, choices and passage are empty"),
        ({"q": None}, "has no text"),
        ({"a": "x"}, "no field 'q'"),
        ({"Q": "x"}, "no field 'q'"),
        ({"q": {"stem": "x"}}, "a map in 'q' where text belongs; name one of its keys: stem"),
        ({"q": "x", "id": ""}, "has no id"),
        ({"q": "x", "id": "7"}, "its id '7' is taken by"),
        ({"q": "x", "id": "8", "c": ["y"], "r": 4}, "the answer '4' is none of the 1 choices"),
        ({"q": "x", "id": "8", "c": [{"y": 1}], "r": 0}, "a map where text belongs"),
        ([1], "an array where an object belongs"),
    ],
)
def test_a_row_that_is_no_item_is_a_fault(tmp_path: Path, row: Any, said: str) -> None:
    good = {"q": "A good one?", "id": "7", "c": ["x", "y"], "r": 0}
    text = "question: q\nid: id\nchoices: c\nanswer: {choice: r}\n"
    bad = {"id": "9", **row} if isinstance(row, dict) else row
    found = made(tmp_path, text, [good, bad])
    assert [item.id for item in found.items] == ["7"]
    assert len(found.faults) == 1
    assert found.faults[0].startswith(f"{tmp_path}/quiz/test.jsonl row 1: ")
    assert said in found.faults[0]


def test_the_first_of_two_rows_with_one_id_stays(tmp_path: Path) -> None:
    rows = [{"q": "First?", "id": 1}, {"q": "Second?", "id": "1"}]
    found = made(tmp_path, "question: q\nid: id\n", rows)
    assert [item.question for item in found.items] == ["First?"]
    assert "row 1: its id '1' is taken by" in found.faults[0]
    assert "row 0" in found.faults[0]
    assert "leave 'id' out" in found.faults[0]


def test_choices_without_a_question_are_a_text(tmp_path: Path) -> None:
    found = made(tmp_path, "question: q\nchoices: c\n", [{"q": "", "c": ["x", "y"]}])
    assert len(found.items) == 1


def test_rows_none_of_which_fits_name_the_fields_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        made(tmp_path, "question: qestion\n", [{"question": "x"}, {"answer": "y"}])
    said = str(caught.value)
    assert "quiz.yaml:2: question: no row of " in said
    assert "has the field 'qestion'; did you mean 'question'?" in said
    assert said.endswith("fields there are: question, answer")


def test_rows_none_of_which_can_be_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        made(tmp_path, "question: q\n", [{"q": "", "x": 1}, {"q": None}])
    said = str(caught.value)
    assert "none of its 2 rows can be used; the first: " in said
    assert "row 0: has no text" in said
    assert "Fields there are: q, x" in said


def test_a_field_that_some_rows_lack_is_empty_there(tmp_path: Path) -> None:
    found = made(tmp_path, "question: q\nsolution: s\n", [*ROWS, {"q": "Why so?", "s": "So."}])
    assert [item.solution for item in found.items] == ["", "", "So."]
    with pytest.raises(ConfigError, match=r"quiz.yaml:3: solution: no row of .* the field 's'"):
        made(tmp_path, "question: q\nsolution: s\n", ROWS)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_no_row_at_all(tmp_path: Path, content: str) -> None:
    define(tmp_path, "question: q\n")
    write(tmp_path / "quiz/test.jsonl", content)
    with pytest.raises(ConfigError, match=r"there is no row in it. Fields there are: none"):
        load(tmp_path)


def test_faults_do_not_act_on_a_terminal(tmp_path: Path) -> None:
    found = made(tmp_path, "question: q\nid: i\n", [{"q": "x", "i": "\x1b[2J"}] * 2)
    assert "\x1b" not in found.faults[0]


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("test.jsonl", "test.jsonl.gz", "test.jsonl.zst", "test.json", "test.json.gz"),
        *("test.csv", "test.tsv", "test.csv.gz", "test.parquet", "test-00000-of-00001.parquet"),
        *(
            "main/test-00000-of-00001.parquet",
            "main/test.jsonl",
            "data/test-00000-of-00001.parquet",
        ),
    ],
)
def test_formats_and_the_hubs_usual_names(tmp_path: Path, name: str) -> None:
    define(tmp_path, "question: q\nanswer: a\nid: n\nhub: {id: us/quiz, config: main}\n")
    store(tmp_path / "quiz" / name)
    found = load(tmp_path)
    assert [(item.question, item.answer, item.id) for item in found.items] == [
        ("What is one and one?", "two", "1"),
        ("What is two and two?", "four", "2"),
    ]
    assert found.source == str(tmp_path / "quiz" / name)


def store(path: Path, rows: list[dict[str, Any]] = ROWS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    if plain.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return
    if plain.suffix in (".csv", ".tsv"):
        with plain.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file, delimiter="\t" if plain.suffix == ".tsv" else ",")
            writer.writerows([list(rows[0]), *(row.values() for row in rows)])
    else:
        write(plain, lines(rows) if plain.suffix == ".jsonl" else json.dumps(rows))
    if path != plain:
        packed = pa.compress(plain.read_bytes(), "zstd", asbytes=True)
        path.write_bytes(gzip.compress(plain.read_bytes()) if path.suffix == ".gz" else packed)
        plain.unlink()


def test_parts_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    define(tmp_path, "question: q\nfiles: part-*.jsonl\n")
    for part in (10, 2, 1):
        write(tmp_path / f"quiz/part-{part}.jsonl", lines([{"q": f"Part {part}?"}]))
    assert [item.question for item in load(tmp_path).items] == ["Part 1?", "Part 2?", "Part 10?"]


def test_json_lines_by_the_name_of_json(tmp_path: Path) -> None:
    define(tmp_path, "question: q\n")
    write(tmp_path / "quiz/test.json", lines(ROWS) + "[1]\n")
    found = load(tmp_path)
    assert len(found.items) == 2
    assert "an array where an object belongs" in found.faults[0]


def test_a_file_may_hold_one_row(tmp_path: Path) -> None:
    define(tmp_path, 'question: q\nfiles: "{split}/*/*.json"\nid: "{$file}"\n')
    for name in ("b/10", "b/9", "a/1"):
        write(tmp_path / f"quiz/test/{name}.json", json.dumps({"q": f"What is {name}?"}))
    assert [item.id for item in load(tmp_path).items] == ["1", "9", "10"]


def test_nested_rows_have_the_fields_around_them(tmp_path: Path) -> None:
    text = "question: q\npassage: context\nsubject: title\nid: id\nrows: data.*.paragraphs.*.qas\n"
    define(tmp_path, text)
    asked = [{"id": n, "q": f"Question {n}?"} for n in "abc"]
    paragraphs = [{"context": "One.", "qas": asked[:2]}, {"context": "Two.", "qas": asked[2:]}]
    broken = {"title": "U", "paragraphs": [{"context": "Three.", "qs": []}]}
    value = {"data": [{"title": "T", "paragraphs": paragraphs}, broken]}
    write(tmp_path / "quiz/test.json", json.dumps(value))
    found = load(tmp_path)
    assert [(item.id, item.passage, item.subject) for item in found.items] == [
        ("a", "One.", "T"),
        ("b", "One.", "T"),
        ("c", "Two.", "T"),
    ]
    assert "row 3: no field 'qas', which 'rows' names; did you mean 'qs'?" in found.faults[0]


def test_a_table_without_a_header(tmp_path: Path) -> None:
    define(tmp_path, "question: q\nanswer: a\ncolumns: [q, a]\n")
    write(tmp_path / "quiz/test.tsv", 'Who said "no"?\tI\n"Yes" said who?\tyou\nmore\tthan\ttwo\n')
    found = load(tmp_path)
    assert [(item.question, item.answer) for item in found.items] == [
        ('Who said "no"?', "I"),
        ('"Yes" said who?', "you"),
    ]
    assert "row 2: 3 fields where there are 2 columns" in found.faults[0]


def test_long_fields_and_quoted_breaks(tmp_path: Path) -> None:
    define(tmp_path, "question: q\n")
    write(tmp_path / "quiz/test.csv", f'q,a\n"two\nlines ""and"" quotes",{"x" * 200_000}\n')
    assert load(tmp_path).items[0].question == 'two\nlines "and" quotes'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("test.json", "{", "test.json:1: not JSON"),
        ("test.json", "[" * 100_000, "nested too deeply"),
        ("test.json", b'{"q": "\xff"}', "no UTF-8"),
        ("test.csv", 'q\n"a"b\n', "not CSV"),
        ("test.csv", "q,q\na,b\n", "more than one column is called 'q'"),
        ("test.json.gz", b"no gzip", "cannot be read"),
        ("test.jsonl.gz", b"no gzip", "is not what its ending says"),
        ("test.parquet", b"PAR1 broken", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    define(tmp_path, "question: q\n")
    write(tmp_path / "quiz" / name, content)
    with pytest.raises(SourceError, match=said):
        load(tmp_path)


# --- rows that are options -------------------------------------------------------------------

GROUPED = "question: q\ngroup: {by: n, choice: text, correct: right}\n"


def option(number: int, text: str, right: object, question: str = "") -> dict[str, Any]:
    return {"n": number, "q": question or f"Question {number}?", "text": text, "right": right}


def test_rows_of_one_group_are_an_item(tmp_path: Path) -> None:
    rows = [option(5, "x", False), option(5, "y", True), option(6, "z", "true"), option(5, "w", 0)]
    found = made(tmp_path, GROUPED, rows)
    assert [(item.id, item.choices, item.answer) for item in found.items] == [
        ("0", ("x", "y", "w"), "y"),
        ("1", ("z",), "z"),
    ]


def test_rows_that_do_not_fit_their_group(tmp_path: Path) -> None:
    rows = [option(1, "x", True), option(1, "y", False, "Another?"), option(2, "z", "perhaps")]
    found = made(tmp_path, GROUPED, [*rows, {"n": 3}])
    assert [item.choices for item in found.items] == [("x",)]
    assert [fault.partition(": ")[2] for fault in found.faults] == [
        "its question is not that of the other rows of '1'",
        "'perhaps' where it should say true or false",
        "no field 'text'",
    ]


def test_subjects_by_number_keep_positions_though_rows_are_lost(tmp_path: Path) -> None:
    text = GROUPED + 'id: "{$subject}/{$position}"\nsubject: {field: n, from: {a: 0, b: 3}}\n'
    rows = [option(number, "x", True) for number in (0, 2, 3, 9)]
    ids = [item.id for item in made(tmp_path, text, rows).items]
    assert ids == ["a/0", "a/2", "b/0", "b/6"]


# --- splits ----------------------------------------------------------------------------------


def test_a_split_is_asked_for_by_name(tmp_path: Path) -> None:
    define(tmp_path, "question: q\nsplits: [test, train]\n")
    write(tmp_path / "quiz/test.jsonl", lines(ROWS))
    write(tmp_path / "quiz/train.jsonl", lines([{"q": "A third?"}]))
    assert [load(tmp_path, name).name for name in ("quiz", "quiz:test")] == ["quiz", "quiz"]
    found = load(tmp_path, "quiz:train")
    assert found.name == "quiz:train"
    assert [(item.benchmark, item.question) for item in found.items] == [("quiz:train", "A third?")]
    with pytest.raises(ConfigError, match="no split 'dev'"):
        load(tmp_path, "quiz:dev")


def test_the_language_is_a_split(tmp_path: Path) -> None:
    define(tmp_path, 'question: q\nsplits: [en, de]\nlanguage: $split\nfiles: "q_{split}.jsonl"\n')
    for code in ("en", "de"):
        write(tmp_path / f"quiz/q_{code}.jsonl", lines(ROWS))
    assert load(tmp_path).items[0].language == "en"
    assert load(tmp_path, "quiz:de").items[0].language == "de"


def test_rows_say_which_split_they_are_of(tmp_path: Path) -> None:
    text = "question: q\nsplits: [all, a, b]\nfiles: every.jsonl\nsplit_of: s\n"
    define(tmp_path, text)
    write(tmp_path / "quiz/every.jsonl", lines([{**ROWS[0], "s": s} for s in "aab"]))
    counts = [len(load(tmp_path, name).items) for name in ("quiz", "quiz:a", "quiz:b")]
    assert counts == [3, 2, 1]
    define(tmp_path, text.replace("b]", "b, c]"))
    with pytest.raises(ConfigError, match="none of its 3 rows is of the split 'c'"):
        load(tmp_path, "quiz:c")


def test_files_that_name_no_split_are_of_the_first(tmp_path: Path) -> None:
    define(tmp_path, "question: q\nsplits: [test, train]\nfiles: quiz.jsonl\n")
    write(tmp_path / "quiz/quiz.jsonl", lines(ROWS))
    assert len(load(tmp_path).items) == 2
    with pytest.raises(SourceError, match="quiz:train: not in"):
        load(tmp_path, "quiz:train")


def test_configurations_are_read_in_their_order_and_none_is_missing(tmp_path: Path) -> None:
    define(
        tmp_path,
        'question: q\nhub: {id: us/quiz, config: [b, a]}\nfiles: "{config}.jsonl"\n'
        'subject: $file\nid: "{$subject}/{$position}"\n',
    )
    write(tmp_path / "quiz/a.jsonl", lines(ROWS))
    with pytest.raises(SourceError, match="1 of the 2 parts of quiz are missing: b"):
        load(tmp_path)
    write(tmp_path / "quiz/b.jsonl", lines(ROWS))
    assert [item.id for item in load(tmp_path).items] == ["b/0", "b/1", "a/0", "a/1"]


# --- places ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gsm8k", "GSM-8K"])
def test_a_packaged_definition_finds_its_folder(tmp_path: Path, name: str) -> None:
    rows = [{"question": "How many?", "answer": "Count.\n#### 3"}]
    write(tmp_path / name / "test.jsonl", lines(rows))
    (item,) = load(tmp_path, "gsm8k").items
    assert (item.answer, item.solution) == ("3", "Count.")
    assert load(tmp_path / name, "gsm8k").items == (item,)


def test_the_hubs_name_is_a_folders_too(tmp_path: Path) -> None:
    row = {"id": "a", "question": "Why?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}}
    store(tmp_path / "ai2_arc/ARC-Easy/test-00000-of-00001.parquet", [{**row, "answerKey": "2"}])
    (item,) = load(tmp_path, "arc_easy").items
    assert (item.id, item.choices, item.answer) == ("a", ("x", "y"), "y")


def test_anyones_file_is_not_taken_for_a_benchmarks(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", lines([{"question": "How many?", "answer": "#### 3"}]))
    with pytest.raises(SourceError):
        load(tmp_path, "gsm8k")


def test_a_definition_by_path_lies_beside_its_files(tmp_path: Path) -> None:
    define(tmp_path, "question: q\nsplits: [test, train]\nfiles: 'my_{split}.jsonl'\n")
    write(tmp_path / "my_train.jsonl", lines(ROWS))
    path = tmp_path / "quiz.yaml"
    found = load_benchmark(f"{path}:train", offline=True)
    assert (found.name, len(found.items)) == ("quiz:train", 2)


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "question: q\n", ROWS)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert benchmark_folder() == tmp_path
    assert benchmark_folder(tmp_path / "other") == tmp_path / "other"
    assert len(load_benchmark("quiz", offline=True).items) == 2


def test_what_is_nowhere_names_both_places_and_the_mend(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        load(tmp_path, "gsm8k")
    said = str(caught.value)
    assert f"gsm8k: not in {tmp_path}" in said
    assert "the Hub (openai/gsm8k) is not asked when offline" in said
    assert "put its files into a folder gsm8k/" in said
    with pytest.raises(SourceError, match=rf"no folder of benchmarks is named.*{FOLDER_VARIABLE}"):
        load_benchmark("gsm8k", offline=True)
    define(tmp_path, "question: q\n")
    with pytest.raises(SourceError, match="names no data set of the Hub"):
        load(tmp_path)
    with pytest.raises(SourceError, match="no such folder of benchmarks"):
        load(tmp_path / "missing", "gsm8k")


# --- the Hub ---------------------------------------------------------------------------------


class _Hub:
    """In the place of the package ``datasets``."""

    def __init__(self, rows: dict[tuple[str | None, str], list[dict[str, Any]]]):
        self.rows = rows
        self.asked: list[tuple[str, str | None, str | None]] = []

    def load_dataset_builder(
        self, name: str, config: str | None, *, revision: str | None
    ) -> types.SimpleNamespace:
        self.asked.append((name, config, revision))

        def as_dataset(split: str) -> list[dict[str, Any]]:
            try:
                return self.rows[config, split]
            except KeyError:
                raise RuntimeError(f"no split {split}") from None

        return types.SimpleNamespace(
            download_and_prepare=lambda: None, as_dataset=as_dataset, hash="c0ffee"
        )


def hub(monkeypatch: pytest.MonkeyPatch, rows: Any) -> _Hub:
    found = _Hub(rows)
    monkeypatch.setitem(sys.modules, "datasets", found)  # type: ignore[arg-type]
    return found


def test_the_hub_is_asked_for_what_no_folder_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = hub(monkeypatch, {("main", "test"): [{"question": "How many?", "answer": "1 #### 1"}]})
    found = load_benchmark("gsm8k", folder=tmp_path)
    assert [item.answer for item in found.items] == ["1"]
    assert (found.revision, found.source) == ("c0ffee", "openai/gsm8k test")
    assert asked.asked == [("openai/gsm8k", "main", None)]


def test_the_first_form_is_the_hubs(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"question": "Which?", "subject": "anatomy", "choices": list("wxyz"), "answer": 2}
    hub(monkeypatch, {("all", "test"): [row, {**row, "question": "Who?"}]})
    found = load_benchmark("mmlu")
    assert [(item.id, item.answer) for item in found.items] == [
        ("anatomy/0", "y"),
        ("anatomy/1", "y"),
    ]


def test_languages_and_revisions_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(
        tmp_path,
        "question: q\nsplits: [en, de]\nlanguage: $split\nsubject: $file\n"
        "hub: {id: us/quiz, config: ['{split}.a', '{split}.b'], split: dev, revision: v1}\n",
    )
    asked = hub(monkeypatch, {("de.a", "dev"): ROWS, ("de.b", "dev"): ROWS})
    found = load_benchmark("quiz:de", folder=tmp_path)
    assert [(item.id, item.subject) for item in found.items] == [
        ("0", "de.a"),
        ("1", "de.a"),
        ("2", "de.b"),
        ("3", "de.b"),
    ]
    assert asked.asked == [("us/quiz", "de.a", "v1"), ("us/quiz", "de.b", "v1")]


def test_what_the_hub_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, {})
    with pytest.raises(SourceError) as caught:
        load_benchmark("gsm8k", folder=tmp_path)
    said = str(caught.value)
    assert f"not in {tmp_path}; nor from the Hub: openai/gsm8k main test: no split test" in said


def test_without_the_package_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"pip install 'gristmill\[audit\]'"):
        load_benchmark("gsm8k")

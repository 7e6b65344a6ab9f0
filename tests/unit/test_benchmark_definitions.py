"""Benchmark definitions: what they may say, and how their faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.benchmarks.definitions import Definition, known_definitions, load_definition
from audits.benchmarks.fields import Choice, FieldError, MissingField, Option, Value
from audits.benchmarks.fields import Path as Field
from pipeline.core.errors import ConfigError, RecipeError, RecipeErrors

SHIPPED = {
    *("arc_challenge", "arc_easy", "bbh", "gpqa", "gsm8k", "hellaswag", "humaneval", "ifeval"),
    *("math", "mbpp", "mgsm", "mmlu", "mt_bench", "squad", "svamp", "truthfulqa", "winogrande"),
    "xquad",
}


def define(folder: Path, text: str) -> Definition:
    path = folder / "quiz.yaml"
    path.write_text(text, encoding="utf-8")
    return load_definition(str(path))


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises((RecipeError, RecipeErrors)) as caught:
        define(folder, text)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


# --- files -----------------------------------------------------------------------------------


def test_the_shipped_definitions_can_be_loaded() -> None:
    assert set(known_definitions()) == SHIPPED
    for name in SHIPPED:
        definition = load_definition(name)
        assert definition.name == name
        assert definition.description
        assert definition.hub is not None
        assert definition.packaged


def test_a_definition_of_the_users_comes_first(tmp_path: Path) -> None:
    (tmp_path / "gsm8k.yaml").write_text("name: gsm8k\nquestion: mine\n")
    found = load_definition("gsm8k", [tmp_path])
    assert found.layouts[0].question == Value((Field("mine"),))
    assert not found.packaged
    assert known_definitions([tmp_path])["gsm8k"] == tmp_path / "gsm8k.yaml"


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'gms8k'; did you mean 'gsm8k'\?.*arc_easy"):
        load_definition("gms8k")
    with pytest.raises(RecipeError, match=r"nowhere.yaml: cannot be read: No such file"):
        load_definition("./nowhere.yaml")


def test_a_folder_or_bytes_are_no_definition(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff")
    with pytest.raises(RecipeError, match="not UTF-8"):
        load_definition(str(tmp_path / "bytes.yaml"))
    with pytest.raises(RecipeError, match="cannot be read"):
        load_definition(f"{tmp_path}/")


# --- the whole -------------------------------------------------------------------------------


def test_what_is_not_written(tmp_path: Path) -> None:
    found = define(tmp_path, "name: quiz\nquestion: q\n")
    assert found.splits == ("test",)
    assert (found.hub, found.description, found.public_passage) == (None, "", False)
    assert len(found.layouts) == 1
    assert found.layouts[0].id is None


def test_scalars_are_text_and_norwegian_a_language(tmp_path: Path) -> None:
    found = define(tmp_path, "name: quiz\nquestion: q\nlanguage: no\nsplits: [no, 1]\nid: 1\n")
    assert found.splits == ("no", "1")
    assert found.layouts[0].language == Value(("no",))
    assert found.layouts[0].id == Value((Field("1"),))


def test_a_hub_names_configurations_and_splits(tmp_path: Path) -> None:
    hub = define(
        tmp_path,
        "name: quiz\nquestion: q\nsplits: [all, de]\n"
        "hub: {id: us/quiz, config: 'q.{split}', split: {all: a+b}, revision: abc}\n",
    ).hub
    assert hub is not None
    assert hub.configs_of("de") == ("q.de",)
    assert [hub.split_of(split) for split in ("all", "de")] == ["a+b", "de"]
    assert hub.revision == "abc"


def test_splits_are_named_and_the_first_is_meant(tmp_path: Path) -> None:
    found = define(tmp_path, "name: quiz\nquestion: q\nsplits: [test, train]\n")
    assert [found.split(asked) for asked in ("", "test", "train")] == ["test", "test", "train"]
    assert [found.called(split) for split in found.splits] == ["quiz", "quiz:train"]
    with pytest.raises(ConfigError, match=r"no split 'trian'; did you mean 'train'.*test, train"):
        found.split("trian")


def test_a_layout_takes_over_what_it_does_not_say(tmp_path: Path) -> None:
    text = """\
name: quiz
question: q
answer: a
subject: s
layouts:
  - {files: other.csv, answer: b, subject: }
"""
    first, other = define(tmp_path, text).layouts
    assert (first.files, other.files) == ((), ("other.csv",))
    assert other.question == first.question
    assert other.answer == Value((Field("b"),))
    assert other.subject is None


def test_a_group_stands_for_choices_and_answer(tmp_path: Path) -> None:
    group = "group: {by: n, choice: text, correct: right}\n"
    layout = define(tmp_path, f"name: quiz\nquestion: q\n{group}").layouts[0]
    assert layout.group is not None
    assert layout.group.choice == Value((Field("text"),))
    assert faults(tmp_path, f"name: quiz\nquestion: q\n{group}answer: a\n") == [
        "quiz.yaml:4: answer: comes from 'group' here; leave one of them out"
    ]


# --- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: quiz\n", "1: 'question' is required and missing"),
        ("question: q\n", "1: 'name' is required and missing"),
        ("name: quiz\nqestion: q\n", "2: qestion: no such key; did you mean 'question'?"),
        ("name: A b\nquestion: q\n", "1: name: 'A b' may hold lower-case letters"),
        ("name: quiz\nquestion:\n", "2: question: an item needs its question; name a field"),
        ("name: quiz\nquestion: [a]\n", "2: question: expected text, got a list"),
        ("name: quiz\nquestion: {after: x}\n", "2: question: 'field' is required and missing"),
        ("name: quiz\nquestion: {field: q, aftr: x}\n", "2: question.aftr: no such key; did you"),
        ("name: quiz\nquestion: {field: q, from: {a: 1}}\n", "2: question.from: no such key"),
        ("name: quiz\nquestion: '{a'\n", "2: question: '{' closes or names nothing; double it"),
        ("name: quiz\nquestion: '{}'\n", "2: question: '{}' closes or names nothing"),
        ("name: quiz\nquestion: a..b\n", "2: question: 'a..b' is no path"),
        ("name: quiz\nquestion: $fil\n", "2: question: '$fil' is nothing that rows are given; did"),
        ("name: quiz\nquestion: q\nchoices: []\n", "3: choices: expected at least one field"),
        (
            "name: quiz\nquestion: q\nanswer: {choice: a, first: x}\n",
            "3: answer.first: expected a whole number, got 'x'",
        ),
        (
            "name: quiz\nquestion: q\nanswer: {choice: a, labels: '{a}{b}'}\n",
            "3: answer.labels: expected a field that holds the labels",
        ),
        (
            "name: quiz\nquestion: q\nsubject: {field: n, from: {a: 5, b: 5}}\n",
            "3: subject.from: expected names and the number each begins with, in ascending order",
        ),
        (
            "name: quiz\nquestion: q\nsubject: {field: n, after: x, from: {a: 5}}\n",
            "3: subject: 'from' reads a whole number; nothing can be cut from it",
        ),
        ("name: quiz\nquestion: q\npublic_passage: yes\n", "3: public_passage: expected true or"),
        ("name: quiz\nquestion: q\nhub: us/quiz\n", "3: hub: expected a map, got 'us/quiz'"),
        ("name: quiz\nquestion: q\nhub: {config: x}\n", "3: hub: 'id' is required and missing"),
        ("name: quiz\nquestion: q\nsplits: []\n", "3: splits: expected at least one text"),
        ("name: quiz\nquestion: q\ngroup: {by: n}\n", "3: group: 'choice' is required and missing"),
        ("name: quiz\nquestion: q\nlayouts: x\n", "3: layouts: expected a list, got 'x'"),
        ("name: quiz\nquestion: q\nlayouts: [{id: n}]\n", "3: layouts.0: 'files' is required"),
        (
            "name: quiz\nquestion: q\nlayouts: [{files: x, split: tst}]\n",
            "1: a layout is for the split 'tst', of no name here; did you mean 'test'?",
        ),
        ("name: quiz\nquestion: q\nfiles: '{config}.json'\n", "1: files with {config} in their"),
        ("name: quiz\nname: b\nquestion: q\n", "2: name: given twice, first on line 1; keep one"),
        ("name: &a quiz\nquestion: *a\n", "1: not a definition: anchors and aliases"),
        ("name: !!python/name:os.system quiz\n", "1: not a definition: the tag"),
        ("name: [quiz\n", "2: not a definition: while parsing a flow sequence"),
        ("- name\n", "1: expected a map, got a list"),
        ("? [a]\n: b\n", "1: not a definition: a key is text"),
        (f"name: {'[' * 40}{']' * 40}\n", "1: not a definition: more than a definition takes"),
    ],
)  # fmt: skip
def test_a_fault_names_line_key_and_mend(tmp_path: Path, text: str, said: str) -> None:
    assert any(line.startswith(f"quiz.yaml:{said}") for line in faults(tmp_path, text))


def test_all_faults_come_together_in_the_order_of_their_lines(tmp_path: Path) -> None:
    said = faults(tmp_path, "name: quiz\nanser: a\nquestion: q\nsubjekt: s\n")
    assert [line.split(": ")[0] for line in said] == ["quiz.yaml:2", "quiz.yaml:4"]


def test_nothing_written_acts_on_a_terminal(tmp_path: Path) -> None:
    said = "".join(faults(tmp_path, 'name: quiz\nquestion: q\n"\\e[2J": x\n'))
    assert "\x1b" not in said


PIECES = st.sampled_from(["name: a", "question: q", "files: [", "{a: [b", "- x", "\n", "  ", "&a"])


@given(st.text() | st.lists(PIECES).map("".join))
def test_any_text_is_a_definition_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load_definition(str(path))
        said = str(path)
    except ConfigError as error:
        said = str(error)
    assert said.startswith(str(path))


# --- fields ----------------------------------------------------------------------------------

ROW = {
    "text": " a ",
    "number": 18.0,
    "flag": True,
    "none": None,
    "list": ["x", None, "y"],
    "deep": {"list": [{"t": "one"}, {"t": "two"}]},
    "a.b": "dotted",
    "map": {"A": "first", "B": "second", "C": None},
}


def value(text: str, **cuts: str) -> Value:
    return Value((Field(text),), **cuts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("text", " a "),
        ("number", "18"),
        ("flag", "True"),
        ("none", ""),
        ("none.x", ""),
        ("list", "x\n\ny"),
        ("list.2", "y"),
        ("list.7", ""),
        ("deep.list.*.t", "one\n\ntwo"),
        ("deep.list.1.t", "two"),
        ("deep.list.1.u", ""),
        ("a.b", "dotted"),
    ],
)
def test_a_path_gives_text(path: str, text: str) -> None:
    assert value(path).text(ROW) == text


def test_a_path_that_cannot_be_followed_says_so() -> None:
    with pytest.raises(MissingField, match=r"no field 'txet'; did you mean 'text'\?"):
        value("txet").text(ROW)
    with pytest.raises(FieldError, match=r"'text\.x' cannot be followed: text has no 'x'"):
        value("text.x").text(ROW)
    with pytest.raises(
        FieldError, match=r"a map in 'map' where text belongs; name one of.*A, B, C"
    ):
        value("map").text(ROW)


@pytest.mark.parametrize(
    ("text", "cuts", "found"),
    [
        ("a #### b #### c ", {"after": "####"}, "c"),
        ("a b", {"after": "####"}, ""),
        ("a #### b #### c", {"before": "####"}, "a #### b"),
        ("a b", {"before": "####"}, "a b"),
        (r"so $\boxed{1} or \boxed{\frac{1}{2}}$.", {"within": r"\boxed"}, r"\frac{1}{2}"),
        (r"so $\boxed 7$.", {"within": r"\boxed"}, "7"),
        (r"so \boxed{7", {"within": r"\boxed"}, ""),
        (r"so 7", {"within": r"\boxed"}, ""),
        ("k: (a) z", {"after": "k:", "within": "k"}, ""),
    ],
)
def test_a_text_is_cut_at_marks(text: str, cuts: dict[str, str], found: str) -> None:
    assert value("t", **cuts).text({"t": text}) == found


def test_a_number_lies_in_a_range() -> None:
    ranges = Value((Field("n"),), start=(("a", 1), ("b", 11)))
    assert [ranges.number({"n": n}) for n in (1, "10", 11.0, 99)] == [
        ("a", 0),
        ("a", 9),
        ("b", 0),
        ("b", 88),
    ]
    for wrong, said in ((0, "before the first range"), ("x", "no whole number")):
        with pytest.raises(FieldError, match=said):
            ranges.number({"n": wrong})


@pytest.mark.parametrize(
    ("found", "options"),
    [
        (value("list"), ["x", "", "y"]),
        (value("deep.list.*.t"), ["one", "two"]),
        (value("text"), ["a"]),
        (value("map"), ["first", "second"]),
    ],
)
def test_choices_of_fields(found: Value, options: list[str]) -> None:
    assert [option.text for option in found.option_list(ROW)] == options


def test_choices_within_a_text() -> None:
    row = {"t": "Which?\nOptions:\n(A) one\n(B) two words\n- three\n4) four\n", "s": "a; b ;c"}
    listed = value("t", options="Options:").option_list(row)
    assert [option.text for option in listed] == ["one", "two words", "three", "four"]
    assert value("t", options="Choices:").option_list(row) == []
    assert [one.text for one in value("s", split=";").option_list(row)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("said", "found"),
    [(0, "x"), ("1", "y"), ("c", "z"), ("(B)", "y"), ("C.", "z"), ("", ""), ("-1", ""), (None, "")],
)
def test_the_answer_is_a_place_or_a_letter(said: object, found: str) -> None:
    options = [Option("x"), Option("y"), Option("z")]
    assert Choice(value("a")).text({"a": said}, options) == found


def test_the_answer_beyond_the_choices_is_a_fault() -> None:
    for said in (2, "C", "99"):
        with pytest.raises(FieldError, match="is none of the 2 choices"):
            Choice(value("a")).text({"a": said}, [Option("x"), Option("y")])


def test_the_answer_by_first_number_labels_keys_or_text() -> None:
    options = [Option("x"), Option("y")]
    assert Choice(value("a"), first=1).text({"a": "1"}, options) == "x"
    labelled = Choice(value("a"), labels=Field("l"))
    assert labelled.text({"a": "1", "l": ["1", "2"]}, options) == "x"
    assert labelled.text({"a": "B", "l": ["A", "B"]}, options) == "y"
    keyed = value("map").option_list({"map": {"B": "y", "A": "x"}})
    assert Choice(value("a")).text({"a": "A"}, keyed) == "x"
    assert Choice(value("a")).text({"a": "maybe"}, options) == "maybe"
    assert Choice(value("a")).text({"a": "-1"}, []) == "-1"

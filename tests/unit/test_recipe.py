"""Recipes: what loads, what it becomes, and how every fault names its place and the mend."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import yaml

import pipeline.recipe.load
import pipeline.recipe.steps
from pipeline.core.decisions import Bound, Signal
from pipeline.core.errors import ConfigError, ModelError, RecipeError, RecipeErrors, SourceError
from pipeline.core.records import Document
from pipeline.core.registry import Registry
from pipeline.filters import CLEANERS, FILTERS
from pipeline.filters.base import Filter
from pipeline.filters.cleaners import Cleaner
from pipeline.recipe import find_config, load_recipe
from pipeline.recipe.parameters import parse_size
from pipeline.sources import SOURCES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Length(Filter):
    """Stands for any filter: every kind of parameter, two bounded signals and a label."""

    name: ClassVar[str] = "length"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("words", "number of words"),
        Signal("share", "share of letters", maximum=1.0),
        Signal("label", "what it is", kind="text"),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (
        Bound("words", low=50, high=1000),
        Bound("share", low=0.8),
    )

    codes: tuple[str, ...] = ("en",)
    steps: int | None = None
    ratio: float = 0.5
    mode: Literal["fast", "exact"] = "fast"
    deep: bool = False
    words_file: str | None = dataclasses.field(default=None, metadata={"file": True})
    lists: tuple[str, ...] = dataclasses.field(default=(), metadata={"file": True})
    tokenizer: str = "words"

    def measure(self, doc: Document) -> dict[str, Any]:
        return {"words": float(len(doc.text.split())), "share": 1.0, "label": "x"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gate(Filter):
    name: ClassVar[str] = "gate"
    reads: ClassVar[frozenset[str]] = frozenset({"url"})
    signals: ClassVar[tuple[Signal, ...]] = (Signal("characters", "characters of the URL"),)
    required: int

    def measure(self, doc: Document) -> dict[str, Any]:
        return {"characters": float(len(doc.url))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trim(Cleaner):
    name: ClassVar[str] = "trim"
    signals: ClassVar[tuple[Signal, ...]] = (Signal("trimmed", "characters cut off"),)
    side: Literal["left", "right"] = "left"

    def __post_init__(self) -> None:
        if self.side == "right":
            raise ConfigError("trim: right is not to be had")

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        return text.lstrip(), {"trimmed": 0.0}


class Loose:
    """No `Cleaner`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Files:
    """Stands for a source of files."""

    name: ClassVar[str] = "files"
    paths: tuple[str, ...]
    split_size: int = 64
    depth: float | None = None

    def plan(self) -> list[Any]:
        for path in self.paths:
            if not Path(path).exists():
                raise SourceError(f"{path}: no such file")
        return []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nothing:
    name: ClassVar[str] = "nothing"


@pytest.fixture(autouse=True)
def _toys(monkeypatch, tmp_path):
    """A small world of its own: these tests do not depend on the built-in filters."""

    def registry(kind: str, **classes: str) -> Registry:
        table = {name: f"{__name__}:{cls}" for name, cls in classes.items()}
        return Registry(kind, table, "gristmill.no_such_group")

    filters = registry("filter", length="Length", gate="Gate")
    cleaners = registry("cleaner", trim="Trim", loose="Loose")
    sources = registry("source", files="Files", nothing="Nothing")
    monkeypatch.setattr(pipeline.recipe.steps, "FILTERS", filters)
    monkeypatch.setattr(pipeline.recipe.steps, "CLEANERS", cleaners)
    monkeypatch.setattr(pipeline.recipe.load, "SOURCES", sources)
    monkeypatch.chdir(tmp_path)


MINIMAL = "name: toy\nsource: {kind: nothing}\nfilters: []\n"


def load(text: str, *overrides: str) -> Any:
    Path("r.yaml").write_text(text, encoding="utf-8")
    return load_recipe("r.yaml", overrides)


def faults(text: str, *overrides: str) -> list[str]:
    with pytest.raises(RecipeErrors) as caught:
        load(text, *overrides)
    return str(caught.value).splitlines()


def test_a_minimal_recipe_takes_every_default():
    recipe = load(MINIMAL)
    assert recipe.output == "out/toy"
    assert recipe.extraction.engine == "blocks"
    assert recipe.extraction.prescreen is None
    assert recipe.steps == ()
    assert recipe.keep.dropped_share == 1.0
    assert recipe.keep.corpus == "parquet"
    assert recipe.limits.quarantined == 0.01
    assert recipe.warnings == ()


def test_steps_come_in_order_and_gates_are_found():
    recipe = load(
        MINIMAL.replace("[]", "[length, gate: {required: 1}, clean: trim]") + "tokenizer: words\n"
    )
    assert [step.name for step in recipe.steps] == ["length", "gate", "trim"]
    assert [step.name for step in recipe.filters] == ["length", "gate"]
    assert [step.name for step in recipe.gates] == ["gate"]


def test_parameters_arrive_with_their_types():
    text = MINIMAL.replace(
        "[]",
        "[length: {codes: [no, on], steps: 64kB, ratio: 1, mode: exact, deep: true,"
        " bounds: {words: {low: 5}, share: null}}]",
    )
    step = load(text).steps[0]
    assert step.codes == ("no", "on")
    assert step.steps == 64_000
    assert step.ratio == 1.0
    assert isinstance(step.ratio, float)
    assert step.mode == "exact"
    assert step.deep is True
    assert step.bounds == (Bound("words", low=5, high=1000), Bound("share"))


def test_the_tokenizer_reaches_steps_that_name_none():
    pytest.importorskip("spacy")
    text = MINIMAL.replace("[]", "[length]") + "tokenizer: spacy\n"
    assert load(text).steps[0].tokenizer == "spacy"
    assert load(text, "filters.length.tokenizer=words").steps[0].tokenizer == "words"


def test_a_tokenizer_that_is_not_to_be_had_is_a_fault(monkeypatch):
    def refuse(name: str) -> None:
        raise ConfigError(f"{name} is not installed; pip install 'gristmill[spacy]'")

    monkeypatch.setattr(pipeline.recipe.steps, "splitter", refuse)
    text = MINIMAL.replace("[]", "[length: {tokenizer: spacy}]")
    assert faults(text) == [
        "r.yaml:3: filters.length.tokenizer: spacy is not installed; pip install 'gristmill[spacy]'"
    ]
    monkeypatch.setattr(pipeline.recipe.steps, "FILTERS", FILTERS)
    assert faults(MINIMAL.replace("[]", "[gopher_quality, c4]") + "tokenizer: spacy\n") == [
        "r.yaml:4: tokenizer: spacy is not installed; pip install 'gristmill[spacy]'"
    ]


@pytest.mark.parametrize(
    ("written", "share"), [("all", 1.0), ("none", 0.0), ("0.01", 0.01), ("1", 1.0), ("0", 0.0)]
)
def test_dropped_texts_may_be_sampled(written, share):
    assert load(MINIMAL + f"keep: {{dropped: {written}}}\n").keep.dropped_share == share


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MB", 64_000_000),
        ("64MiB", 64 << 20),
        ("1.5 GiB", 3 << 29),
        ("500kB", 500_000),
        ("7B", 7),
        ("64M", None),
        ("64", None),
        ("MB", None),
        ("-1MB", None),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


def test_extraction_is_built_from_its_section():
    text = MINIMAL + (
        "extract:\n"
        "  engine: resiliparse\n"
        "  options: {main_content: false}\n"
        "  prescreen: {languages: [en, no], min_score: 0.2}\n"
        "  limits: {cpu_seconds: 3, memory: 2GiB}\n"
    )
    extraction = load(text).extraction
    assert extraction.engine == "resiliparse"
    assert extraction.options == {"main_content": False}
    assert extraction.prescreen.languages == ("en", "no")
    assert extraction.limits.cpu_seconds == 3.0
    assert extraction.limits.memory == 2 << 30


BAD = """\
name: Toy Recipe
sauce: 3
source:
  kind: filse
extract:
  engine: trafilatura
  options: {favor_precison: true, include_comments: no}
  prescreen: {languages: en, model: {pth: x}}
  limits: {cpu_seconds: ten}
tokenizer: spacey
filters:
  - length:
      codes: [de, 5]
      deep: yes
      mode: exakt
      bounds:
        share: {low: 1.5}
        words: {low: 50, high: 20}
        wordz: {low: 1}
        label: {low: 1}
  - length
  - lenght
  - gate
  - clean: tim
  - clean: {trim: {sides: left}}
  - 7
  - clean: [trim]
keep: {dropped: some, corpus: parket}
limits: {quarantined: 2}
"""


def test_all_faults_come_together_each_with_place_and_mend():
    expected = [
        "1: name: 'Toy Recipe' may hold only lower-case letters, digits, '-' and '_'",
        "2: sauce: unknown key; did you mean 'source'?",
        "4: source.kind: no source is called 'filse'; did you mean 'files'? Known: files, nothing",
        "7: extract.options.favor_precison: unknown key; did you mean 'favor_precision'?",
        "7: extract.options.include_comments: expected true or false, got 'no'; write false",
        "8: extract.prescreen.languages: expected a list, got 'en'; write [en]",
        "8: extract.prescreen.model.pth: unknown key; did you mean 'path'?",
        "9: extract.limits.cpu_seconds: expected a number, got 'ten'",
        "10: tokenizer: expected words or spacy, got 'spacey'; did you mean 'spacy'?",
        '13: filters.length.codes.1: expected text, got 5; quote it: "5"',
        "14: filters.length.deep: expected true or false, got 'yes'; write true",
        "15: filters.length.mode: expected fast or exact, got 'exakt'; did you mean 'exact'?",
        "17: filters.length.bounds.share.low: length.share.low = 1.5 is impossible: "
        "share of letters lies between 0 and 1",
        "18: filters.length.bounds.words: length.words: low 50 is above high 20, "
        "so nothing could pass",
        "19: filters.length.bounds.wordz: length has no signal 'wordz'; did you mean 'words'? "
        "Signals: words, share, label",
        "20: filters.length.bounds.label: length.label is a label and takes no bound",
        "21: filters.length: given twice, first on line 12; keep one",
        "22: filters.lenght: no filter is called 'lenght'; did you mean 'length'? "
        "Known: length, gate",
        "23: filters.gate: 'required' is required and missing",
        "24: filters.clean.tim: no cleaner is called 'tim'; did you mean 'trim'? "
        "Known: trim, loose",
        "25: filters.clean.trim.sides: unknown key; did you mean 'side'?",
        "26: filters.6: expected a filter's name, or one name with its options: 'name: {…}'",
        "27: filters.clean: expected one cleaner; known: trim, loose",
        "28: keep.dropped: expected all or none or a number, got 'some'; did you mean 'none'?",
        "28: keep.corpus: expected parquet or jsonl.zst, got 'parket'; did you mean 'parquet'?",
        "29: limits.quarantined: expected at most 1, got 2",
    ]
    assert faults(BAD) == [f"r.yaml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["name", "source", "filters"]),
        ("name: toy\n", ["source", "filters"]),
    ],
)
def test_missing_keys(text, expected):
    assert faults(text) == [f"r.yaml:1: {key!r} is required and missing" for key in expected]


def test_a_section_that_is_commented_out_is_absent():
    recipe = load(MINIMAL + "extract:\n  # engine: resiliparse\nkeep:\noutput:\n")
    assert recipe == load(MINIMAL)


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("[1]", "r.yaml:1: expected a map, got a list"),
        (MINIMAL + "keep: all\n", "r.yaml:4: keep: expected a map, got 'all'"),
        (MINIMAL + "output: ''\n", "r.yaml:4: output: is empty; name a folder"),
        (
            MINIMAL.replace("[]", "length"),
            "r.yaml:3: filters: expected a list of filters, such as [language, gopher_quality]",
        ),
        (
            MINIMAL.replace("{kind: nothing}", "nothing"),
            "r.yaml:2: source: expected a map with a 'kind': files or nothing",
        ),
        (
            MINIMAL.replace("nothing", "3"),
            'r.yaml:2: source.kind: expected text, got 3; quote it: "3"',
        ),
        (
            MINIMAL.replace("kind: nothing", "kind: nothing, paths: [a]"),
            "r.yaml:2: source.paths: unknown key; known: kind",
        ),
        (
            MINIMAL.replace("kind: nothing", "kind: files"),
            "r.yaml:2: source: 'paths' is required and missing",
        ),
        (
            MINIMAL.replace("kind: nothing", "kind: files, paths: []"),
            "r.yaml:2: source.paths: names no file",
        ),
        (
            MINIMAL.replace("kind: nothing", "kind: files, paths: [a], split_size: 64M"),
            "r.yaml:2: source.split_size: expected a whole number, got '64M'; "
            "a size is written 64MB or 64MiB",
        ),
        (
            MINIMAL.replace("[]", "[clean: {trim: {side: right}}]"),
            "r.yaml:3: filters.clean.trim: trim: right is not to be had",
        ),
        (
            MINIMAL.replace("[]", "[clean: loose]"),
            "r.yaml:3: filters.clean.loose: cleaner 'loose' is not a dataclass derived from "
            "Cleaner",
        ),
        (
            MINIMAL.replace("[]", "[length: {bounds: [1]}]"),
            "r.yaml:3: filters.length.bounds: expected a map of signal to {low: …, high: …}",
        ),
        (
            MINIMAL.replace("[]", "[length: {bounds: {words: 5}}]"),
            "r.yaml:3: filters.length.bounds.words: length.words: expected a bound such as "
            "{'low': 1}, not 5",
        ),
        (
            MINIMAL.replace("[]", "[length: {bounds: {words: {low: five}}}]"),
            "r.yaml:3: filters.length.bounds.words.low: length.words.low is not a number: 'five'",
        ),
        (
            MINIMAL + "extract: {engine: trafilatra}\n",
            "r.yaml:4: extract.engine: no engine is called 'trafilatra'; "
            "did you mean 'trafilatura'? Known: trafilatura, trafilatura-fast, resiliparse, blocks",
        ),
        (
            MINIMAL
            + "extract: {engine: trafilatura, options: {favor_precision: true, favor_recall: true}}\n",
            "r.yaml:4: extract.options: trafilatura: favor_precision and favor_recall "
            "exclude each other",
        ),
        (
            MINIMAL + "extract:\n  prescreen: {min_score: 0.1}\n",
            "r.yaml:5: extract.prescreen: 'languages' is required and missing",
        ),
        (
            MINIMAL + "extract:\n  prescreen: {languages: [en], min_score: 2}\n",
            "r.yaml:5: extract.prescreen.min_score: prescreen.min_score = 2 is no probability",
        ),
    ],
)
def test_single_faults(section, fault):
    assert faults(section) == [fault]


def test_every_input_path_is_looked_for_and_named_by_its_line():
    Path("a.warc").touch()
    text = MINIMAL.replace(
        "{kind: nothing}", "\n  kind: files\n  paths:\n    - a.warc\n    - b.warc\n    - c.warc"
    )
    assert faults(text) == [
        "r.yaml:6: source.paths.1: b.warc: no such file",
        "r.yaml:7: source.paths.2: c.warc: no such file",
    ]


def test_files_that_filters_name_are_looked_for():
    Path("here.txt").touch()
    text = MINIMAL.replace(
        "[]",
        "\n  - length:\n      words_file: gone.txt\n      lists:\n        - here.txt\n"
        "        - lost.txt",
    )
    assert faults(text) == [
        "r.yaml:5: filters.length.words_file: gone.txt: no such file or folder",
        "r.yaml:8: filters.length.lists.1: lost.txt: no such file or folder",
    ]


def test_what_a_list_or_model_says_of_itself_names_the_line_that_gave_it(monkeypatch):
    def models(self: Length) -> dict[str, str]:
        raise ModelError(f"{self.words_file}: 'xyz' is in no list; known: de, en, no")

    monkeypatch.setattr(Length, "models", models)
    Path("words.txt").touch()
    text = MINIMAL.replace(
        "[]",
        "\n  - length:\n      words_file: words.txt\n      codes:\n        - no\n        - xyz",
    )
    said = "words.txt: 'xyz' is in no list; known: de, en, no"
    assert faults(text) == [f"r.yaml:8: filters.length.codes.1: {said}"]
    assert faults(text.replace("xyz", "zyx")) == [f"r.yaml:5: filters.length.words_file: {said}"]


def test_a_language_no_model_knows(monkeypatch):
    monkeypatch.setattr(pipeline.recipe.steps, "FILTERS", FILTERS)
    text = (
        "name: toy\nsource: {kind: nothing}\nfilters:\n  - language:\n      languages:\n"
        "        - en\n        - eng\nextract:\n  prescreen:\n    languages: [en, eng]\n"
    )
    found = faults(text)
    assert [fault.partition(": the language")[0] for fault in found] == [
        "r.yaml:7: filters.language.languages.1",
        "r.yaml:10: extract.prescreen.languages.1",
    ]


def test_a_parameter_of_a_wrong_type_does_not_hide_a_wrong_bound():
    text = MINIMAL.replace("[]", "[length: {ratio: half, bounds: {wordz: null}}]")
    assert [fault.key for fault in _caught(text)] == [
        "filters.length.ratio",
        "filters.length.bounds.wordz",
    ]


def _caught(text: str) -> tuple[RecipeError, ...]:
    with pytest.raises(RecipeErrors) as caught:
        load(text)
    return caught.value.faults


def test_errors_survive_pickling():
    error = RecipeErrors(_caught(MINIMAL + "sauce: 1\n"))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.faults[0].line == 4
    assert again.exit_code == 2


def test_a_prescreen_may_not_lose_what_the_language_filter_keeps(monkeypatch):
    monkeypatch.setattr(pipeline.recipe.steps, "FILTERS", FILTERS)
    text = (
        "name: toy\nsource: {kind: nothing}\nfilters:\n  - language: {languages: [en, no, de]}\n"
        "extract:\n  prescreen:\n    languages: [en]\n"
    )
    assert faults(text) == [
        "r.yaml:7: extract.prescreen.languages: leaves out no, de, which the language filter keeps"
    ]
    assert load(text, "extract.prescreen.languages=[en, de, no]").steps[0].name == "language"


def test_set_changes_one_value_and_leaves_the_rest():
    text = MINIMAL.replace("[]", "[length: {bounds: {words: {high: 500}}}, clean: trim]")
    recipe = load(
        text,
        "filters.length.bounds.words.low=20",
        "name=other",
        "keep.dropped=0.5",
        "extract.limits.cpu_seconds=2",
        "filters.clean.trim.side=left",
        "extract.prescreen={languages: [no]}",
    )
    assert recipe.steps[0].bounds[0] == Bound("words", low=20, high=500)
    assert recipe.name == "other"
    assert recipe.output == "out/other"
    assert recipe.keep.dropped == 0.5
    assert recipe.extraction.limits.cpu_seconds == 2.0
    assert recipe.extraction.prescreen.languages == ("no",)


@pytest.mark.parametrize(
    "item", ["length", "length:", "length: {}", "length: {bounds: }", "length: {bounds: {}}"]
)
def test_set_reaches_into_any_way_of_writing_a_filter(item):
    recipe = load(
        f"name: toy\nsource: {{kind: nothing}}\nfilters:\n  - {item}\n",
        "filters.length.bounds.words.low=1",
    )
    assert recipe.steps[0].bounds[0].low == 1


def test_set_takes_positions_whole_lists_and_the_last_word():
    text = MINIMAL.replace("[]", "[gate: {required: 1}]")
    recipe = load(text, "filters=[length, gate: {required: 2}]", "filters.1.gate.required=3")
    assert [step.name for step in recipe.steps] == ["length", "gate"]
    assert recipe.steps[1].required == 3
    assert load(text, "name=a", "name=b").name == "b"


def test_set_of_a_null_takes_a_default_section_back():
    text = MINIMAL + "extract: {prescreen: {languages: [en]}}\n"
    assert load(text, "extract.prescreen=null").extraction.prescreen is None


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("name", "--set: 'name' is not key=value"),
        ("=3", "--set: '=3' is not key=value"),
        ("nme=3", "--set: nme: unknown key; did you mean 'name'?"),
        ("name=[a", "--set: name: not a recipe: while parsing a flow sequence expected ',' or ']'"),
        ("keep={corpus: parquet, corpus: parquet}", "--set: keep: given twice, first on line 1"),
        ("name=!!python/name:os.system x", "--set: name: not a recipe: tag"),
        ("name.x=3", "--set: name: holds 'toy', which has no 'x' inside it"),
        ("filters.7=3", "--set: filters: has 1 items, counted from 0; there is no 7"),
        (
            "filters.lenght.ratio=1",
            "--set: filters.lenght: the recipe has no 'lenght' here; did you mean 'length'?",
        ),
        (
            "filters.length.ratoi=1",
            "--set: filters.length.ratoi: unknown key; did you mean 'ratio'?",
        ),
        ("filters.length.ratio=x", "--set: filters.length.ratio: expected a number, got 'x'"),
        ("filters.length.bounds.share.low=2", "--set: filters.length.bounds.share.low: length."),
        ("extract.prescreen.min_score=0.1", "--set: extract.prescreen: 'languages' is required"),
        ("source.kind=files", "r.yaml:2: source: 'paths' is required and missing"),
        ("source={kind: files, paths: [x]}", "--set: source.paths.0: x: no such file"),
    ],
)
def test_faults_of_set_say_so(override, fault):
    found = faults(MINIMAL.replace("[]", "[length]"), override)
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_faults_of_file_and_set_come_together():
    assert faults(MINIMAL + "sauce: 1\n", "keep.corpus=csv", "oops") == [
        "r.yaml:4: sauce: unknown key; did you mean 'source'?",
        "--set: 'oops' is not key=value",
        "--set: keep.corpus: expected parquet or jsonl.zst, got 'csv'",
    ]


def test_describe_is_a_recipe_that_gives_an_equal_one():
    text = (
        MINIMAL.replace(
            "[]", "[length: {codes: [no], bounds: {words: {low: 5}, share: null}}, clean: trim]"
        )
        + "extract: {prescreen: {languages: [en]}, limits: {memory: 2GB}}\nkeep: {dropped: 0.1}\n"
    )
    recipe = load(text)
    described = recipe.describe()
    again = load(yaml.safe_dump(described))
    assert again == dataclasses.replace(
        recipe, extraction=dataclasses.replace(recipe.extraction, options=again.extraction.options)
    )
    assert again.describe() == described
    assert described["filters"][0]["length"]["bounds"] == {
        "words": {"low": 5, "high": 1000},
        "share": {"low": None, "high": None},
    }


def test_a_recipe_pickles():
    recipe = load(MINIMAL.replace("[]", "[length]"))
    assert pickle.loads(pickle.dumps(recipe)) == recipe


def test_bare_names_are_packaged_recipes_and_paths_are_paths():
    assert find_config("quickstart").name == "quickstart.yaml"
    Path("mine.yaml").write_text(MINIMAL, encoding="utf-8")
    assert find_config("mine.yaml") == Path("mine.yaml")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("quickstrt", "quickstrt: no such recipe; did you mean 'quickstart'?"),
        ("configs/quickstart.yaml", "no such recipe; did you mean 'quickstart'?"),
        ("zzz/", "no such recipe; packaged recipes: fineweb, prompts, quickstart"),
        ("./", "is a folder"),
    ],
)
def test_a_recipe_that_is_not_there(name, words):
    with pytest.raises(RecipeError) as caught:
        load_recipe(name)
    assert words in str(caught.value)


def test_a_recipe_that_is_not_text():
    Path("r.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(RecipeError, match=r"^r\.yaml: cannot be read: not UTF-8 text$"):
        load_recipe("r.yaml")


@pytest.fixture
def _built_in(monkeypatch):
    monkeypatch.setattr(pipeline.recipe.steps, "FILTERS", FILTERS)
    monkeypatch.setattr(pipeline.recipe.steps, "CLEANERS", CLEANERS)
    monkeypatch.setattr(pipeline.recipe.load, "SOURCES", SOURCES)


@pytest.mark.parametrize("name", ["quickstart", "fineweb"])
@pytest.mark.usefixtures("_built_in")
def test_packaged_recipes_load_as_they_stand(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.source.name == "sample"
    assert [step.name for step in recipe.steps if step.name != "whitespace"] == [
        "url",
        "language",
        "gopher_repetition",
        "gopher_quality",
        "c4_lines",
        "c4",
        "fineweb",
        *(["toxicity", "quality"] if name == "quickstart" else []),
    ]
    assert [gate.name for gate in recipe.gates] == ["url"]
    text = json.dumps(recipe.describe(), ensure_ascii=False)
    assert load(text).describe() == recipe.describe()


@pytest.mark.usefixtures("_built_in")
def test_fineweb_spells_out_what_the_filters_do_by_default():
    """A default that moves away from the published value shows here."""
    recipe = load_recipe("fineweb")
    for step in recipe.filters:
        published = type(step)()
        assert {b.signal: b for b in step.bounds} == {b.signal: b for b in published.bounds}
        assert step.parameters().keys() == published.parameters().keys()
    assert recipe.extraction.options["favor_precision"] is True
    assert recipe.extraction.prescreen is None


@pytest.mark.usefixtures("_built_in")
def test_a_url_filter_without_lists_is_worth_a_warning():
    assert "filters.url names no list" in load_recipe("fineweb").warnings[0]
    assert load_recipe("fineweb", ["filters.url.extra_domains=[a.test]"]).warnings == ()
    assert load_recipe("quickstart").warnings == ()


@pytest.mark.usefixtures("_built_in")
def test_a_warc_recipe_looks_for_its_files():
    text = MINIMAL.replace(
        "{kind: nothing}", "{kind: warc, paths: [in/*.warc.gz], max_payload: 5MB}"
    )
    (fault,) = faults(text)
    assert fault.startswith("r.yaml:2: source.paths.0: in/*.warc.gz: matches no file")
    Path("in").mkdir()
    Path("in/a.warc.gz").touch()
    built = load(text).source
    assert built.paths == ("in/*.warc.gz",)
    assert built.max_payload == 5_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unseen(Cleaner):
    """A plug-in whose types cannot be resolved when it runs."""

    name: ClassVar[str] = "unseen"
    signals: ClassVar[tuple[Signal, ...]] = ()
    size: Decimal = None  # type: ignore[name-defined] # noqa: F821

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        return text, {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ungivable(Cleaner):
    """A plug-in with a parameter that YAML cannot hold."""

    name: ClassVar[str] = "ungivable"
    signals: ClassVar[tuple[Signal, ...]] = ()
    made_by: Registry | None = None

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        return text, {}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("unseen: {size: 1}", "filters.clean.unseen: the parameters of Unseen have types that are"),
        (
            "ungivable: {made_by: 1}",
            "filters.clean.ungivable.made_by: is of a type that no recipe can give: ",
        ),
    ],
)
def test_plug_ins_with_odd_types_are_faults_too(monkeypatch, name, fault):
    cleaners = Registry(
        "cleaner",
        {"unseen": f"{__name__}:Unseen", "ungivable": f"{__name__}:Ungivable"},
        "gristmill.no_such_group",
    )
    monkeypatch.setattr(pipeline.recipe.steps, "CLEANERS", cleaners)
    (found,) = faults(MINIMAL.replace("[]", f"[clean: {{{name}}}]"))
    assert found.startswith(f"r.yaml:3: {fault}")

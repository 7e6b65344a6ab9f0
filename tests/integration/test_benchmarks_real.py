"""The shipped definitions on the real benchmarks, and through the real package ``datasets``."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.benchmarks.coverage import Method, coverage
from audits.benchmarks.load import load_benchmark
from audits.items import Benchmark, Item

# Name, items, and how many have an answer, choices, a solution, a passage.
COUNTS = {
    "mmlu": (14042, 14042, 14042, 0, 0),
    "mmlu:validation": (1531, 1531, 1531, 0, 0),
    "mmlu:dev": (285, 285, 285, 0, 0),
    "gsm8k": (1319, 1319, 0, 1319, 0),
    "gsm8k:train": (7473, 7473, 0, 7473, 0),
    "humaneval": (164, 0, 0, 164, 0),
    "mbpp": (974, 0, 0, 974, 0),
    "mbpp:test": (500, 0, 0, 500, 0),
    "mbpp:train": (374, 0, 0, 374, 0),
    "bbh": (6511, 6511, 4761, 0, 0),
    "truthfulqa": (817, 817, 817, 0, 0),
    "ifeval": (541, 0, 0, 0, 0),
    "mt_bench": (80, 0, 0, 0, 0),
    "mgsm": (250, 250, 0, 0, 0),
    "mgsm:sw": (250, 250, 0, 0, 0),
    "xquad": (1190, 1190, 0, 0, 1190),
    "xquad:ru": (1190, 1190, 0, 0, 1190),
}


@pytest.fixture(scope="module")
def benchmarks(shared_data: Path) -> Path:
    folder = shared_data / "benchmarks"
    if not folder.is_dir():
        pytest.skip(f"no real benchmarks in {folder}")
    return folder


def load(folder: Path, name: str) -> Benchmark:
    return load_benchmark(name, folder=folder, offline=True)


@pytest.mark.parametrize("name", COUNTS)
def test_every_row_becomes_an_item(benchmarks: Path, name: str) -> None:
    found = load(benchmarks, name)
    assert (found.name, found.faults) == (name, ())
    items = found.items
    assert (
        len(items),
        sum(bool(item.answer) for item in items),
        sum(bool(item.choices) for item in items),
        sum(bool(item.solution) for item in items),
        sum(bool(item.passage) for item in items),
    ) == COUNTS[name]
    assert len({item.id for item in items}) == len(items)
    assert {item.benchmark for item in items} == {name}
    assert load(benchmarks, name).sha256 == found.sha256


@pytest.mark.parametrize("name", ["gsm8k", "humaneval", "mbpp", "mgsm", "mmlu", "xquad"])
def test_the_labelled_pairs_name_items(benchmarks: Path, name: str) -> None:
    items = {item.id: item for item in load(benchmarks, name).items}
    path = benchmarks / "pairs_dev" / f"{name}.jsonl"
    pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert pairs
    for pair in pairs:
        question = items[pair["item_id"]].question
        assert start(question) == start(pair["item_text"])


def start(text: str) -> list[str]:
    return text.split()[:5]


def test_answers_of_choices_are_among_them(benchmarks: Path) -> None:
    for name in ("mmlu", "truthfulqa"):
        assert all(item.answer in item.choices for item in load(benchmarks, name).items)
    # Three rows of the original name an option that its list, cut at commas, has not got.
    wrong = [item.id for item in load(benchmarks, "bbh").items if item.answer not in item.choices]
    assert [name for name in wrong if name.startswith(("movie", "ruin"))] == [
        "movie_recommendation/163",
        "ruin_names/99",
        "ruin_names/144",
    ]


def test_subjects_of_mmlu_are_57_in_order(benchmarks: Path) -> None:
    items = load(benchmarks, "mmlu").items
    subjects = list(dict.fromkeys(item.subject for item in items))
    assert len(subjects) == 57
    assert subjects == sorted(subjects)
    assert items[-1].id == "world_religions/170"


def test_translations_have_their_language(benchmarks: Path) -> None:
    english, german = load(benchmarks, "mgsm"), load(benchmarks, "mgsm:de")
    assert [item.id for item in english.items] == [item.id for item in german.items]
    assert {item.language for item in german.items} == {"de"}
    assert load(benchmarks, "xquad").public_passage


def test_what_can_be_checked_is_told(benchmarks: Path) -> None:
    def checked(name: str, method: Method) -> int:
        found = load(benchmarks, name)
        public = {found.name} if found.public_passage else set()
        return coverage(
            found.items, semantic_languages={"en"}, min_words=3, public_passages=public
        ).checked(method)

    assert checked("gsm8k", Method.SEMANTIC) == 1319
    assert checked("mgsm:de", Method.SEMANTIC) == 0
    assert checked("mgsm:de", Method.LEXICAL) == 250
    assert checked("xquad", Method.LEXICAL) > 1000
    # Brackets alone: 250 items that have no word beyond what they are asked.
    assert 6511 - 300 < checked("bbh", Method.LEXICAL) <= 6511 - 250


def test_through_the_package_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="the package datasets is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    rows = [{"q": "How many?", "c": ["one", "two"], "a": 1}, {"q": "Who?", "c": ["I"], "a": 0}]
    stored = tmp_path / "stored"
    stored.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), stored / "validation-00000-of-00001.parquet")
    definition = tmp_path / "own.yaml"
    definition.write_text(
        f"name: own\nhub: {{id: {stored}, split: validation}}\nquestion: q\n"
        "choices: c\nanswer: {choice: a}\n"
    )
    found = load_benchmark(str(definition), folder=None)
    assert found.items == (
        Item("own", "0", "How many?", ("one", "two"), "two"),
        Item("own", "1", "Who?", ("I",), "I"),
    )
    assert found.revision
    assert found.source == f"{stored} validation"

"""The same filter on a list and on everything else that holds texts gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline.core.errors import ConfigError
from pipeline.filters import URL, Document, Filter, GopherQuality, Language
from pipeline.filters.odd_documents import odd_documents

# What Arrow can hold: valid Unicode.
DOCUMENTS = [
    doc
    for doc in odd_documents()
    if len(doc.text) + len(doc.url) < 10_000
    and (doc.text + doc.url).encode("utf-8", "ignore")
    == (doc.text + doc.url).encode(errors="replace")
]
ROWS = {"text": [doc.text for doc in DOCUMENTS], "url": [doc.url for doc in DOCUMENTS]}

FILTERS = [
    pytest.param(GopherQuality(), id="text"),
    pytest.param(Language(languages=("en", "ja")), id="batched"),
    pytest.param(URL(banned_words=("path",), extra_domains=("example.com",)), id="url"),
]


def columns(rules: Filter) -> dict[str, list[Any]]:
    """The promised columns, from the list of documents."""
    results = rules(DOCUMENTS)
    found: dict[str, list[Any]] = {
        f"{rules.name}.{signal.name}": [result.signals[signal.name] for result in results]
        for signal in rules.signals
    }
    found[f"{rules.name}.keep"] = [result.keep for result in results]
    found[f"{rules.name}.reasons"] = [
        ";".join(verdict.reason for verdict in result.verdicts) for result in results
    ]
    return found


@pytest.mark.parametrize("rules", FILTERS)
class TestSameRows:
    def test_strings_and_lists(self, rules: Filter) -> None:
        assert [rules(doc) for doc in DOCUMENTS] == rules(DOCUMENTS) == rules(tuple(DOCUMENTS))
        assert [rules.keep(doc) for doc in DOCUMENTS] == rules.keep(DOCUMENTS)
        texts = ROWS["text"]
        assert [rules(text) for text in texts] == rules(texts)

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
    def test_arrow(self, rules: Filter, kind: pa.DataType) -> None:
        table = pa.table({name: pa.array(values, kind) for name, values in ROWS.items()})
        halves = pa.concat_tables([table.slice(0, 3), table.slice(3)])
        batch = table.to_batches()[0]
        for data in (table, halves, batch):
            found = rules(data)
            assert isinstance(found, type(data))
            assert found.to_pydict() == {**ROWS, **columns(rules)}
            assert rules.keep(data) == columns(rules)[f"{rules.name}.keep"]

    def test_arrow_types_do_not_depend_on_the_rows(self, rules: Filter) -> None:
        table = pa.table(ROWS)
        assert rules(table.slice(0, 0)).schema == rules(table).schema

    def test_applying_twice_replaces_the_columns(self, rules: Filter) -> None:
        once = rules(pa.table(ROWS))
        assert rules(once).equals(once)

    def test_pandas(self, rules: Filter) -> None:
        frame = pd.DataFrame(ROWS, index=[f"row {number}" for number in range(len(DOCUMENTS))])
        found = rules(frame)
        assert list(found.index) == list(frame.index)
        assert {name: found[name].tolist() for name in found} == {**ROWS, **columns(rules)}
        assert list(frame) == ["text", "url"]

    def test_numpy(self, rules: Filter) -> None:
        arrays = {name: np.array(values, dtype=object) for name, values in ROWS.items()}
        found = rules(arrays)
        assert {name: values.tolist() for name, values in found.items()} == {
            **ROWS,
            **columns(rules),
        }
        empty = rules({name: values[:0] for name, values in arrays.items()})
        assert {name: values.dtype for name, values in empty.items()} == {
            name: values.dtype for name, values in found.items()
        }

    def test_datasets(self, rules: Filter) -> None:
        datasets = pytest.importorskip("datasets")
        data = datasets.Dataset.from_dict(ROWS)
        expected = {**ROWS, **columns(rules)}
        kept = [
            doc.text for doc, keep in zip(DOCUMENTS, rules.keep(DOCUMENTS), strict=True) if keep
        ]
        for options in ({}, {"batched": True}, {"batched": True, "batch_size": 4}):
            mapped = data.map(rules, load_from_cache_file=False, **options)
            assert mapped.to_dict() == expected
            filtered = data.filter(rules.keep, load_from_cache_file=False, **options)
            assert filtered["text"][:] == kept
        assert data.with_format("numpy").map(rules, batched=True)[:].keys() == expected.keys()


@pytest.fixture(scope="module")
def ray_data() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    data = pytest.importorskip("ray.data")
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        object_store_memory=100_000_000,
        logging_level="ERROR",
        log_to_driver=False,
    )
    data.DataContext.get_current().enable_progress_bars = False
    yield data
    ray.shutdown()


@pytest.mark.ray
def test_ray_data(ray_data: Any) -> None:
    rows = [
        {"row": number, "text": doc.text, "url": doc.url} for number, doc in enumerate(DOCUMENTS)
    ]
    data = ray_data.from_items(rows, override_num_blocks=2)
    for rules, kind in (
        (GopherQuality(), "numpy"),
        (Language(), "pyarrow"),
        (URL(banned_words=("path",)), "pandas"),
    ):
        mapped = data.map_batches(rules, batch_format=kind, batch_size=5).take_all()
        found = sorted(mapped, key=lambda row: row["row"])
        for name, values in columns(rules).items():
            assert [row[name] for row in found] == values


def test_null_texts_count_as_empty() -> None:
    rules = Language()
    empty = rules("")
    assert rules([None]) == [empty]
    for data in (
        pa.table({"text": pa.array([None, None], pa.string())}),
        pa.table({"text": pa.nulls(2)}),
        pd.DataFrame({"text": [None, float("nan")]}),
    ):
        assert rules.keep(data) == [False, False]
    assert rules({"text": None})["language.keep"] is False


def test_other_column_names() -> None:
    rules = URL(banned_words=("path",))
    table = pa.table({"address": ["http://a.example/path", "http://a.example/"]})
    assert rules.keep(table, url_column="address") == [False, True]
    assert Language()(pa.table({"body": [""]}), text_column="body").column_names[0] == "body"


def test_a_row_keeps_its_other_columns() -> None:
    row = Language()({"id": 7, "text": ""})
    assert (row["id"], row["language.label"], row["language.keep"]) == (7, "und", False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pa.table({"body": ["a"]}), "reads column 'text', which is missing; present: body"),
        ({"body": ["a"]}, "text_column="),
        (pd.DataFrame({"body": ["a"]}), "text_column="),
        (b"bytes", "cannot be applied to bytes"),
        (["a", 7], "expected a text, got int"),
        (None, "cannot be applied to NoneType"),
    ],
)
def test_what_cannot_be_judged_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Language()(data)


def test_a_document_brings_its_url() -> None:
    rules = URL(extra_domains=("example.com",))
    assert not rules.keep(Document("1", "", "http://example.com/"))
    assert rules.keep("http://example.com/")

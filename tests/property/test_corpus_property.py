"""Corpora cut anywhere: the same documents with the same ids, and none lost when written again."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources.chats import chat_text, turns_text
from pipeline.sources.cleaned import ACTIONS, Action, cleaned_schema, write_cleaned
from pipeline.sources.columns import ColumnTypes
from pipeline.sources.corpus import CorpusRow, plan_corpus, read_corpus
from pipeline.sources.corpus_inputs import unique_names
from pipeline.sources.corpus_rows import CorpusColumns, corpus_row

TEXT = st.text('aé😀\0"[ \n\ud800', max_size=6)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
KEYS = st.sampled_from(["role", "content", "value", "text", "parts", "x"])
VALUE = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
COLUMNS = ["id", "uuid", "text", "content", "messages", "prompt", "output", "url", "contaminated"]
ROW = st.dictionaries(st.sampled_from(COLUMNS), PLAIN | VALUE, max_size=5)
USUAL = st.fixed_dictionaries({"id": st.integers(0, 9), "text": TEXT})
LINE = (ROW | USUAL).map(lambda row: json.dumps(row).encode()) | st.sampled_from(
    [b"", b"[]", b'{"text": "cut', b'{"text": "\xff"}']
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


def is_document(row: CorpusRow) -> bool:
    assert (row.text is None) == bool(row.fault) == bool(row.error)
    assert row.id
    assert row.place
    for text in (row.id, row.text or "", row.url, row.place, row.error):
        text.encode()
    return not row.fault


@given(ROW)
def test_any_row_is_a_document_or_a_fault(values: dict[str, Any]) -> None:
    row = corpus_row(values, CorpusColumns(), "a:1", "a at 1")
    is_document(row)
    if isinstance(values.get("text"), str):
        assert row.text is not None
    named = corpus_row(values, CorpusColumns(text="messages", id="url"), "a:1", "a at 1")
    is_document(named)


@given(VALUE)
def test_turns_of_anything(value: Any) -> None:
    for found in (turns_text(value), chat_text({"messages": value, "prompt": value})):
        assert found is None or isinstance(found, str)
    if isinstance(value, str):
        assert turns_text(value) == value


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(
    st.lists(LINE, max_size=12),
    st.integers(1, 5),
    st.sets(st.integers(0, 12)),
    st.sampled_from(ACTIONS),
)
def test_cuts_make_no_difference_and_no_row_is_lost(
    folder: Path,
    lines: list[bytes],
    cuts: int,
    chosen: set[int],
    action: Action,
) -> None:
    path = folder / "a.jsonl"
    path.write_bytes(b"\n".join(lines))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines)))
    rows = [row for part in plan_corpus([path]) for row in read_corpus(part)]
    packed = [row for part in plan_corpus([folder / "b.jsonl.gz"]) for row in read_corpus(part)]
    assert [row.text for row in packed] == [row.text for row in rows]
    assert len(rows) == sum(bool(line) for line in lines)
    documents = list(filter(is_document, rows))
    bad = {row.place for number, row in enumerate(documents) if number in chosen}

    parts = plan_corpus([path], split_bytes=path.stat().st_size // cuts + 1)
    types = [ColumnTypes() for _ in parts]
    found = [
        row
        for part, seen in zip(parts, types, strict=True)
        for row in read_corpus(part, types=seen)
    ]
    assert found == rows
    schema = cleaned_schema(types, action=action)
    out = folder / "out.parquet"
    texts: list[str | None] = []
    total: Counter[str] = Counter()
    for part in parts:
        count = write_cleaned(
            part,
            out,
            lambda row: [{"item": "1"}] if row.place in bad else [],
            action=action,
            schema=schema,
        )
        assert pq.read_schema(out).equals(schema)
        written = pq.read_table(out)
        assert count.rows == count.kept + count.dropped + sum(count.quarantined.values())
        assert written.num_rows == count.kept
        [back] = plan_corpus([out])
        texts += [row.text for row in read_corpus(back)]
        total.update(kept=count.kept, dropped=count.dropped, flagged=count.flagged)
        total.update(rows=count.rows, quarantined=sum(count.quarantined.values()))
        if action == "tag":
            marks = written["contaminated"].to_pylist()
            assert sum(marks) == count.flagged
            notes = [json.loads(note) for note in written["contamination"].to_pylist()]
            assert [bool(note) for note in notes] == marks
    assert total["rows"] == len(rows)
    assert total["flagged"] == len(bad)
    assert total["dropped"] == (len(bad) if action == "drop" else 0)
    kept = [row.text for row in documents if action == "tag" or row.place not in bad]
    assert total["kept"] == len(kept)
    assert texts == kept


PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)


@given(st.sets(PATHS.map(lambda path: f"/{path}/n"), min_size=1, max_size=8))
def test_names_differ_and_end_as_their_paths_do(paths: set[str]) -> None:
    files = sorted(paths)
    prefixes = unique_names([os.path.dirname(path) for path in files], [["n"]] * len(files))
    names = [prefix + "n" for prefix in prefixes]
    assert len({*names}) == len(names)
    assert all(f"/{path}".endswith(f"/{name}") for path, name in zip(files, names, strict=True))

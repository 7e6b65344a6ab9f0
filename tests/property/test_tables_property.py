"""Tables cut anywhere, and columns of any values: the same rows once, and none lost in writing."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources import json_lines, tables
from pipeline.sources.columns import ColumnTypes, is_json_text, to_arrow, unify
from pipeline.sources.tables import TablePart, read_batches, read_rows

LINES = st.sampled_from(
    [
        b"",
        b" ",
        b'{"id": 1}',
        b'{"id": "\xc3\xa9"}',
        b'{"id": "\xff"}',
        b"[]",
        b'{"a": "b',
        b"\xef\xbb\xbf{}",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("tables")


def plainly(data: bytes) -> list[tuple[int, Any]]:
    """Offset and object, or None, of every line that is not blank, found the simple way."""
    found, offset = [], 0
    for line in data.split(b"\n"):
        content = line.removeprefix(b"\xef\xbb\xbf")
        if content.strip():
            try:
                value = json.loads(content.decode())
            except ValueError:
                value = None
            found.append((offset, value if isinstance(value, dict) else None))
        offset += len(line) + 1
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(LINES, ENDS), max_size=12),
    LINES,
    st.lists(st.integers(0, 200), max_size=8),
    st.integers(1, 40),
)
def test_any_cuts_give_the_same_rows_once(
    folder: Path, ended: list[tuple[bytes, bytes]], last: bytes, cuts: list[int], read: int
) -> None:
    data = b"".join(itertools.chain(*ended)) + last
    path = folder / "a.jsonl"
    path.write_bytes(data)
    bounds = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    parts = [TablePart(str(path), *pair) for pair in itertools.pairwise(bounds)]
    types = ColumnTypes()
    with mock.patch.object(json_lines, "READ", read), mock.patch.object(tables, "BATCH_ROWS", 2):
        by_part = [list(read_rows(part, types=types)) for part in parts]
        batches = [batch for part in parts for batch in read_batches(part, types.schema())]
    rows = list(itertools.chain(*by_part))
    assert [(row.number, row.values) for row in rows] == plainly(data)
    for part, own in zip(parts, by_part, strict=True):
        assert all(part.start <= row.number < part.end for row in own)
    numbers = [number for batch in batches for number in batch.numbers.tolist()]
    assert numbers == [row.number for row in rows if row.values is not None]
    errors = [row for batch in batches for row in batch.errors]
    assert errors == [row for row in rows if row.values is None]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-5, 5)
    | st.floats()
    | st.text('aé😀\0"', max_size=5)
)
VALUES = (
    SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text("ab"), SCALARS, max_size=2)
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=6)
# Columns of one kind, which are rare among the above.
EVEN = st.sampled_from([st.integers(-9, 9), st.floats(), st.booleans(), st.text("xy"), st.none()])


@given(
    ROWS | EVEN.flatmap(lambda kind: st.lists(st.fixed_dictionaries({"a": kind}), max_size=5)),
    st.integers(0, 6),
)
def test_every_value_comes_back_from_the_unified_schema(
    rows: list[dict[str, Any]], cut: int
) -> None:
    parts = [ColumnTypes(), ColumnTypes()]
    for at, row in enumerate(rows):
        parts[at >= cut].observe(row)
    schema = unify(parts)
    whole = ColumnTypes()
    for row in rows:
        whole.observe(row)
    assert whole.schema() == schema
    batch = to_arrow(rows, schema)
    batch.validate(full=True)
    assert batch.num_rows == len(rows)
    for field in schema:
        for row, found in zip(rows, batch.column(field.name).to_pylist(), strict=True):
            value = row.get(field.name)
            if is_json_text(field) and found is not None:
                found = json.loads(found)
                assert repr(found) == repr(value)
            else:
                assert found == value or (math.isnan(found) and math.isnan(value))

"""Arrays of JSON, element by element: cut into any pieces, cut off at any byte, damaged anywhere."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import RecordError
from pipeline.sources import json_array, json_window
from pipeline.sources.json_array import json_elements, json_kind, split_elements

Elements = list[tuple[int, Any]]

TEXTS = st.text(st.sampled_from('a"\\,{}[]é\n\u2028😀 '), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 10**6) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BLANKS = st.sampled_from(["", " ", "\n", "\r\n\t  "])


def conversation(number: int) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"é {number}"}, {"from": "gpt", "value": 'said "},{"'}]
    return {"id": number, "conversations": [*turns, {"from": "human", "value": "And?"}]}


ROWS = [conversation(number) for number in range(6)]
ARRAY = json.dumps(ROWS, ensure_ascii=False).encode()


def starts(data: bytes, rows: list[dict[str, Any]]) -> list[int]:
    """Where each element begins."""
    found, at = [], 0
    for row in rows:
        at = data.index(json.dumps(row, ensure_ascii=False).encode(), at)
        found.append(at)
        at += 1
    return found


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def told(elements: Elements) -> list[Any]:
    """Values, and slugs in place of faults."""
    return [v.reason if isinstance(v, RecordError) else v for _, v in elements]


def comparable(elements: Elements) -> list[tuple[int, str]]:
    return [(at, str(v) if isinstance(v, RecordError) else json.dumps(v)) for at, v in elements]


@given(st.lists(VALUES, max_size=5), BLANKS, st.booleans(), st.integers(1, 40))
def test_any_array_in_pieces_of_any_size(
    values: list[Any], blank: str, ascii_only: bool, size: int
) -> None:
    texts = [json.dumps(value, ensure_ascii=ascii_only) for value in values]
    data = (blank + "[" + f"{blank},{blank}".join(texts) + blank + "]" + blank).encode()
    elements = list(split_elements(cut(data, size)))
    assert [value for _, value in elements] == values
    for (at, _), text in zip(elements, texts, strict=True):
        assert data[at:].startswith(text.encode())


@given(st.integers(0, len(ARRAY) - 1), st.integers(1, 200))
def test_cut_off_at_any_byte_every_whole_element_and_one_fault(end: int, size: int) -> None:
    elements = list(split_elements(cut(ARRAY[:end], size)))
    ends = [at + len(json.dumps(row, ensure_ascii=False).encode())
            for at, row in zip(starts(ARRAY, ROWS), ROWS, strict=True)]  # fmt: skip
    whole = sum(stop <= end for stop in ends)
    assert told(elements) == [*ROWS[:whole], *(["table.json"] if end else [])]


@given(st.integers(1, len(ARRAY) - 1), st.binary(max_size=3), st.integers(0, 3), st.data())
def test_damage_costs_what_it_touches_however_the_file_is_cut(
    at: int, put: bytes, removed: int, data: st.DataObject
) -> None:
    damaged = ARRAY[:at] + put + ARRAY[at + removed :]
    elements = list(split_elements([damaged]))
    sizes = st.integers(1, 300)
    again = list(split_elements(cut(damaged, data.draw(sizes))))
    assert comparable(elements) == comparable(again)
    first = [end for end in starts(ARRAY, ROWS) if end < at]
    intact = max(len(first) - 1, 0)
    assert told(elements)[:intact] == ROWS[:intact]
    offsets = [offset for offset, _ in elements]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("row", range(len(ROWS)))
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"conversations": [', b'"conversations": '),
        (b'"conversations"', b"conversations"),
        (b'"human"', b'"human'),
        (b'"}, {"from": "gpt"', b'" {"from": "gpt"'),
        (b'"And?"}]}', b'"And?"]}'),
        (b'"And?"}]}', b'"And?"}'),
        (b'"And?"', b'"And?\n"'),
        (b'"id": ', b'"id": nul'),
    ],
)
def test_a_damaged_element_costs_itself(row: int, old: bytes, new: bytes) -> None:
    at = ARRAY.index(old, starts(ARRAY, ROWS)[row])
    elements = list(split_elements([ARRAY[:at] + new + ARRAY[at + len(old) :]]))
    if row == len(ROWS) - 1 or new == b'"And?"}':
        assert told(elements)[:row] == ROWS[:row]
        assert told(elements)[row] == "table.json"
    else:
        assert told(elements) == [*ROWS[:row], "table.json", *ROWS[row + 1 :]]
        fault = elements[row][1]
        assert "at least one element is lost" in fault.message


def test_two_damaged_elements_side_by_side_are_one_fault() -> None:
    data = ARRAY.replace(b'"id": 2', b'"id": x').replace(b'"id": 3', b'"id": x')
    assert told(list(split_elements([data]))) == [*ROWS[:2], "table.json", *ROWS[4:]]


def test_turns_are_not_taken_for_elements() -> None:
    data = ARRAY.replace(b'"id": 0', b'"id": x').replace(b'"id": 5', b'"id": x')
    assert told(list(split_elements([data]))) == ["table.json", *ROWS[1:5], "table.json"]


def test_an_element_that_is_no_utf8_or_too_deep_costs_itself() -> None:
    deep = b"[" * 300 + b"]" * 300
    data = b'[{"a": 1}, {"a": "\xff"}, {"a": ' + deep + b'}, {"a": 2}]'
    assert told(list(split_elements([data]))) == [{"a": 1}, "table.utf8", "table.depth", {"a": 2}]
    bottomless = b'[{"a": 1}, {"a": ' + b"[" * 100_000 + b', {"a": 2}, {"a": 3}]'
    assert told(list(split_elements([bottomless])))[:2] == [{"a": 1}, "table.depth"]


def test_an_element_over_the_limit_costs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "MAX_LINE", 1000)
    rows = [{"a": "x"}, {"a": "y" * 5000}, {"a": "z"}, {"a": "w"}]
    data = json.dumps(rows).encode()
    for size in (1, 7, 999, 10_000):
        monkeypatch.setattr(json_window, "READ", size)
        assert told(list(split_elements(cut(data, size)))) == [
            rows[0],
            "table.line_bytes",
            *rows[2:],
        ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \n", []),
        (b"[]", []),
        (b"\xef\xbb\xbf[1]", [1]),
        (b'["a", "b"]', ["a", "b"]),
        (b'["\\ud800"]', ["\ufffd"]),
        (b"[1, 2,]", [1, 2]),
        (b"[1][2]\n[3]", [1, 2, 3]),
        (b"[", ["table.json"]),
        (b"[1, 2", [1, "table.json"]),
        (b'["a" "b"]', ["a", "table.json"]),
        (b'[{"a": 1}] and more', [{"a": 1}, "table.json"]),
        (b"[" + b"9" * 5000 + b"]", ["table.json"]),
        (b'{"a": 1}', [{"a": 1}]),
        (b'{"a": 1} {"b": 2}', [{"a": 1}, {"b": 2}]),
        (b'{"a": 1} {"b": ', [{"a": 1}, "table.json"]),
        (b"12", [12]),
        (b"\x00", ["table.json"]),
    ],
)
def test_odd_files(data: bytes, expected: list[Any]) -> None:
    for size in (1, 5, 10_000):
        assert told(list(split_elements(cut(data, size)))) == expected


@pytest.mark.parametrize(
    "unit", [b',{"a":[', b",{", b',{"a":[{}', b",{}", b",", b" ", b'{"', b"\\"]
)
def test_hostile_damage_is_searched_in_linear_work(
    unit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned = 0
    value = json_window.Window.value

    def counted(window: json_window.Window, *rest: int) -> json_window.Found:
        nonlocal scanned
        found = value(window, *rest)
        scanned += found.size
        return found

    monkeypatch.setattr(json_window.Window, "value", counted)
    monkeypatch.setattr(json_array, "TRIES", 1 << 16)
    data = b'[{"a": x' + unit * (200_000 // len(unit))
    assert told(list(split_elements([data])))[-1] == "table.json"
    assert scanned < 30 * len(data) + 5_000_000


@pytest.mark.parametrize(("ending", "codec"), [("", None), (".gz", "gzip"), (".zst", "zstd")])
def test_files_whole_and_cut_off(ending: str, codec: str | None, tmp_path: Path) -> None:
    rows = [conversation(number) for number in range(3000)]
    data = json.dumps(rows).encode()
    if codec == "gzip":
        data = gzip.compress(data)
    elif codec == "zstd":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        data = sink.getvalue().to_pybytes()
    path = tmp_path / f"a.json{ending}"
    path.write_bytes(data)
    assert json_kind(str(path), codec) == "array"
    assert [value for _, value in json_elements(str(path), codec)] == rows
    path.write_bytes(data[: len(data) * 2 // 3])
    *whole, (_, fault) = json_elements(str(path), codec)
    assert [value for _, value in whole] == rows[: len(whole)]
    assert len(whole) > 0
    assert fault.reason == ("table.compression" if codec else "table.json")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "lines"),
        (b" [1", "array"),
        (b"\xef\xbb\xbf[", "array"),
        (b'{"a": 1}\n{"a": 2}\n', "lines"),
        (b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n', "lines"),
        (b'{"a": 1}', "lines"),
        (b'{"a": 1\n{"a": 2}\n', "lines"),
        (b'{"a": \n  {"b": 1}\n}\n', "values"),
        (b'"a"', "values"),
    ],
)
def test_what_a_json_file_holds(data: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    assert json_kind(str(tmp_path / "a.json")) == kind

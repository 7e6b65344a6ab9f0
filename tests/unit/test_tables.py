"""Tables as input: which files are taken, how they are cut, what a bad row costs."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import pickle
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import ConfigError, SourceError
from pipeline.sources import json_lines
from pipeline.sources.columns import (
    ColumnTypes,
    conform,
    encodable,
    is_json_text,
    to_arrow,
    unify,
)
from pipeline.sources.tables import (
    TablePart,
    TableRow,
    plan_tables,
    read_batches,
    read_rows,
    stamp,
)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def rows_of(*paths: Path, part_bytes: int = 1 << 20, **wanted: Any) -> list[TableRow]:
    parts = plan_tables(paths, part_bytes)
    return [row for part in parts for row in read_rows(part, **wanted)]


def values_of(*paths: Path, **wanted: Any) -> list[dict[str, Any] | None]:
    return [row.values for row in rows_of(*paths, **wanted)]


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def lines(count: int, seed: int = 0) -> bytes:
    rng = random.Random(seed)
    words = ["meal", "mill", "grain", "sieve", "stone"]
    return b"".join(
        json.dumps({"id": number, "text": " ".join(rng.choices(words, k=30))}).encode() + b"\n"
        for number in range(count)
    )


# --- planning --------------------------------------------------------------------------------


def test_files_globs_and_folders_each_file_once_in_order(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.txt", ".d.jsonl", "_e.jsonl", "F.JSONL"):
        written(tmp_path / name, b'{"id": 1}\n')
    (tmp_path / "below").mkdir()
    written(tmp_path / "below" / "g.jsonl", b"")
    known = ["F.JSONL", "a.jsonl", "b.jsonl"]
    for given in (
        [tmp_path],
        [tmp_path / "[!_]*.jsonl", tmp_path / "F.JSONL", tmp_path / "a.jsonl"],
        [str(tmp_path / name) for name in reversed(known)],
    ):
        assert [Path(part.path).name for part in plan_tables(given)] == known
    deep = plan_tables([tmp_path / "**" / "*.jsonl"])
    assert "g.jsonl" in {Path(part.path).name for part in deep}


def test_a_glob_that_matches_a_folder_of_parts_takes_its_files(tmp_path: Path) -> None:
    (tmp_path / "out.parquet").mkdir()
    pq.write_table(pa.table({"id": [1]}), tmp_path / "out.parquet" / "part-0.parquet")
    written(tmp_path / "out.parquet" / "_SUCCESS", b"")
    assert values_of(tmp_path / "*.parquet") == [{"id": 1}]


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: Any) -> None:
    written(tmp_path / "a.jsonl", b"{}")
    monkeypatch.chdir(tmp_path)
    assert plan_tables(["a.jsonl"]) == (TablePart(str(tmp_path / "a.jsonl"), 0, 2),)


@pytest.mark.parametrize(
    ("name", "data", "kind", "message"),
    [
        ("a.csv", b"id\n", ConfigError, r"a\.csv: its ending .*\.jsonl, .*convert"),
        ("a.jsonl", b"\x1f\x8b\x08\0", SourceError, r"a\.jsonl: is gzip.* rename"),
        ("a.jsonl", b"\xff\xfe{\0", SourceError, "UTF-16; convert"),
        ("a.jsonl.zst", b"\x1f\x8b\x08\0", SourceError, "is gzip"),
        ("a.jsonl.gz", b'{"id"', SourceError, "not what its ending says"),
        ("a.jsonl.gz", b"", SourceError, "is empty"),
        ("a.parquet", b"", SourceError, "is empty"),
        ("a.parquet", b"PAR1cut off", SourceError, "cannot be read as Parquet .* leave it out"),
    ],
)
def test_what_is_not_what_it_should_be_stops_the_plan(
    name: str, data: bytes, kind: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message):
        plan_tables([written(tmp_path / name, data)])


def test_missing_and_empty_inputs_stop_the_plan(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="none: no such file or folder"):
        plan_tables([tmp_path / "none"])
    with pytest.raises(SourceError, match="matches no file"):
        plan_tables([tmp_path / "*.jsonl"])
    with pytest.raises(SourceError, match=r"no table in this folder .*\*\*/\*\.parquet"):
        plan_tables([tmp_path])
    with pytest.raises(ConfigError, match="no input"):
        plan_tables([])
    with pytest.raises(ConfigError, match="part_bytes"):
        plan_tables([tmp_path], part_bytes=0)
    with pytest.raises(SourceError, match="nosuch"):
        plan_tables(["nosuch://a.jsonl"])


def test_columns_of_one_name_stop_the_plan(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(twice, tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="more than one column is called 'a'"):
        plan_tables([tmp_path])


def test_parts_are_of_about_the_size_asked_for(tmp_path: Path) -> None:
    plain = written(tmp_path / "a.jsonl", lines(100))
    size = plain.stat().st_size
    parts = plan_tables([plain], part_bytes=size // 4 + 1)
    assert [(part.start, part.end) for part in parts][::3] == [
        (0, size // 4),
        (size * 3 // 4, size),
    ]
    table = pa.table({"text": [f"{number:0100}" for number in range(1000)]})
    pq.write_table(table, tmp_path / "b.parquet", row_group_size=100, use_dictionary=False)
    parts = plan_tables([tmp_path / "b.parquet"], part_bytes=25_000)
    assert [(part.start, part.end) for part in parts] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert len(plan_tables([tmp_path / "b.parquet"], part_bytes=1)) == 10


def test_the_stamp_is_size_and_time(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", b"{}")
    os.utime(path, ns=(5, 7))
    assert stamp(str(path)) == (2, 7)
    with pytest.raises(SourceError, match="No such file"):
        stamp(str(tmp_path / "none"))


def test_another_file_system(tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/tables/a.jsonl", b'{"id": 1}\n{"id": 2}\n')
    memory.pipe("/tables/b.jsonl.gz", gzip.compress(b'{"id": 3}\n'))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": [4]}), sink)
    memory.pipe("/tables/c.parquet", sink.getvalue().to_pybytes())
    parts = plan_tables(["memory://tables"], part_bytes=10)
    assert len(parts) == 4
    found = [row for part in parts for row in read_rows(part)]
    assert [row.values for row in found] == [{"id": number} for number in (1, 2, 3, 4)]
    assert found[1].place == "memory:///tables/a.jsonl at byte 10"
    assert stamp(parts[0].path)[0] == 20


# --- JSON lines ------------------------------------------------------------------------------


def test_one_bad_line_costs_one_line(tmp_path: Path) -> None:
    bad = [
        (b'{"id": 1', "table.json"),
        (b"[1, 2]", "table.object"),
        (b"null", "table.object"),
        (b'{"t": "\xff"}', "table.utf8"),
        (b'{"t": "\xed\xa0\x80"}', "table.utf8"),
        (b'{"n": ' + b"9" * 5000 + b"}", "table.json"),
        (b'{"n": ' + b"[" * 300 + b"]" * 300 + b"}", "table.depth"),
        (b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "table.depth"),
        (b"\0\0\0", "table.json"),
    ]
    good = b'{"id": "good"}\n'
    path = written(tmp_path / "a.jsonl", good + b"".join(line + b"\n" + good for line, _ in bad))
    rows = rows_of(path)
    assert [row.reason for row in rows[1::2]] == [reason for _, reason in bad]
    assert all(row.values == {"id": "good"} and row.error is None for row in rows[::2])
    assert all(row.values is None and row.error and row.lost == 1 for row in rows[1::2])
    assert rows[1].number == len(good)
    assert rows[1].place == f"{path} at byte {len(good)}"
    assert [row.number for row in rows] == sorted(row.number for row in rows)


def test_nested_as_deep_as_it_may_be(tmp_path: Path) -> None:
    deep = b"[" * 199 + b"]" * 199
    text = json.dumps({"text": "[" * 500, "n": 1}).encode()
    path = written(tmp_path / "a.jsonl", b'{"n": ' + deep + b"}\n" + text)
    assert [row.error for row in rows_of(path)] == [None, None]


def test_blank_lines_are_none_and_line_ends_are_anyones(tmp_path: Path) -> None:
    bom = b"\xef\xbb\xbf"
    data = bom + b'{"id": 1}\r\n\r\n  \t\n\n{"id": 2}\n' + bom + b'{"id": "\xe2\x80\xa8\\n"}'
    rows = rows_of(written(tmp_path / "a.jsonl", data))
    assert [row.values for row in rows] == [{"id": 1}, {"id": 2}, {"id": "\u2028\n"}]
    assert [row.number for row in rows] == [0, 21, 31]
    assert rows_of(written(tmp_path / "b.jsonl", bom)) == []
    assert rows_of(written(tmp_path / "c.jsonl", b"")) == []


def test_a_long_line_and_one_too_long(tmp_path: Path, monkeypatch: Any) -> None:
    long = {"id": 2, "text": "x" * (10 << 20)}
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n' + json.dumps(long) + '\n{"id": 3}\n')
    assert values_of(path) == [{"id": 1}, long, {"id": 3}]
    monkeypatch.setattr(json_lines, "MAX_LINE", 1 << 20)
    rows = rows_of(path)
    assert [row.reason for row in rows] == [None, "table.line_bytes", None]
    assert rows[2].values == {"id": 3}


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    line = rb'{"a\ud800": ["\uDFFF", {"\udc00b": "\ud83d\ude00"}], "t": "\\ud800", "n": 1}'
    path = written(tmp_path / "a.jsonl", line)
    seen = ColumnTypes()
    [values] = values_of(path, types=seen)
    assert values == {"a\ufffd": ["\ufffd", {"\ufffdb": "😀"}], "t": "\\ud800", "n": 1}
    [batch] = read_batches(plan_tables([path])[0], seen.schema())
    assert batch.rows.schema.names == ["a\ufffd", "t", "n"]


def test_only_the_columns_wanted_but_the_types_of_all(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", b'{"id": 1, "t": "x"}\n{"t": 2.5, "u": null}\n')
    seen = ColumnTypes()
    assert values_of(path, columns=["id", "none"], types=seen) == [{"id": 1}, {}]
    assert seen.schema().names == ["id", "t", "u"]


def test_a_part_of_a_file_that_is_gone(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(SourceError, match=name):
            list(read_rows(TablePart(str(tmp_path / name), 0, 1)))


# --- compressed ------------------------------------------------------------------------------


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstd)])
def test_compressed_lines_in_one_part(ending: str, pack: Any, tmp_path: Path) -> None:
    data = lines(3000)
    packed = pack(data[:1000]) + pack(b"") + pack(data[1000:])
    path = written(tmp_path / f"a.jsonl.{ending}", packed)
    assert len(plan_tables([path], part_bytes=100)) == 1
    rows = rows_of(path)
    plain = rows_of(written(tmp_path / "a.jsonl", data))
    assert [(row.number, row.values) for row in rows] == [(row.number, row.values) for row in plain]
    assert rows[1].place.endswith(f"at byte {rows[1].number} of its unpacked text")


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_fault_of_the_disk_is_none_of_the_file(
    name: str, tmp_path: Path, monkeypatch: Any
) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("connection lost")
            return super().read(1000)

    @contextlib.contextmanager
    def failing(path: str, *_: Any) -> Iterator[tuple[Any, int]]:
        yield Failing(gzip.compress(lines(5000)) if name.endswith(".gz") else lines(5000)), 0

    monkeypatch.setattr(json_lines, "open_input", failing)
    with pytest.raises(SourceError, match="cannot be read: connection lost"):
        list(read_rows(TablePart(str(tmp_path / name), 0, 1 << 20)))


def test_zstd_with_a_frame_to_skip(tmp_path: Path) -> None:
    data = b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd(b'{"id": 1}\n')
    assert values_of(written(tmp_path / "a.jsonl.zst", data)) == [{"id": 1}]


def inflated_before_damage(packed: bytes) -> bytes:
    engine, text = zlib.decompressobj(31), b""
    try:
        for at in range(len(packed)):
            text += engine.decompress(packed[at : at + 1])
    except zlib.error:
        pass
    return text


@pytest.mark.parametrize("way", ["cut", "flip"])
def test_every_whole_line_before_the_damage_of_a_gzip_file(way: str, tmp_path: Path) -> None:
    packed = gzip.compress(lines(2000), mtime=0)
    for at in random.Random(3).sample(range(20, len(packed)), 6):
        damaged = packed[:at]
        if way == "flip":
            damaged += bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]
        *rows, last = rows_of(written(tmp_path / "a.jsonl.gz", damaged))
        text = inflated_before_damage(damaged)
        assert last.number == text.rfind(b"\n") + 1
        assert len(rows) == sum(
            not line.isspace() for line in text[: last.number].split(b"\n")[:-1] if line
        )
        assert last.reason == "table.compression"
        assert last.error is not None
        assert last.error.startswith("cut off or damaged, the rest is lost: ")


def test_every_whole_line_before_the_damage_of_a_zstd_file(tmp_path: Path) -> None:
    data = lines(4000)
    packed = zstd(data)
    for at in random.Random(4).sample(range(20, len(packed)), 6):
        *rows, last = rows_of(written(tmp_path / "a.jsonl.zst", packed[:at]))
        assert last.reason == "table.compression"
        # A block of 128 KiB is there or it is not.
        blocks = 2 * (128 << 10)  # a block is there as a whole or not at all
        assert last.number >= len(data) * at // len(packed) - blocks
        assert [row.values for row in rows] == [
            json.loads(line) for line in data[: last.number].splitlines()
        ]
    good = zstd(data)
    *rows, last = rows_of(written(tmp_path / "b.jsonl.zst", good + b"no frame"))
    assert len(rows) == 4000
    assert last.number == len(data)


# --- Parquet ---------------------------------------------------------------------------------


def sample(rows: int = 1000) -> pa.Table:
    return pa.table(
        {
            "id": [f"doc-{number}" for number in range(rows)],
            "text": [f"{number} " * (number % 40) for number in range(rows)],
            "n": pa.array(range(rows), pa.int32()),
            "tags": [[str(number)] * (number % 3) for number in range(rows)],
        }
    )


def test_parquet_in_any_parts(tmp_path: Path) -> None:
    table = sample()
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=90)
    for part_bytes in (1, 5000, 1 << 20):
        rows = rows_of(tmp_path, part_bytes=part_bytes)
        assert [row.values for row in rows] == table.to_pylist()
        assert [row.number for row in rows] == list(range(1000))
    assert rows[17].place == f"{tmp_path}/a.parquet row 17"
    assert values_of(tmp_path, columns=["n", "none"]) == table.select(["n"]).to_pylist()
    assert values_of(tmp_path, columns=["none"]) == [{}] * 1000


def test_parquet_columns_with_dots_in_their_names(tmp_path: Path) -> None:
    table = pa.table({"a.b": [1], "a": [{"b": 2, "c": 3}], "z": [4]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert values_of(tmp_path, columns=["a"]) == [{"a": {"b": 2, "c": 3}}]


def test_parquet_without_rows(tmp_path: Path) -> None:
    pq.write_table(sample().slice(0, 0), tmp_path / "a.parquet")
    seen = ColumnTypes()
    assert rows_of(tmp_path, types=seen) == []
    assert seen.schema() == sample().schema


def test_a_broken_row_group_costs_its_rows_and_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(sample(), path, row_group_size=100, compression="zstd")
    chunk = pq.ParquetFile(path).metadata.row_group(3).column(1)
    data = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start : start + chunk.total_compressed_size] = b"\xa5" * chunk.total_compressed_size
    path.write_bytes(data)
    rows = rows_of(path)
    assert len(rows) == 901
    [error] = [row for row in rows if row.values is None]
    assert (error.number, error.lost, error.reason) == (300, 100, "table.row_group")
    assert error.error is not None
    assert error.error.startswith("100 of the 100 rows of row group 3 are lost: ")
    assert error.place == f"{path} row 300"
    assert [row.number for row in rows] == [*range(301), *range(400, 1000)]
    assert len(rows_of(path, columns=["id", "n"])) == 1000  # the broken column is not read
    [batch] = [
        batch
        for part in plan_tables([path])
        for batch in read_batches(part, sample().schema)
        if batch.errors
    ]
    assert batch.errors == (error,)
    assert batch.rows.num_rows == 0


def test_strings_that_are_no_utf8_cost_their_row(tmp_path: Path) -> None:
    text = pa.array([b"one", b"tw\xff", b"three", None]).view(pa.string())
    table = pa.table({"id": [1, 2, 3, 4], "text": text})
    pq.write_table(table, tmp_path / "a.parquet")
    rows = rows_of(tmp_path)
    assert [row.reason for row in rows] == [None, "table.utf8", None, None]
    assert [row.number for row in rows] == [0, 1, 2, 3]
    assert rows[2].values == {"id": 3, "text": "three"}
    assert len([row for row in rows_of(tmp_path, columns=["id"]) if row.values]) == 4
    [batch] = read_batches(plan_tables([tmp_path])[0], table.schema)
    assert batch.numbers.tolist() == [0, 2, 3]
    assert batch.rows.column("id").to_pylist() == [1, 3, 4]
    assert batch.errors == (rows[1],)


def test_times_that_python_cannot_hold(tmp_path: Path) -> None:
    table = pa.table(
        {
            "ns": pa.array([1_500_000_000_123_456_789, None], pa.timestamp("ns")),
            "far": pa.array([2**62, 0], pa.timestamp("us")),
            "id": ["a", "b"],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    rows = rows_of(tmp_path)
    assert rows[0].values is not None
    assert rows[0].values["ns"].isoformat() == "2017-07-14T02:40:00.123456"
    assert isinstance(rows[0].values["far"], str)
    assert rows[1].values is not None
    assert rows[1].values["far"].year == 1970
    part = plan_tables([tmp_path])[0]
    seen = ColumnTypes()
    list(read_rows(part, types=seen))
    [batch] = read_batches(part, seen.schema())
    assert pa.Table.from_batches([batch.rows]) == table


def test_a_file_that_lost_row_groups_meanwhile(tmp_path: Path) -> None:
    pq.write_table(sample(), tmp_path / "a.parquet", row_group_size=100)
    [part] = plan_tables([tmp_path])
    pq.write_table(sample(), tmp_path / "a.parquet", row_group_size=1000)
    with pytest.raises(SourceError, match="fewer row groups"):
        list(read_rows(part))


# --- columns ---------------------------------------------------------------------------------


def seen_in(*values: Any) -> ColumnTypes:
    types = ColumnTypes()
    for value in values:
        types.observe({"c": value})
    return types


def stored_as(kind: pa.DataType, exact: bool = False) -> ColumnTypes:
    types = ColumnTypes()
    types.observe_field(pa.field("c", kind, nullable=pa.types.is_null(kind)), exact)
    return types


JSON = "JSON text"
S, L = pa.string(), pa.large_string()
STRUCT = pa.struct([("a", pa.int32()), ("b", pa.null())])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([seen_in(None)], L),
        ([seen_in(True, None)], pa.bool_()),
        ([seen_in(1, None, -(2**63))], pa.int64()),
        ([seen_in(1, 2**63)], JSON),
        ([seen_in(1), seen_in(2.5)], pa.float64()),
        ([seen_in(2**53), seen_in(2.5)], pa.float64()),
        ([seen_in(2**53 + 1), seen_in(2.5)], JSON),
        ([seen_in("a"), seen_in(None)], L),
        ([seen_in("a", 1)], JSON),
        ([seen_in(True, 1)], JSON),
        ([seen_in([1])], JSON),
        ([seen_in({})], JSON),
        ([stored_as(pa.int32())], pa.int32()),
        ([stored_as(pa.null())], pa.null()),
        ([stored_as(pa.null()), seen_in(None)], L),
        ([stored_as(pa.int16()), seen_in(None)], pa.int16()),
        ([stored_as(pa.null()), stored_as(pa.timestamp("ms"))], pa.timestamp("ms")),
        ([stored_as(pa.int8()), stored_as(pa.uint32())], pa.int64()),
        ([stored_as(pa.int64()), stored_as(pa.int32())], pa.int64()),
        ([stored_as(pa.uint64()), stored_as(pa.int32())], JSON),
        ([stored_as(pa.uint64(), exact=True), stored_as(pa.int32())], pa.int64()),
        ([stored_as(pa.int32()), stored_as(pa.float32())], pa.float64()),
        ([stored_as(pa.int64()), stored_as(pa.float64())], JSON),
        ([stored_as(pa.int64(), exact=True), stored_as(pa.float64())], pa.float64()),
        ([stored_as(pa.int64(), exact=True), seen_in(0.5)], pa.float64()),
        ([stored_as(S), stored_as(L)], L),
        ([stored_as(pa.dictionary(pa.int8(), S)), seen_in("a")], L),
        ([stored_as(S), stored_as(pa.int8())], JSON),
        ([stored_as(pa.binary()), stored_as(pa.large_binary())], pa.large_binary()),
        ([stored_as(pa.timestamp("ms")), stored_as(pa.timestamp("us"))], JSON),
        ([stored_as(pa.timestamp("ms")), seen_in("2024-01-01")], JSON),
        ([stored_as(pa.list_(pa.null())), stored_as(pa.list_(S))], pa.large_list(S)),
        ([stored_as(pa.list_(pa.int64())), stored_as(pa.list_(S))], JSON),
        (
            [stored_as(STRUCT), stored_as(pa.struct([("a", pa.int64()), ("b", S)]))],
            pa.struct([("a", pa.int64()), ("b", S)]),
        ),
        ([stored_as(STRUCT), stored_as(pa.struct([("a", pa.int32())]))], JSON),
        ([stored_as(STRUCT), seen_in({"a": 1})], JSON),
    ],
)
def test_the_type_of_a_column(parts: list[ColumnTypes], expected: Any) -> None:
    for order in (parts, parts[::-1]):
        [field] = unify(order)
        assert (JSON if is_json_text(field) else field.type) == expected
        assert field.nullable
        if is_json_text(field):
            assert field.type == L


def test_columns_are_in_order_of_first_appearance(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", b'{"z": 1}\n{"a": 1, "z": 2}')
    pq.write_table(pa.table({"m": [1], "a": [1]}), tmp_path / "b.parquet")
    written(tmp_path / "c.jsonl", b'{"b": 1, "m": 0.5}')
    found = []
    for part in plan_tables([tmp_path]):
        found.append(ColumnTypes())
        list(read_rows(part, ["a"], found[-1]))
    assert unify(found).names == ["z", "a", "m", "b"]
    assert unify(found).field("m").type == pa.float64()  # by the statistics, all exact


def test_json_text_and_what_no_file_can_hold() -> None:
    rows = [{"c": "é\ud800"}, {"c": [1, None, {"k": "\udfff"}]}, {}, {"c": 2**70}, {"d": "\ud83d!"}]
    types = ColumnTypes()
    for row in rows:
        types.observe(row)
    batch = to_arrow(rows, types.schema())
    assert batch.column("c").to_pylist() == [
        '"é\ufffd"',
        '[1, null, {"k": "\ufffd"}]',
        None,
        str(2**70),
        None,
    ]
    assert batch.column("d").to_pylist() == [None] * 4 + ["\ufffd!"]
    assert encodable("a\ud83d\ude00\udc00") == "a😀\ufffd"


def test_json_text_is_not_encoded_twice(tmp_path: Path) -> None:
    schema = seen_in("a", 1).schema()
    pq.write_table(
        pa.Table.from_batches([to_arrow([{"c": "a"}, {"c": 1}], schema)]), tmp_path / "a.parquet"
    )
    pq.write_table(pa.table({"c": [3, 4]}), tmp_path / "b.parquet")
    types = ColumnTypes()
    parts = plan_tables([tmp_path])
    for part in parts:
        list(read_rows(part, types=types))
    found = [batch.rows for part in parts for batch in read_batches(part, types.schema())]
    assert pa.Table.from_batches(found).column("c").to_pylist() == ['"a"', "1", "3", "4"]


def test_parquet_values_as_json_text() -> None:
    schema = unify([stored_as(pa.list_(pa.int8())), stored_as(pa.date32())])
    for values, kind, expected in (
        ([b"\xff"], pa.binary(), '"/w=="'),
        ([0], pa.timestamp("ns"), '"1970-01-01T00:00:00"'),
        (["1.50"], pa.string(), '"1.50"'),
        ([{"a": [1]}], pa.struct([("a", pa.list_(pa.int8()))]), '{"a": [1]}'),
    ):
        batch = pa.record_batch({"c": pa.array(values, kind)})
        assert conform(batch, schema).column("c").to_pylist() == [expected]


def test_a_schema_made_from_other_rows_is_refused() -> None:
    schema = seen_in(1).schema()
    for value in ("a", 2**63, [1]):
        with pytest.raises(SourceError, match="column 'c': values that int64 has no room for"):
            to_arrow([{"c": value}], schema)
    with pytest.raises(SourceError, match="no room"):
        conform(pa.record_batch({"c": ["a"]}), schema)


# --- batches ---------------------------------------------------------------------------------


def test_batches_are_the_rows(tmp_path: Path) -> None:
    data = lines(2500)
    cut = data.index(b"\n") + 1
    written(tmp_path / "a.jsonl", data[:cut] + b"bad\n" + data[cut:] + b"worse")
    pq.write_table(pa.table({"id": [7, 8], "score": [0.5, 1.0]}), tmp_path / "b.parquet")
    seen, rows = ColumnTypes(), []
    parts = plan_tables([tmp_path], part_bytes=100_000)
    for part in parts:
        of_part = ColumnTypes()
        rows += list(read_rows(part, types=of_part))
        seen.merge(pickle.loads(pickle.dumps(of_part)))
    schema = seen.schema()
    assert schema == pa.schema(
        [("id", pa.int64()), ("text", pa.large_string()), ("score", pa.float64())]
    )
    batches = [batch for part in parts for batch in read_batches(part, schema)]
    assert all(batch.rows.schema == schema for batch in batches)
    assert [row for batch in batches for row in batch.errors] == [
        row for row in rows if row.values is None
    ]
    good = [row for row in rows if row.values is not None]
    assert [(batch.path, number) for batch in batches for number in batch.numbers.tolist()] == [
        (row.path, row.number) for row in good
    ]
    written_rows = pa.Table.from_batches([batch.rows for batch in batches]).to_pylist()
    assert written_rows == [
        {name: (row.values or {}).get(name) for name in schema.names} for row in good
    ]


def test_batches_of_some_columns_or_none(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", lines(5))
    pq.write_table(sample(3), tmp_path / "b.parquet")
    parts = plan_tables([tmp_path])
    for names in ([("id", pa.large_string())], []):
        schema = pa.schema(names)
        if not names:
            found = [batch.rows.num_rows for part in parts for batch in read_batches(part, schema)]
            assert found == [5, 3]
        else:
            [batch] = read_batches(parts[1], schema)
            assert batch.rows.column("id").to_pylist() == ["doc-0", "doc-1", "doc-2"]


def test_real_tables(shared_data: Path) -> None:
    files = sorted(shared_data.glob("benchmarks/pairs_dev/*.jsonl"))
    rows = rows_of(*files, part_bytes=200_000)
    assert len(rows) == sum(path.read_bytes().count(b"\n") for path in files)
    assert all(row.error is None for row in rows)

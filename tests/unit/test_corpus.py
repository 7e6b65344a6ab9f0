"""Any corpus as documents: what is found and how it is cut, ids and faults, and what is written again."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import ConfigError, ConservationError, SourceError, StorageError
from pipeline.sources import text_files
from pipeline.sources.cleaned import Cleaned, cleaned_schema, write_cleaned
from pipeline.sources.columns import ColumnTypes
from pipeline.sources.corpus import (
    CorpusColumns,
    CorpusRow,
    check_columns,
    plan_corpus,
    read_corpus,
    stamp,
)

LEAK = {"benchmark": "quiz", "item": "7", "type": "verbatim", "probability": 0.99}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / ".cache"))


def written(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def jsonl(path: Path, *rows: Any) -> Path:
    return written(path, "".join(json.dumps(row) + "\n" for row in rows))


def parquet(path: Path, columns: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def rows_of(
    *paths: Path | str, columns: CorpusColumns | None = None, split_bytes: int = 1 << 20
) -> list[CorpusRow]:
    parts = plan_corpus(paths, split_bytes=split_bytes)
    return [row for part in parts for row in read_corpus(part, columns)]


def texts_of(*paths: Path | str, **options: Any) -> dict[str, str | None]:
    rows = rows_of(*paths, **options)
    assert len({row.place for row in rows}) == len(rows)
    return {row.id: row.text for row in rows}


def names_of(*paths: Path | str) -> list[str]:
    return [part.name for part in plan_corpus(paths)]


# --- what is found ---------------------------------------------------------------------------


def test_of_a_runs_output_the_corpus_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for kind in ("corpus", "records", "dropped", "quarantine", "dedup"):
        parquet(out / kind / "part-00000.parquet", {"id": [kind], "text": ["t"]})
    written(out / ".gristmill" / "lock", "")
    written(out / "README.md", "A card.")
    with pytest.raises(SourceError, match="not finished; run the same command again"):
        plan_corpus([out])
    written(out / "manifest.json", "{}")
    assert texts_of(out) == {"corpus": "t"}
    assert texts_of(tmp_path) == {"corpus": "t"}  # a folder of runs, too
    assert texts_of(out / "dropped") == {"dropped": "t"}  # what is named is read
    [part] = plan_corpus([out])
    assert part.inputs == (str(out / "corpus" / "part-00000.parquet"),)


def test_of_a_deduplication_what_was_kept_and_of_an_audit_what_is_clean(tmp_path: Path) -> None:
    for name in ("kept", "receipts", "quarantine"):
        parquet(tmp_path / "dedup" / f"{name}.parquet", {"id": [name], "text": ["t"]})
    written(tmp_path / "dedup" / "manifest.json", "{}")
    parquet(tmp_path / "audit" / "findings.parquet", {"document": ["x"]})
    parquet(tmp_path / "audit" / "cleaned" / "part-00000.parquet", {"id": ["c"], "text": ["t"]})
    written(tmp_path / "audit" / ".gristmill" / "lock", "")
    written(tmp_path / "audit" / "audit.json", "{}")
    assert texts_of(tmp_path / "dedup", tmp_path / "audit") == {"kept": "t", "c": "t"}


def test_an_audit_in_the_folder_that_it_is_of(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "a")
    written(tmp_path / "audit" / ".gristmill" / "lock", "")
    parquet(tmp_path / "audit" / "quarantine.parquet", {"id": ["x"]})
    assert texts_of(tmp_path) == {"a.txt": "a"}  # while it goes on
    written(tmp_path / "audit" / "audit.json", "{}")
    parquet(tmp_path / "audit" / "cleaned" / "part-00000.parquet", {"id": ["a"], "text": ["a"]})
    assert texts_of(tmp_path) == {"a.txt": "a"}
    assert texts_of(tmp_path / "audit") == {"a": "a"}
    (tmp_path / "audit" / "cleaned" / "part-00000.parquet").unlink()
    with pytest.raises(SourceError, match="nothing to read"):
        plan_corpus([tmp_path / "audit"])
    run = tmp_path / "run"
    parquet(run / "corpus" / "part-00000.parquet", {"id": ["x"]})
    written(run / ".gristmill" / "lock", "")
    with pytest.raises(SourceError, match="run: holds a run that is not finished"):
        plan_corpus([tmp_path])


def test_the_corpus_of_a_run_may_be_json_lines(tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(b'{"id": "a", "text": "t", "url": "https://x.test/"}\n')
    written(tmp_path / "corpus" / "part-00000.jsonl.zst", sink.getvalue().to_pybytes())
    written(tmp_path / "manifest.json", "{}")
    [row] = rows_of(tmp_path)
    assert (row.id, row.text, row.url) == ("a", "t", "https://x.test/")


def test_files_globs_and_folders_each_once_whatever_their_order(tmp_path: Path) -> None:
    jsonl(tmp_path / "b.jsonl", {"text": "1"})
    jsonl(tmp_path / "below" / "a.jsonl", {"text": "2"})
    parquet(tmp_path / "c.parquet", {"text": ["3"]})
    for name in (".hidden.jsonl", "_meta.jsonl", ".git/x.jsonl", "_temporary/x.jsonl"):
        jsonl(tmp_path / name, {"text": "no"})
    written(tmp_path / "LICENSE.txt", "no text of the corpus")
    whole = plan_corpus([tmp_path])
    assert [part.name for part in whole] == ["b.jsonl", "a.jsonl", "c.parquet"]
    given = [tmp_path / "*.jsonl", tmp_path / "below", tmp_path / "c.parquet", tmp_path / "b.jsonl"]
    own = [part for part in plan_corpus(given) if "_meta" not in part.name]
    assert own == [part for part in plan_corpus(given[::-1]) if "_meta" not in part.name] == whole
    assert plan_corpus([f"{tmp_path}/below/../", f"{tmp_path}//below"]) == whole
    assert pickle.loads(pickle.dumps(whole)) == whole


def test_names_take_as_much_of_the_path_as_they_need(tmp_path: Path) -> None:
    for folder in ("x/a", "y/a", "y/b"):
        jsonl(tmp_path / folder / "part.jsonl", {"text": folder})
    jsonl(tmp_path / "z.jsonl", {"text": "z"})
    assert names_of(tmp_path) == ["x/a/part.jsonl", "y/a/part.jsonl", "b/part.jsonl", "z.jsonl"]
    assert names_of(tmp_path / "y") == ["a/part.jsonl", "b/part.jsonl"]
    assert plan_corpus(str(tmp_path / "x")) == plan_corpus([tmp_path / "x"])
    assert texts_of(tmp_path / "x") == {"part.jsonl:0": "x/a"}


def test_a_folder_that_is_linked_to_is_read_once(tmp_path: Path) -> None:
    written(tmp_path / "elsewhere" / "a.txt", "a")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "corpus" / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "corpus")
    assert texts_of(tmp_path / "corpus") == {"link/a.txt": "a"}


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("none", SourceError, "none: no such file or folder"),
        ("*.none", SourceError, r"\*\.none: matches no file"),
        ("empty", SourceError, r"nothing to read in this folder or below it \(.*\.jsonl.*\.txt"),
        ("a.json", ConfigError, "its ending is none .* JSON lines, for example with: jq"),
        ("a.warc.gz", ConfigError, "gristmill run"),
        ("a.csv", ConfigError, "its ending is none that is read here .* convert"),
        ("hf:", ConfigError, "names no dataset"),
        ("nosuch://a.jsonl", SourceError, "nosuch"),
    ],
)
def test_inputs_that_are_none(
    name: str, kind: type[Exception], message: str, tmp_path: Path
) -> None:
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    written(tmp_path / "empty" / ".git" / "a.txt", "x")
    for file in ("a.json", "a.warc.gz", "a.csv"):
        written(tmp_path / file, "[]")
    path = name if ":" in name else tmp_path / name
    with pytest.raises(kind, match=message):
        plan_corpus([path])


def test_no_input_and_no_size() -> None:
    with pytest.raises(ConfigError, match="no corpus; name files"):
        plan_corpus([])
    with pytest.raises(ConfigError, match="split_bytes must be at least 1"):
        plan_corpus(["a.jsonl"], split_bytes=0)


def test_large_files_are_cut_and_ids_stay(tmp_path: Path) -> None:
    rows = [{"text": f"text {number}"} for number in range(300)]
    path = jsonl(tmp_path / "a.jsonl", *rows)
    parquet(tmp_path / "b.parquet", {"text": [row["text"] for row in rows]}, row_group_size=30)
    whole = rows_of(tmp_path)
    assert len(plan_corpus([tmp_path], split_bytes=500)) > 10
    assert rows_of(tmp_path, split_bytes=500) == whole
    assert [row.text for row in whole] == [row["text"] for row in rows] * 2
    second = len(path.read_bytes().split(b"\n")[0]) + 1
    assert [whole[1].id, whole[301].id] == [f"a.jsonl:{second}", "b.parquet:1"]
    assert whole[1].place == f"{path} at byte {second}"


def test_another_file_system() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/rows/a.jsonl", b'{"id": 1, "text": "one"}\n')
    memory.pipe("/notes/x/a.txt", b"note")
    memory.pipe("/notes/.hidden.txt", b"no")
    assert texts_of("memory://rows", "memory://notes") == {"1": "one", "x/a.txt": "note"}
    assert texts_of("memory://notes/x/*.txt") == {"a.txt": "note"}
    [_, part] = plan_corpus(["memory://rows", "memory://notes"])
    assert part.inputs == ("memory:///notes",)
    assert stamp(part.inputs[0])[0] == 4


def test_stamps_change_with_what_is_read(tmp_path: Path) -> None:
    table = jsonl(tmp_path / "a.jsonl", {"text": "t"})
    os.utime(table, ns=(5, 7))
    [part] = plan_corpus([table])
    assert [stamp(path) for path in part.inputs] == [(len(table.read_bytes()), 7)]
    notes = tmp_path / "notes"
    one, other = written(notes / "a.txt", "abc"), written(notes / "b" / "b.md", "de")
    written(notes / "picture.png", "not read")
    for root in (notes, notes / "*.txt", notes / "a.txt"):
        [part] = plan_corpus([root])
        before = stamp(*part.inputs)
        assert before == stamp(*part.inputs)
        assert before[0] == (5 if root == notes else 3)
        os.utime(one, ns=(1, hash(root.name) % 1000))
        assert stamp(*part.inputs) != before
    [part] = plan_corpus([notes])
    before = stamp(*part.inputs)
    other.rename(notes / "c.md")
    assert stamp(*part.inputs) != before
    with pytest.raises(SourceError, match="none"):
        stamp(str(tmp_path / "none"))


# --- rows ------------------------------------------------------------------------------------


def test_ids_texts_and_urls_by_default(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "Hello"}]
    rows = [
        {"id": "a", "uuid": "b", "text": "t", "content": "c", "url": "https://x.test/"},
        {"id": None, "uuid": "b", "content": "c", "url": None},
        {"id": " ", "conversation_id": "c", "conversation": chat, "url": 7},
        {"conversation_hash": "d", "text": None, "messages": chat},
        {"id": 17, "text": ""},
        {"id": 1.5, "text": "t"},
        {"id": True, "text": "t"},
        {"id": {"$oid": "e"}, "text": "t"},
        {"id": 2**70, "text": ["first", "second"], "prompt": "Hello"},
        {"text": "none of its own"},
    ]
    path = jsonl(tmp_path / "a.jsonl", *rows)
    found = rows_of(path)
    assert [(row.id, row.text) for row in found] == [
        ("a", "t"),
        ("b", "c"),
        ("c", "Hello"),
        ("d", "Hello"),
        ("17", ""),
        ("1.5", "t"),
        ("true", "t"),
        ('{"$oid": "e"}', "t"),
        (str(2**70), "Hello"),
        (f"a.jsonl:{path.read_bytes().rindex(b'{')}", "none of its own"),
    ]
    assert [row.url for row in found] == ["https://x.test/", *[""] * 9]
    assert {(row.fault, row.error, row.lost) for row in found} == {("", "", 1)}


def test_ids_of_parquet(tmp_path: Path) -> None:
    stored = {
        "whole": pa.array([3, None], pa.int64()),
        "fraction": pa.array([3.0, float("nan")]),
        "bytes": pa.array([b"\x01\xff", None], pa.binary()),
        "day": pa.array([datetime.date(2024, 5, 1), None]),
        "text": ["t", "u"],
    }
    path = parquet(tmp_path / "a.parquet", stored)
    for name, written_as in (
        ("whole", "3"), ("fraction", "3.0"), ("bytes", "01ff"), ("day", "2024-05-01"),
    ):  # fmt: skip
        found = texts_of(path, columns=CorpusColumns(id=name))
        assert found == {written_as: "t", "a.parquet:1": "u"}


def test_columns_can_be_named(tmp_path: Path) -> None:
    rows = [
        {"id": "no", "key": "a", "text": "no", "body": "yes", "link": "https://x.test/"},
        {"id": "no", "text": "no", "body": [{"from": "human", "value": "a"}, {"value": "b"}]},
        {"key": "c", "text": "no", "body": None},
    ]
    columns = CorpusColumns(id="key", text="body", url="link")
    one, two, three = rows_of(jsonl(tmp_path / "a.jsonl", *rows), columns=columns)
    assert (one.id, one.text, one.url) == ("a", "yes", "https://x.test/")
    assert (two.id.partition(":")[0], two.text) == ("a.jsonl", "a\n\nb")
    assert (three.text, three.fault, three.error) == (None, "no_text", "no text in body")


def test_faults_are_rows_with_a_reason(tmp_path: Path) -> None:
    lines = [
        b'{"id": "a"}',
        b'{"id": "b", "text": null}',
        b'{"id": "c", "text": 5}',
        b'{"id": "d", "messages": [{"role": "assistant", "content": null}]}',
        b'{"id": "e", "text": []}',
        b'{"id": "f", "text": "cut',
        b'{"id": "g", "text": "good"}',
        b'{"id": "h", "text": "\xff"}',
    ]
    found = rows_of(written(tmp_path / "a.jsonl", b"\n".join(lines)))
    assert [(row.id if len(row.id) == 1 else "", row.fault) for row in found] == [
        ("a", "no_text"),
        ("b", "no_text"),
        ("c", "not_text"),
        ("d", "no_text"),
        ("e", "no_text"),
        ("", "unreadable"),
        ("g", ""),
        ("", "unreadable"),
    ]
    assert found[2].error == "text holds a value of type int, where a text belongs"
    assert found[3].error == "no turn in messages has a text"
    assert found[5].error.startswith("table.json: Unterminated")
    assert found[7].error.startswith("table.utf8: ")
    assert all((row.text is None) == bool(row.fault) == bool(row.error) for row in found)


def test_a_lost_row_group_stands_for_its_rows(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        {"id": [str(number) for number in range(40)], "text": ["word " * 50] * 40},
        row_group_size=10,
        use_dictionary=False,
        compression="none",
    )
    data = bytearray(path.read_bytes())
    at = pq.read_metadata(path).row_group(1).column(1).data_page_offset
    data[at : at + 8] = b"\xff" * 8
    path.write_bytes(data)
    found = rows_of(path)
    assert sum(row.lost for row in found) == 40
    [lost] = [row for row in found if row.fault]
    assert (lost.id, lost.fault, lost.lost) == ("a.parquet:10", "unreadable", 10)
    kept = write_cleaned(plan_corpus([path])[0], tmp_path / "out.parquet", lambda _: ())
    assert kept == Cleaned(40, 30, 0, 0, {"unreadable": 10})


def test_lone_surrogates_and_long_rows(tmp_path: Path) -> None:
    long = "x" * (10 << 20)
    line = rb'{"id": "a\ud800", "text": "b\udfff", "url": "\ud800"}'
    path = written(tmp_path / "a.jsonl", line + b"\n" + json.dumps({"text": long}).encode())
    one, two = rows_of(path)
    assert (one.id, one.text, one.url) == ("a\ufffd", "b\ufffd", "\ufffd")
    assert two.text == long


def test_columns_that_are_nowhere_are_an_error_before_the_work(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", {"body": "t", "id": 1, "\x1b[2J": 2}, {"text_": "x"})
    parquet(tmp_path / "b.parquet", {"body": ["t"], "link": ["u"]})
    parts = plan_corpus([tmp_path])
    there = "there are: body, id, ␛\\[2J, text_, link"
    with pytest.raises(ConfigError, match=f"'bodi' that --text names; {there}; did you .*'body'"):
        check_columns(parts, CorpusColumns(text="bodi"))
    with pytest.raises(ConfigError, match=r"no row has a text .* name its column with --text; .*"):
        check_columns(parts, CorpusColumns())
    with pytest.raises(ConfigError, match="'key' that --id names"):
        check_columns(parts, CorpusColumns(text="body", id="key"))
    check_columns(parts, CorpusColumns(text="body", id="id", url="link"))
    check_columns(parts, CorpusColumns(text="text_"))


def test_columns_of_texts_datasets_and_nothing(tmp_path: Path) -> None:
    written(tmp_path / "notes" / "a.txt", "t")
    datasets.Dataset.from_dict({"body": ["t"]}).save_to_disk(tmp_path / "saved")
    check_columns(plan_corpus([tmp_path / "notes"]), CorpusColumns())
    check_columns(plan_corpus([tmp_path / "saved"]), CorpusColumns(text="body"))
    with pytest.raises(ConfigError, match="there are: id, text"):
        check_columns(plan_corpus([tmp_path / "notes"]), CorpusColumns(text="body"))
    written(tmp_path / "empty.jsonl", "")
    parquet(tmp_path / "empty.parquet", {"a": pa.array([], pa.string())})
    nothing = plan_corpus([tmp_path / "empty.jsonl", tmp_path / "empty.parquet"])
    check_columns(nothing, CorpusColumns(text="body"))
    assert [row for part in nothing for row in read_corpus(part)] == []


# --- texts -----------------------------------------------------------------------------------


def test_folders_of_texts(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "\ufeffA text.\r\nIn two lines.")
    written(tmp_path / "below" / "b.md", "# B")
    written(tmp_path / "below" / "c.txt.gz", gzip.compress(b"C") + gzip.compress(b" and more"))
    written(tmp_path / "D.TXT", "")
    written(tmp_path / "_e.md", "E")
    written(tmp_path / ".f.txt", "hidden")
    written(tmp_path / "picture.png", b"\x89PNG")
    assert texts_of(tmp_path) == {
        "D.TXT": "",
        "_e.md": "E",
        "a.txt": "A text.\r\nIn two lines.",
        "below/b.md": "# B",
        "below/c.txt.gz": "C and more",
    }
    assert list(texts_of(tmp_path / "**" / "*.md")) == ["_e.md", "below/b.md"]
    assert list(texts_of(tmp_path / "below" / "b.md")) == ["b.md"]
    assert list(texts_of(tmp_path / "below" / "b.md", tmp_path)) == list(texts_of(tmp_path))


def test_texts_of_one_name_in_two_folders(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        written(tmp_path / folder / "a.txt", folder)
    written(tmp_path / "y" / "b.txt", "b")
    written(tmp_path / "z" / "c.txt", "c")
    found = texts_of(*(tmp_path / folder for folder in "xyz"))
    assert found == {"x/a.txt": "x", "y/a.txt": "y", "y/b.txt": "b", "c.txt": "c"}


def test_parts_of_texts_are_of_some_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        written(tmp_path / f"{number}.txt", "x" * 10)
    whole = texts_of(tmp_path)
    sizes = [len(part.source.files) for part in plan_corpus([tmp_path], split_bytes=35)]  # type: ignore[union-attr]
    assert sizes == [3, 3, 3, 1]
    assert len(plan_corpus([tmp_path], split_bytes=1)) == 10
    monkeypatch.setattr(text_files, "PART_FILES", 4)
    assert len(plan_corpus([tmp_path])) == 3
    assert texts_of(tmp_path, split_bytes=35) == whole


def test_texts_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "a.txt", "caf\xe9".encode("latin-1"))
    written(tmp_path / "b.txt", "wide".encode("utf-16"))
    written(tmp_path / "c.txt.gz", gzip.compress(os.urandom(1000))[:-20])
    written(tmp_path / "d.txt.gz", "not packed")
    written(tmp_path / "e.txt", "x" * 2000)
    written(tmp_path / "f.txt.gz", gzip.compress(b"x" * 2000))
    written(tmp_path / "g.txt", "good")
    monkeypatch.setattr(text_files, "MAX_TEXT", 1500)
    found = {row.id: row for row in rows_of(tmp_path)}
    assert {name: row.error.partition(":")[0] for name, row in found.items()} == {
        "a.txt": "text.utf8",
        "b.txt": "text.utf8",
        "c.txt.gz": "text.compression",
        "d.txt.gz": "text.compression",
        "e.txt": "text.bytes",
        "f.txt.gz": "text.bytes",
        "g.txt": "",
    }
    assert {row.fault for row in found.values()} == {"unreadable", ""}
    assert "byte 3 is no UTF-8; convert the file" in found["a.txt"].error


def test_a_text_that_is_gone(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "a")
    [part] = plan_corpus([tmp_path])
    (tmp_path / "a.txt").unlink()
    with pytest.raises(SourceError, match=r"a\.txt: cannot be opened"):
        list(read_corpus(part))


def test_file_names_that_are_no_utf_8(tmp_path: Path) -> None:
    try:
        written(Path(os.fsdecode(bytes(tmp_path) + b"/\xff.txt")), "found")
    except OSError:
        pytest.skip("this file system takes no such names")
    [row] = rows_of(tmp_path)
    assert (row.id, row.text) == ("\ufffd.txt", "found")
    row.place.encode()
    assert stamp(str(tmp_path))[0] == 5


# --- datasets --------------------------------------------------------------------------------


def test_saved_datasets(tmp_path: Path) -> None:
    numbers = list(range(50))
    train = datasets.Dataset.from_dict({"text": [f"{n} " * 40 for n in numbers]})
    test = datasets.Dataset.from_dict({"text": ["t"], "url": ["u"]})
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(tmp_path / "both")
    whole = rows_of(tmp_path / "both")
    assert [row.id for row in whole] == ["both:test:0", *(f"both:train:{n}" for n in numbers)]
    assert whole[0] == CorpusRow("both:test:0", "t", "u", f"{tmp_path}/both:test row 0")
    assert len(plan_corpus([tmp_path / "both"], split_bytes=1000)) > 4
    assert rows_of(tmp_path / "both", split_bytes=1000) == whole
    assert rows_of(f"hf://{tmp_path}/both") == [
        row.__class__(f"{tmp_path}/{row.id}", row.text, row.url, row.place) for row in whole
    ]
    assert [row.text for row in rows_of(f"hf:{tmp_path}/both:test")] == ["t"]
    with pytest.raises(ConfigError, match=r"no split 'trian'; there are: train, test; .*'train'"):
        plan_corpus([f"hf://{tmp_path}/both:trian"])
    [part, *_] = plan_corpus([tmp_path / "both"])
    assert part.inputs == (str(tmp_path / "both"),)
    assert stamp(*part.inputs)[0] > 1000
    assert pickle.loads(pickle.dumps(part)) == part


def test_a_saved_selection_of_one_dataset(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_dict({"id": list(range(9)), "content": list("abcdefghi")})
    rows.filter(lambda row: row["id"] % 2).save_to_disk(tmp_path / "odd")
    assert texts_of(tmp_path / "odd") == {"1": "b", "3": "d", "5": "f", "7": "h"}


def test_chats_in_a_saved_dataset(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    datasets.Dataset.from_dict(
        {"conversation_id": ["x"], "conversation": [turns], "messages": [None]}
    ).save_to_disk(tmp_path / "chats")
    assert texts_of(tmp_path / "chats") == {"x": "Hi\n\nHo"}


class Hub:
    """What `datasets.load_dataset_builder` gives, of a folder that stands for the Hub's copy."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path):
        self.asked: list[tuple[Any, ...]] = []
        load = datasets.load_dataset_builder

        def builder(name: str, config: str | None, revision: str | None) -> Any:
            self.asked.append((name, config, revision))
            found = load(str(folder))
            found.hash = "c0ffee"
            return found

        monkeypatch.setattr(datasets, "load_dataset_builder", builder)


def test_datasets_of_the_hub_are_streamed_shard_by_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for shard in range(3):
        texts = [f"{shard}-{number}" for number in range(40)]
        parquet(tmp_path / f"train-0000{shard}-of-00003.parquet", {"text": texts})
    parquet(tmp_path / "test-00000-of-00001.parquet", {"text": ["t"]})
    hub = Hub(monkeypatch, tmp_path)
    parts = plan_corpus(["hf://streamed/set", "hf:streamed/set:train"])
    assert [part.name for part in parts] == [
        "streamed/set:test",
        *(f"streamed/set:train/{shard}" for shard in range(3)),
    ]
    assert {part.inputs for part in parts} == {("hf://streamed/set@c0ffee",)}
    assert stamp("hf://streamed/set@c0ffee") == (0, 0)
    found = [row for part in parts for row in read_corpus(part)]
    assert [row.text for row in found] == ["t", *(f"{s}-{n}" for s in range(3) for n in range(40))]
    assert found[-1].id == "streamed/set:train/2:39"
    assert found[-1].place == "hf://streamed/set@c0ffee:train/2 row 39"
    # Workers read what was planned, not what is newest.
    assert set(hub.asked) == {("streamed/set", None, None), ("streamed/set", None, "c0ffee")}
    with pytest.raises(ConfigError, match="no split 'tets'; there are: "):
        plan_corpus(["hf://streamed/set:tets"])


def test_slices_of_a_split_are_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet(tmp_path / "train-00000-of-00001.parquet", {"text": [str(n) for n in range(10)]})
    hub = Hub(monkeypatch, tmp_path)
    found = texts_of("hf://sliced/set@v1:all:train[20%:50%]")
    name = "sliced/set:all:train[20%:50%]"
    assert found == {f"{name}:0": "2", f"{name}:1": "3", f"{name}:2": "4"}
    assert hub.asked[0] == ("sliced/set", "all", "v1")


def test_a_folder_that_datasets_loads(tmp_path: Path) -> None:
    written(tmp_path / "set" / "train.csv", "id,text\na,one\nb,two\n")
    assert texts_of(f"hf://{tmp_path}/set:train") == {"a": "one", "b": "two"}


def test_a_dataset_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no \x1b[2Jnetwork")

    monkeypatch.setattr(datasets, "load_dataset_builder", refuse)
    with pytest.raises(SourceError, match=r"hf://us/none: cannot be had .*no ␛\[2Jnetwork"):
        plan_corpus(["hf://us/none"])
    written(tmp_path / "dataset_dict.json", "{}")
    with pytest.raises(SourceError, match="cannot be had as a dataset"):
        plan_corpus([tmp_path])


def test_datasets_is_imported_for_a_dataset_only(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", {"text": "t"})
    code = (
        "import sys\n"
        "from pipeline.sources.corpus import plan_corpus, read_corpus\n"
        "[part] = plan_corpus(sys.argv[1:])\n"
        "assert [row.text for row in read_corpus(part)] == ['t']\n"
        "assert not {'datasets', 'pandas', 'torch', 'ray'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_files_of_the_hub_are_files(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no network")  # clients of remote systems raise their own

    monkeypatch.setattr(fsspec.get_filesystem_class("hf"), "info", refuse)
    with pytest.raises(
        SourceError, match=r"hf://datasets/us/set/a\.jsonl: RuntimeError: no network, tr"
    ):
        plan_corpus(["hf://datasets/us/set/a.jsonl"])


# --- written again ---------------------------------------------------------------------------


def flagged(*ids: str) -> Any:
    return lambda row: [LEAK] if row.id in ids else []


def cleaned(path: Path, out: Path, *ids: str, **options: Any) -> tuple[Cleaned, pa.Table]:
    [part] = plan_corpus([path])
    return write_cleaned(part, out / "out.parquet", flagged(*ids), **options), pq.read_table(
        out / "out.parquet"
    )


def test_flagged_documents_are_dropped_with_every_column_kept(tmp_path: Path) -> None:
    stored = pa.table(
        {
            "id": [1, 2, 3, 4],
            "text": ["a", "b", None, "d"],
            "when": pa.array([1, 2, 3, 4], pa.timestamp("ns")),
            "tags": [["x"], [], None, ["y", "z"]],
            "meta": [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}],
        }
    )
    path = parquet(tmp_path / "a.parquet", stored)
    count, table = cleaned(path, tmp_path, "2")
    assert count == Cleaned(rows=4, kept=2, flagged=1, dropped=1, quarantined={"no_text": 1})
    assert table.equals(stored.take([0, 3]))
    assert not (tmp_path / ".out.parquet.part").exists()


def test_flagged_documents_are_tagged(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "text": "one", "n": 1, "contaminated": "of an earlier audit"},
        {"id": "b", "text": "two", "deep": {"x": [1, None]}},
        {"id": "c"},
        {"id": "d", "text": "four", "n": 2.5},
    ]
    count, table = cleaned(jsonl(tmp_path / "a.jsonl", *rows), tmp_path, "b", action="tag")
    assert count == Cleaned(rows=4, kept=3, flagged=1, dropped=0, quarantined={"no_text": 1})
    assert table.column_names == ["id", "text", "n", "deep", "contaminated", "contamination"]
    assert table["contaminated"].to_pylist() == [False, True, False]
    assert [json.loads(text) for text in table["contamination"].to_pylist()] == [[], [LEAK], []]
    assert table["n"].to_pylist() == [1.0, None, 2.5]
    assert json.loads(table["deep"][1].as_py()) == {"x": [1, None]}
    again, table = cleaned(tmp_path / "out.parquet", tmp_path, action="tag")
    assert again == Cleaned(3, 3, 0, 0, {})
    assert table["contaminated"].to_pylist() == [False] * 3


def test_texts_become_rows(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    written(notes / "a.txt", "A")
    written(notes / "b" / "b.md", "B")
    written(notes / "c.txt", b"\xff")
    count, table = cleaned(notes, tmp_path, "a.txt")
    assert count == Cleaned(3, 1, 1, 1, {"unreadable": 1})
    assert table.to_pylist() == [{"id": "b/b.md", "text": "B"}]


def test_datasets_are_written_with_their_types(tmp_path: Path) -> None:
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["no", "yes"]),
            "turns": [{"role": datasets.Value("string")}],
        }
    )
    turns = [[{"role": "user"}], [], [{"role": "a"}, {"role": "b"}]]
    rows = {"text": ["a", "b", "c"], "label": [0, 1, 1], "turns": turns}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "set")
    count, table = cleaned(tmp_path / "set", tmp_path, "set:1")
    assert count == Cleaned(3, 2, 1, 1, {})
    assert table.to_pydict() == {"text": ["a", "c"], "label": [0, 1], "turns": [turns[0], turns[2]]}
    assert datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "out.parquet"), split="train", streaming=True
    ).features["text"] == datasets.Value("string")


def test_all_parts_have_the_same_columns(tmp_path: Path) -> None:
    jsonl(tmp_path / "in" / "a.jsonl", {"id": 1, "text": "a", "n": 1}, {"id": "x", "text": "b"})
    parquet(tmp_path / "in" / "b.parquet", {"id": [7, 8], "text": ["c", "d"], "m": [0.5, 1.5]})
    parts = plan_corpus([tmp_path / "in"])
    types = [ColumnTypes() for _ in parts]
    found = [
        row.id
        for part, seen in zip(parts, types, strict=True)
        for row in read_corpus(part, types=seen)
    ]
    assert found == ["1", "x", "7", "8"]
    types = pickle.loads(pickle.dumps(types))
    schema = cleaned_schema(types, action="tag")
    (tmp_path / "out").mkdir()
    for number, part in enumerate(parts):
        out = tmp_path / "out" / f"part-{number:05d}.parquet"
        write_cleaned(part, out, flagged("8"), action="tag", schema=schema)
        assert pq.read_schema(out).equals(schema)
    table = pq.read_table(tmp_path / "out")
    assert table["id"].to_pylist() == found
    assert table["contaminated"].to_pylist() == [False, False, False, True]
    assert list(texts_of(tmp_path / "out")) == found


def test_what_is_wrong_with_a_fault_leaves_the_types_of_others(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"id": 1, "text": "a"}, {"id": "b", "text": 5, "c": 1})
    count, table = cleaned(path, tmp_path)
    assert count == Cleaned(2, 1, 0, 0, {"not_text": 1})
    assert table.schema.names == ["id", "text"]
    assert table.to_pylist() == [{"id": 1, "text": "a"}]


def test_chats_come_back_from_what_was_written(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "How?"}, {"from": "gpt", "value": "So."}]
    path = jsonl(tmp_path / "a.jsonl", {"id": "a", "conversations": turns})
    _, table = cleaned(path, tmp_path)
    assert json.loads(table["conversations"][0].as_py()) == turns
    assert texts_of(tmp_path / "out.parquet") == texts_of(path) == {"a": "How?\n\nSo."}


def test_nothing_is_written_of_nothing_and_of_all_dropped(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", "")
    for action in ("drop", "tag"):
        count, table = cleaned(path, tmp_path, action=action)
        assert (count, table.num_rows) == (Cleaned(0, 0, 0, 0, {}), 0)
    jsonl(path, {"id": "a", "text": "t"})
    count, table = cleaned(path, tmp_path, "a")
    assert (count, table.num_rows) == (Cleaned(1, 0, 1, 1, {}), 0)
    assert table.column_names == ["id", "text"]


def test_rows_are_written_in_groups_of_some_size(tmp_path: Path) -> None:
    rows = [{"id": number, "text": "t"} for number in range(3000)]
    cleaned(jsonl(tmp_path / "a.jsonl", *rows), tmp_path)
    assert pq.read_metadata(tmp_path / "out.parquet").num_row_groups == 3
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "set")
    cleaned(tmp_path / "set", tmp_path)
    assert pq.read_metadata(tmp_path / "out.parquet").num_row_groups == 3


def test_a_decision_is_asked_for_once_in_order(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"id": n, "text": str(n % 7 or None)} for n in range(50)))
    [part] = plan_corpus([path])
    asked: list[CorpusRow] = []
    write_cleaned(part, tmp_path / "out.parquet", lambda row: asked.append(row) or [])  # type: ignore[func-returns-value]
    assert asked == list(read_corpus(part))


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"id": "a", "text": "t"})
    [part] = plan_corpus([path])
    with pytest.raises(ConfigError, match=r"no action is called 'dorp'; .*did you mean 'drop'"):
        write_cleaned(part, tmp_path / "out.parquet", flagged(), action="dorp")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="made for another action"):
        write_cleaned(
            part, tmp_path / "o", flagged(), action="tag", schema=cleaned_schema([ColumnTypes()])
        )
    with pytest.raises(StorageError, match="none"):
        write_cleaned(part, tmp_path / "none" / "out.parquet", flagged())
    schema = pa.schema([("id", pa.large_string()), ("text", pa.int64())])
    with pytest.raises(SourceError, match="column 'text': values that int64 has no room for"):
        write_cleaned(part, tmp_path / "out.parquet", flagged(), schema=schema)

    def fail(row: CorpusRow) -> Any:
        raise ValueError("a fault of the caller's")

    with pytest.raises(ValueError, match="caller"):
        write_cleaned(part, tmp_path / "out.parquet", fail)
    monkeypatch.setattr(
        "pipeline.sources.cleaned._gathered", lambda batches, schema: list(batches)[1:]
    )
    with pytest.raises(ConservationError, match="1 rows were read, 0 kept, 0 dropped"):
        write_cleaned(part, tmp_path / "out.parquet", flagged())
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


# --- real data -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ("benchmarks/gsm8k/train.jsonl", 7473),
        ("benchmarks/humaneval/HumanEval.jsonl.gz", 164),
        ("prompts/selfinstruct252", 252),
        ("prompts/vicuna80", 80),
    ],
)
def test_sets_of_prompts_and_benchmarks(shared_data: Path, files: str, rows: int) -> None:
    found = rows_of(shared_data / files)
    assert len(found) == rows
    assert len({row.id for row in found}) == rows

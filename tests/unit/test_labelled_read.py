"""`read_labelled`: every format, every kind of bad row, and what is wrong with whole inputs."""

from __future__ import annotations

import builtins
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import ConfigError, SourceError
from pipeline.labelled import Columns, Input, Labelled, read_labelled, schema_of
from pipeline.labelled import read as reading
from pipeline.labelled import text_lines as lines

ROWS = [("a first text", "spam"), ('with "quotes", and\nlines', "ham"), ("naïve 文", "ham")]


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def write_lines(path: Path, rows: list[dict[str, Any]]) -> str:
    return write(path, "".join(json.dumps(row) + "\n" for row in rows))


def examples(read: Labelled) -> list[tuple[str, str]]:
    return list(zip(read.table["text"].to_pylist(), read.table["label"].to_pylist(), strict=True))


@pytest.fixture
def no_shared_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))


# --- formats -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("ending", "codec"), [("", None), (".gz", "gzip"), (".zst", "zstd")])
def test_json_lines(tmp_path: Path, ending: str, codec: str | None) -> None:
    path = str(tmp_path / f"a.jsonl{ending}")
    with pa.output_stream(path, compression=codec) as file:
        for text, label in ROWS:
            file.write(json.dumps({"text": text, "label": label}).encode() + b"\n")
    read = read_labelled([path])
    assert examples(read) == ROWS
    assert read.table.schema == schema_of()
    assert read.table["place"][0].as_py().startswith(f"{path} at byte 0")
    assert read.counts == {"read": 3, "used": 3, "faults": {}}


def test_parquet_with_class_names_that_datasets_wrote(tmp_path: Path) -> None:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["ham", "spam"])}
    )
    path = tmp_path / "a.parquet"
    rows = {"text": ["one", "two", "three"], "label": [1, 0, -1]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(path))
    read = read_labelled([path])
    assert examples(read) == [("one", "spam"), ("two", "ham")]
    assert read.counts["faults"] == {"label.missing": 1}
    assert read.faults[0].place == f"{path} row 2"


def test_parquet_without_names_keeps_numbers(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one", "two"], "label": [1, 0]}), tmp_path / "a.parquet")
    assert examples(read_labelled([tmp_path / "a.parquet"])) == [("one", "1"), ("two", "0")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(("ending", "mark"), [(".csv", ","), (".tsv", "\t")])
def test_delimited(tmp_path: Path, ending: str, mark: str, bom: bytes, end: str) -> None:
    records = [
        f"text{mark}x{mark}label",
        f"plain{mark}1{mark}spam",
        f'"quoted ""so"", {mark}\n\nover lines"{mark}{mark}"ham"',
        "",
        f'a stray " quote{mark}3{mark}ham',
    ]
    path = write(tmp_path / f"a{ending}", bom + end.join(records).encode())
    read = read_labelled([path])
    assert examples(read) == [
        ("plain", "spam"),
        (f'quoted "so", {mark}\n\nover lines', "ham"),
        ('a stray " quote', "ham"),
    ]
    lines_ = [place.rpartition(" line ")[2] for place in read.table["place"].to_pylist()]
    assert lines_ == ["2", "3", "7"]


def test_rows_that_rfc_4180_does_not_allow_cost_themselves(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        'text,label\na,x\n"b" c,x\nd,x,y\ne\n"f ""g""",y\n"never closed,x\nmore,x\n',
    )
    read = read_labelled([path])
    assert examples(read) == [("a", "x"), ('f "g"', "y")]
    assert read.counts == {
        "read": 6,
        "used": 2,
        "faults": {"table.fields": 2, "table.quote": 2},
    }
    messages = {fault.place.rpartition(" ")[2]: fault.message for fault in read.faults}
    assert "3 fields where the header has 2" in messages["4"]
    assert "text behind a closing quote" in messages["3"]
    assert "in line 8" in messages["7"]


def test_fasttext(tmp_path: Path) -> None:
    text = (
        "__label__spam buy now\n\n__label__ham , hello , it's me\r\n"
        "__label__a __label__b two labels\nno label at all\n__label__ham __label__ham twice\n"
        "behind the text __label__spam\n__label__ham \n__label__ nothing\n"
    )
    path = write(tmp_path / "train.txt", text)
    read = read_labelled([path])
    assert examples(read) == [
        ("buy now", "spam"),
        (", hello , it's me", "ham"),
        ("twice", "ham"),
        ("behind the text", "spam"),
    ]
    assert read.counts["faults"] == {"label.missing": 2, "label.several": 1, "text.empty": 1}
    assert read.table["place"][1].as_py() == f"{path} line 3"


def test_a_saved_dataset_and_its_splits(tmp_path: Path) -> None:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["ham", "spam"])}
    )
    train = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    test = datasets.Dataset.from_dict({"text": ["c"], "label": [1]}, features=features)
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(tmp_path / "both")
    train.save_to_disk(tmp_path / "one")
    every = read_labelled([tmp_path / "both"])
    assert examples(every) == [("a", "ham"), ("b", "spam"), ("c", "spam")]
    assert every.table["place"][2].as_py() == f"hf:{tmp_path}/both test row 0"
    assert examples(read_labelled([f"hf:{tmp_path}/both:test"])) == [("c", "spam")]
    assert examples(read_labelled([tmp_path / "one"])) == [("a", "ham"), ("b", "spam")]
    with pytest.raises(ConfigError, match="no split 'dev'; there are: train, test"):
        read_labelled([f"hf:{tmp_path}/both:dev"])


@pytest.mark.usefixtures("no_shared_cache")
def test_a_folder_that_load_dataset_reads(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    write_lines(folder / "train.jsonl", [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}])
    write_lines(folder / "test.jsonl", [{"text": "c", "label": "x"}])
    assert examples(read_labelled([folder.parent])) == [("a", "x"), ("b", "y"), ("c", "x")]
    assert examples(read_labelled([f"hf:{folder.parent}:test"])) == [("c", "x")]
    with pytest.raises(SourceError, match=r"cannot be loaded as a dataset.*NAME:CONFIG:SPLIT"):
        read_labelled([f"hf:{folder.parent}:dev"])


def test_a_dataset_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(path: str, name: str | None = None, split: str | None = None) -> Any:
        asked.append((path, name, split))
        found = datasets.Dataset.from_dict({"text": ["a"], "label": ["x"]}, split=split)
        return found if split else datasets.DatasetDict({"train": found})

    monkeypatch.setattr(datasets, "load_dataset", load)
    for name in ("someone/set", "someone/set:test", "someone/set:small:test"):
        assert examples(read_labelled([f"hf:{name}"])) == [("a", "x")]
    assert asked == [
        ("someone/set", None, None),
        ("someone/set", None, "test"),
        ("someone/set", "small", "test"),
    ]


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"gristmill\[audit\]"):
        read_labelled(["hf:someone/set"])


# --- several inputs, labels of whole inputs ----------------------------------------------------


def test_a_label_for_a_whole_input_wins(tmp_path: Path) -> None:
    write_lines(tmp_path / "seeds.jsonl", [{"text": "a"}, {"text": "b", "label": "other"}])
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    write(crawl / "one.txt", "c\n__label__x d\n")
    write(crawl / "two.csv", "text\ne\n")
    write(crawl / "README.md", "no table")
    write(crawl / ".hidden.csv", "no table")
    read = read_labelled(
        [f"no={crawl}", f"yes={tmp_path}/s*.jsonl", Input(str(crawl / "one.txt"), "a=b/c")]
    )
    assert sorted(examples(read)) == [
        ("a", "yes"),
        ("b", "yes"),
        ("c", "a=b/c"),
        ("d", "a=b/c"),
        ("e", "no"),
    ]


def test_a_path_with_an_equals_sign_is_a_path(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lang=en").mkdir()
    write_lines(tmp_path / "lang=en" / "a.jsonl", [{"text": "a", "label": "x"}])
    write_lines(tmp_path / "x=a.jsonl", [{"text": "b", "label": "y"}])
    assert examples(read_labelled(["lang=en", "x=a.jsonl"])) == [("a", "x"), ("b", "y")]
    with pytest.raises(SourceError, match=r"b\.jsonl: no such file .*'x'"):
        read_labelled(["x=b.jsonl"])


def test_the_order_of_inputs_makes_no_difference(tmp_path: Path) -> None:
    paths = [
        write_lines(tmp_path / f"{name}.jsonl", [{"text": name, "label": name}]) for name in "cab"
    ]
    assert read_labelled(paths).table.equals(read_labelled([*reversed(paths), paths[0]]).table)


def test_one_file_with_two_labels_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"text": "a", "label": "x"}])
    with pytest.raises(ConfigError, match=r"given twice, with no label and the label 'yes'"):
        read_labelled([path, f"yes={tmp_path}"])
    with pytest.raises(ConfigError, match="an empty label"):
        read_labelled([f"={path}"])


def test_labels_before_names_with_a_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    with fsspec.open("memory://folder/a.csv", "wb") as file:
        file.write(b"text\na\n")
    assert examples(read_labelled(["yes=memory://folder/a.csv"])) == [("a", "yes")]
    found = datasets.Dataset.from_dict({"text": ["b"]})
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: found)
    assert examples(read_labelled(["no=hf:someone/set"])) == [("b", "no")]


# --- values ------------------------------------------------------------------------------------


def test_forms_of_labels_and_faults(tmp_path: Path) -> None:
    labels = ["x", 1, 1.0, True, False, ["y"], ["y", "y"], [2]]
    bad = [None, "", " ", [], ["x", "y"], 0.5, {"a": 1}, float("nan"), [0.5]]
    rows = [{"text": "t", "label": label} for label in [*labels, *bad]]
    rows += [{"label": "x"}, {"text": 5, "label": "x"}, {"text": " \n", "label": "x"}]
    rows.append({"text": None, "label": "x"})
    path = write_lines(tmp_path / "a.jsonl", rows)
    with open(path, "ab") as file:
        file.write(b'{"text": \n{"text": "\xff", "label": "x"}\n[1]\n')
    read = read_labelled([path])
    assert read.table["label"].to_pylist() == ["x", "1", "1", "true", "false", "y", "y", "2"]
    assert read.counts == {
        "read": 24,
        "used": 8,
        "faults": {
            "label.missing": 5,
            "label.several": 1,
            "label.type": 3,
            "table.json": 1,
            "table.object": 1,
            "table.utf8": 1,
            "text.empty": 1,
            "text.missing": 2,
            "text.type": 1,
        },
    }


def test_only_the_first_faults_of_a_reason_are_shown(tmp_path: Path) -> None:
    rows = [{"text": "t", "label": "x"}, *({"text": "", "label": "x"} for _ in range(50))]
    read = read_labelled([write_lines(tmp_path / "a.jsonl", rows)])
    assert read.counts["faults"] == {"text.empty": 50}
    assert len(read.faults) == reading.FAULTS_SHOWN
    assert set(read.faults[0]._fields) == {"place", "reason", "message"}


def test_groups_and_slices(tmp_path: Path) -> None:
    rows = [
        {"url": "https://news.bbc.co.uk/1", "author": 7, "tags": ["a", 1], "n": 1.5},
        {"url": "http://bbc.co.uk", "author": "x"},
        {"url": "", "author": " "},
        {"url": None, "author": {"a": 1}},
        {"url": 5, "author": True},
    ]
    path = write_lines(
        tmp_path / "a.jsonl",
        [{"text": "t", "label": "x", "page": row["url"], **row} for row in rows],
    )
    for group in ("url", "domain:page"):
        read = read_labelled([path], Columns(group=group, slices=("tags", "n")))
        assert read.table["group"].to_pylist() == ["bbc.co.uk", "bbc.co.uk", "", ""]
        assert read.counts["faults"] == {"group.type": 1}
        assert read.table["tags"].to_pylist() == ['["a", 1]', "", "", ""]
        assert read.table["n"].to_pylist() == ["1.5", "", "", ""]
        assert read.table.schema == schema_of(["tags", "n"])
    read = read_labelled([path], Columns(group="author"))
    assert read.table["group"].to_pylist() == ["7", "x", "", "true"]
    assert read.counts["faults"] == {"group.type": 1}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": "a", "label": "a"}, "both name the column 'a'"),
        ({"text": ""}, "each take the name of a column"),
        ({"slices": ("group",)}, "cannot be called 'group'"),
        ({"slices": ("a", "a")}, "named twice"),
        ({"group": "domain:"}, "names no column"),
    ],
)
def test_columns_that_will_not_do(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Columns(**columns)


# --- whole inputs ------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_a_column_that_no_row_has(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    if ending == ".parquet":
        pq.write_table(pa.table({"body": ["t"], "class": ["x"]}), path)
    elif ending == ".csv":
        write(path, "body,class\nt,x\n")
    else:
        write_lines(path, [{"body": "t"}, {"body": "t", "class": "x"}])
    with pytest.raises(ConfigError, match=r"a\..*no column 'text'.*'body', 'class'.*--text"):
        read_labelled([path])
    with pytest.raises(ConfigError, match=r"no column 'label'.*'body', 'class'.*--label.*LABEL="):
        read_labelled([path], Columns(text="body"))
    with pytest.raises(ConfigError, match="no input has the column 'who' that --group names"):
        read_labelled([path], Columns("body", "class", group="who"))
    with pytest.raises(ConfigError, match="no input has the column 'who' that --slice names"):
        read_labelled([path], Columns("body", "class", slices=("who",)))


def test_a_group_that_one_input_lacks_is_said(tmp_path: Path) -> None:
    one = write_lines(tmp_path / "a.jsonl", [{"text": "t", "label": "x", "who": "me"}])
    two = write_lines(tmp_path / "b.jsonl", [{"text": "u", "label": "y"}])
    read = read_labelled([one, two], Columns(group="who"))
    assert read.table["group"].to_pylist() == ["me", ""]
    assert read.notes == (f"no column 'who' in {two}: there each row is a group of its own",)


def test_no_usable_row_at_all(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "t", "label": null}\n{\n')
    with pytest.raises(
        ConfigError, match=r"none of the 2 rows.*label.missing 1, table.json 1.*byte"
    ):
        read_labelled([path])
    write(tmp_path / "b.csv", "text,label\n")
    with pytest.raises(ConfigError, match="the inputs have no row"):
        read_labelled([tmp_path / "b.csv"])
    good = write_lines(tmp_path / "c.jsonl", [{"text": "t", "label": "x"}])
    assert read_labelled([path, good]).notes == (f"{path}: none of its 2 rows can be used",)


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.json", b"[]", ConfigError, r"none that is read here \(.jsonl"),
        ("a.csv", b"", SourceError, "is empty"),
        ("a.csv", b"\n\n", SourceError, "has no header"),
        ("a.csv", "text,label\nä,x\n".encode("utf-16"), SourceError, "--encoding utf-16"),
        ("a.csv", "text,label\nä,x\n".encode("utf-16-le"), SourceError, "NUL bytes"),
        ("a.csv", gzip.compress(b"text,label\na,x\n", mtime=0), SourceError, "gzip"),
        ("a.csv", b"PK\x03\x04rest", SourceError, "zip archive"),
        ("a.csv", b"text,label\ra,x\rb,y\r", SourceError, "carriage return alone"),
        ("a.csv", b"t\xe4xt,label\na,x\n", SourceError, "header cannot be read.*--encoding"),
        (
            "a.csv",
            b"text,label,text\na,x,b\n",
            SourceError,
            "more than one column is called 'text'",
        ),
        ("a.csv", b"text;label\na;x\n", ConfigError, "seem to be parted by ';'"),
        ("a.tsv", b"text,label\na,x\n", ConfigError, "seem to be parted by ','"),
    ],
)
def test_files_that_will_not_do(
    tmp_path: Path, name: str, content: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_labelled([write(tmp_path / name, content)])


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no input"):
        read_labelled([])
    with pytest.raises(SourceError, match="no such file"):
        read_labelled([tmp_path / "a.csv"])
    with pytest.raises(SourceError, match="matches no file"):
        read_labelled([f"{tmp_path}/*.csv"])


# --- encodings ---------------------------------------------------------------------------------


def test_bytes_of_another_encoding_cost_their_row_and_are_said(tmp_path: Path) -> None:
    rows = "text,label\nprice 5 £,spam\nplain,ham\n"
    path = write(tmp_path / "a.csv", rows.encode("cp1252"))
    read = read_labelled([path])
    assert examples(read) == [("plain", "ham")]
    assert read.counts["faults"] == {"table.utf8": 1}
    assert read.faults[0].place == f"{path} line 2"
    assert "0xa3 is no UTF-8" in read.faults[0].message
    assert "1 of 2 rows" in read.notes[0]
    assert "--encoding" in read.notes[0]
    mended = read_labelled([path], encoding="cp1252")
    assert examples(mended) == [("price 5 £", "spam"), ("plain", "ham")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "gb18030", "shift_jis"])
@pytest.mark.parametrize("ending", [".csv", ".fasttext"])
def test_other_encodings(tmp_path: Path, encoding: str, ending: str) -> None:
    head = "text,label\n" if ending == ".csv" else ""
    row = '"一つ, 文""表",x\n' if ending == ".csv" else '__label__x 一つ, 文"表\n'
    path = write(tmp_path / f"a{ending}", (head + row).encode(encoding))
    assert examples(read_labelled([path], encoding=encoding)) == [('一つ, 文"表', "x")]


def test_an_encoding_with_gaps(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"text,label\n\x81,x\nb,y\n")
    assert read_labelled([path], encoding="cp1252").counts["faults"] == {"table.encoding": 1}
    path = write(tmp_path / "b.csv", "text,label\na,x\n".encode("utf-16") + b"\x00")
    with pytest.raises(SourceError, match="is not UTF-16 all through"):
        read_labelled([path], encoding="utf-16")


@pytest.mark.parametrize("name", ["klingon", "hex", "rot13"])
def test_no_such_encoding(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--encoding {name}"):
        read_labelled(["a.csv"], encoding=name)


# --- sizes -------------------------------------------------------------------------------------


def test_texts_of_ten_megabytes(tmp_path: Path) -> None:
    text = 'many "words", and\nlines; ' * 400_000
    one_line = text.replace("\n", " ").strip()
    quoted = text.replace('"', '""')
    paths = [
        write(tmp_path / "a.csv", f'text,label\n"{quoted}",x\n'),
        write(tmp_path / "b.fasttext", f"__label__x {one_line}\n"),
        write_lines(tmp_path / "c.jsonl", [{"text": text, "label": "x"}]),
    ]
    read = read_labelled(paths)
    assert read.table["text"].to_pylist() == [text, one_line, text]


def test_rows_that_are_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.labelled import delimited

    monkeypatch.setattr(lines, "MAX_LINE", 100)
    monkeypatch.setattr(delimited, "MAX_LINE", 100)
    long = "x" * 200
    lined = "yyyy\n" * 40
    csv = f'text,label\na,1\n{long},1\nb,1\n"{lined}",1\nc,1\n"""{lined}",1\nd,1\n'
    read = read_labelled([write(tmp_path / "a.csv", csv)])
    assert [text for text, _ in examples(read)] == ["a", "b", "c", "d"]
    assert read.counts["faults"] == {"table.line_bytes": 3}
    read = read_labelled([write(tmp_path / "a.txt", f"__label__x a\n__label__x {long}\n")])
    assert read.counts["faults"] == {"table.line_bytes": 1}


def test_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": f"text {number}", "label": "x", "s": number} for number in range(20)]
    path = write_lines(tmp_path / "a.jsonl", rows)
    whole = read_labelled([path], Columns(slices=("s",))).table
    monkeypatch.setattr(reading, "CHUNK_ROWS", 3)
    pieces = read_labelled([path], Columns(slices=("s",))).table
    assert pieces["text"].num_chunks == 7
    assert pieces.equals(whole)


def test_importing_imports_nothing_heavy(repository: Path) -> None:
    heavy = ("datasets", "pandas", "tld", "ray", "fasttext", "torch", "trafilatura")
    code = f"import sys, pipeline.labelled; print(*({{*{heavy!r}}} & sys.modules.keys()))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

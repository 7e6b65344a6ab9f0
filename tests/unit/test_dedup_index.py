"""The signature index on disk: what is in it, how damage and other parameters are noticed."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import ConfigError, StorageError
from pipeline.dedup import Dedup, Signing, dedup
from pipeline.dedup.index import (
    DOCUMENTS,
    Entry,
    IndexPart,
    index_folder,
    open_index,
    write_part,
)
from pipeline.dedup.outcome import RECEIPT
from pipeline.runtime.storage import RunFolder

ENTRIES = [
    Entry("a", "The mill grinds wheat into flour.", "https://www.a.org/x", "1970-01-02", "s", 0.5),
    Entry("b", ""),
    Entry("ç", "\ud800 sacks " * 400, "http://bücher.de", "never", quality=float("nan")),
]
FILES = ("signatures.u32", "shingles.u32", "starts.i64", "texts.u64", "documents.arrow")


def write_index(
    root: Path,
    parts: Sequence[Sequence[Entry]],
    removed: Sequence[str] = (),
    signing: Signing | None = None,
    receipts: str = "receipts.parquet",
) -> list[IndexPart]:
    """What a finished deduplication leaves in its output folder."""
    folder = RunFolder(root).create(kinds=())
    written = [
        write_part(folder, number, entries, signing or Signing(), f"stamp {number}")
        for number, entries in enumerate(parts)
    ]
    rows = [
        {"removed": name, "kept": "a", "similarity": 1.0, "buckets": 14, "rule": "exact"}
        for name in removed
    ]
    (root / receipts).parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=RECEIPT), root / receipts)
    manifest = {"dedup": {"parts": len(written)}}
    (root / "manifest.json").write_text(json.dumps(manifest))
    return written


def test_a_part_holds_what_was_signed(tmp_path: Path) -> None:
    (part,) = write_index(tmp_path, [ENTRIES])
    signed = Signing().sign([entry.text for entry in ENTRIES])
    again = IndexPart.read(RunFolder(tmp_path), 0)
    assert again == part
    assert again is not None
    assert (again.rows, again.stamp, again.signing) == (3, "stamp 0", Signing().parameters())
    assert np.array_equal(again.signatures, signed.signatures)
    assert np.array_equal(again.shingles, signed.shingles)
    assert np.array_equal(again.starts, signed.starts)
    assert np.array_equal(again.text_hashes, signed.text_hashes)
    assert again.damaged() is None
    table = again.documents()
    assert table.schema == DOCUMENTS
    assert table["id"].to_pylist() == ["a", "b", "ç"]
    assert table["characters"].to_pylist() == [len(entry.text) for entry in ENTRIES]
    assert table["host"].to_pylist() == ["www.a.org", "", "xn--bcher-kva.de"]
    assert table["source"].to_pylist() == ["s", "", ""]
    assert table["date"][0].as_py() == 86_400
    assert all(math.isnan(date) for date in table["date"].to_pylist()[1:])
    assert table["quality"][0].as_py() == 0.5
    assert again.documents(["host", "id"]).column_names == ["host", "id"]


def test_batches_and_generators_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.dedup.index._DOCUMENTS_AT_ONCE", 2)

    def entries() -> Iterator[Entry]:
        yield from ENTRIES

    folder = RunFolder(tmp_path).create(kinds=())
    part = write_part(folder, 7, entries(), Signing(), "")
    signed = Signing().sign([entry.text for entry in ENTRIES])
    assert np.array_equal(part.signatures, signed.signatures)
    assert np.array_equal(part.shingles, signed.shingles)
    assert np.array_equal(part.starts, signed.starts)
    assert part.documents().num_rows == 3


def test_a_part_of_nothing(tmp_path: Path) -> None:
    write_index(tmp_path, [[], [Entry("b", "?")]])
    nothing, wordless = (earlier.part for earlier in open_index(tmp_path, Signing()))
    assert (nothing.rows, nothing.documents().num_rows) == (0, 0)
    assert len(nothing.signatures) == len(nothing.shingles) == len(nothing.text_hashes) == 0
    assert nothing.starts.tolist() == [0]
    assert len(wordless.shingles) == 0
    assert wordless.signatures.shape == (1, 112)


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    one, other = (write_index(tmp_path / name, [ENTRIES])[0] for name in "ab")
    assert one.files == other.files


def test_writing_that_fails_leaves_no_part(tmp_path: Path) -> None:
    write_index(tmp_path, [ENTRIES])

    def entries() -> Iterator[Entry]:
        yield ENTRIES[0]
        raise RuntimeError("the input broke off")

    with pytest.raises(RuntimeError, match="broke off"):
        write_part(RunFolder(tmp_path), 0, entries(), Signing(), "")
    assert IndexPart.read(RunFolder(tmp_path), 0) is None
    assert not list((tmp_path / ".gristmill" / "tmp").iterdir())


# --- opening ---------------------------------------------------------------------------------


@pytest.mark.parametrize("receipts", ["receipts.parquet", "dedup/receipts.parquet"])
def test_an_index_knows_what_its_run_removed(tmp_path: Path, receipts: str) -> None:
    write_index(tmp_path, [ENTRIES, [Entry("d", "d"), Entry("e", "e")]], ["b", "d"], None, receipts)
    kept = [earlier.kept.tolist() for earlier in open_index(tmp_path, Signing())]
    assert kept == [[True, False, True], [False, True]]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "gone"])
def test_a_damaged_file_is_found_and_named(tmp_path: Path, name: str, damage: str) -> None:
    write_index(tmp_path, [ENTRIES, ENTRIES[:1]])
    path = index_folder(tmp_path) / f"part-00001.{name}"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[-1]
    elif damage == "longer":
        data.append(0)
    path.write_bytes(data)
    if damage == "gone":
        path.unlink()
    with pytest.raises(StorageError, match=f"part-00001.{name} is damaged.*run .* again"):
        open_index(tmp_path, Signing())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"rows": 3}'])
def test_a_damaged_record_is_found_and_named(tmp_path: Path, text: str) -> None:
    write_index(tmp_path, [ENTRIES])
    (index_folder(tmp_path) / "part-00000.json").write_text(text)
    assert IndexPart.read(RunFolder(tmp_path), 0) is None
    with pytest.raises(StorageError, match=r"part-00000.json is damaged"):
        open_index(tmp_path, Signing())


@pytest.mark.parametrize(
    ("signing", "difference"),
    [
        (Signing(words=4), "words 5 there, 4 here"),
        (Signing(seed=2), "seed 1 there, 2 here"),
        (
            Signing(words=3, permutations=128),
            "permutations 112 there, 128 here, words 5 there, 3 here",
        ),
    ],
)
def test_other_parameters_are_refused_and_named(
    tmp_path: Path, signing: Signing, difference: str
) -> None:
    write_index(tmp_path, [ENTRIES])
    with pytest.raises(ConfigError, match=f"other parameters: {difference}$"):
        open_index(tmp_path, signing)


def test_an_index_of_other_rules_is_refused(tmp_path: Path) -> None:
    write_index(tmp_path, [ENTRIES])
    path = index_folder(tmp_path) / "part-00000.json"
    record = json.loads(path.read_text())
    record["signing"]["rules"] = 0
    del record["signing"]["scheme"]
    path.write_text(json.dumps(record))
    with pytest.raises(ConfigError, match="rules 0 there, 1 here, scheme None there, 'affine32'"):
        open_index(tmp_path, Signing())


@pytest.mark.parametrize("missing", ["index", "receipts.parquet", "manifest.json", "all"])
def test_a_folder_without_a_finished_deduplication_is_refused(tmp_path: Path, missing: str) -> None:
    root = tmp_path / "out"
    if missing != "all":
        write_index(root, [] if missing == "index" else [ENTRIES])
        (root / missing).unlink(missing_ok=True)
    with pytest.raises(ConfigError, match="holds no finished deduplication"):
        open_index(root, Signing())


# --- against an index ------------------------------------------------------------------------

PAGE = " ".join(f"word{number}" for number in range(60))


def test_a_table_against_an_earlier_run(tmp_path: Path) -> None:
    near = PAGE.replace("word0 ", "")
    write_index(tmp_path, [[Entry("old", PAGE), Entry("gone", "removed there")], []], ["gone"])
    table = pa.table(
        {
            "id": ["copy", "longer", "near", "gone too", "new", "gone three"],
            "text": [PAGE, PAGE + " and more of it", near, "removed there", "new", "Removed there"],
        }
    )
    kept, receipts = dedup(table, Dedup(against=(str(tmp_path),)))
    # What stayed then stays now, even beside a longer copy; what went then stands for nothing.
    assert kept.select(["id", "cluster", "cluster_size"]).to_pylist() == [
        {"id": "new", "cluster": "new", "cluster_size": 1},
        {"id": "gone three", "cluster": "gone three", "cluster_size": 2},
    ]
    assert {row["removed"]: (row["kept"], row["rule"]) for row in receipts.to_pylist()} == {
        "copy": ("old", "exact.earlier"),
        "longer": ("old", "jaccard.earlier"),
        "near": ("old", "jaccard.earlier"),
        "gone too": ("gone three", "exact"),
    }
    with pytest.raises(ConfigError, match="words 5 there, 4 here"):
        dedup(table, Dedup(words=4, against=(str(tmp_path),)))
    with pytest.raises(ConfigError, match="no finished deduplication"):
        dedup(table, Dedup(against=(str(tmp_path / "else"),)))


def test_a_part_is_a_plain_value(tmp_path: Path) -> None:
    (part,) = write_index(tmp_path, [ENTRIES])
    assert dataclasses.replace(part, number=1) != part
    assert set(part.files) == set(FILES)


def test_an_index_without_one_of_its_parts_is_refused(tmp_path: Path) -> None:
    write_index(tmp_path, [ENTRIES[:1], ENTRIES[1:]])
    for path in index_folder(tmp_path).glob("part-00001.*"):
        path.unlink()
    with pytest.raises(StorageError, match="has 1 of its 2 parts"):
        open_index(tmp_path, Signing())

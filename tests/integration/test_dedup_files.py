"""`gristmill dedup` on files, as a person or a script meets it: what stays, what goes, what is said."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cli import main
from pipeline.dedup import Alarm, Dedup
from pipeline.dedup.buckets import band_keys
from pipeline.dedup.files import FilesResult, dedup_files
from pipeline.dedup.signatures import Signing
from pipeline.runtime.executor import RayExecutor, SerialExecutor
from pipeline.runtime.progress import Silent
from pipeline.sources.tables import plan_tables

Row = dict[str, Any]
OFF = Alarm(action="off")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["dedup", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def words(chance: random.Random, count: int = 100) -> list[str]:
    return [f"w{chance.randrange(5000):04}" for _ in range(count)]


def edited(chance: random.Random, text: list[str], edits: int) -> list[str]:
    """A copy with some words in a row replaced: of 100, ten leave a similarity of .75."""
    at = chance.randrange(len(text) - edits + 1)
    return [*text[:at], *words(chance, edits), *text[at + edits :]]


def crawl(seed: int, families: int = 40, prefix: str = "d") -> list[Row]:
    """Texts with copies, true and nearly so, in no order."""
    chance, rows = random.Random(seed), list[Row]()
    for _ in range(families):
        original = words(chance)
        for _ in range(chance.randint(1, 4)):
            text = " ".join(edited(chance, original, chance.choice((0, 0, 2, 5, 8, 10, 30))))
            rows.append({"id": f"{prefix}{len(rows):04}", "text": text})
    chance.shuffle(rows)
    return rows


def write(name: str, rows: Iterable[Row]) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
        return name
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if name.endswith(".gz"):
        data = gzip.compress(data)
    elif name.endswith(".zst"):
        data = pa.compress(data, codec="zstd", asbytes=True)
    path.write_bytes(data)
    return name


def read(path: str) -> list[Row]:
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows


def run(
    paths: Sequence[str], out: str, settings: Dedup | None = None, part_bytes: int = 1 << 26
) -> FilesResult:
    parts = plan_tables(paths, part_bytes)
    return dedup_files(parts, Path(out), settings or Dedup(alarm=OFF), SerialExecutor(), Silent())


def receipt_bytes(out: str) -> bytes:
    return Path(out, "receipts.parquet").read_bytes()


# --- what stays and what goes ----------------------------------------------------------------


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"])
def test_every_kind_of_file(ending: str) -> None:
    rows = crawl(1)
    assert call(write(f"crawl.{ending}", rows), "--out", "out", "--quiet") == 0
    kept, receipts = read("out/kept.parquet"), read("out/receipts.parquet")
    gone = {receipt["removed"] for receipt in receipts}
    assert len(kept) + len(receipts) == len(rows)
    assert 0 < len(gone) == len(receipts)
    assert [(row["id"], row["text"]) for row in kept] == [
        (row["id"], row["text"]) for row in rows if row["id"] not in gone
    ]
    sizes = Counter(receipt["kept"] for receipt in receipts)
    for row in kept:
        assert (row["cluster"], row["cluster_size"]) == (row["id"], 1 + sizes[row["id"]])
    assert {receipt["kept"] for receipt in receipts} <= {row["id"] for row in kept}
    assert {receipt["rule"] for receipt in receipts} == {"exact", "jaccard"}
    assert [receipt["removed"] for receipt in receipts] == sorted(gone)


def test_the_kind_of_file_changes_no_receipt() -> None:
    rows = crawl(1)
    for ending in ("jsonl", "jsonl.gz", "jsonl.zst", "parquet"):
        run([write(f"crawl.{ending}", rows)], f"out-{ending}")
    assert len({receipt_bytes(str(out)) for out in Path().glob("out-*")}) == 1


def test_columns_come_through_as_they_are() -> None:
    text = " ".join(words(random.Random(0)))
    rows: list[Row] = [
        {"id": "a", "text": text, "n": 1, "x": 0.5, "tags": ["u", "v"], "deep": {"k": [1, None]}},
        {"id": "b", "text": text.upper(), "n": 2},
        {"id": "c", "text": "Something else.", "x": None, "late": "Käse\n", "cluster_size": "mine"},
        {"id": "d", "text": "", "n": 2**60, "cluster": 7, "late": ""},
    ]
    run([write("crawl.jsonl", rows)], "out")
    table = pq.read_table("out/kept.parquet")
    assert table.column_names == ["id", "text", "n", "x", "tags", "deep", "late",
                                  "cluster", "cluster_size"]  # fmt: skip
    kept = table.to_pylist()
    assert [row["n"] for row in kept] == [1, None, 2**60]
    assert [row["late"] for row in kept] == [None, "Käse\n", ""]
    assert [row["cluster"] for row in kept] == ["a", "c", "d"]
    assert [row["cluster_size"] for row in kept] == [2, 1, 1]
    assert json.loads(kept[0]["deep"]) == {"k": [1, None]}
    again = run(["out/kept.parquet"], "again")
    assert again.counts["kept"] == 3
    assert pq.read_table("again/kept.parquet").column_names == table.column_names


def test_parquet_keeps_its_types() -> None:
    columns = {
        "id": pa.array([3, 200, 10], pa.uint8()),
        "text": pa.array(["x y z", "X Y Z!", "else"], pa.dictionary(pa.int32(), pa.string())),
        "when": pa.array([1, 2, 3], pa.timestamp("ns", "Europe/Berlin")),
        "cluster": [[1], None, [3]],
    }
    pq.write_table(pa.table(columns), "crawl.parquet")
    run(["crawl.parquet"], "out")
    kept, given = pq.read_table("out/kept.parquet"), pq.read_table("crawl.parquet")
    for name in ("id", "text", "when"):
        assert kept.schema.field(name).type == given.schema.field(name).type
    assert kept["id"].to_pylist() == kept["cluster"].to_pylist() == [10, 200][::-1]
    assert kept.schema.field("cluster").type == pa.uint8()
    receipts = pq.read_table("out/receipts.parquet")
    assert receipts.schema.field("removed").type == receipts.schema.field("kept").type == pa.uint8()
    assert receipts.select(["removed", "kept"]).to_pylist() == [{"removed": 3, "kept": 200}]


def test_numbers_as_ids_sort_as_text_and_stay_numbers() -> None:
    run([write("crawl.jsonl", [{"id": n, "text": "the same"} for n in (9, 10, -1)])], "out")
    assert read("out/receipts.parquet") == [
        {"removed": n, "kept": -1, "similarity": 1.0, "buckets": 14, "rule": "exact"}
        for n in (10, 9)
    ]
    assert read("out/kept.parquet") == [
        {"id": -1, "text": "the same", "cluster": -1, "cluster_size": 3}
    ]


def test_names_of_columns() -> None:
    rows = [{"url": f"https://a.org/{n}", "content": "one text"} for n in range(2)]
    write("crawl.jsonl", rows)
    assert call("crawl.jsonl", "--id", "url", "--text", "content", "--quiet") == 0
    assert [row["url"] for row in read("out/dedup/kept.parquet")] == ["https://a.org/0"]


# --- rows that cannot be used ----------------------------------------------------------------

BAD: dict[str, tuple[bytes, str]] = {
    "cut off": (b'{"id": "x", "text": "cut o', "table.json"),
    "no UTF-8": (b'{"id": "x", "text": "\xff"}', "table.utf8"),
    "no object": (b"[1, 2]", "table.object"),
    "no id": (b'{"text": "a text"}', "id.missing"),
    "null as id": (b'{"id": null, "text": "a text"}', "id.missing"),
    "a fraction as id": (b'{"id": 2.5, "text": "a text"}', "id.type"),
    "a truth value as id": (b'{"id": true, "text": "a text"}', "id.type"),
    "a list as id": (b'{"id": ["a"], "text": "a text"}', "id.type"),
    "no text": (b'{"id": 8}', "text.missing"),
    "a number as text": (b'{"id": 8, "text": 5}', "text.type"),
    "a list as text": (b'{"id": 8, "text": ["a text"]}', "text.type"),
}


@pytest.mark.parametrize("ids", [("a", "b", "c"), (1, 2, 3)], ids=["text", "numbers"])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_row_costs_itself_alone(bad: str, ids: tuple[Any, ...]) -> None:
    line, reason = BAD[bad]
    names = ids
    if bad in ("a truth value as id", "a list as id"):
        names = tuple(map(str, ids))  # the column has seen more than numbers
    rows = [{"id": ids[0], "text": 'A "text".'}, {"id": ids[1], "text": "else"},
            {"id": ids[2], "text": 'a text\u2028'}]  # fmt: skip
    lines = [json.dumps(row).encode() for row in rows]
    Path("crawl.jsonl").write_bytes(b"\n".join([lines[0], line, b"", *lines[1:]]))
    result = run(["crawl.jsonl"], "out")
    assert result.counts["entered"] == 4
    assert result.quarantined == {reason: 1}
    (fault,) = read("out/quarantine.parquet")
    assert (fault["file"], fault["number"], fault["rows"]) == (
        str(Path("crawl.jsonl").absolute()), len(lines[0]) + 1, 1
    )  # fmt: skip
    assert fault["reason"] == reason
    assert fault["error"]
    kept = {row["id"]: row["text"] for row in read("out/kept.parquet")}
    (receipt,) = read("out/receipts.parquet")
    assert {receipt["removed"], receipt["kept"]} == {names[0], names[2]}
    texts = dict(zip(names, (row["text"] for row in rows), strict=True))
    assert kept == {name: text for name, text in texts.items() if name != receipt["removed"]}
    assert {row["cluster"] for row in read("out/kept.parquet")} == kept.keys()


def test_ids_of_two_kinds_are_text_everywhere() -> None:
    text = " ".join(words(random.Random(3)))
    rows = [{"id": 7, "text": text}, {"id": "a", "text": text + " more"}, {"id": "9", "text": "x"}]
    run([write("crawl.jsonl", rows)], "out")
    assert [(row["id"], row["cluster"]) for row in read("out/kept.parquet")] == [
        ("a", "a"),
        ("9", "9"),
    ]
    assert [row["removed"] for row in read("out/receipts.parquet")] == ["7"]


def test_files_that_disagree_about_the_columns() -> None:
    pq.write_table(pa.table({"id": [1.5, 2.0], "text": [["a"], ["b"]]}), "bad.parquet")
    pq.write_table(pa.table({"id": pa.array([3], pa.int8()), "text": ['q "x"']}), "a.parquet")
    write("b.jsonl", [{"id": 400, "text": "Q: 'x'!"}, {"id": 5, "text": "else"}])
    result = run(["bad.parquet", "a.parquet", "b.jsonl"], "out")
    assert result.quarantined == {"id.type": 2}
    kept = [(row["id"], row["text"], row["cluster"]) for row in read("out/kept.parquet")]
    assert kept == [(400, "Q: 'x'!", 400), (5, "else", 5)]
    (receipt,) = read("out/receipts.parquet")
    assert (receipt["removed"], receipt["kept"]) == (3, 400)


def test_json_text_from_before_is_text() -> None:
    texts = ['"quoted"', '["a", "b"]', '"QUOTED!"']
    field = pa.field("text", pa.large_string(), metadata={"gristmill.encoding": "json"})
    schema = pa.schema([pa.field("id", pa.string()), field])
    pq.write_table(pa.table({"id": ["a", "b", "c"], "text": texts}, schema=schema), "a.parquet")
    write("b.jsonl", [{"id": "d", "text": '"and" this'}])
    run(["a.parquet", "b.jsonl"], "out")
    assert [row["text"] for row in read("out/kept.parquet")] == [*texts[1:], '"and" this']


def test_of_rows_with_one_id_the_same_stays_whatever_the_order() -> None:
    text = " ".join(words(random.Random(4)))
    rows = [
        {"id": "a", "text": text},
        {"id": "a", "text": text.upper() + " !"},  # the same words, another length
        {"id": "a", "text": text, "date": "2020-01-01"},
        {"id": "b", "text": text + "!"},
    ]
    seen = set()
    for number, order in enumerate(itertools.permutations(rows)):
        pieces = [[row] for row in order] if number % 2 else [order]
        files = [write(f"{number}/{at}.jsonl", piece) for at, piece in enumerate(pieces)]
        result = run(files, f"out-{number}")
        assert result.quarantined == {"id.repeated": 2}
        kept = sorted((row["id"], row["text"]) for row in read(f"out-{number}/kept.parquet"))
        seen.add((receipt_bytes(f"out-{number}"), str(kept)))
    assert len(seen) == 1


def test_an_id_in_two_files_is_one_too_many() -> None:
    for name in ("a", "b"):
        write(f"{name}.jsonl", [{"id": "same", "text": f"text {name}"}])
    assert call("a.jsonl", "b.jsonl", "--serial", "--quiet") == 0
    (kept,) = read("out/dedup/kept.parquet")
    (fault,) = read("out/dedup/quarantine.parquet")
    assert (fault["id"], fault["reason"]) == ("same", "id.repeated")
    assert {kept["text"][-1], Path(fault["file"]).stem} == {"a", "b"}


# --- the same bytes --------------------------------------------------------------------------


def test_order_files_and_cuts_change_no_receipt() -> None:
    rows = crawl(2, families=60)
    whole = run([write("whole.jsonl", rows)], "whole").counts
    for number in range(3):
        random.Random(number).shuffle(rows)
        names = [f"{number}/{at}.{'parquet' if at % 3 else 'jsonl.gz'}" for at in range(7)]
        files = [write(name, rows[at::7]) for at, name in enumerate(names)]
        counts = run(files, f"files-{number}").counts
        assert counts == whole
        assert receipt_bytes(f"files-{number}") == receipt_bytes("whole")
    for part_bytes in (700, 5000, 40_000):
        cut = run([write("cut.jsonl", rows)], f"cut-{part_bytes}", part_bytes=part_bytes)
        assert cut.counts == whole
        assert receipt_bytes(f"cut-{part_bytes}") == receipt_bytes("whole")
        assert [row["id"] for row in read(f"cut-{part_bytes}/kept.parquet")] == [
            row["id"] for row in rows
            if row["id"] not in {r["removed"] for r in read("whole/receipts.parquet")}
        ]  # fmt: skip


def test_pieces_of_the_shuffle_change_no_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("crawl.jsonl", crawl(5, families=60))
    whole = run([path], "whole").counts
    monkeypatch.setattr("pipeline.dedup.shuffle.DOCUMENTS_PER_TASK", 7)
    monkeypatch.setattr("pipeline.dedup.shuffle.ROWS_PER_PARTITION", 90)
    assert run([path], "pieces").counts == whole
    assert receipt_bytes("pieces") == receipt_bytes("whole")


@pytest.mark.ray
def test_workers_change_no_byte() -> None:
    path = write("crawl.jsonl", crawl(6, families=60))
    run([path], "serial", part_bytes=4000)
    for workers in (1, 2):
        with_ray = RayExecutor(workers)
        dedup_files(
            plan_tables([path], 4000), Path(f"ray-{workers}"), Dedup(alarm=OFF), with_ray, Silent()
        )
        for name in ("receipts.parquet", "kept.parquet", "manifest.json"):
            assert Path(f"ray-{workers}", name).read_bytes() == Path("serial", name).read_bytes()


def test_once_more_is_the_same_and_other_settings_are_as_from_scratch() -> None:
    path = write("crawl.jsonl", crawl(7))
    loose = Dedup(alarm=OFF, threshold=0.6, bands=28, rows=4)
    run([path], "fresh", loose)
    run([path], "out")
    first = receipt_bytes("out")
    index = {p.name: p.stat().st_mtime_ns for p in Path("out/dedup/index").iterdir()}
    run([path], "out")
    assert receipt_bytes("out") == first != receipt_bytes("fresh")
    run([path], "out", loose)
    assert receipt_bytes("out") == receipt_bytes("fresh")
    assert index == {p.name: p.stat().st_mtime_ns for p in Path("out/dedup/index").iterdir()}
    assert not any(Path("out/.gristmill/dedup").iterdir())


def test_fewer_files_than_before_leave_no_part_behind() -> None:
    rows = crawl(8)
    for name, half in (("a.jsonl", rows[::2]), ("b.jsonl", rows[1::2])):
        write(name, half)
    run(["a.jsonl", "b.jsonl"], "out")
    run(["a.jsonl"], "out")
    run(["a.jsonl"], "fresh")
    assert receipt_bytes("out") == receipt_bytes("fresh")
    assert sorted(p.name for p in Path("out/dedup/index").iterdir()) == sorted(
        p.name for p in Path("fresh/dedup/index").iterdir()
    )


# --- later crawls ----------------------------------------------------------------------------


def similarity_of(one: str, other: str) -> float:
    sets = [
        {tuple(text.split()[at : at + 5]) for at in range(max(1, len(text.split()) - 4))}
        for text in (one, other)
    ]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def expected_removals(standing: Sequence[Row], rows: Sequence[Row]) -> set[str]:
    """The rule in so many words: longest first; one goes if one that stays is near enough."""
    every = [*standing, *sorted(rows, key=lambda row: (-len(row["text"]), row["id"]))]
    signed = Signing().sign([row["text"] for row in every])
    keys = band_keys(signed.signatures, 14, 8)
    stays, gone = list(range(len(standing))), set()
    for at in range(len(standing), len(every)):
        if any(
            (keys[at] == keys[kept]).any()
            and similarity_of(every[at]["text"], every[kept]["text"]) >= 0.8
            for kept in stays
        ):
            gone.add(every[at]["id"])
        else:
            stays.append(at)
    return gone


@pytest.mark.parametrize("seed", [11, 12])
def test_against_an_earlier_run_whose_texts_are_gone(seed: int) -> None:
    rows = crawl(seed, families=60)
    old = [{**row, "date": "2020-01-01"} for row in rows[::2]]
    new = [{**row, "id": f"new {row['id']}", "date": "2021-01-01"} for row in rows[1::2]]
    new += [{**row, "id": f"again {row['id']}", "date": "2021-01-01"} for row in old[::5]]
    run([write("old.jsonl", old)], "old")
    standing = [row for row in old if row["id"] in {r["id"] for r in read("old/kept.parquet")}]
    assert {row["removed"] for row in read("old/receipts.parquet")} == expected_removals([], old)
    for path in ("old.jsonl", "old/kept.parquet"):
        Path(path).unlink()
    run([write("new.jsonl", new)], "new", Dedup(against=("old",), alarm=OFF))
    receipts = read("new/receipts.parquet")
    assert {row["removed"] for row in receipts} == expected_removals(standing, new)
    texts = {row["id"]: row["text"] for row in (*old, *new)}
    ours = {row["id"] for row in read("new/kept.parquet")}
    theirs = {row["id"] for row in standing}
    assert ours | {row["removed"] for row in receipts} == {row["id"] for row in new}
    for row in receipts:
        assert row["similarity"] == similarity_of(texts[row["removed"]], texts[row["kept"]])
        assert row["kept"] in (theirs if row["rule"].endswith(".earlier") else ours)
    assert {row["rule"] for row in receipts} >= {"exact.earlier", "jaccard.earlier", "jaccard"}

    # All at once, the old ones first, takes out the same.
    earliest = Dedup(keep=("earliest", "longest"), alarm=OFF)
    run([write("all.jsonl", [*old, *new])], "all", earliest)
    gone = {row["removed"] for row in (*receipts, *read("old/receipts.parquet"))}
    assert {row["removed"] for row in read("all/receipts.parquet")} == gone


def test_what_an_earlier_run_removed_is_no_keeper() -> None:
    chain = [f"w{n:03}" for n in range(100)]
    near = [f"x{n:03}" for n in range(6)] + chain[6:]
    far = near[:94] + [f"y{n:03}" for n in range(6)]
    first, second, third = (" ".join(text) for text in (chain, near, far))
    assert similarity_of(first, second) > 0.8 > similarity_of(first, third)
    assert similarity_of(second, third) > 0.8
    run([write("old.jsonl", [{"id": "1", "text": first}, {"id": "2", "text": second}])], "old")
    assert [row["removed"] for row in read("old/receipts.parquet")] == ["2"]
    write("new.jsonl", [{"id": "3", "text": third}, {"id": "4", "text": second}])
    run(["new.jsonl"], "new", Dedup(against=("old",)))
    assert [row["id"] for row in read("new/kept.parquet")] == ["3"]
    assert [(row["removed"], row["kept"]) for row in read("new/receipts.parquet")] == [("4", "1")]


def test_the_same_ids_in_both_runs() -> None:
    rows = crawl(13)
    run([write("old.jsonl", rows)], "old")
    run([write("new.jsonl", [*rows, {"id": "extra", "text": "new"}])], "new",
        Dedup(against=("old",), alarm=OFF))  # fmt: skip
    assert [row["id"] for row in read("new/kept.parquet")] == ["extra"]
    receipts = {row["removed"]: row["kept"] for row in read("new/receipts.parquet")}
    stood = {row["id"] for row in read("old/kept.parquet")}
    assert receipts.keys() == {row["id"] for row in rows}
    assert set(receipts.values()) == stood
    assert all(receipts[name] == name for name in stood)


def test_three_runs_in_a_row() -> None:
    rows = crawl(14, families=60)
    for number in range(3):
        write(f"{number}.jsonl", rows[number::3])
        against = tuple(str(earlier) for earlier in range(number))
        run([f"{number}.jsonl"], f"{number}", Dedup(against=against, alarm=OFF))
        backwards = Dedup(against=against[::-1], alarm=OFF)
        run([f"{number}.jsonl"], f"back-{number}", backwards)
        assert receipt_bytes(str(number)) == receipt_bytes(f"back-{number}")
    kept = [row for number in range(3) for row in read(f"{number}/kept.parquet")]
    assert len({row["id"] for row in kept}) == len(kept)
    run([write("kept.jsonl", [{"id": row["id"], "text": row["text"]} for row in kept])], "once")
    assert not read("once/receipts.parquet")


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.jsonl"], 1, r"nowhere\.jsonl: no such file"),
        (["crawl.csv"], 2, r"crawl\.csv: its ending"),
        (["crawl.jsonl", "--id", "doc"], 2, r"no row has a column 'doc'; there are: id, text\. .*--id"),
        (["crawl.jsonl", "--text", "body"], 2, r"no row has a column 'body'; .*--text"),
        (["crawl.jsonl", "--keep", "best_quality", "--quality", "q"], 2, "column 'q'"),
        (["crawl.jsonl", "--keep", "best_quality", "--quality", "text"], 2, "'text' .* no number"),
        (["crawl.jsonl", "--keep", "best_quality"], 2, "need each other"),
        (["crawl.jsonl", "--keep", "shortest"], 2, "shortest"),
        (["crawl.jsonl", "--bands", "5"], 2, "bands and rows come together"),
        (["crawl.jsonl", "--threshold", "1.5"], 2, "threshold"),
        (["crawl.jsonl", "--against", "nowhere"], 2, "nowhere: no such folder"),
        (["crawl.jsonl", "--against", "."], 2, "holds no finished deduplication"),
        (["crawl.jsonl", "--against", "done"], 2, "done is the output folder, too"),
        (["crawl.jsonl", "--text", "cluster"], 2, "--text cluster"),
        (["crawl.jsonl", "--out", "other"], 2, "other is not empty"),
        (["crawl.jsonl", "--out", "crawl.jsonl"], 2, "crawl.jsonl"),
        (["crawl.jsonl", "--out", "recipe"], 2, "recipe holds the run of a recipe"),
        (["crawl.jsonl", "--serial", "--workers", "2"], 2, "leave out"),
        ([], 2, ""),
    ],
)  # fmt: skip
def test_refusals(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("crawl.jsonl", crawl(9, families=3))
    write("crawl.csv", [])
    write("other/file.txt", [])
    for folder in ("recipe/.gristmill", "recipe/records"):
        Path(folder).mkdir(parents=True)
    run(["crawl.jsonl"], "done")
    before = receipt_bytes("done")
    out = [] if "--out" in arguments else ["--out", "done"]
    assert call(*arguments, *out) == code
    assert re.search(message, capsys.readouterr().err)
    assert receipt_bytes("done") == before


# --- the alarm -------------------------------------------------------------------------------


def wipe_out() -> list[str]:
    """Two files, of which the second has nothing of its own."""
    chance = random.Random(1)
    texts = [" ".join(words(chance)) for _ in range(30)]
    return [
        write(f"{name}.jsonl", [{"id": f"{name}{n:02}", "text": t} for n, t in enumerate(texts)])
        for name in ("a", "b")
    ]


def test_the_alarm_stops_and_the_same_command_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    paths = wipe_out()
    command = [*paths, "--serial", "--out", "out"]
    assert call(*command) == 4
    said = capsys.readouterr().err
    assert "b.jsonl would lose 30 of its 30 documents (100.0%)" in said
    assert "a.jsonl" not in said.partition("wipe-out")[2]
    assert "warn" in said
    for name in ("kept.parquet", "receipts.parquet", "manifest.json"):
        assert not Path("out", name).exists()
    index = {p.name: p.stat().st_mtime_ns for p in Path("out/dedup/index").iterdir()}
    assert call(*command, "--alarm", "warn") == 0
    warned = capsys.readouterr()
    assert "warning: source" in warned.err
    assert "60 rows: 30 kept, 30 removed (30 exact)" in warned.out
    (alarm,) = json.loads(Path("out/manifest.json").read_text())["dedup"]["alarms"]
    assert (alarm["kind"], alarm["documents"], alarm["removed"]) == ("source", 30, 30)
    assert index == {p.name: p.stat().st_mtime_ns for p in Path("out/dedup/index").iterdir()}
    assert call(*command, "--alarm", "off") == 0
    assert "warning" not in capsys.readouterr().err
    assert json.loads(Path("out/manifest.json").read_text())["dedup"]["alarms"] == []


def test_an_alarm_takes_the_manifest_of_what_it_contradicts() -> None:
    command = [*wipe_out(), "--serial", "--quiet", "--out", "out"]
    assert call(*command, "--alarm", "off") == 0
    assert call(*command) == 4
    assert not Path("out/manifest.json").exists()


def test_the_alarm_looks_at_domains_and_its_limits_can_be_set() -> None:
    rows = [{"id": n, "text": "the same", "url": "https://x.a.org/"} for n in range(5)]
    write("crawl.jsonl", [*rows, {"id": 9, "text": "else", "url": "https://y.a.org/"}])
    assert call("crawl.jsonl", "--quiet") == 0
    assert call("crawl.jsonl", "--quiet", "--alarm-minimum", "6", "--alarm-share", "0.7") == 0
    assert call("crawl.jsonl", "--quiet", "--alarm-minimum", "6", "--alarm-share", "0.6") == 4


def test_a_source_from_the_data_does_not_act_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "\x1b[2J\x9b31m[red]\nsite\u202e"
    write("crawl.jsonl", [{"id": n, "text": "the same", "source": name} for n in range(30)])
    for action, code in (("stop", 4), ("warn", 0)):
        assert call("crawl.jsonl", "--alarm", action) == code
        said = capsys.readouterr().err
        assert "would lose 29 of its 30 documents" in said
        assert "[red]" in said
        assert not re.search("[\x1b\x9b\u202e]", said)


# --- what is said ----------------------------------------------------------------------------


def test_the_counts_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": n, "text": text} for n, text in enumerate(("x", "X", "y", None))]
    write("crawl.jsonl", rows)
    assert call("crawl.jsonl", "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out)
    assert found["out"] == str(Path("out/dedup").absolute())
    assert {name: found[name] for name in ("entered", "kept", "removed", "exact", "quarantined")} == {
        "entered": 4, "kept": 2, "removed": 1, "exact": 1, "quarantined": 1,
    }  # fmt: skip
    assert found["reasons"] == {"text.missing": 1}
    manifest = json.loads(Path("out/dedup/manifest.json").read_text())
    assert manifest["dedup"]["counts"] == {
        name: found[name] for name in found if name not in ("out", "reasons")
    }


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write("crawl.jsonl", crawl(9))
    assert call("crawl.jsonl", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_what_goes_to_a_pipe_can_be_read() -> None:
    write("[bold]crawl.jsonl", [*crawl(9), {"id": None}])
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "dedup", "[[]bold]crawl.jsonl", "--out", "[red]out"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "40", "TERM": "xterm-256color"},
    )
    assert "\x1b" not in done.stdout + done.stderr
    first, *rest = done.stdout.splitlines()
    assert re.fullmatch(
        r"\d+ rows: \d+ kept, \d+ removed \(\d+ exact, \d+ jaccard\), "
        r"1 quarantined \(1 id\.missing\) in [\d.]+ s",
        first,
    )
    assert any(line.strip().startswith(str(Path("[red]out/kept.parquet").absolute()))
               for line in rest)  # fmt: skip
    assert all(line == line.rstrip() for line in rest)
    assert done.stderr.splitlines()[0] == "Signing 1 file"


@pytest.mark.parametrize("command", [[], ["files"], ["show"], ["lines"]])
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*command, "--help") == 0
    said = capsys.readouterr().out
    assert "Examples:" in said
    assert "  gristmill dedup " in said.partition("Examples:")[2]


# --- lines -----------------------------------------------------------------------------------


def test_lines_that_a_site_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"text": f"Home\nStory {n} of many.\nAll rights reserved", "url": f"https://www.a.org/{n}"}
        for n in range(6)
    ]
    rows += [{"text": "Home", "url": None}, {"text": None, "url": "https://www.a.org/"}]
    write("a.jsonl", rows[::2])
    write("b.parquet", rows[1::2])
    assert call("lines", "a.jsonl", "b.parquet", "--out", "new/lines.parquet", "--serial") == 0
    said = capsys.readouterr().out
    assert "8 rows (1 without a site in their URL, 1 without a text)" in said
    assert "2 lines repeated by 1 sites: new/lines.parquet" in said
    assert {row["text"] for row in read("new/lines.parquet")} == {"Home", "All rights reserved"}
    assert (
        call("lines", "a.jsonl", "b.parquet", "--out", "lines.parquet", "--serial", "--json") == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["documents"], found["lines"], found["unusable"]) == (7, 2, 1)
    assert Path("lines.parquet").read_bytes() == Path("new/lines.parquet").read_bytes()
    assert call("lines", "nowhere.jsonl", "--out", "lines.parquet") == 1
    assert call("lines", "a.jsonl") == 2

"""Deduplication of files after kills, damage and change, and on texts that are hardly texts."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kills import kill_at_files, run_script

from pipeline.core.errors import ConfigError, SourceError, StorageError
from pipeline.dedup import Alarm, Dedup, shuffle
from pipeline.dedup.files import FilesResult, dedup_files
from pipeline.runtime.executor import SerialExecutor
from pipeline.runtime.progress import Silent
from pipeline.sources.tables import plan_tables

Row = dict[str, Any]
Digests = Callable[[Path], dict[str, str]]

PART_BYTES = 12_000
ROWS_PER_PARTITION = 400
SETTINGS = Dedup(alarm=Alarm(action="off"))


def crawl(seed: int, families: int) -> list[Row]:
    """Texts with copies, true and nearly so."""
    chance, rows = random.Random(seed), list[Row]()
    for _ in range(families):
        text = [f"w{chance.randrange(5000):04}" for _ in range(60)]
        for copy in range(chance.randint(1, 4)):
            text[copy] = f"x{copy}"
            rows.append({"id": f"d{len(rows):06}", "text": " ".join(text)})
    chance.shuffle(rows)
    return [*rows, {"id": "d000000", "text": "another text of that name"}, {"id": None}]


def write(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(
    path: Path, out: Path, settings: Dedup = SETTINGS, part_bytes: int = PART_BYTES, **given: Any
) -> FilesResult:
    parts = plan_tables([path], part_bytes)
    progress = given.get("progress", Silent())
    return dedup_files(parts, out, settings, SerialExecutor(), progress)


def read(path: Path) -> list[Row]:
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An input of several parts, not to be changed."""
    return write(tmp_path_factory.mktemp("small") / "crawl.jsonl", crawl(1, 25))


@pytest.fixture(scope="module")
def whole(small: Path) -> Path:
    """What comes of it."""
    return run(small, small.with_name("whole")).folder.root


# --- kills -----------------------------------------------------------------------------------


def main(path: Path, outs: Path) -> None:
    """A run killed at every file that it writes."""
    shuffle.ROWS_PER_PARTITION = ROWS_PER_PARTITION
    kill_at_files(lambda out: run(path, out), outs)


def test_killed_at_any_file_it_writes(
    small: Path,
    whole: Path,
    tmp_path: Path,
    digests: Digests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shuffle, "ROWS_PER_PARTITION", ROWS_PER_PARTITION)
    run_script(__file__, str(small), str(tmp_path))
    expected = digests(whole)
    assert digests(tmp_path / "warm") == expected
    outs = sorted(tmp_path.iterdir())
    assert len(outs) > 30
    for out in outs:
        run(small, out)
        assert digests(out) == expected
        assert not any((out / ".gristmill" / "dedup").iterdir())
        assert not any((out / ".gristmill" / "tmp").iterdir())


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files, and beside it, in ``whole``, what comes of them."""
    folder = tmp_path_factory.mktemp("many") / "crawl"
    folder.mkdir()
    rows = crawl(2, 2500)
    for number in range(6):
        write(folder / f"{number}.jsonl", rows[number::6])
    run(folder, folder.with_name("whole"), part_bytes=1 << 26)
    return folder


@pytest.mark.ray
@pytest.mark.heavy
@pytest.mark.parametrize(
    "moment",
    ["dedup/index/part-00003.json", ".gristmill/dedup/*/band-*", ".gristmill/dedup/*/verify-*"],
)
def test_driver_and_workers_killed(many: Path, tmp_path: Path, moment: str) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "dedup", str(many), "--alarm", "off", "--quiet",
         "--workers", "2", "--out", str(out)]
    )  # fmt: skip
    while process.poll() is None and not any(out.glob(moment)):
        time.sleep(0.005)
    time.sleep(random.Random(moment).random() * 0.05)
    victims = [psutil.Process(process.pid)]
    with contextlib.suppress(psutil.NoSuchProcess):
        victims += victims[0].children(recursive=True)
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    assert process.wait() == -signal.SIGKILL
    run(many, out, part_bytes=1 << 26)
    for name in ("receipts.parquet", "kept.parquet"):
        whole = (many.with_name("whole") / name).read_bytes()
        assert (out / name).read_bytes() == whole


# --- damage ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["signatures.u32", "shingles.u32", "starts.i64", "texts.u64", "documents.arrow", "json"]
)
@pytest.mark.parametrize("how", ["flipped", "cut off", "gone"])
def test_a_damaged_signature_part_is_built_anew(
    small: Path, whole: Path, tmp_path: Path, digests: Digests, name: str, how: str
) -> None:
    run(small, tmp_path / "out")
    victim = tmp_path / "out" / "dedup" / "index" / f"part-00001.{name}"
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0x40
    {
        "flipped": lambda: victim.write_bytes(data),
        "cut off": lambda: victim.write_bytes(data[: len(data) // 2]),
        "gone": victim.unlink,
    }[how]()
    run(small, tmp_path / "out")
    assert digests(tmp_path / "out") == digests(whole)


@pytest.mark.parametrize("kind", ["rows.i64", "faults.parquet"])
def test_what_is_known_of_a_part_is_gone(
    small: Path, whole: Path, tmp_path: Path, digests: Digests, kind: str
) -> None:
    folder = run(small, tmp_path / "out").folder
    for path in folder.splits.glob(f"*.{kind}"):
        path.unlink()
    run(small, tmp_path / "out")
    assert digests(tmp_path / "out") == digests(whole)


@pytest.mark.parametrize("step", ["band", "group"])
def test_a_work_file_cut_off_is_noticed(
    small: Path, whole: Path, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr("pipeline.dedup.files.raise_alarm", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(small, out)
    monkeypatch.undo()
    (home,) = (out / ".gristmill" / "dedup").iterdir()
    victim = max(home.glob(f"{step}-*"), key=lambda path: path.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-7])
    for path in home.glob("bucket-*" if step == "band" else "verify-*"):
        path.unlink()
    with pytest.raises(StorageError, match=re.escape(str(home))):
        run(small, out)
    for path in home.iterdir():
        path.unlink()
    run(small, out)
    assert (out / "receipts.parquet").read_bytes() == (whole / "receipts.parquet").read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"words": 3}, r"words 5 there, 3 here$"),
        ({"seed": 2}, r"seed 1 there, 2 here$"),
        ({"bands": 20, "rows": 8}, r"permutations 112 there, 160 here$"),
        ({"words": 6, "seed": 7}, r"seed 1 there, 7 here, words 5 there, 6 here$"),
    ],
)
def test_an_index_of_other_parameters(
    small: Path, whole: Path, tmp_path: Path, settings: Row, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(small, tmp_path / "out", Dedup(against=(str(whole),), **settings))
    assert not (tmp_path / "out").exists()


def test_other_bands_of_the_same_signatures_fit(small: Path, whole: Path, tmp_path: Path) -> None:
    settings = Dedup(against=(str(whole),), bands=28, rows=4, alarm=Alarm(action="off"))
    assert run(small, tmp_path / "out", settings).counts["kept"] == 0


@pytest.mark.parametrize(
    ("gone", "error", "message"),
    [
        ("dedup/index/*", ConfigError, "holds no finished deduplication"),
        ("manifest.json", ConfigError, "holds no finished deduplication"),
        ("receipts.parquet", ConfigError, "holds no finished deduplication"),
        ("dedup/index/part-00001.json", StorageError, r"has \d of its \d parts; run what wrote"),
        ("dedup/index/part-00001.texts.u64", StorageError, r"texts\.u64 is damaged; run what wrote"),
    ],
)  # fmt: skip
def test_an_earlier_run_that_is_not_whole(
    small: Path, tmp_path: Path, gone: str, error: type[Exception], message: str
) -> None:
    run(small, tmp_path / "old")
    for path in (tmp_path / "old").glob(gone):
        path.unlink()
    with pytest.raises(error, match=message):
        run(small, tmp_path / "new", Dedup(against=(str(tmp_path / "old"),)))
    assert not (tmp_path / "new").exists()
    run(small, tmp_path / "old")
    run(small, tmp_path / "new", Dedup(against=(str(tmp_path / "old"),), alarm=SETTINGS.alarm))


# --- inputs that change ----------------------------------------------------------------------


def test_an_input_changed_between_runs(small: Path, tmp_path: Path) -> None:
    lines = small.read_text().splitlines(keepends=True)
    path = tmp_path / "crawl.jsonl"
    for number, text in enumerate(
        ("".join(lines), "".join(lines[5:]), "".join(lines[::-1]), "".join(lines) * 2)
    ):
        path.write_text(text)
        os.utime(path, ns=(number, number))  # a clock may be too coarse to tell them apart
        run(path, tmp_path / "out")
        run(path, tmp_path / f"fresh-{number}")
        for name in ("receipts.parquet", "kept.parquet", "quarantine.parquet"):
            fresh = (tmp_path / f"fresh-{number}" / name).read_bytes()
            assert (tmp_path / "out" / name).read_bytes() == fresh


class _Meddler(Silent):
    """Changes the input once it has been signed."""

    def __init__(self, change: Callable[[], object]):
        self.change = change

    def say(self, line: str) -> None:
        if line.startswith("Deduplicating"):
            self.change()


def test_an_input_changed_while_it_is_read(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "crawl.jsonl"
    text = small.read_text()
    changed = r"crawl\.jsonl: was changed while it was read; run the same command again"
    for change, message in (
        (lambda: path.write_text(text[: len(text) // 2]), changed),
        (lambda: path.write_text("{}\n" + text), changed),
        (lambda: path.write_text(text.replace('"text"', '"TEXT"')), changed),
        (path.unlink, r"crawl\.jsonl: .*No such file"),
    ):
        path.write_text(text)
        with pytest.raises(SourceError, match=message):
            run(path, tmp_path / "out", progress=_Meddler(change))
        assert not (tmp_path / "out" / "manifest.json").exists()
        assert not (tmp_path / "out" / "kept.parquet").exists()
    path.write_text(text)
    assert run(path, tmp_path / "out").counts["kept"]


def damaged_parquet(path: Path, column: str) -> None:
    """Four row groups; in the second the bytes of ``column`` are destroyed."""
    rows = 400
    table = pa.table(
        {
            "id": [f"d{n:03}" for n in range(rows)],
            "text": [f"a text of number {n} and no other" for n in range(rows)],
            "extra": [os.urandom(8).hex() for _ in range(rows)],
        }
    )
    pq.write_table(table, path, row_group_size=100, use_dictionary=False, write_page_checksum=True)
    metadata = pq.ParquetFile(path).metadata
    chunk = metadata.row_group(1).column(table.column_names.index(column))
    data = bytearray(path.read_bytes())
    middle = chunk.data_page_offset + chunk.total_compressed_size // 2
    data[middle : middle + 64] = b"\xff" * 64
    path.write_bytes(data)


@pytest.mark.parametrize("column", ["id", "text"])
def test_a_row_group_that_cannot_be_read_costs_its_rows(tmp_path: Path, column: str) -> None:
    damaged_parquet(tmp_path / "crawl.parquet", column)
    result = run(tmp_path / "crawl.parquet", tmp_path / "out")
    assert result.quarantined == {"table.row_group": 100}
    assert (result.counts["entered"], result.counts["kept"]) == (400, 300)
    (fault,) = read(tmp_path / "out" / "quarantine.parquet")
    assert (fault["number"], fault["rows"]) == (100, 100)
    assert [row["id"] for row in read(tmp_path / "out" / "kept.parquet")] == [
        f"d{n:03}" for n in range(400) if not 100 <= n < 200
    ]


def test_damage_that_only_writing_meets_is_named_with_the_mend(tmp_path: Path) -> None:
    damaged_parquet(tmp_path / "crawl.parquet", "extra")
    message = r"crawl\.parquet: 100 rows cannot be read whole \(.* row 100: .*write the file again"
    with pytest.raises(SourceError, match=message):
        run(tmp_path / "crawl.parquet", tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert not (tmp_path / "out" / "kept.parquet").exists()
    pq.write_table(
        pq.read_table(tmp_path / "crawl.parquet", columns=["id", "text"]),
        tmp_path / "crawl.parquet",
    )
    assert run(tmp_path / "crawl.parquet", tmp_path / "out").counts["kept"] == 400


# --- texts that are hardly texts -------------------------------------------------------------


def run_texts(folder: Path, texts: Sequence[str], **settings: Any) -> tuple[set[str], FilesResult]:
    """Ids of what stays: the texts' numbers, padded so that they sort in this order."""
    rows = [{"id": f"{number:06}", "text": text} for number, text in enumerate(texts)]
    path = write(folder / "crawl.jsonl", rows)
    result = run(path, folder / "out", part_bytes=1 << 26)
    return {row["id"] for row in read(folder / "out" / "kept.parquet")}, result


def test_texts_without_words(tmp_path: Path) -> None:
    kept, result = run_texts(tmp_path, ["", "", " ", "?", "?", "!", "\u200b", "word"])
    assert kept == {"000000", "000002", "000003", "000005", "000006", "000007"}
    assert result.counts["exact"] == 2


def test_texts_of_few_words(tmp_path: Path) -> None:
    texts = ["one", "One!", "two", "one two", "two one", "one two three four", "one two three", "1"]
    kept, _ = run_texts(tmp_path, texts)
    assert len(kept) == 7
    assert len({"000000", "000001"} & kept) == 1


def test_one_word_over_and_over(tmp_path: Path) -> None:
    texts = ["buffalo " * count for count in (1, 4, 5, 6, 50, 200_000)]
    kept, result = run_texts(tmp_path, [*texts, "bison " * 50])
    assert "000005" in kept
    assert "000006" in kept
    assert result.counts["exact"] == 3
    assert {"000000", "000001"} <= kept


def test_a_word_of_five_megabytes(tmp_path: Path) -> None:
    word = "x" * 5_000_000
    kept, _ = run_texts(tmp_path, [word, word.upper(), word + "x", f"a b c d {word}"])
    assert kept == {"000000", "000002", "000003"}


def test_fifty_thousand_copies_of_one_document(tmp_path: Path) -> None:
    copies = 50_000
    text = "the mill stood by the river and the river fed the mill all day long"
    kept, result = run_texts(tmp_path, [text] * copies + [text + " and more, and more, and more"])
    assert kept == {"000000", "050000"}
    assert (result.counts["removed"], result.counts["largest"]) == (copies - 1, copies)
    receipts = pq.read_table(tmp_path / "out" / "receipts.parquet")
    assert set(receipts["kept"].unique().to_pylist()) == {"000000"}
    assert set(receipts["rule"].unique().to_pylist()) == {"exact"}


def test_fifty_thousand_rows_of_one_id(tmp_path: Path) -> None:
    rows = [{"id": "same", "text": f"text {number % 3}"} for number in range(50_000)]
    result = run(write(tmp_path / "crawl.jsonl", rows), tmp_path / "out", part_bytes=1 << 19)
    assert result.quarantined == {"id.repeated": 49_999}
    assert result.counts["kept"] == 1


def test_parts_and_files_with_no_usable_row(tmp_path: Path) -> None:
    good = [{"id": f"d{number}", "text": "the same text"} for number in range(3)]
    bad = [{"id": number / 2, "text": "x" * 50} for number in range(200)]
    write(tmp_path / "a.jsonl", bad)
    write(tmp_path / "b.jsonl", [])
    write(tmp_path / "c.jsonl", [*bad, *good, *bad])
    pq.write_table(pa.table({"other": [1, 2]}), tmp_path / "d.parquet")
    pq.write_table(
        pa.table({"id": pa.array([], pa.int64()), "text": pa.array([], pa.binary())}),
        tmp_path / "e.parquet",
    )
    result = run(tmp_path, tmp_path / "out")
    assert result.counts["entered"] == 605
    assert result.quarantined == {"id.missing": 2, "id.type": 600}
    (kept,) = read(tmp_path / "out" / "kept.parquet")
    assert (kept["id"], kept["text"], kept["cluster_size"]) == ("d0", "the same text", 3)
    later = run(
        tmp_path, tmp_path / "later", Dedup(against=(str(tmp_path / "out"),), alarm=SETTINGS.alarm)
    )
    assert later.counts["kept"] == 0


def test_nothing_usable_at_all(tmp_path: Path) -> None:
    write(tmp_path / "crawl.jsonl", [{"id": 1, "text": None}] * 3)
    result = run(tmp_path / "crawl.jsonl", tmp_path / "out")
    assert result.counts["kept"] == result.counts["removed"] == 0
    assert result.counts["quarantined"] == 3
    assert pq.read_table(tmp_path / "out" / "kept.parquet").num_rows == 0
    for content, rows in (("no JSON\n", 1), ("", 0)):
        (tmp_path / "crawl.jsonl").write_text(content)
        result = run(tmp_path / "crawl.jsonl", tmp_path / "out")
        assert result.counts["entered"] == result.counts["quarantined"] == rows
        kept = pq.read_table(tmp_path / "out" / "kept.parquet")
        assert kept.column_names == ["id", "text", "cluster", "cluster_size"]
        assert kept.num_rows == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

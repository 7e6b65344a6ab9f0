"""A removal shown to a person: whose texts, from where, and that nothing in them acts."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipeline.cli import main
from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.dedup.alignment import LONGEST, WORDS, aligned
from pipeline.dedup.files import dedup_files
from pipeline.dedup.settings import Dedup
from pipeline.dedup.show import Finding, find_receipts, shown
from pipeline.recipe import load_recipe
from pipeline.run import run
from pipeline.runtime.executor import SerialExecutor
from pipeline.runtime.progress import Silent
from pipeline.sources.tables import plan_tables

Row = dict[str, Any]

STORY = (
    "The miller opened the sluice at dawn and let the water down upon the wheel, while the boy "
    "carried the first sacks of the harvest up the ladder to the stones under the roof."
)
OTHER = "Nothing at all was heard of the ferry that winter, nor of the two men who had built it."
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066\ud800\x00\x7f [bold]loud[/bold] :smile:"
)
ROWS: list[Row] = [
    {"id": "story", "text": STORY + " So it went every year."},
    {"id": "copy", "text": STORY + " So it went every day."},
    {"id": "upper", "text": (STORY + " So it went every year.").upper()},
    {"id": "other", "text": OTHER},
]


def write(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def deduplicate(out: Path, *files: Path, **settings: Any) -> Path:
    dedup_files(plan_tables(files), out, Dedup(**settings), SerialExecutor(), Silent())
    return out


def lines(root: Path, record: str, width: int = 120) -> list[str]:
    return list(shown(find_receipts(root, record), width))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return deduplicate(tmp_path / "out", write(tmp_path / "a.jsonl", ROWS))


DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def acts(text: str) -> bool:
    """Whether a terminal would do anything but print."""
    return any(
        unicodedata.category(sign) in ("Cc", "Cs") or unicodedata.bidirectional(sign) in DIRECTIONS
        for sign in text
    )


# --- which texts ---------------------------------------------------------------------------


def test_a_removed_document_has_its_receipt_and_both_texts(out: Path) -> None:
    said = lines(out, "copy")
    assert said[:2] == ["removed  copy", "kept     story"]
    assert said[2].startswith("because  jaccard 0.9")
    assert any(line.startswith("day.") and line.endswith("≠ year.") for line in said)
    assert lines(out, "upper")[2] == "because  the same text"


def test_a_kept_document_lists_what_went_for_it(out: Path) -> None:
    said = lines(out, "story")
    assert said[0] == "story: kept; 2 removed for it"
    assert [line.split()[0] for line in said[1:]] == ["copy", "upper"]
    assert lines(out, "other") == ["other: kept; no copy of it"]


def test_of_very_many_removals_some_are_listed(tmp_path: Path) -> None:
    rows = [{"id": f"{number:03}", "text": STORY} for number in range(60)]
    out = deduplicate(tmp_path / "out", write(tmp_path / "a.jsonl", rows))
    said = lines(out, "000")
    assert said[0] == "000: kept; 59 removed for it"
    assert said[-1] == "  and 39 more in receipts.parquet"


def test_an_unknown_document_is_an_error(out: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="knows no document 'cpoy'"):
        find_receipts(out, "cpoy")
    with pytest.raises(ConfigError, match="no finished deduplication; name its folder with --out"):
        find_receipts(tmp_path, "copy")


def test_where_the_input_is_gone_the_receipt_is_shown_all_the_same(
    out: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").unlink()
    said = lines(out, "copy")
    assert said[:2] == ["removed  copy", "kept     story"]
    assert said[3:] == ["The removed text can no longer be read: its file is gone or changed."]
    assert find_receipts(out, "copy").kept_text == ROWS[0]["text"]  # kept.parquet has it
    (out / "kept.parquet").unlink()
    assert "The removed and the kept text can no longer" in lines(out, "copy")[3]


def test_of_several_inputs_only_the_one_with_the_text_is_needed(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{row['id']}.jsonl", [row]) for row in ROWS]
    out = deduplicate(tmp_path / "out", *files)
    (tmp_path / "other.jsonl").unlink()
    (tmp_path / "upper.jsonl").unlink()
    assert find_receipts(out, "copy").removed_text == ROWS[1]["text"]
    assert find_receipts(out, "upper").removed_text is None


def test_a_text_that_changed_since_is_not_shown_as_the_one_compared(
    out: Path, tmp_path: Path
) -> None:
    changed = [*ROWS[:1], {"id": "copy", "text": "another text"}, *ROWS[2:]]
    write(tmp_path / "a.jsonl", changed)
    assert find_receipts(out, "copy").removed_text is None


def test_of_rows_with_one_id_the_one_compared_is_shown(tmp_path: Path) -> None:
    for first, second in ((1, 2), (2, 1)):
        variants = {1: STORY + " It rained.", 2: STORY + " It snowed."}
        rows = [
            {"id": "twice", "text": variants[first]},
            {"id": "twice", "text": variants[second]},
            {"id": "long", "text": STORY + " It rained and it snowed."},
        ]
        folder = tmp_path / str(first)
        out = deduplicate(folder / "out", write(folder / "a.jsonl", rows), threshold=0.5)
        quarantined = pq.read_table(out / "quarantine.parquet")["number"].to_pylist()
        offsets = [0, len(json.dumps(rows[0])) + 1]
        (compared,) = (row["text"] for row, at in zip(rows, offsets, strict=False)
                       if at not in quarantined)  # fmt: skip
        assert find_receipts(out, "twice").removed_text == compared


def test_documents_of_an_earlier_run_are_read_there(out: Path, tmp_path: Path) -> None:
    later = [
        {"id": "again", "text": STORY + " So it went every night."},
        {"id": "story", "text": STORY + " So it went every year!"},
    ]
    new = deduplicate(tmp_path / "new", write(tmp_path / "b.jsonl", later), against=(str(out),))
    found = find_receipts(new, "again")
    assert (found.removed_text, found.kept_text) == (later[0]["text"], ROWS[0]["text"])
    assert lines(new, "again")[2].endswith(", kept by an earlier run")
    # An id that both runs have: each side its own.
    found = find_receipts(new, "story")
    assert (found.removed_text, found.kept_text) == (later[1]["text"], ROWS[0]["text"])
    # Of the earlier run, its table of what stays is enough.
    (tmp_path / "a.jsonl").unlink()
    assert find_receipts(new, "again").kept_text == ROWS[0]["text"]
    (out / "manifest.json").unlink()
    assert find_receipts(new, "again").kept_text is None


def test_whole_numbers_as_ids(tmp_path: Path) -> None:
    rows = [{"id": number, "text": row["text"]} for number, row in enumerate(ROWS)]
    out = deduplicate(tmp_path / "out", write(tmp_path / "a.jsonl", rows))
    found = find_receipts(out, "1")
    assert found.removed
    assert found.receipts[0]["kept"] == "0"
    assert (found.removed_text, found.kept_text) == (ROWS[1]["text"], ROWS[0]["text"])
    assert lines(out, "3") == ["3: kept; no copy of it"]


@pytest.mark.parametrize("kind", ["parquet", "jsonl.zst"])
def test_a_run_of_a_recipe(tmp_path: Path, kind: str) -> None:
    run(load_recipe("quickstart", [f"keep.corpus={kind}"]), out=tmp_path, serial=True)
    receipts = pq.read_table(tmp_path / "dedup" / "receipts.parquet").to_pylist()
    assert {receipt["rule"] for receipt in receipts} == {"exact", "jaccard", "payload"}
    for receipt in receipts:
        found = find_receipts(tmp_path, receipt["removed"])
        assert found.kept_text
        assert (found.removed_text is None) == (receipt["rule"] == "payload")
        said = list(shown(found, 120))
        assert said[1] == f"kept     {receipt['kept']}"
        if receipt["rule"] == "payload":
            assert said[2:] == [
                "because  the bytes of its page repeat",
                "It was not extracted: its bytes are those of a page that was.",
            ]


# --- alignment -----------------------------------------------------------------------------


def test_columns_are_aligned_word_by_word() -> None:
    left, right = "one two three four", "One two 3 four five"
    assert list(aligned(left, right, 20)) == [
        "one two              │ One two",
        "three                ≠ 3",
        "four                 │ four",
        "                     > five",
    ]
    assert list(aligned(right, left, 20))[-1] == "five                 <"


def test_long_agreement_is_cut_short() -> None:
    words = [f"w{number}" for number in range(300)]
    said = " ".join(aligned(" ".join(words), " ".join([*words, "end"]), 200))
    assert "w11 … [276 words] … w288" in said
    assert "w12 " not in said


def test_nothing_against_something() -> None:
    assert list(aligned("", "", 20)) == []
    assert list(aligned(" \n\t", "a", 20)) == ["                     > a"]


def test_scripts_without_spaces_align_by_character_and_wide_ones_take_two_cells() -> None:
    said = list(aligned("水車小屋は川のそばにある", "水車小屋は海のそばにある", 20))
    assert [line.split() for line in said] == [
        ["水車小屋は", "│", "水車小屋は"],
        ["川", "≠", "海"],
        ["のそばにある", "│", "のそばにある"],
    ]
    assert {cell_len(line[: line.index("│" if "│" in line else "≠")]) for line in said} == {21}


def test_monstrous_texts_take_little_time_and_few_lines() -> None:
    said = list(aligned("x" * 5_000_000, "y " * 1_000_000 + " " * 1_000_000, 58))
    assert len(said) < 500
    assert any("…[4,999,760" in line for line in said)
    assert said[-1] == f"… {1_000_000 - WORDS:,} more words are not shown"
    assert len(list(aligned("go " * 200_000, "go " * 150_000, 58))) < 50
    assert LONGEST == 240


TEXTS = st.one_of(
    st.text(max_size=300),
    st.text("\x1b\x9b[];31mJ\u202e\u2066\u2029\r\n\t \x00a漢é\u0301", max_size=300),
    st.characters(codec=None).map(lambda sign: sign * 50),
)


@given(TEXTS, TEXTS, st.integers(20, 60))
def test_any_texts_fill_columns_and_do_nothing(left: str, right: str, width: int) -> None:
    for line in aligned(left, right, width):
        assert not acts(line)
        sign = next(sign for sign in "│≠<>" if f" {sign}" in line)
        assert sign in line
        assert cell_len(line) <= 2 * width + 3


@given(TEXTS)
def test_printable_text_is_one_line_of_the_same_length(text: str) -> None:
    plain = printable(text)
    assert not acts(plain)
    assert len(plain) == len(text)
    assert len(plain.splitlines()) <= 1
    plain.encode()
    assert printable(plain) == plain


def test_ids_do_nothing_either() -> None:
    receipt = {
        "removed": HOSTILE,
        "kept": f"{HOSTILE}2",
        "similarity": 0.9,
        "buckets": 3,
        "rule": "jaccard",
    }
    for record in (HOSTILE, f"{HOSTILE}2"):
        for line in shown(Finding(record, [receipt], HOSTILE, OTHER), 120):
            assert not acts(line)


# --- on the command line -------------------------------------------------------------------


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_terminal_gets_what_texts_say_and_nothing_of_what_they_want(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"id": "[red]a[/red]", "text": f"{STORY} {HOSTILE} and more"},
        {"id": "b\x1b[1m", "text": f"{STORY} {HOSTILE} :warning:"},
        {"id": "עברית", "text": "אחת שתיים שלוש ארבע חמש שש [/] " + HOSTILE},
    ]
    rows.append({"id": "rtl", "text": rows[2]["text"]})
    out = deduplicate(tmp_path / "out", write(tmp_path / "a.jsonl", rows), threshold=0.5)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the output for a terminal
    said = {}
    for row in rows:
        assert call("dedup", "show", row["id"], "--out", str(out)) == 0
        said[row["id"]] = capsys.readouterr().out
        assert not acts(said[row["id"]].replace("\n", ""))
        assert printable(row["id"]) in said[row["id"]]
    (removed,) = (text for text in said.values() if "[red]" in text and "because" in text)
    assert "[bold]loud[/bold] :smile:" in " ".join(removed.split())
    assert ":warning:" in removed
    assert "␛[2J␛]0;owned␇" in removed


def test_json_has_receipt_and_texts(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("dedup", "show", "copy", "--out", str(out), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["removed"] is True
    assert found["receipts"][0]["kept"] == "story"
    assert 0.8 <= found["receipts"][0]["similarity"] < 1
    assert (found["removed_text"], found["kept_text"]) == (ROWS[1]["text"], ROWS[0]["text"])
    assert call("dedup", "show", "nobody", "--out", str(out)) == 2
    assert "knows no document 'nobody'" in capsys.readouterr().err

"""Repeated lines: what a site repeats, what the table says of it, what the cleaner takes away."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters import Whitespace
from pipeline.filters.line_survey import LineSurvey, Surveyed, survey
from pipeline.filters.repeated_lines import (
    RepeatedLines,
    countable,
    line_key,
    pieces_of,
    site_of,
)

MENU = "Home\nAbout us\nContact"
NOTICE = "We use cookies to make this site better. Accept all?"

Rows = list[tuple[str, str]]


def page(number: int) -> str:
    return (
        f"{MENU}\n\nMill {number}\n\nIt was built in {1500 + number}.\n{NOTICE}\n"
        f"The wheel has {number} spokes.\n\nCopyright the mills"
    )


def content(number: int) -> str:
    return f"Mill {number}\n\nIt was built in {1500 + number}.\nThe wheel has {number} spokes."


def site(pages: int, name: str = "mills.example.com") -> Rows:
    return [(page(number), f"https://{name}/{number}") for number in range(pages)]


def table_of(tmp_path: Path, rows: Iterable[tuple[str, str]], **settings: Any) -> Path:
    out = tmp_path / "lines.parquet"
    survey([rows], out, LineSurvey(**settings))
    return out


def lines_in(table: Path) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (row["domain"], row["text"]): (row["documents"], row["domain_documents"])
        for row in pq.read_table(table).to_pylist()
    }


def clean(
    table: Path, text: str, url: str = "https://mills.example.com/x", **bounds: Any
) -> tuple[str, dict[str, float]]:
    cleaner = RepeatedLines(table=str(table), **bounds)
    return cleaner.clean_document(Document("", text, url))


def test_menus_and_notices_of_a_site_go_and_its_content_stays(tmp_path: Path) -> None:
    rows = site(8)
    table = table_of(tmp_path, rows)
    assert [clean(table, text, url)[0] for text, url in rows] == [content(n) for n in range(8)]
    text, counts = clean(table, page(3))
    assert counts["removed"] == 5
    assert counts["characters"] == len(page(3)) - len(text)
    assert counts["share"] == pytest.approx(1 - len(text) / len(page(3)))


def test_pages_that_the_survey_did_not_see_are_cleaned_too(tmp_path: Path) -> None:
    assert clean(table_of(tmp_path, site(8)), page(99))[0] == content(99)


def test_a_person_can_read_what_will_be_removed(tmp_path: Path) -> None:
    rows = [*site(8), ("HOME", "https://mills.example.com/a"), ("home ", "http://example.com/b")]
    table = table_of(tmp_path, rows)
    assert pq.read_table(table).to_pylist() == [
        {
            "domain": "example.com",
            "line": line_key("example.com", text.casefold()),
            "documents": documents,
            "domain_documents": 9,
            "share": documents / 9,
            "text": "HOME" if text == "Home" else text,
        }
        for text, documents in [
            ("Home", 9),
            ("About us", 8),
            ("Contact", 8),
            ("Copyright the mills", 8),
            (NOTICE, 8),
        ]
    ]


def test_a_shown_line_is_cut_and_may_hold_anything(tmp_path: Path) -> None:
    line = "\ud800 " + "w" * 1000
    table = table_of(tmp_path, [(f"{line}\n{n}", f"http://a.com/{n}") for n in range(5)])
    assert [text for _, text in lines_in(table)] == ["? " + "w" * 198]
    assert clean(table, f"{line}\nx", "http://a.com")[0] == "x"


@pytest.mark.parametrize(
    ("holding", "others", "repeated"),
    [(5, 20, True), (5, 21, False), (4, 0, False), (5, 0, True), (20, 80, True), (20, 81, False)],
)
def test_bounds_are_five_pages_and_a_fifth_of_the_site(
    tmp_path: Path, holding: int, others: int, repeated: bool
) -> None:
    rows = [(f"Menu\nown {n}", f"http://a.com/{n}") for n in range(holding)]
    rows += [(f"other {n}", f"http://a.com/o{n}") for n in range(others)]
    found = lines_in(table_of(tmp_path, rows))
    assert found == ({("a.com", "Menu"): (holding, holding + others)} if repeated else {})


def test_a_line_counts_once_a_page(tmp_path: Path) -> None:
    rows = [("Reply\n" * 9 + f"post {n}", f"http://a.com/{n}") for n in range(4)]
    assert lines_in(table_of(tmp_path, rows)) == {}


def test_one_page_crawled_again_and_again_is_one_page(tmp_path: Path) -> None:
    weekly = [(f"An article.\nIts end.\nRead {n} times", "http://a.com/page") for n in range(9)]
    copies = [("An article.\nIts end.", f"http://b.com/?session={n}") for n in range(9)]
    schemes = [(f"Text\n{n}", f"{s}c.com/1") for n in range(3) for s in ("http://", "https://www.")]
    assert lines_in(table_of(tmp_path, [*weekly, *copies, *schemes])) == {}


def test_sites_do_not_share_lines(tmp_path: Path) -> None:
    rows = [(f"Home\n{n}", f"http://site{n}.com/") for n in range(9)]
    assert lines_in(table_of(tmp_path, rows)) == {}
    table = table_of(tmp_path, site(8))
    assert clean(table, page(1), "https://other.com/1") == (page(1), _nothing())


def _nothing() -> dict[str, float]:
    return {"removed": 0.0, "characters": 0.0, "share": 0.0}


def test_texts_without_a_site_are_left_out_and_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "lines.parquet"
    found = survey([[*site(8), (page(1), ""), (page(2), "/")]], out)
    assert found == Surveyed(documents=10, without_site=2, sites=1, lines=5)
    text = page(1)
    assert clean(out, text, "")[0] is text
    assert RepeatedLines(table=str(out)).clean(text) == (text, _nothing())


def test_a_text_of_nothing_else_becomes_empty_and_says_so(tmp_path: Path) -> None:
    text, counts = clean(table_of(tmp_path, site(8)), f"\n{MENU}\n\n{NOTICE}\n")
    assert text == ""
    assert counts == {"removed": 4.0, "characters": float(len(MENU + NOTICE) + 4), "share": 1.0}


def test_a_text_without_repeated_lines_is_the_same_object(tmp_path: Path) -> None:
    text = "\n\n\nNothing of the menu.\n\n\n\nNot even home.\n"
    assert clean(table_of(tmp_path, site(8)), text)[0] is text


def test_gaps_close_and_other_empty_lines_stay(tmp_path: Path) -> None:
    table = table_of(tmp_path, site(8))
    text = "Home\n\none\n\n\ntwo\n\nContact\n\nthree\nAbout us\nfour\n\nHome\n\n"
    assert clean(table, text)[0] == "one\n\n\ntwo\n\nthree\nfour"


def test_lines_are_compared_without_case_width_and_spacing(tmp_path: Path) -> None:
    text = "  ABOUT\u00a0 us \r\nＣｏｎｔａｃｔ\nAbout us 2\nx"
    assert clean(table_of(tmp_path, site(8)), text)[0] == "About us 2\nx"


def test_code_and_numbers_stay(tmp_path: Path) -> None:
    listing = "fn main() {\n    return (\n    let a = 1;\n}\n* * *\n1.\n12,50 €"
    rows = [(f"Manual\n{listing}\nstep {n}", f"http://a.com/{n}") for n in range(9)]
    table = table_of(tmp_path, rows)
    assert lines_in(table) == {("a.com", "Manual"): (9, 9)}
    assert clean(table, *rows[3])[0] == f"{listing}\nstep 3"


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("home", True),
        ("ホーム", True),
        ("page 2", True),
        ("share (3)", True),
        ("", False),
        ("---", False),
        ("1 2 3", False),
        ("});", False),
        ("if (a) {", False),
        ("x =", False),
    ],
)
def test_countable(line: str, counts: bool) -> None:
    assert countable(line) is counts


def test_paragraphs(tmp_path: Path) -> None:
    rows = [
        (f"Cookies are\nused here.\n \nText {n}\n\n\nused here.\nend {n}", f"http://a.com/{n}")
        for n in range(6)
    ]
    table = table_of(tmp_path, rows, unit="paragraph")
    assert lines_in(table) == {("a.com", "Cookies are used here."): (6, 6)}
    text, counts = clean(table, *rows[2])
    assert text == "Text 2\n\nused here.\nend 2"
    assert counts["removed"] == 1
    assert list(pieces_of("A\nb\n \n\nC", "paragraph")) == [("A\nb", "a b"), ("C", "c")]


def test_sites_are_domains_or_hosts(tmp_path: Path) -> None:
    rows = [
        (f"Blog of {name}\n{n}", f"https://{name}.blogspot.com/{n}")
        for name in "abcdef"
        for n in range(5)
    ]
    assert lines_in(table_of(tmp_path, rows)) == {}
    hosts = table_of(tmp_path, rows, site="host")
    assert len(lines_in(hosts)) == 6
    assert clean(hosts, *rows[0])[0] == "0"
    assert site_of("https://A.b.co.uk:80/x") == "b.co.uk"
    assert site_of("https://A.b.co.uk:80/x", "host") == "a.b.co.uk"


def test_bounds_can_be_tightened_without_a_new_survey(tmp_path: Path) -> None:
    rows = [
        (f"Menu{n % 4 * '!'}\nSmall{(n < 6) * '.'}\n{n}", f"http://a.com/{n}") for n in range(9)
    ]
    table = table_of(tmp_path, rows, min_documents=2)
    assert clean(table, "Menu!\nSmall.\nx", "http://a.com")[0] == "x"
    assert clean(table, "Menu!\nSmall.\nx", "http://a.com", min_documents=6)[0] == "Menu!\nx"
    assert clean(table, "Menu!\nSmall.\nx", "http://a.com", min_share=0.6)[0] == "Menu!\nx"
    assert clean(table, "Menu!\nSmall.\nx", "http://a.com", min_share=1)[1] == _nothing()


def test_bounds_cannot_be_loosened(tmp_path: Path) -> None:
    table = str(table_of(tmp_path, site(8)))
    with pytest.raises(ConfigError, match=r"repeated_lines\.min_documents = 4: .* from 5 on"):
        RepeatedLines(table=table, min_documents=4).parameters()
    with pytest.raises(ConfigError, match=r"repeated_lines\.min_share = 0\.1: .* from 0\.2 on"):
        RepeatedLines(table=table, min_share=0.1).parameters()


@pytest.mark.parametrize(
    "wrong", [{"min_documents": 0}, {"min_share": 0.0}, {"min_share": 1.1}, {"min_share": -1.0}]
)
def test_bounds_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RepeatedLines(table="x", **wrong)
    with pytest.raises(ConfigError):
        LineSurvey(**wrong)


@pytest.mark.parametrize("wrong", [{"unit": "word"}, {"site": "page"}, {"rows_at_once": 0}])
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LineSurvey(**wrong)


def test_files_that_are_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        RepeatedLines(table=str(tmp_path / "none.parquet")).parameters()
    text = tmp_path / "text.parquet"
    text.write_text("no Parquet")
    with pytest.raises(ConfigError, match="cannot read"):
        RepeatedLines(table=str(text)).parameters()
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(ConfigError, match="is not a table of repeated lines"):
        RepeatedLines(table=str(other)).clean_document(Document("", "x", "http://a.com"))
    found = pq.read_table(table_of(tmp_path, site(8)))
    newer = {
        key: note.replace(b'"format": 1', b'"format": 2')
        for key, note in found.schema.metadata.items()
    }
    pq.write_table(found.replace_schema_metadata(newer), other)
    with pytest.raises(ConfigError, match="make the table again"):
        RepeatedLines(table=str(other)).models()


def test_a_changed_table_is_a_changed_run_and_a_moved_one_is_not(tmp_path: Path) -> None:
    first = table_of(tmp_path, site(8))
    moved = tmp_path / "moved.parquet"
    moved.write_bytes(first.read_bytes())
    changed = tmp_path / "changed.parquet"
    survey([site(9)], changed)
    found = [RepeatedLines(table=str(path)) for path in (first, moved, changed)]
    assert found[0].parameters() == found[1].parameters() != found[2].parameters()
    assert found[0].models() == found[1].models() != found[2].models()
    assert found[0].parameters()["min_documents"] == 5
    assert pickle.loads(pickle.dumps(found[0])) == found[0]


def test_nothing_to_survey_gives_an_empty_table(tmp_path: Path) -> None:
    out = tmp_path / "new" / "lines.parquet"
    assert survey([], out) == Surveyed(documents=0, without_site=0, sites=0, lines=0)
    assert clean(out, page(1)) == (page(1), _nothing())


def test_a_survey_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[tuple[str, str]]:
        yield from site(8)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        survey([site(8), broken()], tmp_path / "lines.parquet", LineSurvey(rows_at_once=1))
    assert list(tmp_path.iterdir()) == []


def test_run_files_go_where_they_are_told_and_are_gone_after(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    survey([site(8)], tmp_path / "lines.parquet", scratch=scratch)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "lines.parquet", scratch]
    assert list(scratch.iterdir()) == []


def test_a_cleaner_that_needs_no_url_cleans_documents_as_texts() -> None:
    text = "one  \n\n\n\ntwo"
    assert Whitespace().clean_document(Document("", text)) == Whitespace().clean(text)
    assert Whitespace().models() == {}

"""Repeated lines against plain counting, for any order, parts and memory."""

from __future__ import annotations

import tempfile
import unicodedata
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.core.records import Document
from pipeline.filters.line_survey import LineSurvey, survey
from pipeline.filters.repeated_lines import RepeatedLines, countable, pieces_of, site_of
from pipeline.filters.url_parts import url_key

LINES = st.sampled_from(
    ["Home", "HOME ", "home", "", " ", "a {", "1", "Ｈome", "b", "c d", "\ud800x"]
)
TEXTS = st.lists(LINES, max_size=6).map("\n".join)
URLS = st.builds(
    "{}{}/{}".format,
    st.sampled_from(["http://", "https://www.", ""]),
    st.sampled_from(["a.com", "b.a.com", "c.org", ""]),
    st.integers(0, 6),
)
ROWS = st.lists(st.tuples(TEXTS, URLS), max_size=40)


def fold(line: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", line).casefold().split())


def plain(rows: list[tuple[str, str]], least: int, share: float) -> dict[tuple[str, str], tuple]:
    """Domain and shown line to the numbers of documents, counted with sets."""
    holds: dict[tuple[str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    shown: dict[tuple[str, str], str] = {}
    for text, url in rows:
        domain = site_of(url)
        if not domain:
            continue
        whole = "\n".join(map(fold, text.split("\n"))).encode("utf-8", "replace")
        for line in ["", *text.split("\n")]:
            key = domain, fold(line).encode("utf-8", "replace").decode()
            if line and not countable(key[1]):
                continue
            holds[key][0].add(whole)
            holds[key][1].add(url_key(url))
            readable = " ".join(line.split()).encode("utf-8", "replace").decode()
            shown[key] = min(shown.get(key, readable), readable)
    counts = {key: min(map(len, found)) for key, found in holds.items()}
    return {
        (domain, shown[domain, line]): (number, counts[domain, ""])
        for (domain, line), number in counts.items()
        if line and number >= least and number / counts[domain, ""] >= share
    }


@settings(deadline=None)
@given(
    rows=ROWS,
    least=st.integers(1, 4),
    share=st.sampled_from([0.01, 0.2, 0.5, 1.0]),
    at_once=st.sampled_from([1, 3, 10, 10**6]),
    parts=st.integers(1, 5),
    data=st.data(),
)
def test_the_table_is_plain_counting_and_its_bytes_depend_on_the_documents_alone(
    rows: list[tuple[str, str]],
    least: int,
    share: float,
    at_once: int,
    parts: int,
    data: st.DataObject,
) -> None:
    shuffled = data.draw(st.permutations(rows))
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder) / "one", Path(folder) / "other"
        survey([rows], one, LineSurvey(min_documents=least, min_share=share))
        survey(
            [shuffled[number::parts] for number in range(parts)],
            other,
            LineSurvey(min_documents=least, min_share=share, rows_at_once=at_once),
        )
        assert one.read_bytes() == other.read_bytes()
        found = {
            (row["domain"], row["text"]): (row["documents"], row["domain_documents"])
            for row in pq.read_table(one).to_pylist()
        }
    assert found == plain(rows, least, share)


@settings(deadline=None)
@given(rows=ROWS, unit=st.sampled_from(["line", "paragraph"]))
def test_cleaning_takes_repeated_lines_and_nothing_else(
    rows: list[tuple[str, str]], unit: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.parquet"
        survey([rows], path, LineSurvey(min_documents=2, unit=unit))
        gone = {(row["domain"], fold(row["text"])) for row in pq.read_table(path).to_pylist()}
        cleaner = RepeatedLines(table=str(path))
        for text, url in rows:
            cleaned, counts = cleaner.clean_document(Document("", text, url))
            again, none = cleaner.clean_document(Document("", cleaned, url))
            assert again == cleaned
            assert none["removed"] == 0
            wanted, removed = [], 0
            for _, piece in pieces_of(text, unit):
                safe = piece.encode("utf-8", "replace").decode()
                if (site_of(url), safe) in gone and countable(piece):
                    removed += 1
                elif piece:
                    wanted.append(piece)
            assert [piece for _, piece in pieces_of(cleaned, unit) if piece] == wanted
            assert counts["removed"] == removed
            assert counts["characters"] == len(text) - len(cleaned) >= 0
            if not removed:
                assert cleaned is text


@given(st.text() | st.text(alphabet=st.characters(), max_size=50))
@example("a\n\u0301b\n\ud800\r\n\x85\u2028İ\nß")
def test_folding_a_text_at_once_is_folding_each_line(text: str) -> None:
    assert list(pieces_of(text)) == [(line, fold(line)) for line in text.split("\n")]
    rejoined = "".join("".join(raw.split()) for raw, _ in pieces_of(text, "paragraph"))
    assert rejoined == "".join(text.split())

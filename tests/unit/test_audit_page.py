"""The report page of an audit: what it says, what it leaves out and says so, and that it is safe."""

from __future__ import annotations

import dataclasses
import functools
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from audit_example import audit, hostile_audit, hostile_texts
from hypothesis import given
from hypothesis import strategies as st

from audits.findings import Finding, Kind
from classifiers.evaluate import proportion
from pipeline.core.errors import ConfigError
from pipeline.reports.audit_findings import PAGE, sections
from pipeline.reports.audit_page import audit_page
from pipeline.reports.audit_plots import bars, curve, impact_plot
from pipeline.reports.audit_texts import Piece, shown, visible
from pipeline.reports.audit_words import percent, probability, share

LOADING = {
    "src",
    "srcset",
    "srcdoc",
    "xlink:href",
    "data",
    "poster",
    "action",
    "background",
    "style",
}
VOID = frozenset({"meta", "rect", "path", "circle", "polyline", "img", "input", "base", "br"})


class Read(HTMLParser):
    """Tags with their attributes, all text, rows of tables, and the text of every mark."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.marks: list[str] = []
        self.text = ""
        self.said: list[str] = []
        self.feed(written)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "mark":
            self.marks.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if data.strip():
            self.said.append(" ".join(data.split()))
        if "mark" in self.open:
            self.marks[-1] += data
        if "tr" in self.open and self.rows[-1]:
            self.rows[-1][-1] += data.strip()

    def row(self, *first: str) -> list[str]:
        (found,) = (row for row in self.rows if row[: len(first)] == list(first) and len(row) > 1)
        return found[len(first) :]

    def with_class(self, name: str) -> int:
        return sum(name in (attributes.get("class") or "").split() for _, attributes in self.tags)


@functools.cache
def written() -> str:
    return audit_page(*audit(60))


@functools.cache
def read() -> Read:
    return Read(written())


def one(**changes: Any) -> Finding:
    plain = Finding(
        "millmath", "a/1", "d", "", 3, 9, Kind.PARAPHRASE, 0.95, True, False,
        {"item_text": "the mill stands", "text": "a mill stands", "spans": [[4, 15, 2, 13]]},
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)


def page_of(*findings: Finding, **options: Any) -> Read:
    return Read(audit_page(audit(1)[0], findings, **options))


# --- what it says --------------------------------------------------------------------------------


def test_the_figures_come_first() -> None:
    found = sum(one["contaminated"] for one in audit(60)[0]["benchmarks"].values())
    start = " ".join(read().said[: read().said.index("What may be claimed")])
    assert f"contaminated items {found} " in start
    assert "5,933 in 4 benchmarks" in start
    assert "could not be checked 34 0.6 % of all items" in start
    assert "documents searched 182,311 29 rows could not be used" in start
    assert "The gate millmath>0.1%,any:verbatim>40 fails." in start


def test_every_section_has_its_figures() -> None:
    manifest = audit(60)[0]
    figures = manifest["benchmarks"]["millmath"]
    row = read().row("millmath", "", "1,319")
    assert row[0] == str(figures["contaminated"])
    assert row[1] == share(figures["interval"])
    assert row[-1] == "0.9"
    kinds, apart = figures["by_kind"], figures["not_leaks"]
    counts = [*kinds.values(), apart["altered"], apart["same-topic"]]
    assert len(counts) == len(Kind)
    assert read().row("millmath", *map(str, counts)) == []
    assert read().row("versmass", "250") == [
        "230", "0", "210", "20",
        "too few words of its own:not by words 9, by none 9"
        "little of its own beside a published passage:not by words 11, by none 11"
        "a language that the encoder does not read:not by meaning 250"
        "no answer that would tell it apart:not by answer 40",
    ]  # fmt: skip
    assert read().row("choices shuffled") == [
        "", "90.5 % [85.6, 93.8]", "200", "98.8 % [97.9, 99.3]", "lower"
    ]  # fmt: skip
    assert read().row("de, fr, zh")[-2:] == ["·", ""]
    assert read().row("which of the following is true") == ["8,451", "88"]
    assert read().row("encoder.languages") == ["en"]
    assert "98.8 % [97.4, 99.4] were among them" in read().text
    for line in manifest["headline"].split("\n"):
        assert line in read().text


def test_impact_by_benchmark_subject_and_threshold() -> None:
    parts = audit(60)[0]["impact"]["parts"]
    (main,) = (
        part
        for part in parts
        if part["benchmark"] == "guild_qa" and not part["subject"] and part["threshold"] is None
    )
    row = read().row("guild_qa", share(main["overall"]) + "4,200 items")
    assert row[0] == f"{share(main['clean'])}{main['clean']['n']:,} items"
    assert read().row("guild_qa", "metallurgy")
    assert len([row for row in read().rows if row[:2] == ["guild_qa", "0.95"]]) == 1
    assert "versmass: 250 items have no result and are in no figure." in read().text


def test_coverage_may_be_bare_numbers() -> None:
    manifest = audit(1)[0]
    manifest["benchmarks"]["guild_qa"]["coverage"] = {
        "lexical": 4100, "semantic": 4150, "answer": 7, "unchecked": {"too_short": 50},
    }  # fmt: skip
    page = Read(audit_page(manifest, []))
    assert page.row("guild_qa", "4,200") == [
        "4,100", "4,150", "7", "50", "too few words of its own:by none 50"
    ]  # fmt: skip


def test_what_was_not_done_is_said_or_left_out() -> None:
    manifest = audit(1)[0]
    manifest |= {
        "impact": None, "self_test": None, "gate": None, "headline": "", "prescreen": None,
        "suppressed": [], "suppressed_total": {"ngrams": 0, "hits": 0},
    }  # fmt: skip
    page = Read(audit_page(manifest, []))
    for heading in ("Impact on the score", "Self-test", "What may be claimed", "gate"):
        assert heading not in page.text
    assert "No passage was embedded." in page.text
    assert "None: no n-gram of an item is so frequent" in page.text
    assert "None. That says nothing of the items that could not be checked." in page.text
    for found, said in (
        ({"passages": 10, "embedded": 1, "recall": None}, "was not measured in this audit"),
        ({"passages": 10, "embedded": 1, "recall": proportion(0, 0).to_json()}, "was not measured"),
    ):
        assert said in audit_page(manifest | {"prescreen": found}, [])
    manifest["settings"]["prescreen"] = False
    found = {"passages": 10, "embedded": 10, "recall": None}
    assert "It was off: 10 of 10 passages" in audit_page(manifest | {"prescreen": found}, [])


def test_an_audit_of_nothing_has_a_page() -> None:
    manifest = audit(1)[0]
    manifest |= {"benchmarks": {}, "impact": None, "headline": ""}
    manifest["corpus"] |= {"rows": 0, "documents": 0, "inputs": {}, "quarantined": {}}
    assert "in 0 benchmarks" in Read(audit_page(manifest, [])).text


def test_equal_arguments_give_equal_bytes() -> None:
    manifest, findings = audit(60)
    assert audit_page(manifest, findings[::-1]) == written()


# --- findings ------------------------------------------------------------------------------------


def test_both_texts_stand_beside_each_other_with_matches_marked() -> None:
    page = page_of(one(url="https://mill.example/a?b=1&c=2", answer=True))
    assert page.marks == ["mill stands", "mill stands"]
    for said in ("a/1", "0.95", "answer present", "characters 3 to 9", "https://mill.example/a?b"):
        assert said in page.text
    (link,) = (a for tag, a in page.tags if tag == "a" and "rel" in a)
    assert link["href"] == "https://mill.example/a?b=1&c=2"
    assert "noreferrer" in (link["rel"] or "")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,<script>", "//mill.example/a", "ftp://mill.example/",
        "https:", "http://mill.example/\u202egnp", "http://mill.example/a b", "http://[mill/",
        "java\nscript:alert(1)", " https://mill.example/", "https://mill.example/" + "a" * 5000,
    ],
)  # fmt: skip
def test_other_addresses_are_text(url: str) -> None:
    page = page_of(one(url=url))
    assert not [attributes for tag, attributes in page.tags if tag == "a" and "rel" in attributes]
    assert page.with_class("address") == 1


@pytest.mark.parametrize(
    ("spans", "marked"),
    [
        (None, []),
        ("0123", []),
        ([], []),
        ([[0, 3, 0, 1]], ["the", "a"]),
        ([[4, 8, 2, 6], [6, 15, 4, 13]], ["mill stands", "mill stands"]),  # overlapping
        ([[9, 15, 7, 13], [0, 3, 0, 1]], ["the", "stands", "a", "stands"]),  # out of order
        ([[4, 10**12, 2, 10**12]], ["mill stands", "mill stands"]),
        ([[-5, 3, -9, 1]], ["the", "a"]),
        ([[500, 900, 0, 1]], ["a"]),
        ([[3, 3, 0, 1], [5, 2, 0, 1]], []),  # nothing on one side
        ([[0, 3], [0, 3, 0, "1"], [0, 3, 0, None], [0.0, 3.0, 0, 1], [True, 3, 0, 1], 7, {}], []),
    ],
)
def test_spans_may_be_anything(spans: Any, marked: list[str]) -> None:
    evidence = {"item_text": "the mill stands", "text": "a mill stands", "spans": spans}
    assert page_of(one(evidence=evidence)).marks == marked


@given(
    st.text("ab \n", max_size=60),
    st.lists(st.lists(st.integers(-5, 70), min_size=3, max_size=5), max_size=6),
    st.sampled_from([0, 1]),
    st.integers(1, 80),
)
def test_no_span_loses_or_adds_a_character(
    text: str, spans: list[list[int]], side: int, most: int
) -> None:
    found = shown(text, spans, side, most)
    whole = "".join(piece.text for piece in found.pieces)
    assert whole == text[found.before : len(text) - found.after]
    assert len(whole) == min(len(text), most)
    assert all(piece.text for piece in found.pieces)


def test_texts_may_be_missing() -> None:
    page = page_of(one(evidence={}), one(item="a/2", evidence={"item_text": 5, "text": ""}))
    assert page.text.count("The text was not stored.") == 3
    assert page.text.count("empty") == 1


def test_a_long_text_is_cut_around_its_first_match() -> None:
    text = "x" * 50_000 + "MATCH" + "y" * 50_000
    found = shown(text, [[0, 5, 50_000, 50_005]], 1, most=400)
    assert found.pieces == (
        Piece("x" * 100, False), Piece("MATCH", True), Piece("y" * 295, False)
    )  # fmt: skip
    assert (found.before, found.after) == (49_900, 49_705)
    assert shown("abc", [], 0, most=3).after == 0
    assert shown(text, [[0, 1, 2, 3]], 1, most=10).before == 0
    evidence = {"item_text": text, "text": text, "spans": [[50_000, 50_005, 50_000, 50_005]]}
    page = page_of(one(evidence=evidence))
    assert page.marks == ["MATCH", "MATCH"]
    assert "characters before this are not shown" in page.text
    assert "more characters are not shown" in page.text
    assert page.text.count("x") < 2000


def test_certain_findings_come_first_and_new_items_before_repeated_ones() -> None:
    many = [one(document=f"d{n}", probability=0.99 + n / 10_000) for n in range(30)]
    some = [
        one(item="a/2", document="e", probability=0.9852),
        one(item="a/3", document="f", probability=0.93),
    ]
    ((group,), _) = sections([*many, *some], ["millmath"], 40)
    order = [entry.item for page in group.pages for entry in page.entries]
    assert order[:3] == ["a/1", "a/2", "a/1"]  # .9852 shows as the .99 that the others have
    assert order[-1] == "a/3"
    assert group.pages[0].entries[0].copies == 30
    assert [(page.first, page.last) for page in group.pages] == [(1, PAGE), (PAGE + 1, 32)]
    assert group.pages[1].certainty == "0.99 to 0.93"


def test_what_does_not_count_stands_apart() -> None:
    findings = [
        one(),
        one(item="a/2", type=Kind.ALTERED, leak=False, probability=0.9),
        one(item="a/3", type=Kind.SAME_TOPIC, leak=False, probability=0.1),
        one(item="a/4", leak=False, probability=0.6),
    ]
    counted, others = sections(findings, ["millmath"], 100)
    assert [group.name for group in others] == ["Altered", "Below the threshold", "Same topic"]
    assert [entry.item for page in counted[0].pages for entry in page.entries] == ["a/1"]
    text = page_of(*findings).text
    assert text.index("Not counted\n", text.index("Findings")) < text.index("a/2")


def test_each_benchmark_has_its_share_of_the_page() -> None:
    findings = [one(item=f"a/{n}") for n in range(500)]
    findings += [one(benchmark="guild_qa", item=f"b/{n}", probability=0.91) for n in range(30)]
    findings += [one(item=f"c/{n}", type=Kind.ALTERED, leak=False) for n in range(500)]
    counted, others = sections(findings, ["millmath", "guild_qa", "quietcode"], 100)
    assert {group.name: (group.shown, group.total) for group in counted} == {
        "millmath": (50, 500),
        "guild_qa": (30, 30),
    }
    assert [(group.shown, group.total) for group in others] == [(20, 500)]
    counted, others = sections(findings[:510], ["millmath", "guild_qa"], 100)
    assert [group.shown for group in counted] == [90, 10]
    assert not others


@pytest.mark.parametrize("room", [0, 1, 7, 61, 1000])
def test_what_has_no_room_is_said(room: int) -> None:
    manifest, findings = audit(60)
    page = Read(audit_page(manifest, findings, shown=room))
    assert page.with_class("finding") == min(room, len(findings))
    left = len(findings) - room
    assert (f"{left:,} findings have no room here" in re.sub(r"\s+", " ", page.text)) is (left > 0)
    with pytest.raises(ConfigError, match="shown = -1"):
        audit_page(manifest, findings, shown=-1)


def test_findings_of_a_benchmark_that_the_manifest_lacks_are_shown() -> None:
    assert "strange/7" in page_of(one(benchmark="unheard_of", item="strange/7")).text


# --- safety --------------------------------------------------------------------------------------


def test_one_file_without_scripts_that_loads_nothing() -> None:
    tags = {tag for tag, _ in read().tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use"}
    for tag, attributes in read().tags:
        assert not LOADING & attributes.keys(), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        href = attributes.get("href") or "#"
        assert tag == "a" or href == "#"
        assert href.startswith(("#", "https://", "http://"))
    assert not re.search(r"url\(|@import", written())
    policies = [a["content"] for tag, a in read().tags if tag == "meta" and "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    ids = [attributes["id"] for _, attributes in read().tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    linked = {(a.get("href") or "")[1:] for tag, a in read().tags if tag == "a" and "rel" not in a}
    assert linked <= set(ids)


def test_hostile_text_stays_text() -> None:
    written = audit_page(*hostile_audit())
    page = Read(written)
    allowed = {tag for tag, _ in read().tags} | {"p", "li"}
    assert {tag for tag, _ in page.tags} <= allowed
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x00-\x08\x0b-\x1f\x7f-\x9f]", written)
    written.encode()  # no lone surrogate
    assert "<script" not in written.lower()
    assert "{{ 7 * 7 }}" in page.text
    assert "[U+202E]gnp.exe[U+2066]" in page.text
    assert max(map(len, page.text.split())) <= 2500


def test_every_character_that_acts_can_be_seen() -> None:
    assert visible("a\u202eb\u2069c\u200fd") == "a[U+202E]b[U+2069]c[U+200F]d"
    assert visible("a\r\nb\n\tc\x1b[2J\x00") == "a\nb\n\tc␛[2J␀"
    assert visible("\ud800\x85\u2028") == "���"
    assert visible("see\U000e0041\U000e0042 this") == "see[2 hidden characters] this"
    assert visible("مرحبا — 你好 é") == "مرحبا — 你好 é"
    for text in hostile_texts():
        assert "\u202e" not in visible(text)


# --- numbers and pictures ------------------------------------------------------------------------


def test_numbers_are_rounded_without_hiding_anything() -> None:
    assert [percent(value) for value in (0, 1, 1e-6, 0.9999, 0.0123)] == [
        "0 %", "100 %", "<0.1 %", ">99.9 %", "1.2 %"
    ]  # fmt: skip
    assert [probability(value) for value in (0, 1, 0.001, 0.999, 0.984)] == [
        "0.00", "1.00", "<0.01", ">0.99", "0.98"
    ]  # fmt: skip
    assert share(proportion(3, 1319).to_json()) == "0.23 % [0.08, 0.67]"
    assert share(proportion(0, 0).to_json()) == share(None) == "·"
    assert share({"value": 0.5, "low": None, "high": None, "n": 2}) == "50.0 %"


def test_bars_are_to_one_scale_and_show_the_smallest_part() -> None:
    figures = {
        name: {
            "items": 100_000, "contaminated": found, "by_kind": {"verbatim": 1, "paraphrase": found - 1},
            "interval": proportion(found, 100_000).to_json(),
        }
        for name, found in (("few", 2), ("many", 8000))
    }  # fmt: skip
    scale, drawn = bars(figures)
    assert scale == "10 %"
    few, many = ([float(width) for *_, width in drawn[name].segments] for name in ("few", "many"))
    assert few == [4, 4]
    assert sum(many) == pytest.approx(800, abs=4)
    assert all(float(bar.high or 0) <= 1000 for bar in drawn.values())
    assert bars({})[0] == "100 %"


def test_curve_lies_inside_its_axes() -> None:
    one = {"curve": [[0.05, 137], [0.5, 90], [0.99, 0]], "threshold": 0.9}
    drawn = curve("millmath", one)
    places = [tuple(map(float, pair.split(","))) for pair in drawn.line.split()]
    assert all(46 <= x <= 312 and 24 <= y <= 148 for x, y in places)
    assert [tick.name for tick in drawn.up] == ["0", "50", "100", "150"]
    assert places[-1][1] == 148
    assert (drawn.named, drawn.threshold) == ("0.9", "285.4")
    assert curve("none", {"curve": [[0.5, 0]], "threshold": 0.2}).up[-1].name == "1"


def test_impact_without_one_of_the_groups() -> None:
    none = proportion(0, 0).to_json()
    part = {
        "benchmark": "b", "clean": proportion(8, 10).to_json(), "contaminated": none,
        "difference": none,
    }  # fmt: skip
    drawn = impact_plot([part])
    assert drawn is not None
    assert [mark.kind for *_, marks in drawn.rows for mark in marks] == ["clean"]
    assert all(190 <= float(tick.at) <= 880 for tick in drawn.ticks)
    assert impact_plot([part | {"clean": none}]) is None
    assert impact_plot([]) is None
    same = {"value": 1.0, "low": 1.0, "high": 1.0, "n": 3}
    assert impact_plot([part | {"clean": same}]) is not None

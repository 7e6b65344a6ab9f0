"""The report page of a run: what it says, and that it is one safe file."""

from __future__ import annotations

import copy
import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml

from pipeline.core.records import Fate
from pipeline.reports.funnel import RuleCount, funnel
from pipeline.reports.page import run_page
from pipeline.runtime.manifest import SplitReport, StageCount

HOSTILE = "</code></pre><script>alert(1)</script><img src=x onerror='alert(2)'>\"&\u202e{{ 7 * 7 }}"
LOADING = {"src", "srcset", "href", "xlink:href", "data", "poster", "action", "background", "style"}


def a_report() -> SplitReport:
    report = SplitReport([StageCount(name) for name in ("source", "url", "gopher_quality", "c4")])
    for _ in range(12):
        report.settle("source", Fate.DROPPED, ["warc.record_type"])
    report.settle("source", Fate.QUARANTINED, ["warc.gzip"])
    for _ in range(3):
        report.settle(
            "gopher_quality",
            Fate.DROPPED,
            ["gopher_quality.word_count.low", "gopher_quality.stop_words.low", "c4.sentences.low"],
        )
    report.settle("c4", Fate.DROPPED, ["c4.sentences.low"])
    for _ in range(1233):
        report.settle("kept", Fate.KEPT, [])
    report.characters.update({"kept": 7_654_321, "dropped": 1_000})
    report.check()
    return report


@pytest.fixture
def manifest() -> dict[str, Any]:
    return {
        "gristmill": "9.8.7",
        "recipe": {
            "name": "valley",
            "source": {"kind": "warc", "paths": ["crawl/*.warc.gz"]},
            "filters": [
                {"url": {"bounds": {"url_listed": {"low": None, "high": 0}}}},
                {"gopher_quality": {"bounds": {"word_count": {"low": 50, "high": 100000}}}},
                {"clean": {"c4_lines": {"min_words": 3}}},
                {"c4": {"bounds": {"sentences": {"low": 5, "high": None}}}},
            ],
            "keep": {"dropped": "all", "corpus": "parquet"},
            "limits": {"quarantined": 0.01},
        },
        "fingerprints": {"measured": "aaaa", "decided": "bbbb"},
        "models": {"language model lid.176.ftz": "8f34"},
        "inputs": {"crawl/a.warc.gz": {"bytes": 4321, "splits": 2}},
        "counts": a_report().to_json(),
        "parts": {
            kind: [
                {"file": f"{kind}/part-{n:05d}.parquet", "rows": 1500, "bytes": 2500, "sha256": "0"}
                for n in range(2)
            ]
            for kind in ("corpus", "records", "dropped", "quarantine")
        },
    }


class Page(HTMLParser):
    """Tags with their attributes, text, and the cells of each table row."""

    VOID = frozenset({"meta", "rect", "img"})

    def __init__(self, written: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(written)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data.strip()

    def row(self, first: str) -> list[str]:
        (found,) = (row for row in self.rows if row[0] == first and len(row) > 1)
        return [cell for cell in found[1:] if cell]


def test_funnel_gives_every_rule_with_both_counts() -> None:
    rows = {row.stage: row for row in funnel(a_report())}
    assert rows["source"].rules == (
        RuleCount("warc.record_type", 12, 12),
        RuleCount("warc.gzip", 1, 1),
    )
    assert rows["url"].rules == ()
    assert rows["gopher_quality"].rules == (
        RuleCount("gopher_quality.word_count.low", 3, 3),
        RuleCount("gopher_quality.stop_words.low", 0, 3),
    )
    assert rows["gopher_quality"].reasons == [("gopher_quality.word_count.low", 3)]
    assert rows["c4"].rules == (RuleCount("c4.sentences.low", 1, 4),)


def test_no_rule_is_lost_that_names_no_stage() -> None:
    report = SplitReport([StageCount("source"), StageCount("extract")])
    report.settle("source", Fate.QUARANTINED, ["jsonl.not_json"])
    report.settle("source", Fate.QUARANTINED, ["unreadable"])
    assert {rule.reason for rule in funnel(report)[0].rules} == {"jsonl.not_json", "unreadable"}


def test_it_says_what_happened(manifest: dict[str, Any]) -> None:
    page = Page(run_page(manifest))
    assert "1,250 records: 1,233 kept, 16 dropped, 1 quarantined. Made by Gristmill 9.8.7." in (
        page.text
    )
    assert "98.6% of all records, 99.7% of what the source passed on" in page.text
    assert "7,654,321" in page.text
    assert page.row("source") == ["1,250", "12", "1", "1,237", "1.0%"]
    assert page.row("url") == ["1,237", "0", "0", "1,237", "0%"]
    assert page.row("warc.record_type") == ["12", "12"]
    assert page.row("gopher_quality.word_count.low") == ["below 50", "3", "3"]
    assert page.row("gopher_quality.stop_words.low") == ["0", "3"]
    assert page.row("c4.sentences.low") == ["below 5", "1", "4"]
    assert page.row("corpus/")[:4] == ["kept document", "3,000", "2", "5,000"]
    assert page.row("crawl/a.warc.gz") == ["4,321", "2"]
    assert page.row("language model lid.176.ftz") == ["8f34"]
    assert page.text.count("sentences: {low: 5, high: null}") == 1


def test_the_recipe_can_be_copied_from_the_page(manifest: dict[str, Any]) -> None:
    page = run_page(manifest)
    block = html.unescape(page.rpartition("<pre><code>")[2].partition("</code></pre>")[0])
    assert yaml.safe_load(block) == manifest["recipe"]


def test_bars_fit_and_show_the_smallest_part(manifest: dict[str, Any]) -> None:
    bars: list[list[tuple[str, float, float]]] = []
    for tag, attributes in Page(run_page(manifest)).tags:
        if tag == "svg":
            bars.append([])
        elif tag == "rect" and "x" in attributes:
            kind, start, width = (attributes[name] or "" for name in ("class", "x", "width"))
            bars[-1].append((kind, float(start), float(width)))
    drawn = [bar for bar in bars if bar]
    assert [kind for kind, _, _ in drawn[0]] == ["passed", "dropped", "quarantined"]
    assert drawn[0][0][2] == pytest.approx(1000 * 1237 / 1250, abs=0.01)
    for bar in drawn:
        assert all(width >= 3 and 0 <= start <= 1000 - width + 0.01 for _, start, width in bar)


@pytest.mark.parametrize(("limit", "warned"), [(0.01, False), (0.0008, False), (0.0007, True)])
def test_too_much_quarantine_is_said(manifest: dict[str, Any], limit: float, warned: bool) -> None:
    manifest["recipe"]["limits"]["quarantined"] = limit
    assert ("More records are quarantined" in run_page(manifest)) is warned


def test_one_file_without_scripts_that_loads_nothing(manifest: dict[str, Any]) -> None:
    written = run_page(manifest)
    page = Page(written)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use"}
    for tag, attributes in page.tags:
        assert not LOADING & attributes.keys(), tag
        assert not [name for name in attributes if name.startswith("on")], tag
    assert not re.search(r"https?:|url\(|@import", written)
    policies = [a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def hostile(manifest: dict[str, Any]) -> dict[str, Any]:
    bad = copy.deepcopy(manifest)
    report = a_report()
    report.stages[1].name = HOSTILE
    for counter in (report.reasons, report.failing):
        counter[f"warc.{HOSTILE}"] = 1
        counter[f"c4.{HOSTILE}.low"] = 1
    bad["counts"] = report.to_json()
    bad["gristmill"] = HOSTILE
    bad["recipe"]["name"] = HOSTILE
    bad["recipe"]["source"]["paths"] = [HOSTILE]
    bad["recipe"]["filters"][0]["url"][HOSTILE] = HOSTILE
    bad["models"] = {HOSTILE: HOSTILE}
    bad["inputs"] = {HOSTILE: {"bytes": 1, "splits": 1}}
    bad["fingerprints"] = {"measured": HOSTILE, "decided": HOSTILE}
    return bad


def test_hostile_text_stays_text(manifest: dict[str, Any]) -> None:
    written = run_page(hostile(manifest))
    page = Page(written)
    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert "<script" not in written.lower()
    cells = [row[0] for row in page.rows]
    assert cells.count(HOSTILE) == 3  # the stage, the input and the model, as they were written
    assert {f"warc.{HOSTILE}", f"c4.{HOSTILE}.low"} <= set(cells)


def test_equal_manifests_give_equal_bytes(manifest: dict[str, Any]) -> None:
    again = copy.deepcopy(manifest)
    for name in ("reasons", "failing"):
        again["counts"][name] = dict(reversed(again["counts"][name].items()))
    assert run_page(again) == run_page(manifest)


def test_an_empty_run_has_a_page(manifest: dict[str, Any]) -> None:
    manifest["counts"] = SplitReport([StageCount("source"), StageCount("extract")]).to_json()
    manifest["inputs"], manifest["models"] = {}, {}
    manifest["parts"] = {kind: [] for kind in manifest["parts"]}
    page = Page(run_page(manifest))
    assert "0 records: nothing" in page.text
    assert page.row("source") == ["0", "0", "0", "0", "0%"]


def test_thousands_of_inputs_do_not_make_a_long_page(manifest: dict[str, Any]) -> None:
    manifest["inputs"] = {f"crawl/{n}.warc.gz": {"bytes": 10, "splits": 1} for n in range(2050)}
    written = run_page(manifest)
    assert written.count(".warc.gz</code>") == 50
    assert "2,050 files, 20,500 bytes" in written
    assert "and 2,000 more" in written

"""The audit's page in a real browser: no stranger's text acts, and nothing is wider than the window.

A page with a script loads the report into a frame, opens all of it and writes down what it measures.
The report's own policy forbids scripts; here it is taken out, so that escaping alone must hold.
``AUDIT_SCREENSHOTS=DIR`` keeps pictures for a person to look at.
"""

from __future__ import annotations

import functools
import html
import os
import re
from pathlib import Path

import pytest
from audit_example import audit, hostile_audit, hostile_texts
from browsing import DARK, browse, measure, take_picture

from pipeline.reports.audit_page import audit_page


@functools.cache
def ordinary() -> str:
    return audit_page(*audit(80))


@pytest.mark.parametrize("dark", [False, True])
def test_everything_fits_the_window(browser: str, tmp_path: Path, dark: bool) -> None:
    findings = audit(80)[1]
    narrow, wide = measure(browser, tmp_path, ordinary(), *([DARK] if dark else []))
    for found in (narrow, wide):
        assert found["wide"] <= found["width"], found["stray"]
        assert not found["stray"]
        assert found["findings"] == len(findings)
        assert found["marks"] > 100
        assert not found["unread"]
        assert found["tables"]
        assert found["paper"] == ("rgb(21, 25, 29)" if dark else "rgb(255, 255, 255)")
        assert len({found["paper"], found["ink"], found["mark"]}) == 3
    assert (narrow["sides"], wide["sides"]) == (1, 2)


def test_hostile_text_does_nothing(browser: str, tmp_path: Path) -> None:
    plain = measure(browser, tmp_path, ordinary())[1]
    for found in measure(browser, tmp_path, audit_page(*hostile_audit())):
        assert found["title"] == "Contamination audit"
        assert not found["taken"]
        assert not found["scripts"]
        assert not found["handlers"]
        assert set(found["tags"]) <= set(plain["tags"])
        assert found["wide"] <= found["width"], found["stray"]
        assert not found["stray"]


def test_the_page_as_it_is_shows_hostile_text_as_text(browser: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(audit_page(*hostile_audit()), encoding="utf-8")
    dumped = browse(browser, tmp_path, page, "--dump-dom")
    assert "<title>Contamination audit</title>" in dumped
    assert "<script" not in dumped.lower()
    assert 'id="taken"' not in dumped
    text = html.unescape(re.sub(r"<[^>]*>", "", dumped))
    for hostile in hostile_texts():
        if hostile.isprintable() and len(hostile) < 300:
            assert hostile in text
    assert "user[U+202E]gnp.exe[U+2066]" in text


def test_pictures(browser: str, tmp_path: Path) -> None:
    """A PNG of each view; with ``AUDIT_SCREENSHOTS`` a person can look at them."""
    kept = os.environ.get("AUDIT_SCREENSHOTS")
    folder = Path(kept).resolve() if kept else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    opened = ordinary().replace('<details class="page">', '<details class="page" open>')
    (tmp_path / "report.html").write_text(opened, encoding="utf-8")
    for name, place, width, options in (
        ("top", "", 1100, ()),
        ("findings", "#findings", 1100, ()),
        ("narrow", "#findings", 400, ()),
        ("dark", "", 1100, (DARK,)),
    ):
        take_picture(
            browser, tmp_path / "report.html", folder / f"{name}.png", *options,
            width=width, height=1600, place=place,
        )  # fmt: skip

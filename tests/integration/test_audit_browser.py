"""The audit's page in a real browser: no stranger's text acts, and nothing is wider than the window.

A page with a script loads the report into a frame, opens all of it and writes down what it measures.
The report's own policy forbids scripts; here it is taken out, so that escaping alone must hold.
``AUDIT_SCREENSHOTS=DIR`` keeps pictures for a person to look at.
"""

from __future__ import annotations

import functools
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from audit_example import audit, hostile_audit, hostile_texts

from pipeline.reports.audit_page import audit_page

NAMES = ("chromium", "chromium-browser", "google-chrome")
LIMIT = 180  # seconds for a browser that hangs
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
DARK = "--blink-settings=preferredColorScheme=0"
MEASURE = """<!doctype html><title>measuring</title><body style="margin:0"><script>
function measured(frame, width) {
  const page = frame.contentDocument, root = page.documentElement;
  const stray = [...page.querySelectorAll("body *")].filter(one =>
    !one.closest(".wide") && one.getBoundingClientRect().right > width + 1);
  const shown = one => frame.contentWindow.getComputedStyle(one);
  return {
    width, wide: root.scrollWidth, stray: stray.slice(0, 3).map(one => one.outerHTML.slice(0, 200)),
    title: page.title, taken: page.body.id, scripts: page.scripts.length,
    tags: [...new Set([...page.querySelectorAll("*")].map(one => one.localName))].sort(),
    handlers: [...page.querySelectorAll("*")].flatMap(one =>
      one.getAttributeNames().filter(name => name.startsWith("on"))),
    findings: page.querySelectorAll(".finding").length,
    unread: [...page.querySelectorAll(".finding .text")].filter(one => !one.offsetHeight).length,
    marks: page.querySelectorAll("mark").length,
    sides: new Set([...page.querySelectorAll(".sides")].map(one =>
      shown(one).gridTemplateColumns.split(" ").length)).values().next().value,
    paper: shown(page.body).backgroundColor, ink: shown(page.body).color,
    mark: page.querySelector("mark") && shown(page.querySelector("mark")).backgroundColor,
    tables: [...page.querySelectorAll(".wide")].every(one => one.tabIndex === 0),
  };
}
async function look() {
  const source = JSON.parse(document.getElementById("report").textContent), all = [];
  for (const width of [400, 1100]) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `border:0;display:block;width:${width}px;height:900px`;
    frame.srcdoc = source;
    await new Promise(done => { frame.onload = done; document.body.append(frame); });
    frame.contentDocument.querySelectorAll("details").forEach(one => { one.open = true; });
    await new Promise(done => setTimeout(done, 200));
    all.push(measured(frame, width));
    frame.remove();
  }
  document.body.textContent = JSON.stringify(all);
  document.title = "measured";
}
addEventListener("load", () => look().catch(error => { document.title = String(error); }));
</script><script type="application/json" id="report">REPORT</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is here: none of {', '.join(NAMES)}")
    return found


def browse(browser: str, folder: Path, page: Path, *options: str) -> str:
    """What a headless browser prints of a page; skips where it cannot start at all."""
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--disable-dev-shm-usage", "--no-first-run", "--virtual-time-budget=20000",
        f"--user-data-dir={folder / 'profile'}", *options, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT, check=False, encoding="utf-8"
    )
    if done.returncode and not done.stdout:
        pytest.skip(f"{browser} does not start here: {done.stderr.strip()[-300:]}")
    return done.stdout


def measure(browser: str, folder: Path, report: str, *options: str) -> list[dict[str, Any]]:
    source = POLICY.sub("", report)
    assert source != report
    page = folder / "measure.html"
    written = json.dumps(source).replace("<", "\\u003c")
    page.write_text(MEASURE.replace("REPORT", written), encoding="utf-8")
    dumped = browse(browser, folder, page, "--dump-dom", *options)
    title = re.search(r"<title>(.*?)</title>", dumped)
    assert title is not None
    assert title[1] == "measured", title[1]
    found: list[dict[str, Any]] = json.loads(
        html.unescape(dumped.partition("<body")[2].partition(">")[2].partition("</body>")[0])
    )
    return found


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
        # A window cannot be as narrow as a phone's; a frame can.
        frame = f'<iframe src="report.html{place}" style="border:0;width:{width}px;height:1600px">'
        (tmp_path / "frame.html").write_text(f'<body style="margin:0">{frame}</iframe>')
        picture = folder / f"{name}.png"
        picture.unlink(missing_ok=True)
        browse(
            browser, tmp_path, tmp_path / "frame.html",
            f"--screenshot={picture}", f"--window-size={max(width, 500)},1600", *options,
        )  # fmt: skip
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 20_000

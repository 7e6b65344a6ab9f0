"""Pages in a real browser: measured in windows of two widths, and as pictures."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["DARK", "NAMES", "browse", "measure", "take_picture"]

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


def take_picture(
    browser: str,
    report: Path,
    picture: Path,
    *options: str,
    width: int,
    height: int,
    place: str = "",
) -> None:
    """A PNG of a report, which lies where the browser's files do; not empty.

    Args:
        place: in the report, such as ``#findings``.
    """
    # A window cannot be as narrow as a phone's; a frame can.
    frame = (
        f'<iframe src="{report.name}{place}" style="border:0;width:{width}px;height:{height}px">'
    )
    page = report.with_name("frame.html")
    page.write_text(f'<body style="margin:0">{frame}</iframe>')
    picture.unlink(missing_ok=True)
    browse(
        browser, report.parent, page,
        f"--screenshot={picture}", f"--window-size={max(width, 500)},{height}", *options,
    )  # fmt: skip
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000

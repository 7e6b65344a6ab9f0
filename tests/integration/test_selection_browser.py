"""The page of a selection in a real browser: it fits the window, and no stranger's text acts.

Measured as the audit's page is. ``SELECTION_SCREENSHOTS=DIR`` keeps pictures for a person to look at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from audited_texts import plain_core
from browsing import DARK, measure, take_picture
from selection_example import select, write_logs

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from pipeline.reports.prompts_page import prompts_page

HOSTILE = (
    "</li><script>document.body.id='taken'</script><img src=x onerror=alert(2)>\u202e" + "w" * 200
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a finished selection; not to be changed."""
    home = tmp_path_factory.mktemp("selection")
    with pytest.MonkeyPatch.context() as patch:
        plain_core(patch)
        return select(write_logs(home / "logs"), home / "out").manifest


@pytest.mark.heavy
def test_it_fits_the_window_and_hostile_text_does_nothing(
    browser: str, tmp_path: Path, manifest: dict[str, Any]
) -> None:
    attacked = {
        **manifest,
        "examples": [
            {**one, "prompts": [{"id": HOSTILE, "prompt": HOSTILE}]} for one in manifest["examples"]
        ],
        "topics": [{**one, "name": HOSTILE} for one in manifest["topics"]],
        "shortfalls": [HOSTILE],
    }
    plain = measure(browser, tmp_path, prompts_page(manifest))
    for found in (*plain, *measure(browser, tmp_path, prompts_page(attacked))):
        assert found["wide"] <= found["width"], found["stray"]
        assert not found["stray"]
        assert found["tables"]
        assert not found["taken"]
        assert not found["scripts"]
        assert not found["handlers"]
        assert set(found["tags"]) <= set(plain[0]["tags"])


@pytest.mark.heavy
def test_pictures(browser: str, tmp_path: Path, manifest: dict[str, Any]) -> None:
    """A PNG of each view; with ``SELECTION_SCREENSHOTS`` a person can look at them."""
    kept = os.environ.get("SELECTION_SCREENSHOTS")
    folder = Path(kept).resolve() if kept else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "report.html").write_text(prompts_page(manifest), encoding="utf-8")
    for name, width, options in (("wide", 1100, ()), ("narrow", 400, ()), ("dark", 1100, (DARK,))):
        take_picture(
            browser, tmp_path / "report.html", folder / f"{name}.png", *options,
            width=width, height=3200,
        )  # fmt: skip

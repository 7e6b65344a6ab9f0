"""Real pages: the tuned child's texts are the untouched library's, character for character."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trafilatura
from fastwarc.warc import ArchiveIterator, WarcRecordType

from classifiers.language import LanguageIdentifier
from pipeline.core.records import Locator, RawRecord
from pipeline.extract import Extraction, ExtractWorker, Prescreen
from pipeline.sources.charset import decode

STEP = 24


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> list[RawRecord]:
    """Every `STEP`-th page of the shared crawl: about a hundred."""
    return list(_pages(sorted((shared_data / "web" / "warc").glob("pages-*.warc.gz"))))


def _pages(paths: list[Path]) -> Iterator[RawRecord]:
    seen = 0
    for path in paths:
        with path.open("rb") as stream:
            for found in ArchiveIterator(stream, record_types=WarcRecordType.response):
                if seen % STEP == 0:
                    locator = Locator(str(path), found.stream_pos, -1)
                    url = found.headers["WARC-Target-URI"]
                    yield RawRecord(str(found.record_id), url, locator, found.reader.read())
                seen += 1


@pytest.mark.parametrize(
    ("engine", "options", "plain"),
    [
        ("trafilatura", {}, {}),
        ("trafilatura", {"favor_precision": True}, {"favor_precision": True}),
        ("trafilatura-fast", {}, {"fast": True}),
    ],
)
def test_texts_are_the_library_s(
    pages: list[RawRecord], engine: str, options: dict[str, Any], plain: dict[str, Any]
) -> None:
    assert len(pages) > 90
    with ExtractWorker(Extraction(engine, options)) as worker:
        for record in pages:
            html = decode(record.payload or b"", None).text
            expected = trafilatura.extract(html, include_comments=False, **plain)
            assert worker.extract(record).text == expected, record.url


def test_the_prescreen_loses_no_page_that_a_language_filter_passes(
    pages: list[RawRecord],
) -> None:
    identifier = LanguageIdentifier()
    skipped = lost = 0
    with (
        ExtractWorker(Extraction("resiliparse", prescreen=Prescreen(("en",)))) as screened,
        ExtractWorker(Extraction("resiliparse")) as unscreened,
    ):
        for record in pages:
            verdict = screened.extract(record).verdict
            if verdict is None or not verdict.reason.startswith("prescreen."):
                continue
            skipped += 1
            text = unscreened.extract(record).text or ""
            lost += identifier.identify([text[:2000]], ["en"])[0].wanted >= 0.65
    assert skipped > 10
    assert lost == 0

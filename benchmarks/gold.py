"""The pages of the shared data: HTML, address, and of the gold ones what people marked as main text.

The gold pages are those of WCXB's development set (Foley 2026, CC BY 4.0) that lie in the shared crawl.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipeline.sources.charset import decode

__all__ = ["GoldPage", "crawled_pages", "gold_pages", "gold_texts", "other_pages"]


@dataclasses.dataclass(frozen=True, slots=True)
class GoldPage:
    """One page.

    Args:
        file_id: its number in the set.
        url: its address.
        kind: ``article``, ``documentation``, ``service``, ``forum``, ``product``, ``collection`` or
            ``listing``.
        text: the main text, as people marked it.
        html: the page, decoded; empty from `gold_texts`.
    """

    file_id: str
    url: str
    kind: str
    text: str
    html: str = ""


def gold_pages(data: Path) -> Iterator[GoldPage]:
    """Pages with their HTML, in the order of the crawl."""
    gold = dict(_gold(data))
    for record, _, html in crawled_pages(data):
        if record in gold:
            yield dataclasses.replace(gold[record], html=html)


def gold_texts(data: Path) -> Iterator[GoldPage]:
    """Pages without their HTML, in the order of the gold file."""
    return (page for _, page in _gold(data))


def crawled_pages(data: Path) -> Iterator[tuple[str, str, str]]:
    """Record id, address and HTML of every page of the crawl."""
    for path in sorted((data / "web" / "warc").glob("pages-*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                url = record.headers.get("WARC-Target-URI", "")
                html = decode(record.reader.read(), record.http_charset).text
                yield str(record.record_id).strip("<>"), url, html


def other_pages(data: Path) -> Iterator[tuple[str, str]]:
    """Address and HTML of the crawl's pages without gold: news and blogs in many languages."""
    gold = {record for record, _ in _gold(data)}
    return ((url, html) for record, url, html in crawled_pages(data) if record not in gold)


def _gold(data: Path) -> Iterator[tuple[str, GoldPage]]:
    with gzip.open(data / "web" / "gold" / "wcxb_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            if "main_content" in row["ground_truth"]:  # two have none
                yield row["record_id"].strip("<>"), GoldPage(
                    file_id=row["file_id"],
                    url=row["url"],
                    kind=row["_internal"]["page_type"]["primary"],
                    text=row["ground_truth"]["main_content"],
                )  # fmt: skip

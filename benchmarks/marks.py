"""Marks of main text on 358 pages of the shared crawl without gold: news, blogs, shops in forty languages.

`marked_pages.jsonl` has block numbers only, no text. A language model marked them, page by page, reading all
blocks and no extractor's output, by the rules of the gold set (main text without title, teasers, comments,
by-lines); no person has checked them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from gold import GoldPage, other_pages

from pipeline.extract.blocks.features import block_texts
from pipeline.extract.blocks.outline import Outline, outline_of

__all__ = ["MarkedPage", "marked_pages"]

FILE = Path(__file__).with_name("marked_pages.jsonl")


@dataclasses.dataclass(frozen=True, slots=True)
class MarkedPage:
    """A page and its marks.

    Args:
        page: its ``text`` is that of the blocks in ``main``.
        site: domain that it was on, as far as it tells; else its address.
        language: ISO 639-1, as fastText tells.
        outline: of the page; the marks are numbers of its blocks.
        title, main, teasers, comments: blocks of the title, the main text, lists of other articles, and
            readers' comments below the content.
    """

    page: GoldPage
    site: str
    language: str
    outline: Outline
    title: list[int]
    main: list[int]
    teasers: list[int]
    comments: list[int]


def marked_pages(data: Path) -> Iterator[MarkedPage]:
    """Marked pages, in the order of the crawl.

    Raises:
        ValueError: blocks are cut in another way than when they were marked.
    """
    with FILE.open(encoding="utf-8") as lines:
        marks = {row["url"]: row for row in map(json.loads, lines)}
    for url, html in other_pages(data):
        if url not in marks:
            continue
        row = marks[url]
        outline = outline_of(html)
        texts = block_texts(outline)
        digest = hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
        if not digest.startswith(row["texts"]):
            raise ValueError(f"{FILE.name}: {url} has other blocks than were marked; mark it again")
        blocks = {name: _blocks(row[name]) for name in ("title", "main", "teasers", "comments")}
        text = "\n".join(texts[block] for block in blocks["main"])
        page = GoldPage(file_id=url, url=url, kind=row["kind"], text=text, html=html)
        yield MarkedPage(page, row["site"] or url, row["language"], outline, **blocks)


def _blocks(ranges: str) -> list[int]:
    """Blocks of ranges such as ``"4-7,9"``."""
    found: list[int] = []
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found

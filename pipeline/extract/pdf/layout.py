"""The pages of a document as text: furniture off, blocks in order, paragraphs flowing over pages."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Sequence

from pipeline.extract.pdf.blocks import Block, boxes
from pipeline.extract.pdf.footnotes import split_notes
from pipeline.extract.pdf.furniture import PageLines, without_furniture
from pipeline.extract.pdf.hyphens import vocabulary_of
from pipeline.extract.pdf.order import reading_order
from pipeline.extract.pdf.paragraphs import (
    Paragraph,
    append_block,
    append_said,
    paragraph_text,
    typical_leading,
)
from pipeline.extract.pdf.tables import with_tables

__all__ = ["document_text"]


def document_text(pages: Sequence[PageLines]) -> str:
    """The text of a document; paragraphs are divided by blank lines.

    The cells of a table are divided by tabs, its rows by line ends. A footnote follows the
    paragraph that the page it stands on ends with.

    Args:
        pages: lines of each page.
    """
    bare = without_furniture(pages)
    if any(page.lines for page in bare):  # pages that are all alike are no furniture
        pages = bare
    vocabulary = vocabulary_of(line.text for page in pages for line in page.lines)
    body_size = _body_size(pages)
    laid_out = [_page_blocks(page) for page in pages]
    leading = typical_leading([block for blocks in laid_out for block in blocks])
    paragraphs: list[Paragraph] = []
    for page, blocks in zip(pages, laid_out, strict=True):
        body, notes = split_notes(blocks, body_size, page.height)
        if page.said:
            append_said(paragraphs, page.said, vocabulary)
        for block in body:
            append_block(paragraphs, block, leading)
        for block in notes:
            append_block(paragraphs, block, leading, note=True)
    texts = [paragraph_text(paragraph, vocabulary) for paragraph in paragraphs]
    return "\n\n".join(text for text in texts if text)


def _page_blocks(page: PageLines) -> list[Block]:
    if not page.lines:
        return []
    blocks = [block for block in with_tables(page.lines) if not _numbers_lines(block)]
    return [blocks[index] for index in reading_order(boxes(blocks))]


def _numbers_lines(block: Block) -> bool:
    """Whether the block is the numbers of a manuscript's lines: 5, 10, 15 … or 1, 2, 3 …"""
    texts = [line.text for line in block.lines]
    if len(texts) < 5 or block.rows is not None or not all(text.isdecimal() for text in texts):
        return False
    numbers = [int(text[:9]) for text in texts]
    steps = {later - sooner for sooner, later in itertools.pairwise(numbers)}
    return len(steps) == 1 and steps <= {1, 2, 5, 10}


def _body_size(pages: Sequence[PageLines]) -> float:
    """The font size most characters have, in points."""
    sizes: collections.Counter[float] = collections.Counter()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size)) if sizes else 0.0

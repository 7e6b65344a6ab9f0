"""``engine: blocks``: main text by a trained model over the blocks of a page."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from pipeline.core.decisions import Signal
from pipeline.extract.blocks.choose import BALANCED, PRECISE, between, main_blocks
from pipeline.extract.blocks.features import LINKED, measure_blocks
from pipeline.extract.blocks.hints import page_hints
from pipeline.extract.blocks.model import KINDS, load_model, model_sha256
from pipeline.extract.blocks.outline import enclosing, outline_of
from pipeline.extract.blocks.product_data import PRODUCT, hidden_descriptions
from pipeline.extract.blocks.render import as_markdown, as_text
from pipeline.extract.blocks.site import repeated_sha256, repeating
from pipeline.extract.blocks.threads import below_content, comments_among
from pipeline.extract.blocks.told import told_by, told_columns
from pipeline.extract.html import Engine
from pipeline.extract.page import Page

__all__ = ["Blocks"]


@dataclasses.dataclass(frozen=True)
class Blocks(Engine):
    """Each block of text is judged by what it is like, what is around it and what the page is.

    A page is cut into its leaf blocks, each is measured in ways that know no language, and two rounds
    of oblivious trees say how likely it is main text, the second knowing what the first thought of the
    blocks around. Of these the set with the largest expected F1 is kept. How it was trained and how good
    it is: `docs/extraction.md`.

    Args:
        markdown: write headings, lists, tables, code and quotations as Markdown.
        favor_precision: fewer words that are not main text, and fewer that are.
        code: keep every listing of code (``pre``) that stands within the text. The gold pages often leave
            code out, and the model has learned it.
        comments: keep readers' comments below the content, whole threads of them. Posts of a forum
            are content in any case.
        title: put the page's title before its text, where a block of the page says it.
        repeated: path of a file of what the site says on several pages (`site.write_repeated`), to be
            left out.
    """

    name: ClassVar[str] = "blocks"
    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("selectolax",)
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("page_type", "what kind of page it is, as far as the model can tell", kind="text"),
        Signal("page_type_score", "probability of that kind", maximum=1.0),
    )

    markdown: bool = False
    favor_precision: bool = False
    code: bool = False
    comments: bool = False
    title: bool = False
    repeated: str = ""

    def prepare(self) -> None:
        """Read the model."""
        load_model()

    def parameters(self) -> dict[str, Any]:
        """As of any engine, the model, and what is repeated."""
        found = {**super().parameters(), "model": model_sha256()}
        return found | ({"repeated": repeated_sha256(self.repeated)} if self.repeated else {})

    def extract(self, page: Page) -> str:
        """The main text of ``page``."""
        return self.read(page)[0]

    def read(self, page: Page) -> tuple[str, dict[str, float | str]]:
        """Its main text, and `signals` by ``extract.NAME``; none for a page without text."""
        model = load_model()
        outline = outline_of(page.html)
        if not outline.pieces:
            return "", {}
        measured = measure_blocks(outline, model.vocabulary)
        hints = page_hints(page.html, page.url)
        kinds = model.kinds(measured, hints)
        told, title = told_columns(told_by(page.html), outline, measured.texts)
        threads = below_content(outline, kinds)
        additions = [threads]
        if self.repeated:
            additions.append(repeating(self.repeated, measured.texts))
        chosen = main_blocks(
            outline,
            measured,
            model.likely(measured, told, kinds),
            weighing=PRECISE if self.favor_precision else BALANCED,
            additions=additions,
        )
        if self.code and "pre" in outline.tags:
            chosen = between(chosen, enclosing(outline, "pre") >= 0)
        if self.comments and not (chosen & threads).any():  # else they are the content
            chosen |= comments_among(threads, measured.lengths, measured.numbers[LINKED])
        if self.title and title >= 0:
            chosen[title] = True
        write = as_markdown if self.markdown else as_text
        text = write(outline, measured.texts, np.flatnonzero(chosen).tolist())
        if text and PRODUCT in hints:
            text = "\n".join([text, *hidden_descriptions(page.html, text)])
        best = int(np.argmax(kinds))
        return text, {
            "extract.page_type": KINDS[best],
            "extract.page_type_score": float(kinds[best]),
        }

"""The outline of a page: its elements, and its leaf blocks of text, as flat arrays.

A leaf block is a run of text that no block-level tag interrupts: a paragraph, a heading, a cell, a
menu item. The tree is built by a C parser (lexbor), written out again by it, well-formed, and read with
one regular expression; no object is made for a node, and nothing recurses.
"""

from __future__ import annotations

import dataclasses
import html as html_entities
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from selectolax.lexbor import LexborHTMLParser

__all__ = ["HEADINGS", "MAX_TAGS", "Outline", "enclosing", "outline_of"]

Ints = npt.NDArray[np.int64]

# Of a page. The largest of 1,272 real ones has a seventh of that; and parsing elements that are nested
# a hundred thousand deep takes the square of the time.
MAX_TAGS = 100_000
_STRIPPED = [
    *("script", "style", "template", "svg", "iframe", "object", "math", "canvas", "video", "audio"),
    *("select", "option", "textarea", "map", "head"),
]
_MOST_FORMULAS = 5_000
_TAG = re.compile(r"<(/?[a-z][^\s>/]*)([^>]*)>([^<]*)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_VOID = frozenset(
    {
        *(
            "area",
            "base",
            "basefont",
            "bgsound",
            "br",
            "col",
            "embed",
            "frame",
            "hr",
            "img",
            "input",
        ),
        *("keygen", "link", "meta", "param", "source", "track", "wbr"),
    }
)
# Elements that stand within a line of text; any other begins and ends a block.
_INLINE = frozenset(
    {
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn"),
        *(
            "em",
            "font",
            "i",
            "img",
            "input",
            "ins",
            "kbd",
            "label",
            "mark",
            "nobr",
            "q",
            "rp",
            "rt",
        ),
        *(
            "ruby",
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "time",
            "tt",
            "u",
        ),
        *("var", "wbr", "picture", "source", "track", "area", "param", "link", "meta", "noindex"),
    }
)

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@dataclasses.dataclass(slots=True)
class Outline:
    """Elements in document order and the pieces of text between tags.

    Args:
        tags: name of each element; number 0 is one above all others.
        attributes: of each element, as written.
        parents: number of the element around each; that of 0 is 0.
        links: whether each is a link or within one.
        first_piece, last_piece: range of the pieces within each element.
        pieces: texts, character references resolved, none of them blank.
        sizes: characters of each.
        piece_elements: the element directly around each.
        piece_blocks: the block that each belongs to; blocks are numbered in document order.
        block_elements: innermost block-level element around each block.
        breaks: for each piece whether a line break (``br``) precedes it within its block.
        depths: elements around each.
        last_below: the last element within each, or itself.
        headings: whether each is a heading, ``h1`` to ``h6``.
        truncated: the page has more tags than `MAX_TAGS`; what follows is left out.
    """

    tags: Sequence[str]
    attributes: Sequence[str]
    parents: Ints
    links: npt.NDArray[np.bool_]
    first_piece: Ints
    last_piece: Ints
    pieces: list[str]
    sizes: npt.NDArray[np.float64]
    piece_elements: Ints
    piece_blocks: Ints
    block_elements: Ints
    breaks: Sequence[bool]
    depths: Ints
    last_below: Ints
    headings: npt.NDArray[np.bool_]
    truncated: bool


def outline_of(page: str) -> Outline:
    """Parse a page. Total on any string."""
    truncated = page.count("<") > MAX_TAGS
    if truncated:
        page = "<".join(page.split("<", MAX_TAGS + 1)[:-1])
    parser = LexborHTMLParser(page.encode("utf-8", "replace"))
    if "<math" in page or "latex" in page:
        _write_formulas(parser)
    parser.strip_tags(_STRIPPED)
    source = parser.html or ""
    if "<!--" in source:
        source = _COMMENT.sub("", source)
    return _read(_TAG.findall(source), truncated)


def _write_formulas(parser: LexborHTMLParser) -> None:
    """Put TeX in the place of MathML that comes with it, and of images of formulas."""
    for drawn in parser.css(".katex-html")[:_MOST_FORMULAS]:
        drawn.decompose()  # the same formula once more, as boxes
    for formula in parser.css("math")[:_MOST_FORMULAS]:
        source = formula.css_first('annotation[encoding="application/x-tex"]')
        tex = source.text() if source else formula.text(separator=" ")
        formula.replace_with(
            f" ${' '.join(tex.split())}$ " if source else f" {' '.join(tex.split())} "
        )
    for image in parser.css("img.latex")[:_MOST_FORMULAS]:
        image.replace_with(f" ${image.attributes.get('alt') or ''}$ ")


def _read(found: Sequence[tuple[str, str, str]], truncated: bool) -> Outline:
    # A page has some thousand tags: one tuple for an element, one for a piece, one for an end.
    elements: list[tuple[str, str, int, bool, int, int]] = [("#", "", 0, False, 0, 0)]
    ends: list[tuple[int, int, int]] = []
    pieces: list[str] = []
    placed: list[tuple[int, int, bool]] = []
    block_elements: list[int] = []
    stack = [(0, False)]
    holders = [0]  # block-level elements that are open
    inline, void = _INLINE, _VOID
    fresh, broken = True, False
    for name, attribute, text in found:
        if name[0] == "/":
            if len(stack) > 1:
                ends.append((stack.pop()[0], len(pieces), len(elements) - 1))
                if name[1:] not in inline:
                    fresh = True
                    if len(holders) > 1:
                        holders.pop()
        elif name in void:
            if name == "br":
                broken = True
            elif name not in inline:
                fresh = True
        else:
            parent, linked = stack[-1]
            number = len(elements)
            linked = linked or name == "a"
            elements.append((name, attribute, parent, linked, len(pieces), len(stack)))
            stack.append((number, linked))
            if name not in inline:
                fresh = True
                holders.append(number)
        if text:
            if not text.isspace():
                if fresh:
                    block_elements.append(holders[-1])
                    fresh = broken = False
                pieces.append(text)
                placed.append((stack[-1][0], len(block_elements) - 1, broken))
                broken = False
            elif not fresh:
                pieces[-1] += "\n" if "\n" in text else " "
    ends += [(element, len(pieces), len(elements) - 1) for element, _ in stack]
    tags, attributes, parents, links, first, depths = zip(*elements, strict=True)
    closing, last_piece, last_below = np.array(ends, np.int64).T
    last, below = np.empty((2, len(elements)), np.int64)
    last[closing], below[closing] = last_piece, last_below
    resolved = [html_entities.unescape(piece) if "&" in piece else piece for piece in pieces]
    around, blocks, breaks = zip(*placed, strict=True) if placed else ((), (), ())
    return Outline(
        tags=tags,
        attributes=attributes,
        parents=np.array(parents, np.int64),
        links=np.array(links, np.bool_),
        first_piece=np.array(first, np.int64),
        last_piece=last,
        pieces=resolved,
        sizes=np.fromiter(map(len, resolved), np.float64, len(resolved)),
        piece_elements=np.array(around, np.int64),
        piece_blocks=np.array(blocks, np.int64),
        block_elements=np.array(block_elements, np.int64),
        breaks=breaks,
        depths=np.array(depths, np.int64),
        last_below=below,
        headings=np.fromiter(map(HEADINGS.__contains__, tags), np.bool_, len(tags)),
        truncated=truncated,
    )


def enclosing(outline: Outline, name: str) -> Ints:
    """Number of the nearest element of that name around each block, its own included; -1 if none."""
    nearest = [-1] * len(outline.tags)
    parents = outline.parents.tolist()
    for element, tag in enumerate(outline.tags):
        nearest[element] = element if tag == name else nearest[parents[element]]
    return np.array(nearest, np.int64)[outline.block_elements]

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

__all__ = ["MAX_TAGS", "Outline", "outline_of"]

Ints = npt.NDArray[np.int64]

MAX_TAGS = 300_000  # of a page: a thousandth of all pages have a tenth of that
_STRIPPED = [
    *("script", "style", "template", "svg", "iframe", "object", "math", "canvas", "video", "audio"),
    *("select", "option", "textarea", "map", "head"),
]
_TAG = re.compile(r"<(/?[a-z][^\s>/]*)([^>]*)>([^<]*)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_VOID = frozenset(
    {
        *("area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input"),
        *("keygen", "link", "meta", "param", "source", "track", "wbr"),
    }
)
# Elements that stand within a line of text; any other begins and ends a block.
_INLINE = frozenset(
    {
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn"),
        *("em", "font", "i", "img", "input", "ins", "kbd", "label", "mark", "nobr", "q", "rp", "rt"),
        *("ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u"),
        *("var", "wbr", "picture", "source", "track", "area", "param", "link", "meta", "noindex"),
    }
)

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


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
        piece_elements: the element directly around each.
        piece_blocks: the block that each belongs to; blocks are numbered in document order.
        block_elements: innermost block-level element around each block.
        breaks: for each piece whether a line break (``br``) precedes it within its block.
        depths: elements around each.
        last_below: the last element within each, or itself.
        headings: whether each is a heading, ``h1`` to ``h6``.
        truncated: the page has more tags than `MAX_TAGS`; what follows is left out.
    """

    tags: list[str]
    attributes: list[str]
    parents: Ints
    links: npt.NDArray[np.bool_]
    first_piece: Ints
    last_piece: Ints
    pieces: list[str]
    piece_elements: Ints
    piece_blocks: Ints
    block_elements: Ints
    breaks: list[bool]
    depths: Ints
    last_below: Ints
    headings: npt.NDArray[np.bool_]
    truncated: bool


def outline_of(page: str) -> Outline:
    """Parse a page. Total on any string."""
    parser = LexborHTMLParser(page.encode("utf-8", "replace"))
    parser.strip_tags(_STRIPPED)
    source = parser.html or ""
    if "<!--" in source:
        source = _COMMENT.sub("", source)
    found = _TAG.findall(source)
    truncated = len(found) > MAX_TAGS
    return _read(found[:MAX_TAGS], truncated)


def _read(found: Sequence[tuple[str, str, str]], truncated: bool) -> Outline:
    tags, attributes, parents, links, depths = ["#"], [""], [0], [False], [0]
    first, last, below = [0], [0], [0]
    pieces: list[str] = []
    piece_elements: list[int] = []
    piece_blocks: list[int] = []
    block_elements: list[int] = []
    breaks: list[bool] = []
    stack = [0]
    holders = [0]  # block-level elements that are open
    inline, void = _INLINE, _VOID
    fresh, broken = True, False
    for name, attribute, text in found:
        if name[0] == "/":
            if len(stack) > 1:
                element = stack.pop()
                last[element] = len(pieces)
                below[element] = len(tags) - 1
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
            number = len(tags)
            parent = stack[-1]
            depths.append(len(stack))
            stack.append(number)
            tags.append(name)
            attributes.append(attribute)
            parents.append(parent)
            links.append(links[parent] or name == "a")
            first.append(len(pieces))
            last.append(0)
            below.append(0)
            if name not in inline:
                fresh = True
                holders.append(number)
        if text and not text.isspace():
            if fresh:
                block_elements.append(holders[-1])
                fresh, broken = False, False
            pieces.append(text)
            piece_elements.append(stack[-1])
            piece_blocks.append(len(block_elements) - 1)
            breaks.append(broken)
            broken = False
        elif text and pieces and not fresh:
            pieces[-1] += "\n" if "\n" in text else " "
    for element in stack:
        last[element], below[element] = len(pieces), len(tags) - 1
    return Outline(
        tags=tags,
        attributes=attributes,
        parents=np.array(parents, np.int64),
        links=np.array(links, np.bool_),
        first_piece=np.array(first, np.int64),
        last_piece=np.array(last, np.int64),
        pieces=[html_entities.unescape(piece) if "&" in piece else piece for piece in pieces],
        piece_elements=np.array(piece_elements, np.int64),
        piece_blocks=np.array(piece_blocks, np.int64),
        block_elements=np.array(block_elements, np.int64),
        breaks=breaks,
        depths=np.array(depths, np.int64),
        last_below=np.array(below, np.int64),
        headings=np.fromiter(map(_HEADINGS.__contains__, tags), np.bool_, len(tags)),
        truncated=truncated,
    )

"""The outline of a page: its elements, and its leaf blocks of text, as flat arrays.

A leaf block is a run of text that no block-level tag interrupts: a paragraph, a heading, a cell, a
menu item. The tree is built by a C parser (lexbor), written out again by it, well-formed, and split at its
tags; no object is made for a node, and nothing recurses.
"""

from __future__ import annotations

import collections
import dataclasses
import html as html_entities
import itertools
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from selectolax.lexbor import LexborHTMLParser

from pipeline.extract.blocks.nesting import nearest, nesting_of
from pipeline.extract.page import MAX_DEPTH, shallow_part

__all__ = ["HEADINGS", "MAX_TAGS", "Outline", "enclosing", "outline_of"]

Ints = npt.NDArray[np.int64]

# Of a page. The largest of 1,272 real ones has a seventh of that.
MAX_TAGS = 100_000
_STRIPPED = [
    *("script", "style", "template", "svg", "iframe", "object", "math", "canvas", "video", "audio"),
    *("select", "option", "textarea", "map", "head"),
]
_MOST_FORMULAS = 5_000
_FORMULAS = "math, img.latex, .katex-html"
_TAG = re.compile(r"<(/?[a-z][^>]*>)([^<]*)")
_NAMED = re.compile(r"(/?[a-z!][^\s>/]*)([^>]*)>")  # a tag without its "<": name and attributes
# Elements whose text is written as it is. They are few: it may read as tags that are none.
_UNESCAPED = frozenset({"xmp", "noembed", "noframes", "plaintext"})
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

# What start tags do, as bits; those of other names open an element that is a block.
_OPENS, _CLOSES, _BLOCK, _BREAK, _LINK, _HEADING = 1, 2, 4, 8, 16, 32
_ROLES = {
    name: _OPENS * (name not in _VOID)
    | _BLOCK * (name not in _INLINE)
    | _LINK * (name == "a")
    | _HEADING * (name in HEADINGS)
    for name in _VOID | _INLINE | HEADINGS
} | {"br": _BREAK}


@dataclasses.dataclass(slots=True)
class Outline:
    """Elements in document order and the pieces of text between tags.

    Args:
        tags: name of each element; number 0 is one above all others.
        attributes: of each element, as written.
        kinds: elements with the same number have the same name and the same attributes.
        parents: number of the element around each; that of 0 is 0.
        links: whether each is a link or within one.
        first_piece, last_piece: range of the pieces within each element.
        pieces: texts, character references resolved, none of them blank.
        sizes: characters of each.
        piece_elements: the element directly around each.
        piece_blocks: the block that each belongs to; blocks are numbered in document order.
        block_elements: innermost block-level element around each block.
        breaks: line breaks (``br``) that precede each piece within its block: 0, 1, or 2 for several.
        depths: elements around each.
        last_below: the last element within each, or itself.
        headings: whether each is a heading, ``h1`` to ``h6``.
        truncated: the page has more tags than `MAX_TAGS`, or is nested deeper than
            `pipeline.extract.page.MAX_DEPTH`; what follows is left out.
    """

    tags: Sequence[str]
    attributes: Sequence[str]
    kinds: Ints
    parents: Ints
    links: npt.NDArray[np.bool_]
    first_piece: Ints
    last_piece: Ints
    pieces: list[str]
    sizes: npt.NDArray[np.float64]
    piece_elements: Ints
    piece_blocks: Ints
    block_elements: Ints
    breaks: Sequence[int]
    depths: Ints
    last_below: Ints
    headings: npt.NDArray[np.bool_]
    truncated: bool


def outline_of(page: str) -> Outline:
    """Parse a page. Total on any string."""
    data = page.encode("utf-8", "replace")
    tags = np.count_nonzero(np.frombuffer(data, np.uint8) == ord("<"))
    truncated = False
    if tags > MAX_DEPTH:
        part = "<".join(page.split("<", MAX_TAGS + 1)[:-1]) if tags > MAX_TAGS else page
        part = shallow_part(part)
        truncated = len(part) < len(page)
        if truncated:
            page, data = part, part.encode("utf-8", "replace")
    parser = LexborHTMLParser(data)
    # Most pages have no such element, and to look for one is cheaper than to search their text.
    if parser.css_first(_FORMULAS) and ("<math" in page or "latex" in page):
        _write_formulas(parser)
    parser.strip_tags(_STRIPPED)
    return _read(_without_comments(parser.html or ""), truncated)


def _without_comments(source: str) -> str:
    parts = []
    at = 0
    while (start := source.find("<!--", at)) >= 0:
        end = source.find("-->", start + 4)
        if end < 0:
            break
        parts.append(source[at:start])
        at = end + 3
    parts.append(source[at:])
    return "".join(parts)


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


def _read(source: str, truncated: bool) -> Outline:
    """The outline of a page that lexbor wrote."""
    # Within texts and values lexbor writes "<" and ">" as references, so that tags and texts stand in
    # turn. It leaves them in names, and in what has no markup; then a part is no tag.
    parts = source.replace(">", "><").split("<")
    tags, texts = parts[1::2], parts[2::2]
    kinds, names, attributes = _told_apart(tags)
    if "" in names or not _UNESCAPED.isdisjoint(names):
        found = _TAG.findall(source)
        tags, texts = [tag for tag, _ in found], [text for _, text in found]
        kinds, names, attributes = _told_apart(tags)

    role = {name: _role(name) for name in set(names)}
    roles = np.fromiter(map(role.__getitem__, names), np.int64, len(names))[kinds]
    opening = (roles & _OPENS) != 0
    nesting = nesting_of(opening.astype(np.int64) - ((roles & _CLOSES) != 0))
    begins, ends = nesting.begins, nesting.ends
    of_elements = np.concatenate([[0], roles[opening]])
    blocks = (of_elements & _BLOCK) != 0
    links = np.flatnonzero(of_elements & _LINK)
    linked = np.bincount(links, minlength=len(begins) + 1)
    linked -= np.bincount(nesting.last_below[links] + 1, minlength=len(begins) + 1)

    # What a text has before it: ends of blocks, and line breaks.
    crossed = np.zeros(len(tags) + 1, np.int64)
    crossed[:-1] = (roles & _BLOCK) != 0
    crossed[ends[blocks]] = 1
    crossed = np.cumsum(crossed)
    broken = np.cumsum((roles & _BREAK) != 0)
    pieces, at = _pieces(texts, crossed)
    fresh = np.diff(crossed[at], prepend=-1) > 0
    breaks = np.where(fresh, 0, np.minimum(np.diff(broken[at], prepend=0), 2))

    around = nesting.around(at)
    elements = np.concatenate([[len(names)], kinds[opening]])
    names.append("#")
    attributes.append("")
    return Outline(
        tags=list(map(names.__getitem__, elements.tolist())),
        attributes=list(map(attributes.__getitem__, elements.tolist())),
        kinds=elements,
        parents=nesting.parents,
        links=np.cumsum(linked[:-1]) > 0,
        first_piece=at.searchsorted(begins),
        last_piece=at.searchsorted(ends),
        pieces=pieces,
        sizes=np.fromiter(map(len, pieces), np.float64, len(pieces)),
        piece_elements=around,
        piece_blocks=np.cumsum(fresh) - 1,
        block_elements=nearest(blocks, nesting.parents)[around[fresh]],
        breaks=breaks.tolist(),
        depths=nesting.depths,
        last_below=nesting.last_below,
        headings=(of_elements & _HEADING) != 0,
        truncated=truncated,
    )


def _told_apart(tags: Sequence[str]) -> tuple[Ints, list[str], list[str]]:
    """Number of each tag among the different ones; names and attributes of those, none of what is no tag."""
    numbers: dict[str, int] = collections.defaultdict(itertools.count().__next__)
    kinds = np.fromiter(map(numbers.__getitem__, tags), np.int64, len(tags))
    named = [_name_and_attributes(tag) for tag in numbers]
    return kinds, [name for name, _ in named], [attributes for _, attributes in named]


def _name_and_attributes(tag: str) -> tuple[str, str]:
    """Of a tag without its "<"; nothing of what is no tag."""
    if tag.endswith(">") and "a" <= tag[0] <= "z":  # as nearly all are; an expression takes longer
        name, space, attributes = tag[:-1].partition(" ")
        if name.isascii() and name.isalnum():
            return name, space + attributes
    match = _NAMED.fullmatch(tag)
    return (match[1], match[2]) if match else ("", "")


def _pieces(texts: Sequence[str], crossed: Ints) -> tuple[list[str], Ints]:
    """The texts that are not blank, and the tag before each.

    White space between a piece and the next end of a block goes with the piece.

    Args:
        texts: what stands behind each tag.
        crossed: ends of blocks up to each tag.
    """
    filled = list(itertools.compress(range(len(texts)), map(str.strip, texts)))
    pieces = [texts[tag] for tag in filled]
    at = np.array(filled, np.int64)
    if filled:
        behind = np.arange(filled[0] + 1, len(texts))
        owners = at.searchsorted(behind, side="right") - 1
        same = (crossed[behind] == crossed[at[owners]]) & (behind != at[owners])
        for tag, owner in zip(behind[same].tolist(), owners[same].tolist(), strict=True):
            if texts[tag]:
                pieces[owner] += "\n" if "\n" in texts[tag] else " "
    return [html_entities.unescape(piece) if "&" in piece else piece for piece in pieces], at


def _role(name: str) -> int:
    """What a tag does, as bits; the name of an end tag begins with a slash."""
    if name in _ROLES:
        return _ROLES[name]
    if name[0] == "/":
        return _CLOSES
    return 0 if name[0] == "!" else _OPENS | _BLOCK


def enclosing(outline: Outline, name: str) -> Ints:
    """Number of the nearest element of that name around each block, its own included; -1 if none."""
    named = np.fromiter((tag == name for tag in outline.tags), np.bool_, len(outline.tags))
    found = nearest(named, outline.parents)[outline.block_elements]
    return np.where(found > 0, found, -1)

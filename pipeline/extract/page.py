"""One HTML page: its text, and its tree, which is parsed once for everybody who needs it.

What an engine or a pre-screen does with the tree belongs into its own module.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from lxml import etree
from lxml import html as lxml_html

if TYPE_CHECKING:
    from lxml.html import HtmlElement

__all__ = ["MAX_DEPTH", "Page", "parse_html", "plain_lookup", "shallow_part"]

# Browsers stop at 512. The time that lexbor and resiliparse take grows with the square of the depth.
MAX_DEPTH = 5_000
# Tags that change the depth: not those that stand alone, or end where the next begins.
_NESTING = re.compile(
    r"<(/?)(?!(?:area|br|col|dd|dt|hr|img|input|li|link|meta|option|p|source|t[dhr]|wbr)\b)[a-z]",
    re.IGNORECASE,
)


class Page:
    """A decoded page.

    Args:
        html: the page as text.
        url: where it came from, possibly empty.
    """

    def __init__(self, html: str, url: str = ""):
        self.html = html
        self.url = url

    @functools.cached_property
    def tree(self) -> HtmlElement | None:
        """The parsed page, or None if it is no HTML. Shared: an engine that edits it copies it."""
        return parse_html(self.html)


def shallow_part(html: str) -> str:
    """The page up to where its elements are nested deeper than `MAX_DEPTH`; all of it if nowhere."""
    if len(html) <= 3 * MAX_DEPTH or html.count("<") - html.count("</") <= MAX_DEPTH:
        return html
    depth = 0
    for tag in _NESTING.finditer(html):
        depth += -1 if tag[1] else 1
        if depth > MAX_DEPTH:
            return html[: tag.start()]
    return html


def plain_lookup() -> etree.ElementDefaultClassLookup:
    """One class for all elements.

    lxml.html chooses a class for each element by its name (form, input, select …), in Python,
    every time that a proxy is made for it. With this lookup nothing is chosen.
    """
    return etree.ElementDefaultClassLookup(
        element=lxml_html.HtmlElement,
        comment=lxml_html.HtmlComment,
        pi=lxml_html.HtmlProcessingInstruction,
        entity=lxml_html.HtmlEntity,
    )


def _parser() -> etree.HTMLParser:
    parser = etree.HTMLParser(
        collect_ids=False,
        default_doctype=False,
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
    )
    parser.set_element_class_lookup(plain_lookup())
    return parser


_PARSER = _parser()

# Twice as fast as a search with the expression below, and most pages have none.
_CONTROLS = [*map(chr, (*range(9), 11, 12, *range(14, 32))), "\ufffe", "\uffff"]
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SLASHED_DOCTYPE = re.compile(r"^< ?! ?DOCTYPE[^>]*/[^<>]*>", re.IGNORECASE)
_SELF_CLOSED_ROOT = re.compile(r"(<html.*?)\s*/>", re.IGNORECASE)


def parse_html(html: str) -> HtmlElement | None:
    """The tree of a page, as ``trafilatura.utils.load_html`` (2.3) builds it, node for node.

    Returns:
        The root element, or None where the text is empty or no HTML at all.
    """
    opening = html[:50].lower()
    if any(control in html for control in _CONTROLS):
        html = _CONTROL_CHARACTERS.sub("", html)
    if "doctype" in opening:
        # libxml2 mistakes a slash in the document type for the end of the document.
        first, _, rest = html.partition("\n")
        html = _SLASHED_DOCTYPE.sub("", first, count=1) + "\n" + rest
    for line in html[:4096].splitlines()[:4]:
        if "<html" in line and line.endswith("/>"):
            html = _SELF_CLOSED_ROOT.sub(r"\1>", html, count=1)
            break
    tree: HtmlElement | None = None
    try:
        tree = lxml_html.fromstring(html, parser=_PARSER)
    except ValueError:  # text with an XML encoding declaration, which only bytes may carry
        return _plausible(_parse_bytes(html), opening)
    except etree.LxmlError:
        tree = None
    if tree is None or len(tree) < 1:
        tree = _parse_bytes(html)
    return _plausible(tree, opening)


def _parse_bytes(html: str) -> HtmlElement | None:
    try:
        return lxml_html.fromstring(html.encode("utf-8", "surrogatepass"), parser=_PARSER)
    except etree.LxmlError:
        return None


def _plausible(tree: HtmlElement | None, opening: str) -> HtmlElement | None:
    if tree is not None and "html" not in opening and len(tree) < 2:
        return None
    return tree

"""A page is parsed as trafilatura parses it, once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from trafilatura.utils import load_html

from pipeline.extract.page import Page, parse_html

PAGES = [
    "<!DOCTYPE html><html><head><title>t</title></head><body><p>a</p></body></html>",
    "<html><body><form><input name='a'><select><option>b</option></select></form></body></html>",
    "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0//EN' 'http://x.test/a' /><html><p>a</p></html>",
    "<html lang='en'/>\n<body><p>text</p></body>",
    "<?xml version='1.0' encoding='iso-8859-1'?>\n<html><body><p>é</p></body></html>",
    "<p>one</p>",
    "<p>one</p><p>two</p>",
    "<div>no root</div> tail",
    "text only",
    "",
    "   ",
    "\x00\x01",
    "<html><body>a\x00b\x0bc\ufffe</body></html>",
    "<html><body><!-- comment --><?pi x?><p>a</p></body></html>",
    "<html><body><svg:rect/><o:p>x</o:p></body></html>",
    "<html></html>",
    "<body><p>a</body><body><p>b</body>",
    "<html><body>&#0; &#xD800; &nbsp; &unknown;</body></html>",
]


def as_text(tree: etree._Element | None) -> str | None:
    return None if tree is None else etree.tostring(tree, encoding="unicode")


@pytest.mark.parametrize("html", PAGES)
def test_parses_as_trafilatura_does(html: str) -> None:
    assert as_text(parse_html(html)) == as_text(load_html(html))


PIECES = (
    *("<html>", "<html/>", "<body>", "<p>", "</p>", "<div class='a'>", "</div>", "<br/>"),
    *("<!DOCTYPE html>", "<!-- -->", "<table><td>", "<", "]]>", "&amp;"),
    *("a", "é", "日本", "\x00", "\n"),
)
MARKUP = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(MARKUP)
def test_parses_odd_markup_as_trafilatura_does(html: str) -> None:
    assert as_text(parse_html(html)) == as_text(load_html(html))


@given(st.text())
def test_any_text_is_parsed_or_refused(html: str) -> None:
    tree = parse_html(html)
    assert tree is None or isinstance(tree.tag, str)


def test_the_tree_is_parsed_once() -> None:
    page = Page(PAGES[0])
    assert page.tree is page.tree


def test_every_element_is_of_one_class() -> None:
    tree = parse_html(PAGES[1])
    assert tree is not None
    assert {type(element).__name__ for element in tree.iter()} == {"HtmlElement"}

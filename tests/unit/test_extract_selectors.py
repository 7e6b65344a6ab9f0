"""A selector finds what XPath finds, element for element, or does not exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from trafilatura import settings, xpaths

from pipeline.extract.page import parse_html
from pipeline.extract.selectors import compile_selector

REGEXPS = {"re": "http://exslt.org/regular-expressions"}

TAKEN_OVER = [
    ".//header",
    ".//cite|.//quote",
    "(.//article)[1]",
    ".//div[@hidden]",
    ".//*[@class='a' or @id = \"b\"]",
    ".//*[self::div or self::p][@class='a b']",
    ".//*[self::div or self::p][contains(@class, 'a')][1]",
    "(.//*[self::div or self::p][contains(@id, 'a') or starts-with(@class, 'b')])[1]",
    ".//*[contains(translate(@class, 'AB', 'ab'), 'ab')]",
    ".//*[contains(@class|@id, 'a')]",
    ".//*[starts-with(@id|@class, 'a') or re:test(@id|@style, 'b$')]",
    ".//*[re:test(@class, '^a|b (?=a)') or re:test(@id, 'A', 'i')]",
    ".//*[self::div][re:test(@class, 'a')][not(.//p) or @id='b']",
    ".//p|.//div[contains(@class, 'a')]|.//*[@id='a']",
    ".//*[contains(@class, 'or') or @id='a|b' or @title='[x]']",
]

LEFT_TO_XPATH = [
    "//div",
    "div",
    ".//div/p",
    ".//div[p]",
    ".//div[2]",
    ".//div[last()]",
    ".//*[@class='a' and @id='b']",
    ".//*[self::div][@class='a'][position()=1]",
    ".//*[self::div][@class='a'][count(.//p)]",
    ".//*[contains(., 'a')]",
    ".//*[re:test(@class, 'a*')]",
    ".//*[not(@class)]",
    "(.//article)[2]",
    "(.//div)[1]|(.//main)[1]",
    "(.//div[@id='a'][1])[1]",
    ".//*[starts-with(@class, '')]",
]

WORDS = st.lists(st.sampled_from(["a", "b", "A", "ab", "or", "|", "x"]), max_size=3).map(" ".join)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["class", "id", "style", "title", "hidden"]), WORDS, max_size=4
)
TAGS = st.sampled_from(["div", "p", "article", "header", "cite", "quote", "main"])


@st.composite
def trees(draw: st.DrawFn) -> etree._Element:
    root = etree.Element("div", draw(ATTRIBUTES))
    elements = [root]
    for _ in range(draw(st.integers(0, 12))):
        parent = draw(st.sampled_from(elements))
        elements.append(etree.SubElement(parent, draw(TAGS), draw(ATTRIBUTES)))
    if draw(st.booleans()):
        root.append(etree.Comment("class='a'"))
    return root


@pytest.mark.parametrize("path", TAKEN_OVER)
@given(tree=trees())
def test_finds_what_xpath_finds(path: str, tree: etree._Element) -> None:
    selector = compile_selector(path)
    assert selector is not None
    expected = etree.XPath(path, namespaces=REGEXPS)
    for element in tree.iter("*"):
        assert selector(element) == expected(element)


@pytest.mark.parametrize("path", LEFT_TO_XPATH)
def test_leaves_the_rest_to_xpath(path: str) -> None:
    assert compile_selector(path) is None


def test_the_order_of_attributes_counts_where_xpath_counts_it() -> None:
    selector = compile_selector(".//*[contains(@class|@id, 'a')]")
    assert selector is not None
    tree = parse_html(
        "<html><body><p id='b' class='a'>1</p><p class='a' id='b'>2</p></body></html>"
    )
    assert tree is not None
    assert [element.text for element in selector(tree)] == ["2"]


def test_takes_over_what_trafilatura_spends_its_time_in() -> None:
    for name in (
        "OVERALL_DISCARD_XPATH",
        "RAW_TREE_PRUNE_XPATH",
        "REMOVE_COMMENTS_XPATH",
        "REMOVE_COMMENTS_AND_LISTS_XPATH",
        "TEASER_DISCARD_XPATH",
        "PRECISION_DISCARD_XPATH",
        "DISCARD_IMAGE_ELEMENTS",
    ):
        for expression in getattr(xpaths, name):
            assert compile_selector(expression.path) is not None, expression.path
    assert compile_selector(settings.BASIC_CLEAN_XPATH.path) is not None
    assert [compile_selector(one.path) is not None for one in xpaths.BODY_XPATH][:4] == [True] * 4


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.extract.selectors._REMEMBERED", 3)
    selector = compile_selector(".//*[contains(@id, '7')]")
    assert selector is not None
    root = etree.Element("div")
    for number in range(100):
        etree.SubElement(root, "p", {"id": str(number)})
    found = [element.get("id") for element in selector(root)]
    assert found == [str(number) for number in range(100) if "7" in str(number)]

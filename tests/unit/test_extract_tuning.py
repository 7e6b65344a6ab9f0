"""The child's tuned trafilatura gives what the untouched one in this process gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import trafilatura
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.records import Locator, RawRecord
from pipeline.extract import Extraction, ExtractWorker

SENTENCE = "the mill by the river has ground corn for the four villages since it was built "
NAMES = (
    *("post", "content", "entry-content", "article-body", "main-content", "story-body", "text"),
    *("comments", "comment-list", "sidebar", "footer", "nav", "share-buttons", "related", "menu"),
    *("cookie-banner", "teaser", "hidden", "widget", "author", "tags", "infinite-scroll", "link"),
)
TAGS = ("div", "section", "article", "main", "aside", "ul", "table", "form", "span", "details")
ATTRIBUTES = ("class='{}'", "id='{}'", "id='{0}-1' class='x {0}'", "class='{} y' id='top'", "")

text = st.integers(1, 60).map(lambda count: " ".join((SENTENCE * 5).split()[:count]) + ".")
leaf = st.one_of(
    text.map("<p>{}</p>".format),
    text.map("<p><b>{}</b> and <a href='/x'>more</a></p>".format),
    text.map("<h2>{}</h2>".format),
    text.map("<li><a href='/y'>{}</a></li>".format),
    text.map("<tr><td>{}</td></tr>".format),
    text.map("<blockquote>{}</blockquote>".format),
    text,
)


def wrap(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, form, name, inner: f"<{tag} {form.format(name)}>{''.join(inner)}</{tag}>",
        st.sampled_from(TAGS),
        st.sampled_from(ATTRIBUTES),
        st.sampled_from(NAMES),
        st.lists(children, min_size=1, max_size=5),
    )


blocks = st.recursive(leaf, wrap, max_leaves=25)
pages = st.lists(blocks, min_size=1, max_size=6).map(
    lambda parts: f"<html><head><title>Mill</title></head><body>{''.join(parts)}</body></html>"
)


@pytest.fixture(scope="module", params=["balanced", "precision", "recall", "fast"])
def worker(request: pytest.FixtureRequest) -> Iterator[tuple[ExtractWorker, dict[str, Any]]]:
    engine = "trafilatura-fast" if request.param == "fast" else "trafilatura"
    favor = f"favor_{request.param}"
    options = {favor: True} if request.param in ("precision", "recall") else {}
    plain = {"fast": True} if request.param == "fast" else options
    with ExtractWorker(Extraction(engine, options)) as started:
        yield started, plain


@settings(max_examples=60, deadline=None)
@given(page=pages)
def test_texts_are_the_same(worker: tuple[ExtractWorker, dict[str, Any]], page: str) -> None:
    tuned, plain = worker
    record = RawRecord("id", "", Locator("a", 0, 1), page.encode())
    assert tuned.extract(record).text == trafilatura.extract(page, include_comments=False, **plain)

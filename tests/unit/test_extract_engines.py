"""Engines: options, parameters, and texts that depend on nothing but the page."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import trafilatura

from pipeline.core.errors import ConfigError, PluginError
from pipeline.extract import ENGINES, Page, Resiliparse, Trafilatura, TrafilaturaFast
from pipeline.extract.html import make_engine
from pipeline.extract.page import MAX_DEPTH

PAGE = """<!DOCTYPE html><html><head><title>Mill</title></head><body>
<nav><a href="/">Home</a> <a href="/a">About</a></nav>
<article><h1>The mill</h1>
<p>The mill stands by the river, and it has ground the corn of four villages since anyone can
remember. Its wheel turns slowly in summer and fast in spring.</p>
<p>When the water is low the miller repairs the stones, one after the other, by hand.</p>
<ul><li>oats in autumn, when the fields are empty</li><li>wheat in late summer</li></ul>
<table><tr><td>sacks ground in a day</td><td>twelve</td></tr></table>
</article>
<div id="comments"><p>I have been there last year and it was closed for the whole of May.</p></div>
<footer>All rights reserved</footer></body></html>"""


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        (Trafilatura(), {"include_comments": False}),
        (Trafilatura(include_comments=True), {}),
        (Trafilatura(favor_precision=True), {"include_comments": False, "favor_precision": True}),
        (Trafilatura(favor_recall=True), {"include_comments": False, "favor_recall": True}),
        (Trafilatura(include_tables=False), {"include_comments": False, "include_tables": False}),
        (TrafilaturaFast(), {"include_comments": False, "fast": True}),
    ],
)
def test_options_mean_what_they_mean_to_trafilatura(
    engine: Trafilatura, options: dict[str, Any]
) -> None:
    assert engine.extract(Page(PAGE)) == trafilatura.extract(PAGE, **options)


def test_deduplication_ends_with_the_page() -> None:
    repeated = "The very same paragraph, which is long enough to be looked at, stands here. " * 3
    page = f"<html><body><article>{f'<p>{repeated}</p>' * 6}<p>Another.</p></article></body></html>"
    engine = Trafilatura(deduplicate=True)
    texts = {engine.extract(Page(page)) for _ in range(5)}
    assert len(texts) == 1
    assert engine.extract(Page(PAGE)) == engine.extract(Page(PAGE)) != ""


@pytest.mark.parametrize("main_content", [True, False])
def test_resiliparse_is_spared_what_is_nested_too_deep(main_content: bool) -> None:
    engine = Resiliparse(main_content=main_content)
    before = "<p>The mill stands by the river, and it grinds the corn of four villages.</p>"
    low, deep = (
        before + "<div>" * depth + "<p>Far down, where nobody reads it.</p>" + "</div>" * depth
        for depth in (MAX_DEPTH - 1, MAX_DEPTH + 1)
    )
    assert engine.extract(Page(deep)) == engine.extract(Page(before)) != ""
    if not main_content:
        assert "Far down" in engine.extract(Page(low))


def test_the_page_s_tree_is_left_as_it_was() -> None:
    page = Page(PAGE)
    assert Trafilatura().extract(page) == Trafilatura().extract(page)
    assert Trafilatura(favor_precision=True).extract(page) == Trafilatura(
        favor_precision=True
    ).extract(Page(PAGE))


def test_resiliparse_extracts_main_content_or_everything() -> None:
    main = Resiliparse().extract(Page(PAGE))
    everything = Resiliparse(main_content=False).extract(Page(PAGE))
    assert "four villages" in main
    assert "All rights reserved" not in main
    assert "All rights reserved" in everything


@pytest.mark.parametrize("name", ["trafilatura", "trafilatura-fast", "resiliparse", "blocks"])
@pytest.mark.parametrize("html", ["", " ", "words", "<p>", "<html></html>", "\x00"])
def test_there_is_always_a_text(name: str, html: str) -> None:
    assert isinstance(make_engine(name).extract(Page(html)), str)


def test_engines_by_name() -> None:
    assert ENGINES.names()[:4] == ["trafilatura", "trafilatura-fast", "resiliparse", "blocks"]
    assert make_engine("trafilatura", {"favor_recall": True}) == Trafilatura(favor_recall=True)
    assert make_engine("pipeline.extract.html:Resiliparse") == Resiliparse()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("trafilatura", {"favour_precision": True}, "did you mean 'favor_precision'"),
        ("trafilatura", {"favor_precision": "yes"}, "true or false"),
        ("trafilatura", {"favor_precision": True, "favor_recall": True}, "exclude each other"),
        ("trafiltura", {}, "did you mean 'trafilatura'"),
        ("pipeline.extract.html:Nothing", {}, "failed to load"),
        ("nowhere:Nothing", {}, "failed to load"),
        ("pipeline.extract.page:Page", {}, r"is not a pipeline\.extract\.Engine"),
    ],
)
def test_what_is_wrong_with_an_engine_is_said(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((ConfigError, PluginError), match=message):
        make_engine(name, options)


def test_parameters_name_all_the_text_depends_on() -> None:
    parameters = Trafilatura().parameters()
    assert parameters["engine"] == "trafilatura"
    assert parameters["libraries"]["trafilatura"] == trafilatura.__version__
    assert parameters["options"]["include_comments"] is False
    assert parameters != Trafilatura(include_comments=True).parameters()
    assert parameters != TrafilaturaFast().parameters()


def test_an_engine_that_has_worked_travels_light() -> None:
    engine = Trafilatura()
    engine.extract(Page(PAGE))
    assert len(pickle.dumps(engine)) < 300
    assert pickle.loads(pickle.dumps(engine)) == engine

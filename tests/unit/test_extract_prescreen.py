"""The pre-screen: what it looks at, and that it lets through what it cannot judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.extract import Page, Prescreen
from pipeline.extract.prescreen import visible_text

ENGLISH = "The mill stands by the river and has ground the corn of four villages for years."
GERMAN = "Die Mühle steht am Fluss und mahlt seit vielen Jahren das Korn von vier Dörfern."


def page(body: str) -> Page:
    return Page(f"<html><head><title>Titel der Seite</title></head><body>{body}</body></html>")


def test_reads_what_is_seen() -> None:
    found = visible_text(
        page("<p>a<script>x</script>b <b>c</b></p><style>y</style>d<noscript>z</noscript>e"), 100
    )
    assert found == "a b c d e"


def test_sentences_come_first_and_labels_only_where_there_is_little_else() -> None:
    menu = "<a>Home</a><a>About us</a>"
    assert visible_text(page(f"{menu}<p>{ENGLISH}</p>"), 500) == f"{ENGLISH} Home About us"
    assert visible_text(page(f"{menu}<p>{ENGLISH}</p>" * 3), 500) == " ".join([ENGLISH] * 3)


def test_reads_no_more_than_asked_for() -> None:
    assert visible_text(page(f"<p>{ENGLISH}</p>" * 9), 100) == f"{ENGLISH} {ENGLISH}"[:100]


@given(st.text(max_size=200), st.integers(1, 50))
def test_any_page_has_a_bounded_visible_text(html: str, characters: int) -> None:
    assert len(visible_text(Page(html), characters)) <= characters


def test_keeps_a_wanted_language_and_drops_others() -> None:
    english = Prescreen(("en",))
    kept = english.screen(page(f"<p>{ENGLISH}</p>"))
    assert kept.verdict is None
    assert float(kept.signals["prescreen.score"]) > 0.5
    assert kept.signals["prescreen.language"] == "en"

    dropped = english.screen(page(f"<p>{GERMAN}</p>")).verdict
    assert dropped is not None
    assert (dropped.keep, dropped.reason, dropped.bound) == (False, "prescreen.score.low", 0.01)
    assert dropped.value is not None
    assert dropped.value < 0.01
    assert dropped.detail == "de"

    assert Prescreen(("en", "de")).screen(page(f"<p>{GERMAN}</p>")).verdict is None


def test_a_menu_in_another_language_hides_no_article() -> None:
    menu = "".join(f"<li>{word}</li>" for word in GERMAN.split()) * 20
    assert Prescreen(("en",)).screen(page(f"<ul>{menu}</ul><p>{ENGLISH * 3}</p>")).verdict is None


@pytest.mark.parametrize(
    "html", ["", "<html></html>", "<html><body><script>x</script></body></html>"]
)
def test_a_page_without_text_passes(html: str) -> None:
    screening = Prescreen(("en",)).screen(Page(html))
    assert (screening.signals, screening.verdict) == ({}, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"languages": ()}, "names no language"),
        ({"languages": ("en",), "min_score": 1.5}, "no probability"),
        ({"languages": ("en",), "characters": 0}, "at least 1"),
    ],
)
def test_impossible_settings_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Prescreen(**arguments)  # type: ignore[arg-type]

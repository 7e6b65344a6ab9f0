"""A model card as a page, and its pictures: what they say, and that odd names break neither."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import lxml.etree
import numpy as np
import pytest
import toy_classifiers as toys

from classifiers.calibrate import Threshold
from classifiers.card import CARD, Card
from classifiers.evaluate import evaluate, proportion
from pipeline.reports.model_card import PRECISION_RECALL, RELIABILITY, model_card
from pipeline.reports.plots import precision_recall_plot, reliability_plot

SVG = "{http://www.w3.org/2000/svg}"
SCORES = np.array([0.95, 0.9, 0.85, 0.6, 0.45, 0.4, 0.15, 0.05] * 5)
TRUTH = np.array([1, 1, 0, 1, 0, 0, 0, 0] * 5, bool)
FOUND = evaluate(SCORES, TRUTH, threshold=0.5, slices={"kind": ["page"] * 40}).to_json()
NOTHING = evaluate(SCORES, TRUTH & False, threshold=0.99, slices={"kind": ["page"] * 40}).to_json()


@pytest.fixture
def card() -> Card:
    return Card.read(toys.binary() / CARD)


def tables(page: str) -> list[list[str]]:
    """The rows of each table."""
    found: list[list[str]] = []
    for block in page.split("\n\n"):
        rows = [line for line in block.split("\n") if line.startswith("|")]
        if rows:
            found.append(rows)
    return found


def cells(row: str) -> list[str]:
    return re.split(r"(?<!\\)\|", row)[1:-1]


# --- the page ----------------------------------------------------------------------------------


def test_the_page_lies_beside_the_model_as_the_card_makes_it(card: Card) -> None:
    page = (toys.binary() / "README.md").read_text(encoding="utf-8")
    assert page == model_card(card)
    assert page.endswith("\n")
    assert not page.endswith("\n\n\n")


def test_the_page_says_what_a_user_asks(card: Card) -> None:
    page = model_card(dataclasses.replace(card, known_failures=("Irony.", "Long texts.")))
    test = card.metrics["test"]
    for words in (
        "# toy\n",
        f"`model.ftz`, {card.bytes:,} bytes, sha256 `{card.sha256}`",
        "- Score: P(mill)",
        "- Licence: CC0",
        "`precision=0.8` (default)",
        "`recall=0.9` |",
        "development part, 60 texts",
        f"{test['texts']} texts, {test['positives']} of them positive.",
        f"| area under the ROC curve | {test['auc']['value']:.3f} (",
        f"![Reliability]({RELIABILITY}) ![Precision and recall]({PRECISION_RECALL})",
        "| kind | page |",
        "| language | en |",
        "| toys | CC0 |",
        "- sides.train.labels.mill: 40",
        "- word_ngrams: 2",
        "- seed: 0",
        "Weights compressed: kept: ",
        "AUC before: ",
        "## Known failures\n\n- Irony.\n- Long texts.\n",
    ):
        assert words in page, words
    assert page.index("## Thresholds") < page.index("## Known failures") < page.index("## How good")


def test_every_row_of_a_table_has_its_columns(card: Card) -> None:
    for page in (model_card(card), model_card(Card.read(toys.ternary() / CARD))):
        found = tables(page)
        assert found
        for rows in found:
            assert len({len(cells(row)) for row in rows}) == 1


def test_odd_names_break_no_table(card: Card) -> None:
    odd = "a|b\nc `d` <script>"
    slices = [
        {**FOUND["slices"][0], "slice": odd, "value": odd},
        {**FOUND["slices"][0], "value": ""},
    ]
    page = model_card(
        dataclasses.replace(
            card,
            metrics={"test": {**FOUND, "slices": slices}},
            data=({"name": odd, "licence": "", "rows": 1234}, {"name": "b", "url": odd}),
        )
    )
    for rows in tables(page):
        assert len({len(cells(row)) for row in rows}) == 1
    assert "a\\|b c `d`" in page
    assert "| a\\|b c `d` <script> | · | 1,234 | · |" in page


def test_figures_that_there_are_none_of_are_dots(card: Card) -> None:
    page = model_card(dataclasses.replace(card, metrics={"test": NOTHING}))
    assert "nan" not in page.lower()
    assert "None" not in page
    assert "| area under the ROC curve | · |" in page
    assert "| recall at threshold 0.99 | · |" in page


def test_every_part_is_told_and_only_the_test_part_has_pictures(card: Card) -> None:
    page = model_card(dataclasses.replace(card, metrics={"test": FOUND, "autumn": FOUND}))
    assert page.count("## How good it is:") == 2
    assert page.count("![Reliability]") == 1
    assert "## How good it is: autumn" in page


def test_a_model_of_many_labels_is_told_by_label() -> None:
    page = model_card(Card.read(toys.ternary() / CARD))
    assert "## Thresholds" not in page
    assert "![Reliability]" not in page
    assert "of them get their label." in page
    assert "| `chess` | 25 |" in page


def test_a_bare_card_is_a_page() -> None:
    bare = Card(
        name="bare", description="D.", file="m.bin", sha256="0" * 64, bytes=1, labels=("a", "b"),
        positive=(), normalise="none", settings={},
    )  # fmt: skip
    page = model_card(bare)
    assert page.startswith("# bare\n\nD.\n\n- File: `m.bin`, 1 bytes")
    assert "Licence" not in page


def test_a_sure_threshold_says_so_and_a_search_is_told(card: Card) -> None:
    sure = Threshold("share=0.1", 0.5, proportion(1, 10), True, "10 texts")
    page = model_card(
        dataclasses.replace(
            card,
            thresholds=(sure,),
            default="",
            search={"trials": 3, "budget": {"trials": 3, "minutes": None}, "best": None},
        )
    )
    assert "| `share=0.1` | 0.5 | 0.100 (" in page
    assert "10 texts, the whole interval |" in page
    assert "Search: trials: 3; budget.trials: 3" in page


# --- pictures ----------------------------------------------------------------------------------


def parsed(svg: str) -> Any:
    return lxml.etree.fromstring(svg.encode(), lxml.etree.XMLParser(resolve_entities=False))


def inside(root: Any) -> None:
    """Every coordinate is a number on the paper."""
    for element in root.iter():
        for name in ("x", "y", "x1", "y1", "x2", "y2", "cx", "cy"):
            if (value := element.get(name)) is not None:
                assert math.isfinite(float(value))
                assert -1 <= float(value) <= 521
        for pair in (element.get("points") or "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= 520
            assert 0 <= y <= 460


@pytest.mark.parametrize("plot", [reliability_plot, precision_recall_plot])
@pytest.mark.parametrize("found", [FOUND, NOTHING])
def test_pictures_are_whole_xml_that_needs_nothing_else(plot: Any, found: dict[str, Any]) -> None:
    svg = plot("toy", found)
    assert svg == plot("toy", found)
    root = parsed(svg)
    assert root.tag == f"{SVG}svg"
    inside(root)
    for loading in ("href", "url(", "@import", "<script", "<image"):
        assert loading not in svg
    assert root.get("role") == "img"
    assert "toy" in root.findtext(f"{SVG}title")


@pytest.mark.parametrize("plot", [reliability_plot, precision_recall_plot])
def test_an_odd_name_is_escaped(plot: Any) -> None:
    name = "</title><script>alert(1)</script>&\"'"
    root = parsed(plot(name, FOUND))
    assert name in root.findtext(f"{SVG}title")
    assert not list(root.iter(f"{SVG}script"))


def test_the_reliability_picture_has_a_dot_and_a_bar_for_each_bin() -> None:
    root = parsed(reliability_plot("toy", FOUND))
    dots = [one for one in root.iter(f"{SVG}circle") if one.get("class") == "dot"]
    assert len(dots) == len(FOUND["reliability"])
    bars = [one for one in root.iter(f"{SVG}line") if one.get("class") == "bar"]
    for dot, bar, one in zip(dots, bars, FOUND["reliability"], strict=True):
        x, y = float(dot.get("cx")), float(dot.get("cy"))
        assert x == pytest.approx(64 + one["score"] * 424, abs=0.06)
        assert y == pytest.approx(392 - one["positive"]["value"] * 336, abs=0.06)
        assert float(bar.get("y1")) >= y >= float(bar.get("y2"))
        assert f"{one['positive']['n']:,} texts" in dot.findtext(f"{SVG}title")


def test_the_curve_goes_through_its_points_and_the_threshold_is_marked() -> None:
    root = parsed(precision_recall_plot("toy", FOUND))
    [line] = [one for one in root.iter(f"{SVG}polyline") if one.get("class") == "line"]
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
    assert len(points) == len(FOUND["curve"])
    for (x, y), (_, precision, recall) in zip(points, FOUND["curve"], strict=True):
        assert x == pytest.approx(64 + recall * 424, abs=0.06)
        assert y == pytest.approx(392 - precision * 336, abs=0.06)
    [mark] = [one for one in root.iter(f"{SVG}circle") if one.get("class") == "here"]
    assert float(mark.get("cx")) == pytest.approx(
        64 + FOUND["at"]["recall"]["value"] * 424, abs=0.06
    )
    assert "threshold 0.500: precision 0.750, recall 1.000" in "".join(root.itertext())


def test_without_a_threshold_or_a_positive_text_nothing_is_marked() -> None:
    for found in (evaluate(SCORES, TRUTH).to_json(), NOTHING):
        assert 'class="here"' not in precision_recall_plot("toy", found)
    assert 'class="line"' not in precision_recall_plot("toy", NOTHING)


def test_pictures_lie_beside_the_model(card: Card) -> None:
    for name, plot in ((RELIABILITY, reliability_plot), (PRECISION_RECALL, precision_recall_plot)):
        written = Path(toys.binary(), name).read_text(encoding="utf-8")
        assert written == plot(card.name, card.metrics["test"])

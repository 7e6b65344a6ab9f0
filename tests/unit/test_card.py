"""Model cards: what goes into a file comes out again, thresholds are found by target, no card is refused."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
import toy_classifiers as toys

from classifiers.calibrate import Threshold
from classifiers.card import CARD, Card
from classifiers.evaluate import Interval, proportion
from pipeline.core.errors import ConfigError, ModelError


def threshold(target: str, value: float = 0.5, **more: Any) -> Threshold:
    given = {"measured": proportion(9, 10), "sure": False, "data": "10 texts", **more}
    return Threshold(target, value, **given)


CARD_OF_ALL = Card(
    name="toy",
    description="Tells “mill” from spam.",
    file="model.ftz",
    sha256="ab" * 32,
    bytes=1234,
    labels=("mill", "spam"),
    positive=("mill",),
    normalise="words",
    settings={"dim": 4, "loss": "softmax"},
    licence="CC0",
    data=({"name": "a.jsonl", "licence": "CC0", "rows": 7}, {"name": "b.csv"}),
    account={"read": 9, "sides": {"train": {"rows": 7, "labels": {"mill": 3, "spam": 4}}}},
    metrics={"test": {"auc": proportion(0, 0).to_json(), "curve": [[0.5, 1.0, 0.25]]}},
    thresholds=(threshold("precision=0.9"), threshold("share=0.1", 0.25, sure=True)),
    default="precision=0.9",
    quantisation={"kept": 300, "AUC before": 0.9, "AUC after": None},
    search={"trials": 3, "budget": {"trials": 3, "minutes": None}},
    known_failures=("Long texts.", "Übermut."),
)
BARE = Card(
    name="bare", description="", file="m.bin", sha256="0" * 64, bytes=1, labels=("a", "b"),
    positive=(), normalise="none", settings={},
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / CARD


@pytest.mark.parametrize("card", [CARD_OF_ALL, BARE])
def test_a_card_comes_back_as_it_was(card: Card, path: Path) -> None:
    path.write_text(card.to_json(), encoding="utf-8")
    back = Card.read(path)
    assert back.to_json() == card.to_json()
    exact = dataclasses.replace(card, thresholds=back.thresholds)
    assert back == exact
    for one, other in zip(back.thresholds, card.thresholds, strict=True):
        assert dataclasses.replace(one, measured=other.measured) == other
        assert one.measured.value == pytest.approx(other.measured.value, abs=1e-6)


def test_the_text_is_plain_json_in_utf_8() -> None:
    text = CARD_OF_ALL.to_json()
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert data["format"] == 1
    assert "“mill”" in text
    assert text.endswith("}\n")
    assert text == CARD_OF_ALL.to_json()


def test_a_trained_card_holds_every_field_and_comes_back(path: Path) -> None:
    text = (toys.binary() / CARD).read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    path.write_text(text, encoding="utf-8")
    assert Card.read(path).to_json() == text
    fields = {field.name for field in dataclasses.fields(Card)}
    assert set(json.loads(text)) == fields | {"format"}


def test_a_threshold_without_a_measured_value_comes_back(path: Path) -> None:
    odd = threshold("share=0.1", measured=Interval(math.nan, math.nan, math.nan, 0))
    card = dataclasses.replace(BARE, thresholds=(odd,))
    path.write_text(card.to_json(), encoding="utf-8")
    assert math.isnan(Card.read(path).thresholds[0].measured.value)


# --- thresholds --------------------------------------------------------------------------------


def test_thresholds_are_found_by_any_spelling_of_the_target() -> None:
    assert CARD_OF_ALL.threshold().target == "precision=0.9"
    assert CARD_OF_ALL.threshold("precision=90%").threshold == 0.5
    assert CARD_OF_ALL.threshold("top=10%").threshold == 0.25


def test_a_target_without_a_threshold_names_those_there_are_and_the_mend() -> None:
    with pytest.raises(ConfigError) as caught:
        CARD_OF_ALL.threshold("precision=0.95")
    said = str(caught.value)
    assert "'toy' has no threshold for precision=0.95" in said
    assert "It has: precision=0.9, share=0.1." in said
    assert "gristmill classifier calibrate MODEL DATA --target precision=0.95" in said
    with pytest.raises(ConfigError, match=r"did you mean 'precision=0\.9'"):
        CARD_OF_ALL.threshold("precision=0.91")


def test_a_card_without_thresholds_names_the_mend() -> None:
    with pytest.raises(ConfigError, match="'bare' has no threshold; find one with: gristmill"):
        BARE.threshold()
    with pytest.raises(ConfigError, match=r"no threshold for recall=0\.5\. It has: none\."):
        BARE.threshold("recall=0.5")
    with pytest.raises(ConfigError, match="is not KIND=VALUE"):
        BARE.threshold("much")


def test_new_thresholds_take_the_place_of_those_for_their_targets() -> None:
    found = {one.target: one for one in (threshold("recall=0.9"), threshold("share=0.1", 0.75))}
    card = CARD_OF_ALL.with_thresholds(found)
    assert [(one.target, one.threshold) for one in card.thresholds] == [
        ("precision=0.9", 0.5),
        ("recall=0.9", 0.5),
        ("share=0.1", 0.75),
    ]
    assert card.default == "precision=0.9"
    assert CARD_OF_ALL.with_thresholds(found, "recall=0.9").default == "recall=0.9"
    assert BARE.with_thresholds(found).default == "recall=0.9"
    assert BARE.with_thresholds({}) == BARE
    assert len(CARD_OF_ALL.thresholds) == 2


# --- what is no card ---------------------------------------------------------------------------


def spoilt(**changes: Any) -> str:
    data = json.loads(CARD_OF_ALL.to_json())
    for name, value in changes.items():
        if value is ...:
            del data[name]
        else:
            data[name] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json",
        "[]",
        '"text"',
        "null",
        "{}",
        '{"format": 1}',
        spoilt(sha256=...),
        spoilt(sha256=None),
        spoilt(sha256=5),
        spoilt(file=7),
        spoilt(normalise=["words"]),
        spoilt(labels=None),
        spoilt(positive=["ham"]),
        spoilt(colour="blue"),
        spoilt(thresholds=[{"target": "share=0.1"}]),
        spoilt(thresholds={"a": 1}),
        spoilt(thresholds=[{**threshold("share=0.1").to_json(), "measured": {"value": "x"}}]),
    ],
)
def test_what_is_no_card_is_refused_by_name(content: str, path: Path) -> None:
    path.write_text(content)
    with pytest.raises(ModelError, match=r"card\.json: not a model card"):
        Card.read(path)


def test_bytes_that_are_no_text_are_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ModelError, match="not a model card"):
        Card.read(path)


def test_a_card_of_another_version_is_refused(path: Path) -> None:
    path.write_text(spoilt(format=2))
    with pytest.raises(ModelError, match="a model card of another version; train the model again"):
        Card.read(path)


def test_a_missing_card_is_named(path: Path) -> None:
    with pytest.raises(ModelError, match=r"card\.json: the card cannot be read \(No such file"):
        Card.read(path)

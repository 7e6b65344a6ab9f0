"""Criteria of prompts: every score can be taken apart, and none is length alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_sets import sets

from classifiers.evaluate import roc_auc
from pipeline.core.errors import ConfigError
from pipeline.prompts.scoring.criteria import (
    CRITERIA,
    CriteriaWeights,
    criterion_scores,
    prompt_criteria,
    shipped_weights,
)
from pipeline.prompts.scoring.prompt_signals import SIGNALS, prompt_signals
from pipeline.prompts.scoring.terms import common_words

HARD = (
    "I run a small web shop on PostgreSQL 14. This query takes 40 seconds because the planner does a "
    "sequential scan, although there is an index on orders.created_at. Explain why, and rewrite it so that "
    "it uses at most one scan:\n```sql\nSELECT * FROM orders WHERE date(created_at) = now();\n```"
)


def test_weights_of_a_criterion_add_up_to_one() -> None:
    for parts in CRITERIA.values():
        assert sum(parts.values()) == pytest.approx(1.0)
        assert set(parts) <= set(SIGNALS)


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        (
            "specificity",
            "List exactly 5 names in a table, each under 10 characters, without numbers.",
            "Tell me something about names, whatever you like to tell me.",
        ),
        (
            "domain_knowledge",
            "How does the mitochondrial enzyme affect glucose metabolism in diabetes?",
            "How does the big house look from the other side of the road?",
        ),
        (
            "complexity",
            "If it rains, take the bus, but when it is full, walk, unless you must carry at least 2 bags.",
            "Name the colours of the flag of the country that lies to the north of here.",
        ),
        (
            "problem_solving",
            "My loop never ends. Find the bug, explain why it fails and fix it.",
            "My house is blue. Tell me the colour of the house of my friend.",
        ),
        (
            "creativity",
            "Write a humorous story about a robot who writes poems, in the style of a fairy tale.",
            "Say at what time the train to the city leaves on the first day of the week.",
        ),
        (
            "technical_accuracy",
            "Write a Python function that parses a JSON array and returns the sum: f(x) = x + 1",
            "Write a short note that thanks my neighbour for the nice cake: it was good",
        ),
        (
            "real_world",
            "I manage a warehouse and our customers complain. Draft an email to my team for the meeting.",
            "A dragon sleeps under the hill while the moon shines and the river sings to it.",
        ),
    ],
)
def test_each_criterion_has_its_signs(name: str, more: str, less: str) -> None:
    assert getattr(prompt_criteria(more), name) > getattr(prompt_criteria(less), name) + 0.1


def test_a_hard_prompt_beats_long_small_talk() -> None:
    talk = (
        "Well, it was a nice day and we had a nice time and then it was late and we went home. " * 8
    )
    assert prompt_criteria(HARD).quality > 0.6 > prompt_criteria(talk).quality
    assert prompt_criteria(HARD).met() >= 2


def test_quality_is_what_the_scores_and_weights_say() -> None:
    found = dataclasses.asdict(prompt_criteria(HARD))
    quality = found.pop("quality")
    weights = shipped_weights()
    total = weights.bias + sum(weights.weights[name] * score for name, score in found.items())
    assert quality == pytest.approx(1 / (1 + np.exp(-total)))
    assert found == criterion_scores(prompt_signals(HARD))


@pytest.mark.parametrize("text", ["", " \n", "?!", "\u200b"])
def test_a_prompt_without_words_has_no_quality(text: str) -> None:
    assert prompt_criteria(text).quality == 0.0


def test_no_shipped_weight_punishes() -> None:
    assert min(shipped_weights().weights.values()) > 0


def test_common_words_are_words() -> None:
    assert len(common_words()) == 4000
    assert {"the", "because", "find"} <= common_words()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"bias": 0, "weights": {"specificity": 1}}',
        '{"bias": null, "weights": {}}',
        json.dumps({"bias": float("nan"), "weights": dict.fromkeys(CRITERIA, 1.0)}),
    ],
)
def test_damaged_weights_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="criteria"):
        CriteriaWeights.from_json(text)


@given(st.text())
def test_any_text_is_scored(text: str) -> None:
    signals = prompt_signals(text)
    assert set(signals) == set(SIGNALS)
    assert all(0.0 <= value <= 1.0 for value in signals.values())
    found = dataclasses.asdict(prompt_criteria(text))
    assert all(0.0 <= value <= 1.0 + 1e-9 for value in found.values())


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "a_",
        "aA",
        "a-",
        "a.b",
        "x = ",
        '"a',
        "''' ",
        "$a",
        "\n ",
        "if (",
        "你好",
        "\ud800\0",
        "`a",
        "<a ",
    ],
)
def test_hostile_texts_end(part: str) -> None:
    text = part * (1_000_000 // len(part))
    assert 0.0 <= prompt_criteria(text).quality <= 1.0
    assert 0.0 <= prompt_criteria("\n".join([part * 90] * 200)).quality <= 1.0


def test_arena_hard_stands_out(shared_data: Path) -> None:
    texts = sets(shared_data)
    high = [prompt_criteria(text.text).quality for text in texts["arenahard"]]
    for name, least in (
        ("vicuna80", 0.75),
        ("oasst_prompts", 0.75),
        ("hwu64", 0.9),
        ("dolly_3k", 0.85),
    ):
        low = [prompt_criteria(text.text).quality for text in texts[name][:800]]
        positive = np.r_[np.ones(len(high), bool), np.zeros(len(low), bool)]
        assert roc_auc(np.array(high + low), positive).value > least, name

"""Answers that decline, break off, go in circles or are in another language are told."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.prompts.scoring.refusals import refusal
from pipeline.prompts.scoring.response_quality import (
    WEIGHTS,
    apologies,
    repetition,
    response_signals,
    response_signals_batch,
    truncated,
)

GOOD = (
    "Bread rises because yeast feeds on sugar and gives off gas. The gas is caught in the dough. "
    "Warm dough rises faster than cold dough, and salt slows it down."
)
GERMAN = (
    "Brot geht auf, weil die Hefe Zucker frisst und dabei Gas abgibt. Das Gas bleibt im Teig gefangen. "
    "Warmer Teig geht schneller auf als kalter, und Salz bremst ihn."
)


def test_a_good_answer_has_full_quality() -> None:
    signals = response_signals(GOOD)
    assert signals.response_quality == 1.0
    assert signals.language_mismatch is None


@pytest.mark.parametrize("text", ["", "  \n", "\u200b", "\0\ufeff"])
def test_an_empty_answer_has_none(text: str) -> None:
    assert response_signals(text).empty
    assert response_signals(text).response_quality == 0.0


def test_signs_and_emoji_are_answers() -> None:
    assert not response_signals("👍").empty
    assert not response_signals("(.*)").empty


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I cannot help with that request.",
        "I’m sorry, but I can’t assist with that.",
        "As an AI language model, I cannot provide medical advice.",
        "I cannot fulfill your request.",
        "I must respectfully decline.",
        "Unfortunately, I am not able to browse the internet.",
        "Es tut mir leid, aber ich kann dabei nicht helfen.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Извините, но я не могу помочь с этим.",
        "很抱歉，我无法满足您的要求。",
        "申し訳ありませんが、そのご要望にはお応えできません。",
        "죄송합니다. 그 요청은 도와드릴 수 없습니다.",
    ],
)
def test_refusals(text: str) -> None:
    assert refusal(text) == 1.0
    assert response_signals(text).response_quality < 0.2


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "Sorry to hear that! Try a warm bath.",
        "You cannot divide by zero, so the function fails.",
        'She said, "I\'m sorry, but I cannot help you." He left.',
        "Dear Ann, I am sorry that I cannot come to the party.",
        "I can't wait to show you this recipe: mix flour and water.",
        "Unfortunately the bus was late and we missed the train.",
        "Als Kind war ich oft am See.",
    ],
)
def test_no_refusals(text: str) -> None:
    assert refusal(text) == 0.0


def test_a_preface_and_help_count_less() -> None:
    bare = "As an AI language model, I don't have personal opinions."
    helping = f"{bare} However, I can tell you this: {GOOD}"
    assert refusal(bare) == 0.5
    assert 0.0 < refusal(helping) <= 0.25
    assert refusal(f"I'm sorry, I can't help with that. {GOOD} " + GOOD * 8) < 0.4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (GOOD, 0.0),
        (GERMAN, 0.0),
        ("Paris", 0.0),
        (f"{GOOD}\n```python\nx = 1\n", 1.0),
        (f"{GOOD}\n```python\nx = 1\n```", 0.0),
        (f"{GOOD}\n````md\n```\nx\n```\n````", 0.0),
        (f"{GOOD} Before it is baked, the dough has to be left in a warm place for", 0.7),
        (f"{GOOD} Then take flour, water, yeast and a bit of salt from the shelf,", 0.7),
        (f"{GOOD} Before it is baked, the dough has been left alone in a warm place", 0.5),
        ("The dough has to be left in a warm place until it has grown to twice its size", 0.2),
        (f"{GOOD}\n- flour\n- water", 0.0),
        (f"{GOOD}\n\nWith gratitude,", 0.0),
        (
            "You need flour, water, yeast, salt, sugar, butter, milk, eggs, honey, oil, seeds, nuts, a bowl",
            0.0,
        ),
        (f"{GOOD} Photo of my bread in the oven on a cold morning in the village #bread", 0.0),
        (
            "面包会发酵，因为酵母以糖为食并释放气体。气体被困在面团中。温暖的面团比冷的面团发得更快。",
            0.0,
        ),
    ],
)
def test_truncation(text: str, value: float) -> None:
    assert truncated(text) == value


def test_apology_loops() -> None:
    assert apologies("I apologize for the confusion. The answer is 4.") == 0.0
    assert (
        apologies("I apologize for the error. It is 5. I apologize again for the mistake.") == 0.5
    )
    assert apologies("I'm sorry. It is 5. My apologies, it is 6. I apologize, it is 7.") == 1.0


def test_repetition() -> None:
    assert repetition(GOOD) == 0.0
    assert repetition((GOOD + "\n") * 8) > 0.7
    assert repetition("and so on and on and " * 60) > 0.7
    assert response_signals((GOOD + "\n") * 8).response_quality < 0.5


def mismatch(prompt: str, response: str) -> float | None:
    return response_signals_batch([prompt], [response])[0].language_mismatch


def test_languages() -> None:
    asked = "Why does bread rise in the oven when it is warm enough?"
    assert mismatch(asked, GERMAN) == 1.0
    assert mismatch(asked, "面包会发酵，因为酵母以糖为食并释放气体。气体被困在面团中。") == 1.0
    assert mismatch(asked, GOOD) == 0.0
    assert mismatch(f"{asked} Answer in German.", GERMAN) == 0.0
    assert mismatch(f"Translate this, please: {GOOD}", GERMAN) == 0.0
    assert mismatch(asked, "Gas") == 0.0
    assert mismatch(asked, "```\nx = 1\n```") == 0.0
    assert mismatch("", GERMAN) == 0.0


def test_as_many_prompts_as_answers() -> None:
    with pytest.raises(ValueError, match="shorter"):
        response_signals_batch(["a"], [])
    assert response_signals_batch([], []) == []


def test_every_weight_is_of_a_signal() -> None:
    fields = {field.name for field in dataclasses.fields(response_signals(""))}
    assert set(WEIGHTS) == fields


@settings(max_examples=60)
@given(st.text(), st.text())
def test_any_answer_is_measured(prompt: str, response: str) -> None:
    (signals,) = response_signals_batch([prompt], [response])
    assert all(0.0 <= float(value) <= 1.0 for value in dataclasses.asdict(signals).values())
    assert 0.0 <= signals.response_quality <= 1.0
    alone = response_signals(response)
    assert dataclasses.replace(signals, language_mismatch=None) == alone


@pytest.mark.parametrize(
    "part",
    ["a", "```\n", "I am sorry ", "As an AI no ", "\n", "你好", "\ud800\0", "the ", "- ", "~~~~"],
)
def test_hostile_answers_end(part: str) -> None:
    (signals,) = response_signals_batch([part], [part * (1_000_000 // len(part))])
    assert 0.0 <= signals.response_quality <= 1.0

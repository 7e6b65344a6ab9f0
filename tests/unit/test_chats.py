"""Chats of every shape as one text: turns in order, nothing of what has no text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.sources.chats import chat_text, turns_text

PICTURE = {"type": "image_url", "image_url": {"url": "data:,"}}
TURNS = [("system", "Be brief."), ("user", "How many?"), ("assistant", "Two.")]
TEXT = "Be brief.\n\nHow many?\n\nTwo."
OPENAI = [{"role": role, "content": said} for role, said in TURNS]
SHAREGPT = [{"from": role, "value": said} for role, said in TURNS]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": OPENAI},
        {"messages": [{"role": r, "content": [{"type": "text", "text": s}]} for r, s in TURNS]},
        {"messages": [{"role": role, "parts": [{"text": said}]} for role, said in TURNS]},
        {"messages": [{"role": role, "parts": [said, PICTURE]} for role, said in TURNS]},
        {"conversations": SHAREGPT},
        {"conversation": [{**turn, "redacted": False, "turn_id": 1} for turn in OPENAI]},
        {"conversations": SHAREGPT[1:], "system": "Be brief."},
        {"conversations": {"from": ["a", "b", "c"], "value": [said for _, said in TURNS]}},
        {"conversation": [said for _, said in TURNS]},
        {"messages": json.dumps(OPENAI)},
        {"messages": f" {json.dumps(SHAREGPT, indent=1)}\n"},
        {"system_prompt": "Be brief.", "question": "How many?", "response": "Two."},
        {"instruction": "Be brief.", "input": "How many?", "output": "Two."},
        {"prompt": OPENAI[:2], "completion": OPENAI[2:]},
        {"prompt": "Be brief.\n\nHow many?", "response": "Two.", "completion": None},
        {"messages": None, "conversation": OPENAI},
        {"messages": [], "conversation": OPENAI},
        {"messages": OPENAI, "prompt": "How many?", "prompt_id": "x"},
    ],
)
def test_every_shape_has_its_turns_in_order(row: dict[str, Any]) -> None:
    assert chat_text(row) == TEXT


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"instruction": "Add.", "input": "", "output": "3"}, "Add.\n\n3"),
        (
            {"instruction": "Sum up.", "context": "Long.", "response": "S."},
            "Sum up.\n\nLong.\n\nS.",
        ),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "a\n\nb\n\nc"),
        ({"prompt": "Only a prompt"}, "Only a prompt"),
        ({"question": "How many?", "answer": 2, "choices": ["a"]}, "How many?"),
        ({"messages": "no list"}, "no list"),
        ({"messages": "[not] JSON"}, "[not] JSON"),
        ({"prompt": "[1, 2] is a list"}, "[1, 2] is a list"),
        ({"prompt": "[1, 2]"}, "[1, 2]"),
        ({"prompt": '["a", "b"]'}, '["a", "b"]'),
        ({"prompt": "[" * 100_000}, "[" * 100_000),
        ({"messages": [{"role": "user", "content": ""}]}, ""),
        ({"output": ""}, ""),
        ({"messages": [{"role": "a", "content": None, "text": "b"}]}, "b"),
        ({"messages": {"role": "user", "content": "one"}}, "one"),
        ({"messages": [{"content": {"type": "text", "text": "one"}}]}, "one"),
        ({"messages": [{"content": " \n"}, {"content": " kept as it is "}]}, " kept as it is "),
    ],
)
def test_what_a_row_says(row: dict[str, Any], text: str) -> None:
    assert chat_text(row) == text


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"messages": None},
        {"messages": []},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [{}]}]},
        {"messages": [{"role": "user", "content": [PICTURE]}]},
        {"messages": [1, None, [], {}]},
        {"messages": 7},
        {"messages": {}},
        {"system": "A prompt alone is no chat."},
        {"prompt": None, "answer": 2},
    ],
)
def test_what_is_no_chat(row: dict[str, Any]) -> None:
    assert chat_text(row) is None


def test_calls_of_tools_and_pictures_are_passed_over() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}
    mixed = {"role": "user", "content": ["What is", PICTURE, {"type": "text", "text": "this?"}]}
    assert chat_text({"messages": [mixed, call, OPENAI[2]]}) == "What is\n\nthis?\n\nTwo."


def test_a_column_of_turns_by_any_name() -> None:
    assert turns_text(OPENAI) == TEXT
    assert turns_text("as it is") == "as it is"
    assert turns_text('[{"role": "user", "content": "quoted"}]').startswith("[{")  # type: ignore[union-attr]
    assert turns_text(None) is turns_text([]) is turns_text([1]) is turns_text(1.5) is None

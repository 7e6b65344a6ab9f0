"""Rows of every log format as conversations, one golden row each, and what bad rows cost."""

from __future__ import annotations

import datetime
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import RecordError
from pipeline.prompts.conversation import ROLES, Conversation
from pipeline.prompts.logs.fields import LogFields, field_names
from pipeline.prompts.logs.formats import conversations, has_shape
from pipeline.prompts.logs.times import utc

ASKED, SAID = ("user", "How many?"), ("assistant", "Two.")
TALK = [ASKED, SAID]


def turns(*said: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in said]


def read(row: Any, **named: str) -> list[Conversation | RecordError]:
    return list(conversations(row, "a.jsonl:7", "/logs/a.jsonl at byte 7", LogFields(**named)))


def one(row: Any, **named: str) -> Conversation:
    (found,) = read(row, **named)
    assert isinstance(found, Conversation), found
    return found


def talk(conversation: Conversation) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in conversation.turns]


def slugs(row: Any, **named: str) -> list[str]:
    return [f.reason if isinstance(f, RecordError) else f.id for f in read(row, **named)]


SHAREGPT = {
    "id": "QWJhYvA_0",
    "conversations": [{"from": "human", "value": "How many?"}, {"from": "gpt", "value": "Two."}],
}
WILDCHAT = {
    "conversation_hash": "cf1267ca6b2f6fccc9c36652a00059a1",
    "model": "gpt-4-0314",
    "timestamp": datetime.datetime(2023, 4, 9, 0, 2, 53, tzinfo=datetime.UTC),
    "conversation": [
        {"content": "How many?", "role": "user", "hashed_ip": "22fd87ba", "timestamp": None,
         "language": "English", "redacted": False, "toxic": False, "turn_identifier": 101002},
        {"content": "Two.", "role": "assistant", "hashed_ip": None,
         "timestamp": datetime.datetime(2023, 4, 9, 0, 3, 10, tzinfo=datetime.UTC),
         "language": "English", "redacted": False, "toxic": False, "turn_identifier": 101002},
    ],
    "turn": 1,
    "language": "English",
    "hashed_ip": "22fd87ba",
}  # fmt: skip
LMSYS = {
    "conversation_id": "33f01939a744455c869cb234afca47f1",
    "model": "wizardlm-13b",
    "conversation": turns(*TALK),
    "turn": 1,
    "language": "English",
    "tstamp": 1680998573.5,
    "openai_moderation": [{"flagged": False}],
    "redacted": False,
}
ARENA = {
    "question_id": "58210e39b3fd4441a2bd4a518bb44c2d",
    "model_a": "chatglm-6b",
    "model_b": "koala-13b",
    "winner": "model_b",
    "judge": "arena_user_973",
    "conversation_a": turns(ASKED, SAID),
    "conversation_b": turns(ASKED, ("assistant", "Three.")),
    "turn": 1,
    "anony": True,
    "language": "English",
    "tstamp": 1682351591.1322,
}
OPENAI = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [
            {"type": "text", "text": "How many?"},
            {"type": "image_url", "image_url": {"url": "data:,"}},
            {"type": "text", "text": "Count them."},
        ]},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "count"}}]},
        {"role": "tool", "content": "2", "tool_call_id": "1"},
        {"role": "assistant", "content": "Two."},
    ],
    "metadata": {"user_id": "u1", "plan": "pro"},
    "created_at": "2024-05-01T14:30:00+02:00",
}  # fmt: skip


def message(number: int, role: str, text: str, *replies: Any, **more: Any) -> dict[str, Any]:
    return {
        "message_id": f"m{number}",
        "role": role,
        "text": text,
        "replies": list(replies),
        **more,
    }


TREE = {
    "message_tree_id": "m1",
    "tree_state": "ready_for_export",
    "prompt": message(
        1, "prompter", "How many?",
        message(2, "assistant", "Worse.", message(5, "prompter", "Why worse?"), rank=1),
        message(
            3, "assistant", "Better.",
            message(6, "prompter", "Why?",
                    message(7, "assistant", "Other.", rank=1),
                    message(8, "assistant", "So.", rank=0)),
            rank=0, model_name="chip20b",
        ),
        message(4, "assistant", "Unranked."),
        user_id="u9", created_date="2023-02-05T14:23:50.983374+00:00",
    ),
}  # fmt: skip


def test_sharegpt() -> None:
    found = one(SHAREGPT)
    assert (found.id, talk(found)) == ("QWJhYvA_0", TALK)
    assert found.place == "/logs/a.jsonl at byte 7"
    assert (found.user, found.tier, found.time, found.model) == ("", "", "", "")


@pytest.mark.parametrize(
    ("name", "role"),
    [("human", "user"), ("user", "user"), ("chatgpt", "assistant"), ("bing", "assistant"),
     ("bard", "assistant"), ("GPT", "assistant"), (" System ", "system"), ("tool", "tool"),
     ("prompter", "user"), ("observation", "tool"), ("function_call", "assistant")],
)  # fmt: skip
def test_names_of_sides(name: str, role: str) -> None:
    row = {"conversations": [{"from": "human", "value": "a"}, {"from": name, "value": "b"}]}
    assert talk(one(row))[1] == (role, "b")


def test_wildchat() -> None:
    found = one(WILDCHAT)
    assert (found.id, talk(found)) == (WILDCHAT["conversation_hash"], TALK)
    assert (found.user, found.model) == ("22fd87ba", "gpt-4-0314")
    assert found.turns[1].time == "2023-04-09T00:03:10Z"
    assert found.time == found.turns[1].time  # of the first turn that has one
    without = {key: value for key, value in WILDCHAT.items() if key != "hashed_ip"}
    assert one(without).user == "22fd87ba"


def test_lmsys_chat() -> None:
    found = one(LMSYS)
    assert (found.id, talk(found)) == (LMSYS["conversation_id"], TALK)
    assert (found.model, found.time) == ("wizardlm-13b", "2023-04-09T00:02:53Z")


def test_chatbot_arena_is_two_conversations() -> None:
    first, second = read(ARENA)
    assert isinstance(first, Conversation)
    assert isinstance(second, Conversation)
    assert (first.id, second.id) == (f"{ARENA['question_id']}/a", f"{ARENA['question_id']}/b")
    assert (talk(first), talk(second)[1]) == (TALK, ("assistant", "Three."))
    assert (first.model, second.model) == ("chatglm-6b", "koala-13b")
    assert first.user == second.user == "arena_user_973"
    broken = {**ARENA, "conversation_a": [None]}
    assert slugs(broken) == ["log.turn_null", second.id]


def test_openai_messages_with_parts_tools_and_metadata() -> None:
    found = one(OPENAI)
    assert talk(found) == [
        ("system", "Be brief."),
        ("user", "How many?\n\nCount them."),
        ("assistant", ""),
        ("tool", "2"),
        SAID,
    ]
    assert (found.id, found.user, found.tier) == ("a.jsonl:7", "u1", "pro")
    assert found.time == "2024-05-01T12:30:00Z"


def test_a_tree_gives_one_conversation_for_each_last_prompt_best_first() -> None:
    first, second, left_out = read(TREE)
    assert isinstance(first, Conversation)
    assert isinstance(second, Conversation)
    assert [turn.text for turn in first.turns] == ["How many?", "Better.", "Why?", "So."]
    assert [turn.text for turn in second.turns] == ["How many?", "Worse.", "Why worse?"]
    assert (first.id, second.id) == ("m1", "m1/2")
    assert (first.user, first.model, first.time) == ("u9", "chip20b", "2023-02-05T14:23:50Z")
    assert isinstance(left_out, RecordError)
    assert (left_out.reason, left_out.message[:26]) == (
        "log.tree_answers",
        "2 of the tree's 8 messages",
    )
    assert repr(read(TREE["prompt"])) == repr(read(TREE))


def test_deleted_messages_are_left_out_with_all_below_and_told() -> None:
    row = {"prompt": message(1, "prompter", "a", message(2, "assistant", "b", deleted=True),
                             message(3, "assistant", "c"))}  # fmt: skip
    found, told = read(row)
    assert isinstance(found, Conversation)
    assert talk(found) == [("user", "a"), ("assistant", "c")]
    assert str(told).startswith("log.tree_deleted: left out with all below: 1")
    assert slugs({"prompt": message(1, "prompter", "a", deleted=True)}) == ["log.tree_deleted"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "How many?"}, [ASKED]),
        ("How many?", [ASKED]),
        ({"prompt": "How many?", "response": "Two."}, TALK),
        ({"question": "How many?", "answer": "Two."}, TALK),
        ({"question": "How many?", "answer": 2}, [ASKED]),
        ({"text": "How many?"}, [ASKED]),
        ({"instruction": "How many?", "input": "", "output": "Two."}, TALK),
        ({"instruction": "Sum", "input": "1 2", "output": "3"},
         [("user", "Sum\n\n1 2"), ("assistant", "3")]),
        ({"instruction": "Sum", "context": "1 2", "response": "3"},
         [("user", "Sum\n\n1 2"), ("assistant", "3")]),
        ({"system_prompt": "Brief.", "question": "How many?"}, [("system", "Brief."), ASKED]),
        ({"turns": ["How many?", "And now?"]}, [ASKED, ("user", "And now?")]),
        ({"conversation": ["How many?", "Two."]}, TALK),
        (["How many?", "Two."], TALK),
        (turns(*TALK), TALK),
        ({"data": ["How many?", "Two."]}, TALK),
        ({"conversation": [{"human": "How many?", "assistant": "Two."}]}, TALK),
        ({"human": "How many?", "assistant": "Two."}, TALK),
        ({"user": "How many?", "assistant": "Two.", "system": "S"}, [("system", "S"), *TALK]),
        ({"conversations": {"from": ["human", "gpt"], "value": ["How many?", "Two."]}}, TALK),
        ({"messages": json.dumps(turns(*TALK))}, TALK),
        ({"prompt": turns(ASKED), "completion": turns(SAID)}, TALK),
        ({"prompt": "How many?", "chosen": turns(*TALK), "rejected": turns(*TALK)}, [ASKED]),
        ({"role": "user", "content": "How many?"}, [ASKED]),
        ({"messages": [], "prompt": "How many?"}, [ASKED]),
        ({"data": {"a": 1}, "text": "How many?"}, [ASKED]),
        ({"model": "gpt-4", "prompt": "How many?"}, [ASKED]),
        ({"messages": [{"role": "user", "parts": ["How", "many?"]}]}, [("user", "How\n\nmany?")]),
        ({"messages": [{"author": {"role": "user"}, "content": {"parts": ["How many?"]}}]}, [ASKED]),
        ({"messages": [*turns(ASKED), {"role": "assistant", "content": None, "refusal": "No."}]},
         [ASKED, ("assistant", "No.")]),
        ({"prompt": ""}, [("user", "")]),
        ({"messages": "no list"}, [("user", "no list")]),
    ],
)  # fmt: skip
def test_other_shapes(row: Any, expected: list[tuple[str, str]]) -> None:
    assert talk(one(row)) == expected
    assert has_shape(row)


def test_an_instruction_with_several_inputs_is_as_many_conversations() -> None:
    row = {
        "id": "t",
        "instruction": "Sum",
        "instances": [{"input": "1", "output": "1"}, {"input": ""}],
    }
    first, second = read(row)
    assert isinstance(first, Conversation)
    assert isinstance(second, Conversation)
    assert (first.id, talk(first)) == ("t", [("user", "Sum\n\n1"), ("assistant", "1")])
    assert (second.id, talk(second)) == ("t/2", [("user", "Sum")])


@pytest.mark.parametrize(
    ("row", "reason", "said"),
    [
        ({"messages": [None]}, "log.turn_null", "turn 1 is null"),
        ({"messages": [*turns(ASKED), 7]}, "log.turn_type", "turn 2 is of type int"),
        ({"messages": [*turns(ASKED), "Two."]}, "log.turn_type", "turn 2 is of type str"),
        ({"messages": turns(ASKED, ("narrator", "x"))}, "log.role", "unknown role 'narrator'"),
        ({"messages": [{"content": "x"}]}, "log.role", "no role"),
        ({"messages": [{"role": None, "content": "x"}]}, "log.role", "no role"),
        ({"messages": [{"role": "user", "content": None}]}, "log.content_null", "says nothing"),
        ({"messages": [{"role": "user"}]}, "log.content_null", "says nothing"),
        ({"messages": [{"role": "user", "content": 4}]}, "log.content_type", "says a int"),
        ({"messages": [{"role": "user", "content": [4]}]}, "log.content_type", "says a list"),
        ({"messages": turns(SAID)}, "log.no_user", "only assistant"),
        ({"messages": []}, "log.empty", "nothing in messages"),
        ({"messages": None, "prompt": None}, "log.empty", "nothing in messages, prompt"),
        ({"conversation": 4}, "log.turns", "int where a list"),
        ({"conversations": {"from": ["human"], "value": []}}, "log.turns", "1 roles for 0"),
        ({"prompt": 4}, "log.content_type", "prompt holds a value of type int"),
        ({"instruction": "a", "input": 4}, "log.content_type", "input holds"),
        ({"instruction": "a", "instances": [None]}, "log.turn_type", "instance of type NoneType"),
        ({"sentence": "a"}, "log.shape", "its fields are: sentence"),
        ({}, "log.shape", "its fields are: none"),
        (None, "log.shape", "type NoneType"),
        (3.5, "log.shape", "type float"),
        ([], "log.empty", "nothing in messages"),
        ({"prompt": {"message_id": "m", "replies": [4]}}, "log.tree", "of type int"),
        ({"prompt": {"message_id": "m", "replies": True}}, "log.tree", "type bool are no list"),
        ({"prompt": message(1, "assistant", "x")}, "log.no_user", "no message"),
        ({"prompt": message(1, "prompter", None)}, "log.content_null", "says nothing"),
    ],
)  # fmt: skip
def test_what_will_not_do_is_a_fault(row: Any, reason: str, said: str) -> None:
    (found,) = read(row)
    assert isinstance(found, RecordError)
    assert found.reason == reason
    assert said in found.message


def test_fields_that_the_user_names() -> None:
    row = {
        "payload": {"log": [{"who": "user", "what": "How many?", "at": 1714566600000}]},
        "key": 17,
        "account": {"name": "ann", "plan": {"level": "gold"}},
        "a.b": "dotted",
        "tier": "not this",
    }
    found = one(
        row, turns="payload.log", role="who", content="what", id="key", user="account.name",
        tier="account.plan.level", time="at", model="a.b",
    )  # fmt: skip
    assert talk(found) == [ASKED]
    assert (found.id, found.user, found.tier, found.model) == ("17", "ann", "gold", "dotted")
    assert found.time == "2024-05-01T12:30:00Z"
    assert slugs(row, turns="payload.nothing") == ["log.empty"]
    assert one({"turns": ["a", "b"], "x": "c"}, turns="turns").turns[1].role == "user"
    assert "account.plan.level" in list(field_names(row))


def test_a_time_that_is_none_is_told_and_costs_nothing_else() -> None:
    told, found = read({"prompt": "a", "timestamp": "yesterday"})
    assert isinstance(told, RecordError)
    assert (told.reason, "'yesterday'" in told.message) == ("log.time", True)
    assert isinstance(found, Conversation)
    assert found.time == ""
    turn = {"role": "user", "content": "a", "timestamp": "soon"}
    assert slugs({"messages": [turn], "id": "x"}) == ["log.time", "x"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-01T12:30:00Z", "2024-05-01T12:30:00Z"),
        ("2024-05-01T14:30:00.123456+02:00", "2024-05-01T12:30:00Z"),
        ("2024-05-01 12:30:00 UTC", "2024-05-01T12:30:00Z"),
        ("2024-05-01 12:30:00", "2024-05-01T12:30:00Z"),
        ("2024-05-01", "2024-05-01T00:00:00Z"),
        ("20240501", "2024-05-01T00:00:00Z"),
        (1714566600, "2024-05-01T12:30:00Z"),
        (1714566600.9, "2024-05-01T12:30:00Z"),
        ("1714566600", "2024-05-01T12:30:00Z"),
        (1714566600_000, "2024-05-01T12:30:00Z"),
        (1714566600_000_000, "2024-05-01T12:30:00Z"),
        (1714566600_000_000_000, "2024-05-01T12:30:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        ({"$date": "2024-05-01T12:30:00Z"}, "2024-05-01T12:30:00Z"),
        ({"$date": 1714566600000}, "2024-05-01T12:30:00Z"),
        ({"$date": {"$numberLong": "1714566600000"}}, "2024-05-01T12:30:00Z"),
        (datetime.datetime(2024, 5, 1, 12, 30), "2024-05-01T12:30:00Z"),
        (datetime.date(2024, 5, 1), "2024-05-01T00:00:00Z"),
        (None, ""),
        ("  ", ""),
        ("yesterday", None),
        ("9" * 10_000, None),
        (1e300, None),
        (float("nan"), None),
        (True, None),
        ([], None),
        ({"$date": None}, ""),
        ({"seconds": 1}, None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_times(value: Any, expected: str | None) -> None:
    assert utc(value) == expected


def test_ten_thousand_turns_are_kept() -> None:
    said = [ASKED if number % 2 == 0 else SAID for number in range(10_000)]
    assert talk(one({"messages": turns(*said)})) == said
    chain: dict[str, Any] = message(0, "prompter", "0")
    for number in range(1, 10_000):
        chain = message(number, "prompter", str(number), chain)
    assert len(one(chain).turns) == 10_000


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["user", "gpt", "\ud800", "[", '[{"role":"user","content":"\\ud800"}]']),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["messages", "conversations", "conversation_a", "conversation_b", "role", "content",
             "from", "value", "prompt", "text", "replies", "message_id", "instruction", "instances",
             "turns", "timestamp", "user", "assistant", "id", "metadata", "rank", "deleted", "model"]
        ),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(JSON_VALUES)
def test_any_value_is_conversations_or_faults(value: Any) -> None:
    found = read(value)
    assert found
    for item in found:
        if isinstance(item, Conversation):
            assert {turn.role for turn in item.turns} <= {*ROLES}
            assert list(item.said("user"))
            assert item.id
            for text in (item.id, item.user, item.tier, item.model, *(t.text for t in item.turns)):
                text.encode()
            assert pickle.loads(pickle.dumps(item)) == item
        else:
            assert item.reason.startswith("log.")
    assert repr(found) == repr(read(value))

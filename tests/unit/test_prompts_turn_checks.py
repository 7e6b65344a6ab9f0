"""Conversations without a prompt worth keeping go, with reason, number and bound."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_sets import sets

from pipeline.core.errors import ConfigError
from pipeline.prompts.cleaning.openings import (
    frequent_openings,
    is_continuation,
    opening_key,
    openings,
)
from pipeline.prompts.cleaning.turn_checks import TurnChecks, instruction_lines
from pipeline.prompts.cleaning.words import word_count
from pipeline.prompts.conversation import ASSISTANT, USER, Conversation, Turn

GERMAN = (
    "Der Bäcker öffnet seinen Laden um sechs Uhr und verkauft Brot an das ganze Dorf. Am Abend fegt er die "
    "Backstube und stellt den Teig für den nächsten Morgen in den Keller."
)
CODE = "def total(rows):\n    return sum(row.price for row in rows)\n"


def talk(*said: str) -> Conversation:
    roles = (USER, ASSISTANT)
    return Conversation("1", tuple(Turn(roles[at % 2], text) for at, text in enumerate(said)))


def reasons(checks: TurnChecks, text: str) -> list[str]:
    return [verdict.reason for verdict in checks.check([talk(text)])[0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("?!", 0),
        ("don't stop", 2),
        ("什么是黑洞", 3),
        ("你好", 1),
        ("Python 怎么排序", 3),
        ("한국의 수도는 어디입니까", 3),
        ("ประเทศไทย", 3),
        ("\ud800", 0),
    ],
)
def test_words_are_counted_in_any_script(text: str, words: int) -> None:
    assert word_count(text) == words


def test_a_verdict_has_reason_number_and_bound() -> None:
    (found,) = TurnChecks().check([talk("Write poem")])
    assert [(one.reason, one.value, one.bound) for one in found] == [
        ("near_empty.words.low", 2.0, 3)
    ]


@pytest.mark.parametrize("text", ["Explain black holes", "什么是黑洞", "Warum ist Gras grün?"])
def test_short_prompts_pass(text: str) -> None:
    assert reasons(TurnChecks(), text) == []


def test_too_long() -> None:
    assert reasons(TurnChecks(most_words=50), " ".join(f"word{n}" for n in range(51))) == [
        "too_long.words.high"
    ]


@pytest.mark.parametrize(
    "text", ["continue", "Go on!", "Hi", "TEST", "Please continue.", "继续", "what's up?", "¡Hola!"]
)
def test_continuations(text: str) -> None:
    assert "continuation.opening.high" in reasons(TurnChecks(), text)
    assert "continuation.opening.high" not in reasons(TurnChecks(continuations=False), text)


@pytest.mark.parametrize(
    "text",
    [
        "Continue the story of the fox and the grapes",
        "Hi, how do I sort a list in Python?",
        "Write a test for this function",
        "hi" + " " * 1000 + "Explain how a compiler works",
    ],
)
def test_what_begins_like_a_continuation_stays(text: str) -> None:
    assert reasons(TurnChecks(), text) == []
    assert not is_continuation(text)


def test_the_most_frequent_openings_of_a_log_go() -> None:
    log = ["Who made you?"] * 12 + ["who made you"] * 3 + ["Explain rain to me"] * 4
    table = frequent_openings(openings(log), top=10, at_least=10)
    assert table == {"who made you": 15}
    checks = TurnChecks(openings=table)
    (found,) = checks.check([talk("Who made YOU??")])
    assert [(one.reason, one.value) for one in found] == [("continuation.opening_count.high", 15.0)]
    assert reasons(checks, "Explain rain to me") == []


def test_counters_of_parts_add_up() -> None:
    log = ["a b c", "A b, c!", "d"]
    assert openings(log[:1]) + openings(log[1:]) == openings(log)


def test_long_openings_with_one_beginning_differ() -> None:
    assert opening_key("word " * 40 + "one") != opening_key("word " * 40 + "two")


@pytest.fixture(scope="module")
def english() -> TurnChecks:
    return TurnChecks(languages=("en",))


@pytest.mark.parametrize(
    "text",
    [
        f"Translate the following text into English:\n{GERMAN}",
        f"{GERMAN}\n\nWhat does this text say about bread?",
        f'What does this mean: "{GERMAN}"',
        f"Fix the bug\n```\n{CODE}```",
        CODE,
        "Sort my list",
        "https://example.org/a/b?c=d",
        "1 2 3 4 5",
        "",
    ],
)
def test_what_may_be_wanted_stays(english: TurnChecks, text: str) -> None:
    assert not [reason for reason in reasons(english, text) if reason.startswith("language")]


@pytest.mark.parametrize(
    "text", [GERMAN, f"Fasse diesen Text zusammen:\n{GERMAN}", "什么是黑洞，它们是怎样形成的？"]
)
def test_other_languages_go(english: TurnChecks, text: str) -> None:
    (found,) = english.check([talk(text)])
    (verdict,) = found
    assert verdict.reason == "language.other_lead.high"
    assert verdict.detail in ("de", "zh")
    assert verdict.bound == 0.1
    assert reasons(TurnChecks(), text) == []
    assert reasons(TurnChecks(languages=("en", "de", "zh")), text) == []


def test_one_line_pasted_fifty_times() -> None:
    line = "Buy our cheap garden sheds now"
    assert "repetition.repeated_lines.high" in reasons(TurnChecks(), f"{line}\n" * 50)
    assert "repetition.repeated_words.high" in reasons(TurnChecks(), f"{line} " * 50)


@pytest.mark.parametrize(
    "text",
    [
        "Solve this matrix for me please\n" + "0 0 0 1\n" * 40,
        "Sort these names\n" + "\n".join(f"name number {n}" for n in range(60)),
        "Improve this\n" + "    }\n" * 30 + CODE,
        "Say no to him\nno\nno\nno\nno",
    ],
)
def test_tables_and_lists_are_no_repetition(text: str) -> None:
    assert not [reason for reason in reasons(TurnChecks(), text) if "repetition" in reason]


def test_only_the_opening_counts() -> None:
    assert TurnChecks().check([talk("Explain black holes", "They are …", "continue")]) == [()]


def test_a_conversation_whose_opening_is_empty_goes() -> None:
    assert reasons(TurnChecks(), "") == ["near_empty.words.low"]


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(ConfigError, match="most_repeated_lines"):
        TurnChecks(most_repeated_lines=2)
    with pytest.raises(ConfigError, match="fewest_words"):
        TurnChecks(fewest_words=9, most_words=3)
    with pytest.raises(ConfigError, match="xx"):
        TurnChecks(languages=("xx",))


def test_checks_are_pickled() -> None:
    checks = TurnChecks(languages=("en",), openings={"hi": 20})
    assert pickle.loads(pickle.dumps(checks)) == checks


@settings(max_examples=60)
@given(st.lists(st.text(), max_size=5))
def test_any_texts_are_checked(english: TurnChecks, texts: Sequence[str]) -> None:
    together = english.check([talk(text) for text in texts])
    assert together == [english.check([talk(text)])[0] for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "\n" * 1_000_000,
        '"a' * 500_000,
        "你好" * 500_000,
        "\ud800\0" * 500_000,
        "a:\n" * 300_000,
    ],
    ids=range(6),
)
def test_hostile_texts_end(english: TurnChecks, text: str) -> None:
    assert len(english.check([talk(text)])) == 1
    assert len(instruction_lines(text)) <= 4


def test_real_prompts_in_english_stay_and_others_go(shared_data: Path, english: TurnChecks) -> None:
    texts = sets(shared_data)
    flagged = [
        verdict.reason
        for text in texts["arenahard"]
        for verdict in english.check([talk(text.text)])[0]
    ]
    assert len(flagged) <= 2
    foreign = [text.text for text in texts["xquad_passages"] if text.language == "de"][:60]
    asked = [f"Summarize the following text in English:\n{text}" for text in foreign]
    assert all(english.check([talk(text)])[0] for text in foreign)
    assert not any(english.check([talk(text)])[0] for text in asked)

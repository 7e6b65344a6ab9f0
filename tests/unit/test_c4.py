"""C4's page rules and line rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.errors import ConfigError
from pipeline.filters import C4, C4Lines, Document

FOUR = "One is here. Two is here. Three is here. Four is here."
FIVE = FOUR + " Five is here."


def reasons(rules: C4, text: str) -> set[str]:
    return {verdict.reason for verdict in rules.check(text).verdicts}


def test_five_sentences_pass_and_four_do_not() -> None:
    assert C4().check(FIVE).keep
    assert reasons(C4(), FOUR) == {"c4.sentences.low"}
    assert C4().check(FOUR).signals["sentences"] == 4


def test_page_rules() -> None:
    assert reasons(C4(), FIVE + " Lorem IPSUM dolor.") == {"c4.lorem_ipsum.high"}
    assert reasons(C4(), FIVE + " if (a) { b }") == {"c4.curly_brackets.high"}
    assert reasons(C4(), FIVE + " only } closing") == set()


def test_lines_that_go_and_what_is_counted() -> None:
    text = "\n".join(
        (
            "A line that stays.",
            "too few",
            "",
            "Please enable JavaScript in your browser.",
            "We value it: see our Privacy Policy for more.",
            f"one word {'x' * 1001} is too long",
            "  Rome fell[1] in 476[citation needed] AD.[edit]  ",
        )
    )
    cleaned, counts = C4Lines().clean(text)
    assert cleaned == "A line that stays.\nRome fell in 476 AD."
    assert counts == {
        "lines": 7.0,
        "long_word": 1.0,
        "no_terminal_punctuation": 0.0,
        "few_words": 2.0,
        "javascript": 1.0,
        "policies": 1.0,
        "citations": 3.0,
    }
    assert set(counts) == {signal.name for signal in C4Lines.signals}


def test_terminal_punctuation_is_optional() -> None:
    text = 'It ends here.\nIt does not end\nIt trails off...\nHe said "yes"'
    assert C4Lines().clean(text)[0] == text
    strict, counts = C4Lines(terminal_punctuation=True).clean(text)
    assert strict == 'It ends here.\nHe said "yes"'
    assert counts["no_terminal_punctuation"] == 2


def test_each_line_rule_can_be_switched_off() -> None:
    text = "use cookies\nno javascript here please\n[1] a b c"
    nothing = C4Lines(min_words=0, javascript=False, policies=False, citations=False)
    assert nothing.clean(text)[0] is text


def test_words_are_counted_before_citations_go_and_phrases_sought_after() -> None:
    assert C4Lines().clean("[1] [2] word")[0] == "word"
    assert C4Lines().clean("enable java[1]script in it")[1]["javascript"] == 1


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("lorem ipsum needs javascript now", True),
        ("our privacy policy { here }", True),
        ("var javascript = { a: b }", False),
    ],
)
def test_evidence_for_a_page_rule_stays(line: str, kept: bool) -> None:
    cleaned, _ = C4Lines().clean(f"{FIVE}\n{line}")
    assert (line in cleaned) is kept
    both = [C4().check(cleaned).keep, C4(lines=C4Lines()).check(f"{FIVE}\n{line}").keep]
    assert both == [not kept, not kept]


def test_looking_through_line_rules() -> None:
    text = f"{FOUR}\nshort line.\nAnother. one. made. of. four."
    assert C4().check(text).keep
    through = C4(lines=C4Lines(min_words=6))
    assert through.check(text).signals["sentences"] == 4


def test_empty_sentence_left_by_citations_at_the_end() -> None:
    text = FOUR + " [1] [2]"
    cleaned, _ = C4Lines().clean(text)
    assert C4(lines=C4Lines()).check(text).keep
    assert not C4().check(cleaned).keep


def test_bad_words(tmp_path: Path) -> None:
    listed = tmp_path / "words.txt"
    listed.write_text("Frell\nfrelling bad\n💩\n\n", encoding="utf-8")
    rules = C4(bad_words=str(listed))
    assert rules.check(FIVE + " What the FRELL!").signals["bad_words"] == 1
    assert rules.check(FIVE + " Unfrelled.").keep
    assert reasons(rules, FIVE + " frelling bad 💩") == {"c4.bad_words.high"}
    assert rules.check(FIVE + " frelling bad 💩").signals["bad_words"] == 2


def test_bad_words_count_by_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("frell\n")
    second.write_text("frell\n")
    assert C4(bad_words=str(first)).parameters() == C4(bad_words=str(second)).parameters()
    assert C4().parameters() != C4(lines=C4Lines()).parameters()


def test_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        C4(bad_words=str(tmp_path / "nowhere.txt")).parameters()


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\ud800", "{", "[1]", "\x85\u2028"])
def test_odd_texts(text: str) -> None:
    cleaned, counts = C4Lines().clean(text)
    assert all(isinstance(value, float) for value in counts.values())
    assert C4().measure(Document("", cleaned))["lorem_ipsum"] == 0

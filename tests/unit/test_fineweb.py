"""FineWeb's own rules."""

from __future__ import annotations

import pytest

from pipeline.filters import FineWebQuality

SENTENCE = "This line is a sentence of more than thirty characters, number {}."


def signals(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in FineWebQuality().check(text).signals.items()}  # type: ignore[arg-type]


def test_running_text_is_kept() -> None:
    assert FineWebQuality().check("\n".join(SENTENCE.format(i) for i in range(9))).keep


def test_lines_that_end_with_punctuation_of_any_script() -> None:
    found = signals("one.\ntwo\nthree。\n \nfour. ")
    assert found["terminal_punctuation"] == pytest.approx(2 / 4)


def test_a_line_of_thirty_characters_is_short() -> None:
    assert signals("x" * 30)["short_lines"] == 1
    assert signals("x" * 31)["short_lines"] == 0
    assert FineWebQuality(short_line=5).check("x" * 6).signals["short_lines"] == 0


def test_blank_lines_are_left_out() -> None:
    assert signals("ab.\n\n \n\nab.\n\t\ncd.")["duplicate_line_characters"] == pytest.approx(3 / 11)


def test_newlines_per_word() -> None:
    assert signals("one\ntwo\nthree four")["newlines_per_word"] == pytest.approx(2 / 4)


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t\n "])
def test_no_filled_line(text: str) -> None:
    result = FineWebQuality().check(text)
    assert result.reason == "fineweb.terminal_punctuation.low"


def test_defaults_follow_the_code_and_the_paper_is_one_bound_away() -> None:
    bounds = {bound.signal: (bound.low, bound.high) for bound in FineWebQuality().bounds}
    assert bounds == {
        "terminal_punctuation": (0.12, None),
        "short_lines": (None, 0.67),
        "duplicate_line_characters": (None, 0.01),
        "newlines_per_word": (None, 0.3),
    }
    lines = [SENTENCE.format(i) for i in range(20)]
    text = "\n".join([*lines, lines[0]])
    assert FineWebQuality().check(text).reason == "fineweb.duplicate_line_characters.high"
    assert FineWebQuality(bounds={"duplicate_line_characters": {"high": 0.1}}).check(text).keep

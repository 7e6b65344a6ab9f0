"""How the language benchmark cuts its texts and halves its sets."""

from __future__ import annotations

from pathlib import Path

from language_sets import CHOSEN_ON, Text, code_prompts, cut, half, sets


def test_cuts_end_with_a_word_where_one_ends_near() -> None:
    text = "The miller's\nwife bakes bread."
    assert cut(text, 14) == "The miller's"
    assert cut(text, 12) == "The miller's"
    assert cut(text, 17) == "The miller's wife"
    assert cut("a Donaudampfschifffahrt", 10) == "a Donaudam"
    assert cut("磨坊主人每天早上六点起床", 10) == "磨坊主人每天早上六点"


def test_a_text_counts_under_the_lengths_it_exceeds() -> None:
    assert cut("ten chars.", 10) is None
    assert cut("ten chars. ", 10) is None
    assert cut("  whole\n", None) == "  whole\n"


def test_halves_are_even_and_stay() -> None:
    found = [half(f"item {number}") for number in range(1000)]
    assert 450 < sum(found) < 550
    assert [half(str(number)) for number in range(8)] == [0, 0, 0, 1, 0, 1, 1, 0]


def test_the_sets_are_there(shared_data: Path) -> None:
    found = sets(shared_data)
    assert found.keys() >= CHOSEN_ON
    assert {text.language for text in found["mgsm"]} == {
        *("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
    }
    for texts in found.values():
        assert len({(text.language, text.text) for text in texts}) == len(texts)
    (question,) = [text for text in found["mgsm"] if (text.language, text.item) == ("de", "3")]
    prompts = code_prompts(shared_data, [question, Text("sw", "3", "Ngapi?")])
    assert len(prompts) == 8
    assert all(question.text in prompt.text for prompt in prompts[:4])
    # The same code around all translations of an item.
    assert prompts[4].text == prompts[0].text.replace(question.text, "Ngapi?")

"""Windows over any string: they cover it, in order, within bounds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from audits.semantic.windows import docstrings, windows

PIECE = st.one_of(
    st.sampled_from(
        [
            "one ", "two three ", "end. ", "Why? ", "\n", "\n\n", "- item\n", "1. ", "def f(x):\n",
            "    return x;\n", "#  comment of five or six words\n", '"""', "'''", ">>> f(1)\n", "/*",
            "*/", "。", "一二三", "ไทย", "\u00a0", "\r\n", "\ud800", "x" * 40, "Mr. ", "...", "”) ", "\t",
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip
TEXT = st.lists(PIECE, max_size=80).map("".join)


@settings(deadline=None, max_examples=300)
@given(TEXT, st.integers(1, 40), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_windows_cover_a_text_in_order(text: str, words: int, overlap: float) -> None:
    found = windows(text, words=words, overlap=overlap)
    assert found == windows(text, words=words, overlap=overlap)
    end = 0
    for number, one in enumerate(found):
        assert 0 <= one.start < one.end <= len(text)
        assert not text[one.start].isspace()
        assert not text[one.end - 1].isspace()
        assert not text[end : one.start].strip()
        if number:
            assert found[number - 1].start < one.start
            assert found[number - 1].end < one.end
        end = one.end
        most = words if len(found) > 1 else 1.5 * words
        runs = text[one.start : one.end].split()
        # Of Thai and of what lies beyond a run may count for less than a word.
        assert sum(any(one < "\u0e00" for one in run) for run in runs) <= max(most, 1)
    assert not text[end:].strip()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(8, 40))
def test_runs_of_sentences_up_to_half_a_window_lie_in_one(sizes: list[int], words: int) -> None:
    sentences = [" ".join(["Word"] * size) + "." for size in sizes]
    text = " ".join(sentences)
    found = windows(text, words=words)
    starts = [0]
    for sentence in sentences:
        starts.append(starts[-1] + len(sentence) + 1)
    for first in range(len(sizes)):
        for last in range(first + 1, len(sizes) + 1):
            if sum(sizes[first:last]) <= words / 2:
                start, end = starts[first], starts[last] - 1
                assert any(one.start <= start and end <= one.end for one in found)


@settings(deadline=None, max_examples=200)
@given(TEXT)
def test_docstrings_lie_within_the_text(text: str) -> None:
    for start, end in docstrings(text):
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()

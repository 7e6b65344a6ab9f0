"""Boxes to lines, blocks, tables, the order of reading, paragraphs; and what is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.pdf.blocks import blocks_of, is_prose
from pipeline.extract.pdf.furniture import PageLines, without_furniture
from pipeline.extract.pdf.layout import document_text
from pipeline.extract.pdf.lines import Line
from pipeline.extract.pdf.order import reading_order
from pipeline.extract.pdf.pieces import lines_of
from pipeline.extract.pdf.tables import with_tables
from pipeline.extract.pdf.words import Word

WIDTH, HEIGHT = 600.0, 800.0


def put(text: str, left: float, base: float, size: float = 10.0, gap: float = 2.5) -> list[Word]:
    """The words of a line as they are drawn: letters of half the size, gaps between words."""
    found = []
    for index, word in enumerate(text.split()):
        right = left + 0.5 * size * len(word)
        found.append(
            Word(word, left, base - 0.75 * size, right, base + 0.25 * size, base, size,
                 index > 0, index > 0)
        )  # fmt: skip
        left = right + gap
    return found


def prose(start: int, left: float, top: float, lines: int) -> list[Word]:
    """Lines of 40 characters each, numbered, that fill 195 points."""
    words: list[Word] = []
    for index in range(lines):
        number = f"w{start + index:03d}"
        line = f"{number} aaaa bbbb cccc dddd eeee ffff gggg"
        words += put(line, left, top + 12 * index)
    return words


def page(*parts: list[Word]) -> PageLines:
    return PageLines(lines_of([word for part in parts for word in part]), WIDTH, HEIGHT)


def numbers(text: str) -> list[int]:
    return [int(word[1:]) for word in text.split() if word[0] == "w" and word[1:].isdigit()]


def test_two_columns_under_a_title_are_read_one_after_the_other() -> None:
    title = put("A title that reaches over both of the columns below it", 100, 60, 16)
    text = document_text([page(title, prose(0, 72, 100, 20), prose(20, 310, 100, 20))])
    assert text.startswith("A title that reaches")
    assert numbers(text) == list(range(40))


def test_columns_drawn_row_by_row_are_read_column_by_column() -> None:
    left, right = prose(0, 72, 100, 12), prose(12, 310, 100, 12)
    rows = [left[8 * at : 8 * at + 8] + right[8 * at : 8 * at + 8] for at in range(12)]
    assert numbers(document_text([page(*rows)])) == list(range(24))


def test_what_reaches_over_both_columns_divides_them() -> None:
    wide = put(" ".join(["wide"] * 18), 72, 250)
    parts = [prose(0, 72, 100, 10), prose(10, 310, 100, 10), wide,
             prose(20, 72, 280, 10), prose(30, 310, 280, 10)]  # fmt: skip
    assert numbers(document_text([page(*parts)])) == list(range(40))


def test_the_cells_of_a_table_come_in_order() -> None:
    rows = [("Parish", "Mills", "Tons"), ("Upper", "12", "3,400"), ("Lower", "7", "980")]
    words = []
    for at, row in enumerate(rows):
        for cell, left in zip(row, (72, 200, 300), strict=True):
            words += put(cell, left, 100 + 14 * at)
    assert document_text([page(words)]) == "Parish\tMills\tTons\nUpper\t12\t3,400\nLower\t7\t980"


def test_a_cell_of_two_lines_is_one_cell() -> None:
    words = put("Parish", 72, 100) + put("Mills", 130, 100) + put("Tons", 200, 100)
    words += put("Upper", 72, 114) + put("12", 130, 120) + put("34", 200, 120)
    words += put("Neighbour", 72, 126)
    words += put("Lower", 72, 142) + put("7", 130, 142) + put("98", 200, 142)
    text = document_text([page(words)])
    assert text == "Parish\tMills\tTons\nUpper Neighbour\t12\t34\nLower\t7\t98"


def test_a_stretched_line_is_no_row_of_a_table() -> None:
    words = prose(0, 72, 100, 5)
    words += put("w005 aaaa bbbb cccccc dddd", 72, 160, gap=19.4)
    words += prose(6, 72, 172, 5)
    for word in words:
        word.follows = word.follows and word.base != 160
    made = page(words)
    assert all(block.rows is None for block in with_tables(made.lines))
    assert "w005 aaaa bbbb cccccc dddd" in document_text([made])


def test_running_heads_and_page_numbers_go() -> None:
    pages = [
        page(put("The Miller's Annals", 72, 40, 8), put(str(at + 7), 500, 40, 8),
             prose(20 * at, 72, 100, 20), put(f"Page {at + 7} of 9", 300, 770, 8))
        for at in range(3)
    ]  # fmt: skip
    text = document_text(pages)
    assert "Annals" not in text
    assert "Page" not in text
    assert numbers(text) == list(range(60))


def test_pages_that_are_all_alike_keep_their_text() -> None:
    assert "only line" in document_text([page(put("The only line here", 72, 100))] * 5)


def test_a_page_number_on_a_single_page_goes_and_a_number_in_text_stays() -> None:
    made = page(prose(0, 72, 100, 10), put("12", 300, 770))
    assert "12" not in document_text([made]).split()
    assert document_text([page(put("1850", 72, 700))]) == "1850"


def test_footnotes_follow_the_page_and_are_marked() -> None:
    first = prose(0, 72, 100, 10)
    mark = Word("1", 263, 205, 266, 209, 205, 6.0, False, True)
    note = [Word("1", 72, 694, 75, 698, 697, 5.0, False, False)]
    note += put("A note of the miller about the wheel.", 76, 700, 8)
    note[1].follows = True
    body = put("The sum of all flour was written down.", 72, 220)
    text = document_text([page(first[:-1], [first[-1], mark], body, note)])
    assert "gggg[1]" in text
    assert text.endswith("[1] A note of the miller about the wheel.")


def test_paragraphs_run_over_columns_and_pages() -> None:
    text = document_text([page(prose(0, 72, 100, 10)), page(prose(10, 72, 100, 10))])
    assert "\n" not in text


def test_an_indented_line_begins_a_paragraph() -> None:
    words = prose(0, 72, 100, 3)
    words += put("w003 aaaa bbbb cccc dddd eeee ffff gg.", 72, 136)
    words += put("w004 aaaa bbbb cccc dddd eeee ffff", 90, 148)
    words += prose(5, 72, 160, 3)
    assert document_text([page(words)]).count("\n\n") == 1


def test_numbers_of_lines_are_no_text() -> None:
    margin = [word for at in range(10) for word in put(str(at + 1), 40, 100 + 12 * at)]
    text = document_text([page(margin, prose(0, 72, 100, 10))])
    assert numbers(text) == list(range(10))


def test_blocks_of_prose_and_others() -> None:
    long, short = blocks_of(page(prose(0, 72, 100, 6), put("Mills", 400, 100)).lines)
    assert is_prose(long)
    assert not is_prose(short)


box = st.tuples(*[st.floats(-1e4, 1e4)] * 2, *[st.floats(0, 1e3)] * 2).map(
    lambda sides: (sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3])
)


@given(st.lists(box, max_size=25))
def test_every_box_is_read_once(boxes: list[tuple[float, float, float, float]]) -> None:
    assert sorted(reading_order(boxes)) == list(range(len(boxes)))


@given(st.permutations(range(12)))
def test_a_column_is_read_downwards_however_it_is_drawn(order: list[int]) -> None:
    boxes = [(0.0, 20.0 * at, 100.0, 20.0 * at + 10) for at in order]
    assert [order[index] for index in reading_order(boxes)] == list(range(12))


def test_many_boxes_are_read_by_rows() -> None:
    boxes = [(10.0 * (at % 30), 10.0 * (at // 30), 10.0 * (at % 30) + 5, 10.0 * (at // 30) + 5)
             for at in range(900)]  # fmt: skip
    assert reading_order(boxes) == list(range(900))


place = st.tuples(
    st.sampled_from(["mill", "7", "•", "of", "a-", "[1]", "1.", "x" * 30]),
    st.floats(-20, 650), st.floats(-20, 850), st.floats(1, 40),
)  # fmt: skip


@given(st.lists(st.lists(place, max_size=30), min_size=1, max_size=3))
def test_any_words_make_a_text(pages: list[list[tuple[str, float, float, float]]]) -> None:
    laid = [page(*(put(*word) for word in words)) for words in pages]
    document_text(laid)


@given(st.lists(st.integers(0, 5), max_size=6))
def test_furniture_leaves_pages_as_many_as_they_were(counts: list[int]) -> None:
    pages = [page(prose(10 * at, 72, 60, count)) for at, count in enumerate(counts)]
    assert len(without_furniture(pages)) == len(pages)


def test_lines_have_text_of_their_words() -> None:
    [line] = lines_of(put("the old mill", 72, 100))
    assert isinstance(line, Line)
    assert line.text == "the old mill"

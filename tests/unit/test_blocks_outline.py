"""The outline of a page against a reader that is slow and obvious; words and leaves likewise."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.extract.blocks import outline as outlines
from pipeline.extract.blocks.features import block_texts, measure_blocks
from pipeline.extract.blocks.forest import SCALE, Forest
from pipeline.extract.blocks.maker_words import (
    WORDS_PER_ELEMENT,
    maker_words,
    numbers_of,
    vocabulary_of,
)
from pipeline.extract.blocks.nesting import nearest, nesting_of
from pipeline.extract.blocks.outline import Outline, enclosing, outline_of

_TAG = re.compile(r"<(/?[a-z][^\s>/]*)([^>]*)>([^<]*)")
MARKUP = [
    *(
        "<p>",
        "</p>",
        "<div class='a b'>",
        "</div>",
        "<b>",
        "</b>",
        "<a href=x>",
        "</a>",
        "<br>",
        "<hr>",
    ),
    *("<img alt='<b>'>", "<ul>", "</ul>", "<li>", "<table>", "<td>", "</table>", "<h2>", "</h2>"),
    *(
        "<!-- <p> -->",
        "<!-->",
        "<?php <b> ?>",
        "<div <span>",
        "<x-long-name-of-an-element>",
        "</p <b>",
    ),
    *(
        "<noscript>",
        "</noscript>",
        "<xmp>",
        "</xmp>",
        "<noframes>",
        "<svg><p>x</p></svg>",
        "<plaintext>",
    ),
    *(
        "<select><option>q</select>",
        "<script>'<p>'</script>",
        "<template>x</template>",
        "<p\u3000x>",
    ),
    *(
        "text",
        "\u00e9t\u00e9 ",
        "&nbsp;",
        "&lt;b&gt;",
        "&amp;amp;",
        " ",
        "\n",
        "\u3000",
        ">",
        "<",
        "\x00",
    ),
]


def read_slowly(source: str) -> dict[str, list[Any]]:
    """The outline of a page as lexbor writes it, one tag after the other."""
    tags, attributes, parents, depths = ["#"], [""], [0], [0]
    first, last, below = [0], [0], [0]
    pieces: list[str] = []
    around, blocks, block_elements, breaks = [], [], [], []
    stack = [0]
    fresh, broken = True, 0
    for name, attribute, text in _TAG.findall(source):
        if name == "br":
            broken += 1
        elif name in outlines._VOID:
            fresh = fresh or name not in outlines._INLINE
        elif not name.startswith("/"):
            parents.append(stack[-1])
            depths.append(len(stack))
            stack.append(len(tags))
            tags.append(name)
            attributes.append(attribute)
            first.append(len(pieces))
            last.append(0)
            below.append(0)
            fresh = fresh or name not in outlines._INLINE
        elif len(stack) > 1:
            closed = stack.pop()
            last[closed], below[closed] = len(pieces), len(tags) - 1
            fresh = fresh or tags[closed] not in outlines._INLINE
        if text and not text.isspace():
            if fresh:
                holder = stack[-1]
                while holder and tags[holder] in outlines._INLINE:
                    holder = parents[holder]
                block_elements.append(holder)
            breaks.append(0 if fresh else min(broken, 2))
            fresh, broken = False, 0
            pieces.append(text)
            around.append(stack[-1])
            blocks.append(len(block_elements) - 1)
        elif text and not fresh:
            pieces[-1] += "\n" if "\n" in text else " "
    for element in stack:
        last[element], below[element] = len(pieces), len(tags) - 1
    links = [False]
    for element in range(1, len(tags)):
        links.append(tags[element] == "a" or links[parents[element]])
    return {
        "tags": tags, "attributes": attributes, "parents": parents, "depths": depths, "links": links,
        "first_piece": first, "last_piece": last, "last_below": below,
        "pieces": [html.unescape(piece) for piece in pieces], "piece_elements": around,
        "piece_blocks": blocks, "block_elements": block_elements, "breaks": breaks,
    }  # fmt: skip


def assert_same(outline: Outline, expected: dict[str, list[Any]]) -> None:
    for field, values in expected.items():
        assert list(getattr(outline, field)) == values, field
    assert outline.sizes.tolist() == [len(piece) for piece in outline.pieces]
    same = {kind: at for at, kind in enumerate(outline.kinds.tolist())}
    for kind, tag, attributes in zip(
        outline.kinds.tolist(), outline.tags, outline.attributes, strict=True
    ):
        assert (tag, attributes) == (outline.tags[same[kind]], outline.attributes[same[kind]])


def written(page: str) -> str:
    """What lexbor writes, without comments and what is never text."""
    parser = outlines.LexborHTMLParser(page.encode("utf-8", "replace"))
    parser.strip_tags(outlines._STRIPPED)
    return re.sub(r"<!--.*?-->", "", parser.html or "", flags=re.DOTALL)


@given(st.lists(st.sampled_from(MARKUP), max_size=50).map("".join))
@settings(max_examples=400, deadline=None)
def test_the_outline_is_that_of_a_slow_reader(page: str) -> None:
    assert_same(outline_of(page), read_slowly(written(page)))


@given(
    st.text("<>/abpr \n&;!-?\"='\u3000", max_size=80)
    | st.lists(st.sampled_from(MARKUP)).map("".join)
)
@settings(max_examples=200, deadline=None)
def test_what_lexbor_would_not_write_is_read_all_the_same(source: str) -> None:
    outline = outlines._read(source, False)
    assert len(outline.pieces) == len(outline.piece_elements) == len(outline.piece_blocks)
    assert (outline.first_piece <= outline.last_piece).all()
    assert (outline.parents[1:] < np.arange(1, len(outline.tags))).all()


@pytest.mark.parametrize(
    ("page", "texts"),
    [
        ("<div <span>one</div>two", ["one", "two"]),
        ("<p>a</p><xmp>b > c > d</xmp>", ["a", "b > c > d"]),
        ("<p title='<b>' alt='a > b'>a &lt;b&gt; c</p>", ["a <b> c"]),
        ("a<!-- <p> -->b<!-- > -->", ["ab"]),
        ("<p\u3000class=x>one</p\u3000class=x>two", ["one", "two"]),
    ],
    ids=["name", "unescaped", "values", "comments", "space"],
)
def test_signs_that_are_no_tags(page: str, texts: list[str]) -> None:
    assert block_texts(outline_of(page)) == texts


def test_end_tags_of_nothing_are_passed_over() -> None:
    nesting = nesting_of(np.array([-1, 1, 1, 0, -1, -1, -1, 1]))
    assert nesting.begins.tolist() == [-1, 1, 2, 7]
    assert nesting.ends.tolist() == [8, 5, 4, 8]
    assert nesting.parents.tolist() == [0, 0, 1, 0]
    assert nesting.last_below.tolist() == [3, 2, 2, 3]
    assert nesting.around(np.arange(8)).tolist() == [0, 1, 2, 2, 1, 0, 0, 3]
    assert nesting_of(np.zeros(0, np.int64)).ends.tolist() == [0]


@given(st.lists(st.tuples(st.integers(0, 1 << 30), st.booleans()), max_size=60))
def test_the_nearest_of_some_elements(elements: list[tuple[int, bool]]) -> None:
    parents = [0] + [draw % number for number, (draw, _) in enumerate(elements, 1)]
    these = [False] + [one for _, one in elements]
    expected = [0]
    for element in range(1, len(parents)):
        expected.append(element if these[element] else expected[parents[element]])
    assert nearest(np.array(these), np.array(parents)).tolist() == expected


def test_what_encloses_a_block() -> None:
    outline = outline_of("<p>a</p><table><td>b<table><td><i>c</i></table></td></table>")
    named = [outline.tags[one] if one >= 0 else "" for one in enclosing(outline, "table").tolist()]
    assert named == ["", "table", "table"]
    assert len(set(enclosing(outline, "table").tolist())) == 3


def test_numbers_are_those_of_the_words() -> None:
    names = "aB-cd menu-item x " * 3
    elements = [
        ("p", ""),
        ("div", f' class="{names}" id="menu" hidden=""'),
        ("div", ' style="display: none" role="main" rel="a b c d nofollow"'),
        ("li", ' aria-hidden="false" class="one  hidden two"'),
        ("li", f' class="{"long-" * 30}name" class="name"'),
    ]
    known = (
        "<div",
        "item",
        "menu",
        "@hidden",
        "role=main",
        "rel=nofollow",
        "long",
        "name",
        "cd",
        "<li",
    )
    vocabulary = vocabulary_of(known)
    for tag, attributes in elements * 2:
        numbers = [known.index(word) + 1 for word in maker_words(tag, attributes) if word in known]
        padded = (numbers + [0] * WORDS_PER_ELEMENT)[:WORDS_PER_ELEMENT]
        assert numbers_of(tag, attributes, vocabulary) == padded


def test_paths_of_the_same_names_and_classes_are_alike() -> None:
    page = (
        "<ul class=a><li><a href=1 class=x>one</a><li><a class=x href=2>two</a><li><a class=y>three</a></ul>"
        "<ul class=b><li><a href=1 class=x>four</a></ul>"
    )
    alike = measure_blocks(outline_of(page), vocabulary_of(("<li",))).alike
    assert alike[0] == alike[1]
    assert len(set(alike.tolist())) == 3


def test_the_forest_is_that_of_a_slow_reader() -> None:
    random = np.random.default_rng(3)
    forest = Forest(
        features=random.integers(0, 9, 40).astype(np.int16),
        borders=random.normal(size=40).astype(np.float32),
        asked=random.integers(0, 40, (30, 6)).astype(np.int16),
        leaves=random.integers(-3000, 3000, (30, 64)).astype(np.int16),
        bias=7,
    )
    columns = random.normal(size=(9, 300)).astype(np.float32)
    for row, found in zip(columns.T, forest.log_odds(columns).tolist(), strict=True):
        total = forest.bias
        for asked, leaves in zip(forest.asked, forest.leaves, strict=True):
            answers = row[forest.features[asked]] > forest.borders[asked]
            total += int(leaves[int((answers << np.arange(6)).sum())])
        assert found == total / SCALE

"""`engine: blocks`: the outline, what is measured, the forest, the choice, and the text that comes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError, ModelError
from pipeline.extract import Page
from pipeline.extract.blocks.choose import (
    BALANCED,
    PRECISE,
    between,
    choose_blocks,
    first_of_each,
    headings_before,
    plain_paragraphs,
    whole,
    without,
)
from pipeline.extract.blocks.context import first_round, second_round, word_scores
from pipeline.extract.blocks.features import NUMBERS, Measured, block_texts, measure_blocks
from pipeline.extract.blocks.forest import SCALE, Forest
from pipeline.extract.blocks.hints import page_hints
from pipeline.extract.blocks.maker_words import maker_words, vocabulary_of
from pipeline.extract.blocks.model import KINDS, SHIPPED, Model, load_model, save_model
from pipeline.extract.blocks.outline import MAX_TAGS, outline_of
from pipeline.extract.blocks.product_data import hidden_descriptions
from pipeline.extract.blocks.render import as_markdown, as_text
from pipeline.extract.blocks.site import repeated_blocks, write_repeated
from pipeline.extract.blocks.threads import below_content, in_threads
from pipeline.extract.blocks.told import TOLD, told_by, told_columns
from pipeline.extract.html import make_engine

SENTENCE = "The miller opened the sluice before dawn, and the wheel began to turn slowly. "
ARTICLE = f"""<!DOCTYPE html><html lang="en"><head><title>The mill</title></head><body>
<header><nav class="menu"><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li>
<li><a href="/contact">Contact</a></li></ul></nav></header>
<main><article class="post"><h1>The mill by the river</h1>
<p class="byline">By A. Miller</p>
<p>{SENTENCE * 3}</p><p>{SENTENCE * 4}</p>
<h2>The wheel</h2><p>{SENTENCE * 3}</p>
<table><tr><th>Part</th><th>Wood</th></tr><tr><td>Shaft</td><td>Oak</td></tr></table>
<pre><code>def turn():
    return "slowly"</code></pre>
<ul><li>Open the sluice.</li><li>Wait until the <b>wheel</b> turns.</li></ul>
</article></main>
<footer><p>© 2024 Mill Press</p><ul><li><a href="/privacy">Privacy</a></li>
<li><a href="/terms">Terms</a></li></ul></footer></body></html>"""


def texts_of(page: str) -> list[str]:
    return block_texts(outline_of(page))


def test_blocks_end_at_block_level_tags_only() -> None:
    page = "<div>one <b>two</b><i>three</i><p>four<br>five</p>six</div><span>seven</span> eight"
    assert texts_of(page) == ["one twothree", "four five", "six", "seven eight"]


def test_what_is_never_text_is_left_out() -> None:
    page = (
        "<head><title>t</title></head><body><script>var a = '<p>no</p>'</script><style>p{}</style>"
        "<svg><text>no</text></svg><!-- <p>no</p> --><select><option>no</option></select><p>yes</p>"
    )
    assert texts_of(page) == ["yes"]


def test_posts_within_noscript_are_text() -> None:
    page = "<body><div id=app></div><noscript><div class=post><p>First post.</p></div></noscript>"
    assert texts_of(page) == ["First post."]


def test_references_are_resolved_after_tags_are_read() -> None:
    assert texts_of("<p title='a > b'>1 &lt; 2 &amp;amp; 3</p>") == ["1 < 2 &amp; 3"]


@given(st.text(max_size=400) | st.text("<>/abpdiv =\"'&;!-", max_size=400))
@settings(max_examples=150, deadline=None)
def test_total_on_any_string(page: str) -> None:
    outline = outline_of(page)
    count = len(outline.block_elements)
    assert len(outline.pieces) == len(outline.piece_blocks) == len(outline.breaks)
    assert len(block_texts(outline)) == count
    assert (outline.parents <= np.arange(len(outline.tags))).all()
    if count:
        measured = measure_blocks(outline, vocabulary_of(("<p", "<div")))
        assert measured.numbers.shape == (NUMBERS, count)
        assert np.isfinite(measured.numbers).all()
    assert isinstance(make_engine("blocks").extract(Page(page)), str)


def test_surrogates_and_controls_are_no_trouble() -> None:
    page = "<p>\ud800 a\x00b</p>" + "<p>\u0600</p><p>&nbsp;</p><p>&#0;</p>"
    assert isinstance(make_engine("blocks").extract(Page(page)), str)


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 200_000 + "deep" + "</div>" * 200_000,
        "<p>x</p>" * 400_000,
        "<b>" * 300_000 + "x",
        "<" * 1_000_000,
        '<p class="' + "a " * 500_000,
        "<a href=x" * 200_000,
        "<table>" * 50_000 + "<td>x",
    ],
    ids=["deep", "many", "inline", "open", "class", "attribute", "tables"],
)
def test_hostile_pages_end(page: str) -> None:
    # Were one step a square of the size, this would not end within the suite's limit.
    assert isinstance(make_engine("blocks").extract(Page(page)), str)


def test_a_page_of_too_many_tags_gives_what_was_found() -> None:
    outline = outline_of("<p>x</p>" * MAX_TAGS)
    assert outline.truncated
    assert len(outline.pieces) == MAX_TAGS // 2 or len(outline.pieces) > 1000


def test_a_page_that_is_nested_too_deep_gives_what_was_found() -> None:
    outline = outline_of("<p>first</p>" + "<div>" * 20_000 + "deep" + "</div>" * 20_000)
    assert outline.truncated
    assert outline.pieces == ["first"]
    flat = "<ul>" + "<li>x<br><img src=a>" * 9_000 + "</ul>"
    assert not outline_of(flat).truncated


def test_maker_words_of_an_element() -> None:
    words = maker_words(
        "div", ' class="post-Body mainText" id="c12" role="main" style="display: none"'
    )
    assert words == ("<div", "post", "body", "main", "text", "role=main", "@hidden")


def test_numbers_do_not_depend_on_the_language() -> None:
    page = "<body><p>{}</p></body>"
    known = vocabulary_of(("<p",))
    one = measure_blocks(outline_of(page.format("Le chat dort ici.")), known)
    two = measure_blocks(outline_of(page.format("Wo bin es ich.xx"[:15] + "hx")), known)
    assert one.numbers.shape == two.numbers.shape
    chinese = measure_blocks(outline_of(page.format("磨坊主在黎明前打开了水闸。")), known)
    assert chinese.lengths[0] == 7  # twelve characters are about six words, and one


def test_forest_adds_the_leaves_that_the_answers_name() -> None:
    forest = Forest(
        features=np.array([0, 1], np.int16),
        borders=np.array([0.5, 2.0], np.float32),
        asked=np.array([[0, 1], [1, 1]], np.int16),
        leaves=np.array([[0, 1, 2, 3], [4, 5, 6, 7]], np.int16) * np.int16(SCALE // 8),
        bias=SCALE,
    )
    columns = np.array([[0.0, 1.0, 1.0], [3.0, 1.0, 3.0]], np.float32)
    expected = [(2 + 7) / 8 + 1, (1 + 4) / 8 + 1, (3 + 7) / 8 + 1]
    assert forest.log_odds(columns).tolist() == expected


def test_a_batch_is_judged_as_one_by_one() -> None:
    model = load_model()
    outline = outline_of(ARTICLE)
    measured = measure_blocks(outline, model.vocabulary)
    first = first_round(
        measured,
        word_scores(measured, model.word_scores),
        np.zeros((TOLD, len(measured.texts))),
        np.full(len(KINDS), 1 / 7),
    )
    alone = [model.first.log_odds(first[:, [at]])[0] for at in range(first.shape[1])]
    assert model.first.log_odds(first).tolist() == alone
    likely = np.full(first.shape[1], 0.5)
    second = second_round(measured, first, likely)
    assert second.dtype == np.float32
    assert second.flags.c_contiguous


@given(st.lists(st.tuples(st.integers(0, 1024), st.integers(1, 200)), min_size=1, max_size=40))
def test_the_choice_is_best_among_all_thresholds(blocks: list[tuple[int, int]]) -> None:
    likely = np.array([chance for chance, _ in blocks]) / 1024
    lengths = np.array([length for _, length in blocks], float)
    for weighing in (BALANCED, PRECISE):
        chosen = choose_blocks(likely, lengths, weighing)
        assert (chosen | (likely <= weighing.sure)).all()
        assert not (chosen & (likely <= weighing.doubtful)).any()
    assert (choose_blocks(likely, lengths, PRECISE) <= choose_blocks(likely, lengths)).all()


def test_main_text_of_a_plain_article() -> None:
    text, signals = make_engine("blocks").read(Page(ARTICLE, "https://press.example/2024/the-mill"))
    assert text.count("sluice before dawn") == 7  # the third paragraph repeats the first
    assert "Privacy" not in text
    assert "About us" not in text
    assert signals["extract.page_type"] in KINDS
    assert 0 < float(signals["extract.page_type_score"]) <= 1


def test_markdown_keeps_structure() -> None:
    outline = outline_of(ARTICLE)
    texts = block_texts(outline)
    text = as_markdown(outline, texts, range(len(texts)))
    assert "## The wheel" in text
    assert "| Part | Wood |\n| --- | --- |\n| Shaft | Oak |" in text
    assert '```\ndef turn():\n    return "slowly"\n```' in text
    assert "- Open the sluice.\n- Wait until the wheel turns." in text


def test_plain_text_has_a_line_for_each_block_and_row() -> None:
    outline = outline_of(ARTICLE)
    lines = as_text(outline, block_texts(outline), range(len(outline.block_elements))).split("\n")
    assert "Shaft\tOak" in lines
    assert "- Wait until the wheel turns." in lines
    assert '    return "slowly"' in lines


def test_line_breaks_stay() -> None:
    page = (
        "<p>The river runs,<br>the <b>wheel</b>\n goes round,<br/> <br>and the corn is ground.</p>"
        "<ul><li>one<br>thing</li></ul><blockquote>He said<br><br>so did I</blockquote>"
        "<h2>The<br>end</h2><table><tr><td>a<br>b</td><td>c</td></tr></table>"
    )
    outline = outline_of(page)
    texts = block_texts(outline)
    assert texts[0] == "The river runs, the wheel goes round, and the corn is ground."
    assert as_text(outline, texts, range(len(texts))).split("\n") == [
        "The river runs,", "the wheel goes round,", "and the corn is ground.",
        "- one", "thing", "He said", "so did I", "The", "end", "a b\tc",
    ]  # fmt: skip
    assert as_markdown(outline, texts, range(len(texts))) == (
        "The river runs,  \nthe wheel goes round,\n\nand the corn is ground.\n\n"
        "- one  \n  thing\n\n> He said\n> \n> so did I\n\n## The end\n\n"
        "| a b | c |\n| --- | --- |"
    )


def test_lists_within_lists_and_several_blocks_of_an_item() -> None:
    page = "<ol><li>one<ul><li>inner</li></ul></li><li><p>two</p><p>more</p></li></ol>"
    outline = outline_of(page)
    text = as_markdown(outline, block_texts(outline), range(len(outline.block_elements)))
    assert text == "1. one\n  - inner\n2. two\n   more"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>Hello, world.</p>", "Hello, world."),
        ("<h1>Mill</h1><pre>turn the\n  wheel</pre>", "Mill\nturn the\n  wheel"),
        ("<ul><li>Milk</li><li>Eggs</li></ul>", "- Milk\n- Eggs"),
        (
            "<nav><a href=/>Home</a></nav><p>The mill stands by the river.</p><footer>2024</footer>",
            "The mill stands by the river.",
        ),
        ("<body><noscript>Enable JavaScript to go on.</noscript><div id=root></div>", ""),
        ("<form><label>Name</label><label>Password</label><button>Go</button></form>", ""),
        ("<p><a href=/a>One</a></p><p><a href=/b>Two</a></p><p>Three</p>", ""),
        ("\x8b\x01 no page at all", ""),
    ],
    ids=["sentence", "pre", "list", "menu", "notice", "form", "links", "bytes"],
)
def test_a_page_that_is_all_text_is_kept(page: str, text: str) -> None:
    assert make_engine("blocks").extract(Page(page)) == text


def test_a_table_is_kept_whole_or_as_it_is() -> None:
    chosen = np.array([True, True, False, False, True])
    groups = np.array([3, 3, 3, 7, -1])
    lengths = np.array([2.0, 2.0, 3.0, 9.0, 1.0])
    assert whole(chosen, groups, lengths).tolist() == [True, True, True, False, True]


def test_a_block_said_twice_is_kept_once() -> None:
    texts = ["four words and more", "Reply", "four words and more", "Reply", "four words and more"]
    lengths = np.array([4.0, 1.0, 4.0, 1.0, 4.0])
    kept = first_of_each(np.array([False, True, True, True, True]), texts, lengths)
    assert kept.tolist() == [False, True, True, True, False]


def test_what_would_leave_nothing_stays() -> None:
    lengths = np.array([50.0, 40.0, 10.0])
    chosen = np.array([True, True, True])
    comments = np.array([False, True, True])
    assert without(chosen, comments, lengths).tolist() == [True, False, False]
    assert without(chosen, ~comments, lengths).tolist() == [False, True, True]
    assert without(chosen, np.array([True, True, False]), lengths).tolist() == [True] * 3


def test_headings_come_with_their_text() -> None:
    chosen = np.array([False, True, False, True, False, False])
    headings = np.array([True, False, True, False, True, False])
    likely = np.array([0.5, 0.9, 0.2, 0.9, 0.2, 0.0])
    # Not the one before all text, which is the title's, nor the one that nothing follows.
    assert headings_before(chosen, headings, likely).tolist() == [0, 1, 1, 1, 0, 0]
    unlikely = np.array([0.5, 0.9, 0.05, 0.9, 0.2, 0.0])
    assert headings_before(chosen, headings, unlikely).tolist() == chosen.tolist()


def test_what_stands_within_the_text_comes_with_it() -> None:
    chosen = np.array([False, True, False, False, True, False])
    captions = np.array([True, False, True, False, False, True])
    assert between(chosen, captions).tolist() == [0, 1, 1, 0, 1, 0]
    assert not between(np.zeros(6, np.bool_), captions).any()


def test_captions_come_with_the_text_around_them_if_they_are_no_credits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def likely(_: Model, measured: Measured, *__: object) -> np.ndarray:
        return np.array([0.9 if text.endswith(".") else 0.0 for text in measured.texts])

    monkeypatch.setattr(Model, "likely", likely)
    figures = "".join(
        f"<figure><figcaption>{said}</figcaption></figure>"
        for said in ("The wheel in May", "Photo: Ada")
    )
    page = f"{figures}<p>This turns the wheel.</p>{figures}<p>And so on.</p>{figures}"
    text = "This turns the wheel.\nThe wheel in May\nAnd so on."
    assert make_engine("blocks").extract(Page(page)) == text


def test_code_within_the_text_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def likely(_: Model, measured: Measured, *__: object) -> np.ndarray:
        return np.array([0.0 if "--" in text else 0.9 for text in measured.texts])

    monkeypatch.setattr(Model, "likely", likely)
    listing = "<pre>mill --{}\nmill --stop</pre>"
    page = f"<p>This turns the wheel:</p>{listing.format('grind')}<p>And so on.</p>{listing}"
    engine = make_engine("blocks")
    assert engine.extract(Page(page)) == "This turns the wheel:\nAnd so on."
    kept = make_engine("blocks", {"code": True}).extract(Page(page))
    assert kept == "This turns the wheel:\nmill --grind\nmill --stop\nAnd so on."


def test_where_nothing_is_found_long_paragraphs_are() -> None:
    lengths = np.array([30.0, 40.0, 25.0, 3.0])
    assert plain_paragraphs(lengths, np.zeros(4)).tolist() == [True, True, True, False]
    assert not plain_paragraphs(lengths, np.array([0.0, 0.5, 0.0, 0.0])).any()


def test_formulas_are_written_as_tex() -> None:
    page = (
        "<p>Let <math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation>"
        "</semantics></math> and <img class=latex alt='a&lt;b'> be.</p><p><math><mi>y</mi></math></p>"
    )
    assert texts_of(page) == ["Let $x^2$ and $a<b$ be.", "y"]


def test_a_description_that_only_the_data_have_is_added() -> None:
    words = "A kettle of hammered copper, tinned within, with a handle of beech that stays cool for hours."
    html = (
        '<script type="application/ld+json">{"@graph": [{"@type": "Product", "description": '
        f'"&lt;p&gt;{words}&lt;/p&gt;"}}]}}</script><script type="application/ld+json">{{broken</script>'
    )
    assert hidden_descriptions(html, "Kettle") == [words]
    assert hidden_descriptions(html, words.upper()) == []
    assert hidden_descriptions("<p>no data</p>", "") == []


TOLD_PAGE = f"""<html><head><title>The old mill turns again - The Press</title>
<meta content='The wheel &amp; the river' property="og:description">
<meta property="og:title" content="The old mill turns again">
<script type="application/ld+json">
{{"@type": "NewsArticle", "articleBody": "{SENTENCE}\\"It turns,\\" he said."}}</script></head>
<body><ul><li><a href="/1">A new bridge over the river</a></li></ul><h1>The old mill turns again</h1>
<p>{SENTENCE}</p><p>Read more about bridges.</p></body></html>"""


def test_what_a_page_tells_of_itself() -> None:
    told = told_by(TOLD_PAGE)
    assert told.title == "the old mill turns again - the press"
    assert told.headline == "the old mill turns again"
    assert told.description == "the wheel & the river"
    assert told.body.endswith('"it turns," he said.')
    outline = outline_of(TOLD_PAGE)
    texts = block_texts(outline)
    columns, title = told_columns(told, outline, texts)
    assert texts[title] == "The old mill turns again"
    assert columns.shape == (TOLD, len(texts))
    assert columns[0].tolist() == [
        0.0,
        1.0,
        pytest.approx(1 / 3, abs=0.01),
        0.0,
    ]  # "turn" is no "turns"
    assert columns[6].tolist() == [0, 0, 1, 0]  # the article's body has the paragraph


@pytest.mark.parametrize(
    "html",
    [
        "<title",
        "<title>",
        '"articleBody"',
        '"articleBody": "',
        '"articleBody": "' + "\\" * 5000,
        '"articleBody": {"a": 1}',
        '<meta "og:title"',
        '"og:title"',
        "<meta property='og:title' content=''>",
    ],
)
def test_what_is_told_is_total(html: str) -> None:
    told = told_by(html)
    outline = outline_of(html + "<p>text of a page</p>")
    assert told_columns(told, outline, ["text of a page"])[0].shape == (TOLD, 1)


def test_a_page_that_tells_nothing() -> None:
    outline = outline_of("<p>磨坊主在黎明前打开了水闸</p>")
    columns, _ = told_columns(told_by(""), outline, block_texts(outline))
    assert columns[:, 0].tolist() == [0, 0, 0, 0, 0, -1, -1, 0]
    spoken = told_by("<title>磨坊主在黎明</title>")
    assert told_columns(spoken, outline, block_texts(outline))[0][0, 0] == 1


COMMENTS = "".join(
    f'<li class="comment"><div class="comment-author">Reader {n}</div><p>Dear miller number {n}, '
    f"I read of the wheel with joy, and my own mill turns since then, day and night.</p></li>"
    for n in range(1, 5)
)
COMMENTED = ARTICLE.replace(
    "</article>", f'</article><section id="comments"><ol>{COMMENTS}</ol></section>'
)


def test_comments_below_an_article_by_option() -> None:
    page = Page(COMMENTED, "https://press.example/2024/the-mill")
    without_them = make_engine("blocks").extract(page)
    with_them = make_engine("blocks", {"comments": True}).extract(page)
    assert "Dear miller" not in without_them
    assert with_them.count("Dear miller") == 4
    assert [line for line in with_them.split("\n") if "Dear miller" not in line] == (
        without_them.split("\n")
    )


def test_threads_are_content_where_the_page_is_a_forum() -> None:
    outline = outline_of(COMMENTED)
    assert in_threads(outline).sum() == 8
    forum = np.array([float(kind == "forum") for kind in KINDS])
    assert not below_content(outline, forum).any()
    assert below_content(outline, np.zeros(len(KINDS))).sum() == 8


def test_the_title_by_option() -> None:
    page = Page(ARTICLE, "https://press.example/2024/the-mill")
    html = ARTICLE.replace("<title>The mill<", "<title>The mill by the river<")
    text = make_engine("blocks", {"title": True}).extract(Page(html, page.url))
    assert text.startswith("The mill by the river\n")
    marked = make_engine("blocks", {"title": True, "markdown": True}).extract(Page(html))
    assert marked.startswith("# The mill by the river\n")


def test_what_a_site_repeats_is_left_out(tmp_path: Path) -> None:
    notice = (
        "The mill museum is open from May to October, and on all Sundays in winter, except in snow."
    )
    pages = [
        ARTICLE.replace("<h2>", f"<p>{notice}</p><h2>").replace("dawn", f"dawn of day {day}")
        for day in range(3)
    ]
    assert notice in make_engine("blocks").extract(Page(pages[0]))
    write_repeated(repeated_blocks(pages), tmp_path / "site.txt")
    engine = make_engine("blocks", {"repeated": str(tmp_path / "site.txt")})
    text = engine.extract(Page(pages[0]))
    assert notice not in text
    assert "dawn of day 0" in text
    assert "repeated" in engine.parameters()
    with pytest.raises(ConfigError, match=r"repeated: .*none\.txt"):
        make_engine("blocks", {"repeated": str(tmp_path / "none.txt")}).extract(Page(ARTICLE))


def test_hints_of_an_address_and_of_schema_types() -> None:
    html = '<meta property="og:type" content="article"><script>{"@type": ["NewsArticle"]}</script>'
    hints = page_hints(html, "https://news.example/2024/05/the-old-mill.html?id=3")
    assert {"og=article", "@NewsArticle", "u:mill", "h:news", "year", "html", "slug2"} <= hints
    assert "unknown" in page_hints("", "")


def test_a_saved_model_is_the_same(tmp_path: Path) -> None:
    model = load_model()
    save_model(model, tmp_path / "one")
    save_model(model, tmp_path / "two")
    for name in ("model.npz", "words.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    measured = measure_blocks(outline_of(ARTICLE), model.vocabulary)
    kinds = model.kinds(measured, set())
    told = np.zeros((TOLD, len(measured.texts)))
    again = load_model(tmp_path / "one")
    expected = model.likely(measured, told, kinds).tolist()
    assert again.likely(measured, told, kinds).tolist() == expected


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    save_model(load_model(), tmp_path)
    (tmp_path / "model.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match="block model"):
        load_model(tmp_path)
    (tmp_path / "words.json").write_text(json.dumps({"words": []}))
    with pytest.raises(ModelError):
        load_model(tmp_path / "none")


def test_the_shipped_model_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 2_000_000

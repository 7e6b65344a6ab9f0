"""The lexical tier: what is a candidate, what is boilerplate, and what an index on disk promises."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from audits.items import Item
from audits.lexical.boilerplate import Frequent, Suppression
from audits.lexical.hits import LexicalHit, Tally
from audits.lexical.item_ngrams import COMMON, Part
from audits.lexical.matching import Matching, copies
from audits.lexical.tier import LexicalIndex
from pipeline.core.errors import ConfigError, SourceError

MILL = Item(
    "invented",
    "mill",
    "In which year did the miller of Harrowford sell the upper water wheel to his brother?",
    choices=(
        "In the wet year of the great flood",
        "Never, since it burnt down first",
        "1840",
        "1841",
    ),
    answer="1841",
    solution="The deed of sale is dated three years after the flood of 1838, so it was sold then.",
)
LOOM = Item(
    "invented",
    "loom",
    "How many yards of linen does a weaver finish in nine days at seven yards a day?",
    answer="63",
    solution="That makes sixty three, since seven times nine is just below seven times ten.",
)
STEM = Item(
    "invented",
    "stem",
    "Tempered steel is",
    choices=("brittle", "harder than before", "soft", "magnetic only"),
    answer="harder than before",
)
ASKED = Item("invented", "asked", "Who tempered steel first?", answer="Nobody knows")
ITEMS = [MILL, LOOM, STEM, ASKED]
FILLER = "Rain fell on the hills all night and the road to the market was closed until noon. "


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex.build(ITEMS)


def find(index: LexicalIndex, text: str, matching: Matching | None = None) -> list[LexicalHit]:
    return index.find([text], matching=matching)


def written(item: Item) -> str:
    lines = [f"{'ABCD'[at]}. {choice}" for at, choice in enumerate(item.choices)]
    return "\n".join([item.question, *lines, item.answer])


def test_a_question_in_a_page(index: LexicalIndex) -> None:
    text = FILLER * 3 + LOOM.question + " " + FILLER * 3
    (hit,) = find(index, text)
    assert (hit.text, hit.item, hit.question, hit.solution) == (0, 1, 1.0, 0.0)
    assert text[hit.start : hit.end] == LOOM.question.replace("a day?", "a day")
    assert hit.ngrams == 11  # of fifteen words, "a" is none
    assert hit.evidence == pytest.approx(11.0)


def test_each_part_is_weighed_for_itself(index: LexicalIndex) -> None:
    assert MILL.solution
    (hit,) = find(index, FILLER + MILL.solution)
    assert (hit.question, hit.solution, hit.passage) == (0.0, 1.0, 0.0)
    (hit,) = find(index, "\n".join(MILL.choices[:2]))
    assert (hit.question, hit.choices, hit.answer) == (0.0, 1.0, 0.0)
    half = " ".join(MILL.question.split()[:9])
    (hit,) = find(index, half)
    assert 0.3 < hit.question < 0.5


def test_a_passage_is_told_from_its_question() -> None:
    passage = (
        "The ferry at Netherby carried sheep, wool and letters over the river until the bridge. "
    )
    items = [
        Item("invented", str(number), question, passage=passage)
        for number, question in enumerate(
            [
                "What did the Netherby ferry carry besides sheep?",
                "Until when was there a ferry then?",
            ]
        )
    ]
    index = LexicalIndex.build(items)
    hits = find(index, FILLER + passage)
    assert [(hit.item, hit.passage, hit.question) for hit in hits] == [(0, 1.0, 0.0), (1, 1.0, 0.0)]
    hits = find(index, passage + items[1].question)
    assert [(hit.item, hit.question) for hit in hits] == [(1, 1.0), (0, 0.0)]
    assert hits[0].evidence > 8  # a passage that items share is one text, and rare


def test_two_words_are_no_evidence_and_three_are_beside_a_choice(index: LexicalIndex) -> None:
    assert find(index, "Nobody knows.") == []
    assert find(index, "Who tempered steel first? " + FILLER) == []
    (hit,) = find(index, "Who tempered steel first? Nobody knows.")
    assert (hit.item, hit.question, hit.answer) == (3, 1.0, 1.0)
    assert find(index, "Who tempered steel first? " + FILLER * 10 + "Nobody knows.") == []


@pytest.mark.parametrize(
    "text",
    [
        "Tempered steel is\nA. brittle\nB. harder than before\nC. soft\nD. magnetic only",
        "Tempered steel is (a) harder than before (b) soft (c) magnetic only (d) brittle",
        "tempered steel IS: harder than before!",
    ],
)
def test_a_short_stem_is_found_by_its_choices(index: LexicalIndex, text: str) -> None:
    hits = [hit for hit in find(index, FILLER + text + " " + FILLER) if hit.item == 2]
    assert [hit.question for hit in hits] == [1.0]
    assert hits[0].choices > 0


def test_short_choices_count_in_their_order() -> None:
    item = Item(
        "invented", "0", "What is true of it?", choices=("red ink", "blue dye", "old gum", "wax")
    )
    index = LexicalIndex.build([item])
    assert Part.ROW in index.ngrams.parts
    (hit,) = find(index, FILLER + "- red ink\n- blue dye\n- old gum\n- wax")
    assert (hit.question, hit.choices) == (0.0, 1.0)
    assert find(index, "wax, red ink, old gum and blue dye") == []


def test_numbers_alone_are_no_run() -> None:
    index = LexicalIndex.build(
        [Item("invented", "0", "Which are prime?", choices=("1, 2, 3", "2, 3, 5"))]
    )
    assert index.ngrams.widths.min() >= 3
    assert find(index, "1, 2, 3 and 2, 3, 5") == []


def test_two_copies_are_two_hits_even_side_by_side(index: LexicalIndex) -> None:
    for between in ("\n", FILLER, FILLER * 20):
        text = written(MILL) + between + written(MILL) + "\n"
        hits = sorted(find(index, text), key=lambda hit: hit.start)
        assert [hit.item for hit in hits] == [0, 0]
        assert hits[0].end <= hits[1].start
        assert all(text[hit.start :].startswith("In which year") for hit in hits)


def test_matches_that_are_far_apart_do_not_add_up(index: LexicalIndex) -> None:
    words = MILL.question.split()
    pieces = [" ".join(words[at : at + 5]) for at in (0, 5, 10)]
    assert find(index, (" " + FILLER * 8).join(pieces), Matching(question=0.3)) == []
    (hit,) = find(index, (" and then he said ").join(pieces), Matching(question=0.2))
    assert hit.ngrams == 3


def test_how_far_apart_is_set(index: LexicalIndex) -> None:
    words = LOOM.question.split()
    text = " ".join(words[:7]) + " " + FILLER + " ".join(words[8:])
    near, far = Matching(gap=0.0, slack=15), Matching(gap=0.0, slack=40)
    assert [hit.ngrams for hit in find(index, text, near)] == [4, 2]
    assert [hit.ngrams for hit in find(index, text, far)] == [6]


def test_an_item_that_repeats_itself_is_one_copy() -> None:
    line = "Row the old boat slowly down the long river to the mill. "
    item = Item("invented", "0", line + "Then rest a while. " + line + "What did you do twice?")
    (hit,) = find(LexicalIndex.build([item]), FILLER + item.question)
    assert hit.question == 1.0


def test_the_best_hits_come_first_and_the_rest_is_counted() -> None:
    draw = random.Random(1)
    words = [f"w{number}" for number in range(500)]
    items = [Item("invented", str(n), " ".join(draw.choices(words, k=12))) for n in range(60)]
    index = LexicalIndex.build(items)
    text = "\n".join(item.question for item in items)
    tally = Tally()
    assert len(index.find([text], matching=Matching(spacing=0), tally=tally)) == 20
    assert (tally.texts, tally.words, tally.hits, tally.cut) == (1, 720, 20, 40)
    assert len(index.find([text], matching=Matching(most=48, spacing=60), tally=tally)) == 60
    assert (tally.texts, tally.cut) == (2, 40)
    half = " ".join(items[0].question.split()[:7])
    hits = index.find([half + "\n" + items[1].question])
    assert [hit.item for hit in hits] == [1, 0]
    assert hits[0].score > hits[1].score


def test_what_a_text_repeats_beyond_measure_is_counted_and_left(index: LexicalIndex) -> None:
    text = (LOOM.question + "\n") * 30
    tally = Tally()
    matching = Matching(repeats=4, spacing=1)
    hits = index.find([FILLER, text, LOOM.question], matching=matching, tally=tally)
    assert [hit.text for hit in hits] == [1, 1, 1, 1, 2]
    assert (tally.occurrences, tally.repeats) == (31 * 11, 26 * 11)
    assert [hit.question for hit in hits] == [1.0] * 5


def test_templates_weigh_little_and_then_nothing() -> None:
    """From one text's own, to few, to those of more than COMMON texts, which are not kept."""
    weights = []
    for copies_ in (1, 4, COMMON, COMMON + 1):
        items = [
            Item("invented", str(n), f"Which of these mills is number {n}x?")
            for n in range(copies_)
        ]
        index = LexicalIndex.build(items)
        weights.append(float(index.ngrams.weights.min(initial=2)))
    assert weights[0] == 1.0 > weights[1] > weights[2] > 0
    assert index.ngrams.templates == 2
    assert find(index, "Which of these mills is number nine?") == []
    assert len(find(index, "Which of these mills is number 7x?")) == 1


def test_items_of_the_same_words_are_one_text() -> None:
    index = LexicalIndex.build([LOOM, MILL, LOOM])
    assert set(index.ngrams.weights.tolist()) == {1.0}
    assert [hit.item for hit in find(index, LOOM.question)] == [0, 2]


def test_counts_are_of_texts_and_add_up(index: LexicalIndex) -> None:
    texts = [LOOM.question + LOOM.question, FILLER, LOOM.question, MILL.question]
    counts = index.count(texts)
    assert sorted(set(counts.tolist())) == [0, 1, 2]
    assert np.array_equal(counts, sum(index.count([text]) for text in texts))
    again = index.count(texts[:2], out=index.count(texts[2:]))
    assert np.array_equal(counts, again)


def test_a_leak_stays_a_leak_however_often_it_is_repeated(index: LexicalIndex) -> None:
    """Three of three documents, fifty of two hundred, three hundred of a thousand."""
    for leaked, others in ((3, 0), (50, 150), (300, 700)):
        texts = [written(MILL)] * leaked + [FILLER] * others
        counts = index.count(texts)
        suppression = Suppression.learn(index.ngrams, counts, len(texts))
        assert len(suppression.ngrams) == 0
        weights = index.weigh(counts, len(texts), suppression)
        assert weights.unsuppressed is None
        hits = index.find(texts, weights)
        assert [hit.text for hit in hits] == list(range(leaked))
        assert all(hit.question > 0.999 for hit in hits)


def test_a_leaked_question_does_not_need_its_solution(index: LexicalIndex) -> None:
    texts = [LOOM.question] * 80 + [FILLER] * 500
    counts = index.count(texts)
    assert len(Suppression.learn(index.ngrams, counts, len(texts)).ngrams) == 0


def test_a_phrase_that_only_a_part_of_an_item_shares_is_suppressed_and_reported() -> None:
    items = [
        *ITEMS,
        Item(
            "invented",
            "law",
            "Are all rights reserved by the author of an unpublished letter found later?",
        ),
    ]
    index = LexicalIndex.build(items)
    texts = ["All rights reserved by the author. " + FILLER] * 200 + [items[4].question] * 2
    counts = index.count(texts)
    suppression = Suppression.learn(index.ngrams, counts, len(texts))
    shown = index.shown(suppression.ngrams, items)
    assert sorted(shown) == ["all rights reserved by the", "rights reserved by the author"]
    weights = index.weigh(counts, len(texts), suppression)
    tally = Tally()
    matching = Matching(question=0.05, evidence=0.5)
    assert [hit.text for hit in index.find(texts, weights, matching, tally)] == [200, 201]
    assert tally.lost == 200
    rows = suppression.rows(shown, tally.lost_by)
    assert rows[0].keys() == {"ngram", "documents", "share", "rule", "hits_lost"}
    assert [(row["documents"], row["rule"], row["hits_lost"]) for row in rows] == [
        (202, "outlier", 200)
    ] * 2
    # A dozen documents are too few to call anything boilerplate.
    few = index.count(texts[:12])
    assert len(Suppression.learn(index.ngrams, few, 12).ngrams) == 0


def test_what_no_leak_reaches_is_suppressed_whatever_else() -> None:
    item = Item("invented", "foot", "All rights reserved, no part may be reproduced here")
    index = LexicalIndex.build([item, LOOM])
    counts = np.where(index.ngrams.sources[:, 0] == 0, 1500, 0)
    learned = Suppression.learn(index.ngrams, counts, 100_000)
    assert len(learned.ngrams) == int((counts > 0).sum())
    assert {row["rule"] for row in learned.rows(index.shown(learned.ngrams, [item, LOOM]))} == {
        "ceiling"
    }
    assert len(Suppression.learn(index.ngrams, counts, 1_000_000).ngrams) == 0
    weights = index.weigh(counts, 100_000, learned)
    assert index.unchecked(weights) == ["no text of its own", ""]
    loose = Frequent(most_documents=2000)
    assert len(Suppression.learn(index.ngrams, counts, 100_000, loose).ngrams) == 0


def test_tallies_add_up(index: LexicalIndex) -> None:
    one, other = Tally(lost=2, lost_by={3: 2}), Tally(lost=1, lost_by={3: 1, 5: 1})
    index.find([LOOM.question], tally=other)
    one.add(other)
    assert (one.texts, one.hits, one.lost, one.lost_by) == (1, 1, 3, {3: 3, 5: 1})


def test_why_items_cannot_be_checked() -> None:
    same = [
        Item("invented", f"x{n}", "( [ complete these open brackets right now [")
        for n in range(200)
    ]
    items = [
        LOOM,
        Item("invented", "0", "?!"),
        Item("invented", "1", "Two words", answer="five"),
        *same,
    ]
    index = LexicalIndex.build([*items, ASKED, STEM, Item("invented", "2", "Name three words")])
    reasons = index.unchecked(index.weigh())
    assert reasons[:3] == ["", "no words", "too short"]
    assert set(reasons[3:203]) == {"no text of its own"}
    assert reasons[203:] == ["", "", "too short"]


def test_n_grams_are_shown_as_they_stand_in_the_item(index: LexicalIndex) -> None:
    shown = index.shown(range(len(index)), ITEMS)
    assert "many yards of linen does" in shown
    assert "weaver finish in nine days" in shown
    assert "harder than before" in shown
    joined = "Tempered steel is brittle harder"  # from the stem into the choices
    assert joined in shown
    assert all(len(text.split()) >= 3 for text in shown)


def test_a_stored_index_finds_the_same(index: LexicalIndex, tmp_path: Path) -> None:
    texts = [written(MILL), FILLER + LOOM.question, "Who tempered steel first? Nobody knows."]
    index.save(tmp_path / "index")
    index.save(tmp_path / "index")  # over an earlier one
    for mmap in (True, False):
        loaded = LexicalIndex.load(tmp_path / "index", mmap=mmap)
        assert isinstance(loaded.ngrams.hashes, np.memmap) == mmap
        assert (loaded.items, loaded.width, len(loaded)) == (4, 5, len(index))
        assert loaded.find(texts) == index.find(texts)
        assert len(loaded.find(texts)) == 3


def test_building_is_deterministic(index: LexicalIndex, tmp_path: Path) -> None:
    for name in ("one", "other"):
        LexicalIndex.build(ITEMS).save(tmp_path / name)
    one, other = ((tmp_path / name / "index.json").read_text() for name in ("one", "other"))
    assert one == other


def test_an_index_that_is_not_there_or_not_whole(index: LexicalIndex, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no lexical index can be read here"):
        LexicalIndex.load(tmp_path / "absent")
    folder = tmp_path / "index"
    index.save(folder)
    header = json.loads((folder / "index.json").read_text())
    whole = (folder / "hashes.npy").read_bytes()
    (folder / "hashes.npy").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(SourceError, match=r"hashes\.npy is damaged.*build the index again"):
        LexicalIndex.load(folder)
    (folder / "hashes.npy").unlink()
    with pytest.raises(SourceError, match=r"hashes\.npy"):
        LexicalIndex.load(folder)
    (folder / "index.json").write_text(json.dumps({**header, "format": 99}))
    with pytest.raises(SourceError, match="of another version"):
        LexicalIndex.load(folder)
    for broken in ("{", "[]", "{}"):
        (folder / "index.json").write_text(broken)
        with pytest.raises(SourceError, match="not a lexical index"):
            LexicalIndex.load(folder)


def test_an_index_of_nothing() -> None:
    index = LexicalIndex.build([])
    assert (len(index), index.items, index.unchecked(index.weigh())) == (0, 0, [])
    assert index.find([FILLER, ""]) == []
    assert index.count([FILLER]).tolist() == []
    assert index.find([]) == []


def test_hostile_texts(index: LexicalIndex) -> None:
    question = LOOM.question.replace(" ", "\ud800 ")
    texts = [
        "\udfff" + question,
        "<script>" + LOOM.question + "</script>",
        (LOOM.question + " ") * 2000,
        FILLER * 120_000 + LOOM.question,
        "\0".join(LOOM.question.split()),
    ]
    hits = index.find(texts)
    found = {hit.text for hit in hits}
    assert found == {0, 1, 2, 3, 4}
    (last,) = [hit for hit in hits if hit.text == 3]
    assert texts[3][last.start :].startswith("How many yards")
    assert texts[0][hits[0].start : hits[0].end].startswith("How\ud800 many")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": 0.0}, r"matching\.question = 0\.0"),
        ({"passage": 1.5}, r"matching\.passage = 1\.5"),
        ({"gap": -1.0}, r"matching\.gap = -1\.0"),
        ({"most": 0}, r"matching\.most = 0"),
        ({"repeats": 0}, r"matching\.repeats = 0"),
        ({"evidence": float("nan")}, r"matching\.evidence = nan"),
    ],
)
def test_matching_that_makes_no_sense(arguments: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Matching(**arguments)  # type: ignore[arg-type]


def test_arguments_that_make_no_sense(index: LexicalIndex) -> None:
    with pytest.raises(ConfigError, match="words = 3: give 4 to 50"):
        LexicalIndex.build(ITEMS, words=3)
    with pytest.raises(ConfigError, match="count again"):
        index.weigh(np.zeros(3, np.int64), 10)
    with pytest.raises(ConfigError, match="add up the documents"):
        index.weigh(np.full(len(index), 5), 4)
    with pytest.raises(ConfigError, match="ratio = 0"):
        Frequent(ratio=0)
    with pytest.raises(ConfigError, match="share = -1"):
        Frequent(share=-1)


@pytest.mark.parametrize("words", [4, 8, 13])
def test_n_grams_of_another_width(words: int) -> None:
    index = LexicalIndex.build(ITEMS, words=words)
    assert index.ngrams.widths.max() == words
    hits = index.find([LOOM.question, FILLER, written(MILL)])
    assert [(hit.text, hit.item, hit.question) for hit in hits] == [(0, 1, 1.0), (2, 0, 1.0)]


def test_where_copies_are_cut() -> None:
    def cut(rows: list[tuple[int, int]], span: int = 100) -> list[tuple[int, int]]:
        places, sources = ([row[column] for row in rows] for column in (0, 1))
        parts = [int(Part.QUESTION)] * len(rows)
        return list(copies(places, sources, parts, [1.0] * len(rows), span, 20))

    copy = [(at, at) for at in range(10)]
    again = [(at + 14, at) for at in range(10)]
    assert cut(copy) == [(0, 10)]
    assert cut(copy + again) == [(0, 10), (10, 20)]
    # The first copy has a typo in its middle: it is still the first copy.
    assert cut(copy[:3] + copy[7:] + again) == [(0, 6), (6, 16)]
    # Choices in another order are one copy.
    assert cut([*copy[:4], (4, 7), (5, 8), (6, 4), (7, 5)]) == [(0, 8)]
    # An n-gram that stands by chance before a copy is not taken for the copy's.
    assert cut([(0, 6), *((at + 30, at) for at in range(10))]) == [(0, 1), (1, 11)]
    # Two copies of that are two, though the jump between them is not the largest.
    shuffled = [*range(4), 16, 17, 18, 12, 13, 8, 9, 4, 5]
    rows = list(enumerate(shuffled * 3))
    assert cut(rows) == [(0, 13), (13, 26), (26, 39)]
    # The second copy begins before the first one ends, or the first one has lost its beginning.
    assert cut([*copy[:6], *((at + 6, at) for at in range(10))]) == [(0, 6), (6, 16)]
    assert cut([*copy[5:], *again, *((at + 28, at) for at in range(10))]) == [
        (0, 5),
        (5, 15),
        (15, 25),
    ]
    # n-grams that the item has twice cut nothing; a place that is too long is cut where it gapes.
    assert cut([(0, -1), (3, -1), (4, -1)]) == [(0, 3)]
    assert cut([(0, 0), (60, 60), (61, 61), (120, 120)]) == [(0, 1), (1, 4)]


def test_typing_errors_do_not_add_up_to_a_shift_of_copies() -> None:
    """Six copies of thirty n-grams, each without five others: as few pieces would be five."""
    rows = [(number * 34 + at, at) for number in range(6) for at in range(30) if at // 5 != number]
    places, sources = ([row[column] for row in rows] for column in (0, 1))
    parts = [int(Part.QUESTION)] * len(rows)
    found = list(copies(places, sources, parts, [1.0] * len(rows), 100, 20))
    assert found == [(at, at + 25) for at in range(0, 150, 25)]


def test_a_choice_that_the_question_has_too_cuts_no_copy() -> None:
    """The words of a short choice, alone no n-gram of the question, stand twice in every copy."""
    item = Item(
        "invented",
        "0",
        "Was the old grist mill sold before the flood of the river, or after it?",
        choices=("the flood", "neither, it burnt", "the old grist mill", "after it froze again"),
    )
    index = LexicalIndex.build([item])
    (hit,) = find(index, FILLER + written(item) + "\n" + FILLER)
    assert (hit.question, hit.choices) == (1.0, 1.0)
    # Across the edge of two choices, too.
    pairs = ("wrong, not wrong", "not wrong, wrong", "wrong, wrong", "not wrong, not wrong")
    item = Item("invented", "1", "Which of the two scenarios is of which kind?", choices=pairs)
    (hit,) = find(LexicalIndex.build([item]), FILLER + written(item) + "\n" + FILLER)
    assert (hit.question, hit.choices) == (1.0, 1.0)


def test_real_items_are_found_in_real_pages(shared_data: Path) -> None:
    """Whole items of MMLU and GSM8K between paragraphs of web pages, and few candidates without."""
    import gzip

    from lexical_items import read_items

    items = read_items(shared_data / "benchmarks", most=600)
    with gzip.open(shared_data / "web" / "gold" / "wcxb_dev.jsonl.gz", "rt") as file:
        rows = [json.loads(next(file)) for _ in range(300)]
    pages = [row["ground_truth"].get("main_content") or FILLER for row in rows]
    index = LexicalIndex.build(items)
    weights = index.weigh(index.count(pages), len(pages))
    planted = [
        f"{page[:1500]}\n\n{written(item)}\n\n{page[1500:3000]}"
        for item, page in zip(items, pages + pages, strict=True)
    ]
    found = {(hit.text, hit.item) for hit in index.find(planted, weights)}
    checkable = [n for n, reason in enumerate(index.unchecked(weights)) if not reason]
    assert len(checkable) > 590
    assert sum((number, number) in found for number in checkable) >= 0.995 * len(checkable)
    assert len(index.find(pages, weights)) < 15

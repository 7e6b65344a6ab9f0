"""The pre-screen: what it keeps and skips, its parts, and how it is stored."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from audits.items import Item
from audits.semantic.prescreen import MODEL, Prescreen, expanded, shipped
from audits.semantic.prescreen_overlap import Overlap, stem
from audits.semantic.prescreen_spans import LONGEST, MARKS, Spans, token_hashes
from audits.semantic.windows import windows
from pipeline.core.errors import ConfigError, SourceError, StorageError

ITEMS = [
    Item(
        "quiz",
        "1",
        "A baker sells 14 rye loaves in the morning and 9 in the afternoon at $3 each. "
        "How many dollars does she earn in a day?",
        answer="69",
        solution="She sells 14 + 9 = 23 loaves, which bring 23 * 3 = 69 dollars.",
    ),
    Item(
        "quiz",
        "2",
        "Which nerve is most likely injured by a fracture of the surgical neck of the humerus?",
        choices=("axillary", "median", "ulnar", "radial"),
        answer="axillary",
    ),
    Item(
        "quiz",
        "3",
        "Write a function that returns the lateral surface area of a cone.",
        language="py",
    ),
]
LEAKS = [
    "In the morning a baker sells 14 loaves of rye bread, in the afternoon 9 more, and each costs "
    "$3. What does she take in a day, in dollars?",
    "If the surgical neck of the humerus is fractured, which of these nerves is probably hurt?",
    "Create a Python function to calculate a cone's lateral surface area.",
]
ORDINARY = [
    "Sign up for our newsletter to receive news, recipes and special offers straight to your inbox. "
    "You can unsubscribe at any time. By clicking the button you agree to our privacy policy and terms "
    "of use. We never share your details with third parties, and we will only write once a month.",
    "Our team has been serving families in the valley for over thirty years. Call us today for a "
    "free estimate, or visit the showroom, which is open from Monday to Saturday. We offer delivery, "
    "installation and friendly advice, and we take your old furniture away when you buy from us.",
    "Made from soft organic cotton, this jacket keeps you warm all year. Features include two large "
    "pockets, a hidden zip and reflective details for extra safety at night. Machine washable. Free "
    "shipping on all orders over fifty euros, with easy returns within thirty days of delivery.",
]


@pytest.fixture(scope="module")
def screen() -> Prescreen:
    return Prescreen.build(ITEMS)


def test_leaks_are_worth_it_and_ordinary_prose_is_not(screen: Prescreen) -> None:
    assert screen.worth(LEAKS).all()
    assert not screen.worth(ORDINARY).any()
    assert screen.worth([item.question for item in ITEMS]).all()


def test_a_leak_within_ordinary_prose_is_worth_it(screen: Prescreen) -> None:
    for leak in LEAKS:
        assert screen.worth([f"{ORDINARY[0]} {leak} {ORDINARY[2]}"]).all()


def test_worth_is_a_score_at_the_threshold(screen: Prescreen) -> None:
    texts = [*LEAKS, *ORDINARY, "", "?!", "word"]
    scores = screen.scores(texts)
    for threshold in (-3.0, screen.threshold, 0.0, 2.0):
        again = dataclasses.replace(screen, threshold=threshold)
        assert (again.worth(texts) == (scores >= threshold)).all()
    assert scores[-3] == scores[-2] == -np.inf


def test_texts_are_judged_one_by_one(screen: Prescreen) -> None:
    texts = [*LEAKS, "", *ORDINARY, "x\ud800y \x00 木木木木"]
    together = screen.scores(texts)
    assert np.allclose(together, [screen.scores([text])[0] for text in texts], atol=1e-4)
    assert screen.scores([]).shape == screen.worth([]).shape == (0,)


def test_items_matter(screen: Prescreen) -> None:
    other = Prescreen.build(
        [Item("quiz", "9", "Name the longest river that flows into the Baltic.")]
    )
    assert (other.scores(LEAKS) < screen.scores(LEAKS)).all()
    assert np.isfinite(Prescreen.build([]).scores(LEAKS)).all()


def test_other_languages_are_kept_on_demand(screen: Prescreen) -> None:
    texts = [
        "Eine Bäckerin verkauft morgens vierzehn Roggenbrote und nachmittags neun zu je drei Euro.",
        "面包师早上卖了十四个面包，下午卖了九个。",
        ORDINARY[0],
    ]
    foreign = Prescreen.build(ITEMS, foreign=True)
    assert foreign.worth(texts).tolist() == [True, True, False]
    assert not screen.worth(texts[2:]).any()


def test_a_threshold_must_be_a_number() -> None:
    assert Prescreen.build(ITEMS, threshold=-99.0).worth(ORDINARY).all()
    with pytest.raises(ConfigError, match="threshold = nan"):
        Prescreen.build(ITEMS, threshold=float("nan"))


def test_it_is_stored_and_read_again(screen: Prescreen, tmp_path: Path) -> None:
    screen.save(tmp_path / "screen")
    texts = [*LEAKS, *ORDINARY]
    for mmap in (True, False):
        again = Prescreen.load(tmp_path / "screen", mmap=mmap)
        assert (again.scores(texts) == screen.scores(texts)).all()
        assert (again.threshold, again.foreign) == (screen.threshold, screen.foreign)
    first = {path.name: path.read_bytes() for path in (tmp_path / "screen").iterdir()}
    Prescreen.build(ITEMS).save(tmp_path / "screen")
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "screen").iterdir()}


def test_what_cannot_be_read_is_refused(screen: Prescreen, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no pre-screen can be read here"):
        Prescreen.load(tmp_path)
    screen.save(tmp_path)
    header = json.loads((tmp_path / "prescreen.json").read_text())
    (tmp_path / "prescreen.json").write_text(json.dumps(header | {"model": "0"}))
    with pytest.raises(SourceError, match="another version"):
        Prescreen.load(tmp_path)
    (tmp_path / "prescreen.json").write_text("[]")
    with pytest.raises(SourceError, match="not a pre-screen"):
        Prescreen.load(tmp_path)
    screen.save(tmp_path)
    data = (tmp_path / "shares.npy").read_bytes()
    (tmp_path / "shares.npy").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(SourceError, match=r"shares\.npy is damaged"):
        Prescreen.load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        screen.save(tmp_path / "file")


def test_spans_start_with_sentences_and_are_bounded() -> None:
    text = " ".join([*ORDINARY, "word " * 90])
    spans = Spans.of([text, "", "Two words"])
    sizes = spans.end - spans.first
    assert (sizes > 0).all()
    assert (sizes <= LONGEST).all()
    assert spans.texts.tolist() == sorted(spans.texts.tolist())
    assert set(spans.texts.tolist()) == {0, 2}
    assert spans.opening[spans.bounds[0]]
    covered = np.zeros(len(spans.hashes), bool)
    for first, end in zip(spans.first, spans.end, strict=True):
        covered[first:end] = True
    assert covered.all()


def test_marks_are_counted_in_the_span_they_follow() -> None:
    spans = Spans.of(["Is it 5 or 17? Pay $3 (A) now.", "No mark here"])
    question, dollar = MARKS.index("?"), MARKS.index("$")
    counts = np.expm1(spans.marks[:, : len(MARKS) + 1]).round()
    assert counts[0, [question, dollar, -1]].tolist() == [1, 1, 1]
    assert not counts[spans.texts == 1].any()
    assert spans.marks[0, -1] == 1


def test_numbers_are_hashed_by_length() -> None:
    one, other = (Spans.of([text]).hashes for text in ("he has 17 of 1234", "he has 42 of 888"))
    assert (one == other).all()
    assert one[2] == token_hashes(["00"], "words")[0]


def test_tokens_of_the_model_are_found_in_texts() -> None:
    spans = Spans.of(["How many loaves. How many"])
    words, pairs, openings, opening_pairs = spans.tokens()
    assert words[0][0] == token_hashes(["how"], "words")[0]
    assert pairs[0][0] == token_hashes(["how many"], "pairs")[0]
    assert openings[0][0] == token_hashes(["how"], "openings")[0]
    assert openings[1].tolist() == [True, False, False, True, False]
    assert opening_pairs[0][0] == token_hashes(["how many"], "opening_pairs")[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [("calculate", "calculating"), ("cubes", "cube"), ("injury", "injuries"), ("sums", "sum")],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)
    overlap = Overlap.build([Item("q", "1", one)], {}, 1000)
    found = overlap.of(Spans.of([other, "nothing"]))
    assert found[0] > 0 == found[1]


def test_overlap_is_at_most_its_bound_and_prefers_rare_words() -> None:
    frequencies = {"which": 500, "nerve": 3, "function": 100}
    overlap = Overlap.build(ITEMS, frequencies, 1000)
    spans = Spans.of([*LEAKS, *ORDINARY])
    there = overlap.stems_of(spans.plain, spans.first, spans.end)
    assert (overlap.best(there) <= overlap.bound(there) + 1e-6).all()
    rare, common = overlap.of(Spans.of(["nerve", "which"]))
    assert rare > common > 0


def test_the_bound_of_scores_holds() -> None:
    model, rng = shipped(), np.random.default_rng(0)
    features = model.centre + model.scale * rng.normal(0, 3, (2000, len(model.centre)))
    bound = rng.uniform(0, 12, 2000)
    highest = model.highest(features, bound)
    for share in np.linspace(0, 1, 9):
        features[:, 2] = share * bound
        assert (model.scores(features) <= highest + 1e-9).all()


def test_the_model_is_whole() -> None:
    model = shipped()
    assert len(model.join) == 1 + expanded(model.centre[None]).shape[1]
    assert len(model.marks) == len(MARKS) + 4
    assert len(model.tokens) == len(np.unique(model.tokens)) == len(model.weights)
    assert model.measured["recall"]["value"] >= 0.97
    assert MODEL.stat().st_size < 500_000


def test_most_windows_of_real_pages_are_skipped(shared_data: Path) -> None:
    path = shared_data / "web" / "gold" / "wcxb_dev.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no gold pages: {path}")
    texts: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(100), strict=False):
            text = json.loads(line)["ground_truth"].get("main_content") or ""
            texts += [text[start:end] for start, end in windows(text)]
    assert Prescreen.build(ITEMS).worth(texts).mean() < 0.25

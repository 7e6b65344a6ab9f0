"""Filters on a classifier's score: thresholds by target, actions, shares, and masking of sentences."""

from __future__ import annotations

import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from classifiers.text_classifier import TextClassifier
from pipeline.core.decisions import Bound
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.records import Document
from pipeline.filters import (
    Language,
    Quality,
    Relevance,
    Toxicity,
    ToxicSentences,
    check_filter,
)
from pipeline.filters.base import Ranking

ABUSE = "You are a worthless piece of trash."
PROSE = (
    "The bridge was built in 1893 and has carried trains ever since. Engineers inspected its girders "
    "last summer and found them sound, although two of the older bearings will have to be replaced."
)
MENU = "Home | Login | Sign up | Cart (0) | Privacy policy | Terms of use | Contact us | © 2024"


class TestThresholds:
    def test_the_number_comes_from_the_card(self) -> None:
        threshold = TextClassifier.load("quality").threshold("precision=0.9").threshold
        assert Quality(target="precision=0.9").bounds == (Bound("score", low=threshold),)
        assert Quality(target="precision=0.9").bounds != Quality(target="precision=0.95").bounds

    def test_an_unknown_target_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(ConfigError, match=r"no threshold for precision=0\.99.*recall=0\.95"):
            Quality(target="precision=0.99")

    def test_a_text_at_the_threshold_is_toxic(self) -> None:
        threshold = TextClassifier.load("toxicity").threshold().threshold
        toxicity = Toxicity()
        assert toxicity.decide({"score": threshold, "top": 0.0})
        assert not toxicity.decide({"score": threshold - 1e-6, "top": 0.0})

    def test_a_text_at_the_threshold_is_of_quality(self) -> None:
        threshold = TextClassifier.load("quality").threshold().threshold
        assert not Quality().decide({"score": threshold, "top": 0.0})
        assert Quality().decide({"score": threshold - 1e-6, "top": 0.0})

    def test_a_bound_of_ones_own_takes_its_place(self) -> None:
        assert Quality(bounds={"score": {"low": 0.5}}).bounds == (Bound("score", low=0.5),)
        assert Quality().with_bounds({"score": None}).keep(MENU)


class TestJudgements:
    def test_abuse_goes_and_prose_stays(self) -> None:
        result = Toxicity().check(ABUSE)
        assert result.reason == "toxicity.score.high"
        assert result.verdicts[0].value == result.signals["score"]
        assert Toxicity().keep(["How do I kill a Python process?", PROSE]) == [True, True]

    def test_clean_texts_in_other_languages_are_no_abuse(self) -> None:
        german = "Die Brücke wird im Sommer gesperrt. Die Arbeiten dauern elf Wochen, teilte die Stadt mit."
        korean = "시청은 여름에 다리를 폐쇄한다고 밝혔다. 공사는 십일 주 동안 이어진다."
        hungarian = (
            "A hidat nyáron lezárják. A munkálatok tizenegy hétig tartanak, közölte a város."
        )
        assert Toxicity().keep([german, korean, hungarian, german * 5]) == [True] * 4

    def test_prose_stays_and_menus_go(self) -> None:
        assert Quality().keep([PROSE, MENU]) == [True, False]

    def test_a_text_without_letters_and_digits_scores_0(self) -> None:
        for rules in (Quality(), Toxicity(), Relevance(model="software")):
            assert [result.signals["score"] for result in rules(["", " \n\t", "?!"])] == [0.0] * 3

    def test_only_the_beginning_is_read_if_asked(self) -> None:
        long = PROSE + " " + ABUSE * 50
        assert Toxicity(characters=len(PROSE)).keep(long)
        assert not Toxicity().keep(long)

    def test_models_of_one_spelling_share_a_line(self) -> None:
        doc = Document("a", PROSE)
        Quality().measure(doc)
        held = dict(doc.cache)
        Toxicity().measure(doc)
        assert doc.cache == held

    def test_what_travels_is_small(self) -> None:
        rules = Toxicity()
        rules.keep(ABUSE)
        assert len(pickle.dumps(rules)) < 4096
        assert not pickle.loads(pickle.dumps(rules)).keep(ABUSE)


class TestActions:
    def test_tagging_drops_nothing_and_names_its_columns(self) -> None:
        tagging = Toxicity(action="tag")
        assert tagging.keep(ABUSE)
        assert tagging.tags() == ("score",)
        assert Toxicity().tags() == ()
        assert Language(action="tag").tags() == ("label", "label_score", "score", "other_lead")
        assert Language(action="tag").keep("Ein deutscher Satz über die alte Mühle am Fluss.")

    @pytest.mark.parametrize(
        ("written", "share"), [("10%", 0.1), ("0.25", 0.25), (0.5, 0.5), (1, 1.0)]
    )
    def test_a_share_to_keep_takes_the_place_of_the_threshold(
        self, written: str | float, share: float
    ) -> None:
        rules = Quality(keep_top=written)
        assert rules.ranking() == Ranking("score", share)
        assert rules.bounds == (Bound("top", high=share),)
        assert rules.keep(MENU)  # nothing is ranked outside a run
        assert not rules.decide({"score": 0.9, "top": share})

    def test_of_toxicity_the_lowest_scores_are_kept(self) -> None:
        assert Toxicity(keep_top="90%").ranking() == Ranking("score", 0.9, lowest=True)
        assert Language(keep_top="50%").ranking() == Ranking("score", 0.5)

    @pytest.mark.parametrize("written", ["", "0", "0%", "110%", "ten", -0.1, 1.5, True])
    def test_what_is_no_share_is_refused(self, written: str | float) -> None:
        with pytest.raises(
            ConfigError, match=r"quality\.keep_top = .* is no share; write 10% or 0\.1"
        ):
            Quality(keep_top=written)

    def test_actions_that_make_no_sense_are_refused(self) -> None:
        with pytest.raises(
            ConfigError, match=r"quality\.action = 'mask_sentences' is none of drop, tag"
        ):
            Quality(action="mask_sentences")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="leave out action: tag"):
            Quality(action="tag", keep_top="10%")
        with pytest.raises(ConfigError, match="leave out action: mask_sentences"):
            Toxicity(action="mask_sentences", keep_top="10%")

    def test_masking_is_a_cleaner_in_its_place(self) -> None:
        rules = Toxicity(action="mask_sentences", target="false_positive_rate=0.01")
        assert rules.replaced_by() == ToxicSentences(target="false_positive_rate=0.01")
        assert Toxicity().replaced_by() is None


class TestMasking:
    def test_the_sentence_goes_and_the_text_stays(self) -> None:
        text = f"Thanks for the photos. {ABUSE} The bridge looks fine.\n\nSee you on Sunday."
        cleaned, counts = ToxicSentences().clean(text)
        assert cleaned == "Thanks for the photos. The bridge looks fine.\n\nSee you on Sunday."
        assert counts["sentences"] == 4
        assert counts["masked"] == 1
        assert counts["masked_characters"] == len(ABUSE) + 1
        assert counts["highest"] > 0.9

    def test_line_breaks_stay_where_they_were(self) -> None:
        cleaned, _ = ToxicSentences().clean(f"One line.\n{ABUSE}\nAnother line.")
        assert cleaned == "One line.\n\nAnother line."

    def test_a_mask_stands_in_its_place(self) -> None:
        cleaned, _ = ToxicSentences(mask="[…] ").clean(f"Well. {ABUSE} Bye.")
        assert cleaned == "Well. […] Bye."

    def test_a_clean_text_is_the_same_object(self) -> None:
        assert ToxicSentences().clean(PROSE)[0] is PROSE

    @pytest.mark.parametrize(
        "text", ["", "\n\n", "...!!!", "no end", "\ud800", "a" * 100_000, "?" * 9999]
    )
    def test_any_string_will_do(self, text: str) -> None:
        cleaned, counts = ToxicSentences().clean(text)
        assert cleaned == text
        assert set(counts) == {signal.name for signal in ToxicSentences.signals}


class TestRelevance:
    def test_a_model_or_a_description(self) -> None:
        with pytest.raises(ConfigError, match="needs one of them"):
            Relevance()
        with pytest.raises(ConfigError, match="needs one of them"):
            Relevance(model="software", description=("programming",))
        with pytest.raises(ConfigError, match="keep_top"):
            Relevance(description=("programming",), target="precision=0.9")

    def test_the_example_topic_is_found(self) -> None:
        software = Relevance(model="software")
        code = (
            "The Python library parses JSON; install the package with pip and import its API. " * 5
        )
        scores = [result.signals["score"] for result in software([code, PROSE])]
        assert scores[0] > scores[1]

    def test_a_description_needs_no_training(self) -> None:
        pytest.importorskip("sentence_transformers", reason="needs gristmill[audit]")
        described = Relevance(description=("railway bridges and their upkeep",), keep_top="50%")
        scores = [result.signals["score"] for result in described([PROSE, MENU, ""])]
        assert scores[0] > scores[1] > scores[2] == -1.0
        assert described.ranking() == Ranking("score", 0.5)
        check_filter(described)

    def test_a_similarity_has_no_threshold(self) -> None:
        assert Relevance(description=("bridges",)).bounds == ()
        assert Relevance(description="bridges").description == ("bridges",)  # type: ignore[arg-type]


def test_a_model_that_is_not_there_is_refused_when_the_filter_is_made(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model, folder or file; did you mean 'toxicity'"):
        Toxicity(model="toxicty")
    with pytest.raises(ModelError, match=r"card\.json is missing"):
        Quality(model=str(tmp_path))


def test_tables_get_score_and_verdict() -> None:
    table = Toxicity()(pa.table({"text": [PROSE, ABUSE]}))
    assert table["toxicity.keep"].to_pylist() == [True, False]
    assert table["toxicity.reasons"].to_pylist() == ["", "toxicity.score.high"]

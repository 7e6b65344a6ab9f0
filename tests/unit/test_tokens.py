"""Token counts: the embedded tokenizer, any other one, and what a recipe may say of them."""

from __future__ import annotations

import json
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifiers.byte_pairs
from classifiers.byte_pairs import CHUNKS, BytePairs
from classifiers.models import ModelFile
from classifiers.token_counter import AT_ONCE, TokenCounter
from pipeline.core.errors import ConfigError, ModelError, RecipeErrors
from pipeline.recipe import load_recipe
from pipeline.reports.tokens import rounded, token_facts, token_line

EMBEDDED = Path(TokenCounter().file.path)
HOSTILE = {
    "empty": "",
    "letters": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "lines": "\n" * 1_000_000,
    "marks": "'" * 1_000_000,
    "quotes": "'s" * 500_000,
    "nul": "\0" * 1_000_000,
    "surrogates": "\ud800\udfff\udc00a" * 1_000,
    "mixed": "a1 \u4e00\u0e01\t\r\n\u200d\U0001f600" * 100_000,
}
WORDS = st.sampled_from(
    ["The mill", " the", " isn't", "’s", "Straße", "мельница", "磨坊は", "1234"]
)
TEXTS = st.lists(st.one_of(st.text(max_size=40), WORDS)).map("".join)


@pytest.fixture(scope="module")
def own() -> BytePairs:
    return BytePairs(EMBEDDED)


@pytest.fixture(scope="module")
def theirs() -> Any:
    tokenizers = pytest.importorskip("tokenizers", reason="pip install 'gristmill[tokens]'")
    return tokenizers.Tokenizer.from_file(str(EMBEDDED))


def write_words(path: Path, *, unknown: bool = True) -> Path:
    """A tokenizer of whole words that cuts off and pads, as those of encoders do."""
    tokenizers = pytest.importorskip("tokenizers", reason="pip install 'gristmill[tokens]'")
    vocabulary = {"[UNK]": 0, "[CLS]": 1, "the": 2, "The": 3, "mill": 4}
    if not unknown:
        del vocabulary["[UNK]"]
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 1)]
    )
    made.enable_truncation(4)
    made.enable_padding(length=4)
    made.save(str(path))
    return path


# --- the embedded tokenizer ------------------------------------------------------------------


@given(TEXTS)
def test_counts_are_those_of_the_package(own: BytePairs, theirs: Any, text: str) -> None:
    found = theirs.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
    whole = text.encode("utf-8", "replace").decode()
    assert own.pieces(whole) == found.tokens
    assert own.count(whole) == len(found.tokens)


@given(st.text())
def test_chunks_leave_nothing_out_and_are_short(text: str) -> None:
    chunks = re.findall(CHUNKS, text)
    assert "".join(chunks) == text
    assert max(map(len, chunks), default=1) <= 33


@given(TEXTS)
def test_windows_make_no_difference(own: BytePairs, text: str) -> None:
    long = text * 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifiers.byte_pairs, "WINDOW", 100)
        assert own.pieces(long) == [
            piece for chunk in re.findall(CHUNKS, long.encode("utf-8", "replace").decode())
            for piece in own.pieces(chunk)
        ]  # fmt: skip


def test_forgetting_makes_no_difference(own: BytePairs, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"word{number}" for number in range(500))
    before = own.count(text)
    monkeypatch.setattr(classifiers.byte_pairs, "KNOWN", 10)
    assert [own.count(text), own.count("the"), own.count(text)] == [before, 1, before]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_is_counted(name: str) -> None:
    text = HOSTILE[name]
    (count,) = TokenCounter().count([text])
    assert count is not None
    assert (count > 0) == bool(text)
    assert count <= 4 * len(text)


def test_ten_megabytes_are_counted() -> None:
    text = "The mill stood by the river.\n" * (10_000_000 // 29)
    assert TokenCounter().count([text]) == [8 * (10_000_000 // 29)]


def test_a_lone_surrogate_counts_as_its_replacement() -> None:
    counter = TokenCounter()
    assert counter.count(["a\ud800b"]) == counter.count(["a\ufffdb"])


def test_the_shipped_file_is_small_and_the_one_its_card_names() -> None:
    assert EMBEDDED.stat().st_size < 2_000_000
    card = (EMBEDDED.parent / "README.md").read_text(encoding="utf-8")
    assert TokenCounter().check() in card
    assert f"{EMBEDDED.stat().st_size:,} bytes" in card


def test_another_kind_of_file_is_no_byte_level_bpe(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json: this is no byte-level BPE"):
        BytePairs(path)


# --- any tokenizer -----------------------------------------------------------------------------


def test_a_counter_travels_and_knows_its_file() -> None:
    counter = pickle.loads(pickle.dumps(TokenCounter()))
    assert counter == TokenCounter()
    assert counter.vocabulary == 32_000
    assert counter.models() == {"tokens embedded tokenizer": ModelFile(str(EMBEDDED)).verify()}


def test_nothing_is_cut_off_padded_or_added(tmp_path: Path) -> None:
    counter = TokenCounter(str(write_words(tmp_path / "tokenizer.json")))
    assert counter.count(["the mill " * 50, "mill", ""]) == [100, 1, 0]


def test_a_text_that_breaks_the_tokenizer_costs_its_own_count(tmp_path: Path) -> None:
    counter = TokenCounter(str(write_words(tmp_path / "tokenizer.json", unknown=False)))
    assert counter.count(["the mill", "a river", "mill"]) == [2, None, 1]
    with pytest.raises(ModelError, match="cannot encode an English sentence"):
        counter.check()


def test_long_texts_go_in_pieces(tmp_path: Path) -> None:
    counter = TokenCounter(str(write_words(tmp_path / "tokenizer.json")))
    words = AT_ONCE // 2
    assert counter.count(["the mill", "the mill " * words, "mill"]) == [2, 2 * words, 1]
    assert TokenCounter(str(EMBEDDED)).count(["x" * (AT_ONCE + 5), "\ud800"]) == TokenCounter(
    ).count(["x" * (AT_ONCE + 5), "\ud800"])  # fmt: skip


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{ }")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ConfigError, match=r"gristmill\[tokens\]"):
        TokenCounter(str(path)).count(["a"])


# --- recipes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("tokens={tokenizer: nowhere/tokenizer.json}", "cannot be read"),
        ("tokens={tokeniser: embedded}", "did you mean 'tokenizer'"),
        ("tokens=embedded", "expected a map"),
        (f"tokens={{sha256: {'a' * 64}}}", "leave the key out"),
        ("tokens={tokenizer: FILE}", "no tokenizer.json of Hugging Face"),
    ],
)
def test_faults_name_their_place(tmp_path: Path, said: str, fault: str) -> None:
    if "FILE" in said:
        pytest.importorskip("tokenizers")
        (tmp_path / "odd.json").write_text("[]")
        said = said.replace("FILE", str(tmp_path / "odd.json"))
    with pytest.raises(RecipeErrors, match="tokens") as caught:
        load_recipe("quickstart", [said])
    assert fault in str(caught.value)


def test_a_recipe_says_by_what_it_counts() -> None:
    described = load_recipe("quickstart").describe()
    assert described["tokens"] == {"tokenizer": "embedded", "sha256": None}
    assert "tokens" not in load_recipe("quickstart", ["tokens=null"]).describe()
    assert load_recipe("quickstart", ["tokens={}"]).tokens == TokenCounter()


# --- what reports say --------------------------------------------------------------------------


def test_round_numbers() -> None:
    numbers = (0, 7.04, 123, 1_949, 350_400_000, 1.26e9, 26e12, 999_999)
    said = ["0", "7", "120", "1,900", "350 million", "1.3 billion", "26 trillion", "1 million"]
    assert [rounded(number) for number in numbers] == said


def test_facts_of_a_manifest() -> None:
    sums = {"documents": 2, "words": 100, "characters": 600, "tokens": 150}
    noted = {
        "tokenizer": "t", "sha256": "0", "vocabulary": 9, **sums, "uncounted": 1,
        "fates": {"kept": 150, "dropped": 50},
        "languages": [{"name": "", **sums}], "other_languages": {"names": 0, **dict.fromkeys(sums, 0)},
        "domains": [{"name": "a.example", **sums}],
        "other_domains": {"names": 3, **dict.fromkeys(sums, 0)},
    }  # fmt: skip
    facts = token_facts({"tokens": json.loads(json.dumps(noted))})
    assert facts is not None
    assert [row.name for row in facts.languages] == ["unknown"]
    assert [(row.name, row.per_word, row.characters_per_token) for row in facts.domains] == [
        ("a.example", "1.50", "4.00"),
        ("3 others", "·", "·"),
    ]
    assert "7.5 parameters" in facts.rule_of_thumb
    assert token_line(noted) == "150 tokens kept (t), 1.50 a word; 1 documents uncounted"
    assert token_facts({}) is None

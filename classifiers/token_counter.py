"""How many tokens a text has, by the tokenizer that comes with Gristmill or any ``tokenizer.json``.

Counted is the text alone: no tokens for its beginning or end, no padding, and nothing cut off, whatever
the tokenizer's file says of these for a model's input.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from classifiers.byte_pairs import BytePairs
from classifiers.models import ModelFile
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.records import encodable

__all__ = ["EMBEDDED", "TokenCounter"]

EMBEDDED = "embedded"

_SHIPPED = Path(__file__).parent / "shipped" / "tokenizer" / "tokenizer.json"
_SHIPPED_SHA256 = "94de48e064e0e47610ee83b5ce691782be4a98e55af17459ba0e6f02df81ef1e"
_TRIAL = "The mill stood by the river."

# The package holds some 100 bytes for each token of what it is given at once.
AT_ONCE = 1 << 20


@dataclasses.dataclass(frozen=True)
class TokenCounter:
    """What tokens are counted by. Cheap to pickle: the tokenizer is loaded once per process.

    Args:
        tokenizer: ``embedded``, the one of 32,000 tokens that comes with Gristmill, or the path of a
            Hugging Face ``tokenizer.json``, which takes the package ``tokenizers``.
        sha256: what the content of the file must have; None takes the file as it is.

    Raises:
        ModelError: ``sha256`` is no sha256.
    """

    tokenizer: str = EMBEDDED
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.tokenizer == EMBEDDED and self.sha256 not in (None, _SHIPPED_SHA256):
            raise ModelError(
                f"tokens.sha256: the embedded tokenizer has {_SHIPPED_SHA256}; leave the key out"
            )
        _ = self.file

    @property
    def file(self) -> ModelFile:
        """The tokenizer's file."""
        if self.tokenizer == EMBEDDED:
            return ModelFile(str(_SHIPPED), _SHIPPED_SHA256)
        return ModelFile(self.tokenizer, self.sha256)

    def count(self, texts: Sequence[str]) -> list[int | None]:
        """Tokens of each text, None where the tokenizer fails on it. Takes any string.

        A lone surrogate counts as U+FFFD does. A text of over a million characters (`AT_ONCE`) is given to
        the package ``tokenizers`` in pieces that begin at a space, which can add a token for each piece.

        Raises:
            ModelError: the tokenizer's file is missing, altered or none.
            ConfigError: the package ``tokenizers`` is not installed.
        """
        return _loaded(self.tokenizer == EMBEDDED, self.file.path, self.file.verify())[0](texts)

    def check(self) -> str:
        """The sha256 of the tokenizer's file, once it has been loaded and has counted a sentence.

        Raises:
            ModelError, ConfigError: see `count`.
        """
        if self.count([_TRIAL]) == [None]:
            raise ModelError(
                f"{self.tokenizer}: this tokenizer cannot encode an English sentence; give a "
                "tokenizer.json with a token for what is not in its vocabulary"
            )
        return self.file.verify()

    @property
    def vocabulary(self) -> int:
        """How many different tokens there are."""
        return _loaded(self.tokenizer == EMBEDDED, self.file.path, self.file.verify())[1]

    @property
    def label(self) -> str:
        """A name for people: that of the file with its folder's."""
        if self.tokenizer == EMBEDDED:
            return "embedded tokenizer"
        path = Path(self.tokenizer)
        # Nearly all are called tokenizer.json; their folder says whose it is.
        return f"{path.absolute().parent.name}/{path.name}"

    def models(self) -> dict[str, str]:
        """sha256 of the file by a name for people: part of a run's fingerprint and manifest."""
        return {f"tokens {self.label}": self.check()}


Counts = Callable[[Sequence[str]], list[int | None]]


@functools.lru_cache(maxsize=4)
def _loaded(embedded: bool, path: str, digest: str) -> tuple[Counts, int]:
    """How to count by the file at ``path``, whose content has ``digest``, and its vocabulary."""
    if embedded:
        own = BytePairs(Path(path))
        return lambda texts: [own.count(text) for text in texts], own.vocabulary
    # A worker is one of many, each with a core of its own.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ConfigError(
            f"tokens.tokenizer: {path} needs the package tokenizers: pip install "
            "'gristmill[tokens]', or leave the key out for the embedded tokenizer"
        ) from error
    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # the package raises nothing more precise
        raise ModelError(
            f"{path}: this is no tokenizer.json of Hugging Face tokenizers ({error}); a "
            "tokenizer.model of SentencePiece has to be converted first"
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    vocabulary = int(tokenizer.get_vocab_size())
    return lambda texts: _count_by_package(tokenizer, texts), vocabulary


def _count_by_package(tokenizer: Any, texts: Sequence[str]) -> list[int | None]:
    counts: list[int | None] = [0] * len(texts)
    for batch in _batches(texts):
        found = _encode(tokenizer, [piece for _, piece in batch])
        if found is None:  # one of them broke it; the others are counted
            alone = (_encode(tokenizer, [piece]) for _, piece in batch)
            found = [None if one is None else one[0] for one in alone]
        for (place, _), number in zip(batch, found, strict=True):
            before = counts[place]
            counts[place] = None if before is None or number is None else before + number
    return counts


def _encode(tokenizer: Any, pieces: list[str]) -> list[int | None] | None:
    try:
        encoded = tokenizer.encode_batch_fast(pieces, add_special_tokens=False)
    except BaseException as error:
        # Rust's panics are no Exception; whoever interrupts us is not to be held up.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return None
    return [len(one) for one in encoded]


def _batches(texts: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    """Pieces with the number of their text, so many at a time that memory stays bounded."""
    batch: list[tuple[int, str]] = []
    size = 0
    for place, text in enumerate(texts):
        for piece in _pieces(encodable(text)):
            if batch and size + len(piece) > AT_ONCE:
                yield batch
                batch, size = [], 0
            batch.append((place, piece))
            size += len(piece)
    if batch:
        yield batch


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > AT_ONCE:
        # Between a word and the space before the next one: there most tokenizers cut anyway.
        space = text.rfind(" ", start + AT_ONCE // 2, start + AT_ONCE)
        end = space if space > start else start + AT_ONCE
        yield text[start:end]
        start = end
    if text[start:]:
        yield text[start:]

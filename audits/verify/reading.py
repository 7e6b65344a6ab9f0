"""A text as the verifier reads it: its words with their weights, numbers and vectors.

Nothing is compared here. English is what is read: stop words, number words and endings are its.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifiers.embed import Encoder, TokenVectors

__all__ = ["NEGATIONS", "Reader", "Reading", "negates", "number", "stem"]

_Floats = npt.NDArray[np.float32]


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# Words of grammar: two texts that share them share nothing yet.
_STOP = frozenset(
    _listed(
        """a an the of to in on at for and or but if is are was were be been being he she it they we
        you i his her its their our your my him them us me this that these those with as by from
        into than then so do does did has have had having will would can could should may might
        must there here what which who whom whose when where why how s t d ll m re ve very just
        also both each any some such own same too am"""
    )
)
NEGATIONS = frozenset(
    _listed("not no never none cannot except without nor neither non unlike false incorrect least")
)
_NUMBERS = {
    word: float(value)
    for value, word in enumerate(
        _listed(
            """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
            fifteen sixteen seventeen eighteen nineteen twenty"""
        )
    )
} | {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0,
    "ninety": 90.0, "hundred": 100.0, "thousand": 1e3, "million": 1e6, "half": 0.5, "twice": 2.0,
    "double": 2.0, "thrice": 3.0, "triple": 3.0, "dozen": 12.0, "quarter": 0.25, "third": 1 / 3,
    "first": 1.0, "second": 2.0, "once": 1.0,
}  # fmt: skip
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENDINGS = (
    "ization", "ations", "ation", "ingly", "edly", "ness", "ment", "ings", "ing", "ies", "ied",
    "es", "ed", "ly", "s",
)  # fmt: skip

# BERT's vocabulary is ordered by frequency: its first word stands at 1,996, and by 30,000 words are
# rare. So the place of a word in it is its frequency, and no table of frequencies is needed.
_FIRST, _COMMON, _RARE = 1990, 40, 28_000
_LEAST, _PIECED, _NUMBER = 0.05, 0.8, 0.6
_LETTERS = 32  # of a word that is not to be cut, at most


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """Words of a text, in order.

    Args:
        text: what was read, lone surrogates as U+FFFD.
        words: lower case.
        stems: of the words, so that ``boxes`` meets ``box``.
        spans: ``int64[n, 2]``, characters of the text.
        weights: ``float32[n]``, 0 for words of grammar, up to 1 for rare ones.
        context: ``float32[n, dimension]``, unit vectors of the words where they stand.
        alone: ``float32[n, dimension]``, unit vectors of the words by themselves.
        numbers: what each word counts, None for those that count nothing.
        sums: ``float32[n, dimension]``, of the vectors of each word's tokens.
        pooled: ``float32[dimension]``, unit vector of all words together.
        vector: ``float32[dimension]``, of the text as its encoder pools it.
    """

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    spans: npt.NDArray[np.int64]
    weights: _Floats
    context: _Floats
    alone: _Floats
    numbers: tuple[float | None, ...]
    sums: _Floats
    pooled: _Floats
    vector: _Floats

    def __len__(self) -> int:
        return len(self.words)

    @property
    def negations(self) -> int:
        """Words that negate."""
        return sum(map(negates, self.words))

    def part(self, start: int, end: int) -> Reading:
        """Some of the text's characters, as they were read in its whole; words that are cut go."""
        if (start, end) == (0, len(self.text)):
            return self
        first = int(np.searchsorted(self.spans[:, 0], start))
        last = int(np.searchsorted(self.spans[:, 1], end, side="right"))
        inside = slice(first, max(first, last))
        return Reading(
            self.text[start:end],
            self.words[inside],
            self.stems[inside],
            self.spans[inside] - start,
            self.weights[inside],
            self.context[inside],
            self.alone[inside],
            self.numbers[inside],
            self.sums[inside],
            _pooled(self.sums[inside]),
            self.vector,
        )


class Reader:
    """Reads texts with the vectors of an English encoder.

    Args:
        encoder: a BERT-like one whose vocabulary is ordered by frequency, such as the packaged one.
    """

    def __init__(self, encoder: Encoder):
        self._encoder = encoder
        self._vocabulary: _Floats | None = None

    def read(
        self, texts: Sequence[str], *, context: bool = True, whole: bool = False
    ) -> list[Reading]:
        """Each text, read as far as the encoder's window goes.

        Args:
            context: without it, words have no vectors but those they have alone.
            whole: what lies beyond the window is read besides, in parts that know nothing of each
                other.

        Raises:
            ModelError: see `Encoder.encode`.
        """
        if self._vocabulary is None:
            self._vocabulary = self._encoder.vocabulary()
        # One for one, so that places stay what they are.
        clean = [_SURROGATE.sub("\ufffd", text) for text in texts]
        tokens = self._encoder.tokens(clean, vectors=context)
        if whole:
            tokens = self._further(clean, tokens, context)
        vocabulary = self._vocabulary
        return [_reading(*one, vocabulary) for one in zip(clean, tokens, strict=True)]

    def _further(
        self, texts: Sequence[str], tokens: Sequence[TokenVectors], context: bool
    ) -> list[TokenVectors]:
        """The same tokens, and those beyond the window."""
        found = list(tokens)
        reached = dict.fromkeys(range(len(texts)), 0)
        while reached:
            cuts = {}
            for at, before in reached.items():
                cut = _read_up_to(texts[at], found[at])
                if cut > before and _WORD.search(texts[at], cut):
                    cuts[at] = cut
            more = self._encoder.tokens(
                [texts[at][cut:] for at, cut in cuts.items()], vectors=context
            )
            for (at, cut), part in zip(cuts.items(), more, strict=True):
                found[at] = _joined(found[at], part, cut)
            reached = cuts
        return found


def number(word: str) -> float | None:
    """What a word counts: ``"1,250"`` and ``"twelve"`` do, most words count nothing."""
    try:
        value = float(word.replace(",", ""))
    except ValueError:
        return _NUMBERS.get(word)
    return None if math.isnan(value) else value  # the word nan


def negates(word: str) -> bool:
    """Whether a word, in lower case, negates: ``never``, ``isn't``."""
    return word in NEGATIONS or word.endswith("n't")


def stem(word: str) -> str:
    """A word without its English ending, crudely: only equality of stems is asked for."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == "e":
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word


def _read_up_to(text: str, tokens: TokenVectors) -> int:
    """Where tokens end, or the word begins that they end within, unless it is very long."""
    end = int(tokens.spans[:, 1].max(initial=0))
    for cut in range(end, max(0, end - _LETTERS), -1):
        if not text[cut - 1 : cut + 1].isalnum() or cut == len(text):
            return cut
    return end


def _joined(tokens: TokenVectors, more: TokenVectors, cut: int) -> TokenVectors:
    kept = tokens.spans[:, 0] < cut
    return TokenVectors(
        np.concatenate([tokens.ids[kept], more.ids]),
        np.concatenate([tokens.spans[kept], more.spans + cut]),
        np.concatenate([tokens.vectors[kept], more.vectors]),
        tokens.pooled,
    )


def _reading(text: str, tokens: TokenVectors, vocabulary: _Floats) -> Reading:
    # The one letter that lower() makes two characters of; places are to stay what they are.
    found = list(_WORD.finditer(text.replace("İ", "i").lower()))
    spans = np.array([match.span() for match in found], np.int64).reshape(-1, 2)
    size = vocabulary.shape[1]
    sums = np.zeros((len(found), tokens.vectors.shape[1]), np.float32)
    alone = np.zeros((len(found), size), np.float32)
    pieces = np.zeros(len(found), np.int64)
    rank = np.zeros(len(found), np.int64)
    if len(found) and len(tokens.ids):
        word = np.searchsorted(spans[:, 0], tokens.spans[:, 0], side="right") - 1
        inside = (word >= 0) & (tokens.spans[:, 0] < spans[np.maximum(word, 0), 1])
        word, ids = word[inside], tokens.ids[inside]
        np.add.at(sums, word, tokens.vectors[inside])
        np.add.at(alone, word, vocabulary[ids])
        np.add.at(pieces, word, 1)
        np.maximum.at(rank, word, ids)
    seen = np.flatnonzero(pieces)  # words beyond the encoder's window have no vector
    words = tuple(found[at].group().replace("’", "'") for at in seen.tolist())
    numbers = tuple(number(word) for word in words)
    return Reading(
        text,
        words,
        tuple(map(stem, words)),
        spans[seen],
        _weights(words, numbers, rank[seen], pieces[seen]),
        _unit(sums[seen]),
        _unit(alone[seen]),
        numbers,
        sums[seen],
        _pooled(sums[seen]),
        tokens.pooled,
    )


def _weights(
    words: Sequence[str],
    numbers: Sequence[float | None],
    rank: npt.NDArray[np.int64],
    pieces: npt.NDArray[np.int64],
) -> _Floats:
    common, rare = np.log(_COMMON), np.log(_RARE)
    weights = (np.log(np.maximum(rank - _FIRST, 1)) - common) / (rare - common)
    weights = np.clip(weights, _LEAST, 1)
    weights[pieces > 1] = np.maximum(weights[pieces > 1], _PIECED)
    for at, (word, value) in enumerate(zip(words, numbers, strict=True)):
        if word in NEGATIONS:
            weights[at] = _NUMBER
        elif value is not None:
            weights[at] = max(weights[at], _NUMBER)
        elif word in _STOP or (len(word) == 1 and not word.isdigit()):
            weights[at] = 0
    return np.asarray(weights, np.float32)


def _unit(vectors: _Floats) -> _Floats:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9), np.float32)


def _pooled(sums: _Floats) -> _Floats:
    return np.asarray(_unit(sums.sum(axis=0, keepdims=True))[0])

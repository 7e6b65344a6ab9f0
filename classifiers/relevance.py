"""Zero-shot relevance: how near texts are to a written description of a topic, by sentence embedding.

No labels, no training. What is kept by such a score is decided elsewhere; how well it ranks is
measured by ``benchmarks/zero_shot_relevance.py``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.embed import Encoder
from classifiers.passages import passages as cut
from pipeline.core.errors import ConfigError

__all__ = ["NOTHING", "Relevance"]

NOTHING = -1.0  # the score of a text of nothing but white space
LONGEST = 200  # words of a description: about what an encoder reads

_POOLED = 2  # the nearest passages of a text, whose mean is its score
_AT_ONCE = 1024  # texts cut and encoded together; bounds memory and never changes a score


@dataclasses.dataclass(frozen=True)
class Relevance:
    """Ranks texts by their cosine to a description, without any labelled example.

    A score depends on its text alone, not on the texts it is scored with (`Encoder`). It ranks, and
    is no probability: the value from which on a text is "about the topic" differs from description
    to description. Keep a share, such as the best 10 %, or calibrate on texts of your own. Topics
    work; forms of writing (a poem, a forum thread) hardly do.

    Cheap to pickle: the encoder is loaded when first used, once per process. A page takes about a
    tenth of a second of one core, so that cheaper filters belong before it.

    Args:
        description: what is wanted, in words that such texts use: a list of subjects, a sentence.
            English for the packaged encoder; at most 200 words. Of several descriptions the
            nearest to each passage counts, so that they may be several topics.
        encoder: the model.
        words: of a passage. The packaged encoder reads about 180 words at once, and the shorter
            the passage, the less its topic is diluted.
        passages: of each text, at most: all of a short text; of a longer one its beginning and
            others evenly spaced (see `classifiers.passages`). They bound the cost. The mean of the
            two nearest ones is the score: one alone may be a chance, all of them are the whole page.

    Raises:
        ConfigError: no description, an empty or too long one, ``words`` or ``passages`` below 1.
    """

    description: str | tuple[str, ...]
    encoder: Encoder = dataclasses.field(default_factory=Encoder)
    words: int = 64
    passages: int = 4

    def __post_init__(self) -> None:
        given: Any = self.description
        # A lone string would be taken for as many descriptions as it has letters.
        given = (given,) if isinstance(given, str) else tuple(given)
        object.__setattr__(self, "description", given)
        if not given:
            raise ConfigError("relevance.description is missing: say what is wanted")
        for text in given:
            count = len(text.split())
            if not 1 <= count <= LONGEST:
                raise ConfigError(
                    f"relevance.description has {count} words; 1 to {LONGEST} are read: say it in "
                    "a sentence or two, or in several descriptions"
                )
        for name in ("words", "passages"):
            if getattr(self, name) < 1:
                raise ConfigError(f"relevance.{name} = {getattr(self, name)} must be at least 1")

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """How near each text is to the description.

        Args:
            texts: any strings, of any length.

        Returns:
            ``float32[len(texts)]``, in [-1, 1]: the mean cosine of the two nearest passages, or of
            the only one. -1.0 for a text of nothing but white space.

        Raises:
            ModelError: see `Encoder.encode`.
        """
        scores = np.full(len(texts), NOTHING, np.float32)
        for start in range(0, len(texts), _AT_ONCE):
            pieces = [
                cut(text, words=self.words, most=self.passages)
                for text in texts[start : start + _AT_ONCE]
            ]
            cosines = self._cosines([passage for found in pieces for passage in found])
            end = 0
            for index, found in enumerate(pieces, start):
                begin, end = end, end + len(found)
                if found:
                    scores[index] = np.sort(cosines[begin:end])[-_POOLED:].mean()
        return scores

    def check(self) -> str:
        """Make sure, before any work, that the encoder is here; the sha256 of its model.

        Raises:
            ModelError: see `Encoder.encode`.
        """
        return self.encoder.check()

    def _cosines(self, pieces: Sequence[str]) -> npt.NDArray[np.float32]:
        """Of each passage to the nearest description."""
        vectors = self.encoder.encode(pieces)
        wanted = _vectors(self.encoder, self.encoder.model_sha256(), tuple(self.description))
        # Row by row: a matrix product may round differently for another number of rows.
        cosines = [(vectors * one).sum(axis=1) for one in wanted]
        found: npt.NDArray[np.float32] = np.clip(np.max(cosines, axis=0), -1.0, 1.0)
        return found


@functools.lru_cache(maxsize=64)
def _vectors(
    encoder: Encoder, sha256: str, descriptions: tuple[str, ...]
) -> npt.NDArray[np.float32]:
    # ``sha256`` is part of the key only: an altered model gives other vectors.
    return encoder.encode(descriptions)

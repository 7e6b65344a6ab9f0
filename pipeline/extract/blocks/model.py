"""The trained block model: how likely each block of a page is main text, and what kind of page it is.

A model is a folder with ``model.npz`` (arrays only, read without pickle) and ``words.json``. It is fitted by
``benchmarks/train_blocks.py``. Its arithmetic is on rounded numbers and integers, so that the same page has
the same text on every machine.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ModelError
from pipeline.extract.blocks.context import first_round, page_columns, second_round, word_scores
from pipeline.extract.blocks.features import Measured
from pipeline.extract.blocks.forest import Forest
from pipeline.extract.blocks.maker_words import Vocabulary, vocabulary_of

__all__ = [
    "KINDS",
    "SHIPPED",
    "Model",
    "load_model",
    "model_sha256",
    "probability",
    "rounded_kinds",
    "save_model",
    "second_thought",
]

# Two in five blocks; the second round took none of them for main text (on a third of the gold pages).
SETTLED = 0.02
KINDS = ("article", "documentation", "service", "forum", "collection", "listing", "product")
SHIPPED = Path(__file__).parents[1] / "shipped" / "blocks"


@dataclasses.dataclass(frozen=True)
class Model:
    """All that was fitted.

    Args:
        words: maker's words that are known, in order.
        word_scores: ``float32[4, 1 + words]``, see `context.word_scores`.
        hints: of pages (`hints.page_hints`) that are known, in order.
        kind_words, kind_hints, kind_numbers: ``float32[…, kinds]``, weights of each for `KINDS`.
        kind_bias: ``float32[kinds]``.
        first, second: the forests of both rounds.
    """

    words: tuple[str, ...]
    word_scores: npt.NDArray[np.float32]
    hints: tuple[str, ...]
    kind_words: npt.NDArray[np.float32]
    kind_hints: npt.NDArray[np.float32]
    kind_numbers: npt.NDArray[np.float32]
    kind_bias: npt.NDArray[np.float32]
    first: Forest
    second: Forest

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """Numbers of the known words."""
        return vocabulary_of(self.words)

    @functools.cached_property
    def _hint_rows(self) -> dict[str, int]:
        return {hint: row for row, hint in enumerate(self.hints)}

    def kinds(self, measured: Measured, hints: set[str]) -> npt.NDArray[np.float64]:
        """Probability of each of `KINDS`, rounded to 1/256."""
        words = np.flatnonzero(np.bincount(measured.words.ravel(), minlength=1))
        rows = sorted(self._hint_rows[hint] for hint in hints if hint in self._hint_rows)
        sums = (
            self.kind_words[words[words > 0]].sum(axis=0, dtype=np.float64)
            + self.kind_hints[rows].sum(axis=0, dtype=np.float64)
            + (page_columns(measured)[:, None] * self.kind_numbers).sum(axis=0)
            + self.kind_bias
        )
        raised = np.exp(sums - sums.max())
        return rounded_kinds(raised / raised.sum())

    def likely(
        self,
        measured: Measured,
        told: npt.NDArray[np.float64],
        kinds: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """Probability that each block is main text, rounded to 1/1024."""
        first = first_round(measured, word_scores(measured, self.word_scores), told, kinds)
        thought = probability(self.first.log_odds(first))
        return second_thought(self.second, measured, first, thought)


def second_thought(
    forest: Forest,
    measured: Measured,
    first: npt.NDArray[np.float32],
    thought: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Probabilities by the second round; blocks below `SETTLED` keep what the first thought of them.

    Args:
        forest: of the second round.
        measured: the blocks.
        first: columns of the first round.
        thought: ``float64[blocks]``, probabilities by the first round.
    """
    doubtful = thought >= SETTLED
    likely = thought.copy()
    if doubtful.any():
        columns = second_round(measured, first, thought)[:, doubtful]
        likely[doubtful] = probability(forest.log_odds(columns))
    return likely


def rounded_kinds(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probabilities of kinds, rounded to 1/256."""
    rounded: npt.NDArray[np.float64] = np.round(shares * 256.0) / 256.0
    return rounded


def probability(log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probabilities of blocks by their log odds, rounded to 1/1024."""
    found: npt.NDArray[np.float64] = np.round(1024.0 / (1.0 + np.exp(-log_odds))) / 1024.0
    return found


_FOREST = ("features", "borders", "asked", "leaves")
_ARRAYS = ("word_scores", "kind_words", "kind_hints", "kind_numbers", "kind_bias")


def save_model(model: Model, folder: Path) -> None:
    """Write a model. The same model gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(model, name) for name in _ARRAYS}
    for which in ("first", "second"):
        forest: Forest = getattr(model, which)
        arrays |= {f"{which}.{name}": getattr(forest, name) for name in _FOREST}
        arrays[f"{which}.bias"] = np.array(forest.bias, np.int64)
    np.savez_compressed(folder / "model.npz", **arrays)
    told = {"kinds": KINDS, "words": model.words, "hints": model.hints}
    (folder / "words.json").write_text(json.dumps(told, ensure_ascii=False, indent=0) + "\n")


@functools.lru_cache(maxsize=2)
def load_model(folder: Path = SHIPPED) -> Model:
    """A model that `save_model` wrote.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        told = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        with np.load(folder / "model.npz", allow_pickle=False) as stored:
            arrays: dict[str, Any] = dict(stored)
        forests: dict[str, Any] = {
            which: Forest(
                **{name: arrays[f"{which}.{name}"] for name in _FOREST},
                bias=int(arrays[f"{which}.bias"]),
            )
            for which in ("first", "second")
        }
        fitted: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
        return Model(words=tuple(told["words"]), hints=tuple(told["hints"]), **fitted, **forests)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{folder}: the block model cannot be read: {error}; install Gristmill again"
        ) from error


def model_sha256(folder: Path = SHIPPED) -> str:
    """sha256 of a model's files."""
    digest = hashlib.sha256()
    for name in ("model.npz", "words.json"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()

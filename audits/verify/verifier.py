"""The trained judgement: evidence in, probabilities out.

Two questions are answered apart: does the passage say what the item says (`restated`), and does it
give the answer away without saying it (`explained`). Each answer is the mean of two models' log
odds: boosted trees (Friedman 2001), which know the trades they were trained on best, and a logistic
regression, which errs less on those they were not. Both are plain numbers in ``shipped/verifier.npz``
and are trained by ``benchmarks/train_verifier.py``.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.verify.evidence import NAMES
from pipeline.core.errors import ModelError

__all__ = ["HEADS", "Head", "Verifier"]

HEADS = ("restated", "explained")
_AT_ONCE = 512

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Head:
    """The models of one question.

    Args:
        feature, threshold, left, right, value: nodes of all trees one after another; a row goes
            left where its feature is at most the threshold; leaves lead to themselves.
        roots: first node of each tree.
        depth: steps from a root to the deepest leaf.
        base: log odds before the first tree.
        knots: ``float64[features, k]``, quantiles of each feature, between which the regression's
            features are linear.
        weights: ``float64[features, k]``; the regression's weight of a feature at each knot.
        intercept: of the regression.
        share: of the trees in the mean.
    """

    feature: npt.NDArray[np.int64]
    threshold: _Floats
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: _Floats
    roots: npt.NDArray[np.int64]
    depth: int
    base: float
    knots: _Floats
    weights: _Floats
    intercept: float
    share: float

    def log_odds(self, figures: _Floats) -> _Floats:
        """Of each row of ``float64[n, features]``."""
        found = np.zeros(len(figures))
        for start in range(0, len(figures), _AT_ONCE):
            rows = figures[start : start + _AT_ONCE]
            found[start : start + _AT_ONCE] = self.share * self._trees(rows) + (
                1 - self.share
            ) * self._regression(rows)
        return found

    def _trees(self, rows: _Floats) -> _Floats:
        node = np.repeat(self.roots[None, :], len(rows), axis=0)
        row = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            goes_left = rows[row, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(self.base + self.value[node].sum(axis=1))

    def _regression(self, rows: _Floats) -> _Floats:
        total = np.full(len(rows), self.intercept)
        for at in range(self.knots.shape[0]):
            total += np.interp(rows[:, at], self.knots[at], self.weights[at])
        return total

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """As they are stored, under ``name``."""
        return {
            f"{name}.{field.name}": np.asarray(getattr(self, field.name))
            for field in dataclasses.fields(self)
        }

    @classmethod
    def of(cls, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Head:
        """From what `arrays` gave."""
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            array = np.asarray(arrays[f"{name}.{field.name}"])
            values[field.name] = array.item() if array.ndim == 0 else array
        return cls(**values)


@dataclasses.dataclass(frozen=True, eq=False)
class Verifier:
    """Both heads, and the thresholds that came of their calibration.

    Args:
        heads: by name, see `HEADS`.
        thresholds: false positive rate on clean texts of the same trades, as text, to the least
            probability that keeps to it.
        with_passage: the same for items that ask about a passage, found on other questions on it.
    """

    heads: Mapping[str, Head]
    thresholds: Mapping[str, float]
    with_passage: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    @functools.cache
    def load(cls) -> Verifier:
        """The shipped one.

        Raises:
            ModelError: it is missing, or was made for other evidence.
        """
        folder = resources.files("audits").joinpath("shipped")
        try:
            header = json.loads(folder.joinpath("verifier.json").read_text("utf-8"))
            data = io.BytesIO(folder.joinpath("verifier.npz").read_bytes())
        except OSError as error:
            raise ModelError(
                f"audits/shipped: the verifier is missing ({error}); install gristmill anew, or train "
                "it with benchmarks/train_verifier.py"
            ) from error
        if tuple(header["evidence"]) != NAMES:
            raise ModelError(
                "audits/shipped/verifier.json was trained on other evidence than audits.verify.evidence "
                "gives; train it anew with benchmarks/train_verifier.py"
            )
        with np.load(data, allow_pickle=False) as arrays:
            heads = {name: Head.of(name, arrays) for name in HEADS}
        return cls(heads, header["thresholds"], header["with_passage"])

    def probabilities(self, figures: Sequence[Mapping[str, float]]) -> dict[str, _Floats]:
        """What each head says of each candidate.

        Args:
            figures: as `audits.verify.evidence.evidence` gives them.
        """
        rows = np.array([[one[name] for name in NAMES] for one in figures], np.float64)
        rows = rows.reshape(len(figures), len(NAMES))
        return {name: _sigmoid(self.heads[name].log_odds(rows)) for name in HEADS}

    def threshold(self, rate: float, *, passage: bool = False) -> float:
        """Least probability of a leak at a false positive rate, between the calibrated rates.

        Beyond them that of the nearest one.

        Args:
            rate: 0 to 1.
            passage: whether it is for items that ask about a passage: other questions on the same
                passage resemble them more than anything else does.
        """
        calibrated = (self.thresholds, self.with_passage) if passage else (self.thresholds,)
        return max(_between(one, rate) for one in calibrated if one)


def _between(thresholds: Mapping[str, float], rate: float) -> float:
    rates, values = zip(
        *sorted((float(one), value) for one, value in thresholds.items()), strict=True
    )
    return float(np.interp(np.log(max(rate, 1e-9)), np.log(rates), values))


def _sigmoid(values: _Floats) -> _Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -50, 50))))

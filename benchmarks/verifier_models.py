"""The verifier's models, trained and put into the form that ships (`audits.verify.verifier.Head`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from audits.verify.verifier import Head

__all__ = ["fit"]

KNOTS = 8
TREES, LEAVES, RATE = 200, 10, 0.06


def fit(
    figures: npt.NDArray[np.float32],
    truth: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float64],
    *,
    share: float,
    ridge: float = 0.02,
) -> Head:
    """Train both models of a head; equal arguments give equal models.

    Args:
        figures: ``float32[n, features]``.
        truth, weights: of each row.
        share: of the trees in the mean of log odds.
        ridge: inverse strength of the regression's penalty.
    """
    rows = figures.astype(np.float64)
    trees = HistGradientBoostingClassifier(
        max_iter=TREES, learning_rate=RATE, max_leaf_nodes=LEAVES, l2_regularization=5,
        min_samples_leaf=30, random_state=0, early_stopping=False,
    ).fit(rows, truth, sample_weight=weights)  # fmt: skip
    knots = np.stack([_knots(column) for column in rows.T])
    basis, scale = _basis(rows, knots)
    regression = LogisticRegression(C=ridge, solver="lbfgs", max_iter=200).fit(
        basis / scale, truth, sample_weight=weights
    )
    slopes = (regression.coef_[0] / scale).reshape(knots.shape)
    return Head(
        **_nodes(trees),
        base=float(np.ravel(trees._baseline_prediction)[0]),
        knots=knots,
        weights=slopes,
        intercept=float(regression.intercept_[0]),
        share=share,
    )


def _knots(column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Quantiles, made distinct so that a feature of few values has a place for each."""
    found = np.quantile(column, np.linspace(0, 1, KNOTS))
    step = 1e-6 * max(1.0, float(np.ptp(column)))
    for at in range(1, KNOTS):
        found[at] = max(found[at], found[at - 1] + step)
    return found


def _basis(
    rows: npt.NDArray[np.float64], knots: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Hat functions at the knots of each feature, and their spread."""
    columns = []
    for at, own in enumerate(knots):
        columns += [np.interp(rows[:, at], own, one) for one in np.eye(len(own))]
    basis = np.stack(columns, axis=1).astype(np.float32)
    return basis, np.maximum(basis.std(axis=0), 0.02).astype(np.float32)


def _nodes(trees: HistGradientBoostingClassifier) -> dict[str, object]:
    feature, threshold, left, right, value, roots = [], [], [], [], [], []
    depth = 0
    for (predictor,) in trees._predictors:
        start = len(feature)
        roots.append(start)
        for at, node in enumerate(predictor.nodes):
            leaf = bool(node["is_leaf"])
            feature.append(0 if leaf else int(node["feature_idx"]))
            threshold.append(np.inf if leaf else float(node["num_threshold"]))
            left.append(start + (at if leaf else int(node["left"])))
            right.append(start + (at if leaf else int(node["right"])))
            value.append(float(node["value"]) if leaf else 0.0)
            depth = max(depth, int(node["depth"]))
    return {
        "feature": np.array(feature, np.int64),
        "threshold": np.array(threshold),
        "left": np.array(left, np.int64),
        "right": np.array(right, np.int64),
        "value": np.array(value),
        "roots": np.array(roots, np.int64),
        "depth": depth,
    }

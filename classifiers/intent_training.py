"""Training of the model of intent, from nothing or from a model that is there already.

From nothing it is a multinomial regression with a ridge penalty. From a model that is there, a
Gaussian prior stands around its weights, and what is found is the likeliest model given prior and
labels (maximum a posteriori; Chelba and Acero 2004, "Adaptation of Maximum Entropy Capitalizer"): a
few labels move it a little, many move it a lot, none leave it as it is.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

from classifiers.intent import INTENTS, IntentModel
from pipeline.core.errors import ConfigError

__all__ = [
    "COUNTS_FOR",
    "ENOUGH",
    "ENOUGH_ASKING",
    "RECALL",
    "STRENGTH",
    "asking_threshold",
    "best_temperature",
    "cooled",
    "enough",
    "train_intent",
]

RECALL = 0.8  # of asking, by its label: a log has plenty, so what is taken should be right
REGULARISED = 0.1  # weight of the square of a standardised feature, for each prompt
COUNTS_FOR = {"asking": 1.0, "doing": 1.3, "expressing": 4.0}  # few prompts express
STRENGTH = 150.0  # of the prior, by ``benchmarks/adapt_intent.py``
ENOUGH, ENOUGH_ASKING = 200, 50  # labels of prompts drawn by chance, and of asking among them
_FOLDS = 5
_LEAST = 1e-6  # standard deviation of a feature

_Floats = npt.NDArray[np.float64]
_Numbers = npt.NDArray[np.int64]
_Truths = npt.NDArray[np.bool_]


def train_intent(
    features: _Floats,
    labels: _Numbers,
    *,
    weights: _Floats | None = None,
    prior: IntentModel | None = None,
    strength: float = STRENGTH,
    chance: _Truths | None = None,
) -> IntentModel:
    """A model for labelled prompts, by L-BFGS: the same numbers each time.

    Temperature and the threshold of *asking* are 1 and none without a prior. With one they are the
    prior's, unless `enough` labels are of prompts drawn by chance. Then they are estimated on what
    models trained on four fifths of all labels say of those in the last fifth.

    Args:
        features: ``float64[n, d]``, from `IntentClassifier.features`.
        labels: ``int64[n]``, positions in `INTENTS`.
        weights: ``float64[n]``, what each label counts for; None for 1 of *asking*, 1.3 of *doing*
            and 4 of *expressing*, of which there are few.
        prior: model that the new one is near to; None to begin from nothing.
        strength: how near: the weight of the square of a difference from the prior, in units of
            one label's log loss. Not used without a prior.
        chance: ``bool[n]``, which prompts were drawn by chance and not for being hard; None for
            all. A temperature or a recall that is measured on hard ones is not that of the log.

    Raises:
        ConfigError: arrays whose shapes do not fit, numbers that are not finite, an unknown label,
            no label at all and no prior, or a ``strength`` that is not above 0.
    """
    counts = _checked(features, labels, weights, prior, strength)
    if prior is None:
        return _from_nothing(features, labels, counts)
    if not len(labels):
        return prior
    model = _near(prior, features, labels, counts, strength)
    drawn = np.ones(len(labels), np.bool_) if chance is None else np.asarray(chance, np.bool_)
    if drawn.shape != labels.shape:
        raise ConfigError(f"chance has shape {drawn.shape} where {labels.shape} belongs")
    if not enough(labels[drawn]):
        return model
    folds = np.arange(len(labels)) % _FOLDS
    says = np.zeros((len(labels), len(INTENTS)))
    for fold in range(_FOLDS):
        rest, held = folds != fold, folds == fold
        one = _near(prior, features[rest], labels[rest], counts[rest], strength)
        says[held] = dataclasses.replace(one, temperature=1.0).probabilities(features[held])
    says, truth = says[drawn], labels[drawn]
    temperature = best_temperature(says, truth)
    least = asking_threshold(cooled(says, temperature)[:, 0], truth == 0)
    return dataclasses.replace(model, temperature=temperature, asking=least)


def enough(labels: _Numbers) -> bool:
    """Whether temperature and threshold can be estimated on labels of prompts drawn by chance.

    200 of them, 50 of *asking*: the recall is then known to about .06 (one standard deviation).
    """
    return len(labels) >= ENOUGH and int((labels == 0).sum()) >= ENOUGH_ASKING


def asking_threshold(says: _Floats, truth: _Truths) -> float:
    """The greatest probability of asking from which on as many are found as is wanted, `RECALL`.

    Args:
        says: ``float64[n]``, probability of *asking*.
        truth: ``bool[n]``, at least one of them true.
    """
    return round(float(np.quantile(says[truth], 1 - RECALL)), 4)


def cooled(says: _Floats, temperature: float) -> _Floats:
    """Probabilities ``float64[n, 3]`` with their log odds divided by ``temperature``."""
    powers = np.maximum(says, 1e-12) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def best_temperature(says: _Floats, labels: _Numbers) -> float:
    """The temperature that makes the labels likeliest (Guo et al. 2017, "On Calibration").

    Args:
        says: ``float64[n, 3]``, of prompts that the model was not trained on.
        labels: ``int64[n]``, positions in `INTENTS`.
    """

    def loss(log: float) -> float:
        given = cooled(says, float(np.exp(log)))
        return -float(np.log(np.maximum(given[np.arange(len(labels)), labels], 1e-12)).mean())

    return round(float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x)), 4)


def _from_nothing(features: _Floats, labels: _Numbers, counts: _Floats) -> IntentModel:
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < _LEAST] = 1.0  # what never varies, but for rounding
    nothing = IntentModel(mean, scale, np.zeros((features.shape[1], 3)), np.zeros(3))
    penalty = REGULARISED * len(labels)
    return _fitted(nothing, features, labels, counts, penalty, 0.0)


def _near(
    prior: IntentModel, features: _Floats, labels: _Numbers, counts: _Floats, strength: float
) -> IntentModel:
    return _fitted(prior, features, labels, counts, strength, strength)


def _fitted(
    centre: IntentModel,
    features: _Floats,
    labels: _Numbers,
    counts: _Floats,
    penalty: float,
    intercept_penalty: float,
) -> IntentModel:
    """The minimum of log loss and squared distance from ``centre``, in whose units all is."""
    standard = centre.standardised(features)
    truth = np.eye(len(INTENTS))[labels]
    size = standard.shape[1]

    def loss(flat: _Floats) -> tuple[float, _Floats]:
        weights, intercept = flat[:-3].reshape(size, 3), flat[-3:]
        odds = (standard @ weights + intercept) / centre.temperature
        odds -= odds.max(axis=1, keepdims=True)
        log = odds - np.log(np.exp(odds).sum(axis=1, keepdims=True))
        wrong = (np.exp(log) - truth) * counts[:, None] / centre.temperature
        far, shift = weights - centre.weights, intercept - centre.intercept
        value = -(log * truth).sum(axis=1) @ counts + penalty * (far**2).sum()
        value += intercept_penalty * (shift**2).sum()
        slope = standard.T @ wrong + 2 * penalty * far
        turn = wrong.sum(axis=0) + 2 * intercept_penalty * shift
        return float(value), np.concatenate([slope.ravel(), turn])

    begin = np.concatenate([centre.weights.ravel(), centre.intercept])
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return dataclasses.replace(
        centre, weights=found.x[:-3].reshape(size, 3), intercept=found.x[-3:]
    )


def _checked(
    features: _Floats,
    labels: _Numbers,
    weights: _Floats | None,
    prior: IntentModel | None,
    strength: float,
) -> _Floats:
    """What each label counts for, after checking that all of it fits."""
    if features.ndim != 2 or labels.shape != (len(features),):
        raise ConfigError(
            f"features {features.shape} and labels {labels.shape}: give one row and one label for "
            "each prompt"
        )
    if not np.isfinite(features).all():
        raise ConfigError("features: NaN or infinity in them; give those of IntentClassifier")
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(INTENTS)):
        raise ConfigError(f"labels: give positions in {', '.join(INTENTS)}, 0 to 2")
    if prior is None and not len(labels):
        raise ConfigError("labels: none, and no prior; give at least one of them")
    if prior is not None and prior.weights.shape[0] != features.shape[1]:
        raise ConfigError(
            f"prior: trained on {prior.weights.shape[0]} features where {features.shape[1]} are "
            "given; take both from the same encoder"
        )
    if not (np.isfinite(strength) and strength > 0):
        raise ConfigError(f"strength = {strength} is no weight; give a number above 0")
    if weights is None:
        return np.array([COUNTS_FOR[INTENTS[label]] for label in labels])
    counts = np.asarray(weights, np.float64)
    if counts.shape != labels.shape or not (np.isfinite(counts) & (counts >= 0)).all():
        raise ConfigError("weights: give one number, 0 or more, for each label")
    return counts

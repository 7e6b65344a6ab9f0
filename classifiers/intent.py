"""Intent of a prompt: asking, doing or expressing, after "How People Use ChatGPT".

Chatterji et al. 2025 (NBER working paper 34255): *asking* seeks information or advice, *doing* asks
for output that the model is to produce, *expressing* is neither. The last message of a user is
judged, read with what came before it.

The model is a multinomial regression on cues of wording (`classifiers.intent_cues`) and the
prompt's embedding by the packaged encoder, with one temperature for calibration. It is trained and
judged by ``benchmarks/train_intent.py``; its weights are plain numbers in ``shipped/intent``.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import zipfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.embed import Encoder
from classifiers.intent_cues import CUES, cues
from pipeline.core.errors import ModelError

__all__ = ["INTENTS", "Asked", "IntentClassifier", "IntentModel", "asked_in"]

INTENTS = ("asking", "doing", "expressing")
_EMBEDDED = 1000  # characters of a prompt that are embedded: more than the encoder reads
_FURTHEST = 8.0  # standard deviations
_BEFORE = 300  # characters of an earlier message that a prompt is embedded with

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A prompt and what came before it.

    Args:
        prompt: the message that is judged.
        before: the user's message before it; empty where there is none.
        reply: the reply that stands between them; empty where there is none.
    """

    prompt: str
    before: str = ""
    reply: str = ""


def asked_in(turns: Sequence[tuple[str, str]], at: int | None = None) -> Asked | None:
    """A user's message and what came before it; None where no user says anything.

    Args:
        turns: role (``user``, ``assistant``, others are passed over) and text.
        at: number of the turn; None for the last of a user.
    """
    if at is None:
        users = [number for number, (role, _) in enumerate(turns) if role == "user"]
        if not users:
            return None
        at = users[-1]
    before = reply = ""
    for role, text in reversed(turns[:at]):
        if role == "user":
            before = text
            break
        if role == "assistant" and not reply:
            reply = text
    return Asked(turns[at][1], before, reply)


@dataclasses.dataclass(frozen=True, eq=False)
class IntentModel:
    """The numbers of a trained model.

    Args:
        mean, scale: ``float64[d]``, of the features, which are standardised.
        weights: ``float64[d, 3]``, by intent.
        intercept: ``float64[3]``.
        temperature: what log odds are divided by.
        asking: least probability of *asking* that makes it the label, from the recall wanted in
            training; below it the likelier of the other two is.
    """

    mean: _Floats
    scale: _Floats
    weights: _Floats
    intercept: _Floats
    temperature: float = 1.0
    asking: float = 0.0

    def labels(self, probabilities: _Floats) -> list[str]:
        """One of `INTENTS` for each row of `probabilities`."""
        other = 1 + probabilities[:, 1:].argmax(axis=1)
        sure = probabilities[:, 0] >= (self.asking or probabilities[:, 1:].max(axis=1, initial=0.0))
        return [INTENTS[0] if one else INTENTS[rest] for one, rest in zip(sure, other, strict=True)]

    def probabilities(self, features: _Floats) -> _Floats:
        """``float64[n, 3]`` of ``float64[n, d]``, rows summing to 1."""
        odds = self.standardised(features) @ self.weights + self.intercept
        odds = odds / self.temperature
        odds -= odds.max(axis=1, keepdims=True)
        powers = np.exp(odds)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def standardised(self, features: _Floats) -> _Floats:
        """In standard deviations from the mean, none further than `_FURTHEST`.

        A prompt unlike any that was learnt from, such as one in another script, is not to be judged
        by a cue that hardly varied there.
        """
        return np.clip((features - self.mean) / self.scale, -_FURTHEST, _FURTHEST)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """As they are stored."""
        return {
            field.name: np.asarray(getattr(self, field.name)) for field in dataclasses.fields(self)
        }

    def save(self, folder: Path, header: dict[str, Any]) -> None:
        """Write ``model.npz`` and ``model.json``.

        Args:
            folder: exists.
            header: what else is to be known of it, plain values.
        """
        with io.BytesIO() as buffer:
            np.savez(buffer, **self.arrays())  # type: ignore[arg-type]
            (folder / "model.npz").write_bytes(buffer.getvalue())
        text = json.dumps({"cues": list(CUES), "intents": list(INTENTS), **header}, indent=1)
        (folder / "model.json").write_text(text + "\n", "utf-8")
        self.forget()

    @classmethod
    def load(cls, folder: Path | None = None) -> IntentModel:
        """A stored model.

        Args:
            folder: of `save`; None for the packaged one.

        Raises:
            ModelError: it is missing, or was trained on other cues.
        """
        return _load(str(folder) if folder is not None else None)

    @staticmethod
    def forget() -> None:
        """Read stored models anew when they are next asked for: a file has changed."""
        _load.cache_clear()


@functools.lru_cache(maxsize=8)
def _load(name: str | None) -> IntentModel:
    folder = resources.files("classifiers") / "shipped" / "intent" if name is None else Path(name)
    try:
        header = dict(json.loads((folder / "model.json").read_text("utf-8")))
        data = (folder / "model.npz").read_bytes()
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder}: holds no model of intent: {error}") from error
    if tuple(header.get("cues", ())) != CUES or tuple(header.get("intents", ())) != INTENTS:
        raise ModelError(
            f"{folder}/model.json was trained on other cues than classifiers.intent_cues gives; "
            "train it anew with benchmarks/train_intent.py"
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            values = {key: arrays[key] for key in arrays.files}
        for key in ("temperature", "asking"):
            values[key] = float(values[key])
        return IntentModel(**values)
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{folder}/model.npz is damaged ({error}); train it anew") from error


@dataclasses.dataclass(frozen=True)
class IntentClassifier:
    """Says of prompts which intent they have. Cheap to pickle; loads when first used.

    Args:
        folder: of a model of one's own, see `IntentModel.save`; None for the packaged one.
        encoder: embeds prompts; a model is trained for the packaged one in float32.
    """

    folder: str | None = None
    encoder: Encoder = dataclasses.field(default_factory=Encoder)

    def probabilities(self, asked: Sequence[Asked]) -> _Floats:
        """Probability of each of `INTENTS`.

        Args:
            asked: prompts.

        Returns:
            ``float64[n, 3]``, rows summing to 1.

        Raises:
            ModelError: the model or the encoder is missing (``pip install 'gristmill[prompts]'``).
        """
        return self.probabilities_of(self.features(asked))

    def probabilities_of(self, features: _Floats) -> _Floats:
        """The same from `features`, which others need as well."""
        return self._model().probabilities(features)

    def labels(self, probabilities: _Floats) -> list[str]:
        """The intent that each row of `probabilities` says."""
        return self._model().labels(probabilities)

    def features(self, asked: Sequence[Asked]) -> _Floats:
        """What the model reads: ``float64[n, len(CUES) + dimension]``."""
        if not asked:
            return np.zeros((0, len(CUES) + self.encoder.dimension))
        wording = np.array([cues(one.prompt, one.before, one.reply) for one in asked])
        vectors = self.encoder.encode([_embedded(one) for one in asked])
        return np.hstack([wording, np.asarray(vectors, np.float64)])

    def _model(self) -> IntentModel:
        return IntentModel.load(None if self.folder is None else Path(self.folder))


def _embedded(one: Asked) -> str:
    prompt = one.prompt[:_EMBEDDED]
    return f"{one.before[:_BEFORE]}\n{prompt}" if one.before else prompt

"""Supervised fastText models: loading, text normalisation and prediction, the same for all of them.

Labels are whatever the model was trained on; what they mean belongs into the file of that model.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.fasttext_file import check_whole
from classifiers.models import ModelFile
from pipeline.core.errors import ModelError

__all__ = ["LABEL_PREFIX", "FastTextModel", "fasttext_line", "fasttext_module", "forget_models"]

LABEL_PREFIX = "__label__"

# fastText takes logarithms of p + 1e-5, and gives back what their exponential is.
_ADDED = 1e-5


@dataclasses.dataclass(frozen=True)
class FastTextModel:
    """A supervised fastText model, loaded when first used and once per process.

    Holds the file's path and sha256 only, so it pickles small and loads again where it arrives.

    Args:
        file: the model, ``.bin`` or ``.ftz``.
    """

    file: ModelFile

    def labels(self) -> list[str]:
        """All labels of the model, without ``__label__``.

        Raises:
            ModelError: see `predict`.
        """
        return [label.removeprefix(LABEL_PREFIX) for label in self._load().get_labels()]

    def predict(
        self, texts: Sequence[str], *, k: int = 1, threshold: float = 0.0
    ) -> list[list[tuple[str, float]]]:
        """For each text its labels with their probabilities, most probable first.

        Any string will do; see `fasttext_line` for what the model is given. A text without words
        gets what the model says of none: decide about such texts before asking.

        Args:
            texts: any number of texts.
            k: at most that many labels for each text; -1 for all.
            threshold: leave out labels below this probability. A list may be empty then.

        Returns:
            One list per text of (label without ``__label__``, probability in [0, 1]).

        Raises:
            ModelError: the file is missing, altered or no supervised fastText model, or
                ``fasttext`` is not installed or not the real one.
        """
        model = self._load()
        # A list even for one text: in fastText 0.9.3 only this path works under NumPy 2.
        labels, probabilities = model.predict(
            [fasttext_line(text) for text in texts], k=k, threshold=threshold
        )
        # fastText adds 1e-5 inside its logarithms, so that a sure label comes out above 1.
        return [
            [
                (label.removeprefix(LABEL_PREFIX), min(1.0, max(0.0, probability)))
                for label, probability in zip(row, values.tolist(), strict=True)
            ]
            for row, values in zip(labels, probabilities, strict=True)
        ]

    def scores(self, lines: Sequence[str]) -> npt.NDArray[np.float32]:
        """The probability of every label for every line, in the order of `labels`.

        Args:
            lines: what `fasttext_line` made of texts; made once where several models read them.

        Returns:
            ``float32[len(lines), len(labels)]``, each in [0, 1]; 0 for all where the model knows
            nothing of a line.

        Raises:
            ModelError: see `predict`.
        """
        model = self._load()
        labels = model.get_labels()
        column = {label: index for index, label in enumerate(labels)}
        found = np.zeros((len(lines), len(labels)), np.float32)
        if not len(lines):
            return found
        if len(labels) == 2 and model.f.getArgs().loss.name == "softmax":
            # Two that sum to 1: the better one tells the other, at half the cost.
            best, probabilities = model.predict(list(lines), k=1, threshold=-1.0)
            # A line of which the model knows nothing has no label; usually it knows the line's end.
            row = np.flatnonzero([len(names) for names in best])
            at = np.array([column[best[line][0]] for line in row], np.intp)
            better = np.concatenate(probabilities) - _ADDED
            found[row, at] = better
            found[row, 1 - at] = 1.0 - better
        else:
            ranked, probabilities = model.predict(list(lines), k=-1, threshold=-1.0)
            for line, (names, values) in enumerate(zip(ranked, probabilities, strict=True)):
                found[line, [column[name] for name in names]] = values - _ADDED
        return np.clip(found, 0.0, 1.0)

    def features(self) -> int:
        """Rows of the input matrix: words, and the buckets that n-grams share.

        Raises:
            ModelError: see `predict`.
        """
        model = self._load()
        return len(model.get_words()) + int(model.f.getArgs().bucket)

    def dimension(self) -> int:
        """Size of the vectors.

        Raises:
            ModelError: see `predict`.
        """
        return int(self._load().get_dimension())

    def used_features(self) -> int:
        """Rows of the input matrix that hold anything: buckets that no n-gram fell into are zeros.

        Copies the matrix. A model with compressed weights cannot be asked.

        Raises:
            ModelError: see `predict`.
        """
        return int(np.count_nonzero(self._load().get_input_matrix().any(axis=1)))

    def _load(self) -> Any:
        return _load(self.file.path, self.file.verify())


def fasttext_line(text: str) -> str:
    """``text`` as the one line that fastText reads whole and as text, in training and prediction.

    Line breaks and NUL become spaces, and lone surrogates ``?``, since they cannot be encoded. The
    two words with a meaning of their own are broken up: ``</s>`` would end the text unread, and
    ``__label__…`` would be skipped, or in training taken for a label.
    """
    line = text.replace("\n", " ")
    if "\0" in line:
        line = line.replace("\0", " ")
    if "</s>" in line:
        line = line.replace("</s>", "< /s>")
    if LABEL_PREFIX in line:
        line = line.replace(LABEL_PREFIX, "_ _label__")
    try:
        line.encode()
    except UnicodeEncodeError:
        line = line.encode("utf-8", "replace").decode("utf-8")
    return line


@functools.cache
def _load(path: str, sha256: str) -> Any:
    # ``sha256`` is part of the key only: an altered file is another model.
    fasttext = fasttext_module()
    check_whole(path)
    try:
        model = fasttext.load_model(path)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ModelError(f"{path}: not a fastText model, or a damaged one ({error})") from error
    if model.f.getArgs().model.name != "supervised":
        raise ModelError(f"{path}: a fastText model of word vectors; one with labels is needed")
    return model


def forget_models() -> None:
    """Let go of the models that this process has loaded; what is used again loads again."""
    _load.cache_clear()


def fasttext_module() -> Any:
    """The ``fasttext`` module, after making sure that it is the real one.

    Raises:
        ModelError: it is not installed, or another package has put a cut-down one in its place.
    """
    try:
        import fasttext
    except ImportError as error:
        raise ModelError(f"fasttext cannot be imported ({error}): pip install fasttext") from error
    if not hasattr(fasttext, "train_supervised"):
        from importlib.metadata import packages_distributions

        others = [
            name for name in packages_distributions().get("fasttext", ()) if name != "fasttext"
        ]
        raise ModelError(
            f"the installed module 'fasttext' ({fasttext.__file__}) is a cut-down one that cannot "
            f"train. It comes from {', '.join(others) or 'a package such as fasttext-predict'}: "
            f"pip uninstall {' '.join(others) or 'fasttext-predict'} && "
            "pip install --force-reinstall fasttext"
        )
    return fasttext

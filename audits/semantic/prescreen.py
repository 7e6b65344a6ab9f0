"""Which windows are worth embedding: a cheap look at how a passage is put and which rare words it has.

Two things are asked of each span of a window (`audits.semantic.prescreen_spans`), and a logistic regression
with products joins them:

- *Style*: does it sound like a question, task, solution or explanation? A linear model of words,
  pairs of words, those that open a sentence, and marks. Of numbers the length counts, not the value.
- *Overlap*: the weight of the stems it shares with the item that it shares most with, over the root
  of the item's weight, by the question alone and with choices, answer and solution. A stem weighs its
  inverse document frequency in ordinary web pages (Sparck Jones 1972).

What is shipped was learned from web pages and labelled leaks (``benchmarks/audit_prescreen.py``) and
knows nothing of the items that it is asked about. It knows English; see ``foreign``.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.items import Item
from audits.lexical.words import VERSION, batches
from audits.semantic.prescreen_overlap import Overlap
from audits.semantic.prescreen_spans import KINDS, Spans, token_hashes
from pipeline.core.errors import ConfigError, SourceError, StorageError
from pipeline.runtime.storage import storage_errors

__all__ = ["MODEL", "Model", "Prescreen", "expanded", "joined", "shipped"]

MODEL = Path(__file__).parents[1] / "shipped" / "prescreen.json"
FORMAT = 1
FEW_KNOWN = 0.4  # of a window's words: with fewer it is taken for another language
CHARACTERS = 1 << 17  # of windows that are looked at together
ROUNDING = 1e-4  # sums of 32-bit floats in another order
_OVERLAP = 2  # which of the features that are joined it is

_Floats = npt.NDArray[np.float64]
_Hashes = npt.NDArray[np.uint64]
_Flags = npt.NDArray[np.bool_]
_ARRAYS = tuple(field.name for field in dataclasses.fields(Overlap) if field.name != "size")
_HEADER = "prescreen.json"
_REBUILD = "build the pre-screen again"


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Model:
    """What was learned.

    Args:
        tokens: ``uint64[n]``, hashes of what style is read from, ascending; see `Spans.tokens`.
        weights: ``float64[n]``, of each.
        marks: ``float64[len(MARKS) + 4]``, weights of `Spans.marks`.
        bias: of style.
        frequencies: of ``windows`` of web pages, how many a word is in; rare ones are left out.
        known: ``uint64[words]``, hashes of those words, ascending.
        centre, scale: ``float64[6]``, of the features that are joined; see `joined`.
        join: ``float64[1 + 17]``, the intercept and the weights of what `expanded` makes of them.
        threshold: a text that scores at least this is worth embedding.
        measured: recall and share skipped at the threshold, as they were measured
            on folds: by leaks of benchmarks, and pages, that the models had not seen.
        sha256: of the file.
    """

    tokens: _Hashes
    weights: _Floats
    marks: _Floats
    bias: float
    frequencies: Mapping[str, int]
    windows: int
    known: _Hashes
    centre: _Floats
    scale: _Floats
    join: _Floats
    threshold: float
    measured: Mapping[str, Any]
    sha256: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any], sha256: str = "") -> Model:
        """From what the file has."""
        style, join = data["style"], data["join"]
        tokens = np.concatenate([token_hashes(list(style[kind]), kind) for kind in KINDS])
        weights = [value for kind in KINDS for value in style[kind].values()]
        order = np.argsort(tokens)
        return cls(
            tokens=tokens[order],
            weights=np.array(weights, np.float64)[order],
            marks=np.array(style["marks"], np.float64),
            bias=float(style["bias"]),
            frequencies=data["frequencies"],
            windows=int(data["windows"]),
            known=np.sort(token_hashes(list(data["frequencies"]), "words")),
            centre=np.array(join["centre"], np.float64),
            scale=np.array(join["scale"], np.float64),
            join=np.array(join["weights"], np.float64),
            threshold=float(data["threshold"]),
            measured=data["measured"],
            sha256=sha256,
        )

    def style(self, spans: Spans) -> _Floats:
        """How much each span sounds like a leak, ``float64[spans]``."""
        total, count = np.zeros(len(spans.first)), np.ones(len(spans.first))
        for hashes, there, size in spans.tokens():
            which, known = _found(self.tokens, hashes)
            total += spans.sums(np.where(known & there, self.weights[which], 0.0), size)
            count += spans.sums(there, size)
        scores: _Floats = total / np.sqrt(count) + spans.marks @ self.marks + self.bias
        return scores

    def scores(self, features: _Floats) -> _Floats:
        """Log-odds of a leak, ``float64[spans]``, by what `joined` gives."""
        terms = expanded((features - self.centre) / self.scale)
        scores: _Floats = terms @ self.join[1:] + self.join[0]
        return scores

    def highest(self, features: _Floats, bound: _Floats) -> _Floats:
        """An upper bound of `scores` for any overlap of 0 to ``bound``."""
        ends = []
        for overlap in (np.zeros(len(features)), bound):
            features = features.copy()
            features[:, _OVERLAP] = overlap
            ends.append(self.scores(features))
        # A parabola rises above both ends of a stretch by at most that.
        bend = max(0.0, -self.join[_OVERLAP - len(self.centre)])
        bounds: _Floats = np.maximum(*ends) + bend * (bound / self.scale[_OVERLAP]) ** 2 / 4
        return bounds


def joined(spans: Spans, style: _Floats, overlap: _Floats) -> _Floats:
    """What is joined, ``float64[spans, 6]``.

    Style, the best of it in the text, overlap, the last three of `Spans.marks`. Nothing else of the
    index is in it, so that what was learned holds for an index of any size.
    """
    best = np.full(int(spans.texts.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, spans.texts, style)
    return np.column_stack([style, best[spans.texts], overlap, spans.marks[:, -3:]])


def expanded(features: _Floats) -> _Floats:
    """Standardised features, their products with the first, and their squares, ``float64[n, 17]``.

    Of the overlap only what is above its mean is squared: less of it must never count for more.
    """
    kept = np.clip(features, -4.0, 8.0)
    squares = kept**2
    squares[:, _OVERLAP] = np.maximum(kept[:, _OVERLAP], 0.0) ** 2
    return np.hstack([kept, kept[:, :1] * kept[:, 1:], squares])


@functools.cache
def shipped() -> Model:
    """The model that comes with the package."""
    data = MODEL.read_bytes()
    return Model.of(json.loads(data), hashlib.sha256(data).hexdigest())


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Prescreen:
    """Says of windows whether they are worth embedding.

    Args:
        overlap: of the items.
        model: what was learned.
        threshold: see `Model`; a lower one keeps more leaks and skips fewer windows.
        foreign: whether windows in other languages than English are always worth it. They cannot be
            judged: set it where the encoder knows other languages.
    """

    overlap: Overlap
    model: Model
    threshold: float
    foreign: bool = False

    @classmethod
    def build(
        cls, items: Sequence[Item], *, threshold: float | None = None, foreign: bool = False
    ) -> Prescreen:
        """Index items.

        Args:
            threshold: None for the one that kept 98 % of leaks when it was measured.
            foreign: see above.

        Raises:
            ConfigError: a threshold that is no number.
        """
        model = shipped()
        if threshold is not None and np.isnan(threshold):
            raise ConfigError("threshold = nan: give the pre-screen a number, or none for its own")
        return cls(
            Overlap.build(items, model.frequencies, model.windows),
            model,
            model.threshold if threshold is None else float(threshold),
            foreign,
        )

    def scores(self, texts: Sequence[str]) -> _Floats:
        """For each text the highest log-odds of its spans, ``float64[texts]``; -inf without words."""
        return self._scores(texts, sparing=False)

    def worth(self, texts: Sequence[str]) -> _Flags:
        """Which texts are worth embedding, ``bool[texts]``: those that score the threshold or more.

        Args:
            texts: windows (`audits.semantic.windows`), of any content.
        """
        flags: _Flags = self._scores(texts, sparing=True) >= self.threshold
        return flags

    def _scores(self, texts: Sequence[str], sparing: bool) -> _Floats:
        """``sparing`` leaves spans alone that no overlap of their text could bring to the threshold."""
        scores = np.full(len(texts), -np.inf)
        for start, batch in batches(texts, CHARACTERS):
            spans = Spans.of(batch)
            there = self.overlap.stems_of(spans.plain, spans.first, spans.end)
            features = joined(spans, self.model.style(spans), np.zeros(len(spans.first)))
            asked = np.ones(len(features), np.bool_)
            if sparing:
                whole = self.overlap.stems_of(spans.plain, spans.bounds[:-1], spans.bounds[1:])
                bound = self.overlap.bound(whole)[spans.texts]
                asked = self.model.highest(features, bound) >= self.threshold - ROUNDING
            features[asked, _OVERLAP] = self.overlap.best(there[asked])
            np.maximum.at(scores, start + spans.texts, self.model.scores(features))
            if self.foreign:
                scores[start + self._unknown(spans)] = np.inf
        return scores

    def _unknown(self, spans: Spans) -> npt.NDArray[np.int64]:
        """Texts most of whose words English web pages do not have."""
        _, known = _found(self.model.known, spans.hashes)
        words = np.diff(spans.bounds)
        total = np.concatenate([[0], np.cumsum(known)])
        share = np.diff(total[spans.bounds]) / np.maximum(words, 1)
        return np.flatnonzero((words > 0) & (share < FEW_KNOWN))

    def save(self, folder: Path) -> None:
        """Write it: an array a file, and a header that vouches for them, written last.

        Raises:
            StorageError: it cannot be written.
        """
        header: dict[str, Any] = {
            "format": FORMAT,
            "words": VERSION,
            "model": self.model.sha256,
            "threshold": self.threshold,
            "foreign": self.foreign,
            "items": self.overlap.size,
            "arrays": {},
        }
        try:
            with storage_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / _HEADER).unlink(missing_ok=True)
                for name in _ARRAYS:
                    temporary = folder / f".{name}.npy.part"
                    with temporary.open("wb") as file:
                        np.save(file, getattr(self.overlap, name), allow_pickle=False)
                    header["arrays"][name] = _sha256(temporary)
                    temporary.replace(folder / f"{name}.npy")
                temporary = folder / f".{_HEADER}.part"
                temporary.write_text(json.dumps(header, indent=1) + "\n", encoding="utf-8")
                temporary.replace(folder / _HEADER)
        except OSError as error:
            raise StorageError(f"{folder}: {error.strerror or error}") from error

    @classmethod
    def load(cls, folder: Path, mmap: bool = True) -> Prescreen:
        """Read it, after comparing checksums.

        Args:
            mmap: leave the arrays in the files, shared between processes.

        Raises:
            SourceError: none there, a damaged one, or one of another version or model.
        """
        path, model = folder / _HEADER, shipped()
        try:
            header = json.loads(path.read_text(encoding="utf-8"))
            made = (header["format"], header["words"], header["model"])
            if made != (FORMAT, VERSION, model.sha256):
                raise SourceError(f"{path}: a pre-screen of another version; {_REBUILD}")
            arrays = {}
            for name in _ARRAYS:
                file = folder / f"{name}.npy"
                if _sha256(file) != header["arrays"][name]:
                    raise SourceError(f"{file} is damaged: its sha256 differs; {_REBUILD}")
                arrays[name] = np.load(file, mmap_mode="r" if mmap else None, allow_pickle=False)
            overlap = Overlap(**arrays, size=int(header["items"]))
            return cls(overlap, model, float(header["threshold"]), bool(header["foreign"]))
        except OSError as error:
            raise SourceError(
                f"{path}: no pre-screen can be read here ({error.strerror})"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{path}: not a pre-screen ({error!r}); {_REBUILD}") from error


def _found(table: _Hashes, hashes: _Hashes) -> tuple[npt.NDArray[np.int64], _Flags]:
    """For each hash a place in a sorted table, and whether it is there."""
    which = np.minimum(np.searchsorted(table, hashes), len(table) - 1)
    return which, table[which] == hashes


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Features of translated pairs, folds by item, and the scorecard that is fitted to them."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gold import gold_texts
from translated_pairs import Pair, Question, Translated

from audits.translation.evidence import FEATURES, compare
from audits.translation.glossary import Glossary
from audits.translation.glossary_forms import WORD
from audits.translation.model import UNPROVEN
from audits.translation.scorecard import Scorecard, fit_scorecard
from audits.translation.senses import sense
from audits.translation.word_pairs import Weights

__all__ = ["FOLDS", "Measured", "fit", "measured", "sense_weights", "trained_on"]

FOLDS = 5
RARE, COMMON = 6.5, 6.0  # weight of senses in too few texts, and the most of those in the table
# Ordinary text is what nearly all text is: it counts for more than its share, small indexes for less.
ORDINARY, NARROW = 2.0, 0.3
TRAINED = (("mgsm", "de"), ("mgsm", "fr"), ("mgsm", "zh"), ("mmlu", "zh"), ("xquad", "de"))
_PLAIN = re.compile("[a-z]+")

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def sense_weights(data: Path) -> Weights:
    """Weights of English senses: of each, its share in the kind of text that has it most.

    Counted in GSM8K's training questions, MMLU's test questions and paragraphs of web pages. No
    translation is looked at.
    """
    benchmarks = data / "benchmarks"
    maths = [
        json.loads(line)["question"]
        for line in (benchmarks / "gsm8k" / "train.jsonl").read_text("utf-8").splitlines()
    ]
    exams: dict[str, None] = {}
    for path in sorted((benchmarks / "mmlu").glob("mmlu_test-*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            exams.update(dict.fromkeys(json.loads(line)["question"] for line in lines))
    prose = [
        paragraph
        for page in gold_texts(data)
        for paragraph in (page.text or "").split("\n")
        if len(paragraph.split()) >= 30
    ]
    most: Counter[str] = Counter()
    for texts in (maths, list(exams), prose):
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update({sense(word) for word in WORD.findall(text)})
        for one, count in counts.items():
            most[one] = max(most[one], count / len(texts))  # type: ignore[assignment]
    weights = {one: round(-math.log(share), 1) for one, share in sorted(most.items())}
    kept = {one: weight for one, weight in weights.items() if weight <= COMMON}
    return Weights({one: kept[one] for one in kept if _PLAIN.fullmatch(one)}, RARE)


class Measured:
    """Pairs with their features.

    Args:
        pairs: in order.
        values: ``[pairs, features]``.
        proven: whether enough words are met at all; see `Translations.score`.
    """

    def __init__(self, pairs: Sequence[Pair], values: Floats, proven: Flags):
        self.pairs, self.values, self.proven = list(pairs), values, proven
        self.truth = np.array([pair.truth for pair in pairs])
        self.set = np.array([pair.set for pair in pairs])
        self.language = np.array([pair.language for pair in pairs])
        self.kind = np.array([pair.kind for pair in pairs])
        self.fold = np.array([_fold(f"item {pair.item}") for pair in pairs])
        self.other_fold = np.array([_fold(pair.source) for pair in pairs])
        self.narrow = values.copy()
        self.narrow[:, list(FEATURES).index("margin")] = [pair.narrow for pair in pairs]

    def outside(self, fold: int) -> Flags:
        """Pairs that share neither item nor passage with those of a fold."""
        found: Flags = (self.fold != fold) & (self.other_fold != fold)
        return found

    def inside(self, fold: int) -> Flags:
        """Pairs that a model fitted to the pairs outside is judged by; each in one fold."""
        ordinary = self.kind == "ordinary"
        found: Flags = np.where(ordinary, self.other_fold, self.fold) == fold
        return found

    def scores(self, card: Scorecard, rows: Flags, *, narrow: bool = False) -> Floats:
        """Probabilities of some pairs."""
        values = (self.narrow if narrow else self.values)[rows]
        found = np.array(
            [card.probability(dict(zip(FEATURES, row, strict=True))) for row in values.tolist()]
        )
        return np.where(self.proven[rows], found, np.minimum(found, UNPROVEN))


def measured(found: Translated, weights: Weights) -> Measured:
    """Features of all pairs."""
    texts: list[Question] = found.questions
    evidence = [
        compare(
            texts[pair.item].text,
            "",
            pair.text,
            Glossary.load(pair.language),
            weights,
            cosine=pair.cosine,
            margin=pair.margin,
        )
        for pair in found.pairs
    ]
    values = np.array([[one.values[name] for name in FEATURES] for one in evidence])
    return Measured(found.pairs, values, np.array([one.proven for one in evidence]))


def trained_on(of: Measured, sets: Sequence[tuple[str, str]] = TRAINED) -> Flags:
    """Pairs of these sets and languages, and ordinary text."""
    names = {
        *sets,
        *(("web", one) for one in of.language),
        *(("paragraphs", one) for one in of.language),
    }
    return np.array([(pair.set, pair.language) in names for pair in of.pairs])


def fit(of: Measured, rows: Flags) -> Scorecard:
    """The scorecard of some pairs, each also as a small index would have it."""
    keys = [
        (pair.set, "" if pair.kind == "ordinary" else pair.language, pair.truth)
        for pair, taken in zip(of.pairs, rows.tolist(), strict=True)
        if taken
    ]
    counts = Counter(keys)
    weights = np.array(
        [counts[key] ** -0.5 * (ORDINARY if key[0] in ("web", "paragraphs") else 1) for key in keys]
    )
    weights = np.concatenate([weights, NARROW * weights])
    return fit_scorecard(
        np.concatenate([of.values[rows], of.narrow[rows]]),
        np.concatenate([of.truth[rows], of.truth[rows]]),
        weights / weights.mean(),
        FEATURES,
    )


def _fold(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % FOLDS

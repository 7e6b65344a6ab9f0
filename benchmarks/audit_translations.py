"""What the audit makes of translated benchmark items, with an encoder that knows English only.

Everything is scored by models that saw neither the item nor the passage: five folds by item and, for
ordinary text, by page. ``--held-out`` scores MGSM's other items with the shipped model instead: they
are in no pair, so look at them once::

    python benchmarks/audit_translations.py ../shared/data --cache DIR [--held-out]
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from translated_pairs import EXTRA, Pair, Translated, Vectors, embed, translated
from translation_features import FOLDS, TRAINED, Measured, fit, measured, sense_weights, trained_on

from audits.translation.evidence import FEATURES
from audits.translation.glossary import glossed_text
from audits.translation.model import THRESHOLD, Translations, said
from audits.translation.scorecard import Scorecard
from audits.translation.word_pairs import Weights
from classifiers.evaluate import proportion

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Fit = Callable[[int], Scorecard]

SETS = (*TRAINED, *(("mgsm", language) for language in EXTRA))
CANDIDATES = 5  # items that a document is verified against
RATES = (0.01, 0.001)
LENGTHS = (8, 12, 16, 24, 40)  # weights of an item's words


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="shared/data")
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors")
    parser.add_argument("--held-out", action="store_true", help="MGSM's items that no pair has")
    parser.add_argument(
        "--without", action="store_true", help="what each feature is worth, besides"
    )
    options = parser.parse_args()

    if options.held_out:
        shipped = Translations.load()
        data = translated(options.data, options.cache, held_out=True)
        found = measured(data, shipped.weights)
        scores = found.scores(shipped.card, np.ones(len(found.pairs), bool))
        print(
            f"MGSM's {250 - 116} items that no pair has, shipped model, index of {len(data.questions):,}"
        )
        _table(found, scores, [("mgsm", one) for one in ("de", "fr", "zh", *EXTRA)])
        return

    data = translated(options.data, options.cache)
    weights = sense_weights(options.data)
    found = measured(data, weights)
    print(f"{len(found.pairs):,} pairs, index of {len(data.questions):,} questions\n")
    _baselines(data, found, options.cache)

    every = trained_on(found)
    cards = {fold: fit(found, every & found.outside(fold)) for fold in range(FOLDS)}
    scores = _scores(found, cards.__getitem__)
    print("\nFolds by item; languages other than de, fr and zh were never trained on")
    _table(found, scores, SETS)
    narrow = _scores(found, cards.__getitem__, narrow=True)
    print("\nThe same, margins as in an index of 300 items")
    _table(found, narrow, SETS)
    _ordinary(found, scores, narrow)

    for language in ("de", "fr", "zh"):
        rest = trained_on(found, [one for one in TRAINED if one[1] != language])
        part = _scores(found, lambda fold, rest=rest: fit(found, rest & found.outside(fold)))
        print(f"\nTrained without {language}")
        _table(found, part, [one for one in TRAINED if one[1] == language])
    rest = trained_on(found, [one for one in TRAINED if one[0] == "mgsm"])
    part = _scores(found, lambda fold: fit(found, rest & found.outside(fold)))
    print("\nTrained on maths alone")
    _table(found, part, [("mmlu", "zh"), ("xquad", "de")])

    _lengths(data, found, scores, weights)
    _documents(data, found, cards, weights, options.cache)
    if options.without:
        _without(found, every)


def _scores(found: Measured, cards: Fit, *, narrow: bool = False) -> Floats:
    scores = np.zeros(len(found.pairs))
    for fold in range(FOLDS):
        rows = found.inside(fold)
        scores[rows] = found.scores(cards(fold), rows, narrow=narrow)
    return scores


def _baselines(data: Translated, found: Measured, cache: Path) -> None:
    """Cosine of the text as it is, cosine of its glosses, numbers alone."""
    raw = np.zeros(len(found.pairs))
    asked = np.flatnonzero(found.truth | (found.kind == "nearest-other")).tolist()
    vectors = embed([found.pairs[at].text for at in asked], cache)
    items = data.vectors[[found.pairs[at].item for at in asked]]
    raw[asked] = np.einsum("ij,ij->i", vectors, items)
    names = list(FEATURES)
    column = {name: found.values[:, names.index(name)] for name in names}
    numbers = column["numbers"] - column["numbers_missed"] - column["numbers_strayed"]
    print("Baselines: recall at 1 % of the translations of the nearest other item")
    print(f"{'':10} {'cosine of the text':>20} {'of its glosses':>16} {'numbers alone':>15}")
    for name, language in TRAINED[:4]:
        rows = (found.set == name) & (found.language == language)
        other = rows & (found.kind == "nearest-other")
        shares = [
            _recall(one, rows & found.truth, other) for one in (raw, column["cosine"], numbers)
        ]
        print(f"{name:5} {language:4} {shares[0]:20.2f} {shares[1]:16.2f} {shares[2]:15.2f}")


def _recall(scores: Floats, same: Flags, other: Flags, rate: float = 0.01) -> float:
    """Share of the translations above the score that ``rate`` of the others reach."""
    if not other.any():
        return float("nan")
    return float((scores[same] > _threshold(scores[other], rate)).mean())


def _threshold(scores: Floats, rate: float) -> float:
    return float(np.quantile(scores, 1 - rate, method="higher"))


def _table(found: Measured, scores: Floats, sets: Iterable[tuple[str, str]]) -> None:
    kinds = (
        ("nearest-other", "in index"),
        ("nearest-other, alone", "not in index"),
        ("nearest item", "nearest item"),
        ("retrieved", "retrieved"),
    )
    print(f"{'':10} {'n':>4}  recall at 1 % of …", *(f"{title:>13}" for _, title in kinds), end="")
    print(f"   at p > {THRESHOLD:.2f}: recall, of retrieved")
    for name, language in sets:
        rows = (found.set == name) & (found.language == language)
        same = rows & found.truth
        print(f"{name:5} {language:4} {same.sum():4}  {'':18}", end=" ")
        for kind, _ in kinds:
            share = _recall(scores, same, rows & (found.kind == kind))
            print(f"{'·' if np.isnan(share) else f'{share:.2f}':>13}", end=" ")
        above = scores > THRESHOLD
        other = rows & (found.kind == "retrieved")
        print(f"{above[same].mean():18.2f} {above[other].mean():13.3f}")


def _ordinary(found: Measured, scores: Floats, narrow: Floats) -> None:
    print("\nOrdinary text: passages with a finding among their two nearest items")
    for name in ("web", "paragraphs"):
        rows = found.set == name
        for title, of in (("whole index", scores), ("300 items", narrow)):
            flagged = _passages(found.pairs, rows, of, THRESHOLD)
            print(f"{name:11} {title:12} {flagged[0]:4} of {flagged[1]:6,}", end="  by language:")
            for language in sorted(set(found.language[rows])):
                part = _passages(found.pairs, rows & (found.language == language), of, THRESHOLD)
                print(f" {language} {part[0]}/{part[1]}", end="")
            print()


def _passages(
    pairs: Sequence[Pair], rows: Flags, scores: Floats, threshold: float
) -> tuple[int, int]:
    """Passages with a score above the threshold, and all."""
    best: dict[tuple[str, str], float] = {}
    for pair, taken, score in zip(pairs, rows.tolist(), scores.tolist(), strict=True):
        if taken:
            key = (pair.language, pair.text)
            best[key] = max(best.get(key, 0.0), score)
    return sum(score > threshold for score in best.values()), len(best)


def _without(found: Measured, every: Flags) -> None:
    """What each feature is worth: recall without it, at 1 % of the retrieved, mean over sets."""

    def share() -> list[float]:
        part = _scores(found, lambda fold: fit(found, every & found.outside(fold)))
        shares = []
        for sets in (TRAINED[:3], TRAINED[3:4], TRAINED[4:], SETS[5:]):
            of = []
            for name, language in sets:
                rows = (found.set == name) & (found.language == language)
                of.append(_recall(part, rows & found.truth, rows & (found.kind == "retrieved")))
            shares.append(float(np.mean(of)))
        return shares

    print(
        "\nWithout a feature: recall at 1 % of retrieved: mgsm de fr zh, mmlu, xquad, mgsm others"
    )
    print(f"{'':16}", *(f"{one:6.3f}" for one in share()))
    for at, name in enumerate(FEATURES):
        kept = found.values[:, at].copy(), found.narrow[:, at].copy()
        found.values[:, at] = found.narrow[:, at] = 0.0
        print(f"{name:16}", *(f"{one:6.3f}" for one in share()), flush=True)
        found.values[:, at], found.narrow[:, at] = kept


def _lengths(data: Translated, found: Measured, scores: Floats, weights: Weights) -> None:
    print(f"\nBy the weight of the item's words: recall at p > {THRESHOLD:.2f}, trained sets")
    weight = np.zeros(len(found.pairs))
    for at, pair in enumerate(found.pairs):
        if pair.truth:
            weight[at] = said(data.questions[pair.item].text, weights)
    same = found.truth & trained_on(found)
    for low, high in zip((0, *LENGTHS), (*LENGTHS, np.inf), strict=True):
        rows = same & (weight >= low) & (weight < high)
        if rows.any():
            share = proportion(int((scores[rows] > THRESHOLD).sum()), int(rows.sum()))
            print(f"  {low:4} to {high:<4}  {share}  of {share.n}")


def _documents(
    data: Translated, found: Measured, cards: Mapping[int, Scorecard], weights: Weights, cache: Path
) -> None:
    """Each translation as a document, with and without its item in the index."""
    print(f"\nDocuments of one translation, their {CANDIDATES} nearest items verified, best score")
    print(
        f"{'':10} {'n':>4} {'nearest':>8} {'among':>6}   flagged, and the right item named, at ",
        end="",
    )
    print(*(f"{rate:.1%} of clean" for rate in RATES), f"p > {THRESHOLD:.2f} (clean)")
    best: dict[tuple[str, str], list[tuple[float, bool, float]]] = {}
    ranks: dict[tuple[str, str], list[int]] = {}
    for name, language in SETS:
        rows = (found.set == name) & (found.language == language) & found.truth
        golds = [found.pairs[at] for at in np.flatnonzero(rows)]
        glossed = embed([glossed_text(pair.text, language) for pair in golds], cache)
        cosines = glossed @ data.vectors.T
        candidates = [
            one
            for pair, row in zip(golds, cosines, strict=True)
            for without in ((), (pair.item,))
            for one in _candidates(pair, row, without)
        ]
        ranks[name, language] = [
            int((row > row[pair.item]).sum()) for pair, row in zip(golds, cosines, strict=True)
        ]
        of = measured(Translated(data.questions, data.vectors, candidates), weights)
        scores = np.zeros(len(candidates))
        for fold in range(FOLDS):
            scores[of.other_fold == fold] = of.scores(cards[fold], of.other_fold == fold)
        sides = scores.reshape(-1, 2, CANDIDATES)
        right = of.truth.reshape(-1, 2, CANDIDATES)[:, 0]
        top = sides[:, 0].argmax(axis=1)
        best[name, language] = [
            (float(one[0].max()), bool(ok[at]), float(one[1].max()))
            for one, ok, at in zip(sides, right, top, strict=True)
        ]
    for name, language in SETS:
        mine = best[name, language]
        clean = np.array([one[2] for key, of in best.items() if key[0] == name for one in of])
        near = np.array(ranks[name, language])
        print(f"{name:5} {language:4} {len(mine):4} {(near < 1).mean():8.2f}", end=" ")
        print(f"{(near < CANDIDATES).mean():6.2f}", end="    ")
        for limit in (*(_threshold(clean, rate) for rate in RATES), THRESHOLD):
            flagged = np.mean([score > limit for score, _, _ in mine])
            named = np.mean([score > limit and ok for score, ok, _ in mine])
            print(f"{flagged:8.2f} {named:5.2f}", end="   ")
        print(f"({np.mean([one[2] > THRESHOLD for one in mine]):.3f})")


def _candidates(pair: Pair, cosines: Vectors, without: Sequence[int]) -> Iterator[Pair]:
    others = cosines.copy()
    others[list(without)] = -1.0
    order = np.argsort(-others, kind="stable")[: CANDIDATES + 1]
    for at, item in enumerate(order[:CANDIDATES].tolist()):
        margin = float(others[item] - others[order[1 if at == 0 else 0]])
        kind = "translation" if item == pair.item else "retrieved"
        cosine = float(others[item])
        yield dataclasses.replace(
            pair, kind=kind, item=item, cosine=cosine, margin=margin, narrow=margin
        )


if __name__ == "__main__":
    main()

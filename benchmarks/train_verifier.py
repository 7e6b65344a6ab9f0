"""Trains the verifier that ships, and says how good it is on items it was not trained on.

    OMP_NUM_THREADS=2 python benchmarks/train_verifier.py ../shared/data --cache /tmp/figures.npz --write

Folds are by item: no pair of an item that is judged was trained on. *Left out* leaves out a whole
benchmark, with all texts of its trade, and takes the threshold from one half of that trade's clean
texts, as ``--calibrate`` does, and measures on the other half. Baselines are printed in the same run.
"""

from __future__ import annotations

import argparse
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from verifier_data import PASSAGES, TRADES, WEB, Copies, asks_the_same
from verifier_figures import Figures, figures
from verifier_models import fit

from audits.findings import Kind
from audits.verify.evidence import NAMES
from audits.verify.verifier import HEADS, Head
from classifiers.evaluate import proportion

FOLDS = 5
GROUPS, MADE = 0.05, 0.3  # weight of texts written for this project, and of those made by rule
PASSAGE = 0.1  # of other questions on a passage, which say little of what has none
SAME = 5  # times as many of them may be flagged
EASY = 0.6  # cosine
EVEN = 600  # weight that the paraphrases of each real benchmark have together
SHARE = {"restated": 0.7, "explained": 0.7}  # of the trees
RATES = (0.0001, 0.001, 0.01, 0.05)
SHIPPED = Path(__file__).parents[1] / "audits" / "shipped"

_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]
NO_LEAK = ("clean", "copy", "same")
_RESTATED = (Kind.VERBATIM, Kind.NEAR_VERBATIM, Kind.PARAPHRASE)


class Data:
    """Rows of `Figures` with their truths."""

    def __init__(self, found: Figures):
        self.found = found
        texts = found.texts
        self.trade = np.array([text.trade for text in texts])
        self.kind = np.array(["clean" if text.kind is None else text.kind.value for text in texts])
        # Hard negatives among the labelled pairs are at times copies of another item.
        copies = Copies(found.items)
        for at in np.flatnonzero(self.kind == "clean").tolist():
            if texts[at].trade == PASSAGES:
                continue  # they are items of the benchmark, and not of the half in the index
            if copies.has(texts[at].text):
                self.kind[at] = "copy"
            elif asks_the_same(texts[at].text):
                self.kind[at] = "same"
        self.form = np.array([text.form for text in texts])
        self.truth = np.array([text.item for text in texts])
        self.made: _Flags = np.char.startswith(self.form, "made")
        self.group: _Flags = np.char.startswith(self.trade, "groups")
        benchmarks = np.array([*(item.benchmark for item in found.items), WEB])
        self.bench = benchmarks[found.item]  # where there is no item the last one
        # Items of our own, which are no benchmark: to learn from, not to be judged by.
        self.written: _Flags = np.char.startswith(self.bench, "groups")
        right = (self.truth[found.text] == found.item) & (found.item >= 0)
        self.truths: dict[str, _Flags] = {
            "restated": np.isin(self.kind[found.text], _RESTATED) & right,
            "explained": (self.kind[found.text] == Kind.ANSWER_EXPLAINED) & right,
        }
        group = np.array([zlib.crc32(text.group.encode()) for text in texts])
        by = np.where(found.item < 0, group[found.text], found.item)
        self.fold = fold_of(by)
        self.page: _Flags = (self.trade == WEB) & (self.kind == "clean")
        self.passage: _Flags = (self.trade == PASSAGES) & (self.kind == "clean")
        self.ours: _Flags = self.group[found.text]
        # Of negatives that are nothing like their item a quarter stands for all.
        easy = (self.scores("cosine") < EASY) & ~self.truths["restated"] & ~self.truths["explained"]
        copied = np.isin(self.kind[found.text], ("copy", "same"))
        self.spared: _Flags = copied | easy & (np.arange(len(easy)) % 4 > 0)
        self.weight = np.where(easy, 4.0, 1.0)

    def weights(self, head: str) -> _Floats:
        made = self.made[self.found.text]
        weights = self.weight.copy()
        for name in TRADES:
            rows = self.truths[head] & (self.bench == name) & ~self.ours & ~made
            weights[rows] = EVEN / max(int(rows.sum()), 1) if head == "restated" else 1
        weights[self.ours] *= GROUPS
        weights[self.passage[self.found.text]] *= PASSAGE
        weights[made] *= MADE
        return weights

    def train(self, head: str, rows: _Flags) -> Head:
        rows = rows & ~self.spared
        return fit(
            self.found.figures[rows], self.truths[head][rows], self.weights(head)[rows],
            share=SHARE[head],
        )  # fmt: skip

    def best(self, odds: _Floats) -> tuple[_Floats, npt.NDArray[np.int64]]:
        """Of each text the greatest log odds among the real items, and whose they are."""
        best, whose = np.full(len(self.trade), -99.0), np.full(len(self.trade), -1)
        order = np.argsort(odds, kind="stable")
        order = order[~self.written[order]]
        best[self.found.text[order]] = odds[order]
        whose[self.found.text[order]] = self.found.item[order]
        return best, whose

    def across_folds(self, head: str) -> _Floats:
        odds = np.full(len(self.found.text), -99.0)
        for fold in range(FOLDS):
            held = (self.fold == fold) & ~self.ours
            model = self.train(head, ~(self.fold == fold) | self.ours)
            odds[held] = model.log_odds(self.found.figures[held].astype(np.float64))
        return odds

    def left_out(self, head: str, name: str) -> _Floats:
        of_trade = (self.bench == name) | (self.trade[self.found.text] == name)
        model = self.train(head, ~of_trade)
        rows = self.trade[self.found.text] == name
        odds = np.full(len(self.found.text), -99.0)
        odds[rows] = model.log_odds(self.found.figures[rows].astype(np.float64))
        return odds

    def scores(self, name: str) -> _Floats:
        return self.found.figures[:, NAMES.index(name)].astype(np.float64)


def fold_of(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Folds of items by their numbers. Not by position: items of one subject stand together."""
    return np.asarray(numbers * 2654435761 % 2**32 // 7 % FOLDS)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("shared", type=Path)
    arguments.add_argument("--cache", type=Path)
    arguments.add_argument("--write", action="store_true", help="into audits/shipped")
    options = arguments.parse_args()
    data = Data(figures(options.shared, options.cache))
    real = ~data.group & ~data.made & np.isin(data.trade, TRADES)
    clean = (data.kind == "clean") & real
    says = {head: data.across_folds(head) for head in HEADS}
    both = np.maximum(says["restated"], says["explained"])
    items = len(data.found.items)
    print(f"{items:,} items, {int(clean.sum()):,} clean texts, {len(data.trade):,} in all\n")
    print("English rephrases among clean texts of the same trades, folds by item")
    _table(data, clean, real, "any 13-gram", _shared_ngrams(data, 13))
    _table(data, clean, real, "any 8-gram", _shared_ngrams(data, 8))
    _table(data, clean, real, "MiniLM cosine", data.scores("cosine"))
    _table(data, clean, real, "this verifier", both)
    as_labelled = clean | (data.kind == "same") & real
    print(
        f"\nThe same with {int(as_labelled.sum() - clean.sum())} texts that ask for the same as an item"
    )
    _table(data, as_labelled, real, "MiniLM cosine", data.scores("cosine"))
    _table(data, as_labelled, real, "this verifier", both)
    _kinds(data, clean, both)
    _pages(data, clean, both)
    _left_out(data)
    if options.write:
        _write(data, clean, both)


def _table(data: Data, clean: _Flags, real: _Flags, name: str, odds: _Floats) -> None:
    best, whose = data.best(odds)
    rephrased = real & (data.kind == Kind.PARAPHRASE)
    line = f"  {name:14}"
    for rate in (0.001, 0.01):
        found = best[rephrased] > np.quantile(best[clean], 1 - rate)
        line += f"  at {rate:.1%} {_share(found)}"
    right = (whose[rephrased] == data.truth[rephrased]).mean()
    line += f"  right item {right:.3f} |"
    at_1 = np.quantile(best[clean], 0.99)
    for trade in TRADES:
        own = np.quantile(best[clean & (data.trade == trade)], 0.99)
        rows = rephrased & (data.trade == trade)
        line += f" {trade} {(best[rows] > at_1).mean():.2f} (own {(best[rows] > own).mean():.2f})"
    print(line, flush=True)


def _kinds(data: Data, clean: _Flags, odds: _Floats) -> None:
    best, _ = data.best(odds)
    limits = {rate: np.quantile(best[clean], 1 - rate) for rate in (0.001, 0.01)}
    print("\nOther kinds: share above the limits of .1 % and 1 % of those clean texts")
    for form in sorted(set(data.form[~np.isin(data.kind, NO_LEAK) & ~data.group])):
        rows = (data.form == form) & ~data.group & ~np.isin(data.kind, NO_LEAK)
        kind = data.kind[rows][0]
        shares = "  ".join(_share(best[rows] > limit) for limit in limits.values())
        print(f"  {kind:17} {form:40} {shares}  of {int(rows.sum())}", flush=True)


def _pages(data: Data, clean: _Flags, odds: _Floats) -> None:
    best, _ = data.best(odds)
    for name, rows in (
        ("Pages of the crawl, items of the shared benchmarks, folds by site", data.page),
        ("Other questions on a passage, folds by passage", data.passage),
    ):
        print(f"\n{name}: {int(rows.sum())}")
        for rate in RATES:
            own, of_trades = (float(np.quantile(best[one], 1 - rate)) for one in (rows, clean))
            for form in sorted(set(data.form[rows])):
                flagged = _share(best[rows & (data.form == form)] > of_trades)
                print(f"  limit of {rate:.2%} of clean texts of the trades {of_trades:.2f}, "
                      f"of these {own:.2f}; above the former {flagged} {form}")  # fmt: skip


def _left_out(data: Data) -> None:
    print("\nA benchmark left out; threshold at 1 % of one half of its trade's clean texts")
    for name in TRADES:
        odds = np.maximum(data.left_out("restated", name), data.left_out("explained", name))
        best, _ = data.best(odds)
        own = (data.kind == "clean") & (data.trade == name) & ~data.made
        places = np.flatnonzero(own)
        half = np.random.default_rng(3).permutation(places)
        mine, other = half[::2], half[1::2]
        # The least threshold that flags at most 1 % of the texts it was taken from.
        limit = np.sort(best[mine])[::-1][int(0.01 * len(mine))]
        rephrased = (data.trade == name) & (data.kind == Kind.PARAPHRASE) & ~data.made
        print(
            f"  {name:10} recall {_share(best[rephrased] > limit)}  "
            f"flagged of the other half {_share(best[other] > limit)}",
            flush=True,
        )


def _shared_ngrams(data: Data, size: int) -> _Floats:
    def grams(text: str) -> set[str]:
        words = re.findall(r"\w+", text.lower())
        return {" ".join(words[at : at + size]) for at in range(len(words) - size + 1)}

    remembered = _remembered(grams)
    shared = [
        bool(remembered(data.found.texts[text].text) & remembered(data.found.items[item].question))
        if item >= 0
        else False
        for text, item in zip(data.found.text.tolist(), data.found.item.tolist(), strict=True)
    ]
    return np.array(shared, np.float64)


def _remembered(function: Callable[[str], set[str]]) -> Callable[[str], set[str]]:
    seen: dict[str, set[str]] = {}

    def call(text: str) -> set[str]:
        if text not in seen:
            seen[text] = function(text)
        return seen[text]

    return call


def _share(found: _Flags) -> str:
    interval = proportion(int(found.sum()), len(found))
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _write(data: Data, clean: _Flags, odds: _Floats) -> None:
    best, _ = data.best(odds)
    arrays = {}
    for head in HEADS:
        arrays |= data.train(head, np.ones(len(data.found.text), np.bool_)).arrays(head)
    np.savez_compressed(SHIPPED / "verifier.npz", **arrays)
    # At most that share of either: of what is most like an item, and of what a crawl is made of.
    limits = {
        f"{rate:g}": _probability(
            max(np.quantile(best[rows], 1 - rate) for rows in (clean, data.page))
        )
        for rate in RATES
    }
    # Of other questions on the passage SAME times as many: what is asked of a passage often is
    # asked in much the same words.
    passages = {
        f"{rate:g}": _probability(np.quantile(best[data.passage], 1 - SAME * rate))
        for rate in RATES
    }
    header = {"evidence": list(NAMES), "thresholds": limits, "with_passage": passages}
    (SHIPPED / "verifier.json").write_text(json.dumps(header, indent=1) + "\n", "utf-8")
    print(f"\nwritten: thresholds {limits}, with a passage {passages}")


def _probability(odds: float) -> float:
    return round(float(1 / (1 + np.exp(-odds))), 4)


if __name__ == "__main__":
    main()

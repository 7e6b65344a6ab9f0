"""Learns the pre-screen that comes with Gristmill, and says what it keeps and what it skips.

Leaks are the labelled pairs, English ones, and groups written for this project, alone and within a
page of 500 words. Ordinary windows are those of WCXB's development set. Folds: what is said of a
benchmark comes from a model that has seen none of its items and leaks, nor the pages that it is
measured on; its items are in the index, among all others::

    python benchmarks/audit_prescreen.py ../shared/data GROUPS audits/shipped/prescreen.json

GROUPS is a folder of JSON lines: ``trade``, ``group``, ``question``, ``choices``, ``answer``,
``solution``, ``passage``, and lists of leaks ``paraphrases``, ``altered``, ``explained``, and
``inline``, a text with one in it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from gold import gold_texts
from sklearn.linear_model import LogisticRegression

from audits.benchmarks.load import load_benchmark
from audits.items import Item
from audits.lexical.words import batches
from audits.semantic.prescreen import Model, Prescreen, expanded, joined
from audits.semantic.prescreen_overlap import Overlap
from audits.semantic.prescreen_spans import KINDS, MARKS, Spans, token_hashes
from audits.semantic.windows import windows
from classifiers.evaluate import proportion

BENCHMARKS = ("mmlu", "gsm8k", "mbpp", "humaneval", "truthfulqa", "xquad", "ifeval")
PAIRS = ("gsm8k", "mmlu", "mbpp", "humaneval")
KEPT = ("rephrase", "altered", "answer-explained")
SEED = 20260
TARGET = 0.98
SKIPS = (0.98, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6)
RARE, RARE_WORD = 12, 20  # spans that a token must be in, and windows that a counted word must be
TOKENS = 8000  # of the style model
STYLE_C, JOIN_C = 3.0, 0.3
PAGE_WORDS = 480

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Leak(NamedTuple):
    """A text that leaks an item; ``half`` is that of the pages it may be put into."""

    benchmark: str
    kind: str
    form: str
    half: int
    windows: tuple[str, ...]


class Part(NamedTuple):
    """Spans of some texts: what they are of, style's tokens as a matrix, marks, overlap."""

    texts: Ints
    tokens: sp.csr_matrix
    marks: Floats
    overlap: Floats
    batches: list[Spans]


def read_items(data: Path, groups: list[dict[str, Any]]) -> list[Item]:
    items: list[Item] = []
    for name in BENCHMARKS:
        items += load_benchmark(name, folder=data / "benchmarks", offline=True).items
    return items + [
        Item(
            group["trade"],
            group["group"],
            group["question"],
            tuple(group["choices"] or ()),
            group["answer"] or "",
            group["solution"] or "",
            group["passage"] or "",
        )
        for group in groups
    ]


def read_leaks(
    data: Path, groups: list[dict[str, Any]], pages: list[list[str]], folds: dict[str, int]
) -> list[Leak]:
    rng = np.random.default_rng(SEED)
    texts: list[tuple[str, str, str]] = []
    for name in PAIRS:
        for line in (data / "benchmarks" / "pairs_dev" / f"{name}.jsonl").open():
            row = json.loads(line)
            wanted = row["kind"] in KEPT and row["lang"] in ("en", "py")
            if wanted and row["note"] != "suspected-true-duplicate":
                texts.append((name, row["kind"], row["variant_text"]))
    for group in groups:
        kinds = zip(KEPT, ("paraphrases", "altered", "explained"), strict=True)
        texts += [(group["trade"], kind, text) for kind, field in kinds for text in group[field]]
        texts.append((group["trade"], "inline", group["inline"]))
    leaks = []
    for name, kind, text in texts:
        half = folds[name] % 2
        form = "inline" if kind == "inline" else "alone"
        leaks.append(Leak(name, kind, form, half, tuple(cut(text))))
        if kind in ("rephrase", "answer-explained") and (name != "gsm8k" or rng.random() < 0.4):
            leaks.append(Leak(name, kind, "page", half, tuple(in_page(text, pages[half], rng))))
    return [leak for leak in leaks if leak.windows]


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in windows(text)]


def in_page(leak: str, pages: list[str], rng: np.random.Generator) -> list[str]:
    """Windows of a page that are about a leak put between two of its sentences."""
    while True:
        page = pages[int(rng.integers(len(pages)))]
        ends = [match.end() for match in re.finditer(r"\S+\s*", page)]
        if len(ends) > PAGE_WORDS:
            break
    first = int(rng.integers(len(ends) - PAGE_WORDS))
    page = page[ends[first] : ends[first + PAGE_WORDS - 1]]
    places = [match.end() for match in re.finditer(r"[.!?]\s", page)] or [len(page) // 2]
    start = places[int(rng.integers(len(places)))]
    text = f"{page[:start]}{leak} {page[start:]}"
    end = start + len(leak)
    return [
        text[a:b]
        for a, b in windows(text)
        if 2 * (min(b, end) - max(a, start)) >= min(b - a, len(leak))
    ]


def vocabulary(texts: Iterable[str]) -> dict[str, list[str]]:
    """Tokens that are frequent enough to be learned from, by kind; of openings all that words are."""
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in texts:
        found = [
            "0" * min(len(word), 3) if word[0].isdigit() else word
            for word in re.findall(r"[a-z]+|[0-9]+", text.lower())
            if len(word) > 1 or word.isdigit()
        ]
        words.update(found)
        pairs.update(f"{a} {b}" for a, b in itertools.pairwise(found))
    return {
        kind: sorted(token for token, count in counts.items() if count >= RARE)
        for kind, counts in zip(KINDS, (words, pairs, words, pairs), strict=True)
    }


def part(texts: Sequence[str], hashes: npt.NDArray[np.uint64], overlap: Overlap) -> Part:
    """``hashes`` are of all tokens, ascending."""
    owners, rows, marks, shared, kept = [], [], [], [], []
    for start, batch in batches(texts):
        spans = Spans.of(batch)
        owners.append(start + spans.texts)
        marks.append(spans.marks)
        shared.append(overlap.of(spans))
        kept.append(spans)
        counts, lines, columns = np.ones(len(spans.first)), [], []
        for found, there, size in spans.tokens():
            counts += spans.sums(there, size)
            which = np.minimum(np.searchsorted(hashes, found), len(hashes) - 1)
            which = np.where(there & (hashes[which] == found), which, -1)
            sizes = np.maximum(spans.end - spans.first - size + 1, 0)
            at = np.arange(int(sizes.sum())) + np.repeat(
                spans.first - np.cumsum(sizes) + sizes, sizes
            )
            line = np.repeat(np.arange(len(sizes)), sizes)
            known = which[at] >= 0
            lines.append(line[known])
            columns.append(which[at][known])
        line, column = np.concatenate(lines), np.concatenate(columns)
        values = 1 / np.sqrt(counts[line])
        shape = (len(spans.first), len(hashes))
        rows.append(sp.csr_matrix((values.astype(np.float32), (line, column)), shape))
    return Part(
        np.concatenate(owners), sp.vstack(rows).tocsr(), *map(np.concatenate, (marks, shared)), kept
    )


def fit_style(rows: sp.csr_matrix, marks: Floats, truth: Floats, weights: Floats) -> Any:
    """Weights of tokens (most are 0), of marks, and the bias."""
    scale = marks.std(axis=0) + 1e-3
    beside = sp.csr_matrix((marks / scale * 0.3).astype(np.float32))
    chosen = np.arange(rows.shape[1])
    for _ in range(2):
        model = LogisticRegression(C=STYLE_C, max_iter=500)
        model.fit(sp.hstack([rows[:, chosen], beside]).tocsr(), truth, sample_weight=weights)
        learned = model.coef_[0][: len(chosen)]
        if len(chosen) > TOKENS:
            worth = np.abs(learned) * np.sqrt(
                np.asarray(rows[:, chosen].multiply(rows[:, chosen]).sum(axis=0)).ravel()
            )
            chosen = np.sort(np.argsort(-worth, kind="stable")[:TOKENS])
    found = np.zeros(rows.shape[1])
    found[chosen] = np.round(learned, 3)
    return found, model.coef_[0][len(chosen) :] / scale * 0.3, float(model.intercept_[0])


def fit_join(features: Floats, truth: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    ordinary = features[truth == 0]
    centre, scale = ordinary.mean(axis=0), ordinary.std(axis=0) + 1e-6
    model = LogisticRegression(C=JOIN_C, max_iter=1000)
    model.fit(expanded((features - centre) / scale), truth, sample_weight=weights)
    return centre, scale, np.concatenate([model.intercept_, model.coef_[0]])


def balanced(names: Sequence[Any], power: float) -> Floats:
    """A weight for each, so that those of frequent names do not decide alone."""
    counts = Counter(names)
    return np.array([counts[name] ** -power for name in names])


def highest(scores: Floats, of: Ints, n: int) -> Floats:
    best = np.full(n, -np.inf)
    np.maximum.at(best, of, scores)
    return best


def features_of(part: Part, style: Floats) -> Floats:
    rows, start = [], 0
    for spans in part.batches:
        here = slice(start, start + len(spans.first))
        rows.append(joined(spans, style[here], part.overlap[here]))
        start = here.stop
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("groups", type=Path)
    parser.add_argument("out", type=Path, nargs="?", help="the model is written here")
    arguments = parser.parse_args()
    groups = [
        json.loads(line)
        for path in sorted(arguments.groups.glob("*.jsonl"))
        for line in path.open(encoding="utf-8")
    ]
    items = read_items(arguments.data, groups)
    rng = np.random.default_rng(SEED)
    trades = sorted({group["trade"] for group in groups})
    folds = {name: number for number, name in enumerate(PAIRS)}
    folds |= {trade: len(PAIRS) + number % 4 for number, trade in enumerate(trades)}
    texts = [page.text for page in gold_texts(arguments.data) if page.text]
    order = rng.permutation(len(texts))
    pages = [[texts[place] for place in order[half::2]] for half in (0, 1)]
    leaks = read_leaks(arguments.data, groups, pages, folds)
    ordinary = [[window for page in half for window in cut(page)] for half in pages]
    print(f"{len(items):,} items, {len(leaks):,} leaks, {sum(map(len, ordinary)):,} windows")

    counted: Counter[str] = Counter()
    for half in ordinary:
        for window in half:
            counted.update(set(re.findall(r"[a-z]{2,}|[0-9]+", window.lower())))
    frequencies = {word: n for word, n in sorted(counted.items()) if n >= RARE_WORD}
    size = sum(map(len, ordinary))
    started = time.perf_counter()
    overlap = Overlap.build(items, frequencies, size)
    print(f"index built in {time.perf_counter() - started:.1f} s: {len(overlap.hashes):,} words")

    questions = [item.question for item in items]
    flat = [window for leak in leaks for window in leak.windows]
    tokens = vocabulary([*flat, *questions, *pages[0], *pages[1]])
    hashes = np.concatenate([token_hashes(tokens[kind], kind) for kind in KINDS])
    hashes, place = np.unique(hashes, return_index=True)
    named = [(kind, token) for kind in KINDS for token in tokens[kind]]
    web = [part(half, hashes, overlap) for half in ordinary]
    of_leaks, of_items = (part(some, hashes, overlap) for some in (flat, questions))
    owner = np.repeat(np.arange(len(leaks)), [len(leak.windows) for leak in leaks])[of_leaks.texts]
    column = lambda name: np.array([getattr(leak, name) for leak in leaks])  # noqa: E731
    benchmark, kind, form = map(column, ("benchmark", "kind", "form"))
    of_benchmark = np.array([item.benchmark for item in items])[of_items.texts]
    labels = list(zip(benchmark[owner], kind[owner], form[owner], strict=True))

    def learn(web_parts: list[Part], leak: Any, item: Any) -> Any:
        rows = [*(one.tokens for one in web_parts), of_leaks.tokens[leak], of_items.tokens[item]]
        marks = [*(one.marks for one in web_parts), of_leaks.marks[leak], of_items.marks[item]]
        n = sum(len(one.texts) for one in web_parts)
        positive = np.concatenate(
            [balanced(benchmark[owner][leak], 0.5), 0.7 * balanced(of_benchmark[item], 0.5)]
        )
        weights = np.concatenate([np.ones(n), positive * n * 0.5 / positive.sum()])
        truth = np.concatenate([np.zeros(n), np.ones(len(positive))])
        return fit_style(sp.vstack(rows).tocsr(), np.concatenate(marks), truth, weights)

    def styled(one: Part, style: Any) -> Floats:
        return np.asarray(one.tokens @ style[0] + one.marks @ style[1] + style[2])

    # Style, folded: each benchmark's leaks by a model without it, of the other half of the pages.
    style_of_leaks = np.full(len(owner), np.nan)
    by_fold = {}
    sampled = (of_benchmark != "mmlu") | (rng.random(len(of_benchmark)) < 0.3)
    for fold in sorted(set(folds.values())):
        names = [name for name, number in folds.items() if number == fold]
        held = np.isin(benchmark[owner], names)
        leak, item = ~held & (form[owner] != "page"), ~np.isin(of_benchmark, names) & sampled
        style = learn([web[1 - fold % 2]], leak, item)
        style_of_leaks[held] = styled(of_leaks, style)[held]
        by_fold[fold] = styled(web[fold % 2], style)
    leak_features = features_of(of_leaks, style_of_leaks)
    leak_weights = balanced(labels, 0.7)

    scores = np.full(len(leaks), np.nan)
    windows_of: dict[int, Floats] = {}
    pooled = []
    for fold, style_of_web in by_fold.items():
        one = web[fold % 2]
        web_features = features_of(one, style_of_web)
        learned = one.texts % 2 == 0  # joined on every other window, measured on the rest
        held = np.array([folds[name] == fold for name in benchmark])
        others = ~held[owner]
        data = np.concatenate([web_features[learned], leak_features[others]])
        truth = np.concatenate([np.zeros(learned.sum()), np.ones(others.sum())])
        weights = leak_weights[others] * learned.sum() / leak_weights[others].sum()
        centre, scale, join = fit_join(
            data, truth, np.concatenate([np.ones(learned.sum()), weights])
        )
        apply = lambda rows: expanded((rows - centre) / scale) @ join[1:] + join[0]  # noqa: B023, E731
        scores[held] = highest(apply(leak_features), owner, len(leaks))[held]
        of_windows = highest(apply(web_features), one.texts, len(ordinary[fold % 2]))
        windows_of[fold] = of_windows[1::2]
        pooled.append(web_features[rng.random(len(web_features)) < 1 / len(by_fold)])

    threshold = report(leaks, scores, windows_of, folds)
    if arguments.out:
        style = learn(web, form[owner] != "page", sampled)
        join = fit_join(
            np.concatenate([*pooled, leak_features]),
            np.concatenate([np.zeros(sum(map(len, pooled))), np.ones(len(owner))]),
            np.concatenate(
                [
                    np.ones(sum(map(len, pooled))),
                    leak_weights * sum(map(len, pooled)) / leak_weights.sum(),
                ]
            ),
        )
        model = as_json(named, place, style, join, frequencies, size, *threshold)
        arguments.out.write_text(model, encoding="utf-8")
        speed(Prescreen(overlap, Model.of(json.loads(model)), threshold[0]), ordinary[0], items)


def report(
    leaks: list[Leak], scores: Floats, windows_of: dict[int, Floats], folds: dict[str, int]
) -> tuple[float, dict[str, Any]]:
    names = np.array([leak.benchmark for leak in leaks])
    every = np.concatenate(list(windows_of.values()))
    # All benchmarks weigh the same, whatever the number of their leaks.
    weights = 1 / np.array([Counter(names)[name] for name in names])
    rank = np.argsort(scores)
    lost = np.cumsum(weights[rank]) / weights.sum()
    threshold = float(np.round(scores[rank][np.searchsorted(lost, 1 - TARGET)], 3))
    labels = [(leak.benchmark, leak.kind, leak.form) for leak in leaks]
    print("\nskipped   recall: mean of benchmarks, of all leaks, and by kind and form")
    forms = sorted({label[1:] for label in labels})
    print(" " * 26 + "  ".join("/".join(one) for one in forms))
    for skip in SKIPS:
        # The threshold that skips so much may differ between folds, as models do.
        cut_of = {fold: np.quantile(windows_of[fold], skip) for fold in windows_of}
        kept = scores >= np.array([cut_of[folds[name]] for name in names])
        line = [np.average(kept, weights=weights), kept.mean()]
        line += [kept[[label[1:] == one for label in labels]].mean() for one in forms]
        print(f"   {skip:.2f}   " + "  ".join(f"{value:.3f}" for value in line))
    kept, share = scores >= threshold, float((every < threshold).mean())
    # Each window was measured by all folds of its half of the pages, and counts once.
    distinct = len(every) * 2 // len(windows_of)
    skipped = proportion(round(share * distinct), distinct)
    shares = [round(float((one < threshold).mean()), 3) for one in windows_of.values()]
    print(f"\nat {threshold}: {skipped} skipped; {shares}")
    print(
        f"recall {np.average(kept, weights=weights):.4f} mean, {proportion(int(kept.sum()), len(kept))}"
    )
    for label in sorted(set(labels)):
        here = np.array([one == label for one in labels])
        found = proportion(int(kept[here].sum()), int(here.sum()))
        print(
            f"  {' '.join(label):48} {found.value:.3f} [{found.low:.3f}, {found.high:.3f}] {found.n}"
        )
    measured = {
        "recall": proportion(int(kept.sum()), len(kept)).to_json(),
        "recall_mean_of_benchmarks": round(float(np.average(kept, weights=weights)), 4),
        "skipped": skipped.to_json(),
    }
    return threshold, measured


def as_json(
    named: list[tuple[str, str]],
    place: Ints,
    style: Any,
    join: tuple[Floats, Floats, Floats],
    frequencies: dict[str, int],
    size: int,
    threshold: float,
    measured: dict[str, Any],
) -> str:
    found: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    for number, value in sorted(zip(place.tolist(), style[0].tolist(), strict=True)):
        if value:
            kind, token = named[number]
            found[kind][token] = round(value, 3)  # of 32 bits before
    parts = {
        "about": "Learned by benchmarks/audit_prescreen.py; counts of words after WCXB (CC BY 4.0).",
        "threshold": threshold,
        "measured": measured,
        "join": {
            name: [float(f"{value:.6g}") for value in values]
            for name, values in zip(("centre", "scale", "weights"), join, strict=True)
        },
        "style": {
            **found,
            "marks": [float(f"{value:.6g}") for value in style[1]],
            "bias": float(f"{style[2]:.6g}"),
        },
        "windows": size,
        "frequencies": frequencies,
    }
    assert len(parts["style"]["marks"]) == len(MARKS) + 4  # type: ignore[index,arg-type]
    return json.dumps(parts, ensure_ascii=True, separators=(",", ":")).replace("},", "},\n") + "\n"


def speed(screen: Prescreen, texts: list[str], items: list[Item]) -> None:
    texts = texts[:10_000]
    rates = []
    for _ in range(3):
        started = time.process_time()
        kept = screen.worth(texts)
        rates.append(len(texts) / (time.process_time() - started))
    print(f"{len(items):,} items: {np.median(rates):,.0f} windows a second of processor time")
    print("share skipped of windows that the final model was learned on, by what is indexed:")
    print(f"  all {1 - kept.mean():.3f}", end="")
    for name in BENCHMARKS:
        some = [item for item in items if item.benchmark == name]
        model = screen.model
        overlap = Overlap.build(some, model.frequencies, model.windows)
        kept = Prescreen(overlap, model, screen.threshold).worth(texts)
        print(f", {name} {1 - kept.mean():.3f}", end="")
    print()


if __name__ == "__main__":
    main()

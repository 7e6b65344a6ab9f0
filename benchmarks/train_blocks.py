"""Train the block model of `engine: blocks` on gold and marked pages, and measure it by folds over domains.

Labels of gold pages come from an alignment of each page's words with those of its gold text (longest common
subsequence); a block's label is the share of its words that are in it. Marked pages (`marks.py`) have
labels by block. Pages count alike. Nothing is
chosen on a fold that is measured: words, first round, kinds of page and second round are fitted on the other
folds, and what a round learns from an earlier one comes from folds within those.

    pip install catboost rapidfuzz scikit-learn
    python benchmarks/train_blocks.py ../shared/data --figures folds.json
    python benchmarks/train_blocks.py ../shared/data --ship pipeline/extract/shipped/blocks
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse
from catboost import CatBoostClassifier, Pool
from extraction_quality import summary, word_f1, words_let_in
from gold import GoldPage, gold_pages
from marks import MarkedPage, marked_pages
from rapidfuzz.distance import LCSseq
from sklearn.linear_model import LogisticRegression
from tld import get_fld

from pipeline.extract.blocks.choose import BALANCED, PRECISE, Weighing, main_blocks
from pipeline.extract.blocks.context import (
    BUCKETS,
    first_round,
    page_columns,
    second_round,
    word_scores,
)
from pipeline.extract.blocks.features import Measured, measure_blocks
from pipeline.extract.blocks.forest import SCALE, Forest
from pipeline.extract.blocks.hints import page_hints
from pipeline.extract.blocks.maker_words import maker_words, vocabulary_of
from pipeline.extract.blocks.model import (
    KINDS,
    Model,
    probability,
    rounded_kinds,
    save_model,
    second_thought,
)
from pipeline.extract.blocks.outline import Outline, outline_of
from pipeline.extract.blocks.product_data import PRODUCT, hidden_descriptions
from pipeline.extract.blocks.threads import below_content
from pipeline.extract.blocks.told import told_by, told_columns

CHOICES = {"blocks": BALANCED, "blocks, precision": PRECISE}
FOLDS, INNER = 5, 2
MOST_BLOCKS = (
    150  # of a page that a forest is fitted on: of longer pages a sample, that weighs as much
)
SEED = 11
LEAST_DOMAINS = 5  # on which a maker's word, or a hint, must stand
WORD = re.compile(r"\w+")


@dataclasses.dataclass(slots=True)
class Labelled:
    """A page: its blocks, the share of each one's words that are main text, and their number of words."""

    page: GoldPage
    domain: str
    outline: Outline
    hints: set[str]
    marks: MarkedPage | None = None
    measured: Measured | None = None
    share: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    counted: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    scored: Any = None
    first: Any = None
    likely: Any = None
    kinds: Any = None
    told: Any = None
    number: int = 0


def registered_domain(url: str) -> str:
    """Registered domain of an address, or its host."""
    found = get_fld(url, fail_silently=True, fix_protocol=True)
    return found or url.partition("//")[2].partition("/")[0] or url.partition("/")[0]


def folds_of(names: Sequence[str], folds: int, seed: int) -> np.ndarray:
    """Fold of each name; equal names share one."""
    different = sorted(set(names))
    np.random.default_rng(seed).shuffle(different)
    number = {name: at % folds for at, name in enumerate(different)}
    return np.array([number[name] for name in names])


def label(pages: Sequence[Labelled]) -> None:
    """Fill in the share of each block's words that stands in the gold text, in its order."""
    numbers: dict[str, int] = {}

    def words(text: str) -> list[int]:
        return [numbers.setdefault(word, len(numbers)) for word in WORD.findall(text.lower())]

    for page in pages:
        assert page.measured is not None
        blocks = [words(text) for text in page.measured.texts]
        page.counted = np.array([len(block) for block in blocks], float)
        if page.marks:
            page.share = np.zeros(len(blocks))
            page.share[page.marks.main] = 1
            # Whether a title is main text depends on the kind of page: the gold pages tell.
            page.counted[page.marks.title] = 0
            continue
        gold = words(page.page.text)
        owner = [at for at, block in enumerate(blocks) for _ in block]
        hits = np.zeros(len(blocks))
        for code in LCSseq.opcodes([word for block in blocks for word in block], gold):
            if code.tag == "equal":
                for at in range(code.src_start, code.src_end):
                    hits[owner[at]] += 1
        line = " " + " ".join(map(str, gold)) + " "
        for at, block in enumerate(blocks):
            # A page and its gold may have the same things in another order.
            if (
                len(block) >= 6
                and hits[at] < len(block)
                and f" {' '.join(map(str, block))} " in line
            ):
                hits[at] = len(block)
        page.share = hits / np.maximum(page.counted, 1)


def targets(pages: Iterable[Labelled]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and weights of all blocks; every page weighs the same."""
    pages = list(pages)
    weights = []
    for page in pages:
        logs = np.log1p(page.counted)
        weights.append(logs / max(float(logs.sum()), 1e-9))
    flat = np.concatenate(weights)
    return np.concatenate([page.share for page in pages]), flat * len(flat) / flat.sum()


def fit_words(pages: Sequence[Labelled], vocabulary: int) -> np.ndarray:
    """Log odds that maker's words add, by bucket: a logistic regression over all blocks."""
    width = vocabulary + 1
    rows, columns, begin = [], [], 0
    for page in pages:
        assert page.measured is not None
        words = page.measured.words[page.measured.elements]
        found = np.where(words > 0, words + BUCKETS[None, :, None] * width, -1)
        found = found.reshape(len(words), -1)
        row = np.repeat(np.arange(len(words)) + begin, found.shape[1]).reshape(found.shape)
        rows.append(row[found >= 0])
        columns.append(found[found >= 0])
        begin += len(words)
    row, column = np.concatenate(rows), np.concatenate(columns)
    table = sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), (begin, 4 * width))
    table.data[:] = 1
    share, weight = targets(pages)
    both = sparse.vstack([table, table])
    answer = np.r_[np.ones(begin), np.zeros(begin)]
    weights = np.r_[weight * share, weight * (1 - share)]
    some = weights > 1e-6
    model = LogisticRegression(C=0.003, max_iter=60, tol=1e-3)
    model.fit(both[some], answer[some], sample_weight=weights[some])
    scores = np.round(model.coef_[0] * 256) / 256
    return scores.reshape(4, width).astype(np.float32) * (np.arange(width) > 0)


class KindTable:
    """What pages are told apart by: maker's words, hints, numbers of the blocks."""

    def __init__(self, pages: Sequence[Labelled], vocabulary: int):
        spread = collections.defaultdict(set)
        for page in pages:
            for hint in page.hints:
                spread[hint].add(page.domain)
        self.hints = tuple(sorted(h for h, found in spread.items() if len(found) >= LEAST_DOMAINS))
        at = {hint: number for number, hint in enumerate(self.hints)}
        rows, columns, numbers = [], [], []
        for row, page in enumerate(pages):
            assert page.measured is not None
            words = {int(word) for word in page.measured.words.ravel()} - {0}
            found = [*words, *(vocabulary + 1 + at[h] for h in page.hints if h in at)]
            rows += [row] * len(found)
            columns += found
            numbers.append(page_columns(page.measured))
        self.mean, self.spread = np.mean(numbers, 0), np.std(numbers, 0) + 1e-2
        shape = (len(pages), vocabulary + 1 + len(self.hints))
        table = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape)
        standard = (np.array(numbers) - self.mean) / self.spread
        # What a page says of its kind (hints) is worth more than any one class name.
        self.scale = np.r_[
            np.full(vocabulary + 1, 0.5),
            np.full(len(self.hints), 3.0),
            np.full(numbers[0].size, 0.5),
        ]
        found = sparse.hstack([table, sparse.csr_matrix(standard)])
        self.table = found.multiply(self.scale).tocsr()
        self.answers = np.array([KINDS.index(page.page.kind) for page in pages])

    def fit(self, rows: np.ndarray) -> LogisticRegression:
        """A model of the kinds of some pages."""
        model = LogisticRegression(C=0.2, max_iter=300)
        return model.fit(self.table[rows], self.answers[rows])


def fit_forest(
    tables: Sequence[np.ndarray], pages: Sequence[Labelled], trees: int, rate: float, seed: int
) -> CatBoostClassifier:
    """Oblivious trees on ``float32[columns, blocks]`` of each page."""
    share, weight = targets(pages)
    rows, columns, begin = [], [], 0
    for page, table in zip(pages, tables, strict=True):
        count = len(page.share)
        kept = np.arange(count)
        if count > MOST_BLOCKS:
            draws = np.random.default_rng([seed, page.number])
            kept = np.sort(draws.choice(count, MOST_BLOCKS, replace=False))
            weight[begin + kept] *= count / MOST_BLOCKS
        rows.append(begin + kept)
        columns.append(table[:, kept])
        begin += count
    row = np.concatenate(rows)
    model = CatBoostClassifier(
        loss_function="CrossEntropy", iterations=trees, depth=6, learning_rate=rate, rsm=0.25,
        border_count=48, thread_count=ARGUMENTS.threads, verbose=0, random_seed=seed, l2_leaf_reg=5,
        boosting_type="Plain", bootstrap_type="Bernoulli", subsample=0.7, allow_writing_files=False,
    )  # fmt: skip
    return model.fit(Pool(np.concatenate(columns, axis=1).T, share[row], weight=weight[row]))


def as_forest(model: CatBoostClassifier) -> Forest:
    """The trees of a CatBoost model as arrays of integers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        told = json.loads(path.read_text())
    questions: dict[tuple[int, float], int] = {}
    asked, leaves = [], []
    for tree in told["oblivious_trees"]:
        splits = [(split["float_feature_index"], split["border"]) for split in tree["splits"]]
        values = list(tree["leaf_values"])
        while len(splits) < 6:  # a shallower tree: whatever is asked, the answer changes nothing
            splits.append(splits[-1] if splits else (0, 0.0))
            values = values * 2
        asked.append([questions.setdefault(split, len(questions)) for split in splits])
        leaves.append(np.round(np.array(values) * SCALE))
        assert np.abs(leaves[-1]).max() < 1 << 15
    scale, (bias,) = told["scale_and_bias"]
    assert scale == 1
    return Forest(
        features=np.array([feature for feature, _ in questions], np.int16),
        borders=np.array([border for _, border in questions], np.float32),
        asked=np.array(asked, np.int16),
        leaves=np.array(leaves).astype(np.int16),
        bias=round(bias * SCALE),
    )


FIRST, SECOND = (150, 0.15), (400, 0.1)


def fit(
    train: Sequence[Labelled],
    test: Sequence[Labelled],
    table: KindTable,
    vocabulary: int,
    seed: int,
) -> dict[str, Any]:
    """Fit all rounds on some pages, and let them judge others. The parts of a `Model`."""
    inner = folds_of([page.domain for page in train], INNER, seed + 10)
    rows = np.array([page.number for page in train])
    for fold in range(INNER):
        others = [page for page, at in zip(train, inner, strict=True) if at != fold]
        words = fit_words(others, vocabulary)
        kinds = table.fit(rows[inner != fold])
        for page, at in zip(train, inner, strict=True):
            if at == fold:
                page.scored = word_scores(page.measured, words)
                page.kinds = rounded_kinds(kinds.predict_proba(table.table[page.number])[0])
    words, kinds = fit_words(train, vocabulary), table.fit(rows)
    for page in test:
        page.scored = word_scores(page.measured, words)
        page.kinds = rounded_kinds(kinds.predict_proba(table.table[page.number])[0])
    for page in [*train, *test]:
        page.first = first_round(page.measured, page.scored, page.told, page.kinds)
    for fold in range(INNER):
        others = [page for page, at in zip(train, inner, strict=True) if at != fold]
        forest = as_forest(fit_forest([page.first for page in others], others, *FIRST, seed))
        for page, at in zip(train, inner, strict=True):
            if at == fold:
                page.likely = probability(forest.log_odds(page.first))
    first = as_forest(fit_forest([page.first for page in train], train, *FIRST, seed))
    tables = [second_round(page.measured, page.first, page.likely) for page in train]
    second = as_forest(fit_forest(tables, train, *SECOND, seed))
    for page in test:
        page.likely = probability(first.log_odds(page.first))
        page.likely = second_thought(second, page.measured, page.first, page.likely)
    return {"word_scores": words, "kinds": kinds, "first": first, "second": second}


def text_of(page: Labelled, weighing: Weighing) -> str:
    """Text of the blocks that are chosen."""
    assert page.measured is not None
    chosen = main_blocks(
        page.outline,
        page.measured,
        page.likely,
        additions=[below_content(page.outline, page.kinds)],
        weighing=weighing,
    )
    kept = [text for text, keep in zip(page.measured.texts, chosen, strict=True) if keep]
    text = "\n".join(kept)
    if text and PRODUCT in page.hints:
        text = "\n".join([text, *hidden_descriptions(page.page.html, text)])
    return text


def by_folds(
    pages: Sequence[Labelled], empty: Sequence[Labelled], table: KindTable, vocabulary: int
) -> dict[str, Any]:
    """Figures over all pages, each judged by a model that has seen nothing of its domain.

    Args:
        pages: with some text.
        empty: without any: they count with what an empty text is worth.
        table, vocabulary: see `fit`.
    """
    folds = folds_of([page.domain for page in pages], FOLDS, SEED)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CHOICES}
    for fold in ARGUMENTS.folds or range(FOLDS):
        train = [page for page, at in zip(pages, folds, strict=True) if at != fold]
        test = [page for page, at in zip(pages, folds, strict=True) if at == fold]
        fit(train, test, table, vocabulary, SEED + fold)
        for name, weighing in CHOICES.items():
            rows[name] += [judged(page, text_of(page, weighing)) for page in test]
        done = np.mean([row["f1"] for row in rows["blocks"]])
        print(f"fold {fold}: F1 so far {done:.4f}", file=sys.stderr, flush=True)
    without_text = [judged(page, "") for page in ([] if ARGUMENTS.folds else empty)]
    return {name: figures_by_group(found + without_text) for name, found in rows.items()}


def figures_by_group(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Figures of the gold pages by kind, and of the marked ones by language."""
    gold = [row for row in rows if not row["marked"]]
    marked = [row for row in rows if row["marked"]]
    return {
        "gold": figures_of(gold) | {kind: figures_of(gold, kind=kind) for kind in KINDS},
        "marked": figures_of(marked)
        | {
            "articles, English": figures_of(marked, article=True, english=True),
            "articles, other languages": figures_of(marked, article=True, english=False),
            "other kinds": figures_of(marked, article=False),
        },
        "kinds_right": float(np.mean([row["kind_right"] for row in gold])),
    }


def judged(page: Labelled, text: str) -> dict[str, Any]:
    """What a text of a page is worth."""
    title = "\n".join(page.measured.texts[at] for at in page.marks.title) if page.marks else ""
    return {
        "marked": page.marks is not None,
        "kind": page.page.kind,
        "article": page.page.kind == "article",
        "english": page.marks is None or page.marks.language == "en",
        "f1": word_f1(text, page.page.text),
        "let_in": words_let_in(text, f"{page.page.text}\n{title}"),
        "kind_right": page.kinds is not None
        and KINDS[int(np.argmax(page.kinds))] == page.page.kind,
    }


def figures_of(rows: Sequence[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """Figures of the rows that have the values wanted."""
    some = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    if not some:
        return {}
    let_in = [row["let_in"] for row in some]
    found: dict[str, Any] = summary([row["f1"] for row in some])
    return found | {
        "words_let_in": float(np.mean(let_in)),
        "words_let_in_median": float(np.median(let_in)),
    }


def all_pages(data: Path) -> list[Labelled]:
    """Gold pages, then marked ones."""
    pages = [
        Labelled(
            page,
            registered_domain(page.url),
            outline_of(page.html),
            page_hints(page.html, page.url),
        )
        for page in gold_pages(data)
    ]
    for marks in marked_pages(data):
        hints = page_hints(marks.page.html, "") - {"unknown"}  # their addresses are made up
        pages.append(Labelled(marks.page, marks.site, marks.outline, hints, marks))
    return pages


def main() -> None:
    """Train, measure, ship."""
    pages = all_pages(ARGUMENTS.data)
    empty = [page for page in pages if not page.outline.pieces]
    pages = [page for page in pages if page.outline.pieces]
    spread = collections.defaultdict(set)
    for page in pages:
        for tag, attributes in set(zip(page.outline.tags, page.outline.attributes, strict=True)):
            for word in maker_words(tag, attributes):
                spread[word].add(page.domain)
    words = tuple(sorted(w for w, domains in spread.items() if len(domains) >= LEAST_DOMAINS))
    known = vocabulary_of(words)
    for number, page in enumerate(pages):
        page.number = number
        page.measured = measure_blocks(page.outline, known)
        page.told, _ = told_columns(told_by(page.page.html), page.outline, page.measured.texts)
    label(pages)
    table = KindTable(pages, len(words))
    if ARGUMENTS.figures:
        figures = by_folds(pages, empty, table, len(words))
        ARGUMENTS.figures.write_text(json.dumps(figures, indent=2) + "\n")
        print(json.dumps(figures, indent=2))
    if ARGUMENTS.ship:
        save_model(shipped(fit(pages, [], table, len(words), SEED), words, table), ARGUMENTS.ship)


def shipped(parts: dict[str, Any], words: tuple[str, ...], table: KindTable) -> Model:
    """The model of what `fit` gives."""
    kinds = parts["kinds"]
    weights = kinds.coef_.astype(np.float64) * table.scale
    split = len(words) + 1
    hints = split + len(table.hints)
    numbers = weights[:, hints:] / table.spread
    return Model(
        words=words,
        word_scores=parts["word_scores"],
        hints=table.hints,
        kind_words=(weights[:, :split].T * (np.arange(split) > 0)[:, None]).astype(np.float32),
        kind_hints=weights[:, split:hints].T.astype(np.float32),
        kind_numbers=numbers.T.astype(np.float32),
        kind_bias=(kinds.intercept_ - numbers @ table.mean).astype(np.float32),
        first=parts["first"],
        second=parts["second"],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("--figures", type=Path, help="measure by folds, and write the figures here")
    parser.add_argument("--folds", type=int, nargs="*", help="only these folds, for a look")
    parser.add_argument(
        "--ship", type=Path, help="fit on all pages, and write the model into this folder"
    )
    parser.add_argument("--threads", type=int, default=1)
    ARGUMENTS = parser.parse_args()
    main()

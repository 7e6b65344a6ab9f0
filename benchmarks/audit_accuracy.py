"""What an audit at its default setting finds and takes for a leak by mistake, as a user runs it.

    OMP_NUM_THREADS=1 python benchmarks/audit_accuracy.py ../shared/data [--figures CACHE] [--pages DIR]

- *copies*: items of every benchmark in the shared folder, of any length, in every form of a copy, each
  in a clean page between its paragraphs; and the same pages without.
- *passages*: questions of XQuAD against an index of the other questions on the same passages.
- *in a page*: rephrases of the labelled pairs within about 500 words of a page, judged by a verifier
  that saw no pair of that item (needs ``--figures``, see ``train_verifier.py``).

Pages are gold texts of the shared crawl.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from gold import gold_texts
from train_verifier import FOLDS, HEADS, Data, fold_of
from verifier_data import TRADES, plain
from verifier_figures import SHARED, benchmarks_of, figures

from audits.benchmarks.load import load_benchmark
from audits.examine import Examiner
from audits.findings import Kind
from audits.index import build_index
from audits.items import Benchmark, Item
from audits.leaks.inject import FORMS, place, render
from audits.settings import AuditSettings
from audits.verify.evidence import NAMES
from classifiers.evaluate import proportion

EACH = 15  # items of a benchmark and form
WORDS = 500
MEASURED = Path(__file__).parents[1] / "audits" / "shipped" / "measured.json"
AT_ONCE = 64


@dataclasses.dataclass(frozen=True)
class Document:
    """A row of a corpus."""

    id: str
    text: str
    url: str = ""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("shared", type=Path)
    arguments.add_argument("--figures", type=Path, help="cache of train_verifier.py")
    arguments.add_argument(
        "--write", action="store_true", help="recall of copies into audits/shipped"
    )
    arguments.add_argument("--each", type=int, default=EACH, help="items of a benchmark and form")
    options = arguments.parse_args()
    pages = _pages(options.shared)
    print(f"{len(pages)} pages of {WORDS} words and less")
    copies = _copies(options.shared, pages, options.each)
    if options.write:
        MEASURED.write_text(json.dumps(copies, indent=1) + "\n", "utf-8")
    _passages(options.shared)
    if options.figures:
        _in_page(options.shared, options.figures, pages)


def _pages(shared: Path) -> list[str]:
    """Paragraphs of gold pages up to about `WORDS` words."""
    found = []
    for gold in gold_texts(shared):
        paragraphs, words = [], 0
        for paragraph in gold.text.split("\n"):
            words += len(paragraph.split())
            if words > WORDS:
                break
            paragraphs.append(paragraph)
        page = "\n\n".join(one for one in paragraphs if one.strip())
        if len(page.split()) >= WORDS // 2:
            found.append(page)
    return found


def _examiner(benchmarks: Sequence[Benchmark], folder: Path, **more: object) -> Examiner:
    settings = AuditSettings(**more)  # type: ignore[arg-type]
    build_index(benchmarks, folder, settings)
    return Examiner(folder, settings)


def _leaks(examiner: Examiner, texts: Sequence[str]) -> list[set[tuple[str, str]]]:
    """Of each text the items that it is said to leak."""
    found: list[set[tuple[str, str]]] = [set() for _ in texts]
    for start in range(0, len(texts), AT_ONCE):
        rows = [
            Document(str(at), texts[at]) for at in range(start, min(len(texts), start + AT_ONCE))
        ]
        for finding in examiner.examine(rows).findings:
            if finding.leak:
                found[int(finding.document)].add((finding.benchmark, finding.item))
    return found


def _share(found: Sequence[bool]) -> str:
    interval = proportion(sum(found), len(found))
    return f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}] of {len(found):,}"


def _copies(shared: Path, pages: Sequence[str], each: int) -> dict[str, dict[str, object]]:
    benchmarks = [load_benchmark(name, folder=shared / "benchmarks") for name in SHARED]
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        examiner = _examiner(benchmarks, Path(folder))
        items = [item for benchmark in benchmarks for item in benchmark.items]
        twins: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for item in items:
            twins[plain(item.question)].add((item.benchmark, item.id))
        texts, truths, forms = [], [], []
        for benchmark in benchmarks:
            for form in FORMS:
                if FORMS[form].kind not in (Kind.VERBATIM, Kind.NEAR_VERBATIM):
                    continue
                for at in rng.permutation(len(benchmark.items))[:each].tolist():
                    text = render(benchmark.items[at], form, rng)
                    if text:
                        page = pages[int(rng.integers(len(pages)))]
                        inline = form in ("inline",)
                        texts.append(place(text, page, rng, inline=inline)[0])
                        truths.append(benchmark.items[at])
                        forms.append(form)
        clean = _leaks(examiner, pages)
        found = _leaks(examiner, texts)
    print(f"\nCopies in pages, index of {len(items):,} items, default setting")
    print(f"  pages without a leak, flagged   {_share([bool(one) for one in clean])}")
    hit = [bool(twins[plain(item.question)] & one) for item, one in zip(truths, found, strict=True)]
    _by("form", forms, hit)
    _by("benchmark", [item.benchmark for item in truths], hit)
    lengths = [len(item.question.split()) for item in truths]
    names = ["under 8", "8 to 15", "16 to 63", "64 to 255", "256 and more"]
    _by("words", [names[sum(n >= edge for edge in (8, 16, 64, 256))] for n in lengths], hit)
    missed = [i for i, ok in enumerate(hit) if not ok]
    for at in missed[:40]:
        print(f"    missed {forms[at]:16} {truths[at].benchmark} {truths[at].id}: "
              f"{truths[at].question[:80]!r}")  # fmt: skip
    measured: dict[str, dict[str, object]] = {}
    for form in dict.fromkeys(forms):
        own = [ok for name, ok in zip(forms, hit, strict=True) if name == form]
        of_kind = measured.setdefault(FORMS[form].kind.value, {})
        of_kind[form] = proportion(sum(own), len(own)).to_json()
    return measured


def _by(name: str, groups: Sequence[str], hit: Sequence[bool]) -> None:
    print(f"  by {name}")
    for group in dict.fromkeys(groups):
        print(
            f"    {group:18} {_share([h for g, h in zip(groups, hit, strict=True) if g == group])}"
        )


def _passages(shared: Path) -> None:
    benchmark = load_benchmark("xquad", folder=shared / "benchmarks")
    by_passage: dict[str, list[Item]] = defaultdict(list)
    for item in benchmark.items:
        by_passage[item.passage].append(item)
    inside = [item for items in by_passage.values() for item in items[::2]]
    outside = [item for items in by_passage.values() for item in items[1::2]]
    known = {plain(item.question) for item in inside}
    outside = [item for item in outside if plain(item.question) not in known]
    with tempfile.TemporaryDirectory() as folder:
        examiner = _examiner([dataclasses.replace(benchmark, items=tuple(inside))], Path(folder))
        alone = _leaks(examiner, [item.question for item in outside])
        whole = _leaks(examiner, [f"{item.passage}\n\n{item.question}" for item in outside])
    print(f"\nOther questions on the passages of {len(inside)} items, called a leak")
    print(f"  the question alone       {_share([bool(one) for one in alone])}")
    print(f"  with its passage         {_share([bool(one) for one in whole])}")
    for item, one in itertools.islice(
        ((i, o) for i, o in zip(outside, alone, strict=True) if o), 12
    ):
        other = next(i for i in inside if (i.benchmark, i.id) in one)
        print(f"    {item.question!r} taken for {other.question!r}")


def _in_page(shared: Path, cache: Path, pages: Sequence[str]) -> None:
    data = Data(figures(shared, cache))
    heads = [
        {head: data.train(head, (data.fold != fold) | data.ours) for head in HEADS}
        for fold in range(FOLDS)
    ]
    rng = np.random.default_rng(6)
    items = data.found.items
    wanted = [
        at
        for at in np.flatnonzero(~data.group & ~data.made & (data.kind == Kind.PARAPHRASE)).tolist()
        if "distractor" not in data.form[at]
    ]
    texts = []
    for at in wanted:
        page = pages[int(rng.integers(len(pages)))]
        texts.append(place(data.found.texts[at].text, page, rng, inline=False)[0])
    benchmarks = benchmarks_of(one for one in items if not one.benchmark.startswith("groups"))
    number = {(item.benchmark, item.id): at for at, item in enumerate(items)}
    with tempfile.TemporaryDirectory() as folder:
        examiner = _examiner(benchmarks, Path(folder))
        scored = [_scores(examiner, number, heads, some) for some in (pages, texts)]
    # The limits are those that a user has: pages without a leak, and clean texts of the trades.
    says = {head: data.across_folds(head) for head in HEADS}
    best, _ = data.best(np.maximum(says["restated"], says["explained"]))
    real = (data.kind == "clean") & ~data.group & ~data.made
    clean = [max(one.values(), default=-99.0) for one in scored[0]]
    limits = {
        "1 % of pages flagged": float(np.quantile(clean, 0.99)),
        "1 % of clean texts of the trades": float(np.quantile(best[real], 0.99)),
        ".1 % of clean texts of the trades": float(np.quantile(best[real], 0.999)),
    }
    print(f"\nRephrases within pages of {WORDS} words, folds by item, pre-screen on")
    for name, limit in limits.items():
        found = [
            scored[1][row].get(int(data.truth[at]), -99.0) > limit for row, at in enumerate(wanted)
        ]
        trades = np.array([data.trade[at] for at in wanted])
        own = "  ".join(f"{one} {np.mean(np.array(found)[trades == one]):.2f}" for one in TRADES)
        flagged = np.mean([one > limit for one in clean])
        print(f"  {name:34} {_share(found)}  {own}  pages flagged {flagged:.4f}")


def _scores(
    examiner: Examiner,
    number: dict[tuple[str, str], int],
    heads: Sequence[dict[str, object]],
    texts: Sequence[str],
) -> list[dict[int, float]]:
    """Of each text the log odds of each item that is a candidate, by the model of its fold."""
    found: list[dict[int, float]] = [{} for _ in texts]
    for start in range(0, len(texts), AT_ONCE):
        for row, weighed in examiner.weighed(texts[start : start + AT_ONCE]):
            for one in weighed:
                item = examiner.index.items[one.item]
                at = number[item.benchmark, item.id]
                fold = int(fold_of(np.array(at)))
                figures = np.array([[one.figures[name] for name in NAMES]])
                odds = max(float(heads[fold][head].log_odds(figures)[0]) for head in HEADS)  # type: ignore[attr-defined]
                found[start + row][at] = max(odds, found[start + row].get(at, -99.0))
    return found


if __name__ == "__main__":
    main()

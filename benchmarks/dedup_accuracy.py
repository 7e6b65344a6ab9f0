"""What deduplication removes of planted and labelled duplicates, beside datatrove and text-dedup.

    python benchmarks/dedup_accuracy.py --datatrove-python PYTHON --peers-python PYTHON \\
        --texts ../shared/data/web/gold/wcxb_dev.jsonl.gz \\
        --labelled ../shared/data/web/dedup/mccormick-minhash/data

Planted families (`planted`), from an invented language and, with ``--texts``, from real texts; the
truth is every pair of documents whose exact Jaccard similarity of word 5-grams is .8 or more,
planted or not. *Precision*: removals whose similarity to the document kept in their place is at
least .8. *Recall*: true pairs of which not both are kept. *Lost*: removals for which no kept
document at all is that similar; *far*, those at less than .5 to the one kept in their place.
*Plain* recall leaves out what hangs on how words are split: texts under 13 words, pages in
Chinese or Japanese, other punctuation. Then books that share a licence, of which none may go, and labelled
articles, by pairs in one cluster. *Closure* is ours without verification: all documents connected
over shared buckets are one cluster, as in datatrove and text-dedup.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dedup_candidates import Candidate, Result, closure, gristmill, peer
from dedup_signatures import texts_of
from exact_similarity import jaccard, shingle_sets, similar_pairs
from measure import machine
from planted import Planted, books, planted

THRESHOLD = 0.8
FAR = 0.5
SPECIAL = {"format", "notices", "short"}  # what they contain hangs on the normalisation


def on_planted(
    documents: Planted, candidates: Mapping[str, Candidate], work: Path
) -> dict[str, Any]:
    sets = shingle_sets(documents.texts)
    truth = similar_pairs(sets, THRESHOLD)
    near: dict[int, list[int]] = {}
    for a, b in truth:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    found: dict[str, Any] = {"documents": len(documents), "pairs": len(truth), "candidates": {}}
    for name, candidate in candidates.items():
        result = candidate(documents, work)
        removed = result.removed()
        similarity = {i: jaccard(sets[i], sets[result.kept_by[i]]) for i in removed}
        wrong = [i for i in removed if similarity[i] < THRESHOLD]
        lost = [i for i in wrong if not any(map(result.kept, near.get(i, ())))]
        pairs = [pair for pair in truth if not result.dropped.intersection(pair)]
        missed = [pair for pair in pairs if result.kept(pair[0]) and result.kept(pair[1])]
        claims = [abs(result.claimed[i] - similarity[i]) for i in removed if i in result.claimed]
        found["candidates"][name] = {
            "removed": len(removed),
            "dropped": len(result.dropped),
            "precision": 1 - len(wrong) / max(len(removed), 1),
            "wrong": len(wrong),
            "lost": len(lost),
            "far": sum(value < FAR for value in similarity.values()),
            "recall": 1 - len(missed) / max(len(pairs), 1),
            "recall_of_plain": plain_recall(missed, pairs, documents.kinds),
            "recall_by_similarity": recall(missed, pairs, lambda pair: step(truth[pair])),
            "recall_by_kind": recall(missed, pairs, lambda pair: documents.kinds[pair[0]]),
            "largest_error_of_stated_similarity": max(claims, default=None),
            "wrong_by_kind": tally(documents.kinds[i] for i in wrong),
            "examples": examples(documents, result, similarity, wrong, missed, truth),
        }
        print_planted(name, found["candidates"][name])
    return found


Pair = tuple[int, int]


def recall(
    missed: Sequence[Pair], pairs: Sequence[Pair], group: Callable[[Pair], str]
) -> dict[str, list[float | int]]:
    """Recall over the pairs of each group, and how many they are."""
    numbers, misses = tally(map(group, pairs)), tally(map(group, missed))
    return {name: [1 - misses.get(name, 0) / n, n] for name, n in numbers.items()}


def plain_recall(missed: Sequence[Pair], pairs: Sequence[Pair], kinds: Sequence[str]) -> float:
    """Recall over pairs that any splitting into words sees alike."""
    counts = [sum(kinds[i] not in SPECIAL for i, _ in some) for some in (missed, pairs)]
    return 1 - counts[0] / max(counts[1], 1)


def step(similarity: float) -> str:
    """Lower end of the twentieth that a similarity is in."""
    return f"{int(similarity * 20 + 1e-9) / 20:.2f}"


def tally(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items()))


def examples(
    documents: Planted,
    result: Result,
    similarity: Mapping[int, float],
    wrong: Sequence[int],
    missed: Sequence[tuple[int, int]],
    truth: Mapping[tuple[int, int], float],
) -> dict[str, Any]:
    """Some pairs to read: wrong removals and missed pairs."""

    def show(a: int, b: int, value: float) -> dict[str, Any]:
        return {
            "similarity": value,
            "kinds": [documents.kinds[a], documents.kinds[b]],
            "texts": [documents.texts[a][:600], documents.texts[b][:600]],
        }

    return {
        "wrong": [show(i, result.kept_by[i], similarity[i]) for i in wrong[:5]],
        "missed": [show(*pair, truth[pair]) for pair in missed[:5]],
    }


def on_books(candidates: Mapping[str, Candidate], work: Path) -> dict[str, Any]:
    """Unrelated books that are gone, of all; and reprints that are gone, as they should."""
    documents = books(count=500)
    families = documents.families
    found: dict[str, Any] = {"books": len(set(families)), "candidates": {}}
    found["reprints"] = documents.kinds.count("reprint")
    for name, candidate in candidates.items():
        result = candidate(documents, work)
        stand = {families[i] for i in range(len(documents)) if result.kept(i)}
        row = {
            "books_lost": found["books"] - len(stand),
            "reprints_removed": sum(
                families[i] == families[result.kept_by[i]] for i in result.removed()
            ),
        }
        found["candidates"][name] = row
        print(f"  books      {name:12} {row}", flush=True)
    return found


def on_labelled(folder: Path, candidates: Mapping[str, Candidate], work: Path) -> dict[str, Any]:
    """Each ``*.train`` (``id text`` lines) with its ``*.truth`` (``id id`` lines)."""
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.train"), key=lambda path: path.stat().st_size):
        documents = Planted()
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            documents.ids.append(name)
            documents.texts.append(text)
        place = {name: i for i, name in enumerate(documents.ids)}
        truth = list(range(len(documents)))
        for line in path.with_suffix(".truth").read_text(encoding="utf-8").splitlines():
            first, second = (truth[place[name]] for name in line.split())
            truth = [min(first, second) if one in (first, second) else one for one in truth]
        found[path.stem] = {}
        for name, candidate in candidates.items():
            row = agreement(candidate(documents, work).kept_by, truth)
            found[path.stem][name] = row
            print(f"  {path.stem:14} {name:12} {row}", flush=True)
    return found


def agreement(clusters: Sequence[int], truth: Sequence[int]) -> dict[str, float]:
    """Precision, recall and F1 of pairs in one cluster, and the adjusted Rand index."""

    def pairs(labels: Sequence[Any]) -> float:
        counts = np.unique(np.array(labels), axis=0, return_counts=True)[1].astype(np.float64)
        return float((counts * (counts - 1) / 2).sum())

    found, wanted = pairs(clusters), pairs(truth)
    both = pairs(list(zip(clusters, truth, strict=True)))
    chance = found * wanted / (len(truth) * (len(truth) - 1) / 2)
    precision, recall = both / found if found else 1.0, both / wanted
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * both / (found + wanted),
        "ari": (both - chance) / ((found + wanted) / 2 - chance),
    }


def print_planted(name: str, row: Mapping[str, Any]) -> None:
    print(
        f"  planted    {name:12} removed {row['removed']}, precision {row['precision']:.4f}, "
        f"recall {row['recall']:.4f}, plain {row['recall_of_plain']:.4f}, lost {row['lost']}, "
        f"far {row['far']}, dropped {row['dropped']}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datatrove-python", help="interpreter with datatrove 0.10.1 and spacy")
    parser.add_argument("--peers-python", help="interpreter with text-dedup 0.4.0")
    parser.add_argument("--texts", type=Path, help="JSONL of real texts, may be gzipped")
    parser.add_argument("--field", default="ground_truth.main_content", help="where the text is")
    parser.add_argument("--labelled", type=Path, help="folder of *.train and *.truth files")
    parser.add_argument("--families", type=int, default=3_300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all figures and examples here")
    options = parser.parse_args()
    candidates: dict[str, Candidate] = {"gristmill": gristmill, "closure": closure}
    if options.datatrove_python:
        candidates["datatrove"] = peer(options.datatrove_python, "datatrove_minhash.py")
    if options.peers_python:
        candidates["text-dedup"] = peer(options.peers_python, "text_dedup_minhash.py")
    figures: dict[str, Any] = {"machine": machine(), "python": sys.version.split()[0]}
    with tempfile.TemporaryDirectory(prefix="gristmill-accuracy-") as name:
        work = Path(name)
        invented = planted(options.seed, options.families)
        figures["planted, invented"] = on_planted(invented, candidates, work)
        if options.texts:
            sources = list(texts_of(options.texts, options.field))
            real = planted(options.seed, options.families, sources)
            figures["planted, real"] = on_planted(real, candidates, work)
        figures["books"] = on_books(candidates, work)
        if options.labelled:
            figures["labelled"] = on_labelled(options.labelled, candidates, work)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

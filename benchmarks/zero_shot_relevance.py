"""How well a written description alone ranks texts by topic, beside keywords.

    python benchmarks/zero_shot_relevance.py ../shared/data [--json FILE] [--every N]

Each topic is described in one list of subjects (the figures) and again in a sentence (how much the
wording matters); see `relevance_topics`. The peer is what people do without a model: TF-IDF cosine
to the same description. Measured are the area under the ROC curve, with DeLong's 95 % interval, and
the precision of the best tenth, with Wilson's.

How texts are cut into passages, how many are read and how their cosines make a score was chosen on
every other topic of the web pages ("choice"); the rest reports.

Speed is CPU seconds of one thread, median of rounds that take turns.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measure import machine
from relevance_topics import LabelledTexts, Topic, dolly, labelled_texts, page_tags

from classifiers.embed import DTYPES, Encoder
from classifiers.evaluate import proportion, roc_auc
from classifiers.passages import passages
from classifiers.relevance import Relevance

Scores = npt.NDArray[np.float32]

POOLS: dict[str, Callable[[Scores], float]] = {
    "nearest": lambda cosines: float(cosines.max()),
    "two nearest": lambda cosines: float(np.sort(cosines)[-2:].mean()),
    "four nearest": lambda cosines: float(np.sort(cosines)[-4:].mean()),
    "mean": lambda cosines: float(cosines.mean()),
}
SETTINGS = [
    (words, most)
    for words in (32, 64, 128, 180)
    for most in (1, 2, 4, 8, 16)
    if words * most <= 1100
]
AGAINST = (0.25, 0.5, 1.0)
ROUNDS = 5


@dataclasses.dataclass(frozen=True)
class Remembering(Encoder):
    """Encodes each distinct text once: a vector depends on its text alone."""

    seen: dict[str, Scores] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def encode(self, texts: Sequence[str]) -> Scores:
        new = sorted(set(texts) - self.seen.keys())
        self.seen.update(zip(new, super().encode(new), strict=True))
        return np.stack([self.seen[text] for text in texts])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("--every", type=int, default=2, help="only every N-th text (default 2)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    figures: dict[str, Any] = {"machine": machine(), "dtype": options.dtype}
    figures["speed"] = speed(options.data)
    encoder = Remembering(dtype=options.dtype)
    figures["settings"] = settings(page_tags(options.data), encoder)
    figures["against"] = against(page_tags(options.data), encoder)
    figures["topics"] = [
        row
        for texts in labelled_texts(options.data, options.every)
        for row in topics(texts, encoder)
    ]
    print(report(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def topics(texts: LabelledTexts, encoder: Encoder) -> list[dict[str, Any]]:
    """Figures of every topic of one collection."""
    rows = []
    for topic in texts.topics:
        counts, positive = texts.truth(topic)
        truth = positive[counts]
        wordings = [
            Relevance(wording, encoder).score(texts.texts)[counts] for wording in topic.descriptions
        ]
        keywords = tfidf(texts.texts, topic.descriptions[0])[counts]
        rows.append(
            {
                "collection": texts.name,
                "topic": topic.name,
                "half": "choice" if topic in texts.choice else "report",
                "texts": int(counts.sum()),
                "share": float(truth.mean()),
                "auc": dataclasses.asdict(roc_auc(wordings[0], truth)),
                "auc_sentence": dataclasses.asdict(roc_auc(wordings[1], truth)),
                "auc_keywords": dataclasses.asdict(roc_auc(keywords, truth)),
                "top": top_tenth(wordings[0], truth),
                "top_keywords": top_tenth(keywords, truth),
                "top_possible": min(1.0, float(truth.sum()) / round(len(truth) / 10)),
            }
        )
        print(f"{texts.name}, {topic.name}: {rows[-1]['auc']['value']:.3f}", file=sys.stderr)
    return rows


def tfidf(texts: Sequence[str], description: str) -> Scores:
    """Cosine of each text to the description, words weighed by their rarity in these texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    found = vectorizer.fit_transform(texts) @ vectorizer.transform([description]).T
    return np.asarray(found.todense(), np.float32).ravel()


def top_tenth(scores: Scores, truth: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Precision of the tenth that scores highest; of texts with one score, any may be in it."""
    size = round(len(scores) / 10)
    last = np.sort(scores)[-size]
    above, level = scores > last, scores == last
    hits = truth[above].sum() + truth[level].mean() * (size - above.sum())
    return dataclasses.asdict(proportion(round(float(hits)), size))


# --- how passages make a score ---------------------------------------------------------------


def choice(
    texts: LabelledTexts,
) -> list[tuple[Topic, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """The topics that settings are chosen on, with their truths."""
    return [(topic, *texts.truth(topic)) for topic in texts.choice]


def settings(texts: LabelledTexts, encoder: Encoder) -> list[dict[str, Any]]:
    """Mean AUC over the topics of choice, both wordings, for each way of cutting and pooling."""
    rows = []
    for words, most in SETTINGS:
        cut = [passages(text, words=words, most=most) for text in texts.texts]
        vectors = [encoder.encode(found) for found in cut]
        for name, pool in POOLS.items():
            found = [
                roc_auc(np.array([pool(one @ wanted) for one in vectors])[counts], truth[counts])
                for topic, counts, truth in choice(texts)
                for wanted in encoder.encode(topic.descriptions)
            ]
            mean = statistics.mean(one.value for one in found)
            rows.append({"words": words, "passages": most, "pool": name, "auc": mean})
        print(f"passages of {words} words, {most} at most", file=sys.stderr)
    return rows


def against(texts: LabelledTexts, encoder: Encoder) -> list[dict[str, Any]]:
    """The same, less a weight times the cosine to the nearest description of the other topics."""
    default = Relevance("any", encoder)
    cut = [passages(one, words=default.words, most=default.passages) for one in texts.texts]
    vectors = [encoder.encode(found) for found in cut]
    rows = []
    for weight in (0.0, *AGAINST):
        for name, others in (("the next topic", 1), ("all other topics", len(texts.topics) - 1)):
            found = []
            for topic, counts, truth in choice(texts):
                place = texts.topics.index(topic)
                rest = (texts.topics[place + 1 :] + texts.topics[:place])[:others]
                wanted = encoder.encode(topic.descriptions[:1])[0]
                unwanted = encoder.encode([other.descriptions[0] for other in rest])
                scores = [
                    POOLS["two nearest"](one @ wanted - weight * (one @ unwanted.T).max(axis=1))
                    for one in vectors
                ]
                found.append(roc_auc(np.array(scores)[counts], truth[counts]).value)
            rows.append({"weight": weight, "against": name, "auc": statistics.mean(found)})
    return rows


# --- speed -----------------------------------------------------------------------------------


def speed(data: Path) -> list[dict[str, Any]]:
    """Texts per CPU second of one thread, by kind of text and by dtype."""
    pages = page_tags(data).texts[::9]
    kinds = {
        "web pages, whole": pages,
        "web pages, first 2,000 characters": [text[:2000] for text in pages],
        "instructions": dolly(data).texts[::10],
    }
    rows = []
    for kind, texts in kinds.items():
        spent: dict[str, list[float]] = {dtype: [] for dtype in DTYPES}
        for number in range(ROUNDS + 1):
            for dtype in DTYPES:
                ranker = Relevance("a description of what is wanted", Encoder(dtype=dtype))
                began = time.process_time()
                ranker.score(texts)
                if number:  # the first loads
                    spent[dtype].append(time.process_time() - began)
        rows += [
            {
                "texts": kind,
                "dtype": dtype,
                "words": statistics.mean(len(text.split()) for text in texts),
                "per_second": len(texts) / statistics.median(seconds),
            }
            for dtype, seconds in spent.items()
        ]
        print(f"speed on {kind}", file=sys.stderr)
    return rows


# --- tables ----------------------------------------------------------------------------------


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown tables."""
    lines = [figures["machine"], ""]
    lines += [
        "| texts | words | dtype | texts per core-second |",
        "|---|---:|---|---:|",
        *(
            f"| {row['texts']} | {row['words']:.0f} | {row['dtype']} | {row['per_second']:.1f} |"
            for row in figures["speed"]
        ),
    ]
    lines += [
        "",
        f"| words | passages | {' | '.join(POOLS)} |",
        f"|---:|---:|{'---:|' * len(POOLS)}",
    ]
    for words, most in SETTINGS:
        cells = [
            f"{row['auc']:.3f}"
            for row in figures["settings"]
            if (row["words"], row["passages"]) == (words, most)
        ]
        lines.append(f"| {words} | {most} | {' | '.join(cells)} |")
    lines += ["", "| less this much | of the nearest of | AUC |", "|---:|---|---:|"]
    lines += [
        f"| {row['weight']} | {row['against']} | {row['auc']:.3f} |" for row in figures["against"]
    ]
    lines += [
        "",
        "| collection | topic | half | texts | positive | AUC | keywords | as a sentence "
        "| best tenth | keywords | possible |",
        "|---|---|---|---:|---:|---|---|---:|---|---:|---:|",
    ]
    lines += [
        f"| {row['collection']} | {row['topic']} | {row['half']} | {row['texts']} "
        f"| {row['share']:.0%} | {shown(row['auc'])} | {shown(row['auc_keywords'])} "
        f"| {row['auc_sentence']['value']:.3f} | {shown(row['top'])} "
        f"| {row['top_keywords']['value']:.2f} | {row['top_possible']:.2f} |"
        for row in figures["topics"]
    ]
    return "\n".join(lines)


def shown(interval: dict[str, float]) -> str:
    """Value and interval."""
    return f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


if __name__ == "__main__":
    main()

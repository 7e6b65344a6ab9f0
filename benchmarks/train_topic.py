"""Trains a topic classifier from 200 seed documents, and shows what can be expected of that.

Seeds are web pages that `topics.jsonl` gives one topic, software by default; the background is pages
of all other topics. Pages of one domain never come apart. Of the domains to learn from, 200 pages of
the topic are drawn; what is over joins neither side. Beside the classifier stands a ranking by
description alone, without any label, on the same test pages (where the encoder is installed)::

    python benchmarks/train_topic.py ../shared/data classifiers/shipped/software
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from gold import gold_texts

from classifiers.evaluate import roc_auc
from pipeline.labelled import Columns, Prepared, prepare
from pipeline.recipe.training import load_training
from pipeline.training import train_classifier

SEEDS = 200
TOPICS = Path(__file__).with_name("topics.jsonl")
DESCRIPTIONS = {
    "software": "software, programming, information technology, data and artificial intelligence",
    "health": "medicine, illness and treatment, mental health, nutrition and fitness for health",
}
SOURCES = (
    {
        "name": "WCXB development set, main text; topics from benchmarks/topics.jsonl",
        "licence": "CC BY 4.0 (the collection)",
    },
)


def examples(data: Path, topic: str) -> list[dict[str, str]]:
    """Rows with ``text``, ``label``, ``url`` and ``kind``."""
    topics = {row["file_id"]: row["topic"] for row in map(json.loads, TOPICS.open())}
    return [
        {
            "text": page.text,
            "label": "relevant" if topics[page.file_id] == topic else "other",
            "url": page.url,
            "kind": page.kind,
        }
        for page in gold_texts(data)
        if page.text.strip()
    ]


def with_seeds(train: pa.Table, seeds: int) -> pa.Table:
    """At most ``seeds`` relevant rows, drawn by a hash of their text, and all others."""
    draws = [hashlib.blake2b(text.encode()).digest() for text in train["text"].to_pylist()]
    relevant = [
        index for index, label in enumerate(train["label"].to_pylist()) if label == "relevant"
    ]
    drawn = set(sorted(relevant, key=draws.__getitem__)[:seeds])
    return train.take([i for i in range(train.num_rows) if i in drawn or i not in set(relevant)])


def zero_shot(prepared: Prepared, description: str) -> str:
    """How the description alone ranks the test part."""
    try:
        from classifiers.relevance import Relevance

        scores = Relevance(description).score(prepared.test["text"].to_pylist())
    except ImportError as error:
        return f"not measured ({error})"
    truth = np.array([label == "relevant" for label in prepared.test["label"].to_pylist()])
    return str(roc_auc(scores, truth))


def main() -> None:
    """Train, leave the model, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("out", type=Path, help="folder of the model")
    parser.add_argument("--topic", default="software", choices=sorted(DESCRIPTIONS))
    arguments = parser.parse_args()
    topic = arguments.topic
    recipe = dataclasses.replace(
        load_training("topic"),
        name=topic,
        description=f"Pages about {DESCRIPTIONS[topic]}: an example of a classifier trained from "
        f"{SEEDS} seed pages, not a filter to rely on.",
        known_failures=(
            "An example: 200 pages are little, and what stands near a topic is often taken for it.",
            "English only.",
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "examples.jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in examples(arguments.data, topic)))
        split = {side: getattr(recipe.split, side) for side in ("train", "dev", "test")}
        prepared = prepare([path], Columns(group="url"), shares=split, seed=recipe.seed)
    learned = with_seeds(prepared.train, SEEDS)
    counts = {**prepared.counts, "seeds": learned["label"].to_pylist().count("relevant")}
    prepared = dataclasses.replace(prepared, train=learned, counts=counts)
    card = train_classifier(prepared, recipe, arguments.out, data=SOURCES, say=print)
    test = card.metrics["test"]
    print(f"{counts['seeds']} seeds; test AUC {test['auc']}, at the threshold {test['at']}")
    print(f"by description alone: AUC {zero_shot(prepared, DESCRIPTIONS[topic])}")


if __name__ == "__main__":
    main()

"""What labels of one's own change: the model of intent adapted to a set that it never saw.

    OMP_NUM_THREADS=2 python benchmarks/adapt_intent.py ../shared/data

Of the development part of ``intent_labels.tsv``, each large set is left out in turn; a model trained
on the others is the prior. Some prompts of the set adapt it (the first by a seeded order), the rest
of the set judges it. Log loss and accuracy are means over sets and seeds, for strengths of the prior.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
from intent_data import labelled_prompts

from classifiers.intent import INTENTS, IntentClassifier
from classifiers.intent_training import train_intent

UNCHANGED = float("inf")  # the prior itself
STRENGTHS = (5.0, 15.0, 50.0, 150.0, 500.0)
COUNTS = (20, 50, 100, 200)
SEEDS = 5
LEFT = 60  # prompts that judge, at least


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("shared", type=Path)
    dev = [one for one in labelled_prompts(arguments.parse_args().shared) if not one.final]
    features = IntentClassifier().features([one.asked for one in dev])
    labels = np.array([INTENTS.index(one.label) for one in dev])
    sets = np.array([one.id.partition(":")[0] for one in dev])
    found: dict[tuple[float, int], list[tuple[float, float]]] = {}
    large = [name for name, count in Counter(sets).items() if count >= LEFT + COUNTS[0]]
    print(f"{len(dev)} prompts; left out in turn: {', '.join(large)}")
    for name in large:
        there = sets == name
        prior = dataclasses.replace(
            train_intent(features[~there], labels[~there]), temperature=0.85
        )
        for seed in range(SEEDS):
            order = np.random.default_rng(seed).permutation(np.flatnonzero(there))
            for count in COUNTS:
                if len(order) < count + LEFT:
                    continue
                own, rest = order[:count], order[count:]
                for strength in (UNCHANGED, *STRENGTHS):
                    model = (
                        prior
                        if strength == UNCHANGED
                        else train_intent(
                            features[own],
                            labels[own],
                            prior=prior,
                            strength=strength,
                            chance=np.zeros(count, np.bool_),
                        )
                    )
                    says = model.probabilities(features[rest])
                    right = float((says.argmax(axis=1) == labels[rest]).mean())
                    likely = says[np.arange(len(rest)), labels[rest]]
                    loss = -float(np.log(np.maximum(likely, 1e-12)).mean())
                    found.setdefault((strength, count), []).append((loss, right))
    print("log loss (accuracy) by strength and number of labels")
    print("strength " + "".join(f"{count:>16}" for count in COUNTS))
    for strength in (UNCHANGED, *STRENGTHS):
        cells = (np.mean(found.get((strength, count), [(np.nan, np.nan)]), axis=0)
                 for count in COUNTS)  # fmt: skip
        print(f"{strength:8g} " + "".join(f"{loss:>9.3f} ({right:.3f})" for loss, right in cells))


if __name__ == "__main__":
    main()

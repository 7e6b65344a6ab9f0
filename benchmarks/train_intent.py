"""Trains the model of intent that ships, and says how good it is on prompts it was not trained on.

    OMP_NUM_THREADS=2 python benchmarks/train_intent.py ../shared/data [--final] [--write]

Candidates are compared by folds over the development part of ``intent_labels.tsv``; prompts that
share their opening are of one fold. ``--final`` scores the last third once more, with the model
trained on the rest. Baselines, a regular expression and fastText, are printed in the same run.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from intent_data import Labelled, kappa, labelled_prompts

from classifiers.evaluate import proportion
from classifiers.fasttext_model import FastTextModel
from classifiers.fasttext_training import FastTextSettings, write_lines
from classifiers.fasttext_training import train as train_fasttext
from classifiers.intent import INTENTS, IntentClassifier, IntentModel
from classifiers.intent_cues import CUES
from classifiers.intent_training import (
    RECALL,
    asking_threshold,
    best_temperature,
    cooled,
    train_intent,
)
from classifiers.models import ModelFile

FOLDS = 5
SHIPPED = Path(__file__).parents[1] / "classifiers" / "shipped" / "intent"
REGEX = re.compile(
    r"\?|^\s*(?:what|how|why|who|where|when|which|is|are|can|do|does|should|explain|tell me|describe)\b",
    re.IGNORECASE,
)

_Floats = npt.NDArray[np.float64]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("shared", type=Path)
    arguments.add_argument("--final", action="store_true", help="score the last third, too")
    arguments.add_argument("--write", action="store_true", help="into classifiers/shipped")
    options = arguments.parse_args()
    prompts = labelled_prompts(options.shared)
    dev = [one for one in prompts if not one.final]
    passes = [one.passes for one in prompts]
    agreed = np.mean([one == other for one, other in passes])
    print(
        f"{len(prompts):,} prompts, {len(dev)} to develop with: {dict(Counter(one.label for one in prompts))}"
    )
    print(f"two passes agree on {agreed:.3f}, kappa {kappa(passes):.3f}\n")
    features = IntentClassifier().features([one.asked for one in dev])
    labels = np.array([INTENTS.index(one.label) for one in dev])
    folds = np.array([one.group // 3 % FOLDS for one in dev])
    print("Folds over the development part")
    _baseline("a regular expression", dev, [bool(REGEX.search(one.asked.prompt)) for one in dev])
    parts = {"cues": slice(0, len(CUES)), "embedding": slice(len(CUES), None), "both": slice(None)}
    _say("fastText", labels, _across(folds, lambda rows, held: _fasttext(dev, rows, held)))
    found = None
    for name, part in parts.items():
        columns = features[:, part]
        found = _across(
            folds,
            lambda rows, held, columns=columns: train_intent(
                columns[rows], labels[rows]
            ).probabilities(columns[held]),
        )
        _say(name, labels, found)
    assert found is not None
    temperature = best_temperature(found, labels)
    print(f"\ntemperature {temperature:.3f}; calibration error of P(asking) "
          f"{_calibration_error(found[:, 0], labels == 0):.3f}, with it "
          f"{_calibration_error(cooled(found, temperature)[:, 0], labels == 0):.3f}")  # fmt: skip
    model = train_intent(features, labels)
    least = asking_threshold(cooled(found, temperature)[:, 0], labels == 0)
    print(f"asking from {least} on, for a recall of {RECALL}")
    model = dataclasses.replace(model, temperature=temperature, asking=least)
    _labelled(model, labels, cooled(found, temperature))
    if options.final:
        rest = [one for one in prompts if one.final]
        truths = np.array([INTENTS.index(one.label) for one in rest])
        print("\nThe last third, by the model trained on the rest")
        _baseline(
            "a regular expression", rest, [bool(REGEX.search(one.asked.prompt)) for one in rest]
        )
        says = model.probabilities(IntentClassifier().features([one.asked for one in rest]))
        _say("both", truths, says)
        _labelled(model, truths, says)
        print(f"  calibration error {_calibration_error(says[:, 0], truths == 0):.3f}")
    if options.write:
        SHIPPED.mkdir(parents=True, exist_ok=True)
        header = {"prompts": len(dev), "labels": dict(Counter(one.label for one in dev))}
        model.save(SHIPPED, header)
        print(f"\nwritten to {SHIPPED}")


def _across(
    folds: npt.NDArray[np.int64],
    says: Callable[[npt.NDArray[np.bool_], npt.NDArray[np.bool_]], _Floats],
) -> _Floats:
    found = np.zeros((len(folds), len(INTENTS)))
    for fold in range(FOLDS):
        found[folds == fold] = says(folds != fold, folds == fold)
    return found


def _fasttext(
    dev: list[Labelled], rows: npt.NDArray[np.bool_], held: npt.NDArray[np.bool_]
) -> _Floats:
    with tempfile.TemporaryDirectory() as name:
        lines, out = Path(name) / "train.txt", Path(name) / "model.bin"
        write_lines(lines, [(dev[at].label, _line(dev[at])) for at in np.flatnonzero(rows)])
        train_fasttext(
            lines, out, FastTextSettings(dim=16, lr=0.3, epoch=25, word_ngrams=2, bucket=100_000)
        )
        model = FastTextModel(ModelFile(str(out)))
        scores = model.scores([_line(dev[at]) for at in np.flatnonzero(held)])
        columns = [model.labels().index(intent) for intent in INTENTS]
    return np.asarray(scores[:, columns], np.float64)


def _line(one: Labelled) -> str:
    return " ".join(re.findall(r"\w+|[?!]", one.asked.prompt.lower())[:200]) or "."


def _baseline(name: str, prompts: list[Labelled], says: list[bool]) -> None:
    truth = np.array([one.label == "asking" for one in prompts])
    said = np.array(says)
    print(f"  {name:21} asking: precision {_share(truth[said])}, recall {_share(said[truth])}")


def _say(name: str, labels: npt.NDArray[np.int64], says: _Floats) -> None:
    best = says.argmax(axis=1)
    truth = labels == 0
    order = np.argsort(-says[:, 0], kind="stable")
    recall = np.cumsum(truth[order]) / truth.sum()
    at = int(np.argmax(recall >= 0.75)) + 1
    print(f"  {name:21} accuracy {_share(best == labels)}; asking: precision at recall .75 "
          f"{_share(truth[order[:at]])}; as labelled: precision {_share(truth[best == 0])}, "
          f"recall {_share(best[truth] == 0)}", flush=True)  # fmt: skip
    for number, intent in enumerate(INTENTS[1:], 1):
        print(f"  {'':21} {intent}: precision {_share(labels[best == number] == number)}, "
              f"recall {_share(best[labels == number] == number)}")  # fmt: skip


def _labelled(model: IntentModel, labels: npt.NDArray[np.int64], says: _Floats) -> None:
    given = np.array(model.labels(says)) == "asking"
    truth = labels == 0
    print(
        f"  with that threshold   asking: precision {_share(truth[given])}, recall {_share(given[truth])}"
    )


def _share(found: npt.NDArray[np.bool_]) -> str:
    interval = proportion(int(found.sum()), len(found))
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _calibration_error(says: _Floats, truth: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal size."""
    bins = np.array_split(np.argsort(says, kind="stable"), 10)
    return float(
        sum(abs(says[one].mean() - truth[one].mean()) * len(one) for one in bins) / len(says)
    )


if __name__ == "__main__":
    main()

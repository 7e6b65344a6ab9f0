"""Training of supervised fastText models: same lines, settings and seed, same bytes.

Training happens in a process of its own. fastText 0.9.3 fills its weights in tenths, one for each
thread, and with the one thread that determinism asks for, nine tenths keep what the memory held
before. In a new process that is told so, malloc gives zeros, from which those weights learn as well.
Running out of memory ends that process and not the caller's.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from classifiers.fasttext_model import LABEL_PREFIX, fasttext_line, fasttext_module
from pipeline.core.errors import ConfigError, ModelError

__all__ = ["FastTextSettings", "label_word", "quantise", "train", "training_memory", "write_lines"]

# What glibc's malloc hands out is filled with zeros, and large pieces come from the kernel, as zeros.
# Its cache of small pieces would hand them out as they are.
ZEROED = {
    "MALLOC_PERTURB_": "255",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class FastTextSettings:
    """Hyper-parameters, by the names and with the defaults of fastText's own ``supervised``.

    Args:
        dim: size of the vectors.
        lr: learning rate at the start; it falls to 0.
        epoch: passes over the data.
        word_ngrams: longest word n-gram used as a feature.
        min_count: least occurrences of a word.
        minn, maxn: lengths of character n-grams; 0 for none.
        bucket: hash buckets that word and character n-grams share; not used where there are none.
        loss: ``softmax``, ``hs`` (hierarchical softmax, for very many labels) or ``ova`` (each
            label on its own).
        seed: of the first weights.

    Raises:
        ConfigError: a value that fastText cannot use.
    """

    dim: int = 100
    lr: float = 0.1
    epoch: int = 5
    word_ngrams: int = 1
    min_count: int = 1
    minn: int = 0
    maxn: int = 0
    bucket: int = 2_000_000
    loss: Literal["softmax", "hs", "ova"] = "softmax"
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"dim": 1, "epoch": 1, "word_ngrams": 1, "min_count": 1, "minn": 0, "maxn": 0,
                 "bucket": 1, "seed": 0}  # fmt: skip
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ConfigError(f"{name} = {getattr(self, name)} must be at least {low}")
        if self.seed >= 2**31:
            raise ConfigError(f"seed = {self.seed} must be below {2**31:,}")
        if not 0 < self.lr <= 10:
            raise ConfigError(f"lr = {self.lr} must be above 0 and at most 10")
        if self.maxn and not 1 <= self.minn <= self.maxn:
            raise ConfigError(f"minn = {self.minn} must be from 1 to maxn = {self.maxn}")
        if self.loss not in ("softmax", "hs", "ova"):
            raise ConfigError(f"loss = {self.loss!r} is none of softmax, hs, ova")

    @property
    def buckets(self) -> int:
        """Hash buckets that are in use."""
        return self.bucket if self.word_ngrams > 1 or self.maxn else 0

    def describe(self) -> dict[str, Any]:
        """The settings as plain values, for a card."""
        return {**dataclasses.asdict(self), "bucket": self.buckets}


def write_lines(path: Path, rows: Iterable[tuple[str, str]]) -> int:
    """Write fastText's training format, a line for each (label, text), and say how many.

    Args:
        path: the file.
        rows: texts as the model is to see them, normalised already (`classifiers.normalise`).
    """
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for label, text in rows:
            file.write(f"{label_word(label)} {fasttext_line(text)}\n")
            count += 1
    return count


def label_word(label: str) -> str:
    """A label as fastText writes it: one word, white space as ``_``.

    Raises:
        ConfigError: the label has no visible character.
    """
    word = "_".join(label.replace("\0", " ").split())
    if not word:
        raise ConfigError(f"the label {label!r} is empty; give the rows another or leave them out")
    return LABEL_PREFIX + word


def train(lines: Path, out: Path, settings: FastTextSettings) -> None:
    """Train on a file of `write_lines` and write the model, unquantised.

    Args:
        lines: the training file. fastText reads it in its order in every epoch: shuffle it.
        out: where the model goes, ``.bin``.
        settings: hyper-parameters.

    Raises:
        ModelError: fastText failed, ran out of memory, or is not the real one.
    """
    _in_child({"task": "train", "lines": str(lines), "out": str(out),
               "settings": settings.describe()})  # fmt: skip


def quantise(
    model: Path, lines: Path, out: Path, *, cutoff: int = 0, dsub: int = 2, retrain: bool = True
) -> None:
    """Write ``model`` with compressed weights (Joulin et al. 2016, "FastText.zip").

    Args:
        model: unquantised, ``.bin``.
        lines: what it was trained on, for the retraining after the cut.
        out: where it goes, ``.ftz``.
        cutoff: how many words and n-grams stay, those of the longest vectors; 0 for all.
        dsub: dimensions that share a byte.
        retrain: train the weights that stay once more.

    Raises:
        ModelError: see `train`; or the model has too few words for a code book (256).
    """
    _in_child({"task": "quantise", "model": str(model), "lines": str(lines), "out": str(out),
               "cutoff": cutoff, "dsub": dsub, "retrain": retrain})  # fmt: skip


def training_memory(settings: FastTextSettings, words: int) -> int:
    """Bytes that training takes at its largest, about: the weights and the dictionary.

    Args:
        settings: hyper-parameters.
        words: distinct words.
    """
    return (words + settings.buckets) * settings.dim * 4 + words * 120 + (500 << 20)


def _in_child(task: Mapping[str, Any]) -> None:
    fasttext_module()  # says what is wrong with an installation, better than a child could
    environment = {**os.environ, **ZEROED}
    # -P: a file of the working directory never takes the place of a module.
    command = [sys.executable, "-P", "-m", "classifiers.fasttext_training"]
    done = subprocess.run(
        command,
        input=json.dumps(task),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    said = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
    if done.returncode == -9 or "bad_alloc" in done.stderr or "MemoryError" in done.stderr:
        raise ModelError(
            "fastText ran out of memory: lower bucket or dim, or raise min_count "
            f"(settings: {task.get('settings', task)})"
        )
    raise ModelError(f"fastText failed to {task['task']}: {said[-1]}")


def _train(task: Mapping[str, Any]) -> None:
    settings = task["settings"]
    names = {"word_ngrams": "wordNgrams", "min_count": "minCount"}
    arguments = {names.get(name, name): value for name, value in settings.items()}
    model = fasttext_module().train_supervised(task["lines"], thread=1, verbose=0, **arguments)
    model.save_model(task["out"])


def _quantise(task: Mapping[str, Any]) -> None:
    model = fasttext_module().load_model(task["model"])
    model.quantize(
        input=task["lines"], cutoff=task["cutoff"], dsub=task["dsub"], retrain=task["retrain"],
        qnorm=True, thread=1, verbose=0,
    )  # fmt: skip
    model.save_model(task["out"])


def _main() -> None:
    tasks: dict[str, Callable[[Mapping[str, Any]], None]] = {"train": _train, "quantise": _quantise}
    task = json.load(sys.stdin)
    tasks[task["task"]](task)


if __name__ == "__main__":
    _main()

"""A judge that is a cross-encoder: a model that reads two texts together and gives one number."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from classifiers.embed import quiet
from classifiers.encoder_files import INSTALL, model_files, model_folder, sha256_over
from pipeline.core.errors import ModelError
from pipeline.core.records import encodable

__all__ = ["CrossEncoderJudge"]

_READ = frozenset({".json", ".model", ".safetensors", ".txt"})
_HEADS = ("ForSequenceClassification", "ForCausalLM")  # architectures that give a number


@dataclasses.dataclass(frozen=True)
class CrossEncoderJudge:
    """A sentence-transformers cross-encoder, loaded when first used and once per process.

    Its probability is the sigmoid of its logit. What goes beyond the model's window is not read.
    Each pair is read by itself, so that its number does not depend on the others.

    Args:
        model: folder of the model, or the name of one on the Hugging Face Hub that is in this
            machine's cache. Weights must be safetensors; code in the folder is never run.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"``: cuda where there is one.
    """

    model: str
    device: str = "auto"

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        """See `Judge.judge`.

        Raises:
            ModelError: the model is missing, no cross-encoder, or gives more than one number.
        """
        return self._load().judge(pairs) if pairs else []

    def check(self) -> None:
        """See `Judge.check`."""
        self.judge([("How many sacks does the miller keep?", "He keeps nine sacks.")])

    def to_json(self) -> dict[str, Any]:
        """Its name and the sha256 of its files.

        Raises:
            ModelError: the model is missing.
        """
        sha256 = _sha256(model_folder(self.model))
        return {
            "kind": "cross-encoder",
            "name": PurePosixPath(self.model).name,
            "sha256": sha256,
        }

    def _load(self) -> _Loaded:
        folder = model_folder(self.model)
        return _load(str(folder), _sha256(folder), self.device)


class _Loaded:
    """A model in memory."""

    def __init__(self, folder: str, device: str):
        self._folder = folder
        with quiet():
            try:
                import torch
                from sentence_transformers import CrossEncoder
            except ImportError as error:
                raise ModelError(
                    f"cross-encoders cannot be imported ({error}): {INSTALL}"
                ) from error
            if device == "auto":
                device = "cuda" if torch.cuda.is_available() else "cpu"
            try:
                self._model: Any = CrossEncoder(
                    folder,
                    device=device,
                    local_files_only=True,
                    trust_remote_code=False,
                    model_kwargs={"dtype": torch.float32, "use_safetensors": True},
                ).eval()
                labels = int(self._model.num_labels)
                scored = any(type(one).__name__ == "Dense" for one in self._model.children())
            except Exception as error:  # as many kinds of damage as there are libraries
                raise ModelError(
                    f"{folder}: not a cross-encoder, or a damaged one "
                    f"({type(error).__name__}: {error})"
                ) from error
        # The library gives any encoder a head of random weights.
        if not scored and not _architecture(folder).endswith(_HEADS):
            raise ModelError(
                f"{folder}: an encoder of single texts; take a cross-encoder, which was trained on pairs"
            )
        if labels != 1:
            raise ModelError(
                f"{folder}: gives {labels} numbers for a pair of texts. A judge gives one; take a "
                "cross-encoder with one label"
            )
        self._probability = torch.nn.Sigmoid()  # of the logit, whatever the card says of it

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        read = [[encodable(text) for text in pair] for pair in pairs]
        try:
            found = self._model.predict(
                read, batch_size=1, show_progress_bar=False, activation_fn=self._probability
            )
        except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(
                f"{self._folder}: the model cannot judge a pair of texts "
                f"({type(error).__name__}: {error})"
            ) from error
        return [float(one) for one in found]


@functools.cache
def _load(folder: str, sha256: str, device: str) -> _Loaded:
    # ``sha256`` is part of the key only: an altered model is another one.
    return _Loaded(folder, device)


def _architecture(folder: str) -> str:
    config = json.loads((Path(folder) / "config.json").read_text("utf-8"))
    return str((config.get("architectures") or [""])[0])


def _sha256(folder: Path) -> str:
    """One sha256 over all files that are read.

    Raises:
        ModelError: there are none, or a list of modules names code of its own.
    """
    if (folder / "modules.json").is_file():
        names = model_files(folder)
    else:  # most are published as a transformer alone
        names = sorted(path.name for path in folder.glob("*") if path.suffix in _READ)
    if "config.json" not in names:
        raise ModelError(
            f"{folder}: no config.json is here; a judge is the folder of a cross-encoder"
        )
    return sha256_over(folder, names)

"""Which languages an encoder reads: what its authors say of it in the card that lies beside it."""

from __future__ import annotations

from typing import Any

import yaml

from classifiers.embed import Encoder
from classifiers.encoder_files import MINILM, model_folder

__all__ = ["languages_of"]

DEFAULT = ("en",)
CARD = "README.md"


def languages_of(encoder: Encoder) -> tuple[str, ...]:
    """Codes of the languages that a model reads.

    They are those under ``language`` in the head of its card. A model that has no card, or one that
    names none, is taken to read English: what it may read beside that nobody has said.

    Args:
        encoder: of which the files are here.

    Raises:
        ModelError: they are not.
    """
    if encoder.model in (None, MINILM):
        return DEFAULT
    card = model_folder(encoder.model) / CARD
    try:
        head = _head(card.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return DEFAULT
    named = head.get("language") if isinstance(head, dict) else None
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list):
        return DEFAULT
    # ``zh-CN`` and ``zh_tw`` are Chinese; YAML reads the code of Norwegian as a refusal.
    codes = {
        "no" if one is False else str(one).replace("_", "-").partition("-")[0] for one in names
    }
    return tuple(sorted(code.lower() for code in codes if len(code) in (2, 3))) or DEFAULT


def _head(text: str) -> Any:
    """What stands between two lines of dashes at the top."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        return None
    end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)
    return yaml.safe_load("\n".join(lines[1:end]))

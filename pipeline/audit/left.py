"""The output folder of an audit: what must not be there, what an earlier one left, and the report.

`audit.json` is written last, so a folder that has one is finished; see `pipeline.runtime.completion`.
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
from pipeline.runtime.storage import RunFolder, refuse_output_of_others

__all__ = [
    "MANIFEST",
    "QUARANTINED",
    "check_out",
    "clear",
    "finished_manifest",
    "leave_report",
]

MANIFEST, REPORT, QUARANTINED = "audit.json", "report.html", "quarantine.parquet"


def check_out(out: Path) -> None:
    """See that the folder is no other command's.

    Raises:
        ConfigError: it is.
    """
    refuse_output_of_others(out, ("manifest.json", "records", "kept.parquet"))


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


def clear(folder: RunFolder) -> None:
    """Take away what an earlier audit found; its work files stay, and what they still fit is used."""
    for name in (MANIFEST, PARQUET, JSONL, REPORT, QUARANTINED):
        folder.remove(folder.root / name)


def leave_report(
    folder: RunFolder, manifest: Mapping[str, Any], findings: Sequence[Finding]
) -> None:
    """Write the page. It does not say how long it took: equal audits have equal pages."""
    folder.write_text(folder.root / REPORT, encodable(audit_page(manifest, findings)))

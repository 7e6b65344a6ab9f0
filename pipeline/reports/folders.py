"""What lies in a run folder, in words: the data card and the report say the same."""

from __future__ import annotations

import dataclasses

__all__ = ["FOLDERS", "RECEIPTS_NOTE", "FolderNote"]


@dataclasses.dataclass(frozen=True, slots=True)
class FolderNote:
    """One folder of a run.

    Args:
        kind: its name (`pipeline.runtime.storage.KINDS`).
        row: what one row of its tables stands for.
        holds: what is in it.
    """

    kind: str
    row: str
    holds: str


FOLDERS = (
    FolderNote(
        "corpus", "kept document", "the product: id, text, url, date, language, where it lies"
    ),
    FolderNote(
        "records", "input record", "the ledger: fate, stage, reason, value, bound, every signal"
    ),
    FolderNote(
        "dropped", "dropped text", "texts of dropped records, as far as the recipe keeps them"
    ),
    FolderNote("quarantine", "failed record", "the error, and where the bytes are"),
)

RECEIPTS_NOTE = ("dedup/", "receipts.parquet: what was removed for what; index/ for later runs")

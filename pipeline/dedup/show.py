"""A removal for a person to judge: its receipt, and both texts beside each other."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.core.errors import ConfigError, SourceError
from pipeline.core.printable import printable
from pipeline.dedup.alignment import aligned
from pipeline.dedup.index import RECEIPTS, IndexPart, index_folder, part_number
from pipeline.dedup.outcome import RECEIPT
from pipeline.dedup.signatures import Signing
from pipeline.runtime.ledger import read_rows
from pipeline.runtime.storage import RunFolder
from pipeline.sources.tables import plan_tables
from pipeline.sources.tables import read_rows as read_table_rows
from pipeline.stores.address import run_folder

__all__ = ["Finding", "find_receipts", "shown"]

LISTED = 20
EARLIER = ".earlier"
PAYLOAD = "payload"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the receipts say of one document.

    Args:
        record: its id.
        receipts: its own, if it was removed; else those of the documents removed for it. Ids are
            text.
        removed_text, kept_text: where it was removed, both texts as far as they can still be read.
    """

    record: str
    receipts: list[dict[str, Any]]
    removed_text: str | None = None
    kept_text: str | None = None

    @property
    def removed(self) -> bool:
        return len(self.receipts) == 1 and self.receipts[0]["removed"] == self.record

    def to_json(self) -> dict[str, Any]:
        return {
            "record": self.record,
            "removed": self.removed,
            "receipts": self.receipts,
            "removed_text": self.removed_text,
            "kept_text": self.kept_text,
        }


def find_receipts(root: str | Path | RunFolder, record: str) -> Finding:
    """Look a document up in a finished run or deduplication.

    Args:
        root: its output folder, or the path or URL of it.
        record: an id; in a run also a URL, of which the first record counts.

    Raises:
        ConfigError: there is none in ``root``, or it knows no such document.
    """
    folder = run_folder(root)
    path = next(filter(folder.exists, (folder.root / name for name in RECEIPTS)), None)
    if path is None or not folder.exists(folder.manifest):
        raise ConfigError(
            f"{folder.shown} holds no finished deduplication; name its folder with --out"
        )
    record = _id_of(folder, record)
    path = folder.here(path)
    own = _receipts(path, "removed", record)
    if own:
        (receipt,) = own
        if receipt["rule"].endswith(EARLIER):
            kept = _earlier_text(folder, receipt["kept"])
        else:
            kept = _find_text(folder, receipt["kept"])
        return Finding(record, own, _find_text(folder, record), kept)
    others = _receipts(path, "kept", record)
    if not others and not _known(folder, record):
        raise ConfigError(f"{folder.shown} knows no document {record!r}")
    return Finding(record, others)


def shown(found: Finding, width: int) -> Iterator[str]:
    """Lines for a terminal of ``width`` columns; nothing in them acts on it."""
    if not found.removed:
        many = len(found.receipts)
        what = f"{many:,} removed for it" if many else "no copy of it"
        yield f"{printable(found.record)}: kept; {what}"
        for receipt in found.receipts[:LISTED]:
            yield f"  {printable(receipt['removed'])}  {_measured(receipt)}"
        if many > LISTED:
            yield f"  and {many - LISTED:,} more in receipts.parquet"
        return
    (receipt,) = found.receipts
    yield f"removed  {printable(found.record)}"
    yield f"kept     {printable(receipt['kept'])}"
    yield f"because  {_measured(receipt)}"
    texts = {"removed": found.removed_text, "kept": found.kept_text}
    missing = [which for which, text in texts.items() if text is None]
    if missing == ["removed"] and receipt["rule"].startswith(PAYLOAD):
        yield "It was not extracted: its bytes are those of a page that was."
        return
    if found.removed_text is None or found.kept_text is None:
        what = " and the ".join(missing)
        yield f"The {what} text can no longer be read: its file is gone or changed."
        return
    half = max(20, (width - 3) // 2)
    yield ""
    yield f"{'removed':{half}}   kept"
    yield from aligned(found.removed_text, found.kept_text, half)


def _measured(receipt: dict[str, Any]) -> str:
    rule = receipt["rule"].removesuffix(EARLIER)
    if rule.startswith(PAYLOAD):
        what = "the bytes of its page repeat"
    elif rule == "exact":
        what = "the same text"
    else:
        what = f"{rule} {receipt['similarity']:.3f}, {receipt['buckets']} shared buckets"
    return what + (", kept by an earlier run" if receipt["rule"] != rule else "")


def _receipts(path: Path, column: str, record: str) -> list[dict[str, Any]]:
    wanted = pc.field(column).cast(pa.string()) == record
    table = ds.dataset(path, format="parquet").to_table(filter=wanted)
    found: list[dict[str, Any]] = table.cast(RECEIPT).to_pylist()
    return found


def _id_of(folder: RunFolder, record: str) -> str:
    """The id of the record with this URL; what was given, if there is none."""
    parts = [str(folder.here(path)) for path in folder.children(folder.root / "records", "part-*")]
    if not parts:
        return record
    ledger = ds.dataset(parts, format="parquet")
    found = ledger.head(1, columns=["id"], filter=pc.field("url") == record)["id"].to_pylist()
    return str(found[0]) if found else record


# --- texts ---------------------------------------------------------------------------------


def _find_text(folder: RunFolder, record: str) -> str | None:
    """The text of a document of this run or deduplication, if it can still be read."""
    manifest = _manifest(folder)
    if "columns" in manifest:
        text = _in_kept(folder, manifest["columns"], record)
        return _in_input(folder, manifest, record) if text is None else text
    for kind in ("corpus", "dropped"):
        for file in folder.children(folder.root / kind, "part-*"):
            text = _in_part(folder.here(file), record)
            if text is not None:
                return text
    return None


def _earlier_text(folder: RunFolder, record: str) -> str | None:
    """The text of a document of a run that this one was deduplicated against."""
    for name in _manifest(folder)["dedup"]["parameters"]["against"]:
        earlier = run_folder(name)
        if earlier.exists(earlier.manifest) and _known(earlier, record):
            return _find_text(earlier, record)
    return None


def _in_part(file: Path, record: str) -> str | None:
    if file.suffix == ".parquet":
        parts = ds.dataset(file, format="parquet")
        rows = parts.head(1, columns=["id", "text"], filter=pc.field("id") == record).to_pylist()
    else:
        rows = [row for row in read_rows(file) if row["id"] == record][:1]
    return str(rows[0]["text"]) if rows else None


def _in_kept(folder: RunFolder, columns: dict[str, str], record: str) -> str | None:
    path = folder.root / "kept.parquet"
    if not folder.exists(path):
        return None
    table = ds.dataset(folder.here(path), format="parquet")
    if not {columns["id"], columns["text"]} <= set(table.schema.names):
        return None
    wanted = pc.field(columns["id"]).cast(pa.string()) == record
    rows = table.head(1, columns=[columns["text"]], filter=wanted).to_pylist()
    return str(rows[0][columns["text"]]) if rows else None


def _in_input(folder: RunFolder, manifest: dict[str, Any], record: str) -> str | None:
    """The text from its input file. Its hash says whether it is the one that was compared."""
    first = 0
    for path, noted in manifest["inputs"].items():
        for number in range(first, first + noted["parts"]):
            index = IndexPart.read(folder, number)
            place = -1 if index is None else _place(index, record)
            if index is not None and place >= 0:
                rows = _rows(path, number - first, noted["parts"], manifest["columns"])
                texts = (text for name, text in rows if name == record)
                return next((text for text in texts if _is_text(index, place, text)), None)
        first += noted["parts"]
    return None


def _rows(path: str, number: int, parts: int, columns: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Ids and texts of one part of a file, none of a file that is gone or no longer the same."""
    try:
        planned = plan_tables([path])
        if len(planned) != parts:
            return
        for row in read_table_rows(planned[number], [columns["id"], columns["text"]]):
            text = (row.values or {}).get(columns["text"])
            if isinstance(text, str):
                yield str((row.values or {}).get(columns["id"])), text
    except SourceError:
        return


def _is_text(index: IndexPart, place: int, text: str) -> bool:
    names = [field.name for field in dataclasses.fields(Signing)]
    signing = Signing(**{name: index.signing[name] for name in names})
    return np.array_equal(signing.sign([text]).text_hashes[0], index.text_hashes[place])


def _manifest(folder: RunFolder) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(folder.read_text(folder.manifest))
    return manifest


def _known(folder: RunFolder, record: str) -> bool:
    for path in folder.children(index_folder(folder.root), "part-*.json"):
        part = IndexPart.read(folder, part_number(path))
        if part is not None and _place(part, record) >= 0:
            return True
    return False


def _place(part: IndexPart, record: str) -> int:
    """Row of a document in a part, or -1."""
    place: int = pc.index(part.documents(["id"])["id"], record).as_py()
    return place

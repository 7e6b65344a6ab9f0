"""A removal for a person to judge: its receipt, and both texts beside each other."""

from __future__ import annotations

import dataclasses
import difflib
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError
from pipeline.dedup.index import RECEIPTS, IndexPart, index_folder

__all__ = ["Finding", "aligned", "find_receipts", "shown"]

WORDS = 20_000  # of each text that are aligned
CONTEXT = 12  # words shown at each end of a long stretch that both have
LISTED = 20


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the receipts say of one document.

    Args:
        record: its id.
        receipts: its own, if it was removed; else those of the documents removed for it.
        texts: by id, as far as they can still be read; of a removed document, both.
    """

    record: str
    receipts: list[dict[str, Any]]
    texts: dict[str, str]

    @property
    def removed(self) -> bool:
        return len(self.receipts) == 1 and self.receipts[0]["removed"] == self.record

    def to_json(self) -> dict[str, Any]:
        return {"record": self.record, "removed": self.removed, "receipts": self.receipts,
                "texts": self.texts}  # fmt: skip


def find_receipts(root: Path, record: str) -> Finding:
    """Look a document up in a finished run or deduplication.

    Args:
        root: its output folder.
        record: an id; in a run also a URL, of which the first record counts.

    Raises:
        ConfigError: there is none in ``root``, or it knows no such document.
    """
    path = next(filter(Path.is_file, (root / name for name in RECEIPTS)), None)
    if path is None or not (root / "manifest.json").is_file():
        raise ConfigError(f"{root} holds no finished deduplication; name its folder with --out")
    record = _id_of(root, record)
    table = pq.read_table(path)
    table = pa.table({name: _texts(table[name]) for name in table.column_names})
    own = table.filter(pc.equal(table["removed"], record)).to_pylist()
    if own:
        names = [record, own[0]["kept"]]
        found = {name: _find_text(root, name) for name in names}
        return Finding(
            record, own, {name: text for name, text in found.items() if text is not None}
        )
    others = table.filter(pc.equal(table["kept"], record)).to_pylist()
    if not others and not _known(root, record):
        raise ConfigError(f"{root} knows no document {record!r}")
    return Finding(record, others, {})


def shown(found: Finding, width: int) -> Iterator[str]:
    """Lines for a terminal of ``width`` columns."""
    if not found.removed:
        many = len(found.receipts)
        yield f"{found.record}: kept" + (
            f"; {many:,} removed for it" if many else "; no copy of it"
        )
        for receipt in found.receipts[:LISTED]:
            yield f"  {receipt['removed']}  {_measured(receipt)}"
        if many > LISTED:
            yield f"  and {many - LISTED:,} more in receipts.parquet"
        return
    (receipt,) = found.receipts
    yield f"removed  {found.record}"
    yield f"kept     {receipt['kept']}"
    yield f"because  {_measured(receipt)}"
    missing = [name for name in (found.record, receipt["kept"]) if name not in found.texts]
    if missing:
        yield f"The text of {', '.join(missing)} can no longer be read: its file is gone or changed."
        return
    half = max(20, (width - 3) // 2)
    yield ""
    yield f"{'removed':{half}}   kept"
    yield from aligned(found.texts[found.record], found.texts[receipt["kept"]], half)


def aligned(left: str, right: str, width: int) -> Iterator[str]:
    """Two texts in two columns of ``width``, word by word.

    Between the columns stands ``│`` where both have the same, ``≠`` where they differ, ``<`` and
    ``>`` where only one has something. Of a long stretch that both have, the ends are shown.
    """
    lefts, rights = left.split()[:WORDS], right.split()[:WORDS]
    matcher = difflib.SequenceMatcher(a=_folded(lefts), b=_folded(rights))
    for tag, *(a, b, c, d) in matcher.get_opcodes():
        sign = {"equal": "│", "replace": "≠", "delete": "<", "insert": ">"}[tag]
        columns = [lefts[a:b], rights[c:d]]
        if tag == "equal":
            columns = [_shortened(column) for column in columns]
        wrapped = [textwrap.wrap(" ".join(column), width) for column in columns]
        for row in range(max(map(len, wrapped))):
            cells = [lines[row] if row < len(lines) else "" for lines in wrapped]
            yield f"{cells[0]:{width}} {sign} {cells[1]}".rstrip()
    cut = max(len(left.split()), len(right.split())) - WORDS
    if cut > 0:
        yield f"… {cut:,} more words are not shown"


def _folded(words: list[str]) -> list[str]:
    return [word.casefold() for word in words]


def _shortened(words: list[str]) -> list[str]:
    left_out = len(words) - 2 * CONTEXT
    if left_out < CONTEXT:
        return words
    return [*words[:CONTEXT], f"… [{left_out:,} words] …", *words[-CONTEXT:]]


def _measured(receipt: dict[str, Any]) -> str:
    rule = receipt["rule"].removesuffix(".earlier")
    what = "the same text" if receipt["similarity"] == "1.0" and rule == "exact" else (
        f"{rule} {float(receipt['similarity']):.3f}, {receipt['buckets']} shared buckets"
    )  # fmt: skip
    return what + (", kept by an earlier run" if receipt["rule"] != rule else "")


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([[str(value) for value in column.to_pylist()]], pa.string())


def _id_of(root: Path, record: str) -> str:
    """The id of the record with this URL; what was given, if there is none."""
    if not (root / "records").is_dir():
        return record
    ledger = ds.dataset(root / "records", format="parquet")
    found = ledger.head(1, columns=["id"], filter=pc.field("url") == record)["id"].to_pylist()
    return str(found[0]) if found else record


def _find_text(root: Path, record: str) -> str | None:
    """The text of a document, from what a run or an earlier one has left, or from the input."""
    for name in ("corpus", "dropped", "kept.parquet"):
        text = _in_table(root / name, record)
        if text is not None:
            return text
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    text = _in_input(root, manifest, record) if "columns" in manifest else None
    for earlier in manifest["dedup"]["parameters"]["against"] if text is None else ():
        text = (
            _find_text(Path(earlier), record) if Path(earlier, "manifest.json").exists() else None
        )
        if text is not None:
            break
    return text


def _in_table(path: Path, record: str) -> str | None:
    if not path.exists():
        return None
    manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
    columns = manifest.get("columns", {"id": "id", "text": "text"})
    files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    for file in files:
        table = ds.dataset(file, format="parquet")
        key = pc.field(columns["id"]).cast(pa.string())
        for row in table.head(1, columns=[columns["text"]], filter=key == record).to_pylist():
            return str(row[columns["text"]])
    return None


def _in_input(root: Path, manifest: dict[str, Any], record: str) -> str | None:
    from pipeline.sources.tables import plan_tables, read_rows

    columns = manifest["columns"]
    if not all(Path(path).exists() for path in manifest["inputs"]):
        return None
    parts = plan_tables(manifest["inputs"])
    for number, part in enumerate(parts):
        index = IndexPart.read(index_folder(root), number)
        if index is None or not _holds(index, record):
            continue
        for row in read_rows(part, [columns["id"], columns["text"]]):
            if row.values and str(row.values.get(columns["id"])) == record:
                return str(row.values.get(columns["text"]))
    return None


def _known(root: Path, record: str) -> bool:
    for path in sorted(index_folder(root).glob("part-*.json")):
        part = IndexPart.read(path.parent, int(path.name.split(".")[0].removeprefix("part-")))
        if part is not None and _holds(part, record):
            return True
    return False


def _holds(part: IndexPart, record: str) -> bool:
    found: bool = pc.any(pc.equal(part.documents(["id"])["id"], record)).as_py()
    return bool(found)

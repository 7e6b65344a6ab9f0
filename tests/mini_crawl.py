"""A crawl of a few files in the layout of Common Crawl, made from the embedded sample."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.base import Split
from pipeline.sources.sample import sample_bytes, sample_texts
from pipeline.sources.warc import WarcSource

__all__ = ["CRAWL", "captures", "write_crawl"]

CRAWL = "CC-MAIN-2024-22"
SEGMENT = f"crawl-data/{CRAWL}/segments/1715971057216.39"
STEM = "CC-MAIN-20240517233122-20240518023122"
COLLINFO = [
    {
        "id": name,
        "name": f"{month} Index",
        "timegate": f"https://index.commoncrawl.org/{name}/",
        "cdx-api": f"https://index.commoncrawl.org/{name}-index",
        "from": "2024-05-17T23:31:22",
        "to": "2024-05-31T01:16:46",
    }
    for name, month in ((CRAWL, "May 2024"), ("CC-MAIN-2024-18", "April 2024"))
]


def write_crawl(root: Path, files: int = 4) -> None:
    """WARC and WET files, lists of their paths, and the index table, below ``root``."""
    stored = sample_bytes()
    lists: dict[str, list[str]] = {"warc": [], "wet": []}
    for number, piece in enumerate(_pieces(stored, files)):
        name = f"{STEM}-{number:05d}.warc.gz"
        _write(root, lists["warc"], f"{SEGMENT}/warc/{name}", piece)
    texts = [_conversion(number, text) for number, text in enumerate(sample_texts())]
    for number in range(files):
        name = f"{STEM}-{number:05d}.warc.wet.gz"
        members = b"".join(gzip.compress(text, mtime=0) for text in texts[number::files])
        _write(root, lists["wet"], f"{SEGMENT}/wet/{name}", members)
    for subset, paths in lists.items():
        listed = "".join(f"{path}\n" for path in paths).encode()
        (root / f"crawl-data/{CRAWL}/{subset}.paths.gz").write_bytes(gzip.compress(listed))
    (root / "collinfo.json").write_text(json.dumps(COLLINFO))
    table = f"cc-index/table/cc-main/warc/crawl={CRAWL}/subset=warc/part-00000.c000.gz.parquet"
    (root / table).parent.mkdir(parents=True)
    rows = sorted(captures(root), key=lambda row: (row["url_surtkey"], row["warc_filename"]))
    schema = pa.schema(
        [
            ("url_surtkey", pa.string()),
            ("url", pa.string()),
            ("url_host_name", pa.string()),
            ("fetch_status", pa.int16()),
            ("content_digest", pa.string()),
            ("warc_filename", pa.string()),
            ("warc_record_offset", pa.int32()),
            ("warc_record_length", pa.int32()),
            ("warc_segment", pa.string()),
        ]
    )
    rows = [{name: row.get(name) for name in schema.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), root / table, row_group_size=10)
    listed = f"{table}\n".encode()
    (root / f"crawl-data/{CRAWL}/cc-index-table.paths.gz").write_bytes(gzip.compress(listed))


def captures(root: Path) -> list[dict[str, Any]]:
    """What an index says of every response of the crawl."""
    rows = []
    for path in sorted((root / SEGMENT / "warc").glob("*.gz")):
        source = WarcSource(paths=(str(path),))
        for record in (one for split in source.plan() for one in source.read(split)):
            if record.meta.get("record_type") != "response" or record.failure is not None:
                continue
            host, slash, rest = record.url.partition("://")[2].partition("/")
            rows.append(
                {
                    "url": record.url,
                    "url_surtkey": f"{','.join(reversed(host.split('.')))}){slash}{rest.lower()}",
                    "url_host_name": host,
                    "fetch_status": record.meta.get("http_status"),
                    "warc_filename": str(path.relative_to(root)),
                    "warc_record_offset": record.source.offset,
                    "warc_record_length": record.source.length,
                }
            )
    return rows


def _write(root: Path, listed: list[str], name: str, data: bytes) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data)
    listed.append(name)


def _pieces(stored: bytes, files: int) -> list[bytes]:
    """The sample cut between records."""
    reader = WarcSource(paths=())
    whole = Split("sample", 0, len(stored))
    starts = [
        record.source.offset for record in reader.read_file(io.BytesIO(stored), len(stored), whole)
    ]
    each = math.ceil(len(starts) / files)
    cuts = [*starts[::each], len(stored)]
    return [stored[begin:end] for begin, end in itertools.pairwise(cuts)]


def _conversion(number: int, text: Any) -> bytes:
    block = text.text.encode()
    fields = {
        "WARC-Type": "conversion",
        "WARC-Target-URI": text.url,
        "WARC-Date": "2024-05-18T01:58:10Z",
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>",
        "WARC-Identified-Content-Language": "eng",
        "Content-Type": "text/plain",
        "Content-Length": str(len(block)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"

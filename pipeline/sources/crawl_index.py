"""Where the captures of a URL are: Common Crawl's CDX server, or its table in Parquet files.

Both know of each capture the file, the offset and the stored bytes. The server is quick for a few
sites and shared by all; the table is for many, and can be copied.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gzip
import json
import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pipeline.core.errors import SourceError
from pipeline.sources.remote import MissingError, Patience, RemoteFile, shown
from pipeline.sources.remote_http import HttpStore
from pipeline.sources.remote_s3 import S3Store
from pipeline.sources.stores import is_web, store_of
from pipeline.sources.url_patterns import UrlPattern

__all__ = ["Capture", "cdx_captures", "read_whole", "table_captures"]

FIELDS = ("url", "filename", "offset", "length")
COLUMNS = ("url", "url_surtkey", "warc_filename", "warc_record_offset", "warc_record_length")
NO_PAGE = (404,)  # "No Captures found for: …"


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Capture:
    """A stored record: ``length`` stored bytes at ``offset`` of ``filename``, below the base URL."""

    filename: str
    offset: int
    length: int


def cdx_captures(
    server: str, crawl: str, pattern: UrlPattern, patience: Patience
) -> Iterator[Capture]:
    """The captures of a crawl that match, from the CDX server, page by page.

    Args:
        server: such as ``https://index.commoncrawl.org/``.
        crawl: such as ``CC-MAIN-2024-22``.
        pattern: what is looked for.
        patience: how long to bear with the server.

    Raises:
        SourceError: the server cannot be asked, or answers with something else.
    """
    store = store_of(server, patience)
    if not isinstance(store, HttpStore):
        raise SourceError(f"{server}: the index server has an http address; see index_url")
    endpoint = f"{server.rstrip('/')}/{crawl}-index"
    asked = {"url": pattern.url, "matchType": pattern.match, "output": "json"}
    count = store.text(f"{endpoint}?{urlencode({**asked, 'showNumPages': 'true'})}", NO_PAGE)
    for page in range(_pages(endpoint, count)):
        query = urlencode({**asked, "fl": ",".join(FIELDS), "page": page})
        for line in (store.text(f"{endpoint}?{query}", NO_PAGE) or b"").splitlines():
            if line.strip():
                yield _capture(endpoint, line)


def table_captures(
    table: str, crawl: str, patterns: Sequence[UrlPattern], patience: Patience, anonymous: bool
) -> Iterator[Capture]:
    """The captures of a crawl that match, from the table.

    Row groups whose keys lie elsewhere are not read: the table is sorted by key.

    Args:
        table: the folder that holds ``crawl=…/subset=warc/*.parquet``: a path, ``s3://…``, or an
            address below which ``cc-index/table/cc-main/warc/`` lies, as on a web server, which
            lists no folders.
        crawl: such as ``CC-MAIN-2024-22``.
        patterns: what is looked for.
        patience: how long to bear with a server.
        anonymous: ask buckets without credentials.

    Raises:
        SourceError: there is no such table, or it has other columns.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds

    prefixes = sorted({prefix for pattern in patterns for prefix in pattern.key_prefixes()})
    key = ds.field("url_surtkey")
    ranges = [(key >= prefix) & (key < _after(prefix)) for prefix in prefixes]
    wanted = functools.reduce(operator.or_, ranges)
    for path in _table_files(table, crawl, patience, anonymous):
        with _opened(path, patience, anonymous) as file:
            try:
                fragment = ds.ParquetFileFormat().make_fragment(file)
                rows = fragment.to_table(columns=list(COLUMNS), filter=wanted).to_pylist()
            except (pa.ArrowException, OSError) as error:
                raise SourceError(
                    f"{shown(path)}: is no part of Common Crawl's index table: {error}"
                ) from error
        for row in rows:
            near = (p for p in patterns if row["url_surtkey"].startswith(p.key_prefixes()))
            if any(pattern.matches(row["url"]) for pattern in near):
                yield Capture(
                    row["warc_filename"], row["warc_record_offset"], row["warc_record_length"]
                )


def read_whole(url: str, patience: Patience, anonymous: bool = False) -> bytes:
    """All bytes of a small file, unpacked if it is gzip.

    Raises:
        MissingError: there is none.
        SourceError: it cannot be read or unpacked.
    """
    store = store_of(url, patience, anonymous)
    if isinstance(store, HttpStore):
        data = store.text(url) or b""
    else:
        data = store.fetch(url, 0, store.stat(url).size)[0]
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise SourceError(f"{shown(url)}: cannot be unpacked: {error}") from error


# --- the server ------------------------------------------------------------------------------


def _pages(endpoint: str, answer: bytes | None) -> int:
    if answer is None:
        return 0
    try:
        said = json.loads(answer)
        return int(said["pages"] if isinstance(said, dict) else said)
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{shown(endpoint)}: is no CDX server: it says {answer[:80]!r}; see index_url"
        ) from error


def _capture(endpoint: str, line: bytes) -> Capture:
    try:
        found = json.loads(line)
        return Capture(found["filename"], int(found["offset"]), int(found["length"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{shown(endpoint)}: a line of its answer names no place: {line[:80]!r}"
        ) from error


# --- the table -------------------------------------------------------------------------------


def _table_files(table: str, crawl: str, patience: Patience, anonymous: bool) -> Iterable[str]:
    part = f"crawl={crawl}/subset=warc/"
    if is_web(table):
        base = table.partition("cc-index/table/")[0].rstrip("/") + "/"
        listed = f"{base}crawl-data/{crawl}/cc-index-table.paths.gz"
        lines = read_whole(listed, patience).decode("utf-8", "replace").split()
        found = [base + line for line in lines if f"/{part}" in line]
    elif table.startswith("s3://"):
        store = store_of(table, patience, anonymous)
        assert isinstance(store, S3Store)
        found = [path for path in store.listing(f"{table.rstrip('/')}/{part}") if _table(path)]
    else:
        found = [str(path) for path in sorted(Path(table, part).glob("*.parquet"))]
    if not found:
        raise MissingError(
            f"{shown(table)}: holds no {part}*.parquet; name the folder above `crawl=…`, which "
            "Common Crawl has at cc-index/table/cc-main/warc/"
        )
    return found


def _table(path: str) -> bool:
    return os.path.basename(path).endswith(".parquet")


@contextlib.contextmanager
def _opened(path: str, patience: Patience, anonymous: bool) -> Iterator[Any]:
    with RemoteFile(store_of(path, patience, anonymous), path) as file:
        yield file


def _after(prefix: str) -> str:
    """The first string behind all that begin with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)

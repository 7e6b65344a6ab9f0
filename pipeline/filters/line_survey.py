"""Counting the lines that sites repeat: rows of (text, URL) in, the table of `RepeatedLines` out.

Parts are counted one by one, in any order and process, into run files; the run files are merged
into one table. Counting holds `LineSurvey.rows_at_once` lines and merging the same number of rows
and the repeated lines: neither grows with the number of lines. The table's bytes depend on the
documents alone, whatever their order and parts.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError
from pipeline.filters.line_runs import LineRun, MappedRun, count_distinct
from pipeline.filters.repeated_lines import (
    METADATA,
    SITES,
    UNITS,
    pieces_of,
    site_of,
)
from pipeline.runtime.storage import storage_errors

__all__ = ["LineSurvey", "PartCount", "Surveyed", "survey"]

_FOUND = pa.schema(
    [
        ("domain", pa.string()),
        ("line", pa.uint64()),
        ("text", pa.large_string()),
        ("documents", pa.int64()),
    ]
)


@dataclasses.dataclass(frozen=True)
class PartCount:
    """What counting one part gave.

    Args:
        runs: files for `LineSurvey.merge`.
        documents: rows read.
        without_site: rows left out, since their URL has no host.
    """

    runs: tuple[Path, ...]
    documents: int
    without_site: int


@dataclasses.dataclass(frozen=True)
class Surveyed:
    """What a survey found.

    Args:
        documents: rows read.
        without_site: rows left out, since their URL has no host.
        sites: those with a repeated line.
        lines: repeated lines, rows of the table.
    """

    documents: int
    without_site: int
    sites: int
    lines: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class LineSurvey:
    """Which lines are counted as repeated: in enough pages of a site, and in enough of its pages.

    A site's pages are counted as different where both their texts and their URLs are
    (`url_key`): of the distinct texts and the distinct URLs, the smaller number. So a page crawled
    every week is one page, and so is an error message under a thousand addresses.

    Args:
        min_documents: least pages of the site with the line. Under five, a site of three articles
            that quote each other loses the quotation.
        min_share: least share of the site's pages with the line, over 0 and at most 1. A bare
            count would take the headings and phrases that any large site repeats; the price is
            that the menu of a section with fewer of the pages than this stays.
        unit: ``"line"`` or ``"paragraph"``; see `pieces_of`.
        site: ``"domain"`` or ``"host"``; see `site_of`.
        rows_at_once: lines in memory, about 400 bytes each. It does not change the table.

    Raises:
        ConfigError: a value out of range.
    """

    min_documents: int = 5
    min_share: float = 0.2
    unit: str = "line"
    site: str = "domain"
    rows_at_once: int = 1_000_000

    def __post_init__(self) -> None:
        if self.min_documents < 1:
            raise ConfigError(f"min_documents = {self.min_documents}: must be 1 at least")
        if not 0 < self.min_share <= 1:
            raise ConfigError(f"min_share = {self.min_share}: must be over 0 and at most 1")
        if self.unit not in UNITS:
            raise ConfigError(f"unit = {self.unit!r}: one of {', '.join(UNITS)}")
        if self.site not in SITES:
            raise ConfigError(f"site = {self.site!r}: one of {', '.join(SITES)}")
        if self.rows_at_once < 1:
            raise ConfigError(f"rows_at_once = {self.rows_at_once}: must be 1 at least")

    def count(self, rows: Iterable[tuple[str, str]], folder: Path) -> PartCount:
        """Count one part.

        Args:
            rows: text and URL of each document; an empty URL where there is none.
            folder: where the run files go. They are read by `merge` and can be deleted after.

        Raises:
            StorageError: the files cannot be written.
        """
        runs: list[Path] = []
        run = LineRun()
        documents = without = 0
        for text, url in rows:
            documents += 1
            site = site_of(url, self.site)
            if not site:
                without += 1
                continue
            run.add(site, url, list(pieces_of(text, self.unit)))
            if len(run) >= self.rows_at_once:
                runs.append(run.write(folder))
                run = LineRun()
        if len(run):
            runs.append(run.write(folder))
        return PartCount(tuple(runs), documents, without)

    def merge(self, parts: Sequence[PartCount], out: Path) -> Surveyed:
        """Merge what `count` gave for every part, and write the table.

        Columns: ``domain`` (the host where ``site`` is that), ``line`` (`line_key`),
        ``documents``, ``domain_documents``, ``share``, ``text`` (how the line reads where it is
        smallest, at most 200 characters); a domain's most frequent lines first.

        Args:
            parts: in any order.
            out: the Parquet file; it appears whole or not at all.

        Raises:
            StorageError: the file cannot be written.
        """
        runs = [MappedRun(path) for part in parts for path in part.runs]
        found = [_FOUND.empty_table()]
        # Hashes are evenly spread, so that equal ranges of them hold about as many rows.
        ranges = max(1, -(-sum(run.rows for run in runs) // self.rows_at_once))
        edges = [(number << 64) // ranges for number in range(ranges + 1)]
        for low, high in itertools.pairwise(edges):
            pieces = [run.between(low, high) for run in runs]
            found.append(self._repeated([piece for piece in pieces if piece.num_rows]))
        table = self._table(pa.concat_tables(found))
        _write(table, out)
        return Surveyed(
            sum(part.documents for part in parts),
            sum(part.without_site for part in parts),
            len(table["domain"].unique()),
            table.num_rows,
        )

    def _repeated(self, pieces: Sequence[pa.RecordBatch]) -> pa.Table:
        """Lines in enough documents, of all pieces with one range of keys; unsorted."""
        lines, texts = count_distinct(pieces, "texts", self.rows_at_once)
        _, urls = count_distinct(pieces, "urls", self.rows_at_once)
        documents = np.minimum(texts, urls)
        chosen = documents >= self.min_documents
        lines, documents = lines[chosen], documents[chosen]
        shown = [_FOUND.empty_table().select(["domain", "line", "text"])]
        for piece in pieces:
            table = pa.table(piece.select(["domain", "line", "text"]))
            shown.append(table.filter(pa.array(np.isin(table["line"].to_numpy(), lines))))
        table = pa.concat_tables(shown)
        order = ("line", "domain", "text")
        table = table.take(pc.sort_indices(table, [(name, "ascending") for name in order]))
        table = table.take(pa.array(np.unique(table["line"].to_numpy(), return_index=True)[1]))
        return table.append_column("documents", pa.array(documents, pa.int64()))

    def _table(self, found: pa.Table) -> pa.Table:
        # The empty line, which every document has, counts a site's documents.
        marks = pc.equal(found["text"], "")
        sites, lines = found.filter(marks), found.filter(pc.invert(marks))
        place = pc.index_in(lines["domain"], value_set=sites["domain"])
        totals = sites["documents"].take(place)
        share = lines["documents"].to_numpy() / totals.to_numpy()
        table = pa.table(
            {
                "domain": lines["domain"],
                "line": lines["line"],
                "documents": lines["documents"],
                "domain_documents": totals,
                "share": share,
                "text": lines["text"].cast(pa.string()),
            }
        ).filter(pa.array(share >= self.min_share))
        order = [("domain", "ascending"), ("documents", "descending"), ("text", "ascending")]
        table = table.take(pc.sort_indices(table, [*order, ("line", "ascending")]))
        settings = dataclasses.asdict(self) | {"format": 1}
        del settings["rows_at_once"]
        note = json.dumps(settings, sort_keys=True).encode()
        return table.combine_chunks().replace_schema_metadata({METADATA: note})


def survey(
    parts: Iterable[Iterable[tuple[str, str]]],
    out: Path,
    settings: LineSurvey | None = None,
    scratch: Path | None = None,
) -> Surveyed:
    """Count every part in turn and write the table: all of it in this process.

    Args:
        parts: each of rows of text and URL.
        out: the Parquet file.
        settings: None for the defaults.
        scratch: where run files lie meanwhile: the texts' size and about 50 bytes a line. None:
            beside ``out``.

    Raises:
        StorageError: a file cannot be written.
    """
    settings = settings or LineSurvey()
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        storage_errors(out),
        tempfile.TemporaryDirectory(prefix=".lines-", dir=scratch or out.parent) as folder,
    ):
        return settings.merge([settings.count(rows, Path(folder)) for rows in parts], out)


def _write(table: pa.Table, out: Path) -> None:
    temporary = out.with_name(f".{out.name}-{uuid.uuid4().hex}")
    try:
        with storage_errors(out):
            pq.write_table(table, temporary, compression="zstd", row_group_size=1 << 16)
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
            temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)

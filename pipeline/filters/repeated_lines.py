"""Lines that a site repeats on its pages (menus, cookie notices): what one is, and their removal.

A cleaner sees one text; which lines a site repeats is known only after counting all of them. That
is `pipeline.filters.line_survey`, which writes a table. The cleaner here reads it. What both must
agree on is here: what a line is, when two are the same, and which are never counted.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from pipeline.core.decisions import Signal
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters.cleaners import Cleaner
from pipeline.filters.url_lists import sha256_of
from pipeline.filters.url_parts import host_of, registrable_domain

__all__ = [
    "METADATA",
    "SITES",
    "UNITS",
    "LineTable",
    "RepeatedLines",
    "countable",
    "line_key",
    "load_table",
    "pieces_of",
    "read_settings",
    "site_of",
]

SITES = ("domain", "host")
UNITS = ("line", "paragraph")

# The table's settings are JSON under this key of the Parquet file's metadata.
METADATA = b"gristmill.lines"

_LETTER = re.compile(r"[^\W\d_]")
_PARAGRAPH_END = re.compile(r"\n\s*\n")

# Line ends of source code. A closing brace or a call's opening line is on every page of a manual,
# and a listing without them is broken.
_CODE_ENDS = ("{", "}", "(", "[", ";", "=", "\\")


def site_of(url: str, site: str = "domain") -> str:
    """Whose page ``url`` is; an empty string where no host is in it.

    Args:
        url: any string.
        site: ``"domain"``: what someone registered, see `registrable_domain`, so that all blogs
            of a platform are one site; ``"host"``: the host as it stands.
    """
    host = host_of(url)
    return _domain_of(host) if site == "domain" else host


@functools.lru_cache(maxsize=1 << 16)
def _domain_of(host: str) -> str:
    return registrable_domain(host)


def pieces_of(text: str, unit: str = "line") -> Iterator[tuple[str, str]]:
    """Each line (or paragraph) as it stands and as it is compared.

    Compared are the NFKC form, case folded, with single spaces, stripped. Digits stay: "Page 2"
    and "Page 3" are different lines. Lines end at ``\\n`` and paragraphs at lines of white space.
    """
    if unit == "line":
        # Folded at once, which is faster: nothing folds to a line feed or joins with one.
        parts, folded = text.split("\n"), _fold(text).split("\n")
    else:
        parts = _PARAGRAPH_END.split(text)
        folded = [_fold(part) for part in parts]
    for raw, piece in zip(parts, folded, strict=True):
        yield raw, " ".join(piece.split())


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def countable(piece: str) -> bool:
    """Whether a line, as it is compared, may be a repeated one.

    Never: a line without a letter (rulers, page numbers, prices, cells of tables), nor one that
    ends as a line of code does. Such lines recur within content and mean something there.
    """
    return not piece.endswith(_CODE_ENDS) and _LETTER.search(piece) is not None


def line_key(site: str, piece: str) -> int:
    """64-bit hash (xxh3) of the site, a line feed and a line as it is compared.

    Two of n lines fall together with probability n² / 2^65. The key of an empty line stands for
    the site itself.
    """
    return xxhash.xxh3_64_intdigest(f"{site}\n{piece}".encode("utf-8", "replace"))


@dataclasses.dataclass(frozen=True, slots=True)
class LineTable:
    """Repeated lines of all sites, to look up: 8 bytes a line and 8 a site.

    Args:
        keys: sorted, of lines and of the sites that have one; a ``memoryview`` of ``uint64``.
        unit: one of `UNITS`.
        site: one of `SITES`.
    """

    keys: memoryview
    unit: str
    site: str

    def __contains__(self, key: int) -> bool:
        place = bisect.bisect_left(self.keys, key)
        return place < len(self.keys) and self.keys[place] == key


def read_settings(path: str) -> dict[str, Any]:
    """Settings of the survey that made the table: ``min_documents``, ``min_share``, ``unit``, ….

    Raises:
        ConfigError: the file cannot be read, or is no such table.
    """
    try:
        found = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"repeated_lines.table: cannot read {path}: {error}") from error
    if METADATA not in found:
        raise ConfigError(f"repeated_lines.table: {path} is not a table of repeated lines")
    settings: dict[str, Any] = json.loads(found[METADATA])
    if settings["format"] != 1:
        raise ConfigError(
            f"repeated_lines.table: {path} is of format {settings['format']}, "
            "and this version reads 1; make the table again"
        )
    return settings


@functools.lru_cache(maxsize=4)
def load_table(path: str, min_documents: int, min_share: float) -> LineTable:
    """The lines within the bounds; read once per process.

    Raises:
        ConfigError: see `read_settings`.
    """
    settings = read_settings(path)
    columns = ["domain", "line", "documents", "share"]
    chunks: list[Any] = [np.empty(0, np.uint64)]
    sites: set[str] = set()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=columns):
            chosen = (batch["documents"].to_numpy() >= min_documents) & (
                batch["share"].to_numpy() >= min_share
            )
            chunks.append(batch["line"].to_numpy()[chosen])
            sites.update(batch["domain"].filter(pa.array(chosen)).unique().to_pylist())
    chunks.append(np.fromiter((line_key(name, "") for name in sites), np.uint64, len(sites)))
    return LineTable(np.unique(np.concatenate(chunks)).data, settings["unit"], settings["site"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class RepeatedLines(Cleaner):
    """Takes out the lines that their site repeats from page to page.

    A repeated line goes wherever it stands, from the first page as from the last. Deduplication
    of lines commonly keeps one copy of each (CCNet, Wenzek et al. 2020, section 3.1; C4, Raffel
    et al. 2020, section 2.2, for spans of three sentences). A menu is no content on any page: the
    kept copy is one page's noise, and which page has it depends on the order of work.

    Nothing is removed from a text without a URL or from a site's pages that the survey did not
    see enough of. A text of nothing but repeated lines becomes empty; its counts are recorded,
    and the filters behind drop it. A gap that a line leaves between empty lines is closed.

    Survey texts without near duplicates: five near copies of an article, each at its own address,
    make its lines repeated ones.

    Args:
        table: file that the survey wrote. Read when first used and once per process.
        min_documents: least pages of the site with the line; None: as the survey had it.
        min_share: least share of the site's pages with the line, over 0 and at most 1; None: as
            the survey had it. Both can be stricter than the survey, not looser.

    Raises:
        ConfigError: a bound that makes no sense; a table that is missing, is something else, or
            has no lines below its own bounds (when first used, or by ``parameters``).
    """

    name: ClassVar[str] = "repeated_lines"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("removed", "lines (or paragraphs) that the site repeats, taken away"),
        Signal("characters", "characters taken away"),
        Signal("share", "their share of the text's characters", maximum=1.0),
    )

    table: str = dataclasses.field(metadata={"file": True})
    min_documents: int | None = None
    min_share: float | None = None

    def __post_init__(self) -> None:
        if self.min_documents is not None and self.min_documents < 1:
            raise ConfigError(f"repeated_lines.min_documents = {self.min_documents}: 1 at least")
        if self.min_share is not None and not 0 < self.min_share <= 1:
            raise ConfigError(
                f"repeated_lines.min_share = {self.min_share}: must be over 0 and at most 1"
            )

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        """``text`` as it is, since it belongs to no site; see `clean_document`."""
        return text, dict.fromkeys((signal.name for signal in self.signals), 0.0)

    def clean_document(self, doc: Document) -> tuple[str, dict[str, float]]:
        table = load_table(self.table, *self._bounds())
        text, counts = self.clean(doc.text)
        site = site_of(doc.url, table.site)
        if not site or line_key(site, "") not in table:
            return text, counts
        kept: list[str] = []
        gap = False  # the piece before was taken out, or empty and behind one
        for raw, piece in pieces_of(text, table.unit):
            if countable(piece) and line_key(site, piece) in table:
                counts["removed"] += 1
                gap = True
            elif piece or not gap:
                kept.append(raw)
                gap = False
            elif kept and kept[-1].strip():
                kept.append(raw)
        if not counts["removed"]:
            return text, counts
        while gap and kept and not kept[-1].strip():
            kept.pop()
        cleaned = ("\n" if table.unit == "line" else "\n\n").join(kept)
        removed = len(text) - len(cleaned)
        return cleaned, counts | {"characters": float(removed), "share": removed / len(text)}

    def parameters(self) -> dict[str, Any]:
        """The table counts by its content, bounds as they hold.

        Raises:
            ConfigError: see the class.
        """
        min_documents, min_share = self._bounds()
        return {
            "table": sha256_of(Path(self.table)),
            "min_documents": min_documents,
            "min_share": min_share,
        }

    def models(self) -> dict[str, str]:
        return {"repeated lines": self.parameters()["table"]}

    def _bounds(self) -> tuple[int, float]:
        settings = _settings_of(self.table)
        found = []
        for name in ("min_documents", "min_share"):
            own, surveyed = getattr(self, name), settings[name]
            if own is not None and own < surveyed:
                raise ConfigError(
                    f"repeated_lines.{name} = {own}: {self.table} holds lines from {surveyed} on; "
                    "survey again with a lower bound"
                )
            found.append(surveyed if own is None else own)
        return found[0], found[1]


_settings_of = functools.lru_cache(maxsize=16)(read_settings)

"""Common Crawl as it is published: a sample of a crawl's files, or the captures of chosen sites.

The layout below a base URL is ``crawl-data/CRAWL/warc.paths.gz`` (and ``wet.paths.gz``), a path a
line, each relative to the base. How the records are read is `warc` and `wet`; how bytes come over a
network is `remote`; where the captures of a site are is `crawl_index`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pipeline.core.decisions import Signal
from pipeline.core.errors import ConfigError, SourceError
from pipeline.core.records import Failure, Locator, RawRecord
from pipeline.core.registry import nearest
from pipeline.sources.base import Source, Split
from pipeline.sources.crawl_index import Capture, cdx_captures, read_whole, table_captures
from pipeline.sources.members import MAGIC
from pipeline.sources.remote import MissingError, Patience, RemoteFile, Stat, Store, shown
from pipeline.sources.stores import store_of
from pipeline.sources.url_patterns import UrlPattern, parse_pattern
from pipeline.sources.warc import Digests, WarcSource
from pipeline.sources.wet import WetSource

__all__ = ["BASE_URL", "INDEX_URL", "CommonCrawlSource", "PlacesSplit"]

BASE_URL = "https://data.commoncrawl.org/"
INDEX_URL = "https://index.commoncrawl.org/"
APART = 256 << 10  # stored bytes between two captures that are fetched together all the same
GONE = Stat(0, 0)  # of a file that the list names and the server has not


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class PlacesSplit(Split):
    """Some records of a file.

    Args:
        places: where each begins and ends, sorted.
    """

    places: tuple[tuple[int, int], ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommonCrawlSource(Source):
    """A crawl of Common Crawl, or of a mirror with the same layout, by range requests.

    Faults that pass are tried again (`remote.Patience`); what a server refuses for good stops the
    run with its URL, and the same command continues. A file that the crawl's list names and the
    server has not is one record with the failure ``commoncrawl.missing``; a place at which the index
    promises a record and none is, one with that of `WarcSource`.

    Args:
        crawl: such as ``CC-MAIN-2024-22``.
        subset: ``warc`` (pages as fetched) or ``wet`` (their text).
        sample: share of the files, above 0 to 1: those with the smallest hashes of path and
            ``seed``, at least one. A larger share holds all of a smaller one.
        seed: another one gives another sample.
        urls: read only captures of these: ``https://example.org/page``, ``example.org/docs/*``,
            ``*.example.org``. Of them, all files; ``sample`` is of no use.
        index: where captures are looked up: ``cdx``, the server at ``index_url``, or the folder of
            the index table that holds ``crawl=…``: a path, ``s3://…`` or ``https://…``.
        base_url: ``https://…``, ``s3://BUCKET/`` or a folder.
        index_url: of the list of crawls (``collinfo.json``) and the CDX server.
        anonymous: ask a bucket without credentials.
        missing: share of the files that may be missing, 0 to 1; with more the run does not start.
        connections: to one server at a time, from all processes on this machine.
        tries: attempts at a request of which none brought anything.
        timeout: seconds without a byte after which a connection is given up.
        digests: see `WarcSource`; for ``warc`` only.
        split_size: stored bytes in a split, about.
        max_payload: largest decoded body or text in bytes.
        content_types, http_status: see `WarcSource`; for ``warc`` only.

    Raises:
        ConfigError: a value that none of these can have.
    """

    name: ClassVar[str] = "commoncrawl"
    version: ClassVar[int] = 1

    crawl: str
    subset: Literal["warc", "wet"] = "warc"
    sample: float = 1.0
    seed: int = 0
    urls: tuple[str, ...] = ()
    index: str = "cdx"
    base_url: str = BASE_URL
    index_url: str = INDEX_URL
    anonymous: bool = False
    missing: float = 0.05
    connections: int = 4
    tries: int = 8
    timeout: float = 60.0
    digests: Digests = "ignore"
    split_size: int = 64 << 20
    max_payload: int = 10 << 20
    content_types: tuple[str, ...] = WarcSource.content_types
    http_status: tuple[int, ...] = WarcSource.http_status

    def __post_init__(self) -> None:
        given: object = self.urls
        if isinstance(given, str):
            raise ConfigError(f"commoncrawl.urls is a list; write [{given!r}]")
        for field in ("urls", "content_types", "http_status"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        if not self.crawl or "/" in self.crawl or self.crawl != self.crawl.strip():
            raise ConfigError(
                f"commoncrawl.crawl: {self.crawl!r} is no name; such as CC-MAIN-2024-22"
            )
        if not 0 < self.sample <= 1:
            raise ConfigError(f"commoncrawl.sample must be above 0 and at most 1: {self.sample}")
        if not 0 <= self.missing <= 1:
            raise ConfigError(f"commoncrawl.missing must be from 0 to 1, not {self.missing}")
        for field in ("connections", "tries", "split_size", "max_payload"):
            if getattr(self, field) < 1:
                raise ConfigError(
                    f"commoncrawl.{field} must be at least 1, not {getattr(self, field)}"
                )
        if not self.timeout > 0:
            raise ConfigError(f"commoncrawl.timeout must be positive, not {self.timeout}")
        if self.urls and self.subset != "warc":
            raise ConfigError("commoncrawl.urls: the index knows pages only; take subset: warc")
        if "://" in self.base_url and urlsplit(self.base_url).scheme not in ("http", "https", "s3"):
            raise ConfigError(
                f"commoncrawl.base_url: {shown(self.base_url)} is neither http, https, s3 nor a folder"
            )
        for field in ("base_url", "index_url", "index"):
            parts = urlsplit(getattr(self, field))
            if "://" in getattr(self, field) and ("@" in parts.netloc or parts.query):
                raise ConfigError(
                    f"commoncrawl.{field} holds a password or a signature, which the ledger would "
                    "show to all; leave it out, and write users and passwords into ~/.netrc"
                )
        self._patterns()

    # --- planning ------------------------------------------------------------------------------

    def plan(self) -> list[Split]:
        if self.urls:
            return self._plan_captures()
        files = self._files()
        for path in files:
            _STATS.pop(path, None)  # a plan is made afresh
        with ThreadPoolExecutor(self.connections) as threads:
            stats = list(threads.map(self._stat, files))
        gone = [path for path, stat in zip(files, stats, strict=True) if stat is GONE]
        if len(gone) > self.missing * len(files):
            raise SourceError(
                f"{len(gone)} of {len(files)} files of {self.crawl} are missing, more than the "
                f"share of {self.missing:g} that commoncrawl.missing allows, such as "
                f"{shown(gone[0])}; see that base_url holds this crawl, or raise the share"
            )
        splits: list[Split] = []
        for path, stat in zip(files, stats, strict=True):
            splits += self._reader.cut(path, stat.size, MAGIC)
        return sorted(splits)

    def _files(self) -> list[str]:
        """The chosen files, sorted."""
        paths = sorted(set(self._listed().split()))
        if not paths:
            raise SourceError(f"{shown(self._list)}: names no file")
        count = max(1, round(self.sample * len(paths)))
        chosen = sorted(paths, key=lambda path: (_hash(self.seed, path), path))[:count]
        return sorted(self._within(path) for path in chosen)

    def _listed(self) -> str:
        try:
            found = read_whole(self._list, self._patience, self.anonymous)
        except MissingError as error:
            raise SourceError(f"{error}: {self._no_crawl()}") from error
        return found.decode("utf-8", "replace")

    @property
    def _list(self) -> str:
        return self._within(f"crawl-data/{self.crawl}/{self.subset}.paths.gz")

    def _no_crawl(self) -> str:
        """What may be meant by a crawl that is not there."""
        url = f"{self.index_url.rstrip('/')}/collinfo.json"
        try:
            listed = json.loads(read_whole(url, dataclasses.replace(self._patience, tries=2)))
            names = [one["id"] for one in listed]
        except (SourceError, ValueError, KeyError, TypeError):
            return f"see the names of all crawls at {shown(url)}"
        if self.crawl in names:
            return f"the crawl has no {self.subset} files at this base_url"
        latest = f"; the latest is {names[0]}" if names else ""
        return f"no crawl is called {self.crawl!r}{nearest(self.crawl, names)}{latest}"

    def _stat(self, path: str) -> Stat:
        known = _STATS.get(path)
        if known is None:
            try:
                known = self._store.stat(path)
            except MissingError:
                known = GONE
            _STATS[path] = known
        return known

    def _plan_captures(self) -> list[Split]:
        found: set[Capture] = set()
        if self.index == "cdx":
            for pattern in self._patterns():
                found.update(cdx_captures(self.index_url, self.crawl, pattern, self._patience))
        else:
            found.update(
                table_captures(
                    self.index, self.crawl, self._patterns(), self._patience, self.anonymous
                )
            )
        # Redirects, errors and robots.txt are in files of their own; the subset is one of pages.
        pages = sorted(capture for capture in found if "/warc/" in capture.filename)
        if not pages:
            raise SourceError(
                f"{self.crawl} has no page of {', '.join(self.urls)}; see the patterns, or another "
                f"crawl: {shown(self.index_url)} lists them"
            )
        splits: list[Split] = []
        for filename, captures in itertools.groupby(pages, lambda capture: capture.filename):
            places = tuple((one.offset, one.offset + one.length) for one in captures)
            path = self._within(filename)
            splits.append(PlacesSplit(path, places[0][0], max(end for _, end in places), places))
        return splits

    # --- reading -------------------------------------------------------------------------------

    def read(self, split: Split) -> Iterator[RawRecord]:
        if isinstance(split, PlacesSplit):
            yield from self._read_places(split)
            return
        end = max(split.end, 1)
        try:
            with RemoteFile(self._store, split.path, split.start, end) as file:
                if split.end == 0 and file.size > 0:
                    raise SourceError(
                        f"{shown(split.path)}: was missing and has come since; run again"
                    )
                _STATS.setdefault(split.path, file.stat)
                yield from self._reader.read_file(file, file.size, split)  # type: ignore[arg-type]
        except MissingError as error:
            if split.end > 0:
                raise
            _STATS[split.path] = GONE
            yield _missing(split.path, 0, 0, error)

    def _read_places(self, split: PlacesSplit) -> Iterator[RawRecord]:
        for near in _clusters(split.places):
            start, end = near[0][0], max(end for _, end in near)
            try:
                with RemoteFile(self._store, split.path, start, end, sealed=True) as file:
                    places = [Split(split.path, *place) for place in near]
                    yield from self._reader.read_places(file, split.path, places)  # type: ignore[arg-type]
            except MissingError as error:
                for place in near:
                    yield _missing(split.path, place[0], place[1] - place[0], error)

    def stamp(self, path: str) -> tuple[int, int]:
        found = self._stat(path)
        return found.size, found.modified

    def parameters(self) -> dict[str, Any]:
        return {
            "crawl": self.crawl,
            "subset": self.subset,
            "urls": list(self.urls),
            **self._reader.parameters(),
        }

    @property
    def signals(self) -> tuple[Signal, ...]:
        return self._reader.signals

    # --- parts ---------------------------------------------------------------------------------

    @property
    def _reader(self) -> WarcSource:
        shared: dict[str, Any] = {"split_size": self.split_size, "max_payload": self.max_payload}
        if self.subset == "wet":
            return WetSource(paths=(), **shared)
        return WarcSource(
            paths=(),
            digests=self.digests,
            content_types=self.content_types,
            http_status=self.http_status,
            **shared,
        )

    @property
    def _patience(self) -> Patience:
        return Patience(tries=self.tries, timeout=self.timeout, connections=self.connections)

    @property
    def _store(self) -> Store:
        return store_of(self.base_url, self._patience, self.anonymous)

    def _patterns(self) -> list[UrlPattern]:
        return [parse_pattern(url) for url in self.urls]

    def _within(self, path: str) -> str:
        if "://" not in self.base_url:
            return os.path.abspath(os.path.join(self.base_url, path))
        return f"{self.base_url.rstrip('/')}/{path}"


_STATS: dict[str, Stat] = {}  # what this process was told; a run asks again and again


def _hash(seed: int, path: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{path}".encode("utf-8", "surrogatepass")).digest()


def _clusters(places: Sequence[tuple[int, int]]) -> Iterable[list[tuple[int, int]]]:
    """Places that lie close enough to be fetched together."""
    near: list[tuple[int, int]] = []
    for place in places:
        if near and place[0] - near[-1][1] > APART:
            yield near
            near = []
        near.append(place)
    if near:
        yield near


def _missing(path: str, offset: int, length: int, error: MissingError) -> RawRecord:
    source = Locator(path, offset, length)
    failure = Failure("commoncrawl.missing", "source", str(error))
    return RawRecord(source.digest(), "", source, failure=failure)

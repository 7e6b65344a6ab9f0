"""Keep pages by their URL: lists of domains and URLs, and words in the URL (FineWeb's rules).

No list ships with Gristmill; a filter without lists keeps everything. `pipeline.filters.url_lists`
reads them, `pipeline.filters.url_parts` takes URLs apart.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import ClassVar
from urllib.parse import unquote

from pipeline.core.decisions import Bound, Signal, SignalValue, Verdict
from pipeline.core.records import Document
from pipeline.filters.base import Filter, Signals
from pipeline.filters.url_lists import (
    WORD_FILES,
    list_files,
    load_listing,
    load_words,
    normalise_words,
    sha256_of,
    word_files,
)
from pipeline.filters.url_parts import host_of, parent_domains, url_key

__all__ = ["URL"]

_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")

# Matches named in a verdict; a spam URL can hold a whole list.
_NAMED = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class URL(Filter):
    """FineWeb's URL rules (Penedo et al. 2024, section 3.3; datatrove 0.10.1, ``URLFilter``).

    A page goes if its domain or a parent of it is listed, if its URL is listed, for one banned
    word or two soft banned words among the URL's words (runs of ASCII letters and digits), and for
    a banned subword anywhere in its letters and digits. Words are counted once each.

    Differences from datatrove, which each let more listed pages be found: letter case does not
    matter (there words and hosts in capitals pass), percent-encoded characters are decoded, all
    domains between the host and the registrable one are looked up (there the first and last only),
    addresses and names under unknown suffixes are looked up (there never), and listed URLs match
    with any scheme (there the lists have none and the pages have one, so that none ever matches).

    An empty or broken URL measures zeros and passes.

    Args:
        domain_lists: category lists such as UT1's (dsi.ut-capitole.fr/blacklists): each a
            category's folder (``blacklists/adult``) with files ``domains`` and ``urls``, a folder
            of such folders, or a file. Read when first used and once per process; 4.5 million
            domains take 45 MB.
        word_lists: a folder with any of ``banned_words.txt``, ``soft_banned_words.txt`` and
            ``banned_subwords.txt``. FineWeb's are in datatrove's ``assets``.
        extra_domains: further domains; long lists belong into a file.
        extra_urls: further URLs.
        banned_words: further banned words.
        soft_banned_words: further soft banned words.
        banned_subwords: further banned subwords.
    """

    name: ClassVar[str] = "url"
    reads: ClassVar[frozenset[str]] = frozenset({"url"})
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("domain", "registrable domain, else the host", kind="text"),
        Signal("domain_listed", "1 if the host or a domain above it is listed", maximum=1.0),
        Signal("url_listed", "1 if the URL is listed", maximum=1.0),
        Signal("banned_words", "banned words among the URL's words"),
        Signal("soft_banned_words", "soft banned words among the URL's words"),
        Signal("banned_subwords", "banned subwords in the URL's letters and digits"),
        Signal("matches", "what was found on which list", kind="text"),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (
        Bound("domain_listed", high=0),
        Bound("url_listed", high=0),
        Bound("banned_words", high=0),
        Bound("soft_banned_words", high=1),
        Bound("banned_subwords", high=0),
    )

    domain_lists: tuple[str, ...] = dataclasses.field(default=(), metadata={"file": True})
    word_lists: str | None = dataclasses.field(default=None, metadata={"file": True})
    extra_domains: tuple[str, ...] = ()
    extra_urls: tuple[str, ...] = ()
    banned_words: tuple[str, ...] = ()
    soft_banned_words: tuple[str, ...] = ()
    banned_subwords: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in dataclasses.fields(self):
            if field.name not in ("bounds", "word_lists"):
                value = getattr(self, field.name)
                # A lone string would be taken for a list of its characters.
                values = (value,) if isinstance(value, str) else tuple(value)
                object.__setattr__(self, field.name, values)

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        """Every declared signal of the document's URL.

        Raises:
            ConfigError: a list is missing or of another kind.
        """
        host = host_of(doc.url)
        names = parent_domains(host)
        found = {
            "domain_listed": self._listed_domain(names),
            "url_listed": self._listed_url(doc.url),
            **self._words_in(doc.url),
        }
        return {
            "domain": names[-1],
            **{rule: float(len(matches)) for rule, matches in found.items()},
            "matches": "; ".join(
                f"{rule}={' '.join(matches[:_NAMED])}" for rule, matches in found.items() if matches
            ),
        }

    def decide(self, signals: Signals) -> list[Verdict]:
        """All failing rules, each with what it matched as its detail."""
        matches = str(signals.get("matches") or "").split("; ")
        details = dict(match.split("=", 1) for match in matches if "=" in match)
        return [
            dataclasses.replace(verdict, detail=details.get(verdict.reason.split(".")[1]))
            for verdict in super().decide(signals)
        ]

    def models(self) -> dict[str, str]:
        """The sha256 of every list in a file.

        Raises:
            ConfigError: a list is missing or of another kind.
        """
        found = {
            f"url list {category}/{kind}": sha256_of(path)
            for category, kind, path in list_files(self.domain_lists)
        }
        if self.word_lists is not None:
            for name, path in word_files(self.word_lists).items():
                found[f"url list {name}"] = sha256_of(path)
        return found

    def _listed_domain(self, names: list[str]) -> list[str]:
        """The first of ``names`` that is listed, with its category; nothing if none is."""
        extra = _domains(self.extra_domains)
        for name in names if names[0] else ():
            if name in extra:
                return [name]
            if self.domain_lists:
                category = load_listing(self.domain_lists, "domains").category(name)
                if category is not None:
                    return [f"{name} ({category})"]
        return []

    def _listed_url(self, url: str) -> list[str]:
        if not url or not (self.extra_urls or self.domain_lists):
            return []
        key = url_key(url)
        if key in _urls(self.extra_urls):
            return ["extra_urls"]
        if self.domain_lists:
            category = load_listing(self.domain_lists, "urls").category(key)
            if category is not None:
                return [category]
        return []

    def _words_in(self, url: str) -> dict[str, list[str]]:
        """What of each list of words is in ``url``, sorted."""
        banned, soft, subwords = _words(
            self.word_lists, self.banned_words, self.soft_banned_words, self.banned_subwords
        )
        text = (unquote(url) if "%" in url else url).lower()
        words = set(_NOT_ALPHANUMERIC.split(text)) if banned or soft else set()
        letters = _NOT_ALPHANUMERIC.sub("", text) if subwords else ""
        return {
            "banned_words": sorted(banned & words),
            "soft_banned_words": sorted(soft & words),
            "banned_subwords": sorted([word for word in subwords if word in letters]),
        }


@functools.lru_cache(maxsize=16)
def _words(folder: str | None, *extra: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    words = load_words(folder)
    return tuple(
        words[name] | normalise_words(more) for name, more in zip(WORD_FILES, extra, strict=True)
    )


@functools.lru_cache(maxsize=16)
def _domains(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(host for host in map(host_of, names) if host)


@functools.lru_cache(maxsize=16)
def _urls(urls: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(url_key, urls))

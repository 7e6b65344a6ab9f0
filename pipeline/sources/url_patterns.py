"""URL patterns of crawl indexes: what is meant, as the servers and as the sorted table have it.

``https://example.org/page`` is that page, ``example.org/docs/*`` all below it, ``*.example.org`` the
domain with all its hosts. Tables are sorted by SURT key: the host's parts reversed, ``www`` left
out, then the path in lower case (``org,example)/page``), as the Internet Archive's tools write it.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from typing import Literal

from pipeline.core.errors import ConfigError

__all__ = ["UrlPattern", "parse_pattern"]

SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,20}://", re.IGNORECASE)
WWW = re.compile(r"www\d{0,4}\.", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class UrlPattern:
    """Which captures are meant.

    Args:
        match: ``exact``, ``prefix`` (all that begins so) or ``domain`` (all hosts below, too).
        url: without scheme and stars; of a domain the host alone.
    """

    match: Literal["exact", "prefix", "domain"]
    url: str

    @property
    def host(self) -> str:
        """In lower case, without port and ``www``."""
        host = re.split(r"[/?#]", self.url, maxsplit=1)[0].rpartition("@")[2]
        host = host if host.startswith("[") else host.partition(":")[0]
        host = WWW.sub("", host.lower(), count=1) if WWW.match(host) else host.lower()
        try:
            return host.encode("ascii").decode()
        except UnicodeEncodeError:
            pass
        try:
            return host.encode("idna").decode()
        except UnicodeError:
            return host

    def key_prefixes(self) -> tuple[str, ...]:
        """How the SURT keys of all matching captures begin, among others."""
        surt = _reversed(self.host)
        if self.match == "domain":
            return (f"{surt})", f"{surt},", f"{surt}:")
        return (f"{surt})", f"{surt}:")

    def matches(self, url: str) -> bool:
        """Whether a URL whose key has one of the prefixes is meant."""
        if self.match == "domain":
            return True
        given, wanted = _plain(url), _plain(self.url)
        if self.match == "prefix":
            return given.startswith(wanted)
        return given.rstrip("/") == wanted.rstrip("/")


def parse_pattern(written: str) -> UrlPattern:
    """The pattern that a person wrote.

    Raises:
        ConfigError: it names no host, or a star stands where none may.
    """
    text = SCHEME.sub("", written.strip(), count=1)
    if text.startswith("*."):
        host, _, path = text[2:].partition("/")
        if path not in ("", "*") or "*" in host or not host:
            raise ConfigError(
                f"urls: {written!r} asks for a path on every host of a domain, which no index "
                f"can find; write '*.{host or 'example.org'}' for the whole domain"
            )
        return UrlPattern("domain", host)
    match: Literal["exact", "prefix"] = "exact"
    if text.endswith("*"):
        match, text = "prefix", text[:-1]
    found = UrlPattern(match, text)
    if "*" in text or not found.host or ("." not in found.host and match == "prefix"):
        raise ConfigError(
            f"urls: {written!r} is no pattern; a star may stand at the end ('example.org/docs/*') "
            "or before a domain ('*.example.org')"
        )
    return found


def _plain(url: str) -> str:
    """Without scheme and ``www``, in lower case, as keys are."""
    text = SCHEME.sub("", url, count=1).lower()
    text = WWW.sub("", text, count=1) if WWW.match(text) else text
    return text if "/" in text else f"{text}/"


def _reversed(host: str) -> str:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return ",".join(reversed(host.split(".")))
    return host

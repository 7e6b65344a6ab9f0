"""URLs that may hold a secret: a password or a signed query goes to the server and nowhere else.

An `Address` is the text that all may see, and carries the URL that is asked for. It is written into
ledgers, manifests, notes and messages as any text is, so what forgets to ask for `full` loses the
secret and never shows it. Splits and parts keep it on their way to workers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from pipeline.core.errors import SourceError

__all__ = [
    "Address",
    "address",
    "distinct",
    "full",
    "is_chain",
    "is_web",
    "joined",
    "scheme_of",
    "scrubbed",
    "shown",
]

WEB = ("http", "https")
# Here what stands before the ``@`` is a container or a repository.
NO_USER = ("abfs", "abfss", "wasb", "wasbs", "az", "adl", "github", "git", "gist", "hf")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
CHAIN = re.compile(r"::(?=[A-Za-z][A-Za-z0-9+.-]*(?:://|::))")
SHORT = 4  # letters of a word that is too common to be looked for


class Address(str):
    """A URL without its secrets, as text; equal to any text that reads the same.

    Args:
        url: with them.
    """

    __slots__ = ("full",)
    full: str

    def __new__(cls, url: str) -> Address:
        made = super().__new__(cls, shown(url))
        made.full = url
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (Address, (self.full,))


def address(url: str) -> str:
    """The URL or path, as an `Address` where it holds a secret."""
    return url if isinstance(url, Address) or shown(url) == url else Address(url)


def full(url: str) -> str:
    """The URL that is asked for."""
    return url.full if isinstance(url, Address) else url


def shown(url: str) -> str:
    """A URL for a person: no user, no password, and of a web server's no query."""
    if isinstance(url, Address):
        return str(url)
    if is_chain(url):
        return "::".join(map(shown, CHAIN.split(url)))
    scheme, host, rest = _parts(url)
    return f"{scheme}://{host.rpartition('@')[2]}{rest}" if scheme else url


def joined(folder: str, name: str) -> str:
    """A file in a folder; the user of the folder is that of the file."""
    if isinstance(folder, Address):
        return address(f"{folder.full.rstrip('/')}/{name}")
    return f"{folder.rstrip('/')}/{name}"


def distinct(urls: Iterable[str]) -> list[str]:
    """Each once, sorted.

    Raises:
        SourceError: two differ only in what is not shown.
    """
    found: dict[str, str] = {}
    for url in urls:
        if full(found.setdefault(url, url)) != full(url):
            raise SourceError(
                f"{url}: is named twice, with another query or user, which are written nowhere "
                "since they may be a secret; name it once, or copy the files to paths that differ"
            )
    return sorted(found.values())


def scrubbed(text: str, url: str) -> str:
    """A message about a URL, without the secrets of it."""
    hidden = full(url)
    if shown(hidden) == hidden:
        return text
    text = text.replace(hidden, shown(hidden))
    _, host, _ = _parts(hidden)
    user = host.rpartition("@")[0]
    query = hidden.partition("?")[2] if is_web(hidden) else ""
    words = {user, user.partition(":")[2], query, *re.split(r"[=&]", query)[1::2]}
    words |= {unquote(word) for word in words}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= SHORT:
            text = text.replace(word, "…")
    return text


def is_web(url: str) -> bool:
    """Whether it is an address of a web server."""
    return scheme_of(url) in WEB


def is_chain(url: str) -> bool:
    """Whether it is a file system within another, as in ``zip://a.txt::s3://bucket/a.zip``."""
    return "::" in url and len(CHAIN.split(url)) > 1


def scheme_of(url: str) -> str:
    """The protocol of a URL, in lower case; empty for a path of this machine."""
    found = SCHEME.match(url)
    return found[1].lower() if found else ""


def _parts(url: str) -> tuple[str, str, str]:
    """Protocol, host with its user, and path; the query of a web server's is left out.

    The user is empty where it is no secret.
    """
    found = SCHEME.match(url)
    if found is None:
        return "", "", ""
    scheme, rest = found[1], url[found.end() :]
    web = scheme.lower() in WEB
    end = re.search(r"[/?#]" if web else "/", rest)
    at = end.start() if end else len(rest)
    port = rest[:at].partition(":")[2]
    # A password with a slash in it, which should have been written %2F.
    if not rest.startswith("[") and "@" not in rest[:at] and port and not port.isdecimal():
        last = rest.rfind("@")
        end = re.compile(r"[/?#]" if web else "/").search(rest, max(last, at))
        at = end.start() if end else len(rest)
    host, path = rest[:at], rest[at:]
    if scheme.lower() in NO_USER and (":" not in host or scheme.lower() in ("github", "git")):
        return scheme, "", rest
    return scheme, host, re.split(r"[?#]", path, maxsplit=1)[0] if web else path

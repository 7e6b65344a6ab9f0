"""Parts of a URL: host, registrable domain and a key to compare URLs by. Total on any string.

Nothing is fetched: the public suffix list is the one inside the package ``tld``.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["host_of", "parent_domains", "registrable_domain", "url_key"]

# Browsers take a backslash for a slash. The scheme may be missing, as in lists.
_AUTHORITY = re.compile(r"(?:(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//)?([^/?#\\\s]*)")
_SCHEME = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//")
_NAME = re.compile(r"[a-z0-9_.-]+")
_IPV4 = re.compile(r"[0-9.]+")

# The longest name that DNS allows.
_LONGEST = 253


def host_of(url: str) -> str:
    """The host: lower case, Punycode for other scripts; without user, port and the root's dot.

    An empty string where there is none, or none that DNS could hold. An IPv6 address keeps its
    brackets.
    """
    match = _AUTHORITY.match(url.strip())
    authority = match[1].rpartition("@")[2] if match else ""
    if authority.startswith("["):
        return authority.partition("]")[0].lower() + "]" if len(authority) <= _LONGEST else ""
    host = authority.partition(":")[0]
    if "%" in host:
        host = unquote(host)
    host = host.strip(".").lower()
    if len(host) > _LONGEST:
        return ""
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            # No valid name in any script; comparable all the same.
            host = host.encode("utf-8", "replace").decode("utf-8")
    return host


def registrable_domain(host: str) -> str:
    """The part of ``host`` that someone registered: ``bbc.co.uk`` of ``news.bbc.co.uk``.

    Private suffixes do not count: ``blogspot.com`` of ``a.blogspot.com``. A name under an unknown
    suffix counts by its last two labels, as the public suffix list's default rule has it. The host
    itself where there is nothing to cut: an address, a single label, a bare suffix.
    """
    if "." not in host or _IPV4.fullmatch(host) or not _NAME.fullmatch(host):
        return host
    from tld import get_fld

    # The package matches suffixes of other scripts in Unicode only.
    name = _to_unicode(host) if "xn--" in host else host
    domain = get_fld(f"http://{name}", fail_silently=True, search_private=False)
    labels = domain.count(".") + 1 if domain else 2
    return ".".join(host.split(".")[-labels:])


def parent_domains(host: str) -> list[str]:
    """``host`` and every domain above it, down to the registrable one."""
    domain = registrable_domain(host)
    names = [host]
    while len(names[-1]) > len(domain):
        names.append(names[-1].partition(".")[2])
    return names


def url_key(url: str) -> str:
    """``url`` as it is compared: lower case, without scheme, ``www.``, fragment and final slash."""
    key = url.strip().partition("#")[0].lower()
    match = _SCHEME.match(key)
    key = (key[match.end() :] if match else key).removeprefix("www.").rstrip("/")
    return key.encode("utf-8", "replace").decode("utf-8")


def _to_unicode(host: str) -> str:
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host

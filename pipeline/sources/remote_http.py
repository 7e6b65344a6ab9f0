"""Files on a web server: ranges of them over connections that are kept, and what its refusals mean."""

from __future__ import annotations

import email.utils
import netrc
import os
import re
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    MaxRetryError,
    NameResolutionError,
    ProxyError,
    SSLError,
)

import pipeline
from pipeline.core.errors import SourceError
from pipeline.core.printable import printable
from pipeline.sources.addresses import full, scrubbed, shown
from pipeline.sources.politeness import Gate
from pipeline.sources.remote import (
    MissingError,
    PassingError,
    Patience,
    Stat,
    Store,
    persist,
)

__all__ = ["HttpStore"]

PIECE = 1 << 16
WHOLE = 1 << 30  # bytes of a file that is read at once: a list of paths, a page of an index
PROGRESS = 64 << 10  # bytes that make an attempt no failure
Answer = TypeVar("Answer")
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
REDIRECTS = urllib3.Retry(None, connect=0, read=0, redirect=5, status=0, other=0)
STALL = 10.0  # seconds before the speed of a reply is judged
OVERLOADED = (429, 503)
PASSING = (408, 425, 429, 500, 502, 503, 504)
EXPIRED = ("ExpiredToken", "RequestExpired", "TokenRefreshRequired", "InvalidToken")


class HttpStore(Store):
    """Web servers, asked with ``GET`` and ``Range``; with user and password where ``.netrc`` has them.

    Args:
        patience: how long to bear with a server, and how many connections it gets.
    """

    def __init__(self, patience: Patience | None = None):
        super().__init__(patience or Patience())
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._gates: dict[str, Gate] = {}

    def stat(self, url: str) -> Stat:
        if urlsplit(full(url)).query:  # a signature is for one method, and that is GET
            return self.fetch(url, 0, 1)[1]

        def attempt() -> Stat:
            reply = self._ask("HEAD", url, {})
            try:
                self._check(url, reply, b"")
                size = reply.headers.get("content-length", "")
                if not size.isdecimal():
                    raise SourceError(f"{shown(url)}: the server does not tell its size")
                return Stat(int(size), _modified(reply.headers))
            finally:
                reply.release_conn()

        return self._persist(url, attempt)

    def fetch(self, url: str, start: int, size: int) -> tuple[bytes, Stat]:
        have = bytearray()
        known: list[Stat] = []

        def attempt() -> tuple[bytes, Stat]:
            before = len(have)
            first, last = start + before, start + size - 1
            reply = self._ask("GET", url, {"Range": f"bytes={first}-{last}"})
            try:
                if reply.status == 416:  # behind the end
                    total = reply.headers.get("content-range", "").rpartition("/")[2]
                    if total.isdecimal() and int(total) <= first:
                        return bytes(have), Stat(int(total), _modified(reply.headers))
                if reply.status != 206:
                    said = reply.read(4096, decode_content=False) if reply.status >= 300 else b""
                    self._check(url, reply, said)
                stat, wanted = _range(url, reply, first, last)
                if known and stat.size != known[0].size:
                    raise SourceError(f"{shown(url)}: has changed while it was read; run again")
                known[:] = [stat]
                self._take(url, reply, wanted, have)
            finally:
                _leave(reply)
            if len(have) - before < wanted:
                raise PassingError(
                    f"the reply ended {wanted - len(have) + before:,} bytes early",
                    progress=len(have) - before >= PROGRESS,
                )
            return bytes(have), stat

        return self._persist(url, attempt)

    def text(self, url: str, missing: tuple[int, ...] = ()) -> bytes | None:
        """A whole reply of at most 1 GiB, or None where its status is one of ``missing``.

        Raises:
            MissingError, SourceError: see `fetch`.
        """

        def attempt() -> bytes | None:
            reply = self._ask("GET", url, {})
            have = bytearray()
            try:
                if reply.status in missing:
                    return None
                if reply.status != 200:
                    self._check(url, reply, reply.read(4096, decode_content=False))
                length = reply.headers.get("content-length", "")
                try:
                    self._take(url, reply, int(length) if length.isdecimal() else WHOLE, have)
                except PassingError as error:
                    error.progress = False  # it begins anew, so that it has to be bounded
                    raise
                if length.isdecimal() and len(have) < int(length):
                    raise PassingError("the reply ended early")
                return bytes(have)
            finally:
                _leave(reply)

        return self._persist(url, attempt)

    # --- asking --------------------------------------------------------------------------------

    def _persist(self, url: str, attempt: Callable[[], Answer]) -> Answer:
        host = urlsplit(url).netloc.rpartition("@")[2]
        if host not in self._gates:
            self._gates[host] = Gate(host, self.patience.connections)
        return persist(url, attempt, self.patience, self._gates[host])

    def _ask(self, method: str, url: str, fields: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        headers = {
            "User-Agent": f"gristmill/{pipeline.__version__}",
            "Accept-Encoding": "identity",  # the bytes as they are stored
            **fields,
        }
        try:
            target, login = _apart(full(url))
            headers.update(login)
            return self._pool(target).request(
                method, target, headers=headers, preload_content=False, retries=REDIRECTS
            )
        except (LocationParseError, ValueError) as error:
            said = scrubbed(str(error), url)
            raise SourceError(f"{shown(url)}: is no address: {said}") from error
        except HTTPError as error:
            raise self._fault(url, error) from error

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = urllib.request.getproxies().get(parts.scheme, "")
        if not proxy or urllib.request.proxy_bypass(host):
            proxy = ""
        if proxy not in self._pools:
            seconds = self.patience.timeout
            timeout = urllib3.Timeout(connect=min(seconds, 30.0), read=seconds)
            size = self.patience.connections
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, timeout=timeout, maxsize=size)
                if proxy
                else urllib3.PoolManager(timeout=timeout, maxsize=size)
            )
        return self._pools[proxy]

    def _take(
        self, url: str, reply: urllib3.BaseHTTPResponse, wanted: int, have: bytearray
    ) -> None:
        """Add what comes to ``have``, ``wanted`` bytes at most, until the reply ends or dawdles."""
        begun, came = time.monotonic(), 0
        try:
            while came < wanted:
                piece = reply.read1(min(PIECE, wanted - came), decode_content=False)
                if not piece:
                    return
                have += piece
                came += len(piece)
                spent = time.monotonic() - begun
                if (
                    spent > min(STALL, self.patience.timeout)
                    and came < spent * self.patience.slowest
                ):
                    raise PassingError(
                        f"only {came:,} bytes came in {spent:.0f} s", progress=came >= PROGRESS
                    )
        except HTTPError as error:
            fault = self._fault(url, error)
            if isinstance(fault, PassingError):
                fault.progress = came >= PROGRESS
            raise fault from error
        except OSError as error:
            raise PassingError(f"the connection broke: {error}") from error

    # --- what refusals mean --------------------------------------------------------------------

    def _fault(self, url: str, error: HTTPError) -> PassingError | SourceError:
        if isinstance(error, MaxRetryError) and isinstance(error.reason, HTTPError):
            error = error.reason  # the other one's words hold the whole URL
        cause: BaseException | None = error
        if isinstance(error, ProxyError):
            return PassingError(
                f"the proxy cannot be used: {_short(error)}; see HTTPS_PROXY and NO_PROXY",
                brief=True,
            )
        while cause is not None:
            if isinstance(cause, NameResolutionError):
                host = urlsplit(url).hostname
                return PassingError(
                    f"the name {host!r} cannot be resolved (DNS); see that it is written rightly "
                    "and that this machine has a network, or a proxy in HTTPS_PROXY",
                    brief=True,
                )
            if isinstance(cause, SSLError | ssl.SSLCertVerificationError) and "CERT" in str(cause):
                return SourceError(
                    f"{shown(url)}: the certificate is not trusted: {_short(error)}; see the clock "
                    "of this machine, and SSL_CERT_FILE where a proxy has a certificate of its own"
                )
            cause = cause.__cause__ or getattr(cause, "reason", None)
            if not isinstance(cause, BaseException):
                cause = None
        return PassingError(f"{type(error).__name__}: {_short(error)}")

    def _check(self, url: str, reply: urllib3.BaseHTTPResponse, said: bytes) -> None:
        """Pass what is a success.

        Raises:
            PassingError, MissingError, SourceError: what it is instead.
        """
        status = reply.status
        if status in (200, 206):
            return
        found = CODE.search(said)
        code = found[1].decode() if found else ""
        named = f"HTTP {status}" + (f" {code}" if code else "")
        if status in PASSING:
            raise PassingError(
                named,
                wait=_retry_after(reply.headers.get("retry-after", "")),
                overloaded=status in OVERLOADED,
            )
        if status in (404, 410):
            raise MissingError(f"{shown(url)}: {named}: no such file")
        if code in EXPIRED:
            raise SourceError(
                f"{shown(url)}: {named}: the token or signature has expired; fetch a new one and "
                "run again. The same command continues"
            )
        if status == 403 and full(url) != shown(url):
            raise SourceError(
                f"{shown(url)}: {named}: access is refused; the signature or password of this URL "
                "is wrong or has expired: get another URL and run again. The same command continues"
            )
        if status == 403:
            # CloudFront and S3 say so to who asks too often, too.
            raise PassingError(
                f"{named}: access is refused. The file may not be public, or this machine has "
                "asked too often and is shut out for a while: wait, lower `connections`, or "
                "name another base_url",
                overloaded=True,
                brief=True,
            )
        if status == 401:
            raise SourceError(
                f"{shown(url)}: {named}: needs a user and password; write them into ~/.netrc"
            )
        raise SourceError(f"{shown(url)}: {named}; see that the URL is right")


def _range(url: str, reply: urllib3.BaseHTTPResponse, first: int, last: int) -> tuple[Stat, int]:
    """What the file is, and how many bytes the reply will hold."""
    if reply.status == 206:
        found = RANGE.fullmatch(reply.headers.get("content-range", "").strip())
        if found is None or int(found[1]) != first:
            raise PassingError("the server sent another range than was asked for")
        total = int(found[3])
        return Stat(total, _modified(reply.headers)), min(last + 1, total) - first
    length = reply.headers.get("content-length", "")
    if first > 0 or not length.isdecimal():
        raise SourceError(
            f"{shown(url)}: the server sends no ranges of files; name a base_url that does, or "
            "copy the files here and name the copies"
        )
    return Stat(int(length), _modified(reply.headers)), min(last + 1, int(length))


def _apart(url: str) -> tuple[str, dict[str, str]]:
    """A URL without user and password, and the header that has them, or those of ``.netrc``."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if not user:
        return url, _login(parts.hostname or "")
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return bare, urllib3.make_headers(basic_auth=unquote(user))


def _login(host: str) -> dict[str, str]:
    """The header with user and password for a host, if ``~/.netrc`` or ``$NETRC`` has them."""
    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
    try:
        found = netrc.netrc(path).hosts.get(host)
    except (OSError, netrc.NetrcParseError):
        return {}
    return urllib3.make_headers(basic_auth=f"{found[0]}:{found[2]}") if found else {}


def _leave(reply: urllib3.BaseHTTPResponse) -> None:
    """Keep the connection if the reply was read to its end, else drop it."""
    if getattr(reply, "length_remaining", 1) in (0, None) and not reply.closed:
        reply.release_conn()
    else:
        reply.close()


def _modified(fields: Mapping[str, str]) -> int:
    try:
        found = email.utils.parsedate_to_datetime(fields.get("last-modified", ""))
    except ValueError:
        return 0
    return int(found.timestamp()) * 10**9


def _retry_after(value: str) -> float | None:
    """Seconds, which a server gives as a number or as a date."""
    value = value.strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _short(error: BaseException) -> str:
    return printable(str(error))[:300]

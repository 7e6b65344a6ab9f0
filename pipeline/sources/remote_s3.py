"""Files in an S3 bucket, through Arrow's client: credentials as AWS tools find them, or none."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pipeline.core.errors import SourceError
from pipeline.sources.politeness import Gate
from pipeline.sources.remote import MissingError, PassingError, Patience, Stat, Store, persist

__all__ = ["REFUSALS", "REGION", "Refusals", "S3Store", "arrow_fault", "s3_client"]

REGION = "us-east-1"  # where the bucket of Common Crawl is
HANDLES = 8  # files that stay open in a process
Answer = TypeVar("Answer")
Refusals = Sequence[tuple[Sequence[str], str]]

# Words of Arrow's messages, and what is to be done. The first that fits is said.
REFUSALS = (
    (
        ("EXPIRED_TOKEN", "ExpiredToken", "TOKEN_REFRESH", "REQUEST_EXPIRED"),
        "the session token has expired; fetch a new one (`aws sso login`, or the three AWS_… "
        "variables) and run again. The same command continues",
    ),
    (
        ("INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN", "UNRECOGNIZED"),
        "the credentials are wrong; see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_PROFILE",
    ),
    (
        ("NO_SUCH_BUCKET", "NoSuchBucket"),
        "there is no such bucket; see the name, and AWS_REGION",
    ),
    (
        ("ACCESS_DENIED", "AccessDenied", "HTTP status 403", "MISSING_AUTHENTICATION"),
        "access is refused; see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_PROFILE. "
        "s3://commoncrawl/ lets no one in without credentials of an AWS account: give some and "
        "leave `anonymous` out, or read base_url: https://data.commoncrawl.org/, which asks for none",
    ),
)


class S3Store(Store):
    """Buckets, by ``s3://BUCKET/KEY``. ``AWS_ENDPOINT_URL`` names another server than Amazon's.

    Args:
        patience: how long to bear with a server, and how many connections it gets.
        anonymous: ask without credentials.
    """

    def __init__(self, patience: Patience | None = None, anonymous: bool = False):
        super().__init__(patience or Patience())
        self._anonymous = anonymous
        self._gate = Gate(f"s3 {os.environ.get('AWS_ENDPOINT_URL', '')}", self.patience.connections)
        self._lock = threading.Lock()
        self._open = functools.lru_cache(HANDLES)(self._opened)

    def stat(self, url: str) -> Stat:
        return self._persist(url, lambda: self._told(url))

    def forget(self, url: str) -> None:
        with self._lock:
            self._open.cache_clear()  # what is open is the file that it was

    def fetch(self, url: str, start: int, size: int) -> tuple[bytes, Stat]:
        def attempt() -> tuple[bytes, Stat]:
            with self._lock:
                file, stat = self._open(url)
            size_here = max(0, min(size, stat.size - start))
            data: bytes = file.read_at(size_here, start) if size_here else b""
            if len(data) < size_here:
                raise PassingError(f"{size_here - len(data):,} bytes are missing from the reply")
            return data, stat

        return self._persist(url, attempt)

    def listing(self, url: str) -> list[str]:
        """The files directly in a folder; none where there is no such folder."""
        from pyarrow import fs

        def attempt() -> list[str]:
            selector = fs.FileSelector(_key(url).rstrip("/"), allow_not_found=True)
            found = self._filesystem.get_file_info(selector)
            return sorted(f"s3://{info.path}" for info in found if info.is_file)

        return self._persist(url, attempt)

    def ask(self, url: str, attempt: Callable[[Any, str], Answer]) -> Answer:
        from fsspec.implementations.arrow import ArrowFSWrapper

        system = ArrowFSWrapper(self._filesystem, skip_instance_cache=True)
        return self._persist(url, lambda: attempt(system, _key(url)))

    @functools.cached_property
    def _filesystem(self) -> Any:
        return s3_client(self.patience, lambda: REGION, anonymous=self._anonymous)

    def _opened(self, url: str) -> tuple[Any, Stat]:
        stat = self._told(url)
        return self._filesystem.open_input_file(_key(url)), stat

    def _told(self, url: str) -> Stat:
        found = self._filesystem.get_file_info(_key(url))
        if not found.is_file:
            bucket = _key(url).partition("/")[0]
            known = self._filesystem.get_file_info(bucket).type.name != "NotFound"
            more = "" if known else f", and no bucket {bucket!r}; see its name and AWS_REGION"
            raise MissingError(f"{url}: no such file{more}")
        return Stat(found.size, int(found.mtime_ns or 0))

    def _persist(self, url: str, attempt: Callable[[], Answer]) -> Answer:
        def translated() -> Answer:
            try:
                return attempt()
            except FileNotFoundError as error:
                raise MissingError(f"{url}: no such file") from error
            except OSError as error:
                raise arrow_fault(url, error, REFUSALS) from error

        return persist(url, translated, self.patience, self._gate)


def _key(url: str) -> str:
    return url.removeprefix("s3://")


def s3_client(patience: Patience, region: Callable[[], str], **settings: Any) -> Any:
    """Arrow's client for S3, as the environment has it; it tries nothing again by itself.

    Args:
        patience: its timeout.
        region: where the bucket is, if neither ``AWS_REGION`` nor ``AWS_DEFAULT_REGION`` says so.
        settings: of ``pyarrow.fs.S3FileSystem``.
    """
    from pyarrow import fs

    names = ("AWS_REGION", "AWS_DEFAULT_REGION")
    named = next((os.environ[name] for name in names if os.environ.get(name)), None)
    endpoint = s3_endpoint()
    parts = urlsplit(endpoint)
    place = {"endpoint_override": parts.netloc, "scheme": parts.scheme} if endpoint else {}
    return fs.S3FileSystem(
        region=named or (REGION if endpoint else region()),
        request_timeout=patience.timeout,
        connect_timeout=min(patience.timeout, 30.0),
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),  # we do that ourselves
        **place,
        **settings,
    )


def s3_endpoint() -> str:
    """The server that the environment names instead of Amazon's; empty if none."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def arrow_fault(url: str, error: Exception, refusals: Refusals) -> PassingError | SourceError:
    """What an error of Arrow's clients means.

    Args:
        url: for the message.
        error: what was raised.
        refusals: words of messages, and what is to be done.
    """
    said = " ".join(str(error).split())[:300]
    for words, mend in refusals:
        if any(word in said for word in words):
            return SourceError(f"{url}: {mend} ({said})")
    if "resolve host" in said.lower() or "curlCode: 6," in said:
        return PassingError(
            "the host name cannot be resolved (DNS); see AWS_ENDPOINT_URL and AWS_REGION, and that "
            f"this machine has a network ({said})",
            brief=True,
        )
    overloaded = any(word in said for word in ("SLOW_DOWN", "THROTTLING", "status 503", "429"))
    return PassingError(said, overloaded=overloaded)

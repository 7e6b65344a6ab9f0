"""Files of any other store that fsspec has a client for: Google's, Azure's, the Hub's, FTP …

The clients are packages of their own, which are named where they are missing. They find
credentials as their owners' tools do, or in fsspec's configuration (``FSSPEC_GS_TOKEN``,
``~/.config/fsspec/*.json``), so that no recipe has to hold any.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from pipeline.core.errors import SourceError
from pipeline.core.printable import printable
from pipeline.sources.addresses import full, scheme_of, scrubbed, shown
from pipeline.sources.politeness import Gate
from pipeline.sources.remote import MissingError, PassingError, Patience, Stat, Store, persist

__all__ = ["FsspecStore", "client", "refusal"]

KNOWN = 1024  # files of which size and time are kept between requests
Answer = TypeVar("Answer")

PACKAGES = {
    "gs": "gcsfs", "gcs": "gcsfs", "s3": "s3fs", "s3a": "s3fs", "hf": "huggingface_hub",
    "abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "adl": "adlfs", "oci": "ocifs",
    "oss": "ossfs", "sftp": "paramiko", "ssh": "paramiko", "smb": "smbprotocol",
    "webdav": "webdav4", "http": "aiohttp", "https": "aiohttp", "hdfs": "pyarrow",
}  # fmt: skip
LOGINS = {
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or log in: gcloud auth application-default login",
    "gcs": "set GOOGLE_APPLICATION_CREDENTIALS, or log in: gcloud auth application-default login",
    "hf": "set HF_TOKEN to a token that may do this, or log in: hf auth login",
    "s3": "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_PROFILE",
    "abfs": "set AZURE_STORAGE_ACCOUNT_NAME and a key or SAS token, or log in: az login",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and a key or SAS token, or log in: az login",
}
EXPIRED = ("expired", "invalid_grant", "tokenrefreshrequired")
REFUSED = (
    "access denied", "accessdenied", "forbidden", "unauthorized", "permission", "credential",
    "anonymous caller", "authentication", "gated repo",
)  # fmt: skip
TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified")
MARKS = ("blob_id", "etag", "ETag", "md5Hash", "crc32c")


class FsspecStore(Store):
    """Files by any URL that an installed package knows.

    Args:
        patience: how often a request is tried, and how many connections a host gets. How long one
            may take is the client's own setting.
    """

    def __init__(self, patience: Patience | None = None):
        super().__init__(patience or Patience())
        self._clients: dict[str, Any] = {}
        self._gates: dict[str, Gate] = {}
        self._known: dict[str, Stat] = {}

    def stat(self, url: str) -> Stat:
        found = self.ask(url, _told)
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[url] = found
        return found

    def forget(self, url: str) -> None:
        self._known.pop(url, None)

    def fetch(self, url: str, start: int, size: int) -> tuple[bytes, Stat]:
        stat = self._known.get(url) or self.stat(url)
        wanted = max(0, min(size, stat.size - start))

        def attempt(system: Any, inner: str) -> bytes:
            data = bytes(system.cat_file(inner, start=start, end=start + wanted))
            if len(data) < wanted:
                raise PassingError(f"{wanted - len(data):,} bytes are missing from the reply")
            return data[:wanted]

        return (self.ask(url, attempt) if wanted else b""), stat

    def ask(self, url: str, attempt: Callable[[Any, str], Answer]) -> Answer:
        def translated() -> Answer:
            system, inner = self._client(url)
            try:
                return attempt(system, inner)
            except (PassingError, SourceError):
                raise
            # Every client has errors of its own, and none may cross the line untold.
            except Exception as error:
                raise refusal(url, error) from error

        return persist(url, translated, self.patience, self._gate(url))

    def _client(self, url: str) -> tuple[Any, str]:
        place = _place(full(url))
        if place not in self._clients:
            self._clients[place] = client(url)[0]
        system = self._clients[place]
        return system, system._strip_protocol(full(url))

    def _gate(self, url: str) -> Gate:
        place = _place(shown(url))
        if place not in self._gates:
            self._gates[place] = Gate(place, self.patience.connections)
        return self._gates[place]


def client(url: str, **options: Any) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it.

    Args:
        url: may be an `Address`.
        options: for the client.

    Raises:
        SourceError: no installed package knows the protocol, or it cannot be set up.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(full(url), **options)  # type: ignore[no-any-return]
    except Exception as error:
        found = refusal(url, error)
        raise (
            found
            if isinstance(found, SourceError)
            else SourceError(f"{shown(url)}: {found.message}")
        ) from error


def refusal(url: str, error: Exception) -> PassingError | SourceError:
    """What an error of a client means, with the mend."""
    name, scheme = shown(url), scheme_of(url)
    said = f"{type(error).__name__}: {printable(scrubbed(str(error), url))[:300]}"
    cause = error.__cause__
    kinds = " ".join(type(one).__name__ for one in (error, cause) if one is not None)
    words, status = f"{said} {kinds}".lower(), _status(error) or _status(cause)
    login = LOGINS.get(scheme, "see the user, the password, and the client's settings")
    if isinstance(error, ImportError):
        package = PACKAGES.get(scheme)
        mend = f"pip install {package}" if package else f"install its client ({said})"
        return SourceError(f"{name}: {scheme}:// is read by a package that is not here; {mend}")
    if any(word in words for word in EXPIRED):
        return SourceError(
            f"{name}: the token or signature has expired; fetch a new one and run again: {login}. "
            f"The same command continues ({said})"
        )
    if "repositorynotfound" in words or "repository not found" in words:
        return SourceError(
            f"{name}: there is no such repository, or it is private; see the name, or {login}"
        )
    if "bucket" in words and any(word in words for word in ("not exist", "not found", "nosuch")):
        return SourceError(f"{name}: there is no such bucket; see its name ({said})")
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return MissingError(f"{name}: no such file")
    if (
        isinstance(error, PermissionError)
        or status in (401, 403)
        or any(word in words for word in REFUSED)
    ):
        return SourceError(f"{name}: access is refused; {login} ({said})")
    if isinstance(error, ValueError | TypeError | NotImplementedError | IsADirectoryError):
        return SourceError(f"{name}: cannot be used: {said}; see the URL and its protocol")
    return PassingError(said, overloaded=status in (429, 503), brief=not isinstance(error, OSError))


def _told(system: Any, inner: str) -> Stat:
    info = system.info(inner)
    if info.get("type") == "directory":
        raise FileNotFoundError(inner)
    size = info.get("size")
    if size is None:
        raise ValueError("the store does not tell its size")
    return Stat(int(size), _modified(system, inner, info))


def _modified(system: Any, inner: str, info: dict[str, Any]) -> int:
    """The time in nanoseconds, or a number made of what marks the content; 0 for neither."""
    time = next((info[name] for name in TIMES if info.get(name)), None)
    mark = next((info[name] for name in MARKS if info.get(name)), None)
    if time is None and mark is None:
        try:
            time = system.modified(inner)
        except NotImplementedError:
            return 0
    if isinstance(time, str):
        try:
            time = datetime.datetime.fromisoformat(time)
        except ValueError:
            mark, time = time, None
    if isinstance(time, datetime.datetime):
        return int(time.timestamp() * 1e9)
    if isinstance(time, int | float):
        return int(time * 1e9)
    return int.from_bytes(hashlib.blake2b(str(mark).encode(), digest_size=7).digest())


def _place(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0]}"


def _status(error: BaseException | None) -> int:
    """The HTTP status that an error of a client carries; 0 for none."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # of botocore
        response = response.get("ResponseMetadata", {})
        found = response.get("HTTPStatusCode")
    else:
        found = getattr(response, "status_code", None)
    for name in ("status_code", "status", "code"):
        found = found or getattr(error, name, None)
    return int(found) if str(found).isdecimal() else 0

"""Folders in S3 and Google Cloud Storage, through Arrow's clients.

An upload is one request, or parts that one last request makes an object of. Arrow sends that last
request when a stream is closed, also by the garbage collector after an error in our own code, and so
publishes half an object. Here nothing of ours can fail between the first byte and the last: a mapped file
is written by a thread that no signal interrupts. Where a request of Arrow's own fails, it depends on the
client's settings whether the last one is sent all the same. It never is where parts are written in the
background and the upload was begun when the stream was opened; so these are the settings for a file
that takes parts. A small file is put by one request when its stream is closed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa

from pipeline.core.errors import SourceError, StorageError
from pipeline.runtime.mirror import ObjectStore, Seen
from pipeline.sources.politeness import Gate
from pipeline.sources.remote import PassingError, Patience, persist
from pipeline.sources.remote_s3 import REFUSALS, REGION, arrow_fault, s3_client

__all__ = ["GcsFolder", "S3Folder"]

Answer = TypeVar("Answer")

PATIENCE = Patience()
CONNECTIONS = 64  # at a time, from this machine: the bucket is the user's own
SMALL = 4 << 20  # bytes that Arrow puts by one request
# Bytes written between two waits, so that a large file is not copied to memory whole.
SLICE = 64 << 20
MD5 = re.compile(r"[0-9a-f]{32}")
ACCESS = (
    "ACCESS_DENIED",
    "AccessDenied",
    "HTTP status 403",
    "PermissionDenied",
    "PERMISSION_DENIED",
)
NO_ACCESS = (
    "access is refused; the credentials must be allowed to get, put, delete and list objects in this "
    "folder (s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket)"
)
MENDS = (*(row for row in REFUSALS if "AccessDenied" not in row[0]), (ACCESS, NO_ACCESS))


@dataclasses.dataclass(frozen=True)
class ArrowFolder(ObjectStore):
    """A folder in a bucket.

    Args:
        folder: the bucket and the folder in it: ``BUCKET/FOLDER``.
    """

    folder: str

    @property
    def address(self) -> str:  # type: ignore[override]
        return f"{self.scheme}://{self.folder}"

    @property
    def scheme(self) -> str:
        raise NotImplementedError

    def connect(self, small: bool) -> Any:
        """Arrow's client, for small files or for those that take parts."""
        raise NotImplementedError

    def stat(self, name: str) -> Seen | None:
        def attempt() -> Seen | None:
            with contextlib.suppress(FileNotFoundError), self._file(name) as file:
                return _seen(file)
            return None

        return self._persist(name, attempt)

    def read(self, name: str) -> bytes | None:
        def attempt() -> bytes | None:
            with contextlib.suppress(FileNotFoundError), self._file(name) as file:
                data: bytes = file.read()
                _whole(len(data), file)
                return data
            return None

        return self._persist(name, attempt)

    def write(self, name: str, data: bytes) -> None:
        self._persist(name, lambda: self._put(name, pa.py_buffer(data)))

    def download(self, name: str, path: Path) -> Seen | None:
        def attempt() -> Seen | None:
            digest = hashlib.md5(usedforsecurity=False)
            with contextlib.suppress(FileNotFoundError), self._file(name) as file:
                seen = _seen(file)
                with path.open("wb") as out:
                    while data := file.read(8 << 20):
                        digest.update(data)
                        out.write(data)
                    _whole(out.tell(), file)
                # Ranges of two versions may have come; one version is known by its digest.
                if seen.tag == digest.hexdigest():
                    return seen
                with self._file(name) as again:
                    if _seen(again) != seen:
                        raise PassingError("was replaced while it was read", progress=True)
                return seen
            return None

        return self._persist(name, attempt)

    def upload(self, path: Path, name: str) -> Seen | None:
        size = path.stat().st_size
        data = pa.memory_map(str(path)).read_buffer() if size else pa.py_buffer(b"")

        def attempt() -> None:
            with ThreadPoolExecutor(1, thread_name_prefix="upload") as threads:
                threads.submit(self._put, name, data).result()

        self._persist(name, attempt)
        seen = self.stat(name)
        if seen is None or seen.size != size:
            raise StorageError(
                f"{self.address}/{name}: is not what was written; another process writes there. Run "
                "the same command again"
            )
        if MD5.fullmatch(seen.tag):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
            return seen if digest.hexdigest() == seen.tag else None
        return seen

    def remove(self, name: str) -> None:
        def attempt() -> None:
            with contextlib.suppress(FileNotFoundError):
                _connected(self).delete_file(self._key(name))

        self._persist(name, attempt)

    def names(self, below: str = "") -> list[str]:
        from pyarrow import fs

        def attempt() -> list[str]:
            selector = fs.FileSelector(
                self._key(below).rstrip("/"), recursive=True, allow_not_found=True
            )
            found = _connected(self).get_file_info(selector)
            start = len(self.folder) + 1
            return sorted(info.path[start:] for info in found if info.is_file)

        return self._persist(below, attempt)

    def _key(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def _file(self, name: str) -> Any:
        return _connected(self).open_input_file(self._key(name))

    def _put(self, name: str, data: pa.Buffer) -> None:
        slices = [
            data.slice(start, min(SLICE, data.size - start)) for start in range(0, data.size, SLICE)
        ]
        # From here to the last slice only Arrow's own requests may fail: see above.
        stream = _connected(self, data.size <= SMALL).open_output_stream(
            self._key(name),
            compression=None,  # else a name that ends in .zst is compressed again
        )
        try:
            for piece in slices:
                stream.write(piece)
                if piece is not slices[-1]:
                    stream.flush()
        finally:
            stream.close()  # after a request that failed it gives up, and says so

    def _persist(self, name: str, attempt: Callable[[], Answer]) -> Answer:
        url = f"{self.address}/{name}" if name else self.address

        def translated() -> Answer:
            try:
                return attempt()
            except OSError as error:
                raise arrow_fault(url, error, MENDS) from error
            except pa.ArrowException as error:
                raise SourceError(f"{url}: {error}") from error

        try:
            return persist(url, translated, PATIENCE, _gate(self.scheme))
        except SourceError as error:
            raise StorageError(str(error)) from error


class S3Folder(ArrowFolder):
    """A folder in S3, or in what speaks its protocol: ``AWS_ENDPOINT_URL`` names another server."""

    @property
    def scheme(self) -> str:
        return "s3"

    def connect(self, small: bool) -> Any:
        return s3_client(
            PATIENCE,
            lambda: _region(self.folder.partition("/")[0]),
            background_writes=True,  # else a part that failed is left out of the object
            allow_delayed_open=small,
        )


class GcsFolder(ArrowFolder):
    """A folder in Google Cloud Storage."""

    @property
    def scheme(self) -> str:
        return "gs"

    def connect(self, small: bool) -> Any:
        import datetime

        from pyarrow import fs

        endpoint = urlsplit(os.environ.get("STORAGE_EMULATOR_HOST", ""))
        place = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme, "anonymous": True}
        limit = datetime.timedelta(seconds=PATIENCE.timeout)
        return fs.GcsFileSystem(retry_time_limit=limit, **(place if endpoint.netloc else {}))


def _region(bucket: str) -> str:
    """Where a bucket of Amazon's is; a request that needs no credentials tells."""
    from pyarrow import fs

    try:
        return str(fs.resolve_s3_region(bucket))
    except OSError:
        return REGION  # what is wrong, the first request proper will say


def _connected(folder: ArrowFolder, small: bool = True) -> Any:
    """Arrow's client in this process; connections do not survive a fork."""
    endpoints = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "STORAGE_EMULATOR_HOST")
    return _client(folder, small, os.getpid(), tuple(os.environ.get(name) for name in endpoints))


@functools.lru_cache(maxsize=8)
def _client(
    folder: ArrowFolder, small: bool, process: int, endpoints: tuple[str | None, ...]
) -> Any:
    return folder.connect(small)


@functools.cache
def _gate(scheme: str) -> Gate:
    return Gate(f"out {scheme} {os.environ.get('AWS_ENDPOINT_URL', '')}", CONNECTIONS)


def _seen(file: Any) -> Seen:
    told = {key.lower(): value for key, value in file.metadata().items()}
    tag = next((told[key] for key in ("generation", "etag") if key in told), b"")
    if not tag:
        tag = repr(sorted(told.items())).encode()
    return Seen(file.size(), tag.decode("utf-8", "replace").strip('"'))


def _whole(size: int, file: Any) -> None:
    if size != file.size():
        raise PassingError(f"{file.size() - size:,} bytes are missing from the reply")

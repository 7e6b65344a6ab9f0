"""An S3 bucket on this machine, kept in memory, that fails on purpose: what a run writes to.

It knows what a client of Arrow or of fsspec asks: PUT, parts of an upload, copies, HEAD, ranges, lists
and removals, and conditions on a write.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from loopback import QuietHandler, QuietServer, answering

__all__ = ["Asked", "BucketServer", "bucket_server"]

RANGE = re.compile(r"bytes=(\d+)-(\d*)")
SPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclasses.dataclass(frozen=True)
class Asked:
    """One request: its method, the key, what is asked of it, and how many came before it."""

    method: str
    key: str
    query: str
    number: int

    @property
    def writes(self) -> bool:
        """It would make an object visible."""
        return (self.method == "PUT" and "partNumber" not in self.query) or (
            self.method == "POST" and "uploadId" in self.query
        )


@dataclasses.dataclass
class Stored:
    """An object."""

    data: bytes
    tag: str
    modified: float


@dataclasses.dataclass
class BucketServer:
    """A bucket and how it fails.

    Args:
        bucket: its name; others do not exist.
        url: of the server.
        objects: what is in the bucket, by key.
        uploads: parts of uploads that are neither completed nor given up.
        fault: gives for a request a status and an error code, ``(0, "reset")`` or ``(0, "slow")``,
            or None.
        asked: all requests.
        told: called before an object gets visible, with its key.
        page: keys in an answer to a list.
    """

    bucket: str = "bucket"
    url: str = ""
    objects: dict[str, Stored] = dataclasses.field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = dataclasses.field(default_factory=dict)
    fault: Callable[[Asked], tuple[int, str] | None] = lambda asked: None
    asked: list[Asked] = dataclasses.field(default_factory=list)
    failed: Counter[str] = dataclasses.field(default_factory=Counter)
    told: Callable[[str], None] = lambda key: None
    page: int = 7
    lock: threading.RLock = dataclasses.field(default_factory=threading.RLock)

    def put(self, key: str, data: bytes, tag: str = "") -> str:
        """Make an object visible, all at once."""
        self.told(key)
        tag = tag or hashlib.md5(data).hexdigest()
        with self.lock:
            self.objects[key] = Stored(data, tag, time.time())
        return tag

    def seen(self, below: str) -> dict[str, str]:
        """sha256 of what a user sees below a folder, by name."""
        with self.lock:
            return {
                key.removeprefix(below): hashlib.sha256(stored.data).hexdigest()
                for key, stored in sorted(self.objects.items())
                if key.startswith(below) and ".gristmill/" not in key and not key.endswith("/")
            }


@contextlib.contextmanager
def bucket_server(**options: Any) -> Iterator[BucketServer]:
    """A bucket that answers until the block ends."""
    found = BucketServer(**options)

    class Handler(QuietHandler):
        timeout = 20

        def do_GET(self) -> None:
            self.answer()

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def answer(self) -> None:
            with contextlib.suppress(ConnectionError):
                self.serve()

        def serve(self) -> None:
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            body = self.body()
            with found.lock:
                asked = Asked(self.command, key, parts.query, len(found.asked))
                found.asked.append(asked)
            fault = found.fault(asked)
            if fault is not None:
                with found.lock:
                    found.failed[fault[1]] += 1
                if fault[1] == "reset":
                    self.reset()
                    return
                if fault[1] == "slow":
                    time.sleep(0.2)
                else:
                    self.error(*fault)
                    return
            if bucket != found.bucket:
                self.error(404, "NoSuchBucket")
                return
            query = {
                name: values[0]
                for name, values in parse_qs(parts.query, keep_blank_values=True).items()
            }
            getattr(self, f"on_{self.command.lower()}")(key, query, body)

        def body(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                data = self.chunks(self.rfile.readline, self.rfile.read)
            else:
                data = self.rfile.read(int(self.headers.get("content-length") or 0))
            if "aws-chunked" in self.headers.get("content-encoding", ""):
                lines = _Bytes(data)
                data = self.chunks(lines.line, lines.take)
            return data

        def chunks(self, line: Callable[[], bytes], take: Callable[[int], bytes]) -> bytes:
            pieces = []
            while True:
                size = int(line().split(b";")[0].strip() or b"0", 16)
                if not size:
                    break
                pieces.append(take(size))
                line()
            while line().strip():
                pass  # trailers: checksums
            return b"".join(pieces)

        def on_head(self, key: str, query: dict[str, str], body: bytes) -> None:
            stored = found.objects.get(key)
            if not key:
                self.reply(200)
            elif stored is None:
                self.error(404, "NoSuchKey")
            else:
                self.reply(200, b"", self.about(stored), length=len(stored.data))

        def on_get(self, key: str, query: dict[str, str], body: bytes) -> None:
            if not key and "location" in query:
                self.reply(200, f"<LocationConstraint {SPACE}/>".encode())
                return
            if not key:
                self.list(query)
                return
            stored = found.objects.get(key)
            if stored is None:
                self.error(404, "NoSuchKey")
                return
            fields, status, piece = self.about(stored), 200, stored.data
            asked = RANGE.fullmatch(self.headers.get("range", ""))
            if asked:
                start, last = int(asked[1]), int(asked[2] or len(piece) - 1)
                if start >= len(piece):
                    self.error(416, "InvalidRange")
                    return
                status, piece = 206, piece[start : last + 1]
                end = start + len(piece) - 1
                fields["content-range"] = f"bytes {start}-{end}/{len(stored.data)}"
            self.reply(status, piece, fields)

        def on_put(self, key: str, query: dict[str, str], body: bytes) -> None:
            if not key:
                self.reply(200)
                return
            if "partNumber" in query:
                with found.lock:
                    parts = found.uploads.get(query["uploadId"])
                    if parts is None:
                        self.error(404, "NoSuchUpload")
                        return
                    parts[int(query["partNumber"])] = body
                self.reply(200, b"", {"etag": f'"{hashlib.md5(body).hexdigest()}"'})
                return
            source = self.headers.get("x-amz-copy-source")
            if source:
                name = unquote(source).lstrip("/").partition("/")[2]
                stored = found.objects.get(name)
                if stored is None:
                    self.error(404, "NoSuchKey")
                    return
                tag = found.put(key, stored.data)
                text = f'<CopyObjectResult {SPACE}><ETag>"{tag}"</ETag></CopyObjectResult>'
                self.reply(200, text.encode())
                return
            with found.lock:
                if self.headers.get("if-none-match") == "*" and key in found.objects:
                    self.error(412, "PreconditionFailed")
                    return
                tag = found.put(key, body)
            self.reply(200, b"", {"etag": f'"{tag}"'})

        def on_post(self, key: str, query: dict[str, str], body: bytes) -> None:
            if "delete" in query:
                for name in re.findall(rb"<Key>(.*?)</Key>", body):
                    found.objects.pop(name.decode(), None)
                self.reply(200, f"<DeleteResult {SPACE}/>".encode())
            elif "uploads" in query:
                with found.lock:
                    name = f"upload-{len(found.asked)}"
                    found.uploads[name] = {}
                text = f"<UploadId>{name}</UploadId><Key>{escape(key)}</Key>"
                self.reply(
                    200,
                    f"<InitiateMultipartUploadResult {SPACE}>{text}"
                    "</InitiateMultipartUploadResult>".encode(),
                )
            else:
                wanted = [int(number) for number in re.findall(rb"<PartNumber>(\d+)<", body)]
                with found.lock:
                    parts = found.uploads.pop(query["uploadId"], None)
                if parts is None or any(number not in parts for number in wanted) or not wanted:
                    self.error(400, "InvalidPart")
                    return
                data = b"".join(parts[number] for number in sorted(wanted))
                tag = found.put(key, data, f"{hashlib.md5(data).hexdigest()}-{len(wanted)}")
                self.reply(
                    200,
                    f'<CompleteMultipartUploadResult {SPACE}><ETag>"{tag}"</ETag>'
                    "</CompleteMultipartUploadResult>".encode(),
                )

        def on_delete(self, key: str, query: dict[str, str], body: bytes) -> None:
            with found.lock:
                if "uploadId" in query:
                    found.uploads.pop(query["uploadId"], None)
                else:
                    found.objects.pop(key, None)
            self.reply(204)

        def list(self, query: dict[str, str]) -> None:
            prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
            after = query.get("continuation-token") or query.get("start-after", "")
            most = min(found.page, int(query.get("max-keys", 1000)))
            with found.lock:
                stored = dict(found.objects)
            names: dict[str, str] = {}
            for key in sorted(stored):
                if not key.startswith(prefix):
                    continue
                rest = key[len(prefix) :]
                cut = rest.find(delimiter) if delimiter else -1
                names[prefix + rest[: cut + 1] if cut >= 0 else key] = key if cut < 0 else ""
            left = [name for name in sorted(names) if name > after]
            lines = []
            for name in left[:most]:
                if names[name]:
                    one = stored[names[name]]
                    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(one.modified))
                    lines.append(
                        f"<Contents><Key>{escape(name)}</Key><Size>{len(one.data)}</Size>"
                        f'<ETag>"{one.tag}"</ETag><LastModified>{stamp}</LastModified>'
                        "<StorageClass>STANDARD</StorageClass></Contents>"
                    )
                else:
                    lines.append(
                        f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
                    )
            more = len(left) > most
            last = escape(left[most - 1]) if more else ""
            token = f"<NextContinuationToken>{last}</NextContinuationToken>"
            self.reply(
                200,
                (
                    f"<ListBucketResult {SPACE}><Name>{found.bucket}</Name>"
                    f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(left[:most])}</KeyCount>"
                    f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
                    f"{token if more else ''}{''.join(lines)}</ListBucketResult>"
                ).encode(),
            )

        def about(self, stored: Stored) -> dict[str, str]:
            return {
                "etag": f'"{stored.tag}"',
                "last-modified": formatdate(stored.modified, usegmt=True),
                "content-type": "application/octet-stream",
            }

        def error(self, status: int, code: str) -> None:
            text = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
            self.reply(status, b"" if self.command == "HEAD" else text)

    server = QuietServer(Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    with answering(server):
        yield found


@dataclasses.dataclass
class _Bytes:
    """Lines and stretches of bytes, in order."""

    data: bytes
    at: int = 0

    def line(self) -> bytes:
        end = self.data.find(b"\n", self.at)
        end = len(self.data) if end < 0 else end + 1
        found, self.at = self.data[self.at : end], end
        return found

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        self.at += size
        return found

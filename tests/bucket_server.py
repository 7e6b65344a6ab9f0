"""A bucket on this machine that can be written: as much of S3 as Arrow's client asks for."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from loopback import answering

__all__ = ["bucket_server"]

DATE = "2024-05-31T01:16:46.000Z"
Objects = dict[str, bytes]


@contextlib.contextmanager
def bucket_server(name: str) -> Iterator[tuple[str, Objects, list[str]]]:
    """Its URL, its objects by key, and the keys that were written."""
    objects: Objects = {}
    written: list[str] = []
    parts: dict[str, dict[int, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.look(body=False)

        def do_GET(self) -> None:
            self.look(body=True)

        def do_PUT(self) -> None:
            key, asked = self.asked()
            data = self.body()
            if "partNumber" in asked:
                parts[key][int(asked["partNumber"])] = data
            elif key:
                self.put(key, data)
            self.answer(200, b"", {"etag": f'"{hashlib.md5(data).hexdigest()}"'})

        def do_POST(self) -> None:
            key, asked = self.asked()
            self.body()
            told = ""
            if "uploads" in asked:
                parts[key] = {}
                told = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
            elif "uploadId" in asked:
                self.put(key, b"".join(parts[key][number] for number in sorted(parts[key])))
                told = "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"
            self.answer(200, told.encode())

        def do_DELETE(self) -> None:
            objects.pop(self.asked()[0], None)
            self.answer(204, b"")

        def put(self, key: str, data: bytes) -> None:
            objects[key] = data
            written.append(key)

        def asked(self) -> tuple[str, dict[str, str]]:
            parts = urlsplit(self.path)
            asked = parse_qs(parts.query, keep_blank_values=True)
            key = unquote(parts.path).removeprefix(f"/{name}").lstrip("/")
            return key, {name: values[0] for name, values in asked.items()}

        def look(self, body: bool) -> None:
            key, asked = self.asked()
            if not key:
                self.answer(200, self.listing(asked) if body else b"")
            elif key not in objects:
                self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if body else b"")
            else:
                data, status = objects[key], 200
                fields = {"last-modified": "Fri, 31 May 2024 01:16:46 GMT"}
                if "range" in self.headers:
                    first, _, last = self.headers["range"].removeprefix("bytes=").partition("-")
                    status, whole = 206, len(data)
                    data = data[int(first) : int(last or whole) + 1]
                    end = int(first) + len(data) - 1
                    fields["content-range"] = f"bytes {first}-{end}/{whole}"
                self.answer(status, data, fields, body)

        def listing(self, asked: dict[str, str]) -> bytes:
            prefix, mark = asked.get("prefix", ""), asked.get("delimiter", "")
            rows: dict[str, None] = {}
            for key, data in sorted(objects.items()):
                rest = key.removeprefix(prefix)
                if key.startswith(prefix) and mark and mark in rest:
                    folder = prefix + rest.partition(mark)[0] + mark
                    rows[f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"] = None
                elif key.startswith(prefix):
                    rows[f"<Contents><Key>{key}</Key><Size>{len(data)}</Size>"
                         f"<LastModified>{DATE}</LastModified></Contents>"] = None  # fmt: skip
            return f"<ListBucketResult>{''.join(rows)}</ListBucketResult>".encode()

        def body(self) -> bytes:
            if self.headers.get("transfer-encoding") == "chunked":
                data = self.chunks(self.rfile)
            else:
                data = self.rfile.read(int(self.headers.get("content-length") or 0))
            signed = "x-amz-decoded-content-length" in self.headers
            return self.chunks(io.BytesIO(data)) if signed else data

        def chunks(self, file: BinaryIO) -> bytes:
            """What comes in chunks, each behind its size; what is behind the last one is passed by."""
            found = b""
            while size := int(file.readline().partition(b";")[0], 16):
                found += file.read(size)
                file.readline()
            while file.readline().strip():
                pass
            return found

        def answer(
            self, status: int, data: bytes, fields: dict[str, str] | None = None, body: bool = True
        ) -> None:
            self.send_response(status)
            for field, value in (fields or {}).items():
                self.send_header(field, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with answering(server):
        yield f"http://127.0.0.1:{server.server_port}", objects, written

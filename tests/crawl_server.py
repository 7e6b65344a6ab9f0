"""A web server, or a bucket, on this machine that serves a folder by ranges and fails on purpose."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loopback import QuietHandler, QuietServer, answering

__all__ = ["FAULTS", "CrawlServer", "serving"]

FAULTS = ("429", "500", "503", "reset", "slow", "short")
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclasses.dataclass
class CrawlServer:
    """What is served, and how it fails.

    Args:
        root: the folder.
        url: of the server, with a slash at its end.
        share: of the requests that fail, drawn by a hash of the request and how often it came.
        faults: the kinds of faults, one drawn for each failing request.
        only: what the path of a failing request ends in.
        refuse: paths to a status and a body that are always answered.
        refuse_ranges: the path of which no range is given: the token has expired.
        index: captures that the CDX server at ``/CRAWL-index`` knows.
        redirect: what paths begin with that are elsewhere.
        cut: no reply comes whole.
        logins: what came as ``Authorization``.
        page_size: captures on a page of its answers.
        bucket: the name before every path; it can be listed.
        asked: method, path and range of each request.
        failed: faults so far, by kind.
        at_once: the most requests under way at a time.
        ranges: honour ``Range``.
        retry_after: what a 429 or 503 says.
    """

    root: Path
    url: str = ""
    share: float = 0.0
    faults: tuple[str, ...] = FAULTS
    only: str = ""
    refuse: dict[str, tuple[int, bytes]] = dataclasses.field(default_factory=dict)
    refuse_ranges: str = ""
    index: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    redirect: str = ""
    cut: bool = False
    logins: set[str] = dataclasses.field(default_factory=set)
    page_size: int = 5
    asked: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    failed: Counter[str] = dataclasses.field(default_factory=Counter)
    at_once: int = 0
    ranges: bool = True
    retry_after: str = "0"
    bucket: str = ""
    under_way: int = 0
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def fault(self, request: tuple[str, str, str]) -> str:
        """The fault that this request meets, or none. A request meets at most two in a row."""
        times = self.asked.count(request)
        if times % 3 == 0 or not request[1].endswith(self.only):
            return ""
        drawn = hashlib.blake2b(f"{request}{times}".encode(), digest_size=8).digest()
        number = int.from_bytes(drawn[:4], "big") / 2**32
        if number >= self.share:
            return ""
        return self.faults[drawn[5] % len(self.faults)]

    def query(self, text: str) -> tuple[int, bytes]:
        """An answer of the CDX server."""
        asked = {name: values[0] for name, values in parse_qs(text).items()}
        url = asked["url"]
        tests: dict[str, Callable[[str], bool]] = {
            "domain": lambda at: at.split("/")[0] == url or at.split("/")[0].endswith(f".{url}"),
            "prefix": lambda at: at.startswith(url),
            "exact": lambda at: at.rstrip("/") == url.rstrip("/"),
        }
        test = tests[asked["matchType"]]
        rows = [row for row in self.index if test(row["url"].partition("://")[2])]
        pages = -(-len(rows) // self.page_size)
        if "showNumPages" in asked:
            return 200, json.dumps({"pages": pages, "pageSize": 5, "blocks": pages}).encode()
        page = int(asked.get("page", 0))
        rows = rows[page * self.page_size : (page + 1) * self.page_size]
        if not rows:
            return 404, json.dumps({"message": f"No Captures found for: {url}"}).encode()
        names = {
            "url": "url",
            "filename": "warc_filename",
            "offset": "warc_record_offset",
            "length": "warc_record_length",
        }
        lines = [json.dumps({to: str(row[of]) for to, of in names.items()}) for row in rows]
        return 200, "\n".join(lines).encode() + b"\n"

    def objects(self, text: str) -> tuple[int, bytes]:
        """What a bucket lists, with folders where it is asked for them (ListObjectsV2)."""
        asked = {name: values[0] for name, values in parse_qs(text).items()}
        prefix, mark = asked.get("prefix", ""), asked.get("delimiter", "")
        names = [str(path.relative_to(self.root)) for path in sorted(self.root.rglob("*.*"))]
        files, folders = list[str](), dict[str, None]()
        for name in names:
            rest = name.removeprefix(prefix)
            if not name.startswith(prefix) or not (self.root / name).is_file():
                continue
            if mark and mark in rest:
                folders[prefix + rest.partition(mark)[0] + mark] = None
            else:
                files.append(name)
        told = "".join(
            f"<Contents><Key>{name}</Key><Size>{(self.root / name).stat().st_size}</Size>"
            "<LastModified>2024-05-31T01:16:46.000Z</LastModified></Contents>"
            for name in files
        ) + "".join(f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in folders)
        return 200, f"<?xml version='1.0'?><ListBucketResult>{told}</ListBucketResult>".encode()


@contextlib.contextmanager
def serving(root: Path, **options: Any) -> Iterator[CrawlServer]:
    """The folder, served until the block ends."""
    found = CrawlServer(root, **options)

    class Handler(QuietHandler):
        timeout = 20

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            request = (self.command, self.path, self.headers.get("range", ""))
            with found.lock:
                found.asked.append(request)
                found.logins.update(self.headers.get_all("authorization", []))
                fault = found.fault(request)
                found.failed[fault] += bool(fault)
                found.under_way += 1
                found.at_once = max(found.at_once, found.under_way)
            try:
                with contextlib.suppress(ConnectionError):
                    self.serve(body, fault)
            finally:
                with found.lock:
                    found.under_way -= 1

        def serve(self, body: bool, fault: str) -> None:
            if fault in ("429", "500", "503"):
                self.reply(
                    int(fault),
                    b"<Code>SlowDown</Code>" if body else b"",
                    {"retry-after": found.retry_after},
                )
                return
            if fault == "reset":
                self.reset()
                return
            parts = urlsplit(self.path)
            path = parts.path.removeprefix(f"/{found.bucket}") if found.bucket else parts.path
            if found.bucket and path in ("", "/") and path not in found.refuse:
                self.reply(*found.objects(parts.query) if body else (200, b""))
            elif found.redirect and path.startswith(found.redirect):
                self.reply(302, b"", {"location": path.removeprefix(found.redirect)})
            elif path == found.refuse_ranges and self.command == "GET":
                self.reply(400, b"<Code>ExpiredToken</Code>")
            elif path in found.refuse:
                status, said = found.refuse[path]
                self.reply(status, said if body else b"")
            elif path.endswith("-index"):
                self.reply(*found.query(parts.query))
            elif not (found.root / path.lstrip("/")).is_file():
                self.reply(404, b"<Code>NoSuchKey</Code>" if body else b"")
            else:
                self.file(found.root / path.lstrip("/"), body, fault)

        def file(self, path: Path, body: bool, fault: str) -> None:
            data = path.read_bytes()
            fields = {"last-modified": formatdate(path.stat().st_mtime, usegmt=True)}
            status, piece = 200, data
            asked = RANGE.fullmatch(self.headers.get("range", "")) if found.ranges else None
            if asked:
                start, last = int(asked[1]), int(asked[2] or len(data) - 1)
                if start >= len(data):
                    self.reply(416, b"", {"content-range": f"bytes */{len(data)}"})
                    return
                status, piece = 206, data[start : last + 1]
                end = start + len(piece) - 1
                fields["content-range"] = f"bytes {start}-{end}/{len(data)}"
            if not body:
                self.reply(status, b"", fields, length=len(piece))
            elif fault == "short" or found.cut:
                self.reply(status, piece[: len(piece) // 2], fields, length=len(piece))
                self.close_connection = True
            elif fault == "slow":
                self.reply(status, b"", fields, length=len(piece))
                for byte in piece[:12]:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.05)
                self.reset()
            else:
                self.reply(status, piece, fields)

    server = QuietServer(Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/"
    with answering(server):
        yield found

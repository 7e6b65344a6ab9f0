"""As much of the Hugging Face Hub, on this machine, as an upload of files and a download need."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from loopback import answering

__all__ = ["HubServer", "hub"]

LARGE = (".parquet", ".zst")
REPO = re.compile(r"/api/datasets/([^/]+/[^/]+)/([a-z-]+)(?:/([^/]+))?(?:/(.*))?")


@dataclasses.dataclass
class HubServer:
    """What it holds, and what it was asked.

    Args:
        url: without a slash at its end.
        files: by repository, branch and path.
        private: whether a repository is, by its name.
        commits: paths in each commit.
        stored: bytes of large files by sha256.
        uploads: how many large files came.
        refuse: the status of every answer.
        tokens: that came.
        asked: method and path of each request.
    """

    url: str = ""
    files: dict[tuple[str, str], dict[str, bytes]] = dataclasses.field(default_factory=dict)
    private: dict[str, bool] = dataclasses.field(default_factory=dict)
    commits: list[list[str]] = dataclasses.field(default_factory=list)
    stored: dict[str, bytes] = dataclasses.field(default_factory=dict)
    uploads: int = 0
    refuse: int = 0
    tokens: set[str] = dataclasses.field(default_factory=set)
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def post(self, path: str, body: bytes) -> tuple[int, Any]:
        """The answer to a request that sends something."""
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'me'}/{asked['name']}"
            if name in self.private:
                return 409, {"error": "exists", "url": f"{self.url}/datasets/{name}"}
            self.private[name] = bool(asked.get("private")) or asked.get("visibility") == "private"
            self.files[name, "main"] = {}
            return 200, {"url": f"{self.url}/datasets/{name}"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path.endswith(".git/info/lfs/objects/batch"):
            return 200, {"objects": [self.large(one) for one in json.loads(body)["objects"]]}
        found = REPO.fullmatch(path)
        if found is None:
            return 404, {"error": f"nothing at {path}"}
        repo, what, branch = found[1], found[2], unquote(found[3] or "main")
        if what == "branch":
            if (repo, branch) in self.files:
                return 409, {"error": "exists"}
            self.files[repo, branch] = {**self.files[repo, "main"]}
            return 200, {}
        files = self.files.get((repo, branch))
        if files is None:
            return 404, {"error": "Revision not found"}
        if what == "preupload":
            return 200, {"files": [self.mode(one) for one in json.loads(body)["files"]]}
        if what == "paths-info":
            asked = (
                parse_qs(body.decode())["paths"] if body[:1] != b"{" else json.loads(body)["paths"]
            )
            return 200, [told(name, files[name]) for name in asked if name in files]
        if what == "commit":
            return 200, self.commit(repo, files, [json.loads(line) for line in body.splitlines()])
        return 404, {"error": f"nothing at {path}"}

    def get(self, path: str) -> tuple[int, Any]:
        """The answer to a request that asks for something."""
        name = path.removeprefix("/api/datasets/")
        if name in self.private:
            return 200, {"id": name, "private": self.private[name], "siblings": []}
        found = REPO.fullmatch(path)
        if found and found[2] in ("tree", "revision"):
            files = self.files.get((found[1], unquote(found[3])))
            if files is None:
                return 404, {"error": "Revision not found"}
            if found[2] == "tree":
                return 200, [told(name, data) for name, data in sorted(files.items())]
            siblings = [{"rfilename": name} for name in sorted(files)]
            return 200, {"id": found[1], "sha": "0" * 40, "siblings": siblings}
        return 404, {"error": f"nothing at {path}"}

    def large(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["oid"] in self.stored:
            return asked
        return {**asked, "actions": {"upload": {"href": f"{self.url}/store/{asked['oid']}"}}}

    def mode(self, asked: dict[str, Any]) -> dict[str, Any]:
        mode = "lfs" if asked["path"].endswith(LARGE) else "regular"
        return {"path": asked["path"], "uploadMode": mode, "shouldIgnore": False}

    def commit(
        self, repo: str, files: dict[str, bytes], lines: list[dict[str, Any]]
    ) -> dict[str, Any]:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self.commits.append([line["value"]["path"] for line in lines if "path" in line["value"]])
        url = f"{self.url}/datasets/{repo}/commit/{'0' * 40}"
        return {"commitOid": "0" * 40, "commitUrl": url, "success": True}


def told(name: str, data: bytes) -> dict[str, Any]:
    """What the Hub says of a file."""
    git = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    found: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git}
    if name.endswith(LARGE):
        digest = hashlib.sha256(data).hexdigest()
        found["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 130}
    return found


@contextlib.contextmanager
def hub() -> Iterator[HubServer]:
    """The Hub, until the block ends."""
    found = HubServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(*self.refused() or found.get(urlsplit(self.path).path))

        def do_POST(self) -> None:
            body = self.body()
            self.answer(*self.refused() or found.post(urlsplit(self.path).path, body))

        def do_PUT(self) -> None:
            data = self.body()
            found.stored[hashlib.sha256(data).hexdigest()] = data
            found.uploads += 1
            self.answer(200, {})

        def body(self) -> bytes:
            if self.headers.get("transfer-encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data

        def refused(self) -> tuple[int, Any] | None:
            found.asked.append((self.command, self.path))
            found.tokens.add(self.headers.get("authorization", ""))
            return (found.refuse, {"error": "refused"}) if found.refuse else None

        def answer(self, status: int, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    with answering(server):
        yield found

"""A chat model behind an OpenAI-compatible URL on this machine, that says what a test wants."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from loopback import answering

from audits.verify.chat_model import KEY
from classifiers import chat_api

__all__ = ["Server", "served"]

Reply = tuple[int, Any] | tuple[int, Any, str]  # status, body, how long to wait


@dataclasses.dataclass
class Server:
    """What it says is a function of the texts it is given, unless there is a script.

    Args:
        url: of the API.
        say: the answer; takes a judge's item and passage, or a labeller's before, reply and prompt.
        script: replies that come first.
        asked: bodies of the requests so far.
        headers: theirs.
    """

    url: str
    say: Callable[..., Any]
    script: list[Reply] = dataclasses.field(default_factory=list)
    asked: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    headers: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def reply(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        self.asked.append(body)
        self.headers.append(headers)
        if self.script:
            return self.script.pop(0)
        if path != "/v1/chat/completions":
            return 404, {"error": "no such path"}
        data = json.loads(body["messages"][1]["content"])
        said = self.say(*data.values())
        return 200, {"choices": [{"message": {"content": said}}]}


@contextlib.contextmanager
def served(patch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server until the block ends, for a judge that does not wait and has no key."""
    pytest.importorskip("httpx", reason="a judge at a URL needs gristmill[audit]")
    patch.setattr(chat_api, "_WAIT", 0.0)
    patch.setenv("NO_PROXY", "127.0.0.1")
    patch.delenv(KEY, raising=False)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, said, *wait = found.reply(self.path, body, dict(self.headers.items()))
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            with contextlib.suppress(ConnectionError):  # who asked did not wait
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                for seconds in wait:
                    self.send_header("retry-after", seconds)
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Server(f"http://127.0.0.1:{server.server_port}/v1", lambda item, passage: "87")
    with answering(server):
        yield found

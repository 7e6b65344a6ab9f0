"""A chat model behind an OpenAI-compatible URL, asked the same of many texts.

Texts reach it as JSON in a message of their own, of which the instruction says that they are data.
That alone stops no text that is written to be obeyed: who asks has to see to it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from classifiers.encoder_files import INSTALL
from pipeline.core.errors import ConfigError, ModelError, RunError
from pipeline.core.printable import printable
from pipeline.core.records import encodable

if TYPE_CHECKING:
    import httpx

__all__ = ["JUDGE_KEY", "ChatApi"]

JUDGE_KEY = "GRISTMILL_JUDGE_KEY"

_TRIES = 5
_WAIT = 1.0  # seconds before the second try, then twice as many each time
_LONGEST = 60.0  # seconds that a server may ask to wait
_TIMEOUT = 120.0
_AT_ONCE = 8  # questions on their way
_TOKENS = 8  # of an answer; no text makes a model write on
_NOT_THIS_TEXT = (400, 413, 422)  # too long, or refused by a filter of the server's
_SHOWN = 200  # characters of what a server says
# Outside of JSON's own marks nothing that a chat template may take for the end of a message.
_MARKS = re.compile(r"[<>]|\[(?=/?[A-Z])")


@dataclasses.dataclass(frozen=True)
class ChatApi:
    """A chat model, asked by ``POST URL/chat/completions`` at temperature 0.

    The key is read from the environment where the question is asked, and kept nowhere.

    Args:
        url: of the API, such as ``http://localhost:8000/v1``. A user and password in it take the
            place of the key, and are shown nowhere.
        model: the name by which the server knows it.
        key: the environment variable that holds the key; it may be unset.
        role: what the model is here, for messages.

    Raises:
        ConfigError: ``url`` is no http address, or ``model`` is empty.
    """

    url: str = dataclasses.field(repr=False)
    model: str
    key: str = JUDGE_KEY
    role: str = "judge"

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # a port that is no number, half an IPv6 address
            known = None
        if not known:
            # What is wrong in it may be the password.
            raise ConfigError(
                f"the {self.role}'s URL is no http address; give one as http://HOST:PORT/v1"
            )
        if not self.model.strip():
            raise ConfigError(
                f"the {self.role}'s model has no name; give the one its server knows it by"
            )

    def answers(
        self, instruction: str, objects: Sequence[Mapping[str, str]], *, every: bool = False
    ) -> list[str | None]:
        """What the model says to each object; None where it says nothing or the text is refused.

        Args:
            instruction: the system's message, which is never cut or escaped.
            objects: each is sent as JSON, alone, in a message of the user.
            every: no text may be refused.

        Raises:
            RunError: the server cannot be reached, refuses, or does not answer as such a server does.
            ConfigError: the key is none.
            ModelError: httpx is missing.
        """
        if not objects:
            return []
        try:
            import httpx
        except ImportError as error:
            raise ModelError(f"a {self.role} at a URL needs httpx ({error}): {INSTALL}") from error
        parts = self._parts
        named = parts.username is not None
        user = (unquote(parts.username or ""), unquote(parts.password or "")) if named else None
        with (
            httpx.Client(headers=self._headers(), auth=user, timeout=_TIMEOUT) as client,
            ThreadPoolExecutor(min(_AT_ONCE, len(objects))) as threads,
        ):
            return list(
                threads.map(lambda one: self._answer(client, instruction, one, every), objects)
            )

    def demand(
        self,
        instruction: str,
        easy: Mapping[str, str],
        means: Callable[[str | None], object],
        wanted: str,
    ) -> None:
        """See that the model answers as it is asked to, on an object of which there is no doubt.

        Args:
            instruction, easy: see `answers`.
            means: what an answer says; None for nothing that is asked for.
            wanted: what is asked for, for the message.

        Raises:
            ModelError: it answers with something else. See also `answers`.
        """
        (said,) = self.answers(instruction, [easy], every=True)
        if means(said) is None:
            raise ModelError(
                f"the {self.role} {self.model} at {self.shown} answers {self.short(said or '')!r} "
                f"where {wanted} is asked for; take a model that answers at once, or switch its "
                "reasoning off"
            )

    def to_json(self) -> dict[str, Any]:
        """Its name and where it is, without user, password, query or key."""
        return {"kind": "chat", "model": self.model, "url": self.shown}

    @property
    def shown(self) -> str:
        """Where it is, without user, password, query or key."""
        return self._address(query=False)

    def short(self, text: str) -> str:
        """What a server says, for a person; some of them repeat the key."""
        key = self._key()
        said = printable(" ".join((text.replace(key, "…") if key else text).split()))
        return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"

    # --- asking --------------------------------------------------------------------------------

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    def _address(self, end: str = "", *, query: bool) -> str:
        parts = self._parts
        host = parts.netloc.rpartition("@")[2]
        path = parts.path.rstrip("/") + end
        return urlunsplit((parts.scheme, host, path, parts.query if query else "", ""))

    def _key(self) -> str:
        return os.environ.get(self.key, "").strip()

    def _headers(self) -> dict[str, str]:
        key = self._key()
        if not key:
            return {}
        if not key.isascii() or not key.isprintable():
            raise ConfigError(f"{self.key} holds characters that no key has; set it anew")
        return {"Authorization": f"Bearer {key}"}

    def _answer(
        self, client: httpx.Client, instruction: str, data: Mapping[str, str], every: bool
    ) -> str | None:
        import httpx

        address = self._address("/chat/completions", query=True)
        fault, wait = "", _WAIT
        for tried in range(_TRIES):
            if tried:
                time.sleep(wait)
                wait = _WAIT * 2**tried
            try:
                reply = client.post(address, json=self._question(instruction, data))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                fault = f"{type(error).__name__}: {error}"
                continue
            if reply.status_code != 429 and reply.status_code < 500:
                refused = reply.status_code in _NOT_THIS_TEXT and not every
                return None if refused else self._said(reply)
            fault = self._refusal(reply)
            asked = reply.headers.get("retry-after", "")
            if asked.isdecimal():
                wait = min(max(wait, float(asked)), _LONGEST)
        raise RunError(
            f"{self.shown}: the {self.role} does not answer, tried {_TRIES} times "
            f"({self.short(fault)}). See that its server runs and can be reached from here; the same "
            "command continues"
        )

    def _question(self, instruction: str, given: Mapping[str, str]) -> dict[str, Any]:
        data = json.dumps(dict(given), ensure_ascii=False)
        data = _MARKS.sub(lambda mark: f"\\u{ord(mark[0]):04x}", encodable(data))
        return {
            "model": self.model,
            "messages": [
                {"role": "system", "content": instruction},
                {"role": "user", "content": data},
            ],
            "temperature": 0,
            "max_tokens": _TOKENS,
        }

    def _said(self, reply: httpx.Response) -> str | None:
        if reply.status_code in (401, 403):
            raise RunError(
                f"{self.shown}: the {self.role} refuses the key ({self._refusal(reply)}); set "
                f"{self.key} to one that may use it"
            )
        try:
            said = reply.json()["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            said = reply
        if reply.status_code != 200 or said is reply:
            raise RunError(
                f"{self.shown}: the {self.role} cannot be asked here ({self._refusal(reply)}); give "
                "the URL of an OpenAI-compatible API without /chat/completions, often ending in /v1, "
                "and a model that it has"
            )
        return said if isinstance(said, str) else None

    def _refusal(self, reply: httpx.Response) -> str:
        return f"HTTP {reply.status_code}: {self.short(reply.text)}"

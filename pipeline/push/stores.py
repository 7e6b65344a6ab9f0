"""A folder of any store that fsspec knows as the target of a push."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from pipeline.core.errors import ConfigError, SourceError, StorageError
from pipeline.push.targets import Say, Target, Upload, is_surplus
from pipeline.sources.addresses import full, joined, scheme_of
from pipeline.sources.remote import MissingError, PassingError, Patience
from pipeline.sources.stores import store_of

__all__ = ["StoreTarget"]

MANIFEST = "manifest.json"
SMALL = 1 << 20  # bytes of a file that is rather read back than sent again
NEAR = ("file", "local", "memory")
BUCKETS = ("s3", "gs", "gcs")  # have no folders
MD5 = re.compile(r"[0-9a-f]{32}")
Answer = TypeVar("Answer")


class StoreTarget(Target):
    """A folder of any other store."""

    def __init__(self, url: str):
        super().__init__(url.rstrip("/") if not full(url).endswith("://") else url)
        self._store = store_of(self.url, Patience())

    def present(self, files: Sequence[Upload]) -> set[str]:
        if self._ask(".gristmill", lambda system, inner: system.exists(inner)):
            raise ConfigError(
                f"{self.url}: a run works in this folder, and a push would change it; name another"
            )
        told = self._told()
        return {file.name for file in files if self._has(file, told)}

    def surplus(self, kinds: Collection[str], names: Collection[str]) -> list[str]:
        found: list[str] = []
        for kind in sorted(kinds):
            try:
                below = self._ask(kind, lambda system, inner: system.ls(inner, detail=False))
            except MissingError:
                continue
            listed = [f"{kind}/{path.rstrip('/').rpartition('/')[2]}" for path in below]
            found += [name for name in listed if is_surplus(name, kinds, names)]
        return found

    def send(self, files: Sequence[Upload], surplus: Sequence[str], say: Say) -> None:
        self._remove(files[-1].name if files else MANIFEST)  # from here on it is not whole
        for name in surplus:
            self._remove(name)
        for number, file in enumerate(files, 1):
            say(f"{number} of {len(files)}: {file.name}, {file.size:,} bytes")
            self._ask(file.name, functools.partial(_write, file))

    def _remove(self, name: str) -> None:
        def attempt(system: Any, inner: str) -> None:
            if system.exists(inner):
                system.rm_file(inner)

        self._ask(name, attempt)

    def _has(self, file: Upload, told: dict[str, str]) -> bool:
        try:
            info = self._ask(file.name, lambda system, inner: dict(system.info(inner)))
        except MissingError:
            return False
        if info.get("type") == "directory" or info.get("size") != file.size:
            return False
        mark = _md5(info)
        if mark:
            return mark == file.digest(hashlib.md5(usedforsecurity=False))
        if file.size <= SMALL or scheme_of(self.url) in NEAR:
            return self._ask(file.name, _sha256) == file.sha256
        return told.get(file.name) == file.sha256

    def _told(self) -> dict[str, str]:
        """The digests of parts that the target's manifest names: it was sent behind them."""
        try:
            text = self._ask(MANIFEST, lambda system, inner: system.cat_file(inner))
            manifest = json.loads(text)
            parts = [part for parts in manifest["parts"].values() for part in parts]
            if "dedup" in manifest:
                parts.append(manifest["dedup"]["receipts"])
            return {part["file"]: part["sha256"] for part in parts}
        except (MissingError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _ask(self, name: str, attempt: Callable[[Any, str], Answer]) -> Answer:
        try:
            return self._store.ask(joined(self.url, name), attempt)
        except MissingError:
            raise
        except SourceError as error:
            raise StorageError(str(error)) from error


def _write(file: Upload, system: Any, inner: str) -> None:
    if system.protocol not in BUCKETS and system.protocol[0] not in BUCKETS:
        system.makedirs(system._parent(inner), exist_ok=True)
    with system.open(inner, "wb") as out:
        source = (
            io.BytesIO(file.content) if isinstance(file.content, bytes) else file.content.open("rb")
        )
        with source:
            shutil.copyfileobj(source, out, 8 << 20)
    written = system.info(inner)["size"]
    if written != file.size:
        raise PassingError(f"{written:,} of {file.size:,} bytes arrived")


def _sha256(system: Any, inner: str) -> str:
    made = hashlib.sha256()
    with system.open(inner, "rb") as file:
        while piece := file.read(8 << 20):
            made.update(piece)
    return made.hexdigest()


def _md5(info: dict[str, Any]) -> str:
    """The MD5 that a store tells of a file, in hexadecimal digits; empty if it tells none."""
    etag = str(info.get("ETag") or "").strip('"')
    if MD5.fullmatch(etag):  # with a dash it is of an upload in pieces
        return etag
    try:
        return base64.b64decode(str(info.get("md5Hash") or "")).hex()
    except ValueError:
        return ""

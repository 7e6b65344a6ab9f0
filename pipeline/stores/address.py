"""Where a run folder is: a path of this machine, or a URL that a store answers to.

``s3://`` and ``gs://`` go through Arrow, all else through fsspec. Credentials are not part of a URL that
is shown, noted or written anywhere: stores find them as their own tools do, in the environment and in
configuration files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline.core.errors import ConfigError
from pipeline.runtime.mirror import Mirror, ObjectStore
from pipeline.runtime.storage import RunFolder, is_url
from pipeline.sources.remote import shown
from pipeline.stores.arrow_store import GcsFolder, S3Folder
from pipeline.stores.fsspec_store import FsspecFolder

__all__ = ["run_folder"]

LOCAL = ("file", "local")


def run_folder(out: str | os.PathLike[str] | RunFolder) -> RunFolder:
    """The run folder at a path or URL; nothing is read or made.

    Args:
        out: a path, ``file://``, ``s3://BUCKET/FOLDER``, ``gs://BUCKET/FOLDER``, or what fsspec opens.

    Raises:
        ConfigError: the URL names no folder, has credentials or a query where none belong, or its
            protocol is unknown.
    """
    if isinstance(out, RunFolder):
        return out
    text = os.fspath(out)
    if not is_url(text):
        return RunFolder(Path(text))
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ConfigError("--out is no URL: it has brackets that fit no address") from None
    if parts.query or parts.fragment or "?" in text or "#" in text:
        bare = re.split("[?#]", text, maxsplit=1)[0]
        raise ConfigError(
            f"{shown(bare)}: a URL for an output folder takes no query; credentials and settings are "
            "read from the environment and from fsspec's configuration files"
        )
    if parts.scheme in LOCAL:
        return RunFolder(Path(unquote(parts.path) if parts.netloc == "" else text))
    return RunFolder.mirrored(Mirror.of(_store(parts.scheme, text)))


def _store(scheme: str, url: str) -> ObjectStore:
    if scheme not in ("s3", "s3a", "gs", "gcs"):
        return FsspecFolder(url)
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigError(
            f"{shown(url)}: the URL of a bucket takes no user and no password; see AWS_PROFILE, "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or GOOGLE_APPLICATION_CREDENTIALS"
        )
    folder = f"{parts.netloc}/{parts.path.strip('/')}".rstrip("/")
    if not parts.netloc or ".." in folder.split("/"):
        raise ConfigError(f"{shown(url)}: names no bucket; write {scheme}://BUCKET/FOLDER")
    return S3Folder(folder) if scheme.startswith("s3") else GcsFolder(folder)
